//! The `[[rigs]]` of a site file: lab benches and their procedures.

use std::time::Duration;

use tidewaiter_drivers::Unit;

use super::{
    Instrument, Protocol, Rig, RigProcedure, benches,
    instruments::{hours, ms},
    places::{Known, Places, judge, role},
    streams::PH_METERS,
};
use crate::{
    limits::Programme,
    profile::RegisterProfile,
    reader::{self, Node, Value, show_duration},
};

const STEADY: Duration = Duration::from_secs(10);

/// What a drum's profile must offer for the endurance procedure to follow a run.
const DRUM_CHANNELS: [&str; 3] = ["state", "stage", "elapsed"];

/// Reads all rigs.
pub(super) fn read<'d>(root: &Node<'d>, known_things: &Known<'_, 'd>, places: &mut Places<'d>) -> Vec<Rig> {
    let mut rigs = Vec::new();
    for node in root.tables("rigs") {
        let id = places.name(&node, "rig", "\"bench-a\"");
        let limit_value = node.need("time_limit", "\"10 min\"");
        let time_limit = limit_value.as_ref().and_then(|value| value.duration(ms(1_000), hours(24 * 90)));
        let procedure = node.one_of(
            &["textile_ph", "tyre_endurance", "bench"],
            "[rigs.textile_ph] with meter, or [rigs.tyre_endurance] with drum and programme, or [rigs.bench]",
        );
        let mut measures: Vec<String> = Vec::new();
        let limit = time_limit.zip(limit_value.as_ref());
        let procedure = procedure.and_then(|(kind, value)| {
            let inner = value.table()?;
            let procedure = match kind {
                "textile_ph" => {
                    measures.push("ph".to_owned());
                    textile_ph(&inner, known_things, places, id)
                }
                "tyre_endurance" => tyre_endurance(&inner, known_things, places, id, limit),
                _ => {
                    let (bench, measured) = benches::read(&inner, known_things, places, id, limit);
                    measures = measured;
                    bench.map(RigProcedure::Bench)
                }
            };
            inner.finish();
            procedure
        });
        let measures: Vec<&str> = measures.iter().map(String::as_str).collect();
        let judge = judge(&node, known_things, &measures);
        node.finish();
        if let (Some(id), Some(procedure), Some(judge), Some(time_limit)) = (id, procedure, judge, time_limit) {
            rigs.push(Rig { id: id.to_owned(), procedure, judge, time_limit });
        }
    }
    rigs
}

fn textile_ph<'d>(
    node: &Node<'d>,
    known_things: &Known<'_, 'd>,
    places: &mut Places<'d>,
    id: Option<&str>,
) -> Option<RigProcedure> {
    let meter = node.need("meter", "\"ph-1\"").and_then(|value| {
        let (instrument, _) = role(&value, "pH meter", &PH_METERS, known_things)?;
        places.own(&instrument, &value, id);
        Some(instrument)
    });
    // GB/T 7573 takes three extracts and reports the mean of the second and third.
    let parallels = node.may("parallels").map_or(Some(3), |value| value.integer(2_u8, 10));
    let drift = node.may("drift").map_or_else(|| "0.02".parse().ok(), |value| value.decimal_within("0.001", "1"));
    let steady = node.may("steady").map_or(Some(STEADY), |value| value.duration(ms(1_000), ms(600_000)));
    let spread = node.may("spread").map_or_else(|| "0.2".parse().ok(), |value| value.decimal_within("0.01", "5"));
    Some(RigProcedure::TextilePh {
        meter: meter?,
        parallels: parallels?,
        drift: drift?,
        steady: steady?,
        spread: spread?,
    })
}

fn tyre_endurance<'d>(
    node: &Node<'d>,
    known_things: &Known<'_, 'd>,
    places: &mut Places<'d>,
    id: Option<&str>,
    limit: Option<(Duration, &Value<'d>)>,
) -> Option<RigProcedure> {
    let drum_value = node.need("drum", "\"drum-1\"");
    let drum = drum_value.as_ref().and_then(|value| {
        let found = role(value, "drum", &["registers"], known_things)?;
        places.own(&found.0, value, id);
        Some(found)
    });
    let programme = node.need("programme", "\"demo\"").and_then(|value| programme(&value, known_things));
    if let (Some((drum, Some(Instrument { protocol: Protocol::Registers { profile, .. }, .. }))), Some(value)) =
        (&drum, &drum_value)
    {
        runs_on(value, drum, profile, &DRUM_CHANNELS, programme);
    }
    if let Some(programme) = programme {
        within(programme, limit);
    }
    Some(RigProcedure::TyreEndurance { drum: drum?.0, programme: programme?.id.clone() })
}

/// The programme a value names.
pub(super) fn programme<'k>(value: &Value<'_>, known_things: &Known<'k, '_>) -> Option<&'k Programme> {
    let id = value.text()?;
    let found = known_things.programmes.iter().find(|programme| programme.id == id);
    if found.is_none() {
        let ids = known_things.programmes.iter().map(|programme| programme.id.as_str());
        let way_out = reader::nearest(id, ids.clone()).map_or_else(
            || format!("one of {}, or a file of your own in the folder of [limits]", reader::list(ids)),
            |meant| value.assign(format!("\"{meant}\"")),
        );
        value.dangling(format!("no programme has the id {id:?}"), way_out);
    }
    found
}

/// Reports what the registers of `bench` lack to run a programme: the `needed` channels, and those it holds.
pub(super) fn runs_on(
    value: &Value<'_>,
    bench: &str,
    profile: &RegisterProfile,
    needed: &[&str],
    programme: Option<&Programme>,
) {
    let held = programme
        .iter()
        .flat_map(|programme| &programme.stages)
        .flat_map(|stage| &stage.hold)
        .map(|hold| (hold.channel.as_str(), Some(hold.unit)));
    let mut missing: Vec<&str> = Vec::new();
    for (name, unit) in needed.iter().map(|&name| (name, None)).chain(held) {
        match profile.channel(name) {
            None if !missing.contains(&name) => missing.push(name),
            Some(channel) if unit.is_some_and(|unit: Unit| unit != channel.unit) => value.doubt(
                format!(
                    "the programme holds {name:?} in {}, and the profile {:?} reads it in {}",
                    unit.map_or("", Unit::code),
                    profile.id,
                    channel.unit
                ),
                "the same unit in both files",
            ),
            _ => {}
        }
    }
    if !missing.is_empty() {
        let ask = missing.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        value.dangling(
            format!("the profile {:?} of {bench:?} has no channel {ask}, which the procedure needs", profile.id),
            "a drum whose profile reads them",
        );
    }
}

/// Reports a time limit that ends before the programme does.
pub(super) fn within(programme: &Programme, limit: Option<(Duration, &Value<'_>)>) {
    let Some((limit, value)) = limit else { return };
    let needed = Duration::from_secs(programme.stages.iter().map(|stage| u64::from(stage.duration_s)).sum());
    if limit < needed {
        value.fault(
            format!(
                "the time limit {} ends before the programme {:?} does, which takes {}",
                show_duration(limit),
                programme.id,
                show_duration(needed)
            ),
            value.assign(format!("\"{}\"", show_duration(needed.saturating_mul(2)))),
        );
    }
}
