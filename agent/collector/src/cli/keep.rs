//! `backup`, `restore`, `archive`, `import`, `bundle`: what leaves the store for good, and what comes back.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use tidewaiter_console::said;
use tidewaiter_recompute::Tables;
use tidewaiter_record::{ChainId, Report, Verdict, mandate::MAX_TABLE_BYTES};
use tidewaiter_words::{Language, say};

use super::Failure;
use crate::{
    archive::{self, ArchiveReport, Kind, Restored, Source},
    case,
    config::Config,
    core::Core,
    keys,
    orders::{Item, Shelf, Spool},
    service::RunError,
};

/// Options of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The configuration that names store and registry.
    #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
    config: PathBuf,
    /// A new or empty folder.
    #[arg(long)]
    out: PathBuf,
    /// Print the manifest.
    #[arg(long)]
    json: bool,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Folder of a backup or an archive.
    from: PathBuf,
    /// The configuration that names store, registry and key; the store must not exist.
    #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
    config: PathBuf,
    /// One JSON object instead of a line.
    #[arg(long)]
    json: bool,
}

/// Options of `archive`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ArchiveArgs {
    #[command(subcommand)]
    check: Option<ArchiveCommand>,
    /// The configuration that names store, registry and key.
    #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG", required = true)]
    config: Option<PathBuf>,
    /// A new or empty folder.
    #[arg(long, required = true)]
    out: Option<PathBuf>,
    /// Only what was received no later than this, e.g. 2026-12-31T23:59:59Z.
    #[arg(long, value_name = "TIME")]
    upto: Option<Timestamp>,
    /// Print the manifest.
    #[arg(long)]
    json: bool,
}

/// What else can be done with an archive.
#[derive(Debug, Subcommand)]
pub(super) enum ArchiveCommand {
    /// Check an archive: signature of its list, every file, the four answers over all records, the log; exit code 1 on a finding.
    ///
    /// Example: tidewaiter-collector archive check /media/archive-2026 --registry registry.json
    Check {
        /// Its folder.
        folder: PathBuf,
        /// Your own registry, not the copy in the archive.
        #[arg(long)]
        registry: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Options of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Records, as `tidewaiter salvage` or `tidewaiter export --format cborseq` writes them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Site segment under which they would have come.
    #[arg(long)]
    site: String,
    /// Folder of contents by their SHA-256.
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// The configuration that names store, registry and key; on a file no collector may be running.
    #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
    config: PathBuf,
    /// One JSON object instead of a line.
    #[arg(long)]
    json: bool,
}

/// Options of `bundle`.
#[derive(Debug, Args)]
pub struct BundleArgs {
    /// Record numbers or inspection ids, of one chain.
    #[arg(required = true, value_name = "SEQ|INSPECTION")]
    asked: Vec<String>,
    /// The chain (32 hexadecimal digits), where a number alone could mean several.
    #[arg(long)]
    chain: Option<ChainId>,
    /// The file to write.
    #[arg(long, value_name = "TAR")]
    out: PathBuf,
    /// The configuration that names store, registry and key.
    #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
    config: PathBuf,
    /// Print the manifest.
    #[arg(long)]
    json: bool,
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

fn told(json: bool, object: &impl serde::Serialize, line: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    if json {
        writeln!(stdout, "{}", serde_json::to_string(object).map_err(io::Error::from)?)?;
    } else {
        writeln!(stdout, "{line}")?;
    }
    Ok(())
}

/// The file of the store, where it is one.
fn file<'a>(config: &'a Config, instead: &str) -> Result<&'a Path, Failure> {
    let place = &config.store.place;
    place.file().ok_or_else(|| Failure::Usage(format!("the store is {place}; {instead}")))
}

pub(super) fn backup(args: &BackupArgs) -> Result<u8, Failure> {
    let config = Config::load(&args.config)?;
    let path = file(
        &config,
        "a backup of a server is its own: pg_dump, or the archiving of its log; `archive` writes what outlives both",
    )?;
    let manifest = archive::backup(path, &config.centre.registry, &args.out, now_ms())?;
    let bytes: u64 = manifest.files.iter().map(|file| file.size).sum();
    let line = said!("centre-backup", path = args.out.display(), bytes = bytes);
    told(args.json, &manifest, &line)?;
    Ok(0)
}

