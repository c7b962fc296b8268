//! `status`: what is in the store.

use std::io::{self, Write as _};

use serde::Serialize;
use tidewaiter_console::said;
use tidewaiter_record::{ChainId, Registry};
use tidewaiter_words::terms;

use super::{Failure, headed};
use crate::{
    core::REPORT_AFTER_MS,
    store::{Gap, Named, Outline, Store},
    summary::Summary,
    view::utc,
};

/// Prints chains and counts; gives exit code 1 when something is bad or missing.
pub(super) fn show(store: &dyn Store, registry: Option<&Registry>, json: bool) -> Result<u8, Failure> {
    let outline = store.outline()?;
    let incidents = incidents(store, registry)?;
    let summary = Summary::of(&store.counters()?, &outline);
    let states = store.states()?;
    let (gaps, missing) = (store.gaps()?, store.named(None, true)?);
    let log = (store.log_size()?, store.newest_head()?);
    let gap_of = |it: &Outline| gaps.iter().find(|gap| gap.chain == it.chain);
    let mut out = io::stdout().lock();
    if json {
        let chains: Vec<_> = outline
            .iter()
            .map(|it| {
                serde_json::json!({
                    "agent": it.agent, "site": it.site, "chain": it.chain, "receipted_upto": it.receipted().checked_sub(1),
                    "highest": it.highest, "missing": it.missing(), "waiting": it.waiting, "evidence": it.evidence,
                    "newest": newest(it), "held_at": it.held_at, "gap": gap_of(it).map(gap_json),
                })
            })
            .collect();
        let states: Vec<_> = states
            .iter()
            .map(|(site, agent, state, received_ms)| {
                let state: serde_json::Value = serde_json::from_str(state).unwrap_or_default();
                serde_json::json!({ "agent": agent, "site": site, "received": utc(*received_ms), "unsigned": state })
            })
            .collect();
        writeln!(
            out,
            "{}",
            serde_json::json!({
                "summary": summary, "chains": chains, "incidents": incidents, "states": states,
                "log": { "size": log.0, "head": log.1.as_ref().map(|it| it.number), "head_size": log.1.as_ref().map(|it| it.size) },
            })
        )?;
    } else {
        let mut table = headed(&["agent", "chain", "receipted", "missing", "waiting", "evidence", "newest"]);
        for it in &outline {
            table.add_row([
                it.agent.clone(),
                it.chain.to_string(),
                it.receipted().checked_sub(1).map_or_else(|| "-".to_owned(), |it| it.to_string()),
                it.missing().to_string(),
                it.waiting.to_string(),
                it.evidence.to_string(),
                newest(it).unwrap_or_else(|| "-".to_owned()),
            ]);
        }
        writeln!(out, "{table}")?;
        for (it, gap) in outline.iter().filter_map(|it| gap_of(it).map(|gap| (it, gap))) {
            writeln!(out, "{}", gap_line(&it.agent, gap))?;
        }
        for it in outline.iter().filter(|it| it.receipted() < it.next_seq) {
            let named = missing.iter().find(|named| (named.chain, Some(named.seq)) == (it.chain, it.held_at));
            writeln!(out, "{}", held_line(&it.agent, named))?;
        }
        if let (size, Some(head)) = &log {
            let (number, covers, at) = (head.number, head.size, utc(head.at_ms));
            writeln!(out, "{}", said!("centre-log", leaves = size, number = number, size = covers, at = at))?;
        }
        let mut counts = headed(&[]);
        for (name, n) in [
            ("received", summary.received),
            ("records", summary.records),
            ("verified", summary.verified),
            ("receipted", summary.receipted),
            ("missing", summary.gaps),
            ("resends", summary.resends),
            ("duplicates", summary.duplicates_folded),
            ("recomputed", summary.recomputed),
            ("not-recomputed", summary.not_recomputed),
        ] {
            counts.add_row([said!(&format!("centre-count-{name}")), n.to_string()]);
        }
        if summary.node_blocks > 0 {
            let (blocks, sealed) = (summary.node_blocks, summary.node_sealed);
            counts.add_row([said!("centre-count-node"), said!("centre-node-blocks", blocks = blocks, sealed = sealed)]);
        }
        for (cause, n) in &summary.bad {
            counts.add_row([said!("centre-bad", cause = cause), n.to_string()]);
        }
        for (word, n) in &summary.verdicts {
            counts.add_row([
                said!("centre-verdict", word = terms::verdict(tidewaiter_console::language(), word)),
                n.to_string(),
            ]);
        }
        writeln!(out, "{counts}")?;
        for it in &incidents {
            writeln!(out, "{}", said!("centre-incident", kind = it.kind, what = it.what))?;
        }
    }
    Ok(u8::from(!summary.is_clean()))
}

fn newest(it: &Outline) -> Option<String> {
    (it.next_seq > 0).then(|| utc(it.head_received_ms))
}

fn gap_json(it: &Gap) -> serde_json::Value {
    serde_json::json!({
        "from": it.from_seq, "upto": it.upto_seq, "since": utc(it.opened_ms), "asked": it.asked, "incident": it.reported,
    })
}

fn gap_line(agent: &str, it: &Gap) -> String {
    let (id, minutes) = (if it.reported { "centre-gap-late" } else { "centre-gap" }, REPORT_AFTER_MS / 60_000);
    let (first, last, since) = (it.from_seq, it.upto_seq, utc(it.opened_ms));
    said!(id, agent = agent, first = first, last = last, since = since, minutes = minutes, asked = it.asked)
}

fn held_line(agent: &str, named: Option<&Named>) -> String {
    named.map_or_else(String::new, |it| {
        said!("centre-held", agent = agent, number = it.seq, hash = it.hash, size = it.size)
    })
}

/// What a person has to know of, and what never goes away.
#[derive(Debug, Serialize)]
struct Incident {
    /// `fork`, `chain-reset`, or what was found by the blocks of a node: `node-mac` …
    kind: &'static str,
    agent: String,
    chain: ChainId,
    seq: Option<u64>,
    what: String,
}

/// Newest findings about nodes that are listed; all of them are counted.
const MOST_NODE_INCIDENTS: u32 = 100;

fn incidents(store: &dyn Store, registry: Option<&Registry>) -> Result<Vec<Incident>, Failure> {
    let forks = store.forks()?.into_iter().map(|it| Incident {
        kind: "fork",
        what: format!(
            "two boxes sign as {}: since {} {} other records under numbers from {} of chain {}; both branches are kept",
            it.agent,
            utc(it.since_ms),
            it.records,
            it.first_seq,
            it.chain
        ),
        agent: it.agent,
        chain: it.chain,
        seq: Some(it.first_seq),
    });
    let resets = registry.into_iter().flat_map(Registry::keys).filter_map(|key| {
        let (follows, chain) = (key.follows.as_ref()?, key.chain?);
        let last = follows.last_seq.map_or_else(|| "without a record".to_owned(), |it| format!("after record {it}"));
        let note = key.note.as_deref().unwrap_or_default();
        let what = format!("{} began chain {chain} in place of {}, {last}: {note}", key.agent, follows.chain);
        Some(Incident { kind: "chain-reset", agent: key.agent.clone(), chain, seq: follows.last_seq, what })
    });
    let nodes = store.node_findings(MOST_NODE_INCIDENTS)?.into_iter().map(|it| Incident {
        kind: it.finding.bad.word(),
        what: format!("record {} of {}: {}", it.seq, it.agent, it.finding.detail),
        agent: it.agent,
        chain: it.chain,
        seq: Some(it.seq),
    });
    Ok(forks.chain(resets).chain(nodes).collect())
}
