#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::unnecessary_wraps)]
use std::path::Path;

use tidewaiter_config::site::site_from_str;
use tidewaiter_drivers::{
    Unit,
    reading::{Indication, Missing},
};
use tidewaiter_screening::inspection::{Declaration, Evidence, Subject};

use super::*;

const SITE: &str = r#"version = 1
[site]
id = "s"
agent = "a"
name = "n"
[store]
dir = "data"
[[ports]]
id = "p1"
[ports.tcp]
address = "127.0.0.1:1"
[[ports]]
id = "p2"
[ports.modbus_tcp]
address = "127.0.0.1:2"
[[instruments]]
id = "scale-1"
port = "p1"
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
certificate = "C-1"
verified_on = 2026-03-01
valid_until = 2027-02-28
[[instruments.register.uncertainty]]
channel = "mass"
u = "0.02"
unit = "t"
[[instruments]]
id = "gamma-1"
port = "p2"
[instruments.registers]
profile = "gamma-dose-rate-generic"
unit_id = 1
[instruments.register]
control = "calibration"
[[instruments.register.uncertainty]]
channel = "dose-rate"
percent = "15"
[[lanes]]
id = "lane-7"
[lanes.lorry_gate]
scale = "scale-1"
dose_rate = { instrument = "gamma-1", channel = "dose-rate" }
threshold = "500"
unit = "kg"
[[checks]]
id = "zero"
instrument = "scale-1"
kind = "scale-zero"
every = "24 h"
grace = "2 h"
"#;

const HOUR: i64 = 3_600_000;

fn register() -> Register {
    let (site, _) = site_from_str(SITE, Path::new(".")).unwrap_or_else(|report| panic!("{report}"));
    Register::new(&site)
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn at(hours: i64) -> Moment {
    Moment { mono_ms: u64::try_from(hours * HOUR).unwrap(), wall_ms: hours * HOUR }
}

fn value(text: &str, unit: Unit, quality: Quality) -> Outcome {
    Ok(Indication { value: text.parse().unwrap(), unit, quality })
}

/// An inspection of the lane with one value and one reading behind it.
fn inspection(instrument: &str, parameter: &str, outcome: Outcome, hours: i64) -> Inspection {
    Inspection {
        id: "lane-7-1-1".into(),
        procedure: "lorry-gate".into(),
        place: "lane-7".into(),
        subject: Subject { kind: SubjectKind::Conveyance, identities: vec![], declaration: Declaration::None },
        opened: at(hours),
        closed: at(hours),
        completion: Completion::Complete,
        simulated: false,
        drill: false,
        operator: None,
        measured: vec![Measured::new(parameter, instrument, outcome, "last")],
        alarms: vec![],
        faults: vec![],
        readings: vec![Evidence {
            instrument: instrument.into(),
            channel: "c".into(),
            at: at(hours),
            outcome,
            raw: vec![],
        }],
        whole: vec![],
    }
}

fn check_done(hours: i64, completion: Completion) -> Inspection {
    let mut done = inspection("scale-1", "zero-margin", value("10", Unit::Kilogram, Quality::Good), hours);
    done.place = "zero".into();
    done.subject.kind = SubjectKind::Instrument;
    done.completion = completion;
    done
}

fn applied(register: &Register, mut inspection: Inspection, on: &str) -> Inspection {
    register.apply(&mut inspection, date(on));
    inspection
}

fn quality_of(outcome: &Outcome) -> &'static str {
    outcome.map_or("none", |it| it.quality.word())
}

#[test]
fn a_certificate_holds_through_its_last_day() {
    let register = register();
    for (on, came, expected) in [
        ("2027-01-29", Quality::Good, "good"),             // 30 days left
        ("2027-01-30", Quality::Good, "verification-due"), // 29
        ("2027-02-28", Quality::Good, "verification-due"),
        ("2027-03-01", Quality::Good, "out-of-verification"),
        ("2027-02-28", Quality::Uncertain(Doubt::Unstable), "unstable"),
        ("2027-03-01", Quality::Uncertain(Doubt::Unstable), "out-of-verification"),
        ("2027-03-01", Quality::Bad(Flaw::IdentityMismatch), "identity-mismatch"),
    ] {
        let found =
            applied(&register, inspection("scale-1", "gross-mass", value("43020", Unit::Kilogram, came), 1), on);
        assert_eq!(quality_of(&found.measured[0].outcome), expected, "{on} {came:?}");
        assert_eq!(quality_of(&found.readings[0].outcome), expected, "{on} {came:?}");
    }
    let missing = applied(&register, inspection("scale-1", "gross-mass", Err(Missing::TimedOut), 1), "2027-03-01");
    assert_eq!(missing.measured[0].outcome, Err(Missing::TimedOut));
}

