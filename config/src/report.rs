//! What was found in a file: place, fault and what to write instead.
//!
//! A [`Finding`] stands alone: its `Display` is the one-line form that editors and terminals
//! understand (`file:line:column: error: …`). A [`Report`] keeps the texts beside the findings, so
//! that it can also show the line itself.

use std::{collections::BTreeMap, fmt, ops::Range};

use ariadne::{CharSet, Color, Config, IndexType, Label, ReportKind};

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is used; someone should look at it.
    Warning,
}

/// One fault, with its place and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the file is refused for it.
    pub severity: Severity,
    /// File as named by the caller; for a finding about the environment, the thing it concerns.
    pub file: String,
    /// Line, from 1; 0 when there is no place in a file.
    pub line: usize,
    /// Column in characters, from 1; 0 when there is no place in a file.
    pub column: usize,
    /// Bytes of the file it concerns.
    pub span: Range<usize>,
    /// What is wrong, with the value found.
    pub what: String,
    /// What to write instead.
    pub way_out: String,
}

/// The findings on one or more files, with the texts they point into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Finding>,
    texts: BTreeMap<String, String>,
}

impl Severity {
    /// The spelling in both forms of output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}: {}", self.file, self.severity.word(), self.what)?;
        } else {
            write!(f, "{}:{}:{}: {}: {}", self.file, self.line, self.column, self.severity.word(), self.what)?;
        }
        write!(f, "\n  write: {}", self.way_out)
    }
}

impl Report {
    /// A report on one file.
    pub fn new(file: impl Into<String>, text: impl Into<String>, findings: Vec<Finding>) -> Self {
        let mut report = Self { findings, texts: BTreeMap::from([(file.into(), text.into())]) };
        report.sort();
        report
    }

    /// A report on findings whose files are read again, as far as they can be, to show their lines.
    ///
    /// For the warnings that come beside a loaded site.
    pub fn reread(findings: Vec<Finding>) -> Self {
        let mut report = Self { findings, texts: BTreeMap::new() };
        for finding in report.findings.iter().filter(|finding| finding.line > 0) {
            if let Ok(text) = std::fs::read_to_string(&finding.file) {
                // Spans are counted behind the byte order mark.
                let text = text.strip_prefix('\u{FEFF}').map_or(text.clone(), str::to_owned);
                report.texts.insert(finding.file.clone(), text);
            }
        }
        report.sort();
        report
    }

    /// All findings, by file and place.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Gives the findings away.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Whether any finding refuses the file.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Takes in the findings and texts of another report.
    pub fn absorb(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.texts.extend(other.texts);
        self.sort();
    }

    /// The findings for people at a terminal: each with its line of the file shown, in colour if asked.
    ///
    /// Chinese text takes two columns, and the marks under it are placed accordingly. Findings without
    /// a place in a known text appear in the plain form.
    pub fn render(&self, color: bool) -> String {
        let mut out = Vec::new();
        for finding in &self.findings {
            let drawn =
                self.texts.get(&finding.file).filter(|_| finding.line > 0).and_then(|text| draw(finding, text, color));
            match drawn {
                Some(snippet) => out.push(snippet.trim_end().to_owned()),
                None => out.push(finding.to_string()),
            }
        }
        out.join("\n")
    }

    fn sort(&mut self) {
        self.findings.sort_by(|a, b| (&a.file, a.span.start, a.severity).cmp(&(&b.file, b.span.start, b.severity)));
    }
}

/// The plain form: two lines for each finding.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

fn draw(finding: &Finding, text: &str, color: bool) -> Option<String> {
    let (kind, ink) = match finding.severity {
        Severity::Error => (ReportKind::Error, Color::Red),
        Severity::Warning => (ReportKind::Warning, Color::Yellow),
    };
    // The file may have changed since it was read.
    text.get(finding.span.clone())?;
    let span = (finding.file.clone(), finding.span.clone());
    let config = Config::default().with_index_type(IndexType::Byte).with_color(color).with_char_set(CharSet::Unicode);
    let mut bytes = Vec::new();
    ariadne::Report::build(kind, span.clone())
        .with_config(config)
        .with_message(&finding.what)
        .with_label(Label::new(span).with_color(ink).with_message("here"))
        .with_help(format!("write: {}", finding.way_out))
        .finish()
        .write(ariadne::sources([(finding.file.clone(), text)]), &mut bytes)
        .ok()?;
    String::from_utf8(bytes).ok()
}

/// Line and column of a byte offset, both from 1, the column counted in characters.
pub(crate) fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = text.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}
