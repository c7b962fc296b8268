//! Looking at documents, handing them over, and what became of them.

use std::{
    io::{self, Write as _},
    path::Path,
};

use serde_json::{Value, json};
use tidewaiter_config::limits::load_str;
use tidewaiter_record::{
    Hash,
    mandate::{Assignment, Command, Kind, Limits, MandateError, PLAN_SIGNERS, Plan, RoleName, Root, Signed, Verb},
};

use super::{
    Publish,
    make::{open, read, usage},
};
use crate::{
    cli::Failure,
    config::Config,
    orders::{Item, Name, Spool, review},
};

impl From<crate::orders::SpoolError> for Failure {
    fn from(error: crate::orders::SpoolError) -> Self {
        match error {
            crate::orders::SpoolError::File { path, source, .. } => Self::Output { path, source },
            other => Self::Usage(other.to_string()),
        }
    }
}

pub(super) fn show(file: &Path, root: Option<&Path>) -> Result<u8, Failure> {
    let bytes = read(file)?;
    let wrong = |why: MandateError| usage(format!("{}: {why}", file.display()));
    let signed = Signed::open(&bytes).map_err(wrong)?;
    let mut shown = serde_json::Map::new();
    let mut tell = |name: &str, what: Value| shown.insert(name.to_owned(), what);
    tell("kind", signed.kind().word().into());
    tell("sha256", json!(signed.hash()));
    tell("claims_signatures_of", json!(signed.claimed()));
    tell("says", json!(says(&signed).map_err(wrong)?));
    let mut code = 0;
    if let Some(path) = root {
        let root = open(path, Kind::Root, Root::read)?;
        let enough = enough(&root, &signed).map_err(wrong)?;
        let roles: serde_json::Map<String, Value> = RoleName::ALL
            .into_iter()
            .map(|role| (role.word().to_owned(), json!(root.signers(role, &signed))))
            .collect();
        code = u8::from(enough.is_some());
        tell("signed_by", Value::Object(roles));
        tell("enough", enough.is_none().into());
        tell("why_not", enough.into());
    }
    writeln!(io::stdout().lock(), "{:#}", Value::Object(shown))?;
    Ok(code)
}

/// What is missing for this root to stand behind it.
fn enough(root: &Root, signed: &Signed<'_>) -> Result<Option<String>, MandateError> {
    let (role, least) = match signed.kind() {
        Kind::Root => (RoleName::Root, 1),
        Kind::Limits => (RoleName::Limits, 1),
        Kind::Plan => (RoleName::Limits, PLAN_SIGNERS),
        Kind::Assignment | Kind::Command => (RoleName::Director, 1),
    };
    if let Err(why) = root.need(role, least, signed) {
        return Ok(Some(why.to_string()));
    }
    if signed.kind() == Kind::Command {
        let command = Command::read(signed)?;
        let is_dangerous = Verb::from_word(&command.verb).is_some_and(Verb::is_dangerous);
        if is_dangerous && root.signers(RoleName::Root, signed).is_empty() {
            return Ok(Some(format!("{} also needs a key of role root", command.verb)));
        }
    }
    Ok(None)
}

fn says(signed: &Signed<'_>) -> Result<Value, MandateError> {
    Ok(match signed.kind() {
        Kind::Root => {
            let root = Root::read(signed)?;
            let roles: serde_json::Map<String, Value> = RoleName::ALL
                .into_iter()
                .map(|name| {
                    let role = root.role(name);
                    (name.word().to_owned(), json!({ "threshold": role.threshold, "keys": role.kids }))
                })
                .collect();
            let floors = root
                .floors
                .map(|it| json!({ "limits": it.limits, "assignment": it.assignment, "command": it.command }));
            json!({ "version": root.version, "roles": roles, "floors": floors })
        }
        Kind::Limits => {
            let limits = Limits::read(signed)?;
            let tables: Vec<Value> = limits
                .tables
                .iter()
                .map(|it| {
                    json!({ "id": it.id, "edition": it.edition, "sha256": it.hash, "length": it.length,
                            "valid_from": it.valid_from.to_string(), "on_expiry": it.on_expiry.word() })
                })
                .collect();
            json!({ "version": limits.version, "expires_at_beacon": limits.expires_at_beacon, "tables": tables })
        }
        Kind::Assignment => {
            let it = Assignment::read(signed)?;
            let tables: Vec<Value> =
                it.tables.iter().map(|it| json!({ "id": it.id, "edition": it.edition, "sha256": it.hash })).collect();
            let plan = it.plan.map(|it| json!({ "id": it.id, "version": it.version, "sha256": it.hash }));
            json!({ "agent": it.agent, "version": it.version, "limits_version": it.limits_version, "tables": tables,
                    "plan": plan, "config": it.config, "expires_at_beacon": it.expires_at_beacon, "deny": it.deny })
        }
        Kind::Plan => {
            let it = Plan::read(signed)?;
            json!({ "id": it.id, "version": it.version, "sha256": it.hash(), "text": it.text })
        }
        Kind::Command => {
            let it = Command::read(signed)?;
            json!({ "agent": it.agent, "id": hex::encode(it.id), "number": it.number, "verb": it.verb,
                    "arguments": it.arguments, "not_after_beacon": it.not_after_beacon, "chain": it.after.chain,
                    "after_seq": it.after.seq })
        }
    })
}

