//! The pages and files as a browser asks for them, over a real outbox in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use jiff::civil::date;
use tidewaiter_config::{
    limits::LimitTable,
    site::{Judge, site_from_str},
};
use tidewaiter_drivers::{
    Unit,
    reading::{Indication, Moment, Quality},
};
use tidewaiter_record::{
    ChainId, Ed25519Signer, Hash, Statement,
    body::{Context, Detail, Event, SoftwareId, Table},
};
use tidewaiter_screening::{
    Inspection,
    inspection::{Completion, Declaration, Evidence, Identity, IncompleteReason, Measured, Subject, SubjectKind},
    screen,
};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::{
    acquire::Counters,
    clock::{Clock, Policy},
    evidence::{Attachment, MemoryEvidence},
    lane::Local,
    outbox::{
        Batch, Contents, Draft, Entry, Identity as AgentIdentity, Keeper, Outbox, Settings, SqliteStore, Store,
        StoreError,
    },
    seal::{self, Standing},
    uplink::Telemetry,
};

mod pages;
mod searches;
mod taken_along;

const CHAIN: ChainId = ChainId([7; 16]);
/// 2026-11-29T00:00:00Z, eight in the morning at Shanghai.
const MIDNIGHT: i64 = 1_795_910_400_000;
const TABLE: &str = "gb18401-2010-t1";
static TABLES: LazyLock<Vec<LimitTable>> = LazyLock::new(tidewaiter_config::limits::builtin);

/// Both clocks, moved by hand.
#[derive(Debug)]
struct HandClock(Mutex<Moment>);

impl Clock for HandClock {
    fn now(&self) -> Moment {
        *self.0.lock().unwrap()
    }
}

/// A store that counts the records read from it.
#[derive(Debug)]
struct Counting(SqliteStore, Arc<AtomicU64>);

impl Store for Counting {
    fn contents(&mut self) -> Result<Contents, StoreError> {
        self.0.contents()
    }
    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.0.commit(batch)
    }
    fn reopen(&mut self) -> Result<(), StoreError> {
        self.0.reopen()
    }
    fn entries(&mut self, from: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let entries = self.0.entries(from, limit)?;
        self.1.fetch_add(entries.len() as u64, Ordering::Relaxed);
        Ok(entries)
    }
    fn alerts(&mut self, above: Option<u64>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.0.alerts(above, limit)
    }
    fn find_draft(&mut self, draft: &str) -> Result<Option<(u64, Hash)>, StoreError> {
        self.0.find_draft(draft)
    }
    fn open_inspections(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.0.open_inspections()
    }
    fn notes(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.0.notes()
    }
    fn usage(&mut self) -> Result<(u64, u64), StoreError> {
        self.0.usage()
    }
    fn receipted_before(&mut self, before_ms: i64) -> Result<Option<u64>, StoreError> {
        self.0.receipted_before(before_ms)
    }
}

/// An agent's records and the pages over them.
struct Desk {
    local: Local,
    outbox: Outbox,
    clock: Arc<HandClock>,
    read: Arc<AtomicU64>,
    _stop: tokio_util::sync::DropGuard,
    _ends: (watch::Sender<Arc<tidewaiter_config::site::Site>>, watch::Sender<Telemetry>, tempfile::TempDir),
}

/// An answer, whole.
struct Answer {
    code: StatusCode,
    headers: axum::http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }
}

fn context() -> Context {
    Context { software: crate::app::SOFTWARE.to_owned(), config: [9; 32] }
}

fn standing() -> Standing {
    Standing { context: context(), plan: None, origin: None }
}

/// One textile sample: what was read of it, and what stands around it.
#[derive(Clone, Debug)]
struct Sample {
    id: String,
    place: &'static str,
    name: String,
    ph: Option<&'static str>,
    drill: bool,
    simulated: bool,
}

impl Sample {
    fn new(number: usize, ph: &'static str) -> Self {
        Self {
            id: format!("bench-a-1-{number}"),
            place: "bench-a",
            name: format!("S-{number:04}"),
            ph: Some(ph),
            drill: false,
            simulated: false,
        }
    }

    fn inspection(&self, at: Moment) -> Inspection {
        let outcome = match self.ph {
            Some(digits) => Ok(Indication { value: digits.parse().unwrap(), unit: Unit::PH, quality: Quality::Good }),
            None => Err(tidewaiter_drivers::reading::Missing::TimedOut),
        };
        let reading = |ms: u64| Evidence {
            instrument: "ph-1".into(),
            channel: "ph".into(),
            at: Moment { mono_ms: at.mono_ms + ms, wall_ms: at.wall_ms + i64::try_from(ms).unwrap() },
            outcome,
            raw: b"pH 7.60\r\n".to_vec(),
        };
        let source = "manual".to_owned();
        Inspection {
            id: self.id.clone(),
            procedure: "textile-bench".into(),
            place: self.place.into(),
            subject: Subject {
                kind: SubjectKind::Sample,
                identities: vec![Identity { kind: "sample".into(), text: self.name.clone(), source, confidence: None }],
                declaration: Declaration::Found(BTreeMap::from([("category".to_owned(), "B".to_owned())])),
            },
            opened: at,
            closed: at,
            completion: if self.ph.is_some() {
                Completion::Complete
            } else {
                Completion::Incomplete(IncompleteReason::TimedOut)
            },
            simulated: self.simulated,
            drill: self.drill,
            operator: Some("李娜".into()),
            measured: vec![Measured { outcome, ..Measured::new("ph", "ph-1", outcome, "last of 2") }],
            alarms: Vec::new(),
            faults: Vec::new(),
            readings: vec![reading(0), reading(500)],
            whole: Vec::new(),
        }
    }

