//! The `[[instruments]]` of a site file.

use std::{collections::BTreeMap, time::Duration};

use tidewaiter_drivers::{Decimal, Unit};

use super::{Codec, Instrument, Link, Port, Protocol, TextEncoding, identity, ports::Named, register, streams};
use crate::{
    profile::{Folder, RegisterProfile},
    reader::{self, Node, Value, show_duration},
};

/// Units of mass.
pub(super) const MASS: [Unit; 3] = [Unit::Kilogram, Unit::Tonne, Unit::Gram];

/// Longest silence of a stream, unless the file says so: three lines of the slowest usual stream, one a second.
const SILENCE: Duration = Duration::from_secs(3);
const SETTLE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_millis(500);

/// Unanswered polls in a row after which a registered function counts as gone.
const FUNCTION_TIMEOUT_POLLS: u8 = 3;

/// Time-outs after which no answer is expected any more, unless file or profile say so: instruments that
/// are merely busy answer well within that.
const LATE_ANSWER_TIMEOUTS: u32 = 3;

const ENCODINGS: [(&str, TextEncoding); 2] = [("utf-8", TextEncoding::Utf8), ("gbk", TextEncoding::Gbk)];
const PROTOCOLS: [&str; 5] = ["xk3190_tf0", "rpm_lines", "ph_stream", "plate_lines", "registers"];

/// How a port with several instruments is shared: by these numbers, or not at all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    /// The Modbus unit id.
    Unit(u8),
    /// The address of an indicator in command mode.
    Address(u8),
}

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3_600)
}

/// Reads all instruments.
pub(super) fn read<'d>(root: &Node<'d>, ports: &Named<'d, Port>, profiles: &Folder) -> Named<'d, Instrument> {
    let mut instruments: Named<'d, Instrument> = Named::new();
    // Port, unit id or address where there is one, instrument.
    let mut taken: Vec<(String, Option<Share>, String)> = Vec::new();
    for node in root.tables("instruments") {
        let id_value = node.need("id", "\"scale-1\"");
        let id = id_value.as_ref().and_then(Value::id);
        let port_value = node.need("port", "\"scale-line\"  # the id of one of [[ports]]");
        let port = port_value.as_ref().and_then(|value| known(value, "port", ports));
        let simulated = node.may("simulated").map_or(Some(false), |value| value.flag());
        let serial_number =
            node.may("serial_number").map_or(Some(None), |value| value.text().map(|text| Some(text.to_owned())));
        let silence = node.may("silence").map_or(Some(SILENCE), |value| value.duration(ms(100), hours(1)));
        let protocol_value = node.one_of(
            &[&PROTOCOLS[..], &streams::STREAMS[..]].concat(),
            "one table that names the protocol, such as [instruments.xk3190_tf0]",
        );
        let kind = protocol_value.as_ref().map(|(kind, _)| *kind);
        let protocol = protocol_value.as_ref().and_then(|(kind, value)| protocol(kind, value, profiles));
        let identity = node
            .may("identity")
            .map_or_else(|| Some(BTreeMap::new()), |value| identity::read(&value, protocol.as_ref()));
        let register =
            node.may("register").map_or(Some(None), |value| register::read(&value, protocol.as_ref()).map(Some));
        node.finish();
        if let (Some(port), Some((kind, value))) = (port.and_then(|id| ports.get(id)), &protocol_value) {
            fits(kind, value, port);
        }
        let (Some(id), Some(id_value)) = (id, id_value) else { continue };
        if let (Some(port), Some(port_value), Some(kind)) = (port, &port_value, kind) {
            let unit_id = match &protocol {
                Some(Protocol::Registers { unit_id, .. }) => Some(*unit_id),
                _ => None,
            };
            let share = match &protocol {
                Some(Protocol::Stream { codec: Codec::Xk3190Tf1 { address, .. }, .. }) => {
                    Some(Share::Address(address.number()))
                }
                _ => unit_id.map(Share::Unit),
            };
            alone(port, port_value, kind, share, &taken);
            // MODBUS over Serial Line V1.02, 2.2: address 0 is everyone, and nobody answers it.
            if unit_id == Some(0)
                && ports.get(port).is_some_and(|it| matches!(it.link, Link::ModbusRtu(_) | Link::ModbusRtuTcp { .. }))
            {
                port_value.doubt(
                    "unit id 0 on a serial line is everyone's, and nobody answers it",
                    "unit_id = 1 to 247 at this instrument",
                );
            }
            if kind != "registers" || unit_id.is_some() {
                taken.push((port.to_owned(), share, id.to_owned()));
            }
        }
        let instrument = (|| {
            Some(Instrument {
                id: id.to_owned(),
                port: port?.to_owned(),
                protocol: protocol?,
                simulated: simulated?,
                serial_number: serial_number?,
                identity: identity?,
                register: register?,
                silence: silence?,
            })
        })();
        instruments.add("instrument", id, &id_value, instrument);
    }
    instruments
}

