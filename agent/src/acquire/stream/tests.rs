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
