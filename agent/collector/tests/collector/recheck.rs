//! Records that came before their node was entered: checked later, they say what they would have said at once, and say it
//! once. And a bundle carries what was found.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _};

use tidewaiter_bundle::{NodeName, NodeRecord, check};
use tidewaiter_collector::{
    SqliteStore, Store, case,
    nodes::{self, Nodes, Rechecked, recheck},
    store::{NodeSeen, Place},
};
use tidewaiter_drivers::{Unit, reading::Missing};
use tidewaiter_node::block::{Block, NodeKey};
use tidewaiter_record::{
    Detail, Evidence, Flags, Hash, Piece, RegistryClass, Sealed,
    body::{READINGS_MEDIA, encode_readings},
};

use crate::{
    command::{collector, text},
    home::{Home, both},
    nodes::{KEY, SERIAL, at, block, book, context, mass, passage, reading, rtu, sealed, shot, value},
    writer::{NOW, Writer, centre_signer, core_on, registry},
};

/// What a gateway may send over a day, honest and not; the evidence comes in pieces.
fn day(agent: &mut Writer) -> (Vec<Sealed>, Vec<u8>) {
    let raw = |number, second| rtu(&sealed(&block(number, second)));
    let flipped = {
        let mut it = sealed(&block(12, 12));
        it[46] ^= 0x10;
        rtu(&it)
    };
    let strange = rtu(&NodeKey::new([9; 32]).seal(&Block { serial: *b"TWN00009", ..block(13, 13) }));
    let many: Vec<_> = (100..300).map(|it| reading("mass", it, mass(), raw(it, it))).collect();
    let content = encode_readings(&many);
    let beside = Evidence {
        flags: Flags::default(),
        inspection: Some("x".into()),
        instrument: None,
        at: at(0),
        media: READINGS_MEDIA.into(),
        hash: Hash::of(&content),
        size: content.len() as u64,
        content: None,
        facts: BTreeMap::new(),
        context: context(),
    };
    let whole = |readings, mass: &str| Detail::Inspection(Box::new(passage(readings, value(mass, Unit::Gram))));
    let details = vec![
        shot(reading("mass", 10, mass(), raw(10, 10))),
        shot(reading("mass", 11, value("17", Unit::Gram), raw(11, 11))),
        shot(reading("mass", 12, mass(), flipped)),
        shot(reading("mass", 13, mass(), strange)),
        shot(reading("mass", 14, mass(), Vec::new())),
        shot(reading("mass", 15, Err(Missing::TimedOut), Vec::new())),
        // The first again, for another moment.
        shot(reading("mass", 40, mass(), raw(10, 10))),
        whole(vec![reading("mass", 50, mass(), raw(50, 50)), reading("mass", 51, mass(), raw(51, 51))], "18000000"),
        // Cites a block of the one before, and says more than was sealed.
        whole(vec![reading("mass", 51, mass(), raw(51, 51))], "18000001"),
        Detail::Evidence(Box::new(beside)),
    ];
    let mut records = vec![agent.event("genesis")];
    records.extend(details.into_iter().map(|it| agent.seal(it)));
    (records, content)
}

