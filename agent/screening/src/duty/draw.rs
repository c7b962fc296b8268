//! Drawing by lot in a way that can be proved: commit, draw, reveal.
//!
//! ```text
//! commit   SHA-256(seed) is made known before the first candidate
//! draw     number = first 8 bytes, big-endian, of SHA-256(seed || "tidewaiter-draw-1" || ticket || subject)
//!          selected when number < rate x 2^64; the ticket is its 8 bytes, big-endian; the subject UTF-8
//! reveal   the seed is made known after the last candidate, and anyone can draw again
//! ```
//!
//! Whoever holds the seed could foresee a draw, and could not change it; whoever does not can do neither.

use sha2::{Digest, Sha256};
use tidewaiter_drivers::Decimal;

/// The random number of a period.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub [u8; 32]);

impl std::fmt::Debug for Seed {
    /// Without the number: it must not reach a log before it is revealed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// What sets this use of the hash apart, and its version.
const DOMAIN: &[u8] = b"tidewaiter-draw-1";

impl Seed {
    /// What is made known beforehand.
    pub fn commitment(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// The number a ticket draws.
    pub fn number(&self, ticket: u64, subject: &str) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(DOMAIN);
        hash.update(ticket.to_be_bytes());
        hash.update(subject.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        digest.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// Whether a ticket is selected at `rate`, in per cent.
    ///
    /// `None` when the rate is outside 0 to 100 or too finely divided for exact arithmetic.
    pub fn selects(&self, ticket: u64, subject: &str, rate: Decimal) -> Option<bool> {
        selected(self.number(ticket, subject), rate)
    }
}

/// `number < rate / 100 x 2^64`, as `number x 100 x 10^places < digits x 2^64`.
fn selected(number: u64, rate: Decimal) -> Option<bool> {
    let digits = u64::try_from(rate.digits()).ok()?;
    let whole = 10_u128.checked_pow(u32::from(rate.places()))?.checked_mul(100)?;
    if u128::from(digits) > whole {
        return None;
    }
    Some(u128::from(number).checked_mul(whole)? < u128::from(digits).checked_mul(1 << 64)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_ends_of_a_rate_are_exact() {
        // 2^64 / 5 = 3689348814741910323.2
        let rows = [
            (0, "0", false),
            (u64::MAX, "100", true),
            (u64::MAX, "99.999999", false),
            (3_689_348_814_741_910_323, "20", true),
            (3_689_348_814_741_910_324, "20", false),
            ((1 << 63) - 1, "50.0", true),
            (1 << 63, "50.0", false),
        ];
        for (number, rate, expected) in rows {
            assert_eq!(selected(number, decimal(rate)), Some(expected), "{number} {rate}");
        }
        assert_eq!(selected(1, decimal("-1")), None);
        assert_eq!(selected(1, decimal("100.1")), None);
    }

    #[test]
    fn a_seed_never_prints_itself() {
        assert!(!format!("{:?}", Seed([0xab; 32])).to_lowercase().contains("ab"));
    }
}
