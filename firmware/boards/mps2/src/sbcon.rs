//! The two-wire bus of the Arduino shield, moved bit by bit (Arm `SBCon`; Arm DAI 0385, "Serial configuration").
//!
//! Both wires are open drains: a one lets go, and whoever pulls down wins. The devices of the emulated board never
//! stretch the clock, so no wait is needed and nothing can hang; a device that does not answer is `NoAcknowledge`.

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

use crate::mmio::Register;

const BASE: usize = 0x4002_A000;
/// Reads the wires; writing lets go of what is set.
const RELEASE: Register = Register::at(BASE, 0x0);
/// Writing pulls down what is set.
const PULL: Register = Register::at(BASE, 0x4);
const CLOCK: u32 = 1;
const DATA: u32 = 1 << 1;

/// The bus; there is one. Copies of the handle share it: a transaction is one call, and the loop alone calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sbcon(());

impl Sbcon {
    /// The bus at rest.
    pub(crate) fn new() -> Self {
        // A device left in the middle of a byte by a reset of this side alone lets go within nine clocks.
        RELEASE.write(DATA);
        for _ in 0..9 {
            Self::clock_bit();
        }
        Self::start();
        Self::stop();
        Self(())
    }

    fn clock_bit() -> bool {
        RELEASE.write(CLOCK);
        let bit = RELEASE.read() & DATA != 0;
        PULL.write(CLOCK);
        bit
    }

    fn start() {
        RELEASE.write(DATA);
        RELEASE.write(CLOCK);
        PULL.write(DATA);
        PULL.write(CLOCK);
    }

    fn stop() {
        PULL.write(DATA);
        RELEASE.write(CLOCK);
        RELEASE.write(DATA);
    }

    fn send(byte: u8) -> bool {
        for place in (0..8).rev() {
            if byte >> place & 1 == 1 {
                RELEASE.write(DATA);
            } else {
                PULL.write(DATA);
            }
            Self::clock_bit();
        }
        RELEASE.write(DATA);
        !Self::clock_bit()
    }

    fn receive(more: bool) -> u8 {
        RELEASE.write(DATA);
        let byte = (0..8).fold(0, |byte, _| byte << 1 | u8::from(Self::clock_bit()));
        if more {
            PULL.write(DATA);
        } else {
            RELEASE.write(DATA);
        }
        Self::clock_bit();
        RELEASE.write(DATA);
        byte
    }

    fn operations(address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        // Operations of one direction in a row are one transfer; the direction's change is a repeated start.
        let mut before = None;
        let mut rest = operations;
        while let Some((operation, after)) = rest.split_first_mut() {
            let reads = matches!(operation, Operation::Read(_));
            if before != Some(reads) {
                Self::start();
                if !Self::send(address << 1 | u8::from(reads)) {
                    return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
                }
                before = Some(reads);
            }
            match operation {
                Operation::Write(bytes) => {
                    for byte in *bytes {
                        if !Self::send(*byte) {
                            return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data));
                        }
                    }
                }
                Operation::Read(bytes) => {
                    let goes_on = matches!(after.first(), Some(Operation::Read(_)));
                    let last = bytes.len().saturating_sub(1);
                    for (at, byte) in bytes.iter_mut().enumerate() {
                        *byte = Self::receive(at < last || goes_on);
                    }
                }
            }
            rest = after;
        }
        Ok(())
    }
}

impl ErrorType for Sbcon {
    type Error = ErrorKind;
}

impl I2c for Sbcon {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        let done = Self::operations(address, operations);
        Self::stop();
        done
    }
}