/// The id a value names, when there is such a thing.
pub(super) fn known<'d, T>(value: &Value<'d>, what: &str, things: &Named<'_, T>) -> Option<&'d str> {
    let id = value.text()?;
    if things.knows(id) {
        return Some(id);
    }
    let way_out = match (reader::nearest(id, things.ids()), things.ids().next()) {
        (Some(meant), _) => value.assign(format!("\"{meant}\"")),
        (None, Some(_)) => format!("one of {}", reader::list(things.ids())),
        (None, None) => format!("a [[{what}s]] table with id = \"{id}\""),
    };
    value.dangling(format!("no {what} has the id {id:?}"), way_out);
    None
}

fn fits(kind: &str, value: &Value<'_>, port: &Port) {
    let stream = kind != "registers";
    if stream == port.link.is_byte_stream() {
        return;
    }
    let needed = if stream {
        "[ports.serial] or [ports.tcp]"
    } else {
        "[ports.modbus_tcp], [ports.modbus_rtu] or [ports.modbus_rtu_tcp]"
    };
    value.dangling(
        format!("`{kind}` does not run on the port {:?}, which is {}", port.id, port.link.word()),
        format!("{needed} at the port {:?}, or another port here", port.id),
    );
}

/// A byte stream has one talker. Instruments that are addressed share a line: Modbus units, and
/// indicators in command mode.
fn alone(port: &str, value: &Value<'_>, kind: &str, share: Option<Share>, taken: &[(String, Option<Share>, String)]) {
    for (_, other_share, other) in taken.iter().filter(|(other_port, _, _)| other_port == port) {
        match (share, other_share) {
            (Some(Share::Address(address)), Some(Share::Address(taken))) if address != *taken => {}
            (Some(Share::Address(address)), Some(Share::Address(_))) => {
                value.fault(
                    format!("{other:?} on the same port has the same address {address}; both would answer at once"),
                    "another address, set at the indicator as well",
                );
                return;
            }
            _ if kind != "registers" => {
                value.fault(
                    format!("the port {port:?} already carries the byte stream of {other:?}, and two streams on one line cannot be told apart"),
                    "the id of a port of its own",
                );
                return;
            }
            (Some(_), taken) if *taken == share => {
                value.doubt(
                    format!(
                        "{other:?} on the same port has the same unit id; every register of that unit is asked for twice"
                    ),
                    "another unit_id, unless both profiles really describe one instrument",
                );
                return;
            }
            _ => {}
        }
    }
}

fn protocol(kind: &str, value: &Value<'_>, profiles: &Folder) -> Option<Protocol> {
    let node = value.table()?;
    let protocol = match kind {
        "xk3190_tf0" => scale(&node),
        "rpm_lines" => portal(&node),
        "ph_stream" => Some(Protocol::PhStream),
        "plate_lines" => encoding(&node).map(|encoding| Protocol::PlateLines { encoding }),
        "registers" => registers(&node, &profiles.registers),
        _ => streams::read(kind, &node, profiles),
    };
    node.finish();
    protocol
}

/// How an identity reader encodes its text.
pub(super) fn encoding(node: &Node<'_>) -> Option<TextEncoding> {
    node.may("encoding").map_or(Some(TextEncoding::Utf8), |value| value.word(&ENCODINGS))
}

fn scale(node: &Node<'_>) -> Option<Protocol> {
    let unit = node.need("unit", "\"kg\"").and_then(|value| value.unit_of(&MASS));
    let scale_interval = scale_interval(node);
    let settle = node.may("settle").map_or(Some(SETTLE), |value| value.duration(ms(100), ms(60_000)));
    Some(Protocol::Xk3190Tf0 { unit: unit?, scale_interval: scale_interval?, settle: settle? })
}

