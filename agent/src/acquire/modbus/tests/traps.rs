//! What tokio-modbus and tokio-serial get wrong when left alone, each with the test that shows it does
//! not reach a reading.
//!
//! | left alone | held by |
//! |---|---|
//! | RTU takes a late answer for the next one, for ever | `late`, `rtu_a_late_answer_never_becomes_the_next_value` |
//! | its buffer is cleared, that of the kernel is not | `input_left_in_the_kernel_is_thrown_away_before_asking` |
//! | lengths are checked in debug builds only | `a_short_or_long_answer_is_refused` |
//! | TCP answers every call after a late answer with a mismatch | `tcp_a_late_answer_costs_one_connection_and_no_more` |
//! | any quantity is asked for | `no_request_asks_for_more_than_the_protocol_allows` |
//! | a question to everyone waits for ever | `a_question_to_everyone_ends_by_time_out` |
//! | no silence between frames | `blocks_of_one_poll_keep_silence_between_them`, `turnaround_is_kept_after_an_answer` |
//! | twenty bytes of noise end a call | `rtu_any_noise_before_the_answer_is_passed_over` |
//! | a malformed frame spoils those after it | `rtu_a_malformed_frame_spoils_nothing_after_it` |
//! | the kind of an end of stream is that of the last error of the system | `a_lost_connection_is_told_and_opened_again` |
//! | a vanished device reads as zero bytes for ever | `a_vanished_device_is_not_spun_on` |
//! | a second opening of a held line fails | `replug`, and `acquire::system` |

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use tidewaiter_config::site::{Parity, SerialLine};
use tokio_serial::{SerialPort as _, SerialStream};

use super::*;
use crate::acquire::{
    modbus::line::{Ask, Failure, Line, Pace},
    port::PortStream,
};

const PACE: Pace = Pace { timeout: Duration::from_millis(500), longest: Duration::ZERO, turnaround: None };

fn serial_line() -> SerialLine {
    SerialLine { path: "/dev/none".into(), baud: 19_200, data_bits: 8, parity: Parity::None, stop_bits: 1 }
}

fn line(port: impl PortStream + 'static) -> Line {
    Line::rtu(Box::new(port), serial_line(), &std::collections::BTreeMap::new())
}

#[tokio::test]
async fn input_left_in_the_kernel_is_thrown_away_before_asking() {
    let (mut far, near) = SerialStream::pair().unwrap();
    // An answer to somebody's question, with all that a fresh one would have.
    far.write_all(&rtu_answer(1, &[6, 6])).await.unwrap();
    while near.bytes_to_read().unwrap() < 9 {
        tokio::task::yield_now().await;
    }
    let mut line = line(near);
    let (exchange, ()) =
        tokio::join!(line.ask(Ask { unit: 1, table: Table::Input, address: 0, count: 2 }, PACE), async {
            let mut request = [0; 8];
            far.read_exact(&mut request).await.unwrap();
            far.write_all(&rtu_answer(1, &[5, 5])).await.unwrap();
        });
    assert_eq!(exchange.outcome.unwrap(), [5, 5]);
}

