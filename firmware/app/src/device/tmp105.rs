//! TMP105 temperature sensor (Texas Instruments SBOS348) on I²C; TMP102 and TMP75 speak the same.
//!
//! ```text
//! write 01 60        configuration: 12 bits (R1 R0 = 11), continuous
//! write 00, read 2   temperature, 12 bits from the left, 1/16 °C
//! write 01, read 1   configuration as it stands
//! ```

use embedded_hal::i2c::I2c;

const TEMPERATURE: u8 = 0x00;
const CONFIGURATION: u8 = 0x01;
/// 12 bits; all else as after power-up.
const TWELVE_BITS: u8 = 0x60;
/// The bits that must stand as written: resolution, thermostat mode, shutdown. OS reads as it likes.
const KEPT: u8 = 0x7F;

/// A sensor at an address.
#[derive(Clone, Copy, Debug)]
pub struct Tmp105 {
    address: u8,
}

impl Tmp105 {
    /// Address with all three address pins low.
    pub const ADDRESS: u8 = 0x48;

    /// A sensor at this address.
    pub const fn new(address: u8) -> Self {
        Self { address }
    }

    /// The temperature in 1/16 °C; `None` when the sensor had lost its settings, which it now has again.
    ///
    /// # Errors
    ///
    /// The bus's error: nobody answered, or it was disturbed.
    pub fn read<B: I2c>(&self, bus: &mut B) -> Result<Option<i16>, B::Error> {
        let mut configuration = [0];
        bus.write_read(self.address, &[CONFIGURATION], &mut configuration)?;
        let [configuration] = configuration;
        if configuration & KEPT != TWELVE_BITS {
            bus.write(self.address, &[CONFIGURATION, TWELVE_BITS])?;
            return Ok(None);
        }
        let mut temperature = [0; 2];
        bus.write_read(self.address, &[TEMPERATURE], &mut temperature)?;
        Ok(Some(i16::from_be_bytes(temperature) >> 4))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;
    use std::vec;

    use embedded_hal::i2c::ErrorKind;
    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    use super::*;

    /// The data sheet's table of temperatures, 12 bits.
    #[test]
    fn temperatures_are_those_of_the_table() {
        let rows = [
            ([0x7F, 0xF0], 2047),
            ([0x64, 0x00], 1600),
            ([0x50, 0x00], 1280),
            ([0x4B, 0x00], 1200),
            ([0x32, 0x00], 800),
            ([0x19, 0x00], 400),
            ([0x00, 0x40], 4),
            ([0x00, 0x00], 0),
            ([0xFF, 0xC0], -4),
            ([0xE7, 0x00], -400),
            ([0xC9, 0x00], -880),
        ];
        for (bytes, sixteenths) in rows {
            let mut bus = Mock::new(&[
                Transaction::write_read(0x48, vec![1], vec![0x60]),
                Transaction::write_read(0x48, vec![0], bytes.to_vec()),
            ]);
            assert_eq!(Tmp105::new(Tmp105::ADDRESS).read(&mut bus).unwrap(), Some(sixteenths));
            bus.done();
        }
    }

    #[test]
    fn a_sensor_fresh_from_power_up_is_set_first() {
        let mut bus =
            Mock::new(&[Transaction::write_read(0x49, vec![1], vec![0x00]), Transaction::write(0x49, vec![1, 0x60])]);
        assert_eq!(Tmp105::new(0x49).read(&mut bus).unwrap(), None);
        bus.done();
    }

    #[test]
    fn nobody_there_is_the_buss_error() {
        let nobody = ErrorKind::Other;
        let mut bus = Mock::new(&[Transaction::write_read(0x48, vec![1], vec![0]).with_error(nobody)]);
        assert_eq!(Tmp105::new(0x48).read(&mut bus), Err(nobody));
        bus.done();
    }
}
