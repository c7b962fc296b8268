//! Cuts a stream of bytes into the frames of a line profile, one byte at a time.
//!
//! The buffer never holds more than one frame with its start and end. A stream joined in the middle
//! of a frame is dropped up to the next place where a frame is known to begin. Where start bytes
//! turn up inside a frame, the frame was cut short, and they begin the next one; the only exception
//! is a check byte, which may have any value.

use std::sync::Arc;

use tidewaiter_drivers::wire::GARBAGE_REPORT_BYTES;

use super::model::{End, LineProfile, Spelling};

/// What one byte completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A frame; [`Framer::content`] has what stands between start and end.
    Frame,
    /// The frame is longer than the profile allows.
    TooLong,
    /// The frame does not end where its length says.
    Misshapen,
    /// Bytes dropped up to the next beginning.
    Garbage(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Dropping bytes; the buffer holds the last few, in which a beginning may be hidden.
    Hunting { dropped: u16 },
    /// Collecting.
    Inside,
    /// The buffer holds what was just reported. `hunt`: it is unknown where the next frame begins.
    Reported { hunt: bool },
}

/// The frame cutter.
#[derive(Clone, Debug)]
pub(super) struct Framer {
    profile: Arc<LineProfile>,
    buffer: Vec<u8>,
    state: State,
}

impl Framer {
    /// A cutter that joins at an unknown place.
    pub(super) const fn in_mid_frame(profile: Arc<LineProfile>) -> Self {
        Self { profile, buffer: Vec::new(), state: State::Hunting { dropped: 0 } }
    }

    /// Forgets what came: the next byte begins a frame, or the start bytes of one.
    pub(super) fn begin(&mut self) {
        self.buffer.clear();
        self.state = if self.profile.framing.start.is_empty() { State::Inside } else { State::Hunting { dropped: 0 } };
    }

    /// Forgets what came: the next byte stands anywhere.
    pub(super) fn lose_track(&mut self) {
        self.buffer.clear();
        self.state = State::Hunting { dropped: 0 };
    }

    /// Takes one byte.
    pub(super) fn push(&mut self, byte: u8) -> Option<Cut> {
        let byte = if self.profile.framing.seven_bits { byte & 0x7F } else { byte };
        if let State::Reported { hunt } = self.state {
            let framing = &self.profile.framing;
            if hunt && framing.start.is_empty() {
                // The end of the frame just given up may have begun in its last bytes.
                let keep = end_bytes(&framing.end).saturating_sub(1);
                let surplus = self.buffer.len().saturating_sub(keep);
                self.buffer.drain(..surplus);
                self.state = State::Hunting { dropped: 0 };
            } else if framing.start.is_empty() && framing.end != End::Absent {
                self.begin();
            } else {
                self.lose_track();
            }
        }
        match self.state {
            State::Hunting { dropped } => self.hunt(byte, dropped),
            State::Inside | State::Reported { .. } => self.collect(byte),
        }
    }

    fn hunt(&mut self, byte: u8, dropped: u16) -> Option<Cut> {
        let framing = &self.profile.framing;
        let found = match (framing.start.as_slice(), &framing.end) {
            // Only the next answer to a request shows where such a frame begins.
            ([], End::Absent) => false,
            ([], End::AnyLineEnd) => is_line_end(byte),
            ([], End::Bytes(mark)) => slide(&mut self.buffer, byte, mark),
            (mark, _) => slide(&mut self.buffer, byte, mark),
        };
        if found {
            let mark = if framing.start.is_empty() { end_bytes(&framing.end) } else { framing.start.len() };
            let garbage = (dropped + 1).saturating_sub(u16::try_from(mark).unwrap_or(u16::MAX));
            if framing.start.is_empty() {
                self.buffer.clear();
            }
            self.state = State::Inside;
            return (garbage > 0).then_some(Cut::Garbage(garbage));
        }
        let dropped = dropped + 1;
        let report = dropped == GARBAGE_REPORT_BYTES;
        self.state = State::Hunting { dropped: if report { 0 } else { dropped } };
        report.then_some(Cut::Garbage(dropped))
    }

    fn collect(&mut self, byte: u8) -> Option<Cut> {
        let framing = &self.profile.framing;
        let head = framing.start.len();
        self.state = State::Inside;
        if framing.end == End::AnyLineEnd && is_line_end(byte) && !self.is_check_byte(self.buffer.len()) {
            if self.buffer.is_empty() {
                return None;
            }
            self.state = State::Reported { hunt: false };
            let fits = framing.length.is_none_or(|length| self.buffer.len() == head + length);
            return Some(if fits { Cut::Frame } else { Cut::Misshapen });
        }
        self.buffer.push(byte);
        if head > 0
            && self.buffer.len() > head
            && self.buffer.ends_with(&framing.start)
            && !self.is_check_byte(self.buffer.len() - 1)
        {
            let lost = u16::try_from(self.buffer.len() - head).unwrap_or(u16::MAX);
            self.buffer.clone_from(&framing.start);
            // Start bytes that overlap themselves, as in `SSS`, only move the beginning along.
            return Some(Cut::Garbage(lost));
        }
        if let Some(length) = framing.length {
            let whole = head + length + end_bytes(&framing.end);
            if self.buffer.len() < whole {
                return None;
            }
            let ended = match &framing.end {
                End::Absent => true,
                End::AnyLineEnd => false,
                End::Bytes(end) => self.buffer.ends_with(end),
            };
            self.state = State::Reported { hunt: !ended };
            return Some(if ended { Cut::Frame } else { Cut::Misshapen });
        }
        if let End::Bytes(end) = &framing.end
            && self.buffer.len() >= head + end.len()
            && self.buffer.ends_with(end)
        {
            if self.buffer.len() == end.len() {
                self.buffer.clear();
                return None;
            }
            self.state = State::Reported { hunt: false };
            return Some(Cut::Frame);
        }
        if self.buffer.len() >= head + framing.longest + end_bytes(&framing.end).max(1) {
            self.state = State::Reported { hunt: true };
            return Some(Cut::TooLong);
        }
        None
    }

    /// Whether the byte at this place of the buffer is a check byte, which may look like any other.
    fn is_check_byte(&self, index: usize) -> bool {
        let framing = &self.profile.framing;
        match (self.profile.check, framing.length) {
            (Some(check), Some(length)) if check.spelling == Spelling::Byte => {
                index + 1 + check.tail == framing.start.len() + length
            }
            _ => false,
        }
    }

    /// What stands between start and end of the frame just reported.
    pub(super) fn content(&self) -> &[u8] {
        let framing = &self.profile.framing;
        let tail = match &framing.end {
            End::Absent | End::AnyLineEnd => 0,
            End::Bytes(end) => end.len(),
        };
        let last = self.buffer.len().saturating_sub(tail);
        self.buffer.get(framing.start.len()..last).unwrap_or_default()
    }

    /// All bytes of the frame just reported. A line end of the kind "any" is left out.
    pub(super) fn raw(&self) -> &[u8] {
        &self.buffer
    }
}

const fn is_line_end(byte: u8) -> bool {
    byte == b'\r' || byte == b'\n'
}

const fn end_bytes(end: &End) -> usize {
    match end {
        End::Absent => 0,
        End::AnyLineEnd => 1,
        End::Bytes(bytes) => bytes.len(),
    }
}

/// Takes a byte into a window as wide as a mark; says whether the window is the mark.
fn slide(window: &mut Vec<u8>, byte: u8, mark: &[u8]) -> bool {
    if window.len() >= mark.len() {
        window.remove(0);
    }
    window.push(byte);
    window == mark
}
