#![allow(clippy::unwrap_used)]

use std::{path::Path, sync::Arc};

use jiff::tz::TimeZone;
use tidewaiter_config::site::site_from_str;
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::Hash;
use tidewaiter_screening::inspection::Declaration;

use super::*;
use crate::{
    acquire::Counters,
    clock::Claim,
    inspector::{ResultDetail, Snapshot},
    outbox::{Cursor, Status, StopCause},
    uplink::Telemetry,
};

/// 2026-11-29T02:42:00Z, 10:42 in Shanghai.
const NOW_MS: i64 = 1_795_920_120_000;
const NOW: Moment = Moment { mono_ms: 1_000_000, wall_ms: NOW_MS };

/// The state of everything the sentence may depend on. Nothing is wrong to begin with; record 18 442 is the newest.
struct State {
    status: Status,
    telemetry: Telemetry,
    live: Snapshot,
    looked_ago_ms: u64,
    is_heard: bool,
    has_uplink: bool,
}

fn state() -> State {
    State {
        status: Status {
            head: Some(18_442),
            sealed: 18_443,
            cursor: Some(Cursor { upto_seq: 18_000, hash: Hash([0; 32]), received_ms: NOW_MS }),
            oldest_unreceipted_ms: Some(NOW_MS - 4000),
            usage: (1_000_000, 100_000_000),
            stopped_since_ms: None,
            stopped_by: None,
            ending: false,
            refused: 0,
            newest_alert: None,
            fork: None,
            clock: Claim::UNKNOWN,
            key_away: None,
            refused_ever: 0,
            evidence: Arc::default(),
            beacon: None,
            log: None,
            log_fork: None,
        },
        telemetry: Telemetry { online: true, ..Telemetry::default() },
        live: Snapshot::default(),
        looked_ago_ms: 900,
        is_heard: true,
        has_uplink: true,
    }
}

fn result(place: &str, seq: u64, disposition: &'static str, age_ms: u64) -> LiveResult {
    LiveResult {
        seq,
        id: format!("{place}-1-1"),
        place: place.to_owned(),
        subject: None,
        verdict: "Pass",
        reason: None,
        disposition,
        why: Vec::new(),
        incomplete: None,
        at_ms: NOW_MS,
        detail: Arc::new(ResultDetail {
            identities: Vec::new(),
            declaration: Declaration::None,
            findings: Vec::new(),
            measured: Vec::new(),
            alarms: Vec::new(),
            faults: Vec::new(),
            alarm_mismatch: false,
            simulated: false,
            drill: false,
            operator: None,
            closed_mono_ms: NOW.mono_ms - age_ms,
        }),
    }
}

/// What the agent says of itself in this state.
fn report(state: &State) -> StatusReport {
    let text =
        "version = 1\n[site]\nid = \"s\"\nagent = \"a\"\nname = \"n\"\n[store]\ndir = \"d\"\nbudget = \"1 GiB\"\n";
    let (site, _) = site_from_str(text, Path::new("")).unwrap();
    StatusReport::new(
        "s",
        "a",
        &state.status,
        &state.telemetry,
        &Counters::new(&site),
        state.live.clone(),
        crate::life::InForce::default(),
        None,
        NOW.mono_ms - state.looked_ago_ms,
        NOW,
    )
}

/// The word, the sentence, and the sentence in Chinese.
fn told(state: &State) -> (String, String, String) {
    let report = report(state);
    let place =
        Place { id: "lane-7", is_heard: state.is_heard, has_uplink: state.has_uplink, now_mono_ms: NOW.mono_ms };
    let times = Times { zone: TimeZone::fixed(jiff::tz::Offset::constant(8)), now_ms: NOW_MS };
    let stage = Stage::of(&report, place);
    let sentence = Sentence::of(&report, place);
    let old = stage.old_ms().map_or("", |_| " old");
    (format!("{}{old}", stage.word()), sentence.say(Language::En, &times), sentence.say(Language::ZhCn, &times))
}

fn check(what: &str, change: impl FnOnce(&mut State), word: &str, sentence: &str) {
    let mut state = state();
    state.live.results.push_back(result("lane-7", 18_442, "clear", 3000));
    change(&mut state);
    let (is, said, zh) = told(&state);
    assert_eq!((is.as_str(), said.as_str()), (word, sentence), "{what}");
    assert!(!zh.is_ascii(), "{what}: {zh}");
}

