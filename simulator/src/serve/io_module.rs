//! The I/O module: a Modbus TCP server whose coils can be written.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    time::sleep,
};

use super::{
    modbus::{ILLEGAL_ADDRESS, ILLEGAL_VALUE, Request, Tables, answer},
    stream::gone,
};
use crate::world::{World, io::Module};

/// Answers for the I/O module.
///
/// # Errors
///
/// Those of the stream; its end is not one.
pub async fn serve_io_module<S>(stream: S, world: Arc<World>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    gone(serve(stream, &world).await)
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, world: &World) -> io::Result<()> {
    let (Some(setup), Some(module)) = (&world.scene().io_module, world.module()) else { return Ok(()) };
    while let Some(request) = Request::read(&mut stream).await? {
        let now_ms = world.now_ms();
        let wire = world.wire(&setup.id, world.next_answer(), now_ms);
        if wire.hangup {
            return Ok(());
        }
        sleep(world.real(wire.delay_ms)).await;
        let present = Present { module, unit_id: setup.unit_id, now_ms };
        let answered = request.framed(&present.answer(request.unit_id(), request.pdu()));
        stream.write_all(&wire.carry(answered)).await?;
        stream.flush().await?;
    }
    Ok(())
}

struct Present<'a> {
    module: &'a Module,
    unit_id: u8,
    now_ms: i64,
}

impl Tables for Present<'_> {
    fn is_here(&self, unit_id: u8) -> bool {
        [self.unit_id, u8::MAX, 0].contains(&unit_id)
    }

    fn product(&self) -> &'static str {
        "I/O module"
    }

    fn max_registers(&self) -> Option<u16> {
        Some(1)
    }

    fn cells(&self, function: u8, address: u16, count: u16) -> Result<Vec<u16>, u8> {
        match function {
            1 => self.module.coils(address, count, self.now_ms).ok_or(ILLEGAL_ADDRESS),
            3 => self.module.register(address, self.now_ms).map(|it| vec![it]).ok_or(ILLEGAL_ADDRESS),
            _ => Err(ILLEGAL_ADDRESS),
        }
    }
}

impl Present<'_> {
    fn answer(&self, unit_id: u8, pdu: &[u8]) -> Vec<u8> {
        let Some(written) = self.write(unit_id, pdu) else { return answer(self, unit_id, pdu) };
        match written {
            Ok(()) => pdu.iter().take(5).copied().collect(),
            Err(code) => vec![pdu.first().copied().unwrap_or_default() | 0x80, code],
        }
    }

    /// `None` for what is no write to this unit.
    fn write(&self, unit_id: u8, pdu: &[u8]) -> Option<Result<(), u8>> {
        let (&[function, a0, a1, v0, v1], content) = pdu.split_first_chunk()?;
        if !self.is_here(unit_id) || !matches!(function, 5 | 6 | 15 | 16) {
            return None;
        }
        let (address, value) = (u16::from_be_bytes([a0, a1]), u16::from_be_bytes([v0, v1]));
        let set = |address, value| self.module.write(function, address, value, self.now_ms).ok_or(ILLEGAL_ADDRESS);
        Some(match (function, content) {
            (5, []) if matches!(value, 0 | 0xFF00) => set(address, value),
            (6, []) => set(address, value),
            (15, [_, bytes @ ..]) if usize::from(value).div_ceil(8) == bytes.len() => {
                let bit = |at: u16| bytes.get(usize::from(at / 8)).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
                (0..value).try_for_each(|at| set(address.saturating_add(at), u16::from(bit(at))))
            }
            (16, [2, high, low]) if value == 1 => set(address, u16::from_be_bytes([*high, *low])),
            _ => Err(ILLEGAL_VALUE),
        })
    }
}
