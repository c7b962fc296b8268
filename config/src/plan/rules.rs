//! Deadlines, the trend rule and the laboratories a plan accepts.

use std::time::Duration;

use super::{
    AcceptedBody, Deadline, DeadlineKind, Selector, Trend,
    load::{hs_codes, last_day, unique},
    matrix::selector,
};
use crate::reader::Node;

const SECOND: Duration = Duration::from_secs(1);
/// Results before a rate is told, unless the plan says so.
const LEAST_RESULTS: u32 = 5;
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn deadlines(root: &Node<'_>, tables: &[&str]) -> Option<Vec<Deadline>> {
    let nodes = root.tables("deadlines");
    let mut ids = Vec::new();
    let deadlines: Vec<Deadline> = nodes.iter().filter_map(|node| deadline(node, tables, &mut ids)).collect();
    (deadlines.len() == nodes.len()).then_some(deadlines)
}

fn deadline(node: &Node<'_>, tables: &[&str], ids: &mut Vec<String>) -> Option<Deadline> {
    let id = node.need("id", "\"report-2h\"").and_then(|value| unique(&value, "deadlines", ids));
    let kind = node.need("kind", "\"report\"").and_then(|value| value.word(&DeadlineKind::WORDS));
    let within = node.need("within", "\"2 h\"").and_then(|value| value.duration(SECOND, 366 * DAY));
    let at_risk_value = node.may("at_risk");
    let at_risk = match &at_risk_value {
        Some(value) => value.duration(SECOND, 366 * DAY),
        // A quarter of the time is left: half an hour of two.
        None => within.map(|within| within / 4),
    };
    if let (Some(within), Some(at_risk), Some(value)) = (within, at_risk, &at_risk_value)
        && at_risk >= within
    {
        value.fault(
            "it would be at risk from its first moment",
            value.assign(format!("\"{} s\"", (within / 4).as_secs().max(1))),
        );
    }
    let on = node.need("on", "{ dispositions = [\"alarm\"] }").and_then(|value| {
        let on = selector(&value.table()?, tables, true)?;
        if on == Selector::default() {
            value.fault("every finding would start it", value.assign("{ dispositions = [\"alarm\"] }"));
            return None;
        }
        Some(on)
    });
    node.finish();
    Some(Deadline { id: id?, kind: kind?, within: within?, at_risk: at_risk?, on: on? })
}

pub(super) fn trend(node: &Node<'_>) -> Option<Trend> {
    let count = |key: &'static str, example: &str| {
        node.need(key, example).and_then(|value| value.integer(2_u32, Trend::MOST_RESULTS))
    };
    let consecutive = count("consecutive", "3");
    let lift_after = count("lift_after", "10");
    let window = node.need("window", "\"90 d\"").and_then(|value| value.duration(SECOND, 3_660 * DAY));
    let z_value = node.may("z");
    let z = z_value.as_ref().map_or_else(|| "1.96".parse().ok(), |value| value.decimal_within("0.1", "10"));
    if let (Some(z), Some(value)) = (z, &z_value)
        && z.places() > 4
    {
        value.fault("a quantile has at most 4 places here", value.assign("\"1.96\""));
    }
    let rate_value = node.need("rate", "\"10\"");
    let rate = rate_value.as_ref().and_then(|value| value.decimal_within("0", "100"));
    if let (Some(rate), Some(value)) = (rate, &rate_value)
        && rate.places() > 2
    {
        value.fault("a rate in per cent has at most 2 places here", value.assign("\"10\""));
    }
    let least_results =
        node.may("least_results").map_or(Some(LEAST_RESULTS), |value| value.integer(1_u32, Trend::MOST_RESULTS));
    let systemic = count("systemic", "3");
    node.finish();
    Some(Trend {
        consecutive: consecutive?,
        lift_after: lift_after?,
        window: window?,
        z: z?,
        rate: rate?,
        least_results: least_results?,
        systemic: systemic?,
    })
}

impl Trend {
    /// Results of one commodity and origin that count at most.
    pub const MOST_RESULTS: u32 = 200;
}

pub(super) fn acceptance(root: &Node<'_>) -> Option<Vec<AcceptedBody>> {
    let nodes = root.tables("acceptance");
    let mut ids = Vec::new();
    let bodies: Vec<AcceptedBody> = nodes.iter().filter_map(|node| body(node, &mut ids)).collect();
    (bodies.len() == nodes.len()).then_some(bodies)
}

fn body(node: &Node<'_>, ids: &mut Vec<String>) -> Option<AcceptedBody> {
    let id = node.need("id", "\"lab-1\"").and_then(|value| unique(&value, "bodies", ids));
    let name = node.need("name", "\"…\"").and_then(|value| Some(value.text()?.to_owned()));
    let (cma, cnas) = (node.may("cma"), node.may("cnas"));
    if cma.is_none() && cnas.is_none() {
        node.document().absence(
            node.span(),
            "the body has neither a CMA nor a CNAS number",
            "cma = \"…\", or cnas = \"…\"",
        );
    }
    let number = |value: Option<crate::reader::Value<'_>>| {
        value.map_or(Some(None), |value| Some(Some(value.text()?.to_owned())))
    };
    let (cma, cnas) = (number(cma), number(cnas));
    let hs = hs_codes(node);
    let texts = |key: &'static str, example: &str| {
        let texts = node.need(key, example).and_then(|value| value.texts(example))?;
        Some(texts.into_iter().map(|(text, _)| text).collect::<Vec<_>>())
    };
    let parameters = texts("parameters", "[\"formaldehyde\"]");
    let methods = texts("methods", "[\"GB/T 2912.1\"]");
    let valid_from = node.need("valid_from", "2026-01-01").and_then(|value| value.date());
    let valid_to = match node.need("valid_to", "2026-12-31") {
        Some(_) => last_day(node, "valid_to", valid_from).flatten(),
        None => None,
    };
    let longest_report_age =
        node.need("longest_report_age", "\"30 d\"").and_then(|value| value.duration(DAY, 3_660 * DAY));
    node.finish();
    Some(AcceptedBody {
        id: id?,
        name: name?,
        cma: cma?,
        cnas: cnas?,
        hs: hs?,
        parameters: parameters?,
        methods: methods?,
        valid_from: valid_from?,
        valid_to: valid_to?,
        longest_report_age: longest_report_age?,
    })
}
