//! The register of instruments at work: whose verification holds, what each value is uncertain by, which function checks
//! are due.
//!
//! What comes in: a finished [`Inspection`] before it is judged, the date, the outcome of function checks, the passing of
//! time. What goes out: the same inspection with qualities and uncertainties, [`Event`]s for the chain, lines for a
//! person to read, and a small blob that outlives the process. A value of an instrument out of date is stored and shown,
//! and never passes.
//!
//! Dates are those of the sampling date; a certificate holds through its last day. Not here: clocks, judging, where the
//! blob is kept.

mod book;
mod overview;
#[cfg(test)]
mod tests;
mod uncertainty;

use std::collections::BTreeMap;

use jiff::civil::Date;
use tidewaiter_config::site::{Check, Register as Entry, RigProcedure, ScaleRange, Site, Source};
use tidewaiter_drivers::{
    Decimal,
    reading::{Doubt, Flaw, Moment, Outcome, Quality},
};
use tidewaiter_screening::{
    Inspection, Verdict,
    conversion::Conversion,
    inspection::{Completion, IncompleteReason, Measured, SubjectKind},
};

use self::book::{Book, Lapse};
pub use self::{
    book::StateError,
    overview::{CheckLine, Line},
};
use crate::inspect::Event;

/// How often dates and hours are looked at; they change slowly.
const LOOK_MS: u64 = 1_000;

/// Name of the note that [`Register::save`] is kept under.
pub const NOTE: &str = "register";

/// The register of one site.
#[derive(Clone, Debug)]
pub struct Register {
    entries: BTreeMap<String, Entry>,
    instruments: Vec<String>,
    checks: Vec<Check>,
    /// Channel behind a parameter of a place, where it is not the parameter's own name.
    origins: Vec<Origin>,
    book: Book,
    looked_ms: Option<u64>,
}

/// The channel a place takes a parameter from.
#[derive(Clone, Debug)]
struct Origin {
    place: String,
    parameter: String,
    channel: String,
}

/// How an instrument stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is known against it.
    InOrder,
    /// Its certificate runs out soon.
    VerificationDue,
    /// A function check failed or is overdue.
    CheckOverdue,
    /// Its certificate has run out.
    OutOfVerification,
}

impl Standing {
    /// What it makes of a good value.
    pub const fn quality(self) -> Quality {
        match self {
            Self::InOrder => Quality::Good,
            Self::VerificationDue => Quality::Uncertain(Doubt::VerificationDue),
            Self::CheckOverdue => Quality::Bad(Flaw::FunctionCheckOverdue),
            Self::OutOfVerification => Quality::Bad(Flaw::OutOfVerification),
        }
    }

    /// The stable spelling: that of the quality.
    pub const fn word(self) -> &'static str {
        self.quality().word()
    }

    /// The quality of a value that came with `quality`: a flaw stays the flaw it is, and a doubt gives way to a flaw only.
    fn on(self, quality: Quality) -> Quality {
        match (quality, self.quality()) {
            (Quality::Good, by_register) => by_register,
            (Quality::Uncertain(_), flaw @ Quality::Bad(_)) => flaw,
            (as_it_came, _) => as_it_came,
        }
    }
}

impl Register {
    /// The register of `site`, with no function check done yet.
    pub fn new(site: &Site) -> Self {
        let entry = |it: &tidewaiter_config::site::Instrument| Some((it.id.clone(), it.register.clone()?));
        let lanes = site.lanes.iter().filter_map(|lane| {
            let (_, channel) = lane.gate.dose_rate.as_ref()?;
            Some(Origin { place: lane.id.clone(), parameter: "dose-rate".to_owned(), channel: channel.clone() })
        });
        let benches = site.rigs.iter().filter_map(|rig| match &rig.procedure {
            RigProcedure::Bench(bench) => Some((rig, bench)),
            RigProcedure::TextilePh { .. } | RigProcedure::TyreEndurance { .. } => None,
        });
        let quantities = benches.flat_map(|(rig, bench)| {
            bench.quantities.iter().filter_map(|quantity| match &quantity.source {
                Source::Instrument { channel, .. } => {
                    let (place, parameter) = (rig.id.clone(), quantity.parameter.clone());
                    Some(Origin { place, parameter, channel: channel.clone() })
                }
                Source::Operator { .. } => None,
            })
        });
        let origins = lanes.chain(quantities);
        Self {
            entries: site.instruments.iter().filter_map(entry).collect(),
            instruments: site.instruments.iter().map(|it| it.id.clone()).collect(),
            checks: site.checks.clone(),
            origins: origins.collect(),
            book: Book::default(),
            looked_ms: None,
        }
    }

