//! What a passage adds up to, and the passage that is still adding.

use super::{
    fault::Faults,
    window::{Window, Windows},
};
use crate::{
    Decimal, counting,
    portal::rpm::{Counts, setup::Algorithm},
};

/// A passage in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// The portal's occupancy counter; `None` when the end line is missing.
    pub counter: Option<u32>,
    /// Passages that the counter says happened since the last one and that were never seen.
    pub lost_before: u32,
    /// Gamma lines received.
    pub gamma_lines: u32,
    /// Full windows among them.
    pub windows: u32,
    /// The window with the greatest distance from its background; `None` without a full window.
    pub strongest: Option<Window>,
    /// Index of the first window that our rule finds above background, from 0.
    pub first_alarm_window: Option<u32>,
    /// How many windows our rule finds above background.
    pub alarm_windows: u32,
    /// Least total count of a window per thousand of its background: below about 750 the vehicle, or
    /// what it carries, shields heavily.
    pub least_per_mille: Option<u32>,
    /// The last gamma background before the passage, counts per second per detector.
    pub gamma_background: Option<Counts>,
    /// All neutron counts of the passage; `None` when no neutron line came, as in short passages.
    pub neutron_counts: Option<u64>,
    /// Most neutron counts of one line.
    pub neutron_most: Option<u64>,
    /// Neutron lines received.
    pub neutron_lines: u32,
    /// Neutron background of the end line, in the portal's unit.
    pub neutron_background: Option<Decimal>,
    /// The portal asserted a gamma alarm.
    pub device_gamma_alarm: bool,
    /// The portal asserted a neutron alarm.
    pub device_neutron_alarm: bool,
    /// Our recomputation alarms; `None` when it had no background or no full window.
    pub own_gamma_alarm: Option<bool>,
    /// Highest speed reported.
    pub max_kmh: Option<Decimal>,
    /// What makes the passage void.
    pub faults: Faults,
    /// Standard deviations used.
    pub n_sigma: Decimal,
    /// Intervals of a window used.
    pub intervals: u8,
    /// Groups of detectors used.
    pub algorithm: Algorithm,
    /// The three above are the portal's own set-up, not the site's settings.
    pub by_portal_setup: bool,
}

/// A passage in progress.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) occupancy: Occupancy,
    pub(super) windows: Windows,
}

impl Occupancy {
    /// A passage of which no line has come.
    pub(super) const NOTHING: Self = Self {
        counter: None,
        lost_before: 0,
        gamma_lines: 0,
        windows: 0,
        strongest: None,
        first_alarm_window: None,
        alarm_windows: 0,
        least_per_mille: None,
        gamma_background: None,
        neutron_counts: None,
        neutron_most: None,
        neutron_lines: 0,
        neutron_background: None,
        device_gamma_alarm: false,
        device_neutron_alarm: false,
        own_gamma_alarm: None,
        max_kmh: None,
        faults: Faults::NONE,
        n_sigma: Decimal::ZERO,
        intervals: 1,
        algorithm: Algorithm::Sum,
        by_portal_setup: false,
    };

    /// Some alarm was asserted, by the portal or by our recomputation.
    pub fn alarmed(&self) -> bool {
        self.device_gamma_alarm || self.device_neutron_alarm || self.own_gamma_alarm == Some(true)
    }

    /// The portal and our recomputation disagree about the gamma alarm.
    pub fn gamma_disagrees(&self) -> bool {
        self.own_gamma_alarm.is_some_and(|own| own != self.device_gamma_alarm)
    }
}

impl Open {
    pub(super) fn gamma(&mut self, counts: Counts) {
        let occupancy = &mut self.occupancy;
        occupancy.gamma_lines = occupancy.gamma_lines.saturating_add(1);
        self.windows.push(counts);
        if !self.windows.is_full() {
            return;
        }
        let index = occupancy.windows;
        occupancy.windows = occupancy.windows.saturating_add(1);
        let mut alarms = false;
        for window in self.windows.by_group(index) {
            let exceeds = window
                .background
                .and_then(|expected| counting::exceeds(window.counts, expected, self.windows.n_sigma()));
            if let Some(exceeds) = exceeds {
                occupancy.own_gamma_alarm = Some(occupancy.own_gamma_alarm == Some(true) || exceeds);
                alarms |= exceeds;
            }
            if occupancy.strongest.is_none_or(|most| window.is_stronger_than(most)) {
                occupancy.strongest = Some(window);
            }
        }
        if alarms {
            occupancy.alarm_windows = occupancy.alarm_windows.saturating_add(1);
            occupancy.first_alarm_window = occupancy.first_alarm_window.or(Some(index));
        }
        if let Some(per_mille) = self.windows.per_mille() {
            occupancy.least_per_mille = Some(occupancy.least_per_mille.map_or(per_mille, |least| least.min(per_mille)));
        }
    }
}
