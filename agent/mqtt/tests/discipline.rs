//! The link against a broker that misbehaves on purpose.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::doc_markdown)]

mod broker;

use std::time::Duration;

use broker::{Broker, ConnAck, PATIENCE, Packet, Publish, Rig, message, packet, puback, publish, settings, soon};
use tidewaiter_mqtt::{EVENT_QUEUE, Event, INCOMING_WINDOW, Incoming, Message, NotTaken, PublishError, Qos};

/// Short enough that a test of a timeout is over soon.
const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn connect_asks_for_no_session_and_carries_the_will() {
    let broker = Broker::bind().await;
    let mut asked = settings(broker.port);
    asked.will = Some(Message {
        topic: "tw/1/site/agent-7/state".to_owned(),
        payload: b"{\"online\":false}".as_slice().into(),
        qos: Qos::AtLeastOnce,
        retain: true,
    });
    let _rig = Rig::start(asked);
    let (_peer, connect) = broker.accept().await;
    assert_eq!(connect.client_id, "agent-7");
    assert!(connect.clean_start);
    assert_eq!(connect.session_expiry, Some(0));
    assert_eq!(connect.keep_alive, 30);
    assert_eq!(connect.receive_max, Some(INCOMING_WINDOW));
    assert_eq!(connect.max_packet, Some(65_536));
    let will = connect.will.unwrap();
    assert_eq!(will.topic, "tw/1/site/agent-7/state");
    assert_eq!(will.payload, b"{\"online\":false}");
    assert_eq!((will.qos, will.retain), (1, true));
}

#[tokio::test]
async fn a_lost_puback_ends_the_connection_and_the_next_one_works() {
    let broker = Broker::bind().await;
    let mut short = settings(broker.port);
    short.ack_timeout = SHORT;
    let mut rig = Rig::start(short);
    let mut peer = broker.welcome().await;
    rig.connected().await;
    for token in 0..3 {
        rig.offer(token);
    }
    // The second answer is lost; those around it arrive.
    for token in 0..3 {
        let publish = peer.publish().await;
        if token != 1 {
            peer.puback(publish.id, 0).await;
        }
    }
    assert_eq!(rig.event().await, Event::Acked { token: 0 });
    assert_eq!(rig.event().await, Event::Acked { token: 2 });
    let why = rig.disconnected().await;
    assert!(why.contains("no answer to the oldest of 1 publishes"), "{why}");
    assert_eq!(rig.publisher.free(), 0);

    let mut peer = broker.welcome().await;
    rig.connected().await;
    rig.offer(1);
    let again = peer.publish().await;
    assert_eq!((again.payload.as_slice(), again.dup), (b"1".as_slice(), false), "a new message");
    peer.puback(again.id, 0).await;
    assert_eq!(rig.event().await, Event::Acked { token: 1 });
}

#[tokio::test]
async fn answers_out_of_order_and_late_are_matched_by_packet_id() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    // A receive maximum of 8 makes rumqttc reuse ids after 8, which is where it would collide.
    let mut peer = broker.welcome_with(ConnAck { receive_max: Some(8), ..ConnAck::default() }).await;
    rig.connected().await;
    for token in 0..8 {
        rig.offer(token);
    }
    let mut sent = Vec::new();
    for _ in 0..8 {
        sent.push(peer.publish().await);
    }
    for publish in sent[1..].iter().rev() {
        peer.puback(publish.id, 0).await;
    }
    for token in (1..8).rev() {
        assert_eq!(rig.event().await, Event::Acked { token });
    }
    // Seven places are free, and the next id is still open: the offer waits for the late answer.
    rig.offer(8);
    peer.puback(sent[0].id, 0).await;
    assert_eq!(rig.event().await, Event::Acked { token: 0 });
    let publish = peer.publish().await;
    assert_eq!(publish.payload, b"8");
    peer.puback(publish.id, 0).await;
    assert_eq!(rig.event().await, Event::Acked { token: 8 });
}

