//! What the readers of limit tables, programmes and profiles say about faulty files, and how reports look.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use tidewaiter_config::{Report, limits, profile};

const TABLE: &str = r#"id = "my-table"
edition = "2025"
title = { zh = "我的表", en = "My table" }
effective_from = 2025-06-01
source = "document, clause 4"
legal_force = "site"

[facts]
coal = "kind of coal"
haul = "how far it goes"

[[rows]]
id = "sulphur"
parameter = "sulphur"
when = { coal = ["lignite", "other"], haul = "long" }
max = "1.5"
unit = "%"
compare = "rounded"
decision = "non-binary"
action = "alarm"
method = "GB/T 214"
confidence = "C1"
"#;

const PROGRAMME: &str = r#"id = "mine"
edition = "1"
title = { zh = "甲", en = "a" }
source = "own"
[[stages]]
duration = "4 h"
[[stages.hold]]
channel = "speed"
unit = "km/h"
range = ["118", "122"]
"#;

const PROFILE: &str = r#"id = "my-meter"
title = "meter"
source = "manual 3, page 12"
address_base = 30001

[[channels]]
name = "speed"
table = "input"
address = 30009
type = "f32"
word_order = "abcd"
places = 1
unit = "km/h"

[[vectors]]
channel = "speed"
registers = [0x42F0, 0x0000]
expect = "120.0"
"#;

/// One change, one finding, at line and column of `at` in the changed text.
fn one<T>(
    load: impl Fn(&str, &str) -> Result<T, Report>,
    good: &str,
    (from, to): (&str, &str),
    at: &str,
    what: &str,
    way_out: &str,
) {
    assert!(good.contains(from), "{from:?}");
    let text = good.replacen(from, to, 1);
    let Err(report) = load("x.toml", &text) else { panic!("{to:?} is not refused") };
    assert_eq!(report.findings().len(), 1, "{report}");
    let finding = &report.findings()[0];
    assert!(finding.what.contains(what), "{what:?} not in\n{report}");
    assert!(finding.way_out.contains(way_out), "{way_out:?} not in\n{report}");
    let before = &text[..text.find(at).unwrap()];
    let place = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap().chars().count() + 1);
    assert_eq!((finding.line, finding.column), place, "{report}");
}

#[test]
fn a_table_with_everything_in_it() {
    let table = limits::load_str("x.toml", TABLE).unwrap_or_else(|report| panic!("{report}"));
    let row = &table.rows[0];
    assert_eq!(row.when[0].one_of, ["lignite", "other"]);
    assert_eq!(row.when[1].one_of, ["long"]);
    assert_eq!(
        (row.compare, row.decision, row.alarms),
        (limits::Compare::Rounded, limits::DecisionRule::NonBinary, true)
    );
    assert_eq!(row.method.as_deref(), Some("GB/T 214"));
    assert_eq!(table.effective_to, None);
    let again = limits::load_str("x.toml", &TABLE.replace("1.5", "1.6")).unwrap();
    assert_ne!(table.digest, again.digest);
}

#[test]
fn faults_of_a_table() {
    let check = |change, at, what, way_out| one(limits::load_str, TABLE, change, at, what, way_out);
    check(("max = \"1.5\"", "max = 1.5"), "1.5", "bare number", "max = \"1.5\"");
    check(
        ("max = \"1.5\"", "range = [\"4.0\", \"2.0\"]"),
        "[\"4.0\"",
        "upper bound 2.0 is below lower bound 4.0",
        "[\"2.0\", \"4.0\"]",
    );
    check(("max = \"1.5\"", "max = \"1.5\"\nmin = \"1\""), "min", "only one can hold", "one of them");
    check(("max = \"1.5\"\n", ""), "[[rows]]", "needs one of", "max = ");
    check(("max = \"1.5\"", "sigma = \"7\""), "\"7\"", "is written in {sigma}", "unit = \"{sigma}\"");
    check(("max = \"1.5\"", "absent = false"), "false", "states no limit", "absent = true");
    check(
        ("effective_from = 2025-06-01", "effective_from = 2025-06-01\neffective_to = 2024-01-01"),
        "2024-01-01",
        "before it begins",
        "effective_to",
    );
    check(
        ("effective_from = 2025-06-01", "effective_from = \"2025-02-30\""),
        "\"2025-02-30\"",
        "not a day of the calendar",
        "2025-01-31",
    );
    check(
        ("legal_force = \"site\"", "legal_force = \"binding\""),
        "\"binding\"",
        "not one of `mandatory`",
        "mandatory",
    );
    check(("unit = \"%\"", "unit = \"％\""), "\"％\"", "not a UCUM unit code", "unit = \"%\"");
    check(("haul = \"long\"", "haul = 600"), "600", "text in quotes", "haul = \"600\"");
    check(("[\"lignite\", \"other\"]", "[2]"), "2]", "has no quotes", "\"2\"");
    check(("action = \"alarm\"", "action = \"alert\""), "\"alert\"", "not one of `refer` or `alarm`", "action = \"");
    check(("confidence = \"C1\"\n", ""), "[[rows]]", "`confidence` is missing", "confidence = ");
    let double = TABLE.to_owned() + &TABLE[TABLE.find("[[rows]]").unwrap()..];
    let report = limits::load_str("x.toml", &double).unwrap_err();
    assert!(report.findings()[0].what.contains("used twice"), "{report}");
}

