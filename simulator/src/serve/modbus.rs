//! A Modbus TCP server over any stream, written from the application protocol V1.1b3 and the
//! messaging guide V1.0b.
//!
//! ```text
//! MBAP  transaction (2)  protocol = 0 (2)  length (2)  unit id (1)      then the PDU
//! ```
//!
//! Own and not a library's, because the wire faults of a scene (late, half, silent, flipped) are
//! about the bytes of one answer, and because a server that ends its service after line noise is no
//! instrument. Checks run in the order of the specification: function, quantity, address, execution.
//! The maps are read only: a bench is not operated from here, so writing is an illegal function. The one server that can
//! be written stands in `io_module.rs`.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::sleep,
};

use super::{node, registers::Image, stream::gone};
use crate::{scene::FaultKind, world::World};

pub(crate) const ILLEGAL_FUNCTION: u8 = 0x01;
pub(crate) const ILLEGAL_ADDRESS: u8 = 0x02;
pub(crate) const ILLEGAL_VALUE: u8 = 0x03;
/// Gateway target device failed to respond: what a TCP server says of a unit it does not have.
const NO_SUCH_UNIT: u8 = 0x0B;

/// Most registers and most bits one request may ask for.
const MOST_REGISTERS: u16 = 125;
const MOST_BITS: u16 = 2000;
/// Longest unit id and PDU that the length field may announce.
const LONGEST_BODY: usize = 254;
/// Conformity level of the identification: basic, single objects too.
const CONFORMITY: u8 = 0x81;

/// What one answer is made of: who is behind the server, and what its tables hold at this moment.
pub(crate) trait Tables {
    /// Whether this unit id is answered.
    fn is_here(&self, unit_id: u8) -> bool;
    /// Name of the product, for the identification.
    fn product(&self) -> &str;
    /// Most registers it answers at once; `None` when it has no tables.
    fn max_registers(&self) -> Option<u16>;
    /// The cells of the table that `function` reads, or the exception code.
    fn cells(&self, function: u8, address: u16, count: u16) -> Result<Vec<u16>, u8>;
}

/// One instrument of a world behind a server.
struct Server<'a> {
    world: &'a World,
    instrument: &'a str,
    unit_id: u8,
    product: &'a str,
}

/// An instrument of a world at one moment.
struct Present<'a> {
    server: &'a Server<'a>,
    now_ms: i64,
}

/// Answers for the gamma dose-rate monitor.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_gamma<S>(stream: S, world: Arc<World>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(gamma) = world.scene().gamma.clone() else {
        return Ok(());
    };
    let server = Server { world: &world, instrument: &gamma.id, unit_id: gamma.unit_id, product: "gamma monitor" };
    gone(server.serve(stream).await)
}

/// Answers for the node that the weighbridge's load cell goes to.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_node<S>(stream: S, world: Arc<World>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(scale) = world.scene().weighbridge.clone() else { return Ok(()) };
    let Some(node) = &scale.node else { return Ok(()) };
    let server = Server { world: &world, instrument: &scale.id, unit_id: node.unit_id, product: "instrument node" };
    gone(server.serve(stream).await)
}

/// Answers for the tyre drum.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_drum<S>(stream: S, world: Arc<World>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(drum) = world.scene().drum.clone() else {
        return Ok(());
    };
    let server = Server { world: &world, instrument: &drum.id, unit_id: drum.unit_id, product: "tyre drum" };
    gone(server.serve(stream).await)
}

/// Answers for a bench instrument with registers.
pub(super) async fn serve_registers<S>(stream: S, world: &World, instrument: &str) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(it) = world.station(instrument).map(|it| it.instrument) else {
        return Ok(());
    };
    let product = it.profile.as_deref().unwrap_or("bench");
    gone(Server { world, instrument, unit_id: it.unit_id, product }.serve(stream).await)
}

impl Server<'_> {
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) -> io::Result<()> {
        while let Some(request) = Request::read(&mut stream).await? {
            let now_ms = self.world.now_ms();
            let wire = self.world.wire(self.instrument, self.world.next_answer(), now_ms);
            if wire.hangup {
                return Ok(());
            }
            sleep(self.world.real(wire.delay_ms)).await;
            let frame = request.answered(&Present { server: self, now_ms });
            stream.write_all(&wire.carry(frame)).await?;
            stream.flush().await?;
        }
        Ok(())
    }
}

impl Tables for Present<'_> {
    fn is_here(&self, unit_id: u8) -> bool {
        [self.server.unit_id, u8::MAX, 0].contains(&unit_id)
    }

    fn product(&self) -> &str {
        self.server.product
    }

    fn max_registers(&self) -> Option<u16> {
        match self.server.world.node(self.server.instrument) {
            Some(_) => Some(MOST_REGISTERS),
            None => self.server.world.layout(self.server.instrument).map(|it| it.max_registers),
        }
    }

    fn cells(&self, function: u8, address: u16, count: u16) -> Result<Vec<u16>, u8> {
        let Server { world, instrument, .. } = *self.server;
        if let Some((_, fault)) = world.device_fault(instrument, FaultKind::Exception, self.now_ms) {
            return Err(fault.code);
        }
        if let Some(it) = world.node(instrument) {
            return node::cells(world, it, self.now_ms, (function, address, count));
        }
        let layout = world.layout(instrument).ok_or(ILLEGAL_FUNCTION)?;
        // A frozen instrument answers for ever with the moment at which its program stopped.
        let frozen = world.device_fault(instrument, FaultKind::Frozen, self.now_ms);
        let moment = frozen.map_or(self.now_ms, |(since, _)| since);
        Image::at(world, instrument, layout, moment).read(function, address, count).ok_or(ILLEGAL_ADDRESS)
    }
}

