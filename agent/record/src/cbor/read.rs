//! Reading deterministic CBOR, refusing everything else.

use super::{Fields, MAX_DEPTH, scan};

/// Why bytes are not the deterministic CBOR expected at `at`, counted in bytes from the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "`at` is explained once, above")]
pub enum CborError {
    /// The item is longer than the bytes.
    #[error("cbor: the bytes end inside an item at byte {at}")]
    Truncated { at: usize },
    /// A head that has a shorter form.
    #[error("cbor: byte {at}: not the shortest form of a number or length")]
    NotShortest { at: usize },
    /// A length left open.
    #[error("cbor: byte {at}: indefinite length")]
    Indefinite { at: usize },
    /// An initial byte that RFC 8949 reserves, or a value outside the data model.
    #[error("cbor: byte {at}: initial byte {byte:#04x} is not part of this format")]
    NotInModel { at: usize, byte: u8 },
    /// Map keys that do not ascend, or a key twice.
    #[error("cbor: byte {at}: map key repeated or out of order")]
    KeyOrder { at: usize },
    /// A text string that is not UTF-8.
    #[error("cbor: byte {at}: text is not utf-8")]
    Utf8 { at: usize },
    /// Arrays and maps nested too deeply.
    #[error("cbor: byte {at}: nested deeper than {MAX_DEPTH} levels")]
    Depth { at: usize },
    /// Bytes after the item.
    #[error("cbor: byte {at}: bytes follow the item")]
    Trailing { at: usize },
    /// Another item than the format has here.
    #[error("cbor: byte {at}: expected {expected}")]
    Expected { at: usize, expected: &'static str },
    /// A map key that the format needs.
    #[error("cbor: byte {at}: map key {key} is missing")]
    MissingKey { at: usize, key: u64 },
    /// A map key that the format does not have.
    #[error("cbor: byte {at}: map key {key} is not part of this map")]
    UnknownKey { at: usize, key: u64 },
}

/// Checks that `bytes` are exactly one deterministic item of the data model.
///
/// # Errors
///
/// Names the first deviation.
pub fn check(bytes: &[u8]) -> Result<(), CborError> {
    let mut reader = Reader::new(bytes);
    reader.skip()?;
    reader.end()
}

/// A cursor over deterministic CBOR.
///
/// Heads are checked as they are read. The order of map keys is checked by [`Reader::skip`], so input of
/// unknown origin goes through [`check`] before it is taken apart.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    unknown: bool,
    keeps: Keeps,
    parts_bytes: usize,
}

