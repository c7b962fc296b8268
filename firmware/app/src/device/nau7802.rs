//! NAU7802 24-bit bridge converter (Nuvoton, data sheet rev. 1.7) on I²C: the load cell.
//!
//! ```text
//! write 00 01        PU_CTRL: reset of the registers (RR)
//! write 00 02        digital part on (PUD); ready when PU_CTRL reads PUR (08)
//! write 01 27        CTRL1: 3.0 V for the bridge (VLDO 100), gain 128 (GAINS 111)
//! write 15 30        chopper of the input off (REG_CHPS 11), as the data sheet asks
//! write 1c 80        capacitor of the second channel at the amplifier (PGA_CAP_EN)
//! write 00 86        regulator (AVDDS), analog part (PUA), digital part on
//! write 02 14        CTRL2: 20 a second (CRS 001), internal offset calibration (CALS); done when CALS reads 0, not
//!                    done when CAL_ERR (08) reads 1
//! write 00 96        conversions on (CS)
//! write 00, read 1   a conversion is there when CR (20) reads 1
//! write 12, read 3   it, 24 bits, two's complement
//! ```

use embedded_hal::{delay::DelayNs, i2c::I2c};

/// Address, fixed.
const ADDRESS: u8 = 0x2A;

const PU_CTRL: u8 = 0x00;
const CTRL1: u8 = 0x01;
const CTRL2: u8 = 0x02;
const ADCO: u8 = 0x12;
const ADC: u8 = 0x15;
const PGA_POWER: u8 = 0x1C;

const RESET: u8 = 0x01;
const DIGITAL: u8 = 0x02;
const READY: u8 = 0x08;
const POWERED: u8 = 0x86;
const CONVERTING: u8 = 0x96;
const CONVERTED: u8 = 0x20;
/// The bits of `PU_CTRL` that stand as written.
const KEPT: u8 = 0xD7;
const BRIDGE_3_V_GAIN_128: u8 = 0x27;
const CALIBRATE_20_SPS: u8 = 0x14;
const CALIBRATING: u8 = 0x04;
const CALIBRATION_FAILED: u8 = 0x08;

/// Registers and what is written there, once the digital part is on.
const SETTINGS: [[u8; 2]; 5] =
    [[CTRL1, BRIDGE_3_V_GAIN_128], [ADC, 0x30], [PGA_POWER, 0x80], [PU_CTRL, POWERED], [CTRL2, CALIBRATE_20_SPS]];

/// Longest wait for the digital part: 200 µs by the data sheet.
const READY_TRIES: u32 = 10;
/// Longest wait for a calibration: a few conversions.
const CALIBRATION_TRIES: u32 = 100;

/// Why a converter gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nau7802Error<E> {
    /// The bus's error.
    #[error("the bus failed")]
    Bus(E),
    /// The chip did not come up, or did not finish its calibration.
    #[error("the converter did not come up")]
    NotReady,
    /// The chip says that its calibration failed.
    #[error("the converter's calibration failed")]
    Calibration,
}

impl<E> From<E> for Nau7802Error<E> {
    fn from(error: E) -> Self {
        Self::Bus(error)
    }
}

/// The converter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nau7802 {
    set: bool,
}

impl Nau7802 {
    /// A converter that has not been set.
    pub const fn new() -> Self {
        Self { set: false }
    }

    /// Sets the converter and calibrates its offset; takes up to a tenth of a second.
    ///
    /// # Errors
    ///
    /// Says what it got stuck in.
    pub fn set<B: I2c, D: DelayNs>(&mut self, bus: &mut B, delay: &mut D) -> Result<(), Nau7802Error<B::Error>> {
        self.set = false;
        bus.write(ADDRESS, &[PU_CTRL, RESET])?;
        bus.write(ADDRESS, &[PU_CTRL, DIGITAL])?;
        wait(bus, delay, PU_CTRL, READY_TRIES, |state| state & READY != 0)?;
        for setting in SETTINGS {
            bus.write(ADDRESS, &setting)?;
        }
        let state = wait(bus, delay, CTRL2, CALIBRATION_TRIES, |state| state & CALIBRATING == 0)?;
        if state & CALIBRATION_FAILED != 0 {
            return Err(Nau7802Error::Calibration);
        }
        bus.write(ADDRESS, &[PU_CTRL, CONVERTING])?;
        self.set = true;
        Ok(())
    }

