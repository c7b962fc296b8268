//! From a content to the record that names it.

use std::{collections::BTreeMap, sync::Arc};

use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    Hash,
    body::{self, Context, Detail, Flags, INLINE_BYTES, MAX_EVIDENCE_BYTES},
};

use crate::outbox::{Draft, Outbox, Recorded, Refusal};

/// A content with what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The inspection it belongs to.
    pub inspection: Option<String>,
    /// The instrument or camera it comes from.
    pub instrument: Option<String>,
    /// Media type.
    pub media: String,
    /// The rest, by name: `title`, `operator` …
    pub facts: BTreeMap<String, String>,
    /// The bytes.
    pub content: Arc<[u8]>,
}

/// Why nothing was attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// There is nothing in it.
    #[error("the content is empty; a file with nothing in it is evidence of nothing")]
    Empty,
    /// It is too large.
    #[error(
        "{0} bytes are more than the {MAX_EVIDENCE_BYTES} that one piece of evidence may have; cut it or compress it"
    )]
    TooLarge(u64),
    /// Whoever attaches it names an inspection that is not here.
    #[error("no inspection {0:?} is stored here; `tidewaiter log` shows those that are")]
    NoInspection(String),
    /// Not the media type of anything.
    #[error("{0:?} is no media type; write it as TYPE/SUBTYPE, for example application/n42+xml or image/png")]
    Media(String),
    /// It could not be recorded.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The record of a content: with the bytes where they fit, with their hash where they do not.
///
/// `at` is when it was taken; `flags` are those of the result it belongs to.
pub fn draft(attachment: &Attachment, place: &str, id: String, at: Moment, flags: Flags, context: Context) -> Draft {
    let content = &attachment.content;
    let detail = body::Evidence {
        flags,
        inspection: attachment.inspection.clone(),
        instrument: attachment.instrument.clone(),
        at,
        media: attachment.media.clone(),
        hash: Hash::of(content),
        size: content.len() as u64,
        content: (content.len() <= INLINE_BYTES).then(|| content.to_vec()),
        facts: attachment.facts.clone(),
        context,
    };
    Draft {
        place: place.to_owned(),
        id: Some(id),
        detail: Detail::Evidence(Box::new(detail)),
        alert: false,
        closes: None,
        notes: Vec::new(),
    }
}

/// Keeps what somebody brought and seals the record of it. The same content of the same inspection is attached once.
///
/// # Errors
///
/// An [`AttachError`]; then nothing is recorded.
pub async fn attach(
    outbox: &Outbox,
    attachment: Attachment,
    at: Moment,
    context: Context,
) -> Result<Recorded, AttachError> {
    let size = attachment.content.len() as u64;
    if size == 0 {
        return Err(AttachError::Empty);
    }
    if size > MAX_EVIDENCE_BYTES {
        return Err(AttachError::TooLarge(size));
    }
    if !is_media_type(&attachment.media) {
        return Err(AttachError::Media(attachment.media));
    }
    let (place, flags) = match &attachment.inspection {
        Some(id) => of_inspection(outbox, id).await?,
        None => ("self".to_owned(), Flags::default()),
    };
    let named = attachment.inspection.as_deref().unwrap_or("-");
    let id = format!("evidence-{named}-{}", Hash::of(&attachment.content));
    if let Some(recorded) = found(outbox, &id).await? {
        return Ok(recorded);
    }
    let draft = draft(&attachment, &place, id, at, flags, context);
    Ok(seal(outbox, draft, attachment.content).await?)
}

/// Keeps the content, if it does not stand in the record itself, and seals the record.
pub(crate) async fn seal(outbox: &Outbox, draft: Draft, content: Arc<[u8]>) -> Result<Recorded, Refusal> {
    if content.len() > INLINE_BYTES {
        outbox.keep(content).await?;
    }
    outbox.seal(draft).await
}

async fn found(outbox: &Outbox, id: &str) -> Result<Option<Recorded>, Refusal> {
    match outbox.find(id).await {
        Some(found) => found.map_err(|why| Refusal::Store(why.to_string())),
        None => Err(Refusal::Stopping),
    }
}

/// Where an inspection was, and whether it was simulated or an exercise.
async fn of_inspection(outbox: &Outbox, id: &str) -> Result<(String, Flags), AttachError> {
    let none = || AttachError::NoInspection(id.to_owned());
    let recorded = found(outbox, id).await?.ok_or_else(none)?;
    let entries = match outbox.entries(recorded.seq, 1).await {
        Some(entries) => entries.map_err(|why| Refusal::Store(why.to_string()))?,
        None => return Err(Refusal::Stopping.into()),
    };
    let entry = entries.into_iter().find(|it| it.seq == recorded.seq).ok_or_else(none)?;
    match tidewaiter_record::parse(&entry.bytes).map(|it| it.body.detail) {
        Ok(Detail::Inspection(detail)) => Ok((detail.place.clone(), detail.flags)),
        _ => Err(none()),
    }
}

/// `type/subtype`, each a restricted name (RFC 6838 §4.2).
fn is_media_type(text: &str) -> bool {
    let is_name = |it: &str| {
        let mut bytes = it.bytes();
        it.len() <= 127
            && bytes.next().is_some_and(|it| it.is_ascii_alphanumeric())
            && bytes.all(|it| it.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&it))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

#[cfg(test)]
mod tests {
    use super::is_media_type;

    #[test]
    fn media_types_are_two_names() {
        for good in ["application/n42+xml", "image/png", "application/vnd.tidewaiter.readings+cbor", "x/1"] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in ["", "image", "image/", "/png", "image/png; charset=x", "a/b/c", "im age/png", "+a/b"] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}
