//! A table of a file, which knows the keys it was asked for.

use std::{cell::RefCell, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Document, Value, list, nearest};

/// How messages call the file's top level.
pub(super) const TOP: &str = "the top level";

/// One table. [`Node::finish`] reports every key nobody asked for.
pub(crate) struct Node<'d> {
    document: &'d Document<'d>,
    table: &'d DeTable<'d>,
    span: Range<usize>,
    title: String,
    asked: RefCell<Vec<&'static str>>,
    /// What is missing while another key of the table looks like a slip of the pen for it.
    perhaps_misspelt: RefCell<Vec<Lack>>,
}

/// One of these keys is missing.
struct Lack {
    keys: Vec<&'static str>,
    what: String,
    way_out: String,
}

impl<'d> Node<'d> {
    /// The file's top level.
    pub(crate) fn root(document: &'d Document<'d>, root: &'d Spanned<DeTable<'d>>) -> Self {
        Self::new(document, root.get_ref(), 0..0, TOP.to_owned())
    }

    pub(super) fn new(document: &'d Document<'d>, table: &'d DeTable<'d>, span: Range<usize>, title: String) -> Self {
        let (asked, perhaps_misspelt) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        Self { document, table, span, title, asked, perhaps_misspelt }
    }

    pub(crate) fn document(&self) -> &'d Document<'d> {
        self.document
    }

    /// Where the table's heading stands.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// A key that may be absent.
    pub(crate) fn may(&self, key: &'static str) -> Option<Value<'d>> {
        self.asked.borrow_mut().push(key);
        let (name, item) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(Value::new(self.document, key.to_owned(), self.title.clone(), name.span(), item))
    }

    /// A key that must be there; `example` is what could stand after the equals sign.
    pub(crate) fn need(&self, key: &'static str, example: &str) -> Option<Value<'d>> {
        let value = self.may(key);
        if value.is_none() {
            self.lacks(&[key], format!("`{key}` is missing in {}", self.title), format!("{key} = {example}"));
        }
        value
    }

    /// Reports that none of these keys is there.
    ///
    /// A misspelt key is one fault, and it is reported where it stands. Whether a close key is misspelt or
    /// one of its own is known only once all keys were asked for, so that judgement waits for
    /// [`Self::finish`].
    fn lacks(&self, keys: &[&'static str], what: String, way_out: String) {
        if self.table.keys().any(|name| nearest(name.get_ref(), keys.iter().copied()).is_some()) {
            self.perhaps_misspelt.borrow_mut().push(Lack { keys: keys.to_vec(), what, way_out });
        } else {
            self.document.absence(self.span(), what, way_out);
        }
    }

    /// A sub-table that must be there.
    pub(crate) fn need_table(&self, key: &'static str, example: &str) -> Option<Self> {
        let value = self.may(key);
        if value.is_none() {
            self.lacks(
                &[key],
                format!("the table `{key}` is missing in {}", self.title),
                format!("[{key}] with {example}"),
            );
        }
        value?.table()
    }

    /// Exactly one of several keys, which says what kind of thing this is.
    pub(crate) fn one_of(&self, keys: &[&'static str], example: &str) -> Option<(&'static str, Value<'d>)> {
        let mut present: Vec<(&'static str, Value<'d>)> =
            keys.iter().filter_map(|&key| Some((key, self.may(key)?))).collect();
        match present.len() {
            0 => {
                let what = format!("{} needs one of {}", self.title, list(keys.iter().copied()));
                self.lacks(keys, what, example.to_owned());
                None
            }
            1 => present.pop(),
            _ => {
                let names = list(present.iter().map(|(key, _)| *key)).replace(" or ", " and ");
                if let Some((_, second)) = present.get(1) {
                    self.document.error(
                        second.key_span(),
                        format!("{} has {names}, and only one can hold", self.title),
                        "one of them; remove the others",
                    );
                }
                None
            }
        }
    }

    /// The tables of a `[[key]]` list; none when it is absent.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.may(key) else { return Vec::new() };
        value.tables()
    }

    /// All keys with their values, for tables whose keys are the user's own.
    pub(crate) fn entries(&self) -> Vec<(String, Value<'d>)> {
        self.table
            .iter()
            .map(|(name, item)| {
                let key = name.get_ref().to_string();
                (key.clone(), Value::new(self.document, key, self.title.clone(), name.span(), item))
            })
            .collect()
    }

    /// Reports the keys nobody asked for, each with the known key closest to it.
    pub(crate) fn finish(&self) {
        let asked = self.asked.borrow();
        let is_stray = |key: &str| !asked.contains(&key);
        for Lack { keys, what, way_out } in self.perhaps_misspelt.borrow().iter() {
            let misspelt = self
                .table
                .keys()
                .any(|name| is_stray(name.get_ref()) && nearest(name.get_ref(), keys.iter().copied()).is_some());
            if !misspelt {
                self.document.absence(self.span(), what.clone(), way_out.clone());
            }
        }
        for (name, item) in self.table {
            let key = name.get_ref().as_ref();
            if asked.contains(&key) {
                continue;
            }
            let free = asked.iter().copied().filter(|known| !self.table.keys().any(|name| name.get_ref() == known));
            let heading = matches!(item.get_ref(), DeValue::Table(_) | DeValue::Array(_));
            let way_out = match nearest(key, free) {
                Some(meant) if heading => format!("`{meant}` in place of `{key}`"),
                Some(meant) => {
                    let written = self.document.text().get(item.span()).unwrap_or_default();
                    format!("{meant} = {written}")
                }
                None => {
                    format!("nothing; remove it (known here: {})", list(asked.iter().copied()).replace(" or ", ", "))
                }
            };
            self.document.error(name.span(), format!("`{key}` is not a key of {}", self.title), way_out);
        }
    }
}
