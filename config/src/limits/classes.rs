//! Classes of values, such as those of a label: no value may fall between two, or into two.
//!
//! Documents write classes with so many decimals (6.5 | 6.6 to 7.7 | 7.8 …), so values are rounded to
//! that step first. Two neighbours must then lie exactly one step apart.

use std::collections::BTreeMap;

use tidewaiter_drivers::Decimal;

use super::{Class, Limit, Wanted, kind, quantity};
use crate::reader::{Node, Value, list};

const MATCH: [(&str, bool); 2] = [("or-better", true), ("exact", false)];

/// A class with the place it stands at.
type Placed<'d> = (Class, Value<'d>);

/// Reads the classes of a row whose values are rounded to `step`.
pub(super) fn classes(node: &Node<'_>, step: Option<Decimal>, own: &BTreeMap<String, String>) -> Option<Limit> {
    let order = order(node, step);
    let match_value = node.may("match");
    let or_better = match_value.as_ref().map_or(Some(true), |value| value.word(&MATCH));
    let wanted = match node.one_of(&["declared", "accept"], "declared = \"energy-class\", or accept = [\"A\", \"B\"]") {
        Some(("accept", value)) => {
            if let Some(stray) = &match_value {
                stray.key_fault(
                    "`match` compares with a declared class, and none is declared here",
                    "nothing; remove it",
                );
            }
            accepted(&value, order.as_deref().unwrap_or_default()).map(Wanted::Accepted)
        }
        Some(_) => {
            let declared = kind::named_fact(node, "declared", "\"energy-class\"", own);
            declared
                .zip(or_better)
                .map(|(fact, better)| if better { Wanted::OrBetter(fact) } else { Wanted::Exactly(fact) })
        }
        None => None,
    };
    node.finish();
    Some(Limit::Classes { order: order?, wanted: wanted? })
}

fn accepted(value: &Value<'_>, order: &[Class]) -> Option<Vec<String>> {
    let texts = value.texts("[\"A\", \"B\"]")?;
    for (name, at) in &texts {
        if !order.is_empty() && !order.iter().any(|class| class.name == *name) {
            // Names are letters, and any of them is one slip from any other: a guess would mislead.
            let way_out = format!("one of {}", list(order.iter().map(|class| class.name.as_str())));
            at.fault(format!("no class is called {name:?}"), way_out);
        }
    }
    Some(texts.into_iter().map(|(name, _)| name).collect())
}

fn order(node: &Node<'_>, step: Option<Decimal>) -> Option<Vec<Class>> {
    let nodes = node.need("order", "[{ class = \"A\", max = \"6.5\" }, { class = \"B\", min = \"6.6\" }]")?.tables();
    if nodes.is_empty() {
        node.document().absence(node.span(), "there is no class", "order = [{ class = \"A\", max = \"6.5\" }]");
    }
    let mut placed: Vec<Placed<'_>> = Vec::new();
    for inner in &nodes {
        placed.extend(class(inner, step, &placed));
        inner.finish();
    }
    (!nodes.is_empty() && placed.len() == nodes.len()).then_some(())?;
    if let Some(step) = step {
        let rising = placed.first().zip(placed.get(1)).is_none_or(|((first, _), (second, _))| rises(first, second));
        for ((first, _), (second, at)) in placed.iter().zip(placed.iter().skip(1)) {
            neighbours(first, second, at, rising, step)?;
        }
    }
    Some(placed.into_iter().map(|(class, _)| class).collect())
}

fn class<'d>(node: &Node<'d>, step: Option<Decimal>, before: &[Placed<'_>]) -> Option<Placed<'d>> {
    let name_value = node.need("class", "\"A\"");
    let name = name_value.as_ref().and_then(|value| Some(value.text()?.to_owned()));
    let end = |key| {
        node.may(key).map(|value| {
            let end = value.decimal()?;
            if let Some(step) = step.filter(|&step| !quantity::is_multiple(end, step)) {
                value.fault(
                    format!("{end} is no multiple of {step}, to which values are rounded"),
                    "an end with as many decimals as `round_to`, or another `round_to`",
                );
                return None;
            }
            Some(end)
        })
    };
    let (min, max) = (end("min"), end("max"));
    let (name, at) = (name?, name_value?);
    if before.iter().any(|(class, _)| class.name == name) {
        at.fault(format!("the class {name:?} stands here twice"), "each class once");
    }
    let (min, max) = (min.map_or(Some(None), |it| it.map(Some))?, max.map_or(Some(None), |it| it.map(Some))?);
    match (min, max) {
        (None, None) => {
            at.fault(format!("the class {name:?} has no end"), "min = \"…\" or max = \"…\" or both");
            None
        }
        (Some(low), Some(high)) if high.cmp_value(low).is_lt() => {
            at.fault(
                format!("the class {name:?} ends at {high}, below its beginning {low}"),
                format!("min = \"{high}\", max = \"{low}\""),
            );
            None
        }
        _ => Some((Class { name, min, max }, at)),
    }
}

/// Whether `second` lies above `first`.
fn rises(first: &Class, second: &Class) -> bool {
    match (first.max, second.min) {
        (Some(end), Some(begin)) => end.cmp_value(begin).is_lt(),
        _ => false,
    }
}

/// Two classes in a row: the second one step above the first, or below it where classes fall.
fn neighbours(first: &Class, second: &Class, at: &Value<'_>, rising: bool, step: Decimal) -> Option<()> {
    let names = format!("{:?} and {:?}", first.name, second.name);
    if rises(first, second) != rising && rises(second, first) == rising {
        at.fault(
            format!("the classes {names} are not in the order of those before them"),
            "the best class first, then each next to the one before it",
        );
        return None;
    }
    let (low, high) = if rising { (first, second) } else { (second, first) };
    let (Some(end), Some(begin)) = (low.max, high.min) else {
        at.fault(
            format!("the classes {names} overlap: one has no end where the other begins"),
            format!("max = \"…\" in {:?} and min = \"…\" in {:?}, {step} apart", low.name, high.name),
        );
        return None;
    };
    let next = end.checked_add(step)?;
    match begin.cmp_value(next) {
        std::cmp::Ordering::Equal => Some(()),
        std::cmp::Ordering::Greater => {
            at.fault(
                format!("between the classes {names} there is a gap: {next} is in neither"),
                format!("min = \"{next}\" in {:?}", high.name),
            );
            None
        }
        std::cmp::Ordering::Less => {
            at.fault(
                format!("the classes {names} overlap: {begin} is in both"),
                format!("min = \"{next}\" in {:?}", high.name),
            );
            None
        }
    }
}
