//! A Modbus port: asks its instruments by plan, one request at a time, and reports each poll.
//!
//! ```text
//! schedule (who is due) ─► station (which registers) ─► line (one exchange) ─► interpret ─► outlet
//!                 breaker (whom to spare) ┘                └─► identity (who answers)
//! ```
//!
//! A poll yields one outcome per channel, whatever happens: a value, or the reason why there is
//! none. Requests are not repeated within a poll: the next poll is the repetition, and a value that
//! needed three attempts would hide a bad line. A unit that stays silent is tried once per breaker
//! pause, while the line is idle for long enough to wait for it; its polls in between are reported
//! missing without being asked. While the port is closed every due poll is reported as `line-down`.
//!
//! Outputs on the same line hand in orders ([`orders`](super::orders)), which go before polls.

mod breaker;
mod carry;
mod identity;
mod interpret;
mod line;
mod schedule;
mod sealed;
mod station;
#[cfg(test)]
mod tests;
mod wire;

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use bytes::Bytes;
use tidewaiter_config::{
    profile::Fact,
    site::{Instrument, Link, Port, Protocol},
};
use tidewaiter_drivers::reading::Missing;
use tokio::time::Instant;

use self::{
    breaker::Breaker,
    identity::{Identity, Inquiry},
    interpret::Interpreter,
    line::{Exchange, Failure, Line, Pace},
    schedule::{Schedule, Want},
    sealed::Seals,
    station::{Answer, Poll, Purpose, Station},
};
use super::{
    Content, LinkState,
    backoff::Backoff,
    counters::Tally,
    orders::{Inbox, Order},
    outlet::{Closed, Outlet},
    plan::{self, Cost, Estimate},
    port::{FIRST_RETRY, MOST_RETRY, Opener, open},
    timing::sleep_until,
};

/// Exception of a server that does not know the address (MODBUS Application Protocol V1.1b3, §7).
const ILLEGAL_DATA_ADDRESS: u8 = 2;
/// Exceptions of a server that will do what it was asked, later (ibid.).
const ACKNOWLEDGE: u8 = 5;
/// See [`ACKNOWLEDGE`].
const SERVER_BUSY: u8 = 6;
/// Exception of a gateway without a path to the unit (ibid.).
const GATEWAY_PATH_UNAVAILABLE: u8 = 0x0A;
/// Exception of a gateway whose unit did not answer (ibid.).
const GATEWAY_TARGET_SILENT: u8 = 0x0B;

/// Room left beside the wait for a silent unit: a machine that does something else for a moment must not
/// use up the whole of it, or no unit would be tried in that period.
const HICCUP: Duration = Duration::from_millis(20);

/// The task of one Modbus port.
pub(super) struct Bus {
    port: Port,
    opener: Arc<dyn Opener>,
    outlet: Outlet,
    stations: Vec<Station>,
    breakers: BTreeMap<u8, Breaker>,
    /// Longest answer time of each unit.
    longest: BTreeMap<u8, Duration>,
    /// What was last said about the port.
    said: Option<LinkState>,
    opened_before: bool,
    orders: Option<Inbox>,
    /// Counts openings.
    connection: u64,
}

/// What a request means for the port.
enum After {
    Keep,
    Reopen(Cause),
}

/// Why a port has to be opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// It was lost: everyone is told.
    Lost,
    /// We drop the connection, for this reason, to be rid of what may still come on it.
    Dropped(Missing),
    /// The server closed an idle connection.
    Idle,
}

