//! The whole row, live: simulator, broker, agent, collector, and the operator at the bench.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use serde::Serialize;
use tidewaiter_agent::{
    app,
    inspect::Operation,
    inspector::Ask,
    lane::{self, Local},
    uplink::MqttLink,
};
use tidewaiter_collector::{Collected, Summary};
use tidewaiter_config::users::Role;
use tidewaiter_simulator::{Options, PlannedSpecimen, Scene, Simulation};
use tidewaiter_words::Language;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{broker::Broker, stand::Stand};

/// Results that may wait to be printed.
const SHOWN: usize = 1024;
/// How long receipts are waited for at the end.
const DRAIN: Duration = Duration::from_secs(15);
/// Time before the first lorry, so that every instrument has said something.
const LEAD_IN: Duration = Duration::from_secs(4);

/// What the demo is asked to do.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// Stop this long after the first sealed record; without it Ctrl-C stops.
    pub run_for: Option<Duration>,
    /// Scene text.
    pub scene: String,
    /// Seed instead of the scene's.
    pub seed: Option<u64>,
    /// Folder for everything it writes.
    pub dir: PathBuf,
    /// Language of the lines.
    pub language: Language,
}

/// The last line of `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Records the agent sealed.
    pub sealed: u64,
    /// Publishes of records, repeats included.
    pub published: u64,
    /// Messages the collector received.
    pub received: u64,
    /// Distinct records with nothing against them.
    pub verified: u64,
    /// Records the centre has signed for, as the agent knows it.
    pub receipted: u64,
    /// Findings at the collector.
    pub bad: u64,
    /// Sequence numbers missing.
    pub gaps: u64,
    /// Records that came twice.
    pub duplicates_folded: u64,
    /// Inspections by verdict word.
    pub verdicts: BTreeMap<String, u64>,
    /// Inspections by disposition word.
    pub dispositions: BTreeMap<String, u64>,
    /// What each instrument contributed.
    pub instruments: BTreeMap<String, InstrumentReport>,
    /// The agent's data directory.
    pub data_dir: PathBuf,
    /// The key registry.
    pub registry: PathBuf,
    /// Seconds from the start of the demo to the first inspection printed.
    pub first_result_s: Option<f32>,
}

/// What one instrument contributed.
#[derive(Clone, Debug, Serialize)]
pub struct InstrumentReport {
    /// Readings taken.
    pub readings: u64,
    /// No value, by reason.
    pub missing: BTreeMap<String, u64>,
}

impl Report {
    /// Whether anything is bad or missing.
    pub fn is_clean(&self) -> bool {
        self.bad == 0 && self.gaps == 0 && self.sealed == self.receipted && self.sealed == self.verified
    }
}

/// What is told while it runs.
pub enum Told {
    /// The address of the agent's page, once it is up, and as whom one may act there.
    Address(SocketAddr, Login),
    /// One record as the collector has it.
    Record(Box<Collected>),
}

/// Who may sign in at the demo's page. The password is made at each start and stands nowhere else.
#[derive(Clone, Debug)]
pub struct Login {
    /// As typed at sign-in.
    pub name: &'static str,
    /// The password.
    pub password: String,
}

impl Login {
    /// Lets a user in by a users file beside the site file, and names that file in it.
    fn make(stand: &Stand) -> Result<Self> {
        let login = Self { name: "demo", password: password()? };
        let users = stand.site_path().with_file_name("users.toml");
        // Every role's work can be tried.
        let role = Role::Administrator;
        lane::let_in(&users, login.name, login.name, role, &login.password)?;
        let text = fs::read_to_string(stand.site_path())?;
        let named = text.replacen("[local]\n", "[local]\nusers = \"users.toml\"\n", 1);
        anyhow::ensure!(named != text, "the demo's site file has no [local] table");
        fs::write(stand.site_path(), named)?;
        Ok(login)
    }
}

