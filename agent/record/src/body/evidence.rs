//! Evidence: a spectrum, a trace, a document that belongs to a result and is no list of values; and the note of what
//! was trimmed.
//!
//! Up to [`INLINE_BYTES`] the content stands in the record. What is larger is named by its hash and travels beside
//! the chain, in pieces; a receipt over a record says that the evidence it names is stored too.

use std::collections::BTreeMap;

use tidewaiter_drivers::reading::Moment;

use super::{
    Context, Flags,
    life::write_facts,
    value::{owned, read_moment, write_moment},
};
use crate::{
    cbor::{CborError, Reader, Writer},
    id::Hash,
};

/// The largest content that stands in the record itself.
pub const INLINE_BYTES: usize = 16 * 1024;

/// The largest content there may be.
pub const MAX_EVIDENCE_BYTES: u64 = 64 * 1024 * 1024;

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Those of the result it belongs to.
    pub flags: Flags,
    /// Id of the inspection it belongs to, in this chain; none where it stands alone.
    pub inspection: Option<String>,
    /// The instrument or camera it comes from; none where a person brought it.
    pub instrument: Option<String>,
    /// When it was taken.
    pub at: Moment,
    /// Media type: `application/n42+xml`, `application/vnd.tidewaiter.readings+cbor` …
    pub media: String,
    /// SHA-256 of the content.
    pub hash: Hash,
    /// Length of the content in bytes.
    pub size: u64,
    /// The content, where it is small enough.
    pub content: Option<Vec<u8>>,
    /// The rest, by name: `title`, `operator`, `live-time-s` …
    pub facts: BTreeMap<String, String>,
    /// Software and configuration.
    pub context: Context,
}

/// Receipted records were deleted to make room, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trimmed {
    /// First record deleted.
    pub from_seq: u64,
    /// Last record deleted, itself included.
    pub upto_seq: u64,
    /// Its hash: the chain that is left hangs on it.
    pub hash: Hash,
    /// The receipt that allowed it covers up to this record.
    pub receipted_upto: u64,
}

impl Evidence {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(0, |w| self.flags.write(w));
            m.optional(1, self.inspection.as_ref(), |w, it| w.text(it));
            m.optional(2, self.instrument.as_ref(), |w, it| w.text(it));
            m.int(3, |w| write_moment(w, self.at));
            m.int(4, |w| w.text(&self.media));
            m.int(5, |w| w.bytes(&self.hash.0));
            m.int(6, |w| w.uint(self.size));
            m.optional(7, self.content.as_ref(), |w, it| w.bytes(it));
            m.int(8, |w| write_facts(w, &self.facts));
            m.int(9, |w| self.context.write(w));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let at = r.at();
        let mut fields = r.fields()?;
        let evidence = Self {
            flags: fields.need(0, Flags::read)?,
            inspection: fields.optional(1, owned)?,
            instrument: fields.optional(2, owned)?,
            at: fields.need(3, read_moment)?,
            media: fields.need(4, owned)?,
            hash: Hash(fields.need(5, Reader::fixed)?),
            size: fields.need(6, Reader::uint)?,
            content: fields.optional(7, Reader::bytes)?.map(<[u8]>::to_vec),
            facts: fields.need(8, |r| r.text_map(owned))?,
            context: fields.need(9, Context::read)?,
        };
        fields.end()?;
        let fits = match &evidence.content {
            Some(content) => {
                u64::try_from(content.len()).is_ok_and(|it| it == evidence.size)
                    && content.len() <= INLINE_BYTES
                    && Hash::of(content) == evidence.hash
            }
            None => evidence.size <= MAX_EVIDENCE_BYTES,
        };
        if fits {
            Ok(evidence)
        } else {
            Err(CborError::Expected { at, expected: "evidence whose size and hash are those of its content" })
        }
    }
}

impl Trimmed {
    pub(super) fn write(self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.uint(self.from_seq));
            m.int(2, |w| w.uint(self.upto_seq));
            m.int(3, |w| w.bytes(&self.hash.0));
            m.int(4, |w| w.uint(self.receipted_upto));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let at = r.at();
        let mut fields = r.fields()?;
        let trimmed = Self {
            from_seq: fields.need(1, Reader::uint)?,
            upto_seq: fields.need(2, Reader::uint)?,
            hash: Hash(fields.need(3, Reader::fixed)?),
            receipted_upto: fields.need(4, Reader::uint)?,
        };
        fields.end()?;
        if trimmed.from_seq <= trimmed.upto_seq && trimmed.upto_seq <= trimmed.receipted_upto {
            Ok(trimmed)
        } else {
            Err(CborError::Expected { at, expected: "a range of receipted records that holds one" })
        }
    }
}
