//! What is declared about a conveyance, a container or a sample: a list kept by others.
//!
//! Two forms are read. CSV (RFC 4180, comma, UTF-8 with or without byte order mark), where the column
//! `subject` is the key and every other column a fact:
//!
//! ```text
//! subject,axles,mass,scrap,goods
//! 粤B·12345,6,48000,yes,废钢
//! ```
//!
//! and TOML, a `[[subjects]]` table each, with `subject` and the facts as texts.
//!
//! A row that cannot be understood is left out and reported; the others count. A subject that stands
//! twice with different facts is left out altogether: with no declaration a lorry is referred to a
//! person, with a wrong one it might pass.

use std::collections::BTreeMap;

use crate::{
    Finding, Report, Severity,
    reader::{Document, Node, decode_utf8, read_file},
    report::line_column,
};

/// Name of the key column.
const KEY: &str = "subject";

/// Declared facts by subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declarations {
    subjects: BTreeMap<String, BTreeMap<String, String>>,
}

impl Declarations {
    /// The facts declared about a plate, container or sample number, however it is written.
    ///
    /// # Examples
    ///
    /// ```
    /// let (declared, faults) = tidewaiter_config::declarations::load_str("d.csv", "subject,axles\n粤B·12345,6\n").unwrap();
    /// assert!(faults.is_empty());
    /// assert_eq!(declared.find("粤b 12345").unwrap()["axles"], "6");
    /// assert!(declared.find("粤B12346").is_none());
    /// ```
    pub fn find(&self, identity: &str) -> Option<&BTreeMap<String, String>> {
        self.subjects.get(&normalise(identity))
    }

    /// How many subjects are declared.
    pub fn len(&self) -> usize {
        self.subjects.len()
    }

    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// Takes in another list; where both name a subject, the facts of `newer` stand.
    pub fn extend(&mut self, newer: Self) {
        self.subjects.extend(newer.subjects);
    }
}

/// A plate, container or sample number as it is compared: ASCII upper case, without blanks, dashes and dots
/// that stand between the groups of a number.
pub fn normalise(identity: &str) -> String {
    identity
        .chars()
        .filter(|c| {
            !c.is_whitespace()
                && !matches!(
                    c,
                    '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FF0D}' | '·' | '•' | '‧' | '∙' | '・' | '･'
                )
        })
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// Reads a declarations file, CSV or TOML by its extension.
///
/// # Errors
///
/// When the file cannot be read, or nothing in it can be used. Faults of single rows come beside the rest.
pub fn load(path: &std::path::Path) -> Result<(Declarations, Vec<Finding>), Report> {
    let name = path.display().to_string();
    let text = decode_utf8(&name, &read_file(path)?)?;
    load_str(&name, &text)
}

/// Reads declarations from a text; a file name that ends in `.toml` is TOML, any other CSV.
///
/// # Errors
///
/// When nothing in it can be used: no heading, no `subject` column, not TOML.
pub fn load_str(file_name: &str, text: &str) -> Result<(Declarations, Vec<Finding>), Report> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let toml = std::path::Path::new(file_name).extension().is_some_and(|it| it.eq_ignore_ascii_case("toml"));
    let mut rows = Rows { file: file_name, text, kept: BTreeMap::new(), found: Vec::new() };
    if toml {
        read_toml(&mut rows)?;
    } else {
        read_csv(&mut rows)?;
    }
    Ok(rows.finish())
}

/// Facts by subject, with the span of the row they came from; `None` where rows contradict each other.
struct Rows<'t> {
    file: &'t str,
    text: &'t str,
    kept: BTreeMap<String, (Option<BTreeMap<String, String>>, usize)>,
    found: Vec<Finding>,
}

