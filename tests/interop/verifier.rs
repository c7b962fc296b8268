//! The verifier in Python against `tidewaiter verify`, on what a real agent exported and on damage to it.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tidewaiter_agent::outbox::Archive;
use tidewaiter_tests::{
    process::{Agent, Ended, alone, run, run_own, seed, tell},
    tool,
};

use crate::chaos::{BUSY, Row, runtime};

/// The independent verifier.
const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/verify.py");

/// A Python with the one package the verifier needs.
pub(crate) fn interpreter() -> Option<PathBuf> {
    interpreter_with("cryptography")
}

/// A Python with a package of `requirements.txt`.
pub(crate) fn interpreter_with(package: &str) -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-venv/bin/python");
    let candidates = env::var_os("TIDEWAITER_PYTHON").map(PathBuf::from).into_iter().chain([venv, "python3".into()]);
    let found = candidates
        .into_iter()
        .find(|it| run(Command::new(it).args(["-c", &format!("import {package}")])).is_ok_and(|ended| ended.code == 0));
    if found.is_none() {
        tool::missing(
            &format!("no Python with the package {package}"),
            "python3 -m venv target/test-venv && target/test-venv/bin/pip install -r tests/interop/requirements.txt",
        );
    }
    found
}

/// What a verifier says, without its sentences.
#[derive(Debug, PartialEq)]
struct Said {
    code: i32,
    answers: BTreeMap<&'static str, String>,
    counts: BTreeMap<&'static str, String>,
    /// Code, chain and number of each finding, sorted.
    findings: Vec<String>,
}

impl Said {
    fn of(ended: &Ended) -> Result<Self> {
        let report: Value = serde_json::from_str(&ended.stdout).with_context(|| ended.stderr.clone())?;
        let at = |pointer: String| {
            report.pointer(&pointer).map(Value::to_string).with_context(|| format!("no {pointer} in {report}"))
        };
        let answers = ["signature", "chain", "completeness", "time"];
        let counts = ["records", "accepted", "duplicates", "content_unknown", "simulated"];
        let findings = report.pointer("/findings").and_then(Value::as_array).context("no findings")?;
        // A note speaks against nothing, and the independent verifier makes none.
        let against = findings.iter().filter(|it| it["question"] != "note");
        let mut findings: Vec<String> =
            against.map(|it| format!("{} {} {}", it["code"], it["chain"], it["seq"])).collect();
        findings.sort();
        Ok(Self {
            code: ended.code,
            answers: answers.into_iter().map(|it| Ok((it, at(format!("/{it}/answer"))?))).collect::<Result<_>>()?,
            counts: counts.into_iter().map(|it| Ok((it, at(format!("/{it}"))?))).collect::<Result<_>>()?,
            findings,
        })
    }

    fn answer(&self, question: &str) -> &str {
        self.answers.get(question).map_or("", |it| it.trim_matches('"'))
    }
}

pub(super) fn python() -> Result<()> {
    let Some(python) = interpreter() else { return Ok(()) };
    let _alone = alone();
    let (seed, begun) = (seed(), Instant::now());
    tell(&format!("python verifier: seed {seed}"));
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let row = Row::new(runtime()?, BUSY, "mqtt://127.0.0.1:9")?;
    // Two lives, the first without a clean end, so that the chain has a recovery in it.
    for life in [5, 6] {
        let mut agent = Agent::start(&row.stand, Duration::ZERO)?;
        agent.ready()?;
        thread::sleep(Duration::from_secs(life));
        if life == 5 {
            agent.program.kill()?;
        } else {
            ensure!(agent.program.terminate(Duration::from_secs(20))?.success(), "the agent fails at its end");
        }
    }
    let export = row.stand.dir.join("export.cborseq");
    let data = row.stand.agent_dir();
    let ended = run_own(
        "tidewaiter",
        ["export".as_ref(), "--data-dir".as_ref(), data.as_os_str(), "--out".as_ref(), export.as_os_str()],
    )?;
    ensure!(ended.code == 0, "export ends with {}: {}", ended.code, ended.stderr);
    let items: Vec<Vec<u8>> =
        Archive::open(&row.stand.agent_dir())?.entries(0, usize::MAX)?.into_iter().map(|it| it.bytes).collect();
    let clean = fs::read(&export)?;
    ensure!(clean == items.concat(), "the export is not the store");
    ensure!(items.len() >= 20, "only {} records", items.len());

    // Within the chain, so that both neighbours are there.
    let victim = chance.random_range(1..items.len() - 2);
    let byte = chance.random_range(0..items[victim].len());
    let cases = [
        ("as exported", clean.clone(), None),
        ("one bit flipped", flipped(&items, victim, byte, chance.random_range(0..8)), None),
        ("last bit of a signature flipped", flipped(&items, victim, items[victim].len() - 1, 0), Some("signature")),
        ("one record dropped", without(&items, victim), Some("completeness")),
        ("the last record dropped", items[..items.len() - 1].concat(), None),
        ("two records swapped", swapped(&items, victim), Some("chain")),
        (
            "cut off within a record",
            clean[..clean.len() - chance.random_range(1..items[items.len() - 1].len())].to_vec(),
            Some("signature"),
        ),
        ("one record twice", [clean.clone(), items[victim].clone()].concat(), None),
        ("nothing", Vec::new(), None),
    ];
    let registry = row.stand.registry_path();
    let mut summary = Vec::new();
    for (name, bytes, bad) in &cases {
        let path = row.stand.dir.join("case.cborseq");
        fs::write(&path, bytes)?;
        let ours = Said::of(&run_own(
            "tidewaiter",
            ["verify".as_ref(), "--json".as_ref(), "--registry".as_ref(), registry.as_os_str(), path.as_os_str()],
        )?)?;
        let theirs = Said::of(&run(Command::new(&python).arg(VERIFIER).arg("--registry").arg(&registry).arg(&path))?)?;
        if ours != theirs {
            bail!(
                "{name} (record {victim}, byte {byte}): tidewaiter verify says\n{ours:#?}\nverify.py says\n{theirs:#?}"
            );
        }
        if let Some(question) = bad {
            ensure!(ours.answer(question) == "bad" && ours.code == 1, "{name}: {ours:#?}");
        }
        if *name == "as exported" {
            ensure!(
                ["signature", "chain", "completeness"].iter().all(|it| ours.answer(it) == "ok"),
                "{name}: {ours:#?}"
            );
            ensure!(ours.code == 0, "{name}: {ours:#?}");
        }
        if *name == "one bit flipped" {
            // Where it hits decides which question notices it; some question does.
            ensure!(
                ours.answers.values().any(|it| it == "\"bad\"") && ours.code == 1,
                "{name} (record {victim}, byte {byte}): {ours:#?}"
            );
        }
        summary.push(format!("{name}: {} findings", ours.findings.len()));
    }
    tell(&format!(
        "python verifier: {} records, {} streams, every answer and finding the same ({}); {:.1} s",
        items.len(),
        cases.len(),
        summary.join(", "),
        begun.elapsed().as_secs_f32()
    ));
    Ok(())
}

fn flipped(items: &[Vec<u8>], record: usize, byte: usize, bit: u32) -> Vec<u8> {
    let mut items = items.to_vec();
    items[record][byte] ^= 1 << bit;
    items.concat()
}

fn without(items: &[Vec<u8>], record: usize) -> Vec<u8> {
    [&items[..record], &items[record + 1..]].concat().concat()
}

fn swapped(items: &[Vec<u8>], record: usize) -> Vec<u8> {
    let mut items = items.to_vec();
    items.swap(record, record + 1);
    items.concat()
}
