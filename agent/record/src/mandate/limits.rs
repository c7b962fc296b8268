//! The limits: every limit table that may judge, approved by people of role limits.
//!
//! ```text
//! limits   = { 1: version, 2: [* approved], 3: expires_at_beacon }
//! approved = [id, edition, sha256, length, valid_from, on_expiry]
//! ```

use jiff::civil::Date;

use super::{Kind, MandateError, Signed};
use crate::{
    cbor::{CborError, Reader, Writer},
    id::Hash,
};

/// The largest table file, in bytes.
pub const MAX_TABLE_BYTES: usize = 256 * 1024;

/// What becomes of a table when nothing fresh has come for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnExpiry {
    /// It goes on judging, and the chain says that it is stale.
    KeepAndFlag,
    /// It judges no longer: what needs it is inconclusive.
    Refuse,
}

impl OnExpiry {
    /// As a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::KeepAndFlag => "keep-and-flag",
            Self::Refuse => "refuse",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::KeepAndFlag, Self::Refuse].into_iter().find(|it| it.word() == word)
    }
}

/// One approved table file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// Table.
    pub id: String,
    /// Edition.
    pub edition: String,
    /// SHA-256 of the file.
    pub hash: Hash,
    /// Its length in bytes.
    pub length: u64,
    /// The first sampling date it judges: `effective_from` of the file.
    pub valid_from: Date,
    /// When it is no longer fresh.
    pub on_expiry: OnExpiry,
}

/// All approved tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rises with each change.
    pub version: u64,
    /// The tables; no (id, edition) twice.
    pub tables: Vec<Approved>,
    /// The last beacon at which this is fresh.
    pub expires_at_beacon: u64,
}

impl Limits {
    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(|m| {
            m.int(1, |w| w.uint(self.version));
            m.int(2, |w| {
                w.list(&self.tables, |w, it| {
                    w.array(6);
                    w.text(&it.id);
                    w.text(&it.edition);
                    w.bytes(&it.hash.0);
                    w.uint(it.length);
                    w.text(&it.valid_from.to_string());
                    w.text(it.on_expiry.word());
                });
            });
            m.int(3, |w| w.uint(self.expires_at_beacon));
        });
        w.finish()
    }

    /// Reads limits; who signed them is not looked at.
    ///
    /// # Errors
    ///
    /// Refuses another shape, a table twice, and a length that no table may have.
    pub fn read(signed: &Signed<'_>) -> Result<Self, MandateError> {
        let limits = fields(signed.payload()).map_err(|why| MandateError::Payload { kind: Kind::Limits, why })?;
        let unsound = |why: String| MandateError::Unsound { kind: Kind::Limits, why };
        for (at, it) in limits.tables.iter().enumerate() {
            if it.length == 0 || it.length > MAX_TABLE_BYTES as u64 {
                return Err(unsound(format!(
                    "table {} {} of {} bytes; 1 to {MAX_TABLE_BYTES}",
                    it.id, it.edition, it.length
                )));
            }
            if limits.tables.iter().take(at).any(|other| other.id == it.id && other.edition == it.edition) {
                return Err(unsound(format!("table {} {} is there twice", it.id, it.edition)));
            }
        }
        Ok(limits)
    }

    /// The entry of an edition with this content.
    pub fn approves(&self, id: &str, edition: &str, hash: Hash) -> Option<&Approved> {
        self.tables.iter().find(|it| it.id == id && it.edition == edition && it.hash == hash)
    }
}

fn fields(payload: &[u8]) -> Result<Limits, CborError> {
    let mut r = Reader::new(payload);
    let mut fields = r.fields()?;
    let limits = Limits {
        version: fields.need(1, Reader::uint)?,
        tables: fields.need(2, |r| r.list(approved))?,
        expires_at_beacon: fields.need(3, Reader::uint)?,
    };
    fields.end()?;
    Ok(limits)
}

fn approved(r: &mut Reader<'_>) -> Result<Approved, CborError> {
    r.array(6)?;
    let (id, edition) = (r.text()?.to_owned(), r.text()?.to_owned());
    let (hash, length) = (Hash(r.fixed()?), r.uint()?);
    let at = r.at();
    let date = r.text()?;
    // One spelling per date, so that two readers never differ about it.
    let valid_from = date
        .parse::<Date>()
        .ok()
        .filter(|it| it.to_string() == date)
        .ok_or(CborError::Expected { at, expected: "a date as YYYY-MM-DD" })?;
    let at = r.at();
    let on_expiry =
        OnExpiry::from_word(r.text()?).ok_or(CborError::Expected { at, expected: "keep-and-flag or refuse" })?;
    Ok(Approved { id, edition, hash, length, valid_from, on_expiry })
}
