//! The reader of a limit table file.

use jiff::civil::Date;
use sha2::{Digest, Sha256};
use tidewaiter_drivers::Unit;

use super::{Basis, Compare, Condition, DecisionRule, Hazard, Limit, LimitTable, Row, Title};
use crate::{
    reader::{Document, Node, Value},
    report::Report,
};

/// The kinds of limit a row may have: exactly one of these keys.
const KINDS: [&str; 9] =
    ["max", "less_than", "min", "more_than", "range", "absent", "grade_at_least", "above_background", "sigma"];
const DEVIATION: &str = "deviation";

const LEGAL_FORCE: [(&str, &str); 5] = [
    ("mandatory", "mandatory"),
    ("recommended", "recommended"),
    ("voluntary", "voluntary"),
    ("guide", "guide"),
    ("site", "site"),
];
const CONFIDENCE: [(&str, &str); 3] = [("C2", "C2"), ("C1", "C1"), ("site", "site")];
const COMPARE: [(&str, Compare); 2] = [("full", Compare::Full), ("rounded", Compare::Rounded)];
const DECISION: [(&str, DecisionRule); 3] =
    [("simple", DecisionRule::Simple), ("guarded", DecisionRule::Guarded), ("non-binary", DecisionRule::NonBinary)];
const BASIS: [(&str, Basis); 2] = [("as-received", Basis::AsReceived), ("dry", Basis::Dry)];
const HAZARDS: [(&str, Hazard); 5] = [
    ("health", Hazard::Health),
    ("physical", Hazard::Physical),
    ("chemical", Hazard::Chemical),
    ("biological", Hazard::Biological),
    ("environmental", Hazard::Environmental),
];
const ACTION: [(&str, bool); 2] = [("refer", false), ("alarm", true)];

/// Grades of the grey scales of ISO 105-A02 and A03, as half steps: grade 1 is 2, `3-4` is 7.
const GRADES: [(&str, u8); 9] =
    [("1", 2), ("1-2", 3), ("2", 4), ("2-3", 5), ("3", 6), ("3-4", 7), ("4", 8), ("4-5", 9), ("5", 10)];

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

/// An optional key: absent is the default, faulty is `None`.
fn or_default<T>(value: Option<Value<'_>>, default: T, read: impl Fn(&Value<'_>) -> Option<T>) -> Option<T> {
    value.map_or(Some(default), |value| read(&value))
}

