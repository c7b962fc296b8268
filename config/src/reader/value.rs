//! One value of a file: read as what it should be, or reported with what to write instead.

use std::{fmt::Display, ops::Range, time::Duration};

use jiff::civil::Date;
use tidewaiter_drivers::{Decimal, Unit};
use toml::{Spanned, de::DeValue};

use super::{
    Document, list, nearest,
    scalar::{self, show_duration, show_size},
    spelling::unit_meant,
};

/// Longest id, in bytes: the space a reading has for a name.
pub(crate) const MAX_ID: usize = 32;

/// One value with its key and place.
#[derive(Clone)]
pub(crate) struct Value<'d> {
    pub(super) document: &'d Document<'d>,
    pub(super) key: String,
    pub(super) home: String,
    pub(super) key_span: Range<usize>,
    pub(super) item: &'d Spanned<DeValue<'d>>,
}

impl<'d> Value<'d> {
    pub(super) fn new(
        document: &'d Document<'d>,
        key: String,
        home: String,
        key_span: Range<usize>,
        item: &'d Spanned<DeValue<'d>>,
    ) -> Self {
        Self { document, key, home, key_span, item }
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.item.span()
    }

    pub(crate) fn key_span(&self) -> Range<usize> {
        self.key_span.clone()
    }

    /// Reports a fault at this value.
    pub(crate) fn fault(&self, what: impl Into<String>, way_out: impl Into<String>) {
        self.document.error(self.span(), what, way_out);
    }

    /// Reports a fault at the key of this value.
    pub(crate) fn key_fault(&self, what: impl Into<String>, way_out: impl Into<String>) {
        self.document.error(self.key_span(), what, way_out);
    }

    /// Reports that this value names something that is not there.
    pub(crate) fn dangling(&self, what: impl Into<String>, way_out: impl Into<String>) {
        self.document.absence(self.span(), what, way_out);
    }

    /// Reports something worth a look at this value.
    pub(crate) fn doubt(&self, what: impl Into<String>, way_out: impl Into<String>) {
        self.document.warning(self.span(), what, way_out);
    }

    /// `key = value`, as way out.
    pub(crate) fn assign(&self, value: impl Display) -> String {
        format!("{} = {value}", self.key)
    }

