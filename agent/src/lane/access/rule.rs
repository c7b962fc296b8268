//! What every route asks of whoever comes: one table. A route that has no row here answers nobody.

use axum::http::Method;

use super::role::Action;

/// What a route asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: it says nothing about anybody.
    Open,
    /// To look: anybody on loopback, someone known elsewhere.
    Look,
    /// To be known, wherever one comes from.
    Known,
    /// To act: someone known, with the role for it.
    Act(Action),
}

/// A route's row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) need: Need,
    /// Content of its own, in any media type and size, which the route bounds itself.
    pub(crate) upload: bool,
}

const fn get(path: &'static str, need: Need) -> Rule {
    Rule { method: "GET", path, need, upload: false }
}

const fn post(path: &'static str, need: Need) -> Rule {
    Rule { method: "POST", path, need, upload: false }
}

use Action::{Draw, Drill, Evidence, FollowUp, FunctionCheck, Keys, Operate, Read, Reload, Report, Subject};
use Need::{Act, Known, Look, Open};

/// All routes.
pub(crate) const RULES: &[Rule] = &[
    get("/healthz", Open),
    get("/sign-in", Open),
    post("/sign-in", Open),
    post("/sign-out", Known),
    get("/password", Known),
    post("/password", Known),
    get("/assets/{file}", Open),
    get("/", Look),
    get("/lane/{place}", Look),
    get("/rig/{place}", Look),
    post("/lane/{place}/drill", Act(Drill)),
    post("/lane/{place}/check/{check}/{step}", Act(FunctionCheck)),
    post("/rig/{place}/start", Act(Operate)),
    post("/rig/{place}/next", Act(Operate)),
    post("/rig/{place}/stop", Act(Operate)),
    post("/rig/{place}/enter", Act(Operate)),
    post("/rig/{place}/drill", Act(Drill)),
    post("/rig/{place}/check/{check}/{step}", Act(FunctionCheck)),
    get("/events", Look),
    get("/history", Look),
    get("/history.csv", Look),
    get("/record/{name}", Look),
    get("/record/{seq}/raw", Look),
    get("/record/{seq}/slip", Look),
    get("/record/{seq}/spectrum", Look),
    get("/evidence/{sha256}", Look),
    get("/stats", Look),
    get("/stats.csv", Look),
    get("/metrics", Look),
    post("/api/v1/reload", Act(Reload)),
    get("/api/v1/openapi.json", Look),
    get("/api/v1/status", Look),
    get("/api/v1/records", Look),
    get("/api/v1/records/{seq}", Look),
    get("/api/v1/findings", Look),
    post("/api/v1/subjects", Act(Subject)),
    post("/api/v1/rigs/{rig}/start", Act(Operate)),
    post("/api/v1/rigs/{rig}/next", Act(Operate)),
    post("/api/v1/rigs/{rig}/stop", Act(Operate)),
    post("/api/v1/rigs/{rig}/enter", Act(Operate)),
    post("/api/v1/checks/{check}/start", Act(FunctionCheck)),
    post("/api/v1/checks/{check}/next", Act(FunctionCheck)),
    post("/api/v1/checks/{check}/stop", Act(FunctionCheck)),
    post("/api/v1/places/{place}/drill", Act(Drill)),
    post("/api/v1/keys/rotate", Act(Keys)),
    post("/api/v1/readings", Act(Read)),
    Rule { upload: true, ..post("/api/v1/evidence", Act(Evidence)) },
    // A step that decides asks for more than this, once the step is known.
    post("/api/v1/follow-ups", Act(FollowUp)),
    post("/api/v1/reports-sent", Act(Report)),
    post("/api/v1/draws", Act(Draw)),
];

/// The row of a route; HEAD is a GET whose body stays away.
pub(crate) fn rule(method: &Method, path: &str) -> Option<&'static Rule> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    RULES.iter().find(|it| it.method == method && it.path == path)
}
