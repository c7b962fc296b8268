//! Parquet tables of the collector, read by `DuckDB`: every value is that of the records.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tidewaiter_agent::inspect::Operation;
use tidewaiter_collector::{
    Core, SqliteStore, Tables,
    export::{Format, Selection, export},
    lake::{Limits, Source, write},
};
use tidewaiter_record::{Ed25519Signer, RegisteredKey, Registry, parse};
use tidewaiter_tests::{
    process::{run, tell},
    tool,
    world::{MINUTE, SECOND, Setting, World},
};

use super::verifier::interpreter;

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/parquet.py");
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../agent/record/vectors/v1");
const COMMAND: &str = "tidewaiter-collector export --format parquet";

/// A Python with `DuckDB`.
fn python() -> Option<PathBuf> {
    let python = interpreter()?;
    let whole = run(Command::new(&python).args(["-c", "import cbor2, duckdb"])).is_ok_and(|it| it.code == 0);
    if !whole {
        tool::missing(
            "no Python with the packages cbor2 and duckdb",
            "target/test-venv/bin/pip install -r tests/interop/requirements.txt",
        );
    }
    whole.then_some(python)
}

/// Exports a store in all ways that are compared; gives what `parquet.py` says.
fn compared(python: &Path, store: &Path, folder: &Path, registry: &Registry, limits: Limits) -> Result<Value> {
    let store = SqliteStore::open_read_only(store)?;
    let which = Selection::default();
    let (lines, sequence) = (folder.join("records.jsonl"), folder.join("records.cborseq"));
    export(&store, Format::Jsonl, &which, &mut File::create(&lines)?)?;
    export(&store, Format::Cborseq, &which, &mut File::create(&sequence)?)?;
    let source = Source { store: &store, registry: Some(registry), command: COMMAND, limits };
    let written = write(&source, &which, &folder.join("lake"))?;
    let ended = run(Command::new(python).arg(READER).arg(folder.join("lake")).arg(lines).arg(sequence))?;
    ensure!(ended.code == 0, "{}{}", ended.stdout, ended.stderr);
    let said: Value = serde_json::from_str(&ended.stdout).context(ended.stdout.clone())?;
    ensure!(said["rows"] == serde_json::to_value(&written.rows)?, "{said}, and written {written:?}");
    Ok(said)
}

/// Every kind of record there is, from the frozen bytes.
pub(super) fn vectors() -> Result<()> {
    let Some(python) = python() else { return Ok(()) };
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("collector.db");
    let signer = Ed25519Signer::from_seed(&[0xce; 32]);
    let mut registry = Registry::from_json(&fs::read_to_string(Path::new(VECTORS).join("registry-test.json"))?)?;
    registry.add(RegisteredKey::centre("another", signer.public_key()))?;
    let mut core = Core::new(registry, Arc::new(signer), SqliteStore::open(&path)?, Tables::builtin())?;
    let mut files: Vec<PathBuf> = fs::read_dir(VECTORS)?.map(|it| Ok(it?.path())).collect::<Result<_>>()?;
    files.retain(|it| {
        it.file_name().and_then(|it| it.to_str()).is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()))
    });
    files.sort();
    // From behind: what waits for a gap is exported too, and the order is that of arrival. Then once more, for those that were
    // signed with a key of which nobody knew yet.
    for (count, file) in files.iter().rev().chain(&files).enumerate() {
        let bytes = hex::decode(fs::read_to_string(file)?.replace('\n', ""))?;
        let agent = parse(&bytes)?.header.agent;
        core.accept(&format!("tw/1/yantian/{agent}/record"), &bytes, 1_790_000_000_000)?;
        if count == files.len() / 2 {
            compared(&python, &path, dir.path(), core.keys(), Limits { rows: 3, bytes: 2_000 })?;
        }
    }
    let said = compared(&python, &path, dir.path(), core.keys(), Limits { rows: 7, bytes: 20_000 })?;
    ensure!(said["rows"]["records"].as_u64() == u64::try_from(files.len()).ok(), "{said}");
    for table in ["inspections", "findings", "readings", "intervals"] {
        ensure!(said["rows"][table].as_u64() >= Some(1), "{said}");
    }
    tell(&format!("DuckDB on the tables of {} vectors: {said}", files.len()));
    Ok(())
}

/// What a lane and a laboratory seal in twenty minutes.
pub(super) fn world() -> Result<()> {
    let Some(python) = python() else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let mut world = World::start(Setting { on_disk: true, ..Setting::of(super::foreign::SCENE) }).await?;
        world.operate("bench-a", Operation::Start { sample: "T-1".to_owned() }).await?;
        world.until(20 * MINUTE + 30 * SECOND).await;
        world.stop().await?;
        let dir = tempfile::tempdir()?;
        let registry = Registry::from_json(&fs::read_to_string(world.stand.registry_path())?)?;
        let store = world.stand.dir.join("centre").join("collector.db");
        let said = compared(&python, &store, dir.path(), &registry, Limits::default())?;
        ensure!(
            said["rows"]["findings"].as_u64() >= Some(20) && said["rows"]["readings"].as_u64() >= Some(500),
            "{said}"
        );
        tell(&format!("DuckDB on the tables of a world: {said}"));
        Ok(())
    })
}
