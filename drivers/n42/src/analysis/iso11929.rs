//! Characteristic limits of ISO 11929-1:2019 for a counting measurement.
//!
//! The measurand is `y = w·(R_g − R_0)`: gross minus background count rate, times a calibration factor `w` with its
//! relative standard uncertainty. With `ỹ` for a true value,
//!
//! ```text
//! u²(y)  = w²·(R_g/t_g + R_0/t_0) + y²·u²_rel(w)
//! ũ²(ỹ) = w²·((ỹ/w + R_0)/t_g + R_0/t_0) + ỹ²·u²_rel(w)
//! y*     = k_α·ũ(0)                     decision threshold
//! y#     = y* + k_β·ũ(y#)               detection limit, the larger solution of a quadratic equation
//! ```
//!
//! Where `1 − k_β²·u²_rel(w) ≤ 0` there is no detection limit: the factor is so uncertain that no amount would surely
//! be detected, and the procedure is unsuitable. The best estimate and the limits of the coverage interval take into
//! account that the measurand is not negative.

use super::{normal, real};

/// A gross and a background measurement, and what makes of counts an amount.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counting {
    /// Gross counts.
    pub gross: u64,
    /// Time of the gross measurement in seconds.
    pub gross_time: f64,
    /// Background counts.
    pub background: u64,
    /// Time of the background measurement in seconds.
    pub background_time: f64,
    /// The factor from net count rate to the measurand.
    pub factor: f64,
    /// Its relative standard uncertainty.
    pub factor_uncertainty: f64,
    /// Quantile for the error of the first kind.
    pub k_alpha: f64,
    /// Quantile for the error of the second kind.
    pub k_beta: f64,
}

/// What the standard asks to be reported. The unit is that of the factor times counts per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CharacteristicLimits {
    /// The primary result, which may be negative.
    pub value: f64,
    /// Its standard uncertainty.
    pub uncertainty: f64,
    /// Decision threshold.
    pub threshold: f64,
    /// Detection limit; `None` when the procedure is unsuitable.
    pub detection: Option<f64>,
    /// Best estimate.
    pub best: f64,
    /// Standard uncertainty of the best estimate.
    pub best_uncertainty: f64,
    /// Lower end of the probabilistically symmetric coverage interval of 95 %.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Why there are no limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// A time or factor not above 0, or something negative or no number.
    #[error("{0} must be a finite number above 0")]
    Argument(&'static str),
    /// No background counts: its uncertainty is unknown, and a threshold of 0 would detect anything.
    #[error("no background counts; measure the background longer")]
    NoBackground,
}

/// Probability outside the coverage interval.
const GAMMA: f64 = 0.05;

/// The least `1 − k_β²·u²_rel(w)` that is told from 0: below it a limit would be a million thresholds, and its digits
/// those of rounding.
const LEAST_SQUARE: f64 = 1e-6;

/// Computes the characteristic limits.
///
/// # Errors
///
/// Arguments that are no measurement.
pub fn characteristic_limits(counting: &Counting) -> Result<CharacteristicLimits, LimitsError> {
    for (value, name) in [
        (counting.gross_time, "time of the gross measurement"),
        (counting.background_time, "time of the background measurement"),
        (counting.factor, "factor"),
        (counting.k_alpha, "k_alpha"),
        (counting.k_beta, "k_beta"),
    ] {
        if !(value.is_finite() && value > 0.0) {
            return Err(LimitsError::Argument(name));
        }
    }
    if !(counting.factor_uncertainty.is_finite() && counting.factor_uncertainty >= 0.0) {
        return Err(LimitsError::Argument("uncertainty of the factor"));
    }
    if counting.background == 0 {
        return Err(LimitsError::NoBackground);
    }
    let &Counting { gross_time, background_time, factor, k_alpha, k_beta, .. } = counting;
    let relative = counting.factor_uncertainty.powi(2);
    let gross_rate = real(counting.gross) / gross_time;
    let background_rate = real(counting.background) / background_time;
    let value = factor * (gross_rate - background_rate);
    let variance =
        factor.powi(2) * (gross_rate / gross_time + background_rate / background_time) + value.powi(2) * relative;
    let uncertainty = variance.sqrt();
    let at_zero = factor.powi(2) * background_rate * (1.0 / gross_time + 1.0 / background_time);
    let threshold = k_alpha * at_zero.sqrt();

    // (1 − k²u²)·y#² − (2y* + k²w/t_g)·y# + y*² − k²ũ²(0) = 0
    let square = 1.0 - k_beta.powi(2) * relative;
    let linear = 2.0 * threshold + k_beta.powi(2) * factor / gross_time;
    let constant = threshold.powi(2) - k_beta.powi(2) * at_zero;
    let discriminant = linear.powi(2) - 4.0 * square * constant;
    let detection = (square > LEAST_SQUARE && discriminant >= 0.0)
        .then(|| (linear + discriminant.sqrt()) / (2.0 * square))
        .filter(|limit| *limit >= threshold);

    let Estimate { best, best_uncertainty, low, high } = estimate(value, uncertainty);
    Ok(CharacteristicLimits { value, uncertainty, threshold, detection, best, best_uncertainty, low, high })
}

/// What is known about a measurand that cannot be negative.
struct Estimate {
    best: f64,
    best_uncertainty: f64,
    low: f64,
    high: f64,
}

