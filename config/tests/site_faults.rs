//! What the site reader says about faulty files: every fault, its place, and what to write instead.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::{fs, path::Path};

use tidewaiter_config::{
    Finding, Report, Severity, check_environment, check_environment_in, load_site, site::Protocol, site_from_str,
};

const SITE: &str = r#"version = 1

[site]
id = "yantian"
agent = "gate-07"
name = "盐田港 7 号闸口"

[store]
dir = "data"
budget = "512 MiB"
keep = "30 d"

[uplink]
broker = "mqtt://127.0.0.1:1883"
registry = "registry.json"
window = 64

[local]
listen = "127.0.0.1:8470"

[record]
heartbeat = "30 s"

[[declarations]]
file = "declarations.csv"

[[ports]]
id = "scale-line"
[ports.serial]
path = "/dev/serial/by-id/usb-FTDI-if00"
baud = 9600
data_bits = 8
parity = "none"
stop_bits = 1

[[ports]]
id = "portal"
[ports.tcp]
address = "192.168.7.20:1600"

[[ports]]
id = "gamma"
[ports.modbus_tcp]
address = "192.168.7.21:502"

[[ports]]
id = "lpr"
[ports.tcp]
address = "192.168.7.22:4001"

[[ports]]
id = "ph-line"
[ports.tcp]
address = "192.168.7.23:4001"

[[ports]]
id = "drum"
[ports.modbus_rtu]
path = "/dev/serial/by-id/usb-FTDI-if01"
baud = 19200
parity = "even"

[[instruments]]
id = "scale-1"
port = "scale-line"
simulated = false
serial_number = "A9-2231"
silence = "3 s"
[instruments.xk3190_tf0]
unit = "kg"
scale_interval = "20"
settle = "1 s"

[[instruments]]
id = "portal-1"
port = "portal"
[instruments.rpm_lines]
n_sigma = "7"
intervals = 5
speed_limit = "8"

[[instruments]]
id = "gamma-1"
port = "gamma"
[instruments.registers]
profile = "gamma-dose-rate-generic"
unit_id = 1
poll = "1 s"
timeout = "500 ms"

[[instruments]]
id = "lpr-1"
port = "lpr"
[instruments.plate_lines]
encoding = "gbk"

[[instruments]]
id = "ph-1"
port = "ph-line"
[instruments.ph_stream]

[[instruments]]
id = "drum-1"
port = "drum"
[instruments.registers]
profile = "tyre-drum-proposed"
unit_id = 2
poll = "500 ms"
timeout = "400 ms"

[[lanes]]
id = "lane-7"
[lanes.lorry_gate]
scale = "scale-1"
portal = "portal-1"
dose_rate = { instrument = "gamma-1", channel = "dose-rate" }
plate = "lpr-1"
threshold = "500"
unit = "kg"
time_limit = "60 s"
identity_window = "10 s"
[[lanes.judge]]
table = "gross-mass-cn-2016"
parameters = ["gross-mass"]
[[lanes.judge]]
table = "portal-sigma"
parameters = ["gamma-counts"]
[[lanes.judge]]
table = "scrap-radiation"
parameters = ["dose-rate"]

[[rigs]]
id = "bench-a"
time_limit = "10 min"
[rigs.textile_ph]
meter = "ph-1"
parallels = 3
drift = "0.02"
steady = "10 s"
spread = "0.2"
[[rigs.judge]]
table = "gb18401-2010-t1"
parameters = ["ph"]

[[rigs]]
id = "drum-a"
time_limit = "40 h"
[rigs.tyre_endurance]
drum = "drum-1"
programme = "demo"

[[watches]]
id = "background-gamma"
instrument = "gamma-1"
period = "60 s"
slots = 60
"#;

