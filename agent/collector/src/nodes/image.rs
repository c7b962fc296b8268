//! The image of a node's firmware, in the layout of `MCUboot`, as far as the centre vouches for it.
//!
//! ```text
//! header (magic 96f3b83d, …)   code   protected entries (0x50 security counter)   entries (0x10 SHA-256 over all before)
//! ```
//!
//! The order is a MAC with the node's key: the node cannot check a public-key signature in the memory it has, so the centre
//! checks that of the release and vouches for the image to each node.

use sha2::{Digest as _, Sha256};
use tidewaiter_node::{
    block::{MAC_BYTES, NodeKey},
    update::order_mac,
};

use super::SERIAL_BYTES;

const MAGIC: [u8; 4] = 0x96f3_b83d_u32.to_le_bytes();
const PLAIN: u16 = 0x6907;
const PROTECTED: u16 = 0x6908;
const SECURITY_COUNTER: u16 = 0x50;
const SHA256: u16 = 0x10;

/// An image whose own hash is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Bytes of the whole file.
    pub length: u32,
    /// Its security counter: a node takes none below its own.
    pub security_counter: u32,
    /// SHA-256 over header, code and protected entries.
    pub hash: [u8; 32],
}

/// Why bytes are no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Lengths or magic numbers.
    #[error("this is no image in MCUboot's layout")]
    Shape,
    /// Bytes after the last entry.
    #[error("{0} bytes follow the image")]
    Trailing(usize),
    /// No security counter.
    #[error("the image has no security counter; give imgtool --security-counter")]
    SecurityCounter,
    /// Its hash is of something else.
    #[error("the hash in the image is not that of its content")]
    Hash,
}

impl Image {
    /// Reads an image file and checks its own hash.
    ///
    /// # Errors
    ///
    /// An [`ImageError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ImageError> {
        let word = |at: usize| Some(usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)));
        let long = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let shape = ImageError::Shape;
        if !bytes.starts_with(&MAGIC) {
            return Err(shape);
        }
        let (header, protected) = (word(8).ok_or(shape)?, word(10).ok_or(shape)?);
        let code = usize::try_from(long(12).ok_or(shape)?).map_err(|_| shape)?;
        let entries = header.checked_add(code).ok_or(shape)?;
        let plain = entries.checked_add(protected).ok_or(shape)?;
        if header < 32 {
            return Err(shape);
        }
        let (rest, hash) = run(bytes.get(plain..).ok_or(shape)?, PLAIN, SHA256)?;
        if rest != 0 {
            return Err(ImageError::Trailing(rest));
        }
        let covered = bytes.get(..plain).ok_or(shape)?;
        let hash: [u8; 32] = hash.and_then(|it| it.try_into().ok()).ok_or(ImageError::Hash)?;
        if hash != <[u8; 32]>::from(Sha256::digest(covered)) {
            return Err(ImageError::Hash);
        }
        if protected == 0 {
            return Err(ImageError::SecurityCounter);
        }
        let (rest, counter) = run(covered.get(entries..).ok_or(shape)?, PROTECTED, SECURITY_COUNTER)?;
        let counter: [u8; 4] = counter.and_then(|it| it.try_into().ok()).ok_or(ImageError::SecurityCounter)?;
        if rest != 0 {
            return Err(shape);
        }
        let length = u32::try_from(bytes.len()).map_err(|_| shape)?;
        Ok(Self { length, security_counter: u32::from_le_bytes(counter), hash })
    }

    /// The MAC of the order to run it: over serial number, length, security counter and hash.
    pub fn order(&self, key: &NodeKey, serial: &[u8; SERIAL_BYTES]) -> [u8; MAC_BYTES] {
        order_mac(key, serial, self.length, self.security_counter, &self.hash)
    }
}

/// A run of entries: how many bytes follow it, and the content of the entry wanted.
fn run(bytes: &[u8], magic: u16, wanted: u16) -> Result<(usize, Option<&[u8]>), ImageError> {
    let shape = ImageError::Shape;
    let word = |bytes: &[u8], at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    if word(bytes, 0) != Some(magic) {
        return Err(shape);
    }
    let length = usize::from(word(bytes, 2).ok_or(shape)?);
    let (all, rest) = bytes.split_at_checked(length).ok_or(shape)?;
    let mut entries = all.get(4..).ok_or(shape)?;
    let mut found = None;
    while !entries.is_empty() {
        let kind = word(entries, 0).ok_or(shape)?;
        let length = usize::from(word(entries, 2).ok_or(shape)?);
        let (content, next) = entries.get(4..).and_then(|it| it.split_at_checked(length)).ok_or(shape)?;
        if kind == wanted && found.is_none() {
            found = Some(content);
        }
        entries = next;
    }
    Ok((rest.len(), found))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn image(counter: Option<u32>) -> Vec<u8> {
        let code = [0xC0; 100];
        let mut protected = Vec::new();
        if let Some(counter) = counter {
            protected.extend([0x08, 0x69, 12, 0, 0x50, 0, 4, 0]);
            protected.extend(counter.to_le_bytes());
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend([0; 4]);
        bytes.extend([32, 0, u8::try_from(protected.len()).unwrap(), 0, 100, 0, 0, 0]);
        bytes.resize(32, 0);
        bytes.extend(code);
        bytes.extend(protected);
        let hash = Sha256::digest(&bytes);
        bytes.extend([0x07, 0x69, 40, 0, 0x10, 0, 32, 0]);
        bytes.extend(hash);
        bytes
    }

    #[test]
    fn an_image_is_vouched_for_only_when_it_is_whole() {
        let good = image(Some(7));
        let read = Image::read(&good).unwrap();
        assert_eq!((read.length, read.security_counter), (u32::try_from(good.len()).unwrap(), 7));
        assert_eq!(Image::read(&image(None)), Err(ImageError::SecurityCounter));
        assert_eq!(Image::read(&[good.as_slice(), &[0]].concat()), Err(ImageError::Trailing(1)));
        for length in 0..good.len() {
            assert!(Image::read(&good[..length]).is_err(), "{length}");
        }
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            assert!(Image::read(&flipped).is_err(), "byte {at}");
        }
    }

    // From Python: hmac.new(bytes(range(32)), b"tidewaiter node update 1\0" + b"TWN00001" + struct.pack(">II", 4096, 3)
    // + hashlib.sha256(b"image").digest(), hashlib.sha256).hexdigest()[:32]
    #[test]
    fn the_order_is_what_any_language_computes() {
        let key = NodeKey::new(core::array::from_fn(|at| u8::try_from(at).unwrap()));
        let image = Image { length: 4096, security_counter: 3, hash: Sha256::digest(b"image").into() };
        assert_eq!(hex::encode(image.order(&key, b"TWN00001")), "78f601c8e1af493713194873f0d7ac60");
        assert_ne!(image.order(&key, b"TWN00002"), image.order(&key, b"TWN00001"));
    }
}
