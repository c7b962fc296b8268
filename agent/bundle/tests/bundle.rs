//! A bundle is made, checked, and spoilt in every way a courier or a forger might.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed, as it should")]

use std::collections::BTreeMap;

use tidewaiter_bundle::{Case, CaseError, Checked, NodeFinding, NodeName, NodeRecord, check, is_bundle};
use tidewaiter_record::{
    ChainHead, ChainId, Claims, Ed25519Signer, Hash, Receipt, RegisteredKey, Registry, RegistryClass, Statement,
    body::{Body, Context, Detail, Event, Evidence, Flags, Genesis, TimeBlock, TimeQuality, TimeSource},
    issue, seal,
};

const CHAIN: ChainId = ChainId([9; 16]);
const START_MS: i64 = 1_795_910_400_000;

struct Made {
    registry: Registry,
    case: Case,
}

fn context() -> Context {
    Context { software: "tidewaiter 1".to_owned(), config: [5; 32] }
}

fn made() -> Made {
    let agent = Ed25519Signer::generate().unwrap();
    let centre = Ed25519Signer::generate().unwrap();
    let statement = Statement {
        agent: "gate-07".to_owned(),
        chain: CHAIN,
        public: agent.public_key(),
        created_ms: START_MS,
        simulated: false,
    };
    let bytes = statement.issue(&agent).unwrap();
    let mut registry = Registry::new(RegistryClass::Production);
    registry.add(statement.register(Hash::of(&bytes))).unwrap();
    registry.add(RegisteredKey::centre("centre", centre.public_key())).unwrap();
    let spectrum = vec![7_u8; 40_000];
    let details = (0..12).map(|seq| match seq {
        0 => Detail::Genesis(Genesis {
            software: "tidewaiter 1".to_owned(),
            config: [5; 32],
            statement: Hash::of(&bytes),
        }),
        5 => Detail::Evidence(Box::new(Evidence {
            flags: Flags::default(),
            inspection: None,
            instrument: Some("portal-1".to_owned()),
            at: tidewaiter_drivers::reading::Moment { mono_ms: 5, wall_ms: START_MS },
            media: "application/n42+xml".to_owned(),
            hash: Hash::of(&spectrum),
            size: spectrum.len() as u64,
            content: None,
            facts: BTreeMap::new(),
            context: context(),
        })),
        _ => Detail::Event(Event { name: format!("event-{seq}"), subject: None, facts: BTreeMap::new() }),
    });
    let mut head = ChainHead { chain: CHAIN, next_seq: 0, prev: Hash::of(&bytes) };
    let claims = Claims { agent: "gate-07".to_owned(), subject: "self".to_owned() };
    let mut records = Vec::new();
    for (seq, detail) in (0..).zip(details) {
        let time = TimeBlock {
            wall_ms: START_MS + seq * 1000,
            mono_ms: seq.unsigned_abs() * 1000,
            boot: 1,
            quality: TimeQuality::S,
            err_ms: 20,
            src: TimeSource::Ntp,
            age_s: 0,
        };
        let sealed = seal(&head, &claims, None, &Body { time, detail }, &agent).unwrap();
        head = head.after(&sealed);
        records.push(sealed.bytes);
    }
    let receipt = Receipt {
        agent: "gate-07".to_owned(),
        chain: CHAIN,
        upto_seq: 11,
        hash: Hash::of(records.last().unwrap()),
        received_at_ms: START_MS + 12_000,
        log: None,
    };
    let case = Case {
        made_at_ms: START_MS + 60_000,
        made_by: "tidewaiter 1".to_owned(),
        asked: vec![5, 6],
        records,
        statement: Some(bytes),
        receipts: vec![issue(&receipt, &centre).unwrap()],
        contents: [(Hash::of(&spectrum), spectrum)].into(),
        ..Case::default()
    };
    Made { registry, case }
}

fn written(made: &Made) -> Vec<u8> {
    let mut out = Vec::new();
    made.case.write(&made.registry, &mut out).unwrap();
    out
}

