//! `tidewaiter bundle`: a case in one file, for somebody who must be able to check it without us.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
};

use clap::Args;
use tidewaiter_bundle::{Case, MAX_RECORDS, about};
use tidewaiter_config::{limits::builtin_texts, site::Site};
use tidewaiter_record::{ChainId, Hash, Registry, open_receipt, parse};

use super::{
    Failure, OK, Outcome, Place,
    output::{outln, said},
    place,
};
use crate::{
    app::SOFTWARE,
    clock::{Clock, SystemClock},
    downlink::TABLES_DIR,
    keys::{BelievedError, STATEMENT_FILE, believed, registry_file},
    outbox::{Archive, Entry, RECEIPT_NOTE},
};

/// Records read at once.
const PAGE: usize = 256;
/// Largest limit table or plan taken along.
const MAX_TABLE: u64 = 1 << 20;
/// Folder of evidence in the data directory.
pub(super) const EVIDENCE_DIR: &str = "evidence";
/// Records taken before the first one asked for, where the chain's beginning is further away.
const BEFORE: u64 = 4096;

/// Options of `tidewaiter bundle`.
#[derive(Debug, Args)]
pub(super) struct BundleArgs {
    /// Record numbers or inspection ids.
    #[arg(required = true, value_name = "SEQ|INSPECTION")]
    asked: Vec<String>,
    /// The file to write.
    #[arg(long, value_name = "TAR")]
    out: PathBuf,
    /// Key registry for the report's answers; the site's own unless given.
    #[arg(long, value_name = "JSON")]
    registry: Option<PathBuf>,
    /// More folders with limit tables and plans. The site's own, the folder of its [limits] and its plan, are taken from
    /// anyway.
    #[arg(long, value_name = "DIR")]
    tables: Vec<PathBuf>,
    /// Print the manifest.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn bundle(args: &BundleArgs) -> Outcome {
    let site = args.place.config.as_deref().map(place::site).transpose()?;
    let dir = match &site {
        Some(site) => site.store.dir.clone(),
        None => args.place.data_dir()?,
    };
    let archive = Archive::open(&dir).map_err(Failure::environment)?;
    let registry = registry(args, site.as_ref(), &dir)?;
    let asked = find(&archive, &args.asked)?;
    let case = gather(&archive, &dir, &registry, asked, args, site.as_ref())?;
    let file = File::create(&args.out).map_err(|why| Failure::environment(format!("{}: {why}", args.out.display())))?;
    let manifest = case
        .write(&registry, BufWriter::new(&file))
        .map_err(|why| Failure::environment(format!("{}: {why}", args.out.display())))?;
    file.sync_all().map_err(Failure::environment)?;
    if args.json {
        outln!("{}", serde_json::to_string(&manifest).map_err(Failure::environment)?);
    } else {
        outln!(
            "{}",
            said!(
                "bundle-written",
                path = args.out.display(),
                first = manifest.first_seq,
                last = manifest.last_seq,
                files = manifest.files.len() + 1,
                absent = manifest.absent.len()
            )
        );
    }
    Ok(OK)
}

/// The site's registry with this agent's own entry, or the one given.
fn registry(args: &BundleArgs, site: Option<&Site>, dir: &Path) -> Result<Registry, Failure> {
    let centre = site.and_then(|site| site.uplink.as_ref()).map(|uplink| uplink.registry.as_path());
    let read = match &args.registry {
        Some(path) => registry_file(path),
        None => believed(dir, centre),
    };
    read.map_err(|why| match why {
        BelievedError::File { .. } => Failure::environment(why),
        BelievedError::Content { .. } => Failure::usage(why.to_string()),
    })
}

/// Walks over the stored records.
fn walk(archive: &Archive, from: u64, mut each: impl FnMut(Entry) -> bool) -> Result<(), Failure> {
    let mut next = from;
    loop {
        let page = archive.entries(next, PAGE).map_err(Failure::environment)?;
        let Some(last) = page.last() else { return Ok(()) };
        next = last.seq + 1;
        for entry in page {
            if !each(entry) {
                return Ok(());
            }
        }
    }
}

