//! Byte streams against the far end of an in-memory port. Frames are published or captured ones.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use tidewaiter_config::site::{Link, Protocol, TextEncoding};
use tidewaiter_drivers::{Unit, portal::rpm, reading::Missing};
use tokio::{
    io::{AsyncWriteExt as _, DuplexStream},
    time::{Instant, sleep},
};

use crate::acquire::{
    Content, LinkState, Mark,
    tests::{Bench, WALL_MS, d, instrument, ms, readings, reasons, serial, shown, site, values},
};

/// Real captures of truck scales at 1200 Bd: 1560 kg and 0 kg.
const KG_1560: &[u8] = b"\x02+001560019\x03";
const KG_0: &[u8] = b"\x02+00000001B\x03";

async fn bench(protocol: Protocol) -> (Bench, DuplexStream) {
    let site = site(vec![("p", Link::Serial(serial(9600)))], vec![instrument("i", "p", protocol)]);
    let mut bench = Bench::start(&site);
    let device = bench.device().await;
    assert_eq!(bench.next().await.content, Content::Link(LinkState::Up));
    (bench, device)
}

fn scale() -> Protocol {
    Protocol::Xk3190Tf0 { unit: Unit::Kilogram, scale_interval: d("20"), settle: ms(1000) }
}

fn portal() -> Protocol {
    Protocol::RpmLines { n_sigma: d("7"), intervals: 5, speed_limit_kmh: d("8") }
}

fn plates(encoding: TextEncoding) -> Protocol {
    Protocol::PlateLines { encoding }
}

#[tokio::test(start_paused = true)]
async fn a_scale_is_unstable_until_it_has_rested() {
    let (mut bench, mut device) = bench(scale()).await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        // Cut where no frame ends.
        device.write_all(&KG_1560[..5]).await.unwrap();
        sleep(ms(1)).await;
        device.write_all(&KG_1560[5..]).await.unwrap();
        sleep(ms(249)).await;
        let arrival = bench.next().await;
        assert_eq!(arrival.raw, KG_1560);
        seen.extend(shown(&arrival));
    }
    let (moving, rested) = ("mass=1560 kg unstable", "mass=1560 kg");
    assert_eq!(seen, [moving, moving, moving, moving, rested, rested]);
}

#[tokio::test(start_paused = true)]
async fn a_reading_bears_the_time_its_last_byte_arrived() {
    let (mut bench, mut device) = bench(scale()).await;
    sleep(ms(700)).await;
    device.write_all(&KG_0[..11]).await.unwrap();
    sleep(ms(50)).await;
    device.write_all(&KG_0[11..]).await.unwrap();
    let arrival = bench.next().await;
    assert_eq!((arrival.at.mono_ms, arrival.at.wall_ms), (750, WALL_MS + 750));
    assert_eq!(readings(&arrival)[0].at, arrival.at);
}

#[tokio::test(start_paused = true)]
async fn a_ph_meter_shows_two_channels() {
    let (mut bench, mut device) = bench(Protocol::PhStream).await;
    // As captured: code page 437 degree sign, joined in the middle of a line.
    device.write_all(b"0.54pH 24.7\xF8C ATC\r\n4.54pH 24.7\xF8C ATC\r\n").await.unwrap();
    let arrival = bench.next().await;
    assert_eq!(shown(&arrival), ["ph=4.54 [pH]", "temperature=24.7 Cel"]);
    assert_eq!(arrival.raw.as_ref(), b"4.54pH 24.7\xF8C ATC");
}

#[tokio::test(start_paused = true)]
async fn portal_lines_pass_and_unknown_ones_are_no_fault() {
    let (mut bench, mut device) = bench(portal()).await;
    device.write_all(b"ZZ,000001,000002,000003,000004\r\nGS,000043,000045,000042,000045\r\n").await.unwrap();
    assert_eq!(bench.next().await.content, Content::Portal(rpm::Line::Unknown));
    let arrival = bench.next().await;
    let line = rpm::Line::Gamma { tag: rpm::GammaTag::GS, counts: [43, 45, 42, 45] };
    assert_eq!(arrival.content, Content::Portal(line));
    assert_eq!(arrival.raw.as_ref(), b"GS,000043,000045,000042,000045");
    assert_eq!(bench.counts("i").frames_refused, 0);
}