fn read(root: &Node<'_>, digest: [u8; 32]) -> Option<LimitTable> {
    let id = root.need("id", "\"my-table\"").and_then(|value| Some(value.id()?.to_owned()));
    let edition = text(root, "edition", "\"2010\"");
    let title = title(root);
    let effective_from = root.need("effective_from", "2011-08-01").and_then(|value| value.date());
    let effective_to = until(root, effective_from);
    let source = text(root, "source", "\"document, clause or table, edition\"");
    let legal_force = root.need("legal_force", "\"mandatory\"").and_then(|value| value.word(&LEGAL_FORCE));
    let nodes = root.tables("rows");
    if nodes.is_empty() {
        root.document().absence(
            root.span(),
            "the table has no row",
            "[[rows]] with id, parameter, unit and a limit such as max = \"20\"",
        );
    }
    let mut ids: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for node in &nodes {
        let row = row(node, &mut ids);
        node.finish();
        rows.extend(row);
    }
    root.finish();
    (rows.len() == nodes.len()).then_some(())?;
    Some(LimitTable {
        id: id?,
        edition: edition?,
        title: title?,
        effective_from: effective_from?,
        effective_to: effective_to?,
        source: source?,
        legal_force: legal_force?.to_owned(),
        rows,
        digest,
    })
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

fn row(node: &Node<'_>, ids: &mut Vec<String>) -> Option<Row> {
    let id_value = node.need("id", "\"ph-a\"");
    let id = id_value.as_ref().and_then(|value| Some(value.id()?.to_owned()));
    if let (Some(id), Some(value)) = (&id, &id_value) {
        if ids.contains(id) {
            value.fault(format!("the row id {id:?} is used twice in this table"), value.assign(format!("\"{id}-2\"")));
        }
        ids.push(id.clone());
    }
    let parameter = node.need("parameter", "\"ph\"").and_then(|value| Some(value.id()?.to_owned()));
    let unit = node.need("unit", "\"mg/kg\"").and_then(|value| value.unit());
    let limit = limit(node, unit);
    let basis = or_default(node.may("basis"), None, |value| value.word(&BASIS).map(Some));
    let hazards = or_default(node.may("hazards"), Vec::new(), hazards);
    let when = conditions(node);
    let compare = or_default(node.may("compare"), Compare::Full, |value| value.word(&COMPARE));
    let decision = or_default(node.may("decision"), DecisionRule::Simple, |value| value.word(&DECISION));
    let alarms = or_default(node.may("action"), false, |value| value.word(&ACTION));
    let method = or_default(node.may("method"), None, |value| Some(Some(value.text()?.to_owned())));
    let confidence = node.need("confidence", "\"C1\"").and_then(|value| value.word(&CONFIDENCE));
    Some(Row {
        id: id?,
        parameter: parameter?,
        limit: limit?,
        unit: unit?,
        basis: basis?,
        hazards: hazards?,
        when: when?,
        compare: compare?,
        decision: decision?,
        alarms: alarms?,
        method: method?,
        confidence: confidence?.to_owned(),
    })
}

fn hazards(value: &Value<'_>) -> Option<Vec<Hazard>> {
    value.items("[\"chemical\"]")?.iter().map(|item| item.word(&HAZARDS)).collect()
}

fn limit(node: &Node<'_>, unit: Option<Unit>) -> Option<Limit> {
    let keys: Vec<&'static str> = KINDS.into_iter().chain([DEVIATION]).collect();
    let (kind, value) = node.one_of(&keys, "max = \"20\", or min, less_than, more_than, range = [\"4.0\", \"7.5\"], absent = true, grade_at_least = \"3-4\", above_background, sigma, deviation")?;
    let needs = |wanted: Unit| {
        if unit.is_some_and(|unit| unit != wanted) {
            value.fault(
                format!(
                    "a limit of kind `{kind}` is written in {wanted}, and the row says {}",
                    unit.map_or("", Unit::code)
                ),
                format!("unit = \"{wanted}\""),
            );
        }
    };
    match kind {
        "max" => Some(Limit::Max { limit: value.decimal()?, inclusive: true }),
        "less_than" => Some(Limit::Max { limit: value.decimal()?, inclusive: false }),
        "min" => Some(Limit::Min { limit: value.decimal()?, inclusive: true }),
        "more_than" => Some(Limit::Min { limit: value.decimal()?, inclusive: false }),
        "range" => {
            let (low, high) = pair(&value)?;
            Some(Limit::Range { low, high })
        }
        "absent" => {
            if !value.flag()? {
                value.fault("`absent` is false, which states no limit", "absent = true");
                return None;
            }
            Some(Limit::Absent)
        }
        "grade_at_least" => {
            needs(Unit::FastnessGrade);
            Some(Limit::GradeAtLeast { half_steps: value.word(&GRADES)? })
        }
        "above_background" => Some(Limit::AboveBackground { margin: value.decimal_within("0", "1000000000")? }),
        "sigma" => {
            needs(Unit::Sigma);
            Some(Limit::Sigma { k: value.decimal_within("0.1", "100")? })
        }
        _ => deviation(&value.table()?),
    }
}

fn deviation(node: &Node<'_>) -> Option<Limit> {
    let declared = node.need("declared", "\"mass\"").and_then(|value| Some(value.id()?.to_owned()));
    let percent = node.need("percent", "\"5\"").and_then(|value| value.decimal_within("0", "100"));
    let absolute = node.need("absolute", "\"1000\"").and_then(|value| value.decimal_within("0", "1000000000"));
    node.finish();
    Some(Limit::Deviation { declared: declared?, percent: percent?, absolute: absolute? })
}

/// Two decimals in a list, low before high.
pub(crate) fn pair(value: &Value<'_>) -> Option<(tidewaiter_drivers::Decimal, tidewaiter_drivers::Decimal)> {
    let items = value.items("[\"4.0\", \"7.5\"]")?;
    let [low, high] = items.as_slice() else {
        value.fault(
            format!("two decimals stand here, low and high, and there are {}", items.len()),
            value.assign("[\"4.0\", \"7.5\"]"),
        );
        return None;
    };
    let (low, high) = (low.decimal(), high.decimal());
    let (low, high) = (low?, high?);
    if high.cmp_value(low).is_lt() {
        value.fault(
            format!("upper bound {high} is below lower bound {low}"),
            value.assign(format!("[\"{high}\", \"{low}\"]")),
        );
        return None;
    }
    Some((low, high))
}

fn conditions(node: &Node<'_>) -> Option<Vec<Condition>> {
    let Some(value) = node.may("when") else { return Some(Vec::new()) };
    let entries = value.table()?.entries();
    let when: Vec<Condition> = entries
        .iter()
        .filter_map(|(fact, value)| {
            Some(Condition { fact: fact.clone(), one_of: value.one_or_more("[\"A\", \"B\"]")? })
        })
        .collect();
    (when.len() == entries.len()).then_some(when)
}

/// Two different editions of one table that come into force on the same day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit table {id:?}: editions {first:?} and {second:?} both come into force on {day}")]
pub struct EditionClash {
    /// Table id.
    pub id: String,
    /// One edition.
    pub first: String,
    /// The other.
    pub second: String,
    /// The day.
    pub day: Date,
}

/// Looks for two different editions of a table that come into force on the same day.
///
/// The edition in force is the one that came into force last, so such a pair leaves nothing to choose by.
pub fn clash(tables: &[LimitTable]) -> Option<EditionClash> {
    for (index, first) in tables.iter().enumerate() {
        let rival = tables.iter().skip(index + 1).find(|second| {
            second.id == first.id && second.effective_from == first.effective_from && second.digest != first.digest
        });
        if let Some(second) = rival {
            return Some(EditionClash {
                id: first.id.clone(),
                first: first.edition.clone(),
                second: second.edition.clone(),
                day: first.effective_from,
            });
        }
    }
    None
}
