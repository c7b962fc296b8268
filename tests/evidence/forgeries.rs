//! Streams that were tampered with, each with the findings it must get and no others.

use std::collections::BTreeMap;

use tidewaiter_record::{
    ChainHead, Detail, Ed25519Signer, Evidence, Flags, Hash, Head, IntervalDetail, KeyRotate, RegisteredKey, Registry,
    Signer as _, Statement, TimeQuality, TimeSource, body::proof_bytes, issue_head,
};

use super::{
    fixture::{
        Agent, Craft, WALL, attacks::Step, bench, bytes_of, event_plain, inspection_interrupted, interval, life,
        signer, stopped,
    },
    world::{END, TURN, World, anchor, follows, moved, production, second},
};

/// Something found: its code and the number it is said of.
pub(super) type Found = (&'static str, Option<u64>);

pub(super) struct Forgery {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) registry: Registry,
    pub(super) stream: Vec<u8>,
    /// Content by the name it is kept under.
    pub(super) evidence: BTreeMap<Hash, Vec<u8>>,
    pub(super) expected: Vec<Found>,
}

pub(super) struct Forgeries<'w> {
    world: &'w World,
    all: Vec<Forgery>,
}

/// Findings that name no record.
const NOWHERE: u64 = u64::MAX;

/// Every forgery, and what looks like one and is none (nothing expected).
pub(super) fn all(world: &World) -> Vec<Forgery> {
    let mut it = Forgeries { world, all: Vec::new() };
    it.honest();
    it.flips_in_the_header();
    it.flips_in_the_body();
    it.signatures();
    it.order();
    it.forks();
    it.rotations();
    it.resets();
    it.receipts();
    it.log();
    it.withheld();
    it.evidence();
    it.clocks();
    it.simulated();
    it.all
}

fn position(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|it| it == part).unwrap_or_else(|| panic!("no {part:02x?}"))
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

