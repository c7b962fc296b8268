//! The parts every live page has: notices, the four counters, what is in force, instruments.

use askama::Template;
use jiff::{Timestamp, civil::Date};
use tidewaiter_config::site::estimated_bytes_per_hour;
use tidewaiter_words::{Language, terms};

use super::{
    look::Look,
    parts::{Shown, named, shown},
    plot,
    when::age,
};
use crate::lane::StatusReport;

/// With the uplink up, a receipt is overdue after this long.
const OVERDUE_MS: i64 = 60_000;
/// Less room than this is worth a warning, hours.
const LOW_HOURS: u64 = 24;
/// Channels of one instrument shown at most.
const MOST_CHANNELS: usize = 12;

/// What is not as it should be.
#[derive(Template)]
#[template(path = "notices.html")]
pub(super) struct NoticesPart {
    heading: String,
    notices: Vec<Notice>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    /// It speaks against results; otherwise against something around them.
    pub(super) is_bad: bool,
    pub(super) text: String,
}

/// What is not as it should be: at a place, or anywhere.
pub(super) fn notices(look: &Look, place: Option<&str>) -> NoticesPart {
    let mut notices = Vec::new();
    let mut add = |is_bad, text: String| notices.push(Notice { is_bad, text });
    let report = &look.report;
    let language = look.language;
    if let Some(way) = report.stopped.and_then(|it| it.cause.way_out(language)) {
        add(true, way);
    }
    for place in look.places().map(|(id, _)| id).filter(|id| place.is_none_or(|it| it == *id)) {
        if let Some(drill) = report.live.drills.get(place) {
            let since = look.times.clock(drill.since_ms);
            let args = [("place", place.into()), ("operator", (&drill.operator).into()), ("since", (&since).into())];
            add(false, look.say("notice-drill", &args));
        }
    }
    let ours: Vec<&str> = match place {
        Some(place) => look.instruments(place),
        None => look.site.instruments.iter().map(|it| it.id.as_str()).collect(),
    };
    for (id, instrument) in look.site.checks.iter().map(|it| (&it.id, &it.instrument)) {
        if ours.contains(&instrument.as_str()) && report.live.busy.contains_key(id) {
            add(true, look.say("notice-check", &[("check", id.into()), ("instrument", instrument.into())]));
        }
    }
    for id in &ours {
        let is_down = report.live.down.get(*id).copied().unwrap_or(false);
        let whole = report.live.instruments.get(*id).and_then(|it| it.get("*")).and_then(|it| it.missing.as_deref());
        if is_down {
            add(true, look.say("notice-down", &[("instrument", (*id).into())]));
        } else if let Some(missing) = whole {
            let (word, code) = missing.split_once('(').unwrap_or((missing, ""));
            let why = terms::missing(language, word, code.trim_end_matches(')').parse().ok());
            add(true, look.say("notice-missing", &[("instrument", (*id).into()), ("why", (&why).into())]));
        }
    }
    for line in report.live.register.iter().filter(|it| ours.contains(&it.instrument.as_str())) {
        if !matches!(line.standing, "good" | "unregistered") {
            let why = terms::quality(language, line.standing);
            let is_bad = line.standing != "verification-due";
            add(
                is_bad,
                look.say("notice-register", &[("instrument", (&line.instrument).into()), ("why", (&why).into())]),
            );
        }
    }
    if matches!(report.clock.quality, "I" | "U") {
        add(report.clock.quality == "U", clock(language, report));
    }
    if report.live.limits_stale {
        add(false, look.t("notice-limits-stale"));
    }
    if let Some(refused) = &report.config_refused {
        let faults = u64::try_from(refused.faults).unwrap_or(u64::MAX);
        add(true, look.say("config-refused", &[("faults", faults.into()), ("first", (&refused.first).into())]));
    }
    if let Some(fork) = &report.log_fork {
        add(true, look.say("notice-log-fork", &[("why", fork.into())]));
    }
    if report.uplink.online {
        if report.oldest_unreceipted_age_ms.is_some_and(|it| it > OVERDUE_MS) {
            let waited = report.oldest_unreceipted_age_ms.and_then(|it| u64::try_from(it).ok()).unwrap_or_default();
            add(false, look.say("notice-overdue", &[("age", (&age(language, waited)).into())]));
        }
        let backlog = report.counters.sealed > report.counters.receipted;
        if backlog && report.uplink.refused > 0 {
            add(false, look.say("notice-refused", &[("count", report.uplink.refused.into())]));
        }
        if backlog && report.uplink.no_subscriber > 0 {
            add(false, look.say("notice-no-subscriber", &[("count", report.uplink.no_subscriber.into())]));
        }
    }
    if reserve_hours(look) < LOW_HOURS && report.stopped.is_none() {
        add(false, look.say("reserve-left", &[("hours", reserve_hours(look).into())]));
    }
    NoticesPart { heading: look.t("heading-notices"), notices }
}

