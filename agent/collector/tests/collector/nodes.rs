//! Instrument nodes: what a gateway, a line or a stranger can do to their readings, and what the centre makes of it.

use std::collections::BTreeMap;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tidewaiter_collector::{
    Core, Incoming,
    nodes::{self, Nodes},
    store::Place,
};
use tidewaiter_drivers::{
    Decimal, Unit,
    modbus::crc16,
    reading::{Doubt, Flaw, Indication, Missing, Moment, Outcome, Quality},
};
use tidewaiter_node::{
    block::{BYTES, Block, NodeKey, Sample, State},
    map::status,
};
use tidewaiter_record::{
    Context, Detail, Evidence, Flags, Hash, InspectionDetail, Measured, Piece, Reading,
    body::{READINGS_MEDIA, SingleReading, encode_readings},
};

use crate::{
    home::{Home, both},
    writer::{NOW, Out, Writer, core_on, sort, textile},
};

pub(crate) const KEY: [u8; 32] = [7; 32];
pub(crate) const SERIAL: &str = "TWN00001";

/// The centre's book: scale-1 of gate-07 is a node, and was another one before.
pub(crate) fn book() -> Nodes {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nodes.toml");
    let at = |ms: i64| jiff::Timestamp::from_millisecond(NOW + ms).unwrap();
    let place = ("yantian", "gate-07", "scale-1");
    nodes::add(&path, place, "TWN00009", &[9; 32], at(-1_000_000), BTreeMap::new()).unwrap();
    nodes::revoke(&path, "gate-07", "scale-1", at(-1)).unwrap();
    let channels = BTreeMap::from([("gross".to_owned(), "mass".to_owned())]);
    nodes::add(&path, place, SERIAL, &KEY, at(0), channels).unwrap();
    nodes::load(&path).unwrap()
}

/// A block of a node that was started when the clock was at `NOW`, read in second `second`.
pub(crate) fn block(sequence: u64, second: u64) -> Block {
    let good = |value| Sample { state: State::Good, value };
    Block {
        serial: *b"TWN00001",
        sequence,
        uptime_ms: second * 1000,
        starts: 3,
        event_counter: 1,
        status: 0,
        interval_us: 1_000_000,
        samples: [
            good(18_000_000),
            good(940),
            Sample::missing(State::Underrange),
            good(2150),
            Sample::missing(State::NotPresent),
        ],
    }
}

pub(crate) fn sealed(block: &Block) -> [u8; BYTES] {
    NodeKey::new(KEY).seal(block)
}

/// The answer as it came over RTU.
pub(crate) fn rtu(block: &[u8; BYTES]) -> Vec<u8> {
    let mut frame = vec![17, 4, 94];
    frame.extend(block);
    frame.extend(crc16(&frame).to_le_bytes());
    frame
}

/// The same through a gateway that speaks Modbus/TCP.
fn tcp(block: &[u8; BYTES]) -> Vec<u8> {
    let mut adu = vec![0, 9, 0, 0, 0, 97, 17, 4, 94];
    adu.extend(block);
    adu
}

pub(crate) fn at(second: u64) -> Moment {
    Moment { mono_ms: 500_000 + second * 1000, wall_ms: NOW + i64::try_from(second).unwrap() * 1000 }
}

#[allow(clippy::unnecessary_wraps, reason = "an outcome is what readings take")]
pub(crate) fn value(text: &str, unit: Unit) -> Outcome {
    Ok(Indication { value: text.parse::<Decimal>().unwrap(), unit, quality: Quality::Good })
}

pub(crate) fn mass() -> Outcome {
    value("18000000", Unit::Gram)
}

pub(crate) fn reading(channel: &str, second: u64, outcome: Outcome, raw: Vec<u8>) -> Reading {
    Reading { instrument: "scale-1".into(), channel: channel.into(), at: at(second), outcome, raw }
}

pub(crate) fn context() -> Context {
    Context { software: "tidewaiter 0.1.0".into(), config: [7; 32] }
}

pub(crate) fn shot(reading: Reading) -> Detail {
    Detail::Reading(Box::new(SingleReading {
        flags: Flags::default(),
        reading,
        operator: None,
        sample: None,
        context: context(),
    }))
}

pub(crate) fn passage(readings: Vec<Reading>, mass: Outcome) -> InspectionDetail {
    let mut detail = textile("6.0");
    detail.subject.kind = "conveyance".into();
    detail.measured = vec![Measured {
        parameter: "gross-mass".into(),
        instrument: "scale-1".into(),
        outcome: mass,
        derivation: "greatest settled".into(),
        ..detail.measured[0].clone()
    }];
    detail.readings = readings;
    detail
}

