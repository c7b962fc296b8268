//! Modbus requests to replies.
//!
//! In comes a frame whose CRC holds, out goes the frame to send, if any. Functions 03, 04, 06, 16 and 43/14 (MODBUS
//! Application Protocol V1.1b3, chapter 6); what the registers are is [`Registers`]' business.
//!
//! | request | answer |
//! |---|---|
//! | for another unit | none; counted |
//! | broadcast (unit 0) | none; writes are obeyed where that is configured, everything else is ignored |
//! | another function | exception 01 |
//! | registers that are not there, or not to be read or written so | exception 02 |
//! | a count of 0 or beyond the limit, lengths that contradict each other, a value out of range | exception 03 |
//! | what the store refuses | exception 04 |
//! | what has to wait until flash is erased | exception 06 |
//!
//! Frames are built and taken apart by `rmodbus`. Its two deviations are guarded here: a count of zero gets exception
//! 03 and no empty reply, and a function 16 whose lengths contradict each other gets 03; a frame reaches it only
//! when its length is exactly that of its function, so none of its additions can run over.

mod identification;

use heapless::Vec;
use rmodbus::{
    ErrorKind, ModbusProto,
    server::{ModbusFrame, Read, Write},
};
use tidewaiter_drivers::modbus::rtu::{self, MAX_ADU_BYTES};

pub use identification::Identity;

use crate::line::count;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exception {
    /// The function is not served.
    Function = 1,
    /// The registers are not there, or cannot be read or written so.
    Address = 2,
    /// A value or a length is wrong.
    Value = 3,
    /// It could not be done.
    Failure = 4,
    /// It can be done later; ask again.
    Busy = 6,
}

impl From<Exception> for ErrorKind {
    fn from(exception: Exception) -> Self {
        match exception {
            Exception::Function => Self::IllegalFunction,
            Exception::Address => Self::IllegalDataAddress,
            Exception::Value => Self::IllegalDataValue,
            Exception::Failure => Self::SlaveDeviceFailure,
            Exception::Busy => Self::SlaveDeviceBusy,
        }
    }
}

/// The two tables of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Read with function 04.
    Input,
    /// Read with function 03, written with 06 and 16.
    Holding,
}

/// What stands behind the registers.
pub trait Registers {
    /// Writes the registers from `address` on into `out`, two bytes each; its length says how many.
    ///
    /// # Errors
    ///
    /// Refuses as a whole: what is in `out` then does not matter.
    fn read(&mut self, table: Table, address: u16, out: &mut [u8]) -> Result<(), Exception>;

    /// Takes the holding registers from `address` on, two bytes each. Returns when it lasts.
    ///
    /// # Errors
    ///
    /// Refuses as a whole: then nothing has changed.
    fn write(&mut self, address: u16, words: &[u8]) -> Result<(), Exception>;

    /// What function 43/14 tells.
    fn identity(&self) -> Identity<'_>;
}

/// What passed, each counter staying at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames for this unit or for all.
    pub frames: u32,
    /// Replies, exceptions among them.
    pub replies: u32,
    /// Exceptions.
    pub exceptions: u32,
    /// Frames of other units: requests to them, and their replies.
    pub others: u32,
}

/// Whom a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its unit id, 1 to 247.
    pub unit: u8,
    /// Whether it obeys writes to all.
    pub broadcast: bool,
}

const READ_HOLDING: u8 = 0x03;
const READ_INPUT: u8 = 0x04;
const WRITE_SINGLE: u8 = 0x06;
const WRITE_MULTIPLE: u8 = 0x10;
const ENCAPSULATED: u8 = 0x2B;

const MAX_READ: u16 = 125;
const MAX_WRITE: u16 = 123;

/// The server: one reply and what it counted.
#[derive(Debug, Default)]
pub struct Server {
    reply: Vec<u8, MAX_ADU_BYTES>,
    /// What passed.
    pub counts: Counts,
}

impl Server {
    /// A server that has seen nothing.
    pub const fn new() -> Self {
        Self { reply: Vec::new(), counts: Counts { frames: 0, replies: 0, exceptions: 0, others: 0 } }
    }

