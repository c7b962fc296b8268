//! The live pages whole, and the fragments of each that change.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use tidewaiter_words::{knows, say, terms};

use super::{
    View, figures,
    look::{Kind, Look},
    parts, run,
    sentence::Stage,
    shell::Shell,
};
use crate::lane::Local;

/// Which page is shown live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// All places.
    Overview,
    /// A lane.
    Lane(String),
    /// A rig.
    Rig(String),
}

impl Page {
    /// The page of a path as a browser asks for it.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path.strip_prefix('/')?.split_once('/') {
            None if path == "/" => Some(Self::Overview),
            Some(("lane", place)) => Some(Self::Lane(place.to_owned())),
            Some(("rig", place)) => Some(Self::Rig(place.to_owned())),
            _ => None,
        }
    }

    fn place(&self) -> Option<(&str, Kind)> {
        match self {
            Self::Overview => None,
            Self::Lane(place) => Some((place, Kind::Lane)),
            Self::Rig(place) => Some((place, Kind::Rig)),
        }
    }
}

/// What changes on a page, by the id of the element it fills. None where the site has no such place.
pub(super) fn fragments(look: &Look, page: &Page) -> Option<BTreeMap<&'static str, String>> {
    let mut parts = BTreeMap::new();
    let place = page.place();
    if let Some((place, kind)) = place {
        if look.kind(place) != Some(kind) {
            return None;
        }
        parts.insert("stage", rendered(&parts::stage(look, place, kind)));
        parts.insert("subject", rendered(&parts::subject(look, place)));
        parts.insert("why", rendered(&parts::why(look, place)));
        parts.insert("live", rendered(&parts::live(look, place)));
        if kind == Kind::Rig {
            parts.insert("run", rendered(&run::run(look, place)));
        }
    } else {
        parts.insert("tiles", rendered(&tiles(look)));
    }
    let place = place.map(|(place, _)| place);
    parts.insert("notices", rendered(&figures::notices(look, place)));
    parts.insert("figures", rendered(&figures::figures(look)));
    parts.insert("instruments", rendered(&figures::instruments(look, place)));
    Some(parts)
}

fn rendered(part: &impl Template) -> String {
    // A part with nothing to say leaves no card behind.
    match part.render() {
        Ok(html) => html.trim().to_owned(),
        Err(failure) => {
            tracing::error!(%failure, "a part of a page could not be rendered");
            String::new()
        }
    }
}

#[derive(Template)]
#[template(path = "tiles.html")]
struct TilesPart {
    tiles: Vec<Tile>,
}

#[derive(Clone, Debug)]
struct Tile {
    href: String,
    place: String,
    shape: &'static str,
    name: String,
    subject: String,
    old: Option<String>,
    tags: Vec<String>,
    sentence: String,
}

fn tiles(look: &Look) -> TilesPart {
    let tile = |(place, kind): (&str, Kind)| {
        let part = parts::stage(look, place, kind);
        let subject = match look.stage(place) {
            Stage::Result(result, _) => result.subject.clone(),
            Stage::Open => look.report.live.busy.get(place).cloned(),
            _ => None,
        };
        let folder = if kind == Kind::Lane { "lane" } else { "rig" };
        Tile {
            href: format!("/{folder}/{place}"),
            place: place.to_owned(),
            shape: part.shape,
            name: part.name,
            subject: subject.unwrap_or_default(),
            old: part.old,
            tags: part.tags,
            sentence: part.sentence,
        }
    };
    TilesPart { tiles: look.places().map(tile).collect() }
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
    tiles: String,
    notices: String,
    figures: String,
    instruments: String,
}

#[derive(Template)]
#[template(path = "lane.html")]
struct LanePage {
    shell: Shell,
    base: String,
    checks: Vec<String>,
    refused: Option<String>,
    done: Option<String>,
    stage: String,
    subject: String,
    why: String,
    live: String,
    notices: String,
    figures: String,
    instruments: String,
}

