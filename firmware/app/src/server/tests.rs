#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
extern crate std;
use std::{vec, vec::Vec};

use proptest::prelude::*;

use super::*;

const HASH: [u8; 32] = [0xA5; 32];

/// Holding registers 10 to 19 of which 15 takes nothing above 100 and 16 cannot be kept; input registers 20 to 149.
struct Few {
    holding: [u16; 10],
    written: usize,
}

impl Few {
    fn new() -> Self {
        Self { holding: [7; 10], written: 0 }
    }
}

impl Registers for Few {
    fn read(&mut self, table: Table, address: u16, out: &mut [u8]) -> Result<(), Exception> {
        for (at, pair) in out.chunks_exact_mut(2).enumerate() {
            let at = address.checked_add(u16::try_from(at).unwrap()).ok_or(Exception::Address)?;
            let word = match table {
                Table::Holding if (10..20).contains(&at) => self.holding[usize::from(at) - 10],
                Table::Input if (20..150).contains(&at) => at + 1000,
                _ => return Err(Exception::Address),
            };
            pair.copy_from_slice(&word.to_be_bytes());
        }
        Ok(())
    }

    fn write(&mut self, address: u16, words: &[u8]) -> Result<(), Exception> {
        let mut new = self.holding;
        for (at, pair) in words.chunks_exact(2).enumerate() {
            let at = usize::from(address) + at;
            if !(10..20).contains(&at) {
                return Err(Exception::Address);
            }
            new[at - 10] = u16::from_be_bytes([pair[0], pair[1]]);
        }
        if new[5] > 100 {
            return Err(Exception::Value);
        }
        if new[6] != 7 {
            return Err(Exception::Failure);
        }
        self.written += 1;
        self.holding = new;
        Ok(())
    }

    fn identity(&self) -> Identity<'_> {
        Identity { software: "1.2.3", serial: *b"TWN7\0\0\0\0", hash: &HASH }
    }
}

fn framed(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = vec![unit];
    frame.extend(pdu);
    frame.extend(rtu::crc16(&frame).to_le_bytes());
    frame
}

const UNIT: Address = Address { unit: 9, broadcast: false };

/// The PDU of the answer, or nothing.
fn ask(registers: &mut Few, address: Address, unit: u8, pdu: &[u8]) -> Option<Vec<u8>> {
    let mut server = Server::new();
    let replied = server.take(&framed(unit, pdu), address, registers);
    assert_eq!(server.counts.replies, u32::from(replied));
    assert_eq!(replied, !server.reply().is_empty());
    replied.then(|| {
        let adu = rtu::parse(server.reply()).unwrap();
        assert_eq!(adu.unit_id, address.unit);
        assert_eq!(server.counts.exceptions, u32::from(adu.pdu[0] & 0x80 != 0));
        adu.pdu.to_vec()
    })
}