/// Findings by nodes alone, counted.
fn of_nodes(centre: &Centre) -> BTreeMap<String, u64> {
    let bad = centre.core.summary().unwrap().bad;
    bad.into_iter().filter(|(word, _)| word.starts_with("node-")).collect()
}

struct Centre {
    core: Core,
    agent: Writer,
}

impl Centre {
    fn new(home: &Home) -> Self {
        let agent = Writer::new("gate-07", 7);
        let mut core = core_on(home.open(), &[&agent]);
        core.set_nodes(book());
        let mut centre = Self { core, agent };
        centre.agent.begin(&mut centre.core);
        centre
    }

    /// Seals and offers a record; it must be stored and receipted, whatever is found.
    fn takes(&mut self, detail: Detail) -> Vec<String> {
        let record = self.agent.seal(detail);
        let out: Out = sort(self.core.accept(&self.agent.topic(), &record.bytes, NOW).unwrap(), &[&self.agent]);
        assert_eq!(out.receipts, [(record.seq, record.hash)], "evidence is receipted");
        assert!(out.collected[0].stored);
        // These inspections are not judged, so what the centre makes of their verdicts is not looked at.
        out.collected[0]
            .findings
            .iter()
            .map(|it| it.bad.word().to_owned())
            .filter(|it| it.starts_with("node-"))
            .collect()
    }
}

both!(every_attack_has_its_finding);

