//! One record: everything it says, where it stands in the chain, how far it has come, and whether it holds.

use askama::Template;
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::tz::TimeZone;
use serde_json::Value;
use tidewaiter_record::{
    Detail, Record,
    body::{READINGS_MEDIA, Reading, TimeQuality, decode_readings},
    parse,
};
use tidewaiter_words::{Language, say, terms};

use super::{
    attachment,
    block::{Block, Cell, Section},
    evidence,
    follow::AT_ONCE,
    index::Row,
    inspection, n42, proof, time, trace,
};
use crate::{
    lane::{
        Local,
        page::{Shell, View},
        record_view,
    },
    outbox::{Entry, Status},
};

/// Facts of one record shown: the page of a record that lists thousands would be of no use.
const MOST_FACTS: usize = 300;
/// Readings beside a record read for its pictures.
const MOST_FOLLOWING: usize = 200;

/// A page of sections.
#[derive(Template)]
#[template(path = "record.html")]
pub(super) struct RecordPage {
    shell: Shell,
    sections: Vec<Section>,
}

impl RecordPage {
    pub(super) fn of(shell: Shell, sections: Vec<Section>) -> Self {
        Self { shell, sections }
    }
}

/// `GET /record/{seq}`, and with an ending the same as a file.
pub(super) async fn page(State(local): State<Local>, view: View, Path(name): Path<String>) -> Response {
    let (number, ending) =
        name.split_once('.').map_or((name.as_str(), None), |(number, ending)| (number, Some(ending)));
    let Ok(seq) = number.parse::<u64>() else {
        return local.say_page(&view, StatusCode::NOT_FOUND, &say(view.language, "record-no-number", &[]));
    };
    let entry = match local.entry(seq).await {
        Ok(entry) => entry,
        Err(absent) => return local.absent(&view, &absent),
    };
    match ending {
        None => shown(&local, &view, entry).await,
        Some("json") => Json(record_view(&entry.bytes)).into_response(),
        Some("cbor") => bytes(entry),
        Some("n42") => document(&local, &view, &entry),
        Some(_) => local.say_page(&view, StatusCode::NOT_FOUND, &say(view.language, "record-no-ending", &[])),
    }
}

/// `GET /record/{seq}/raw`: the bytes as they were signed.
pub(super) async fn raw(State(local): State<Local>, view: View, Path(seq): Path<u64>) -> Response {
    match local.entry(seq).await {
        Ok(entry) => bytes(entry),
        Err(absent) => local.absent(&view, &absent),
    }
}

fn bytes(entry: Entry) -> Response {
    attachment("application/cbor", &format!("record-{}.cbor", entry.seq), Bytes::from(entry.bytes))
}

fn document(local: &Local, view: &View, entry: &Entry) -> Response {
    let refused = |why: &str| {
        let sentence = say(view.language, "record-no-n42", &[("why", why.into())]);
        local.say_page(view, StatusCode::NOT_FOUND, &sentence)
    };
    match parse(&entry.bytes) {
        Ok(record) => match &record.body.detail {
            Detail::Inspection(detail) => match n42::document(&record, detail) {
                Ok(text) => attachment("application/n42+xml", &format!("record-{}.n42", entry.seq), text),
                Err(why) => refused(&why.to_string()),
            },
            _ => refused("the record is no inspection"),
        },
        Err(why) => refused(&why.to_string()),
    }
}

async fn shown(local: &Local, view: &View, entry: Entry) -> Response {
    let language = view.language;
    let record = match parse(&entry.bytes) {
        Ok(record) => record,
        Err(why) => {
            let why = why.to_string();
            let sentence = say(language, "record-unreadable", &[("why", (&why).into())]);
            return local.say_page(view, StatusCode::OK, &sentence);
        }
    };
    local.history.catch_up(&local.outbox, AT_ONCE).await;
    let zone = local.zone();
    let mut sections = vec![state(local, &record, &zone, language)];
    match &record.body.detail {
        Detail::Inspection(detail) => {
            let about = local.history.look(|index| index.about(&detail.id));
            let site = std::sync::Arc::clone(&local.site.borrow());
            let named = detail.tables.clone();
            let gather = move || inspection::tables(&site, &named);
            let tables = tokio::task::spawn_blocking(gather).await.unwrap_or_default();
            sections.extend(inspection::sections(detail, &tables, &zone, language));
            sections.extend(following(local, detail.readings.as_slice(), &about, &zone, language).await);
        }
        Detail::Evidence(it) => {
            sections.push(facts(&record, &zone, language));
            let mut section = Section::new("content", say(language, "evidence-title", &[]));
            section.blocks.push(Block::Links(vec![Cell::link(
                say(language, "evidence-open", &[]),
                format!("/evidence/{}", it.hash),
            )]));
            if evidence::is_n42(&it.media)
                && let Some(content) = local.whole(it).await
            {
                section.blocks.push(Block::Links(vec![Cell::link(
                    say(language, "spectrum-linear", &[]),
                    format!("/record/{}/spectrum?scale=linear", entry.seq),
                )]));
                section.blocks.extend(evidence::drawn(content, true, language).await);
            } else if it.media == READINGS_MEDIA
                && let Some(readings) = local.whole(it).await.and_then(|it| decode_readings(&it).ok())
            {
                section.blocks.extend(trace::pictures(&readings, &zone, language));
                section.blocks.extend(trace::listed(&readings, &zone, language));
            }
            sections.push(section);
        }
        Detail::Reading(it) => {
            sections.push(facts(&record, &zone, language));
            let mut section = Section::new("readings", say(language, "record-readings", &[]));
            section.blocks.extend(trace::listed(std::slice::from_ref(&it.reading), &zone, language));
            sections.push(section);
        }
        _ => sections.push(facts(&record, &zone, language)),
    }
    sections.push(envelope(&record, &entry, &zone, language));
    sections.push(answers(local, entry.seq, language).await);
    let number = entry.seq.to_string();
    let title = say(language, "record-title", &[("number", (&number).into())]);
    view.page(StatusCode::OK, &RecordPage { shell: local.shell(view, &title), sections })
}

