//! What makes a passage void.

/// One reason why a passage must be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The portal reports too high a gamma background (`GH`).
    BackgroundHigh,
    /// The portal reports too low a gamma background (`GL`): a detector fails or is covered.
    BackgroundLow,
    /// The portal reports too high a neutron background (`NH`).
    NeutronHigh,
    /// A cabinet is open (`TT`).
    Tamper,
    /// Faster than the portal is validated for.
    OverSpeed,
    /// The three speeds of a speed line contradict each other.
    SpeedInconsistent,
    /// Too few gamma lines for one full window.
    IncompleteWindow,
    /// The end line never came.
    MissingEnd,
    /// The portal has counted a passage in between that was never seen.
    LostOccupancy,
    /// The connection broke off.
    LineDown,
    /// No fresh background was known when the conveyance entered.
    NoBackground,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 11] = [
        Self::BackgroundHigh,
        Self::BackgroundLow,
        Self::NeutronHigh,
        Self::Tamper,
        Self::OverSpeed,
        Self::SpeedInconsistent,
        Self::IncompleteWindow,
        Self::MissingEnd,
        Self::LostOccupancy,
        Self::LineDown,
        Self::NoBackground,
    ];

    /// The stable spelling used in records and interfaces.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BackgroundHigh => "background-high",
            Self::BackgroundLow => "background-low",
            Self::NeutronHigh => "neutron-high",
            Self::Tamper => "tamper",
            Self::OverSpeed => "over-speed",
            Self::SpeedInconsistent => "speed-inconsistent",
            Self::IncompleteWindow => "incomplete-window",
            Self::MissingEnd => "missing-end",
            Self::LostOccupancy => "lost-occupancy",
            Self::LineDown => "line-down",
            Self::NoBackground => "no-background",
        }
    }

    const fn mask(self) -> u16 {
        1 << self as u16
    }
}

/// A set of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults(u16);

impl Faults {
    /// No fault.
    pub const NONE: Self = Self(0);

    /// Whether this fault is in the set.
    pub const fn contains(self, fault: Fault) -> bool {
        self.0 & fault.mask() != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The faults, in the order of [`Fault::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(move |&fault| self.contains(fault))
    }

    pub(super) const fn add(&mut self, fault: Fault) {
        self.0 |= fault.mask();
    }

    pub(super) const fn remove(&mut self, fault: Fault) {
        self.0 &= !fault.mask();
    }
}