#[derive(Template)]
#[template(path = "rig.html")]
struct RigPage {
    shell: Shell,
    place: String,
    base: String,
    checks: Vec<String>,
    procedure: String,
    typed: Vec<(String, String, String)>,
    refused: Option<String>,
    done: Option<String>,
    stage: String,
    subject: String,
    why: String,
    live: String,
    run: String,
    notices: String,
    figures: String,
    instruments: String,
}

/// `?done=start`: what a form has just done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct DoneQuery {
    #[serde(default)]
    done: String,
}

pub(super) async fn overview(State(local): State<Local>, view: View) -> Response {
    local.page(&view, &Page::Overview, StatusCode::OK, None, None)
}

pub(super) async fn lane(
    State(local): State<Local>,
    view: View,
    Path(place): Path<String>,
    Query(query): Query<DoneQuery>,
) -> Response {
    local.page(&view, &Page::Lane(place), StatusCode::OK, Some(&query), None)
}

pub(super) async fn rig(
    State(local): State<Local>,
    view: View,
    Path(place): Path<String>,
    Query(query): Query<DoneQuery>,
) -> Response {
    local.page(&view, &Page::Rig(place), StatusCode::OK, Some(&query), None)
}

impl Local {
    /// Answers with a live page; with what a form has done, or why it was refused.
    pub(super) fn page(
        &self,
        view: &View,
        page: &Page,
        code: StatusCode,
        query: Option<&DoneQuery>,
        refused: Option<String>,
    ) -> Response {
        let look = self.look(view.language);
        let Some(mut parts) = fragments(&look, page) else {
            let sentence = say(view.language, "page-no-place", &[]);
            return self.say_page(view, StatusCode::NOT_FOUND, &sentence);
        };
        let mut part = |id: &str| parts.remove(id).unwrap_or_default();
        let done = query.map(|it| format!("done-{}", it.done)).filter(|id| knows(view.language, id));
        let done = done.map(|id| look.t(&id));
        match page {
            Page::Overview => {
                let shell = self.shell(view, &look.t("page-overview")).live("/");
                let page = OverviewPage {
                    shell,
                    tiles: part("tiles"),
                    notices: part("notices"),
                    figures: part("figures"),
                    instruments: part("instruments"),
                };
                view.page(code, &page)
            }
            Page::Lane(place) => {
                let base = format!("/lane/{place}");
                let page = LanePage {
                    shell: self.shell(view, place).live(&base),
                    checks: checks(&look, place),
                    base,
                    refused,
                    done,
                    stage: part("stage"),
                    subject: part("subject"),
                    why: part("why"),
                    live: part("live"),
                    notices: part("notices"),
                    figures: part("figures"),
                    instruments: part("instruments"),
                };
                view.page(code, &page)
            }
            Page::Rig(place) => {
                let rig = look.site.rigs.iter().find(|it| it.id == *place);
                let base = format!("/rig/{place}");
                let page = RigPage {
                    shell: self.shell(view, place).live(&base),
                    place: place.clone(),
                    checks: checks(&look, place),
                    base,
                    procedure: rig
                        .map_or_else(String::new, |it| terms::procedure(look.language, procedure(&it.procedure))),
                    typed: run::typed(&look, place),
                    refused,
                    done,
                    stage: part("stage"),
                    subject: part("subject"),
                    why: part("why"),
                    live: part("live"),
                    run: part("run"),
                    notices: part("notices"),
                    figures: part("figures"),
                    instruments: part("instruments"),
                };
                view.page(code, &page)
            }
        }
    }
}

fn procedure(procedure: &tidewaiter_config::site::RigProcedure) -> &str {
    use tidewaiter_config::site::RigProcedure;
    match procedure {
        RigProcedure::TextilePh { .. } => "textile-ph",
        RigProcedure::TyreEndurance { .. } => "tyre-endurance",
        RigProcedure::Bench(bench) => &bench.procedure,
    }
}

/// Function checks of the instruments of a place.
fn checks(look: &Look, place: &str) -> Vec<String> {
    let ours = look.instruments(place);
    look.site.checks.iter().filter(|it| ours.contains(&it.instrument.as_str())).map(|it| it.id.clone()).collect()
}