#[tokio::test]
async fn a_second_or_unknown_puback_answers_nothing_and_ends_the_connection() {
    for wrong in [None, Some(9), Some(60_000)] {
        let broker = Broker::bind().await;
        let mut rig = Rig::start(settings(broker.port));
        let mut peer = broker.welcome().await;
        rig.connected().await;
        rig.offer(1);
        rig.offer(2);
        let first = peer.publish().await;
        peer.publish().await;
        // In one segment, so that the good answer shares a read with the bad one.
        let mut bytes = puback(first.id, 0);
        bytes.extend(puback(wrong.unwrap_or(first.id), 0));
        peer.send(&bytes).await;
        assert_eq!(rig.event().await, Event::Acked { token: 1 }, "{wrong:?}");
        let why = rig.disconnected().await;
        assert!(why.contains("which is not open"), "{why}");
        peer.closed().await;

        let mut peer = broker.welcome().await;
        rig.connected().await;
        rig.offer(2);
        let again = peer.publish().await;
        peer.puback(again.id, 0).await;
        assert_eq!(rig.event().await, Event::Acked { token: 2 });
    }
}

#[tokio::test]
async fn puback_reasons_are_told_apart() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    let rows = [
        (0x00, None),
        (0x10, Some(NotTaken::NoSubscriber)),
        (0x80, Some(NotTaken::Refused(0x80))),
        (0x83, Some(NotTaken::Refused(0x83))),
        (0x87, Some(NotTaken::Refused(0x87))),
        (0x90, Some(NotTaken::Refused(0x90))),
        (0x91, Some(NotTaken::Refused(0x91))),
        (0x97, Some(NotTaken::Refused(0x97))),
        (0x99, Some(NotTaken::Refused(0x99))),
        (0x00, None),
    ];
    for (token, (code, not_taken)) in (0..).zip(rows) {
        rig.offer(token);
        let publish = peer.publish().await;
        peer.puback(publish.id, code).await;
        let expected = match not_taken {
            None => Event::Acked { token },
            Some(reason) => Event::NotTaken { token, reason },
        };
        assert_eq!(rig.event().await, expected, "code {code:#x}");
    }
    // A code that MQTT 5.0 does not have is a fault of the broker.
    rig.offer(99);
    let publish = peer.publish().await;
    peer.puback(publish.id, 0x7E).await;
    let why = rig.disconnected().await;
    assert!(why.contains("cannot be read"), "{why}");
}

#[tokio::test]
async fn the_window_follows_the_receive_maximum_of_each_connection() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    for (receive_max, window) in [(Some(5), 5), (Some(1), 1), (None, 8), (Some(2), 2), (Some(500), 8)] {
        let mut peer = broker.welcome_with(ConnAck { receive_max, ..ConnAck::default() }).await;
        assert_eq!(rig.connected().await.0, window);
        assert_eq!(rig.publisher.free(), usize::from(window));
        // Three windows through it; the broker sees at most one of them unanswered.
        let mut next = 0;
        for _ in 0..3 {
            while rig.publisher.free() > 0 {
                rig.offer(next);
                next += 1;
            }
            assert_eq!(rig.publisher.try_publish(message("record", "x"), 999), Err(PublishError::WindowFull));
            let mut open = Vec::new();
            for _ in 0..window {
                open.push(peer.publish().await.id);
            }
            let distinct: std::collections::BTreeSet<_> = open.iter().collect();
            assert_eq!(distinct.len(), open.len(), "packet ids in use twice: {open:?}");
            for id in open {
                peer.puback(id, 0).await;
                assert!(matches!(rig.event().await, Event::Acked { .. }));
            }
        }
        drop(peer);
        rig.disconnected().await;
        assert_eq!(rig.publisher.try_publish(message("record", "x"), 999), Err(PublishError::Offline));
    }
}

#[tokio::test]
async fn nothing_above_the_broker_s_packet_size_is_sent() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome_with(ConnAck { max_packet: Some(256), ..ConnAck::default() }).await;
    assert_eq!(rig.connected().await.1, Some(256));
    // 1 type + 2 length + 2 + 6 topic + 2 id + 1 properties = 14.
    assert_eq!(
        rig.publisher.try_publish(message("record", vec![7; 243]), 1),
        Err(PublishError::TooLarge { bytes: 257, limit: 256 })
    );
    rig.publisher.try_publish(message("record", vec![7; 242]), 2).unwrap();
    let publish = peer.publish().await;
    assert_eq!(publish.bytes, 256);
    peer.puback(publish.id, 0).await;
    assert_eq!(rig.event().await, Event::Acked { token: 2 });
}

#[tokio::test]
async fn a_broker_that_ends_over_a_packet_names_the_largest() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    rig.offer(1);
    rig.publisher.try_publish(message("record", vec![7; 1000]), 2).unwrap();
    rig.offer(3);
    for _ in 0..3 {
        peer.publish().await;
    }
    peer.disconnect(0x95).await;
    assert_eq!(
        rig.event().await,
        Event::NotTaken { token: 2, reason: NotTaken::TooLarge { bytes: 1014, limit: 1013 } }
    );
    assert!(rig.disconnected().await.contains("too large"));
}