/// Three groups of letters and digits that are not taken for each other: 59 bits.
fn password() -> Result<String> {
    const SIGNS: [char; 31] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y',
        'z', '2', '3', '4', '5', '6', '7', '8', '9',
    ];
    loop {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).map_err(|why| anyhow!("the operating system gives no randomness: {why}"))?;
        // Each sign stands for as many numbers as every other; the few above are left out.
        let even = random.into_iter().filter(|it| usize::from(*it) < 256 / SIGNS.len() * SIGNS.len());
        let signs: Vec<char> =
            even.filter_map(|it| SIGNS.get(usize::from(it) % SIGNS.len()).copied()).take(12).collect();
        // A password has five different signs at least, and so has nearly every one of these.
        if signs.len() == 12 && signs.iter().collect::<BTreeSet<_>>().len() >= 5 {
            return Ok(signs.chunks(4).map(|it| it.iter().collect::<String>()).collect::<Vec<_>>().join("-"));
        }
    }
}

/// Runs the demo; `tell` is called for each thing worth printing.
///
/// # Errors
///
/// When a part cannot start or ends by itself.
pub async fn run(wishes: Wishes, mut tell: impl FnMut(Told)) -> Result<Report> {
    let started = Instant::now();
    let scene = Scene::from_toml(&wishes.scene).map_err(|why| anyhow!("{why}"))?;
    let stand = Stand::new(&wishes.dir)?;
    stand.enrol()?;
    let broker = Broker::start().await?;
    let mut options = Options { dir: Some(wishes.dir.join("tty")), ..Options::default() };
    options.world.seed = wishes.seed;
    options.world.lead_in = LEAD_IN;
    let simulation = Simulation::start(scene.clone(), options).await.map_err(|why| anyhow!("{why}"))?;
    stand.site(&scene, &simulation, &format!("mqtt://{}", broker.address))?;
    let login = Login::make(&stand)?;
    let site = stand.load_site()?;

    let (shown, mut records) = mpsc::channel(SHOWN);
    let stop_collector = CancellationToken::new();
    let config = stand.collector(broker.address, wishes.language);
    let mut collector = tokio::spawn(tidewaiter_collector::run(config, shown, stop_collector.clone()));

    let stop_agent = CancellationToken::new();
    let uplink = site.uplink.clone().context("the demo's site file has no uplink")?;
    let link = MqttLink::connect(&site, &uplink, &stop_agent)?;
    let parts = stand.parts(&site)?;
    let listen = site.local.listen;
    let running = app::start(site, parts, Some(link)).await?;
    let served = lane::serve(Local::new(&running), listen, stop_agent.clone()).await?;
    tell(Told::Address(served.page, login));

    let rig = scene.ph_meter.as_ref().map(|meter| meter.rig.clone());
    let operator = tokio::spawn(operate(rig, schedule(&simulation), running.asks.clone()));

    let mut end: Option<tokio::time::Instant> = None;
    let mut first_result_s = None;
    loop {
        let ended = async {
            match end {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            record = records.recv() => match record {
                Some(record) => {
                    if end.is_none() {
                        end = wishes.run_for.map(|span| tokio::time::Instant::now() + span);
                    }
                    note_first(&mut first_result_s, &record, started);
                    tell(Told::Record(Box::new(record)));
                }
                None => return Err(collector_failed(collector).await),
            },
            ended = &mut collector => return Err(ended.map_or_else(|why| anyhow!(why), |result| match result {
                Ok(_) => anyhow!("the collector ended by itself"),
                Err(why) => anyhow!("the collector ended: {why}"),
            })),
            () = ended => break,
            pressed = tokio::signal::ctrl_c() => { pressed?; break; }
        }
    }

    operator.abort();
    let counters = std::sync::Arc::clone(&running.counters);
    let telemetry = running.telemetry.clone();
    let mut stopping = Box::pin(running.stop(DRAIN));
    // Printing goes on while receipts are awaited, so that the reader never holds the collector back.
    let status = loop {
        tokio::select! {
            status = &mut stopping => break status?,
            Some(record) = records.recv() => {
                note_first(&mut first_result_s, &record, started);
                tell(Told::Record(Box::new(record)));
            }
        }
    };
    stop_agent.cancel();
    stop_collector.cancel();
    let mut dispositions = BTreeMap::new();
    let summary = loop {
        tokio::select! {
            summary = &mut collector => break summary?.map_err(|why| anyhow!("{why}"))?,
            Some(record) = records.recv() => tell(Told::Record(Box::new(record))),
        }
    };
    while let Ok(record) = records.try_recv() {
        tell(Told::Record(Box::new(record)));
    }
    simulation.stop().await;
    broker.stop().await;
    count_dispositions(&stand, &mut dispositions)?;
    Ok(report(&stand, &status, &telemetry.borrow().clone(), &counters, &summary, dispositions, first_result_s))
}

fn note_first(first: &mut Option<f32>, record: &Collected, started: Instant) {
    if first.is_none() && matches!(record.record.body.detail, tidewaiter_record::Detail::Inspection(_)) {
        *first = Some(started.elapsed().as_secs_f32());
    }
}

async fn collector_failed(
    collector: tokio::task::JoinHandle<Result<Summary, tidewaiter_collector::RunError>>,
) -> anyhow::Error {
    match collector.await {
        Ok(Err(why)) => anyhow!("the collector ended: {why}"),
        Ok(Ok(_)) => anyhow!("the collector ended by itself"),
        Err(why) => anyhow!(why),
    }
}

/// Dispositions of all stored inspections, read back from the agent's own store.
fn count_dispositions(stand: &Stand, into: &mut BTreeMap<String, u64>) -> Result<()> {
    let archive = tidewaiter_agent::outbox::Archive::open(&stand.agent_dir())?;
    let mut next = 0;
    loop {
        let page = archive.entries(next, 256)?;
        let Some(last) = page.last() else { return Ok(()) };
        next = last.seq + 1;
        for entry in &page {
            if let tidewaiter_record::Detail::Inspection(detail) = tidewaiter_record::parse(&entry.bytes)?.body.detail {
                *into.entry(detail.disposition.clone()).or_default() += 1;
            }
        }
    }
}

fn report(
    stand: &Stand,
    status: &tidewaiter_agent::outbox::Status,
    telemetry: &tidewaiter_agent::uplink::Telemetry,
    counters: &tidewaiter_agent::acquire::Counters,
    summary: &Summary,
    dispositions: BTreeMap<String, u64>,
    first_result_s: Option<f32>,
) -> Report {
    Report {
        sealed: status.sealed,
        published: telemetry.published,
        received: summary.received,
        verified: summary.verified,
        receipted: status.cursor.map_or(0, |cursor| cursor.upto_seq + 1),
        bad: summary.bad_total(),
        gaps: summary.gaps,
        duplicates_folded: summary.duplicates_folded,
        verdicts: summary.verdicts.clone(),
        dispositions,
        instruments: counters
            .snapshot()
            .into_iter()
            .map(|(id, counts)| {
                let missing = counts.missing.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect();
                (id, InstrumentReport { readings: counts.readings, missing })
            })
            .collect(),
        data_dir: stand.agent_dir(),
        registry: stand.registry_path(),
        first_result_s,
    }
}

/// When the operator starts which sample.
fn schedule(simulation: &tidewaiter_simulator::Running) -> Vec<(tokio::time::Instant, PlannedSpecimen)> {
    let now = tokio::time::Instant::now();
    simulation
        .specimens()
        .into_iter()
        .filter_map(|specimen| {
            let first = *specimen.immersed_ms.first()?;
            Some((now + simulation.until(first), specimen))
        })
        .collect()
}

/// The person at the textile bench.
async fn operate(rig: Option<String>, schedule: Vec<(tokio::time::Instant, PlannedSpecimen)>, asks: mpsc::Sender<Ask>) {
    let Some(rig) = rig else { return };
    for (at, specimen) in schedule {
        tokio::time::sleep_until(at).await;
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Operate {
            rig: rig.clone(),
            operation: Operation::Start { sample: specimen.sample },
            operator: "demo".to_owned(),
            drill: false,
            reply,
        };
        if asks.send(ask).await.is_err() {
            return;
        }
        if let Ok(Err(refused)) = answer.await {
            tracing::warn!(%refused, "the operator's start was refused");
        }
    }
}
