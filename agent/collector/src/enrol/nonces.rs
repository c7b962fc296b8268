//! Numbers that serve once: a renewal that was overheard cannot be sent again.
//!
//! ```text
//! nonce = time (8) | salt (8) | first 16 bytes of SHA-256(secret | time | salt)
//! ```
//!
//! Nothing is remembered of a nonce that is given out, so asking for many fills nothing; only those that were used
//! with a valid proof are, until they run out.

use std::collections::BTreeMap;

use tidewaiter_record::Hash;

/// How long a nonce is good for: five minutes.
pub const GOOD_MS: i64 = 300_000;
/// Used ones remembered. Each stands for a valid proof within five minutes, so it is a fleet's worth.
pub const MOST_USED: usize = 65_536;

/// Gives nonces and takes them once.
pub struct Nonces {
    secret: [u8; 32],
    used: BTreeMap<[u8; 32], i64>,
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Nonces({} used)", self.used.len())
    }
}

impl Nonces {
    /// With a secret of this run.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret, used: BTreeMap::new() }
    }

    /// A nonce made at `now_ms` with eight random bytes.
    pub fn give(&self, salt: [u8; 8], now_ms: i64) -> [u8; 32] {
        self.made(now_ms.to_be_bytes(), salt)
    }

    /// Whether a nonce is ours and not too old; may be asked again.
    pub fn is_good(&self, nonce: &[u8; 32], now_ms: i64) -> bool {
        let Some((time, rest)) = nonce.split_first_chunk::<8>() else { return false };
        let Some((salt, _)) = rest.split_first_chunk::<8>() else { return false };
        let age = now_ms.saturating_sub(i64::from_be_bytes(*time));
        *nonce == self.made(*time, *salt) && (0..GOOD_MS).contains(&age) && !self.used.contains_key(nonce)
    }

    /// Takes it: it serves no second time. `false` when it is not good, or when too many were used.
    pub fn take(&mut self, nonce: [u8; 32], now_ms: i64) -> bool {
        self.used.retain(|_, at_ms| now_ms.saturating_sub(*at_ms) < GOOD_MS);
        let good = self.is_good(&nonce, now_ms) && self.used.len() < MOST_USED;
        if good {
            self.used.insert(nonce, now_ms);
        }
        good
    }

    fn made(&self, time: [u8; 8], salt: [u8; 8]) -> [u8; 32] {
        let mut hashed = self.secret.to_vec();
        hashed.extend(time);
        hashed.extend(salt);
        let hash = Hash::of(&hashed).0;
        let bytes = time.into_iter().chain(salt).chain(hash.into_iter().take(16));
        let mut nonce = [0; 32];
        nonce.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_ours_young_and_serves_once() {
        let mut nonces = Nonces::new([1; 32]);
        let nonce = nonces.give([2; 8], 1_000);
        assert!(nonces.is_good(&nonce, 1_000) && nonces.is_good(&nonce, 1_000 + GOOD_MS - 1));
        assert!(!nonces.is_good(&nonce, 999) && !nonces.is_good(&nonce, 1_000 + GOOD_MS));
        assert!(!Nonces::new([3; 32]).is_good(&nonce, 1_000));
        for at in 0..nonce.len() {
            let mut bent = nonce;
            bent.iter_mut().skip(at).take(1).for_each(|it| *it ^= 1);
            assert!(!nonces.is_good(&bent, 1_000), "{at}");
        }
        assert!(nonces.take(nonce, 2_000));
        assert!(!nonces.take(nonce, 2_000));
    }
}
