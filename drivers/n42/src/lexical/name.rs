//! Names, and the schema's narrow idea of them.

use std::fmt;

use super::Lexical;
use crate::error::{Fault, shortened};

/// A name of something: maker, model, version, nuclide, characteristic.
///
/// The schema's pattern for names, `[\w\d ]*[\w\d\S]+[\w\d ]*`, allows blanks and punctuation but only one run
/// without blanks may hold punctuation: `VM-250` and `Lane 3 north` are names, `VM-250 v1.10` is not (dots, hyphens,
/// brackets and the underscore are punctuation there). Instruments do not know that, so a name that was read may
/// break the pattern; [`check`](crate::check()) reports it, and it is not written.
///
/// # Examples
///
/// ```
/// use tidewaiter_n42::lexical::Name;
/// assert_eq!(Name::new("VM-250").unwrap().as_str(), "VM-250");
/// assert!(Name::new("VM-250 v1.10").is_err());
/// assert_eq!(Name::fitted("VM-250 v1.10").unwrap().as_str(), "VM-250_v1.10");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

/// A text that is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    /// Nothing but white space.
    #[error("a name cannot be blank")]
    Blank,
    /// Punctuation in more than one word.
    #[error("`{0}` has punctuation in more than one word, which the schema refuses; use Name::fitted")]
    Pattern(String),
}

impl Name {
    /// Takes a name that keeps the schema's pattern; white space is collapsed.
    ///
    /// # Errors
    ///
    /// Blank, or against the pattern.
    pub fn new(text: &str) -> Result<Self, NotAName> {
        let name = Self(collapsed(text));
        if name.0.is_empty() {
            Err(NotAName::Blank)
        } else if name.is_conforming() {
            Ok(name)
        } else {
            Err(NotAName::Pattern(shortened(text)))
        }
    }

    /// Makes a text fit by joining its words with `_` from the first punctuated one to the last.
    ///
    /// # Errors
    ///
    /// [`NotAName::Blank`].
    pub fn fitted(text: &str) -> Result<Self, NotAName> {
        let text = collapsed(text);
        let words: Vec<&str> = text.split(' ').collect();
        let punctuated = |word: &&str| !word.chars().all(is_word);
        let first = words.iter().position(punctuated);
        let last = words.iter().rposition(punctuated);
        let mut fitted = String::new();
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                let inside = first.is_some_and(|first| index > first) && last.is_some_and(|last| index <= last);
                fitted.push(if inside { '_' } else { ' ' });
            }
            fitted.push_str(word);
        }
        if fitted.is_empty() { Err(NotAName::Blank) } else { Ok(Self(fitted)) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it keeps the schema's pattern.
    pub fn is_conforming(&self) -> bool {
        self.0.split(' ').filter(|word| !word.chars().all(is_word)).count() <= 1
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Lexical for Name {
    fn parse(text: &str) -> Result<Self, Fault> {
        let name = Self(collapsed(text));
        if name.0.is_empty() { Err(Fault::value(text, "a name")) } else { Ok(name) }
    }

    fn print(&self) -> String {
        self.0.clone()
    }
}

fn collapsed(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether `\w` of XML Schema matches: anything but punctuation, separators and control characters.
///
/// Beyond ASCII only letters and digits are taken for sure. What is left out (combining marks, rare symbols) counts
/// as punctuation, so that a name may be joined needlessly but never written against the pattern.
fn is_word(character: char) -> bool {
    match character {
        '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => true,
        other => other.is_alphanumeric(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_punctuated_word_at_most() {
        for text in
            ["VM-250", "RPM 3000", "RPMs R Us", "SN 7890A", "RF BAND", "192.168.100.32", "%", "同方威视", "A/B rev 2"]
        {
            assert!(Name::new(text).is_ok(), "{text}");
        }
        for (text, fitted) in [
            ("VM-250 v1.10", "VM-250_v1.10"),
            ("edge-agent 0.1", "edge-agent_0.1"),
            ("Lane 3 (north) gate v1.0 x", "Lane 3 (north)_gate_v1.0 x"),
            ("门_1 号-2", "门_1_号-2"),
        ] {
            assert!(matches!(Name::new(text), Err(NotAName::Pattern(_))), "{text}");
            assert_eq!(Name::fitted(text).unwrap().as_str(), fitted);
        }
        assert_eq!(Name::new(" \n"), Err(NotAName::Blank));
        assert_eq!(Name::fitted(""), Err(NotAName::Blank));
        assert_eq!(Name::parse(" VM-250\n v1.10 ").unwrap().as_str(), "VM-250 v1.10");
    }

    proptest! {
        #[test]
        fn fitted_names_conform(text in ".{0,60}") {
            if let Ok(name) = Name::fitted(&text) {
                prop_assert!(name.is_conforming());
                prop_assert_eq!(Name::new(name.as_str()).unwrap(), name);
            }
        }
    }
}