impl Bus {
    pub(super) fn new(port: Port, instruments: &[&Instrument], opener: Arc<dyn Opener>, outlet: Outlet) -> Self {
        let mut breakers = BTreeMap::new();
        let mut longest: BTreeMap<u8, Duration> = BTreeMap::new();
        let mut stations = Vec::new();
        for instrument in instruments {
            let Protocol::Registers {
                profile,
                unit_id,
                poll,
                timeout,
                max_answer_time,
                turnaround,
                function_timeout_polls,
            } = &instrument.protocol
            else {
                continue;
            };
            breakers.entry(*unit_id).or_insert_with(|| Breaker::new(*function_timeout_polls));
            let slowest = longest.entry(*unit_id).or_default();
            *slowest = (*slowest).max(*max_answer_time);
            let start = Cost::arithmetic(&port.link, *turnaround);
            stations.push(Station {
                instrument: Arc::from(instrument.id.as_str()),
                unit: *unit_id,
                period: *poll,
                pace: Pace { timeout: *timeout, longest: *max_answer_time, turnaround: *turnaround },
                blocks: plan::blocks(profile, start),
                interpreter: Interpreter::new(profile.clone()),
                identity: Identity::new(profile, &instrument.identity),
                seals: profile.sealed.map(|_| Seals::new(registered(instrument), instrument.simulated)),
                estimate: Estimate::new(start),
                refuses_gaps: false,
                poll: None,
            });
        }
        Self {
            port,
            opener,
            outlet,
            stations,
            breakers,
            longest,
            said: None,
            opened_before: false,
            orders: None,
            connection: 0,
        }
    }

    /// The same port, with outputs on it.
    pub(super) fn with_orders(mut self, orders: Option<Inbox>) -> Self {
        for (&unit, &late) in orders.iter().flat_map(|it| &it.units) {
            let slowest = self.longest.entry(unit).or_default();
            *slowest = (*slowest).max(late);
        }
        self.orders = orders;
        self
    }

    /// Runs until nobody listens any more. Cancel safe in the sense that nothing outlives it.
    pub(super) async fn run(mut self) {
        if self.stations.is_empty() && self.orders.is_none() {
            return;
        }
        // The only error is that the receiver has gone, and with it the reason to run.
        let Err(Closed) = self.work().await;
    }

    async fn work(&mut self) -> Result<std::convert::Infallible, Closed> {
        let mut retry = Backoff::new(FIRST_RETRY, MOST_RETRY);
        let mut schedule: Option<Schedule> = None;
        loop {
            let mut line = match self.open().await {
                Ok(line) => line,
                Err(error) => {
                    tracing::warn!(port = %self.port.id, %error, "port does not open");
                    self.say_down().await?;
                    let now = Instant::now();
                    let schedule = schedule.get_or_insert_with(|| self.first_polls(now, None));
                    self.wait_closed(schedule, now + retry.next_delay(), Missing::LineDown).await?;
                    continue;
                }
            };
            self.say_up().await?;
            let schedule = schedule.get_or_insert_with(|| self.first_polls(Instant::now(), Some(&line)));
            let (fruitful, cause) = self.poll_while_open(&mut line, schedule).await?;
            drop(line);
            if cause == Cause::Lost {
                self.say_down().await?;
            }
            if fruitful {
                retry.reset();
                continue;
            }
            // A unit that is merely silent is paced by its breaker; anything else that brings no
            // answer at all must not be tried in a tight loop.
            let reason = match cause {
                Cause::Dropped(Missing::TimedOut) => continue,
                Cause::Dropped(reason) => reason,
                Cause::Lost | Cause::Idle => Missing::LineDown,
            };
            let until = Instant::now() + retry.next_delay();
            self.wait_closed(schedule, until, reason).await?;
        }
    }

    async fn open(&self) -> io::Result<Line> {
        let port = open(&*self.opener, &self.port.link).await?;
        Ok(match &self.port.link {
            Link::Serial(line) | Link::ModbusRtu(line) | Link::ModbusRtuTcp { line, .. } => {
                Line::rtu(port, line.clone(), &self.longest)
            }
            Link::Tcp { .. } | Link::ModbusTcp { .. } => Line::tcp(port),
        })
    }

    /// The schedule of a port that opens, or fails to open, for the first time.
    fn first_polls(&self, now: Instant, line: Option<&Line>) -> Schedule {
        let wants: Vec<Want> = self
            .stations
            .iter()
            .map(|station| Want {
                period: station.period,
                from: line.and_then(|line| line.held(station.unit, now)).map_or(now, |(until, _)| until),
                silence: line.map_or(station.pace.timeout, |line| station.probe_time(line)) + HICCUP,
            })
            .collect();
        // The grid begins when the first unit may be asked, so that this one's polls stand on it.
        let begin = wants.iter().map(|want| want.from).min().unwrap_or(now);
        Schedule::new(begin, &wants)
    }

