//! Cables pulled and put back, on real ports: every one heals without a restart.

use std::{os::unix::fs::symlink, path::Path};

use tidewaiter_config::site::{Parity, SerialLine, Site};
use tokio::{
    net::TcpListener,
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_serial::{SerialPort as _, SerialStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    acquire::{Counters, SystemOpener, spawn},
    clock::SystemClock,
};

/// Longest time for anything to happen on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(30);

struct Running {
    arrivals: mpsc::Receiver<Arrival>,
    stop: CancellationToken,
    _tasks: JoinSet<()>,
}

fn start(site: &Site) -> Running {
    let (out, arrivals) = mpsc::channel(1024);
    let stop = CancellationToken::new();
    let counters = Arc::new(Counters::new(site));
    let tasks = spawn(site, Arc::new(SystemClock), Arc::new(SystemOpener), out, counters, stop.clone());
    Running { arrivals, stop, _tasks: tasks }
}

impl Running {
    /// Waits for an arrival of this kind.
    async fn until(&mut self, what: &str, is: impl Fn(&Content) -> bool) {
        let found = async {
            while let Some(arrival) = self.arrivals.recv().await {
                if is(&arrival.content) {
                    return;
                }
            }
            panic!("the tasks ended before {what}");
        };
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no {what} within {PATIENCE:?}"));
    }

    async fn until_value(&mut self) {
        self.until("value", |content| match content {
            Content::Readings(readings) => readings.iter().any(|it| it.outcome.is_ok()),
            _ => false,
        })
        .await;
    }

    async fn until_down(&mut self) {
        self.until("end of the link", |content| *content == Content::Link(LinkState::Down)).await;
    }
}

fn quick() -> Instrument {
    let mut instrument = two_registers("i", 1);
    let Protocol::Registers { poll, timeout, max_answer_time, .. } = &mut instrument.protocol else { unreachable!() };
    (*poll, *timeout, *max_answer_time) = (ms(50), ms(200), ms(200));
    instrument
}

/// Plugs an adapter in: a pty whose near end the link leads to.
fn plug(link: &Path) -> JoinHandle<()> {
    let (mut far, near) = SerialStream::pair().unwrap();
    let device = near.name().unwrap();
    let _ = std::fs::remove_file(link);
    symlink(device, link).unwrap();
    // The near end is opened by its path, once this one lets go of it.
    drop(near);
    tokio::spawn(async move {
        loop {
            match request(&mut far, false).await {
                Ok(asked) => far.write_all(&rtu_answer(1, &words(u16::from(asked[5]), 7))).await.unwrap(),
                // While nobody has opened the near end, there is nothing to read here.
                Err(_) => sleep(ms(10)).await,
            }
        }
    })
}

#[tokio::test]
async fn a_serial_adapter_pulled_and_put_back_heals() {
    let dev = tempfile::tempdir().unwrap();
    let link = dev.path().join("usb-adapter");
    let mut adapter = plug(&link);
    let line = SerialLine { path: link.clone(), baud: 19_200, data_bits: 8, parity: Parity::None, stop_bits: 1 };
    let mut running = start(&site(vec![("p", Link::ModbusRtu(line))], vec![quick()]));
    for _ in 0..3 {
        running.until_value().await;
        // Both ends go with the adapter, as when it is pulled.
        adapter.abort();
        let _ = adapter.await;
        running.until_down().await;
        // It comes back under another number and the same name.
        adapter = plug(&link);
    }
    running.until_value().await;
    running.stop.cancel();
}

#[tokio::test]
async fn a_tcp_connection_cut_and_restored_heals() {
    async fn server(listener: TcpListener) {
        let mut serving = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            serving.spawn(serve(stream, true, Log::default(), |request, seen| {
                Does::Answers(tcp_words(request, &words(seen.count, 7)))
            }));
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut task = tokio::spawn(server(listener));
    let link = Link::ModbusTcp { host: "127.0.0.1".into(), port: address.port() };
    let mut running = start(&site(vec![("p", link)], vec![quick()]));
    for _ in 0..3 {
        running.until_value().await;
        task.abort();
        let _ = task.await;
        running.until_down().await;
        task = tokio::spawn(server(TcpListener::bind(address).await.unwrap()));
    }
    running.until_value().await;
    running.stop.cancel();
}
