//! What the node tries on itself before it measures. RAM and flash are the board's to try.

use tidewaiter_drivers::modbus::rtu;
use tidewaiter_node::{block::NodeKey, map::self_test};

use crate::input::known_answer;

/// HMAC-SHA-256 of the text below under the key 00 01 … 1f, from Python's hmac and hashlib.
const KNOWN_MAC: [u8; 32] = [
    0x42, 0x62, 0xd7, 0x6f, 0x0d, 0x69, 0x63, 0xe4, 0xc3, 0x5b, 0x31, 0xd3, 0x6a, 0xa7, 0xb3, 0x56, 0x9e, 0xf5, 0xd5,
    0x3e, 0x34, 0x6b, 0xb6, 0x64, 0x46, 0xa0, 0xe4, 0x60, 0x98, 0xcc, 0xc6, 0xea,
];

/// The parts that failed, as bits of [`self_test`]; the store says for itself how it is.
// Out of line: its stack is needed nowhere else.
#[inline(never)]
pub(crate) fn run() -> u32 {
    let key = NodeKey::new(core::array::from_fn(|at| u8::try_from(at).unwrap_or_default()));
    let mac = key.mac(b"tidewaiter self-test\0", &[b"abc"]) == KNOWN_MAC;
    // The check value of CRC-16/MODBUS
    let crc = rtu::crc16(b"123456789") == 0x4B37;
    let failed = |holds: bool, bit: u32| if holds { 0 } else { bit };
    failed(mac, self_test::MAC) | failed(known_answer(), self_test::ARITHMETIC) | failed(crc, self_test::CRC)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_sound_node_passes() {
        assert_eq!(super::run(), 0);
    }
}
