//! A real server that dies, is cut off and is shared: nothing is lost, nothing is there twice, nothing is said too early.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tidewaiter_collector::{
    Core, Incoming, Store, StoreError,
    audit::audit,
    core::CoreError,
    store::{Entry, Link, MAX_EVIDENCE_PER_SEQ, MAX_REFUSED_BYTES, MAX_REFUSED_KEPT, Place, Refused},
};
use tidewaiter_record::{ChainId, Hash, RegistryClass, Sealed};

use crate::{
    home::{Home, Server, address, both, client, kill},
    writer::{NOW, Out, Writer, core_on, registry, sort},
};

/// Longest wait for anything here.
const PATIENCE: Duration = Duration::from_secs(240);

/// How often the server is killed or cut off.
const DISASTERS: usize = 30;

both!(one_record_per_sequence_number_whatever_the_caller_does);

fn one_record_per_sequence_number_whatever_the_caller_does(home: &Home) {
    let link = |byte| Link { hash: Hash([byte; 32]), prev: Hash([0; 32]), received_ms: 1 };
    let put = |store: &mut Box<dyn Store>, seq, byte| {
        store.put(&Entry { chain: ChainId([1; 16]), seq, link: link(byte), bytes: &[byte] })
    };
    let mut store = home.open();
    assert!(matches!(put(&mut store, u64::MAX, 2), Err(StoreError::Sequence { .. })));
    put(&mut store, 5, 1).unwrap();
    assert!(put(&mut store, 5, 2).is_err());
    assert_eq!(home.read().link(ChainId([1; 16]), 5).unwrap(), Some(link(1)));
}

both!(evidence_and_refused_messages_are_bounded);

