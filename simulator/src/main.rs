//! `tidewaiter-sim`: runs a scene on real ports, prints where its instruments are, and what a lane that
//! works must find.

use std::{
    fmt::Write as _,
    fs,
    io::Write,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use tidewaiter_config::profile::load_any;
use tidewaiter_console::{Everywhere, arguments, language, localized, said};
use tidewaiter_simulator::{
    Address, ExportOptions, Options, ProfileServer, Running, Scene, Simulation, Span, World, WorldOptions,
    capture::{self, CaptureError, Playback},
    comparing::compare,
    declarations_csv, export_config, operator_commands, scene,
};
use tokio::net::TcpListener;

const EXAMPLES: &str = "\
Examples:
  tidewaiter-sim list
  tidewaiter-sim run demo --for 60s --dir sim --config-out site.toml --oracle-out oracle.json
  tidewaiter-sim run my-scene.toml --seed 42 --time-scale 4
  tidewaiter-sim profile moisture.toml --listen 127.0.0.1:1502
  tidewaiter-sim export-config demo --dir sim > site.toml
  tidewaiter-sim judge oracle.json records.jsonl

Exit codes: 0 ok, 1 finding (something differs), 2 usage or scene, 3 environment (a port or file cannot be had).";

/// Instruments with physics, on real ports: what an integrator tests against.
#[derive(Parser)]
#[command(name = "tidewaiter-sim", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    everywhere: Everywhere,
}

