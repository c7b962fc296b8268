//! Chance that can be asked again: each draw is a function of seed, purpose and index.
//!
//! There is no running generator whose state depends on who asked first. Two clients of one portal
//! see the same counts, and a client that connects late sees what it would have seen anyway.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a draw is for; each purpose has its own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A generated lorry.
    Lorry = 1,
    /// How late a lorry arrives.
    Jitter,
    /// Gamma counts of an interval.
    Gamma,
    /// Gamma background lines.
    GammaBackground,
    /// Neutron counts of a second.
    Neutron,
    /// Neutron background lines.
    NeutronBackground,
    /// Noise of the weighbridge.
    Scale,
    /// Rolling of a lorry on the platform.
    Rolling,
    /// Noise of the dose-rate monitor.
    Dose,
    /// Noise of the pH meter.
    Ph,
    /// Noise of the drum.
    Drum,
    /// Plate reader.
    Plate,
    /// A generated week.
    Week = 0x40,
    /// Wire faults; the fault's place in the scene is added.
    Wire = 0x100,
    /// Noise of a bench; instrument and channel are added.
    Bench = 0x1000,
}

/// The one source of chance of a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    seed: u64,
}

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The draws for one purpose and index, always the same ones.
    pub(crate) fn draw(self, purpose: Purpose, index: i64) -> Draw {
        self.numbered(purpose, 0, index)
    }

    /// As [`Self::draw`] with a number within the purpose.
    pub(crate) fn numbered(self, purpose: Purpose, number: u16, index: i64) -> Draw {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // Purpose in the upper 16 bits of ChaCha's stream number, index below: no two draws share a stream.
        let high = (purpose as u64).wrapping_add(u64::from(number)) << 48;
        rng.set_stream(high | (index.cast_unsigned() & 0xFFFF_FFFF_FFFF));
        Draw(rng)
    }
}

/// Successive draws for one purpose and index.
pub(crate) struct Draw(ChaCha8Rng);

/// Above this mean e^-mean would leave the range of a double; the sum of two Poisson variates is one.
const POISSON_PART: f64 = 500.0;

impl Draw {
    /// Uniform in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// True with this probability.
    pub(crate) fn hits(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    /// Uniform in `[low, high)`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// One of `n` cases, `0..n`.
    pub(crate) fn one_of(&mut self, n: usize) -> usize {
        self.0.random_range(0..n.max(1))
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (core::f64::consts::TAU * self.unit()).cos()
    }

    /// A Poisson count of this mean, exact for every mean.
    pub(crate) fn poisson(&mut self, mean: f64) -> i64 {
        let mut left = mean.max(0.0);
        let mut total = 0;
        while left > 0.0 {
            let part = left.min(POISSON_PART);
            total += self.poisson_part(part);
            left -= part;
        }
        total
    }

    /// Sequential inversion of the distribution function.
    fn poisson_part(&mut self, mean: f64) -> i64 {
        let mut below = self.unit();
        let mut mass = (-mean).exp();
        let mut count = 0;
        // Far in the tail the mass underflows; there the count is as rare as the seed space is large.
        while below >= mass && mass > 0.0 {
            below -= mass;
            count += 1;
            mass *= mean / super::rounding::real(count);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::rounding::real;

    #[test]
    fn the_same_question_gets_the_same_answer() {
        let chance = Chance::new(7);
        let ask = |purpose, index| chance.draw(purpose, index).poisson(45.0);
        assert_eq!(ask(Purpose::Gamma, -3), ask(Purpose::Gamma, -3));
        let series =
            |seed| (0..64).map(|i| Chance::new(seed).draw(Purpose::Gamma, i).poisson(45.0)).collect::<Vec<_>>();
        assert_eq!(series(7), series(7));
        assert_ne!(series(7), series(8));
        assert_ne!(series(7), (0..64).map(|i| chance.draw(Purpose::Neutron, i).poisson(45.0)).collect::<Vec<_>>());
    }

    #[test]
    fn poisson_has_mean_and_variance_of_its_rate() {
        for mean in [0.4, 4.0, 46.0, 1_700.0] {
            let n = 4_000;
            let counts: Vec<f64> =
                (0..n).map(|i| real(Chance::new(11).draw(Purpose::Gamma, i).poisson(mean))).collect();
            let average = counts.iter().sum::<f64>() / real(n);
            let variance = counts.iter().map(|it| (it - average).powi(2)).sum::<f64>() / real(n - 1);
            // Five standard errors of the mean; of the variance about 5·√(2/n) of itself.
            assert!((average - mean).abs() < 5.0 * (mean / real(n)).sqrt(), "mean {average} for {mean}");
            assert!(
                (variance / mean - 1.0).abs() < 5.0 * (2.0 / real(n)).sqrt() + 0.1 / mean.max(1.0),
                "variance {variance} for {mean}"
            );
        }
    }
}
