//! An agent's sealing side, and a centre to take it.

use std::{collections::BTreeMap, sync::Arc};

use tidewaiter_collector::{Action, Collected, Core, SqliteStore, Store, Tables};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Moment, Quality},
};
use tidewaiter_record::{
    Anchor, Body, ChainHead, ChainId, Claims, Context, Detail, Ed25519Signer, Event, Evidence, Flags, Genesis, Hash,
    InspectionDetail, Measured, RegisteredKey, Registry, RegistryClass, Sealed, Signer, Statement, Subject, TimeBlock,
    TimeQuality, TimeSource, seal,
};

pub(crate) const NOW: i64 = 1_790_000_000_000;
pub(crate) const SITE: &str = "yantian";

/// An agent that seals one record after the other.
pub(crate) struct Writer {
    pub(crate) signer: Ed25519Signer,
    pub(crate) head: ChainHead,
    pub(crate) key: RegisteredKey,
    pub(crate) agent: String,
}

impl Writer {
    pub(crate) fn new(agent: &str, seed: u8) -> Self {
        let signer = Ed25519Signer::from_seed(&[seed; 32]);
        let chain = ChainId([seed; 16]);
        let statement = Statement {
            agent: agent.to_owned(),
            chain,
            public: signer.public_key(),
            created_ms: NOW,
            simulated: false,
        };
        let hash = Hash::of(&statement.issue(&signer).unwrap());
        Self { head: ChainHead::new(chain, hash), key: statement.register(hash), agent: agent.to_owned(), signer }
    }

    pub(crate) fn chain(&self) -> ChainId {
        self.head.chain
    }

    pub(crate) fn topic(&self) -> String {
        self.on("record")
    }

    /// A topic of this agent.
    pub(crate) fn on(&self, stream: &str) -> String {
        format!("tw/1/{SITE}/{}/{stream}", self.agent)
    }

    /// Has the centre take a record; gives what comes of it.
    pub(crate) fn offer(&self, core: &mut Core, sealed: &Sealed, now_ms: i64) -> Out {
        sort(core.accept(&self.topic(), &sealed.bytes, now_ms).unwrap(), &[self])
    }

    /// Seals a body at `head`, which need not be the true one.
    pub(crate) fn seal_at(&self, head: &ChainHead, detail: Detail) -> Sealed {
        self.seal_with(head, detail, None)
    }

    /// Seals an event that names a head of the centre's log.
    pub(crate) fn witness(&mut self, number: u64, hash: Hash) -> Sealed {
        let sealed = self.seal_with(&self.head, event("witness"), Some(Anchor { number, hash }));
        self.head = self.head.after(&sealed);
        sealed
    }

    fn seal_with(&self, head: &ChainHead, detail: Detail, anchor: Option<Anchor>) -> Sealed {
        let claims = Claims { agent: self.agent.clone(), subject: "self".into() };
        let time = TimeBlock {
            wall_ms: NOW,
            mono_ms: 1_000 + head.next_seq,
            boot: 1,
            quality: TimeQuality::S,
            err_ms: 5,
            src: TimeSource::Ntp,
            age_s: 60,
        };
        seal(head, &claims, anchor, &Body { time, detail }, &self.signer).unwrap()
    }

    /// Seals the next record of the chain.
    pub(crate) fn seal(&mut self, detail: Detail) -> Sealed {
        let sealed = self.seal_at(&self.head, detail);
        self.head = self.head.after(&sealed);
        sealed
    }

    /// Seals an event; in a chain without records the genesis that it must begin with.
    pub(crate) fn event(&mut self, name: &str) -> Sealed {
        let detail = if self.head.next_seq == 0 { genesis(self.head.prev) } else { event(name) };
        self.seal(detail)
    }

    /// Begins the chain, and has the centre take it.
    pub(crate) fn begin(&mut self, core: &mut Core) -> Sealed {
        let sealed = self.event("genesis");
        assert_eq!(sort(core.accept(&self.topic(), &sealed.bytes, NOW).unwrap(), &[self]).receipts, [(0, sealed.hash)]);
        sealed
    }

    pub(crate) fn events(&mut self, n: usize) -> Vec<Sealed> {
        (0..n).map(|it| self.event(&format!("event-{it}"))).collect()
    }
}

pub(crate) fn genesis(statement: Hash) -> Detail {
    Detail::Genesis(Genesis { software: "tidewaiter 0.1.0".into(), config: [7; 32], statement })
}

pub(crate) fn event(name: &str) -> Detail {
    Detail::Event(Event { name: name.into(), subject: None, facts: BTreeMap::new() })
}

pub(crate) fn centre_signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(&[0xce; 32])
}

pub(crate) fn registry(class: RegistryClass, writers: &[&Writer]) -> Registry {
    let mut registry = Registry::new(class);
    registry.add(RegisteredKey::centre("centre", centre_signer().public_key())).unwrap();
    for writer in writers {
        registry.add(writer.key.clone()).unwrap();
    }
    registry
}

pub(crate) fn core_on(store: impl Into<Box<dyn Store>>, writers: &[&Writer]) -> Core {
    let signer: Arc<dyn Signer> = Arc::new(centre_signer());
    Core::new(registry(RegistryClass::Test, writers), signer, store, Tables::builtin()).unwrap()
}

pub(crate) fn core(writers: &[&Writer]) -> Core {
    core_on(SqliteStore::in_memory().unwrap(), writers)
}

