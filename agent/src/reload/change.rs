//! What differs between two sites, and what follows from it. Pure.
//!
//! | part of the site file | what a change of it does |
//! |---|---|
//! | `[site] name` and `zone`, `[record]`, `[privacy]`, the rest of `[local]`, `[[declarations]]`, `[plan]` | taken up at once |
//! | limit tables, programmes, `judge` | judge from here on; places judged by them are waited for |
//! | `register` and `serial_number` of an instrument | count from here on |
//! | `[[ports]]`, and all else of an instrument | the port is closed and opened again, and no other |
//! | `[[lanes]]`, `[[rigs]]`, `[[watches]]`, `[[checks]]` | the place begins anew once it is idle |
//! | `[uplink]` | the broker is connected to again |
//! | `[site] id` and `agent`, `[store]`, `[clock]`, `[keys]`, `[local] listen`, `[authority]`, `[[outputs]]`, `[[cameras]]`, an uplink or `[local.tls]` where there was none | refused: they need a restart |
//!
//! Both sites are taken apart field by field, so that a new key of the site file does not compile until somebody has
//! decided what a change of it does.

use std::collections::BTreeSet;

use tidewaiter_config::site::{Instrument, Judge, Lane, LorryGate, Rig, Site};

/// What a new site changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Parts that cannot change while the agent runs.
    pub restart: Vec<&'static str>,
    /// Ports of the old site to be closed.
    pub close: BTreeSet<String>,
    /// Ports of the new site to be opened.
    pub open: BTreeSet<String>,
    /// Instruments, old and new, that are read in another way than before, or no longer, or not yet.
    pub redefined: BTreeSet<String>,
    /// All instruments, old and new, on ports that are closed or opened.
    pub reopened: BTreeSet<String>,
    /// Lanes, rigs, watches and checks, old and new, whose machine goes or comes.
    pub rebuilt: BTreeSet<String>,
    /// Places that are waited for, because what is open at them would be cut. Contains those of `rebuilt` that were there.
    pub cut: BTreeSet<String>,
    /// Places that are waited for, because what is open at them would be judged by other limits.
    pub judged: BTreeSet<String>,
    /// Limit tables or programmes differ.
    pub tables: bool,
    /// The broker, or how it is reached.
    pub uplink: bool,
    /// Everything that differs, as the words of the site file.
    pub parts: Vec<String>,
}

impl Change {
    /// What follows from going on with `new`.
    pub fn between(old: &Site, new: &Site) -> Self {
        let mut change = Self { restart: restart(old, new), ..Self::default() };
        change.ports(old, new);
        change.tables = digests(old) != digests(new);
        change.places(old, new);
        change.uplink = old.uplink != new.uplink;
        change.name_parts(old, new);
        change
    }

    /// Nothing that is compared differs.
    pub const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn ports(&mut self, old: &Site, new: &Site) {
        let all = |site: &Site| site.instruments.iter().map(|it| it.id.clone()).collect::<BTreeSet<_>>();
        for id in all(old).union(&all(new)) {
            if old.instrument(id).map(wire) != new.instrument(id).map(wire) {
                self.redefined.insert(id.clone());
            }
        }
        let ids = |site: &Site| site.ports.iter().map(|it| it.id.clone()).collect::<BTreeSet<_>>();
        for id in ids(old).union(&ids(new)) {
            let same_link = old.port(id) == new.port(id);
            if same_link && on(old, id) == on(new, id) {
                continue;
            }
            self.close.extend(old.port(id).map(|it| it.id.clone()));
            self.open.extend(new.port(id).map(|it| it.id.clone()));
            let there = |site: &Site| {
                let on = site.instruments.iter().filter(|it| it.port == *id);
                on.map(|it| it.id.clone()).collect::<Vec<_>>()
            };
            self.reopened.extend(there(old));
            self.reopened.extend(there(new));
        }
    }

