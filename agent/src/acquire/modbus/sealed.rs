//! The sealed block of one instrument, poll after poll: is it one, is it the registered instrument's, is it new.
//!
//! ```text
//! registers of the block ─► shape ─► serial number ─► sequence, starts, uptime ─► block | refused
//!                                                        └► events: what a centre must learn of
//! ```
//!
//! The seal itself is not looked at: its key belongs to the node and to the centre. What is refused here has its bytes kept
//! all the same, and whoever has the key says what it was. The memory is that of this run; over restarts the centre
//! remembers. It outlives a lost port: a replay is no better for a cable that was pulled.

use std::collections::BTreeMap;

use tidewaiter_config::profile::sealed::block_of;
use tidewaiter_drivers::reading::{Missing, Moment};
use tidewaiter_node::{
    block::{Block, BlockError},
    map::status,
};

use crate::acquire::Happening;

/// Nodes remembered on one address, so that one that was lent for a day and came back is known. The one that was
/// seen longest ago gives way.
const MOST_NODES: usize = 8;
/// Shortest time between two events about refused blocks: a gateway that answers from a cache would fill the chain.
const TELL_EVERY_MS: u64 = 60_000;
/// Refused blocks that follow each other as they should, after which they are taken again: a number that noise made, one in
/// 65 536 damaged frames, must not silence the node for as long as the agent runs. Whoever can replay so many can also make them
/// up, as nobody here has the key; the centre finds either.
const RESUME_AFTER: u8 = 10;
/// Status bits whose change is an event. Motion and warming up come and go with the work.
const WATCHED: u16 = !(status::MOTION | status::WARMING_UP);

/// What is known of the node behind one instrument.
#[derive(Debug)]
pub(super) struct Seals {
    /// The serial number that the site file has for it.
    registered: Option<String>,
    /// The site file says that it is simulated.
    simulated: bool,
    known: BTreeMap<[u8; 8], Known>,
    /// Blocks refused since the last event about it, and when that was.
    refused: u64,
    told_ms: Option<u64>,
    /// The last refused block of a node that is known, and how many followed each other up to it.
    suspect: Option<(Block, u8)>,
    mismatch: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    block: Block,
    seen_ms: u64,
}

/// What came of a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// The block, or why there are no values.
    pub(super) block: Result<Block, Missing>,
    /// Blocks that others have read since the last one.
    pub(super) skipped: u64,
    /// What is to be recorded.
    pub(super) told: Vec<Happening>,
}

impl Seals {
    pub(super) fn new(registered: Option<String>, simulated: bool) -> Self {
        Self {
            registered,
            simulated,
            known: BTreeMap::new(),
            refused: 0,
            told_ms: None,
            suspect: None,
            mismatch: false,
        }
    }

    /// Whether the values are another node's than the registered one's, or are made up where real ones are expected.
    pub(super) const fn mismatch(&self) -> bool {
        self.mismatch
    }

    /// Takes the registers of one poll.
    pub(super) fn take(&mut self, words: &[u16], at: Moment) -> Judged {
        let block = match block_of(words) {
            Ok(block) => block,
            Err(error) => return self.refuse(at, shape(&error)),
        };
        let before = self.known.get(&block.serial).map(|it| it.block);
        if let Some(before) = before
            && let Some(why) = contradiction(&before, &block)
        {
            if self.follows(&block) < RESUME_AFTER {
                return self.refuse(at, replay(&before, &block, why));
            }
            self.suspect = None;
            return self.resume(&before, block, at);
        }
        self.suspect = None;
        let mut told = Vec::new();
        self.compare(&block, &mut told);
        match before {
            None => told.push(happening("node-seen", of(&block))),
            Some(before) => told.extend(changes(&before, &block)),
        }
        self.remember(block, at);
        let skipped = before.map_or(0, |it| block.sequence - it.sequence - 1);
        Judged { block: Ok(block), skipped, told }
    }

    /// How many refused blocks follow each other up to this one.
    fn follows(&mut self, block: &Block) -> u8 {
        let run = match &self.suspect {
            Some((last, run)) if last.serial == block.serial && contradiction(last, block).is_none() => run + 1,
            _ => 1,
        };
        self.suspect = Some((*block, run));
        run
    }

