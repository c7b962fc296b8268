//! Results in a row, by commodity and origin: runs, rates, and whether many are hit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use tidewaiter_config::plan::{Level, NoticeKind, Trend};
use tidewaiter_screening::{
    Inspection,
    duty::{
        case::fact,
        trend::{interval, lies_above, run},
    },
};

use super::{Outcome, parts};
use crate::inspect::millis;

/// Commodities by origin kept at most; the one longest unseen is forgotten for a new one.
pub(super) const MOST: usize = 500;
/// Parts they are kept in.
const PAGES: u64 = 32;
/// Warnings of one commodity and origin that wait for their lifting at most; the oldest is forgotten for a new one.
const WARNINGS: usize = 50;

/// One commodity from one origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Series {
    number: u64,
    commodity: String,
    origin: String,
    /// When, whether it conforms, consignee.
    results: VecDeque<(i64, bool, String)>,
    warnings: Vec<Open>,
    /// What was told and still holds.
    told: BTreeSet<String>,
}

/// A proposed warning whose lifting may be proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) id: String,
    pub(super) inspection: String,
    pub(super) seq: u64,
    pub(super) hash: String,
    pub(super) place: String,
    pub(super) subject: Option<String>,
    #[serde(with = "parts::level")]
    pub(super) level: Level,
    pub(super) scores: [u32; 3],
    #[serde(with = "parts::notice_kind")]
    pub(super) kind: NoticeKind,
    pub(super) starts_ms: i64,
    pub(super) scope: String,
    pub(super) matters: String,
    pub(super) lift_condition: String,
    pub(super) legal_basis: String,
    pub(super) simulated: bool,
}

/// What the newest result makes of its series.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Results in the window that do not conform.
    pub(super) repeats: u32,
    /// Many consignees or origins are hit.
    pub(super) systemic: bool,
    /// What is to be told.
    pub(super) outcomes: Vec<Outcome>,
    /// Warnings whose lifting is to be proposed, and why.
    pub(super) lift: Vec<(Open, Vec<(String, String)>)>,
}

/// All series.
#[derive(Debug, Default)]
pub(super) struct Trends {
    series: BTreeMap<u64, Series>,
    next: u64,
    changed: BTreeSet<u64>,
}

/// Commodity and origin of an inspection: HS code, else goods, else the procedure.
fn key(inspection: &Inspection) -> (String, String) {
    let hs = fact(inspection, "hs-code").map(|code| code.chars().filter(char::is_ascii_digit).collect::<String>());
    let commodity = hs
        .filter(|digits| !digits.is_empty())
        .or_else(|| fact(inspection, "goods").map(str::to_owned))
        .unwrap_or_else(|| format!("procedure {}", inspection.procedure));
    (commodity, fact(inspection, "origin").unwrap_or_default().to_owned())
}

impl Trends {
    /// Takes in a result.
    pub(super) fn result(&mut self, rule: &Trend, inspection: &Inspection, conforms: bool) -> Seen {
        let at_ms = inspection.closed.wall_ms;
        let number = self.series_of(inspection);
        let from_ms = at_ms.saturating_sub(i64::try_from(millis(rule.window)).unwrap_or(i64::MAX));
        let mut seen = Seen::default();
        let Some(series) = self.series.get_mut(&number) else { return seen };
        self.changed.insert(number % PAGES);
        let consignee = fact(inspection, "consignee").unwrap_or_default().to_owned();
        series.results.push_back((at_ms, conforms, consignee));
        while series.results.len() > Trend::MOST_RESULTS as usize
            || series.results.front().is_some_and(|(at, _, _)| *at < from_ms)
        {
            series.results.pop_front();
        }
        let total = u32::try_from(series.results.len()).unwrap_or(u32::MAX);
        let breaches = u32::try_from(series.results.iter().filter(|it| !it.1).count()).unwrap_or(u32::MAX);
        seen.repeats = if conforms { 0 } else { breaches };
        let results = || series.results.iter().map(|it| it.1);
        let in_a_row = run(results(), false);
        let conforming = run(results(), true);
        let above = total >= rule.least_results && lies_above(breaches, total, rule.rate, rule.z) == Some(true);
        let bounds = interval(breaches, total, rule.z);
        let mut rate = vec![("breaches", breaches.to_string()), ("results", total.to_string())];
        if let Some((lower, upper)) = bounds {
            rate.extend([("lower", lower.to_string()), ("upper", upper.to_string()), ("z", rule.z.to_string())]);
        }
        let (commodity, origin) = (series.commodity.clone(), series.origin.clone());
        let mut tell = |word: &str, holds: bool, more: Vec<(&str, String)>| {
            if !holds {
                series.told.remove(word);
            } else if series.told.insert(word.to_owned()) {
                let mut facts = vec![("origin", origin.clone()), ("inspection", inspection.id.clone())];
                facts.extend(more);
                seen.outcomes.push(Outcome::event(&format!("trend-{word}"), Some(&commodity), facts));
            }
        };
        tell("run", in_a_row >= rule.consecutive, vec![("in-a-row", in_a_row.to_string())]);
        let mut more = rate.clone();
        more.push(("limit-percent", rule.rate.to_string()));
        tell("rate", above, more);
        if conforms && conforming >= rule.lift_after && !series.warnings.is_empty() {
            let evidence: Vec<(String, String)> = [("conforming-in-a-row", conforming.to_string())]
                .into_iter()
                .chain(rate)
                .map(|(name, text)| (name.to_owned(), text))
                .collect();
            seen.lift = std::mem::take(&mut series.warnings).into_iter().map(|it| (it, evidence.clone())).collect();
        }
        self.systemic(rule, number, from_ms, conforms, inspection, &mut seen);
        seen
    }

