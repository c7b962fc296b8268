//! A NOR flash whose power fails, and images for it.
#![allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]

extern crate std;

use std::{vec, vec::Vec};

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use crate::store::model::{Power, Tear};

/// A flash written in words of four bytes and erased in units.
pub(crate) struct Flash<'a, const UNIT: usize> {
    pub(crate) cells: &'a mut [u8],
    pub(crate) power: &'a Power,
    /// The second half lies on the first, and what marks the halves is not kept in it.
    marks: Option<[[u8; MARK]; 2]>,
}

const WORD: usize = 4;
const MARK: usize = 8;

impl<'a, const UNIT: usize> Flash<'a, UNIT> {
    pub(crate) fn new(cells: &'a mut [u8], power: &'a Power) -> Self {
        Self { cells, power, marks: None }
    }

    /// As if there were one state sector and no halves.
    pub(crate) fn folded(mut self) -> Self {
        let first = [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe];
        self.marks = Some([first, [0xff; MARK]]);
        self
    }

    /// The mark at this place, where it is not kept in the flash.
    fn mark(&mut self, offset: u32) -> Option<&mut [u8; MARK]> {
        let half = self.cells.len() / 2;
        let at = offset as usize;
        let marks = self.marks.as_mut()?;
        (at % half == half - MARK).then(|| &mut marks[at / half])
    }

    fn place(&self, offset: u32) -> usize {
        let half = self.cells.len() / 2;
        let at = offset as usize;
        if self.marks.is_some() && at >= half { at - half } else { at }
    }
}

impl<const UNIT: usize> ErrorType for Flash<'_, UNIT> {
    type Error = NorFlashErrorKind;
}

impl<const UNIT: usize> ReadNorFlash for Flash<'_, UNIT> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        if self.power.is_off() {
            return Err(NorFlashErrorKind::Other);
        }
        if let Some(mark) = self.mark(offset) {
            bytes.copy_from_slice(mark);
            return Ok(());
        }
        let at = self.place(offset);
        bytes.copy_from_slice(self.cells.get(at..at + bytes.len()).ok_or(NorFlashErrorKind::OutOfBounds)?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.cells.len()
    }
}

impl<const UNIT: usize> NorFlash for Flash<'_, UNIT> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = UNIT;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let count = (to - from) as usize;
        let at = self.place(from);
        assert!(at.is_multiple_of(UNIT) && count.is_multiple_of(UNIT), "erase {from:#x} to {to:#x}");
        // A chip erases a unit at a time.
        for unit in self.cells[at..at + count].chunks_exact_mut(UNIT) {
            let tear = self.power.operation().map_err(|_| NorFlashErrorKind::Other)?;
            match tear {
                None | Some(Tear::After) => unit.fill(0xff),
                Some(Tear::Before) => {}
                Some(Tear::Prefix) => {
                    let done = self.power.dice(|dice| dice.random_range(0..=UNIT));
                    unit[..done].fill(0xff);
                }
                Some(Tear::Garbage) => self.power.dice(|dice| {
                    // Cells come up on their own, word by word or not at all.
                    let share = dice.random_range(0..=8);
                    for word in unit.chunks_exact_mut(WORD) {
                        if dice.random_ratio(share, 8) {
                            word.fill(0xff);
                        } else if dice.random_ratio(1, 4) {
                            for byte in word {
                                *byte |= dice.random::<u8>();
                            }
                        }
                    }
                }),
            }
            if tear.is_some() {
                return Err(NorFlashErrorKind::Other);
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        if let Some(mark) = self.mark(offset) {
            mark.copy_from_slice(bytes);
            return Ok(());
        }
        let at = self.place(offset);
        assert!(at.is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD), "write at {offset:#x}");
        let cells = self.cells.get_mut(at..at + bytes.len()).ok_or(NorFlashErrorKind::OutOfBounds)?;
        let tear = self.power.operation().map_err(|_| NorFlashErrorKind::Other)?;
        assert!(cells.iter().zip(bytes).all(|(old, new)| old & new == *new), "written and not erased at {offset:#x}");
        let done = match tear {
            None | Some(Tear::After) => bytes.len(),
            Some(Tear::Before) => 0,
            Some(Tear::Prefix | Tear::Garbage) => self.power.dice(|dice| dice.random_range(0..=bytes.len())) & !3,
        };
        for (cell, byte) in cells.iter_mut().zip(&bytes[..done]) {
            *cell &= byte;
        }
        if tear == Some(Tear::Garbage) {
            // Some bits of the word under way, and noise in those programmed weakly.
            self.power.dice(|dice| {
                for (cell, byte) in cells.iter_mut().zip(bytes).skip(done).take(WORD) {
                    *cell &= byte | dice.random::<u8>();
                }
            });
        }
        if tear.is_some() { Err(NorFlashErrorKind::Other) } else { Ok(()) }
    }
}

/// An image of about `body` bytes of code.
pub(crate) fn image(body: u32, security_counter: u32, seed: u8) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0x96f3_b83d_u32.to_le_bytes());
    file.extend([0; 4]);
    file.extend(32_u16.to_le_bytes());
    file.extend(12_u16.to_le_bytes());
    file.extend(body.to_le_bytes());
    file.extend([0; 4]);
    file.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    file.extend([0; 4]);
    file.extend((0..body).map(|at| (at * 31 + u32::from(seed)) as u8));
    file.extend([0x08, 0x69, 12, 0, 0x50, 0, 4, 0]);
    file.extend(security_counter.to_le_bytes());
    let hash = Sha256::digest(&file);
    file.extend([0x07, 0x69, 40, 0, 0x10, 0, 32, 0]);
    file.extend(hash);
    file
}

/// A file in an erased partition.
pub(crate) fn partition(file: &[u8], bytes: usize) -> Vec<u8> {
    let mut cells = vec![0xff; bytes];
    cells[..file.len()].copy_from_slice(file);
    cells
}