/// Findings of the site with one place changed.
fn findings(from: &str, to: &str) -> (String, Vec<Finding>) {
    assert!(SITE.contains(from), "the row's text {from:?} is not in the site");
    let text = SITE.replacen(from, to, 1);
    let found = match site_from_str(&text, Path::new("/srv/site")) {
        Ok((_, warnings)) => warnings,
        Err(report) => report.into_findings(),
    };
    (text, found)
}

/// One change, one finding, at the line and column of `at` within the changed text, or of `@at` anywhere.
fn check(severity: Severity, from: &str, to: &str, at: &str, what: &str, way_out: &str) {
    let (text, found) = findings(from, to);
    let listed = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(found.len(), 1, "{to:?} should give one finding:\n{listed}");
    let finding = &found[0];
    assert_eq!(finding.severity, severity, "{listed}");
    assert!(finding.what.contains(what), "{to:?}: {what:?} not in\n{listed}");
    assert!(finding.way_out.contains(way_out), "{to:?}: {way_out:?} not in\n{listed}");
    let changed = match at.strip_prefix('@') {
        Some(elsewhere) => text.find(elsewhere).unwrap(),
        None => SITE.find(from).unwrap() + to.find(at).unwrap(),
    };
    let before = &text[..changed];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    assert_eq!((finding.line, finding.column), (line, column), "{listed}");
    assert_eq!(finding.file, "site.toml");
}

fn error(from: &str, to: &str, at: &str, what: &str, way_out: &str) {
    check(Severity::Error, from, to, at, what, way_out);
}

fn warning(from: &str, to: &str, at: &str, what: &str, way_out: &str) {
    check(Severity::Warning, from, to, at, what, way_out);
}

#[test]
fn the_whole_format_is_read_without_a_word() {
    let (site, warnings) = site_from_str(SITE, Path::new("/srv/site")).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(warnings, []);
    assert_eq!(
        (site.ports.len(), site.instruments.len(), site.lanes.len(), site.rigs.len(), site.watches.len()),
        (6, 6, 1, 2, 1)
    );
    assert_eq!(site.record.heartbeat, std::time::Duration::from_secs(30));
    assert_eq!(site.declarations, [Path::new("/srv/site/declarations.csv")]);
}

#[test]
fn keys() {
    error("baud = 9600", "buad = 9600", "buad", "`buad` is not a key of [ports.serial]", "baud = 9600");
    error("keep = \"30 d\"", "keep = \"30 d\"\ncolour = 3", "colour", "`colour` is not a key", "remove it");
    error("[local]", "[locale]", "locale", "`locale` is not a key of the top level", "`local` in place of");
    error("baud = 9600\n", "", "@[ports.serial]", "`baud` is missing in [ports.serial]", "baud = 9600");
    error("agent = \"gate-07\"\n", "", "@[site]", "`agent` is missing in [site]", "agent = \"gate-07\"");
    error("version = 1\n", "", "@\n", "`version` is missing", "version = 1");
    error("version = 1", "version = 2", "2", "outside 1 to 1", "version = 1");
    error("dir = \"data\"", "dir = \"data\"\ndir = \"other\"", "dir = \"other\"", "duplicate key", "remove one");
}

#[test]
fn heartbeats() {
    let (site, _) =
        site_from_str(&SITE.replace("[record]\nheartbeat = \"30 s\"\n", ""), Path::new("/srv/site")).unwrap();
    assert_eq!(site.record.heartbeat, std::time::Duration::from_secs(60), "unless the file says so");
    for wrong in ["4 s", "61 s", "0 s"] {
        let to = format!("heartbeat = \"{wrong}\"");
        error("heartbeat = \"30 s\"", &to, &format!("\"{wrong}\""), "outside 5 s to 1 min", "heartbeat = ");
    }
    error("heartbeat", "hartbeat", "hartbeat", "`hartbeat` is not a key of [record]", "heartbeat = \"30 s\"");
}