fn evidence_and_refused_messages_are_bounded(home: &Home) {
    use tidewaiter_collector::finding::Bad;
    let mut store = home.open();
    let chain = ChainId([1; 16]);
    store.begin().unwrap();
    let kept = (0..MAX_EVIDENCE_PER_SEQ + 5)
        .filter(|it| {
            let link = Link { hash: Hash::of(&it.to_be_bytes()), prev: Hash([0; 32]), received_ms: 1 };
            store.put_evidence(&Entry { chain, seq: 0, link, bytes: b"x" }, Bad::Equivocation).unwrap()
        })
        .count();
    assert_eq!(kept, usize::try_from(MAX_EVIDENCE_PER_SEQ).unwrap());
    let large = vec![0; MAX_REFUSED_BYTES + 1];
    for received_ms in 0..i64::from(MAX_REFUSED_KEPT) + 20 {
        let bytes = if received_ms == 1_010 { large.as_slice() } else { b"x" };
        // A text with a NUL is no reason to stop: it is somebody else's.
        store.put_refused(&Refused { topic: "t\0", bad: Bad::Malformed, detail: "d\0", received_ms, bytes }).unwrap();
    }
    store.commit().unwrap();
    let (count, oldest, longest): (i64, i64, i64) = match &home.place {
        Place::File(path) => rusqlite::Connection::open(path)
            .unwrap()
            .query_row("SELECT count(*), min(received_ms), max(length(bytes)) FROM refused", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .unwrap(),
        Place::Server(it) => {
            let sql = "SELECT count(*), min(received_ms), max(length(bytes))::bigint FROM refused";
            let row = client(&it.url).query_one(sql, &[]).unwrap();
            (row.get(0), row.get(1), row.get(2))
        }
    };
    assert_eq!((count, oldest, longest), (i64::from(MAX_REFUSED_KEPT), 20, i64::try_from(MAX_REFUSED_BYTES).unwrap()));
}

#[test]
fn a_commit_waits_for_the_disk_and_the_log_cannot_be_rewritten_by_a_collector() {
    let Some(home) = Home::server() else { return };
    let Place::Server(it) = &home.place else { panic!() };
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    agent.begin(&mut core);
    drop(core);
    // What an administrator would run, and a collector as a user who owns nothing.
    let (head, _) = it.url.rsplit_once('/').unwrap();
    let mut root = client(&format!("{head}/postgres"));
    for sql in ["CREATE ROLE tide_writer LOGIN", "CREATE ROLE tide_reader LOGIN", "CREATE DATABASE roles"] {
        root.batch_execute(sql).unwrap();
    }
    let url = |user: &str| format!("{}/roles", head.replacen("postgres@", &format!("{user}@"), 1));
    let error = address(&url("tide_writer")).open().err().unwrap();
    assert!(matches!(error, StoreError::NoTables { .. }) && error.to_string().contains("store sql"), "{error}");
    assert!(address(&url("tide_reader")).read_if_any().unwrap().is_none());
    let sql = tidewaiter_collector::store::postgres_schema::schema("tide_writer", "tide_reader", None).unwrap();
    client(&format!("{head}/roles")).batch_execute(&sql).unwrap();
    assert!(tidewaiter_collector::store::postgres_schema::schema("a; DROP", "b", None).is_err());
    assert!(tidewaiter_collector::store::postgres_schema::schema("a", "b", Some(1)).is_err());
    let later = tidewaiter_collector::store::postgres_schema::schema("a", "b", Some(2)).unwrap();
    assert!(!later.contains("CREATE SCHEMA") && later.contains("CREATE TABLE node_block"), "{later}");

    let mut core = core_on(address(&url("tide_writer")).open().unwrap(), &[&agent]);
    let mut again = Writer::new("gate-07", 1);
    again.begin(&mut core);
    core.issue_head(0, NOW).unwrap();
    core.accept("tw/1/a/b/record", b"nothing", NOW).unwrap();
    core.accept(&again.on("state"), b"{}", NOW).unwrap();
    let mut writer = client(&url("tide_writer"));
    for sql in [
        "UPDATE log_leaf SET hash = hash",
        "DELETE FROM log_leaf",
        "UPDATE log_head SET root = root",
        "DELETE FROM log_head",
        "UPDATE log_node SET hash = hash",
        "UPDATE record SET bytes = bytes",
        "DROP TABLE record",
        "TRUNCATE record",
    ] {
        let error = writer.batch_execute(sql).unwrap_err();
        let code = error.code().map(|it| it.code().to_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{sql}: {error}");
    }
    let reader = address(&url("tide_reader"));
    assert_eq!(reader.read().unwrap().outline().unwrap()[0].next_seq, 1);
    assert_eq!(audit(reader.read().unwrap().as_ref(), None).unwrap().bad, 0);
    assert!(client(&url("tide_reader")).batch_execute("INSERT INTO counter VALUES ('x', 1)").is_err());

    // A server that would lose what it said is committed is not used, whoever set it up.
    for (set, setting) in [("synchronous_commit = off", None), ("fsync = off", Some("fsync"))] {
        let Some(server) = Server::start(set) else { return };
        match (server.database().open(), setting) {
            // Ours to ask for, for our session.
            (Ok(_), None) => {}
            (Err(StoreError::NotDurable { setting, .. }), Some(expected)) => assert_eq!(setting, expected),
            (other, _) => panic!("{set}: {:?}", other.err()),
        }
    }
}

#[test]
fn a_database_of_a_version_to_come_is_not_touched() {
    let Some(home) = Home::server() else { return };
    let Place::Server(it) = &home.place else { panic!() };
    assert!(matches!(home.place.read().err().unwrap(), StoreError::NoTables { .. }));
    // Several collectors start at once on an empty database: the tables are made once.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| drop(home.open()));
        }
    });
    client(&it.url).batch_execute("UPDATE layout SET version = 4").unwrap();
    for opened in [home.place.open(), home.place.read()] {
        let error = opened.err().unwrap();
        assert!(matches!(error, StoreError::Layout { .. }) && error.is_configuration(), "{error}");
    }
    client(&it.url).batch_execute("UPDATE layout SET version = 1").unwrap();
    assert!(matches!(home.place.read().err().unwrap(), StoreError::Older { .. }));
    assert!(!address("postgres://x@%2Fnowhere/y").open().err().unwrap().to_string().is_empty());
    assert!(address("postgres://x@%2Fnowhere/y").open().err().unwrap().is_away(), "a server that is not there yet");
}

