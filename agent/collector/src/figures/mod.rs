//! How the centre stands: one set of facts for `status --json`, for `GET /metrics`, and for whoever is asked at night.
//!
//! | file | what it does |
//! |---|---|
//! | this one | the store, the keys and a time in; [`Figures`] out |
//! | [`running`] | what only the running process knows: broker, receipts, whether the one task still comes round |
//! | [`text`] | both as `OpenMetrics` text |
//! | [`listen`] | the listener: `/metrics`, `/healthz` |
//!
//! Everything here can be read afresh from the store at any time, so the figures are the same before and after a restart and the same at
//! each of several collectors on one store. No record, plate, sample or person is named; agents are, the [`MOST_NAMED`] that have been
//! silent longest, so that a centre of thousands gives no more lines than one of a hundred.

pub mod listen;
pub mod running;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tidewaiter_record::{ChainId, Registry, Role};

use crate::{
    store::{Outline, Store, StoreError},
    summary::Summary,
};

/// Agents that are named with the time since their last record.
pub const MOST_NAMED: usize = 100;

/// Chains with a gap or missing evidence of which single records are looked up; where there are more, everybody knows already.
const MOST_LOOKED_UP: usize = 1_000;

/// Every running agent seals at least one record in 60 s, so one that is silent for longer than these is late, in trouble, or gone.
pub const SILENT_FOR_S: [u64; 4] = [180, 900, 3_600, 86_400];

/// Facts of the store at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// The counts of everything that came in.
    #[serde(skip)]
    pub summary: Summary,
    /// Agents that have sent a record and have a key that is open.
    pub agents: u64,
    /// Agents with an open key that have never sent one.
    pub agents_unseen: u64,
    /// Agents all of whose keys are closed or revoked; their silence is no news.
    pub agents_retired: u64,
    /// Of [`Figures::agents`], how many sent nothing for longer than each of [`SILENT_FOR_S`], by seconds.
    pub agents_silent: BTreeMap<u64, u64>,
    /// The agents that have been silent longest.
    pub silence: Vec<Silence>,
    /// Chains with a gap.
    pub gaps_open: u64,
    /// Of these, gaps that were open for so long that they were counted as an incident.
    pub gaps_late: u64,
    /// Age of the oldest gap, milliseconds; 0 without one.
    pub gap_oldest_ms: u64,
    /// Records that wait behind a gap.
    pub records_waiting: u64,
    /// Chains whose receipts stop before a record whose evidence is missing.
    pub chains_held: u64,
    /// Age of the oldest record that is here and that no receipt covers, since it came, milliseconds; 0 without one.
    pub unreceipted_oldest_ms: u64,
    /// Other records under numbers that are taken: chains that fork.
    pub forks: u64,
    /// Chains that were begun in place of another, where the registry is at hand.
    pub chain_resets: u64,
    /// Leaves of the log.
    pub log_leaves: u64,
    /// The newest head of it.
    pub log_head: Option<HeadFigures>,
    /// Bytes that the store takes.
    pub store_bytes: u64,
    /// Bytes that are left on its disk; none where it is on a server.
    pub store_free_bytes: Option<u64>,
}

/// The newest head of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HeadFigures {
    /// Its number.
    pub number: u64,
    /// Leaves it covers.
    pub size: u64,
    /// Milliseconds since it was signed.
    pub age_ms: u64,
}

/// How long an agent has sent no record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// Site of its newest record.
    pub site: String,
    /// The agent.
    pub agent: String,
    /// Milliseconds since its newest record came in.
    pub ms: u64,
}

