//! A host with a crystal, a kernel and a time service, an agent's real keeper on it, and the truth.

use std::sync::{Arc, Mutex};

use tidewaiter_agent::{
    clock::{Clock, Host, Kernel, Policy},
    outbox::{Cursor, Draft, Identity, Keeper, Outbox, Settings, SqliteStore},
    seal,
};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_mqtt::Date;
use tidewaiter_record::{
    ChainId, Ed25519Signer, Hash, Receipt, Record, Registry, RegistryClass, Signer, Statement, Verifier,
    body::{Context, Detail, Event},
    issue,
    verify::Code,
};
use tokio_util::sync::CancellationToken;

use crate::{handshake::Tls, rows::Row};

/// 2026-11-29T00:00:00Z.
pub(crate) const START_MS: i64 = 1_795_910_400_000;
const SECOND: i64 = 1_000;
const CHAIN: ChainId = ChainId([7; 16]);

/// One thing that happens. Times are in seconds unless the name says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// The truth begins here instead (UTC milliseconds).
    Epoch(i64),
    /// The crystal is off by so many parts per million.
    Crystal(i64),
    /// Time passes: so long, with a record every so often.
    Run(i64, i64),
    /// A time service finds its servers: the clock is stepped to what it says.
    Ntp,
    /// The servers are gone, and the kernel has noticed.
    Lost,
    /// The servers tell a time that is off by so many milliseconds; the service steps to it.
    Lie(i64),
    /// From now on what the servers tell runs away by so many parts per million.
    Drag(i64),
    /// The service corrects the clock at high speed for so long.
    Slew(i64),
    /// A person sets the clock by so many milliseconds.
    Set(i64),
    /// The agent starts again.
    Restart,
    /// The host starts again; its battery-backed clock is off by so many milliseconds, or dead.
    Reboot(Option<i64>),
    /// The host sleeps; its clocks are off by so many milliseconds afterwards.
    Sleep(i64, i64),
    /// A leap second comes: the kernel was told, or was not.
    Leap(bool),
    /// From now on the centre's receipts come in after every record, or do not.
    Receipts(bool),
}

#[derive(Debug)]
struct World {
    true_ms: i64,
    /// Milliseconds, and millionths of them.
    mono: (u64, i64),
    wall_ms: i64,
    ppm: i64,
    service: Option<Service>,
    kernel: Kernel,
    host: Host,
}

/// What the servers say less the truth, and how that runs away.
#[derive(Clone, Copy, Debug)]
struct Service {
    off_ms: i64,
    drag_ppm: i64,
    dragged: i64,
}

impl World {
    fn pass(&mut self, ms: i64) {
        self.true_ms += ms;
        let ppm = match &mut self.service {
            Some(service) => {
                let millionths = service.dragged + ms * service.drag_ppm;
                service.off_ms += millionths / 1_000_000;
                service.dragged = millionths % 1_000_000;
                self.kernel.synchronised = Some(20);
                service.drag_ppm
            }
            None => self.ppm,
        };
        // The kernel's service rules both clocks: what it slows, it slows in both.
        let millionths = self.mono.1 + ms * ppm;
        let moved = ms + millionths / 1_000_000;
        self.mono = (self.mono.0.saturating_add_signed(moved), millionths % 1_000_000);
        self.wall_ms += moved;
    }
}

#[derive(Clone, Debug)]
struct Simulated(Arc<Mutex<World>>);

impl Clock for Simulated {
    fn now(&self) -> Moment {
        let world = self.0.lock().unwrap();
        Moment { mono_ms: world.mono.0, wall_ms: world.wall_ms }
    }

    fn kernel(&self) -> Kernel {
        self.0.lock().unwrap().kernel
    }

    fn host(&self) -> Host {
        self.0.lock().unwrap().host.clone()
    }
}

/// A record and when it was really made.
pub(crate) struct Made {
    pub(crate) seq: u64,
    pub(crate) true_ms: i64,
    pub(crate) record: Record,
}

/// What came of a row.
pub(crate) struct Outcome {
    pub(crate) records: Vec<Made>,
    pub(crate) refused: u64,
    pub(crate) order_findings: Vec<String>,
    pub(crate) found_by_centre: bool,
    pub(crate) tls_failures: Vec<String>,
    pub(crate) handshakes: u32,
    /// The letter on the state topic and the page.
    pub(crate) shown: &'static str,
}

