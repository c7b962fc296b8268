//! The history: rows that fit, newest first, a page at a time; and all of them as a table.

use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::StatusCode,
    response::Response,
};
use futures_util::stream;
use jiff::tz::TimeZone;
use tidewaiter_record::parse;
use tidewaiter_screening::Disposition;
use tidewaiter_words::{Language, say, terms};

use super::{
    attachment,
    block::{Cell, tone},
    fields,
    filter::{KINDS, MARKS, Query, QueryError, verdicts},
    follow::AT_ONCE,
    heads,
    index::{Page, Reach, Row},
    sheet, time,
};
use crate::{
    lane::{
        Local,
        page::{Shell, View},
    },
    outbox::Outbox,
};

/// Records read at once for a table.
const PIECE: usize = 64;

/// A choice in a form.
struct Choice {
    value: String,
    text: String,
    selected: bool,
}

/// A field with choices.
struct Select {
    name: &'static str,
    label: String,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    shell: Shell,
    selects: Vec<Select>,
    subject: String,
    from: String,
    to: String,
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
    said: String,
    reach: Option<String>,
    newest: Option<String>,
    newer: Option<String>,
    older: Option<String>,
    table: String,
    /// The same with plates as they are.
    plain: String,
}

/// `GET /history`.
pub(super) async fn page(State(local): State<Local>, view: View) -> Response {
    let language = view.language;
    let zone = local.zone();
    let query = match read(&view, &zone) {
        Ok(query) => query,
        Err(why) => return local.say_page(&view, StatusCode::BAD_REQUEST, &why.say(language)),
    };
    local.history.catch_up(&local.outbox, AT_ONCE).await;
    let (found, words) =
        local.history.look(|index| (index.search(&query.filter, query.page, query.rows), index.words()));
    let first = found.rows.first().map(|it| it.seq);
    let last = found.rows.last().map(|it| it.seq);
    let link = |page: Page| format!("/history{}", query.link(page));
    let heading = say(language, "heading-history", &[]);
    let mut rows = Vec::with_capacity(found.rows.len());
    for it in &found.rows {
        rows.push(row(it, local.told(it, language).await, &zone, language));
    }
    let page = HistoryPage {
        shell: local.shell(&view, &heading),
        selects: selects(&query, &words, language),
        subject: query.typed("subject").to_owned(),
        from: query.typed("from").to_owned(),
        to: query.typed("to").to_owned(),
        head: heads(language, "history-head", &["record", "time", "place", "subject", "result", "verdict", "marks"]),
        rows,
        said: said(found.all, language),
        reach: reach(found.reach, language),
        newest: (query.page != Page::Newest).then(|| link(Page::Newest)),
        newer: first.filter(|_| found.newer).map(|seq| link(Page::After(seq))),
        older: last.filter(|_| found.older).map(|seq| link(Page::Before(seq))),
        table: format!("/history.csv{}", query.link(Page::Newest)),
        plain: format!("/history.csv{}", query.with("personal", "yes")),
    };
    view.page(StatusCode::OK, &page)
}

fn read(view: &View, zone: &TimeZone) -> Result<Query, QueryError> {
    let fields = fields(view).ok_or_else(|| QueryError::Field(view.query.chars().take(40).collect()))?;
    Query::read(&fields, zone)
}

fn said(all: usize, language: Language) -> String {
    if all == 0 { say(language, "history-none", &[]) } else { say(language, "history-found", &[("count", all.into())]) }
}

fn reach(reach: Reach, language: Language) -> Option<String> {
    let (id, seq) = match reach {
        Reach::Whole => return None,
        Reach::Growing(seq) => ("history-reach-growing", seq),
        Reach::Bounded(seq) => ("history-reach-bounded", seq),
    };
    let number = seq.to_string();
    Some(say(language, id, &[("number", (&number).into())]))
}

impl Local {
    /// What a record that is no inspection says, as a sentence.
    async fn told(&self, row: &Row, language: Language) -> Option<String> {
        if row.inspection.is_some() {
            return None;
        }
        let record = parse(&self.entry(row.seq).await.ok()?.bytes).ok()?;
        Some(tidewaiter_telling::sentence(language, &record.header.subject, &record.body.detail))
    }
}

fn row(row: &Row, told: Option<String>, zone: &TimeZone, language: Language) -> Vec<Cell> {
    let mut marks = Vec::new();
    if row.simulated {
        marks.push(say(language, "simulated", &[]));
    }
    if row.drill {
        marks.push(say(language, "drill", &[]));
    }
    let (result, verdict) = match &row.inspection {
        Some(it) => (
            Cell::text(terms::disposition(language, &it.disposition)).with(tone(&it.disposition)),
            Cell::text(verdict(language, &it.verdict, it.reason.as_deref())).with(tone(&it.verdict)),
        ),
        None => (
            Cell::text(say(language, &format!("history-kind-{}", row.kind), &[])),
            Cell::text(told.unwrap_or_default()).with("wrap"),
        ),
    };
    vec![
        Cell::link(format!("#{}", row.seq), format!("/record/{}", row.seq)),
        Cell::text(time::local(row.sealed_ms, zone)),
        Cell::text(&*row.place),
        Cell::text(row.subjects.join(" · ")).with("wrap"),
        result,
        verdict,
        Cell::text(marks.join(" · ")).with("warn"),
    ]
}

