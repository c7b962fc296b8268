//! Two links through a broker that somebody else wrote (the `mqtt5` crate).
//!
//! The scripted broker says what the link does on the wire; this one says whether a broker that knows
//! nothing of us agrees with it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::doc_markdown)]

mod broker;

use std::net::SocketAddr;

use broker::{Rig, message, settings, soon};
use mqtt5::broker::{
    BrokerConfig, MqttBroker,
    config::{StorageBackend, StorageConfig},
};
use tidewaiter_mqtt::{Event, Incoming, PublishError};

/// Starts the broker on a free port; it lives as long as the test's runtime.
async fn peer(configure: impl FnOnce(BrokerConfig) -> BrokerConfig) -> u16 {
    let storage =
        StorageConfig { backend: StorageBackend::Memory, enable_persistence: false, ..StorageConfig::default() };
    let config = BrokerConfig::default().with_bind_address(SocketAddr::from(([127, 0, 0, 1], 0))).with_storage(storage);
    let mut broker = MqttBroker::with_config(configure(config)).await.unwrap();
    let port = broker.local_addr().unwrap().port();
    let mut ready = broker.ready_receiver();
    tokio::spawn(async move { broker.run().await });
    soon("the broker", ready.wait_for(|ready| *ready)).await.unwrap();
    port
}

async fn subscriber(port: u16, filters: &[&str]) -> Rig {
    let mut asked = settings(port);
    "centre".clone_into(&mut asked.client_id);
    asked.subscribe = filters.iter().map(|&filter| filter.to_owned()).collect();
    let mut rig = Rig::start(asked);
    rig.connected().await;
    assert_eq!(rig.event().await, Event::Subscribed);
    rig
}

async fn received(rig: &mut Rig) -> Incoming {
    match rig.event().await {
        Event::Message(incoming) => incoming,
        other => panic!("expected a message, found {other:?}"),
    }
}

#[tokio::test]
async fn two_thousand_messages_arrive_once_and_in_order() {
    let port = peer(|config| config.with_server_receive_maximum(5)).await;
    let mut centre = subscriber(port, &["record"]).await;
    let mut agent = Rig::start(settings(port));
    assert_eq!(agent.connected().await.0, 5, "the broker's receive maximum");
    let total = 2000;
    let (mut next, mut acknowledged, mut arrived) = (0, 0, 0);
    while acknowledged < total || arrived < total {
        while next < total && agent.publisher.free() > 0 {
            agent.offer(next);
            next += 1;
        }
        tokio::select! {
            event = agent.event() => {
                assert_eq!(event, Event::Acked { token: acknowledged });
                acknowledged += 1;
            }
            incoming = received(&mut centre) => {
                assert_eq!(incoming.payload, arrived.to_string().as_bytes());
                arrived += 1;
            }
        }
    }
}

#[tokio::test]
async fn the_broker_s_packet_size_is_met_to_the_byte() {
    let port = peer(|config| config.with_max_packet_size(2048)).await;
    let mut agent = Rig::start(settings(port));
    let (_, limit) = agent.connected().await;
    assert_eq!(limit, Some(2048));
    assert!(matches!(
        agent.publisher.try_publish(message("record", vec![7; 2048]), 2),
        Err(PublishError::TooLarge { limit: 2048, .. })
    ));
    // The largest that fits is taken.
    let mut centre = subscriber(port, &["record"]).await;
    agent.publisher.try_publish(message("record", vec![7; 2048 - 14]), 3).unwrap();
    assert_eq!(agent.event().await, Event::Acked { token: 3 });
    assert_eq!(received(&mut centre).await.payload.len(), 2034);
}

#[tokio::test]
async fn the_will_comes_after_a_death_and_not_after_a_stop() {
    let port = peer(|config| config).await;
    let mut centre = subscriber(port, &["state", "end"]).await;
    let start = || {
        let mut asked = settings(port);
        asked.will = Some(message("state", "lost"));
        Rig::start(asked)
    };
    let mut agent = start();
    agent.connected().await;
    agent.task.abort();
    assert_eq!(received(&mut centre).await.payload, "lost");

    let mut agent = start();
    agent.connected().await;
    agent.publisher.try_publish(message("state", "planned"), 1).unwrap();
    agent.stop.cancel();
    assert_eq!(received(&mut centre).await.payload, "planned");
    assert_eq!(agent.event().await, Event::Acked { token: 1 });
    agent.disconnected().await;
    soon("the task", agent.task).await.unwrap();
    // What comes next is not the will.
    let mut last = Rig::start(settings(port));
    last.connected().await;
    last.publisher.try_publish(message("end", "end"), 1).unwrap();
    assert_eq!(received(&mut centre).await.topic, "end");
}

#[tokio::test]
async fn a_retained_message_is_there_on_each_subscription() {
    let port = peer(|config| config).await;
    let mut agent = Rig::start(settings(port));
    agent.connected().await;
    let mut receipt = message("down/receipt", "upto 41");
    receipt.retain = true;
    agent.publisher.try_publish(receipt, 1).unwrap();
    // Nobody is subscribed, and this broker does not say so: 0x10 is optional (MQTT 5.0, 3.4.2.1).
    assert_eq!(agent.event().await, Event::Acked { token: 1 });
    for _ in 0..2 {
        let mut asked = settings(port);
        "centre".clone_into(&mut asked.client_id);
        asked.subscribe = vec!["down/#".to_owned()];
        let mut centre = Rig::start(asked);
        centre.connected().await;
        let incoming = loop {
            match centre.event().await {
                Event::Subscribed => {}
                Event::Message(incoming) => break incoming,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((incoming.payload.as_ref(), incoming.retained), (b"upto 41".as_slice(), true));
        centre.stop.cancel();
        soon("the task", centre.task).await.unwrap();
    }
}
