//! A Modbus port: asks its instruments by plan, one request at a time, and reports each poll.
//!
//! ```text
//! schedule (who is due) ─► plan (which registers) ─► line (one exchange) ─► interpret ─► outlet
//!                 breaker (whom to spare) ┘
//! ```
//!
//! A poll yields one outcome per channel, whatever happens: a value, or the reason why there is
//! none. Requests are not repeated within a poll: the next poll is the repetition, and a value that
//! needed three attempts would hide a bad line. A unit that stays silent costs the line one time-out
//! per breaker pause; its polls in between are reported missing without being asked. While the port
//! is closed every due poll is reported as `line-down`.

mod breaker;
mod interpret;
mod line;
mod schedule;
mod station;
#[cfg(test)]
mod tests;
mod wire;

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use bytes::Bytes;
use tidewaiter_config::site::{Instrument, Link, Port, Protocol};
use tidewaiter_drivers::reading::Missing;
use tokio::time::{Instant, sleep_until};

use self::{
    breaker::Breaker,
    interpret::Interpreter,
    line::{Exchange, Failure, Line},
    schedule::Schedule,
    station::{Poll, Station},
};
use super::{
    Content, LinkState,
    backoff::Backoff,
    counters::Tally,
    outlet::{Closed, Outlet},
    plan::{self, Block},
    port::{FIRST_RETRY, MOST_RETRY, Opener, open},
};

/// Exception of a server that does not know the address (MODBUS Application Protocol V1.1b3, §7).
const ILLEGAL_DATA_ADDRESS: u8 = 2;
/// Exception of a gateway without a path to the unit (ibid.).
const GATEWAY_PATH_UNAVAILABLE: u8 = 0x0A;
/// Exception of a gateway whose unit did not answer (ibid.).
const GATEWAY_TARGET_SILENT: u8 = 0x0B;

