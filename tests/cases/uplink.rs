//! The way to the centre with everything that can happen on it: nothing is lost, nothing doubled, order is kept.

use std::collections::BTreeSet;

use tidewaiter_tests::world::{Delivery, HOUR, MINUTE, SECOND, Setting, Trouble, TroubleKind, World};

use super::{expect_whole, play, world};

/// Two interval records a minute, a bench run every five minutes, and an alarm in every second one.
const QUIET: &str = r#"
title = "background watch and a drum"
seed = 9
[gamma]
poll = "5 s"
timeout = "1 s"
watch = "60 s"
[drum]
rig = "drum-a"
poll = "1 s"
every = "600 s"
[[drum.run]]
at = "100 s"
barcode = "TW0001"
[[drum.run]]
at = "400 s"
barcode = "TW0002"
fails_after = "5 s"
"#;

fn offline(from: i64, to: i64) -> Trouble {
    Trouble { from, to, one_in: 1, kind: TroubleKind::Offline }
}

/// First arrivals in their chain's way, that is without the alerts that went ahead.
fn in_order(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries.iter().filter(|it| !it.alert).map(|it| it.seq).collect()
}

/// Sequence numbers of the records that alarm.
fn alarms(world: &World) -> BTreeSet<u64> {
    let records = world.centre.records().unwrap();
    let alarming = records.into_iter().filter(|record| match &record.body.detail {
        tidewaiter_record::Detail::Inspection(detail) => detail.disposition == "alarm",
        _ => false,
    });
    alarming.map(|record| record.header.seq).collect()
}

#[test]
fn two_hours_without_an_uplink_lose_nothing() {
    let (from, to) = (10 * MINUTE, 10 * MINUTE + 2 * HOUR);
    play(async || {
        let mut world = world(Setting { troubles: vec![offline(from, to)], ..Setting::of(QUIET) }).await;
        world.until(from).await;
        let before = world.status().sealed;
        world.until(to - SECOND).await;
        let away = world.status();
        let backlog = away.sealed - away.cursor.map_or(0, |it| it.upto_seq + 1);
        assert!(away.sealed - before >= 2 * 120, "{} records in two hours", away.sealed - before);
        assert!(backlog >= away.sealed - before, "nothing is receipted while away");
        world.until(to + 10 * MINUTE).await;
        let status = world.stop().await.unwrap();
        eprintln!("{}", world.cost("away for two hours"));
        expect_whole(&world, status.sealed);

        let deliveries = world.centre.deliveries();
        assert!(!deliveries.iter().any(|it| (from + SECOND..to).contains(&it.at_ms)), "something came while away");
        let order = in_order(&deliveries);
        assert_eq!(order, (0..status.sealed).collect::<Vec<_>>(), "each once, each in its place");
        // The alarms of these two hours came first, and at once.
        let alarms = alarms(&world);
        let missed: Vec<u64> = alarms.iter().copied().filter(|seq| (before..away.sealed).contains(seq)).collect();
        assert_eq!(missed.len(), 12, "one alarm in ten minutes");
        let back: Vec<&Delivery> = deliveries.iter().filter(|it| it.at_ms >= to).collect();
        let first: Vec<u64> = back.iter().take(missed.len()).filter(|it| it.alert).map(|it| it.seq).collect();
        assert_eq!(first, missed, "alarms overtake the backlog");
        assert!(back[0].at_ms - to < 5 * SECOND, "the first alarm came {} ms after the uplink", back[0].at_ms - to);
        // And the backlog did not last: it is no more than a window per round trip.
        let drained = back.iter().find(|it| it.seq + 1 == away.sealed && !it.alert).unwrap();
        assert!(drained.at_ms - to < MINUTE, "{} records drained in {} ms", backlog, drained.at_ms - to);
    });
}

/// A short outage after another; one of every kind of trouble at a time, at a rate that hits often.
fn beset(
    kind: TroubleKind,
    one_in: u32,
) -> (u64, tidewaiter_collector::Summary, Vec<Delivery>, tidewaiter_agent::uplink::Telemetry) {
    let mut taken = None;
    play(async || {
        let trouble = Trouble { from: MINUTE, to: 31 * MINUTE, one_in, kind };
        let mut world = world(Setting { troubles: vec![trouble], ..Setting::of(QUIET) }).await;
        world.until(33 * MINUTE).await;
        let telemetry = world.agent().telemetry.borrow().clone();
        let status = world.stop().await.unwrap();
        eprintln!("{} {kind:?}", world.cost("beset"));
        expect_whole(&world, status.sealed);
        let alarms = alarms(&world);
        assert_eq!(alarms.len(), 3, "three alarms in half an hour");
        let deliveries = world.centre.deliveries();
        let arrived: BTreeSet<u64> = deliveries.iter().map(|it| it.seq).collect();
        assert_eq!(arrived.len() as u64, status.sealed);
        taken = Some((status.sealed, world.centre.summary().unwrap(), deliveries, telemetry));
    });
    taken.unwrap()
}

#[test]
fn publishes_that_the_broker_acknowledged_and_lost_are_sent_again() {
    let (_, _, _, telemetry) = beset(TroubleKind::LostPublish, 3);
    assert!(telemetry.rewinds >= 3, "{telemetry:?}");
}