/// Up to where anybody heard a receipt, by agent.
#[derive(Default)]
struct Heard([AtomicU64; 2]);

impl Heard {
    fn take(&self, which: usize, out: &Out) {
        for (upto, _) in &out.receipts {
            self.0[which].fetch_max(*upto + 1, Ordering::SeqCst);
        }
    }
}

/// One collector: takes what it is given, opens the store anew when it fails, and gives up only after a long time.
fn collect(place: &Place, writers: &[&Writer], work: &Mutex<Vec<Vec<(usize, Sealed)>>>, heard: &Heard) -> usize {
    let until = Instant::now() + PATIENCE;
    let open = || loop {
        match place.open() {
            Ok(store) => match Core::new(
                registry(RegistryClass::Test, writers),
                Arc::new(crate::writer::centre_signer()),
                store,
                tidewaiter_collector::Tables::builtin(),
            ) {
                Ok(core) => return core.shared(),
                Err(CoreError::Store(error)) if error.is_away() => {}
                Err(error) => panic!("{error:?}"),
            },
            Err(error) if error.is_away() && Instant::now() < until => {}
            Err(error) => panic!("{error:?}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let mut core = open();
    let mut failures = 0;
    loop {
        let Some(batch) = work.lock().unwrap().pop() else { return failures };
        let messages: Vec<Incoming> = batch
            .iter()
            .map(|(which, sealed)| Incoming {
                topic: writers[*which].topic(),
                bytes: sealed.bytes.clone(),
                received_ms: NOW,
            })
            .collect();
        loop {
            match core.accept_batch(&messages) {
                Ok(actions) => {
                    for action in actions {
                        if let tidewaiter_collector::Action::Receipt(due) = &action {
                            let which = writers.iter().position(|it| it.chain() == due.chain).unwrap();
                            heard.take(which, &sort(vec![action], writers));
                        }
                    }
                    break;
                }
                Err(CoreError::Store(error)) if error.is_away() && Instant::now() < until => {
                    failures += 1;
                    core = open();
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        if failures % 3 == 2 {
            match core.issue_head_if_due(0, NOW) {
                Ok(_) => {}
                Err(CoreError::Store(error)) if error.is_away() => core = open(),
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

#[test]
fn a_server_that_is_killed_and_cut_off_loses_nothing_of_two_collectors() {
    let Some(server) = Server::start("") else { return };
    let seed = 20_261_129;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let place = server.database();
    let Place::Server(it) = &place else { panic!() };
    let (database, root) = (it.url.rsplit_once('/').unwrap().1.to_owned(), server.url("postgres"));
    let mut agents = [Writer::new("gate-07", 1), Writer::new("lab-02", 2)];
    let each = 2_400_usize;
    let chains: Vec<Vec<Sealed>> = agents.iter_mut().map(|it| it.events(each)).collect();
    let writers: Vec<&Writer> = agents.iter().collect();
    // Both collectors are given what there is, in small pieces that overlap: every record comes at least once.
    let mut pieces: Vec<Vec<(usize, Sealed)>> = Vec::new();
    for from in (0..each).step_by(12) {
        for (which, chain) in chains.iter().enumerate() {
            pieces.push(chain.iter().skip(from).take(15).map(|it| (which, it.clone())).collect());
        }
    }
    pieces.reverse();
    let total_pieces = pieces.len();
    let work = Mutex::new(pieces);
    let (heard, done) = (Heard::default(), AtomicBool::new(false));
    let mut counts = [0_usize; 3];
    let failures: usize = std::thread::scope(|scope| {
        let collectors: Vec<_> = (0..2).map(|_| scope.spawn(|| collect(&place, &writers, &work, &heard))).collect();
        let disasters = scope.spawn(|| {
            for disaster in 0..DISASTERS {
                // Spread over the work, so that each hits it.
                let left = total_pieces * (DISASTERS - disaster) / (DISASTERS + 1);
                while work.lock().unwrap().len() > left {
                    std::thread::sleep(Duration::from_millis(1));
                }
                std::thread::sleep(Duration::from_micros(random.random_range(0..20_000)));
                let told: Vec<u64> = heard.0.iter().map(|it| it.load(Ordering::SeqCst)).collect();
                match disaster % 3 {
                    0 => {
                        counts[0] += 1;
                        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1";
                        let cut: i64 = client(&root).query_one(sql, &[&database]).unwrap().get(0);
                        assert!(cut > 0, "nobody was connected");
                    }
                    1 => {
                        counts[1] += 1;
                        // One process of the server: it ends all others and recovers by itself.
                        let sql = "SELECT pid FROM pg_stat_activity WHERE datname = $1 LIMIT 1";
                        if let Some(row) = client(&root).query_opt(sql, &[&database]).unwrap() {
                            kill(row.get(0), rustix::process::Signal::KILL);
                        }
                    }
                    _ => {
                        counts[2] += 1;
                        kill(server.pid(), rustix::process::Signal::KILL);
                    }
                }
                if disaster % 3 > 0 {
                    // A server that recovers by itself is up again soon; one that was killed is started again.
                    let until = Instant::now() + Duration::from_secs(60);
                    if disaster % 3 == 2 {
                        server.up();
                    }
                    while postgres::Client::connect(&root, postgres::NoTls).is_err() {
                        assert!(Instant::now() < until, "the server does not come back");
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
                // What was told before is there after.
                let store = loop {
                    match place.read() {
                        Ok(store) => break store,
                        Err(error) if error.is_away() => std::thread::sleep(Duration::from_millis(20)),
                        Err(error) => panic!("{error:?}"),
                    }
                };
                for (agent, told) in writers.iter().zip(told) {
                    let next = store.head(agent.chain()).unwrap().map_or(0, |it| it.next_seq);
                    assert!(next >= told, "disaster {disaster}: {} was told {told}, {next} are here", agent.agent);
                }
            }
            done.store(true, Ordering::SeqCst);
        });
        let failures = collectors.into_iter().map(|it| it.join().unwrap()).sum();
        disasters.join().unwrap();
        failures
    });
    assert!(done.load(Ordering::SeqCst));
    let store = place.read().unwrap();
    for (outline, chain) in store.outline().unwrap().iter().zip(&chains) {
        assert_eq!((outline.next_seq, outline.waiting, outline.evidence), (each as u64, 0, 0), "seed {seed}");
        for sealed in chain {
            assert_eq!(store.record_bytes(outline.chain, sealed.seq).unwrap().unwrap(), sealed.bytes);
        }
    }
    let audit = audit(store.as_ref(), Some(&registry(RegistryClass::Test, &writers))).unwrap();
    assert_eq!(audit.findings, Vec::<String>::new());
    assert_eq!(audit.leaves, 2 * each as u64);
    assert_eq!(heard.0.each_ref().map(|it| it.load(Ordering::SeqCst)), [each as u64; 2]);
    let [cut, backend, postmaster] = counts;
    println!(
        "{DISASTERS} disasters ({cut} connections cut, {backend} processes and {postmaster} whole servers killed -9), {failures} batches failed and came again, {} records, {} heads: 0 lost, 0 gaps, 0 twice",
        audit.leaves, audit.heads
    );
}

/// Passes bytes on until a COMMIT goes by while it is armed; then it lets it through or not, and cuts the line.
struct Scissors {
    at: u16,
    /// 0 lets everything pass, 1 cuts before a COMMIT, 2 after it.
    armed: Arc<AtomicUsize>,
}

impl Scissors {
    fn before(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().port();
        let armed = Arc::new(AtomicUsize::new(0));
        let (ours, socket) = (Arc::clone(&armed), server.dir.join(format!(".s.PGSQL.{}", server.port)));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&socket) else { continue };
                let armed = Arc::clone(&ours);
                let (mut to_client, mut from_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from_server, &mut to_client);
                    let _ = to_client.shutdown(Shutdown::Both);
                });
                std::thread::spawn(move || Self::pass(client, server, &armed));
            }
        });
        Self { at, armed }
    }

    fn pass(mut client: TcpStream, mut server: UnixStream, armed: &AtomicUsize) {
        let mut bytes = vec![0; 65_536];
        while let Ok(read @ 1..) = client.read(&mut bytes) {
            let part = &bytes[..read];
            let is_commit = part.windows(7).any(|it| it == b"COMMIT\0");
            if is_commit && armed.load(Ordering::SeqCst) > 0 {
                let how = armed.swap(0, Ordering::SeqCst);
                let _ = client.shutdown(Shutdown::Both);
                if how == 2 {
                    // Nobody hears the answer.
                    let _ = server.write_all(part);
                    std::thread::sleep(Duration::from_millis(20));
                }
                break;
            }
            if server.write_all(part).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Both);
        let _ = client.shutdown(Shutdown::Both);
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_asked_after() {
    let Some(server) = Server::start("") else { return };
    let direct = server.database();
    let Place::Server(it) = &direct else { panic!() };
    let scissors = Scissors::before(&server);
    let name = it.url.rsplit_once('/').unwrap().1;
    let place = address(&format!("postgres://postgres@127.0.0.1:{}/{name}", scissors.at));
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(place.open().unwrap(), &[&agent]);
    agent.begin(&mut core);
    for round in 0..10 {
        // The line is cut after the COMMIT: it took place, and the same handle goes on as if nothing had been.
        scissors.armed.store(2, Ordering::SeqCst);
        let sealed = agent.event("after");
        let out = agent.offer(&mut core, &sealed, NOW);
        assert_eq!((out.receipts, out.collected[0].duplicate), (vec![(sealed.seq, sealed.hash)], false), "{round}");
        assert_eq!(scissors.armed.load(Ordering::SeqCst), 0, "nothing was cut");
        // It is cut before: nothing took place, nothing is said, and it comes again.
        scissors.armed.store(1, Ordering::SeqCst);
        let sealed = agent.event("before");
        match core.accept(&agent.topic(), &sealed.bytes, NOW) {
            Err(CoreError::Store(error)) => assert!(error.is_away(), "{error:?}"),
            other => panic!("{round}: {other:?}"),
        }
        assert_eq!(direct.read().unwrap().head(agent.chain()).unwrap().unwrap().next_seq, sealed.seq, "{round}");
        core = core_on(place.open().unwrap(), &[&agent]);
        assert!(!agent.offer(&mut core, &sealed, NOW).collected[0].duplicate);
    }
    let summary = core.summary().unwrap();
    assert_eq!((summary.received, summary.records, summary.duplicates_folded), (21, 21, 0));
    assert!(summary.is_clean(), "{summary:?}");
}

#[test]
fn a_collector_that_is_halted_in_mid_transaction_does_not_hold_up_the_others_for_ever() {
    let Some(home) = Home::server() else { return };
    let mut agent = Writer::new("gate-07", 1);
    let mut halted = home.open();
    halted.begin().unwrap();
    halted.add("half", 1).unwrap();
    let began = Instant::now();
    let mut core = core_on(home.open(), &[&agent]);
    agent.begin(&mut core);
    println!("its turn ended after {:?}", began.elapsed());
    let error = halted.commit().unwrap_err();
    assert!(error.is_away(), "{error:?}");
    assert!(!home.read().counters().unwrap().contains_key("half"));
}

#[test]
fn several_centres_on_one_store_tell_one_story() {
    let Some(home) = Home::server() else { return };
    let mut agent = Writer::new("gate-07", 1);
    let mut centres: Vec<Core> = (0..3).map(|_| core_on(home.open(), &[&agent]).shared()).collect();
    let sealed = agent.events(60);
    let mut numbers = Vec::new();
    let mut highest = None;
    // In turn to each, and of each pair the later one first: no gap is asked for, every one closes.
    for (place, pair) in sealed.chunks(2).enumerate() {
        for (which, it) in [(place % 3, &pair[1]), ((place + 1) % 3, &pair[0])] {
            let out = agent.offer(&mut centres[which], it, NOW);
            assert_eq!(out.asked, [], "{}", it.seq);
            highest = highest.max(out.receipts.last().map(|it| it.0));
        }
        numbers.push(centres[(place + 2) % 3].issue_head(0, NOW).unwrap().number);
    }
    assert_eq!(highest, Some(59));
    assert_eq!(numbers, (0..30).collect::<Vec<u64>>(), "one sequence, whoever issues");
    assert_eq!(centres[1].issue_head_if_due(60_000, NOW + 59_999).unwrap(), None, "somebody else did");
    assert_eq!(centres[1].issue_head_if_due(60_000, NOW + 60_000).unwrap().map(|it| it.number), Some(30));
    assert_eq!(centres[1].newest_head(), centres[1].newest_head());
    // An agent names a head that another centre issued; each knows it.
    let root =
        tidewaiter_record::open_head(&centres[1].newest_head().unwrap().bytes, &registry(RegistryClass::Test, &[]))
            .unwrap();
    let seen = agent.witness(root.size, root.root);
    assert!(agent.offer(&mut centres[0], &seen, NOW).collected[0].findings.is_empty());
    // The receipt of the first centre was overtaken: it says the newest with its next tick, and then no more.
    let (early, late) = (agent.event("early"), agent.event("late"));
    agent.offer(&mut centres[0], &early, NOW);
    agent.offer(&mut centres[1], &late, NOW);
    assert_eq!(sort(centres[0].tick(NOW).unwrap(), &[&agent]).receipts, [(late.seq, late.hash)]);
    assert_eq!(sort(centres[0].tick(NOW).unwrap(), &[&agent]).receipts, []);
    let audit = audit(home.read().as_ref(), Some(&registry(RegistryClass::Test, &[&agent]))).unwrap();
    assert_eq!((audit.findings, audit.leaves), (vec![], 63));
    assert!(centres[2].summary().unwrap().is_clean());
}

#[test]
fn what_comes_before_its_time_at_another_centre_is_not_refused() {
    use tidewaiter_record::{Detail, Ed25519Signer, KeyRotate, Piece, Signer as _, body::proof_bytes};
    let Some(home) = Home::server() else { return };
    let mut agent = Writer::new("gate-07", 1);
    let mut centres: Vec<Core> = (0..2).map(|_| core_on(home.open(), &[&agent]).shared()).collect();
    agent.begin(&mut centres[0]);
    let new = Ed25519Signer::from_seed(&[21; 32]);
    let public = new.public_key().to_bytes().clone();
    let proof = new.sign(&proof_bytes(agent.chain(), 1, agent.signer.kid(), &public)).unwrap();
    let rotate = KeyRotate { algorithm: new.algorithm().cose(), public, proof };
    let handed = agent.seal(Detail::KeyRotate(Box::new(rotate)));
    agent.signer = new;
    let content = vec![7; 30_000];
    let named = agent.seal(crate::writer::named(&content, false));
    let pieces: Vec<_> = Piece::cut(&content).collect();
    let topic = agent.on(&format!("evidence/{}", Hash::of(&content)));
    // At the second centre: the record of the new key, and the pieces of content it names, before the hand-over.
    let out = agent.offer(&mut centres[1], &named, NOW);
    assert_eq!((out.refused.len(), out.collected.len()), (0, 0));
    for piece in &pieces {
        assert!(centres[1].accept(&topic, &piece.write(), NOW).unwrap().is_empty());
    }
    assert_eq!(agent.offer(&mut centres[0], &handed, NOW).receipts, [(1, handed.hash)]);
    let out = sort(centres[1].tick(NOW + 1_000).unwrap(), &[&agent]);
    assert_eq!(out.receipts.last(), Some(&(2, named.hash)));
    assert!(centres[0].summary().unwrap().is_clean());
    // A key that nobody ever hands over to is refused in the end, once.
    let stranger = Writer { signer: Ed25519Signer::from_seed(&[99; 32]), ..Writer::new("gate-07", 1) };
    let forged = stranger.seal_at(&agent.head, crate::writer::event("forged"));
    assert!(agent.offer(&mut centres[1], &forged, NOW).refused.is_empty());
    assert!(sort(centres[1].tick(NOW + 4_999).unwrap(), &[&agent]).refused.is_empty());
    assert_eq!(sort(centres[1].tick(NOW + 5_000).unwrap(), &[&agent]).refused, ["unknown-key"]);
    assert!(sort(centres[1].tick(NOW + 9_000).unwrap(), &[&agent]).refused.is_empty());
    // A record that is lost is asked for by the tick, by one of them.
    let (lost, after) = (agent.event("lost"), agent.event("after"));
    assert_eq!(agent.offer(&mut centres[0], &after, NOW).asked, []);
    let ticks = |at, centres: &mut Vec<Core>| -> Vec<(u64, u64)> {
        centres.iter_mut().flat_map(|it| sort(it.tick(at).unwrap(), &[&agent]).asked).collect()
    };
    assert_eq!(ticks(NOW + 1_999, &mut centres), []);
    assert_eq!(ticks(NOW + 2_000, &mut centres), [(3, 3)]);
    assert_eq!(agent.offer(&mut centres[1], &lost, NOW).receipts, [(4, after.hash)]);
}

#[test]
fn over_a_network_the_server_must_prove_its_name_and_we_our_password() {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    use tidewaiter_collector::{ca::Authority, store::Address};
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let now = jiff::Timestamp::now().as_millisecond();
    let (ours, theirs) =
        (Authority::init(&at("ours"), "ours", now).unwrap(), Authority::init(&at("theirs"), "theirs", now).unwrap());
    fs::write(at("ours.pem"), ours.root_pem().unwrap()).unwrap();
    fs::write(at("theirs.pem"), theirs.root_pem().unwrap()).unwrap();
    let (certificate, key) = ours.issue_server(&["localhost".to_owned()], now).unwrap();
    let server = Server::prepared("ssl = on\npassword_encryption = 'scram-sha-256'", |data| {
        for (name, text) in [("server.crt", &certificate.chain), ("server.key", &key)] {
            fs::write(data.join(name), text).unwrap();
            crate::home::give_away(&data.join(name));
        }
        let hba =
            "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
    });
    let Some(server) = server else { return };
    let mut root = client(&server.url("postgres"));
    root.batch_execute("CREATE ROLE centre LOGIN PASSWORD 'tide: 7'").unwrap();
    root.batch_execute("CREATE DATABASE tide OWNER centre").unwrap();
    fs::write(at("password"), "tide: 7\n").unwrap();
    fs::set_permissions(at("password"), fs::Permissions::from_mode(0o600)).unwrap();
    let open = |host: &str, ca: Option<&str>, password: Option<&str>| {
        let url = format!("postgres://centre@{host}:{}/tide", server.port);
        let (ca, password_file) = (ca.map(at), password.map(at));
        Place::Server(Box::new(Address { url, password_file, ca, certificate: None })).open()
    };
    open("localhost", Some("ours.pem"), Some("password")).unwrap();
    let check = |opened: Result<Box<dyn Store>, StoreError>, word: &str| {
        let mut error: &dyn std::error::Error = &opened.err().unwrap_or_else(|| panic!("{word}: opened"));
        let mut said = error.to_string();
        while let Some(source) = error.source() {
            said = format!("{said}: {source}");
            error = source;
        }
        assert!(said.contains(word) && !said.contains("tide: 7"), "{word}: {said}");
    };
    // Another authority, another name, no TLS where the server insists, no password, a wrong one.
    check(open("localhost", Some("theirs.pem"), Some("password")), "UnknownIssuer");
    check(open("127.0.0.1", Some("ours.pem"), Some("password")), "not valid for name");
    check(open("localhost", None, Some("password")), "no encryption");
    check(open("localhost", Some("ours.pem"), None), "password");
    fs::write(at("password"), "other\n").unwrap();
    check(open("localhost", Some("ours.pem"), Some("password")), "password authentication failed");
    fs::set_permissions(at("password"), fs::Permissions::from_mode(0o644)).unwrap();
    check(open("localhost", Some("ours.pem"), Some("password")), "others can read it");
    check(open("localhost", Some("none.pem"), Some("password")), "password file");
}
