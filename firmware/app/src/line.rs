//! Bytes of the RS-485 line to frames: a frame ends with silence.
//!
//! MODBUS over Serial Line V1.02, 2.5.1.1, ends a frame after 3.5 characters of silence. Two limits are kept here:
//!
//! - bytes whose CRC holds are a frame after 3.5 characters ([`Timing::silence_us`], 1.75 ms above 19 200 Bd);
//! - anything else waits until [`Timing::abandon_us`] for the rest of it, and is then counted and dropped.
//!
//! On a real line both are the same, which is the standard's rule. Where bytes come through a host that stalls, an
//! emulator or a terminal server, the second is longer, and a gap inside a request costs nothing. The standard's 1.5
//! characters within a frame are not enforced: the CRC decides.
//!
//! Not here: what a frame says, and whose it is.

use crate::instant::since;
use tidewaiter_drivers::modbus::rtu::{self, MAX_ADU_BYTES, MIN_ADU_BYTES};

/// How long a line stays silent after a frame, µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Silence that ends a frame whose CRC holds.
    pub silence_us: u32,
    /// Silence that ends everything else.
    pub abandon_us: u32,
}

impl Timing {
    /// The standard's rule at a speed: 3.5 characters of 11 bits, fixed above 19 200 Bd.
    pub fn standard(baud: u32) -> Self {
        const THREE_AND_A_HALF_CHARACTERS: u32 = 38_500_000;
        let silence_us =
            if baud > 19_200 { 1750 } else { THREE_AND_A_HALF_CHARACTERS.div_ceil(if baud == 0 { 1 } else { baud }) };
        Self { silence_us, abandon_us: silence_us }
    }

    /// As [`Self::standard`], with patience for a frame that stalls.
    #[must_use]
    pub fn patient(self, abandon_us: u32) -> Self {
        Self { abandon_us: abandon_us.max(self.silence_us), ..self }
    }
}

/// What came over the line and was no frame, or was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Bytes whose CRC does not hold.
    pub bad_crc: u32,
    /// Fewer bytes than a frame has.
    pub short: u32,
    /// More bytes than a frame has, or a frame that nobody fetched before the next began.
    pub overrun: u32,
}

/// The receiving end.
#[derive(Debug)]
pub struct Line {
    timing: Timing,
    bytes: [u8; MAX_ADU_BYTES],
    length: usize,
    /// When the last byte came.
    last: u64,
    state: State,
    /// What was no frame.
    pub lost: Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Sound,
    /// The UART saw a framing or parity error among these bytes.
    Broken,
    TooLong,
}

impl Line {
    /// A silent line.
    pub const fn new(timing: Timing) -> Self {
        Self {
            timing,
            bytes: [0; MAX_ADU_BYTES],
            length: 0,
            last: 0,
            state: State::Sound,
            lost: Lost { bad_crc: 0, short: 0, overrun: 0 },
        }
    }

