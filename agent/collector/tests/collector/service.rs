//! The whole service against an independent broker (the `mqtt5` crate) that comes and goes.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use mqtt5::broker::{
    MqttBroker,
    config::{BrokerConfig, StorageBackend, StorageConfig},
    server::BrokerShutdownHandle,
};
use tidewaiter_collector::{
    Collected, Config, RunError, Summary,
    keys::{self, KEY_FILE, REGISTRY_FILE},
    run,
};
use tidewaiter_mqtt::{Backoff, Event, Message, Publisher, Qos, Settings};
use tidewaiter_record::{Registry, RegistryClass, Sealed, open_head, open_receipt, open_resend};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::writer::{SITE, Writer};

/// Longest wait for anything here; a wait that takes this long is a failure, not a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How long the agent here waits for its receipt to move before it offers again.
const REOFFER: Duration = Duration::from_millis(500);

pub(crate) struct Broker {
    handle: BrokerShutdownHandle,
    task: JoinHandle<()>,
    pub(crate) at: SocketAddr,
}

impl Broker {
    /// A broker without any memory of an earlier one. `at` may be held for a moment by the one before.
    pub(crate) async fn start(at: SocketAddr) -> Self {
        let storage = StorageConfig::default().with_backend(StorageBackend::Memory);
        let config = BrokerConfig::default().with_bind_address(at).with_storage(storage);
        let mut broker = loop {
            match MqttBroker::with_config(config.clone()).await {
                Ok(broker) => break broker,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let at = broker.local_addr().unwrap();
        let handle = broker.shutdown_handle();
        let mut ready = broker.ready_receiver();
        let task = tokio::spawn(async move { broker.run().await.unwrap() });
        timeout(PATIENCE, ready.wait_for(|it| *it)).await.unwrap().unwrap();
        Self { handle, task, at }
    }

    pub(crate) async fn stop(self) -> SocketAddr {
        self.handle.shutdown();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
        self.at
    }
}

struct Centre {
    stop: CancellationToken,
    task: JoinHandle<Result<Summary, RunError>>,
    results: mpsc::Receiver<Collected>,
}

impl Centre {
    fn start(folder: &Path, broker: SocketAddr) -> Self {
        let text = format!(
            "version = 1\n[broker]\nurl = \"mqtt://{broker}\"\n[store]\npath = \"collector.db\"\n[centre]\nkey = \"{KEY_FILE}\"\nregistry = \"{REGISTRY_FILE}\"\n"
        );
        let config = Config::from_toml(&text, &folder.join("collector.toml")).unwrap();
        let stop = CancellationToken::new();
        let (events, results) = mpsc::channel(1024);
        Self { task: tokio::spawn(run(config, events, stop.clone())), stop, results }
    }

    async fn stop(self) -> Summary {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap()
    }
}

/// An agent's uplink: its link, and how far its receipts have come.
pub(crate) struct Uplink {
    pub(crate) publisher: Publisher,
    events: mpsc::Receiver<Event>,
    pub(crate) stop: CancellationToken,
    pub(crate) receipted: Option<u64>,
    /// Numbers of the heads that came, and ranges that were asked for.
    pub(crate) heads: Vec<u64>,
    asked: Vec<(u64, u64)>,
    registry: Registry,
    pub(crate) online: bool,
}

impl Uplink {
    pub(crate) fn start(agent: &Writer, broker: SocketAddr, registry: &Path) -> Self {
        Self::start_as(&agent.agent, agent, broker, registry)
    }

    /// As `start`, under a client id of its own: two of one id put each other off the broker.
    fn start_as(client_id: &str, agent: &Writer, broker: SocketAddr, registry: &Path) -> Self {
        let stop = CancellationToken::new();
        let settings = Settings {
            host: broker.ip().to_string(),
            port: broker.port(),
            client_id: client_id.to_owned(),
            tls: None,
            keep_alive: Duration::from_secs(5),
            subscribe: vec![format!("tw/1/{SITE}/{}/down/#", agent.agent)],
            will: None,
            window: 32,
            ack_timeout: Duration::from_secs(10),
            backoff: Backoff { first: Duration::from_millis(20), ceiling: Duration::from_millis(200) },
            max_incoming_bytes: 64 * 1024,
        };
        let (publisher, events, _) = tidewaiter_mqtt::start(settings, stop.clone()).unwrap();
        Self {
            publisher,
            events,
            stop,
            receipted: None,
            heads: Vec::new(),
            asked: Vec::new(),
            registry: keys::load_registry(registry).unwrap(),
            online: false,
        }
    }

    /// Takes one event, or none within `wait`.
    pub(crate) async fn turn(&mut self, wait: Duration, sealed: &[Sealed]) {
        match timeout(wait, self.events.recv()).await {
            Ok(Some(Event::Message(message))) if message.topic.ends_with("/down/beacon") => {
                self.heads.push(open_head(&message.payload, &self.registry).unwrap().number);
            }
            Ok(Some(Event::Message(message))) if message.topic.ends_with("/down/resend") => {
                let asked = open_resend(&message.payload, &self.registry).unwrap();
                self.asked.push((asked.from_seq, asked.upto_seq));
            }
            Ok(Some(Event::Message(message))) => {
                let receipt = open_receipt(&message.payload, &self.registry).unwrap();
                let at = usize::try_from(receipt.upto_seq).unwrap();
                assert_eq!(receipt.hash, sealed[at].hash, "the receipt names a record that was never sealed");
                self.receipted = self.receipted.max(Some(receipt.upto_seq));
            }
            Ok(Some(Event::Subscribed)) => self.online = true,
            Ok(Some(Event::Disconnected { .. })) => self.online = false,
            Ok(Some(_)) | Err(_) => {}
            Ok(None) => panic!("the link ended"),
        }
    }

    /// Offers what has no receipt, again and again, until the receipt covers `upto`.
    pub(crate) async fn deliver(&mut self, agent: &Writer, sealed: &[Sealed], upto: u64) {
        let work = async {
            while self.receipted < Some(upto) {
                if self.online {
                    let from = self.receipted.map_or(0, |it| it + 1);
                    for record in sealed.iter().filter(|it| it.seq >= from && it.seq <= upto) {
                        let message = Message {
                            topic: agent.topic(),
                            payload: record.bytes.clone().into(),
                            qos: Qos::AtLeastOnce,
                            retain: false,
                        };
                        if self.publisher.try_publish(message, record.seq).is_err() {
                            break;
                        }
                    }
                }
                let before = self.receipted;
                let again = Instant::now() + REOFFER;
                while self.receipted == before && Instant::now() < again {
                    self.turn(Duration::from_millis(50), sealed).await;
                }
            }
        };
        timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{}: no receipt over {upto}", agent.agent));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_get_their_receipts_while_broker_centre_and_registry_change() {
    let folder = tempfile::tempdir().unwrap();
    let registry_path = folder.path().join(REGISTRY_FILE);
    keys::init(folder.path(), "centre", RegistryClass::Test).unwrap();
    let (mut first, mut second) = (Writer::new("gate-07", 1), Writer::new("lab-02", 2));
    let enrol = |agent: &Writer| {
        let mut own = Registry::new(RegistryClass::Test);
        own.add(agent.key.clone()).unwrap();
        let file = folder.path().join("agent.json");
        std::fs::write(&file, own.to_json()).unwrap();
        keys::add(&registry_path, &file).unwrap()
    };
    assert_eq!(enrol(&first), 2);

    let broker = Broker::start("127.0.0.1:0".parse().unwrap()).await;
    let mut centre = Centre::start(folder.path(), broker.at);
    let mut uplink = Uplink::start(&first, broker.at, &registry_path);
    let sealed = first.events(90);
    uplink.deliver(&first, &sealed, 29).await;

    // The broker dies and forgets everything; what had no receipt is offered again.
    let at = broker.stop().await;
    let broker = Broker::start(at).await;
    uplink.deliver(&first, &sealed, 59).await;

    // The centre is stopped; its receipts are retained, and it goes on where it was.
    let summary = centre.stop().await;
    assert!(summary.receipted >= 60 && summary.bad.is_empty(), "{summary:?}");
    centre = Centre::start(folder.path(), broker.at);
    uplink.deliver(&first, &sealed, 89).await;

    // An agent that is enrolled while the centre runs; until then it is refused.
    let more = second.events(20);
    let mut late = Uplink::start(&second, broker.at, &registry_path);
    let mut enrolled = false;
    let work = async {
        while late.receipted < Some(19) {
            if late.online {
                for record in &more {
                    let message = Message {
                        topic: second.topic(),
                        payload: record.bytes.clone().into(),
                        qos: Qos::AtLeastOnce,
                        retain: false,
                    };
                    let _ = late.publisher.try_publish(message, record.seq);
                }
                if !enrolled {
                    assert_eq!(enrol(&second), 3);
                    enrolled = true;
                }
            }
            let again = Instant::now() + REOFFER;
            while Instant::now() < again && late.receipted < Some(19) {
                late.turn(Duration::from_millis(50), &more).await;
            }
        }
    };
    timeout(PATIENCE, work).await.expect("the agent enrolled late gets its receipts");

    // Whoever connects later finds the newest receipt retained.
    uplink.stop.cancel();
    let mut visitor = Uplink::start_as("visitor", &first, broker.at, &registry_path);
    timeout(PATIENCE, async {
        while visitor.receipted != Some(89) {
            visitor.turn(Duration::from_millis(100), &sealed).await;
        }
    })
    .await
    .expect("the receipt is retained");

    let mut seen = std::collections::BTreeSet::new();
    while let Ok(it) = centre.results.try_recv() {
        if it.stored && !it.duplicate {
            assert!(seen.insert((it.agent.clone(), it.seq)), "{} {} announced twice as new", it.agent, it.seq);
        }
    }
    let summary = centre.stop().await;
    println!("{}", serde_json::to_string(&summary).unwrap());
    assert_eq!((summary.records, summary.verified, summary.receipted, summary.gaps), (110, 110, 110, 0));
    assert_eq!(summary.received, 110 + summary.duplicates_folded + summary.bad_total());
    assert!(summary.bad.keys().all(|it| it == "unknown-key"), "{:?}", summary.bad);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_nothing_does_not_hold_back_receipts() {
    let folder = tempfile::tempdir().unwrap();
    keys::init(folder.path(), "centre", RegistryClass::Test).unwrap();
    let mut agent = Writer::new("gate-07", 1);
    let registry_path = folder.path().join(REGISTRY_FILE);
    let mut registry = keys::load_registry(&registry_path).unwrap();
    registry.add(agent.key.clone()).unwrap();
    std::fs::write(&registry_path, registry.to_json()).unwrap();
    let broker = Broker::start("127.0.0.1:0".parse().unwrap()).await;
    let text = format!(
        "version = 1\n[broker]\nurl = \"mqtt://{}\"\n[store]\npath = \"c.db\"\ncommit_records = 4\n[centre]\nkey = \"{KEY_FILE}\"\nregistry = \"{REGISTRY_FILE}\"\n",
        broker.at
    );
    let config = Config::from_toml(&text, &folder.path().join("collector.toml")).unwrap();
    let stop = CancellationToken::new();
    let (events, held) = mpsc::channel(1);
    let task = tokio::spawn(run(config, events, stop.clone()));
    let sealed = agent.events(40);
    let mut uplink = Uplink::start(&agent, broker.at, &registry_path);
    uplink.deliver(&agent, &sealed, 39).await;
    stop.cancel();
    let summary = timeout(PATIENCE, task).await.unwrap().unwrap().unwrap();
    assert_eq!(summary.receipted, 40);
    assert!(summary.announcements_dropped >= 39, "{summary:?}");
    assert_eq!(held.len(), 1);
    broker.stop().await;
}

#[tokio::test]
async fn what_is_wrong_at_the_start_is_told_and_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "version = 1\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n[store]\npath = \"c.db\"\n[centre]\nkey = \"{KEY_FILE}\"\nregistry = \"{REGISTRY_FILE}\"\n"
    );
    let config = Config::from_toml(&text, &folder.path().join("collector.toml")).unwrap();
    let start = || async {
        let (events, _results) = mpsc::channel(1);
        let error = run(config.clone(), events, CancellationToken::new()).await.unwrap_err();
        (error.is_configuration(), error.to_string())
    };
    let (is_configuration, text) = start().await;
    assert!(!is_configuration && text.contains(KEY_FILE), "{text}");
    keys::init(folder.path(), "centre", RegistryClass::Test).unwrap();
    assert!(matches!(keys::init(folder.path(), "centre", RegistryClass::Test), Err(keys::KeyError::Exists { .. })));
    std::fs::write(folder.path().join(REGISTRY_FILE), Registry::new(RegistryClass::Test).to_json()).unwrap();
    let (is_configuration, text) = start().await;
    assert!(is_configuration && text.contains("role centre"), "{text}");
    std::fs::write(folder.path().join(REGISTRY_FILE), "{}").unwrap();
    assert!(start().await.0);
    assert!(!folder.path().join("c.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_hears_of_the_log_and_of_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let registry_path = folder.path().join(REGISTRY_FILE);
    keys::init(folder.path(), "centre", RegistryClass::Test).unwrap();
    let mut agent = Writer::new("gate-07", 1);
    let mut own = Registry::new(RegistryClass::Test);
    own.add(agent.key.clone()).unwrap();
    let file = folder.path().join("agent.json");
    std::fs::write(&file, own.to_json()).unwrap();
    keys::add(&registry_path, &file).unwrap();
    let broker = Broker::start("127.0.0.1:0".parse().unwrap()).await;
    let centre = Centre::start(folder.path(), broker.at);
    let mut uplink = Uplink::start(&agent, broker.at, &registry_path);
    let sealed = agent.events(5);
    uplink.deliver(&agent, &sealed[..1], 0).await;
    // A head comes with the first receipt, not only with the next minute.
    let wait = async {
        while uplink.heads.is_empty() {
            uplink.turn(Duration::from_millis(50), &sealed).await;
        }
        // The second record gets lost.
        for record in &sealed[2..4] {
            let (topic, payload) = (agent.topic(), record.bytes.clone().into());
            let message = Message { topic, payload, qos: Qos::AtLeastOnce, retain: false };
            uplink.publisher.try_publish(message, record.seq).unwrap();
        }
        while uplink.asked.is_empty() {
            uplink.turn(Duration::from_millis(50), &sealed).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap();
    assert_eq!(uplink.asked, [(1, 1)]);
    uplink.deliver(&agent, &sealed, 4).await;
    let before = uplink.heads.clone();
    assert!(before.is_sorted(), "{before:?}");
    centre.stop().await;

    // The next start signs a head with a larger number, also when nothing came.
    let centre = Centre::start(folder.path(), broker.at);
    let wait = async {
        while uplink.heads.last() <= before.last() {
            uplink.turn(Duration::from_millis(50), &sealed).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap();
    let summary = centre.stop().await;
    assert!(summary.is_clean() && summary.resends >= 1, "{summary:?}");
    broker.stop().await;
}
