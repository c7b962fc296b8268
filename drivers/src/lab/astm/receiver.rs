//! The receiving side of the link.

use heapless::Vec;

use super::{
    ACK, ENQ, EOT, ETB, MAX_FRAME_TEXT_BYTES, MAX_MESSAGE_BYTES, NAK, checksum,
    record::{Records, result_outcome},
};
use crate::{
    reading::{Channels, Outcome},
    wire::{
        Decode, Event, GARBAGE_REPORT_BYTES, Refusal,
        envelope::{ETX, STX},
    },
};

/// What the link brought.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to put a message on")]
pub enum Received {
    /// ENQ: a transmission begins.
    Opened,
    /// A frame with more to follow.
    Part,
    /// The last frame of a text: the text is whole.
    Message(Message),
    /// A frame seen before, sent again because our answer was lost: acknowledged and not taken twice.
    Repeated,
    /// EOT: the transmission is over.
    Closed,
}

/// A whole text: one or more records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message(Vec<u8, MAX_MESSAGE_BYTES>);

impl Message {
    /// The bytes as they came, put together.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its records.
    pub fn records(&self) -> Records<'_> {
        Records::new(&self.0)
    }
}

impl Channels for Received {
    /// Every result record is a channel named by its test.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let Self::Message(message) = self else {
            return;
        };
        for record in message.records() {
            if let Some((name, outcome)) = result_outcome(&record) {
                tell(&name, outcome);
            }
        }
    }
}

/// Where in the protocol the receiver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The line is free: ENQ is waited for.
    Neutral,
    /// A frame or EOT is waited for.
    Between,
    /// In the text of a frame; its number, its text, ETB or ETX are collected.
    Text,
    /// Behind ETB or ETX: so many check characters are here.
    Check(u8, [u8; 2]),
    /// The check is complete: CR, LF are waited for.
    Tail,
    /// A frame that cannot be kept is passing.
    Overlong,
}

/// The receiver: bytes in, events out, and the answer to send.
///
/// As a decoder it reports each completed step; after each [`Decode::push`] that returned an event,
/// [`Receiver::reply`] has the byte to send, if one is due.
#[derive(Clone, Debug)]
pub struct Receiver {
    place: Place,
    /// Number, text, ETB or ETX of the frame under way or just reported.
    frame: Vec<u8, { MAX_FRAME_TEXT_BYTES + 2 }>,
    message: Vec<u8, MAX_MESSAGE_BYTES>,
    /// Number of the frame that must come next, `0..=7`.
    expected: u8,
    /// Frames taken since ENQ; a repetition of none is none.
    taken: bool,
    dropped: u16,
    reply: Option<u8>,
}

impl Receiver {
    /// A receiver on a free line.
    pub const fn new() -> Self {
        Self {
            place: Place::Neutral,
            frame: Vec::new(),
            message: Vec::new(),
            expected: 1,
            taken: false,
            dropped: 0,
            reply: None,
        }
    }

    /// The byte to send now, ACK or NAK; handed out once.
    pub const fn reply(&mut self) -> Option<u8> {
        self.reply.take()
    }

    /// Whether a transmission is under way.
    pub fn is_open(&self) -> bool {
        self.place != Place::Neutral
    }

    /// Nothing came for [`super::FRAME_TIMEOUT_S`]: the line counts as free, and what was not whole is dropped.
    pub fn timed_out(&mut self) {
        *self = Self::new();
    }

    fn open(&mut self) -> Event<Received> {
        *self = Self { place: Place::Between, reply: Some(ACK), ..Self::new() };
        Event::Frame(Received::Opened)
    }

    fn drop_byte(&mut self) -> Option<Event<Received>> {
        self.dropped += 1;
        if self.dropped == GARBAGE_REPORT_BYTES {
            self.dropped = 0;
            return Some(Event::Garbage(GARBAGE_REPORT_BYTES));
        }
        None
    }

    fn refuse(&mut self, refusal: Refusal) -> Event<Received> {
        self.place = Place::Between;
        self.reply = Some(NAK);
        Event::Refused(refusal)
    }

    /// The frame is whole and its check characters are these.
    fn finish(&mut self, check: [u8; 2]) -> Event<Received> {
        let hexadecimal = |byte| char::from(byte).to_digit(16);
        let [high, low] = check.map(hexadecimal);
        let found = high.zip(low).map(|(high, low)| 16 * high + low);
        if found != Some(u32::from(checksum(&self.frame))) {
            return self.refuse(Refusal::Checksum);
        }
        let &[number, ref text @ .., end] = self.frame.as_slice() else {
            return self.refuse(Refusal::Shape);
        };
        let Some(number) = number.checked_sub(b'0').filter(|&it| it <= 7) else {
            return self.refuse(Refusal::Shape);
        };
        self.place = Place::Tail;
        if self.taken && (number + 1) % 8 == self.expected {
            self.reply = Some(ACK);
            return Event::Frame(Received::Repeated);
        }
        if number != self.expected {
            // A frame is missing; asking again cannot bring it, but the sender will notice and start over.
            return self.refuse(Refusal::Shape);
        }
        if self.message.extend_from_slice(text).is_err() {
            self.message.clear();
            return self.refuse(Refusal::TooLong);
        }
        self.expected = (number + 1) % 8;
        self.taken = true;
        self.reply = Some(ACK);
        Event::Frame(if end == ETX {
            Received::Message(Message(core::mem::take(&mut self.message)))
        } else {
            Received::Part
        })
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Decode for Receiver {
    type Item = Received;

    fn push(&mut self, byte: u8) -> Option<Event<Received>> {
        let in_frame = matches!(self.place, Place::Text | Place::Check(..) | Place::Overlong);
        match (self.place, byte) {
            // Between frames the characters of the link stand alone; in a frame ENQ is damage as well, and a
            // sender that starts over is believed.
            (_, ENQ) => Some(self.open()),
            (Place::Neutral, _) => self.drop_byte(),
            (_, STX) => {
                let broken = if in_frame { self.frame.len() + 1 } else { usize::from(self.dropped) };
                self.frame.clear();
                self.dropped = 0;
                self.place = Place::Text;
                let broken = u16::try_from(broken).unwrap_or(u16::MAX).min(GARBAGE_REPORT_BYTES);
                (broken > 0).then_some(Event::Garbage(broken))
            }
            (_, EOT) => {
                // A text that was not finished is not a message.
                *self = Self::new();
                Some(Event::Frame(Received::Closed))
            }
            (Place::Text, _) => {
                if self.frame.push(byte).is_err() {
                    self.place = Place::Overlong;
                    return None;
                }
                if matches!(byte, ETX | ETB) {
                    self.place = Place::Check(0, [0; 2]);
                }
                None
            }
            (Place::Check(0, _), _) => {
                self.place = Place::Check(1, [byte, 0]);
                None
            }
            (Place::Check(_, [high, _]), _) => Some(self.finish([high, byte])),
            // The whole frame passes before it is refused: an answer into its middle would be lost.
            (Place::Overlong, b'\n') => Some(self.refuse(Refusal::TooLong)),
            (Place::Overlong, _) | (Place::Between | Place::Tail, b'\r' | b'\n') => None,
            (Place::Between | Place::Tail, _) => self.drop_byte(),
        }
    }

    fn raw(&self) -> &[u8] {
        &self.frame
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}
