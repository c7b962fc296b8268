//! The legally relevant parameters: 40 words, the same in the EEPROM and in holding registers 0x0010 to 0x0037.
//!
//! ```text
//! word  0..1   zero: code of the converter with nothing on the receptor, i32
//!       2..3   span: mass, g, u32
//!       4..5   span: difference of codes this mass makes, i32; mass = (code − zero) × span mass / span codes, exactly
//!       6..7   scale interval, g, u32: 1, 2 or 5 times a power of ten
//!       8..9   capacity, g, u32
//!       10..11 motion band, g, u32: the load is still while conversions stay within it …
//!       12     … for so many conversions in a row (low byte); filter: 2^n conversions are averaged, n 0 to 6 (high byte)
//!       13     serial scale's codec, 0 none (high byte); number of linearisation points, 0 to 6 (low byte)
//!       14..31 six points of three words: indicated mass, g, u32, ascending; correction to add there, g, i16
//!       32..33 dead time of the pulse counter, ns, u32
//!       34     code of the loop converter at 4 mA, i16
//!       35     code of the loop converter at 20 mA, i16
//!       36     warm-up after a start, s
//!       37     interval over which pulses are counted, ms
//!       38     correction to add to the temperature, 0.01 °C, i16
//!       39     fitted inputs, bit 0 load cell … bit 4 serial scale, in the order of the sealed block's channels
//! ```
//!
//! Only what belongs to a fitted input is judged; the rest is kept as it came.

use thiserror::Error;

/// Registers of the parameters.
pub const WORDS: usize = 40;
/// Linearisation points at most.
const POINTS: usize = 6;
/// A 24-bit converter's codes.
const CODES: core::ops::Range<i32> = -0x80_0000..0x80_0000;

/// A point of the linearisation: at this indicated mass, so much is added; in between on a straight line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// Indicated mass, g.
    pub mass: u32,
    /// Correction, g.
    pub correction: i16,
}

/// The legally relevant parameters. Whoever has one has a judged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    words: [u16; WORDS],
}

/// Why words are no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("word {word} of the parameters does not fit the others or its range")]
pub struct ParameterError {
    /// The first word of what does not fit.
    pub word: usize,
}

impl Parameters {
    /// Judges the words.
    ///
    /// # Errors
    ///
    /// Says the first word of the first parameter that cannot be.
    pub fn from_words(words: &[u16; WORDS]) -> Result<Self, ParameterError> {
        let parameters = Self { words: *words };
        match parameters.first_misfit() {
            None => Ok(parameters),
            Some(word) => Err(ParameterError { word }),
        }
    }

    /// The words.
    pub fn to_words(&self) -> [u16; WORDS] {
        self.words
    }

    fn first_misfit(&self) -> Option<usize> {
        let most = i32::MAX.unsigned_abs();
        if self.fitted() >= 1 << 5 {
            return Some(39);
        }
        if self.is_fitted(0) {
            let interval = self.scale_interval();
            let rows = [
                (0, CODES.contains(&self.zero())),
                (2, (1..=most).contains(&self.span_mass())),
                (4, self.span_codes() != 0),
                (6, is_one_two_five(interval)),
                (8, (interval..=most).contains(&self.capacity())),
                (10, self.motion_band() >= 1),
                (12, self.filter() <= 6 && self.still() >= 1),
            ];
            for (word, fits) in rows {
                if !fits {
                    return Some(word);
                }
            }
            if let Some(word) = self.first_bad_point() {
                return Some(word);
            }
        }
        if self.is_fitted(1) && self.dead_time_ns() > 1_000_000 {
            return Some(32);
        }
        if self.is_fitted(1) && self.count_interval_ms() < 100 {
            return Some(37);
        }
        if self.is_fitted(2) && self.loop_4ma() >= self.loop_20ma() {
            return Some(34);
        }
        (self.is_fitted(4) && self.codec() == 0).then_some(13)
    }

    fn first_bad_point(&self) -> Option<usize> {
        let count = usize::from(self.word(13) & 0xff);
        if count > POINTS {
            return Some(13);
        }
        let mut last = None;
        for index in 0..POINTS {
            let point = self.point(index);
            let fits = if index < count {
                point.mass <= i32::MAX.unsigned_abs() && last.is_none_or(|last| last < point.mass)
            } else {
                point == Point::default()
            };
            if !fits {
                return Some(14 + 3 * index);
            }
            last = Some(point.mass);
        }
        None
    }

    fn word(&self, at: usize) -> u16 {
        self.words.get(at).copied().unwrap_or_default()
    }

    fn double(&self, at: usize) -> u32 {
        u32::from(self.word(at)) << 16 | u32::from(self.word(at + 1))
    }

    fn point(&self, index: usize) -> Point {
        let at = 14 + 3 * index;
        Point { mass: self.double(at), correction: self.word(at + 2).cast_signed() }
    }

    fn is_fitted(&self, bit: u8) -> bool {
        self.fitted() >> bit & 1 == 1
    }

    /// Code with nothing on the receptor.
    pub fn zero(&self) -> i32 {
        self.double(0).cast_signed()
    }

    /// Mass of the span, g.
    pub fn span_mass(&self) -> u32 {
        self.double(2)
    }

    /// Codes of the span.
    pub fn span_codes(&self) -> i32 {
        self.double(4).cast_signed()
    }

    /// Scale interval, g.
    pub fn scale_interval(&self) -> u32 {
        self.double(6)
    }

    /// Capacity, g.
    pub fn capacity(&self) -> u32 {
        self.double(8)
    }

    /// Motion band, g.
    pub fn motion_band(&self) -> u32 {
        self.double(10)
    }

    /// 2 to this power conversions are averaged.
    pub fn filter(&self) -> u8 {
        self.word(12).to_be_bytes()[0]
    }

    /// Conversions within the motion band until the load counts as still.
    pub fn still(&self) -> u8 {
        self.word(12).to_be_bytes()[1]
    }

    /// Number of the serial scale's codec; 0 none.
    pub fn codec(&self) -> u8 {
        self.word(13).to_be_bytes()[0]
    }

    /// The linearisation points.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        (0..usize::from(self.word(13) & 0xff).min(POINTS)).map(|index| self.point(index))
    }

    /// Dead time of the pulse counter, ns.
    pub fn dead_time_ns(&self) -> u32 {
        self.double(32)
    }

    /// Code of the loop converter at 4 mA.
    pub fn loop_4ma(&self) -> i16 {
        self.word(34).cast_signed()
    }

    /// Code of the loop converter at 20 mA.
    pub fn loop_20ma(&self) -> i16 {
        self.word(35).cast_signed()
    }

    /// Warm-up after a start, s.
    pub fn warm_up_s(&self) -> u16 {
        self.word(36)
    }

    /// Interval over which pulses are counted, ms.
    pub fn count_interval_ms(&self) -> u16 {
        self.word(37)
    }

    /// Correction of the temperature, 0.01 °C.
    pub fn temperature_correction(&self) -> i16 {
        self.word(38).cast_signed()
    }

    /// Fitted inputs, a bit for each channel of the sealed block.
    pub fn fitted(&self) -> u16 {
        self.word(39)
    }
}

fn is_one_two_five(mut interval: u32) -> bool {
    while interval >= 10 && interval.is_multiple_of(10) {
        interval /= 10;
    }
    matches!(interval, 1 | 2 | 5)
}
