//! The reader of `[rigs.bench]`.
//!
//! What begins and ends a run is its trigger; what a run needs is its list of quantities. Both are checked against
//! what the instruments can say: a channel that never comes would leave every run incomplete.

use std::time::Duration;

use tidewaiter_drivers::{Decimal, lab::hvi};

use super::{
    BENCH_PROCEDURES, Bench, Codec, Instrument, MOST_QUANTITIES, MassTrigger, Protocol, Quantity, Source, StateTrigger,
    Take, Trigger,
    instruments::{MASS, hours, ms},
    places::{Known, Places, channel_among, role},
    rigs::{programme, runs_on, within},
    streams::SCALES,
};
use crate::{
    limits::{Basis, Programme},
    reader::{Node, Value},
};

const TRIGGERS: [(&str, Kind); 4] =
    [("operator", Kind::Operator), ("record", Kind::Record), ("state", Kind::State), ("mass", Kind::Mass)];
const TAKES: [(&str, Take); 5] = [
    ("mean", Take::Mean),
    ("greatest", Take::Greatest),
    ("least", Take::Least),
    ("each", Take::Each),
    ("last", Take::Last),
];
const BASES: [(&str, Basis); 2] = [("as-received", Basis::AsReceived), ("dry", Basis::Dry)];
const REPLICATES_ON: [(&str, bool); 2] = [("statement", false), ("next", true)];
const SOURCES: [(&str, ()); 1] = [("operator", ())];

/// Replicates of one quantity at most: the values stand in the record one by one.
const MOST_REPLICATES: u8 = 60;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Operator,
    Record,
    State,
    Mass,
}

impl Kind {
    /// The run is bounded by the bench itself, so that all its readings can count.
    const fn is_bounded(self) -> bool {
        matches!(self, Self::State | Self::Mass)
    }
}

/// Reads one bench; with it come the parameters it measures.
pub(super) fn read<'d>(
    node: &Node<'d>,
    known: &Known<'_, 'd>,
    places: &mut Places<'d>,
    id: Option<&str>,
    limit: Option<(Duration, &Value<'d>)>,
) -> (Option<Bench>, Vec<String>) {
    let words: Vec<(&'static str, &'static str)> = BENCH_PROCEDURES.iter().map(|&word| (word, word)).collect();
    let procedure = node.need("procedure", "\"generic-sample\"").and_then(|value| value.word(&words));
    let kind_value = node.need("trigger", "\"operator\"");
    let kind = kind_value.as_ref().and_then(|value| value.word(&TRIGGERS));
    let (state_value, mass_value) = (node.may("state"), node.may("mass"));
    let mut own = Vec::new();
    let trigger = match kind {
        Some(Kind::Operator) => Some(Trigger::Operator),
        Some(Kind::Record) => Some(Trigger::Record),
        Some(Kind::State) => needed(node, state_value.as_ref(), "state")
            .and_then(|inner| state(&inner, known, &mut own))
            .map(Trigger::State),
        Some(Kind::Mass) => {
            needed(node, mass_value.as_ref(), "mass").and_then(|inner| mass(&inner, known, &mut own)).map(Trigger::Mass)
        }
        None => None,
    };
    for (value, needed) in [(&state_value, Kind::State), (&mass_value, Kind::Mass)] {
        if let (Some(value), Some(kind)) = (value, kind)
            && kind != needed
        {
            let word = if needed == Kind::State { "state" } else { "mass" };
            value.fault(
                format!("`{word}` is there, and the trigger is another"),
                format!("trigger = \"{word}\", or nothing here"),
            );
        }
    }
    let on_next_value = node.may("replicates_on");
    let replicates_on_next = on_next_value.as_ref().map_or(Some(false), |value| value.word(&REPLICATES_ON));
    let settle = node.may("settle").map_or(Some(Duration::ZERO), |value| value.duration(ms(0), hours(1)));
    if let (Some(true), Some(value), Some(kind)) = (replicates_on_next, &on_next_value, kind)
        && kind != Kind::Operator
    {
        value.fault("only a run that the operator steers has a `next`", value.assign("\"statement\""));
    }
    let nodes = node.tables("quantities");
    if nodes.is_empty() {
        node.document().absence(
            node.span(),
            "the bench measures nothing",
            "[[rigs.bench.quantities]] with parameter, and instrument and channel or source = \"operator\"",
        );
    }
    // Faulty ones included: a judge that names one has no fault of its own.
    let mut measures: Vec<String> = Vec::new();
    let mut quantities: Vec<Quantity> = Vec::new();
    for inner in &nodes {
        let found = quantity(inner, known, kind, &mut own, &mut measures);
        inner.finish();
        quantities.extend(found);
    }
    if nodes.len() > MOST_QUANTITIES {
        node.document().error(
            node.span(),
            format!("the bench has {} quantities, and {MOST_QUANTITIES} are the most", nodes.len()),
            "two rigs, each with its own instruments",
        );
    }
    // One instrument serves one place; within the bench it may give several quantities.
    let mut owned: Vec<&str> = Vec::new();
    for (instrument, value) in &own {
        if !owned.contains(&instrument.as_str()) {
            owned.push(instrument);
            places.own(instrument, value, id);
        }
    }
    let programme_value = node.may("programme");
    let programme = programme_value.as_ref().map(|value| (follows(value, known, trigger.as_ref(), limit), value));
    let whole = quantities.len() == nodes.len() && !nodes.is_empty();
    let bench = (|| {
        Some(Bench {
            procedure: procedure?.to_owned(),
            trigger: trigger?,
            quantities: whole.then_some(quantities)?,
            replicates_on_next: replicates_on_next?,
            settle: settle?,
            programme: match programme {
                Some((found, _)) => Some(found?.id.clone()),
                None => None,
            },
        })
    })();
    (bench, measures)
}