/// What was recorded about an inspection later, and the readings behind it: all of them where they are kept beside it.
async fn following(
    local: &Local,
    inside: &[Reading],
    about: &[std::sync::Arc<Row>],
    zone: &TimeZone,
    language: Language,
) -> Vec<Section> {
    let mut whole: Option<Vec<Reading>> = None;
    let mut pictures: Vec<Block> = Vec::new();
    let mut rows = Vec::new();
    for row in about.iter().take(MOST_FOLLOWING) {
        let link = Cell::link(format!("#{}", row.seq), format!("/record/{}", row.seq));
        let what = Cell::text(say(language, &format!("history-kind-{}", row.kind), &[]));
        let Ok(entry) = local.entry(row.seq).await else { continue };
        let said = match parse(&entry.bytes).ok().map(|it| it.body.detail) {
            Some(Detail::Evidence(it)) => {
                if it.media == READINGS_MEDIA && whole.is_none() {
                    whole = local.whole(&it).await.and_then(|it| decode_readings(&it).ok());
                } else if evidence::is_n42(&it.media)
                    && pictures.is_empty()
                    && let Some(content) = local.whole(&it).await
                {
                    let href = format!("/record/{}/spectrum?scale=linear", row.seq);
                    pictures.push(Block::Links(vec![Cell::link(say(language, "spectrum-linear", &[]), href)]));
                    pictures.extend(evidence::drawn(content, true, language).await);
                }
                let title = it.facts.get("title").cloned().unwrap_or_default();
                Cell::link(format!("{} · {} B {title}", it.media, it.size), format!("/evidence/{}", it.hash))
            }
            Some(Detail::FollowUp(it)) => Cell::text(format!(
                "{} · {} · {}",
                terms::step(language, &it.step),
                it.by,
                terms::state(language, &it.state)
            )),
            _ => Cell::default(),
        };
        rows.push(vec![link, Cell::text(time::local(row.sealed_ms, zone)), what, said]);
    }
    let mut sections = Vec::new();
    if !pictures.is_empty() {
        let mut section = Section::new("spectrum", say(language, "record-spectrum", &[]));
        section.blocks = pictures;
        sections.push(section);
    }
    let readings = whole.as_deref().unwrap_or(inside);
    if !readings.is_empty() {
        let mut section = Section::new("readings", say(language, "record-readings", &[]));
        section.blocks.extend(trace::pictures(readings, zone, language));
        section.blocks.extend(trace::listed(readings, zone, language));
        sections.push(section);
    }
    let mut section = Section::new("following", say(language, "record-following", &[]));
    if rows.is_empty() {
        section.said(say(language, "record-nothing-following", &[]), "quiet");
    }
    section.table(super::heads(language, "history-head", &["record", "time", "result", "what"]), rows);
    sections.push(section);
    sections
}

/// How far the record has come, and where it can be taken along.
fn state(local: &Local, record: &Record, zone: &TimeZone, language: Language) -> Section {
    let seq = record.header.seq;
    let status = std::sync::Arc::clone(&local.status.borrow());
    let mut section = Section::new("state", recorded(local, &status, seq, language));
    if record.simulated() {
        section.said(say(language, "simulated", &[]), "warn");
    }
    if record.body.detail.flags().drill {
        section.said(say(language, "drill", &[]), "warn");
    }
    if let Some(cursor) = status.cursor.filter(|it| it.upto_seq >= seq) {
        let (number, at) = (cursor.upto_seq.to_string(), time::local(cursor.received_ms, zone));
        section.said(say(language, "record-receipt", &[("number", (&number).into()), ("at", (&at).into())]), "quiet");
    }
    let mut links = Vec::new();
    if matches!(record.body.detail, Detail::Inspection(_)) {
        links.push(Cell::link(say(language, "slip-title", &[]), format!("/record/{seq}/slip")));
    }
    let ending = |id: &str, ending: &str| Cell::link(say(language, id, &[]), format!("/record/{seq}{ending}"));
    links.push(ending("record-bytes", "/raw"));
    links.push(ending("record-json", ".json"));
    if let Detail::Inspection(detail) = &record.body.detail
        && n42::document(record, detail).is_ok()
    {
        links.push(ending("record-n42", ".n42"));
    }
    section.blocks.push(Block::Links(links));
    section
}