#[allow(clippy::too_many_lines, reason = "a table of attacks")]
fn every_attack_has_its_finding(home: &Home) {
    let one = |channel: &str, outcome: Outcome, raw: Vec<u8>| vec![reading(channel, 20, outcome, raw)];
    // Numbers rise from row to row: a number that was cited stands for its block for ever.
    let mut number = 30;
    let mut of = |change: fn(&mut Block)| {
        number += 1;
        let mut it = block(number, 20);
        change(&mut it);
        it
    };
    let honest = sealed(&block(20, 20));
    // A value changed in the middle of the way, with the check of the line made right again.
    let mut flipped = honest;
    flipped[46] ^= 0x10;
    let cut = {
        let mut it = honest;
        it[78..].fill(0);
        it
    };
    let other_node = NodeKey::new([9; 32]).seal(&of(|it| it.serial = *b"TWN00009"));
    let forged_serial = NodeKey::new([9; 32]).seal(&block(20, 20));
    let good = |text: &str| value(text, Unit::Gram);
    let quality = |quality| mass().map(|it| Indication { quality, ..it });
    let none: [&str; 0] = [];
    let rows: Vec<(&str, Vec<Reading>, &[&str])> = vec![
        ("honest, RTU", one("mass", mass(), rtu(&honest)), &none),
        ("honest, Modbus/TCP", one("mass", mass(), tcp(&honest)), &none),
        ("honest, renamed channel", one("gross", mass(), rtu(&honest)), &none),
        ("honest, no value and why", one("current", Err(Missing::Underrange), rtu(&honest)), &none),
        ("honest, no answer", one("mass", Err(Missing::TimedOut), Vec::new()), &none),
        ("honest, refused by the agent", one("mass", Err(Missing::Refused), rtu(&honest)), &none),
        ("the agent knows worse", one("mass", quality(Quality::Bad(Flaw::OutOfVerification)), rtu(&honest)), &none),
        ("flipped value, right CRC", one("mass", mass(), rtu(&flipped)), &["node-mac"]),
        ("MAC cut off", one("mass", mass(), rtu(&cut)), &["node-mac"]),
        ("sealed with another key", one("mass", mass(), rtu(&forged_serial)), &["node-mac"]),
        ("block of another node", one("mass", mass(), rtu(&other_node)), &["node-serial"]),
        ("old block again", one("mass", mass(), rtu(&sealed(&block(10, 10)))), &["node-sequence"]),
        ("captured before, never recorded", one("mass", mass(), rtu(&sealed(&block(9, 9)))), &["node-sequence"]),
        ("held back for a minute", vec![reading("mass", 80, mass(), rtu(&sealed(&block(22, 21))))], &["node-sequence"]),
        (
            "sequence begins anew",
            one("mass", mass(), rtu(&sealed(&of(|it| (it.sequence, it.starts) = (1, 4))))),
            &["node-sequence"],
        ),
        ("starts fell", one("mass", mass(), rtu(&sealed(&of(|it| it.starts = 2)))), &["node-sequence"]),
        ("event counter fell", one("mass", mass(), rtu(&sealed(&of(|it| it.event_counter = 0)))), &["node-sequence"]),
        (
            "two blocks in the wrong order",
            one("mass", mass(), [rtu(&sealed(&block(21, 20))), rtu(&honest)].concat()),
            &["node-sequence"],
        ),
        ("the agent says less", one("mass", good("17999999"), rtu(&honest)), &["node-value"]),
        ("the agent drops a decimal", one("temperature", value("21.5", Unit::Celsius), rtu(&honest)), &["node-value"]),
        ("the agent changes the unit", one("mass", value("18000000", Unit::Kilogram), rtu(&honest)), &["node-value"]),
        (
            "the agent makes a value up",
            one("current", value("12.000", Unit::Milliampere), rtu(&honest)),
            &["node-value"],
        ),
        ("the agent hides a value", one("mass", Err(Missing::WarmingUp), rtu(&honest)), &["node-value"]),
        (
            "the agent calls moving settled",
            one("mass", mass(), rtu(&sealed(&of(|it| it.samples[0].state = State::Unstable)))),
            &["node-value"],
        ),
        (
            "an open seal passed over",
            one("mass", mass(), rtu(&sealed(&of(|it| it.status = status::SEAL_OPEN)))),
            &["node-value"],
        ),
        (
            "simulated passed over",
            one("mass", mass(), rtu(&sealed(&of(|it| it.status = status::SIMULATED)))),
            &["node-value"],
        ),
        ("a channel no block has", one("weight", mass(), rtu(&honest)), &["node-value"]),
        ("no block at all", one("mass", mass(), Vec::new()), &["node-block-missing"]),
        ("half a block", one("mass", mass(), rtu(&honest)[..90].to_vec()), &["node-block-missing"]),
        ("a block without its frame", one("mass", mass(), honest.to_vec()), &["node-block-missing"]),
        ("a reason made up", one("mass", Err(Missing::Overrange), Vec::new()), &["node-block-missing"]),
        (
            "before the key was in force",
            vec![Reading {
                at: Moment { wall_ms: NOW - 2_000_000, ..at(20) },
                ..reading("mass", 20, mass(), rtu(&honest))
            }],
            &["node-mac"],
        ),
        (
            "with the key of before",
            vec![Reading { at: Moment { wall_ms: NOW - 5000, ..at(20) }, ..reading("mass", 20, mass(), rtu(&honest)) }],
            &["node-serial"],
        ),
    ];
    let mut centre = Centre::new(home);
    let mut incidents = 0;
    let first = rtu(&sealed(&block(10, 10)));
    assert_eq!(centre.takes(shot(reading("mass", 10, mass(), first))), none);
    for (what, readings, expected) in rows {
        for it in readings {
            assert_eq!(centre.takes(shot(it)), expected, "{what}");
        }
        incidents += expected.len();
    }
    let summary = centre.core.summary().unwrap();
    assert_eq!(summary.bad_total(), incidents as u64);
    assert!(summary.node_blocks > summary.node_sealed && summary.node_sealed > 0);
    drop(centre);
    let store = home.read();
    let found = store.node_findings(1000).unwrap();
    assert_eq!(found.len(), incidents);
    assert!(found.iter().all(|it| it.agent == "gate-07" && !it.finding.detail.contains(&hex::encode(KEY))));
    let seen = store.nodes_seen().unwrap();
    assert_eq!(seen.iter().map(|it| it.serial).collect::<Vec<_>>(), [*b"TWN00001"], "only what is rightly sealed");
}

both!(what_an_inspection_measured_must_stand_in_its_blocks);

