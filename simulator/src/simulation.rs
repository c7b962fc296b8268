//! The simulation on real ports: pseudo-terminals and TCP listeners, one task per instrument.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Oracle,
    declarations::declarations_csv,
    port::Pty,
    scene::{OperatorAction, Scene},
    serve,
    world::{NoSuchExtract, PlannedSpecimen, World, WorldError, WorldOptions},
};

/// Connections one instrument serves at once; a field device of this kind has four to sixteen.
const MOST_CLIENTS: usize = 8;
/// How long an instrument is away after a hang-up, or a listener after an error.
const HANG_UP: Duration = Duration::from_millis(200);

/// How a simulation is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Interface to listen on.
    pub listen: IpAddr,
    /// Where stable links to the pseudo-terminals are made, as `<instrument>.tty`; without it the
    /// addresses are the kernel's own names, which change with every run.
    pub dir: Option<PathBuf>,
    /// The world behind the ports.
    pub world: WorldOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: IpAddr::V4(Ipv4Addr::LOCALHOST), dir: None, world: WorldOptions::default() }
    }
}

/// Where an instrument is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A TCP server.
    Tcp(SocketAddr),
    /// A serial line: the device to open.
    Pty(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Pty(path) => write!(f, "serial://{}", path.display()),
        }
    }
}

