//! What goes on at a lane or a rig while it goes on: how far the open inspection is, and how its readings moved.
//!
//! For pages only. Series are bounded: at [`MOST_POINTS`] every second point is let go and half as many come in from
//! then on, so that a series always shows its inspection whole. Nothing of it is recorded; what is recorded has its
//! readings in the record.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use tidewaiter_config::site::{RigProcedure, Site, Source};
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Moment, Outcome},
};

use super::live::Live;
use crate::{
    acquire::{Arrival, Content, channel},
    inspect::{Engine, Progress, held_channels, portal_evidence},
};

/// Points of one series at most.
pub const MOST_POINTS: usize = 600;
/// Series of one place at most; what a bench measures beyond them stands in its table.
const MOST_SERIES: usize = 4;
/// Readings before the opening that belong to the picture: how the lorry came onto the scale.
const LEAD_IN: usize = 15;
/// Name of the portal's gamma counts as a series: the lines of every tag that counts one interval.
const GAMMA: &str = "gamma-counts";
/// The portal's tags of one interval, as its evidence names them.
const GAMMA_TAGS: [&str; 2] = ["GS", "GA"];
/// How often it is shown anew.
const EVERY_MS: u64 = 500;

/// One look at a place.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The open inspection; none is open without it.
    pub progress: Option<Progress>,
    /// The inspection whose readings the series are: the open one, or the last one.
    pub of: Option<String>,
    /// When it opened, monotonic milliseconds.
    pub opened_mono_ms: u64,
    /// Its readings.
    pub series: Vec<Series>,
}

/// How one channel moved.
#[derive(Clone, Debug)]
pub struct Series {
    /// Instrument.
    pub instrument: String,
    /// Channel, or the quantity it stands for.
    pub channel: String,
    /// Unit of its values.
    pub unit: Option<Unit>,
    /// Monotonic milliseconds and value, oldest first.
    pub points: Vec<(u64, Decimal)>,
    /// One reading in so many is kept.
    stride: usize,
    skipped: usize,
    lead_in: VecDeque<(u64, Decimal)>,
}

impl Series {
    fn new(instrument: &str, channel: &str) -> Self {
        Self {
            instrument: instrument.to_owned(),
            channel: channel.to_owned(),
            unit: None,
            points: Vec::new(),
            stride: 1,
            skipped: 0,
            lead_in: VecDeque::with_capacity(LEAD_IN),
        }
    }

    /// A series of these points.
    pub fn of(instrument: &str, channel: &str, unit: Option<Unit>, points: Vec<(u64, Decimal)>) -> Self {
        Self { unit, points, ..Self::new(instrument, channel) }
    }

    fn take(&mut self, at: Moment, outcome: Outcome, open: bool) {
        let Ok(indication) = outcome else { return };
        if self.unit != Some(indication.unit) {
            // Two units in one picture would be one wrong line.
            self.unit = Some(indication.unit);
            self.clear();
            self.lead_in.clear();
        }
        let point = (at.mono_ms, indication.value);
        if self.lead_in.len() >= LEAD_IN {
            self.lead_in.pop_front();
        }
        self.lead_in.push_back(point);
        if !open {
            return;
        }
        self.skipped += 1;
        if self.skipped < self.stride {
            return;
        }
        self.skipped = 0;
        if self.points.len() >= MOST_POINTS {
            let mut number = 0_usize;
            self.points.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride = self.stride.saturating_mul(2);
        }
        self.points.push(point);
    }

    fn clear(&mut self) {
        self.points.clear();
        self.stride = 1;
        self.skipped = 0;
    }

    fn begin(&mut self) {
        self.clear();
        self.points.extend(self.lead_in.iter().copied());
    }
}

/// All places of a site.
#[derive(Debug, Default)]
pub(super) struct Scenes {
    places: BTreeMap<String, Scene>,
    looked_ms: Option<u64>,
}

impl Scenes {
    pub(super) fn new(site: &Site) -> Self {
        let lanes = site.lanes.iter().map(|lane| {
            let mut series = vec![Series::new(&lane.gate.scale, channel::MASS)];
            series.extend(lane.gate.portal.as_deref().map(|portal| Series::new(portal, GAMMA)));
            series.extend(lane.gate.dose_rate.as_ref().map(|(meter, channel)| Series::new(meter, channel)));
            (lane.id.clone(), series)
        });
        let rigs = site.rigs.iter().map(|rig| (rig.id.clone(), of_rig(site, &rig.procedure)));
        let scene = |(id, series)| (id, Scene { series, ..Scene::default() });
        Self { places: lanes.chain(rigs).map(scene).collect(), looked_ms: None }
    }

