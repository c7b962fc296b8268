//! AT24C32 and larger EEPROMs (Microchip, AT24C32D data sheet) on I²C, as `embedded-storage`.
//!
//! ```text
//! write hi lo data…    up to the end of a page of 32 bytes, which would otherwise be written over from its beginning
//! write hi lo          until it is acknowledged again: the chip is deaf while it writes, 5 ms at most
//! write hi lo, read n  any number of bytes
//! ```

use embedded_hal::{delay::DelayNs, i2c::I2c};
use embedded_storage::{ReadStorage, Storage};

/// Bytes of a page.
pub const PAGE_BYTES: usize = 32;

/// Milliseconds after which a chip that is still deaf is given up; the data sheet says 5.
const WRITE_TRIES: u32 = 20;

/// Why bytes were not read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum At24Error<E> {
    /// The bus's error.
    #[error("the bus failed")]
    Bus(E),
    /// Beyond the end of the memory.
    #[error("address beyond the memory")]
    Range,
    /// The chip did not answer again after a write.
    #[error("the memory did not finish writing")]
    Deaf,
}

/// An EEPROM, with its bus and something to wait with.
#[derive(Debug)]
pub struct At24<B, D> {
    bus: B,
    delay: D,
    address: u8,
    bytes: u16,
}

impl<B, D> At24<B, D> {
    /// Address with all address pins low.
    pub const ADDRESS: u8 = 0x50;

    /// A memory of this many bytes at this address.
    pub const fn new(bus: B, delay: D, address: u8, bytes: u16) -> Self {
        Self { bus, delay, address, bytes }
    }

    /// Gives bus and delay back.
    pub fn release(self) -> (B, D) {
        (self.bus, self.delay)
    }

    /// The address bytes of a range, when it lies within the memory.
    fn range<E>(&self, offset: u32, length: usize) -> Result<[u8; 2], At24Error<E>> {
        let end = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(length));
        match (end, u16::try_from(offset)) {
            (Some(end), Ok(offset)) if end <= usize::from(self.bytes) => Ok(offset.to_be_bytes()),
            _ => Err(At24Error::Range),
        }
    }
}

impl<B: I2c, D: DelayNs> At24<B, D> {
    fn write_page(&mut self, [high, low]: [u8; 2], bytes: &[u8]) -> Result<(), At24Error<B::Error>> {
        let mut message = [0; PAGE_BYTES + 2];
        let sent = [high, low].into_iter().chain(bytes.iter().copied());
        message.iter_mut().zip(sent).for_each(|(to, from)| *to = from);
        let message = message.get(..bytes.len().saturating_add(2)).ok_or(At24Error::Range)?;
        self.bus.write(self.address, message).map_err(At24Error::Bus)?;
        for _ in 0..WRITE_TRIES {
            if self.bus.write(self.address, &[high, low]).is_ok() {
                return Ok(());
            }
            self.delay.delay_ms(1);
        }
        Err(At24Error::Deaf)
    }
}

impl<B: I2c, D: DelayNs> ReadStorage for At24<B, D> {
    type Error = At24Error<B::Error>;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let place = self.range(offset, bytes.len())?;
        self.bus.write_read(self.address, &place, bytes).map_err(At24Error::Bus)
    }

    fn capacity(&self) -> usize {
        usize::from(self.bytes)
    }
}

impl<B: I2c, D: DelayNs> Storage for At24<B, D> {
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.range(offset, bytes.len())?;
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let in_page = usize::try_from(at).unwrap_or_default() % PAGE_BYTES;
            let (page, after) = rest.split_at(PAGE_BYTES.saturating_sub(in_page).min(rest.len()));
            let place = self.range(at, page.len())?;
            self.write_page(place, page)?;
            at = at.saturating_add(u32::try_from(page.len()).unwrap_or(u32::MAX));
            rest = after;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    extern crate std;
    use std::{vec, vec::Vec};

    use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
    use embedded_hal_mock::eh1::{
        delay::NoopDelay,
        i2c::{Mock, Transaction},
    };

    use super::*;

    const DEAF: ErrorKind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);

    fn memory(transactions: &[Transaction]) -> At24<Mock, NoopDelay> {
        At24::new(Mock::new(transactions), NoopDelay::new(), 0x50, 4096)
    }

    fn poll(high: u8, low: u8) -> Transaction {
        Transaction::write(0x50, vec![high, low])
    }

    #[test]
    fn a_write_is_cut_at_pages_and_waits_for_each() {
        let bytes: Vec<u8> = (0..40).collect();
        let message = |high: u8, low: u8, part: &[u8]| Transaction::write(0x50, [&[high, low], part].concat());
        let mut memory = memory(&[
            message(0x01, 0x3C, &bytes[..4]),
            poll(0x01, 0x3C).with_error(DEAF),
            poll(0x01, 0x3C).with_error(DEAF),
            poll(0x01, 0x3C),
            message(0x01, 0x40, &bytes[4..36]),
            poll(0x01, 0x40),
            message(0x01, 0x60, &bytes[36..]),
            poll(0x01, 0x60),
        ]);
        memory.write(0x13C, &bytes).unwrap();
        memory.release().0.done();
    }

    #[test]
    fn a_read_is_one_transaction() {
        let mut memory = memory(&[Transaction::write_read(0x50, vec![0x0F, 0xFC], vec![1, 2, 3, 4])]);
        let mut bytes = [0; 4];
        memory.read(0xFFC, &mut bytes).unwrap();
        assert_eq!((bytes, memory.capacity()), ([1, 2, 3, 4], 4096));
        memory.release().0.done();
    }

    #[test]
    fn beyond_the_end_nothing_is_sent() {
        let mut memory = memory(&[]);
        for offset in [0xFFD, 0x1_0000, u32::MAX] {
            assert_eq!(memory.read(offset, &mut [0; 4]), Err(At24Error::Range));
            assert_eq!(memory.write(offset, &[0; 4]), Err(At24Error::Range));
        }
        memory.release().0.done();
    }

    #[test]
    fn a_chip_that_stays_deaf_is_given_up() {
        let mut all = vec![Transaction::write(0x50, vec![0, 0, 9])];
        all.extend((0..WRITE_TRIES).map(|_| poll(0, 0).with_error(DEAF)));
        let mut memory = memory(&all);
        assert_eq!(memory.write(0, &[9]), Err(At24Error::Deaf));
        memory.release().0.done();
    }
}