#[tokio::test]
async fn answers_that_came_with_the_death_are_not_lost() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    let mut answers = Vec::new();
    for token in 0..6 {
        rig.offer(token);
    }
    for token in 0..6 {
        let publish = peer.publish().await;
        if token < 4 {
            answers.extend(puback(publish.id, 0));
        }
    }
    peer.send(&answers).await;
    drop(peer);
    for token in 0..4 {
        assert_eq!(rig.event().await, Event::Acked { token });
    }
    assert!(rig.disconnected().await.contains("closed the connection"));
}

#[tokio::test]
async fn a_session_that_should_not_be_there_resends_nothing() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    rig.offer(1);
    peer.publish().await;
    drop(peer);
    rig.disconnected().await;
    let mut peer = broker.welcome_with(ConnAck { session_present: true, ..ConnAck::default() }).await;
    rig.connected().await;
    rig.offer(2);
    let publish = peer.publish().await;
    assert_eq!(publish.payload, b"2", "token 1 is the owner's to offer again");
    peer.puback(publish.id, 0).await;
    assert_eq!(rig.event().await, Event::Acked { token: 2 });
}

#[tokio::test]
async fn refusals_are_told_in_words() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    for (code, word) in [(0x87, "not authorised"), (0x89, "busy"), (0x84, "does not speak MQTT 5")] {
        let _peer = broker.welcome_with(ConnAck { code, ..ConnAck::default() }).await;
        let why = rig.disconnected().await;
        assert!(why.contains(word), "{code:#x}: {why}");
    }
    for (connack, word) in [
        (ConnAck { max_qos: Some(0), ..ConnAck::default() }, "QoS 0 only"),
        (ConnAck { receive_max: Some(0), ..ConnAck::default() }, "allows nothing"),
    ] {
        let _peer = broker.welcome_with(connack).await;
        let why = rig.disconnected().await;
        assert!(why.contains(word), "{why}");
    }
    for (reason, word) in [(0x89, "it is busy"), (0x8E, "same client id"), (0x8B, "shutting down")] {
        let mut peer = broker.welcome().await;
        rig.connected().await;
        peer.disconnect(reason).await;
        let why = rig.disconnected().await;
        assert!(why.contains(word), "{reason:#x}: {why}");
    }
    let mut peer = broker.welcome().await;
    rig.connected().await;
    peer.send(&[0xE0, 0]).await;
    assert!(rig.disconnected().await.contains("without a reason"));
}

#[tokio::test]
async fn nobody_listening_is_told_in_words() {
    let port = Broker::bind().await.port;
    let mut rig = Rig::start(settings(port));
    let why = rig.disconnected().await;
    assert!(why.contains("connection refused: nothing listens"), "{why}");
}

#[tokio::test]
async fn half_a_packet_and_a_close_is_survived() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    for half in
        [puback(1, 0)[..3].to_vec(), publish("down/receipt", b"body", 1, 4, true)[..9].to_vec(), vec![0x30, 0xFF]]
    {
        let mut peer = broker.welcome().await;
        rig.connected().await;
        rig.offer(1);
        peer.publish().await;
        peer.send(&half).await;
        drop(peer);
        rig.disconnected().await;
    }
}

#[tokio::test]
async fn garbage_is_survived() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    for garbage in [
        vec![0x00, 0x00],
        vec![0xF0, 0x02, 0, 0],
        vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        // A topic that claims to be longer than its packet.
        vec![0x30, 0x04, 0xFF, 0xFF, b'a', b'b'],
        // A topic that is not UTF-8, and one that is empty.
        packet(0x30, &[0, 1, 0xFF, 0, b'x']),
        packet(0x30, &[0, 0, 0, b'x']),
        // QoS 2 was not subscribed.
        packet(0x34, &[0, 1, b't', 0, 9, 0, b'x']),
        // A second CONNACK, a PUBREC for nothing.
        vec![0x20, 3, 0, 0, 0],
        vec![0x50, 2, 0, 1],
    ] {
        let mut peer = broker.welcome().await;
        rig.connected().await;
        peer.send(&garbage).await;
        drop(peer);
        // Above all, the second CONNACK is not taken for a second connection.
        let event = rig.event().await;
        assert!(matches!(event, Event::Disconnected { .. }), "{garbage:02X?} gave {event:?}");
    }
}

