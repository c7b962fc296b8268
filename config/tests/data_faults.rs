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

/// A row of each further kind, with every key it may have.
const KINDS: &str = r#"id = "kinds"
edition = "1"
title = { zh = "甲", en = "a" }
effective_from = 2025-06-01
replaces = "0"
source = "own"
legal_force = "site"
hazards = ["chemical"]

[facts]
certificate-date = "date of the certificate"
energy-class = "class on the label"
scale-interval = "verification scale interval e"
single-tyre-axles = "axles with single tyres"

[[rows]]
id = "sum"
parameter = "PAH-2"
unit = "mg/kg"
sum = { of = ["BaP", "BeP"], max = "10" }
basis = "dry"
hazards = ["health", "environmental"]
note = "both of them"
source = "elsewhere"
confidence = "C1"

[[rows]]
id = "ratios"
parameter = "nuclides"
unit = "1"
ratio_unit = "Bq/g"
sum_of_ratios = { of = { "Cs-137" = "10", "K-40" = "100" }, max = "1" }
confidence = "C1"

[[rows]]
id = "classes"
parameter = "rrc"
unit = "kg/t"
classes = { declared = "energy-class", match = "or-better", order = [
  { class = "A", max = "6.5" },
  { class = "B", min = "6.6", max = "7.7" },
  { class = "C", min = "7.8" },
] }
compare = "rounded"
round_to = "0.1"
confidence = "C1"

[[rows]]
id = "share"
parameter = "moisture"
unit = "%"
share = { of = "flow-moisture-point", share = "0.9", op = "<" }
confidence = "C1"

[[rows]]
id = "age"
parameter = "certificate-age"
not_older = { declared = "certificate-date", days = 7 }
confidence = "C1"

[[rows]]
id = "mpe"
parameter = "error"
unit = "kg"
mpe = { load = "test-load", interval = "scale-interval", steps = [{ up_to = "500", e = "0.5" }, { up_to = "2000", e = "1" }], times = "2" }
decision = "jjf-1094"
confidence = "C1"

[[rows]]
id = "deviation"
parameter = "gross-mass"
unit = "kg"
deviation = { declared = "mass", percent = "5", absolute = "500", combine = "greater" }
confidence = "C1"

[[rows]]
id = "less"
parameter = "gross-mass"
unit = "kg"
max = "49000"
less = { declared = "single-tyre-axles", by = "3000" }
confidence = "C1"

[[rows]]
id = "range"
parameter = "flash-point"
unit = "Cel"
range = ["23", "60"]
excludes = "low"
decision = "guarded"
guard_z = "1.6449"
when_measured = [{ parameter = "boiling-point", more_than = "35", unit = "Cel" }, { parameter = "flash-point", max = "90" }]
confidence = "C1"
"#;

#[test]
fn a_table_with_every_kind_of_row() {
    use limits::{Basis, DecisionRule, Excludes, Hazard, Limit, Tolerance};
    let table = limits::load_str("x.toml", KINDS).unwrap_or_else(|report| panic!("{report}"));
    let row = |id: &str| table.rows.iter().find(|row| row.id == id).unwrap();
    assert_eq!(table.replaces.as_deref(), Some("0"));
    assert_eq!(row("sum").hazards, [Hazard::Health, Hazard::Environmental]);
    assert_eq!(row("mpe").hazards, [Hazard::Chemical], "the table's own, where a row names none");
    assert_eq!((row("sum").basis, row("sum").source.as_deref()), (Some(Basis::Dry), Some("elsewhere")));
    assert_eq!(row("age").unit.code(), "1");
    assert_eq!((row("mpe").decision, row("classes").round_to), (DecisionRule::Jjf1094, Some("0.1".parse().unwrap())));
    assert_eq!(row("range").guard_z, Some("1.6449".parse().unwrap()));
    let units = row("range").when_measured.iter().map(|it| it.unit.code()).collect::<Vec<_>>();
    assert_eq!(units, ["Cel", "Cel"], "the second from the row that judges it");
    assert!(matches!(&row("range").limit, Limit::Range { excludes: Excludes::Low, .. }));
    assert!(matches!(&row("deviation").limit, Limit::Deviation { tolerance: Tolerance::Greater { .. }, .. }));
    let kinds = table.rows.iter().map(|row| row.limit.kind()).collect::<Vec<_>>();
    assert_eq!(kinds, ["sum", "sum_of_ratios", "classes", "share", "not_older", "mpe", "deviation", "max", "range"]);
}

