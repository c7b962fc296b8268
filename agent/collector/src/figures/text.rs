//! The figures as `OpenMetrics` 1.0 text, for Prometheus and whatever reads its format.
//!
//! Every counter that rests on the store goes on over restarts; those of the process begin with it, as a counter may. Every cause and every
//! word of a closed set is always there, with 0 where nothing happened, so that the first one is seen as a rise.

use std::{fmt, sync::atomic::AtomicU64};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};
use tokio::time::Instant;

use super::{Figures, running::Running};
use crate::finding::Bad;

/// As `OpenMetrics` 1.0 has it; Prometheus takes it since 2.5.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Real = Gauge<f64, AtomicU64>;
type Labels = Vec<(&'static str, String)>;

/// The figures under their names.
struct Text(Registry);

/// All figures. Without those of the store, which cannot be read then, what is left says so.
///
/// # Errors
///
/// None that a text could have.
pub fn text(figures: Option<&Figures>, running: &Running, now: Instant) -> Result<String, fmt::Error> {
    let mut out = Text(Registry::with_prefix("tidewaiter_collector"));
    out.0.register("build", "The software that runs", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
    out.process(running, now);
    out.gauge("store_readable", "Whether the store can be read", u64::from(figures.is_some()));
    if let Some(figures) = figures {
        out.counts(figures);
        out.standing(figures);
    }
    let mut text = String::new();
    encode(&mut text, &out.0)?;
    Ok(text)
}

impl Text {
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        self.0.register(name, help, counter);
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.0.register(name, help, gauge);
    }

    /// Milliseconds as the seconds that the format asks for.
    fn seconds(&mut self, name: &str, help: &str, ms: u64) {
        let gauge = Real::default();
        gauge.set(in_seconds(ms));
        self.0.register_with_unit(name, help, Unit::Seconds, gauge);
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (String, u64)>,
    ) {
        let family = Family::<Labels, Counter>::default();
        for (word, value) in values {
            family.get_or_create(&vec![(label, word)]).inc_by(value);
        }
        self.0.register(name, help, family);
    }

    fn gauges(&mut self, name: &str, help: &str, label: &'static str, values: impl IntoIterator<Item = (String, u64)>) {
        let family = Family::<Labels, Gauge>::default();
        for (word, value) in values {
            family.get_or_create(&vec![(label, word)]).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        self.0.register(name, help, family);
    }

    fn process(&mut self, running: &Running, now: Instant) {
        let (connected, since) = running.connected;
        let since_ms =
            |then: Instant| u64::try_from(now.saturating_duration_since(then).as_millis()).unwrap_or(u64::MAX);
        self.gauge("broker_up", "Whether the broker is connected", u64::from(connected));
        let down = if connected { 0 } else { since_ms(since) };
        self.seconds("broker_down", "How long the broker has not been connected", down);
        self.seconds("round_age", "Time since the collecting task last came round", since_ms(running.round));
        self.gauge("store_away", "Whether the store is waited for", u64::from(running.store_away));
        self.counter("receipts_sent", "Receipts handed to the broker since the process began", running.receipts_sent);
        let dropped = running.announcements_dropped;
        self.counter("announcements_dropped", "Results stored and not printed, since the process began", dropped);
        self.gauge("messages_in_hand", "Messages that wait for their commit", running.in_hand as u64);
    }

    fn counts(&mut self, figures: &Figures) {
        let of = &figures.summary;
        for (name, help, value) in [
            ("messages_received", "Messages on record and alert, repeats and refused ones included", of.received),
            ("alerts_received", "Of these, on alert", of.alerts),
            ("records_stored", "Distinct records that stand in their chain", of.records),
            ("records_verified", "Of these, with nothing that speaks against them", of.verified),
            ("records_receipted", "Of these, under a receipt", of.receipted),
            ("duplicates_folded", "Messages that repeated a stored record byte for byte", of.duplicates_folded),
            ("resends_asked", "Requests to send records again", of.resends),
            ("recomputed", "Inspections judged again here with the same tables", of.recomputed),
            ("not_recomputed", "Inspections that could not be, for want of the same tables", of.not_recomputed),
        ] {
            self.counter(name, help, value);
        }
        let causes = |out: bool| {
            let all = Bad::ALL.into_iter().filter(move |it| it.keeps_out() == out);
            all.map(|it| (it.word().to_owned(), of.bad.get(it.word()).copied().unwrap_or(0)))
        };
        self.counters("refusals", "What was kept out of its chain, by cause", "cause", causes(true));
        self.counters("doubts", "What was stored and is spoken against, by cause", "cause", causes(false));
        let verdicts = of.verdicts.iter().map(|(word, n)| (word.clone(), *n));
        self.counters("verdicts", "Inspections stored, by verdict", "verdict", verdicts);
    }

    fn standing(&mut self, it: &Figures) {
        self.gauge("chains", "Chains known", it.summary.chains);
        self.gauge("agents", "Agents that have sent a record and have an open key", it.agents);
        self.gauge("agents_unseen", "Agents with an open key that have never sent a record", it.agents_unseen);
        self.gauge("agents_retired", "Agents all of whose keys are closed", it.agents_retired);
        let silent = it.agents_silent.iter().map(|(seconds, n)| (seconds.to_string(), *n));
        let help = "Agents that have sent no record for longer than so many seconds";
        self.gauges("agents_silent", help, "seconds", silent);
        let family = Family::<Labels, Real>::default();
        for silence in &it.silence {
            let labels = vec![("site", silence.site.clone()), ("agent", silence.agent.clone())];
            family.get_or_create(&labels).set(in_seconds(silence.ms));
        }
        let help = "Time since the last record of the agents that have been silent longest, a hundred at most";
        self.0.register_with_unit("agent_silent", help, Unit::Seconds, family);
        self.gauge("gaps_open", "Chains with a gap", it.gaps_open);
        self.gauge("gaps_late", "Of these, gaps open for more than 15 minutes", it.gaps_late);
        self.seconds("gap_age", "Age of the oldest gap, 0 without one", it.gap_oldest_ms);
        self.gauge("records_missing", "Numbers missing below the highest of each chain", it.summary.gaps);
        self.gauge("records_waiting", "Records here that wait behind a gap", it.records_waiting);
        let held = [("gap", it.gaps_open), ("evidence", it.chains_held)].map(|(word, n)| (word.to_owned(), n));
        self.gauges("chains_held", "Chains whose receipts do not go on, by what is missing", "reason", held);
        let help = "Age of the oldest record here without a receipt, 0 without one";
        self.seconds("unreceipted_age", help, it.unreceipted_oldest_ms);
        let incidents = [("fork", it.forks), ("chain-reset", it.chain_resets), ("open-gap", it.gaps_late)];
        let incidents = incidents.map(|(word, n)| (word.to_owned(), n));
        self.gauges("incidents", "What a person has to know of, by kind", "kind", incidents);
        self.gauge("log_leaves", "Leaves of the log", it.log_leaves);
        if let Some(super::HeadFigures { number, size, age_ms }) = it.log_head {
            self.gauge("log_head", "Number of the newest head of the log", number);
            self.gauge("log_uncovered", "Leaves that no head covers yet", it.log_leaves.saturating_sub(size));
            self.seconds("log_head_age", "Age of the newest head of the log", age_ms);
        }
        self.gauge("store_bytes", "Bytes that the store takes", it.store_bytes);
        if let Some(free) = it.store_free_bytes {
            self.gauge("store_free_bytes", "Bytes left on the disk of the store", free);
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a figure for a graph; status keeps the milliseconds")]
fn in_seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}
