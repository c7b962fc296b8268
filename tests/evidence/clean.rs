//! Clean chains from a seed: every kind, several starts, clocks of every quality, rotations, replaced chains, evidence,
//! anchors, heads, receipts, repetitions. Nothing in them speaks against anything.

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    time::Instant,
};

use anyhow::{Result, ensure};
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Missing, Moment, Quality},
};
use tidewaiter_record::{
    Algorithm, Anchor, Body, ChainHead, ChainId, Claims, Detail, Ed25519Signer, Esp256Signer, Event, Evidence, Follows,
    Genesis, Hash, Head, Heartbeat, IntervalDetail, KeyRotate, PublicKey, Receipt, Recovery, RegisteredKey, Registry,
    RegistryClass, Report, Resend, Resumed, Sealed, SignError, Signer, Statement, TimeBlock, TimeQuality, TimeRepair,
    TimeSource, TimeStep, Verifier, body::proof_bytes, issue, issue_head, issue_resend, seal, split_sequence,
    verify::Question,
};
use tidewaiter_tests::process::{seed, tell};

use super::fixture::{self, WALL, life};

/// How many clean records are verified unless `TIDEWAITER_CASES` says otherwise.
const RECORDS: u64 = 20_000;

/// The wanted number of records.
pub(super) fn wanted(otherwise: u64) -> u64 {
    env::var("TIDEWAITER_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(otherwise)
}

/// A stream of some thousand records, and the registry for it.
pub(super) struct Batch {
    pub(super) registry: Registry,
    pub(super) stream: Vec<u8>,
    pub(super) records: u64,
    pub(super) rotations: u64,
    pub(super) kinds: BTreeMap<u64, u64>,
}

enum Key {
    Ed25519(Ed25519Signer),
    Esp256(Box<Esp256Signer>),
}

impl Key {
    fn new(chance: &mut ChaCha8Rng) -> Self {
        let mut secret = [0; 32];
        chance.fill_bytes(&mut secret);
        // The other algorithm is slow in a debug build.
        if chance.random_ratio(1, 40)
            && let Some(key) = Esp256Signer::from_secret(&secret)
        {
            return Self::Esp256(Box::new(key));
        }
        Self::Ed25519(Ed25519Signer::from_seed(&secret))
    }

    fn signer(&self) -> &dyn Signer {
        match self {
            Self::Ed25519(key) => key,
            Self::Esp256(key) => &**key,
        }
    }

    fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => key.public_key(),
            Self::Esp256(key) => key.public_key(),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer().sign(message)
    }

    fn algorithm(&self) -> Algorithm {
        self.signer().algorithm()
    }
}

/// One agent at work on one chain.
struct Writer {
    agent: String,
    key: Key,
    head: ChainHead,
    statement: Hash,
    /// The true time, and the monotonic clock of the host.
    true_ms: i64,
    mono_ms: u64,
    boot: u64,
    quality: TimeQuality,
    beating: bool,
    last: Last,
    anchored: u64,
    newest: Option<Sealed>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Usual,
    Stopped,
    Shutdown,
    /// A start that followed no clean end.
    Cut,
}

/// The source of clean streams.
pub(super) struct Clean {
    chance: ChaCha8Rng,
}

