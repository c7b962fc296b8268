//! An inspection as sections: result, subject, what was judged and how, what was measured, under what circumstances.

use jiff::tz::TimeZone;
use tidewaiter_config::{
    limits::{self, LimitTable},
    site::Site,
};
use tidewaiter_recompute::{Recomputed, Tables, explained, recompute_inspection};
use tidewaiter_record::{Hash, InspectionDetail, body};
use tidewaiter_words::{Language, knows, quantity, say, terms};

use super::{
    block::{Block, Cell, Section, tone},
    heads, list, time, trace,
};
use crate::{downlink::TABLES_DIR, explained as steps};

/// The tables at hand, by which steps are explained: those of the site, and of those that came signed the ones that the
/// record names and that are still kept. Reads files.
pub(super) fn tables(site: &Site, named: &[body::Table]) -> Tables {
    let mut tables = Tables { limits: site.tables.clone(), programmes: site.programmes.clone() };
    for table in named.iter().filter(|it| !site.tables.iter().any(|known| known.digest == it.sha256)) {
        let path = site.store.dir.join(TABLES_DIR).join(Hash(table.sha256).to_string());
        // Without one the record is told as it stands, and why its steps are not.
        if let Ok(file) = limits::load_file(&path) {
            tables.limits.extend(file.tables);
            tables.programmes.extend(file.programmes);
        }
    }
    tables
}

/// All sections of an inspection but its readings.
pub(super) fn sections(
    detail: &InspectionDetail,
    tables: &Tables,
    zone: &TimeZone,
    language: Language,
) -> Vec<Section> {
    vec![
        result(detail, zone, language),
        subject(detail, language),
        findings(detail, tables, language),
        measured(&detail.measured, language),
        circumstances(detail, language),
    ]
}

fn result(detail: &InspectionDetail, zone: &TimeZone, language: Language) -> Section {
    let mut section = Section::new("result", say(language, "heading-result", &[]));
    let word = &detail.disposition;
    let large = match tone(word) {
        "good" => "large good",
        "bad" => "large bad",
        _ => "large warn",
    };
    section.said(terms::disposition(language, word), large);
    section.said(terms::what_to_do(language, word), "");
    let fact = |id: &str, cell: Cell| (say(language, id, &[]), cell);
    let verdict = list::verdict(language, &detail.verdict, detail.reason.as_deref());
    let mut facts = vec![
        fact("history-field-verdict", Cell::text(verdict).with(tone(&detail.verdict))),
        fact("record-procedure", Cell::text(terms::procedure(language, &detail.procedure))),
        fact("history-field-place", Cell::text(&detail.place)),
        fact("record-inspection", Cell::code(&detail.id)),
        fact("record-opened", Cell::text(time::local(detail.opened.wall_ms, zone))),
        fact("record-closed", Cell::text(time::local(detail.closed.wall_ms, zone))),
    ];
    if let Some(why) = &detail.incomplete {
        facts.push(fact("record-incomplete", Cell::text(terms::incomplete(language, why)).with("warn")));
    }
    if let Some(operator) = detail.judging.as_ref().and_then(|it| it.operator.as_deref()) {
        facts.push(fact("page-operator", Cell::text(operator)));
    }
    section.facts(facts);
    let asserted = detail.alarms.iter().filter(|it| it.by_device || it.recomputed);
    for alarm in asserted {
        let said = terms::alarm_by(language, &alarm.kind, alarm.by_device, alarm.recomputed);
        section.said(format!("{said} · {}", alarm.instrument), "bad");
    }
    if detail.alarm_mismatch {
        section.said(say(language, "alarm-mismatch", &[]), "warn");
    }
    for fault in &detail.faults {
        section.said(format!("{} · {}", terms::fault(language, &fault.kind), fault.instrument), "warn");
    }
    section
}

fn subject(detail: &InspectionDetail, language: Language) -> Section {
    let mut section = Section::new("subject", say(language, "heading-subject", &[]));
    section.said(terms::subject(language, &detail.subject.kind), "");
    if detail.subject.identities.is_empty() {
        section.said(say(language, "not-identified", &[]), "warn");
    }
    let facts = detail.subject.identities.iter().map(|it| {
        let source = say(language, &format!("source-{}", it.source), &[]);
        let confidence = it.confidence.map(|it| format!(" · {it} %")).unwrap_or_default();
        (terms::identity(language, &it.kind), Cell::text(format!("{} ({source}{confidence})", it.text)))
    });
    section.facts(facts.collect());
    match &detail.subject.declared {
        None => section.said(say(language, "record-not-declared", &[]), "quiet"),
        Some(declared) => {
            section.said(say(language, "record-declared", &[]), "quiet");
            let facts = declared.iter().map(|(name, text)| {
                let known = format!("fact-{name}");
                let name = if knows(language, &known) { say(language, &known, &[]) } else { name.clone() };
                (name, Cell::text(text))
            });
            section.facts(facts.collect());
        }
    }
    section
}

