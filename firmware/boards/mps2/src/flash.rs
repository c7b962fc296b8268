//! The flash that the board has not: a part of its PSRAM (16 MiB at 0x21000000, Arm DAI 0385) that keeps to the rules of a
//! NOR flash. Erasing sets every bit of a unit and takes a while; writing clears bits, word by word, and nothing else.
//!
//! QEMU loads programs anew at a reset and leaves this memory alone; with `firmware/qemu --flash` it is a file, which a
//! cut of power does not touch.
//!
//! | from | bytes | what |
//! |---|---|---|
//! | 0x21000000 | 40 KiB | active: the image that runs, where it lies |
//! | 0x2100A000 | 44 KiB | images: the update, and room to swap |
//! | 0x21015000 | 8 KiB | state of the loader |

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

use crate::watchdog;

/// Bytes erased at once.
const UNIT: u32 = 4096;
const WORD: usize = 4;
/// Cycles of an erase; on QEMU some tens of milliseconds, as a chip takes.
const ERASE_CYCLES: u32 = 16_000_000;

/// A partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partition {
    pub(crate) base: u32,
    bytes: u32,
}

pub(crate) const ACTIVE: Partition = Partition { base: 0x2100_0000, bytes: 10 * UNIT };
pub(crate) const IMAGES: Partition = Partition { base: 0x2100_A000, bytes: 11 * UNIT };
pub(crate) const STATE: Partition = Partition { base: 0x2101_5000, bytes: 2 * UNIT };

impl Partition {
    /// Address of bytes within.
    fn place(self, offset: u32, bytes: usize) -> Result<u32, NorFlashErrorKind> {
        let inside = (offset as usize).checked_add(bytes).is_some_and(|end| end <= self.bytes as usize);
        if inside { Ok(self.base + offset) } else { Err(NorFlashErrorKind::OutOfBounds) }
    }
}

#[allow(unsafe_code, reason = "the memory is an address outside every object")]
fn word(at: u32) -> u32 {
    // SAFETY: `Partition::place` has found the address within a partition, and words are written on their boundary.
    unsafe { (at as *const u32).read_volatile() }
}

#[allow(unsafe_code, reason = "the memory is an address outside every object")]
fn put(at: u32, word: u32) {
    // SAFETY: as in `word`; no object of this program lies in a partition but, in the active one, its own code, which
    // the loader alone writes.
    unsafe { (at as *mut u32).write_volatile(word) }
}

#[allow(unsafe_code, reason = "the memory is an address outside every object")]
fn copy(from: u32, to: &mut [u8]) {
    // SAFETY: `Partition::place` has found so many bytes within a partition.
    unsafe { core::ptr::copy_nonoverlapping(from as *const u8, to.as_mut_ptr(), to.len()) }
}

impl ErrorType for Partition {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Partition {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        copy(self.place(offset, bytes.len())?, bytes);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes as usize
    }
}

impl NorFlash for Partition {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = UNIT as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let mut at = self.place(from, to.wrapping_sub(from) as usize)?;
        let end = self.base + to;
        while at < end {
            if at % UNIT == 0 {
                watchdog::feed();
                cortex_m::asm::delay(ERASE_CYCLES);
            }
            put(at, u32::MAX);
            at += 4;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let mut at = self.place(offset, bytes.len())?;
        watchdog::feed();
        for new in bytes.as_chunks::<WORD>().0 {
            put(at, word(at) & u32::from_le_bytes(*new));
            at += 4;
        }
        Ok(())
    }
}
