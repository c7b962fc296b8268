//! One row of a limit table: its own keys, and that they fit together.

use std::collections::BTreeMap;

use tidewaiter_drivers::{Decimal, Unit};

use super::{
    Basis, Compare, Condition, DecisionRule, Hazard, Limit, MeasuredCondition, Relation, Row, facts, kind, quantity,
};
use crate::reader::{Node, Value, list};

const CONFIDENCE: [(&str, &str); 3] = [("C2", "C2"), ("C1", "C1"), ("site", "site")];
const COMPARE: [(&str, Compare); 2] = [("full", Compare::Full), ("rounded", Compare::Rounded)];
const DECISION: [(&str, DecisionRule); 4] = [
    ("simple", DecisionRule::Simple),
    ("guarded", DecisionRule::Guarded),
    ("non-binary", DecisionRule::NonBinary),
    ("jjf-1094", DecisionRule::Jjf1094),
];
const BASIS: [(&str, Basis); 2] = [("as-received", Basis::AsReceived), ("dry", Basis::Dry)];
const HAZARDS: [(&str, Hazard); 5] = [
    ("health", Hazard::Health),
    ("physical", Hazard::Physical),
    ("chemical", Hazard::Chemical),
    ("biological", Hazard::Biological),
    ("environmental", Hazard::Environmental),
];
const ACTION: [(&str, bool); 2] = [("refer", false), ("alarm", true)];
const RELATIONS: [(&str, Relation); 4] = [
    ("less_than", Relation::LessThan),
    ("max", Relation::AtMost),
    ("min", Relation::AtLeast),
    ("more_than", Relation::MoreThan),
];

/// A row as read, with the conditions whose unit only the other rows can tell.
pub(super) struct Read<'d> {
    row: Row,
    without_unit: Vec<Unitless<'d>>,
}

/// Which condition of a row names no unit, and where it names its parameter.
type Unitless<'d> = (usize, Value<'d>);

/// An optional key: absent is the default, faulty is `None`.
pub(super) fn or_default<T>(value: Option<Value<'_>>, default: T, read: impl Fn(&Value<'_>) -> Option<T>) -> Option<T> {
    value.map_or(Some(default), |value| read(&value))
}

pub(super) fn hazards(value: &Value<'_>) -> Option<Vec<Hazard>> {
    value.items("[\"chemical\"]")?.iter().map(|item| item.word(&HAZARDS)).collect()
}

/// Reads one row; `ids` are those of the rows before it, `own` the facts the table declares.
pub(super) fn row<'d>(node: &Node<'d>, ids: &mut Vec<String>, own: &BTreeMap<String, String>) -> Option<Read<'d>> {
    let id = id(node, ids);
    let parameter = node.need("parameter", "\"ph\"").and_then(|value| Some(value.id()?.to_owned()));
    let unit_value = node.may("unit");
    let unit = unit(node, unit_value.as_ref());
    let compare_value = node.may("compare");
    let compare = or_default(compare_value.clone(), Compare::Full, |value| value.word(&COMPARE));
    let round_value = node.may("round_to");
    let round_to = or_default(round_value.clone(), None, |value| interval(value).map(Some));
    let limit = kind::limit(node, unit, round_to.flatten(), own);
    let decision_value = node.may("decision");
    let decision = or_default(decision_value.clone(), DecisionRule::Simple, |value| value.word(&DECISION));
    let guard_value = node.may("guard_z");
    let guard_z = or_default(guard_value.clone(), None, |value| value.decimal_within("0.1", "10").map(Some));
    let basis_value = node.may("basis");
    let basis = or_default(basis_value.clone(), None, |value| value.word(&BASIS).map(Some));
    let hazards = or_default(node.may("hazards"), Vec::new(), hazards);
    let when = conditions(node, own);
    let measured = measured_conditions(node);
    let alarms = or_default(node.may("action"), false, |value| value.word(&ACTION));
    let text = |key| or_default(node.may(key), None, |value| Some(Some(value.text()?.to_owned())));
    let (method, note, source) = (text("method"), text("note"), text("source"));
    let confidence = node.need("confidence", "\"C1\"").and_then(|value| value.word(&CONFIDENCE));
    if let Some(limit) = &limit {
        rounding_fits(limit, compare, compare_value.as_ref(), round_value.as_ref(), round_to.flatten(), node);
        decision_fits(limit, decision, decision_value.as_ref(), guard_value.as_ref());
        basis_fits(limit, unit, basis_value.as_ref());
    }
    let (when_measured, without_unit) = measured?;
    let row = Row {
        id: id?,
        parameter: parameter?,
        limit: limit?,
        unit: unit?,
        basis: basis?,
        hazards: hazards?,
        when: when?,
        when_measured,
        compare: compare?,
        round_to: round_to?,
        decision: decision?,
        guard_z: guard_z?,
        alarms: alarms?,
        method: method?,
        note: note?,
        source: source?,
        confidence: confidence?.to_owned(),
    };
    Some(Read { row, without_unit })
}