impl Forgeries<'_> {
    fn add(&mut self, name: &str, about: &str, stream: Vec<u8>, expected: &[(&'static str, u64)]) -> &mut Forgery {
        let spectrum = life::spectrum();
        self.all.push(Forgery {
            name: name.to_owned(),
            about: about.to_owned(),
            registry: production(),
            stream,
            evidence: [(Hash::of(&spectrum), spectrum)].into(),
            expected: expected.iter().map(|&(code, seq)| (code, (seq != NOWHERE).then_some(seq))).collect(),
        });
        self.all.last_mut().unwrap()
    }

    fn honest(&mut self) {
        let w = self.world;
        self.add("honest", "the chain as it was sealed, with its receipt", w.receipted(&w.and(&[])), &[]);
        self.add("honest-twice", "everything sent twice", w.receipted(&w.and(&w.and(&[]))), &[]);
    }

    fn flip(&mut self, name: &str, part: &[u8], offset: isize, expected: &[(&'static str, u64)]) {
        let w = self.world;
        let record = &w.honest[4].bytes;
        let at = position(record, part).checked_add_signed(offset).unwrap();
        let about = format!("one bit of {name} in the place of record 4");
        let stream = w.receipted(&w.with(4, &flipped(record, at)));
        self.add(&format!("flip-{}", name.replace(' ', "-")), &about, stream, expected);
    }

    fn flips_in_the_header(&mut self) {
        let w = self.world;
        let chain = &w.gate.chain.0;
        let lost = |code| [(code, 4), ("gap", 4)];
        let nowhere = [("malformed", NOWHERE), ("gap", 4)];
        self.flip("the algorithm", &[0xa5, 0x01, 0x32], 2, &nowhere);
        self.flip("the key identifier", &[0x04, 0x48], 2, &lost("unknown-key"));
        self.flip("the agent", b"gate-1", 0, &lost("wrong-agent"));
        self.flip("the subject", b"\x64self", 1, &lost("bad-signature"));
        self.flip("the content type", b"record+cbor", 0, &nowhere);
        self.flip("the label of the chain", &[0x3a, 0x00, 0x01, 0x11, 0x70], 4, &nowhere);
        self.flip("the chain", &[&[0x50][..], chain].concat(), 1, &lost("foreign-chain"));
        self.flip("the number", &[&chain[..], &[4, 0x58]].concat(), 16, &[("bad-signature", 5), ("gap", 4)]);
        self.flip("the hash before", &w.honest[3].hash.0, 0, &lost("bad-signature"));
        self.flip("the size in the anchor", &life::root(40).0, -3, &lost("bad-signature"));
        self.flip("the root in the anchor", &life::root(40).0, 0, &lost("bad-signature"));
    }

    fn flips_in_the_body(&mut self) {
        let time = [0x19, 0x23, 0x28, 0x01, 0x03, 0x14, 0x02, 0x18, 0x40];
        let lost = [("bad-signature", 4), ("gap", 4)];
        self.flip("the kind", &[0x83, 0x10, 0x87], 1, &[("malformed", NOWHERE), ("gap", 4)]);
        self.flip("the wall time", &time, -1, &lost);
        self.flip("the monotonic time", &time, 2, &lost);
        self.flip("the start", &time, 3, &lost);
        self.flip("the quality", &time, 4, &lost);
        self.flip("the error bound", &time, 5, &lost);
        self.flip("the source", &time, 6, &lost);
        self.flip("the age", &time, 8, &lost);
        self.flip("the flags", &[0xb1, 0x00, 0x00, 0x01], 2, &lost);
        self.flip("the plate", b"A12345", 5, &lost);
        self.flip("a value", &[0x18, 0x29, 0x02], 1, &lost);
        self.flip("the places of a value", &[0x18, 0x29, 0x02], 2, &lost);
        self.flip("raw bytes", b"US,-0000.50t", 3, &lost);
        self.flip("a limit", b"<= 0.11 + 0.25", 3, &lost);
        self.flip("the verdict", &[0x0d, 0x64], 2, &lost);
        self.flip("the disposition", &[0x0f, 0x65], 2, &lost);
        self.flip("the mismatch of alarms", &[0x10, 0xf5], 1, &lost);
        self.flip("the hash of the limit table", &[0x7a; 32], 9, &lost);
        self.flip("the hash of the configuration", &[0xc0; 32], 9, &lost);
    }

    fn signatures(&mut self) {
        let w = self.world;
        let lost = |code| [(code, 4), ("gap", 4)];
        let third = Craft::next(&w.gate, &w.honest[..4]);
        let mut put = |name: &str, about: &str, record: &[u8], code| {
            let stream = w.receipted(&w.with(4, record));
            self.add(name, about, stream, &lost(code));
        };
        let record = &w.honest[4].bytes;
        put("flip-signature", "one bit of the signature", &flipped(record, record.len() - 1), "bad-signature");
        let (body, other) = (record.len() - 64, w.honest[6].bytes.len() - 64);
        let borrowed = [&record[..body], &w.honest[6].bytes[other..]].concat();
        put("borrowed-signature", "the signature of another record of the chain", &borrowed, "bad-signature");
        let by = |craft: &Craft, key: &Ed25519Signer| Craft { kid: key.kid(), ..craft.clone() }.seal(key);
        put("re-signed-by-agent", "signed by another enrolled agent", &by(&third, &w.lab.key), "wrong-agent");
        let lab = Craft { agent: "lab-2".to_owned(), ..third.clone() };
        put("splice", "a record of another agent on this chain", &by(&lab, &w.lab.key), "foreign-chain");
        put(
            "re-signed-as-owner",
            "signed by another enrolled agent in the name of the key",
            &third.seal(&w.lab.key),
            "bad-signature",
        );
        put("re-signed-by-centre", "signed by the centre", &by(&third, &w.centre), "wrong-role");
        put("re-signed-by-stranger", "signed by nobody known", &by(&third, &signer(0x81)), "unknown-key");
        put(
            "re-signed-by-successor",
            "signed by the key that comes after the rotation",
            &by(&third, &w.new),
            "unknown-key",
        );
        let wandered = Craft { chain: w.lab.chain, ..third.clone() }.seal(&w.gate.key);
        put("own-key-elsewhere", "the agent's own key on the chain of another", &wandered, "foreign-chain");
    }

    fn order(&mut self) {
        let w = self.world;
        let without = |seq: usize| w.receipted(&w.pick((0..=END).filter(|it| *it != seq)));
        self.add("drop-first", "the genesis is missing", without(0), &[("gap", 0)]);
        self.add("drop-middle", "a result is missing", without(4), &[("gap", 4)]);
        self.add("drop-last", "the end is missing, and the receipt covers it", without(END), &[("receipt-beyond", 10)]);
        self.add(
            "drop-tail",
            "all after the inspection is missing",
            w.receipted(&w.pick(0..=4)),
            &[("receipt-beyond", 10)],
        );
        self.add(
            "drop-two",
            "two results are missing",
            w.receipted(&w.pick([0, 1, 2, 3, 5, 7, 8, 9, 10])),
            &[("gap", 4), ("gap", 6)],
        );
        self.add(
            "drop-all",
            "a receipt for a chain of which nothing is there",
            [w.head(7, 70), w.receipt()].concat(),
            &[("receipt-beyond", 10)],
        );
        let swapped = w.receipted(&w.pick([0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10]));
        self.add("re-order", "two neighbours exchanged", swapped, &[("out-of-order", 4)]);
        let last_first = w.receipted(&w.pick([0, 1, 2, 3, 4, 5, 7, 6, 8, 9, 10]));
        self.add("re-order-rotation", "the rotation before the record before it", last_first, &[("out-of-order", 6)]);
        let replayed = w.receipted(&w.with(6, &w.honest[4].bytes));
        self.add("replay", "an old result sent again in the place of a new one", replayed, &[("gap", 6)]);
        let renumbered = {
            let mut craft = Craft::next(&w.gate, &w.honest[..6]);
            let body = w.steps().swap_remove(4).0;
            craft.payload = body.encode();
            craft.seal(&w.gate.key)
        };
        self.add(
            "replay-renumbered",
            "an old result signed again in the place of a new one, with the agent's key",
            w.receipted(&w.with(6, &renumbered)),
            &[("mono-backwards", 6), ("prev-mismatch", 7)],
        );
        let far = ChainHead { next_seq: 1 << 40, ..w.gate.head().after(&w.honest[END]) };
        let far = life::sealed_by(&w.gate, &w.new, far, None, &super::fixture::at(11, event_plain("tick")));
        self.add("future", "a number far ahead", w.receipted(&w.and(&far.bytes)), &[("gap", 11)]);
    }

    fn forks(&mut self) {
        let w = self.world;
        let other = w.sealed(&w.honest[5], &w.gate.key, event_plain("other"));
        let both = [&w.pick(0..=6)[..], &other, &w.pick(7..=END)].concat();
        self.add("fork", "two records in one place, signed with the agent's key", w.receipted(&both), &[("fork", 6)]);
        let replaced = w.receipted(&w.with(6, &other));
        self.add(
            "replaced",
            "another record in the place, signed with the agent's key",
            replaced,
            &[("prev-mismatch", 7)],
        );
        let branch = w.remade(|_, steps| steps[6].0.detail = event_plain("other"));
        self.add(
            "tail-rewritten",
            "all from a result on sealed anew, and the receipt over what was",
            w.receipted(&bytes_of(&branch)),
            &[("receipt-mismatch", 10)],
        );
        let again = w.remade(|_, steps| {
            steps.truncate(3);
            steps[0].0.time.err_ms += 1;
        });
        self.add(
            "restart",
            "the chain begun a second time",
            w.receipted(&w.and(&bytes_of(&again))),
            &[("fork", 0), ("fork", 1), ("fork", 2)],
        );
        let stale = w.sealed(&w.honest[8], &w.new, event_plain("tick"));
        let stale = [&w.pick(0..=8)[..], &stale].concat();
        self.add(
            "clone",
            "a copy of the disk goes on from an older state",
            w.receipted(&w.and(&stale[w.pick(0..=8).len()..])),
            &[("fork", 9)],
        );
        let appended = ChainHead { next_seq: 11, ..w.gate.head().after(&w.honest[4]) };
        let appended = life::sealed_by(&w.gate, &w.new, appended, None, &super::fixture::at(11, event_plain("tick")));
        self.add(
            "append-elsewhere",
            "a record that names an older one before it",
            w.receipted(&w.and(&appended.bytes)),
            &[("prev-mismatch", 11)],
        );
        let second = w.sealed(&w.honest[END], &w.new, super::fixture::genesis(&w.gate));
        self.add("genesis-again", "a genesis inside the chain", w.receipted(&w.and(&second)), &[("genesis", 11)]);
        let rootless = w.gate.head();
        let rootless = ChainHead { prev: Hash([9; 32]), ..rootless };
        let rootless = life::sealed_by(
            &w.gate,
            &w.gate.key,
            rootless,
            None,
            &super::fixture::at(0, super::fixture::genesis(&w.gate)),
        );
        self.add(
            "rootless",
            "a genesis that hangs on another statement",
            w.plain(&rootless.bytes),
            &[("genesis", 0), ("genesis", 0)],
        );
        let statement = Statement {
            agent: "gate-1".to_owned(),
            chain: w.gate.chain,
            public: w.gate.key.public_key(),
            created_ms: WALL,
            simulated: false,
        };
        let statement = statement.issue(&w.gate.key).unwrap();
        self.add(
            "statement-other",
            "another statement of the same agent",
            [&statement[..], &w.and(&[])].concat(),
            &[("genesis", NOWHERE)],
        );
    }

    fn rotations(&mut self) {
        let w = self.world;
        let old = &w.gate.key;
        let lost = [("unknown-key", 8), ("unknown-key", 9), ("unknown-key", 10)];
        let mut bad = |name: &str, about: &str, change: &dyn Fn(&mut KeyRotate)| {
            let chain = w.remade(|_, steps| {
                let Detail::KeyRotate(rotate) = &mut steps[TURN].0.detail else { panic!("no rotation") };
                change(rotate);
            });
            let stream = w.plain(&bytes_of(&chain));
            self.add(name, about, stream, &[&[("bad-rotation", 7)][..], &lost].concat());
        };
        bad("rotation-proof-flipped", "a bit of the new key's proof", &|it| it.proof[9] ^= 1);
        bad("rotation-proof-by-old", "the proof is by the old key", &|it| {
            it.proof = old.sign(&proof_bytes(w.gate.chain, 7, old.kid(), &it.public)).unwrap();
        });
        bad("rotation-proof-replayed", "the proof was given for another number", &|it| {
            it.proof = w.new.sign(&proof_bytes(w.gate.chain, 6, old.kid(), &it.public)).unwrap();
        });
        bad("rotation-proof-of-chain", "the proof was given for another chain", &|it| {
            it.proof = w.new.sign(&proof_bytes(w.lab.chain, 7, old.kid(), &it.public)).unwrap();
        });
        bad("rotation-stranger-proof", "the proof is by a third key", &|it| {
            it.proof = signer(0x81).sign(&proof_bytes(w.gate.chain, 7, old.kid(), &it.public)).unwrap();
        });
        let to = |key: &Ed25519Signer, codes: [(&'static str, u64); 4]| {
            let chain = w.remade(|_, steps| {
                steps[TURN].0.detail = life::rotation(&w.gate, 7, old, key);
            });
            (w.plain(&bytes_of(&chain)), codes)
        };
        let [a, b, c] = lost;
        for (name, about, key) in [
            ("rotation-to-agent", "to the proven key of another agent", &w.lab.key),
            ("rotation-to-centre", "to the proven key of the centre", &w.centre),
            ("rotation-to-itself", "to the key in force", old),
        ] {
            let (stream, expected) = to(key, [("bad-rotation", 7), a, b, c]);
            self.add(name, about, stream, &expected);
        }
        let back = w.remade(|world, steps| {
            steps[9].0.detail = life::rotation(&world.gate, 9, &world.new, &world.gate.key);
        });
        let mut late = w.sealed(&back[9], old, event_plain("tick"));
        let stream = w.plain(&[bytes_of(&back[..=9]), std::mem::take(&mut late)].concat());
        self.add("rotation-back", "back to the key before", stream, &[("bad-rotation", 9), ("outside-range", 10)]);
        let after = w.sealed(&w.honest[END], old, event_plain("tick"));
        self.add(
            "old-key",
            "the old key signs after the rotation",
            w.receipted(&w.and(&after)),
            &[("outside-range", 11)],
        );
        let instead = w.sealed(&w.honest[TURN], old, event_plain("tick"));
        self.add(
            "old-key-instead",
            "the old key signs in the place of the new one's first record",
            w.receipted(&w.with(8, &instead)),
            &[("outside-range", 8), ("gap", 8)],
        );
        let third = signer(0x81);
        let again = w.sealed(&w.honest[TURN], old, life::rotation(&w.gate, 8, old, &third));
        self.add(
            "old-key-rotates",
            "the old key rotates once more",
            w.receipted(&w.with(8, &again)),
            &[("outside-range", 8), ("gap", 8)],
        );
        let stream = w.receipted(&w.pick((0..=END).filter(|it| *it != TURN)));
        self.add(
            "rotation-dropped",
            "the rotation is missing",
            stream,
            &[&lost[..], &[("receipt-beyond", 10)]].concat(),
        );
        let closed = RegisteredKey { to_seq: Some(6), ..w.gate.entry() };
        let stream = w.receipted(&w.and(&[]));
        let expected = [&[("outside-range", 7)][..], &lost, &[("receipt-beyond", 10)]].concat();
        self.add("rotation-of-a-closed-key", "a key that was closed before rotates", stream, &expected).registry =
            with_gate(closed);
        let closed = RegisteredKey { to_seq: Some(8), ..w.gate.entry() };
        let stream = w.receipted(&w.and(&[]));
        let expected = [("outside-range", 9), ("outside-range", 10), ("receipt-beyond", 10)];
        self.add("closed-after-rotation", "an agent that was closed after its rotation signs on", stream, &expected)
            .registry = with_gate(closed);
        let revoked = RegisteredKey {
            public: w.new.public_key(),
            from_seq: 8,
            to_seq: Some(9),
            statement: None,
            ..w.gate.entry()
        };
        let stream = w.receipted(&w.and(&[]));
        let mut registry = production();
        registry.add(revoked).unwrap();
        let expected = [("outside-range", 10), ("receipt-beyond", 10)];
        self.add("revoked-successor", "a revoked key that the chain vouches for", stream, &expected).registry =
            registry;
    }

    fn resets(&mut self) {
        let w = self.world;
        let (agent, chain) = second(0xd1);
        let end = Some((10, w.honest[END].hash));
        let with = |it: Option<tidewaiter_record::Follows>| {
            let mut registry = production();
            registry.add(RegisteredKey { follows: it, ..agent.entry() }).unwrap();
            registry
        };
        let both = w.receipted(&w.and(&bytes_of(&chain)));
        let unproven = ("reset-unproven", 0);
        self.add("reset", "a second chain, allowed by a statement", both.clone(), &[]).registry =
            with(Some(follows(w.gate.chain, end)));
        self.add("reset-of-lost", "the same when nothing of the first was known", both.clone(), &[]).registry =
            with(Some(follows(w.gate.chain, None)));
        self.add(
            "reset-without-statement",
            "a second chain that nobody allowed",
            both.clone(),
            &[unproven, unproven],
        )
        .registry = with(None);
        self.add(
            "reset-alone",
            "a second chain that nobody allowed, and the first is withheld",
            bytes_of(&chain),
            &[unproven],
        )
        .registry = with(None);
        self.add("reset-of-another", "a second chain said to replace another agent's", both.clone(), &[unproven])
            .registry = with(Some(follows(w.lab.chain, None)));
        self.add("reset-other-hash", "the first chain did not end with the record named", both.clone(), &[unproven])
            .registry = with(Some(follows(w.gate.chain, Some((10, Hash([9; 32]))))));
        self.add(
            "reset-hides",
            "the first chain went on after the record named as its last",
            both.clone(),
            &[unproven],
        )
        .registry = with(Some(follows(w.gate.chain, Some((6, w.honest[6].hash)))));
        let third = second(0xd2).0;
        let mut twice = with(Some(follows(w.gate.chain, end)));
        twice.add(RegisteredKey { follows: Some(follows(w.gate.chain, end)), ..third.entry() }).unwrap();
        self.add("reset-twice", "two chains replace the same one", both.clone(), &[unproven]).registry = twice;
        let mut circle = Registry::new(tidewaiter_record::RegistryClass::Production);
        let round = RegisteredKey { follows: Some(follows(agent.chain, None)), ..w.gate.entry() };
        for key in [round, RegisteredKey { follows: Some(follows(w.gate.chain, None)), ..agent.entry() }] {
            circle.add(key).unwrap();
        }
        circle.add(RegisteredKey::centre("centre", w.centre.public_key())).unwrap();
        self.add("reset-in-a-circle", "two chains replace each other", both.clone(), &[unproven, unproven]).registry =
            circle;
        let unknown = [0, 1, 2].map(|seq| ("unknown-key", seq));
        self.add("reset-unregistered", "a second chain whose key nobody registered", both, &unknown);
    }

    fn receipts(&mut self) {
        let w = self.world;
        let all = w.plain(&w.and(&[]));
        let with = |receipt: Vec<u8>| [&all[..], &receipt].concat();
        let good = w.receipt();
        let forged = flipped(&good, position(&good, &w.honest[END].hash.0));
        self.add(
            "receipt-forged",
            "a receipt with a bit of the hash changed",
            with(forged),
            &[("bad-signature", NOWHERE)],
        );
        let own = tidewaiter_record::issue(&super::fixture::receipt(&w.gate, &w.honest[END]), &w.gate.key).unwrap();
        self.add("receipt-by-agent", "a receipt that the agent gave itself", with(own), &[("wrong-role", NOWHERE)]);
        let strange =
            tidewaiter_record::issue(&super::fixture::receipt(&w.gate, &w.honest[END]), &signer(0x81)).unwrap();
        self.add("receipt-by-stranger", "a receipt of an unknown centre", with(strange), &[("unknown-key", NOWHERE)]);
        let other = w.receipt_with(|it| it.hash = Hash([9; 32]));
        self.add(
            "receipt-other-hash",
            "a receipt over another record in this place",
            with(other),
            &[("receipt-mismatch", 10)],
        );
        let other = w.receipt_with(|it| it.agent = "lab-2".to_owned());
        self.add("receipt-other-agent", "a receipt that names another agent", with(other), &[("receipt-mismatch", 10)]);
        let other = w.receipt_with(|it| it.chain = w.lab.chain);
        self.add(
            "receipt-other-chain",
            "a receipt over the same number of another chain",
            with(other),
            &[("receipt-beyond", 10)],
        );
        let beyond = w.receipt_with(|it| it.upto_seq = 99);
        self.add(
            "receipt-beyond",
            "a receipt over records that were withheld",
            with(beyond),
            &[("receipt-beyond", 99)],
        );
        let early = w.receipt_with(|it| it.received_at_ms = WALL);
        self.add("receipt-back-dated", "a receipt from before its record", with(early), &[("after-receipt", 10)]);
        let bound =
            RegisteredKey { chain: Some(w.lab.chain), ..RegisteredKey::centre("centre", w.centre.public_key()) };
        let mut registry = Registry::new(tidewaiter_record::RegistryClass::Production);
        for key in [w.gate.entry(), bound] {
            registry.add(key).unwrap();
        }
        self.add(
            "receipt-foreign",
            "a receipt by a centre for another chain than its own",
            [&w.and(&[])[..], &good].concat(),
            &[("foreign-chain", NOWHERE)],
        )
        .registry = registry;
    }

    fn log(&mut self) {
        let w = self.world;
        let all = w.receipted(&w.and(&[]));
        let with = |item: Vec<u8>| [&all[..], &item].concat();
        let head = w.head(8, 80);
        let forged = flipped(&head, position(&head, &life::root(80).0));
        self.add("head-forged", "a head with a bit of its root changed", with(forged), &[("bad-signature", NOWHERE)]);
        let own = issue_head(&life::head(8, 80), &w.gate.key).unwrap();
        self.add("head-by-agent", "a head that an agent signed", with(own), &[("wrong-role", NOWHERE)]);
        let split = issue_head(&Head { root: Hash([9; 32]), ..life::head(8, 70) }, &w.centre).unwrap();
        self.add(
            "head-of-another-history",
            "another root of the log at a size it had",
            with(split),
            &[("log-mismatch", NOWHERE)],
        );
        self.add("head-of-a-smaller-log", "the log got smaller", with(w.head(8, 60)), &[("log-mismatch", NOWHERE)]);
        let receipt = w.receipt_with(|it| it.log = Some((60, Hash([9; 32]))));
        self.add(
            "receipt-of-another-history",
            "a receipt that names another root",
            with(receipt),
            &[("log-mismatch", 10)],
        );
        let anchored = |seq: usize, to| {
            let chain = w.remade(|_, steps| steps[seq].2 = to);
            w.plain(&bytes_of(&chain))
        };
        let false_root = anchor(60).map(|it| tidewaiter_record::Anchor { hash: Hash([9; 32]), ..it });
        self.add(
            "anchor-of-another-history",
            "an anchor that a head contradicts",
            anchored(9, false_root),
            &[("log-mismatch", 9)],
        );
        self.add(
            "anchor-of-no-head",
            "an anchor to a head that never was, and honest ones after it",
            anchored(4, anchor(1 << 40)),
            &[("anchor-backwards", 9)],
        );
        self.add(
            "anchor-rewound",
            "an anchor older than the one before",
            anchored(9, anchor(39)),
            &[("anchor-backwards", 9)],
        );
        let resend = tidewaiter_record::issue_resend(&life::resend(&w.gate), &w.gate.key).unwrap();
        self.add("resend-by-agent", "a request that the centre did not make", with(resend), &[("wrong-role", NOWHERE)]);
    }

    fn withheld(&mut self) {
        let w = self.world;
        let stream = w.receipted(&w.pick((0..=END).filter(|it| *it != 8)));
        self.add("withheld-heartbeat", "a heartbeat is missing", stream, &[("gap", 8)]);
        let silent = w.remade(|_, steps| {
            for step in &mut steps[9..] {
                step.0 = moved(step.0.clone(), 120_000);
            }
        });
        self.add("silence", "the agent was silent for two minutes", w.plain(&bytes_of(&silent)), &[("silence", 9)]);
        let paused = w.remade(|_, steps| {
            steps[8].0.detail = stopped();
            for step in &mut steps[9..] {
                step.0 = moved(step.0.clone(), 120_000);
            }
        });
        self.add("silence-told", "the agent said that it stops recording", w.plain(&bytes_of(&paused)), &[]);
        let slots = w.remade(|_, steps| {
            let Detail::Interval(full) = interval() else { panic!("no interval") };
            steps[6].0.detail = Detail::Interval(IntervalDetail { received: 56, ..full });
        });
        self.add("withheld-slot", "a poll slot that nobody accounts for", w.plain(&bytes_of(&slots)), &[("slots", 6)]);
        let cut = w.receipted(&w.and(&[]));
        let cut = cut[..cut.len() - 1].to_vec();
        self.add("cut-off", "the stream ends within its last item", cut, &[("malformed", NOWHERE)]);
    }

    fn evidence(&mut self) {
        let w = self.world;
        let all = w.receipted(&w.and(&[]));
        let spectrum = life::spectrum();
        let name = Hash::of(&spectrum);
        let missing = [("evidence-missing", 5)];
        self.add("evidence-withheld", "the evidence is not where evidence is kept", all.clone(), &missing).evidence =
            BTreeMap::new();
        let other = spectrum.iter().map(|it| it ^ 1).collect::<Vec<_>>();
        self.add("evidence-swapped", "another content under its name", all.clone(), &missing).evidence =
            [(name, other)].into();
        self.add("evidence-cut", "a part of the content under its name", all.clone(), &missing).evidence =
            [(name, spectrum[..19_999].to_vec())].into();
        self.add("evidence-renamed", "the content under another name", all, &missing).evidence =
            [(Hash([9; 32]), spectrum.clone())].into();
        let sized = |size: u64| {
            let chain = w.remade(|_, steps| {
                let Detail::Evidence(evidence) = &mut steps[5].0.detail else { panic!("no evidence") };
                evidence.size = size;
            });
            w.plain(&bytes_of(&chain))
        };
        self.add("evidence-other-size", "the record names another size", sized(19_999), &missing);
        let Detail::Evidence(inline) = life::evidence_inline() else { panic!("no evidence") };
        let good = Detail::Evidence(inline.clone());
        let good = super::fixture::at(6, good).encode();
        let at = position(&good, b"wavelength_nm");
        let crafted = Craft::next(&w.gate, &w.honest[..6]).payload(flipped(&good, at)).seal(&w.gate.key);
        self.add(
            "evidence-inside-swapped",
            "content inside the record that has not the hash, signed with the agent's key",
            w.receipted(&w.with(6, &crafted)),
            &[("malformed", NOWHERE), ("gap", 6)],
        );
        let twice =
            w.remade(|_, steps| steps[6].0.detail = Detail::Evidence(Box::new(Evidence { size: 7, ..named() })));
        self.add(
            "evidence-two-sizes",
            "two records name one content with two sizes",
            w.plain(&bytes_of(&twice)),
            &[("evidence-missing", 6)],
        );
    }

    fn clocks(&mut self) {
        let w = self.world;
        let mut timed =
            |name: &str, about: &str, change: &dyn Fn(&mut Vec<Step<'_>>), expected: &[(&'static str, u64)]| {
                let chain = w.remade(|_, steps| change(steps));
                let stream = w.plain(&bytes_of(&chain));
                self.add(name, about, stream, expected);
            };
        timed("restored-image", "a start that was before", &|it| it[4].0.time.boot = 0, &[("boot-backwards", 4)]);
        timed(
            "clock-turned-back",
            "the monotonic clock goes back",
            &|it| it[4].0.time.mono_ms = 1,
            &[("mono-backwards", 4), ("wall-contradiction", 5)],
        );
        timed(
            "wall-set-forward",
            "an hour ahead in one record, said to be synchronised",
            &|it| it[4].0.time.wall_ms += 3_600_000,
            &[("wall-contradiction", 4), ("wall-contradiction", 5)],
        );
        timed(
            "quality-borrowed",
            "synchronised, by a person",
            &|it| it[4].0.time.src = TimeSource::Operator,
            &[("quality-source", 4)],
        );
        timed(
            "nineteen-seventy",
            "informative, and in 1970",
            &|it| {
                it[4].0.time.wall_ms = 0;
                it[4].0.time.quality = TimeQuality::I;
            },
            &[("before-format", 4)],
        );
    }

    fn simulated(&mut self) {
        let w = self.world;
        let flags = Flags { simulated: true, drill: false };
        let chain = w.remade(|_, steps| steps[4].0.detail = inspection_interrupted(flags));
        self.add("simulated", "a simulated result among real ones", w.plain(&bytes_of(&chain)), &[("simulated", 4)]);
        let bench: Agent = bench();
        let steps: Vec<Step<'_>> = vec![(super::fixture::at(0, super::fixture::genesis(&bench)), &bench.key, None)];
        let stream = bytes_of(&super::fixture::attacks::chain_of(&bench, &steps));
        self.add("simulated-agent", "an agent enrolled as simulated", stream, &[("simulated", 0)]);
    }
}

fn named() -> Evidence {
    let Detail::Evidence(named) = life::evidence_named() else { panic!("no evidence") };
    *named
}

/// The registry with another entry for the gate's key.
fn with_gate(key: RegisteredKey) -> Registry {
    let mut registry = Registry::new(tidewaiter_record::RegistryClass::Production);
    for key in
        [key, super::fixture::lab().entry(), RegisteredKey::centre("centre", super::fixture::centre().public_key())]
    {
        registry.add(key).unwrap();
    }
    registry
}