fn findings(detail: &InspectionDetail, tables: &Tables, language: Language) -> Section {
    let mut section = Section::new("findings", say(language, "heading-why", &[]));
    if detail.findings.is_empty() {
        section.said(say(language, "record-no-findings", &[]), "quiet");
        return section;
    }
    let (mut all, why) = match explained(detail, tables) {
        Ok(all) => (all, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    // Rows that do not apply are many and say little: they stand last.
    let (aside, told): (Vec<_>, Vec<_>) = detail.findings.iter().partition(|it| it.verdict == "NotApplicable");
    for finding in told.into_iter().chain(aside) {
        let said = Cell::text(tidewaiter_telling::finding(language, finding)).with(tone(&finding.verdict));
        let same = |it: &tidewaiter_screening::Finding| {
            it.table == finding.table
                && it.row == finding.row
                && it.parameter == finding.parameter
                && it.stage == finding.stage
        };
        let lines = match all.iter().position(|(it, _)| same(it)).map(|place| all.swap_remove(place)) {
            Some((found, steps)) => {
                let table: Option<&LimitTable> =
                    tables.limits.iter().find(|it| it.id == found.table && it.edition == found.edition);
                steps::lines(language, &found, &steps, table)
            }
            // What the record itself says is all there is to say.
            None => vec![finding.rule.clone(), quantity::limit(language, &finding.limit)],
        };
        section.blocks.push(Block::Steps(said, lines));
    }
    if let Some(why) = why {
        section.said(say(language, "record-not-explained", &[("why", (&why).into())]), "warn");
    }
    let (id, class) = match recompute_inspection(detail, tables) {
        Recomputed::Same => ("record-recomputed-same", "good"),
        Recomputed::Drift(_) => ("record-recomputed-drift", "bad"),
        Recomputed::NotDone(_) | Recomputed::NotAsked => return section,
    };
    section.said(say(language, id, &[]), class);
    section
}

/// The quantities that were judged, digits as they were displayed.
pub(super) fn measured(measured: &[body::Measured], language: Language) -> Section {
    let mut section = Section::new("measured", say(language, "record-measured", &[]));
    let text = |it: Option<tidewaiter_drivers::Decimal>| Cell::number(it.map(|it| it.to_string()).unwrap_or_default());
    let rows = measured.iter().map(|it| {
        let (value, unit, quality) = trace::outcome(it.outcome, language);
        let stage = it.stage.map(|stage| format!(" · {stage}")).unwrap_or_default();
        let basis =
            it.basis.as_deref().map(|it| format!(" · {}", steps::named(language, "basis", it))).unwrap_or_default();
        vec![
            Cell::text(format!("{}{stage}{basis}", terms::parameter(language, &it.parameter))),
            value,
            unit,
            quality,
            text(it.background),
            text(it.uncertainty),
            Cell::text(&it.instrument),
            Cell::text(&it.derivation).with("wrap"),
        ]
    });
    let ids = ["parameter", "value", "unit", "quality", "background", "uncertainty", "instrument", "derivation"];
    section.table(heads(language, "record", &ids), rows.collect());
    section
}

/// Tables, plan, software: by what it was judged.
fn circumstances(detail: &InspectionDetail, language: Language) -> Section {
    let mut section = Section::new("judged-by", say(language, "record-judged-by", &[]));
    let rows = detail
        .tables
        .iter()
        .map(|it| vec![Cell::text(&it.id), Cell::text(&it.edition), Cell::code(Hash(it.sha256).to_string())]);
    section.table(heads(language, "record", &["table", "edition", "sha256"]), rows.collect());
    let fact = |id: &str, cell: Cell| (say(language, &format!("record-{id}"), &[]), cell);
    let mut facts = vec![
        fact("software", Cell::text(&detail.context.software)),
        fact("config", Cell::code(hex::encode(detail.context.config))),
    ];
    if let Some(judging) = &detail.judging {
        if let Some(plan) = &judging.plan {
            let shown = format!("{} · {} · {}", plan.id, plan.version, hex::encode(plan.sha256));
            facts.push(fact("plan", Cell::code(shown)));
        }
        if let Some(origin) = &judging.origin {
            facts.push(fact("origin", Cell::text(steps::named(language, "origin", origin))));
        }
    }
    section.facts(facts);
    section
}
