//! Late answers, swept over every delay up to the longest declared: none may pass for another's.

use super::*;

/// Two requests of one length, so that length tells nothing: registers 0 and 500.
fn two_places(id: &str, unit: u8) -> Instrument {
    let channels = vec![channel("a", Table::Input, 0, Encoding::U16), channel("b", Table::Input, 500, Encoding::U16)];
    registers(id, unit, channels, 1)
}

/// What each channel may ever show: the server answers with the address asked for.
fn assert_own_values(arrivals: &[Arrival], what: &str) -> usize {
    let mut values = 0;
    for arrival in arrivals {
        let Content::Readings(readings) = &arrival.content else { continue };
        for reading in readings {
            let Ok(indication) = reading.outcome else { continue };
            let own = if reading.channel == "a" { 0 } else { 500 };
            assert_eq!(indication.value.digits(), own, "{what}: {} of {}", reading.channel, arrival.instrument);
            values += 1;
        }
    }
    values
}

/// Every third request is answered late, each time by the same delay; then by every delay in turn.
#[tokio::test(start_paused = true)]
async fn rtu_no_delay_up_to_the_declared_maximum_makes_an_answer_the_next_one() {
    let longest = 1500;
    for delay in (400..=longest).step_by(10).map(Some).chain([None]) {
        let mut asked = 0_u64;
        let site = vec![two_places("i", 1), two_places("j", 2)];
        let (arrivals, bench, seen) = run(rtu_link(), site, ms(30_000), move |_, seen| {
            asked += 1;
            let late = delay.unwrap_or(400 + asked * 37 % (longest - 400));
            let wait = if asked.is_multiple_of(3) { late } else { 20 };
            Does::Later(ms(wait), rtu_answer(seen.unit, &words(seen.count, seen.address)))
        })
        .await;
        let values = assert_own_values(&arrivals, &format!("{delay:?} ms"));
        assert!(values > 20, "{delay:?} ms: {values} values of {} requests", seen.len());
        if delay.is_none_or(|delay| delay > 600) {
            assert!(bench.counts("i").late_replies + bench.counts("j").late_replies > 0, "{delay:?} ms");
        }
    }
}

/// A late exception bears neither address nor length at all.
#[tokio::test(start_paused = true)]
async fn rtu_a_late_exception_settles_nothing() {
    for delay in (510..=1500).step_by(30) {
        let mut asked = 0_u64;
        let (arrivals, _, seen) = run(rtu_link(), vec![two_places("i", 1)], ms(60_000), move |_, seen| {
            asked += 1;
            match asked % 4 {
                2 => Does::Later(ms(delay), rtu_frame(&[1, 0x84, 6])),
                3 => Does::Later(ms(450), rtu_answer(1, &words(seen.count, seen.address))),
                _ => Does::Later(ms(20), rtu_answer(1, &words(seen.count, seen.address))),
            }
        })
        .await;
        assert!(assert_own_values(&arrivals, &format!("{delay} ms")) > 10, "{delay} ms: {} requests", seen.len());
    }
}

/// Noise ends the wait for an answer that then comes late.
#[tokio::test(start_paused = true)]
async fn rtu_noise_and_then_a_late_answer_mislead_nobody() {
    for delay in (510..=1500).step_by(30) {
        let mut asked = 0_u64;
        let (arrivals, ..) = run(rtu_link(), vec![two_places("i", 1)], ms(60_000), move |_, seen| {
            asked += 1;
            let answer = rtu_answer(1, &words(seen.count, seen.address));
            match asked % 7 {
                2 => Does::Twice(vec![0x00, 0x55, 0xAA], ms(delay), answer),
                5 => Does::Twice(vec![0x00; 9], ms(delay), rtu_frame(&[1, 0x84, 2])),
                _ => Does::Later(ms(20), answer),
            }
        })
        .await;
        assert!(assert_own_values(&arrivals, &format!("{delay} ms")) > 5, "{delay} ms");
    }
}

/// A unit that declares to take longer is left alone for longer, and the others are asked meanwhile.
#[tokio::test(start_paused = true)]
async fn rtu_a_declared_maximum_is_waited_for() {
    let mut slow = two_places("slow", 1);
    let Protocol::Registers { max_answer_time, .. } = &mut slow.protocol else { unreachable!() };
    *max_answer_time = ms(7000);
    let (arrivals, _, seen) = run(rtu_link(), vec![slow, two_places("quick", 2)], ms(60_000), |_, seen| {
        let wait = if seen.unit == 1 { 6900 } else { 20 };
        Does::Later(ms(wait), rtu_answer(seen.unit, &words(seen.count, seen.address)))
    })
    .await;
    let quick: Vec<Arrival> = arrivals.into_iter().filter(|it| &*it.instrument == "quick").collect();
    assert!(assert_own_values(&quick, "quick") >= 2 * 58);
    let asked: Vec<Instant> = seen.iter().filter(|it| it.unit == 1).map(|it| it.at).collect();
    assert!(asked.len() > 2 && asked.windows(2).all(|pair| pair[1] - pair[0] >= ms(7000)), "{asked:?}");
}
