//! The real programs as child processes: found, started, asked, killed, and never left behind.
//!
//! What a process test sees is what an operator sees: exit codes, standard output, the log on standard
//! error, the local interface. Nothing here looks into a program.
//!
//! `TIDEWAITER_SEED` sets the chance of the chaos tests; without it every run has another, and prints it.

use std::{
    env, fs,
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub use crate::tool::binary;

use crate::stand::Stand;

/// Longest run of a command that looks at something and ends; a verification of thousands of records
/// in a debug build takes seconds.
const COMMAND_WITHIN: Duration = Duration::from_secs(120);
/// How often a condition is looked at again.
const LOOK: Duration = Duration::from_millis(10);

/// Prints a line past the test harness, which shows what a test printed only when it fails.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// One heavy test at a time: two would share two cores and time each other out.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a test: a failure is told in one sentence with its causes, without the way it took.
///
/// # Panics
///
/// When there is a failure.
pub fn pass(outcome: Result<()>) {
    if let Err(why) = outcome {
        panic!("{why:#}");
    }
}

/// The seed of this run, printed by whoever uses it.
///
/// # Panics
///
/// When `TIDEWAITER_SEED` is no number.
pub fn seed() -> u64 {
    match env::var("TIDEWAITER_SEED") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("TIDEWAITER_SEED={text:?} is no whole number")),
        // Anything that differs from run to run will do; it is printed.
        Err(_) => SystemTime::UNIX_EPOCH.elapsed().map_or(0, |it| u64::from(it.subsec_nanos())),
    }
}

/// A loopback port that is free now, and that this process has not given before.
///
/// Not one of those that the system gives to outgoing connections (Linux: 32768 and up): there a client that tries to reach
/// a server that is down may be given the server's own port, connects to itself, and the server cannot come back.
///
/// # Errors
///
/// When all are taken.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const LOWEST: u16 = 10_240;
    const COUNT: u32 = 22_000;
    // Where processes begin lies apart, so that two at once seldom meet.
    let first = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let step = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = LOWEST + u16::try_from(step)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {LOWEST} on is free");
}

/// Looks until `condition` gives something.
///
/// # Errors
///
/// When it has given nothing after `within`.
pub fn until<T>(what: &str, within: Duration, mut condition: impl FnMut() -> Option<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(it) = condition() {
            return Ok(it);
        }
        if begun.elapsed() > within {
            bail!("{what}: not within {within:?}");
        }
        thread::sleep(LOOK);
    }
}

/// What a command that ended has left.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a command to its end.
///
/// # Errors
///
/// When it does not start, or does not end in time.
pub fn run(command: &mut Command) -> Result<Ended> {
    let name = format!("{}", command.get_program().display());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| name.clone())?;
    // Pipes hold 64 KiB; both must be read while the command runs.
    let stdout = child.stdout.take().map(read_all);
    let stderr = child.stderr.take().map(read_all);
    let mut child = Killed(child);
    let status = until(&name, COMMAND_WITHIN, || child.0.try_wait().transpose())??;
    let text = |reader: Option<thread::JoinHandle<String>>| reader.and_then(|it| it.join().ok()).unwrap_or_default();
    Ok(Ended { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) })
}

fn read_all(mut pipe: impl std::io::Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Runs one of our own programs to its end.
///
/// # Errors
///
/// As [`run`].
pub fn run_own<S: AsRef<std::ffi::OsStr>>(name: &str, args: impl IntoIterator<Item = S>) -> Result<Ended> {
    run(own(name)?.args(args))
}

/// As [`run_own`], in a locale such as `zh_CN.UTF-8`.
///
/// # Errors
///
/// As [`run`].
pub fn run_own_in<S: AsRef<std::ffi::OsStr>>(
    locale: &str,
    name: &str,
    args: impl IntoIterator<Item = S>,
) -> Result<Ended> {
    run(own(name)?.env("LC_ALL", locale).args(args))
}

/// One of our own programs, undisturbed by the variables of whoever runs the tests.
///
/// # Errors
///
/// When it is not built.
pub fn own(name: &str) -> Result<Command> {
    let mut command = Command::new(binary(name)?);
    for variable in
        ["TIDEWAITER_CONFIG", "TIDEWAITER_COLLECTOR_CONFIG", "TIDEWAITER_LOG", "TIDEWAITER_OPERATOR", "RUST_LOG"]
    {
        command.env_remove(variable);
    }
    // Messages are in English unless a test asks for another locale.
    command.env("LC_ALL", "C").env_remove("NO_COLOR");
    Ok(command)
}

/// A child that does not outlive its handle.
#[derive(Debug)]
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program that runs until it is told to stop.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Killed,
    log: PathBuf,
    log_from: u64,
}