    /// Deals with a frame whose CRC holds; says whether there is a [`Self::reply`].
    pub fn take(&mut self, frame: &[u8], address: Address, registers: &mut impl Registers) -> bool {
        self.reply.clear();
        let Ok(adu) = rtu::parse(frame) else { return false };
        let to_all = adu.unit_id == 0;
        if !to_all && adu.unit_id != address.unit {
            count(&mut self.counts.others);
            return false;
        }
        count(&mut self.counts.frames);
        let Some((&function, data)) = adu.pdu.split_first() else { return false };
        let sound = check(function, data);
        if to_all {
            if address.broadcast && sound.is_ok() && matches!(function, WRITE_SINGLE | WRITE_MULTIPLE) {
                // Nobody is told when it fails: that is what a broadcast means.
                let _ = self.pass_on(frame, adu.unit_id, registers);
                self.reply.clear();
            }
            return false;
        }
        let done = match sound {
            Ok(()) if function == ENCAPSULATED => {
                identification::reply(data, &registers.identity(), address.unit, &mut self.reply)
            }
            Ok(()) => self.pass_on(frame, adu.unit_id, registers),
            Err(exception) => Err(exception),
        };
        if let Err(exception) = done {
            self.refuse(address.unit, function, exception);
        }
        if self.reply.get(1).is_some_and(|function| function & 0x80 != 0) {
            count(&mut self.counts.exceptions);
        }
        count(&mut self.counts.replies);
        true
    }

    /// The last reply.
    pub fn reply(&self) -> &[u8] {
        &self.reply
    }

    /// Lets the library serve a frame for `unit`, which is the one in it. The reply to all is the caller's to drop: units to
    /// listen for beside the own one would bring the library's search for them along.
    fn pass_on(&mut self, frame: &[u8], unit: u8, registers: &mut impl Registers) -> Result<(), Exception> {
        let mut modbus = ModbusFrame::new(unit, frame, ModbusProto::Rtu, &mut self.reply);
        // Nothing below fails for a frame that passed `check`; if it did, the client had better know.
        let failed = |_| Exception::Failure;
        modbus.parse().map_err(failed)?;
        if modbus.processing_required {
            if modbus.readonly {
                let table = if frame.get(1) == Some(&READ_HOLDING) { Table::Holding } else { Table::Input };
                let read = match modbus.get_external_read().map_err(failed)? {
                    Read::Words(words) => registers.read(table, words.address, words.buf),
                    Read::Bits(_) => Err(Exception::Function),
                };
                modbus.process_external_read(read.map_err(Into::into)).map_err(failed)?;
            } else {
                let written = match modbus.get_external_write().map_err(failed)? {
                    Write::Words(words) => registers.write(words.address, words.data),
                    Write::Bits(_) => Err(Exception::Function),
                };
                modbus.process_external_write(written.map_err(Into::into)).map_err(failed)?;
            }
        }
        if modbus.response_required { modbus.finalize_response().map_err(failed) } else { Ok(()) }
    }

    fn refuse(&mut self, unit: u8, function: u8, exception: Exception) {
        self.reply.clear();
        // Five bytes: they fit.
        let _ = self.reply.extend_from_slice(&[unit, function | 0x80, exception as u8]);
        close(&mut self.reply);
    }
}

/// Puts the CRC behind a reply.
fn close(reply: &mut Vec<u8, MAX_ADU_BYTES>) {
    let crc = rtu::crc16(reply).to_le_bytes();
    // Callers leave room for it.
    let _ = reply.extend_from_slice(&crc);
}

/// Whether the data behind a function code has the shape of the function.
fn check(function: u8, data: &[u8]) -> Result<(), Exception> {
    let fits = match (function, data) {
        (READ_HOLDING | READ_INPUT, &[_, _, high, low]) => (1..=MAX_READ).contains(&u16::from_be_bytes([high, low])),
        (WRITE_SINGLE, [_, _, _, _]) | (ENCAPSULATED, [_, ..]) => true,
        (WRITE_MULTIPLE, &[_, _, high, low, bytes, ref words @ ..]) => {
            let registers = u16::from_be_bytes([high, low]);
            (1..=MAX_WRITE).contains(&registers)
                && u16::from(bytes) == registers.wrapping_mul(2)
                && usize::from(bytes) == words.len()
        }
        (READ_HOLDING | READ_INPUT | WRITE_SINGLE | WRITE_MULTIPLE | ENCAPSULATED, _) => false,
        _ => return Err(Exception::Function),
    };
    if fits { Ok(()) } else { Err(Exception::Value) }
}

#[cfg(test)]
mod tests;
