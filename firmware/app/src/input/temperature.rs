//! Sixteenths of a degree, as I²C sensors give them, to hundredths.

use tidewaiter_node::block::{Sample, State};

use super::{aged, exact::nearest_small};

/// Below this no such sensor measures, 1/16 °C.
const LEAST: i16 = -55 * 16;
/// Above this no such sensor measures, 1/16 °C.
const MOST: i16 = 128 * 16;

/// A temperature sensor and what it said last.
#[derive(Clone, Copy, Debug)]
pub struct Temperature {
    correction: i16,
    last: Option<u64>,
    shown: Sample,
}

impl Temperature {
    /// A sensor that has said nothing, and what to add to what it says, 0.01 °C.
    pub fn new(correction: i16) -> Self {
        Self { correction, last: None, shown: Sample::missing(State::NotPresent) }
    }

    /// Takes a temperature; `None`: the sensor does not answer.
    pub fn push(&mut self, at: u64, sixteenths: Option<i16>) {
        self.last = Some(at);
        self.shown = match sixteenths {
            None => Sample::missing(State::Fault),
            Some(..LEAST) => Sample::missing(State::Underrange),
            Some(MOST..) => Sample::missing(State::Overrange),
            Some(sixteenths) => {
                // A sixteenth is 6.25 hundredths.
                let value = nearest_small(i32::from(sixteenths).wrapping_mul(25), 4);
                let value = value.and_then(|it| it.checked_add(i32::from(self.correction)));
                value.map_or(Sample::missing(State::Fault), |value| Sample { state: State::Good, value })
            }
        };
    }

    /// The temperature now.
    pub fn sample(&self, now: u64) -> Sample {
        self.last.map_or(Sample::missing(State::NotPresent), |last| aged(self.shown, last, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteenths_become_hundredths() {
        let good = |value| Sample { state: State::Good, value };
        let rows = [
            (Some(344), good(2150)),
            (Some(-84), good(-525)),
            (Some(1), good(6)),
            (Some(2), good(13)),
            (Some(-2), good(-13)),
            (Some(2047), good(12_794)),
            (Some(2048), Sample::missing(State::Overrange)),
            (Some(-880), good(-5500)),
            (Some(-881), Sample::missing(State::Underrange)),
            (None, Sample::missing(State::Fault)),
        ];
        for (sixteenths, expected) in rows {
            let mut temperature = Temperature::new(0);
            assert_eq!(temperature.sample(0), Sample::missing(State::NotPresent));
            temperature.push(5, sixteenths);
            assert_eq!(temperature.sample(5), expected, "{sixteenths:?}");
        }
        let mut temperature = Temperature::new(-12);
        temperature.push(0, Some(344));
        assert_eq!(temperature.sample(0), good(2138));
    }
}
