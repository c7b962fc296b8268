//! The verifier: a stream of sealed items goes in, four answers come out.
//!
//! | question | what is held against what |
//! |---|---|
//! | signature | every item against the registry and the rotations of its chain: key, role, agent, chain, range, bytes |
//! | chain | every record against the one before it, the enrolment, the receipts, the centre's log, other chains of its agent |
//! | completeness | numbers without gaps from the start to the newest receipt, slots of intervals, heartbeats, evidence |
//! | time | clocks and claims against each other |
//!
//! A record whose signature does not hold is no evidence for anything: it counts against the signature,
//! leaves its place empty, and is not looked at further. Every rule stands in `FORMAT.md`, so that a second
//! verifier can be written from it.

mod chain;
mod evidence;
mod keys;
mod log;
mod report;
mod reset;
mod time;

use std::collections::BTreeMap;

use chain::{ChainState, FreeRemark, Placed, Remark};
pub use chain::{MAX_OPEN, MAX_REMEMBERED, SILENCE_MS};
pub use evidence::MAX_EVIDENCE;
use evidence::Wanted;
use keys::Keys;
pub use keys::MAX_LEARNED;
use log::Logs;
pub use log::MAX_LOG;
pub use report::{ChainSummary, Code, Finding, MAX_FINDINGS, Question, Report, Verdict};
pub use time::FORMAT_BEGINS_MS;

use crate::{
    body::{Detail, TimeQuality},
    enrolment::Statement,
    envelope::{ContentType, Envelope},
    head::{open_head_by, open_resend},
    id::{ChainId, Hash},
    open::{self, ParseError, Record, SignatureError},
    receipt::{self, ReceiptError},
    registry::{Registry, RegistryClass},
    seal::ChainHead,
};

/// Verifies a stream, one item at a time, in bounded memory.
#[derive(Debug)]
pub struct Verifier<'r> {
    registry: &'r Registry,
    start: u64,
    heads: BTreeMap<ChainId, ChainHead>,
    chains: BTreeMap<ChainId, ChainState>,
    keys: Keys,
    logs: Logs,
    wanted: Wanted,
    records: u64,
    accepted: u64,
    duplicates: u64,
    content_unknown: u64,
    simulated: bool,
    unknown_time: u64,
    informative_time: u64,
    bad: BTreeMap<u8, u64>,
    findings: Vec<Finding>,
    left_out: u64,
}

impl<'r> Verifier<'r> {
    /// A verifier that expects every chain to begin with record 0.
    pub fn new(registry: &'r Registry) -> Self {
        Self {
            registry,
            start: 0,
            heads: BTreeMap::new(),
            chains: BTreeMap::new(),
            keys: Keys::new(),
            logs: Logs::default(),
            wanted: Wanted::default(),
            records: 0,
            accepted: 0,
            duplicates: 0,
            content_unknown: 0,
            simulated: false,
            unknown_time: 0,
            informative_time: 0,
            bad: BTreeMap::new(),
            findings: Vec::new(),
            left_out: 0,
        }
    }

    /// States that the stream is an excerpt whose chains begin with record `seq`. The link before it is not
    /// checked.
    #[must_use]
    pub const fn from_seq(mut self, seq: u64) -> Self {
        self.start = seq;
        self
    }

    /// States that one chain goes on from a head that was verified before. The link to it is checked.
    #[must_use]
    pub fn from_head(mut self, head: ChainHead) -> Self {
        self.heads.insert(head.chain, head);
        self
    }

    /// States that evidence is at hand: what records name and [`evidence_present`](Self::evidence_present) does not
    /// confirm by the end is missing.
    #[must_use]
    pub const fn with_evidence(mut self) -> Self {
        self.wanted.expect();
        self
    }

    /// States that content of this hash and size is there; the caller has hashed it.
    ///
    /// Told after the record that names it was pushed. Told at once, it keeps the list of what is wanted short.
    pub fn evidence_present(&mut self, hash: Hash, size: u64) {
        self.wanted.present(hash, size);
    }

    /// Hash and size of the evidence that accepted records name and nobody has shown yet, at most [`MAX_EVIDENCE`].
    pub fn evidence_wanted(&self) -> impl Iterator<Item = (Hash, u64)> {
        self.wanted.open()
    }

