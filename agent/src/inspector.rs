//! The task that turns arrivals into durable records: machines, declarations, screening, sealing.

mod answer;
mod ask;
mod duties;
mod life;
mod links;
mod live;
mod orders;
mod scene;
mod shots;
mod turn;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use tidewaiter_config::site::{Disclosure, Judge, Site, StillMoment};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::{
    Detail,
    body::{Flags, INLINE_BYTES, SoftwareId, Table},
};
use tidewaiter_screening::{
    Disposition, Inspection, Screening, Verdict, duty::case::fact, inspection::SubjectKind, screen,
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    acquire::{Arrival, Content, LinkState, Mark},
    camera::{Cameras, Cue},
    clock::Clock,
    duty::Desk,
    inspect::{DeclarationBook, Engine, Event, Step, Subjects},
    life::Beat,
    outbox::{Draft, Outbox, Recorded, Refusal},
    privacy,
    register::{self, Register},
    seal::{self, Standing},
};

pub use self::{
    ask::{Ask, AskError, Shot},
    live::{Live, LiveResult, LiveValue, ResultDetail, Snapshot},
    scene::{MOST_POINTS, Scene, Series},
};
use self::{life::Life, links::Links, scene::Scenes, shots::Shots, turn::Turning};

/// Name of the note with the places at drill.
const DRILL_NOTE: &str = "drill";
/// How often time passes for the machines.
const TICK: Duration = Duration::from_millis(100);
/// How often declarations files are looked at.
const REFRESH_MS: u64 = 1000;
/// Live values of one instrument go out at most this often.
const VIEW_MS: u64 = 1000;
/// Recent results kept for the local interface.
const RECENT: usize = 100;

/// The inspector before it runs.
#[derive(Debug)]
pub struct Inspector {
    site: Arc<Site>,
    engine: Engine,
    /// What is open, by its place, as it was remembered last.
    open: BTreeMap<String, Box<Inspection>>,
    standing: Standing,
    clock: Arc<dyn Clock>,
    outbox: Outbox,
    live: Arc<Live>,
    book: DeclarationBook,
    desk: Desk,
    receipted: Option<u64>,
    /// The last result handed to the duties.
    attended: Option<u64>,
    /// There was a start before this one.
    has_past: bool,
    register: Register,
    refreshed_ms: u64,
    views: mpsc::Sender<(String, Bytes)>,
    viewed: BTreeMap<Arc<str>, u64>,
    links: Links,
    life: Life,
    shots: Shots,
    /// As what whoever asks right now acts.
    role: Option<&'static str>,
    scenes: Scenes,
    cameras: Cameras,
    /// The inspection of each place that its cameras were last cued for.
    pictured: BTreeMap<String, String>,
    turning: Option<Turning>,
    beat: Option<Beat>,
}

impl Inspector {
    /// An inspector for `site`; `boot` numbers this start.
    #[allow(clippy::too_many_arguments, reason = "each is one stage's hand-over, named once in app.rs")]
    pub fn new(
        site: Arc<Site>,
        boot: u64,
        standing: Standing,
        clock: Arc<dyn Clock>,
        outbox: Outbox,
        live: Arc<Live>,
        subjects: Subjects,
        notes: &[(String, Vec<u8>)],
        software: SoftwareId,
        views: mpsc::Sender<(String, Bytes)>,
    ) -> Self {
        let now = clock.now();
        let mut engine = Engine::new(&site, boot, now);
        if let Some((_, state)) = notes.iter().find(|(name, _)| name == DRILL_NOTE) {
            match serde_json::from_slice(state) {
                Ok(drills) => engine.restore_drills(drills),
                Err(why) => error!(%why, "the places at drill cannot be read; none is at drill"),
            }
        }
        live.update(|live| live.drills = engine.drill_state().clone());
        let desk = Desk::open(&site, notes, now);
        let kept = notes.iter().find(|(name, _)| name == duties::ATTENDED_NOTE);
        let attended = kept.and_then(|(_, bytes)| bytes.as_slice().try_into().ok().map(u64::from_be_bytes));
        let standing = duties::standing(standing, &desk);
        let mut register = Register::new(&site);
        if let Some((_, state)) = notes.iter().find(|(name, _)| name == register::NOTE)
            && let Err(why) = register.load(state)
        {
            error!(%why, "the function checks count as never done");
        }
        let life = Life::new(&site, standing.context.clone(), software, notes);
        Self {
            life,
            scenes: Scenes::new(&site),
            engine,
            open: BTreeMap::new(),
            book: DeclarationBook::new(&site.declarations, subjects),
            desk,
            receipted: None,
            attended,
            has_past: boot > 1,
            register,
            refreshed_ms: now.mono_ms,
            site,
            standing,
            clock,
            outbox,
            live,
            views,
            viewed: BTreeMap::new(),
            links: Links::default(),
            shots: Shots::default(),
            role: None,
            cameras: Cameras::default(),
            pictured: BTreeMap::new(),
            turning: None,
            beat: None,
        }
    }

