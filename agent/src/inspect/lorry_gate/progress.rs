//! How far a passage is.

use super::{LorryGate, State};
use crate::inspect::progress::{Awaits, Progress};

impl LorryGate {
    pub(crate) fn progress(&self) -> Option<Progress> {
        let State::Open(passage) = &self.state else { return None };
        let scanned = self.gate.portal.is_none() || self.portal_down || passage.is_through();
        let awaits = if !scanned {
            Awaits::Portal
        } else if !passage.is_weighed() {
            Awaits::Mass
        } else if passage.has_left() {
            Awaits::Identity
        } else {
            Awaits::Leaving
        };
        let (gamma, neutron) = passage.asserted();
        let alarms = [(gamma, "gamma"), (neutron, "neutron")];
        Some(Progress {
            id: passage.id().to_owned(),
            opened: passage.opened,
            identities: passage.identities().to_vec(),
            awaits,
            stage: None,
            elapsed: None,
            quantities: Vec::new(),
            alarms: alarms.into_iter().filter(|(is, _)| *is).map(|(_, kind)| kind.to_owned()).collect(),
        })
    }
}
