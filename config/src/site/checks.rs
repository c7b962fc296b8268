//! The `[[checks]]` of a site file: what an instrument must show, how often, that its readings may be believed.
//!
//! A check has an instrument for itself while it runs. Its result is an inspection like any other and is judged by the
//! shipped table `function-check`, whose rows ask one thing: that the margin to the tolerance is not below zero. The
//! tolerance is stated here, or follows from class and e of the register. Not here: running a check, counting the hours.

use std::time::Duration;

use tidewaiter_drivers::{Decimal, Unit};

use super::{
    Instrument, Judge, Protocol, Register, ScaleRange,
    instruments::{MASS, hours, ms},
    places::{Known, Places, channel, judge, role},
    streams::{PH_METERS, SCALES},
};
use crate::reader::{Node, Value};

/// Table that judges the margins.
const TABLE: &str = "function-check";
/// Table of the permissible errors of scales, which a test mass is judged by as well where its tolerance is taken from
/// the class.
const MPE_TABLE: &str = "scale-mpe";

const GRACE: Duration = Duration::from_secs(3_600);
const TIME_LIMIT: Duration = Duration::from_secs(600);
const STEADY: Duration = Duration::from_secs(10);

/// Buffers of one check: more than a bench has bottles for.
const MOST_BUFFERS: usize = 8;

const KINDS: [(&str, Kind); 5] = [
    ("portal-source", Kind::PortalSource),
    ("scale-zero", Kind::ScaleZero),
    ("scale-mass", Kind::ScaleMass),
    ("ph-buffers", Kind::PhBuffers),
    ("reference", Kind::Reference),
];

/// One function check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Id; the place of its inspections.
    pub id: String,
    /// Instrument checked.
    pub instrument: String,
    /// Time from one pass to the next.
    pub every: Duration,
    /// How much later it may be.
    pub grace: Duration,
    /// Longest time from start to end.
    pub time_limit: Duration,
    /// What is done.
    pub procedure: CheckProcedure,
    /// Tables its result is judged by: `function-check`, and what the file adds.
    pub judge: Vec<Judge>,
}

/// What a check does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckProcedure {
    /// A source is carried through a portal: it must be seen and alarm, and the background must be normal again.
    PortalSource {
        /// What the source emits.
        radiation: Radiation,
        /// Standard deviations of the background by which the source must stand out, and the background may differ
        /// afterwards.
        sigma: Decimal,
    },
    /// The empty scale shows zero.
    ScaleZero {
        /// Greatest indication without a load.
        tolerance: Decimal,
        /// Its unit.
        unit: Unit,
        /// How long the indication must stand.
        steady: Duration,
    },
    /// A test mass is on the scale.
    ScaleMass {
        /// The test mass.
        mass: Decimal,
        /// Greatest error.
        tolerance: Decimal,
        /// Unit of both.
        unit: Unit,
        /// Which permissible errors the tolerance is taken from; none where the check states its own.
        service: Option<Service>,
        /// How long the indication must stand.
        steady: Duration,
    },
    /// A pH meter in one buffer after the other.
    PhBuffers {
        /// The buffers in the order of use.
        buffers: Vec<Buffer>,
        /// Greatest change while steady, in pH.
        drift: Decimal,
        /// How long the meter must hold still.
        steady: Duration,
    },
    /// A channel shows a reference of known value.
    Reference {
        /// Channel.
        channel: String,
        /// Value of the reference.
        value: Decimal,
        /// Greatest difference of the mean.
        tolerance: Decimal,
        /// Unit of both.
        unit: Unit,
        /// Readings averaged.
        readings: u16,
    },
}

/// Which maximum permissible errors a scale is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Those of verification.
    Verification,
    /// Those in service, twice as much.
    InService,
}

impl Service {
    /// The spelling of the site file, and of the declared fact that limit rows ask for.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::InService => "in-service",
        }
    }

    const fn factor(self) -> i64 {
        match self {
            Self::Verification => 1,
            Self::InService => 2,
        }
    }
}

/// What a check source emits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Radiation {
    /// Gamma rays.
    Gamma,
    /// Neutrons: no public source states the unit of a portal's neutron background, so only its alarm is asked for.
    Neutron,
}

/// One buffer solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Its pH at the temperature of the bench.
    pub ph: Decimal,
    /// Greatest difference.
    pub tolerance: Decimal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    PortalSource,
    ScaleZero,
    ScaleMass,
    PhBuffers,
    Reference,
}