    /// Goes on from another number.
    fn resume(&mut self, before: &Block, block: Block, at: Moment) -> Judged {
        let mut told = Vec::new();
        self.compare(&block, &mut told);
        told.push(happening("node-sequence", replay(before, &block, "the numbers go on from others than before")));
        self.remember(block, at);
        Judged { block: Ok(block), skipped: 0, told }
    }

    /// Holds it against the site file; tells what is wrong when it begins to be.
    fn compare(&mut self, block: &Block, told: &mut Vec<Happening>) {
        let serial = text_of(block.serial);
        let stranger = self.registered.as_ref().filter(|it| **it != serial);
        let pretends = block.status & status::SIMULATED != 0 && !self.simulated;
        let was = std::mem::replace(&mut self.mismatch, stranger.is_some() || pretends);
        if was {
            return;
        }
        if let Some(expected) = stranger {
            told.push(happening("identity-mismatch", vec![("expected-serial", expected.clone()), ("serial", serial)]));
        } else if pretends {
            told.push(happening("node-simulated", vec![("serial", serial)]));
        }
    }

    fn remember(&mut self, block: Block, at: Moment) {
        self.known.insert(block.serial, Known { block, seen_ms: at.mono_ms });
        if self.known.len() > MOST_NODES
            && let Some(oldest) = self.known.iter().min_by_key(|(_, it)| it.seen_ms).map(|(serial, _)| *serial)
        {
            self.known.remove(&oldest);
        }
    }

    fn refuse(&mut self, at: Moment, mut facts: Vec<(&'static str, String)>) -> Judged {
        self.refused += 1;
        let due = self.told_ms.is_none_or(|told| at.mono_ms.saturating_sub(told) >= TELL_EVERY_MS);
        let mut told = Vec::new();
        if due {
            facts.push(("refused", self.refused.to_string()));
            told.push(happening("node-sequence", facts));
            self.told_ms = Some(at.mono_ms);
            self.refused = 0;
        }
        Judged { block: Err(Missing::Refused), skipped: 0, told }
    }
}

/// Why the second block cannot be a later one of the same node.
fn contradiction(before: &Block, block: &Block) -> Option<&'static str> {
    if block.sequence <= before.sequence {
        Some("sequence does not rise")
    } else if block.starts < before.starts {
        Some("starts fell")
    } else if block.event_counter < before.event_counter {
        Some("event counter fell")
    } else if block.starts == before.starts && block.uptime_ms < before.uptime_ms {
        Some("uptime fell without a start")
    } else {
        None
    }
}

fn changes(before: &Block, block: &Block) -> Vec<Happening> {
    let mut told = Vec::new();
    let serial = || ("serial", text_of(block.serial));
    if block.starts != before.starts {
        let facts = vec![
            serial(),
            ("starts", block.starts.to_string()),
            ("former-starts", before.starts.to_string()),
            ("unexpected", (block.status & status::UNEXPECTED_RESET != 0).to_string()),
        ];
        told.push(happening("node-restarted", facts));
    }
    if block.event_counter != before.event_counter {
        let facts = vec![
            serial(),
            ("event-counter", block.event_counter.to_string()),
            ("former-event-counter", before.event_counter.to_string()),
        ];
        told.push(happening("node-parameters-changed", facts));
    }
    if (block.status ^ before.status) & WATCHED != 0 {
        let facts = vec![
            serial(),
            ("status", format!("{:#06x}", block.status)),
            ("former-status", format!("{:#06x}", before.status)),
        ];
        told.push(happening("node-status", facts));
    }
    told
}

fn shape(error: &BlockError) -> Vec<(&'static str, String)> {
    vec![("why", format!("no sealed block: {error}"))]
}

fn replay(before: &Block, block: &Block, why: &str) -> Vec<(&'static str, String)> {
    let mut facts = vec![("why", why.to_owned()), ("former-sequence", before.sequence.to_string())];
    facts.extend(of(block));
    facts
}

fn of(block: &Block) -> Vec<(&'static str, String)> {
    vec![
        ("serial", text_of(block.serial)),
        ("sequence", block.sequence.to_string()),
        ("starts", block.starts.to_string()),
        ("event-counter", block.event_counter.to_string()),
        ("status", format!("{:#06x}", block.status)),
    ]
}

