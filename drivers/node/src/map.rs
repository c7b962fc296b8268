//! The register map of the node, version 1.
//!
//! Addresses are 0-based as sent. Numbers of two registers have the high register first; text is UTF-8, two bytes
//! to a register, filled up with zeros. A register that is not named here answers exception 02.
//!
//! ```text
//! input registers (FC 04)
//!   0x0000  1  version of this map
//!   0x0001  1  status, see `status`
//!   0x0002  2  uptime, s
//!   0x0004  2  starts since manufacture
//!   0x0006  1  cause of the last reset, see `Reset`
//!   0x0007  1  seal: 0 closed, 1 open
//!   0x0008  2  event counter: accepted changes of legally relevant parameters
//!   0x0010 15  the five channels, three registers each: value (i32), state
//!   0x0020  2  true length of the interval of `counts`, µs
//!   0x0030 20  least and greatest value of each channel since this block was last read as a whole: i32, i32
//!   0x0050 14  bus counters, u32: frames, replies, exceptions, bad CRC, too short, overrun, other units' frames
//!   0x005e  2  longest turnaround: end of the silence to the first byte of the reply, µs
//!   0x0060  8  last fault: kind, code (u32), uptime (u32, s), start (u32), spare
//!   0x0070  8  update: state, bytes received (u32), security counter in force (u32), security counter offered (u32), spare
//!   0x0080  4  serial number, 8 bytes
//!   0x0084 16  SHA-256 of the software that runs
//!   0x0094 16  software identification, text
//!   0x0100 47  sealed reading block, see `block`; read as a whole or not at all
//!
//! holding registers (FC 03, 06, 16)
//!   0x0000  1  unit id, 1 to 247
//!   0x0001  1  speed, hundreds of Bd
//!   0x0002  1  parity: 0 none, 1 even, 2 odd
//!   0x0003  1  broadcast writes: 0 ignored, 1 obeyed
//!   0x0010 40  legally relevant parameters, written only while the seal is open
//!   0x0100 66  update window: offset (u32), 64 registers of data
//!   0x0180 20  update order: length (u32), security counter (u32), MAC (8 registers), spare
//!   0x01c0 20  manufacture: serial number (4 registers), key (16 registers); written once, as a whole, never read
//!   0x01f0  1  command, see `command`; reads as 0
//! ```
//!
//! The legally relevant parameters, by their offset from 0x0010:
//!
//! ```text
//!    0  2  zero: code of the load cell's converter without load, i32 within 24 bits
//!    2  2  span: mass, g, u32 from 1
//!    4  2  span: codes this mass adds, i32, not 0; negative for a cell wired the other way round
//!    6  2  scale interval d, g: 1, 2 or 5 times a power of ten
//!    8  2  capacity Max, g, u32
//!   10  2  motion band, g, u32 …
//!   12  1  … low byte: conversions within it until the load rests; high byte n: the mean of 2^n conversions, n 0 to 6
//!   13  1  high byte: serial scale, 0 none, 1 Toledo continuous, 2 the same with check, 3 MT-SICS, 4 `ST,GS` lines;
//!          low byte: points of the linearisation, 0 to 6
//!   14 18  six points: indicated mass, g, u32, rising, and what to add there, g, i16; unused 0
//!   32  2  dead time of the pulse counter, ns, u32
//!   34  1  code of the loop's converter at 4 mA, i16
//!   35  1  code of the loop's converter at 20 mA, i16, above the other
//!   36  1  warm-up after a start, s
//!   37  1  interval over which pulses are counted, ms, from 100
//!   38  1  what to add to the temperature, 0.01 °C, i16
//!   39  1  inputs that are fitted, a bit for each channel in the order of the sealed block
//! ```
//!
//! Any part of them can be written as long as all of them together are valid afterwards, the first time as a whole.
//! Each accepted write that changes something raises the event counter by one. Exception 02: the seal is closed, or
//! there is no configuration and this is not all of one. Exception 03: not valid. Nothing has changed after either.
//!
//! An update is begun by a command. Its windows come as a whole, each offset a multiple of 128 and none beyond the bytes
//! received; exception 06 asks for the same window later, while flash is erased; after 03 the bytes received say where to
//! go on. The order (its first 12 registers, or all) is answered at once and the image checked afterwards: the state says
//! what came of it. States: 0 none, 1 preparing, 2 receiving, 3 checking, 4 about to be started, 5 on trial, 6 refused,
//! 7 failed.
//!
//! Bus settings are in force from the next start on. Extremes of a channel without a value since the last read: least 0x7fffffff, greatest 0x80000000.

/// Version of the map.
pub const VERSION: u16 = 1;

/// First input register of the values and states of the channels.
pub const CHANNELS: u16 = 0x0010;
/// First input register of the extremes.
pub const EXTREMES: u16 = 0x0030;
/// Registers of the extremes.
pub const EXTREMES_COUNT: u16 = 20;
/// First input register of the bus counters.
pub const COUNTERS: u16 = 0x0050;
/// First input register of the last fault.
pub const FAULT: u16 = 0x0060;
/// First input register of the update.
pub const UPDATE: u16 = 0x0070;
/// First input register of the serial number.
pub const SERIAL: u16 = 0x0080;
/// First input register of the sealed block.
pub const BLOCK: u16 = 0x0100;

