//! Inspections as a table for a spreadsheet: one row a finding.
//!
//! UTF-8 with a byte order mark, lines ended by CR LF, cells quoted as RFC 4180 says: Excel and everything that reads
//! UTF-8 opens it right. A cell that a spreadsheet would take for a formula gets an apostrophe in front, unless it is a
//! plain number. Values are the digits that were judged, with their unit; times are local with the offset, and UTC.

use jiff::tz::TimeZone;
use tidewaiter_record::{Detail, Identity, parse, view::utc};

use super::time;
use crate::privacy;

/// What a file begins with: the mark says that it is UTF-8.
pub(crate) const MARK: &str = "\u{feff}";

/// Columns of [`rows`].
pub(crate) const HEADER: [&str; 19] = [
    "record",
    "time",
    "time_local",
    "clock",
    "place",
    "inspection",
    "procedure",
    "subject",
    "verdict",
    "reason",
    "disposition",
    "simulated",
    "drill",
    "table",
    "edition",
    "row",
    "parameter",
    "value",
    "limit",
];

/// The rows of a stored record, each a line; none where it is no inspection. Plates are masked unless `personal`.
pub(crate) fn rows(bytes: &[u8], zone: &TimeZone, personal: bool) -> Vec<u8> {
    let mut lines = Vec::new();
    let Ok(record) = parse(bytes) else { return lines };
    let Detail::Inspection(detail) = &record.body.detail else { return lines };
    let subject = |it: &Identity| match it.kind.as_str() {
        _ if personal => it.text.clone(),
        "plate" => privacy::plate(&it.text),
        _ => privacy::scrub(&it.text),
    };
    let subjects: Vec<String> = detail.subject.identities.iter().map(subject).collect();
    let time = &record.body.time;
    let flag = |set: bool| if set { "yes" } else { "no" }.to_owned();
    let front = [
        record.header.seq.to_string(),
        utc(time.wall_ms),
        time::local(time.wall_ms, zone),
        time.quality.word().to_owned(),
        detail.place.clone(),
        detail.id.clone(),
        detail.procedure.clone(),
        subjects.join(" "),
    ];
    let back = [detail.disposition.clone(), flag(detail.flags.simulated), flag(detail.flags.drill)];
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    if detail.findings.is_empty() {
        let verdict = [detail.verdict.clone(), text(&detail.reason)];
        let mut cells: Vec<String> = front.iter().chain(&verdict).chain(&back).cloned().collect();
        cells.resize(HEADER.len(), String::new());
        lines.extend(line(&cells));
    }
    for finding in &detail.findings {
        let verdict = [finding.verdict.clone(), text(&finding.reason)];
        let judged = [
            finding.table.clone(),
            finding.edition.clone(),
            finding.row.clone(),
            finding.parameter.clone(),
            text(&finding.value),
            finding.limit.clone(),
        ];
        let cells: Vec<String> = front.iter().chain(&verdict).chain(&back).chain(&judged).cloned().collect();
        lines.extend(line(&cells));
    }
    lines
}

/// One line of any table.
pub(crate) fn line<S: AsRef<str>>(cells: &[S]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Memory takes everything, and a record of any length is one.
    let _ = writer.write_record(cells.iter().map(|cell| guarded(cell.as_ref())));
    writer.into_inner().unwrap_or_default()
}

/// A spreadsheet takes a cell that begins like a formula for one; a leading apostrophe prevents it. The full-width signs
/// are signs too where Chinese or Japanese is spoken.
fn guarded(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula && !is_number(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// A sign, digits, and digits after a point: nothing that computes.
fn is_number(cell: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let number = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    match number.split_once('.') {
        Some((whole, places)) => digits(whole) && digits(places),
        None => digits(number),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        let check = |cell: &str, expected: &str| assert_eq!(guarded(cell), expected, "{cell:?}");
        check("=1+1", "'=1+1");
        check("@SUM(A1)", "'@SUM(A1)");
        check("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0");
        check("-2+3", "'-2+3");
        check("\t=1", "'\t=1");
        check("\n=1", "'\n=1");
        check("＝1+1", "'＝1+1");
        check("-0.50", "-0.50");
        check("+7", "+7");
        check("-", "'-");
        check("-1.", "'-1.");
        check("-5.0 Cel", "'-5.0 Cel");
        check("粤B12345", "粤B12345");
        check("<= 75 mg/kg", "<= 75 mg/kg");
        check("", "");
    }

    #[test]
    fn lines_are_quoted_and_ended_as_rfc_4180_says() {
        let text = String::from_utf8(line(&["a,b", "say \"x\"", "two\nlines", ""])).unwrap();
        assert_eq!(text, "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\r\n");
    }
}
