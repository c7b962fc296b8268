//! The `[[lanes]]` and `[[watches]]` of a site file, and what they share with the rigs: ids, roles, judging.

use std::time::Duration;

use tidewaiter_drivers::Unit;

use super::{
    Instrument, Judge, Lane, LorryGate, Protocol, Watch,
    instruments::{MASS, hours, known, ms},
    ports::Named,
    streams::{CONTAINER_READERS, DOSE_MONITORS, PLATE_READERS, SCALES},
};
use crate::{
    limits::{Limit, LimitTable, Programme},
    reader::{self, Node, Value, show_duration},
};

const PASSAGE_LIMIT: Duration = Duration::from_secs(60);
const IDENTITY_WINDOW: Duration = Duration::from_secs(10);

/// What the readers of this file refer to.
pub(super) struct Known<'k, 'd> {
    pub(super) instruments: &'k Named<'d, Instrument>,
    pub(super) tables: &'k [LimitTable],
    pub(super) programmes: &'k [Programme],
}

/// Which instruments serve which place: one that takes part in a passage or run serves only one.
pub(super) struct Places<'d> {
    names: Named<'d, ()>,
    owners: Vec<(String, String)>,
}

impl<'d> Places<'d> {
    pub(super) const fn new() -> Self {
        Self { names: Named::new(), owners: Vec::new() }
    }

    pub(super) fn name(&mut self, node: &Node<'d>, what: &str, example: &str) -> Option<&'d str> {
        let value = node.need("id", example)?;
        let id = value.id()?;
        // Lanes, rigs and watches share the place segment of inspection ids.
        self.names.add(what, id, &value, None);
        Some(id)
    }

    /// Every place named so far, faulty ones included.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.names.ids()
    }

    pub(super) fn own(&mut self, instrument: &str, value: &Value<'_>, place: Option<&str>) {
        let place = place.unwrap_or_default();
        if let Some((_, owner)) = self.owners.iter().find(|(id, _)| id == instrument) {
            value.fault(
                format!("the instrument {instrument:?} already serves {owner:?}; its readings could not be told apart"),
                "the id of an instrument of its own",
            );
        }
        self.owners.push((instrument.to_owned(), place.to_owned()));
    }
}

/// The instrument a role names, if its protocol can play it.
pub(super) fn role<'k>(
    value: &Value<'_>,
    role: &str,
    protocols: &[&str],
    known_things: &Known<'k, '_>,
) -> Option<(String, Option<&'k Instrument>)> {
    let id = known(value, "instrument", known_things.instruments)?;
    let instrument = known_things.instruments.get(id);
    if let Some(instrument) = instrument
        && !protocols.contains(&instrument.protocol.word())
    {
        let fitting: Vec<&str> = known_things
            .instruments
            .ids()
            .filter(|id| known_things.instruments.get(id).is_some_and(|it| protocols.contains(&it.protocol.word())))
            .collect();
        let way_out = if fitting.is_empty() {
            format!("an instrument with the protocol {}", reader::list(protocols.iter().copied()))
        } else {
            value.assign(format!("\"{}\"", fitting.join("\" or \"")))
        };
        value.dangling(
            format!(
                "{id:?} speaks {}, and a {role} speaks {}",
                instrument.protocol.word(),
                reader::list(protocols.iter().copied())
            ),
            way_out,
        );
        return None;
    }
    Some((id.to_owned(), instrument))
}

/// A channel that an instrument is known to have.
pub(super) fn channel(value: &Value<'_>, instrument: Option<&Instrument>) -> Option<String> {
    let name = value.text()?;
    let Some(Instrument { id, protocol, .. }) = instrument else { return Some(name.to_owned()) };
    let names: Vec<&str> = match protocol {
        Protocol::Registers { profile, .. } => profile.channels.iter().map(|channel| channel.name.as_str()).collect(),
        Protocol::Line { profile, .. } => profile.channel_names(),
        Protocol::Stream { codec, .. } => codec.channels(),
        _ => return Some(name.to_owned()),
    };
    channel_among(value, id, protocol, &names)
}

