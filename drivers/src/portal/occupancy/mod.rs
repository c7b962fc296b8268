//! The passage of a conveyance, recomputed from the portal's own count lines.
//!
//! ```text
//! vacant ── GS GA NS NA ──► occupied ── GX ──────────────────────► vacant   the normal way
//!                              ├────── GB GH GL NB NH ───────────► vacant   end line missing
//!                              └────── silence, interruption ────► vacant   stream broke off
//! ```
//!
//! The background is the last `GB` before the passage and frozen while it lasts, since a vehicle
//! shields the detectors from it. Every full window of the last `n` gamma lines (1 s by default) is
//! compared with it by [`counting::exceeds`](crate::counting::exceeds), for each group of detectors that the portal's algorithm
//! sums. The portal's own alarm (`GA`, `NA`) is kept beside ours and never replaced by it.
//!
//! The neutron alarm is not recomputed: no public source states the unit of the neutron background.
//! Not here: what an alarm or a fault means for the lane.

mod fault;
mod passage;
mod setup;
mod speed;
mod window;

pub use fault::{Fault, Faults};
pub use passage::Occupancy;
pub use setup::{GammaSetup, NeutronSetup, SetupKind};
pub use speed::consistent as speed_consistent;
pub use window::{Detector, Group, Positions, Window};

use window::Windows;

use super::rpm::{Counts, GammaTag, Line, NeutronTag, setup::Algorithm, setup::MAX_INTERVALS};
use crate::Decimal;
use passage::Open;
use setup::Assembly;

/// Silence while occupied after which the passage is closed. Lines come every 200 ms; three seconds
/// leave room for serial servers that hold bytes back.
pub const OCCUPIED_SILENCE_MS: u64 = 3_000;

/// Silence while vacant after which the background is stale: three background lines.
pub const VACANT_SILENCE_MS: u64 = 15_000;

/// How a portal is recomputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Standard deviations that alarm, until the portal has told its own.
    pub n_sigma: Decimal,
    /// Intervals of 200 ms in a window, until the portal has told its own; `1..=MAX_INTERVALS`.
    pub intervals: u8,
    /// Which detectors are summed, until the portal has told its own.
    pub algorithm: Algorithm,
    /// Which detector stands in which field of a count line.
    pub positions: Positions,
    /// Highest speed the portal is validated for.
    pub speed_limit_kmh: Decimal,
    /// Silence while occupied after which the passage is closed as broken off.
    pub occupied_silence_ms: u64,
    /// Silence while vacant after which the background is stale.
    pub vacant_silence_ms: u64,
}

impl Settings {
    /// Settings with the usual order of detectors, `SUM` and the usual silences.
    pub const fn new(n_sigma: Decimal, intervals: u8, speed_limit_kmh: Decimal) -> Self {
        Self {
            n_sigma,
            intervals,
            algorithm: Algorithm::Sum,
            positions: Positions::USUAL,
            speed_limit_kmh,
            occupied_silence_ms: OCCUPIED_SILENCE_MS,
            vacant_silence_ms: VACANT_SILENCE_MS,
        }
    }
}

/// What a line, or the passing of time, brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to box into, and it is handed on once per passage")]
pub enum Happening {
    /// A conveyance has entered.
    Opened,
    /// It has left, or the portal broke off.
    Closed(Occupancy),
    /// The portal told its complete set-up for the first time.
    SetupSeen(SetupKind),
    /// The portal told a complete set-up that differs from the one known: someone changed alarm
    /// parameters.
    SetupChanged(SetupKind),
    /// The portal reports a fault that lasts until it says otherwise.
    FaultRaised(Fault),
    /// That fault has ended.
    FaultCleared(Fault),
}

/// What one line brought about: a passage closed by silence or by a missing end, then at most two
/// things the line itself says.
pub type Happenings = heapless::Vec<Happening, 4>;

/// The state machine of one portal.
#[derive(Clone, Debug)]
pub struct Recompute {
    settings: Settings,
    assembly: Assembly,
    gamma_background: Option<Counts>,
    neutron_background: Option<Counts>,
    /// Faults that last until the portal says otherwise.
    standing: Faults,
    last_line_ms: Option<u64>,
    last_background_ms: Option<u64>,
    last_counter: Option<u32>,
    /// Passages closed without a counter since the last one with it.
    uncounted: u32,
    /// The last passage was closed by silence, and its end line may still come.
    end_may_come: bool,
    open: Option<Open>,
}