#[test]
fn uncertainties_are_stated_where_none_is() {
    let register = register();
    let mass = inspection("scale-1", "gross-mass", value("43020", Unit::Kilogram, Quality::Good), 1);
    let found = applied(&register, mass, "2026-06-01");
    assert_eq!(found.measured[0].uncertainty.unwrap().to_string(), "20");
    let mut dose = inspection("gamma-1", "dose-rate", value("0.37", Unit::MicrograyPerHour, Quality::Good), 1);
    dose.measured[0].background = Some("0.10".parse().unwrap());
    let found = applied(&register, dose.clone(), "2026-06-01");
    assert_eq!(found.measured[0].uncertainty.unwrap().to_string(), "0.056"); // 0.0555, up
    assert_eq!(found.measured[0].background_uncertainty.unwrap().to_string(), "0.015");
    dose.measured[0].uncertainty = Some("0.01".parse().unwrap());
    let found = applied(&register, dose, "2026-06-01");
    assert_eq!(found.measured[0].uncertainty.unwrap().to_string(), "0.01");
}

#[test]
fn a_mass_outside_the_weighing_range_is_not_judged() {
    let register = register();
    for (parameter, mass, unit, expected) in [
        ("gross-mass", "380", Unit::Kilogram, "implausible"),
        ("gross-mass", "400", Unit::Kilogram, "good"),
        ("gross-mass", "80000", Unit::Kilogram, "good"),
        ("gross-mass", "80020", Unit::Kilogram, "implausible"),
        ("gross-mass", "80.02", Unit::Tonne, "implausible"),
        ("gross-mass", "43.02", Unit::Tonne, "good"),
        ("net-mass", "380", Unit::Kilogram, "good"),
        ("temperature", "20", Unit::Celsius, "good"),
    ] {
        let found =
            applied(&register, inspection("scale-1", parameter, value(mass, unit, Quality::Good), 1), "2026-06-01");
        assert_eq!(quality_of(&found.measured[0].outcome), expected, "{parameter} {mass}");
        assert_eq!(quality_of(&found.readings[0].outcome), "good");
    }
}

#[test]
fn a_check_never_done_is_overdue_after_its_grace() {
    let mut register = register();
    assert_eq!(register.tick(at(100), date("2026-06-01")), []);
    let stands = |register: &Register, hours| register.standing("scale-1", date("2026-06-01"), at(hours).wall_ms);
    assert_eq!(stands(&register, 102), Standing::InOrder);
    assert_eq!(stands(&register, 103), Standing::CheckOverdue);
    assert_eq!(register.standing("gamma-1", date("2026-06-01"), at(999).wall_ms), Standing::InOrder);
    register.note(&check_done(103, Completion::Complete), Verdict::Pass);
    // 24 h and 2 h of grace.
    assert_eq!(stands(&register, 129), Standing::InOrder);
    assert_eq!(stands(&register, 130), Standing::CheckOverdue);
}

#[test]
fn a_failed_check_binds_at_once_and_until_it_is_passed() {
    let stopped = Completion::Incomplete(IncompleteReason::Stopped);
    let late = Completion::Incomplete(IncompleteReason::TimedOut);
    let inconclusive = Verdict::Inconclusive(tidewaiter_screening::Reason::Incomplete);
    for (completion, verdict, expected) in [
        (Completion::Complete, Verdict::Pass, Standing::InOrder),
        (Completion::Complete, Verdict::Fail, Standing::CheckOverdue),
        (Completion::Complete, inconclusive, Standing::CheckOverdue),
        (late, inconclusive, Standing::CheckOverdue),
        (stopped, inconclusive, Standing::InOrder),
    ] {
        let mut register = register();
        register.note(&check_done(1, Completion::Complete), Verdict::Pass);
        register.note(&check_done(2, completion), verdict);
        assert_eq!(
            register.standing("scale-1", date("2026-06-01"), at(2).wall_ms),
            expected,
            "{completion:?} {verdict:?}"
        );
        register.note(&check_done(3, Completion::Complete), Verdict::Pass);
        assert_eq!(register.standing("scale-1", date("2026-06-01"), at(3).wall_ms), Standing::InOrder);
    }
    // An exercise proves nothing.
    let mut register = register();
    let mut drill = check_done(2, Completion::Complete);
    drill.drill = true;
    register.note(&drill, Verdict::Fail);
    assert_eq!(register.standing("scale-1", date("2026-06-01"), at(2).wall_ms), Standing::InOrder);
}

