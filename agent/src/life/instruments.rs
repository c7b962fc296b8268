//! Instruments as they identified themselves, and how their bytes are decoded.
//!
//! Each instrument has a record of it before its first reading of a run, so that every reading in the chain can be
//! decoded again from its raw bytes. One whose protocol tells nothing has it at the start; one that tells something, when it
//! does or when a reading comes without, again when what it tells changes, and once an hour with the time it was told.

use std::collections::{BTreeMap, BTreeSet};

use tidewaiter_config::{
    profile::Fact,
    site::{Codec, Instrument, Protocol, Site},
};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    Hash,
    body::{Context, Detail, Flags, InstrumentIdentity},
};

use super::own;
use crate::{
    acquire::{Arrival, Content},
    outbox::Draft,
};

/// How often what an instrument told is said again.
const AGAIN_MS: u64 = 3_600_000;
/// The fact that says when the others were told, UTC milliseconds.
const TOLD_AT: &str = "told-at-ms";

/// Every instrument of a site.
#[derive(Clone, Debug)]
pub struct Instruments {
    context: Context,
    known: BTreeMap<String, Known>,
}

#[derive(Clone, Debug)]
struct Known {
    simulated: bool,
    driver: &'static str,
    profile: Option<(String, Hash)>,
    expected: BTreeMap<&'static str, String>,
    /// Its protocol can tell who it is.
    tells: bool,
    facts: BTreeMap<String, String>,
    told_at: Option<Moment>,
    /// It was compared with the register of instruments and told nothing that was expected.
    mute: bool,
    /// Monotonic time of the last record of it in this run.
    recorded_ms: Option<u64>,
}

impl Known {
    fn of(instrument: &Instrument) -> Self {
        let (profile, tells) = match &instrument.protocol {
            Protocol::Registers { profile, .. } => (
                Some((profile.id.clone(), Hash(profile.digest))),
                profile.device_identification || !profile.identity.is_empty(),
            ),
            Protocol::Line { profile, .. } => {
                (Some((profile.id.clone(), Hash(profile.digest))), profile.lines.iter().any(|it| it.serial.is_some()))
            }
            Protocol::Stream { codec, .. } => (None, matches!(codec, Codec::Orion)),
            Protocol::Xk3190Tf0 { .. }
            | Protocol::RpmLines { .. }
            | Protocol::PhStream
            | Protocol::PlateLines { .. } => (None, false),
        };
        Self {
            simulated: instrument.simulated,
            driver: instrument.protocol.word(),
            profile,
            expected: instrument.identity.iter().map(|(fact, text)| (fact.word(), text.clone())).collect(),
            tells,
            facts: BTreeMap::new(),
            told_at: None,
            mute: false,
            recorded_ms: None,
        }
    }

    /// Against the register of instruments.
    fn standing(&self) -> &'static str {
        let is = |(fact, text): (&&str, &String)| self.facts.get(*fact) == Some(text);
        match (self.facts.is_empty(), self.expected.is_empty()) {
            (true, _) if self.mute => "mismatch",
            (true, _) => "silent",
            (false, true) => "unregistered",
            (false, false) if self.expected.iter().all(is) => "as-registered",
            (false, false) => "mismatch",
        }
    }

    fn record(&mut self, id: &str, context: &Context, now_ms: u64) -> Draft {
        self.recorded_ms = Some(now_ms);
        let mut facts = self.facts.clone();
        facts.extend(self.told_at.map(|at| (TOLD_AT.to_owned(), at.wall_ms.to_string())));
        own(Detail::InstrumentIdentity(Box::new(InstrumentIdentity {
            flags: Flags { simulated: self.simulated, drill: false },
            instrument: id.to_owned(),
            facts,
            standing: self.standing().to_owned(),
            driver: self.driver.to_owned(),
            profile: self.profile.clone(),
            context: context.clone(),
        })))
    }
}

