//! Where the store of a test is: a file, or a database of a real server. The same test bodies run on both.

use std::{
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tidewaiter_collector::{
    Store,
    store::{Address, Place},
};

/// Longest wait for a server to come up.
const UP_WITHIN: Duration = Duration::from_secs(60);

/// An unprivileged user of every system: the server refuses to run as root.
const NOBODY: u32 = 65_534;

/// Runs a test body twice, on a file and on a server.
macro_rules! both {
    ($name:ident) => {
        mod $name {
            #[test]
            fn on_a_file() {
                super::$name(&crate::home::Home::file());
            }

            #[test]
            fn on_a_server() {
                if let Some(home) = crate::home::Home::server() {
                    super::$name(&home);
                }
            }
        }
    };
}
pub(crate) use both;

/// A loopback port that is free now, and that this process has not given before.
///
/// Not one of those that the system gives to outgoing connections (Linux: 32768 and up): what is given back before its
/// server starts may then be taken by anybody's client.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const LOWEST: u16 = 10_240;
    const COUNT: u32 = 22_000;
    // Where processes begin lies apart, so that two at once seldom meet.
    let first = std::process::id().wrapping_mul(97);
    let next = || first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
    let mut ports = (0..COUNT).map(|_| LOWEST + u16::try_from(next()).unwrap());
    ports.find(|it| TcpListener::bind(("127.0.0.1", *it)).is_ok()).unwrap()
}

/// A store that a test opens as often as it likes.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    pub(crate) place: Place,
}

impl Home {
    pub(crate) fn file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("collector.db"));
        Self { folder, place }
    }

    /// A database of its own on the server of this process; `None`, said aloud, where there is no `PostgreSQL`.
    pub(crate) fn server() -> Option<Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let server = SERVER.get_or_init(|| Server::start("")).as_ref()?;
        Some(Self { folder: tempfile::tempdir().unwrap(), place: server.database() })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn open(&self) -> Box<dyn Store> {
        self.place.open().unwrap()
    }

    pub(crate) fn read(&self) -> Box<dyn Store> {
        self.place.read().unwrap()
    }

    /// Another place of the same kind.
    pub(crate) fn beside(&self, name: &str) -> Place {
        match &self.place {
            Place::File(path) => Place::File(path.with_file_name(name)),
            Place::Server(_) => database_beside(&self.place, name),
        }
    }

    /// Changes what is stored behind the back of everybody: in the words of the one, or of the other.
    pub(crate) fn change(&self, of_file: &str, of_server: &str) {
        match &self.place {
            Place::File(path) => rusqlite::Connection::open(path).unwrap().execute_batch(of_file).unwrap(),
            Place::Server(address) => client(&address.url).batch_execute(of_server).unwrap(),
        }
    }

    /// What a child process is told.
    pub(crate) fn text(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Server(address) => address.url.clone(),
        }
    }
}

/// The place that [`Home::text`] tells.
pub(crate) fn place_of(text: &str) -> Place {
    if text.starts_with("postgres://") { address(text) } else { Place::File(text.into()) }
}

pub(crate) fn address(url: &str) -> Place {
    let (password_file, ca, certificate) = (None, None, None);
    Place::Server(Box::new(Address { url: url.to_owned(), password_file, ca, certificate }))
}

pub(crate) fn client(url: &str) -> postgres::Client {
    let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
    client.batch_execute("SET search_path = tidewaiter, pg_temp").unwrap();
    client
}

fn database_beside(place: &Place, name: &str) -> Place {
    let Place::Server(it) = place else { panic!("no server") };
    let name = name.replace(['.', '-'], "_");
    let (head, own) = it.url.rsplit_once('/').unwrap();
    let name = format!("{own}_{name}");
    let exists = "SELECT 1 FROM pg_database WHERE datname = $1";
    let mut root = client(&format!("{head}/postgres"));
    if root.query_opt(exists, &[&name]).unwrap().is_none() {
        root.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    }
    address(&format!("{head}/{name}"))
}

