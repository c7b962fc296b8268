//! The one that is asked: reads, compares, has the inspector go over, tells everyone.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use serde::Serialize;
use tidewaiter_config::{Files, Finding, Severity, site::Site};
use tidewaiter_record::Hash;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tracing::{error, info, warn};

use super::{Candidate, Change, Faulty, Kept, MOST_PATIENCE, Refused, Turn, TurnError};
use crate::{
    acquire::{Counters, Ports},
    clock::Clock,
    inspect::Event,
    inspector::{Ask, Live},
    outbox::Outbox,
    seal,
};

/// Faults named in a record at most; a record is small, and the answer has them all.
const TOLD: usize = 8;
/// Longest text of one of them in a record, bytes.
const TOLD_BYTES: usize = 240;
/// Note with the hash of the last state that was refused.
const REFUSED_NOTE: &str = "config-refused";

/// What is asked of a reload.
#[derive(Clone, Debug)]
pub struct Request {
    /// Read, check and compare; change and record nothing.
    pub dry_run: bool,
    /// How long places are waited for.
    pub wait: Duration,
    /// The run on a rig may be cut when patience ends.
    pub interrupt: bool,
    /// Who asks; `None` for a signal.
    pub operator: Option<String>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is in force.
    Activated,
    /// It is in force already.
    Unchanged,
    /// It could be put into force; nothing was done.
    WouldActivate,
    /// It has faults, or needs a restart. The last good one stays in force.
    Refused,
    /// It is sound, and could not be put into force now. The last good one stays in force.
    NotNow,
}

/// A fault or a warning, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultLine {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// File.
    pub file: String,
    /// Line, from 1; 0 without a place.
    pub line: usize,
    /// Column, from 1; 0 without a place.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub way_out: String,
}

/// The answer to a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Version of this answer.
    pub version: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// SHA-256 of the site file, where it could be read.
    pub digest: Option<Hash>,
    /// Every fault and every warning.
    pub findings: Vec<FaultLine>,
    /// What differs from the configuration in force.
    pub changes: Vec<String>,
    /// Of these, what cannot change without a restart.
    pub restart: Vec<String>,
    /// Places that the change concerns and that are at work, with their subjects; in a dry run.
    pub busy: BTreeMap<String, String>,
    /// Places whose open inspection was recorded as interrupted.
    pub interrupted: BTreeSet<String>,
    /// Why not now.
    pub why: Option<String>,
}

impl Answer {
    fn new(outcome: Outcome) -> Self {
        Self {
            version: 1,
            outcome,
            digest: None,
            findings: Vec::new(),
            changes: Vec::new(),
            restart: Vec::new(),
            busy: BTreeMap::new(),
            interrupted: BTreeSet::new(),
            why: None,
        }
    }
}

impl FaultLine {
    fn of(finding: &Finding) -> Self {
        Self {
            severity: finding.severity.word(),
            file: finding.file.clone(),
            line: finding.line,
            column: finding.column,
            what: finding.what.clone(),
            way_out: finding.way_out.clone(),
        }
    }
}

/// What a reload needs of a running agent.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The site in force; what is sent here is taken up by everyone.
    pub site: watch::Sender<Arc<Site>>,
    /// The configuration on disk is refused.
    pub refused: watch::Sender<Option<Arc<Refused>>>,
    /// The inspector.
    pub asks: mpsc::Sender<Ask>,
    /// Where events go.
    pub outbox: Outbox,
    /// The ports.
    pub ports: Ports,
    /// Their counters.
    pub counters: Arc<Counters>,
    /// What is at work.
    pub live: Arc<Live>,
    /// Both clocks.
    pub clock: Arc<dyn Clock>,
}

/// Puts configurations into force, one at a time.
#[derive(Debug)]
pub struct Reloader {
    path: PathBuf,
    kept: Kept,
    seat: Seat,
    /// Whole state of the files that was refused last; also who may reload now.
    refused: Mutex<Option<Hash>>,
    /// Checks that the uplink's files can be used.
    uplink: fn(&Site) -> Result<(), String>,
}

impl Reloader {
    /// Of the site file at `path`. `uplink` says what is wrong with the TLS files a site names.
    pub fn new(path: PathBuf, kept: Kept, seat: Seat, uplink: fn(&Site) -> Result<(), String>) -> Self {
        Self { path, kept, seat, refused: Mutex::new(None), uplink }
    }