#[test]
fn every_state_has_its_word_and_its_sentence() {
    let since = Some(NOW_MS - 60_000);
    check("durable", |_| {}, "clear", "RECORDED #18442");
    check(
        "uplink down",
        |it| {
            it.telemetry.online = false;
            it.telemetry.offline_since_mono_ms = Some(NOW.mono_ms - 14_000);
        },
        "clear",
        "RECORDED #18442 — waiting to send (uplink down 00:14)",
    );
    check("no uplink", |it| it.has_uplink = false, "clear", "RECORDED #18442 — no uplink configured");
    check(
        "sent",
        |it| it.telemetry.sent_upto = Some(18_442),
        "clear",
        "RECORDED #18442 — sent, waiting for the centre's receipt",
    );
    check(
        "sent, and the broker has gone since",
        |it| {
            it.telemetry.sent_upto = Some(18_442);
            it.telemetry.offline_since_mono_ms = Some(0);
        },
        "clear",
        "RECORDED #18442 — sent, waiting for the centre's receipt",
    );
    check("the one before it is sent", |it| it.telemetry.sent_upto = Some(18_441), "clear", "RECORDED #18442");
    check(
        "receipted",
        |it| it.status.cursor = Some(Cursor { upto_seq: 18_442, hash: Hash([0; 32]), received_ms: NOW_MS }),
        "clear",
        "RECORDED #18442 — receipted by the centre",
    );
    check(
        "storage full",
        |it| (it.status.stopped_since_ms, it.status.stopped_by) = (since, Some(StopCause::Full)),
        "not-recording",
        "NOT RECORDING since 10:41 — the store's budget is used up. Use the paper procedure.",
    );
    check(
        "storage full since yesterday, found at the start",
        |it| {
            it.status.stopped_since_ms = Some(NOW_MS - 86_400_000);
            it.status.usage = (99_000_000, 100_000_000);
        },
        "not-recording",
        "NOT RECORDING since 11-28 10:42 — the store's budget is used up. Use the paper procedure.",
    );
    check(
        "a disk that others have filled",
        |it| (it.status.stopped_since_ms, it.status.stopped_by) = (since, Some(StopCause::Disk)),
        "not-recording",
        "NOT RECORDING since 10:41 — the disk is full. Use the paper procedure.",
    );
    check(
        "a file system without inodes",
        |it| (it.status.stopped_since_ms, it.status.stopped_by) = (since, Some(StopCause::Inodes)),
        "not-recording",
        "NOT RECORDING since 10:41 — the disk takes no more files. Use the paper procedure.",
    );
    check(
        "disk error, read-only file system",
        |it| (it.status.stopped_since_ms, it.status.stopped_by) = (since, Some(StopCause::Failed)),
        "not-recording",
        "NOT RECORDING since 10:41 — the store cannot be written. Use the paper procedure.",
    );
    check(
        "key away, nothing refused yet",
        |it| it.status.key_away = Some("token removed".to_owned()),
        "not-recording",
        "NOT RECORDING — signing key unavailable. Use the paper procedure.",
    );
    check(
        "key away",
        |it| {
            it.status.key_away = Some("token removed".to_owned());
            (it.status.stopped_since_ms, it.status.stopped_by) = (since, Some(StopCause::Failed));
        },
        "not-recording",
        "NOT RECORDING since 10:41 — signing key unavailable. Use the paper procedure.",
    );
    check(
        "fork",
        |it| it.status.fork = Some("the centre signed for record 7".to_owned()),
        "not-recording",
        "NOT RECORDING — the centre signed for other records than ours. Use the paper procedure.",
    );
    check(
        "stopping",
        |it| it.status.ending = true,
        "not-recording",
        "NOT RECORDING — the agent is stopping. Use the paper procedure.",
    );
    check(
        "keeper stuck",
        |it| it.looked_ago_ms = 5001,
        "unknown",
        "State unknown: the page was last updated 5 seconds ago.",
    );
    check("keeper slow", |it| it.looked_ago_ms = 5000, "clear", "RECORDED #18442");
    check(
        "keeper stuck while stopped: not even that is known any more",
        |it| {
            it.looked_ago_ms = 61_000;
            it.status.ending = true;
        },
        "unknown",
        "State unknown: the page was last updated 61 seconds ago.",
    );
    check(
        "the next lorry",
        |it| drop(it.live.busy.insert("lane-7".to_owned(), String::new())),
        "open",
        "Reading shown is not yet recorded.",
    );
    check(
        "a lorry elsewhere",
        |it| drop(it.live.busy.insert("lane-8".to_owned(), String::new())),
        "clear",
        "RECORDED #18442",
    );
    check(
        "the next lorry while not recording",
        |it| {
            it.live.busy.insert("lane-7".to_owned(), String::new());
            (it.status.stopped_since_ms, it.status.stopped_by) = (since, Some(StopCause::Full));
        },
        "not-recording",
        "NOT RECORDING since 10:41 — the store's budget is used up. Use the paper procedure.",
    );
    check("no result here", |it| it.live.results.clear(), "waiting", "Waiting for the next subject");
    check(
        "nothing heard",
        |it| {
            it.live.results.clear();
            it.is_heard = false;
        },
        "starting",
        "No instrument has said anything yet.",
    );
    check(
        "an old result",
        |it| it.live.results = [result("lane-7", 18_442, "alarm", 120_000)].into(),
        "alarm old",
        "RECORDED #18442",
    );
    check(
        "the newest of its own place counts",
        |it| {
            it.live.results = [
                result("lane-7", 18_440, "refer", 9000),
                result("lane-7", 18_441, "not-valid", 5000),
                result("lane-8", 18_442, "alarm", 1000),
            ]
            .into();
        },
        "not-valid",
        "RECORDED #18441",
    );
}

