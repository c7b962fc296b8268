//! Weighing indicators and balances.

use tidewaiter_drivers::{
    Decimal, Unit,
    scale::{
        a_and_d, a12, dini_argeo,
        form::MAX_LINE_BYTES,
        mt_sics, ohaus, rinstrum, sbi,
        settle::Settle,
        shuangjie, st_gs, ticket, toledo, unit_text, xk3190, xk3190_command,
        xk3190_equals::{self, Layout, Order},
    },
    wire::{Decode, Event},
};

use super::stream::{LINE, MARKED, Reread, readings, statements, written};

/// Every decoder of `scale`, over the same bytes.
///
/// # Panics
///
/// When a decoder breaks a promise.
pub fn scales(bytes: &[u8]) {
    lines(bytes);
    frames(bytes);
    words(bytes);
}

fn lines(bytes: &[u8]) {
    readings("st-gs", bytes, MAX_LINE_BYTES, LINE, st_gs::Decoder::default);
    for layout in [st_gs::Layout::Comma, st_gs::Layout::NoComma] {
        written("st-gs", bytes, st_gs::Decoder::default, |it| Some(st_gs::encode(layout, it)?.to_vec()));
    }
    readings("ohaus", bytes, MAX_LINE_BYTES, LINE, ohaus::Decoder::default);
    for layout in [ohaus::Layout::Captured, ohaus::Layout::Documented] {
        written("ohaus", bytes, ohaus::Decoder::default, |it| Some(ohaus::encode(layout, it)?.to_vec()));
    }
    let decoder = || sbi::Decoder::new(sbi::Sbi { moving_unit: Some(Unit::Gram) });
    readings("sbi", bytes, MAX_LINE_BYTES, LINE, decoder);
    for characters in [sbi::Characters::Sixteen, sbi::Characters::TwentyTwo] {
        written("sbi", bytes, decoder, |it| Some(sbi::encode(characters, it)?.to_vec()));
    }
    for dialect in [a12::Dialect::Checked, a12::Dialect::Classic] {
        readings("a12", bytes, MAX_LINE_BYTES, LINE, || a12::Decoder::new(dialect));
        written("a12", bytes, || a12::Decoder::new(dialect), |it| Some(a12::encode(dialect, it)?.to_vec()));
    }
    readings("shuangjie", bytes, MAX_LINE_BYTES, LINE, shuangjie::Decoder::default);
    written("shuangjie", bytes, shuangjie::Decoder::default, |it| Some(shuangjie::encode(it)?.to_vec()));
    readings("a-and-d", bytes, MAX_LINE_BYTES, LINE, a_and_d::Decoder::default);
    written("a-and-d", bytes, a_and_d::Decoder::default, |it| Some(a_and_d::encode(it)?.to_vec()));
    readings("mt-sics", bytes, mt_sics::MAX_LINE_BYTES, LINE, mt_sics::Decoder::default);
    written("mt-sics", bytes, mt_sics::Decoder::default, |it| Some(mt_sics::encode(it)?.to_vec()));
    statements("mt-sics requests", bytes, mt_sics::MAX_LINE_BYTES, LINE, mt_sics::RequestDecoder::default);
    // A slip is many lines.
    readings("ticket", bytes, ticket::MAX_TICKET_BYTES, Reread::Fresh(b"\n", b"\n"), ticket::Decoder::new);
    written("ticket", bytes, ticket::Decoder::new, |it| Some(ticket::encode(it)?.to_vec()));
}

fn frames(bytes: &[u8]) {
    readings("rinstrum", bytes, rinstrum::MAX_FRAME_BYTES, MARKED, || {
        rinstrum::Decoder::new(rinstrum::Rinstrum { unit: Some(Unit::Kilogram) })
    });
    readings("xk3190 commands", bytes, xk3190_command::MAX_ANSWER_BYTES, MARKED, || {
        xk3190_command::Decoder::new(xk3190_command::Answers { unit: Unit::Kilogram })
    });
    statements("xk3190 requests", bytes, xk3190_command::REQUEST_BYTES, MARKED, || {
        xk3190_command::RequestDecoder::new(xk3190_command::Requests)
    });
    for check in [true, false] {
        for dummy_zeros in [toledo::DummyZeros::Apply, toledo::DummyZeros::Ignore] {
            let settings = toledo::Settings { check, dummy_zeros };
            readings("toledo", bytes, toledo::MAX_FRAME_BYTES, Reread::Fresh(b"", b""), || {
                toledo::Decoder::new(settings)
            });
        }
    }
    statements("xk3190", bytes, xk3190::FRAME_BYTES, MARKED, xk3190::Decoder::new);
    written("xk3190", bytes, xk3190::Decoder::new, |&it| Some(xk3190::encode(it)?.to_vec()));
    for order in [Order::Reversed, Order::Forward] {
        for chars in [xk3190_equals::MIN_VALUE_CHARS, 7, xk3190_equals::MAX_VALUE_CHARS] {
            let layout = Layout::new(order, chars).expect("within the stated limits");
            readings("xk3190 equals", bytes, xk3190_equals::MAX_FRAME_BYTES, Reread::Never, || {
                xk3190_equals::Decoder::new(layout, Unit::Kilogram)
            });
        }
    }
    settles(bytes);
}

/// A run of good frames may settle; a settled load never lies further from what is shown than the rule allows,
/// which the rule itself guards. Here: no order of values or times upsets it.
fn settles(bytes: &[u8]) {
    let (mut decoder, mut settle) =
        (xk3190::Decoder::new(), Settle::new(Decimal::from_ascii(b"20").expect("a number"), 1_000, 3));
    for &byte in bytes {
        if let Some(Event::Frame(shown)) = decoder.push(byte) {
            let _ = settle.push(u64::from(byte).rotate_right(8), shown);
            let _ = settle.push(u64::MAX, shown);
        }
    }
}

fn words(bytes: &[u8]) {
    if let Some(unit) = unit_text::read(bytes) {
        let text = unit_text::write(unit).expect("a unit that is read can be written");
        assert_eq!(unit_text::read(text), Some(unit));
    }
    let words: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|&it| u16::from_be_bytes(it)).collect();
    if let Some(registers) = words.first_chunk::<{ dini_argeo::REGISTERS }>() {
        for places in 0..=6 {
            let Some(weights) = dini_argeo::decode(registers, places, Unit::Kilogram) else { continue };
            let Some(again) = dini_argeo::encode(&weights) else { continue };
            let read = dini_argeo::decode(&again, places, Unit::Kilogram);
            assert_eq!(format!("{read:?}"), format!("{:?}", Some(weights)), "dini argeo");
        }
    }
}
