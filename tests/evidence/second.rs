//! The verifier in Python, written from the text, against the one of the crate.

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidewaiter_record::{Report, Verdict};
use tidewaiter_tests::process::{run, seed, tell};

use super::{
    clean::{Batch, Clean, wanted},
    forgeries::{self, Forgery},
    world::{World, report},
};
use crate::interop::verifier::interpreter;

const AGREE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/agree.py");
const VERIFY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/verify.py");
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../agent/record/vectors/v1");

/// Clean records put to both, unless `TIDEWAITER_CASES` asks for more.
const RECORDS: u64 = 3_000;
/// And never more than these: Python takes its time.
const MOST: u64 = 100_000;

fn answer(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Bad { .. } => "bad",
        Verdict::NotChecked { .. } => "not-checked",
    }
}

/// Lets Python judge what stands in a folder, and gives its last line.
fn agree(folder: &Path) -> Result<Option<String>> {
    let Some(python) = interpreter() else { return Ok(None) };
    let ended = run(Command::new(python).arg(AGREE).arg(folder))?;
    ensure!(ended.code == 0, "the verifiers differ:\n{}{}", ended.stdout, ended.stderr);
    Ok(Some(ended.stdout.lines().next_back().unwrap_or_default().to_owned()))
}

pub(super) fn vectors() -> Result<()> {
    if let Some(said) = agree(Path::new(VECTORS))? {
        tell(&format!("T17: vectors: {said}"));
    }
    Ok(())
}

pub(super) fn forgeries() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::create_dir_all(folder.path().join("cases"))?;
    let all = forgeries::all(&World::new());
    let cases = all.iter().map(|it| write(folder.path(), it)).collect::<Result<Vec<_>>>()?;
    fs::write(folder.path().join("cases.json"), serde_json::to_string(&cases)?)?;
    if let Some(said) = agree(folder.path())? {
        tell(&format!("T16 and T17: forgeries: {said}"));
    }
    Ok(())
}

fn write(folder: &Path, forgery: &Forgery) -> Result<Value> {
    let Forgery { name, .. } = forgery;
    let registry = format!("{name}.json");
    fs::write(folder.join(&registry), forgery.registry.to_json())?;
    fs::write(folder.join("cases").join(format!("{name}.hex")), hex::encode(&forgery.stream))?;
    let evidence = format!("evidence-{name}");
    fs::create_dir(folder.join(&evidence))?;
    for (hash, content) in &forgery.evidence {
        fs::write(folder.join(&evidence).join(hash.to_string()), content)?;
    }
    let report = report(&forgery.registry, &forgery.stream, &forgery.evidence);
    Ok(json!({
        "name": name,
        "registry": registry,
        "evidence": evidence,
        "records": report.records,
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "signature": answer(&report.signature),
        "chain": answer(&report.chain),
        "completeness": answer(&report.completeness),
        "time": answer(&report.time),
        "simulated": report.simulated,
        "findings": forgery.expected,
    }))
}

pub(super) fn clean() -> Result<()> {
    let Some(python) = interpreter() else { return Ok(()) };
    let (seed, wanted) = (seed(), wanted(RECORDS).min(MOST));
    tell(&format!("T17: clean records: seed {seed}"));
    let folder = tempfile::tempdir()?;
    let (mut records, mut seconds) = (0, 0.0);
    let mut source = Clean::new(seed);
    while records < wanted {
        let Batch { registry, stream, .. } = source.batch();
        let (at_registry, at_stream) = (folder.path().join("registry.json"), folder.path().join("stream.cborseq"));
        fs::write(&at_registry, registry.to_json())?;
        fs::write(&at_stream, &stream)?;
        let begun = Instant::now();
        let ended = run(Command::new(&python).arg(VERIFY).arg("--registry").arg(&at_registry).arg(&at_stream))?;
        seconds += begun.elapsed().as_secs_f64();
        let theirs: Value = serde_json::from_str(&ended.stdout).with_context(|| ended.stderr.clone())?;
        let ours = super::clean::verify(&registry, &stream);
        compare(&ours, &theirs).with_context(|| format!("seed {seed}, after {records} records"))?;
        records += ours.accepted;
    }
    let rate = f64::from(u32::try_from(records)?) / seconds;
    tell(&format!("T17: {records} clean records, 0 differences; verify.py takes {rate:.0} records/s; seed {seed}"));
    Ok(())
}

fn compare(ours: &Report, theirs: &Value) -> Result<()> {
    let counts: BTreeMap<&str, Value> = [
        ("records", json!(ours.records)),
        ("accepted", json!(ours.accepted)),
        ("duplicates", json!(ours.duplicates)),
        ("simulated", json!(ours.simulated)),
        ("findings", json!([])),
    ]
    .into();
    for (name, value) in counts {
        ensure!(theirs[name] == value, "{name}: verify.py says {}, the crate {value}", theirs[name]);
    }
    for (name, verdict) in [
        ("signature", &ours.signature),
        ("chain", &ours.chain),
        ("completeness", &ours.completeness),
        ("time", &ours.time),
    ] {
        let said = &theirs[name]["answer"];
        ensure!(*said == answer(verdict), "{name}: verify.py says {said}, the crate {verdict:?}");
    }
    let heads = |report: &Value| -> Vec<Value> {
        let chains = report["chains"].as_array().cloned().unwrap_or_default();
        chains.into_iter().map(|it| json!([it["chain"], it["last_seq"], it["head"], it["receipted_upto"]])).collect()
    };
    let chains = serde_json::to_value(ours)?;
    ensure!(heads(&chains) == heads(theirs), "the chains end elsewhere");
    Ok(())
}
