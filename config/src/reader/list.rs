//! Values that hold others: lists and tables.

use toml::de::DeValue;

use super::{Node, Value, node::TOP};

impl<'d> Value<'d> {
    /// The values of a list.
    pub(crate) fn items(&self, example: &str) -> Option<Vec<Self>> {
        match self.item.get_ref() {
            DeValue::Array(items) => {
                Some(items.iter().map(|item| Self { item, key_span: item.span(), ..self.clone() }).collect())
            }
            _ => self.wrong_type("a list in square brackets", example),
        }
    }

    /// A list of texts with at least one entry.
    pub(crate) fn texts(&self, example: &str) -> Option<Vec<(String, Self)>> {
        let items = self.items(example)?;
        if items.is_empty() {
            self.fault(format!("`{}` is an empty list", self.key), self.assign(example));
            return None;
        }
        let texts: Vec<_> = items
            .iter()
            .filter_map(|item| match item.item.get_ref() {
                DeValue::String(text) if !text.trim().is_empty() => Some((text.to_string(), item.clone())),
                DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {
                    item.fault(
                        format!("`{}` lists texts, and {} has no quotes", self.key, item.written()),
                        format!("\"{}\"", item.written()),
                    );
                    None
                }
                _ => {
                    item.fault(format!("`{}` lists texts, and this is none", self.key), self.assign(example));
                    None
                }
            })
            .collect();
        (texts.len() == items.len()).then_some(texts)
    }

    /// One text or a list of texts.
    pub(crate) fn one_or_more(&self, example: &str) -> Option<Vec<String>> {
        match self.item.get_ref() {
            DeValue::Array(_) => Some(self.texts(example)?.into_iter().map(|(text, _)| text).collect()),
            _ => Some(vec![self.text()?.to_owned()]),
        }
    }

    /// A table.
    pub(crate) fn table(&self) -> Option<Node<'d>> {
        let DeValue::Table(table) = self.item.get_ref() else {
            self.fault(
                format!("`{}` must be a table", self.key),
                format!("[{}] as a heading, or {} = {{ … }}", self.key, self.key),
            );
            return None;
        };
        // A table that only its sub-tables' headings name has no place of its own.
        let span = if self.span().is_empty() { self.key_span() } else { self.span() };
        let span = span.start..span.end.min(span.start + self.document.line_of(span.start).len().max(1));
        Some(Node::new(self.document, table, span, format!("[{}]", self.path())))
    }

    /// The tables of a list of tables.
    pub(crate) fn tables(&self) -> Vec<Node<'d>> {
        let title = format!("[[{}]]", self.path());
        let DeValue::Array(items) = self.item.get_ref() else {
            self.fault(format!("`{}` is a list of tables, so its heading has double brackets", self.key), title);
            return Vec::new();
        };
        let mut nodes = Vec::new();
        for item in items {
            if let DeValue::Table(table) = item.get_ref() {
                nodes.push(Node::new(self.document, table, item.span(), title.clone()));
            } else {
                self.document.error(
                    item.span(),
                    format!("`{}` lists tables, and this is none", self.key),
                    title.clone(),
                );
            }
        }
        nodes
    }

    /// The keys from the top to this value, with dots.
    fn path(&self) -> String {
        match self.home.trim_matches(['[', ']']) {
            TOP => self.key.clone(),
            home => format!("{home}.{}", self.key),
        }
    }
}
