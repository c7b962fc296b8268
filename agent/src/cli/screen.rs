//! `tidewaiter screen`: judges values typed by hand and explains each step.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::json;
use tidewaiter_config::{
    limits::{self, LimitTable},
    nearest,
    site::Judge,
};
use tidewaiter_drivers::Decimal;
use tidewaiter_screening::{Finding, Screening, Step, Verdict, explain};
use tidewaiter_words::{Language, say, terms};

use super::{
    FINDING, Failure, OK, Outcome,
    output::{outln, said},
    typed::{self, Taken, Typed},
};
use crate::explained;

/// Options of `tidewaiter screen`.
#[derive(Debug, Args)]
pub(super) struct ScreenArgs {
    /// Id of the limit table.
    #[arg(value_name = "TABLE")]
    table: String,
    /// Values and declared facts: ph=7.6, As=0.4%@dry, fastness-water=3-4, odour=absent, category=B,
    /// background=0.11, u.ph=0.05 for the expanded uncertainty (k = 2) of one value.
    #[arg(value_name = "KEY=VALUE", required = true)]
    values: Vec<String>,
    /// Judge by this edition, also one that has been replaced.
    #[arg(long, value_name = "EDITION")]
    edition: Option<String>,
    /// Sampling date, which chooses the edition; today if not given.
    #[arg(long, value_name = "DATE")]
    at: Option<Date>,
    /// Expanded uncertainty (k = 2) of every value that has none of its own, in the unit of the value.
    #[arg(long, value_name = "U", value_parser = decimal)]
    u: Option<Decimal>,
    /// Folder of further limit tables.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Language of the explanation: zh-CN or en; that of the locale if not given.
    #[arg(long, value_name = "LANG", value_parser = language)]
    lang: Option<Language>,
    /// Everything as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn decimal(text: &str) -> Result<Decimal, String> {
    match text.parse::<Decimal>() {
        Ok(decimal) if decimal.digits() >= 0 => Ok(decimal),
        _ => Err("a decimal number that is not negative, such as 0.4".to_owned()),
    }
}

pub(super) fn language(text: &str) -> Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "zh-CN or en".to_owned())
}

/// The tables that come with the program, and those of a folder.
pub(super) fn tables(dir: Option<&Path>) -> Result<Vec<LimitTable>, Failure> {
    let mut tables = limits::builtin();
    if let Some(dir) = dir {
        tables.extend(limits::load_dir(dir).map_err(|report| Failure::usage(report.to_string().trim_end()))?.tables);
    }
    match limits::clash(&tables) {
        Some(clash) => Err(Failure::usage(format_args!("{clash}\n  write: {}", clash.way_out()))),
        None => Ok(tables),
    }
}

/// The editions of a table, the earliest first.
pub(super) fn editions<'t>(tables: &'t [LimitTable], id: &str) -> Result<Vec<&'t LimitTable>, Failure> {
    let mut editions = tables.iter().filter(|table| table.id == id).collect::<Vec<_>>();
    editions.sort_by_key(|table| table.effective_from);
    if editions.is_empty() {
        let ids = || tables.iter().map(|table| table.id.as_str());
        let way_out = nearest(id, ids())
            .map_or_else(|| said!("limits-listed"), |meant| said!("limits-meant", meant = format!("{meant:?}")));
        return Err(Failure::usage(said!("limits-unknown", id = format!("{id:?}"), way = way_out)));
    }
    Ok(editions)
}

/// One edition by its name.
pub(super) fn edition<'t>(tables: &'t [LimitTable], id: &str, name: &str) -> Result<&'t LimitTable, Failure> {
    let editions = editions(tables, id)?;
    let names = || editions.iter().map(|table| table.edition.as_str()).collect::<Vec<_>>().join(", ");
    editions.iter().find(|table| table.edition == name).copied().ok_or_else(|| {
        let (id, name) = (format!("{id:?}"), format!("{name:?}"));
        Failure::usage(said!("limits-no-edition", id = id, name = name, names = names()))
    })
}

