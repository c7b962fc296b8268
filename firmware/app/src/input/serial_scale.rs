//! An old scale on a serial line, read with the codecs of `tidewaiter-drivers`.
//!
//! Gross, net and displayed masses count, tares do not. The channel is whole grams: a display that shows less is rounded
//! to the nearest, and a unit that is no metric mass is a fault of the wiring.

use tidewaiter_drivers::{
    Unit,
    reading::Missing,
    scale::{
        display::{Display, Kind, Motion},
        mt_sics::{self, Answer},
        st_gs, toledo,
    },
    wire::{Decode, Event},
};
use tidewaiter_node::block::{Sample, State};

use super::{aged, exact::nearest};

/// What the scale speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// No scale.
    None,
    /// Toledo continuous output.
    Toledo,
    /// The same, each frame with a check.
    ToledoWithCheck,
    /// Mettler Toledo SICS answers, as SIR brings them.
    MtSics,
    /// `ST,GS` lines.
    StGs,
}

impl Codec {
    /// The codec of a register.
    pub fn from_word(word: u8) -> Option<Self> {
        Some(match word {
            0 => Self::None,
            1 => Self::Toledo,
            2 => Self::ToledoWithCheck,
            3 => Self::MtSics,
            4 => Self::StGs,
            _ => return None,
        })
    }
}

#[derive(Debug)]
enum Decoder {
    None,
    Toledo(toledo::Decoder),
    MtSics(mt_sics::Decoder),
    StGs(st_gs::Decoder),
}

/// A serial scale and what it said last.
#[derive(Debug)]
pub struct SerialScale {
    decoder: Decoder,
    last: Option<u64>,
    shown: Sample,
}

impl SerialScale {
    /// A scale that has said nothing.
    pub fn new(codec: Codec) -> Self {
        let toledo = |check| {
            let settings = toledo::Settings { check, dummy_zeros: toledo::DummyZeros::Apply };
            Decoder::Toledo(toledo::Decoder::new(settings))
        };
        let decoder = match codec {
            Codec::None => Decoder::None,
            Codec::Toledo => toledo(false),
            Codec::ToledoWithCheck => toledo(true),
            Codec::MtSics => Decoder::MtSics(mt_sics::Decoder::new()),
            Codec::StGs => Decoder::StGs(st_gs::Decoder::new(st_gs::StGs { line_bytes: None })),
        };
        Self { decoder, last: None, shown: Sample::missing(State::NotPresent) }
    }

    /// Takes a byte; says whether a statement has ended with it.
    pub fn push(&mut self, at: u64, byte: u8) -> bool {
        let sample = match &mut self.decoder {
            Decoder::None => None,
            Decoder::Toledo(decoder) => said(decoder.push(byte), |frame| sample(&frame.display)),
            Decoder::MtSics(decoder) => said(decoder.push(byte), |answer| answered(&answer)),
            Decoder::StGs(decoder) => said(decoder.push(byte), |display| sample(&display)),
        };
        if let Some(sample) = sample {
            self.shown = sample;
            self.last = Some(at);
        }
        sample.is_some()
    }

    /// The mass now.
    pub fn sample(&self, now: u64) -> Sample {
        match (&self.decoder, self.last) {
            (Decoder::None, _) => Sample::missing(State::NotPresent),
            (_, None) => aged(Sample::missing(State::WarmingUp), 0, now),
            (_, Some(last)) => aged(self.shown, last, now),
        }
    }
}

/// A statement that tells something; a broken one tells nothing, and silence will show.
fn said<T>(event: Option<Event<T>>, read: impl FnOnce(T) -> Option<Sample>) -> Option<Sample> {
    match event? {
        Event::Frame(item) => read(item),
        Event::Refused(_) | Event::Garbage(_) => None,
    }
}

fn answered(answer: &Answer) -> Option<Sample> {
    match answer {
        Answer::Mass { display, .. } => sample(display),
        other => other.missing().map(|why| Sample::missing(state(why))),
    }
}

