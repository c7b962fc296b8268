//! An honest world to forge in: two agents, a centre with a log, a rotation, evidence, a registry.

use std::collections::BTreeMap;

use tidewaiter_record::{
    Anchor, Body, ChainId, Detail, Ed25519Signer, Follows, Hash, Receipt, Registry, RegistryClass, Report, Sealed,
    Statement, Verifier, issue, issue_head, split_sequence, verify::Question,
};

use super::fixture::{
    Agent, WALL, at,
    attacks::{Step, chain_of},
    bytes_of, centre, event_plain, gate, genesis, inspection, interval, lab, life, receipt, registry, signer,
};

/// The number of the rotation in the honest chain.
pub(super) const TURN: usize = 7;
/// The number of its last record.
pub(super) const END: usize = 10;

pub(super) struct World {
    pub(super) gate: Agent,
    pub(super) lab: Agent,
    /// The key that the gate's chain goes to.
    pub(super) new: Ed25519Signer,
    pub(super) centre: Ed25519Signer,
    /// The gate's chain.
    pub(super) honest: Vec<Sealed>,
}

pub(super) fn anchor(size: u64) -> Option<Anchor> {
    Some(Anchor { number: size, hash: life::root(size) })
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self { gate: gate(), lab: lab(), new: life::next_key(), centre: centre(), honest: Vec::new() };
        world.honest = world.remade(|_, _| {});
        world
    }

    /// What the gate lived through, and with which key it says so.
    pub(super) fn steps(&self) -> Vec<Step<'_>> {
        let turn = life::rotation(&self.gate, TURN as u64, &self.gate.key, &self.new);
        let details = [
            genesis(&self.gate),
            life::config_activated(),
            life::instrument_identity(),
            life::heartbeat(),
            inspection(),
            life::evidence_named(),
            interval(),
            turn,
            life::heartbeat_bare(),
            life::reading(),
            Detail::Shutdown,
        ];
        let anchors = [(4, 40), (9, 60)];
        let key = |seq: usize| if seq > TURN { &self.new } else { &self.gate.key };
        (0..)
            .zip(details)
            .map(|(seq, detail)| {
                let anchor = anchors.iter().find(|it| it.0 == seq).and_then(|it| anchor(it.1));
                (at(seq as u64, detail), key(seq), anchor)
            })
            .collect()
    }

    /// The gate's chain with its steps changed, sealed anew by the keys that the steps name.
    pub(super) fn remade(&self, change: impl FnOnce(&Self, &mut Vec<Step<'_>>)) -> Vec<Sealed> {
        let mut steps = self.steps();
        change(self, &mut steps);
        chain_of(&self.gate, &steps)
    }

    pub(super) fn head(&self, number: u64, size: u64) -> Vec<u8> {
        issue_head(&life::head(number, size), &self.centre).unwrap()
    }

    pub(super) fn receipt(&self) -> Vec<u8> {
        self.receipt_with(|_| {})
    }

    pub(super) fn receipt_with(&self, change: impl FnOnce(&mut Receipt)) -> Vec<u8> {
        let mut receipt = Receipt { log: Some((70, life::root(70))), ..receipt(&self.gate, &self.honest[END]) };
        change(&mut receipt);
        issue(&receipt, &self.centre).unwrap()
    }

    /// Statement, heads and these items; no receipt.
    pub(super) fn plain(&self, items: &[u8]) -> Vec<u8> {
        [&self.gate.statement[..], &self.head(4, 40), &self.head(6, 60), items].concat()
    }

    /// The same, and the centre's receipt over the honest end.
    pub(super) fn receipted(&self, items: &[u8]) -> Vec<u8> {
        [self.plain(items), self.head(7, 70), self.receipt()].concat()
    }

    /// The honest chain with one record replaced by bytes.
    pub(super) fn with(&self, seq: usize, bytes: &[u8]) -> Vec<u8> {
        [&bytes_of(&self.honest[..seq])[..], bytes, &bytes_of(&self.honest[seq + 1..])].concat()
    }

    /// The honest chain in another order.
    pub(super) fn pick(&self, order: impl IntoIterator<Item = usize>) -> Vec<u8> {
        order.into_iter().flat_map(|seq| self.honest[seq].bytes.clone()).collect()
    }

    /// The honest chain and more after it.
    pub(super) fn and(&self, more: &[u8]) -> Vec<u8> {
        [&bytes_of(&self.honest)[..], more].concat()
    }

    /// One more record, in a place and with a key of choice.
    pub(super) fn sealed(&self, after: &Sealed, key: &Ed25519Signer, detail: Detail) -> Vec<u8> {
        let head = self.gate.head().after(after);
        let body = at(head.next_seq.min(1_000), detail);
        life::sealed_by(&self.gate, key, head, None, &body).bytes
    }
}

/// A second chain of the gate's name: its agent, and three records.
pub(super) fn second(first: u8) -> (Agent, Vec<Sealed>) {
    let (key, chain) = (signer(first), ChainId([first; 16]));
    let statement =
        Statement { agent: "gate-1".to_owned(), chain, public: key.public_key(), created_ms: WALL, simulated: false };
    let agent = Agent { name: "gate-1", statement: statement.issue(&key).unwrap(), key, chain };
    let bodies = [at(20, genesis(&agent)), at(21, event_plain("tick")), at(22, Detail::Shutdown)];
    let steps: Vec<Step<'_>> = bodies.into_iter().map(|it| (it, &agent.key, None)).collect();
    let sealed = chain_of(&agent, &steps);
    (agent, sealed)
}

/// What a chain that replaces another says.
pub(super) fn follows(chain: ChainId, last: Option<(u64, Hash)>) -> Follows {
    Follows { chain, last_seq: last.map(|it| it.0), hash: last.map(|it| it.1), reset: Hash([0x4e; 32]) }
}

pub(super) fn production() -> Registry {
    registry(RegistryClass::Production)
}

pub(super) fn moved(mut body: Body, ms: u64) -> Body {
    body.time.mono_ms += ms;
    body.time.wall_ms += i64::try_from(ms).unwrap();
    body
}

/// What the verifier of the crate says. The evidence is content by the name it is kept under.
pub(super) fn report(registry: &Registry, stream: &[u8], evidence: &BTreeMap<Hash, Vec<u8>>) -> Report {
    let mut verifier = Verifier::new(registry).with_evidence();
    for item in split_sequence(stream) {
        match item {
            Ok(item) => {
                verifier.push(item);
            }
            Err(error) => verifier.push_broken(&error),
        }
    }
    let wanted: Vec<_> = verifier.evidence_wanted().collect();
    for (hash, size) in wanted {
        if evidence.get(&hash).is_some_and(|it| it.len() as u64 == size && Hash::of(it) == hash) {
            verifier.evidence_present(hash, size);
        }
    }
    verifier.finish()
}

/// Code and number of what speaks against an answer, sorted.
pub(super) fn against(report: &Report) -> Vec<(String, Option<u64>)> {
    let findings = report.findings.iter().filter(|it| it.question != Question::Note);
    let mut found: Vec<_> = findings.map(|it| (it.code.word().to_owned(), it.seq)).collect();
    found.sort();
    found
}
