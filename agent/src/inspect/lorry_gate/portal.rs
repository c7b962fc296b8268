//! Portal lines as evidence and as facts.

use tidewaiter_drivers::{
    Decimal, Unit,
    portal::{
        occupancy::{Recompute, SetupKind},
        rpm::{Counts, GammaTag, Line, NeutronTag},
    },
    reading::{Indication, Quality},
};
use tidewaiter_screening::inspection::Evidence;

use crate::acquire::Arrival;

/// Whether a line carries the gamma background that a passage will be compared with.
pub(super) fn is_background(line: &Line) -> bool {
    matches!(line, Line::Gamma { tag: GammaTag::GB, .. })
}

/// Whether a line is one of those that decide a passage by themselves.
pub(in super::super) fn is_decisive(line: &Line) -> bool {
    matches!(
        line,
        Line::Gamma { tag: GammaTag::GA, .. }
            | Line::Neutron { tag: NeutronTag::NA, .. }
            | Line::End { .. }
            | Line::Tamper(_)
            | Line::Speed { .. }
    )
}

/// Whether a line asserts a gamma alarm, and a neutron alarm.
pub(super) fn asserts(line: &Line) -> (bool, bool) {
    let gamma = matches!(line, Line::Gamma { tag: GammaTag::GA, .. });
    (gamma, matches!(line, Line::Neutron { tag: NeutronTag::NA, .. }))
}

/// Whether a line is one interval of the gamma window.
pub(super) fn is_interval(line: &Line) -> bool {
    matches!(line, Line::Gamma { tag: GammaTag::GS | GammaTag::GA, .. })
}

/// A line as evidence: its tag as channel, the sum of its counts (or its speed, or its counter) as value.
/// Set-up and unknown lines are events, not evidence.
pub(crate) fn evidence(arrival: &Arrival, line: &Line) -> Option<Evidence> {
    let (channel, value, unit) = match line {
        Line::Gamma { tag, counts } => {
            let vacant = matches!(tag, GammaTag::GB | GammaTag::GH | GammaTag::GL);
            (tag.text(), sum(counts), if vacant { Unit::PerSecond } else { Unit::Count })
        }
        Line::Neutron { tag, counts } => (tag.text(), sum(counts), Unit::Count),
        Line::Speed { kmh, .. } => ("SP", *kmh, Unit::KilometrePerHour),
        Line::End { counter, .. } => ("GX", Decimal::whole(i64::from(*counter)), Unit::One),
        Line::Tamper(active) => (if *active { "TT" } else { "TC" }, Decimal::whole(i64::from(*active)), Unit::One),
        Line::Setup(_) | Line::Unknown => return None,
    };
    Some(Evidence {
        instrument: arrival.instrument.to_string(),
        channel: channel.to_owned(),
        at: arrival.at,
        outcome: Ok(Indication { value, unit, quality: Quality::Good }),
        raw: arrival.raw.to_vec(),
    })
}

fn sum(counts: &Counts) -> Decimal {
    Decimal::whole(counts.iter().map(|count| i64::from(*count)).sum())
}

/// A complete set-up as facts of an event: whoever changes alarm parameters leaves a trace.
pub(super) fn setup_facts(portal: &Recompute, kind: SetupKind) -> Vec<(String, String)> {
    let mut facts = vec![];
    let mut tell = |name: &str, fact: String| facts.push((name.to_owned(), fact));
    match kind {
        SetupKind::Gamma => {
            if let Some(setup) = portal.gamma_setup() {
                tell("high-fault", setup.alarm.high_fault.to_string());
                tell("low-fault", setup.alarm.low_fault.to_string());
                tell("intervals", setup.alarm.intervals.to_string());
                tell("hold-in", setup.alarm.hold_in.to_string());
                tell("n-sigma", setup.alarm.n_sigma.to_string());
                tell("algorithm", setup.detectors.algorithm.text().to_owned());
                tell("detectors", setup.detectors.detectors.to_string());
                tell("software", setup.detectors.software.to_string());
                tell("background-time-s", setup.background.background_time_s.to_string());
                tell("background-sigma", setup.background.background_sigma.to_string());
                tell("firmware", setup.background.firmware.to_string());
            }
        }
        SetupKind::Neutron => {
            if let Some(setup) = portal.neutron_setup() {
                tell("high-fault", setup.alarm.high_fault.to_string());
                tell("max-intervals", setup.alarm.max_intervals.to_string());
                tell("alpha", setup.alarm.alpha.to_string());
                tell("zmax", setup.alarm.zmax.to_string());
                tell("sequential-intervals", setup.alarm.sequential_intervals.to_string());
                tell("background-time-s", setup.alarm.background_time_s.to_string());
            }
        }
    }
    facts
}