impl Figures {
    /// Reads them.
    ///
    /// `registry` is the one in force, with what chains have handed their keys to; without it every agent that was ever seen counts.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn of(
        store: &dyn Store,
        registry: Option<&Registry>,
        free_bytes: Option<u64>,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let outline = store.outline()?;
        let since = |then_ms: i64| now_ms.saturating_sub(then_ms).max(0).unsigned_abs();
        let known = Known::of(&outline, &newest(store, &outline)?, registry);
        let silence = known.silence(since);
        let gaps = store.gaps()?;
        let over = |limit: &u64| silence.iter().filter(|it| it.ms > limit * 1_000).count() as u64;
        let resets = registry.map_or(0, |it| it.keys().filter(|it| it.follows.is_some()).count());
        Ok(Self {
            summary: Summary::of(&store.counters()?, &outline),
            agents: silence.len() as u64,
            agents_unseen: known.unseen,
            agents_retired: known.retired,
            agents_silent: SILENT_FOR_S.iter().map(|it| (*it, over(it))).collect(),
            gaps_open: gaps.len() as u64,
            gaps_late: gaps.iter().filter(|it| it.reported).count() as u64,
            gap_oldest_ms: gaps.iter().map(|it| since(it.opened_ms)).max().unwrap_or(0),
            records_waiting: outline.iter().map(|it| it.waiting).sum(),
            chains_held: outline.iter().filter(|it| it.receipted() < it.next_seq).count() as u64,
            unreceipted_oldest_ms: oldest_unreceipted(store, &outline)?.map_or(0, since),
            forks: store.forks()?.len() as u64,
            chain_resets: resets as u64,
            log_leaves: store.log_size()?,
            log_head: store.newest_head()?.map(|it| HeadFigures {
                number: it.number,
                size: it.size,
                age_ms: since(it.at_ms),
            }),
            store_bytes: store.size_bytes()?,
            store_free_bytes: free_bytes,
            silence: silence.into_iter().take(MOST_NAMED).collect(),
        })
    }
}

/// Who there is, by store and registry.
struct Known<'a> {
    /// Agents that are to be heard of: site, and when the newest record of any of their chains came.
    active: BTreeMap<&'a str, (&'a str, i64)>,
    unseen: u64,
    retired: u64,
}

impl<'a> Known<'a> {
    fn of(outline: &'a [Outline], newest_ms: &BTreeMap<ChainId, i64>, registry: Option<&'a Registry>) -> Self {
        let mut seen: BTreeMap<&str, (&str, i64)> = BTreeMap::new();
        for it in outline {
            // An agent that was given a new chain is as silent as the newer of the two.
            let came_ms = newest_ms.get(&it.chain).map_or(it.head_received_ms, |waits| it.head_received_ms.max(*waits));
            let newest = seen.entry(&it.agent).or_insert((&it.site, came_ms));
            if came_ms > newest.1 {
                *newest = (&it.site, came_ms);
            }
        }
        let Some(registry) = registry else { return Self { active: seen, unseen: 0, retired: 0 } };
        let of_agents = || registry.keys().filter(|it| it.role == Role::Agent);
        let all: BTreeSet<&str> = of_agents().map(|it| it.agent.as_str()).collect();
        let open: BTreeSet<&str> = of_agents().filter(|it| it.to_seq.is_none()).map(|it| it.agent.as_str()).collect();
        let unseen = open.iter().filter(|it| !seen.contains_key(*it)).count() as u64;
        seen.retain(|agent, _| open.contains(agent));
        Self { active: seen, unseen, retired: (all.len() - open.len()) as u64 }
    }

    /// The longest first.
    fn silence(&self, since: impl Fn(i64) -> u64) -> Vec<Silence> {
        let mut all: Vec<_> = self
            .active
            .iter()
            .map(|(agent, (site, at_ms))| Silence {
                site: (*site).to_owned(),
                agent: (*agent).to_owned(),
                ms: since(*at_ms),
            })
            .collect();
        all.sort_by(|a, b| b.ms.cmp(&a.ms).then_with(|| a.agent.cmp(&b.agent)));
        all
    }
}

/// When the newest record came of chains with a gap: what waits behind it is no silence.
fn newest(store: &dyn Store, outline: &[Outline]) -> Result<BTreeMap<ChainId, i64>, StoreError> {
    let mut newest = BTreeMap::new();
    for it in outline.iter().filter(|it| it.waiting > 0).take(MOST_LOOKED_UP) {
        let Some(highest) = it.highest else { continue };
        if let Some(link) = store.link(it.chain, highest)? {
            newest.insert(it.chain, link.received_ms);
        }
    }
    Ok(newest)
}

/// When the oldest record came that is here and not under a receipt: behind a gap, or before evidence that is missing.
fn oldest_unreceipted(store: &dyn Store, outline: &[Outline]) -> Result<Option<i64>, StoreError> {
    let owed = outline.iter().filter(|it| it.receipted() < it.next_seq || it.waiting > 0);
    let mut oldest: Option<i64> = None;
    for it in owed.take(MOST_LOOKED_UP) {
        let first = if it.receipted() < it.next_seq {
            Some(it.receipted())
        } else {
            store.first_waiting(it.chain, it.next_seq)?
        };
        let Some(first) = first else { continue };
        if let Some(link) = store.link(it.chain, first)? {
            oldest = Some(oldest.map_or(link.received_ms, |it| it.min(link.received_ms)));
        }
    }
    Ok(oldest)
}