#[tokio::test(start_paused = true)]
async fn plates_become_unicode_or_nothing() {
    let mark = |text: &str, confidence| Content::Identity(Mark { kind: "plate", text: text.into(), confidence });
    let (mut gbk, mut camera) = bench(plates(TextEncoding::Gbk)).await;
    // GB 2312 row 52, cell 33 is the province character of Guangdong; 81 20 is no GBK character.
    camera.write_all(b"\x81\x20B99999,80\r\n\xD4\xC1B12345,97\r\n").await.unwrap();
    let arrival = gbk.next().await;
    assert_eq!(arrival.content, mark("粤B12345", Some(97)));
    assert_eq!(arrival.raw.as_ref(), b"\xD4\xC1B12345,97");
    assert_eq!(gbk.counts("i").frames_refused, 1);

    let (mut utf8, mut camera) = bench(plates(TextEncoding::Utf8)).await;
    camera.write_all("\u{FEFF}\r\n".as_bytes()).await.unwrap();
    camera.write_all(b"\xD4\xC1B12345,97\r\n").await.unwrap();
    camera.write_all("粤B12345\r\n".as_bytes()).await.unwrap();
    let arrivals = utf8.during(ms(100)).await;
    assert_eq!(arrivals.last().unwrap().content, mark("粤B12345", None));
    assert!(arrivals.iter().all(|it| it.content != mark("\u{FFFD}", None)));
}

#[tokio::test(start_paused = true)]
async fn silence_is_told_once_per_period_and_again() {
    let (mut bench, mut device) = bench(scale()).await;
    let start = Instant::now();
    for period in 1..=3 {
        assert_eq!(bench.next().await.content, Content::Missing(Missing::TimedOut));
        assert_eq!(start.elapsed(), ms(3000 * period));
    }
    // A frame begins a new period.
    sleep(ms(2000)).await;
    device.write_all(KG_0).await.unwrap();
    assert_eq!(shown(&bench.next().await), ["mass=0 kg unstable"]);
    assert_eq!(bench.next().await.content, Content::Missing(Missing::TimedOut));
    assert_eq!(start.elapsed(), ms(14_000));
}

#[tokio::test(start_paused = true)]
async fn a_portal_may_pause_between_two_backgrounds_and_a_camera_for_ever() {
    let (mut bench1, mut device) = bench(portal()).await;
    for _ in 0..5 {
        device.write_all(b"GB,000231,000238,000225,000240\r\n").await.unwrap();
        sleep(ms(5000)).await;
    }
    let arrivals = bench1.during(ms(10)).await;
    assert_eq!((arrivals.len(), reasons(&arrivals)), (5, vec![]));
    let (mut bench2, _camera) = bench(plates(TextEncoding::Utf8)).await;
    assert_eq!(bench2.during(ms(3_600_000)).await, []);
}

#[tokio::test(start_paused = true)]
async fn silence_names_what_came_instead() {
    let (mut bench, mut device) = bench(scale()).await;
    // One digit flipped: the check does not hold.
    let flipped = b"\x02+001570019\x03";
    device.write_all(flipped).await.unwrap();
    let arrival = bench.next().await;
    assert_eq!((arrival.content, arrival.raw.as_ref()), (Content::Missing(Missing::CrcError), flipped.as_slice()));
    device.write_all(b"hello").await.unwrap();
    assert_eq!(bench.next().await.content, Content::Missing(Missing::Refused));
    assert_eq!(bench.next().await.content, Content::Missing(Missing::TimedOut));
    assert_eq!(bench.counts("i").frames_refused, 1);
}

