//! Whole answers from the line, read through the shipped profiles: vectors prove types, and these prove addresses.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use tidewaiter_config::profile;
use tidewaiter_drivers::modbus::{crc16, register};

/// The registers of an RTU answer to FC 04, its check included.
fn registers(frame: &str) -> Vec<u16> {
    let bytes: Vec<u8> = frame.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    let (body, check) = bytes.split_at(bytes.len() - 2);
    assert_eq!(crc16(body).to_le_bytes(), check);
    assert_eq!((body[1], usize::from(body[2])), (4, body.len() - 3));
    body[3..].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

/// What a profile's channels show of registers that start at wire address 0.
fn check(id: &str, frame: &str, expected: &[(&str, &str)]) {
    let profile = profile::builtin().into_iter().find(|it| it.id == id).unwrap();
    let registers = registers(frame);
    for (name, shown) in expected {
        let channel = profile.channel(name).unwrap();
        let at = usize::from(channel.address);
        let words = &registers[at..at + usize::from(channel.encoding.registers())];
        let value = register::decode(&channel.encoding, words, channel.scale, channel.places).unwrap();
        assert_eq!(value.to_string(), *shown, "{id} {name}");
    }
}

/// Computed apart from this program: gross 12340, net 8220, stable, tare active.
#[test]
fn dini_argeo_answer() {
    let expected = [
        ("gross", "12340"),
        ("net", "8220"),
        ("net-negative", "0"),
        ("stable", "1"),
        ("underload", "0"),
        ("overload", "0"),
        ("tare-active", "1"),
        ("last-command", "0"),
        ("outputs", "0"),
    ];
    check("dini-argeo-dgt", "01 04 0E 00 00 30 34 00 00 20 1C 00 24 00 00 00 00 A8 89", &expected);
}

/// Computed apart from this program; one combined gauge answers three profiles.
#[test]
fn combined_belt_gauge_answer() {
    const FRAME: &str = "05 04 14 00 01 00 03 44 4B 20 00 41 4D 70 A4 41 19 99 9A 00 12 D6 87 9F 08";
    let common = [("state", "1"), ("belt-running", "1"), ("valid", "1"), ("over-range", "0"), ("mass-flow", "812.5")];
    for (id, name, shown) in [
        ("coal-ash-proposed", "ash", "12.84"),
        ("moisture-gauge-proposed", "moisture", "9.6"),
        ("belt-scale-proposed", "total-mass", "1234567"),
    ] {
        check(id, FRAME, &common);
        check(id, FRAME, &[(name, shown)]);
    }
    check("coal-ash-proposed", FRAME, &[("shutter-open", "0"), ("low-bed-depth", "0")]);
}

/// No two channels of a profile claim the same registers, unless both are bits of one.
#[test]
fn channels_do_not_overlap() {
    for profile in profile::builtin() {
        for (at, one) in profile.channels.iter().enumerate() {
            for other in &profile.channels[at + 1..] {
                let bits = |it: &profile::RegisterChannel| match it.encoding {
                    register::Encoding::Bit(bit) => Some(bit),
                    _ => None,
                };
                let apart = one.table != other.table
                    || one.address + one.encoding.registers() <= other.address
                    || other.address + other.encoding.registers() <= one.address
                    || (bits(one).is_some() && bits(other).is_some() && bits(one) != bits(other));
                assert!(apart, "{}: {} and {}", profile.id, one.name, other.name);
            }
        }
    }
}

/// A map that no maker publishes says so where people see it.
#[test]
fn proposed_maps_say_so() {
    for profile in profile::builtin() {
        let proposed = profile.source == "proposed map, computed only";
        let marked = profile.title.contains("proposed map") || profile.title.contains("generic map");
        assert_eq!(proposed, marked, "{}", profile.id);
        assert!(proposed || profile.source.contains("vectors computed"), "{}", profile.id);
    }
}
