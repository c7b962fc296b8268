//! `tidewaiter keys`.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use tidewaiter_config::site::Site;
use tidewaiter_record::{Algorithm, Signer as _, body::Context};
use tokio_util::sync::CancellationToken;

use super::{
    FINDING, Failure, OK, Outcome, Place,
    operate::answered,
    output::{outln, said},
    place,
};
use crate::{
    app::SOFTWARE,
    clock::{Policy, SystemClock},
    keys::{self as key_files, Keyring, Keysmith, Rotated},
    outbox::{Identity, Keeper, Settings, SqliteStore},
    seal,
};

/// Subcommands of `tidewaiter keys`.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make this agent's key, its enrolment statement and its registry entry.
    ///
    /// The key is made where the table [keys] of the site file says: in a file of the data directory, or inside a
    /// PKCS#11 token, where it stays.
    ///
    /// Example: tidewaiter keys init --config site.toml --algorithm es256
    Init(InitArgs),
    /// Show which key signs now, and which ones did before. Never the private half.
    ///
    /// Example: tidewaiter keys show --config site.toml
    Show(ShowArgs),
    /// Hand the chain to a new key, made where the site file says; the running agent does it, or this command while none runs.
    ///
    /// The old key signs the record that hands over. It is erased when the centre has receipted that record.
    ///
    /// Example: tidewaiter keys rotate --config site.toml --operator "Li Na" --algorithm es256
    Rotate(RotateArgs),
}

/// Algorithms by the names people use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// Ed25519: small, fast, and in few tokens.
    Ed25519,
    /// ECDSA on P-256 with SHA-256: in nearly all tokens, cards and TPMs.
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

/// Options of `keys init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Site file.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: PathBuf,
    /// The key belongs to an agent whose instruments are simulated; a registry of class production refuses it.
    #[arg(long)]
    simulated: bool,
    /// Algorithm of the key.
    #[arg(long, value_enum, default_value_t = Choice::Ed25519)]
    algorithm: Choice,
}

/// Options of `keys show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Site file.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: PathBuf,
}

/// Options of `keys rotate`.
#[derive(Debug, Args)]
pub(super) struct RotateArgs {
    /// Site file.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: PathBuf,
    /// Who orders it; it stands in the record.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: String,
    /// Algorithm of the new key; that of the old one without it.
    #[arg(long, value_enum)]
    algorithm: Option<Choice>,
}

pub(super) fn keys(command: KeysCommand) -> Outcome {
    match command {
        KeysCommand::Init(args) => init(&args),
        KeysCommand::Show(args) => show(&args),
        KeysCommand::Rotate(args) => rotate(&args),
    }
}

fn init(args: &InitArgs) -> Outcome {
    let site = place::site(&args.config)?;
    let simulated = args.simulated || (!site.instruments.is_empty() && site.instruments.iter().all(|it| it.simulated));
    let dir = &site.store.dir;
    key_files::init_with(dir, &site.agent, simulated, &SystemClock, &site.keys, args.algorithm.into())
        .map_err(Failure::environment)?;
    let entry = dir.join(key_files::REGISTRY_FILE);
    outln!("{}", said!("keys-made", agent = site.agent, dir = dir.display()));
    outln!("{}", said!("keys-give", entry = entry.display()));
    Ok(OK)
}

fn show(args: &ShowArgs) -> Outcome {
    let site = place::site(&args.config)?;
    let enrolled = key_files::load_with(&site.store.dir, &site.agent, &site.keys).map_err(Failure::environment)?;
    let rotations = enrolled.note.rotations();
    let mut lines = tidewaiter_console::table(&[]);
    for (name, text) in [
        (said!("keys-agent"), site.agent.clone()),
        (said!("keys-chain"), enrolled.chain.to_string()),
        ("kid".to_owned(), enrolled.signer.kid().to_string()),
        (said!("keys-algorithm"), enrolled.signer.algorithm().to_string()),
        (said!("keys-public"), hex::encode(enrolled.signer.public_key().to_bytes())),
        (said!("keys-place"), enrolled.signer.place().to_string()),
        (said!("keys-statement"), enrolled.statement.to_string()),
    ] {
        lines.add_row([name, text]);
    }
    outln!("{lines}");
    outln!("{}", said!("keys-signs", number = rotations.last().map_or(0, |it| it.seq + 1)));
    for it in rotations {
        let state = if it.old_erased { said!("keys-erased") } else { said!("keys-kept") };
        outln!("{}", said!("keys-before", kid = it.old, number = it.seq, state = state));
    }
    Ok(OK)
}

fn rotate(args: &RotateArgs) -> Outcome {
    let site = place::site(&args.config)?;
    let algorithm = args.algorithm.map(Algorithm::from);
    let running = Place { config: None, data_dir: Some(site.store.dir.clone()) }.address()?;
    if let Some(address) = running {
        let body = json!({ "operator": args.operator, "algorithm": algorithm.map(Algorithm::name) });
        return answered(address, "keys/rotate", &body, |answer| {
            let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
            tell(&text("old"), &text("new"), answer.get("seq").and_then(Value::as_u64).unwrap_or_default());
            Ok(())
        });
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::environment)?;
    match runtime.block_on(rotate_here(&site, algorithm, &args.operator))? {
        Ok(Rotated { old, new, seq, .. }) => {
            tell(&old.to_string(), &new.to_string(), seq);
            Ok(OK)
        }
        Err(why) => {
            tidewaiter_console::note(format_args!("tidewaiter: {why}"));
            Ok(FINDING)
        }
    }
}

fn tell(old: &str, new: &str, seq: u64) {
    outln!("{}", said!("keys-rotated", number = seq, old = old, new = new));
    outln!("{}", said!("keys-erased-later", number = seq));
}

/// Opens the chain as the agent would, rotates, and ends cleanly. The lock of the store keeps an agent out meanwhile.
async fn rotate_here(
    site: &Site,
    algorithm: Option<Algorithm>,
    operator: &str,
) -> Result<Result<Rotated, key_files::RotateError>, Failure> {
    let dir = &site.store.dir;
    let enrolled = key_files::load_with(dir, &site.agent, &site.keys).map_err(Failure::environment)?;
    let store = SqliteStore::open(dir, enrolled.chain, site.store.budget_bytes).map_err(Failure::environment)?;
    // Read again behind the lock: another process may have rotated in between.
    let enrolled = key_files::load_with(dir, &site.agent, &site.keys).map_err(Failure::environment)?;
    let ring = Keyring::open(dir, &site.keys).map_err(Failure::environment)?;
    let identity = Identity {
        agent: site.agent.clone(),
        chain: enrolled.chain,
        statement: enrolled.statement,
        context: Context { software: SOFTWARE.to_owned(), config: site.digest },
    };
    let keep_ms = i64::try_from(site.store.keep.as_millis()).unwrap_or(i64::MAX);
    let settings = Settings { keep_ms, clock: Policy::from(&site.clock) };
    let (signer, rest) = enrolled.split();
    let (keeper, outbox) =
        Keeper::open(Box::new(store), signer, Arc::new(SystemClock), identity, settings, seal::interrupted)
            .await
            .map_err(Failure::environment)?;
    let stop = CancellationToken::new();
    let keeper = tokio::spawn(keeper.run(stop.clone()));
    let smith = Keysmith::new(dir.clone(), ring, rest, outbox.clone());
    let rotated = smith.rotate(algorithm, operator).await;
    outbox.finish().await;
    stop.cancel();
    match keeper.await {
        Ok(ended) => ended.map_err(Failure::environment)?,
        Err(why) => return Err(Failure::environment(why)),
    }
    Ok(rotated)
}
