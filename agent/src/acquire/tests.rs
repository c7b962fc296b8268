//! The bench all port tests share: a site in memory, ports whose far end the test holds, and a
//! clock that moves by hand.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use tidewaiter_config::site::{
    Instrument, Link, Local, Parity, Port, Privacy, Protocol, SerialLine, Site, Store, WallClock,
};
use tidewaiter_drivers::{
    Decimal,
    reading::{Missing, Quality, Reading},
};
use tokio::{
    io::DuplexStream,
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::RuntimeClock;

/// The wall clock of the bench starts here.
pub(super) const WALL_MS: i64 = 1_760_000_000_000;

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn serial(baud: u32) -> SerialLine {
    SerialLine { path: PathBuf::from("/dev/none"), baud, data_bits: 8, parity: Parity::Even, stop_bits: 1 }
}

pub(super) fn instrument(id: &str, port: &str, protocol: Protocol) -> Instrument {
    Instrument {
        id: id.into(),
        port: port.into(),
        protocol,
        simulated: true,
        serial_number: None,
        identity: BTreeMap::new(),
        register: None,
        silence: ms(3000),
    }
}

pub(super) fn site(ports: Vec<(&str, Link)>, instruments: Vec<Instrument>) -> Site {
    Site {
        record: tidewaiter_config::site::Record::default(),
        id: "s".into(),
        agent: "a".into(),
        name: String::new(),
        zone: tidewaiter_config::site::usual_zone(),
        store: Store { dir: PathBuf::new(), budget_bytes: 0, keep: Duration::ZERO },
        clock: WallClock::default(),
        keys: tidewaiter_config::site::Keys::File,
        uplink: None,
        local: Local { listen: ([127, 0, 0, 1], 0).into(), ..Local::default() },
        privacy: Privacy::default(),
        ports: ports.into_iter().map(|(id, link)| Port { id: id.into(), link }).collect(),
        instruments,
        lanes: Vec::new(),
        rigs: Vec::new(),
        watches: Vec::new(),
        checks: Vec::new(),
        outputs: Vec::new(),
        cameras: Vec::new(),
        declarations: Vec::new(),
        plan: None,
        authority: None,
        limits: None,
        tables: Vec::new(),
        programmes: Vec::new(),
        digest: [0; 32],
    }
}

/// Hands the far end of each port it opens to the test.
#[derive(Debug)]
struct FakeOpener {
    opened: mpsc::UnboundedSender<(Link, DuplexStream)>,
    refuses: Arc<AtomicBool>,
    attempts: Arc<AtomicU32>,
}

impl Opener for FakeOpener {
    fn open(&self, link: &Link) -> BoxFuture<'static, io::Result<Box<dyn PortStream>>> {
        self.attempts.fetch_add(1, Relaxed);
        let opened = if self.refuses.load(Relaxed) {
            Err(io::Error::new(io::ErrorKind::ConnectionRefused, "refused by the bench"))
        } else {
            let (near, far) = tokio::io::duplex(64 * 1024);
            // A bench that has dropped its receiver is done with the test.
            let _ = self.opened.send((link.clone(), far));
            Ok(Box::new(near) as Box<dyn PortStream>)
        };
        std::future::ready(opened).boxed()
    }
}

pub(super) struct Bench {
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    pub(super) refuses: Arc<AtomicBool>,
    pub(super) attempts: Arc<AtomicU32>,
    pub(super) tasks: JoinSet<()>,
    pub(super) stop: CancellationToken,
    devices: mpsc::UnboundedReceiver<(Link, DuplexStream)>,
    counters: Arc<Counters>,
}

impl Bench {
    /// Starts the tasks of a site; must be called inside a paused runtime.
    pub(super) fn start(site: &Site) -> Self {
        let (out, arrivals) = mpsc::channel(4096);
        let (far_ends, devices) = mpsc::unbounded_channel();
        let (refuses, attempts) = (Arc::default(), Arc::default());
        let opener = FakeOpener { opened: far_ends, refuses: Arc::clone(&refuses), attempts: Arc::clone(&attempts) };
        let counters = Arc::new(Counters::new(site));
        let stop = CancellationToken::new();
        let clock = Arc::new(RuntimeClock::starting_at(WALL_MS));
        let tasks = spawn(site, clock, Arc::new(opener), out, Arc::clone(&counters), stop.clone());
        Self { arrivals, refuses, attempts, tasks, stop, devices, counters }
    }

    /// The far end of the next port opened.
    pub(super) async fn device(&mut self) -> DuplexStream {
        timeout(ms(60_000), self.devices.recv()).await.expect("no port was opened").unwrap().1
    }

    /// The far end of the next port opened, however long that takes.
    pub(super) async fn opened(&mut self) -> DuplexStream {
        self.devices.recv().await.expect("the tasks ended").1
    }