#[test]
fn types() {
    error("baud = 9600", "baud = \"9600\"", "\"9600\"", "must be a whole number", "baud = 9600");
    error("baud = 9600", "baud = 9601", "9601", "not one of", "baud = 9600");
    error("simulated = false", "simulated = \"no\"", "\"no\"", "true or false", "simulated = false");
    error("serial_number = \"A9-2231\"", "serial_number = 2231", "2231", "text in quotes", "serial_number = \"2231\"");
    error("parity = \"none\"", "parity = \"None\"", "\"None\"", "not one of `none`", "parity = \"none\"");
    error("parameters = [\"ph\"]", "parameters = \"ph\"", "\"ph\"", "list in square brackets", "parameters = [");
    error("[[watches]]", "[watches]", "[watches]", "double brackets", "[[watches]]");
    error("intervals = 5", "intervals = 0", "0", "outside 1 to 50", "intervals = 1");
    error("name = \"盐田港 7 号闸口\"", "name = \"\"", "\"\"", "is empty", "name = ");
}

#[test]
fn decimals_durations_sizes_units() {
    error("threshold = \"500\"", "threshold = 500", "500", "bare number", "threshold = \"500\"");
    error("drift = \"0.02\"", "drift = 0.02", "0.02", "bare number", "drift = \"0.02\"");
    error("drift = \"0.02\"", "drift = \"0,02\"", "\"0,02\"", "not a decimal", "drift = \"0.02\"");
    error("drift = \"0.02\"", "drift = \"０．０２\"", "\"０", "not a decimal", "drift = \"0.02\"");
    error("threshold = \"500\"", "threshold = \"500 kg\"", "\"500 kg\"", "not a decimal", "threshold = \"500\"");
    error("settle = \"1 s\"", "settle = \"1 sec\"", "\"1 sec\"", "not a duration", "settle = \"1 s\"");
    error("settle = \"1 s\"", "settle = 1", "1", "without a unit", "settle = \"1 s\"");
    error("time_limit = \"40 h\"", "time_limit = \"1.5 d\"", "\"1.5 d\"", "not a duration", "time_limit = \"36 h\"");
    error("budget = \"512 MiB\"", "budget = \"512 MB\"", "\"512 MB\"", "not a size", "budget = \"512 MiB\"");
    error("budget = \"512 MiB\"", "budget = 512", "512", "without a unit", "budget = \"512 MiB\"");
    error(
        "unit = \"kg\"\nscale_interval",
        "unit = \"KG\"\nscale_interval",
        "\"KG\"",
        "not a UCUM unit code",
        "unit = \"kg\"",
    );
    error(
        "unit = \"kg\"\nscale_interval",
        "unit = \"公斤\"\nscale_interval",
        "\"公斤\"",
        "not a UCUM unit code",
        "unit = \"kg\"",
    );
    error(
        "unit = \"kg\"\nscale_interval",
        "unit = \"kPa\"\nscale_interval",
        "\"kPa\"",
        "is needed here",
        "unit = \"kg\"",
    );
}

#[test]
fn ids() {
    let (_, found) = findings("id = \"portal\"", "id = \"scale-line\"");
    let says: Vec<_> = found.iter().map(|finding| (finding.line, finding.column, finding.what.as_str())).collect();
    assert_eq!(says, [(37, 6, "the port id \"scale-line\" is used twice"), (76, 8, "no port has the id \"portal\"")]);
    error("id = \"lane-7\"", "id = \"lane 7\"", "\"lane 7\"", "an id has", "id = \"lane-7\"");
    error("id = \"lane-7\"", "id = \"7号\"", "\"7号\"", "an id has", "id = \"7\"");
    error("id = \"drum-a\"", "id = \"bench-a\"", "\"bench-a\"", "the rig id \"bench-a\" is used twice", "bench-a-2");
}

