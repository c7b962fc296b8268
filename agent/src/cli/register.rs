//! `tidewaiter register` and `tidewaiter function-check`.

use clap::Args;
use comfy_table::Table;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use tidewaiter_record::Detail;
use tidewaiter_screening::{
    Verdict,
    inspection::{Completion, IncompleteReason},
};
use tidewaiter_words::{Language, say, terms};

use super::{
    FINDING, Failure, OK, Outcome, Place, operate,
    output::{outln, said},
    place,
};
use crate::{
    outbox::Archive,
    register::{Line, Register},
};

/// Records read at once.
const PAGE: usize = 256;

/// Options of `tidewaiter register`.
#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    /// One JSON list.
    #[arg(long)]
    json: bool,
    /// zh-CN or en; otherwise as the locale says.
    #[arg(long, value_parser = language)]
    lang: Option<Language>,
    #[command(flatten)]
    place: Place,
}

/// Options of `tidewaiter function-check`.
#[derive(Debug, Args)]
pub(super) struct FunctionCheckArgs {
    /// Check id.
    check: String,
    /// Who does it.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: String,
    /// The next buffer is in place.
    #[arg(long, conflicts_with = "stop")]
    next: bool,
    /// End it with what there is.
    #[arg(long)]
    stop: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn language(text: &str) -> Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "write zh-CN or en".to_owned())
}

pub(super) fn function_check(args: &FunctionCheckArgs) -> Outcome {
    let step = if args.next {
        "next"
    } else if args.stop {
        "stop"
    } else {
        "start"
    };
    operate::post(
        args.place.running()?,
        &format!("checks/{}/{step}", args.check),
        &json!({ "operator": args.operator }),
    )
}

/// Shows the register: as the running agent holds it, else by the site file and the records. Exit code 1 when an
/// instrument may not be judged by.
pub(super) fn register(args: &RegisterArgs) -> Outcome {
    let lines = match args.place.address()? {
        Some(address) => match operate::get(address, "status") {
            Ok(report) => report.pointer("/live/register").cloned().unwrap_or_default(),
            Err(_) => by_records(&args.place)?,
        },
        None => by_records(&args.place)?,
    };
    let lines = lines.as_array().cloned().unwrap_or_default();
    if args.json {
        outln!("{}", serde_json::to_string_pretty(&lines).unwrap_or_default());
    } else {
        outln!("{}", table(args.lang.unwrap_or_else(tidewaiter_console::language), &lines));
    }
    let flawed = |line: &Value| matches!(text(line, "standing"), "out-of-verification" | "function-check-overdue");
    Ok(if lines.iter().any(flawed) { FINDING } else { OK })
}

/// No agent runs: what the site file says, with the function checks as far as the records tell of them.
fn by_records(which: &Place) -> Result<Value, Failure> {
    let Some(config) = &which.config else {
        return Err(Failure::usage(said!("register-which")));
    };
    let site = place::site(config)?;
    let mut register = Register::new(&site);
    if let Ok(archive) = Archive::open(&site.store.dir) {
        recall(&mut register, &archive)?;
    }
    let now = Timestamp::now();
    let lines: Vec<Line> = register.overview(now.to_zoned(TimeZone::UTC).date(), now.as_millisecond());
    Ok(serde_json::to_value(lines).unwrap_or_default())
}

fn recall(register: &mut Register, archive: &Archive) -> Result<(), Failure> {
    let mut next = 0;
    loop {
        let page = archive.entries(next, PAGE).map_err(Failure::environment)?;
        let Some(last) = page.last() else { return Ok(()) };
        next = last.seq + 1;
        for entry in &page {
            let Ok(record) = tidewaiter_record::parse(&entry.bytes) else { continue };
            let Detail::Inspection(detail) = &record.body.detail else { continue };
            if detail.subject.kind != "instrument" || detail.flags.drill {
                continue;
            }
            let completion = match detail.incomplete.as_deref() {
                None => Completion::Complete,
                Some(word) => {
                    Completion::Incomplete(IncompleteReason::from_word(word).unwrap_or(IncompleteReason::Interrupted))
                }
            };
            let passed = detail.verdict == Verdict::Pass.word();
            register.recall(&detail.place, detail.closed, completion, passed);
        }
    }
}

fn table(language: Language, lines: &[Value]) -> Table {
    let head = |column: &str| say(language, &format!("register-{column}"), &[]);
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let columns = ["instrument", "control", "class", "certificate", "valid-until", "days-left", "standing", "checks"];
    table.set_header(columns.map(head));
    for line in lines {
        let control = match text(line, "control") {
            "" => String::new(),
            control => say(language, &format!("control-{control}"), &[]),
        };
        let checks = line.get("checks").and_then(Value::as_array).into_iter().flatten();
        let checks: Vec<String> = checks.map(|check| told(language, check)).collect();
        table.add_row([
            text(line, "instrument").to_owned(),
            control,
            text(line, "class").to_owned(),
            text(line, "certificate").to_owned(),
            text(line, "valid_until").to_owned(),
            line.get("days_left").and_then(Value::as_i64).map(|left| left.to_string()).unwrap_or_default(),
            terms::quality(language, text(line, "standing")),
            checks.join("\n"),
        ]);
    }
    table
}

/// One check: when it was passed, and whether it holds.
fn told(language: Language, check: &Value) -> String {
    let lapsed = check.get("lapsed").and_then(Value::as_bool) == Some(true);
    let (id, when) = match (lapsed, text(check, "failed"), text(check, "passed")) {
        (true, failed, _) if !failed.is_empty() => ("register-check-failed", failed),
        (true, _, "") => ("register-check-never", ""),
        (true, _, passed) => ("register-check-overdue", passed),
        (false, _, "") if text(check, "due").is_empty() => ("register-check-unseen", ""),
        (false, _, "") => ("register-check-waiting", text(check, "due")),
        (false, _, passed) => ("register-check-passed", passed),
    };
    say(language, id, &[("check", text(check, "check").into()), ("when", when.into())])
}

fn text<'v>(line: &'v Value, key: &str) -> &'v str {
    line.get(key).and_then(Value::as_str).unwrap_or_default()
}
