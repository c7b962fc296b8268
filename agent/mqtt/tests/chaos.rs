//! An owner with an outbox, a broker with a seed, and the count at the end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::doc_markdown)]

mod broker;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use broker::{Broker, ConnAck, Packet, Peer, Rig, message, puback, settings, soon};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use tidewaiter_mqtt::{Event, PublishError};

/// How many messages have to arrive.
const MESSAGES: u64 = 500;

/// What the broker has seen over all its connections.
#[derive(Default)]
struct Diary {
    /// Token → copies.
    arrived: BTreeMap<u64, u32>,
    connections: u32,
    most_open: usize,
    faults: BTreeMap<&'static str, u32>,
}

#[tokio::test]
async fn everything_arrives_through_a_broker_that_fails_at_random() {
    for seed in [1, 7, 1_856, 20_261_121] {
        chaos(seed).await;
    }
}

async fn chaos(seed: u64) {
    println!("seed {seed}");
    let begun = Instant::now();
    let broker = Broker::bind().await;
    let mut asked = settings(broker.port);
    asked.window = 16;
    asked.ack_timeout = Duration::from_millis(250);
    asked.subscribe = vec!["down/#".to_owned()];
    let mut rig = Rig::start(asked);
    let diary = Arc::new(Mutex::new(Diary::default()));
    let broker_task = tokio::spawn(misbehave(broker, StdRng::seed_from_u64(seed), Arc::clone(&diary)));

    // The outbox: what is not acknowledged is offered again on every connection, oldest first.
    let mut outbox: BTreeSet<u64> = (0..MESSAGES).collect();
    let mut open = BTreeSet::new();
    let mut events: BTreeMap<&str, u32> = BTreeMap::new();
    while !outbox.is_empty() {
        for token in outbox.difference(&open.clone()) {
            match rig.publisher.try_publish(message("record", token.to_string()), *token) {
                Ok(()) => assert!(open.insert(*token)),
                Err(PublishError::Offline | PublishError::WindowFull) => break,
                Err(error) => panic!("seed {seed}: {error}"),
            }
        }
        match rig.event().await {
            Event::Connected { .. } => *events.entry("connected").or_default() += 1,
            Event::Subscribed => {}
            Event::Disconnected { .. } => open.clear(),
            Event::Acked { token } => {
                assert!(open.remove(&token), "seed {seed}: {token} answered and not open");
                assert!(
                    diary.lock().unwrap().arrived.contains_key(&token),
                    "seed {seed}: {token} acknowledged and never arrived"
                );
                outbox.remove(&token);
            }
            Event::NotTaken { token, .. } => {
                assert!(open.remove(&token), "seed {seed}: {token} answered and not open");
                *events.entry("not taken").or_default() += 1;
            }
            Event::Message(message) => panic!("seed {seed}: {message:?}"),
        }
    }
    rig.stop.cancel();
    drop(rig.events);
    soon("the link's end", rig.task).await.unwrap();
    broker_task.abort();

    let diary = diary.lock().unwrap();
    let arrived: Vec<u64> = diary.arrived.keys().copied().collect();
    assert_eq!(arrived, (0..MESSAGES).collect::<Vec<_>>(), "seed {seed}");
    println!(
        "seed {seed}: {} connections, {} copies of {MESSAGES}, at most {} open, events {events:?}, faults {:?}, {:?}",
        diary.connections,
        diary.arrived.values().sum::<u32>(),
        diary.most_open,
        diary.faults,
        begun.elapsed()
    );
    assert!(diary.connections > 3, "seed {seed}: too peaceful to prove anything");
}

