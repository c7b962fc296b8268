//! One exchange on an open Modbus port: asks, waits, checks, and keeps the line in step.
//!
//! tokio-modbus encodes and decodes. What it leaves open is closed here: the silence between RTU
//! frames, input from before the request, the time allowed, the length of the answer, and answers
//! that come too late.
//!
//! After a request without an answer the unit is left alone until the longest time its answer may
//! take has passed; the others may be asked meanwhile, since what it might still say bears its own
//! unit id and is passed over. From then on it owes an answer, which in spite of what was declared
//! may come at any later moment. It is therefore first asked something of another length
//! ([`Line::probe`]): an answer of that length can only belong to that question, and since a unit
//! answers in order, nothing older can follow. Over TCP the connection is dropped instead, and nothing
//! older can arrive on the new one.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use bytes::Bytes;
use tidewaiter_config::site::SerialLine;
use tidewaiter_drivers::{modbus::register::Table, reading::Missing};
use tokio::time::{Instant, timeout};
use tokio_modbus::{
    Error, Request, Response, Slave,
    client::{Client as _, Context, rtu, tcp},
    prelude::{ReadCode, ReadDeviceIdentificationResponse},
    slave::SlaveContext as _,
};

use super::wire::{DEVICE_IDENTIFICATION, Expected, Leftover, Wire};
use crate::acquire::{FineTimer, orders::Written, plan, port::PortStream, timing};

/// Most lengths of unanswered requests remembered per unit. The oldest is then as many breaker
/// pauses old, longer than any instrument keeps an answer.
const MOST_OWED: u16 = 4;
/// Characters of a read request on RTU.
const REQUEST_CHARACTERS: usize = 8;
/// Characters of an RTU answer around its data.
const FRAME_CHARACTERS: usize = 5;
/// Characters of an identification request on RTU, and of the longest answer to it.
const IDENTIFICATION_CHARACTERS: usize = 7 + 256;

/// Characters of the longest write request on RTU, two bytes of content, and of its answer.
const WRITE_CHARACTERS: usize = 11 + 8;
/// Characters of the answer to a write beyond those around any answer.
const WRITE_ANSWER_BYTES: usize = 3;

/// A request to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) unit: u8,
    pub(super) table: Table,
    pub(super) address: u16,
    pub(super) count: u16,
}

/// How much time a unit is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// How long its answer is waited for.
    pub(super) timeout: Duration,
    /// The longest time after which it may still answer.
    pub(super) longest: Duration,
    /// Silence after its answer beyond that of the standard, as declared.
    pub(super) turnaround: Option<Duration>,
}

/// Why there are no registers.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Nothing came in time.
    #[error("no answer in time")]
    TimedOut,
    /// Bytes came, and no check held.
    #[error("the check of the answer does not hold")]
    Crc,
    /// Something came that does not answer the request.
    #[error("what came does not answer the request")]
    Refused,
    /// The instrument refused.
    #[error("exception {0}")]
    Exception(u8),
    /// The connection answers other requests than ours: it has to be dropped.
    #[error("the connection is out of step: {0}")]
    OutOfStep(String),
    /// The port is gone; `sent` tells whether the request had gone out.
    #[error("port lost: {error}")]
    Lost { error: io::Error, sent: bool },
}

/// What came of one request.
#[derive(Debug)]
pub(super) struct Exchange<T = Vec<u16>> {
    /// The registers asked for, or bits as 0 and 1, exactly as many as asked; or what else was asked for.
    pub(super) outcome: Result<T, Failure>,
    /// The answer, verbatim, as on the wire.
    pub(super) raw: Bytes,
    /// What came beside it, before and during.
    pub(super) leftover: Leftover,
    /// From the first byte of the request until the line is free again.
    pub(super) took: Duration,
}

/// What an instrument says of itself in one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Objects {
    /// Object id and text.
    pub(super) objects: Vec<(u8, String)>,
    /// The object to go on with, when the answer did not hold them all.
    pub(super) next: Option<u8>,
}

/// The length by which a late answer is told from a fresh one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    function: u8,
    bytes: usize,
}

/// What goes out.
#[derive(Clone, Copy, Debug)]
enum Question {
    Read(Ask),
    Identify { unit: u8, object: u8 },
    Write { unit: u8, address: u16, content: Written },
}

