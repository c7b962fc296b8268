//! What happened to the wall clock. Records are never re-stamped: these say how older times are to be read.

use super::TimeSource;
use crate::cbor::{CborError, Reader, Writer};

/// The wall clock was set while the agent ran. The monotonic clock went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeStep {
    /// What the wall clock would have shown without the step, UTC milliseconds.
    pub before_ms: i64,
    /// What it showed instead.
    pub after_ms: i64,
    /// The monotonic clock when the step was seen.
    pub mono_ms: u64,
}

/// Now that the clock is known, what the monotonic times of earlier starts mean in UTC.
///
/// For a record of one of these starts: UTC = `mono_ms + offset_ms`, within `err_ms`. Only starts since the host
/// came up can be repaired, since its monotonic clock begins anew with the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRepair {
    /// First start of the agent that this holds for (`boot` in the time block).
    pub from_boot: u64,
    /// Last one, itself included.
    pub to_boot: u64,
    /// To be added to `mono_ms`.
    pub offset_ms: i64,
    /// Bound on the error of the sum, milliseconds.
    pub err_ms: u64,
    /// What the clock was set by.
    pub src: TimeSource,
}

impl TimeStep {
    pub(super) fn write(self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.int(self.before_ms));
            m.int(2, |w| w.int(self.after_ms));
            m.int(3, |w| w.uint(self.mono_ms));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let step = Self {
            before_ms: fields.need(1, Reader::int)?,
            after_ms: fields.need(2, Reader::int)?,
            mono_ms: fields.need(3, Reader::uint)?,
        };
        fields.end()?;
        Ok(step)
    }
}

impl TimeRepair {
    pub(super) fn write(self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.uint(self.from_boot));
            m.int(2, |w| w.uint(self.to_boot));
            m.int(3, |w| w.int(self.offset_ms));
            m.int(4, |w| w.uint(self.err_ms));
            m.int(5, |w| w.uint(self.src.code()));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let at = r.at();
        let mut fields = r.fields()?;
        let repair = Self {
            from_boot: fields.need(1, Reader::uint)?,
            to_boot: fields.need(2, Reader::uint)?,
            offset_ms: fields.need(3, Reader::int)?,
            err_ms: fields.need(4, Reader::uint)?,
            src: fields.need(5, TimeSource::read)?,
        };
        fields.end()?;
        if repair.from_boot <= repair.to_boot {
            Ok(repair)
        } else {
            Err(CborError::Expected { at, expected: "a range of starts that holds one" })
        }
    }
}
