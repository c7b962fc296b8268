//! The `[[ports]]` of a site file.

use std::path::PathBuf;

use super::{Link, Parity, Port, SerialLine};
use crate::reader::{Node, Value};

const PARITIES: [(&str, Parity); 3] = [("none", Parity::None), ("even", Parity::Even), ("odd", Parity::Odd)];

/// Line speeds a Linux serial driver sets exactly (termios `B…` constants from 300 up).
const BAUDS: [u32; 13] =
    [300, 600, 1_200, 1_800, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800];

/// Things with an id, faulty ones included, so that a reference to one of them does not count as dangling.
pub(super) struct Named<'d, T> {
    entries: Vec<(String, Option<T>, Value<'d>)>,
}

impl<'d, T> Named<'d, T> {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Notes an id; reports it when it is taken.
    pub(super) fn add(&mut self, what: &str, id: &str, value: &Value<'d>, thing: Option<T>) {
        if self.knows(id) {
            value.fault(format!("the {what} id {id:?} is used twice"), value.assign(format!("\"{id}-2\"")));
        }
        self.entries.push((id.to_owned(), thing, value.clone()));
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.entries.iter().any(|(known, _, _)| known == id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.entries.iter().find(|(known, _, _)| known == id).and_then(|(_, thing, _)| thing.as_ref())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.entries.iter().map(|(id, _, _)| id.as_str())
    }

    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &Value<'d>)> {
        self.entries.iter().map(|(id, _, value)| (id.as_str(), value))
    }

    /// The sound ones, in the order of the file.
    pub(super) fn into_things(self) -> Vec<T> {
        self.entries.into_iter().filter_map(|(_, thing, _)| thing).collect()
    }
}

/// Reads all ports.
pub(super) fn read<'d>(root: &Node<'d>) -> Named<'d, Port> {
    let mut ports: Named<'d, Port> = Named::new();
    let mut ends: Vec<(String, String)> = Vec::new();
    for node in root.tables("ports") {
        let id_value = node.need("id", "\"scale-line\"");
        let id = id_value.as_ref().and_then(Value::id);
        let link = node.one_of(
            &["serial", "tcp", "modbus_tcp", "modbus_rtu", "modbus_rtu_tcp"],
            "[ports.serial] or [ports.modbus_rtu] with path and baud, [ports.tcp] or [ports.modbus_tcp] with address, or \
             [ports.modbus_rtu_tcp] with address and baud",
        );
        let link = link.and_then(|(kind, value)| link_of(kind, &value));
        node.finish();
        let (Some(id), Some(id_value)) = (id, id_value) else { continue };
        let port = link.map(|(link, place)| {
            // Two owners of one line steal each other's bytes.
            let end = end_of(&link);
            if let Some((_, owner)) = ends.iter().find(|(taken, _)| *taken == end) {
                place.fault(
                    format!("{end} already belongs to the port {owner:?}; one line has one owner"),
                    format!("the address of another line, or port = \"{owner}\" at the instruments"),
                );
            }
            ends.push((end, id.to_owned()));
            Port { id: id.to_owned(), link }
        });
        ports.add("port", id, &id_value, port);
    }
    ports
}

fn end_of(link: &Link) -> String {
    match link {
        Link::Serial(serial) | Link::ModbusRtu(serial) => serial.path.display().to_string(),
        Link::Tcp { host, port } | Link::ModbusTcp { host, port } | Link::ModbusRtuTcp { host, port, .. } => {
            format!("{host}:{port}")
        }
    }
}

fn link_of<'d>(kind: &str, value: &Value<'d>) -> Option<(Link, Value<'d>)> {
    let node = value.table()?;
    let link = match kind {
        "serial" => serial(&node).map(|(line, place)| (Link::Serial(line), place)),
        "modbus_rtu" => serial(&node).map(|(line, place)| (Link::ModbusRtu(line), place)),
        "modbus_rtu_tcp" => {
            let value = node.need("address", "\"192.168.7.30:4001\"");
            let path = value.as_ref().and_then(Value::text).map(PathBuf::from);
            let end = value.as_ref().and_then(address);
            // Read whether or not the address is right, so that all faults come at once.
            let line = characters(&node, path);
            end.zip(line)
                .zip(value)
                .map(|(((host, port), line), value)| (Link::ModbusRtuTcp { host, port, line }, value))
        }
        _ => node.need("address", "\"192.168.7.20:502\"").and_then(|value| {
            let (host, port) = address(&value)?;
            let link = if kind == "tcp" { Link::Tcp { host, port } } else { Link::ModbusTcp { host, port } };
            Some((link, value))
        }),
    };
    node.finish();
    link
}

fn serial<'d>(node: &Node<'d>) -> Option<(SerialLine, Value<'d>)> {
    let place = node.need("path", "\"/dev/serial/by-id/…\"");
    let path = place.as_ref().and_then(|value| {
        let text = value.text()?;
        if !text.starts_with('/') {
            value.fault(
                format!("`path` is {text:?}, which is no absolute device path"),
                value.assign(format!("\"/dev/{}\"", text.trim_start_matches("./"))),
            );
            return None;
        }
        if text.starts_with("/dev/ttyUSB") || text.starts_with("/dev/ttyACM") {
            value.doubt(
                format!(
                    "{text} may name another adapter after the next start: the number follows the order of plugging in"
                ),
                value.assign("\"/dev/serial/by-id/…\""),
            );
        }
        Some(PathBuf::from(text))
    });
    Some((characters(node, path)?, place?))
}

/// What the characters on a line look like.
fn characters(node: &Node<'_>, path: Option<PathBuf>) -> Option<SerialLine> {
    let baud = node.need("baud", "9600").and_then(|value| value.integer_of(&BAUDS));
    let data_bits = node.may("data_bits").map_or(Some(8), |value| value.integer(7_u8, 8));
    let parity = node.may("parity").map_or(Some(Parity::None), |value| value.word(&PARITIES));
    let stop_bits = node.may("stop_bits").map_or(Some(1), |value| value.integer(1_u8, 2));
    Some(SerialLine { path: path?, baud: baud?, data_bits: data_bits?, parity: parity?, stop_bits: stop_bits? })
}

/// `host:port`, an IPv6 address in brackets.
pub(super) fn address(value: &Value<'_>) -> Option<(String, u16)> {
    let text = value.text()?.trim();
    let read = || {
        let (host, port) = text.rsplit_once(':')?;
        let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let sound = match inner {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')),
        };
        let port = port.parse::<u16>().ok().filter(|&port| port > 0)?;
        sound.then(|| (inner.unwrap_or(host).to_owned(), port))
    };
    let found = read();
    if found.is_none() {
        let bare = !text.contains(':') && !text.contains('/');
        let example = if bare { format!("\"{text}:502\"") } else { "\"192.168.7.20:502\"".to_owned() };
        value.fault(format!("the address is {text:?}, which is not host:port"), value.assign(example));
    }
    found
}