fn sample(display: &Display) -> Option<Sample> {
    if display.kind == Kind::Tare {
        return None;
    }
    let shown = match display.shown {
        Ok(shown) => shown,
        Err(why) => return Some(Sample::missing(state(why))),
    };
    // Power of ten to a milligram.
    let power: u8 = match display.unit {
        Some(Unit::Milligram) => 0,
        Some(Unit::Gram) => 3,
        Some(Unit::Kilogram) => 6,
        Some(Unit::Tonne) => 9,
        _ => return Some(Sample::missing(State::Fault)),
    };
    // 10^9 times 2^63, over 10^21 at most.
    let grams =
        nearest(i128::from(shown.digits()).wrapping_mul(ten_to(power)), ten_to(shown.places().saturating_add(3)));
    let Some(value) = grams.and_then(|it| i32::try_from(it).ok()) else {
        return Some(Sample::missing(State::Overrange));
    };
    let state = if display.motion == Motion::Stable { State::Good } else { State::Unstable };
    Some(Sample { state, value })
}

/// A power of ten, up to 10^38.
#[inline(never)]
fn ten_to(power: u8) -> i128 {
    (0..power).fold(1, |product: i128, _| product.wrapping_mul(10))
}

fn state(why: Missing) -> State {
    match why {
        Missing::Overrange => State::Overrange,
        Missing::Underrange => State::Underrange,
        Missing::WarmingUp => State::WarmingUp,
        _ => State::Fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{BROKEN_US, STALE_US};

    fn after(codec: Codec, bytes: &[u8]) -> Sample {
        let mut scale = SerialScale::new(codec);
        for &byte in bytes {
            scale.push(7, byte);
        }
        scale.sample(7)
    }

    fn good(value: i32) -> Sample {
        Sample { state: State::Good, value }
    }

    #[test]
    fn each_codec_brings_grams() {
        let rows: &[(Codec, &[u8], Sample)] = &[
            (Codec::StGs, b"ST,GS,   245.6 g\r\n", good(246)),
            (Codec::StGs, b"ST,NT,+ 0001234kg\r\n", good(1_234_000)),
            (Codec::StGs, b"US,GS,   245.6kg\r\n", Sample { state: State::Unstable, value: 245_600 }),
            (Codec::StGs, b"OL,GS,          \r\n", Sample::missing(State::Overrange)),
            (Codec::StGs, b"ST,GS,   12.34lb\r\n", Sample::missing(State::Fault)),
            (Codec::StGs, b"ST,GS,   245.6kg\r\nST,TR,     1.0kg\r\n", good(245_600)),
            (Codec::StGs, b"ST,GS,   245.6kg\r\nST,GS,  2#5.6kg\r\n", good(245_600)),
            (Codec::StGs, b"ST,GS, 9999999t\r\n", Sample::missing(State::Overrange)),
            (Codec::MtSics, b"S S     100.00 g\r\n", good(100)),
            (Codec::MtSics, b"S D      -1.5 kg\r\n", Sample { state: State::Unstable, value: -1500 }),
            (Codec::MtSics, b"S +\r\n", Sample::missing(State::Overrange)),
            (Codec::MtSics, b"S -\r\n", Sample::missing(State::Underrange)),
            // Point code 2, step 1; gross, kg; 12 340 and no tare
            (Codec::Toledo, b"\x02\x2a\x30\x20 12340     0\r", good(12_340_000)),
            (Codec::None, b"ST,GS,   245.6kg\r\n", Sample::missing(State::NotPresent)),
        ];
        for (codec, bytes, expected) in rows {
            assert_eq!(after(*codec, bytes), *expected, "{codec:?} {:?}", core::str::from_utf8(bytes));
        }
    }

    #[test]
    fn a_silent_scale_ages() {
        let mut scale = SerialScale::new(Codec::StGs);
        assert_eq!(scale.sample(1), Sample::missing(State::WarmingUp));
        assert_eq!(scale.sample(BROKEN_US), Sample::missing(State::Fault));
        for &byte in b"ST,GS,   245.6kg\r\n" {
            scale.push(BROKEN_US, byte);
        }
        assert_eq!(scale.sample(BROKEN_US + STALE_US), Sample { state: State::Stale, value: 245_600 });
        assert_eq!(scale.sample(2 * BROKEN_US), Sample::missing(State::Fault));
    }
}