#[test]
fn units_of_another_dimension() {
    let check = |change, at, what, way_out| one(limits::load_str, KINDS, change, at, what, way_out);
    check(
        ("unit = \"mg/kg\"\nsum = ", "unit = \"[pH]\"\nsum = "),
        "{ of = [\"BaP\"",
        "values in [pH] do not add up",
        "unit = \"mg/kg\"",
    );
    check(("unit = \"kg\"\nmpe", "unit = \"%\"\nmpe"), "{ load", "% is no unit of mass", "unit = \"kg\"");
    check(("unit = \"1\"\nratio", "unit = \"Bq/g\"\nratio"), "{ of = { \"Cs", "is written in 1", "unit = \"1\"");
    check(("\"Bq/g\"", "\"[pH]\""), "\"[pH]\"", "have no ratio", "ratio_unit = \"Bq/g\"");
    check(("unit = \"kg\"\nmax", "unit = \"{grade}\"\nmax"), "\"49000\"", "a place on a scale", "grade_at_least");
    check(
        ("not_older = {", "unit = \"kg\"\nnot_older = {"),
        "{ declared = \"certificate-date\"",
        "is written in 1",
        "unit = \"1\"",
    );
    check(
        ("decision = \"guarded\"", "basis = \"dry\"\ndecision = \"guarded\""),
        "\"dry\"\ndecision",
        "Cel is referred to no mass",
        "remove it",
    );
    check(
        ("share = { of", "basis = \"dry\"\nshare = { of"),
        "\"dry\"\nshare",
        "kind `share` is compared without a basis",
        "remove it",
    );
}

#[test]
fn gaps_and_overlaps_of_classes() {
    let check = |change, at, what, way_out| one(limits::load_str, KINDS, change, at, what, way_out);
    check(("min = \"7.8\"", "min = \"7.9\""), "\"C\"", "there is a gap: 7.8 is in neither", "min = \"7.8\" in \"C\"");
    check(("min = \"7.8\"", "min = \"7.7\""), "\"C\"", "overlap: 7.7 is in both", "min = \"7.8\" in \"C\"");
    check(("min = \"6.6\", max = \"7.7\"", "min = \"6.6\""), "\"C\"", "overlap: one has no end", "0.1 apart");
    check(
        ("{ class = \"C\", min = \"7.8\" }", "{ class = \"C\", max = \"6.5\" }"),
        "\"C\"",
        "not in the order",
        "the best",
    );
    check(("class = \"C\"", "class = \"B\""), "\"B\", min = \"7.8\"", "stands here twice", "each class once");
    check(("min = \"6.6\"", "min = \"6.55\""), "\"6.55\"", "no multiple of 0.1", "as many decimals");
    check(
        ("min = \"6.6\", max = \"7.7\"", "min = \"7.7\", max = \"6.6\""),
        "\"B\"",
        "below its beginning 7.7",
        "min = ",
    );
    check(("class = \"A\", max = \"6.5\"", "class = \"A\""), "\"A\"", "has no end", "min = ");
    check(
        ("declared = \"energy-class\", match = \"or-better\"", "accept = [\"A\", \"D\"]"),
        "\"D\"",
        "no class is called \"D\"",
        "one of",
    );
    check(("declared = \"energy-class\"", "accept = [\"A\"]"), "match", "none is declared here", "remove it");
    check(
        ("compare = \"rounded\"\nround_to = \"0.1\"\n", ""),
        "[[rows]]\nid = \"classes\"",
        "need rounding first",
        "round_to = ",
    );
    // The best class may be the highest.
    let wet = KINDS
        .replace("{ class = \"A\", max = \"6.5\" }", "{ class = \"A\", min = \"1.6\" }")
        .replace("min = \"6.6\", max = \"7.7\"", "min = \"1.4\", max = \"1.5\"")
        .replace("class = \"C\", min = \"7.8\"", "class = \"C\", max = \"1.3\"");
    limits::load_str("x.toml", &wet).unwrap_or_else(|report| panic!("{report}"));
    let report = limits::load_str("x.toml", &wet.replace("max = \"1.3\"", "max = \"1.2\"")).unwrap_err();
    assert!(report.findings()[0].what.contains("1.3 is in neither"), "{report}");
}

