//! The emulated board as a child process: lines, EEPROM, temperature, and the plug to pull.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use tidewaiter_tests::{
    process::{Program, free_port, until},
    tool,
};

/// A board has started once its bus answers; a busy machine takes seconds for QEMU alone.
const UP_WITHIN: Duration = Duration::from_secs(60);
/// One word to QEMU and its answer.
const CONTROL_WITHIN: Duration = Duration::from_secs(20);

const TARGET: &str = "thumbv7em-none-eabihf";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the project").to_owned()
}

/// A program of the emulated board, built now with these features, in a place that no other build writes over.
pub(crate) fn program(features: &str, name: &str) -> Result<PathBuf> {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    // The programs of the host lie beside it; a build of its own profile disturbs none of them.
    let mut build = Command::new(root().join("firmware/toolchain"));
    build.current_dir(root()).arg("--").arg(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--profile", "firmware", "--target", TARGET, "-p", "tidewaiter-mps2"]);
    let status = build.args(["--bin", name, "--features", features]).status()?;
    ensure!(status.success(), "{name} is not built: {status}");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let built = target.join(TARGET).join("firmware").join(name);
    let kept = built.with_file_name(format!("{name}-tested-{}", if features.is_empty() { "plain" } else { features }));
    fs::copy(&built, &kept)?;
    Ok(kept)
}

/// As [`program`], once in a run of the tests.
fn emulated() -> Result<PathBuf> {
    static BUILT: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    BUILT
        .get_or_init(|| program("", "tidewaiter-mps2").map_err(|why| format!("{why:#}")))
        .clone()
        .map_err(|why| anyhow!(why))
}

/// What the bus of the board is on this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bus {
    /// A TCP port, one client at a time.
    Tcp,
    /// A pseudo-terminal, kept open by the board's handle.
    Terminal,
}

/// A board, on or off.
pub(crate) struct Board {
    dir: PathBuf,
    kind: Bus,
    pub(crate) image: PathBuf,
    /// The image its flash leaves the factory with; none: it has no flash, and what runs is loaded into its memory.
    factory: Option<PathBuf>,
    /// Time passes by what the guest executes, 16 ns an instruction, and not by the host's clock.
    pub(crate) by_instructions: bool,
    /// TCP port of the bus.
    pub(crate) port: u16,
    /// TCP port of the plant link.
    pub(crate) plant: u16,
    control: Option<(UnixStream, BufReader<UnixStream>)>,
    program: Option<Program>,
    /// The pseudo-terminal, held: QEMU looks for a client that comes back only every second.
    held: Option<(PathBuf, fs::File)>,
}

impl Board {
    /// A board without power, whose EEPROM holds these bytes. `None` where QEMU may be missing and is.
    pub(crate) fn new(dir: &Path, kind: Bus, eeprom: &[u8]) -> Result<Option<Self>> {
        Self::with(dir, kind, eeprom, emulated, None)
    }

    /// As [`Self::new`], with a boot loader, and a flash that leaves its factory with an image.
    pub(crate) fn with_flash(dir: &Path, eeprom: &[u8], loader: &Path, factory: &Path) -> Result<Option<Self>> {
        Self::with(dir, Bus::Tcp, eeprom, || Ok(loader.to_owned()), Some(factory.to_owned()))
    }

    fn with(
        dir: &Path,
        kind: Bus,
        eeprom: &[u8],
        image: impl FnOnce() -> Result<PathBuf>,
        factory: Option<PathBuf>,
    ) -> Result<Option<Self>> {
        if tool::installed("qemu-system-arm", "qemu-system-arm").is_none() {
            return Ok(None);
        }
        fs::create_dir_all(dir)?;
        fs::write(dir.join("eeprom"), eeprom)?;
        let (port, plant) = (free_port()?, free_port()?);
        let board = Self {
            dir: dir.to_owned(),
            kind,
            image: image()?,
            factory,
            by_instructions: false,
            port,
            plant,
            control: None,
            program: None,
            held: None,
        };
        Ok(Some(board))
    }

    /// Gives it power, and waits until QEMU has its lines open. The guest may not have come up yet.
    pub(crate) fn start(&mut self) -> Result<()> {
        let control = self.dir.join("control");
        let _ = fs::remove_file(&control);
        let bus = if self.kind == Bus::Tcp { format!("127.0.0.1:{}", self.port) } else { "pty".to_owned() };
        let mut command = Command::new(root().join("firmware/qemu"));
        command.args(["--bus", &bus, "--plant", &format!("127.0.0.1:{}", self.plant), "--qmp"]).arg(&control);
        command.arg("--eeprom").arg(self.dir.join("eeprom"));
        if let Some(factory) = &self.factory {
            command.arg("--flash").arg(self.dir.join("flash")).arg("--factory").arg(factory);
        }
        command.arg(&self.image);
        if self.by_instructions {
            command.args(["-icount", "shift=4"]);
        }
        self.program = Some(Program::start(&mut command, &self.dir.join("board.log"))?);
        let stream = until("QEMU's control", UP_WITHIN, || UnixStream::connect(&control).ok())
            .map_err(|late| anyhow!("{late}; {}", self.tail()))?;
        stream.set_read_timeout(Some(CONTROL_WITHIN))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut greeting = String::new();
        reader.read_line(&mut greeting)?;
        self.control = Some((stream, reader));
        self.ask(&json!({ "execute": "qmp_capabilities" }))?;
        if self.kind == Bus::Terminal {
            let path = self.terminal()?;
            let file = fs::OpenOptions::new().read(true).write(true).open(&path)?;
            self.held = Some((path, file));
            // QEMU notices within a second that somebody has opened it; before that it swallows nothing and says
            // nothing, so the first request would wait.
            std::thread::sleep(Duration::from_millis(1_200));
        }
        Ok(())
    }

