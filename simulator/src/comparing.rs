//! What an agent recorded, held against what the scene must give.
//!
//! In: an oracle file, and records as `tidewaiter export --format jsonl` writes them. Out: the differences. Nothing of the
//! agent is asked or linked: only its export, as any integrator sees it.
//!
//! Expected and recorded inspections are paired in order, within one procedure and one subject. A value is right when it is
//! as near as the oracle's tolerance says. Inspections that began before the scene or after its end are nobody's: they are
//! counted as more than expected, and told.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// What does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
pub enum Difference {
    /// No record says it.
    Missing {
        /// Procedure.
        procedure: String,
        /// Subject, as it must be identified.
        subject: Option<String>,
    },
    /// No scene calls for it.
    Extra {
        /// Record number.
        seq: u64,
        /// Procedure.
        procedure: String,
        /// First identity.
        subject: Option<String>,
    },
    /// It is there and says something else.
    Other {
        /// Record number.
        seq: u64,
        /// Subject, as it must be identified.
        subject: Option<String>,
        /// What of it.
        what: String,
        /// As the scene has it.
        expected: String,
        /// As recorded.
        found: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |subject: &Option<String>| subject.clone().unwrap_or_else(|| "–".to_owned());
        match self {
            Self::Missing { procedure, subject } => write!(f, "missing: {procedure} {}", shown(subject)),
            Self::Extra { seq, procedure, subject } => write!(f, "#{seq} not expected: {procedure} {}", shown(subject)),
            Self::Other { seq, subject, what, expected, found } => {
                write!(f, "#{seq} {}: {what} is {found}, expected {expected}", shown(subject))
            }
        }
    }
}

/// The outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Inspections that the scene calls for.
    pub expected: usize,
    /// Inspections recorded.
    pub recorded: usize,
    /// Of these, pairs without any difference.
    pub agree: usize,
    /// Everything that does not agree.
    pub differences: Vec<Difference>,
}

/// Why nothing can be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The oracle is no JSON of an oracle.
    #[error("oracle: {0}; write it with `tidewaiter-sim run … --oracle-out`")]
    Oracle(String),
    /// A line of the records is no JSON.
    #[error("records line {line}: {why}; write them with `tidewaiter export --format jsonl`")]
    Records {
        /// From 1.
        line: usize,
        /// The parser's word.
        why: String,
    },
}

/// Compares an oracle with exported records.
///
/// # Errors
///
/// When one of the texts is not what it must be.
pub fn compare(oracle: &str, records: &str) -> Result<Compared, CompareError> {
    let oracle: Value = serde_json::from_str(oracle).map_err(|why| CompareError::Oracle(why.to_string()))?;
    let expected = oracle
        .get("inspections")
        .and_then(Value::as_array)
        .ok_or_else(|| CompareError::Oracle("no list `inspections` in it".to_owned()))?;
    let mut recorded = Vec::new();
    for (line, text) in records.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let failed = |why: serde_json::Error| CompareError::Records { line: line + 1, why: why.to_string() };
        let record: Value = serde_json::from_str(text).map_err(failed)?;
        if word(&record, "/kind") == Some("inspection") {
            recorded.push(record);
        }
    }
    let mut compared = Compared { expected: expected.len(), recorded: recorded.len(), ..Compared::default() };
    let mut taken = vec![false; recorded.len()];
    for it in expected {
        let found = recorded.iter().zip(&mut taken).find(|(record, taken)| !**taken && is_about(it, record));
        match found {
            None => compared.differences.push(Difference::Missing {
                procedure: word(it, "/procedure").unwrap_or_default().to_owned(),
                subject: word(it, "/subject").map(str::to_owned),
            }),
            Some((record, taken)) => {
                *taken = true;
                let before = compared.differences.len();
                differ(it, record, &mut compared.differences);
                compared.agree += usize::from(compared.differences.len() == before);
            }
        }
    }
    for (record, _) in recorded.iter().zip(&taken).filter(|(_, taken)| !**taken) {
        compared.differences.push(Difference::Extra {
            seq: seq(record),
            procedure: word(record, "/detail/procedure").unwrap_or_default().to_owned(),
            subject: word(record, "/detail/identities/0/text").map(str::to_owned),
        });
    }
    Ok(compared)
}

fn word<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.pointer(path).and_then(Value::as_str)
}

fn seq(record: &Value) -> u64 {
    record.get("seq").and_then(Value::as_u64).unwrap_or_default()
}

/// Same procedure, and the same subject among its identities; nobody expected means nobody recorded.
fn is_about(expected: &Value, record: &Value) -> bool {
    let identities = record.pointer("/detail/identities").and_then(Value::as_array);
    let mut names = identities.into_iter().flatten().filter_map(|it| word(it, "/text"));
    word(expected, "/procedure") == word(record, "/detail/procedure")
        && match word(expected, "/subject") {
            Some(subject) => names.any(|name| name == subject),
            None => names.next().is_none(),
        }
}