#[tokio::test]
async fn a_silent_broker_is_given_up() {
    let broker = Broker::bind().await;
    let mut short = settings(broker.port);
    short.ack_timeout = SHORT;
    short.subscribe = vec!["down/#".to_owned()];
    let mut rig = Rig::start(short);
    let (_silent, _) = broker.accept().await;
    let why = rig.disconnected().await;
    assert!(why.contains("no answer to the connection"), "{why}");
    // And one that falls silent before SUBACK.
    let _peer = broker.welcome().await;
    rig.connected().await;
    let why = rig.disconnected().await;
    assert!(why.contains("no answer to the subscription"), "{why}");
}

#[tokio::test]
async fn a_packet_above_our_limit_is_refused_by_its_header() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    // 200 MB are announced and one byte is sent: nothing is waited for.
    peer.send(&[0x30, 0x80, 0x84, 0xAF, 0x5F, 0x00]).await;
    let why = rig.disconnected().await;
    assert!(why.contains("above our limit of 65536") && why.contains("raise"), "{why}");
    // One that just fits, far above rumqttc's own 10 KiB, arrives.
    let mut peer = broker.welcome().await;
    rig.connected().await;
    let large = vec![7; 60_000];
    peer.send(&publish("down/limits", &large, 1, 3, false)).await;
    let Event::Message(incoming) = rig.event().await else {
        panic!("expected a message");
    };
    assert_eq!(incoming.payload, large);
    assert_eq!(peer.packet().await, Packet::PubAck { id: 3 });
}

#[tokio::test]
async fn subscriptions_come_first_on_every_connection_and_bring_retained_messages() {
    let broker = Broker::bind().await;
    let mut asked = settings(broker.port);
    asked.subscribe = vec!["down/receipt".to_owned(), "down/command".to_owned()];
    let mut rig = Rig::start(asked);
    for round in 0..2 {
        let mut peer = broker.welcome().await;
        rig.connected().await;
        rig.offer(1);
        let Packet::Subscribe { id, filters } = peer.packet().await else {
            panic!("expected SUBSCRIBE before the publish");
        };
        assert_eq!(filters, [("down/receipt".to_owned(), 1), ("down/command".to_owned(), 1)]);
        // Allowed before SUBACK: MQTT 5.0, 3.8.4.
        peer.send(&publish("down/receipt", b"upto 41", 1, 7, true)).await;
        assert_eq!(
            rig.event().await,
            Event::Message(Incoming {
                topic: "down/receipt".to_owned(),
                payload: b"upto 41".as_slice().into(),
                retained: true,
            })
        );
        assert_eq!(peer.packet().await, Packet::PubAck { id: 7 });
        peer.suback(id, &[1, 1]).await;
        assert_eq!(rig.event().await, Event::Subscribed, "round {round}");
        peer.send(&publish("down/command", b"resend", 0, 0, false)).await;
        let Event::Message(command) = rig.event().await else {
            panic!("expected a message");
        };
        assert!(!command.retained);
        let publish = peer.publish().await;
        assert_eq!(publish.payload, b"1");
        peer.puback(publish.id, 0).await;
        assert_eq!(rig.event().await, Event::Acked { token: 1 });
        drop(peer);
        rig.disconnected().await;
    }
}

#[tokio::test]
async fn a_refused_subscription_names_the_filter() {
    let broker = Broker::bind().await;
    let mut asked = settings(broker.port);
    asked.subscribe = vec!["down/receipt".to_owned(), "down/command".to_owned()];
    let mut rig = Rig::start(asked);
    let mut peer = broker.welcome().await;
    rig.connected().await;
    let Packet::Subscribe { id, .. } = peer.packet().await else {
        panic!("expected SUBSCRIBE");
    };
    peer.suback(id, &[1, 0x87]).await;
    let why = rig.disconnected().await;
    assert!(why.contains("down/command") && why.contains("NotAuthorized"), "{why}");
}

#[tokio::test]
async fn subscriptions_are_split_for_a_small_broker() {
    let broker = Broker::bind().await;
    let mut asked = settings(broker.port);
    asked.subscribe = (0..5).map(|at| format!("{at}/{}", "t".repeat(100))).collect();
    let filters = asked.subscribe.clone();
    let mut rig = Rig::start(asked);
    let small = ConnAck { max_packet: Some(256), receive_max: Some(1), ..ConnAck::default() };
    let mut peer = broker.welcome_with(small).await;
    rig.connected().await;
    let mut granted = Vec::new();
    while granted.len() < filters.len() {
        granted.extend(peer.grant().await.into_iter().map(|(filter, _)| filter));
    }
    assert_eq!(granted, filters);
    assert_eq!(rig.event().await, Event::Subscribed);
    rig.offer(1);
    let publish = peer.publish().await;
    peer.puback(publish.id, 0).await;
    assert_eq!(rig.event().await, Event::Acked { token: 1 });
}

