//! `[instruments.register]`: what the register of instruments says of one, and whether that holds together.
//!
//! Class, Max, Min and e are those of the type plate and the certificate. What OIML R 76-1:2006 (the same in JJG 539 and
//! Directive 2014/31/EU) says of them is checked here: e is 1, 2 or 5 times a power of ten, n = Max / e lies within the
//! class, Min is not below so many e. The maximum permissible errors by class stand here too, because a test mass is
//! checked against them. Not here: what an expired certificate does to a reading; the agent knows the date.

use std::time::Duration;

use jiff::civil::Date;
use tidewaiter_drivers::{Decimal, Unit};

use super::{
    Protocol, Site,
    instruments::{MASS, hours},
};
use crate::{
    limits::ratio,
    reader::{self, Node, Value},
    report::{Finding, Severity},
};

/// Days before the last day of validity on which the warnings begin, unless the file says so.
const DUE_DAYS: u64 = 30;

const CONTROLS: [(&str, Control); 2] =
    [("compulsory-verification", Control::CompulsoryVerification), ("calibration", Control::Calibration)];

/// What the register says of one instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// How the law has it controlled.
    pub control: Control,
    /// Accuracy class as on the type plate: `I` to `IIII` for a scale, free text for others.
    pub class: Option<String>,
    /// Weighing range of a scale.
    pub scale: Option<ScaleRange>,
    /// Number of the model approval (CPA).
    pub model_approval: Option<String>,
    /// Number of the certificate.
    pub certificate: Option<String>,
    /// Body that issued it.
    pub issued_by: Option<String>,
    /// Day of verification or calibration.
    pub verified_on: Option<Date>,
    /// Last day on which the certificate holds.
    pub valid_until: Option<Date>,
    /// Days before the last one on which warnings begin.
    pub due_days: i64,
    /// Stated uncertainties.
    pub uncertainties: Vec<Uncertainty>,
}

/// How an instrument is controlled (SAMR notice 2020 No. 42: catalogue of compulsory verification, or calibration).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// 强制检定: it may not be used after the certificate has run out.
    CompulsoryVerification,
    /// 校准: the user decides the period.
    Calibration,
}

/// Accuracy classes of non-automatic weighing instruments (OIML R 76-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleClass {
    /// Special.
    I,
    /// High.
    II,
    /// Medium.
    III,
    /// Ordinary.
    IIII,
}

/// What a scale weighs, in one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleRange {
    /// Class.
    pub class: ScaleClass,
    /// Verification scale interval e.
    pub e: Decimal,
    /// Least load, Min.
    pub min: Decimal,
    /// Greatest load, Max.
    pub max: Decimal,
    /// Unit of the three.
    pub unit: Unit,
}

/// An expanded uncertainty (k = 2) of one parameter or channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncertainty {
    /// What it is of.
    pub of: Measurand,
    /// How much.
    pub expanded: Expanded,
}

/// What an uncertainty is stated for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measurand {
    /// A parameter as limit rows name it.
    Parameter(String),
    /// A channel of the instrument.
    Channel(String),
}

/// An expanded uncertainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expanded {
    /// So much, whatever the value.
    Absolute(Decimal, Unit),
    /// So many per cent of the value.
    Percent(Decimal),
}

impl Control {
    /// The spelling of the site file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::CompulsoryVerification => "compulsory-verification",
            Self::Calibration => "calibration",
        }
    }
}

impl ScaleClass {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::I, Self::II, Self::III, Self::IIII];

    /// As on the type plate.
    pub const fn word(self) -> &'static str {
        match self {
            Self::I => "I",
            Self::II => "II",
            Self::III => "III",
            Self::IIII => "IIII",
        }
    }

    /// Loads, in e, up to which the error may be 0.5 e and 1 e; above the second it may be 1.5 e.
    ///
    /// OIML R 76-1:2006 table 6, as in Directive 2014/31/EU and JJG 539; confirmed by two public copies.
    const fn steps(self) -> (i64, i64) {
        match self {
            Self::I => (50_000, 200_000),
            Self::II => (5_000, 20_000),
            Self::III => (500, 2_000),
            Self::IIII => (50, 200),
        }
    }

    /// Most scale intervals n = Max / e, where the class bounds them.
    const fn most_intervals(self) -> Option<i64> {
        match self {
            Self::I => None,
            Self::II => Some(100_000),
            Self::III => Some(10_000),
            Self::IIII => Some(1_000),
        }
    }

    /// Fewest scale intervals, and the least load in e; `e_g` is e in grams. Only III and IIII are confirmed by two
    /// public copies.
    fn least(self, e_g: Decimal) -> Option<(i64, i64)> {
        let coarse = e_g.cmp_value(Decimal::whole(5)).is_ge();
        match self {
            Self::III => Some((if coarse { 500 } else { 100 }, 20)),
            Self::IIII => Some((100, 10)),
            Self::I | Self::II => None,
        }
    }
}

