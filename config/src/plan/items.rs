//! The `[[items]]` of a plan.

use std::time::Duration;

use tidewaiter_drivers::Decimal;

use super::{
    Item, Known, PROCEDURES, RATE_PLACES, ResultClass, RiskClass, Sampling,
    load::{hs_codes, no_table, unique},
};
use crate::{
    reader::{self, Node, Value},
    site::Judge,
};

const DAY: u64 = 86_400;

pub(super) fn items(root: &Node<'_>, known: &Known<'_>) -> Option<Vec<Item>> {
    let nodes = root.tables("items");
    if nodes.is_empty() {
        root.document().absence(
            root.span(),
            "the plan watches nothing",
            "[[items]] with id, procedures or places, and [[items.judge]]",
        );
        return None;
    }
    let mut ids = Vec::new();
    let items: Vec<Item> = nodes.iter().filter_map(|node| item(node, known, &mut ids)).collect();
    (items.len() == nodes.len()).then_some(items)
}

fn item(node: &Node<'_>, known: &Known<'_>, ids: &mut Vec<String>) -> Option<Item> {
    let id = node.need("id", "\"cotton\"").and_then(|value| unique(&value, "items", ids));
    let procedures = procedures(node);
    let places = places(node, known);
    if matches!((&procedures, &places), (Some(procedures), Some(places)) if procedures.is_empty() && places.is_empty())
    {
        node.document().absence(
            node.span(),
            "the item names neither procedures nor places",
            "procedures = [\"lorry-gate\"], or places = [\"lane-7\"]",
        );
    }
    let hs = hs_codes(node);
    let judge = judge(node, known);
    let sampling = node.may("sampling").map_or(Some(None), |value| sampling(&value.table()?).map(Some));
    let result_class =
        node.may("result_class").map_or(Some(ResultClass::Screening), |value| value.word(&ResultClass::WORDS));
    node.finish();
    Some(Item {
        id: id?,
        procedures: procedures?,
        places: places?,
        hs: hs?,
        judge: judge?,
        sampling: sampling?,
        result_class: result_class?,
    })
}

fn procedures(node: &Node<'_>) -> Option<Vec<String>> {
    let Some(value) = node.may("procedures") else { return Some(Vec::new()) };
    let known = PROCEDURES.map(|word| (word, word));
    value.items("[\"lorry-gate\"]")?.iter().map(|item| Some(item.word(&known)?.to_owned())).collect()
}

fn places(node: &Node<'_>, known: &Known<'_>) -> Option<Vec<String>> {
    let Some(value) = node.may("places") else { return Some(Vec::new()) };
    let texts = value.texts("[\"lane-7\"]")?;
    for (place, value) in &texts {
        if let Some(places) = &known.places
            && !places.contains(&place.as_str())
        {
            let way_out = reader::nearest(place, places.iter().copied()).map_or_else(
                || format!("one of {}", reader::list(places.iter().copied())),
                |meant| format!("\"{meant}\""),
            );
            value.dangling(format!("the site has no lane or rig {place:?}"), way_out);
        }
    }
    Some(texts.into_iter().map(|(text, _)| text).collect())
}

fn judge(node: &Node<'_>, known: &Known<'_>) -> Option<Vec<Judge>> {
    let nodes = node.tables("judge");
    if nodes.is_empty() {
        node.document().absence(
            node.span(),
            "the item is judged by nothing",
            "[[items.judge]] with table = \"…\" and parameters = [\"…\"]",
        );
    }
    let judged: Vec<Judge> = nodes.iter().filter_map(|entry| judge_entry(entry, known)).collect();
    (judged.len() == nodes.len()).then_some(judged)
}

fn judge_entry(node: &Node<'_>, known: &Known<'_>) -> Option<Judge> {
    let table = node.need("table", "\"gross-mass-cn-2016\"").and_then(|value| {
        let id = value.text()?;
        if !known.tables.iter().any(|table| table.id == id) {
            no_table(&value, id, &known.table_ids());
            return None;
        }
        Some(id)
    });
    let parameters = node.need("parameters", "[\"gross-mass\"]").and_then(|value| value.texts("[\"gross-mass\"]"));
    let advisory = node.may("advisory").map_or(Some(false), |value| value.flag());
    node.finish();
    let (table, parameters) = (table?, parameters?);
    let mut rows: Vec<&str> = known
        .tables
        .iter()
        .filter(|it| it.id == table)
        .flat_map(|it| &it.rows)
        .map(|row| row.parameter.as_str())
        .collect();
    rows.sort_unstable();
    rows.dedup();
    for (parameter, value) in parameters.iter().filter(|(parameter, _)| !rows.contains(&parameter.as_str())) {
        let way_out = reader::nearest(parameter, rows.iter().copied())
            .map_or_else(|| format!("one of {}", reader::list(rows.iter().copied())), |meant| format!("\"{meant}\""));
        value.dangling(format!("the table {table:?} has no row for {parameter:?}"), way_out);
    }
    Some(Judge {
        table: table.to_owned(),
        parameters: parameters.into_iter().map(|(text, _)| text).collect(),
        advisory: advisory?,
    })
}

fn sampling(node: &Node<'_>) -> Option<Sampling> {
    let rates = node.need_table("rates", "A = \"100\", B = \"20\" and C = \"5\", in per cent").map(|rates| {
        let [a, b, c] = ["A", "B", "C"].map(|class| rates.need(class, "\"20\"").and_then(|value| rate(&value)));
        rates.finish();
        Some([a?, b?, c?])
    });
    let default = node.need("default", "\"B\"").and_then(|value| value.word(&RiskClass::WORDS));
    let period = node
        .need("period", "\"7 d\"")
        .and_then(|value| value.duration(Duration::from_secs(60), Duration::from_secs(366 * DAY)));
    node.finish();
    Some(Sampling { rates: rates??, default: default?, period: period? })
}

fn rate(value: &Value<'_>) -> Option<Decimal> {
    let rate = value.decimal_within("0", "100")?;
    if rate.places() > RATE_PLACES {
        let short: String = value.written().trim_matches('"').chars().take(8).collect();
        value.fault(
            format!("a rate has at most {RATE_PLACES} places, and {rate} has {}", rate.places()),
            value.assign(format!("\"{short}\"")),
        );
        return None;
    }
    Some(rate)
}