/// First holding register of the bus settings.
pub const BUS: u16 = 0x0000;
/// First holding register of the legally relevant parameters.
pub const LEGAL: u16 = 0x0010;
/// Registers of the legally relevant parameters.
pub const LEGAL_COUNT: u16 = 40;
/// First holding register of the update window.
pub const UPDATE_WINDOW: u16 = 0x0100;
/// Registers of the update window.
pub const UPDATE_WINDOW_COUNT: u16 = 66;
/// First holding register of the update order.
pub const UPDATE_ORDER: u16 = 0x0180;
/// Registers of the update order.
pub const UPDATE_ORDER_COUNT: u16 = 20;
/// First holding register of what is set in manufacture.
pub const MANUFACTURE: u16 = 0x01c0;
/// Registers of what is set in manufacture.
pub const MANUFACTURE_COUNT: u16 = 20;
/// Holding register of commands.
pub const COMMAND: u16 = 0x01f0;

/// Bits of the status register and of the status word in a sealed block.
pub mod status {
    /// The self-test at the start failed; the fault record says in what.
    pub const SELF_TEST_FAILED: u16 = 1 << 0;
    /// Neither copy of the sealed configuration is whole: the node measures nothing until it is configured.
    pub const NO_CONFIGURATION: u16 = 1 << 1;
    /// One copy of the sealed configuration was broken, and has been written anew from the other.
    pub const CONFIGURATION_MENDED: u16 = 1 << 2;
    /// The seal is open: legally relevant parameters can be changed.
    pub const SEAL_OPEN: u16 = 1 << 3;
    /// The node warms up since its start.
    pub const WARMING_UP: u16 = 1 << 4;
    /// The load moves.
    pub const MOTION: u16 = 1 << 5;
    /// The last reset was no power-on: watchdog, panic, brown-out.
    pub const UNEXPECTED_RESET: u16 = 1 << 6;
    /// The non-volatile memory refuses writes: no more sealed blocks once the reserved sequence numbers are used.
    pub const STORE_FAILED: u16 = 1 << 7;
    /// The physical inputs are simulated.
    pub const SIMULATED: u16 = 1 << 8;
    /// A new image runs on trial and has not confirmed itself.
    pub const ON_TRIAL: u16 = 1 << 9;
}

/// Why the node started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u16)]
pub enum Reset {
    /// The board could not tell.
    #[default]
    Unknown = 0,
    /// Power came.
    PowerOn = 1,
    /// The reset line was pulled.
    Pin = 2,
    /// The watchdog was not fed.
    Watchdog = 3,
    /// The software stopped on a fault of its own.
    Panic = 4,
    /// Asked for, by a command or for an update.
    Software = 5,
    /// The supply sagged.
    BrownOut = 6,
}

impl Reset {
    /// Whether nobody asked for this start.
    pub fn unexpected(self) -> bool {
        matches!(self, Self::Watchdog | Self::Panic | Self::BrownOut)
    }
}

/// Kinds of the last fault.
pub mod fault {
    /// None since the record was cleared.
    pub const NONE: u16 = 0;
    /// The software stopped on a fault of its own; code: the address of the instruction after the call
    /// that led to it, in the image whose hash is served.
    pub const PANIC: u16 = 1;
    /// The processor stopped on a fault; code: the address of the instruction.
    pub const EXCEPTION: u16 = 2;
    /// The watchdog was not fed; code: bit 0 the bus was not polled, bit 1 no input was sampled, 0 nobody knows.
    pub const WATCHDOG: u16 = 3;
    /// The self-test failed; code: a bit for each part, see `self_test`.
    pub const SELF_TEST: u16 = 4;
    /// The non-volatile memory refused a write or read back another.
    pub const STORE: u16 = 5;
}

/// Parts of the self-test, as bits.
pub mod self_test {
    /// The MAC does not give the known answer.
    pub const MAC: u32 = 1 << 0;
    /// The arithmetic of the inputs does not give the known answer.
    pub const ARITHMETIC: u32 = 1 << 1;
    /// The CRC of the bus does not give the known answer.
    pub const CRC: u32 = 1 << 2;
    /// The non-volatile memory could not be read, or neither copy of the configuration is whole.
    pub const STORE: u32 = 1 << 3;
}

/// Words for the command register.
pub mod command {
    /// Starts anew.
    pub const RESTART: u16 = 1;
    /// Sets the bus counters and the longest turnaround to zero.
    pub const CLEAR_COUNTERS: u16 = 2;
    /// Forgets the last fault.
    pub const CLEAR_FAULT: u16 = 3;
    /// Forgets what has been received of an image and takes windows from 0 on; exception 04 on trial, when an image is
    /// about to be started, and where the node takes no updates.
    pub const BEGIN_UPDATE: u16 = 4;
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{string::String, vec::Vec};

    #[test]
    fn the_readme_shows_this_map() {
        let code: Vec<_> = include_str!("map.rs")
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        let text = code.join("\n");
        let readme = include_str!("../../../firmware/README.md");
        let blocks: Vec<&str> = text.split("```text\n").skip(1).filter_map(|it| it.split("\n```").next()).collect();
        assert_eq!(blocks.len(), 2);
        for block in blocks {
            let lost: Vec<String> = block.lines().filter(|line| !readme.contains(line)).map(String::from).collect();
            assert!(readme.contains(block), "firmware/README.md lacks {lost:#?}");
        }
    }
}
