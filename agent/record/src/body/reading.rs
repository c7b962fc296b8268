//! One reading of its own, outside any inspection: a single shot at a laboratory bench, asked for by a person.

use super::{Context, Flags, Reading, value::owned};
use crate::cbor::{CborError, Reader, Writer};

/// Media type of [`encode_readings`].
pub const READINGS_MEDIA: &str = "application/vnd.tidewaiter.readings+cbor";

/// The readings of an inspection as evidence: one array of `reading` as in `record.cddl`, deterministic.
pub fn encode_readings(readings: &[Reading]) -> Vec<u8> {
    let mut w = Writer::new();
    w.list(readings, |w, it| it.write(w));
    w.finish()
}

/// Reads what [`encode_readings`] wrote.
///
/// # Errors
///
/// Refuses everything else, bytes after the array included.
pub fn decode_readings(bytes: &[u8]) -> Result<Vec<Reading>, CborError> {
    let mut r = Reader::new(bytes);
    let readings = r.list(Reading::read)?;
    r.end()?;
    Ok(readings)
}

/// A reading that is a record of its own: kind 1 where it has a value, kind 2 where it says why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleReading {
    /// Simulated, drill.
    pub flags: Flags,
    /// What was read, with the bytes it was read from.
    pub reading: Reading,
    /// Who asked for it.
    pub operator: Option<String>,
    /// The sample it was taken of.
    pub sample: Option<String>,
    /// Software and configuration.
    pub context: Context,
}

impl SingleReading {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(0, |w| self.flags.write(w));
            m.int(1, |w| self.reading.write(w));
            m.optional(2, self.operator.as_ref(), |w, it| w.text(it));
            m.optional(3, self.sample.as_ref(), |w, it| w.text(it));
            m.int(4, |w| self.context.write(w));
        });
    }

    /// `has_value` says which of the two kinds it is: the other outcome is malformed.
    pub(super) fn read(r: &mut Reader<'_>, has_value: bool) -> Result<Self, CborError> {
        let at = r.at();
        let mut fields = r.fields()?;
        let single = Self {
            flags: fields.need(0, Flags::read)?,
            reading: fields.need(1, Reading::read)?,
            operator: fields.optional(2, owned)?,
            sample: fields.optional(3, owned)?,
            context: fields.need(4, Context::read)?,
        };
        fields.end()?;
        if single.reading.outcome.is_ok() == has_value {
            Ok(single)
        } else {
            Err(CborError::Expected { at, expected: "a value in kind 1, the reason why there is none in kind 2" })
        }
    }
}