/// The table that a trigger needs.
fn needed<'d>(node: &Node<'d>, value: Option<&Value<'d>>, key: &'static str) -> Option<Node<'d>> {
    if value.is_none() {
        let example = match key {
            "state" => "state = { instrument = \"hs-1\", channel = \"state\", running = [\"3\"], complete = [\"5\"] }",
            _ => "mass = { instrument = \"scale-2\", threshold = \"500\", unit = \"kg\" }",
        };
        node.document().absence(node.span(), format!("the trigger {key:?} needs the table `{key}`"), example);
    }
    value?.table()
}

type Owned<'d> = Vec<(String, Value<'d>)>;

fn state<'d>(node: &Node<'d>, known: &Known<'_, 'd>, own: &mut Owned<'d>) -> Option<StateTrigger> {
    let (instrument, channel) = measured_by(node, known, own, "\"hs-1\"", "\"state\"");
    let mut taken: Vec<Decimal> = Vec::new();
    let mut list = |key: &'static str, needed: bool, example: &str| -> Option<Vec<Decimal>> {
        let value = if needed { node.need(key, example) } else { node.may(key) };
        let Some(value) = value else { return (!needed).then(Vec::new) };
        let items = value.items(example)?;
        if needed && items.is_empty() {
            value.fault(format!("`{key}` is an empty list"), value.assign(example));
            return None;
        }
        let read: Vec<Decimal> = items.iter().filter_map(Value::decimal).collect();
        if read.len() != items.len() {
            return None;
        }
        for (found, item) in read.iter().zip(&items) {
            if taken.iter().any(|known| known.cmp_value(*found).is_eq()) {
                item.fault(format!("the state {found} is listed twice"), "each state in one list");
                return None;
            }
            taken.push(*found);
        }
        Some(read)
    };
    let running = list("running", true, "[\"3\"]");
    let complete = list("complete", true, "[\"5\"]");
    let failed = list("failed", false, "[\"6\"]");
    let paused = list("paused", false, "[\"4\"]");
    node.finish();
    Some(StateTrigger {
        instrument: instrument?,
        channel: channel?,
        running: running?,
        complete: complete?,
        failed: failed?,
        paused: paused?,
    })
}

fn mass<'d>(node: &Node<'d>, known: &Known<'_, 'd>, own: &mut Owned<'d>) -> Option<MassTrigger> {
    let scale = node.need("instrument", "\"scale-2\"").and_then(|value| {
        let (id, found) = role(&value, "scale", &SCALES, known)?;
        own.push((id.clone(), value));
        Some((id, found))
    });
    let threshold = node.need("threshold", "\"500\"").and_then(|value| value.decimal_within("0.0001", "100000"));
    let unit_value = node.need("unit", "\"kg\"");
    let unit = unit_value.as_ref().and_then(|value| value.unit_of(&MASS));
    node.finish();
    let (instrument, found) = scale?;
    let (threshold, unit) = (threshold?, unit?);
    if let (Some(shown), Some(value)) = (found.and_then(|it| it.protocol.unit()), &unit_value)
        && shown != unit
    {
        value.fault(
            format!("the threshold is in {unit}, and the scale {instrument:?} shows {shown}"),
            value.assign(format!("\"{shown}\"")),
        );
    }
    Some(MassTrigger { instrument, threshold, unit })
}

