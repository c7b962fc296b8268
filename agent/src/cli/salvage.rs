//! `tidewaiter salvage`: what the store of a dead board still holds, checked with its own statement, for the centre to take in.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;
use tidewaiter_console::Progress;
use tidewaiter_record::{Detail, Hash, Registry, RegistryClass, Statement, Verdict, Verifier, parse};

use super::{
    FINDING, Failure, OK, Outcome,
    bundle::EVIDENCE_DIR,
    output::{outln, said},
};
use crate::{
    keys::STATEMENT_FILE,
    outbox::{Archive, Entry, SqliteStore, StoreError},
};

/// Records read at once.
const PAGE: usize = 256;

/// Options of `tidewaiter salvage`.
#[derive(Debug, Args)]
pub(super) struct SalvageArgs {
    /// Data directory of the dead agent, as mounted; nothing in it is changed.
    dir: PathBuf,
    /// File to write; evidence goes into a folder beside it, named like it with the ending `.evidence`.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What was saved.
#[derive(Debug, Default, Serialize)]
struct Saved {
    agent: String,
    chain: String,
    records: u64,
    first: Option<u64>,
    last: Option<u64>,
    /// Records whose bytes have changed on the disk.
    rotten: Vec<u64>,
    /// Contents of evidence that were there and right.
    contents: u64,
    /// Contents that records name and that were not, or not right any more.
    lost: Vec<String>,
    /// Where reading ended early.
    ended: Option<String>,
    signature: String,
    chain_answer: String,
}

/// A copy to work on: opening a store writes to it, and the original is evidence.
struct Copy(PathBuf);

impl Copy {
    fn of(dir: &Path, out: &Path) -> Result<Self, Failure> {
        let mut name = out.as_os_str().to_owned();
        name.push(".work");
        let work = PathBuf::from(name);
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |why| Failure::environment(format!("{path}: {why}"))
        };
        fs::create_dir(&work).map_err(failed(&work))?;
        let copy = Self(work);
        for ending in ["", "-wal"] {
            let file = format!("{}{ending}", SqliteStore::FILE);
            let from = dir.join(&file);
            if ending.is_empty() || from.exists() {
                fs::copy(&from, copy.0.join(&file)).map_err(failed(&from))?;
            }
        }
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn salvage(args: &SalvageArgs) -> Outcome {
    let path = args.dir.join(STATEMENT_FILE);
    let bytes = fs::read(&path).map_err(|why| Failure::environment(format!("{}: {why}", path.display())))?;
    let statement =
        Statement::open(&bytes).map_err(|why| Failure::environment(format!("{}: {why}", path.display())))?;
    let class = if statement.simulated { RegistryClass::Test } else { RegistryClass::Production };
    let mut registry = Registry::new(class);
    registry.add(statement.register(Hash::of(&bytes))).map_err(Failure::environment)?;

    let failed = |why| Failure::environment(format!("{}: {why}", args.out.display()));
    let file = OpenOptions::new().write(true).create_new(true).open(&args.out).map_err(failed)?;
    let copy = Copy::of(&args.dir, &args.out)?;
    let archive = Archive::open(&copy.0).map_err(Failure::environment)?;
    let mut saved = Saved { agent: statement.agent.clone(), chain: statement.chain.to_string(), ..Saved::default() };
    let mut verifier = Verifier::new(&registry);
    let mut named = Vec::new();
    let mut out = BufWriter::new(file);
    let progress = Progress::records(archive.summary().ok().and_then(|it| Some(it.head? + 1 - it.oldest?)));
    walk(&archive, &mut saved, |entry, saved| {
        progress.add(1);
        if saved.first.is_none() && entry.seq > 0 {
            // What was trimmed has a receipt; the chain is checked from here.
            verifier = Verifier::new(&registry).from_seq(entry.seq);
        }
        verifier.push(&entry.bytes);
        if let Ok(record) = parse(&entry.bytes)
            && let Detail::Evidence(it) = &record.body.detail
            && it.content.is_none()
        {
            named.push(it.hash);
        }
        saved.records += 1;
        saved.first.get_or_insert(entry.seq);
        saved.last = Some(entry.seq);
        out.write_all(&entry.bytes)
    })
    .map_err(failed)?;
    progress.clear();
    let file = out.into_inner().map_err(|why| failed(why.into_error()))?;
    file.sync_all().map_err(failed)?;
    let contents = args.out.with_extension("evidence");
    evidence(&args.dir.join(EVIDENCE_DIR), &contents, &named, &mut saved)?;

    let report = verifier.finish();
    saved.signature = word(&report.signature);
    saved.chain_answer = word(&report.chain);
    let is_bad = report.is_bad() || !saved.rotten.is_empty() || !saved.lost.is_empty() || saved.ended.is_some();
    if args.json {
        outln!("{}", serde_json::to_string(&saved).map_err(Failure::environment)?);
    } else {
        print(args, &saved, &contents);
        for finding in &report.findings {
            outln!("  {}", finding.what);
        }
    }
    Ok(if is_bad { FINDING } else { OK })
}

fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Ok => "ok".to_owned(),
        Verdict::Bad { count } => format!("bad ({count})"),
        Verdict::NotChecked { why } => format!("not checked: {why}"),
    }
}

