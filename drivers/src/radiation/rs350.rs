//! RS-350 backpacks: ANSI N42.42 documents over TCP, one after the other, each between STX and ETX.
//!
//! ```text
//! 02   <?xml … <RadInstrumentData … </RadInstrumentData>   03
//! ```
//!
//! Neither byte may occur in an XML 1.0 document, so the marks are unambiguous and a document that
//! breaks off costs itself only. Documents are handed out whole and not looked into: reading N42 needs
//! a heap and is done elsewhere. They bring no channels by themselves.

use crate::{
    reading::{Channels, Outcome},
    wire::{
        Decode, Event, Refusal,
        envelope::{Cut, ETX, Envelopes, STX},
    },
};

/// Longest document the default decoder has room for: a minute of spectra of 1024 channels stays far
/// below, and a sender that never ends its document must cost no more than this.
pub const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// A whole document; [`Decoder::document`] has it until the next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its length.
    pub bytes: usize,
}

impl Channels for Document {
    fn each(&self, _tell: &mut dyn FnMut(&str, Outcome)) {}
}

/// The decoder; a frame is one document of at most `N` bytes.
///
/// The default is a quarter of a mebibyte: it belongs on the heap or in a static.
#[derive(Clone, Debug)]
pub struct Decoder<const N: usize = MAX_DOCUMENT_BYTES> {
    envelopes: Envelopes<N>,
}

impl<const N: usize> Decoder<N> {
    /// A decoder that waits for the first STX.
    pub const fn new() -> Self {
        Self { envelopes: Envelopes::new() }
    }

    /// The document just reported, as it came.
    pub fn document(&self) -> &[u8] {
        self.envelopes.text()
    }
}

impl<const N: usize> Default for Decoder<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Decode for Decoder<N> {
    type Item = Document;

    fn push(&mut self, byte: u8) -> Option<Event<Document>> {
        Some(match self.envelopes.push(byte)? {
            Cut::Garbage(bytes) => Event::Garbage(bytes),
            Cut::TooLong => Event::Refused(Refusal::TooLong),
            Cut::Frame => {
                let document = self.envelopes.text();
                // XML starts with a tag; a byte order mark and white space may come before it.
                let text = document.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(document);
                if text.trim_ascii_start().first() == Some(&b'<') {
                    Event::Frame(Document { bytes: document.len() })
                } else {
                    Event::Refused(Refusal::Shape)
                }
            }
        })
    }

    fn raw(&self) -> &[u8] {
        self.envelopes.text()
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

/// The bytes a backpack sends for a document; `None` when it holds a mark and is no XML therefore.
pub fn encode(document: &str) -> Option<impl Iterator<Item = u8>> {
    if document.bytes().any(|byte| byte == STX || byte == ETX) {
        return None;
    }
    Some([STX].into_iter().chain(document.bytes()).chain([ETX]))
}
