//! Modbus ports against hand-written servers that misbehave on purpose. The CRC here is computed bit
//! by bit from its polynomial, and whole frames are the published ones where there are any, so that
//! no codec of ours vouches for itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod dead;
mod identity;
mod late;
mod replug;
mod sealed;
mod traps;

use std::{
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
    time::Duration,
};

use tidewaiter_config::{
    profile::{RegisterChannel, RegisterProfile},
    site::{Instrument, Link, Protocol},
};
use tidewaiter_drivers::{
    Unit,
    modbus::register::{Encoding, Table, WordOrder},
    reading::Missing,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::{Instant, sleep, sleep_until},
};

use crate::acquire::{
    Arrival, Content, LinkState,
    tests::{Bench, instrument, ms, reasons, serial, shown, site, values},
};

pub(super) fn channel(name: &str, table: Table, address: u16, encoding: Encoding) -> RegisterChannel {
    RegisterChannel {
        name: name.into(),
        table,
        address,
        encoding,
        scale: 0,
        places: None,
        unit: Unit::One,
        sentinels: Vec::new(),
        plausible: None,
        heartbeat_polls: None,
        field: None,
    }
}

pub(super) fn profile(channels: Vec<RegisterChannel>) -> RegisterProfile {
    RegisterProfile {
        id: "p".into(),
        title: String::new(),
        source: String::new(),
        address_base: 0,
        max_registers: 125,
        turnaround: None,
        max_answer_time: None,
        device_identification: false,
        identity: Vec::new(),
        sealed: None,
        channels,
        vectors: Vec::new(),
        digest: [0; 32],
    }
}

/// Registers 0 to 1 of the input table, polled every second, half a second allowed.
fn two_registers(id: &str, unit_id: u8) -> Instrument {
    let channels = vec![channel("a", Table::Input, 0, Encoding::U16), channel("b", Table::Input, 1, Encoding::U16)];
    registers(id, unit_id, channels, 1)
}

fn registers(id: &str, unit_id: u8, channels: Vec<RegisterChannel>, function_timeout_polls: u8) -> Instrument {
    let profile = profile(channels);
    instrument(
        id,
        "p",
        Protocol::Registers {
            profile,
            unit_id,
            poll: ms(1000),
            timeout: ms(500),
            max_answer_time: ms(1500),
            turnaround: None,
            function_timeout_polls,
        },
    )
}

fn rtu_link() -> Link {
    Link::ModbusRtu(serial(9600))
}

fn tcp_link() -> Link {
    Link::ModbusTcp { host: "h".into(), port: 502 }
}

fn crc(body: &[u8]) -> [u8; 2] {
    let mut crc = 0xFFFF_u16;
    for &byte in body {
        crc ^= u16::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
        }
    }
    crc.to_le_bytes()
}

fn rtu_frame(body: &[u8]) -> Vec<u8> {
    [body, &crc(body)].concat()
}

/// The RTU answer of `unit` to FC 04 with these registers.
fn rtu_answer(unit: u8, words: &[u16]) -> Vec<u8> {
    let mut body = vec![unit, 4, u8::try_from(words.len() * 2).unwrap()];
    body.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    rtu_frame(&body)
}

/// The TCP answer with the transaction number and unit of `request`.
fn tcp_answer(request: &[u8], pdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(pdu.len() + 1).unwrap().to_be_bytes();
    [&request[..2], &[0, 0], &length, &request[6..7], pdu].concat()
}

fn tcp_words(request: &[u8], words: &[u16]) -> Vec<u8> {
    let mut pdu = vec![4, u8::try_from(words.len() * 2).unwrap()];
    pdu.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    tcp_answer(request, &pdu)
}

/// What a server does about one request.
enum Does {
    Answers(Vec<u8>),
    Later(Duration, Vec<u8>),
    Twice(Vec<u8>, Duration, Vec<u8>),
    Nothing,
    Floods,
    Hangs,
}

