//! Text to a document.

use crate::{
    Document, Fault, Notices, ReadError,
    model::{Content, Reading},
    xml::{Positions, Space, decode, parse},
};

/// A document and what was left out of it or forgiven.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The document.
    pub document: Document,
    /// What this crate has no place for, or had to read generously.
    pub notices: Notices,
}

/// Reads an N42.42-2011 document.
///
/// Forgiving where that cannot change a value: byte order marks, UTF-16, prefixes, element order, unknown elements
/// and attributes, names with blanks, a namespace spelt otherwise or left out. Strict with values: a duration,
/// time, code or count that is not of its type refuses the document, because half a measurement is believed as a
/// whole one. Rules between elements are left to [`check`](crate::check()).
///
/// # Errors
///
/// The first fault, with line, column and element. Documents beyond [`bounds`](crate::bounds), with a document
/// type or with entities are refused.
///
/// # Examples
///
/// ```
/// let error = tidewaiter_n42::read(b"<RadInstrumentData xmlns='http://physics.nist.gov/N42/2011/N42'/>").unwrap_err();
/// assert_eq!(error.to_string(), "line 1, column 1, RadInstrumentData: element RadInstrumentInformation is missing");
/// ```
pub fn read(bytes: &[u8]) -> Result<Read, ReadError> {
    let source = decode(bytes)?;
    let mut positions = Positions::new(&source);
    let root = parse(&source, &mut positions)?;
    if root.name == "N42InstrumentData" {
        return Err(positions.error(root.at, &root.name, Fault::Edition2006));
    }
    if root.name != "RadInstrumentData" || root.space != Space::N42 {
        let fault = Fault::Root(crate::error::shortened(&root.name));
        return Err(positions.error(root.at, &root.name, fault));
    }
    let mut reading = Reading::new(positions);
    let document = Document::read(&root, &mut reading)?;
    Ok(Read { document, notices: reading.into_notices() })
}