    /// Takes back what [`Self::save`] gave in an earlier life. What the site no longer has is forgotten.
    ///
    /// # Errors
    ///
    /// When the bytes are none of its own; the register then stands as if no check had ever been done.
    pub fn load(&mut self, blob: &[u8]) -> Result<(), StateError> {
        let mut book = Book::decode(blob)?;
        book.keep_only(|check| self.checks.iter().any(|it| it.id == check), |it| self.entries.contains_key(it));
        self.book = book;
        Ok(())
    }

    /// The register of another site, with what is remembered of the checks and instruments that stay.
    #[must_use]
    pub fn turned(&self, site: &Site) -> Self {
        let mut turned = Self::new(site);
        let mut book = self.book.clone();
        book.keep_only(|check| site.check(check).is_some(), |it| turned.entries.contains_key(it));
        turned.book = book;
        turned
    }

    /// What must outlive the process, when it has changed since it was last asked for.
    pub fn save(&mut self) -> Option<Vec<u8>> {
        self.book.take_changed()
    }

    /// How an instrument stands on this date, at this wall time.
    pub fn standing(&self, instrument: &str, date: Date, wall_ms: i64) -> Standing {
        let days_left = self.entries.get(instrument).and_then(|entry| entry.days_left(date).map(|left| (left, entry)));
        match days_left {
            Some((left, _)) if left < 0 => Standing::OutOfVerification,
            _ if self.lapse(instrument, wall_ms).is_some() => Standing::CheckOverdue,
            Some((left, entry)) if left < entry.due_days => Standing::VerificationDue,
            _ => Standing::InOrder,
        }
    }

    /// An outcome of this instrument as it counts: a value of one that is out of verification is none to rely on.
    #[allow(clippy::missing_errors_doc, reason = "the error is a reading without a value, which passes through")]
    pub fn stamped(&self, outcome: Outcome, instrument: &str, date: Date, wall_ms: i64) -> Outcome {
        outcome.map(|mut indication| {
            indication.quality = self.standing(instrument, date, wall_ms).on(indication.quality);
            indication
        })
    }

    /// The function check of this instrument that failed or is overdue, the earliest first.
    fn lapse(&self, instrument: &str, wall_ms: i64) -> Option<(&Check, Lapse)> {
        let of = self.checks.iter().filter(|check| check.instrument == instrument);
        of.filter_map(|check| Some((check, self.book.lapse(check, wall_ms)?))).min_by_key(|(_, lapse)| lapse.since_ms)
    }

    /// Gives every value of an inspection its quality and its uncertainty, before it is judged.
    ///
    /// A function check is left as it is: it asks whether the instrument works, and could never be passed if it were
    /// held to have been passed.
    pub fn apply(&self, inspection: &mut Inspection, date: Date) {
        if inspection.subject.kind == SubjectKind::Instrument {
            return;
        }
        let (place, closed) = (inspection.place.clone(), inspection.closed);
        for measured in &mut inspection.measured {
            let standing = self.standing(&measured.instrument, date, closed.wall_ms);
            qualify(&mut measured.outcome, |quality| standing.on(quality));
            if let Some(entry) = self.entries.get(&measured.instrument) {
                self.state_uncertainty(&place, measured, entry);
                if let Some(range) = &entry.scale {
                    within_range(measured, range);
                }
            }
        }
        for evidence in inspection.readings.iter_mut().chain(&mut inspection.whole) {
            let standing = self.standing(&evidence.instrument, date, evidence.at.wall_ms);
            qualify(&mut evidence.outcome, |quality| standing.on(quality));
        }
    }

    fn state_uncertainty(&self, place: &str, measured: &mut Measured, entry: &Entry) {
        let Ok(indication) = measured.outcome else { return };
        let channel = self
            .origins
            .iter()
            .find(|it| it.place == place && it.parameter == measured.parameter)
            .map(|it| it.channel.as_str());
        let Some(expanded) = uncertainty::stated(entry, &measured.parameter, channel) else { return };
        if measured.uncertainty.is_none() {
            measured.uncertainty = uncertainty::of(expanded, indication.value, indication.unit);
        }
        if let (Some(background), None) = (measured.background, measured.background_uncertainty) {
            measured.background_uncertainty = uncertainty::of(expanded, background, indication.unit);
        }
    }