impl Program {
    /// Starts it; standard error goes to the end of `log`, standard output to the end of `log` with the
    /// ending `out`.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let open = |path: &Path| OpenOptions::new().create(true).append(true).open(path);
        let errors = open(log).with_context(|| format!("{}", log.display()))?;
        let log_from = errors.metadata()?.len();
        let output = open(&log.with_extension("out"))?;
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().with_context(|| name.clone())?;
        Ok(Self { name, child: Killed(child), log: log.to_owned(), log_from })
    }

    /// Whether it runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.0.try_wait(), Ok(None))
    }

    /// What it has logged since this start.
    pub fn log(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let from = usize::try_from(self.log_from).unwrap_or(usize::MAX);
        String::from_utf8_lossy(text.get(from..).unwrap_or_default()).into_owned()
    }

    /// Waits for a line of its log that contains `text`, and gives the line.
    ///
    /// # Errors
    ///
    /// When it does not come, or the program ends before; with the end of the log.
    pub fn line(&mut self, text: &str, within: Duration) -> Result<String> {
        let found = until(&format!("{text:?} in the log of {}", self.name), within, || {
            let ended = !self.is_alive();
            let line = self.log().lines().find(|it| it.contains(text)).map(str::to_owned);
            line.map(Some).or(ended.then_some(None))
        });
        match found {
            Ok(Some(line)) => Ok(line),
            Ok(None) => bail!("{} ended before it logged {text:?}; its log ends\n{}", self.name, self.tail()),
            Err(late) => bail!("{late}; its log ends\n{}", self.tail()),
        }
    }

    /// The last lines of the log.
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n")
    }

    /// Memory in use, KiB (`VmRSS` of proc(5)).
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn resident_kib(&self) -> Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.0.id()))?;
        let line = text.lines().find_map(|it| it.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }

    /// SIGKILL: no handler runs, nothing is flushed that is not in the kernel yet.
    ///
    /// # Errors
    ///
    /// When it had ended by itself before: then the kill proves nothing.
    pub fn kill(mut self) -> Result<()> {
        if !self.is_alive() {
            bail!("{} had ended before it was killed; its log ends\n{}", self.name, self.tail());
        }
        self.child.0.kill()?;
        self.child.0.wait()?;
        Ok(())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.0.id()).ok().and_then(Pid::from_raw).context("a process id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Errors
    ///
    /// When it does not end within `within`.
    pub fn terminate(mut self, within: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let name = format!("the end of {} after SIGTERM", self.name);
        let ended = until(&name, within, || self.child.0.try_wait().transpose());
        ended.map_err(|late| anyhow!("{late}; its log ends\n{}", self.tail()))?.map_err(Into::into)
    }
}

/// A running `tidewaiter`.
#[derive(Debug)]
pub struct Agent {
    /// The process.
    pub program: Program,
    site: PathBuf,
    address_file: PathBuf,
}

