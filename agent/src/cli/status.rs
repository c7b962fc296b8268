//! `tidewaiter status`: how the agent stands, as a page for a terminal and as stable lines for a pipe.

use std::{thread, time::Duration};

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tidewaiter_console::{Tone, cell, language, paint, table};
use tidewaiter_words::{knows, terms};

use super::{
    FINDING, Failure, OK, Outcome, Place, operate,
    output::{outln, said},
    show::{pretty, text},
};
use crate::{lane::local_time, outbox::Archive};

/// Results shown.
const RESULTS: usize = 10;
/// Limit tables shown; a site with more asks `tidewaiter limits show`.
const TABLES: usize = 12;

/// Options of `tidewaiter status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Show it again and again in the same place, until Ctrl-C.
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// With --watch: seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, requires = "watch", value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    #[command(flatten)]
    place: Place,
}

pub(super) fn status(args: &StatusArgs) -> Outcome {
    if !args.watch {
        return once(args, false);
    }
    loop {
        once(args, true)?;
        thread::sleep(Duration::from_secs(args.every));
    }
}

fn once(args: &StatusArgs, again: bool) -> Outcome {
    let asked = args.place.address()?.and_then(|address| operate::get(address, "status").ok());
    let (report, code) = match asked {
        Some(report) => {
            let code = if report.get("not_recording").is_some_and(|why| !why.is_null()) { FINDING } else { OK };
            (report, code)
        }
        None => (by_store(&args.place)?, OK),
    };
    if args.json {
        outln!("{}", pretty(&report));
        return Ok(code);
    }
    let mut page = Vec::new();
    if report.get("running").is_some() {
        stored(&report, &mut page);
    } else {
        running(&report, &mut page);
    }
    if again && tidewaiter_console::width().is_some() {
        // Home, then clear what is below: no flicker, and the scroll-back keeps what was there before.
        outln!("\u{1b}[H\u{1b}[J{}", page.join("\n"));
    } else {
        outln!("{}", page.join("\n"));
    }
    Ok(code)
}

/// No agent runs: what the store says.
fn by_store(place: &Place) -> Result<Value, Failure> {
    let archive = Archive::open(&place.data_dir()?).map_err(Failure::environment)?;
    let summary = archive.summary().map_err(Failure::environment)?;
    Ok(json!({
        "running": false,
        "chain": summary.chain.to_string(),
        "oldest": summary.oldest,
        "head": summary.head,
        "receipted": summary.receipted,
    }))
}

fn stored(report: &Value, page: &mut Vec<String>) {
    let number = |key: &str| match report.get(key).and_then(Value::as_u64) {
        Some(seq) => format!("#{seq}"),
        None => said!("status-none"),
    };
    page.push(paint(Tone::Warn, &said!("status-no-agent")));
    page.push(said!("status-chain", chain = text(report, "/chain")));
    page.push(said!(
        "status-stored",
        oldest = number("oldest"),
        head = number("head"),
        receipted = number("receipted")
    ));
}

fn running(report: &Value, page: &mut Vec<String>) {
    let head = said!(
        "status-head",
        software = text(report, "/software"),
        site = text(report, "/site"),
        agent = text(report, "/agent")
    );
    page.push(paint(Tone::Head, &head));
    if let Some(hash) = report.get("software_hash").and_then(Value::as_str) {
        page.push(paint(Tone::Faint, &said!("status-executable", hash = hash)));
    }
    if let Some(why) = report.get("log_fork").and_then(Value::as_str) {
        page.push(paint(Tone::Bad, &said!("status-log-fork", why = why)));
    }
    recording(report, page);
    records(report, page);
    uplink(report, page);
    if let Some(quality) = report.pointer("/clock/quality").and_then(Value::as_str) {
        let error = report.pointer("/clock/err_ms").and_then(Value::as_u64).unwrap_or(0);
        let tone = match quality {
            "S" => Tone::Good,
            "U" => Tone::Bad,
            _ => Tone::Warn,
        };
        page.push(paint(tone, &terms::clock(language(), quality, &terms::clock_error(error))));
    }
    places(report, page);
    instruments(report, page);
    in_force(report, page);
    results(report, page);
}

