//! What is missing is asked for: at once, not too often, and for as long as it takes.

use tidewaiter_collector::core::{MAX_ASKED, REPORT_AFTER_MS, SPACING_MS};

use crate::{
    home::{Home, both},
    writer::{NOW, Writer, core, core_on, sort},
};

both!(a_lost_record_is_asked_for_at_once_and_again_with_growing_patience);

fn a_lost_record_is_asked_for_at_once_and_again_with_growing_patience(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    agent.begin(&mut core);
    let sealed = agent.events(6);
    // Record 1 is lost; 2 and 3 come in the same second.
    let asked: Vec<_> = [1, 2, 3].map(|it| agent.offer(&mut core, &sealed[it], NOW).asked).concat();
    assert_eq!(asked, [(1, 1)], "once");
    let mut at = Vec::new();
    let mut tick = |core: &mut tidewaiter_collector::Core, seconds: std::ops::RangeInclusive<i64>| {
        for second in seconds {
            let out = sort(core.tick(NOW + second * 1_000).unwrap(), &[&agent]);
            at.extend(out.asked.iter().map(|it| (second, *it)));
            assert_eq!(out.late, if second == REPORT_AFTER_MS / 1_000 { vec![1] } else { vec![] }, "{second}");
        }
    };
    tick(&mut core, 0..=100);
    // The centre forgets nothing by being killed.
    drop(core);
    let mut core = core_on(home.open(), &[&agent]);
    tick(&mut core, 101..=910);
    let seconds: Vec<_> = at.iter().map(|it| it.0).take(9).collect();
    assert_eq!(seconds, [2, 6, 14, 30, 62, 122, 182, 242, 302]);
    assert!(at.iter().all(|it| it.1 == (1, 1)));
    let summary = core.summary().unwrap();
    assert_eq!((summary.bad["open-gap"], summary.gaps, summary.resends), (1, 1, at.len() as u64 + 1));
    // It comes, and nobody asks any more.
    let out = agent.offer(&mut core, &sealed[0], NOW);
    assert_eq!((out.receipts[0].0, out.asked.len()), (4, 0));
    assert!(core.tick(NOW + 10_000_000).unwrap().is_empty());
}

#[test]
fn an_alert_ahead_of_a_backlog_is_no_lost_record() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[&agent]);
    agent.begin(&mut core);
    let sealed = agent.events(20);
    let alert = core.accept(&agent.on("alert"), &sealed[19].bytes, NOW).unwrap();
    assert_eq!(sort(alert, &[&agent]).asked, []);
    // The backlog moves, one record in a second and a half.
    for (n, it) in (1..).zip(&sealed[..19]) {
        let now = NOW + n * 1_500;
        assert_eq!(agent.offer(&mut core, it, now).asked, []);
        assert_eq!(sort(core.tick(now + 1_000).unwrap(), &[&agent]).asked, []);
    }
    assert_eq!(core.summary().unwrap().receipted, 21);
}

#[test]
fn a_request_is_bounded_and_the_next_gap_waits_for_its_turn() {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core(&[&agent]);
    agent.begin(&mut core);
    let first = agent.event("first");
    let mut far = agent.head;
    far.next_seq = 50_000;
    let late = agent.seal_at(&far, crate::writer::event("far"));
    assert_eq!(agent.offer(&mut core, &late, NOW).asked, [(1, MAX_ASKED)]);
    // The gap moves on, and is asked for again no sooner than allowed.
    let out = agent.offer(&mut core, &first, NOW + 500);
    assert_eq!((out.receipts[0].0, out.asked.len()), (1, 0));
    assert!(core.tick(NOW + 500 + SPACING_MS - 1).unwrap().is_empty());
    assert_eq!(sort(core.tick(NOW + 500 + SPACING_MS).unwrap(), &[&agent]).asked, [(2, MAX_ASKED + 1)]);
    // A clock that was set back does not silence the centre.
    assert_eq!(sort(core.tick(NOW - 1_000_000).unwrap(), &[&agent]).asked, [(2, MAX_ASKED + 1)]);
}