/// A verdict with the reason of an inconclusive one.
pub(super) fn verdict(language: Language, word: &str, reason: Option<&str>) -> String {
    let verdict = terms::verdict(language, word);
    match reason {
        None => verdict,
        Some(reason) => {
            let why = terms::reason(language, reason);
            say(language, "history-verdict-why", &[("verdict", (&verdict).into()), ("why", (&why).into())])
        }
    }
}

fn selects(query: &Query, words: &[std::collections::BTreeSet<Box<str>>; 3], language: Language) -> Vec<Select> {
    let select = |name: &'static str, default: &str, choices: Vec<(String, String)>| {
        let typed = query.typed(name);
        let chosen = if typed.is_empty() { default } else { typed };
        // What was asked for and is no longer there stays chosen, or the next click would ask for something else.
        let kept = (!choices.iter().any(|it| it.0 == chosen)).then(|| (chosen.to_owned(), chosen.to_owned()));
        let choices = kept.into_iter().chain(choices);
        Select {
            name,
            label: say(language, &format!("history-field-{name}"), &[]),
            choices: choices.map(|(value, text)| Choice { selected: value == chosen, value, text }).collect(),
        }
    };
    let any = || (String::new(), say(language, "history-any", &[]));
    let own = |set: &std::collections::BTreeSet<Box<str>>| {
        std::iter::once(any()).chain(set.iter().map(|it| (it.to_string(), it.to_string()))).collect::<Vec<_>>()
    };
    let known = |words: &[&'static str], say: &dyn Fn(&str) -> String| {
        std::iter::once(any()).chain(words.iter().map(|it| ((*it).to_owned(), say(it)))).collect::<Vec<_>>()
    };
    let [places, tables, parameters] = words;
    let kind = |word: &str| say(language, &format!("history-kind-{word}"), &[]);
    let kinds = KINDS.iter().map(|it| ((*it).to_owned(), kind(it)));
    let parameters = parameters.iter().map(|it| (it.to_string(), terms::parameter(language, it)));
    vec![
        select("place", "", own(places)),
        select(
            "disposition",
            "",
            known(&Disposition::ALL.map(Disposition::word), &|it| terms::disposition(language, it)),
        ),
        select("verdict", "", known(&verdicts(), &|it| terms::verdict(language, it))),
        select("table", "", own(tables)),
        select("parameter", "", std::iter::once(any()).chain(parameters).collect()),
        select("mark", "", known(&MARKS, &|it| say(language, &format!("history-mark-{it}"), &[]))),
        select(
            "kind",
            "inspection",
            kinds.chain([("all".to_owned(), say(language, "history-kind-all", &[]))]).collect(),
        ),
    ]
}

/// `GET /history.csv`: everything that fits, one row a finding, oldest first; plates are masked unless `personal=yes`.
pub(super) async fn table(State(local): State<Local>, view: View) -> Response {
    let zone = local.zone();
    let query = match read(&view, &zone) {
        Ok(query) => query,
        Err(why) => return local.say_page(&view, StatusCode::BAD_REQUEST, &why.say(view.language)),
    };
    local.history.catch_up(&local.outbox, AT_ONCE).await;
    let numbers = local.history.look(|index| index.numbers(&query.filter));
    let name = format!("{}-{}.csv", local.site.borrow().agent, "inspections");
    let head = [sheet::MARK.as_bytes(), &sheet::line(&sheet::HEADER)].concat();
    let begin = Some((numbers.into_iter(), Some(head), local.outbox.clone(), zone));
    let personal = query.personal;
    let pieces = stream::unfold(begin, move |state| async move {
        let (mut numbers, head, outbox, zone) = state?;
        if let Some(head) = head {
            return Some((Ok(Bytes::from(head)), Some((numbers, None, outbox, zone))));
        }
        match piece(&mut numbers, &outbox, &zone, personal).await {
            Ok(None) => None,
            Ok(Some(lines)) => Some((Ok(Bytes::from(lines)), Some((numbers, None, outbox, zone)))),
            // A table that ends early would look like a whole one; the broken transfer does not.
            Err(why) => Some((Err(std::io::Error::other(why)), None)),
        }
    });
    attachment("text/csv; charset=utf-8", &name, Body::from_stream(pieces))
}

/// The lines of the next records; none after the last.
async fn piece(
    numbers: &mut std::vec::IntoIter<u64>,
    outbox: &Outbox,
    zone: &TimeZone,
    personal: bool,
) -> Result<Option<Vec<u8>>, String> {
    let wanted: Vec<u64> = numbers.by_ref().take(PIECE).collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    let mut lines = Vec::new();
    for seq in wanted {
        let entries = outbox.entries(seq, 1).await.ok_or("the agent is stopping")?.map_err(|why| why.to_string())?;
        // One that was deleted meanwhile is left out, as it would be a moment later.
        for entry in entries.iter().filter(|it| it.seq == seq) {
            lines.extend(sheet::rows(&entry.bytes, zone, personal));
        }
    }
    Ok(Some(lines))
}
