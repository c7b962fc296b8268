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

use super::{aged_since, exact::quotient};

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
    MtSics(mt_sics::MassDecoder),
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
            Codec::MtSics => Decoder::MtSics(mt_sics::MassDecoder::new()),
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
        let none = matches!(self.decoder, Decoder::None);
        if none { Sample::missing(State::NotPresent) } else { aged_since(self.shown, self.last, now) }
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
    let Some(value) = whole(shown.digits(), power, shown.places().saturating_add(3)) else {
        return Some(Sample::missing(State::Overrange));
    };
    let state = if display.motion == Motion::Stable { State::Good } else { State::Unstable };
    Some(Sample { state, value })
}

/// `number · 10^up / 10^down` to the nearest, from the middle away from zero; `None` beyond an `i32`.
fn whole(number: i64, up: u8, down: u8) -> Option<i32> {
    let mut size = number.unsigned_abs();
    for _ in down..up {
        // What is this large stays so, and a ten times larger one fits.
        if size > u64::from(u32::MAX) {
            return None;
        }
        size = size.wrapping_mul(10);
    }
    let places = down.saturating_sub(up);
    for place in 1..=places {
        // A cut quotient of a cut quotient is that of both divisors together, so the last place alone rounds.
        size = quotient(if place == places { size.saturating_add(5) } else { size }, 10);
    }
    let size = i64::try_from(size).ok()?;
    i32::try_from(if number < 0 { size.wrapping_neg() } else { size }).ok()
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
#[allow(clippy::unwrap_used)]
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
    fn digits_become_grams_by_one_rounding() {
        let numbers =
            [0, 1, 4, 5, 44, 45, 49, 50, 449, 450, 499, 500, 1499, 2_147_483_647, 4_294_967_295, 4_294_967_296];
        let numbers = numbers.into_iter().chain([2_147_483_647_499, 2_147_483_647_500, i64::MAX - 5, i64::MAX]);
        for (number, up, down) in
            numbers.flat_map(|it| (0..=9).flat_map(move |up| (3..=21).map(move |down| (it, up, down))))
        {
            for number in [number, -number] {
                let exact = crate::input::exact::nearest(i128::from(number) * 10_i128.pow(up), 10_i128.pow(down));
                let expected = exact.and_then(|it| i32::try_from(it).ok());
                let (up, down) = (u8::try_from(up).unwrap(), u8::try_from(down).unwrap());
                assert_eq!(whole(number, up, down), expected, "{number} · 10^{up} / 10^{down}");
            }
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
