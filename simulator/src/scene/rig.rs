//! Benches of a laboratory: what lies on them and when, what is true of it, and who does what.
//!
//! A bench is one rig of the agent with its own instruments. The scene writes the truth once, at the
//! sample; each instrument of the bench shows the part of it that it can measure, in its own way.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidewaiter_drivers::{Decimal, Unit, lab::fastness::Grade};

use super::{SceneError, Span, value};

/// One bench: its instruments, what it measures, and the samples that come.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rig {
    /// Rig id of the exported site file.
    pub id: String,
    /// Procedure of the exported site file.
    pub procedure: String,
    /// What begins and ends an inspection.
    #[serde(default)]
    pub trigger: Trigger,
    /// Longest time from opening to completion.
    #[serde(default = "time_limit")]
    pub time_limit: Span,
    /// From laying a sample on to its first value: mounting, running up.
    #[serde(default = "mount")]
    pub mount: Span,
    /// How long a sample is measured.
    #[serde(default = "lasts")]
    pub lasts: Span,
    /// How long an end state stands before the bench is idle again.
    #[serde(default = "mount")]
    pub dismount: Span,
    /// Each replicate waits for the operator's `next`, for the exported site file.
    #[serde(default)]
    pub on_next: bool,
    /// How long readings are left out after a start or a `next`, for the exported site file.
    pub settle: Option<Span>,
    /// The instruments.
    #[serde(default, rename = "instrument")]
    pub instruments: Vec<BenchInstrument>,
    /// What is measured.
    #[serde(rename = "quantity")]
    pub quantities: Vec<Quantity>,
    /// Which tables judge it.
    #[serde(default, rename = "judge")]
    pub judge: Vec<Judged>,
    /// The samples in order.
    #[serde(default, rename = "sample")]
    pub samples: Vec<Sample>,
}

const fn time_limit() -> Span {
    Span::from_ms(600_000)
}
const fn mount() -> Span {
    Span::from_ms(2_000)
}
const fn lasts() -> Span {
    Span::from_ms(20_000)
}

/// What begins and ends an inspection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// An operator starts and stops.
    #[default]
    Operator,
    /// A statement of an instrument is a sample.
    Record,
    /// The bench's own state register.
    State,
}

impl Trigger {
    /// The word of the site file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Record => "record",
            Self::State => "state",
        }
    }
}

/// One instrument of a bench.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchInstrument {
    /// Instrument id.
    pub id: String,
    /// What it speaks.
    pub speaks: Speech,
    /// Register or line profile, where it speaks one.
    pub profile: Option<String>,
    /// TCP port; 0 picks one.
    #[serde(default)]
    pub port: u16,
    /// Unit id it answers to; Modbus.
    #[serde(default = "first_unit")]
    pub unit_id: u8,
    /// Poll interval of the exported site file, and the period of an instrument that speaks by itself.
    #[serde(default = "poll")]
    pub poll: Span,
    /// Timeout of the exported site file.
    #[serde(default = "timeout")]
    pub timeout: Span,
    /// Standard deviation of an indication, share of the value.
    #[serde(default)]
    pub noise: f64,
    /// Time in which the indication covers 63 % of a step from one sample to the next.
    #[serde(default)]
    pub response: Span,
    /// What its state register holds.
    #[serde(default)]
    pub states: States,
    /// What channels show while no sample is measured, and those that are no quantity of the bench show always:
    /// the natural background, the flow on the belt.
    #[serde(default)]
    pub held: BTreeMap<String, Number>,
    /// What the bench is brought to for a run, and is at rest without one: speed, load.
    #[serde(default)]
    pub driven: BTreeMap<String, Number>,
}

const fn first_unit() -> u8 {
    1
}
const fn poll() -> Span {
    Span::from_ms(1_000)
}
const fn timeout() -> Span {
    Span::from_ms(500)
}

/// What an instrument of a bench speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speech {
    /// Modbus TCP, laid out by a register profile.
    Registers,
    /// Lines, laid out by a line profile with a template.
    Line,
    /// Uster HVI records.
    UsterHvi,
    /// Colour fastness grades, a line each.
    GradeLines,
    /// Printed lines of a photometer.
    PhotometerPrints,
    /// Lines of a moisture analyser, printed when the sample is dry.
    MoistureMa,
    /// Records of a Horiba pH meter, printed when the value is held.
    Laqua,
    /// Kromek D5 identifier: answers the question for radiometrics.
    KromekD5,
}

