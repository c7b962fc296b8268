//! `tidewaiter recompute`: the verdicts of stored records again, from the records and the table files alone.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use serde_json::json;
use tidewaiter_recompute::{Recomputed, Tables, recompute};
use tidewaiter_record::{Detail, Record, SequenceBuffer, parse};

use super::{
    FINDING, Failure, OK, Outcome, Place,
    output::{outln, said},
};
use crate::outbox::Archive;

/// Records read from the store at once.
const PIECE: usize = 256;

/// Options of `tidewaiter recompute`.
#[derive(Debug, Args)]
pub(super) struct RecomputeArgs {
    /// Records as exported with `--format cborseq`; without any, those of the store.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder with the site's own limit tables and programmes, beside those that come with the program.
    #[arg(long, value_name = "DIR")]
    limits: Option<PathBuf>,
    /// One JSON object for each inspection, and one with the counts.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What came of all records.
#[derive(Debug, Default)]
struct Counts {
    same: u64,
    drift: u64,
    not_done: u64,
    other: u64,
}

pub(super) fn run(args: &RecomputeArgs) -> Outcome {
    let tables = Tables::load(args.limits.as_deref()).map_err(Failure::usage)?;
    let mut counts = Counts::default();
    if args.files.is_empty() {
        let archive = Archive::open(&args.place.data_dir()?).map_err(Failure::environment)?;
        let mut from = 0;
        loop {
            let entries = archive.entries(from, PIECE).map_err(Failure::environment)?;
            let Some(last) = entries.last() else { break };
            from = last.seq + 1;
            for entry in &entries {
                take(&entry.bytes, &tables, args.json, &mut counts)?;
            }
        }
    }
    for path in &args.files {
        let unreadable = |why: &dyn std::fmt::Display| Failure::environment(format!("{}: {why}", path.display()));
        let bytes = std::fs::read(path).map_err(|why| unreadable(&why))?;
        let mut sequence = SequenceBuffer::new();
        sequence.feed(&bytes);
        while let Some(item) = sequence.next_item().map_err(|why| unreadable(&why))? {
            take(item, &tables, args.json, &mut counts)?;
        }
        sequence.finish().map_err(|why| unreadable(&why))?;
    }
    let Counts { same, drift, not_done, other } = counts;
    if args.json {
        outln!("{}", json!({ "same": same, "drift": drift, "not_done": not_done, "other": other }));
    } else {
        outln!("{}", said!("recompute-sum", same = same, drift = drift, undone = not_done, other = other));
    }
    Ok(if drift == 0 && not_done == 0 { OK } else { FINDING })
}

fn take(bytes: &[u8], tables: &Tables, as_json: bool, counts: &mut Counts) -> Result<(), Failure> {
    // Receipts and statements may stand among the records of a file; `verify` judges them.
    let Ok(record) = parse(bytes) else {
        counts.other += 1;
        return Ok(());
    };
    let (word, why) = match recompute(&record, tables) {
        Recomputed::NotAsked => {
            counts.other += 1;
            return Ok(());
        }
        Recomputed::Same => {
            counts.same += 1;
            ("same", None)
        }
        Recomputed::Drift(why) => {
            counts.drift += 1;
            ("drift", Some(why))
        }
        Recomputed::NotDone(why) => {
            counts.not_done += 1;
            ("not-done", Some(why))
        }
    };
    if as_json {
        let told: BTreeMap<&str, serde_json::Value> = [
            ("seq", json!(record.header.seq)),
            ("inspection", json!(inspection_id(&record))),
            ("recomputed", json!(word)),
            ("why", json!(why)),
        ]
        .into();
        outln!("{}", serde_json::to_string(&told).map_err(Failure::environment)?);
    } else if let Some(why) = why {
        let word = said!(&format!("recompute-{word}"));
        outln!("#{} {}: {word}: {why}", record.header.seq, inspection_id(&record));
    }
    Ok(())
}

fn inspection_id(record: &Record) -> &str {
    match &record.body.detail {
        Detail::Inspection(detail) => &detail.id,
        _ => "",
    }
}