/// Whether anything is recorded; if not, why, since when by the clock on the wall, and what helps.
fn recording(report: &Value, page: &mut Vec<String>) {
    let Some(why) = report.get("not_recording").and_then(Value::as_str) else {
        page.push(paint(Tone::Good, &said!("status-recording")));
        return;
    };
    let cause = report.pointer("/stopped/cause").and_then(Value::as_str).unwrap_or_default();
    let since = report.pointer("/stopped/since_ms").and_then(Value::as_i64);
    let known = |kind: &str| Some(format!("{kind}-{cause}")).filter(|id| knows(language(), id)).map(|id| said!(&id));
    page.push(match (since, known("cause")) {
        // The text of a fork or of a key that is away says which it is.
        (Some(since), Some(cause_in_words)) if !matches!(cause, "fork" | "key-unavailable") => {
            let zone = report.get("time_zone").and_then(Value::as_str).and_then(|it| TimeZone::get(it).ok());
            let since = local_time(since, &zone.unwrap_or(TimeZone::UTC));
            paint(Tone::Bad, &said!("status-not-recording-since", since = since, cause = cause_in_words))
        }
        _ => paint(Tone::Bad, &said!("status-not-recording", why = why)),
    });
    page.extend(known("way-out").map(|it| paint(Tone::Warn, &it)));
}

fn section(id: &str, page: &mut Vec<String>) {
    page.push(String::new());
    page.push(paint(Tone::Head, &said!(id)));
}

fn count(report: &Value, path: &str) -> u64 {
    report.pointer(path).and_then(Value::as_u64).unwrap_or(0)
}

fn records(report: &Value, page: &mut Vec<String>) {
    page.push(said!(
        "status-counters",
        sampled = count(report, "/counters/sampled"),
        sealed = count(report, "/counters/sealed"),
        sent = count(report, "/counters/sent"),
        receipted = count(report, "/counters/receipted")
    ));
    if let Some(age) = report.get("oldest_unreceipted_age_ms").and_then(Value::as_u64) {
        page.push(said!("status-waiting", age = terms::span(age / 1000)));
    }
    let refused = count(report, "/refused");
    if refused > 0 {
        page.push(paint(Tone::Bad, &said!("status-refused", refused: refused)));
    }
    let (used, budget) = (count(report, "/store_used_bytes"), count(report, "/store_budget_bytes"));
    if let Some(percent) = used.saturating_mul(100).checked_div(budget) {
        let line = said!("status-store", used = mebibytes(used), budget = mebibytes(budget), percent = percent);
        page.push(paint(if percent >= 80 { Tone::Warn } else { Tone::Plain }, &line));
    }
}

/// Bytes as mebibytes with one decimal.
pub(super) fn mebibytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn uplink(report: &Value, page: &mut Vec<String>) {
    let beacon = report.get("beacon").filter(|it| !it.is_null());
    page.push(match report.get("uplink_down_ms").and_then(Value::as_u64) {
        Some(ms) => {
            let why = text(report, "/uplink/last_failure");
            paint(Tone::Warn, &said!("status-uplink-down", span = terms::span(ms / 1000), why = why))
        }
        None if report.pointer("/uplink/online").and_then(Value::as_bool) == Some(false) => {
            paint(Tone::Warn, &said!("status-uplink-none"))
        }
        None => match beacon {
            Some(beacon) => {
                let (number, size) = (text(beacon, "/number"), text(beacon, "/size"));
                paint(Tone::Good, &said!("status-uplink-beacon", number = number, size = size))
            }
            None => paint(Tone::Good, &said!("status-uplink-up")),
        },
    });
}

fn places(report: &Value, page: &mut Vec<String>) {
    for (place, drill) in objects(report, "/live/drills") {
        let operator = text(drill, "/operator");
        page.push(paint(Tone::Warn, &said!("status-drill", place = place, operator = operator)));
    }
    let busy: Vec<_> = objects(report, "/live/busy").collect();
    if busy.is_empty() {
        return;
    }
    section("status-places", page);
    for (place, subject) in busy {
        let subject =
            subject.as_str().filter(|it| !it.is_empty()).map_or_else(|| said!("status-unnamed"), str::to_owned);
        page.push(format!("  {}", said!("status-busy", place = place, subject = subject)));
    }
}

fn objects<'v>(report: &'v Value, path: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    report.pointer(path).and_then(Value::as_object).into_iter().flatten()
}

