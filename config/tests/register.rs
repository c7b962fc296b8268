//! The register of instruments and the function checks of a site file: what is read, and what is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::{path::Path, time::Duration};

use tidewaiter_config::{
    Finding, Severity, limits,
    site::{
        Buffer, CheckProcedure, Control, Expanded, Measurand, ScaleClass, ScaleRange, reference_parameter,
        site_from_str, unregistered,
    },
};
use tidewaiter_drivers::{Decimal, Unit};

const SITE: &str = r#"version = 1
[site]
id = "yantian"
agent = "gate-07"
name = "盐田港 7 号闸口"
[store]
dir = "data"

[[ports]]
id = "scale-line"
[ports.tcp]
address = "192.168.7.20:1601"
[[ports]]
id = "portal-line"
[ports.tcp]
address = "192.168.7.20:1600"
[[ports]]
id = "gamma-line"
[ports.modbus_tcp]
address = "192.168.7.21:502"
[[ports]]
id = "ph-line"
[ports.tcp]
address = "192.168.7.23:4001"

[[instruments]]
id = "scale-1"
port = "scale-line"
[instruments.xk3190_tf0]
unit = "kg"
scale_interval = "20"
[instruments.register]
control = "compulsory-verification"
class = "III"
e = "20"
min = "400"
max = "80000"
unit = "kg"
model_approval = "2019F123-44"
certificate = "LX-2026-0117"
issued_by = "某市计量院"
verified_on = 2026-03-01
valid_until = 2027-02-28
due = "45 d"
[[instruments.register.uncertainty]]
channel = "mass"
u = "0.02"
unit = "t"

[[instruments]]
id = "portal-1"
port = "portal-line"
[instruments.rpm_lines]

[[instruments]]
id = "gamma-1"
port = "gamma-line"
[instruments.registers]
profile = "gamma-dose-rate-generic"
unit_id = 1
[instruments.register]
control = "calibration"
[[instruments.register.uncertainty]]
parameter = "dose-rate"
percent = "15"

[[instruments]]
id = "ph-1"
port = "ph-line"
[instruments.ph_stream]

[[lanes]]
id = "lane-7"
[lanes.lorry_gate]
scale = "scale-1"
portal = "portal-1"
dose_rate = { instrument = "gamma-1", channel = "dose-rate" }
threshold = "500"
unit = "kg"

[[checks]]
id = "portal-daily"
instrument = "portal-1"
kind = "portal-source"
every = "24 h"
sigma = "10"

[[checks]]
id = "scale-zero-daily"
instrument = "scale-1"
kind = "scale-zero"
every = "24 h"
grace = "2 h"

[[checks]]
id = "scale-monthly"
instrument = "scale-1"
kind = "scale-mass"
every = "30 d"
mass = "20000"

[[checks]]
id = "ph-daily"
instrument = "ph-1"
kind = "ph-buffers"
every = "24 h"
buffers = [{ ph = "4.01", tolerance = "0.05" }, { ph = "6.86", tolerance = "0.05" }]

[[checks]]
id = "gamma-weekly"
instrument = "gamma-1"
kind = "reference"
every = "7 d"
channel = "dose-rate"
value = "0.50"
tolerance = "0.10"
unit = "uGy/h"
"#;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// One change, one error, whose place is the line of `at` within the change.
fn error(from: &str, to: &str, at: &str, what: &str, way_out: &str) {
    assert!(SITE.contains(from), "the row's text {from:?} is not in the site");
    let text = SITE.replacen(from, to, 1);
    let found = site_from_str(&text, Path::new("/srv/site"))
        .map_or_else(tidewaiter_config::Report::into_findings, |(_, warnings)| warnings);
    let listed = found.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(found.len(), 1, "{to:?} should give one finding:\n{listed}");
    assert_eq!(found[0].severity, Severity::Error, "{listed}");
    assert!(found[0].what.contains(what), "{to:?}: {what:?} not in\n{listed}");
    assert!(found[0].way_out.contains(way_out), "{to:?}: {way_out:?} not in\n{listed}");
    let place = match at.strip_prefix('@') {
        Some(elsewhere) => text.find(elsewhere).unwrap(),
        None => SITE.find(from).unwrap() + to.find(at).unwrap(),
    };
    assert_eq!(found[0].line, text[..place].matches('\n').count() + 1, "{listed}");
}

