//! Customs declaration numbers of China: 18 characters.
//!
//! ```text
//! 0202 2008 0 525641690
//!  |    |   |  +- serial number in that office and year, nine digits
//!  |    |   +- 1 import, 0 export; I and E where declarations are brought together
//!  |    +- year
//!  +- customs office
//! ```
//!
//! There is no check digit: a number is accepted by its form and never repaired. Whether the office exists and the
//! year is plausible is asked apart, because a wrong list of offices must not lose a number.

/// Characters of a declaration number.
pub const NUMBER_CHARACTERS: usize = 18;

/// Why a text is no declaration number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeclarationError {
    /// Another number of characters, blanks left out.
    #[error("declaration number has {0} characters instead of 18")]
    Length(usize),
    /// A character that cannot stand there; counted from 1.
    #[error("character {position} of the declaration number is {found:?}, expected {expected}")]
    Character {
        /// Position from 1.
        position: u8,
        /// What stands there.
        found: char,
        /// What may stand there.
        expected: &'static str,
    },
}

/// Which way the goods go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Into the country.
    Import,
    /// Out of the country.
    Export,
}

/// A customs declaration number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeclarationNumber([u8; NUMBER_CHARACTERS]);

impl DeclarationNumber {
    /// Reads a declaration number; blanks between its groups are allowed.
    ///
    /// # Errors
    ///
    /// Refuses any other text, with the first character that does not fit.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidewaiter_drivers::identity::declaration::{DeclarationNumber, Direction};
    /// let number = DeclarationNumber::parse("0202 2008 0 525641690").unwrap();
    /// assert_eq!((number.office(), number.year(), number.serial()), ("0202", 2008, "525641690"));
    /// assert_eq!(number.direction(), Direction::Export);
    /// ```
    pub fn parse(text: &str) -> Result<Self, DeclarationError> {
        let mut number = [0; NUMBER_CHARACTERS];
        let mut length = 0;
        for found in text.chars().filter(|it| !it.is_ascii_whitespace()) {
            if let Some(place) = number.get_mut(length) {
                let position = u8::try_from(length + 1).unwrap_or(u8::MAX);
                let (fits, expected) = match length {
                    8 => (matches!(found, '0' | '1' | 'I' | 'E'), "0, 1, I or E"),
                    _ => (found.is_ascii_digit(), "a digit"),
                };
                let byte = u8::try_from(found).ok().filter(|_| fits);
                *place = byte.ok_or(DeclarationError::Character { position, found, expected })?;
            }
            length += 1;
        }
        if length == NUMBER_CHARACTERS { Ok(Self(number)) } else { Err(DeclarationError::Length(length)) }
    }

    /// The eighteen characters.
    pub fn as_str(&self) -> &str {
        // Always text: only digits and two capitals were let in.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The customs office: four digits, leading zeros kept.
    pub fn office(&self) -> &str {
        self.as_str().get(..4).unwrap_or_default()
    }

    /// The year of the declaration.
    pub fn year(&self) -> u16 {
        self.0.iter().skip(4).take(4).fold(0, |year, &digit| year * 10 + u16::from(digit - b'0'))
    }

    /// Which way the goods go.
    pub const fn direction(&self) -> Direction {
        if matches!(self.0[8], b'1' | b'I') { Direction::Import } else { Direction::Export }
    }

    /// Several deliveries declared together.
    pub const fn is_consolidated(&self) -> bool {
        matches!(self.0[8], b'I' | b'E')
    }

    /// The serial number: nine digits, leading zeros kept.
    pub fn serial(&self) -> &str {
        self.as_str().get(9..).unwrap_or_default()
    }

    /// Whether the year can be meant: not after `this_year`, and not more than ten years before it, when the
    /// documents of a declaration are long destroyed.
    pub fn is_plausible_in(&self, this_year: u16) -> bool {
        (this_year.saturating_sub(10)..=this_year).contains(&self.year())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use std::string::ToString;

    use super::*;

    #[test]
    fn published_number_has_its_parts() {
        let number = DeclarationNumber::parse("020220080525641690").unwrap();
        assert_eq!(number.as_str(), "020220080525641690");
        assert_eq!((number.office(), number.year(), number.serial()), ("0202", 2008, "525641690"));
        assert_eq!((number.direction(), number.is_consolidated()), (Direction::Export, false));
        assert!(number.is_plausible_in(2008) && number.is_plausible_in(2018));
        assert!(!number.is_plausible_in(2007) && !number.is_plausible_in(2019));
    }

    #[test]
    fn letters_mark_consolidated_declarations() {
        for (character, direction, consolidated) in [
            ('1', Direction::Import, false),
            ('0', Direction::Export, false),
            ('I', Direction::Import, true),
            ('E', Direction::Export, true),
        ] {
            let number = DeclarationNumber::parse(&std::format!("53162026{character}000000001")).unwrap();
            assert_eq!((number.direction(), number.is_consolidated()), (direction, consolidated));
        }
    }

    #[test]
    fn nothing_is_repaired() {
        let error = |text| DeclarationNumber::parse(text).unwrap_err().to_string();
        assert_eq!(error("02022008052564169"), "declaration number has 17 characters instead of 18");
        assert_eq!(error("0202200805256416900"), "declaration number has 19 characters instead of 18");
        let wrong = "character 9 of the declaration number is '2', expected 0, 1, I or E";
        assert_eq!(error("020220082525641690"), wrong);
        assert_eq!(error("O20220080525641690"), "character 1 of the declaration number is 'O', expected a digit");
        assert_eq!(error("粤20220080525641690"), "character 1 of the declaration number is '粤', expected a digit");
        assert!(DeclarationNumber::parse("").is_err());
    }
}
