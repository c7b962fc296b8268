//! Cuts a stream into frames between STX and ETX.
//!
//! STX starts a frame wherever it comes, so a frame that breaks off never costs the one behind it.
//! Carriage returns and line feeds between frames are nothing.

use heapless::Vec;

use super::GARBAGE_REPORT_BYTES;

/// Start of text.
pub const STX: u8 = 0x02;

/// End of text.
pub const ETX: u8 = 0x03;

/// What one byte completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A frame; [`Envelopes::text`] has what stood between STX and ETX.
    Frame,
    /// The frame outgrew the buffer. The rest of it will be dropped.
    TooLong,
    /// Bytes dropped up to a start of text.
    Garbage(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Dropping up to the next STX.
    Outside { dropped: u16 },
    /// Between STX and ETX.
    Inside,
}

/// A cutter with room for `N` bytes between STX and ETX.
#[derive(Clone, Debug)]
pub struct Envelopes<const N: usize> {
    buffer: Vec<u8, N>,
    state: State,
}

impl<const N: usize> Envelopes<N> {
    /// A cutter that waits for the first STX.
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), state: State::Outside { dropped: 0 } }
    }

    /// Takes one byte.
    pub fn push(&mut self, byte: u8) -> Option<Cut> {
        match (self.state, byte) {
            (state, STX) => {
                let broken = match state {
                    State::Outside { dropped } => dropped,
                    // The STX of the frame that broke off counts, too.
                    State::Inside => u16::try_from(self.buffer.len() + 1).unwrap_or(u16::MAX),
                };
                self.buffer.clear();
                self.state = State::Inside;
                (broken > 0).then_some(Cut::Garbage(broken))
            }
            (State::Inside, ETX) => {
                self.state = State::Outside { dropped: 0 };
                Some(Cut::Frame)
            }
            (State::Inside, byte) => {
                if self.buffer.push(byte).is_err() {
                    self.state = State::Outside { dropped: 1 };
                    return Some(Cut::TooLong);
                }
                None
            }
            (State::Outside { dropped: 0 }, b'\r' | b'\n') => None,
            (State::Outside { dropped }, _) => {
                let dropped = dropped + 1;
                let report = dropped == GARBAGE_REPORT_BYTES;
                self.state = State::Outside { dropped: if report { 0 } else { dropped } };
                report.then_some(Cut::Garbage(dropped))
            }
        }
    }

    /// What stood between STX and ETX; after [`Cut::TooLong`] what fitted of it.
    pub fn text(&self) -> &[u8] {
        &self.buffer
    }
}

impl<const N: usize> Default for Envelopes<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{string::String, vec::Vec};

    use super::*;

    fn cut(stream: &[u8]) -> Vec<(Cut, String)> {
        let mut envelopes = Envelopes::<8>::new();
        let mut out = Vec::new();
        for &byte in stream {
            if let Some(cut) = envelopes.push(byte) {
                let text = if cut == Cut::Frame {
                    String::from_utf8_lossy(envelopes.text()).into_owned()
                } else {
                    String::new()
                };
                out.push((cut, text));
            }
        }
        out
    }

    #[test]
    fn a_start_of_text_always_starts_a_frame() {
        let got = cut(b"xy\x02ab\x02cd\x03\r\n\x02ef\x03");
        let expected = [
            (Cut::Garbage(2), String::new()),
            (Cut::Garbage(3), String::new()),
            (Cut::Frame, String::from("cd")),
            (Cut::Frame, String::from("ef")),
        ];
        assert_eq!(got, expected);
    }

    #[test]
    fn an_overlong_frame_is_one_refusal_and_its_tail_is_garbage() {
        let got = cut(b"\x02123456789ab\x03\x02ok\x03");
        let expected =
            [(Cut::TooLong, String::new()), (Cut::Garbage(4), String::new()), (Cut::Frame, String::from("ok"))];
        assert_eq!(got, expected);
    }
}
