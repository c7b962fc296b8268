//! How many acknowledged publishes a second, beside the least that could do it.
//!
//! Both sides of the comparison run in the same process against the same broker stand-in, which
//! acknowledges whatever comes: first this crate's link, then a bare socket that writes prepared
//! packets and counts answers. The ratio says what the discipline costs; the absolute figures say
//! how fast this machine is and little else.
//!
//! ```text
//! cargo run --release -p tidewaiter-mqtt --example throughput
//! ```
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::doc_markdown)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use tidewaiter_mqtt::{Backoff, Event, Message, Qos, Settings, start};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

/// Publishes in each measurement.
const PUBLISHES: u64 = 50_000;
/// A small record, in bytes.
const PAYLOAD: usize = 600;

#[tokio::main]
async fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(acknowledge(stream));
        }
    });
    println!("{PUBLISHES} publishes of {PAYLOAD} bytes at QoS 1");
    for window in [1, 16, 32, 128] {
        let link = link(port, window).await;
        let bare = bare(port, window).await;
        println!(
            "window {window:>3}: link {:>8.0}/s, bare socket {:>8.0}/s, ratio {:.2}",
            rate(link),
            rate(bare),
            bare.as_secs_f64() / link.as_secs_f64()
        );
    }
}

#[allow(clippy::cast_precision_loss)]
fn rate(took: Duration) -> f64 {
    PUBLISHES as f64 / took.as_secs_f64()
}

async fn link(port: u16, window: u16) -> Duration {
    let stop = CancellationToken::new();
    let settings = Settings {
        host: "127.0.0.1".to_owned(),
        port,
        client_id: "throughput".to_owned(),
        tls: None,
        keep_alive: Duration::from_secs(30),
        subscribe: Vec::new(),
        will: None,
        window,
        ack_timeout: Duration::from_secs(20),
        backoff: Backoff { first: Duration::from_secs(1), ceiling: Duration::from_secs(60) },
        max_incoming_bytes: 65_536,
    };
    let (publisher, mut events, task) = start(settings, stop.clone()).unwrap();
    assert!(matches!(events.recv().await, Some(Event::Connected { .. })));
    let payload = Bytes::from(vec![7; PAYLOAD]);
    let begun = Instant::now();
    let (mut next, mut acknowledged) = (0, 0);
    while acknowledged < PUBLISHES {
        while next < PUBLISHES && publisher.free() > 0 {
            let message =
                Message { topic: "record".to_owned(), payload: payload.clone(), qos: Qos::AtLeastOnce, retain: false };
            publisher.try_publish(message, next).unwrap();
            next += 1;
        }
        match events.recv().await {
            Some(Event::Acked { .. }) => acknowledged += 1,
            other => panic!("{other:?}"),
        }
    }
    let took = begun.elapsed();
    stop.cancel();
    task.await.unwrap();
    took
}

async fn bare(port: u16, window: u16) -> Duration {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut publish = vec![0x32, 0, 0, 0, 6];
    publish.extend(b"record");
    publish.extend([0, 1, 0]);
    publish.resize(publish.len() + PAYLOAD, 7);
    let body = publish.len() - 3;
    publish[1] = u8::try_from(body % 128).unwrap() | 0x80;
    publish[2] = u8::try_from(body / 128).unwrap();
    let begun = Instant::now();
    let (mut sent, mut acknowledged) = (0, 0);
    let mut answers = vec![0; 4096];
    let mut rest = 0;
    while acknowledged < PUBLISHES {
        let burst = (PUBLISHES - sent).min(u64::from(window) - (sent - acknowledged));
        stream.write_all(&publish.repeat(usize::try_from(burst).unwrap())).await.unwrap();
        sent += burst;
        let bytes = rest + stream.read(&mut answers).await.unwrap();
        acknowledged += (bytes / 4) as u64;
        rest = bytes % 4;
    }
    begun.elapsed()
}

/// Accepts any CONNECT and acknowledges every publish, as many at once as were read at once.
async fn acknowledge(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut input = Vec::with_capacity(1 << 17);
    let mut output = Vec::new();
    while stream.read_buf(&mut input).await.unwrap_or(0) > 0 {
        let mut at = 0;
        while let Some((first, header, end)) = frame(&input[at..]) {
            let body = &input[at + header..at + end];
            match first >> 4 {
                1 => output.extend([0x20, 3, 0, 0, 0]),
                3 => {
                    let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
                    output.extend([0x40, 2, body[2 + topic], body[3 + topic]]);
                }
                12 => output.extend([0xD0, 0]),
                _ => return,
            }
            at += end;
        }
        input.drain(..at);
        if stream.write_all(&output).await.is_err() {
            return;
        }
        output.clear();
    }
}

/// First byte, header length and total length of a whole packet.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (mut length, mut at) = (0, 1);
    loop {
        let byte = *bytes.get(at)?;
        length |= usize::from(byte & 0x7F) << (7 * (at - 1));
        at += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    (bytes.len() >= at + length).then_some((bytes[0], at, at + length))
}
