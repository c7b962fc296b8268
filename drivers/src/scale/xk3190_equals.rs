//! The `=` forms of XK3190-A26, A23P, clones of the A12, and Caixin XK315A1: continuous, nothing but a number.
//!
//! ```text
//! reversed   =  value, last character first, its point among them  0 or -      =000.3000   3.000
//! forward    =  0 or -  value                                                  =0003.000   3.000
//! ```
//!
//! There is no end, no check, no unit and no statement of rest. Most frames read as a plausible mass in
//! both orders (`=000.3000` is 3.000 reversed and 0.3000 forward), so the order is configured, never
//! found out, and confirmed with a known load at commissioning. So is the width; a wrong one would cut
//! off digits, which is why a number is believed only once the `=` of the next frame, or a line end,
//! follows it at the configured place. A reading thus comes one byte late.
//!
//! Sources: manuals of XK3190-A26 p. 12–13 and A23P; a data page of the XK315A1 for the width of six.

use heapless::Vec;

use super::{
    digits,
    display::{Display, Kind, Motion},
};
use crate::{
    Unit,
    wire::{Decode, Event, GARBAGE_REPORT_BYTES, Refusal},
};

/// Fewest characters of a value.
pub const MIN_VALUE_CHARS: u8 = 2;

/// Most characters of a value; the widest known has 7.
pub const MAX_VALUE_CHARS: u8 = 12;

/// Longest frame in bytes.
pub const MAX_FRAME_BYTES: usize = MAX_VALUE_CHARS as usize + 2;

/// Which end of the number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The last character first, the sign at the end.
    Reversed,
    /// The sign first, then the number as it is read.
    Forward,
}

/// How an indicator is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    order: Order,
    value_chars: u8,
}

impl Layout {
    /// Continuous format 1 of the A26, reversed in seven characters.
    pub const A26_FORMAT_1: Self = Self { order: Order::Reversed, value_chars: 7 };

    /// Continuous format 2 of the A26, forward in seven characters.
    pub const A26_FORMAT_2: Self = Self { order: Order::Forward, value_chars: 7 };

    /// XK315A1 with address 00, reversed in six characters.
    pub const XK315A1: Self = Self { order: Order::Reversed, value_chars: 6 };

    /// Another width, counted without `=` and sign; `None` outside [`MIN_VALUE_CHARS`] … [`MAX_VALUE_CHARS`].
    pub const fn new(order: Order, value_chars: u8) -> Option<Self> {
        if value_chars < MIN_VALUE_CHARS || value_chars > MAX_VALUE_CHARS {
            None
        } else {
            Some(Self { order, value_chars })
        }
    }

    const fn frame_bytes(self) -> usize {
        self.value_chars as usize + 2
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waiting for `=`.
    Hunting { dropped: u16 },
    /// Behind `=`.
    Inside,
    /// As wide as configured; the next byte tells whether that was all.
    Full,
    /// The buffer holds what was just reported.
    Reported,
    /// The same, and the byte that ended it was the `=` of the next frame.
    ReportedAtStart,
}

/// The decoder; a frame is what the display shows.
#[derive(Clone, Debug)]
pub struct Decoder {
    layout: Layout,
    unit: Unit,
    frame: Vec<u8, MAX_FRAME_BYTES>,
    state: State,
}

impl Decoder {
    /// A decoder for this layout and the unit set at the indicator.
    pub const fn new(layout: Layout, unit: Unit) -> Self {
        Self { layout, unit, frame: Vec::new(), state: State::Hunting { dropped: 0 } }
    }

    fn hunt(&mut self, dropped: u16) -> Option<Event<Display>> {
        let report = dropped == GARBAGE_REPORT_BYTES;
        self.state = State::Hunting { dropped: if report { 0 } else { dropped } };
        report.then_some(Event::Garbage(dropped))
    }

    fn start(&mut self, dropped: u16) -> Option<Event<Display>> {
        self.frame.clear();
        // Room for a whole frame was just made.
        let _ = self.frame.push(b'=');
        self.state = State::Inside;
        (dropped > 0).then_some(Event::Garbage(dropped))
    }

    fn inside(&mut self, byte: u8) -> Option<Event<Display>> {
        if byte == b'=' {
            let dropped = u16::try_from(self.frame.len()).unwrap_or(u16::MAX);
            return self.start(dropped);
        }
        // Never full here: at the configured width, which fits, the state is another.
        let _ = self.frame.push(byte);
        if self.frame.len() == self.layout.frame_bytes() {
            self.state = State::Full;
        }
        None
    }

    fn judge(&self) -> Event<Display> {
        match read(self.layout, &self.frame) {
            Ok(shown) => Event::Frame(Display::value(Kind::Displayed, shown, self.unit, Motion::Unstated)),
            Err(refusal) => Event::Refused(refusal),
        }
    }
}

impl Decode for Decoder {
    type Item = Display;

    fn push(&mut self, byte: u8) -> Option<Event<Display>> {
        match (self.state, byte) {
            (State::Hunting { dropped }, b'=') => self.start(dropped),
            (State::Hunting { dropped }, _) => self.hunt(dropped + 1),
            (State::Inside, _) => self.inside(byte),
            (State::Full, b'=') => {
                self.state = State::ReportedAtStart;
                Some(self.judge())
            }
            (State::Full, b'\r' | b'\n') => {
                self.state = State::Reported;
                Some(self.judge())
            }
            (State::Full, _) => {
                self.state = State::Hunting { dropped: 1 };
                Some(Event::Refused(Refusal::TooLong))
            }
            (State::Reported, b'=') => self.start(0),
            (State::Reported, b'\r' | b'\n') => None,
            (State::Reported, _) => self.hunt(1),
            (State::ReportedAtStart, _) => {
                self.start(0);
                self.inside(byte)
            }
        }
    }

    fn raw(&self) -> &[u8] {
        &self.frame
    }

    fn reset(&mut self) {
        *self = Self::new(self.layout, self.unit);
    }
}

fn read(layout: Layout, frame: &[u8]) -> Result<crate::Decimal, Refusal> {
    let mut text = Vec::<u8, MAX_FRAME_BYTES>::from_slice(frame).map_err(|_| Refusal::TooLong)?;
    let [b'=', shown @ ..] = text.as_mut_slice() else {
        return Err(Refusal::Shape);
    };
    if layout.order == Order::Reversed {
        shown.reverse();
    }
    let [sign, number @ ..] = &*shown else {
        return Err(Refusal::Shape);
    };
    let value = digits::read_unsigned(number)?;
    match sign {
        b'0' => Ok(value),
        b'-' => digits::negated(value),
        _ => Err(Refusal::Shape),
    }
}

/// Writes the frame of an indicator that shows this; `None` when there is no number, or one too wide.
///
/// The decoder believes it at the `=` of the next one.
pub fn encode(layout: Layout, display: &Display) -> Option<Vec<u8, MAX_FRAME_BYTES>> {
    let value = display.shown.ok()?;
    let mut frame = Vec::new();
    frame.extend_from_slice(&[b'=', digits::sign(value, b'0')]).ok()?;
    digits::put_magnitude(&mut frame, value, usize::from(layout.value_chars), b'0')?;
    if layout.order == Order::Reversed {
        frame.get_mut(1..)?.reverse();
    }
    Some(frame)
}