    /// The same with cameras that are cued by what opens and ends.
    #[must_use]
    pub fn with_cameras(mut self, cameras: Cameras) -> Self {
        self.cameras = cameras;
        self
    }

    /// Strikes this with every round.
    #[must_use]
    pub fn beating(mut self, beat: Beat) -> Self {
        self.beat = Some(beat);
        self
    }

    /// Runs until `stop`, and until the ports have ended and every arrival has been taken.
    pub async fn run(
        mut self,
        mut arrivals: mpsc::Receiver<Arrival>,
        mut asks: mpsc::Receiver<Ask>,
        stop: CancellationToken,
    ) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Periods count from here, not from when the disk has taken the first records.
        tick.tick().await;
        let begun = self.engine.tick(self.clock.now());
        self.begin_life().await;
        self.carry_out(begun).await;
        if self.has_past {
            self.catch_up().await;
        }
        self.tick().await;
        let (mut asking, mut arriving) = (true, true);
        loop {
            tokio::select! {
                biased;
                arrival = arrivals.recv(), if arriving => match arrival {
                    Some(arrival) => self.arrival(&arrival).await,
                    None => arriving = false,
                },
                // A site without instruments still has subjects, a state and a chain to keep.
                () = stop.cancelled(), if !arriving => break,
                ask = asks.recv(), if asking && !stop.is_cancelled() => match ask {
                    Some(ask) => self.ask(ask).await,
                    None => asking = false,
                },
                _ = tick.tick() => self.tick().await,
            }
            if self.turning.is_some() {
                self.try_turn(&mut arrivals).await;
            }
            if let Some(beat) = &self.beat {
                beat.strike();
            }
        }
        let now = self.clock.now();
        let steps = self.engine.interrupt(now);
        self.carry_out(steps).await;
    }

    async fn arrival(&mut self, arrival: &Arrival) {
        self.show(arrival);
        self.scenes.arrival(arrival);
        self.introduce(arrival).await;
        self.take_shots(arrival).await;
        if let Content::Link(state) = &arrival.content {
            self.links.arrival(&arrival.instrument, *state, arrival.at);
        }
        if let Content::Event(happening) = &arrival.content {
            let event = Event {
                place: "self".to_owned(),
                name: happening.name.to_owned(),
                subject: Some(arrival.instrument.to_string()),
                facts: happening.facts.clone(),
            };
            self.carry_out(vec![Step::Event(event)]).await;
            return;
        }
        let steps = self.engine.arrival(arrival);
        self.carry_out(steps).await;
    }

    async fn tick(&mut self) {
        let now = self.clock.now();
        if now.mono_ms.saturating_sub(self.refreshed_ms) >= REFRESH_MS {
            self.refreshed_ms = now.mono_ms;
            self.book.refresh();
            self.book.forget(self.site.privacy.subjects, now.wall_ms);
            let standing = self.register.overview(sampling_date(now), now.wall_ms);
            self.live.update(|live| live.register = standing);
        }
        let mut steps = self.engine.tick(now);
        steps.extend(self.register.tick(now, sampling_date(now)).into_iter().map(Step::Event));
        let told = self.register.save();
        steps.extend(self.links.tick(now).into_iter().map(Step::Event));
        self.carry_out(steps).await;
        if told.is_some()
            && let Err(refusal) = self.outbox.notes(vec![(register::NOTE.to_owned(), told)]).await
        {
            warn!(%refusal, "what the register has said could not be kept; it is said again after a new start");
        }
        self.duties(now).await;
        self.live_on(now).await;
        self.end_shots(now).await;
        self.show_places(now);
    }

    /// Shows what each place is busy with.
    fn show_places(&mut self, now: Moment) {
        let busy = self.engine.busy();
        self.live.update(|live| live.busy = busy);
        self.scenes.look(&self.engine, now, &self.live);
        self.live.beat(now.mono_ms);
    }

    async fn carry_out(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Done(mut inspection) => {
                    self.open.remove(&inspection.place);
                    let (screening, mut draft) = self.judge(&mut inspection);
                    self.picture(&inspection, StillMoment::End);
                    if screening.disposition == Disposition::Alarm {
                        self.picture(&inspection, StillMoment::Alarm);
                    }
                    // The outcome of a function check is durable with its record, or not at all. A pass that no record
                    // bears out is none; what failed has failed all the same.
                    let mut register = self.register.clone();
                    register.note(&inspection, screening.verdict);
                    draft.notes.extend(register.save().map(|blob| (register::NOTE.to_owned(), Some(blob))));
                    let sealed = self.seal_whole_or_short(&inspection, draft).await;
                    if sealed.is_ok() || screening.verdict != Verdict::Pass {
                        self.register = register;
                    }
                    match sealed {
                        Ok(recorded) => {
                            self.announce(&inspection, &screening, recorded);
                            // An instrument under a function check is no goods: the plan asks nothing of it.
                            if inspection.subject.kind != SubjectKind::Instrument {
                                self.attend(&inspection, &screening, recorded).await;
                            }
                        }
                        Err(refusal) => error!(inspection = inspection.id, %refusal, "result not recorded"),
                    }
                }
                Step::Remember(mut inspection) => {
                    if self.pictured.get(&inspection.place) != Some(&inspection.id) {
                        self.pictured.insert(inspection.place.clone(), inspection.id.clone());
                        self.picture(&inspection, StillMoment::Start);
                    }
                    let (_, draft) = self.judge(&mut inspection);
                    if let Err(refusal) = self.outbox.remember(&inspection.place, seal::remembered(&draft)).await {
                        warn!(inspection = inspection.id, %refusal, "an open inspection could not be made durable");
                    }
                    // What stands beside a record is no part of what is remembered.
                    inspection.whole = Vec::new();
                    self.open.insert(inspection.place.clone(), inspection);
                }
                Step::Interval(interval) => {
                    let (instrument, to) = (&interval.instrument, interval.to);
                    let stood = self.register.standing(instrument, sampling_date(to), to.wall_ms).quality();
                    if let Err(refusal) = self.outbox.seal(seal::interval(&interval, stood, &self.standing)).await {
                        error!(watch = interval.watch, %refusal, "interval not recorded");
                    }
                }
                Step::Event(event) => {
                    if let Err(refusal) = self.outbox.seal(self.event(&event)).await {
                        error!(event = event.name, %refusal, "event not recorded");
                    }
                }
            }
        }
    }

    /// Cues the cameras of a place, which costs the inspection nothing.
    fn picture(&self, inspection: &Inspection, moment: StillMoment) {
        let flags = Flags { simulated: inspection.simulated, drill: inspection.drill };
        let cue = Cue { moment, inspection: inspection.id.clone(), flags, at: self.clock.now() };
        self.cameras.cue(&inspection.place, &cue);
    }

    /// Seals a result. The readings that a record has no room for are sealed beside it, before it and in the same commit;
    /// and if even then it cannot be sealed, the chain says so: nothing vanishes.
    async fn seal_whole_or_short(&self, inspection: &Inspection, draft: Draft) -> Result<Recorded, Refusal> {
        if !inspection.whole.is_empty() {
            let sealed = self.seal_beside(inspection, draft.clone()).await;
            if !matches!(sealed, Err(Refusal::Seal(_))) {
                return sealed;
            }
        } else if let whole = self.outbox.seal(draft.clone()).await
            && !matches!(whole, Err(Refusal::Seal(_)))
        {
            return whole;
        }
        warn!(inspection = inspection.id, "a result outgrew its record; all its readings stand beside it");
        let (place, id) = (draft.place.clone(), draft.id.clone());
        let short = self.seal_beside(inspection, seal::without_readings(draft)).await;
        if let Err(Refusal::Seal(why)) = &short {
            let facts = vec![("why".to_owned(), why.clone())];
            let event = Event { place, name: "result-not-sealed".to_owned(), subject: id, facts };
            self.outbox.seal(self.event(&event)).await?;
        }
        short
    }

    /// Seals every reading of an inspection as evidence, and the inspection behind it.
    async fn seal_beside(&self, inspection: &Inspection, draft: Draft) -> Result<Recorded, Refusal> {
        let (content, beside) = seal::readings_beside(inspection, &self.standing);
        let kept = if content.len() > INLINE_BYTES { self.outbox.keep(content).await.map(drop) } else { Ok(()) };
        match kept {
            Ok(()) => {
                // Handed in one after the other, which is the order in which they are sealed.
                let (beside, sealed) = tokio::join!(self.outbox.seal(beside), self.outbox.seal(draft));
                if let Err(refusal) = beside {
                    error!(inspection = inspection.id, %refusal, "readings not recorded beside the result");
                }
                sealed
            }
            Err(refusal) => {
                // The verdict does not wait for room that only its readings need.
                error!(inspection = inspection.id, %refusal, "readings not kept beside the result");
                self.outbox.seal(draft).await
            }
        }
    }

    /// The switch and what is switched become durable together.
    fn drill_draft(&self, event: &Event) -> Draft {
        let state = serde_json::to_vec(self.engine.drill_state()).ok();
        Draft { notes: vec![(DRILL_NOTE.to_owned(), state)], ..self.event(event) }
    }

    fn event(&self, event: &Event) -> Draft {
        let mut draft = seal::event(event, self.standing.plan.as_ref());
        // What follows by itself has no operator, and no role.
        if let (Some(role), Detail::Event(event)) = (self.role, &mut draft.detail)
            && event.facts.contains_key("operator")
        {
            event.facts.insert("role".to_owned(), role.to_owned());
        }
        draft
    }

    fn judge(&self, inspection: &mut Inspection) -> (Screening, Draft) {
        // What is declared of an instrument stands in the site file, and the check brought it along.
        let of_instrument = inspection.subject.kind == SubjectKind::Instrument;
        if !of_instrument {
            inspection.subject.declaration = self.book.find(&inspection.subject.identities);
        }
        let date = sampling_date(inspection.opened);
        self.register.apply(inspection, date);
        let (own, programme) = self.required(&inspection.place);
        let judge = if of_instrument {
            own.to_vec()
        } else {
            self.desk.judges(own, &inspection.procedure, &inspection.place, fact(inspection, "hs-code"))
        };
        let programme = programme.and_then(|id| self.site.programmes.iter().find(|it| it.id == id));
        let screening = screen(inspection, &self.site.tables, &judge, date, programme);
        let tables = self.tables_of(&screening);
        let draft = seal::inspection(inspection, &screening, &judge, tables, &self.standing);
        (screening, draft)
    }

    fn required(&self, place: &str) -> (&[Judge], Option<&str>) {
        if let Some(lane) = self.site.lanes.iter().find(|lane| lane.id == place) {
            return (&lane.gate.judge, None);
        }
        if let Some(check) = self.site.check(place) {
            return (&check.judge, None);
        }
        self.site
            .rigs
            .iter()
            .find(|rig| rig.id == place)
            .map_or((&[], None), |rig| (rig.judge.as_slice(), rig.procedure.programme()))
    }

    /// The exact files that were applied, so that anyone can recompute the verdict.
    fn tables_of(&self, screening: &Screening) -> Vec<Table> {
        let mut used: Vec<Table> = Vec::new();
        for finding in &screening.findings {
            if used.iter().any(|it| it.id == finding.table && it.edition == finding.edition) {
                continue;
            }
            let table = self.site.tables.iter().find(|it| it.id == finding.table && it.edition == finding.edition);
            let programme =
                self.site.programmes.iter().find(|it| it.id == finding.table && it.edition == finding.edition);
            if let Some(sha256) = table.map(|it| it.digest).or(programme.map(|it| it.digest)) {
                used.push(Table { id: finding.table.clone(), edition: finding.edition.clone(), sha256 });
            }
        }
        used
    }

    fn announce(&self, inspection: &Inspection, screening: &Screening, recorded: Recorded) {
        let result = LiveResult::of(inspection, screening, recorded.seq);
        info!(
            seq = recorded.seq,
            place = result.place,
            inspection = result.id,
            verdict = result.verdict,
            disposition = result.disposition,
            "recorded"
        );
        self.live.count(&result.place, result.disposition);
        // Together: nobody must see the result and believe that its inspection is still open.
        let busy = self.engine.busy();
        self.live.update(|live| {
            live.busy = busy;
            if live.results.len() >= RECENT {
                live.results.pop_front();
            }
            live.results.push_back(result);
        });
    }

    /// Live values for pages and dashboards; unsigned, and they say so.
    fn show(&mut self, arrival: &Arrival) {
        let instrument = Arc::clone(&arrival.instrument);
        let values: BTreeMap<String, LiveValue> = match &arrival.content {
            Content::Readings(readings) => {
                readings.iter().map(|it| (it.channel.to_string(), LiveValue::of(it.outcome, it.at))).collect()
            }
            Content::Missing(missing) => [("*".to_owned(), LiveValue::of(Err(*missing), arrival.at))].into(),
            Content::Link(state) => {
                let down = *state == LinkState::Down;
                self.live.update(|live| {
                    live.down.insert(instrument.to_string(), down);
                });
                return;
            }
            Content::Identity(mark) => {
                self.show_identity(&instrument, mark, arrival.at);
                return;
            }
            Content::Portal(_) | Content::Event(_) => return,
        };
        let due = self.viewed.get(&instrument).is_none_or(|last| arrival.at.mono_ms.saturating_sub(*last) >= VIEW_MS);
        if due {
            self.viewed.insert(Arc::clone(&instrument), arrival.at.mono_ms);
            let message =
                serde_json::json!({ "version": 1, "signed": false, "instrument": &*instrument, "channels": values });
            if let Ok(payload) = serde_json::to_vec(&message) {
                let _ = self.views.try_send((instrument.to_string(), payload.into()));
            }
        }
        self.live.update(|live| {
            let shown = live.instruments.entry(instrument.to_string()).or_default();
            if matches!(arrival.content, Content::Readings(_)) {
                shown.remove("*");
            }
            shown.extend(values);
        });
    }
}

