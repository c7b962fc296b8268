//! The command line.

mod authority;
mod ca;
mod enrol;
mod export;
mod keep;
mod life;
mod log;
mod manual;
mod reset;
mod stats;
mod status;
mod store;
mod version;

use std::{
    error::Error as _,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use tidewaiter_console::{Everywhere, said};
use tidewaiter_record::{Algorithm, Hash, ProofError, RegistryClass};
use tidewaiter_screening::statistics::{By, Period};
use tidewaiter_words::{Language, say};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, ConfigError, TokenPlace},
    core::Collected,
    export::ExportError,
    keys::{self, KeyError},
    print,
    proving::ProveError,
    service::{RunError, run},
    store::{Place, Store, StoreError},
    view::CollectedView,
};

/// Results that wait to be printed: some seconds of a busy centre, 32 KiB each at most.
const PRINT_QUEUE: usize = 512;

const EXAMPLES: &str = "\
Examples:
  tidewaiter-collector keys init --out /etc/tidewaiter
  tidewaiter-collector keys add --registry /etc/tidewaiter/registry.json gate-07.json
  tidewaiter-collector run --config /etc/tidewaiter/collector.toml
  tidewaiter-collector enrol token --site yantian --agent gate-07 --by 'Li Na' --config collector.toml
  tidewaiter-collector keys revoke gate-07 --reason 'box stolen' --config collector.toml
  tidewaiter-collector run --config collector.toml --json | jq 'select(.detail.disposition == \"alarm\")'
  tidewaiter-collector status --config collector.toml
  tidewaiter-collector stats --config collector.toml --from 2026-11-01 --by week
  tidewaiter-collector export --config collector.toml --format cborseq --out records.cborseq
  tidewaiter-collector export --config collector.toml --format parquet --out lake --from 2026-11-01 --to 2026-11-30
  tidewaiter-collector export --config collector.toml --evidence ./evidence
  tidewaiter-collector archive --config collector.toml --out /media/archive-2026
  tidewaiter verify records.cborseq --registry registry.json
  tidewaiter-collector prove --config collector.toml --chain 00112233445566778899aabbccddeeff --seq 412 --out proof.cbor
  tidewaiter-collector prove --check proof.cbor --registry registry.json
  tidewaiter-collector log check --config collector.toml
  tidewaiter-collector keys export --config collector.toml --out registry.json

Exit codes: 0 ok, 1 finding (something bad or missing), 2 usage or configuration, 3 environment";