#[test]
fn references() {
    error(
        "port = \"scale-line\"",
        "port = \"scale-lin\"",
        "\"scale-lin\"",
        "no port has the id \"scale-lin\"",
        "port = \"scale-line\"",
    );
    error("scale = \"scale-1\"", "scale = \"waage\"", "\"waage\"", "no instrument has the id \"waage\"", "`scale-1`");
    error(
        "table = \"portal-sigma\"",
        "table = \"portal-sgima\"",
        "\"portal-sgima\"",
        "no limit table has the id",
        "table = \"portal-sigma\"",
    );
    error("parameters = [\"ph\"]", "parameters = [\"pH \"]", "\"pH \"", "has no row for", "\"ph\"");
    error(
        "programme = \"demo\"",
        "programme = \"demos\"",
        "\"demos\"",
        "no programme has the id",
        "programme = \"demo\"",
    );
    error(
        "profile = \"tyre-drum-proposed\"",
        "profile = \"tyre-drum\"",
        "\"tyre-drum\"",
        "no profile has the id",
        "one of",
    );
    error(
        "channel = \"dose-rate\"",
        "channel = \"doserate\"",
        "\"doserate\"",
        "has no channel \"doserate\"",
        "channel = \"dose-rate\"",
    );
    error(
        "plate = \"lpr-1\"",
        "plate = \"lpr-1\"\ncontainer = \"ph-1\"",
        "\"ph-1\"",
        "a container reader speaks `plate_lines` or `code_reader`",
        "container = \"lpr-1\"",
    );
    error(
        "portal = \"portal-1\"",
        "portal = \"lpr-1\"",
        "\"lpr-1\"",
        "a portal speaks `rpm_lines`",
        "portal = \"portal-1\"",
    );
    error(
        "drum = \"drum-1\"",
        "drum = \"gamma-1\"",
        "\"gamma-1\"",
        "has no channel \"state\", \"stage\", \"elapsed\", \"speed\"",
        "a drum whose profile",
    );
    error(
        "instrument = \"gamma-1\"\nperiod",
        "instrument = \"gama-1\"\nperiod",
        "\"gama-1\"",
        "no instrument has the id",
        "instrument = \"gamma-1\"",
    );
}

#[test]
fn a_line_behind_a_serial_server() {
    const DRUM: &str = "[ports.modbus_rtu]\npath = \"/dev/serial/by-id/usb-FTDI-if01\"";
    let server = |address: &str| format!("[ports.modbus_rtu_tcp]\naddress = \"{address}\"");
    let (_, found) = findings(DRUM, &server("192.168.7.30:4002"));
    assert_eq!(found, []);
    error(DRUM, &server("192.168.7.30"), "\"192", "which is not host:port", "192.168.7.30:502");
    error(DRUM, &server("192.168.7.22:4001"), "\"192", "already belongs to the port \"lpr\"", "another line");
    error(
        "[ports.modbus_rtu]\npath = \"/dev/serial/by-id/usb-FTDI-if01\"\nbaud = 19200\n",
        "[ports.modbus_rtu_tcp]\naddress = \"192.168.7.30:4002\"\n",
        "[ports.modbus_rtu_tcp]",
        "baud",
        "baud = ",
    );
}

#[test]
fn ports_and_what_hangs_on_them() {
    error(
        "[ports.modbus_tcp]\naddress = \"192.168.7.21:502\"",
        "[ports.tcp]\naddress = \"192.168.7.21:502\"",
        "@[instruments.registers]",
        "`registers` does not run on the port \"gamma\"",
        "[ports.modbus_rtu] or",
    );
    error(
        "address = \"192.168.7.22:4001\"",
        "address = \"192.168.7.20:1600\"",
        "\"192",
        "already belongs to the port \"portal\"",
        "another line",
    );
    error(
        "address = \"192.168.7.22:4001\"",
        "address = \"192.168.7.22\"",
        "\"192",
        "not host:port",
        "address = \"192.168.7.22:502\"",
    );
    error(
        "path = \"/dev/serial/by-id/usb-FTDI-if00\"",
        "path = \"COM3\"",
        "\"COM3\"",
        "no absolute device path",
        "/dev/COM3",
    );
    warning(
        "path = \"/dev/serial/by-id/usb-FTDI-if00\"",
        "path = \"/dev/ttyUSB0\"",
        "\"/dev",
        "may name another adapter",
        "/dev/serial/by-id/",
    );
}