fn take(place: &Place, agent: &Writer, nodes: Option<Nodes>, (records, content): &(Vec<Sealed>, Vec<u8>)) {
    let mut core = core_on(place.open().unwrap(), &[agent]);
    if let Some(nodes) = nodes {
        core.set_nodes(nodes);
    }
    for it in records {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    let topic = agent.on(&format!("evidence/{}", Hash::of(content)));
    for piece in Piece::cut(content) {
        core.accept(&topic, &piece.write(), NOW).unwrap();
    }
}

/// Everything that a store knows of nodes: findings by record, blocks, counts.
type Known = (Vec<(u64, String, String)>, Vec<NodeSeen>, BTreeMap<String, u64>);

fn known(place: &Place, agent: &Writer) -> Known {
    let store = place.read().unwrap();
    let findings = store.node_findings_of(agent.chain(), 0, u64::MAX).unwrap();
    let findings =
        findings.into_iter().map(|it| (it.seq, it.finding.bad.word().to_owned(), it.finding.detail)).collect();
    let mut counts = store.counters().unwrap();
    counts.retain(|name, _| name.contains("node"));
    (findings, store.nodes_seen().unwrap(), counts)
}

both!(records_from_before_are_checked_as_if_they_came_now);

fn records_from_before_are_checked_as_if_they_came_now(home: &Home) {
    let mut agent = Writer::new("gate-07", 7);
    let day = day(&mut agent);
    let (at_once, later) = (&home.place, home.beside("later.db"));
    take(at_once, &agent, Some(book()), &day);
    take(&later, &agent, None, &day);
    let expected = known(at_once, &agent);
    let words: Vec<(u64, &str)> = expected.0.iter().map(|it| (it.0, it.1.as_str())).collect();
    let all = [
        (2, "node-value"),
        (3, "node-mac"),
        (4, "node-serial"),
        (5, "node-block-missing"),
        (7, "node-sequence"),
        (9, "node-value"),
    ];
    assert_eq!(words, all);
    assert_eq!(known(&later, &agent), (Vec::new(), Vec::new(), BTreeMap::new()), "nothing was looked at");

    let again = || recheck(later.open().unwrap().as_mut(), &book()).unwrap();
    let first = again();
    assert_eq!(known(&later, &agent), expected);
    assert_eq!((first.records, first.of_nodes, first.findings_known, first.waiting), (11, 10, 0, 0));
    assert_eq!(first.findings_new.values().sum::<u64>(), 6);
    assert!(first.is_bad() && first.blocks_new > 200 && first.blocks_new < first.sealed);
    // Again, and after the one that had looked at once: nothing new.
    let second = again();
    let nothing_new = Rechecked { blocks_new: 0, findings_new: BTreeMap::new(), findings_known: 6, ..first.clone() };
    assert_eq!(second, nothing_new);
    assert_eq!(known(&later, &agent), expected);
    assert_eq!(recheck(at_once.open().unwrap().as_mut(), &book()).unwrap(), nothing_new);
    assert_eq!(known(at_once, &agent), expected);
}

#[test]
fn a_node_is_checked_with_all_that_was_at_its_place() {
    let book = book();
    for serial in [*b"TWN00001", *b"TWN00009"] {
        assert_eq!(book.with(serial).all().len(), 2, "one followed the other at scale-1");
    }
    assert!(book.with(*b"TWN00002").is_empty());
}

/// Readings that are still on their way are told of, and judged when they are here.
#[test]
fn what_is_still_to_come_waits() {
    let home = Home::file();
    let mut agent = Writer::new("gate-07", 7);
    let (records, content) = day(&mut agent);
    let mut core = core_on(home.open(), &[&agent]);
    for it in &records {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    drop(core);
    let done = recheck(home.open().as_mut(), &book()).unwrap();
    assert_eq!((done.waiting, done.of_nodes), (1, 9));
    let mut core = core_on(home.open(), &[&agent]);
    core.set_nodes(book());
    let topic = agent.on(&format!("evidence/{}", Hash::of(&content)));
    for piece in Piece::cut(&content) {
        core.accept(&topic, &piece.write(), NOW).unwrap();
    }
    drop(core);
    let done = recheck(home.open().as_mut(), &book()).unwrap();
    assert_eq!((done.waiting, done.of_nodes, done.blocks_new), (0, 10, 0));
}

/// The bundle of a case: what it says of nodes, by the centre's book or without one.
fn bundled(store: &dyn Store, agent: &Writer, asked: &str, nodes: &Nodes) -> (Vec<NodeRecord>, bool) {
    let mut case = case::gather(store, &centre_signer(), &[asked.to_owned()], None, &[], NOW).unwrap();
    case.nodes = case::of_nodes(store, nodes, &case).unwrap();
    let registry = registry(RegistryClass::Test, &[agent]);
    let mut bytes = Vec::new();
    case.write(&registry, &mut bytes).unwrap();
    let checked = check(bytes.as_slice(), &registry).unwrap();
    assert!(checked.damage.is_empty(), "{:?}", checked.damage);
    let is_there = checked.manifest.files.iter().any(|it| it.name == "nodes.json");
    assert_eq!(is_there, !checked.nodes.is_empty());
    (checked.nodes.clone(), checked.is_bad())
}

both!(a_bundle_carries_what_was_found_of_nodes_and_no_key);

fn a_bundle_carries_what_was_found_of_nodes_and_no_key(home: &Home) {
    let mut agent = Writer::new("gate-07", 7);
    let day = day(&mut agent);
    take(&home.place, &agent, Some(book()), &day);
    let store = home.read();
    // Up to the honest one: checked, by whose key, and nothing found.
    let (said, is_bad) = bundled(store.as_ref(), &agent, "1", &book());
    let node = NodeName { instrument: "scale-1".into(), serial: SERIAL.into() };
    assert_eq!(said, [NodeRecord { seq: 1, nodes: vec![node.clone()], findings: Vec::new() }]);
    assert!(!is_bad);
    let (said, is_bad) = bundled(store.as_ref(), &agent, "9", &book());
    let found: Vec<(u64, &str)> =
        said.iter().flat_map(|it| it.findings.iter().map(|found| (it.seq, found.reason.as_str()))).collect();
    let all = known(&home.place, &agent).0;
    assert_eq!(found, all.iter().map(|it| (it.0, it.1.as_str())).collect::<Vec<_>>());
    assert!(is_bad && said.iter().all(|it| it.nodes == [node.clone()]));
    let text = format!("{said:?}");
    assert!(text.contains(SERIAL) && !text.contains(&hex::encode(KEY)) && !text.contains(&format!("{KEY:?}")));
    // Without its book a centre still says what it found, and not by whose key.
    let (without, is_bad) = bundled(store.as_ref(), &agent, "9", &Nodes::default());
    assert!(is_bad && without.len() == 6 && without.iter().all(|it| it.nodes.is_empty()));
    // A case without nodes has no such file.
    assert_eq!(bundled(store.as_ref(), &agent, "0", &book()), (Vec::new(), false));
}

#[test]
fn the_command_says_what_it_did_in_both_languages() {
    let home = Home::file();
    let folder = home.folder();
    let mut agent = Writer::new("gate-07", 7);
    let day = day(&mut agent);
    take(&home.place, &agent, None, &day);
    let said = |line: &str, code: i32| {
        let output = collector(folder, line);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        said
    };
    std::fs::write(folder.join("registry.json"), registry(RegistryClass::Test, &[&agent]).to_json()).unwrap();
    let secret = |name: &str, content: &str| {
        std::fs::write(folder.join(name), content).unwrap();
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    secret("centre.key", &centre_signer().to_pkcs8_pem().unwrap());
    let config = "version = 1\n[broker]\nurl = \"mqtt://127.0.0.1:1\"\n[store]\npath = \"collector.db\"\n\
                  [centre]\nkey = \"centre.key\"\nregistry = \"registry.json\"\n[nodes]\nfile = \"nodes.toml\"\n";
    std::fs::write(folder.join("collector.toml"), config).unwrap();
    let from = jiff::Timestamp::from_millisecond(NOW).unwrap();
    let place = ("yantian", "gate-07", "scale-1");
    nodes::add(&folder.join("nodes.toml"), place, SERIAL, &KEY, from, BTreeMap::new()).unwrap();

    let check = "nodes check --config collector.toml";
    let lock = SqliteStore::open(&folder.join("collector.db")).unwrap();
    assert!(said(check, 3).contains("collector.db"), "a file has one writer");
    drop(lock);
    assert!(said(&format!("{check} --serial TWN00005"), 2).contains("nodes list"));
    let first = said(&format!("{check} --lang en"), 1);
    for line in [
        "11 stored records gone over, 10 with readings of nodes",
        "new finding node-mac: 1",
        "new findings: 6; 0 known",
    ] {
        assert!(first.contains(line), "{first}");
    }
    let second = said(&format!("{check} --serial {SERIAL} --lang zh"), 1);
    assert!(second.contains("没有新问题；此前已知 6 个"), "{second}");
    let json: serde_json::Value = serde_json::from_str(&said(&format!("{check} --json"), 1)).unwrap();
    assert_eq!((json["records"].as_u64(), json["findings_known"].as_u64()), (Some(11), Some(6)));
    assert_eq!(json["findings_new"], serde_json::json!({}));
    assert!(said("status --config collector.toml --lang en", 1).contains("node-sequence"));
    said("bundle 9 --config collector.toml --out case.tar", 0);
    let bytes = std::fs::read(folder.join("case.tar")).unwrap();
    let checked = tidewaiter_bundle::check(bytes.as_slice(), &registry(RegistryClass::Test, &[&agent])).unwrap();
    assert_eq!(checked.nodes.iter().filter(|it| !it.findings.is_empty()).count(), 6);
}
