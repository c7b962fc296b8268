//! How far a run is.

use tidewaiter_config::site::{Source, Trigger};

use super::{Bench, State, run::Run};
use crate::inspect::progress::{Awaits, Progress, Quantity};

impl Bench {
    pub(crate) fn progress(&self) -> Option<Progress> {
        let State::Open(run) = &self.state else { return None };
        let awaits = if run.takes_background() {
            Awaits::Background
        } else if self.is_under_way(run) {
            Awaits::Programme
        } else if matches!(self.setup.trigger, Trigger::Mass(_)) && run.has_required(&self.setup) {
            Awaits::Leaving
        } else {
            Awaits::Values
        };
        Some(Progress { quantities: self.quantities(run), ..run.progress(awaits) })
    }

    fn quantities(&self, run: &Run) -> Vec<Quantity> {
        let quantity = |(quantity, gathered, is_full): (&_, &super::Gathered, bool)| {
            let quantity: &tidewaiter_config::site::Quantity = quantity;
            Quantity {
                parameter: quantity.parameter.clone(),
                instrument: match &quantity.source {
                    Source::Instrument { instrument, .. } => Some(instrument.clone()),
                    Source::Operator { .. } => None,
                },
                wanted: quantity.replicates,
                count: gathered.count(),
                values: gathered.values().to_vec(),
                is_full,
                missing: gathered.newest_missing(),
            }
        };
        run.standing(&self.setup).map(quantity).collect()
    }
}