    /// The value as it stands in the file, quotes included.
    pub(crate) fn written(&self) -> &'d str {
        self.document.text().get(self.span()).unwrap_or_default()
    }

    pub(super) fn wrong_type<T>(&self, wanted: &str, example: &str) -> Option<T> {
        let kind = match self.item.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fractional number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(format!("`{}` must be {wanted}, and {kind} stands here", self.key), self.assign(example));
        None
    }

    fn string(&self, wanted: &str, example: &str) -> Option<&'d str> {
        match self.item.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_)
                if example.is_empty() =>
            {
                self.wrong_type(wanted, &format!("{:?}", self.written()))
            }
            _ => self.wrong_type(wanted, if example.is_empty() { "\"…\"" } else { example }),
        }
    }

    /// A text, which may be empty or blank.
    pub(crate) fn any_text(&self) -> Option<&'d str> {
        self.string("a text in quotes", "")
    }

    /// A text that is not blank.
    pub(crate) fn text(&self) -> Option<&'d str> {
        let text = self.string("a text in quotes", "")?;
        if text.trim().is_empty() {
            self.fault(format!("`{}` is empty", self.key), self.assign("\"…\""));
            return None;
        }
        Some(text)
    }

    /// An id: letters, digits, `-`, `_` and `.`, at most [`MAX_ID`] bytes. It becomes part of topics and file names.
    pub(crate) fn id(&self) -> Option<&'d str> {
        let text = self.text()?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.len() <= MAX_ID && text.chars().all(fits) {
            return Some(text);
        }
        let plain: String = text.trim().chars().map(|c| if fits(c) { c } else { '-' }).take(MAX_ID).collect();
        let plain = plain.trim_matches('-');
        let plain = if plain.is_empty() { "gate-1" } else { plain };
        self.fault(
            format!("`{}` is {text:?}; an id has 1 to {MAX_ID} of a-z A-Z 0-9 - _ .", self.key),
            self.assign(format!("\"{plain}\"")),
        );
        None
    }

    /// One of a closed set of words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let example = words.first().map_or("\"…\"".to_owned(), |(word, _)| format!("\"{word}\""));
        let text = self.string(&format!("one of the texts {}", list(words.iter().map(|(word, _)| *word))), &example)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|&(_, it)| it);
        if found.is_none() {
            let known = list(words.iter().map(|(word, _)| *word));
            let way_out = nearest(text, words.iter().map(|(word, _)| *word))
                .map_or(format!("{}; one of {known}", self.assign(&example)), |meant| {
                    self.assign(format!("\"{meant}\""))
                });
            self.fault(format!("`{}` is {text:?}, which is not one of {known}", self.key), way_out);
        }
        found
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        match self.item.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.wrong_type("true or false, without quotes", "false"),
        }
    }

    /// A whole number within limits, both included.
    pub(crate) fn integer<T: TryFrom<i64> + Display + Copy + Into<i64>>(&self, low: T, high: T) -> Option<T> {
        let DeValue::Integer(number) = self.item.get_ref() else {
            let example = match self.item.get_ref() {
                DeValue::String(text) if text.trim().parse::<i64>().is_ok() => text.trim().to_owned(),
                _ => low.to_string(),
            };
            return self.wrong_type("a whole number without quotes", &example);
        };
        let read = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let within = read.filter(|it| (low.into()..=high.into()).contains(it)).and_then(|it| T::try_from(it).ok());
        if within.is_none() {
            let nearest = match read {
                Some(it) if it < low.into() => low,
                _ => high,
            };
            self.fault(format!("`{}` is {number}, outside {low} to {high}", self.key), self.assign(nearest));
        }
        within
    }

    /// One of a few whole numbers.
    pub(crate) fn integer_of(&self, allowed: &[u32]) -> Option<u32> {
        let number = self.integer(0_u32, u32::MAX)?;
        if allowed.contains(&number) {
            return Some(number);
        }
        let closest = allowed.iter().copied().min_by_key(|it| it.abs_diff(number)).unwrap_or_default();
        let known = allowed.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        self.fault(format!("`{}` is {number}, which is not one of {known}", self.key), self.assign(closest));
        None
    }

    /// A decimal: a text, so that the digits after the point are kept as written.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        let text = match self.item.get_ref() {
            DeValue::String(text) => text.as_ref(),
            DeValue::Integer(_) | DeValue::Float(_) => {
                let written = self.written();
                self.fault(
                    format!(
                        "`{}` is the bare number {written}; decimals stand in quotes, so that their digits are kept",
                        self.key
                    ),
                    self.assign(format!("\"{written}\"")),
                );
                return None;
            }
            _ => return self.wrong_type("a decimal in quotes", "\"0.5\""),
        };
        if let Ok(decimal) = text.parse() {
            return Some(decimal);
        }
        // 0,02 / ０．０２ / 20 kg / 1 000
        let plain: String = text
            .chars()
            .map(|c| match c {
                '０'..='９' => char::from_u32(u32::from(c) - u32::from('０') + u32::from('0')).unwrap_or(c),
                ',' | '．' | '，' | '。' => '.',
                '－' | '−' => '-',
                other => other,
            })
            .filter(|c| c.is_ascii_digit() || matches!(c, '.' | '-'))
            .collect();
        let example = plain.parse::<Decimal>().map_or("\"0.5\"".to_owned(), |meant| format!("\"{meant}\""));
        self.fault(
            format!(
                "`{}` is {text:?}, which is not a decimal (digits, at most one point, no unit, no exponent)",
                self.key
            ),
            self.assign(example),
        );
        None
    }

    /// A decimal within limits, both included.
    pub(crate) fn decimal_within(&self, low: &str, high: &str) -> Option<Decimal> {
        let decimal = self.decimal()?;
        let (least, greatest) = (low.parse::<Decimal>().ok()?, high.parse::<Decimal>().ok()?);
        if decimal.cmp_value(least).is_lt() || decimal.cmp_value(greatest).is_gt() {
            let closest = if decimal.cmp_value(least).is_lt() { low } else { high };
            self.fault(
                format!("`{}` is {decimal}, outside {low} to {high}", self.key),
                self.assign(format!("\"{closest}\"")),
            );
            return None;
        }
        Some(decimal)
    }

    /// A duration within limits, both included.
    pub(crate) fn duration(&self, low: Duration, high: Duration) -> Option<Duration> {
        let text = match self.item.get_ref() {
            DeValue::String(text) => text.as_ref(),
            DeValue::Integer(_) => {
                let written = self.written();
                self.fault(
                    format!("`{}` is {written} without a unit", self.key),
                    self.assign(format!("\"{written} s\"")),
                );
                return None;
            }
            _ => return self.wrong_type("a duration in quotes", "\"3 s\""),
        };
        match scalar::duration(text) {
            Ok(duration) if duration < low || duration > high => {
                let closest = if duration < low { low } else { high };
                self.fault(
                    format!("`{}` is {text:?}, outside {} to {}", self.key, show_duration(low), show_duration(high)),
                    self.assign(format!("\"{}\"", show_duration(closest))),
                );
                None
            }
            Ok(duration) => Some(duration),
            Err(unreadable) => {
                let example = unreadable
                    .meant
                    .map_or("\"3 s\"; units are ms, s, min, h, d".to_owned(), |meant| format!("\"{meant}\""));
                self.fault(
                    format!(
                        "`{}` is {text:?}, which is not a duration (a whole number and ms, s, min, h or d)",
                        self.key
                    ),
                    self.assign(example),
                );
                None
            }
        }
    }

    /// A size in bytes within limits, both included.
    pub(crate) fn size(&self, low: u64, high: u64) -> Option<u64> {
        let text = match self.item.get_ref() {
            DeValue::String(text) => text.as_ref(),
            DeValue::Integer(_) => {
                self.fault(format!("`{}` is {} without a unit", self.key, self.written()), self.assign("\"512 MiB\""));
                return None;
            }
            _ => return self.wrong_type("a size in quotes", "\"512 MiB\""),
        };
        match scalar::size(text) {
            Ok(bytes) if bytes < low || bytes > high => {
                let closest = if bytes < low { low } else { high };
                self.fault(
                    format!("`{}` is {text:?}, outside {} to {}", self.key, show_size(low), show_size(high)),
                    self.assign(format!("\"{}\"", show_size(closest))),
                );
                None
            }
            Ok(bytes) => Some(bytes),
            Err(unreadable) => {
                let example = unreadable
                    .meant
                    .map_or("\"512 MiB\"; units are KiB, MiB, GiB, TiB".to_owned(), |meant| format!("\"{meant}\""));
                self.fault(
                    format!(
                        "`{}` is {text:?}, which is not a size (a whole number and KiB, MiB, GiB or TiB)",
                        self.key
                    ),
                    self.assign(example),
                );
                None
            }
        }
    }

    /// A unit by its UCUM code.
    pub(crate) fn unit(&self) -> Option<Unit> {
        let text = self.string("a UCUM unit code in quotes", "\"kg\"")?;
        if let Ok(unit) = text.parse() {
            return Some(unit);
        }
        let way_out = match unit_meant(text)
            .map(Unit::code)
            .or_else(|| nearest(text, Unit::ALL.iter().map(|unit| unit.code())))
        {
            Some(meant) => self.assign(format!("\"{meant}\"")),
            None => format!("one of {}", list(Unit::ALL.iter().map(|unit| unit.code()))),
        };
        self.fault(
            format!(
                "`{}` is {text:?}, which is not a UCUM unit code known here (upper and lower case count)",
                self.key
            ),
            way_out,
        );
        None
    }

    /// One of these units.
    pub(crate) fn unit_of(&self, allowed: &[Unit]) -> Option<Unit> {
        let unit = self.unit()?;
        if allowed.contains(&unit) {
            return Some(unit);
        }
        let known = list(allowed.iter().map(|unit| unit.code()));
        let example = allowed.first().map_or("1", |unit| unit.code());
        self.fault(
            format!("`{}` is {unit:?} ({unit}), and {known} is needed here", self.key),
            self.assign(format!("\"{example}\"")),
        );
        None
    }

    /// A calendar date, as TOML date or as text.
    pub(crate) fn date(&self) -> Option<Date> {
        let parsed = match self.item.get_ref() {
            DeValue::Datetime(it) => it.date.and_then(|date| {
                Date::new(i16::try_from(date.year).ok()?, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?)
                    .ok()
            }),
            DeValue::String(text) => text.parse().ok(),
            _ => return self.wrong_type("a date", "2025-01-31"),
        };
        if parsed.is_none() {
            self.fault(
                format!("`{}` is {}, which is not a day of the calendar", self.key, self.written()),
                self.assign("2025-01-31"),
            );
        }
        parsed
    }
}
