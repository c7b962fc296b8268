//! One look at the running agent, from which every part of a page is made.

use std::sync::Arc;

use tidewaiter_config::site::{RigProcedure, Site};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_words::{Arg, Language, say};

use super::{
    sentence::{Place, Sentence, Stage},
    when::Times,
};
use crate::{
    inspector::Scene,
    lane::{Local, StatusReport},
    life::InForce,
};

/// What a page knows.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) language: Language,
    pub(super) times: Times,
    pub(super) now: Moment,
    pub(super) report: StatusReport,
    pub(super) site: Arc<Site>,
    pub(super) in_force: InForce,
    live: Arc<crate::inspector::Live>,
}

/// What kind of place: instructions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Lane,
    Rig,
}

impl Local {
    pub(super) fn look(&self, language: Language) -> Look {
        let site = Arc::clone(&self.site.borrow());
        let now = self.clock.now();
        Look {
            language,
            times: Times { zone: site.zone.clone(), now_ms: now.wall_ms },
            now,
            report: self.report(),
            site,
            in_force: self.live.in_force(),
            live: Arc::clone(&self.live),
        }
    }
}

impl Look {
    pub(super) fn say(&self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        say(self.language, id, args)
    }

    pub(super) fn t(&self, id: &str) -> String {
        self.say(id, &[])
    }

    /// What kind of place this is; none where the site has no such place.
    pub(super) fn kind(&self, place: &str) -> Option<Kind> {
        if self.site.lanes.iter().any(|it| it.id == place) {
            Some(Kind::Lane)
        } else if self.site.rigs.iter().any(|it| it.id == place) {
            Some(Kind::Rig)
        } else {
            None
        }
    }

    /// All places, lanes first.
    pub(super) fn places(&self) -> impl Iterator<Item = (&str, Kind)> {
        let lanes = self.site.lanes.iter().map(|it| (it.id.as_str(), Kind::Lane));
        lanes.chain(self.site.rigs.iter().map(|it| (it.id.as_str(), Kind::Rig)))
    }

    /// Instruments of a place, each once.
    pub(super) fn instruments(&self, place: &str) -> Vec<&str> {
        if let Some(lane) = self.site.lanes.iter().find(|it| it.id == place) {
            let gate = &lane.gate;
            let mut ids = vec![gate.scale.as_str()];
            let dose = gate.dose_rate.as_ref().map(|(id, _)| id.as_str());
            let more = [gate.portal.as_deref(), dose, gate.plate.as_deref(), gate.container.as_deref()];
            ids.extend(more.into_iter().flatten());
            return ids;
        }
        match self.site.rigs.iter().find(|it| it.id == place).map(|it| &it.procedure) {
            Some(RigProcedure::TextilePh { meter, .. }) => vec![meter],
            Some(RigProcedure::TyreEndurance { drum, .. }) => vec![drum],
            Some(RigProcedure::Bench(bench)) => bench.instruments(),
            None => Vec::new(),
        }
    }

    /// The first instrument of a place that says nothing at all, be its line down or its answer overdue.
    pub(super) fn unanswering(&self, place: &str) -> Option<&str> {
        let live = &self.report.live;
        let is_silent = |id: &str| {
            let whole = live.instruments.get(id).and_then(|it| it.get("*"));
            live.down.get(id).copied().unwrap_or(false) || whole.is_some_and(|it| it.missing.is_some())
        };
        self.instruments(place).into_iter().find(|id| is_silent(id))
    }

    /// What goes on at a place, or went on last.
    pub(super) fn scene(&self, place: &str) -> Option<Arc<Scene>> {
        self.live.scene(place)
    }

    /// The large word of a place.
    pub(super) fn stage(&self, place: &str) -> Stage<'_> {
        Stage::of(&self.report, self.place(place))
    }

    /// The fixed sentence of a place.
    pub(super) fn sentence(&self, place: &str) -> String {
        Sentence::of(&self.report, self.place(place)).say(self.language, &self.times)
    }

    fn place<'p>(&self, id: &'p str) -> Place<'p> {
        let live = &self.report.live;
        let instruments = self.instruments(id);
        Place {
            id,
            is_heard: instruments.is_empty()
                || instruments.iter().any(|it| live.instruments.contains_key(*it) || live.down.contains_key(*it)),
            has_uplink: self.site.uplink.is_some(),
            now_mono_ms: self.now.mono_ms,
        }
    }

    /// Something of a place is simulated.
    pub(super) fn is_simulated(&self, place: &str) -> bool {
        self.instruments(place).into_iter().filter_map(|id| self.site.instrument(id)).any(|it| it.simulated)
    }
}
