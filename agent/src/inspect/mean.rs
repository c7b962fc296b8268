//! The exact mean of displayed values.

use std::cmp::Ordering;

use tidewaiter_drivers::{Decimal, decimal::MAX_PLACES};

/// The mean of displayed values, exact where it is finite within two more places, else half-even there.
pub(crate) fn mean(values: &[Decimal]) -> Option<Decimal> {
    let mut sum = *values.first()?;
    for value in values.get(1..)? {
        sum = sum.checked_add(*value)?;
    }
    let count = i64::try_from(values.len()).ok()?;
    let guard = 100_i64;
    let scaled = sum.digits().checked_mul(guard)?;
    let (quotient, remainder) = (scaled.div_euclid(count), scaled.rem_euclid(count));
    let up = match (remainder * 2).cmp(&count) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => quotient % 2 != 0,
    };
    let exact = Decimal::new(quotient + i64::from(up), sum.places() + 2)?;
    // Drop guard digits that say nothing: two equal parallels keep their displayed places.
    Some((sum.places()..=sum.places() + 2).find_map(|places| exact.at_places(places)).unwrap_or(exact))
}

/// A mean, and whether it is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quotient {
    pub(crate) value: Decimal,
    /// False when the digits do not end, or not within what a decimal holds: two places more than the readings are
    /// kept, rounded half to even.
    pub(crate) exact: bool,
}

/// A sum divided by how many were added, with all its digits where they end.
pub(crate) fn divide(sum: Decimal, count: u32) -> Option<Quotient> {
    let divisor = i128::from(count);
    if divisor == 0 {
        return None;
    }
    let mut scaled = i128::from(sum.digits());
    for places in sum.places()..=MAX_PLACES {
        if scaled % divisor == 0 {
            // Too many digits for a decimal is as good as no end.
            let Ok(digits) = i64::try_from(scaled / divisor) else { break };
            return Some(Quotient { value: Decimal::new(digits, places)?, exact: true });
        }
        scaled = scaled.checked_mul(10)?;
    }
    let places = (sum.places() + 2).min(MAX_PLACES);
    let scaled = i128::from(sum.digits()).checked_mul(10_i128.pow(u32::from(places - sum.places())))?;
    let (quotient, remainder) = (scaled.div_euclid(divisor), scaled.rem_euclid(divisor));
    let up = match (remainder * 2).cmp(&divisor) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => quotient % 2 != 0,
    };
    let value = Decimal::new(i64::try_from(quotient + i128::from(up)).ok()?, places)?;
    Some(Quotient { value, exact: false })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn means_are_exact() {
        assert_eq!(mean(&[d("6.60"), d("6.71")]), Some(d("6.655")));
        assert_eq!(mean(&[d("6.60"), d("6.60")]), Some(d("6.60")));
        assert_eq!(mean(&[d("1"), d("1"), d("2")]), Some(d("1.33")));
        assert_eq!(mean(&[d("-1"), d("-2")]), Some(d("-1.5")));
        // Eighths lie in the middle between two hundredths: to the even one.
        let eighths = |sum: i64| mean(&[vec![Decimal::ZERO; 7], vec![Decimal::whole(sum)]].concat());
        assert_eq!((eighths(1), eighths(3), eighths(-1)), (Some(d("0.12")), Some(d("0.38")), Some(d("-0.12"))));
    }

    #[test]
    fn a_quotient_keeps_all_digits_that_end() {
        let check = |sum: &str, count, value: &str, exact| {
            assert_eq!(divide(d(sum), count), Some(Quotient { value: d(value), exact }), "{sum} / {count}");
        };
        check("13.31", 2, "6.655", true);
        check("1", 8, "0.125", true);
        check("0.3", 64, "0.0046875", true);
        check("18.00", 3, "6.00", true);
        check("1", 3, "0.33", false);
        check("55.0", 3, "18.333", false);
        check("-2", 3, "-0.67", false);
        check("0.5", 300, "0.002", false);
        // Ends, but only beyond the 19 digits a decimal holds.
        check("9223372036854775807", 1024, "9007199254740992.00", false);
        assert_eq!(divide(d("1"), 0), None);
    }
}
