//! Records read with libraries of other people, by the rules of `record.cddl`: the frozen vectors, and all that a simulated
//! lane with a laboratory beside it seals.

use std::{fs, path::Path, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tidewaiter_agent::inspect::Operation;
use tidewaiter_tests::{
    process::{Ended, run, tell},
    tool,
    world::{MINUTE, SECOND, Setting, World},
};

use super::verifier::interpreter;

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/foreign.py");
const AGREE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/agree.py");
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../agent/record/record.cddl");
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../agent/record/vectors");

/// Lorries, a scale, a portal, a camera; a bench for pH; a tyre drum.
pub(super) const SCENE: &str = r#"
title = "a lane and a laboratory, read by others"
seed = 29
[lane]
time_limit = "60 s"
identity_window = "4 s"
[weighbridge]
noise_kg = 1.0
zero_drift_kg = 0.0
[portal]
[plate_reader]
[traffic]
first = "5 s"
headway = "45 s"
cycle = true
[[traffic.lorry]]
plate = "粤B00001"
axles = 2
mass_kg = 12000
declared = { mass_kg = 12000, goods = "cotton yarn" }
[[traffic.lorry]]
plate = "粤B00002"
axles = 2
mass_kg = 19000
declared = { mass_kg = 14000, goods = "cotton yarn" }
[ph_meter]
rig = "bench-a"
[[ph_meter.specimen]]
sample = "T-1"
category = "B"
goods = "shirt"
ph = [7.0, 7.0, 7.0]
[drum]
rig = "drum-a"
every = "600 s"
[[drum.run]]
at = "14 s"
barcode = "TW0001"
"#;

/// A Python with all the libraries of `requirements.txt`.
fn python() -> Option<PathBuf> {
    let python = interpreter()?;
    let whole = run(Command::new(&python).args(["-c", "import cbor2, pycddl, pycose"])).is_ok_and(|it| it.code == 0);
    if !whole {
        tool::missing(
            "no Python with the packages cbor2, pycddl and pycose",
            "target/test-venv/bin/pip install -r tests/interop/requirements.txt",
        );
    }
    whole.then_some(python)
}

/// What `foreign.py` says about files, all of which have to be good.
fn read(python: &Path, registry: &Path, files: &[PathBuf]) -> Result<Value> {
    let ended = ask(python, registry, files)?;
    ensure!(ended.code == 0, "foreign.py ends with {}: {}{}", ended.code, ended.stdout, ended.stderr);
    serde_json::from_str(&ended.stdout).context("foreign.py prints no JSON")
}

fn ask(python: &Path, registry: &Path, files: &[PathBuf]) -> Result<Ended> {
    run(Command::new(python).arg(READER).args(["--cddl", RULES, "--registry"]).arg(registry).args(files))
}

pub(super) fn vectors() -> Result<()> {
    let Some(python) = python() else { return Ok(()) };
    let folder = Path::new(VECTORS).join("v1");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)?.map(|it| Ok(it?.path())).collect::<Result<_>>()?;
    files.retain(|it| it.extension().is_some_and(|it| it == "hex"));
    files.sort();
    let said = read(&python, &folder.join("registry-test.json"), &files)?;
    ensure!(said["items"]["record"].as_u64() >= Some(18), "{said}");
    tell(&format!("other libraries on {} vectors: {said}", files.len()));

    // And it does find what is wrong: a bit of the signature, and a value that the rules do not have.
    let dir = tempfile::tempdir()?;
    let good = fs::read_to_string(folder.join("01-event.hex"))?.replace('\n', "");
    let flipped = dir.path().join("flipped.hex");
    fs::write(&flipped, format!("{}{}", &good[..good.len() - 2], if good.ends_with("00") { "01" } else { "00" }))?;
    let ended = ask(&python, &folder.join("registry-test.json"), &[flipped])?;
    ensure!(ended.code == 1 && ended.stdout.contains("does not verify"), "{}{}", ended.stdout, ended.stderr);
    let quality = dir.path().join("quality.hex");
    // Source 2 of the time block, behind an error of 20 ms, becomes 9, which is none.
    ensure!(good.contains("0314021840"), "the event has another time block: {good}");
    fs::write(&quality, good.replace("0314021840", "0314091840"))?;
    let ended = ask(&python, &folder.join("registry-test.json"), &[quality])?;
    ensure!(ended.code == 1 && ended.stdout.contains("/1/5"), "{}{}", ended.stdout, ended.stderr);
    Ok(())
}

pub(super) fn negatives() -> Result<()> {
    let Some(python) = interpreter() else { return Ok(()) };
    let ended = run(Command::new(&python).arg(AGREE).arg(Path::new(VECTORS).join("signatures")))?;
    ensure!(ended.code == 0, "{}{}", ended.stdout, ended.stderr);
    tell(&format!("signature negatives by verify.py: {}", ended.stdout.trim()));
    Ok(())
}

pub(super) fn world() -> Result<()> {
    let Some(python) = python() else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let setting = Setting { on_disk: true, lead_in: Duration::from_secs(10), ..Setting::of(SCENE) };
        let mut world = World::start(setting).await?;
        world.operate("bench-a", Operation::Start { sample: "T-1".to_owned() }).await?;
        world.until(3 * MINUTE).await;
        world.cut_power().await;
        world.restart().await?;
        world.until(20 * MINUTE + 30 * SECOND).await;
        world.stop().await?;
        let stored = world.centre.stored()?;
        let file = world.stand.dir.join("stored.cborseq");
        fs::write(&file, stored.concat())?;
        let said = read(&python, &world.stand.registry_path(), &[file])?;
        ensure!(said["items"]["record"].as_u64() == u64::try_from(stored.len()).ok(), "{said}");
        // Beginning, recovery, end, inspections and intervals at least.
        let kinds = said["kinds"].as_array().context("no kinds")?;
        for kind in [0, 14, 15] {
            ensure!(kinds.contains(&Value::from(kind)), "no kind {kind} in {said}");
        }
        ensure!(stored.len() >= 40, "only {} records", stored.len());
        tell(&format!("other libraries on a world: {said}"));
        Ok(())
    })
}
