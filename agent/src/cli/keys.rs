//! `tidewaiter keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failure, OK, Outcome, output::outln, place};
use crate::{clock::SystemClock, keys as key_files};

/// Subcommands of `tidewaiter keys`.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make this agent's key, its enrolment statement and its registry entry in the data directory.
    ///
    /// Example: tidewaiter keys init --config site.toml
    Init(InitArgs),
    /// Show which key the data directory holds. Never the private half.
    ///
    /// Example: tidewaiter keys show --config site.toml
    Show(ShowArgs),
}

/// Options of `keys init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Site file.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: PathBuf,
    /// The key belongs to an agent whose instruments are simulated; a registry of class production refuses it.
    #[arg(long)]
    simulated: bool,
}

/// Options of `keys show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Site file.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: PathBuf,
}

pub(super) fn keys(command: KeysCommand) -> Outcome {
    match command {
        KeysCommand::Init(args) => {
            let site = place::site(&args.config)?;
            let simulated =
                args.simulated || (!site.instruments.is_empty() && site.instruments.iter().all(|it| it.simulated));
            key_files::init(&site.store.dir, &site.agent, simulated, &SystemClock).map_err(Failure::environment)?;
            let entry = site.store.dir.join(key_files::REGISTRY_FILE);
            outln!("key of {} made in {}", site.agent, site.store.dir.display());
            outln!(
                "give {} to the centre: tidewaiter-collector keys add --registry REGISTRY {}",
                entry.display(),
                entry.display()
            );
        }
        KeysCommand::Show(args) => {
            use tidewaiter_record::Signer as _;
            let site = place::site(&args.config)?;
            let enrolled = key_files::load(&site.store.dir, &site.agent).map_err(Failure::environment)?;
            outln!("agent     {}", site.agent);
            outln!("chain     {}", enrolled.chain);
            outln!("kid       {}", enrolled.signer.kid());
            outln!("public    {}", hex::encode(enrolled.signer.public_key().to_bytes()));
            outln!("statement {}", enrolled.statement);
        }
    }
    Ok(OK)
}
