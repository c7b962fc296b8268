//! A decoder for protocols whose frame is one line of text.

use core::marker::PhantomData;

use super::{
    Decode, Event, Refusal,
    line::{Cut, Lines},
};

/// What one line says.
pub trait Statement: Sized {
    /// Reads one line without its end. `Ok(None)` is a line that belongs to the protocol and says nothing,
    /// such as an echo or a heading.
    ///
    /// # Errors
    ///
    /// Refuses any line that is not a complete, known statement.
    fn read(line: &[u8]) -> Result<Option<Self>, Refusal>;
}

/// The decoder; a frame is one line of at most `N` bytes.
#[derive(Clone, Debug)]
pub struct Statements<T, const N: usize> {
    lines: Lines<N>,
    kind: PhantomData<T>,
}

impl<T: Statement, const N: usize> Statements<T, N> {
    /// A decoder for a stream joined at an unknown place: it waits for the first line end, since the tail
    /// of a line can read as a line.
    pub const fn new() -> Self {
        Self { lines: Lines::in_mid_line(), kind: PhantomData }
    }

    /// A decoder for a stream that starts at the start of a line: a file, or an answer after the input
    /// was emptied and the request sent.
    pub const fn at_line_start() -> Self {
        Self { lines: Lines::at_line_start(), kind: PhantomData }
    }
}

impl<T: Statement, const N: usize> Default for Statements<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Statement, const N: usize> Decode for Statements<T, N> {
    type Item = T;

    fn push(&mut self, byte: u8) -> Option<Event<T>> {
        match self.lines.push(byte)? {
            Cut::Garbage(bytes) => Some(Event::Garbage(bytes)),
            Cut::TooLong => Some(Event::Refused(Refusal::TooLong)),
            Cut::Line => match T::read(self.lines.line()) {
                Ok(Some(statement)) => Some(Event::Frame(statement)),
                Ok(None) => None,
                Err(refusal) => Some(Event::Refused(refusal)),
            },
        }
    }

    fn raw(&self) -> &[u8] {
        self.lines.line()
    }

    fn reset(&mut self) {
        self.lines = Lines::in_mid_line();
    }
}
