//! Commands that look at stored records: log and show.

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::Value;
use tidewaiter_config::site::load_site;
use tidewaiter_console::{language, note};
use tidewaiter_record::parse;

use super::{
    FINDING, Failure, OK, Outcome, Place,
    output::{outln, said},
};
use crate::{
    lane::{local_time, record_view},
    outbox::{Archive, Entry},
};

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
    let zone = match &args.place.config {
        // One that is faulty by now has been told of already, and the records are there all the same.
        Some(config) => load_site(config).map_or(TimeZone::UTC, |(site, _)| site.zone),
        None => TimeZone::UTC,
    };
    for entry in
        archive.entries(from, usize::try_from(args.last).unwrap_or(usize::MAX)).map_err(Failure::environment)?
    {
        if args.json {
            outln!("{}", record_view(&entry.bytes));
        } else {
            outln!("#{} {} {} {}", entry.seq, local_time(entry.sealed_ms, &zone), entry.place, told(&entry));
        }
    }
    Ok(OK)
}

/// What a record says, as a sentence.
fn told(entry: &Entry) -> String {
    let Ok(record) = parse(&entry.bytes) else { return said!("kind-unknown") };
    let mut text = tidewaiter_telling::sentence(language(), &record.header.subject, &record.body.detail);
    let flags = record.body.detail.flags();
    for (_, id) in [(flags.simulated, "simulated"), (flags.drill, "drill")].into_iter().filter(|(is, _)| *is) {
        text.push_str(" · ");
        text.push_str(&said!(id));
    }
    text
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
