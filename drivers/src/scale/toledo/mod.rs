//! Toledo continuous output, as sent by Mettler-Toledo indicators and the many that imitate them.
//!
//! ```text
//! byte   1    2    3    4    5 … 10       11 … 16     17   18, where switched on
//!        02   SWA  SWB  SWC  six digits   six digits  0D   check
//!                            displayed    tare
//!
//! SWA    bits 2…0 point: 0 is ×100, 1 is ×10, 2 none, 3 … 7 one to five decimals
//!        bits 4…3 increment: 1, 2, 3 for steps of 1, 2, 5       bit 5 is 1, bit 6 is 0
//! SWB    bit 0 net   1 negative   2 out of range   3 motion   4 kg, else lb   5 is 1   6 not zeroed since power-up
//! SWC    bits 2…0 unit: 0 as SWB says, 1 g, 2 t, 3 oz, 6 short ton, 7 custom or none
//!        bit 3 print request   4 expanded ×10   5 is 1   6 keyboard tare (Fairbanks)
//! ```
//!
//! With the check, the low seven bits of all 18 bytes add up to 0 modulo 128. Whether it is sent
//! cannot be told from one frame, because 02 can be a check as well as the next start: it is
//! configured, and [`Spotter`] helps to find out. Lines of seven bits with parity are often read as
//! eight bits, so the eighth is left out of every comparison.
//!
//! Out of range, the digits are old or all nines; they are withheld. So they are in expanded mode: the
//! documents do not agree where the point then stands, and a display that is expanded is not one to
//! trade by. Unit codes 4, 5 and 7 differ between makers and are refused.
//!
//! Sources: Wildcat technical manual tables 6-8 … 6-11; IND445 technical manual 22013194B p. 50; Ohaus
//! Defender 5000 manual p. 68; Fairbanks PC2250; LUW2001 p. 15.

mod spotter;
mod words;

use heapless::Vec;

pub use spotter::{SPOTTED_FRAMES, Spotter};
pub use words::encode;

use super::display::Display;
use crate::{
    Decimal,
    reading::{Channels, Outcome},
    wire::{Decode, Event, GARBAGE_REPORT_BYTES, Refusal},
};

/// Length of a frame with its check.
pub const MAX_FRAME_BYTES: usize = 18;

const STX: u8 = 0x02;
const CR: u8 = 0x0D;
const CR_AT: usize = 16;

/// How an indicator is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Frames end with a check.
    pub check: bool,
    /// Point codes 0 and 1 say that one or two zeros are painted behind the digits. Most indicators send
    /// the digits without them; some clones send the whole number and the code none the less.
    pub dummy_zeros: DummyZeros,
}

/// What to make of point codes 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DummyZeros {
    /// Put them behind the digits, as the manuals say.
    Apply,
    /// The digits have them already.
    Ignore,
}

/// The step of the last digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// In ones.
    One,
    /// In twos.
    Two,
    /// In fives.
    Five,
}

impl Step {
    const fn size(self) -> i64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Five => 5,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            3 => Some(Self::Five),
            _ => None,
        }
    }

    const fn code(step: Option<Self>) -> u8 {
        match step {
            None => 0,
            Some(Self::One) => 1,
            Some(Self::Two) => 2,
            Some(Self::Five) => 3,
        }
    }
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are the bits of the status words")]
pub struct Frame {
    /// Gross or net, as displayed.
    pub display: Display,
    /// Tare.
    pub tare: Display,
    /// The code of the decimal point, 0 … 7.
    pub point_code: u8,
    /// The step of the last digit; `None` for code 0, which has no meaning.
    pub step: Option<Step>,
    /// The indicator has not been set to zero since power-up.
    pub not_zeroed: bool,
    /// The operator pressed print.
    pub print_request: bool,
    /// One more digit of resolution is shown.
    pub expanded: bool,
    /// The tare was keyed in.
    pub keyboard_tare: bool,
}

