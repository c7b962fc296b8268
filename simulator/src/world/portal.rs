//! The radiation portal: counts by physics, lines by the monitor's own rules.
//!
//! Time runs in intervals of 200 ms. While vacant the monitor sends background lines (counts per
//! second, averaged over its background time); from the first broken beam until the hold-in has
//! passed it sends gamma counts each interval, neutron counts each fifth, its speed each sixth, and
//! ends with `GX`. The alarm is the monitor's own: the sum of the last intervals against background
//! plus N standard deviations, background frozen at the last line before the occupancy.

use tidewaiter_drivers::{
    Decimal,
    portal::rpm::{GammaTag, Line, NeutronTag},
};

use super::{
    chance::{Chance, Purpose},
    rounding::{count, displayed, nearest, real},
    traffic::{Passage, Road},
};
use crate::scene::Portal;

/// Length of one interval.
pub(crate) const INTERVAL_MS: i64 = 200;
/// Intervals per neutron line.
const NEUTRON_INTERVALS: i64 = 5;
/// Intervals per speed line.
const SPEED_INTERVALS: i64 = 6;
/// First background line after the portal became vacant, at the latest.
const FIRST_BACKGROUND_MS: i64 = 1_000;
/// One foot in metres: the beams of the speed measurement stand that far apart.
const FOOT_M: f64 = 0.3048;
/// International mile in kilometres.
const MILE_KM: f64 = 1.609_344;
/// Lorry mass in kilograms that shields most.
const FULL_SHIELD_KG: f64 = 45_000.0;

/// Physics and rules of one portal.
pub(crate) struct View<'a> {
    pub(crate) portal: &'a Portal,
    pub(crate) road: Option<&'a Road>,
    pub(crate) chance: Chance,
    /// Interval in which the world began: the portal has been vacant since.
    pub(crate) began: i64,
}

/// An occupancy in intervals: `first..end` carry counts, `end` carries `GX`.
pub(crate) struct Occupancy {
    pub(crate) passage: Passage,
    pub(crate) first: i64,
    pub(crate) end: i64,
}