impl ScaleRange {
    /// The maximum permissible error at `load`, which is in the range's unit: at verification times `factor`, which is
    /// 2 in service. `None` when it does not fit exact arithmetic.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidewaiter_config::site::{ScaleClass, ScaleRange};
    /// use tidewaiter_drivers::{Decimal, Unit};
    /// let whole = Decimal::whole;
    /// let bridge =
    ///     ScaleRange { class: ScaleClass::III, e: whole(20), min: whole(400), max: whole(80_000), unit: Unit::Kilogram };
    /// assert_eq!(bridge.mpe(whole(10_000), 1).unwrap().to_string(), "10.0");
    /// assert_eq!(bridge.mpe(whole(10_001), 2).unwrap().to_string(), "40.0");
    /// ```
    pub fn mpe(&self, load: Decimal, factor: i64) -> Option<Decimal> {
        let (half, one) = self.class.steps();
        let upto = |intervals: i64| self.e.checked_mul(Decimal::whole(intervals));
        let load = load.abs();
        let tenths = if load.cmp_value(upto(half)?).is_le() {
            5
        } else if load.cmp_value(upto(one)?).is_le() {
            10
        } else {
            15
        };
        self.e.checked_mul(Decimal::new(tenths, 1)?)?.checked_mul(Decimal::whole(factor))
    }
}

/// Reads the register table of an instrument with this protocol.
pub(super) fn read(value: &Value<'_>, protocol: Option<&Protocol>) -> Option<Register> {
    let node = value.table()?;
    let control = node.need("control", "\"compulsory-verification\"").and_then(|value| value.word(&CONTROLS));
    let class_value = node.may("class");
    let class = class_value.as_ref().map_or(Some(None), |value| value.text().map(|it| Some(it.trim().to_owned())));
    let scale = scale(&node, class_value.as_ref(), class.as_ref().and_then(|it| it.as_deref()));
    let text = |key| node.may(key).map_or(Some(None), |value: Value<'_>| value.text().map(|it| Some(it.to_owned())));
    let model_approval = text("model_approval");
    let certificate = text("certificate");
    let issued_by = text("issued_by");
    let verified_on = node.may("verified_on").map_or(Some(None), |value| value.date().map(Some));
    let until_value = node.may("valid_until");
    let valid_until = until_value.as_ref().map_or(Some(None), |value| value.date().map(Some));
    let due = node.may("due").map_or(Some(hours(24 * DUE_DAYS)), |value| value.duration(hours(24), hours(24 * 366)));
    let uncertainties = uncertainties(&node, protocol);
    node.finish();
    if let (Some(Some(verified)), Some(Some(until)), Some(value)) = (verified_on, valid_until, &until_value)
        && until <= verified
    {
        value.fault(
            format!("the certificate holds until {until} and was issued on {verified}, which is not before it"),
            value.assign("2027-02-28  # the last day on which it holds"),
        );
        return None;
    }
    Some(Register {
        control: control?,
        class: class?,
        scale: scale?,
        model_approval: model_approval?,
        certificate: certificate?,
        issued_by: issued_by?,
        verified_on: verified_on?,
        valid_until: valid_until?,
        due_days: i64::try_from(due?.as_secs().div_ceil(86_400)).ok()?,
        uncertainties: uncertainties?,
    })
}

/// Class, e, Min and Max of a scale; `Some(None)` for an instrument that is none.
#[allow(clippy::option_option)]
fn scale<'d>(node: &Node<'d>, class_value: Option<&Value<'d>>, class: Option<&str>) -> Option<Option<ScaleRange>> {
    let [e, min, max, unit] = ["e", "min", "max", "unit"].map(|key| node.may(key));
    if [&e, &min, &max, &unit].into_iter().all(Option::is_none) {
        return Some(None);
    }
    let positive = |value: Option<Value<'d>>, key: &'static str, example: &str| {
        let value = value.or_else(|| node.need(key, example))?;
        Some((value.decimal_within("0.0000001", "1000000")?, value))
    };
    let e = positive(e, "e", "\"20\"");
    let min = positive(min, "min", "\"400\"");
    let max = positive(max, "max", "\"80000\"");
    let unit = unit.or_else(|| node.need("unit", "\"kg\"")).and_then(|value| value.unit_of(&MASS));
    let Some(class_value) = class_value else {
        node.need("class", "\"III\"");
        return None;
    };
    let class = class?;
    let Some(found) = ScaleClass::ALL.into_iter().find(|it| it.word() == class) else {
        class_value.fault(
            format!("the class is {class:?}; a scale with e, Min and Max is of class I, II, III or IIII"),
            class_value.assign("\"III\""),
        );
        return None;
    };
    let ((e, e_value), (min, min_value), (max, max_value)) = (e?, min?, max?);
    let range = ScaleRange { class: found, e, min, max, unit: unit? };
    (interval(e, &e_value, &range) && span(&range, &min_value, &max_value)).then_some(Some(range))
}

