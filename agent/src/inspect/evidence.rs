//! The readings kept with an inspection: in its record a bounded number, decisive ones first; beside it, as evidence, all of
//! them.

use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Indication, Quality},
};
use tidewaiter_screening::inspection::{Evidence, Measured};

/// Readings kept with one inspection. At about 120 bytes each this leaves a record well below 32 KiB.
pub(crate) const KEPT: usize = 160;
/// Readings held for the evidence beside it: an hour and a half at four a second, some 3 MB of memory.
pub(crate) const HELD: usize = 20_000;

/// A bounded list of evidence that gives up indifferent readings before decisive ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    kept: Vec<(bool, Evidence)>,
    /// All in order of arrival, up to [`HELD`].
    all: Vec<Evidence>,
    dropped: u32,
}

impl Trace {
    /// Keeps a reading; a `decisive` one pushes out the oldest indifferent one when full.
    pub(crate) fn keep(&mut self, mut evidence: Evidence, decisive: bool) {
        if self.all.len() < HELD {
            self.all.push(evidence.clone());
        }
        if evidence.raw.is_empty()
            && !self.kept.iter().rev().any(|(_, it)| shares(it, &evidence) && !it.raw.is_empty())
            && let Some(carrier) = self
                .all
                .iter()
                .rev()
                .take_while(|it| it.at == evidence.at)
                .find(|it| shares(it, &evidence) && !it.raw.is_empty())
        {
            // The neighbour that carried the bytes found no room.
            evidence.raw.clone_from(&carrier.raw);
        }
        if self.kept.len() >= KEPT {
            self.dropped += 1;
            match self.kept.iter().position(|(kept_for_good, _)| !kept_for_good) {
                Some(oldest) if decisive => {
                    let (_, gone) = self.kept.remove(oldest);
                    self.inherit(gone);
                }
                _ => return,
            }
        }
        self.kept.push((decisive, evidence));
    }

    /// Hands the bytes of a reading that gave way to a neighbour that was read from them.
    fn inherit(&mut self, gone: Evidence) {
        if let Some((_, heir)) = self.kept.iter_mut().find(|(_, it)| it.raw.is_empty() && shares(it, &gone)) {
            heir.raw = gone.raw;
        }
    }

    /// How many readings found no room in the record, as a measured count; `None` when all are there.
    pub(crate) fn left_out(&self, instrument: &str) -> Option<Measured> {
        let count =
            Indication { value: Decimal::whole(self.dropped.into()), unit: Unit::Count, quality: Quality::Good };
        (self.dropped > 0).then(|| Measured::new("readings-left-out", instrument, Ok(count), "count"))
    }

    /// Every reading, where [`Self::readings`] are not all of them.
    pub(crate) fn whole(&self) -> Vec<Evidence> {
        if self.dropped > 0 { self.all.clone() } else { Vec::new() }
    }

    /// What the record keeps, in order of arrival.
    pub(crate) fn readings(&self) -> Vec<Evidence> {
        self.kept.iter().map(|(_, evidence)| evidence.clone()).collect()
    }
}

/// Whether two readings were read from the same bytes.
fn shares(one: &Evidence, other: &Evidence) -> bool {
    one.at == other.at && one.instrument == other.instrument
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use tidewaiter_drivers::reading::{Missing, Moment};

    use super::*;

    fn reading(number: u64) -> Evidence {
        Evidence {
            instrument: "x".into(),
            channel: "y".into(),
            at: Moment { mono_ms: number, wall_ms: 0 },
            outcome: Err(Missing::TimedOut),
            raw: Vec::new(),
        }
    }

    /// What a verdict stands on keeps the bytes it was read from, whichever neighbour carried them.
    #[test]
    fn bytes_outlive_the_neighbour_that_carried_them() {
        for number_of_fillers in [0, KEPT - 1, KEPT + 5] {
            let mut trace = Trace::default();
            let fill = |trace: &mut Trace, from: u64, count: usize| {
                for number in (from..).take(count) {
                    trace.keep(reading(number), false);
                }
            };
            fill(&mut trace, 0, number_of_fillers);
            trace.keep(Evidence { raw: b"block".to_vec(), ..reading(9_000) }, false);
            trace.keep(reading(9_000), true);
            for number in 10_000..10_000 + KEPT as u64 - 1 {
                trace.keep(reading(number), true);
            }
            let kept = trace.readings();
            let decisive: Vec<&Evidence> = kept.iter().filter(|it| it.at.mono_ms == 9_000).collect();
            assert_eq!(decisive.len(), 1, "{number_of_fillers}");
            assert_eq!(decisive[0].raw, b"block", "{number_of_fillers}");
        }
    }

    #[test]
    fn decisive_readings_outlive_indifferent_ones() {
        let mut trace = Trace::default();
        trace.keep(reading(0), true);
        assert!(trace.whole().is_empty(), "the record has all");
        for number in 1..500 {
            trace.keep(reading(number), false);
        }
        trace.keep(reading(500), true);
        let kept = trace.readings();
        assert_eq!(kept.len(), KEPT);
        assert_eq!(kept[0].at.mono_ms, 0);
        assert_eq!(kept[KEPT - 1].at.mono_ms, 500);
        let whole: Vec<u64> = trace.whole().iter().map(|it| it.at.mono_ms).collect();
        assert_eq!(whole, (0..=500).collect::<Vec<_>>(), "nothing is dropped beside the record");
        let left_out = trace.left_out("x").unwrap().value().unwrap().0;
        assert_eq!(left_out, Decimal::whole(501 - i64::try_from(KEPT).unwrap()));
    }
}
