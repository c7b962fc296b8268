//! Cutting a stream into statements, for the many indicators that differ only in what they write.
//!
//! A [`Form`] reads one whole statement; [`LineDecoder`] cuts at line ends, [`FrameDecoder`] at STX and
//! ETX. Both believe their first statement: every form here starts with a mark of its own or has a
//! fixed width, so what is left of a statement joined in the middle is refused. That matters for
//! indicators that are asked, whose first answer must not be thrown away.

use heapless::Vec;

use crate::wire::{
    Decode, Event, GARBAGE_REPORT_BYTES, Refusal,
    line::{Cut, Lines},
};

/// Longest line accepted unless the protocol needs more, in bytes: three times the longest form.
pub const MAX_LINE_BYTES: usize = 64;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;

/// How one kind of indicator writes a statement.
pub trait Form {
    /// What a good statement says.
    type Item;

    /// Reads a whole statement, without its line end or with its STX and ETX. `None` is a known statement
    /// that says nothing about the load, such as the time of day on a slip.
    ///
    /// # Errors
    ///
    /// Refuses what is not a complete, known statement.
    fn read(&self, statement: &[u8]) -> Result<Option<Self::Item>, Refusal>;
}

fn event<T>(read: Result<Option<T>, Refusal>) -> Option<Event<T>> {
    match read {
        Ok(item) => item.map(Event::Frame),
        Err(refusal) => Some(Event::Refused(refusal)),
    }
}

/// A decoder for statements that are lines of at most `N` bytes.
#[derive(Clone, Debug)]
pub struct LineDecoder<F, const N: usize = MAX_LINE_BYTES> {
    lines: Lines<N>,
    form: F,
}

impl<F, const N: usize> LineDecoder<F, N> {
    /// A decoder of lines in this form.
    pub const fn new(form: F) -> Self {
        Self { lines: Lines::at_line_start(), form }
    }
}

impl<F: Default, const N: usize> Default for LineDecoder<F, N> {
    fn default() -> Self {
        Self::new(F::default())
    }
}

impl<F: Form, const N: usize> Decode for LineDecoder<F, N> {
    type Item = F::Item;

    fn push(&mut self, byte: u8) -> Option<Event<F::Item>> {
        match self.lines.push(byte)? {
            Cut::Line => event(self.form.read(self.lines.line())),
            Cut::TooLong => Some(Event::Refused(Refusal::TooLong)),
            Cut::Garbage(bytes) => Some(Event::Garbage(bytes)),
        }
    }

    fn raw(&self) -> &[u8] {
        self.lines.line()
    }

    fn reset(&mut self) {
        self.lines = Lines::at_line_start();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waiting for STX.
    Hunting { dropped: u16 },
    /// Between STX and the end.
    Inside,
    /// The buffer holds the frame just reported.
    Reported,
}

/// A decoder for statements between STX and ETX, of at most `N` bytes with both.
///
/// Neither byte can occur inside, so an STX always starts a statement: one cut short costs itself and
/// never its successor.
#[derive(Clone, Debug)]
pub struct FrameDecoder<F, const N: usize> {
    frame: Vec<u8, N>,
    state: State,
    form: F,
}

impl<F, const N: usize> FrameDecoder<F, N> {
    /// A decoder of frames in this form.
    pub const fn new(form: F) -> Self {
        Self { frame: Vec::new(), state: State::Hunting { dropped: 0 }, form }
    }

    fn hunt<T>(&mut self, dropped: u16) -> Option<Event<T>> {
        let report = dropped == GARBAGE_REPORT_BYTES;
        self.state = State::Hunting { dropped: if report { 0 } else { dropped } };
        report.then_some(Event::Garbage(dropped))
    }

    fn start<T>(&mut self) -> Option<Event<T>> {
        let dropped = match self.state {
            State::Hunting { dropped } => dropped,
            State::Inside => u16::try_from(self.frame.len()).unwrap_or(u16::MAX),
            State::Reported => 0,
        };
        self.frame.clear();
        self.state = State::Inside;
        self.collect(STX);
        (dropped > 0).then_some(Event::Garbage(dropped))
    }

    fn collect(&mut self, byte: u8) {
        // Never full here: a frame is judged, and the buffer given up, when it is.
        let _ = self.frame.push(byte);
    }
}

impl<F: Default, const N: usize> Default for FrameDecoder<F, N> {
    fn default() -> Self {
        Self::new(F::default())
    }
}

impl<F: Form, const N: usize> Decode for FrameDecoder<F, N> {
    type Item = F::Item;

    fn push(&mut self, byte: u8) -> Option<Event<F::Item>> {
        if byte == STX {
            return self.start();
        }
        match self.state {
            State::Hunting { dropped } => self.hunt(dropped + 1),
            State::Reported => self.hunt(1),
            State::Inside => {
                self.collect(byte);
                if byte == ETX {
                    self.state = State::Reported;
                    return event(self.form.read(&self.frame));
                }
                if self.frame.is_full() {
                    self.state = State::Reported;
                    return Some(Event::Refused(Refusal::Shape));
                }
                None
            }
        }
    }

    fn raw(&self) -> &[u8] {
        &self.frame
    }

    fn reset(&mut self) {
        self.frame.clear();
        self.state = State::Hunting { dropped: 0 };
    }
}

/// An enum of requests that are one fixed line each, with its writing and reading.
macro_rules! requests {
    ($(#[$meta:meta])* $name:ident, $form:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The request without its line end.
            pub const fn text(self) -> &'static [u8] {
                match self { $(Self::$variant => $text,)* }
            }
        }

        /// The form of these requests, for a simulated indicator.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $form;

        impl $crate::scale::form::Form for $form {
            type Item = $name;

            fn read(&self, line: &[u8]) -> Result<Option<$name>, $crate::wire::Refusal> {
                let known = $name::ALL.iter().copied().find(|it| it.text() == line.trim_ascii());
                known.map(Some).ok_or($crate::wire::Refusal::Shape)
            }
        }

        /// Reads the requests a simulated indicator gets.
        pub type RequestDecoder = $crate::scale::form::LineDecoder<$form>;

        /// Writes a request with its CR LF.
        pub fn encode_request(request: $name) -> heapless::Vec<u8, 8> {
            let mut out = heapless::Vec::new();
            // The longest request has five bytes, see the table.
            let _ = out.extend_from_slice(request.text());
            let _ = out.extend_from_slice(b"\r\n");
            out
        }
    };
}
pub(super) use requests;
