//! An EEPROM whose power fails, and what stands between it and the store when the store is to be broken on purpose.
#![allow(clippy::indexing_slicing)]

extern crate std;

use std::{cell::Cell, cell::RefCell, vec::Vec};

use embedded_storage::{ReadStorage, Storage};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// How the operation that the cut falls into ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tear {
    /// Not begun.
    Before,
    /// Done, and then dark.
    After,
    /// A first part done.
    Prefix,
    /// What was being changed holds anything.
    Garbage,
}

impl Tear {
    pub(crate) const ALL: [Self; 4] = [Self::Before, Self::After, Self::Prefix, Self::Garbage];
}

/// The supply, shared by all memories of a node. It counts operations and fails at the one it is told.
pub(crate) struct Power {
    left: Cell<Option<u32>>,
    tear: Cell<Tear>,
    off: Cell<bool>,
    operations: Cell<u32>,
    pub(crate) dice: RefCell<ChaCha8Rng>,
}

impl Power {
    /// Power that lasts.
    pub(crate) fn steady(seed: u64) -> Self {
        Self {
            left: Cell::new(None),
            tear: Cell::new(Tear::Before),
            off: Cell::new(false),
            operations: Cell::new(0),
            dice: RefCell::new(ChaCha8Rng::seed_from_u64(seed)),
        }
    }

    /// Power comes back, and fails in operation `at` from now, counted from 0.
    pub(crate) fn fail(&self, at: u32, tear: Tear) {
        self.left.set(Some(at));
        self.tear.set(tear);
        self.off.set(false);
    }

    /// Power comes back and lasts.
    pub(crate) fn restore(&self) {
        self.left.set(None);
        self.off.set(false);
    }

    pub(crate) fn is_off(&self) -> bool {
        self.off.get()
    }

    /// Operations so far.
    pub(crate) fn operations(&self) -> u32 {
        self.operations.get()
    }

    /// Asked before each operation: nothing to say, or how it ends and that it is dark.
    pub(crate) fn operation(&self) -> Result<Option<Tear>, Dark> {
        if self.off.get() {
            return Err(Dark);
        }
        self.operations.set(self.operations.get() + 1);
        match self.left.get() {
            Some(0) => {
                self.off.set(true);
                Ok(Some(self.tear.get()))
            }
            Some(left) => {
                self.left.set(Some(left - 1));
                Ok(None)
            }
            None => Ok(None),
        }
    }

    pub(crate) fn dice<T>(&self, throw: impl FnOnce(&mut ChaCha8Rng) -> T) -> T {
        throw(&mut self.dice.borrow_mut())
    }
}

/// No power, or a chip that refuses.
#[derive(Debug)]
pub(crate) struct Dark;

/// An AT24-like EEPROM: 4 KiB in pages of 32 bytes, each page write one operation.
pub(crate) struct Eeprom<'a> {
    pub(crate) cells: &'a mut [u8],
    pub(crate) power: &'a Power,
    /// Pages that keep nothing any more.
    pub(crate) worn: Vec<usize>,
    /// One in so many page writes is acknowledged and not kept.
    pub(crate) forgets: Option<u32>,
    /// Refuses every write.
    pub(crate) refuses: bool,
}

pub(crate) const PAGE: usize = 32;

impl<'a> Eeprom<'a> {
    pub(crate) fn new(cells: &'a mut [u8], power: &'a Power) -> Self {
        Self { cells, power, worn: Vec::new(), forgets: None, refuses: false }
    }
}

impl ReadStorage for Eeprom<'_> {
    type Error = Dark;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Dark> {
        if self.power.is_off() {
            return Err(Dark);
        }
        let at = offset as usize;
        bytes.copy_from_slice(self.cells.get(at..at + bytes.len()).ok_or(Dark)?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.cells.len()
    }
}

impl Storage for Eeprom<'_> {
    fn write(&mut self, offset: u32, mut bytes: &[u8]) -> Result<(), Dark> {
        let mut at = offset as usize;
        while !bytes.is_empty() {
            let count = bytes.len().min(PAGE - at % PAGE);
            let (now, later) = bytes.split_at(count);
            let tear = self.power.operation()?;
            if self.refuses {
                return Err(Dark);
            }
            let page = at / PAGE;
            let keeps = !self.worn.contains(&page)
                && self.forgets.is_none_or(|n| !self.power.dice(|dice| dice.random_ratio(1, n)));
            let whole = self.cells.get_mut(page * PAGE..(page + 1) * PAGE).ok_or(Dark)?;
            let cells = &mut whole[at % PAGE..at % PAGE + count];
            match tear {
                None | Some(Tear::After) if keeps => cells.copy_from_slice(now),
                None | Some(Tear::After | Tear::Before) => {}
                Some(Tear::Prefix) => {
                    let kept = self.power.dice(|dice| dice.random_range(0..=count));
                    cells[..kept].copy_from_slice(&now[..kept]);
                }
                Some(Tear::Garbage) => {
                    // The whole page is in danger, not only the bytes addressed; most of it may have got through.
                    self.power.dice(|dice| {
                        let intact = dice.random_bool(0.5);
                        whole[at % PAGE..at % PAGE + count].copy_from_slice(now);
                        for cell in &mut *whole {
                            if !intact || dice.random_ratio(1, 16) {
                                *cell = dice.random();
                            }
                        }
                    });
                }
            }
            if tear.is_some() {
                return Err(Dark);
            }
            at += count;
            bytes = later;
        }
        Ok(())
    }
}

