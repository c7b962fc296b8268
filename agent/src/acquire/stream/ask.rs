//! A port whose instruments speak only when asked: one question at a time, its answer or the reason
//! there is none.
//!
//! ```text
//! due ─► drain what came unasked ─► send ─► wait for the answer to this question ─► next question
//!                                    ▲            │ time-out or damaged
//!                                    └────────────┘ at most TRIES times
//! ```
//!
//! What does not answer the question put last is thrown away and counted as a late reply. When an
//! instrument has left [`TRIES`] questions in a row unanswered, its link counts as down, and it is asked
//! only once a poll until it answers. Nothing is ever sent but the questions of the protocol, which
//! read and change nothing.

use std::{io, time::Duration};

use bytes::Bytes;
use tidewaiter_drivers::reading::{Missing, Moment};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{
    CHUNK_BYTES, SEND_TIMEOUT, Stream,
    codec::Beginning,
    ear::{Ear, Heard},
};
use crate::acquire::{
    Content, LinkState,
    counters::Tally,
    outlet::{Closed, Outlet},
    port::PortStream,
};

/// Attempts at one question, and unanswered questions in a row that make a link fault.
pub(super) const TRIES: u8 = 3;

/// Pause before a question is put again, so that the tail of a damaged answer is gone: 50 ms are what
/// slow meters need between two commands.
const TURNAROUND: Duration = Duration::from_millis(50);

/// Unanswered time of all instruments of a port after which it is opened again: a serial server that
/// lost its power leaves a connection that looks alive for a quarter of an hour.
const REOPEN_AFTER: Duration = Duration::from_secs(30);

/// What an instrument is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The questions of one poll, in their order.
    pub(super) questions: Vec<Question>,
    /// Time from one poll to the next.
    pub(super) poll: Duration,
    /// Longest wait for an answer.
    pub(super) timeout: Duration,
    /// The line brings every question back before its answer.
    pub(super) echo: bool,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The bytes to send.
    pub(super) bytes: Vec<u8>,
    /// Frames that one answer has.
    pub(super) frames: u8,
}

/// How the asking of one instrument stands.
#[derive(Debug)]
pub(super) struct Asking {
    due: Instant,
    unanswered: u8,
    /// What was last said about the instrument's link.
    pub(super) said: Option<LinkState>,
    /// Since when nothing has answered.
    silent_since: Instant,
}

impl Asking {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { due: now, unanswered: 0, said: None, silent_since: now }
    }
}

/// The port is gone.
struct Lost(io::Error);

/// Why a question has no answer.
enum NoAnswer {
    Lost(Lost),
    Closed(Closed),
    Missing(Missing, Bytes),
}

impl From<Closed> for NoAnswer {
    fn from(closed: Closed) -> Self {
        Self::Closed(closed)
    }
}

impl Stream {
    /// Asks until the port is lost or has to be opened again; says whether anything answered.
    pub(super) async fn ask(&mut self, mut port: Box<dyn PortStream>) -> Result<bool, Closed> {
        let mut fruitful = false;
        let opened = Instant::now();
        for ear in &mut self.ears {
            if let Some((_, asking)) = &mut ear.asked {
                asking.due = opened;
                asking.silent_since = opened;
            }
        }
        loop {
            let next = self.ears.iter().enumerate().filter_map(|(index, ear)| Some((ear.asked.as_ref()?.1.due, index)));
            let Some((due, index)) = next.min() else { return Ok(fruitful) };
            let Some(ear) = self.ears.get_mut(index) else { return Ok(fruitful) };
            if let Err(Lost(error)) = idle(&self.outlet, ear, &mut port, due).await {
                tracing::warn!(port = %self.port.id, %error, "port lost");
                return Ok(fruitful);
            }
            match poll(&self.outlet, ear, &mut port).await {
                Ok(answered) => fruitful |= answered,
                Err(NoAnswer::Closed(closed)) => return Err(closed),
                Err(NoAnswer::Lost(Lost(error))) => {
                    tracing::warn!(port = %self.port.id, %error, "port lost");
                    return Ok(fruitful);
                }
                Err(NoAnswer::Missing(..)) => {}
            }
            let now = Instant::now();
            let given_up = self
                .ears
                .iter()
                .filter_map(|ear| ear.asked.as_ref())
                .all(|(_, asking)| asking.unanswered >= TRIES && now >= asking.silent_since + REOPEN_AFTER);
            if given_up {
                tracing::warn!(port = %self.port.id, "nothing answers; opening the port again");
                return Ok(false);
            }
        }
    }
}