#[test]
fn who_must_answer_and_for_how_long() {
    let gamma = "profile = \"gamma-dose-rate-generic\"\n";
    let with = |line: &str| format!("{gamma}{line}\n");
    error(
        gamma,
        &with("max_answer_time = \"100 ms\""),
        "\"100 ms\"",
        "shorter than the timeout 500 ms",
        "max_answer_time = \"1500 ms\"",
    );
    error(gamma, &with("turnaround = \"2 s\""), "\"2 s\"", "outside 0 ms to 1 s", "turnaround = \"1 s\"");
    let scale = "[instruments.registers]\n";
    let identity = |line: &str| format!("[instruments.identity]\n{line}\n{scale}");
    error(scale, &identity("vender = \"ACME\""), "vender", "`vender` is not a key", "vendor = \"ACME\"");
    error(scale, &identity("vendor = 7"), "7", "text in quotes", "vendor = \"7\"");
    warning(
        scale,
        &identity("serial = \"77\""),
        "\"77\"",
        "nothing in the profile",
        "[[identity]] with fact = \"serial\"",
    );
    warning(scale, &identity(""), "@[instruments.identity]", "nothing is compared", "serial =");

    let text = SITE.replacen(scale, &identity("vendor = \" ACME \"\nrevision = \"V1.0\""), 1);
    let (site, warnings) = site_from_str(&text, Path::new("/srv/site")).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(warnings, []);
    let gamma = site.instrument("gamma-1").unwrap();
    let told: Vec<(&str, &str)> = gamma.identity.iter().map(|(fact, text)| (fact.word(), text.as_str())).collect();
    assert_eq!(told, [("vendor", "ACME"), ("revision", "V1.0")]);
    let Protocol::Registers { timeout, max_answer_time, turnaround, .. } = gamma.protocol else { unreachable!() };
    assert_eq!((max_answer_time, turnaround), (3 * timeout, None));
}

#[test]
fn one_byte_stream_for_each_port() {
    let (_, found) = findings("id = \"lpr-1\"\nport = \"lpr\"", "id = \"lpr-1\"\nport = \"portal\"");
    let says: Vec<_> = found.iter().map(|finding| (finding.severity, finding.what.clone())).collect();
    assert_eq!(found.len(), 2, "{says:?}");
    assert!(
        says.iter().any(|(severity, what)| *severity == Severity::Error
            && what.contains("already carries the byte stream of \"portal-1\"")),
        "{says:?}"
    );
    assert!(
        says.iter().any(|(severity, what)| *severity == Severity::Warning
            && what.contains("no instrument hangs on the port \"lpr\"")),
        "{says:?}"
    );
}

#[test]
fn values_that_cannot_be_meant() {
    error("poll = \"1 s\"", "poll = \"1 ms\"", "\"1 ms\"", "outside 20 ms to 1 h", "poll = \"20 ms\"");
    warning(
        "timeout = \"400 ms\"",
        "timeout = \"2 s\"",
        "\"2 s\"",
        "longer than the poll interval",
        "timeout = \"500 ms\"",
    );
    error(
        "scale_interval = \"20\"",
        "scale_interval = \"30\"",
        "\"30\"",
        "1, 2 or 5 times a power of ten",
        "scale_interval = ",
    );
    error("n_sigma = \"7\"", "n_sigma = \"700\"", "\"700\"", "outside 1 to 20", "n_sigma = \"20\"");
    error("window = 64", "window = 0", "0", "outside 1 to 1024", "window = 1");
    error(
        "time_limit = \"40 h\"",
        "time_limit = \"5 s\"",
        "\"5 s\"",
        "ends before the programme \"demo\" does, which takes 9 s",
        "time_limit = \"18 s\"",
    );
    error("slots = 60", "slots = 61", "61", "one poll every 1 s gives 60", "slots = 60");
    error(
        "period = \"60 s\"",
        "period = \"1500 ms\"",
        "\"1500 ms\"",
        "not a whole number of polls",
        "period = \"2 s\"",
    );
    warning(
        "unit = \"kg\"\ntime_limit",
        "unit = \"t\"\ntime_limit",
        "\"t\"",
        "the scale \"scale-1\" shows kg",
        "unit = \"kg\"",
    );
    warning("budget = \"512 MiB\"", "budget = \"8 MiB\"", "\"8 MiB\"", "72 h are wanted", " MiB\"");
}