/// What stands between store and EEPROM.
pub(crate) trait Wiring {
    type Memory<'a>: Storage;
    fn wire<'a>(cells: &'a mut [u8], power: &'a Power) -> Self::Memory<'a>;
}

/// Nothing.
pub(crate) struct Straight;

impl Wiring for Straight {
    type Memory<'a> = Eeprom<'a>;
    fn wire<'a>(cells: &'a mut [u8], power: &'a Power) -> Eeprom<'a> {
        Eeprom::new(cells, power)
    }
}

/// An EEPROM that now and then acknowledges what it does not keep.
pub(crate) struct Forgetful;

impl Wiring for Forgetful {
    type Memory<'a> = Eeprom<'a>;
    fn wire<'a>(cells: &'a mut [u8], power: &'a Power) -> Eeprom<'a> {
        Eeprom { forgets: Some(8), ..Eeprom::new(cells, power) }
    }
}

/// A store broken on purpose, by changing what it sees of its memory.
pub(crate) struct Broken<'a> {
    eeprom: Eeprom<'a>,
    how: How,
    /// What the store believes to have written, by address.
    pending: Vec<(u32, Vec<u8>)>,
}

/// What is broken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Reading back shows what was to be written: as if nobody had read back.
    NoReadBack,
    /// Life records stay in RAM until the next one: as if numbers were given before their reservation is kept.
    CounterInRam,
    /// Both copies of the configuration lie in one place.
    SingleCopy,
    /// Every CRC fits.
    NoCrc,
    /// The event counter's witness and the sequence limit are never seen: every start begins with a blank life.
    NoLife,
}

const LIFE: core::ops::Range<u32> = 0x140..0x340;
const SECOND_CONFIGURATION: core::ops::Range<u32> = 0x480..0x500;

impl Broken<'_> {
    fn place(&self, offset: u32) -> u32 {
        if self.how == How::SingleCopy && SECOND_CONFIGURATION.contains(&offset) { offset - 0x80 } else { offset }
    }
}

impl ReadStorage for Broken<'_> {
    type Error = Dark;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Dark> {
        self.eeprom.read(self.place(offset), bytes)?;
        if let Some((_, pending)) = self.pending.iter().rev().find(|(at, _)| *at == offset)
            && pending.len() == bytes.len()
        {
            bytes.copy_from_slice(pending);
        }
        if self.how == How::NoLife && LIFE.contains(&offset) {
            bytes.fill(0xff);
        }
        if self.how == How::NoCrc && bytes.first().is_some_and(u8::is_ascii_uppercase) {
            let (body, crc) = bytes.split_at_mut(bytes.len() - 4);
            crc.copy_from_slice(&super::crc32(body).to_be_bytes());
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.eeprom.capacity()
    }
}

impl Storage for Broken<'_> {
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Dark> {
        match self.how {
            How::NoReadBack => self.pending.push((offset, bytes.to_vec())),
            How::NoLife if LIFE.contains(&offset) => self.pending = [(offset, bytes.to_vec())].into(),
            How::CounterInRam if LIFE.contains(&offset) => {
                let late: Vec<_> = core::mem::take(&mut self.pending);
                // Two copies make a record: it goes out when the next one begins.
                if late.len() < 2 {
                    self.pending = late;
                } else {
                    for (at, bytes) in late {
                        self.eeprom.write(at, &bytes)?;
                    }
                }
                self.pending.push((offset, bytes.to_vec()));
                return Ok(());
            }
            _ => {}
        }
        self.eeprom.write(self.place(offset), bytes)
    }
}

macro_rules! broken {
    ($($name:ident = $how:ident, forgets $forgets:expr;)*) => {$(
        pub(crate) struct $name;

        impl Wiring for $name {
            type Memory<'a> = Broken<'a>;
            fn wire<'a>(cells: &'a mut [u8], power: &'a Power) -> Broken<'a> {
                let eeprom = Eeprom { forgets: $forgets, ..Eeprom::new(cells, power) };
                Broken { eeprom, how: How::$how, pending: Vec::new() }
            }
        }
    )*};
}

broken! {
    NoReadBack = NoReadBack, forgets Some(8);
    CounterInRam = CounterInRam, forgets None;
    SingleCopy = SingleCopy, forgets None;
    NoCrc = NoCrc, forgets None;
    NoLife = NoLife, forgets None;
}