/// Whether e is one, and of a size the class has.
fn interval(e: Decimal, value: &Value<'_>, range: &ScaleRange) -> bool {
    if !is_one_two_five(e) {
        value.fault(
            format!("e is {e}; it is 1, 2 or 5 times a power of ten (OIML R 76-1, 4.2.2.1)"),
            value.assign("\"20\""),
        );
        return false;
    }
    let least = match range.class {
        ScaleClass::III => Decimal::new(1, 1),
        ScaleClass::IIII => Some(Decimal::whole(5)),
        ScaleClass::I | ScaleClass::II => None,
    };
    if let (Some(least), Some(grams)) = (least, in_grams(e, range.unit))
        && grams.cmp_value(least).is_lt()
    {
        value.fault(
            format!("e is {e} {}, and class {} begins at {least} g", range.unit, range.class.word()),
            "the class and e of the type plate",
        );
        return false;
    }
    true
}

/// Whether Min and Max go with e and the class.
fn span(range: &ScaleRange, min_value: &Value<'_>, max_value: &Value<'_>) -> bool {
    let class = range.class.word();
    let intervals = |n: i64| range.e.checked_mul(Decimal::whole(n));
    let mut sound = true;
    let least = in_grams(range.e, range.unit).and_then(|grams| range.class.least(grams));
    let fewest = least.map(|(fewest, _)| fewest);
    let too_many = range.class.most_intervals().and_then(intervals).filter(|most| range.max.cmp_value(*most).is_gt());
    let too_few = fewest.and_then(intervals).filter(|least| range.max.cmp_value(*least).is_lt());
    if let Some(bound) = too_many.or(too_few) {
        let side = if too_many.is_some() { "more" } else { "less" };
        max_value.fault(
            format!(
                "Max is {} {unit}, {side} than class {class} allows with e = {}: {bound} {unit} (n = Max / e, OIML R 76-1 table 3)",
                range.max,
                range.e,
                unit = range.unit
            ),
            "the class, e and Max of the type plate",
        );
        sound = false;
    }
    if let Some((_, times)) = least
        && let Some(bound) = intervals(times)
        && range.min.cmp_value(bound).is_lt()
    {
        min_value.fault(
            format!(
                "Min is {}, below {times} e = {bound} {} of class {class} (OIML R 76-1 table 3)",
                range.min, range.unit
            ),
            min_value.assign(format!("\"{bound}\"")),
        );
        sound = false;
    }
    if range.min.cmp_value(range.max).is_ge() {
        min_value.fault(
            format!("Min is {}, and Max is {}", range.min, range.max),
            "the least and the greatest load of the type plate",
        );
        sound = false;
    }
    sound
}

fn in_grams(value: Decimal, unit: Unit) -> Option<Decimal> {
    match unit {
        Unit::Gram => Some(value),
        Unit::Kilogram => value.scaled(3),
        Unit::Tonne => value.scaled(6),
        _ => None,
    }
}

/// 1, 2 or 5 times a power of ten.
fn is_one_two_five(value: Decimal) -> bool {
    let mut digits = value.digits();
    while digits % 10 == 0 && digits != 0 {
        digits /= 10;
    }
    matches!(digits, 1 | 2 | 5)
}

