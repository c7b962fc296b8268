//! What the reader of monitoring plans takes, and what it says about faulty ones.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::time::Duration;

use tidewaiter_config::{
    limits,
    plan::{self, Change, EXAMPLE, Known, Level, Plan, RiskClass},
    site_from_str,
};

fn load(text: &str) -> Result<Plan, tidewaiter_config::Report> {
    let tables = limits::builtin();
    let known = Known { tables: &tables, places: Some(vec!["lane-7", "bench-a"]) };
    plan::load_str("plan.toml", text, &known).map(|(plan, _)| plan)
}

fn example() -> Plan {
    load(EXAMPLE.1).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn the_shipped_example_is_sound() {
    let plan = example();
    assert_eq!((plan.id.as_str(), plan.version), ("example-port", 1));
    assert_eq!(plan.items.len(), 3);
    let sampling = plan.items[1].sampling.as_ref().unwrap();
    assert_eq!(RiskClass::ALL.map(|class| sampling.rate(class).to_string()), ["100", "20", "5"]);
    assert_eq!(sampling.period, Duration::from_secs(7 * 86_400));
    assert_eq!(plan.deadlines[1].on.levels, [Level::I, Level::II, Level::III]);
    // A quarter of a day unless said.
    assert_eq!(plan.deadlines[1].at_risk, Duration::from_secs(6 * 3_600));
    assert_eq!(plan.matrix.unwrap().steps.len(), 4);
    assert_eq!(plan.trend.unwrap().lift_after, 10);
}

#[test]
fn an_item_is_for_what_it_names() {
    let plan = example();
    let scrap = &plan.items[1];
    let rows: [(Option<&str>, Option<usize>); 6] = [
        (Some("7404000010"), Some(4)),
        (Some("7404.00.00"), Some(4)),
        (Some("7403"), None),
        (Some("74"), None),
        (Some(""), None),
        (None, None),
    ];
    for (hs, expected) in rows {
        assert_eq!(scrap.hs_match(hs), expected, "{hs:?}");
    }
    assert_eq!(plan.items[0].hs_match(None), Some(0));
    assert!(scrap.covers("lorry-gate", "lane-7") && !scrap.covers("textile-ph", "lane-7"));
}

/// One change, one finding, at the line of `at` in the changed text.
#[test]
fn a_faulty_plan_says_where_and_what_instead() {
    let rows: [(&str, &str, &str, &str, &str); 24] = [
        (
            "table = \"portal-sigma\"",
            "table = \"portal-sigmo\"",
            "portal-sigmo",
            "no limit table has the id",
            "portal-sigma",
        ),
        (
            "[\"gamma-counts\"]\n\n# Scrap",
            "[\"gamma-count\"]\n\n# Scrap",
            "[\"gamma-count\"]",
            "has no row for \"gamma-count\"",
            "\"gamma-counts\"",
        ),
        (
            "procedures = [\"lorry-gate\"]",
            "procedures = [\"lory-gate\"]",
            "lory-gate",
            "which is not one of",
            "lorry-gate",
        ),
        ("procedures = [\"lorry-gate\"]", "places = [\"lane-8\"]", "lane-8", "no lane or rig \"lane-8\"", "lane-7"),
        (
            "procedures = [\"lorry-gate\"]\nresult_class",
            "result_class",
            "[[items]]",
            "neither procedures nor places",
            "procedures =",
        ),
        ("\"7404\"", "\"74.04\"", "74.04", "not the first 2 to 10 digits", "\"7404\""),
        (
            "id = \"scrap-metal\"",
            "id = \"lorries\"",
            "\"lorries\"\nprocedures = [\"lorry-gate\"]\nhs",
            "two items have the id",
            "lorries-2",
        ),
        ("B = \"20\"", "B = \"120\"", "\"120\"", "outside 0 to 100", "\"100\""),
        ("B = \"20\"", "B = \"0.0000001\"", "\"0.0000001\"", "at most 6 places", "0.000000"),
        ("B = \"20\"", "B = 20", "20, C", "stand in quotes", "\"20\""),
        ("default = \"B\"", "default = \"D\"", "\"D\"", "not one of", "default = "),
        ("within = \"2 h\"", "within = \"2 hours\"", "\"2 hours\"", "not a duration", "2 h"),
        ("at_risk = \"30 min\"", "at_risk = \"3 h\"", "\"3 h\"", "from its first moment", "1800 s"),
        ("on = { dispositions = [\"alarm\"] }", "on = {}", "{}", "every finding would start it", "alarm"),
        (
            "on = { dispositions = [\"alarm\"] }",
            "on = { dispositions = [\"alert\"] }",
            "\"alert\"",
            "not one of",
            "alarm",
        ),
        ("level = \"II\", at_least = 9", "level = \"II\", at_least = 20", "20 }", "falling products", "at_least = 17"),
        ("levels = [\"I\", \"II\"] }", "levels = [\"V\"] }", "\"V\"", "not one of", "levels = "),
        ("scope = \"{goods}\"", "scope = \"{good}\"", "\"{good}\"", "nothing is known by the name {good}", "{goods}"),
        ("scope = \"{goods}\"", "scope = \"{goods\"", "\"{goods\"", "opened and not closed", "{goods}"),
        (
            "legal_basis = \"示例：本计划\"\n\n[[notices]]",
            "\n[[notices]]",
            "[[notices]]",
            "`legal_basis` is missing",
            "legal_basis =",
        ),
        ("cnas = \"L0000\"\n", "", "[[acceptance]]", "neither a CMA nor a CNAS", "cma ="),
        ("valid_to = 2026-12-31", "valid_to = 2025-12-31", "2025-12-31", "before it begins", "2026-01-01"),
        ("version = 1", "version = 0", "0\ntitle", "outside 1 to", "version = 1"),
        ("issuer =", "isuer =", "isuer", "`isuer` is not a key", "issuer ="),
    ];
    for (from, to, at, what, way_out) in rows {
        let text = EXAMPLE.1.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE.1, "{from:?}");
        let Err(report) = load(&text) else { panic!("{to:?} is not refused") };
        assert_eq!(report.findings().len(), 1, "{to:?}: {report}");
        let finding = &report.findings()[0];
        assert!(finding.what.contains(what), "{what:?} not in\n{report}");
        assert!(finding.way_out.contains(way_out), "{way_out:?} not in\n{report}");
        let line = text[..text.find(at).unwrap()].matches('\n').count() + 1;
        assert_eq!(finding.line, line, "{report}");
        assert!(finding.column > 0);
    }
}

