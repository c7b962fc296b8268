//! `tidewaiter limits`: checks, shows and compares limit tables.

mod compare;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde_json::{Value, json};
use tidewaiter_config::limits::{self, LimitTable, Row};
use tidewaiter_words::{Language, quantity, say, terms};

use compare::{change_json, change_text, changes, fields};

use super::{
    FINDING, Failure, OK, Outcome, USAGE,
    output::{outln, said},
    screen::{edition, editions, heading, language, tables, today},
};

/// Commands of `tidewaiter limits`.
#[derive(Debug, Subcommand)]
pub(super) enum LimitsCommand {
    /// Check limit tables and step programmes: every fault with its line, and what to write instead.
    ///
    /// Example: tidewaiter limits check /etc/tidewaiter/limits
    Check(CheckArgs),
    /// List the limit tables, or show all rows of one.
    ///
    /// Example: tidewaiter limits show gb18401-2010-t1
    Show(ShowArgs),
    /// Compare two tables: rows added, removed and changed.
    ///
    /// Example: tidewaiter limits diff old.toml new.toml
    ///
    /// Example: tidewaiter limits diff vgm-cn 2016 vgm-cn 2020
    Diff(DiffArgs),
}

/// Options of `tidewaiter limits check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Files, and folders whose *.toml files are read.
    #[arg(value_name = "FILE", required = true)]
    paths: Vec<PathBuf>,
    /// Language: zh-CN or en; that of the locale if not given.
    #[arg(long, value_name = "LANG", value_parser = language)]
    lang: Option<Language>,
}