    /// Polls until the port has to be opened again; says whether any answer came, and why it ended.
    async fn poll_while_open(&mut self, line: &mut Line, schedule: &mut Schedule) -> Result<(bool, Cause), Closed> {
        let mut fruitful = false;
        loop {
            while let Some(order) = Inbox::waiting(&mut self.orders) {
                let (answered, after) = self.carry(order, line, fruitful).await;
                fruitful |= answered;
                if let After::Reopen(cause) = after {
                    return Ok((fruitful, cause));
                }
            }
            let now = Instant::now();
            let Some(index) = schedule.ready(now) else {
                match self.to_try(line, schedule, now) {
                    Ok(index) => {
                        let (answered, after) = self.try_unit(index, line, fruitful).await;
                        fruitful |= answered;
                        if let After::Reopen(cause) = after {
                            return Ok((fruitful, cause));
                        }
                    }
                    Err(wake) => {
                        if let Some(order) = self.order_until(wake).await {
                            let (answered, after) = self.carry(order, line, fruitful).await;
                            fruitful |= answered;
                            if let After::Reopen(cause) = after {
                                return Ok((fruitful, cause));
                            }
                        }
                    }
                }
                continue;
            };
            let Some(station) = self.stations.get_mut(index) else { continue };
            if station.poll.is_none() {
                let breaker = self.breakers.get(&station.unit);
                let spared = breaker.filter(|it| !it.insists(now)).and_then(Breaker::doubt);
                let held = line.held(station.unit, now).map(|(_, reason)| reason);
                if let Some(reason) = spared.or(held) {
                    self.outlet.missing(&station.instrument, reason, Bytes::new()).await?;
                    schedule.done(index, Instant::now());
                    continue;
                }
                station.poll = Some(Poll::new(station.interpreter.channels()));
            }
            let (exchange, purpose) = station.step(line).await;
            self.count(index, &exchange);
            let answered = matches!(exchange.outcome, Ok(_) | Err(Failure::Exception(_)));
            let after = self.take(index, exchange, &purpose, line, fruitful);
            fruitful |= answered;
            if self.stations.get(index).is_some_and(Station::is_through) {
                self.report(index).await?;
                schedule.done(index, Instant::now());
            }
            if let After::Reopen(cause) = after {
                return Ok((fruitful, cause));
            }
        }
    }

    /// Sleeps, unless an order comes.
    async fn order_until(&mut self, wake: Instant) -> Option<Order> {
        tokio::select! {
            biased;
            order = Inbox::next(&mut self.orders) => Some(order),
            () = sleep_until(wake) => None,
        }
    }

    /// The unit in doubt to be tried now, while nobody else needs the line; else when to look again.
    fn to_try(&self, line: &Line, schedule: &Schedule, now: Instant) -> Result<usize, Instant> {
        let in_doubt = |station: &Station| self.breakers.get(&station.unit).is_some_and(|it| it.doubt().is_some());
        let needed = schedule.next_due_of(|index| self.stations.get(index).is_some_and(|it| !in_doubt(it)));
        // There is always a next one: a port without instruments has no task.
        let mut wake = schedule.next_due().unwrap_or(now + MOST_RETRY);
        for (index, station) in self.stations.iter().enumerate() {
            let Some(wants) = self.breakers.get(&station.unit).and_then(Breaker::wants) else { continue };
            let from = line.held(station.unit, now).map_or(wants, |(until, _)| wants.max(until));
            if from > now {
                wake = wake.min(from);
            } else if station.poll.is_none() && needed.is_none_or(|due| now + station.probe_time(line) <= due) {
                return Ok(index);
            }
        }
        Err(wake)
    }

    /// Asks a unit in doubt whether it is there again. Its values wait for its next poll.
    async fn try_unit(&mut self, index: usize, line: &mut Line, fruitful: bool) -> (bool, After) {
        let Some(station) = self.stations.get_mut(index) else { return (false, After::Keep) };
        let (exchange, purpose) = station.probe(line).await;
        self.count(index, &exchange);
        let answered = matches!(exchange.outcome, Ok(_) | Err(Failure::Exception(_)));
        (answered, self.take(index, exchange, &purpose, line, fruitful))
    }

