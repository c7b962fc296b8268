//! A port whose bytes abort the process again and again is held off, so that it does not silence the others.
//!
//! A panic ends the process (crash-only: what is sealed is safe), and the service manager starts it again. If the same
//! bytes came again, and again, the whole lane would be gone for one poisonous frame. So the last breath of a process
//! names the port it was working for, one line in a small file; nothing is written while all is well. A start that finds
//! [`ABORTS`] lines of one port within [`WITHIN_MS`] does not open that port for [`HOLD_MS`] after the last of them.
//!
//! An abort by the watchdog counts too: the supervisor writes the line before it stops answering. What no line can be
//! written for (out of memory, a power cut) is not counted. This file decides; reading and writing is in `rim.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Aborts of one port that hold it off.
pub const ABORTS: usize = 3;
/// Within this time, milliseconds.
pub const WITHIN_MS: i64 = 600_000;
/// For how long, milliseconds: then it is tried again.
pub const HOLD_MS: i64 = 3_600_000;
/// Lines kept.
pub const KEPT: usize = 32;

/// One abort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abort {
    /// Port the process was working for.
    pub port: String,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Where in the program, or that it stood still.
    pub why: String,
}

/// The ports to hold off at a start at this wall time, with their aborts that count.
pub fn held_off(aborts: &[Abort], now_ms: i64) -> BTreeMap<String, Vec<Abort>> {
    let ports: BTreeSet<&str> = aborts.iter().map(|it| it.port.as_str()).collect();
    let counting = |port: &str| {
        let mut of: Vec<&Abort> = aborts.iter().filter(|it| it.port == port).collect();
        of.sort_by_key(|it| it.at_ms);
        // The newest run of aborts that lie close together.
        let run = of.windows(ABORTS).rev().find(|run| match (run.first(), run.last()) {
            (Some(first), Some(last)) => last.at_ms.saturating_sub(first.at_ms) <= WITHIN_MS,
            _ => false,
        })?;
        // A clock that was set back since does not hold a port for longer than its time.
        let since = now_ms.saturating_sub(run.last()?.at_ms).abs();
        (since < HOLD_MS).then(|| run.iter().copied().cloned().collect::<Vec<Abort>>())
    };
    ports.into_iter().filter_map(|port| Some((port.to_owned(), counting(port)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_within_ten_minutes_hold_for_an_hour() {
        let at = |port: &str, seconds: i64| Abort { port: port.into(), at_ms: seconds * 1000, why: "x".into() };
        // Aborts of port a at these seconds, the second of the start, whether it is held off
        let rows: [(&[i64], i64, bool); 8] = [
            (&[], 0, false),
            (&[0, 1], 2, false),
            (&[0, 1, 2], 3, true),
            (&[0, 300, 600], 601, true),
            (&[0, 300, 601], 602, false),
            (&[0, 5000, 5001, 5002], 5003, true),
            (&[0, 1, 2], 2 + 3599, true),
            (&[0, 1, 2], 2 + 3600, false),
        ];
        for (seconds, now, held) in rows {
            let aborts: Vec<Abort> = seconds.iter().map(|it| at("a", *it)).chain([at("b", 1)]).collect();
            let found = held_off(&aborts, now * 1000);
            assert_eq!(found.contains_key("a"), held, "{seconds:?} at {now}");
            assert!(!found.contains_key("b"));
        }
        // A port is not blamed for another's.
        assert!(held_off(&[at("a", 0), at("b", 1), at("a", 2)], 3000).is_empty());
        // The clock was set back by a day.
        assert!(held_off(&[at("a", 90_000), at("a", 90_001), at("a", 90_002)], 0).is_empty());
    }
}