impl Agent {
    /// Starts the agent of a stand with the stand's own site file.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(stand: &Stand, drain: Duration) -> Result<Self> {
        Self::start_with(stand, &stand.site_path(), drain)
    }

    /// Starts the agent of a stand with another site file for the same data directory.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start_with(stand: &Stand, site: &Path, drain: Duration) -> Result<Self> {
        let address_file = stand.agent_dir().join("local.address");
        // A killed agent leaves the file; its port may be another's by now.
        let _ = fs::remove_file(&address_file);
        let mut command = own("tidewaiter")?;
        command.args(["run", "--log", "json", "--config"]).arg(site).arg("--drain").arg(drain.as_secs().to_string());
        let program = Program::start(&mut command, &stand.dir.join("agent.log"))?;
        Ok(Self { program, site: site.to_owned(), address_file })
    }

    /// Where the local interface listens, once it does.
    pub fn address(&self) -> Option<SocketAddr> {
        fs::read_to_string(&self.address_file).ok()?.trim().parse().ok()
    }

    /// Waits until the local interface listens.
    ///
    /// # Errors
    ///
    /// When it does not come up.
    pub fn ready(&mut self) -> Result<SocketAddr> {
        self.program.line("local interface", Duration::from_secs(30))?;
        until("the address of the local interface", Duration::from_secs(5), || self.address())
    }

    /// What `tidewaiter status --json` says.
    ///
    /// # Errors
    ///
    /// When the agent does not answer.
    pub fn status(&self) -> Result<Value> {
        let ended = run(own("tidewaiter")?.args(["status", "--json", "--config"]).arg(&self.site))?;
        let status: Value = serde_json::from_str(&ended.stdout).with_context(|| format!("status: {}", ended.stderr))?;
        if status.get("running").is_some() {
            bail!("status came from the store, not from a running agent; its log ends\n{}", self.program.tail());
        }
        Ok(status)
    }

    /// Waits until every record sealed has a receipt, and gives their number.
    ///
    /// # Errors
    ///
    /// When that does not happen within `within`.
    pub fn receipted(&self, at_least: u64, within: Duration) -> Result<u64> {
        let mut last = Value::Null;
        until("receipts for everything", within, || {
            thread::sleep(Duration::from_millis(100));
            last = self.status().ok()?;
            let (sealed, receipted) = (number(&last, "/counters/sealed"), number(&last, "/counters/receipted"));
            (sealed >= at_least && sealed == receipted).then_some(sealed)
        })
        .map_err(|late| anyhow!("{late}; status {last:#}; the log ends\n{}", self.program.tail()))
    }
}

/// A whole number inside a JSON value; `u64::MAX` when there is none, so that no comparison passes by chance.
pub fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(u64::MAX)
}

/// A request to a local interface by its local key; gives the status code and the body.
///
/// # Errors
///
/// When there is no whole answer, as when the agent was killed meanwhile.
pub fn post(address: SocketAddr, key: &str, path: &str, body: &Value) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let body = body.to_string();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let code = answer.split(' ').nth(1).and_then(|it| it.parse().ok()).context("no HTTP answer")?;
    let (_, body) = answer.split_once("\r\n\r\n").context("half an HTTP answer")?;
    Ok((code, body.to_owned()))
}

/// A running `tidewaiter-collector`.
#[derive(Debug)]
pub struct Collector {
    /// The process.
    pub program: Program,
}

impl Collector {
    /// Writes the configuration for a broker; `tls` is the table `[broker.tls]`, empty for none.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn configure(stand: &Stand, broker: &str, tls: &str) -> Result<PathBuf> {
        let path = stand.dir.join("centre").join("collector.toml");
        let text = format!(
            "version = 1\n[broker]\nurl = \"{broker}\"\nclient_id = \"centre\"\n{tls}\n\
             [store]\npath = \"collector.db\"\n[centre]\nkey = \"centre.key\"\nregistry = \"registry.json\"\n\
             [output]\njson = true\n"
        );
        File::create(&path)?.write_all(text.as_bytes())?;
        Ok(path)
    }

    /// Starts the collector of a stand.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(stand: &Stand, config: &Path) -> Result<Self> {
        let mut command = own("tidewaiter-collector")?;
        command.args(["run", "--config"]).arg(config).env("RUST_LOG", "info");
        Ok(Self { program: Program::start(&mut command, &stand.dir.join("collector.log"))? })
    }
}
