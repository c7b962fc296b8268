//! Registers of one poll into readings, by the instrument's profile. Pure.
//!
//! Order of judgement: no registers, then the instrument's own "no value" pattern, then decoding,
//! then the instrument's own warming-up and fault bits, then plausibility, then a heartbeat that
//! has stopped. Whatever comes first decides.

use tidewaiter_config::profile::{RegisterChannel, RegisterProfile};
use tidewaiter_drivers::{
    Decimal, Unit,
    modbus::register::{self, Encoding, RegisterError},
    reading::{Doubt, Flaw, Indication, Missing, Moment, Outcome, Quality, Reading},
};
use tidewaiter_node::{block::Block, map::status};

use crate::acquire::{Mark, channel};

/// What is known of one channel after a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// When its answer was complete, or was given up.
    pub(super) at: Moment,
    /// Its registers as on the wire, or why there are none.
    pub(super) words: Result<Vec<u16>, Missing>,
}

/// What a poll says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) readings: Vec<Reading>,
    pub(super) marks: Vec<Mark>,
}

/// The profile of one instrument, with what must be remembered from poll to poll.
#[derive(Debug)]
pub(super) struct Interpreter {
    profile: RegisterProfile,
    memory: Vec<Memory>,
}

#[derive(Clone, Debug, Default)]
struct Memory {
    /// Registers of a heartbeat, and for how many polls they have stood.
    heartbeat: Option<(Vec<u16>, u32)>,
    /// The text last reported.
    text: Option<String>,
}

impl Interpreter {
    pub(super) fn new(profile: RegisterProfile) -> Self {
        let memory = vec![Memory::default(); profile.channels.len()];
        Self { profile, memory }
    }

    pub(super) const fn profile(&self) -> &RegisterProfile {
        &self.profile
    }

    pub(super) const fn channels(&self) -> usize {
        self.profile.channels.len()
    }

    /// Starts over after the port was lost: who answers now may be another instrument.
    pub(super) fn forget(&mut self) {
        self.memory.fill(Memory::default());
    }

    /// Reads one poll. A channel without an entry was never asked for and counts as timed out.
    pub(super) fn interpret(&mut self, taken: &[Option<Taken>], at: Moment) -> Said {
        let mut said = Said { readings: Vec::new(), marks: Vec::new() };
        let mut held_back = None;
        let mut stopped = false;
        let mut values = Vec::new();
        for (index, spec) in self.profile.channels.iter().enumerate() {
            let (at, words) = match taken.get(index) {
                Some(Some(taken)) => (taken.at, taken.words.as_deref().map_err(|reason| *reason)),
                _ => (at, Err(Missing::TimedOut)),
            };
            let Some(memory) = self.memory.get_mut(index) else { continue };
            if let (Some(most), Ok(words)) = (spec.heartbeat_polls, words) {
                stopped |= memory.stands(words, most);
            }
            let outcome = match (spec.encoding, words) {
                (Encoding::Ascii(_), Ok(words)) => match register::ascii(words) {
                    Ok(text) => {
                        said.marks.extend(memory.new_text(&text));
                        continue;
                    }
                    Err(_) => Err(Missing::Refused),
                },
                (_, Ok(words)) => decode(spec, words),
                (_, Err(reason)) => Err(reason),
            };
            let is_status = matches!(spec.encoding, Encoding::Bit(_));
            if is_status
                && let Ok(Indication { value, .. }) = outcome
                && value.digits() != 0
            {
                held_back = stricter(held_back, &spec.name);
            }
            values.push(!is_status);
            said.readings.push(Reading { channel: channel::name(&spec.name), at, outcome });
        }
        for (reading, is_value) in said.readings.iter_mut().zip(values) {
            if let (true, Some(reason), Ok(_)) = (is_value, held_back, reading.outcome) {
                reading.outcome = Err(reason);
            }
            if let (true, Ok(indication)) = (stopped, &mut reading.outcome)
                && indication.quality == Quality::Good
            {
                indication.quality = Quality::Uncertain(Doubt::Stale);
            }
        }
        said
    }
}

