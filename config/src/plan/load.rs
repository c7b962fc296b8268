//! The reader of a plan file as a whole.

use std::path::Path;

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::{Notice, Origin, Plan, PointLevel, items, matrix, notices, rules};
use crate::{
    limits::LimitTable,
    reader::{self, Document, Node, Value, decode_utf8, read_file},
    report::{Finding, Report},
    site::Site,
};

/// Procedures a plan may name: those of lanes and rigs, and results of a laboratory.
pub const PROCEDURES: [&str; 13] = [
    "lorry-gate",
    "textile-ph",
    "tyre-endurance",
    "textile-bench",
    "cotton-hvi",
    "tyre-uniformity",
    "tyre-rolling-resistance",
    "concentrate",
    "coal",
    "brake-lining",
    "gamma-spectrum",
    "generic-sample",
    "lab-result",
];

/// What a plan may refer to.
#[derive(Clone, Debug)]
pub struct Known<'s> {
    /// Limit tables loaded.
    pub tables: &'s [LimitTable],
    /// Lanes and rigs of the site; `None` where no site is at hand, and any name is taken.
    pub places: Option<Vec<&'s str>>,
}

impl<'s> Known<'s> {
    /// What a site knows.
    pub fn of(site: &'s Site) -> Self {
        let lanes = site.lanes.iter().map(|lane| lane.id.as_str());
        let rigs = site.rigs.iter().map(|rig| rig.id.as_str());
        Self { tables: &site.tables, places: Some(lanes.chain(rigs).collect()) }
    }

    /// These tables, at no particular site.
    pub const fn anywhere(tables: &'s [LimitTable]) -> Self {
        Self { tables, places: None }
    }

    pub(super) fn table_ids(&self) -> Vec<&'s str> {
        let mut ids: Vec<&str> = self.tables.iter().map(|table| table.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Reads a plan file.
///
/// # Errors
///
/// Every fault of the file, with its place and what to write instead. The findings beside a plan are warnings.
pub fn load(path: &Path, known: &Known<'_>) -> Result<(Plan, Vec<Finding>), Report> {
    let name = path.display().to_string();
    let bytes = read_file(path)?;
    let text = decode_utf8(&name, &bytes)?;
    load_str(&name, &text, known)
}

/// Reads a plan from a text; `file_name` is what findings call it.
///
/// # Errors
///
/// As [`load`].
pub fn load_str(file_name: &str, text: &str, known: &Known<'_>) -> Result<(Plan, Vec<Finding>), Report> {
    let document = Document::new(file_name, text);
    let parsed = document.parse();
    let plan = read(&Node::root(&document, &parsed), Sha256::digest(text.as_bytes()).into(), known);
    let report = document.into_report();
    match plan {
        Some(plan) if !report.has_errors() => Ok((plan, report.into_findings())),
        _ => Err(report),
    }
}

fn read(root: &Node<'_>, digest: [u8; 32], known: &Known<'_>) -> Option<Plan> {
    let tables = known.table_ids();
    let id = root.need("id", "\"port-2026\"").and_then(|value| Some(value.id()?.to_owned()));
    let version = root.need("version", "1").and_then(|value| value.integer(1_u32, 1_000_000));
    let title = text(root, "title", "\"…\"");
    let issuer = text(root, "issuer", "\"the authority, as it calls itself\"");
    let effective_from = root.need("effective_from", "2026-01-01").and_then(|value| value.date());
    let effective_to = last_day(root, "effective_to", effective_from);
    let point = root.need("point", "\"example-port\"").and_then(|value| Some(value.id()?.to_owned()));
    let level = root.need("level", "\"port\"").and_then(|value| value.word(&PointLevel::WORDS));
    let origin = root.need("origin", "\"regulator\"").and_then(|value| value.word(&Origin::WORDS));
    let items = items::items(root, known);
    let deadlines = rules::deadlines(root, &tables);
    let matrix = root.may("matrix").map_or(Some(None), |value| matrix::matrix(&value.table()?, &tables).map(Some));
    let has_trend = root.may("trend").is_some();
    let nodes = root.tables("notices");
    let notices: Vec<Notice> = nodes.iter().filter_map(|node| notices::notice(node, &tables, has_trend)).collect();
    let all_notices = nodes.len() == notices.len();
    let trend = root.may("trend").map_or(Some(None), |value| rules::trend(&value.table()?).map(Some));
    let acceptance = rules::acceptance(root);
    if root.may("notices").is_some() && root.may("matrix").is_none() {
        root.document().absence(
            nodes.first().map_or(0..0, Node::span),
            "notices are suggested for proposed levels, and no matrix proposes one",
            "[matrix] with [[matrix.harm]], [[matrix.urgency]], [[matrix.extent]] and [[matrix.levels]]",
        );
    }
    root.finish();
    Some(Plan {
        id: id?,
        version: version?,
        title: title?,
        issuer: issuer?,
        effective_from: effective_from?,
        effective_to: effective_to?,
        point: point?,
        level: level?,
        origin: origin?,
        items: items?,
        deadlines: deadlines?,
        matrix: matrix?,
        notices: all_notices.then_some(notices)?,
        trend: trend?,
        acceptance: acceptance?,
        digest,
    })
}

fn text(node: &Node<'_>, key: &'static str, example: &str) -> Option<String> {
    node.need(key, example).and_then(|value| Some(value.text()?.to_owned()))
}

/// A last day: none stated, or a sound one.
#[allow(clippy::option_option)]
pub(super) fn last_day(node: &Node<'_>, key: &'static str, from: Option<Date>) -> Option<Option<Date>> {
    let Some(value) = node.may(key) else { return Some(None) };
    let to = value.date()?;
    if let Some(from) = from
        && to < from
    {
        value.fault(format!("it ends on {to}, before it begins on {from}"), value.assign(from));
        return None;
    }
    Some(Some(to))
}

/// Reports a table that is not loaded.
pub(super) fn no_table(value: &Value<'_>, id: &str, tables: &[&str]) {
    let way_out = reader::nearest(id, tables.iter().copied()).map_or_else(
        || format!("one of {}, or a file of your own in the folder of [limits]", reader::list(tables.iter().copied())),
        |meant| format!("\"{meant}\""),
    );
    value.dangling(format!("no limit table has the id {id:?}"), way_out);
}

/// A list of HS codes as their first digits; absent is empty.
pub(super) fn hs_codes(node: &Node<'_>) -> Option<Vec<String>> {
    let Some(value) = node.may("hs") else { return Some(Vec::new()) };
    let texts = value.texts("[\"5208\", \"7404\"]")?;
    let mut sound = true;
    for (code, value) in &texts {
        if !(2..=10).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            let digits: String = code.chars().filter(char::is_ascii_digit).take(10).collect();
            let example = if digits.len() < 2 { "5208".to_owned() } else { digits };
            value.fault(format!("{code:?} is not the first 2 to 10 digits of an HS code"), format!("\"{example}\""));
            sound = false;
        }
    }
    sound.then(|| texts.into_iter().map(|(code, _)| code).collect())
}

/// Remembers ids and reports one that is used twice.
pub(super) fn unique(value: &Value<'_>, what: &str, ids: &mut Vec<String>) -> Option<String> {
    let id = value.id()?.to_owned();
    if ids.contains(&id) {
        value.fault(format!("two {what} have the id {id:?}"), value.assign(format!("\"{id}-2\"")));
        return None;
    }
    ids.push(id.clone());
    Some(id)
}
