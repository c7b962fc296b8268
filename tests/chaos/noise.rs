//! Instruments that send nothing but noise.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use rand::{RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tidewaiter_agent::outbox::Archive;
use tidewaiter_record::{Detail, parse};
use tidewaiter_simulator::{Address, ExportOptions, Scene, export_config};
use tidewaiter_tests::{
    process::{Agent, alone, number, seed, tell, until},
    stand::{AGENT, SITE, Stand},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_serial::{SerialPort as _, SerialStream};

use super::runtime;

/// Noise for each port.
const NOISE_BYTES: usize = 1 << 20;
/// Noise written at once.
const BURST_BYTES: usize = 4096;
/// Noise on one connection of a polled instrument: the client drops a connection that speaks unasked, and
/// must not have to come back too often until all of it is out.
const CONNECTION_BYTES: usize = 256 * 1024;
/// Noise on each port before memory is looked at first: until then the allocator and the first pages of the
/// store take their share, which is no sign of anything kept.
const WARM_BYTES: u64 = (NOISE_BYTES / 4) as u64;
/// What the agent's memory may grow by while the rest of the noise, at least 4.5 MiB, passes. Its own
/// buffers are kilobytes, and `SQLite`'s cache of pages goes on filling; noise that is kept is three times this.
const GROWTH_KIB: u64 = 1536;

/// Lines of a MiB of noise that may be a plate: about 50 are a few printable bytes between two line ends.
const PLATES_BY_CHANCE: u64 = 110;

/// One noisy port and how much of its noise has been taken.
struct Source {
    address: Address,
    taken: Arc<AtomicU64>,
}

pub(super) fn on_every_port() -> Result<()> {
    let _alone = alone();
    let (seed, begun) = (seed(), Instant::now());
    tell(&format!("noise: seed {seed}"));
    let runtime = runtime()?;
    let scene = Scene::built_in("demo")?;
    let dir = tempfile::tempdir()?;
    let stand = Stand::new(dir.path())?;
    stand.enrol()?;
    let serial = |id: &str| {
        scene.weighbridge.as_ref().is_some_and(|it| it.id == id)
            || scene.ph_meter.as_ref().is_some_and(|it| it.id == id)
    };
    let polled = |id: &str| {
        scene.gamma.as_ref().is_some_and(|it| it.id == id) || scene.drum.as_ref().is_some_and(|it| it.id == id)
    };
    let mut sources = BTreeMap::new();
    for (number, id) in scene.instruments().into_iter().enumerate() {
        let chance = ChaCha8Rng::seed_from_u64(seed.wrapping_add(number as u64));
        let source =
            runtime.block_on(async { if serial(id) { line(chance) } else { server(chance, polled(id)).await } })?;
        sources.insert(id.to_owned(), source);
    }
    write_site(&stand, &scene, &sources)?;

    let mut agent = Agent::start(&stand, Duration::ZERO)?;
    agent.ready()?;
    let taken = |least: u64| sources.values().all(|it| it.taken.load(Relaxed) >= least).then_some(());
    until("the first noise on every port", Duration::from_secs(90), || taken(WARM_BYTES))?;
    let at_start = agent.program.resident_kib()?;
    until("1 MiB of noise on every port", Duration::from_secs(90), || taken(NOISE_BYTES as u64))?;
    thread::sleep(Duration::from_secs(5));
    let at_end = agent.program.resident_kib()?;
    let status = agent.status()?;
    ensure!(agent.program.is_alive(), "the agent ended; its log ends\n{}", agent.program.tail());
    let mut marks = 0;
    for id in sources.keys() {
        let count = |name: &str| number(&status, &format!("/instruments/{id}/{name}"));
        let counted = count("garbage_bytes") + count("frames_refused") + count("late_replies");
        ensure!(counted > 0, "{id}: noise was not counted: {status:#}");
        if scene.plate_reader.as_ref().is_some_and(|it| it.id == *id) {
            // A line of text has no check, and any short one may be a plate: such marks are counted, and
            // name a lorry only when one is there.
            marks = count("readings");
            ensure!(marks < PLATES_BY_CHANCE, "{id}: {marks} plates out of noise");
        } else {
            ensure!(count("readings") == 0, "{id}: noise became {} readings: {status:#}", count("readings"));
        }
        let live = status.pointer(&format!("/live/instruments/{id}")).and_then(Value::as_object);
        let values: Vec<_> = live.into_iter().flatten().filter(|(_, it)| it.get("value").is_some()).collect();
        ensure!(values.is_empty(), "{id}: noise is shown as {values:?}");
    }
    ensure!(at_end <= at_start + GROWTH_KIB, "memory grew from {at_start} to {at_end} KiB");
    let ended = agent.program.terminate(Duration::from_secs(20))?;
    ensure!(ended.success(), "the agent ends with {ended}");
    let kinds = no_value_recorded(&stand)?;
    let taken: u64 = sources.values().map(|it| it.taken.load(Relaxed)).sum();
    tell(&format!(
        "noise on {} ports: {taken} bytes, 0 readings, {marks} lines that could be a plate, memory {at_start} → {at_end} KiB, records of {}; {:.1} s",
        sources.len(),
        kinds.into_iter().collect::<Vec<_>>().join(", "),
        begun.elapsed().as_secs_f32()
    ));
    Ok(())
}

fn write_site(stand: &Stand, scene: &Scene, sources: &BTreeMap<String, Source>) -> Result<()> {
    let addresses = sources.iter().map(|(id, source)| (id.clone(), source.address.clone())).collect();
    let options = ExportOptions {
        site: SITE.to_owned(),
        agent: AGENT.to_owned(),
        broker: None,
        data_dir: stand.agent_dir(),
        registry: stand.registry_path(),
        declarations: None,
        limits: stand.dir.join("limits"),
        listen: "127.0.0.1:0".to_owned(),
    };
    fs::write(stand.site_path(), export_config(scene, &addresses, &options))?;
    stand.load_site().map(|_| ())
}

/// No record carries a value; gives the kinds of record there are.
fn no_value_recorded(stand: &Stand) -> Result<BTreeSet<String>> {
    let mut kinds = BTreeSet::new();
    for entry in Archive::open(&stand.agent_dir())?.entries(0, usize::MAX)? {
        let detail = parse(&entry.bytes)?.body.detail;
        kinds.insert(match detail {
            Detail::Inspection(detail) => anyhow::bail!("noise became inspection {}", detail.id),
            Detail::Interval(interval) => {
                ensure!(
                    interval.received == 0 && interval.last.is_none(),
                    "noise became a value of {}",
                    interval.channel
                );
                "interval".to_owned()
            }
            Detail::Event(event) => event.name,
            other => format!("kind {}", other.kind()),
        });
    }
    Ok(kinds)
}

/// A serial line with noise at its far end.
fn line(mut chance: ChaCha8Rng) -> Result<Source> {
    let (mut far, mut near) = SerialStream::pair()?;
    near.set_exclusive(false)?;
    let path: PathBuf = near.name().context("a pseudo-terminal without a name")?.into();
    // A bare descriptor keeps the line up and raw; a serial port object would keep the agent out.
    let held = fs::OpenOptions::new().read(true).write(true).open(&path)?;
    drop(near);
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        let _held = held;
        let mut burst = vec![0; BURST_BYTES];
        while count.load(Relaxed) < NOISE_BYTES as u64 {
            chance.fill_bytes(&mut burst);
            if far.write_all(&burst).await.is_err() {
                break;
            }
            count.fetch_add(burst.len() as u64, Relaxed);
        }
        // The line stays up and says nothing more.
        std::future::pending::<()>().await;
    });
    Ok(Source { address: Address::Pty(path), taken })
}

/// A TCP server of noise: unasked at once, and in answer to a request on every other connection when
/// `polled`.
async fn server(mut chance: ChaCha8Rng, polled: bool) -> Result<Source> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = Address::Tcp(listener.local_addr()?);
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        let mut burst = vec![0; BURST_BYTES];
        let mut request = [0; 512];
        let mut asked = false;
        while let Ok((mut stream, _)) = listener.accept().await {
            let most = if polled { CONNECTION_BYTES } else { NOISE_BYTES };
            asked = !asked;
            if polled && asked && !matches!(stream.read(&mut request).await, Ok(1..)) {
                continue;
            }
            for _ in 0..most / BURST_BYTES {
                chance.fill_bytes(&mut burst);
                if count.load(Relaxed) >= NOISE_BYTES as u64 || stream.write_all(&burst).await.is_err() {
                    break;
                }
                count.fetch_add(burst.len() as u64, Relaxed);
            }
            if !polled {
                // The connection stays up and says nothing more.
                std::future::pending::<()>().await;
            }
        }
    });
    Ok(Source { address, taken })
}