fn checked(bytes: &[u8], registry: &Registry) -> Checked {
    check(bytes, registry).unwrap()
}

/// Writes the archive again with one change to its files.
fn repacked(bytes: &[u8], change: impl Fn(&str, Vec<u8>) -> Vec<(String, Vec<u8>)>) -> Vec<u8> {
    let mut archive = tar::Archive::new(bytes);
    let mut out = tar::Builder::new(Vec::new());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        for (name, content) in change(&name, content) {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            out.append_data(&mut header, name, content.as_slice()).unwrap();
        }
    }
    out.into_inner().unwrap()
}

#[test]
fn a_bundle_carries_what_was_asked_for_and_checks_offline() {
    let made = made();
    let bytes = written(&made);
    assert!(is_bundle(&bytes));
    assert_eq!(bytes, written(&made), "the same case is the same file");
    let checked = checked(&bytes, &made.registry);
    assert!(!checked.is_bad(), "{:?} {:?}", checked.damage, checked.report.findings);
    assert_eq!((checked.manifest.first_seq, checked.manifest.last_seq), (0, 11));
    assert_eq!(checked.manifest.asked, [5, 6]);
    assert_eq!(checked.report.chains[0].receipted_upto, Some(11));
    assert!(checked.manifest.absent.is_empty());
    let names: Vec<&str> = checked.manifest.files.iter().map(|file| file.name.as_str()).collect();
    for name in ["README.txt", "report.zh-CN.txt", "report.en.txt", "registry.json", "statement.cbor"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let mut report = String::new();
    repacked(&bytes, |name, content| {
        assert!(name != "report.en.txt" || String::from_utf8(content.clone()).unwrap().contains("clock synchronised"));
        vec![(name.to_owned(), content)]
    });
    let mut archive = tar::Archive::new(bytes.as_slice());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().to_str() == Some("report.zh-CN.txt") {
            std::io::Read::read_to_string(&mut entry, &mut report).unwrap();
        }
    }
    assert!(report.contains("封存记录报告") && report.contains("“是”不代表什么"), "{report}");
}

#[test]
fn an_excerpt_from_the_middle_checks_as_one() {
    let mut made = made();
    made.case.records.drain(..4);
    let checked = checked(&written(&made), &made.registry);
    assert!(!checked.is_bad(), "{:?} {:?}", checked.damage, checked.report.findings);
    assert_eq!(checked.manifest.first_seq, 4);
}

/// What is done to a file of a bundle, by its name: the files in its place.
type Change = Box<dyn Fn(&str, Vec<u8>) -> Vec<(String, Vec<u8>)>>;

#[test]
fn every_spoilt_bundle_is_found() {
    let made = made();
    let good = written(&made);
    let same = |name: &str, content: Vec<u8>| vec![(name.to_owned(), content)];
    let flip = |file: &'static str, at: usize| -> Change {
        Box::new(move |name, mut content| {
            if name.starts_with(file) {
                content[at] ^= 1;
            }
            vec![(name.to_owned(), content)]
        })
    };
    let rows: Vec<(&str, Change, &str)> = vec![
        ("a bit of a record", flip("records.cborseq", 900), "records.cborseq"),
        ("a bit of the receipt", flip("receipts.cborseq", 60), "receipts.cborseq"),
        ("a bit of the evidence", flip("evidence/", 33), "evidence/"),
        ("a bit of the report", flip("report.en.txt", 5), "report.en.txt"),
        (
            "a file dropped",
            Box::new(move |name, content| if name == "statement.cbor" { Vec::new() } else { same(name, content) }),
            "statement.cbor",
        ),
        (
            "a file added",
            Box::new(move |name, content| {
                let mut files = same(name, content);
                if name == "README.txt" {
                    files.push(("note.txt".to_owned(), b"ignore the report".to_vec()));
                }
                files
            }),
            "note.txt",
        ),
        (
            "a file twice",
            Box::new(move |name, content| {
                let copies = if name == "README.txt" { 2 } else { 1 };
                vec![(name.to_owned(), content); copies]
            }),
            "README.txt",
        ),
    ];
    for (what, change, file) in rows {
        let checked = checked(&repacked(&good, change), &made.registry);
        assert!(checked.is_bad(), "{what}");
        assert!(checked.damage.iter().any(|damage| damage.file.starts_with(file)), "{what}: {:?}", checked.damage);
    }
    // A forger who makes the manifest fit is left with the signatures.
    for at in 0..made.case.records.len() {
        let mut forged = made.case.clone();
        let middle = forged.records[at].len() - 10;
        forged.records[at][middle] ^= 1;
        let mut bytes = Vec::new();
        forged.write(&made.registry, &mut bytes).unwrap();
        assert!(checked(&bytes, &made.registry).report.is_bad(), "record {at}");
    }
    // Somebody else's registry makes nothing true.
    assert!(checked(&good, &Registry::new(RegistryClass::Production)).report.is_bad());
}

