//! Who runs an inspection, and whether it is an exercise: what machines need not know.
//!
//! An inspection is an exercise when the place was switched to drill as it opened, or when the start that began it
//! said so. It stays one to its end, whatever is switched meanwhile, and none becomes one afterwards: otherwise a
//! result that nobody likes could be called an exercise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{By, Operation, Step};

/// A place where inspections are exercises, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drill {
    /// Who switched it on.
    pub operator: String,
    /// When, UTC milliseconds.
    pub since_ms: i64,
}

/// All places at drill, by id: small, and to be kept across a restart.
pub type DrillState = BTreeMap<String, Drill>;

/// What is known of the inspections of every place.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    drills: DrillState,
    /// What a start has said of the next run of a place.
    announced: BTreeMap<String, Open>,
    /// Open inspections by their place: each has one at most.
    open: BTreeMap<String, Open>,
}

#[derive(Clone, Debug, Default)]
struct Open {
    id: String,
    operator: Option<String>,
    drill: bool,
}

impl Standing {
    pub(crate) const fn drills(&self) -> &DrillState {
        &self.drills
    }

    pub(crate) fn restore(&mut self, drills: DrillState) {
        self.drills = drills;
    }

    /// Switches a place; false when it is so already.
    pub(crate) fn switch(&mut self, place: &str, on: bool, operator: &str, now_ms: i64) -> bool {
        if on == self.drills.contains_key(place) {
            return false;
        }
        if on {
            self.drills.insert(place.to_owned(), Drill { operator: operator.to_owned(), since_ms: now_ms });
        } else {
            self.drills.remove(place);
        }
        true
    }

    /// An operation was carried out; `steps` are what came of it.
    pub(crate) fn operated(&mut self, place: &str, operation: &Operation, by: By<'_>, steps: &mut [Step]) {
        let is_open = |open: &Open| {
            steps.iter().any(|step| match step {
                Step::Remember(inspection) | Step::Done(inspection) => inspection.id == open.id,
                _ => false,
            })
        };
        let operator = || Some(by.operator.to_owned());
        match (operation, self.open.get_mut(place)) {
            // It names, or takes part in, what is open already.
            (Operation::Start { .. }, Some(open)) if is_open(open) => {
                open.operator = open.operator.take().or_else(operator);
            }
            (Operation::Start { .. }, _) => {
                let announced = Open { id: String::new(), operator: operator(), drill: by.drill };
                self.announced.insert(place.to_owned(), announced);
            }
            (_, Some(open)) => open.operator = open.operator.take().or_else(operator),
            (_, None) => {}
        }
        self.stamp(steps);
    }

    /// Writes operator and drill into the inspections of these steps.
    pub(crate) fn stamp(&mut self, steps: &mut [Step]) {
        for step in steps {
            let (inspection, is_over) = match step {
                Step::Remember(inspection) => (inspection, false),
                Step::Done(inspection) => (inspection, true),
                Step::Interval(_) | Step::Event(_) => continue,
            };
            let known = self.open.remove(&inspection.place).filter(|open| open.id == inspection.id);
            let open = known.unwrap_or_else(|| {
                let announced = self.announced.remove(&inspection.place).unwrap_or_default();
                let drill = announced.drill || self.drills.contains_key(&inspection.place);
                Open { id: inspection.id.clone(), drill, ..announced }
            });
            inspection.drill = open.drill;
            inspection.operator.clone_from(&open.operator);
            if !is_over {
                self.open.insert(inspection.place.clone(), open);
            }
        }
    }
}
