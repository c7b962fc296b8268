//! The kinds of limit: exactly one of their keys stands in a row.

use std::collections::BTreeMap;

use tidewaiter_drivers::{Decimal, Unit};

use super::{Excludes, Limit, MpeStep, Tolerance, classes, facts, quantity};
use crate::reader::{Node, Value};

/// The kinds of limit a row may have.
const KINDS: [&str; 16] = [
    "max",
    "less_than",
    "min",
    "more_than",
    "range",
    "absent",
    "grade_at_least",
    "above_background",
    "sigma",
    "deviation",
    "sum",
    "sum_of_ratios",
    "classes",
    "share",
    "not_older",
    "mpe",
];
const EXAMPLE: &str = "max = \"20\", or min, less_than, more_than, range = [\"4.0\", \"7.5\"], absent = true, grade_at_least = \"3-4\", above_background, sigma, deviation, sum, sum_of_ratios, classes, share, not_older, mpe";

/// Grades of the grey scales of ISO 105-A02 and A03, as half steps: grade 1 is 2, `3-4` is 7.
const GRADES: [(&str, u8); 9] =
    [("1", 2), ("1-2", 3), ("2", 4), ("2-3", 5), ("3", 6), ("3-4", 7), ("4", 8), ("4-5", 9), ("5", 10)];
const EXCLUDES: [(&str, Excludes); 3] = [("low", Excludes::Low), ("high", Excludes::High), ("both", Excludes::Both)];
const OP: [(&str, bool); 2] = [("<", false), ("<=", true)];
/// Which of two tolerances binds: `true` for the smaller one.
const COMBINE: [(&str, bool); 2] = [("smaller", true), ("greater", false)];
/// Greatest number a tolerance or a load may be written with.
const GREATEST: &str = "1000000000";
/// Oldest date a row may ask for, in days.
const OLDEST: u32 = 36_500;

/// Facts the table declares beside the known ones.
type Own = BTreeMap<String, String>;

/// Reads the limit of a row in `unit`; `round_to` is the row's rounding interval.
pub(super) fn limit(node: &Node<'_>, unit: Option<Unit>, round_to: Option<Decimal>, own: &Own) -> Option<Limit> {
    let chosen = node.one_of(&KINDS, EXAMPLE);
    let (less, excludes) = (node.may("less"), node.may("excludes"));
    let (kind, value) = chosen?;
    let stray = |extra: Option<&Value<'_>>, belongs: &str| {
        if let Some(extra) = extra.filter(|_| kind != belongs) {
            extra.key_fault(
                format!("a limit of kind `{kind}` has no such part"),
                format!("nothing; remove it, or a limit of kind {belongs}"),
            );
        }
    };
    stray(less.as_ref(), "max");
    stray(excludes.as_ref(), "range");
    let fits = unit_fits(kind, unit, &value);
    let read = || match kind {
        "max" => {
            let limit = value.decimal();
            match less.map(|value| value.table().and_then(|node| lowered(&node, own))) {
                None => Some(Limit::Max { limit: limit?, inclusive: true }),
                Some(less) => {
                    let (declared, by) = less?;
                    Some(Limit::Lowered { limit: limit?, declared, by })
                }
            }
        }
        "less_than" => Some(Limit::Max { limit: value.decimal()?, inclusive: false }),
        "min" => Some(Limit::Min { limit: value.decimal()?, inclusive: true }),
        "more_than" => Some(Limit::Min { limit: value.decimal()?, inclusive: false }),
        "range" => range(&value, excludes.as_ref()),
        "absent" => {
            if !value.flag()? {
                value.fault("`absent` is false, which states no limit", "absent = true");
                return None;
            }
            Some(Limit::Absent)
        }
        "grade_at_least" => Some(Limit::GradeAtLeast { half_steps: value.word(&GRADES)? }),
        "above_background" => Some(Limit::AboveBackground { margin: value.decimal_within("0", GREATEST)? }),
        "sigma" => Some(Limit::Sigma { k: value.decimal_within("0.1", "100")? }),
        "sum" => sum(&value.table()?),
        "sum_of_ratios" => sum_of_ratios(&value.table()?, node),
        "classes" => classes::classes(&value.table()?, round_to, own),
        "share" => share(&value.table()?),
        "not_older" => not_older(&value.table()?, own),
        "mpe" => mpe(&value.table()?, own),
        _ => deviation(&value.table()?, own),
    };
    read().filter(|_| fits)
}