/// What becomes of the items of lists and maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    /// They are collected, and a declared count is not believed.
    All,
    /// They are read and dropped.
    Nothing,
    /// They are collected, and a declared count is known to be right.
    Counted,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, unknown: false, keeps: Keeps::All, parts_bytes: 0 }
    }

    /// Starts at the first of `bytes`, and keeps nothing: lists, maps and texts come out empty.
    ///
    /// What reads a type from it learns whether the bytes have its shape, and sets no memory aside for them.
    pub const fn shape_only(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, unknown: false, keeps: Keeps::Nothing, parts_bytes: 0 }
    }

    /// Starts at the first of `bytes`, which the same type was read from by [`Self::shape_only`]: a list is
    /// given the room that its count asks for, and no more.
    pub const fn of_shape(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, unknown: false, keeps: Keeps::Counted, parts_bytes: 0 }
    }

    /// Remembers that a word was met which this build does not know.
    pub const fn mark_unknown(&mut self) {
        self.unknown = true;
    }

    /// Whether such a word was met.
    pub const fn met_unknown(&self) -> bool {
        self.unknown
    }

    /// What the items of the lists and maps read so far take when they are kept, in bytes, texts left out.
    pub const fn parts_bytes(&self) -> usize {
        self.parts_bytes
    }

    /// Where the cursor stands, in bytes from the start.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    ///
    /// [`CborError::Trailing`].
    pub fn end(&self) -> Result<(), CborError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(CborError::Trailing { at: self.at }) }
    }

    fn count_parts(&mut self, len: u64, bytes_each: usize) {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.parts_bytes = self.parts_bytes.saturating_add(len.saturating_mul(bytes_each));
    }

    pub(super) fn take(&mut self, len: u64, start: usize) -> Result<&'a [u8], CborError> {
        let truncated = CborError::Truncated { at: start };
        let Ok(len) = usize::try_from(len) else { return Err(truncated) };
        let end = self.at.checked_add(len).ok_or_else(|| truncated.clone())?;
        let taken = self.bytes.get(self.at..end).ok_or(truncated)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn peek(&self) -> Result<u8, CborError> {
        self.bytes.get(self.at).copied().ok_or(CborError::Truncated { at: self.at })
    }

    // Major type and argument. Major type 7 carries the simple value in the argument.
    pub(super) fn head(&mut self) -> Result<(u8, u64), CborError> {
        let start = self.at;
        let initial = self.peek()?;
        self.at += 1;
        let (major, low) = (initial >> 5, initial & 0x1f);
        if major == 7 {
            return match low {
                20..=22 => Ok((7, u64::from(low))),
                31 => Err(CborError::Indefinite { at: start }),
                _ => Err(CborError::NotInModel { at: start, byte: initial }),
            };
        }
        let (width, least) = match low {
            0..=23 => return Ok((major, u64::from(low))),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            31 if (2..=5).contains(&major) => return Err(CborError::Indefinite { at: start }),
            _ => return Err(CborError::NotInModel { at: start, byte: initial }),
        };
        let argument = self.take(width, start)?.iter().fold(0, |sum: u64, &byte| sum << 8 | u64::from(byte));
        if argument < least {
            return Err(CborError::NotShortest { at: start });
        }
        Ok((major, argument))
    }

    fn expect(&mut self, major: u8, expected: &'static str) -> Result<u64, CborError> {
        let at = self.at;
        match self.head()? {
            (found, argument) if found == major => Ok(argument),
            _ => Err(CborError::Expected { at, expected }),
        }
    }

    /// An unsigned integer.
    ///
    /// # Errors
    ///
    /// Any other item.
    pub fn uint(&mut self) -> Result<u64, CborError> {
        self.expect(0, "an unsigned integer")
    }

    /// A signed integer of 64 bits.
    ///
    /// # Errors
    ///
    /// Any other item, and integers beyond 64 bits signed.
    pub fn int(&mut self) -> Result<i64, CborError> {
        let at = self.at;
        let wrong = CborError::Expected { at, expected: "an integer of 64 bits" };
        let (major, argument) = self.head()?;
        let magnitude = i64::try_from(argument).map_err(|_| wrong.clone())?;
        match major {
            0 => Ok(magnitude),
            1 => Ok(!magnitude),
            _ => Err(wrong),
        }
    }

    /// An unsigned integer that fits the type asked for.
    ///
    /// # Errors
    ///
    /// Any other item, and integers out of range.
    pub fn small<T: TryFrom<u64>>(&mut self) -> Result<T, CborError> {
        let at = self.at;
        let value = self.uint()?;
        T::try_from(value).map_err(|_| CborError::Expected { at, expected: "a smaller unsigned integer" })
    }

    /// A byte string.
    ///
    /// # Errors
    ///
    /// Any other item.
    pub fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        let start = self.at;
        let len = self.expect(2, "a byte string")?;
        self.take(len, start)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    ///
    /// Any other item or length.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let at = self.at;
        let bytes = self.bytes()?;
        <[u8; N]>::try_from(bytes)
            .map_err(|_| CborError::Expected { at, expected: "a byte string of the fixed length" })
    }

    /// A text string.
    ///
    /// # Errors
    ///
    /// Any other item, and bytes that are not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, CborError> {
        let start = self.at;
        let len = self.expect(3, "a text string")?;
        std::str::from_utf8(self.take(len, start)?).map_err(|_| CborError::Utf8 { at: start })
    }

    /// A text string, to keep.
    ///
    /// # Errors
    ///
    /// As [`Self::text`].
    pub fn owned_text(&mut self) -> Result<String, CborError> {
        let text = self.text()?;
        Ok(if self.keeps == Keeps::Nothing { String::new() } else { text.to_owned() })
    }

    /// The head of an array of exactly `len` items.
    ///
    /// # Errors
    ///
    /// Any other item or length.
    pub fn array(&mut self, len: u64) -> Result<(), CborError> {
        let at = self.at;
        match self.expect(4, "an array")? {
            found if found == len => Ok(()),
            _ => Err(CborError::Expected { at, expected: "an array of the fixed length" }),
        }
    }

    /// An array of any length, each item read by `read`.
    ///
    /// # Errors
    ///
    /// Any other item, and what `read` refuses.
    pub fn list<T, E: From<CborError>>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let len = self.expect(4, "an array")?;
        self.count_parts(len, size_of::<T>());
        let mut items = Vec::new();
        if self.keeps == Keeps::Counted {
            items.reserve_exact(usize::try_from(len).unwrap_or_default());
        }
        for _ in 0..len {
            let item = read(self)?;
            if self.keeps != Keeps::Nothing {
                items.push(item);
            }
        }
        Ok(items)
    }

    /// The entries of a map with integer keys, to be taken in ascending order.
    ///
    /// # Errors
    ///
    /// Any other item.
    pub fn fields(&mut self) -> Result<Fields<'_, 'a>, CborError> {
        let left = self.expect(5, "a map")?;
        Ok(Fields::new(self, left))
    }

    /// The first entries of a map with exactly `len` entries, whose last keys are no unsigned integers.
    ///
    /// # Errors
    ///
    /// Any other item or length.
    pub fn fields_of(&mut self, len: u64) -> Result<Fields<'_, 'a>, CborError> {
        let at = self.at;
        match self.expect(5, "a map")? {
            left if left == len => Ok(Fields::new(self, left)),
            _ => Err(CborError::Expected { at, expected: "a map of the fixed length" }),
        }
    }

    /// A map with text keys, each value read by `read`.
    ///
    /// # Errors
    ///
    /// Any other item, and what `read` refuses.
    pub fn text_map<T, E: From<CborError>, M: Default + Extend<(String, T)>>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, E>,
    ) -> Result<M, E> {
        let len = self.expect(5, "a map")?;
        // The nodes of a tree that is filled in order are half full.
        self.count_parts(len, 2 * size_of::<(String, T)>());
        let mut map = M::default();
        for _ in 0..len {
            let key = self.text()?;
            let value = read(self)?;
            if self.keeps != Keeps::Nothing {
                map.extend([(key.to_owned(), value)]);
            }
        }
        Ok(map)
    }

    /// `true` or `false`.
    ///
    /// # Errors
    ///
    /// Any other item.
    pub fn bool(&mut self) -> Result<bool, CborError> {
        let at = self.at;
        match self.head()? {
            (7, 20) => Ok(false),
            (7, 21) => Ok(true),
            _ => Err(CborError::Expected { at, expected: "true or false" }),
        }
    }

    /// `null`, or what `read` reads.
    ///
    /// # Errors
    ///
    /// What `read` refuses.
    pub fn nullable<T, E: From<CborError>>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        if self.peek()? == 0xf6 {
            self.at += 1;
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// Exactly this tag; the tagged item follows.
    ///
    /// # Errors
    ///
    /// Any other item.
    pub fn tag(&mut self, tag: u64) -> Result<(), CborError> {
        let at = self.at;
        match self.expect(6, "a tag")? {
            found if found == tag => Ok(()),
            _ => Err(CborError::Expected { at, expected: "the tag of a signed message" }),
        }
    }

    /// Checks one whole item of any kind, gives its bytes, and steps over it. A tag is refused.
    ///
    /// # Errors
    ///
    /// Names the first deviation from the deterministic encoding.
    pub fn skip(&mut self) -> Result<&'a [u8], CborError> {
        let start = self.at;
        scan::item(self)?;
        Ok(self.since(start))
    }

    fn since(&self, start: usize) -> &'a [u8] {
        self.between((start, self.at))
    }

    pub(super) fn between(&self, (start, end): (usize, usize)) -> &'a [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    pub(super) const fn left(&self) -> usize {
        self.bytes.len() - self.at
    }
}