/// One request, as a server saw it.
#[derive(Clone, Debug)]
struct Seen {
    at: Instant,
    unit: u8,
    function: u8,
    address: u16,
    count: u16,
}

type Log = Arc<Mutex<Vec<Seen>>>;

/// The next request, whole. On RTU nothing but its function tells how long it is.
async fn request(from: &mut (impl AsyncRead + Unpin), tcp: bool) -> std::io::Result<Vec<u8>> {
    let mut request = vec![0; if tcp { 6 } else { 2 }];
    from.read_exact(&mut request).await?;
    let rest = match request[..] {
        [_, _, _, _, high, low] => usize::from(u16::from_be_bytes([high, low])),
        [_, 0x2B] => 5,
        _ => 6,
    };
    let head = request.len();
    request.resize(head + rest, 0);
    from.read_exact(&mut request[head..]).await?;
    Ok(request)
}

/// Serves one connection until it is closed. Late answers come late whatever is asked meanwhile, yet each
/// unit answers in the order in which it was asked.
async fn serve(
    device: impl AsyncRead + AsyncWrite + Send + 'static,
    tcp: bool,
    log: Log,
    mut does: impl FnMut(&[u8], &Seen) -> Does + Send,
) {
    let (mut from, to) = tokio::io::split(device);
    let to = Arc::new(tokio::sync::Mutex::new(to));
    let mut busy: std::collections::BTreeMap<u8, Instant> = std::collections::BTreeMap::new();
    while let Ok(request) = request(&mut from, tcp).await {
        let body = if tcp { &request[6..] } else { &request[..] };
        let word = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
        let read = body[1] != 0x2B;
        let (address, count) = if read { (word(2), word(4)) } else { (0, 0) };
        let seen = Seen { at: Instant::now(), unit: body[0], function: body[1], address, count };
        log.lock().unwrap().push(seen.clone());
        let answers = match does(&request, &seen) {
            Does::Answers(answer) => vec![(Duration::ZERO, answer)],
            Does::Later(delay, answer) => vec![(delay, answer)],
            Does::Twice(answer, delay, more) => vec![(Duration::ZERO, answer), (delay, more)],
            Does::Nothing => continue,
            Does::Floods => {
                while to.lock().await.write_all(&[0x5A; 4096]).await.is_ok() {}
                return;
            }
            Does::Hangs => return,
        };
        for (delay, answer) in answers {
            let to = Arc::clone(&to);
            let busy = busy.entry(seen.unit).or_insert(seen.at);
            let at = (seen.at + delay).max(*busy);
            *busy = at;
            tokio::spawn(async move {
                sleep_until(at).await;
                // A client that has hung up is what some of these tests are about.
                let _ = to.lock().await.write_all(&answer).await;
            });
        }
    }
}

/// Starts a bench whose every connection is served the same way, and runs it for a while.
async fn run(
    link: Link,
    instruments: Vec<Instrument>,
    span: Duration,
    does: impl FnMut(&[u8], &Seen) -> Does + Send + Clone + 'static,
) -> (Vec<Arrival>, Bench, Vec<Seen>) {
    let tcp = matches!(link, Link::ModbusTcp { .. });
    let mut bench = Bench::start(&site(vec![("p", link)], instruments));
    let log = Log::default();
    // A unit on a serial line is first left alone for as long as its answer to someone else may take.
    let until = Instant::now() + span + if tcp { Duration::ZERO } else { ms(1500) };
    let mut arrivals = Vec::new();
    while Instant::now() < until {
        tokio::select! {
            device = bench.opened() => {
                tokio::spawn(serve(device, tcp, Arc::clone(&log), does.clone()));
            }
            () = sleep_until(until) => {}
        }
    }
    while let Ok(arrival) = bench.arrivals.try_recv() {
        arrivals.push(arrival);
    }
    bench.stop.cancel();
    let seen = log.lock().unwrap().clone();
    (arrivals, bench, seen)
}

/// Answers FC 04 with the given words for as many registers as asked.
fn words(count: u16, value: u16) -> Vec<u16> {
    vec![value; usize::from(count)]
}