impl CheckProcedure {
    /// The procedure id of its inspections.
    pub const fn procedure(&self) -> &'static str {
        match self {
            Self::PortalSource { .. } => "portal-source-check",
            Self::ScaleZero { .. } => "scale-zero-check",
            Self::ScaleMass { .. } => "scale-mass-check",
            Self::PhBuffers { .. } => "ph-buffers-check",
            Self::Reference { .. } => "reference-check",
        }
    }

    /// Parameters of the table `function-check` that its result is judged by.
    pub fn parameters(&self) -> Vec<&'static str> {
        match self {
            Self::PortalSource { radiation: Radiation::Gamma, .. } => {
                vec!["source-margin", "source-alarms", "background-margin"]
            }
            Self::PortalSource { radiation: Radiation::Neutron, .. } => vec!["source-alarms", "background-margin"],
            Self::ScaleZero { .. } => vec!["zero-margin"],
            Self::ScaleMass { .. } => vec!["mass-margin"],
            Self::PhBuffers { .. } => vec!["ph-margin"],
            Self::Reference { unit, .. } => reference_parameter(*unit).into_iter().collect(),
        }
    }
}

/// The parameter that carries the margin of a reference in this unit; `None` where the shipped table has no row.
pub const fn reference_parameter(unit: Unit) -> Option<&'static str> {
    Some(match unit {
        Unit::Kilogram | Unit::Tonne | Unit::Gram => "ref-margin-mass",
        Unit::MicrograyPerHour | Unit::NanograyPerHour => "ref-margin-air-kerma-rate",
        Unit::MicrosievertPerHour => "ref-margin-dose-equivalent-rate",
        Unit::PerSecond => "ref-margin-count-rate",
        Unit::PH => "ref-margin-ph",
        Unit::Celsius => "ref-margin-temperature",
        Unit::Percent | Unit::MilligramPerKilogram | Unit::One => "ref-margin-fraction",
        Unit::Newton | Unit::Kilonewton => "ref-margin-force",
        Unit::KilometrePerHour | Unit::MetrePerSecond => "ref-margin-speed",
        Unit::Kilopascal => "ref-margin-pressure",
        Unit::Millimetre | Unit::Metre => "ref-margin-length",
        Unit::Kiloelectronvolt => "ref-margin-energy",
        Unit::GramPerCubicCentimetre => "ref-margin-density",
        Unit::Absorbance => "ref-margin-absorbance",
        Unit::BecquerelPerKilogram | Unit::BecquerelPerGram => "ref-margin-activity",
        Unit::MegajoulePerKilogram => "ref-margin-calorific-value",
        _ => return None,
    })
}

/// Reads all checks.
pub(super) fn read<'d>(root: &Node<'d>, known_things: &Known<'_, 'd>, places: &mut Places<'d>) -> Vec<Check> {
    let mut checks = Vec::new();
    for node in root.tables("checks") {
        let id = places.name(&node, "check", "\"portal-daily\"");
        let kind = node.need("kind", "\"portal-source\"").and_then(|value| value.word(&KINDS));
        let instrument = node.need("instrument", "\"portal-1\"");
        let instrument = instrument.zip(kind).and_then(|(value, kind)| checked(&value, kind, known_things));
        let every_value = node.need("every", "\"24 h\"");
        let every = every_value.as_ref().and_then(|value| value.duration(hours(1), hours(24 * 366)));
        let grace = node.may("grace").map_or(Some(GRACE), |value| value.duration(ms(0), hours(24 * 366)));
        let time_limit = node.may("time_limit").map_or(Some(TIME_LIMIT), |value| value.duration(ms(10_000), hours(24)));
        let procedure = kind.and_then(|kind| procedure(&node, kind, instrument.as_ref().and_then(|(_, it)| *it)));
        let mut judged = vec![];
        if let Some(procedure) = &procedure {
            let parameters: Vec<String> = procedure.parameters().into_iter().map(str::to_owned).collect();
            if !parameters.is_empty() {
                judged.push(Judge { table: TABLE.to_owned(), parameters, advisory: false });
            }
            if let CheckProcedure::ScaleMass { service: Some(_), .. } = procedure {
                let parameters = vec!["scale-error".to_owned()];
                judged.push(Judge { table: MPE_TABLE.to_owned(), parameters, advisory: false });
            }
        }
        let own = judge(&node, known_things, &["scale-error", "test-load", "reference-error", "ph-error"]);
        // Which keys belong here depends on the kind.
        if kind.is_some() {
            node.finish();
        }
        if let (
            Some(id),
            Some((instrument, _)),
            Some(every),
            Some(grace),
            Some(time_limit),
            Some(procedure),
            Some(own),
        ) = (id, instrument, every, grace, time_limit, procedure, own)
        {
            judged.extend(own);
            let (id, judge) = (id.to_owned(), judged);
            checks.push(Check { id, instrument, every, grace, time_limit, procedure, judge });
        }
    }
    checks
}