pub(super) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// The edition to read values by, and the date that makes screening choose it.
fn choose<'t>(args: &ScreenArgs, tables: &'t [LimitTable]) -> Result<(&'t LimitTable, Date), Failure> {
    if let Some(name) = &args.edition {
        let table = edition(tables, &args.table, name)?;
        let day = args.at.unwrap_or_else(|| {
            let latest = table.effective_to.map_or_else(today, |last| last.min(today()));
            latest.max(table.effective_from)
        });
        return Ok((table, day));
    }
    let day = args.at.unwrap_or_else(today);
    let editions = editions(tables, &args.table)?;
    // Before the first edition the first one still tells what can be typed; screening then says the rest.
    let begun = editions.iter().rev().find(|table| table.effective_from <= day).or_else(|| editions.first());
    begun.map(|table| (*table, day)).ok_or_else(|| Failure::usage("the table has no edition"))
}

pub(super) fn screen(args: &ScreenArgs) -> Outcome {
    let language = args.lang.unwrap_or_else(tidewaiter_console::language);
    let tables = tables(args.dir.as_deref())?;
    let (table, at) = choose(args, &tables)?;
    let typed = typed::read(&args.values, table, args.u).map_err(Failure::usage)?;
    // A replay is judged by the edition that was asked for, whatever came after it.
    let loaded: Vec<LimitTable> = if args.edition.is_some() { vec![table.clone()] } else { tables.clone() };
    let judge = [Judge { table: table.id.clone(), parameters: typed.parameters.clone(), advisory: false }];
    let (screening, steps) = explain(&typed.inspection, &loaded, &judge, at, None);
    let judged: Vec<(&Finding, &Vec<Step>)> = screening.findings.iter().zip(&steps).collect();
    if args.json {
        print_json(language, &screening, &judged, table, at);
    } else {
        print(language, &screening, &judged, table, at, &typed);
    }
    Ok(if matches!(screening.verdict, Verdict::Pass | Verdict::NotApplicable) { OK } else { FINDING })
}

pub(super) fn heading(language: Language, table: &LimitTable) -> String {
    let title = if language == Language::ZhCn { &table.title.zh } else { &table.title.en };
    let force = explained::named(language, "force", &table.legal_force);
    let from = table.effective_from.to_string();
    let about = [
        ("title", title.into()),
        ("table", (&table.id).into()),
        ("edition", (&table.edition).into()),
        ("force", (&force).into()),
        ("from", (&from).into()),
    ];
    say(language, "screen-table", &about)
}

fn print(
    language: Language,
    screening: &Screening,
    judged: &[(&Finding, &Vec<Step>)],
    table: &LimitTable,
    at: Date,
    typed: &Typed,
) {
    outln!("{}", heading(language, table));
    let at = at.to_string();
    outln!("{}", say(language, "screen-replay", &[("at", (&at).into())]));
    for taken in &typed.taken {
        outln!("{}", taken_text(language, taken));
    }
    let (aside, told): (Vec<_>, Vec<_>) =
        judged.iter().partition(|(finding, _)| finding.verdict == Verdict::NotApplicable);
    for (finding, steps) in told {
        let mut lines = explained::lines(language, finding, steps, Some(table)).into_iter();
        outln!("\n{}", lines.next().unwrap_or_default());
        for line in lines {
            outln!("  {line}");
        }
    }
    if !aside.is_empty() {
        let rows = aside.iter().map(|(finding, _)| finding.row.as_str()).collect::<Vec<_>>().join(", ");
        outln!("\n{}", say(language, "screen-aside", &[("rows", (&rows).into())]));
    }
    let verdict = terms::verdict(language, screening.verdict.word());
    outln!("\n{}", say(language, "screen-overall", &[("verdict", (&verdict).into())]));
}

fn taken_text(language: Language, taken: &Taken) -> String {
    match taken {
        Taken::MoistureBasis => say(language, "screen-basis-taken", &[]),
        Taken::Unit { parameter, unit } => {
            let parameter = terms::parameter(language, parameter);
            let unit = explained::unit(language, unit.code());
            say(language, "screen-unit-taken", &[("parameter", (&parameter).into()), ("unit", (&unit).into())])
        }
    }
}