#[test]
fn no_bytes_make_it_panic_and_cut_ones_are_found() {
    let made = made();
    let good = written(&made);
    for cut in (0..good.len()).step_by(509) {
        let found = check(&good[..cut], &made.registry);
        assert!(found.is_err() || found.is_ok_and(|it| it.is_bad()) || cut + 1024 >= good.len(), "cut at {cut}");
    }
    for at in (0..good.len()).step_by(173) {
        let mut spoilt = good.clone();
        spoilt[at] ^= 0x40;
        let _ = check(spoilt.as_slice(), &made.registry);
    }
    assert!(check(&b"no tar at all"[..], &made.registry).is_err());
    assert!(check(&[][..], &made.registry).is_err());
}

#[test]
fn what_is_not_at_hand_is_said() {
    let mut made = made();
    made.case.contents.clear();
    let checked = checked(&written(&made), &made.registry);
    assert_eq!(checked.manifest.absent.len(), 1);
    assert!(checked.damage.is_empty());
}

#[test]
fn what_cannot_be_a_case_is_refused() {
    let made = made();
    let refused = |spoil: &dyn Fn(&mut Case)| {
        let mut case = made.case.clone();
        spoil(&mut case);
        case.write(&made.registry, Vec::new()).unwrap_err()
    };
    assert!(matches!(refused(&|case| case.records.clear()), CaseError::Empty));
    assert!(matches!(refused(&|case| case.asked.clear()), CaseError::Empty));
    assert!(matches!(refused(&|case| case.asked = vec![99]), CaseError::NotThere(99)));
    assert!(matches!(
        refused(&|case| {
            case.records.remove(3);
        }),
        CaseError::Record { seq: 3, .. }
    ));
}

/// A Python with the one package that the independent verifier needs.
fn python() -> Option<std::path::PathBuf> {
    let venv = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-venv/bin/python");
    [venv, "python3".into()].into_iter().find(|it| {
        let asked = std::process::Command::new(it).args(["-c", "import cryptography"]).output();
        asked.is_ok_and(|ended| ended.status.success())
    })
}

