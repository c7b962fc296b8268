//! Orders against a real store whose power goes at every commit, with a stand-in for the inspector.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod bench;
mod commands;

use tidewaiter_record::{
    body::Detail,
    mandate::{Kind, OnExpiry},
};

use self::bench::{
    Bench, Cut, LIMITS, assignment, beacon, limits, plan, planned, root, root_two, table, table_text, two_beacons,
};
use super::{What, orders::DISAGREE_MS};

const ROOT: What = What::Metadata(Kind::Root);
const APPROVED: What = What::Metadata(Kind::Limits);
const ASSIGNED: What = What::Metadata(Kind::Assignment);

/// Everything of version 1, in an order in which nothing can be used when it comes.
fn first() -> Vec<(What, Vec<u8>)> {
    vec![
        (What::Table, table(1)),
        (ASSIGNED, assignment(1, 1, &[1])),
        (APPROVED, limits(1, &[1, 2], OnExpiry::KeepAndFlag)),
    ]
}

fn second() -> Vec<(What, Vec<u8>)> {
    vec![
        (ROOT, root_two()),
        (ASSIGNED, assignment(2, 2, &[1, 2])),
        (APPROVED, limits(2, &[1, 2], OnExpiry::Refuse)),
        (What::Table, table(2)),
    ]
}

#[tokio::test]
async fn tables_come_into_force_together_and_are_there_after_a_start() {
    let bench = Bench::new();
    let mut agent = bench.start(Cut::never()).await;
    for (what, bytes) in first() {
        agent.take(what, bytes).await;
    }
    assert_eq!(agent.in_force(), ["table-1 2026"]);
    for (what, bytes) in second() {
        assert_eq!(agent.in_force(), ["table-1 2026"], "nothing by halves");
        agent.take(what, bytes).await;
    }
    assert_eq!(agent.in_force(), ["table-1 2026", "table-2 2026"]);
    agent.end().await;
    let said: Vec<_> = bench.activations().into_iter().map(|it| (it.cause, it.versions, it.tables.len())).collect();
    assert_eq!(
        said,
        [("signed".to_owned(), Some((1, 1, 1)), 1), ("signed".to_owned(), Some((2, 2, 2)), 2)],
        "root 2 alone changes no table"
    );
    let agent = bench.start(Cut::never()).await;
    assert_eq!(agent.in_force(), ["table-1 2026", "table-2 2026"], "before anything has come");
    agent.end().await;
}

#[tokio::test]
async fn a_power_cut_at_every_commit_leaves_the_old_or_the_new() {
    let (mut cuts, mut olds, mut news) = (0, 0, 0);
    for written in [false, true] {
        for at in 0..12 {
            let bench = Bench::new();
            let mut agent = bench.start(Cut::never()).await;
            for (what, bytes) in first() {
                agent.take(what, bytes).await;
            }
            agent.end().await;
            let mut agent = bench.start(Cut::at(at, written)).await;
            for (what, bytes) in second() {
                agent.take(what, bytes).await;
            }
            let cut = agent.was_cut();
            agent.abandon().await;
            // After the cut: what judges is one of the two, whole, and what the chain said last says the same.
            let agent = bench.start(Cut::never()).await;
            let in_force = agent.in_force();
            let floors = agent.downlink.authority.floors();
            agent.end().await;
            let said = bench.activations().pop().unwrap();
            assert_eq!(said.tables.len(), in_force.len(), "commit {at}: the chain and the agent agree");
            match in_force.len() {
                1 => olds += 1,
                2 => {
                    news += 1;
                    assert_eq!((floors.limits, floors.assignment), (2, 2), "floors come first");
                }
                n => panic!("commit {at}: {n} tables"),
            }
            cuts += usize::from(cut);
            // What was sent again brings the new.
            let mut agent = bench.start(Cut::never()).await;
            for (what, bytes) in second() {
                agent.take(what, bytes).await;
            }
            assert_eq!(agent.in_force().len(), 2, "commit {at}");
            agent.end().await;
        }
    }
    println!(
        "T18: {cuts} power cuts in an activation: {olds} times the old tables, {news} times the new, never neither"
    );
    assert!(cuts >= 8 && olds > 4 && news > 4);
}

#[tokio::test]
async fn stale_tables_are_marked_and_some_judge_no_longer() {
    let bench = Bench::new();
    let mut agent = bench.start(Cut::never()).await;
    for (what, bytes) in first().into_iter().chain(second()) {
        agent.take(what, bytes).await;
    }
    agent.take(What::Beacon, beacon(100)).await;
    assert_eq!(agent.in_force().len(), 2);
    agent.take(What::Beacon, beacon(101)).await;
    assert_eq!(agent.in_force(), Vec::<String>::new(), "both are to be refused when nothing fresh comes");
    agent.end().await;
    let last = bench.activations().pop().unwrap();
    assert_eq!(last.facts["stale"], "yes");
    assert_eq!(last.facts["refused"], "table-1 2026, table-2 2026");
    let mut agent = bench.start(Cut::never()).await;
    assert!(agent.in_force().is_empty(), "also after a start");
    // Fresh limits end it.
    agent.take(APPROVED, bench::limits_until(3, &[1, 2], 500)).await;
    agent.take(ASSIGNED, bench::assignment_until(3, 3, &[1], 500)).await;
    assert_eq!(agent.in_force(), ["table-1 2026"]);
    agent.end().await;
    assert!(!bench.activations().pop().unwrap().facts.contains_key("stale"));
}