impl Inspector {
    /// What an identity reader read, for dashboards. Every one, as each is another vehicle.
    fn show_identity(&self, instrument: &Arc<str>, mark: &Mark, at: Moment) {
        let personal = mark.kind == "plate" && self.site.privacy.view_topics == Disclosure::Masked;
        let text = if personal { privacy::plate(&mark.text) } else { mark.text.clone() };
        let message = serde_json::json!({
            "version": 1, "signed": false, "instrument": &**instrument, "channels": {},
            "identity": { "kind": mark.kind, "text": text, "masked": personal, "at_ms": at.wall_ms },
        });
        if let Ok(payload) = serde_json::to_vec(&message) {
            let _ = self.views.try_send((instrument.to_string(), payload.into()));
        }
    }
}

/// Keeps a name that somebody typed apart from the names the agent gives its own facts of an event.
fn apart((name, text): (String, String)) -> (String, String) {
    let own = matches!(name.as_str(), "operator" | "role" | "drill" | "plan");
    (if own { format!("typed-{name}") } else { name }, text)
}

/// The date that selects an edition: the UTC date on which the inspection was opened.
pub fn sampling_date(opened: Moment) -> Date {
    Timestamp::from_millisecond(opened.wall_ms).map_or(Date::ZERO, |at| at.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn a_typed_name_never_stands_for_the_agents_own() {
        let named = |name: &str| apart((name.to_owned(), "x".to_owned())).0;
        assert_eq!(
            ["operator", "role", "drill", "plan"].map(named),
            ["typed-operator", "typed-role", "typed-drill", "typed-plan"]
        );
        assert_eq!(["ph", "goods"].map(named), ["ph", "goods"]);
    }
}
