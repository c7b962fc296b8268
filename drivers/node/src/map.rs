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
//!   0x01f0  1  command, see `command`
//! ```

/// Version of the map.
pub const VERSION: u16 = 1;

/// First input register of the sealed block.
pub const BLOCK: u16 = 0x0100;

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
