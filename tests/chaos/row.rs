//! A row of real programs around a simulation: stand, site, and whoever talks to the agent meanwhile.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Result, anyhow};
use serde_json::json;
use tempfile::TempDir;
use tidewaiter_record::Registry;
use tidewaiter_simulator::{Options, Running, Scene, Simulation};
use tidewaiter_tests::{process, stand::Stand};
use tokio::runtime::Runtime;

/// The scene of the chaos tests.
pub(crate) const BUSY: &str = include_str!("busy.toml");

/// Scene time before the first event, so that the agent has opened its ports.
const LEAD_IN: Duration = Duration::from_millis(500);

/// Folder, keys, simulation and site file.
pub(crate) struct Row {
    pub(crate) stand: Stand,
    pub(crate) registry: Registry,
    pub(crate) simulation: Running,
    // After everything that uses them.
    pub(crate) runtime: Runtime,
    _dir: TempDir,
}

impl Row {
    /// Starts a simulation of `scene` and writes a site file for the broker at `broker`.
    pub(crate) fn new(runtime: Runtime, scene: &str, broker: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tidewaiter-test-").tempdir()?;
        let stand = Stand::new(dir.path())?;
        let registry = stand.enrol()?;
        let scene = Scene::from_toml(scene)?;
        let mut options = Options { dir: Some(dir.path().join("tty")), ..Options::default() };
        options.world.lead_in = LEAD_IN;
        let simulation = runtime.block_on(Simulation::start(scene.clone(), options))?;
        stand.site(&scene, &simulation, broker)?;
        Ok(Self { stand, registry, simulation, runtime, _dir: dir })
    }
}

/// A runtime for the simulation and whatever else lives inside the test.
pub(crate) fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Posts declared facts to the agent all the time, under names that are never used twice, and keeps what
/// the agent answered with 200: that word is "recorded", and it is said after the commit.
pub(crate) struct Poster {
    stop: Arc<AtomicBool>,
    recorded: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Poster {
    /// Posts with `pause` in between.
    pub(crate) fn start(stand: &Stand, pause: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let recorded = Arc::new(Mutex::new(Vec::new()));
        let address_file = stand.agent_dir().join("local.address");
        let key_file = stand.agent_dir().join("local.key");
        let (stopped, answered) = (Arc::clone(&stop), Arc::clone(&recorded));
        let thread = thread::spawn(move || {
            let mut number = 0_u32;
            while !stopped.load(Relaxed) {
                thread::sleep(pause);
                let Some(address) = fs::read_to_string(&address_file).ok().and_then(|it| it.trim().parse().ok()) else {
                    continue;
                };
                // A new one at every start, written before the address.
                let Ok(key) = fs::read_to_string(&key_file) else { continue };
                number += 1;
                let subject = format!("POST-{number:06}");
                let body = json!({ "subject": subject, "facts": { "axles": "6" }, "operator": "chaos" });
                // A post that was cut off may have been recorded or not; nothing was promised.
                if let Ok((200, _)) = process::post(address, key.trim(), "/api/v1/subjects", &body) {
                    answered.lock().unwrap_or_else(PoisonError::into_inner).push(subject);
                }
            }
        });
        Self { stop, recorded, thread: Some(thread) }
    }

    /// Stops, and gives the subjects that were answered as recorded.
    pub(crate) fn stop(mut self) -> Result<Vec<String>> {
        self.stop.store(true, Relaxed);
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        ended.map_err(|_| anyhow!("the poster panicked"))?;
        Ok(std::mem::take(&mut self.recorded.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Drop for Poster {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

/// A copy of a store as it lies on the disk, log included.
///
/// Opening the original would recover it, and the program under test is to do that itself.
pub(crate) fn copy_of(store: &Path) -> Result<(TempDir, PathBuf)> {
    let dir = tempfile::tempdir()?;
    let name = store.file_name().ok_or_else(|| anyhow!("{} is no file", store.display()))?;
    for ending in ["", "-wal"] {
        let mut from = store.as_os_str().to_owned();
        from.push(ending);
        let mut to = dir.path().join(name).into_os_string();
        to.push(ending);
        if Path::new(&from).exists() {
            fs::copy(&from, &to)?;
        }
    }
    let path = dir.path().join(name);
    Ok((dir, path))
}
