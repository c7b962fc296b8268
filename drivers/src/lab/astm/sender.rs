//! The sending side of the link: what a simulated instrument does, and a host that sends orders.

use heapless::Vec;

use super::{
    ACK, ENQ, EOT, MAX_SENT_TEXT_BYTES, MAX_TRIES, NAK,
    frame::{MAX_SENT_FRAME_BYTES, encode_frame, is_link_character},
};

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to put a frame on")]
pub enum Step {
    /// Send these bytes and wait for an answer.
    Send(Vec<u8, MAX_SENT_FRAME_BYTES>),
    /// Send EOT; the transmission is over, and this is how it ended.
    Finish(Result<(), GaveUp>),
    /// The receiver is busy: wait [`super::BUSY_PAUSE_S`] and call [`Sender::start`] again.
    Pause,
}

/// Why a transmission was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum GaveUp {
    /// No answer in time.
    #[error("the receiver did not answer")]
    Silence,
    /// The same frame was refused so often that the line must be at fault.
    #[error("the receiver refused frame {0} six times")]
    Refused(u32),
    /// The other side asked for the line at the same time; it goes first.
    #[error("the other side wants to send as well")]
    Contention,
}

/// Sends records, each as one text, cut into frames where it is long.
#[derive(Clone, Debug)]
pub struct Sender<'r> {
    records: &'r [&'r [u8]],
    /// The record under way, and how much of it is acknowledged.
    record: usize,
    sent: usize,
    /// Frames acknowledged.
    frames: u32,
    tries: u8,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Asking,
    Sending,
    Over,
}

impl<'r> Sender<'r> {
    /// A sender of these records, each without its CR.
    ///
    /// `None` when a record has characters of the link in it, or a CR.
    pub fn new(records: &'r [&'r [u8]]) -> Option<Self> {
        let clean = |record: &&[u8]| !record.iter().any(|&byte| is_link_character(byte) || byte == b'\r');
        records.iter().all(clean).then_some(Self {
            records,
            record: 0,
            sent: 0,
            frames: 0,
            tries: 0,
            state: State::Idle,
        })
    }

    /// Asks for the line.
    pub fn start(&mut self) -> Step {
        if self.state == State::Over {
            return Step::Finish(Ok(()));
        }
        self.state = State::Asking;
        let mut bytes = Vec::new();
        let _ = bytes.push(ENQ);
        Step::Send(bytes)
    }

    /// Takes one byte of the receiver's answer; `None` for a byte that is none.
    pub fn answered(&mut self, byte: u8) -> Option<Step> {
        match (self.state, byte) {
            (State::Asking, ACK) => {
                self.state = State::Sending;
                Some(self.frame())
            }
            (State::Asking, NAK) => {
                self.state = State::Idle;
                Some(Step::Pause)
            }
            (State::Asking, ENQ) => Some(self.give_up(GaveUp::Contention)),
            // EOT here asks the sender to come to an end soon; the frame itself is acknowledged by it.
            (State::Sending, ACK | EOT) => {
                self.acknowledged();
                Some(self.frame())
            }
            (State::Sending, NAK) => {
                self.tries += 1;
                Some(if self.tries >= MAX_TRIES {
                    self.give_up(GaveUp::Refused(self.frames + 1))
                } else {
                    self.frame()
                })
            }
            _ => None,
        }
    }

    /// Nothing came for [`super::REPLY_TIMEOUT_S`].
    pub fn timed_out(&mut self) -> Step {
        self.give_up(GaveUp::Silence)
    }

    fn give_up(&mut self, reason: GaveUp) -> Step {
        self.state = State::Over;
        Step::Finish(Err(reason))
    }

    /// The text that stands next, and whether it ends its record. The CR belongs to the record's last frame.
    fn next_text(&self) -> Option<(Vec<u8, MAX_SENT_TEXT_BYTES>, bool)> {
        let rest = self.records.get(self.record)?.get(self.sent..)?;
        // One byte is kept for the CR.
        let last = rest.len() < MAX_SENT_TEXT_BYTES;
        let mut text = Vec::new();
        let _ = text.extend_from_slice(rest.get(..rest.len().min(MAX_SENT_TEXT_BYTES - 1))?);
        if last {
            let _ = text.push(b'\r');
        }
        Some((text, last))
    }

    fn acknowledged(&mut self) {
        let Some((text, last)) = self.next_text() else {
            return;
        };
        self.frames += 1;
        self.tries = 0;
        if last {
            self.record += 1;
            self.sent = 0;
        } else {
            self.sent += text.len();
        }
    }

    fn frame(&mut self) -> Step {
        let number = u8::try_from((self.frames + 1) % 8).unwrap_or(0);
        match self.next_text().and_then(|(text, last)| encode_frame(number, &text, last)) {
            Some(frame) => Step::Send(frame),
            None => {
                self.state = State::Over;
                Step::Finish(Ok(()))
            }
        }
    }
}
