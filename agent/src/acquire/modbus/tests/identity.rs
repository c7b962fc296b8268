//! Who answers, over whole lines: asked on each connection, compared, recorded.

use tidewaiter_config::profile::{Fact, IdentityRegister};

use super::*;

/// The published answer of unit 1 to 43/14, basic: `ACME`, `TB-1`, `V1.0`.
const ACME: &[u8] = b"\x01\x2B\x0E\x01\x01\x00\x00\x03\x00\x04ACME\x01\x04TB-1\x02\x04V1.0\xD3\x7C";

fn asked(unit: u8, expected: &[(Fact, &str)]) -> Instrument {
    let mut instrument = two_registers("i", unit);
    let Protocol::Registers { profile, .. } = &mut instrument.protocol else { unreachable!() };
    profile.device_identification = true;
    instrument.identity = expected.iter().map(|(fact, text)| (*fact, (*text).to_owned())).collect();
    instrument
}

fn tells(request: &[u8], seen: &Seen, tcp: bool, identity: &[u8]) -> Does {
    let pdu = if seen.function == 0x2B {
        identity.to_vec()
    } else {
        let data: Vec<u8> = words(seen.count, 7).iter().flat_map(|word| word.to_be_bytes()).collect();
        [&[4, u8::try_from(data.len()).unwrap()][..], &data].concat()
    };
    Does::Answers(if tcp { tcp_answer(request, &pdu) } else { rtu_frame(&[&[seen.unit][..], &pdu].concat()) })
}

/// The PDU of an identification with these three texts.
fn identification(texts: [&str; 3]) -> Vec<u8> {
    let mut pdu = vec![0x2B, 0x0E, 1, 1, 0, 0, 3];
    for (id, text) in (0..).zip(texts) {
        pdu.extend([id, u8::try_from(text.len()).unwrap()]);
        pdu.extend(text.as_bytes());
    }
    pdu
}

fn events(arrivals: &[Arrival]) -> Vec<String> {
    arrivals
        .iter()
        .filter_map(|arrival| match &arrival.content {
            Content::Event(it) => {
                let facts: Vec<String> = it.facts.iter().map(|(key, value)| format!("{key}={value}")).collect();
                Some(format!("{}: {}", it.name, facts.join(", ")))
            }
            _ => None,
        })
        .collect()
}

/// All readings, as the line that shows them.
fn lines(arrivals: &[Arrival]) -> Vec<String> {
    arrivals.iter().filter(|it| matches!(it.content, Content::Readings(_))).flat_map(shown).collect()
}