#[derive(Subcommand)]
enum Command {
    /// Run a scene until it is stopped (Ctrl-C) or its time is over
    #[command(
        after_help = "Example:\n  tidewaiter-sim run lane --for 10min --config-out site.toml --oracle-out oracle.json\n\n\
                      While it runs, standard input moves the pH electrode: `immerse T-2601 1`, `rinse`."
    )]
    Run(Run),
    /// Serve an instrument that shows the test vectors of a profile, until it is stopped (Ctrl-C)
    #[command(after_help = "Example:\n  tidewaiter-sim profile moisture.toml --listen 127.0.0.1:1502\n  \
                      tidewaiter try moisture.toml --port tcp://127.0.0.1:1502\n\n\
                      Registers are served over Modbus TCP, any unit id; lines over TCP. With --dir also on a \
                      pseudo-terminal (Modbus RTU, any line speed).")]
    Profile(ServedProfile),
    /// List the scenes that come with the program and their instruments
    #[command(after_help = "Example:\n  tidewaiter-sim list")]
    List,
    /// Write the agent's site file for a scene with fixed ports, without running it
    #[command(
        name = "export-config",
        after_help = "Example:\n  tidewaiter-sim export-config my-scene.toml --dir sim --site yantian --agent gate-07 > site.toml\n\n\
                      Instruments on TCP need a fixed port in the scene; `run --config-out` knows every port."
    )]
    ExportConfig(ExportConfig),
    /// Compare an agent's records with what the scene must give: missing, too many, judged otherwise
    #[command(after_help = "Example:\n  tidewaiter-sim judge oracle.json records.jsonl --json\n\n\
                      `run --oracle-out` writes the oracle, `tidewaiter export --format jsonl` the records.")]
    Judge(Judge),
    /// Write what a port sends into a capture, with its times
    #[command(after_help = "Example:\n  tidewaiter-sim record tcp://192.168.7.20:1600 --out portal.bin --for 60s\n\n\
                      `tidewaiter listen --file portal.bin` names its protocol. Nothing is ever sent to the port.")]
    Record(RecordArgs),
    /// Play a capture back on a TCP port, with its own times
    #[command(after_help = "Example:\n  tidewaiter-sim replay portal.bin --listen 127.0.0.1:1600 --again")]
    Replay(ReplayArgs),
    /// Write the completion script for a shell
    #[command(after_help = "Example:\n  tidewaiter-sim completions bash > /etc/bash_completion.d/tidewaiter-sim")]
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: tidewaiter_console::Shell,
    },
    /// Write the manual pages
    #[command(after_help = "Example:\n  tidewaiter-sim man --out /usr/local/share/man/man1")]
    Man {
        /// Folder for one page per command; without it the page of the program goes to standard output
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

#[derive(Args)]
struct Judge {
    /// The oracle, as `run --oracle-out` writes it
    oracle: PathBuf,
    /// Records, as `tidewaiter export --format jsonl` writes them
    records: PathBuf,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct RecordArgs {
    /// Port: `tcp://HOST:PORT` or `serial:///dev/…?baud=9600`
    target: String,
    /// File for the bytes; the times go beside it. What is there is never overwritten
    #[arg(long)]
    out: PathBuf,
    /// Stop after this real time, such as 60s or 10min; Ctrl-C stops at any time
    #[arg(long = "for", value_parser = length)]
    lasts: Option<Span>,
}

#[derive(Args)]
struct ReplayArgs {
    /// The capture; its times are read from the file beside it
    capture: PathBuf,
    /// Address and port to listen on; port 0 picks one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Speed of a capture without times
    #[arg(long, default_value_t = 9600)]
    baud: u32,
    /// Begin again at the end
    #[arg(long)]
    again: bool,
    /// Stop after this real time, such as 60s or 10min
    #[arg(long = "for", value_parser = length)]
    lasts: Option<Span>,
}

#[derive(Args)]
struct Run {
    /// Scene file, or the name of a built-in scene, see `list`
    scene: String,
    /// Replace the scene's seed
    #[arg(long)]
    seed: Option<u64>,
    /// Scene seconds per real second
    #[arg(long)]
    time_scale: Option<f64>,
    /// Stop after this real time, such as 60s or 10min
    #[arg(long = "for", value_parser = length)]
    lasts: Option<Span>,
    /// Real time before the scene begins, for the agent to connect
    #[arg(long, value_parser = length, default_value = "0s")]
    lead_in: Span,
    /// Interface to listen on
    #[arg(long, default_value = "127.0.0.1")]
    listen: IpAddr,
    /// Directory for stable links to the pseudo-terminals
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Write the agent's site file here, and the declarations beside it
    #[arg(long)]
    config_out: Option<PathBuf>,
    /// Write what must have been found here, at the end
    #[arg(long)]
    oracle_out: Option<PathBuf>,
    /// Write what the operator of the scene does at the agent here, as a shell script with its waits
    #[arg(long)]
    operator_out: Option<PathBuf>,
    #[command(flatten)]
    site: SiteArgs,
}

#[derive(Args)]
struct ServedProfile {
    /// Profile file: registers or lines
    profile: PathBuf,
    /// Address and port to listen on; port 0 picks one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Directory for the link to a pseudo-terminal, `<profile id>.tty`
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Stop after this real time, such as 60s or 10min
    #[arg(long = "for", value_parser = length)]
    lasts: Option<Span>,
}

#[derive(Args)]
struct ExportConfig {
    /// Scene file, or the name of a built-in scene, see `list`
    scene: String,
    /// Directory of the links to the pseudo-terminals
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Interface of the instruments on TCP
    #[arg(long, default_value = "127.0.0.1")]
    listen: IpAddr,
    #[command(flatten)]
    site: SiteArgs,
}

#[derive(Args)]
struct SiteArgs {
    /// Site id of the site file
    #[arg(long, default_value = "yantian")]
    site: String,
    /// Agent id of the site file
    #[arg(long, default_value = "gate-07")]
    agent: String,
    /// Broker URL of the site file, such as `mqtt://127.0.0.1:1883`; without it the site has no uplink
    #[arg(long)]
    broker: Option<String>,
    /// Data directory of the site file
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Key registry of the site file
    #[arg(long, default_value = "registry.json")]
    registry: PathBuf,
}

impl SiteArgs {
    fn options(&self, declarations: Option<PathBuf>) -> ExportOptions {
        ExportOptions {
            site: self.site.clone(),
            agent: self.agent.clone(),
            broker: self.broker.clone(),
            data_dir: self.data_dir.clone(),
            registry: self.registry.clone(),
            declarations,
            ..ExportOptions::default()
        }
    }
}

/// Reads `60s`, `60 s`, `1.5min`.
fn length(text: &str) -> Result<Span, String> {
    let split = text.find(|it: char| it.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    format!("{} {unit}", number.trim()).parse().map_err(|error: scene::SpanError| error.to_string())
}

/// What went wrong and with which exit code it ends.
struct Failure(u8, anyhow::Error);

const FINDING: u8 = 1;
const USAGE: u8 = 2;
const ENVIRONMENT: u8 = 3;

fn main() -> std::process::ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).init();
    let outcome = match arguments(|cli: &Cli| cli.everywhere).command {
        Command::Judge(judge) => judged(&judge),
        Command::Record(args) => recorded(&args),
        Command::Replay(args) => replayed(&args),
        Command::Completions { shell } => {
            let script = tidewaiter_console::completions(localized(Cli::command(), language()), shell);
            std::io::stdout().write_all(&script).map_err(|error| Failure(ENVIRONMENT, error.into()))
        }
        Command::Man { out } => manual(out.as_deref()).map_err(|error| Failure(ENVIRONMENT, error)),
        Command::Run(run) => start(&run),
        Command::Profile(served) => show_profile(&served),
        Command::List => list().map_err(|error| Failure(ENVIRONMENT, error)),
        Command::ExportConfig(export) => exported(&export).map_err(|error| Failure(USAGE, error)),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        // A reader that has had enough (`| head`) is no failure.
        Err(Failure(_, error)) if is_closed_pipe(&error) => std::process::ExitCode::SUCCESS,
        Err(Failure(code, error)) => {
            eprintln!("tidewaiter-sim: {error:#}");
            std::process::ExitCode::from(code)
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |it: &std::io::Error| it.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|it| it.downcast_ref::<std::io::Error>().is_some_and(closed))
}

fn manual(dir: Option<&Path>) -> anyhow::Result<()> {
    let (page, written) = tidewaiter_console::man(&localized(Cli::command(), language()), dir)?;
    let mut out = std::io::stdout().lock();
    out.write_all(&page)?;
    for path in written {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

fn judged(judge: &Judge) -> Result<(), Failure> {
    let read = |path: &Path| {
        fs::read_to_string(path)
            .with_context(|| path.display().to_string())
            .map_err(|error| Failure(ENVIRONMENT, error))
    };
    let (oracle, records) = (read(&judge.oracle)?, read(&judge.records)?);
    let compared = compare(&oracle, &records).map_err(|error| Failure(USAGE, error.into()))?;
    let mut out = std::io::stdout().lock();
    let mut told = String::new();
    if judge.json {
        told = serde_json::to_string(&compared).map_err(|error| Failure(ENVIRONMENT, error.into()))?;
    } else {
        for it in &compared.differences {
            let _ = writeln!(told, "{it}");
        }
        let (expected, recorded, agree) = (compared.expected, compared.recorded, compared.agree);
        told.push_str(&said!("judge-sum", expected = expected, recorded = recorded, agree = agree));
    }
    writeln!(out, "{told}").map_err(|error| Failure(ENVIRONMENT, error.into()))?;
    let differ = compared.differences.len();
    if differ == 0 { Ok(()) } else { Err(Failure(FINDING, anyhow::anyhow!(said!("judge-differ", differ: differ)))) }
}

fn recorded(args: &RecordArgs) -> Result<(), Failure> {
    let until = async {
        let _ = until_over(args.lasts).await;
    };
    let bytes = runtime()?.block_on(capture::record(&args.target, &args.out, until)).map_err(|error| {
        Failure(if matches!(error, CaptureError::Target(_)) { USAGE } else { ENVIRONMENT }, error.into())
    })?;
    eprintln!("{}", said!("capture-written", path = args.out.display(), bytes = bytes));
    Ok(())
}

fn replayed(args: &ReplayArgs) -> Result<(), Failure> {
    let playback = Playback::open(&args.capture, args.baud).map_err(|error| {
        let code = if matches!(error, CaptureError::File { .. }) { ENVIRONMENT } else { USAGE };
        Failure(code, error.into())
    })?;
    let serving = async {
        let listener = TcpListener::bind(args.listen)
            .await
            .with_context(|| format!("cannot listen on {}; choose another port", args.listen))?;
        let mut out = std::io::stdout();
        writeln!(out, "tcp://{}", listener.local_addr()?)?;
        out.flush()?;
        tokio::select! {
            ended = capture::replay(listener, playback, args.again) => Ok(ended?),
            over = until_over(args.lasts) => over,
        }
    };
    runtime()?.block_on(serving).map_err(|error| Failure(ENVIRONMENT, error))
}

fn load(name: &str) -> anyhow::Result<Scene> {
    if scene::BUILT_IN.iter().any(|(known, _)| *known == name) && !Path::new(name).exists() {
        return Ok(Scene::built_in(name)?);
    }
    let text = fs::read_to_string(name).with_context(|| {
        format!("cannot read scene {name:?}; write a file's path, or one of {}", Scene::built_in_names())
    })?;
    Scene::from_toml(&text).with_context(|| name.to_owned())
}

fn start(run: &Run) -> Result<(), Failure> {
    let scene = load(&run.scene).map_err(|error| Failure(USAGE, error))?;
    runtime()?.block_on(play(run, scene)).map_err(|error| Failure(ENVIRONMENT, error))
}

/// Waits for the end of this time, Ctrl-C or SIGTERM.
async fn until_over(lasts: Option<Span>) -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let over = async {
        match lasts {
            Some(span) => tokio::time::sleep(span.duration()).await,
            None => std::future::pending::<()>().await,
        }
    };
    tokio::select! {
        () = over => {}
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn show_profile(served: &ServedProfile) -> Result<(), Failure> {
    let name = served.profile.display().to_string();
    let text = fs::read_to_string(&served.profile)
        .with_context(|| format!("cannot read profile {name}; write a file's path"))
        .map_err(|error| Failure(USAGE, error))?;
    let (profile, doubts) =
        load_any(&name, &text).map_err(|report| Failure(USAGE, anyhow::anyhow!("profile refused\n{report}")))?;
    eprint!("{doubts}");
    let serving = async {
        let server = ProfileServer::start(profile, served.listen, served.dir.as_deref()).await?;
        let mut out = std::io::stdout();
        writeln!(out, "tcp://{}", server.address())?;
        if let Some(path) = server.terminal() {
            writeln!(out, "serial://{}", path.display())?;
        }
        out.flush()?;
        if !server.hidden().is_empty() {
            eprintln!("no vector of their own is shown by: {}", server.hidden().join(", "));
        }
        until_over(served.lasts).await
    };
    runtime()?.block_on(serving).map_err(|error| Failure(ENVIRONMENT, error))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| Failure(ENVIRONMENT, error.into()))
}

async fn play(run: &Run, scene: Scene) -> anyhow::Result<()> {
    let world = WorldOptions {
        seed: run.seed,
        time_scale: run.time_scale,
        lead_in: run.lead_in.duration(),
        ..WorldOptions::default()
    };
    let running = Simulation::start(scene, Options { listen: run.listen, dir: run.dir.clone(), world }).await?;
    print_addresses(&running)?;
    if let Some(path) = &run.config_out {
        let declarations = path.with_file_name("declarations.csv");
        write(&declarations, &running.declarations())?;
        write_tables(&path.with_file_name("limits"), running.world().scene())?;
        let options = run.site.options(declarations.file_name().map(PathBuf::from));
        write(path, &export_config(running.world().scene(), &running.addresses, &options))?;
    }
    if let Some(path) = &run.operator_out {
        write(path, &operator_commands(&running.operator_script(), run.lead_in))?;
    }
    operate(running.world().clone());
    tokio::select! {
        over = until_over(run.lasts) => over?,
        () = show_lamps(running.world()) => {}
    }
    let oracle = running.oracle();
    if let Some(path) = &run.oracle_out {
        write(path, &oracle.to_json())?;
    }
    let verdicts: Vec<String> = oracle.verdicts().iter().map(|(word, count)| format!("{word} {count}")).collect();
    eprintln!("{} inspections are due: {}", oracle.inspections.len(), verdicts.join(", "));
    // Bounded, so that a blocked line cannot keep the program.
    let _ = tokio::time::timeout(Duration::from_secs(2), running.stop()).await;
    Ok(())
}

/// Prints what the I/O module shows whenever that changes; the pulse is left out. Pends for ever.
async fn show_lamps(world: &World) {
    let mut shown = None;
    loop {
        if let Some(mut lamps) = world.lamps() {
            lamps.on.retain(|it| it != "pulse");
            let now = (lamps.on, lamps.trips);
            if shown.as_ref() != Some(&now) {
                let on = if now.0.is_empty() { "nothing".to_owned() } else { now.0.join(" ") };
                eprintln!("coils on: {on}; the module's watchdog has tripped {} times", now.1);
                shown = Some(now);
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Lets an operator move the pH electrode from the keyboard, a line per move, until standard input ends.
fn operate(world: Arc<World>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let mut words = line.split_whitespace();
            let refused = match (words.next(), words.next(), words.next().map(str::parse)) {
                (Some("immerse"), Some(sample), Some(Ok(parallel))) => {
                    world.immerse(sample, parallel).err().map(|it| it.to_string())
                }
                (Some("rinse"), None, None) => {
                    world.rinse();
                    None
                }
                (None, ..) => None,
                _ => Some(format!("{line:?} is no move; write `immerse SAMPLE PARALLEL` or `rinse`")),
            };
            if let Some(refused) = refused {
                eprintln!("tidewaiter-sim: {refused}");
            }
        }
    });
}

fn print_addresses(running: &Running) -> anyhow::Result<()> {
    let scene = running.world().scene();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} (seed {}, {} x)", scene.title, scene.seed, scene.time_scale)?;
    for (instrument, address) in &running.addresses {
        writeln!(out, "  {instrument:<12} {address}")?;
    }
    out.flush()?;
    Ok(())
}

fn list() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for (name, _) in scene::BUILT_IN {
        let scene = Scene::built_in(name)?;
        let instruments = scene.ends();
        let shown = if instruments.is_empty() { "everything is typed".to_owned() } else { instruments.join(" ") };
        writeln!(out, "{name}\n    {}\n    {shown}", scene.title)?;
    }
    Ok(())
}

fn exported(export: &ExportConfig) -> anyhow::Result<()> {
    let scene = load(&export.scene)?;
    let dir = std::path::absolute(&export.dir)?;
    let mut addresses = std::collections::BTreeMap::new();
    for id in scene.ends() {
        let address = match scene.tcp_port(id) {
            None => Address::Pty(dir.join(format!("{id}.tty"))),
            Some(0) => bail!(
                "instrument {id} has no fixed port; write `port = 1600` or the like in the scene, or use `run --config-out`"
            ),
            Some(port) => Address::Tcp((export.listen, port).into()),
        };
        addresses.insert(id.to_owned(), address);
    }
    let world = World::new(scene, &WorldOptions::default())?;
    let declarations = dir.join("declarations.csv");
    write(&declarations, &declarations_csv(&world))?;
    let limits = dir.join("limits");
    write_tables(&limits, world.scene())?;
    let options = ExportOptions { limits, ..export.site.options(Some(declarations)) };
    print!("{}", export_config(world.scene(), &addresses, &options));
    Ok(())
}

/// Writes the limit tables of a scene into a folder, a file each; nothing for a scene without any.
fn write_tables(dir: &Path, scene: &Scene) -> anyhow::Result<()> {
    if !scene.tables.is_empty() {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}; choose a writable place", dir.display()))?;
    }
    for (place, text) in (1..).zip(&scene.tables) {
        write(&dir.join(format!("scene-{place}.toml")), text)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}; choose a writable place", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_speaks_both_languages_and_its_examples_are_right() {
        let faults = tidewaiter_console::faults(&Cli::command);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