impl Rows<'_> {
    fn fault(&self, span: std::ops::Range<usize>, what: String, way_out: &str) -> Finding {
        let (line, column) = line_column(self.text, span.start);
        Finding {
            severity: Severity::Error,
            file: self.file.to_owned(),
            line,
            column,
            span,
            what,
            way_out: way_out.to_owned(),
        }
    }

    fn refuse(&self, span: std::ops::Range<usize>, what: String, way_out: &str) -> Report {
        Report::new(self.file, self.text, vec![self.fault(span, what, way_out)])
    }

    fn add(&mut self, subject: &str, facts: BTreeMap<String, String>, span: std::ops::Range<usize>) {
        let key = normalise(subject);
        if key.is_empty() {
            let fault = self.fault(
                span,
                "the row names no subject and is left out".to_owned(),
                "the plate, container or sample number in the column `subject`",
            );
            self.found.push(fault);
            return;
        }
        let (line, _) = line_column(self.text, span.start);
        match self.kept.get_mut(&key) {
            None => {
                self.kept.insert(key, (Some(facts), line));
            }
            Some((Some(earlier), _)) if *earlier == facts => {}
            Some((earlier, first_line)) => {
                *earlier = None;
                let what = format!("{subject:?} already stands in line {first_line} with other facts; neither is used");
                let fault = self.fault(span, what, "one row for each subject");
                self.found.push(fault);
            }
        }
    }

    fn finish(mut self) -> (Declarations, Vec<Finding>) {
        self.found.sort_by_key(|finding| finding.span.start);
        let subjects = self.kept.into_iter().filter_map(|(key, (facts, _))| Some((key, facts?))).collect();
        (Declarations { subjects }, self.found)
    }
}

fn read_csv(rows: &mut Rows<'_>) -> Result<(), Report> {
    let text = rows.text;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut columns: Option<(Vec<String>, usize)> = None;
    loop {
        // The reader skips empty lines, so the record's own position is its start.
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                return Err(rows.refuse(
                    0..0,
                    format!("this is not CSV: {error}"),
                    "commas between the fields, and quotes around a field that holds a comma",
                ));
            }
        }
        let span = record_span(text, &record);
        if record.iter().all(str::is_empty) {
            continue;
        }
        let Some((names, key)) = &columns else {
            columns = Some(header(rows, &record, span)?);
            continue;
        };
        if record.len() != names.len() {
            let what = format!("the row has {} fields and the heading {}; it is left out", record.len(), names.len());
            let fault = rows.fault(
                span,
                what,
                "as many commas as in the heading, and quotes around a field that holds a comma",
            );
            rows.found.push(fault);
            continue;
        }
        let subject = record.get(*key).unwrap_or_default().to_owned();
        let facts = names
            .iter()
            .zip(&record)
            .enumerate()
            .filter(|(index, (_, text))| index != key && !text.is_empty())
            .map(|(_, (name, text))| (name.clone(), text.to_owned()))
            .collect();
        rows.add(&subject, facts, span);
    }
    if columns.is_none() {
        return Err(rows.refuse(0..0, "the file has no heading".to_owned(), "subject,axles,mass"));
    }
    Ok(())
}

fn record_span(text: &str, record: &csv::StringRecord) -> std::ops::Range<usize> {
    let start = record.position().map_or(0, |it| usize::try_from(it.byte()).unwrap_or(usize::MAX)).min(text.len());
    let rest = text.get(start..).unwrap_or_default();
    let start = start + (rest.len() - rest.trim_start_matches(['\r', '\n']).len());
    let rest = text.get(start..).unwrap_or_default();
    start..start + rest.find(['\r', '\n']).unwrap_or(rest.len())
}

fn header(
    rows: &Rows<'_>,
    record: &csv::StringRecord,
    span: std::ops::Range<usize>,
) -> Result<(Vec<String>, usize), Report> {
    let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(rows.refuse(
                span,
                format!("column {} has no name", index + 1),
                "a name for each column, such as axles or mass",
            ));
        }
        if names.iter().take(index).any(|earlier| earlier == name) {
            return Err(rows.refuse(span, format!("two columns are named {name:?}"), "each name once"));
        }
    }
    if let Some(key) = names.iter().position(|name| name == KEY) {
        return Ok((names, key));
    }
    let foreign = record.iter().any(|name| name.contains([';', '\t', '，', '；']));
    let way_out = if foreign {
        "commas (,) between the columns: subject,axles,mass"
    } else {
        "subject as the name of the column that holds the plate, container or sample number"
    };
    Err(rows.refuse(span, format!("no column is named `{KEY}`"), way_out))
}

