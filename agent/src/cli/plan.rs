//! `tidewaiter plan`: check, show, compare and audit monitoring plans.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tidewaiter_config::{
    limits,
    plan::{self, Change, Known, Plan, RiskClass},
    site::Site,
};
use tidewaiter_screening::duty::audit::{COMMITTED, DRAWN, Period, REVEALED, Told, audit};
use tidewaiter_words::{Language, say};

use super::{
    FINDING, Failure, OK, Outcome, USAGE,
    output::{outln, said},
    place,
};
use crate::{lane::record_view, outbox::Archive};

/// Records read at once.
const PAGE: usize = 256;

/// Commands on monitoring plans.
#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// Check a plan file: every fault with its line and column, and what to write instead.
    ///
    /// Example: tidewaiter plan check plan.toml --config site.toml
    Check(CheckArgs),
    /// Show a plan setting by setting: a file, or the one the site watches.
    ///
    /// Example: tidewaiter plan show --config site.toml
    Show(ShowArgs),
    /// What changed between two plan files.
    ///
    /// Example: tidewaiter plan diff old.toml new.toml
    Diff(DiffArgs),
    /// Draw every ticket again from exported records, and count whether the rates were met.
    ///
    /// Example: tidewaiter plan audit records.jsonl
    Audit(AuditArgs),
}

/// Options of `tidewaiter plan check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Plan file.
    file: PathBuf,
    /// Site file: its places and limit tables are what the plan may name. Without it, places are taken as they are.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: Option<PathBuf>,
}

/// Options of `tidewaiter plan show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Plan file; the one the site watches without it.
    file: Option<PathBuf>,
    /// Site file.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Options of `tidewaiter plan diff`.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The older plan.
    old: PathBuf,
    /// The newer plan.
    new: PathBuf,
    /// Site file.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: Option<PathBuf>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Options of `tidewaiter plan audit`.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Records as `tidewaiter export --format jsonl` writes them.
    #[arg(required_unless_present = "data_dir", conflicts_with = "data_dir")]
    file: Option<PathBuf>,
    /// Data directory of an agent, in place of a file.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// One JSON object a period.
    #[arg(long)]
    json: bool,
}

pub(super) fn plan(command: PlanCommand) -> Outcome {
    match command {
        PlanCommand::Check(args) => check(&args),
        PlanCommand::Show(args) => show(&args),
        PlanCommand::Diff(args) => diff(&args),
        PlanCommand::Audit(args) => audit_records(&args),
    }
}

/// The site a plan is held against, where one is named.
fn site(config: Option<&PathBuf>) -> Result<Option<Site>, Failure> {
    config.map(|path| place::site(path)).transpose()
}

fn load(
    file: &Path,
    site: Option<&Site>,
) -> Result<(Plan, Vec<tidewaiter_config::Finding>), tidewaiter_config::Report> {
    match site {
        Some(site) => plan::load(file, &Known::of(site)),
        None => plan::load(file, &Known::anywhere(&limits::builtin())),
    }
}

fn check(args: &CheckArgs) -> Outcome {
    let site = site(args.config.as_ref())?;
    match load(&args.file, site.as_ref()) {
        Ok((plan, warnings)) => {
            for warning in warnings {
                outln!("{warning}");
            }
            outln!("{}", summary(tidewaiter_console::language(), &plan));
            Ok(OK)
        }
        Err(report) => {
            let color = tidewaiter_console::colours();
            let text = if color { report.render(true) } else { report.to_string() };
            outln!("{}", text.trim_end());
            Ok(USAGE)
        }
    }
}

/// A plan in one sentence.
pub(super) fn summary(language: Language, plan: &Plan) -> String {
    let (version, from) = (plan.version, plan.effective_from.to_string());
    let args = [
        ("plan", (&plan.id).into()),
        ("version", version.into()),
        ("from", (&from).into()),
        ("items", plan.items.len().into()),
        ("deadlines", plan.deadlines.len().into()),
    ];
    say(language, "plan-summary", &args)
}

fn sound(file: &Path, site: Option<&Site>) -> Result<Plan, Failure> {
    load(file, site).map(|(plan, _)| plan).map_err(|report| Failure::usage(report.to_string().trim_end()))
}

fn show(args: &ShowArgs) -> Outcome {
    let site = site(args.config.as_ref())?;
    let watched = site.as_ref().and_then(|site| site.plan.clone());
    let file = args.file.clone().or(watched).ok_or_else(|| Failure::usage(said!("plan-which")))?;
    let plan = sound(&file, site.as_ref())?;
    let lines = plan::outline(&plan);
    if args.json {
        let mut object: serde_json::Map<String, Value> =
            lines.into_iter().map(|(what, text)| (what, Value::String(text))).collect();
        object.insert("sha256".to_owned(), Value::String(hex::encode(plan.digest)));
        outln!("{}", Value::Object(object));
    } else {
        for (what, text) in lines {
            outln!("{what} = {text}");
        }
        outln!("sha256 = {}", hex::encode(plan.digest));
    }
    Ok(OK)
}