impl Interpreter {
    /// Reads one poll of an instrument that seals its block. `block` is what came of it; none where none came.
    ///
    /// That what is measured is simulated is told whether or not the profile has a channel for it.
    pub(super) fn interpret_sealed(
        &self,
        taken: &[Option<Taken>],
        block: Option<Result<Block, Missing>>,
        at: Moment,
    ) -> Said {
        let mut readings = Vec::new();
        for (index, spec) in self.profile.channels.iter().enumerate() {
            let (at, asked) = match taken.get(index) {
                Some(Some(taken)) => (taken.at, taken.words.as_ref().map(|_| ()).map_err(|reason| *reason)),
                _ => (at, Err(Missing::TimedOut)),
            };
            let outcome = asked.and_then(|()| {
                let field = spec.field.ok_or(Missing::Refused)?;
                let indication = field.of(&block.unwrap_or(Err(Missing::Refused))?)?;
                Ok(match (within(spec, indication.value), indication.quality) {
                    (false, Quality::Good | Quality::Uncertain(_)) => {
                        Indication { quality: Quality::Bad(Flaw::Implausible), ..indication }
                    }
                    _ => indication,
                })
            });
            readings.push(Reading { channel: channel::name(&spec.name), at, outcome });
        }
        if let Some(Ok(block)) = block
            && block.status & status::SIMULATED != 0
            && !readings.iter().any(|it| it.channel == channel::SIMULATED && it.outcome.is_ok())
        {
            let value = Indication { value: Decimal::whole(1), unit: Unit::One, quality: Quality::Good };
            readings.push(Reading { channel: channel::name(channel::SIMULATED), at, outcome: Ok(value) });
        }
        Said { readings, marks: Vec::new() }
    }
}

impl Memory {
    /// Whether the heartbeat has now stood for `most` polls or more after it was first seen.
    fn stands(&mut self, words: &[u16], most: u16) -> bool {
        let stood = match &self.heartbeat {
            Some((last, stood)) if last == words => stood.saturating_add(1),
            _ => 0,
        };
        self.heartbeat = Some((words.to_vec(), stood));
        stood >= u32::from(most)
    }

    /// The text, when it has changed and says something.
    fn new_text(&mut self, text: &str) -> Option<Mark> {
        let text = text.trim();
        if self.text.as_deref() == Some(text) {
            return None;
        }
        self.text = Some(text.to_owned());
        (!text.is_empty()).then(|| Mark { kind: "sample", text: text.to_owned(), confidence: None })
    }
}

/// The value of one channel, its plausibility judged.
fn decode(spec: &RegisterChannel, words: &[u16]) -> Outcome {
    if spec.sentinels.iter().any(|sentinel| sentinel == words) {
        return Err(Missing::NotPresent);
    }
    let value = if spec.table.is_bits() {
        // A bit table answers 0 or 1, whatever bit of a register the profile would name.
        Decimal::whole(i64::from(words.first().is_some_and(|&bit| bit != 0)))
    } else {
        register::decode(&spec.encoding, words, spec.scale, spec.places).map_err(|error| match error {
            // Instruments write NaN or infinity where they have no value.
            RegisterError::NotFinite => Missing::InstrumentFault(0),
            _ => Missing::Refused,
        })?
    };
    let quality = if within(spec, value) { Quality::Good } else { Quality::Bad(Flaw::Implausible) };
    Ok(Indication { value, unit: spec.unit, quality })
}

fn within(spec: &RegisterChannel, value: Decimal) -> bool {
    spec.plausible.is_none_or(|(least, most)| value.cmp_value(least).is_ge() && value.cmp_value(most).is_le())
}

