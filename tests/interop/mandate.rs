//! The client of signed orders in Python against the frozen vectors: the same answer at every step of every case.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tidewaiter_tests::process::run;

use super::verifier::interpreter;

/// The second client.
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/mandate.py");

pub(super) fn python() -> Result<()> {
    let Some(python) = interpreter() else { return Ok(()) };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/record/vectors/mandate1");
    let mut documents: Vec<PathBuf> = fs::read_dir(&folder)?.map(|it| Ok(it?.path())).collect::<Result<_>>()?;
    documents.retain(|it| it.extension().is_some_and(|it| it == "hex"));
    documents.sort();
    let ended = run(Command::new(python).arg(CLIENT).arg(folder.join("cases.json")).args(&documents))?;
    let said: Value = serde_json::from_str(&ended.stdout).with_context(|| ended.stderr.clone())?;
    ensure!(ended.code == 0, "mandate.py differs from the vectors: {}", said["differences"]);
    let cases = said["cases"].as_u64().unwrap_or(0);
    ensure!(cases >= 30, "{cases} cases");
    ensure!(said["documents"].as_object().is_some_and(|it| it.len() == documents.len()), "{}", said["documents"]);
    println!("mandate.py agrees on {cases} cases and {} documents", documents.len());
    Ok(())
}