fn uncertainties(node: &Node<'_>, protocol: Option<&Protocol>) -> Option<Vec<Uncertainty>> {
    let nodes = node.tables("uncertainty");
    let mut read: Vec<Uncertainty> = Vec::new();
    for inner in &nodes {
        let of = inner.one_of(&["parameter", "channel"], "parameter = \"gross-mass\"");
        let of = of.and_then(|(key, value)| {
            let name = value.text()?.to_owned();
            let of = if key == "parameter" {
                Measurand::Parameter(name)
            } else {
                Measurand::Channel(known_channel(&value, &name, protocol)?)
            };
            if read.iter().any(|it| it.of == of) {
                value.fault(format!("a second uncertainty of {:?}", value.text()?), "one of the two; remove the other");
                return None;
            }
            Some(of)
        });
        let expanded = inner.one_of(&["u", "percent"], "u = \"20\" with unit = \"kg\", or percent = \"15\"");
        let expanded = expanded.and_then(|(key, value)| {
            if key == "percent" {
                return Some(Expanded::Percent(value.decimal_within("0.0001", "1000")?));
            }
            let u = value.decimal_within("0.000000001", "1000000000")?;
            let unit_value = inner.need("unit", "\"kg\"");
            let unit = unit_value.as_ref().and_then(Value::unit)?;
            if let (Some(Measurand::Channel(channel)), Some(place)) = (&of, &unit_value) {
                fits_channel(place, channel, unit, protocol);
            }
            Some(Expanded::Absolute(u, unit))
        });
        inner.finish();
        read.extend(of.zip(expanded).map(|(of, expanded)| Uncertainty { of, expanded }));
    }
    (read.len() == nodes.len()).then_some(read)
}

fn known_channel(value: &Value<'_>, name: &str, protocol: Option<&Protocol>) -> Option<String> {
    if let Some(channels) = protocol.and_then(channels)
        && !channels.contains(&name)
    {
        let way_out = reader::nearest(name, channels.iter().copied()).map_or_else(
            || format!("one of {}", reader::list(channels.iter().copied())),
            |meant| value.assign(format!("\"{meant}\"")),
        );
        value.dangling(format!("the instrument has no channel {name:?}"), way_out);
        return None;
    }
    Some(name.to_owned())
}

/// A mass is stated in a unit of mass, a dose rate in one of dose rate.
fn fits_channel(place: &Value<'_>, channel: &str, unit: Unit, protocol: Option<&Protocol>) {
    let Some(Protocol::Registers { profile, .. }) = protocol else { return };
    let Some(shown) = profile.channel(channel).map(|it| it.unit) else { return };
    if ratio(unit, shown).is_none() {
        place.fault(
            format!("the uncertainty of {channel:?} is in {unit}, and the channel is in {shown}"),
            place.assign(format!("\"{shown}\"")),
        );
    }
}

/// Channels a protocol is known to have; `None` when it has whatever comes.
pub(super) fn channels(protocol: &Protocol) -> Option<Vec<&str>> {
    match protocol {
        Protocol::Xk3190Tf0 { .. } => Some(vec!["mass"]),
        Protocol::PhStream => Some(vec!["ph", "temperature"]),
        Protocol::RpmLines { .. } | Protocol::PlateLines { .. } => None,
        Protocol::Stream { codec, .. } => Some(codec.channels()),
        Protocol::Line { profile, .. } => Some(profile.channel_names()),
        Protocol::Registers { profile, .. } => Some(profile.channels.iter().map(|it| it.name.as_str()).collect()),
    }
}

/// Reports every instrument that judges and that the law wants verified, when its register entry names no last day.
pub(super) fn check_use<'v, 'd: 'v>(site: &Site, places: impl Iterator<Item = (&'v str, &'v Value<'d>)>) {
    for (id, value) in places {
        let Some(register) = site.instrument(id).and_then(|it| it.register.as_ref()) else { continue };
        let compulsory = register.control == Control::CompulsoryVerification;
        if compulsory && register.valid_until.is_none() && site.places_judging_by(id).next().is_some() {
            value.fault(
                format!(
                    "{id:?} is under compulsory verification and judges, and its register entry has no `valid_until`"
                ),
                "valid_until = 2027-02-28  # the last day of its certificate, under [instruments.register]",
            );
        }
    }
}

/// Warns of each instrument that serves a lane or a rig and has no register entry: nothing is known of its
/// verification, and its values are judged as if it held.
pub fn unregistered(site: &Site) -> Vec<Finding> {
    site.instruments
        .iter()
        .filter(|it| it.register.is_none())
        .filter_map(|it| Some((it, site.places_judging_by(&it.id).next()?)))
        .map(|(it, place)| Finding {
            severity: Severity::Warning,
            file: it.id.clone(),
            line: 0,
            column: 0,
            span: 0..0,
            what: format!("the instrument serves {place:?} and has no register entry: its verification is not watched"),
            way_out: "[instruments.register] with control, certificate and valid_until".to_owned(),
        })
        .collect()
}

impl Register {
    /// Days from `date` to the last day of validity: 0 on that day, negative after it.
    pub fn days_left(&self, date: Date) -> Option<i64> {
        let until = self.valid_until?;
        Some(i64::from(date.until(until).ok()?.get_days()))
    }

    /// The span before the last day in which warnings are given.
    pub fn due(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.due_days).unwrap_or(0) * 86_400)
    }
}
