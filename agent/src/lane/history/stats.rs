//! What the records add up to: the counts of `tidewaiter stats`, as a page and as a table.
//!
//! Lots, denominators and re-tests are screening's, see `tidewaiter_screening::statistics`. Days are those of the site's
//! zone, and page and table say which it is: whoever counts lorries counts shifts. At the centre, over sites in several
//! zones, a day is one of UTC.

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use jiff::civil::Date;
use tidewaiter_config::site::zone_name;
use tidewaiter_recompute::by_days_of;
use tidewaiter_screening::statistics::{By, Period, Report, Tally, report};
use tidewaiter_words::{Language, say, terms};

use super::{
    attachment,
    block::{Block, Cell, Section},
    fields,
    filter::QueryError,
    follow::AT_ONCE,
    heads,
    index::Reach,
    plot::{self, Share},
    sheet,
};
use crate::{
    explained::{named, share},
    lane::{
        Local,
        page::{Shell, View},
    },
};

/// Groups shown in a picture and in the page's table; the downloaded table has all.
const MOST_GROUPS: usize = 60;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    period: Period,
    by: Option<By>,
}

struct Choice {
    value: &'static str,
    text: String,
    selected: bool,
}

#[derive(Template)]
#[template(path = "stats.html")]
struct StatsPage {
    shell: Shell,
    from: String,
    from_label: String,
    to: String,
    to_label: String,
    days: String,
    groups: Vec<Choice>,
    sections: Vec<Section>,
    table: String,
}

impl Asked {
    fn read(fields: &[(String, String)]) -> Result<Self, QueryError> {
        let mut asked = Self::default();
        for (name, value) in fields {
            let value = value.trim();
            if name == "lang" || value.is_empty() {
                continue;
            }
            let refused = |field, wanted| QueryError::Value { field, value: value.chars().take(40).collect(), wanted };
            let day = |field| Date::strptime("%Y-%m-%d", value).map_err(|_| refused(field, "history-wanted-day"));
            match name.as_str() {
                "from" => asked.period.from = Some(day("from")?),
                "to" => asked.period.to = Some(day("to")?),
                "by" => asked.by = Some(By::from_word(value).ok_or_else(|| refused("by", "history-wanted-choice"))?),
                _ => return Err(QueryError::Field(name.chars().take(40).collect())),
            }
        }
        if let (Some(from), Some(to)) = (asked.period.from, asked.period.to)
            && to < from
        {
            return Err(QueryError::Value { field: "to", value: to.to_string(), wanted: "history-wanted-later" });
        }
        Ok(asked)
    }

    fn link(&self) -> String {
        let day = |name: &str, day: Option<Date>| day.map(|it| format!("{name}={it}"));
        let parts =
            [day("from", self.period.from), day("to", self.period.to), self.by.map(|it| format!("by={}", it.word()))];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        format!("/stats.csv?{}", parts.join("&"))
    }
}

async fn counted(local: &Local, asked: &Asked) -> (Report, u64, Reach) {
    local.history.catch_up(&local.outbox, AT_ONCE).await;
    let ((examinations, not_understood), reach) = local.history.look(|index| (index.examinations(), index.reach()));
    let (asked, zone, mut examinations) = (asked.clone(), local.zone(), examinations);
    // Thousands of lots are sorted and folded: not on a thread that others wait for.
    let count = move || {
        by_days_of(&zone, &mut examinations);
        report(&examinations, asked.period, asked.by)
    };
    let counted = tokio::task::spawn_blocking(count).await;
    (counted.unwrap_or_else(|_| report(&[], Period::default(), None)), not_understood, reach)
}

/// `GET /stats`.
pub(super) async fn page(State(local): State<Local>, view: View) -> Response {
    let language = view.language;
    let asked = match Asked::read(&fields(&view).unwrap_or_default()) {
        Ok(asked) => asked,
        Err(why) => return local.say_page(&view, StatusCode::BAD_REQUEST, &why.say(language)),
    };
    let (report, not_understood, reach) = counted(&local, &asked).await;
    let day = |day: Option<Date>| day.map(|it| it.to_string()).unwrap_or_default();
    let none = Choice { value: "", text: say(language, "history-any", &[]), selected: asked.by.is_none() };
    let groups = By::ALL.map(|by| Choice {
        value: by.word(),
        text: say(language, &format!("stats-by-{}", by.word()), &[]),
        selected: asked.by == Some(by),
    });
    let mut sections = vec![total(&report, not_understood, reach, language)];
    sections.extend(asked.by.map(|by| by_group(&report, by, language)));
    let zone = zone_name(&local.zone());
    let of_zone = |id: &str| say(language, id, &[("zone", (&zone).into())]);
    let page = StatsPage {
        shell: local.shell(&view, &say(language, "page-statistics", &[])),
        from: day(asked.period.from),
        from_label: of_zone("stats-from"),
        to: day(asked.period.to),
        to_label: of_zone("stats-to"),
        days: of_zone("stats-days"),
        groups: std::iter::once(none).chain(groups).collect(),
        sections,
        table: asked.link(),
    };
    view.page(StatusCode::OK, &page)
}

fn word(language: Language, name: &str) -> String {
    say(language, &format!("stats-{name}"), &[])
}

