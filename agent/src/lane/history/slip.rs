//! The slip that goes with a lorry or a sample: one inspection on paper of 80 mm or A6, Chinese and English.
//!
//! The square code names the record and nothing else, so that whoever holds the slip can ask the centre for it:
//!
//! ```text
//! tidewaiter:record/<chain, 32 hex digits>/<number>/<SHA-256, 64 hex digits>
//! ```
//!
//! A slip proves nothing by itself: paper can be printed by anyone, and it says so.

use std::fmt::Write as _;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use qrcode::{Color, EcLevel, QrCode};
use tidewaiter_record::{Detail, InspectionDetail, Record, parse};
use tidewaiter_words::{Language, say, terms};

use super::{Absent, detail::recorded, list, time};
use crate::lane::{
    Local,
    page::{Shell, View},
};

/// Findings printed; a bench with more has its page.
const MOST_FINDINGS: usize = 12;
/// White modules around the code (ISO/IEC 18004, 6.3.8).
const QUIET: usize = 4;

/// What a slip says in one language.
struct Side {
    tag: &'static str,
    title: String,
    marks: Vec<String>,
    disposition: String,
    verdict: String,
    what_to_do: String,
    facts: Vec<(String, String)>,
    findings: Vec<String>,
    recorded: String,
    foot: String,
}

#[derive(Template)]
#[template(path = "slip.html")]
struct SlipPage {
    shell: Shell,
    sides: Vec<Side>,
    code: String,
    uri: String,
    back: String,
}

/// `GET /record/{seq}/slip`.
pub(super) async fn page(State(local): State<Local>, view: View, Path(seq): Path<u64>) -> Response {
    let entry = match local.entry(seq).await {
        Ok(entry) => entry,
        Err(absent) => return local.absent(&view, &absent),
    };
    let Ok(record) = parse(&entry.bytes) else { return local.absent(&view, &Absent::NotHere(seq)) };
    let Detail::Inspection(detail) = &record.body.detail else {
        let sentence = say(view.language, "slip-none", &[]);
        return local.say_page(&view, StatusCode::NOT_FOUND, &sentence);
    };
    let uri = uri(&record);
    let page = SlipPage {
        shell: local.shell(&view, &format!("{} #{seq}", say(view.language, "slip-title", &[]))),
        // Chinese first, whatever the page's language: the slip goes through many hands.
        sides: Language::ALL.map(|language| side(&local, &record, detail, language)).into(),
        code: square(&uri).unwrap_or_default(),
        uri,
        back: format!("/record/{seq}"),
    };
    view.page(StatusCode::OK, &page)
}

/// The name of a record, for people and machines that have only paper.
pub(super) fn uri(record: &Record) -> String {
    format!("tidewaiter:record/{}/{}/{}", record.header.chain, record.header.seq, record.hash())
}

fn side(local: &Local, record: &Record, detail: &InspectionDetail, language: Language) -> Side {
    let (zone, status) = (local.zone(), std::sync::Arc::clone(&local.status.borrow()));
    let said = |id: &str| say(language, id, &[]);
    let mut marks = Vec::new();
    if detail.flags.simulated {
        marks.push(said("simulated"));
    }
    if detail.flags.drill {
        marks.push(said("drill"));
    }
    let site = local.site.borrow();
    let mut facts = vec![
        (said("slip-site"), format!("{} · {}", site.name, detail.place)),
        (said("record-procedure"), terms::procedure(language, &detail.procedure)),
    ];
    if detail.subject.identities.is_empty() {
        facts.push((said("heading-subject"), said("not-identified")));
    }
    facts.extend(detail.subject.identities.iter().map(|it| {
        let doubt = if it.source == "ambiguous" { format!(" ({})", said("source-ambiguous")) } else { String::new() };
        (terms::identity(language, &it.kind), format!("{}{doubt}", it.text))
    }));
    facts.push((said("heading-time"), time::local(detail.closed.wall_ms, &zone)));
    facts.extend(detail.judging.iter().filter_map(|it| it.operator.clone()).map(|it| (said("page-operator"), it)));
    let deciding = detail.findings.iter().filter(|it| it.verdict != "NotApplicable");
    let mut findings: Vec<String> =
        deciding.clone().take(MOST_FINDINGS).map(|it| tidewaiter_telling::finding(language, it)).collect();
    if let Some(more) = deciding.count().checked_sub(MOST_FINDINGS).filter(|it| *it > 0) {
        findings.push(say(language, "slip-more", &[("count", more.into())]));
    }
    let alarms = detail.alarms.iter().filter(|it| it.by_device || it.recomputed);
    findings.extend(alarms.map(|it| terms::alarm_by(language, &it.kind, it.by_device, it.recomputed)));
    findings.extend(detail.faults.iter().map(|it| terms::fault(language, &it.kind)));
    findings.extend(detail.incomplete.iter().map(|it| terms::incomplete(language, it)));
    Side {
        tag: language.tag(),
        title: said("slip-title"),
        marks,
        disposition: terms::disposition(language, &detail.disposition),
        verdict: list::verdict(language, &detail.verdict, detail.reason.as_deref()),
        what_to_do: terms::what_to_do(language, &detail.disposition),
        facts,
        findings,
        recorded: recorded(local, &status, record.header.seq, language),
        foot: said("slip-foot"),
    }
}

/// A text as a QR code (ISO/IEC 18004), level M: a fold or a stain on paper leaves it readable.
pub(super) fn square(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let side = width + 2 * QUIET;
    let mut path = String::new();
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let _ = write!(path, "M{} {}h1v1h-1z", place % width + QUIET, place / width + QUIET);
        }
    }
    // Black on white in any theme: a reader takes the light side for the paper.
    Some(format!(
        "<svg class=\"square\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" \
         shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#ffffff\"/>\
         <path fill=\"#000000\" d=\"{path}\"/></svg>"
    ))
}