#[test]
fn editions_that_begin_on_one_day_clash() {
    let first = limits::load_str("a.toml", TABLE).unwrap();
    let other = limits::load_str("b.toml", &TABLE.replace("edition = \"2025\"", "edition = \"2025XG1\"")).unwrap();
    let text = TABLE.replace("2025-06-01", "2026-06-01");
    let later = limits::load_str("c.toml", &text.replace("edition = \"2025\"", "edition = \"2026\"")).unwrap();
    assert_eq!(limits::clash(&[first.clone(), later.clone()]), None);
    assert_eq!(limits::clash(&[first.clone(), first.clone()]), None, "the same file twice is one edition");
    let clash = limits::clash(&[later, first, other]).unwrap();
    assert_eq!((clash.first.as_str(), clash.second.as_str()), ("2025", "2025XG1"));
}

#[test]
fn faults_of_a_programme() {
    limits::load_programme_str("x.toml", PROGRAMME).unwrap();
    let check = |change, at, what, way_out| one(limits::load_programme_str, PROGRAMME, change, at, what, way_out);
    check(("duration = \"4 h\"", "duration = \"1500 ms\""), "\"1500 ms\"", "whole seconds", "duration = \"2 s\"");
    check(("duration = \"4 h\"", "duration = \"4 hours\""), "\"4 hours\"", "not a duration", "duration = \"4 h\"");
    check(("range = [\"118\", \"122\"]", "range = [\"118\"]"), "[\"118\"]", "two decimals", "range = ");
    check(
        ("[[stages.hold]]\nchannel = \"speed\"\nunit = \"km/h\"\nrange = [\"118\", \"122\"]\n", ""),
        "[[stages]]",
        "holds nothing",
        "[[stages.hold]]",
    );
}

#[test]
fn a_profile_counts_addresses_as_its_manual_does() {
    for (base, address) in [("0", "8"), ("1", "9"), ("30001", "30009")] {
        let text = PROFILE
            .replace("address_base = 30001", &format!("address_base = {base}"))
            .replace("address = 30009", &format!("address = {address}"));
        let profile = profile::load_str("x.toml", &text).unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(profile.channels[0].address, 8, "base {base}");
    }
    let mixed = PROFILE
        .replace("table = \"input\"\naddress = 30009", "table = \"holding\"\naddress_base = 40001\naddress = 40009");
    assert_eq!(profile::load_str("x.toml", &mixed).unwrap().channels[0].address, 8);
}