#[test]
fn the_network_side() {
    error(
        "broker = \"mqtt://127.0.0.1:1883\"",
        "broker = \"mqtt://broker.example:1883\"",
        "\"mqtt",
        "plain mqtt to \"broker.example\"",
        "mqtts://broker.example:8883",
    );
    error(
        "broker = \"mqtt://127.0.0.1:1883\"",
        "broker = \"broker.example\"",
        "\"broker",
        "neither mqtts:// nor mqtt://",
        "\"mqtts://broker.example\"",
    );
    error(
        "[uplink]\nbroker = \"mqtt://127.0.0.1:1883\"",
        "[uplink]\nbroker = \"mqtts://broker.example:8883\"",
        "[uplink]",
        "mqtts needs the table [uplink.tls]",
        "ca, certificate and key",
    );
    error(
        "listen = \"127.0.0.1:8470\"",
        "listen = \"0.0.0.0:8470\"",
        "\"0.0.0.0",
        "others on the network",
        "listen = \"127.0.0.1:8470\"",
    );
    error(
        "listen = \"127.0.0.1:8470\"",
        "listen = \"8470\"",
        "\"8470\"",
        "not address:port",
        "listen = \"127.0.0.1:8470\"",
    );
}

#[test]
fn what_is_measured_and_what_is_judged() {
    let (_, found) = findings("portal = \"portal-1\"\n", "");
    let says: Vec<_> = found.iter().map(|finding| (finding.severity, finding.what.as_str())).collect();
    assert_eq!(
        says,
        [(
            Severity::Warning,
            "nothing at this place measures \"gamma-counts\", so every verdict on it will be inconclusive"
        )]
    );
    let second = "[[lanes]]\nid = \"lane-8\"\n[lanes.lorry_gate]\nscale = \"scale-1\"\nthreshold = \"500\"\nunit = \"kg\"\n\n[[rigs]]\nid = \"bench-a\"";
    error("[[rigs]]\nid = \"bench-a\"", second, "\"scale-1\"", "already serves \"lane-7\"", "an instrument of its own");
}

#[test]
fn text_that_is_not_toml() {
    error("agent = \"gate-07\"", "agent = “gate-07”", "“gate", "full-width character '“'", "English punctuation");
    error("agent = \"gate-07\"", "agent = gate-07", "gate", "not TOML", "");
    error("dir = \"data\"", "dir = \"data", "@\nbudget", "not TOML", "closing quote");
}