#[test]
fn recorded_is_never_said_while_nothing_is_or_nobody_knows() {
    // Every combination of what can be wrong: 2^6 states, and in each of them a result stands in the list.
    for bits in 0..64_u32 {
        let is = |bit: u32| bits & (1 << bit) != 0;
        let mut state = state();
        state.live.results.push_back(result("lane-7", 18_442, "clear", 3000));
        state.status.stopped_since_ms = is(0).then_some(NOW_MS);
        state.status.key_away = is(1).then(|| "away".to_owned());
        state.status.fork = is(2).then(|| "fork".to_owned());
        state.status.ending = is(3);
        state.looked_ago_ms = if is(4) { 6000 } else { 10 };
        if is(5) {
            state.live.busy.insert("lane-7".to_owned(), "粤B12345".to_owned());
        }
        let (word, said, zh) = told(&state);
        let recorded = said.starts_with("RECORDED") || zh.starts_with("已记录");
        assert_eq!(recorded, bits == 0, "{bits:06b}: {word}: {said} {zh}");
        assert_eq!(word == "clear", bits == 0, "{bits:06b}: {word}");
    }
}

#[test]
fn every_word_of_the_page_is_in_both_languages() {
    use crate::inspect::progress::Awaits;
    use tidewaiter_words::knows;
    let stages = ["unknown", "starting", "open", "waiting"].map(|it| format!("stage-{it}"));
    for reason in StopReason::ALL {
        let ways = [Language::En, Language::ZhCn].map(|language| reason.way_out(language));
        assert_eq!(ways.iter().all(Option::is_some), reason != StopReason::Stopping, "{reason:?}");
        assert!(ways.iter().flatten().all(|it| !it.starts_with("way-out")), "{ways:?}");
    }
    let causes = StopReason::ALL.map(|it| format!("cause-{}", it.word()));
    let awaits = Awaits::ALL.map(|it| format!("awaits-{}", it.word()));
    let words = ["clear", "refer", "alarm", "not-valid", "not-recording", "unknown", "starting", "open", "waiting"];
    let actions = words.map(|it| format!("do-{it}"));
    let done = ["start", "next", "stop", "enter", "drill-on", "drill-off"].map(|it| format!("done-{it}"));
    for id in stages.iter().chain(&causes).chain(&awaits).chain(&actions).chain(&done) {
        for language in Language::ALL {
            assert!(knows(language, id), "{} lacks {id}", language.tag());
        }
    }
}

#[test]
fn the_reason_of_programs_has_its_moment_in_utc_and_the_way_out() {
    let told = |cause| {
        let mut state = state();
        (state.status.stopped_since_ms, state.status.stopped_by) = (Some(NOW_MS - 60_000), Some(cause));
        report(&state).not_recording.unwrap()
    };
    let disk = told(StopCause::Disk);
    assert!(disk.starts_with("the disk is full since 2026-11-29T02:41:00Z. The disk that holds"), "{disk}");
    assert!(disk.ends_with("larger disk. Use the paper procedure until then."), "{disk}");
    assert!(told(StopCause::Full).contains("raise budget under [store]"));
    assert!(told(StopCause::Inodes).contains("inode"));
    assert!(told(StopCause::Failed).contains("fsck"));
}
