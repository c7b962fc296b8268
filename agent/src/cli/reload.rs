//! `tidewaiter reload`.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tidewaiter_words::{Language, say};

use super::{FINDING, Failure, OK, Outcome, Place, USAGE, operate, output::outln};
use crate::reload::{MOST_PATIENCE, PATIENCE};

/// Time for reading, checking and recording, beside the waiting for places.
const WORK: Duration = Duration::from_secs(60);

/// Options of `tidewaiter reload`.
#[derive(Debug, Args)]
pub(super) struct ReloadArgs {
    /// Read, check and compare only: what would change, what would be waited for.
    #[arg(long)]
    dry_run: bool,
    /// Seconds to wait for the lanes and rigs that the change concerns. A passage that is still open then is recorded as
    /// interrupted.
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE.as_secs())]
    wait: u64,
    /// After waiting, interrupt the run on a rig as well. Without it the change is refused while a rig it concerns is at work.
    #[arg(long)]
    interrupt: bool,
    /// Who asks.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: Option<String>,
    /// The answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn reload(args: &ReloadArgs) -> Outcome {
    if args.wait > MOST_PATIENCE.as_secs() {
        return Err(Failure::usage(format!("--wait {}: {} seconds at most", args.wait, MOST_PATIENCE.as_secs())));
    }
    let agent = args.place.running()?;
    let operator = args.operator.clone().or_else(|| std::env::var("USER").ok().filter(|it| !it.is_empty()));
    let body = json!({
        "operator": operator.as_deref().unwrap_or("reload"),
        "dry_run": args.dry_run,
        "wait_s": args.wait,
        "interrupt": args.interrupt,
    });
    let (code, answer) = operate::exchange(&agent, "reload", &body, Duration::from_secs(args.wait) + WORK)?;
    let Some(outcome) = answer.get("outcome").and_then(Value::as_str) else {
        let why = answer.get("error").and_then(Value::as_str).unwrap_or("refused");
        eprintln!("tidewaiter: {why}");
        return Ok(if code == 404 { USAGE } else { FINDING });
    };
    if args.json {
        outln!("{answer}");
    } else {
        tell(&answer, outcome, Language::from_env());
    }
    Ok(match outcome {
        "activated" | "unchanged" | "would-activate" => OK,
        "refused" => USAGE,
        _ => FINDING,
    })
}

fn tell(answer: &Value, outcome: &str, language: Language) {
    let texts = |name: &str| -> Vec<String> {
        let all = answer.get(name).and_then(Value::as_array);
        all.into_iter().flatten().filter_map(|it| Some(it.as_str()?.to_owned())).collect()
    };
    for finding in answer.get("findings").and_then(Value::as_array).into_iter().flatten() {
        outln!("{}", one_finding(finding));
    }
    let changes = texts("changes");
    if !changes.is_empty() {
        let changes = changes.join(", ");
        outln!("{}", say(language, "reload-changes", &[("parts", (&changes).into())]));
    }
    for part in texts("restart") {
        outln!("{}", say(language, "reload-restart", &[("part", (&part).into())]));
    }
    for (place, subject) in answer.get("busy").and_then(Value::as_object).into_iter().flatten() {
        let subject = subject.as_str().unwrap_or_default();
        outln!("{}", say(language, "reload-busy", &[("place", place.into()), ("subject", subject.into())]));
    }
    for place in texts("interrupted") {
        outln!("{}", say(language, "reload-interrupted", &[("place", (&place).into())]));
    }
    let why = answer.get("why").and_then(Value::as_str).unwrap_or_default();
    outln!("{}", say(language, &format!("reload-{outcome}"), &[("why", why.into())]));
}

/// As `tidewaiter check` prints it.
fn one_finding(finding: &Value) -> String {
    let text = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| finding.get(name).and_then(Value::as_u64).unwrap_or_default();
    let place = if number("line") == 0 { String::new() } else { format!(":{}:{}", number("line"), number("column")) };
    format!("{}{place}: {}: {}\n  write: {}", text("file"), text("severity"), text("what"), text("way_out"))
}
