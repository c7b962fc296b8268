//! A measured quantity that a row needs beside the one it judges.

use tidewaiter_config::limits::{Basis, MOISTURE, Row};
use tidewaiter_drivers::{
    Unit,
    reading::{Doubt, Quality},
};

use crate::{
    conversion::Conversion,
    exact::Exact,
    finding::Reason,
    inspection::{Inspection, Measured},
    number::Number,
    spread::Spread,
    step::{Lack, Step},
};

/// A value in the unit that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) value: Number,
    pub(crate) uncertainty: Option<Spread>,
}

/// Whether a quality lets a value decide.
pub(crate) const fn decides(quality: Quality) -> bool {
    matches!(quality, Quality::Good | Quality::Uncertain(Doubt::VerificationDue))
}

/// Looks for the one value of `parameter`, of the same stage as what is judged.
///
/// `Ok(None)` when it was not measured. Several values are one if they are equal: otherwise nothing tells
/// which is meant, and the order in which they came must not.
pub(crate) fn find<'a>(
    inspection: &'a Inspection,
    parameter: &str,
    stage: Option<u16>,
    steps: &mut Vec<Step>,
) -> Result<Option<&'a Measured>, Reason> {
    let mut found =
        inspection.measured.iter().filter(|it| it.parameter == parameter && (stage.is_none() || it.stage == stage));
    let Some(first) = found.next() else { return Ok(None) };
    let same = |other: &Measured| {
        (&other.outcome, other.basis, other.uncertainty) == (&first.outcome, first.basis, first.uncertainty)
    };
    if found.all(same) {
        return Ok(Some(first));
    }
    steps.push(Step::Ambiguous { parameter: parameter.to_owned() });
    Err(Reason::Quality)
}

/// The value of a measured quantity in `unit`.
pub(crate) fn value(measured: &Measured, unit: Unit, steps: &mut Vec<Step>) -> Result<Peer, Reason> {
    let indication = measured.outcome.map_err(|missing| {
        steps.push(Step::NoValue { missing });
        Reason::NoValue
    })?;
    if !decides(indication.quality) {
        steps.push(Step::NotDecisive { quality: indication.quality });
        return Err(Reason::Quality);
    }
    let Some(conversion) = Conversion::between(indication.unit, unit) else {
        steps.push(Step::ForeignUnit { found: indication.unit, wanted: unit });
        return Err(Reason::Unit);
    };
    if !conversion.is_identity() {
        steps.push(Step::Converted(conversion));
    }
    let apply = |it| conversion.apply(it).ok_or(Reason::Arithmetic).and_then(Number::of);
    let uncertainty = measured.uncertainty.filter(|it| it.digits() >= 0).and_then(|it| apply(it).ok());
    Ok(Peer { value: apply(indication.value)?, uncertainty: uncertainty.map(|it| Spread::Plain(it.exact())) })
}

/// What a value on the basis of `measured` is multiplied with to be on the basis of the row.
///
/// A calorific value changes by more than the mass of the water, so only shares of the mass are converted.
pub(crate) fn basis_factor(
    row: &Row,
    measured: &Measured,
    inspection: &Inspection,
    steps: &mut Vec<Step>,
) -> Result<Option<(Exact, Basis, String)>, Reason> {
    let Some(wanted) = row.basis else { return Ok(None) };
    let mut refuse = |lack| {
        steps.push(Step::NoBasis { wanted, lack });
        Reason::Basis
    };
    let Some(found) = measured.basis else { return Err(refuse(Lack::NoBasis)) };
    if found == wanted {
        return Ok(None);
    }
    if row.unit == Unit::MegajoulePerKilogram {
        return Err(refuse(Lack::Calorific));
    }
    let Some(moisture) = find(inspection, MOISTURE, None, steps)? else {
        steps.push(Step::NoBasis { wanted, lack: Lack::NoMoisture });
        return Err(Reason::Basis);
    };
    if moisture.basis != Some(Basis::AsReceived) {
        steps.push(Step::NoBasis { wanted, lack: Lack::MoistureBasis });
        return Err(Reason::Basis);
    }
    let moisture = value(moisture, Unit::Percent, steps)?.value;
    let dry = Exact::whole(100).sub(moisture.exact()).ok_or(Reason::Arithmetic)?;
    if moisture.exact().signum() < 0 || dry.signum() <= 0 {
        steps.push(Step::NoBasis { wanted, lack: Lack::MoistureRange });
        return Err(Reason::Basis);
    }
    let share = dry.div(Exact::whole(100)).ok_or(Reason::Arithmetic)?;
    let factor = match wanted {
        Basis::AsReceived => Some(share),
        Basis::Dry => Exact::whole(1).div(share),
    };
    Ok(Some((factor.ok_or(Reason::Arithmetic)?, found, moisture.to_string())))
}