fn what_an_inspection_measured_must_stand_in_its_blocks(home: &Home) {
    let mut centre = Centre::new(home);
    let mut second = 0;
    let mut readings = |masses: &[i32]| -> Vec<Reading> {
        let one = |mass: &i32| {
            second += 1;
            let mut it = block(second, second);
            it.samples[0].value = *mass;
            reading("mass", second, value(&mass.to_string(), Unit::Gram), rtu(&sealed(&it)))
        };
        masses.iter().map(one).collect()
    };
    let none: [&str; 0] = [];
    let whole = |readings, mass: &str| Detail::Inspection(Box::new(passage(readings, value(mass, Unit::Gram))));
    assert_eq!(centre.takes(whole(readings(&[100, 18_000]), "18000")), none);
    assert_eq!(centre.takes(whole(readings(&[17_990, 18_010]), "18000")), none, "a mean lies between");
    assert_eq!(centre.takes(whole(readings(&[17_990, 18_010]), "18011")), ["node-value"]);
    assert_eq!(centre.takes(whole(Vec::new(), "18000")), ["node-value"], "a mass that nothing was read for");
    let mut unread = passage(Vec::new(), Err(Missing::TimedOut));
    assert_eq!(centre.takes(Detail::Inspection(Box::new(unread.clone()))), none);
    unread.subject.kind = "instrument".into();
    unread.measured[0].outcome = value("-3", Unit::Gram);
    assert_eq!(centre.takes(Detail::Inspection(Box::new(unread))), none, "a margin of a check stands in no block");

    // What the record has no room for stands beside it, in it or in pieces.
    for large in [false, true] {
        let all = readings(&[18_000; 40]);
        let mut content = encode_readings(&all);
        if large {
            content = encode_readings(&[all, readings(&[18_000; 60])].concat());
        }
        let evidence = |content: &[u8]| {
            Detail::Evidence(Box::new(Evidence {
                flags: Flags::default(),
                inspection: Some("bench-a-1-1".into()),
                instrument: None,
                at: at(0),
                media: READINGS_MEDIA.into(),
                hash: Hash::of(content),
                size: content.len() as u64,
                content: (!large).then(|| content.to_vec()),
                facts: BTreeMap::new(),
                context: context(),
            }))
        };
        let mut short = passage(Vec::new(), value("18000", Unit::Gram));
        let left_out = Measured {
            parameter: "readings-left-out".into(),
            outcome: value("40", Unit::Count),
            ..short.measured[0].clone()
        };
        short.measured.push(left_out);
        let record = centre.agent.seal(evidence(&content));
        let mut take =
            |topic: &str, bytes: &[u8]| sort(centre.core.accept(topic, bytes, NOW).unwrap(), &[&centre.agent]);
        let out = take(&centre.agent.topic(), &record.bytes);
        assert!(out.collected[0].findings.is_empty());
        if large {
            let topic = centre.agent.on(&format!("evidence/{}", Hash::of(&content)));
            for piece in Piece::cut(&content) {
                take(&topic, &piece.write());
            }
        }
        assert_eq!(centre.takes(Detail::Inspection(Box::new(short.clone()))), none, "large: {large}");
        let record = centre.agent.seal(evidence(&content));
        centre.core.accept(&centre.agent.topic(), &record.bytes, NOW).unwrap();
        short.measured[0].outcome = value("17000", Unit::Gram);
        assert_eq!(centre.takes(Detail::Inspection(Box::new(short))), ["node-value"], "large: {large}");
    }
    assert_eq!(of_nodes(&centre), BTreeMap::from([("node-value".to_owned(), 4)]));
}

/// A forged block in content that comes in pieces is found when the last piece is here.
#[test]
fn content_is_judged_when_it_is_complete() {
    let home = Home::file();
    let mut centre = Centre::new(&home);
    let mut all: Vec<Reading> =
        (1..=200).map(|second| reading("mass", second, mass(), rtu(&sealed(&block(second, second))))).collect();
    all[150].raw[50] ^= 1;
    let content = encode_readings(&all);
    let detail = Evidence {
        flags: Flags::default(),
        inspection: Some("x".into()),
        instrument: None,
        at: at(0),
        media: READINGS_MEDIA.into(),
        hash: Hash::of(&content),
        size: content.len() as u64,
        content: None,
        facts: BTreeMap::new(),
        context: context(),
    };
    let record = centre.agent.seal(Detail::Evidence(Box::new(detail)));
    centre.core.accept(&centre.agent.topic(), &record.bytes, NOW).unwrap();
    assert_eq!(centre.core.summary().unwrap().node_blocks, 0);
    let topic = centre.agent.on(&format!("evidence/{}", Hash::of(&content)));
    for piece in Piece::cut(&content) {
        centre.core.accept(&topic, &piece.write(), NOW).unwrap();
    }
    let summary = centre.core.summary().unwrap();
    // The flip broke the check of the line too, so there is no frame to take a block from.
    assert_eq!((summary.node_blocks, summary.node_sealed), (199, 199));
    assert_eq!(summary.bad, BTreeMap::from([("node-block-missing".to_owned(), 1)]));
}

both!(ten_thousand_honest_blocks_give_no_finding);

