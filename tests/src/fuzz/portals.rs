//! Radiation portals: count lines, the passage recomputed from them, and register blocks.

use tidewaiter_drivers::{
    Decimal,
    portal::{
        aspect::{Identification, Monitor},
        occupancy::{Happening, Recompute, Settings},
        rpm,
    },
    reading::Channels,
    wire::{Decode, Event},
};

use super::stream::{Reread, statements, written};

/// The RPM line decoder with the recomputation behind it, and the Aspect register blocks.
///
/// # Panics
///
/// When one of them breaks a promise.
pub fn portals(bytes: &[u8]) {
    statements("rpm", bytes, rpm::MAX_LINE_BYTES, Reread::Fresh(b"\n", b"\n"), rpm::Decoder::new);
    written("rpm", bytes, rpm::Decoder::new, |line| {
        // What is unknown has no writing.
        let written = rpm::encode(line).into_bytes().to_vec();
        (!written.is_empty()).then_some(written)
    });
    passages(bytes);
    registers(bytes);
}

/// A passage is opened once and never outlives its connection, whatever the lines say and however long they take.
fn passages(bytes: &[u8]) {
    let n_sigma = Decimal::from_ascii(b"5.0").expect("a number");
    let speed_limit = Decimal::from_ascii(b"20").expect("a number");
    let (mut decoder, mut portal) = (rpm::Decoder::new(), Recompute::new(Settings::new(n_sigma, 5, speed_limit)));
    let (mut mono_ms, mut inside) = (0_u64, false);
    let mut note = |happening: &Happening| match happening {
        Happening::Opened => {
            assert!(!inside, "opened while open");
            inside = true;
        }
        // An end line alone closes a passage whose beginning was missed.
        Happening::Closed(_) => inside = false,
        _ => {}
    };
    for &byte in bytes {
        // The input's own bytes set the pace: mostly 200 ms, now and then a silence.
        mono_ms += if byte == b'\n' { 200 } else { u64::from(byte / 0x70) * 40 };
        match decoder.push(byte) {
            Some(Event::Frame(line)) => portal.push(mono_ms, &line).iter().for_each(&mut note),
            Some(Event::Refused(_)) => portal.tick(mono_ms).iter().for_each(&mut note),
            Some(Event::Garbage(bytes)) if bytes > 64 => portal.interrupted().iter().for_each(&mut note),
            Some(Event::Garbage(_)) | None => {}
        }
    }
    portal.interrupted().iter().for_each(&mut note);
    assert!(!portal.is_occupied(), "a passage outlived its connection");
    assert!(!inside, "a passage was never closed");
    assert!(portal.gamma_background().is_none(), "a background outlived its connection");
}

fn registers(bytes: &[u8]) {
    let words: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|&it| u16::from_be_bytes(it)).collect();
    for registers in [words.as_slice(), words.get(..16).unwrap_or_default()] {
        if let Ok(found) = Identification::from_registers(registers) {
            assert_eq!(Identification::from_registers(&found.to_registers()), Ok(found));
            let _ = found.monitor_request();
        }
    }
    for length in 0..=words.len().min(64) {
        let Ok(found) = Monitor::from_registers(words.get(..length).unwrap_or_default()) else { continue };
        let again = Monitor::from_registers(&found.to_registers()).expect("own registers");
        assert_eq!(again.to_registers(), found.to_registers());
        found.each(&mut |name, _| assert!(name.len() <= 32));
    }
}