    pub(super) fn arrival(&mut self, arrival: &Arrival) {
        for scene in self.places.values_mut() {
            let open = scene.progress.is_some();
            for series in scene.series.iter_mut().filter(|it| it.instrument == *arrival.instrument) {
                match &arrival.content {
                    Content::Readings(readings) => {
                        let mass = series.channel == channel::MASS;
                        let of = |name: &str| name == series.channel || (mass && name == channel::GROSS);
                        let found = readings.iter().find(|it| of(&it.channel)).map(|it| (it.at, it.outcome));
                        if let Some((at, outcome)) = found {
                            series.take(at, outcome, open);
                        }
                    }
                    Content::Portal(line) if series.channel == GAMMA => {
                        let counts = portal_evidence(arrival, line);
                        if let Some(counts) = counts.filter(|it| GAMMA_TAGS.contains(&it.channel.as_str())) {
                            series.take(counts.at, counts.outcome, open);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// Something has changed: the next look is due at once.
    pub(super) const fn make_due(&mut self) {
        self.looked_ms = None;
    }

    /// Looks at the machines when a look is due, and shows what is seen.
    pub(super) fn look(&mut self, engine: &Engine, now: Moment, live: &Live) {
        if self.looked_ms.is_some_and(|last| now.mono_ms.saturating_sub(last) < EVERY_MS) {
            return;
        }
        self.looked_ms = Some(now.mono_ms);
        let mut progress = engine.progress();
        let mut changed = Vec::new();
        for (place, scene) in &mut self.places {
            let progress = progress.remove(place);
            let was_open = scene.progress.is_some();
            if let Some(open) = progress.as_ref().filter(|it| scene.of.as_ref() != Some(&it.id)) {
                scene.of = Some(open.id.clone());
                scene.opened_mono_ms = open.opened.mono_ms;
                scene.series.iter_mut().for_each(Series::begin);
            }
            scene.progress = progress;
            if was_open || scene.progress.is_some() {
                changed.push((place.clone(), Arc::new(scene.clone())));
            }
        }
        live.set_scenes(changed);
    }
}

fn of_rig(site: &Site, procedure: &RigProcedure) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    let mut add = |instrument: &str, channel: &str| {
        let known = series.iter().any(|it| it.instrument == instrument && it.channel == channel);
        if !known && series.len() < MOST_SERIES {
            series.push(Series::new(instrument, channel));
        }
    };
    match procedure {
        RigProcedure::TextilePh { meter, .. } => add(meter, channel::PH),
        RigProcedure::TyreEndurance { drum, programme } => {
            for held in held_channels(site, programme) {
                add(drum, &held);
            }
        }
        RigProcedure::Bench(bench) => {
            for quantity in &bench.quantities {
                if let Source::Instrument { instrument, channel } = &quantity.source {
                    add(instrument, channel);
                }
            }
        }
    }
    series
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use tidewaiter_drivers::reading::{Indication, Missing, Quality};

    use super::*;

    fn take(series: &mut Series, second: u64, value: i64, unit: Unit, open: bool) {
        let indication = Indication { value: Decimal::whole(value), unit, quality: Quality::Good };
        series.take(Moment { mono_ms: second * 1000, wall_ms: 0 }, Ok(indication), open);
    }

    #[test]
    fn a_series_shows_its_inspection_whole_and_stays_small() {
        let mut series = Series::new("scale-1", "mass");
        for second in 0..10 * MOST_POINTS as u64 {
            take(&mut series, second, 1, Unit::Kilogram, true);
        }
        assert!(series.points.len() <= MOST_POINTS && series.points.len() > MOST_POINTS / 3, "{}", series.points.len());
        assert_eq!(series.points[0].0, 0);
        assert!(series.points.last().unwrap().0 > 9 * 600_000);
        assert!(series.points.is_sorted_by_key(|(at, _)| *at));
    }

    #[test]
    fn the_picture_begins_before_the_opening_and_stands_still_after_the_end() {
        let mut series = Series::new("scale-1", "mass");
        for second in 0..100 {
            take(&mut series, second, 0, Unit::Kilogram, false);
        }
        assert!(series.points.is_empty());
        series.begin();
        take(&mut series, 100, 30, Unit::Kilogram, true);
        assert_eq!((series.points.len(), series.points[0].0), (LEAD_IN + 1, 85_000));
        take(&mut series, 101, 0, Unit::Kilogram, false);
        series.take(Moment { mono_ms: 102_000, wall_ms: 0 }, Err(Missing::TimedOut), true);
        assert_eq!(series.points.len(), LEAD_IN + 1);
    }

    #[test]
    fn another_unit_begins_another_line() {
        let mut series = Series::new("scale-1", "mass");
        series.begin();
        take(&mut series, 1, 30, Unit::Kilogram, true);
        take(&mut series, 2, 30, Unit::Tonne, true);
        assert_eq!((series.points.len(), series.unit), (1, Some(Unit::Tonne)));
    }
}
