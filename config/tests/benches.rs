//! Benches of a site file: what they mean, and what the reader says about faulty ones.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::path::Path;

use tidewaiter_config::{
    Finding, Severity,
    limits::Basis,
    load_site,
    site::{BENCH_PROCEDURES, Bench, Quantity, RigProcedure, Site, Source, Take, Trigger},
    site_from_str,
};

const SITE: &str = r#"version = 1

[site]
id = "port"
agent = "lab-1"
name = "port"

[store]
dir = "data"

[[ports]]
id = "booth-line"
[ports.tcp]
address = "192.168.7.20:1600"

[[ports]]
id = "gauge-line"
[ports.tcp]
address = "192.168.7.21:1600"

[[ports]]
id = "bus"
[ports.modbus_tcp]
address = "192.168.7.22:502"

[[ports]]
id = "scale-line"
[ports.tcp]
address = "192.168.7.23:1600"

[[ports]]
id = "hvi-line"
[ports.tcp]
address = "192.168.7.24:1600"

[[ports]]
id = "plate-line"
[ports.tcp]
address = "192.168.7.25:1600"

[[instruments]]
id = "booth-1"
port = "booth-line"
[instruments.grade_lines]

[[instruments]]
id = "gauge-1"
port = "gauge-line"
[instruments.line]
profile = "coal-gauge-csv"

[[instruments]]
id = "hs-1"
port = "bus"
[instruments.registers]
profile = "tyre-high-speed-proposed"
unit_id = 1

[[instruments]]
id = "scale-2"
port = "scale-line"
[instruments.xk3190_tf0]
unit = "kg"
scale_interval = "20"

[[instruments]]
id = "hvi-1"
port = "hvi-line"
[instruments.uster_hvi]

[[instruments]]
id = "plate-1"
port = "plate-line"
[instruments.plate_lines]

[[rigs]]
id = "fabric-a"
time_limit = "2 d"
[rigs.bench]
procedure = "textile-bench"
trigger = "operator"
replicates_on = "next"
settle = "5 s"
[[rigs.bench.quantities]]
parameter = "formaldehyde"
source = "operator"
unit = "mg/kg"
basis = "dry"
replicates = 2
take = "greatest"
[[rigs.bench.quantities]]
parameter = "fastness-water"
instrument = "booth-1"
channel = "fastness-water"
required = false
[[rigs.judge]]
table = "gb18401-2010-t1"
parameters = ["formaldehyde", "fastness-water"]

[[rigs]]
id = "coal-a"
time_limit = "1 h"
[rigs.bench]
procedure = "coal"
trigger = "operator"
[[rigs.bench.quantities]]
parameter = "ash"
instrument = "gauge-1"
channel = "ash"
background = 10

[[rigs]]
id = "speed-a"
time_limit = "1 h"
[rigs.bench]
procedure = "tyre-uniformity"
trigger = "state"
state = { instrument = "hs-1", channel = "state", running = ["3"], complete = ["5"], failed = ["6"], paused = ["4"] }
programme = "demo"
[[rigs.bench.quantities]]
parameter = "vibration"
instrument = "hs-1"
channel = "vibration"

[[rigs]]
id = "lot-a"
time_limit = "1 h"
[rigs.bench]
procedure = "generic-sample"
trigger = "mass"
mass = { instrument = "scale-2", threshold = "500", unit = "kg" }
[[rigs.bench.quantities]]
parameter = "gross-mass"
instrument = "scale-2"
channel = "mass"
take = "greatest"

[[rigs]]
id = "cotton-a"
time_limit = "1 h"
[rigs.bench]
procedure = "cotton-hvi"
trigger = "record"
[[rigs.bench.quantities]]
parameter = "micronaire"
instrument = "hvi-1"
channel = "micronaire-mean"
[[rigs.bench.quantities]]
parameter = "colour"
instrument = "hvi-1"
channel = "colour-trash-2"
"#;

fn site() -> Site {
    let (site, warnings) = site_from_str(SITE, Path::new("/srv/site")).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(warnings, []);
    site
}

fn bench(site: &Site, rig: usize) -> &Bench {
    let RigProcedure::Bench(bench) = &site.rigs[rig].procedure else { panic!() };
    bench
}

