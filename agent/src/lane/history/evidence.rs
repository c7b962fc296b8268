//! Contents kept as evidence, handed out so that no browser runs them.
//!
//! Whoever brought a content also named its media type, and a type is a promise that nobody checked. Pictures of two
//! kinds are shown, when their first bytes are of that kind; everything else is a file to save.

use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use futures_util::stream;
use tidewaiter_n42::Document;
use tidewaiter_record::{Detail, Hash, body, parse};
use tidewaiter_words::{Language, say};

use super::{
    Absent, attachment,
    block::{Block, Cell, Section},
    detail::RecordPage,
    fields,
    follow::AT_ONCE,
    index::Piece,
    spectrum,
};
use crate::{lane::Local, lane::page::View, outbox::Outbox};

/// Bytes read at once.
const PIECE: u64 = 256 * 1024;
/// Largest document read for a picture, and largest list of readings.
const MOST_READ: u64 = 16 * 1024 * 1024;

/// The media type of N42.42 documents, and how else they are named.
const N42: [&str; 3] = ["application/n42+xml", "application/x-n42+xml", "text/n42+xml"];

/// Whether a media type names an N42.42 document.
pub(super) fn is_n42(media: &str) -> bool {
    let name = media.split(';').next().unwrap_or_default().trim();
    N42.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// The media type under which content that begins so may be shown in a page.
fn shown(beginning: &[u8]) -> Option<&'static str> {
    if beginning.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if beginning.starts_with(&[0xff, 0xd8, 0xff]) {
        Some("image/jpeg")
    } else {
        None
    }
}

impl Local {
    /// A content as a whole, where it is not too long to be held.
    pub(super) async fn whole(&self, record: &body::Evidence) -> Option<Vec<u8>> {
        if let Some(content) = &record.content {
            return Some(content.clone());
        }
        let size = usize::try_from(record.size).ok().filter(|_| record.size <= MOST_READ)?;
        let content = self.outbox.content(record.hash, 0, size).await.ok()?;
        // What is shown must be what the record named.
        (Hash::of(&content) == record.hash).then_some(content)
    }
}

/// `GET /evidence/{sha256}`.
pub(super) async fn content(State(local): State<Local>, view: View, Path(name): Path<String>) -> Response {
    let language = view.language;
    let Ok(hash) = name.parse::<Hash>() else {
        return local.say_page(&view, StatusCode::NOT_FOUND, &say(language, "evidence-no-hash", &[]));
    };
    local.history.catch_up(&local.outbox, AT_ONCE).await;
    let Some(row) = local.history.look(|index| index.evidence(hash)) else {
        return local.say_page(&view, StatusCode::NOT_FOUND, &say(language, "evidence-not-named", &[]));
    };
    let Some(piece) = row.evidence.as_deref() else {
        return local.say_page(&view, StatusCode::NOT_FOUND, &say(language, "evidence-not-named", &[]));
    };
    if piece.inline {
        return match local.entry(row.seq).await {
            Ok(entry) => match parse(&entry.bytes).ok().map(|it| it.body.detail) {
                Some(Detail::Evidence(it)) => {
                    let content = it.content.unwrap_or_default();
                    answer(hash, shown(&content), content)
                }
                _ => local.absent(&view, &Absent::NotHere(row.seq)),
            },
            Err(absent) => local.absent(&view, &absent),
        };
    }
    match local.outbox.content(hash, 0, 16).await {
        Ok(beginning) => answer(hash, shown(&beginning), Body::from_stream(pieces(local.outbox.clone(), piece))),
        Err(why) => {
            let why = why.to_string();
            let sentence = say(language, "evidence-not-at-hand", &[("why", (&why).into())]);
            local.say_page(&view, StatusCode::NOT_FOUND, &sentence)
        }
    }
}