#[test]
fn the_register_is_read_whole() {
    let (site, warnings) = site_from_str(SITE, Path::new("/srv/site")).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(warnings, []);
    let register = site.instrument("scale-1").unwrap().register.as_ref().unwrap();
    assert_eq!(register.control, Control::CompulsoryVerification);
    assert_eq!(register.class.as_deref(), Some("III"));
    let range = register.scale.unwrap();
    assert_eq!((range.class, range.e, range.min, range.max), (ScaleClass::III, d("20"), d("400"), d("80000")));
    assert_eq!(register.uncertainties[0].of, Measurand::Channel("mass".to_owned()));
    assert_eq!(register.uncertainties[0].expanded, Expanded::Absolute(d("0.02"), Unit::Tonne));
    assert_eq!(register.due_days, 45);
    for (date, left) in [("2027-02-28", 0), ("2027-02-27", 1), ("2027-03-01", -1), ("2026-02-28", 365)] {
        assert_eq!(register.days_left(date.parse().unwrap()), Some(left), "{date}");
    }
    let gamma = site.instrument("gamma-1").unwrap().register.as_ref().unwrap();
    assert_eq!((gamma.control, gamma.due_days, gamma.scale), (Control::Calibration, 30, None));
    assert_eq!(gamma.uncertainties[0].expanded, Expanded::Percent(d("15")));
}

#[test]
fn the_checks_take_their_tolerance_from_the_class() {
    let (site, _) = site_from_str(SITE, Path::new("/srv/site")).unwrap_or_else(|report| panic!("{report}"));
    let procedure = |id: &str| site.check(id).unwrap().procedure.clone();
    assert!(matches!(procedure("portal-daily"), CheckProcedure::PortalSource { sigma, .. } if sigma == d("10")));
    assert!(matches!(
        procedure("scale-zero-daily"),
        CheckProcedure::ScaleZero { tolerance, unit: Unit::Kilogram, .. } if tolerance == d("10.0")
    ));
    // 20 000 kg are 1 000 e: ±1 e at verification, twice that in service.
    assert!(
        matches!(procedure("scale-monthly"), CheckProcedure::ScaleMass { tolerance, .. } if tolerance == d("40.0"))
    );
    let CheckProcedure::PhBuffers { buffers, .. } = procedure("ph-daily") else { panic!("no buffers") };
    assert_eq!(buffers[1], Buffer { ph: d("6.86"), tolerance: d("0.05") });
    let zero = site.check("scale-zero-daily").unwrap();
    assert_eq!((zero.every, zero.grace), (Duration::from_secs(86_400), Duration::from_secs(7_200)));
    assert_eq!(zero.judge[0].table, "function-check");
    assert_eq!(zero.judge[0].parameters, ["zero-margin"]);
}

#[test]
fn every_margin_has_its_row_in_its_unit() {
    let tables = limits::builtin();
    let table = tables.iter().find(|it| it.id == "function-check").unwrap();
    let mut references = 0;
    for &unit in Unit::ALL {
        let Some(parameter) = reference_parameter(unit) else { continue };
        assert_eq!(table.rows.iter().filter(|row| row.parameter == parameter).count(), 1, "{parameter}");
        references += usize::from(table.rows.iter().any(|row| row.parameter == parameter && row.unit == unit));
    }
    assert_eq!(references, table.rows.iter().filter(|row| row.id.starts_with("reference-")).count());
    let (site, _) = site_from_str(SITE, Path::new("/srv/site")).unwrap();
    for parameter in site.checks.iter().flat_map(|it| it.procedure.parameters()) {
        assert!(table.rows.iter().any(|row| row.parameter == parameter), "{parameter}");
    }
}

/// Loads at the ends of each zone of OIML R 76-1 table 6, in e, and the error permitted there in tenths of e.
#[test]
fn permissible_errors_follow_the_class() {
    let cases = [
        (ScaleClass::I, [(50_000, 5), (50_001, 10), (200_000, 10), (200_001, 15)]),
        (ScaleClass::II, [(5_000, 5), (5_001, 10), (20_000, 10), (20_001, 15)]),
        (ScaleClass::III, [(500, 5), (501, 10), (2_000, 10), (2_001, 15)]),
        (ScaleClass::IIII, [(50, 5), (51, 10), (200, 10), (201, 15)]),
    ];
    for (class, zones) in cases {
        for (load, tenths) in zones {
            let e = d("0.5");
            let range = ScaleRange { class, e, min: d("1"), max: d("1000000"), unit: Unit::Gram };
            let load = e.checked_mul(Decimal::whole(load)).unwrap();
            let expected = e.checked_mul(Decimal::new(tenths, 1).unwrap()).unwrap();
            for (factor, times) in [(1, d("1")), (2, d("2"))] {
                let mpe = range.mpe(load, factor).unwrap();
                assert!(mpe.cmp_value(expected.checked_mul(times).unwrap()).is_eq(), "{class:?} {load} {mpe}");
            }
        }
    }
}