#[test]
fn only_what_was_read_after_the_lapse_is_bad() {
    let mut register = register();
    register.note(&check_done(10, Completion::Complete), Verdict::Fail);
    let mut lorry = inspection("scale-1", "gross-mass", value("43020", Unit::Kilogram, Quality::Good), 9);
    lorry.closed = at(11);
    let found = applied(&register, lorry, "2026-06-01");
    assert_eq!(quality_of(&found.readings[0].outcome), "good");
    assert_eq!(quality_of(&found.measured[0].outcome), "function-check-overdue");
    // The check itself is not held against the check.
    let found = applied(&register, check_done(11, Completion::Complete), "2027-03-01");
    assert_eq!(quality_of(&found.measured[0].outcome), "good");
    assert_eq!(found.measured[0].uncertainty, None);
}

#[test]
fn what_is_due_is_said_once_a_day_and_what_is_over_once() {
    let names = |events: Vec<Event>| events.into_iter().map(|it| it.name).collect::<Vec<_>>();
    let mut register = register();
    register.note(&check_done(0, Completion::Complete), Verdict::Pass);
    assert_eq!(names(register.tick(at(1), date("2027-01-29"))), [""; 0]);
    assert_eq!(names(register.tick(at(2), date("2027-01-30"))), ["verification-due"]);
    assert_eq!(names(register.tick(at(3), date("2027-01-30"))), [""; 0]);
    assert_eq!(names(register.tick(at(4), date("2027-01-31"))), ["verification-due"]);
    let events = register.tick(at(5), date("2027-03-01"));
    let told: Vec<_> = events[0].facts.iter().map(|(name, text)| format!("{name}={text}")).collect();
    assert_eq!(told, ["valid-until=2027-02-28", "days-left=-1", "certificate=C-1"]);
    assert_eq!(names(events), ["verification-expired"]);
    assert_eq!(names(register.tick(at(27), date("2027-03-02"))), ["function-check-overdue"]);
    assert_eq!(names(register.tick(at(28), date("2027-03-03"))), [""; 0]);
    // Neither a new start nor a second look says it again.
    let blob = register.save().unwrap();
    let mut reborn = self::register();
    reborn.load(&blob).unwrap();
    assert_eq!(names(reborn.tick(at(29), date("2027-03-03"))), [""; 0]);
}

#[test]
fn what_is_kept_comes_back_and_nothing_else() {
    let mut register = register();
    assert_eq!(register.save(), None);
    register.note(&check_done(10, Completion::Complete), Verdict::Pass);
    let blob = register.save().unwrap();
    assert_eq!(register.save(), None);
    let mut reborn = self::register();
    reborn.load(&blob).unwrap();
    for hours in [10, 36, 37] {
        let day = date("2026-06-01");
        let wall = at(hours).wall_ms;
        assert_eq!(reborn.standing("scale-1", day, wall), register.standing("scale-1", day, wall), "{hours}");
    }
    assert!(matches!(reborn.load(b"{}"), Err(StateError::Unreadable(_))));
    assert!(matches!(reborn.load(br#"{"version":9,"checks":{},"told":{}}"#), Err(StateError::Version(9))));
    // A check that the site no longer has.
    let text = SITE.split("[[checks]]").next().unwrap();
    let (site, _) = site_from_str(text, Path::new(".")).unwrap();
    let mut without = Register::new(&site);
    without.load(&blob).unwrap();
    assert_eq!(without.book.history("zero"), None);
}

#[test]
fn the_overview_names_every_instrument() {
    let mut register = register();
    register.note(&check_done(10, Completion::Complete), Verdict::Pass);
    let lines = register.overview(date("2027-02-27"), at(11).wall_ms);
    let short: Vec<_> = lines.iter().map(|it| (it.instrument.as_str(), it.days_left, it.standing)).collect();
    assert_eq!(short, [("scale-1", Some(1), "verification-due"), ("gamma-1", None, "good")]);
    let check = &lines[0].checks[0];
    assert_eq!((check.check.as_str(), check.procedure, check.lapsed), ("zero", "scale-zero-check", false));
    assert_eq!(check.passed.as_deref(), Some("1970-01-01T10:00:00Z"));
    assert_eq!(check.due.as_deref(), Some("1970-01-02T12:00:00Z"));
}

#[test]
fn an_instrument_that_nobody_watches_is_not_called_in_order() {
    let entry = "[instruments.register]\ncontrol = \"calibration\"\n[[instruments.register.uncertainty]]\n\
                 channel = \"dose-rate\"\npercent = \"15\"\n";
    assert!(SITE.contains(entry));
    let (site, _) = site_from_str(&SITE.replace(entry, ""), Path::new(".")).unwrap();
    let lines = Register::new(&site).overview(date("2026-06-01"), at(0).wall_ms);
    let standing: Vec<_> = lines.iter().map(|it| (it.instrument.as_str(), it.standing)).collect();
    assert_eq!(standing, [("scale-1", "good"), ("gamma-1", "unregistered")]);
}