fn total(report: &Report, not_understood: u64, reach: Reach, language: Language) -> Section {
    let tally = &report.total;
    let mut section = Section::new("total", word(language, "total"));
    let mut facts: Vec<(String, Cell)> = Vec::new();
    let mut fact = |name: String, count: u64| facts.push((name, Cell::text(count.to_string())));
    for (name, count) in tally.figures() {
        fact(word(language, name), count);
    }
    for (reason, count) in &tally.incomplete {
        fact(terms::incomplete(language, reason), *count);
    }
    for (reason, count) in &tally.inconclusive {
        fact(terms::reason(language, reason), *count);
    }
    for (hazard, count) in &tally.failed_by_hazard {
        let hazard = named(language, "hazard", hazard);
        fact(say(language, "stats-failed-hazard", &[("hazard", (&hazard).into())]), *count);
    }
    section.facts(facts);
    section.facts(tally.rates().map(|rate| (word(language, rate.name), Cell::text(share(language, &rate)))).into());
    let shares: Vec<Share> = tally
        .rates()
        .iter()
        .map(|it| Share { name: word(language, it.name), numerator: it.numerator, denominator: it.denominator })
        .collect();
    section.blocks.push(Block::Svg(plot::bars(&shares, &word(language, "total"))));
    section.said(say(language, "stats-intervals", &[]), "quiet");
    let checks = report.function_checks;
    let counts = [
        ("done", checks.done.into()),
        ("passed", checks.passed.into()),
        ("failed", checks.failed.into()),
        ("unfinished", checks.unfinished.into()),
    ];
    section.said(say(language, "stats-function-checks", &counts), "");
    section.said(say(language, "stats-drills", &[("drills", report.drills.into())]), "");
    if not_understood > 0 {
        section.said(say(language, "stats-not-understood", &[("records", not_understood.into())]), "warn");
    }
    if let Reach::Growing(seq) | Reach::Bounded(seq) = reach {
        let number = seq.to_string();
        section.said(say(language, "stats-reach", &[("number", (&number).into())]), "warn");
    }
    section
}

fn by_group(report: &Report, by: By, language: Language) -> Section {
    let mut section = Section::new("groups", say(language, &format!("stats-by-{}", by.word()), &[]));
    let mut head = vec![section.title.clone()];
    head.extend(heads(language, "stats", &Tally::COLUMNS));
    head.push(word(language, "pass-rate"));
    let pass = |tally: &Tally| tally.rates().into_iter().find(|it| it.name == "pass-rate");
    // The newest days and weeks are the ones asked about.
    let skipped = report.groups.len().saturating_sub(MOST_GROUPS);
    let shown = || report.groups.iter().skip(skipped);
    let rows = shown().map(|(key, tally)| {
        let figures = tally.figures();
        let figure = |name: &str| figures.iter().find(|it| it.0 == name).map_or(0, |it| it.1);
        let mut row = vec![Cell::text(group(language, by, key))];
        row.extend(Tally::COLUMNS.map(|name| Cell::number(figure(name).to_string())));
        row.push(Cell::text(pass(tally).map(|rate| share(language, &rate)).unwrap_or_default()));
        row
    });
    section.table(head, rows.collect());
    let shares: Vec<Share> = shown()
        .filter_map(|(key, tally)| {
            let rate = pass(tally)?;
            Some(Share { name: group(language, by, key), numerator: rate.numerator, denominator: rate.denominator })
        })
        .collect();
    if !shares.is_empty() {
        section.blocks.push(Block::Svg(plot::bars(&shares, &word(language, "pass-rate"))));
    }
    if skipped > 0 {
        section.said(say(language, "stats-groups-more", &[("count", skipped.into())]), "quiet");
    }
    if !report.exclusive {
        section.said(word(language, "overlap"), "quiet");
    }
    section
}

fn group(language: Language, by: By, key: &str) -> String {
    match by {
        By::Procedure => terms::procedure(language, key),
        By::Hazard => named(language, "hazard", key),
        By::Origin if key.is_empty() => word(language, "no-origin"),
        By::Origin => named(language, "origin", key),
        By::Day | By::Week | By::Month | By::Place | By::Table => key.to_owned(),
    }
}

/// `GET /stats.csv`: the total and every group, counts and rates with their denominators.
pub(super) async fn table(State(local): State<Local>, view: View) -> Response {
    let asked = match Asked::read(&fields(&view).unwrap_or_default()) {
        Ok(asked) => asked,
        Err(why) => return local.say_page(&view, StatusCode::BAD_REQUEST, &why.say(view.language)),
    };
    let (report, ..) = counted(&local, &asked).await;
    let by = asked.by.map_or("total", By::word);
    let mut text = sheet::MARK.as_bytes().to_vec();
    let mut head = vec!["by".to_owned(), "group".to_owned()];
    head.extend(report.total.figures().map(|it| it.0.to_owned()));
    for rate in report.total.rates() {
        head.extend([format!("{}_percent", rate.name), format!("{}_of_{}", rate.name, rate.of)]);
    }
    head.push("zone".to_owned());
    let zone = zone_name(&local.zone());
    text.extend(sheet::line(&head));
    let groups = report.groups.iter().map(|(key, tally)| (by, key.as_str(), tally));
    for (by, key, tally) in std::iter::once(("total", "", &report.total)).chain(groups) {
        let mut cells = vec![by.to_owned(), key.to_owned()];
        cells.extend(tally.figures().map(|it| it.1.to_string()));
        for rate in tally.rates() {
            cells.push(rate.percent.map(|it| it.to_string()).unwrap_or_default());
            cells.push(rate.denominator.to_string());
        }
        cells.push(zone.clone());
        text.extend(sheet::line(&cells));
    }
    let name = format!("{}-statistics.csv", local.site.borrow().agent);
    attachment("text/csv; charset=utf-8", &name, text)
}