/// The scale interval d of an indicator that does not state its own rest.
pub(super) fn scale_interval(node: &Node<'_>) -> Option<Decimal> {
    node.need("scale_interval", "\"20\"").and_then(|value| {
        let interval = value.decimal_within("0.0001", "1000")?;
        // OIML R 76-1:2006, 4.2.2.1: 1, 2 or 5 times a power of ten.
        let mut digits = interval.digits();
        while digits % 10 == 0 && digits != 0 {
            digits /= 10;
        }
        if !matches!(digits, 1 | 2 | 5) {
            value.fault(
                format!(
                    "the scale interval is {interval}; it is 1, 2 or 5 times a power of ten (OIML R 76-1, 4.2.2.1)"
                ),
                value.assign("\"20\""),
            );
            return None;
        }
        Some(interval)
    })
}

fn portal(node: &Node<'_>) -> Option<Protocol> {
    let n_sigma = node.may("n_sigma").map_or_else(|| "7".parse().ok(), |value| value.decimal_within("1", "20"));
    let intervals = node.may("intervals").map_or(Some(5), |value| value.integer(1_u8, 50));
    let speed_limit_kmh =
        node.may("speed_limit").map_or_else(|| "8".parse().ok(), |value| value.decimal_within("1", "60"));
    Some(Protocol::RpmLines { n_sigma: n_sigma?, intervals: intervals?, speed_limit_kmh: speed_limit_kmh? })
}

fn registers(node: &Node<'_>, profiles: &[RegisterProfile]) -> Option<Protocol> {
    let profile = node.need("profile", "\"gamma-dose-rate-generic\"").and_then(|value| {
        let id = value.text()?;
        let found = profiles.iter().find(|profile| profile.id == id);
        if found.is_none() {
            let ids = profiles.iter().map(|profile| profile.id.as_str());
            let way_out = reader::nearest(id, ids.clone()).map_or_else(
                || format!("one of {}, or a file of your own in the folder of [profiles]", reader::list(ids)),
                |meant| value.assign(format!("\"{meant}\"")),
            );
            value.dangling(format!("no profile has the id {id:?}"), way_out);
        }
        found.cloned()
    });
    let unit_id = node.need("unit_id", "1").and_then(|value| value.integer(0_u8, 255));
    let poll = node.may("poll").map_or(Some(POLL), |value| value.duration(ms(20), hours(1)));
    let timeout_value = node.may("timeout");
    let timeout = timeout_value.as_ref().map_or(Some(TIMEOUT), |value| value.duration(ms(10), ms(30_000)));
    if let (Some(poll), Some(timeout), Some(value)) = (poll, timeout, &timeout_value)
        && timeout > poll
    {
        value.doubt(
            format!(
                "the timeout {} is longer than the poll interval {}: one silent answer costs the following polls",
                show_duration(timeout),
                show_duration(poll)
            ),
            value.assign(format!("\"{}\"", show_duration(poll))),
        );
    }
    let turnaround = node.may("turnaround").map_or(Some(None), |value| value.duration(ms(0), ms(1_000)).map(Some));
    let longest_value = node.may("max_answer_time");
    let longest = longest_value.as_ref().map_or(Some(None), |value| value.duration(ms(10), ms(300_000)).map(Some));
    if let (Some(timeout), Some(Some(longest)), Some(value)) = (timeout, longest, &longest_value)
        && longest < timeout
    {
        value.fault(
            format!(
                "the longest answer time {} is shorter than the timeout {}",
                show_duration(longest),
                show_duration(timeout)
            ),
            value.assign(format!("\"{}\"", show_duration(timeout * LATE_ANSWER_TIMEOUTS))),
        );
    }
    let function_timeout_polls =
        node.may("function_timeout_polls").map_or(Some(FUNCTION_TIMEOUT_POLLS), |value| value.integer(1_u8, 255));
    let (profile, timeout) = (profile?, timeout?);
    let declared = longest?.or(profile.max_answer_time).map(|longest| longest.max(timeout));
    Some(Protocol::Registers {
        turnaround: turnaround?.or(profile.turnaround),
        max_answer_time: declared.unwrap_or(timeout * LATE_ANSWER_TIMEOUTS),
        profile,
        unit_id: unit_id?,
        poll: poll?,
        timeout,
        function_timeout_polls: function_timeout_polls?,
    })
}
