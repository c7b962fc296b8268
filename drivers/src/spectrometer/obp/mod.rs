//! Ocean Binary Protocol: optical spectrometers of Ocean Optics (QE Pro, STS and successors).
//!
//! Questions and answers share one form; all numbers are little-endian:
//!
//! ```text
//!  0  C1 C0                     24  immediate data (16)
//!  2  protocol version (2)      40  bytes remaining (4) = payload + 20
//!  4  flags (2)                 44  payload
//!  6  error number (2)           …  checksum (16): MD5 of all before it, or zeros
//!  8  message type (4)           …  C5 C4 C3 C2
//! 12  regarding (4)
//! 16  reserved (6)
//! 22  checksum type (1)
//! 23  immediate length (1)
//! ```
//!
//! Up to sixteen bytes of data travel as immediate data in the header, more as payload. An answer
//! repeats the number the question had in `regarding`, by which late answers are told.
//!
//! Written from the public `python-seabreeze` library, since the maker's document is not public; the
//! layout of the metadata before a buffered spectrum is not in it and is handed out as bytes. Not here:
//! USB, and calibration (`λ(p) = Σ cᵢ·pⁱ` nm with the coefficients this module reads).

mod encode;
mod kind;
mod message;
mod request;

pub use encode::{EncodeError, MAX_REQUEST_BYTES, encode_answer, encode_request};
pub use kind::{Checksum, Failure, Flags, Kind, PixelWidth};
pub use message::{MAX_IMMEDIATE_BYTES, METADATA_BYTES, Message, VERSION};
pub use request::Request;

use self::message::Obp;
use super::stream::Stream;
use crate::wire::{Decode, Event, single::Single};

/// Bytes around the payload.
pub const OVERHEAD_BYTES: usize = 64;

/// Most pixels of one spectrum that the default decoder has room for; detectors have up to 4096.
pub const MAX_PIXELS: usize = 4096;

/// Longest message the default decoder has room for: that many pixels of 32 bits and the metadata.
pub const MAX_MESSAGE_BYTES: usize = OVERHEAD_BYTES + METADATA_BYTES + 4 * MAX_PIXELS;

/// The decoder; a frame is one message of at most `N` bytes, of either direction.
///
/// A spectrum stays in the buffer: [`Self::pixels`] hands it out until the next byte.
#[derive(Clone, Debug)]
pub struct Decoder<const N: usize = MAX_MESSAGE_BYTES> {
    stream: Stream<N>,
}

impl<const N: usize> Decoder<N> {
    /// A decoder that waits for the first start bytes.
    pub const fn new() -> Self {
        const { assert!(N >= OVERHEAD_BYTES, "room for a message without payload at least") };
        Self { stream: Stream::new() }
    }

    /// The data of the message just reported: its payload, or else its immediate data.
    pub fn data(&self) -> &[u8] {
        message::data(self.stream.raw())
    }

    /// What came before the pixels of a buffered spectrum; empty otherwise.
    pub fn metadata(&self) -> &[u8] {
        message::metadata(self.stream.raw())
    }

    /// Intensities by pixel of the spectrum just reported, in counts of the converter; empty when it is
    /// no spectrum.
    pub fn pixels(&self) -> impl Iterator<Item = u32> {
        message::pixels(self.stream.raw())
    }

    /// The one number of an answer about a coefficient or the temperature.
    pub fn number(&self) -> Option<Single> {
        self.data().try_into().ok().map(Single::from_le_bytes)
    }
}

impl<const N: usize> Default for Decoder<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Decode for Decoder<N> {
    type Item = Message;

    fn push(&mut self, byte: u8) -> Option<Event<Message>> {
        self.stream.push::<Obp>(byte)
    }

    fn raw(&self) -> &[u8] {
        self.stream.raw()
    }

    fn reset(&mut self) {
        self.stream = Stream::new();
    }
}
