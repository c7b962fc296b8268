//! A broker that does what the test says, good or bad, packet by packet.
//!
//! Packets are encoded and decoded here by hand from the tables of *MQTT Version 5.0* (OASIS,
//! 7 March 2019), chapters 2 and 3, so that nothing of the library under test is on both ends.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::doc_markdown,
    clippy::missing_panics_doc,
    clippy::cast_possible_truncation
)]

use std::time::Duration;

use tidewaiter_mqtt::{Backoff, Event, Message, Publisher, Qos, Settings, start};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// How long anything may take before a test fails. Generous: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for {what}"))
}

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    Connect(Connect),
    Publish(Publish),
    PubAck { id: u16 },
    Subscribe { id: u16, filters: Vec<(String, u8)> },
    Ping,
    Disconnect { reason: u8 },
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connect {
    pub client_id: String,
    pub clean_start: bool,
    pub keep_alive: u16,
    pub session_expiry: Option<u32>,
    pub receive_max: Option<u16>,
    pub max_packet: Option<u32>,
    pub will: Option<Publish>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Publish {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub dup: bool,
    pub id: u16,
    /// Size of the whole packet.
    pub bytes: usize,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct ConnAck {
    pub session_present: bool,
    pub code: u8,
    pub receive_max: Option<u16>,
    pub max_packet: Option<u32>,
    pub max_qos: Option<u8>,
    pub retain_available: Option<u8>,
    pub server_keep_alive: Option<u16>,
}

pub struct Broker {
    listener: TcpListener,
    pub port: u16,
}

impl Broker {
    pub async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { listener, port }
    }

    pub async fn tcp(&self) -> tokio::net::TcpStream {
        soon("a TCP connection", self.listener.accept()).await.unwrap().0
    }

    /// The next connection, after its CONNECT.
    pub async fn accept(&self) -> (Peer, Connect) {
        let mut peer = Peer::new(self.tcp().await);
        match peer.packet().await {
            Packet::Connect(connect) => (peer, connect),
            other => panic!("expected CONNECT, found {other:?}"),
        }
    }

    /// The next connection, accepted without limits.
    pub async fn welcome(&self) -> Peer {
        self.welcome_with(ConnAck::default()).await
    }

    pub async fn welcome_with(&self, connack: ConnAck) -> Peer {
        let (mut peer, _) = self.accept().await;
        peer.connack(connack).await;
        peer
    }
}

pub struct Peer {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

impl Peer {
    pub fn new(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), buffer: Vec::new() }
    }

    /// The next packet, or nothing when the other end has closed.
    pub async fn read(&mut self) -> Option<Packet> {
        loop {
            if let Some((first, body, used)) = frame(&self.buffer) {
                let packet = decode(first, body, used);
                self.buffer.drain(..used);
                return Some(packet);
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub async fn packet(&mut self) -> Packet {
        soon("a packet", self.read()).await.expect("the client closed")
    }

    /// The next PUBLISH; pings are answered on the way.
    pub async fn publish(&mut self) -> Publish {
        loop {
            match self.packet().await {
                Packet::Publish(publish) => return publish,
                Packet::Ping => self.send(&[0xD0, 0]).await,
                other => panic!("expected PUBLISH, found {other:?}"),
            }
        }
    }

    /// Reads the next SUBSCRIBE and grants it.
    pub async fn grant(&mut self) -> Vec<(String, u8)> {
        match self.packet().await {
            Packet::Subscribe { id, filters } => {
                self.suback(id, &vec![1; filters.len()]).await;
                filters
            }
            other => panic!("expected SUBSCRIBE, found {other:?}"),
        }
    }

    pub async fn closed(&mut self) {
        loop {
            match soon("the close", self.read()).await {
                None => return,
                Some(Packet::Ping) => self.send(&[0xD0, 0]).await,
                Some(other) => panic!("expected a close, found {other:?}"),
            }
        }
    }

    /// Writes bytes; a client that has gone is the test's business elsewhere.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    pub async fn connack(&mut self, connack: ConnAck) {
        let mut properties = Vec::new();
        if let Some(value) = connack.receive_max {
            properties.push(0x21);
            properties.extend(value.to_be_bytes());
        }
        if let Some(value) = connack.max_qos {
            properties.extend([0x24, value]);
        }
        if let Some(value) = connack.retain_available {
            properties.extend([0x25, value]);
        }
        if let Some(value) = connack.max_packet {
            properties.push(0x27);
            properties.extend(value.to_be_bytes());
        }
        if let Some(value) = connack.server_keep_alive {
            properties.push(0x13);
            properties.extend(value.to_be_bytes());
        }
        let mut body = vec![u8::from(connack.session_present), connack.code, properties.len() as u8];
        body.extend(properties);
        self.send(&packet(0x20, &body)).await;
    }

    pub async fn puback(&mut self, id: u16, code: u8) {
        self.send(&puback(id, code)).await;
    }

    pub async fn suback(&mut self, id: u16, codes: &[u8]) {
        let mut body = id.to_be_bytes().to_vec();
        body.push(0);
        body.extend(codes);
        self.send(&packet(0x90, &body)).await;
    }

    pub async fn disconnect(&mut self, reason: u8) {
        self.send(&packet(0xE0, &[reason, 0])).await;
    }
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let more = length >= 128;
        bytes.push((length % 128) as u8 | if more { 0x80 } else { 0 });
        length /= 128;
        if !more {
            break;
        }
    }
    bytes.extend(body);
    bytes
}

pub fn puback(id: u16, code: u8) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    // MQTT 5.0, 3.4.2.1: with 0x00 and no properties the reason code may be left out.
    if code != 0 {
        body.push(code);
    }
    packet(0x40, &body)
}

