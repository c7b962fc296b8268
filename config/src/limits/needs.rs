//! What must be measured and declared before a row can be judged.

use tidewaiter_drivers::Unit;

use super::{Limit, Row, Wanted};

/// Parameter that brings a value from one basis to another.
pub const MOISTURE: &str = "moisture";

impl Row {
    /// The unit its own value is taken in; counts and grades carry theirs whatever the table writes.
    pub const fn value_unit(&self) -> Unit {
        match self.limit {
            Limit::Sigma { .. } => Unit::Count,
            Limit::GradeAtLeast { .. } => Unit::FastnessGrade,
            _ => self.unit,
        }
    }

    /// Every quantity the row may look at, its own parameter first, each with the unit it takes it in.
    pub fn quantities(&self) -> Vec<(&str, Unit)> {
        let mut quantities: Vec<(&str, Unit)> = Vec::new();
        if !matches!(self.limit, Limit::NotOlder { .. }) {
            quantities.push((&self.parameter, self.value_unit()));
        }
        match &self.limit {
            Limit::Sum { of, .. } => quantities.extend(of.iter().map(|name| (name.as_str(), self.unit))),
            Limit::SumOfRatios { of, unit, .. } => quantities.extend(of.iter().map(|(name, _)| (name.as_str(), *unit))),
            Limit::Share { of, .. } => quantities.push((of, self.unit)),
            Limit::Mpe { load, .. } => quantities.push((load, self.unit)),
            _ => {}
        }
        quantities.extend(self.when_measured.iter().map(|it| (it.parameter.as_str(), it.unit)));
        if self.basis.is_some() {
            quantities.push((MOISTURE, Unit::Percent));
        }
        quantities
    }

    /// Every declared fact the row may look at.
    pub fn facts(&self) -> Vec<&str> {
        let mut facts: Vec<&str> = self.when.iter().map(|it| it.fact.as_str()).collect();
        match &self.limit {
            Limit::Deviation { declared, .. }
            | Limit::Lowered { declared, .. }
            | Limit::NotOlder { declared, .. }
            | Limit::Classes { wanted: Wanted::Exactly(declared) | Wanted::OrBetter(declared), .. } => {
                facts.push(declared);
            }
            Limit::Mpe { interval, .. } => facts.push(interval),
            _ => {}
        }
        facts
    }
}
