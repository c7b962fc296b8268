//! Protocols of byte streams in a site file: every one can be named, and what is said when it is named wrongly.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::{fmt::Write as _, fs, path::Path};

use tidewaiter_config::{
    site::{Codec, Protocol, Site},
    site_from_str,
};
use tidewaiter_drivers::{
    identity::scan,
    scale::xk3190_equals::{Layout, Order},
};

/// A protocol with the keys it cannot do without, one with all, and how often it is asked in milliseconds.
const PROTOCOLS: [(&str, &str, &str, Option<u64>); 30] = [
    (
        "line",
        "profile = \"density-meter-dma\"",
        "profile = \"density-meter-dma\"\npoll = \"10 s\"\ntimeout = \"3 s\"\necho = true",
        Some(5000),
    ),
    (
        "xk3190_tf1",
        "address = 1\nunit = \"kg\"\nscale_interval = \"20\"",
        "address = 26\nmasses = [\"gross\", \"tare\", \"net\"]\nunit = \"t\"\nscale_interval = \"0.02\"\nsettle = \"2 s\"\npoll = \"1 s\"\ntimeout = \"500 ms\"\necho = true",
        Some(500),
    ),
    (
        "xk3190_equals",
        "order = \"reversed\"\nunit = \"kg\"\nscale_interval = \"20\"",
        "order = \"forward\"\nwidth = 6\nunit = \"kg\"\nscale_interval = \"20\"\nsettle = \"1 s\"",
        None,
    ),
    (
        "a12",
        "check = true\nscale_interval = \"0.002\"",
        "check = false\nscale_interval = \"0.05\"\nsettle = \"3 s\"\npoll = \"1 s\"",
        None,
    ),
    ("toledo", "checksum = true", "checksum = false\ndummy_zeros = \"ignore\"", None),
    ("mt_sics", "", "ask = \"immediate\"\npoll = \"200 ms\"\ntimeout = \"2 s\"\necho = false", Some(500)),
    ("st_gs", "", "line_bytes = 16\npoll = \"1 s\"", None),
    ("a_and_d", "", "poll = \"1 s\"", None),
    ("sbi", "", "unit = \"g\"\npoll = \"1 s\"", None),
    ("ohaus", "", "poll = \"1 s\"", None),
    ("shuangjie", "scale_interval = \"0.001\"", "scale_interval = \"0.001\"\npoll = \"1 s\"\nsettle = \"2 s\"", None),
    ("rinstrum", "", "unit = \"kg\"", None),
    ("orion", "", "poll = \"2 s\"\ntimeout = \"500 ms\"", Some(1000)),
    ("seven_multi", "", "poll = \"2 s\"", Some(1000)),
    ("hanna", "", "poll = \"2 s\"", Some(1000)),
    ("laqua", "", "", None),
    ("dma", "", "poll = \"30 s\"", Some(5000)),
    ("moisture_ma", "", "poll = \"30 s\"", None),
    ("photometer", "quantity = \"absorbance\"", "quantity = \"transmittance\"\npoll = \"2 s\"", Some(1000)),
    ("photometer_prints", "", "", None),
    ("uster_hvi", "", "", None),
    ("uster_hvi_quoted", "", "", None),
    ("grade_lines", "", "", None),
    ("jik_ticket", "", "", None),
    ("ludlum_375", "unit = \"uR/h\"", "unit = \"uSv/h\"", None),
    (
        "ludlum_2363",
        "rate_unit = \"uSv/h\"\ndose_unit = \"uSv\"",
        "rate_unit = \"uR/h\"\ndose_unit = \"uSv\"\npoll = \"2 s\"",
        Some(1000),
    ),
    ("kromek_d5", "", "crc = \"ignored\"\npoll = \"2 s\"", Some(1000)),
    ("spectral_daily", "", "", None),
    ("axxon", "", "encoding = \"gbk\"", None),
    ("code_reader", "", "prefix = \"<\"\nsuffix = \">\"\nend = \"tab\"", None),
];

const HEAD: &str = "version = 1\n[site]\nid = \"s\"\nagent = \"a\"\nname = \"n\"\n[store]\ndir = \"data\"\n";

/// A site with these instruments, each `(port, protocol, keys)`; instrument `i0` on port `p0` and so on.
fn text(instruments: &[(&str, &str, &str)], rest: &str) -> String {
    let mut text = HEAD.to_owned();
    let mut ports: Vec<&str> = instruments.iter().map(|it| it.0).collect();
    ports.dedup();
    for (number, port) in ports.iter().enumerate() {
        writeln!(text, "[[ports]]\nid = \"{port}\"\n[ports.tcp]\naddress = \"h:{}\"", 4001 + number).unwrap();
    }
    for (number, (port, protocol, keys)) in instruments.iter().enumerate() {
        writeln!(text, "[[instruments]]\nid = \"i{number}\"\nport = \"{port}\"\n[instruments.{protocol}]\n{keys}")
            .unwrap();
    }
    text + rest
}