/// Waits until something is due. What comes meanwhile was not asked for.
async fn idle(outlet: &Outlet, ear: &mut Ear, port: &mut Box<dyn PortStream>, due: Instant) -> Result<(), Lost> {
    let mut chunk = [0; CHUNK_BYTES];
    while Instant::now() < due {
        match timeout_at(due, port.read(&mut chunk)).await {
            Err(_) => return Ok(()),
            Ok(Ok(0)) => return Err(Lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(Ok(count)) => late(outlet, ear, chunk.get(..count).unwrap_or_default()),
            Ok(Err(error)) => return Err(Lost(error)),
        }
    }
    Ok(())
}

/// Puts all questions of one instrument; says whether all were answered.
async fn poll(outlet: &Outlet, ear: &mut Ear, port: &mut Box<dyn PortStream>) -> Result<bool, NoAnswer> {
    let Some((plan, asking)) = &ear.asked else { return Ok(false) };
    let (plan, down) = (plan.clone(), asking.unanswered >= TRIES);
    let tries = if down { 1 } else { TRIES };
    let started = Instant::now();
    let mut missing = None;
    for (number, question) in plan.questions.iter().enumerate() {
        match put(outlet, ear, port, &plan, (number, question), tries).await {
            Ok(pieces) => {
                ear.answered(outlet).await?;
                for Piece { at, raw, contents } in pieces {
                    for content in contents {
                        outlet.send(ear.instrument(), at, raw.clone(), content).await?;
                    }
                }
            }
            Err(NoAnswer::Missing(reason, raw)) => {
                missing = Some((reason, raw));
                break;
            }
            Err(other) => return Err(other),
        }
    }
    let Some((_, asking)) = &mut ear.asked else { return Ok(false) };
    // Polls that fell due meanwhile are skipped, not made up for.
    let now = Instant::now();
    asking.due = started + plan.poll;
    while asking.due <= now {
        asking.due += plan.poll;
    }
    let Some((reason, raw)) = missing else { return Ok(true) };
    ear.unanswered(outlet, tries, reason, raw).await?;
    Ok(false)
}

impl Ear {
    async fn answered(&mut self, outlet: &Outlet) -> Result<(), Closed> {
        let Some((_, asking)) = &mut self.asked else { return Ok(()) };
        asking.unanswered = 0;
        asking.silent_since = Instant::now();
        if asking.said != Some(LinkState::Up) {
            asking.said = Some(LinkState::Up);
            outlet.link(self.instrument(), LinkState::Up).await?;
        }
        Ok(())
    }

    /// Reports a poll without an answer; damaged answers are no sign of a dead link.
    async fn unanswered(&mut self, outlet: &Outlet, tries: u8, reason: Missing, raw: Bytes) -> Result<(), Closed> {
        let Some((_, asking)) = &mut self.asked else { return Ok(()) };
        if reason != Missing::TimedOut {
            asking.unanswered = 0;
            asking.silent_since = Instant::now();
            return outlet.missing(self.instrument(), reason, raw).await;
        }
        asking.unanswered = asking.unanswered.saturating_add(tries).min(TRIES);
        if asking.unanswered < TRIES || asking.said == Some(LinkState::Down) {
            let reason = if asking.said == Some(LinkState::Down) { Missing::LineDown } else { reason };
            return outlet.missing(self.instrument(), reason, raw).await;
        }
        asking.said = Some(LinkState::Down);
        outlet.missing(self.instrument(), reason, raw).await?;
        let instrument = self.instrument().clone();
        outlet.send(&instrument, outlet.now(), Bytes::new(), Content::Link(LinkState::Down)).await
    }
}

/// Puts one question, again when its answer does not come or is damaged.
async fn put(
    outlet: &Outlet,
    ear: &mut Ear,
    port: &mut Box<dyn PortStream>,
    plan: &Plan,
    (number, question): (usize, &Question),
    tries: u8,
) -> Result<Vec<Piece>, NoAnswer> {
    let mut reason = (Missing::TimedOut, Bytes::new());
    for attempt in 0..tries {
        if attempt > 0 {
            sleep_until(Instant::now() + TURNAROUND).await;
        }
        drain(outlet, ear, port).await.map_err(NoAnswer::Lost)?;
        ear.begin(Beginning::Answer(number));
        send(port, &question.bytes).await.map_err(NoAnswer::Lost)?;
        match answer(outlet, ear, port, plan, question).await {
            Err(NoAnswer::Missing(found, raw)) => {
                // A damaged answer says more than the silence of another attempt.
                if found != Missing::TimedOut || reason.0 == Missing::TimedOut {
                    reason = (found, raw);
                }
            }
            Ok(pieces) => return Ok(pieces),
            Err(other) => return Err(other),
        }
    }
    Err(NoAnswer::Missing(reason.0, reason.1))
}

async fn send(port: &mut Box<dyn PortStream>, bytes: &[u8]) -> Result<(), Lost> {
    let sent = timeout(SEND_TIMEOUT, async {
        port.write_all(bytes).await?;
        port.flush().await
    });
    sent.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(Lost)
}

/// Throws away what has come since the last answer.
async fn drain(outlet: &Outlet, ear: &mut Ear, port: &mut Box<dyn PortStream>) -> Result<(), Lost> {
    let mut chunk = [0; CHUNK_BYTES];
    // Bounded: a port that never stops sending is no port for questions, and its answers are found or not.
    for _ in 0..TRIES {
        match timeout_at(Instant::now(), port.read(&mut chunk)).await {
            Err(_) => return Ok(()),
            Ok(Ok(0)) => return Err(Lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(Ok(count)) => late(outlet, ear, chunk.get(..count).unwrap_or_default()),
            Ok(Err(error)) => return Err(Lost(error)),
        }
    }
    port.discard_input().map_err(Lost)
}

/// Counts bytes that answer nothing any more.
fn late(outlet: &Outlet, ear: &mut Ear, bytes: &[u8]) {
    let at = outlet.now();
    let mut frames = 0;
    for &byte in bytes {
        if let Some(Heard::Said(_)) = ear.push(byte, at, Instant::now()) {
            frames += 1;
        }
    }
    outlet.count(ear.instrument(), |tally| {
        if frames > 0 {
            tally.late_replies(frames);
        } else {
            tally.garbage(bytes.len() as u64);
        }
    });
}

/// One frame of an answer.
struct Piece {
    at: Moment,
    raw: Bytes,
    contents: Vec<Content>,
}

/// Waits for the answer to the question just sent. Its frames are handed on only when all are there, so
/// that a question put again tells nothing twice.
async fn answer(
    outlet: &Outlet,
    ear: &mut Ear,
    port: &mut Box<dyn PortStream>,
    plan: &Plan,
    question: &Question,
) -> Result<Vec<Piece>, NoAnswer> {
    let deadline = Instant::now() + plan.timeout;
    let wanted = usize::from(question.frames.max(1));
    let mut chunk = [0; CHUNK_BYTES];
    let mut echo = Echo::new(if plan.echo { &question.bytes } else { &[] });
    let mut pieces = Vec::with_capacity(wanted);
    let mut damaged = (Missing::TimedOut, Bytes::new());
    loop {
        let count = match timeout_at(deadline, port.read(&mut chunk)).await {
            Err(_) => return Err(NoAnswer::Missing(damaged.0, damaged.1)),
            Ok(Ok(0)) => return Err(NoAnswer::Lost(Lost(io::ErrorKind::UnexpectedEof.into()))),
            Ok(Ok(count)) => count,
            Ok(Err(error)) => return Err(NoAnswer::Lost(Lost(error))),
        };
        let at = outlet.now();
        let came = chunk.get(..count).unwrap_or_default();
        for byte in came.iter().flat_map(|&byte| echo.pass(byte)) {
            match ear.push(byte, at, Instant::now()) {
                None => {}
                Some(Heard::Said(said)) if !said.answers => {
                    outlet.count(ear.instrument(), |tally| tally.late_replies(1));
                }
                Some(Heard::Said(said)) => {
                    pieces.push(Piece { at, raw: ear.evidence(), contents: said.contents });
                }
                Some(Heard::Refused(refusal)) => {
                    outlet.count(ear.instrument(), Tally::frame_refused);
                    damaged = (refusal.into(), ear.evidence());
                }
                Some(Heard::Garbage(bytes)) => outlet.count(ear.instrument(), |tally| tally.garbage(bytes.into())),
            }
            if pieces.len() == wanted {
                return Ok(pieces);
            }
        }
        // Noise that never pauses must not keep the time-out from being noticed.
        if Instant::now() >= deadline {
            return Err(NoAnswer::Missing(damaged.0, damaged.1));
        }
    }
}

/// Holds back the question as the line brings it back; anything else passes in its order.
struct Echo<'q> {
    expected: &'q [u8],
    matched: usize,
}

impl<'q> Echo<'q> {
    const fn new(expected: &'q [u8]) -> Self {
        Self { expected, matched: 0 }
    }

    /// The bytes that are no echo.
    fn pass(&mut self, byte: u8) -> Vec<u8> {
        match self.expected.get(self.matched) {
            Some(expected) if *expected == byte => {
                self.matched += 1;
                Vec::new()
            }
            // Not an echo after all: what was held back belongs to the answer.
            Some(_) => {
                let mut held: Vec<u8> = self.expected.get(..self.matched).unwrap_or_default().to_vec();
                held.push(byte);
                self.expected = &[];
                self.matched = 0;
                held
            }
            None => vec![byte],
        }
    }
}

#[cfg(test)]
mod echo_tests {
    use super::*;

    #[test]
    fn an_echo_is_dropped_and_nothing_else() {
        let pass = |expected: &[u8], came: &[u8]| {
            let mut echo = Echo::new(expected);
            came.iter().flat_map(|&byte| echo.pass(byte)).collect::<Vec<u8>>()
        };
        assert_eq!(pass(b"SI\r\n", b"SI\r\nS S 1 g\r\n"), b"S S 1 g\r\n");
        assert_eq!(pass(b"SI\r\n", b"S S 1 g\r\n"), b"S S 1 g\r\n");
        assert_eq!(pass(b"", b"S S"), b"S S");
        assert_eq!(pass(b"SI", b"SISI"), b"SI");
    }
}
