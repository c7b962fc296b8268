//! Who answers: what an instrument says of itself, compared with the register of instruments.
//!
//! It is asked once per connection, and once more after a silence that could have been an exchange of
//! instruments on a line that stayed open. The questions follow the registers of a poll, when the
//! unit is known to be there: one that then stays silent does not know the question, and one that is
//! merely switched off is asked later.
//!
//! ```text
//! function 43/14, objects 0 to 2 ─┐
//! registers of the profile ───────┴─► facts ─► compared with the site file, and with last time
//! ```

use std::collections::BTreeMap;

use tidewaiter_config::profile::{Fact, IdentityRegister, RegisterProfile};
use tidewaiter_drivers::modbus::register::{self, Encoding};

use super::line::Objects;
use crate::acquire::Happening;

/// What an instrument says of itself.
pub(super) type Facts = BTreeMap<Fact, String>;

/// Tries after which a question that the site file depends on counts as one the instrument does not
/// answer. A spoilt answer in a row of three is a bad line, and then readings are missing anyway.
const MOST_TRIES: u8 = 3;
/// The last object of basic identification.
const LAST_OBJECT: u8 = 2;
/// Longest text kept of a fact: what fits an event and a screen.
const MOST_CHARACTERS: usize = 64;

/// What to ask next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inquiry {
    /// Device identification from this object on.
    Device(u8),
    /// Registers of the profile.
    Registers(IdentityRegister),
}

/// What is known of who an instrument is.
#[derive(Debug)]
pub(super) struct Identity {
    expected: Facts,
    questions: Vec<Inquiry>,
    /// Index of the next question; at the end, everything is known that can be.
    next: usize,
    tries: Vec<u8>,
    /// The object to go on with in an identification that comes in parts.
    part: u8,
    now: Facts,
    /// As last told, over all connections.
    told: Option<Facts>,
    mismatch: bool,
    /// Nothing has been compared since it was begun.
    open: bool,
}

impl Identity {
    pub(super) fn new(profile: &RegisterProfile, expected: &Facts) -> Self {
        let covered = |fact: &Fact| profile.identity.iter().any(|it| it.fact == *fact);
        let by_device = [Fact::Vendor, Fact::Product, Fact::Revision];
        let mut questions = Vec::new();
        if profile.device_identification && !by_device.iter().all(covered) {
            questions.push(Inquiry::Device(0));
        }
        questions.extend(profile.identity.iter().copied().map(Inquiry::Registers));
        let tries = vec![0; questions.len()];
        Self {
            expected: expected.clone(),
            questions,
            next: 0,
            tries,
            part: 0,
            now: Facts::new(),
            told: None,
            mismatch: false,
            open: true,
        }
    }

    /// Starts over: who answers from now on may be another instrument. Questions that it has not
    /// answered before are left out.
    pub(super) fn begin(&mut self) {
        self.open = true;
        self.next = 0;
        self.part = 0;
        self.now.clear();
        self.skip_hopeless();
    }

    /// Starts over and gives every question another chance: the cable was unplugged.
    pub(super) fn forget(&mut self) {
        self.tries.fill(0);
        self.begin();
    }

    /// The next question; `None` when all are answered.
    pub(super) fn inquiry(&self) -> Option<Inquiry> {
        self.questions.get(self.next).map(|question| match question {
            Inquiry::Device(_) if self.part > 0 => Inquiry::Device(self.part),
            other => *other,
        })
    }

    /// Whether all questions of this connection are answered and not yet compared.
    pub(super) fn has_news(&self) -> bool {
        self.open && self.next >= self.questions.len()
    }

    /// Whether values may not be told yet, since the site file says who should answer.
    pub(super) fn is_owed(&self) -> bool {
        !self.expected.is_empty() && self.next < self.questions.len()
    }

    /// Whether somebody else than expected answers.
    pub(super) const fn mismatch(&self) -> bool {
        self.mismatch
    }

    /// Takes an identification; goes on with the next question, or with the rest of this one.
    pub(super) fn objects(&mut self, answer: Objects) {
        for (id, text) in answer.objects {
            let fact = match id {
                0 => Fact::Vendor,
                1 => Fact::Product,
                2 => Fact::Revision,
                _ => continue,
            };
            // Registers of the profile are more specific than what the instrument's firmware puts there.
            if !self.questions.iter().any(|it| matches!(it, Inquiry::Registers(register) if register.fact == fact)) {
                self.take(fact, &text);
            }
        }
        match answer.next {
            // The next object lies further on, or a broken instrument would be asked for ever.
            Some(next) if next > self.part && next <= LAST_OBJECT => self.part = next,
            _ => self.answered(),
        }
    }