/// The reason that status channel `name` gives for holding values back; a fault outweighs warming up.
fn stricter(so_far: Option<Missing>, name: &str) -> Option<Missing> {
    match name {
        // A single bit carries no code of its own.
        channel::FAULT => Some(Missing::InstrumentFault(0)),
        channel::WARMING_UP => so_far.or(Some(Missing::WarmingUp)),
        _ => so_far,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use tidewaiter_drivers::modbus::register::{Table, WordOrder};

    use super::*;
    use crate::acquire::{
        modbus::tests::{channel, profile},
        tests::d,
    };

    const AT: Moment = Moment { mono_ms: 5, wall_ms: 6 };

    fn taken(words: &[u16]) -> Taken {
        Taken { at: AT, words: Ok(words.to_vec()) }
    }

    fn all<const N: usize>(taken: [Taken; N]) -> [Option<Taken>; N] {
        taken.map(Some)
    }

    fn show(said: &Said) -> Vec<String> {
        let one = |reading: &Reading| match reading.outcome {
            Ok(it) => format!("{}={} {}", reading.channel, it.value, it.quality.word()),
            Err(reason) => format!("{}={reason}", reading.channel),
        };
        said.readings.iter().map(one).collect()
    }

    /// The channels of a tyre drum, and registers that stand for: running, no alarm, 14 400 s,
    /// 120.0 km/h, 5145.0 N, heartbeat 417, a barcode.
    #[test]
    fn a_tyre_drum_reads_as_it_stands() {
        let f32 = Encoding::F32(WordOrder::Abcd);
        let mut channels = vec![
            channel("state", Table::Input, 0, Encoding::U16),
            channel("tyre-failure", Table::Input, 1, Encoding::Bit(4)),
            channel("elapsed", Table::Input, 4, Encoding::U32(WordOrder::Abcd)),
            channel("speed", Table::Input, 8, f32),
            channel("load", Table::Input, 10, f32),
            channel("heartbeat", Table::Input, 21, Encoding::U16),
            channel("barcode", Table::Input, 30, Encoding::Ascii(4)),
        ];
        for speed in &mut channels[3..=4] {
            speed.places = Some(1);
            speed.unit = Unit::Newton;
        }
        let mut interpreter = Interpreter::new(profile(channels));
        let poll = all([
            &[3][..],
            &[0],
            &[0x0000, 0x3840],
            &[0x42F0, 0x0000],
            &[0x45A0, 0xC800],
            &[0x01A1],
            &[0x5459, 0x2D37, 0x0000, 0x4141],
        ]
        .map(taken));
        let said = interpreter.interpret(&poll, AT);
        assert_eq!(
            show(&said),
            [
                "state=3 good",
                "tyre-failure=0 good",
                "elapsed=14400 good",
                "speed=120.0 good",
                "load=5145.0 good",
                "heartbeat=417 good",
            ]
        );
        assert_eq!(said.marks, [Mark { kind: "sample", text: "TY-7".into(), confidence: None }]);
        assert_eq!(interpreter.interpret(&poll, AT).marks, [], "told once");
        interpreter.forget();
        assert_eq!(interpreter.interpret(&poll, AT).marks.len(), 1, "told again after the port was lost");
    }

    fn check(spec: RegisterChannel, words: &[u16], expected: &str) {
        let said = Interpreter::new(profile(vec![spec])).interpret(&all([taken(words)]), AT);
        assert_eq!(show(&said), [expected], "{words:04x?}");
    }

    #[test]
    fn sentinels_and_not_a_number_are_missing_and_the_absurd_is_bad() {
        let mut spec = channel("t", Table::Holding, 0, Encoding::I16);
        (spec.scale, spec.sentinels) = (-1, vec![vec![0x8000], vec![0x7FFF]]);
        spec.plausible = Some((d("-40"), d("85.0")));
        check(spec.clone(), &[0x8000], "t=not-present");
        check(spec.clone(), &[0x7FFF], "t=not-present");
        check(spec.clone(), &[0xFE70], "t=-40.0 good");
        check(spec.clone(), &[0xFE6F], "t=-40.1 implausible");
        check(spec.clone(), &[850], "t=85.0 good");
        check(spec, &[851], "t=85.1 implausible");
        let float = channel("f", Table::Holding, 0, Encoding::F32(WordOrder::Cdab));
        check(float.clone(), &[0x0000, 0x7FC0], "f=instrument-fault(0)");
        check(float, &[0x0000, 0x7F80], "f=instrument-fault(0)");
        check(channel("c", Table::Coil, 9, Encoding::Bit(5)), &[1], "c=1 good");
        check(channel("x", Table::Input, 0, Encoding::Ascii(1)), &[0x8081], "x=refused");
    }

    #[test]
    fn warming_up_and_fault_hold_values_back_but_not_themselves() {
        let channels = vec![
            channel("warming-up", Table::Input, 0, Encoding::Bit(0)),
            channel("fault", Table::Input, 0, Encoding::Bit(1)),
            channel("rate", Table::Input, 1, Encoding::U16),
        ];
        let mut interpreter = Interpreter::new(profile(channels));
        let mut check = |status: u16, expected: [&str; 3]| {
            let poll = all([taken(&[status]), taken(&[status]), taken(&[7])]);
            assert_eq!(show(&interpreter.interpret(&poll, AT)), expected);
        };
        check(0, ["warming-up=0 good", "fault=0 good", "rate=7 good"]);
        check(1, ["warming-up=1 good", "fault=0 good", "rate=warming-up"]);
        check(2, ["warming-up=0 good", "fault=1 good", "rate=instrument-fault(0)"]);
        check(3, ["warming-up=1 good", "fault=1 good", "rate=instrument-fault(0)"]);
        // A value that is missing anyway keeps its own reason.
        let poll = all([taken(&[1]), taken(&[1]), Taken { at: AT, words: Err(Missing::Exception(4)) }]);
        assert_eq!(show(&interpreter.interpret(&poll, AT))[2], "rate=exception(4)");
        assert_eq!(show(&interpreter.interpret(&[], AT))[2], "rate=timed-out");
    }

    #[test]
    fn a_heartbeat_that_stops_makes_everything_stale() {
        let mut beat = channel("beat", Table::Input, 0, Encoding::U16);
        beat.heartbeat_polls = Some(2);
        let mut interpreter = Interpreter::new(profile(vec![beat, channel("v", Table::Input, 1, Encoding::U16)]));
        let mut check = |beat: u16, expected: &str| {
            let said = interpreter.interpret(&all([taken(&[beat]), taken(&[7])]), AT);
            assert_eq!(show(&said)[1], expected, "beat {beat}");
        };
        for (beat, expected) in
            [(1, "good"), (1, "good"), (1, "stale"), (1, "stale"), (2, "good"), (2, "good"), (2, "stale")]
        {
            check(beat, &format!("v=7 {expected}"));
        }
    }
}