fn load(text: &str) -> Site {
    site_from_str(text, Path::new("/nowhere")).unwrap_or_else(|report| panic!("{report}\n{text}")).0
}

/// The one fault of a file; its place is where `at` begins.
fn fault(text: &str, at: &str, what: &str, way_out: &str) {
    let Err(report) = site_from_str(text, Path::new("/nowhere")) else { panic!("not refused\n{text}") };
    assert_eq!(report.findings().len(), 1, "{report}");
    let finding = &report.findings()[0];
    assert!(finding.what.contains(what), "{what:?} not in\n{report}");
    assert!(finding.way_out.contains(way_out), "{way_out:?} not in\n{report}");
    let before = &text[..text.rfind(at).unwrap()];
    let place = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap().chars().count() + 1);
    assert_eq!((finding.line, finding.column), place, "{report}");
}

#[test]
fn every_protocol_loads_with_what_it_needs_and_with_all_its_keys() {
    for (word, least, all, poll_ms) in PROTOCOLS {
        let site = load(&text(&[("p", word, least)], ""));
        let protocol = &site.instruments[0].protocol;
        assert_eq!(protocol.word(), word);
        let poll = protocol.polling().map(|it| u64::try_from(it.poll.as_millis()).unwrap());
        assert_eq!(poll, poll_ms, "{word}");
        let site = load(&text(&[("p", word, all)], ""));
        assert_eq!(site.instruments[0].protocol.polling().is_some(), all.contains("poll"), "{word}");
    }
}

#[test]
fn every_key_without_a_default_is_asked_for_and_no_other_is_taken() {
    for (word, least, ..) in PROTOCOLS {
        for line in least.lines() {
            let key = line.split(' ').next().unwrap();
            let without: Vec<&str> = least.lines().filter(|it| *it != line).collect();
            let report =
                site_from_str(&text(&[("p", word, &without.join("\n"))], ""), Path::new("/nowhere")).unwrap_err();
            assert!(report.findings()[0].what.contains(&format!("`{key}` is missing")), "{word}: {report}");
        }
        let stray = format!("{least}\nbogus = 1");
        fault(&text(&[("p", word, &stray)], ""), "bogus", "`bogus` is not a key of", "remove it");
    }
}

#[test]
fn the_readme_and_an_example_name_every_protocol() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    for (word, ..) in PROTOCOLS {
        assert!(readme.contains(&format!("| `{word}`")), "README.md has no row for {word}");
    }
}

#[test]
fn what_is_not_stated_by_the_frame_is_kept_as_written() {
    let site = load(&text(&[("p", "xk3190_equals", PROTOCOLS[2].2), ("q", "code_reader", PROTOCOLS[29].2)], ""));
    let Protocol::Stream { codec: Codec::Xk3190Equals { layout, .. }, .. } = site.instruments[0].protocol else {
        panic!()
    };
    assert_eq!(Some(layout), Layout::new(Order::Forward, 6));
    let Protocol::Stream { codec: Codec::CodeReader(settings), .. } = &site.instruments[1].protocol else { panic!() };
    let scan::Settings { prefix, suffix, end } = settings;
    assert_eq!((prefix.as_slice(), suffix.as_slice(), *end), (b"<".as_slice(), b">".as_slice(), Some(b'\t')));
}

#[test]
fn faults_of_polling() {
    fault(&text(&[("p", "st_gs", "timeout = \"1 s\"")], ""), "\"1 s\"", "`poll` is missing", "poll = ");
    fault(&text(&[("p", "orion", "poll = \"10 ms\"")], ""), "\"10 ms\"", "outside 50 ms to 1 h", "poll = \"50 ms\"");
    fault(
        &text(&[("p", "mt_sics", "ask = \"repeat\"\npoll = \"1 s\"")], ""),
        "\"1 s\"",
        "repeats by itself",
        "ask = \"immediate\"",
    );
    fault(
        &text(&[("p", "line", "profile = \"coal-gauge-csv\"\npoll = \"1 s\"")], ""),
        "\"1 s\"",
        "has no [request]",
        "remove it",
    );
    fault(
        &text(&[("p", "shuangjie", "scale_interval = \"1\"\nsettle = \"1 s\"\npoll = \"2 s\"")], ""),
        "\"1 s\"",
        "needs at least twice that interval",
        "settle = \"4 s\"",
    );
    fault(
        &text(&[("p", "line", "profile = \"coal-gauge\"")], ""),
        "\"coal-gauge\"",
        "no line profile",
        "coal-gauge-csv",
    );
    fault(
        &text(&[("p", "a12", "check = true\nscale_interval = \"3\"")], ""),
        "\"3\"",
        "1, 2 or 5 times",
        "scale_interval",
    );
}

