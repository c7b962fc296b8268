//! Flash of the STM32F446 (RM0390, 3): partitions of whole sectors.
//!
//! | sector | from | bytes | what |
//! |---|---|---|---|
//! | 0 | 0x08000000 | 16 KiB | boot loader |
//! | 1, 2 | 0x08004000 | 32 KiB | its state |
//! | 5 | 0x08020000 | 128 KiB | active: the image that runs, where it lies |
//! | 6, 7 | 0x08040000 | 256 KiB | images: the update, and room to swap |
//!
//! There is one bank: while a sector of 128 KiB is erased, one or two seconds, nothing can be fetched from it. The few
//! instructions that wait lie in RAM and feed the watchdog; bytes of the bus are lost meanwhile, and are asked for again.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

const FLASH: usize = 0x4002_3C00;
const KEY: usize = FLASH + 0x04;
const STATUS: usize = FLASH + 0x0C;
const CONTROL: usize = FLASH + 0x10;
const WATCHDOG_KEY: usize = 0x4000_3000;
/// Feeds the watchdog.
const FOOD: u32 = 0xAAAA;
/// What opens the control register.
const KEYS: [u32; 2] = [0x4567_0123, 0xCDEF_89AB];
/// Bits of the status register: what may have gone wrong, and that something goes on.
const WRONG: u32 = 0b1_1111_0010;
const BUSY: u32 = 1 << 16;
/// Bits of the control register. Words of 32 bits want 2.7 V and more, which the chip has.
const PROGRAM: u32 = 1;
const ERASE: u32 = 1 << 1;
const WORDS: u32 = 0b10 << 8;
const START: u32 = 1 << 16;
const LOCK: u32 = 1 << 31;
const WORD: usize = 4;
/// Bytes of a sector of the state, and of those of images.
const SMALL: usize = 16 * 1024;
const LARGE: usize = 128 * 1024;

/// A partition of sectors of so many bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partition<const SECTOR: usize> {
    pub(crate) base: u32,
    bytes: u32,
    /// Number of its first sector.
    first: u32,
}

pub(crate) type Images = Partition<LARGE>;
pub(crate) type State = Partition<SMALL>;

pub(crate) const ACTIVE: Images = Partition { base: 0x0802_0000, bytes: 0x2_0000, first: 5 };
pub(crate) const IMAGES: Images = Partition { base: 0x0804_0000, bytes: 0x4_0000, first: 6 };
pub(crate) const STATE: State = Partition { base: 0x0800_4000, bytes: 0x8000, first: 1 };

#[allow(unsafe_code, reason = "registers of the flash interface, and the flash itself")]
mod raw {
    use super::{BUSY, CONTROL, FOOD, STATUS, WATCHDOG_KEY};

    pub(super) fn read(at: usize) -> u32 {
        // SAFETY: registers and sectors named above, on the boundary of a word.
        unsafe { (at as *const u32).read_volatile() }
    }

    pub(super) fn write(at: usize, word: u32) {
        // SAFETY: as in `read`; no object of this program lies in a partition but, in the active one, its own code,
        // which the loader alone writes.
        unsafe { (at as *mut u32).write_volatile(word) }
    }

    pub(super) fn copy(from: u32, to: &mut [u8]) {
        // SAFETY: the caller has found so many bytes within a partition.
        unsafe { core::ptr::copy_nonoverlapping(from as *const u8, to.as_mut_ptr(), to.len()) }
    }

    /// Gives an order to the control register and waits, ten seconds at most, feeding the watchdog.
    ///
    /// It lies in RAM, with the first values of variables: it is there before `main`, and needs no other code.
    #[unsafe(link_section = ".data.flash")]
    #[inline(never)]
    pub(super) fn carry_out(order: u32) {
        // SAFETY: the two registers of the flash interface and that of the watchdog, and nothing on the stack.
        unsafe {
            core::arch::asm!(
                "str {order}, [{control}]",
                "2:",
                "str {food}, [{watchdog}]",
                "ldr {order}, [{status}]",
                "tst {order}, {busy}",
                "beq 3f",
                "subs {left}, #1",
                "bne 2b",
                "3:",
                order = inout(reg) order => _,
                control = in(reg) CONTROL,
                status = in(reg) STATUS,
                watchdog = in(reg) WATCHDOG_KEY,
                food = in(reg) FOOD,
                left = inout(reg) 100_000_000_u32 => _,
                busy = const BUSY,
                options(nostack),
            );
        }
    }
}

/// The same for partitions of all kinds: base and bytes, offset and bytes; the address.
#[inline(never)]
fn place(base: u32, all: u32, offset: u32, bytes: usize) -> Result<u32, NorFlashErrorKind> {
    let inside = (offset as usize).checked_add(bytes).is_some_and(|end| end <= all as usize);
    if inside { Ok(base + offset) } else { Err(NorFlashErrorKind::OutOfBounds) }
}

/// Opens the flash, does something, closes it, and says whether nothing went wrong.
fn opened(work: impl FnOnce()) -> Result<(), NorFlashErrorKind> {
    raw::write(STATUS, WRONG);
    for key in KEYS {
        raw::write(KEY, key);
    }
    // An interrupt would be fetched from the flash that is busy.
    critical_section::with(|_| work());
    raw::write(CONTROL, LOCK);
    let left = raw::read(STATUS);
    if left & (WRONG | BUSY) == 0 { Ok(()) } else { Err(NorFlashErrorKind::Other) }
}

fn erase(sectors: core::ops::Range<u32>) -> Result<(), NorFlashErrorKind> {
    const ACCESS: usize = FLASH;
    const CACHES: u32 = 0b11 << 9;
    for sector in sectors {
        opened(|| raw::carry_out(ERASE | WORDS | sector << 3 | START))?;
        // The caches may still hold what was there (RM0390, 3.4.2): cleared while they are off.
        let access = raw::read(ACCESS);
        raw::write(ACCESS, access & !CACHES);
        raw::write(ACCESS, access & !CACHES | CACHES << 2);
        raw::write(ACCESS, access);
    }
    Ok(())
}

fn write(at: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
    opened(|| {
        for (at, word) in (at as usize..).step_by(WORD).zip(bytes.as_chunks::<WORD>().0) {
            raw::write(CONTROL, PROGRAM | WORDS);
            raw::write(at, u32::from_le_bytes(*word));
            raw::carry_out(PROGRAM | WORDS);
        }
    })
}

impl<const SECTOR: usize> Partition<SECTOR> {
    /// Address of bytes within.
    fn place(self, offset: u32, bytes: usize) -> Result<u32, NorFlashErrorKind> {
        place(self.base, self.bytes, offset, bytes)
    }

    #[allow(clippy::cast_possible_truncation, reason = "a sector has 128 KiB at most")]
    fn sector(self, offset: u32) -> u32 {
        self.first + offset / SECTOR as u32
    }
}

impl<const SECTOR: usize> ErrorType for Partition<SECTOR> {
    type Error = NorFlashErrorKind;
}

impl<const SECTOR: usize> ReadNorFlash for Partition<SECTOR> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        raw::copy(self.place(offset, bytes.len())?, bytes);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes as usize
    }
}

impl<const SECTOR: usize> NorFlash for Partition<SECTOR> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.place(from, to.wrapping_sub(from) as usize)?;
        erase(self.sector(from)..self.sector(to))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        write(self.place(offset, bytes.len())?, bytes)
    }
}
