//! An instrument that seals its block, over whole lines: one request, its answer verbatim, and what is refused of it.

use tidewaiter_node::{
    block::{Block, SEALED_BYTES, Sample, State},
    map::status,
};

use super::*;

const BLOCK: (u16, u16) = (256, 47);

fn node(simulated: bool) -> Instrument {
    let profiles = tidewaiter_config::profile::builtin();
    let mut profile = profiles.into_iter().find(|it| it.id == "tidewaiter-node").unwrap();
    profile.device_identification = false;
    profile.identity.clear();
    let mut it = instrument(
        "n",
        "p",
        Protocol::Registers {
            profile,
            unit_id: 1,
            poll: ms(1000),
            timeout: ms(500),
            max_answer_time: ms(1500),
            turnaround: None,
            function_timeout_polls: 3,
        },
    );
    (it.serial_number, it.simulated) = (Some("TWN00001".into()), simulated);
    it
}

fn block(sequence: u64, status: u16) -> Vec<u16> {
    let good = |value| Sample { state: State::Good, value };
    let block = Block {
        serial: *b"TWN00001",
        sequence,
        uptime_ms: 1000 * sequence,
        starts: 1,
        event_counter: 0,
        status,
        interval_us: 1_000_000,
        samples: [
            good(18_000_000),
            Sample { state: State::Unstable, value: 9 },
            Sample::missing(State::Underrange),
            good(2150),
            Sample::missing(State::NotPresent),
        ],
    };
    let mut bytes = block.sealed_bytes().to_vec();
    assert_eq!(bytes.len(), SEALED_BYTES);
    bytes.extend([0x5A; 16]);
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
}

fn polls(arrivals: &[Arrival]) -> Vec<&Arrival> {
    arrivals.iter().filter(|it| matches!(it.content, Content::Readings(_))).collect()
}

fn events(arrivals: &[Arrival]) -> Vec<&'static str> {
    let name = |it: &Arrival| match &it.content {
        Content::Event(it) => Some(it.name),
        _ => None,
    };
    arrivals.iter().filter_map(name).collect()
}

#[tokio::test(start_paused = true)]
async fn a_sealed_block_is_read_whole_and_kept_as_it_came() {
    for link in [rtu_link(), tcp_link()] {
        let tcp = matches!(link, Link::ModbusTcp { .. });
        let mut sequence = 6;
        let (arrivals, bench, seen) = run(link, vec![node(false)], ms(3900), move |request, _| {
            sequence += 2;
            let words = block(sequence, 0);
            Does::Answers(if tcp { tcp_words(request, &words) } else { rtu_answer(1, &words) })
        })
        .await;
        assert!(seen.iter().all(|it| (it.function, (it.address, it.count)) == (4, BLOCK)), "{seen:?}");
        let polls = polls(&arrivals);
        assert_eq!((polls.len(), seen.len()), (4, 4), "one request a poll");
        let expected = [
            "mass=18000000 g",
            "counts=9 {count} unstable",
            "current=underrange",
            "temperature=21.50 Cel",
            "serial-mass=not-present",
            "interval=1000000 us",
            "sequence=8 1",
            "uptime=8000 ms",
            "starts=1 1",
            "event-counter=0 1",
            "simulated=0 1",
            "seal-open=0 1",
            "warming-up=0 1",
            "motion=0 1",
        ];
        assert_eq!(shown(polls[0]), expected);
        let data: Vec<u8> = block(8, 0).iter().flat_map(|word| word.to_be_bytes()).collect();
        let raw = polls[0].raw.as_ref();
        assert_eq!(raw.windows(data.len()).filter(|it| *it == data).count(), 1);
        assert_eq!(raw.len(), if tcp { 9 + 94 } else { 5 + 94 }, "the frame of the answer and nothing else");
        let sealed = bench.counts("n").sealed.unwrap();
        assert_eq!((sealed.taken, sealed.refused, sealed.skipped), (4, 0, 3));
        assert_eq!(events(&arrivals), ["node-seen"]);
    }
}

/// A gateway that answers from a cache, and one that plays an old block: neither brings a value.
#[tokio::test(start_paused = true)]
async fn a_block_that_came_before_brings_no_value() {
    let mut asked = 0;
    let (arrivals, bench, _) = run(rtu_link(), vec![node(false)], ms(5900), move |_, _| {
        asked += 1;
        Does::Answers(rtu_answer(1, &block([10, 10, 11, 9, 12, 12][asked - 1], 0)))
    })
    .await;
    let masses: Vec<String> = polls(&arrivals).iter().map(|it| shown(it)[0].clone()).collect();
    let value = "mass=18000000 g";
    assert_eq!(masses, [value, "mass=refused", value, "mass=refused", value, "mass=refused"]);
    assert!(polls(&arrivals).iter().all(|it| it.raw.len() == 99), "what was refused is kept, for whoever has the key");
    assert_eq!(events(&arrivals), ["node-seen", "node-sequence"]);
    let counts = bench.counts("n");
    assert_eq!((counts.frames_refused, counts.sealed.unwrap().refused), (3, 3));
}

/// Less than the block is never asked for, and an exception brings no value.
#[tokio::test(start_paused = true)]
async fn a_refused_block_is_not_asked_for_in_pieces() {
    let (arrivals, _, seen) =
        run(rtu_link(), vec![node(false)], ms(2900), |_, _| Does::Answers(rtu_frame(&[1, 0x84, 2]))).await;
    assert!(seen.iter().all(|it| (it.address, it.count) == BLOCK));
    assert!(polls(&arrivals).iter().all(|it| shown(it).iter().all(|line| line.ends_with("=exception(2)"))));
}

/// A front end that is not real: no good value where the site file does not say so.
#[tokio::test(start_paused = true)]
async fn a_simulated_node_counts_only_where_it_is_expected() {
    for (simulated, quality) in [(false, " identity-mismatch"), (true, "")] {
        let mut sequence = 0;
        let (arrivals, ..) = run(rtu_link(), vec![node(simulated)], ms(900), move |_, _| {
            sequence += 1;
            Does::Answers(rtu_answer(1, &block(sequence, status::SIMULATED)))
        })
        .await;
        let shown = shown(polls(&arrivals)[0]);
        assert_eq!(shown[0], format!("mass=18000000 g{quality}"));
        assert!(shown.contains(&format!("simulated=1 1{quality}")));
    }
}
