//! How often somebody may be wrong: a token has 80 bits, and nobody gets to try many.

use std::{collections::BTreeMap, net::IpAddr};

/// Wrong tries of one address within [`WINDOW_MS`].
pub const MOST_WRONG: u32 = 5;
/// How long a wrong try counts: ten minutes.
pub const WINDOW_MS: i64 = 600_000;
/// Addresses remembered. When they are full, no new address may try until one is forgotten: someone who comes from
/// that many addresses is no site.
pub const MOST_ADDRESSES: usize = 1024;

/// Wrong tries by address.
#[derive(Clone, Debug, Default)]
pub struct Tries {
    wrong: BTreeMap<IpAddr, (u32, i64)>,
}

impl Tries {
    /// Whether an address may try.
    pub fn may(&mut self, address: IpAddr, now_ms: i64) -> bool {
        self.wrong.retain(|_, (_, since)| now_ms.saturating_sub(*since) < WINDOW_MS);
        match self.wrong.get(&address) {
            Some((wrong, _)) => *wrong < MOST_WRONG,
            None => self.wrong.len() < MOST_ADDRESSES,
        }
    }

    /// Counts a wrong try.
    pub fn wrong(&mut self, address: IpAddr, now_ms: i64) {
        if self.wrong.len() < MOST_ADDRESSES || self.wrong.contains_key(&address) {
            let entry = self.wrong.entry(address).or_insert((0, now_ms));
            entry.0 = entry.0.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn five_wrong_tries_in_ten_minutes_and_the_rest_of_the_world_goes_on() {
        let mut tries = Tries::default();
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..MOST_WRONG {
            assert!(tries.may(one, 0));
            tries.wrong(one, 0);
        }
        assert!(!tries.may(one, WINDOW_MS - 1) && tries.may(two, WINDOW_MS - 1));
        assert!(tries.may(one, WINDOW_MS));
        for n in 0..u32::try_from(MOST_ADDRESSES).unwrap_or(0) + 10 {
            tries.wrong(Ipv4Addr::from_bits(n).into(), WINDOW_MS);
        }
        assert!(!tries.may(two, WINDOW_MS + 1));
        assert!(tries.may(two, 2 * WINDOW_MS));
    }
}
