//! An image in `MCUboot`'s layout, so that `imgtool` makes and reads it.
//!
//! ```text
//! 0        header, 32 bytes, least significant byte first: magic 96f3b83d, load address, length of header (2), length
//!          of the protected entries (2): 12, length of the code (4), flags, version (8), zero
//! header   code, vector table first
//!          protected entries: magic 6908 (2), length with these four bytes (2): 12
//!                             0x50 security counter: type (2), length (2): 4, content (4)
//!          entries: magic 6907 (2), length (2): 40
//!                             0x10 SHA-256 over everything before these entries: type (2), length (2): 32, content (32)
//! ```
//!
//! `MCUboot` allows more entries, in any order. A node is given images of one tool alone, and takes these two and no
//! others: what lies where is then a matter of two lengths.

use embedded_storage::nor_flash::ReadNorFlash;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

const MAGIC: u32 = 0x96f3_b83d;
const HEADER: u32 = 32;
/// What stands before the hash, and where it begins in the entries; what it is of ends there.
const PLAIN: [u8; 8] = [0x07, 0x69, 40, 0, 0x10, 0, 32, 0];
const PLAIN_AT: u32 = 12;
const COUNTER_AT: u32 = 8;
const ENTRIES_BYTES: u32 = 52;
/// Bytes hashed at a time.
const CHUNK: usize = 64;
const CHUNK_U32: u32 = 64;

/// Why bytes are no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ImageError {
    /// The flash does not answer.
    #[error("the flash does not answer")]
    Flash,
    /// Other first bytes, lengths that do not fit each other, or other entries.
    #[error("this is no image")]
    Shape,
    /// The hash of something else.
    #[error("the hash of the image is another")]
    Hash,
}

/// What an image says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where the code begins, from the start of the image.
    pub entry: u32,
    /// Bytes of the whole file.
    pub length: u32,
    /// Its security counter.
    pub security_counter: u32,
    /// Its SHA-256.
    pub hash: [u8; 32],
}

impl Image {
    /// Reads what the image at the start of a partition says, at most `most` bytes long: where its two entries have to
    /// be, and nothing is looked at that [`Self::verify`] would find out.
    ///
    /// # Errors
    ///
    /// [`ImageError::Flash`] and [`ImageError::Shape`].
    pub fn read<F: ReadNorFlash>(flash: &mut F, most: u32) -> Result<Self, ImageError> {
        let mut head = [[0; 4]; 4];
        flash.read(0, head.as_flattened_mut()).map_err(|_| ImageError::Flash)?;
        let [magic, _, [h0, h1, _, _], code] = head;
        let entry = u32::from(u16::from_le_bytes([h0, h1]));
        let entries = entry.saturating_add(u32::from_le_bytes(code));
        let length = entries.saturating_add(ENTRIES_BYTES);
        if u32::from_le_bytes(magic) != MAGIC || length > most || length == u32::MAX {
            return Err(ImageError::Shape);
        }
        let (mut counter, mut hash) = ([0; 4], [0; 32]);
        flash.read(entries.wrapping_add(COUNTER_AT), &mut counter).map_err(|_| ImageError::Flash)?;
        flash.read(length.wrapping_sub(32), &mut hash).map_err(|_| ImageError::Flash)?;
        Ok(Self { entry, length, security_counter: u32::from_le_bytes(counter), hash })
    }

    /// As [`Self::read`], and computes its hash: a few milliseconds for each ten kilobytes.
    ///
    /// # Errors
    ///
    /// See [`ImageError`].
    pub fn verify<F: ReadNorFlash>(flash: &mut F, most: u32) -> Result<Self, ImageError> {
        let image = Self::read(flash, most)?;
        let end = image.length.saturating_sub(ENTRIES_BYTES - PLAIN_AT);
        // The hash is of all before its own entry: what stands there once is known by it. The rest is looked at.
        let (mut lengths, mut plain) = ([0; 4], [0; 8]);
        flash.read(8, &mut lengths).map_err(|_| ImageError::Flash)?;
        flash.read(end, &mut plain).map_err(|_| ImageError::Flash)?;
        if u32::from_le_bytes(lengths) >> 16 != PLAIN_AT || image.entry < HEADER || plain != PLAIN {
            return Err(ImageError::Shape);
        }
        let mut hash = Sha256::new();
        let mut at = 0;
        while at < end {
            let mut buffer = [0; CHUNK];
            let count = (end - at).min(CHUNK_U32);
            let Some(chunk) = buffer.get_mut(..count as usize) else { return Err(ImageError::Shape) };
            flash.read(at, chunk).map_err(|_| ImageError::Flash)?;
            hash.update(chunk);
            at = at.saturating_add(count);
        }
        if <[u8; 32]>::from(hash.finalize()) == image.hash { Ok(image) } else { Err(ImageError::Hash) }
    }
}
