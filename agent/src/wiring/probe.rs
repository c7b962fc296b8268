//! Finds out what is at the other end of a port: listens first, then asks, and never writes.
//!
//! Asking means Modbus reads only: FC 43/14 (device identification), FC 03 and FC 04 of one register, and known
//! self-description markers. An answer with an exception proves a unit as well as a value does. On a serial line the
//! usual settings are tried one after the other; what was typed on the command line is not varied.
//!
//! ```text
//! for each setting: listen ─► something speaks: name it ─► next setting or done
//!                          └► silence: ask each unit id ─► what answered, and with what
//! ```

use std::{io, time::Duration};

use tidewaiter_config::site::{Link, Parity};
use tidewaiter_drivers::modbus::{pdu, register::Table, rtu, tcp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use super::{Fit, Listener, Target};
use crate::acquire::{Opener, PortStream};

/// Rates tried, the likeliest first.
const BAUDS: [u32; 6] = [9600, 19_200, 115_200, 4800, 38_400, 2400];
/// Formats tried: instruments mostly speak 8N1, Modbus RTU by its standard 8E1.
const FORMATS: [(u8, Parity, u8); 3] = [(8, Parity::None, 1), (8, Parity::Even, 1), (7, Parity::Even, 1)];
/// Registers where `SunSpec` devices carry their marker.
const SUNSPEC: [u16; 3] = [40_000, 0, 50_000];
/// Bytes of an answer at most: one Modbus ADU, and noise before it.
const ANSWER_BYTES: usize = 512;

/// How thoroughly.
#[derive(Clone, Debug)]
pub struct Effort {
    /// How long each setting is listened to before anything is asked.
    pub listen: Duration,
    /// How long an answer may take.
    pub answer: Duration,
    /// Unit ids asked.
    pub units: Vec<u8>,
    /// Only listen.
    pub quiet: bool,
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The port cannot be opened with a setting.
    NotOpen {
        /// The setting.
        target: Target,
        /// Why.
        why: String,
    },
    /// Something speaks unasked.
    Speaks {
        /// The setting.
        target: Target,
        /// Bytes heard.
        bytes: u64,
        /// What they may be, the best first; empty when nothing known fits.
        fits: Vec<Fit>,
    },
    /// A Modbus unit answers.
    Unit {
        /// The setting.
        target: Target,
        /// `modbus_tcp` or `modbus_rtu`.
        protocol: &'static str,
        /// Unit id.
        unit_id: u8,
        /// Device identification objects (vendor, product code, revision …), by object id.
        identity: Vec<(u8, String)>,
        /// Which kind of answer each question got, in words.
        answers: Vec<String>,
    },
    /// Nothing was heard and nothing answered.
    Silent {
        /// The setting.
        target: Target,
    },
}

impl Found {
    /// Whether this settles what is there.
    pub fn is_something(&self) -> bool {
        match self {
            Self::Unit { .. } => true,
            Self::Speaks { fits, .. } => fits.iter().any(|fit| fit.fits),
            Self::NotOpen { .. } | Self::Silent { .. } => false,
        }
    }
}

/// Tries every setting of a target; each finding goes to `tell` at once. Ends early once something is found that
/// settles it.
pub async fn probe(target: &Target, effort: &Effort, opener: &dyn Opener, mut tell: impl FnMut(Found)) {
    for setting in settings(target) {
        let mut settled = false;
        let mut note = |found: Found| {
            settled |= found.is_something();
            tell(found);
        };
        match opener.open(&setting.stream()).await {
            Err(why) => note(Found::NotOpen { target: setting.clone(), why: why.to_string() }),
            Ok(mut port) => one_setting(&setting, effort, port.as_mut(), &mut note).await,
        }
        if settled {
            return;
        }
    }
}

/// What is tried for a target: what was typed stays.
fn settings(target: &Target) -> Vec<Target> {
    match target {
        Target::Tcp { .. } => vec![target.clone()],
        Target::Serial { path, baud, format } => {
            let bauds = baud.map_or_else(|| BAUDS.to_vec(), |it| vec![it]);
            let formats = format.map_or_else(|| FORMATS.to_vec(), |it| vec![it]);
            let each = |baud: &u32| {
                let baud = *baud;
                let path = path.clone();
                formats
                    .iter()
                    .map(move |format| Target::Serial { path: path.clone(), baud: Some(baud), format: Some(*format) })
                    .collect::<Vec<_>>()
            };
            bauds.iter().flat_map(each).collect()
        }
    }
}

async fn one_setting(setting: &Target, effort: &Effort, port: &mut dyn PortStream, note: &mut impl FnMut(Found)) {
    let mut listener = Listener::default();
    let end = Instant::now() + effort.listen;
    let mut piece = [0; 1024];
    while let Ok(Ok(read)) = timeout_at(end, port.read(&mut piece)).await {
        if read == 0 {
            break;
        }
        listener.hear(piece.get(..read).unwrap_or_default(), |_| {});
    }
    if listener.bytes() > 0 {
        let fits = listener.fits();
        note(Found::Speaks { target: setting.clone(), bytes: listener.bytes(), fits });
        return;
    }
    if effort.quiet {
        note(Found::Silent { target: setting.clone() });
        return;
    }
    let mut silent = true;
    for &unit_id in &effort.units {
        let mut line = Line { port, link: setting.stream(), answer: effort.answer, transaction: 0 };
        match ask_unit(&mut line, unit_id).await {
            Ok(Some((identity, answers))) => {
                silent = false;
                let protocol = if matches!(setting, Target::Tcp { .. }) { "modbus_tcp" } else { "modbus_rtu" };
                note(Found::Unit { target: setting.clone(), protocol, unit_id, identity, answers });
            }
            Ok(None) => {}
            Err(why) => {
                note(Found::NotOpen { target: setting.clone(), why: why.to_string() });
                return;
            }
        }
    }
    if silent {
        note(Found::Silent { target: setting.clone() });
    }
}

/// Questions of one unit; `None` when none of them was answered.
async fn ask_unit(line: &mut Line<'_>, unit_id: u8) -> io::Result<Option<(Vec<(u8, String)>, Vec<String>)>> {
    let mut answers = Vec::new();
    let mut identity = Vec::new();
    if let Some(pdu) = line.ask(unit_id, &[0x2B, 0x0E, 0x01, 0x00]).await? {
        identity = identification(&pdu);
        answers.push(match exception(&pdu) {
            Some(code) => format!("FC 43/14: exception {code}"),
            None => format!("FC 43/14: {} objects", identity.len()),
        });
    }
    for (table, name) in [(Table::Holding, "FC 03"), (Table::Input, "FC 04")] {
        let Ok(request) = pdu::read_request(table, 0, 1) else { continue };
        if let Some(pdu) = line.ask(unit_id, &request).await? {
            answers.push(match (exception(&pdu), pdu::registers(&pdu, table, 1)) {
                (Some(code), _) => format!("{name} address 0: exception {code}"),
                (None, Ok(words)) => format!("{name} address 0: {}", words.first().copied().unwrap_or(0)),
                (None, Err(_)) => format!("{name} address 0: an answer that does not fit the question"),
            });
        }
    }
    if answers.is_empty() {
        return Ok(None);
    }
    for address in SUNSPEC {
        let Ok(request) = pdu::read_request(Table::Holding, address, 2) else { continue };
        let words = line.ask(unit_id, &request).await?.and_then(|pdu| pdu::registers(&pdu, Table::Holding, 2).ok());
        // `SunS` in two registers.
        if words.as_deref() == Some(&[0x5375, 0x6E53]) {
            answers.push(format!("SunSpec marker at {address}"));
            break;
        }
    }
    Ok(Some((identity, answers)))
}

fn exception(pdu: &[u8]) -> Option<u8> {
    match pdu {
        [function, code, ..] if function & 0x80 != 0 => Some(*code),
        _ => None,
    }
}

/// Objects of a device identification answer: `2B 0E code level more next count { id length text }…`.
fn identification(pdu: &[u8]) -> Vec<(u8, String)> {
    let [0x2B, 0x0E, _, _, _, _, count, objects @ ..] = pdu else { return Vec::new() };
    let mut rest = objects;
    let mut found = Vec::new();
    for _ in 0..*count {
        let [id, length, after @ ..] = rest else { break };
        let Some((text, more)) = after.split_at_checked(usize::from(*length)) else { break };
        found.push((*id, String::from_utf8_lossy(text).trim().to_owned()));
        rest = more;
    }
    found
}

/// A port with one question under way at a time.
struct Line<'a> {
    port: &'a mut dyn PortStream,
    link: Link,
    answer: Duration,
    transaction: u16,
}

