//! Changes to the text of a site file that leave its notes where they are.
//!
//! A site file is a head and top-level tables; a table takes the notes above it and the tables below it (`[ports.serial]`,
//! `[[rigs.judge]]`) along. Pure.

use tidewaiter_config::site::Parity;

use crate::wiring::Target;

/// Tables whose rows are places: what stands there decides which instruments are needed.
const PLACES: [&str; 4] = ["lanes", "rigs", "watches", "checks"];

/// A top-level table, or the text before the first one.
struct Piece {
    kind: String,
    id: Option<String>,
    text: String,
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = vec![Piece { kind: String::new(), id: None, text: String::new() }];
    let mut notes = String::new();
    for line in text.lines() {
        let header = line.strip_prefix('[').map(|it| it.trim_start_matches('['));
        let name = header.and_then(|it| it.split(']').next()).map(str::trim);
        if let Some(name) = name.filter(|name| !name.contains('.')) {
            pieces.push(Piece { kind: name.to_owned(), id: None, text: String::new() });
        } else if name.is_none() && (line.trim().is_empty() || line.starts_with('#')) {
            notes.push_str(line);
            notes.push('\n');
            continue;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.text.push_str(&std::mem::take(&mut notes));
            piece.text.push_str(line);
            piece.text.push('\n');
            if piece.id.is_none() {
                let id = line.strip_prefix("id = \"").and_then(|rest| rest.split_once('"'));
                piece.id = id.map(|(id, _)| id.to_owned());
            }
        }
    }
    // What stands below the last table belongs to none.
    pieces.push(Piece { kind: String::new(), id: None, text: notes });
    pieces
}

fn joined<'p>(pieces: impl Iterator<Item = &'p Piece>) -> String {
    pieces.map(|it| it.text.as_str()).collect()
}

/// Leaves out every place but these, and the instruments and ports that no place needs any more.
///
/// # Errors
///
/// The id that names no place, and those there are.
pub(super) fn only(text: &str, places: &[String]) -> Result<String, (String, Vec<String>)> {
    let all = pieces(text);
    let is_place = |it: &&Piece| PLACES.contains(&it.kind.as_str());
    let known: Vec<String> = all.iter().filter(is_place).filter_map(|it| it.id.clone()).collect();
    if let Some(stranger) = places.iter().find(|it| !known.contains(it)) {
        return Err((stranger.clone(), known));
    }
    let wanted = |it: &Piece| it.id.as_ref().is_some_and(|id| places.contains(id));
    let kept: String = joined(all.iter().filter(|it| is_place(it) && wanted(it)));
    let names = |text: &str, id: Option<&String>| id.is_some_and(|id| text.contains(&format!("\"{id}\"")));
    let instruments = joined(all.iter().filter(|it| it.kind == "instruments" && names(&kept, it.id.as_ref())));
    Ok(joined(all.iter().filter(|it| match it.kind.as_str() {
        "instruments" => names(&kept, it.id.as_ref()),
        "ports" => names(&instruments, it.id.as_ref()),
        _ => !is_place(it) || wanted(it),
    })))
}