    fn places(&mut self, old: &Site, new: &Site) {
        let ids = |site: &Site| {
            let lanes = site.lanes.iter().map(|it| it.id.clone());
            let rigs = site.rigs.iter().map(|it| it.id.clone());
            let watches = site.watches.iter().map(|it| it.id.clone());
            let checks = site.checks.iter().map(|it| it.id.clone());
            lanes.chain(rigs).chain(watches).chain(checks).collect::<BTreeSet<_>>()
        };
        for id in ids(old).union(&ids(new)) {
            let (before, after) = (Place::of(old, id), Place::of(new, id));
            let uses = |it: &BTreeSet<String>| {
                let mut used = before.iter().chain(&after).flat_map(|place| &place.instruments);
                used.any(|instrument| it.contains(*instrument))
            };
            let differs = before.as_ref().map(|it| &it.machine) != after.as_ref().map(|it| &it.machine);
            if differs || uses(&self.redefined) {
                self.rebuilt.insert(id.clone());
            }
            if before.is_none() {
                continue;
            }
            if self.rebuilt.contains(id) || uses(&self.reopened) {
                self.cut.insert(id.clone());
            }
            if let (Some(before), Some(after)) = (before, after)
                && before.judge != after.judge
            {
                self.judged.insert(id.clone());
            }
        }
    }

    fn name_parts(&mut self, old: &Site, new: &Site) {
        let mut parts: Vec<String> = self.restart.iter().map(|it| (*it).to_owned()).collect();
        let mut named = |kind: &str, ids: Vec<&String>| parts.extend(ids.into_iter().map(|id| format!("{kind} {id}")));
        named("port", self.close.union(&self.open).collect());
        named("instrument", instruments_that_differ(old, new));
        named("place", self.rebuilt.union(&self.judged).collect());
        let rest = [
            (self.tables, "limit tables"),
            (self.uplink && !self.restart.contains(&UPLINK), "[uplink]"),
            (old.name != new.name, "[site] name"),
            (old.zone != new.zone, "[site] zone"),
            (old.local != new.local, "[local]"),
            (old.privacy != new.privacy, "[privacy]"),
            (old.record != new.record, "[record]"),
            (old.declarations != new.declarations, "[[declarations]]"),
            (old.plan != new.plan, "[plan]"),
            // Comments, the order of tables: nothing follows from it, but records name the file's digest.
            (old.digest != new.digest, "site file"),
        ];
        parts.extend(rest.into_iter().filter(|(differs, _)| *differs).map(|(_, part)| part.to_owned()));
        self.parts = parts;
    }
}

/// Its files may be others at any time; whether there is one decides how the doors are made.
const LOCAL_TLS: &str = "[local.tls]: one where there was none, or none where there was one";
const UPLINK: &str = "[uplink]: one where there was none, or none where there was one";

fn restart(old: &Site, new: &Site) -> Vec<&'static str> {
    // Every field of a site stands here once: in a row of this table, or with the others below.
    let Site {
        id,
        agent,
        name: _,
        zone: _,
        store,
        clock,
        keys,
        uplink,
        local,
        privacy: _,
        record: _,
        ports: _,
        instruments: _,
        lanes: _,
        rigs: _,
        watches: _,
        checks: _,
        declarations: _,
        plan: _,
        authority,
        outputs,
        cameras,
        // The folder is read; what is in it is compared.
        limits: _,
        tables: _,
        programmes: _,
        digest: _,
    } = old;
    let rows = [
        (*id != new.id, "[site] id"),
        (*agent != new.agent, "[site] agent"),
        (*store != new.store, "[store]"),
        (*clock != new.clock, "[clock]"),
        (*keys != new.keys, "[keys]"),
        (local.listen != new.local.listen, "[local] listen"),
        (local.tls.is_some() != new.local.tls.is_some(), LOCAL_TLS),
        (*authority != new.authority, "[authority]"),
        (*outputs != new.outputs, "[[outputs]]"),
        (*cameras != new.cameras, "[[cameras]]"),
        (uplink.is_some() != new.uplink.is_some(), UPLINK),
    ];
    rows.into_iter().filter(|(differs, _)| *differs).map(|(_, part)| part).collect()
}

/// An instrument as its port reads it: without what is known of it beside.
fn wire(instrument: &Instrument) -> Instrument {
    Instrument { register: None, serial_number: None, ..instrument.clone() }
}

/// The instruments on a port, as it reads them, in the order in which it asks them.
fn on(site: &Site, port: &str) -> Vec<Instrument> {
    site.instruments.iter().filter(|it| it.port == port).map(wire).collect()
}