/// The instrument, if a check of this kind can be made of it.
fn checked<'k>(
    value: &Value<'_>,
    kind: Kind,
    known_things: &Known<'k, '_>,
) -> Option<(String, Option<&'k Instrument>)> {
    match kind {
        Kind::PortalSource => role(value, "portal", &["rpm_lines"], known_things),
        Kind::ScaleZero | Kind::ScaleMass => role(value, "scale", &SCALES, known_things),
        Kind::PhBuffers => role(value, "pH meter", &PH_METERS, known_things),
        Kind::Reference => {
            let id = super::instruments::known(value, "instrument", known_things.instruments)?;
            Some((id.to_owned(), known_things.instruments.get(id)))
        }
    }
}

fn procedure(node: &Node<'_>, kind: Kind, instrument: Option<&Instrument>) -> Option<CheckProcedure> {
    match kind {
        Kind::PortalSource => {
            let radiation = node.may("radiation").map_or(Some(Radiation::Gamma), |value| {
                value.word(&[("gamma", Radiation::Gamma), ("neutron", Radiation::Neutron)])
            });
            let sigma = node.may("sigma").map_or_else(|| "7".parse().ok(), |value| value.decimal_within("1", "1000"));
            Some(CheckProcedure::PortalSource { radiation: radiation?, sigma: sigma? })
        }
        Kind::ScaleZero => scale_zero(node, instrument),
        Kind::ScaleMass => scale_mass(node, instrument),
        Kind::PhBuffers => {
            let buffers = buffers(node);
            let drift =
                node.may("drift").map_or_else(|| "0.02".parse().ok(), |value| value.decimal_within("0.001", "1"));
            let steady = steady(node);
            Some(CheckProcedure::PhBuffers { buffers: buffers?, drift: drift?, steady: steady? })
        }
        Kind::Reference => reference(node, instrument),
    }
}

fn steady(node: &Node<'_>) -> Option<Duration> {
    node.may("steady").map_or(Some(STEADY), |value| value.duration(ms(1_000), ms(600_000)))
}

/// What class and e of the register say; the check may state a tolerance of its own instead.
fn range(instrument: Option<&Instrument>) -> Option<ScaleRange> {
    instrument?.register.as_ref().and_then(|Register { scale, .. }| *scale)
}

fn scale_zero(node: &Node<'_>, instrument: Option<&Instrument>) -> Option<CheckProcedure> {
    let stated = stated(node);
    let steady = steady(node);
    let (tolerance, unit) = match (stated?, range(instrument)) {
        (Some(stated), _) => stated,
        (None, Some(range)) => (range.e.checked_mul(Decimal::new(5, 1)?)?, range.unit),
        (None, None) => return lacks_tolerance(node, instrument),
    };
    Some(CheckProcedure::ScaleZero { tolerance, unit, steady: steady? })
}

fn scale_mass(node: &Node<'_>, instrument: Option<&Instrument>) -> Option<CheckProcedure> {
    let mass_value = node.need("mass", "\"20000\"");
    let mass = mass_value.as_ref().and_then(|value| value.decimal_within("0.0001", "1000000"));
    let service_value = node.may("mpe");
    let service = service_value.as_ref().map_or(Some(Service::InService), |value| {
        value.word(&[("in-service", Service::InService), ("verification", Service::Verification)])
    });
    let stated = stated(node);
    if let (Some(Some(_)), Some(value)) = (stated, &service_value) {
        value.fault("the check states a tolerance, and one of the class beside it", "one of the two; remove the other");
    }
    let steady = steady(node);
    let (mass, service) = (mass?, service?);
    let (tolerance, unit, service) = match (stated?, range(instrument)) {
        (Some((tolerance, unit)), _) => (tolerance, unit, None),
        (None, Some(range)) => {
            let beyond = mass.cmp_value(range.max).is_gt() || mass.cmp_value(range.min).is_lt();
            if let (true, Some(value)) = (beyond, &mass_value) {
                value.fault(
                    format!("the test mass {mass} is outside Min {} to Max {} {}", range.min, range.max, range.unit),
                    "a test mass within the weighing range, in its unit",
                );
                return None;
            }
            (range.mpe(mass, service.factor())?, range.unit, Some(service))
        }
        (None, None) => return lacks_tolerance(node, instrument),
    };
    Some(CheckProcedure::ScaleMass { mass, tolerance, unit, service, steady: steady? })
}