fn print_json(
    language: Language,
    screening: &Screening,
    judged: &[(&Finding, &Vec<Step>)],
    table: &LimitTable,
    at: Date,
) {
    let findings: Vec<_> =
        judged.iter().map(|(finding, steps)| explained::json(language, finding, steps, Some(table))).collect();
    outln!(
        "{:#}",
        json!({
            "table": table.id,
            "edition": table.edition,
            "title": { "zh": table.title.zh, "en": table.title.en },
            "sha256": hex::encode(table.digest),
            "at": at.to_string(),
            "verdict": screening.verdict.word(),
            "reason": screening.verdict.reason().map(tidewaiter_screening::Reason::word),
            "findings": findings,
        })
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;
    use crate::cli::USAGE;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: ScreenArgs,
    }

    fn run(line: &str) -> Outcome {
        let words = std::iter::once("screen").chain(line.split(' '));
        screen(&Line::try_parse_from(words).unwrap_or_else(|refusal| panic!("{line}: {refusal}")).args)
    }

    #[test]
    fn the_exit_code_says_how_it_went() {
        let check = |line: &str, code: u8| assert_eq!(run(line).unwrap(), code, "{line}");
        check("gb18401-2010-t1 formaldehyde=75 category=B", OK);
        check("gb18401-2010-t1 formaldehyde=76 category=B --u 3", FINDING);
        check("gb18401-2010-t1 formaldehyde=0.0075% category=B --json --lang zh-CN", OK);
        check("gb18401-2010-t1 formaldehyde=75", FINDING);
        check("gb18401-2010-t1 fastness-saliva=1 category=C", OK);
        check("scrap-radiation dose-rate=350nGy/h background=0.10uGy/h", OK);
        check("scrap-radiation dose-rate=350nGy/h background=0.0999uGy/h", FINDING);
        check("vgm-cn gross-mass=21t mass=20000 --lang en", OK);
        // No edition had come into force by then.
        check("vgm-cn gross-mass=21t mass=20000 --at 2015-01-01", FINDING);
        check("vgm-cn gross-mass=21t mass=20000 --edition 2016", OK);
    }

    #[test]
    fn what_is_wrong_with_the_line_is_said() {
        let check = |line: &str, part: &str| {
            let failure = run(line).unwrap_err();
            assert_eq!(failure.code, USAGE, "{line}");
            assert!(failure.message.contains(part), "{}", failure.message);
        };
        check("gb18401-2010-t9 ph=7", "\"gb18401-2010-t1\" is meant perhaps");
        check("gb18401-2010-t1 formaldehid=7", "\"formaldehyde\" is meant perhaps");
        check("gb18401-2010-t1 ph=7 --edition 2011", "has no edition \"2011\"; there are: 2010");
        check("gb18401-2010-t1 category=A", "nothing to judge");
        check("gb18401-2010-t1 ph=7 --dir /no/such/folder", "cannot read the folder");
    }

    /// A replaced edition judges when it is asked for by name, at a date on which it was in force.
    #[test]
    fn a_replay_takes_the_edition_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let table = |edition: &str, dates: &str, limit: &str| {
            format!(
                "id = \"own\"\nedition = \"{edition}\"\ntitle = {{ zh = \"甲\", en = \"a\" }}\n{dates}\nsource = \"own\"\nlegal_force = \"site\"\n[[rows]]\nid = \"r\"\nparameter = \"p\"\nunit = \"%\"\nmax = \"{limit}\"\nconfidence = \"site\"\n"
            )
        };
        std::fs::write(folder.path().join("a.toml"), table("1", "effective_from = 2010-01-01", "1")).unwrap();
        std::fs::write(folder.path().join("b.toml"), table("2", "effective_from = 2020-01-01", "2")).unwrap();
        let dir = folder.path().display();
        let check =
            |line: &str, code: u8| assert_eq!(run(&format!("own p=1.5% --dir {dir} {line}")).unwrap(), code, "{line}");
        check("--at 2019-12-31", FINDING);
        check("--at 2020-01-01", OK);
        check("--lang en", OK);
        check("--edition 1", FINDING);
        check("--edition 2 --json", OK);
    }
}
