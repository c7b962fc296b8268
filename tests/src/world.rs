//! The in-process world: agent, simulator and centre on one clock that is moved, not waited for.
//!
//! Four seams of the agent are replaced, and nothing else:
//!
//! | seam | real | here |
//! |---|---|---|
//! | port | serial lines, TCP | in-memory pipes to the simulator's services ([`Ports`]) |
//! | uplink | MQTT | a connection with programmable troubles straight into the collector's core ([`Centre`]) |
//! | store | `SQLite` file | the same, in memory unless a test wants to pull the plug |
//! | clock | `CLOCK_BOOTTIME`, `CLOCK_REALTIME` | the runtime's, which a paused runtime moves on when everyone waits |
//!
//! Every moment a test names is scene time: milliseconds from the scene's zero, which comes
//! [`Setting::lead_in`] after the world begins. Must be run inside a current-thread runtime whose time is
//! paused; with running time it works too, as slowly as the world does.

mod centre;
mod orders;
mod ports;
mod tap;
mod tell;
mod way;

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use tidewaiter_agent::{
    app::{self, Parts, Running},
    clock::{Clock, RuntimeClock},
    downlink,
    evidence::{DiskEvidence, EvidenceStore, MemoryEvidence},
    inspect::{CheckOperation, Operation, Subjects},
    inspector::{Ask, AskError, Shot},
    keys,
    outbox::{SqliteStore, Status},
};
use tidewaiter_collector::keys as centre_keys;
use tidewaiter_config::site::Site;
use tidewaiter_record::{Hash, Registry, RegistryClass};
use tidewaiter_simulator::{
    ExportOptions, Oracle, Scene, World as Truth, WorldOptions, declarations_csv, export_config,
    scene::{Act, OperatorAction},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, sleep_until},
};

pub use self::{
    centre::{Centre, Delivery, Trouble, TroubleKind},
    ports::{Ports, Unplugged, Voice},
    tap::Asked,
    tell::{Row, mass_of, row, value_of},
    way::Way,
};
use crate::stand::{AGENT, SITE, Stand};

/// One second of scene time.
pub const SECOND: i64 = 1_000;
/// One minute of scene time.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour of scene time.
pub const HOUR: i64 = 60 * MINUTE;

/// What the wall clock shows when a world begins: 2026-06-01T00:00:00Z, when every shipped table is in force.
pub const WALL_MS: i64 = 1_780_272_000_000;
/// What the executable of a world is said to be.
pub const EXECUTABLE: Hash = Hash([0xE1; 32]);
/// How long receipts are waited for at the end of a world: many times the greatest wait of the uplink.
pub const DRAIN: Duration = Duration::from_secs(600);
/// Time that a power cut lasts, for whatever the disk was still busy with.
const POWER_CUT: Duration = Duration::from_secs(5);

/// How a world is set up.
pub struct Setting {
    /// Scene as TOML.
    pub scene: String,
    /// Seed instead of the scene's.
    pub seed: Option<u64>,
    /// Time before the scene's zero, in which instruments and uplink come up.
    pub lead_in: Duration,
    /// The agent's store is a file, which survives [`World::cut_power`].
    pub on_disk: bool,
    /// What goes wrong between agent and centre.
    pub troubles: Vec<Trouble>,
    /// Which cables are out, and when.
    pub unplugged: Vec<Unplugged>,
    /// Instruments that say what the test wants instead of what the scene has, by id.
    pub voices: BTreeMap<String, Voice>,
    /// Root of signed orders, for the site to name; without one the agent takes none.
    pub root: Option<Vec<u8>>,
    /// Changes to the site file the simulator wrote, after loading.
    pub site: fn(&mut Site),
}

impl Setting {
    /// A scene in which nothing goes wrong but what it says itself.
    pub fn of(scene: &str) -> Self {
        Self {
            scene: scene.to_owned(),
            seed: None,
            lead_in: Duration::from_secs(10),
            on_disk: false,
            troubles: Vec::new(),
            unplugged: Vec::new(),
            voices: BTreeMap::new(),
            root: None,
            site: |_| {},
        }
    }
}

/// A world that runs.
pub struct World {
    /// What is true in the scene.
    pub truth: Arc<Truth>,
    /// The central end.
    pub centre: Centre,
    /// The site as the agent has it.
    pub site: Site,
    /// The folder with keys, declarations and, if on disk, the store.
    pub stand: Stand,
    ports: Arc<Ports>,
    on_disk: bool,
    agent: Option<Running>,
    began: std::time::Instant,
    /// Removed with the world.
    _dir: tempfile::TempDir,
}

