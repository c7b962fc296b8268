//! Going over to another configuration, between two arrivals.
//!
//! Until then everything is as before; from then on nothing is. What was on its way from the ports when they closed is
//! still taken by the machines it was meant for; what came from ports that stay open waits for the machines that follow.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot};
use tracing::info;

use super::{Inspector, scene::Scenes};
use crate::{
    acquire::{Arrival, Counters},
    inspect::{Event, Step},
    life::{Cause, InForce},
    outbox::Refusal,
    reload::{Turn, TurnError, Turned},
    seal::Standing,
};

/// A change that waits for its places.
#[derive(Debug)]
pub(super) struct Turning {
    turn: Box<Turn>,
    counters: Arc<Counters>,
    until_ms: u64,
    reply: oneshot::Sender<Result<Turned, TurnError>>,
}

impl Inspector {
    pub(super) fn ask_turn(
        &mut self,
        turn: Box<Turn>,
        counters: Arc<Counters>,
        reply: oneshot::Sender<Result<Turned, TurnError>>,
    ) {
        if self.turning.is_some() {
            let _ = reply.send(Err(TurnError::Waiting));
            return;
        }
        let wait_ms = u64::try_from(turn.wait.as_millis()).unwrap_or(u64::MAX);
        let until_ms = self.clock.now().mono_ms.saturating_add(wait_ms);
        self.turning = Some(Turning { turn, counters, until_ms, reply });
    }

    /// Goes over when the places are idle, or patience has ended.
    pub(super) async fn try_turn(&mut self, arrivals: &mut mpsc::Receiver<Arrival>) {
        let Some(turning) = self.turning.take() else { return };
        let change = &turning.turn.change;
        let busy: BTreeSet<String> =
            change.cut.union(&change.judged).filter(|place| self.engine.is_busy(place)).cloned().collect();
        if !busy.is_empty() && self.clock.now().mono_ms < turning.until_ms {
            self.turning = Some(turning);
            return;
        }
        let precious = busy.iter().filter(|it| change.cut.contains(*it) && self.engine.is_rig(it));
        let precious: BTreeSet<String> = precious.cloned().collect();
        let answer = if !turning.turn.interrupt && !precious.is_empty() {
            Err(TurnError::Busy(precious))
        } else if self.accepts() {
            self.go_over(&turning.turn, &turning.counters, arrivals).await
        } else {
            Err(TurnError::Refused(self.outbox.status().borrow().refusal()))
        };
        let _ = turning.reply.send(answer);
    }

    async fn go_over(
        &mut self,
        turn: &Turn,
        counters: &Counters,
        arrivals: &mut mpsc::Receiver<Arrival>,
    ) -> Result<Turned, TurnError> {
        let change = &turn.change;
        turn.ports.close(change.close.clone()).await;
        let mut later = Vec::new();
        for _ in 0..arrivals.len() {
            match arrivals.try_recv() {
                Ok(arrival) if change.reopened.contains(&*arrival.instrument) => self.arrival(&arrival).await,
                Ok(arrival) => later.push(arrival),
                Err(_) => break,
            }
        }
        let interrupted = self.cut(&change.cut).await;
        let outcome = self.switch(turn, counters).await;
        let site = if outcome.is_ok() { Arc::clone(&turn.site) } else { Arc::clone(&self.site) };
        let reopened = if outcome.is_ok() { &change.open } else { &change.close };
        turn.ports.open(site, reopened.clone()).await;
        for arrival in &later {
            self.arrival(arrival).await;
        }
        outcome?;
        Ok(Turned { site: Arc::clone(&self.site), interrupted })
    }

    /// Ends what is still open at these places. It is recorded under the configuration it was measured by.
    async fn cut(&mut self, places: &BTreeSet<String>) -> BTreeSet<String> {
        let now = self.clock.now();
        let steps = self.engine.interrupt_at(places, now);
        let mut interrupted = BTreeSet::new();
        for step in &steps {
            if let Step::Done(inspection) = step {
                interrupted.insert(inspection.place.clone());
            }
        }
        let events: Vec<Step> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Done(inspection) => Some(Step::Event(Event {
                    place: inspection.place.clone(),
                    name: "interrupted".to_owned(),
                    subject: Some(inspection.id.clone()),
                    facts: vec![("why".to_owned(), "config-change".to_owned())],
                })),
                _ => None,
            })
            .collect();
        self.carry_out(steps).await;
        self.carry_out(events).await;
        interrupted
    }

    /// The record comes first: what it could not be written for is not in force.
    async fn switch(&mut self, turn: &Turn, counters: &Counters) -> Result<(), Refusal> {
        let now = self.clock.now();
        let mut site = Arc::clone(&turn.site);
        if self.life.is_signed() {
            // Tables that came signed are nobody's to change here.
            let mut with_signed = (*site).clone();
            with_signed.tables.clone_from(&self.site.tables);
            site = Arc::new(with_signed);
        }
        // As with signed tables: what is kept of an inspection that stays open must not name tables that the chain says to
        // be in force no longer.
        let before = std::mem::replace(&mut self.site, Arc::clone(&site));
        self.desk.set_site(&self.site);
        let open = self.open_anew();
        let drafts = self.activation_drafts(Cause::Reload, &site);
        let sealed = join_all(drafts.iter().map(|draft| self.outbox.seal(draft.clone())));
        // Handed in together, both become durable together.
        let (sealed, ()) = tokio::join!(sealed, self.remember(open));
        for (draft, _) in drafts.iter().zip(&sealed).filter(|(_, sealed)| sealed.is_ok()) {
            self.life.recorded(draft);
        }
        if let Some(refusal) = sealed.into_iter().find_map(Result::err) {
            self.site = before;
            self.desk.set_site(&self.site);
            let open = self.open_anew();
            self.remember(open).await;
            return Err(refusal);
        }
        counters.turn(&site);
        self.engine.turn(&site, &turn.change.rebuilt, now);
        self.scenes = Scenes::new(&site);
        self.register = self.register.turned(&site);
        self.book.watch(&site.declarations);
        self.desk.turn(&site);
        let mut context = self.standing.context.clone();
        context.config = site.digest;
        self.standing = Standing { context: context.clone(), ..self.standing.clone() };
        self.life.turn(&site, context, &turn.change.redefined);
        self.links.retain(|instrument| site.instrument(instrument).is_some());
        self.viewed.retain(|instrument, _| site.instrument(instrument).is_some());
        let (drills, busy) = (self.engine.drill_state().clone(), self.engine.busy());
        self.live.update(|live| {
            live.instruments.retain(|instrument, _| site.instrument(instrument).is_some());
            live.down.retain(|instrument, _| site.instrument(instrument).is_some());
            live.drills = drills;
            live.busy = busy;
        });
        self.live.set_in_force(InForce { tables: self.life.in_force(), plan: self.standing.plan.clone() });
        info!(digest = hex::encode(site.digest), "going on with another configuration");
        Ok(())
    }
}
