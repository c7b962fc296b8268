//! A radiation inspection as an ANSI/IEEE N42.42-2011 document.
//!
//! What such a document can carry honestly: dose rates, the item, alarms, and as remarks what was judged. Counts and
//! backgrounds are remarks too: the standard wants to know how long each was measured, and the record does not say; a
//! time made up here would be believed. Spectra are not written again: the instrument's own document is evidence of the
//! inspection, and is handed out byte for byte.

use tidewaiter_drivers::{Decimal, Unit};
use tidewaiter_n42::{
    Document, WriteError,
    lexical::{DateTime, Duration, Id, Ids, Name},
    model::{
        Alarm, AlarmCategory, Analysis, ComponentVersion, Detector, DetectorCategory, DetectorKind, DoseRate,
        Instrument, InstrumentClass, Item, ItemState, Measurement, MeasurementClass,
    },
    write,
};
use tidewaiter_record::{InspectionDetail, Record, body::Measured};

use crate::app::SOFTWARE;

/// Why an inspection has no such document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoDocument {
    /// It is none of radiation.
    #[error("nothing in this inspection is about radiation")]
    NotRadiation,
    /// A time or a duration that a document cannot say.
    #[error("its times cannot be written in a document")]
    Time,
    /// The writer refused it.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A name that the schema does not take.
    #[error("the name {0:?} cannot be written in a document")]
    Name(String),
}

/// The document of an inspection record.
///
/// # Errors
///
/// When there is nothing to write, or it cannot be written.
pub(crate) fn document(record: &Record, detail: &InspectionDetail) -> Result<String, NoDocument> {
    let radiation: Vec<&Measured> = detail.measured.iter().filter(|it| is_radiation(it)).collect();
    let alarms: Vec<_> = detail.alarms.iter().filter_map(|it| Some((category(&it.kind)?, it))).collect();
    let instruments =
        radiation.iter().map(|it| it.instrument.as_str()).chain(alarms.iter().map(|it| it.1.instrument.as_str()));
    let mut instruments: Vec<&str> = instruments.collect();
    instruments.sort_unstable();
    instruments.dedup();
    if instruments.is_empty() {
        return Err(NoDocument::NotRadiation);
    }

    let mut found = Document::new(instrument(&instruments, detail)?, Vec::new());
    found.creator = Some(name(SOFTWARE)?);
    found.remarks = remarks(record, detail);
    found.items = vec![item(detail)];
    let neutron = radiation.iter().any(|it| it.parameter.contains("neutron"))
        || alarms.iter().any(|it| it.0 == AlarmCategory::Neutron);
    found.detectors.push(detector("gamma", DetectorCategory::Gamma, &instruments));
    if neutron {
        found.detectors.push(detector("neutron", DetectorCategory::Neutron, &instruments));
    }

    let took = detail.closed.mono_ms.saturating_sub(detail.opened.mono_ms);
    let took = u32::try_from(took).map_err(|_| NoDocument::Time)?;
    let started = DateTime::from_unix_ms(detail.opened.wall_ms).ok_or(NoDocument::Time)?;
    let mut foreground =
        Measurement::new("foreground", MeasurementClass::Foreground, started, Duration::milliseconds(took));
    foreground.occupied = Some(true);
    foreground.item_states = vec![ItemState {
        id: None,
        item: "item".into(),
        remarks: Vec::new(),
        vector: None,
        characteristics: Vec::new(),
    }];
    for (place, measured) in radiation.iter().enumerate() {
        foreground.remarks.push(remark(measured));
        let Ok(shown) = measured.outcome else { continue };
        let id = |kind: &str| -> Id { format!("{kind}-{}", place + 1) };
        if let Some(value) = microsievert_per_hour(shown.value, shown.unit) {
            foreground.dose_rates.push(DoseRate::new(id("dose-rate"), "gamma", value));
        }
    }
    found.measurements.push(foreground);
    found.analyses.push(analysis(detail, &alarms));
    Ok(write(&found)?)
}

fn is_radiation(it: &Measured) -> bool {
    let of_unit = it.outcome.is_ok_and(|it| microsievert_per_hour(it.value, it.unit).is_some());
    of_unit || ["gamma", "neutron", "dose-rate"].iter().any(|word| it.parameter.starts_with(word))
}

