//! The bundle for support: what tells a stranger how this machine stands, and nothing that opens a door.
//!
//! ```text
//! doctor.json        the answers                     site.toml      the site file without notes and secrets
//! status.json        the running agent's status      version.json   this software
//! records.txt        number, time and kind of the newest records: no subjects, no values
//! files.txt          names, sizes and modes in the data directory: no content
//! system.txt         machine, kernel, distribution   journal.txt    the newest lines of the service's log
//! ```
//!
//! Files are never copied: each is written anew from what is known to be harmless, and passes the sieve of `redact.rs`.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tidewaiter_config::site::Site;

use super::{Answers, local::UNIT, redact};
use crate::{
    app::SOFTWARE,
    cli::{Failure, output::said},
    lane::record_view,
    outbox::Archive,
};

/// Newest records named.
const RECORDS: u64 = 500;
/// Newest lines of the log.
const LINES: &str = "2000";
/// Folder in the archive.
const FOLDER: &str = "tidewaiter-support";

/// What goes into a bundle.
pub(super) struct Gathered<'a> {
    pub(super) config: &'a Path,
    pub(super) site: Option<&'a Site>,
    pub(super) answers: &'a Answers,
    pub(super) status: Option<Value>,
}

/// Writes the bundle, readable by its owner alone.
pub(super) fn write(gathered: &Gathered<'_>, out: &Path) -> Result<(), Failure> {
    let failed = |why: std::io::Error| match why.kind() {
        ErrorKind::AlreadyExists => Failure::environment(said!("new-exists", path = out.display())),
        _ => Failure::environment(format!("{}: {why}", out.display())),
    };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(failed)?;
    let mut archive = tar::Builder::new(GzEncoder::new(&file, Compression::default()));
    for (name, text) in files(gathered) {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        let path = format!("{FOLDER}/{name}");
        archive.append_data(&mut header, path, text.as_bytes()).map_err(failed)?;
    }
    archive.into_inner().and_then(GzEncoder::finish).map_err(failed)?;
    (&file).flush().and_then(|()| file.sync_all()).map_err(failed)
}

fn files(gathered: &Gathered<'_>) -> Vec<(&'static str, String)> {
    let mut checks = json!({ "checks": gathered.answers.0 });
    redact::json(&mut checks);
    let mut files = vec![
        ("doctor.json", pretty(&checks)),
        ("version.json", pretty(&json!({ "software": SOFTWARE }))),
        ("site.toml", site(gathered.config)),
        ("system.txt", redact::text(&system())),
    ];
    if let Some(mut status) = gathered.status.clone() {
        redact::json(&mut status);
        files.push(("status.json", pretty(&status)));
    }
    if let Some(site) = gathered.site {
        files.push(("files.txt", listing(&site.store.dir)));
        if let Some(text) = records(&site.store.dir) {
            files.push(("records.txt", text));
        }
    }
    if let Some(text) = journal() {
        files.push(("journal.txt", redact::text(&text)));
    }
    files
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn site(path: &Path) -> String {
    let told = fs::read_to_string(path).ok().and_then(|text| redact::site(&text));
    // What cannot be read cannot be cleaned either; the places of its faults stand in doctor.json.
    told.unwrap_or_else(|| "# no TOML: left out\n".to_owned())
}

/// Names, sizes and modes. A name may be an identity too, so it is sieved.
fn listing(dir: &Path) -> String {
    let mut lines = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if let Ok(it) = entry.metadata() {
            let name = entry.file_name().to_string_lossy().into_owned();
            lines.push(format!("{:o} {} {} {}", it.mode(), it.uid(), it.len(), redact::text(&name)));
        }
    }
    lines.sort_by(|a, b| a.rsplit(' ').next().cmp(&b.rsplit(' ').next()));
    lines.join("\n") + "\n"
}

/// Number, time and kind of the newest records.
fn records(dir: &Path) -> Option<String> {
    let archive = Archive::open(dir).ok()?;
    let head = archive.summary().ok()?.head?;
    let entries = archive.entries(head.saturating_sub(RECORDS - 1), usize::try_from(RECORDS).ok()?).ok()?;
    let line = |entry: &crate::outbox::Entry| {
        let view = record_view(&entry.bytes);
        let text = |key: &str| view.get(key).and_then(Value::as_str).unwrap_or("–").to_owned();
        let name = view.pointer("/detail/name").and_then(Value::as_str).unwrap_or_default();
        format!("#{} {} {} {name}", entry.seq, text("time"), text("kind")).trim_end().to_owned()
    };
    Some(redact::text(&(entries.iter().map(line).collect::<Vec<_>>().join("\n") + "\n")))
}

fn system() -> String {
    let uname = rustix::system::uname();
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    format!(
        "{} {} {}\n{}\nuptime {}load {}meminfo\n{}",
        uname.sysname().to_string_lossy(),
        uname.release().to_string_lossy(),
        uname.machine().to_string_lossy(),
        read("/etc/os-release"),
        read("/proc/uptime"),
        read("/proc/loadavg"),
        read("/proc/meminfo").lines().take(5).collect::<Vec<_>>().join("\n"),
    )
}

fn journal() -> Option<String> {
    let told =
        Command::new("journalctl").args(["-u", UNIT, "-n", LINES, "--no-pager", "-o", "short-iso"]).output().ok()?;
    told.status.success().then(|| String::from_utf8_lossy(&told.stdout).into_owned())
}
