//! `tidewaiter stats`.

use std::{fs::File, io::Read, path::PathBuf};

use clap::Args;
use comfy_table::Table;
use jiff::{civil::Date, tz::TimeZone};
use tidewaiter_config::site::{load_site, zone_name};
use tidewaiter_recompute::{Gathered, by_days_of, to_json};
use tidewaiter_record::SequenceBuffer;
use tidewaiter_screening::statistics::{By, Period, Report, Tally, report};
use tidewaiter_words::{Language, say, terms};

use super::{
    FINDING, Failure, OK, Outcome, Place,
    output::{outln, said},
    register::language,
};
use crate::{
    explained::{named, share},
    outbox::Archive,
};

/// Records read at once.
const PAGE: usize = 256;
const GROUP_RATES: [&str; 2] = ["coverage", "pass-rate"];
/// Bytes read at once.
const PIECE: usize = 256 * 1024;

/// Options of `tidewaiter stats`.
#[derive(Debug, Args)]
pub(super) struct StatsArgs {
    /// Records as exported with `--format cborseq`; without a file, those of the store. Verify files first: this counts
    /// what they say.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// First day, of the zone counted in.
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Last day.
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Groups: day, week, month, place, procedure, table, hazard or origin.
    #[arg(long, value_parser = by, value_name = "GROUP")]
    by: Option<By>,
    /// Zone whose days are counted, as the IANA database names it; the site's unless given, and UTC without a site.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    zone: Option<TimeZone>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// zh-CN or en; otherwise as the locale says.
    #[arg(long, value_parser = language)]
    lang: Option<Language>,
}

fn by(text: &str) -> Result<By, String> {
    let words = || By::ALL.map(By::word).join(", ");
    By::from_word(text).ok_or_else(|| format!("one of {}", words()))
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text)
        .map_err(|_| format!("{text:?} is no time zone of the IANA database; write Asia/Shanghai or UTC"))
}

/// The zone whose days are counted.
fn counted_in(args: &StatsArgs) -> TimeZone {
    let of_site = || load_site(args.place.config.as_deref()?).ok().map(|(site, _)| site.zone);
    args.zone.clone().or_else(of_site).unwrap_or(TimeZone::UTC)
}

pub(super) fn stats(args: &StatsArgs) -> Outcome {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        return Err(Failure::usage(said!("stats-before", to = to, from = from)));
    }
    let mut gathered = Gathered::default();
    if args.files.is_empty() {
        by_store(args, &mut gathered)?;
    }
    for path in &args.files {
        by_file(path, &mut gathered)?;
    }
    let zone = counted_in(args);
    by_days_of(&zone, &mut gathered.examinations);
    let zone = zone_name(&zone);
    let period = Period { from: args.from, to: args.to };
    let counted = report(&gathered.examinations, period, args.by);
    if args.json {
        outln!("{}", to_json(&counted, period, args.by, gathered.not_understood, &zone));
    } else {
        let language = args.lang.unwrap_or_else(tidewaiter_console::language);
        print(language, &counted, args.by, gathered.not_understood);
        outln!("{}", say(language, "stats-days", &[("zone", (&zone).into())]));
    }
    Ok(if gathered.not_understood > 0 { FINDING } else { OK })
}

fn by_store(args: &StatsArgs, gathered: &mut Gathered) -> Result<(), Failure> {
    let archive = Archive::open(&args.place.data_dir()?).map_err(Failure::environment)?;
    let mut next = 0;
    loop {
        let page = archive.entries(next, PAGE).map_err(Failure::environment)?;
        let Some(last) = page.last() else { return Ok(()) };
        next = last.seq + 1;
        for entry in &page {
            gathered.take(&entry.bytes).map_err(|why| broken(&format!("record {}", entry.seq), &why))?;
        }
    }
}

fn by_file(path: &PathBuf, gathered: &mut Gathered) -> Result<(), Failure> {
    let name = path.display().to_string();
    let unreadable = |why: std::io::Error| Failure::environment(format!("{}: {why}", path.display()));
    let mut file = File::open(path).map_err(unreadable)?;
    let mut sequence = SequenceBuffer::new();
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).map_err(unreadable)?;
        if read == 0 {
            return sequence.finish().map_err(|why| broken(&name, &why));
        }
        sequence.feed(piece.get(..read).unwrap_or_default());
        while let Some(item) = sequence.next_item().map_err(|why| broken(&name, &why))? {
            gathered.take(item).map_err(|why| broken(&name, &why))?;
        }
    }
}

/// Counts of part of a file would look like counts of the whole.
fn broken(name: &str, why: &tidewaiter_record::ParseError) -> Failure {
    Failure { code: FINDING, message: said!("stats-broken", name = name, why = why) }
}

fn print(language: Language, report: &Report, by: Option<By>, not_understood: u64) {
    let word = |id: &str| say(language, &format!("stats-{id}"), &[]);
    let mut total = table();
    for (name, count) in report.total.figures() {
        total.add_row([word(name), count.to_string()]);
    }
    for (reason, count) in &report.total.incomplete {
        total.add_row([format!("  {}", terms::incomplete(language, reason)), count.to_string()]);
    }
    for (reason, count) in &report.total.inconclusive {
        total.add_row([format!("  {}", terms::reason(language, reason)), count.to_string()]);
    }
    for (hazard, count) in &report.total.failed_by_hazard {
        let hazard = named(language, "hazard", hazard);
        total.add_row([say(language, "stats-failed-hazard", &[("hazard", (&hazard).into())]), count.to_string()]);
    }
    for rate in report.total.rates() {
        total.add_row([word(rate.name), share(language, &rate)]);
    }
    outln!("{total}");
    if let Some(by) = by {
        outln!("{}", groups(language, report, by));
        if !report.exclusive {
            outln!("{}", word("overlap"));
        }
    }
    let checks = report.function_checks;
    let counts = [
        ("done", checks.done.into()),
        ("passed", checks.passed.into()),
        ("failed", checks.failed.into()),
        ("unfinished", checks.unfinished.into()),
    ];
    outln!("{}", say(language, "stats-function-checks", &counts));
    outln!("{}", say(language, "stats-drills", &[("drills", report.drills.into())]));
    if not_understood > 0 {
        outln!("{}", say(language, "stats-not-understood", &[("records", not_understood.into())]));
    }
}

fn groups(language: Language, report: &Report, by: By) -> Table {
    let mut table = table();
    let head = |id: &str| say(language, &format!("stats-{id}"), &[]);
    let columns = Tally::COLUMNS.iter().chain(&GROUP_RATES).map(|id| head(id));
    table.set_header(std::iter::once(head(&format!("by-{}", by.word()))).chain(columns));
    for (key, tally) in &report.groups {
        let key = match by {
            By::Procedure => terms::procedure(language, key),
            By::Hazard => named(language, "hazard", key),
            By::Origin if key.is_empty() => head("no-origin"),
            _ => key.clone(),
        };
        let counts = Tally::COLUMNS.iter().filter_map(|id| figure(tally, id));
        let rates = tally.rates().into_iter().filter(|it| GROUP_RATES.contains(&it.name));
        let rates = rates.map(|it| it.percent.map_or_else(|| "–".to_owned(), |it| format!("{it} %")));
        table.add_row(std::iter::once(key).chain(counts).chain(rates));
    }
    table
}

fn figure(tally: &Tally, id: &str) -> Option<String> {
    tally.figures().into_iter().find(|(name, _)| *name == id).map(|(_, count)| count.to_string())
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table
}