/// Runs ten minutes with one publish lost, if any; gives arrivals and counts.
fn losing(lost: Option<i64>) -> (Vec<Delivery>, tidewaiter_collector::Summary, tidewaiter_agent::uplink::Telemetry) {
    let mut taken = None;
    play(async || {
        let troubles = lost.map(|at| Trouble { from: at, to: at + 1, one_in: 1, kind: TroubleKind::LostPublish });
        let mut world = world(Setting { troubles: troubles.into_iter().collect(), ..Setting::of(QUIET) }).await;
        world.until(10 * MINUTE).await;
        let telemetry = world.agent().telemetry.borrow().clone();
        let status = world.stop().await.unwrap();
        expect_whole(&world, status.sealed);
        taken = Some((world.centre.deliveries(), world.centre.summary().unwrap(), telemetry));
    });
    taken.unwrap()
}

#[test]
fn a_record_that_the_broker_lost_is_asked_for_as_soon_as_the_next_one_comes() {
    let (deliveries, summary, telemetry) = losing(None);
    assert_eq!((summary.resends, telemetry.resends), (0, 0));
    // Alerts come twice, once ahead and once in their place.
    let repeats = summary.duplicates_folded;
    // One that another follows at once.
    let follows = |it: &&[Delivery]| {
        it.iter().all(|it| !it.alert && !it.duplicate && (MINUTE..9 * MINUTE).contains(&it.at_ms))
            && (it[1].seq, true) == (it[0].seq + 1, it[1].at_ms - it[0].at_ms < 100)
    };
    let pair = deliveries.windows(2).rfind(follows).unwrap();
    let (seq, at) = (pair[0].seq, pair[0].at_ms);
    let (deliveries, summary, telemetry) = losing(Some(at));
    let came = deliveries.iter().find(|it| it.seq == seq).unwrap().at_ms - at;
    assert!((1..2 * SECOND).contains(&came), "record {seq} came {came} ms late");
    // Nothing else was sent again, and nobody had to lose patience.
    assert_eq!((summary.resends, telemetry.resends, telemetry.rewinds, summary.duplicates_folded), (1, 1, 0, repeats));
}

#[test]
fn publishes_whose_acknowledgement_got_lost_arrive_twice_and_count_once() {
    let (sealed, summary, deliveries, _) = beset(TroubleKind::LostPuback, 5);
    assert!(summary.duplicates_folded > 0, "{summary:?}");
    assert_eq!(deliveries.len() as u64, sealed + summary.duplicates_folded);
}

#[test]
fn publishes_that_arrive_twice_count_once() {
    let (sealed, summary, deliveries, telemetry) = beset(TroubleKind::Duplicate, 2);
    assert!(summary.duplicates_folded > 20, "{summary:?}");
    assert_eq!(deliveries.len() as u64, sealed + summary.duplicates_folded);
    assert_eq!(telemetry.rewinds, 0, "a repeat is no reason to begin again");
}

#[test]
fn publishes_that_arrive_late_and_out_of_order_end_in_order() {
    let (_, summary, deliveries, _) = beset(TroubleKind::Delayed(90_000), 3);
    let order: Vec<u64> = deliveries.iter().filter(|it| !it.duplicate).map(|it| it.seq).collect();
    assert!(!order.is_sorted(), "the trouble did not happen");
    assert_eq!(summary.gaps, 0);
}

#[test]
fn a_broker_without_a_subscriber_is_told_of_and_tried_again() {
    let (_, summary, _, telemetry) = beset(TroubleKind::NoSubscriber, 2);
    assert!(telemetry.no_subscriber > 10, "{telemetry:?}");
    assert_eq!(summary.gaps, 0);
}

#[test]
fn receipts_that_get_lost_cost_repeats_and_nothing_else() {
    let (_, summary, _, telemetry) = beset(TroubleKind::LostReceipt, 2);
    assert!(telemetry.rewinds > 3 && summary.duplicates_folded > 3, "{telemetry:?} {summary:?}");
}

#[test]
fn an_uplink_that_comes_and_goes_delivers_all_the_same() {
    play(async || {
        let mut troubles: Vec<Trouble> = (1..30).map(|at| offline(at * MINUTE, at * MINUTE + 40 * SECOND)).collect();
        troubles.push(Trouble { from: 0, to: HOUR, one_in: 4, kind: TroubleKind::LostPublish });
        troubles.push(Trouble { from: 0, to: HOUR, one_in: 6, kind: TroubleKind::LostPuback });
        troubles.push(Trouble { from: 0, to: HOUR, one_in: 5, kind: TroubleKind::Delayed(20_000) });
        troubles.push(Trouble { from: 0, to: HOUR, one_in: 3, kind: TroubleKind::LostReceipt });
        let mut world = world(Setting { troubles, ..Setting::of(QUIET) }).await;
        world.until(31 * MINUTE).await;
        let status = world.stop().await.unwrap();
        eprintln!("{}", world.cost("comes and goes"));
        expect_whole(&world, status.sealed);
    });
}