fn pieces(outbox: Outbox, piece: &Piece) -> impl stream::Stream<Item = std::io::Result<Bytes>> + Send + use<> {
    let (hash, size) = (piece.hash, piece.size);
    stream::unfold(Some((outbox, 0_u64)), move |state| async move {
        let (outbox, offset) = state?;
        let len = usize::try_from(size.checked_sub(offset)?.min(PIECE)).ok().filter(|it| *it > 0)?;
        match outbox.content(hash, offset, len).await {
            Ok(bytes) if !bytes.is_empty() => {
                let next = offset + bytes.len() as u64;
                Some((Ok(Bytes::from(bytes)), Some((outbox, next))))
            }
            // Shorter than its record says: the transfer breaks instead of looking whole.
            Ok(_) => Some((Err(std::io::ErrorKind::UnexpectedEof.into()), None)),
            Err(why) => Some((Err(why), None)),
        }
    })
}

fn answer(hash: Hash, shown: Option<&'static str>, body: impl axum::response::IntoResponse) -> Response {
    let mut response = attachment(shown.unwrap_or("application/octet-stream"), &hash.to_string(), body);
    let headers = response.headers_mut();
    if shown.is_some() {
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    }
    // Even a picture opened alone runs nothing and fetches nothing.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; sandbox"),
    );
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// `GET /record/{seq}/spectrum?scale=linear`: the spectra of an N42.42 document that is evidence.
pub(super) async fn spectrum(State(local): State<Local>, view: View, Path(seq): Path<u64>) -> Response {
    let language = view.language;
    let linear = fields(&view).iter().flatten().any(|(name, value)| name == "scale" && value == "linear");
    let entry = match local.entry(seq).await {
        Ok(entry) => entry,
        Err(absent) => return local.absent(&view, &absent),
    };
    let none = || local.say_page(&view, StatusCode::NOT_FOUND, &say(language, "spectrum-none", &[]));
    let Some(Detail::Evidence(it)) = parse(&entry.bytes).ok().map(|it| it.body.detail) else { return none() };
    if !is_n42(&it.media) {
        return none();
    }
    let Some(content) = local.whole(&it).await else { return none() };
    let blocks = drawn(content, !linear, language).await;
    let mut section = Section::new("spectrum", String::new());
    let number = seq.to_string();
    section.blocks.push(Block::Links(vec![
        Cell::link(say(language, "spectrum-log", &[]), format!("/record/{seq}/spectrum")),
        Cell::link(say(language, "spectrum-linear", &[]), format!("/record/{seq}/spectrum?scale=linear")),
        Cell::link(say(language, "record-back", &[("number", (&number).into())]), format!("/record/{seq}")),
    ]));
    section.blocks.extend(blocks);
    let shell = local.shell(&view, &say(language, "spectrum-title", &[("number", (&number).into())]));
    view.page(StatusCode::OK, &RecordPage::of(shell, vec![section]))
}

/// The pictures of a document's bytes, drawn off the async threads; a refusal is told as the reader told it.
pub(super) async fn drawn(content: Vec<u8>, log: bool, language: Language) -> Vec<Block> {
    let draw = move || match tidewaiter_n42::read(&content) {
        Ok(read) => pictures(&read.document, log, language),
        Err(why) => {
            let why = why.to_string();
            vec![Block::Said(say(language, "spectrum-unreadable", &[("why", (&why).into())]), "warn")]
        }
    };
    tokio::task::spawn_blocking(draw).await.unwrap_or_default()
}

fn pictures(document: &Document, log: bool, language: Language) -> Vec<Block> {
    let blocks = spectrum::blocks(document, log, language);
    if blocks.is_empty() { vec![Block::Said(say(language, "spectrum-empty", &[]), "quiet")] } else { blocks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_are_shown_and_only_by_their_own_bytes() {
        assert_eq!(shown(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(shown(&[0xff, 0xd8, 0xff, 0xe0]), Some("image/jpeg"));
        for beginning in [&b"<svg xmlns="[..], b"<html>", b"GIF89a", b"%PDF-1.7", b"", b"\x89PNG"] {
            assert_eq!(shown(beginning), None, "{beginning:?}");
        }
        assert!(is_n42("application/n42+xml") && is_n42("Application/N42+XML; charset=utf-8") && !is_n42("text/xml"));
    }
}
