//! Well-formed XML text, one element per line.

use super::{NAMESPACE, Sink, is_allowed};
use crate::error::WriteError;

/// A document being written. A fault is kept and told at the end, so that the model's code stays a list.
pub(crate) struct Out {
    text: String,
    depth: usize,
    /// What the last thing written was.
    last: Last,
    fault: Option<WriteError>,
}

#[derive(PartialEq, Eq)]
enum Last {
    /// A start tag without its `>`.
    Tag,
    /// Character data.
    Text,
    /// An end tag, or nothing.
    End,
}

impl Out {
    pub(crate) fn new() -> Self {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned();
        Self { text, depth: 0, last: Last::End, fault: None }
    }

    pub(crate) fn finish(mut self) -> Result<String, WriteError> {
        self.text.push('\n');
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.text),
        }
    }

    fn close_tag(&mut self) {
        if self.last == Last::Tag {
            self.text.push('>');
            self.last = Last::End;
        }
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    /// Escapes markup; white space that a parser would change is written as character references.
    fn escape(&mut self, element: &'static str, value: &str, attribute: bool) {
        for character in value.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' if attribute => self.text.push_str("&quot;"),
                '\r' => self.text.push_str("&#13;"),
                '\n' if attribute => self.text.push_str("&#10;"),
                '\t' if attribute => self.text.push_str("&#9;"),
                allowed if is_allowed(allowed) => self.text.push(allowed),
                other => {
                    self.fault.get_or_insert_with(|| WriteError::Character {
                        element: element.to_owned(),
                        character: other.into(),
                    });
                }
            }
        }
    }
}

impl Sink for Out {
    fn start(&mut self, name: &'static str) {
        self.close_tag();
        self.line();
        self.text.push('<');
        self.text.push_str(name);
        if self.depth == 0 {
            self.text.push_str(" xmlns=\"");
            self.text.push_str(NAMESPACE);
            self.text.push('"');
        }
        self.depth += 1;
        self.last = Last::Tag;
    }

    fn attribute(&mut self, name: &'static str, value: &str) {
        self.text.push(' ');
        self.text.push_str(name);
        self.text.push_str("=\"");
        self.escape(name, value, true);
        self.text.push('"');
    }

    fn text(&mut self, element: &'static str, value: &str) {
        self.close_tag();
        self.escape(element, value, false);
        self.last = Last::Text;
    }

    fn end(&mut self, name: &'static str) {
        self.depth = self.depth.saturating_sub(1);
        if self.last == Last::Tag {
            self.text.push_str("/>");
        } else {
            if self.last == Last::End {
                self.line();
            }
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push('>');
        }
        self.last = Last::End;
    }
}