    /// Takes note of how a function check ended. A drill proves nothing; a check that ran out of time counts as failed,
    /// because the instrument did not do what was asked; one stopped or interrupted changes nothing.
    pub fn note(&mut self, inspection: &Inspection, verdict: Verdict) {
        if !inspection.drill && inspection.subject.kind == SubjectKind::Instrument {
            let passed = verdict == Verdict::Pass;
            self.recall(&inspection.place, inspection.closed, inspection.completion, passed);
        }
    }

    /// [`Self::note`] of a check that a record tells of.
    pub fn recall(&mut self, check: &str, closed: Moment, completion: Completion, passed: bool) {
        if !self.checks.iter().any(|it| it.id == check) {
            return;
        }
        match completion {
            Completion::Complete if passed => self.book.passed(check, closed.wall_ms),
            Completion::Complete | Completion::Incomplete(IncompleteReason::TimedOut) => {
                self.book.failed(check, closed.wall_ms);
            }
            Completion::Incomplete(_) => {}
        }
    }

    /// Lets time pass: what is due or has run out is said, due once a day, all else once.
    pub fn tick(&mut self, now: Moment, date: Date) -> Vec<Event> {
        if self.looked_ms.is_some_and(|last| now.mono_ms.saturating_sub(last) < LOOK_MS) {
            return Vec::new();
        }
        self.looked_ms = Some(now.mono_ms);
        let mut events = Vec::new();
        for (instrument, entry) in &self.entries {
            let (Some(left), Some(until)) = (entry.days_left(date), entry.valid_until) else { continue };
            let name = if left < 0 && self.book.tell_expired(instrument, until) {
                "verification-expired"
            } else if (0..entry.due_days).contains(&left) && self.book.tell_due(instrument, date) {
                "verification-due"
            } else {
                continue;
            };
            let mut facts =
                vec![("valid-until".to_owned(), until.to_string()), ("days-left".to_owned(), left.to_string())];
            facts.extend(entry.certificate.iter().map(|it| ("certificate".to_owned(), it.clone())));
            events.push(event(name, instrument, facts));
        }
        for check in &self.checks {
            self.book.seen(&check.id, now.wall_ms);
            if let Some(lapse) = self.book.lapse(check, now.wall_ms)
                && self.book.tell_lapse(&check.id, lapse)
            {
                let why = if lapse.failed { "failed" } else { "overdue" };
                let facts = vec![("check".to_owned(), check.id.clone()), ("why".to_owned(), why.to_owned())];
                events.push(event("function-check-overdue", &check.instrument, facts));
            }
        }
        events
    }
}

fn event(name: &str, instrument: &str, facts: Vec<(String, String)>) -> Event {
    Event { place: "self".to_owned(), name: name.to_owned(), subject: Some(instrument.to_owned()), facts }
}

fn qualify(outcome: &mut Outcome, quality: impl Fn(Quality) -> Quality) {
    if let Ok(indication) = outcome {
        indication.quality = quality(indication.quality);
    }
}

/// A mass outside Min to Max is not judged. OIML R 76 states permissible errors for loads from Min to Max only: below
/// Min the relative error may be excessive by definition (T.3.1.2), and above Max an indication may still show, up to
/// nine intervals (4.2.3), of which the certificate says nothing. The reading behind it stays as it was displayed. Net
/// and tare masses are differences and have no Min of their own.
fn within_range(measured: &mut Measured, range: &ScaleRange) {
    let difference = measured.parameter.starts_with("net") || measured.parameter.starts_with("tare");
    let Ok(indication) = &mut measured.outcome else { return };
    let Some(conversion) = Conversion::between(indication.unit, range.unit).filter(|_| !difference) else { return };
    let in_range = |value: Decimal| value.cmp_value(range.min).is_ge() && value.cmp_value(range.max).is_le();
    let load = conversion.apply(indication.value);
    if !load.is_some_and(in_range) && !matches!(indication.quality, Quality::Bad(_)) {
        indication.quality = Quality::Bad(Flaw::Implausible);
    }
}
