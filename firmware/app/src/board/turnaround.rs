//! How long a reply takes, once the silence that ends the request has passed.
//!
//! The client may send its next request as soon as it has the reply; what counts is the time of the node alone. It is
//! counted in classes, for a mean hides the one reply that came late, and a list has no end.

/// Upper bounds of the classes, µs; the last class has none.
pub const BOUNDS_US: [u32; 6] = [50, 100, 250, 500, 1_000, 2_000];

/// Replies by the time they took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turnaround {
    /// Replies of each class of [`BOUNDS_US`], and those beyond.
    pub classes: [u32; 7],
    /// The longest, µs.
    pub longest_us: u32,
}

impl Turnaround {
    /// No replies yet.
    pub const fn new() -> Self {
        Self { classes: [0; 7], longest_us: 0 }
    }

    /// Counts a reply: the silence ended at `silent`, its first byte was given to the transmitter at `sent`, µs.
    pub fn count(&mut self, silent: u64, sent: u64) {
        let took = u32::try_from(sent.saturating_sub(silent)).unwrap_or(u32::MAX);
        self.longest_us = self.longest_us.max(took);
        let class = BOUNDS_US.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS_US.len());
        if let Some(count) = self.classes.get_mut(class) {
            *count = count.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_fall_into_their_classes() {
        let mut counted = Turnaround::new();
        for (silent, sent) in [(0, 50), (10, 61), (0, 1_000), (0, 1_001), (0, 90_000), (5, 4), (0, u64::MAX)] {
            counted.count(silent, sent);
        }
        assert_eq!(counted, Turnaround { classes: [2, 1, 0, 0, 1, 1, 2], longest_us: u32::MAX });
    }
}
