//! What the agent says of itself and of its instruments in the chain, so that silence, other software, other rules and
//! other instruments show.
//!
//! | record | when | file |
//! |---|---|---|
//! | heartbeat | at most [`HEARTBEAT_MS`](tidewaiter_record::body::HEARTBEAT_MS) after the last record | `pulse`, `heartbeat` |
//! | config-activated | at a start with other software, configuration or plan than last recorded | `activation` |
//! | limits-activated | at a start with other limit tables than last recorded | `activation` |
//! | instrument-identity | at first contact in a run, when it changes, hourly; before the first reading | `instruments` |
//!
//! Beside the chain: `beats` says whether every stage is still at work, `poison` which port aborted the process too often.
//!
//! What comes in: the site, arrivals, what is in force, counters. What goes out: drafts. The executable, the
//! temperatures and the aborts of earlier runs are read in `rim.rs` alone. Not here: sealing, and what an instrument is asked.

mod activation;
mod beats;
mod heartbeat;
mod instruments;
pub mod poison;
mod pulse;
pub mod rim;

use tidewaiter_config::site::Site;
use tidewaiter_record::body::{Detail, Plan, Table};

pub use self::{
    activation::{Activation, Cause},
    beats::{Beat, Beats, Late, STUCK, port_at_work},
    heartbeat::{Sources, heartbeat},
    instruments::Instruments,
    pulse::Pulse,
};
use crate::outbox::Draft;

/// Rules that judge from here on: what a heartbeat repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// Limit tables that a lane, rig or check of the site is judged by, in every edition loaded.
    pub tables: Vec<Table>,
    /// The monitoring plan.
    pub plan: Option<Plan>,
}

/// Every limit table and programme loaded.
pub fn tables(site: &Site) -> Vec<Table> {
    let tables = site.tables.iter().map(|it| (&it.id, &it.edition, it.digest));
    let programmes = site.programmes.iter().map(|it| (&it.id, &it.edition, it.digest));
    let table =
        |(id, edition, sha256): (&String, &String, _)| Table { id: id.clone(), edition: edition.clone(), sha256 };
    tables.chain(programmes).map(table).collect()
}

/// Those of them that something of the site is judged by.
pub fn judging(site: &Site) -> Vec<Table> {
    let lanes = site.lanes.iter().flat_map(|it| &it.gate.judge);
    let rigs = site.rigs.iter().flat_map(|it| &it.judge);
    let checks = site.checks.iter().flat_map(|it| &it.judge);
    let named: Vec<&str> = lanes
        .chain(rigs)
        .chain(checks)
        .map(|it| it.table.as_str())
        .chain(site.rigs.iter().filter_map(|it| it.procedure.programme()))
        .collect();
    tables(site).into_iter().filter(|it| named.contains(&it.id.as_str())).collect()
}

/// A record of the agent's own.
fn own(detail: Detail) -> Draft {
    Draft { place: "self".to_owned(), id: None, detail, alert: false, closes: None, notes: Vec::new() }
}