pub fn publish(topic: &str, payload: &[u8], qos: u8, id: u16, retain: bool) -> Vec<u8> {
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend(topic.as_bytes());
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    body.push(0);
    body.extend(payload);
    packet(0x30 | qos << 1 | u8::from(retain), &body)
}

/// First byte, body and total length of a whole packet at the front of `bytes`.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (mut length, mut shift, mut at) = (0usize, 0, 1);
    loop {
        let byte = *bytes.get(at)?;
        length |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        at += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((bytes[0], bytes.get(at..at + length)?, at + length))
}

/// Takes fields off the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take(&mut self, count: usize) -> &[u8] {
        let (head, tail) = self.0.split_at(count);
        self.0 = tail;
        head
    }
    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }
    fn two(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }
    fn four(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().unwrap())
    }
    fn text(&mut self) -> String {
        let length = usize::from(self.two());
        String::from_utf8(self.take(length).to_vec()).unwrap()
    }
}

fn decode(first: u8, body: &[u8], bytes: usize) -> Packet {
    let mut fields = Fields(body);
    match first >> 4 {
        1 => Packet::Connect(decode_connect(fields)),
        3 => {
            let qos = first >> 1 & 3;
            let topic = fields.text();
            let id = if qos > 0 { fields.two() } else { 0 };
            assert_eq!(fields.byte(), 0, "properties in a PUBLISH");
            Packet::Publish(Publish {
                topic,
                payload: fields.0.to_vec(),
                qos,
                retain: first & 1 == 1,
                dup: first & 8 == 8,
                id,
                bytes,
            })
        }
        4 => Packet::PubAck { id: fields.two() },
        8 => {
            let id = fields.two();
            assert_eq!(fields.byte(), 0, "properties in a SUBSCRIBE");
            let mut filters = Vec::new();
            while !fields.0.is_empty() {
                filters.push((fields.text(), fields.byte()));
            }
            Packet::Subscribe { id, filters }
        }
        12 => Packet::Ping,
        14 => Packet::Disconnect { reason: body.first().copied().unwrap_or(0) },
        other => panic!("packet type {other} from the client"),
    }
}

fn decode_connect(mut fields: Fields<'_>) -> Connect {
    assert_eq!(fields.text(), "MQTT");
    assert_eq!(fields.byte(), 5, "protocol version");
    let flags = fields.byte();
    let mut connect = Connect { clean_start: flags & 2 == 2, keep_alive: fields.two(), ..Connect::default() };
    let length = usize::from(fields.byte());
    let mut properties = Fields(fields.take(length));
    while !properties.0.is_empty() {
        match properties.byte() {
            0x11 => connect.session_expiry = Some(properties.four()),
            0x21 => connect.receive_max = Some(properties.two()),
            0x27 => connect.max_packet = Some(properties.four()),
            other => panic!("property {other:#x} in CONNECT"),
        }
    }
    connect.client_id = fields.text();
    if flags & 4 == 4 {
        assert_eq!(fields.byte(), 0, "properties in the will");
        let topic = fields.text();
        let length = usize::from(fields.two());
        connect.will = Some(Publish {
            topic,
            payload: fields.take(length).to_vec(),
            qos: flags >> 3 & 3,
            retain: flags & 0x20 == 0x20,
            ..Publish::default()
        });
    }
    assert!(fields.0.is_empty(), "user name or password in CONNECT");
    connect
}

/// Settings with short times, for a broker on this machine.
pub fn settings(port: u16) -> Settings {
    Settings {
        host: "127.0.0.1".to_owned(),
        port,
        client_id: "agent-7".to_owned(),
        tls: None,
        keep_alive: Duration::from_secs(30),
        subscribe: Vec::new(),
        will: None,
        window: 8,
        ack_timeout: Duration::from_secs(20),
        backoff: Backoff { first: Duration::from_millis(2), ceiling: Duration::from_millis(20) },
        max_incoming_bytes: 65_536,
    }
}

pub fn message(topic: &str, payload: impl Into<Vec<u8>>) -> Message {
    Message { topic: topic.to_owned(), payload: payload.into().into(), qos: Qos::AtLeastOnce, retain: false }
}

/// A link under test, with the owner's side of it.
pub struct Rig {
    pub publisher: Publisher,
    pub events: mpsc::Receiver<Event>,
    pub task: JoinHandle<()>,
    pub stop: CancellationToken,
}

impl Rig {
    pub fn start(settings: Settings) -> Self {
        let stop = CancellationToken::new();
        let (publisher, events, task) = start(settings, stop.clone()).unwrap();
        Self { publisher, events, task, stop }
    }

    pub async fn event(&mut self) -> Event {
        soon("an event", self.events.recv()).await.expect("the link has ended")
    }

    pub async fn connected(&mut self) -> (u16, Option<u32>) {
        match self.event().await {
            Event::Connected { window, max_packet_bytes } => (window, max_packet_bytes),
            other => panic!("expected Connected, found {other:?}"),
        }
    }

    pub async fn disconnected(&mut self) -> String {
        match self.event().await {
            Event::Disconnected { why } => why,
            other => panic!("expected Disconnected, found {other:?}"),
        }
    }

    pub fn offer(&self, token: u64) {
        self.publisher
            .try_publish(message("record", token.to_string()), token)
            .unwrap_or_else(|error| panic!("token {token}: {error}"));
    }
}