fn instruments_that_differ<'s>(old: &'s Site, new: &'s Site) -> Vec<&'s String> {
    let ids: BTreeSet<&String> = old.instruments.iter().chain(&new.instruments).map(|it| &it.id).collect();
    ids.into_iter().filter(|id| old.instrument(id) != new.instrument(id)).collect()
}

fn digests(site: &Site) -> (Vec<[u8; 32]>, Vec<[u8; 32]>) {
    (site.tables.iter().map(|it| it.digest).collect(), site.programmes.iter().map(|it| it.digest).collect())
}

/// One place as its machine and its judge are made of it.
struct Place<'s> {
    machine: Machine,
    instruments: Vec<&'s String>,
    /// What it is judged by, with the digests of the tables named.
    judge: (Vec<Judge>, Vec<[u8; 32]>),
}

/// What a machine is made of.
#[derive(PartialEq, Eq)]
enum Machine {
    Lane(Box<LorryGate>),
    Rig(Box<Rig>, Vec<[u8; 32]>),
    Watch(tidewaiter_config::site::Watch),
    /// With the lanes its instrument weighs or counts for: their threshold says when it is clear.
    Check(Box<tidewaiter_config::site::Check>, Vec<Lane>, Vec<String>),
}

impl<'s> Place<'s> {
    fn of(site: &'s Site, id: &str) -> Option<Self> {
        if let Some(lane) = site.lanes.iter().find(|it| it.id == id) {
            let gate = &lane.gate;
            let readers = [&gate.portal, &gate.plate, &gate.container].into_iter().flatten();
            let dose_rate = gate.dose_rate.iter().map(|(instrument, _)| instrument);
            return Some(Self {
                machine: Machine::Lane(Box::new(LorryGate { judge: Vec::new(), ..gate.clone() })),
                instruments: std::iter::once(&gate.scale).chain(readers).chain(dose_rate).collect(),
                judge: judged_by(site, &gate.judge, None),
            });
        }
        if let Some(rig) = site.rigs.iter().find(|it| it.id == id) {
            let programme = rig.procedure.programme();
            let digests = site.programmes.iter().filter(|it| Some(it.id.as_str()) == programme).map(|it| it.digest);
            let measures = |it: &&Instrument| rig.procedure.measures_by(&it.id);
            return Some(Self {
                machine: Machine::Rig(Box::new(Rig { judge: Vec::new(), ..rig.clone() }), digests.collect()),
                instruments: site.instruments.iter().filter(measures).map(|it| &it.id).collect(),
                judge: judged_by(site, &rig.judge, programme),
            });
        }
        if let Some(watch) = site.watches.iter().find(|it| it.id == id) {
            return Some(Self {
                machine: Machine::Watch(watch.clone()),
                instruments: vec![&watch.instrument],
                judge: judged_by(site, &[], None),
            });
        }
        let check = site.check(id)?;
        let by = |lane: &&Lane| lane.gate.measures_by(&check.instrument);
        let lanes: Vec<Lane> = site.lanes.iter().filter(by).cloned().collect();
        let monitors = lanes.iter().filter_map(|lane| lane.gate.dose_rate.as_ref()).map(|(id, _)| id.clone());
        let disturbed: Vec<String> = monitors.collect();
        let held = |it: &&Instrument| it.id == check.instrument || disturbed.contains(&it.id);
        let places = site.places_judging_by(&check.instrument).map(str::to_owned).collect();
        Some(Self {
            machine: Machine::Check(Box::new(check.clone()), lanes.into_iter().map(without_judge).collect(), places),
            instruments: site.instruments.iter().filter(held).map(|it| &it.id).collect(),
            judge: judged_by(site, &check.judge, None),
        })
    }
}

fn without_judge(lane: Lane) -> Lane {
    Lane { gate: LorryGate { judge: Vec::new(), ..lane.gate }, ..lane }
}

fn judged_by(site: &Site, judge: &[Judge], programme: Option<&str>) -> (Vec<Judge>, Vec<[u8; 32]>) {
    let named = |id: &str| judge.iter().any(|it| it.table == id);
    let tables = site.tables.iter().filter(|it| named(&it.id)).map(|it| it.digest);
    let programmes = site.programmes.iter().filter(|it| Some(it.id.as_str()) == programme).map(|it| it.digest);
    (judge.to_vec(), tables.chain(programmes).collect())
}