/// Hours of full traffic that the store still has room for, the reserve left out.
fn reserve_hours(look: &Look) -> u64 {
    let (used, budget) = (look.report.store_used_bytes, look.report.store_budget_bytes);
    let room = (budget - budget / 16).saturating_sub(used);
    room / estimated_bytes_per_hour(&look.site).max(1)
}

fn clock(language: Language, report: &StatusReport) -> String {
    let error = terms::clock_error(report.clock.err_ms.unwrap_or_default());
    terms::clock(language, report.clock.quality, &error)
}

/// Counters, uplink, store, clock, and the rules in force.
#[derive(Template)]
#[template(path = "figures.html")]
pub(super) struct FiguresPart {
    heading: String,
    counters: Vec<(String, u64)>,
    lines: Vec<String>,
    rules: String,
    tables: Vec<(String, String)>,
    plan: Option<String>,
}

/// The figures of the agent.
pub(super) fn figures(look: &Look) -> FiguresPart {
    let report = &look.report;
    let language = look.language;
    let counters = [
        ("counter-sampled", report.counters.sampled),
        ("counter-sealed", report.counters.sealed),
        ("counter-sent", report.counters.sent),
        ("counter-receipted", report.counters.receipted),
    ];
    let oldest = match report.oldest_unreceipted_age_ms.and_then(|it| u64::try_from(it).ok()) {
        Some(waited) => look.say("oldest-unreceipted", &[("age", (&age(language, waited)).into())]),
        None => look.t("nothing-unreceipted"),
    };
    let uplink = match (look.site.uplink.is_some(), report.uplink.online, report.uplink_down_ms) {
        (false, ..) => look.t("uplink-none"),
        (true, true, _) => look.t("uplink-up"),
        (true, false, down_ms) => {
            let down = terms::span(down_ms.unwrap_or_default() / 1000);
            let said = look.say("uplink-down", &[("down", (&down).into())]);
            match &report.uplink.last_failure {
                Some(why) => format!("{said} — {why}"),
                None => said,
            }
        }
    };
    let mut lines = vec![oldest, uplink, look.say("reserve-left", &[("hours", reserve_hours(look).into())])];
    if report.refused > 0 {
        lines.push(look.say("page-refused", &[("count", report.refused.into())]));
    }
    lines.push(clock(language, report));
    // Without a script the page is as old as its last loading; this is how old.
    lines.push(format!("{} {}", look.t("heading-time"), look.times.full(look.now.wall_ms)));
    let today =
        Timestamp::from_millisecond(look.now.wall_ms).ok().map(|at| at.to_zoned(look.times.zone.clone()).date());
    let table = |it: &tidewaiter_record::body::Table| {
        let own = look.site.tables.iter().find(|own| own.id == it.id && own.edition == it.edition);
        let since = own.zip(today).and_then(|(own, today)| told_since(look, own.effective_from, today));
        (format!("{} {}", it.id, it.edition), since.unwrap_or_default())
    };
    FiguresPart {
        heading: look.t("heading-record"),
        counters: counters.into_iter().map(|(id, count)| (look.t(id), count)).collect(),
        lines,
        rules: look.t("heading-tables"),
        tables: look.in_force.tables.iter().map(table).collect(),
        plan: look
            .in_force
            .plan
            .as_ref()
            .map(|plan| look.say("page-plan", &[("plan", (&format!("{} {}", plan.id, plan.version)).into())])),
    }
}