#[derive(Clone, Debug)]
enum Transport {
    Rtu(SerialLine),
    Tcp,
}

/// An open Modbus port.
#[derive(Debug)]
pub(super) struct Line {
    wire: Wire,
    timer: Option<Arc<FineTimer>>,
    transport: Transport,
    client: Client,
    /// Nobody speaks before this.
    quiet_until: Instant,
    /// Units that may still answer something old.
    debtors: BTreeMap<u8, Debt>,
}

/// What a unit has been asked and not answered.
#[derive(Debug)]
struct Debt {
    /// Empty for a question that may have been put by whoever held the line before.
    owed: Vec<Shape>,
    /// It is not asked before this.
    held_until: Instant,
    /// After this nothing old can come, by its own declaration.
    late_until: Instant,
}

/// The tokio-modbus client. On a serial line it is made afresh after every failure, since a cancelled
/// or failed call leaves its codec in the middle of something; over TCP it goes with its connection.
struct Client(Option<Context>);

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Client(attached)" } else { "Client(none)" })
    }
}

impl Line {
    /// A serial line just opened, with the longest answer time of each unit on it.
    ///
    /// Whoever held the line before us, an agent that crashed a moment ago included, may have left a
    /// question open. Its answer comes within that time or not at all, so each unit is first left alone
    /// for as long.
    pub(super) fn rtu(port: Box<dyn PortStream>, line: SerialLine, units: &BTreeMap<u8, Duration>) -> Self {
        let timer = port.timer();
        let mut opened = Self::new(Wire::rtu(port), timer, Transport::Rtu(line));
        let now = Instant::now();
        for (&unit, &longest) in units {
            let debt = Debt { owed: Vec::new(), held_until: now + longest, late_until: now + longest };
            opened.debtors.insert(unit, debt);
        }
        opened
    }

    pub(super) fn tcp(port: Box<dyn PortStream>) -> Self {
        Self::new(Wire::tcp(port), None, Transport::Tcp)
    }

    fn new(wire: Wire, timer: Option<Arc<FineTimer>>, transport: Transport) -> Self {
        Self { wire, timer, transport, client: Client(None), quiet_until: Instant::now(), debtors: BTreeMap::new() }
    }

    /// Whether the port has to be closed and opened again after this failure.
    pub(super) const fn is_spoilt_by(&self, failure: &Failure) -> bool {
        match failure {
            Failure::Lost { .. } | Failure::OutOfStep(_) => true,
            // A late answer cannot be told from a half one, and neither from the next.
            Failure::TimedOut | Failure::Crc => matches!(self.transport, Transport::Tcp),
            Failure::Refused | Failure::Exception(_) => false,
        }
    }

    /// Whether a unit still owes an answer, so that it has to be probed before it is believed.
    pub(super) fn owes(&self, unit: u8) -> bool {
        self.debtors.get(&unit).is_some_and(|debt| !debt.owed.is_empty())
    }

    /// Until when a unit is left alone, because its late answer is still to be expected, and how its
    /// polls are reported meanwhile.
    pub(super) fn held(&self, unit: u8, now: Instant) -> Option<(Instant, Missing)> {
        let debt = self.debtors.get(&unit).filter(|debt| now < debt.held_until)?;
        let reason = if debt.owed.is_empty() { Missing::LineDown } else { Missing::TimedOut };
        Some((debt.held_until, reason))
    }

    /// Longest time for which asking a unit can keep the line.
    pub(super) fn longest_probe(&self, ask: Ask, pace: Pace) -> Duration {
        // One length more than can be owed.
        self.line_time(Question::Read(Ask { count: 1 + MOST_OWED * probe_step(ask.table), ..ask }))
            + pace.timeout
            + self.silence(pace)
    }

    /// Asks a unit that owes an answer for a length that none of its late answers can have.
    ///
    /// Any answer settles what it owed; an exception does so only once nothing old can come any more,
    /// since it could itself be the old answer.
    pub(super) async fn probe(&mut self, like: Ask, pace: Pace) -> Exchange {
        let step = probe_step(like.table);
        let owed = self.debtors.get(&like.unit).map_or(&[][..], |debt| &debt.owed);
        let fresh = (0..=MOST_OWED)
            .map(|index| Ask { count: 1 + index * step, ..like })
            .find(|ask| !owed.contains(&shape(Question::Read(*ask))))
            .unwrap_or(Ask { count: 1, ..like });
        self.read(fresh, pace, true).await
    }

