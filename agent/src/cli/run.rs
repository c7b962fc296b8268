//! `tidewaiter run`.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use sd_notify::NotifyState;
use tidewaiter_config::{Severity, site::Site};
use tidewaiter_mqtt::Calendar;
use tidewaiter_record::Registry;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    Failure, LogFormat, OK, Outcome,
    clock::ServiceArgs,
    logging, place,
    service::{self, Supervisor},
};
use crate::{
    acquire::SystemOpener,
    app::{self, Extra, Parts, Running},
    clock::{Claim, ClaimedDate, Clock, ServedClock, SystemClock},
    downlink,
    evidence::DiskEvidence,
    inspect::Subjects,
    keys::{self, Enrolled, Keyring, Keysmith, half_life, transport::Transport},
    lane::{self, Local},
    life::{
        poison::{self, Abort},
        port_at_work, rim,
    },
    outbox::SqliteStore,
    reload::{self, Beginning, PATIENCE, Reloader, Request},
    uplink::{self, MakeLink, MqttLink},
};

/// Options of `tidewaiter run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Site file. SIGHUP, or `tidewaiter reload`, reads it again.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: PathBuf,
    /// Do not start with the last good configuration when the site file has faults.
    #[arg(long)]
    strict: bool,
    /// How logs are written: to standard error, or to the journal. Without it to the journal where standard error
    /// leads there, otherwise as text.
    #[arg(long, value_enum)]
    log: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, trace, or a filter such as `tidewaiter_agent::acquire=debug`.
    #[arg(long, env = "TIDEWAITER_LOG", default_value = "info")]
    log_filter: String,
    #[command(flatten)]
    clock: ServiceArgs,
    /// Seconds to wait for receipts when stopping.
    #[arg(long, default_value_t = 10)]
    drain: u64,
}

pub(super) fn run(args: &RunArgs) -> Outcome {
    let beginning = reload::begin(&args.config, args.strict, std::env::var_os("STATE_DIRECTORY"))
        .map_err(|report| Failure::usage(report.to_string().trim_end()))?;
    let site = &beginning.candidate.site;
    logging::begin(args.log, &args.log_filter, site)?;
    for warning in &beginning.candidate.warnings {
        warn!("{warning}");
    }
    if let Some(faulty) = &beginning.fallen_back {
        for finding in faulty.report.findings().iter().filter(|it| it.severity == Severity::Error) {
            error!("{finding}");
        }
        error!("the site file has faults; starting with the last good configuration");
    }
    let enrolled = keys::load_with(&site.store.dir, &site.agent, &site.keys).map_err(Failure::environment)?;
    crash_only(site.store.dir.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::environment)?;
    runtime.block_on(serve(args, beginning, enrolled))
}

/// A panic ends the process, in every build: a dead task must not leave a live ghost. The last thing it does is to name the
/// port it was working for.
fn crash_only(dir: PathBuf) {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        if let Some(port) = port_at_work() {
            let why = panic.location().map_or_else(String::new, |it| format!("{}:{}", it.file(), it.line()));
            let abort = Abort { port: port.to_string(), at_ms: SystemClock.now().wall_ms, why };
            rim::note_abort(&dir, &abort);
        }
        std::process::abort();
    }));
}

/// The signals that are answered.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(Failure::environment);
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hangup: on(SignalKind::hangup())?,
        })
    }

    /// Until the end is asked for (false) or a stage has ended by itself (true). Reads the site file again when asked.
    async fn wait(&mut self, running: &Running, reloader: &Arc<Reloader>) -> bool {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return false,
                _ = self.interrupt.recv() => return false,
                () = running.failed() => return true,
                _ = self.hangup.recv() => {
                    service::reloading();
                    let reloader = Arc::clone(reloader);
                    // Beside: a reload waits for places, and a stop must not wait for it.
                    tokio::spawn(async move {
                        let request = Request { dry_run: false, wait: PATIENCE, interrupt: false, operator: None };
                        let answer = reloader.reload(request).await;
                        info!(outcome = ?answer.outcome, "site file read again");
                        service::tell(&[NotifyState::Ready]);
                    });
                }
            }
        }
    }
}

