//! Bytes between an interrupt and the loop.
//!
//! A receiver's interrupt puts each byte with its instant into a [`Received`]; the loop takes them out. What is to be
//! sent lies in a [`Sending`], and the transmitter's interrupt takes it byte by byte.

use heapless::{Deque, Vec};

/// Bytes received, with the instant of each, until the loop takes them.
///
/// Full, it drops the newest byte and counts: the frame it belongs to is broken anyway, and the next one finds room.
#[derive(Debug, Default)]
pub struct Received<const N: usize> {
    bytes: Deque<(u32, u8), N>,
    dropped: u32,
}

impl<const N: usize> Received<N> {
    /// Empty.
    pub const fn new() -> Self {
        Self { bytes: Deque::new(), dropped: 0 }
    }

    /// Takes a byte that arrived at `at`, µs.
    pub fn put(&mut self, at: u64, byte: u8) {
        // The loop is never as late as the 71 min after which the lower half comes around.
        #[allow(clippy::cast_possible_truncation, reason = "the lower half is meant")]
        if self.bytes.push_back((at as u32, byte)).is_err() {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// The oldest byte and its instant, given the instant now.
    pub fn take(&mut self, now: u64) -> Option<(u64, u8)> {
        let (low, byte) = self.bytes.pop_front()?;
        #[allow(clippy::cast_possible_truncation, reason = "the lower half is meant")]
        let ago = (now as u32).wrapping_sub(low);
        Some((now.saturating_sub(u64::from(ago)), byte))
    }

    /// Whether the loop has anything to take.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes dropped since this was asked last.
    pub fn dropped(&mut self) -> u32 {
        core::mem::take(&mut self.dropped)
    }
}

/// Bytes on their way out.
#[derive(Debug, Default)]
pub struct Sending<const N: usize> {
    bytes: Vec<u8, N>,
    sent: usize,
}

impl<const N: usize> Sending<N> {
    /// Nothing to send.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), sent: 0 }
    }

    /// Takes what is to be sent; whatever was on its way is forgotten, for a reply that comes in the middle of
    /// another says that the client has given up on that. Longer than there is room for: nothing is sent.
    pub fn start(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.sent = 0;
        let _ = self.bytes.extend_from_slice(bytes);
    }

    /// Adds to what is on its way as far as there is room, as a log does; says whether all of it went in.
    pub fn add(&mut self, bytes: &[u8]) -> bool {
        if self.is_done() {
            self.start(&[]);
        }
        self.bytes.extend_from_slice(bytes).is_ok()
    }

    /// The next byte for the transmitter.
    pub fn next_byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.sent).copied()?;
        self.sent += 1;
        Some(byte)
    }

    /// Whether every byte has been given to the transmitter.
    pub fn is_done(&self) -> bool {
        self.sent >= self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_their_order_and_their_instants() {
        let mut line = Received::<2>::new();
        let start = (1 << 32) - 3;
        line.put(start, b'a');
        line.put(start + 5, b'b');
        line.put(start + 6, b'c');
        assert_eq!(line.take(start + 9), Some((start, b'a')));
        assert_eq!(line.take(start + 9), Some((start + 5, b'b')));
        assert_eq!(line.take(start + 9), None);
        assert_eq!((line.dropped(), line.dropped(), line.is_empty()), (1, 0, true));
    }

    #[test]
    fn sending_ends_and_starts_anew() {
        let mut line = Sending::<3>::new();
        assert!(line.is_done());
        line.start(b"ab");
        assert_eq!((line.next_byte(), line.is_done()), (Some(b'a'), false));
        assert!(line.add(b"c"));
        assert!(!line.add(b"d"), "no room while something is on its way");
        assert_eq!([line.next_byte(), line.next_byte(), line.next_byte()], [Some(b'b'), Some(b'c'), None]);
        assert!(line.add(b"def") && !line.is_done());
        line.start(b"long");
        assert!(line.is_done(), "a piece of a frame is never sent");
    }
}
