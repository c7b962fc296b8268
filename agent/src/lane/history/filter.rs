//! What a person looks for: the query of the history, of its downloads and of the statistics.
//!
//! Empty fields of a form are no wish. Anything else that is not understood is refused with the name of the field and
//! what may stand there, because a search that ignores half of the question answers another one.

use std::fmt::Write as _;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use tidewaiter_screening::{Disposition, Verdict};
use tidewaiter_words::{Language, say};

use super::index::{Page, Row, folded};

/// Longest text looked for.
const MAX_TEXT: usize = 100;
/// Fields in one query: each of ours twice.
const MAX_FIELDS: usize = 40;
/// Rows of a page unless asked otherwise.
const ROWS: usize = 50;
/// Rows of a page at most.
pub(super) const MOST_ROWS_SHOWN: usize = 200;

/// Kinds of record that can be asked for, beside `all`.
pub(super) const KINDS: [&str; 21] = [
    "inspection",
    "interval",
    "follow-up",
    "warning",
    "evidence",
    "reading",
    "no-reading",
    "event",
    "instrument-identity",
    "config-activated",
    "limits-activated",
    "command-result",
    "heartbeat",
    "time-step",
    "time-repair",
    "key-rotate",
    "stopped",
    "resumed",
    "recovery",
    "shutdown",
    "trimmed",
];

/// Marks that can be asked for.
pub(super) const MARKS: [&str; 3] = ["real", "simulated", "drill"];

/// Verdicts that can be asked for.
pub(super) fn verdicts() -> [&'static str; 6] {
    [
        Verdict::Pass.word(),
        Verdict::ConditionalPass.word(),
        Verdict::ConditionalFail.word(),
        Verdict::Fail.word(),
        Verdict::Inconclusive(tidewaiter_screening::Reason::NoValue).word(),
        Verdict::NotApplicable.word(),
    ]
}

/// What must be true of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Kind of record; none takes all.
    pub(super) kind: Option<&'static str>,
    place: Option<String>,
    from_ms: Option<i64>,
    /// The first moment that is too late.
    until_ms: Option<i64>,
    disposition: Option<&'static str>,
    verdict: Option<&'static str>,
    table: Option<String>,
    parameter: Option<String>,
    subject: Option<String>,
    mark: Option<&'static str>,
}

/// A query: the filter, the page of it, and what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// What fits.
    pub(super) filter: Filter,
    /// Where the page begins.
    pub(super) page: Page,
    /// Its rows.
    pub(super) rows: usize,
    /// Plates in a table as they are.
    pub(super) personal: bool,
    typed: Vec<(String, String)>,
}

/// Why a query is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum QueryError {
    /// No field of ours.
    Field(String),
    /// What stands in it cannot be.
    Value {
        /// The field.
        field: &'static str,
        /// What stands there.
        value: String,
        /// Message id of what may stand there.
        wanted: &'static str,
    },
    /// More fields than there are.
    TooMany,
}

impl QueryError {
    /// The refusal as a sentence.
    pub(super) fn say(&self, language: Language) -> String {
        match self {
            Self::TooMany => say(language, "history-too-many", &[]),
            Self::Field(name) => say(language, "history-no-such-field", &[("field", name.as_str().into())]),
            Self::Value { field, value, wanted } => {
                let (field, wanted) =
                    (say(language, &format!("history-field-{field}"), &[]), say(language, wanted, &[]));
                let parts =
                    [("field", (&field).into()), ("value", value.as_str().into()), ("wanted", (&wanted).into())];
                say(language, "history-no-such-value", &parts)
            }
        }
    }
}

impl Query {
    /// Reads the fields of a query; local times are those of `zone`.
    ///
    /// # Errors
    ///
    /// The first field that is not understood.
    pub(super) fn read(fields: &[(String, String)], zone: &TimeZone) -> Result<Self, QueryError> {
        if fields.len() > MAX_FIELDS {
            return Err(QueryError::TooMany);
        }
        let mut query = Self {
            filter: Filter { kind: Some("inspection"), ..Filter::default() },
            page: Page::Newest,
            rows: ROWS,
            personal: false,
            typed: Vec::new(),
        };
        for (name, value) in fields {
            let value = value.trim();
            // The language is the frame's; an empty field is no wish.
            if name == "lang" || value.is_empty() {
                continue;
            }
            query.field(name, value, zone)?;
            query.typed.retain(|(known, _)| known != name);
            query.typed.push((name.clone(), value.to_owned()));
        }
        Ok(query)
    }

    fn field(&mut self, name: &str, value: &str, zone: &TimeZone) -> Result<(), QueryError> {
        let filter = &mut self.filter;
        match name {
            "kind" if value == "all" => filter.kind = None,
            "kind" => filter.kind = Some(one_of("kind", value, &KINDS)?),
            "place" => filter.place = Some(text("place", value)?),
            "from" => filter.from_ms = Some(moment("from", value, zone, false)?),
            "to" => filter.until_ms = Some(moment("to", value, zone, true)?),
            "disposition" => {
                filter.disposition = Some(one_of("disposition", value, &Disposition::ALL.map(Disposition::word))?);
            }
            "verdict" => filter.verdict = Some(one_of("verdict", value, &verdicts())?),
            "table" => filter.table = Some(text("table", value)?),
            "parameter" => filter.parameter = Some(text("parameter", value)?),
            "subject" => filter.subject = Some(folded(&text("subject", value)?)),
            "mark" => filter.mark = Some(one_of("mark", value, &MARKS)?),
            "before" => self.page = Page::Before(number("before", value)?),
            "after" => self.page = Page::After(number("after", value)?),
            "limit" => {
                let rows = number("limit", value)?;
                let fits = usize::try_from(rows).ok().filter(|rows| (1..=MOST_ROWS_SHOWN).contains(rows));
                self.rows = fits.ok_or_else(|| refused("limit", value, "history-wanted-limit"))?;
            }
            "personal" => self.personal = one_of("personal", value, &["yes"])? == "yes",
            _ => return Err(QueryError::Field(shortened(name))),
        }
        Ok(())
    }