/// A server of its own, which ends with this process.
pub(crate) struct Server {
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    bin: PathBuf,
    databases: AtomicU32,
    /// A shell whose input is ours: it stops the server when we are gone, however we went.
    keeper: std::sync::Mutex<Option<Child>>,
}

/// The folder of the server's programs.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|it| Some(it.ok()?.path().join("bin")))
        .filter(|it| it.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

impl Server {
    /// Makes a server with further lines of postgresql.conf, and starts it; `None`, said aloud, where there is none.
    pub(crate) fn start(settings: &str) -> Option<Self> {
        Self::prepared(settings, |_| {})
    }

    /// The same; `prepare` is given the folder of its data before it starts.
    pub(crate) fn prepared(settings: &str, prepare: impl FnOnce(&Path)) -> Option<Self> {
        let Some(bin) = programs() else {
            eprintln!(
                "SKIPPED: PostgreSQL is not installed (apt-get install postgresql); nothing was tested on a server"
            );
            return None;
        };
        let dir = tempfile::Builder::new().prefix("twpg").tempdir().unwrap().keep();
        if is_root() {
            chown(&dir, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let port = free_port();
        let data = dir.join("data");
        let mut initdb = Command::new(bin.join("initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]);
        let made = unprivileged(&mut initdb).arg(&data).current_dir("/").output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let conf = std::fs::read_to_string(data.join("postgresql.conf")).unwrap();
        let own = format!(
            "{conf}\nport = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nshared_buffers = 32MB\nmax_connections = 60\n{settings}\n",
            dir.display()
        );
        std::fs::write(data.join("postgresql.conf"), own).unwrap();
        prepare(&data);
        let server = Self { dir, port, bin, databases: AtomicU32::new(0), keeper: std::sync::Mutex::new(None) };
        server.up();
        Some(server)
    }

    /// Starts it, after a kill too, and waits until it answers.
    pub(crate) fn up(&self) {
        let until = Instant::now() + UP_WITHIN;
        loop {
            let mut keeper = Command::new("sh");
            keeper.arg("-c").arg(
                "exec 3<&0
                 \"$0/postgres\" -D \"$1/data\" >>\"$1/log\" 2>&1 </dev/null 3<&- & server=$!
                 (cat <&3; kill -INT $server 2>/dev/null; sleep 1; kill -QUIT $server 2>/dev/null; rm -rf \"$1\") >/dev/null 2>&1 &
                 wait $server",
            );
            // By descriptor 3: a shell takes descriptor 0 away from what runs in its background.
            keeper.arg(&self.bin).arg(&self.dir).stdin(Stdio::piped()).stderr(Stdio::null()).current_dir("/");
            let mut child = unprivileged(&mut keeper).spawn().unwrap();
            loop {
                if postgres::Client::connect(&self.url("postgres"), postgres::NoTls).is_ok() {
                    let before = self.keeper.lock().unwrap().replace(child);
                    // Its input stays open: closing it would stop the server that runs now.
                    std::mem::forget(before);
                    return;
                }
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                assert!(
                    Instant::now() < until,
                    "{}",
                    std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
                );
                std::thread::sleep(Duration::from_millis(50));
            }
            // The memory of one that was killed may still be held by its children; they go by themselves.
            std::mem::forget(child);
            assert!(Instant::now() < until, "{}", std::fs::read_to_string(self.dir.join("log")).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// By its socket.
    pub(crate) fn url(&self, database: &str) -> String {
        let socket = self.dir.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}:{}/{database}", self.port)
    }

    /// A new database.
    pub(crate) fn database(&self) -> Place {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        client(&self.url("postgres")).batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        address(&self.url(&name))
    }

    /// Process id of the server.
    pub(crate) fn pid(&self) -> i32 {
        let text = std::fs::read_to_string(self.dir.join("data/postmaster.pid")).unwrap();
        text.lines().next().unwrap().trim().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.lock().unwrap().take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

pub(crate) fn kill(pid: i32, signal: rustix::process::Signal) {
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal);
}

/// Gives a file to the user that the server runs as.
pub(crate) fn give_away(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

fn unprivileged(command: &mut Command) -> &mut Command {
    if is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}
