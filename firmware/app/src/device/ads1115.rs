//! ADS1115 16-bit converter (Texas Instruments SBAS444) on I²C: the voltage of the loop's resistor.
//!
//! ```text
//! write 01 42 83     configuration: input 0 against ground (MUX 100), ±4.096 V (PGA 001), continuous (MODE 0),
//!                    128 a second (DR 100), comparator off (COMP_QUE 11)
//! write 00, read 2   the last conversion, i16, 125 µV
//! write 01, read 2   configuration as it stands; after power-up 85 83
//! ```

use embedded_hal::i2c::I2c;

const CONVERSION: u8 = 0x00;
const CONFIGURATION: u8 = 0x01;
/// As above. OS, the highest bit, reads 1 while no single conversion runs, which is always here.
const SETTINGS: [u8; 2] = [0x42, 0x83];
const OS: u8 = 0x80;

/// A converter at an address.
#[derive(Clone, Copy, Debug)]
pub struct Ads1115 {
    address: u8,
}

impl Ads1115 {
    /// Address with ADDR at ground.
    pub const ADDRESS: u8 = 0x48;
    /// Address with ADDR at the supply.
    pub const ADDRESS_SUPPLY: u8 = 0x49;

    /// A converter at this address.
    pub const fn new(address: u8) -> Self {
        Self { address }
    }

    /// The last conversion; `None` when the converter had lost its settings, which it now has again.
    ///
    /// # Errors
    ///
    /// The bus's error: nobody answered, or it was disturbed.
    pub fn read<B: I2c>(&self, bus: &mut B) -> Result<Option<i16>, B::Error> {
        let mut settings = [0; 2];
        bus.write_read(self.address, &[CONFIGURATION], &mut settings)?;
        let [high, low] = settings;
        let [set_high, set_low] = SETTINGS;
        if [high & !OS, low] != SETTINGS {
            bus.write(self.address, &[CONFIGURATION, set_high, set_low])?;
            return Ok(None);
        }
        let mut code = [0; 2];
        bus.write_read(self.address, &[CONVERSION], &mut code)?;
        Ok(Some(i16::from_be_bytes(code)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;
    use std::vec;

    use embedded_hal_mock::eh1::i2c::{Mock, Transaction};

    use super::*;

    #[test]
    fn a_converter_is_set_once_and_then_read() {
        let mut bus = Mock::new(&[
            Transaction::write_read(0x48, vec![1], vec![0x85, 0x83]),
            Transaction::write(0x48, vec![1, 0x42, 0x83]),
            Transaction::write_read(0x48, vec![1], vec![0xC2, 0x83]),
            Transaction::write_read(0x48, vec![0], vec![0x7F, 0xFF]),
            Transaction::write_read(0x48, vec![1], vec![0x42, 0x83]),
            Transaction::write_read(0x48, vec![0], vec![0xFF, 0xFE]),
        ]);
        let converter = Ads1115::new(Ads1115::ADDRESS);
        assert_eq!(converter.read(&mut bus).unwrap(), None);
        assert_eq!(converter.read(&mut bus).unwrap(), Some(0x7FFF));
        assert_eq!(converter.read(&mut bus).unwrap(), Some(-2));
        bus.done();
    }
}
