//! The exact mean of displayed values.

use std::cmp::Ordering;

use tidewaiter_drivers::Decimal;

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
}
