//! A state partition whose erase happens or does not.
//!
//! embassy-boot keeps magic and progress in one place and erases it whole to begin anew. A cut in that erase may leave
//! the magic for a swap beside some of the progress, and the loader would then swap again from the middle and lose both
//! images. Here two halves take turns: an erase clears the half that is not in use, and a mark at its end puts it in
//! use.
//!
//! ```text
//! half     0 ..        what the user of the partition sees
//!          size − 2 w  generation (4), CRC-32 over it (4), ones up to 2 w; w: 8 bytes rounded up to words of the flash
//! ```
//!
//! The half with the greatest generation whose mark is whole is in use; generations begin at 1. Without any the partition reads erased.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

use super::{ERASED, WORD};

/// Two halves of a flash that look like one.
pub struct Twin<F> {
    flash: F,
    /// Half in use and its generation.
    used: Option<(u32, u32)>,
}

impl<F: NorFlash> Twin<F> {
    /// Bytes of a mark: generation and CRC, in whole words.
    const MARK: usize = 8usize.next_multiple_of(F::WRITE_SIZE);

    /// Takes a flash of two or more erase units, half of them for each half.
    pub fn new(flash: F) -> Self {
        const { assert!(F::WRITE_SIZE <= WORD, "a mark fits the buffer") }
        let mut twin = Self { flash, used: None };
        for half in 0..2 {
            if let Some(generation) = twin.mark(half)
                && twin.used.is_none_or(|(_, newest)| generation > newest)
            {
                twin.used = Some((half, generation));
            }
        }
        twin
    }

    /// Gives the flash back.
    pub fn close(self) -> F {
        self.flash
    }

    fn half(&self) -> u32 {
        u32::try_from(self.flash.capacity() / 2).unwrap_or(u32::MAX)
    }

    fn size(&self) -> u32 {
        self.half().saturating_sub(u32::try_from(Self::MARK).unwrap_or(u32::MAX))
    }

    fn mark(&mut self, half: u32) -> Option<u32> {
        let mut mark = [0; 8];
        let at = half.checked_mul(self.half())?.checked_add(self.size())?;
        // A second look: a mark that cannot be read this once must not bring back the state before it.
        self.flash.read(at, &mut mark).or_else(|_| self.flash.read(at, &mut mark)).ok()?;
        let [g3, g2, g1, g0, check @ ..] = mark;
        let generation = [g3, g2, g1, g0];
        let whole = crate::store::crc32(&generation).to_be_bytes() == check;
        // The CRC-32 of four bytes of ones is ones: erased flash is no mark.
        Some(u32::from_be_bytes(generation)).filter(|generation| whole && *generation != u32::MAX)
    }

    fn inside(&self, offset: u32, length: usize) -> Result<(), NorFlashErrorKind> {
        let end = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(length));
        if end.is_some_and(|end| end <= self.capacity()) { Ok(()) } else { Err(NorFlashErrorKind::OutOfBounds) }
    }

    fn turn(&mut self) -> Result<u32, F::Error> {
        let (used, generation) = self.used.unwrap_or((1, 0));
        let half = 1 - used;
        let from = half.saturating_mul(self.half());
        self.flash.erase(from, from.saturating_add(self.half()))?;
        // Generations end after 4 × 10⁹ updates; flash ends after 10⁴.
        let generation = generation.saturating_add(1);
        let mut mark = [ERASED; 8 + WORD];
        let content = generation.to_be_bytes();
        let bytes = content.into_iter().chain(crate::store::crc32(&content).to_be_bytes());
        mark.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        if let Some(mark) = mark.get(..Self::MARK) {
            self.flash.write(from.saturating_add(self.size()), mark)?;
        }
        if self.mark(half) == Some(generation) {
            self.used = Some((half, generation));
        }
        Ok(from)
    }
}

impl<F: NorFlash> ErrorType for Twin<F> {
    type Error = NorFlashErrorKind;
}

impl<F: NorFlash> ReadNorFlash for Twin<F> {
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.inside(offset, bytes.len())?;
        match self.used {
            None => bytes.fill(ERASED),
            Some((half, _)) => {
                let at = half.saturating_mul(self.half()).saturating_add(offset);
                self.flash.read(at, bytes).map_err(|error| error.kind())?;
            }
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        usize::try_from(self.size()).unwrap_or(0)
    }
}

impl<F: NorFlash> NorFlash for Twin<F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        // Halves turn as a whole.
        if from != 0 || usize::try_from(to).ok() != Some(self.capacity()) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        self.turn().map(drop).map_err(|error| error.kind())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.inside(offset, bytes.len())?;
        if self.used.is_none() {
            self.turn().map_err(|error| error.kind())?;
        }
        let (half, _) = self.used.ok_or(NorFlashErrorKind::Other)?;
        let at = half.saturating_mul(self.half()).saturating_add(offset);
        self.flash.write(at, bytes).map_err(|error| error.kind())
    }
}
