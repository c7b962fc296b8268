//! `tidewaiter verify`: four answers, never one green tick.

use std::{
    fs::{self, File},
    io::{self, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use tidewaiter_bundle::{check, is_bundle, node_lines};
use tidewaiter_console::Progress;
use tidewaiter_record::{
    Detail, Hash, Record, Registry, Report, SequenceBuffer, Verdict, Verifier,
    verify::{Code, Question},
};
use tidewaiter_words::say;

use super::{
    FINDING, Failure, OK, Outcome,
    output::{outln, said},
};

/// Bytes read at once: some records, whatever the size of the file.
const PIECE: usize = 256 * 1024;

/// Options of `tidewaiter verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Records as exported with `--format cborseq`, in order; receipts and heads of the log may stand among them. Or one bundle.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Key registry.
    #[arg(long, value_name = "JSON")]
    registry: PathBuf,
    /// Folder of the evidence that records name, each file named after its SHA-256; what is not there is a finding.
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> Failure {
    move |why| Failure::environment(format!("{}: {why}", path.display()))
}

pub(super) fn verify(args: &VerifyArgs) -> Outcome {
    let path = &args.registry;
    let text = fs::read_to_string(path).map_err(unreadable(path))?;
    let registry = Registry::from_json(&text).map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
    if let [path] = args.files.as_slice()
        && begins_a_bundle(path)?
    {
        return verify_bundle(args, path, &registry);
    }
    let mut verifier = Verifier::new(&registry);
    if let Some(folder) = &args.evidence {
        if !folder.is_dir() {
            return Err(Failure::usage(said!("say-not-folder", path = folder.display())));
        }
        verifier = verifier.with_evidence();
    }
    let progress = Progress::bytes(size_of(&args.files));
    for path in &args.files {
        read(path, args.evidence.as_deref(), &mut verifier, &progress)?;
    }
    progress.clear();
    let report = verifier.finish();
    if args.json {
        outln!("{}", serde_json::to_string(&report).map_err(Failure::environment)?);
    } else {
        print(&report, args.evidence.is_some());
    }
    Ok(if report.is_bad() { FINDING } else { OK })
}

fn begins_a_bundle(path: &Path) -> Result<bool, Failure> {
    let failed = |why| Failure::environment(format!("{}: {why}", path.display()));
    let mut beginning = Vec::new();
    File::open(path).map_err(failed)?.take(512).read_to_end(&mut beginning).map_err(failed)?;
    Ok(is_bundle(&beginning))
}

fn verify_bundle(args: &VerifyArgs, path: &Path, registry: &Registry) -> Outcome {
    let file = File::open(path).map_err(|why| Failure::environment(format!("{}: {why}", path.display())))?;
    let checked =
        check(BufReader::new(file), registry).map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
    if args.json {
        let mut object = serde_json::to_value(&checked.report).map_err(Failure::environment)?;
        if let Some(object) = object.as_object_mut() {
            let bundle = serde_json::json!({
                "manifest": checked.manifest,
                "damage": checked.damage,
                "proofs": checked.proofs,
                "heads": checked.heads,
                "nodes": checked.nodes,
            });
            object.insert("bundle".to_owned(), bundle);
        }
        outln!("{object}");
    } else {
        print(&checked.report, false);
        let language = tidewaiter_console::language();
        if checked.damage.is_empty() {
            let parts = [
                ("files", (checked.manifest.files.len() as u64).into()),
                ("proofs", checked.proofs.into()),
                ("heads", checked.heads.into()),
            ];
            outln!("{}", say(language, "bundle-checked", &parts));
        }
        for damage in &checked.damage {
            let parts = [("file", (&damage.file).into()), ("what", (&damage.what).into())];
            outln!("{}", say(language, "bundle-damaged", &parts));
        }
        if !checked.nodes.is_empty() {
            let bad = checked.nodes.iter().filter(|it| !it.findings.is_empty());
            let parts =
                [("records", (checked.nodes.len() as u64).into()), ("bad", (bad.clone().count() as u64).into())];
            outln!("{}", say(language, "bundle-nodes-checked", &parts));
            for record in bad {
                for sentence in node_lines(language, record) {
                    outln!("{}", say(language, "bundle-node-line", &[("said", (&sentence).into())]));
                }
            }
        }
    }
    Ok(if checked.is_bad() { FINDING } else { OK })
}

// Puts one file to the verifier, and looks for the evidence that its records name.
fn read(path: &Path, evidence: Option<&Path>, verifier: &mut Verifier<'_>, progress: &Progress) -> Result<(), Failure> {
    let mut piece = vec![0; PIECE];
    let mut file = File::open(path).map_err(unreadable(path))?;
    let mut sequence = SequenceBuffer::new();
    loop {
        let read = file.read(&mut piece).map_err(unreadable(path))?;
        if read == 0 {
            if let Err(broken) = sequence.finish() {
                verifier.push_broken(&broken);
            }
            return Ok(());
        }
        progress.add(read as u64);
        sequence.feed(piece.get(..read).unwrap_or_default());
        loop {
            match sequence.next_item() {
                Ok(Some(item)) => {
                    let record = verifier.push(item);
                    if let (Some(folder), Some((hash, size))) = (evidence, record.as_ref().and_then(named))
                        && is_there(folder, hash, size)?
                    {
                        verifier.evidence_present(hash, size);
                    }
                }
                Ok(None) => break,
                Err(broken) => {
                    // Where one item ends is unknown, so nothing behind it can be told apart.
                    verifier.push_broken(&broken);
                    return Ok(());
                }
            }
        }
    }
}

// The evidence that a record names and does not hold.
fn named(record: &Record) -> Option<(Hash, u64)> {
    match &record.body.detail {
        Detail::Evidence(evidence) if evidence.content.is_none() => Some((evidence.hash, evidence.size)),
        _ => None,
    }
}

// Whether the folder has content of this hash and size; it is read only if the size is right, which is bounded.
fn is_there(folder: &Path, hash: Hash, size: u64) -> Result<bool, Failure> {
    let path = folder.join(hash.to_string());
    match fs::metadata(&path) {
        Ok(found) if found.is_file() && found.len() == size => {
            Ok(Hash::of(&fs::read(&path).map_err(unreadable(&path))?) == hash)
        }
        Ok(_) => Ok(false),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(false),
        Err(why) => Err(unreadable(&path)(why)),
    }
}

/// How many bytes there are to read, where all of `files` are files.
fn size_of(files: &[PathBuf]) -> Option<u64> {
    files.iter().map(|it| fs::metadata(it).ok().filter(fs::Metadata::is_file).map(|it| it.len())).sum()
}

// `looked` is whether a folder of evidence was given.
fn print(report: &Report, looked: bool) {
    let language = tidewaiter_console::language();
    let ask = |question: &str| say(language, &format!("question-{question}"), &[]);
    let first = report.chains.iter().map(|chain| chain.first_seq).min().unwrap_or(0);
    let last = report.chains.iter().map(|chain| chain.last_seq).max().unwrap_or(0);
    for (question, verdict) in [
        ("signature", &report.signature),
        ("chain", &report.chain),
        ("completeness", &report.completeness),
        ("time", &report.time),
    ] {
        let answer = match verdict {
            Verdict::Ok => {
                let numbers = [("records", report.records.into()), ("first", first.into()), ("last", last.into())];
                say(language, &format!("answer-{question}-ok"), &numbers)
            }
            Verdict::Bad { count } => say(language, &format!("answer-{question}-bad"), &[("bad", (*count).into())]),
            Verdict::NotChecked { why } => say(language, "answer-not-checked", &[("why", why.into())]),
        };
        outln!("{}: {answer}", ask(question));
    }
    let simulated = if report.simulated {
        say(language, "answer-simulated-yes", &[("records", report.accepted.into())])
    } else {
        say(language, "answer-simulated-no", &[])
    };
    outln!("{}: {simulated}", ask("simulated"));
    if report.evidence_named > 0 {
        let missing = report.findings.iter().any(|it| it.code == Code::EvidenceMissing);
        let answer = match (looked, missing) {
            (false, _) => "answer-evidence-not-given",
            (true, false) => "answer-evidence-ok",
            (true, true) => "answer-evidence-bad",
        };
        outln!("{}: {}", ask("evidence"), say(language, answer, &[("records", report.evidence_named.into())]));
    }
    for finding in &report.findings {
        let number = finding.seq.map_or_else(|| "?".to_owned(), |seq| seq.to_string());
        let question = match finding.question {
            Question::Signature => ask("signature"),
            Question::Chain => ask("chain"),
            Question::Completeness => ask("completeness"),
            Question::Time => ask("time"),
            Question::Simulated => ask("simulated"),
            Question::Note => finding.code.word().to_owned(),
        };
        let parts = [("number", (&number).into()), ("question", (&question).into()), ("what", (&finding.what).into())];
        outln!("  {}", say(language, "verify-finding", &parts));
        if finding.question != Question::Note {
            outln!("    {}", say(language, "verify-way", &[("way", finding.way.into())]));
        }
    }
    if report.findings_left_out > 0 {
        outln!("  … {}", report.findings_left_out);
    }
}
