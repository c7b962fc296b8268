//! Cuts a stream of text at its line ends.
//!
//! `CR LF`, `LF CR`, `CR` and `LF` all end a line. An empty line is nothing, which also makes the
//! second half of `CR LF` vanish, even when it arrives alone in the next chunk.

use heapless::{Vec, VecView};

use super::GARBAGE_REPORT_BYTES;

/// What one byte completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A line; [`Lines::line`] has it, without its end.
    Line,
    /// The line outgrew the buffer. The rest of it will be dropped.
    TooLong,
    /// Bytes dropped up to a line end.
    Garbage(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Dropping up to the next line end.
    Seeking { dropped: u16 },
    /// Collecting.
    Filling,
    /// The buffer holds what was just reported; the next byte starts afresh.
    Reported,
}

/// A line cutter with room for `N` bytes.
#[derive(Clone, Debug)]
pub struct Lines<const N: usize> {
    buffer: Vec<u8, N>,
    state: State,
}

impl<const N: usize> Lines<N> {
    /// A cutter for a stream that starts at the start of a line (a file, a fresh connection).
    pub const fn at_line_start() -> Self {
        Self { buffer: Vec::new(), state: State::Filling }
    }

    /// A cutter for a stream joined at an unknown place: it drops up to the first line end, since
    /// the tail of `10.54pH` reads as a perfectly good `0.54pH`.
    pub const fn in_mid_line() -> Self {
        Self { buffer: Vec::new(), state: State::Seeking { dropped: 0 } }
    }

    /// Takes one byte.
    pub fn push(&mut self, byte: u8) -> Option<Cut> {
        self.state.push(self.buffer.as_mut_view(), byte)
    }

    /// The line just reported, without its end; after [`Cut::TooLong`] what fitted of it.
    pub fn line(&self) -> &[u8] {
        &self.buffer
    }
}

impl State {
    /// Takes one byte, whatever the room: once for cutters of all lengths.
    fn push(&mut self, buffer: &mut VecView<u8>, byte: u8) -> Option<Cut> {
        let ends_line = byte == b'\r' || byte == b'\n';
        match *self {
            State::Seeking { dropped } if ends_line => {
                buffer.clear();
                *self = State::Filling;
                (dropped > 0).then_some(Cut::Garbage(dropped))
            }
            State::Seeking { dropped } => {
                let dropped = dropped + 1;
                let report = dropped == GARBAGE_REPORT_BYTES;
                *self = State::Seeking { dropped: if report { 0 } else { dropped } };
                report.then_some(Cut::Garbage(dropped))
            }
            State::Filling | State::Reported => {
                if *self == State::Reported {
                    buffer.clear();
                    *self = State::Filling;
                }
                if ends_line {
                    if buffer.is_empty() {
                        return None;
                    }
                    *self = State::Reported;
                    return Some(Cut::Line);
                }
                if buffer.push(byte).is_err() {
                    *self = State::Seeking { dropped: 1 };
                    return Some(Cut::TooLong);
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    extern crate std;
    use std::{string::String, vec::Vec};

    use super::*;

    fn cut(mut lines: Lines<8>, stream: &[u8]) -> Vec<(Cut, String)> {
        let mut out = Vec::new();
        for &byte in stream {
            if let Some(cut) = lines.push(byte) {
                let text =
                    if cut == Cut::Line { String::from_utf8_lossy(lines.line()).into_owned() } else { String::new() };
                out.push((cut, text));
            }
        }
        out
    }

    fn line(text: &str) -> (Cut, String) {
        (Cut::Line, text.into())
    }

    #[test]
    fn every_line_end_ends_one_line() {
        for stream in [b"ab\r\ncd\r\n".as_slice(), b"ab\ncd\n", b"ab\rcd\r", b"ab\n\rcd\n\r", b"\r\n\r\nab\r\n\r\ncd\r"]
        {
            assert_eq!(cut(Lines::at_line_start(), stream), [line("ab"), line("cd")]);
        }
    }

    #[test]
    fn joined_in_mid_line_drops_to_the_first_end() {
        assert_eq!(cut(Lines::in_mid_line(), b"xyz\r\nab\r\n"), [(Cut::Garbage(3), String::new()), line("ab")]);
        assert_eq!(cut(Lines::in_mid_line(), b"\nab\r\n"), [line("ab")]);
    }

    #[test]
    fn an_overlong_line_is_one_refusal_and_its_tail_is_garbage() {
        let got = cut(Lines::at_line_start(), b"123456789abc\r\nok\r\n");
        assert_eq!(got, [(Cut::TooLong, String::new()), (Cut::Garbage(4), String::new()), line("ok")]);
    }

    #[test]
    fn endless_noise_is_reported_while_it_lasts() {
        let got = cut(Lines::in_mid_line(), &[0x7F; 600]);
        assert_eq!(got, [(Cut::Garbage(256), String::new()), (Cut::Garbage(256), String::new())]);
    }
}
