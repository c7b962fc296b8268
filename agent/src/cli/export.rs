//! `tidewaiter export`.

use std::{
    fs::{self, File},
    io::{self, BufWriter, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use tidewaiter_console::{Progress, note};
use tidewaiter_record::{Detail, parse};

use super::{Failure, OK, Outcome, Place, output, place};
use crate::{
    lane::{n42, record_view, sheet},
    outbox::Archive,
    privacy,
};

/// Records read at once.
const PAGE: usize = 256;

/// Options of `tidewaiter export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    place: Place,
    /// What to write.
    #[arg(long, value_enum, default_value = "cborseq")]
    format: Format,
    /// First record.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Last record.
    #[arg(long)]
    to: Option<u64>,
    /// Plates and names of people as they are, in jsonl and csv; without it they are masked (粤B1***). The signed records
    /// of cborseq cannot be masked: what is left out of them would no longer be what was signed.
    #[arg(long)]
    personal: bool,
    /// File to write, or with `--format n42` a folder; standard output without it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The records as signed, one after the other (RFC 8742). The only format that can be verified; plates and names as they are.
    Cborseq,
    /// One JSON object a line, to read.
    Jsonl,
    /// One row a finding, for a spreadsheet; local times are those of the site file's zone, or UTC without one.
    Csv,
    /// One ANSI N42.42 document for each inspection of radiation, into the folder `--out`.
    N42,
    /// Tables are made where the records of all agents are.
    #[value(hide = true)]
    Parquet,
}

pub(super) fn export(args: &ExportArgs) -> Outcome {
    if args.format == Format::Parquet {
        return Err(Failure::usage(output::said!("export-parquet")));
    }
    let archive = Archive::open(&args.place.data_dir()?).map_err(Failure::environment)?;
    if args.format == Format::N42 {
        return documents(args, &archive);
    }
    let zone = match &args.place.config {
        Some(path) => place::site(path)?.zone,
        None => TimeZone::UTC,
    };
    let written = match &args.out {
        Some(path) => {
            let file = File::create(path).map_err(|why| Failure::environment(format!("{}: {why}", path.display())))?;
            let mut out = BufWriter::new(file);
            write(args, &archive, &zone, &mut out).and_then(|count| {
                let file = out.into_inner().map_err(|why| Failure::environment(why.error()))?;
                file.sync_all().map_err(Failure::environment)?;
                Ok(count)
            })?
        }
        None => write(args, &archive, &zone, &mut BufWriter::new(Piped(io::stdout().lock())))?,
    };
    note(format_args!("{}", output::said!("export-written", records: written)));
    Ok(OK)
}

fn write(args: &ExportArgs, archive: &Archive, zone: &TimeZone, out: &mut impl Write) -> Result<u64, Failure> {
    if args.format == Format::Csv {
        out.write_all(sheet::MARK.as_bytes()).map_err(Failure::environment)?;
        out.write_all(&sheet::line(&sheet::HEADER)).map_err(Failure::environment)?;
    }
    let count = each(args, archive, |bytes| {
        match args.format {
            Format::Cborseq => out.write_all(bytes),
            Format::Jsonl => {
                let mut view = record_view(bytes);
                if !args.personal {
                    privacy::record(&mut view);
                }
                writeln!(out, "{view}")
            }
            Format::Csv => out.write_all(&sheet::rows(bytes, zone, args.personal)),
            Format::N42 | Format::Parquet => Ok(()),
        }
        .map_err(Failure::environment)
    })?;
    out.flush().map_err(Failure::environment)?;
    Ok(count)
}

/// Walks over the records asked for.
fn each(
    args: &ExportArgs,
    archive: &Archive,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let (mut next, mut count) = (args.from, 0);
    let summary = archive.summary().map_err(Failure::environment)?;
    let last = args.to.unwrap_or(u64::MAX).min(summary.head.unwrap_or(0));
    let begin = args.from.max(summary.oldest.unwrap_or(0));
    // Where the records themselves go to the terminal, a bar would run through them.
    let quiet = args.out.is_none() && io::stdout().is_terminal();
    let progress = (!quiet).then(|| Progress::records(Some((last + 1).saturating_sub(begin))));
    loop {
        let page = archive.entries(next, PAGE).map_err(Failure::environment)?;
        let Some(last) = page.last() else { return Ok(count) };
        next = last.seq + 1;
        for entry in page.iter().filter(|entry| args.to.is_none_or(|to| entry.seq <= to)) {
            take(&entry.bytes)?;
            count += 1;
        }
        if let Some(progress) = &progress {
            progress.at(count);
        }
        if args.to.is_some_and(|to| next > to) {
            return Ok(count);
        }
    }
}

/// Writes a document for each inspection of radiation; a file holds one, so there must be a folder.
fn documents(args: &ExportArgs, archive: &Archive) -> Outcome {
    let Some(folder) = &args.out else {
        return Err(Failure::usage(output::said!("export-folder")));
    };
    let unwritten = |path: &Path| {
        let path = path.display().to_string();
        move |why: io::Error| Failure::environment(format!("{path}: {why}"))
    };
    fs::create_dir_all(folder).map_err(unwritten(folder))?;
    let mut written = 0_u64;
    let looked = each(args, archive, |bytes| {
        let Ok(record) = parse(bytes) else { return Ok(()) };
        let Detail::Inspection(detail) = &record.body.detail else { return Ok(()) };
        let seq = record.header.seq;
        match n42::document(&record, detail) {
            Ok(text) => {
                let path = folder.join(format!("record-{seq}.n42"));
                fs::write(&path, text).map_err(unwritten(&path))?;
                written += 1;
            }
            Err(n42::NoDocument::NotRadiation) => {}
            Err(why) => note(format_args!("#{seq}: {why}")),
        }
        Ok(())
    })?;
    note(format_args!("{}", output::said!("export-documents", documents = written, records = looked)));
    Ok(OK)
}

/// Standard output whose reader may leave early.
struct Piped<W>(W);

impl<W: Write> Write for Piped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).or_else(|failure| match failure.kind() {
            io::ErrorKind::BrokenPipe => output::give_up(&failure),
            _ => Err(failure),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
