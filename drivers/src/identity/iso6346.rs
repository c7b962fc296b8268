//! Freight container numbers, ISO 6346.
//!
//! ```text
//! CSQU 305438 3      owner code and category (letters), serial number, check digit
//! ```
//!
//! The check digit is a weighted sum modulo 11, where a remainder of 10 is written 0; such serials are
//! discouraged and still occur.

/// Characters of a container number.
pub const NUMBER_CHARACTERS: usize = 11;

/// Why a text is no container number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// It is not eleven characters long once spaces and hyphens are gone.
    #[error("container number has {0} characters instead of 11")]
    Length(usize),
    /// A letter or digit stands where the other belongs; counted from 1.
    #[error("character {position} of the container number is {found:?}, expected a {expected}")]
    Character {
        /// Position from 1.
        position: u8,
        /// What stands there.
        found: char,
        /// `capital letter` or `digit`.
        expected: &'static str,
    },
    /// The check digit does not belong to the other ten characters.
    #[error("check digit of the container number is {found}, expected {expected}; read the number again")]
    CheckDigit {
        /// As read.
        found: u8,
        /// As computed.
        expected: u8,
    },
}

/// A container number whose check digit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContainerNumber([u8; NUMBER_CHARACTERS]);

impl ContainerNumber {
    /// Reads a container number; spaces and hyphens between its groups are allowed.
    ///
    /// # Errors
    ///
    /// Refuses any other text. A number that fails its check is not repaired.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidewaiter_drivers::identity::iso6346::{ContainerError, ContainerNumber};
    /// assert_eq!(ContainerNumber::parse("CSQU 305438 3").unwrap().as_str(), "CSQU3054383");
    /// let expected = ContainerError::CheckDigit { found: 4, expected: 3 };
    /// assert_eq!(ContainerNumber::parse("CSQU3054384"), Err(expected));
    /// ```
    pub fn parse(text: &str) -> Result<Self, ContainerError> {
        let mut number = [0; NUMBER_CHARACTERS];
        let mut length = 0;
        for found in text.chars().filter(|it| !matches!(it, ' ' | '-')) {
            if let Some(place) = number.get_mut(length) {
                *place = character(length, found)?;
            }
            length += 1;
        }
        if length != NUMBER_CHARACTERS {
            return Err(ContainerError::Length(length));
        }
        let [body @ .., check] = number;
        let found = check - b'0';
        match check_digit(&body) {
            Some(expected) if expected != found => Err(ContainerError::CheckDigit { found, expected }),
            _ => Ok(Self(number)),
        }
    }

    /// The eleven characters.
    pub fn as_str(&self) -> &str {
        // Always text: only capitals and digits were let in.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn character(index: usize, found: char) -> Result<u8, ContainerError> {
    let (fits, expected) = match index {
        0..=3 => (found.is_ascii_uppercase(), "capital letter"),
        _ => (found.is_ascii_digit(), "digit"),
    };
    let position = u8::try_from(index + 1).unwrap_or(u8::MAX);
    let refused = ContainerError::Character { position, found, expected };
    if fits { u8::try_from(found).map_err(|_| refused) } else { Err(refused) }
}

/// The check digit of owner code, category and serial number.
///
/// `None` when the ten characters are not four capitals and six digits.
pub fn check_digit(body: &[u8; 10]) -> Option<u8> {
    let [letters @ .., _, _, _, _, _, _] = body;
    let [_, _, _, _, digits @ ..] = body;
    if !letters.iter().all(u8::is_ascii_uppercase) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum: u32 = body.iter().zip(0_u32..).map(|(&character, place)| value(character) << place).sum();
    u8::try_from(sum % 11 % 10).ok()
}

/// Letters count from 10 on, leaving out the multiples of 11, which modulo 11 would not count.
fn value(character: u8) -> u32 {
    match character {
        b'0'..=b'9' => u32::from(character - b'0'),
        b'A' => 10,
        b'B'..=b'K' => u32::from(character - b'B') + 12,
        b'L'..=b'U' => u32::from(character - b'L') + 23,
        _ => u32::from(character.saturating_sub(b'V')) + 34,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    extern crate std;
    use std::format;

    use super::*;

    #[test]
    fn check_digits_published_and_computed() {
        let check = |body: &[u8; 10], expected| assert_eq!(check_digit(body), Some(expected), "{body:?}");
        // Published by carriers; a wrong order of weights, which circulates, fails on these.
        check(b"CSQU305438", 3);
        check(b"CBHU320273", 2);
        check(b"MWCU605978", 4);
        check(b"COSU123456", 0);
        check(b"TEMU700001", 3);
        check(b"OOLU654321", 3);
        // Remainder 10.
        check(b"COSU000007", 0);
        assert_eq!(check_digit(b"COS1000007"), None);
    }

    #[test]
    fn every_letter_has_the_value_of_the_standard() {
        let expected =
            [10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 34, 35, 36, 37, 38];
        assert!((b'A'..=b'Z').map(value).eq(expected));
    }

    #[test]
    fn groups_may_be_spaced_and_nothing_is_repaired() {
        for text in ["CSQU3054383", "CSQU 305438 3", "CSQU-305438-3"] {
            assert_eq!(ContainerNumber::parse(text).unwrap().as_str(), "CSQU3054383");
        }
        assert_eq!(ContainerNumber::parse("CSQU305438"), Err(ContainerError::Length(10)));
        assert_eq!(ContainerNumber::parse("CSQU30543833"), Err(ContainerError::Length(12)));
        let refused = ContainerNumber::parse("CSQU3O54383").unwrap_err();
        assert_eq!(format!("{refused}"), "character 6 of the container number is 'O', expected a digit");
        assert!(ContainerNumber::parse("csqu3054383").is_err());
        assert!(ContainerNumber::parse("粤SQU3054383").is_err());
    }
}
