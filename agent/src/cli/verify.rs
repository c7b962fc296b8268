//! `tidewaiter verify`: four answers, never one green tick.

use std::{fs::File, io::Read, path::PathBuf};

use clap::Args;
use tidewaiter_record::{Registry, Report, SequenceBuffer, Verdict, Verifier};
use tidewaiter_words::{Language, say};

use super::{FINDING, Failure, OK, Outcome};

/// Bytes read at once: some records, whatever the size of the file.
const PIECE: usize = 256 * 1024;

/// Options of `tidewaiter verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Records as exported with `--format cborseq`, in order; receipts may stand among them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Key registry.
    #[arg(long, value_name = "JSON")]
    registry: PathBuf,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn verify(args: &VerifyArgs) -> Outcome {
    let path = &args.registry;
    let text = std::fs::read_to_string(path).map_err(|why| Failure::environment(format!("{}: {why}", path.display())))?;
    let registry = Registry::from_json(&text).map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
    let mut verifier = Verifier::new(&registry);
    let mut piece = vec![0; PIECE];
    for path in &args.files {
        let mut file = File::open(path).map_err(|why| Failure::environment(format!("{}: {why}", path.display())))?;
        let mut sequence = SequenceBuffer::new();
        'file: loop {
            let read = file.read(&mut piece).map_err(|why| Failure::environment(format!("{}: {why}", path.display())))?;
            if read == 0 {
                if let Err(broken) = sequence.finish() {
                    verifier.push_broken(&broken);
                }
                break;
            }
            sequence.feed(piece.get(..read).unwrap_or_default());
            loop {
                match sequence.next_item() {
                    Ok(Some(item)) => {
                        verifier.push(item);
                    }
                    Ok(None) => break,
                    Err(broken) => {
                        // Where one item ends is unknown, so nothing behind it can be told apart.
                        verifier.push_broken(&broken);
                        break 'file;
                    }
                }
            }
        }
    }
    let report = verifier.finish();
    if args.json {
        println!("{}", serde_json::to_string(&report).map_err(Failure::environment)?);
    } else {
        print(&report);
    }
    Ok(if report.is_bad() { FINDING } else { OK })
}

fn print(report: &Report) {
    let _ = (Language::from_env(), say as fn(_, _, _) -> _);
    println!("{} records", report.records);
    for (name, verdict) in [
        ("signature", &report.signature),
        ("chain", &report.chain),
        ("completeness", &report.completeness),
        ("time", &report.time),
    ] {
        match verdict {
            Verdict::Ok => println!("{name}: ok"),
            other => println!("{name}: {other:?}"),
        }
    }
    println!("simulated: {}", if report.simulated { "yes" } else { "no" });
    for finding in &report.findings {
        println!("  {finding:?}");
    }
}
