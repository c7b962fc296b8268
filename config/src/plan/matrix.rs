//! The matrix of harm, urgency and extent: scores and levels as the plan states them.

use super::{Level, Selector};
use crate::reader::{Node, Value};

/// How a level is proposed: each axis scores by its rules, the product of the three names the level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Scores of the three axes.
    pub scores: [Vec<Score>; 3],
    /// Levels by product, the gravest first.
    pub steps: Vec<Step>,
}

/// A rule of one axis: of several that fit, the highest score counts; with none it is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// What it gives.
    pub score: u32,
    /// What it is for.
    pub when: Selector,
}

/// From which product on a level is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Level.
    pub level: Level,
    /// Least product.
    pub at_least: u32,
}

/// One of the three axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// How bad.
    Harm,
    /// How soon.
    Urgency,
    /// How far.
    Extent,
}

impl Axis {
    /// All axes, in the order of [`Matrix::scores`].
    pub const ALL: [Self; 3] = [Self::Harm, Self::Urgency, Self::Extent];

    /// The key of the plan.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Harm => "harm",
            Self::Urgency => "urgency",
            Self::Extent => "extent",
        }
    }
}

/// Greatest score: three of them must stay far within the product.
const MOST_SCORE: u32 = 10;

/// Reads `[matrix]`.
pub(super) fn matrix(node: &Node<'_>, tables: &[&str]) -> Option<Matrix> {
    let mut sound = true;
    let [harm, urgency, extent] = Axis::ALL.map(|axis| {
        let nodes = node.tables(axis.word());
        let rules: Vec<Score> = nodes.iter().filter_map(|rule| score(rule, tables)).collect();
        sound &= rules.len() == nodes.len();
        rules
    });
    let nodes = node.tables("levels");
    if nodes.is_empty() {
        node.document().absence(
            node.span(),
            "the matrix proposes no level",
            "[[matrix.levels]] with level = \"I\" and at_least = 27, and one for each other level",
        );
    }
    let mut steps: Vec<(Step, Value<'_>)> = Vec::new();
    for step in &nodes {
        let level_value = step.need("level", "\"I\"");
        let level = level_value.as_ref().and_then(|value| value.word(&Level::WORDS));
        let least_value = step.need("at_least", "27");
        let least = least_value.as_ref().and_then(|value| value.integer(1_u32, MOST_SCORE * MOST_SCORE * MOST_SCORE));
        step.finish();
        let (Some(level), Some(at_least), Some(place)) = (level, least, least_value) else { continue };
        if let Some((graver, _)) = steps.last()
            && (graver.level >= level || graver.at_least <= at_least)
        {
            place.fault(
                format!(
                    "level {} from {at_least} stands after level {} from {}; levels run from I to IV with falling products",
                    level.word(),
                    graver.level.word(),
                    graver.at_least
                ),
                format!("at_least = {}, below the level before", graver.at_least.saturating_sub(1).max(1)),
            );
        }
        steps.push((Step { level, at_least }, place));
    }
    node.finish();
    (sound && !steps.is_empty() && steps.len() == nodes.len())
        .then(|| Matrix { scores: [harm, urgency, extent], steps: steps.into_iter().map(|(step, _)| step).collect() })
}

fn score(node: &Node<'_>, tables: &[&str]) -> Option<Score> {
    let score = node.need("score", "2").and_then(|value| value.integer(1_u32, MOST_SCORE));
    let when = node.may("when").map_or_else(|| Some(Selector::default()), |it| selector(&it.table()?, tables, false));
    node.finish();
    Some(Score { score: score?, when: when? })
}

const VERDICTS: [(&str, &str); 5] = [
    ("Fail", "Fail"),
    ("ConditionalFail", "ConditionalFail"),
    ("Inconclusive", "Inconclusive"),
    ("ConditionalPass", "ConditionalPass"),
    ("Pass", "Pass"),
];
const DISPOSITIONS: [(&str, &str); 4] =
    [("alarm", "alarm"), ("refer", "refer"), ("not-valid", "not-valid"), ("clear", "clear")];
const LEGAL_FORCE: [(&str, &str); 5] = [
    ("mandatory", "mandatory"),
    ("recommended", "recommended"),
    ("voluntary", "voluntary"),
    ("guide", "guide"),
    ("site", "site"),
];

/// Reads a selector; `levels` is a key of it only where a level is already proposed.
pub(super) fn selector(node: &Node<'_>, tables: &[&str], with_levels: bool) -> Option<Selector> {
    let words = |key: &'static str, known: &[(&'static str, &'static str)]| -> Option<Vec<String>> {
        let Some(value) = node.may(key) else { return Some(Vec::new()) };
        value.items("[\"…\"]")?.iter().map(|item| Some(item.word(known)?.to_owned())).collect()
    };
    let count = |key: &'static str| node.may(key).map_or(Some(0), |value| value.integer(1_u32, 10_000));
    let dispositions = words("dispositions", &DISPOSITIONS);
    let verdicts = words("verdicts", &VERDICTS);
    let legal_force = words("legal_force", &LEGAL_FORCE);
    let levels = match with_levels.then(|| node.may("levels")).flatten() {
        Some(value) => value
            .items("[\"I\", \"II\"]")
            .and_then(|items| items.iter().map(|item| item.word(&Level::WORDS)).collect::<Option<Vec<_>>>()),
        None => Some(Vec::new()),
    };
    let hazards = match node.may("hazards") {
        Some(value) => value.items("[\"chemical\"]").and_then(|items| {
            let known = crate::limits::Hazard::ALL.map(|hazard| (hazard.word(), hazard));
            items.iter().map(|item| item.word(&known)).collect::<Option<Vec<_>>>()
        }),
        None => Some(Vec::new()),
    };
    let texts = |key: &'static str| -> Option<Vec<(String, Value<'_>)>> {
        node.may(key).map_or_else(|| Some(Vec::new()), |value| value.texts("[\"…\"]"))
    };
    let parameters = texts("parameters");
    let named = texts("tables");
    for (table, value) in named.iter().flatten() {
        if !tables.contains(&table.as_str()) {
            super::load::no_table(value, table, tables);
        }
    }
    let rows_at_least = count("rows_at_least");
    let repeats_at_least = count("repeats_at_least");
    let systemic = node.may("systemic").map_or(Some(None), |value| value.flag().map(Some));
    node.finish();
    let plain = |texts: Vec<(String, Value<'_>)>| texts.into_iter().map(|(text, _)| text).collect();
    Some(Selector {
        dispositions: dispositions?,
        verdicts: verdicts?,
        levels: levels?,
        hazards: hazards?,
        parameters: plain(parameters?),
        tables: plain(named?),
        legal_force: legal_force?,
        rows_at_least: rows_at_least?,
        repeats_at_least: repeats_at_least?,
        systemic: systemic?,
    })
}
