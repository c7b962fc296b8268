//! The counts of a spectrum.

use super::{Content, Reading};
use crate::{
    bounds::MAX_CHANNELS,
    error::{Fault, ReadError},
    lexical::{Lexical, counts, zeroes},
    xml::{Element, Sink},
};

/// Counts per channel, channel 0 first; `ChannelData` in documents.
///
/// Compression is a matter of writing: it is undone when read, and used when it makes the list shorter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelCounts(Vec<u64>);

impl ChannelCounts {
    /// The counts, channel 0 first.
    pub fn as_slice(&self) -> &[u64] {
        &self.0
    }

    /// All counts together; `None` beyond 64 bits.
    pub fn total(&self) -> Option<u64> {
        self.0.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count))
    }
}

impl From<Vec<u64>> for ChannelCounts {
    fn from(counts: Vec<u64>) -> Self {
        Self(counts)
    }
}

impl Content for ChannelCounts {
    fn read(element: &Element, reading: &mut Reading<'_>) -> Result<Self, ReadError> {
        let mut take = super::node::Take::new(element).leaf();
        let code: Option<String> = take.attribute("compressionCode", reading)?;
        take.finish(reading);
        let most = MAX_CHANNELS.min(reading.channels_left);
        let error = |fault| reading.error(element, fault);
        // A compressed list may be half as long again as its channels (`0 1 5` for two of them).
        let values = counts(&element.text, 2 * MAX_CHANNELS).map_err(error)?;
        let expanded = match code.as_deref().map(str::trim) {
            None | Some("" | "None") => values,
            Some("CountedZeroes") => zeroes::expand(&values, most).map_err(error)?,
            Some(other) => return Err(error(Fault::value(other, "the compression code None or CountedZeroes"))),
        };
        if expanded.len() > most {
            return Err(error(Fault::Channels));
        }
        reading.channels_left -= expanded.len();
        Ok(Self(expanded))
    }

    fn write(&self, name: &'static str, out: &mut dyn Sink) {
        let compressed = zeroes::compress(&self.0);
        let shorter = compressed.len() < self.0.len();
        out.start(name);
        out.attribute("compressionCode", if shorter { "CountedZeroes" } else { "None" });
        out.text(name, &if shorter { compressed.print() } else { self.0.print() });
        out.end(name);
    }
}
