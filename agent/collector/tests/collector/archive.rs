//! What leaves the store comes back whole, and what was spoilt on the way is found.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use tidewaiter_collector::{
    Core, SqliteStore, Store, Tables,
    archive::{self, ArchiveError, Manifest, Source},
    case,
    store::{LogStore as _, Place, ReadStore as _, Walk as _},
};
use tidewaiter_record::{
    Detail, Hash, Piece, Registry, RegistryClass, Sealed, Signer, Table, body::LimitsActivated, sign_detached,
};

use crate::{
    home::Home,
    writer::{NOW, SITE, Writer, centre_signer, core_on, named, registry},
};

const SMALL: u64 = 4096;

struct World {
    folder: tempfile::TempDir,
    agents: [Writer; 2],
    content: Vec<u8>,
    records: Vec<(usize, Sealed)>,
}

fn pieces(core: &mut Core, agent: &Writer, content: &[u8]) {
    let topic = format!("tw/1/{SITE}/{}/evidence/{}", agent.agent, Hash::of(content));
    for piece in Piece::cut(content) {
        core.accept(&topic, &piece.write(), NOW).unwrap();
    }
}

/// Two agents, interleaved, one record out of order, evidence, heads in between.
fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut agents = [Writer::new("gate-07", 1), Writer::new("lab-02", 2)];
    let store = SqliteStore::open(&folder.path().join("collector.db")).unwrap();
    let content: Vec<u8> = (0..40_000_u32).map(|it| it.to_le_bytes()[0]).collect();
    let mut records = Vec::new();
    let mut core = core_on(store, &[&agents[0], &agents[1]]);
    for round in 0..30_usize {
        for which in [0, 1, 0] {
            let sealed = if round == 12 && which == 1 {
                agents[1].seal(named(&content, false))
            } else {
                agents[which].event(&format!("event-{round}"))
            };
            records.push((which, sealed));
        }
    }
    records.swap(20, 24);
    for (place, (which, sealed)) in records.iter().enumerate() {
        let at = NOW + i64::try_from(place).unwrap() * 1000;
        core.accept(&agents[*which].topic(), &sealed.bytes, at).unwrap();
        if place % 25 == 24 {
            core.issue_head(0, at).unwrap();
        }
    }
    pieces(&mut core, &agents[1], &content);
    World { folder, agents, content, records }
}

impl World {
    fn store(&self) -> SqliteStore {
        SqliteStore::open_read_only(&self.folder.path().join("collector.db")).unwrap()
    }

    fn registry(&self) -> Registry {
        registry(RegistryClass::Test, &[&self.agents[0], &self.agents[1]])
    }

    fn write(&self, name: &str, upto_ms: Option<i64>) -> (std::path::PathBuf, Manifest) {
        let (store, signer, registry) = (self.store(), centre_signer(), self.registry());
        let source = Source {
            store: &store,
            signer: &signer,
            registry: &registry,
            made_at_ms: NOW,
            upto_ms,
            segment_bytes: Some(SMALL),
        };
        let out = self.folder.path().join(name);
        let manifest = archive::write(&source, &out).unwrap();
        (out, manifest)
    }

    fn restore(&self, from: &Path, to: &str) -> Result<archive::Restored, ArchiveError> {
        let signer: Arc<dyn Signer> = Arc::new(centre_signer());
        archive::restore_archive(
            from,
            &Place::File(self.folder.path().join(to)),
            &self.registry(),
            &signer,
            &Tables::builtin(),
            &tidewaiter_collector::nodes::Nodes::default(),
        )
    }
}

/// Leaves by position, number and hash; heads by number and root.
type Log = (Vec<(u64, u64, Hash)>, Vec<(u64, Hash)>);

fn log_of(store: &dyn Store) -> Log {
    let (mut leaves, mut heads) = (Vec::new(), Vec::new());
    store
        .walk_leaves(|it| -> Result<(), tidewaiter_collector::StoreError> {
            leaves.push((it.position, it.seq, it.hash));
            Ok(())
        })
        .unwrap();
    store
        .walk_heads(|it| -> Result<(), tidewaiter_collector::StoreError> {
            heads.push((it.number, it.root));
            Ok(())
        })
        .unwrap();
    (leaves, heads)
}