    /// Reads one stretch of registers. The unit must not owe an answer.
    pub(super) async fn ask(&mut self, ask: Ask, pace: Pace) -> Exchange {
        self.read(ask, pace, false).await
    }

    async fn read(&mut self, ask: Ask, pace: Pace, only_this_length: bool) -> Exchange {
        self.exchange(Question::Read(ask), pace, only_this_length, |response| words(ask, response)).await
    }

    /// Asks who a unit is, from an object on. The unit must not owe an answer.
    pub(super) async fn identify(&mut self, unit: u8, object: u8, pace: Pace) -> Exchange<Objects> {
        self.exchange(Question::Identify { unit, object }, pace, false, objects).await
    }

    /// Writes. The unit must not owe an answer, and the line must have been heard ([`Self::may_echo`]).
    pub(super) async fn write(&mut self, unit: u8, address: u16, content: Written, pace: Pace) -> Exchange<()> {
        let question = Question::Write { unit, address, content };
        self.exchange(question, pace, false, |response| done(address, content, &response)).await
    }

    /// Whether it is still unknown if this line brings back what is sent. The answers to functions 05 and 06 look like
    /// their requests, so something else has to be asked first.
    pub(super) fn may_echo(&self) -> bool {
        matches!(self.transport, Transport::Rtu(_)) && self.wire.echoes().is_none()
    }

    async fn exchange<T>(
        &mut self,
        question: Question,
        pace: Pace,
        only_this_length: bool,
        read: impl FnOnce(Response) -> Option<T>,
    ) -> Exchange<T> {
        let (unit, shape) = (question.unit(), shape(question));
        timing::rest_until(self.timer.as_deref(), self.quiet_until).await;
        let mut leftover = match self.wire.drain().await {
            Ok(leftover) => leftover,
            Err(error) => return Exchange::failed(Failure::Lost { error, sent: false }, Leftover::default()),
        };
        if matches!(self.transport, Transport::Tcp) && leftover.garbage > 0 {
            let why = format!("{} bytes came unasked", leftover.garbage);
            return Exchange::failed(Failure::OutOfStep(why), leftover);
        }
        let asked_at = Instant::now();
        let bytes = only_this_length.then_some(shape.bytes);
        self.wire.begin(Expected { unit, function: shape.function, bytes });
        let called = timeout(self.line_time(question) + pace.timeout, self.client().call(question)).await;
        let (raw, beside) = self.wire.end();
        let outcome = self.judge(question, called, &beside, raw.len(), read);
        leftover.add(beside);
        self.quiet_until = Instant::now() + self.silence(pace);
        self.settle(unit, shape, asked_at, pace, outcome.as_ref().err());
        Exchange { outcome, raw, leftover, took: self.quiet_until - asked_at }
    }

    /// Keeps the account of what units may still say.
    fn settle(&mut self, unit: u8, shape: Shape, asked_at: Instant, pace: Pace, failure: Option<&Failure>) {
        if matches!(self.transport, Transport::Tcp) {
            // A transaction number tells late answers apart, and the client that counts them stays.
            return;
        }
        let Some(failure) = failure else {
            self.debtors.remove(&unit);
            return;
        };
        if let Failure::Exception(_) = failure {
            let settled =
                self.debtors.get(&unit).is_none_or(|debt| debt.owed.is_empty() || asked_at >= debt.late_until);
            if settled {
                self.debtors.remove(&unit);
                return;
            }
        } else {
            self.client.0 = None;
        }
        let debt =
            self.debtors.entry(unit).or_insert(Debt { owed: Vec::new(), held_until: asked_at, late_until: asked_at });
        if debt.owed.len() >= usize::from(MOST_OWED) {
            debt.owed.remove(0);
        }
        debt.owed.push(shape);
        debt.late_until = asked_at + pace.longest;
        if matches!(failure, Failure::TimedOut | Failure::Exception(_)) {
            debt.held_until = debt.late_until;
        }
    }

