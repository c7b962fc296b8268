//! The sliding window of gamma lines and the groups of detectors in it.

use heapless::{Deque, Vec};

use crate::{
    Decimal, counting,
    portal::rpm::{
        Counts,
        setup::{Algorithm, MAX_INTERVALS},
    },
};

/// Intervals of a second: background lines are counts per second, gamma lines per 200 ms.
const INTERVALS_PER_SECOND: u8 = 5;

/// One detector of a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detector {
    /// Master pillar, lower.
    MasterLower,
    /// Master pillar, upper.
    MasterUpper,
    /// Slave pillar, lower.
    SlaveLower,
    /// Slave pillar, upper.
    SlaveUpper,
}

impl Detector {
    const fn is_upper(self) -> bool {
        matches!(self, Self::MasterUpper | Self::SlaveUpper)
    }

    const fn is_master(self) -> bool {
        matches!(self, Self::MasterLower | Self::MasterUpper)
    }
}

/// Which detector stands in which of the four fields of a count line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Positions(pub [Detector; 4]);

impl Positions {
    /// Master lower, master upper, slave lower, slave upper. Public sources disagree; cover one
    /// detector to find out.
    pub const USUAL: Self =
        Self([Detector::MasterLower, Detector::MasterUpper, Detector::SlaveLower, Detector::SlaveUpper]);
}

impl Default for Positions {
    fn default() -> Self {
        Self::USUAL
    }
}

/// Which of the four fields are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group([bool; 4]);

impl Group {
    /// Whether the field at this place, from 0, is in the group.
    pub fn contains(self, field: usize) -> bool {
        self.0.get(field).copied().unwrap_or(false)
    }

    fn sum(self, counts: Counts) -> u64 {
        counts.iter().zip(self.0).filter(|&(_, is_in)| is_in).map(|(&count, _)| u64::from(count)).sum()
    }
}

/// The groups an algorithm compares, each with its own background.
pub(super) fn groups(algorithm: Algorithm, positions: Positions) -> Vec<Group, 4> {
    let detectors = positions.0;
    let upper = detectors.map(Detector::is_upper);
    let master = detectors.map(Detector::is_master);
    let both = |half: [bool; 4]| [Group(half), Group(half.map(|it| !it))].into_iter().collect();
    match algorithm {
        Algorithm::Sum => [Group([true; 4])].into_iter().collect(),
        Algorithm::Horizontal => both(upper),
        Algorithm::Vertical => both(master),
        Algorithm::Single => (0..4).map(|at| Group(core::array::from_fn(|field| field == at))).collect(),
    }
}

/// One full window of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its place among the full windows of the passage, from 0.
    pub index: u32,
    /// Which fields were summed.
    pub group: Group,
    /// Counts in the window.
    pub counts: u64,
    /// What the background would count in it; one place at most.
    pub background: Option<Decimal>,
    /// Distance from the background in thousandths of its standard deviation.
    pub sigma_milli: Option<i64>,
}

impl Window {
    /// By standard deviations, or by counts where there is no background.
    pub(super) fn is_stronger_than(self, other: Self) -> bool {
        (self.sigma_milli, self.counts) > (other.sigma_milli, other.counts)
    }
}

/// The last gamma lines of a passage.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    lines: Deque<Counts, { MAX_INTERVALS as usize }>,
    intervals: u8,
    groups: Vec<Group, 4>,
    background: Option<Counts>,
    n_sigma: Decimal,
}

impl Windows {
    pub(super) const fn new(
        intervals: u8,
        groups: Vec<Group, 4>,
        background: Option<Counts>,
        n_sigma: Decimal,
    ) -> Self {
        Self { lines: Deque::new(), intervals, groups, background, n_sigma }
    }

    pub(super) const fn n_sigma(&self) -> Decimal {
        self.n_sigma
    }

    pub(super) fn push(&mut self, counts: Counts) {
        if self.is_full() {
            self.lines.pop_front();
        }
        // There is room: `intervals` is at most the capacity, and the oldest has just gone.
        let _ = self.lines.push_back(counts);
    }

    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= usize::from(self.intervals)
    }

    /// The present window of each group.
    pub(super) fn by_group(&self, index: u32) -> impl Iterator<Item = Window> {
        self.groups.iter().map(move |&group| {
            let counts = self.sum(group);
            let background = self.expected(group);
            let sigma_milli = background.and_then(|expected| counting::sigma_milli_above(counts, expected));
            Window { index, group, counts, background, sigma_milli }
        })
    }

    /// All detectors of the present window per thousand of their background, cut to a whole number.
    pub(super) fn per_mille(&self) -> Option<u32> {
        let all = Group([true; 4]);
        let expected = self.expected(all)?;
        let tenths = u64::try_from(expected.at_places(1)?.digits()).ok()?;
        u32::try_from((self.sum(all) * 10_000).checked_div(tenths)?).ok()
    }

    fn sum(&self, group: Group) -> u64 {
        self.lines.iter().map(|&counts| group.sum(counts)).sum()
    }

    /// Counts per second times the length of the window, whole when the window is whole seconds.
    fn expected(&self, group: Group) -> Option<Decimal> {
        let fifths = group.sum(self.background?) * u64::from(self.intervals);
        let tenths = Decimal::new(i64::try_from(fifths * 2).ok()?, 1)?;
        debug_assert_eq!(u64::from(INTERVALS_PER_SECOND) * 2, 10, "a fifth is two tenths");
        tenths.at_places(0).or(Some(tenths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_group_by_position() {
        let check = |algorithm, expected: &[[u8; 4]]| {
            let found = groups(algorithm, Positions::USUAL);
            let expected = expected.iter().map(|row| Group(row.map(|it| it == 1)));
            assert!(found.iter().copied().eq(expected), "{algorithm:?}: {found:?}");
        };
        check(Algorithm::Sum, &[[1, 1, 1, 1]]);
        check(Algorithm::Horizontal, &[[0, 1, 0, 1], [1, 0, 1, 0]]);
        check(Algorithm::Vertical, &[[1, 1, 0, 0], [0, 0, 1, 1]]);
        check(Algorithm::Single, &[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]);
    }

    #[test]
    fn a_window_of_another_length_scales_its_background() {
        let of = |intervals| {
            let all = groups(Algorithm::Sum, Positions::USUAL);
            let windows = Windows::new(intervals, all, Some([231, 238, 225, 240]), Decimal::whole(7));
            windows.expected(Group([true; 4]))
        };
        assert_eq!(of(5), Some(Decimal::whole(934)));
        assert_eq!(of(10), Some(Decimal::whole(1868)));
        assert_eq!(of(4), Decimal::new(7472, 1));
    }

    #[test]
    fn stronger_is_by_sigma_then_by_counts() {
        let window =
            |sigma_milli, counts| Window { index: 0, group: Group([true; 4]), counts, background: None, sigma_milli };
        assert!(window(Some(2), 1).is_stronger_than(window(Some(1), 9)));
        assert!(window(None, 9).is_stronger_than(window(None, 1)));
        assert!(!window(Some(1), 1).is_stronger_than(window(Some(1), 1)));
    }
}