fn print(args: &SalvageArgs, saved: &Saved, contents: &Path) {
    let number = |seq: Option<u64>| seq.map_or_else(|| said!("status-none"), |seq| format!("#{seq}"));
    outln!(
        "{}",
        said!(
            "salvage-sum",
            path = args.out.display(),
            records = saved.records,
            agent = saved.agent,
            first = number(saved.first),
            last = number(saved.last),
            contents = saved.contents
        )
    );
    outln!("{}", said!("salvage-answers", signature = saved.signature, chain = saved.chain_answer));
    for seq in &saved.rotten {
        outln!("  {}", said!("salvage-rotten", number = seq));
    }
    for hash in &saved.lost {
        outln!("  {}", said!("salvage-lost", hash = hash));
    }
    if let Some(why) = &saved.ended {
        outln!("  {}", said!("salvage-ended", why = why));
    }
    let evidence = if saved.contents > 0 { format!(" --evidence {}", contents.display()) } else { String::new() };
    let command =
        format!("tidewaiter-collector import {} --site SITE{evidence} --config collector.toml", args.out.display());
    outln!("{}", said!("salvage-next", command = command));
}

/// Walks over what can be read; a record that has rotted is left out, and reading goes on behind it.
fn walk(
    archive: &Archive,
    saved: &mut Saved,
    mut each: impl FnMut(&Entry, &mut Saved) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let (mut next, mut limit) = (0, PAGE);
    loop {
        match archive.entries(next, limit) {
            Ok(page) => {
                let Some(last) = page.last() else { return Ok(()) };
                next = last.seq + 1;
                for entry in &page {
                    each(entry, saved)?;
                }
                limit = PAGE;
            }
            // One of the page; looked for one by one.
            Err(StoreError::Rotten { .. }) if limit > 1 => limit = 1,
            Err(StoreError::Rotten { seq, .. }) => {
                saved.rotten.push(seq);
                next = seq + 1;
            }
            Err(_) if limit > 1 => limit = 1,
            Err(why) => {
                saved.ended = Some(why.to_string());
                return Ok(());
            }
        }
    }
}

/// Copies the contents named that are there and right.
fn evidence(from: &Path, to: &Path, named: &[Hash], saved: &mut Saved) -> Result<(), Failure> {
    let failed = |path: &Path, why: std::io::Error| Failure::environment(format!("{}: {why}", path.display()));
    for hash in named {
        let content = fs::read(from.join(hash.to_string())).ok().filter(|content| Hash::of(content) == *hash);
        let Some(content) = content else {
            saved.lost.push(hash.to_string());
            continue;
        };
        fs::create_dir_all(to).map_err(|why| failed(to, why))?;
        let path = to.join(hash.to_string());
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&content)?;
            file.sync_all()
        });
        written.map_err(|why| failed(&path, why))?;
        saved.contents += 1;
    }
    Ok(())
}
