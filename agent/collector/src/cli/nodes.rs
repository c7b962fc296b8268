//! `nodes`: keys of instrument nodes, and what they vouch for.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use tidewaiter_console::{language, said};
use tidewaiter_words::say;

use super::{Failure, headed};
use crate::{
    config::Config,
    nodes::{self, Node, image::Image, text_of},
    store::NodeSeen,
};

/// Keys of instrument nodes, and what they vouch for.
#[derive(Debug, Subcommand)]
pub enum NodesCommand {
    /// Add a node; a running collector takes it at once.
    ///
    /// Example: tidewaiter-collector nodes add --site yantian --agent gate-07 --instrument scale-1 --serial TWN00001 --new-key scale-1.key --config collector.toml
    Add(AddArgs),
    /// Show the nodes, from when to when their keys are in force, and how many of their blocks are here. Never a key.
    ///
    /// Example: tidewaiter-collector nodes list --config collector.toml
    List {
        /// The configuration that names the file of nodes and the store.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// End the key of a node: readings after that moment are none of it.
    ///
    /// Example: tidewaiter-collector nodes revoke --agent gate-07 --instrument scale-1 --config collector.toml
    Revoke {
        /// Which node.
        #[command(flatten)]
        which: Which,
        /// The last moment at which it counts; now, where left out.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
    },
    /// Check the readings of nodes in records that are here already, such as those from before a node was added; exit code 1 when
    /// something speaks against one. Doing it again changes nothing.
    ///
    /// Example: tidewaiter-collector nodes check --serial TWN00001 --config collector.toml
    Check {
        /// Only the instruments at which this node is or was; all nodes, where left out.
        #[arg(long)]
        serial: Option<String>,
        /// The configuration that names the file of nodes and the store; on a file no collector may be running.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
        /// One JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Vouch for an image of a node's firmware: prints the order that the node takes. Check the signature of the release first.
    ///
    /// Example: tidewaiter-collector nodes authorise-update node.img --agent gate-07 --instrument scale-1 --config collector.toml
    AuthoriseUpdate {
        /// The image, in the layout of `MCUboot`.
        image: PathBuf,
        /// For which node.
        #[command(flatten)]
        which: Which,
        /// One JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
}

/// Which node.
#[derive(Debug, Args)]
pub struct Which {
    /// The agent that reads it.
    #[arg(long)]
    agent: String,
    /// Its name in the agent's site file.
    #[arg(long)]
    instrument: String,
    /// The configuration that names the file of nodes.
    #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
    config: PathBuf,
}

/// A node to add.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Its site.
    #[arg(long)]
    site: String,
    /// Which node.
    #[command(flatten)]
    which: Which,
    /// Its serial number: up to 8 characters, or 16 hexadecimal digits.
    #[arg(long)]
    serial: String,
    /// File with its key, 64 hexadecimal digits, mode 0600.
    #[arg(long, value_name = "FILE", required_unless_present = "new_key")]
    key: Option<PathBuf>,
    /// Draw a key and write it into this new file, to be brought into the node and then destroyed.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    new_key: Option<PathBuf>,
    /// The first moment at which its readings count; now, where left out.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// A channel that the profile calls otherwise than the block does: gross=mass.
    #[arg(long, value_name = "CHANNEL=FIELD", value_parser = renamed)]
    channel: Vec<(String, String)>,
}

fn renamed(text: &str) -> Result<(String, String), String> {
    let (channel, field) = text.split_once('=').ok_or("write CHANNEL=FIELD, such as gross=mass")?;
    Ok((channel.to_owned(), field.to_owned()))
}

pub(super) fn carry_out(command: NodesCommand) -> Result<u8, Failure> {
    match command {
        NodesCommand::Add(args) => add(&args),
        NodesCommand::List { config, json } => list(&config, json),
        NodesCommand::Revoke { which, at } => {
            let at = at.unwrap_or_else(Timestamp::now);
            nodes::revoke(&file_of(&which.config)?.0, &which.agent, &which.instrument, at)?;
            let told = said!("centre-node-revoked", agent = which.agent, instrument = which.instrument, at = at);
            writeln!(io::stdout(), "{told}")?;
            Ok(0)
        }
        NodesCommand::Check { serial, config, json } => check(serial.as_deref(), &config, json),
        NodesCommand::AuthoriseUpdate { image, which, json } => authorise(&image, &which, json),
    }
}

fn file_of(config: &Path) -> Result<(PathBuf, Config), Failure> {
    let config = Config::load(config)?;
    let missing = "the configuration names no file of nodes; write [nodes] and file = \"nodes.toml\"";
    let file = config.nodes.clone().ok_or_else(|| Failure::Usage(missing.to_owned()))?;
    Ok((file, config))
}

fn add(args: &AddArgs) -> Result<u8, Failure> {
    let (file, _) = file_of(&args.which.config)?;
    let key = match (&args.key, &args.new_key) {
        (Some(path), _) => nodes::read_key(path)?,
        (None, Some(path)) => nodes::fresh_key(path)?,
        (None, None) => return Err(Failure::Usage("--key or --new-key".to_owned())),
    };
    let channels: BTreeMap<String, String> = args.channel.iter().cloned().collect();
    let from = args.from.unwrap_or_else(Timestamp::now);
    let Which { agent, instrument, .. } = &args.which;
    nodes::add(&file, (&args.site, agent, instrument), &args.serial, &key, from, channels)?;
    let told = said!("centre-node-added", serial = args.serial, agent = agent, instrument = instrument, from = from);
    writeln!(io::stdout(), "{told}")?;
    Ok(0)
}

fn list(config: &Path, json: bool) -> Result<u8, Failure> {
    let (file, config) = file_of(config)?;
    let nodes = nodes::load(&file)?;
    // No store yet: nothing of any node is here.
    let seen = config.store.place.read().map_or_else(|_| Ok(Vec::new()), |store| store.nodes_seen())?;
    let of = |node: &Node| seen.iter().find(|it| it.serial == node.serial).copied();
    let mut out = io::stdout().lock();
    if json {
        let all: Vec<_> = nodes.all().iter().map(|it| as_json(it, of(it))).collect();
        writeln!(out, "{}", serde_json::json!({ "nodes": all }))?;
        return Ok(0);
    }
    let mut table = headed(&["site", "agent", "instrument", "serial", "from", "until", "blocks", "newest-block"]);
    for it in nodes.all() {
        let (blocks, newest) = of(it).map_or((0, "-".to_owned()), |it| (it.blocks, it.sequence.to_string()));
        table.add_row([
            it.site.clone(),
            it.agent.clone(),
            it.instrument.clone(),
            text_of(it.serial),
            it.from.to_string(),
            it.to.map_or_else(|| "-".to_owned(), |it| it.to_string()),
            blocks.to_string(),
            newest,
        ]);
    }
    writeln!(out, "{table}")?;
    Ok(0)
}

fn check(serial: Option<&str>, config: &Path, json: bool) -> Result<u8, Failure> {
    let (file, config) = file_of(config)?;
    let mut nodes = nodes::load(&file)?;
    if let Some(text) = serial {
        nodes = nodes.with(nodes::serial_of(text).map_err(Failure::Usage)?);
        if nodes.is_empty() {
            let why = format!("{}: no node has the serial number {text}; `nodes list` shows them", file.display());
            return Err(Failure::Usage(why));
        }
    }
    // A store that is not there is not made by looking for findings in it.
    drop(config.store.place.read()?);
    let done = nodes::recheck(config.store.place.open()?.as_mut(), &nodes)?;
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&done).map_err(io::Error::from)?)?;
        return Ok(u8::from(done.is_bad()));
    }
    let (all, of_nodes) = (done.records, done.of_nodes);
    writeln!(out, "{}", said!("centre-nodes-gone-over", records = all, nodes = of_nodes))?;
    let (blocks, sealed, new) = (done.blocks, done.sealed, done.blocks_new);
    writeln!(out, "{}", said!("centre-nodes-blocks", blocks = blocks, sealed = sealed, new = new))?;
    for (bad, number) in &done.findings_new {
        writeln!(out, "{}", said!("centre-nodes-found", kind = bad.word(), count = *number))?;
    }
    let (new, known) = (done.findings_new.values().sum::<u64>(), done.findings_known);
    let told = say(language(), "centre-nodes-findings", &[("new", new.into()), ("known", known.into())]);
    writeln!(out, "{told}")?;
    if done.waiting > 0 {
        writeln!(out, "{}", said!("centre-nodes-waiting", records = done.waiting))?;
    }
    if done.unreadable > 0 {
        writeln!(out, "{}", said!("centre-nodes-unreadable", records = done.unreadable))?;
    }
    Ok(u8::from(done.is_bad()))
}