/// What a layout is for: a reader of today passes over what is added tomorrow.
#[test]
fn what_is_said_of_nodes_is_in_both_reports_and_may_grow() {
    let mut made = made();
    let finding = |reason: &str| NodeFinding { reason: reason.to_owned(), detail: "scale-1: block 7".to_owned() };
    let nodes = vec![NodeName { instrument: "scale-1".to_owned(), serial: "TWN00001".to_owned() }];
    let record = |seq, findings| NodeRecord { seq, nodes: nodes.clone(), findings };
    made.case.nodes = vec![record(3, Vec::new()), record(5, Vec::new()), record(7, vec![finding("node-sequence")])];
    let bytes = written(&made);
    let mut seen = BTreeMap::new();
    for tomorrow in [false, true] {
        let grown = repacked(&bytes, |name, content| {
            let mut text = String::from_utf8_lossy(&content).into_owned();
            if name == "nodes.json" && tomorrow {
                text = text.replace("\"seq\": 5", "\"seq\": 5, \"more\": [1]");
            }
            vec![(name.to_owned(), if name == "nodes.json" { text.into_bytes() } else { content })]
        });
        let checked = checked(&grown, &made.registry);
        assert_eq!((checked.nodes.len(), checked.damage.len()), (3, usize::from(tomorrow)), "{:?}", checked.damage);
        assert!(checked.is_bad());
    }
    let mut archive = tar::Archive::new(bytes.as_slice());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut text).unwrap();
        seen.insert(name, text);
    }
    let text = |name: &str| String::from_utf8(seen[name].clone()).unwrap();
    let english = text("report.en.txt");
    for line in [
        "Record 5: readings of scale-1 were held against the key of node TWN00001",
        "Record 5: nothing found against it",
        "Record 7: a block is replayed or was held back (scale-1: block 7)",
    ] {
        assert!(english.contains(line), "{english}");
    }
    assert!(!english.contains("Record 3: readings"), "neither asked for nor spoken against");
    assert!(text("report.zh-CN.txt").contains("记录 7：数据块被重放或被扣留（scale-1: block 7）"));
    assert!(text("nodes.json").starts_with("{\n  \"version\": 1,\n  \"records\": ["));
}

#[test]
fn python_reads_the_same_file_and_says_the_same() {
    let Some(python) = python() else {
        println!("skipped: no Python with the package cryptography");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/interop/bundle.py");
    let made = made();
    let good = written(&made);
    std::fs::write(dir.path().join("registry.json"), made.registry.to_json()).unwrap();
    let mut excerpt = made.case.clone();
    excerpt.records.drain(..4);
    let mut from_the_middle = Vec::new();
    excerpt.write(&made.registry, &mut from_the_middle).unwrap();
    let spoil = |file: &'static str| {
        repacked(&good, |name, mut content| {
            if name.starts_with(file) {
                content[30] ^= 1;
            }
            vec![(name.to_owned(), content)]
        })
    };
    let of_nodes = |seq, findings: &[&str]| {
        let mut case = made.case.clone();
        let finding = |it: &&str| NodeFinding { reason: (*it).to_owned(), detail: "block 7".to_owned() };
        let nodes = vec![NodeName { instrument: "scale-1".to_owned(), serial: "TWN00001".to_owned() }];
        case.nodes = vec![NodeRecord { seq, nodes, findings: findings.iter().map(finding).collect() }];
        let mut bytes = Vec::new();
        case.write(&made.registry, &mut bytes).unwrap();
        bytes
    };
    let rows = [
        ("good", good.clone(), 0),
        ("nodes without a finding", of_nodes(5, &[]), 0),
        ("a finding of a node", of_nodes(5, &["node-mac"]), 1),
        ("a finding of tomorrow", of_nodes(5, &["node-tomorrow"]), 1),
        ("nodes of a record that is not here", of_nodes(40, &[]), 1),
        ("from the middle", from_the_middle, 0),
        ("a bit of the records", spoil("records.cborseq"), 1),
        ("a bit of the evidence", spoil("evidence/"), 1),
        ("a bit of the report", spoil("report.en.txt"), 1),
        ("no archive", b"nothing".repeat(200), 2),
    ];
    for (what, bytes, code) in rows {
        let path = dir.path().join("case.tar");
        std::fs::write(&path, &bytes).unwrap();
        let ended = std::process::Command::new(&python)
            .arg(program)
            .arg(&path)
            .arg("--registry")
            .arg(dir.path().join("registry.json"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{what}: {said}");
        // Ours says the same.
        match check(bytes.as_slice(), &made.registry) {
            Ok(checked) => assert_eq!(i32::from(checked.is_bad()), code, "{what}"),
            Err(_) => assert_eq!(code, 2, "{what}"),
        }
    }
}
