//! An image in `MCUboot`'s layout, so that `imgtool` makes and reads it.
//!
//! ```text
//! 0        header, 32 bytes, least significant byte first: magic 96f3b83d, load address, length of header (2), length
//!          of the protected entries (2), length of the code (4), flags, version (8), zero
//! header   code, vector table first
//!          protected entries: magic 6908 (2), length with these four bytes (2); entries: type (2), length (2), content
//!                             0x50 security counter (4)
//!          entries: magic 6907 (2), length (2)
//!                             0x10 SHA-256 over everything before these entries (32)
//! ```

use embedded_storage::nor_flash::ReadNorFlash;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

const MAGIC: u32 = 0x96f3_b83d;
const HEADER: u32 = 32;
const PROTECTED: u16 = 0x6908;
const PLAIN: u16 = 0x6907;
/// Both kinds of entries begin with magic and length.
const ENTRIES_HEAD: u32 = 4;
const ENTRY_HEAD: u32 = 4;
const SECURITY_COUNTER: u16 = 0x50;
const SHA256: u16 = 0x10;
/// Bytes hashed at a time.
const CHUNK: usize = 64;

/// Why bytes are no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ImageError {
    /// The flash does not answer.
    #[error("the flash does not answer")]
    Flash,
    /// Other first bytes, or lengths that do not fit each other.
    #[error("this is no image")]
    Shape,
    /// No security counter among the protected entries.
    #[error("the image has no security counter")]
    SecurityCounter,
    /// No hash, or the hash of something else.
    #[error("the hash of the image is another")]
    Hash,
}

/// An image whose hash is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Where the code begins, from the start of the image.
    pub entry: u32,
    /// Bytes of the whole file.
    pub length: u32,
    /// Its security counter.
    pub security_counter: u32,
    /// Its SHA-256.
    pub hash: [u8; 32],
}

/// The check of an image, a piece at a time.
pub struct Check {
    hash: Sha256,
    at: u32,
    entry: u32,
    /// Where the protected entries begin.
    protected: u32,
    /// Where the plain entries begin, and the hash ends.
    plain: u32,
    length: u32,
}

fn take<const N: usize, F: ReadNorFlash>(flash: &mut F, at: u32) -> Result<[u8; N], ImageError> {
    let mut bytes = [0; N];
    flash.read(at, &mut bytes).map_err(|_| ImageError::Flash)?;
    Ok(bytes)
}

/// Magic and end of a run of entries.
fn entries<F: ReadNorFlash>(flash: &mut F, at: u32, most: u32) -> Result<(u16, u32), ImageError> {
    if at.checked_add(ENTRIES_HEAD).is_none_or(|end| end > most) {
        return Err(ImageError::Shape);
    }
    let [m0, m1, l0, l1] = take(flash, at)?;
    let end = at.checked_add(u32::from(u16::from_le_bytes([l0, l1]))).ok_or(ImageError::Shape)?;
    if end > most {
        return Err(ImageError::Shape);
    }
    Ok((u16::from_le_bytes([m0, m1]), end))
}

/// The content of the one entry of a type. All entries are walked: they must fill their run exactly.
fn find<const N: usize, F: ReadNorFlash>(
    flash: &mut F,
    from: u32,
    end: u32,
    wanted: u16,
) -> Result<Option<[u8; N]>, ImageError> {
    let mut at = from.checked_add(ENTRIES_HEAD).ok_or(ImageError::Shape)?;
    let mut found = None;
    while at < end {
        let content = at.checked_add(ENTRY_HEAD).filter(|content| *content <= end).ok_or(ImageError::Shape)?;
        let [t0, t1, l0, l1] = take(flash, at)?;
        let length = u16::from_le_bytes([l0, l1]);
        at = content.checked_add(u32::from(length)).filter(|next| *next <= end).ok_or(ImageError::Shape)?;
        if u16::from_le_bytes([t0, t1]) == wanted {
            if usize::from(length) != N || found.is_some() {
                return Err(ImageError::Shape);
            }
            found = Some(take(flash, content)?);
        }
    }
    Ok(found)
}

impl Check {
    /// Reads the lengths of an image of at most `most` bytes at the start of a partition.
    ///
    /// # Errors
    ///
    /// [`ImageError::Flash`] and [`ImageError::Shape`].
    pub fn new<F: ReadNorFlash>(flash: &mut F, most: u32) -> Result<Self, ImageError> {
        let most = most.min(u32::try_from(flash.capacity()).unwrap_or(u32::MAX));
        if most < HEADER {
            return Err(ImageError::Shape);
        }
        let [m0, m1, m2, m3, _, _, _, _, h0, h1, p0, p1, b0, b1, b2, b3] = take(flash, 0)?;
        let entry = u32::from(u16::from_le_bytes([h0, h1]));
        if u32::from_le_bytes([m0, m1, m2, m3]) != MAGIC || entry < HEADER {
            return Err(ImageError::Shape);
        }
        let protected = entry.checked_add(u32::from_le_bytes([b0, b1, b2, b3])).ok_or(ImageError::Shape)?;
        let plain = protected.checked_add(u32::from(u16::from_le_bytes([p0, p1]))).ok_or(ImageError::Shape)?;
        let (magic, length) = entries(flash, plain, most)?;
        if magic != PLAIN {
            return Err(ImageError::Shape);
        }
        Ok(Self { hash: Sha256::new(), at: 0, entry, protected, plain, length })
    }

    /// Hashes up to `bytes` more bytes; says what came of it at the end.
    pub fn step<F: ReadNorFlash>(&mut self, flash: &mut F, bytes: u32) -> Option<Result<Verified, ImageError>> {
        let until = self.at.saturating_add(bytes).min(self.plain);
        while self.at < until {
            let mut buffer = [0; CHUNK];
            let count = usize::try_from(until - self.at).unwrap_or(CHUNK).min(CHUNK);
            let Some(chunk) = buffer.get_mut(..count) else { return Some(Err(ImageError::Shape)) };
            if flash.read(self.at, chunk).is_err() {
                return Some(Err(ImageError::Flash));
            }
            self.hash.update(chunk);
            self.at = self.at.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
        (self.at >= self.plain).then(|| self.finish(flash))
    }

    /// Hashes everything at once.
    ///
    /// # Errors
    ///
    /// See [`ImageError`].
    pub fn whole<F: ReadNorFlash>(mut self, flash: &mut F) -> Result<Verified, ImageError> {
        loop {
            if let Some(verified) = self.step(flash, u32::MAX) {
                return verified;
            }
        }
    }

    fn finish<F: ReadNorFlash>(&mut self, flash: &mut F) -> Result<Verified, ImageError> {
        let hash: [u8; 32] = core::mem::take(&mut self.hash).finalize().into();
        if find(flash, self.plain, self.length, SHA256)? != Some(hash) {
            return Err(ImageError::Hash);
        }
        if self.protected == self.plain {
            return Err(ImageError::SecurityCounter);
        }
        let (magic, end) = entries(flash, self.protected, self.plain)?;
        if magic != PROTECTED || end != self.plain {
            return Err(ImageError::Shape);
        }
        let counter = find(flash, self.protected, end, SECURITY_COUNTER)?.ok_or(ImageError::SecurityCounter)?;
        Ok(Verified { entry: self.entry, length: self.length, security_counter: u32::from_le_bytes(counter), hash })
    }
}