fn category(alarm: &str) -> Option<AlarmCategory> {
    match alarm {
        "gamma" => Some(AlarmCategory::Gamma),
        "neutron" => Some(AlarmCategory::Neutron),
        _ => None,
    }
}

/// Ambient dose-equivalent rates only: an air kerma rate is another quantity.
fn microsievert_per_hour(value: Decimal, unit: Unit) -> Option<Decimal> {
    match unit {
        Unit::MicrosievertPerHour => Some(value),
        Unit::NanosievertPerHour => Decimal::new(value.digits(), value.places().checked_add(3)?),
        Unit::MillisievertPerHour => match value.places().checked_sub(3) {
            Some(places) => Decimal::new(value.digits(), places),
            None => Decimal::new(value.digits().checked_mul(1_000)?, value.places()),
        },
        _ => None,
    }
}

fn name(text: &str) -> Result<Name, NoDocument> {
    Name::fitted(text).map_err(|_| NoDocument::Name(text.to_owned()))
}

fn instrument(ids: &[&str], detail: &InspectionDetail) -> Result<Instrument, NoDocument> {
    let class = if detail.procedure == "lorry-gate" { InstrumentClass::Portal } else { InstrumentClass::Other };
    let version = ComponentVersion::new(name("Software")?, name(&detail.context.software)?);
    let mut instrument = Instrument::new(
        "instrument",
        name("unknown")?,
        name(ids.first().copied().unwrap_or("unknown"))?,
        class,
        version,
    );
    instrument.description = Some(format!("instruments of the site file: {}", ids.join(", ")));
    Ok(instrument)
}

fn detector(id: &str, category: DetectorCategory, instruments: &[&str]) -> Detector {
    let mut detector = Detector::new(id, category, DetectorKind::Other);
    detector.description =
        Some(format!("as built into {}; the record does not say what it is made of", instruments.join(", ")));
    detector
}

fn item(detail: &InspectionDetail) -> Item {
    let mut item = Item::new("item", Vec::new());
    let named: Vec<String> = detail.subject.identities.iter().map(|it| format!("{} {}", it.kind, it.text)).collect();
    item.description = Some(format!(
        "{}: {}",
        detail.subject.kind,
        if named.is_empty() { "not identified".to_owned() } else { named.join(", ") }
    ));
    item
}

fn remarks(record: &Record, detail: &InspectionDetail) -> Vec<String> {
    let header = &record.header;
    let mut remarks = vec![
        format!(
            "made from record {} of chain {}, SHA-256 {}; the record is the evidence",
            header.seq,
            header.chain,
            record.hash()
        ),
        format!("inspection {} at {} by agent {}", detail.id, detail.place, header.agent),
    ];
    if detail.flags.simulated {
        remarks.push("SIMULATED: an instrument behind this was simulated".to_owned());
    }
    if detail.flags.drill {
        remarks.push("DRILL: an exercise".to_owned());
    }
    remarks
}

fn remark(it: &Measured) -> String {
    let value = match it.outcome {
        Ok(shown) => format!("{} {}, quality {}", shown.value, shown.unit.code(), shown.quality.word()),
        Err(missing) => format!("no value: {missing}"),
    };
    let beside = it.background.map(|it| format!(", background {it}")).unwrap_or_default();
    format!("{} of {}: {value}{beside}; {}", it.parameter, it.instrument, it.derivation)
}

fn analysis(detail: &InspectionDetail, alarms: &[(AlarmCategory, &tidewaiter_record::body::Alarm)]) -> Analysis {
    let mut analysis = Analysis::of_measurements(Ids::one("foreground"));
    analysis.algorithm = Some(detail.context.software.clone());
    analysis.result = Some(format!("pre-screen {}, disposition {}", detail.verdict, detail.disposition));
    for (category, alarm) in alarms {
        let detector = if *category == AlarmCategory::Neutron { "neutron" } else { "gamma" };
        let mut told = Alarm::new(Ids::one(detector), *category);
        let by = match (alarm.by_device, alarm.recomputed) {
            (true, true) => "instrument and recomputation",
            (true, false) => "instrument",
            (false, true) => "recomputation",
            (false, false) => "nobody",
        };
        told.description = Some(format!("asserted by {by} at {}", alarm.instrument));
        analysis.alarms.push(told);
    }
    analysis
}