/// A line with the wrong baud rate: bytes for ever, never a value, and the memory of one chunk.
#[tokio::test(start_paused = true)]
async fn a_megabyte_of_garbage_is_never_a_reading() {
    const FLOOD_BYTES: u64 = 1 << 20;
    for protocol in [scale(), portal(), Protocol::PhStream] {
        let (mut bench, mut device) = bench(protocol.clone()).await;
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut flood = Vec::new();
        for _ in 0..FLOOD_BYTES {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            flood.push(state.to_be_bytes()[0]);
        }
        // The in-memory port holds 64 KiB, so this returns only as the task takes bytes.
        device.write_all(&flood).await.unwrap();
        let arrivals = bench.during(ms(4000)).await;
        assert_eq!(values(&arrivals), [""; 0], "{protocol:?}");
        assert!(arrivals.iter().all(|it| matches!(it.content, Content::Missing(_))), "{protocol:?}");
        let counts = bench.counts("i");
        assert_eq!(counts.readings, 0);
        assert!(counts.garbage_bytes + counts.frames_refused > 1000, "{counts:?}");
        assert!(counts.garbage_bytes <= FLOOD_BYTES, "{counts:?}");
        // And the next whole frame is read as if nothing had happened.
        device.write_all(b"\r\n7.00pH\r\nGB,000231,000238,000225,000240\r\n").await.unwrap();
        device.write_all(KG_0).await.unwrap();
        let after = bench.said().await;
        assert!(!matches!(after.content, Content::Missing(_)), "{protocol:?}: {after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_port_is_told_and_opened_again() {
    let (mut bench, mut device) = bench(scale()).await;
    // Half a frame is lost with the port; its other half must not complete it on the next one.
    device.write_all(&KG_1560[..6]).await.unwrap();
    sleep(ms(10)).await;
    drop(device);
    assert_eq!(bench.next().await.content, Content::Link(LinkState::Down));
    assert_eq!(bench.next().await.content, Content::Missing(Missing::LineDown));
    let mut device = bench.device().await;
    assert_eq!(bench.next().await.content, Content::Link(LinkState::Up));
    device.write_all(&KG_1560[6..]).await.unwrap();
    device.write_all(KG_0).await.unwrap();
    assert_eq!(shown(&bench.next().await), ["mass=0 kg unstable"]);
    let counts = bench.counts("i");
    assert_eq!((counts.reconnects, counts.missing["line-down"], counts.readings), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_port_that_does_not_open_is_told_every_period() {
    let (mut bench, device) = bench(scale()).await;
    bench.refuses.store(true, std::sync::atomic::Ordering::Relaxed);
    drop(device);
    let arrivals = bench.during(ms(30_500)).await;
    assert_eq!(arrivals[0].content, Content::Link(LinkState::Down));
    let down = reasons(&arrivals);
    assert!(down.iter().all(|&reason| reason == Missing::LineDown), "{down:?}");
    // At once, then every three seconds, whatever the pauses between the attempts.
    assert_eq!(down.len(), 1 + 10);
    bench.refuses.store(false, std::sync::atomic::Ordering::Relaxed);
    let _device = bench.device().await;
}

/// A read of zero bytes again and again is what a vanished serial line gives.
#[tokio::test(start_paused = true)]
async fn a_port_that_ends_at_once_is_not_hammered() {
    let (mut bench, device) = bench(scale()).await;
    drop(device);
    let start = Instant::now();
    while start.elapsed() < ms(120_000) {
        drop(bench.device().await);
    }
    let attempts = bench.attempts.load(std::sync::atomic::Ordering::Relaxed);
    assert!((10..40).contains(&attempts), "{attempts} attempts in two minutes");
}

mod asked {
    //! Instruments that speak only when asked, at the far end of an in-memory port.
    //!
    //! Frames are those of the XK3190-A9+ and Toledo manuals, the MT-SICS reference and the DMA M manual.

    use std::time::Duration;

    use tidewaiter_config::{
        profile::{Fact, load_line_str},
        site::{Codec, Polling, Rest},
    };
    use tidewaiter_drivers::scale::{
        toledo::{DummyZeros, Settings},
        xk3190_command::{Address, Command},
    };
    use tokio::{io::AsyncReadExt as _, time::timeout};

    use super::*;

    const GROSS: &[u8] = b"\x02AB03\x03";
    const TARE: &[u8] = b"\x02AC02\x03";
    const GROSS_B: &[u8] = b"\x02BB00\x03";
    /// Gross 12340, tare 4120 of address A, as the manual prints them.
    const GROSS_12340: &[u8] = b"\x02AB+01234001C\x03";
    const TARE_4120: &[u8] = b"\x02AC+00412001E\x03";

    fn polling(poll_ms: u64) -> Polling {
        Polling { poll: ms(poll_ms), timeout: ms(200), echo: false }
    }

    fn rest() -> Rest {
        Rest { scale_interval: d("20"), settle: ms(2000) }
    }

    fn command_mode(address: u8, masses: &[Command]) -> Protocol {
        let codec = Codec::Xk3190Tf1 {
            address: Address::new(address).unwrap(),
            masses: masses.to_vec(),
            unit: Unit::Kilogram,
            rest: rest(),
        };
        Protocol::Stream { codec, polling: Some(polling(500)) }
    }

    /// A bench whose link is not told up before something answers.
    async fn silent(protocol: Protocol) -> (Bench, DuplexStream) {
        let site = site(vec![("p", Link::Serial(serial(9600)))], vec![instrument("i", "p", protocol)]);
        let mut bench = Bench::start(&site);
        let device = bench.device().await;
        (bench, device)
    }

    /// The next question; panics after a minute without one.
    async fn question(device: &mut DuplexStream, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        timeout(ms(60_000), device.read_exact(&mut bytes)).await.expect("no question").unwrap();
        bytes
    }

    /// Whatever is asked within a span.
    async fn asked(device: &mut DuplexStream, span: Duration) -> Vec<u8> {
        let mut all = Vec::new();
        let until = Instant::now() + span;
        let mut chunk = [0; 64];
        while let Ok(Ok(count @ 1..)) = tokio::time::timeout_at(until, device.read(&mut chunk)).await {
            all.extend_from_slice(&chunk[..count]);
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn every_mass_is_asked_for_and_answered_in_turn() {
        let (mut bench, mut device) = silent(command_mode(1, &[Command::Gross, Command::Tare])).await;
        let start = Instant::now();
        let mut seen = Vec::new();
        for _ in 0..6 {
            assert_eq!(question(&mut device, 6).await, GROSS);
            device.write_all(GROSS_12340).await.unwrap();
            assert_eq!(question(&mut device, 6).await, TARE);
            device.write_all(TARE_4120).await.unwrap();
            seen.push(shown(&bench.said().await).concat());
            seen.push(shown(&bench.said().await).concat());
        }
        assert_eq!(start.elapsed().as_millis() / 500, 5, "one poll every 500 ms");
        assert_eq!(seen[..2], ["gross=12340 kg unstable", "tare=4120 kg unstable"]);
        // Five answers over two seconds, each kind by itself.
        assert_eq!(seen[10..], ["gross=12340 kg", "tare=4120 kg"]);
        assert_eq!(bench.counts("i").readings, 12);
    }

    #[tokio::test(start_paused = true)]
    async fn three_tries_then_a_dead_link_then_one_try_a_poll() {
        let (mut bench, mut device) = silent(command_mode(1, &[Command::Gross])).await;
        // Three questions, 200 ms each and a pause between them.
        assert_eq!(asked(&mut device, ms(749)).await, GROSS.repeat(3));
        let first = bench.next().await;
        assert_eq!(first.content, Content::Missing(Missing::TimedOut));
        assert_eq!(bench.next().await.content, Content::Link(LinkState::Down));
        // Polls that fell due meanwhile are not made up for; then one question each.
        assert_eq!(asked(&mut device, ms(2000)).await, GROSS.repeat(4));
        let arrivals = bench.during(ms(100)).await;
        assert!(reasons(&arrivals).iter().all(|reason| *reason == Missing::LineDown), "{arrivals:?}");
        assert_eq!(question(&mut device, 6).await, GROSS);
        device.write_all(GROSS_12340).await.unwrap();
        let back = bench.during(ms(50)).await;
        let last: Vec<&Content> = back.iter().map(|it| &it.content).rev().take(2).collect();
        assert_eq!(last[1], &Content::Link(LinkState::Up));
        assert_eq!(values(&back), ["12340"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_is_not_taken_for_the_next_question() {
        let (mut bench, mut device) = silent(command_mode(1, &[Command::Gross, Command::Tare])).await;
        assert_eq!(question(&mut device, 6).await, GROSS);
        sleep(ms(210)).await;
        // The answer to the first try arrives while the second is being waited for: the same question.
        assert_eq!(question(&mut device, 6).await, GROSS);
        device.write_all(GROSS_12340).await.unwrap();
        assert_eq!(shown(&bench.said().await), ["gross=12340 kg unstable"]);
        assert_eq!(question(&mut device, 6).await, TARE);
        // The first answer once more, late; then another address's; then the right one.
        device.write_all(GROSS_12340).await.unwrap();
        device.write_all(b"\x02BC+00412001D\x03").await.unwrap();
        device.write_all(TARE_4120).await.unwrap();
        assert_eq!(shown(&bench.said().await), ["tare=4120 kg unstable"]);
        let counts = bench.counts("i");
        assert_eq!((counts.readings, counts.late_replies), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_damaged_answer_is_asked_for_again_and_told_when_it_stays_damaged() {
        let (mut bench, mut device) = silent(command_mode(1, &[Command::Gross])).await;
        let damaged = b"\x02AB+01235001C\x03";
        for _ in 0..3 {
            assert_eq!(question(&mut device, 6).await, GROSS);
            device.write_all(damaged).await.unwrap();
        }
        let arrival = bench.next().await;
        assert_eq!((arrival.content, arrival.raw.as_ref()), (Content::Missing(Missing::CrcError), damaged.as_slice()));
        assert_eq!(bench.counts("i").frames_refused, 3);
        // Somebody is there, so the link is not down.
        for _ in 0..2 {
            assert_eq!(question(&mut device, 6).await, GROSS);
            device.write_all(if bench.counts("i").frames_refused == 3 { damaged } else { GROSS_12340 }).await.unwrap();
            sleep(ms(1)).await;
        }
        assert_eq!(bench.next().await.content, Content::Link(LinkState::Up));
        assert_eq!(shown(&bench.next().await), ["gross=12340 kg unstable"]);
    }

    #[tokio::test(start_paused = true)]
    async fn two_addresses_share_a_line_and_a_dead_one_costs_one_time_out_a_poll() {
        let instruments = vec![
            instrument("a", "p", command_mode(1, &[Command::Gross])),
            instrument("b", "p", command_mode(2, &[Command::Gross])),
        ];
        let mut bench = Bench::start(&site(vec![("p", Link::Serial(serial(9600)))], instruments));
        let mut device = bench.device().await;
        let until = Instant::now() + ms(20_000);
        let mut asked_b = 0;
        while Instant::now() < until {
            match question(&mut device, 6).await.as_slice() {
                GROSS => device.write_all(GROSS_12340).await.unwrap(),
                GROSS_B => asked_b += 1,
                other => panic!("{other:?}"),
            }
        }
        let (a, b) = (bench.counts("a"), bench.counts("b"));
        assert!(a.readings >= 38, "{a:?}");
        assert!((38..=44).contains(&asked_b), "{asked_b}");
        assert_eq!(b.readings, 0);
        assert!(b.missing["line-down"] >= 35 && b.missing["timed-out"] == 1, "{b:?}");
        assert_eq!(a.missing.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_port_is_told_once_and_asked_again_when_it_is_back() {
        let (mut bench, mut device) = silent(command_mode(1, &[Command::Gross])).await;
        assert_eq!(question(&mut device, 6).await, GROSS);
        device.write_all(GROSS_12340).await.unwrap();
        assert_eq!(bench.next().await.content, Content::Link(LinkState::Up));
        bench.next().await;
        drop(device);
        assert_eq!(bench.next().await.content, Content::Link(LinkState::Down));
        assert_eq!(bench.next().await.content, Content::Missing(Missing::LineDown));
        let mut device = bench.device().await;
        assert_eq!(question(&mut device, 6).await, GROSS);
        device.write_all(GROSS_12340).await.unwrap();
        assert_eq!(bench.next().await.content, Content::Link(LinkState::Up));
        // A rest before the loss is no rest after it.
        assert_eq!(shown(&bench.next().await), ["gross=12340 kg unstable"]);
    }

    /// A connection that looks alive and never answers is opened again.
    #[tokio::test(start_paused = true)]
    async fn a_port_where_nothing_answers_is_opened_again() {
        let (mut bench, first) = silent(command_mode(1, &[Command::Gross])).await;
        let start = Instant::now();
        let _second = bench.device().await;
        assert!((30_000..40_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
        drop(first);
        let arrivals = bench.during(ms(1)).await;
        let downs = arrivals.iter().filter(|it| it.content == Content::Link(LinkState::Down)).count();
        assert_eq!(downs, 1, "a dead link is told once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_unasked_is_no_answer_and_does_not_stop_the_asking() {
        let (mut bench, mut device) = silent(command_mode(1, &[Command::Gross])).await;
        for _ in 0..200 {
            device.write_all(&[0x55; 997]).await.unwrap();
            sleep(ms(5)).await;
        }
        assert_eq!(values(&bench.during(ms(1)).await), [""; 0]);
        asked(&mut device, ms(400)).await;
        assert_eq!(question(&mut device, 6).await, GROSS);
        device.write_all(GROSS_12340).await.unwrap();
        let arrivals = bench.during(ms(100)).await;
        assert_eq!(values(&arrivals), ["12340"]);
        assert!(bench.counts("i").garbage_bytes > 100_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_balance_is_asked_once_a_poll_or_told_to_repeat() {
        let sics = |repeat, polling| Protocol::Stream { codec: Codec::MtSics { repeat }, polling };
        let (mut bench, mut device) = silent(sics(false, Some(polling(500)))).await;
        assert_eq!(question(&mut device, 4).await, b"SI\r\n");
        // Somebody tares at the balance's own key; that answers nothing.
        device.write_all(b"T S      10.25 g\r\nS S     100.00 g\r\n").await.unwrap();
        assert_eq!(shown(&bench.said().await), ["mass=100.00 g"]);
        for (answer, expected) in [
            (b"S D     129.07 g\r\n".as_slice(), "mass=129.07 g unstable"),
            (b"S +\r\n", "mass=overrange"),
            (b"S I\r\n", "mass=not-present"),
        ] {
            assert_eq!(question(&mut device, 4).await, b"SI\r\n");
            device.write_all(answer).await.unwrap();
            assert_eq!(shown(&bench.said().await), [expected]);
        }

        let (mut bench, mut device) = silent(sics(true, None)).await;
        assert_eq!(question(&mut device, 5).await, b"SIR\r\n");
        for _ in 0..3 {
            device.write_all(b"S S     100.00 g\r\n").await.unwrap();
            assert_eq!(shown(&bench.said().await), ["mass=100.00 g"]);
            sleep(ms(100)).await;
        }
        assert_eq!(asked(&mut device, ms(2000)).await, b"");
        // Switched off and on, it has forgotten; after the silence it is told again.
        assert_eq!(bench.next().await.content, Content::Missing(Missing::TimedOut));
        assert_eq!(question(&mut device, 5).await, b"SIR\r\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_density_meter_names_its_columns_first() {
        let protocol = Protocol::Stream { codec: Codec::Dma, polling: Some(polling(5000)) };
        let (mut bench, mut device) = silent(protocol).await;
        assert_eq!(question(&mut device, 12).await, b"getdatahead\r");
        device.write_all(b"Density;Density Temperature;Density Condition\r").await.unwrap();
        assert_eq!(question(&mut device, 12).await, b"getdataunit\r");
        device.write_all(b"g/cm\xFC;\xF8C;-\r").await.unwrap();
        assert_eq!(question(&mut device, 8).await, b"getdata\r");
        device.write_all(b"0.000892;20.001;valid\r").await.unwrap();
        let told = shown(&bench.said().await);
        assert_eq!(told, ["density=0.000892 g/cm3", "density-temperature=20.001 Cel"]);
    }

    fn toledo(check: bool) -> Protocol {
        let settings = Settings { check, dummy_zeros: DummyZeros::Apply };
        Protocol::Stream { codec: Codec::Toledo(settings), polling: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_toledo_stream_tells_gross_and_motion() {
        let (mut bench, mut device) = bench(toledo(true)).await;
        device.write_all(b"\x0210 001234000000\x0D\x26").await.unwrap();
        assert!(shown(&bench.next().await).contains(&"gross=12340 kg".to_owned()));
        device.write_all(b"\x0218 001234000000\x0D\x1E").await.unwrap();
        assert!(shown(&bench.next().await).contains(&"gross=12340 kg unstable".to_owned()));
        device.write_all(b"\x0214 999999000000\x0D\x76").await.unwrap();
        assert!(shown(&bench.next().await).contains(&"gross=overrange".to_owned()));
        assert_eq!(asked(&mut device, ms(1000)).await, b"", "nothing is ever sent to a stream");
    }

    const METER: &str = r#"
id = "x"
title = "x"
source = "x"
ignore = ['>*']
[framing]
end = 'any'
[request]
send = 'DATA\r'
poll = "1 s"
timeout = "300 ms"
echo = true
statements = 2
[[lines]]
template = "{serial} {sample} pH {ph}"
serial_at = "serial"
sample_at = "sample"
[[lines.channels]]
name = "ph"
unit = "[pH]"
[[lines]]
template = "T {temperature} C"
[[lines.channels]]
name = "temperature"
unit = "Cel"
[[vectors]]
raw = 'X51 S-1 pH 7.02\r'
expect = { ph = "7.02 [pH]" }
serial = "X51"
sample = "S-1"
[[vectors]]
raw = 'T 25.0 C\r'
expect = { temperature = "25.0 Cel" }
"#;

    #[tokio::test(start_paused = true)]
    async fn a_line_profile_asks_drops_the_echo_and_names_sample_and_stranger() {
        let profile = load_line_str("x.toml", METER).unwrap_or_else(|report| panic!("{report}"));
        let request = profile.request.clone().unwrap();
        let polling = Polling { poll: request.poll, timeout: request.timeout, echo: request.echo };
        let mut meter = instrument("i", "p", Protocol::Line { profile, polling: Some(polling) });
        meter.identity.insert(Fact::Serial, "X51".into());
        let mut bench = Bench::start(&site(vec![("p", Link::Serial(serial(9600)))], vec![meter]));
        let mut device = bench.device().await;
        let mut seen = Vec::new();
        for answer in
            ["X51 S-1 pH 7.02\rT 25.0 C\r>\r", "X51 S-1 pH 7.03\rT 25.0 C\r>\r", "X99 S-2 pH 7.04\rT 25.1 C\r>\r"]
        {
            assert_eq!(question(&mut device, 5).await, b"DATA\r");
            device.write_all(b"DATA\r").await.unwrap();
            device.write_all(answer.as_bytes()).await.unwrap();
            for arrival in bench.during(ms(500)).await {
                match &arrival.content {
                    Content::Readings(_) => seen.extend(shown(&arrival)),
                    Content::Identity(mark) => seen.push(format!("{} {}", mark.kind, mark.text)),
                    _ => {}
                }
            }
        }
        assert_eq!(
            seen,
            [
                "sample S-1",
                "ph=7.02 [pH]",
                "temperature=25.0 Cel",
                "ph=7.03 [pH]",
                "temperature=25.0 Cel",
                "sample S-2",
                "ph=7.04 [pH] identity-mismatch",
                "temperature=25.1 Cel",
            ]
        );
        // Half an answer is none: nothing of it is told.
        let mut halves = Vec::new();
        for _ in 0..3 {
            assert_eq!(question(&mut device, 5).await, b"DATA\r");
            device.write_all(b"DATA\rX51 S-3 pH 7.05\r").await.unwrap();
        }
        halves.extend(bench.during(ms(400)).await);
        assert_eq!(values(&halves), [""; 0]);
        assert_eq!(reasons(&halves)[0], Missing::TimedOut);
    }
}