impl Speech {
    /// The key of the site file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Registers => "registers",
            Self::Line => "line",
            Self::UsterHvi => "uster_hvi",
            Self::GradeLines => "grade_lines",
            Self::PhotometerPrints => "photometer_prints",
            Self::MoistureMa => "moisture_ma",
            Self::Laqua => "laqua",
            Self::KromekD5 => "kromek_d5",
        }
    }
}

/// Codes of a state register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct States {
    /// Nothing lies on it.
    pub idle: u16,
    /// Being mounted or brought up.
    pub mounting: u16,
    /// Measuring.
    pub running: u16,
    /// Finished well.
    pub complete: u16,
    /// Finished because the sample failed.
    pub failed: u16,
}

impl Default for States {
    fn default() -> Self {
        Self { idle: 0, mounting: 1, running: 3, complete: 5, failed: 6 }
    }
}

/// One quantity of a bench, as the exported site file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// As limit rows name it.
    pub parameter: String,
    /// Instrument that measures it; without one the operator types it.
    pub instrument: Option<String>,
    /// Channel of that instrument.
    pub channel: Option<String>,
    /// UCUM unit of the values in the scene.
    #[serde(deserialize_with = "unit")]
    pub unit: Unit,
    /// `dry` or `as-received`.
    pub basis: Option<String>,
    /// How many values make the result.
    #[serde(default = "once")]
    pub replicates: u8,
    /// Which of several values is the result.
    #[serde(default)]
    pub take: Take,
    /// Without it the inspection is incomplete.
    #[serde(default = "yes")]
    pub required: bool,
    /// Readings of the empty bench whose mean is its background, for the exported site file.
    pub background: Option<u16>,
}

const fn once() -> u8 {
    1
}
const fn yes() -> bool {
    true
}

/// Which of several values is the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// Their mean.
    #[default]
    Mean,
    /// The greatest.
    Greatest,
    /// The least.
    Least,
    /// Each by itself.
    Each,
    /// The last.
    Last,
}

impl Take {
    /// The word of the site file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Greatest => "greatest",
            Self::Least => "least",
            Self::Each => "each",
            Self::Last => "last",
        }
    }
}

/// Parameters of one table that are judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Limit table id.
    pub table: String,
    /// Parameters of it.
    pub parameters: Vec<String>,
}

/// One sample as it really is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Sample number, lot or barcode.
    pub sample: String,
    /// When it is laid on; without it the sample never comes to an instrument.
    pub at: Option<Span>,
    /// How long it is measured; the bench's time where left out.
    pub lasts: Option<Span>,
    /// What is declared about it; without it nothing is.
    pub declared: Option<BTreeMap<String, String>>,
    /// True values by parameter, one or several, in the unit of the quantity. A quantity left out is not measured.
    #[serde(default)]
    pub values: BTreeMap<String, Numbers>,
    /// How its run ends.
    #[serde(default)]
    pub ends: Ending,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Finished well.
    #[default]
    Complete,
    /// The sample failed.
    Failed,
    /// Somebody stopped the bench.
    Stopped,
}

/// A decimal text, or a fastness grade such as `3-4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub Decimal);

/// One value, or those of the replicates in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers(pub Vec<Decimal>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Several(Vec<String>),
        }
        let texts = match Written::deserialize(deserializer)? {
            Written::One(text) => vec![text],
            Written::Several(texts) => texts,
        };
        texts.iter().map(|it| number(it)).collect::<Result<_, _>>().map(Self).map_err(serde::de::Error::custom)
    }
}

fn number(text: &str) -> Result<Decimal, String> {
    let grade = || text.contains(['-', '/']).then(|| Grade::parse(text)).flatten().map(Grade::decimal);
    text.parse().ok().or_else(grade).ok_or_else(|| format!("{text:?} is neither a decimal nor a grade such as 3-4"))
}

fn unit<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Unit, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// Something a person does, at the agent and not at the bench.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorAction {
    /// When.
    pub at: Span,
    /// Rig or lane it is done at.
    pub place: String,
    /// What is done.
    pub action: Act,
    /// Sample number; `start`.
    pub sample: Option<String>,
    /// What is typed in; `enter`.
    pub parameter: Option<String>,
    /// Its value as typed; `enter`.
    pub value: Option<String>,
    /// Its UCUM unit; `enter`.
    pub unit: Option<String>,
    /// Who does it.
    #[serde(default = "somebody")]
    pub operator: String,
    /// The run is a drill; `start`.
    #[serde(default)]
    pub drill: bool,
}

fn somebody() -> String {
    "Li Na".to_owned()
}

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Begins a sample.
    Start,
    /// Types a value.
    Enter,
    /// Goes on to the next replicate.
    Next,
    /// Ends the run.
    Stop,
    /// Switches the place to drill.
    DrillOn,
    /// Switches it back.
    DrillOff,
}

