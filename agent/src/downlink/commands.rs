//! Commands: from bytes to a result record, carried out once or never.

use std::time::Duration;

use tidewaiter_record::{
    Hash,
    mandate::{Circumstances, Command, Decision, Verb},
};
use tokio::{sync::oneshot, time::timeout};
use tracing::{info, warn};

use super::{DOCKET_NOTE, Downlink, tell};
use crate::{
    inspect::CheckOperation,
    inspector::{Ask, AskError},
    outbox::Draft,
};

/// Who stands in events for what a command asked.
const OPERATOR: &str = "centre";
/// The inspector answers within a tick; one that does not has other troubles.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest text of a note.
const NOTE_BYTES: usize = 1000;

impl Downlink {
    pub(super) async fn command(&mut self, bytes: &[u8]) {
        let (command, by_root) = match self.authority.command(bytes) {
            Ok(opened) => opened,
            Err(why) => return self.refused("command", &why).await,
        };
        let hash = Hash::of(bytes);
        // The store remembers results for longer than the docket.
        match self.seat.outbox.find(&tell::result_id(hash)).await {
            Some(Ok(None)) => {}
            Some(Ok(Some(_))) | None => return,
            Some(Err(failure)) => {
                warn!(%failure, "a command waits: the store cannot be read");
                return;
            }
        }
        let holds = self.holds(&command).await;
        let agrees = *self.agrees.borrow();
        let now = Circumstances { beacon: self.authority.beacon(), agrees, holds, by_root };
        match self.docket.consider(&command, hash, now) {
            Decision::Answered | Decision::Wait(_) => {}
            Decision::Refuse(why) => {
                let mut docket = self.docket.clone();
                docket.refuse(&command, hash);
                let mut draft = tell::result(command.id, command.number, &command.verb, hash, "refused", why);
                draft.notes = vec![(DOCKET_NOTE.to_owned(), Some(docket.save()))];
                // Not recorded, not refused: the centre sends it again.
                if self.seat.outbox.seal(draft).await.is_ok() {
                    self.docket = docket;
                }
            }
            Decision::Execute(verb) => self.execute(&command, hash, verb).await,
        }
    }

    /// Whether the chain holds the record that the command names.
    async fn holds(&self, command: &Command) -> bool {
        let after = command.after;
        if after.chain != self.seat.chain {
            return false;
        }
        let found = self.seat.outbox.entries(after.seq, 1).await;
        let found = found.and_then(Result::ok).and_then(|it| it.into_iter().next());
        found.is_some_and(|it| it.seq == after.seq && it.hash == after.hash)
    }

    async fn execute(&mut self, command: &Command, hash: Hash, verb: Verb) {
        let mut docket = self.docket.clone();
        docket.begin(command, hash);
        let notes = vec![(DOCKET_NOTE.to_owned(), Some(docket.save()))];
        if let Err(refusal) = self.seat.outbox.notes(notes).await {
            warn!(%refusal, number = command.number, "a command waits: that it begins could not be kept");
            return;
        }
        self.docket = docket;
        info!(number = command.number, verb = verb.word(), "carrying out a command");
        let (outcome, text) = match self.carry_out(command, verb).await {
            Ok(text) => ("done", text),
            Err(why) => ("failed", why),
        };
        let draft = tell::result(command.id, command.number, verb.word(), hash, outcome, text);
        self.seal_result(draft).await;
    }

    async fn carry_out(&self, command: &Command, verb: Verb) -> Result<String, String> {
        let place = command.argument("place").to_owned();
        match verb {
            Verb::ReportStatus => Ok(self.report()),
            Verb::Note => {
                let text = command.argument("text");
                if text.len() > NOTE_BYTES {
                    return Err(format!("{} bytes of text, {NOTE_BYTES} at most", text.len()));
                }
                let event = tell::event("centre-note", None, &[("text", text.to_owned())]);
                match self.seat.outbox.seal(event).await {
                    Ok(recorded) => Ok(format!("record {}", recorded.seq)),
                    Err(refusal) => Err(refusal.to_string()),
                }
            }
            Verb::DrillOn | Verb::DrillOff => {
                let on = verb == Verb::DrillOn;
                self.ask(|reply| Ask::Drill { place, on, operator: OPERATOR.to_owned(), reply }).await
            }
            Verb::CheckStart => {
                let check = command.argument("check").to_owned();
                let operation = CheckOperation::Start;
                self.ask(|reply| Ask::Check { check, operation, operator: OPERATOR.to_owned(), reply }).await
            }
        }
    }

    async fn ask(&self, ask: impl FnOnce(oneshot::Sender<Result<(), AskError>>) -> Ask) -> Result<String, String> {
        let (reply, answer) = oneshot::channel();
        if self.seat.asks.send(ask(reply)).await.is_err() {
            return Err("the agent is stopping".to_owned());
        }
        match timeout(PATIENCE, answer).await {
            Ok(Ok(Ok(()))) => Ok(String::new()),
            Ok(Ok(Err(why))) => Err(why.to_string()),
            Ok(Err(_)) => Err("the agent is stopping".to_owned()),
            Err(_) => Err("no answer in time; it may have been carried out".to_owned()),
        }
    }

    /// How the agent stands, in one line.
    fn report(&self) -> String {
        let status = self.seat.outbox.status().borrow().clone();
        let number = |it: Option<u64>| it.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let versions = self.authority.standing().map(|it| (it.versions, it.stale));
        let limits = versions.map_or_else(
            || "own tables".to_owned(),
            |((root, limits, assignment), stale)| {
                format!("root {root} limits {limits} assignment {assignment}{}", if stale { " stale" } else { "" })
            },
        );
        let (used, budget) = status.usage;
        format!(
            "head={} receipted={} stopped={} fork={} used={used}/{budget} beacon={} in force: {limits}",
            number(status.head),
            number(status.cursor.map(|it| it.upto_seq)),
            if status.stopped_since_ms.is_some() { "yes" } else { "no" },
            if status.fork.is_some() { "yes" } else { "no" },
            self.authority.beacon(),
        )
    }

    /// A command that was running when the last run ended: nobody knows how far it came.
    pub(super) async fn answer_interrupted(&mut self) {
        let Some(running) = self.docket.running().cloned() else { return };
        let text = "the agent ended before the result was recorded".to_owned();
        let draft = tell::result(running.id, running.number, &running.verb, running.hash, "interrupted", text);
        self.seal_result(draft).await;
    }

    /// Records the result of the running command together with the end of it; what cannot be recorded is owed.
    pub(super) async fn seal_result(&mut self, mut draft: Draft) {
        let mut docket = self.docket.clone();
        docket.end();
        draft.notes = vec![(DOCKET_NOTE.to_owned(), Some(docket.save()))];
        match self.seat.outbox.seal(draft.clone()).await {
            Ok(_) => self.docket = docket,
            Err(refusal) => {
                warn!(%refusal, "the result of a command is owed to the chain");
                self.owed = Some(draft);
            }
        }
    }
}