impl Frame {
    /// The scale interval `d`, in the unit displayed.
    pub fn scale_interval(&self, dummy_zeros: DummyZeros) -> Option<Decimal> {
        words::place(self.step?.size(), self.point_code, dummy_zeros)
    }
}

impl Channels for Frame {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        self.display.each(tell);
        self.tare.each(tell);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waiting for STX.
    Hunting { dropped: u16 },
    /// Behind STX.
    Inside,
    /// The buffer holds the frame just reported.
    Reported,
    /// The same, and the byte where its check belonged was the STX of the next frame.
    ReportedAtStart,
}

/// The decoder.
#[derive(Clone, Debug)]
pub struct Decoder {
    settings: Settings,
    frame: Vec<u8, MAX_FRAME_BYTES>,
    state: State,
}

impl Decoder {
    /// A decoder for an indicator set so.
    pub const fn new(settings: Settings) -> Self {
        Self { settings, frame: Vec::new(), state: State::Hunting { dropped: 0 } }
    }

    fn hunt(&mut self, dropped: u16) -> Option<Event<Frame>> {
        let report = dropped == GARBAGE_REPORT_BYTES;
        self.state = State::Hunting { dropped: if report { 0 } else { dropped } };
        report.then_some(Event::Garbage(dropped))
    }

    fn start(&mut self, byte: u8, dropped: u16) -> Option<Event<Frame>> {
        self.frame.clear();
        // Room for a whole frame was just made.
        let _ = self.frame.push(byte);
        self.state = State::Inside;
        (dropped > 0).then_some(Event::Garbage(dropped))
    }

    fn inside(&mut self, byte: u8) -> Option<Event<Frame>> {
        let at = self.frame.len();
        // No byte before the check can be an STX.
        if byte & 0x7F == STX && at <= CR_AT {
            let dropped = u16::try_from(at).unwrap_or(u16::MAX);
            return self.start(byte, dropped);
        }
        // Never full here: the frame is judged at its last byte, the eighteenth at the latest.
        let _ = self.frame.push(byte);
        let ends = byte & 0x7F == CR;
        if at <= CR_AT && ends != (at == CR_AT) {
            self.state = State::Reported;
            return Some(Event::Refused(Refusal::Shape));
        }
        let last = if self.settings.check { CR_AT + 1 } else { CR_AT };
        if at < last {
            return None;
        }
        self.state = State::Reported;
        let read = words::read(self.settings, &self.frame);
        if self.settings.check && matches!(read, Err(Refusal::Checksum)) && byte & 0x7F == STX {
            self.state = State::ReportedAtStart;
        }
        Some(match read {
            Ok(frame) => Event::Frame(frame),
            Err(refusal) => Event::Refused(refusal),
        })
    }
}

impl Decode for Decoder {
    type Item = Frame;

    fn push(&mut self, byte: u8) -> Option<Event<Frame>> {
        match self.state {
            State::Inside => self.inside(byte),
            State::ReportedAtStart => {
                self.start(STX, 0);
                self.inside(byte)
            }
            State::Hunting { dropped } if byte & 0x7F == STX => self.start(byte, dropped),
            State::Reported if byte & 0x7F == STX => self.start(byte, 0),
            State::Hunting { dropped } => self.hunt(dropped + 1),
            State::Reported => self.hunt(1),
        }
    }

    fn raw(&self) -> &[u8] {
        &self.frame
    }

    fn reset(&mut self) {
        *self = Self::new(self.settings);
    }
}

/// Single letters most indicators obey, where the maker's menu allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// `P`: print.
    Print,
    /// `T`: tare.
    Tare,
    /// `Z`: zero.
    Zero,
    /// `C`: clear the tare.
    ClearTare,
}

impl Request {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Print, Self::Tare, Self::Zero, Self::ClearTare];

    /// The byte to send.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Print => b'P',
            Self::Tare => b'T',
            Self::Zero => b'Z',
            Self::ClearTare => b'C',
        }
    }

    /// Reads the byte back.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.byte() == byte)
    }
}