/// `instrument` and `channel` of a table.
fn measured_by<'d>(
    node: &Node<'d>,
    known: &Known<'_, 'd>,
    own: &mut Owned<'d>,
    example: &str,
    channel_example: &str,
) -> (Option<String>, Option<String>) {
    let instrument = node.need("instrument", example).and_then(|value| {
        let id = super::instruments::known(&value, "instrument", known.instruments)?;
        own.push((id.to_owned(), value));
        Some((id.to_owned(), known.instruments.get(id)))
    });
    let channel_value = node.need("channel", channel_example);
    let channel = channel_value.as_ref().and_then(|value| tells(value, instrument.as_ref().and_then(|(_, it)| *it)));
    (instrument.map(|(id, _)| id), channel)
}

/// A channel with a number that the instrument can tell.
fn tells(value: &Value<'_>, instrument: Option<&Instrument>) -> Option<String> {
    let Some(Instrument { id, protocol, .. }) = instrument else { return Some(value.text()?.to_owned()) };
    let name = value.text()?;
    match protocol {
        Protocol::RpmLines { .. } | Protocol::PlateLines { .. } => {
            value.dangling(
                format!("{id:?} speaks {}, which tells no quantity by itself", protocol.word()),
                "an instrument that measures, or another procedure",
            );
            None
        }
        Protocol::Stream { codec: Codec::CodeReader(_) | Codec::Axxon { .. }, .. } => {
            value.dangling(format!("{id:?} reads names and no quantities"), "an instrument that measures");
            None
        }
        // The channels are the tests, columns or detectors of whoever set the instrument up.
        Protocol::Stream {
            codec: Codec::GradeLines | Codec::UsterHviQuoted | Codec::Dma | Codec::SpectralDaily,
            ..
        } => Some(name.to_owned()),
        Protocol::Stream { codec: Codec::UsterHvi, .. } if is_hvi(name) => Some(name.to_owned()),
        _ => {
            let names = protocol_channels(protocol);
            channel_among(value, id, protocol, &names.iter().map(String::as_str).collect::<Vec<_>>())
        }
    }
}

/// Channels with a number of a protocol whose channels are known.
fn protocol_channels(protocol: &Protocol) -> Vec<String> {
    use tidewaiter_drivers::modbus::register::Encoding;
    let names: Vec<&str> = match protocol {
        Protocol::Xk3190Tf0 { .. } => vec!["mass"],
        Protocol::PhStream => vec!["ph", "temperature"],
        Protocol::RpmLines { .. } | Protocol::PlateLines { .. } => Vec::new(),
        Protocol::Line { profile, .. } => profile.channel_names(),
        Protocol::Registers { profile, .. } => profile
            .channels
            .iter()
            .filter(|channel| !matches!(channel.encoding, Encoding::Ascii(_)))
            .map(|channel| channel.name.as_str())
            .collect(),
        Protocol::Stream { codec, .. } => {
            let mut names = codec.channels();
            names.extend_from_slice(codec.passing_channels());
            if matches!(codec, Codec::UsterHvi) {
                names.extend(hvi::Module::ALL.iter().flat_map(|module| module.names()));
            }
            names
        }
    };
    names.into_iter().map(str::to_owned).collect()
}

/// Whether a cotton tester can tell a channel: `micronaire`, `strength-mean`, `colour-trash-3-cv`.
fn is_hvi(name: &str) -> bool {
    let stem = ["-mean", "-sd", "-cv"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
    hvi::Module::ALL.iter().any(|module| {
        module.names().contains(&stem)
            || matches!((module.names(), module.count()), ([only], None) if stem
                .strip_prefix(only)
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|place| place.parse::<u8>().is_ok_and(|place| place > 0)))
    })
}

