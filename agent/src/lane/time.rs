//! Times as people at the site read them: local, with the offset. Records stay in UTC.

use jiff::{Timestamp, tz::TimeZone};

fn shown(wall_ms: i64, zone: &TimeZone, format: &str) -> String {
    // A time beyond the calendar is told as its number.
    Timestamp::from_millisecond(wall_ms)
        .map_or_else(|_| format!("{wall_ms} ms"), |at| at.to_zoned(zone.clone()).strftime(format).to_string())
}

/// `2026-11-29 22:35:04 +08:00`.
pub(crate) fn local(wall_ms: i64, zone: &TimeZone) -> String {
    shown(wall_ms, zone, "%Y-%m-%d %H:%M:%S %:z")
}

/// `2026-11-29 22:35:04.120 +08:00`, for readings that follow each other within a second.
pub(in crate::lane) fn local_exact(wall_ms: i64, zone: &TimeZone) -> String {
    shown(wall_ms, zone, "%Y-%m-%d %H:%M:%S%.3f %:z")
}

/// `22:35:04`, beside an axis.
pub(in crate::lane) fn local_clock(wall_ms: i64, zone: &TimeZone) -> String {
    shown(wall_ms, zone, "%H:%M:%S")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn times_have_the_offset_that_was_in_force_then() {
        let check = |zone: &str, wall_ms: i64, expected: &str| {
            assert_eq!(local(wall_ms, &TimeZone::get(zone).unwrap()), expected);
        };
        check("Asia/Shanghai", 1_795_962_904_120, "2026-11-29 22:35:04 +08:00");
        // China had summer time from 1986 to 1991.
        check("Asia/Shanghai", 583_000_000_000, "1988-06-23 01:26:40 +09:00");
        check("UTC", -1, "1969-12-31 23:59:59 +00:00");
        check("Asia/Shanghai", i64::MAX, "9223372036854775807 ms");
        assert_eq!(
            local_exact(1_795_962_904_120, &TimeZone::get("Asia/Shanghai").unwrap()),
            "2026-11-29 22:35:04.120 +08:00"
        );
    }
}