#[tokio::test(start_paused = true)]
async fn who_answers_is_asked_once_per_connection_and_recorded() {
    assert_eq!(rtu_frame(&[&[1][..], &identification(["ACME", "TB-1", "V1.0"])].concat()), ACME);
    for link in [rtu_link(), tcp_link()] {
        let tcp = matches!(link, Link::ModbusTcp { .. });
        let (arrivals, _, seen) = run(link, vec![asked(1, &[])], ms(9900), move |request, seen| {
            tells(request, seen, tcp, &identification(["ACME", "TB-1", "V1.0"]))
        })
        .await;
        assert_eq!(events(&arrivals), ["identity-seen: vendor=ACME, product=TB-1, revision=V1.0"]);
        assert_eq!(lines(&arrivals), ["a=7 1", "b=7 1"].repeat(10));
        assert_eq!(seen.iter().filter(|it| it.function == 0x2B).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn another_instrument_than_the_registered_one_has_no_good_value() {
    for link in [rtu_link(), tcp_link()] {
        let tcp = matches!(link, Link::ModbusTcp { .. });
        let expected = [(Fact::Vendor, "ACME"), (Fact::Revision, "V2.0")];
        let (arrivals, ..) = run(link, vec![asked(1, &expected)], ms(4900), move |request, seen| {
            tells(request, seen, tcp, &identification(["ACME", "TB-1", "V1.0"]))
        })
        .await;
        assert_eq!(
            events(&arrivals),
            [
                "identity-seen: vendor=ACME, product=TB-1, revision=V1.0",
                "identity-mismatch: expected-revision=V2.0, revision=V1.0"
            ]
        );
        assert_eq!(lines(&arrivals), ["a=7 1 identity-mismatch", "b=7 1 identity-mismatch"].repeat(5));
    }
}

/// A serial number in registers 100 to 101, and an instrument that does not know function 43.
#[tokio::test(start_paused = true)]
async fn registers_of_the_profile_tell_who_answers() {
    let serial = IdentityRegister {
        fact: Fact::Serial,
        table: Table::Input,
        address: 100,
        encoding: Encoding::U32(WordOrder::Abcd),
    };
    for (number, quality) in [("123456", ""), ("123457", " identity-mismatch")] {
        let mut instrument = asked(1, &[(Fact::Serial, number)]);
        let Protocol::Registers { profile, .. } = &mut instrument.protocol else { unreachable!() };
        profile.identity = vec![serial];
        let (arrivals, ..) = run(rtu_link(), vec![instrument], ms(2900), |_, seen| {
            Does::Answers(match (seen.function, seen.address) {
                (0x2B, _) => rtu_frame(&[1, 0xAB, 1]),
                (_, 100) => rtu_answer(1, &[0x0001, 0xE240]),
                _ => rtu_answer(1, &words(seen.count, 7)),
            })
        })
        .await;
        assert_eq!(events(&arrivals)[0], "identity-seen: serial=123456");
        assert_eq!(lines(&arrivals), vec![[format!("a=7 1{quality}"), format!("b=7 1{quality}")]; 3].concat());
    }
}

/// On a line that stays open, a unit that was silent may come back as another instrument.
#[tokio::test(start_paused = true)]
async fn an_exchange_of_instruments_is_noticed_on_a_line_that_stays_open() {
    let start = Instant::now();
    let (arrivals, ..) =
        run(rtu_link(), vec![asked(1, &[(Fact::Product, "TB-1")])], ms(60_000), move |request, seen| {
            match (seen.at - start).as_secs() {
                0..10 => tells(request, seen, false, &identification(["ACME", "TB-1", "V1.0"])),
                10..20 => Does::Nothing,
                _ => tells(request, seen, false, &identification(["ACME", "TB-9", "V1.0"])),
            }
        })
        .await;
    assert_eq!(
        events(&arrivals),
        [
            "identity-seen: vendor=ACME, product=TB-1, revision=V1.0",
            "identity-changed: vendor=ACME, product=TB-9, revision=V1.0, former-product=TB-1",
            "identity-mismatch: expected-product=TB-1, product=TB-9"
        ]
    );
    let lines = lines(&arrivals);
    assert_eq!(lines.first().unwrap(), "a=7 1");
    assert_eq!(lines.last().unwrap(), "b=7 1 identity-mismatch");
    // No value of the other one has ever been good.
    let turned = lines.iter().position(|it| it.contains("mismatch")).unwrap();
    assert!(lines[turned..].iter().all(|it| it.contains("mismatch")));
}

/// Some instruments ignore functions they do not know. That costs one wait and no value.
#[tokio::test(start_paused = true)]
async fn an_instrument_that_does_not_say_who_it_is_is_read_all_the_same() {
    for link in [rtu_link(), tcp_link()] {
        let tcp = matches!(link, Link::ModbusTcp { .. });
        let (arrivals, bench, seen) = run(link, vec![asked(1, &[])], ms(29_900), move |request, seen| {
            if seen.function == 0x2B { Does::Nothing } else { tells(request, seen, tcp, &[]) }
        })
        .await;
        assert_eq!(seen.iter().filter(|it| it.function == 0x2B).count(), 1);
        assert_eq!(events(&arrivals), [""; 0]);
        let counts = bench.counts("i");
        assert!(counts.readings >= 2 * 28, "tcp {tcp}: {counts:?}");
        assert_eq!(counts.reconnects, u64::from(tcp), "what may come late is dropped with the connection");
    }
}

/// Where the site file says who should answer, silence about it is no proof, and no value is told.
#[tokio::test(start_paused = true)]
async fn an_instrument_that_should_say_who_it_is_and_does_not_has_no_good_value() {
    for link in [rtu_link(), tcp_link()] {
        let tcp = matches!(link, Link::ModbusTcp { .. });
        let (arrivals, _, seen) =
            run(link, vec![asked(1, &[(Fact::Vendor, "ACME")])], ms(29_900), move |request, seen| {
                if seen.function == 0x2B { Does::Nothing } else { tells(request, seen, tcp, &[]) }
            })
            .await;
        assert_eq!(seen.iter().filter(|it| it.function == 0x2B).count(), 3, "tcp {tcp}");
        assert_eq!(events(&arrivals), ["identity-mismatch: expected-vendor=ACME, vendor="]);
        let lines = lines(&arrivals);
        assert!(lines.iter().all(|it| it.contains("identity-mismatch") || it.contains("timed-out")), "{lines:?}");
        assert!(lines.last().unwrap().contains("identity-mismatch"));
    }
}
