//! Which ports come and go, and what of it becomes a record.
//!
//! In: each time a port was opened or lost. Out: events, so few that a bad cable cannot fill the chain.
//!
//! | what the link does | recorded |
//! |---|---|
//! | it stays down, or up again, for [`HOLD_MS`] | `link-down`, `link-up` |
//! | it changes [`FLAPS`] times within [`WINDOW_MS`] | `link-flapping`, once, and again each [`AGAIN_MS`] while it lasts |
//! | then it keeps one state for [`STEADY_MS`] | `link-steady` with that state |
//!
//! Both of the latter count every change and all time down since the first one, which they name: what is not a record of
//! its own is still told. A link slower than that makes fewer than [`FLAPS`] records in [`WINDOW_MS`]; a faster one two,
//! and one an hour. What an instrument did not deliver meanwhile stands in inspections and intervals, as always.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::view::utc;

use crate::{acquire::LinkState, inspect::Event};

/// A link must stay down (or up) this long before it becomes a record of its own.
const HOLD_MS: u64 = 5_000;
/// So many changes within [`WINDOW_MS`] are flapping.
const FLAPS: usize = 8;
/// Ten minutes: some cable that is plugged in and out by hand stays below.
const WINDOW_MS: u64 = 600_000;
/// A link that has kept its state so long flaps no more. Longer than the mean of what counts as flapping, so that no
/// rhythm begins and ends it by turns.
const STEADY_MS: u64 = 300_000;
/// Between two records of a link that goes on flapping.
const AGAIN_MS: u64 = 3_600_000;

/// The links of all instruments.
#[derive(Debug, Default)]
pub(super) struct Links {
    watches: BTreeMap<Arc<str>, Watch>,
}

#[derive(Debug)]
struct Watch {
    state: LinkState,
    since: Moment,
    told: LinkState,
    /// The newest changes, [`FLAPS`] at most.
    recent: VecDeque<Moment>,
    flapping: Option<Flapping>,
}

/// What a link has done since it began to flap.
#[derive(Clone, Copy, Debug)]
struct Flapping {
    first: Moment,
    changes: u64,
    downs: u64,
    down_ms: u64,
    told_ms: Option<u64>,
}

const fn word(state: LinkState) -> &'static str {
    match state {
        LinkState::Up => "up",
        LinkState::Down => "down",
    }
}

impl Links {
    /// Takes over that a port was opened or lost.
    pub(super) fn arrival(&mut self, instrument: &Arc<str>, state: LinkState, at: Moment) {
        match self.watches.get_mut(instrument) {
            Some(watch) if watch.state == state => {}
            Some(watch) => watch.change(state, at),
            None => {
                let recent = VecDeque::with_capacity(FLAPS);
                let watch = Watch { state, since: at, told: LinkState::Up, recent, flapping: None };
                self.watches.insert(Arc::clone(instrument), watch);
            }
        }
    }

    /// Lets time pass; gives what is to be recorded now.
    pub(super) fn tick(&mut self, now: Moment) -> Vec<Event> {
        let told = self.watches.iter_mut().filter_map(|(instrument, watch)| {
            let (name, facts) = watch.tick(now)?;
            let facts = facts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
            let (place, subject) = ("self".to_owned(), Some(instrument.to_string()));
            Some(Event { place, name: name.to_owned(), subject, facts })
        });
        told.collect()
    }

    /// Forgets instruments that are no more.
    pub(super) fn retain(&mut self, stays: impl Fn(&str) -> bool) {
        self.watches.retain(|instrument, _| stays(instrument));
    }
}

type Told = (&'static str, Vec<(&'static str, String)>);

impl Watch {
    fn change(&mut self, state: LinkState, at: Moment) {
        if let Some(flapping) = &mut self.flapping {
            flapping.count(state, self.since, at);
        } else {
            if self.recent.len() >= FLAPS {
                self.recent.pop_front();
            }
            self.recent.push_back(at);
            let first = self.recent.front().copied().filter(|_| self.recent.len() >= FLAPS);
            self.flapping = first
                .filter(|first| at.mono_ms.saturating_sub(first.mono_ms) <= WINDOW_MS)
                .map(|_| Flapping::since(&self.recent, state));
        }
        self.state = state;
        self.since = at;
    }

    fn tick(&mut self, now: Moment) -> Option<Told> {
        let held_ms = now.mono_ms.saturating_sub(self.since.mono_ms);
        let Some(flapping) = &mut self.flapping else {
            if self.state == self.told || held_ms < HOLD_MS {
                return None;
            }
            self.told = self.state;
            return Some((if self.state == LinkState::Up { "link-up" } else { "link-down" }, Vec::new()));
        };
        if held_ms >= STEADY_MS {
            let mut facts = flapping.facts(self.state, self.since);
            facts.push(("to", utc(self.since.wall_ms)));
            self.told = self.state;
            self.flapping = None;
            self.recent.clear();
            return Some(("link-steady", facts));
        }
        if flapping.told_ms.is_some_and(|told| now.mono_ms.saturating_sub(told) < AGAIN_MS) {
            return None;
        }
        flapping.told_ms = Some(now.mono_ms);
        Some(("link-flapping", flapping.facts(self.state, now)))
    }
}

impl Flapping {
    /// What led to it: changes by turns, the newest to `state`.
    fn since(changes: &VecDeque<Moment>, state: LinkState) -> Self {
        let first = changes.front().copied().unwrap_or(Moment { mono_ms: 0, wall_ms: 0 });
        let mut it = Self { first, changes: 0, downs: 0, down_ms: 0, told_ms: None };
        let mut before = first;
        for (place, at) in changes.iter().enumerate() {
            let same = (changes.len() - 1 - place).is_multiple_of(2);
            let to = match (same, state) {
                (true, state) => state,
                (false, LinkState::Up) => LinkState::Down,
                (false, LinkState::Down) => LinkState::Up,
            };
            it.count(to, before, *at);
            before = *at;
        }
        it
    }

