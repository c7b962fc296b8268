//! `bundle`, `verify` on a bundle, and `salvage`, as a person calls them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed, as it should")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use tidewaiter_agent::{
    clock::{Clock, Policy, SystemClock},
    evidence::DiskEvidence,
    keys,
    outbox::{Cursor, Draft, Identity, Keeper, Settings, SqliteStore},
    seal,
};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    Ed25519Signer, Hash, Receipt, RegisteredKey, Registry,
    body::{Context, Detail, Event, Evidence, Flags, LimitsActivated, Table},
    issue,
};
use tokio_util::sync::CancellationToken;

const AGENT: &str = "gate-07";

fn tidewaiter(line: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidewaiter"))
        .args(line)
        .env_remove("TIDEWAITER_CONFIG")
        .env("LC_ALL", "C")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn event(number: u32) -> Detail {
    Detail::Event(Event { name: format!("event-{number}"), subject: None, facts: BTreeMap::new() })
}

/// A data directory with twenty records, evidence beside it and a receipt over the first ten or so.
fn lived(dir: &Path, content: &[u8], table: Option<&[u8]>) -> Registry {
    let mut registry = keys::init(dir, AGENT, false, &SystemClock).unwrap();
    let centre = Ed25519Signer::generate().unwrap();
    registry.add(RegisteredKey::centre("centre", centre.public_key())).unwrap();
    let context = Context { software: "tidewaiter 1".to_owned(), config: [3; 32] };
    let folder = dir.join("evidence");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(Hash::of(content).to_string()), content).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let enrolled = keys::load(dir, AGENT).unwrap();
        let (chain, statement) = (enrolled.chain, enrolled.statement);
        let store = SqliteStore::open(dir, chain, 64 << 20).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let identity = Identity { agent: AGENT.to_owned(), chain, statement, context: context.clone() };
        let settings = Settings { keep_ms: i64::MAX, clock: Policy::default() };
        let (keeper, outbox) =
            Keeper::open(Box::new(store), Arc::new(enrolled.signer), clock, identity, settings, seal::interrupted)
                .await
                .unwrap();
        let kept = Arc::new(DiskEvidence::open(dir).unwrap());
        let (keeper, outbox) = keeper.with_evidence(outbox, kept);
        let stop = CancellationToken::new();
        let task = tokio::spawn(keeper.run(stop.clone()));
        let draft = |detail| Draft {
            place: "self".to_owned(),
            id: None,
            detail,
            alert: false,
            closes: None,
            notes: Vec::new(),
        };
        outbox.keep(content.into()).await.unwrap();
        let mut last = None;
        for number in 0..18 {
            let detail = if number == 4 {
                Detail::Evidence(Box::new(Evidence {
                    flags: Flags::default(),
                    inspection: Some("lane-7-3-41".to_owned()),
                    instrument: Some("portal-1".to_owned()),
                    at: Moment { mono_ms: 1, wall_ms: 1 },
                    media: "application/n42+xml".to_owned(),
                    hash: Hash::of(content),
                    size: content.len() as u64,
                    content: None,
                    facts: BTreeMap::new(),
                    context: context.clone(),
                }))
            } else if let Some(table) = table.filter(|_| number == 6) {
                Detail::LimitsActivated(Box::new(LimitsActivated {
                    cause: "built-in".to_owned(),
                    tables: vec![Table { id: "own".into(), edition: "1".into(), sha256: Hash::of(table).0 }],
                    versions: None,
                    facts: BTreeMap::new(),
                }))
            } else {
                event(number)
            };
            let recorded = outbox.seal(draft(detail)).await.unwrap();
            if number == 9 {
                last = Some(recorded);
            }
        }
        let last = last.unwrap();
        let received_ms = SystemClock.now().wall_ms;
        let receipt = Receipt {
            agent: AGENT.to_owned(),
            chain,
            upto_seq: last.seq,
            hash: last.hash,
            received_at_ms: received_ms,
            log: None,
        };
        let cursor = Cursor { upto_seq: last.seq, hash: last.hash, received_ms };
        outbox.signed_receipt(cursor, issue(&receipt, &centre).unwrap()).await;
        stop.cancel();
        task.await.unwrap().unwrap();
    });
    registry
}

