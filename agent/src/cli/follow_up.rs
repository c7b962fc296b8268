//! `tidewaiter follow-up` and `tidewaiter report-sent`: what a named person did about a finding.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tidewaiter_words::{say, terms};

use super::{
    Failure, Outcome, Place, operate,
    output::{outln, said},
};

/// Options of `tidewaiter follow-up`.
#[derive(Debug, Args)]
pub(super) struct FollowUpArgs {
    /// Inspection id, as `tidewaiter findings` lists it.
    inspection: String,
    /// What was done.
    #[arg(long, value_enum)]
    step: StepArg,
    /// By whom.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    by: String,
    /// Values measured: formaldehyde='82 mg/kg' ph=7.1
    #[arg(value_name = "PARAMETER=VALUE")]
    values: Vec<String>,
    /// Sample number.
    #[arg(long)]
    sample: Option<String>,
    /// Laboratory, by its id in the plan's acceptance list.
    #[arg(long)]
    body: Option<String>,
    /// Number of its report.
    #[arg(long)]
    report: Option<String>,
    /// Test method, as the acceptance list names it.
    #[arg(long)]
    method: Option<String>,
    /// Date of the report.
    #[arg(long)]
    date: Option<String>,
    /// Remark.
    #[arg(long)]
    note: Option<String>,
    /// The answer as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What was done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StepArg {
    /// Measured with a hand-held instrument.
    Handheld,
    /// Sent a sample to a laboratory.
    Sample,
    /// A laboratory's result.
    LabResult,
    /// Holds the goods.
    Hold,
    /// Releases the goods.
    Release,
    /// Sends the goods back.
    Return,
    /// Sends the conveyance through again.
    ReScan,
}

/// Options of `tidewaiter report-sent`.
#[derive(Debug, Args)]
pub(super) struct ReportSentArgs {
    /// Deadline id, as `tidewaiter findings` lists it.
    deadline: String,
    /// By whom.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    by: String,
    /// Number of the letter, or the like.
    #[arg(long = "ref")]
    reference: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn follow_up(args: &FollowUpArgs) -> Outcome {
    let mut values = BTreeMap::new();
    for value in &args.values {
        let (parameter, text) = value
            .split_once('=')
            .filter(|(parameter, text)| !parameter.is_empty() && !text.is_empty())
            .ok_or_else(|| {
                Failure::usage(said!(
                    "say-no-value",
                    given = format!("{value:?}"),
                    form = "PARAMETER=VALUE",
                    example = "ph=7.1"
                ))
            })?;
        if values.insert(parameter.to_owned(), text.to_owned()).is_some() {
            return Err(Failure::usage(said!("say-twice", name = format!("{parameter:?}"))));
        }
    }
    let step = args.step.to_possible_value().map_or_else(String::new, |it| it.get_name().to_owned());
    let body = json!({
        "inspection": args.inspection,
        "step": step,
        "by": args.by,
        "values": values,
        "sample": args.sample,
        "body": args.body,
        "report": args.report,
        "method": args.method,
        "date": args.date,
        "note": args.note,
    });
    operate::answered(args.place.running()?, "follow-ups", &body, |answer| {
        if args.json {
            outln!("{answer}");
            return Ok(());
        }
        let language = tidewaiter_console::language();
        let text = |path: &str| answer.pointer(path).and_then(Value::as_str);
        if let Some(verdict) = text("/verdict") {
            outln!("{}", terms::verdict(language, verdict));
        }
        if let (Some(reason), Some(why)) = (text("/rejected/reason"), text("/rejected/why")) {
            let reason = terms::rejection(language, reason);
            outln!("{}", say(language, "follow-up-rejected", &[("reason", (&reason).into()), ("why", why.into())]));
        }
        let state = terms::state(language, text("/to").unwrap_or_default());
        let args = [("inspection", (&args.inspection).into()), ("state", (&state).into())];
        outln!("{}", say(language, "follow-up-recorded", &args));
        Ok(())
    })
}

pub(super) fn report_sent(args: &ReportSentArgs) -> Outcome {
    let body = json!({ "deadline": args.deadline, "by": args.by, "reference": args.reference });
    operate::answered(args.place.running()?, "reports-sent", &body, |_| {
        outln!(
            "{}",
            say(tidewaiter_console::language(), "report-sent-recorded", &[("deadline", (&args.deadline).into())])
        );
        Ok(())
    })
}
