//! Items built to cost their reader more than they cost their writer.
//!
//! Each row below is a piece of CBOR that promises more than it brings, nests, repeats, or is not of this format at all. It
//! is put at each level of each kind of item: in place of the envelope, of the protected header, of the payload, and of a
//! value within the payload. What is around it is honest, so that nothing else makes the reader give up early.

#![allow(clippy::unwrap_used, unreachable_pub, missing_docs)]

use tidewaiter_record::{ContentType, cbor::Writer};

use crate::fixture::{Craft, centre, envelope, event_plain, gate, time, write_time};

pub struct Bomb {
    pub name: String,
    pub kind: ContentType,
    pub bytes: Vec<u8>,
}

const KINDS: [ContentType; 5] =
    [ContentType::Record, ContentType::Receipt, ContentType::Statement, ContentType::Head, ContentType::Resend];

/// A head of this major type with an argument of eight bytes.
fn promise(major: u8, argument: u64) -> Vec<u8> {
    [&[major << 5 | 0x1b][..], &argument.to_be_bytes()].concat()
}

fn counted(head: &[u8], part: &[u8], times: usize) -> Vec<u8> {
    [head, &part.repeat(times)].concat()
}

/// The pieces, as large as fits into an item of `most` bytes with what stands around them.
fn pieces(most: usize) -> Vec<(&'static str, Vec<u8>)> {
    let many = most - 400;
    let count = u16::try_from(many).unwrap().to_be_bytes();
    let half = u16::try_from(many / 2).unwrap().to_be_bytes();
    let third = u16::try_from(many / 3).unwrap();
    let array = |count: [u8; 2]| [0x99, count[0], count[1]];
    let map = |count: [u8; 2]| [0xb9, count[0], count[1]];
    let mut rising = map(third.to_be_bytes()).to_vec();
    for key in 0..third {
        rising.extend(if key < 256 { vec![0x18, u8::try_from(key).unwrap()] } else { key.to_be_bytes().to_vec() });
    }
    vec![
        // Depth.
        ("arrays one level too deep", counted(&[], &[0x81], 17)),
        ("arrays to the end of the item", counted(&[], &[0x81], many)),
        ("arrays to the end, closed", [counted(&[], &[0x81], many), vec![0x00]].concat()),
        ("maps one level too deep", counted(&[], &[0xa1, 0x00], 17)),
        ("maps to the end of the item", counted(&[], &[0xa1, 0x00], many / 2)),
        ("maps as keys of maps", counted(&[], &[0xa1], many)),
        ("maps within arrays", counted(&[], &[0x81, 0xa1, 0x00], many / 3)),
        ("pairs of which the second nests", counted(&[], &[0x82, 0x00], many / 2)),
        ("tags within tags", counted(&[], &[0xc0], many)),
        ("envelopes within envelopes", counted(&[], &[0xd2, 0x84], many / 2)),
        // Lengths and counts.
        ("an array of 2^64 - 1", promise(4, u64::MAX)),
        ("an array of 2^63", promise(4, 1 << 63)),
        ("an array of 2^32", promise(4, 1 << 32)),
        ("an array of 4 294 967 295 with one", [&[0x9a, 0xff, 0xff, 0xff, 0xff][..], &[0x00]].concat()),
        ("an array of one more than there are", counted(&array(count), &[0x00], many - 1)),
        ("a map of 2^64 - 1", promise(5, u64::MAX)),
        ("a map of 2^63", promise(5, 1 << 63)),
        ("a map of 65 535", vec![0xb9, 0xff, 0xff]),
        ("a map of one more than there are", counted(&map(half), &[0x00], many - 1)),
        ("bytes of 2^64 - 1", promise(2, u64::MAX)),
        ("bytes of 2^63 - 1", promise(2, (1 << 63) - 1)),
        ("bytes of 4 GiB", vec![0x5a, 0xff, 0xff, 0xff, 0xff]),
        ("bytes of one more than there are", counted(&[0x59, count[0], count[1]], &[0x00], many - 1)),
        ("text of 2^64 - 1", promise(3, u64::MAX)),
        ("text of 4 GiB", vec![0x7a, 0xff, 0xff, 0xff, 0xff]),
        ("text of one more than there are", counted(&[0x79, count[0], count[1]], b"x", many - 1)),
        ("arrays of promises", counted(&array(count), &[0x9a, 0xff, 0xff, 0xff, 0xff], many / 5)),
        // Many small things.
        ("an array of zeros", counted(&array(count), &[0x00], many)),
        ("an array of nulls", counted(&array(count), &[0xf6], many)),
        ("an array of empty arrays", counted(&array(count), &[0x80], many)),
        ("an array of empty maps", counted(&array(count), &[0xa0], many)),
        ("an array of empty texts", counted(&array(count), &[0x60], many)),
        ("an array of empty byte strings", counted(&array(count), &[0x40], many)),
        ("a map of one key, many times", counted(&map(half), &[0x00, 0x00], many / 2)),
        ("a map of one empty text, many times", counted(&map(half), &[0x60, 0x60], many / 2)),
        ("a map with keys that fall", counted(&map([0, 2]), &[0x01, 0x00, 0x00], 2)),
        ("a map of numbers, cut off", rising),
        // Open ends.
        ("bytes without an end", counted(&[0x5f], &[0x41, 0x00], many / 2)),
        ("text without an end", counted(&[0x7f], &[0x61, b'x'], many / 2)),
        ("an array without an end", counted(&[0x9f], &[0x00], many)),
        ("a map without an end", counted(&[0xbf], &[0x00, 0x00], many / 2)),
        ("arrays without ends in one another", counted(&[], &[0x9f], many)),
        ("breaks", counted(&[], &[0xff], many)),
        // Outside the format.
        ("text that is not UTF-8", counted(&[0x79, count[0], count[1]], &[0xff], many)),
        ("the number one in nine bytes", promise(0, 1)),
        ("a length in nine bytes", [promise(3, 1), vec![b'x']].concat()),
        ("a binary fraction", vec![0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
        ("undefined", vec![0xf7]),
        ("a simple value", vec![0xf8, 0x20]),
        ("a reserved head", vec![0x1c]),
        ("a large number as bytes", vec![0xc2, 0x42, 0x01, 0x00]),
    ]
}

/// The typed payload of an honest item, with `value` in place of one of its values.
fn payload(kind: ContentType, value: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    if kind == ContentType::Record {
        w.array(3);
        w.uint(3);
        write_time(&mut w, &time(0));
        w.map(|m| {
            m.int(1, |w| w.text("event"));
            m.int(3, |w| w.encoded(value));
        });
    } else {
        w.map(|m| m.int(1, |w| w.encoded(value)));
    }
    w.finish()
}

fn header(kind: ContentType) -> Vec<u8> {
    let agent = gate();
    if kind == ContentType::Record {
        return Craft::next(&agent, &[]).header();
    }
    let signer = if kind == ContentType::Statement { agent.key } else { centre() };
    let mut w = Writer::new();
    w.map(|m| {
        m.int(1, |w| w.int(-19));
        m.int(4, |w| w.bytes(&tidewaiter_record::Signer::kid(&signer).0));
        m.int(16, |w| w.text(kind.typ()));
    });
    w.finish()
}

/// Items that are honest almost to their end.
fn late() -> Vec<Bomb> {
    let record = |name: &str, payload: Vec<u8>| Bomb {
        name: name.to_owned(),
        kind: ContentType::Record,
        bytes: envelope(&header(ContentType::Record), &[0xa0], &payload, &[0; 64]),
    };
    let detail = |kind: u64, write: &dyn Fn(&mut Writer)| {
        let mut w = Writer::new();
        w.array(3);
        w.uint(kind);
        write_time(&mut w, &time(0));
        write(&mut w);
        w.finish()
    };
    let texts = detail(3, &|w| {
        w.map(|m| {
            m.int(1, |w| w.text("event"));
            m.int(3, |w| {
                w.map(|m| {
                    for n in 0..5_000_u32 {
                        let key = char::from_u32(0x100 + n).unwrap().to_string();
                        m.text(&key, |w| if n == 4_999 { w.uint(0) } else { w.text("") });
                    }
                });
            });
        });
    });
    let counters = detail(4, &|w| {
        w.map(|m| {
            m.int(0, |w| w.uint(0));
            m.int(1, |w| {
                w.map(|m| {
                    for n in 0..5_000_u32 {
                        let key = char::from_u32(0x100 + n).unwrap().to_string();
                        m.text(&key, |w| if n == 4_999 { w.null() } else { w.uint(0) });
                    }
                });
            });
        });
    });
    let facts = vec![0_u8; 29_000];
    let reason = detail(11, &|w| w.map(|m| m.int(1, |w| w.bytes(&facts))));
    let mut long = event_plain(&"x".repeat(29_000));
    if let tidewaiter_record::Detail::Event(event) = &mut long {
        event.facts.insert("a".to_owned(), "b".to_owned());
    }
    let mut trailing = tidewaiter_record::Body { time: time(0), detail: long }.encode();
    trailing.push(0);
    let mut typ = Craft::next(&gate(), &[]);
    typ.typ = "x".repeat(29_000);
    vec![
        Bomb {
            name: "a type that never ends".to_owned(),
            kind: ContentType::Record,
            bytes: envelope(&typ.header(), &[0xa0], &payload(ContentType::Record, &[0xa0]), &[0; 64]),
        },
        record("facts whose last is no text", texts),
        record("counters whose last is no number", counters),
        record("a reason of bytes", reason),
        record("a long event with a byte after it", trailing),
    ]
}

/// Items of an honest shape that are longer than any of their kind.
fn long() -> Vec<Bomb> {
    let mut found = Vec::new();
    for kind in KINDS {
        let most = kind.max_bytes();
        for beyond in [1, 1000, 1 << 20] {
            let name = "x".repeat(most + beyond);
            let payload = payload(kind, &{
                let mut w = Writer::new();
                w.text(&name);
                w.finish()
            });
            let bytes = envelope(&header(kind), &[0xa0], &payload, &[0; 64]);
            found.push(Bomb { name: format!("{beyond} bytes and more beyond the largest"), kind, bytes });
        }
    }
    found
}

/// The item that the bombs are put into, as it is without one.
pub fn honest(kind: ContentType) -> Vec<u8> {
    envelope(&header(kind), &[0xa0], &payload(kind, &[0xa0]), &[0; 64])
}

/// All of them.
pub fn bombs() -> Vec<Bomb> {
    let mut found = late();
    found.extend(long());
    for kind in KINDS {
        let honest = payload(kind, &[0xa0]);
        for (name, piece) in pieces(kind.max_bytes()) {
            let sign1 = |header: &[u8], payload: &[u8]| envelope(header, &[0xa0], payload, &[0; 64]);
            let levels = [
                ("envelope", [&[0xd2][..], &piece].concat()),
                ("part of the envelope", [&[0xd2, 0x84][..], &piece].concat()),
                ("unprotected header", envelope(&header(kind), &piece, &honest, &[0; 64])),
                ("header", sign1(&piece, &honest)),
                ("payload", sign1(&header(kind), &piece)),
                ("value", sign1(&header(kind), &payload(kind, &piece))),
            ];
            found.extend(levels.map(|(level, bytes)| Bomb { name: format!("{name}, as {level}"), kind, bytes }));
        }
    }
    found
}