impl Clean {
    pub(super) fn new(seed: u64) -> Self {
        Self { chance: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Some agents at work side by side.
    pub(super) fn batch(&mut self) -> Batch {
        let chance = &mut self.chance;
        let centre = Key::Ed25519(Ed25519Signer::from_seed(&chance.random()));
        let mut registry = Registry::new(RegistryClass::Production);
        registry.add(RegisteredKey::centre("centre", centre.public())).unwrap();
        let mut batch = Batch { registry, stream: Vec::new(), records: 0, rotations: 0, kinds: BTreeMap::new() };
        let mut log = Log { centre, size: 0, number: 0 };
        let mut writers: VecDeque<Writer> = VecDeque::new();
        for number in 0..chance.random_range(1..5_u8) {
            let agent = format!("gate-{number}");
            writers.push_back(enrolled(chance, &mut batch, &agent, None));
        }
        let mut sent: Vec<Vec<u8>> = Vec::new();
        for _ in 0..chance.random_range(500..1_500) {
            let at = chance.random_range(0..writers.len());
            if writers[at].head.next_seq > 20 && chance.random_ratio(1, 400) {
                // The disk is lost; somebody allows another chain.
                let lost = &writers[at];
                let known = chance.random_bool(0.7).then_some((lost.head.next_seq - 1, lost.head.prev));
                let follows = Follows {
                    chain: lost.head.chain,
                    last_seq: known.map(|it| it.0),
                    hash: known.map(|it| it.1),
                    reset: Hash(chance.random()),
                };
                let agent = lost.agent.clone();
                writers[at] = enrolled(chance, &mut batch, &agent, Some(follows));
            }
            let item = writers[at].next(chance, &mut batch, &log);
            batch.records += 1;
            batch.stream.extend_from_slice(&item);
            log.size += 1;
            if chance.random_ratio(1, 50) {
                sent.push(item);
            }
            match chance.random_range(0..40_u8) {
                0 => batch.stream.extend(log.head(&writers[at])),
                1 => batch.stream.extend(log.receipt(&writers[at])),
                2 => batch.stream.extend(log.resend(&writers[at])),
                3 if !sent.is_empty() => batch.stream.extend_from_slice(&sent[chance.random_range(0..sent.len())]),
                _ => {}
            }
        }
        batch
    }
}

fn enrolled(chance: &mut ChaCha8Rng, batch: &mut Batch, agent: &str, follows: Option<Follows>) -> Writer {
    let (key, chain) = (Key::new(chance), ChainId(chance.random()));
    let statement =
        Statement { agent: agent.to_owned(), chain, public: key.public(), created_ms: WALL, simulated: false };
    let bytes = statement.issue(key.signer()).unwrap();
    let hash = Hash::of(&bytes);
    batch.registry.add(RegisteredKey { follows, ..statement.register(hash) }).unwrap();
    if chance.random_bool(0.5) {
        batch.stream.extend(bytes);
    }
    Writer {
        agent: agent.to_owned(),
        key,
        head: ChainHead::new(chain, hash),
        statement: hash,
        true_ms: WALL + chance.random_range(0..1_000_000),
        mono_ms: chance.random_range(0..1_000_000),
        boot: 1,
        quality: TimeQuality::U,
        beating: true,
        last: Last::Nothing,
        anchored: 0,
        newest: None,
    }
}

/// The centre's log as far as the stream shows it.
struct Log {
    centre: Key,
    size: u64,
    number: u64,
}

impl Log {
    fn head(&mut self, writer: &Writer) -> Vec<u8> {
        self.number += 1;
        let (number, size) = (self.number, self.size);
        let head = Head { centre: "centre".to_owned(), number, size, root: life::root(size), at_ms: writer.true_ms };
        issue_head(&head, self.centre.signer()).unwrap()
    }

    fn receipt(&self, writer: &Writer) -> Vec<u8> {
        let Some(newest) = &writer.newest else { return Vec::new() };
        let receipt = Receipt {
            agent: writer.agent.clone(),
            chain: writer.head.chain,
            upto_seq: newest.seq,
            hash: newest.hash,
            received_at_ms: writer.true_ms,
            log: (self.size > 0).then(|| (self.size, life::root(self.size))),
        };
        issue(&receipt, self.centre.signer()).unwrap()
    }

    fn resend(&self, writer: &Writer) -> Vec<u8> {
        let (agent, chain) = (writer.agent.clone(), writer.head.chain);
        let resend = Resend { agent, chain, from_seq: 1, upto_seq: 1 + self.size, at_ms: writer.true_ms };
        issue_resend(&resend, self.centre.signer()).unwrap()
    }
}

impl Writer {
    /// Seals the next record.
    fn next(&mut self, chance: &mut ChaCha8Rng, batch: &mut Batch, log: &Log) -> Vec<u8> {
        let seq = self.head.next_seq;
        let mut rotated = None;
        let detail = match self.last {
            Last::Nothing => Detail::Genesis(Genesis {
                software: "tidewaiter 0.1.0".to_owned(),
                config: [0xc0; 32],
                statement: self.statement,
            }),
            Last::Shutdown => {
                self.starts_again(chance);
                life::config_activated()
            }
            Last::Cut => {
                self.starts_again(chance);
                Detail::Recovery(Recovery { found: "no shutdown".to_owned(), last_seq: Some(seq - 1), interrupted: 0 })
            }
            Last::Stopped => {
                let from = self.moment();
                // Nobody owes a record while nothing is recorded.
                self.passes(chance.random_range(0..10_000_000));
                Detail::Resumed(Resumed { refused: chance.random_range(0..100), from, to: self.moment() })
            }
            Last::Usual => {
                self.passes(chance.random_range(0..=60_000));
                if chance.random_ratio(1, 150) {
                    let (detail, key) = self.rotation(chance);
                    rotated = Some(key);
                    detail
                } else {
                    self.usual(chance)
                }
            }
        };
        if chance.random_ratio(1, 30) {
            self.clock_changes(chance);
        }
        self.last = match &detail {
            Detail::Shutdown => Last::Shutdown,
            Detail::Stopped(_) => Last::Stopped,
            _ if chance.random_ratio(1, 200) => Last::Cut,
            _ => Last::Usual,
        };
        let anchor = (log.size > self.anchored && chance.random_ratio(1, 8)).then(|| {
            self.anchored = log.size;
            Anchor { number: log.size, hash: life::root(log.size) }
        });
        let body = Body { time: self.time(chance), detail };
        *batch.kinds.entry(body.detail.kind()).or_default() += 1;
        let claims = Claims { agent: self.agent.clone(), subject: "self".to_owned() };
        let sealed = seal(&self.head, &claims, anchor, &body, self.key.signer()).unwrap();
        self.head = self.head.after(&sealed);
        if let Some(key) = rotated {
            self.key = key;
            batch.rotations += 1;
        }
        let bytes = sealed.bytes.clone();
        self.newest = Some(sealed);
        bytes
    }

    fn passes(&mut self, ms: u64) {
        self.mono_ms += ms;
        self.true_ms += i64::try_from(ms).unwrap();
    }

    fn starts_again(&mut self, chance: &mut ChaCha8Rng) {
        self.boot += chance.random_range(1..3);
        self.passes(chance.random_range(0..100_000_000));
        if chance.random_bool(0.5) {
            // The host went down too: its monotonic clock begins anew, and nobody has set the other.
            self.mono_ms = chance.random_range(0..60_000);
            self.quality = TimeQuality::U;
        }
        self.beating = chance.random_bool(0.9);
    }

    fn clock_changes(&mut self, chance: &mut ChaCha8Rng) {
        let all = [TimeQuality::U, TimeQuality::I, TimeQuality::H, TimeQuality::S, TimeQuality::S];
        self.quality = all[chance.random_range(0..all.len())];
    }

    fn moment(&self) -> Moment {
        Moment { mono_ms: self.mono_ms, wall_ms: self.true_ms }
    }

    fn time(&self, chance: &mut ChaCha8Rng) -> TimeBlock {
        let known = [TimeSource::Ntp, TimeSource::Nts, TimeSource::Ptp, TimeSource::Gnss, TimeSource::Host];
        let (off_ms, err_ms, src) = match self.quality {
            TimeQuality::U => (chance.random_range(-2_000_000_000_000..1_000_000), 0, TimeSource::None),
            TimeQuality::I => (chance.random_range(-3_600_000..3_600_000), 0, TimeSource::Rtc),
            TimeQuality::H | TimeQuality::S => {
                let most: i64 = if self.quality == TimeQuality::S { 50 } else { 5_000 };
                let err_ms = chance.random_range(0..=most);
                let off_ms = chance.random_range(-err_ms..=err_ms);
                (off_ms, err_ms.unsigned_abs(), known[chance.random_range(0..known.len())])
            }
        };
        TimeBlock {
            wall_ms: self.true_ms + off_ms,
            mono_ms: self.mono_ms,
            boot: self.boot,
            quality: self.quality,
            err_ms,
            src,
            age_s: chance.random_range(0..10_000),
        }
    }

    fn rotation(&self, chance: &mut ChaCha8Rng) -> (Detail, Key) {
        let new = Key::new(chance);
        let public = new.public().to_bytes();
        let proof =
            new.sign(&proof_bytes(self.head.chain, self.head.next_seq, self.key.signer().kid(), &public)).unwrap();
        let algorithm = new.algorithm().cose();
        (Detail::KeyRotate(Box::new(KeyRotate { algorithm, public, proof })), new)
    }

    fn usual(&self, chance: &mut ChaCha8Rng) -> Detail {
        let value = Decimal::new(chance.random(), chance.random_range(0..=18)).unwrap();
        match chance.random_range(0..26_u8) {
            0..4 => {
                let facts = [("note".to_owned(), format!("{:x}", chance.random::<u64>()))].into();
                Detail::Event(Event { name: "seen".to_owned(), subject: None, facts })
            }
            4..8 => {
                let Detail::Interval(full) = fixture::interval() else { unreachable!() };
                let expected = chance.random_range(0..500);
                let received = chance.random_range(0..=expected);
                let missing = [("timed-out".to_owned(), expected - received)].into();
                Detail::Interval(IntervalDetail {
                    slots_expected: expected,
                    received,
                    missing,
                    sum: Some(value),
                    ..full
                })
            }
            8..11 => life::single(Ok(Indication { value, unit: Unit::Gram, quality: Quality::Good }), b"raw"),
            11 => life::single(Err(Missing::Exception(chance.random())), b""),
            12..14 => fixture::inspection(),
            14 => fixture::judged_inspection(),
            15 => fixture::qualified_interval(),
            16 => fixture::follow_up(),
            17 => fixture::warning(),
            18 => evidence(chance),
            19 => Detail::TimeStep(TimeStep {
                before_ms: chance.random(),
                after_ms: chance.random(),
                mono_ms: self.mono_ms,
            }),
            20 => Detail::TimeRepair(TimeRepair {
                from_boot: self.boot,
                to_boot: self.boot,
                offset_ms: self.true_ms - i64::try_from(self.mono_ms).unwrap(),
                err_ms: 250,
                src: TimeSource::Ntp,
            }),
            21 => {
                let all = life::details();
                all.into_iter().nth(chance.random_range(7..14)).unwrap().1
            }
            22 => life::trimmed(),
            23 if chance.random_ratio(1, 4) => Detail::Shutdown,
            24 if chance.random_ratio(1, 4) => fixture::stopped(),
            _ if self.beating => {
                let Detail::Heartbeat(full) = life::heartbeat() else { unreachable!() };
                let counters = [("sealed".to_owned(), self.head.next_seq)].into();
                Detail::Heartbeat(Box::new(Heartbeat { counters, ..*full }))
            }
            _ => fixture::event_plain("tick"),
        }
    }
}

fn evidence(chance: &mut ChaCha8Rng) -> Detail {
    let Detail::Evidence(full) = life::evidence_named() else { unreachable!() };
    if chance.random_bool(0.5) {
        return Detail::Evidence(Box::new(Evidence {
            hash: Hash(chance.random()),
            size: chance.random_range(0..1 << 26),
            ..*full
        }));
    }
    let mut content = vec![0; chance.random_range(0..3_000)];
    chance.fill_bytes(&mut content);
    let (hash, size) = (Hash::of(&content), content.len() as u64);
    Detail::Evidence(Box::new(Evidence { hash, size, content: Some(content), ..*full }))
}

/// What the verifier of the crate says, without a place of evidence.
pub(super) fn verify(registry: &Registry, stream: &[u8]) -> Report {
    let mut verifier = Verifier::new(registry);
    for item in split_sequence(stream) {
        match item {
            Ok(item) => {
                verifier.push(item);
            }
            Err(error) => verifier.push_broken(&error),
        }
    }
    verifier.finish()
}

pub(super) fn no_alarms() -> Result<()> {
    let (seed, wanted) = (seed(), wanted(RECORDS));
    tell(&format!("T16: clean records: seed {seed}"));
    let mut source = Clean::new(seed);
    let (mut records, mut rotations, mut seconds) = (0, 0, 0.0);
    let mut kinds: BTreeMap<u64, u64> = BTreeMap::new();
    while records < wanted {
        let batch = source.batch();
        let begun = Instant::now();
        let report = verify(&batch.registry, &batch.stream);
        seconds += begun.elapsed().as_secs_f64();
        let alarms: Vec<_> = report.findings.iter().filter(|it| it.question != Question::Note).take(3).collect();
        ensure!(alarms.is_empty(), "seed {seed}, after {records} records: {alarms:?}");
        ensure!(report.accepted == batch.records, "seed {seed}: {} of {} accepted", report.accepted, batch.records);
        records += batch.records;
        rotations += batch.rotations;
        batch.kinds.into_iter().for_each(|(kind, count)| *kinds.entry(kind).or_default() += count);
    }
    let known = (0..=22).chain([24]).filter(|it| *it != 0 && !kinds.contains_key(it)).collect::<Vec<_>>();
    ensure!(known.is_empty() || records < RECORDS, "no record of kinds {known:?}");
    let rate = f64::from(u32::try_from(records)?) / seconds;
    tell(&format!(
        "T16: 0 false alarms in {records} clean records ({rotations} rotations), verified at {rate:.0} records/s; seed {seed}"
    ));
    Ok(())
}