#[test]
fn a_register_that_does_not_hold_together_is_refused() {
    let scale = "e = \"20\"";
    error("valid_until = 2027-02-28", "valid_until = 2026-03-01", "valid_until", "not before it", "valid_until =");
    error("valid_until = 2027-02-28\n", "", "@id = \"scale-1\"\nport", "no `valid_until`", "valid_until =");
    error(scale, "e = \"25\"", "e =", "1, 2 or 5 times", "e = \"20\"");
    error(scale, "e = \"5\"", "@max = ", "more than class III allows with e = 5: 50000 kg", "type plate");
    error("max = \"80000\"", "max = \"9980\"", "max", "less than class III allows with e = 20: 10000 kg", "type plate");
    error("min = \"400\"", "min = \"380\"", "min", "below 20 e = 400 kg", "min = \"400\"");
    error(
        "class = \"III\"",
        "class = \"IIII\"",
        "@max = ",
        "more than class IIII allows with e = 20: 20000",
        "type plate",
    );
    error("class = \"III\"", "class = \"3\"", "class", "class I, II, III or IIII", "class = \"III\"");
    error("unit = \"kg\"\nmodel", "unit = \"Cel\"\nmodel", "unit", "needed here", "unit = ");
    error("max = \"80000\"\n", "", "@[instruments.register]", "`max` is missing", "max = \"80000\"");
    error("channel = \"mass\"", "channel = \"mas\"", "channel", "no channel \"mas\"", "channel = \"mass\"");
    error("percent = \"15\"", "percent = \"15\"\nu = \"1\"", "percent", "only one can hold", "one of them");
    error(
        "parameter = \"dose-rate\"\npercent = \"15\"",
        "channel = \"dose-rate\"\nu = \"1\"\nunit = \"kg\"",
        "unit",
        "the channel is in",
        "unit =",
    );
    error("control = \"calibration\"", "control = \"verification\"", "control", "not one of", "control = ");
    error("due = \"45 d\"", "due = \"1 h\"", "due", "outside", "due = ");
    error("issued_by =", "issuer =", "issuer", "`issuer` is not a key", "");
}

#[test]
fn a_check_that_cannot_be_made_is_refused() {
    error("kind = \"portal-source\"", "kind = \"portal-sauce\"", "kind", "not one of", "kind = \"portal-source\"");
    error("instrument = \"portal-1\"", "instrument = \"scale-1\"", "instrument", "a portal speaks", "portal-1");
    error("mass = \"20000\"", "mass = \"90000\"", "mass", "outside Min 400 to Max 80000", "weighing range");
    error(
        "mass = \"20000\"",
        "mass = \"20000\"\ntolerance = \"20\"\nunit = \"kg\"\nmpe = \"verification\"",
        "mpe",
        "beside it",
        "one of the two",
    );
    error(
        "buffers = [{ ph = \"4.01\", tolerance = \"0.05\" }, { ph = \"6.86\", tolerance = \"0.05\" }]",
        "buffers = []",
        "buffers",
        "1 to 8",
        "ph = \"4.01\"",
    );
    error("unit = \"uGy/h\"", "unit = \"uSv/h\"", "unit", "the channel \"dose-rate\" is in uGy/h", "unit = \"uGy/h\"");
    error("channel = \"dose-rate\"\nvalue", "channel = \"dose\"\nvalue", "channel", "has no channel \"dose\"", "");
    error("id = \"ph-daily\"", "id = \"lane-7\"", "id", "used twice", "lane-7-2");
    error("every = \"24 h\"\nsigma", "sigma", "@[[checks]]", "`every` is missing", "every = \"24 h\"");
    error("sigma = \"10\"", "sigmas = \"10\"", "sigmas", "`sigmas` is not a key", "sigma =");
    let class = "class = \"III\"\ne = \"20\"\nmin = \"400\"\nmax = \"80000\"\nunit = \"kg\"\n";
    let text = SITE.replacen(class, "", 1);
    let report = site_from_str(&text, Path::new("/srv/site")).unwrap_err();
    assert_eq!(report.findings().len(), 2, "{report}");
    assert!(
        report.findings().iter().all(|it| it.what.contains("no class and e to take the tolerance from")),
        "{report}"
    );
}

#[test]
fn instruments_that_serve_a_place_without_an_entry_are_named() {
    let (site, _) = site_from_str(SITE, Path::new("/srv/site")).unwrap();
    let named: Vec<String> = unregistered(&site).into_iter().map(|it| it.file).collect();
    assert_eq!(named, ["portal-1"]);
}