impl Instruments {
    /// The instruments of `site`, none of them heard of in this run.
    pub fn new(site: &Site, context: Context) -> Self {
        let known = site.instruments.iter().map(|it| (it.id.clone(), Known::of(it))).collect();
        Self { context, known }
    }

    /// Goes on with another site. What an instrument has told of itself stays as long as it is read as before.
    pub fn turn(&mut self, site: &Site, context: Context, changed: &BTreeSet<String>) {
        let mut old = std::mem::take(&mut self.known);
        let mut known = |it: &Instrument| match old.remove(&it.id).filter(|_| !changed.contains(&it.id)) {
            Some(known) => known,
            None => Known::of(it),
        };
        self.known = site.instruments.iter().map(|it| (it.id.clone(), known(it))).collect();
        self.context = context;
    }

    /// Records that are due without anything having come.
    pub fn tick(&mut self, now: Moment) -> Vec<Draft> {
        let due = |it: &Known| match it.recorded_ms {
            None => !it.tells,
            Some(last) => !it.facts.is_empty() && now.mono_ms.saturating_sub(last) >= AGAIN_MS,
        };
        let due = self.known.iter_mut().filter(|(_, it)| due(it));
        due.map(|(id, it)| it.record(id, &self.context, now.mono_ms)).collect()
    }

    /// The record that has to stand in the chain before what arrived.
    pub fn arrival(&mut self, arrival: &Arrival) -> Option<Draft> {
        let it = self.known.get_mut(&*arrival.instrument)?;
        let news = match &arrival.content {
            Content::Event(told) => match told.name {
                "identity-seen" | "identity-changed" => {
                    let is_fact = |name: &str| Fact::ALL.iter().any(|fact| fact.word() == name);
                    it.facts = told.facts.iter().filter(|(name, _)| is_fact(name)).cloned().collect();
                    it.told_at = Some(arrival.at);
                    it.mute = false;
                    true
                }
                "identity-mismatch" if it.facts.is_empty() => !std::mem::replace(&mut it.mute, true),
                _ => false,
            },
            Content::Readings(_) | Content::Portal(_) | Content::Identity(_) => it.recorded_ms.is_none(),
            Content::Missing(_) | Content::Link(_) => false,
        };
        news.then(|| it.record(&arrival.instrument, &self.context, arrival.at.mono_ms))
    }