    /// Takes the next item of the stream: a record, a receipt, an enrolment statement, a head of the centre's log or
    /// a request to send again.
    ///
    /// Gives back the record when it is evidence.
    pub fn push(&mut self, bytes: &[u8]) -> Option<Record> {
        let envelope = Envelope::open(bytes);
        match envelope.as_ref().ok().and_then(Envelope::content_type) {
            Some(ContentType::Receipt) => {
                self.push_receipt(bytes);
                None
            }
            Some(ContentType::Statement) => {
                self.push_statement(bytes);
                None
            }
            Some(ContentType::Head) => {
                self.push_head(bytes);
                None
            }
            Some(ContentType::Resend) => {
                // A request changes nothing, but whoever keeps a forged one wants to know.
                if let Err(error) = open_resend(bytes, self.registry) {
                    self.refuse(&error);
                }
                None
            }
            // Words about people and certificates, not about the records of a chain.
            Some(ContentType::Reset | ContentType::Renewal) => None,
            Some(ContentType::Record) | None => {
                self.records += 1;
                match envelope.and_then(|it| open::read(&it, bytes)) {
                    Ok(record) => self.judge(record),
                    Err(error) => {
                        self.report(Code::Malformed, None, None, error.to_string());
                        None
                    }
                }
            }
        }
    }

