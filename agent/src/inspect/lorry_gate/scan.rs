//! What the portal said of one passage, added up.

use tidewaiter_drivers::{
    Decimal, Unit,
    portal::occupancy::{Fault, Occupancy},
    reading::{Indication, Missing, Quality},
};
use tidewaiter_screening::inspection::{Alarm, Measured, ScanFault};

/// The portal's part in an inspection.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) measured: Vec<Measured>,
    pub(super) alarms: Vec<Alarm>,
    pub(super) faults: Vec<ScanFault>,
}

/// What the portal has said so far: whole occupancies added up (a tractor and its trailer may be two, and a
/// flickering beam makes many), and alarms as soon as a line asserts them.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) occupancies: u32,
    /// The one with the window furthest above its background.
    worst: Option<Occupancy>,
    least_per_mille: Option<u32>,
    neutron_most: Option<u64>,
    max_kmh: Option<Decimal>,
    gamma_by_device: bool,
    gamma_by_us: bool,
    neutron_by_device: bool,
    /// Each kind once.
    faults: Vec<Fault>,
}

impl Scan {
    /// Adds an occupancy that has ended.
    pub(super) fn add(&mut self, occupancy: Occupancy) {
        self.occupancies = self.occupancies.saturating_add(1);
        let least = [self.least_per_mille, occupancy.least_per_mille].into_iter().flatten().min();
        self.least_per_mille = least;
        self.neutron_most = self.neutron_most.max(occupancy.neutron_most);
        let faster = |most: Option<Decimal>, kmh: Decimal| most.is_none_or(|most| kmh.cmp_value(most).is_gt());
        self.max_kmh = occupancy.max_kmh.filter(|kmh| faster(self.max_kmh, *kmh)).or(self.max_kmh);
        self.gamma_by_device |= occupancy.device_gamma_alarm;
        self.gamma_by_us |= occupancy.own_gamma_alarm == Some(true);
        self.neutron_by_device |= occupancy.device_neutron_alarm;
        for fault in occupancy.faults.iter() {
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
        }
        let key = |it: &Occupancy| it.strongest.map(|window| (window.sigma_milli, window.counts));
        if self.worst.as_ref().is_none_or(|worst| key(worst) < key(&occupancy)) {
            self.worst = Some(occupancy);
        }
    }

    /// Takes what a line asserts, as gamma and neutron; true when it is the first of its kind.
    pub(super) fn assert(&mut self, (gamma, neutron): (bool, bool)) -> bool {
        let first = (gamma && !self.gamma_by_device) || (neutron && !self.neutron_by_device);
        self.gamma_by_device |= gamma;
        self.neutron_by_device |= neutron;
        first
    }

    /// What has been asserted so far, by anyone, as gamma and neutron.
    pub(super) const fn asserted(&self) -> (bool, bool) {
        (self.gamma_by_device || self.gamma_by_us, self.neutron_by_device)
    }

    /// What the inspection says of the portal; `portal_down` says that its line is away now.
    pub(super) fn told(&self, portal: &str, portal_down: bool) -> Told {
        let mut quantities = Vec::new();
        let count = |value: u64| i64::try_from(value).ok().map(Decimal::whole);
        let worst = self.worst.as_ref().and_then(|occupancy| Some((occupancy, occupancy.strongest?)));
        match worst {
            Some((occupancy, window)) => {
                let outcome = match count(window.counts) {
                    Some(value) => Ok(Indication { value, unit: Unit::Count, quality: Quality::Good }),
                    None => Err(Missing::Overrange),
                };
                let derivation = format!(
                    "{} of {} intervals, window {} of {}",
                    occupancy.algorithm.text(),
                    occupancy.intervals,
                    window.index + 1,
                    occupancy.windows
                );
                quantities.push(Measured {
                    background: window.background,
                    ..Measured::new("gamma-counts", portal, outcome, &derivation)
                });
                if let Some(sigma) = window.sigma_milli.and_then(|milli| Decimal::new(milli, 3)) {
                    let outcome = Ok(Indication { value: sigma, unit: Unit::Sigma, quality: Quality::Good });
                    let derivation = format!("device rule N = {}", occupancy.n_sigma);
                    quantities.push(Measured::new("gamma-sigma", portal, outcome, &derivation));
                }
            }
            None => {
                let missing = if portal_down { Missing::LineDown } else { Missing::NotPresent };
                quantities.push(Measured::new("gamma-counts", portal, Err(missing), "no full window"));
            }
        }
        if let Some(share) = self.least_per_mille.and_then(|per_mille| Decimal::new(i64::from(per_mille), 1)) {
            let outcome = Ok(Indication { value: share, unit: Unit::Percent, quality: Quality::Good });
            quantities.push(Measured::new("gamma-least", portal, outcome, "least window / background"));
        }
        if let Some(value) = self.neutron_most.and_then(count) {
            let outcome = Ok(Indication { value, unit: Unit::Count, quality: Quality::Good });
            quantities.push(Measured::new("neutron-counts", portal, outcome, "most in one line"));
        }
        if let Some(value) = self.max_kmh {
            let outcome = Ok(Indication { value, unit: Unit::KilometrePerHour, quality: Quality::Good });
            quantities.push(Measured::new("speed", portal, outcome, "max"));
        }
        let gamma = Alarm {
            instrument: portal.to_owned(),
            kind: "gamma".to_owned(),
            by_device: self.gamma_by_device,
            recomputed: self.gamma_by_us,
        };
        let neutron = Alarm {
            instrument: portal.to_owned(),
            kind: "neutron".to_owned(),
            by_device: self.neutron_by_device,
            recomputed: false,
        };
        let alarms = [gamma, neutron].into_iter().filter(|alarm| alarm.by_device || alarm.recomputed).collect();
        let fault = |kind: &str| ScanFault { instrument: portal.to_owned(), kind: kind.to_owned() };
        let mut faults: Vec<ScanFault> = self.faults.iter().map(|it| fault(it.word())).collect();
        if portal_down && self.occupancies == 0 {
            faults.push(fault("line-down"));
        }
        Told { measured: quantities, alarms, faults }
    }
}