/// Reports a limit in a unit of another dimension.
fn unit_fits(kind: &str, unit: Option<Unit>, value: &Value<'_>) -> bool {
    let Some(unit) = unit else { return true };
    let must_be = match kind {
        "grade_at_least" => Some(Unit::FastnessGrade),
        "sigma" => Some(Unit::Sigma),
        "sum_of_ratios" | "not_older" => Some(Unit::One),
        _ => None,
    };
    if let Some(wanted) = must_be.filter(|&wanted| wanted != unit) {
        value.fault(
            format!("a limit of kind `{kind}` is written in {wanted}, and the row says {unit}"),
            format!("unit = \"{wanted}\""),
        );
        return false;
    }
    let numeric = ["max", "less_than", "min", "more_than", "range", "share", "above_background", "deviation"];
    let (what, way_out) = if unit == Unit::FastnessGrade && numeric.contains(&kind) {
        (format!("a grade is a place on a scale, and a limit of kind `{kind}` is a number"), "grade_at_least = \"3-4\"")
    } else if kind == "sum" && !quantity::is_additive(unit) {
        (format!("values in {unit} do not add up"), "a unit whose values do, such as unit = \"mg/kg\"")
    } else if kind == "mpe" && !quantity::is_mass(unit) {
        (format!("a limit of kind `mpe` is the error of a scale, and {unit} is no unit of mass"), "unit = \"kg\"")
    } else {
        return true;
    };
    value.fault(what, way_out);
    false
}

fn lowered(node: &Node<'_>, own: &Own) -> Option<(String, Decimal)> {
    let declared = fact(node, "\"single-tyre-axles\"", own);
    let by = node.need("by", "\"3000\"").and_then(|value| positive(&value));
    node.finish();
    Some((declared?, by?))
}

/// The name of a declared fact.
fn fact(node: &Node<'_>, example: &str, own: &Own) -> Option<String> {
    named_fact(node, "declared", example, own)
}

pub(super) fn named_fact(node: &Node<'_>, key: &'static str, example: &str, own: &Own) -> Option<String> {
    let value = node.need(key, example)?;
    let name = value.id()?.to_owned();
    facts::check(&name, &value, own, false);
    Some(name)
}

/// A decimal above zero.
fn positive(value: &Value<'_>) -> Option<Decimal> {
    let decimal = value.decimal_within("0", GREATEST)?;
    if decimal.digits() == 0 {
        value.fault(format!("{decimal} is not above zero"), value.assign("\"1\""));
        return None;
    }
    Some(decimal)
}

fn range(value: &Value<'_>, excludes: Option<&Value<'_>>) -> Option<Limit> {
    let ends = pair(value);
    let excludes = excludes.map_or(Some(Excludes::None), |value| value.word(&EXCLUDES));
    let ((low, high), excludes) = (ends?, excludes?);
    if excludes != Excludes::None && low.cmp_value(high).is_eq() {
        value.fault("no value lies between these ends", "two different ends, or remove `excludes`");
        return None;
    }
    Some(Limit::Range { low, high, excludes })
}

fn deviation(node: &Node<'_>, own: &Own) -> Option<Limit> {
    let declared = fact(node, "\"mass\"", own);
    let percent = node.may("percent").map(|value| value.decimal_within("0", "100"));
    let absolute = node.may("absolute").map(|value| value.decimal_within("0", GREATEST));
    let combine_value = node.may("combine");
    let combine = combine_value.as_ref().map(|value| value.word(&COMBINE));
    node.finish();
    let tolerance = match (percent, absolute) {
        (None, None) => {
            node.document().absence(
                node.span(),
                "the deviation has no tolerance",
                "percent = \"5\" or absolute = \"1000\", or both with combine = \"smaller\"",
            );
            return None;
        }
        (Some(percent), None) => Tolerance::Percent(percent?),
        (None, Some(absolute)) => Tolerance::Absolute(absolute?),
        (Some(percent), Some(absolute)) => {
            let (percent, absolute) = (percent?, absolute?);
            if combine.unwrap_or(Some(true))? {
                Tolerance::Smaller { percent, absolute }
            } else {
                Tolerance::Greater { percent, absolute }
            }
        }
    };
    if let (Tolerance::Percent(_) | Tolerance::Absolute(_), Some(value)) = (tolerance, combine_value) {
        value.key_fault("there is one tolerance, so nothing is combined", "nothing; remove it");
    }
    Some(Limit::Deviation { declared: declared?, tolerance })
}