/// Best estimate and coverage interval from the primary result.
fn estimate(value: f64, uncertainty: f64) -> Estimate {
    let ratio = value / uncertainty;
    let omega = normal::probability(ratio);
    let best = value + uncertainty * normal::hazard(ratio);
    let best_uncertainty = (uncertainty.powi(2) - (best - value) * best).max(0.0).sqrt();
    // y◁ = y − k_p·u with p = ω·(1 − γ/2), y▷ = y + k_q·u with q = 1 − ω·γ/2. k_q is −k of ω·γ/2, which keeps its
    // digits when ω is small.
    let low = (value - normal::quantile(omega * (1.0 - GAMMA / 2.0)) * uncertainty).max(0.0);
    let high = value - normal::quantile(omega * GAMMA / 2.0) * uncertainty;
    Estimate { best, best_uncertainty, low, high }
}

impl CharacteristicLimits {
    /// Whether the measurand was detected: its value lies above the decision threshold.
    pub fn is_detected(&self) -> bool {
        self.value > self.threshold
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Example 1a of ISO 11929:2010, section D.1: alpha activity concentration of a liquid, in Bq/L. The expected
    /// results are those the program `UncertRadio` publishes for it.
    fn example() -> Counting {
        let (volume, efficiency, absorption) = (0.5_f64, 0.3_f64, 0.6_f64);
        let relative = (0.005 / volume).powi(2) + (0.015 / efficiency).powi(2) + (0.115_470_054 / absorption).powi(2);
        Counting {
            gross: 2591,
            gross_time: 360.0,
            background: 41_782,
            background_time: 7200.0,
            factor: 1.0 / (volume * efficiency * absorption),
            factor_uncertainty: relative.sqrt(),
            k_alpha: 1.645,
            k_beta: 1.645,
        }
    }

    #[test]
    fn the_example_of_the_standard() {
        let limits = characteristic_limits(&example()).unwrap();
        for (found, expected) in [
            (limits.value, 15.4907),
            (limits.uncertainty, 3.475_50),
            (limits.threshold, 2.377_91),
            (limits.detection.unwrap(), 5.420_76),
            (limits.best, 15.4908),
            (limits.best_uncertainty, 3.475_35),
            (limits.low, 8.679_12),
            (limits.high, 22.3026),
        ] {
            assert!((found / expected - 1.0).abs() < 1e-5, "{found} {expected}");
        }
        assert!(limits.is_detected());
    }

    #[test]
    fn the_detection_limit_solves_its_equation() {
        for (k_alpha, k_beta, u) in [(1.645, 1.645, 0.2), (3.0, 1.645, 0.1), (1.645, 3.0, 0.3), (1.645, 1.645, 0.0)] {
            let counting = Counting { k_alpha, k_beta, factor_uncertainty: u, ..example() };
            let limits = characteristic_limits(&counting).unwrap();
            let y = limits.detection.unwrap();
            let background = 41_782.0 / 7200.0;
            let w = counting.factor;
            let variance = w * w * ((y / w + background) / 360.0 + background / 7200.0) + (y * u).powi(2);
            assert!((y - limits.threshold - k_beta * variance.sqrt()).abs() < 1e-9 * y);
        }
    }

    #[test]
    fn too_uncertain_a_factor_is_unsuitable() {
        // 1 − 1.645²·0.61² < 0 < 1 − 1.645²·0.60²
        let at = |factor_uncertainty| characteristic_limits(&Counting { factor_uncertainty, ..example() }).unwrap();
        assert!(at(0.60).detection.is_some());
        assert_eq!(at(0.61).detection, None);
        assert_eq!(at(1.0 / 1.645).detection, None);
    }

    #[test]
    fn near_zero_the_best_estimate_stays_positive() {
        // Published by the same program for four other procedures.
        for (value, uncertainty, best, best_uncertainty, low, high) in [
            (0.054_847_1, 0.027_249_1, 0.056_313_4, 0.025_689_4, 0.009_079_03, 0.108_514),
            (0.445_633, 0.224_159, 0.458_325, 0.210_785, 0.072_100_1, 0.887_243),
            (64.0, 27.1868, 64.6854, 26.3588, 14.4026, 117.394),
            (15.5556, 4.792_25, 15.5654, 4.776_22, 6.209_26, 24.9494),
        ] {
            let found = estimate(value, uncertainty);
            for (found, expected) in
                [(found.best, best), (found.best_uncertainty, best_uncertainty), (found.low, low), (found.high, high)]
            {
                assert!((found / expected - 1.0).abs() < 2e-5, "{found} {expected}");
            }
        }
        let none = Counting { gross: 100, gross_time: 100.0, background: 1_000, background_time: 100.0, ..example() };
        let limits = characteristic_limits(&none).unwrap();
        assert!(limits.value < 0.0 && limits.best > 0.0 && limits.low >= 0.0 && limits.high > limits.best);
        assert!(!limits.is_detected());
    }

    #[test]
    fn refuses_what_is_no_measurement() {
        let with = |change: fn(&mut Counting)| {
            let mut counting = example();
            change(&mut counting);
            characteristic_limits(&counting)
        };
        assert_eq!(with(|it| it.background = 0), Err(LimitsError::NoBackground));
        assert_eq!(with(|it| it.gross_time = 0.0), Err(LimitsError::Argument("time of the gross measurement")));
        assert_eq!(with(|it| it.factor = f64::NAN), Err(LimitsError::Argument("factor")));
        assert_eq!(with(|it| it.factor_uncertainty = -0.1), Err(LimitsError::Argument("uncertainty of the factor")));
        assert!(with(|it| it.gross = 0).is_ok());
    }
}