/// One of these channels of an instrument.
pub(super) fn channel_among(value: &Value<'_>, id: &str, protocol: &Protocol, names: &[&str]) -> Option<String> {
    let name = value.text()?;
    if names.contains(&name) {
        return Some(name.to_owned());
    }
    let of = match protocol {
        Protocol::Registers { profile, .. } => format!("the profile {:?} of {id:?}", profile.id),
        Protocol::Line { profile, .. } => format!("the profile {:?} of {id:?}", profile.id),
        _ => format!("{:?} of {id:?}", protocol.word()),
    };
    let way_out = reader::nearest(name, names.iter().copied()).map_or_else(
        || format!("one of {}", reader::list(names.iter().copied())),
        |meant| value.assign(format!("\"{meant}\"")),
    );
    value.dangling(format!("{of} has no channel {name:?}"), way_out);
    None
}

/// The `judge` list of a place; `measures` are the parameters its procedure produces.
pub(super) fn judge(node: &Node<'_>, known_things: &Known<'_, '_>, measures: &[&str]) -> Option<Vec<Judge>> {
    let nodes = node.tables("judge");
    let mut judged: Vec<Judge> = Vec::new();
    for inner in &nodes {
        let table_value = inner.need("table", "\"gross-mass-cn-2016\"");
        let table = table_value.as_ref().and_then(|value| {
            let id = value.text()?;
            if !known_things.tables.iter().any(|table| table.id == id) {
                let mut ids: Vec<&str> = known_things.tables.iter().map(|table| table.id.as_str()).collect();
                ids.dedup();
                let way_out = reader::nearest(id, ids.iter().copied()).map_or_else(
                    || {
                        format!(
                            "one of {}, or a file of your own in the folder of [limits]",
                            reader::list(ids.iter().copied())
                        )
                    },
                    |meant| value.assign(format!("\"{meant}\"")),
                );
                value.dangling(format!("no limit table has the id {id:?}"), way_out);
                return None;
            }
            Some(id)
        });
        let parameters = inner.need("parameters", "[\"gross-mass\"]").and_then(|value| value.texts("[\"gross-mass\"]"));
        let advisory = inner.may("advisory").map_or(Some(false), |value| value.flag());
        inner.finish();
        let (Some(table), Some(parameters), Some(advisory)) = (table, parameters, advisory) else { continue };
        let mut in_table: Vec<&str> = known_things
            .tables
            .iter()
            .filter(|it| it.id == table)
            .flat_map(|it| &it.rows)
            .map(|row| row.parameter.as_str())
            .collect();
        in_table.sort_unstable();
        in_table.dedup();
        for (parameter, value) in &parameters {
            if !in_table.contains(&parameter.as_str()) {
                let way_out = reader::nearest(parameter, in_table.iter().copied()).map_or_else(
                    || format!("one of {}", reader::list(in_table.iter().copied())),
                    |meant| format!("\"{meant}\""),
                );
                value.dangling(format!("the table {table:?} has no row for {parameter:?}"), way_out);
            } else if !measures.contains(&parameter.as_str())
                && !is_derived(known_things.tables, table, parameter, measures)
            {
                value.doubt(
                    format!(
                        "nothing at this place measures {parameter:?}, so every verdict on it will be inconclusive"
                    ),
                    format!("one of {}, or the instrument that measures it", reader::list(measures.iter().copied())),
                );
            }
        }
        judged.push(Judge {
            table: table.to_owned(),
            parameters: parameters.into_iter().map(|(text, _)| text).collect(),
            advisory,
        });
    }
    (judged.len() == nodes.len()).then_some(judged)
}

/// Reads all lanes.
pub(super) fn lanes<'d>(root: &Node<'d>, known_things: &Known<'_, 'd>, places: &mut Places<'d>) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for node in root.tables("lanes") {
        let id = places.name(&node, "lane", "\"lane-7\"");
        let gate = node.need_table("lorry_gate", "scale, threshold and unit");
        let gate = gate.and_then(|gate| lorry_gate(&gate, &node, known_things, places, id));
        node.may("judge");
        node.finish();
        if let (Some(id), Some(gate)) = (id, gate) {
            lanes.push(Lane { id: id.to_owned(), gate });
        }
    }
    lanes
}