/// The numbers asked for; an inspection stands for itself and for what was recorded about it later.
fn find(archive: &Archive, asked: &[String]) -> Result<BTreeSet<u64>, Failure> {
    let mut found: BTreeSet<u64> = asked.iter().filter_map(|text| text.parse().ok()).collect();
    let ids: BTreeSet<&str> = asked.iter().filter(|text| text.parse::<u64>().is_err()).map(String::as_str).collect();
    let mut met = BTreeSet::new();
    if !ids.is_empty() {
        walk(archive, 0, |entry| {
            let Ok(record) = parse(&entry.bytes) else { return true };
            for id in about(&record).into_iter().filter(|id| ids.contains(id)) {
                met.insert(id.to_owned());
                found.insert(entry.seq);
            }
            true
        })?;
    }
    if let Some(id) = ids.iter().find(|id| !met.contains(**id)) {
        return Err(Failure::usage(said!("bundle-unknown", asked = format!("{id:?}"))));
    }
    Ok(found)
}

fn gather(
    archive: &Archive,
    dir: &Path,
    registry: &Registry,
    asked: BTreeSet<u64>,
    args: &BundleArgs,
    site: Option<&Site>,
) -> Result<Case, Failure> {
    let summary = archive.summary().map_err(Failure::environment)?;
    let (Some(first), Some(last)) = (asked.first().copied(), asked.last().copied()) else {
        return Err(Failure::usage("say which records"));
    };
    let receipt = receipt(archive, registry, summary.chain)?;
    // The chain up to the receipt that covers what was asked for, where that is not too far.
    let covering = receipt.as_ref().map(|(upto, _)| *upto).filter(|upto| *upto >= last);
    let begin = first.saturating_sub(BEFORE);
    let end = covering.filter(|upto| upto - begin < MAX_RECORDS as u64).unwrap_or(last);
    let mut records: Vec<Entry> = Vec::new();
    walk(archive, begin, |entry| {
        let goes_on = entry.seq <= end;
        if goes_on {
            // Trimmed records leave a gap; a bundle is one run.
            if records.last().is_some_and(|before| before.seq + 1 != entry.seq) {
                records.clear();
            }
            records.push(entry);
        }
        goes_on && records.len() <= MAX_RECORDS
    })?;
    let statement = fs::read(dir.join(STATEMENT_FILE)).ok();
    let receipts = receipt.filter(|(upto, _)| *upto == end).map(|(_, bytes)| bytes).into_iter().collect();
    let mut case = Case {
        made_at_ms: SystemClock.now().wall_ms,
        made_by: SOFTWARE.to_owned(),
        asked: asked.into_iter().collect(),
        records: records.into_iter().map(|entry| entry.bytes).collect(),
        statement,
        receipts,
        ..Case::default()
    };
    let wanted = case.wanted().map_err(Failure::environment)?;
    case.contents = contents(&wanted, dir, args, site);
    Ok(case)
}

/// The newest receipt as the centre signed it, with what it covers.
fn receipt(archive: &Archive, registry: &Registry, chain: ChainId) -> Result<Option<(u64, Vec<u8>)>, Failure> {
    let notes = archive.notes().map_err(Failure::environment)?;
    let signed = notes.into_iter().find(|(name, _)| name == RECEIPT_NOTE).map(|(_, bytes)| bytes);
    Ok(signed.and_then(|bytes| {
        let receipt = open_receipt(&bytes, registry).ok().filter(|receipt| receipt.chain == chain)?;
        Some((receipt.upto_seq, bytes))
    }))
}

/// What of the hashes named is at hand: evidence by its file name, tables and plans by their content.
fn contents(wanted: &BTreeSet<Hash>, dir: &Path, args: &BundleArgs, site: Option<&Site>) -> BTreeMap<Hash, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut offer = |bytes: Vec<u8>| {
        let hash = Hash::of(&bytes);
        if wanted.contains(&hash) {
            found.insert(hash, bytes);
        }
    };
    for hash in wanted {
        if let Ok(bytes) = fs::read(dir.join(EVIDENCE_DIR).join(hash.to_string())) {
            offer(bytes);
        }
    }
    for text in builtin_texts() {
        offer(text.as_bytes().to_vec());
    }
    let plan = site.and_then(|site| site.plan.clone());
    // Tables that came signed lie in the data directory, the site's own where its file says.
    let signed = dir.join(TABLES_DIR);
    let own = site.and_then(|site| site.limits.as_ref());
    let folders = args.tables.iter().chain([&signed]).chain(own);
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    for path in files.map(|file| file.path()).chain(plan) {
        if fs::metadata(&path).is_ok_and(|it| it.is_file() && it.len() <= MAX_TABLE)
            && let Ok(bytes) = fs::read(&path)
        {
            offer(bytes);
        }
    }
    found
}
