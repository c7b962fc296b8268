//! The vectors as files: name and text.

use std::collections::BTreeMap;

use serde_json::json;

use super::cases::{all, documents, file};
use super::people::{AGENT, anchor};

/// Every file under `vectors/mandate1` that is made by program.
pub(crate) fn files() -> BTreeMap<String, String> {
    let lines = |bytes: &[u8]| bytes.chunks(32).map(|it| hex::encode(it) + "\n").collect::<String>();
    let mut files: BTreeMap<String, String> =
        documents().into_iter().map(|(name, bytes)| (name.to_owned(), lines(&bytes))).collect();
    let cases: Vec<_> = all().iter().map(file).collect();
    let index = json!({ "agent": AGENT, "anchor": hex::encode(anchor()), "cases": cases });
    files.insert("cases.json".to_owned(), serde_json::to_string_pretty(&index).unwrap() + "\n");
    files
}
