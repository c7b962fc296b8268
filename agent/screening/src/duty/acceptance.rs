//! Whose laboratory results count (采信): a report is held against the plan's list of accepted bodies.

use jiff::civil::Date;
use tidewaiter_config::plan::{AcceptedBody, longest_prefix};

/// What a laboratory's report says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Report<'r> {
    /// Body id.
    pub body: &'r str,
    /// Test method.
    pub method: &'r str,
    /// Date of the report.
    pub date: Date,
    /// HS code of the goods, where it is declared.
    pub hs: Option<&'r str>,
    /// Parameters it gives values for.
    pub parameters: &'r [&'r str],
}

/// Why a report does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no list.
    #[error("no plan in force lists accepted bodies")]
    NoList,
    /// The list does not name the body.
    #[error("the plan does not list the body {0:?}")]
    UnknownBody(String),
    /// The body is not accepted on that day.
    #[error("the body is accepted from {from} to {to}, and the report is of {date}")]
    NotValid {
        /// First day.
        from: Date,
        /// Last day.
        to: Date,
        /// Date of the report.
        date: Date,
    },
    /// The report is of a day that has not come.
    #[error("the report is of {0}, which has not come")]
    NotYet(Date),
    /// The report is too old.
    #[error("the report is {days} days old, and {most} at most are accepted")]
    TooOld {
        /// Its age.
        days: i64,
        /// Longest age.
        most: i64,
    },
    /// The goods are outside the scope.
    #[error("the body is not accepted for goods of HS code {0}")]
    Goods(String),
    /// A parameter is outside the scope.
    #[error("the body is not accepted for {0:?}")]
    Parameter(String),
    /// The method is outside the scope.
    #[error("the body is not accepted for the method {0:?}")]
    Method(String),
}

impl Rejection {
    /// The stable spelling used in records and interfaces.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NoList => "no-list",
            Self::UnknownBody(_) => "unknown-body",
            Self::NotValid { .. } => "not-valid",
            Self::NotYet(_) => "not-yet",
            Self::TooOld { .. } => "too-old",
            Self::Goods(_) => "goods",
            Self::Parameter(_) => "parameter",
            Self::Method(_) => "method",
        }
    }
}

/// Whether a report counts on `today`.
///
/// # Errors
///
/// The first reason why it does not.
pub fn accepted(list: &[AcceptedBody], report: &Report<'_>, today: Date) -> Result<(), Rejection> {
    if list.is_empty() {
        return Err(Rejection::NoList);
    }
    let body = list
        .iter()
        .find(|body| body.id == report.body)
        .ok_or_else(|| Rejection::UnknownBody(report.body.to_owned()))?;
    if report.date > today {
        return Err(Rejection::NotYet(report.date));
    }
    if report.date < body.valid_from || report.date > body.valid_to {
        return Err(Rejection::NotValid { from: body.valid_from, to: body.valid_to, date: report.date });
    }
    let days = report.date.until(today).map_or(i64::MAX, |span| i64::from(span.get_days()));
    let most = i64::try_from(body.longest_report_age.as_secs() / 86_400).unwrap_or(i64::MAX);
    if days > most {
        return Err(Rejection::TooOld { days, most });
    }
    if longest_prefix(&body.hs, report.hs).is_none() {
        return Err(Rejection::Goods(report.hs.unwrap_or("-").to_owned()));
    }
    if let Some(stray) = report.parameters.iter().find(|it| !body.parameters.iter().any(|known| known == *it)) {
        return Err(Rejection::Parameter((*stray).to_owned()));
    }
    if !body.methods.iter().any(|known| known == report.method) {
        return Err(Rejection::Method(report.method.to_owned()));
    }
    Ok(())
}