impl View<'_> {
    pub(crate) fn occupancy(&self, passage: Passage) -> Occupancy {
        let first = passage.arrives_ms.div_euclid(INTERVAL_MS) + 1;
        let cleared = passage.stands_ms().div_euclid(INTERVAL_MS) + 1;
        Occupancy { first, end: cleared + i64::from(self.portal.hold_in), passage }
    }

    /// The occupancy that began last before or at this interval.
    fn latest(&self, interval: i64) -> Option<Occupancy> {
        let passage = self.road?.latest(interval * INTERVAL_MS)?;
        let newest = self.occupancy(passage);
        if newest.first <= interval {
            return Some(newest);
        }
        // Arrived within this very interval: its first line comes with the next one.
        let before = newest.passage.number.checked_sub(1)?;
        self.road?.passage(before).map(|it| self.occupancy(it))
    }

    /// Lines the monitor sends at the end of this interval, in order.
    pub(crate) fn lines(&self, interval: i64) -> Vec<Line> {
        match self.latest(interval) {
            Some(occupancy) if interval < occupancy.end => self.occupied(&occupancy, interval),
            Some(occupancy) if interval == occupancy.end => {
                let neutrons: f64 = self.portal.neutron_cps.iter().sum::<f64>() / 4.0;
                // The counter starts at 1 with power-up and is six digits wide.
                let counter = u32::try_from((occupancy.passage.number + 1) % 1_000_000).unwrap_or(0);
                vec![Line::End { counter, neutron_background: displayed(neutrons, 3) }]
            }
            vacant => {
                let since = vacant.map_or(self.began, |it| it.end);
                if self.background_due(interval - since) { self.background(interval) } else { Vec::new() }
            }
        }
    }

    fn occupied(&self, occupancy: &Occupancy, interval: i64) -> Vec<Line> {
        let mut lines = Vec::with_capacity(3);
        let since = interval - occupancy.first;
        let alarm = self.gamma_alarm(occupancy, interval);
        let counts = self.gamma(occupancy, interval).map(count);
        lines.push(Line::Gamma { tag: if alarm { GammaTag::GA } else { GammaTag::GS }, counts });
        if since % NEUTRON_INTERVALS == NEUTRON_INTERVALS - 1 {
            let counts = self.neutrons(occupancy, interval).map(count);
            let tag = if self.neutron_alarm(&counts) { NeutronTag::NA } else { NeutronTag::NS };
            lines.push(Line::Neutron { tag, counts });
        }
        if since % SPEED_INTERVALS == SPEED_INTERVALS - 1 {
            lines.push(speed(occupancy.passage.lorry.speed_kmh));
        }
        lines
    }

    fn background_due(&self, since: i64) -> bool {
        let period = (self.portal.background_period.ms() / INTERVAL_MS).max(1);
        let first = period.min(FIRST_BACKGROUND_MS / INTERVAL_MS);
        since >= first && (since - first) % period == 0
    }

    fn background(&self, interval: i64) -> Vec<Line> {
        vec![
            Line::Neutron { tag: NeutronTag::NB, counts: self.neutron_background(interval).map(count) },
            Line::Gamma { tag: GammaTag::GB, counts: self.gamma_background(interval).map(count) },
        ]
    }

    /// Averages over the background time, which is long against any lorry on the scale.
    fn averaged(&self, rates: [f64; 4], purpose: Purpose, interval: i64) -> [i64; 4] {
        let mut draw = self.chance.draw(purpose, interval);
        let time = f64::from(self.portal.background_time_s);
        rates.map(|rate| nearest(real(draw.poisson(rate * time)) / time))
    }

    fn gamma_background(&self, interval: i64) -> [i64; 4] {
        self.averaged(self.portal.background_cps, Purpose::GammaBackground, interval)
    }

    fn neutron_background(&self, interval: i64) -> [i64; 4] {
        self.averaged(self.portal.neutron_cps, Purpose::NeutronBackground, interval)
    }

    /// The sum of the last background line before this occupancy.
    pub(crate) fn frozen_background(&self, occupancy: &Occupancy) -> Option<i64> {
        let before = occupancy.passage.number.checked_sub(1);
        let since = match before {
            Some(number) => self.road?.passage(number).map(|it| self.occupancy(it))?.end,
            None => self.began,
        };
        let last = (since..occupancy.first).rev().find(|it| self.background_due(it - since))?;
        Some(self.gamma_background(last).iter().sum())
    }

    /// Gamma counts of each detector in one interval of an occupancy.
    fn gamma(&self, occupancy: &Occupancy, interval: i64) -> [i64; 4] {
        let lorry = &occupancy.passage.lorry;
        let middle = interval * INTERVAL_MS - INTERVAL_MS / 2;
        let [least, most] = self.portal.shielding;
        let shielding = (least + (most - least) * (f64::from(lorry.mass_kg) / FULL_SHIELD_KG).min(1.0))
            * cover(&occupancy.passage, middle);
        let source = lorry.source_cps / 4.0 * self.nearness(&occupancy.passage, middle);
        let mut draw = self.chance.draw(Purpose::Gamma, interval);
        let length = real(INTERVAL_MS) / 1000.0;
        self.portal.background_cps.map(|rate| draw.poisson((rate * (1.0 - shielding) + source) * length))
    }

    fn neutrons(&self, occupancy: &Occupancy, interval: i64) -> [i64; 4] {
        let mut draw = self.chance.draw(Purpose::Neutron, interval);
        let source: f64 = (0..NEUTRON_INTERVALS)
            .map(|back| (interval - back) * INTERVAL_MS - INTERVAL_MS / 2)
            .map(|middle| self.nearness(&occupancy.passage, middle) * occupancy.passage.lorry.neutron_cps / 4.0)
            .sum::<f64>()
            / real(NEUTRON_INTERVALS);
        // One neutron line covers one second.
        self.portal.neutron_cps.map(|rate| draw.poisson(rate + source))
    }

    fn neutron_alarm(&self, counts: &[u32; 4]) -> bool {
        counts.iter().sum::<u32>() >= self.portal.neutron_alarm
    }

    /// 1 when the source is in the plane of the detectors, falling like a Gaussian along the lane.
    fn nearness(&self, passage: &Passage, at_ms: i64) -> f64 {
        let lorry = &passage.lorry;
        let front = lorry.speed_kmh / 3.6 * real(at_ms - passage.arrives_ms) / 1000.0;
        let distance = front.min(lorry.length_m) - lorry.source_at * lorry.length_m;
        (-0.5 * (distance / self.portal.view_m.max(0.01)).powi(2)).exp()
    }

    /// The monitor's rule: window full, and its sum above background + N·√background.
    pub(crate) fn gamma_alarm(&self, occupancy: &Occupancy, interval: i64) -> bool {
        let window = i64::from(self.portal.intervals);
        if interval - occupancy.first + 1 < window {
            return false;
        }
        let Some(background) = self.frozen_background(occupancy) else {
            return false;
        };
        let foreground: i64 =
            (interval - window + 1..=interval).map(|it| self.gamma(occupancy, it).iter().sum::<i64>()).sum();
        above(foreground * NEUTRON_INTERVALS / window, background, self.portal.n_sigma)
    }

    /// What the monitor asserts over a whole occupancy: gamma, neutron.
    pub(crate) fn alarms(&self, passage: Passage) -> (bool, bool) {
        let occupancy = self.occupancy(passage);
        (occupancy.first..occupancy.end).fold((false, false), |(gamma, neutron), interval| {
            let lines = self.occupied(&occupancy, interval);
            (
                gamma || lines.iter().any(|it| matches!(it, Line::Gamma { tag: GammaTag::GA, .. })),
                neutron || lines.iter().any(|it| matches!(it, Line::Neutron { tag: NeutronTag::NA, .. })),
            )
        })
    }
}

