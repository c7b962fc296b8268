//! The parts of a place's page that change: word, subject, why, live values, run. Each is a fragment with an id.

use askama::Template;
use tidewaiter_drivers::identity::iso6346::ContainerNumber;
use tidewaiter_screening::{
    Finding, Verdict,
    inspection::{Alarm, Declaration, Identity},
};
use tidewaiter_words::{knows, quantity, terms};

use super::{
    look::{Kind, Look},
    plot::{self, Plot},
    sentence::Stage,
    when::age,
};
use crate::inspector::{LiveResult, LiveValue, ResultDetail};

/// Findings of one kind listed at most; more are counted.
const LISTED: usize = 12;
/// A live value older than this says its age.
const LIVE_MS: u64 = 3000;

/// The large word and its sentence.
#[derive(Template)]
#[template(path = "stage.html")]
pub(super) struct StagePart {
    pub(super) shape: &'static str,
    pub(super) name: String,
    /// It has a word too long for the largest letters on a narrow screen.
    pub(super) is_long: bool,
    pub(super) verdict: Option<String>,
    pub(super) action: String,
    pub(super) sentence: String,
    /// How old the result is, when it is old.
    pub(super) old: Option<String>,
    /// Beside a result, which speaks of the last one: why the next one has to wait.
    pub(super) unanswering: Option<String>,
    pub(super) tags: Vec<String>,
}

/// The stage of a place.
pub(super) fn stage(look: &Look, place: &str, kind: Kind) -> StagePart {
    let stage = look.stage(place);
    let name = stage.name(look.language);
    let is_long = name.split_whitespace().any(|word| word.is_ascii() && word.len() > 6);
    let (verdict, is_drill, is_simulated) = match &stage {
        Stage::Result(result, _) => (Some(verdict(look, result)), result.detail.drill, result.detail.simulated),
        _ => (None, look.report.live.drills.contains_key(place), look.is_simulated(place)),
    };
    // An empty place, or one with a result, invites the next one; with a dead instrument it must not.
    let silent = match &stage {
        Stage::Waiting | Stage::Result(..) => look.unanswering(place),
        _ => None,
    };
    let unanswering = silent.map(|it| look.say("do-unanswering", &[("instrument", it.into())]));
    let (action, unanswering) = match (&stage, unanswering) {
        (Stage::Waiting, Some(unanswering)) => (unanswering, None),
        (_, unanswering) => (action(look, &stage, kind), unanswering),
    };
    let tags = [(is_drill, "drill"), (is_simulated, "simulated")];
    StagePart {
        shape: stage.word(),
        is_long,
        verdict,
        action,
        unanswering,
        sentence: look.sentence(place),
        old: stage.old_ms().map(|ms| look.say("page-old", &[("age", (&age(look.language, ms)).into())])),
        tags: tags.into_iter().filter(|(is, _)| *is).map(|(_, id)| look.t(id)).collect(),
        name,
    }
}

fn verdict(look: &Look, result: &LiveResult) -> String {
    let word = terms::verdict(look.language, result.verdict);
    match result.reason {
        Some(reason) => format!("{word} — {}", terms::reason(look.language, reason)),
        None => word,
    }
}

/// What to do next: fixed, by word, by kind of place, and by the reason where there is a better answer for it.
fn action(look: &Look, stage: &Stage<'_>, kind: Kind) -> String {
    let word = stage.word();
    let reason = match stage {
        Stage::Result(result, _) if kind == Kind::Lane && word == "alarm" && is_of_radiation(&result.detail) => {
            "radiation"
        }
        Stage::Result(result, _) => result.reason.unwrap_or_default(),
        _ => "",
    };
    let rig = if kind == Kind::Rig { "rig-" } else { "" };
    [format!("do-{rig}{word}-{reason}"), format!("do-{word}-{reason}"), format!("do-{rig}{word}"), format!("do-{word}")]
        .into_iter()
        .find(|id| knows(look.language, id))
        .map_or_else(String::new, |id| look.t(&id))
}