#[test]
fn an_archive_checks_and_comes_back_as_the_same_log() {
    let mut world = world();
    let (folder, manifest) = world.write("archive", None);
    assert_eq!(manifest.leaves, 90);
    assert!(manifest.absent.is_empty());
    let segments: Vec<_> = manifest.files.iter().filter(|it| it.name.starts_with("records-")).collect();
    assert!(segments.len() > 3 && segments.iter().all(|it| it.size <= SMALL), "{segments:?}");
    let found = archive::check(&folder, &world.registry()).unwrap();
    assert!(!found.is_bad(), "{:?} {:?}", found.wrong, found.report.findings);
    assert_eq!((found.heads, found.report.accepted, found.signed_by.as_str()), (3, 90, "centre"));

    let restored = world.restore(&folder, "new.db").unwrap();
    assert_eq!((restored.records, restored.refused, restored.contents, restored.heads), (90, 0, 1, 3));
    let path = world.folder.path().join("new.db");
    let new = SqliteStore::open_read_only(&path).unwrap();
    assert_eq!(log_of(&new), log_of(&world.store()));
    assert_eq!(new.newest_head().unwrap(), world.store().newest_head().unwrap());
    for head in world.store().heads().unwrap() {
        let restored = new.head(head.chain).unwrap().unwrap();
        assert_eq!((restored.next_seq, restored.head, restored.site), (head.next_seq, head.head, head.site));
    }
    drop(new);
    // It receipts on: what is new, over what came from the archive.
    let agents = &mut world.agents;
    let next = agents[0].event("after");
    let topic = agents[0].topic();
    let mut core = core_on(SqliteStore::open(&path).unwrap(), &[&agents[0], &agents[1]]);
    let actions = core.accept(&topic, &next.bytes, NOW).unwrap();
    let receipt = actions.iter().find_map(|it| match it {
        tidewaiter_collector::Action::Receipt(due) => Some(due.upto_seq),
        _ => None,
    });
    assert_eq!(receipt, Some(next.seq));
    // And the next head goes on from the old ones.
    assert!(core.issue_head(0, NOW).unwrap().number > 2);
    drop(core);
    assert!(matches!(world.restore(&folder, "new.db"), Err(ArchiveError::Exists(_))));

    // From the file to a server and back, it is the same log.
    let Some(home) = Home::server() else { return };
    let signer: Arc<dyn Signer> = Arc::new(centre_signer());
    let to = |from: &Path, place: &Place| {
        archive::restore_archive(
            from,
            place,
            &world.registry(),
            &signer,
            &Tables::builtin(),
            &tidewaiter_collector::nodes::Nodes::default(),
        )
    };
    let restored = to(&folder, &home.place).unwrap();
    assert_eq!((restored.records, restored.refused, restored.contents, restored.heads), (90, 0, 1, 3));
    assert!(matches!(to(&folder, &home.place), Err(ArchiveError::Exists(_))));
    let store = home.read();
    assert_eq!(log_of(store.as_ref()), log_of(&world.store()));
    let registry = world.registry();
    let (segment_bytes, upto_ms, made_at_ms) = (Some(SMALL), None, NOW);
    let source = Source {
        store: store.as_ref(),
        signer: &centre_signer(),
        registry: &registry,
        made_at_ms,
        upto_ms,
        segment_bytes,
    };
    let out = world.folder.path().join("from-server");
    assert_eq!(archive::write(&source, &out).unwrap().root, manifest.root);
    assert!(!archive::check(&out, &registry).unwrap().is_bad());
    let asked = ["12".to_owned()];
    let case = case::gather(store.as_ref(), &centre_signer(), &asked, Some(world.agents[1].chain()), &[], NOW).unwrap();
    let mut bytes = Vec::new();
    case.write(&registry, &mut bytes).unwrap();
    assert!(!tidewaiter_bundle::check(bytes.as_slice(), &registry).unwrap().is_bad());
}

#[test]
fn what_was_received_later_stays_out() {
    let world = world();
    let (folder, manifest) = world.write("half", Some(NOW + 44_000));
    assert_eq!(manifest.leaves, 45);
    let found = archive::check(&folder, &world.registry()).unwrap();
    assert!(!found.is_bad(), "{:?} {:?}", found.wrong, found.report.findings);
    assert_eq!(found.heads, 1);
    let restored = world.restore(&folder, "half.db").unwrap();
    assert_eq!((restored.records, restored.heads), (45, 1));
    // What the archive lacks is taken from the agents as ever.
    let agents = [&world.agents[0], &world.agents[1]];
    let mut core = core_on(SqliteStore::open(&world.folder.path().join("half.db")).unwrap(), &agents);
    for (which, sealed) in &world.records {
        core.accept(&agents[*which].topic(), &sealed.bytes, NOW).unwrap();
    }
    pieces(&mut core, agents[1], &world.content);
    assert_eq!(core.receipts().unwrap().iter().map(|it| it.upto_seq).collect::<Vec<_>>(), [59, 29]);
}

