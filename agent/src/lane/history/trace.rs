//! The readings behind an inspection: as pictures over time, and one by one with their bytes.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use tidewaiter_n42::analysis::approximate;
use tidewaiter_record::body::Reading;
use tidewaiter_words::{Language, quantity, say, terms};

use super::{
    block::{Block, Cell},
    plot::{self, Series},
    time,
};

/// Channels drawn of one inspection.
const MOST_CHANNELS: usize = 8;
/// Readings listed on a page; all of them are in the record and its evidence.
const MOST_LISTED: usize = 400;
/// Bytes of one reading shown.
const MOST_BYTES: usize = 96;

/// Pictures of every channel that has values at two moments.
pub(super) fn pictures(readings: &[Reading], zone: &TimeZone, language: Language) -> Vec<Block> {
    let mut channels: BTreeMap<(&str, &str), Vec<&Reading>> = BTreeMap::new();
    for reading in readings {
        channels.entry((&reading.instrument, &reading.channel)).or_default().push(reading);
    }
    let mut series: Vec<Series> = Vec::new();
    let mut left_out = 0_usize;
    for ((instrument, channel), readings) in channels {
        let first = readings.iter().map(|it| it.at.wall_ms).min();
        let last = readings.iter().map(|it| it.at.wall_ms).max();
        let unit = readings.iter().find_map(|it| it.outcome.ok().map(|it| it.unit.code()));
        let Some(code) = unit.filter(|_| first != last) else { continue };
        if series.len() >= MOST_CHANNELS {
            left_out += 1;
            continue;
        }
        let unit = quantity::unit(language, code);
        // Values of another unit on one axis would lie about each other.
        let value = |it: &Reading| it.outcome.ok().filter(|it| it.unit.code() == code).map(|it| approximate(it.value));
        series.push(Series {
            name: format!(
                "{instrument} {channel}{}",
                if unit.is_empty() { String::new() } else { format!(" ({unit})") }
            ),
            points: readings.iter().map(|it| (it.at.wall_ms, value(it))).collect(),
        });
    }
    let title = say(language, "record-trace", &[]);
    let mut blocks: Vec<Block> = plot::trace(&series, zone, &title).map(Block::Svg).into_iter().collect();
    if left_out > 0 {
        blocks.push(Block::Said(say(language, "record-channels-more", &[("count", left_out.into())]), "quiet"));
    }
    blocks
}

/// Readings one by one: digits as displayed, unit, quality, and the bytes they were read from.
pub(super) fn listed(readings: &[Reading], zone: &TimeZone, language: Language) -> Vec<Block> {
    let heading = |id: &str| say(language, &format!("record-{id}"), &[]);
    let head = ["time", "instrument", "channel", "value", "unit", "quality", "raw"].map(heading).to_vec();
    let rows = readings.iter().take(MOST_LISTED).map(|it| {
        let (value, unit, quality) = outcome(it.outcome, language);
        vec![
            Cell::text(time::local_exact(it.at.wall_ms, zone)),
            Cell::text(&it.instrument),
            Cell::text(&it.channel),
            value,
            unit,
            quality,
            Cell::code(bytes(&it.raw)),
        ]
    });
    let mut blocks = vec![Block::Table { head, rows: rows.collect() }];
    let left_out = readings.len().saturating_sub(MOST_LISTED);
    if left_out > 0 {
        blocks.push(Block::Said(say(language, "record-readings-more", &[("count", left_out.into())]), "quiet"));
    }
    blocks
}

/// Digits, unit and quality; or why there is no value, in the place of the digits.
pub(super) fn outcome(outcome: tidewaiter_drivers::reading::Outcome, language: Language) -> (Cell, Cell, Cell) {
    match outcome {
        Ok(shown) => {
            let word = shown.quality.word();
            let class = if word == "good" { "" } else { "warn" };
            (
                Cell::number(shown.value.to_string()),
                Cell::text(quantity::unit(language, shown.unit.code())),
                Cell::text(terms::quality(language, word)).with(class),
            )
        }
        Err(missing) => {
            let why = terms::missing(language, missing.word(), missing.code());
            (Cell::text(why).with("warn"), Cell::default(), Cell::default())
        }
    }
}

/// Bytes as hexadecimal with the printable ones beside: `53 54 2c  ST,`.
fn bytes(raw: &[u8]) -> String {
    if raw.is_empty() {
        return String::new();
    }
    let shown = raw.get(..MOST_BYTES).unwrap_or(raw);
    let more = if shown.len() < raw.len() { " …" } else { "" };
    let hex: Vec<String> = shown.iter().map(|it| format!("{it:02x}")).collect();
    let ascii: String =
        shown.iter().map(|it| if it.is_ascii_graphic() || *it == b' ' { char::from(*it) } else { '·' }).collect();
    format!("{}{more}  {ascii}{more}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_with_their_characters_beside() {
        assert_eq!(bytes(b"ST,+1.5\r\n"), "53 54 2c 2b 31 2e 35 0d 0a  ST,+1.5··");
        assert_eq!(bytes(b""), "");
        assert!(bytes(&[0xff; 200]).ends_with("· …"));
    }
}