    /// Takes the registers of a fact.
    pub(super) fn words(&mut self, register: IdentityRegister, words: &[u16]) {
        let text = match register.encoding {
            Encoding::Ascii(_) => register::ascii(words).ok().map(|text| text.as_str().to_owned()),
            Encoding::Hex(_) => {
                Some(hex::encode(words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>()))
            }
            _ if register.table.is_bits() => words.first().map(ToString::to_string),
            encoding => register::decode(&encoding, words, 0, Some(0)).ok().map(|value| value.to_string()),
        };
        if let Some(text) = text {
            self.take(register.fact, &text);
        }
        self.answered();
    }

    /// The instrument does not know the question.
    pub(super) fn refused(&mut self) {
        self.answered();
    }

    /// The question found no answer. It is put again at the next poll, or given up.
    pub(super) fn failed(&mut self) {
        if let Some(tries) = self.tries.get_mut(self.next) {
            // Nobody waits for an answer that is only nice to have.
            *tries = if self.expected.is_empty() { MOST_TRIES } else { tries.saturating_add(1) };
        }
        self.part = 0;
        self.skip_hopeless();
    }

    /// What is to be told now that all questions are answered. Compares with the site file.
    pub(super) fn conclude(&mut self) -> Vec<Happening> {
        self.open = false;
        let strangers: Vec<(Fact, &String)> = self
            .expected
            .iter()
            .filter(|(fact, text)| self.now.get(fact) != Some(*text))
            .map(|(f, t)| (*f, t))
            .collect();
        let was_mismatch = std::mem::replace(&mut self.mismatch, !strangers.is_empty());
        let changed = self.told.as_ref() != Some(&self.now);
        let mut told = Vec::new();
        if changed && !(self.now.is_empty() && self.told.is_none()) {
            let mut facts: Vec<(String, String)> =
                self.now.iter().map(|(fact, text)| (fact.word().to_owned(), text.clone())).collect();
            for (fact, was) in self.told.iter().flatten() {
                if self.now.get(fact) != Some(was) {
                    facts.push((format!("former-{}", fact.word()), was.clone()));
                }
            }
            let name = if self.told.is_some() { "identity-changed" } else { "identity-seen" };
            told.push(Happening { name, facts });
        }
        if self.mismatch && (changed || !was_mismatch) {
            let mut facts = Vec::new();
            for (fact, expected) in strangers {
                facts.push((format!("expected-{}", fact.word()), expected.clone()));
                facts.push((fact.word().to_owned(), self.now.get(&fact).cloned().unwrap_or_default()));
            }
            told.push(Happening { name: "identity-mismatch", facts });
        }
        self.told = Some(self.now.clone());
        told
    }

    fn take(&mut self, fact: Fact, text: &str) {
        let text = text.trim_matches(|it: char| it.is_whitespace() || it == '\0');
        let text: String = text.chars().filter(|it| !it.is_control()).take(MOST_CHARACTERS).collect();
        if !text.is_empty() {
            self.now.insert(fact, text);
        }
    }

    fn answered(&mut self) {
        if let Some(tries) = self.tries.get_mut(self.next) {
            *tries = 0;
        }
        self.part = 0;
        self.next += 1;
        self.skip_hopeless();
    }

