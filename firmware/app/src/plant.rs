//! The plant link: what a simulated front end says to an emulated board over a spare UART.
//!
//! An emulated board has no load cell, loop or tube. Something outside plays them and sends what their converters would
//! have read, as often as it likes:
//!
//! ```text
//! byte  0..1   a5 5a
//!       2      version, 1
//!       3      sequence, +1 with every frame, from 255 to 0
//!       4      bits: 0 seal open, 1 there is a load-cell code, 2 the loop's converter answers, 3 there is a pulse count
//!       5..8   load-cell code, i32
//!       9..12  pulse count, u32, as the counter stands
//!       13..14 code of the loop's converter, i16
//!       15     order: 0 none, 1 stop feeding the watchdog, 2 panic; for tests, obeyed by simulated boards alone
//!       16..17 CRC-16/MODBUS over bytes 2 to 15, low byte first
//! ```
//!
//! Numbers have the most significant byte first. A field whose bit is not set counts for nothing. The sequence shows
//! what was lost; frames are obeyed whatever it says. After a broken frame the search begins again at its second byte,
//! so it does not cost the one behind it.

use heapless::Vec;
use tidewaiter_drivers::modbus::rtu::crc16;

use crate::line::count;

/// Bytes of a frame.
pub const FRAME_BYTES: usize = 18;

const START: [u8; 2] = [0xA5, 0x5A];
const VERSION: u8 = 1;

const SEAL_OPEN: u8 = 1 << 0;
const LOAD_CELL: u8 = 1 << 1;
const LOOP: u8 = 1 << 2;
const PULSES: u8 = 1 << 3;
const KNOWN: u8 = SEAL_OPEN | LOAD_CELL | LOOP | PULSES;

/// What a test wants a simulated board to do to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Order {
    /// Stop feeding the watchdog.
    Starve = 1,
    /// Panic.
    Panic = 2,
}

/// What the plant says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Number of the frame.
    pub sequence: u8,
    /// The switch under the seal.
    pub seal_open: bool,
    /// A conversion of the load cell.
    pub load_cell: Option<i32>,
    /// The pulse count.
    pub pulses: Option<u32>,
    /// A conversion of the loop's current; `None`: its converter is silent.
    pub loop_current: Option<i16>,
    /// An order.
    pub order: Option<Order>,
}

impl Frame {
    /// The bytes of a frame.
    pub fn encode(&self) -> [u8; FRAME_BYTES] {
        let bit = |holds: bool, bit: u8| if holds { bit } else { 0 };
        let bits = bit(self.seal_open, SEAL_OPEN)
            | bit(self.load_cell.is_some(), LOAD_CELL)
            | bit(self.loop_current.is_some(), LOOP)
            | bit(self.pulses.is_some(), PULSES);
        let [l3, l2, l1, l0] = self.load_cell.unwrap_or_default().to_be_bytes();
        let [p3, p2, p1, p0] = self.pulses.unwrap_or_default().to_be_bytes();
        let [c1, c0] = self.loop_current.unwrap_or_default().to_be_bytes();
        let order = self.order.map_or(0, |order| order as u8);
        let body = [VERSION, self.sequence, bits, l3, l2, l1, l0, p3, p2, p1, p0, c1, c0, order];
        let mut bytes = [0; FRAME_BYTES];
        let all = START.into_iter().chain(body).chain(crc16(&body).to_le_bytes());
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        bytes
    }

    /// Reads the bytes of a frame; `None` when they are none.
    pub fn parse(bytes: &[u8; FRAME_BYTES]) -> Option<Self> {
        let (start, rest) = bytes.split_first_chunk::<2>()?;
        let (body, crc) = rest.split_last_chunk::<2>()?;
        if *start != START || crc16(body) != u16::from_le_bytes(*crc) {
            return None;
        }
        let &[VERSION, sequence, bits, l3, l2, l1, l0, p3, p2, p1, p0, c1, c0, order] = body else { return None };
        let order = match order {
            0 => None,
            1 => Some(Order::Starve),
            2 => Some(Order::Panic),
            _ => return None,
        };
        let has = |bit: u8| bits & bit != 0;
        (bits & !KNOWN == 0).then_some(Self {
            sequence,
            seal_open: has(SEAL_OPEN),
            load_cell: has(LOAD_CELL).then_some(i32::from_be_bytes([l3, l2, l1, l0])),
            pulses: has(PULSES).then_some(u32::from_be_bytes([p3, p2, p1, p0])),
            loop_current: has(LOOP).then_some(i16::from_be_bytes([c1, c0])),
            order,
        })
    }
}