impl Recompute {
    /// A portal of which nothing is known yet.
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            assembly: Assembly::new(),
            gamma_background: None,
            neutron_background: None,
            standing: Faults::NONE,
            last_line_ms: None,
            last_background_ms: None,
            last_counter: None,
            uncounted: 0,
            end_may_come: false,
            open: None,
        }
    }

    /// Whether a conveyance is inside.
    pub const fn is_occupied(&self) -> bool {
        self.open.is_some()
    }

    /// The last gamma background, counts per second per detector.
    pub const fn gamma_background(&self) -> Option<Counts> {
        self.gamma_background
    }

    /// The last neutron background per detector, in the portal's unit.
    pub const fn neutron_background(&self) -> Option<Counts> {
        self.neutron_background
    }

    /// Faults that last until the portal says otherwise.
    pub const fn standing_faults(&self) -> Faults {
        self.standing
    }

    /// The portal's gamma set-up, once it has been told completely.
    pub const fn gamma_setup(&self) -> Option<&GammaSetup> {
        self.assembly.gamma()
    }

    /// The portal's neutron set-up, once it has been told completely.
    pub const fn neutron_setup(&self) -> Option<&NeutronSetup> {
        self.assembly.neutron()
    }

    /// Takes the next line with its arrival on the monotonic clock; what happened, in order.
    pub fn push(&mut self, mono_ms: u64, line: &Line) -> Happenings {
        let mut happened = Happenings::new();
        // Never full: a line closes a passage at most once, by silence or by itself, and ends and raises
        // at most two faults.
        let mut note = |it: Option<Happening>| happened.extend(it);
        note(self.tick(mono_ms));
        self.last_line_ms = Some(mono_ms);
        match line {
            Line::Gamma { tag: GammaTag::GS, counts } => note(self.gamma(mono_ms, *counts, false)),
            Line::Gamma { tag: GammaTag::GA, counts } => note(self.gamma(mono_ms, *counts, true)),
            Line::Gamma { tag, counts } => {
                note(self.close_unfinished(Fault::MissingEnd));
                self.gamma_vacant(mono_ms, *tag, *counts);
                note(self.standing_fault(Fault::BackgroundHigh, *tag == GammaTag::GH));
                note(self.standing_fault(Fault::BackgroundLow, *tag == GammaTag::GL));
            }
            Line::Neutron { tag: NeutronTag::NS, counts } => note(self.neutron(mono_ms, *counts, false)),
            Line::Neutron { tag: NeutronTag::NA, counts } => note(self.neutron(mono_ms, *counts, true)),
            Line::Neutron { tag, counts } => {
                note(self.close_unfinished(Fault::MissingEnd));
                self.end_may_come = false;
                self.neutron_background = Some(*counts);
                note(self.standing_fault(Fault::NeutronHigh, *tag == NeutronTag::NH));
            }
            Line::Speed { foot_time, mph, kmh } => self.speed(*foot_time, *mph, *kmh),
            Line::End { counter, neutron_background } => note(self.end(mono_ms, *counter, *neutron_background)),
            Line::Tamper(active) => note(self.standing_fault(Fault::Tamper, *active)),
            Line::Setup(setup) => note(self.assembly.push(setup)),
            Line::Unknown => {}
        }
        happened
    }

    /// Lets time pass without a line: closes a passage that has fallen silent.
    pub fn tick(&mut self, mono_ms: u64) -> Option<Happening> {
        let silence = mono_ms.saturating_sub(self.last_line_ms?);
        if silence < self.settings.occupied_silence_ms {
            return None;
        }
        let closed = self.close_unfinished(Fault::MissingEnd)?;
        self.end_may_come = true;
        Some(closed)
    }

    /// Takes note that the connection is gone: closes an open passage as void, and forgets the
    /// background, which may have changed before the next line comes.
    pub fn interrupted(&mut self) -> Option<Happening> {
        self.gamma_background = None;
        self.last_background_ms = None;
        self.close_unfinished(Fault::LineDown)
    }

    fn gamma(&mut self, mono_ms: u64, counts: Counts, alarm: bool) -> Option<Happening> {
        let (entered, open) = self.open(mono_ms);
        open.occupancy.device_gamma_alarm |= alarm;
        open.gamma(counts);
        entered
    }

    fn neutron(&mut self, mono_ms: u64, counts: Counts, alarm: bool) -> Option<Happening> {
        let (entered, open) = self.open(mono_ms);
        let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
        let occupancy = &mut open.occupancy;
        occupancy.device_neutron_alarm |= alarm;
        occupancy.neutron_lines = occupancy.neutron_lines.saturating_add(1);
        occupancy.neutron_counts = Some(occupancy.neutron_counts.unwrap_or(0).saturating_add(total));
        occupancy.neutron_most = occupancy.neutron_most.max(Some(total));
        entered
    }

    fn gamma_vacant(&mut self, mono_ms: u64, tag: GammaTag, counts: Counts) {
        self.end_may_come = false;
        self.last_background_ms = Some(mono_ms);
        // Counts of a fault line are beyond the limits of a usable background.
        if tag == GammaTag::GB {
            self.gamma_background = Some(counts);
        }
    }

    fn speed(&mut self, foot_time: Decimal, mph: Decimal, kmh: Decimal) {
        let limit = self.settings.speed_limit_kmh;
        let Some(open) = &mut self.open else { return };
        let occupancy = &mut open.occupancy;
        if !speed::consistent(foot_time, mph, kmh) {
            occupancy.faults.add(Fault::SpeedInconsistent);
        }
        if kmh.cmp_value(limit).is_gt() {
            occupancy.faults.add(Fault::OverSpeed);
        }
        if occupancy.max_kmh.is_none_or(|most| kmh.cmp_value(most).is_gt()) {
            occupancy.max_kmh = Some(kmh);
        }
    }

    /// An end without a beginning is a passage all of whose lines were lost, unless it is the late end
    /// of the one that silence closed.
    fn end(&mut self, mono_ms: u64, counter: u32, neutron_background: Decimal) -> Option<Happening> {
        if self.end_may_come && !self.is_occupied() {
            self.end_may_come = false;
            self.last_counter = Some(counter);
            self.uncounted = 0;
            return None;
        }
        self.open(mono_ms);
        let lost = self.lost_before(counter);
        let mut occupancy = self.take()?;
        occupancy.counter = Some(counter);
        occupancy.neutron_background = Some(neutron_background);
        occupancy.lost_before = lost;
        if lost > 0 {
            occupancy.faults.add(Fault::LostOccupancy);
        }
        Some(Happening::Closed(occupancy))
    }

    /// How many counted passages were never seen. A counter that did not rise has started anew, at
    /// midnight or at power-up, and tells nothing.
    fn lost_before(&mut self, counter: u32) -> u32 {
        let expected = self.last_counter.map(|last| last.saturating_add(1).saturating_add(self.uncounted));
        let restarted = self.last_counter.is_some_and(|last| counter <= last);
        self.last_counter = Some(counter);
        self.uncounted = 0;
        if restarted { 0 } else { expected.map_or(0, |expected| counter.saturating_sub(expected)) }
    }

    fn standing_fault(&mut self, fault: Fault, active: bool) -> Option<Happening> {
        let was = self.standing.contains(fault);
        if active {
            self.standing.add(fault);
            if let Some(open) = &mut self.open {
                open.occupancy.faults.add(fault);
            }
        } else {
            self.standing.remove(fault);
        }
        match (was, active) {
            (false, true) => Some(Happening::FaultRaised(fault)),
            (true, false) => Some(Happening::FaultCleared(fault)),
            _ => None,
        }
    }

    /// The open passage, opened now if there is none.
    fn open(&mut self, mono_ms: u64) -> (Option<Happening>, &mut Open) {
        let before = self.open.take();
        let entered = before.is_none().then_some(Happening::Opened);
        let open = before.unwrap_or_else(|| self.fresh(mono_ms));
        self.end_may_come = false;
        (entered, self.open.insert(open))
    }

    fn fresh(&self, mono_ms: u64) -> Open {
        let occupancy = self.empty(mono_ms);
        let groups = window::groups(occupancy.algorithm, self.settings.positions);
        let windows = Windows::new(occupancy.intervals, groups, occupancy.gamma_background, occupancy.n_sigma);
        Open { occupancy, windows }
    }

    fn empty(&self, mono_ms: u64) -> Occupancy {
        let told = self.assembly.gamma();
        let stale =
            self.last_background_ms.is_none_or(|at| mono_ms.saturating_sub(at) > self.settings.vacant_silence_ms);
        let mut faults = self.standing;
        if stale || self.gamma_background.is_none() {
            faults.add(Fault::NoBackground);
        }
        Occupancy {
            gamma_background: self.gamma_background,
            faults,
            n_sigma: told.map_or(self.settings.n_sigma, |it| it.alarm.n_sigma),
            intervals: told.map_or(self.settings.intervals, |it| it.alarm.intervals).clamp(1, MAX_INTERVALS),
            algorithm: told.map_or(self.settings.algorithm, |it| it.detectors.algorithm),
            by_portal_setup: told.is_some(),
            ..Occupancy::NOTHING
        }
    }

    fn close_unfinished(&mut self, fault: Fault) -> Option<Happening> {
        let mut occupancy = self.take()?;
        occupancy.faults.add(fault);
        self.uncounted = self.uncounted.saturating_add(1);
        Some(Happening::Closed(occupancy))
    }

    fn take(&mut self) -> Option<Occupancy> {
        let mut occupancy = self.open.take()?.occupancy;
        if occupancy.windows == 0 {
            occupancy.faults.add(Fault::IncompleteWindow);
        }
        // The background line that follows is due within its own period, counted from here.
        self.last_background_ms = self.last_background_ms.and(self.last_line_ms);
        Some(occupancy)
    }
}

#[cfg(test)]
mod tests;
