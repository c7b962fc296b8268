//! Function checks: whether an instrument still shows what it must, before its readings are believed.
//!
//! A check has its instrument for itself. While it runs, and until the instrument is clear again, lanes and rigs do not
//! hear that instrument; a check does not begin while a lane or rig is using it, and a run does not begin on a rig while
//! a check has its instrument. A lorry that comes all the same is examined by what is left of the lane, and its result
//! says what was missing: nothing vanishes. Watches hear everything, as always.
//!
//! The result is an inspection of the instrument, judged and recorded like any other. Not here: when a check is due, and
//! what follows from one that failed.

mod machine;
mod source;
mod steady;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use tidewaiter_config::site::Site;
use tidewaiter_drivers::reading::Moment;

pub use self::machine::CheckOperation;
use self::machine::Machine;
use super::{OperationError, Step};
use crate::acquire::Arrival;

/// All checks of a site.
#[derive(Debug)]
pub(crate) struct Checks {
    machines: BTreeMap<String, Machine>,
}

impl Checks {
    pub(crate) fn new(site: &Site, boot: u64) -> Self {
        let machine = |check: &tidewaiter_config::site::Check| {
            let instrument = site.instrument(&check.instrument)?;
            Some((check.id.clone(), Machine::new(site, check, instrument, boot)))
        };
        Self { machines: site.checks.iter().filter_map(machine).collect() }
    }

    /// Whether the check is under way, or its instrument not clear yet.
    pub(crate) fn is_busy(&self, check: &str) -> bool {
        self.machines.get(check).is_some_and(|it| !it.is_idle())
    }

    /// Ends one check, where it runs.
    pub(crate) fn interrupt_one(&mut self, check: &str, now: Moment) -> Vec<Step> {
        self.machines.get_mut(check).map_or_else(Vec::new, |it| it.interrupt(now))
    }

    /// Takes over the checks of `old` but for those named, and tells the numbers that every one has given out.
    pub(crate) fn take_over(&mut self, old: Self, but: &BTreeSet<String>, spent: &mut BTreeMap<String, u64>) {
        for (id, mut machine) in old.machines {
            spent.insert(id.clone(), machine.numbering().next());
            if !but.contains(&id) && self.machines.contains_key(&id) {
                self.machines.insert(id, machine);
            }
        }
        for (id, machine) in &mut self.machines {
            machine.numbering().skip_below(spent.get(id).copied().unwrap_or_default());
        }
    }

    /// Whether the readings of this instrument belong to a check now.
    pub(crate) fn hold(&self, instrument: &str) -> bool {
        self.machines.values().any(|it| it.holds(instrument))
    }

    /// The check that has an instrument of this lane or rig.
    pub(crate) fn at(&self, place: &str) -> Option<&str> {
        let busy =
            |(_, it): &(&String, &Machine)| it.holds(it.instrument()) && it.places.iter().any(|its| its == place);
        self.machines.iter().find(busy).map(|(id, _)| id.as_str())
    }

    /// Feeds an arrival to the checks that hold its instrument.
    pub(crate) fn arrival(&mut self, arrival: &Arrival) -> Vec<Step> {
        self.machines.values_mut().flat_map(|it| it.arrival(arrival)).collect()
    }

    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Step> {
        self.machines.values_mut().flat_map(|it| it.tick(now)).collect()
    }

    pub(crate) fn interrupt(&mut self, now: Moment) -> Vec<Step> {
        self.machines.values_mut().flat_map(|it| it.interrupt(now)).collect()
    }

    /// Carries out what an operator asks; `using` says whether a lane or rig is in the middle of something.
    ///
    /// # Errors
    ///
    /// When there is no such check, it is not in a state for it, or its instrument is in use.
    pub(crate) fn operate(
        &mut self,
        check: &str,
        operation: CheckOperation,
        operator: &str,
        using: impl Fn(&str) -> bool,
        now: Moment,
    ) -> Result<Vec<Step>, OperationError> {
        let machine = self.machines.get(check).ok_or_else(|| OperationError::NoSuchCheck(check.to_owned()))?;
        if operation == CheckOperation::Start {
            if let Some(place) = machine.places.iter().find(|place| using(place)) {
                return Err(OperationError::InUse { check: check.to_owned(), by: place.clone() });
            }
            let clash = |it: &Machine| machine.wants().any(|instrument| it.holds(instrument));
            if let Some((other, _)) = self.machines.iter().find(|(id, it)| *id != check && clash(it)) {
                return Err(OperationError::InUse { check: check.to_owned(), by: other.clone() });
            }
        }
        match self.machines.get_mut(check) {
            Some(machine) => machine.operate(operation, operator, now),
            None => Err(OperationError::NoSuchCheck(check.to_owned())),
        }
    }

    /// The running checks and the instrument of each.
    pub(crate) fn busy(&self) -> impl Iterator<Item = (String, String)> {
        self.machines.iter().filter(|(_, it)| it.is_running()).map(|(id, it)| (id.clone(), it.instrument().to_owned()))
    }
}
