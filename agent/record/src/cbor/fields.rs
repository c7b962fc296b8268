//! Maps with integer keys, taken apart key by key.

use super::{CborError, Reader};

/// The entries of a map with integer keys, taken in ascending order of the keys.
#[derive(Debug)]
pub struct Fields<'r, 'a> {
    reader: &'r mut Reader<'a>,
    left: u64,
    next: Option<u64>,
}

impl<'r, 'a> Fields<'r, 'a> {
    pub(super) const fn new(reader: &'r mut Reader<'a>, left: u64) -> Self {
        Self { reader, left, next: None }
    }

    fn peek(&mut self) -> Result<Option<u64>, CborError> {
        if self.next.is_none() && self.left > 0 {
            self.left -= 1;
            self.next = Some(self.reader.uint()?);
        }
        Ok(self.next)
    }

    /// The value under `key` if the map has it.
    ///
    /// # Errors
    ///
    /// What `read` refuses.
    pub fn optional<T, E: From<CborError>>(
        &mut self,
        key: u64,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        if self.peek()? != Some(key) {
            return Ok(None);
        }
        self.next = None;
        read(self.reader).map(Some)
    }

    /// The value under `key` if the map has it, whatever stands under smaller keys.
    ///
    /// # Errors
    ///
    /// What `read` refuses.
    pub fn find<T, E: From<CborError>>(
        &mut self,
        key: u64,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        while self.peek()?.is_some_and(|next| next < key) {
            self.next = None;
            self.reader.skip()?;
        }
        self.optional(key, read)
    }

    /// The value under `key`.
    ///
    /// # Errors
    ///
    /// [`CborError::MissingKey`], and what `read` refuses.
    pub fn need<T, E: From<CborError>>(
        &mut self,
        key: u64,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, E>,
    ) -> Result<T, E> {
        let at = self.reader.at();
        self.optional(key, read)?.ok_or_else(|| CborError::MissingKey { at, key }.into())
    }

    /// Checks that no entry is left.
    ///
    /// # Errors
    ///
    /// [`CborError::UnknownKey`].
    pub fn end(mut self) -> Result<(), CborError> {
        match self.peek()? {
            None => Ok(()),
            Some(key) => Err(CborError::UnknownKey { at: self.reader.at(), key }),
        }
    }
}
