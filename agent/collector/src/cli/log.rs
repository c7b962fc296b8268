//! `log`: the centre's log, its heads, and whether they agree with everything that speaks of them.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use jiff::Timestamp;
use tidewaiter_console::said;
use tidewaiter_record::{ChainId, Inclusion};

use super::{Failure, StoreArgs, open};
use crate::{
    audit::audit,
    config::Config,
    core::Core,
    keys::{check_centre, load, load_registry},
    proving,
    store::{LogHead, Store, StoreError, Walk as _},
    view::utc,
};

const EXAMPLES: &str = "\
Examples:
  tidewaiter-collector log heads --config collector.toml
  tidewaiter-collector log check --config collector.toml
  tidewaiter-collector log consistency 100 250 --config collector.toml --out consistency.cbor
  tidewaiter-collector log raise --config collector.toml --above 4711

Exit codes: 0 ok, 1 finding, 2 usage or configuration, 3 environment";

/// The centre's log.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Log {
    /// List the newest heads.
    Heads {
        /// Which store.
        #[command(flatten)]
        store: StoreArgs,
        /// How many.
        #[arg(long, default_value_t = 20)]
        last: usize,
        /// One JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Compare the log with its records, with every head, and with the heads that agents have seen; exit code 1 when
    /// something does not agree.
    Check {
        /// Which store.
        #[command(flatten)]
        store: StoreArgs,
        /// Check the signatures of the heads too, by this registry; with --config, by the configured one.
        #[arg(long)]
        registry: Option<PathBuf>,
        /// One JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Prove that the later of two heads takes back nothing of the earlier.
    Consistency {
        /// Number of the earlier head.
        earlier: u64,
        /// Number of the later head.
        later: u64,
        /// Which store.
        #[command(flatten)]
        store: StoreArgs,
        /// The file to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Issue a head above a number, after a backup was restored: numbers never fall. On a file the collector must not be running.
    Raise {
        /// The configuration.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
        /// The largest number that was ever seen: at agents, in their `down/beacon`, in orders.
        #[arg(long)]
        above: u64,
    },
}

/// Does what the command line says.
pub(super) fn carry_out(log: Log) -> Result<u8, Failure> {
    match log {
        Log::Heads { store, last, json } => heads(open(&store)?.as_ref(), last, json),
        Log::Check { store, registry, json } => {
            let path = match (registry, &store.config) {
                (Some(path), _) => Some(path),
                (None, Some(config)) if store.store.is_none() => Some(Config::load(config)?.centre.registry),
                (None, _) => None,
            };
            check(open(&store)?.as_ref(), path.as_deref(), json)
        }
        Log::Consistency { earlier, later, store, out } => {
            let proof = proving::consistency(open(&store)?.as_ref(), earlier, later)?;
            write(&out, &proof.write())?;
            Ok(0)
        }
        Log::Raise { config, above } => raise(&Config::load(&config)?, above),
    }
}

fn heads(store: &dyn Store, last: usize, json: bool) -> Result<u8, Failure> {
    // All heads of ten years at one a minute are five million rows of 250 bytes: a ring holds the newest.
    let mut newest: std::collections::VecDeque<LogHead> = std::collections::VecDeque::new();
    store.walk_heads(|head| -> Result<(), StoreError> {
        newest.push_back(head);
        if newest.len() > last {
            newest.pop_front();
        }
        Ok(())
    })?;
    let mut out = io::stdout().lock();
    if json {
        for it in &newest {
            let head = hex::encode(&it.bytes);
            let line = serde_json::json!({
                "number": it.number, "size": it.size, "root": it.root, "at": utc(it.at_ms), "head": head,
            });
            writeln!(out, "{line}")?;
        }
        return Ok(0);
    }
    let mut table = super::headed(&["number", "leaves", "root", "signed"]);
    for it in &newest {
        table.add_row([it.number.to_string(), it.size.to_string(), it.root.to_string(), utc(it.at_ms)]);
    }
    writeln!(out, "{table}")?;
    Ok(0)
}

fn check(store: &dyn Store, registry: Option<&Path>, json: bool) -> Result<u8, Failure> {
    let registry = registry.map(load_registry).transpose()?;
    let audit = audit(store, registry.as_ref())?;
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&audit).map_err(io::Error::from)?)?;
    } else {
        writeln!(out, "{}", said!("centre-audit-log", leaves = audit.leaves, root = audit.root))?;
        let id = if registry.is_some() { "centre-audit-heads" } else { "centre-audit-unsigned" };
        let newest = audit.newest.map_or_else(|| "-".to_owned(), |it| it.to_string());
        writeln!(out, "{}", said!(id, heads = audit.heads, newest = newest))?;
        writeln!(out, "{}", said!("centre-audit-anchors", anchors = audit.anchors, agents = audit.witnesses))?;
        for it in &audit.findings {
            writeln!(out, "{}", said!("centre-audit-incident", what = it))?;
        }
        let word = match audit.bad {
            0 => said!("centre-audit-agrees"),
            bad => said!("centre-audit-incidents", count = bad),
        };
        writeln!(out, "{word}")?;
    }
    Ok(u8::from(audit.bad > 0))
}

