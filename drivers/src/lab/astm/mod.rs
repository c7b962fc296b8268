//! The laboratory link of ASTM E1381 (CLSI LIS01-A2) and the records of ASTM E1394 (CLSI LIS02-A2).
//!
//! Two layers. The link carries text in numbered, checked and acknowledged frames, and either side may start:
//!
//! ```text
//! sender                                   receiver
//! ENQ                                  →
//!                                      ←   ACK (NAK: busy, ask again in 10 s)
//! STX n text ETB|ETX c c CR LF         →   n counts 1, 2 … 7, 0, 1; ETB: more of the same text follows
//!                                      ←   ACK, or NAK: the same frame again, six times at most
//! EOT                                  →
//! ```
//!
//! `c c` is the sum of the bytes from `n` to ETB or ETX, modulo 256, in two hexadecimal digits. Some instruments leave
//! out the CR behind it, which the receiver allows. [`Receiver`] and [`Sender`] are the two sides; neither has a
//! clock, so the one who drives them reports silence with `timed_out`.
//!
//! The text is records, one per line, each a letter and fields: [`record`].

mod frame;
mod receiver;
pub mod record;
mod sender;

pub use frame::{checksum, encode_frame};
pub use receiver::{Message, Received, Receiver};
pub use sender::{GaveUp, Sender, Step};

/// Enquiry: the sender asks for the line.
pub const ENQ: u8 = 0x05;
/// Acknowledge.
pub const ACK: u8 = 0x06;
/// Not acknowledged: send again.
pub const NAK: u8 = 0x15;
/// End of transmission: the line is free.
pub const EOT: u8 = 0x04;
/// End of an intermediate frame.
pub const ETB: u8 = 0x17;

/// Longest text of one frame that is sent: 240 characters, the limit of ASTM E1381-95, 6.3.1.2. Later editions
/// allow 63 993, which no small instrument has memory for.
pub const MAX_SENT_TEXT_BYTES: usize = 240;

/// Longest text of one frame that is received. Instruments go beyond 240 with one long record to a frame; what is
/// longer than this is a curve or an image and is refused, so that a wrong line cannot fill the memory.
pub const MAX_FRAME_TEXT_BYTES: usize = 1024;

/// Longest text put together from frames.
pub const MAX_MESSAGE_BYTES: usize = 2048;

/// Times a frame is sent before the sender gives up: six (ASTM E1381-95, 6.5.1.2).
pub const MAX_TRIES: u8 = 6;

/// Seconds a sender waits for an answer (ASTM E1381-95, 6.5.2.1).
pub const REPLY_TIMEOUT_S: u16 = 15;

/// Seconds a receiver waits for a frame or EOT before it takes the line for free (6.5.2.2).
pub const FRAME_TIMEOUT_S: u16 = 30;

/// Seconds a sender waits after NAK to its ENQ (6.2.4).
pub const BUSY_PAUSE_S: u16 = 10;
