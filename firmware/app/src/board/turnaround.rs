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

    /// Counts a reply that took so many µs.
    pub fn count(&mut self, took: u32) {
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
        for took in [50, 51, 1_000, 1_001, 90_000, 0, u32::MAX] {
            counted.count(took);
        }
        assert_eq!(counted, Turnaround { classes: [2, 1, 0, 0, 1, 1, 2], longest_us: u32::MAX });
    }
}