#[test]
fn keys_that_do_not_fit_together() {
    let check = |change, at, what, way_out| one(limits::load_str, KINDS, change, at, what, way_out);
    check(("round_to = \"0.1\"", "round_to = \"0.3\""), "\"0.3\"", "1, 2 or 5 times a power of ten", "\"0.1\"");
    check(
        ("guard_z = \"1.6449\"", "compare = \"rounded\"\nround_to = \"5\""),
        "\"5\"\nwhen",
        "the limit 23 is no multiple of 5",
        "round_to = \"1\"",
    );
    check(
        ("share = { of", "round_to = \"0.1\"\nshare = { of"),
        "\"0.1\"\nshare",
        "has no effect",
        "compare = \"rounded\"",
    );
    check(
        ("not_older = {", "compare = \"rounded\"\nnot_older = {"),
        "\"rounded\"\nnot_older",
        "compares no number",
        "remove it",
    );
    check(("guard_z = \"1.6449\"", "guard_z = \"0\""), "\"0\"\nwhen", "outside 0.1 to 10", "guard_z = ");
    check(("decision = \"guarded\"\n", ""), "\"1.6449\"", "this decision rule has none", "decision = ");
    check(
        ("decision = \"guarded\"\nguard_z = \"1.6449\"", "decision = \"jjf-1094\""),
        "\"jjf-1094\"\nwhen",
        "judges an error",
        "non-binary",
    );
    check(
        ("round_to = \"0.1\"", "round_to = \"0.1\"\ndecision = \"guarded\""),
        "\"guarded\"\nconfidence",
        "has no guard band",
        "simple",
    );
    check(
        ("excludes = \"low\"", "less = { declared = \"mass\", by = \"1\" }"),
        "less = { declared = \"mass\"",
        "has no such part",
        "kind max",
    );
    check(
        ("less = { declared", "excludes = \"low\"\nless = { declared"),
        "excludes = \"low\"\nless",
        "has no such part",
        "kind range",
    );
    check(("[\"23\", \"60\"]", "[\"23\", \"23\"]"), "[\"23\", \"23\"]", "no value lies between", "two different ends");
    check(
        (", combine = \"greater\"", ", combine = \"both\""),
        "\"both\" }",
        "not one of `smaller` or `greater`",
        "combine = ",
    );
    check(("percent = \"5\", absolute", "absolute"), "combine", "nothing is combined", "remove it");
    check(
        ("percent = \"5\", absolute = \"500\", combine = \"greater\"", ""),
        "{ declared = \"mass\"",
        "has no tolerance",
        "percent = ",
    );
    check(("[\"BaP\", \"BeP\"]", "[\"BaP\", \"BaP\"]"), "\"BaP\"], max", "is added twice", "each parameter once");
    check(("[\"BaP\", \"BeP\"]", "[\"BaP\"]"), "[\"BaP\"]", "two parameters or more", "of = ");
    check(("\"K-40\" = \"100\"", "\"K-40\" = \"0\""), "\"0\" }, max", "not above zero", "K-40 = ");
    check(("up_to = \"2000\"", "up_to = \"400\""), "\"400\"", "the step up to 400 comes after", "rising load");
    check(("e = \"1\" }", "e = \"0.2\" }"), "\"2000\"", "the smaller error 0.2", "do not fall");
    check(("op = \"<\"", "op = \">\""), "\">\"", "not one of `<` or `<=`", "op = ");
}

#[test]
fn facts_and_quantities_nobody_knows() {
    let check = |change, at, what, way_out| one(limits::load_str, KINDS, change, at, what, way_out);
    check(
        ("max = \"49000\"", "max = \"49000\"\nwhen = { axels = \"6\" }"),
        "axels",
        "no declaration knows the fact \"axels\"",
        "axles = \"6\"",
    );
    check(
        ("max = \"49000\"", "max = \"49000\"\nwhen = { colour = \"red\" }"),
        "colour",
        "no declaration knows the fact \"colour\"",
        "colour = \"what it means\" under [facts]",
    );
    check(
        ("interval = \"scale-interval\"", "interval = \"scale-intervall\""),
        "\"scale-intervall\"",
        "no declaration knows",
        "interval = \"scale-interval\"",
    );
    check(
        ("parameter = \"flash-point\", max", "parameter = \"flashpoint\", max"),
        "\"flashpoint\"",
        "no row judges \"flashpoint\"",
        "unit = ",
    );
    check(
        ("more_than = \"35\", unit", "more_than = \"35\", min = \"2\", unit"),
        "more_than",
        "only one can hold",
        "one of them",
    );
    let units = KINDS.replace("parameter = \"moisture\"\nunit = \"%\"", "parameter = \"flash-point\"\nunit = \"K\"");
    let report = limits::load_str("x.toml", &units).unwrap_err();
    assert!(report.findings()[0].what.contains("rows judge \"flash-point\" in `K` and `Cel`"), "{report}");
}