impl World {
    /// Sets the world up and starts the agent.
    ///
    /// # Errors
    ///
    /// When the scene or the site file made from it is refused, or a store cannot be opened.
    pub async fn start(setting: Setting) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tidewaiter-world-").tempdir()?;
        let stand = Stand::new(dir.path())?;
        let scene = Scene::from_toml(&setting.scene).map_err(|why| anyhow!("{why}"))?;
        let options = WorldOptions { seed: setting.seed, lead_in: setting.lead_in, ..WorldOptions::default() };
        let truth = Truth::new(scene, &options).map_err(|why| anyhow!("{why}"))?;
        let clock = RuntimeClock::starting_at(WALL_MS);
        let registry = enrol(&stand, &clock)?;
        let ports = Arc::new(Ports::new(Arc::clone(&truth), setting.unplugged, setting.voices));
        fs::write(stand.dir.join("declarations.csv"), declarations_csv(&truth))?;
        let limits = stand.dir.join("limits");
        fs::create_dir_all(&limits)?;
        for (place, table) in (1..).zip(&truth.scene().tables) {
            fs::write(limits.join(format!("scene-{place}.toml")), table)?;
        }
        let options = ExportOptions {
            limits: limits.clone(),
            site: SITE.to_owned(),
            agent: AGENT.to_owned(),
            broker: Some("mqtt://127.0.0.1:1883".to_owned()),
            data_dir: stand.agent_dir(),
            registry: stand.registry_path(),
            declarations: Some(stand.dir.join("declarations.csv")),
            listen: "127.0.0.1:0".to_owned(),
        };
        fs::write(stand.site_path(), export_config(truth.scene(), ports.addresses(), &options))?;
        let mut site = stand.load_site()?;
        if let Some(root) = setting.root {
            let path = stand.dir.join("root.cbor");
            fs::write(&path, root)?;
            site.authority = Some(path);
        }
        (setting.site)(&mut site);
        let centre = Centre::open(&stand, &limits, registry, clock, Arc::clone(&truth), setting.troubles)?;
        let mut world = Self {
            truth,
            centre,
            site,
            stand,
            ports,
            on_disk: setting.on_disk,
            agent: None,
            began: std::time::Instant::now(),
            _dir: dir,
        };
        world.boot(clock).await?;
        Ok(world)
    }

    /// Seed of the scene, for the message of a test that fails.
    pub fn seed(&self) -> u64 {
        self.truth.scene().seed
    }

    /// What must have been found by now.
    pub fn oracle(&self) -> Oracle {
        Oracle::at(&self.truth, self.truth.now_ms())
    }

    /// The agent.
    ///
    /// # Panics
    ///
    /// While none runs.
    pub fn agent(&self) -> &Running {
        self.agent.as_ref().expect("a test asks for the agent only while it runs")
    }

    /// Every Modbus request the agent has sent so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.ports.asked()
    }

    /// Durable state of the agent.
    pub fn status(&self) -> Arc<Status> {
        Arc::clone(&self.agent().status.borrow())
    }

    /// Lets time pass until this scene time.
    pub async fn until(&self, scene_ms: i64) {
        sleep_until(self.truth.instant(scene_ms)).await;
    }

    /// Lets time pass in steps of 100 ms until `met`, no longer than until this scene time; says whether it was.
    pub async fn until_met(&self, scene_ms: i64, mut met: impl FnMut(&Self) -> bool) -> bool {
        while self.truth.now_ms() < scene_ms {
            if met(self) {
                return true;
            }
            sleep(Duration::from_millis(100)).await;
        }
        met(self)
    }

    /// Asks a rig for something, as its operator.
    ///
    /// # Errors
    ///
    /// What the operator would read.
    pub async fn operate(&self, rig: &str, operation: Operation) -> Result<(), AskError> {
        let ask =
            |reply| Ask::Operate { rig: rig.to_owned(), operation, operator: "wang".to_owned(), drill: false, reply };
        self.ask(ask).await
    }

    /// Asks a function check for something, as its operator.
    ///
    /// # Errors
    ///
    /// What the operator would read.
    pub async fn check(&self, check: &str, operation: CheckOperation) -> Result<(), AskError> {
        self.ask(|reply| Ask::Check { check: check.to_owned(), operation, operator: "wang".to_owned(), reply }).await
    }

    /// Does what the operator of the scene does.
    ///
    /// # Errors
    ///
    /// What the operator would read.
    pub async fn act(&self, action: &OperatorAction) -> Result<(), AskError> {
        let (place, operator) = (action.place.clone(), action.operator.clone());
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        let operation = match action.action {
            Act::DrillOn | Act::DrillOff => {
                let on = action.action == Act::DrillOn;
                return self.ask(|reply| Ask::Drill { place, on, operator, reply }).await;
            }
            Act::Start => Operation::Start { sample: text(&action.sample) },
            Act::Next => Operation::Next,
            Act::Stop => Operation::Stop,
            Act::Enter => {
                let typed = format!("{} {}", text(&action.value), text(&action.unit));
                Operation::Enter { values: vec![(text(&action.parameter), typed.trim().to_owned())] }
            }
        };
        let drill = action.drill;
        self.ask(|reply| Ask::Operate { rig: place, operation, operator, drill, reply }).await
    }

    /// Posts facts about a subject.
    ///
    /// # Errors
    ///
    /// What the poster would read.
    pub async fn post(&self, subject: &str, facts: &[(&str, &str)]) -> Result<(), AskError> {
        let facts = facts.iter().map(|(name, fact)| ((*name).to_owned(), (*fact).to_owned())).collect();
        let ask = |reply| Ask::Post { subject: subject.to_owned(), facts, operator: "wang".to_owned(), reply };
        self.ask(ask).await
    }

    /// Asks for a single reading, as an operator.
    ///
    /// # Errors
    ///
    /// What the operator would read.
    ///
    /// # Panics
    ///
    /// When no agent runs.
    pub async fn read(&self, shot: Shot) -> Result<serde_json::Value, AskError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Read { shot, reply };
        self.agent().asks.send(ask).await.expect("the inspector of a running agent takes asks");
        answer.await.expect("the inspector of a running agent answers")
    }

    async fn ask(&self, ask: impl FnOnce(oneshot::Sender<Result<(), AskError>>) -> Ask) -> Result<(), AskError> {
        let (reply, answer) = oneshot::channel();
        self.agent().asks.send(ask(reply)).await.expect("the inspector of a running agent takes asks");
        answer.await.expect("the inspector of a running agent answers")
    }

    /// Replaces the declarations file.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn declare(&self, csv: &str) -> Result<()> {
        Ok(fs::write(self.stand.dir.join("declarations.csv"), csv)?)
    }

    /// Stops the agent as its service manager does.
    ///
    /// # Errors
    ///
    /// When its store failed for good.
    pub async fn stop(&mut self) -> Result<Arc<Status>> {
        let agent = self.agent.take().context("the agent does not run")?;
        Ok(agent.stop(DRAIN).await?)
    }

    /// Takes the agent's power away. What the disk had taken by then stays.
    pub async fn cut_power(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.abort();
        }
        // Also lets blocking writes end that the kernel had taken before the cut.
        sleep(POWER_CUT).await;
    }

    /// Starts the agent again on what the disk holds, with a monotonic clock that begins anew.
    ///
    /// # Errors
    ///
    /// When the store cannot be opened.
    pub async fn restart(&mut self) -> Result<()> {
        let wall_ms = self.centre.wall_ms();
        self.boot(RuntimeClock::starting_at(wall_ms)).await
    }

    async fn boot(&mut self, clock: RuntimeClock) -> Result<()> {
        let enrolled = keys::load(&self.site.store.dir, &self.site.agent)?;
        let budget = self.site.store.budget_bytes;
        let store = if self.on_disk {
            SqliteStore::open(&self.site.store.dir, enrolled.chain, budget)?
        } else {
            SqliteStore::in_memory(enrolled.chain, budget)?
        };
        let evidence: Arc<dyn EvidenceStore> = if self.on_disk {
            Arc::new(DiskEvidence::open(&self.site.store.dir)?)
        } else {
            Arc::new(MemoryEvidence::default())
        };
        let opener: Arc<Ports> = Arc::clone(&self.ports);
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let parts = Parts {
            clock,
            opener,
            store: Box::new(store),
            signer: Arc::new(enrolled.signer),
            chain: enrolled.chain,
            statement: enrolled.statement,
            registry: Registry::from_json(&fs::read_to_string(self.stand.registry_path())?)?,
            subjects: Subjects::open(&self.site.store.dir),
            authority: downlink::anchor(&self.site).map_err(|why| anyhow!(why))?,
            evidence,
            executable: Some(EXECUTABLE),
        };
        self.agent = Some(app::start(self.site.clone(), parts, Some(Way::to(&self.centre))).await?);
        Ok(())
    }

    /// One line on what this world took: simulated time, real time, records.
    pub fn cost(&self, name: &str) -> String {
        format!(
            "{name}: seed {}, {:.0} s of scene in {:.1} s, {} messages",
            self.seed(),
            Duration::from_millis(self.truth.now_ms().max(0).unsigned_abs()).as_secs_f32(),
            self.began.elapsed().as_secs_f32(),
            self.centre.deliveries().len()
        )
    }

    /// When this scene time comes, or came, on the runtime's clock.
    pub fn instant(&self, scene_ms: i64) -> Instant {
        self.truth.instant(scene_ms)
    }
}

/// Makes both keys on the world's clock and enrols the agent.
fn enrol(stand: &Stand, clock: &RuntimeClock) -> Result<Registry> {
    let centre = stand.dir.join("centre");
    centre_keys::init(&centre, "centre", RegistryClass::Test).map_err(|why| anyhow!("{why}"))?;
    keys::init(&stand.agent_dir(), AGENT, true, clock)?;
    centre_keys::add(&stand.registry_path(), &stand.agent_dir().join(keys::REGISTRY_FILE))
        .map_err(|why| anyhow!("{why}"))?;
    Ok(Registry::from_json(&fs::read_to_string(stand.registry_path())?)?)
}
