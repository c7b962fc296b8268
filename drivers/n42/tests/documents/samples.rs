//! Where the standard's files are, and who judges by its schema.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

/// The folder of the standard's files, if there is one.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("TIDEWAITER_SAMPLES").map(|samples| PathBuf::from(samples).join("n42"));
    match folder {
        Some(folder) if folder.join("n42.xsd").is_file() => Some(folder),
        _ => {
            say("skipped: TIDEWAITER_SAMPLES names no folder with n42/n42.xsd in it");
            None
        }
    }
}

/// One of its files.
pub(crate) fn file(name: &str) -> Option<Vec<u8>> {
    Some(fs::read(folder()?.join(name)).unwrap())
}

/// Says something even when the test passes: what is written to standard error directly is not captured.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// What `xmllint` says of a document by the standard's schema: nothing when valid; `None` when it cannot be asked.
pub(crate) fn invalid(document: &str) -> Option<Result<(), String>> {
    let schema = folder()?.join("n42.xsd");
    let child = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        say("skipped: xmllint is not installed (libxml2-utils)");
        return None;
    };
    child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}
