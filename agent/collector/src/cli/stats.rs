//! `stats`: what the records of all chains add up to.

use std::io::{self, Write as _};

use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use tidewaiter_recompute::{Gathered, to_json};
use tidewaiter_screening::statistics::{By, Period, Rate, Report, Tally, report};
use tidewaiter_words::{Language, say};

use super::Failure;
use crate::{
    export::{ExportError, check},
    store::{Store, Walk as _},
};

/// Sites stand in several zones: at the centre a day is one of UTC.
const ZONE: &str = "UTC";

/// What is counted, and how it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) period: Period,
    pub(super) by: Option<By>,
    pub(super) json: bool,
    pub(super) language: Language,
}

/// Prints the counts; gives exit code 1 when a record could not be understood.
pub(super) fn show(store: &dyn Store, wanted: Wanted) -> Result<u8, Failure> {
    let mut gathered = Gathered::default();
    for chain in store.outline()?.iter().map(|it| it.chain) {
        store.walk_chain(chain, 0, |stored| {
            check(&stored)?;
            let (chain, seq) = (stored.chain, stored.seq);
            gathered.take(&stored.bytes).map_err(|source| ExportError::Unreadable { chain, seq, source })
        })?;
    }
    let counted = report(&gathered.examinations, wanted.period, wanted.by);
    let not_understood = gathered.not_understood;
    let mut out = io::stdout().lock();
    if wanted.json {
        writeln!(out, "{}", to_json(&counted, wanted.period, wanted.by, not_understood, ZONE))?;
    } else {
        print(&mut out, &counted, wanted, not_understood)?;
    }
    Ok(u8::from(not_understood > 0))
}

fn print(out: &mut impl io::Write, report: &Report, wanted: Wanted, not_understood: u64) -> io::Result<()> {
    let word = |id: &str| say(wanted.language, &format!("stats-{id}"), &[]);
    let mut columns = vec![(word("total"), &report.total)];
    columns.extend(report.groups.iter().map(|(key, tally)| {
        let unnamed = key.is_empty() && wanted.by == Some(By::Origin);
        (if unnamed { word("no-origin") } else { key.clone() }, tally)
    }));
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    let corner = wanted.by.map_or_else(String::new, |by| word(&format!("by-{}", by.word())));
    table.set_header(std::iter::once(corner).chain(columns.iter().map(|(key, _)| key.clone())));
    for (at, (name, _)) in Tally::default().figures().iter().enumerate() {
        let counts = columns.iter().map(|(_, tally)| tally.figures().get(at).map_or(0, |it| it.1).to_string());
        table.add_row(std::iter::once(word(name)).chain(counts));
    }
    for (at, rate) in Tally::default().rates().iter().enumerate() {
        let shares = columns.iter().map(|(_, tally)| tally.rates().get(at).map_or_else(String::new, share));
        let name = format!("{} ({})", word(rate.name), word(rate.of));
        table.add_row(std::iter::once(name).chain(shares));
    }
    writeln!(out, "{table}")?;
    if !report.exclusive {
        writeln!(out, "{}", word("overlap"))?;
    }
    let checks = report.function_checks;
    let counts = [
        ("done", checks.done.into()),
        ("passed", checks.passed.into()),
        ("failed", checks.failed.into()),
        ("unfinished", checks.unfinished.into()),
    ];
    writeln!(out, "{}", say(wanted.language, "stats-function-checks", &counts))?;
    writeln!(out, "{}", say(wanted.language, "stats-drills", &[("drills", report.drills.into())]))?;
    if not_understood > 0 {
        let told = say(wanted.language, "stats-not-understood", &[("records", not_understood.into())]);
        writeln!(out, "{told}")?;
    }
    Ok(())
}

/// A percentage with both its numbers; the row says what they are.
fn share(rate: &Rate) -> String {
    let percent = rate.percent.map_or_else(|| "–".to_owned(), |it| format!("{it} %"));
    format!("{percent} {}/{}", rate.numerator, rate.denominator)
}
