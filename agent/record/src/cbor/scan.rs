//! The one pass over bytes of unknown origin, before anything is taken apart.
//!
//! It neither allocates nor calls itself. What is open is held in a table of [`MAX_DEPTH`] rows; a declared
//! length or count is held against the bytes that are left before it is believed, so an item has never more
//! parts than bytes, and the pass never takes more steps than that.

use super::{CborError, MAX_DEPTH, Reader};

/// An array or a map that is not read to its end.
#[derive(Clone, Copy)]
struct Open {
    /// Items still to come; a map counts its keys and its values.
    left: u64,
    map: bool,
    /// Where the entry that is being read begins.
    key_start: usize,
    /// Where the key before it stands. Empty at first, which is below every encoded key.
    before: (usize, usize),
}

impl Open {
    const NONE: Self = Self { left: 0, map: false, key_start: 0, before: (0, 0) };

    /// A key is awaited, not a value.
    const fn at_key(&self) -> bool {
        self.map && self.left.is_multiple_of(2)
    }
}

/// Steps over one item, checking it and everything inside it.
pub(super) fn item(reader: &mut Reader<'_>) -> Result<(), CborError> {
    let mut open = [Open::NONE; MAX_DEPTH];
    let mut depth = 0_usize;
    loop {
        let start = reader.at;
        if let Some(outer) = depth.checked_sub(1).and_then(|it| open.get_mut(it))
            && outer.at_key()
        {
            outer.key_start = start;
        }
        if let Some((items, map)) = head(reader, start)? {
            let Some(inner) = open.get_mut(depth) else {
                return Err(CborError::Depth { at: start });
            };
            *inner = Open { left: items, map, ..Open::NONE };
            depth += 1;
            if items > 0 {
                continue;
            }
            depth -= 1;
        }
        // An item ends here, and with it every array and map whose last part it was.
        loop {
            let Some(outer) = depth.checked_sub(1).and_then(|it| open.get_mut(it)) else {
                return Ok(());
            };
            if outer.at_key() {
                let key = (outer.key_start, reader.at);
                if reader.between(key) <= reader.between(outer.before) {
                    return Err(CborError::KeyOrder { at: outer.key_start });
                }
                outer.before = key;
            }
            outer.left -= 1;
            if outer.left > 0 {
                break;
            }
            depth -= 1;
        }
    }
}

/// Reads a head, and the content of a string. Gives how many items follow inside, and whether in pairs.
fn head(reader: &mut Reader<'_>, start: usize) -> Result<Option<(u64, bool)>, CborError> {
    let byte = reader.peek()?;
    let (major, argument) = reader.head()?;
    match major {
        2 => {
            reader.take(argument, start)?;
            Ok(None)
        }
        3 => {
            let text = reader.take(argument, start)?;
            std::str::from_utf8(text).map_err(|_| CborError::Utf8 { at: start })?;
            Ok(None)
        }
        4 | 5 => {
            // Nothing is shorter than a byte: what declares more parts than there are bytes is cut off.
            let items = argument.saturating_mul(u64::from(major - 3));
            if items > reader.left() as u64 {
                return Err(CborError::Truncated { at: reader.bytes.len() });
            }
            Ok(Some((items, major == 5)))
        }
        6 => Err(CborError::NotInModel { at: start, byte }),
        _ => Ok(None),
    }
}