/// The task of one Modbus port.
pub(super) struct Bus {
    port: Port,
    opener: Arc<dyn Opener>,
    outlet: Outlet,
    stations: Vec<Station>,
    breakers: BTreeMap<u8, Breaker>,
    slowest: Duration,
    /// What was last said about the port.
    said: Option<LinkState>,
    opened_before: bool,
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
        let gap = plan::gap_worth_reading(&port.link);
        let mut breakers = BTreeMap::new();
        let mut stations = Vec::new();
        let mut slowest = Duration::ZERO;
        for instrument in instruments {
            let Protocol::Registers { profile, unit_id, poll, timeout, function_timeout_polls } = &instrument.protocol
            else {
                continue;
            };
            slowest = slowest.max(*timeout);
            breakers.entry(*unit_id).or_insert_with(|| Breaker::new(*function_timeout_polls));
            stations.push(Station {
                instrument: Arc::from(instrument.id.as_str()),
                unit: *unit_id,
                period: *poll,
                timeout: *timeout,
                blocks: plan::blocks(profile, gap),
                interpreter: Interpreter::new(profile.clone()),
                poll: None,
            });
        }
        Self { port, opener, outlet, stations, breakers, slowest, said: None, opened_before: false }
    }

    /// Runs until nobody listens any more. Cancel safe in the sense that nothing outlives it.
    pub(super) async fn run(mut self) {
        if self.stations.is_empty() {
            return;
        }
        // The only error is that the receiver has gone, and with it the reason to run.
        let Err(Closed) = self.work().await;
    }

    async fn work(&mut self) -> Result<std::convert::Infallible, Closed> {
        let periods: Vec<Duration> = self.stations.iter().map(|station| station.period).collect();
        let mut retry = Backoff::new(FIRST_RETRY, MOST_RETRY);
        let mut schedule: Option<Schedule> = None;
        loop {
            let mut line = match self.open().await {
                Ok(line) => line,
                Err(error) => {
                    tracing::warn!(port = %self.port.id, %error, "port does not open");
                    self.say_down().await?;
                    let now = Instant::now();
                    let schedule = schedule.get_or_insert_with(|| Schedule::new(now, &periods));
                    self.wait_closed(schedule, now + retry.next_delay(), Missing::LineDown).await?;
                    continue;
                }
            };
            self.say_up().await?;
            let schedule = schedule.get_or_insert_with(|| Schedule::new(line.ready_at(), &periods));
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
            Link::Serial(line) | Link::ModbusRtu(line) => Line::rtu(port, line.clone(), self.slowest),
            Link::Tcp { .. } | Link::ModbusTcp { .. } => Line::tcp(port, self.slowest),
        })
    }

    /// Polls until the port has to be opened again; says whether any answer came, and why it ended.
    async fn poll_while_open(&mut self, line: &mut Line, schedule: &mut Schedule) -> Result<(bool, Cause), Closed> {
        let mut fruitful = false;
        loop {
            let now = Instant::now();
            let Some(index) = schedule.ready(now) else {
                // There is always a next one: a port without instruments has no task.
                sleep_until(schedule.next_due().unwrap_or(now + MOST_RETRY)).await;
                continue;
            };
            let Some(station) = self.stations.get_mut(index) else { continue };
            let breaker = self.breakers.entry(station.unit).or_insert_with(|| Breaker::new(1));
            if station.poll.is_none() {
                let held = line.holds(station.unit, now).then_some(Missing::TimedOut);
                if let Some(reason) = breaker.spared(now).or(held) {
                    self.outlet.missing(&station.instrument, reason, Bytes::new()).await?;
                    schedule.done(index, Instant::now());
                    continue;
                }
                station.poll = Some(Poll::new(station.interpreter.channels()));
            }
            let (exchange, block) = station.step(line).await;
            self.count(index, &exchange);
            let answered = matches!(exchange.outcome, Ok(_) | Err(Failure::Exception(_)));
            let after = self.take(index, exchange, block, line, fruitful);
            fruitful |= answered;
            let ended = self
                .stations
                .get(index)
                .is_some_and(|station| station.poll.as_ref().is_none_or(|poll| poll.next >= station.blocks.len()));
            if ended {
                self.report(index).await?;
                schedule.done(index, Instant::now());
            }
            if let After::Reopen(cause) = after {
                return Ok((fruitful, cause));
            }
        }
    }

    /// Files the outcome of one request in the poll of its instrument.
    fn take(&mut self, index: usize, exchange: Exchange, block: Option<Block>, line: &Line, fruitful: bool) -> After {
        let now = Instant::now();
        let at = self.outlet.now();
        let Some(station) = self.stations.get_mut(index) else { return After::Keep };
        let Some(breaker) = self.breakers.get_mut(&station.unit) else { return After::Keep };
        let Some(poll) = &mut station.poll else { return After::Keep };
        poll.raw.extend_from_slice(&exchange.raw);
        let failure = match exchange.outcome {
            Ok(words) => {
                breaker.answered();
                // `None` was the probe: its registers prove the unit is in step and say nothing more.
                if let Some(block) = block {
                    poll.answered(&block, &words, at);
                }
                return After::Keep;
            }
            Err(failure) => failure,
        };
        let reason = failure.missing();
        match failure {
            // The probe found an address the instrument refuses, which is an answer all the same.
            Failure::Exception(_) if block.is_none() => breaker.answered(),
            Failure::TimedOut | Failure::Exception(GATEWAY_PATH_UNAVAILABLE | GATEWAY_TARGET_SILENT) => {
                breaker.failed(now, reason);
                poll.give_up(&station.blocks, reason, at);
            }
            Failure::Exception(ILLEGAL_DATA_ADDRESS) if block.as_ref().is_some_and(|block| block.has_gaps) => {
                tracing::info!(instrument = %station.instrument, "registers between two channels are refused; asking without them from now on");
                breaker.answered();
                station.blocks = plan::blocks(station.interpreter.profile(), 0);
                *poll = Poll::new(station.interpreter.channels());
            }
            Failure::Exception(_) | Failure::Refused | Failure::Crc => {
                // The unit is there; only this request went wrong.
                breaker.answered();
                match block {
                    Some(block) => poll.missing(&block, reason, at),
                    None => poll.give_up(&station.blocks, reason, at),
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
        let said = station.interpreter.interpret(&poll.taken, at);
        let raw = poll.raw.freeze();
        for mark in said.marks {
            self.outlet.send(&station.instrument, at, raw.clone(), Content::Identity(mark)).await?;
        }
        self.outlet.send(&station.instrument, at, raw, Content::Readings(said.readings)).await
    }

    /// Counts what an exchange left over: late answers to the instrument that sent them, the rest to
    /// the one that was asked.
    fn count(&self, index: usize, exchange: &Exchange) {
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
        for station in &mut self.stations {
            if self.opened_before {
                self.outlet.count(&station.instrument, Tally::reconnected);
            }
            if self.said != Some(LinkState::Up) {
                station.interpreter.forget();
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
            sleep_until(schedule.next_due().map_or(until, |due| due.min(until))).await;
        }
    }
}