fn instruments(report: &Value, page: &mut Vec<String>) {
    let standings = report.pointer("/live/register").and_then(Value::as_array);
    let standing = |id: &str| {
        let line =
            standings.into_iter().flatten().find(|line| line.get("instrument").and_then(Value::as_str) == Some(id))?;
        let word = line.get("standing").and_then(Value::as_str)?;
        Some((word, line))
    };
    let all: Vec<_> = objects(report, "/live/instruments").collect();
    if !all.is_empty() {
        section("status-instruments", page);
        let columns = ["instrument", "channel", "value", "unit", "quality", "verification"];
        let header = columns.map(|it| said!(&format!("status-column-{it}")));
        let mut rows = table(&header.each_ref().map(String::as_str));
        for (id, channels) in all {
            let mut once = standing(id).map(|(word, line)| cell(Tone::of(word), &in_words(word, line)));
            for (channel, value) in channels.as_object().into_iter().flatten() {
                let (shown, quality) = match value.get("missing").and_then(Value::as_str) {
                    Some(missing) => ("–".to_owned(), cell(Tone::Bad, &spoken_missing(missing))),
                    None => {
                        let word = value.get("quality").and_then(Value::as_str).unwrap_or_default();
                        (text(value, "/value").into_owned(), cell(Tone::of(word), &terms::quality(language(), word)))
                    }
                };
                let unit = value.get("unit").and_then(Value::as_str).unwrap_or_default();
                let verification = once.take().unwrap_or_else(|| cell(Tone::Plain, ""));
                let plain = |text: &str| cell(Tone::Plain, text);
                rows.add_row([plain(id), plain(channel), plain(&shown), plain(unit), quality, verification]);
            }
        }
        page.push(trimmed(&rows.to_string()));
    }
    for (id, _) in objects(report, "/live/down").filter(|(_, down)| down.as_bool() == Some(true)) {
        page.push(paint(Tone::Bad, &said!("status-down", instrument = id)));
    }
    // An instrument that has not spoken yet has no row above, and may still be out of order.
    let silent = |id: &str| report.pointer("/live/instruments").is_none_or(|it| it.get(id).is_none());
    for line in standings.into_iter().flatten() {
        let id = line.get("instrument").and_then(Value::as_str).unwrap_or_default();
        let word = line.get("standing").and_then(Value::as_str).unwrap_or_default();
        if silent(id) && !matches!(word, "good" | "unregistered") {
            page.push(paint(Tone::of(word), &format!("{id}: {}", in_words(word, line))));
        }
    }
}

/// How an instrument stands: the word, and until when.
fn in_words(word: &str, line: &Value) -> String {
    if word == "unregistered" {
        return terms::quality(language(), word);
    }
    let standing = terms::quality(language(), word);
    match line.get("valid_until").and_then(Value::as_str) {
        Some(until) => said!("status-valid", standing = standing, until = until, days = text(line, "/days_left")),
        None => standing,
    }
}

/// A cause of absence as the API spells it, `exception(2)`, in words.
fn spoken_missing(missing: &str) -> String {
    let (word, code) = missing
        .split_once('(')
        .map_or((missing, None), |(word, rest)| (word, rest.trim_end_matches(')').trim().parse().ok()));
    terms::missing(language(), word.trim(), code)
}

fn in_force(report: &Value, page: &mut Vec<String>) {
    let tables: Vec<String> = report
        .pointer("/in_force/tables")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|it| format!("{} {}", text(it, "/id"), text(it, "/edition")))
        .collect();
    if !tables.is_empty() {
        section("status-in-force", page);
        for table in tables.iter().take(TABLES) {
            page.push(format!("  {table}"));
        }
        if tables.len() > TABLES {
            page.push(format!("  {}", said!("status-more", more: tables.len() - TABLES)));
        }
    }
    if let Some(plan) = report.pointer("/in_force/plan").filter(|it| !it.is_null()) {
        page.push(format!("  {}", said!("status-plan", id = text(plan, "/id"), version = text(plan, "/version"))));
    }
    if report.pointer("/live/limits_stale").and_then(Value::as_bool) == Some(true) {
        page.push(paint(Tone::Warn, &said!("status-limits-stale")));
    }
}

