//! The declared facts a row may ask for.
//!
//! The set is closed, because a fact that no declaration ever carries makes a row undecidable for
//! good: a slip of the pen would refer every subject. A table that needs more declares them under
//! `[facts]`, each with its meaning.

use std::collections::BTreeMap;

use crate::reader::{Node, Value, list, nearest};

/// The facts that any table may ask for without declaring them.
pub const FACTS: [&str; 11] =
    ["axles", "category", "consignee", "drive-axle", "goods", "hs-code", "mass", "origin", "risk", "scrap", "vehicle"];

/// The facts a table declares under `[facts]`.
pub(super) fn own(root: &Node<'_>) -> Option<BTreeMap<String, String>> {
    let Some(value) = root.may("facts") else { return Some(BTreeMap::new()) };
    let entries = value.table()?.entries();
    let facts: BTreeMap<String, String> =
        entries.iter().filter_map(|(name, value)| Some((name.clone(), value.text()?.to_owned()))).collect();
    (facts.len() == entries.len()).then_some(facts)
}

/// Reports a fact that nothing declares; `at` is where it stands.
pub(super) fn check(fact: &str, at: &Value<'_>, own: &BTreeMap<String, String>, is_key: bool) {
    let known = || FACTS.into_iter().chain(own.keys().map(String::as_str));
    if known().any(|it| it == fact) {
        return;
    }
    let way_out = match nearest(fact, known()) {
        Some(meant) if is_key => format!("{meant} = {}", at.written()),
        Some(meant) => at.assign(format!("\"{meant}\"")),
        None => format!("{fact} = \"what it means\" under [facts] of this table (known everywhere: {})", list(FACTS)),
    };
    let what = format!("no declaration knows the fact {fact:?}");
    if is_key {
        at.key_fault(what, way_out);
    } else {
        at.fault(what, way_out);
    }
}
