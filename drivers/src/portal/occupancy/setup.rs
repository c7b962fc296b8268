//! Puts the set-up lines of a portal together and notices a change.

use super::Happening;
use crate::portal::rpm::setup::{Gamma1, Gamma2, Gamma3, Neutron1, Neutron2, Setup};

/// A complete gamma set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GammaSetup {
    /// `SG1`: what alarms.
    pub alarm: Gamma1,
    /// `SG2`: the detectors.
    pub detectors: Gamma2,
    /// `SG3`: the slave, the background, the firmware.
    pub background: Gamma3,
}

/// A complete neutron set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeutronSetup {
    /// `SN1`.
    pub alarm: Neutron1,
    /// `SN2`.
    pub detectors: Neutron2,
}

/// Which set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetupKind {
    /// Gamma, lines `SG1` to `SG3`.
    Gamma,
    /// Neutron, lines `SN1` and `SN2`.
    Neutron,
}

/// Lines received so far and the set-ups they made.
///
/// A set-up counts only when its lines came in order. Halves of two set-ups never make a third.
#[derive(Clone, Debug)]
pub(super) struct Assembly {
    first: Option<Gamma1>,
    second: Option<Gamma2>,
    neutron_first: Option<Neutron1>,
    gamma: Option<GammaSetup>,
    neutron: Option<NeutronSetup>,
}

impl Assembly {
    pub(super) const fn new() -> Self {
        Self { first: None, second: None, neutron_first: None, gamma: None, neutron: None }
    }

    pub(super) const fn gamma(&self) -> Option<&GammaSetup> {
        self.gamma.as_ref()
    }

    pub(super) const fn neutron(&self) -> Option<&NeutronSetup> {
        self.neutron.as_ref()
    }

    pub(super) fn push(&mut self, line: &Setup) -> Option<Happening> {
        match line {
            Setup::Gamma1(alarm) => {
                self.first = Some(*alarm);
                self.second = None;
                None
            }
            Setup::Gamma2(detectors) => {
                self.second = self.first.is_some().then(|| detectors.clone());
                None
            }
            Setup::Gamma3(background) => {
                let (alarm, detectors) = (self.first.take(), self.second.take());
                let told = GammaSetup { alarm: alarm?, detectors: detectors?, background: background.clone() };
                replace(&mut self.gamma, told, SetupKind::Gamma)
            }
            Setup::Neutron1(alarm) => {
                self.neutron_first = Some(*alarm);
                None
            }
            Setup::Neutron2(detectors) => {
                let told = NeutronSetup { alarm: self.neutron_first.take()?, detectors: *detectors };
                replace(&mut self.neutron, told, SetupKind::Neutron)
            }
        }
    }
}

fn replace<T: PartialEq>(known: &mut Option<T>, told: T, kind: SetupKind) -> Option<Happening> {
    match known.replace(told) {
        None => Some(Happening::SetupSeen(kind)),
        before if before != *known => Some(Happening::SetupChanged(kind)),
        Some(_) => None,
    }
}
