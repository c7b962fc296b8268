//! Evidence on its way: which piece goes next. Knows nothing of connections and of files.
//!
//! ```text
//! payload = [ 1, size: uint, offset: uint, piece: bstr ]      up to 16 384 bytes a piece
//! ```
//!
//! Evidence follows the record that names it, in chain order, one content after the other. A PUBACK moves it on and is
//! no proof; the receipt over the record is. A content that has been sent whole without one is sent again from its
//! beginning when the records are; one that was cut off by a lost connection goes on where its PUBACKs ended, or it would
//! never arrive over a bad line.

use std::collections::BTreeMap;

use tidewaiter_record::{Hash, cbor::Writer};

/// Largest piece, bytes.
pub(super) const PIECE_BYTES: u64 = 16_384;
/// Pieces without a PUBACK at most: what an alert finds ahead of it in the socket.
pub(super) const PIECES_OUT: usize = 4;
/// Version of the payload.
const VERSION: u64 = 1;

/// A piece that may leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) hash: Hash,
    pub(super) size: u64,
    pub(super) offset: u64,
}

/// Evidence that is owed to the centre.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// By the record that names it.
    owed: BTreeMap<u64, Content>,
    /// Pieces sent and not acknowledged, by their token.
    out: BTreeMap<u64, (u64, u64)>,
    token: u64,
}

#[derive(Clone, Copy, Debug)]
struct Content {
    hash: Hash,
    size: u64,
    /// Everything below has been acknowledged.
    acked: u64,
    /// The next piece to send.
    next: u64,
}

impl Content {
    const fn is_out(&self) -> bool {
        self.next >= self.size
    }
}

impl Pieces {
    /// Owes the evidence of a record that has been sent.
    pub(super) fn owe(&mut self, seq: u64, hash: Hash, size: u64) {
        let content = self.owed.entry(seq).or_insert(Content { hash, size, acked: 0, next: 0 });
        // Sent whole before and still no receipt: from the beginning.
        if content.is_out() && content.acked >= content.size {
            (content.acked, content.next) = (0, 0);
        }
    }

    /// Forgets what the centre has signed for.
    pub(super) fn receipted(&mut self, upto: u64) {
        self.owed = self.owed.split_off(&(upto.saturating_add(1)));
        self.out.retain(|_, (seq, _)| *seq > upto);
    }

    /// What was under way is lost: each content goes on after its last acknowledged piece.
    pub(super) fn rewind(&mut self) {
        self.out.clear();
        for content in self.owed.values_mut() {
            content.next = content.acked;
        }
    }

    /// The next piece, of records below `sent`, and the token it must be sent with.
    pub(super) fn next(&self, sent: u64) -> Option<(u64, Piece)> {
        if self.out.len() >= PIECES_OUT {
            return None;
        }
        let (_, content) = self.owed.range(..sent).find(|(_, it)| !it.is_out())?;
        Some((self.token, Piece { hash: content.hash, size: content.size, offset: content.next }))
    }

    /// The piece that [`Self::next`] gave has been taken, `len` bytes of it.
    pub(super) fn sent(&mut self, sent: u64, len: u64) {
        let Some((seq, content)) = self.owed.range_mut(..sent).find(|(_, it)| !it.is_out()) else { return };
        content.next = content.next.saturating_add(len.max(1));
        self.out.insert(self.token, (*seq, content.next));
        self.token = (self.token + 1) & TOKENS;
    }

    /// The content that [`Self::next`] named cannot be sent; it is tried again after [`Self::rewind`].
    pub(super) fn give_up(&mut self, sent: u64) {
        if let Some((_, content)) = self.owed.range_mut(..sent).find(|(_, it)| !it.is_out()) {
            content.next = content.size;
        }
    }

    /// A PUBACK. Pieces are acknowledged in the order they were sent.
    pub(super) fn acked(&mut self, token: u64) {
        let Some((seq, upto)) = self.out.remove(&token) else { return };
        if let Some(content) = self.owed.get_mut(&seq) {
            content.acked = content.acked.max(upto);
        }
    }

    #[cfg(test)]
    fn is_busy(&self) -> bool {
        !self.out.is_empty() || self.owed.values().any(|it| !it.is_out())
    }
}

/// Tokens come round.
pub(super) const TOKENS: u64 = (1 << 60) - 1;

/// The payload of a piece.
pub(super) fn encode(piece: &Piece, bytes: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(4);
    w.uint(VERSION);
    w.uint(piece.size);
    w.uint(piece.offset);
    w.bytes(bytes);
    w.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn hash(number: u8) -> Hash {
        Hash([number; 32])
    }

    /// Sends one piece; gives its token, content and offset.
    fn send(pieces: &mut Pieces, sent: u64) -> Option<(u64, u8, u64)> {
        let (token, piece) = pieces.next(sent)?;
        pieces.sent(sent, PIECE_BYTES.min(piece.size - piece.offset));
        Some((token, piece.hash.0[0], piece.offset))
    }

    #[test]
    fn contents_follow_their_records_in_order_and_within_the_window() {
        let mut pieces = Pieces::default();
        pieces.owe(9, hash(9), 1);
        pieces.owe(3, hash(3), PIECE_BYTES * 2 + 1);
        pieces.owe(5, hash(5), 10);
        assert_eq!(send(&mut pieces, 3), None, "its record has not been sent");
        let out: Vec<_> = std::iter::from_fn(|| send(&mut pieces, 6)).collect();
        assert_eq!(out, [(0, 3, 0), (1, 3, PIECE_BYTES), (2, 3, PIECE_BYTES * 2), (3, 5, 0)]);
        assert_eq!(send(&mut pieces, 10), None, "the window is full");
        pieces.acked(0);
        assert_eq!(send(&mut pieces, 10), Some((4, 9, 0)));
        pieces.receipted(5);
        (2..=4).for_each(|token| pieces.acked(token));
        assert!(!pieces.is_busy());
    }

    #[test]
    fn a_lost_connection_goes_on_and_a_missing_receipt_begins_anew() {
        let mut pieces = Pieces::default();
        let size = PIECE_BYTES * 6;
        pieces.owe(0, hash(1), size);
        for _ in 0..3 {
            send(&mut pieces, 1).unwrap();
        }
        pieces.acked(0);
        pieces.acked(1);
        pieces.rewind();
        pieces.owe(0, hash(1), size);
        assert_eq!(send(&mut pieces, 1), Some((3, 1, PIECE_BYTES * 2)), "after the last PUBACK");
        pieces.acked(3);
        for _ in 0..3 {
            let (token, ..) = send(&mut pieces, 1).unwrap();
            pieces.acked(token);
        }
        assert!(!pieces.is_busy());
        pieces.rewind();
        pieces.owe(0, hash(1), size);
        assert_eq!(send(&mut pieces, 1).unwrap().2, 0, "sent whole, and no receipt");
        // What cannot be read costs itself alone, until the records are sent again.
        pieces.owe(1, hash(2), 5);
        pieces.give_up(2);
        assert_eq!(send(&mut pieces, 2).unwrap().1, 2);
        pieces.rewind();
        assert_eq!(send(&mut pieces, 2).unwrap().1, 1);
        pieces.receipted(1);
        assert!(!pieces.is_busy());
    }

    #[test]
    fn the_payload_is_as_written_down() {
        let piece = Piece { hash: hash(1), size: 300, offset: 256 };
        assert_eq!(hex::encode(encode(&piece, b"abc")), "840119012c19010043616263");
    }
}