#[tokio::test]
async fn what_would_end_the_connection_is_answered_here() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome_with(ConnAck { retain_available: Some(0), ..ConnAck::default() }).await;
    rig.connected().await;
    let mut retained = message("state", "{}");
    retained.retain = true;
    rig.publisher.try_publish(retained, 1).unwrap();
    rig.publisher.try_publish(message("a/+/b", "{}"), 2).unwrap();
    rig.publisher.try_publish(message(&"t".repeat(65_536), "{}"), 3).unwrap();
    rig.offer(4);
    for (token, code) in [(1, 0x9A), (2, 0x90), (3, 0x90)] {
        assert_eq!(rig.event().await, Event::NotTaken { token, reason: NotTaken::Refused(code) });
    }
    let publish = peer.publish().await;
    assert_eq!(publish.payload, b"4");
}

/// An owner that acts on nothing but events. What an event promises, a place or a connection, must be
/// there when it is read, on whichever thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_never_ahead_of_what_it_promises() {
    let broker = Broker::bind().await;
    let mut one = settings(broker.port);
    one.window = 1;
    let mut rig = Rig::start(one);
    let served = tokio::spawn(async move {
        for _ in 0..40 {
            let mut peer = broker.welcome().await;
            for _ in 0..100 {
                let publish = peer.publish().await;
                peer.puback(publish.id, 0).await;
            }
        }
    });
    for _ in 0..40 {
        rig.connected().await;
        for token in 0..100 {
            rig.offer(token);
            assert_eq!(rig.event().await, Event::Acked { token });
        }
        rig.disconnected().await;
    }
    served.await.unwrap();
}

#[tokio::test]
async fn qos_0_is_answered_when_written_and_keeps_its_place() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    for token in 0..20 {
        let mut view = message("view/scale", token.to_string());
        view.qos = if token % 2 == 0 { Qos::AtMostOnce } else { Qos::AtLeastOnce };
        rig.publisher.try_publish(view, token).unwrap();
        let publish = peer.publish().await;
        assert_eq!((publish.payload, u64::from(publish.qos)), (token.to_string().into_bytes(), token % 2));
        if publish.qos == 1 {
            peer.puback(publish.id, 0).await;
        }
        assert_eq!(rig.event().await, Event::Acked { token });
    }
}

#[tokio::test]
async fn no_keep_alive_at_the_broker_is_not_a_flood_of_pings() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome_with(ConnAck { server_keep_alive: Some(0), ..ConnAck::default() }).await;
    rig.connected().await;
    let mut pings = 0;
    for token in 0..50 {
        rig.offer(token);
        let publish = loop {
            match peer.packet().await {
                Packet::Publish(publish) => break publish,
                Packet::Ping => {
                    pings += 1;
                    peer.send(&[0xD0, 0]).await;
                }
                other => panic!("{other:?}"),
            }
        };
        peer.puback(publish.id, 0).await;
        assert_eq!(rig.event().await, Event::Acked { token });
    }
    assert!(pings <= 1, "{pings} pings");
}

#[tokio::test]
async fn an_owner_that_does_not_read_loses_nothing_and_blocks_nothing() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    // The owner stops reading here. The broker keeps to our receive maximum.
    let total: u16 = u16::try_from(EVENT_QUEUE).unwrap() + INCOMING_WINDOW;
    for id in 1..=total {
        peer.send(&publish("down/command", &id.to_be_bytes(), 1, id, false)).await;
    }
    for id in 1..=u16::try_from(EVENT_QUEUE).unwrap() {
        assert_eq!(peer.packet().await, Packet::PubAck { id }, "those that reached the owner");
    }
    // Publishes still go out and their answers still come in, up to the window.
    for token in 0..8 {
        rig.offer(token);
        let publish = peer.publish().await;
        peer.puback(publish.id, 0).await;
    }
    // QoS 0 above the bound is dropped; it must not end the connection or hold up anything.
    for _ in 0..10 {
        peer.send(&publish("view", b"0", 0, 0, false)).await;
    }
    // One event of another kind ends the sequence of what the owner will see.
    assert_eq!(
        rig.publisher.try_publish(message("record", "x"), 9),
        Err(PublishError::WindowFull),
        "answers that are not read keep their places"
    );
    // The owner reads again: everything is there, in order.
    for id in 1..=total {
        let Event::Message(incoming) = rig.event().await else {
            panic!("expected message {id}");
        };
        assert_eq!(incoming.payload, id.to_be_bytes().as_slice());
    }
    for token in 0..8 {
        assert_eq!(rig.event().await, Event::Acked { token });
    }
    for id in u16::try_from(EVENT_QUEUE).unwrap() + 1..=total {
        assert_eq!(peer.packet().await, Packet::PubAck { id });
    }
    rig.offer(9);
    assert_eq!(peer.publish().await.payload, b"9");
}

