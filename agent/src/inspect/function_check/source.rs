//! The check of a portal with a source: seen, alarmed, and quiet again.
//!
//! ```text
//! Before ──a background line──► Ready ──occupied, end──► After ──some background lines──► done
//! ```
//!
//! The source stands out by so many standard deviations of the background before it; the portal itself must have
//! asserted its alarm; and the background afterwards lies no further from the one before than as many standard
//! deviations, or something was left in the portal. Neutron sources are asked for the alarm alone, because no public
//! source states the unit of the neutron background.

use tidewaiter_config::site::Radiation;
use tidewaiter_drivers::{
    Decimal, Unit, counting,
    portal::{
        occupancy::{Happening, Occupancy, Recompute, Settings},
        rpm::{Counts, GammaTag, Line},
    },
    reading::{Missing, Outcome},
};
use tidewaiter_screening::inspection::Measured;

use super::steady::good;

/// Background lines after the source, five seconds each: the first may still average over its departure.
const LINES_AFTER: u8 = 3;

/// The state of one check.
#[derive(Debug)]
pub(super) struct Source {
    radiation: Radiation,
    sigma: Decimal,
    portal: Recompute,
    passage: Option<Occupancy>,
    lines_after: u8,
    after: Option<Counts>,
}

impl Source {
    pub(super) const fn new(radiation: Radiation, sigma: Decimal, settings: Settings) -> Self {
        Self { radiation, sigma, portal: Recompute::new(settings), passage: None, lines_after: 0, after: None }
    }

    /// Takes a line; whether something decisive was in it.
    pub(super) fn take(&mut self, mono_ms: u64, line: &Line) -> bool {
        let happened = self.portal.push(mono_ms, line);
        let ended = self.follow(happened);
        if let (Line::Gamma { tag: GammaTag::GB | GammaTag::GH | GammaTag::GL, counts }, true, false) =
            (line, self.passage.is_some(), ended)
        {
            self.lines_after += 1;
            self.after = Some(*counts);
        }
        ended
    }

    pub(super) fn tick(&mut self, mono_ms: u64) -> bool {
        let happened = self.portal.tick(mono_ms);
        self.follow(happened)
    }

    /// The connection is gone.
    pub(super) fn broken(&mut self) {
        let happened = self.portal.interrupted();
        self.follow(happened);
    }

    /// A passage before any background proves nothing: the source is to come again.
    fn follow(&mut self, happened: impl IntoIterator<Item = Happening>) -> bool {
        let mut ended = false;
        for happening in happened {
            if let Happening::Closed(occupancy) = happening
                && self.passage.is_none()
                && occupancy.gamma_background.is_some()
            {
                self.passage = Some(occupancy);
                ended = true;
            }
        }
        ended
    }

    pub(super) const fn is_occupied(&self) -> bool {
        self.portal.is_occupied()
    }

    pub(super) const fn is_done(&self) -> bool {
        self.passage.is_some() && self.lines_after >= LINES_AFTER
    }

    pub(super) fn measured(&self, instrument: &str, missing: Missing) -> Vec<Measured> {
        let passage = self.passage.as_ref();
        let mut measured = Vec::new();
        let milli = passage.and_then(|it| it.strongest).and_then(|it| it.sigma_milli);
        if self.radiation == Radiation::Gamma {
            let distance = milli.and_then(|milli| Decimal::new(milli, 3));
            let margin = distance.and_then(|it| it.checked_sub(self.sigma));
            measured.push(Measured::new(
                "source-distance",
                instrument,
                in_sigma(distance, missing),
                "strongest window",
            ));
            let derivation = format!("distance - {}", self.sigma);
            measured.push(Measured::new("source-margin", instrument, in_sigma(margin, missing), &derivation));
        }
        let alarms = passage.map(|it| match self.radiation {
            Radiation::Gamma => it.device_gamma_alarm,
            Radiation::Neutron => it.device_neutron_alarm,
        });
        let alarms = alarms.map(|it| good(Decimal::whole(i64::from(it)), Unit::Count)).ok_or(missing);
        measured.push(Measured::new("source-alarms", instrument, alarms, "asserted by the portal"));
        let margin = in_sigma(self.background_margin(), missing);
        let derivation = format!("{} - distance after the source", self.sigma);
        measured.push(Measured::new("background-margin", instrument, margin, &derivation));
        measured
    }

    /// How much nearer the background after the source is to the one before than it must be.
    fn background_margin(&self) -> Option<Decimal> {
        let before = total(self.passage.as_ref()?.gamma_background?);
        let after = total(self.after.filter(|_| self.is_done())?);
        self.sigma.checked_sub(Decimal::new(counting::sigma_milli(after, before), 3)?.abs())
    }
}

fn total(counts: Counts) -> u64 {
    counts.iter().map(|&count| u64::from(count)).sum()
}

fn in_sigma(value: Option<Decimal>, missing: Missing) -> Outcome {
    value.map(|value| good(value, Unit::Sigma)).ok_or(missing)
}