    /// Counts a change to `to`, from a state that had held since `before`.
    fn count(&mut self, to: LinkState, before: Moment, at: Moment) {
        self.changes += 1;
        match to {
            LinkState::Down => self.downs += 1,
            LinkState::Up => self.down_ms += at.mono_ms.saturating_sub(before.mono_ms),
        }
    }

    fn facts(&self, state: LinkState, upto: Moment) -> Vec<(&'static str, String)> {
        vec![
            ("state", word(state).to_owned()),
            ("changes", self.changes.to_string()),
            ("downs", self.downs.to_string()),
            ("down-s", (self.down_ms / 1000).to_string()),
            ("span-s", (upto.mono_ms.saturating_sub(self.first.mono_ms) / 1000).to_string()),
            ("from", utc(self.first.wall_ms)),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    const HOUR: u64 = 3_600_000;

    fn at(ms: u64) -> Moment {
        Moment { mono_ms: ms, wall_ms: 1_795_920_000_000 + i64::try_from(ms).unwrap() }
    }

    /// A link that is up for `up` and down for `down` by turns until `end`, from then on in `last`; a tick each second.
    fn told(up: u64, down: u64, end: u64, last: LinkState, until: u64) -> Vec<(u64, Event)> {
        let (mut links, mut told) = (Links::default(), Vec::new());
        let scale: Arc<str> = "scale-1".into();
        let mut state = LinkState::Up;
        for ms in (0..until).step_by(250) {
            let wanted = if ms >= end {
                last
            } else if ms % (up + down) < up {
                LinkState::Up
            } else {
                LinkState::Down
            };
            if ms == 0 || wanted != state {
                links.arrival(&scale, wanted, at(ms));
                state = wanted;
            }
            if ms % 1000 == 0 {
                told.extend(links.tick(at(ms)).into_iter().map(|event| (ms, event)));
            }
        }
        told
    }

    fn names(told: &[(u64, Event)]) -> Vec<&str> {
        told.iter().map(|(_, it)| it.name.as_str()).collect()
    }

    fn fact(event: &Event, name: &str) -> String {
        event.facts.iter().find(|it| it.0 == name).map(|it| it.1.clone()).unwrap_or_default()
    }

    #[test]
    fn an_outage_is_two_records() {
        let told = told(60_000, 90_000, 150_000, LinkState::Up, 400_000);
        assert_eq!(names(&told), ["link-down", "link-up"]);
        assert_eq!((told[0].0, told[1].0), (65_000, 155_000));
    }

    #[test]
    fn a_blink_is_none() {
        assert!(told(60_000, 3_000, 63_000, LinkState::Up, 400_000).is_empty());
    }

    #[test]
    fn a_day_of_flapping_is_one_record_an_hour_and_every_change_is_counted() {
        for (up, down) in [(1_000, 1_000), (10_000, 10_000), (20_000, 40_000), (60_000, 15_000)] {
            let told = told(up, down, 24 * HOUR, LinkState::Up, 25 * HOUR);
            let names = names(&told);
            assert!(names.len() <= 24 + 10, "{up}/{down}: {} records", names.len());
            assert_eq!(names.iter().filter(|it| **it == "link-steady").count(), 1, "{up}/{down}: {names:?}");
            let (_, last) = told.last().unwrap();
            assert_eq!((last.name.as_str(), fact(last, "state").as_str()), ("link-steady", "up"));
            let rounds = 24 * HOUR / (up + down);
            // The last down is over when the day is.
            assert_eq!(fact(last, "changes"), (2 * rounds).to_string(), "{up}/{down}");
            assert_eq!(fact(last, "downs"), rounds.to_string());
            assert_eq!(fact(last, "down-s"), (rounds * down / 1000).to_string());
            assert_eq!(fact(last, "from"), utc(at(up).wall_ms), "the first down is named");
            assert_eq!(fact(last, "to"), utc(at(24 * HOUR).wall_ms), "and the last up");
        }
    }

    #[test]
    fn no_rhythm_makes_records_without_bound() {
        for up in [1_000, 4_000, 6_000, 30_000, 70_000, 76_000, 150_000, 299_000, 301_000, 600_000] {
            for down in [1_000, 6_000, 30_000, 74_000, 76_000, 299_000, 301_000, 600_000] {
                let count = told(up, down, 12 * HOUR, LinkState::Down, 13 * HOUR).len();
                // Seven in ten minutes, for twelve hours, is what the slowest may do.
                assert!(count <= 12 * 6 * (FLAPS - 1), "{up}/{down}: {count}");
                assert!(count >= 1, "{up}/{down}: nothing is told");
            }
        }
    }

    #[test]
    fn a_link_that_ends_down_is_told_to_be_down_and_later_up() {
        let mut all = told(10_000, 10_000, HOUR, LinkState::Down, 2 * HOUR);
        let (_, last) = all.pop().unwrap();
        assert_eq!((last.name.as_str(), fact(&last, "state").as_str()), ("link-steady", "down"));
        let again: Vec<_> = {
            let mut links = Links::default();
            let scale: Arc<str> = "scale-1".into();
            links.arrival(&scale, LinkState::Down, at(0));
            let mut names: Vec<String> = links.tick(at(6_000)).into_iter().map(|it| it.name).collect();
            links.arrival(&scale, LinkState::Up, at(7_000));
            names.extend(links.tick(at(13_000)).into_iter().map(|it| it.name));
            links.retain(|_| false);
            assert!(links.watches.is_empty());
            names
        };
        assert_eq!(again, ["link-down", "link-up"]);
    }
}
