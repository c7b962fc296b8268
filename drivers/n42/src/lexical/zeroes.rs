//! Zero compression (`CountedZeroes`): a run of zeros as `0 n`.
//!
//! ```text
//! 0 0 0 12 40 25 0 7   ──►   0 3 12 40 25 0 1 7
//! ```

use crate::error::Fault;

/// Compresses counts.
///
/// # Examples
///
/// ```
/// use tidewaiter_n42::lexical::zeroes;
/// assert_eq!(zeroes::compress(&[0, 0, 0, 12, 0, 7]), [0, 3, 12, 0, 1, 7]);
/// ```
pub fn compress(counts: &[u64]) -> Vec<u64> {
    let mut compressed = Vec::new();
    for run in counts.chunk_by(|&left, &right| left == 0 && right == 0) {
        match run {
            // A run is as long as a slice, which fits.
            [0, ..] => compressed.extend([0, run.len() as u64]),
            _ => compressed.extend_from_slice(run),
        }
    }
    compressed
}

/// Undoes [`compress`], giving at most `most` channels.
///
/// # Errors
///
/// A zero that is not followed by how many it stands for, or more than `most` channels.
pub fn expand(compressed: &[u64], most: usize) -> Result<Vec<u64>, Fault> {
    let mut counts = Vec::new();
    let mut values = compressed.iter().enumerate();
    while let Some((index, &value)) = values.next() {
        let (count, times) = if value == 0 {
            match values.next() {
                Some((_, &times)) if times > 0 => (0, usize::try_from(times).map_err(|_| Fault::Channels)?),
                _ => return Err(Fault::Zeroes { place: index + 1 }),
            }
        } else {
            (value, 1)
        };
        if times > most - counts.len() {
            return Err(Fault::Channels);
        }
        counts.resize(counts.len() + times, count);
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn published_and_broken_forms() {
        let counts = [0, 0, 0, 12, 40, 25, 0, 7, 0, 0, 0, 0, 1];
        let compressed = [0, 3, 12, 40, 25, 0, 1, 7, 0, 4, 1];
        assert_eq!(compress(&counts), compressed);
        assert_eq!(expand(&compressed, 13).unwrap(), counts);
        assert_eq!(expand(&compressed, 12), Err(Fault::Channels));
        assert_eq!(expand(&[5, 0], 9), Err(Fault::Zeroes { place: 2 }));
        assert_eq!(expand(&[0, 0, 1], 9), Err(Fault::Zeroes { place: 1 }));
        assert_eq!(expand(&[0, u64::MAX], 9), Err(Fault::Channels));
        assert_eq!(expand(&[], 9).unwrap(), []);
    }

    proptest! {
        #[test]
        fn expanding_undoes_compressing(counts in prop::collection::vec(prop_oneof![3 => Just(0_u64), 2 => any::<u64>()], 0..300)) {
            prop_assert_eq!(expand(&compress(&counts), 300).unwrap(), counts);
        }

        #[test]
        fn any_values_are_expanded_or_refused(values in prop::collection::vec(prop_oneof![Just(0_u64), 0_u64..9, any::<u64>()], 0..60)) {
            if let Ok(counts) = expand(&values, 500) {
                prop_assert!(counts.len() <= 500);
            }
        }
    }
}
