//! One silent unit among fifty, under a clock that moves by hand.

use super::*;

/// Fifty units at 19 200 Bd, polled every two seconds, 23 ms of line time each: 58 % of the line.
/// Returns the distances between the polls of each unit after `settled`, and the readings of the live.
async fn fifty(dead: Option<u8>, settled: Duration) -> (Vec<Duration>, u64, usize) {
    let instruments: Vec<Instrument> = (1..=50)
        .map(|unit| {
            let mut instrument = two_registers(&format!("u{unit}"), unit);
            let Protocol::Registers { poll, .. } = &mut instrument.protocol else { unreachable!() };
            *poll = ms(2000);
            instrument
        })
        .collect();
    let start = Instant::now();
    let (arrivals, bench, seen) = run(Link::ModbusRtu(serial(19_200)), instruments, ms(130_000), move |_, seen| {
        if Some(seen.unit) == dead {
            return Does::Nothing;
        }
        Does::Later(ms(21), rtu_answer(seen.unit, &words(seen.count, 7)))
    })
    .await;
    let mut periods = Vec::new();
    let mut missing = 0;
    for unit in (1..=50).filter(|unit| Some(*unit) != dead) {
        let at: Vec<Instant> =
            seen.iter().filter(|it| it.unit == unit && it.at - start >= settled).map(|it| it.at).collect();
        periods.extend(at.windows(2).map(|pair| pair[1] - pair[0]));
        missing += bench.counts(&format!("u{unit}")).missing.values().sum::<u64>();
    }
    assert!(!arrivals.is_empty());
    (periods, missing, seen.iter().filter(|it| Some(it.unit) == dead).count())
}

#[tokio::test(start_paused = true)]
async fn one_dead_unit_of_fifty_leaves_the_others_on_period() {
    let period = ms(2000);
    // The second poll of the dead unit is behind everyone by then.
    let settled = ms(8000);
    let (healthy, ..) = fifty(None, settled).await;
    let (periods, missing, tries) = fifty(Some(20), settled).await;
    let worst = |periods: &[Duration]| periods.iter().map(|it| it.abs_diff(period)).max().unwrap();
    assert!(periods.len() > 49 * 55, "{}", periods.len());
    assert_eq!(missing, 0, "no poll of a live unit is lost");
    assert!(tries > 5, "the dead one is still tried: {tries}");
    assert!(worst(&healthy) <= ms(3), "{:?}", worst(&healthy));
    assert!(worst(&periods) <= ms(3), "{:?}: its time-out of 500 ms keeps nobody", worst(&periods));
}

/// On a line that is never idle for as long as a time-out, a dead unit is tried all the same, rarely.
#[tokio::test(start_paused = true)]
async fn a_dead_unit_on_a_busy_line_is_tried_rarely() {
    let mut busy = two_registers("busy", 1);
    let Protocol::Registers { poll, .. } = &mut busy.protocol else { unreachable!() };
    *poll = ms(200);
    let (_, bench, seen) = run(rtu_link(), vec![busy, two_registers("dead", 2)], ms(300_000), |_, seen| {
        if seen.unit == 2 { Does::Nothing } else { Does::Answers(rtu_answer(1, &words(seen.count, 7))) }
    })
    .await;
    let tries = seen.iter().filter(|it| it.unit == 2).count();
    assert!((4..=10).contains(&tries), "{tries}");
    // A try keeps the line for half a second, so that at most three polls fall behind it.
    assert!(bench.counts("busy").readings >= 2 * (1500 - 3 * 10), "{:?}", bench.counts("busy"));
}
