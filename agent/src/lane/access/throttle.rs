//! How often somebody may try a password.
//!
//! A fixed table of slots, chosen by a keyed hash: nothing grows, nothing is pushed out by many names or addresses, a
//! name that exists and one that does not are treated alike, and nobody outside can choose whom they share a slot with.
//! A try is counted when it begins, so that a hundred at once are a hundred.

use std::hash::{BuildHasher, Hash, RandomState};

/// Slots of a table.
const SLOTS: usize = 4096;
/// Tries that cost no wait: a person mistypes.
pub(crate) const FREE: u32 = 5;
/// After so long without a try a slot is as new.
const FORGET_MS: u64 = 30 * 60_000;

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    tries: u32,
    /// No further try before this; monotonic.
    until_ms: u64,
    last_ms: u64,
}

/// Tries by name or by address.
#[derive(Debug)]
pub(crate) struct Throttle {
    slots: Box<[Slot]>,
    hasher: RandomState,
    longest_ms: u64,
}

impl Throttle {
    /// A table whose waits double from a second up to `longest_ms`.
    pub(crate) fn new(longest_ms: u64) -> Self {
        Self { slots: vec![Slot::default(); SLOTS].into(), hasher: RandomState::new(), longest_ms }
    }

    fn slot(&mut self, key: impl Hash) -> Option<&mut Slot> {
        let number = self.hasher.hash_one(key) % self.slots.len() as u64;
        self.slots.get_mut(usize::try_from(number).ok()?)
    }

    /// Begins a try, or says for how many milliseconds there is none.
    pub(crate) fn begin(&mut self, key: impl Hash, now_ms: u64) -> Result<(), u64> {
        let longest = self.longest_ms;
        let Some(slot) = self.slot(key) else { return Err(longest) };
        if now_ms < slot.until_ms {
            return Err(slot.until_ms - now_ms);
        }
        if now_ms.saturating_sub(slot.last_ms) >= FORGET_MS {
            *slot = Slot::default();
        }
        slot.tries = slot.tries.saturating_add(1);
        slot.last_ms = now_ms;
        if slot.tries >= FREE {
            let wait = 1_000_u64.checked_shl(slot.tries - FREE).filter(|it| *it > 0).unwrap_or(longest);
            slot.until_ms = now_ms + wait.min(longest);
        }
        Ok(())
    }

    /// The try was right.
    pub(crate) fn right(&mut self, key: impl Hash) {
        if let Some(slot) = self.slot(key) {
            *slot = Slot::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut throttle = Throttle::new(60_000);
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..14 {
            throttle.begin("lina", now).expect("the wait is over");
            let wait = throttle.begin("lina", now).err().unwrap_or(0);
            if wait == 0 {
                // The second try was free as well, and has been counted.
                continue;
            }
            waits.push(wait / 1_000);
            now += wait;
        }
        assert_eq!(waits.get(..7), Some(&[1, 2, 4, 8, 16, 32, 60][..]));
        assert_eq!(waits.last(), Some(&60));
        assert!(throttle.begin("wang", now).is_ok(), "another name waits for nothing");
        throttle.right("lina");
        assert!((0..u64::from(FREE)).all(|_| throttle.begin("lina", now).is_ok()));
        assert!(throttle.begin("lina", now + FORGET_MS).is_ok());
    }

    #[test]
    fn a_day_of_guessing_at_one_name_stays_hopeless() {
        let mut throttle = Throttle::new(60_000);
        let tries = (0..86_400_000_u64).step_by(250).filter(|now| throttle.begin("lina", *now).is_ok()).count();
        assert!(tries < 1_460, "{tries} guesses a day at a password of ten characters");
    }

    #[test]
    fn very_many_tries_neither_overflow_nor_open() {
        let mut throttle = Throttle::new(60_000);
        let mut now = 0;
        for _ in 0..200 {
            if let Err(wait) = throttle.begin("lina", now) {
                now += wait;
            }
        }
        assert!(throttle.begin("lina", now).is_ok() && throttle.begin("lina", now) == Err(60_000));
    }
}