/// The central end of Tidewaiter: collects sealed records over MQTT, verifies, stores and receipts them.
#[derive(Debug, Parser)]
#[command(name = "tidewaiter-collector", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub everywhere: Everywhere,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Collect until stopped (Ctrl-C or SIGTERM), one line per record on stdout.
    Run {
        /// The configuration.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
        /// One JSON object per line instead, the counts last.
        #[arg(long)]
        json: bool,
    },
    /// Show chains, gaps and counts; exit code 1 when something is bad or missing.
    Status {
        /// Which store.
        #[command(flatten)]
        store: StoreArgs,
        /// One JSON object instead of tables.
        #[arg(long)]
        json: bool,
    },
    /// Count what the records of all chains add up to: lots tested, passed, failed, undecided, with denominators.
    Stats {
        /// Which store.
        #[command(flatten)]
        store: StoreArgs,
        /// First sampling date, UTC.
        #[arg(long, value_name = "DATE")]
        from: Option<Date>,
        /// Last sampling date, UTC.
        #[arg(long, value_name = "DATE")]
        to: Option<Date>,
        /// Groups: day, week, month, place, procedure, table, hazard or origin.
        #[arg(long, value_parser = by, value_name = "GROUP")]
        by: Option<By>,
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Write stored records out.
    ///
    /// Example: tidewaiter-collector export --config collector.toml --format parquet --out lake --from 2026-11-01
    Export(export::ExportArgs),
    /// Prove that a record is in the centre's log, or check such a proof.
    Prove(log::Prove),
    /// The centre's log: its heads, and whether everything agrees with it.
    #[command(subcommand)]
    Log(log::Log),
    /// The store on a database server.
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Copy the store, in use or not, into a folder to go on from. A database server has its own ways.
    ///
    /// Example: tidewaiter-collector backup --config collector.toml --out /media/backup-2026-11-29
    Backup(keep::BackupArgs),
    /// Make a new store from a backup or an archive.
    ///
    /// Example: tidewaiter-collector restore /media/archive-2026 --config collector.toml
    Restore(keep::RestoreArgs),
    /// Write what was received into a folder that outlives the collector, or check such a folder.
    ///
    /// Example: tidewaiter-collector archive --config collector.toml --out /media/archive-2026 --upto 2026-12-31T23:59:59Z
    Archive(keep::ArchiveArgs),
    /// Take in records that came by hand, through the same checks as those that come from the broker.
    ///
    /// Example: tidewaiter-collector import records.cborseq --site yantian --evidence evidence --config collector.toml
    Import(keep::ImportArgs),
    /// Put records into one file with everything needed to check them offline.
    ///
    /// Example: tidewaiter-collector bundle lane-7-3-41 --config collector.toml --out case.tar
    Bundle(keep::BundleArgs),
    /// Make, add, close and show keys.
    #[command(subcommand)]
    Keys(Keys),
    /// The authority of transport certificates: make, issue, renew, deny.
    #[command(subcommand)]
    Ca(ca::Ca),
    /// Enrol agents: tokens, requests, approval by a second person.
    #[command(subcommand)]
    Enrol(enrol::Enrol),
    /// Let an agent begin a new chain: drawn up, signed by two people, applied.
    #[command(subcommand)]
    Reset(reset::ResetCommand),
    /// Signed orders for agents: roots, limit tables, assignments, plans, commands.
    Authority(authority::Authority),
    /// Write the completion script for a shell.
    ///
    /// Example: tidewaiter-collector completions bash > /etc/bash_completion.d/tidewaiter-collector
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: tidewaiter_console::Shell,
    },
    /// Write the manual pages.
    ///
    /// To standard output goes the page of the program itself; into a folder, one page for each command.
    ///
    /// Example: tidewaiter-collector man --out /usr/local/share/man/man1
    Man {
        /// Folder for one page per command.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Name and version of this software, and the SHA-256 of its executable file.
    ///
    /// Example: tidewaiter-collector version --json
    Version {
        /// One JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
}

/// Make, add, close and show keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make the centre's receipt key and enter it into the folder's registry.
    Init {
        /// The folder; an existing registry.json there is added to, an existing key is never overwritten.
        #[arg(long)]
        out: PathBuf,
        /// Name of the centre.
        #[arg(long, default_value = "centre")]
        name: String,
        /// Class of a new registry: production refuses simulated records.
        #[arg(long, value_enum, default_value_t = Class::Production)]
        class: Class,
        /// Algorithm of the key.
        #[arg(long, value_enum, default_value_t = Choice::Ed25519)]
        algorithm: Choice,
        /// Make the key inside a PKCS#11 token: the library that speaks with it.
        #[arg(long, value_name = "MODULE", requires_all = ["token", "pin_file"])]
        pkcs11: Option<PathBuf>,
        /// Label of the token.
        #[arg(long, requires = "pkcs11")]
        token: Option<String>,
        /// File with the PIN of the token's user in its first line, mode 0600.
        #[arg(long, requires = "pkcs11")]
        pin_file: Option<PathBuf>,
        /// One JSON object instead of a line.
        #[arg(long)]
        json: bool,
    },
    /// Add the keys of other registry files, e.g. an agent's; a running collector takes them at once.
    Add {
        /// The registry to add to.
        #[arg(long)]
        registry: PathBuf,
        /// The registries to add.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// What happens to a key later.
    #[command(flatten)]
    Life(life::Life),
}

/// Which store to read.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct StoreArgs {
    /// The configuration that names it.
    #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
    pub config: Option<PathBuf>,
    /// The store itself, a file.
    #[arg(long)]
    pub store: Option<PathBuf>,
}

/// Class of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Class {
    /// Real instruments only.
    Production,
    /// Simulated ones too.
    Test,
}

/// Algorithms by the names people use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// Ed25519: small, fast, and in few tokens.
    Ed25519,
    /// ECDSA on P-256 with SHA-256: in nearly all tokens.
    Es256,
    /// SM2 with SM3.
    #[cfg(feature = "gm")]
    Sm2,
}