pub(super) fn write(args: ArchiveArgs) -> Result<u8, Failure> {
    if let Some(ArchiveCommand::Check { folder, registry, json }) = args.check {
        let registry = keys::load_registry(&registry)?;
        let found = archive::check(&folder, &registry)?;
        if json {
            told(true, &found, "")?;
        } else {
            print(&found)?;
        }
        return Ok(u8::from(found.is_bad()));
    }
    // The parser asks for both unless there is a subcommand.
    let (config, out) = (args.config.unwrap_or_default(), args.out.unwrap_or_default());
    let config = Config::load(&config)?;
    let signer = keys::load(&config.centre.key)?;
    let registry = keys::load_registry(&config.centre.registry)?;
    keys::check_centre(&registry, signer.as_ref(), &config.centre.registry)?;
    let store = config.store.place.read()?;
    let source = Source {
        store: store.as_ref(),
        signer: signer.as_ref(),
        registry: &registry,
        made_at_ms: now_ms(),
        upto_ms: args.upto.map(Timestamp::as_millisecond),
        segment_bytes: None,
    };
    let manifest = archive::write(&source, &out)?;
    let line = said!(
        "centre-archive",
        path = out.display(),
        records = manifest.leaves,
        chains = manifest.chains.len(),
        files = manifest.files.len() + 2,
        root = manifest.root,
        absent = manifest.absent.len()
    );
    told(args.json, &manifest, &line)?;
    Ok(0)
}

fn print(found: &ArchiveReport) -> Result<(), Failure> {
    let language = tidewaiter_console::language();
    let mut stdout = io::stdout().lock();
    for line in answers(language, &found.report) {
        writeln!(stdout, "{line}")?;
    }
    let (leaves, root) = (found.manifest.leaves, &found.manifest.root);
    let signed =
        said!("centre-archive-signed", by = found.signed_by, leaves = leaves, root = root, heads = found.heads);
    writeln!(stdout, "{signed}")?;
    for (file, what) in &found.wrong {
        writeln!(stdout, "  {file}: {what}")?;
    }
    for finding in &found.report.findings {
        writeln!(stdout, "  {}: {}", finding.code.word(), finding.what)?;
    }
    Ok(())
}

fn answers(language: Language, report: &Report) -> Vec<String> {
    let first = report.chains.iter().map(|chain| chain.first_seq).min().unwrap_or(0);
    let last = report.chains.iter().map(|chain| chain.last_seq).max().unwrap_or(0);
    let questions = [
        ("signature", &report.signature),
        ("chain", &report.chain),
        ("completeness", &report.completeness),
        ("time", &report.time),
    ];
    let answer = |(question, verdict): (&str, &Verdict)| {
        let answer = match verdict {
            Verdict::Ok => {
                let numbers = [("records", report.records.into()), ("first", first.into()), ("last", last.into())];
                say(language, &format!("answer-{question}-ok"), &numbers)
            }
            Verdict::Bad { count } => say(language, &format!("answer-{question}-bad"), &[("bad", (*count).into())]),
            Verdict::NotChecked { why } => say(language, "answer-not-checked", &[("why", why.into())]),
        };
        format!("{}: {answer}", say(language, &format!("question-{question}"), &[]))
    };
    questions.into_iter().map(answer).collect()
}

fn tables(config: &Config) -> Result<Tables, Failure> {
    let mut tables = Tables::load(config.limits.as_deref()).map_err(RunError::Tables)?;
    if let Some(dir) = &config.orders {
        let spool = Spool::new(dir);
        tables.limits.extend(Shelf::default().see(&spool, &spool.scan()?));
    }
    Ok(tables)
}