    /// What was typed into a field.
    pub(super) fn typed(&self, name: &str) -> &str {
        self.typed.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The query again with one more field, for a link: begins with `?`.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let link = self.link(Page::Newest);
        let between = if link.len() > 1 { "&" } else { "" };
        format!("{link}{between}{}", form_urlencoded([(name, value)].into_iter()))
    }

    /// The query again with another page, for a link: begins with `?`.
    pub(super) fn link(&self, page: Page) -> String {
        let mut link = form_urlencoded(
            self.typed
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "before" | "after"))
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let place = match page {
            Page::Newest => None,
            Page::Before(seq) => Some(format!("before={seq}")),
            Page::After(seq) => Some(format!("after={seq}")),
        };
        if let Some(place) = place {
            if !link.is_empty() {
                link.push('&');
            }
            link.push_str(&place);
        }
        format!("?{link}")
    }
}

/// Fields as the query of an address (WHATWG URL, `application/x-www-form-urlencoded`).
fn form_urlencoded<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*') {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

impl Filter {
    /// Whether a row fits.
    pub(super) fn takes(&self, row: &Row) -> bool {
        let brief = row.inspection.as_deref();
        self.kind.is_none_or(|kind| row.kind == kind)
            && self.place.as_deref().is_none_or(|place| *row.place == *place)
            && self.from_ms.is_none_or(|from| row.sealed_ms >= from)
            && self.until_ms.is_none_or(|until| row.sealed_ms < until)
            && self.disposition.is_none_or(|word| brief.is_some_and(|it| &*it.disposition == word))
            && self.verdict.is_none_or(|word| brief.is_some_and(|it| &*it.verdict == word))
            && match (self.table.as_deref(), self.parameter.as_deref()) {
                (None, None) => true,
                // A parameter by that table, not by another one.
                (table, parameter) => brief.is_some_and(|it| {
                    it.judged
                        .iter()
                        .any(|(by, of)| table.is_none_or(|it| it == &**by) && parameter.is_none_or(|it| it == &**of))
                }),
            }
            && self.subject.as_deref().is_none_or(|part| row.reads(part))
            && match self.mark {
                None => true,
                Some("simulated") => row.simulated,
                Some("drill") => row.drill,
                Some(_) => !row.simulated && !row.drill,
            }
    }
}

fn refused(field: &'static str, value: &str, wanted: &'static str) -> QueryError {
    QueryError::Value { field, value: shortened(value), wanted }
}

/// A refusal quotes what was typed; a page of it would help nobody.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn one_of(field: &'static str, value: &str, words: &[&'static str]) -> Result<&'static str, QueryError> {
    words.iter().copied().find(|word| *word == value).ok_or_else(|| refused(field, value, "history-wanted-choice"))
}

fn text(field: &'static str, value: &str) -> Result<String, QueryError> {
    if value.len() > MAX_TEXT || value.chars().any(char::is_control) {
        return Err(refused(field, value, "history-wanted-text"));
    }
    Ok(value.to_owned())
}

fn number(field: &'static str, value: &str) -> Result<u64, QueryError> {
    let digits = value.bytes().all(|it| it.is_ascii_digit());
    value.parse().ok().filter(|_| digits).ok_or_else(|| refused(field, value, "history-wanted-number"))
}

/// A date or a date with a time, local. With `end`, the first moment after it: a day and a minute are meant whole.
fn moment(field: &'static str, value: &str, zone: &TimeZone, end: bool) -> Result<i64, QueryError> {
    let wrong = || refused(field, value, "history-wanted-time");
    let local = local(value).ok_or_else(wrong)?;
    let local = match (end, local) {
        (false, Local::Day(day)) => day.to_datetime(jiff::civil::Time::midnight()),
        (true, Local::Day(day)) => day.tomorrow().map_err(|_| wrong())?.to_datetime(jiff::civil::Time::midnight()),
        (false, Local::Minute(at)) => at,
        (true, Local::Minute(at)) => at.checked_add(jiff::Span::new().minutes(1)).map_err(|_| wrong())?,
    };
    // A time that a clock change left out or had twice is taken as calendars do: the earlier offset.
    let at: Timestamp = zone.to_ambiguous_zoned(local).compatible().map_err(|_| wrong())?.timestamp();
    Ok(at.as_millisecond())
}

enum Local {
    Day(Date),
    Minute(DateTime),
}

/// `2026-11-29`, or `2026-11-29T08:30` as browsers send it.
fn local(value: &str) -> Option<Local> {
    let (day, time) = match value.split_once(['T', ' ']) {
        Some((day, time)) => (day, Some(time)),
        None => (value, None),
    };
    let day = Date::strptime("%Y-%m-%d", day).ok()?;
    match time {
        None => Some(Local::Day(day)),
        Some(time) => {
            let time = jiff::civil::Time::strptime("%H:%M", time)
                .or_else(|_| jiff::civil::Time::strptime("%H:%M:%S", time))
                .ok()?;
            Some(Local::Minute(day.to_datetime(time)))
        }
    }
}