fn lorry_gate<'d>(
    node: &Node<'d>,
    lane: &Node<'d>,
    known_things: &Known<'_, 'd>,
    places: &mut Places<'d>,
    id: Option<&str>,
) -> Option<LorryGate> {
    let mut take = |value: Option<Value<'d>>, what: &str, protocols: &[&str]| -> Option<String> {
        let value = value?;
        let (instrument, found) = role(&value, what, protocols, known_things)?;
        if what == "scale" {
            weighs(&value, found);
        }
        places.own(&instrument, &value, id);
        Some(instrument)
    };
    let scale = take(node.need("scale", "\"scale-1\""), "scale", &SCALES);
    let portal_value = node.may("portal");
    let has_portal = portal_value.is_some();
    let portal = take(portal_value, "portal", &["rpm_lines"]);
    let plate_value = node.may("plate");
    let has_plate = plate_value.is_some();
    let plate = take(plate_value, "plate reader", &PLATE_READERS);
    let container_value = node.may("container");
    let has_container = container_value.is_some();
    let container = take(container_value, "container reader", &CONTAINER_READERS);
    let dose_value = node.may("dose_rate");
    let has_dose = dose_value.is_some();
    let dose_rate = dose_value.and_then(|value| {
        let inner = value.table()?;
        // A monitor beside two lanes may serve both: it is read, not triggered.
        let instrument = inner
            .need("instrument", "\"gamma-1\"")
            .and_then(|value| role(&value, "dose-rate monitor", &DOSE_MONITORS, known_things));
        let channel = inner
            .need("channel", "\"dose-rate\"")
            .and_then(|value| channel(&value, instrument.as_ref().and_then(|(_, it)| *it)));
        inner.finish();
        Some((instrument?.0, channel?))
    });
    let threshold_value = node.need("threshold", "\"500\"");
    let unit_value = node.need("unit", "\"kg\"");
    let unit = unit_value.as_ref().and_then(|value| value.unit_of(&MASS));
    let most = if unit == Some(Unit::Gram) { "100000000" } else { "100000" };
    let threshold = threshold_value.and_then(|value| value.decimal_within("0.001", most));
    let time_limit = node.may("time_limit").map_or(Some(PASSAGE_LIMIT), |value| value.duration(ms(1_000), hours(2)));
    let identity_window =
        node.may("identity_window").map_or(Some(IDENTITY_WINDOW), |value| value.duration(ms(0), ms(600_000)));
    node.finish();
    let mut measures = vec!["gross-mass"];
    if has_portal {
        measures.extend(["gamma-counts", "neutron-counts"]);
    }
    if has_dose {
        measures.push("dose-rate");
    }
    let judge = judge(lane, known_things, &measures);
    let (scale, threshold, unit) = (scale?, threshold?, unit?);
    if let (Some(shown), Some(value)) =
        (known_things.instruments.get(&scale).and_then(|it| it.protocol.unit()), &unit_value)
        && shown != unit
    {
        value.doubt(
            format!("the threshold is in {unit}, and the scale {scale:?} shows {shown}"),
            value.assign(format!("\"{shown}\"")),
        );
    }
    Some(LorryGate {
        scale,
        portal: whole(has_portal, portal)?,
        dose_rate: whole(has_dose, dose_rate)?,
        plate: whole(has_plate, plate)?,
        container: whole(has_container, container)?,
        threshold,
        unit,
        time_limit: time_limit?,
        identity_window: identity_window?,
        judge: judge?,
    })
}

