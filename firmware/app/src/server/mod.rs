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
//! Frames are built and taken apart here: three shapes of request and four of reply. A server for all functions takes
//! 1.3 KiB of the node's 32; the tests hold this one against such a server, `rmodbus`.

mod identification;

use heapless::Vec;
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

/// Bytes of the reply to a reading before its registers: unit id, function, their count in bytes.
const READ_HEAD: usize = 3;

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
        let writes = matches!(function, WRITE_SINGLE | WRITE_MULTIPLE);
        if to_all && !(address.broadcast && writes) {
            return false;
        }
        let done = self.serve(address.unit, function, data, registers);
        if to_all {
            // Nobody is told when it fails: that is what a broadcast means.
            self.reply.clear();
            return false;
        }
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

    /// Serves what stands behind the unit id.
    fn serve(&mut self, unit: u8, function: u8, data: &[u8], registers: &mut impl Registers) -> Result<(), Exception> {
        let mut put = |bytes: &[u8]| self.reply.extend_from_slice(bytes).map_err(|_| Exception::Failure);
        match (function, data) {
            (READ_HOLDING | READ_INPUT, &[a1, a0, n1, n0]) => {
                let count = u16::from_be_bytes([n1, n0]);
                if !(1..=MAX_READ).contains(&count) {
                    return Err(Exception::Value);
                }
                let table = if function == READ_HOLDING { Table::Holding } else { Table::Input };
                let bytes = n0.wrapping_mul(2);
                put(&[unit, function, bytes])?;
                self.reply.resize(READ_HEAD + usize::from(bytes), 0).map_err(|_| Exception::Failure)?;
                let out = self.reply.get_mut(READ_HEAD..).unwrap_or_default();
                registers.read(table, u16::from_be_bytes([a1, a0]), out)?;
            }
            (WRITE_SINGLE, &[a1, a0, w1, w0]) => {
                registers.write(u16::from_be_bytes([a1, a0]), &[w1, w0])?;
                put(&[unit, function, a1, a0, w1, w0])?;
            }
            (WRITE_MULTIPLE, &[a1, a0, n1, n0, bytes, ref words @ ..]) => {
                let count = u16::from_be_bytes([n1, n0]);
                let whole = (1..=MAX_WRITE).contains(&count)
                    && u16::from(bytes) == count.wrapping_mul(2)
                    && usize::from(bytes) == words.len();
                if !whole {
                    return Err(Exception::Value);
                }
                registers.write(u16::from_be_bytes([a1, a0]), words)?;
                put(&[unit, function, a1, a0, n1, n0])?;
            }
            (ENCAPSULATED, [_, ..]) => identification::reply(data, &registers.identity(), unit, &mut self.reply)?,
            (READ_HOLDING | READ_INPUT | WRITE_SINGLE | WRITE_MULTIPLE | ENCAPSULATED, _) => {
                return Err(Exception::Value);
            }
            _ => return Err(Exception::Function),
        }
        close(&mut self.reply);
        Ok(())
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

#[cfg(test)]
mod tests;
