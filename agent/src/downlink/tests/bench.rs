//! What the tests of orders share: people who sign, a disk whose power goes, an inspector that only seals.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use tidewaiter_config::{
    limits::LimitTable,
    site::{Site, site_from_str},
};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    ChainId, Ed25519Signer, Hash, Head, Kid, RegisteredKey, Registry, RegistryClass, Signer,
    body::{Context, Detail, LimitsActivated},
    issue_head,
    mandate::{
        After, Approved, Assigned, AssignedPlan, Assignment, Command, Kind, Limits, OnExpiry, Plan, Role, Root, draft,
    },
    parse,
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, Policy},
    downlink::{Begin, Door, Downlink, Incoming, Seat, What},
    inspector::Ask,
    outbox::{Archive, Batch, Contents, Entry, Identity, Keeper, Outbox, Settings, SqliteStore, Store, StoreError},
    seal,
};

pub(super) const CHAIN: ChainId = ChainId([7; 16]);
const ROOTS: [u8; 3] = [1, 2, 3];
pub(super) const LIMITS: [u8; 3] = [11, 12, 13];
const DIRECTOR: u8 = 21;
const CENTRE: u8 = 41;

fn key(n: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(&[n; 32])
}

pub(super) fn sign(kind: Kind, payload: &[u8], by: &[u8]) -> Vec<u8> {
    let keys: Vec<_> = by.iter().map(|n| key(*n)).collect();
    let signers: Vec<&dyn Signer> = keys.iter().map(|it| it as &dyn Signer).collect();
    let payload = if payload.is_empty() {
        Limits { version: 8, tables: vec![], expires_at_beacon: 9 }.encode()
    } else {
        payload.to_vec()
    };
    draft(kind, &payload, &signers).unwrap()
}

fn root_of(version: u64) -> Root {
    let role = |threshold, numbers: &[u8]| {
        let mut kids: Vec<Kid> = numbers.iter().map(|n| key(*n).kid()).collect();
        kids.sort_unstable();
        Role { threshold, kids }
    };
    let numbers = [ROOTS.as_slice(), &LIMITS, &[DIRECTOR]].concat();
    Root {
        version,
        keys: numbers.iter().map(|n| key(*n).public_key()).collect(),
        roles: [role(2, &ROOTS), role(2, &LIMITS), role(1, &[DIRECTOR]), Role::default()],
        at_ms: 0,
        floors: None,
    }
}

pub(super) fn root() -> Vec<u8> {
    sign(Kind::Root, &root_of(1).encode(), &ROOTS[..2])
}

pub(super) fn root_two() -> Vec<u8> {
    sign(Kind::Root, &root_of(2).encode(), &ROOTS[1..])
}

pub(super) fn table_text(n: u8) -> String {
    format!(
        "id = \"table-{n}\"\nedition = \"2026\"\ntitle = {{ zh = \"表\", en = \"table\" }}\neffective_from = 2026-01-01\n\
         source = \"a test\"\nlegal_force = \"site\"\nhazards = [\"physical\"]\n\n[[rows]]\nid = \"r\"\nparameter = \"ph\"\n\
         unit = \"[pH]\"\nmax = \"8.5\"\nconfidence = \"C1\"\n"
    )
}

pub(super) fn table(n: u8) -> Vec<u8> {
    table_text(n).into_bytes()
}

fn approved(id: &str, file: &[u8], on_expiry: OnExpiry) -> Approved {
    Approved {
        id: id.to_owned(),
        edition: "2026".to_owned(),
        hash: Hash::of(file),
        length: file.len() as u64,
        valid_from: jiff::civil::date(2026, 1, 1),
        on_expiry,
    }
}

pub(super) fn limits(version: u64, tables: &[u8], on_expiry: OnExpiry) -> Vec<u8> {
    let tables = tables.iter().map(|n| approved(&format!("table-{n}"), &table(*n), on_expiry)).collect();
    sign(Kind::Limits, &Limits { version, tables, expires_at_beacon: 100 }.encode(), &LIMITS[..2])
}

pub(super) fn limits_until(version: u64, tables: &[u8], expires_at_beacon: u64) -> Vec<u8> {
    let tables = tables.iter().map(|n| approved(&format!("table-{n}"), &table(*n), OnExpiry::Refuse)).collect();
    sign(Kind::Limits, &Limits { version, tables, expires_at_beacon }.encode(), &LIMITS[..2])
}