    /// Files the outcome of one request in the poll of its instrument, if one is under way.
    fn take(
        &mut self,
        index: usize,
        exchange: Exchange<Answer>,
        purpose: &Purpose,
        line: &Line,
        fruitful: bool,
    ) -> After {
        let now = Instant::now();
        let at = self.outlet.now();
        let Some(station) = self.stations.get_mut(index) else { return After::Keep };
        let Some(breaker) = self.breakers.get_mut(&station.unit) else { return After::Keep };
        // A try outside of any poll is filed in one that nobody reads.
        let mut unread = Poll::new(0);
        let poll = station.poll.as_mut().unwrap_or(&mut unread);
        poll.raw.extend_from_slice(&exchange.raw);
        let failure = match exchange.outcome {
            Ok(answer) => {
                if breaker.answered() {
                    // On a line that stays open, a silence may have been an exchange of instruments.
                    station.identity.begin();
                }
                match (purpose, answer) {
                    (Purpose::Block(block), Answer::Words(words)) => poll.answered(block, &words, at),
                    (Purpose::Inquiry(Inquiry::Registers(register)), Answer::Words(words)) => {
                        station.identity.words(*register, &words);
                    }
                    (Purpose::Inquiry(_), Answer::Objects(objects)) => station.identity.objects(objects),
                    // A probe's registers prove the unit is in step and say nothing more.
                    _ => {}
                }
                return After::Keep;
            }
            Err(failure) => failure,
        };
        let reason = failure.missing();
        if let Purpose::Inquiry(_) = purpose {
            match failure {
                Failure::Exception(code) if !matches!(code, ACKNOWLEDGE | SERVER_BUSY) => station.identity.refused(),
                _ => {
                    station.identity.failed();
                    if station.identity.is_owed() {
                        poll.disown(reason, at);
                    }
                }
            }
            // The registers of this poll have been read: the unit is there, and it is done for now.
            poll.over |= !matches!(failure, Failure::Exception(_));
        }
        match failure {
            Failure::TimedOut | Failure::Exception(GATEWAY_PATH_UNAVAILABLE | GATEWAY_TARGET_SILENT)
                if !matches!(purpose, Purpose::Inquiry(_)) =>
            {
                breaker.failed(now, reason);
                poll.give_up(&station.blocks, reason, at);
            }
            Failure::Exception(ILLEGAL_DATA_ADDRESS)
                if matches!(purpose, Purpose::Block(block) if block.has_gaps) && !station.refuses_gaps =>
            {
                tracing::info!(instrument = %station.instrument, "registers between two channels are refused; asking without them from now on");
                breaker.answered();
                station.refuses_gaps = true;
                let cost = station.estimate.cost().without_gaps();
                station.blocks = plan::blocks(station.interpreter.profile(), cost);
                *poll = Poll::new(station.interpreter.channels());
            }
            Failure::TimedOut | Failure::Exception(_) | Failure::Refused | Failure::Crc => {
                // The unit is there; only this request went wrong.
                if breaker.answered() {
                    station.identity.begin();
                }
                match purpose {
                    Purpose::Block(block) => poll.missing(block, reason, at),
                    // The probe found an address the instrument refuses, which is an answer all the same;
                    // but where it is owed another one, nothing more is asked of it now.
                    Purpose::Probe if !matches!(failure, Failure::Exception(_)) || line.owes(station.unit) => {
                        poll.give_up(&station.blocks, reason, at);
                    }
                    Purpose::Probe | Purpose::Inquiry(_) => {}
                }
            }
            Failure::OutOfStep(ref why) => {
                tracing::warn!(port = %self.port.id, instrument = %station.instrument, %why, "connection dropped");
                poll.give_up(&station.blocks, reason, at);
                return After::Reopen(Cause::Dropped(reason));
            }
            // A server may close an idle connection; asking again on a fresh one costs nothing.
            Failure::Lost { sent: false, .. } if fruitful => return After::Reopen(Cause::Idle),
            Failure::Lost { ref error, .. } => {
                tracing::warn!(port = %self.port.id, %error, "port lost");
                poll.give_up(&station.blocks, reason, at);
                return After::Reopen(Cause::Lost);
            }
        }
        if line.is_spoilt_by(&failure) { After::Reopen(Cause::Dropped(reason)) } else { After::Keep }
    }

