//! Bench and laboratory instruments, and the readers of who or what stands before us.

use tidewaiter_drivers::{
    bench::{ph, tyre},
    identity::{axxon, declaration::DeclarationNumber, iso6346::ContainerNumber, ocr, plate, scan},
    lab::{
        astm::{self, record::Records},
        dma, fastness, hanna, hvi, laqua, moisture, orion, photometer, seven,
    },
    wire::{Decode, Event},
};

use super::stream::{ENVELOPE, LINE, Reread, readings, written};

/// Every decoder of `bench`, `lab` and `identity`, over the same bytes.
///
/// # Panics
///
/// When a decoder breaks a promise.
pub fn benches(bytes: &[u8]) {
    bench(bytes);
    laboratory(bytes);
    identities(bytes);
    transmission(bytes);
}

fn bench(bytes: &[u8]) {
    // A report of several lines puts what one line says in the light of those before it.
    readings("ph", bytes, ph::MAX_LINE_BYTES, Reread::Never, ph::Decoder::new);
    written("ph", bytes, ph::Decoder::new, |it| Some(ph::encode(it)?.to_vec()));
    for &pair in bytes.as_chunks::<2>().0 {
        let register = u16::from_be_bytes(pair);
        if let Some(state) = tyre::State::from_register(register) {
            assert_eq!(state.register(), register);
        }
    }
}

fn laboratory(bytes: &[u8]) {
    readings("orion", bytes, orion::MAX_LINE_BYTES, LINE, orion::Decoder::new);
    written("orion", bytes, orion::Decoder::new, |it| Some(orion::encode(it)?.to_vec()));
    readings("grades", bytes, fastness::MAX_LINE_BYTES, LINE, fastness::Decoder::new);
    written("grades", bytes, fastness::Decoder::new, |it| Some(fastness::encode(it)?.into_bytes().to_vec()));
    readings("laqua", bytes, laqua::MAX_LINE_BYTES, LINE, laqua::Decoder::new);
    written("laqua", bytes, laqua::Decoder::new, |it| Some(laqua::encode(it)?.into_bytes().to_vec()));
    readings("moisture", bytes, moisture::MAX_LINE_BYTES, LINE, moisture::Decoder::new);
    written("moisture", bytes, moisture::Decoder::new, |it| Some(moisture::encode(it)?.into_bytes().to_vec()));
    readings("seven", bytes, seven::MAX_LINE_BYTES, LINE, seven::Decoder::new);
    written("seven", bytes, seven::Decoder::new, |it| Some(seven::encode(it)?.into_bytes().to_vec()));
    readings("hvi", bytes, hvi::MAX_RECORD_BYTES, LINE, hvi::Decoder::new);
    written("hvi", bytes, hvi::Decoder::new, |it| Some(hvi::encode(it)?.to_vec()));
    readings("hvi quoted", bytes, hvi::quoted::MAX_LINE_BYTES, LINE, hvi::quoted::Decoder::new);
    readings("photometer prints", bytes, photometer::MAX_LINE_BYTES, LINE, photometer::Prints::new);
    readings("photometer", bytes, photometer::MAX_LINE_BYTES, LINE, || {
        photometer::Answers::to(photometer::Quantity::Absorbance)
    });
    readings("hanna", bytes, hanna::MAX_TEXT_BYTES, ENVELOPE, hanna::Decoder::new);
    written("hanna", bytes, hanna::Decoder::new, |it| Some(hanna::encode(it)?.to_vec()));
    // Its columns are learnt from a heading and hold from then on.
    readings("dma", bytes, dma::MAX_LINE_BYTES, Reread::Never, dma::Decoder::new);

    for line in bytes.split(|&byte| byte == b'\n') {
        if let Some(request) = orion::Request::decode(line) {
            let sent = request.encode().expect("a request that is read can be written");
            assert_eq!(orion::Request::decode(sent.trim().as_bytes()), Some(request));
        }
        if let Some(request) = hanna::Request::decode(line) {
            assert_eq!(hanna::Request::decode(&request.encode()), Some(request));
        }
    }
    if let Some(grade) = std::str::from_utf8(bytes).ok().and_then(fastness::Grade::parse) {
        assert_eq!(fastness::Grade::parse(grade.text()), Some(grade));
        assert_eq!(fastness::Grade::from_decimal(grade.decimal()), Some(grade));
        assert_eq!(fastness::Grade::from_half_steps(grade.half_steps()), Some(grade));
    }
}

fn identities(bytes: &[u8]) {
    readings("plate", bytes, plate::MAX_LINE_BYTES, LINE, plate::Decoder::new);
    written("plate", bytes, plate::Decoder::new, |it| Some(plate::encode(it).to_vec()));
    readings("scan", bytes, scan::MAX_LINE_BYTES, LINE, || scan::Decoder::new(scan::Settings::default()));
    let settings = scan::Settings { end: Some(b'\t'), ..scan::Settings::default() };
    readings("scan to tab", bytes, scan::MAX_LINE_BYTES, LINE, || scan::Decoder::new(settings.clone()));
    readings("axxon", bytes, axxon::MAX_TEXT_BYTES, ENVELOPE, axxon::Decoder::new);
    written("axxon", bytes, axxon::Decoder::new, |it| Some(axxon::encode(it)?.to_vec()));

    let text = String::from_utf8_lossy(bytes);
    let _ = plate::looks_chinese(&text);
    let _ = ocr::container(&text);
    if let Ok(number) = ContainerNumber::parse(&text) {
        assert_eq!(ContainerNumber::parse(number.as_str()), Ok(number), "container number");
    }
    if let Ok(number) = DeclarationNumber::parse(&text) {
        assert_eq!(DeclarationNumber::parse(number.as_str()), Ok(number), "declaration number");
    }
}

/// ASTM E1381 transmission and E1394 records: an answer is due at most once per event, a message splits into
/// records of its own bytes.
fn transmission(bytes: &[u8]) {
    readings("astm", bytes, usize::MAX, Reread::Never, astm::Receiver::new);
    let mut receiver = astm::Receiver::new();
    for &byte in bytes {
        let event = receiver.push(byte);
        let reply = receiver.reply();
        assert!(reply.is_none() || event.is_some(), "an answer without a reason");
        assert_eq!(receiver.reply(), None, "an answer is handed out once");
        if let Some(Event::Frame(astm::Received::Message(message))) = event {
            assert!(message.bytes().len() <= bytes.len());
            assert!(message.records().count() <= message.bytes().len());
        }
    }
    assert!(Records::new(bytes).count() <= bytes.len());
    receiver.timed_out();
    assert!(!receiver.is_open());
}
