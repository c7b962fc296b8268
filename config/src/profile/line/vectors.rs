//! A line profile's vectors: raw bytes through the decoder that will read the instrument.

use std::sync::Arc;

use tidewaiter_drivers::wire::{Decode, Event};

use super::{
    Decoder,
    bytes::{bytes, escape},
    model::{End, Expectation, LineProfile, LineVector, MAX_FRAME_BYTES},
    read::{Statement, shown},
};
use crate::reader::{Node, Value};

/// Most bytes of one vector: the longest frame with its start and end.
const MAX_VECTOR_BYTES: usize = MAX_FRAME_BYTES + 16;

/// Words of a vector that must give no statement.
const EVENTS: [(&str, Expectation); 2] = [("ignored", Expectation::Ignored), ("refused", Expectation::Refused)];

/// Reads the vectors, and runs them when the profile is `sound`.
pub(super) fn read(nodes: &[Node<'_>], profile: &mut LineProfile, sound: bool) {
    let shared = Arc::new(profile.clone());
    for (index, node) in nodes.iter().enumerate() {
        let raw =
            node.need("raw", "'ST,GS,+ 0001234kg\\r\\n'").and_then(|value| bytes(&value, MAX_VECTOR_BYTES, false));
        let outcome = node
            .one_of(&["expect", "event"], "expect = { gross = \"1234 kg\" }, or event = \"ignored\" or \"refused\"");
        let name = |key| node.may(key).map_or(Some(None), |value| Some(Some(value.text()?.to_owned())));
        let (serial, sample) = (name("serial"), name("sample"));
        let place = outcome.as_ref().map(|(_, value)| value.clone());
        let expect = outcome.and_then(|(kind, value)| match kind {
            "expect" => Some(Expectation::Statement {
                channels: channels(&value, profile)?,
                serial: serial.clone()?,
                sample: sample.clone()?,
            }),
            _ => event(&value),
        });
        node.finish();
        if serial.is_none() || sample.is_none() {
            continue;
        }
        let (Some(raw), Some(expect), Some(place)) = (raw, expect, place) else { continue };
        let vector = LineVector { raw, expect };
        if sound && let Err(got) = run(&shared, &vector) {
            place.fault(
                format!(
                    "vector {} fails: '{}' gives {got}, and {} is expected",
                    index + 1,
                    escape(&vector.raw),
                    spelled(&vector.expect)
                ),
                "what the display showed when these bytes came, or another place, unit or framing",
            );
            continue;
        }
        profile.vectors.push(vector);
    }
}

fn event(value: &Value<'_>) -> Option<Expectation> {
    let index = value.word(&[(EVENTS[0].0, 0_usize), (EVENTS[1].0, 1)])?;
    EVENTS.get(index).map(|(_, expectation)| expectation.clone())
}

fn channels(value: &Value<'_>, profile: &LineProfile) -> Option<Vec<(String, String)>> {
    let node = value.table()?;
    let known = profile.channel_names();
    let mut found = Vec::new();
    let entries = node.entries();
    for (name, value) in &entries {
        if !known.contains(&name.as_str()) {
            value.dangling(
                format!("no channel is named {name:?}"),
                format!("one of {}", crate::reader::list(known.iter().copied())),
            );
            continue;
        }
        found.extend(value.text().map(|text| (name.clone(), text.to_owned())));
    }
    (found.len() == entries.len()).then_some(found)
}

/// Whether a vector gives this channel a value or a reason.
pub(super) fn proves(profile: &LineProfile, channel: &str) -> bool {
    profile.vectors.iter().any(|vector| match &vector.expect {
        Expectation::Statement { channels, .. } => channels.iter().any(|(name, _)| name == channel),
        Expectation::Ignored | Expectation::Refused => false,
    })
}

/// Runs one vector; the bytes must make exactly one frame. `Err` says what they gave.
fn run(profile: &Arc<LineProfile>, vector: &LineVector) -> Result<(), String> {
    let mut decoder = Decoder::at_frame_start(Arc::clone(profile));
    let mut events = Vec::new();
    for &byte in &vector.raw {
        events.extend(decoder.push(byte));
    }
    if !ends_as_framed(profile, &vector.raw) {
        return Err("an unfinished frame: the bytes do not end as [framing] says".to_owned());
    }
    let got = match events.as_slice() {
        [] => Ok(Expectation::Ignored),
        [Event::Frame(statement)] => Ok(expectation(statement, &vector.expect)),
        [Event::Refused(_)] => Ok(Expectation::Refused),
        _ => Err(format!("{} events in place of one", events.len())),
    }?;
    if got == vector.expect {
        return Ok(());
    }
    Err(match events.as_slice() {
        [Event::Refused(refusal)] => format!("a refused frame ({refusal})"),
        _ => spelled(&got),
    })
}

/// Whether the last byte completes a frame, which an ignored frame cannot show otherwise.
fn ends_as_framed(profile: &LineProfile, raw: &[u8]) -> bool {
    match &profile.framing.end {
        End::Absent => true,
        End::AnyLineEnd => raw.ends_with(b"\r") || raw.ends_with(b"\n"),
        End::Bytes(end) => raw.ends_with(end),
    }
}

/// A statement as a vector spells it; names a vector does not mention are not compared.
fn expectation(statement: &Statement, expected: &Expectation) -> Expectation {
    let (wants_serial, wants_sample) = match expected {
        Expectation::Statement { serial, sample, .. } => (serial.is_some(), sample.is_some()),
        _ => (true, true),
    };
    let mut channels: Vec<(String, String)> =
        statement.channels.iter().map(|(name, outcome)| (name.as_str().to_owned(), shown(outcome))).collect();
    // The order of a TOML table says nothing.
    if let Expectation::Statement { channels: wanted, .. } = expected {
        let rank = |name: &str| wanted.iter().position(|(known, _)| known == name);
        channels.sort_by_key(|(name, _)| rank(name).unwrap_or(usize::MAX));
    }
    Expectation::Statement {
        channels,
        serial: statement.serial.clone().filter(|_| wants_serial),
        sample: statement.sample.clone().filter(|_| wants_sample),
    }
}

fn spelled(expectation: &Expectation) -> String {
    match expectation {
        Expectation::Ignored => "nothing".to_owned(),
        Expectation::Refused => "a refused frame".to_owned(),
        Expectation::Statement { channels, serial, sample } => {
            let mut parts: Vec<String> = channels.iter().map(|(name, text)| format!("{name} = {text:?}")).collect();
            parts.extend(serial.iter().map(|text| format!("serial = {text:?}")));
            parts.extend(sample.iter().map(|text| format!("sample = {text:?}")));
            parts.join(", ")
        }
    }
}
