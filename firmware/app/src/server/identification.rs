//! Function 43/14, Read Device Identification (MODBUS Application Protocol V1.1b3, 6.21).
//!
//! ```text
//! request   2b 0e code object
//! reply     2b 0e code 83 more next count { object length text }…
//! ```
//!
//! Codes 1, 2 and 3 stream the basic, regular and extended objects from one object on, 4 asks for one. All of them fit
//! into one reply, so none ever follows.

use heapless::Vec;
use tidewaiter_drivers::modbus::rtu::MAX_ADU_BYTES;

use super::{ENCAPSULATED, Exception, close};

const DEVICE_IDENTIFICATION: u8 = 0x0E;
/// Extended objects, streamed and one by one.
const CONFORMITY: u8 = 0x83;

const VENDOR: u8 = 0x00;
const PRODUCT: u8 = 0x01;
const REVISION: u8 = 0x02;
const PRODUCT_NAME: u8 = 0x04;
const SERIAL: u8 = 0x80;
const HASH: u8 = 0x81;

/// Every object there is, in the order it is sent.
const OBJECTS: [u8; 6] = [VENDOR, PRODUCT, REVISION, PRODUCT_NAME, SERIAL, HASH];

/// Who a node is.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Software identification.
    pub software: &'a str,
    /// Serial number, 8 bytes of ASCII; all zero before manufacture.
    pub serial: [u8; 8],
    /// SHA-256 of the software that runs.
    pub hash: &'a [u8; 32],
}

/// Writes the reply to what stands behind the function code.
pub(super) fn reply(
    data: &[u8],
    identity: &Identity<'_>,
    unit: u8,
    reply: &mut Vec<u8, MAX_ADU_BYTES>,
) -> Result<(), Exception> {
    let &[kind, code, first] = data else {
        // Another transport within function 43 is a function that is not served.
        return Err(if data.first() == Some(&DEVICE_IDENTIFICATION) { Exception::Value } else { Exception::Function });
    };
    if kind != DEVICE_IDENTIFICATION {
        return Err(Exception::Function);
    }
    let known = matches!(first, VENDOR..=REVISION | PRODUCT_NAME | SERIAL | HASH);
    let last = match code {
        1 => REVISION,
        2 => 0x7F,
        3 => 0xFF,
        4 if known => first,
        4 => return Err(Exception::Address),
        _ => return Err(Exception::Value),
    };
    // A stream from an object that is not there begins anew.
    let first = if known && first <= last { first } else { VENDOR };
    let head = [unit, ENCAPSULATED, DEVICE_IDENTIFICATION, code, CONFORMITY, 0, 0, 0];
    reply.extend_from_slice(&head).map_err(|_| Exception::Failure)?;
    for object in OBJECTS {
        if (first..=last).contains(&object) {
            put(object, identity, reply)?;
            // The last byte of the head says how many there are.
            if let Some(count) = reply.get_mut(head.len() - 1) {
                *count = count.wrapping_add(1);
            }
        }
    }
    close(reply);
    Ok(())
}

fn put(object: u8, identity: &Identity<'_>, reply: &mut Vec<u8, MAX_ADU_BYTES>) -> Result<(), Exception> {
    let mut hex = [0; 64];
    let text: &[u8] = match object {
        VENDOR => b"Tidewaiter",
        PRODUCT => b"TW-NODE-1",
        REVISION => identity.software.as_bytes(),
        PRODUCT_NAME => b"Instrument node",
        SERIAL => {
            let end = identity.serial.iter().position(|&byte| byte == 0);
            identity.serial.get(..end.unwrap_or(identity.serial.len())).unwrap_or_default()
        }
        _ => {
            let digit =
                |nibble: u8| if nibble < 10 { b'0'.wrapping_add(nibble) } else { b'a'.wrapping_add(nibble - 10) };
            for (pair, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(identity.hash) {
                *pair = [digit(byte >> 4), digit(byte & 15)];
            }
            hex.as_slice()
        }
    };
    // A text is cut rather than the reply spoilt; none of ours is that long.
    let text = text.get(..64).unwrap_or(text);
    let head = [object, u8::try_from(text.len()).unwrap_or(0)];
    reply.extend_from_slice(&head).and_then(|()| reply.extend_from_slice(text)).map_err(|_| Exception::Failure)
}
