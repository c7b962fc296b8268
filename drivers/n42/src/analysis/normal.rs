//! The standard normal distribution, to double precision.

use std::f64::consts::PI;

/// Density.
pub(super) fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// Probability of a value up to `x`.
pub(super) fn probability(x: f64) -> f64 {
    if x.abs() > 6.0 {
        let tail = density(x) * tail(x.abs());
        return if x > 0.0 { 1.0 - tail } else { tail };
    }
    // Marsaglia (2004): Φ(x) = ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + …).
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > sum.abs() * 1e-17 {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + density(x) * sum
}

/// Density over probability, `φ(x)/Φ(x)`; stays finite where both vanish.
pub(super) fn hazard(x: f64) -> f64 {
    if x < -6.0 { 1.0 / tail(-x) } else { density(x) / probability(x) }
}

/// `Φ(−x)/φ(x)` for large `x`, by Laplace's continued fraction.
fn tail(x: f64) -> f64 {
    let fraction = (1..=60_u32).rev().fold(x, |below, n| x + f64::from(n) / below);
    1.0 / fraction
}

/// The value below which lies a probability strictly between 0 and 1.
pub(super) fn quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-38.0_f64, 38.0_f64);
    // Halving reaches the last bit after 60 steps.
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if probability(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabulated_values() {
        for (x, expected) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_543),
            (-1.0, 0.158_655_253_931_457),
            (1.959_963_984_540_054, 0.975),
            (-3.0, 1.349_898_031_630_095e-3),
            (-5.0, 2.866_515_718_791_939e-7),
            (-7.0, 1.279_812_543_885_835e-12),
        ] {
            assert!((probability(x) / expected - 1.0).abs() < 1e-9, "{x}");
        }
        for (p, expected) in [(0.95, 1.644_853_626_951_473), (0.5, 0.0), (0.025, -1.959_963_984_540_054)] {
            assert!((quantile(p) - expected).abs() < 1e-10);
        }
        // Both branches meet.
        assert!((hazard(-6.000_001) / hazard(-5.999_999) - 1.0).abs() < 1e-5);
        assert!((hazard(-30.0) - 30.033_259_667_43).abs() < 1e-9);
    }
}
