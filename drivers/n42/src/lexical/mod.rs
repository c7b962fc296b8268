//! The simple types of the schema: how one value is spelt.
//!
//! Spelling and reading are inverse. What a type cannot hold exactly it refuses; the one exception, digits beyond
//! the eighteenth decimal place, is stated at [`number::exact`].

mod date_time;
mod duration;
mod name;
pub mod number;
pub mod zeroes;

use tidewaiter_drivers::Decimal;

pub use date_time::DateTime;
pub use duration::Duration;
pub use name::{Name, NotAName};

use crate::{bounds::MAX_VALUES, error::Fault};

/// A value with a spelling.
pub(crate) trait Lexical: Sized {
    /// Reads it; white space around it has no meaning unless the type says so.
    fn parse(text: &str) -> Result<Self, Fault>;

    /// Spells it.
    fn print(&self) -> String;
}

/// The identifier of an element, unique in its document (`xs:ID`), or the attribute that names one (`xs:IDREF`).
pub type Id = String;

/// Several identifiers (`xs:IDREFS`), one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids(
    /// In document order.
    pub Vec<Id>,
);

impl Ids {
    /// A list of one.
    pub fn one(id: impl Into<Id>) -> Self {
        Self(vec![id.into()])
    }

    /// Whether an identifier is among them.
    pub fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|it| it == id)
    }
}

impl<T: Into<Id>> FromIterator<T> for Ids {
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> Self {
        Self(ids.into_iter().map(Into::into).collect())
    }
}

impl Lexical for Ids {
    fn parse(text: &str) -> Result<Self, Fault> {
        let ids: Vec<Id> = text.split_ascii_whitespace().take(MAX_VALUES + 1).map(str::to_owned).collect();
        if ids.len() > MAX_VALUES { Err(Fault::Values) } else { Ok(Self(ids)) }
    }

    fn print(&self) -> String {
        self.0.join(" ")
    }
}

/// Free text (`xs:string`), kept as it stands.
impl Lexical for String {
    fn parse(text: &str) -> Result<Self, Fault> {
        Ok(text.to_owned())
    }

    fn print(&self) -> String {
        self.clone()
    }
}

impl Lexical for bool {
    fn parse(text: &str) -> Result<Self, Fault> {
        match text.trim() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            other => Err(Fault::value(other, "true, false, 1 or 0")),
        }
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Lexical for Decimal {
    fn parse(text: &str) -> Result<Self, Fault> {
        number::exact(text).ok_or_else(|| Fault::value(text.trim(), "a decimal number of at most 18 digits"))
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

/// A list of finite numbers. The shortest spelling that reads back is written.
impl Lexical for Vec<f64> {
    fn parse(text: &str) -> Result<Self, Fault> {
        let mut values = Self::new();
        for word in text.split_ascii_whitespace() {
            if values.len() == MAX_VALUES {
                return Err(Fault::Values);
            }
            values.push(number::finite(word).ok_or_else(|| Fault::value(word, "a finite number"))?);
        }
        Ok(values)
    }

    fn print(&self) -> String {
        spelt(self.iter().map(|value| format!("{value:?}")))
    }
}

/// The three coefficients of a calibration.
impl Lexical for [f64; 3] {
    fn parse(text: &str) -> Result<Self, Fault> {
        let values = Vec::<f64>::parse(text)?;
        <[f64; 3]>::try_from(values)
            .map_err(|_| Fault::value(text.trim(), "exactly three coefficients; write 0 for the ones there are not"))
    }

    fn print(&self) -> String {
        self.to_vec().print()
    }
}

/// A list of counts.
impl Lexical for Vec<u64> {
    fn parse(text: &str) -> Result<Self, Fault> {
        counts(text, MAX_VALUES)
    }

    fn print(&self) -> String {
        spelt(self.iter().map(u64::to_string))
    }
}

/// Reads a list of at most `most` counts.
pub(crate) fn counts(text: &str, most: usize) -> Result<Vec<u64>, Fault> {
    let mut values = Vec::new();
    for (index, word) in text.split_ascii_whitespace().enumerate() {
        if index == most {
            return Err(Fault::Values);
        }
        values.push(number::count(word).ok_or_else(|| Fault::count(word, index + 1))?);
    }
    Ok(values)
}

/// A list, wrapped so that a line can be read by a person.
pub(crate) fn spelt(words: impl Iterator<Item = String>) -> String {
    const PER_LINE: usize = 24;
    let mut text = String::new();
    for (index, word) in words.enumerate() {
        if index > 0 {
            text.push(if index % PER_LINE == 0 { '\n' } else { ' ' });
        }
        text.push_str(&word);
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(Vec::<u64>::parse(" 1\n2\t3.0 4e1 ").unwrap(), [1, 2, 3, 40]);
        assert_eq!(Vec::<u64>::parse("1 -2").unwrap_err(), Fault::count("-2", 2));
        assert_eq!(Vec::<u64>::parse("0.5").unwrap_err(), Fault::count("0.5", 1));
        assert_eq!(<[f64; 3]>::parse("-21.8 12.1 6.55e-03").unwrap().print(), "-21.8 12.1 0.00655");
        assert!(<[f64; 3]>::parse("1 2").is_err());
        assert!(<[f64; 3]>::parse("1 2 3 4").is_err());
        assert!(Vec::<f64>::parse("1 INF").is_err());
        assert!(Vec::<f64>::parse("NaN").is_err());
        assert_eq!(Ids::parse(" a  b ").unwrap(), ["a", "b"].into_iter().collect());
    }

    #[test]
    fn long_lists_are_wrapped_and_bounded() {
        let values: Vec<u64> = (0..50).collect();
        assert_eq!(values.print().lines().count(), 3);
        assert_eq!(Vec::<u64>::parse(&values.print()).unwrap(), values);
        let many = "1 ".repeat(MAX_VALUES + 1);
        assert_eq!(Vec::<u64>::parse(&many).unwrap_err(), Fault::Values);
        assert_eq!(Vec::<f64>::parse(&many).unwrap_err(), Fault::Values);
        assert_eq!(Ids::parse(&many).unwrap_err(), Fault::Values);
    }

    #[test]
    fn booleans() {
        for (text, expected) in [("true", true), (" 1 ", true), ("false", false), ("0", false)] {
            assert_eq!(bool::parse(text).unwrap(), expected);
        }
        assert!(bool::parse("True").is_err());
    }
}