fn sum(node: &Node<'_>) -> Option<Limit> {
    let of = node.need("of", "[\"BaP\", \"BeP\"]").and_then(|value| {
        let items = value.items("[\"BaP\", \"BeP\"]")?;
        let names: Vec<String> = items.iter().filter_map(|item| Some(item.id()?.to_owned())).collect();
        (names.len() == items.len()).then_some(())?;
        for (index, (name, item)) in names.iter().zip(&items).enumerate() {
            if names.iter().take(index).any(|it| it == name) {
                item.fault(format!("{name:?} is added twice"), "each parameter once");
                return None;
            }
        }
        if names.len() < 2 {
            value.fault("a sum has two parameters or more", value.assign("[\"BaP\", \"BeP\"]"));
            return None;
        }
        Some(names)
    });
    let max = node.need("max", "\"10\"").and_then(|value| value.decimal_within("0", GREATEST));
    node.finish();
    Some(Limit::Sum { of: of?, max: max? })
}

fn sum_of_ratios(node: &Node<'_>, row: &Node<'_>) -> Option<Limit> {
    let unit = row.need("ratio_unit", "\"Bq/g\"").and_then(|value| {
        let unit = value.unit()?;
        if !quantity::is_additive(unit) {
            value.fault(format!("values in {unit} have no ratio"), value.assign("\"Bq/g\""));
        }
        Some(unit)
    });
    let example = "{ \"Cs-137\" = \"10\", \"K-40\" = \"100\" }";
    let of = node.need("of", example).and_then(|value| {
        let entries = value.table()?.entries();
        let of: Vec<(String, Decimal)> =
            entries.iter().filter_map(|(name, value)| Some((name.clone(), positive(value)?))).collect();
        if entries.is_empty() {
            value.fault("nothing is added up", value.assign(example));
            return None;
        }
        (of.len() == entries.len()).then_some(of)
    });
    let max = node.need("max", "\"1\"").and_then(|value| positive(&value));
    node.finish();
    Some(Limit::SumOfRatios { of: of?, unit: unit?, max: max? })
}

fn share(node: &Node<'_>) -> Option<Limit> {
    let of = node.need("of", "\"flow-moisture-point\"").and_then(|value| Some(value.id()?.to_owned()));
    let share = node.need("share", "\"0.9\"").and_then(|value| positive(&value));
    let inclusive = node.need("op", "\"<=\"").and_then(|value| value.word(&OP));
    node.finish();
    Some(Limit::Share { of: of?, share: share?, inclusive: inclusive? })
}

fn not_older(node: &Node<'_>, own: &Own) -> Option<Limit> {
    let declared = fact(node, "\"certificate-date\"", own);
    let days = node.need("days", "7").and_then(|value| value.integer(0_u32, OLDEST));
    node.finish();
    Some(Limit::NotOlder { declared: declared?, days: days? })
}

fn mpe(node: &Node<'_>, own: &Own) -> Option<Limit> {
    let load = node.need("load", "\"test-load\"").and_then(|value| Some(value.id()?.to_owned()));
    let interval = named_fact(node, "interval", "\"scale-interval\"", own);
    let times = node.may("times").map_or(Some(Decimal::whole(1)), |value| positive(&value));
    let nodes = node.tables("steps");
    if nodes.is_empty() {
        node.document().absence(
            node.span(),
            "no error is permitted at any load",
            "steps = [{ up_to = \"500\", e = \"0.5\" }, { up_to = \"2000\", e = \"1\" }]",
        );
    }
    let mut steps: Vec<MpeStep> = Vec::new();
    for inner in &nodes {
        let up_to_value = inner.need("up_to", "\"500\"");
        let up_to = up_to_value.as_ref().and_then(positive);
        let error = inner.need("e", "\"0.5\"").and_then(|value| positive(&value));
        inner.finish();
        let (Some(up_to), Some(value)) = (up_to, &up_to_value) else { continue };
        let Some(error) = error else { continue };
        if let Some(before) = steps.last() {
            if up_to.cmp_value(before.up_to).is_le() {
                value.fault(
                    format!("the step up to {up_to} comes after the one up to {}", before.up_to),
                    "steps by rising load",
                );
            } else if error.cmp_value(before.error).is_lt() {
                value.fault(
                    format!("a greater load has the smaller error {error} after {}", before.error),
                    "errors that do not fall as loads rise",
                );
            }
        }
        steps.push(MpeStep { up_to, error });
    }
    node.finish();
    (!nodes.is_empty() && steps.len() == nodes.len()).then_some(())?;
    Some(Limit::Mpe { load: load?, interval: interval?, steps, times: times? })
}

/// Two decimals in a list, low before high.
pub(crate) fn pair(value: &Value<'_>) -> Option<(Decimal, Decimal)> {
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