async fn misbehave(broker: Broker, mut random: StdRng, diary: Arc<Mutex<Diary>>) {
    loop {
        let (mut peer, connect) = broker.accept().await;
        assert!(connect.clean_start && connect.session_expiry == Some(0));
        diary.lock().unwrap().connections += 1;
        let receive_max = random.random_range(1..=100);
        let connack = ConnAck {
            receive_max: random.random_bool(0.8).then_some(receive_max),
            session_present: random.random_bool(0.3),
            ..ConnAck::default()
        };
        match random.random_range(0..20) {
            0 => {
                fault(&diary, "close before CONNACK");
                continue;
            }
            1 => {
                fault(&diary, "busy");
                peer.connack(ConnAck { code: 0x89, ..connack }).await;
                continue;
            }
            2 => {
                fault(&diary, "silent CONNACK");
                // Held open until the client gives up.
                while peer.read().await.is_some() {}
                continue;
            }
            _ => peer.connack(connack).await,
        }
        let limit = connack.receive_max.unwrap_or(u16::MAX);
        serve(&mut peer, limit, &mut random, &diary).await;
    }
}

fn fault(diary: &Mutex<Diary>, name: &'static str) {
    *diary.lock().unwrap().faults.entry(name).or_default() += 1;
}

/// Serves one connection until the dice end it.
async fn serve(peer: &mut Peer, receive_max: u16, random: &mut StdRng, diary: &Mutex<Diary>) {
    let mut open: Vec<u16> = Vec::new();
    loop {
        let packet = if open.is_empty() {
            peer.read().await
        } else {
            // Answers are collected while packets come at once, then sent in a burst.
            let Ok(packet) = tokio::time::timeout(Duration::from_millis(1), peer.read()).await else {
                if !answer(peer, &mut open, receive_max, random, diary).await {
                    return;
                }
                continue;
            };
            packet
        };
        match packet {
            None | Some(Packet::Disconnect { .. }) => return,
            Some(Packet::Subscribe { id, filters }) => {
                if random.random_bool(0.03) {
                    fault(diary, "close before SUBACK");
                    return;
                }
                peer.suback(id, &vec![1; filters.len()]).await;
            }
            Some(Packet::Ping) => peer.send(&[0xD0, 0]).await,
            Some(Packet::Publish(publish)) => {
                assert!(!open.contains(&publish.id), "packet id {} in use twice", publish.id);
                assert!(!publish.dup, "a clean start has nothing to duplicate");
                open.push(publish.id);
                assert!(open.len() <= usize::from(receive_max), "receive maximum exceeded");
                let token = String::from_utf8(publish.payload).unwrap().parse().unwrap();
                {
                    let mut diary = diary.lock().unwrap();
                    *diary.arrived.entry(token).or_default() += 1;
                    diary.most_open = diary.most_open.max(open.len());
                }
                if random.random_bool(0.5) && !answer(peer, &mut open, receive_max, random, diary).await {
                    return;
                }
            }
            Some(other) => panic!("{other:?}"),
        }
    }
}

/// Answers what is open, in some way; `false` when the connection is to end.
async fn answer(
    peer: &mut Peer,
    open: &mut Vec<u16>,
    receive_max: u16,
    random: &mut StdRng,
    diary: &Mutex<Diary>,
) -> bool {
    if random.random_bool(0.1) {
        fault(diary, "out of order");
        open.shuffle(random);
    }
    let mut bytes = Vec::new();
    for id in open.drain(..) {
        match random.random_range(0..200) {
            0..=1 => fault(diary, "lost PUBACK"),
            // With few ids in use the second answer could meet the id's next publish, and no client
            // could tell.
            2..=3 if receive_max >= 64 => {
                fault(diary, "double PUBACK");
                bytes.extend(puback(id, 0));
                bytes.extend(puback(id, 0));
            }
            4 => {
                fault(diary, "wrong id");
                bytes.extend(puback(id.wrapping_add(31_000), 0));
            }
            5..=8 => {
                fault(diary, "refused");
                bytes.extend(puback(id, [0x10, 0x80, 0x87, 0x97][random.random_range(0..4)]));
            }
            9 => {
                fault(diary, "half a PUBACK");
                peer.send(&bytes).await;
                peer.send(&puback(id, 0x10)[..3]).await;
                return false;
            }
            10 => {
                fault(diary, "death");
                peer.send(&bytes).await;
                return false;
            }
            11 => {
                fault(diary, "server busy");
                peer.send(&bytes).await;
                peer.disconnect(0x89).await;
                return false;
            }
            _ => bytes.extend(puback(id, 0)),
        }
    }
    peer.send(&bytes).await;
    true
}
