//! What the site reader says about outputs and cameras: defaults, and every fault with its place and way out.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use tidewaiter_config::{
    Report,
    site::{Bias, Lines, Output, Site, State, StillMoment, Wire},
    site_from_str,
};

const HEAD: &str = r#"version = 1
site = { id = "s", agent = "a", name = "n" }
store = { dir = "d" }
[[ports]]
id = "ph"
serial = { path = "/dev/x", baud = 9600 }
[[ports]]
id = "io"
modbus_tcp = { address = "127.0.0.1:502" }
[[instruments]]
id = "ph-1"
port = "ph"
[instruments.ph_stream]
[[rigs]]
id = "rig"
time_limit = "10 min"
[rigs.textile_ph]
meter = "ph-1"
[[rigs.judge]]
table = "gb18401-2010-t1"
parameters = ["ph"]
"#;
const LIGHT: &str = r#"[[outputs]]
id = "light"
place = "rig"
lines = { green = 0, amber = 1, red = 2, buzzer = 3, barrier = 4 }
inverted = ["amber"]
barrier = "open only on clear and recorded"
[outputs.coils]
port = "io"
unit_id = 7
watchdog = [{ register = 4096, value = 30 }]
"#;
const CAMERA: &str = r#"[[cameras]]
id = "cam"
place = "rig"
url = "http://192.168.7.30/still.jpg"
"#;

fn read(text: &str) -> Result<Site, Report> {
    site_from_str(&format!("{HEAD}{text}"), Path::new("")).map(|(site, _)| site)
}

fn light(text: &str) -> Output {
    let (site, warnings) = site_from_str(&format!("{HEAD}{text}"), Path::new("")).unwrap_or_else(|why| panic!("{why}"));
    assert!(warnings.is_empty(), "{warnings:?}");
    site.outputs.into_iter().next().unwrap()
}

#[test]
fn a_module_nobody_watches_is_a_doubt() {
    let bare = LIGHT.replace("watchdog = [{ register = 4096, value = 30 }]\n", "");
    let (_, warnings) = site_from_str(&format!("{HEAD}{bare}"), Path::new("")).unwrap();
    assert!(warnings.iter().any(|it| it.what.contains("its last state stays")), "{warnings:?}");
    let relay = bare.replace("barrier = 4 }", "barrier = 4, pulse = 5 }");
    assert!(site_from_str(&format!("{HEAD}{relay}"), Path::new("")).unwrap().1.is_empty());
}

/// The fault names what is wrong, and what to write.
fn refused(text: &str, what: &str, way_out: &str) {
    let report = match read(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(report) => report.to_string(),
    };
    assert!(report.contains(what), "`{report}` does not say `{what}`");
    assert!(report.contains(way_out), "`{report}` does not say `{way_out}`");
}

#[test]
fn every_state_has_its_lamps() {
    let output = light(LIGHT);
    let lit = |state| output.lit(state);
    let [green, amber, red, buzzer] = [0, 1, 2, 3].map(|at| Lines::default().with(at, true).0);
    assert_eq!(lit(State::Clear), Lines(green));
    assert_eq!(lit(State::Refer), Lines(amber));
    assert_eq!(lit(State::NotValid), Lines(amber));
    assert_eq!(lit(State::Alarm), Lines(red | buzzer));
    assert_eq!(lit(State::NotRecording), Lines(amber | buzzer));
    assert_eq!((lit(State::Idle), lit(State::Inspecting)), (Lines(0), Lines(0)));
    assert!(output.lines.iter().all(|it| it.inverted == (it.name == "amber")));
    let unit = output.unit().unwrap();
    assert_eq!((unit.port.as_str(), unit.unit_id, unit.watchdog.as_slice()), ("io", 7, &[(4096, 30)][..]));
    assert!(matches!(output.wire, Wire::Coils { together: false, .. }));

    let own = LIGHT.replace(
        "[outputs.coils]",
        "on = { refer = [\"amber\", \"buzzer\"], idle = [\"amber\", \"red\"] }\n[outputs.coils]",
    );
    let output = light(&own);
    assert_eq!(output.lit(State::Refer), Lines(amber | buzzer));
    assert_eq!(output.lit(State::Idle), Lines(amber | red));
}

