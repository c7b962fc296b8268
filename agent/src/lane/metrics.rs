//! `GET /metrics`: the figures of the status, for Prometheus and whatever reads its format (`OpenMetrics` 1.0 text).
//!
//! Built afresh for each scrape from the same sources as the status; nothing is counted twice. Counters that rest on the
//! chain go on over restarts; the others begin with the process, as a counter may. Labels are ids of the site file and
//! words of closed sets, so their number does not grow with what passes: no record, plate, sample or person is named.
//!
//! | counter | counts since |
//! |---|---|
//! | `tidewaiter_records_sealed_total`, `tidewaiter_records_receipted_total` | the chain began |
//! | all others | the process began |

use std::sync::atomic::AtomicU64;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};

use super::Local;

/// As `OpenMetrics` 1.0 has it; Prometheus takes it since 2.5.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Real = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfInstrument {
    instrument: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Missing {
    instrument: String,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfPlace {
    place: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Verdict {
    place: String,
    disposition: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfOutput {
    output: String,
    place: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Table {
    id: String,
    edition: String,
    sha256: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Quality {
    quality: &'static str,
}

/// The figures under their names.
struct Figures(Registry);

impl Figures {
    fn counter(&mut self, name: &str, help: &str, value: u64) {
        let counter = Counter::<u64>::default();
        counter.inc_by(value);
        self.0.register(name, help, counter);
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl TryInto<i64>) {
        let gauge = Gauge::<i64>::default();
        gauge.set(value.try_into().unwrap_or(i64::MAX));
        self.0.register(name, help, gauge);
    }

    /// Milliseconds as the seconds that the format asks for.
    fn seconds(&mut self, name: &str, help: &str, ms: u64) {
        let gauge = Real::default();
        #[allow(clippy::cast_precision_loss, reason = "a figure for a graph; records keep the milliseconds")]
        gauge.set(ms as f64 / 1000.0);
        self.0.register_with_unit(name, help, Unit::Seconds, gauge);
    }

    fn counters<L>(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (L, u64)>)
    where
        L: Clone + std::fmt::Debug + std::hash::Hash + Eq + EncodeLabelSet + Send + Sync + 'static,
    {
        let family = Family::<L, Counter>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).inc_by(value);
        }
        self.0.register(name, help, family);
    }

    fn gauges<L>(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (L, bool)>)
    where
        L: Clone + std::fmt::Debug + std::hash::Hash + Eq + EncodeLabelSet + Send + Sync + 'static,
    {
        let family = Family::<L, Gauge>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).set(i64::from(value));
        }
        self.0.register(name, help, family);
    }
}

impl Local {
    /// All figures.
    ///
    /// # Errors
    ///
    /// None that a text could have.
    fn figures(&self) -> Result<String, std::fmt::Error> {
        let mut figures = Figures(Registry::with_prefix("tidewaiter"));
        self.chain(&mut figures);
        self.instruments(&mut figures);
        self.places(&mut figures);
        let mut text = String::new();
        encode(&mut text, &figures.0)?;
        Ok(text)
    }

    fn chain(&self, out: &mut Figures) {
        let status = std::sync::Arc::clone(&self.status.borrow());
        let telemetry = self.telemetry.borrow().clone();
        let now = self.clock.now();
        let hash = self.software.hash.map_or_else(String::new, |it| it.to_string());
        let build = vec![("version", env!("CARGO_PKG_VERSION").to_owned()), ("sha256", hash)];
        out.0.register("build", "The software that runs", Info::new(build));
        let receipted = status.cursor.map_or(0, |it| it.upto_seq + 1);
        out.counter("records_sealed", "Records sealed since the chain began", status.sealed);
        out.counter("records_receipted", "Of these, signed for by the centre", receipted);
        out.counter("records_refused", "Results and events that could not be recorded", status.refused_ever);
        out.gauge(
            "records_unreceipted",
            "Records that the centre has not signed for",
            status.sealed.saturating_sub(receipted),
        );
        let age = status.oldest_unreceipted_ms.map_or(0, |it| now.wall_ms.saturating_sub(it).max(0));
        out.seconds("unreceipted_age", "Age of the oldest record without a receipt, 0 without one", age.unsigned_abs());
        out.gauge("recording", "Whether records are accepted", i64::from(status.is_recording()));
        out.gauge(
            "fork",
            "Whether the centre has signed for records that are not ours",
            i64::from(status.fork.is_some()),
        );
        let store = |bytes: u64| i64::try_from(bytes);
        out.gauge("store_bytes", "Bytes of the store in use", store(status.usage.0).unwrap_or(i64::MAX));
        out.gauge("store_budget_bytes", "Bytes the store may use", store(status.usage.1).unwrap_or(i64::MAX));
        out.gauge("evidence_pieces", "Pieces of evidence kept beside the records", status.evidence.len());
        let configured = self.site.borrow().uplink.is_some();
        out.gauge("uplink_configured", "Whether the site has an uplink", i64::from(configured));
        out.gauge("uplink_up", "Whether the broker is connected", i64::from(telemetry.online));
        let down = telemetry.offline_since_mono_ms.map_or(0, |since| now.mono_ms.saturating_sub(since));
        out.seconds("uplink_down", "How long the broker has not been connected", if configured { down } else { 0 });
        out.counter("uplink_published", "Publishes of records, repeats included", telemetry.published);
        out.counter("uplink_acknowledged", "Publishes the broker has acknowledged, repeats included", telemetry.sent);
        out.counter("uplink_no_subscriber", "Publishes that nobody at the broker wanted", telemetry.no_subscriber);
        out.counter("uplink_refused", "Publishes the broker refused", telemetry.refused);
        out.counter("uplink_rewinds", "Times sending began again from the last receipt", telemetry.rewinds);
        out.counter("receipts_refused", "Receipts that were not believed", telemetry.receipts_refused);
        let quality = status.clock.quality.word();
        let letters = ["S", "H", "I", "U"].map(|it| (Quality { quality: it }, it == quality));
        out.gauges("clock_quality", "What is claimed of the wall clock: S, H, I or U", letters);
        if quality != "U" {
            out.seconds(
                "clock_error",
                "Bound on the error of the wall clock; absent at quality U",
                status.clock.err_ms,
            );
        }
    }

    fn instruments(&self, out: &mut Figures) {
        let counts = self.counters.snapshot();
        let of = |instrument: &String| OfInstrument { instrument: instrument.clone() };
        let readings = counts.iter().map(|(id, it)| (of(id), it.readings));
        out.counters("instrument_readings", "Values that came", readings);
        let missing = counts.iter().flat_map(|(id, it)| {
            it.missing.iter().map(|(reason, count)| (Missing { instrument: id.clone(), reason }, *count))
        });
        out.counters("instrument_missing", "Outcomes without a value, by reason", missing);
        let refused = counts.iter().map(|(id, it)| (of(id), it.frames_refused));
        out.counters("instrument_frames_refused", "Frames whose check or content did not hold", refused);
        let garbage = counts.iter().map(|(id, it)| (of(id), it.garbage_bytes));
        out.counters("instrument_garbage_bytes", "Bytes that belonged to no frame", garbage);
        let reconnects = counts.iter().map(|(id, it)| (of(id), it.reconnects));
        out.counters("instrument_reconnects", "Times the port was opened again", reconnects);
        let late = counts.iter().map(|(id, it)| (of(id), it.late_replies));
        out.counters("instrument_late_replies", "Answers that came too late", late);
        let links = self.live.links();
        let up = counts.keys().map(|id| (of(id), links.get(id).is_some_and(|down| !down)));
        out.gauges("link_up", "Whether the port of the instrument is open", up);
    }

    fn places(&self, out: &mut Figures) {
        let site = std::sync::Arc::clone(&self.site.borrow());
        let verdicts = self.live.verdicts().into_iter();
        let verdicts = verdicts.map(|((place, disposition), count)| (Verdict { place, disposition }, count));
        out.counters("verdicts", "Inspections recorded, by disposition", verdicts);
        let places = site.lanes.iter().map(|it| &it.id).chain(site.rigs.iter().map(|it| &it.id));
        let open = places.map(|place| (OfPlace { place: place.clone() }, self.live.look(place).busy));
        out.gauges("inspection_open", "Whether an inspection is open", open);
        let outputs = self.live.outputs().into_iter();
        let faults = outputs.map(|(output, it)| (OfOutput { output, place: it.place }, it.fault.is_some()));
        out.gauges("output_fault", "Whether a stack light or barrier does not do what it is told", faults);
        let tables = self.live.in_force().tables.into_iter();
        let tables = tables.map(|it| (Table { id: it.id, edition: it.edition, sha256: hex::encode(it.sha256) }, true));
        out.gauges("limit_table_info", "Limit tables and programmes that judge", tables);
    }
}

async fn metrics(State(local): State<Local>) -> Response {
    match local.figures() {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n")).into_response(),
    }
}

/// The route.
pub(super) fn routes() -> Router<Local> {
    Router::new().route("/metrics", get(metrics))
}