/// The files of the tables that agents judge by, as their records name them: those of `[limits]` and of the spool.
fn table_files(config: &Config) -> Result<Vec<Vec<u8>>, Failure> {
    let mut files = Vec::new();
    for path in config.limits.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten().map(|it| it.path()) {
        let small = fs::metadata(&path).is_ok_and(|it| it.is_file() && it.len() <= MAX_TABLE_BYTES as u64);
        files.extend(small.then(|| fs::read(&path).ok()).flatten());
    }
    if let Some(dir) = &config.orders {
        let spool = Spool::new(dir);
        let names = spool.scan()?.into_iter().map(|(name, _)| name).filter(|it| matches!(it.item, Item::Table(_)));
        files.extend(names.filter_map(|name| spool.read(&name).ok()));
    }
    Ok(files)
}

fn summary(json: bool, restored: &Restored, what: &str) -> Result<u8, Failure> {
    let line = said!(
        "centre-taken",
        what = what,
        new = restored.records,
        here = restored.duplicates,
        refused = restored.refused,
        contents = restored.contents,
        heads = restored.heads
    );
    told(json, restored, &line)?;
    if !json {
        for reason in &restored.reasons {
            writeln!(io::stdout().lock(), "  {reason}")?;
        }
    }
    Ok(u8::from(restored.refused > 0))
}

pub(super) fn restore(args: &RestoreArgs) -> Result<u8, Failure> {
    let config = Config::load(&args.config)?;
    match archive::kind(&args.from)? {
        Kind::Backup => {
            let path = file(
                &config,
                "the folder holds a copy of a file; restore it to a file, write an `archive` of that, and restore the archive here",
            )?;
            let manifest = archive::restore_backup(&args.from, path, &config.centre.registry)?;
            let at = crate::view::utc(manifest.made_at_ms);
            let line = said!("centre-restored", path = config.store.place, at = at);
            told(args.json, &manifest, &line)?;
            Ok(0)
        }
        Kind::Archive => {
            let signer = keys::load(&config.centre.key)?;
            let registry = keys::load_registry(&config.centre.registry)?;
            let tables = tables(&config)?;
            let nodes = config.nodes.as_deref().map(crate::nodes::load).transpose()?.unwrap_or_default();
            let restored =
                archive::restore_archive(&args.from, &config.store.place, &registry, &signer, &tables, &nodes)?;
            summary(args.json, &restored, &config.store.place.to_string())
        }
    }
}

pub(super) fn import(args: &ImportArgs) -> Result<u8, Failure> {
    let config = Config::load(&args.config)?;
    let signer = keys::load(&config.centre.key)?;
    let registry = keys::load_registry(&config.centre.registry)?;
    let mut core = Core::new(registry, signer, config.store.place.open()?, tables(&config)?)?;
    if let Some(file) = &config.nodes {
        core.set_nodes(crate::nodes::load(file)?);
    }
    let imported = archive::import(&mut core, &args.site, &args.files, args.evidence.as_deref(), now_ms())?;
    summary(args.json, &imported, &config.store.place.to_string())
}

pub(super) fn bundle(args: &BundleArgs) -> Result<u8, Failure> {
    let config = Config::load(&args.config)?;
    let signer = keys::load(&config.centre.key)?;
    let registry = keys::load_registry(&config.centre.registry)?;
    let store = config.store.place.read()?;
    let mut case =
        case::gather(store.as_ref(), signer.as_ref(), &args.asked, args.chain, &table_files(&config)?, now_ms())?;
    let nodes = config.nodes.as_deref().map(crate::nodes::load).transpose()?.unwrap_or_default();
    case.nodes = case::of_nodes(store.as_ref(), &nodes, &case)?;
    let failed = |source| Failure::Output { path: args.out.clone(), source };
    let file = File::create(&args.out).map_err(failed)?;
    let manifest = case.write(&registry, BufWriter::new(&file)).map_err(case::BundleError::from)?;
    file.sync_all().map_err(failed)?;
    let line = said!(
        "centre-bundle",
        path = args.out.display(),
        first = manifest.first_seq,
        last = manifest.last_seq,
        chain = manifest.chain,
        files = manifest.files.len() + 1,
        absent = manifest.absent.len()
    );
    told(args.json, &manifest, &line)?;
    Ok(0)
}
