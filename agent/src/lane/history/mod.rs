//! What was recorded: looking for it, looking at it, taking it along.
//!
//! What comes in: requests of people. What goes out: pages, slips, tables and files, all from durable records; nothing
//! here changes anything.
//!
//! ```text
//! GET /history?place=&from=&to=&…      inspections and other records, newest first
//! GET /history.csv?…                   the same as a table for a spreadsheet, one row a finding
//! GET /record/{seq}                    one record: everything it says, and whether it holds
//! GET /record/{seq}.json, .cbor, .n42  the same for programs; the exact bytes; an N42.42 document
//! GET /record/{seq}/raw                the exact bytes
//! GET /record/{seq}/slip               a printed slip
//! GET /record/{seq}/spectrum           spectra of an N42.42 document that is evidence
//! GET /evidence/{sha256}               a content kept as evidence
//! GET /stats?…, /stats.csv?…           what the records add up to
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `index.rs`, `follow.rs` | rows in memory, bounded; kept up with the store |
//! | `filter.rs`, `list.rs` | what is looked for; the list and its table |
//! | `detail.rs`, `inspection.rs`, `proof.rs` | one record as sections; the four answers about it |
//! | `trace.rs`, `spectrum.rs`, `plot.rs` | readings and spectra as pictures |
//! | `slip.rs`, `sheet.rs`, `n42.rs`, `evidence.rs`, `stats.rs` | what is taken along |
//!
//! Work of one request: at most [`follow::AT_ONCE`] records read to be up to date, one look at each of at most
//! [`index::MOST_ROWS`] rows, and the records shown; a table of everything found is read and sent page by page.

mod block;
mod detail;
mod evidence;
mod filter;
mod follow;
mod index;
mod inspection;
mod list;
pub(crate) mod n42;
mod plot;
mod proof;
pub(crate) mod sheet;
mod slip;
mod spectrum;
mod stats;
#[cfg(test)]
mod tests;
mod trace;

use axum::{
    Router,
    extract::Query,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::tz::TimeZone;
use tidewaiter_words::{Language, say};

pub(super) use self::follow::History;
use super::{Local, page::View, time};
use crate::outbox::Entry;

/// The fields of a request's query in their order; none where it cannot be read at all.
fn fields(view: &View) -> Option<Vec<(String, String)>> {
    let uri: Uri = format!("/?{}", view.query).parse().ok()?;
    Query::try_from_uri(&uri).ok().map(|Query(fields)| fields)
}

/// Why a record cannot be shown.
enum Absent {
    /// It is not stored here.
    NotHere(u64),
    /// The store fails, or the agent is stopping.
    Store(String),
}

impl Local {
    /// The zone whose time is shown.
    fn zone(&self) -> TimeZone {
        self.site.borrow().zone.clone()
    }

    /// The stored record of a number.
    async fn entry(&self, seq: u64) -> Result<Entry, Absent> {
        match self.outbox.entries(seq, 1).await {
            Some(Ok(entries)) => {
                entries.into_iter().next().filter(|entry| entry.seq == seq).ok_or(Absent::NotHere(seq))
            }
            Some(Err(failure)) => Err(Absent::Store(failure.to_string())),
            None => Err(Absent::Store("the agent is stopping".to_owned())),
        }
    }

    /// A page that says why there is nothing to show.
    fn absent(&self, view: &View, absent: &Absent) -> Response {
        let (code, sentence) = match absent {
            Absent::NotHere(seq) => {
                let number = seq.to_string();
                (StatusCode::NOT_FOUND, say(view.language, "record-not-here", &[("number", (&number).into())]))
            }
            Absent::Store(why) => {
                (StatusCode::SERVICE_UNAVAILABLE, say(view.language, "record-store-fails", &[("why", why.into())]))
            }
        };
        self.say_page(view, code, &sentence)
    }
}

/// Headings of a table by their messages.
fn heads(language: Language, kind: &str, ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| say(language, &format!("{kind}-{id}"), &[])).collect()
}

/// A file to be kept under `name`.
fn attachment(media: &'static str, name: &str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", file_name(name))) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// A name that every file system and every header takes.
fn file_name(name: &str) -> String {
    name.chars().map(|it| if it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.') { it } else { '_' }).collect()
}

/// The routes.
pub(super) fn routes() -> Router<Local> {
    Router::new()
        .route("/history", get(list::page))
        .route("/history.csv", get(list::table))
        .route("/record/{name}", get(detail::page))
        .route("/record/{seq}/raw", get(detail::raw))
        .route("/record/{seq}/slip", get(slip::page))
        .route("/record/{seq}/spectrum", get(evidence::spectrum))
        .route("/evidence/{sha256}", get(evidence::content))
        .route("/stats", get(stats::page))
        .route("/stats.csv", get(stats::table))
}
