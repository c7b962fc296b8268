//! The sealed blocks in the raw bytes of a poll.
//!
//! The bytes are whole answers, one behind the other, as they came: the frames of Modbus RTU, or of Modbus/TCP with their
//! header. Beside the block there may be answers about the identity of the instrument, or a probe's.
//!
//! ```text
//! RTU   unit  03|04  5E  block (94 bytes)  CRC
//! TCP   transaction (2)  0000  0061  unit  03|04  5E  block (94 bytes)
//! ```

use tidewaiter_drivers::modbus::crc16;
use tidewaiter_node::block::BYTES;

/// Bytes before the block in an RTU frame: unit, function, length.
const RTU_HEAD: usize = 3;
/// The same in an ADU of Modbus/TCP.
const TCP_HEAD: usize = 9;
/// Length that a header of Modbus/TCP announces: unit, function, length, block.
const TCP_LENGTH: [u8; 2] = [0, 97];

/// The blocks, in the order in which they came. A frame of another length, or with a check that does not hold, has none.
pub fn blocks(raw: &[u8]) -> Vec<&[u8; BYTES]> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|it| it.len() >= RTU_HEAD + BYTES) {
        if let Some((block, length)) = tcp(rest).or_else(|| rtu(rest)) {
            found.push(block);
            at += length;
        } else {
            at += 1;
        }
    }
    found
}

fn rtu(bytes: &[u8]) -> Option<(&[u8; BYTES], usize)> {
    let length = RTU_HEAD + BYTES + 2;
    let (body, check) = bytes.get(..length)?.split_last_chunk::<2>()?;
    let block = answer(body.get(1..)?)?;
    (crc16(body) == u16::from_le_bytes(*check)).then_some((block, length))
}

fn tcp(bytes: &[u8]) -> Option<(&[u8; BYTES], usize)> {
    let length = TCP_HEAD + BYTES;
    let adu = bytes.get(..length)?;
    let (head, rest) = adu.split_at_checked(TCP_HEAD - 2)?;
    let [_, _, 0, 0, high, low, _unit] = *head else { return None };
    ([high, low] == TCP_LENGTH).then(|| answer(rest).map(|block| (block, length)))?
}

/// Function, length and block; what begins otherwise than a block is some other register's answer.
fn answer(bytes: &[u8]) -> Option<&[u8; BYTES]> {
    let [3 | 4, length, block @ ..] = bytes else { return None };
    let block: &[u8; BYTES] = block.try_into().ok()?;
    (usize::from(*length) == BYTES && block.starts_with(b"TW")).then_some(block)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn block(last: u8) -> [u8; BYTES] {
        let mut block = [0x33; BYTES];
        (block[0], block[1], block[BYTES - 1]) = (b'T', b'W', last);
        block
    }

    pub(crate) fn rtu_frame(block: &[u8; BYTES]) -> Vec<u8> {
        let mut frame = vec![1, 4, 94];
        frame.extend(block);
        let check = crc16(&frame).to_le_bytes();
        frame.extend(check);
        frame
    }

    fn tcp_frame(block: &[u8; BYTES]) -> Vec<u8> {
        let mut frame = vec![0xAB, 0xCD, 0, 0, 0, 97, 1, 4, 94];
        frame.extend(block);
        frame
    }

    #[test]
    fn blocks_are_found_in_whole_frames_and_nowhere_else() {
        let (one, two) = (block(1), block(2));
        let identity = [1, 0x2B, 0x0E, 1, 1, 0, 0, 1, 0, 2, b'T', b'W', 0x12, 0x34];
        let check = |raw: &[u8], expected: &[u8]| {
            let found: Vec<u8> = blocks(raw).iter().map(|it| it[BYTES - 1]).collect();
            assert_eq!(found, expected, "{} bytes", raw.len());
        };
        for frame in [rtu_frame, tcp_frame] {
            check(&frame(&one), &[1]);
            check(&[frame(&one), identity.to_vec(), frame(&two)].concat(), &[1, 2]);
            check(&[identity.to_vec(), frame(&one)].concat(), &[1]);
            check(&frame(&one)[1..], &[]);
            let whole = frame(&one);
            for length in 0..whole.len() {
                check(&whole[..length], &[]);
            }
        }
        let mut wrong = rtu_frame(&one);
        *wrong.last_mut().unwrap() ^= 1;
        check(&wrong, &[]);
        let mut shorter = tcp_frame(&one);
        shorter[5] = 96;
        check(&shorter, &[]);
        let mut function = rtu_frame(&one);
        function[1] = 6;
        check(&function, &[]);
        check(&one, &[]);
        check(&[0; 4096], &[]);
    }
}
