//! `export`: stored records for other programs.

use std::{
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use tidewaiter_record::{ChainId, Keyring, Registry};

use super::{Failure, StoreArgs, open};
use crate::{
    config::Config,
    core::CoreError,
    export::{Format, KINDS, Selection, export, export_evidence},
    keys,
    store::Store,
};

/// Options of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Which store.
    #[command(flatten)]
    store: StoreArgs,
    /// cborseq: the records themselves; jsonl, csv: copies to read; parquet: tables to calculate with.
    #[arg(long, value_enum, required_unless_present = "evidence")]
    format: Option<Written>,
    /// Only this chain (32 hexadecimal digits).
    #[arg(long)]
    chain: Option<ChainId>,
    /// Only what arrived after this arrival number (jsonl, csv, parquet).
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// Only records made no earlier than this day or moment, UTC (jsonl, csv, parquet).
    #[arg(long, value_name = "TIME", value_parser = first_ms)]
    from: Option<i64>,
    /// Only records made no later than this day or moment, UTC (jsonl, csv, parquet).
    #[arg(long, value_name = "TIME", value_parser = last_ms)]
    to: Option<i64>,
    /// Only this kind of record, e.g. inspection; can be given several times (jsonl, csv, parquet).
    #[arg(long, value_parser = PossibleValuesParser::new(KINDS), hide_possible_values = true)]
    kind: Vec<String>,
    /// The file to write; stdout when left out. With parquet, a folder.
    #[arg(long, requires = "format")]
    out: Option<PathBuf>,
    /// Also write the content of evidence that travelled beside the records, one file per content, named by its SHA-256.
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Written {
    /// The stored bytes, a CBOR sequence.
    Cborseq,
    /// One JSON object per line.
    Jsonl,
    /// One row per record.
    Csv,
    /// Five tables in a folder.
    Parquet,
}

pub(super) fn carry_out(args: &ExportArgs) -> Result<u8, Failure> {
    let has_filter = args.from.is_some() || args.to.is_some() || !args.kind.is_empty();
    if args.format == Some(Written::Cborseq) && has_filter {
        let why = "--from, --to and --kind would leave holes in the chains, which then prove nothing; \
                   leave them out with cborseq, or write jsonl, csv or parquet";
        return Err(Failure::Usage(why.to_owned()));
    }
    let store = open(&args.store)?;
    let which = Selection {
        chain: args.chain,
        after: args.after,
        from_ms: args.from,
        to_ms: args.to,
        kinds: KINDS.into_iter().filter(|word| args.kind.iter().any(|it| it == word)).collect(),
    };
    if let Some(folder) = &args.evidence {
        export_evidence(store.as_ref(), args.chain, folder)?;
    }
    let format = match args.format {
        None => return Ok(0),
        Some(Written::Parquet) => return tables(args, store.as_ref(), &which),
        Some(Written::Cborseq) => Format::Cborseq,
        Some(Written::Jsonl) => Format::Jsonl,
        Some(Written::Csv) => Format::Csv,
    };
    match &args.out {
        None => export(store.as_ref(), format, &which, &mut BufWriter::new(io::stdout().lock()))?,
        Some(path) => {
            let failed = |source| Failure::Output { path: path.clone(), source };
            let file = File::create(path).map_err(failed)?;
            let mut writer = BufWriter::new(file);
            let written = export(store.as_ref(), format, &which, &mut writer)?;
            writer.get_ref().sync_all().map_err(failed)?;
            written
        }
    };
    Ok(0)
}

/// Writes the tables, and says how to go on from them.
#[cfg(feature = "parquet")]
fn tables(args: &ExportArgs, store: &dyn Store, which: &Selection) -> Result<u8, Failure> {
    use crate::lake::{Limits, Source, write};
    let Some(folder) = &args.out else { return Err(no_folder()) };
    let registry = match &args.store.config {
        Some(config) => Some(in_force(config, store)?),
        None => None,
    };
    let command = typed(args);
    let source = Source { store, registry: registry.as_ref(), command: &command, limits: Limits::default() };
    let written = write(&source, which, folder).map_err(|error| match error {
        crate::export::ExportError::Output(source) => Failure::Output { path: folder.clone(), source },
        other => other.into(),
    })?;
    let of = |table: &str| written.rows.get(table).copied().unwrap_or_default();
    let line = tidewaiter_console::said!(
        "centre-tables",
        path = folder.display(),
        records = of("records"),
        inspections = of("inspections"),
        findings = of("findings"),
        readings = of("readings"),
        intervals = of("intervals"),
        upto = written.upto
    );
    tidewaiter_console::note(format_args!("{line}"));
    Ok(0)
}

#[cfg(not(feature = "parquet"))]
fn tables(args: &ExportArgs, _: &dyn Store, _: &Selection) -> Result<u8, Failure> {
    if args.out.is_none() {
        return Err(no_folder());
    }
    let why = "this program was built without Parquet; build it with the feature `parquet`, or write jsonl";
    Err(Failure::Usage(why.to_owned()))
}

fn no_folder() -> Failure {
    let why =
        "--format parquet writes a folder of tables; add --out DIR (cborseq, jsonl and csv go to stdout without it)";
    Failure::Usage(why.to_owned())
}

/// The keys in force: the registry's, and those that chains have handed themselves to.
pub(super) fn in_force(config: &Path, store: &dyn Store) -> Result<Registry, Failure> {
    let registered = keys::load_registry(&Config::load(config)?.centre.registry)?;
    let keyring = Keyring::with(registered, store.rotations()?).map_err(CoreError::from)?;
    Ok(keyring.in_force().clone())
}

/// What was asked for, as it would be typed; without the paths of this machine.
#[cfg_attr(not(feature = "parquet"), allow(dead_code))]
fn typed(args: &ExportArgs) -> String {
    let mut line = "tidewaiter-collector export --format parquet".to_owned();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            line.extend([" --", name, " ", &value]);
        }
    };
    add("chain", args.chain.map(|it| it.to_string()));
    add("after", (args.after > 0).then(|| args.after.to_string()));
    add("from", args.from.map(crate::view::utc));
    add("to", args.to.map(crate::view::utc));
    for kind in &args.kind {
        add("kind", Some(kind.clone()));
    }
    line
}