/// `2025` begins in June 2025; each case is another edition beside it.
#[test]
fn editions_between_which_nothing_decides() {
    let first = limits::load_str("a.toml", TABLE).unwrap();
    let ending = limits::load_str(
        "a.toml",
        &TABLE.replace("effective_from = 2025-06-01", "effective_from = 2025-06-01\neffective_to = 2026-08-31"),
    )
    .unwrap();
    let other = |edition: &str, from: &str, more: &str| {
        let dates = format!("effective_from = {from}\n{more}");
        let text = TABLE.replace("effective_from = 2025-06-01", &dates);
        limits::load_str("b.toml", &text.replace("edition = \"2025\"", &format!("edition = \"{edition}\""))).unwrap()
    };
    let check = |first: &limits::LimitTable, second: &limits::LimitTable, what: Option<&str>| {
        for tables in [[first.clone(), second.clone()], [second.clone(), first.clone()]] {
            let clash = limits::clash(&tables);
            assert_eq!(clash.is_some(), what.is_some(), "{clash:?}");
            if let (Some(clash), Some(what)) = (clash, what) {
                assert!(clash.to_string().contains(what), "{clash}");
                assert!(clash.way_out().contains("edition") || clash.way_out().contains("id"), "{}", clash.way_out());
            }
        }
    };
    check(&first, &first, None);
    // Without an end the later one simply replaces it, whatever its own end.
    check(&first, &other("2026", "2026-06-01", ""), None);
    check(&first, &other("2026", "2026-06-01", "effective_to = 2026-12-31"), None);
    check(&ending, &other("2026", "2026-09-01", ""), None);
    check(
        &ending,
        &other("2026", "2026-08-31", ""),
        Some("in force to 2026-08-31, and edition \"2026\" comes into force on 2026-08-31"),
    );
    check(&ending, &other("2026", "2026-06-01", "replaces = \"2025\""), None);
    check(&ending, &other("2026", "2026-06-01", "replaces = \"2024\""), Some("comes into force on 2026-06-01"));
    check(&first, &other("2025XG1", "2025-06-01", ""), Some("both come into force on 2025-06-01"));
    check(&first, &other("2025", "2027-06-01", ""), Some("two different files bear the edition \"2025\""));
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

/// A block of the instrument node, as words; its seal is not looked at.
const BLOCK: &str = "[0x5457, 0x0105, 0x5457, 0x4E30, 0x3030, 0x3031, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, \
                     0, 0, 500, 0x81, 0, 0, 0x84, 0, 0, 0x81, 0, 0, 0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]";

fn sealed() -> String {
    format!(
        "id = \"node\"\ntitle = \"n\"\nsource = \"s\"\naddress_base = 0\nmax_registers = 47\n\
         [sealed]\ntable = \"input\"\naddress = 256\ncount = 47\nlayout = \"tidewaiter-node-1\"\n\
         [[channels]]\nname = \"gross\"\nfield = \"mass\"\nplausible = [\"-100\", \"60000000\"]\n\
         [[vectors]]\nchannel = \"gross\"\nregisters = {BLOCK}\nexpect = \"500\"\n"
    )
}

#[test]
fn a_sealed_block_is_read_whole_or_not_at_all() {
    let good = sealed();
    let profile = profile::load_str("x.toml", &good).unwrap_or_else(|report| panic!("{report}"));
    let gross = &profile.channels[0];
    assert_eq!((gross.address, gross.unit.code(), gross.scale), (278, "g", 0));
    assert_eq!(profile.sealed.map(|it| (it.address, it.count)), Some((256, 47)));
    let check = |change, at, what, way_out| one(profile::load_str, &good, change, at, what, way_out);
    check(("count = 47", "count = 46"), "46\n", "46 registers are not the block", "count = 47");
    check(("max_registers = 47", "max_registers = 40"), "47\nlayout", "read in one request", "max_registers = 47");
    check(("table = \"input\"", "table = \"coil\""), "\"coil\"", "lies in registers", "table = \"input\"");
    check(("node-1\"", "node-2\""), "\"tidewaiter-node-2", "not one of `tidewaiter-node-1`", "tidewaiter-node-1");
    check(("address = 256", "address = 65500"), "65500", "no register on the wire", "address = ");
    check(("\"mass\"", "\"weight\""), "\"weight\"", "`mass`", "");
    check(
        ("field = \"mass\"", "table = \"input\"\naddress = 22"),
        "\"input\"\naddress = 22",
        "nothing would prove it",
        "field = ",
    );
    check(("\"500\"", "\"501\""), "\"501\"", "and \"501\" is expected", "expect = \"500\"");
    check(("500, 0x81", "500, 0x99"), "\"500\"", "no block", "");
    check(
        ("[0x5457, 0x0105, ", "[0x0105, "),
        "[0x0105",
        "46 registers stand here, and the channel takes 47",
        "47 numbers",
    );
    let apart = PROFILE.replace("table = \"input\"", "field = \"mass\"\ntable = \"input\"");
    assert!(profile::load_str("x.toml", &apart).unwrap_err().to_string().contains("has no `[sealed]`"));
    let bytes = PROFILE.replace("type = \"f32\"\nword_order = \"abcd\"\nplaces = 1", "type = \"hex\"\nlength = 2");
    assert!(profile::load_str("x.toml", &bytes).unwrap_err().to_string().contains("bytes are no reading"));
}