#[test]
fn every_spoilt_archive_is_found() {
    let world = world();
    let (_, manifest) = world.write("good", None);
    for (number, file) in manifest.files.iter().enumerate() {
        let (folder, _) = world.write(&format!("spoilt-{number}"), None);
        let path = folder.join(&file.name);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        let found = archive::check(&folder, &world.registry()).unwrap();
        assert!(found.is_bad() && found.wrong.iter().any(|(name, _)| *name == file.name), "{}", file.name);
        assert!(matches!(world.restore(&folder, &format!("{number}.db")), Err(ArchiveError::Damaged { .. })));

        fs::remove_file(&path).unwrap();
        let found = archive::check(&folder, &world.registry());
        assert!(found.is_err() || found.is_ok_and(|it| it.is_bad()), "{} removed", file.name);
    }
    let (folder, _) = world.write("more", None);
    fs::write(folder.join("evidence/extra"), b"x").unwrap();
    assert!(archive::check(&folder, &world.registry()).unwrap().is_bad());
}

#[test]
fn a_list_that_another_hand_made_is_refused() {
    let world = world();
    let (folder, mut manifest) = world.write("forged", None);
    // A record taken away, and the list made to fit.
    let name = manifest.files.iter().find(|it| it.name.starts_with("records-")).unwrap().name.clone();
    let bytes = fs::read(folder.join(&name)).unwrap();
    let first = tidewaiter_record::split_sequence(&bytes).next().unwrap().unwrap().len();
    fs::write(folder.join(&name), &bytes[first..]).unwrap();
    for file in &mut manifest.files {
        let bytes = fs::read(folder.join(&file.name)).unwrap();
        file.size = bytes.len() as u64;
        file.sha256 = Hash::of(&bytes).to_string();
    }
    let text = serde_json::to_vec(&manifest).unwrap();
    fs::write(folder.join("manifest.json"), &text).unwrap();
    assert!(matches!(archive::check(&folder, &world.registry()), Err(ArchiveError::Signature { .. })));
    let stranger = tidewaiter_record::Ed25519Signer::from_seed(&[1; 32]);
    // The agent's own key is a key of the registry, and none of a centre.
    let signature = sign_detached(archive::TYP, &text, &stranger).unwrap();
    fs::write(folder.join("manifest.cose"), signature).unwrap();
    assert!(matches!(archive::check(&folder, &world.registry()), Err(ArchiveError::Signature { .. })));
    // Signed by the centre itself, the gap still shows.
    fs::write(folder.join("manifest.cose"), sign_detached(archive::TYP, &text, &centre_signer()).unwrap()).unwrap();
    let found = archive::check(&folder, &world.registry()).unwrap();
    assert!(found.report.is_bad() && found.is_bad());
    assert!(archive::check(&folder, &Registry::new(RegistryClass::Test)).is_err());
}

#[test]
fn a_backup_is_taken_while_the_collector_writes() {
    let world = world();
    let agents = [&world.agents[0], &world.agents[1]];
    let path = world.folder.path().join("collector.db");
    let registry_path = world.folder.path().join("registry.json");
    fs::write(&registry_path, world.registry().to_json()).unwrap();
    let core = core_on(SqliteStore::open(&path).unwrap(), &agents);
    let out = world.folder.path().join("backup");
    let manifest = archive::backup(&path, &registry_path, &out, NOW).unwrap();
    assert_eq!(manifest.files.len(), 2);
    assert!(matches!(archive::backup(&path, &registry_path, &out, NOW), Err(ArchiveError::Exists(_))));
    drop(core);
    let (store, registry) =
        (world.folder.path().join("again/collector.db"), world.folder.path().join("again/registry.json"));
    archive::restore_backup(&out, &store, &registry).unwrap();
    assert_eq!(fs::read(&registry).unwrap(), fs::read(&registry_path).unwrap());
    let restored = SqliteStore::open_read_only(&store).unwrap();
    assert_eq!(log_of(&restored), log_of(&world.store()));
    assert_eq!(restored.outline().unwrap(), world.store().outline().unwrap());
    assert!(matches!(archive::restore_backup(&out, &store, &registry), Err(ArchiveError::Exists(_))));
    let mut bytes = fs::read(out.join("collector.db")).unwrap();
    bytes[5000] ^= 1;
    fs::write(out.join("collector.db"), bytes).unwrap();
    let other = world.folder.path().join("other.db");
    assert!(matches!(archive::restore_backup(&out, &other, &registry), Err(ArchiveError::Damaged { .. })));
    assert!(!other.exists());
}