impl Line<'_> {
    /// Sends one read request and waits for its answer; `None` when none came that belongs to it.
    async fn ask(&mut self, unit_id: u8, request: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let is_tcp = matches!(self.link, Link::Tcp { .. });
        self.port.discard_input()?;
        self.transaction = self.transaction.wrapping_add(1);
        let frame = if is_tcp {
            tcp::build(self.transaction, unit_id, request).map(|it| it.to_vec())
        } else {
            rtu::build(unit_id, request).map(|it| it.to_vec())
        };
        let Some(frame) = frame else { return Ok(None) };
        self.port.write_all(&frame).await?;
        self.port.flush().await?;
        let function = request.first().copied().unwrap_or(0);
        let end = Instant::now() + self.answer;
        let mut heard = Vec::new();
        let mut piece = [0; 256];
        while heard.len() < ANSWER_BYTES {
            match timeout_at(end, self.port.read(&mut piece)).await {
                Err(_) => break,
                Ok(Ok(0)) => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the other end closed the connection"));
                }
                Ok(Ok(read)) => heard.extend_from_slice(piece.get(..read).unwrap_or_default()),
                Ok(Err(why)) => return Err(why),
            }
            let found =
                if is_tcp { self.tcp_answer(&heard, unit_id, function) } else { rtu_answer(&heard, unit_id, function) };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn tcp_answer(&self, heard: &[u8], unit_id: u8, function: u8) -> Option<Vec<u8>> {
        let mut rest = heard;
        while let Ok(Some((adu, more))) = tcp::split(rest) {
            if adu.transaction == self.transaction
                && adu.unit_id == unit_id
                && adu.pdu.first().is_some_and(|it| it & 0x7F == function)
            {
                return Some(adu.pdu.to_vec());
            }
            rest = more;
        }
        None
    }
}

/// The first stretch of bytes that is a whole frame of this unit and function; an echo of the question is not, since
/// its function's answer has another shape or the next frame follows.
fn rtu_answer(heard: &[u8], unit_id: u8, function: u8) -> Option<Vec<u8>> {
    (0..heard.len()).find_map(|start| {
        let tail = heard.get(start..)?;
        (5..=tail.len()).rev().find_map(|length| {
            let adu = rtu::parse(tail.get(..length)?).ok()?;
            let [first, rest @ ..] = adu.pdu else { return None };
            let is_echo = function != 0x2B
                && *first == function
                && rest.first().is_some_and(|count| usize::from(*count) + 1 != rest.len());
            let is_question = function == 0x2B && rest.len() == 3;
            (adu.unit_id == unit_id && first & 0x7F == function && !is_echo && !is_question).then(|| adu.pdu.to_vec())
        })
    })
}
