//! What follows from a change of the site file, as a table.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use tidewaiter_config::site::{Site, site_from_str};

use super::Change;

const SITE: &str = r#"
version = 1
[site]
id = "s"
agent = "a"
name = "gate"
[store]
dir = "data"
[[ports]]
id = "scale-line"
[ports.tcp]
address = "127.0.0.1:4001"
[[ports]]
id = "bus"
[ports.modbus_tcp]
address = "127.0.0.1:502"
[[ports]]
id = "ph-line"
[ports.tcp]
address = "127.0.0.1:4002"
[[instruments]]
id = "scale"
port = "scale-line"
serial_number = "77"
[instruments.xk3190_tf0]
unit = "kg"
scale_interval = "20"
settle = "1 s"
[[instruments]]
id = "dose"
port = "bus"
[instruments.registers]
profile = "PROFILE"
unit_id = 1
poll = "1 s"
timeout = "300 ms"
[[instruments]]
id = "ph"
port = "ph-line"
[instruments.ph_stream]
[[lanes]]
id = "lane"
[lanes.lorry_gate]
scale = "scale"
threshold = "500"
unit = "kg"
time_limit = "60 s"
identity_window = "10 s"
[[lanes.judge]]
table = "gross-mass-cn-2016"
parameters = ["gross-mass"]
[[rigs]]
id = "rig"
time_limit = "30 min"
[rigs.textile_ph]
meter = "ph"
parallels = 3
drift = "0.02"
steady = "30 s"
spread = "0.2"
[[rigs.judge]]
table = "gb18401-2010-t1"
parameters = ["ph"]
[[watches]]
id = "watch"
instrument = "dose"
period = "60 s"
slots = 60
"#;

fn site(text: &str) -> Site {
    let profile = tidewaiter_config::profile::builtin().first().unwrap().id.clone();
    let text = text.replace("PROFILE", &profile);
    site_from_str(&text, Path::new("")).unwrap_or_else(|report| panic!("{report}")).0
}

/// What follows, in one line.
fn told(change: &Change) -> String {
    let list = |it: &std::collections::BTreeSet<String>| it.iter().cloned().collect::<Vec<_>>().join("+");
    format!(
        "restart {} | close {} open {} | rebuilt {} | cut {} | judged {}",
        change.restart.join("+"),
        list(&change.close),
        list(&change.open),
        list(&change.rebuilt),
        list(&change.cut),
        list(&change.judged),
    )
}

#[test]
fn what_follows_from_each_change() {
    let pass = "restart  | close  open  | rebuilt  | cut  | judged ";
    let rows: [(&str, &str, &str); 15] = [
        ("name = \"gate\"", "name = \"Gate\"", pass),
        ("serial_number = \"77\"", "serial_number = \"78\"", pass),
        (
            "id = \"s\"\nagent = \"a\"",
            "id = \"t\"\nagent = \"b\"",
            "restart [site] id+[site] agent | close  open  | rebuilt  | cut  | judged ",
        ),
        ("dir = \"data\"", "dir = \"other\"", "restart [store] | close  open  | rebuilt  | cut  | judged "),
        (
            "dir = \"data\"",
            "dir = \"data\"\n[local]\nlisten = \"127.0.0.1:9999\"",
            "restart [local] listen | close  open  | rebuilt  | cut  | judged ",
        ),
        (
            "dir = \"data\"",
            "dir = \"data\"\n[uplink]\nbroker = \"mqtt://127.0.0.1:1883\"\nregistry = \"r.json\"",
            "restart [uplink]: one where there was none, or none where there was one | close  open  | rebuilt  | cut  | judged ",
        ),
        // A port alone: what hangs on it is waited for, and goes on as it was.
        (":4001", ":4003", "restart  | close scale-line open scale-line | rebuilt  | cut lane | judged "),
        // An instrument read in another way: its places begin anew.
        (
            "scale_interval = \"20\"",
            "scale_interval = \"50\"",
            "restart  | close scale-line open scale-line | rebuilt lane | cut lane | judged ",
        ),
        (
            "timeout = \"300 ms\"",
            "timeout = \"400 ms\"",
            "restart  | close bus open bus | rebuilt watch | cut watch | judged ",
        ),
        // A neighbour on the line: the line is opened again, and nobody begins anew but the neighbour's places.
        (
            "[[instruments]]\nid = \"ph\"",
            "[[instruments]]\nid = \"dose-2\"\nport = \"bus\"\n[instruments.registers]\nprofile = \"PROFILE\"\nunit_id = 2\npoll = \"1 s\"\ntimeout = \"300 ms\"\n[[instruments]]\nid = \"ph\"",
            "restart  | close bus open bus | rebuilt  | cut watch | judged ",
        ),
        ("threshold = \"500\"", "threshold = \"600\"", "restart  | close  open  | rebuilt lane | cut lane | judged "),
        (
            "table = \"gb18401-2010-t1\"\nparameters = [\"ph\"]",
            "table = \"gb18401-2010-t1\"\nparameters = [\"ph\"]\nadvisory = true",
            "restart  | close  open  | rebuilt  | cut  | judged rig",
        ),
        (
            "period = \"60 s\"\nslots = 60",
            "period = \"120 s\"\nslots = 120",
            "restart  | close  open  | rebuilt watch | cut watch | judged ",
        ),
        // Another name is another place; the old one is finished first.
        (
            "[[watches]]\nid = \"watch\"",
            "[[watches]]\nid = \"other\"",
            "restart  | close  open  | rebuilt other+watch | cut watch | judged ",
        ),
        // The order of two ports is nothing.
        ("version = 1", "version = 1 # a comment", pass),
    ];
    let old = site(SITE);
    for (from, to, expected) in rows {
        assert!(SITE.contains(from), "{from}");
        let change = Change::between(&old, &site(&SITE.replacen(from, to, 1)));
        assert_eq!(told(&change), expected, "{from} -> {to}");
        assert!(!change.is_empty(), "{to}: the file is another one");
    }
    assert!(Change::between(&old, &old).is_empty());
}

#[test]
fn a_table_that_judges_elsewhere_concerns_nobody_here() {
    let old = site(SITE);
    let mut new = old.clone();
    let other = new.tables.iter_mut().find(|it| it.id != "gb18401-2010-t1" && it.id != "gross-mass-cn-2016").unwrap();
    other.digest = [1; 32];
    let change = Change::between(&old, &new);
    assert_eq!(
        (change.tables, change.judged.len(), change.parts.as_slice()),
        (true, 0, &["limit tables".to_owned()][..])
    );
    let mut new = old.clone();
    new.tables.iter_mut().find(|it| it.id == "gb18401-2010-t1").unwrap().digest = [1; 32];
    let change = Change::between(&old, &new);
    assert_eq!((change.tables, change.judged.into_iter().collect::<Vec<_>>()), (true, vec!["rig".to_owned()]));
}
