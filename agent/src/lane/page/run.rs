//! How far the run of a rig is: what it waits for, the programme's steps, the values so far.

use askama::Template;
use tidewaiter_config::site::RigProcedure;
use tidewaiter_words::{quantity, terms};

use super::{look::Look, when::age};
use crate::inspect::progress::{Progress, Quantity};

/// Values of one quantity listed at most.
const LISTED: usize = 12;

/// The run of a rig.
#[derive(Template)]
#[template(path = "run.html")]
pub(super) struct RunPart {
    heading: String,
    none: Option<String>,
    lines: Vec<String>,
    /// Steps of the programme, each `done`, `now` or `ahead`.
    stages: Vec<(String, &'static str)>,
    columns: [String; 4],
    rows: Vec<QuantityRow>,
}

#[derive(Clone, Debug)]
struct QuantityRow {
    name: String,
    source: String,
    values: String,
    count: String,
    is_full: bool,
    note: String,
}

/// The run of `place`.
pub(super) fn run(look: &Look, place: &str) -> RunPart {
    let scene = look.scene(place);
    let progress = scene.as_ref().and_then(|it| it.progress.as_ref());
    let programme = look.site.rigs.iter().find(|it| it.id == place).and_then(|it| it.procedure.programme());
    let programme = look.site.programmes.iter().find(|it| Some(it.id.as_str()) == programme);
    let now = progress.and_then(|it| it.stage);
    let stages = programme.map_or_else(Vec::new, |it| {
        (1_u16..)
            .zip(&it.stages)
            .map(|(number, stage)| {
                let lasts = terms::span(u64::from(stage.duration_s));
                let hold = |hold: &tidewaiter_config::limits::Hold| {
                    let limit = format!("{}..{} {}", hold.low, hold.high, hold.unit.code());
                    let limit = quantity::limit(look.language, &limit);
                    format!("{} {limit}", terms::parameter(look.language, &hold.channel))
                };
                let held: Vec<String> = stage.hold.iter().map(hold).collect();
                let text = look.say(
                    "run-stage",
                    &[
                        ("stage", u64::from(number).into()),
                        ("lasts", (&lasts).into()),
                        ("held", (&held.join(", ")).into()),
                    ],
                );
                let state = match now {
                    Some(now) if number < now => "done",
                    Some(now) if number == now => "now",
                    _ => "ahead",
                };
                (text, state)
            })
            .collect()
    });
    RunPart {
        heading: look.t("heading-run"),
        none: progress.is_none().then(|| look.t("run-none")),
        lines: progress.map_or_else(Vec::new, |it| lines(look, it)),
        stages,
        columns: ["run-quantity", "run-values", "run-count", "run-state"].map(|id| look.t(id)),
        rows: progress.map_or_else(Vec::new, |it| it.quantities.iter().map(|it| row(look, it)).collect()),
    }
}

fn lines(look: &Look, progress: &Progress) -> Vec<String> {
    let open_ms = look.now.mono_ms.saturating_sub(progress.opened.mono_ms);
    let mut lines = vec![
        look.t(&format!("awaits-{}", progress.awaits.word())),
        look.say("run-open", &[("id", (&progress.id).into()), ("age", (&age(look.language, open_ms)).into())]),
    ];
    if let Some(elapsed) = progress.elapsed {
        let seconds = elapsed.at_places(0).and_then(|it| u64::try_from(it.digits()).ok());
        let span = seconds.map_or_else(|| format!("{elapsed} s"), terms::span);
        lines.push(look.say("run-elapsed", &[("elapsed", (&span).into())]));
    }
    lines.extend(progress.alarms.iter().map(|it| terms::alarm(look.language, it)));
    lines
}

fn row(look: &Look, it: &Quantity) -> QuantityRow {
    let value = |it: &tidewaiter_drivers::reading::Indication| {
        quantity::value(look.language, &format!("{} {}", it.value, it.unit.code()))
    };
    let skipped = it.values.len().saturating_sub(LISTED);
    let mut values: Vec<String> = it.values.iter().skip(skipped).map(value).collect();
    if skipped > 0 {
        values.insert(0, "…".to_owned());
    }
    let note = match it.missing {
        _ if it.is_full => look.t("run-full"),
        Some(missing) if it.values.is_empty() => terms::missing(look.language, missing.word(), missing.code()),
        _ => look.t("run-wanting"),
    };
    QuantityRow {
        name: terms::parameter(look.language, &it.parameter),
        source: it.instrument.clone().unwrap_or_else(|| look.t("page-operator")),
        values: if values.is_empty() { "—".to_owned() } else { values.join(", ") },
        count: format!("{}/{}", it.count, it.wanted),
        is_full: it.is_full,
        note,
    }
}

/// What a person types at a rig: parameter, its name, and the unit of a bare number.
pub(super) fn typed(look: &Look, place: &str) -> Vec<(String, String, String)> {
    use tidewaiter_config::site::Source;
    let Some(RigProcedure::Bench(bench)) = look.site.rigs.iter().find(|it| it.id == place).map(|it| &it.procedure)
    else {
        return Vec::new();
    };
    let typed = |it: &tidewaiter_config::site::Quantity| match &it.source {
        Source::Operator { unit } => {
            let unit = unit.map_or_else(String::new, |it| quantity::unit(look.language, it.code()));
            Some((it.parameter.clone(), terms::parameter(look.language, &it.parameter), unit))
        }
        Source::Instrument { .. } => None,
    };
    bench.quantities.iter().filter_map(typed).collect()
}