#[test]
fn what_depends_on_another_part_is_refused_without_it() {
    let without = |from: &str, to: &str| {
        let (head, rest) = EXAMPLE.1.split_once(from).unwrap();
        let (_, tail) = rest.split_once(to).unwrap();
        format!("{head}{to}{tail}")
    };
    let check = |text: &str, what: &str| {
        let report = load(text).unwrap_err();
        assert!(report.findings().iter().any(|it| it.what.contains(what)), "{report}");
    };
    check(&without("[trend]", "# Whose laboratory"), "the plan has none");
    check(&without("[matrix]", "# The first that fits"), "no matrix proposes one");
    check(&without("# Every lorry", "# What must be reported"), "the plan watches nothing");
}

#[test]
fn all_faults_are_told_at_once() {
    let text = EXAMPLE.1.replace("7404", "x").replace("within = \"2 h\"", "within = 2").replace("\"alarm\"", "\"x\"");
    assert_eq!(load(&text).unwrap_err().findings().len(), 4);
}

#[test]
fn versions_are_told_apart_setting_by_setting() {
    let old = example();
    let text = EXAMPLE.1.replacen("version = 1", "version = 2", 1).replacen("B = \"20\"", "B = \"25\"", 1);
    let text = text.replacen("id = \"feedback-24h\"", "id = \"feedback-1d\"", 1);
    let changes = plan::changes(&old, &load(&text).unwrap());
    let change = |what: &str, old: Option<&str>, new: Option<&str>| Change {
        what: what.to_owned(),
        old: old.map(str::to_owned),
        new: new.map(str::to_owned),
    };
    assert!(changes.contains(&change("version", Some("1"), Some("2"))));
    assert!(changes.contains(&change("items.scrap-metal.sampling.B", Some("20 %"), Some("25 %"))));
    assert!(changes.contains(&change("deadlines.feedback-1d.within", None, Some("1 d"))));
    assert!(changes.contains(&change("deadlines.feedback-24h.within", Some("1 d"), None)));
    assert_eq!(changes.len(), 2 + 4 + 4, "{changes:?}");
    assert!(plan::changes(&old, &old).is_empty());
}

#[test]
fn a_site_names_its_plan_and_loads_without_reading_it() {
    let site = "version = 1\n[site]\nid = \"x\"\nagent = \"y\"\nname = \"z\"\n[store]\ndir = \"d\"\n";
    let load = |more: &str| {
        site_from_str(&format!("{site}{more}"), std::path::Path::new("/etc/tw")).map(|(site, _)| site.plan)
    };
    assert_eq!(load("").unwrap(), None);
    assert_eq!(load("[plan]\nfile = \"plan.toml\"\n").unwrap(), Some("/etc/tw/plan.toml".into()));
    assert!(load("[plan]\nfil = \"plan.toml\"\n").unwrap_err().to_string().contains("file"));
}