/// Whether `foreground > background + n·√background`, in integers: both sides squared.
fn above(foreground: i64, background: i64, n: Decimal) -> bool {
    let net = i128::from(foreground - background);
    let scale = 10_i128.pow(2 * u32::from(n.places()));
    net > 0 && net * net * scale > i128::from(n.digits()).pow(2) * i128::from(background)
}

/// How much of the detectors the vehicle covers: rises and falls with its first and last metres.
fn cover(passage: &Passage, at_ms: i64) -> f64 {
    let (in_, out) = (real(at_ms - passage.arrives_ms), real(passage.stands_ms() - at_ms));
    let edge = 0.15 * real(passage.lorry.drive_on_ms()).max(1.0);
    (in_.min(out) / edge).clamp(0.0, 1.0)
}

/// The speed line: time per foot in four places, miles and kilometres per hour of the same time.
fn speed(kmh: f64) -> Line {
    let foot_time = displayed(FOOT_M / (kmh / 3.6), 4);
    Line::Speed { foot_time, mph: displayed(kmh / MILE_KM, 3), kmh: displayed(kmh, 2) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn the_rule_is_exact_at_its_edge() {
        // 934 counts per second and N = 7 make 1147.93: one count more alarms.
        assert!(!above(1147, 934, Decimal::whole(7)));
        assert!(above(1148, 934, Decimal::whole(7)));
        // 4·√400 is exactly 80: equal is not above.
        assert!(!above(480, 400, Decimal::whole(4)));
        assert!(above(481, 400, Decimal::whole(4)));
        assert!(!above(100, 934, Decimal::whole(7)));
    }

    #[test]
    fn a_speed_line_agrees_with_itself() {
        // 0.3048 m in 0.2249 s is 3.032 mph and 4.88 km/h.
        let Line::Speed { foot_time, mph, kmh } = speed(4.879) else { panic!("speed line") };
        assert_eq!([foot_time.to_string(), mph.to_string(), kmh.to_string()], ["0.2249", "3.032", "4.88"]);
    }
}