#[test]
fn a_bench_means_what_it_says() {
    let site = site();
    let fabric = bench(&site, 0);
    assert_eq!(
        (fabric.procedure.as_str(), fabric.replicates_on_next, fabric.settle.as_secs()),
        ("textile-bench", true, 5)
    );
    let typed = &fabric.quantities[0];
    assert_eq!(typed.source, Source::Operator { unit: "mg/kg".parse().ok() });
    assert_eq!(
        (typed.basis, typed.replicates, typed.take, typed.required),
        (Some(Basis::Dry), 2, Take::Greatest, true)
    );
    let grade = &fabric.quantities[1];
    assert_eq!((grade.replicates, grade.take, grade.required, grade.whole_run), (1, Take::Mean, false, false));
    assert_eq!(fabric.instruments(), ["booth-1"]);
    assert_eq!(bench(&site, 1).quantities[0].background, Some(10));

    // A bench that bounds its run gives what it shows at the end, unless the file says otherwise.
    let speed = bench(&site, 2);
    let Trigger::State(state) = &speed.trigger else { panic!() };
    let lists = [&state.running, &state.complete, &state.failed, &state.paused];
    assert_eq!(lists.map(|list| list[0].to_string()), ["3", "5", "6", "4"]);
    assert_eq!((speed.quantities[0].take, speed.quantities[0].whole_run), (Take::Last, true));
    assert_eq!(site.rigs[2].procedure.programme(), Some("demo"));
    let Quantity { take, whole_run, .. } = bench(&site, 3).quantities[0];
    assert_eq!((take, whole_run), (Take::Greatest, true));
    assert_eq!(bench(&site, 4).trigger, Trigger::Record);
}

#[test]
fn every_procedure_stands_in_an_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sites");
    let mut seen: Vec<String> = Vec::new();
    for file in ["textile-lab.toml", "tyre-lab.toml", "radiation-lab.toml", "materials-lab.toml"] {
        let (site, _) = load_site(&folder.join(file)).unwrap_or_else(|report| panic!("{report}"));
        seen.extend(site.rigs.iter().filter_map(|rig| match &rig.procedure {
            RigProcedure::Bench(bench) => Some(bench.procedure.clone()),
            _ => None,
        }));
    }
    for procedure in BENCH_PROCEDURES {
        assert!(seen.iter().any(|word| word == procedure), "{procedure}");
    }
}

/// Findings of the site with one place changed: `what → way out` of each.
fn findings(from: &str, to: &str) -> (String, Vec<Finding>) {
    assert!(SITE.contains(from), "the row's text {from:?} is not in the site");
    let text = SITE.replacen(from, to, 1);
    let found = match site_from_str(&text, Path::new("/srv/site")) {
        Ok((_, warnings)) => warnings,
        Err(report) => report.into_findings(),
    };
    (text, found)
}

/// One change, one error, at the place of `at` within the changed text, or of `@at` anywhere.
fn error(from: &str, to: &str, at: &str, what: &str, way_out: &str) {
    let (text, found) = findings(from, to);
    let listed = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(found.len(), 1, "{to:?} should give one finding:\n{listed}");
    let finding = &found[0];
    assert_eq!(finding.severity, Severity::Error, "{listed}");
    assert!(finding.what.contains(what), "{to:?}: {what:?} not in\n{listed}");
    assert!(finding.way_out.contains(way_out), "{to:?}: {way_out:?} not in\n{listed}");
    let place = match at.strip_prefix('@') {
        Some(elsewhere) => text.find(elsewhere).unwrap(),
        None => SITE.find(from).unwrap() + to.find(at).unwrap(),
    };
    let before = &text[..place];
    let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
    assert_eq!((finding.line, finding.column), (before.matches('\n').count() + 1, column), "{listed}");
}

#[test]
fn words_and_keys() {
    error("\"textile-bench\"", "\"textiles\"", "\"textiles\"", "not one of `textile-bench`", "procedure = ");
    error("trigger = \"record\"", "trigger = \"records\"", "\"records\"", "not one of", "trigger = \"record\"");
    error("take = \"greatest\"", "take = \"max\"", "\"max\"", "not one of `mean`", "take = \"mean\"");
    error("basis = \"dry\"", "basis = \"wet\"", "\"wet\"", "not one of", "basis = ");
    error("replicates = 2", "replicates = 0", "0", "outside 1 to 60", "replicates = 1");
    error("required = false", "requird = false", "requird", "is not a key", "required = false");
    error("source = \"operator\"", "source = \"hand\"", "\"hand\"", "not one of", "source = \"operator\"");
    error("background = 10", "background = 1", "1", "outside 2 to 300", "background = 2");
    error("threshold = \"500\"", "threshold = 500", "500", "bare number", "threshold = \"500\"");
}

