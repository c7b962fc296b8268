//! Loss, repetition and re-ordering between agents and centre: the receipt gets there, and says the truth.

use rand::{Rng as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use tidewaiter_collector::{Core, Incoming};
use tidewaiter_record::{Hash, Sealed};

use crate::{
    home::{Home, both},
    writer::{NOW, Writer, core_on, sort},
};

/// Records in flight without a receipt, as an agent's window bounds them.
const WINDOW: usize = 16;

/// Rounds after which something is stuck: with one message in five lost, a window passes in a few.
const PATIENCE: usize = 400;

struct Trial {
    lost: f64,
    repeated: f64,
    /// Chance in each round that the centre is killed after its commit, before its receipts leave.
    killed: f64,
}

/// Two agents offer what has no receipt until everything has one; what the centre says is checked at
/// every step against the agents' own chains.
fn converge(home: &Home, seed: u64, records: usize, trial: &Trial) {
    let context = format!("seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let place = home.beside(&format!("seed-{seed}"));
    let mut agents = [Writer::new("gate-07", 1), Writer::new("lab-02", 2)];
    let chains: Vec<Vec<Sealed>> = agents.iter_mut().map(|it| it.events(records)).collect();
    let writers: Vec<&Writer> = agents.iter().collect();
    let mut next = [0_usize; 2];
    let (mut arrived, mut rounds, mut kills) = (0_u64, 0, 0);
    let mut core: Core = core_on(place.open().unwrap(), &writers);
    while next != [records; 2] {
        rounds += 1;
        assert!(rounds < PATIENCE, "{context}: stuck at {next:?} of {records}");
        let mut wire = Vec::new();
        for (agent, chain) in agents.iter().zip(&chains) {
            let from = next[usize::from(agent.agent == "lab-02")];
            for sealed in chain.iter().skip(from).take(WINDOW) {
                let copies = match random.random::<f64>() {
                    it if it < trial.lost => 0,
                    it if it < trial.lost + trial.repeated => 2,
                    _ => 1,
                };
                wire.extend((0..copies).map(|_| Incoming {
                    topic: agent.topic(),
                    bytes: sealed.bytes.clone(),
                    received_ms: NOW,
                }));
            }
        }
        wire.shuffle(&mut random);
        for batch in wire.chunks(random.random_range(1..=8)) {
            arrived += batch.len() as u64;
            let out = sort(core.accept_batch(batch).unwrap(), &writers);
            if random.random_bool(trial.killed) {
                kills += 1;
                drop(core);
                core = core_on(place.open().unwrap(), &writers);
                // The receipts of this batch never left; the new core owes at least as much.
                let owed: u64 = core.receipts().unwrap().iter().map(|it| it.upto_seq + 1).sum();
                assert!(owed >= out.receipts.iter().map(|it| it.0 + 1).sum::<u64>(), "{context}");
                continue;
            }
            for (upto, hash) in out.receipts {
                let at = usize::try_from(upto).unwrap();
                let mine = chains.iter().position(|it| it[at].hash == hash);
                let which =
                    mine.unwrap_or_else(|| panic!("{context}: receipt over {upto} has a hash that no agent sealed"));
                next[which] = next[which].max(at + 1);
            }
        }
    }
    let summary = core.summary().unwrap();
    let total = 2 * records as u64;
    assert_eq!(
        (summary.records, summary.verified, summary.receipted, summary.gaps),
        (total, total, total, 0),
        "{context}"
    );
    assert_eq!((summary.received, summary.duplicates_folded), (arrived, arrived - total), "{context}");
    assert!(summary.is_clean(), "{context}: {:?}", summary.bad);
    let heads: Vec<Hash> = core
        .receipts()
        .unwrap()
        .iter()
        .map(|it| it.chain)
        .map(|chain| chains[usize::from(chain.0[0] == 2)][records - 1].hash)
        .collect();
    assert_eq!(heads.len(), 2, "{context}");
    println!("{context}: {total} records in {rounds} rounds, {arrived} arrivals, {kills} kills");
}

both!(loss_repetition_and_reordering_converge);

fn loss_repetition_and_reordering_converge(home: &Home) {
    for seed in 0..12 {
        converge(home, seed, 60, &Trial { lost: 0.2, repeated: 0.2, killed: 0.0 });
    }
}

both!(kills_between_commit_and_receipt_lose_nothing);

fn kills_between_commit_and_receipt_lose_nothing(home: &Home) {
    for seed in 100..106 {
        converge(home, seed, 40, &Trial { lost: 0.1, repeated: 0.1, killed: 0.2 });
    }
}

both!(almost_everything_is_lost_and_it_still_converges);

fn almost_everything_is_lost_and_it_still_converges(home: &Home) {
    converge(home, 7, 20, &Trial { lost: 0.8, repeated: 0.1, killed: 0.05 });
}