#[test]
fn a_case_is_made_and_checked_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let content = vec![9_u8; 30_000];
    let registry = lived(&folder.path().join("data"), &content, None);
    fs::write(at("registry.json"), registry.to_json()).unwrap();
    let (data, tar, keys) = (at("data"), at("case.tar"), at("registry.json"));
    let made =
        tidewaiter(&["bundle", "lane-7-3-41", "3", "--data-dir", &data, "--registry", &keys, "--out", &tar, "--json"]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let manifest: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(manifest["asked"], serde_json::json!([3, 5]));
    assert_eq!(manifest["first_seq"], 0);
    assert_eq!(manifest["absent"], serde_json::json!([]));

    let checked = tidewaiter(&["verify", &tar, "--registry", &keys, "--json"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(report["bundle"]["damage"], serde_json::json!([]));
    assert_eq!(report["chains"][0]["receipted_upto"], 10, "{report}");
    let told = said(&tidewaiter(&["verify", &tar, "--registry", &keys]));
    assert!(told.contains("files are as its list says"), "{told}");

    let mut bytes = fs::read(&tar).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    fs::write(&tar, bytes).unwrap();
    assert_ne!(tidewaiter(&["verify", &tar, "--registry", &keys]).status.code(), Some(0));
    let unknown = tidewaiter(&["bundle", "lane-9", "--data-dir", &data, "--registry", &keys, "--out", &at("no.tar")]);
    assert_eq!(unknown.status.code(), Some(2), "{}", said(&unknown));
    assert!(said(&unknown).contains("tidewaiter log"));
    assert!(said(&tidewaiter(&["bundle", "--help"])).contains("Example: tidewaiter bundle"));
}

#[test]
fn the_tables_of_the_site_are_packed_without_being_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // A laboratory's own edition: a built-in table under another name.
    let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/limits/gasoline-cn.toml");
    let own = fs::read_to_string(built_in).unwrap().replacen("id = \"", "id = \"own-", 1);
    fs::create_dir(at("limits")).unwrap();
    fs::write(at("limits/own.toml"), &own).unwrap();
    let registry = lived(&folder.path().join("data"), &vec![9_u8; 30_000], Some(own.as_bytes()));
    fs::write(at("registry.json"), registry.to_json()).unwrap();
    let head = "version = 1\n[site]\nid = \"s\"\nagent = \"gate-07\"\nname = \"n\"\n[store]\ndir = \"data\"\n\
                budget = \"64 MiB\"\n";
    let absent = |site: &str| {
        fs::write(at("site.toml"), format!("{head}{site}")).unwrap();
        let (site, keys, tar) = (at("site.toml"), at("registry.json"), at("case.tar"));
        let made = tidewaiter(&["bundle", "7", "--config", &site, "--registry", &keys, "--out", &tar, "--json"]);
        assert_eq!(made.status.code(), Some(0), "{}", said(&made));
        let manifest: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        manifest["absent"].as_array().unwrap().len()
    };
    assert_eq!(absent(""), 1, "the table is named by a record and lies nowhere that the site names");
    assert_eq!(absent("[limits]\ndir = \"limits\"\n"), 0);
}

#[test]
fn a_dead_board_gives_up_what_it_holds_and_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let content = vec![9_u8; 30_000];
    let registry = lived(&folder.path().join("data"), &content, None);
    fs::write(at("registry.json"), registry.to_json()).unwrap();
    let data = at("data");
    let before = fs::read(folder.path().join("data").join(SqliteStore::FILE)).unwrap();
    let saved = tidewaiter(&["salvage", &data, "--out", &at("saved.cborseq"), "--json"]);
    assert_eq!(saved.status.code(), Some(0), "{}", said(&saved));
    let report: serde_json::Value = serde_json::from_slice(&saved.stdout).unwrap();
    // Genesis, eighteen records, the clean end.
    assert_eq!((&report["records"], &report["contents"], &report["signature"]), (&20.into(), &1.into(), &"ok".into()));
    assert_eq!(fs::read(folder.path().join("data").join(SqliteStore::FILE)).unwrap(), before);
    assert!(!Path::new(&at("saved.cborseq.work")).exists());
    let evidence = folder.path().join("saved.evidence").join(Hash::of(&content).to_string());
    assert_eq!(fs::read(evidence).unwrap(), content);
    let told = tidewaiter(&["verify", &at("saved.cborseq"), "--registry", &at("registry.json")]);
    assert_eq!(told.status.code(), Some(0), "{}", said(&told));
    // Nothing is overwritten.
    assert_eq!(tidewaiter(&["salvage", &data, "--out", &at("saved.cborseq")]).status.code(), Some(3));

    // A rotten record is left out and said; the rest comes.
    let connection = rusqlite::Connection::open(folder.path().join("data").join(SqliteStore::FILE)).unwrap();
    connection.execute("UPDATE entry SET record = x'00' WHERE seq = 7", []).unwrap();
    drop(connection);
    fs::write(folder.path().join("data/evidence").join(Hash::of(&content).to_string()), b"rotten").unwrap();
    let saved = tidewaiter(&["salvage", &data, "--out", &at("rest.cborseq"), "--json"]);
    assert_eq!(saved.status.code(), Some(1), "{}", said(&saved));
    let report: serde_json::Value = serde_json::from_slice(&saved.stdout).unwrap();
    assert_eq!((&report["records"], &report["rotten"]), (&19.into(), &serde_json::json!([7])));
    assert_eq!(report["lost"].as_array().unwrap().len(), 1);
}
