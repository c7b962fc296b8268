//! `keys list | close | revoke | export | person`: what happens to keys later.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use clap::{Args, Subcommand};
use tidewaiter_console::said;
use tidewaiter_record::{ChainId, Kid, RegisteredKey, Role, Rotation, view::utc};

use super::{Failure, now_ms};
use crate::{
    ca::Authority,
    config::Config,
    files::{self, FileError},
    keys,
};

/// A running collector reads a changed registry within this time; after it nothing more is receipted.
const READ_AGAIN_WITHIN: Duration = Duration::from_millis(1_500);

/// What happens to keys later.
#[derive(Debug, Subcommand)]
pub enum Life {
    /// Show all keys: whose, for which chain and numbers, and what was noted.
    ///
    /// Example: tidewaiter-collector keys list --config collector.toml
    List {
        /// The configuration that names registry and store.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Close a key after a number. What was receipted before stays valid; the key is never opened again.
    ///
    /// Example: tidewaiter-collector keys close 1f3a5b7c9d0e2f41 --at-last-receipt --reason 'bench sold' --config collector.toml
    Close {
        /// The key.
        kid: Kid,
        /// Where.
        #[command(flatten)]
        after: After,
        /// Why; kept in the registry.
        #[arg(long)]
        reason: String,
        /// The configuration that names registry and store.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
    },
    /// Revoke an agent: close its keys at the last receipted record, and deny its transport certificates.
    ///
    /// Example: tidewaiter-collector keys revoke gate-07 --reason 'box stolen' --broker-pid /run/mosquitto.pid --config collector.toml
    Revoke {
        /// The agent.
        agent: String,
        /// Why; kept in the registry.
        #[arg(long)]
        reason: String,
        /// The configuration that names registry, store and authority.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
        /// File with the process id of a broker on this machine, which is told to read its lists again (SIGHUP).
        #[arg(long, value_name = "FILE")]
        broker_pid: Option<PathBuf>,
    },
    /// Write the registry that agents and verifiers need; from the configuration, with the keys that chains have handed
    /// themselves to since it was written.
    ///
    /// Example: tidewaiter-collector keys export --config collector.toml --out registry.json
    ///
    /// Example: tidewaiter-collector keys export --registry registry.json --centre-only --out for-agents.json
    Export {
        /// The configuration that names registry and store.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG", required_unless_present = "registry")]
        config: Option<PathBuf>,
        /// A registry alone; nothing is learned then.
        #[arg(long)]
        registry: Option<PathBuf>,
        /// Only the centre's keys, which is what an agent needs.
        #[arg(long)]
        centre_only: bool,
        /// The file to write; stdout when left out.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Make the key of a person, for what people sign: `reset sign`.
    ///
    /// Example: tidewaiter-collector keys person --name 'Li Na' --out li-na.key --registry registry.json
    Person {
        /// The person, as others know them.
        #[arg(long)]
        name: String,
        /// The private key to write; it stays with the person.
        #[arg(long)]
        out: PathBuf,
        /// The registry.
        #[arg(long)]
        registry: PathBuf,
    },
}

/// After which number a key is closed.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct After {
    /// After this sequence number, itself still valid.
    #[arg(long, value_name = "SEQ")]
    after: Option<u64>,
    /// After the last record that has a receipt.
    #[arg(long)]
    at_last_receipt: bool,
}

pub(super) fn carry_out(command: Life) -> Result<u8, Failure> {
    match command {
        Life::List { config, json } => list(&Config::load(&config)?, json),
        Life::Close { kid, after, reason, config } => {
            let config = Config::load(&config)?;
            let path = &config.centre.registry;
            let note = format!("closed {}: {reason}", utc(now_ms()));
            let rotations = rotations(&config)?;
            if let Some(after) = after.after {
                keys::close(path, &rotations, kid, Some(after), &note)?;
            } else {
                let wrong = |source| keys::KeyError::Registry { path: path.clone(), source };
                let whole = keys::in_force(&keys::load_registry(path)?, &rotations).map_err(wrong)?;
                let key = whole.key(kid).map(|it| (it.chain, it.from_seq));
                let chain = key.and_then(|it| it.0);
                let last = receipted(&config)?;
                keys::close(path, &rotations, kid, chain.and_then(&last), &note)?;
                if let (Some(chain), Some((_, from_seq))) = (chain, key) {
                    settle(&config, &[(kid, chain, from_seq)])?;
                }
            }
            shown(&config, |key| key.kid() == kid)
        }
        Life::Revoke { agent, reason, config, broker_pid } => {
            let config = Config::load(&config)?;
            let note = format!("revoked {}: {reason}", utc(now_ms()));
            let done = keys::revoke(&config.centre.registry, &rotations(&config)?, &agent, receipted(&config)?, &note)?;
            if let Some(enrol) = &config.enrol {
                Authority::open(&enrol.ca)?.deny(&agent, &reason, now_ms())?;
            }
            if let Some(file) = broker_pid {
                reload_broker(&file)?;
            }
            settle(&config, &done)?;
            shown(&config, |key| key.role == Role::Agent && key.agent == agent)
        }
        Life::Export { config, registry, centre_only, out } => {
            let (path, learned) = match (registry, config) {
                (None, Some(config)) => {
                    let config = Config::load(&config)?;
                    let store = config.store.place.read()?;
                    (config.centre.registry, store.rotations()?)
                }
                (registry, _) => (registry.unwrap_or_default(), Vec::new()),
            };
            let document = if centre_only { keys::excerpt(&path)? } else { keys::with_learned(&path, learned)? };
            match out {
                Some(path) => files::replace(&path, document.to_json().as_bytes(), 0o644)?,
                None => io::stdout().lock().write_all(document.to_json().as_bytes())?,
            }
            Ok(0)
        }
        Life::Person { name, out, registry } => {
            let kid = keys::make_person(&registry, &name, &out)?;
            let told = said!("centre-key-person", kid = kid, name = name, path = out.display());
            writeln!(io::stdout().lock(), "{told}")?;
            Ok(0)
        }
    }
}

/// The last number of each chain that has a receipt.
pub(super) fn receipted(config: &Config) -> Result<impl Fn(ChainId) -> Option<u64> + use<>, Failure> {
    let chains = match config.store.place.read_if_any()? {
        Some(store) => store.outline()?,
        None => Vec::new(),
    };
    Ok(move |chain| chains.iter().find(|it| it.chain == chain).and_then(|it| it.receipted().checked_sub(1)))
}

/// The keys that chains handed themselves to, as the centre learned them.
pub(super) fn rotations(config: &Config) -> Result<Vec<Rotation>, Failure> {
    match config.store.place.read_if_any()? {
        Some(store) => Ok(store.rotations()?),
        None => Ok(Vec::new()),
    }
}

/// Gives a running collector the time to read the registry, and moves the ends over what it receipted until then.
pub(super) fn settle(config: &Config, closed: &[keys::Ended]) -> Result<(), Failure> {
    if closed.is_empty() || config.store.place.read_if_any()?.is_none() {
        return Ok(());
    }
    thread::sleep(READ_AGAIN_WITHIN);
    let last = receipted(config)?;
    for (kid, chain, from_seq) in closed {
        if let Some(last) = last(*chain) {
            keys::nothing_after(&config.centre.registry, (*kid, *from_seq), last)?;
        }
    }
    Ok(())
}

/// Tells a broker on this machine to read its files again.
pub(super) fn reload_broker(file: &Path) -> Result<(), Failure> {
    let text = fs::read_to_string(file).map_err(FileError::of(file, "read"))?;
    let pid = text.trim().parse().ok().and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or_else(|| Failure::Usage(format!("{}: no process id in it", file.display())))?;
    rustix::process::kill_process(pid, rustix::process::Signal::HUP)
        .map_err(|why| Failure::System("signal", why.into()))
}

fn list(config: &Config, json: bool) -> Result<u8, Failure> {
    let registry = keys::load_registry(&config.centre.registry)?;
    let mut out = io::stdout().lock();
    if json {
        out.write_all(registry.to_json().as_bytes())?;
        return Ok(0);
    }
    let last = receipted(config)?;
    let mut table = super::headed(&["key", "role", "name", "chain", "numbers", "receipted", "simulated", "note"]);
    for key in registry.keys() {
        table.add_row(row(key, key.chain.and_then(&last)));
    }
    writeln!(out, "{table}")?;
    Ok(0)
}

fn shown(config: &Config, which: impl Fn(&RegisteredKey) -> bool) -> Result<u8, Failure> {
    let registry = keys::load_registry(&config.centre.registry)?;
    let mut out = io::stdout().lock();
    for key in registry.keys().filter(|it| which(it)) {
        let [kid, _, name, chain, numbers, ..] = row(key, None);
        writeln!(out, "{}", said!("centre-key-line", kid = kid, name = name, chain = chain, numbers = numbers))?;
    }
    Ok(0)
}

fn row(key: &RegisteredKey, receipted: Option<u64>) -> [String; 8] {
    let dash = || "-".to_owned();
    let numbers = match key.to_seq {
        None => format!("{}–", key.from_seq),
        Some(to) if to >= 1 << 63 => "none".to_owned(),
        Some(to) => format!("{}–{to}", key.from_seq),
    };
    let note = match (&key.follows, &key.note) {
        (Some(follows), note) => format!("replaces chain {}; {}", follows.chain, note.as_deref().unwrap_or("")),
        (None, note) => note.clone().unwrap_or_default(),
    };
    [
        key.kid().to_string(),
        key.role.to_string(),
        key.agent.clone(),
        key.chain.map_or_else(dash, |it| it.to_string()),
        numbers,
        receipted.map_or_else(dash, |it| it.to_string()),
        if key.simulated { "yes".to_owned() } else { dash() },
        note,
    ]
}