fn raise(config: &Config, above: u64) -> Result<u8, Failure> {
    let signer = load(&config.centre.key)?;
    let registry = load_registry(&config.centre.registry)?;
    check_centre(&registry, signer.as_ref(), &config.centre.registry)?;
    let store = config.store.place.open()?;
    let mut core = Core::new(registry, signer, store, crate::Tables::builtin())?;
    let head = core.issue_head(above, Timestamp::now().as_millisecond())?;
    writeln!(io::stdout().lock(), "{}", said!("centre-head-issued", number = head.number, size = head.size))?;
    Ok(0)
}

/// What `prove` writes.
#[derive(Debug, clap::Args)]
pub struct Prove {
    /// The configuration that names the store.
    #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG", conflicts_with = "store")]
    pub config: Option<PathBuf>,
    /// The store itself.
    #[arg(long)]
    pub store: Option<PathBuf>,
    /// Chain of the record (32 hexadecimal digits).
    #[arg(long, required_unless_present = "check", requires = "seq")]
    pub chain: Option<ChainId>,
    /// Its number.
    #[arg(long, requires = "chain")]
    pub seq: Option<u64>,
    /// The file to write.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// One JSON object on stdout, with or without --out.
    #[arg(long)]
    pub json: bool,
    /// Check this proof instead; nothing else of the centre is needed.
    #[arg(long, value_name = "PROOF", conflicts_with_all = ["chain", "seq", "store", "out"], requires = "registry")]
    pub check: Option<PathBuf>,
    /// The registry with the centre's key.
    #[arg(long, requires = "check")]
    pub registry: Option<PathBuf>,
    /// The record that the proof is about: its bytes must have the hash that is proved.
    #[arg(long, requires = "check")]
    pub record: Option<PathBuf>,
}

/// Writes a proof, or checks one.
pub(super) fn prove(prove: Prove) -> Result<u8, Failure> {
    if let (Some(check), Some(registry)) = (&prove.check, &prove.registry) {
        return check_proof(check, registry, prove.record.as_deref(), prove.json);
    }
    let (Some(chain), Some(seq)) = (prove.chain, prove.seq) else {
        return Err(Failure::Usage("--chain and --seq say which record to prove".to_owned()));
    };
    if prove.out.is_none() && !prove.json {
        return Err(Failure::Usage("--out FILE or --json says where the proof goes".to_owned()));
    }
    if prove.store.is_none() && prove.config.is_none() {
        return Err(Failure::Usage("--config or --store says which store".to_owned()));
    }
    let store = open(&StoreArgs { config: prove.config, store: prove.store })?;
    let proof = proving::inclusion(store.as_ref(), chain, seq)?;
    if let Some(out) = &prove.out {
        write(out, &proof.write())?;
    }
    if prove.json {
        writeln!(io::stdout().lock(), "{}", json_of(&proof))?;
    }
    Ok(0)
}

fn json_of(proof: &Inclusion) -> serde_json::Value {
    serde_json::json!({
        "chain": proof.chain, "seq": proof.seq, "hash": proof.hash, "index": proof.index, "path": proof.path,
        "head": hex::encode(&proof.head),
    })
}

fn check_proof(proof: &Path, registry: &Path, record: Option<&Path>, json: bool) -> Result<u8, Failure> {
    let registry = load_registry(registry)?;
    let read = |path: &Path| fs::read(path).map_err(|source| Failure::Input { path: path.to_owned(), source });
    let proof = Inclusion::read(&read(proof)?)?;
    let head = proof.check(&registry)?;
    if let Some(path) = record {
        let found = tidewaiter_record::Hash::of(&read(path)?);
        if found != proof.hash {
            return Err(Failure::OtherRecord { path: path.to_owned(), found, proved: proof.hash });
        }
    }
    let mut out = io::stdout().lock();
    if json {
        let head = serde_json::json!({
            "centre": head.centre, "number": head.number, "size": head.size, "root": head.root, "at": utc(head.at_ms),
        });
        writeln!(
            out,
            "{}",
            serde_json::json!({ "included": true, "hash": proof.hash, "index": proof.index, "head": head })
        )?;
    } else {
        let told = said!(
            "centre-proved",
            hash = proof.hash,
            index = proof.index,
            centre = head.centre,
            number = head.number,
            size = head.size,
            at = utc(head.at_ms)
        );
        writeln!(out, "{told}")?;
    }
    Ok(0)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|source| Failure::Output { path: path.to_owned(), source })
}