fn id(node: &Node<'_>, ids: &mut Vec<String>) -> Option<String> {
    let value = node.need("id", "\"ph-a\"")?;
    let id = value.id()?.to_owned();
    if ids.contains(&id) {
        value.fault(format!("the row id {id:?} is used twice in this table"), value.assign(format!("\"{id}-2\"")));
    }
    ids.push(id.clone());
    Some(id)
}

/// The row's unit; an age in days has none of its own.
fn unit(node: &Node<'_>, value: Option<&Value<'_>>) -> Option<Unit> {
    if let Some(value) = value {
        return value.unit();
    }
    if node.may("not_older").is_some() {
        return Some(Unit::One);
    }
    node.need("unit", "\"mg/kg\"").and_then(|value| value.unit())
}

/// A rounding interval: 1, 2 or 5 times a power of ten (GB/T 8170-2008, 2.2).
fn interval(value: &Value<'_>) -> Option<Decimal> {
    let decimal = value.decimal()?;
    let mut digits = decimal.digits();
    while digits != 0 && digits % 10 == 0 {
        digits /= 10;
    }
    if matches!(digits, 1 | 2 | 5) {
        return Some(decimal);
    }
    value.fault(
        format!("`round_to` is {decimal}, and a rounding interval is 1, 2 or 5 times a power of ten"),
        value.assign("\"0.1\", \"0.2\", \"0.5\", \"1\" …"),
    );
    None
}

fn rounding_fits(
    limit: &Limit,
    compare: Option<Compare>,
    compare_value: Option<&Value<'_>>,
    round_value: Option<&Value<'_>>,
    round_to: Option<Decimal>,
    node: &Node<'_>,
) {
    let kind = limit.kind();
    if let (Some(Compare::Rounded), Some(value), false) = (compare, compare_value, limit.compares_numbers()) {
        value.fault(format!("a limit of kind `{kind}` compares no number that could be rounded"), "nothing; remove it");
        return;
    }
    if let Some((value, step)) = round_value.zip(round_to)
        && let Some(limit) = written(limit).into_iter().find(|&limit| !quantity::is_multiple(limit, step))
    {
        value.fault(
            format!("the limit {limit} is no multiple of {step}, so no rounded value can be equal to it"),
            value.assign(format!("\"{}\"", last_place(limit))),
        );
    }
    if let (Some(Compare::Full), Some(value)) = (compare, round_value) {
        value.fault("`round_to` has no effect while all digits are compared", "compare = \"rounded\" beside it");
    }
    if matches!(limit, Limit::Classes { .. })
        && (compare == Some(Compare::Full) || (compare.is_some() && round_value.is_none()))
    {
        node.document().absence(
            node.span(),
            "classes are written with so many decimals that values between them need rounding first",
            "compare = \"rounded\" and round_to = \"0.1\", the step between neighbouring classes",
        );
    }
}

/// The numbers that values are compared with as they stand in the table.
fn written(limit: &Limit) -> Vec<Decimal> {
    match limit {
        &Limit::Max { limit, .. } | &Limit::Min { limit, .. } => vec![limit],
        &Limit::Range { low, high, .. } => vec![low, high],
        &Limit::Sum { max, .. } | &Limit::SumOfRatios { max, .. } => vec![max],
        _ => Vec::new(),
    }
}

/// One in the last place that `limit` shows.
fn last_place(limit: Decimal) -> Decimal {
    Decimal::new(1, limit.places()).unwrap_or(Decimal::whole(1))
}

fn decision_fits(
    limit: &Limit,
    decision: Option<DecisionRule>,
    decision_value: Option<&Value<'_>>,
    guard_value: Option<&Value<'_>>,
) {
    let kind = limit.kind();
    if let Some(value) = decision_value {
        match decision {
            Some(DecisionRule::Jjf1094) if !matches!(limit, Limit::Mpe { .. } | Limit::Deviation { .. }) => value.fault(
                format!("`jjf-1094` judges an error against what is permitted, and a limit of kind `{kind}` judges a value"),
                "decision = \"non-binary\"; or a limit of kind mpe or deviation",
            ),
            Some(DecisionRule::Guarded | DecisionRule::NonBinary)
                if !limit.compares_numbers() || matches!(limit, Limit::Classes { .. }) =>
            {
                value.fault(
                    format!("a limit of kind `{kind}` has no guard band"),
                    "decision = \"simple\", or remove it",
                );
            }
            _ => {}
        }
    }
    if let Some(value) = guard_value
        && matches!(decision, Some(DecisionRule::Simple | DecisionRule::Jjf1094))
    {
        value.fault(
            "`guard_z` sets a guard band, and this decision rule has none",
            "decision = \"guarded\" or \"non-binary\" beside it",
        );
    }
}