struct Rig<'t> {
    clock: Simulated,
    signer: Arc<Ed25519Signer>,
    centre: Ed25519Signer,
    statement: Vec<u8>,
    registry: Registry,
    dir: tempfile::TempDir,
    running: Option<Running>,
    starts: u64,
    receipts: bool,
    made: Vec<Made>,
    stream: Vec<Vec<u8>>,
    refused: u64,
    tls: &'t Tls,
    tls_failures: Vec<String>,
    handshakes: u32,
}

struct Running {
    outbox: Outbox,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

/// Plays a row from beginning to end.
pub(crate) fn play(row: &Row, tls: &Tls) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut rig = Rig::new(tls);
        for act in row.acts {
            rig.act(*act).await;
        }
        rig.finish().await
    })
}

impl<'t> Rig<'t> {
    fn new(tls: &'t Tls) -> Self {
        let world = World {
            true_ms: START_MS,
            mono: (30_000, 0),
            wall_ms: START_MS,
            ppm: 20,
            service: None,
            kernel: Kernel::default(),
            host: Host { start: Some("uptime-0".to_owned()), rtc: true },
        };
        let signer = Arc::new(Ed25519Signer::generate().unwrap());
        let centre = Ed25519Signer::generate().unwrap();
        let statement = Statement {
            agent: "gate-07".to_owned(),
            chain: CHAIN,
            public: signer.public_key(),
            created_ms: START_MS,
            simulated: false,
        };
        let bytes = statement.issue(signer.as_ref()).unwrap();
        let mut registry = Registry::new(RegistryClass::Production);
        registry.add(statement.register(Hash::of(&bytes))).unwrap();
        registry.add(tidewaiter_record::RegisteredKey::centre("centre", centre.public_key())).unwrap();
        Self {
            clock: Simulated(Arc::new(Mutex::new(world))),
            signer,
            centre,
            statement: bytes,
            registry,
            dir: tempfile::tempdir().unwrap(),
            running: None,
            starts: 0,
            receipts: false,
            made: Vec::new(),
            stream: Vec::new(),
            refused: 0,
            tls,
            tls_failures: Vec::new(),
            handshakes: 0,
        }
    }