fn results(report: &Value, page: &mut Vec<String>) {
    let results: Vec<_> = report.pointer("/live/results").and_then(Value::as_array).into_iter().flatten().collect();
    if results.is_empty() {
        return;
    }
    section("status-results", page);
    let mut rows = table(&[]);
    for result in results.into_iter().rev().take(RESULTS) {
        let word = |key: &str| result.get(key).and_then(Value::as_str).unwrap_or_default();
        let subject = result.get("subject").and_then(Value::as_str).unwrap_or("–");
        let why = result.pointer("/why/0").and_then(Value::as_str).unwrap_or_default();
        let plain = |text: &str| cell(Tone::Plain, text);
        rows.add_row([
            plain(&format!("#{}", text(result, "/seq"))),
            plain(word("place")),
            plain(subject),
            cell(Tone::of(word("disposition")), &terms::disposition(language(), word("disposition"))),
            cell(Tone::of(word("verdict")), &terms::verdict(language(), word("verdict"))),
            plain(why),
        ]);
    }
    page.push(trimmed(&rows.to_string()));
}

/// Without the blanks that fill the last column: they wrap on a narrow terminal and are noise in a file.
fn trimmed(table: &str) -> String {
    table.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    fn page(report: &Value) -> String {
        let mut page = Vec::new();
        running(report, &mut page);
        page.join("\n")
    }

    fn report() -> Value {
        json!({
            "software": "tidewaiter 0.1.0", "site": "yantian", "agent": "gate-07", "not_recording": null,
            "counters": { "sampled": 12, "sealed": 5, "sent": 4, "receipted": 3 },
            "oldest_unreceipted_age_ms": 14_000, "refused": 0,
            "store_used_bytes": 52_428_800, "store_budget_bytes": 67_108_864,
            "uplink": { "online": true }, "uplink_down_ms": null, "clock": { "quality": "S", "err_ms": 4 },
            "live": {
                "instruments": { "scale-1": { "gross": { "value": "38640", "unit": "kg", "quality": "good" } },
                                 "gamma-1": { "dose-rate": { "missing": "exception(2)" } } },
                "down": { "lpr-1": true },
                "register": [
                    { "instrument": "scale-1", "standing": "verification-due", "valid_until": "2026-12-05", "days_left": 6 },
                    { "instrument": "ph-1", "standing": "out-of-verification", "valid_until": "2026-01-01", "days_left": -300 },
                ],
                "busy": { "lane-7": "" }, "drills": { "bench-h": { "operator": "Li Na" } },
                "results": [{ "seq": 4, "place": "lane-7", "subject": "粤B12345", "verdict": "Fail", "disposition": "refer",
                              "why": ["gross-mass 51000 / 49000"] }],
            },
            "in_force": { "tables": [{ "id": "gross-mass-cn-2016", "edition": "2016" }], "plan": { "id": "p", "version": 3 } },
        })
    }

    #[test]
    fn a_page_has_every_section() {
        let text = page(&report());
        for part in [
            "sampled 12 → sealed 5 → sent 4 → receipted 3",
            "00:14",
            "50.0",
            "uplink up",
            "38640",
            "2026-12-05",
            "instrument answered exception 2",
            "lpr-1",
            "ph-1: verification has expired",
            "lane-7",
            "DRILL at bench-h, ordered by Li Na",
            "gross-mass-cn-2016 2016",
            "#4",
            "粤B12345",
            "REFER",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "no colours unless they are asked for: {text}");
        assert!(text.lines().all(|line| !line.ends_with(' ')), "{text}");
    }

    #[test]
    fn what_stopped_is_told_with_the_time_on_the_wall_and_the_way_out() {
        let told = |cause: &str, why: &str, zone: &str| {
            let mut report = report();
            report["not_recording"] = why.into();
            report["time_zone"] = zone.into();
            report["stopped"] = json!({ "cause": cause, "since_ms": 1_795_920_060_000_i64 });
            page(&report)
        };
        let text = told("disk-full", "the disk is full since 2026-11-29T02:41:00Z", "Asia/Shanghai");
        for part in ["NOT RECORDING since 2026-11-29 10:41:00 +08:00: the disk is full. Use the paper", "larger disk"] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert!(
            told("storage-full", "", "Europe/Berlin").contains("since 2026-11-29 03:41:00 +01:00: the store's budget")
        );
        assert!(
            told("fork", "the centre signed for record 7", "UTC")
                .contains("NOT RECORDING: the centre signed for record 7")
        );
    }

    #[test]
    fn an_answer_without_anything_still_makes_a_page() {
        assert!(page(&json!({})).contains("sampled 0"));
    }
}
