//! A TOML file as tables with places: every fault is collected, none stops the reading.
//!
//! In comes a text, out come typed values and a list of findings. A value that is missing or wrong
//! is `None` to the caller and a finding in the document, so one pass over a file names all its
//! faults. Not here: what the keys mean.

mod files;
mod list;
mod node;
mod scalar;
mod spelling;
mod value;

use std::{cell::RefCell, ops::Range};

use toml::{Spanned, de::DeTable};

pub use files::{Files, Snapshot};
pub(crate) use node::Node;
pub(crate) use value::Value;

use crate::report::{Finding, Report, Severity, line_column};

/// Why a finding was made: what to leave out when the file could not be parsed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The text is not TOML.
    Syntax,
    /// What stands there is wrong in itself.
    Content,
    /// Something else is missing, which a syntax fault elsewhere may have swallowed.
    Absence,
}

/// One text being read, and what was found in it.
pub(crate) struct Document<'t> {
    file: &'t str,
    text: &'t str,
    found: RefCell<Vec<(Cause, Finding)>>,
}

impl<'t> Document<'t> {
    pub(crate) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, found: RefCell::new(Vec::new()) }
    }

    /// Parses as much as can be parsed; every syntax fault becomes a finding.
    pub(crate) fn parse(&self) -> Spanned<DeTable<'t>> {
        let (root, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let (what, way_out) = spelling::explain_syntax(error.message(), self.line_of(span.start));
            self.add(Cause::Syntax, Severity::Error, span, what, way_out);
        }
        root
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    fn line_of(&self, offset: usize) -> &'t str {
        let (line, _) = line_column(self.text, offset);
        self.text.lines().nth(line - 1).unwrap_or_default()
    }

    pub(crate) fn error(&self, span: Range<usize>, what: impl Into<String>, way_out: impl Into<String>) {
        self.add(Cause::Content, Severity::Error, span, what.into(), way_out.into());
    }

    /// An error that another, unreadable part of the file may explain.
    pub(crate) fn absence(&self, span: Range<usize>, what: impl Into<String>, way_out: impl Into<String>) {
        self.add(Cause::Absence, Severity::Error, span, what.into(), way_out.into());
    }

    pub(crate) fn warning(&self, span: Range<usize>, what: impl Into<String>, way_out: impl Into<String>) {
        self.add(Cause::Absence, Severity::Warning, span, what.into(), way_out.into());
    }

    fn add(&self, cause: Cause, severity: Severity, span: Range<usize>, what: String, way_out: String) {
        let (line, column) = line_column(self.text, span.start);
        let file = self.file.to_owned();
        self.found.borrow_mut().push((cause, Finding { severity, file, line, column, span, what, way_out }));
    }

    /// Whether anything so far refuses the file.
    pub(crate) fn has_errors(&self) -> bool {
        self.found.borrow().iter().any(|(_, finding)| finding.severity == Severity::Error)
    }

    /// Ends the reading.
    ///
    /// After a syntax fault the parser guesses on; what it then seems to miss, and anything on the
    /// faulty line itself, would only mislead and is left out.
    pub(crate) fn into_report(self) -> Report {
        let found = self.found.into_inner();
        let broken: Vec<usize> =
            found.iter().filter(|(cause, _)| *cause == Cause::Syntax).map(|(_, finding)| finding.line).collect();
        let mut kept: Vec<Finding> = Vec::new();
        for (cause, finding) in found {
            let repeated = cause == Cause::Syntax && kept.iter().any(|it| it.line == finding.line);
            let misled = !broken.is_empty()
                && match cause {
                    Cause::Syntax => false,
                    Cause::Content => broken.contains(&finding.line),
                    Cause::Absence => true,
                };
            if !repeated && !misled {
                kept.push(finding);
            }
        }
        Report::new(self.file, self.text, kept)
    }
}

/// Turns the bytes of a file into text, or says where they are not UTF-8.
///
/// A byte order mark is dropped: Windows editors write one.
pub(crate) fn decode_utf8(file: &str, bytes: &[u8]) -> Result<String, Report> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let good = String::from_utf8_lossy(good).into_owned();
            let (line, column) = line_column(&good, good.len());
            let what = if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
                "the file is UTF-16, not UTF-8".to_owned()
            } else {
                format!(
                    "byte {:#04x} is not UTF-8; the file was probably saved as GBK",
                    bytes.get(error.valid_up_to()).copied().unwrap_or_default()
                )
            };
            let finding = Finding {
                severity: Severity::Error,
                file: file.to_owned(),
                line,
                column,
                span: good.len()..good.len(),
                what,
                way_out: "the same file, saved with the encoding UTF-8 (Save as… in the editor; Excel: CSV UTF-8)"
                    .to_owned(),
            };
            Err(Report::new(file, good, vec![finding]))
        }
    }
}

/// Reads a file, or says why it cannot be read.
pub(crate) fn read_file(path: &std::path::Path) -> Result<Vec<u8>, Report> {
    Files::disk().read(path)
}

pub(crate) use scalar::{show_duration, show_size};
pub(crate) use spelling::list;
pub use spelling::{nearest, unit_meant};
