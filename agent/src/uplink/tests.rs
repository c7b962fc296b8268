//! The sender against a link in memory: what leaves in which order, and what a beacon does.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tidewaiter_mqtt::{Event, Incoming, Message, PublishError};
use tidewaiter_record::{
    ChainId, Ed25519Signer, Hash, Head, Receipt, RegisteredKey, Registry, RegistryClass,
    body::{self, Context, Detail},
    cbor::Reader,
    issue, issue_head,
};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{Link, Settings, Telemetry, Topics, Uplink};
use crate::{
    clock::{Clock, RuntimeClock},
    evidence::{Attachment, attach},
    outbox::{self, Draft, Keeper, Outbox, SqliteStore},
};

const CHAIN: ChainId = ChainId([7; 16]);

/// A link that keeps what is published and answers it at once.
#[derive(Debug)]
struct Wire {
    published: Arc<Mutex<Vec<Message>>>,
    answers: mpsc::UnboundedSender<Event>,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Link for Wire {
    fn publish(&self, message: Message, token: u64) -> Result<(), PublishError> {
        self.published.lock().unwrap().push(message);
        let _ = self.answers.send(Event::Acked { token });
        Ok(())
    }

    async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

struct Bench {
    outbox: Outbox,
    published: Arc<Mutex<Vec<Message>>>,
    events: mpsc::UnboundedSender<Event>,
    telemetry: watch::Receiver<Telemetry>,
    centre: Ed25519Signer,
    clock: Arc<dyn Clock>,
    context: Context,
}

impl Bench {
    async fn start() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(RuntimeClock::starting_at(1_790_000_000_000));
        let context = Context { software: "test".into(), config: [0; 32] };
        let identity =
            outbox::Identity { agent: "a".into(), chain: CHAIN, statement: Hash([1; 32]), context: context.clone() };
        let (keeper, outbox) = Keeper::open(
            Box::new(SqliteStore::in_memory(CHAIN, 64 << 20).unwrap()),
            Arc::new(Ed25519Signer::from_seed(&[3; 32])),
            Arc::clone(&clock),
            identity,
            outbox::Settings { keep_ms: i64::MAX, clock: crate::clock::Policy::default() },
            |_, _| None,
        )
        .await
        .unwrap();
        tokio::spawn(keeper.run(CancellationToken::new()));
        let centre = Ed25519Signer::from_seed(&[9; 32]);
        let mut registry = Registry::new(RegistryClass::Test);
        registry.add(RegisteredKey::centre("centre", centre.public_key())).unwrap();
        let (events, received) = mpsc::unbounded_channel();
        let published = Arc::default();
        let wire = Wire { published: Arc::clone(&published), answers: events.clone(), events: received };
        let (_, views) = mpsc::channel(1);
        let (telemetry_out, telemetry) = watch::channel(Telemetry::default());
        let settings = Settings {
            topics: Topics::new("s", "a"),
            agent: "a".into(),
            chain: CHAIN,
            software: "test".into(),
            software_hash: Some("ab".into()),
            config: "00".into(),
            window: 64,
            registry,
        };
        let sender = Uplink::new(settings, wire, outbox.clone(), Arc::clone(&clock), views, telemetry_out);
        tokio::spawn(sender.run(CancellationToken::new()));
        Self { outbox, published, events, telemetry, centre, clock, context }
    }

    async fn attach(&self, content: Vec<u8>) -> u64 {
        let attachment = Attachment {
            inspection: None,
            instrument: None,
            media: "application/n42+xml".into(),
            facts: BTreeMap::new(),
            content: content.into(),
        };
        attach(&self.outbox, attachment, self.clock.now(), self.context.clone()).await.unwrap().seq
    }

    fn connect(&self) {
        self.events.send(Event::Connected { window: 32, max_packet_bytes: None }).unwrap();
    }

    fn receive(&self, topic: &str, payload: Vec<u8>) {
        let incoming = Incoming { topic: format!("tw/1/s/a/down/{topic}"), payload: payload.into(), retained: false };
        self.events.send(Event::Message(incoming)).unwrap();
    }

    /// What left since the last look, state left out.
    fn left(&self) -> Vec<Message> {
        let all = std::mem::take(&mut *self.published.lock().unwrap());
        all.into_iter().filter(|it| !it.topic.ends_with("/state")).collect()
    }
}

fn piece(message: &Message) -> (u64, u64, Vec<u8>) {
    let mut r = Reader::new(&message.payload);
    r.array(4).unwrap();
    assert_eq!(r.uint().unwrap(), 1);
    let (size, offset, bytes) = (r.uint().unwrap(), r.uint().unwrap(), r.bytes().unwrap().to_vec());
    r.end().unwrap();
    (size, offset, bytes)
}

#[tokio::test(start_paused = true)]
async fn evidence_follows_its_record_whole_and_again_without_a_receipt() {
    let bench = Bench::start().await;
    let content: Vec<u8> = (0..50_000_u32).map(|it| u8::try_from(it % 253).unwrap()).collect();
    let seq = bench.attach(content.clone()).await;
    bench.connect();
    sleep(Duration::from_secs(5)).await;
    let hash = Hash::of(&content);
    for round in 0..2 {
        let left = bench.left();
        let topics: Vec<&str> = left.iter().map(|it| it.topic.as_str()).collect();
        let evidence = format!("tw/1/s/a/evidence/{hash}");
        let e = evidence.as_str();
        assert_eq!(topics, ["tw/1/s/a/record", "tw/1/s/a/record", e, e, e, e], "round {round}: genesis, the evidence");
        let mut whole = Vec::new();
        for (size, offset, bytes) in left[2..].iter().map(piece) {
            assert_eq!((size, offset, bytes.len() <= 16_384), (50_000, whole.len() as u64, true));
            whole.extend(bytes);
        }
        assert_eq!(whole, content);
        // No receipt for a while: all of it again.
        sleep(Duration::from_secs(8)).await;
    }
    assert_eq!(bench.telemetry.borrow().pieces_sent % 4, 0);
    let entries = bench.outbox.entries(seq, 1).await.unwrap().unwrap();
    let receipt = Receipt {
        agent: "a".into(),
        chain: CHAIN,
        upto_seq: seq,
        hash: entries[0].hash,
        received_at_ms: 1,
        log: Some((2, Hash([5; 32]))),
    };
    bench.receive("receipt", issue(&receipt, &bench.centre).unwrap());
    sleep(Duration::from_secs(1)).await;
    bench.left();
    sleep(Duration::from_secs(60)).await;
    assert!(bench.left().is_empty(), "the receipt covers the evidence too");
    let log = bench.outbox.status().borrow().log.unwrap();
    assert_eq!((log.size, log.root), (2, Hash([5; 32])), "a receipt's log is a head to anchor");
}

#[tokio::test(start_paused = true)]
async fn an_alert_overtakes_evidence() {
    let bench = Bench::start().await;
    bench.connect();
    sleep(Duration::from_secs(1)).await;
    bench.left();
    bench.attach(vec![1; 4 << 20]).await;
    let event = body::Event { name: "x".into(), subject: None, facts: BTreeMap::new() };
    let alert = Draft {
        place: "lane".into(),
        id: None,
        detail: Detail::Event(event),
        alert: true,
        closes: None,
        notes: Vec::new(),
    };
    bench.outbox.seal(alert).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    let left = bench.left();
    let alert = left.iter().position(|it| it.topic.ends_with("/alert")).unwrap();
    let before = left[..alert].iter().filter(|it| it.topic.contains("/evidence/")).count();
    assert_eq!(left.iter().filter(|it| it.topic.contains("/evidence/")).count(), 256);
    assert!(before <= 8, "{before} pieces before the alert");
}

#[tokio::test(start_paused = true)]
async fn beacons_are_taken_from_the_centre_alone() {
    let bench = Bench::start().await;
    bench.connect();
    let head = Head { centre: "centre".into(), number: 3, size: 4, root: Hash([6; 32]), at_ms: 9 };
    let stranger = Ed25519Signer::from_seed(&[1; 32]);
    bench.receive("beacon", issue_head(&head, &stranger).unwrap());
    bench.receive("beacon", b"nonsense".to_vec());
    bench.receive("beacon", vec![0; 5_000]);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((bench.outbox.status().borrow().beacon, bench.telemetry.borrow().beacons_refused), (None, 3));
    bench.receive("beacon", issue_head(&head, &bench.centre).unwrap());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.outbox.status().borrow().beacon.unwrap().number, 3);
}
