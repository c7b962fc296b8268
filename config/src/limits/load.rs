//! The reader of a limit table file: what holds for the table as a whole.

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::{LimitTable, Row, Title, facts, row};
use crate::{
    reader::{Document, Node},
    report::Report,
};

const LEGAL_FORCE: [(&str, &str); 5] = [
    ("mandatory", "mandatory"),
    ("recommended", "recommended"),
    ("voluntary", "voluntary"),
    ("guide", "guide"),
    ("site", "site"),
];

/// Reads one limit table.
///
/// # Errors
///
/// Every fault of the file, with its place and what to write instead.
pub fn load_str(file_name: &str, text: &str) -> Result<LimitTable, Report> {
    let document = Document::new(file_name, text);
    let parsed = document.parse();
    let table = read(&Node::root(&document, &parsed), Sha256::digest(text.as_bytes()).into());
    let report = document.into_report();
    match table {
        Some(table) if !report.has_errors() => Ok(table),
        _ => Err(report),
    }
}

pub(super) fn title(root: &Node<'_>) -> Option<Title> {
    let node = root.need_table("title", "zh and en")?;
    let zh = node.need("zh", "\"…\"").and_then(|value| Some(value.text()?.to_owned()));
    let en = node.need("en", "\"…\"").and_then(|value| Some(value.text()?.to_owned()));
    node.finish();
    Some(Title { zh: zh?, en: en? })
}

pub(super) fn text(node: &Node<'_>, key: &'static str, example: &str) -> Option<String> {
    node.need(key, example).and_then(|value| Some(value.text()?.to_owned()))
}

fn read(root: &Node<'_>, digest: [u8; 32]) -> Option<LimitTable> {
    let id = root.need("id", "\"my-table\"").and_then(|value| Some(value.id()?.to_owned()));
    let edition = text(root, "edition", "\"2010\"");
    let title = title(root);
    let effective_from = root.need("effective_from", "2011-08-01").and_then(|value| value.date());
    let effective_to = until(root, effective_from);
    let replaces = row::or_default(root.may("replaces"), None, |value| Some(Some(value.text()?.to_owned())));
    let source = text(root, "source", "\"document, clause or table, edition\"");
    let legal_force = root.need("legal_force", "\"mandatory\"").and_then(|value| value.word(&LEGAL_FORCE));
    let hazards = row::or_default(root.may("hazards"), Vec::new(), row::hazards);
    let facts = facts::own(root);
    let rows = rows(root, facts.as_ref().unwrap_or(&std::collections::BTreeMap::new()));
    root.finish();
    let (mut rows, hazards) = (rows?, hazards?);
    for row in rows.iter_mut().filter(|row| row.hazards.is_empty()) {
        row.hazards.clone_from(&hazards);
    }
    Some(LimitTable {
        id: id?,
        edition: edition?,
        title: title?,
        effective_from: effective_from?,
        effective_to: effective_to?,
        replaces: replaces?,
        source: source?,
        legal_force: legal_force?.to_owned(),
        facts: facts?,
        rows,
        digest,
    })
}

fn rows(root: &Node<'_>, facts: &std::collections::BTreeMap<String, String>) -> Option<Vec<Row>> {
    let nodes = root.tables("rows");
    if nodes.is_empty() {
        root.document().absence(
            root.span(),
            "the table has no row",
            "[[rows]] with id, parameter, unit and a limit such as max = \"20\"",
        );
    }
    let mut ids: Vec<String> = Vec::new();
    let mut read = Vec::new();
    for node in &nodes {
        let row = row::row(node, &mut ids, facts);
        node.finish();
        read.extend(row);
    }
    (read.len() == nodes.len()).then_some(())?;
    row::settle(read)
}

/// The last day in force: none stated, or a sound one.
#[allow(clippy::option_option)]
fn until(root: &Node<'_>, from: Option<Date>) -> Option<Option<Date>> {
    let Some(value) = root.may("effective_to") else { return Some(None) };
    let to = value.date()?;
    if let Some(from) = from
        && to < from
    {
        value.fault(format!("the table ends on {to}, before it begins on {from}"), value.assign(from));
        return None;
    }
    Some(Some(to))
}