/// The node's end of the link.
#[derive(Clone, Debug, Default)]
pub struct Plant {
    bytes: Vec<u8, FRAME_BYTES>,
    last: Option<u8>,
    /// Whole frames.
    pub frames: u32,
    /// Bytes that belonged to no frame.
    pub garbage: u32,
    /// Frames that the sequence says have been lost.
    pub missed: u32,
}

impl Plant {
    /// A link on which nothing has come.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), last: None, frames: 0, garbage: 0, missed: 0 }
    }

    /// Takes a byte; gives the frame that ends with it.
    pub fn push(&mut self, byte: u8) -> Option<Frame> {
        // There is always room: a full buffer is dealt with below.
        let _ = self.bytes.push(byte);
        loop {
            let whole = self.bytes.as_slice().try_into().ok().map(Frame::parse);
            match whole {
                Some(Some(frame)) => {
                    self.bytes.clear();
                    count(&mut self.frames);
                    let expected = self.last.map_or(frame.sequence, |last| last.wrapping_add(1));
                    let missed = u32::from(frame.sequence.wrapping_sub(expected));
                    self.missed = self.missed.saturating_add(missed);
                    self.last = Some(frame.sequence);
                    return Some(frame);
                }
                None if START.starts_with(self.bytes.get(..2).unwrap_or(&self.bytes)) => return None,
                Some(None) | None => self.drop_first(),
            }
        }
    }

    fn drop_first(&mut self) {
        count(&mut self.garbage);
        self.bytes.rotate_left(1);
        let _ = self.bytes.pop();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    extern crate std;
    use std::vec::Vec as Bytes;

    use proptest::prelude::*;

    use super::*;

    fn frame(sequence: u8) -> Frame {
        Frame {
            sequence,
            seal_open: true,
            load_cell: Some(-2),
            pulses: Some(0x0102_0304),
            loop_current: Some(16_000),
            order: None,
        }
    }

    fn all(plant: &mut Plant, bytes: &[u8]) -> Bytes<Frame> {
        bytes.iter().filter_map(|&byte| plant.push(byte)).collect()
    }

    #[test]
    fn bytes_stand_where_the_layout_says() {
        // The CRC from Python, bit by bit
        assert_eq!(hex::encode(frame(7).encode()), "a55a01070ffffffffe010203043e80002d55");
    }

    #[test]
    fn what_is_no_frame_costs_only_itself() {
        let mut plant = Plant::new();
        let good = frame(1).encode();
        let mut broken = frame(2).encode();
        broken[9] ^= 1;
        // A frame that breaks off takes the head of the next with it, and gives it back.
        let stream = [&[0xA5, 0xA5, 0x5A, 1][..], &good, &broken, &good[..11], &frame(5).encode()].concat();
        assert_eq!(all(&mut plant, &stream), [frame(1), frame(5)]);
        assert_eq!((plant.frames, plant.missed, plant.garbage), (2, 3, 4 + 18 + 11));
    }

    #[test]
    fn another_version_bit_or_order_is_no_frame() {
        for (at, value) in [(2, 2), (4, 0x1F), (15, 3)] {
            let mut bytes = frame(1).encode();
            bytes[at] = value;
            let crc = crc16(&bytes[2..16]).to_le_bytes();
            bytes[16..].copy_from_slice(&crc);
            assert_eq!(Frame::parse(&bytes), None, "byte {at}");
        }
    }

    prop_compose! {
        fn frames()(
            sequence: u8,
            seal_open: bool,
            load_cell: Option<i32>,
            pulses: Option<u32>,
            loop_current: Option<i16>,
            order in prop::option::of(prop::sample::select(&[Order::Starve, Order::Panic][..])),
        ) -> Frame {
            Frame { sequence, seal_open, load_cell, pulses, loop_current, order }
        }
    }

    proptest! {
        #[test]
        fn a_frame_written_is_read(frame in frames()) {
            prop_assert_eq!(Frame::parse(&frame.encode()), Some(frame));
        }

        #[test]
        fn after_any_noise_the_second_frame_at_the_latest_is_read(
            noise in prop::collection::vec(prop_oneof![any::<u8>(), Just(0xA5), Just(0x5A)], 0..60),
            frame in frames(),
        ) {
            let mut plant = Plant::new();
            all(&mut plant, &noise);
            let read = all(&mut plant, &[frame.encode(), frame.encode()].concat());
            prop_assert_eq!(read.last(), Some(&frame));
        }
    }
}