#[tokio::test(start_paused = true)]
async fn a_published_exchange_reads_as_published() {
    let mut reads = channel("dose-rate", Table::Holding, 0, Encoding::F32(WordOrder::Abcd));
    reads.places = Some(1);
    reads.unit = Unit::MicrosievertPerHour;
    let mut bench = Bench::start(&site(vec![("p", rtu_link())], vec![registers("i", 1, vec![reads], 1)]));
    let mut device = bench.device().await;
    let mut request = [0; 8];
    device.read_exact(&mut request).await.unwrap();
    assert_eq!(request, [0x01, 0x03, 0x00, 0x00, 0x00, 0x02, 0xC4, 0x0B]);
    let answer = [0x01, 0x03, 0x04, 0x44, 0x9A, 0x50, 0x00, 0xF2, 0xEC];
    // In three pieces, as a USB adapter hands them over.
    for piece in answer.chunks(3) {
        device.write_all(piece).await.unwrap();
        sleep(ms(16)).await;
    }
    let arrival = bench.said().await;
    assert_eq!(shown(&arrival), ["dose-rate=1234.5 uSv/h"]);
    assert_eq!(arrival.raw.as_ref(), answer);
}

#[tokio::test(start_paused = true)]
async fn polls_keep_their_rate_and_frames_their_distance() {
    let (arrivals, bench, seen) =
        run(rtu_link(), vec![two_registers("i", 1), two_registers("j", 2)], ms(10_400), |_, seen| {
            Does::Later(ms(20), rtu_answer(seen.unit, &words(seen.count, 7)))
        })
        .await;
    assert_eq!(values(&arrivals).len(), 2 * (11 + 10));
    assert_eq!((bench.counts("i").readings, bench.counts("j").readings), (22, 20));
    assert!(seen.iter().all(|it| (it.address, it.count) == (0, 2)));
    // Half a period apart, on one grid.
    let first = seen[0].at;
    for (index, it) in seen.iter().enumerate() {
        assert_eq!(it.unit, if index % 2 == 0 { 1 } else { 2 });
        let offset = it.at - first;
        let grid = ms(500) * u32::try_from(index).unwrap();
        assert!(offset.abs_diff(grid) <= ms(10), "request {index} at {offset:?}");
    }
}

/// Requests follow each other after 3.5 characters of silence at least: 4.01 ms at 9600 Bd.
#[tokio::test(start_paused = true)]
async fn blocks_of_one_poll_keep_silence_between_them() {
    let far_apart = vec![channel("a", Table::Input, 0, Encoding::U16), channel("b", Table::Input, 500, Encoding::U16)];
    let (arrivals, _, seen) = run(rtu_link(), vec![registers("i", 1, far_apart, 1)], ms(900), |_, seen| {
        Does::Answers(rtu_answer(1, &words(seen.count, seen.address)))
    })
    .await;
    assert_eq!(values(&arrivals), ["0", "500"]);
    assert_eq!(arrivals.last().unwrap().raw, [rtu_answer(1, &[0]), rtu_answer(1, &[500])].concat());
    let gap = seen[1].at - seen[0].at;
    assert!(gap >= Duration::from_micros(4010), "{gap:?}");
}

/// The server answers with the number of the request, always too late: by a little, by a whole
/// period, and by several. Whatever the delay, no answer may pass for a later request's.
#[tokio::test(start_paused = true)]
async fn rtu_a_late_answer_never_becomes_the_next_value() {
    for delay in [530, 600, 990, 1010, 1490, 1700, 2300, 3500, 5100, 9000] {
        let mut asked = 0;
        let (arrivals, bench, seen) = run(rtu_link(), vec![two_registers("i", 1)], ms(120_000), move |_, seen| {
            asked += 1;
            Does::Later(ms(delay), rtu_answer(1, &words(seen.count, asked)))
        })
        .await;
        assert!(seen.len() > 3, "{delay} ms: {} requests", seen.len());
        assert_eq!(values(&arrivals), [""; 0], "{delay} ms late");
        let counts = bench.counts("i");
        assert_eq!(counts.readings, 0);
        assert!(counts.late_replies > 0 && counts.missing["timed-out"] > 0, "{delay} ms: {counts:?}");
    }
}