pub(super) fn limits_of(version: u64, tables: &[(&str, &[u8])]) -> Vec<u8> {
    let tables = tables.iter().map(|(id, file)| approved(id, file, OnExpiry::Refuse)).collect();
    sign(Kind::Limits, &Limits { version, tables, expires_at_beacon: 100 }.encode(), &LIMITS[..2])
}

fn assigned(version: u64, limits_version: u64, tables: &[(&str, &[u8])], expires_at_beacon: u64) -> Assignment {
    let one = |(id, file): &(&str, &[u8])| Assigned {
        id: (*id).to_owned(),
        edition: "2026".to_owned(),
        hash: Hash::of(file),
    };
    Assignment {
        agent: "a".to_owned(),
        version,
        limits_version,
        tables: tables.iter().map(one).collect(),
        plan: None,
        config: None,
        beacon: 1,
        expires_at_beacon,
        deny: Vec::new(),
    }
}

pub(super) fn assignment_until(version: u64, limits_version: u64, tables: &[u8], until: u64) -> Vec<u8> {
    let files: Vec<_> = tables.iter().map(|n| (format!("table-{n}"), table(*n))).collect();
    let tables: Vec<_> = files.iter().map(|(id, file)| (id.as_str(), file.as_slice())).collect();
    sign(Kind::Assignment, &assigned(version, limits_version, &tables, until).encode(), &[DIRECTOR])
}

pub(super) fn assignment(version: u64, limits_version: u64, tables: &[u8]) -> Vec<u8> {
    assignment_until(version, limits_version, tables, 1000)
}

pub(super) fn assignment_of(version: u64, limits_version: u64, tables: &[(&str, &[u8])]) -> Vec<u8> {
    sign(Kind::Assignment, &assigned(version, limits_version, tables, 1000).encode(), &[DIRECTOR])
}

fn plan_of(version: u64) -> Plan {
    Plan { id: "port".to_owned(), version, text: format!("version = {version}\n") }
}

pub(super) fn plan(version: u64, by: &[u8]) -> Vec<u8> {
    sign(Kind::Plan, &plan_of(version).encode(), by)
}

pub(super) fn planned(version: u64, of_plan: u64) -> Vec<u8> {
    let (file, plan) = (table(1), plan_of(of_plan));
    let mut assignment = assigned(version, 1, &[("table-1", &file)], 1000);
    assignment.plan = Some(AssignedPlan { id: plan.id.clone(), version: plan.version, hash: plan.hash() });
    sign(Kind::Assignment, &assignment.encode(), &[DIRECTOR])
}

pub(super) fn beacon(number: u64) -> Vec<u8> {
    let head = Head { centre: "centre".into(), number, size: 1, root: Hash([1; 32]), at_ms: 0 };
    issue_head(&head, &key(CENTRE)).unwrap()
}

/// Not one item but two.
pub(super) fn two_beacons() -> Vec<u8> {
    [beacon(1), beacon(2)].concat()
}

/// A command as the director signs it, with a key of role root where asked for.
pub(super) fn command(number: u64, verb: &str, arguments: &[(&str, &str)], after: After, by_root: bool) -> Vec<u8> {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let command = Command {
        agent: "a".to_owned(),
        id,
        number,
        verb: verb.to_owned(),
        arguments: arguments.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        not_after_beacon: 50,
        after,
    };
    let by: &[u8] = if by_root { &[DIRECTOR, ROOTS[0]] } else { &[DIRECTOR] };
    sign(Kind::Command, &command.encode(), by)
}

/// When the power goes, counted in commits after the start; and whether that commit reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut(i64, bool);

impl Cut {
    pub(super) const fn never() -> Self {
        Self(i64::MAX, false)
    }

    pub(super) const fn at(commit: i64, written: bool) -> Self {
        Self(commit, written)
    }
}

#[derive(Debug)]
struct Power {
    left: AtomicI64,
    written: bool,
    gone: AtomicBool,
}

#[derive(Debug)]
struct Mains {
    inner: SqliteStore,
    power: Arc<Power>,
}

impl Mains {
    fn check(&self) -> Result<(), StoreError> {
        if !self.power.gone.load(Ordering::SeqCst) {
            return Ok(());
        }
        let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(10), None);
        Err(StoreError::Sqlite { path: PathBuf::from("power"), source })
    }
}