fn quantity<'d>(
    node: &Node<'d>,
    known: &Known<'_, 'd>,
    kind: Option<Kind>,
    own: &mut Owned<'d>,
    others: &mut Vec<String>,
) -> Option<Quantity> {
    let parameter_value = node.need("parameter", "\"formaldehyde\"");
    let parameter = parameter_value.as_ref().and_then(|value| Some(value.id()?.to_owned()));
    if let (Some(parameter), Some(value)) = (&parameter, &parameter_value) {
        if others.contains(parameter) {
            value.fault(
                format!("the parameter {parameter:?} is measured twice on this bench, and its values could not be told apart"),
                "replicates at the one, or another parameter",
            );
        }
        others.push(parameter.clone());
    }
    let source_value = node.may("source");
    let source = if let Some(value) = &source_value {
        let unit = node.may("unit").map_or(Some(None), |value| value.unit().map(Some));
        value.word(&SOURCES).and(unit).map(|unit| Source::Operator { unit })
    } else {
        let (instrument, channel) = measured_by(node, known, own, "\"xrf-1\", or source = \"operator\"", "\"pb\"");
        if let Some(Kind::Record) = kind
            && let (Some(found), Some((_, value))) =
                (instrument.as_ref().and_then(|id| known.instruments.get(id)), own.last())
        {
            speaks_of_samples(value, found);
        }
        instrument.zip(channel).map(|(instrument, channel)| Source::Instrument { instrument, channel })
    };
    let basis = node.may("basis").map_or(Some(None), |value| value.word(&BASES).map(Some));
    let replicates_value = node.may("replicates");
    let replicates = replicates_value.as_ref().map_or(Some(1), |value| value.integer(1_u8, MOST_REPLICATES));
    let is_typed = source_value.is_some();
    let is_bounded = kind.is_some_and(Kind::is_bounded) && !is_typed;
    let usual = if is_bounded { Take::Last } else { Take::Mean };
    let take_value = node.may("take");
    let take = take_value.as_ref().map_or(Some(usual), |value| value.word(&TAKES));
    if is_bounded && let Some(value) = &replicates_value {
        value.fault(
            "the bench itself bounds the run, so every reading of the run counts",
            "take = \"mean\", \"greatest\", \"least\" or \"last\" of the run, without `replicates`",
        );
    }
    if is_bounded && let (Some(Take::Each), Some(value)) = (take, &take_value) {
        value.fault("each reading of a whole run would be a value of its own", value.assign("\"greatest\""));
    }
    let required = node.may("required").map_or(Some(true), |value| value.flag());
    let background_value = node.may("background");
    let background = background_value.as_ref().map_or(Some(None), |value| value.integer(2_u16, 300).map(Some));
    if is_typed && let Some(value) = &background_value {
        value.fault("what is typed has no background that could be measured", "nothing; remove it");
    }
    Some(Quantity {
        parameter: parameter?,
        source: source?,
        basis: basis?,
        replicates: replicates?,
        whole_run: is_bounded,
        take: take?,
        required: required?,
        background: background?,
    })
}

/// A run that a statement begins needs an instrument whose statements are one measurement each, or name the sample.
fn speaks_of_samples(value: &Value<'_>, instrument: &Instrument) {
    if !instrument.protocol.speaks_on_event() && !instrument.protocol.names_samples() {
        value.fault(
            format!(
                "{:?} speaks by the clock and names no sample, so every one of its statements would be a run of its own",
                instrument.id
            ),
            "trigger = \"operator\", or an instrument that speaks once a measurement",
        );
    }
}

/// The step programme a state bench follows.
fn follows<'k>(
    value: &Value<'_>,
    known: &Known<'k, '_>,
    trigger: Option<&Trigger>,
    limit: Option<(Duration, &Value<'_>)>,
) -> Option<&'k Programme> {
    let found = programme(value, known)?;
    within(found, limit);
    match trigger {
        Some(Trigger::State(state)) => {
            if let Some(Instrument { id, protocol: Protocol::Registers { profile, .. }, .. }) =
                known.instruments.get(&state.instrument)
            {
                runs_on(value, id, profile, &["stage", "elapsed"], Some(found));
            } else {
                value.dangling(
                    format!("{:?} has no registers `stage` and `elapsed` to follow a programme by", state.instrument),
                    "a bench with a register profile, or nothing; remove it",
                );
            }
        }
        Some(_) => value.fault("only a bench with a state follows a programme", "trigger = \"state\", or nothing here"),
        None => {}
    }
    Some(found)
}