/// Why a simulation does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The scene contradicts profiles or programmes.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A TCP port cannot be had.
    #[error("instrument {instrument}: cannot listen on {address}; choose another port in the scene, 0 picks one")]
    Listen {
        /// Instrument id.
        instrument: String,
        /// Address tried.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A pseudo-terminal cannot be had.
    #[error("instrument {instrument}: cannot make a pseudo-terminal; /dev/pts must be mounted")]
    Terminal {
        /// Instrument id.
        instrument: String,
        /// What the system said.
        source: io::Error,
    },
    /// The link to a pseudo-terminal cannot be made.
    #[error("instrument {instrument}: cannot make link {path}; choose a writable directory")]
    Link {
        /// Instrument id.
        instrument: String,
        /// Link path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Starts simulations.
#[derive(Debug)]
pub struct Simulation;

/// A simulation that runs; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// Where each instrument is reached, by instrument id.
    pub addresses: BTreeMap<String, Address>,
    world: Arc<World>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    /// Link and what it leads to.
    links: Vec<(PathBuf, PathBuf)>,
}

impl Simulation {
    /// Opens every port of the scene and starts its time.
    ///
    /// # Errors
    ///
    /// Names the instrument and the port that cannot be had, or what of the scene does not exist.
    pub async fn start(scene: Scene, options: Options) -> Result<Running, StartError> {
        let world = World::new(scene, &options.world)?;
        let mut running = Running {
            addresses: BTreeMap::new(),
            world: Arc::clone(&world),
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
            links: Vec::new(),
        };
        let scene = world.scene();
        // A site file names the links, and is read from another working directory than this one.
        let dir = options.dir.map(|dir| std::path::absolute(&dir).unwrap_or(dir));
        if let Some(dir) = dir.as_deref() {
            let refuse = |source| StartError::Link { instrument: "all".to_owned(), path: dir.to_owned(), source };
            fs::create_dir_all(dir).map_err(refuse)?;
        }
        if let Some(it) = scene.weighbridge.as_ref().filter(|it| it.node.is_none()) {
            running.terminal(&it.id, dir.as_deref(), serve::serve_weighbridge)?;
        }
        if let Some(it) = &scene.ph_meter {
            running.terminal(&it.id, dir.as_deref(), serve::serve_ph_meter)?;
        }
        let at = |port| SocketAddr::new(options.listen, port);
        if let Some((it, node)) = scene.weighbridge.as_ref().and_then(|it| Some((it, it.node.as_ref()?))) {
            running.listen(&it.id, at(node.port), serve::serve_node).await?;
        }
        if let Some(it) = &scene.portal {
            running.listen(&it.id, at(it.port), serve::serve_portal).await?;
        }
        if let Some(it) = &scene.plate_reader {
            running.listen(&it.id, at(it.port), serve::serve_plate_reader).await?;
        }
        if let Some(it) = &scene.container_reader {
            running.listen(&it.id, at(it.port), serve::serve_container_reader).await?;
        }
        if let Some(it) = &scene.gamma {
            running.listen(&it.id, at(it.port), serve::serve_gamma).await?;
        }
        if let Some(it) = &scene.drum {
            running.listen(&it.id, at(it.port), serve::serve_drum).await?;
        }
        if let Some(it) = &scene.io_module {
            running.listen(&it.id, at(it.port), serve::serve_io_module).await?;
        }
        for it in scene.rigs.iter().flat_map(|rig| &rig.instruments) {
            let id = it.id.clone();
            let speak = move |stream, world| serve::serve_bench(stream, world, id.clone());
            running.listen(&it.id, at(it.port), speak).await?;
        }
        Ok(running)
    }
}

impl Running {
    /// The world behind the ports.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// What must have been found by now.
    pub fn oracle(&self) -> Oracle {
        Oracle::at(&self.world, self.world.now_ms())
    }

    /// The declarations of this scene as CSV.
    pub fn declarations(&self) -> String {
        declarations_csv(&self.world)
    }

    /// The pH specimens and when the scene's schedule measures them.
    pub fn specimens(&self) -> Vec<PlannedSpecimen> {
        self.world.specimens()
    }

    /// Puts the pH electrode into a parallel (from 1) of a sample now, or, when it is in another
    /// extract, after rinsing it for the scene's time.
    ///
    /// # Errors
    ///
    /// Says which samples the scene has.
    pub fn immerse(&self, sample: &str, parallel: usize) -> Result<(), NoSuchExtract> {
        self.world.immerse(sample, parallel)
    }

    /// Puts the pH electrode into the rinsing water now.
    pub fn rinse(&self) {
        self.world.rinse();
    }

    /// What a person does at the agent, in the order of scene time.
    pub fn operator_script(&self) -> Vec<OperatorAction> {
        self.world.operator_script()
    }

    /// Real time since the ports were opened until this scene time; zero when it is past.
    pub fn until(&self, scene_ms: i64) -> Duration {
        self.world.instant(scene_ms).saturating_duration_since(tokio::time::Instant::now())
    }

    /// Closes every port and removes the links.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    fn terminal<F, T>(&mut self, instrument: &str, dir: Option<&Path>, serve: F) -> Result<(), StartError>
    where
        F: Fn(Pty, Arc<World>) -> T + Send + Sync + 'static,
        T: Future<Output = io::Result<()>> + Send + 'static,
    {
        let refuse = |source| StartError::Terminal { instrument: instrument.to_owned(), source };
        let terminal = Pty::open().map_err(refuse)?;
        let mut path = terminal.path().to_owned();
        if let Some(dir) = dir {
            let link = dir.join(format!("{instrument}.tty"));
            let refuse = |source| StartError::Link { instrument: instrument.to_owned(), path: link.clone(), source };
            relink(&path, &link).map_err(refuse)?;
            self.links.push((link.clone(), path));
            path = link;
        }
        self.addresses.insert(instrument.to_owned(), Address::Pty(path));
        let (world, name, stop) = (Arc::clone(&self.world), instrument.to_owned(), self.stop.clone());
        self.tasks.spawn(async move {
            let speaking = async {
                // A serial line has no connection to lose: after a hang-up the instrument speaks again.
                loop {
                    if let Err(error) = serve(terminal.clone(), Arc::clone(&world)).await {
                        tracing::warn!(instrument = name, %error, "serial line failed");
                    }
                    tokio::time::sleep(HANG_UP).await;
                }
            };
            stop.run_until_cancelled(speaking).await;
        });
        Ok(())
    }

    async fn listen<F, T>(&mut self, instrument: &str, address: SocketAddr, serve: F) -> Result<(), StartError>
    where
        F: Fn(TcpStream, Arc<World>) -> T + Send + Sync + 'static,
        T: Future<Output = io::Result<()>> + Send + 'static,
    {
        let refuse = |source| StartError::Listen { instrument: instrument.to_owned(), address, source };
        let listener = TcpListener::bind(address).await.map_err(refuse)?;
        let bound = listener.local_addr().map_err(refuse)?;
        self.addresses.insert(instrument.to_owned(), Address::Tcp(bound));
        let (world, name, stop) = (Arc::clone(&self.world), instrument.to_owned(), self.stop.clone());
        self.tasks.spawn(async move {
            // Connections end with this set, that is with the simulation.
            let mut clients = JoinSet::new();
            let accepting = async {
                loop {
                    match listener.accept().await {
                        // Beyond the limit a device closes at once; the client sees the end of the stream.
                        Ok((stream, _)) if clients.len() < MOST_CLIENTS => {
                            // An answer of a few bytes must not wait for the next one.
                            let _ = stream.set_nodelay(true);
                            clients.spawn(serve(stream, Arc::clone(&world)));
                        }
                        Ok((_, peer)) => {
                            tracing::warn!(instrument = name, %peer, "refused: {MOST_CLIENTS} clients already");
                        }
                        Err(error) => {
                            tracing::warn!(instrument = name, %error, "cannot accept");
                            tokio::time::sleep(HANG_UP).await;
                        }
                    }
                    while let Some(ended) = clients.try_join_next() {
                        if let Ok(Err(error)) = ended {
                            tracing::warn!(instrument = name, %error, "connection failed");
                        }
                    }
                }
            };
            stop.run_until_cancelled(accepting).await;
        });
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for (link, target) in &self.links {
            // Another simulation may have taken the name over.
            if fs::read_link(link).is_ok_and(|it| it == *target) {
                let _ = fs::remove_file(link);
            }
        }
    }
}

/// Makes the link, in place of an older link and of nothing else.
pub(crate) fn relink(target: &Path, link: &Path) -> io::Result<()> {
    if fs::symlink_metadata(link).is_ok_and(|it| it.is_symlink()) {
        fs::remove_file(link)?;
    }
    std::os::unix::fs::symlink(target, link)
}
