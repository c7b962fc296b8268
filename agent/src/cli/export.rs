//! `tidewaiter export`.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use tidewaiter_record::{Detail, parse};

use super::{Failure, OK, Outcome, Place, output, place};
use crate::{
    lane::{n42, record_view, sheet},
    outbox::Archive,
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
    /// File to write, or with `--format n42` a folder; standard output without it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Formats of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The records as signed, one after the other (RFC 8742). The only format that can be verified.
    Cborseq,
    /// One JSON object a line, to read.
    Jsonl,
    /// One row a finding, for a spreadsheet; local times are those of the site file's zone, or UTC without one.
    Csv,
    /// One ANSI N42.42 document for each inspection of radiation, into the folder `--out`.
    N42,
}

pub(super) fn export(args: &ExportArgs) -> Outcome {
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
    eprintln!("{written} records");
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
            Format::Jsonl => writeln!(out, "{}", record_view(bytes)),
            Format::Csv => out.write_all(&sheet::rows(bytes, zone)),
            Format::N42 => Ok(()),
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
    loop {
        let page = archive.entries(next, PAGE).map_err(Failure::environment)?;
        let Some(last) = page.last() else { return Ok(count) };
        next = last.seq + 1;
        for entry in page.iter().filter(|entry| args.to.is_none_or(|to| entry.seq <= to)) {
            take(&entry.bytes)?;
            count += 1;
        }
        if args.to.is_some_and(|to| next > to) {
            return Ok(count);
        }
    }
}

/// Writes a document for each inspection of radiation; a file holds one, so there must be a folder.
fn documents(args: &ExportArgs, archive: &Archive) -> Outcome {
    let Some(folder) = &args.out else {
        return Err(Failure::usage("--format n42 writes one file an inspection: say into which folder with --out DIR"));
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
            Err(why) => eprintln!("record {seq}: {why}"),
        }
        Ok(())
    })?;
    eprintln!("{written} documents of {looked} records");
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
