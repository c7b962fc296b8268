//! `reset`: a new chain in place of one that cannot go on.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use tidewaiter_console::said;
use tidewaiter_record::{ChainId, Reset, view::utc};

use super::{
    Failure,
    enrol::desk,
    life::{rotations, settle},
    now_ms,
};
use crate::{
    ca::Authority,
    config::Config,
    files::{self, FileError},
    keys,
    reset::{ApplyError, Known, apply, make},
};

/// Let an agent begin a new chain.
#[derive(Debug, Subcommand)]
pub enum ResetCommand {
    /// Draw up the statement: which chain ends where, and which begins. Nothing changes yet.
    ///
    /// Example: tidewaiter-collector reset make --agent gate-07 --request 5f0c… --reason 'disk lost' --out gate-07.reset --config collector.toml
    Make {
        /// The agent.
        #[arg(long)]
        agent: String,
        /// What the agent has presented.
        #[command(flatten)]
        new: New,
        /// Why, in a sentence.
        #[arg(long)]
        reason: String,
        /// The file to write, for people to read and sign.
        #[arg(long)]
        out: PathBuf,
        /// The configuration that names registry and store.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
    },
    /// Show what is to be signed, and sign it with the key of a person.
    ///
    /// Example: tidewaiter-collector reset sign gate-07.reset --key li-na.key --out gate-07.li-na
    Sign {
        /// The statement.
        file: PathBuf,
        /// The person's key, made by `keys person`.
        #[arg(long)]
        key: PathBuf,
        /// The signed copy to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Apply what two people have signed: the old chain's keys are closed, the new key is entered.
    ///
    /// Example: tidewaiter-collector reset apply gate-07.li-na gate-07.wang-wei --request 5f0c… --config collector.toml
    Apply {
        /// The two signed copies.
        #[arg(required = true, num_args = 2)]
        copies: Vec<PathBuf>,
        /// What the agent has presented.
        #[command(flatten)]
        new: New,
        /// The configuration that names registry and store.
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
    },
}

/// The enrolment statement of the new chain.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct New {
    /// The agent's file enrolment.cbor.
    #[arg(long)]
    statement: Option<PathBuf>,
    /// The request by which it asked to be enrolled.
    #[arg(long, value_name = "ID")]
    request: Option<String>,
}

pub(super) fn carry_out(command: ResetCommand) -> Result<u8, Failure> {
    let mut stdout = io::stdout().lock();
    match command {
        ResetCommand::Make { agent, new, reason, out, config } => {
            let config = Config::load(&config)?;
            let statement = statement(&new, &config)?;
            let reset = make(&config.centre.registry, &agent, &statement, &reason, known(&config)?, now_ms())?;
            files::replace(&out, &reset.payload().map_err(ApplyError::from)?, 0o644)?;
            show(&mut stdout, &reset)?;
            writeln!(stdout, "{}", said!("centre-reset-made", path = out.display()))?;
        }
        ResetCommand::Sign { file, key, out } => {
            let reset = Reset::from_payload(&read(&file)?).map_err(ApplyError::from)?;
            let signer = keys::load_signer(&key)?;
            show(&mut stdout, &reset)?;
            files::replace(&out, &reset.sign(&signer).map_err(ApplyError::from)?, 0o644)?;
            writeln!(stdout, "{}", said!("centre-reset-signed", path = out.display()))?;
        }
        ResetCommand::Apply { copies, new, config } => {
            let config = Config::load(&config)?;
            let statement = statement(&new, &config)?;
            let copies = copies.iter().map(|it| read(it)).collect::<Result<Vec<_>, _>>()?;
            let copies: Vec<_> = copies.iter().map(Vec::as_slice).collect();
            let rotations = rotations(&config)?;
            let reset = apply(&config.centre.registry, &rotations, &copies, &statement, known(&config)?)?;
            if let Some(enrol) = &config.enrol {
                // The box before may be in a thief's hands: its certificates go, and the agent may have new ones.
                let ca = Authority::open(&enrol.ca)?;
                ca.deny(&reset.agent, "chain reset", now_ms())?;
                ca.allow(&reset.agent, now_ms())?;
            }
            let registry = keys::load_registry(&config.centre.registry)?;
            let old: Vec<_> = registry
                .keys()
                .filter(|it| it.chain == Some(reset.old_chain) && it.to_seq == reset.last_seq)
                .map(|it| (it.kid(), reset.old_chain, it.from_seq))
                .collect();
            settle(&config, &old)?;
            show(&mut stdout, &reset)?;
            writeln!(stdout, "{}", said!("centre-reset-applied"))?;
        }
    }
    Ok(0)
}

fn show(out: &mut impl io::Write, reset: &Reset) -> io::Result<()> {
    let last = reset.last_seq.map_or_else(|| "none at the centre".to_owned(), |it| format!("to {it} at the centre"));
    writeln!(out, "agent      {}", reset.agent)?;
    writeln!(out, "ends       chain {}, records {last}", reset.old_chain)?;
    writeln!(out, "begins     chain {}, statement {}", reset.new_chain, reset.statement)?;
    writeln!(out, "because    {}", reset.reason)?;
    writeln!(out, "drawn up   {}", utc(reset.at_ms))
}

fn statement(new: &New, config: &Config) -> Result<Vec<u8>, Failure> {
    match (&new.statement, &new.request) {
        (Some(path), _) => read(path),
        (None, Some(id)) => Ok(desk(config)?.statement(id)?),
        (None, None) => Err(Failure::Usage("say --statement or --request".to_owned())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(fs::read(path).map_err(FileError::of(path, "read"))?)
}

/// How far the centre has each chain: the last receipted number and its hash.
fn known(config: &Config) -> Result<impl Fn(ChainId) -> Known + use<>, Failure> {
    let mut known = Vec::new();
    if let Some(store) = config.store.place.read_if_any()? {
        for it in store.outline()? {
            if let Some(last) = it.receipted().checked_sub(1)
                && let Some(link) = store.link(it.chain, last)?
            {
                known.push((it.chain, (last, link.hash)));
            }
        }
    }
    Ok(move |chain| known.iter().find(|it| it.0 == chain).map(|it| it.1))
}