/// Ten faults of ten kinds in one file: all are reported, each at its place, none invented.
#[test]
fn ten_faults_are_ten_findings() {
    let faulty = SITE
        .replacen("baud = 9600", "buad = 9600", 1)
        .replacen("agent = \"gate-07\"\n", "", 1)
        .replacen("simulated = false", "simulated = \"no\"", 1)
        .replacen("scale_interval = \"20\"", "scale_interval = 20", 1)
        .replacen("settle = \"1 s\"", "settle = \"1 sec\"", 1)
        .replacen("budget = \"512 MiB\"", "budget = \"512 MB\"", 1)
        .replacen("unit = \"kg\"\ntime_limit", "unit = \"KG\"\ntime_limit", 1)
        .replacen("id = \"ph-1\"", "id = \"lpr-1\"", 1)
        .replacen("programme = \"demo\"", "programme = \"dmeo\"", 1)
        .replacen("slots = 60", "slots = 6", 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.toml");
    fs::write(&path, &faulty).unwrap();
    let report = load_site(&path).unwrap_err();
    let found: Vec<(usize, usize, &str)> =
        report.findings().iter().map(|it| (it.line, it.column, it.way_out.as_str())).collect();
    let place = |needle: &str, nth: usize| {
        let offset = faulty.match_indices(needle).nth(nth).unwrap().0;
        let before = &faulty[..offset];
        (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap().chars().count() + 1)
    };
    let expected = [
        (place("[site]", 0), "agent = \"gate-07\""),
        (place("\"512 MB\"", 0), "budget = \"512 MiB\""),
        (place("buad", 0), "baud = 9600"),
        (place("\"no\"", 0), "simulated = false"),
        (place("20\nsettle", 0), "scale_interval = \"20\""),
        (place("\"1 sec\"", 0), "settle = \"1 s\""),
        (place("\"lpr-1\"", 1), "id = \"lpr-1-2\""),
        (place("\"KG\"", 0), "unit = \"kg\""),
        (place("\"dmeo\"", 0), "programme = \"demo\""),
        (place("6\n", faulty.matches("6\n").count() - 1), "slots = 60"),
    ];
    let listed = report.to_string();
    for ((line, column), way_out) in expected {
        assert!(found.contains(&(line, column, way_out)), "{line}:{column} {way_out} is not in\n{listed}");
    }
    // The meter lost its id to the duplicate, so the bench that names it is an eleventh, true finding.
    let rest: Vec<_> = report.findings().iter().filter(|it| it.what.contains("ph-1")).collect();
    assert_eq!(rest.len(), 1, "{listed}");
    assert_eq!(report.findings().len(), expected.len() + 1, "{listed}");
    assert!(listed.contains(&format!("{}:{}:{}: error: ", path.display(), place("buad", 0).0, 1)), "{listed}");
    assert!(listed.contains("\n  write: baud = 9600"), "{listed}");
}

#[test]
fn warnings_can_be_shown_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.toml");
    fs::write(&path, SITE.replacen("timeout = \"400 ms\"", "timeout = \"2 s\"", 1)).unwrap();
    let (_, warnings) = load_site(&path).unwrap();
    assert_eq!(warnings.len(), 1);
    let shown = Report::reread(warnings).render(false);
    assert!(shown.contains("timeout = \"2 s\"") && shown.contains("Warning"), "{shown}");
}

