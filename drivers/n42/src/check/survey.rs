//! Rules of single values, identifiers and references, found by walking the document as it would be written.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Breaches, Rule,
    table::{ASCENDING, NAMES, NOT_DESCENDING, RANGES, Range, TARGETS, TIMES, UUIDS},
};
use crate::{
    Document,
    lexical::{DateTime, Lexical, Name, number},
    model::Content,
    xml::Sink,
};

pub(super) fn check(document: &Document, now: Option<Timestamp>, breaches: &mut Breaches) {
    let mut survey = Survey { path: Vec::new(), ids: BTreeMap::new(), references: Vec::new(), now, breaches };
    document.write("RadInstrumentData", &mut survey);
    survey.resolve();
}

struct Survey<'a> {
    /// Elements from the root to here, with their identifiers.
    path: Vec<(&'static str, Option<String>)>,
    ids: BTreeMap<String, &'static str>,
    references: Vec<Reference>,
    now: Option<Timestamp>,
    breaches: &'a mut Breaches,
}

struct Reference {
    element: &'static str,
    owner: Option<String>,
    attribute: &'static str,
    id: String,
}

impl Survey<'_> {
    fn owner(&self) -> Option<String> {
        self.path.iter().rev().find_map(|(_, id)| id.clone())
    }

    fn tell(&mut self, element: &'static str, rule: Rule) {
        let owner = self.owner();
        self.breaches.tell(element, owner.as_deref(), rule);
    }

    fn identifier(&mut self, element: &'static str, id: &str) {
        if let Some(last) = self.path.last_mut() {
            last.1 = Some(id.to_owned());
        }
        if !is_identifier(id) {
            self.tell(element, Rule::Id(id.to_owned()));
        }
        if self.ids.contains_key(id) {
            self.tell(element, Rule::Duplicate(id.to_owned()));
        } else {
            self.ids.insert(id.to_owned(), element);
        }
    }

    fn time(&mut self, element: &'static str, text: &str) {
        let Ok(time) = DateTime::parse(text) else { return };
        match (time.timestamp(), self.now) {
            (None, _) => self.tell(element, Rule::Offset(text.to_owned())),
            (Some(at), Some(now)) if at > now => self.tell(element, Rule::Future(text.to_owned())),
            _ => {}
        }
    }

    fn numbers(&mut self, element: &'static str, text: &str, range: Range) {
        for word in text.split_ascii_whitespace() {
            // Everything here was printed from a finite number.
            let Some(value) = number::finite(word) else { continue };
            let (holds, expected) = match range {
                Range::NotNegative => (value >= 0.0, "0 or more"),
                Range::Positive => (value > 0.0, "above 0"),
                Range::Between(low, high, words) => ((f64::from(low)..=f64::from(high)).contains(&value), words),
            };
            if !holds {
                self.tell(element, Rule::Range { value: word.to_owned(), range: expected });
                return;
            }
        }
    }

    fn order(&mut self, element: &'static str, text: &str) {
        let values: Vec<f64> = text.split_ascii_whitespace().filter_map(number::finite).collect();
        let strictly = ASCENDING.contains(&element);
        if !values.is_sorted_by(|left, right| left < right || (!strictly && left <= right)) {
            self.tell(element, Rule::Order);
        }
    }

    /// Compares references with identifiers, once all are known.
    fn resolve(self) {
        for reference in self.references {
            let Reference { element, owner, attribute, id } = reference;
            let targets = TARGETS.iter().find(|(name, _)| *name == attribute).map_or(&[][..], |(_, targets)| targets);
            let rule = match self.ids.get(&id) {
                None => Rule::Dangling { attribute, id },
                Some(found) if !targets.contains(found) => Rule::Target { attribute, id, found },
                Some(_) => continue,
            };
            self.breaches.tell(element, owner.as_deref(), rule);
        }
    }
}

impl Sink for Survey<'_> {
    fn start(&mut self, name: &'static str) {
        self.path.push((name, None));
    }

    fn attribute(&mut self, name: &'static str, value: &str) {
        let element = self.path.last().map_or("RadInstrumentData", |(element, _)| element);
        if name == "id" {
            self.identifier(element, value);
        } else if TARGETS.iter().any(|(attribute, _)| *attribute == name) {
            let before = self.references.len();
            for id in value.split_ascii_whitespace() {
                let reference = Reference { element, owner: self.owner(), attribute: name, id: id.to_owned() };
                self.references.push(reference);
            }
            if self.references.len() == before {
                self.tell(element, Rule::Missing(name));
            }
            if name.starts_with("radRaw") && !self.path.iter().any(|(element, _)| *element == "DerivedData") {
                self.tell(element, Rule::Raw);
            }
        } else if TIMES.contains(&name) {
            self.time(name, value);
        } else if UUIDS.contains(&name) && !is_uuid(value) {
            self.tell(element, Rule::Uuid(value.to_owned()));
        }
    }

    fn text(&mut self, element: &'static str, value: &str) {
        if NAMES.contains(&element) {
            if Name::new(value).is_err() {
                self.tell(element, Rule::Name(value.to_owned()));
            }
        } else if TIMES.contains(&element) {
            self.time(element, value);
        } else if let Some(&(_, range)) = RANGES.iter().find(|(name, _)| *name == element) {
            self.numbers(element, value, range);
            if ASCENDING.contains(&element) || NOT_DESCENDING.contains(&element) {
                self.order(element, value);
            }
        }
    }

    fn end(&mut self, _name: &'static str) {
        self.path.pop();
    }
}

/// An XML name without colon.
fn is_identifier(text: &str) -> bool {
    text.starts_with(|first: char| first == '_' || first.is_alphabetic())
        && text.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | '-' | '.'))
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit())
}
