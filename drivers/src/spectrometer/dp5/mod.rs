//! Amptek digital pulse processors: DP5, DP5-X, PX5, DP5G, TB-5, MCA8000D and what is built from them.
//!
//! Strict question and answer; every packet has one form, on RS-232, USB and UDP alike:
//!
//! ```text
//! F5 FA   PID1  PID2   length (2, MSB first)   data   checksum (2, MSB first)
//! ```
//!
//! The checksum makes the 16-bit sum over all bytes before it, sync included, plus the checksum word
//! zero. A spectrum has three bytes per channel, least significant first, channel 0 first; a status
//! has 64 bytes and may follow the spectrum in the same packet.
//!
//! Three traps of the protocol that a driver must know:
//!
//! - RS-232: two bytes of a request more than 100 ms apart make the device drop it without a word, so
//!   a request is written in one call.
//! - UDP: a spectrum spans datagrams that carry no sequence number. They are fed to the decoder in the
//!   order of arrival, and the checksum refuses what came out of order.
//! - Settings sent with [`Request::ConfigureKept`] are burnt into flash, which stalls the device and wears
//!   it: configure once, read back, and send only what differs.
//!
//! Source: Amptek, *DP5 Programmer's Guide*, revision B1. Not here: ports, time-outs, and whether a
//! spectrum is plausible (its sum never exceeds the slow count).

mod encode;
mod packet;
mod settings;
mod status;

pub use encode::{
    EncodeError, MAX_CHANNEL_COUNT, MAX_REQUEST_BYTES, encode_acknowledgement, encode_echo, encode_request,
    encode_settings, encode_spectrum, encode_status,
};
pub use packet::{Acknowledgement, Packet, Request, channel_counts};
pub use settings::{MAX_VALUE_BYTES, Setting, command_text, settings};
pub use status::{
    Device, FAULT_GATED, FAULT_NOT_CONFIGURED, FAULT_RESTARTED, STATUS_BYTES, Status, StatusFlags, Version,
};

use self::packet::DP5;
use super::stream::Stream;
use crate::wire::{Decode, Event};

/// Bytes around the data of a packet.
pub const OVERHEAD_BYTES: usize = 8;

/// Most data bytes of a request.
pub const MAX_REQUEST_DATA_BYTES: usize = 512;

/// Most channels of a spectrum.
pub const MAX_CHANNELS: usize = 8192;

/// Longest packet: 8192 channels of three bytes, and a status.
pub const MAX_PACKET_BYTES: usize = OVERHEAD_BYTES + 3 * MAX_CHANNELS + STATUS_BYTES;

/// The decoder; a frame is one packet of at most `N` bytes, of either direction.
///
/// The default has room for every packet. A node with little memory that never configures more than
/// 1024 channels does with 3144; a longer packet is then refused as too long.
///
/// A spectrum stays in the buffer: [`Self::spectrum`] hands it out until the next byte.
#[derive(Clone, Debug)]
pub struct Decoder<const N: usize = MAX_PACKET_BYTES> {
    stream: Stream<N>,
}

impl<const N: usize> Decoder<N> {
    /// A decoder that waits for the first sync.
    pub const fn new() -> Self {
        const { assert!(N >= OVERHEAD_BYTES + STATUS_BYTES, "room for a status packet at least") };
        Self { stream: Stream::new() }
    }

    /// The data of the packet just reported, without head and checksum.
    pub fn data(&self) -> &[u8] {
        packet::data(self.stream.raw())
    }

    /// Counts per channel, channel 0 first, of the packet just reported; empty when it is no spectrum.
    pub fn spectrum(&self) -> impl ExactSizeIterator<Item = u32> {
        packet::spectrum(self.stream.raw())
    }

    /// The text of the packet just reported; `None` when it is not ASCII.
    pub fn text(&self) -> Option<&str> {
        core::str::from_utf8(self.data()).ok().filter(|it| it.is_ascii())
    }
}

impl<const N: usize> Default for Decoder<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Decode for Decoder<N> {
    type Item = Packet;

    fn push(&mut self, byte: u8) -> Option<Event<Packet>> {
        self.stream.push::<DP5>(byte)
    }

    fn raw(&self) -> &[u8] {
        self.stream.raw()
    }

    fn reset(&mut self) {
        self.stream = Stream::new();
    }
}