#[test]
fn own_tables_and_profiles_come_from_the_folders() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{SITE}\n[limits]\ndir = \"limits\"\n[profiles]\ndir = \"profiles\"\n").replacen(
        "table = \"portal-sigma\"",
        "table = \"own\"",
        1,
    );
    let path = folder.path().join("site.toml");
    fs::write(&path, &text).unwrap();
    let report = load_site(&path).unwrap_err();
    assert_eq!(report.findings().iter().filter(|it| it.what.contains("there is no folder")).count(), 2, "{report}");

    for dir in ["limits", "profiles"] {
        fs::create_dir(folder.path().join(dir)).unwrap();
    }
    let own = include_str!("../limits/portal-sigma.toml")
        .replace("id = \"portal-sigma\"", "id = \"own\"")
        .replace("sigma = \"7\"", "sigma = 7");
    fs::write(folder.path().join("limits/own.toml"), &own).unwrap();
    let report = load_site(&path).unwrap_err();
    assert_eq!(
        report
            .findings()
            .iter()
            .filter(|it| it.file.ends_with("limits/own.toml") && it.what.contains("bare number"))
            .count(),
        1,
        "{report}"
    );

    fs::write(folder.path().join("limits/own.toml"), own.replace("sigma = 7", "sigma = \"5\"")).unwrap();
    fs::write(
        folder.path().join("limits/demo-2.toml"),
        include_str!("../programmes/demo.toml").replace("id = \"demo\"", "id = \"demo-2\""),
    )
    .unwrap();
    let proven = include_str!("../profiles/gamma-dose-rate-generic.toml")
        .replace("id = \"gamma-dose-rate-generic\"", "id = \"mine\"");
    let partly = proven.rsplit_once("[[vectors]]").unwrap().0;
    fs::write(folder.path().join("profiles/mine.toml"), partly).unwrap();
    let (site, warnings) = load_site(&path).unwrap_or_else(|report| panic!("{report}"));
    assert!(site.programme("demo-2").is_some());
    assert_eq!(site.tables.iter().filter(|it| it.id == "own").count(), 1);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].what.contains("\"heartbeat\" has no vector"), "{}", warnings[0]);

    // A copy that changes a shipped edition without saying so.
    fs::write(
        folder.path().join("limits/own.toml"),
        include_str!("../limits/portal-sigma.toml").replace("\"7\"", "\"9\""),
    )
    .unwrap();
    let report = load_site(&path).unwrap_err();
    assert!(report.findings().iter().any(|it| it.what.contains("both come into force")), "{report}");
}

#[test]
fn the_file_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.toml");
    let report = load_site(&path).unwrap_err();
    assert!(report.to_string().contains("cannot read the file"), "{report}");

    let mut bytes = b"\xEF\xBB\xBF".to_vec();
    bytes.extend_from_slice(SITE.replacen("baud", "buad", 1).as_bytes());
    fs::write(&path, &bytes).unwrap();
    let report = load_site(&path).unwrap_err();
    assert_eq!((report.findings()[0].line, report.findings()[0].column), (31, 1), "{report}");

    let mut gbk = b"version = 1\nname = \"".to_vec();
    gbk.extend_from_slice(&[0xD1, 0xCE, b'"', b'\n']);
    fs::write(&path, &gbk).unwrap();
    let report = load_site(&path).unwrap_err();
    assert_eq!((report.findings()[0].line, report.findings()[0].column), (2, 9), "{report}");
    assert!(report.to_string().contains("saved as GBK"), "{report}");

    let report = site_from_str("", folder.path()).unwrap_err();
    let missing: Vec<_> = report.findings().iter().map(|it| it.what.as_str()).collect();
    assert!(
        missing.iter().any(|it| it.contains("`version`")) && missing.iter().any(|it| it.contains("`store`")),
        "{report}"
    );
}

#[test]
fn the_world_outside_is_asked_apart() {
    let folder = tempfile::tempdir().unwrap();
    let text = SITE.replace("/dev/serial/by-id/usb-FTDI-if01", "/dev/null").replacen(
        "192.168.7.20:1600",
        "no-such-host.invalid:1600",
        1,
    );
    fs::write(folder.path().join("declarations.csv"), "subject\n").unwrap();
    let (site, _) = site_from_str(&text, folder.path()).unwrap();
    let found = check_environment(&site);
    let subjects: Vec<_> = found.iter().map(|it| it.file.as_str()).collect();
    assert_eq!(
        subjects,
        ["port \"scale-line\"", "port \"portal\"", "uplink registry"],
        "/dev/null is a device, the declarations are there"
    );
    assert!(found.iter().all(|it| it.line == 0));
    assert!(
        found[0].to_string().starts_with("port \"scale-line\": error: /dev/serial/by-id/usb-FTDI-if00"),
        "{}",
        found[0]
    );

    let report = check_environment_in(&site, "site.toml", &text);
    let places: Vec<_> = report.findings().iter().map(|it| (it.line, it.column)).collect();
    assert_eq!(places, [(15, 12), (30, 8), (39, 11)], "{report}");
}