async fn serve(args: &RunArgs, beginning: Beginning, enrolled: Enrolled) -> Outcome {
    let mut signals = Signals::new()?;
    let site = beginning.candidate.site.clone();
    let store =
        SqliteStore::open(&site.store.dir, enrolled.chain, site.store.budget_bytes).map_err(Failure::environment)?;
    let authority = downlink::anchor(&site).map_err(Failure::usage)?;
    let clock: Arc<dyn Clock> = Arc::new(ServedClock::new(&args.clock.clock));
    let stop = CancellationToken::new();
    let (claim_out, claim) = watch::channel(Claim::UNKNOWN);
    let calendar: Arc<dyn Calendar> = Arc::new(ClaimedDate::new(Arc::clone(&clock), claim));
    // The link ends after the uplink's last word, with the interface.
    let (link, relink) = links(&site, calendar, &stop)?;
    let (chain, statement) = (enrolled.chain, enrolled.statement);
    let ring = Keyring::open(&site.store.dir, &site.keys).map_err(Failure::environment)?;
    let (signer, known) = enrolled.split();
    let parts = Parts {
        clock: Arc::clone(&clock),
        opener: Arc::new(SystemOpener),
        store: Box::new(store),
        signer,
        chain,
        statement,
        registry: beginning.candidate.registry.clone(),
        subjects: Subjects::open(&site.store.dir),
        authority,
        evidence: Arc::new(DiskEvidence::open(&site.store.dir).map_err(Failure::environment)?),
        executable: rim::executable(),
    };
    let (listen, dir) = (site.local.listen, site.store.dir.clone());
    let held_off = poison::held_off(&rim::aborts(&dir), clock.now().wall_ms);
    let running = app::start_with(site, parts, link, Extra { relink, held_off }).await.map_err(Failure::environment)?;
    tokio::spawn(renew(running.site.clone(), Arc::clone(&clock), stop.child_token()));
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
    let reloader = Arc::new(running.reloader(args.config.clone(), usable).await);
    match &beginning.fallen_back {
        Some(faulty) => reloader.began_without(faulty).await,
        None => reloader.begin_with(&beginning.candidate).await,
    }
    let local = Local::new(&running).with_keys(smith).with_reload(Arc::clone(&reloader));
    let served = lane::serve(local.clone(), listen, stop.clone()).await.map_err(Failure::environment)?;
    let address_file = dir.join(place::ADDRESS_FILE);
    fs::write(&address_file, format!("{}\n", served.commands))
        .map_err(|why| Failure::environment(format!("{}: {why}", address_file.display())))?;
    info!(address = %served.page, "local interface");
    let (beats, outbox) = (running.beats.clone(), running.outbox.clone());
    let supervisor = Supervisor { local, address: served.commands, beats, outbox, clock, dir: dir.clone() };
    let supervising = tokio::spawn(supervisor.run(stop.child_token()));
    service::tell(&[NotifyState::Ready]);
    let failed = signals.wait(&running, &reloader).await;
    service::tell(&[NotifyState::Stopping]);
    let _ = fs::remove_file(&address_file);
    let _ = fs::remove_file(dir.join(lane::KEY_FILE));
    if failed {
        error!("a stage ended by itself; stopping");
    }
    let stopped = running.stop(Duration::from_secs(args.drain)).await;
    stop.cancel();
    let _ = watching.await;
    let _ = supervising.await;
    match stopped {
        Ok(_) if !failed => Ok(OK),
        Ok(_) => Err(Failure::environment("a stage of the agent ended; see the log")),
        Err(failure) => Err(Failure::environment(failure)),
    }
}

/// The link to the broker of `site`, and the way to that of another site. Each link ends when the next is made.
fn links(
    site: &Site,
    calendar: Arc<dyn Calendar>,
    stop: &CancellationToken,
) -> Result<(Option<MqttLink>, Option<MakeLink<MqttLink>>), Failure> {
    let Some(uplink) = &site.uplink else { return Ok((None, None)) };
    let mut present = stop.child_token();
    let link =
        MqttLink::connect_dated(site, uplink, Some(Arc::clone(&calendar)), &present).map_err(Failure::environment)?;
    let (mut reached, stop) = ((uplink.host.clone(), uplink.port, uplink.tls.clone()), stop.clone());
    let make = move |site: &Site| {
        let Some(uplink) = &site.uplink else { return Err("the site names no broker any more".to_owned()) };
        let registry = registry(&uplink.registry)?;
        let wanted = (uplink.host.clone(), uplink.port, uplink.tls.clone());
        if wanted == reached {
            return Ok((None, registry));
        }
        let next = stop.child_token();
        let link =
            MqttLink::connect_dated(site, uplink, Some(Arc::clone(&calendar)), &next).map_err(|why| why.to_string())?;
        present.cancel();
        (present, reached) = (next, wanted);
        Ok((Some(link), registry))
    };
    Ok((Some(link), Some(Box::new(make))))
}

fn registry(path: &std::path::Path) -> Result<Registry, String> {
    let text = fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))?;
    Registry::from_json(&text).map_err(|why| format!("{}: {why}", path.display()))
}

fn usable(site: &Site) -> Result<(), String> {
    site.uplink.as_ref().map_or(Ok(()), |it| uplink::usable(it).map_err(|why| why.to_string()))
}

/// Renews the transport certificate that the site in force names.
async fn renew(mut sites: watch::Receiver<Arc<Site>>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        let site = Arc::clone(&sites.borrow_and_update());
        let tls = |site: &Site| site.uplink.as_ref().and_then(|it| it.tls.clone());
        let this = stop.child_token();
        if let Ok(transport) = Transport::of(&site) {
            tokio::spawn(half_life::keep(transport, Arc::clone(&clock), this.clone()));
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                changed = sites.changed() => if changed.is_err() {
                    return stop.cancelled().await;
                },
            }
            if tls(&sites.borrow_and_update()) != tls(&site) {
                break;
            }
        }
        this.cancel();
    }
}