#[tokio::test(start_paused = true)]
async fn tcp_a_late_answer_costs_one_connection_and_no_more() {
    let asked = Arc::new(AtomicU32::new(0));
    let (arrivals, bench, _) = run(tcp_link(), vec![two_registers("i", 1)], ms(29_900), move |request, seen| {
        let number = asked.fetch_add(1, Relaxed) + 1;
        let answer = tcp_words(request, &words(seen.count, 7));
        if number == 5 { Does::Later(ms(900), answer) } else { Does::Answers(answer) }
    })
    .await;
    let counts = bench.counts("i");
    assert_eq!((counts.reconnects, counts.missing["timed-out"] <= 4), (1, true), "{counts:?}");
    assert!(values(&arrivals).len() >= 2 * 27, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn no_request_asks_for_more_than_the_protocol_allows() {
    for link in [rtu_link(), tcp_link()] {
        let tcp = matches!(link, Link::ModbusTcp { .. });
        let mut channels: Vec<RegisterChannel> =
            (0..300).map(|at| channel(&format!("r{at}"), Table::Holding, at, Encoding::U16)).collect();
        channels.extend((0..2500).map(|at| channel(&format!("b{at}"), Table::Coil, at, Encoding::Bit(0))));
        let (_, bench, seen) = run(link, vec![registers("i", 1, channels, 1)], ms(4000), move |request, seen| {
            let bytes = if seen.function == 1 { seen.count.div_ceil(8) } else { seen.count * 2 };
            let mut pdu = vec![seen.function, u8::try_from(bytes).unwrap()];
            pdu.resize(2 + usize::from(bytes), 0);
            Does::Answers(if tcp { tcp_answer(request, &pdu) } else { rtu_frame(&[&[1][..], &pdu].concat()) })
        })
        .await;
        assert!(seen.iter().any(|it| it.function == 3) && seen.iter().any(|it| it.function == 1));
        for it in &seen {
            assert!(it.count <= if it.function == 1 { 2000 } else { 125 }, "{it:?}");
        }
        assert!(bench.counts("i").readings >= 2800);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_to_everyone_ends_by_time_out() {
    let (arrivals, _, seen) = run(rtu_link(), vec![two_registers("i", 0)], ms(9900), |_, _| Does::Nothing).await;
    assert!(!seen.is_empty());
    assert!(reasons(&arrivals).len() >= 9 && reasons(&arrivals).iter().all(|it| *it == Missing::TimedOut));
}

/// Unit 1's answer begins like that of function 1 with any byte before it, so that noise can look like
/// the head of a long frame.
#[tokio::test(start_paused = true)]
async fn rtu_any_noise_before_the_answer_is_passed_over() {
    for noise in [1, 19, 20, 21, 64, 200] {
        for byte in [0x00, 0x01, 0x04, 0x2B, 0x55, 0x84, 0xFF] {
            let (arrivals, ..) = run(rtu_link(), vec![two_registers("i", 1)], ms(4900), move |_, seen| {
                Does::Answers([vec![byte; noise], rtu_answer(1, &words(seen.count, 5))].concat())
            })
            .await;
            assert_eq!(values(&arrivals), ["5"; 10], "{noise} times {byte:#04x}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rtu_a_malformed_frame_spoils_nothing_after_it() {
    type Spoil = fn(&[u8]) -> Vec<u8>;
    let malformed: [Spoil; 7] = [
        |good| good[..good.len() - 3].to_vec(),
        |good| good[1..].to_vec(),
        |good| [&good[..5], &good[6..]].concat(),
        |good| [good, &good[..4]].concat(),
        |good| good.iter().map(|byte| byte ^ 0x20).collect(),
        |good| [&good[..2], &[0xFA], &good[3..]].concat(),
        |good| [&good[..2], &[0x00], &good[3..]].concat(),
    ];
    for (kind, spoil) in malformed.into_iter().enumerate() {
        let asked = Arc::new(AtomicU32::new(0));
        let (arrivals, bench, _) = run(rtu_link(), vec![two_registers("i", 1)], ms(19_900), move |_, seen| {
            let number = asked.fetch_add(1, Relaxed) + 1;
            let good = rtu_answer(1, &words(seen.count, 7));
            Does::Answers(if number == 3 { spoil(&good) } else { good })
        })
        .await;
        let got = values(&arrivals);
        assert!(got.len() >= 2 * 16 && got.iter().all(|it| it == "7"), "{kind}: {got:?}");
        assert_eq!(bench.counts("i").reconnects, 0, "{kind}");
    }
}

/// 10 ms declared, beside 3.5 characters of 4.01 ms at 9600 Bd.
#[tokio::test(start_paused = true)]
async fn turnaround_is_kept_after_an_answer() {
    for (declared, least) in [(Some(ms(10)), Duration::from_micros(14_010)), (None, Duration::from_micros(5150))] {
        let channels =
            vec![channel("a", Table::Input, 0, Encoding::U16), channel("b", Table::Input, 500, Encoding::U16)];
        let mut instrument = registers("i", 1, channels, 1);
        let Protocol::Registers { turnaround, .. } = &mut instrument.protocol else { unreachable!() };
        *turnaround = declared;
        let (_, _, seen) = run(rtu_link(), vec![instrument], ms(900), |_, seen| {
            Does::Answers(rtu_answer(1, &words(seen.count, seen.address)))
        })
        .await;
        let gap = seen[1].at - seen[0].at;
        assert!(gap >= least && gap <= least + ms(3), "{declared:?}: {gap:?}");
    }
}

/// A port that reads zero bytes for ever, and counts how often it is asked.
#[derive(Debug)]
struct Vanished(Arc<AtomicU32>);

impl AsyncRead for Vanished {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.0.fetch_add(1, Relaxed);
        std::task::Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Vanished {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

impl PortStream for Vanished {
    fn discard_input(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_vanished_device_is_not_spun_on() {
    let reads = Arc::new(AtomicU32::new(0));
    let mut line = line(Vanished(Arc::clone(&reads)));
    let exchange = line.ask(Ask { unit: 1, table: Table::Input, address: 0, count: 2 }, PACE).await;
    assert!(matches!(exchange.outcome, Err(Failure::Lost { sent: false, .. })), "{:?}", exchange.outcome);
    assert_eq!(reads.load(Relaxed), 1);
}
