//! Commands that look at stored records: log and show.

use clap::Args;
use serde_json::Value;
use tidewaiter_console::note;

use super::{
    FINDING, Failure, OK, Outcome, Place,
    output::{outln, said},
};
use crate::{lane::record_view, outbox::Archive};

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

pub(super) fn text<'a>(value: &'a Value, path: &str) -> std::borrow::Cow<'a, str> {
    match value.pointer(path) {
        Some(Value::String(text)) => text.as_str().into(),
        Some(Value::Null) | None => "–".into(),
        Some(other) => other.to_string().into(),
    }
}

pub(super) fn log(args: &LogArgs) -> Outcome {
    let archive = Archive::open(&args.place.data_dir()?).map_err(Failure::environment)?;
    let Some(head) = archive.summary().map_err(Failure::environment)?.head else {
        outln!("{}", said!("log-none"));
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
            note(format_args!("tidewaiter: {}", said!("show-not-here", number = args.seq)));
            Ok(FINDING)
        }
    }
}

pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