#[test]
fn every_request_has_its_answer() {
    let long_read = [0x04, 0, 20, 0, 126];
    let too_many: Vec<u8> = [0x10, 0, 10, 0, 124, 248].into_iter().chain([0; 246]).collect();
    // The byte count at which an eight-bit sum of header and data would run over
    let most_bytes: Vec<u8> = [0x10, 0, 10, 0, 123, 250].into_iter().chain([0; 246]).collect();
    let rows: &[(&str, &[u8], &[u8])] = &[
        ("read two inputs", &[0x04, 0, 20, 0, 2], &[0x04, 4, 3, 252, 3, 253]),
        ("read a holding", &[0x03, 0, 19, 0, 1], &[0x03, 2, 0, 7]),
        ("write one", &[0x06, 0, 11, 0x12, 0x34], &[0x06, 0, 11, 0x12, 0x34]),
        ("write two", &[0x10, 0, 10, 0, 2, 4, 0, 1, 0, 2], &[0x10, 0, 10, 0, 2]),
        ("coils", &[0x01, 0, 0, 0, 1], &[0x81, 1]),
        ("discrete inputs", &[0x02, 0, 0, 0, 1], &[0x82, 1]),
        ("write a coil", &[0x05, 0, 0, 0xFF, 0], &[0x85, 1]),
        ("write coils", &[0x0F, 0, 0, 0, 1, 1, 1], &[0x8F, 1]),
        ("diagnostics", &[0x08, 0, 0, 0, 0], &[0x88, 1]),
        ("an answer's function", &[0x83, 1], &[0x83, 1]),
        ("before the first", &[0x03, 0, 9, 0, 2], &[0x83, 2]),
        ("behind the last", &[0x03, 0, 19, 0, 2], &[0x83, 2]),
        ("over the end of all", &[0x04, 0xFF, 0xFF, 0, 2], &[0x84, 2]),
        ("write behind the last", &[0x10, 0, 19, 0, 2, 4, 0, 1, 0, 2], &[0x90, 2]),
        ("write one elsewhere", &[0x06, 0, 9, 0, 0], &[0x86, 2]),
        ("no register", &[0x04, 0, 20, 0, 0], &[0x84, 3]),
        ("too many registers", &long_read, &[0x84, 3]),
        ("write none", &[0x10, 0, 10, 0, 0, 0], &[0x90, 3]),
        ("write too many", &too_many, &[0x90, 3]),
        ("count and bytes contradict", &[0x10, 0, 10, 0, 2, 2, 0, 1], &[0x90, 3]),
        ("bytes and frame contradict", &[0x10, 0, 10, 0, 2, 4, 0, 1], &[0x90, 3]),
        ("bytes beyond any frame", &most_bytes, &[0x90, 3]),
        ("a read with a tail", &[0x04, 0, 20, 0, 2, 0], &[0x84, 3]),
        ("a short read", &[0x04, 0, 20, 0], &[0x84, 3]),
        ("a short write", &[0x06, 0, 11, 0], &[0x86, 3]),
        ("a value out of range", &[0x06, 0, 15, 0, 101], &[0x86, 3]),
        ("a value in range", &[0x06, 0, 15, 0, 100], &[0x06, 0, 15, 0, 100]),
        ("what cannot be kept", &[0x06, 0, 16, 0, 1], &[0x86, 4]),
        ("another transport of 43", &[0x2B, 0x0D, 0, 0], &[0xAB, 1]),
        ("identification without its end", &[0x2B, 0x0E, 1], &[0xAB, 3]),
        ("identification of no kind", &[0x2B, 0x0E, 5, 0], &[0xAB, 3]),
        ("an object that is not there", &[0x2B, 0x0E, 4, 3], &[0xAB, 2]),
        ("one object", &[0x2B, 0x0E, 4, 2], b"\x2B\x0E\x04\x83\0\0\x01\x02\x051.2.3"),
        (
            "the basic ones",
            &[0x2B, 0x0E, 1, 0],
            b"\x2B\x0E\x01\x83\0\0\x03\0\x0ATidewaiter\x01\x09TW-NODE-1\x02\x051.2.3",
        ),
        ("the rest of the basic ones", &[0x2B, 0x0E, 1, 2], b"\x2B\x0E\x01\x83\0\0\x01\x02\x051.2.3"),
        ("a regular one", &[0x2B, 0x0E, 2, 4], b"\x2B\x0E\x02\x83\0\0\x01\x04\x0FInstrument node"),
        ("the serial number", &[0x2B, 0x0E, 4, 0x80], b"\x2B\x0E\x04\x83\0\0\x01\x80\x04TWN7"),
    ];
    for (name, request, answer) in rows {
        let got = ask(&mut Few::new(), UNIT, 9, request);
        assert_eq!(got.as_deref(), Some(*answer), "{name}");
    }
    let all = ask(&mut Few::new(), UNIT, 9, &[0x2B, 0x0E, 3, 0]).unwrap();
    assert_eq!((all[6], &all[all.len() - 66..all.len() - 62]), (6, &b"\x81\x40a5"[..]));
}

#[test]
fn a_refused_write_changes_nothing() {
    let mut few = Few::new();
    assert_eq!(ask(&mut few, UNIT, 9, &[0x10, 0, 14, 0, 2, 4, 0, 1, 0, 200]), Some(vec![0x90, 3]));
    assert_eq!(few.holding, [7; 10]);
}

#[test]
fn others_are_counted_and_not_answered() {
    let mut server = Server::new();
    let mut few = Few::new();
    assert!(!server.take(&framed(8, &[0x06, 0, 11, 0, 1]), UNIT, &mut few));
    assert_eq!((server.counts, few.written), (Counts { others: 1, ..Counts::default() }, 0));
    assert!(server.reply().is_empty());
}

#[test]
fn a_broadcast_is_obeyed_where_configured_and_never_answered() {
    for (broadcast, written) in [(false, 0), (true, 2)] {
        let mut few = Few::new();
        let address = Address { broadcast, ..UNIT };
        assert_eq!(ask(&mut few, address, 0, &[0x06, 0, 11, 0, 1]), None);
        assert_eq!(ask(&mut few, address, 0, &[0x10, 0, 12, 0, 1, 2, 0, 1]), None);
        assert_eq!(ask(&mut few, address, 0, &[0x06, 0, 15, 1, 1]), None);
        assert_eq!(ask(&mut few, address, 0, &[0x03, 0, 10, 0, 1]), None);
        assert_eq!(ask(&mut few, address, 0, &[0x2B, 0x0E, 1, 0]), None);
        assert_eq!(ask(&mut few, address, 0, &[0x08, 0, 0]), None);
        assert_eq!(few.written, written);
    }
}

#[test]
fn the_longest_reply_fits() {
    let answer = ask(&mut Few::new(), UNIT, 9, &[0x04, 0, 20, 0, 125]).unwrap();
    assert_eq!((answer.len(), answer[1]), (252, 250));
}

proptest! {
    #[test]
    fn any_sound_frame_is_answered_rightly_or_not_at_all(
        unit in prop_oneof![Just(9_u8), Just(0), any::<u8>()],
        function in prop_oneof![3 => prop::sample::select(&[3_u8, 4, 6, 16, 43][..]), 1 => any::<u8>()],
        data in prop::collection::vec(any::<u8>(), 0..=252),
        broadcast: bool,
    ) {
        let mut pdu = vec![function];
        pdu.extend(data);
        let answer = ask(&mut Few::new(), Address { broadcast, ..UNIT }, unit, &pdu);
        prop_assert_eq!(answer.is_some(), unit == 9);
        if let Some(answer) = answer {
            prop_assert!(answer[0] == function || answer[0] == function | 0x80 && answer.len() == 2);
        }
    }
}