    fn judge<T>(
        &self,
        question: Question,
        called: Result<tokio_modbus::Result<Response>, tokio::time::error::Elapsed>,
        beside: &Leftover,
        came: usize,
        read: impl FnOnce(Response) -> Option<T>,
    ) -> Result<T, Failure> {
        let rtu = matches!(self.transport, Transport::Rtu(_));
        match called {
            Ok(Ok(Ok(response))) => read(response).ok_or(Failure::Refused),
            Ok(Ok(Err(exception))) => Err(Failure::Exception(exception.into())),
            Ok(Err(Error::Protocol(mismatch))) => Err(Failure::OutOfStep(mismatch.to_string())),
            Ok(Err(Error::Transport(error))) if error.kind() == io::ErrorKind::InvalidData => {
                if rtu {
                    Err(Failure::Refused)
                } else {
                    Err(Failure::OutOfStep(error.to_string()))
                }
            }
            // The kind of any other error says nothing: tokio-modbus takes the last one of the
            // operating system for the end of a stream.
            Ok(Err(Error::Transport(error))) => Err(Failure::Lost { error, sent: true }),
            Err(_) if rtu => {
                // Bytes of other units are theirs; only what is left counts against this answer.
                let enough = beside.unfinished >= FRAME_CHARACTERS + shape(question).bytes;
                if beside.crc_failed || enough {
                    Err(Failure::Crc)
                } else if beside.unfinished > 0 || beside.garbage > 0 {
                    Err(Failure::Refused)
                } else {
                    Err(Failure::TimedOut)
                }
            }
            Err(_) if came > 0 => Err(Failure::OutOfStep(format!("the answer stopped after {came} bytes"))),
            Err(_) => Err(Failure::TimedOut),
        }
    }

    /// For how long the line must be silent after an answer of this unit.
    fn silence(&self, pace: Pace) -> Duration {
        match &self.transport {
            Transport::Rtu(line) => timing::silence(line.baud) + timing::turnaround(line, pace.turnaround),
            Transport::Tcp => Duration::ZERO,
        }
    }

    /// How long request and answer take on the wire: the time allowed is the instrument's own.
    fn line_time(&self, question: Question) -> Duration {
        let characters = match question {
            Question::Read(ask) => REQUEST_CHARACTERS + FRAME_CHARACTERS + plan::answer_bytes(ask.table, ask.count),
            Question::Identify { .. } => IDENTIFICATION_CHARACTERS,
            Question::Write { .. } => WRITE_CHARACTERS,
        };
        match &self.transport {
            Transport::Rtu(line) => timing::wire_time(line, characters),
            Transport::Tcp => Duration::ZERO,
        }
    }

    fn client(&mut self) -> &mut Client {
        if self.client.0.is_none() {
            let (wire, unit) = (self.wire.clone(), Slave(0));
            self.client.0 = Some(match self.transport {
                Transport::Rtu(_) => rtu::attach_slave(wire, unit),
                Transport::Tcp => tcp::attach_slave(wire, unit),
            });
        }
        &mut self.client
    }
}

impl Client {
    async fn call(&mut self, question: Question) -> tokio_modbus::Result<Response> {
        let Some(context) = &mut self.0 else {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        };
        context.set_slave(Slave(question.unit()));
        let request = match question {
            Question::Read(ask) => match ask.table {
                Table::Coil => Request::ReadCoils(ask.address, ask.count),
                Table::DiscreteInput => Request::ReadDiscreteInputs(ask.address, ask.count),
                Table::Holding => Request::ReadHoldingRegisters(ask.address, ask.count),
                Table::Input => Request::ReadInputRegisters(ask.address, ask.count),
            },
            Question::Identify { object, .. } => Request::ReadDeviceIdentification(ReadCode::Basic, object),
            Question::Write { address, content, .. } => match content {
                Written::Coil(on) => Request::WriteSingleCoil(address, on),
                Written::Coils { bits, count } => {
                    let coils: Vec<bool> = (0..count.min(16)).map(|at| bits >> at & 1 == 1).collect();
                    Request::WriteMultipleCoils(address, coils.into())
                }
                Written::Register(word) => Request::WriteSingleRegister(address, word),
                Written::Registers(word) => Request::WriteMultipleRegisters(address, vec![word].into()),
            },
        };
        context.call(request).await
    }
}