    /// Ends the poll of an instrument and sends what came of it.
    async fn report(&mut self, index: usize) -> Result<(), Closed> {
        let Some(station) = self.stations.get_mut(index) else { return Ok(()) };
        let Some(poll) = station.poll.take() else { return Ok(()) };
        let at = self.outlet.now();
        let raw = poll.raw.freeze();
        if station.identity.has_news() {
            for happening in station.identity.conclude() {
                self.outlet.send(&station.instrument, at, raw.clone(), Content::Event(happening)).await?;
            }
        }
        let mut said = if let Some(seals) = &mut station.seals {
            let judged = poll.sealed.as_ref().and_then(|it| Some(seals.take(it.words.as_ref().ok()?, it.at)));
            if let Some(judged) = &judged {
                self.outlet.count(&station.instrument, |tally| tally.sealed(judged.block.is_ok(), judged.skipped));
                for happening in &judged.told {
                    self.outlet.send(&station.instrument, at, raw.clone(), Content::Event(happening.clone())).await?;
                }
            }
            station.interpreter.interpret_sealed(&poll.taken, judged.map(|it| it.block), at)
        } else {
            station.interpreter.interpret(&poll.taken, at)
        };
        station.stamp(&mut said.readings);
        for mark in said.marks {
            self.outlet.send(&station.instrument, at, raw.clone(), Content::Identity(mark)).await?;
        }
        if let Some(saves) = station.replan() {
            tracing::info!(instrument = %station.instrument, ?saves, requests = station.blocks.len(), "poll plan changed to what was measured");
        }
        self.outlet.send(&station.instrument, at, raw, Content::Readings(said.readings)).await
    }

    /// Counts what an exchange left over: late answers to the instrument that sent them, the rest to
    /// the one that was asked.
    fn count<T>(&self, index: usize, exchange: &Exchange<T>) {
        let leftover = &exchange.leftover;
        for unit in &leftover.strays {
            if let Some(late) = self.stations.iter().find(|station| station.unit == *unit) {
                self.outlet.count(&late.instrument, |tally| tally.late_replies(1));
            }
        }
        let Some(asked) = self.stations.get(index) else { return };
        self.outlet.count(&asked.instrument, |tally| {
            tally.garbage(leftover.garbage + leftover.unfinished as u64);
            match &exchange.outcome {
                Err(Failure::OutOfStep(_)) => tally.late_replies(1),
                Err(Failure::Crc | Failure::Refused) => tally.frame_refused(),
                _ => {}
            }
        });
    }

    async fn say_up(&mut self) -> Result<(), Closed> {
        self.connection += 1;
        for station in &mut self.stations {
            if self.opened_before {
                self.outlet.count(&station.instrument, Tally::reconnected);
            }
            if self.said == Some(LinkState::Up) {
                station.identity.begin();
            } else {
                station.interpreter.forget();
                station.identity.forget();
                self.outlet.link(&station.instrument, LinkState::Up).await?;
            }
        }
        self.opened_before = true;
        self.said = Some(LinkState::Up);
        Ok(())
    }

    async fn say_down(&mut self) -> Result<(), Closed> {
        if self.said == Some(LinkState::Down) {
            return Ok(());
        }
        for station in &mut self.stations {
            station.poll = None;
            self.outlet.link(&station.instrument, LinkState::Down).await?;
        }
        self.said = Some(LinkState::Down);
        Ok(())
    }

    /// Reports every poll that falls due before `until` as missing.
    async fn wait_closed(&mut self, schedule: &mut Schedule, until: Instant, reason: Missing) -> Result<(), Closed> {
        loop {
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            if let Some(index) = schedule.ready(now) {
                if let Some(station) = self.stations.get_mut(index) {
                    station.poll = None;
                    self.outlet.missing(&station.instrument, reason, Bytes::new()).await?;
                }
                schedule.done(index, now);
                continue;
            }
            if let Some(order) = self.order_until(schedule.next_due().map_or(until, |due| due.min(until))).await {
                order.answer(Err(Missing::LineDown));
            }
        }
    }
}

/// The serial number that the site file has for an instrument.
fn registered(instrument: &Instrument) -> Option<String> {
    instrument.identity.get(&Fact::Serial).or(instrument.serial_number.as_ref()).cloned()
}
