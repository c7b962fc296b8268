//! `tidewaiter export`.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal as _, Write},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use tidewaiter_console::{Progress, note};

use super::{Failure, OK, Outcome, Place, output};
use crate::{lane::record_view, outbox::Archive};

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
    /// File to write; standard output without it.
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
    /// One row a finding, for a spreadsheet.
    Csv,
}

pub(super) fn export(args: &ExportArgs) -> Outcome {
    let archive = Archive::open(&args.place.data_dir()?).map_err(Failure::environment)?;
    let written = match &args.out {
        Some(path) => {
            let file = File::create(path).map_err(|why| Failure::environment(format!("{}: {why}", path.display())))?;
            let mut out = BufWriter::new(file);
            write(args, &archive, &mut out).and_then(|count| {
                let file = out.into_inner().map_err(|why| Failure::environment(why.error()))?;
                file.sync_all().map_err(Failure::environment)?;
                Ok(count)
            })?
        }
        None => write(args, &archive, &mut BufWriter::new(Piped(io::stdout().lock())))?,
    };
    note(format_args!("{}", output::said!("export-written", records: written)));
    Ok(OK)
}

fn write(args: &ExportArgs, archive: &Archive, out: &mut impl Write) -> Result<u64, Failure> {
    let mut next = args.from;
    let mut count = 0;
    let summary = archive.summary().map_err(Failure::environment)?;
    let last = args.to.unwrap_or(u64::MAX).min(summary.head.unwrap_or(0));
    let begin = args.from.max(summary.oldest.unwrap_or(0));
    // Where the records themselves go to the terminal, a bar would run through them.
    let quiet = args.out.is_none() && io::stdout().is_terminal();
    let progress = (!quiet).then(|| Progress::records(Some((last + 1).saturating_sub(begin))));
    if args.format == Format::Csv {
        // The mark tells spreadsheets that the file is UTF-8.
        out.write_all("\u{feff}".as_bytes()).map_err(Failure::environment)?;
        row(out, &CSV_HEADER.map(str::to_owned))?;
    }
    loop {
        let page = archive.entries(next, PAGE).map_err(Failure::environment)?;
        let Some(last) = page.last() else { break };
        next = last.seq + 1;
        for entry in page.iter().filter(|entry| args.to.is_none_or(|to| entry.seq <= to)) {
            match args.format {
                Format::Cborseq => out.write_all(&entry.bytes).map_err(Failure::environment)?,
                Format::Jsonl => writeln!(out, "{}", record_view(&entry.bytes)).map_err(Failure::environment)?,
                Format::Csv => csv_rows(out, &entry.bytes)?,
            }
            count += 1;
        }
        if let Some(progress) = &progress {
            progress.at(count);
        }
        if args.to.is_some_and(|to| next > to) {
            break;
        }
    }
    out.flush().map_err(Failure::environment)?;
    Ok(count)
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

const CSV_HEADER: [&str; 15] = [
    "record",
    "time",
    "clock",
    "place",
    "inspection",
    "subject",
    "verdict",
    "reason",
    "disposition",
    "table",
    "edition",
    "row",
    "parameter",
    "value",
    "limit",
];

fn csv_rows(out: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    let Ok(record) = tidewaiter_record::parse(bytes) else { return Ok(()) };
    let tidewaiter_record::Detail::Inspection(detail) = &record.body.detail else { return Ok(()) };
    let subject = detail.subject.identities.first().map_or("", |identity| identity.text.as_str());
    let front = [
        record.header.seq.to_string(),
        tidewaiter_record::view::utc(record.body.time.wall_ms),
        record.body.time.quality.word().to_owned(),
        detail.place.clone(),
        detail.id.clone(),
        subject.to_owned(),
    ];
    for finding in &detail.findings {
        let mut cells = front.to_vec();
        cells.extend([
            finding.verdict.clone(),
            finding.reason.clone().unwrap_or_default(),
            detail.disposition.clone(),
            finding.table.clone(),
            finding.edition.clone(),
            finding.row.clone(),
            finding.parameter.clone(),
            finding.value.clone().unwrap_or_default(),
            finding.limit.clone(),
        ]);
        row(out, &cells)?;
    }
    if detail.findings.is_empty() {
        let mut cells = front.to_vec();
        cells.extend([detail.verdict.clone(), detail.reason.clone().unwrap_or_default(), detail.disposition.clone()]);
        cells.resize(CSV_HEADER.len(), String::new());
        row(out, &cells)?;
    }
    Ok(())
}

fn row(out: &mut impl Write, cells: &[String]) -> Result<(), Failure> {
    let mut line = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    line.write_record(cells.iter().map(|cell| guarded(cell))).map_err(Failure::environment)?;
    let bytes = line.into_inner().map_err(|why| Failure::environment(why.to_string()))?;
    out.write_all(&bytes).map_err(Failure::environment)
}

/// A spreadsheet takes a cell that begins like a formula for one; a leading apostrophe prevents it.
fn guarded(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}