fn as_json(node: &Node, seen: Option<NodeSeen>) -> serde_json::Value {
    serde_json::json!({
        "site": node.site, "agent": node.agent, "instrument": node.instrument, "serial": text_of(node.serial),
        "from": node.from, "to": node.to, "channels": node.channels,
        "blocks": seen.map_or(0, |it| it.blocks), "newest_block": seen.map(|it| it.sequence),
    })
}

fn authorise(path: &Path, which: &Which, json: bool) -> Result<u8, Failure> {
    let (file, _) = file_of(&which.config)?;
    let nodes = nodes::load(&file)?;
    let now_ms = Timestamp::now().as_millisecond();
    let node = nodes.at(&which.agent, &which.instrument, now_ms).ok_or_else(|| nodes::NodesError::NotInForce {
        agent: which.agent.clone(),
        instrument: which.instrument.clone(),
    })?;
    let bytes = fs::read(path).map_err(|source| Failure::Input { path: path.to_owned(), source })?;
    let image = Image::read(&bytes).map_err(|why| Failure::Usage(format!("{}: {why}", path.display())))?;
    let mac = hex::encode(image.order(node.key(), &node.serial));
    let serial = text_of(node.serial);
    let mut out = io::stdout().lock();
    if json {
        let order = serde_json::json!({
            "serial": serial, "length": image.length, "security_counter": image.security_counter,
            "sha256": hex::encode(image.hash), "mac": mac,
        });
        writeln!(out, "{order}")?;
    } else {
        let (length, counter, hash) = (image.length, image.security_counter, hex::encode(image.hash));
        writeln!(
            out,
            "{}",
            said!("centre-node-order", serial = serial, length = length, counter = counter, hash = hash, mac = mac)
        )?;
    }
    Ok(0)
}
