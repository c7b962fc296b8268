//! A line that changes what passes over it.
//!
//! Bits flip, each for itself, with a chance that changes from one transaction to the next between 10⁻⁵ and 10⁻²; now
//! and then a byte is lost, doubled or put in, the request comes back as an echo, or the sender stops in the middle of
//! a frame for longer than any frame may.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A noisy line with its chance.
pub(super) struct Noise {
    chance: ChaCha8Rng,
    /// Chance of each bit to flip in this transaction.
    flips: f64,
}

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self { chance: ChaCha8Rng::seed_from_u64(seed), flips: 0.0 }
    }

    /// Another transaction, another line: 10⁻⁵ to 10⁻² in equal steps of the exponent.
    pub(super) fn turn(&mut self) {
        self.flips = 10_f64.powf(self.chance.random_range(-5.0..-2.0));
    }

    /// One of so many.
    pub(super) fn one_in(&mut self, many: u32) -> bool {
        self.chance.random_range(0..many) == 0
    }

    /// Where a frame of this length is broken off.
    pub(super) fn place(&mut self, length: usize) -> usize {
        self.chance.random_range(1..length.max(2))
    }

    /// What arrives of a frame, and whether it is another than was sent.
    pub(super) fn pass(&mut self, frame: &[u8]) -> (Vec<u8>, bool) {
        let mut arrives = Vec::with_capacity(frame.len() + 1);
        for byte in frame {
            let mut byte = *byte;
            for bit in 0..8 {
                if self.chance.random_bool(self.flips) {
                    byte ^= 1 << bit;
                }
            }
            match self.chance.random_range(0..60_000) {
                0..10 => {}
                10..20 => arrives.extend([byte, byte]),
                20..30 => arrives.extend([self.chance.random(), byte]),
                _ => arrives.push(byte),
            }
        }
        let changed = arrives != frame;
        (arrives, changed)
    }
}