/// A request as it stood in its frame.
pub(crate) struct Request {
    transaction: [u8; 2],
    unit_id: u8,
    pdu: Vec<u8>,
}

impl Request {
    /// The next request of a connection; `None` when what comes is not Modbus, because what follows it cannot
    /// be cut into frames any more.
    pub(crate) async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<Self>> {
        let mut head = [0; 7];
        stream.read_exact(&mut head).await?;
        let [t0, t1, p0, p1, l0, l1, unit_id] = head;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if [p0, p1] != [0, 0] || !(2..=LONGEST_BODY).contains(&length) {
            return Ok(None);
        }
        let mut pdu = vec![0; length - 1];
        stream.read_exact(&mut pdu).await?;
        Ok(Some(Self { transaction: [t0, t1], unit_id, pdu }))
    }

    /// The frame that answers it.
    pub(crate) fn answered(&self, tables: &impl Tables) -> Vec<u8> {
        self.framed(&answer(tables, self.unit_id, &self.pdu))
    }

    /// Unit it is for.
    pub(crate) fn unit_id(&self) -> u8 {
        self.unit_id
    }

    /// Function and data.
    pub(crate) fn pdu(&self) -> &[u8] {
        &self.pdu
    }

    /// The frame around an answer to it.
    pub(crate) fn framed(&self, answer: &[u8]) -> Vec<u8> {
        let [l0, l1] = u16::try_from(answer.len() + 1).unwrap_or(u16::MAX).to_be_bytes();
        let [t0, t1] = self.transaction;
        let mut frame = vec![t0, t1, 0, 0, l0, l1, self.unit_id];
        frame.extend(answer);
        frame
    }
}

/// The PDU that answers a PDU.
pub(crate) fn answer(tables: &impl Tables, unit_id: u8, pdu: &[u8]) -> Vec<u8> {
    let Some((&function, data)) = pdu.split_first() else {
        return Vec::new();
    };
    let outcome = match function {
        _ if !tables.is_here(unit_id) => Err(NO_SUCH_UNIT),
        1..=4 => read(tables, function, data),
        0x2B => identify(tables.product(), data),
        _ => Err(ILLEGAL_FUNCTION),
    };
    match outcome {
        Ok(data) => [&[function], data.as_slice()].concat(),
        Err(code) => vec![function | 0x80, code],
    }
}

fn read(tables: &impl Tables, function: u8, data: &[u8]) -> Result<Vec<u8>, u8> {
    let &[a0, a1, c0, c1] = data else {
        return Err(ILLEGAL_VALUE);
    };
    let (address, count) = (u16::from_be_bytes([a0, a1]), u16::from_be_bytes([c0, c1]));
    let bits = function <= 2;
    if !(1..=if bits { MOST_BITS } else { MOST_REGISTERS }).contains(&count) {
        return Err(ILLEGAL_VALUE);
    }
    let most = tables.max_registers().ok_or(ILLEGAL_FUNCTION)?;
    if !bits && count > most {
        return Err(ILLEGAL_VALUE);
    }
    let words = tables.cells(function, address, count)?;
    let content: Vec<u8> = if bits {
        let bit = |at: usize, word: u16| u8::from(word != 0) << (at % 8);
        words.chunks(8).map(|eight| (0..).zip(eight).fold(0, |byte, (at, word)| byte | bit(at, *word))).collect()
    } else {
        words.iter().flat_map(|it| it.to_be_bytes()).collect()
    };
    let length = u8::try_from(content.len()).map_err(|_| ILLEGAL_VALUE)?;
    Ok([&[length], content.as_slice()].concat())
}

/// Read device identification, function 43 with MEI type 14.
fn identify(product: &str, data: &[u8]) -> Result<Vec<u8>, u8> {
    let &[mei, code, object] = data else {
        return Err(ILLEGAL_VALUE);
    };
    if mei != 0x0E {
        return Err(ILLEGAL_FUNCTION);
    }
    let objects = ["Tidewaiter simulator", product, env!("CARGO_PKG_VERSION")];
    let asked: Vec<(u8, &str)> = match code {
        // Only basic objects exist, so regular and extended streams are the basic one. An unknown
        // start is answered from the beginning.
        1..=3 => {
            let from = if usize::from(object) < objects.len() { object } else { 0 };
            (0..).zip(objects).filter(|(id, _)| *id >= from).collect()
        }
        4 => (0..).zip(objects).filter(|(id, _)| *id == object).collect(),
        _ => return Err(ILLEGAL_VALUE),
    };
    if asked.is_empty() {
        return Err(ILLEGAL_ADDRESS);
    }
    let count = u8::try_from(asked.len()).map_err(|_| ILLEGAL_VALUE)?;
    let mut answer = vec![mei, code, CONFORMITY, 0, 0, count];
    for (id, text) in asked {
        answer.extend([id, u8::try_from(text.len()).map_err(|_| ILLEGAL_VALUE)?]);
        answer.extend(text.bytes());
    }
    Ok(answer)
}