    /// The record of this instrument was refused: it is still owed.
    pub fn not_recorded(&mut self, draft: &Draft) {
        if let Detail::InstrumentIdentity(it) = &draft.detail
            && let Some(known) = self.known.get_mut(&it.instrument)
        {
            known.recorded_ms = None;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::sync::Arc;

    use bytes::Bytes;
    use tidewaiter_drivers::reading::Missing;

    use super::*;
    use crate::acquire::Happening;

    const SITE: &str = r#"
version = 1
[site]
id = "s"
agent = "a"
name = "s"
[store]
dir = "data"
[[ports]]
id = "bus"
[ports.modbus_tcp]
address = "127.0.0.1:502"
[[ports]]
id = "line"
[ports.tcp]
address = "127.0.0.1:4001"
[[instruments]]
id = "gamma"
port = "bus"
[instruments.registers]
profile = "gamma-dose-rate-generic"
unit_id = 1
poll = "1 s"
timeout = "500 ms"
[[instruments]]
id = "meter"
port = "line"
[instruments.ph_stream]
"#;

    fn instruments(expected: Option<&str>) -> Instruments {
        let (mut site, _) = tidewaiter_config::site::site_from_str(SITE, std::path::Path::new("."))
            .unwrap_or_else(|why| panic!("{why}"));
        if let Protocol::Registers { profile, .. } = &mut site.instruments[0].protocol {
            profile.device_identification = true;
        }
        site.instruments[0].identity.extend(expected.map(|text| (Fact::Serial, text.to_owned())));
        Instruments::new(&site, Context { software: "t".into(), config: [0; 32] })
    }

    fn said(draft: &Draft) -> String {
        let Detail::InstrumentIdentity(it) = &draft.detail else { panic!("{draft:?}") };
        let facts: Vec<_> = it.facts.iter().map(|(name, fact)| format!("{name}={fact}")).collect();
        let profile = it.profile.as_ref().map_or("-", |(id, _)| id.as_str());
        format!("{} {} {} {profile} {}", it.instrument, it.standing, it.driver, facts.join(","))
    }

    fn arrival(instrument: &str, at: u64, content: Content) -> Arrival {
        let at = Moment { mono_ms: at, wall_ms: 9 };
        Arrival { instrument: Arc::from(instrument), at, raw: Bytes::new(), content }
    }

    fn told(name: &'static str, facts: &[(&str, &str)]) -> Content {
        let facts = facts.iter().map(|(name, fact)| ((*name).to_owned(), (*fact).to_owned())).collect();
        Content::Event(Happening { name, facts })
    }

    #[test]
    fn the_decode_rule_stands_before_the_first_reading_once_a_run() {
        let mut all = instruments(None);
        let start: Vec<String> = all.tick(Moment { mono_ms: 0, wall_ms: 0 }).iter().map(said).collect();
        assert_eq!(start, ["meter silent ph_stream - "], "who cannot tell has it at the start");
        assert!(all.tick(Moment { mono_ms: AGAIN_MS * 3, wall_ms: 0 }).is_empty(), "and once");
        assert!(all.arrival(&arrival("gamma", 1, Content::Missing(Missing::LineDown))).is_none());
        let first = all.arrival(&arrival("gamma", 2, Content::Readings(Vec::new()))).unwrap();
        assert_eq!(said(&first), "gamma silent registers gamma-dose-rate-generic ");
        assert!(all.arrival(&arrival("gamma", 3, Content::Readings(Vec::new()))).is_none());
        all.not_recorded(&first);
        assert!(all.arrival(&arrival("gamma", 4, Content::Readings(Vec::new()))).is_some(), "a refused one is owed");
    }

    #[test]
    fn what_it_tells_is_recorded_when_it_changes_and_once_an_hour() {
        let rows = [(None, "unregistered"), (Some("7"), "as-registered"), (Some("8"), "mismatch")];
        for (expected, standing) in rows {
            let mut all = instruments(expected);
            let seen = told("identity-seen", &[("vendor", "ACME"), ("serial", "7")]);
            let first = all.arrival(&arrival("gamma", 10, seen)).unwrap();
            let facts = "serial=7,told-at-ms=9,vendor=ACME";
            assert_eq!(said(&first), format!("gamma {standing} registers gamma-dose-rate-generic {facts}"));
            assert!(all.arrival(&arrival("gamma", 10, told("identity-mismatch", &[("serial", "7")]))).is_none());
            let due = |all: &mut Instruments, at| {
                all.tick(Moment { mono_ms: at, wall_ms: 0 }).iter().any(|it| said(it).starts_with("gamma"))
            };
            assert!(!due(&mut all, AGAIN_MS) && due(&mut all, AGAIN_MS + 10) && !due(&mut all, AGAIN_MS + 11));
            let changed = told("identity-changed", &[("vendor", "ACME"), ("former-serial", "7")]);
            let then = all.arrival(&arrival("gamma", 20, changed)).unwrap();
            assert!(said(&then).ends_with("told-at-ms=9,vendor=ACME"), "{}", said(&then));
        }
        // One that is asked and knows no answer is not the registered one.
        let mut all = instruments(Some("7"));
        let mute = all.arrival(&arrival("gamma", 1, told("identity-mismatch", &[("serial", "")]))).unwrap();
        assert!(said(&mute).starts_with("gamma mismatch"));
        assert!(all.arrival(&arrival("gamma", 2, told("identity-mismatch", &[("serial", "")]))).is_none());
    }
}