/// `tolerance` with `unit`, where the check states them itself.
#[allow(clippy::option_option)]
fn stated(node: &Node<'_>) -> Option<Option<(Decimal, Unit)>> {
    let (tolerance, unit) = (node.may("tolerance"), node.may("unit"));
    if tolerance.is_none() && unit.is_none() {
        return Some(None);
    }
    let tolerance = tolerance.or_else(|| node.need("tolerance", "\"20\""))?.decimal_within("0.0000001", "1000000");
    let unit = unit.or_else(|| node.need("unit", "\"kg\""))?.unit_of(&MASS);
    Some(Some((tolerance?, unit?)))
}

fn lacks_tolerance(node: &Node<'_>, instrument: Option<&Instrument>) -> Option<CheckProcedure> {
    let id = instrument?.id.clone();
    node.document().absence(
        node.span(),
        format!("the register of {id:?} has no class and e to take the tolerance from"),
        "tolerance = \"20\" with unit = \"kg\" here, or class, e, min, max and unit under [instruments.register]",
    );
    None
}

fn buffers(node: &Node<'_>) -> Option<Vec<Buffer>> {
    const EXAMPLE: &str = "[{ ph = \"4.01\", tolerance = \"0.05\" }, { ph = \"6.86\", tolerance = \"0.05\" }]";
    let value = node.need("buffers", EXAMPLE)?;
    let nodes = value.tables();
    let mut buffers = Vec::new();
    for inner in &nodes {
        let ph = inner.need("ph", "\"4.01\"").and_then(|value| value.decimal_within("0", "14"));
        let tolerance = inner.need("tolerance", "\"0.05\"").and_then(|value| value.decimal_within("0.001", "1"));
        inner.finish();
        buffers.extend(ph.zip(tolerance).map(|(ph, tolerance)| Buffer { ph, tolerance }));
    }
    if nodes.is_empty() || nodes.len() > MOST_BUFFERS {
        value.fault(
            format!("{} buffers stand here, and a check has 1 to {MOST_BUFFERS}", nodes.len()),
            value.assign(EXAMPLE),
        );
        return None;
    }
    (buffers.len() == nodes.len()).then_some(buffers)
}

fn reference(node: &Node<'_>, instrument: Option<&Instrument>) -> Option<CheckProcedure> {
    let name = node.need("channel", "\"dose-rate\"").and_then(|value| channel(&value, instrument));
    let value = node.need("value", "\"0.50\"").and_then(|value| value.decimal());
    let tolerance = node.need("tolerance", "\"0.10\"").and_then(|value| value.decimal_within("0", "1000000"));
    let unit_value = node.need("unit", "\"uGy/h\"");
    let unit = unit_value.as_ref().and_then(Value::unit);
    let readings = node.may("readings").map_or(Some(10), |value| value.integer(1_u16, 1_000));
    let (unit, name) = (unit?, name?);
    let place = unit_value?;
    if reference_parameter(unit).is_none() && node.may("judge").is_none() {
        place.fault(
            format!("the table {TABLE:?} has no row for a reference in {unit}"),
            "another unit, or [[checks.judge]] with a table of your own for `reference-error`",
        );
        return None;
    }
    if let Some(Instrument { protocol: Protocol::Registers { profile, .. }, .. }) = instrument
        && let Some(shown) = profile.channel(&name).map(|it| it.unit)
        && shown != unit
    {
        place.fault(
            format!("the reference is in {unit}, and the channel {name:?} is in {shown}"),
            place.assign(format!("\"{shown}\"")),
        );
        return None;
    }
    Some(CheckProcedure::Reference { channel: name, value: value?, tolerance: tolerance?, unit, readings: readings? })
}
