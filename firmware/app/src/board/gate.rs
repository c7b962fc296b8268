//! When the board may do what takes long: sensors on a slow bus, writes of the store, hashing, a log.
//!
//! Nobody waits for it, and a reply must not wait behind it. So it begins while the line holds nothing: after a reply has
//! been put on its way, the bytes of which give it time, or after a frame that was another's. From the first byte of a
//! request to its reply the gate is shut.
//!
//! A line may be full all the time: a long frame at 1200 Bd, noise without end. Then the gate opens all the same, every
//! [`SHUT_US`], and only just after a byte, with the whole silence ahead before anything could be due.

use crate::instant::since;

/// Longest time the gate is shut while bytes keep coming, µs. Far below the patience of a watchdog, which is fed
/// behind the gate.
pub const SHUT_US: u32 = 100_000;

/// Opens and shuts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gate {
    opened: u64,
}

impl Gate {
    /// Open at the start.
    pub const fn new() -> Self {
        Self { opened: 0 }
    }

    /// Whether long work may begin now. `idle`: the node holds no byte of the bus; `heard`: it has been given one in this
    /// turn of the loop.
    pub fn opens(&mut self, now: u64, idle: bool, heard: bool) -> bool {
        let opens = idle || heard && since(now, self.opened) >= SHUT_US;
        if opens {
            self.opened = now;
        }
        opens
    }
}

/// Whether work of so many µs that begins now ends before a reply is due. An instant that has passed brought none: what the
/// line holds is no request, and need not be waited for.
pub fn has_time(now: u64, due: Option<u64>, work_us: u32) -> bool {
    due.is_none_or(|due| due <= now || since(due, now) >= work_us)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    extern crate std;

    use std::{vec, vec::Vec};

    use proptest::prelude::*;
    use tidewaiter_drivers::modbus::rtu;

    use super::*;
    use crate::line::{Line, Timing};

    /// What a board does in a turn of its loop, on a clock that the test holds.
    struct Turns {
        line: Line,
        gate: Gate,
        /// Turns in which long work began.
        worked: Vec<u64>,
        /// Instants of replies.
        replied: Vec<u64>,
    }

    impl Turns {
        fn new(baud: u32) -> Self {
            let line = Line::new(Timing::standard(baud));
            Self { line, gate: Gate::new(), worked: Vec::new(), replied: Vec::new() }
        }

        fn turn(&mut self, now: u64, byte: Option<u8>) {
            if let Some(byte) = byte {
                self.line.push(now, byte);
            }
            if self.line.poll(now).is_some() {
                self.line.clear();
                self.replied.push(now);
            }
            if self.gate.opens(now, self.line.is_idle(), byte.is_some()) {
                self.worked.push(now);
            }
        }

        /// Turns every 50 µs, and the bytes at their instants.
        fn run(&mut self, from: u64, until: u64, bytes: &[(u64, u8)]) {
            let mut bytes = bytes.iter().peekable();
            for now in (from..until).step_by(50) {
                let byte = bytes.next_if(|(at, _)| *at <= now).map(|(_, byte)| *byte);
                self.turn(now, byte);
            }
        }
    }

    fn request(registers: usize) -> Vec<u8> {
        let mut bytes = vec![1, 16];
        bytes.resize(2 + registers, 0);
        let sum = rtu::crc16(&bytes).to_le_bytes();
        bytes.extend(sum);
        bytes
    }

    fn sent(from: u64, bytes: &[u8], byte_us: u64) -> Vec<(u64, u8)> {
        (from..).step_by(usize::try_from(byte_us).unwrap()).zip(bytes.iter().copied()).collect()
    }

    #[test]
    fn nothing_is_begun_between_a_byte_and_the_reply() {
        let mut turns = Turns::new(115_200);
        turns.run(0, 10_000, &sent(1_000, &request(4), 95));
        let [reply] = turns.replied[..] else { panic!("{:?}", turns.replied) };
        assert!((1_000 + 7 * 95 + 1_750..1_000 + 7 * 95 + 1_850).contains(&reply), "{reply}");
        assert!(
            turns.worked.contains(&950) && turns.worked.contains(&reply),
            "before the first byte, and with the reply"
        );
        assert!(!turns.worked.iter().any(|at| (1_000..reply).contains(at)), "{:?}", turns.worked);
    }

    #[test]
    fn a_line_that_is_never_idle_holds_nothing_up_for_long() {
        // Noise for two seconds, and the silence between two bytes is never long enough for an end
        let mut turns = Turns::new(1_200);
        turns.run(0, 2_000_000, &sent(100, &[0x55; 250], 8_000));
        let gaps = turns.worked.windows(2).map(|it| it[1] - it[0]);
        let longest = gaps.max().unwrap();
        let shut = u64::from(SHUT_US);
        assert!((shut..shut + 8_100).contains(&longest), "{longest}");
    }

    #[test]
    fn requests_one_after_the_other_leave_room_after_each_reply() {
        let mut turns = Turns::new(115_200);
        for start in 0..100 {
            let from = start * 3_000;
            turns.run(from, from + 3_000, &sent(from, &request(4), 95));
        }
        assert_eq!(turns.replied.len(), 100);
        assert!(turns.replied.iter().all(|at| turns.worked.contains(at)));
    }

    #[test]
    fn short_work_is_begun_if_it_ends_in_time() {
        for (due, has) in
            [(None, true), (Some(1_299), false), (Some(1_300), true), (Some(1_001), false), (Some(1_000), true)]
        {
            assert_eq!(has_time(1_000, due, 300), has, "{due:?}");
        }
    }

    proptest! {
        /// Whatever comes when: work within a frame begins in the turn of a byte alone, so that the whole silence is
        /// ahead; and with bytes that keep coming it waits no longer than [`SHUT_US`] and the next one.
        #[test]
        fn work_within_a_frame_has_the_silence_ahead(gaps in prop::collection::vec(50_u64..60_000, 1..200)) {
            let (mut gate, mut now, mut opened) = (Gate::new(), 0, 0);
            for (number, gap) in gaps.into_iter().enumerate() {
                for turn in (0..gap).step_by(500) {
                    let heard = turn == 0;
                    // Every fifth of these is the last byte of a frame, and the line idle a while after it.
                    let idle = number % 5 == 4 && turn > 4_000;
                    let opens = gate.opens(now + turn, idle, heard);
                    prop_assert!(!opens || idle || heard);
                    prop_assert!(opens || !heard || now + turn < opened + u64::from(SHUT_US));
                    if opens {
                        opened = now + turn;
                    }
                }
                now += gap;
            }
        }
    }
}
