//! Container numbers read by a camera: what a confused letter or digit may have been.
//!
//! Optical readers confuse O and 0, I and 1, B and 8, S and 5, Z and 2, G and 6. A container number says by its
//! places which of both can stand there, and its check digit says whether the outcome is right. A number found so is
//! reported as corrected, never as read.

use super::iso6346::{ContainerNumber, NUMBER_CHARACTERS};

/// Letters and the digits they are confused with.
const CONFUSED: [(char, char); 6] = [('O', '0'), ('I', '1'), ('B', '8'), ('S', '5'), ('Z', '2'), ('G', '6')];

/// A container number, and whether the camera read it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The number; its check digit holds.
    pub number: ContainerNumber,
    /// Characters that were replaced: 0 for a number as read.
    pub corrected: u8,
}

/// Reads a container number as a camera gives it.
///
/// First as it stands. If that fails, letters among the digits and digits among the letters are replaced by what they
/// are confused with, and the check digit must hold. `None` when it does not: more than that would be guessing,
/// since one in eleven wrong numbers passes the check.
///
/// # Examples
///
/// ```
/// use tidewaiter_drivers::identity::ocr;
/// let found = ocr::container("C5QU 3O5438 3").unwrap();
/// assert_eq!((found.number.as_str(), found.corrected), ("CSQU3054383", 2));
/// assert_eq!(ocr::container("CSQU3054384"), None);
/// ```
pub fn container(text: &str) -> Option<Found> {
    if let Ok(number) = ContainerNumber::parse(text) {
        return Some(Found { number, corrected: 0 });
    }
    let mut repaired = heapless::String::<NUMBER_CHARACTERS>::new();
    let mut corrected = 0;
    for character in text.chars().filter(|it| !matches!(it, ' ' | '-')) {
        let letter_belongs = repaired.len() < 4;
        let swapped = CONFUSED.into_iter().find_map(|(letter, digit)| match (character, letter_belongs) {
            (found, true) if found == digit => Some(letter),
            (found, false) if found == letter => Some(digit),
            _ => None,
        });
        corrected += u8::from(swapped.is_some());
        repaired.push(swapped.unwrap_or(character)).ok()?;
    }
    let number = ContainerNumber::parse(&repaired).ok()?;
    (corrected > 0).then_some(Found { number, corrected })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn corrections_are_counted_and_must_pass_the_check() {
        let check = |text, expected: Option<(&str, u8)>| {
            let found = container(text);
            assert_eq!(found.as_ref().map(|it| (it.number.as_str(), it.corrected)), expected, "{text}");
        };
        check("CSQU3054383", Some(("CSQU3054383", 0)));
        check("CSQU3O54383", Some(("CSQU3054383", 1)));
        check("CSQU30S4383", Some(("CSQU3054383", 1)));
        check("C5QU3O54383", Some(("CSQU3054383", 2)));
        // The check digit is wrong and nothing is confused.
        check("CSQU3054384", None);
        // Replaced, and the check still fails.
        check("CSQU3O54384", None);
        check("CSQU30543", None);
        check("CSQU3054383333", None);
        check("粤B12345", None);
    }
}
