//! Proofs of the centre's log against a checker in Python that knows the written format and nothing of ours.

use std::{fs, path::Path, process::Command, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tidewaiter_collector::{Core, Incoming, SqliteStore, Tables, proving};
use tidewaiter_record::{
    Body, ChainHead, ChainId, Claims, Detail, Ed25519Signer, Event, Hash, RegisteredKey, Registry, RegistryClass,
    Statement, TimeBlock, TimeQuality, TimeSource, body::Genesis, seal,
};
use tidewaiter_tests::process::{run, tell};

/// The independent checker; it needs nothing beside Python.
const CHECKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/proof.py");

/// Logs of so many records: around powers of two, where paths change their shape.
const SIZES: [u64; 6] = [1, 2, 3, 8, 33, 100];

fn detail(head: &ChainHead) -> Detail {
    if head.next_seq == 0 {
        return Detail::Genesis(Genesis { software: "trial".into(), config: [7; 32], statement: head.prev });
    }
    Detail::Event(Event { name: "trial".into(), subject: None, facts: std::collections::BTreeMap::new() })
}

/// A record of `seq` proved in a log of `size`, as files; the registry stands beside them.
fn prove(folder: &Path, size: u64, seqs: &[u64]) -> Result<()> {
    let (agent, centre) = (Ed25519Signer::from_seed(&[1; 32]), Ed25519Signer::from_seed(&[2; 32]));
    let chain = ChainId([3; 16]);
    let public = agent.public_key();
    let statement = Statement { agent: "gate-07".into(), chain, public, created_ms: 0, simulated: false };
    let hash = Hash::of(&statement.issue(&agent)?);
    let mut registry = Registry::new(RegistryClass::Test);
    registry.add(statement.register(hash))?;
    registry.add(RegisteredKey::centre("centre", centre.public_key()))?;
    fs::write(folder.join("registry.json"), registry.to_json())?;
    let path = folder.join(format!("{size}.db"));
    let mut core = Core::new(registry, Arc::new(centre), SqliteStore::open(&path)?, Tables::builtin())?;
    let mut head = ChainHead::new(chain, hash);
    let (mut records, mut messages) = (Vec::new(), Vec::new());
    for _ in 0..size {
        let time = TimeBlock {
            wall_ms: 0,
            mono_ms: head.next_seq,
            boot: 1,
            quality: TimeQuality::U,
            err_ms: 0,
            src: TimeSource::None,
            age_s: 0,
        };
        let claims = Claims { agent: "gate-07".into(), subject: "self".into() };
        let sealed = seal(&head, &claims, None, &Body { time, detail: detail(&head) }, &agent)?;
        let topic = "tw/1/site/gate-07/record".to_owned();
        messages.push(Incoming { topic, bytes: sealed.bytes.clone(), received_ms: 0 });
        head = head.after(&sealed);
        records.push(sealed);
    }
    core.accept_batch(&messages)?;
    core.issue_head(0, 0)?;
    let store = SqliteStore::open_read_only(&path)?;
    for seq in seqs {
        let proof = proving::inclusion(&store, chain, *seq)?;
        fs::write(folder.join(format!("{size}-{seq}.cbor")), proof.write())?;
        let record = records.get(usize::try_from(*seq)?).context("no such record")?;
        fs::write(folder.join(format!("{size}-{seq}.record")), &record.bytes)?;
    }
    Ok(())
}

fn check(folder: &Path, proof: &str, record: Option<&str>) -> Result<(i32, Value)> {
    let mut command = Command::new("python3");
    command.current_dir(folder).arg(CHECKER).args(["--registry", "registry.json", proof]);
    if let Some(record) = record {
        command.args(["--record", record]);
    }
    let ended = run(&mut command)?;
    let said = serde_json::from_str(&ended.stdout).with_context(|| ended.stderr.clone())?;
    Ok((ended.code, said))
}

pub(super) fn proofs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path();
    let mut checked = 0;
    for size in SIZES {
        let seqs: Vec<u64> = [0, size / 2, size - 1].into();
        prove(at, size, &seqs)?;
        for seq in seqs {
            let (code, said) = check(at, &format!("{size}-{seq}.cbor"), Some(&format!("{size}-{seq}.record")))?;
            ensure!(code == 0 && said["index"] == seq && said["size"] == size, "{seq} of {size}: {said}");
            checked += 1;
        }
    }
    // Another record, and one changed byte at every 17th place of a proof.
    let (code, said) = check(at, "33-16.cbor", Some("33-0.record"))?;
    ensure!(code == 1, "{said}");
    let good = fs::read(at.join("33-16.cbor"))?;
    let labels = [5..21, 22..23];
    let mut refused = 0;
    for place in (0..good.len()).step_by(17).filter(|it| !labels.iter().any(|label| label.contains(it))) {
        let mut changed = good.clone();
        changed[place] ^= 1;
        fs::write(at.join("changed.cbor"), &changed)?;
        let (code, said) = check(at, "changed.cbor", None)?;
        ensure!(code == 1, "byte {place}: {said}");
        refused += 1;
    }
    tell(&format!("{checked} proofs agree with Python, {refused} changed ones are refused by it"));
    Ok(())
}