fn happening(name: &'static str, facts: Vec<(&'static str, String)>) -> Happening {
    Happening { name, facts: facts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() }
}

/// A serial number as the site file has it: its text, or its bytes where it is none.
fn text_of(serial: [u8; 8]) -> String {
    let end = serial.iter().position(|byte| *byte == 0).unwrap_or(serial.len());
    match serial.split_at_checked(end) {
        Some((text, rest))
            if end > 0 && text.iter().all(u8::is_ascii_graphic) && rest.iter().all(|byte| *byte == 0) =>
        {
            text.iter().map(|byte| char::from(*byte)).collect()
        }
        _ => hex::encode(serial),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use tidewaiter_node::block::{SEALED_BYTES, Sample, State, WORDS};

    use super::*;

    fn block(sequence: u64) -> Block {
        Block {
            serial: *b"TWN7\0\0\0\0",
            sequence,
            uptime_ms: sequence * 1000,
            starts: 2,
            event_counter: 5,
            status: 0,
            interval_us: 1,
            samples: [Sample { state: State::Good, value: 1 }; 5],
        }
    }

    fn words(block: &Block) -> Vec<u16> {
        let mut words: Vec<u16> =
            block.sealed_bytes().as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
        assert_eq!(words.len() * 2, SEALED_BYTES);
        words.resize(WORDS, 0xABCD);
        words
    }

    fn said(judged: &Judged) -> Vec<String> {
        let one = |it: &Happening| {
            let facts: Vec<String> = it.facts.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{}: {}", it.name, facts.join(" "))
        };
        judged.told.iter().map(one).collect()
    }

    fn at(seconds: u64) -> Moment {
        Moment { mono_ms: seconds * 1000, wall_ms: 0 }
    }

    fn seals() -> Seals {
        Seals::new(Some("TWN7".into()), false)
    }

    #[test]
    fn a_stream_of_blocks_is_taken_and_gaps_are_counted() {
        let mut seals = seals();
        let first = seals.take(&words(&block(5)), at(0));
        assert_eq!(said(&first), ["node-seen: serial=TWN7 sequence=5 starts=2 event-counter=5 status=0x0000"]);
        for (sequence, skipped) in [(6, 0), (7, 0), (11, 3)] {
            let judged = seals.take(&words(&block(sequence)), at(sequence));
            assert_eq!((judged.block, judged.skipped, judged.told), (Ok(block(sequence)), skipped, vec![]));
        }
        assert!(!seals.mismatch());
    }

    #[test]
    fn what_a_later_block_cannot_say_is_refused_and_told_once_a_minute() {
        type Change = fn(&mut Block);
        let rows: [(Change, &str); 6] = [
            (|it| it.sequence = 20, "sequence does not rise"),
            (|it| it.sequence = 3, "sequence does not rise"),
            (|it| it.starts = 1, "starts fell"),
            (|it| it.event_counter = 4, "event counter fell"),
            (|it| it.uptime_ms = 19_999, "uptime fell without a start"),
            (|it| (it.sequence, it.starts) = (u64::MAX, 0), "starts fell"),
        ];
        for (change, why) in rows {
            let mut seals = seals();
            seals.take(&words(&block(20)), at(0));
            let mut wrong = block(21);
            change(&mut wrong);
            let judged = seals.take(&words(&wrong), at(1));
            assert_eq!(judged.block, Err(Missing::Refused), "{why}");
            let expected = format!("node-sequence: why={why} former-sequence=20");
            assert!(said(&judged)[0].starts_with(&expected), "{:?}", said(&judged));
            assert!(said(&judged)[0].ends_with("refused=1"));
            for second in 2..61 {
                assert_eq!(seals.take(&words(&wrong), at(second)).told, [], "second {second}");
            }
            assert!(said(&seals.take(&words(&wrong), at(61)))[0].ends_with("refused=60"));
            assert_eq!(seals.take(&words(&block(22)), at(62)).block, Ok(block(22)), "and the right one is taken after");
        }
    }

    /// A number that noise made does not silence the node, and one replayed block does not get in.
    #[test]
    fn a_number_out_of_all_reach_is_forgotten_when_ten_blocks_go_on_without_it() {
        let mut seals = seals();
        seals.take(&words(&block(20)), at(0));
        assert!(
            seals.take(&words(&Block { sequence: u64::MAX, ..block(21) }), at(1)).block.is_ok(),
            "as far as can be told"
        );
        for sequence in 22..31 {
            assert_eq!(seals.take(&words(&block(sequence)), at(sequence)).block, Err(Missing::Refused));
        }
        let judged = seals.take(&words(&block(31)), at(31));
        assert_eq!(judged.block, Ok(block(31)));
        assert!(said(&judged)[0].starts_with("node-sequence: why=the numbers go on from others than before"));
        assert_eq!(seals.take(&words(&block(32)), at(32)).told, []);
        // Old ones that do not follow each other never make ten.
        for round in 0..50 {
            let old = block(if round % 2 == 0 { 5 } else { 4 });
            assert_eq!(seals.take(&words(&old), at(100 + round)).block, Err(Missing::Refused));
        }
    }

    #[test]
    fn no_block_is_refused_with_what_is_wrong_with_it() {
        let mut torn = words(&block(1));
        torn[0] = 0x5458;
        let judged = seals().take(&torn, at(0));
        assert_eq!(judged.block, Err(Missing::Refused));
        assert_eq!(
            said(&judged),
            ["node-sequence: why=no sealed block: these bytes do not begin a sealed block refused=1"]
        );
    }

    #[test]
    fn restarts_changed_parameters_and_status_are_events() {
        let mut seals = seals();
        seals.take(&words(&block(1)), at(0));
        let mut next = Block { starts: 3, uptime_ms: 4, status: status::UNEXPECTED_RESET, ..block(1025) };
        assert_eq!(
            said(&seals.take(&words(&next), at(1))),
            [
                "node-restarted: serial=TWN7 starts=3 former-starts=2 unexpected=true",
                "node-status: serial=TWN7 status=0x0040 former-status=0x0000",
            ]
        );
        next = Block { sequence: 1026, event_counter: 6, status: next.status | status::MOTION, ..next };
        assert_eq!(
            said(&seals.take(&words(&next), at(2))),
            ["node-parameters-changed: serial=TWN7 event-counter=6 former-event-counter=5"]
        );
    }

    #[test]
    fn another_node_and_a_simulated_one_are_not_the_registered_one() {
        let mut seals = seals();
        seals.take(&words(&block(9)), at(0));
        let other = |sequence| Block { serial: *b"TWN8\0\0\0\0", ..block(sequence) };
        assert_eq!(
            said(&seals.take(&words(&other(1)), at(1)))[0],
            "identity-mismatch: expected-serial=TWN7 serial=TWN8"
        );
        assert!(seals.mismatch());
        assert_eq!(seals.take(&words(&other(2)), at(2)).told, [], "told when it begins");
        assert_eq!(seals.take(&words(&other(2)), at(3)).block, Err(Missing::Refused), "each has its own numbers");
        assert_eq!(seals.take(&words(&block(9)), at(4)).block, Err(Missing::Refused));
        assert_eq!(seals.take(&words(&block(10)), at(5)).block, Ok(block(10)));
        assert!(!seals.mismatch());
        let simulated = Block { status: status::SIMULATED, ..block(11) };
        assert!(said(&seals.take(&words(&simulated), at(6))).contains(&"node-simulated: serial=TWN7".to_owned()));
        assert!(seals.mismatch(), "nothing that is made up counts where real values are expected");
        let mut simulator = Seals::new(None, true);
        simulator.take(&words(&simulated), at(7));
        assert!(!simulator.mismatch());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seals = Seals::new(None, false);
        for serial in 0..100_u64 {
            seals.take(&words(&Block { serial: serial.to_be_bytes(), ..block(7) }), at(serial));
        }
        assert_eq!(seals.known.len(), MOST_NODES);
        assert_eq!(text_of(99_u64.to_be_bytes()), "0000000000000063");
        assert_eq!(text_of(*b"TWN00001"), "TWN00001");
    }
}
