//! An energy scale made from lines of known energy.

/// Where a line of known energy was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Its position in channels, 0.0 being the lower edge of channel 0.
    pub position: f64,
    /// Its energy in kiloelectronvolt.
    pub energy: f64,
}

/// The polynomial to be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Degree {
    /// `c0 + c1·c`; two pairs at least.
    Linear,
    /// `c0 + c1·c + c2·c²`; three pairs at least.
    Quadratic,
}

/// How far a fitted scale may miss a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// By so many kiloelectronvolt; 2 is usual for semiconductors.
    Absolute(f64),
    /// By this fraction of its energy; 0.01 is usual for scintillators.
    Relative(f64),
}

/// A fitted scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Coefficients as documents and [`EnergyScale::polynomial`](super::scale::EnergyScale::polynomial) take them.
    pub coefficients: [f64; 3],
    /// Fitted minus known energy, for each pair in the order given.
    pub residuals: Vec<f64>,
}

/// Why no scale was fitted, or the fitted one was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// Too few pairs, or too many at one position.
    #[error("{found} pairs at different positions, {needed} at least are needed")]
    Pairs {
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A position or energy that is no number.
    #[error("a position or energy is not a finite number")]
    NotFinite,
    /// A line missed by more than the tolerance.
    #[error("the line at {energy} keV is missed by {residual:.2} keV, more than allowed; check its position")]
    Residual {
        /// The line.
        energy: f64,
        /// By how much it is missed.
        residual: f64,
    },
}

/// Fits a polynomial through pairs by least squares, all with the same weight.
///
/// # Errors
///
/// Too few pairs for the degree, or values that are no numbers.
pub fn fit(pairs: &[Pair], degree: Degree) -> Result<Fit, CalibrationError> {
    if pairs.iter().any(|pair| !pair.position.is_finite() || !pair.energy.is_finite()) {
        return Err(CalibrationError::NotFinite);
    }
    let mut positions: Vec<f64> = pairs.iter().map(|pair| pair.position).collect();
    positions.sort_by(f64::total_cmp);
    positions.dedup();
    let needed = if degree == Degree::Linear { 2 } else { 3 };
    if positions.len() < needed {
        return Err(CalibrationError::Pairs { found: positions.len(), needed });
    }
    // Polynomials orthogonal over the positions: 1, x - mean, and a quadratic free of both. Each coefficient is then a
    // quotient of two sums, and large channel numbers do not spoil the digits.
    let count: f64 = pairs.iter().map(|_| 1.0).sum();
    let over = |term: &dyn Fn(&Pair) -> f64| pairs.iter().map(term).sum::<f64>();
    let mean = over(&|pair| pair.position) / count;
    let first = |pair: &Pair| pair.position - mean;
    let square = over(&|pair| first(pair).powi(2));
    let a0 = over(&|pair| pair.energy) / count;
    let a1 = over(&|pair| pair.energy * first(pair)) / square;
    let (skew, spread) = (over(&|pair| first(pair).powi(3)) / square, square / count);
    let second = |pair: &Pair| first(pair).powi(2) - skew * first(pair) - spread;
    let a2 = match degree {
        Degree::Linear => 0.0,
        Degree::Quadratic => over(&|pair| pair.energy * second(pair)) / over(&|pair| second(pair).powi(2)),
    };
    // Back to powers of the position.
    let (b1, b2) = (a1 - a2 * skew, a2);
    let coefficients = [a0 - a2 * spread - b1 * mean + b2 * mean * mean, b1 - 2.0 * b2 * mean, b2];
    let [c0, c1, c2] = coefficients;
    let residuals = pairs.iter().map(|pair| c0 + pair.position * (c1 + pair.position * c2) - pair.energy).collect();
    Ok(Fit { coefficients, residuals })
}