fn told_since(look: &Look, from: Date, today: Date) -> Option<String> {
    let days = from.until(today).ok()?.get_days();
    let days = u64::try_from(days).ok()?;
    Some(look.say("page-in-force", &[("since", (&from.to_string()).into()), ("days", days.into())]))
}

/// Instruments with their newest readings, links and certificates.
#[derive(Template)]
#[template(path = "instruments.html")]
pub(super) struct InstrumentsPart {
    heading: String,
    columns: [String; 4],
    rows: Vec<InstrumentRow>,
}

/// One instrument.
#[derive(Clone, Debug)]
struct InstrumentRow {
    id: String,
    simulated: Option<String>,
    values: Vec<Shown>,
    link: String,
    is_up: bool,
    standing: String,
    is_in_order: bool,
    certificate: Option<String>,
    checks: Vec<(String, bool)>,
}

/// The instruments of a place, or all of them.
pub(super) fn instruments(look: &Look, place: Option<&str>) -> InstrumentsPart {
    let ids: Vec<&str> = match place {
        Some(place) => look.instruments(place),
        None => look.site.instruments.iter().map(|it| it.id.as_str()).collect(),
    };
    InstrumentsPart {
        heading: look.t("heading-instruments"),
        columns: ["heading-instruments", "page-reading", "page-link", "page-verification"].map(|id| look.t(id)),
        rows: ids.into_iter().map(|id| instrument(look, id)).collect(),
    }
}

fn instrument(look: &Look, id: &str) -> InstrumentRow {
    let live = &look.report.live;
    let down = live.down.get(id).copied();
    let value = |(channel, value): (&String, &_)| {
        let name = if channel == "*" { String::new() } else { plot::channel(look.language, channel) };
        shown(look, name, value)
    };
    let line = live.register.iter().find(|it| it.instrument == id);
    let standing = line.map_or("unregistered", |it| it.standing);
    let certificate = line.and_then(|it| {
        let until = it.valid_until.as_deref()?;
        let days = it.days_left?;
        let id = if days < 0 { "page-expired" } else { "page-valid" };
        Some(look.say(id, &[("until", until.into()), ("days", days.unsigned_abs().into())]))
    });
    let check = |it: &crate::register::CheckLine| {
        let due = it.due.as_deref().and_then(|it| it.parse::<Timestamp>().ok());
        let due = due.map_or_else(|| look.t("page-never"), |it| look.times.full(it.as_millisecond()));
        (look.say("page-check-due", &[("check", (&it.check).into()), ("due", (&due).into())]), it.lapsed)
    };
    InstrumentRow {
        id: id.to_owned(),
        simulated: look.site.instrument(id).filter(|it| it.simulated).map(|_| look.t("simulated")),
        values: live.instruments.get(id).map_or_else(Vec::new, |it| it.iter().take(MOST_CHANNELS).map(value).collect()),
        link: look.t(match down {
            Some(true) => "link-down",
            Some(false) => "link-up",
            None => "link-unknown",
        }),
        is_up: down == Some(false),
        standing: named(look, "quality", standing),
        is_in_order: matches!(standing, "good" | "unregistered" | "verification-due"),
        certificate,
        checks: line.map_or_else(Vec::new, |it| it.checks.iter().map(check).collect()),
    }
}