fn basis_fits(limit: &Limit, unit: Option<Unit>, value: Option<&Value<'_>>) {
    let Some(value) = value else { return };
    if let Some(unit) = unit.filter(|&unit| !quantity::has_basis(unit)) {
        value.fault(
            format!("{unit} is referred to no mass of the sample, so moisture plays no part"),
            "nothing; remove it",
        );
    }
    let plain = matches!(
        limit,
        Limit::Max { .. } | Limit::Min { .. } | Limit::Range { .. } | Limit::Sum { .. } | Limit::Classes { .. }
    );
    if !plain {
        value.fault(
            format!("a limit of kind `{}` is compared without a basis", limit.kind()),
            "nothing; remove it, or a limit of kind max, min, range, sum or classes",
        );
    }
}

fn conditions(node: &Node<'_>, own: &BTreeMap<String, String>) -> Option<Vec<Condition>> {
    let Some(value) = node.may("when") else { return Some(Vec::new()) };
    let entries = value.table()?.entries();
    let when: Vec<Condition> = entries
        .iter()
        .filter_map(|(fact, value)| {
            facts::check(fact, value, own, true);
            Some(Condition { fact: fact.clone(), one_of: value.one_or_more("[\"A\", \"B\"]")? })
        })
        .collect();
    (when.len() == entries.len()).then_some(when)
}

/// Conditions on measured quantities, and which of them name no unit.
fn measured_conditions<'d>(node: &Node<'d>) -> Option<(Vec<MeasuredCondition>, Vec<Unitless<'d>>)> {
    let nodes = node.tables("when_measured");
    let (mut when, mut without_unit) = (Vec::new(), Vec::new());
    for (index, inner) in nodes.iter().enumerate() {
        let parameter = inner.need("parameter", "\"flash-point\"");
        let name = parameter.as_ref().and_then(|value| Some(value.id()?.to_owned()));
        let keys = RELATIONS.map(|(key, _)| key);
        let relation = inner.one_of(&keys, "less_than = \"23\"").and_then(|(key, value)| {
            let relation = RELATIONS.into_iter().find(|(it, _)| *it == key).map(|(_, relation)| relation)?;
            Some((relation, value.decimal()?))
        });
        let unit_value = inner.may("unit");
        let unit = unit_value.as_ref().map_or(Some(Unit::One), Value::unit);
        inner.finish();
        if let (None, Some(parameter)) = (unit_value, parameter) {
            without_unit.push((index, parameter));
        }
        if let (Some(parameter), Some((relation, limit)), Some(unit)) = (name, relation, unit) {
            when.push(MeasuredCondition { parameter, relation, limit, unit });
        }
    }
    (when.len() == nodes.len()).then_some((when, without_unit))
}

/// Gives the conditions that name no unit that of the rows which judge their parameter.
pub(super) fn settle(read: Vec<Read<'_>>) -> Option<Vec<Row>> {
    let judged: Vec<(String, Unit)> = read.iter().map(|it| (it.row.parameter.clone(), it.row.unit)).collect();
    let mut rows = Vec::new();
    let mut sound = true;
    for Read { mut row, without_unit } in read {
        for (index, place) in without_unit {
            let Some(condition) = row.when_measured.get_mut(index) else { continue };
            let mut units: Vec<Unit> = Vec::new();
            for (_, unit) in judged.iter().filter(|(parameter, _)| *parameter == condition.parameter) {
                if !units.contains(unit) {
                    units.push(*unit);
                }
            }
            if let [unit] = units.as_slice() {
                condition.unit = *unit;
                continue;
            }
            sound = false;
            let what = if units.is_empty() {
                format!("no row judges {:?}, so the condition has no unit", condition.parameter)
            } else {
                let units = list(units.iter().map(|unit| unit.code())).replace(" or ", " and ");
                format!("rows judge {:?} in {units}", condition.parameter)
            };
            place.fault(what, "unit = \"…\" inside this condition");
        }
        rows.push(row);
    }
    sound.then_some(rows)
}