/// Options of `tidewaiter limits show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Id of one table; all are listed without it.
    #[arg(value_name = "TABLE")]
    table: Option<String>,
    /// This edition, also one that has been replaced.
    #[arg(long, value_name = "EDITION", requires = "table")]
    edition: Option<String>,
    /// The edition in force on this day; today if not given.
    #[arg(long, value_name = "DATE")]
    at: Option<Date>,
    /// Folder of further limit tables.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Language: zh-CN or en; that of the locale if not given.
    #[arg(long, value_name = "LANG", value_parser = language)]
    lang: Option<Language>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `tidewaiter limits diff`.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// Two files, or TABLE EDITION twice.
    #[arg(value_name = "A B", required = true, num_args = 2..=4)]
    sides: Vec<String>,
    /// Folder of further limit tables.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Language: zh-CN or en; that of the locale if not given.
    #[arg(long, value_name = "LANG", value_parser = language)]
    lang: Option<Language>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn limits(command: &LimitsCommand) -> Outcome {
    match command {
        LimitsCommand::Check(args) => check(args),
        LimitsCommand::Show(args) => show(args),
        LimitsCommand::Diff(args) => diff(args),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
fn check(args: &CheckArgs) -> Outcome {
    let language = args.lang.unwrap_or_else(tidewaiter_console::language);
    let mut loaded = limits::Folder::default();
    let mut sound = true;
    for path in &args.paths {
        let folder = if path.is_dir() { limits::load_dir(path) } else { limits::load_file(path) };
        match folder {
            Ok(folder) => {
                loaded.tables.extend(folder.tables);
                loaded.programmes.extend(folder.programmes);
            }
            Err(report) => {
                outln!("{}", report.to_string().trim_end());
                sound = false;
            }
        }
    }
    // Beside the shipped ones, because a site loads both.
    let mut all = limits::builtin();
    all.extend(loaded.tables.iter().cloned());
    if let Some(clash) = limits::clash(&all) {
        outln!("error: {clash}\n  write: {}", clash.way_out());
        sound = false;
    }
    if !sound {
        return Ok(USAGE);
    }
    let counts = [("tables", loaded.tables.len().into()), ("programmes", loaded.programmes.len().into())];
    outln!("{}", say(language, "limits-sound", &counts));
    Ok(OK)
}

fn show(args: &ShowArgs) -> Outcome {
    let language = args.lang.unwrap_or_else(tidewaiter_console::language);
    let tables = tables(args.dir.as_deref())?;
    let at = args.at.unwrap_or_else(today);
    let Some(id) = &args.table else {
        list(language, &tables, at, args.json);
        return Ok(OK);
    };
    let table = match &args.edition {
        Some(name) => edition(&tables, id, name)?,
        None => editions(&tables, id)?
            .into_iter()
            .rfind(|table| table.effective_from <= at)
            .filter(|table| in_force(table, &tables, at))
            .ok_or_else(|| {
                let names = tables.iter().filter(|table| table.id == *id).map(|table| table.edition.as_str());
                let names = names.collect::<Vec<_>>().join(", ");
                Failure::usage(said!("limits-none-then", id = format!("{id:?}"), at = at, names = names))
            })?,
    };
    if args.json {
        outln!("{:#}", table_json(table, &tables, at));
        return Ok(OK);
    }
    outln!("{}", heading(language, table));
    outln!("{}", source(language, &table.source, None));
    for (fact, meaning) in &table.facts {
        outln!("  {fact}: {meaning}");
    }
    for row in &table.rows {
        outln!("\n{} [{}]", terms::parameter(language, &row.parameter), row.id);
        for (field, text) in fields(row).into_iter().filter(|(field, _)| *field != "parameter" && *field != "source") {
            let text = if field == "limit" { quantity::limit(language, &text) } else { text };
            outln!("  {field}: {text}");
        }
        outln!("  {}", source(language, row.source.as_ref().unwrap_or(&table.source), Some(&row.confidence)));
    }
    Ok(OK)
}

fn source(language: Language, source: &str, confidence: Option<&str>) -> String {
    let confidence = confidence.unwrap_or("—");
    say(language, "screen-source", &[("source", source.into()), ("confidence", confidence.into())])
}

/// Whether it is the newest edition that has begun, and has not ended.
fn in_force(table: &LimitTable, tables: &[LimitTable], at: Date) -> bool {
    let newest =
        tables.iter().filter(|it| it.id == table.id && it.effective_from <= at).map(|it| it.effective_from).max();
    newest == Some(table.effective_from) && table.effective_to.is_none_or(|last| at <= last)
}

fn list(language: Language, tables: &[LimitTable], at: Date, as_json: bool) {
    let mut tables_sorted = tables.iter().collect::<Vec<_>>();
    tables_sorted.sort_by(|a, b| (&a.id, a.effective_from).cmp(&(&b.id, b.effective_from)));
    if as_json {
        let listed: Vec<Value> = tables_sorted
            .iter()
            .map(|table| {
                json!({
                    "table": table.id,
                    "edition": table.edition,
                    "title": { "zh": table.title.zh, "en": table.title.en },
                    "effective_from": table.effective_from.to_string(),
                    "effective_to": table.effective_to.map(|it| it.to_string()),
                    "in_force": in_force(table, tables, at),
                    "legal_force": table.legal_force,
                    "rows": table.rows.len(),
                    "sha256": hex::encode(table.digest),
                })
            })
            .collect();
        outln!("{:#}", Value::from(listed));
        return;
    }
    let on = at.to_string();
    for table in tables_sorted {
        let until = match table.effective_to {
            Some(to) => say(language, "limits-until", &[("to", (&to.to_string()).into())]),
            None => say(language, "limits-open", &[]),
        };
        let state = if in_force(table, tables, at) {
            say(language, "limits-in-force", &[])
        } else {
            say(language, "limits-not-in-force", &[("at", (&on).into())])
        };
        let rows = say(language, "limits-rows", &[("rows", table.rows.len().into())]);
        outln!("{}", heading(language, table));
        outln!("  {until}; {state}; {rows}");
    }
}

fn table_json(table: &LimitTable, tables: &[LimitTable], at: Date) -> Value {
    let rows: Vec<Value> = table.rows.iter().map(row_json).collect();
    json!({
        "table": table.id,
        "edition": table.edition,
        "title": { "zh": table.title.zh, "en": table.title.en },
        "effective_from": table.effective_from.to_string(),
        "effective_to": table.effective_to.map(|it| it.to_string()),
        "replaces": table.replaces,
        "in_force": in_force(table, tables, at),
        "legal_force": table.legal_force,
        "source": table.source,
        "sha256": hex::encode(table.digest),
        "facts": table.facts,
        "rows": rows,
    })
}

fn row_json(row: &Row) -> Value {
    let mut object: serde_json::Map<String, Value> =
        fields(row).into_iter().map(|(field, text)| (field.to_owned(), text.into())).collect();
    object.insert("row".to_owned(), row.id.clone().into());
    object.insert("kind".to_owned(), row.limit.kind().into());
    object.into()
}

fn diff(args: &DiffArgs) -> Outcome {
    let language = args.lang.unwrap_or_else(tidewaiter_console::language);
    let (old, new) = match args.sides.as_slice() {
        [old, new] => (file(old)?, file(new)?),
        [first, old, second, new] => {
            let tables = tables(args.dir.as_deref())?;
            (edition(&tables, first, old)?.clone(), edition(&tables, second, new)?.clone())
        }
        _ => return Err(Failure::usage(said!("limits-sides"))),
    };
    let changes = changes(&old, &new);
    if args.json {
        let listed: Vec<Value> = changes.iter().map(change_json).collect();
        outln!("{:#}", Value::from(listed));
    } else if changes.is_empty() {
        outln!("{}", say(language, "limits-same", &[]));
    }
    if !args.json {
        for change in &changes {
            outln!("{}", change_text(language, change));
        }
    }
    Ok(if changes.is_empty() { OK } else { FINDING })
}

fn file(path: &str) -> Result<LimitTable, Failure> {
    let mut folder =
        limits::load_file(Path::new(path)).map_err(|report| Failure::usage(report.to_string().trim_end()))?;
    folder.tables.pop().ok_or_else(|| Failure::usage(said!("limits-programme", path = path)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::{compare::tests::TABLE, *};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: LimitsCommand,
    }

    fn run(words: &[&str]) -> Outcome {
        let words = std::iter::once("limits").chain(words.iter().copied());
        limits(&Line::try_parse_from(words).unwrap_or_else(|refusal| panic!("{refusal}")).command)
    }

    #[test]
    fn a_file_is_checked_and_compared() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let good = path("good.toml", TABLE);
        let bad = path("bad.toml", &TABLE.replace("max = \"0.5\"", "max = 0.5"));
        let other = path("other.toml", &TABLE.replace("0.5", "0.6"));
        let check = |words: &[&str], code: u8| assert_eq!(run(words).unwrap(), code, "{words:?}");
        check(&["check", &good], OK);
        check(&["check", &good, &bad], USAGE);
        // Two editions of one name on one day.
        check(&["check", &good, &other], USAGE);
        check(&["check", &folder.path().display().to_string()], USAGE);
        check(&["diff", &good, &good], OK);
        check(&["diff", &good, &other, "--json"], FINDING);
        assert!(run(&["diff", &good, &bad]).is_err());
        assert!(run(&["diff", &good, "1", "2"]).is_err());
    }

    #[test]
    fn shipped_tables_are_shown() {
        for table in limits::builtin() {
            for lang in ["zh-CN", "en"] {
                assert_eq!(run(&["show", &table.id, "--edition", &table.edition, "--lang", lang]).unwrap(), OK);
            }
            assert_eq!(run(&["show", &table.id, "--edition", &table.edition, "--json"]).unwrap(), OK);
        }
        assert_eq!(run(&["show"]).unwrap(), OK);
        assert_eq!(run(&["show", "--json", "--at", "2015-01-01"]).unwrap(), OK);
        assert_eq!(run(&["check", "../config/limits", "../config/programmes"]).unwrap(), OK);
        assert!(
            run(&["show", "vgm-cn", "--at", "2015-01-01"])
                .unwrap_err()
                .message
                .contains("--edition takes one of: 2016")
        );
    }
}
