//! Frames that announce their own length, out of a stream that may hold anything.
//!
//! The start marks of these protocols are two bytes that may occur in the data as well, so a start is
//! only believed while everything behind it fits. When a whole frame turns out wrong, the search goes
//! on one byte behind its start: a frame that lost bytes has eaten the head of its successor, and that
//! head is still in the buffer. A frame found whole in that backlog is reported with the next byte,
//! since one byte brings at most one event.

use heapless::Vec;

use crate::wire::{Event, GARBAGE_REPORT_BYTES, Refusal};

/// What the bytes at the front of the buffer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// No frame starts with them.
    NotAStart,
    /// They may become a frame; not enough of them to know how long.
    Unknown,
    /// A frame of this many bytes starts here.
    Frame(usize),
}

/// How one protocol measures and judges its frames.
pub(super) trait Layout {
    /// What a good frame says.
    type Item;

    /// First byte of every frame.
    const FIRST: u8;

    /// Judges the start of a frame; `bytes` is never empty and grows from call to call.
    fn measure(bytes: &[u8]) -> Measure;

    /// Judges a whole frame.
    fn judge(frame: &[u8]) -> Result<Self::Item, Refusal>;
}

/// The buffer and the search, for frames of at most `N` bytes.
#[derive(Clone, Debug)]
pub(super) struct Stream<const N: usize> {
    buffer: Vec<u8, N>,
    /// Where the search stands in the buffer; what lies before is done with and leaves with the next
    /// byte, so that one byte moves the buffer once at most.
    at: usize,
    /// Bytes from there that the last event was about.
    reported: usize,
    /// The last event was a good frame, so that nothing of it is searched again.
    good: bool,
    /// Bytes from there that an earlier refusal has told about; dropping them is no news.
    told: usize,
    /// Bytes dropped and not told about.
    dropped: u16,
}

impl<const N: usize> Stream<N> {
    pub(super) const fn new() -> Self {
        Self { buffer: Vec::new(), at: 0, reported: 0, good: false, told: 0, dropped: 0 }
    }

    pub(super) fn raw(&self) -> &[u8] {
        self.ahead().get(..self.reported).unwrap_or_default()
    }

    pub(super) fn push<L: Layout>(&mut self, byte: u8) -> Option<Event<L::Item>> {
        self.make_room();
        // Never full here: a frame is judged when whole, and none longer than `N` is waited for.
        let _ = self.buffer.push(byte);
        loop {
            let ahead = self.ahead();
            let &first = ahead.first()?;
            let measured = if first == L::FIRST { L::measure(ahead) } else { Measure::NotAStart };
            match measured {
                Measure::NotAStart => {
                    let next = ahead.iter().skip(1).position(|&it| it == L::FIRST);
                    let count = next.map_or(ahead.len(), |it| it + 1);
                    if let Some(full) = self.drop_ahead(count) {
                        return Some(Event::Garbage(full));
                    }
                }
                Measure::Unknown => return None,
                // The start is settled: what was dropped before it is told first.
                Measure::Frame(_) if self.dropped > 0 => {
                    let dropped = self.dropped;
                    self.dropped = 0;
                    return Some(Event::Garbage(dropped));
                }
                Measure::Frame(length) if length > N => {
                    self.reported = ahead.len();
                    self.good = false;
                    return Some(Event::Refused(Refusal::TooLong));
                }
                Measure::Frame(length) => {
                    let judged = L::judge(ahead.get(..length)?);
                    self.reported = length;
                    self.good = judged.is_ok();
                    return Some(judged.map_or_else(Event::Refused, Event::Frame));
                }
            }
        }
    }

    fn ahead(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// Takes leave of the frame last reported, of a good one whole and of a bad one its first byte, and
    /// moves what is left to the front.
    fn make_room(&mut self) {
        if self.reported > 0 {
            if !self.good {
                self.told = self.told.max(self.reported);
            }
            let leave = if self.good { self.reported } else { 1 };
            self.at += leave;
            self.told = self.told.saturating_sub(leave);
            self.reported = 0;
        }
        if self.at > 0 {
            let left = self.ahead().len();
            self.buffer.copy_within(self.at.., 0);
            self.buffer.truncate(left);
            self.at = 0;
        }
    }

    /// Drops bytes that start no frame; the number dropped since the last report, when it is time for
    /// one. Bytes told about already do not count.
    fn drop_ahead(&mut self, count: usize) -> Option<u16> {
        let budget = usize::from(GARBAGE_REPORT_BYTES - self.dropped);
        let old = self.told.min(count);
        // No more than make a full report; the rest comes with the next byte.
        let new = (count - old).min(budget);
        self.at += old + new;
        self.told -= old;
        self.dropped += u16::try_from(new).unwrap_or(GARBAGE_REPORT_BYTES);
        if self.dropped < GARBAGE_REPORT_BYTES {
            return None;
        }
        self.dropped = 0;
        Some(GARBAGE_REPORT_BYTES)
    }
}