impl Question {
    const fn unit(self) -> u8 {
        match self {
            Self::Read(ask) => ask.unit,
            Self::Identify { unit, .. } | Self::Write { unit, .. } => unit,
        }
    }
}

impl Leftover {
    fn add(&mut self, other: Self) {
        self.strays.extend(other.strays);
        self.garbage += other.garbage;
        self.crc_failed |= other.crc_failed;
        self.unfinished += other.unfinished;
    }
}

impl Failure {
    /// The reason that stands in the readings.
    pub(super) const fn missing(&self) -> Missing {
        match self {
            Self::TimedOut => Missing::TimedOut,
            Self::Crc => Missing::CrcError,
            Self::Refused | Self::OutOfStep(_) => Missing::Refused,
            Self::Exception(code) => Missing::Exception(*code),
            Self::Lost { .. } => Missing::LineDown,
        }
    }
}

fn shape(question: Question) -> Shape {
    match question {
        Question::Read(ask) => {
            Shape { function: ask.table.read_function(), bytes: plan::answer_bytes(ask.table, ask.count) }
        }
        // Its length is the instrument's choice.
        Question::Identify { .. } => Shape { function: DEVICE_IDENTIFICATION, bytes: 0 },
        Question::Write { content, .. } => Shape { function: content.function(), bytes: WRITE_ANSWER_BYTES },
    }
}

/// Cells by which the answer to a probe grows by a length of its own.
const fn probe_step(table: Table) -> u16 {
    if table.is_bits() { 8 } else { 1 }
}

/// The registers of an answer, if it has the kind and the number asked for. tokio-modbus checks
/// neither in a release build.
fn words(ask: Ask, response: Response) -> Option<Vec<u16>> {
    let count = usize::from(ask.count);
    match (ask.table, response) {
        (Table::Coil, Response::ReadCoils(bits)) | (Table::DiscreteInput, Response::ReadDiscreteInputs(bits)) => {
            // Bits come in whole bytes.
            (bits.len() == count.next_multiple_of(8)).then(|| bits.into_iter().take(count).map(u16::from).collect())
        }
        (Table::Holding, Response::ReadHoldingRegisters(words))
        | (Table::Input, Response::ReadInputRegisters(words)) => (words.len() == count).then_some(words),
        _ => None,
    }
}

/// Whether the answer repeats what was written, as the standard has it.
fn done(address: u16, content: Written, response: &Response) -> Option<()> {
    let same = match (content, response) {
        (Written::Coil(on), Response::WriteSingleCoil(at, was)) => (*at, *was) == (address, on),
        (Written::Register(word), Response::WriteSingleRegister(at, was)) => (*at, *was) == (address, word),
        (Written::Coils { count, .. }, Response::WriteMultipleCoils(at, was)) => (*at, *was) == (address, count.into()),
        (Written::Registers(_), Response::WriteMultipleRegisters(at, was)) => (*at, *was) == (address, 1),
        _ => false,
    };
    same.then_some(())
}

/// The texts of an identification. The standard has them in ASCII; what is not UTF-8 is shown as far as
/// it can be.
fn objects(response: Response) -> Option<Objects> {
    let Response::ReadDeviceIdentification(ReadDeviceIdentificationResponse {
        more_follows,
        next_object_id,
        device_id_objects,
        ..
    }) = response
    else {
        return None;
    };
    let objects = device_id_objects.iter().map(|it| (it.id, String::from_utf8_lossy(&it.value).into_owned())).collect();
    Some(Objects { objects, next: more_follows.then_some(next_object_id) })
}

impl<T> Exchange<T> {
    fn failed(failure: Failure, leftover: Leftover) -> Self {
        Self { outcome: Err(failure), raw: Bytes::new(), leftover, took: Duration::ZERO }
    }

    /// The same exchange with something else made of its answer.
    pub(super) fn map<U>(self, make: impl FnOnce(T) -> U) -> Exchange<U> {
        Exchange { outcome: self.outcome.map(make), raw: self.raw, leftover: self.leftover, took: self.took }
    }
}

impl Exchange {
    /// The outcome of asking for nothing.
    pub(super) fn empty() -> Self {
        Self { outcome: Ok(Vec::new()), raw: Bytes::new(), leftover: Leftover::default(), took: Duration::ZERO }
    }
}
