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
/// Words around the security counter and before the hash, least significant byte first, and where they are in the entries.
const ENTRIES: [(u32, u32); 4] = [(0, 0x000c_6908), (4, 0x0004_0050), (12, 0x0028_6907), (16, 0x0020_0010)];
const COUNTER_AT: u32 = 8;
/// Where the hash ends that is computed, and where the one to hold it against begins.
const PLAIN_AT: u32 = 12;
const HASH_AT: u32 = 20;
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
    /// Reads what the image at the start of a partition says, at most `most` bytes long; its hash is not computed.
    ///
    /// # Errors
    ///
    /// [`ImageError::Flash`] and [`ImageError::Shape`].
    pub fn read<F: ReadNorFlash>(flash: &mut F, most: u32) -> Result<Self, ImageError> {
        let lengths = word(flash, 8)?;
        let entry = lengths & 0xffff;
        let entries = entry.checked_add(word(flash, 12)?);
        let ends = entries.and_then(|entries| Some((entries, entries.checked_add(ENTRIES_BYTES)?)));
        let Some((entries, length)) = ends.filter(|(_, length)| *length <= most) else { return Err(ImageError::Shape) };
        if word(flash, 0)? != MAGIC || entry < HEADER || lengths >> 16 != PLAIN_AT {
            return Err(ImageError::Shape);
        }
        for (at, right) in ENTRIES {
            if word(flash, entries.saturating_add(at))? != right {
                return Err(ImageError::Shape);
            }
        }
        let security_counter = word(flash, entries.saturating_add(COUNTER_AT))?;
        let mut hash = [0; 32];
        flash.read(entries.saturating_add(HASH_AT), &mut hash).map_err(|_| ImageError::Flash)?;
        Ok(Self { entry, length, security_counter, hash })
    }

    /// As [`Self::read`], and computes its hash: a few milliseconds for each ten kilobytes.
    ///
    /// # Errors
    ///
    /// See [`ImageError`].
    pub fn verify<F: ReadNorFlash>(flash: &mut F, most: u32) -> Result<Self, ImageError> {
        let image = Self::read(flash, most)?;
        let end = image.length.saturating_sub(ENTRIES_BYTES - PLAIN_AT);
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

#[inline(never)]
fn word<F: ReadNorFlash>(flash: &mut F, at: u32) -> Result<u32, ImageError> {
    let mut bytes = [0; 4];
    flash.read(at, &mut bytes).map_err(|_| ImageError::Flash)?;
    Ok(u32::from_le_bytes(bytes))
}