/// Puts a port somewhere else. What it carries, bytes or Modbus, stays as it was.
///
/// # Errors
///
/// The ports there are, when none has this id.
pub(super) fn with_port(text: &str, id: &str, target: &Target) -> Result<String, Vec<String>> {
    let mut all = pieces(text);
    let known: Vec<String> = all.iter().filter(|it| it.kind == "ports").filter_map(|it| it.id.clone()).collect();
    let Some(port) = all.iter_mut().find(|it| it.kind == "ports" && it.id.as_deref() == Some(id)) else {
        return Err(known);
    };
    let notes: String =
        port.text.lines().take_while(|it| !it.starts_with('[')).map(|it| it.to_owned() + "\n").collect();
    let modbus = port.text.contains("[ports.modbus_");
    // A line behind a serial server stays one; only its address is another.
    let characters: Option<String> = port.text.contains("[ports.modbus_rtu_tcp]").then(|| {
        let is_one = |line: &&str| ["baud", "data_bits", "parity", "stop_bits"].iter().any(|key| line.starts_with(key));
        port.text.lines().filter(is_one).map(|it| it.to_owned() + "\n").collect()
    });
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let link = match target {
        Target::Tcp { host, port } => {
            let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
            let address = quoted(&format!("{host}:{port}"));
            match characters {
                Some(characters) => format!("[ports.modbus_rtu_tcp]\naddress = {address}\n{characters}"),
                None if modbus => format!("[ports.modbus_tcp]\naddress = {address}\n"),
                None => format!("[ports.tcp]\naddress = {address}\n"),
            }
        }
        Target::Serial { path, baud, format } => {
            let kind = if modbus { "modbus_rtu" } else { "serial" };
            let path = quoted(&path.to_string_lossy());
            let (data_bits, parity, stop_bits) = format.unwrap_or((8, Parity::None, 1));
            let parity = match parity {
                Parity::None => "none",
                Parity::Even => "even",
                Parity::Odd => "odd",
            };
            format!(
                "[ports.{kind}]\npath = {path}\nbaud = {}\ndata_bits = {data_bits}\nparity = \"{parity}\"\nstop_bits = \
                 {stop_bits}\n",
                baud.unwrap_or(9600)
            )
        }
    };
    port.text = format!("{notes}[[ports]]\nid = {}\n{link}", quoted(id));
    Ok(joined(all.iter()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use tidewaiter_config::site::{Link, site_from_str};

    use super::*;

    const LAB: &str = include_str!("../../../config/sites/textile-lab.toml");
    const LANE: &str = include_str!("../../../config/sites/lane.toml");

    #[test]
    fn nothing_is_lost_when_nothing_is_left_out() {
        for text in [LAB, LANE] {
            assert_eq!(joined(pieces(text).iter()), text);
        }
    }

    #[test]
    fn a_bench_takes_what_it_needs_along() {
        let text = only(LAB, &["bench-a".to_owned()]).unwrap();
        let (site, _) = site_from_str(&text, Path::new(".")).unwrap_or_else(|report| panic!("{report}"));
        let ids = |it: Vec<&str>| it.join(" ");
        assert_eq!(ids(site.rigs.iter().map(|it| it.id.as_str()).collect()), "bench-a");
        assert_eq!(ids(site.instruments.iter().map(|it| it.id.as_str()).collect()), "ph-1");
        assert_eq!(ids(site.ports.iter().map(|it| it.id.as_str()).collect()), "ph-line");
        assert!(text.contains("three extracts"), "the notes stay");
        let (stranger, known) = only(LAB, &["bench-z".to_owned()]).unwrap_err();
        assert_eq!((stranger.as_str(), known.len()), ("bench-z", 4));
    }

    #[test]
    fn a_port_goes_where_it_is_told_to() {
        let check = |text: &str, id: &str, target: &str| {
            let text = with_port(text, id, &target.parse().unwrap()).unwrap();
            let (site, _) = site_from_str(&text, Path::new(".")).unwrap_or_else(|report| panic!("{report}\n{text}"));
            site.port(id).unwrap().link.clone()
        };
        let Link::Serial(line) = check(LAB, "ph-line", "serial:///tmp/sim/ph-1.tty?baud=19200&format=7E1") else {
            panic!("a serial line")
        };
        assert_eq!((line.path.to_str(), line.baud, line.data_bits), (Some("/tmp/sim/ph-1.tty"), 19200, 7));
        assert!(matches!(check(LAB, "ph-line", "tcp://127.0.0.1:4001"), Link::Tcp { port: 4001, .. }));
        assert!(matches!(check(LANE, "gamma-line", "tcp://127.0.0.1:1502"), Link::ModbusTcp { port: 1502, .. }));
        assert!(matches!(check(LANE, "gamma-line", "serial:///dev/ttyS0"), Link::ModbusRtu(_)));
        let behind =
            LANE.replacen("[ports.modbus_tcp]\n", "[ports.modbus_rtu_tcp]\nbaud = 19200\nparity = \"even\"\n", 1);
        let Link::ModbusRtuTcp { port: 4002, line, .. } = check(&behind, "gamma-line", "tcp://127.0.0.1:4002") else {
            panic!("a line behind a serial server")
        };
        assert_eq!((line.baud, line.parity), (19200, Parity::Even));
        assert_eq!(with_port(LAB, "none", &"tcp://a:1".parse().unwrap()).unwrap_err().len(), 4);
    }
}