    /// Changes the timing, from the next byte on.
    pub fn set(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// Takes a byte that arrived `at`.
    pub fn push(&mut self, at: u64, byte: u8) {
        let gap = since(at, self.last);
        if self.length > 0 {
            if gap >= self.timing.silence_us && self.is_whole() {
                // The client has given up waiting, or speaks to another: an answer would collide.
                count(&mut self.lost.overrun);
                self.clear();
            } else if gap >= self.timing.abandon_us {
                self.abandon();
            }
        }
        self.last = at;
        match self.bytes.get_mut(self.length) {
            Some(place) => {
                *place = byte;
                self.length = self.length.saturating_add(1);
            }
            None => self.state = State::TooLong,
        }
    }

    /// The UART saw a framing or parity error or lost a byte: what has come since the last silence is no frame.
    pub fn break_off(&mut self) {
        self.push(self.last, 0);
        if self.state == State::Sound {
            self.state = State::Broken;
        }
    }

    /// When a frame ended whose bytes [`Self::frame`] has; drops what will not become one.
    pub fn poll(&mut self, now: u64) -> Option<u64> {
        if self.length == 0 {
            return None;
        }
        let silent = since(now, self.last);
        if silent >= self.timing.silence_us && self.is_whole() {
            return Some(self.last.saturating_add(u64::from(self.timing.silence_us)));
        }
        if silent >= self.timing.abandon_us {
            self.abandon();
        }
        None
    }

    /// The bytes since the last silence.
    pub fn frame(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Whether no byte is held: what has come was a frame and has been dealt with, or was none and has been dropped.
    pub fn is_idle(&self) -> bool {
        self.length == 0
    }

    /// When the frame that is held ends if no further byte comes; none on a line that holds nothing.
    pub fn due(&self) -> Option<u64> {
        (!self.is_idle()).then(|| self.last.saturating_add(u64::from(self.timing.silence_us)))
    }

    /// Forgets the bytes: they have been dealt with.
    pub fn clear(&mut self) {
        self.length = 0;
        self.state = State::Sound;
    }

    fn is_whole(&self) -> bool {
        self.state == State::Sound && rtu::parse(self.frame()).is_ok()
    }

    fn abandon(&mut self) {
        count(match self.state {
            State::TooLong => &mut self.lost.overrun,
            State::Sound if self.length < MIN_ADU_BYTES => &mut self.lost.short,
            State::Sound | State::Broken => &mut self.lost.bad_crc,
        });
        self.clear();
    }
}

/// Counts one more; a counter that is full stays full.
pub(crate) fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REQUEST: [u8; 8] = [0x01, 0x04, 0x01, 0x00, 0x00, 0x2F, 0xB0, 0x2A];

    fn line(abandon_us: u32) -> Line {
        Line::new(Timing::standard(19_200).patient(abandon_us))
    }

    /// Pushes bytes with a gap before each; gives the time of the last.
    fn push(line: &mut Line, mut at: u64, bytes: &[u8], gap: u64) -> u64 {
        for &byte in bytes {
            at += gap;
            line.push(at, byte);
        }
        at
    }

    fn request() -> [u8; 8] {
        let mut whole = REQUEST;
        let crc = rtu::crc16(&whole[..6]);
        whole[6..].copy_from_slice(&crc.to_le_bytes());
        whole
    }

    #[test]
    fn silence_is_three_and_a_half_characters_and_fixed_above_19200() {
        for baud in (0..400).map(|hundreds| hundreds * 100) {
            assert_eq!(Timing::standard(baud).silence_us, rtu::silence(baud).t3_5_us, "{baud} Bd");
        }
        assert_eq!(Timing::standard(9600).silence_us, 4011);
        assert_eq!(Timing::standard(19_200).silence_us, 2006);
        assert_eq!(Timing::standard(38_400).silence_us, 1750);
        assert_eq!(Timing::standard(115_200), Timing { silence_us: 1750, abandon_us: 1750 });
        assert_eq!(Timing::standard(9600).patient(10).abandon_us, 4011);
    }

    #[test]
    fn a_frame_is_there_after_the_silence_and_not_before() {
        let mut line = line(150_000);
        let end = push(&mut line, 0, &request(), 573);
        assert_eq!(line.poll(end), None);
        assert_eq!(line.poll(end + 2005), None);
        assert_eq!(line.poll(end + 2006), Some(end + 2006));
        assert_eq!(line.frame(), request());
        line.clear();
        assert_eq!(line.poll(end + 10_000_000), None);
        assert_eq!(line.lost, Lost::default());
    }

    #[test]
    fn a_stall_within_a_frame_costs_nothing_where_patience_is_set() {
        for (abandon, comes) in [(150_000, true), (2006, false)] {
            let mut line = line(abandon);
            let stop = push(&mut line, 0, &request()[..5], 500);
            assert_eq!(line.poll(stop + 45_000), None);
            let end = push(&mut line, stop + 45_000, &request()[5..], 500);
            assert_eq!(line.poll(end + 2006).is_some(), comes);
            line.poll(end + 1_000_000);
            assert_eq!(line.lost.bad_crc + line.lost.short, if comes { 0 } else { 2 });
        }
    }

    #[test]
    fn what_is_no_frame_is_counted_by_its_kind() {
        let mut line = line(0);
        let mut at = push(&mut line, 0, &[1, 4, 0], 500);
        assert_eq!(line.poll(at + 2006), None);
        at = push(&mut line, at + 10_000, &[1; 12], 500);
        assert_eq!(line.poll(at + 2006), None);
        at = push(&mut line, at + 10_000, &[1; 300], 500);
        assert_eq!(line.poll(at + 2006), None);
        // The UART complains within an otherwise perfect frame
        at = push(&mut line, at + 10_000, &request()[..7], 500);
        line.break_off();
        at = push(&mut line, at + 500, &request()[7..], 500);
        assert_eq!(line.poll(at + 2006), None);
        assert_eq!(line.lost, Lost { bad_crc: 2, short: 1, overrun: 1 });
        at = push(&mut line, at + 10_000, &request(), 500);
        assert!(line.poll(at + 2006).is_some());
    }

    #[test]
    fn a_request_nobody_fetched_is_not_answered_late() {
        let mut line = line(150_000);
        let at = push(&mut line, 0, &request(), 500);
        let mut second = [0x02, 0x04, 0, 1, 0, 1, 0, 0];
        let crc = rtu::crc16(&second[..6]);
        second[6..].copy_from_slice(&crc.to_le_bytes());
        let at = push(&mut line, at + 5000, &second, 500);
        assert!(line.poll(at + 2006).is_some());
        assert_eq!(line.frame(), second);
        assert_eq!(line.lost.overrun, 1);
    }

    proptest! {
        #[test]
        fn any_bytes_at_any_time_leave_a_line_that_takes_the_next_request(
            noise in prop::collection::vec((any::<u8>(), 0_u64..200_000, any::<bool>()), 0..400),
        ) {
            let mut line = line(150_000);
            let mut at = 0;
            for (byte, gap, fault) in noise {
                at += gap;
                if line.poll(at).is_some() {
                    line.clear();
                }
                if fault && byte < 3 { line.break_off() } else { line.push(at, byte) }
            }
            at += 200_000;
            if line.poll(at).is_some() {
                line.clear();
            }
            at = push(&mut line, at, &request(), 500);
            prop_assert!(line.poll(at + 2006).is_some());
            prop_assert_eq!(line.frame(), request());
        }
    }
}
