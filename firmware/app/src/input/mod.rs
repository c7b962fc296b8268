//! Codes, counts and characters to the five channels.
//!
//! Each input takes what its sensor said and when, and gives a state and a value in whole units of its channel. All
//! arithmetic is exact until the one rounding at its end, which goes to the nearest and from the middle away from
//! zero. What is out of range, silent or broken has a state and no value.
//!
//! Not here: registers, time of day, and which peripheral a number came from.

mod exact;
pub mod extremes;
pub mod load_cell;
pub mod loop_current;
pub mod pulses;
pub mod serial_scale;
pub mod temperature;

use tidewaiter_node::block::{CHANNELS, Channel, Sample, State};

use extremes::Extremes;
use load_cell::LoadCell;
use loop_current::{LoopCurrent, LoopScale};
use pulses::{Counted, Pulses};
use serial_scale::{Codec, SerialScale};
use temperature::Temperature;

use crate::{instant::since, store::Parameters};

pub(crate) use exact::known_answer;
pub use exact::quotient;

/// Silence of a sampled sensor after which its value is stale, µs.
pub const STALE_US: u64 = 3_000_000;
/// Silence after which the sensor counts as broken, µs.
pub const BROKEN_US: u64 = 15_000_000;

/// How long a sensor has been silent, in the words of a channel: `Good` while it speaks.
fn silence(last: u64, now: u64) -> State {
    match u64::from(since(now, last)) {
        ..STALE_US => State::Good,
        STALE_US..BROKEN_US => State::Stale,
        _ => State::Fault,
    }
}

/// A sample that ages: what was good turns stale, and is given up in the end.
fn aged(sample: Sample, last: u64, now: u64) -> Sample {
    match silence(last, now) {
        State::Stale if sample.state.has_value() => Sample { state: State::Stale, ..sample },
        State::Fault => Sample::missing(State::Fault),
        _ => sample,
    }
}

/// The sample of a sensor that is there, by when it spoke last. One that never spoke has not since the start.
fn aged_since(shown: Sample, last: Option<u64>, now: u64) -> Sample {
    let (shown, last) = last.map_or((Sample::missing(State::WarmingUp), 0), |last| (shown, last));
    aged(shown, last, now)
}

/// All inputs of a node.
#[derive(Debug)]
pub struct Inputs {
    /// Fitted inputs, a bit for each channel; none without parameters.
    fitted: u16,
    warm_until: u64,
    load_cell: LoadCell,
    pulses: Pulses,
    current: LoopCurrent,
    temperature: Temperature,
    scale: SerialScale,
    /// Least and greatest values since they were last read.
    pub extremes: Extremes,
}

impl Inputs {
    /// Inputs without parameters: they measure nothing.
    pub fn new() -> Self {
        Self {
            fitted: 0,
            warm_until: 0,
            load_cell: LoadCell::new(),
            pulses: Pulses::new(1000, 0),
            current: LoopCurrent::new(),
            temperature: Temperature::new(0),
            scale: SerialScale::new(Codec::None),
            extremes: Extremes::new(),
        }
    }

    /// Takes parameters into force; the inputs start over, the extremes too. The warm-up counts from `started`.
    pub fn configure(&mut self, parameters: &Parameters, started: u64) {
        // Part by part: a second set of inputs would have to stand on the stack.
        self.fitted = parameters.fitted();
        self.warm_until = started.saturating_add(u64::from(parameters.warm_up_s()).saturating_mul(1_000_000));
        self.load_cell.configure(self.is_fitted(Channel::Mass).then_some(*parameters));
        self.pulses = Pulses::new(parameters.count_interval_ms(), parameters.dead_time_ns());
        let scale = LoopScale { at_4_ma: parameters.loop_4ma(), at_20_ma: parameters.loop_20ma() };
        self.current = LoopCurrent::new();
        self.current.configure(self.is_fitted(Channel::Current).then_some(scale));
        self.temperature = Temperature::new(parameters.temperature_correction());
        // A number of a codec that is not known here is no codec: the channel says that nothing is there.
        self.scale = SerialScale::new(Codec::from_word(parameters.codec()).unwrap_or(Codec::None));
        self.extremes = Extremes::new();
    }

    /// One conversion of the load cell.
    pub fn load_cell(&mut self, at: u64, code: i32) {
        self.load_cell.push(at, code);
        self.took(Channel::Mass, at);
    }

    /// The count of the pulse counter.
    pub fn pulses(&mut self, at: u64, total: u32) {
        if self.pulses.push(at, total) {
            self.took(Channel::Counts, at);
        }
    }

    /// One conversion of the loop's current; `None`: the converter does not answer.
    pub fn loop_current(&mut self, at: u64, code: Option<i16>) {
        self.current.push(at, code);
        self.took(Channel::Current, at);
    }

    /// A temperature in 1/16 °C; `None`: the sensor does not answer.
    pub fn temperature(&mut self, at: u64, sixteenths: Option<i16>) {
        self.temperature.push(at, sixteenths);
        self.took(Channel::Temperature, at);
    }

    /// A byte of the serial scale.
    pub fn scale_byte(&mut self, at: u64, byte: u8) {
        if self.scale.push(at, byte) {
            self.took(Channel::SerialMass, at);
        }
    }

    /// The channels now, in the order of the block.
    pub fn samples(&self, now: u64) -> [Sample; CHANNELS] {
        Channel::ALL.map(|channel| self.sample(channel, now))
    }

    /// Whether the load moves.
    pub fn in_motion(&self, now: u64) -> bool {
        self.sample(Channel::Mass, now).state == State::Unstable
    }

    /// Whether the load cell warms up.
    pub fn warming_up(&self, now: u64) -> bool {
        self.is_fitted(Channel::Mass) && now < self.warm_until
    }

    /// The last whole interval of the pulse counter.
    pub fn counted(&self) -> Counted {
        self.pulses.counted()
    }

    /// A channel now.
    // Out of line: it is asked for everywhere.
    #[inline(never)]
    fn sample(&self, channel: Channel, now: u64) -> Sample {
        let sample = match channel {
            _ if !self.is_fitted(channel) => Sample::missing(State::NotPresent),
            Channel::Mass => self.load_cell.sample(now),
            Channel::Counts => self.pulses.sample(now),
            Channel::Current => self.current.sample(now),
            Channel::Temperature => self.temperature.sample(now),
            Channel::SerialMass => self.scale.sample(now),
        };
        let hidden = channel == Channel::Mass && self.warming_up(now) && sample.state.has_value();
        if hidden { Sample::missing(State::WarmingUp) } else { sample }
    }

    #[inline(never)]
    fn took(&mut self, channel: Channel, at: u64) {
        self.extremes.take(channel, self.sample(channel, at));
    }

    fn is_fitted(&self, channel: Channel) -> bool {
        self.fitted >> (channel as u8) & 1 == 1
    }
}

impl Default for Inputs {
    fn default() -> Self {
        Self::new()
    }
}
