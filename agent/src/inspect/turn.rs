//! Another site while machines run: which go on as they are, and which are built anew.

use std::collections::BTreeSet;

use tidewaiter_config::site::Site;
use tidewaiter_drivers::reading::Moment;

use super::{Engine, Step};

impl Engine {
    /// Whether something is under way at a lane, rig or function check. A watch never is: its period ends where it is cut.
    pub fn is_busy(&self, place: &str) -> bool {
        self.lanes.get(place).is_some_and(|lane| !lane.is_idle())
            || self.rigs.get(place).is_some_and(|rig| rig.running().is_some())
            || self.checks.is_busy(place)
    }

    /// Whether this is a rig.
    pub fn is_rig(&self, place: &str) -> bool {
        self.rigs.contains_key(place)
    }

    /// Ends what is open at these places: their machines are about to go.
    pub fn interrupt_at(&mut self, places: &BTreeSet<String>, now: Moment) -> Vec<Step> {
        let mut steps = Vec::new();
        for (_, lane) in self.lanes.iter_mut().filter(|(id, _)| places.contains(*id)) {
            steps.extend(lane.interrupt(now));
        }
        for (_, rig) in self.rigs.iter_mut().filter(|(id, _)| places.contains(*id)) {
            steps.extend(rig.interrupt(now));
        }
        for watch in self.watches.iter_mut().filter(|it| places.contains(it.id())) {
            steps.extend(watch.interrupt(now));
        }
        self.standing.stamp(&mut steps);
        for check in places {
            steps.extend(self.checks.interrupt_one(check, now));
        }
        steps
    }

    /// Goes on with another site: machines for the `rebuilt` places are made anew, all others stay as they are, with what
    /// is open at them and what they have learnt. What opens later is numbered on, so that no id is given twice.
    pub fn turn(&mut self, site: &Site, rebuilt: &BTreeSet<String>, now: Moment) {
        let fresh = Self::new(site, self.boot, now);
        let old = std::mem::replace(self, fresh);
        self.spent = old.spent;
        for (id, mut lane) in old.lanes {
            self.spent.insert(id.clone(), lane.numbering().next());
            if !rebuilt.contains(&id) && self.lanes.contains_key(&id) {
                self.lanes.insert(id, lane);
            }
        }
        for (id, mut rig) in old.rigs {
            self.spent.insert(id.clone(), rig.numbering().next());
            if !rebuilt.contains(&id) && self.rigs.contains_key(&id) {
                self.rigs.insert(id, rig);
            }
        }
        for watch in old.watches {
            if !rebuilt.contains(watch.id())
                && let Some(place) = self.watches.iter_mut().find(|it| it.id() == watch.id())
            {
                *place = watch;
            }
        }
        for (id, lane) in &mut self.lanes {
            lane.numbering().skip_below(self.spent.get(id).copied().unwrap_or_default());
        }
        for (id, rig) in &mut self.rigs {
            rig.numbering().skip_below(self.spent.get(id).copied().unwrap_or_default());
        }
        self.checks.take_over(old.checks, rebuilt, &mut self.spent);
        self.standing = old.standing;
        let drills = self.standing.drills().clone();
        self.restore_drills(drills);
    }
}