/// One late answer, then a punctual server: the values after it are of their own requests.
#[tokio::test(start_paused = true)]
async fn rtu_the_line_is_in_step_again_after_a_late_answer() {
    for delay in [530, 700, 1600, 2050, 4000] {
        let mut asked = 0;
        let (arrivals, bench, seen) = run(rtu_link(), vec![two_registers("i", 1)], ms(30_000), move |_, seen| {
            asked += 1;
            let answer = rtu_answer(1, &words(seen.count, asked));
            Does::Later(if asked == 3 { ms(delay) } else { ms(200) }, answer)
        })
        .await;
        let got = values(&arrivals);
        // Every request for both registers but the third brought its own number, twice.
        let own: Vec<String> = seen
            .iter()
            .zip(1..)
            .filter(|(it, number)| it.count == 2 && *number != 3)
            .flat_map(|(_, number)| vec![number.to_string(); 2])
            .collect();
        assert_eq!(got, own, "{delay} ms");
        let counts = bench.counts("i");
        // Behind an answer later than declared, those of the probes are late as well.
        let late = if delay <= 1500 { 1..=1 } else { 1..=4 };
        assert!(late.contains(&counts.late_replies), "{delay} ms: {counts:?}");
        assert_eq!(counts.frames_refused, 0, "{delay} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn tcp_a_late_answer_never_becomes_the_next_value() {
    for delay in [510, 990, 1700, 5100] {
        let mut asked = 0;
        let (arrivals, bench, seen) = run(tcp_link(), vec![two_registers("i", 1)], ms(60_000), move |request, seen| {
            asked += 1;
            let answer = tcp_words(request, &words(seen.count, asked));
            if asked % 2 == 1 { Does::Later(ms(delay), answer) } else { Does::Answers(answer) }
        })
        .await;
        // Each connection serves from one; its first request is the late one, so no value comes.
        assert_eq!(values(&arrivals), [""; 0], "{delay} ms");
        assert!(seen.len() > 3);
        assert!(bench.counts("i").reconnects > 2);
        assert!(reasons(&arrivals).iter().all(|&reason| reason == Missing::TimedOut));
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_or_long_answer_is_refused() {
    for registers in [1, 3] {
        let (arrivals, bench, _) = run(rtu_link(), vec![two_registers("i", 1)], ms(900), move |_, _| {
            Does::Answers(rtu_answer(1, &words(registers, 9)))
        })
        .await;
        assert_eq!((values(&arrivals), reasons(&arrivals)), (vec![], vec![Missing::Refused; 2]));
        assert_eq!(bench.counts("i").frames_refused, 1);

        let (arrivals, bench, _) = run(tcp_link(), vec![two_registers("i", 1)], ms(900), move |request, _| {
            Does::Answers(tcp_words(request, &words(registers, 9)))
        })
        .await;
        assert_eq!((values(&arrivals), reasons(&arrivals)), (vec![], vec![Missing::Refused; 2]));
        assert_eq!((bench.counts("i").frames_refused, bench.counts("i").reconnects), (1, 0));
    }
}

/// An answer of another unit, or to another function, is not ours; our own may still follow it.
#[tokio::test(start_paused = true)]
async fn rtu_foreign_answers_are_passed_over() {
    let (arrivals, bench, _) = run(rtu_link(), vec![two_registers("i", 1), two_registers("j", 2)], ms(400), |_, _| {
        let foreign = [rtu_answer(2, &[6, 6]), rtu_frame(&[1, 3, 4, 0, 6, 0, 6])].concat();
        Does::Answers([foreign, rtu_answer(1, &[5, 5])].concat())
    })
    .await;
    assert_eq!(values(&arrivals), ["5", "5"]);
    assert_eq!((bench.counts("i").late_replies, bench.counts("j").late_replies), (1, 1));

    let (arrivals, ..) =
        run(rtu_link(), vec![two_registers("i", 1)], ms(900), |_, _| Does::Answers(rtu_answer(2, &[6, 6]))).await;
    assert_eq!((values(&arrivals), reasons(&arrivals)), (vec![], vec![Missing::TimedOut; 2]));
}

#[tokio::test(start_paused = true)]
async fn tcp_a_foreign_answer_drops_the_connection() {
    let wrong: [fn(&mut Vec<u8>); 4] = [
        |answer| answer[0] ^= 1, // transaction
        |answer| answer[2] = 1,  // protocol
        |answer| answer[6] = 9,  // unit
        |answer| answer[7] = 3,  // function
    ];
    for spoil in wrong {
        let (arrivals, bench, _) = run(tcp_link(), vec![two_registers("i", 1)], ms(60_000), move |request, _| {
            let mut answer = tcp_words(request, &[6, 6]);
            spoil(&mut answer);
            Does::Answers(answer)
        })
        .await;
        assert_eq!(values(&arrivals), [""; 0]);
        assert!(reasons(&arrivals).iter().all(|&reason| reason == Missing::Refused), "{:?}", reasons(&arrivals));
        let reconnects = bench.counts("i").reconnects;
        assert!((3..40).contains(&reconnects), "{reconnects}: dropped every time, and not hammered");
    }
}

/// A server that answers twice; the next transaction number is easily guessed.
#[tokio::test(start_paused = true)]
async fn tcp_bytes_nobody_asked_for_are_never_believed() {
    for delay in [0, 1, 400] {
        let (arrivals, bench, _) = run(tcp_link(), vec![two_registers("i", 1)], ms(9900), move |request, seen| {
            let answer = tcp_words(request, &words(seen.count, 4));
            let mut next = answer.clone();
            next[1] += 1;
            next[10] = 0xEE;
            Does::Twice(answer, ms(delay), next)
        })
        .await;
        let got = values(&arrivals);
        assert!(got.len() >= 8 && got.iter().all(|value| value == "4"), "{delay} ms: {got:?}");
        let counts = bench.counts("i");
        // In one segment with the answer the client drops it; later it costs the connection.
        assert_eq!(counts.reconnects > 0, delay > 0, "{delay} ms: {counts:?}");
        assert_eq!(counts.reconnects, counts.late_replies, "{delay} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exception_is_the_reason_it_gives() {
    let exception = rtu_frame(&[1, 0x84, 2]);
    let (arrivals, bench, seen) = {
        let exception = exception.clone();
        run(rtu_link(), vec![two_registers("i", 1)], ms(4900), move |_, _| Does::Answers(exception.clone())).await
    };
    assert_eq!(reasons(&arrivals), [Missing::Exception(2); 10]);
    assert_eq!(seen.len(), 5, "the unit is alive and keeps its rate");
    assert_eq!(arrivals.last().unwrap().raw, exception);
    assert_eq!(bench.counts("i").missing["exception"], 10);

    let (arrivals, bench, _) = run(tcp_link(), vec![two_registers("i", 1)], ms(900), |request, _| {
        Does::Answers(tcp_answer(request, &[0x84, 6]))
    })
    .await;
    assert_eq!(reasons(&arrivals), [Missing::Exception(6); 2]);
    assert_eq!(bench.counts("i").reconnects, 0);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_check_is_a_crc_error() {
    let (arrivals, bench, _) = run(rtu_link(), vec![two_registers("i", 1)], ms(900), |_, _| {
        let mut answer = rtu_answer(1, &[5, 5]);
        answer[4] ^= 0x10;
        Does::Answers(answer)
    })
    .await;
    assert_eq!((values(&arrivals), reasons(&arrivals)), (vec![], vec![Missing::CrcError; 2]));
    assert_eq!(arrivals.last().unwrap().raw.len(), 9, "the bytes are kept as they came");
    assert_eq!(bench.counts("i").frames_refused, 1);
}

#[tokio::test(start_paused = true)]
async fn half_an_answer_is_refused() {
    let (arrivals, ..) = run(rtu_link(), vec![two_registers("i", 1)], ms(900), |_, _| {
        Does::Answers(rtu_answer(1, &[5, 5])[..6].to_vec())
    })
    .await;
    assert_eq!((values(&arrivals), reasons(&arrivals)), (vec![], vec![Missing::Refused; 2]));
    let (arrivals, bench, _) = run(tcp_link(), vec![two_registers("i", 1)], ms(900), |request, _| {
        Does::Answers(tcp_words(request, &[5, 5])[..9].to_vec())
    })
    .await;
    assert_eq!((values(&arrivals), reasons(&arrivals)), (vec![], vec![Missing::Refused; 2]));
    assert!(bench.counts("i").reconnects > 0);
}

/// Two-wire adapters may send our own request back, and a line in the open picks up noise.
#[tokio::test(start_paused = true)]
async fn rtu_echo_and_noise_before_the_answer_are_dropped() {
    let (arrivals, bench, _) = run(rtu_link(), vec![two_registers("i", 1)], ms(9900), |request, seen| {
        Does::Answers([request, &[0x00, 0x7F, 0xFF], &rtu_answer(1, &words(seen.count, 5))].concat())
    })
    .await;
    assert_eq!(values(&arrivals).len(), 20);
    let counts = bench.counts("i");
    assert_eq!((counts.garbage_bytes, counts.late_replies, counts.frames_refused), (30, 0, 0));
}

/// An agent that crashed has asked just this; its answer comes when the next one has opened the line.
#[tokio::test(start_paused = true)]
async fn rtu_an_answer_to_whoever_asked_before_us_is_discarded() {
    let mut bench = Bench::start(&site(vec![("p", rtu_link())], vec![two_registers("i", 1)]));
    let mut device = bench.device().await;
    sleep(ms(1490)).await;
    device.write_all(&rtu_answer(1, &[6, 6])).await.unwrap();
    let mut request = [0; 8];
    device.read_exact(&mut request).await.unwrap();
    device.write_all(&rtu_answer(1, &[5, 5])).await.unwrap();
    assert_eq!(values(&[bench.said().await]), ["5", "5"]);
    assert_eq!(bench.counts("i").late_replies, 1);
}

/// Bytes for ever, as from a broken converter: never a value, and every poll ends all the same.
/// Under a paused clock time only passes while every task waits, so a task that went on taking
/// bytes would hang this test.
#[tokio::test(start_paused = true)]
async fn a_flood_is_never_a_reading_and_does_not_block() {
    for link in [rtu_link(), tcp_link()] {
        let (arrivals, ..) = run(link.clone(), vec![two_registers("i", 1)], ms(20_000), |_, _| Does::Floods).await;
        assert_eq!(values(&arrivals), [""; 0], "{link:?}");
        let told = reasons(&arrivals);
        assert!(told.len() > 10, "{link:?}: {told:?}");
        assert!(
            told.iter().all(|&reason| reason == Missing::Refused || reason == Missing::CrcError),
            "{link:?}: {told:?}"
        );
    }
}

/// A dead unit costs the line one time-out per pause, and the live one nothing but that wait.
#[tokio::test(start_paused = true)]
async fn a_dead_unit_leaves_the_live_one_its_rate() {
    for link in [rtu_link(), tcp_link()] {
        let tcp = matches!(link, Link::ModbusTcp { .. });
        let (_, bench, seen) =
            run(link, vec![two_registers("dead", 1), two_registers("live", 2)], ms(120_000), move |request, seen| {
                if seen.unit == 1 {
                    return Does::Nothing;
                }
                let answer = words(seen.count, 7);
                Does::Answers(if tcp { tcp_words(request, &answer) } else { rtu_answer(2, &answer) })
            })
            .await;
        let (dead, live) = (bench.counts("dead"), bench.counts("live"));
        assert_eq!((live.readings, live.missing.len()), (240, 0), "tcp {tcp}");
        assert_eq!(dead.readings, 0);
        let asked = seen.iter().filter(|it| it.unit == 1).count();
        assert!((5..=16).contains(&asked), "tcp {tcp}: {asked} probes in two minutes");
        // Each poll is accounted for, asked or not.
        assert!(dead.missing["timed-out"] >= 115, "{dead:?}");
    }
}

/// An instrument that is allowed ten times as long as the dead one does not make the dead one cost
/// the line any more than its own time-out.
#[tokio::test(start_paused = true)]
async fn a_dead_unit_costs_its_own_time_out_and_no_more() {
    let mut patient = two_registers("patient", 2);
    let Protocol::Registers { poll, timeout, max_answer_time, .. } = &mut patient.protocol else { unreachable!() };
    (*poll, *timeout, *max_answer_time) = (ms(600), ms(5000), ms(5000));
    let (_, bench, seen) = run(rtu_link(), vec![two_registers("dead", 1), patient], ms(120_000), |_, seen| {
        if seen.unit == 1 { Does::Nothing } else { Does::Answers(rtu_answer(2, &words(seen.count, 7))) }
    })
    .await;
    let patient = bench.counts("patient");
    // Every 0.6 s from 5.4 s up to 121.2 s, two registers: what a line of its own would bring.
    assert_eq!((patient.readings, patient.missing.len()), (2 * 194, 0));
    // And the dead one is left alone until its own answer can no longer come.
    let asked: Vec<Instant> = seen.iter().filter(|it| it.unit == 1).map(|it| it.at).collect();
    assert!(asked.len() > 3 && asked.windows(2).all(|pair| pair[1] - pair[0] >= ms(1500)), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_comes_back_is_read_again() {
    let start = Instant::now();
    let (arrivals, ..) = run(rtu_link(), vec![two_registers("i", 1)], ms(100_000), move |_, seen| {
        if seen.at - start < ms(40_000) { Does::Nothing } else { Does::Answers(rtu_answer(1, &words(seen.count, 7))) }
    })
    .await;
    let first = arrivals.iter().find(|it| !values(std::slice::from_ref(it)).is_empty()).unwrap();
    assert!(first.at.mono_ms < 40_000 + 32_000, "back after one pause at most: {}", first.at.mono_ms);
}

/// A gateway that cannot reach the unit says so; it is as dead as if it were silent.
#[tokio::test(start_paused = true)]
async fn a_gateways_word_for_a_dead_unit_opens_the_breaker() {
    let (arrivals, _, seen) = run(tcp_link(), vec![two_registers("i", 1)], ms(60_000), |request, _| {
        Does::Answers(tcp_answer(request, &[0x84, 0x0B]))
    })
    .await;
    assert!(seen.len() <= 12, "{}", seen.len());
    assert!(reasons(&arrivals).iter().all(|&reason| reason == Missing::Exception(0x0B)));
}

#[tokio::test(start_paused = true)]
async fn refused_gaps_are_left_out_from_then_on() {
    let gappy = vec![channel("a", Table::Input, 0, Encoding::U16), channel("b", Table::Input, 5, Encoding::U16)];
    let (arrivals, _, seen) = run(rtu_link(), vec![registers("i", 1, gappy, 1)], ms(2900), |_, seen| {
        if seen.count > 1 {
            Does::Answers(rtu_frame(&[1, 0x84, 2]))
        } else {
            Does::Answers(rtu_answer(1, &[seen.address]))
        }
    })
    .await;
    assert_eq!(values(&arrivals), ["0", "5"].repeat(3));
    assert_eq!(seen.iter().filter(|it| it.count > 1).count(), 1);
    assert!(reasons(&arrivals).is_empty());
}

/// Forty registers apart: by arithmetic two requests are cheaper, but this unit thinks for 200 ms about
/// each of them.
#[tokio::test(start_paused = true)]
async fn a_plan_follows_what_was_measured() {
    let apart = vec![channel("a", Table::Input, 0, Encoding::U16), channel("b", Table::Input, 40, Encoding::U16)];
    for (thinks, requests) in [(200, 1), (0, 2)] {
        let (arrivals, _, seen) =
            run(rtu_link(), vec![registers("i", 1, apart.clone(), 1)], ms(29_900), move |_, seen| {
                let words: Vec<u16> = (seen.address..seen.address + seen.count).collect();
                Does::Later(ms(20 + 2 * u64::from(seen.count) + thinks), rtu_answer(1, &words))
            })
            .await;
        assert_eq!(values(&arrivals), ["0", "40"].repeat(30), "thinks {thinks} ms");
        assert!(seen[..4].iter().all(|it| it.count == 1), "begins by arithmetic");
        let last = seen.iter().rev().take_while(|it| seen[seen.len() - 1].at - it.at < ms(900)).count();
        assert_eq!(last, requests, "thinks {thinks} ms: requests of the last poll");
    }
}

#[tokio::test(start_paused = true)]
async fn bits_are_read_as_bits() {
    let inputs = vec![
        channel("entry", Table::DiscreteInput, 0, Encoding::Bit(0)),
        channel("exit", Table::DiscreteInput, 1, Encoding::Bit(0)),
        channel("spare", Table::DiscreteInput, 2, Encoding::Bit(0)),
    ];
    // The published answer with inputs 0 and 1 on.
    let answer = [0x01, 0x02, 0x01, 0x03, 0xE1, 0x89];
    let (arrivals, _, seen) =
        run(rtu_link(), vec![registers("i", 1, inputs, 1)], ms(900), move |_, _| Does::Answers(answer.to_vec())).await;
    assert_eq!(shown(arrivals.last().unwrap()), ["entry=1 1", "exit=1 1", "spare=0 1"]);
    assert_eq!((seen[0].address, seen[0].count), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_told_and_opened_again() {
    let mut asked = 0;
    let (arrivals, bench, _) = run(tcp_link(), vec![two_registers("i", 1)], ms(30_000), move |request, seen| {
        asked += 1;
        if asked == 3 { Does::Hangs } else { Does::Answers(tcp_words(request, &words(seen.count, 7))) }
    })
    .await;
    let counts = bench.counts("i");
    // Two good polls and a lost one per connection.
    assert!(counts.reconnects >= 8, "{counts:?}");
    assert!(values(&arrivals).len() >= 32);
    assert!(arrivals.iter().any(|it| it.content == Content::Link(LinkState::Down)));
    let told: Vec<Missing> = reasons(&arrivals);
    assert!(!told.is_empty() && told.iter().all(|&reason| reason == Missing::LineDown), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn every_poll_of_a_closed_port_is_accounted_for() {
    let mut bench = Bench::start(&site(vec![("p", tcp_link())], vec![two_registers("i", 1)]));
    drop(bench.device().await);
    bench.refuses.store(true, Relaxed);
    let arrivals = bench.during(ms(60_000)).await;
    let down = reasons(&arrivals);
    assert!(down.iter().all(|&reason| reason == Missing::LineDown));
    assert!((60..=64).contains(&down.len()), "{}", down.len());
    let links: Vec<_> =
        arrivals.iter().filter(|it| matches!(it.content, Content::Link(_))).map(|it| it.content.clone()).collect();
    assert_eq!(links, [Content::Link(LinkState::Up), Content::Link(LinkState::Down)]);
}

/// A server may close an idle connection between two polls; that costs no reading.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_closed_by_the_server_costs_nothing() {
    let mut bench = Bench::start(&site(vec![("p", tcp_link())], vec![two_registers("i", 1)]));
    for value in 1..=5 {
        let mut device = bench.device().await;
        let mut request = [0; 12];
        device.read_exact(&mut request).await.unwrap();
        device.write_all(&tcp_words(&request, &[value, value])).await.unwrap();
        assert_eq!(values(&[bench.said().await]), [value.to_string(), value.to_string()]);
    }
    let counts = bench.counts("i");
    assert_eq!((counts.readings, counts.reconnects, counts.missing.len()), (10, 4, 0));
}
