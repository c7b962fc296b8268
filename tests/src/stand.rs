//! A folder in which one agent and one centre can live: keys, registry, declarations, site file.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use tidewaiter_agent::{
    acquire::SystemOpener,
    app::Parts,
    clock::{Clock, SystemClock},
    evidence::DiskEvidence,
    inspect::Subjects,
    keys,
    life::rim,
    outbox::SqliteStore,
};
use tidewaiter_collector::{
    config::{Broker, Centre, Output, StoreSettings},
    keys as centre_keys,
};
use tidewaiter_config::site::{Site, load_site};
use tidewaiter_record::{Registry, RegistryClass};
use tidewaiter_simulator::{ExportOptions, Running, Scene, export_config};
use tidewaiter_words::Language;

/// A site that is right: no instruments yet, no uplink.
pub const BARE_SITE: &str = r#"version = 1
[site]
id = "yantian"
agent = "gate-07"
name = "七号闸口"
[store]
dir = "data"
budget = "64 MiB"
keep = "30 d"
[local]
listen = "127.0.0.1:0"
"#;

/// Agent id of every stand.
pub const AGENT: &str = "gate-07";
/// Site id of every stand.
pub const SITE: &str = "yantian";

/// The folder.
#[derive(Clone, Debug)]
pub struct Stand {
    /// Root.
    pub dir: PathBuf,
}

impl Stand {
    /// Makes the folder's layout.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub fn new(dir: &Path) -> Result<Self> {
        let dir = std::path::absolute(dir)?;
        fs::create_dir_all(dir.join("agent")).with_context(|| format!("{}", dir.display()))?;
        fs::create_dir_all(dir.join("centre"))?;
        Ok(Self { dir })
    }

    /// The agent's data directory.
    pub fn agent_dir(&self) -> PathBuf {
        self.dir.join("agent")
    }

    /// The registry both sides believe.
    pub fn registry_path(&self) -> PathBuf {
        self.dir.join("centre").join(centre_keys::REGISTRY_FILE)
    }

    /// The site file.
    pub fn site_path(&self) -> PathBuf {
        self.dir.join("site.toml")
    }

    /// Makes both keys and enrols the agent at the centre.
    ///
    /// # Errors
    ///
    /// When keys are there already or cannot be written.
    pub fn enrol(&self) -> Result<Registry> {
        centre_keys::init(&self.dir.join("centre"), "centre", RegistryClass::Test).map_err(|why| anyhow!("{why}"))?;
        keys::init(&self.agent_dir(), AGENT, true, &SystemClock)?;
        centre_keys::add(&self.registry_path(), &self.agent_dir().join(keys::REGISTRY_FILE))
            .map_err(|why| anyhow!("{why}"))?;
        Ok(Registry::from_json(&fs::read_to_string(self.registry_path())?)?)
    }

    /// Writes declarations and site file for a simulation and loads the site.
    ///
    /// # Errors
    ///
    /// When files cannot be written, or the site file the simulator wrote is refused.
    pub fn site(&self, scene: &Scene, simulation: &Running, broker: &str) -> Result<Site> {
        fs::write(self.dir.join("declarations.csv"), simulation.declarations())?;
        let options = ExportOptions {
            site: SITE.to_owned(),
            agent: AGENT.to_owned(),
            broker: Some(broker.to_owned()),
            data_dir: self.agent_dir(),
            registry: self.registry_path(),
            declarations: Some(self.dir.join("declarations.csv")),
            limits: self.dir.join("limits"),
            listen: "127.0.0.1:0".to_owned(),
        };
        fs::write(self.site_path(), export_config(scene, &simulation.addresses, &options))?;
        self.load_site()
    }

    /// Loads the site file.
    ///
    /// # Errors
    ///
    /// When it is refused.
    pub fn load_site(&self) -> Result<Site> {
        match load_site(&self.site_path()) {
            Ok((site, warnings)) => {
                for warning in warnings {
                    tracing::warn!(%warning, "site file");
                }
                Ok(site)
            }
            Err(report) => Err(anyhow!("{}", report.render(false))),
        }
    }

    /// Everything an agent needs on real ports, disk and clocks.
    ///
    /// # Errors
    ///
    /// When key or store cannot be opened.
    pub fn parts(&self, site: &Site) -> Result<Parts> {
        let enrolled = keys::load(&site.store.dir, &site.agent)?;
        let store = SqliteStore::open(&site.store.dir, enrolled.chain, site.store.budget_bytes)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Parts {
            clock,
            opener: Arc::new(SystemOpener),
            store: Box::new(store),
            signer: Arc::new(enrolled.signer),
            chain: enrolled.chain,
            statement: enrolled.statement,
            registry: Registry::from_json(&fs::read_to_string(self.registry_path())?)?,
            subjects: Subjects::open(&site.store.dir),
            authority: None,
            evidence: Arc::new(DiskEvidence::open(&site.store.dir)?),
            executable: rim::executable(),
        })
    }

    /// The collector's configuration.
    pub fn collector(&self, broker: SocketAddr, language: Language) -> tidewaiter_collector::Config {
        let centre = self.dir.join("centre");
        tidewaiter_collector::Config {
            broker: Broker {
                host: broker.ip().to_string(),
                port: broker.port(),
                client_id: "centre".to_owned(),
                tls: None,
                keep_alive: Duration::from_secs(15),
                share: None,
            },
            store: StoreSettings {
                place: centre.join("collector.db").into(),
                commit_records: 64,
                commit_time: Duration::from_millis(20),
            },
            centre: Centre {
                key: centre.join(centre_keys::KEY_FILE).into(),
                registry: self.registry_path(),
                receipt_interval: Duration::from_millis(50),
                head_interval: Duration::from_secs(60),
            },
            limits: None,
            orders: None,
            enrol: None,
            listen: None,
            output: Output { language, json: false },
        }
    }
}