    /// The next conversion, if there is one. A converter that was never set, or has lost its settings, is set.
    ///
    /// # Errors
    ///
    /// As [`Self::set`].
    pub fn read<B: I2c, D: DelayNs>(
        &mut self,
        bus: &mut B,
        delay: &mut D,
    ) -> Result<Option<i32>, Nau7802Error<B::Error>> {
        let state = register(bus, PU_CTRL)?;
        if !self.set || state & KEPT != CONVERTING {
            self.set(bus, delay)?;
            return Ok(None);
        }
        if state & CONVERTED == 0 {
            return Ok(None);
        }
        let mut code = [0; 3];
        bus.write_read(ADDRESS, &[ADCO], &mut code)?;
        let [high, middle, low] = code;
        Ok(Some(i32::from_be_bytes([high, middle, low, 0]) >> 8))
    }
}

fn register<B: I2c>(bus: &mut B, at: u8) -> Result<u8, B::Error> {
    let mut value = [0];
    bus.write_read(ADDRESS, &[at], &mut value)?;
    let [value] = value;
    Ok(value)
}

fn wait<B: I2c, D: DelayNs>(
    bus: &mut B,
    delay: &mut D,
    at: u8,
    tries: u32,
    done: impl Fn(u8) -> bool,
) -> Result<u8, Nau7802Error<B::Error>> {
    for _ in 0..tries {
        let state = register(bus, at)?;
        if done(state) {
            return Ok(state);
        }
        delay.delay_ms(1);
    }
    Err(Nau7802Error::NotReady)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;
    use std::{vec, vec::Vec};

    use embedded_hal_mock::eh1::{
        delay::NoopDelay,
        i2c::{Mock, Transaction},
    };

    use super::*;

    fn write(at: u8, value: u8) -> Transaction {
        Transaction::write(ADDRESS, vec![at, value])
    }

    fn read(at: u8, value: u8) -> Transaction {
        Transaction::write_read(ADDRESS, vec![at], vec![value])
    }

    /// The data sheet's power-on sequence.
    fn setting(calibrated: u8) -> Vec<Transaction> {
        vec![
            write(0x00, 0x01),
            write(0x00, 0x02),
            read(0x00, 0x02),
            read(0x00, 0x0A),
            write(0x01, 0x27),
            write(0x15, 0x30),
            write(0x1C, 0x80),
            write(0x00, 0x86),
            write(0x02, 0x14),
            read(0x02, 0x14),
            read(0x02, calibrated),
        ]
    }

    #[test]
    fn a_converter_is_set_calibrated_and_read() {
        let mut all = vec![read(0x00, 0x00)];
        all.extend(setting(0x10));
        all.push(write(0x00, 0x96));
        all.push(read(0x00, 0x9E));
        for code in [vec![0x00, 0x30, 0x39], vec![0xFF, 0xFF, 0xFE], vec![0x80, 0, 0], vec![0x7F, 0xFF, 0xFF]] {
            all.push(read(0x00, 0xBE));
            all.push(Transaction::write_read(ADDRESS, vec![0x12], code));
        }
        let mut bus = Mock::new(&all);
        let mut converter = Nau7802::new();
        let mut next = || converter.read(&mut bus, &mut NoopDelay::new()).unwrap();
        assert_eq!([next(), next()], [None, None]);
        assert_eq!([next(), next(), next(), next()], [Some(12_345), Some(-2), Some(-0x80_0000), Some(0x7F_FFFF)]);
        bus.done();
    }

    #[test]
    fn a_converter_that_lost_its_settings_is_set_again() {
        let mut all = setting(0x10);
        all.extend([write(0x00, 0x96), read(0x00, 0x00)]);
        all.extend(setting(0x10));
        all.push(write(0x00, 0x96));
        let mut bus = Mock::new(&all);
        let mut converter = Nau7802::new();
        converter.set(&mut bus, &mut NoopDelay::new()).unwrap();
        assert_eq!(converter.read(&mut bus, &mut NoopDelay::new()), Ok(None));
        bus.done();
    }

    #[test]
    fn a_failed_calibration_and_a_dead_chip_are_told_apart() {
        let mut bus = Mock::new(&setting(0x18));
        let mut converter = Nau7802::new();
        assert_eq!(converter.set(&mut bus, &mut NoopDelay::new()), Err(Nau7802Error::Calibration));
        bus.done();
        let mut all = vec![write(0x00, 0x01), write(0x00, 0x02)];
        all.extend((0..READY_TRIES).map(|_| read(0x00, 0x02)));
        let mut bus = Mock::new(&all);
        assert_eq!(converter.set(&mut bus, &mut NoopDelay::new()), Err(Nau7802Error::NotReady));
        bus.done();
    }
}
