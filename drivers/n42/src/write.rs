//! A document to text.

use crate::{Document, WriteError, check::check, model::Content, xml::Out};

/// Writes a document: UTF-8, the schema's element order, spectra zero-compressed where that is shorter.
///
/// What is written keeps every rule of [`check`] that does not need a clock, so it is valid against the
/// standard's schema and keeps the rules its Schematron adds.
///
/// # Errors
///
/// The first [`Breach`](crate::Breach), or a character that XML cannot carry. Nothing is written then.
pub fn write(document: &Document) -> Result<String, WriteError> {
    if let Some(breach) = check(document, None).into_iter().find(|breach| !breach.rule.is_advice()) {
        return Err(breach.into());
    }
    let mut out = Out::new();
    document.write("RadInstrumentData", &mut out);
    out.finish()
}
