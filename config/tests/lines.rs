//! Line profiles as files: what is said about faulty ones, and where; which are shipped.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::{fs, path::Path};

use tidewaiter_config::profile::{self, Profile};

const PROFILE: &str = r#"id = "my-balance"
title = "balance"
source = "manual 3, page 12"
ignore = ['Gross*']

[framing]
end = '\r\n'
longest = 40

[check]
kind = "xor"
written = "hex"

[request]
send = 'P\r'
poll = "2 s"

[[lines]]
split = ","
fields = 3
[[lines.channels]]
name = "mass"
at = 2
unit = "kg"
sentinels = { "----" = "not-present" }
plausible = ["0", "100"]
[[lines.status]]
at = 1
words = { "ST" = "good", "US" = "unstable" }

[[vectors]]
raw = 'ST,12.50,x57\r\n'
expect = { mass = "12.50 kg" }
"#;

/// One change, one finding, at line and column of `at` in the changed text.
fn one((from, to): (&str, &str), at: &str, what: &str, way_out: &str) {
    assert!(PROFILE.contains(from), "{from:?}");
    let text = PROFILE.replacen(from, to, 1);
    let Err(report) = profile::load_line_str("x.toml", &text) else { panic!("{to:?} is not refused") };
    assert_eq!(report.findings().len(), 1, "{report}");
    let finding = &report.findings()[0];
    assert!(finding.what.contains(what), "{what:?} not in\n{report}");
    assert!(finding.way_out.contains(way_out), "{way_out:?} not in\n{report}");
    let before = &text[..text.find(at).unwrap()];
    let place = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap().chars().count() + 1);
    assert_eq!((finding.line, finding.column), place, "{report}");
}

/// The check characters of the vector, so that the base text is sound.
fn sound() -> String {
    let xor = b"ST,12.50,x".iter().fold(0, |xor, byte| xor ^ byte);
    PROFILE.replace("x57", &format!("x{xor:02X}"))
}

#[test]
fn the_profile_of_these_tests_is_sound() {
    assert_eq!(sound(), PROFILE, "the check characters of the vector");
    let profile = profile::load_line_str("x.toml", PROFILE).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(profile.channel_names(), ["mass"]);
    assert_eq!(profile.request.unwrap().send, b"P\r");
}

#[test]
fn faults_of_the_framing() {
    one(("end = '\\r\\n'", "ende = '\\r\\n'\nend = 'any'"), "ende", "`ende` is not a key", "remove it");
    one(
        ("end = '\\r\\n'\nlongest = 40", "start = '\\x02'"),
        "[framing]",
        "nothing says where a frame ends",
        "end = 'any'",
    );
    one(("longest = 40", "longest = 513"), "513", "outside 1 to 512", "longest = 512");
    one(("'\\r\\n'\nlongest", "\"\\\\x0D\"\nlongest"), "\"\\\\x0D\"", "single quotes", "'");
    one(("'\\r\\n'\nlongest", "'\\xG1'\nlongest"), "'\\xG1'", "is no byte", "\\x02");
    one(("longest = 40", "length = 12\nlongest = 40"), "40", "says nothing beside `length`", "remove it");
    one(
        (
            "end = '\\r\\n'\nlongest = 40\n\n[check]\nkind = \"xor\"\nwritten = \"hex\"\n\n[request]\nsend = 'P\\r'\npoll = \"2 s\"",
            "length = 12",
        ),
        "[framing]",
        "nothing shows where a frame begins",
        "[request]",
    );
}

#[test]
fn faults_of_check_and_request() {
    one(("\"xor\"", "\"crc\""), "\"crc\"", "not one of `xor`, `sum` or `lrc`", "lrc");
    one(("written = \"hex\"", "written = \"hex\"\nwidth = 3"), "3\n\n[request]", "2 or 4 hexadecimal digits", "width");
    one(
        ("written = \"hex\"", "written = \"hex\"\nwith_start = true"),
        "true\n\n[request]",
        "has no start",
        "with_start = false",
    );
    one(("poll = \"2 s\"", "poll = 2"), "2\n\n[[lines]]", "without a unit", "poll = \"2 s\"");
    one(("send = 'P\\r'", "send = ''"), "''", "no bytes", "at least one byte");
}

#[test]
fn faults_of_lines_and_channels() {
    one(("at = 2", "at = 4"), "4\nunit = \"kg\"", "outside 1 to 3", "at = 3");
    one(("unit = \"kg\"", "unit = \"KG\""), "\"KG\"", "not a UCUM unit code", "unit = \"kg\"");
    one(("unit = \"kg\"", "units = { \"kg\" = \"kg\" }"), "[[lines.channels]]", "`unit_at` is missing", "unit_at = 2");
    one(("\"not-present\"", "\"gone\""), "\"gone\"", "no reason for a missing value", "overrange");
    one(("\"unstable\"", "\"shaky\""), "\"shaky\"", "neither a quality", "instrument-fault 3");
    one(("at = 2", "at = 2\nnegative = ['-']"), "['-']", "`sign_at` is missing", "sign_at");
    one(("name = \"mass\"", "name = \"ma ss\""), "\"ma ss\"", "an id has", "\"ma-ss\"");
}