#[test]
fn what_was_saved_from_a_dead_board_comes_in_by_hand() {
    let world = world();
    let agents = [&world.agents[0], &world.agents[1]];
    let mut core = core_on(SqliteStore::in_memory().unwrap(), &agents);
    let of = |which| world.records.iter().filter(move |(it, _)| *it == which).map(|(_, sealed)| sealed);
    for sealed in of(1).take(5) {
        core.accept(&agents[1].topic(), &sealed.bytes, NOW).unwrap();
    }
    let file = world.folder.path().join("salvaged.cborseq");
    let mut stream: Vec<&Sealed> = of(1).collect();
    stream.sort_by_key(|it| it.seq);
    let mut bytes: Vec<u8> = stream.iter().flat_map(|it| it.bytes.clone()).collect();
    // One record that nobody signed, and a torn end.
    let mut forged = stream[3].bytes.clone();
    let end = forged.len() - 1;
    forged[end] ^= 1;
    bytes.extend(&forged);
    bytes.extend(&stream[4].bytes[..20]);
    fs::write(&file, bytes).unwrap();
    let contents = world.folder.path().join("evidence");
    fs::create_dir(&contents).unwrap();
    fs::write(contents.join(Hash::of(&world.content).to_string()), &world.content).unwrap();
    let taken = archive::import(&mut core, SITE, std::slice::from_ref(&file), Some(&contents), NOW).unwrap();
    assert_eq!((taken.records, taken.duplicates, taken.refused, taken.contents), (25, 5, 2, 1), "{:?}", taken.reasons);
    assert_eq!(core.receipts().unwrap()[0].upto_seq, 29);
    // Again, nothing is new.
    let taken = archive::import(&mut core, SITE, &[file], Some(&contents), NOW).unwrap();
    assert_eq!((taken.records, taken.duplicates), (0, 30));
}

#[test]
fn a_bundle_of_the_centre_has_receipt_proofs_and_evidence() {
    let world = world();
    let store = world.store();
    let seq = world.records.iter().position(|(which, sealed)| *which == 1 && sealed.seq == 12).map(|_| "12".to_owned());
    let asked = [seq.unwrap()];
    let chain = world.agents[1].chain();
    assert!(matches!(
        case::gather(&store, &centre_signer(), &asked, None, &[], NOW),
        Err(case::BundleError::WhichChain(12))
    ));
    assert!(matches!(
        case::gather(&store, &centre_signer(), &["lane-7-1".to_owned()], None, &[], NOW),
        Err(case::BundleError::NotFound(_))
    ));
    let case = case::gather(&store, &centre_signer(), &asked, Some(chain), &[], NOW).unwrap();
    let mut bytes = Vec::new();
    let manifest = case.write(&world.registry(), &mut bytes).unwrap();
    assert_eq!((manifest.first_seq, manifest.last_seq, manifest.absent.len()), (0, 12, 0));
    let checked = tidewaiter_bundle::check(bytes.as_slice(), &world.registry()).unwrap();
    assert!(!checked.is_bad(), "{:?} {:?}", checked.damage, checked.report.findings);
    assert_eq!((checked.proofs, checked.heads), (1, 1));
    assert_eq!(checked.report.chains[0].receipted_upto, Some(12));
}

#[test]
fn a_bundle_of_the_centre_holds_the_tables_that_came_signed() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("collector.db")).unwrap();
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(store, &[&agent]);
    let table = b"id = \"port-1\"\n".to_vec();
    let named = Table { id: "port-1".into(), edition: "1".into(), sha256: Hash::of(&table).0 };
    let activated = LimitsActivated {
        cause: "signed".into(),
        tables: vec![named],
        versions: Some((1, 1, 1)),
        facts: BTreeMap::new(),
    };
    let sealed = [agent.event("before"), agent.seal(Detail::LimitsActivated(Box::new(activated)))];
    for it in &sealed {
        core.accept(&agent.topic(), &it.bytes, NOW).unwrap();
    }
    let store = SqliteStore::open_read_only(&folder.path().join("collector.db")).unwrap();
    let asked = ["1".to_owned()];
    let absent = |files: &[Vec<u8>]| {
        let case = case::gather(&store, &centre_signer(), &asked, None, files, NOW).unwrap();
        let manifest = case.write(&registry(RegistryClass::Test, &[&agent]), Vec::new()).unwrap();
        manifest.absent.len()
    };
    assert_eq!((absent(&[]), absent(&[b"another file".to_vec(), table.clone()])), (1, 0));
}