impl Rig {
    /// The quantity of this parameter.
    pub fn quantity(&self, parameter: &str) -> Option<&Quantity> {
        self.quantities.iter().find(|it| it.parameter == parameter)
    }

    /// The instrument whose state begins and ends a run.
    pub fn state_instrument(&self) -> Option<&BenchInstrument> {
        let registers = self.instruments.iter().find(|it| it.speaks == Speech::Registers);
        registers.filter(|_| self.trigger == Trigger::State)
    }

    pub(super) fn check(&self) -> Result<(), SceneError> {
        if self.trigger == Trigger::State && self.state_instrument().is_none() {
            return Err(value("rig.trigger", &"state", "give the rig an instrument with registers"));
        }
        let instrument = |id: &str| self.instruments.iter().find(|it| it.id == id);
        for it in &self.quantities {
            match (&it.instrument, &it.channel) {
                (Some(id), Some(_)) if instrument(id).is_some() => {}
                (Some(id), Some(_)) => {
                    let known: Vec<&str> = self.instruments.iter().map(|it| it.id.as_str()).collect();
                    return Err(value(
                        "rig.quantity.instrument",
                        id,
                        &format!("instruments of this rig are {}", known.join(", ")),
                    ));
                }
                (None, None) => {}
                _ => {
                    return Err(value("rig.quantity", &it.parameter, "write both instrument and channel, or neither"));
                }
            }
            if it.replicates == 0 {
                return Err(value("rig.quantity.replicates", &0, "write 1 or more"));
            }
            if it.basis.as_deref().is_some_and(|it| tidewaiter_config::limits::Basis::from_word(it).is_none()) {
                return Err(value("rig.quantity.basis", &it.parameter, "write dry or as-received"));
            }
        }
        for it in &self.instruments {
            let needs = matches!(it.speaks, Speech::Registers | Speech::Line);
            if needs != it.profile.is_some() {
                let remedy = if needs { "name its profile" } else { "only registers and line have a profile" };
                return Err(value("rig.instrument", &it.id, remedy));
            }
            if it.poll.ms() == 0 {
                return Err(value("rig.instrument.poll", &it.poll, "write at least 1 ms"));
            }
        }
        for it in &self.samples {
            if it.sample.is_empty() || it.sample.len() > 20 || !it.sample.is_ascii() {
                return Err(value("rig.sample", &it.sample, "write 1 to 20 ASCII characters"));
            }
            if let Some((parameter, _)) = it.values.iter().find(|(name, _)| self.quantity(name).is_none()) {
                let known: Vec<&str> = self.quantities.iter().map(|it| it.parameter.as_str()).collect();
                return Err(value(
                    "rig.sample.values",
                    parameter,
                    &format!("quantities of this rig are {}", known.join(", ")),
                ));
            }
            if it.values.values().any(|it| it.0.is_empty()) {
                return Err(value("rig.sample.values", &it.sample, "write at least one value, or leave it out"));
            }
        }
        self.check_times()
    }

    /// One sample at a time lies on a bench.
    fn check_times(&self) -> Result<(), SceneError> {
        let mut turns: Vec<(i64, i64, &str)> = self.samples.iter().filter_map(|it| self.turn(it)).collect();
        turns.sort_unstable();
        for pair in turns.windows(2) {
            if let [(_, end, first), (begin, _, second)] = pair
                && begin < end
            {
                let remedy = format!("{first} lies there until {}; come later", Span::from_ms(*end));
                return Err(value("rig.sample.at", second, &remedy));
            }
        }
        Ok(())
    }

    /// When a sample comes onto the bench and leaves it, and its name.
    fn turn<'a>(&self, sample: &'a Sample) -> Option<(i64, i64, &'a str)> {
        let at = sample.at?.ms();
        let end = at + self.mount.ms() + sample.lasts.unwrap_or(self.lasts).ms() + self.dismount.ms();
        Some((at, end, &sample.sample))
    }
}

impl OperatorAction {
    pub(super) fn check(&self, places: &[&str]) -> Result<(), SceneError> {
        if !places.contains(&self.place.as_str()) {
            return Err(value(
                "operator.place",
                &self.place,
                &format!("places of this scene are {}", places.join(", ")),
            ));
        }
        let enters = self.parameter.is_some() && self.value.is_some();
        match self.action {
            Act::Start if self.sample.is_none() => Err(value("operator.action", &"start", "name the sample")),
            Act::Enter if !enters => Err(value("operator.action", &"enter", "write parameter and value")),
            _ => Ok(()),
        }
    }
}
