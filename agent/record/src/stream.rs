//! Streams of sealed items: a CBOR sequence (RFC 8742), one item after the other without separators.
//!
//! An item says itself where it ends. After bytes that are no item nothing can be said about what follows,
//! so a stream ends at its first error.

use crate::{
    MAX_RECORD_BYTES,
    cbor::{CborError, Reader},
    open::ParseError,
};

// Tag 18 in its shortest form.
const TAG_SIGN1: u64 = 18;

// The length of the first item, or `None` when more bytes are needed to know it.
fn item_length(bytes: &[u8], at: u64) -> Result<Option<usize>, ParseError> {
    let window = bytes.get(..MAX_RECORD_BYTES).unwrap_or(bytes);
    let mut r = Reader::new(window);
    match r.tag(TAG_SIGN1).and_then(|()| r.skip().map(|_| r.at())) {
        Ok(length) => Ok(Some(length)),
        Err(CborError::Truncated { .. }) if bytes.len() <= MAX_RECORD_BYTES => Ok(None),
        Err(CborError::Truncated { .. }) => Err(ParseError::TooLarge { bytes: bytes.len() }),
        Err(why) => Err(ParseError::Stream { at, why }),
    }
}

/// Cuts a whole stream into its items. The last item yielded is the first error, if there is one.
///
/// # Examples
///
/// ```
/// use tidewaiter_record::split_sequence;
///
/// let two = [0xd2, 0x80, 0xd2, 0x80];
/// assert_eq!(split_sequence(&two).count(), 2);
/// assert!(split_sequence(&two[..3]).last().is_some_and(|it| it.is_err()));
/// ```
pub fn split_sequence(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], ParseError>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = (bytes.len() - rest.len()) as u64;
        let item = item_length(rest, at).and_then(|length| {
            let truncated = || ParseError::Stream { at, why: CborError::Truncated { at: rest.len() } };
            length.and_then(|length| rest.split_at_checked(length)).ok_or_else(truncated)
        });
        match item {
            Ok((item, after)) => {
                rest = after;
                Some(Ok(item))
            }
            Err(error) => {
                rest = &[];
                Some(Err(error))
            }
        }
    })
}

/// Cuts a stream that arrives in pieces.
///
/// Holds at most one incomplete item beside the piece fed last. The caller takes all items after each
/// [`feed`](Self::feed) and says [`finish`](Self::finish) at the end.
#[derive(Debug, Default)]
pub struct SequenceBuffer {
    held: Vec<u8>,
    taken: usize,
    at: u64,
}

impl SequenceBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece of the stream.
    pub fn feed(&mut self, piece: &[u8]) {
        self.held.drain(..self.taken);
        self.taken = 0;
        self.held.extend_from_slice(piece);
    }

    /// The next whole item; `None` when more of the stream is needed.
    ///
    /// # Errors
    ///
    /// The stream ends here; further calls give the same error.
    pub fn next_item(&mut self) -> Result<Option<&[u8]>, ParseError> {
        let rest = self.held.get(self.taken..).unwrap_or_default();
        let Some(length) = (if rest.is_empty() { None } else { item_length(rest, self.at)? }) else {
            return Ok(None);
        };
        let start = self.taken;
        self.taken += length;
        self.at += length as u64;
        Ok(self.held.get(start..self.taken))
    }

    /// Checks that the stream did not end inside an item.
    ///
    /// # Errors
    ///
    /// [`ParseError::Stream`].
    pub fn finish(&self) -> Result<(), ParseError> {
        let left = self.held.len() - self.taken;
        if left == 0 {
            return Ok(());
        }
        Err(ParseError::Stream { at: self.at, why: CborError::Truncated { at: left } })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    // Items of the outer shape; their content does not matter here.
    fn items() -> Vec<Vec<u8>> {
        ["d280", "d283010203", "d284430102034443010203f6", "d2a10102"].map(|it| hex::decode(it).unwrap()).to_vec()
    }

    #[test]
    fn items_come_out_as_they_went_in() {
        let items = vec![items()[0].clone(), items()[1].clone(), items()[3].clone()];
        let stream = items.concat();
        let split: Result<Vec<_>, _> = split_sequence(&stream).collect();
        assert_eq!(split.unwrap(), items);
        assert_eq!(split_sequence(&[]).count(), 0);
    }

    #[test]
    fn a_stream_ends_at_its_first_error() {
        let check = |hex: &str, good: usize, expected: &str| {
            let stream = hex::decode(hex).unwrap();
            let split: Vec<_> = split_sequence(&stream).collect();
            assert_eq!(split.len(), good + 1, "{hex}");
            let error = split.last().unwrap().as_ref().unwrap_err().to_string();
            assert!(error.contains(expected), "{hex}: {error}");
        };
        check("d280d281", 1, "byte 2: no item begins here");
        check("d28000d280", 1, "byte 2: no item begins here");
        check("d280d9001280", 1, "not the shortest form");
        let large = format!("d281{}{}", "5a00010000", "00".repeat(0x1_0000));
        check(&large, 0, "bytes, a record has at most 32768");
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_items(cuts in proptest::collection::vec(1_usize..8, 1..32)) {
            let stream = [items()[0].clone(), items()[1].clone(), items()[3].clone()].concat();
            let mut buffer = SequenceBuffer::new();
            let mut found = Vec::new();
            let mut rest = &stream[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                rest = after;
                buffer.feed(piece);
                while let Some(item) = buffer.next_item().unwrap() {
                    found.push(item.to_vec());
                }
            }
            prop_assert_eq!(buffer.finish(), Ok(()));
            prop_assert_eq!(found.concat(), stream);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let cut: usize = split_sequence(&bytes).filter_map(Result::ok).map(<[u8]>::len).sum();
            prop_assert!(cut <= bytes.len());
        }
    }
}