/// Whether radiation is among what alarms: staff keep away from it, and need not from a lorry that is too heavy.
fn is_of_radiation(detail: &ResultDetail) -> bool {
    let of_alarm = |it: &Alarm| matches!(it.kind.as_str(), "gamma" | "neutron");
    // A count has its kind in its name, everything else in the unit of its limit (UCUM).
    let of_finding = |it: &Finding| {
        it.alarms
            && !it.advisory
            && it.verdict == Verdict::Fail
            && (["gamma", "neutron"].iter().any(|name| it.parameter.starts_with(name))
                || ["Gy", "Sv", "Bq"].iter().any(|unit| it.limit.contains(unit)))
    };
    detail.alarms.iter().any(of_alarm) || detail.findings.iter().any(of_finding)
}

/// Who or what stands there.
#[derive(Template)]
#[template(path = "subject.html")]
pub(super) struct SubjectPart {
    heading: String,
    none: String,
    rows: Vec<Row>,
    declared: Option<String>,
    record: Option<(u64, String)>,
}

/// A name and what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) text: String,
    /// A further word, and whether it warns.
    pub(super) note: Option<(String, bool)>,
}

/// The subject of the open inspection, or of the result shown.
pub(super) fn subject(look: &Look, place: &str) -> SubjectPart {
    let scene = look.scene(place);
    let (mut rows, declared, record) = match look.stage(place) {
        Stage::Open => {
            let progress = scene.as_ref().and_then(|it| it.progress.as_ref());
            (identities(look, progress.map_or(&[][..], |it| &it.identities)), None, None)
        }
        Stage::Result(result, _) => {
            let mut rows = identities(look, &result.detail.identities);
            let declared = match &result.detail.declaration {
                Declaration::None => Some(look.t("declared-nothing")),
                Declaration::Found(facts) => {
                    rows.extend(facts.iter().map(|(name, text)| Row {
                        name: named(look, "fact", name),
                        text: text.clone(),
                        note: None,
                    }));
                    None
                }
            };
            let at = look.times.full(result.at_ms);
            (rows, declared, Some((result.seq, at)))
        }
        _ => (Vec::new(), None, None),
    };
    if let Some(operator) = look.report.live.results.iter().rev().find_map(|it| {
        let shown = record.as_ref().is_some_and(|(seq, _)| *seq == it.seq);
        shown.then(|| it.detail.operator.clone()).flatten()
    }) {
        rows.push(Row { name: look.t("page-operator"), text: operator, note: None });
    }
    SubjectPart { heading: look.t("heading-subject"), none: look.t("not-identified"), rows, declared, record }
}

fn identities(look: &Look, identities: &[Identity]) -> Vec<Row> {
    let row = |identity: &Identity| {
        let note = if identity.kind == "container" {
            // Worked out again from what is shown, whoever put it in.
            match (ContainerNumber::parse(&identity.text).is_ok(), identity.source.as_str()) {
                (true, "corrected") => Some((look.t("container-corrected"), true)),
                (true, _) => Some((look.t("container-holds"), false)),
                (false, _) => Some((look.t("container-fails"), true)),
            }
        } else {
            let warns = identity.source == "ambiguous";
            Some((named(look, "source", &identity.source), warns))
        };
        Row { name: named(look, "identity", &identity.kind), text: identity.text.clone(), note }
    };
    identities.iter().map(row).collect()
}

/// A term of the catalogue, or the word itself where it has none.
pub(super) fn named(look: &Look, kind: &str, word: &str) -> String {
    let id = format!("{kind}-{word}");
    if knows(look.language, &id) { look.t(&id) } else { word.to_owned() }
}

/// Why the result is what it is.
#[derive(Template)]
#[template(path = "why.html")]
pub(super) struct WhyPart {
    heading: String,
    reasons: Vec<String>,
    passed: Vec<String>,
    more: Option<String>,
}

