//! Wrong clocks are normal: forty of them, against a truth that only the test knows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed, as it should")]

mod handshake;
mod rows;
mod simulation;

use rows::{ROWS, Row};
use simulation::{Outcome, play};
use tidewaiter_record::body::Detail;

/// What a row must keep, whatever its clock does.
fn judge(row: &Row, outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut need = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let (mut vouched, mut outside) = (0, 0);
    let (mut steps, mut repairs, mut mended) = (0, 0, 0);
    for sealed in &outcome.records {
        let time = &sealed.record.body.time;
        if matches!(time.quality.word(), "S" | "H") {
            vouched += 1;
            let off = time.wall_ms.abs_diff(sealed.true_ms);
            if off > time.err_ms {
                outside += 1;
                need(
                    row.lies,
                    format!("record {} {} off {off} ms, bound {}", sealed.seq, time.quality.word(), time.err_ms),
                );
            }
        }
        match &sealed.record.body.detail {
            Detail::TimeStep(_) => steps += 1,
            Detail::TimeRepair(repair) => {
                repairs += 1;
                for old in outcome.records.iter().filter(|old| old.seq < sealed.seq) {
                    let time = &old.record.body.time;
                    if (repair.from_boot..=repair.to_boot).contains(&time.boot) {
                        let mended_ms = repair.offset_ms.saturating_add_unsigned(time.mono_ms);
                        let off = mended_ms.abs_diff(old.true_ms);
                        mended += 1;
                        need(
                            row.lies || off <= repair.err_ms,
                            format!("repair of record {} off {off} ms, bound {}", old.seq, repair.err_ms),
                        );
                    }
                }
            }
            _ => {}
        }
    }
    need(outcome.refused == 0, format!("{} records refused", outcome.refused));
    need(outcome.order_findings.is_empty(), format!("{:?}", outcome.order_findings));
    need(outcome.tls_failures.is_empty(), format!("TLS: {:?}", outcome.tls_failures));
    need(outcome.shown == row.ends, format!("ends as {}, expected {}", outcome.shown, row.ends));
    need(steps == row.steps, format!("{steps} steps told, expected {}", row.steps));
    need(repairs == row.repairs, format!("{repairs} repairs told, expected {}", row.repairs));
    need(
        outcome.found_by_centre == row.found,
        format!("after-receipt found by the centre: {}, expected {}", outcome.found_by_centre, row.found),
    );
    println!(
        "{:<62} {:>4} records, {vouched:>4} S or H, {outside:>3} outside, {steps} steps, {repairs} repairs of {mended}, {} handshakes, ends {}",
        row.name,
        outcome.records.len(),
        outcome.handshakes,
        outcome.shown
    );
    wrong
}

#[test]
fn t22_forty_wrong_clocks() {
    assert_eq!(ROWS.len(), 40);
    let tls = handshake::Tls::new();
    let mut passed = 0;
    let mut failures = Vec::new();
    let (mut vouched, mut handshakes) = (0, 0);
    for row in ROWS {
        let outcome = play(row, &tls);
        let wrong = judge(row, &outcome);
        if wrong.is_empty() {
            passed += 1;
        }
        failures.extend(wrong.iter().take(4).map(|what| format!("{}: {what}", row.name)));
        handshakes += outcome.handshakes;
        if !row.lies {
            vouched +=
                outcome.records.iter().filter(|it| matches!(it.record.body.time.quality.word(), "S" | "H")).count();
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    println!(
        "T22: {passed} of {}; true time inside the bound in {vouched} of {vouched} S and H records; {handshakes} TLS handshakes",
        ROWS.len()
    );
}

#[test]
fn a_wrong_clock_opens_no_door() {
    handshake::Tls::new().refusals();
}