impl Store for Mains {
    fn contents(&mut self) -> Result<Contents, StoreError> {
        self.inner.contents()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.check()?;
        if self.power.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.power.gone.store(true, Ordering::SeqCst);
            if self.power.written {
                self.inner.commit(batch)?;
            }
        }
        self.check()?;
        self.inner.commit(batch)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.check()
    }

    fn entries(&mut self, from: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.entries(from, limit)
    }

    fn alerts(&mut self, above: Option<u64>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.alerts(above, limit)
    }

    fn find_draft(&mut self, draft: &str) -> Result<Option<(u64, Hash)>, StoreError> {
        self.inner.find_draft(draft)
    }

    fn open_inspections(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.inner.open_inspections()
    }

    fn notes(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.inner.notes()
    }

    fn usage(&mut self) -> Result<(u64, u64), StoreError> {
        self.inner.usage()
    }

    fn receipted_before(&mut self, before_ms: i64) -> Result<Option<u64>, StoreError> {
        self.inner.receipted_before(before_ms)
    }
}

#[derive(Debug)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Moment {
        let ms = self.0.fetch_add(1, Ordering::SeqCst);
        Moment { mono_ms: ms.unsigned_abs(), wall_ms: 1_790_000_000_000 + ms }
    }
}

/// Read once: a site brings all built-in tables along, which takes its time.
static SITE: LazyLock<Site> = LazyLock::new(|| {
    let text = "version = 1\n[site]\nid = \"s\"\nagent = \"a\"\nname = \"n\"\n[store]\ndir = \"data\"\n";
    let (mut site, _) = site_from_str(text, Path::new("")).unwrap();
    let own = table_text(0).replace("table-0", "own").replace("\"2026\"", "\"1\"");
    site.tables = vec![tidewaiter_config::limits::load_str("own", &own).unwrap()];
    site
});

/// The data directory of one agent, and its clock.
pub(super) struct Bench {
    pub(super) dir: tempfile::TempDir,
    clock: Arc<HandClock>,
}

/// One run of it.
pub(super) struct Agent {
    pub(super) downlink: Downlink,
    pub(super) door: Door,
    pub(super) outbox: Outbox,
    seen: Arc<Seen>,
    power: Arc<Power>,
    stop: CancellationToken,
    keeper: JoinHandle<Result<(), StoreError>>,
}

/// What reached the inspector.
#[derive(Debug, Default)]
struct Seen {
    tables: Mutex<Vec<LimitTable>>,
    plans: Mutex<Vec<String>>,
    drills: AtomicU32,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: Arc::new(HandClock(AtomicI64::new(0))) }
    }

    fn site(&self) -> Site {
        let mut site = SITE.clone();
        self.dir.path().clone_into(&mut site.store.dir);
        site
    }

    pub(super) async fn start(&self, cut: Cut) -> Agent {
        let mut site = self.site();
        let power = Arc::new(Power { left: AtomicI64::new(i64::MAX), written: cut.1, gone: AtomicBool::new(false) });
        let inner = SqliteStore::open(self.dir.path(), CHAIN, 64 << 20).unwrap();
        let store = Mains { inner, power: Arc::clone(&power) };
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        let identity = Identity {
            agent: "a".into(),
            chain: CHAIN,
            statement: Hash([9; 32]),
            context: Context { software: "test".into(), config: [0; 32] },
        };
        let signer: Arc<dyn Signer> = Arc::new(key(99));
        let settings = Settings { keep_ms: i64::MAX, clock: Policy::default() };
        let (keeper, outbox) =
            Keeper::open(Box::new(store), signer, Arc::clone(&clock), identity, settings, seal::interrupted)
                .await
                .unwrap();
        let notes = keeper.notes().to_vec();
        let stop = CancellationToken::new();
        let keeper = tokio::spawn(keeper.run(stop.clone()));
        let begin = Begin::new(&site, &root(), &notes).unwrap();
        if let Some(tables) = begin.tables() {
            site.tables = tables;
        }
        let seen = Arc::new(Seen { tables: Mutex::new(site.tables.clone()), ..Seen::default() });
        let (asks, asked) = mpsc::channel(64);
        tokio::spawn(inspect(asked, outbox.clone(), Arc::clone(&seen)));
        let mut registry = Registry::new(RegistryClass::Test);
        registry.add(RegisteredKey::centre("centre", key(CENTRE).public_key())).unwrap();
        let seat = Seat { site: Arc::new(site), chain: CHAIN, registry, outbox: outbox.clone(), asks, clock };
        let (mut downlink, door) = Downlink::new(begin, seat);
        downlink.start().await;
        power.left.store(cut.0, Ordering::SeqCst);
        Agent { downlink, door, outbox, seen, power, stop, keeper }
    }

    /// Lets time pass.
    pub(super) fn pass(&self, ms: u64) {
        self.clock.0.fetch_add(ms.cast_signed(), Ordering::SeqCst);
    }

    pub(super) fn details(&self) -> Vec<Detail> {
        let entries = Archive::open(self.dir.path()).unwrap().entries(0, usize::MAX).unwrap();
        entries.iter().map(|it| parse(&it.bytes).unwrap().body.detail).collect()
    }

    /// What the chain says about tables in force; a start says it again, which is left out.
    pub(super) fn activations(&self) -> Vec<LimitsActivated> {
        let mut said: Vec<LimitsActivated> = Vec::new();
        for detail in self.details() {
            if let Detail::LimitsActivated(it) = detail
                && said.last() != Some(&*it)
            {
                said.push(*it);
            }
        }
        said
    }

    pub(super) fn events(&self, name: &str) -> Vec<std::collections::BTreeMap<String, String>> {
        let of = |it| match it {
            Detail::Event(it) if it.name == name => Some(it.facts),
            _ => None,
        };
        self.details().into_iter().filter_map(of).collect()
    }

    pub(super) fn damage_tables(&self) {
        for entry in fs::read_dir(self.dir.path().join("tables")).unwrap() {
            fs::write(entry.unwrap().path(), b"damaged").unwrap();
        }
    }

    pub(super) fn begin_closed(&self) -> Option<bool> {
        let notes = Archive::open(self.dir.path()).unwrap().notes().unwrap();
        Begin::new(&self.site(), &root(), &notes).map(|it| it.closed.is_some() && it.is_stale())
    }
}