/// The fixed sentence of what has become of a record; only from durable state.
pub(super) fn recorded(local: &Local, status: &Status, seq: u64, language: Language) -> String {
    let number = seq.to_string();
    let number = ("number", (&number).into());
    if status.cursor.is_some_and(|it| it.upto_seq >= seq) {
        return say(language, "recorded-receipted", &[number]);
    }
    let telemetry = local.telemetry.borrow().clone();
    if telemetry.sent_upto.is_some_and(|upto| upto >= seq) {
        return say(language, "recorded-sent", &[number]);
    }
    match telemetry.offline_since_mono_ms {
        Some(since) => {
            let down = terms::span(local.clock.now().mono_ms.saturating_sub(since) / 1000);
            say(language, "recorded-waiting", &[number, ("down", (&down).into())])
        }
        None => say(language, "recorded", &[number]),
    }
}

/// Where the record stands in its chain, who signed it, and what the clocks said.
fn envelope(record: &Record, entry: &Entry, zone: &TimeZone, language: Language) -> Section {
    let (header, block) = (&record.header, &record.body.time);
    let mut section = Section::new("envelope", say(language, "record-envelope", &[]));
    let fact = |id: &str, cell: Cell| (say(language, &format!("record-{id}"), &[]), cell);
    let error = if block.quality == TimeQuality::U { 0 } else { block.err_ms };
    let previous = header.seq.checked_sub(1).map_or_else(
        || Cell::code(header.prev.to_string()),
        |seq| Cell { href: Some(format!("/record/{seq}")), ..Cell::code(header.prev.to_string()) },
    );
    section.facts(vec![
        fact("agent", Cell::text(&header.agent)),
        fact("about", Cell::text(&header.subject)),
        fact("kind", Cell::text(format!("{} ({})", kind(record, language), record.kind()))),
        fact("chain", Cell::code(header.chain.to_string())),
        fact("seq", Cell::text(header.seq.to_string())),
        fact("hash", Cell::code(record.hash().to_string())),
        fact("prev", previous),
        fact("kid", Cell::code(header.kid.to_string())),
        fact("algorithm", Cell::text(header.algorithm.to_string())),
        fact("signature", Cell::code(hex::encode(record.signature()))),
        fact("size", Cell::text(format!("{} B", entry.bytes.len()))),
        fact("sealed", Cell::text(time::local_exact(block.wall_ms, zone))),
        fact("utc", Cell::text(tidewaiter_record::view::utc(block.wall_ms))),
        fact("clock", Cell::text(terms::clock(language, block.quality.word(), &terms::clock_error(error)))),
        fact("clock-source", Cell::text(source(block.src.word(), block.age_s, language))),
        fact("start", Cell::text(format!("{} · {} ms", block.boot, block.mono_ms))),
    ]);
    section
}

fn source(word: &str, age_s: u64, language: Language) -> String {
    let age = terms::span(age_s);
    say(language, "record-clock-set", &[("source", word.into()), ("age", (&age).into())])
}

fn kind(record: &Record, language: Language) -> String {
    say(language, &format!("history-kind-{}", record.body.detail.word()), &[])
}

async fn answers(local: &Local, seq: u64, language: Language) -> Section {
    let (dir, centre) = {
        let site = local.site.borrow();
        (site.store.dir.clone(), site.uplink.as_ref().map(|it| it.registry.clone()))
    };
    let registry = proof::registry(dir, centre).await;
    let from = seq.saturating_sub(proof::AROUND);
    // Itself and its neighbours: three records.
    let most = usize::try_from(2 * proof::AROUND + 1).unwrap_or(usize::MAX);
    let entries = local.outbox.entries(from, most).await.and_then(Result::ok).unwrap_or_default();
    proof::section(seq, &entries, &registry, language)
}

/// What a record of another kind says, name by name.
fn facts(record: &Record, _zone: &TimeZone, language: Language) -> Section {
    let mut section = Section::new("content-facts", kind(record, language));
    section.said(tidewaiter_telling::sentence(language, &record.header.subject, &record.body.detail), "");
    let view = serde_json::to_value(tidewaiter_record::view::RecordView::of(record)).unwrap_or_default();
    let mut facts = Vec::new();
    flatten("", view.get("detail").unwrap_or(&Value::Null), &mut facts);
    section.facts(facts);
    section
}

/// Leaves of an object, each by its path.
fn flatten(path: &str, value: &Value, facts: &mut Vec<(String, Cell)>) {
    if facts.len() >= MOST_FACTS {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Null => {}
        Value::Object(object) => object.iter().for_each(|(name, value)| flatten(&below(name), value, facts)),
        Value::Array(list) => {
            for (place, it) in list.iter().enumerate() {
                flatten(&below(&(place + 1).to_string()), it, facts);
            }
        }
        Value::String(text) => facts.push((path.to_owned(), Cell::text(text).with("wrap"))),
        other => facts.push((path.to_owned(), Cell::text(other.to_string()))),
    }
}
