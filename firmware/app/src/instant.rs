//! Instants are microseconds since the start, `u64`; what lies between two of them fits 32 bits wherever it is looked at.

/// From `then` to `now`, µs: 0 where that is the wrong way round, [`u32::MAX`] for that and more, 71 min.
// Out of line: a difference of 64 bits that stays at its ends is asked for everywhere.
#[inline(never)]
pub fn since(now: u64, then: u64) -> u32 {
    u32::try_from(now.saturating_sub(then)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::since;

    #[test]
    fn spans_stay_at_their_ends() {
        let most = u64::from(u32::MAX);
        let rows =
            [(7, 7, 0), (8, 7, 1), (7, 8, 0), (0, u64::MAX, 0), (most, 0, u32::MAX), (most + 6, 7, u32::MAX - 1)];
        for (now, then, span) in rows.into_iter().chain([(most + 8, 7, u32::MAX), (u64::MAX, 0, u32::MAX)]) {
            assert_eq!(since(now, then), span, "{then} to {now}");
        }
    }
}