    /// Whether enough different consignees or origins are hit in the window, over all origins of the commodity.
    fn systemic(
        &mut self,
        rule: &Trend,
        number: u64,
        from_ms: i64,
        conforms: bool,
        inspection: &Inspection,
        seen: &mut Seen,
    ) {
        let Some(commodity) = self.series.get(&number).map(|it| it.commodity.clone()) else { return };
        let (mut consignees, mut origins) = (BTreeSet::new(), BTreeSet::new());
        for series in self.series.values().filter(|it| it.commodity == commodity) {
            for (_, _, consignee) in series.results.iter().filter(|(at, conforms, _)| !conforms && *at >= from_ms) {
                consignees.extend((!consignee.is_empty()).then_some(consignee.as_str()));
                origins.extend((!series.origin.is_empty()).then_some(series.origin.as_str()));
            }
        }
        let (consignees, origins) = (consignees.len(), origins.len());
        let holds = consignees.max(origins) >= rule.systemic as usize;
        seen.systemic = holds && !conforms;
        let told = |series: &Series| series.commodity == commodity && series.told.contains("systemic");
        if !holds {
            for series in self.series.values_mut().filter(|it| told(it)) {
                series.told.remove("systemic");
                self.changed.insert(series.number % PAGES);
            }
        } else if !conforms && !self.series.values().any(told) {
            if let Some(series) = self.series.get_mut(&number) {
                series.told.insert("systemic".to_owned());
            }
            let facts = vec![
                ("consignees", consignees.to_string()),
                ("origins", origins.to_string()),
                ("inspection", inspection.id.clone()),
            ];
            seen.outcomes.push(Outcome::event("trend-systemic", Some(&commodity), facts));
        }
    }

    /// A warning was proposed on this inspection's commodity and origin.
    pub(super) fn warned(&mut self, inspection: &Inspection, warning: Open) {
        let number = self.series_of(inspection);
        if let Some(series) = self.series.get_mut(&number) {
            if series.warnings.len() >= WARNINGS {
                series.warnings.remove(0);
            }
            series.warnings.push(warning);
            self.changed.insert(number % PAGES);
        }
    }

    /// The series of an inspection, made if need be.
    fn series_of(&mut self, inspection: &Inspection) -> u64 {
        let (commodity, origin) = key(inspection);
        if let Some(series) = self.series.values().find(|it| it.commodity == commodity && it.origin == origin) {
            return series.number;
        }
        if self.series.len() >= MOST {
            let newest = |series: &Series| series.results.back().map_or(i64::MIN, |it| it.0);
            if let Some(unseen) = self.series.values().min_by_key(|it| newest(it)).map(|it| it.number) {
                self.series.remove(&unseen);
                self.changed.insert(unseen % PAGES);
            }
        }
        let number = self.next;
        self.next += 1;
        let series =
            Series { number, commodity, origin, results: VecDeque::new(), warnings: Vec::new(), told: BTreeSet::new() };
        self.series.insert(number, series);
        self.changed.insert(number % PAGES);
        number
    }

    /// Names of all parts they may be kept in.
    pub(super) fn names() -> impl Iterator<Item = String> {
        (0..PAGES).map(name)
    }

    /// Takes in a part kept before.
    pub(super) fn resume(&mut self, bytes: &[u8]) -> Result<(), String> {
        for series in parts::read::<Vec<Series>>(bytes)? {
            self.next = self.next.max(series.number + 1);
            self.series.insert(series.number, series);
        }
        Ok(())
    }

    /// The parts that changed since they were last taken.
    pub(super) fn save(&mut self, into: &mut Vec<(String, Vec<u8>)>) {
        for page in std::mem::take(&mut self.changed) {
            let series: Vec<&Series> = self.series.values().filter(|it| it.number % PAGES == page).collect();
            into.push((name(page), parts::written(&series)));
        }
    }
}

fn name(page: u64) -> String {
    format!("duty-trend-{page:02}")
}