    fn world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.clock.0.lock().unwrap())
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::Epoch(at) => self.world(|it| (it.true_ms, it.wall_ms) = (at, at)),
            Act::Crystal(ppm) => self.world(|it| it.ppm = ppm),
            Act::Run(seconds, every) => {
                for _ in 0..seconds / every {
                    self.world(|it| it.pass(every * SECOND));
                    self.record().await;
                }
                self.handshake();
            }
            Act::Ntp | Act::Lie(_) => {
                let off_ms = if let Act::Lie(off_ms) = act { off_ms } else { 0 };
                self.world(|it| {
                    it.wall_ms = it.true_ms + off_ms;
                    it.service = Some(Service { off_ms, drag_ppm: 0, dragged: 0 });
                    it.kernel.synchronised = Some(30);
                });
            }
            Act::Drag(ppm) => self.world(|it| it.service.as_mut().unwrap().drag_ppm = ppm),
            Act::Lost => self.world(|it| (it.service, it.kernel.synchronised) = (None, None)),
            Act::Slew(seconds) => {
                self.world(|it| it.kernel.slewing = true);
                self.world(|it| it.pass(seconds * SECOND));
                self.record().await;
                self.world(|it| it.kernel.slewing = false);
            }
            // Setting the clock tells the kernel that it is not synchronised (settimeofday(2) clears it).
            Act::Set(by_ms) => self.world(|it| {
                it.wall_ms += by_ms;
                (it.service, it.kernel.synchronised) = (None, None);
            }),
            Act::Restart => {
                self.stop().await;
                self.start().await;
            }
            Act::Reboot(rtc) => {
                self.stop().await;
                self.world(|it| {
                    it.true_ms += 60 * SECOND;
                    it.mono = (20_000, 0);
                    it.wall_ms = rtc.map_or(20_000, |off_ms| it.true_ms + off_ms);
                    (it.service, it.kernel) = (None, Kernel::default());
                    let start = it.host.start.take().unwrap_or_default();
                    it.host = Host { start: Some(format!("{start}+")), rtc: rtc.is_some() };
                });
            }
            Act::Sleep(seconds, off_ms) => self.world(|it| {
                let ms = seconds * SECOND;
                it.true_ms += ms;
                // Both clocks are moved on by the battery-backed one.
                it.mono.0 = it.mono.0.saturating_add_signed(ms + off_ms);
                it.wall_ms += ms + off_ms;
                it.kernel.asleep_ms += ms.unsigned_abs();
            }),
            Act::Leap(told) => {
                self.world(|it| it.kernel.leap = told);
                self.record().await;
                // UTC counts a second twice; a kernel that knows does so too.
                self.world(|it| {
                    it.true_ms -= SECOND;
                    if told {
                        it.wall_ms -= SECOND;
                    }
                });
                self.record().await;
                self.world(|it| it.pass(2 * SECOND));
                self.record().await;
                self.world(|it| it.kernel.leap = false);
            }
            Act::Receipts(on) => self.receipts = on,
        }
    }

    async fn start(&mut self) {
        self.starts += 1;
        let store = SqliteStore::open(self.dir.path(), CHAIN, 64 << 20).unwrap();
        let identity = Identity {
            agent: "gate-07".to_owned(),
            chain: CHAIN,
            statement: Hash::of(&self.statement),
            context: Context { software: "test 1".to_owned(), config: [1; 32] },
        };
        let (keeper, outbox) = Keeper::open(
            Box::new(store),
            Arc::clone(&self.signer) as Arc<dyn Signer>,
            Arc::new(self.clock.clone()),
            identity,
            Settings { keep_ms: i64::MAX, clock: Policy::default() },
            seal::interrupted,
        )
        .await
        .unwrap();
        let stop = CancellationToken::new();
        let ended = stop.clone();
        let task = tokio::spawn(async move { keeper.run(ended).await.unwrap() });
        self.running = Some(Running { outbox, stop, task });
        self.collect().await;
        self.handshake();
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.outbox.finish().await;
            self.running = Some(running);
            self.collect().await;
            let running = self.running.take().unwrap();
            running.stop.cancel();
            running.task.await.unwrap();
        }
    }

    async fn record(&mut self) {
        if self.running.is_none() {
            self.start().await;
        }
        let outbox = self.running.as_ref().unwrap().outbox.clone();
        let detail =
            Detail::Event(Event { name: "tick".to_owned(), subject: None, facts: std::collections::BTreeMap::new() });
        let draft = Draft { place: "self".to_owned(), id: None, detail, alert: false, closes: None, notes: Vec::new() };
        if outbox.seal(draft).await.is_err() {
            self.refused += 1;
        }
        self.collect().await;
        if self.receipts {
            let last = self.made.last().unwrap();
            let received_ms = self.world(|it| it.true_ms);
            let hash = last.record.hash();
            let receipt = Receipt {
                agent: "gate-07".to_owned(),
                chain: CHAIN,
                upto_seq: last.seq,
                hash,
                received_at_ms: received_ms,
                log: None,
            };
            self.stream.push(issue(&receipt, &self.centre).unwrap());
            outbox.receipt(Cursor { upto_seq: last.seq, hash, received_ms }).await;
        }
    }

    /// Takes what has been sealed since the last look, with the true time.
    async fn collect(&mut self) {
        let from = self.made.last().map_or(0, |it| it.seq + 1);
        let entries = self.running.as_ref().unwrap().outbox.entries(from, usize::MAX).await.unwrap().unwrap();
        let true_ms = self.world(|it| it.true_ms);
        for entry in entries {
            self.stream.push(entry.bytes.clone());
            let record = tidewaiter_record::parse(&entry.bytes).unwrap();
            self.made.push(Made { seq: entry.seq, true_ms, record });
        }
    }

    fn handshake(&mut self) {
        let Some(running) = &self.running else { return };
        let claim = running.outbox.status().borrow().clock;
        let now_ms = self.clock.now().wall_ms;
        self.handshakes += 1;
        let date = Date { now_ms, floor_ms: claim.floor_ms, vouched: claim.is_vouched() };
        if let Err(why) = self.tls.shake(date) {
            self.tls_failures.push(format!("{why} at {date:?}"));
        }
    }

    async fn finish(mut self) -> Outcome {
        self.handshake();
        let shown = self.running.as_ref().unwrap().outbox.status().borrow().clock.quality.word();
        self.stop().await;
        let mut verifier = Verifier::new(&self.registry);
        verifier.push(&self.statement);
        for item in &self.stream {
            verifier.push(item);
        }
        let report = verifier.finish();
        let (centre, order): (Vec<_>, Vec<_>) = report
            .findings
            .iter()
            .filter(|it| it.question != tidewaiter_record::verify::Question::Note)
            .partition(|it| it.code == Code::AfterReceipt);
        Outcome {
            records: self.made,
            refused: self.refused,
            order_findings: order.iter().map(|it| format!("{} at {:?}: {}", it.code.word(), it.seq, it.what)).collect(),
            found_by_centre: !centre.is_empty(),
            tls_failures: self.tls_failures,
            handshakes: self.handshakes,
            shown,
        }
    }
}
