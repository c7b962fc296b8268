//! What every byte-stream decoder has in common: one byte in, at most one event out.
//!
//! A port hands over bytes in chunks of any size, so a decoder takes them one at a time; how they
//! were cut on the way cannot change what comes out. A decoder keeps one frame in a fixed buffer,
//! finds the next start by itself after noise, and says what it threw away.
//!
//! Not here: time, ports, and what a value means.

pub mod envelope;
pub mod field;
pub mod line;
pub mod single;
pub mod statement;

/// What one byte brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<T> {
    /// A whole frame whose check and content hold.
    Frame(T),
    /// A whole frame that must not be believed. [`Decode::raw`] has its bytes.
    Refused(Refusal),
    /// This many bytes belonged to no frame and were dropped to find the next start.
    Garbage(u16),
}

/// Why a whole frame is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Its check characters do not match its bytes.
    #[error("check characters do not match the frame")]
    Checksum,
    /// Its parts are not where the protocol puts them.
    #[error("frame does not have the shape of the protocol")]
    Shape,
    /// A number in it is not a number, or outside what the protocol can carry.
    #[error("frame holds something else where a number belongs")]
    Number,
    /// It states a unit other than the protocol's.
    #[error("frame states an unknown unit")]
    Unit,
    /// It is longer than any frame of the protocol.
    #[error("frame is longer than the protocol allows")]
    TooLong,
}

/// Bytes dropped in a row before a decoder reports them without waiting for the next start.
///
/// A line with the wrong baud rate gives noise for ever; it must show up in the counters.
pub const GARBAGE_REPORT_BYTES: u16 = 256;

/// A resumable decoder: bytes in, events out.
pub trait Decode {
    /// What a good frame says.
    type Item;

    /// Takes one byte. Most bytes bring nothing: the frame is still arriving.
    fn push(&mut self, byte: u8) -> Option<Event<Self::Item>>;

    /// The bytes of the frame just reported as [`Event::Frame`] or [`Event::Refused`].
    ///
    /// Meaningful until the next [`Self::push`]. Line protocols leave out the line end.
    fn raw(&self) -> &[u8];

    /// Forgets a half-received frame, as after opening the port or a silence in mid-frame.
    ///
    /// What follows may start in the middle of a frame and is treated so.
    fn reset(&mut self);
}