pub(super) fn publish(args: &Publish) -> Result<u8, Failure> {
    // Everything is looked at before anything is put in.
    let mut orders = Vec::new();
    for path in &args.files {
        let bytes = read(path)?;
        let at = path.display();
        let (item, of_agent) = match Signed::open(&bytes) {
            Ok(signed) => item(&signed).map_err(|why| usage(format!("{at}: {why}")))?,
            Err(why) => {
                // Tables are text; everything else is no order.
                let text = std::str::from_utf8(&bytes).ok().and_then(|text| load_str(&at.to_string(), text).ok());
                if text.is_none() {
                    return Err(usage(format!("{at}: neither a signed order ({why}) nor a limit table")));
                }
                (Item::Table(Hash::of(&bytes)), None)
            }
        };
        if let Some(agent) = of_agent.filter(|it| args.agent != std::slice::from_ref(it)) {
            return Err(usage(format!("{at}: it is for agent {agent:?}; publish it for that one alone")));
        }
        orders.push((item, bytes));
    }
    let spool = Spool::new(&args.spool);
    let mut stdout = io::stdout().lock();
    for agent in &args.agent {
        for (item, bytes) in &orders {
            let name = Name { site: args.site.clone(), agent: agent.clone(), item: *item };
            spool.put(&name, bytes)?;
            writeln!(stdout, "{}", name.topic())?;
        }
    }
    Ok(0)
}

fn item(signed: &Signed<'_>) -> Result<(Item, Option<String>), MandateError> {
    Ok(match signed.kind() {
        Kind::Root => (Item::Root(Root::read(signed)?.version), None),
        Kind::Limits => {
            Limits::read(signed)?;
            (Item::Limits, None)
        }
        Kind::Plan => {
            Plan::read(signed)?;
            (Item::Plan, None)
        }
        Kind::Assignment => (Item::Assignment, Some(Assignment::read(signed)?.agent)),
        Kind::Command => {
            let command = Command::read(signed)?;
            (Item::Command(command.number), Some(command.agent))
        }
    })
}

pub(super) fn status(config: &Path, as_json: bool) -> Result<u8, Failure> {
    let config = Config::load(config)?;
    let review = review(config.store.place.read()?.as_ref())?;
    let orders = match &config.orders {
        Some(dir) => Spool::new(dir),
        None => return Err(usage("the configuration has no [orders] table, so there is no spool to compare with")),
    };
    let mut open_orders = 0;
    let mut agents: std::collections::BTreeMap<String, Value> = std::collections::BTreeMap::new();
    for (agent, reviewed) in &review {
        let in_force = reviewed.in_force.as_ref().map(|(seq, it)| {
            let tables: Vec<String> = it.tables.iter().map(|it| format!("{} {}", it.id, it.edition)).collect();
            json!({ "record": seq, "cause": it.cause, "versions": it.versions, "tables": tables, "facts": it.facts })
        });
        let results: Vec<Value> = reviewed
            .results
            .iter()
            .map(|(seq, it)| {
                json!({ "record": seq, "number": it.number, "verb": it.verb, "outcome": it.outcome, "text": it.text })
            })
            .collect();
        agents.insert(
            agent.clone(),
            json!({ "in_force": in_force, "results": results, "assigned": null, "waiting": [] }),
        );
    }
    for (name, _) in orders.scan()? {
        let entry = agents
            .entry(name.agent.clone())
            .or_insert_with(|| json!({ "in_force": null, "results": [], "assigned": null, "waiting": [] }));
        match name.item {
            Item::Assignment => {
                let assigned = open(&orders.path(&name), Kind::Assignment, Assignment::read)?.version;
                let active = entry.pointer("/in_force/versions/2").and_then(Value::as_u64);
                open_orders += u32::from(active != Some(assigned));
                entry["assigned"] = assigned.into();
            }
            Item::Command(number) => {
                open_orders += 1;
                if let Some(waiting) = entry["waiting"].as_array_mut() {
                    waiting.push(number.into());
                }
            }
            _ => {}
        }
    }
    let mut out = io::stdout().lock();
    if as_json {
        writeln!(out, "{}", json!({ "agents": agents, "open": open_orders }))?;
    } else {
        for (agent, it) in &agents {
            let versions = it.pointer("/in_force/versions").filter(|it| it.is_array());
            let in_force =
                versions.map_or_else(|| "own tables".to_owned(), |it| format!("root, limits, assignment {it}"));
            writeln!(
                out,
                "{agent}: in force {in_force}; assigned {}; commands waiting {}",
                it["assigned"], it["waiting"]
            )?;
            for result in it["results"].as_array().into_iter().flatten() {
                let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
                writeln!(out, "  command {} {}: {} {}", result["number"], text("verb"), text("outcome"), text("text"))?;
            }
        }
    }
    Ok(u8::from(open_orders > 0))
}
