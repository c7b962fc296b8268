//! Ports as pipes: what the agent opens leads to the simulator's service, or to a voice of the test's own.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use super::tap::{Asked, Heard, Tap};
use futures_util::{FutureExt as _, future::BoxFuture};
use tidewaiter_agent::acquire::{Opener, PortStream};
use tidewaiter_config::site::Link;
use tidewaiter_simulator::{Address, World as Truth, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    time::sleep_until,
};

/// Bytes a pipe holds: what a terminal's input queue holds on Linux.
const CABLE_BYTES: usize = 4096;
/// First TCP port given out; nothing listens there, the numbers only tell instruments apart.
const FIRST_PORT: u16 = 40_000;

/// A cable that is out for a while: open connections end, new ones are refused.
#[derive(Clone, Debug)]
pub struct Unplugged {
    /// Instrument behind it.
    pub instrument: String,
    /// From this scene time, milliseconds.
    pub from: i64,
    /// To this scene time.
    pub to: i64,
}

/// What an instrument sends in place of the simulated one.
#[derive(Clone)]
pub struct Voice {
    /// From one sending to the next, milliseconds of scene time.
    pub period: i64,
    /// Bytes for a scene time that is a multiple of the period; empty is silence.
    pub says: Arc<dyn Fn(i64) -> Vec<u8> + Send + Sync>,
}

impl Voice {
    /// Says `says(at)` every `period` milliseconds.
    pub fn new(period: i64, says: impl Fn(i64) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self { period, says: Arc::new(says) }
    }
}

/// All ports of a world.
pub struct Ports {
    truth: Arc<Truth>,
    addresses: BTreeMap<String, Address>,
    unplugged: Vec<Unplugged>,
    voices: BTreeMap<String, Voice>,
    heard: Arc<Heard>,
}

impl Ports {
    pub(super) fn new(truth: Arc<Truth>, unplugged: Vec<Unplugged>, voices: BTreeMap<String, Voice>) -> Self {
        let scene = truth.scene();
        let addresses = (FIRST_PORT..)
            .zip(scene.ends())
            .map(|(port, id)| {
                let address = if scene.tcp_port(id).is_none() {
                    Address::Pty(PathBuf::from(format!("/dev/{id}.tty")))
                } else {
                    Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
                };
                (id.to_owned(), address)
            })
            .collect();
        Self { truth, addresses, unplugged, voices, heard: Arc::default() }
    }

    /// Where the site file finds each instrument.
    pub fn addresses(&self) -> &BTreeMap<String, Address> {
        &self.addresses
    }

    /// Every Modbus request the agent has sent, by instrument.
    pub fn asked(&self) -> Vec<Asked> {
        self.heard.asked()
    }

    fn behind(&self, link: &Link) -> Option<&str> {
        let is_there = |address: &Address| match (address, link) {
            (Address::Pty(path), Link::Serial(line) | Link::ModbusRtu(line)) => *path == line.path,
            (
                Address::Tcp(address),
                Link::Tcp { host, port } | Link::ModbusTcp { host, port } | Link::ModbusRtuTcp { host, port, .. },
            ) => address.ip().to_string() == *host && address.port() == *port,
            _ => false,
        };
        self.addresses.iter().find(|(_, address)| is_there(address)).map(|(id, _)| id.as_str())
    }

    fn connect(&self, link: &Link) -> io::Result<DuplexStream> {
        let instrument = self.behind(link).ok_or(io::ErrorKind::NotFound)?.to_owned();
        let now = self.truth.now_ms();
        let mut cuts = self.unplugged.iter().filter(|it| it.instrument == instrument && now < it.to);
        if cuts.clone().any(|it| it.from <= now) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let cut = cuts.by_ref().map(|it| it.from).min().map(|from| self.truth.instant(from));
        let (near, far) = tokio::io::duplex(CABLE_BYTES);
        let (truth, voice) = (Arc::clone(&self.truth), self.voices.get(&instrument).cloned());
        tokio::spawn(async move {
            let cut = async {
                match cut {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = speak(&instrument, voice, far, truth) => {}
                () = cut => {}
            }
        });
        Ok(near)
    }
}

impl Opener for Ports {
    fn open(&self, link: &Link) -> BoxFuture<'static, io::Result<Box<dyn PortStream>>> {
        let opened = self.connect(link);
        let tap = matches!(link, Link::ModbusTcp { .. }).then(|| (Arc::clone(&self.heard), self.behind(link)));
        let opened = opened.map(|stream| match tap {
            Some((heard, Some(instrument))) => Box::new(Tap::new(stream, heard, instrument)) as Box<dyn PortStream>,
            _ => Box::new(stream),
        });
        async move { opened }.boxed()
    }
}

async fn speak(instrument: &str, voice: Option<Voice>, stream: DuplexStream, truth: Arc<Truth>) -> io::Result<()> {
    if let Some(voice) = voice {
        return utter(&voice, stream, &truth).await;
    }
    serve::serve_instrument(stream, truth, instrument).await
}

async fn utter(voice: &Voice, stream: DuplexStream, truth: &Truth) -> io::Result<()> {
    let (mut heard, mut mouth) = tokio::io::split(stream);
    let speaking = async {
        let mut tick = truth.now_ms().div_euclid(voice.period) + 1;
        loop {
            sleep_until(truth.instant(tick * voice.period)).await;
            mouth.write_all(&(voice.says)(tick * voice.period)).await?;
            tick += 1;
        }
    };
    let hung_up = async {
        let mut ignored = [0; 64];
        while heard.read(&mut ignored).await? > 0 {}
        Ok(())
    };
    tokio::select! {
        ended = speaking => ended,
        ended = hung_up => ended,
    }
}