    fn skip_hopeless(&mut self) {
        while self.tries.get(self.next).is_some_and(|&tries| tries >= MOST_TRIES) {
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use tidewaiter_drivers::modbus::register::{Table, WordOrder};

    use super::*;
    use crate::acquire::modbus::tests::profile;

    const SERIAL: IdentityRegister = IdentityRegister {
        fact: Fact::Serial,
        table: Table::Holding,
        address: 100,
        encoding: Encoding::U32(WordOrder::Abcd),
    };

    fn facts(facts: &[(Fact, &str)]) -> Facts {
        facts.iter().map(|(fact, text)| (*fact, (*text).to_owned())).collect()
    }

    fn asks(registers: &[IdentityRegister], expected: &[(Fact, &str)]) -> Identity {
        let mut profile = profile(Vec::new());
        profile.device_identification = true;
        profile.identity = registers.to_vec();
        Identity::new(&profile, &facts(expected))
    }

    fn objects(texts: &[&str]) -> Objects {
        Objects { objects: (0..).zip(texts.iter().map(|it| (*it).to_owned())).collect(), next: None }
    }

    fn told(happenings: &[Happening]) -> Vec<String> {
        let one = |it: &Happening| {
            let facts: Vec<String> = it.facts.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{}: {}", it.name, facts.join(", "))
        };
        happenings.iter().map(one).collect()
    }

    #[test]
    fn facts_come_from_the_device_and_from_registers() {
        let mut identity = asks(&[SERIAL], &[]);
        assert_eq!(identity.inquiry(), Some(Inquiry::Device(0)));
        identity.objects(objects(&["ACME\0", " TB-1 ", "V1.0"]));
        assert_eq!(identity.inquiry(), Some(Inquiry::Registers(SERIAL)));
        identity.words(SERIAL, &[0x0001, 0xE240]);
        assert_eq!(identity.inquiry(), None);
        assert_eq!(
            told(&identity.conclude()),
            ["identity-seen: vendor=ACME, product=TB-1, revision=V1.0, serial=123456"]
        );
        assert!(!identity.mismatch());
        // The same again is nothing new; another revision is.
        identity.begin();
        identity.objects(objects(&["ACME", "TB-1", "V1.0"]));
        identity.words(SERIAL, &[0x0001, 0xE240]);
        assert_eq!(identity.conclude(), []);
        identity.begin();
        identity.objects(objects(&["ACME", "TB-1", "V1.1"]));
        identity.refused();
        assert_eq!(
            told(&identity.conclude()),
            ["identity-changed: vendor=ACME, product=TB-1, revision=V1.1, former-revision=V1.0, former-serial=123456"]
        );
    }

    #[test]
    fn another_instrument_is_a_mismatch_until_the_right_one_answers() {
        let mut identity = asks(&[SERIAL], &[(Fact::Vendor, "ACME"), (Fact::Serial, "7")]);
        assert!(identity.is_owed());
        identity.objects(objects(&["ACME", "TB-1", "V1.0"]));
        identity.words(SERIAL, &[0, 8]);
        assert!(!identity.is_owed());
        assert_eq!(told(&identity.conclude())[1], "identity-mismatch: expected-serial=7, serial=8");
        assert!(identity.mismatch());
        for (serial, mismatch, events) in [(8, true, 0), (9, true, 2), (7, false, 1), (7, false, 0)] {
            identity.begin();
            identity.objects(objects(&["ACME", "TB-1", "V1.0"]));
            identity.words(SERIAL, &[0, serial]);
            assert_eq!((identity.conclude().len(), identity.mismatch()), (events, mismatch), "serial {serial}");
        }
    }

    /// An instrument that does not know function 43 cannot be the one that is expected to.
    #[test]
    fn a_fact_that_is_not_told_is_a_mismatch() {
        let mut identity = asks(&[], &[(Fact::Vendor, "ACME")]);
        identity.refused();
        assert_eq!(told(&identity.conclude()), ["identity-mismatch: expected-vendor=ACME, vendor="]);
    }

    #[test]
    fn a_question_without_an_answer_is_put_again_only_where_it_matters() {
        let mut curious = asks(&[], &[]);
        curious.failed();
        assert_eq!((curious.inquiry(), curious.conclude()), (None, vec![]));
        curious.begin();
        assert_eq!(curious.inquiry(), None, "not asked again on the next connection");
        curious.forget();
        assert_eq!(curious.inquiry(), Some(Inquiry::Device(0)), "asked again after the cable was out");

        let mut strict = asks(&[], &[(Fact::Vendor, "ACME")]);
        for _ in 0..2 {
            strict.failed();
            assert!(strict.is_owed());
            strict.begin();
        }
        strict.failed();
        assert!(!strict.is_owed());
        strict.conclude();
        assert!(strict.mismatch());
    }

    #[test]
    fn an_answer_in_parts_is_asked_for_to_its_end_and_no_further() {
        let mut identity = asks(&[], &[]);
        identity.objects(Objects { objects: vec![(0, "ACME".into())], next: Some(1) });
        assert_eq!(identity.inquiry(), Some(Inquiry::Device(1)));
        identity.objects(Objects { objects: vec![(1, "TB-1".into())], next: Some(2) });
        assert_eq!(identity.inquiry(), Some(Inquiry::Device(2)));
        identity.objects(Objects { objects: vec![(2, "V1.0".into())], next: Some(1) });
        assert_eq!(identity.inquiry(), None, "round and round is no way to go on");
        assert_eq!(told(&identity.conclude()), ["identity-seen: vendor=ACME, product=TB-1, revision=V1.0"]);
    }
}
