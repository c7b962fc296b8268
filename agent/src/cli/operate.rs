//! Commands that ask a running agent to do something.

use std::{collections::BTreeMap, time::Duration};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tidewaiter_console::note;

use super::{
    FINDING, Failure, OK, Outcome, Place,
    output::{outln, said},
    place::Agent,
};

/// An answer from the local interface comes from the same machine; longer means the agent hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Options of `tidewaiter start`.
#[derive(Debug, Args)]
pub(super) struct StartArgs {
    /// Rig id.
    rig: String,
    /// Sample number, as written on the bag.
    #[arg(long)]
    sample: String,
    /// Who starts it.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: String,
    /// The run is an exercise: recorded as such, and left out of statistics.
    #[arg(long)]
    drill: bool,
    #[command(flatten)]
    place: Place,
}

/// Options of `tidewaiter enter`.
#[derive(Debug, Args)]
pub(super) struct EnterArgs {
    /// Rig id.
    rig: String,
    /// Values read or assessed by a person: formaldehyde=18.3mg/kg fastness-water=3-4 odour=absent
    #[arg(value_name = "PARAMETER=VALUE", required = true)]
    values: Vec<String>,
    /// Who read them.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: String,
    #[command(flatten)]
    place: Place,
}

/// Options of `tidewaiter drill`.
#[derive(Debug, Args)]
pub(super) struct DrillArgs {
    /// Whether inspections are exercises from now on.
    state: Switch,
    /// Lane or rig id.
    #[arg(long = "place", value_name = "PLACE")]
    at: String,
    /// Who orders it.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: String,
    #[command(flatten)]
    place: Place,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// Inspections that open are exercises.
    On,
    /// They are real.
    Off,
}

/// Options of `tidewaiter next` and `tidewaiter stop`.
#[derive(Debug, Args)]
pub(super) struct RigArgs {
    /// Rig id.
    rig: String,
    /// Who does it.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: String,
    #[command(flatten)]
    place: Place,
}

/// Options of `tidewaiter subject`.
#[derive(Debug, Args)]
pub(super) struct SubjectArgs {
    /// Plate, container or sample number.
    subject: String,
    /// Declared facts: axles=6 mass=46000 category=B goods=… hs-code=…
    #[arg(value_name = "NAME=TEXT", required = true)]
    facts: Vec<String>,
    /// Who says so.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: String,
    #[command(flatten)]
    place: Place,
}

pub(super) fn start(args: &StartArgs) -> Outcome {
    let body = json!({ "sample": args.sample, "operator": args.operator, "drill": args.drill });
    post(args.place.running()?, &format!("rigs/{}/start", args.rig), &body)
}

pub(super) fn next(args: &RigArgs) -> Outcome {
    post(args.place.running()?, &format!("rigs/{}/next", args.rig), &json!({ "operator": args.operator }))
}

pub(super) fn stop(args: &RigArgs) -> Outcome {
    post(args.place.running()?, &format!("rigs/{}/stop", args.rig), &json!({ "operator": args.operator }))
}

pub(super) fn enter(args: &EnterArgs) -> Outcome {
    let mut values = serde_json::Map::new();
    for value in &args.values {
        let (parameter, text) = value
            .split_once('=')
            .filter(|(parameter, text)| !parameter.is_empty() && !text.is_empty())
            .ok_or_else(|| no_value(value, "PARAMETER=VALUE", "ph=7.1[pH]"))?;
        if values.insert(parameter.to_owned(), text.into()).is_some() {
            return Err(Failure::usage(said!("say-twice", name = format!("{parameter:?}"))));
        }
    }
    let body = json!({ "values": values, "operator": args.operator });
    post(args.place.running()?, &format!("rigs/{}/enter", args.rig), &body)
}

pub(super) fn drill(args: &DrillArgs) -> Outcome {
    let body = json!({ "on": args.state == Switch::On, "operator": args.operator });
    post(args.place.running()?, &format!("places/{}/drill", args.at), &body)
}

pub(super) fn subject(args: &SubjectArgs) -> Outcome {
    let mut facts = BTreeMap::new();
    for fact in &args.facts {
        let (name, text) = fact
            .split_once('=')
            .filter(|(name, text)| !name.is_empty() && !text.is_empty())
            .ok_or_else(|| no_value(fact, "NAME=TEXT", "axles=6"))?;
        facts.insert(name.to_owned(), text.to_owned());
    }
    let body = json!({ "subject": args.subject, "facts": facts, "operator": args.operator });
    post(args.place.running()?, "subjects", &body)
}

/// What was given is not of the form that is wanted.
fn no_value(given: &str, form: &str, example: &str) -> Failure {
    Failure::usage(said!("say-no-value", given = format!("{given:?}"), form = form, example = example))
}

/// Asks the local interface to do something.
pub(super) fn post(agent: Agent, path: &str, body: &Value) -> Outcome {
    answered(agent, path, body, |_| {
        outln!("{}", said!("say-recorded"));
        Ok(())
    })
}

/// Posts to the local interface; gives the code and the JSON it answers with.
pub(super) fn exchange(agent: &Agent, path: &str, body: &Value, patience: Duration) -> Result<(u16, Value), Failure> {
    let url = format!("http://{}/api/v1/{path}", agent.address);
    let request = http(patience).post(&url).header("authorization", agent.bearer()?);
    let mut answer = request.send_json(body).map_err(|why| unreachable(agent, &why))?;
    Ok((answer.status().as_u16(), answer.body_mut().read_json().unwrap_or(Value::Null)))
}

/// Posts to the local interface and tells its answer; a refusal is a finding.
#[allow(clippy::needless_pass_by_value, reason = "found for this one request, and handed over")]
pub(super) fn answered(
    agent: Agent,
    path: &str,
    body: &Value,
    tell: impl FnOnce(&Value) -> Result<(), Failure>,
) -> Outcome {
    let (code, text) = exchange(&agent, path, body, PATIENCE)?;
    if code == 200 {
        tell(&text)?;
        Ok(OK)
    } else {
        let why = text.get("error").and_then(Value::as_str).map_or_else(|| said!("say-refused"), str::to_owned);
        note(format_args!("tidewaiter: {why}"));
        Ok(FINDING)
    }
}

/// Fetches JSON from the local interface.
#[allow(clippy::needless_pass_by_value, reason = "found for this one request, and handed over")]
pub(super) fn get(agent: Agent, path: &str) -> Result<Value, Failure> {
    let url = format!("http://{}/api/v1/{path}", agent.address);
    let mut answer = http(PATIENCE).get(&url).call().map_err(|why| unreachable(&agent, &why))?;
    answer.body_mut().read_json().map_err(|why| Failure::environment(format!("{url}: {why}")))
}

/// A client that waits so long and goes by no proxy: the agent is on this machine.
pub(super) fn http(patience: Duration) -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(patience)).http_status_as_error(false).proxy(None).build().into()
}

fn unreachable(agent: &Agent, why: &ureq::Error) -> Failure {
    Failure::environment(said!("say-agent-silent", address = agent.address, why = why))
}