    /// Takes a receipt: every record up to its number has to be in the stream, before or after it.
    pub fn push_receipt(&mut self, bytes: &[u8]) {
        match receipt::open_by(bytes, self.registry) {
            Ok((receipt, key)) => {
                let (chain, log, upto_seq) = (receipt.chain, receipt.log, receipt.upto_seq);
                let (mut remarks, mut of_log) = (Vec::new(), Vec::new());
                if let Some(log) = log {
                    self.logs.receipt(&key.agent, log, (chain, upto_seq), &mut of_log);
                }
                self.chains.entry(chain).or_default().receive(receipt, &mut remarks);
                self.report_all(chain, remarks);
                self.report_anywhere(of_log);
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn push_head(&mut self, bytes: &[u8]) {
        match open_head_by(bytes, self.registry) {
            Ok((head, key)) => {
                let mut remarks = Vec::new();
                self.logs.head(&key.agent, head, &mut remarks);
                self.report_anywhere(remarks);
            }
            Err(error) => self.refuse(&error),
        }
    }

    // An item that speaks of no place of its own.
    fn refuse(&mut self, error: &ReceiptError) {
        let code = match error {
            ReceiptError::Parse(_) => Code::Malformed,
            ReceiptError::Signature(error) => code_of(error),
        };
        self.report(code, None, None, error.to_string());
    }

    /// Takes the end of a stream that could not be cut into items to its end.
    pub fn push_broken(&mut self, error: &ParseError) {
        self.records += 1;
        self.report(Code::Malformed, None, None, error.to_string());
    }

    fn push_statement(&mut self, bytes: &[u8]) {
        match Statement::open(bytes) {
            Ok(statement) => {
                let (hash, registered) = (Hash::of(bytes), self.registry.statement_of(statement.chain));
                if let Some(registered) = registered.filter(|it| *it != hash) {
                    let what = format!("the registry names statement {registered}, the stream has {hash}");
                    self.report(Code::Genesis, Some(statement.chain), None, what);
                }
            }
            Err(error) => self.report(Code::Malformed, None, None, error.to_string()),
        }
    }

    fn judge(&mut self, record: Record) -> Option<Record> {
        let (chain, seq) = (record.header.chain, record.header.seq);
        let registry = self.registry;
        let simulated = match self.keys.verify(&record, registry) {
            Ok(key) => key.simulated,
            Err(error) => {
                self.report(code_of(&error), Some(chain), Some(seq), error.to_string());
                return None;
            }
        };
        let start = match self.heads.get(&chain) {
            Some(head) => (head.next_seq, Some(head.prev)),
            None => (self.start, None),
        };
        let mut remarks = Vec::new();
        let placed = self.chains.entry(chain).or_default().place(&record, start, &mut remarks);
        if placed == Placed::Accepted {
            self.accepted += 1;
            self.look_at(&record, simulated, &mut remarks);
        } else if placed == Placed::Duplicate {
            self.duplicates += 1;
        }
        self.report_all(chain, remarks);
        (placed == Placed::Accepted).then_some(record)
    }

    // `simulated` is what the key says.
    fn look_at(&mut self, record: &Record, simulated: bool, remarks: &mut Vec<Remark>) {
        let seq = record.header.seq;
        time::check(&record.body.time, seq, remarks);
        match record.body.time.quality {
            TimeQuality::U => self.unknown_time += 1,
            TimeQuality::I => self.informative_time += 1,
            TimeQuality::H | TimeQuality::S => {}
        }
        if record.simulated() || simulated {
            self.simulated = true;
            if self.registry.class() == RegistryClass::Production {
                let what = "simulated, and the registry is of class production".to_owned();
                remarks.push((Code::Simulated, seq, what));
            }
        }
        if matches!(record.body.detail, Detail::Unknown { .. }) {
            self.content_unknown += 1;
        }
        match record.body.detail.unaccounted_slots() {
            0 => {}
            slots => remarks.push((Code::Slots, seq, format!("{slots} slots are neither measured nor explained"))),
        }
        check_genesis(record, self.registry, remarks);
        if let Err(why) = self.keys.follow(record, self.registry) {
            remarks.push((Code::BadRotation, seq, why.to_string()));
        }
        if let Some(anchor) = record.header.anchor {
            self.logs.anchor(anchor, (record.header.chain, seq));
        }
        self.wanted.look_at(record);
    }

    fn report_all(&mut self, chain: ChainId, remarks: Vec<Remark>) {
        for (code, seq, what) in remarks {
            self.report(code, Some(chain), Some(seq), what);
        }
    }

    fn report_anywhere(&mut self, remarks: Vec<FreeRemark>) {
        for (code, place, what) in remarks {
            self.report(code, place.map(|it| it.0), place.map(|it| it.1), what);
        }
    }

    fn report(&mut self, code: Code, chain: Option<ChainId>, seq: Option<u64>, what: String) {
        *self.bad.entry(code.question() as u8).or_default() += 1;
        if self.findings.len() < MAX_FINDINGS {
            let (question, way) = (code.question(), code.way());
            self.findings.push(Finding { question, code, chain, seq, what, way });
        } else {
            self.left_out += 1;
        }
    }

    /// The answers.
    pub fn finish(mut self) -> Report {
        let chains = std::mem::take(&mut self.chains);
        for (&chain, state) in &chains {
            let mut remarks = Vec::new();
            state.finish(&mut remarks);
            self.report_all(chain, remarks);
        }
        let registry = self.registry;
        reset::check(registry, &chains, &mut |code, chain, seq, what| self.report(code, Some(chain), seq, what));
        let mut remarks = Vec::new();
        self.logs.finish(&mut remarks);
        self.wanted.finish(&mut remarks);
        self.report_anywhere(remarks);
        let verdict = |question: Question| {
            let count = self.bad.get(&(question as u8)).copied().unwrap_or(0);
            let not_checked = |why: &str| Verdict::NotChecked { why: why.to_owned() };
            if count > 0 {
                Verdict::Bad { count }
            } else if self.records == 0 {
                not_checked("no records were given")
            } else if self.accepted == 0 {
                not_checked("no record has a valid signature")
            } else {
                Verdict::Ok
            }
        };
        let (unknown, informative) = (self.unknown_time, self.informative_time);
        let time = match verdict(Question::Time) {
            Verdict::Ok if unknown + informative > 0 => Verdict::NotChecked {
                why: format!(
                    "of {} records {unknown} say that their time is unknown (U) and {informative} that it is informative (I)",
                    self.accepted
                ),
            },
            verdict => verdict,
        };
        Report {
            records: self.records,
            accepted: self.accepted,
            duplicates: self.duplicates,
            content_unknown: self.content_unknown,
            signature: verdict(Question::Signature),
            chain: verdict(Question::Chain),
            completeness: verdict(Question::Completeness),
            time,
            simulated: self.simulated,
            evidence_named: self.wanted.named(),
            chains: chains.iter().filter_map(|(&chain, state)| state.summary(chain)).collect(),
            findings: self.findings,
            findings_left_out: self.left_out,
        }
    }
}

// Record 0, and only record 0, is a genesis, and hangs on the enrolment statement.
fn check_genesis(record: &Record, registry: &Registry, remarks: &mut Vec<Remark>) {
    let (seq, prev) = (record.header.seq, record.header.prev);
    match &record.body.detail {
        Detail::Genesis(_) if seq > 0 => {
            remarks.push((Code::Genesis, seq, "a chain begins here a second time".to_owned()));
        }
        Detail::Genesis(detail) => {
            if detail.statement != prev {
                let what = format!("names statement {} inside and {prev} before it", detail.statement);
                remarks.push((Code::Genesis, seq, what));
            }
            match registry.statement_of(record.header.chain) {
                Some(statement) if statement != prev => {
                    let what = format!("hangs on {prev}, the registry names statement {statement}");
                    remarks.push((Code::Genesis, seq, what));
                }
                Some(_) => {}
                None => {
                    let what = "the registry names no enrolment statement for this chain".to_owned();
                    remarks.push((Code::GenesisUnproven, seq, what));
                }
            }
        }
        _ if seq == 0 => {
            let what = format!("kind {}, a chain begins with kind 0", record.kind());
            remarks.push((Code::Genesis, seq, what));
        }
        _ => {}
    }
}

fn code_of(error: &SignatureError) -> Code {
    match error {
        SignatureError::UnknownKey(_) => Code::UnknownKey,
        SignatureError::WrongRole { .. } => Code::WrongRole,
        SignatureError::WrongAlgorithm { .. } => Code::WrongAlgorithm,
        SignatureError::WrongAgent { .. } => Code::WrongAgent,
        SignatureError::ForeignChain { .. } => Code::ForeignChain,
        SignatureError::OutsideRange { .. } => Code::OutsideRange,
        SignatureError::BadSignature(_) => Code::BadSignature,
    }
}
