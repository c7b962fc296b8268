//! What the centre and a node share about updates: the MAC of an order.
//!
//! A node runs a new image on an order of the centre alone. The centre checks the signature of the release and then
//! vouches for the image to one node, with the key it shares with it.
//!
//! The image file has `MCUboot`'s layout. Its length is that of the file; its security counter stands in the protected
//! entry 0x50; its hash is the SHA-256 in entry 0x10, over everything before the unprotected entries, as
//! `imgtool dumpinfo` shows it.

use crate::block::{MAC_BYTES, NodeKey};

/// The MAC of an order: HMAC-SHA-256 (RFC 2104, FIPS 198-1) under the node's key over the ASCII text
/// `tidewaiter node update 1`, a zero byte, serial number (8), length (4), security counter (4), most significant byte
/// first, and the SHA-256 of the image (32); cut to its first 16 bytes.
pub fn order_mac(
    key: &NodeKey,
    serial: &[u8; 8],
    length: u32,
    security_counter: u32,
    image: &[u8; 32],
) -> [u8; MAC_BYTES] {
    let parts: [&[u8]; 4] = [serial, &length.to_be_bytes(), &security_counter.to_be_bytes(), image];
    let whole = key.mac(b"tidewaiter node update 1\0", &parts);
    let mut mac = [0; MAC_BYTES];
    mac.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From Python: `hmac.digest(bytes([7] * 32), b'tidewaiter node update 1\0' + b'TWN00001' +
    /// struct.pack('>II', 384, 5) + bytes(range(32)), 'sha256')[:16]`.
    #[test]
    fn mac_is_that_of_the_layout() {
        let image = core::array::from_fn(|at| u8::try_from(at).unwrap_or(0));
        let mac = order_mac(&NodeKey::new([7; 32]), b"TWN00001", 384, 5, &image);
        assert_eq!(hex::encode(mac), "c2411c76e09713c22b7f7c768d4ad011");
    }
}