    /// The next arrival; panics after a minute of simulated time without one.
    pub(super) async fn next(&mut self) -> Arrival {
        timeout(ms(60_000), self.arrivals.recv()).await.expect("nothing arrived").expect("the tasks ended")
    }

    /// The next arrival that is not about the link.
    pub(super) async fn said(&mut self) -> Arrival {
        loop {
            let arrival = self.next().await;
            if !matches!(arrival.content, Content::Link(_)) {
                return arrival;
            }
        }
    }

    /// Everything that arrives within a span of simulated time.
    pub(super) async fn during(&mut self, span: Duration) -> Vec<Arrival> {
        let until = Instant::now() + span;
        let mut arrivals = Vec::new();
        while let Ok(Some(arrival)) = tokio::time::timeout_at(until, self.arrivals.recv()).await {
            arrivals.push(arrival);
        }
        arrivals
    }

    pub(super) fn counts(&self, instrument: &str) -> Snapshot {
        self.counters.snapshot()[instrument].clone()
    }
}

/// The readings of an arrival.
pub(super) fn readings(arrival: &Arrival) -> &[Reading] {
    match &arrival.content {
        Content::Readings(readings) => readings,
        other => panic!("{other:?} is no readings"),
    }
}

/// `channel=value unit quality` or `channel=reason` of each reading.
pub(super) fn shown(arrival: &Arrival) -> Vec<String> {
    let show = |reading: &Reading| match reading.outcome {
        Ok(it) if it.quality == Quality::Good => format!("{}={} {}", reading.channel, it.value, it.unit),
        Ok(it) => format!("{}={} {} {}", reading.channel, it.value, it.unit, it.quality.word()),
        Err(reason) => format!("{}={reason}", reading.channel),
    };
    readings(arrival).iter().map(show).collect()
}

/// Values of every reading in a row of arrivals, in order.
pub(super) fn values(arrivals: &[Arrival]) -> Vec<String> {
    arrivals
        .iter()
        .filter_map(|arrival| match &arrival.content {
            Content::Readings(readings) => Some(readings),
            _ => None,
        })
        .flatten()
        .filter_map(|reading| reading.outcome.ok().map(|it| it.value.to_string()))
        .collect()
}

/// Reasons of every missing value in a row of arrivals, in order.
pub(super) fn reasons(arrivals: &[Arrival]) -> Vec<Missing> {
    arrivals
        .iter()
        .flat_map(|arrival| match &arrival.content {
            Content::Missing(reason) => vec![*reason],
            Content::Readings(readings) => readings.iter().filter_map(|it| it.outcome.err()).collect(),
            _ => Vec::new(),
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_task_per_port_and_all_end_when_told() {
    let tcp = |port| Link::Tcp { host: "h".into(), port };
    let site = site(
        vec![("a", tcp(1)), ("b", tcp(2)), ("unused", tcp(3))],
        vec![instrument("i", "a", Protocol::PhStream), instrument("j", "b", Protocol::PhStream)],
    );
    let mut bench = Bench::start(&site);
    assert_eq!(bench.tasks.len(), 2);
    bench.stop.cancel();
    for _ in 0..2 {
        timeout(ms(1000), bench.tasks.join_next()).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_end_when_nobody_listens() {
    let site =
        site(vec![("a", Link::Tcp { host: "h".into(), port: 1 })], vec![instrument("i", "a", Protocol::PhStream)]);
    let mut bench = Bench::start(&site);
    bench.arrivals.close();
    timeout(ms(60_000), bench.tasks.join_next()).await.unwrap().unwrap().unwrap();
}

/// A port that stands still costs its own instrument and nobody else's.
#[tokio::test(start_paused = true)]
async fn a_silent_port_leaves_the_others_alone() {
    let tcp = |port| Link::Tcp { host: "h".into(), port };
    let site = site(
        vec![("a", tcp(1)), ("b", tcp(2))],
        vec![instrument("silent", "a", Protocol::PhStream), instrument("live", "b", Protocol::PhStream)],
    );
    let mut bench = Bench::start(&site);
    let (first, second) = (bench.devices.recv().await.unwrap(), bench.devices.recv().await.unwrap());
    let (_silent, mut live) = if first.0 == tcp(1) { (first.1, second.1) } else { (second.1, first.1) };
    for _ in 0..20 {
        tokio::io::AsyncWriteExt::write_all(&mut live, b"\r\n7.01pH 24.7C ATC\r\n").await.unwrap();
        tokio::time::sleep(ms(500)).await;
    }
    let live = bench.counts("live");
    assert_eq!((live.readings, live.missing.len()), (40, 0));
    assert_eq!(bench.counts("silent").missing["timed-out"], 3);
}