impl From<Choice> for Algorithm {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Ed25519 => Self::Ed25519,
            Choice::Es256 => Self::Esp256,
            #[cfg(feature = "gm")]
            Choice::Sm2 => Self::Sm2,
        }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Core(#[from] crate::core::CoreError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("record {}: its hash is {found}, the proof is about {proved}", path.display())]
    OtherRecord { path: PathBuf, found: Hash, proved: Hash },
    #[error("{}: cannot be read", path.display())]
    Input { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Archive(#[from] crate::archive::ArchiveError),
    #[error(transparent)]
    Bundle(#[from] crate::case::BundleError),
    #[error(transparent)]
    Ca(#[from] crate::ca::CaError),
    #[error(transparent)]
    Desk(#[from] crate::enrol::DeskError),
    #[error(transparent)]
    Reset(#[from] crate::reset::ApplyError),
    #[error(transparent)]
    File(#[from] crate::files::FileError),
    #[error("{0}")]
    Usage(String),
    #[error("output {}: cannot be written", path.display())]
    Output { path: PathBuf, source: io::Error },
    #[error("output: cannot be written")]
    Print(#[from] io::Error),
    #[error("the operating system gives no {0}")]
    System(&'static str, #[source] io::Error),
}

impl Failure {
    /// 1 finding, 2 usage or configuration, 3 environment.
    fn code(&self) -> u8 {
        let is_configuration = match self {
            Self::Export(
                ExportError::Rotten { .. } | ExportError::Unreadable { .. } | ExportError::RottenContent { .. },
            )
            | Self::Proof(_)
            | Self::OtherRecord { .. }
            | Self::Prove(ProveError::NotInLog { .. } | ProveError::NotYet { .. }) => return 1,
            Self::Archive(error) if error.is_finding() => return 1,
            Self::Desk(error) if error.is_refusal() => return 1,
            Self::Reset(error) if error.is_refusal() => return 1,
            Self::Ca(error) => !matches!(error, crate::ca::CaError::File(_) | crate::ca::CaError::Randomness),
            Self::Config(_)
            | Self::Usage(_)
            | Self::Prove(ProveError::NoHead(_) | ProveError::Order(..))
            | Self::Store(StoreError::Older { .. }) => true,
            Self::Store(error) => error.is_configuration(),
            Self::Run(error) => error.is_configuration(),
            Self::Key(error) => error.is_configuration(),
            _ => false,
        };
        if is_configuration { 2 } else { 3 }
    }
}

/// Does what the command line says.
pub fn main(cli: Cli) -> ExitCode {
    match carry_out(cli.command, cli.everywhere.asked_language()) {
        Ok(code) => ExitCode::from(code),
        // A reader that has had enough (`| head`) is no failure.
        Err(failure) if is_closed_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut text = failure.to_string();
            let mut source = failure.source();
            while let Some(cause) = source {
                let cause_text = cause.to_string();
                // Transparent wrappers repeat their source.
                if !text.ends_with(&cause_text) {
                    text = format!("{text}: {cause_text}");
                }
                source = cause.source();
            }
            // Nothing is left to be told when stderr is gone too.
            let _ = writeln!(io::stderr(), "tidewaiter-collector: {text}");
            ExitCode::from(failure.code())
        }
    }
}

fn is_closed_pipe(failure: &Failure) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(failure);
    while let Some(it) = cause {
        if it.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        cause = it.source();
    }
    false
}

fn carry_out(command: Command, asked: Option<Language>) -> Result<u8, Failure> {
    match command {
        Command::Run { config, json } => {
            let mut config = Config::load(&config)?;
            config.output.json |= json;
            config.output.language = asked.unwrap_or(config.output.language);
            collect(config)
        }
        Command::Status { store: which, json } => {
            let (store, place) = (open(&which)?, place(&which)?);
            let registry = which.config.as_deref().map(|it| export::in_force(it, store.as_ref())).transpose()?;
            status::show(store.as_ref(), registry.as_ref(), place.free_bytes(), json)
        }
        Command::Stats { store, from, to, by, json } => {
            let language = tidewaiter_console::language();
            stats::show(open(&store)?.as_ref(), stats::Wanted { period: Period { from, to }, by, json, language })
        }
        Command::Export(args) => export::carry_out(&args),
        Command::Prove(prove) => log::prove(prove),
        Command::Log(log) => log::carry_out(log),
        Command::Store(command) => store::carry_out(command),
        Command::Backup(args) => keep::backup(&args),
        Command::Restore(args) => keep::restore(&args),
        Command::Archive(args) => keep::write(args),
        Command::Import(args) => keep::import(&args),
        Command::Bundle(args) => keep::bundle(&args),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { out } => manual::man(out.as_deref()),
        Command::Version { json } => Ok(version::show(json)?),
        Command::Keys(Keys::Init { out, name, class, algorithm, pkcs11, token, pin_file, json }) => {
            let class = match class {
                Class::Production => RegistryClass::Production,
                Class::Test => RegistryClass::Test,
            };
            if let (Some(module), Some(token), Some(pin_file)) = (pkcs11, token, pin_file) {
                return init_in_token(
                    &out,
                    &name,
                    class,
                    algorithm.into(),
                    TokenPlace { module, token, pin_file },
                    json,
                );
            }
            let (kid, key, registry) = keys::init_as(&out, &name, class, algorithm.into())?;
            let mut stdout = io::stdout().lock();
            if json {
                let object = serde_json::json!({ "kid": kid, "key": key, "registry": registry });
                writeln!(stdout, "{object}")?;
            } else {
                let (key, registry) = (key.display(), registry.display());
                writeln!(stdout, "{}", said!("centre-key-made", kid = kid, key = key, registry = registry))?;
            }
            Ok(0)
        }
        Command::Keys(Keys::Add { registry, files }) => {
            for file in &files {
                keys::add(&registry, file)?;
            }
            Ok(0)
        }
        Command::Keys(Keys::Life(command)) => life::carry_out(command),
        Command::Authority(command) => authority::carry_out(command),
        Command::Ca(command) => ca::carry_out(command),
        Command::Enrol(command) => enrol::carry_out(command),
        Command::Reset(command) => reset::carry_out(command),
    }
}

/// A table with these columns, named `centre-column-…` in the catalogue.
fn headed(columns: &[&str]) -> comfy_table::Table {
    let header: Vec<String> = columns.iter().map(|it| said!(&format!("centre-column-{it}"))).collect();
    let mut table = tidewaiter_console::table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    table
}

/// UTC milliseconds.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(feature = "pkcs11")]
fn init_in_token(
    out: &Path,
    name: &str,
    class: RegistryClass,
    algorithm: Algorithm,
    place: TokenPlace,
    json: bool,
) -> Result<u8, Failure> {
    let (kid, registry) = keys::init_in_token(out, name, class, algorithm, &place)?;
    let TokenPlace { module, token, pin_file } = place;
    let (module, pin_file) = (module.display().to_string(), pin_file.display().to_string());
    let mut stdout = io::stdout().lock();
    if json {
        let object = serde_json::json!({ "kid": kid, "token": token, "registry": registry });
        writeln!(stdout, "{object}")?;
    } else {
        let told = said!("centre-key-in-token", kid = kid, token = format!("{token:?}"), registry = registry.display());
        writeln!(stdout, "{told}")?;
        writeln!(
            stdout,
            "[keys]\nkind = \"pkcs11\"\nmodule = {module:?}\ntoken = {token:?}\nkid = \"{kid}\"\npin_file = {pin_file:?}"
        )?;
    }
    Ok(0)
}

#[cfg(not(feature = "pkcs11"))]
fn init_in_token(_: &Path, _: &str, _: RegistryClass, _: Algorithm, _: TokenPlace, _: bool) -> Result<u8, Failure> {
    Err(KeyError::NoPkcs11.into())
}

fn by(text: &str) -> Result<By, String> {
    By::from_word(text).ok_or_else(|| format!("one of {}", By::ALL.map(By::word).join(", ")))
}

fn open(which: &StoreArgs) -> Result<Box<dyn Store>, Failure> {
    Ok(place(which)?.read()?)
}

fn place(which: &StoreArgs) -> Result<Place, Failure> {
    Ok(match (&which.store, &which.config) {
        (Some(store), _)
            if store.to_string_lossy().starts_with("postgres") && store.to_string_lossy().contains("://") =>
        {
            let why =
                "--store names a file; for a server write --config, where its certificate and password file are said";
            return Err(Failure::Usage(why.to_owned()));
        }
        (Some(store), _) => Place::File(store.clone()),
        (None, Some(config)) => Config::load(config)?.store.place,
        // The group of arguments asks for one of them.
        (None, None) => Place::File("collector.db".into()),
    })
}

fn collect(config: Config) -> Result<u8, Failure> {
    let output = config.output;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|it| Failure::System("threads", it))?;
    let (events, results) = mpsc::channel(PRINT_QUEUE);
    let stop = CancellationToken::new();
    let printer = std::thread::spawn(move || print_all(results, output.language, output.json));
    if !output.json {
        let broker = format!("{}:{}", config.broker.host, config.broker.port);
        let store = config.store.place.to_string();
        let text =
            say(output.language, "collector-listening", &[("broker", (&broker).into()), ("store", (&store).into())]);
        writeln!(io::stderr(), "{text}")?;
    }
    let summary = runtime.block_on(async {
        let signals = stop.clone();
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .map_err(|it| Failure::System("signals", it))?;
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            signals.cancel();
        });
        Ok::<_, Failure>(run(config, events, stop).await?)
    })?;
    // The channel is closed now, so the printer ends; it never panics, and if it did nothing is lost.
    let _ = printer.join();
    let mut stdout = io::stdout().lock();
    if output.json {
        writeln!(stdout, "{}", serde_json::json!({ "summary": summary }))?;
    } else {
        writeln!(stdout, "{}", print::summary(output.language, &summary))?;
    }
    Ok(0)
}

/// Prints until the channel closes, or until nobody reads stdout any more.
fn print_all(mut results: mpsc::Receiver<Collected>, language: Language, json: bool) {
    while let Some(collected) = results.blocking_recv() {
        let line = if json {
            match serde_json::to_string(&CollectedView::of(&collected)) {
                Ok(line) => line,
                Err(error) => {
                    tracing::error!(%error, agent = collected.agent, seq = collected.seq, "record cannot be shown as JSON");
                    continue;
                }
            }
        } else {
            print::line(language, &collected)
        };
        if writeln!(io::stdout().lock(), "{line}").is_err() {
            return;
        }
    }
}