#[test]
fn faults_of_templates_and_columns() {
    let template = |template: &str| format!("template = \"{template}\"");
    let change = "split = \",\"\nfields = 3\n[[lines.channels]]\nname = \"mass\"\nat = 2";
    let rest = "\n[[lines.channels]]\nname = \"mass\"";
    let with = |text: &str| format!("{}{rest}", template(text));
    // `at = 1` of the status then names no place either, so the status is left out with it.
    let base = PROFILE.replace("[[lines.status]]\nat = 1\nwords = { \"ST\" = \"good\", \"US\" = \"unstable\" }\n", "");
    let fault = |text: &str, what: &str| {
        let changed = base.replacen(change, &with(text), 1);
        let report = profile::load_line_str("x.toml", &changed).unwrap_err();
        assert!(report.findings().iter().any(|it| it.what.contains(what)), "{text}: {report}");
        assert!(report.findings().iter().all(|it| it.line > 0), "{report}");
    };
    fault("{a}{mass}", "touches the next one");
    fault("{mass},{mass}", "named twice");
    fault("{mass} }", "closing brace");
    fault("{ma ss}", "does not name a place");
    fault("{value}", "no place \"mass\"");
    let columns = base.replacen(change, "columns = 10\n[[lines.channels]]\nname = \"mass\"\nat = [9, 11]", 1);
    let report = profile::load_line_str("x.toml", &columns).unwrap_err();
    assert!(report.findings()[0].what.contains("outside 9 to 10"), "{report}");
}

#[test]
fn a_vector_that_fails_is_named_with_what_it_gave() {
    one(
        ("\"12.50 kg\"", "\"12.5 kg\""),
        "{ mass = \"12.5 kg\" }",
        "vector 1 fails: 'ST,12.50,x57\\r\\n' gives mass = \"12.50 kg\", and mass = \"12.5 kg\" is expected",
        "display",
    );
    one(("x57", "x06"), "{ mass", "gives a refused frame (check characters do not match the frame)", "display");
    one(("x57\\r\\n", "x57"), "{ mass", "do not end as [framing] says", "display");
    one(
        ("expect = { mass = \"12.50 kg\" }", "event = \"ignored\""),
        "\"ignored\"",
        "and nothing is expected",
        "display",
    );
    one(("{ mass = \"12.50 kg\" }", "{ weight = \"12.50 kg\" }"), "\"12.50 kg\"", "no channel is named", "`mass`");
    let none = &PROFILE[..PROFILE.find("[[vectors]]").unwrap()];
    let report = profile::load_line_str("x.toml", none).unwrap_err();
    assert!(report.findings()[0].what.contains("no vector"), "{report}");
}

#[test]
fn a_channel_without_a_vector_is_a_warning() {
    let text = PROFILE.replace(
        "unit = \"kg\"\n",
        "unit = \"kg\"\n[[lines.channels]]\nname = \"tare\"\nat = 3\nunit = \"kg\"\nsentinels = { \"x\" = \"not-present\" }\n",
    );
    let text = text.replace("sentinels = { \"----\" = \"not-present\" }\nplausible = [\"0\", \"100\"]\n", "");
    let text = text.replace("{ mass = \"12.50 kg\" }", "{ mass = \"12.50 kg\", tare = \"not-present\" }");
    let (_, doubts) = profile::load_line_with_doubts("x.toml", &text).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(doubts.findings(), []);
    let second = "[[lines]]\nsplit = \";\"\nfields = 2\n[[lines.channels]]\nname = \"tare\"\nat = 2\nunit = \"kg\"\n\n[[vectors]]";
    let text = PROFILE.replace("[[vectors]]", second);
    let (_, doubts) = profile::load_line_with_doubts("x.toml", &text).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(doubts.findings().len(), 1);
    assert!(doubts.findings()[0].what.contains("\"tare\" has no vector"), "{doubts}");
}

#[test]
fn either_kind_of_profile_is_known_by_its_tables() {
    let (profile, _) = profile::load_any("x.toml", PROFILE).unwrap();
    assert!(matches!(profile, Profile::Line(_)));
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    for entry in fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let text = fs::read_to_string(&entry).unwrap();
        let (profile, _) = profile::load_any("x.toml", &text).unwrap_or_else(|report| panic!("{report}"));
        assert!(matches!(profile, Profile::Registers(_)), "{}", entry.display());
    }
}

#[test]
fn every_shipped_line_profile_is_embedded_and_proves_each_channel() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/lines");
    let mut files: Vec<String> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let mut shipped = Vec::new();
    for profile in profile::builtin_lines() {
        let text = fs::read_to_string(dir.join(format!("{}.toml", profile.id))).unwrap();
        let (again, doubts) = profile::load_line_with_doubts("x.toml", &text).unwrap();
        assert_eq!((again.digest, doubts.findings().len()), (profile.digest, 0), "{}: {doubts}", profile.id);
        shipped.push(profile.id);
    }
    shipped.sort();
    assert_eq!(shipped, files);
}
