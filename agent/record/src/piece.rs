//! A piece of evidence on its way to the centre.
//!
//! ```text
//! [ version 1, size of the whole, offset, piece ]        deterministic CBOR, unsigned
//! ```
//!
//! Content is cut at multiples of [`PIECE_BYTES`]; every piece is full but the last. Nothing here is signed: the
//! topic names the SHA-256 of the whole, the record that names the same hash is signed, and the centre takes no
//! piece that no record has asked for.

use crate::{
    body::MAX_EVIDENCE_BYTES,
    cbor::{CborError, Reader, Writer},
};

/// Bytes of every piece but the last.
pub const PIECE_BYTES: usize = 16 * 1024;

/// The largest message: a full piece and the numbers before it.
pub const MAX_MESSAGE_BYTES: usize = PIECE_BYTES + 32;

const VERSION: u64 = 1;

/// One piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Bytes of the whole.
    pub size: u64,
    /// Where the piece begins in it.
    pub offset: u64,
    /// The piece.
    pub bytes: &'a [u8],
}

/// Why bytes are no piece.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PieceError {
    /// Larger than any piece.
    #[error("evidence piece: {0} bytes, a piece has at most {MAX_MESSAGE_BYTES}")]
    TooLarge(usize),
    /// Not the one form of a piece.
    #[error("evidence piece: {0}")]
    Form(#[from] CborError),
    /// Another version.
    #[error("evidence piece: version {0} is not known, this build reads {VERSION}")]
    Version(u64),
    /// Evidence that nobody may have.
    #[error("evidence piece: of {0} bytes; evidence has 1 to {MAX_EVIDENCE_BYTES}")]
    Size(u64),
    /// Not cut where pieces are.
    #[error(
        "evidence piece: {found} bytes at {offset} of {size}; pieces begin at multiples of {PIECE_BYTES} and are full but for the last"
    )]
    Cut {
        /// Bytes of the whole.
        size: u64,
        /// Where it says to begin.
        offset: u64,
        /// Its bytes.
        found: usize,
    },
}

impl<'a> Piece<'a> {
    /// The pieces of a content, in order; none of an empty one.
    pub fn cut(content: &'a [u8]) -> impl Iterator<Item = Self> {
        let size = content.len() as u64;
        let offsets = (0..).step_by(PIECE_BYTES);
        content.chunks(PIECE_BYTES).zip(offsets).map(move |(bytes, offset)| Self { size, offset, bytes })
    }

    /// How many bytes the piece at `offset` of a content of `size` bytes has; none where no piece begins.
    pub fn length_at(size: u64, offset: u64) -> Option<usize> {
        let full = PIECE_BYTES as u64;
        let rest = size.checked_sub(offset).filter(|it| *it > 0 && offset.is_multiple_of(full))?;
        usize::try_from(rest.min(full)).ok()
    }

    /// Writes the message.
    pub fn write(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(4);
        w.uint(VERSION);
        w.uint(self.size);
        w.uint(self.offset);
        w.bytes(self.bytes);
        w.finish()
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// Refuses everything that [`Piece::cut`] and [`Piece::write`] would not make.
    pub fn open(message: &'a [u8]) -> Result<Self, PieceError> {
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(PieceError::TooLarge(message.len()));
        }
        let mut r = Reader::new(message);
        r.array(4)?;
        let version = r.uint()?;
        if version != VERSION {
            return Err(PieceError::Version(version));
        }
        let (size, offset, bytes) = (r.uint()?, r.uint()?, r.bytes()?);
        r.end()?;
        if size > MAX_EVIDENCE_BYTES || size == 0 {
            return Err(PieceError::Size(size));
        }
        if Self::length_at(size, offset) != Some(bytes.len()) {
            return Err(PieceError::Cut { size, offset, found: bytes.len() });
        }
        Ok(Self { size, offset, bytes })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_content_is_cut_and_put_together_again() {
        for size in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES] {
            let content: Vec<u8> = (0..size).map(|it| u8::try_from(it % 251).unwrap()).collect();
            let messages: Vec<_> = Piece::cut(&content).map(|it| it.write()).collect();
            assert_eq!(messages.len(), size.div_ceil(PIECE_BYTES));
            let mut whole = Vec::new();
            for message in &messages {
                assert!(message.len() <= MAX_MESSAGE_BYTES);
                let piece = Piece::open(message).unwrap();
                assert_eq!((piece.size, piece.offset), (size as u64, whole.len() as u64));
                whole.extend_from_slice(piece.bytes);
            }
            assert_eq!(whole, content);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let check = |size: u64, offset: u64, length: usize, word: &str| {
            let bytes = vec![0; length];
            let error = Piece::open(&Piece { size, offset, bytes: &bytes }.write()).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        };
        let full = PIECE_BYTES as u64;
        check(0, 0, 0, "of 0 bytes");
        check(MAX_EVIDENCE_BYTES + 1, 0, PIECE_BYTES, "evidence has 1 to");
        check(10, 10, 0, "full but for the last");
        check(10, 0, 9, "full but for the last");
        check(10, 0, 11, "full but for the last");
        check(2 * full, 1, PIECE_BYTES, "multiples of");
        check(2 * full, u64::MAX, 1, "multiples of");
        check(full + 1, 0, PIECE_BYTES + 100, "a piece has at most");
        let good = Piece { size: 3, offset: 0, bytes: b"abc" }.write();
        let versions = Piece::open(&[0x84, 2, 3, 0, 0x43, 1, 2, 3]).unwrap_err();
        assert_eq!(versions, PieceError::Version(2));
        for cut in 0..good.len() {
            assert!(Piece::open(&good[..cut]).is_err());
        }
        assert!(Piece::open(&[good.as_slice(), &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_would_be_written(message: Vec<u8>) {
            if let Ok(piece) = Piece::open(&message) {
                prop_assert_eq!(piece.write(), message);
            }
        }
    }
}