#[test]
fn indicators_with_addresses_share_a_line_and_no_others_do() {
    let at = |address: u8| format!("address = {address}\nunit = \"kg\"\nscale_interval = \"20\"");
    let site = load(&text(&[("p", "xk3190_tf1", &at(1)), ("p", "xk3190_tf1", &at(2))], ""));
    assert_eq!(site.instruments.len(), 2);
    let twice = text(&[("p", "xk3190_tf1", &at(3)), ("p", "xk3190_tf1", &at(3))], "");
    fault(&twice, "\"p\"", "the same address 3", "another address");
    let mixed = text(&[("p", "xk3190_tf1", &at(1)), ("p", "mt_sics", "")], "");
    fault(&mixed, "\"p\"", "two streams on one line", "a port of its own");
}

#[test]
fn a_lane_takes_any_scale_and_a_bench_any_ph_meter() {
    let lane = "[[lanes]]\nid = \"lane\"\n[lanes.lorry_gate]\nscale = \"i0\"\nthreshold = \"500\"\nunit = \"kg\"\n";
    for (word, least, ..) in PROTOCOLS.iter().take(12).skip(1) {
        load(&text(&[("p", word, least)], lane));
    }
    let tare =
        text(&[("p", "xk3190_tf1", "address = 1\nunit = \"kg\"\nscale_interval = \"20\"\nmasses = [\"tare\"]")], lane);
    fault(&tare, "\"i0\"", "neither a channel `mass` nor `gross`", "gross mass");
    let rig = "[[rigs]]\nid = \"rig\"\ntime_limit = \"10 min\"\n[rigs.textile_ph]\nmeter = \"i0\"\n";
    for word in ["orion", "seven_multi", "hanna", "laqua"] {
        load(&text(&[("p", word, "")], rig));
    }
    fault(&text(&[("p", "dma", "")], rig), "\"i0\"", "a pH meter speaks", "an instrument with the protocol");
}

#[test]
fn a_dose_rate_may_come_from_a_line_and_its_channel_is_known() {
    let lane = |channel: &str| {
        format!(
            "[[lanes]]\nid = \"lane\"\n[lanes.lorry_gate]\nscale = \"i0\"\ndose_rate = {{ instrument = \"i1\", channel = \"{channel}\" }}\nthreshold = \"500\"\nunit = \"kg\"\n"
        )
    };
    let instruments = [("p", "st_gs", ""), ("q", "ludlum_375", "unit = \"uSv/h\"")];
    load(&text(&instruments, &lane("dose-rate")));
    fault(&text(&instruments, &lane("dose")), "\"dose\"", "has no channel \"dose\"", "dose-rate");
}

#[test]
fn slots_of_a_watch_are_the_polls_of_an_instrument_that_is_asked() {
    let watch =
        |slots: u32| format!("[[watches]]\nid = \"w\"\ninstrument = \"i0\"\nperiod = \"60 s\"\nslots = {slots}\n");
    load(&text(&[("p", "orion", "")], &watch(60)));
    fault(
        &text(&[("p", "orion", "")], &watch(61)),
        "61",
        "61 slots in 1 min, and one poll every 1 s gives 60",
        "slots = 60",
    );
}

#[test]
fn a_line_profile_of_ones_own_lies_in_the_folder_of_profiles() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("profiles");
    fs::create_dir(&folder).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/lines/coal-gauge-csv.toml");
    let own = fs::read_to_string(shipped).unwrap().replace("id = \"coal-gauge-csv\"", "id = \"gauge-3\"");
    fs::write(folder.join("gauge-3.toml"), &own).unwrap();
    let site = "[profiles]\ndir = \"profiles\"\n";
    let text = text(&[("p", "line", "profile = \"gauge-3\"")], "");
    let text = text.replacen("[store]", &format!("{site}[store]"), 1);
    let (loaded, warnings) = site_from_str(&text, dir.path()).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(warnings, []);
    let Protocol::Line { profile, polling: None } = &loaded.instruments[0].protocol else { panic!() };
    assert_eq!(profile.channel_names(), ["mass-flow", "ash", "moisture"]);
    fs::write(folder.join("gauge-3.toml"), own.replace("12.84 %\"", "12.85 %\"")).unwrap();
    let report = site_from_str(&text, dir.path()).unwrap_err();
    assert!(report.findings().iter().any(|it| it.what.contains("vector 1 fails")), "{report}");
    fs::write(folder.join("gauge-3.toml"), own.replace("gauge-3", "coal-gauge-csv")).unwrap();
    let report = site_from_str(&text, dir.path()).unwrap_err();
    assert!(report.findings().iter().any(|it| it.what.contains("two profiles have the id")), "{report}");
}
