//! Decision limits of net counts (Currie 1968).
//!
//! For errors of the first and second kind of 5 % each, `k` is 1.645, and with background regions as wide as the
//! peak's these are the familiar `L_C = 2.33·√B` and `L_D = 2.71 + 4.65·√B`.

use super::region::Area;

/// The quantile for 5 %.
pub const K_95: f64 = 1.645;

/// Currie's limits, in net counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Critical level: net counts above it are taken as a signal.
    pub critical: f64,
    /// Detection limit: a signal of so many net counts would be found with the chosen certainty.
    pub detection: f64,
}

/// The limits over a background of `background` counts, known from a region (or time) of which the peak's is the
/// part `ratio`: 1 when both are alike, `n / 2m` between two sides of `m` channels.
///
/// `None` for values that are negative or no numbers.
pub fn currie(background: f64, ratio: f64, k: f64) -> Option<Limits> {
    let fits = [background, ratio, k].iter().all(|it| it.is_finite() && *it >= 0.0);
    fits.then(|| {
        let critical = k * (background * (1.0 + ratio)).sqrt();
        Limits { critical, detection: k * k + 2.0 * critical }
    })
}

/// The limits of a region, from its own sides.
pub fn of_area(area: &Area, k: f64) -> Option<Limits> {
    currie(area.background(), area.ratio(), k)
}

/// The smallest activity in becquerel that would have been detected: detection limit over efficiency, emission
/// probability and live time in seconds.
///
/// `None` when one of them is not above 0.
pub fn detectable_activity(limits: Limits, efficiency: f64, probability: f64, live_time: f64) -> Option<f64> {
    let divisor = efficiency * probability * live_time;
    (divisor.is_finite() && efficiency > 0.0 && probability > 0.0 && live_time > 0.0)
        .then(|| limits.detection / divisor)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_familiar_forms() {
        let limits = currie(400.0, 1.0, K_95).unwrap();
        assert!((limits.critical - 2.33 * 20.0).abs() < 0.1);
        assert!((limits.detection - (2.71 + 4.65 * 20.0)).abs() < 0.1);
        // 95.71 counts at 1 % efficiency, 85.1 % emission, 300 s: 37.49 Bq.
        let published = Limits { critical: 46.6, detection: 95.71 };
        assert!((detectable_activity(published, 0.01, 0.851, 300.0).unwrap() - 37.49).abs() < 0.005);
    }

    #[test]
    fn what_is_no_number_has_no_limit() {
        assert_eq!(currie(-1.0, 1.0, K_95), None);
        assert_eq!(currie(f64::NAN, 1.0, K_95), None);
        let limits = currie(0.0, 1.0, K_95).unwrap();
        assert!((limits.detection - 2.706).abs() < 0.001);
        assert_eq!(detectable_activity(limits, 0.0, 0.851, 300.0), None);
    }
}