#[tokio::test]
async fn a_broker_above_our_receive_maximum_is_left() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    let total = u16::try_from(EVENT_QUEUE).unwrap() + INCOMING_WINDOW + 1;
    for id in 1..=total {
        peer.send(&publish("down/command", b"", 1, id, false)).await;
    }
    let mut acknowledged = 0;
    while let Some(packet) = soon("the close", peer.read()).await {
        assert!(matches!(packet, Packet::PubAck { .. }));
        acknowledged += 1;
    }
    // Fewer when the last of them were still to be written: they are resent, not lost.
    assert!(acknowledged <= EVENT_QUEUE, "{acknowledged} acknowledged, the owner's channel has room for {EVENT_QUEUE}");
    for _ in 1..total {
        assert!(matches!(rig.event().await, Event::Message(_)));
    }
    assert!(rig.disconnected().await.contains("above our receive maximum"));
}

#[tokio::test]
async fn no_reconnect_before_the_owner_knows_of_the_end() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    rig.offer(1);
    peer.publish().await;
    drop(peer);
    // Many times the back-off, and nobody reads the event.
    tokio::select! {
        _ = broker.tcp() => panic!("connected again although token 1 is not known to be void"),
        () = tokio::time::sleep(Duration::from_millis(300)) => {}
    }
    assert_eq!(rig.publisher.try_publish(message("record", "2"), 2), Err(PublishError::Offline));
    rig.disconnected().await;
    broker.welcome().await;
    rig.connected().await;
}

#[tokio::test]
async fn a_stop_drains_and_disconnects_so_that_the_will_is_not_published() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    for token in 0..4 {
        rig.offer(token);
    }
    // Offered in the same breath as the stop, as the last state message of an agent is.
    rig.stop.cancel();
    let mut sent: Vec<Publish> = Vec::new();
    for _ in 0..4 {
        sent.push(peer.publish().await);
    }
    for publish in &sent {
        peer.puback(publish.id, 0).await;
    }
    assert_eq!(peer.packet().await, Packet::Disconnect { reason: 0 });
    drop(peer);
    for token in 0..4 {
        assert_eq!(rig.event().await, Event::Acked { token });
    }
    assert_eq!(rig.disconnected().await, "stopped on request");
    assert_eq!(soon("the end", rig.events.recv()).await, None);
    soon("the task", rig.task).await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever_and_still_disconnects() {
    let broker = Broker::bind().await;
    let mut one = settings(broker.port);
    one.window = 1;
    let mut rig = Rig::start(one);
    // The window and rumqttc's own table are full, and no answer comes.
    let mut peer = broker.welcome_with(ConnAck { receive_max: Some(1), ..ConnAck::default() }).await;
    rig.connected().await;
    rig.offer(1);
    peer.publish().await;
    rig.stop.cancel();
    assert_eq!(peer.packet().await, Packet::Disconnect { reason: 0 });
    peer.closed().await;
    assert_eq!(rig.disconnected().await, "stopped on request");
    soon("the task", rig.task).await.unwrap();
}

#[tokio::test]
async fn a_stop_while_offline_is_at_once() {
    let port = Broker::bind().await.port;
    let mut patient = settings(port);
    patient.backoff.first = PATIENCE * 10;
    patient.backoff.ceiling = PATIENCE * 10;
    let mut rig = Rig::start(patient);
    rig.disconnected().await;
    rig.stop.cancel();
    soon("the task", rig.task).await.unwrap();
}

#[tokio::test]
async fn an_owner_that_is_gone_ends_the_task_with_a_disconnect() {
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let mut peer = broker.welcome().await;
    rig.connected().await;
    let Rig { events, task, .. } = rig;
    drop(events);
    assert_eq!(peer.packet().await, Packet::Disconnect { reason: 0 });
    drop(peer);
    soon("the task", task).await.unwrap();
}
