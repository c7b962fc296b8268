//! `tidewaiter fsck`: is the store what was written to it.

use std::{fs, path::PathBuf};

use clap::Args;
use serde_json::json;
use tidewaiter_console::Progress;
use tidewaiter_record::Registry;
use tidewaiter_words::say;

use super::{FINDING, Failure, OK, Outcome, output::outln};
use crate::outbox::fsck::{Checked, check_watched};

/// Options of `tidewaiter fsck`.
#[derive(Debug, Args)]
pub(super) struct FsckArgs {
    /// Data directory of the agent.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Key registry, instead of the enrolment statement in the data directory; receipts need it.
    #[arg(long, value_name = "JSON")]
    registry: Option<PathBuf>,
    /// The centre's newest receipt: without one, an older copy of the whole store looks in order.
    #[arg(long, value_name = "FILE", requires = "registry")]
    receipt: Vec<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn fsck(args: &FsckArgs) -> Outcome {
    let gone = |path: &PathBuf, why: &std::io::Error| Failure::environment(format!("{}: {why}", path.display()));
    let registry = match &args.registry {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|why| gone(path, &why))?;
            Some(Registry::from_json(&text).map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?)
        }
        None => None,
    };
    let receipts = args.receipt.iter().map(|path| fs::read(path).map_err(|why| gone(path, &why)));
    let receipts = receipts.collect::<Result<Vec<_>, _>>()?;
    let progress = Progress::records(None);
    let checked = check_watched(&args.dir, registry.as_ref(), &receipts, &mut |done, total| {
        progress.of(total);
        progress.at(done);
    })
    .map_err(Failure::environment)?;
    progress.clear();
    if args.json {
        outln!("{}", in_json(&checked));
    } else {
        print(&checked, !receipts.is_empty());
    }
    Ok(if checked.damage.is_empty() { OK } else { FINDING })
}

fn in_json(checked: &Checked) -> serde_json::Value {
    let damage = checked.damage.iter().map(|it| json!({ "class": it.class.word(), "seq": it.seq, "what": it.what }));
    json!({
        "records": checked.records,
        "first": checked.first,
        "last": checked.last,
        "receipted": checked.receipted,
        "evidence": checked.evidence,
        "damage": damage.collect::<Vec<_>>(),
        "left_out": checked.left_out,
    })
}

fn print(checked: &Checked, receipts: bool) {
    let language = tidewaiter_console::language();
    let number = |it: Option<u64>| it.map_or_else(|| "–".to_owned(), |it| it.to_string());
    let (first, last, receipted) = (number(checked.first), number(checked.last), number(checked.receipted));
    let counts = [
        ("records", checked.records.into()),
        ("first", (&first).into()),
        ("last", (&last).into()),
        ("receipted", (&receipted).into()),
        ("evidence", checked.evidence.into()),
    ];
    outln!("{}", say(language, "fsck-read", &counts));
    if checked.damage.is_empty() {
        outln!("{}", say(language, "fsck-sound", &[]));
        if !receipts {
            outln!("{}", say(language, "fsck-no-receipt", &[]));
        }
        return;
    }
    for damage in &checked.damage {
        let class = say(language, &format!("fsck-class-{}", damage.class.word()), &[]);
        let seq = number(damage.seq);
        let parts = [("number", (&seq).into()), ("class", (&class).into()), ("what", (&damage.what).into())];
        outln!("  {}", say(language, "fsck-finding", &parts));
    }
    if checked.left_out > 0 {
        outln!("  … {}", checked.left_out);
    }
    outln!("{}", say(language, "fsck-way", &[]));
}