#[tokio::test]
async fn what_is_refused_changes_nothing_and_is_told_once() {
    let bench = Bench::new();
    let mut agent = bench.start(Cut::never()).await;
    for (what, bytes) in first() {
        agent.take(what, bytes).await;
    }
    for n in 0..500_u32 {
        agent.take(APPROVED, n.to_be_bytes().to_vec()).await;
        agent.take(ASSIGNED, limits(9, &[2], OnExpiry::Refuse)[..40].to_vec()).await;
        agent.take(What::Command, n.to_be_bytes().to_vec()).await;
    }
    agent.take(APPROVED, bench::sign(Kind::Limits, &[], &[LIMITS[0]])).await;
    agent.take(What::Beacon, two_beacons()).await;
    assert_eq!(agent.in_force(), ["table-1 2026"]);
    agent.end().await;
    let refused = bench.events("order-refused");
    assert!(refused.len() <= 6, "{} events of 1502 refusals", refused.len());
    assert!(refused.iter().any(|it| it["cause"] == "threshold"));
}

#[tokio::test]
async fn limits_that_come_before_their_assignment_are_no_refusal_unless_it_never_comes() {
    let bench = Bench::new();
    let mut agent = bench.start(Cut::never()).await;
    for (what, bytes) in first() {
        agent.take(what, bytes).await;
    }
    // A table leaves the approved ones, and a moment later the assignment follows.
    agent.take(APPROVED, limits(2, &[2], OnExpiry::Refuse)).await;
    agent.downlink.settle_debts().await;
    agent.take(What::Table, table(2)).await;
    agent.take(ASSIGNED, assignment(2, 2, &[2])).await;
    bench.pass(DISAGREE_MS);
    agent.downlink.settle_debts().await;
    assert_eq!(agent.in_force(), ["table-2 2026"]);
    // Next time it does not.
    agent.take(APPROVED, limits(3, &[1], OnExpiry::Refuse)).await;
    for _ in 0..3 {
        bench.pass(DISAGREE_MS);
        agent.downlink.settle_debts().await;
    }
    assert_eq!(agent.in_force(), ["table-2 2026"]);
    agent.end().await;
    let told: Vec<_> = bench.events("order-refused").into_iter().map(|it| it["cause"].clone()).collect();
    assert_eq!(told, ["not-approved"]);
}

#[tokio::test]
async fn a_file_that_is_no_such_table_never_judges() {
    let bench = Bench::new();
    let mut agent = bench.start(Cut::never()).await;
    for (what, bytes) in first() {
        agent.take(what, bytes).await;
    }
    // Approved and assigned by everyone, and its text says another edition, or is no table at all.
    for (n, text) in [(2, table_text(1)), (3, "nonsense".to_owned())] {
        agent.take(APPROVED, bench::limits_of(n, &[("table-9", text.as_bytes())])).await;
        agent.take(ASSIGNED, bench::assignment_of(n, n, &[("table-9", text.as_bytes())])).await;
        agent.take(What::Table, text.into_bytes()).await;
        assert_eq!(agent.in_force(), ["table-1 2026"]);
    }
    agent.end().await;
    assert!(bench.events("order-refused").iter().any(|it| it["why"].contains("table-9")));
}

#[tokio::test]
async fn a_damaged_table_file_is_missed_and_fetched_anew() {
    let bench = Bench::new();
    let mut agent = bench.start(Cut::never()).await;
    for (what, bytes) in first() {
        agent.take(what, bytes).await;
    }
    agent.end().await;
    bench.damage_tables();
    let mut agent = bench.start(Cut::never()).await;
    assert!(agent.in_force().is_empty(), "what cannot be read does not judge");
    assert_eq!(bench.activations().pop().unwrap().facts["missing"], "table-1 2026");
    agent.take(What::Table, table(1)).await;
    assert_eq!(agent.in_force(), ["table-1 2026"]);
    agent.end().await;
}

#[tokio::test]
async fn a_plan_needs_two_persons_and_the_director() {
    let bench = Bench::new();
    let mut agent = bench.start(Cut::never()).await;
    for (what, bytes) in first() {
        agent.take(what, bytes).await;
    }
    agent.take(What::Plan, plan(7, &LIMITS[..1])).await;
    agent.take(What::Plan, plan(7, &LIMITS[..2])).await;
    assert!(agent.plans().is_empty(), "the director has not named it");
    // It waits for the assignment that names it.
    agent.take(ASSIGNED, planned(2, 7)).await;
    assert_eq!(agent.plans(), ["version = 7\n"]);
    agent.end().await;
}

#[tokio::test]
async fn a_state_that_cannot_be_read_closes_the_door() {
    let bench = Bench::new();
    let mut agent = bench.start(Cut::never()).await;
    for (what, bytes) in first() {
        agent.take(what, bytes).await;
    }
    agent.keep(super::AUTHORITY_NOTE, b"damaged".to_vec()).await;
    agent.end().await;
    assert!(bench.start(Cut::never()).await.in_force().is_empty(), "no floor is known, so nothing judges");
    assert_eq!(bench.begin_closed(), Some(true));
}

#[tokio::test]
async fn without_an_assignment_the_tables_of_the_site_judge() {
    let bench = Bench::new();
    let mut agent = bench.start(Cut::never()).await;
    agent.take(ROOT, root_two()).await;
    agent.take(ROOT, root()).await;
    assert_eq!(agent.in_force(), ["own 1"]);
    agent.end().await;
    assert!(bench.activations().is_empty());
    assert!(bench.details().iter().any(|it| matches!(it, Detail::Event(it) if it.name == "order-refused")), "rollback");
}