/// The reasons of the result shown.
pub(super) fn why(look: &Look, place: &str) -> WhyPart {
    let (mut reasons, mut passed) = (Vec::new(), Vec::new());
    let mut more = None;
    if let Stage::Result(result, _) = look.stage(place) {
        let detail = &result.detail;
        let language = look.language;
        let alarm = |it: &Alarm| {
            format!("{} · {}", terms::alarm_by(language, &it.kind, it.by_device, it.recomputed), it.instrument)
        };
        reasons.extend(detail.alarms.iter().map(alarm));
        if detail.alarm_mismatch {
            reasons.push(look.t("alarm-mismatch"));
        }
        reasons
            .extend(detail.faults.iter().map(|it| format!("{} · {}", terms::fault(language, &it.kind), it.instrument)));
        reasons.extend(result.incomplete.map(|it| terms::incomplete(language, it)));
        let (good, bad): (Vec<_>, Vec<_>) = detail
            .findings
            .iter()
            .filter(|it| it.verdict != Verdict::NotApplicable)
            .partition(|it| it.verdict == Verdict::Pass);
        more =
            bad.len().checked_sub(LISTED).filter(|it| *it > 0).map(|it| look.say("page-more", &[("count", it.into())]));
        reasons.extend(bad.into_iter().take(LISTED).map(|it| finding(look, it)));
        passed.extend(good.into_iter().take(LISTED).map(|it| finding(look, it)));
    }
    WhyPart { heading: look.t("heading-why"), reasons, passed, more }
}

fn finding(look: &Look, it: &Finding) -> String {
    let table = format!("{} {}", it.table, it.edition);
    let said = terms::Finding {
        parameter: &it.parameter,
        verdict: it.verdict.word(),
        reason: it.verdict.reason().map(tidewaiter_screening::Reason::word),
        value: it.value.as_deref(),
        limit: &it.limit,
        table: &table,
        row: &it.row,
        stage: it.stage,
    };
    let sentence = terms::finding(look.language, &said);
    if it.advisory { look.say("page-advisory", &[("finding", (&sentence).into())]) } else { sentence }
}

/// Live values and how they moved.
#[derive(Template)]
#[template(path = "live.html")]
pub(super) struct LivePart {
    heading: String,
    /// It is not recorded yet.
    disclaimer: String,
    values: Vec<Shown>,
    trend: String,
    plots: Vec<Plot>,
}

/// A live value as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) note: String,
    /// It is a value, and nothing speaks against it.
    pub(super) is_good: bool,
}

/// Live values of a place.
pub(super) fn live(look: &Look, place: &str) -> LivePart {
    let scene = look.scene(place);
    let series = scene.as_ref().map_or(&[][..], |it| &it.series);
    let mut values = Vec::new();
    for series in series {
        let channels = look.report.live.instruments.get(&series.instrument);
        let value = channels.and_then(|it| {
            let mass = (series.channel == "mass").then(|| it.get("gross")).flatten();
            it.get("*").or_else(|| it.get(&series.channel)).or(mass)
        });
        if let Some(value) = value {
            values.push(shown(look, plot::channel(look.language, &series.channel), value));
        }
    }
    let open = scene.as_ref().is_some_and(|it| it.progress.is_some());
    LivePart {
        heading: look.t("heading-live"),
        disclaimer: look.t("reading-not-recorded"),
        values,
        trend: look.t(if open { "trend-now" } else { "trend-last" }),
        plots: series.iter().filter_map(|it| plot::plot(look.language, it)).collect(),
    }
}

