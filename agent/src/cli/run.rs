//! `tidewaiter run`.

use std::{fs, io::IsTerminal, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use tidewaiter_config::site::Site;
use tidewaiter_mqtt::Calendar;
use tidewaiter_record::Registry;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Failure, LogFormat, OK, Outcome, place};
use crate::{
    acquire::SystemOpener,
    app::{self, Parts},
    clock::{Claim, ClaimedDate, Clock, SystemClock},
    downlink,
    evidence::DiskEvidence,
    inspect::Subjects,
    keys::{self, Enrolled, Keyring, Keysmith, half_life, transport::Transport},
    lane::{self, Local},
    life::rim,
    outbox::SqliteStore,
    uplink::MqttLink,
};

/// Options of `tidewaiter run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Site file.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: PathBuf,
    /// How logs are written to standard error.
    #[arg(long, value_enum, default_value = "text")]
    log: LogFormat,
    /// What is logged: error, warn, info, debug, trace, or a filter such as `tidewaiter_agent::acquire=debug`.
    #[arg(long, env = "TIDEWAITER_LOG", default_value = "info")]
    log_filter: String,
    /// Seconds to wait for receipts when stopping.
    #[arg(long, default_value_t = 10)]
    drain: u64,
}

pub(super) fn run(args: &RunArgs) -> Outcome {
    logging(args.log, &args.log_filter)?;
    let site = place::site(&args.config)?;
    let enrolled = keys::load_with(&site.store.dir, &site.agent, &site.keys).map_err(Failure::environment)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::environment)?;
    runtime.block_on(serve(site, enrolled, Duration::from_secs(args.drain)))
}

fn logging(format: LogFormat, filter: &str) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|why| Failure::usage(format!("--log-filter {filter:?}: {why}")))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}

async fn serve(site: Site, enrolled: Enrolled, drain: Duration) -> Outcome {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::environment)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::environment)?;
    let store =
        SqliteStore::open(&site.store.dir, enrolled.chain, site.store.budget_bytes).map_err(Failure::environment)?;
    let registry = registry(&site)?;
    let authority = downlink::anchor(&site).map_err(Failure::usage)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let stop = CancellationToken::new();
    let (claim_out, claim) = watch::channel(Claim::UNKNOWN);
    let calendar: Arc<dyn Calendar> = Arc::new(ClaimedDate::new(Arc::clone(&clock), claim));
    let link = match &site.uplink {
        // The link ends after the uplink's last word, with the interface.
        Some(uplink) => Some(
            MqttLink::connect_dated(&site, uplink, Some(calendar), &stop.child_token())
                .map_err(Failure::environment)?,
        ),
        None => None,
    };
    if let Ok(transport) = Transport::of(&site) {
        tokio::spawn(half_life::keep(transport, Arc::clone(&clock), stop.child_token()));
    }
    let (chain, statement) = (enrolled.chain, enrolled.statement);
    let ring = Keyring::open(&site.store.dir, &site.keys).map_err(Failure::environment)?;
    let (signer, known) = enrolled.split();
    let parts = Parts {
        clock,
        opener: Arc::new(SystemOpener),
        store: Box::new(store),
        signer,
        chain,
        statement,
        registry,
        subjects: Subjects::open(&site.store.dir),
        authority,
        evidence: Arc::new(DiskEvidence::open(&site.store.dir).map_err(Failure::environment)?),
        executable: rim::executable(),
    };
    let (listen, dir) = (site.local.listen, site.store.dir.clone());
    let running = app::start(site, parts, link).await.map_err(Failure::environment)?;
    let mut status = running.status.clone();
    // Ends with the keeper.
    tokio::spawn(async move {
        loop {
            claim_out.send_replace(status.borrow_and_update().clock);
            if status.changed().await.is_err() {
                break;
            }
        }
    });
    let smith = Arc::new(Keysmith::new(dir.clone(), ring, known, running.outbox.clone()));
    let watching = tokio::spawn({
        let (smith, stop) = (Arc::clone(&smith), stop.child_token());
        async move { smith.watch(stop).await }
    });
    let local = Local::new(&running).with_keys(smith);
    let served = lane::serve(local, listen, stop.clone()).await.map_err(Failure::environment)?;
    let address_file = dir.join(place::ADDRESS_FILE);
    fs::write(&address_file, format!("{}\n", served.commands))
        .map_err(|why| Failure::environment(format!("{}: {why}", address_file.display())))?;
    info!(address = %served.page, "local interface");
    let failed = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => false,
        () = running.failed() => true,
    };
    let _ = fs::remove_file(&address_file);
    let _ = fs::remove_file(dir.join(lane::KEY_FILE));
    if failed {
        error!("a stage ended by itself; stopping");
    }
    let stopped = running.stop(drain).await;
    stop.cancel();
    let _ = watching.await;
    match stopped {
        Ok(_) if !failed => Ok(OK),
        Ok(_) => Err(Failure::environment("a stage of the agent ended; see the log")),
        Err(failure) => Err(Failure::environment(failure)),
    }
}

fn registry(site: &Site) -> Result<Registry, Failure> {
    let Some(uplink) = &site.uplink else {
        return Ok(Registry::new(tidewaiter_record::RegistryClass::Production));
    };
    let text = fs::read_to_string(&uplink.registry).map_err(|why| {
        Failure::environment(format!(
            "{}: {why}; it holds the centre's receipt key, ask the centre for it",
            uplink.registry.display()
        ))
    })?;
    Registry::from_json(&text).map_err(|why| Failure::usage(format!("{}: {why}", uplink.registry.display())))
}