impl Fit {
    /// Accepts the scale when every line is met.
    ///
    /// # Errors
    ///
    /// The line that is missed most.
    pub fn within(self, pairs: &[Pair], tolerance: Tolerance) -> Result<Self, CalibrationError> {
        let missed = pairs.iter().zip(&self.residuals).filter(|(pair, residual)| {
            let allowed = match tolerance {
                Tolerance::Absolute(allowed) => allowed,
                Tolerance::Relative(fraction) => fraction * pair.energy,
            };
            residual.abs() > allowed
        });
        match missed.max_by(|left, right| left.1.abs().total_cmp(&right.1.abs())) {
            Some((pair, &residual)) => Err(CalibrationError::Residual { energy: pair.energy, residual }),
            None => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn pairs(points: &[(f64, f64)]) -> Vec<Pair> {
        points.iter().map(|&(position, energy)| Pair { position, energy }).collect()
    }

    fn check(found: [f64; 3], expected: [f64; 3]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{found} {expected}");
        }
    }

    #[test]
    fn exact_points_give_their_polynomial() {
        let quadratic = |x: f64| -21.8 + 12.1 * x + 6.55e-3 * x * x;
        let points = pairs(&[10.0, 56.0, 115.0, 200.0].map(|x| (x, quadratic(x))));
        check(fit(&points, Degree::Quadratic).unwrap().coefficients, [-21.8, 12.1, 6.55e-3]);
        let two = pairs(&[(100.0, 59.5), (1000.0, 661.7)]);
        let line = fit(&two, Degree::Linear).unwrap();
        check(line.coefficients, [59.5 - 602.2 / 9.0, 602.2 / 900.0, 0.0]);
    }

    #[test]
    fn least_squares_against_a_textbook_line() {
        // Anscombe's first quartet: y = 3.000 + 0.500 x.
        let points = pairs(&[
            (10.0, 8.04),
            (8.0, 6.95),
            (13.0, 7.58),
            (9.0, 8.81),
            (11.0, 8.33),
            (14.0, 9.96),
            (6.0, 7.24),
            (4.0, 4.26),
            (12.0, 10.84),
            (7.0, 4.82),
            (5.0, 5.68),
        ]);
        let [c0, c1, c2] = fit(&points, Degree::Linear).unwrap().coefficients;
        assert!((c0 - 3.000_09).abs() < 1e-5 && (c1 - 0.500_09).abs() < 1e-5 && c2 == 0.0);
        // Anscombe's second is a parabola: y = -5.9957 + 2.7808 x - 0.1267 x^2.
        let second = [9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74];
        let points: Vec<_> = points.iter().zip(second).map(|(pair, energy)| Pair { energy, ..*pair }).collect();
        let [c0, c1, c2] = fit(&points, Degree::Quadratic).unwrap().coefficients;
        assert!((c0 + 5.995_73).abs() < 1e-4 && (c1 - 2.780_84).abs() < 1e-4 && (c2 + 0.126_71).abs() < 1e-4);
    }

    #[test]
    fn missed_lines_are_named() {
        let points = pairs(&[(100.0, 122.06), (600.0, 661.66), (1250.0, 1332.5), (1360.0, 1466.0)]);
        let fitted = fit(&points, Degree::Linear).unwrap();
        assert!(matches!(
            fitted.clone().within(&points, Tolerance::Absolute(2.0)),
            Err(CalibrationError::Residual { energy, .. }) if energy > 1332.0
        ));
        assert!(fitted.within(&points, Tolerance::Relative(0.1)).is_ok());
        assert_eq!(fit(&points[..1], Degree::Linear), Err(CalibrationError::Pairs { found: 1, needed: 2 }));
        let same = pairs(&[(1.0, 2.0), (1.0, 3.0), (2.0, 4.0)]);
        assert_eq!(fit(&same, Degree::Quadratic), Err(CalibrationError::Pairs { found: 2, needed: 3 }));
        assert_eq!(fit(&pairs(&[(f64::NAN, 1.0), (1.0, 2.0)]), Degree::Linear), Err(CalibrationError::NotFinite));
    }
}