/// What came out of one message.
#[derive(Debug, Default)]
pub(crate) struct Out {
    /// Verified receipts: last sequence number covered and its hash.
    pub(crate) receipts: Vec<(u64, Hash)>,
    pub(crate) collected: Vec<Collected>,
    pub(crate) refused: Vec<&'static str>,
    pub(crate) equivocations: usize,
    /// Ranges asked for again.
    pub(crate) asked: Vec<(u64, u64)>,
    /// Gaps reported as incidents, by their first number.
    pub(crate) late: Vec<u64>,
}

/// Sorts actions, and opens every receipt as an agent would.
pub(crate) fn sort(actions: Vec<Action>, writers: &[&Writer]) -> Out {
    let registry = registry(RegistryClass::Test, writers);
    let mut out = Out::default();
    for action in actions {
        match action {
            Action::Receipt(due) => {
                let receipt = tidewaiter_record::open_receipt(&due.bytes, &registry).unwrap();
                assert_eq!((receipt.upto_seq, receipt.chain, &receipt.agent), (due.upto_seq, due.chain, &due.agent));
                assert_eq!(due.topic(), format!("tw/1/{}/{}/down/receipt", due.site, due.agent));
                out.receipts.push((receipt.upto_seq, receipt.hash));
            }
            Action::Announce(collected) => out.collected.push(*collected),
            Action::Refused(refusal) => out.refused.push(refusal.finding.bad.word()),
            Action::Equivocation(_) => out.equivocations += 1,
            Action::Resend(due) => {
                let asked = tidewaiter_record::open_resend(&due.bytes, &registry).unwrap();
                assert_eq!((asked.chain, &asked.agent), (due.chain, &due.agent));
                out.asked.push((asked.from_seq, asked.upto_seq));
            }
            Action::Gap(gap) => out.late.push(gap.from_seq),
            Action::Head(_) => panic!("heads are issued apart"),
        }
    }
    out
}

/// A pH measurement of a textile sample, not yet judged.
pub(crate) fn textile(ph: &str) -> InspectionDetail {
    let at = |s: i64| Moment { mono_ms: 1_000, wall_ms: NOW + s * 1_000 };
    InspectionDetail {
        flags: Flags::default(),
        id: "bench-a-1-1".into(),
        procedure: "textile-ph".into(),
        place: "bench-a".into(),
        subject: Subject {
            kind: "sample".into(),
            identities: vec![tidewaiter_record::Identity {
                kind: "sample".into(),
                text: "S-2026-0412".into(),
                source: "manual".into(),
                confidence: None,
            }],
            declared: Some(BTreeMap::from([("category".to_owned(), "A".to_owned())])),
        },
        opened: at(0),
        closed: at(60),
        incomplete: None,
        measured: vec![Measured {
            parameter: "ph".into(),
            instrument: "ph-1".into(),
            outcome: Ok(Indication { value: ph.parse::<Decimal>().unwrap(), unit: Unit::PH, quality: Quality::Good }),
            background: None,
            uncertainty: None,
            derivation: "mean(2,3)".into(),
            stage: None,
            background_uncertainty: None,
            basis: None,
        }],
        alarms: vec![],
        faults: vec![],
        readings: vec![],
        findings: vec![],
        verdict: "NotApplicable".into(),
        reason: None,
        disposition: "clear".into(),
        alarm_mismatch: false,
        tables: vec![],
        context: Context { software: "tidewaiter 0.1.0".into(), config: [7; 32] },
        judging: None,
    }
}

/// Judges it as an agent does, by GB 18401-2010 Table 1.
pub(crate) fn judged(mut detail: InspectionDetail) -> InspectionDetail {
    let tables = Tables::builtin();
    let table = tables.limits.iter().find(|it| it.id == "gb18401-2010-t1").unwrap();
    let judge =
        [tidewaiter_config::site::Judge { table: table.id.clone(), parameters: vec!["ph".into()], advisory: false }];
    let inspection = tidewaiter_recompute::inspection(&detail).unwrap();
    let at = jiff::civil::date(2026, 9, 21);
    let screening = tidewaiter_screening::screen(&inspection, &tables.limits, &judge, at, None);
    detail.findings = screening
        .findings
        .iter()
        .map(|it| tidewaiter_record::Finding {
            table: it.table.clone(),
            edition: it.edition.clone(),
            row: it.row.clone(),
            parameter: it.parameter.clone(),
            verdict: it.verdict.word().into(),
            reason: it.verdict.reason().map(|it| it.word().into()),
            alarms: it.alarms,
            value: it.value.clone(),
            limit: it.limit.clone(),
            rule: it.rule.clone(),
            stage: it.stage,
            hazards: Vec::new(),
            legal_force: String::new(),
            probability: None,
            advisory: false,
        })
        .collect();
    detail.verdict = screening.verdict.word().into();
    detail.reason = screening.verdict.reason().map(|it| it.word().into());
    detail.disposition = screening.disposition.word().into();
    detail.alarm_mismatch = screening.alarm_mismatch;
    detail.tables =
        vec![tidewaiter_record::Table { id: table.id.clone(), edition: table.edition.clone(), sha256: table.digest }];
    detail
}

/// A record that names content, and holds it where it is `inline`.
pub(crate) fn named(content: &[u8], inline: bool) -> Detail {
    Detail::Evidence(Box::new(Evidence {
        flags: Flags::default(),
        inspection: None,
        instrument: Some("portal-1".into()),
        at: Moment { mono_ms: 1, wall_ms: NOW },
        media: "application/n42+xml".into(),
        hash: Hash::of(content),
        size: content.len() as u64,
        content: inline.then(|| content.to_vec()),
        facts: BTreeMap::new(),
        context: Context { software: "tidewaiter 0.1.0".into(), config: [7; 32] },
    }))
}
