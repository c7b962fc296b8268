//! Where in a text an offset stands, for people.

use crate::{
    bounds::MAX_NOTICES,
    error::{Fault, Notice, Notices, ReadError},
};

/// The text being read, and what was noticed in it.
pub(crate) struct Positions<'a> {
    source: &'a str,
    notices: Notices,
}

impl<'a> Positions<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, notices: Notices::default() }
    }

    /// Line and column, both from 1, of a byte offset.
    fn of(&self, at: usize) -> (usize, usize) {
        let mut end = at.min(self.source.len());
        while !self.source.is_char_boundary(end) {
            end -= 1;
        }
        let before = self.source.get(..end).unwrap_or_default();
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// An error at a byte offset.
    pub(crate) fn error(&self, at: usize, element: &str, fault: Fault) -> ReadError {
        let (line, column) = self.of(at);
        ReadError { line, column, element: crate::error::shortened(element), fault }
    }

    /// Remembers what was left out at a byte offset. The text is made only when there is room for it.
    pub(crate) fn notice(&mut self, at: usize, text: impl FnOnce() -> String) {
        if self.notices.kept.len() < MAX_NOTICES {
            let (line, column) = self.of(at);
            self.notices.kept.push(Notice { line, column, text: text() });
        } else {
            self.notices.further += 1;
        }
    }

    pub(crate) fn into_notices(self) -> Notices {
        self.notices
    }
}