fn differ(expected: &Value, record: &Value, found: &mut Vec<Difference>) {
    let mut other = |what: &str, expected_word: String, found_word: String| {
        found.push(Difference::Other {
            seq: seq(record),
            subject: word(expected, "/subject").map(str::to_owned),
            what: what.to_owned(),
            expected: expected_word,
            found: found_word,
        });
    };
    for key in ["verdict", "reason", "disposition"] {
        let wanted = word(expected, &format!("/{key}")).unwrap_or("–");
        let said = word(record, &format!("/detail/{key}")).unwrap_or("–");
        if wanted != said {
            other(key, wanted.to_owned(), said.to_owned());
        }
    }
    let drill = expected.get("drill").and_then(Value::as_bool).unwrap_or(false);
    let recorded = ["/drill", "/flags/drill", "/detail/drill"].iter().find_map(|it| record.pointer(it)?.as_bool());
    if recorded.unwrap_or(false) != drill {
        other("drill", drill.to_string(), recorded.unwrap_or(false).to_string());
    }
    for value in expected.get("values").and_then(Value::as_array).into_iter().flatten() {
        let parameter = word(value, "/parameter").unwrap_or_default();
        let (wanted, tolerance) = (number(value, "/value"), number(value, "/tolerance").unwrap_or(0.0));
        let measured = record.pointer("/detail/measured").and_then(Value::as_array).into_iter().flatten();
        let values = measured.filter(|it| word(it, "/parameter") == Some(parameter));
        // Several stages may measure one parameter; the one nearest to what is expected is meant.
        let nearest = values
            .filter_map(|it| number(it, "/value"))
            .min_by(|a, b| (a - wanted.unwrap_or(0.0)).abs().total_cmp(&(b - wanted.unwrap_or(0.0)).abs()));
        let near = matches!((wanted, nearest), (Some(wanted), Some(it)) if (it - wanted).abs() <= tolerance + 1e-9);
        if !near {
            let said = nearest.map_or_else(|| "–".to_owned(), |it| it.to_string());
            let wanted = word(value, "/value").unwrap_or("–");
            other(parameter, format!("{wanted} ± {tolerance}"), said);
        }
    }
}

/// A decimal text, whatever unit stands behind it.
fn number(value: &Value, path: &str) -> Option<f64> {
    word(value, path)?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ORACLE: &str = r#"{"scene":"s","seed":1,"until_ms":9,"inspections":[
        {"procedure":"lorry-gate","subject":"A1","verdict":"Pass","reason":null,"disposition":"clear","drill":false,
         "values":[{"parameter":"gross-mass","value":"38640","tolerance":"20","unit":"kg"}]},
        {"procedure":"lorry-gate","subject":"A2","verdict":"Fail","reason":null,"disposition":"refer","drill":false,"values":[]}]}"#;

    fn line(seq: u64, subject: &str, verdict: &str, disposition: &str, mass: &str) -> String {
        format!(
            r#"{{"seq":{seq},"kind":"inspection","detail":{{"procedure":"lorry-gate","identities":[{{"text":"{subject}"}}],"verdict":"{verdict}","reason":null,"disposition":"{disposition}","measured":[{{"parameter":"gross-mass","value":"{mass}"}}]}}}}"#
        )
    }

    #[test]
    fn what_agrees_agrees_and_what_does_not_is_named() {
        let check = |lines: &[String], agree: usize, told: &[&str]| {
            let compared = compare(ORACLE, &lines.join("\n")).unwrap();
            let said: Vec<String> = compared.differences.iter().map(ToString::to_string).collect();
            assert_eq!(
                (compared.agree, said.as_slice()),
                (agree, told.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>().as_slice())
            );
        };
        let (first, second) = (line(4, "A1", "Pass", "clear", "38660"), line(5, "A2", "Fail", "refer", "60000"));
        check(&[first.clone(), second.clone()], 2, &[]);
        check(std::slice::from_ref(&first), 1, &["missing: lorry-gate A2"]);
        check(
            &[first.clone(), second, line(6, "A1", "Pass", "clear", "38640")],
            2,
            &["#6 not expected: lorry-gate A1"],
        );
        check(
            &[line(4, "A1", "Pass", "clear", "38661"), line(5, "A2", "Pass", "clear", "1")],
            0,
            &[
                "#4 A1: gross-mass is 38661, expected 38640 ± 20",
                "#5 A2: verdict is Pass, expected Fail",
                "#5 A2: disposition is clear, expected refer",
            ],
        );
        assert!(compare("{}", "").is_err() && compare(ORACLE, "{").is_err());
    }
}