    /// Says that the agent was started with the configuration before a broken one.
    pub async fn began_without(&self, faulty: &Faulty) {
        let mut refused = self.refused.lock().await;
        self.refuse(&mut refused, faulty, None, true).await;
    }

    /// Says that the configuration on disk is in force, and lays it by.
    pub async fn begin_with(&self, candidate: &Candidate) {
        let mut refused = self.refused.lock().await;
        self.accepted(&mut refused).await;
        self.keep(candidate).await;
    }

    /// Lays by what was read at the start.
    pub async fn keep(&self, candidate: &Candidate) {
        let (kept, path, files) = (self.kept.clone(), self.path.clone(), candidate.files.clone());
        let done = tokio::task::spawn_blocking(move || kept.keep(&path, &files)).await;
        match done {
            Ok(Ok(())) => {}
            Ok(Err(why)) => {
                warn!(%why, "the configuration in force could not be laid by; a start with a broken one would fail");
            }
            Err(why) => error!(%why, "the configuration in force could not be laid by"),
        }
    }

    /// Reads the configuration again and puts it into force.
    pub async fn reload(&self, request: Request) -> Answer {
        let Ok(mut refused) = self.refused.try_lock() else {
            let why = TurnError::Waiting.to_string();
            return Answer { why: Some(why), ..Answer::new(Outcome::NotNow) };
        };
        let (path, uplink) = (self.path.clone(), self.uplink);
        let read = tokio::task::spawn_blocking(move || {
            let candidate = Candidate::read_whole(&path, &Files::disk())?;
            match uplink(&candidate.site) {
                Ok(()) => Ok(candidate),
                Err(why) => {
                    Err(Box::new(Faulty::unusable(&path, &candidate, &why, "PEM files that this user may read")))
                }
            }
        });
        let candidate = match read.await {
            Ok(Ok(candidate)) => candidate,
            Ok(Err(faulty)) => {
                if !request.dry_run {
                    self.refuse(&mut refused, &faulty, request.operator.as_deref(), false).await;
                }
                return Self::refusal(&faulty);
            }
            Err(why) => return Answer { why: Some(why.to_string()), ..Answer::new(Outcome::NotNow) },
        };
        let site = Arc::clone(&self.seat.site.borrow());
        let change = Change::between(&site, &candidate.site);
        let answer = Answer {
            digest: Some(Hash(candidate.site.digest)),
            findings: candidate.warnings.iter().map(FaultLine::of).collect(),
            changes: change.parts.clone(),
            ..Answer::new(Outcome::Unchanged)
        };
        if !change.restart.is_empty() {
            let restart: Vec<String> = change.restart.iter().map(|it| (*it).to_owned()).collect();
            let why = format!("changed: {}", restart.join("; "));
            let way_out = "what it was, or the new value and `systemctl restart tidewaiter`";
            let faulty = Faulty::unusable(&self.path, &candidate, &why, way_out);
            if !request.dry_run {
                self.refuse(&mut refused, &faulty, request.operator.as_deref(), false).await;
            }
            return Answer { changes: change.parts, restart, ..Self::refusal(&faulty) };
        }
        if request.dry_run {
            let outcome = if change.is_empty() { Outcome::Unchanged } else { Outcome::WouldActivate };
            let busy = self.seat.live.snapshot().busy;
            let busy =
                busy.into_iter().filter(|(it, _)| change.cut.contains(it) || change.judged.contains(it)).collect();
            return Answer { outcome, busy, ..answer };
        }
        if change.is_empty() {
            // It may have been broken and mended meanwhile.
            self.accepted(&mut refused).await;
            // The registry is no part of the site.
            self.seat.site.send_modify(|_| {});
            self.keep(&candidate).await;
            return answer;
        }
        self.go_over(&mut refused, &candidate, change, &request, answer).await
    }

