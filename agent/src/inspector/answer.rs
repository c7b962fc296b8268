//! Carries out what people and programs ask for; each answer is given once what came of it is recorded.

use tidewaiter_record::Hash;

use super::{Ask, AskError, Inspector, apart};
use crate::inspect::{By, CheckOperation, Event, Operation, Step};

impl Inspector {
    pub(super) async fn ask(&mut self, ask: Ask) {
        let (role, ask) = match ask {
            Ask::Acting { role, ask } => (Some(role), *ask),
            ask => (None, ask),
        };
        self.role = role;
        self.carry_out_ask(ask).await;
        self.role = None;
    }

    async fn carry_out_ask(&mut self, ask: Ask) {
        match ask {
            Ask::Happened { event, reply } => {
                let _ = reply.send(self.outbox.seal(self.event(&event)).await.map(drop).map_err(AskError::from));
            }
            // One in another is nobody's.
            Ask::Acting { .. } => {}
            Ask::Operate { rig, operation, operator, drill, reply } => {
                let now = self.clock.now();
                let by = By { operator: &operator, drill };
                let answer = match self.engine.operate(&rig, &operation, by, now) {
                    Ok(steps) => {
                        let mut facts = vec![("operator".to_owned(), operator)];
                        let (name, subject) = match operation {
                            Operation::Start { sample } => ("operator-start", Some(sample)),
                            Operation::Next => ("operator-next", None),
                            Operation::Stop => ("operator-stop", None),
                            Operation::Enter { values } => {
                                facts.extend(values.into_iter().map(apart));
                                ("operator-enter", None)
                            }
                        };
                        if drill {
                            facts.push(("drill".to_owned(), "yes".to_owned()));
                        }
                        let event = Event { place: rig, name: name.to_owned(), subject, facts };
                        self.record_then(&event, steps).await
                    }
                    Err(refused) => Err(refused.into()),
                };
                let _ = reply.send(answer);
            }
            Ask::Check { check, operation, operator, reply } => {
                let answer = match self.engine.check(&check, operation, &operator, self.clock.now()) {
                    Ok(steps) => {
                        let name = match operation {
                            CheckOperation::Start => "function-check-start",
                            CheckOperation::Next => "function-check-next",
                            CheckOperation::Stop => "function-check-stop",
                        };
                        let subject = self.site.check(&check).map(|it| it.instrument.clone());
                        let facts = vec![("operator".to_owned(), operator)];
                        let event = Event { place: check, name: name.to_owned(), subject, facts };
                        self.record_then(&event, steps).await
                    }
                    Err(refused) => Err(refused.into()),
                };
                let _ = reply.send(answer);
            }
            Ask::Drill { place, on, operator, reply } => {
                let now = self.clock.now();
                let answer = match self.engine.set_drill(&place, on, &operator, now) {
                    Ok(event) => match self.outbox.seal(self.drill_draft(&event)).await {
                        Ok(_) => Ok(()),
                        Err(refusal) => {
                            // A drill that the chain does not know of would look like one nobody ordered.
                            let _ = self.engine.set_drill(&place, !on, &operator, now);
                            Err(refusal.into())
                        }
                    },
                    Err(refused) => Err(refused.into()),
                };
                let drills = self.engine.drill_state().clone();
                self.live.update(|live| live.drills = drills);
                let _ = reply.send(answer);
            }
            Ask::Post { subject, facts, operator, reply } => {
                let mut told: Vec<(String, String)> = facts.clone().into_iter().map(apart).collect();
                told.push(("operator".to_owned(), operator));
                let answer = match self.book.post(&subject, facts, self.clock.now().wall_ms) {
                    Ok(()) => {
                        let event = Event {
                            place: "self".to_owned(),
                            name: "subject-posted".to_owned(),
                            subject: Some(subject),
                            facts: told,
                        };
                        self.outbox.seal(self.event(&event)).await.map(|_| ()).map_err(AskError::from)
                    }
                    Err(failure) => Err(failure.into()),
                };
                let _ = reply.send(answer);
            }
            Ask::Enter { enter, reply } => {
                let answer = self.enter(enter).await;
                let _ = reply.send(answer);
            }
            Ask::Read { shot, reply } => self.ask_shot(shot, reply),
            Ask::Findings { open, reply } => {
                let _ = reply.send(self.desk.view(open));
            }
            Ask::Tables { tables, stale, draft, reply } => {
                let _ = reply.send(self.judge_by(tables, stale, *draft).await);
            }
            Ask::InForce { reply } => {
                let _ = reply.send(self.site.tables.iter().map(|it| Hash(it.digest)).collect());
            }
            Ask::Turn { turn, counters, reply } => self.ask_turn(turn, counters, reply),
            Ask::Plan { name, text, reply } => {
                let _ = reply.send(self.signed_plan(&name, &text).await);
            }
        }
    }

    /// Records that somebody asked, and carries out what follows.
    async fn record_then(&mut self, event: &Event, steps: Vec<Step>) -> Result<(), AskError> {
        let recorded = self.outbox.seal(self.event(event)).await;
        self.carry_out(steps).await;
        // The page that is loaded upon the answer shows what the answer says.
        self.scenes.make_due();
        self.show_places(self.clock.now());
        recorded.map(drop).map_err(AskError::from)
    }
}
