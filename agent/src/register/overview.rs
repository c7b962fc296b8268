//! The register as a person reads it: one line for each instrument.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use tidewaiter_config::site::Check;

use super::{Register, Standing};

/// How an instrument stands that has neither a register entry nor a function check.
const UNREGISTERED: &str = "unregistered";

/// One instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Instrument id.
    pub instrument: String,
    /// `compulsory-verification` or `calibration`; absent without a register entry.
    pub control: Option<&'static str>,
    /// Accuracy class.
    pub class: Option<String>,
    /// Certificate number.
    pub certificate: Option<String>,
    /// Last day of validity.
    pub valid_until: Option<String>,
    /// Days to it; negative after it.
    pub days_left: Option<i64>,
    /// How it stands: a quality word, `good` when in order; `unregistered` when nobody watches it.
    pub standing: &'static str,
    /// Its function checks.
    pub checks: Vec<CheckLine>,
}

/// One function check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckLine {
    /// Check id.
    pub check: String,
    /// Procedure of its records.
    pub procedure: &'static str,
    /// When it was last passed, UTC.
    pub passed: Option<String>,
    /// When it was last failed, if that was later.
    pub failed: Option<String>,
    /// When it must have been passed again, UTC.
    pub due: Option<String>,
    /// It failed or is overdue.
    pub lapsed: bool,
}

impl Register {
    /// A line for each instrument of the site, in the order of the file.
    pub fn overview(&self, date: Date, wall_ms: i64) -> Vec<Line> {
        let line = |id: &String| {
            let entry = self.entries.get(id);
            Line {
                instrument: id.clone(),
                control: entry.map(|it| it.control.word()),
                class: entry.and_then(|it| it.class.clone()),
                certificate: entry.and_then(|it| it.certificate.clone()),
                valid_until: entry.and_then(|it| it.valid_until).map(|it| it.to_string()),
                days_left: entry.and_then(|it| it.days_left(date)),
                standing: match self.standing(id, date, wall_ms) {
                    Standing::InOrder if entry.is_none() && !self.is_checked(id) => UNREGISTERED,
                    standing => standing.word(),
                },
                checks: self
                    .checks
                    .iter()
                    .filter(|check| check.instrument == *id)
                    .map(|check| self.check_line(check, wall_ms))
                    .collect(),
            }
        };
        self.instruments.iter().map(line).collect()
    }

    fn is_checked(&self, instrument: &str) -> bool {
        self.checks.iter().any(|check| check.instrument == instrument)
    }

    fn check_line(&self, check: &Check, wall_ms: i64) -> CheckLine {
        let history = self.book.history(&check.id);
        CheckLine {
            check: check.id.clone(),
            procedure: check.procedure.procedure(),
            passed: history.and_then(|it| it.passed).and_then(utc),
            failed: history.and_then(|it| it.failed).and_then(utc),
            due: self.book.due_ms(check).and_then(utc),
            lapsed: self.book.lapse(check, wall_ms).is_some(),
        }
    }
}

fn utc(wall_ms: i64) -> Option<String> {
    Timestamp::from_millisecond(wall_ms).ok().map(|at| at.to_string())
}
