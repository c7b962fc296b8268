//! Durations and sizes as people write them: a whole number and a unit.

use std::time::Duration;

const DURATION_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZE_UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// A text that is not a quantity, with the text that was probably meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// What to write instead, without quotes, if it can be guessed.
    pub(super) meant: Option<String>,
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

fn read(text: &str, units: &[(&str, u64)], meant: impl Fn(&str, &str) -> Option<String>) -> Result<u64, Unreadable> {
    let (number, unit) = split(text);
    let whole = number.parse::<u64>().ok();
    let factor = units.iter().find(|(name, _)| *name == unit).map(|&(_, factor)| factor);
    match (whole, factor) {
        (Some(whole), Some(factor)) => whole.checked_mul(factor).ok_or(Unreadable { meant: None }),
        _ => Err(Unreadable { meant: meant(number, unit) }),
    }
}

/// Reads `500 ms`, `3 s`, `10 min`, `40 h`, `30 d`.
pub(super) fn duration(text: &str) -> Result<Duration, Unreadable> {
    read(text, &DURATION_UNITS, |number, unit| {
        let name = match unit.to_lowercase().as_str() {
            "" | "s" | "sec" | "secs" | "second" | "seconds" | "秒" => "s",
            "ms" | "msec" | "millisecond" | "milliseconds" | "毫秒" => "ms",
            "m" | "min" | "mins" | "minute" | "minutes" | "分" | "分钟" => "min",
            "h" | "hr" | "hrs" | "hour" | "hours" | "小时" => "h",
            "d" | "day" | "days" | "天" => "d",
            _ => return None,
        };
        finer(number, name, &[("d", "h", 24), ("h", "min", 60), ("min", "s", 60), ("s", "ms", 1000)])
    })
    .map(Duration::from_millis)
}

/// Reads `512 MiB`, `2 GiB`.
pub(super) fn size(text: &str) -> Result<u64, Unreadable> {
    read(text, &SIZE_UNITS, |number, unit| {
        let name = match unit.to_lowercase().as_str() {
            "k" | "kb" | "kib" => "KiB",
            "m" | "mb" | "mib" | "兆" => "MiB",
            "g" | "gb" | "gib" => "GiB",
            "t" | "tb" | "tib" => "TiB",
            "" | "b" | "bytes" => {
                return number.parse::<u64>().ok().map(|bytes| format!("{} MiB", bytes.div_ceil(1 << 20)));
            }
            _ => return None,
        };
        finer(number, name, &[("TiB", "GiB", 1024), ("GiB", "MiB", 1024), ("MiB", "KiB", 1024)])
    })
}

/// Writes `1.5 h` as `90 min`: one fraction moves to the next smaller unit, if it comes out whole.
fn finer(number: &str, unit: &str, smaller: &[(&str, &str, u64)]) -> Option<String> {
    if let Ok(whole) = number.parse::<u64>() {
        return Some(format!("{whole} {unit}"));
    }
    let (whole, fraction) = number.split_once('.')?;
    let (_, below, factor) = smaller.iter().find(|(from, _, _)| *from == unit)?;
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let digits = format!("{whole}{fraction}").parse::<u64>().ok()?.checked_mul(*factor)?;
    (digits % scale == 0).then(|| format!("{} {below}", digits / scale))
}

/// Writes a duration the way this file reads it, in the largest unit that leaves a whole number.
pub(crate) fn show_duration(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (name, factor) =
        DURATION_UNITS.iter().rev().find(|(_, factor)| ms >= *factor && ms % factor == 0).copied().unwrap_or(("ms", 1));
    format!("{} {name}", ms / factor)
}

/// Writes a size the way this file reads it, rounded up to whole units.
pub(crate) fn show_size(bytes: u64) -> String {
    let (name, factor) =
        SIZE_UNITS.iter().rev().find(|(_, factor)| bytes >= 10 * *factor).copied().unwrap_or(("KiB", 1 << 10));
    format!("{} {name}", bytes.div_ceil(factor))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn durations_read_and_print() {
        for (text, ms) in [
            ("500 ms", 500),
            ("3 s", 3_000),
            ("3s", 3_000),
            ("10 min", 600_000),
            ("40 h", 144_000_000),
            ("30 d", 2_592_000_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for (ms, text) in [(500, "500 ms"), (90_000, "90 s"), (600_000, "10 min"), (2_592_000_000, "30 d"), (0, "0 ms")]
        {
            assert_eq!(show_duration(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn says_what_was_meant() {
        let meant = |text| duration(text).unwrap_err().meant;
        assert_eq!(meant("3 sec").as_deref(), Some("3 s"));
        assert_eq!(meant("3").as_deref(), Some("3 s"));
        assert_eq!(meant("1.5 h").as_deref(), Some("90 min"));
        assert_eq!(meant("10m").as_deref(), Some("10 min"));
        assert_eq!(meant("0.5 s").as_deref(), Some("500 ms"));
        assert_eq!(meant("5 分钟").as_deref(), Some("5 min"));
        assert_eq!(meant("soon"), None);
        assert_eq!(meant("-3 s"), None);
        assert_eq!(meant("99999999999999999999 d"), None);
        assert_eq!(size("512 MB").unwrap_err().meant.as_deref(), Some("512 MiB"));
        assert_eq!(size("1.5 GiB").unwrap_err().meant.as_deref(), Some("1536 MiB"));
        assert_eq!(size("536870912").unwrap_err().meant.as_deref(), Some("512 MiB"));
        assert_eq!(size("512 MiB"), Ok(512 << 20));
        assert_eq!(show_size(512 << 20), "512 MiB");
    }
}
