//! `tidewaiter findings`: what needs a second look, and what is due. Asks a running agent, else reads its store.

use std::sync::Arc;

use clap::Args;
use serde_json::Value;
use tidewaiter_drivers::reading::Moment;
use tidewaiter_words::{Language, say, terms};

use super::{
    Failure, OK, Outcome, Place, operate,
    output::{outln, said},
    place,
};
use crate::{duty::Duty, outbox::Archive};

/// Options of `tidewaiter findings`.
#[derive(Debug, Args)]
pub(super) struct FindingsArgs {
    /// Only those that are not over.
    #[arg(long)]
    open: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn findings(args: &FindingsArgs) -> Outcome {
    let asked = match args.place.address()? {
        Some(address) => operate::get(address, &format!("findings?open={}", args.open)).ok(),
        None => None,
    };
    let view = match asked {
        Some(view) => view,
        None => stored(&args.place, args.open)?,
    };
    if args.json {
        outln!("{view}");
        return Ok(OK);
    }
    let language = tidewaiter_console::language();
    let list = |name: &str| view.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let (findings, deadlines) = (list("findings"), list("deadlines"));
    match view.get("plan").filter(|plan| !plan.is_null()) {
        Some(plan) => {
            let version = plan.get("version").and_then(Value::as_u64).unwrap_or(0);
            let args = [("plan", text(plan, "id").into()), ("version", version.into())];
            outln!("{}", say(language, "plan-in-force", &args));
        }
        None => outln!("{}", say(language, "plan-none", &[])),
    }
    if findings.is_empty() {
        outln!("{}", say(language, "findings-none", &[]));
    }
    for finding in &findings {
        outln!("{}", sentence(language, finding));
        for breach in finding.get("breaches").and_then(Value::as_array).into_iter().flatten() {
            outln!("    {}", breach.as_str().unwrap_or_default());
        }
    }
    for deadline in &deadlines {
        let kind = terms::deadline_kind(language, text(deadline, "kind"));
        let state = terms::deadline_state(language, text(deadline, "state"));
        let due = tidewaiter_record::view::utc(deadline.get("due_ms").and_then(Value::as_i64).unwrap_or(0));
        let args = [
            ("deadline", text(deadline, "id").into()),
            ("kind", (&kind).into()),
            ("state", (&state).into()),
            ("due", (&due).into()),
        ];
        outln!("{}", say(language, "deadline-line", &args));
    }
    Ok(OK)
}

/// No agent runs: the findings as the last one left them in its store.
fn stored(which: &Place, open: bool) -> Result<Value, Failure> {
    let Some(config) = &which.config else {
        return Err(Failure::usage(said!("say-config-needed")));
    };
    let site = place::site(config)?;
    let notes = Archive::open(&site.store.dir).and_then(|it| it.notes()).map_err(Failure::environment)?;
    let part = |name: &str| notes.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.clone());
    let now = Moment { mono_ms: 0, wall_ms: jiff::Timestamp::now().as_millisecond() };
    // Looking is no boot of its own: spans go on by the wall clock.
    Ok(Duty::load(Arc::new(site), "", part, now).0.view(open))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn sentence(language: Language, finding: &Value) -> String {
    let disposition = terms::disposition(language, text(finding, "disposition"));
    let state = terms::state(language, text(finding, "state"));
    let subject = match text(finding, "subject") {
        "" => say(language, "not-identified", &[]),
        subject => subject.to_owned(),
    };
    let args = [
        ("record", finding.get("record").and_then(Value::as_u64).unwrap_or(0).into()),
        ("inspection", text(finding, "inspection").into()),
        ("subject", (&subject).into()),
        ("disposition", (&disposition).into()),
        ("state", (&state).into()),
    ];
    let drill = finding.get("drill").and_then(Value::as_bool).unwrap_or(false);
    say(language, if drill { "finding-line-drill" } else { "finding-line" }, &args)
}
