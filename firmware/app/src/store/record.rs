//! A copy of a record in the EEPROM, and which of its copies holds.
//!
//! ```text
//! 0     kind, a letter
//! 1     version (1)
//! 2..3  length of the content
//! 4..7  generation, from 1; the whole copy with the greatest holds
//! 8..   content
//! ..    CRC-32 over everything before it (ISO-HDLC: polynomial 04c11db7 reflected, start and end ffffffff)
//! ```

use embedded_storage::{ReadStorage, Storage};

use super::StoreError;

/// A kind of record and where its copies lie.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    tag: u8,
    length: u16,
    /// Address of copy 0.
    first: u32,
    /// Bytes from one copy to the next, whole pages.
    stride: u32,
    /// Number of copies.
    pub(super) copies: u32,
}

#[cfg(test)]
impl Kind {
    /// The pages a copy touches.
    pub(super) fn pages(self, copy: u32) -> core::ops::Range<usize> {
        let first = self.at(copy) as usize;
        let length = HEAD + usize::from(self.length) + TAIL;
        assert!(first.is_multiple_of(32) && length <= self.stride as usize);
        first / 32..(first + length).div_ceil(32)
    }

    /// Bytes under the CRC.
    pub(super) fn body(self) -> usize {
        HEAD + usize::from(self.length)
    }

    /// The head of a copy.
    pub(super) fn head(self, generation: u32) -> [u8; HEAD] {
        let ([l1, l0], [g3, g2, g1, g0]) = (self.length.to_be_bytes(), generation.to_be_bytes());
        [self.tag, VERSION, l1, l0, g3, g2, g1, g0]
    }
}

pub(super) const IDENTITY: Kind = Kind { tag: b'I', length: 40, first: 0x000, stride: 0x40, copies: 2 };
pub(super) const BUS: Kind = Kind { tag: b'B', length: 8, first: 0x080, stride: 0x20, copies: 2 };
pub(super) const FAULT: Kind = Kind { tag: b'F', length: 16, first: 0x0c0, stride: 0x20, copies: 4 };
pub(super) const LIFE: Kind = Kind { tag: b'L', length: 20, first: 0x140, stride: 0x20, copies: 16 };
pub(super) const UPDATE: Kind = Kind { tag: b'U', length: 8, first: 0x340, stride: 0x20, copies: 4 };
pub(super) const CONFIGURATION: Kind = Kind { tag: b'C', length: 84, first: 0x400, stride: 0x80, copies: 2 };

const VERSION: u8 = 1;
const HEAD: usize = 8;
const TAIL: usize = 4;
/// The longest copy: a configuration, three pages.
const MOST: usize = HEAD + 84 + TAIL;

impl Kind {
    /// Address of a copy.
    fn at(self, copy: u32) -> u32 {
        self.first.wrapping_add(copy.wrapping_mul(self.stride))
    }

    /// Bytes of a copy.
    fn framed(self) -> usize {
        HEAD + usize::from(self.length) + TAIL
    }

    /// Where the CRC stands in a copy.
    fn crc_at(self) -> u32 {
        8 + u32::from(self.length)
    }
}

/// Bytes read back at a time.
const BACK: usize = 16;
const BACK_U32: u32 = 16;

/// What stands in the place of a copy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole copy of this generation.
    Whole(u32),
    /// Never written: all ones or all zeros.
    Blank,
    /// Written, and not whole.
    Broken,
    /// The memory does not answer.
    Unreadable,
}

/// CRC-32 (ISO-HDLC).
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    // Bit by bit: a table would cost more flash than the microseconds are worth.
    !bytes.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
        crc
    })
}

/// Whether bytes are all the same one.
pub(crate) fn is_all(bytes: &[u8], value: u8) -> bool {
    bytes.iter().all(|byte| *byte == value)
}

/// Reads a copy; `content`, as much of it as is wanted, is filled if it is whole.
pub(super) fn read<S: ReadStorage>(kind: Kind, memory: &mut S, copy: u32, content: &mut [u8]) -> Found {
    let mut buffer = [0; MOST];
    let mut found = Found::Unreadable;
    // A second look: a bit lost on the way from the memory is no lost record.
    for _ in 0..2 {
        let Some(framed) = buffer.get_mut(..kind.framed()) else { return Found::Broken };
        found = match memory.read(kind.at(copy), framed) {
            Err(_) => Found::Unreadable,
            Ok(()) => parse(kind, framed, content),
        };
        if matches!(found, Found::Whole(_) | Found::Blank) {
            break;
        }
    }
    found
}

fn parse(kind: Kind, framed: &[u8], content: &mut [u8]) -> Found {
    if is_all(framed, 0xff) || is_all(framed, 0) {
        return Found::Blank;
    }
    let Some((body, crc)) = framed.split_last_chunk::<TAIL>() else { return Found::Broken };
    let Some(([tag, version, l1, l0, g3, g2, g1, g0], inner)) = body.split_first_chunk::<HEAD>() else {
        return Found::Broken;
    };
    let generation = u32::from_be_bytes([*g3, *g2, *g1, *g0]);
    if crc32(body) != u32::from_be_bytes(*crc)
        || *tag != kind.tag
        || *version != VERSION
        || u16::from_be_bytes([*l1, *l0]) != kind.length
        || generation == 0
    {
        return Found::Broken;
    }
    content.iter_mut().zip(inner).for_each(|(to, from)| *to = *from);
    Found::Whole(generation)
}