    /// Takes the power away, between any two instructions; the EEPROM keeps what it has.
    pub(crate) fn cut(&mut self) -> Result<()> {
        (self.control, self.held) = (None, None);
        self.program.take().context("the board has no power")?.kill()
    }

    /// The bytes of the EEPROM.
    pub(crate) fn eeprom(&self) -> Result<Vec<u8>> {
        Ok(fs::read(self.dir.join("eeprom"))?)
    }

    /// So many bytes of the flash.
    pub(crate) fn flash(&self, bytes: usize) -> Result<Vec<u8>> {
        let mut found = vec![0; bytes];
        fs::File::open(self.dir.join("flash"))?.read_exact(&mut found)?;
        Ok(found)
    }

    /// Name of the pseudo-terminal.
    pub(crate) fn terminal(&mut self) -> Result<PathBuf> {
        if let Some((path, _)) = &self.held {
            return Ok(path.clone());
        }
        let devices = self.ask(&json!({ "execute": "query-chardev" }))?;
        let bus = devices.as_array().into_iter().flatten().find(|it| it["label"] == "bus").context("no bus")?;
        let name = bus["filename"].as_str().and_then(|it| it.strip_prefix("pty:")).context("the bus is no terminal")?;
        Ok(name.into())
    }

    /// Sets what the temperature sensor feels, 1/1000 °C.
    pub(crate) fn temperature(&mut self, milli: i32) -> Result<()> {
        let arguments = json!({ "path": "/machine/peripheral/temperature", "property": "temperature", "value": milli });
        self.ask(&json!({ "execute": "qom-set", "arguments": arguments })).map(|_| ())
    }

    /// Presses the reset button.
    pub(crate) fn reset(&mut self) -> Result<()> {
        self.ask(&json!({ "execute": "system_reset" })).map(|_| ())
    }

    /// One word to QEMU.
    fn ask(&mut self, command: &Value) -> Result<Value> {
        let (stream, reader) = self.control.as_mut().context("the board has no power")?;
        writeln!(stream, "{command}")?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                bail!("QEMU ended; {}", self.tail());
            }
            let mut said: Value = serde_json::from_str(&line)?;
            if said.get("error").is_some() {
                bail!("{command}: {said}");
            }
            // Events such as RESET come unasked.
            if said.get("return").is_some() {
                return Ok(said["return"].take());
            }
        }
    }

    /// Opens the plant link.
    pub(crate) fn plant(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.plant))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// What the board has said of itself.
    pub(crate) fn log(&self) -> String {
        fs::read(self.dir.join("board.out")).map(|it| String::from_utf8_lossy(&it).into_owned()).unwrap_or_default()
    }

    pub(crate) fn tail(&self) -> String {
        let errors = self.program.as_ref().map(Program::tail).unwrap_or_default();
        format!("QEMU says\n{errors}\nthe board says\n{}", self.log())
    }
}

/// A line of the board's log.
pub(crate) struct Report {
    pub(crate) line: String,
    /// Bytes of the stack that were in use at once.
    pub(crate) stack: u64,
    /// Replies that waited behind slow work of the board.
    pub(crate) behind: u64,
    /// From the end of the silence to the first byte of the reply.
    pub(crate) turnaround: Classes,
    /// How late an alarm rang that was set to the end of the silence.
    pub(crate) alarm: Classes,
    /// From the waking of the core to the first byte, where it slept beyond the end.
    pub(crate) own: Classes,
}

/// What took how long.
pub(crate) struct Classes {
    /// Bound in µs, the last one none, and how many took no longer and longer than the bound before.
    classes: Vec<(u32, u64)>,
    pub(crate) longest_us: u64,
}

impl Classes {
    fn read(text: &str) -> Option<Self> {
        let classes = text
            .split("<=")
            .skip(1)
            .map(|it| {
                let (bound, count) = it.split_once(':')?;
                let count = count.split_whitespace().next()?.parse().ok()?;
                Some((bound.parse().unwrap_or(u32::MAX), count))
            })
            .collect::<Option<Vec<_>>>()?;
        let longest_us = text.split_once("longest ")?.1.trim().parse().ok()?;
        (classes.len() == 7).then_some(Self { classes, longest_us })
    }

    pub(crate) fn all(&self) -> u64 {
        self.classes.iter().map(|(_, count)| count).sum()
    }

    /// How many took longer than so many µs, which is a bound.
    pub(crate) fn beyond(&self, us: u32) -> u64 {
        self.classes.iter().filter(|(bound, _)| *bound > us).map(|(_, count)| count).sum()
    }
}

impl Report {
    fn read(line: &str) -> Option<Self> {
        // A line that is still being written has less.
        let (rest, own) = line.split_once("; own us")?;
        let (rest, alarm) = rest.split_once("; alarm late us")?;
        let (rest, turnaround) = rest.split_once(", turnaround us")?;
        let (stack, behind) = rest.strip_prefix("stack ")?.split_once(", replies behind slow work ")?;
        Some(Self {
            line: line.to_owned(),
            stack: stack.split(' ').next()?.parse().ok()?,
            behind: behind.parse().ok()?,
            turnaround: Classes::read(turnaround)?,
            alarm: Classes::read(alarm)?,
            own: Classes::read(own)?,
        })
    }
}

impl Board {
    /// The next line of the log that counts at least so many replies.
    pub(crate) fn report(&self, replies: u64) -> Result<Report> {
        until("a line of the board's log", Duration::from_secs(60), || {
            let report = self
                .log()
                .split_inclusive('\n')
                .filter(|it| it.ends_with('\n'))
                .filter_map(|it| Report::read(it.trim_end()))
                .next_back()?;
            (report.turnaround.all() >= replies).then_some(report)
        })
    }
}
