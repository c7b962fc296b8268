//! One exchange on an open Modbus port: asks, waits, checks, and keeps the line in step.
//!
//! tokio-modbus encodes and decodes. What it leaves open is closed here: the silence between RTU
//! frames, input from before the request, the time allowed, the length of the answer, and answers
//! that come too late.
//!
//! After a request without an answer the unit is left alone until the slowest instrument on the line
//! would have answered; the others may be asked meanwhile, since what it might still say bears its
//! own unit id and is passed over. From then on it owes an answer, which may come at any later
//! moment. It is therefore first asked something of another length ([`Line::probe`]): an answer of
//! that length can only belong to that question, and since a unit answers in order, nothing older
//! can follow. Over TCP the connection is dropped instead, and nothing older can arrive on the new
//! one.

use std::{collections::BTreeMap, io, time::Duration};

use bytes::Bytes;
use tidewaiter_config::site::SerialLine;
use tidewaiter_drivers::{modbus::register::Table, reading::Missing};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_modbus::{
    Error, Request, Response, Slave,
    client::{Client as _, Context, rtu, tcp},
    slave::SlaveContext as _,
};

use super::wire::{Expected, Leftover, Wire};
use crate::acquire::{plan, port::PortStream, timing};

/// Most lengths of unanswered requests remembered per unit. The oldest is then as many breaker
/// pauses old, longer than any instrument keeps an answer.
const MOST_OWED: usize = 4;
/// Characters of a read request on RTU.
const REQUEST_CHARACTERS: usize = 8;
/// Characters of an RTU answer around its data.
const FRAME_CHARACTERS: usize = 5;

/// A request to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) unit: u8,
    pub(super) table: Table,
    pub(super) address: u16,
    pub(super) count: u16,
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
pub(super) struct Exchange {
    /// The registers asked for, or bits as 0 and 1, exactly as many as asked.
    pub(super) outcome: Result<Vec<u16>, Failure>,
    /// The answer, verbatim, as on the wire.
    pub(super) raw: Bytes,
    /// What came beside it, before and during.
    pub(super) leftover: Leftover,
}

/// The length by which a late answer is told from a fresh one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    function: u8,
    bytes: usize,
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
    transport: Transport,
    client: Client,
    /// Nobody speaks before this.
    quiet_until: Instant,
    /// Longest time allowed to any instrument on this line.
    slowest: Duration,
    /// Units that owe an answer.
    debtors: BTreeMap<u8, Debt>,
}

/// What a unit has been asked and not answered.
#[derive(Debug)]
struct Debt {
    owed: Vec<Shape>,
    /// It is not asked before this.
    held_until: Instant,
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
    pub(super) fn rtu(port: Box<dyn PortStream>, line: SerialLine, slowest: Duration) -> Self {
        Self::new(Wire::rtu(port), Transport::Rtu(line), slowest)
    }

    pub(super) fn tcp(port: Box<dyn PortStream>, slowest: Duration) -> Self {
        Self::new(Wire::tcp(port), Transport::Tcp, slowest)
    }

    fn new(wire: Wire, transport: Transport, slowest: Duration) -> Self {
        // Whoever held the line before us, an agent that crashed a moment ago included, may have left
        // a question open. Its answer comes now or not at all, and is drained before the first request.
        let left_open = match transport {
            Transport::Rtu(_) => slowest,
            Transport::Tcp => Duration::ZERO,
        };
        let quiet_until = Instant::now() + left_open;
        Self { wire, transport, client: Client(None), quiet_until, slowest, debtors: BTreeMap::new() }
    }

    /// When the first request can go out.
    pub(super) const fn ready_at(&self) -> Instant {
        self.quiet_until
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
        self.debtors.contains_key(&unit)
    }

    /// Whether a unit is left alone for now, because its late answer is still to be expected.
    pub(super) fn holds(&self, unit: u8, now: Instant) -> bool {
        self.debtors.get(&unit).is_some_and(|debt| now < debt.held_until)
    }

    /// Asks a unit that owes an answer for a length that none of its late answers can have.
    ///
    /// Any answer, an exception included, settles what it owed.
    pub(super) async fn probe(&mut self, like: Ask, allowed: Duration) -> Exchange {
        let step = if like.table.is_bits() { 8 } else { 1 };
        let owed = self.debtors.get(&like.unit).map_or(&[][..], |debt| &debt.owed);
        let fresh = (0..)
            .map(|index: u16| Ask { count: 1 + index * step, ..like })
            .take(MOST_OWED + 1)
            .find(|ask| !owed.contains(&shape(*ask)))
            .unwrap_or(Ask { count: 1, ..like });
        self.exchange(fresh, allowed, true).await
    }