    async fn go_over(
        &self,
        refused: &mut Option<Hash>,
        candidate: &Candidate,
        change: Change,
        request: &Request,
        answer: Answer,
    ) -> Answer {
        let (reply, turned) = oneshot::channel();
        let turn = Turn {
            site: Arc::new(candidate.site.clone()),
            change,
            ports: self.seat.ports.clone(),
            wait: request.wait.min(MOST_PATIENCE),
            interrupt: request.interrupt,
        };
        let not_now = |why: String| Answer { outcome: Outcome::NotNow, why: Some(why), ..answer.clone() };
        // New instruments are counted from their first reading on.
        let counters = Arc::clone(&self.seat.counters);
        if self.seat.asks.send(Ask::Turn { turn: Box::new(turn), counters, reply }).await.is_err() {
            return not_now("the agent is stopping".to_owned());
        }
        match turned.await {
            Ok(Ok(turned)) => {
                self.seat.site.send_replace(turned.site);
                self.accepted(refused).await;
                self.keep(candidate).await;
                let by = request.operator.as_deref().unwrap_or("SIGHUP");
                info!(by, changes = answer.changes.join(", "), "configuration in force");
                Answer { outcome: Outcome::Activated, interrupted: turned.interrupted, ..answer }
            }
            Ok(Err(why)) => {
                warn!(%why, "configuration not in force");
                not_now(why.to_string())
            }
            Err(_) => not_now("the agent is stopping".to_owned()),
        }
    }

    fn refusal(faulty: &Faulty) -> Answer {
        Answer {
            digest: faulty.digest,
            findings: faulty.report.findings().iter().map(FaultLine::of).collect(),
            ..Answer::new(Outcome::Refused)
        }
    }

    async fn accepted(&self, refused: &mut Option<Hash>) {
        let was = refused.take();
        self.seat.refused.send_replace(None);
        if was.is_some()
            && let Err(refusal) = self.seat.outbox.notes(vec![(REFUSED_NOTE.to_owned(), None)]).await
        {
            warn!(%refusal, "that the configuration is sound again could not be kept");
        }
    }

    /// Says it: to the log, to the page, and to the chain when it is news.
    async fn refuse(&self, refused: &mut Option<Hash>, faulty: &Faulty, operator: Option<&str>, at_start: bool) {
        let errors: Vec<&Finding> =
            faulty.report.findings().iter().filter(|it| it.severity == Severity::Error).collect();
        let line = |it: &Finding| it.to_string().lines().next().unwrap_or_default().to_owned();
        let first = errors.first().map(|it| line(it)).unwrap_or_default();
        error!(faults = errors.len(), first, "configuration refused; the last good one stays in force");
        let said = Refused {
            digest: faulty.digest,
            at_ms: self.seat.clock.now().wall_ms,
            faults: errors.len(),
            first,
            at_start: at_start || self.seat.refused.borrow().as_ref().is_some_and(|it| it.at_start),
        };
        self.seat.refused.send_replace(Some(Arc::new(said)));
        if refused.replace(faulty.whole) == Some(faulty.whole) {
            return;
        }
        let mut facts = vec![
            ("file".to_owned(), self.path.display().to_string()),
            ("faults".to_owned(), errors.len().to_string()),
            ("state".to_owned(), faulty.whole.to_string()),
        ];
        facts.extend(faulty.digest.map(|it| ("sha256".to_owned(), it.to_string())));
        facts.extend(operator.map(|it| ("operator".to_owned(), it.to_owned())));
        if at_start {
            facts.push(("started-with".to_owned(), "last-good".to_owned()));
        }
        let told = errors.iter().take(TOLD).enumerate();
        facts.extend(told.map(|(at, it)| (format!("fault-{}", at + 1), short(&line(it)))));
        let event = Event { place: "self".to_owned(), name: "config-refused".to_owned(), subject: None, facts };
        let mut draft = seal::event(&event, None);
        draft.notes.push((REFUSED_NOTE.to_owned(), Some(faulty.whole.0.to_vec())));
        if let Err(refusal) = self.seat.outbox.seal(draft).await {
            error!(%refusal, "the refused configuration is not recorded");
            *refused = None;
        }
    }

    /// Takes back what an earlier run has said: the same broken state is said once, however often the agent starts.
    pub async fn restore(&self, notes: &[(String, Vec<u8>)]) {
        let kept = notes.iter().find(|(name, _)| name == REFUSED_NOTE).map(|(_, bytes)| bytes.as_slice());
        *self.refused.lock().await = kept.and_then(|it| it.try_into().ok()).map(Hash);
    }
}

fn short(text: &str) -> String {
    let clean: String = text.chars().filter(|it| !it.is_control()).collect();
    if clean.len() <= TOLD_BYTES {
        return clean;
    }
    let mut end = TOLD_BYTES;
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", clean.get(..end).unwrap_or_default())
}
