//! Commands that look: status, log, show. They ask a running agent, and read the store when none runs.

use clap::Args;
use comfy_table::Table;
use serde_json::Value;
use tidewaiter_words::{Language, terms};

use super::{FINDING, Failure, OK, Outcome, Place, operate, output::outln};
use crate::{lane::record_view, outbox::Archive};

/// Options of `tidewaiter status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Options of `tidewaiter log`.
#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// How many of the newest records.
    #[arg(long, default_value_t = 20)]
    last: u64,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Options of `tidewaiter show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Record number.
    seq: u64,
    #[command(flatten)]
    place: Place,
}

pub(super) fn status(args: &StatusArgs) -> Outcome {
    if let Some(address) = args.place.address()?
        && let Ok(report) = operate::get(address, "status")
    {
        if args.json {
            outln!("{}", pretty(&report));
        } else {
            print_status(&report);
        }
        return Ok(if report.get("not_recording").is_some_and(|why| !why.is_null()) { FINDING } else { OK });
    }
    let archive = Archive::open(&args.place.data_dir()?).map_err(Failure::environment)?;
    let summary = archive.summary().map_err(Failure::environment)?;
    let report = serde_json::json!({
        "running": false,
        "chain": summary.chain.to_string(),
        "oldest": summary.oldest,
        "head": summary.head,
        "receipted": summary.receipted,
    });
    if args.json {
        outln!("{}", pretty(&report));
    } else {
        let number = |seq: Option<u64>| seq.map_or_else(|| "none".to_owned(), |seq| format!("#{seq}"));
        outln!("no agent is running");
        outln!("chain {}", summary.chain);
        outln!(
            "records stored from {} to {}, receipted up to {}",
            number(summary.oldest),
            number(summary.head),
            number(summary.receipted)
        );
    }
    Ok(OK)
}

fn text<'a>(value: &'a Value, path: &str) -> std::borrow::Cow<'a, str> {
    match value.pointer(path) {
        Some(Value::String(text)) => text.as_str().into(),
        Some(Value::Null) | None => "–".into(),
        Some(other) => other.to_string().into(),
    }
}

fn print_status(report: &Value) {
    outln!("{} · site {} · agent {}", text(report, "/software"), text(report, "/site"), text(report, "/agent"));
    if let Some(hash) = report.get("software_hash").and_then(Value::as_str) {
        outln!("executable sha256 {hash}");
    }
    if let Some(why) = report.get("log_fork").and_then(Value::as_str) {
        outln!("THE CENTRE'S LOG FORKS: {why}");
    }
    match report.get("not_recording").and_then(Value::as_str) {
        Some(why) => outln!("NOT RECORDING: {why}"),
        None => outln!("recording"),
    }
    outln!(
        "sampled {} → sealed {} → sent {} → receipted {}",
        text(report, "/counters/sampled"),
        text(report, "/counters/sealed"),
        text(report, "/counters/sent"),
        text(report, "/counters/receipted")
    );
    match report.get("uplink_down_ms").and_then(Value::as_u64) {
        None if report.get("beacon").is_some_and(|it| !it.is_null()) => {
            outln!(
                "uplink up, beacon {} over {} records",
                text(report, "/beacon/number"),
                text(report, "/beacon/size")
            );
        }
        None if report.pointer("/uplink/online").and_then(Value::as_bool) == Some(false) => {
            outln!("no uplink configured");
        }
        None => outln!("uplink up"),
        Some(ms) => {
            outln!("uplink down for {}:{:02} ({})", ms / 60_000, ms / 1000 % 60, text(report, "/uplink/last_failure"));
        }
    }
    if let Some(quality) = report.pointer("/clock/quality").and_then(Value::as_str) {
        let error = report.pointer("/clock/err_ms").and_then(Value::as_u64).unwrap_or(0);
        outln!("{}", terms::clock(Language::from_env(), quality, &terms::clock_error(error)));
    }
    for (place, drill) in report.pointer("/live/drills").and_then(Value::as_object).into_iter().flatten() {
        outln!("DRILL at {place}, ordered by {}", text(drill, "/operator"));
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["instrument", "channel", "value", "unit", "quality"]);
    for (instrument, channels) in report.pointer("/live/instruments").and_then(Value::as_object).into_iter().flatten() {
        for (channel, value) in channels.as_object().into_iter().flatten() {
            let shown = if value.get("missing").is_some() { "/missing" } else { "/value" };
            table.add_row([
                instrument.as_str(),
                channel.as_str(),
                &text(value, shown),
                &text(value, "/unit"),
                &text(value, "/quality"),
            ]);
        }
    }
    outln!("{table}");
    for line in report.pointer("/live/register").and_then(Value::as_array).into_iter().flatten() {
        // What is in order needs no line here; `tidewaiter register` shows all.
        // `check` warns of what has no entry.
        if !matches!(text(line, "/standing").as_ref(), "good" | "unregistered") {
            outln!(
                "{}: {}, valid until {}, {} days left",
                text(line, "/instrument"),
                text(line, "/standing"),
                text(line, "/valid_until"),
                text(line, "/days_left")
            );
        }
    }
    for result in report.pointer("/live/results").and_then(Value::as_array).into_iter().flatten().rev().take(10) {
        outln!(
            "#{} {} {} {} {}",
            text(result, "/seq"),
            text(result, "/place"),
            text(result, "/subject"),
            text(result, "/verdict"),
            text(result, "/disposition")
        );
    }
}

pub(super) fn log(args: &LogArgs) -> Outcome {
    let archive = Archive::open(&args.place.data_dir()?).map_err(Failure::environment)?;
    let Some(head) = archive.summary().map_err(Failure::environment)?.head else {
        outln!("no records yet");
        return Ok(OK);
    };
    let from = (head + 1).saturating_sub(args.last);
    for entry in
        archive.entries(from, usize::try_from(args.last).unwrap_or(usize::MAX)).map_err(Failure::environment)?
    {
        let record = record_view(&entry.bytes);
        if args.json {
            outln!("{record}");
        } else {
            let (time, kind) = (text(&record, "/time"), text(&record, "/kind"));
            outln!("#{} {time} {kind} {} {}", entry.seq, entry.place, gist(&record, &kind));
        }
    }
    Ok(OK)
}

/// What a record says, in a few words.
fn gist(record: &Value, kind: &str) -> String {
    let said: &[&str] = match kind {
        "inspection" => &["/detail/verdict", "/detail/disposition", "/detail/procedure"],
        "interval" => &["/detail/instrument", "/detail/channel", "/detail/received", "/detail/slots_expected"],
        "event" => &["/detail/name", "/detail/subject"],
        "follow-up" => &["/detail/follows/id", "/detail/step", "/detail/state", "/detail/by"],
        "warning" => &["/detail/state", "/detail/level", "/detail/notice", "/detail/matters"],
        "reading" | "no-reading" => {
            &["/detail/instrument", "/detail/channel", "/detail/outcome/value", "/detail/sample"]
        }
        "heartbeat" => &["/detail/counters/sampled", "/detail/counters/receipted"],
        "instrument-identity" => &["/detail/instrument", "/detail/standing", "/detail/driver"],
        "config-activated" => &["/detail/cause", "/detail/software/name"],
        "evidence" => &["/detail/inspection", "/detail/media", "/detail/size"],
        "trimmed" => &["/detail/from_seq", "/detail/upto_seq"],
        "stopped" => &["/detail/reason"],
        "resumed" => &["/detail/refused"],
        _ => &[],
    };
    said.iter().map(|path| text(record, path)).collect::<Vec<_>>().join(" ")
}

pub(super) fn show(args: &ShowArgs) -> Outcome {
    let archive = Archive::open(&args.place.data_dir()?).map_err(Failure::environment)?;
    match archive.entries(args.seq, 1).map_err(Failure::environment)?.first().filter(|entry| entry.seq == args.seq) {
        Some(entry) => {
            outln!("{}", pretty(&record_view(&entry.bytes)));
            Ok(OK)
        }
        None => {
            eprintln!("tidewaiter: record {} is not stored here", args.seq);
            Ok(FINDING)
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