/// Writes a copy and reads it back.
// Out of line: its buffer is needed nowhere else.
#[inline(never)]
pub(super) fn write<S: Storage>(
    kind: Kind,
    memory: &mut S,
    copy: u32,
    generation: u32,
    content: &[u8],
) -> Result<(), StoreError> {
    let mut buffer = [0; MOST];
    let framed = buffer.get_mut(..kind.framed()).ok_or(StoreError::Refused)?;
    let (body, crc) = framed.split_last_chunk_mut::<TAIL>().ok_or(StoreError::Refused)?;
    let (head, inner) = body.split_first_chunk_mut::<HEAD>().ok_or(StoreError::Refused)?;
    let [l1, l0] = kind.length.to_be_bytes();
    let [g3, g2, g1, g0] = generation.to_be_bytes();
    *head = [kind.tag, VERSION, l1, l0, g3, g2, g1, g0];
    inner.iter_mut().zip(content).for_each(|(to, from)| *to = *from);
    *crc = crc32(body).to_be_bytes();
    let at = kind.at(copy);
    // What a cut left of an earlier attempt may lack a single byte, and this one, torn after that byte, would complete
    // it: a change nobody asked for this time. So its CRC goes first.
    if read(kind, memory, copy, &mut []) == Found::Broken {
        let _ = memory.write(at.wrapping_add(kind.crc_at()), &[0; TAIL]);
    }
    // An error is not the last word: the memory may have taken everything and lost its acknowledgement.
    let _ = memory.write(at, framed);
    let mut from = at;
    for part in framed.chunks(BACK) {
        let mut back = [0; BACK];
        let back = back.get_mut(..part.len()).ok_or(StoreError::Refused)?;
        if memory.read(from, back).is_err() || back != part {
            return Err(StoreError::Refused);
        }
        from = from.wrapping_add(BACK_U32);
    }
    Ok(())
}

/// Which copy of a record holds.
#[derive(Clone, Copy, Default)]
pub(super) struct Newest {
    copy: u32,
    /// Its generation; 0 while there is none.
    generation: u32,
    /// Another copy is broken or behind.
    uneven: bool,
}

impl Newest {
    /// Looks through all copies; `content` is that of the newest.
    pub(super) fn open<S: ReadStorage>(kind: Kind, memory: &mut S, content: &mut [u8]) -> Self {
        let mut newest = Self::default();
        let mut ahead = 0;
        for copy in 0..kind.copies {
            match read(kind, memory, copy, content) {
                Found::Whole(generation) if generation > newest.generation => {
                    newest = Self { copy, generation, uneven: false };
                }
                _ => {}
            }
        }
        for copy in 0..kind.copies {
            if copy != newest.copy && read(kind, memory, copy, content) != Found::Whole(newest.generation) {
                ahead += 1;
            }
        }
        newest.uneven = ahead > 0;
        if newest.is_whole() && read(kind, memory, newest.copy, content) != Found::Whole(newest.generation) {
            // It was whole a moment ago: a memory that changes its mind is not believed.
            return Self::default();
        }
        newest
    }

    /// Whether there is a whole copy.
    pub(super) fn is_whole(&self) -> bool {
        self.generation != 0
    }

    /// Reads the copy that holds.
    pub(super) fn copy<S: ReadStorage>(&self, kind: Kind, memory: &mut S, content: &mut [u8]) -> bool {
        self.is_whole() && read(kind, memory, self.copy, content) == Found::Whole(self.generation)
    }

    fn after(&self, kind: Kind) -> u32 {
        if self.is_whole() { (self.copy + 1) % kind.copies } else { 0 }
    }

    /// Writes new content over the oldest copy, which holds from then on.
    pub(super) fn replace<S: Storage>(&mut self, kind: Kind, memory: &mut S, content: &[u8]) -> Result<(), StoreError> {
        let generation = self.generation.checked_add(1).ok_or(StoreError::Exhausted)?;
        let copy = self.after(kind);
        write(kind, memory, copy, generation, content)?;
        *self = Self { copy, generation, uneven: true };
        Ok(())
    }

    /// Writes the content that holds over the next copy too.
    pub(super) fn repeat<S: Storage>(&mut self, kind: Kind, memory: &mut S, content: &[u8]) -> Result<(), StoreError> {
        write(kind, memory, self.after(kind), self.generation, content)?;
        self.uneven = false;
        Ok(())
    }

    /// Makes the other of two copies good, if it is not. Says whether there was something to mend.
    pub(super) fn mend<S: Storage>(&mut self, kind: Kind, memory: &mut S, content: &[u8]) -> Result<bool, StoreError> {
        let uneven = self.uneven;
        if uneven {
            self.repeat(kind, memory, content)?;
        }
        Ok(uneven)
    }
}