impl Agent {
    pub(super) async fn take(&mut self, what: What, bytes: Vec<u8>) {
        self.downlink.take(Incoming { what, payload: Bytes::from(bytes) }).await;
    }

    pub(super) fn in_force(&self) -> Vec<String> {
        self.seen.tables.lock().unwrap().iter().map(|it| format!("{} {}", it.id, it.edition)).collect()
    }

    pub(super) fn plans(&self) -> Vec<String> {
        self.seen.plans.lock().unwrap().clone()
    }

    /// How often a drill was switched: what a command does here.
    pub(super) fn drills(&self) -> u32 {
        self.seen.drills.load(Ordering::SeqCst)
    }

    pub(super) fn was_cut(&self) -> bool {
        self.power.gone.load(Ordering::SeqCst)
    }

    pub(super) async fn keep(&self, name: &str, bytes: Vec<u8>) {
        self.outbox.notes(vec![(name.to_owned(), Some(bytes))]).await.unwrap();
    }

    /// A record that the chain holds now.
    pub(super) async fn newest(&self) -> After {
        let head = self.outbox.status().borrow().head.unwrap();
        let entry = self.outbox.entries(head, 1).await.unwrap().unwrap().pop().unwrap();
        After { chain: CHAIN, seq: entry.seq, hash: entry.hash }
    }

    pub(super) async fn end(self) {
        self.stop.cancel();
        self.keeper.await.unwrap().unwrap();
    }

    /// The power is gone, or goes now: nothing more is written.
    pub(super) async fn abandon(self) {
        self.power.gone.store(true, Ordering::SeqCst);
        self.stop.cancel();
        let _ = self.keeper.await;
    }
}

async fn inspect(mut asked: mpsc::Receiver<Ask>, outbox: Outbox, seen: Arc<Seen>) {
    while let Some(ask) = asked.recv().await {
        match ask {
            Ask::Tables { tables, draft, reply, .. } => {
                let sealed = outbox.seal(*draft).await.map(|_| ());
                if sealed.is_ok() {
                    *seen.tables.lock().unwrap() = tables;
                }
                let _ = reply.send(sealed);
            }
            Ask::InForce { reply } => {
                let _ = reply.send(seen.tables.lock().unwrap().iter().map(|it| Hash(it.digest)).collect());
            }
            Ask::Plan { text, reply, .. } => {
                seen.plans.lock().unwrap().push(text);
                let _ = reply.send(Ok(()));
            }
            Ask::Drill { reply, .. } => {
                seen.drills.fetch_add(1, Ordering::SeqCst);
                let _ = reply.send(Ok(()));
            }
            other => panic!("{other:?}"),
        }
    }
}