/// A live value with what is to be said of it.
pub(super) fn shown(look: &Look, name: String, live: &LiveValue) -> Shown {
    let old_ms = look.now.mono_ms.saturating_sub(live.at_mono_ms);
    let old = (old_ms > LIVE_MS).then(|| age(look.language, old_ms));
    let (value, quality, is_good) = match (&live.value, &live.missing) {
        (Some(value), _) => {
            let word = live.quality.unwrap_or("good");
            let quality = match word {
                "good" if name == plot::channel(look.language, "mass") => look.t("live-stable"),
                "unstable" => look.t("live-moving"),
                "good" => String::new(),
                word => terms::quality(look.language, word),
            };
            let unit = live.unit.unwrap_or("1");
            let value = quantity::value(look.language, &format!("{value} {unit}"));
            (value, quality, matches!(word, "good" | "unstable") && old.is_none())
        }
        (None, missing) => {
            let missing = missing.as_deref().unwrap_or("timed-out");
            ("—".to_owned(), missing_words(look, missing), false)
        }
    };
    let note = [Some(quality).filter(|it| !it.is_empty()), old].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    Shown { name, value, note, is_good }
}

/// A reason as the live snapshot spells it: `exception(2)`.
fn missing_words(look: &Look, text: &str) -> String {
    let (word, code) =
        text.split_once('(').map_or((text, None), |(word, rest)| (word, rest.trim_end_matches(')').parse().ok()));
    terms::missing(look.language, word, code)
}

#[cfg(test)]
mod tests {
    use tidewaiter_screening::Reason;

    use super::*;

    fn detail(alarms: &[&str], findings: Vec<Finding>) -> ResultDetail {
        let alarm = |kind: &&str| Alarm {
            instrument: "portal-1".to_owned(),
            kind: (*kind).to_owned(),
            by_device: true,
            recomputed: false,
        };
        ResultDetail {
            identities: Vec::new(),
            declaration: Declaration::None,
            findings,
            measured: Vec::new(),
            alarms: alarms.iter().map(alarm).collect(),
            faults: Vec::new(),
            alarm_mismatch: false,
            simulated: false,
            drill: false,
            operator: None,
            closed_mono_ms: 0,
        }
    }

    fn finding(parameter: &str, limit: &str, verdict: Verdict, alarms: bool) -> Finding {
        Finding {
            table: "t".to_owned(),
            edition: "1".to_owned(),
            row: "r".to_owned(),
            parameter: parameter.to_owned(),
            verdict,
            alarms,
            value: None,
            limit: limit.to_owned(),
            rule: String::new(),
            stage: None,
            hazards: Vec::new(),
            legal_force: "site".to_owned(),
            probability: None,
            advisory: false,
        }
    }

    #[test]
    fn only_an_alarm_of_radiation_speaks_of_radiation() {
        let rows: [(&str, &[&str], Vec<Finding>, bool); 9] = [
            ("gamma alarm", &["gamma"], Vec::new(), true),
            ("neutron alarm", &["neutron"], Vec::new(), true),
            ("another alarm", &["door-open"], Vec::new(), false),
            ("dose rate", &[], vec![finding("dose-rate", "<= 0.12 + 0.25 uGy/h", Verdict::Fail, true)], true),
            ("contamination", &[], vec![finding("surface-alpha", "<= 0.04 Bq/cm2", Verdict::Fail, true)], true),
            ("counts", &[], vec![finding("gamma-counts", "<= 934 + 7 sqrt(934) {count}", Verdict::Fail, true)], true),
            ("mass", &[], vec![finding("gross-mass", "<= 49000 kg", Verdict::Fail, true)], false),
            (
                "mass, and a dose rate that passes",
                &[],
                vec![
                    finding("gross-mass", "<= 49000 kg", Verdict::Fail, true),
                    finding("dose-rate", "<= 0.37 uGy/h", Verdict::Pass, true),
                    finding("dose-rate", "<= 0.37 uGy/h", Verdict::Inconclusive(Reason::NoValue), true),
                ],
                false,
            ),
            ("a row that only refers", &[], vec![finding("dose-rate", "<= 1 uGy/h", Verdict::Fail, false)], false),
        ];
        for (what, alarms, findings, expected) in rows {
            assert_eq!(is_of_radiation(&detail(alarms, findings)), expected, "{what}");
        }
        let said = |id| tidewaiter_words::say(tidewaiter_words::Language::En, id, &[]);
        assert!(!said("do-alarm").contains("radiation") && said("do-alarm-radiation").contains("radiation"));
    }
}
