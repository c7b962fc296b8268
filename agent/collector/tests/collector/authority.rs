//! Signed orders from the command line to the client that believes them, and through a broker.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use tidewaiter_collector::{
    Config, SqliteStore,
    keys::{self, KEY_FILE, REGISTRY_FILE},
    orders::{Item, Spool},
    run,
};
use tidewaiter_mqtt::{Backoff, Event, Message, Qos, Settings};
use tidewaiter_record::{
    CommandResult, Detail, Hash, Registry, RegistryClass,
    mandate::{Authority, Outcome},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    command::{collector, text},
    service::Broker,
    writer::{NOW, SITE, Writer, core_on},
};

const TABLE: &str = "id = \"site-ph\"\nedition = \"2026\"\ntitle = { zh = \"表\", en = \"table\" }\neffective_from = 2026-01-01\n\
                     source = \"a test\"\nlegal_force = \"site\"\nhazards = [\"health\"]\n\n[[rows]]\nid = \"r\"\nparameter = \"ph\"\n\
                     unit = \"[pH]\"\nmax = \"8.5\"\nconfidence = \"C1\"\n";

/// A centre's folder with a record of gate-07 in its store.
fn stand(folder: &Path) -> Writer {
    let config = "version = 1\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n[store]\npath = \"collector.db\"\n\
                  [centre]\nkey = \"centre.key\"\nregistry = \"registry.json\"\n[orders]\ndir = \"orders\"\n";
    fs::write(folder.join("collector.toml"), config).unwrap();
    fs::write(folder.join("site-ph.toml"), TABLE).unwrap();
    fs::write(folder.join("port.toml"), "id = \"port-2026\"\nversion = 1\n").unwrap();
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(SqliteStore::open(&folder.join("collector.db")).unwrap(), &[&agent]);
    agent.begin(&mut core);
    for sealed in agent.events(3) {
        core.accept(&agent.topic(), &sealed.bytes, NOW).unwrap();
    }
    agent
}

/// The commands that the README shows of signed orders, in its order.
fn written_down() -> Vec<String> {
    let readme = include_str!("../../README.md");
    let orders = readme.split("\n## ").find(|it| it.starts_with("Signed orders\n")).unwrap();
    orders.lines().filter_map(|line| line.strip_prefix("$ tidewaiter-collector ")).map(str::to_owned).collect()
}

fn carry_out(folder: &Path, line: &str, code: i32) -> String {
    let output = collector(folder, line);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {said}");
    said
}

#[test]
fn the_commands_of_the_readme_lead_to_tables_in_force_and_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stand(folder);
    let lines = written_down();
    assert!(lines.len() >= 18, "{} commands", lines.len());
    for line in &lines {
        carry_out(folder, line, 0);
    }
    // What lies in the spool is what an agent believes, and nothing else is needed.
    let spool = Spool::new(&folder.join("orders"));
    let root = fs::read(folder.join("root-1.cbor")).unwrap();
    let mut authority = Authority::anchored("gate-07", &root).unwrap();
    authority.see_beacon(7);
    let mut seen = Vec::new();
    for (name, _) in spool.scan().unwrap() {
        let bytes = spool.read(&name).unwrap();
        assert_eq!((name.site.as_str(), name.agent.as_str()), (SITE, "gate-07"));
        match name.item {
            Item::Root(1) => assert_eq!(authority.offer(&bytes).unwrap(), Outcome::Known),
            Item::Limits | Item::Assignment => {
                authority.offer(&bytes).unwrap();
            }
            Item::Table(hash) => {
                assert_eq!(authority.table(&bytes).map(|it| it.hash).ok(), None, "not assigned yet: {hash}");
            }
            Item::Plan => {
                authority.activate().unwrap().unwrap();
                assert_eq!(authority.plan(&bytes).unwrap().version, 1);
            }
            Item::Command(1) => assert_eq!(authority.command(&bytes).unwrap().0.argument("text"), "scale-checked"),
            other => panic!("{other:?}"),
        }
        seen.push(name.item);
    }
    assert_eq!(seen.len(), 6);
    let standing = authority.standing().unwrap();
    assert_eq!((standing.versions, standing.tables.len()), ((1, 1, 1), 1));
    assert!(authority.command(&fs::read(folder.join("command-2.cbor")).unwrap()).unwrap().1, "root has signed too");
    // Nothing has come back yet.
    let said = carry_out(folder, "authority status --config collector.toml --json", 1);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["agents"]["gate-07"]["waiting"], serde_json::json!([1]));
    assert_eq!(said["agents"]["gate-07"]["assigned"], 1);
}

