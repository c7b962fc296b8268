//! Least and greatest value of each channel since someone last asked.

use tidewaiter_node::block::{CHANNELS, Channel, Sample, State};

/// The extremes of all channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extremes([(i32, i32); CHANNELS]);

impl Extremes {
    /// None yet: the least is the greatest number there is, and the other way round.
    pub const fn new() -> Self {
        Self([(i32::MAX, i32::MIN); CHANNELS])
    }

    /// Takes a sample of a channel; one without a fresh value changes nothing.
    pub fn take(&mut self, channel: Channel, sample: Sample) {
        if let (State::Good | State::Unstable, Some((least, greatest))) =
            (sample.state, self.0.get_mut(usize::from(channel as u8)))
        {
            *least = sample.value.min(*least);
            *greatest = sample.value.max(*greatest);
        }
    }

    /// Least and greatest of each channel.
    pub fn all(&self) -> impl Iterator<Item = i32> + '_ {
        self.0.iter().flat_map(|&(least, greatest)| [least, greatest])
    }
}

impl Default for Extremes {
    fn default() -> Self {
        Self::new()
    }
}
