//! Chains that replace each other.
//!
//! An agent that lost its chain begins another one, and only by a signed statement that the registry names beside
//! the new chain (`follows`). The chains of one agent therefore form a line: one begins it, each other one follows
//! one of them, and no two follow the same. A chain outside that line may hide the one it stands in for.

use std::collections::BTreeMap;

use super::{chain::ChainState, report::Code};
use crate::{
    id::ChainId,
    registry::{Follows, Registry, Role},
};

/// By agent: its chains, each with the one it follows.
type Lines<'r> = BTreeMap<&'r str, BTreeMap<ChainId, Option<Follows>>>;

fn lines(registry: &Registry) -> Lines<'_> {
    let mut lines = Lines::new();
    for key in registry.keys().filter(|it| it.role == Role::Agent) {
        if let Some(chain) = key.chain {
            let follows = lines.entry(&key.agent).or_default().entry(chain).or_default();
            *follows = follows.or(key.follows);
        }
    }
    lines
}

/// Judges the chains met against the registry and against each other.
pub(super) fn check(
    registry: &Registry,
    chains: &BTreeMap<ChainId, ChainState>,
    report: &mut dyn FnMut(Code, ChainId, Option<u64>, String),
) {
    let lines = lines(registry);
    for (&chain, state) in chains.iter().filter(|(_, it)| it.records() > 0) {
        let Some(line) = lines.get(state.agent()) else { continue };
        let first = state.first_seq();
        match line.get(&chain).copied().flatten() {
            None => {
                let others = line.iter().filter(|(it, follows)| **it != chain && follows.is_none()).count();
                if others > 0 {
                    let what = format!("{others} more chains of agent `{}` follow no other one", state.agent());
                    report(Code::ResetUnproven, chain, Some(first), what);
                }
            }
            Some(follows) => match contradiction(line, chain, follows, chains) {
                Some(what) => report(Code::ResetUnproven, chain, Some(first), what),
                None => {
                    let what = format!("replaces chain {} by statement {}", follows.chain, follows.reset);
                    report(Code::ChainReset, chain, Some(first), what);
                }
            },
        }
    }
}

fn contradiction(
    line: &BTreeMap<ChainId, Option<Follows>>,
    chain: ChainId,
    follows: Follows,
    chains: &BTreeMap<ChainId, ChainState>,
) -> Option<String> {
    let before = follows.chain;
    if !line.contains_key(&before) {
        return Some(format!("follows chain {before}, which is none of this agent"));
    }
    if line.iter().any(|(it, other)| *it != chain && other.is_some_and(|it| it.chain == before)) {
        return Some(format!("follows chain {before}, and so does another one"));
    }
    // As many steps as there are chains: who has not arrived then walks in a circle.
    let mut at = Some(before);
    for _ in 0..line.len() {
        at = at.and_then(|it| line.get(&it).copied().flatten()).map(|it| it.chain);
    }
    if at.is_some() {
        return Some("follows chains that follow each other".to_owned());
    }
    let (old, last_seq) = (chains.get(&before)?, follows.last_seq?);
    if old.last_seq().is_some_and(|it| it > last_seq) {
        return Some(format!("chain {before} goes on after record {last_seq}, said to be its last"));
    }
    let found = old.hash_at(last_seq)?;
    follows
        .hash
        .filter(|it| *it != found)
        .map(|it| format!("record {last_seq} before it is said to be {it}, it is {found}"))
}
