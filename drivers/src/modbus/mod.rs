//! Modbus as bytes: check, frames of both transports, and how values lie in registers.
//!
//! The agent's bus task talks through a library; this module is the second opinion on what came back
//! and the codec of the instrument node. Sources: MODBUS Application Protocol Specification V1.1b3 and
//! MODBUS over Serial Line V1.02. Not here: ports, deadlines, retries.

pub mod pdu;
pub mod register;
pub mod rtu;
pub mod tcp;

pub use rtu::crc16;

/// Longest PDU in bytes.
pub const MAX_PDU_BYTES: usize = 253;

/// Most registers one read may ask for (FC 03, 04).
pub const MAX_READ_REGISTERS: u16 = 125;

/// Most registers one write may carry (FC 16).
pub const MAX_WRITE_REGISTERS: u16 = 123;

/// Most coils or discrete inputs one read may ask for (FC 01, 02).
pub const MAX_READ_BITS: u16 = 2000;

/// Bytes of a PDU: function code and data.
pub type Pdu = heapless::Vec<u8, MAX_PDU_BYTES>;

/// Why bytes are not the frame expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer or more bytes than the frame must have.
    #[error("frame has {found} bytes, expected {expected}")]
    Length {
        /// As received.
        found: usize,
        /// As the frame itself or the limits of the protocol demand.
        expected: usize,
    },
    /// The CRC of an RTU frame does not hold.
    #[error("crc is {found:#06x}, expected {expected:#06x}")]
    Crc {
        /// As received.
        found: u16,
        /// As computed.
        expected: u16,
    },
    /// The protocol identifier of a TCP frame is not 0.
    #[error("protocol identifier is {0}, expected 0")]
    Protocol(u16),
    /// The answer is to another function.
    #[error("answer is to function {found:#04x}, expected {expected:#04x}")]
    Function {
        /// As received.
        found: u8,
        /// As asked.
        expected: u8,
    },
    /// The byte count does not fit the number of registers or bits asked for.
    #[error("byte count is {found}, expected {expected}")]
    ByteCount {
        /// As received.
        found: usize,
        /// As asked.
        expected: usize,
    },
    /// The server answered with this exception code.
    #[error("server answered with exception {0:#04x}")]
    Exception(u8),
    /// More is asked for than one frame may carry.
    #[error("{found} asked for at once, the most is {most}")]
    Quantity {
        /// As asked.
        found: u16,
        /// The limit of the function.
        most: u16,
    },
}