#[test]
fn registers_and_gpio_are_ways_too() {
    let register = LIGHT.replace("[outputs.coils]", "[outputs.register]\naddress = 100\nwrite = \"multiple\"");
    assert!(matches!(light(&register).wire, Wire::Register { address: 100, together: true, .. }));
    let gpio = LIGHT.split("[outputs.coils]").next().unwrap().to_owned()
        + "[outputs.gpio]\nchip = \"/dev/gpiochip0\"\nbias = \"pull-down\"\n";
    // Without an output on it, nothing hangs on the port, which is a doubt and no fault.
    let (site, warnings) = site_from_str(&format!("{HEAD}{gpio}"), Path::new("")).unwrap();
    assert!(warnings.iter().any(|it| it.what.contains("\"io\"")), "{warnings:?}");
    assert!(matches!(&site.outputs.first().unwrap().wire, Wire::Gpio { bias: Bias::PullDown, .. }));
}

#[test]
fn faults_of_outputs_fail_closed() {
    let with = |from: &str, to: &str| LIGHT.replace(from, to);
    refused(&with("place = \"rig\"", "place = \"rigg\""), "no lane or rig \"rigg\"", "place = \"rig\"");
    refused(&with("port = \"io\"", "port = \"ph\""), "needs a Modbus port", "modbus_rtu");
    refused(&with("red = 2", "red = 1"), "the same line 1", "a number of its own");
    refused(
        &with("open only on clear and recorded", "open on clear"),
        "in one case only",
        "open only on clear and recorded",
    );
    refused(
        &with("barrier = \"open only on clear and recorded\"\n", ""),
        "does not say when it opens",
        "open only on clear",
    );
    refused(&with(", barrier = 4", ""), "no line is called \"barrier\"", "barrier = 4");
    refused(&with("green = 0, ", ""), "does not say what \"clear\" shows", "on.clear");
    refused(&with("inverted = [\"amber\"]", "inverted = [\"ambr\"]"), "no line \"ambr\"", "\"amber\"");
    refused(&with("unit_id = 7", "unit_id = 0"), "outside 1 to 247", "unit_id = 1");
    refused(
        &with("unit_id = 7", "unit_id = 7\nwrite = \"multiple\"").replace("red = 2", "red = 9"),
        "some between them",
        "single",
    );
    refused(
        &with("[outputs.coils]", "on = { clear = [\"amber\"] }\n[outputs.coils]"),
        "the same lamps",
        "a lamp for \"clear\"",
    );
    refused(&with("[outputs.coils]", "on = { not-recording = [] }\n[outputs.coils]"), "shows no lamp", "amber");
    refused(
        &with("[outputs.coils]", "on = { clear = [\"barrier\"] }\n[outputs.coils]"),
        "not switched by a state",
        "remove it",
    );
    refused(&with("[outputs.coils]", "on = { cleer = [] }\n[outputs.coils]"), "`cleer` is not a key", "clear");
    refused(
        &with("[outputs.coils]", "[outputs.register]\naddress = 4096"),
        "is a watchdog register too",
        "another register",
    );
    let twice = format!("{LIGHT}{}", LIGHT.replace("id = \"light\"", "id = \"other\""));
    refused(&twice, "one line has one owner", "lines of its own");
    refused(&format!("{LIGHT}{LIGHT}"), "used twice", "light-2");
}

#[test]
fn cameras_have_safe_defaults_and_no_credentials_in_their_address() {
    let camera = read(CAMERA).unwrap().cameras.remove(0);
    assert_eq!((camera.max_bytes, camera.timeout.as_secs(), camera.on), (8 << 20, 3, vec![StillMoment::Start]));
    assert_eq!(camera.login, None);
    let more = |line: &str| format!("{CAMERA}{line}\n");
    let full =
        more("user = \"viewer\"\npassword_file = \"cam.password\"\non = [\"start\", \"alarm\"]\nmax_size = \"1 MiB\"");
    let camera = read(&full.replace("still.jpg", "still.jpg?pwd=1")).unwrap().cameras.remove(0);
    assert_eq!(camera.shown_url(), "http://192.168.7.30/still.jpg");
    refused(&CAMERA.replace("//192", "//viewer:secret@192"), "credentials stand in the url", "password_file");
    refused(&CAMERA.replace("http:", "rtsp:"), "not http://host/path", "snapshot.jpg");
    refused(&CAMERA.replace("http:", "https:"), "https needs `ca`", "camera-ca.pem");
    refused(&more("ca = \"ca.pem\""), "without TLS", "https://");
    refused(&more("user = \"viewer\""), "without `password_file`", "mode 0600");
    refused(&more("on = [\"begin\"]"), "no moment", "start, end or alarm");
    refused(&more("max_size = \"1 GiB\""), "outside", "32 MiB");
    refused(&CAMERA.replace("place = \"rig\"", "place = \"x\""), "no lane or rig", "rig");
}