#[test]
fn faults_of_a_profile() {
    let tells = |identity: &str| format!("{identity}\n[[channels]]");
    let number = tells("[[identity]]\nfact = \"number\"\ntable = \"input\"\naddress = 30001\ntype = \"u16\"");
    let nowhere = tells("[[identity]]\nfact = \"serial\"\ntable = \"input\"\naddress = 1\ntype = \"u16\"");
    let check = |change, at, what, way_out| one(profile::load_str, PROFILE, change, at, what, way_out);
    check(
        ("expect = \"120.0\"", "expect = \"120\""),
        "\"120\"",
        "registers 42F0 0000 give 120.0, and \"120\" is expected",
        "expect = \"120.0\"",
    );
    check(
        ("word_order = \"abcd\"", "word_order = \"cdab\""),
        "\"120.0\"",
        "the vector of \"speed\" fails",
        "word_order = \"abcd\", with which this vector holds",
    );
    check(("word_order = \"abcd\"\n", ""), "[[channels]]", "none is a safe guess", "word_order = \"abcd\"");
    check(("places = 1\n", ""), "[[channels]]", "a float has no resolution", "places = 1");
    check(("registers = [0x42F0, 0x0000]", "registers = [0x42F0]"), "[0x42F0]", "the channel takes 2", "2 numbers");
    check(
        ("table = \"input\"", "table = \"holding\""),
        "30009",
        "holding registers count from 40001",
        "address_base = 40001",
    );
    check(("address = 30009", "address = 9"), "9\ntype", "is no register on the wire", "30001 or more");
    check(("address_base = 30001", "address_base = 40000"), "40000", "not one of 0, 1,", "address_base = 40001");
    check(
        ("channel = \"speed\"", "channel = \"sped\""),
        "\"sped\"",
        "no channel is named \"sped\"",
        "channel = \"speed\"",
    );
    check(
        ("unit = \"km/h\"", "unit = \"km/h\"\nsentinels = [[0xFFFF]]"),
        "[0xFFFF]",
        "the channel takes 2",
        "2 numbers",
    );
    check(("[[channels]]", &number), "\"number\"", "not one of `vendor`", "fact = ");
    check(("[[channels]]", &nowhere), "1\ntype", "is no register on the wire", "30001 or more");
    let serial = "[[identity]]\nfact = \"serial\"\ntable = \"input\"\naddress = 30101\ntype = \"ascii\"\nlength = 4\n";
    let told = PROFILE.replace("[[channels]]", &tells(serial));
    let loaded = profile::load_str("x.toml", &told).unwrap_or_else(|report| panic!("{report}"));
    let register = loaded.identity[0];
    assert_eq!((register.fact, register.address), (profile::Fact::Serial, 100));
    assert!(loaded.device_identification, "asked unless the profile says that it must not be");
    let twice = PROFILE.replace("[[channels]]", &tells(&serial.repeat(2)));
    let report = profile::load_str("x.toml", &twice).unwrap_err();
    assert!(report.findings()[0].what.contains("stands in two places"), "{report}");

    let unproven = PROFILE.split_once("[[vectors]]").unwrap().0;
    let report = profile::load_str("x.toml", unproven).unwrap_err();
    assert!(report.findings()[0].what.contains("no vector"), "{report}");
    let six =
        PROFILE.replace("address_base = 30001", "address_base = 1").replace("address = 30009", "address = 300009");
    let report = profile::load_str("x.toml", &six).unwrap_err();
    assert!(report.findings()[0].way_out.starts_with("address = 9 "), "{report}");
}

#[test]
fn a_report_shows_the_line_with_chinese_text_aligned() {
    let text = TABLE
        .replace("title = { zh = \"我的表\", en = \"My table\" }", "title = { zh = \"我的表\", eng = \"My table\" }");
    let report = limits::load_str("表.toml", &text).unwrap_err();
    assert_eq!(report.to_string(), "表.toml:3:23: error: `eng` is not a key of [title]\n  write: en = \"My table\"");
    let plain = report.render(false);
    assert!(!plain.contains('\u{1b}'), "{plain}");
    assert!(plain.contains("表.toml:3:23"), "{plain}");
    assert!(plain.contains("en = \"My table\""), "{plain}");
    // Under the shown line, the mark begins below `eng`: each Chinese character takes two columns.
    let lines: Vec<&str> = plain.lines().collect();
    let shown = lines.iter().position(|line| line.contains("我的表")).unwrap();
    let columns =
        |text: &str| text.chars().map(|c| if ('\u{4e00}'..='\u{9fff}').contains(&c) { 2 } else { 1 }).sum::<usize>();
    let word = columns(lines[shown].split("eng").next().unwrap());
    let mark = lines[shown + 1].chars().position(|c| matches!(c, '─' | '┬' | '^')).unwrap();
    assert_eq!(mark, word, "{plain}");
    assert!(report.render(true).contains('\u{1b}'));
}