    fn draft(&self, at: Moment) -> Draft {
        let inspection = self.inspection(at);
        let tables = &*TABLES;
        let judge = [Judge { table: TABLE.into(), parameters: vec!["ph".into()], advisory: false }];
        let judged = screen(&inspection, tables, &judge, date(2026, 11, 29), None);
        let table = tables.iter().find(|it| it.id == TABLE).unwrap();
        let named = Table { id: table.id.clone(), edition: table.edition.clone(), sha256: table.digest };
        seal::inspection(&inspection, &judged, &judge, vec![named], &standing())
    }
}

impl Desk {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "version = 1\n[site]\nid = \"yantian\"\nagent = \"lab-1\"\nname = \"盐田 <实验室>\"\n[store]\ndir = \"{}\"\nbudget = \"1 GiB\"\n",
            dir.path().display()
        );
        let (site, _) = site_from_str(&text, Path::new("")).unwrap();
        let clock = Arc::new(HandClock(Mutex::new(Moment { mono_ms: 1_000, wall_ms: MIDNIGHT })));
        let signer = Ed25519Signer::from_seed(&[3; 32]);
        let statement = Statement {
            agent: "lab-1".into(),
            chain: CHAIN,
            public: signer.public_key(),
            created_ms: MIDNIGHT,
            simulated: false,
        }
        .issue(&signer)
        .unwrap();
        let hash = Hash::of(&statement);
        let mut registry = tidewaiter_record::Registry::new(tidewaiter_record::RegistryClass::Test);
        registry.add(Statement::open(&statement).unwrap().register(hash)).unwrap();
        std::fs::write(dir.path().join(crate::keys::REGISTRY_FILE), registry.to_json()).unwrap();
        let read = Arc::new(AtomicU64::new(0));
        let store = Counting(SqliteStore::in_memory(CHAIN, 1 << 30).unwrap(), Arc::clone(&read));
        let identity = AgentIdentity { agent: "lab-1".into(), chain: CHAIN, statement: hash, context: context() };
        let settings = Settings { keep_ms: i64::MAX / 4, clock: Policy::default() };
        let (keeper, outbox) = Keeper::open(
            Box::new(store),
            Arc::new(signer),
            Arc::clone(&clock) as Arc<dyn Clock>,
            identity,
            settings,
            seal::interrupted,
        )
        .await
        .unwrap();
        let (keeper, outbox) = keeper.with_evidence(outbox, Arc::new(MemoryEvidence::default()));
        let stop = CancellationToken::new();
        tokio::spawn(keeper.run(stop.clone()));
        let (asks, _) = mpsc::channel(1);
        let counters = Arc::new(Counters::new(&site));
        let (site_sender, site) = watch::channel(Arc::new(site));
        let (telemetry_sender, telemetry) = watch::channel(Telemetry::default());
        let local = Local {
            site,
            live: Arc::default(),
            counters,
            status: outbox.status(),
            telemetry,
            asks,
            outbox: outbox.clone(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            streams: Arc::new(Semaphore::new(1)),
            stop: CancellationToken::new(),
            smith: None,
            uploads: Arc::new(Semaphore::new(1)),
            software: Arc::new(SoftwareId { name: context().software, hash: None, config: [9; 32] }),
            refused: watch::channel(None).1,
            reloader: None,
            history: Arc::default(),
            access: Arc::new(crate::lane::access::Access::new()),
        };
        Self { local, outbox, clock, read, _stop: stop.drop_guard(), _ends: (site_sender, telemetry_sender, dir) }
    }

    /// Records a sample; the next one comes a minute later.
    async fn record(&self, sample: &Sample) -> u64 {
        let at = {
            let mut now = self.clock.0.lock().unwrap();
            now.mono_ms += 60_000;
            now.wall_ms += 60_000;
            *now
        };
        self.outbox.seal(sample.draft(at)).await.unwrap().seq
    }

    async fn event(&self, name: &str) -> u64 {
        let detail = Detail::Event(Event { name: name.to_owned(), subject: None, facts: BTreeMap::new() });
        let draft = Draft { place: "self".into(), id: None, detail, alert: false, closes: None, notes: Vec::new() };
        self.outbox.seal(draft).await.unwrap().seq
    }

    /// Attaches a content to an inspection.
    async fn attach(&self, inspection: &str, media: &str, content: &[u8]) -> u64 {
        let attachment = Attachment {
            inspection: Some(inspection.to_owned()),
            media: media.to_owned(),
            content: content.into(),
            instrument: None,
            facts: BTreeMap::from([("title".to_owned(), "<b>title</b>".to_owned())]),
        };
        let at = self.clock.now();
        crate::evidence::attach(&self.outbox, attachment, at, context()).await.unwrap().seq
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header(header::HOST, "127.0.0.1").body(Body::empty()).unwrap();
        let (pages, _) = crate::lane::on_loopback(self.local.clone());
        let answer = pages.oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        Answer { code: parts.status, headers: parts.headers, body: to_bytes(body, 64 << 20).await.unwrap().to_vec() }
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.code, StatusCode::OK, "{path}: {}", answer.text());
        assert_eq!(answer.header(header::CONTENT_TYPE), "text/html; charset=utf-8");
        answer.text()
    }
}
