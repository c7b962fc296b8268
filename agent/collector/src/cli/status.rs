//! `status`: what is in the store.

use std::io::{self, Write as _};

use serde::Serialize;
use tidewaiter_console::said;
use tidewaiter_record::{ChainId, Registry};
use tidewaiter_words::terms;

use super::{Failure, headed, now_ms};
use crate::{
    core::REPORT_AFTER_MS,
    figures::{Figures, SILENT_FOR_S},
    finding::Bad,
    store::{Gap, Moment, Named, Outline, Store},
    view::utc,
};

/// Silent agents that are named; the JSON names a hundred.
const SHOWN_SILENT: usize = 10;

/// Age from which a record without a receipt is worth a line: below, its evidence is still on its way.
const UNRECEIPTED_MS: u64 = 60_000;

/// Prints chains and counts; gives exit code 1 when something is bad or missing.
pub(super) fn show(
    store: &dyn Store,
    registry: Option<&Registry>,
    free_bytes: Option<u64>,
    json: bool,
) -> Result<u8, Failure> {
    // All of one moment, also while a collector writes.
    let _moment = Moment::of(store)?;
    let outline = store.outline()?;
    let incidents = incidents(store, registry)?;
    let figures = Figures::of(store, registry, free_bytes, now_ms())?;
    let summary = &figures.summary;
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
                "figures": figures,
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
        standing(&mut out, &figures)?;
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
        for (cause, n) in &summary.bad {
            let meant = Bad::from_word(cause).map_or_else(String::new, |it| said!(&format!("centre-cause-{it}")));
            counts.add_row([said!("centre-bad", cause = cause, meant = meant), n.to_string()]);
        }
        for (word, n) in &summary.verdicts {
            counts.add_row([
                said!("centre-verdict", word = terms::verdict(tidewaiter_console::language(), word)),
                n.to_string(),
            ]);
        }
        writeln!(out, "{counts}")?;
        for it in &incidents {
            writeln!(out, "{}", it.told)?;
        }
    }
    Ok(u8::from(!summary.is_clean()))
}

/// Who is silent, what waits, and how much room there is.
fn standing(out: &mut impl io::Write, it: &Figures) -> io::Result<()> {
    let late = it.silence.iter().filter(|it| it.ms > SILENT_FOR_S[0] * 1_000);
    for silence in late.clone().take(SHOWN_SILENT) {
        let (agent, site, since) = (&silence.agent, &silence.site, span(silence.ms));
        writeln!(out, "{}", said!("centre-silent", agent = agent, site = site, since = since))?;
    }
    let more = it.agents_silent.get(&SILENT_FOR_S[0]).copied().unwrap_or(0).saturating_sub(SHOWN_SILENT as u64);
    if more > 0 {
        writeln!(out, "{}", said!("centre-silent-more", more = more))?;
    }
    if it.agents_unseen > 0 {
        writeln!(out, "{}", said!("centre-unseen", agents = it.agents_unseen))?;
    }
    if it.unreceipted_oldest_ms >= UNRECEIPTED_MS {
        writeln!(out, "{}", said!("centre-unreceipted", since = span(it.unreceipted_oldest_ms)))?;
    }
    let used = size(it.store_bytes);
    match it.store_free_bytes {
        Some(free) => writeln!(out, "{}", said!("centre-store", used = used, free = size(free))),
        None => writeln!(out, "{}", said!("centre-store-server", used = used)),
    }
}

/// A duration with its two largest units, as ISO 8601 abbreviates them.
fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Bytes in the largest unit that leaves a whole number of at least 10.
fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut rest = bytes;
    let mut unit = 0;
    while rest >= 10 * 1024 && unit + 1 < units.len() {
        rest /= 1024;
        unit += 1;
    }
    format!("{rest} {}", units.get(unit).copied().unwrap_or_default())
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
    /// `fork`, `chain-reset`.
    kind: &'static str,
    /// In the language of this run.
    #[serde(skip)]
    told: String,
    agent: String,
    chain: ChainId,
    seq: Option<u64>,
    what: String,
}

fn incidents(store: &dyn Store, registry: Option<&Registry>) -> Result<Vec<Incident>, Failure> {
    let forks = store.forks()?.into_iter().map(|it| Incident {
        kind: "fork",
        told: said!(
            "centre-incident-fork",
            agent = it.agent,
            since = utc(it.since_ms),
            records = it.records,
            first = it.first_seq,
            chain = it.chain
        ),
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
        let after = follows.last_seq.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let told = said!(
            "centre-incident-reset",
            agent = key.agent,
            chain = chain,
            before = follows.chain,
            after = after,
            note = note
        );
        Some(Incident { kind: "chain-reset", told, agent: key.agent.clone(), chain, seq: follows.last_seq, what })
    });
    Ok(forks.chain(resets).collect())
}

#[cfg(test)]
mod tests {
    use super::{size, span};

    #[test]
    fn durations_and_sizes_read_at_a_glance() {
        let spans =
            [(999, "0 s"), (59_999, "59 s"), (61_000, "1 min 1 s"), (3_600_000, "1 h 0 min"), (90_000_000, "1 d 1 h")];
        for (ms, text) in spans {
            assert_eq!(span(ms), text);
        }
        let sizes = [(0, "0 B"), (10_239, "10239 B"), (10_240, "10 KiB"), (15 << 20, "15 MiB"), (3 << 50, "3072 TiB")];
        for (bytes, text) in sizes {
            assert_eq!(size(bytes), text);
        }
    }
}