/// In any order of arrival, cited twice, over restarts of node and agent, with numbers that others have read.
fn ten_thousand_honest_blocks_give_no_finding(home: &Home) {
    const PASSAGES: u64 = 100;
    const READINGS: u64 = 100;
    let mut centre = Centre::new(home);
    let mut messages = Vec::new();
    let topic = centre.agent.topic();
    for passage_number in 0..PASSAGES {
        let mut readings = Vec::new();
        for number in 0..READINGS {
            let second = passage_number * READINGS + number + 1;
            let mut it = block(second * 3, second);
            // The node is started again in every twentieth passage, in its middle.
            let starts = (second + READINGS / 2) / (READINGS * 20);
            it.starts += u32::try_from(starts).unwrap();
            it.uptime_ms = 50_000 + second * 1000 - starts * READINGS * 20 * 1000;
            it.samples[1] = Sample { state: State::Unstable, value: i32::try_from(number).unwrap() };
            let raw = if number % 2 == 0 { rtu(&sealed(&it)) } else { tcp(&sealed(&it)) };
            readings.push(reading("mass", second, mass(), raw));
            if number % 10 == 0 {
                let counts = value(&number.to_string(), Unit::Count)
                    .map(|it| Indication { quality: Quality::Uncertain(Doubt::Unstable), ..it });
                readings.push(reading("counts", second, counts, Vec::new()));
            }
        }
        // Somebody asks for a single reading while the passage goes on.
        let single = readings[40].clone();
        for detail in [shot(single), Detail::Inspection(Box::new(passage(readings, mass())))] {
            let record = centre.agent.seal(detail);
            messages.push(Incoming { topic: topic.clone(), bytes: record.bytes, received_ms: NOW });
        }
    }
    // An alert overtakes everything, and every pair of messages comes the wrong way round.
    let last = messages.pop().unwrap();
    centre.core.accept(&centre.agent.on("alert"), &last.bytes, NOW).unwrap();
    for pair in messages.chunks_mut(2) {
        pair.reverse();
    }
    for batch in messages.chunks(32) {
        centre.core.accept_batch(batch).unwrap();
    }
    let summary = centre.core.summary().unwrap();
    assert_eq!(of_nodes(&centre), BTreeMap::new(), "{summary:?}");
    let blocks = PASSAGES * (READINGS + 1);
    assert_eq!((summary.node_blocks, summary.node_sealed), (blocks, blocks));
    drop(centre);
    assert_eq!(home.read().nodes_seen().unwrap()[0].blocks, PASSAGES * READINGS);
}

/// The layout before nodes is brought up, and keeps what was in it.
#[test]
fn a_store_of_the_layout_before_is_brought_up() {
    let home = Home::file();
    let mut centre = Centre::new(&home);
    centre.agent.events(3).iter().for_each(|it| drop(centre.agent.offer(&mut centre.core, it, NOW)));
    let Centre { core, agent } = centre;
    drop(core);
    let Place::File(path) = &home.place else { unreachable!() };
    let raw = rusqlite::Connection::open(path).unwrap();
    raw.execute_batch("DROP TABLE node_block; DROP TABLE node_finding; PRAGMA user_version = 2").unwrap();
    drop(raw);
    let mut core = core_on(home.open(), &[&agent]);
    core.set_nodes(book());
    assert_eq!(core.summary().unwrap().records, 4);
    let mut centre = Centre { core, agent };
    let none: [&str; 0] = [];
    assert_eq!(centre.takes(shot(reading("mass", 1, mass(), rtu(&sealed(&block(1, 1)))))), none);
    assert_eq!(centre.core.summary().unwrap().node_sealed, 1);
}

/// Bit errors and bursts on the line: what passes the CRC, as one damaged frame in 65 536 does, has no seal.
#[test]
fn a_million_noisy_answers_bring_no_value_that_was_not_sealed() {
    const ANSWERS: u32 = 1_000_000;
    const SEED: u64 = 21;
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let honest = sealed(&block(77, 77));
    let (frame, key) = (rtu(&honest), NodeKey::new(KEY));
    let (mut damaged, mut passed) = (0_u32, 0_u32);
    for number in 0..ANSWERS {
        let mut noisy = frame.clone();
        if number % 2 == 0 {
            for _ in 0..chance.random_range(1..24) {
                let bit = chance.random_range(0..8 * noisy.len());
                noisy[bit / 8] ^= 1 << (bit % 8);
            }
        } else {
            let from = chance.random_range(5..noisy.len());
            noisy[from..].fill_with(|| chance.random());
        }
        if noisy == frame {
            continue;
        }
        damaged += 1;
        for found in nodes::blocks(&noisy) {
            passed += 1;
            assert!(!key.has_sealed(found) || *found == honest, "seed {SEED}, answer {number}");
        }
    }
    println!("{damaged} damaged answers, {passed} with a right CRC, none with a right seal");
    // The arithmetic rate, a fifth more, and four standard deviations.
    let rate = f64::from(damaged) / 65_536.0;
    assert!(f64::from(passed) <= 1.2 * rate + 4.0 * rate.sqrt(), "{passed} of {damaged}");
}