#[test]
fn what_a_trigger_needs() {
    error(
        "state = { instrument = \"hs-1\", channel = \"state\", running = [\"3\"], complete = [\"5\"], failed = [\"6\"], paused = [\"4\"] }\nprogramme = \"demo\"\n",
        "",
        "@[rigs.bench]\nprocedure = \"tyre-uniformity\"",
        "needs the table `state`",
        "running = [\"3\"]",
    );
    error(
        "mass = { instrument = \"scale-2\", threshold = \"500\", unit = \"kg\" }\n",
        "",
        "@[rigs.bench]\nprocedure = \"generic-sample\"",
        "needs the table `mass`",
        "threshold = \"500\"",
    );
    error(
        "trigger = \"record\"",
        "trigger = \"record\"\nmass = { instrument = \"scale-2\", threshold = \"500\", unit = \"kg\" }",
        "{ instrument",
        "the trigger is another",
        "trigger = \"mass\"",
    );
    error("complete = [\"5\"]", "complete = [\"3\"]", "\"3\"", "the state 3 is listed twice", "each state in one list");
    error("complete = [\"5\"]", "complete = []", "[]", "an empty list", "complete = [\"5\"]");
    error("complete = [\"5\"]", "complete = [5]", "5", "bare number", "\"5\"");
    error(
        "trigger = \"record\"",
        "trigger = \"record\"\nreplicates_on = \"next\"",
        "\"next\"",
        "only a run that the operator steers",
        "\"statement\"",
    );
    error(
        "unit = \"kg\" }",
        "unit = \"t\" }",
        "\"t\"",
        "the threshold is in t, and the scale \"scale-2\" shows kg",
        "unit = \"kg\"",
    );
    error(
        "mass = { instrument = \"scale-2\"",
        "mass = { instrument = \"booth-1\"",
        "\"booth-1\"",
        "a scale speaks",
        "\"scale-2\"",
    );
    // An instrument that speaks by the clock would make a run of every statement.
    error(
        "procedure = \"coal\"\ntrigger = \"operator\"",
        "procedure = \"coal\"\ntrigger = \"record\"",
        "@\"gauge-1\"\nchannel",
        "speaks by the clock and names no sample",
        "trigger = \"operator\"",
    );
    error(
        "trigger = \"record\"",
        "trigger = \"record\"\nprogramme = \"demo\"",
        "\"demo\"",
        "only a bench with a state",
        "trigger = \"state\"",
    );
    error(
        "programme = \"demo\"",
        "programme = \"demos\"",
        "\"demos\"",
        "no programme has the id",
        "programme = \"demo\"",
    );
    error(
        "id = \"speed-a\"\ntime_limit = \"1 h\"",
        "id = \"speed-a\"\ntime_limit = \"5 s\"",
        "\"5 s\"",
        "ends before the programme \"demo\" does",
        "time_limit = \"18 s\"",
    );
}

#[test]
fn what_a_quantity_needs() {
    error(
        "channel = \"vibration\"",
        "channel = \"vibrations\"",
        "\"vibrations\"",
        "has no channel \"vibrations\"",
        "channel = \"vibration\"",
    );
    error(
        "channel = \"micronaire-mean\"",
        "channel = \"micronaire-avg\"",
        "\"micronaire-avg\"",
        "\"uster_hvi\" of \"hvi-1\" has no channel",
        "one of",
    );
    error("channel = \"colour-trash-2\"", "channel = \"length-2\"", "\"length-2\"", "has no channel", "length");
    error(
        "instrument = \"gauge-1\"",
        "instrument = \"gauge-2\"",
        "\"gauge-2\"",
        "no instrument has the id",
        "\"gauge-1\"",
    );
    error(
        "instrument = \"gauge-1\"\nchannel = \"ash\"",
        "instrument = \"plate-1\"\nchannel = \"plate\"",
        "\"plate\"",
        "tells no quantity",
        "an instrument that measures",
    );
    error(
        "instrument = \"gauge-1\"\nchannel = \"ash\"",
        "instrument = \"booth-1\"\nchannel = \"ash\"",
        "\"booth-1\"",
        "already serves \"fabric-a\"",
        "an instrument of its own",
    );
    error(
        "parameter = \"colour\"",
        "parameter = \"micronaire\"",
        "\"micronaire\"",
        "is measured twice on this bench",
        "replicates at the one",
    );
    error(
        "channel = \"vibration\"",
        "channel = \"vibration\"\nreplicates = 3",
        "3",
        "the bench itself bounds the run",
        "without `replicates`",
    );
    error(
        "channel = \"vibration\"",
        "channel = \"vibration\"\ntake = \"each\"",
        "\"each\"",
        "a value of its own",
        "take = \"greatest\"",
    );
    error("unit = \"mg/kg\"", "unit = \"mg/kg\"\nbackground = 5", "5", "what is typed has no background", "remove it");
    // Nothing at this place measures what it is judged by.
    let (_, found) = findings("parameters = [\"formaldehyde\", \"fastness-water\"]", "parameters = [\"ph\"]");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Warning);
    assert!(found[0].way_out.contains("`formaldehyde` or `fastness-water`"), "{}", found[0]);
    error(
        "[[rigs.bench.quantities]]\nparameter = \"ash\"\ninstrument = \"gauge-1\"\nchannel = \"ash\"\nbackground = 10\n",
        "",
        "@[rigs.bench]\nprocedure = \"coal\"",
        "the bench measures nothing",
        "[[rigs.bench.quantities]]",
    );
}
