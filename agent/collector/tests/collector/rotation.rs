//! A chain hands itself to a new key, and the centre follows.

use tidewaiter_collector::keys;
use tidewaiter_record::{
    Detail, Ed25519Signer, KeyRotate, Registry, RegistryClass, Sealed, Signer as _, body::proof_bytes,
};

use crate::{
    home::{Home, both},
    writer::{NOW, Writer, core_on, event, registry},
};

/// Seals the hand-over to `seed` with the key in force; the new key signs from then on.
fn hand_over(agent: &mut Writer, seed: u8, is_proved: bool) -> Sealed {
    let new = Ed25519Signer::from_seed(&[seed; 32]);
    let public = new.public_key().to_bytes().clone();
    let seq = agent.head.next_seq + u64::from(!is_proved);
    let proof = new.sign(&proof_bytes(agent.chain(), seq, agent.signer.kid(), &public)).unwrap();
    let rotate = KeyRotate { algorithm: new.algorithm().cose(), public, proof };
    let sealed = agent.seal(Detail::KeyRotate(Box::new(rotate)));
    if is_proved {
        agent.signer = new;
    }
    sealed
}

both!(the_new_key_signs_from_the_next_number_on_also_after_a_restart);

fn the_new_key_signs_from_the_next_number_on_also_after_a_restart(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    agent.begin(&mut core);
    let handed = hand_over(&mut agent, 21, true);
    let next = agent.event("next");
    // Before the hand-over has come, the new key is nobody's.
    assert_eq!(agent.offer(&mut core, &next, NOW).refused, ["unknown-key"]);
    assert_eq!(agent.offer(&mut core, &handed, NOW).receipts, [(1, handed.hash)]);
    assert_eq!(agent.offer(&mut core, &next, NOW).receipts, [(2, next.hash)]);
    // The old key is through.
    let old = Writer { signer: Ed25519Signer::from_seed(&[1; 32]), ..Writer::new("gate-07", 1) };
    let forged = old.seal_at(&agent.head, event("forged"));
    assert_eq!(agent.offer(&mut core, &forged, NOW).refused, ["key-not-for"]);
    drop(core);

    let mut core = core_on(home.open(), &[&agent]);
    let third = agent.event("third");
    assert_eq!(agent.offer(&mut core, &third, NOW).receipts, [(3, third.hash)]);
    let second = hand_over(&mut agent, 22, true);
    assert_eq!(agent.offer(&mut core, &second, NOW).receipts, [(4, second.hash)]);
    let last = agent.event("last");
    assert_eq!(agent.offer(&mut core, &last, NOW).receipts, [(5, last.hash)]);
    // A registry that is read again does not make the centre forget, …
    core.set_registry(registry(RegistryClass::Test, &[&agent])).unwrap();
    let more = agent.event("more");
    assert_eq!(agent.offer(&mut core, &more, NOW).receipts, [(6, more.hash)]);
    // … and what it writes out serves those who were not there.
    let written = core.keys().to_json();
    let ranges = |registry: &Registry| {
        let mut all: Vec<_> =
            registry.keys().filter(|it| it.chain.is_some()).map(|it| (it.from_seq, it.to_seq)).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(ranges(core.keys()), [(0, Some(1)), (2, Some(4)), (5, None)]);
    let file = home.folder().join("registry.json");
    std::fs::write(&file, registry(RegistryClass::Test, &[&agent]).to_json()).unwrap();
    drop(core);
    let store = home.read();
    let rotations = store.rotations().unwrap();
    assert_eq!(keys::with_learned(&file, rotations).unwrap().to_json(), written);
}

both!(a_key_without_proof_is_not_taken_and_a_closed_one_hands_on_nothing);

fn a_key_without_proof_is_not_taken_and_a_closed_one_hands_on_nothing(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    agent.begin(&mut core);
    let bad = hand_over(&mut agent, 21, false);
    let out = agent.offer(&mut core, &bad, NOW);
    // Stored and receipted: it is the agent's word. The old key goes on.
    assert_eq!((out.receipts[0].0, out.collected[0].findings[0].bad.word()), (1, "key-proof"));
    let next = agent.event("next");
    assert_eq!(agent.offer(&mut core, &next, NOW).receipts, [(2, next.hash)]);

    let handed = hand_over(&mut agent, 22, true);
    agent.offer(&mut core, &handed, NOW);
    let by_new = agent.event("by-new");
    assert_eq!(agent.offer(&mut core, &by_new, NOW).receipts, [(4, by_new.hash)]);
    // The box was stolen before the hand-over: its key is closed below, and the new one falls with it.
    agent.key.to_seq = Some(2);
    core.set_registry(registry(RegistryClass::Test, &[&agent])).unwrap();
    let late = agent.event("late");
    assert_eq!(agent.offer(&mut core, &late, NOW).refused, ["unknown-key"]);
}

both!(a_hand_over_that_does_not_link_is_forgotten);

fn a_hand_over_that_does_not_link_is_forgotten(home: &Home) {
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    agent.begin(&mut core);
    // A twin seals another record 1 and hands its chain over at 2; the hand-over comes first and waits.
    let mut twin = Writer::new("gate-07", 1);
    twin.head = agent.head;
    twin.event("twin");
    let handed = hand_over(&mut twin, 21, true);
    agent.offer(&mut core, &handed, NOW);
    assert_eq!(core.keys().keys().count(), 3);
    let first = agent.event("first");
    assert_eq!(agent.offer(&mut core, &first, NOW).receipts, [(1, first.hash)]);
    assert_eq!(core.keys().keys().count(), 2, "the twin's key is gone with its record");
    let second = agent.event("second");
    assert_eq!(agent.offer(&mut core, &second, NOW).receipts, [(2, second.hash)]);
}