fn read_toml(rows: &mut Rows<'_>) -> Result<(), Report> {
    let document = Document::new(rows.file, rows.text);
    let parsed = document.parse();
    if document.has_errors() {
        return Err(document.into_report());
    }
    let root = Node::root(&document, &parsed);
    let mut taken = Vec::new();
    for node in root.tables("subjects") {
        let subject = node.need(KEY, "\"粤B12345\"").and_then(|value| value.text().map(str::to_owned));
        let mut facts = BTreeMap::new();
        let mut whole = true;
        for (name, value) in node.entries() {
            if name == KEY {
                continue;
            }
            match value.text() {
                Some(text) => {
                    facts.insert(name, text.trim().to_owned());
                }
                None => whole = false,
            }
        }
        if let (Some(subject), true) = (subject, whole) {
            taken.push((subject, facts, node.span()));
        }
    }
    root.finish();
    rows.found.extend(document.into_report().into_findings());
    for (subject, facts, span) in taken {
        rows.add(&subject, facts, span);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn places(found: &[Finding]) -> Vec<(usize, usize)> {
        found.iter().map(|finding| (finding.line, finding.column)).collect()
    }

    #[test]
    fn finds_a_subject_however_it_is_written() {
        let text =
            "\u{FEFF}subject,axles,mass,goods\r\n粤B·12345,6,48000,\"scrap, steel\"\r\n\r\nCSQU 305438-3,2,,\r\n";
        let (declared, found) = load_str("d.csv", text).unwrap();
        assert_eq!(found, []);
        assert_eq!(declared.len(), 2);
        for written in ["粤B12345", "粤b·12345", " 粤B 123 45 ", "粤B-12345", "粤B・12345"] {
            assert_eq!(declared.find(written).unwrap()["goods"], "scrap, steel", "{written}");
        }
        let container = declared.find("CSQU3054383").unwrap();
        assert_eq!(container.get("axles").map(String::as_str), Some("2"));
        assert_eq!(container.get("mass"), None, "an empty field declares nothing");
        assert!(declared.find("粤B12346").is_none());
    }

    #[test]
    fn leaves_out_what_it_cannot_trust_and_says_where() {
        let text = "subject,axles\nA1,2\nA2,2,9\n,3\nA1,3\nA3,4\nA3,4\nA1,2\n";
        let (declared, found) = load_str("d.csv", text).unwrap();
        assert_eq!(places(&found), [(3, 1), (4, 1), (5, 1), (8, 1)]);
        assert!(declared.find("A1").is_none(), "contradicting rows declare nothing");
        assert!(declared.find("A2").is_none());
        assert_eq!(declared.find("a3").unwrap()["axles"], "4");
        assert!(found[2].what.contains("line 2"), "{}", found[2]);
    }

    #[test]
    fn refuses_a_file_without_key() {
        for (text, hint) in [
            ("plate,axles\nA,2\n", "subject as the name"),
            ("subject;axles\nA;2\n", "commas"),
            ("", "subject,axles"),
            ("subject,a,a\n", "once"),
            ("subject,\n", "name for each"),
        ] {
            let report = load_str("d.csv", text).unwrap_err();
            assert!(report.findings()[0].way_out.contains(hint), "{text:?}: {report}");
        }
        let gbk = [b's', b'u', b'b', b'j', b'e', b'c', b't', b'\n', 0xD4, 0xC1];
        let report = decode_utf8("d.csv", &gbk).unwrap_err();
        assert_eq!((report.findings()[0].line, report.findings()[0].column), (2, 1));
        assert!(report.to_string().contains("GBK"), "{report}");
    }

    #[test]
    fn reads_toml() {
        let text = "[[subjects]]\nsubject = \"S-1\"\ncategory = \"A\"\n\n[[subjects]]\nsubject = \"S-2\"\naxles = 2\n";
        let (declared, found) = load_str("d.toml", text).unwrap();
        assert_eq!(declared.find("s1").unwrap()["category"], "A");
        assert!(declared.find("s2").is_none());
        assert_eq!(places(&found), [(7, 9)]);
        assert_eq!(found[0].way_out, "axles = \"2\"");
        assert!(load_str("d.toml", "[[subjects]\n").is_err());
    }
}
