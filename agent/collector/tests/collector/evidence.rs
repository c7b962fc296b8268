//! Content beside the records: only what a record asks for is taken, and no receipt goes past what is missing.

use tidewaiter_collector::{
    Core,
    export::export_evidence,
    store::{MAX_OPEN_PER_AGENT, Named, Taken},
};
use tidewaiter_record::{ChainId, Hash, Piece};

use crate::{
    home::{Home, both},
    writer::{NOW, Out, Writer, core, core_on, event, named, sort},
};

fn content(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|it| u8::try_from(it % 251).unwrap() ^ seed).collect()
}

fn send(core: &mut Core, agent: &Writer, hash: Hash, piece: &Piece<'_>) -> Out {
    let topic = agent.on(&format!("evidence/{hash}"));
    sort(core.accept(&topic, &piece.write(), NOW).unwrap(), &[agent])
}

both!(receipts_stop_before_missing_evidence_and_go_on_when_it_has_come);

fn receipts_stop_before_missing_evidence_and_go_on_when_it_has_come(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    agent.begin(&mut core);
    let (small, large) = (content(500, 1), content(40_000, 2));
    let small = agent.seal(named(&small, true));
    assert_eq!(agent.offer(&mut core, &small, NOW).receipts, [(1, small.hash)]);
    let before = agent.seal(named(&large, false));
    let hash = Hash::of(&large);
    let pieces: Vec<_> = Piece::cut(&large).collect();
    // Ahead of its record nobody has asked for it.
    assert!(send(&mut core, &agent, hash, &pieces[0]).refused.is_empty());
    let out = agent.offer(&mut core, &before, NOW);
    assert_eq!((out.receipts, out.collected[0].receipted_upto), (vec![(1, small.hash)], Some(1)));
    let after = agent.seal(event("after"));
    assert_eq!(agent.offer(&mut core, &after, NOW).receipts, [(1, small.hash)]);
    let summary = core.summary().unwrap();
    assert_eq!((summary.records, summary.receipted, summary.held), (4, 2, 1));
    // In any order, with repetitions, and over a restart.
    for it in [2, 0, 2] {
        assert!(send(&mut core, &agent, hash, &pieces[it]).receipts.is_empty());
    }
    drop(core);
    let store = home.read();
    assert_eq!(store.outline().unwrap()[0].held_at, Some(2));
    assert_eq!(store.named(None, true).unwrap().len(), 1);
    let mut core = core_on(home.open(), &[&agent]);
    assert_eq!(send(&mut core, &agent, hash, &pieces[1]).receipts, [(3, after.hash)]);
    assert!(core.summary().unwrap().is_clean());
    // The same content again, named by a second record, is here already.
    let again = agent.seal(named(&large, false));
    assert_eq!(agent.offer(&mut core, &again, NOW).receipts, [(4, again.hash)]);
    assert!(send(&mut core, &agent, hash, &pieces[0]).refused.is_empty());

    let out = home.folder().join("evidence");
    assert_eq!(export_evidence(store.as_ref(), None, &out).unwrap(), 1);
    assert_eq!(std::fs::read(out.join(hash.to_string())).unwrap(), large);
    assert_eq!(export_evidence(store.as_ref(), None, &out).unwrap(), 0);
    home.change(
        "UPDATE content_piece SET bytes = zeroblob(length(bytes)) WHERE offset = 0",
        "UPDATE content_piece SET bytes = decode(repeat('00', length(bytes)), 'hex') WHERE start = 0",
    );
    let error = export_evidence(store.as_ref(), Some(agent.chain()), &home.folder().join("again")).unwrap_err();
    assert!(error.to_string().contains("restore the store"), "{error}");
}

#[test]
fn content_that_is_another_is_dropped_and_can_come_again() {
    let mut agent = Writer::new("gate-07", 1);
    let other = Writer::new("lab-02", 2);
    let mut core = core(&[&agent, &other]);
    agent.begin(&mut core);
    let large = content(20_000, 3);
    let hash = Hash::of(&large);
    let record = agent.seal(named(&large, false));
    assert_eq!(agent.offer(&mut core, &record, NOW).receipts.len(), 1);
    let pieces: Vec<_> = Piece::cut(&large).collect();
    let forged = content(16_384, 9);
    // Another agent's word counts for nothing, and so does another size.
    for piece in &pieces {
        assert!(send(&mut core, &other, hash, piece).receipts.is_empty());
    }
    let longer = content(20_001, 3);
    for piece in Piece::cut(&longer) {
        assert!(send(&mut core, &agent, hash, &piece).receipts.is_empty());
    }
    assert!(send(&mut core, &agent, hash, &Piece { bytes: &forged, ..pieces[0] }).refused.is_empty());
    assert_eq!(send(&mut core, &agent, hash, &pieces[1]).refused, ["evidence-hash"]);
    assert_eq!(core.summary().unwrap().bad["evidence-hash"], 1);
    send(&mut core, &agent, hash, &pieces[0]);
    assert_eq!(send(&mut core, &agent, hash, &pieces[1]).receipts, [(1, record.hash)]);
    // What is no piece is refused, whoever sends it.
    let topic = agent.on(&format!("evidence/{hash}"));
    let out = sort(core.accept(&topic, b"\x84\x01\x03\x00", NOW).unwrap(), &[&agent]);
    assert_eq!(out.refused, ["malformed"]);
}

both!(incomplete_content_is_bounded_and_the_oldest_gives_way);

fn incomplete_content_is_bounded_and_the_oldest_gives_way(home: &Home) {
    let mut store = home.open();
    let full = vec![0; 16_384];
    let size = 64 * 1024 * 1024;
    let per_content = size / 16_384 - 1;
    store.begin().unwrap();
    for n in 0..4_u8 {
        let named = Named { chain: ChainId([1; 16]), seq: n.into(), hash: Hash([n; 32]), size };
        store.name_content(&named, "gate-07").unwrap();
    }
    let mut put = |n: u8, piece: u64| {
        let piece = Piece { size, offset: piece * 16_384, bytes: &full };
        store.put_piece("gate-07", Hash([n; 32]), &piece, n.into()).unwrap()
    };
    // Two contents but for a piece each fit; the first bytes beyond the bound cost the oldest.
    let pieces = MAX_OPEN_PER_AGENT / 16_384;
    for piece in 0..per_content {
        assert_eq!(put(0, piece), Taken::Kept);
        assert_eq!(put(1, piece), Taken::Kept);
    }
    for piece in 0..=(pieces - 2 * per_content) {
        assert_eq!(put(2, piece), Taken::Kept);
    }
    assert_eq!(put(1, 0), Taken::Known, "the second is still here");
    assert_eq!(put(0, 0), Taken::Kept, "the oldest was dropped and is begun anew");
}