fn diff(args: &DiffArgs) -> Outcome {
    let site = site(args.config.as_ref())?;
    let (old, new) = (sound(&args.old, site.as_ref())?, sound(&args.new, site.as_ref())?);
    let changes = plan::changes(&old, &new);
    for Change { what, old, new } in &changes {
        if args.json {
            outln!("{}", json!({ "what": what, "old": old, "new": new }));
        } else {
            let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
            outln!("{what}: {} → {}", side(old), side(new));
        }
    }
    if !changes.is_empty() && new.version <= old.version {
        tidewaiter_console::note(format_args!(
            "{}",
            say(tidewaiter_console::language(), "plan-version-stands", &[("version", new.version.into())])
        ));
    }
    Ok(if changes.is_empty() { OK } else { FINDING })
}

/// One sampling event, taken out of a record.
struct Taken {
    seq: u64,
    name: String,
    subject: Option<String>,
    facts: BTreeMap<String, String>,
}

fn audit_records(args: &AuditArgs) -> Outcome {
    let mut taken = Vec::new();
    if let Some(dir) = &args.data_dir {
        let archive = Archive::open(dir).map_err(Failure::environment)?;
        let mut next = 0;
        loop {
            let page = archive.entries(next, PAGE).map_err(Failure::environment)?;
            let Some(last) = page.last() else { break };
            next = last.seq + 1;
            taken.extend(page.iter().filter_map(|entry| sampling(&record_view(&entry.bytes))));
        }
    } else if let Some(file) = &args.file {
        let text =
            std::fs::read_to_string(file).map_err(|why| Failure::environment(format!("{}: {why}", file.display())))?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let record: Value = serde_json::from_str(line).map_err(|why| {
                let place = format!("{}:{}", file.display(), number + 1);
                Failure::usage(said!("plan-records-form", place = place, why = why))
            })?;
            taken.extend(sampling(&record));
        }
    }
    // Exports of several runs may be put together in any order; the chain has one.
    taken.sort_by_key(|it| it.seq);
    let periods = audit(taken.iter().map(|it| Told {
        seq: it.seq,
        name: &it.name,
        subject: it.subject.as_deref(),
        facts: &it.facts,
    }));
    let language = tidewaiter_console::language();
    if periods.is_empty() && !args.json {
        outln!("{}", say(language, "audit-nothing", &[]));
    }
    for period in &periods {
        if args.json {
            outln!("{}", as_json(period));
        } else {
            print(language, period);
        }
    }
    Ok(if periods.iter().all(|it| it.faults.is_empty()) { OK } else { FINDING })
}

/// The sampling event of a record, if it is one.
fn sampling(record: &Value) -> Option<Taken> {
    let name = record.pointer("/detail/name")?.as_str().filter(|it| [COMMITTED, DRAWN, REVEALED].contains(it))?;
    let facts = record.pointer("/detail/facts")?.as_object()?;
    Some(Taken {
        seq: record.get("seq")?.as_u64()?,
        name: name.to_owned(),
        subject: record.pointer("/detail/subject").and_then(Value::as_str).map(str::to_owned),
        facts: facts.iter().filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect(),
    })
}

fn as_json(period: &Period) -> Value {
    let classes: serde_json::Map<String, Value> = RiskClass::ALL
        .into_iter()
        .zip(period.counts.iter().zip(&period.rates))
        .map(|(class, (counts, rate))| {
            let rate = rate.map(|it| it.to_string());
            let value = json!({ "rate_percent": rate, "presented": counts.presented, "selected": counts.selected });
            (class.word().to_owned(), value)
        })
        .collect();
    let faults: Vec<Value> = period.faults.iter().map(|(seq, what)| json!({ "record": seq, "what": what })).collect();
    json!({
        "plan": period.plan,
        "item": period.item,
        "commitment": period.commitment,
        "revealed": period.revealed,
        "classes": classes,
        "faults": faults,
        "more_faults": period.more_faults,
    })
}

fn print(language: Language, period: &Period) {
    let id = match (period.faults.is_empty(), period.revealed) {
        (false, _) => "audit-faulty",
        (true, true) => "audit-sound",
        (true, false) => "audit-open",
    };
    let short: String = period.commitment.chars().take(12).collect();
    let args = [("plan", (&period.plan).into()), ("item", (&period.item).into()), ("commitment", (&short).into())];
    outln!("{}", say(language, id, &args));
    for (class, (counts, rate)) in RiskClass::ALL.into_iter().zip(period.counts.iter().zip(&period.rates)) {
        if counts.presented > 0 {
            let rate = rate.map_or_else(|| "?".to_owned(), |it| it.to_string());
            let args = [
                ("class", class.word().into()),
                ("rate", (&rate).into()),
                ("selected", counts.selected.into()),
                ("presented", counts.presented.into()),
            ];
            outln!("  {}", say(language, "audit-class", &args));
        }
    }
    for (seq, what) in &period.faults {
        outln!("  #{seq}: {what}");
    }
    if period.more_faults > 0 {
        outln!("  {}", say(language, "audit-more-faults", &[("count", period.more_faults.into())]));
    }
}
