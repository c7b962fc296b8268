//! Microseconds since the start, from a counter of 32 bits that wraps.

/// Extends a counter; holds what has passed before the last wrap.
///
/// Somebody must look at least once between two wraps, or one goes unseen: at 25 MHz a counter wraps after 171 s, at
/// 1 MHz after 71 min.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extended {
    last: u32,
    wraps: u32,
}

impl Extended {
    /// Nothing has passed.
    pub const fn new() -> Self {
        Self { last: 0, wraps: 0 }
    }

    /// All counts so far, given the counter now. It counts up; of one that counts down, give its complement.
    pub fn counts(&mut self, counter: u32) -> u64 {
        if counter < self.last {
            self.wraps = self.wraps.wrapping_add(1);
        }
        self.last = counter;
        (u64::from(self.wraps) << 32) | u64::from(counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_go_on_over_a_wrap() {
        let mut clock = Extended::new();
        let rows =
            [(0, 0), (5, 5), (5, 5), (u32::MAX, 0xFFFF_FFFF), (0, 1 << 32), (7, (1 << 32) + 7), (6, (2 << 32) + 6)];
        for (counter, expected) in rows {
            assert_eq!(clock.counts(counter), expected, "counter {counter}");
        }
    }
}