/// A profile and a list of masses may leave out what a weighbridge is for.
fn weighs(value: &Value<'_>, instrument: Option<&Instrument>) {
    let told: Vec<&str> = match instrument.map(|it| &it.protocol) {
        Some(Protocol::Line { profile, .. }) => profile.channel_names(),
        Some(Protocol::Stream { codec, .. }) => codec.channels(),
        Some(Protocol::Registers { profile, .. }) => profile.channels.iter().map(|it| it.name.as_str()).collect(),
        _ => return,
    };
    if !told.iter().any(|channel| matches!(*channel, "mass" | "gross")) {
        value.dangling(
            "this instrument has neither a channel `mass` nor `gross`, and a passage needs one of them",
            "a scale that tells the gross mass",
        );
    }
}

/// An optional part that, when present, must be sound.
#[allow(clippy::option_option)]
fn whole<T>(present: bool, part: Option<T>) -> Option<Option<T>> {
    (present == part.is_some()).then_some(part)
}

/// Reads all watches.
pub(super) fn watches<'d>(root: &Node<'d>, known_things: &Known<'_, 'd>, places: &mut Places<'d>) -> Vec<Watch> {
    let mut watches = Vec::new();
    for node in root.tables("watches") {
        let id = places.name(&node, "watch", "\"background-gamma\"");
        let instrument = node
            .need("instrument", "\"gamma-1\"")
            .and_then(|value| Some((known(&value, "instrument", known_things.instruments)?, value)));
        let period_value = node.need("period", "\"60 s\"");
        let period = period_value.as_ref().and_then(|value| value.duration(ms(1_000), hours(24)));
        let slots_value = node.need("slots", "60");
        let slots = slots_value.as_ref().and_then(|value| value.integer(1_u32, 1_000_000));
        node.finish();
        let found = instrument.as_ref().and_then(|(id, _)| known_things.instruments.get(id));
        let poll = found.and_then(|it| match &it.protocol {
            Protocol::Registers { poll, .. } => Some(*poll),
            other => other.polling().map(|polling| polling.poll),
        });
        if let (Some(poll), Some(period), Some(slots)) = (poll, period, slots) {
            slots_match(poll, period, slots, period_value.as_ref(), slots_value.as_ref());
        }
        if let (Some(id), Some((instrument, _)), Some(period), Some(slots)) = (id, instrument, period, slots) {
            watches.push(Watch { id: id.to_owned(), instrument: instrument.to_owned(), period, slots });
        }
    }
    watches
}

/// Expected readings are what the poll interval gives; another number would report loss where there is none.
fn slots_match(
    poll: Duration,
    period: Duration,
    slots: u32,
    period_value: Option<&Value<'_>>,
    slots_value: Option<&Value<'_>>,
) {
    let (poll_ms, period_ms) = (poll.as_millis().max(1), period.as_millis());
    let expected = period_ms / poll_ms;
    if period_ms % poll_ms != 0 || expected == 0 {
        if let Some(value) = period_value {
            let whole = u64::try_from((period_ms.div_ceil(poll_ms)) * poll_ms).unwrap_or(u64::MAX);
            value.fault(
                format!(
                    "the period {} is not a whole number of polls of {}",
                    show_duration(period),
                    show_duration(poll)
                ),
                value.assign(format!("\"{}\"", show_duration(Duration::from_millis(whole)))),
            );
        }
    } else if expected != u128::from(slots)
        && let Some(value) = slots_value
    {
        value.fault(
            format!(
                "{slots} slots in {}, and one poll every {} gives {expected}",
                show_duration(period),
                show_duration(poll)
            ),
            value.assign(expected),
        );
    }
}

/// Whether a row for this parameter needs no value of its own: it adds up what is measured, or looks at a date.
fn is_derived(tables: &[LimitTable], table: &str, parameter: &str, measures: &[&str]) -> bool {
    let rows = tables.iter().filter(|it| it.id == table).flat_map(|it| &it.rows);
    rows.filter(|row| row.parameter == parameter).any(|row| match &row.limit {
        Limit::Sum { of, .. } => of.iter().any(|it| measures.contains(&it.as_str())),
        Limit::SumOfRatios { of, .. } => of.iter().any(|(it, _)| measures.contains(&it.as_str())),
        Limit::NotOlder { .. } => true,
        _ => false,
    })
}