#[test]
fn what_would_be_refused_is_not_drawn_up() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stand(folder);
    for line in written_down() {
        carry_out(folder, &line, 0);
    }
    let check = |line: &str, code: i32, word: &str| {
        let said = carry_out(folder, line, code);
        assert!(said.contains(word), "{line}: {said}");
    };
    check("authority key --out li-na.key", 3, "li-na.key");
    check("authority sign limits-1.cbor --key he-min.key", 2, "has signed this document already");
    check("authority sign port.toml --key he-min.key", 2, "no signed order");
    check("authority limits --version 2 --expires-at 9 --key he-min.key --out l.cbor port.toml", 2, "port.toml");
    check(
        "authority command gate-07 wipe --number 3 --not-after 9 --key director.key --config collector.toml --out c",
        2,
        "report-status",
    );
    check(
        "authority command gate-07 note --number 3 --not-after 9 --key director.key --config collector.toml --out c",
        2,
        "[text]",
    );
    check(
        "authority command gate-09 report-status --number 3 --not-after 9 --key director.key --config collector.toml --out c",
        2,
        "gate-09",
    );
    check("authority publish gate-07-1.cbor --site yantian --agent gate-08 --spool orders", 2, "gate-07");
    check("authority publish li-na.key --site yantian --agent gate-07 --spool orders", 2, "neither");
    check("authority publish root-1.cbor --site a/b --agent gate-07 --spool orders", 2, "segment");
    // One signature of two, and a dangerous command without the second pair of eyes.
    check("authority plan port.toml --key he-min.key --out half.cbor", 0, "plan");
    check("authority show half.cbor --root root-1.cbor", 1, "1 of 2 signatures");
    check(
        "authority command gate-07 drill-on place=lane-1 --number 3 --not-after 9 --key director.key --config collector.toml --out d.cbor",
        0,
        "role root",
    );
    check("authority show d.cbor --root root-1.cbor", 1, "also needs a key of role root");
    check("authority --help", 0, "Examples:");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_go_out_retained_and_a_command_until_its_result() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let agent = stand(folder);
    for line in written_down() {
        carry_out(folder, &line, 0);
    }
    fs::remove_file(folder.join("collector.db")).unwrap();
    keys::init(folder, "centre", RegistryClass::Test).unwrap();
    let mut own = Registry::new(RegistryClass::Test);
    own.add(agent.key.clone()).unwrap();
    fs::write(folder.join("agent.json"), own.to_json()).unwrap();
    keys::add(&folder.join(REGISTRY_FILE), &folder.join("agent.json")).unwrap();
    let broker = Broker::start("127.0.0.1:0".parse().unwrap()).await;
    let config = format!(
        "version = 1\n[broker]\nurl = \"mqtt://{}\"\n[store]\npath = \"collector.db\"\n[centre]\nkey = \"{KEY_FILE}\"\nregistry = \"{REGISTRY_FILE}\"\n[orders]\ndir = \"orders\"\n",
        broker.at
    );
    let config = Config::from_toml(&config, &folder.join("collector.toml")).unwrap();
    let stop = CancellationToken::new();
    let (events, _results) = mpsc::channel(1024);
    let centre = tokio::spawn(run(config, events, stop.clone()));
    let settings = Settings {
        host: broker.at.ip().to_string(),
        port: broker.at.port(),
        client_id: "gate-07".into(),
        tls: None,
        keep_alive: Duration::from_secs(5),
        subscribe: vec![format!("tw/1/{SITE}/gate-07/down/#")],
        will: None,
        window: 32,
        ack_timeout: Duration::from_secs(10),
        backoff: Backoff { first: Duration::from_millis(20), ceiling: Duration::from_millis(200) },
        max_incoming_bytes: 300 * 1024,
    };
    let (publisher, mut link, _) = tidewaiter_mqtt::start(settings, stop.clone()).unwrap();
    let mut came: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let everything = async {
        while came.len() < 6 {
            if let Some(Event::Message(message)) = link.recv().await {
                let rest = message.topic.rsplit_once("/down/").unwrap().1.to_owned();
                if !matches!(rest.as_str(), "receipt" | "beacon" | "resend") {
                    came.insert(rest, message.payload.to_vec());
                }
            }
        }
    };
    timeout(Duration::from_secs(60), everything).await.unwrap();
    let topics: Vec<&str> = came.keys().map(|it| it.split('/').next().unwrap()).collect();
    assert_eq!(topics, ["assignment", "command", "limits", "plan", "root", "table"]);
    // The agent answers, and the command is done.
    let mut fresh = Writer::new("gate-07", 1);
    let result = CommandResult {
        id: [0; 16],
        number: 1,
        verb: "note".into(),
        outcome: "done".into(),
        text: "record 5".into(),
        command: Hash::of(&came["command"]),
    };
    let records = [fresh.event("genesis"), fresh.seal(Detail::CommandResult(Box::new(result)))];
    for record in &records {
        let message = Message {
            topic: fresh.topic(),
            payload: record.bytes.clone().into(),
            qos: Qos::AtLeastOnce,
            retain: false,
        };
        publisher.try_publish(message, record.seq).unwrap();
    }
    let done = folder.join("orders").join(SITE).join("gate-07/done-1");
    let finished = async {
        while !done.exists() {
            let _ = timeout(Duration::from_millis(50), link.recv()).await;
        }
    };
    timeout(Duration::from_secs(60), finished).await.unwrap();
    stop.cancel();
    centre.await.unwrap().unwrap();
    broker.stop().await;
    let said = carry_out(folder, "authority status --config collector.toml", 1);
    assert!(said.contains("command 1 note: done record 5") && said.contains("commands waiting []"), "{said}");
}
