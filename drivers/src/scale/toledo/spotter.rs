//! Whether frames end with a check, found out from a stream.

use super::{Decoder, DummyZeros, Settings};
use crate::wire::{Decode, Event};

/// Frames in a row that must speak for one setting: one check that happens to be 02 must not decide.
pub const SPOTTED_FRAMES: u8 = 3;

/// Finds out, for someone who wires an indicator, whether frames end with a check.
#[derive(Clone, Debug)]
pub struct Spotter {
    with: Decoder,
    without: Decoder,
    good_with: u8,
    good_without: u8,
}

impl Spotter {
    /// A spotter that has seen nothing.
    pub const fn new() -> Self {
        Self {
            with: Decoder::new(Settings { check: true, dummy_zeros: DummyZeros::Apply }),
            without: Decoder::new(Settings { check: false, dummy_zeros: DummyZeros::Apply }),
            good_with: 0,
            good_without: 0,
        }
    }

    /// Takes one byte; tells after [`SPOTTED_FRAMES`] frames in a row whether there is a check.
    ///
    /// A check read without is a byte too much, and a frame without a check fails when read with one, so both
    /// cannot hold for long.
    pub fn push(&mut self, byte: u8) -> Option<bool> {
        match self.with.push(byte) {
            Some(Event::Frame(_)) => self.good_with = self.good_with.saturating_add(1),
            Some(Event::Refused(_) | Event::Garbage(_)) => self.good_with = 0,
            None => {}
        }
        match self.without.push(byte) {
            Some(Event::Frame(_)) => self.good_without = self.good_without.saturating_add(1),
            Some(Event::Refused(_) | Event::Garbage(_)) => self.good_without = 0,
            None => {}
        }
        if self.good_with >= SPOTTED_FRAMES {
            Some(true)
        } else if self.good_without >= SPOTTED_FRAMES {
            Some(false)
        } else {
            None
        }
    }
}

impl Default for Spotter {
    fn default() -> Self {
        Self::new()
    }
}
