//! A state partition whose erase happens or does not.
//!
//! embassy-boot keeps magic and progress in one place and erases it whole to begin anew. A cut in that erase may leave
//! the magic for a swap beside some of the progress, and the loader would then swap again from the middle and lose both
//! images. Here two halves take turns: an erase clears the half that is not in use, and a mark at its end puts it in
//! use. A new magic is written before the mark, so it is in force with it or not at all.
//!
//! ```text
//! half     0 ..      what the user of the partition sees: magic (one word), progress
//!          size − 8  generation (4), its complement (4)
//! ```
//!
//! The half with the greatest generation whose mark is whole is in use; generations begin at 1. Without any the
//! partition reads erased. A torn write leaves bits set and a torn erase sets some: of a number and its complement neither
//! makes another such pair.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

use super::ERASED;
use crate::store::is_all;

/// embassy-boot's magics: the image that runs is kept, and the images are to be swapped.
pub(super) const KEPT: u8 = 0xD0;
pub(super) const SWAP: u8 = 0xF0;
/// Bytes of a mark, and the most a word of the flash may have.
const MARK: usize = 8;
const MARK_U32: u32 = 8;

/// Two halves of a flash that look like one.
pub struct Twin<F> {
    flash: F,
    /// First byte of the half in use.
    used: u32,
    /// Its generation, 0 without any.
    generation: u32,
}

impl<F: NorFlash> Twin<F> {
    /// Takes a flash of two or more erase units, half of them for each half.
    pub fn new(flash: F) -> Self {
        const { assert!(MARK.is_multiple_of(F::WRITE_SIZE), "a mark is whole words") }
        let mut twin = Self { flash, used: 0, generation: 0 };
        for from in [0, twin.half()] {
            let generation = twin.mark(from);
            if generation > twin.generation {
                (twin.used, twin.generation) = (from, generation);
            }
        }
        twin
    }

    #[allow(clippy::cast_possible_truncation, reason = "a flash is addressed with 32 bits")]
    fn half(&self) -> u32 {
        self.flash.capacity() as u32 / 2
    }

    fn size(&self) -> u32 {
        self.half().saturating_sub(MARK_U32)
    }

    /// Generation of the half that begins there, 0 if its mark is not whole.
    fn mark(&mut self, from: u32) -> u32 {
        let mut mark = [0; MARK];
        let at = from.saturating_add(self.size());
        // A second look: a mark that cannot be read this once must not bring back the state before it.
        let read = self.flash.read(at, &mut mark).or_else(|_| self.flash.read(at, &mut mark));
        let [g3, g2, g1, g0, c3, c2, c1, c0] = mark;
        let generation = u32::from_be_bytes([g3, g2, g1, g0]);
        if read.is_ok() && generation == !u32::from_be_bytes([c3, c2, c1, c0]) { generation } else { 0 }
    }

    /// Whether the images are to be swapped, or have been and the one that runs is on trial.
    ///
    /// # Errors
    ///
    /// The flash does not answer.
    pub fn is_swap(&mut self) -> Result<bool, NorFlashErrorKind> {
        let mut word = [0; MARK];
        let word = word.get_mut(..F::WRITE_SIZE).unwrap_or_default();
        self.read(0, word)?;
        Ok(is_all(word, SWAP))
    }

    /// Puts a fresh half in use that begins with this magic, or is erased.
    pub(super) fn turn(&mut self, magic: u8) -> Result<(), NorFlashErrorKind> {
        let half = self.half();
        let from = half.saturating_sub(self.used);
        self.flash.erase(from, from.saturating_add(half)).map_err(|error| error.kind())?;
        if magic != ERASED {
            let word = [magic; MARK];
            let word = word.get(..F::WRITE_SIZE).unwrap_or_default();
            self.flash.write(from, word).map_err(|error| error.kind())?;
        }
        // Generations end after 4 × 10⁹ updates; flash ends after 10⁴.
        let generation = self.generation.saturating_add(1);
        let [g3, g2, g1, g0] = generation.to_be_bytes();
        let mark = [g3, g2, g1, g0, !g3, !g2, !g1, !g0];
        self.flash.write(from.saturating_add(self.size()), &mark).map_err(|error| error.kind())?;
        if self.mark(from) != generation {
            return Err(NorFlashErrorKind::Other);
        }
        (self.used, self.generation) = (from, generation);
        Ok(())
    }

    /// The place in the flash of bytes of the half in use.
    fn place(&self, offset: u32, length: usize) -> Result<u32, NorFlashErrorKind> {
        let end = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(length));
        if end.is_some_and(|end| end <= self.capacity()) {
            Ok(self.used.saturating_add(offset))
        } else {
            Err(NorFlashErrorKind::OutOfBounds)
        }
    }
}

impl<F: NorFlash> ErrorType for Twin<F> {
    type Error = NorFlashErrorKind;
}

impl<F: NorFlash> ReadNorFlash for Twin<F> {
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let at = self.place(offset, bytes.len())?;
        if self.generation == 0 {
            bytes.fill(ERASED);
            return Ok(());
        }
        self.flash.read(at, bytes).map_err(|error| error.kind())
    }

    fn capacity(&self) -> usize {
        self.size() as usize
    }
}

impl<F: NorFlash> NorFlash for Twin<F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        // Halves turn as a whole.
        if from != 0 || to != self.size() {
            return Err(NorFlashErrorKind::NotAligned);
        }
        self.turn(ERASED)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        if self.generation == 0 {
            self.turn(ERASED)?;
        }
        let at = self.place(offset, bytes.len())?;
        self.flash.write(at, bytes).map_err(|error| error.kind())
    }
}