/// The first millisecond of a day, or a moment.
fn first_ms(text: &str) -> Result<i64, String> {
    day(text).map_or_else(|| moment(text), day_begins)
}

/// The last millisecond of a day, or a moment.
fn last_ms(text: &str) -> Result<i64, String> {
    let Some(day) = day(text) else { return moment(text) };
    day_begins(day.tomorrow().map_err(|it| it.to_string())?).map(|it| it - 1)
}

/// A day alone: one with a time of day behind it would be read as a day too, and the time dropped.
fn day(text: &str) -> Option<Date> {
    if text.contains(['T', 't', ' ']) { None } else { text.parse().ok() }
}

fn day_begins(day: Date) -> Result<i64, String> {
    let begins = day.to_zoned(TimeZone::UTC).map_err(|it| it.to_string())?;
    Ok(begins.timestamp().as_millisecond())
}

fn moment(text: &str) -> Result<i64, String> {
    let wrong = "write a day or a moment with its zone: 2026-11-30 or 2026-11-30T18:00:00Z";
    text.parse::<Timestamp>().map(Timestamp::as_millisecond).map_err(|_| wrong.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_day_is_meant_whole_and_a_moment_exactly() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        assert_eq!(first_ms("2026-11-30"), Ok(at("2026-11-30T00:00:00Z")));
        assert_eq!(last_ms("2026-11-30"), Ok(at("2026-11-30T23:59:59.999Z")));
        for read in [first_ms, last_ms] {
            assert_eq!(read("2026-11-30T18:00:00+08:00"), Ok(at("2026-11-30T10:00:00Z")));
            assert!(read("yesterday").is_err() && read("2026-13-01").is_err() && read("2026-11-30T18:00").is_err());
        }
    }
}