    /// Reads one stretch of registers. The unit must not owe an answer.
    pub(super) async fn ask(&mut self, ask: Ask, allowed: Duration) -> Exchange {
        self.exchange(ask, allowed, false).await
    }

    async fn exchange(&mut self, ask: Ask, allowed: Duration, only_this_length: bool) -> Exchange {
        sleep_until(self.quiet_until).await;
        let mut leftover = match self.wire.drain().await {
            Ok(leftover) => leftover,
            Err(error) => {
                return Exchange {
                    outcome: Err(Failure::Lost { error, sent: false }),
                    raw: Bytes::new(),
                    leftover: Leftover::default(),
                };
            }
        };
        if matches!(self.transport, Transport::Tcp) && leftover.garbage > 0 {
            let why = format!("{} bytes came unasked", leftover.garbage);
            return Exchange { outcome: Err(Failure::OutOfStep(why)), raw: Bytes::new(), leftover };
        }
        let asked_at = Instant::now();
        let shape = shape(ask);
        self.wire.begin(Expected {
            unit: ask.unit,
            function: shape.function,
            bytes: only_this_length.then_some(shape.bytes),
        });
        let called = timeout(self.line_time(ask) + allowed, self.client().call_as(ask)).await;
        let (raw, beside) = self.wire.end();
        let outcome = self.judge(ask, called, &beside, raw.len());
        leftover.add(beside);
        self.rest();
        match &outcome {
            Ok(_) | Err(Failure::Exception(_)) => {
                self.debtors.remove(&ask.unit);
            }
            // A transaction number tells late answers apart, and the client that counts them stays.
            Err(_) if matches!(self.transport, Transport::Tcp) => {}
            Err(failure) => {
                self.client.0 = None;
                let debt = self.debtors.entry(ask.unit).or_insert(Debt { owed: Vec::new(), held_until: asked_at });
                if debt.owed.len() >= MOST_OWED {
                    debt.owed.remove(0);
                }
                debt.owed.push(shape);
                if matches!(failure, Failure::TimedOut) {
                    debt.held_until = asked_at + self.slowest;
                }
            }
        }
        Exchange { outcome, raw, leftover }
    }

    fn judge(
        &self,
        ask: Ask,
        called: Result<tokio_modbus::Result<Response>, tokio::time::error::Elapsed>,
        beside: &Leftover,
        came: usize,
    ) -> Result<Vec<u16>, Failure> {
        let rtu = matches!(self.transport, Transport::Rtu(_));
        match called {
            Ok(Ok(Ok(response))) => words(ask, response).ok_or(Failure::Refused),
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
                let enough = beside.unfinished >= FRAME_CHARACTERS + plan::answer_bytes(ask.table, ask.count);
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

    /// Keeps the line silent for as long as there must be between two frames.
    fn rest(&mut self) {
        let silence = match &self.transport {
            Transport::Rtu(line) => timing::silence(line.baud),
            Transport::Tcp => Duration::ZERO,
        };
        self.quiet_until = Instant::now() + silence;
    }

    /// How long request and answer take on the wire: the time allowed is the instrument's own.
    fn line_time(&self, ask: Ask) -> Duration {
        match &self.transport {
            Transport::Rtu(line) => timing::wire_time(
                line,
                REQUEST_CHARACTERS + FRAME_CHARACTERS + plan::answer_bytes(ask.table, ask.count),
            ),
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
    async fn call_as(&mut self, ask: Ask) -> tokio_modbus::Result<Response> {
        let Some(context) = &mut self.0 else {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        };
        context.set_slave(Slave(ask.unit));
        let request = match ask.table {
            Table::Coil => Request::ReadCoils(ask.address, ask.count),
            Table::DiscreteInput => Request::ReadDiscreteInputs(ask.address, ask.count),
            Table::Holding => Request::ReadHoldingRegisters(ask.address, ask.count),
            Table::Input => Request::ReadInputRegisters(ask.address, ask.count),
        };
        context.call(request).await
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

fn shape(ask: Ask) -> Shape {
    Shape { function: ask.table.read_function(), bytes: plan::answer_bytes(ask.table, ask.count) }
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

impl Exchange {
    /// The outcome of asking for nothing.
    pub(super) fn empty() -> Self {
        Self { outcome: Ok(Vec::new()), raw: Bytes::new(), leftover: Leftover::default() }
    }
}
