//! Line profiles: instruments that send text, wired without code.
//!
//! A line profile says where a frame begins and ends, how its check characters are computed, how the
//! line is cut into places, and which place is which channel, with unit, sign and status. Out of it
//! comes a [`Decoder`] like any of the drivers': bytes in, statements out. Test vectors (raw bytes →
//! what the display showed) run at load through that decoder, and a profile whose vectors fail is
//! refused.
//!
//! Not here: opening ports and keeping time. A profile may state what the instrument is to be asked
//! and how often; asking is the agent's.

mod bytes;
mod frame;
mod load;
mod model;
mod number;
mod pattern;
mod read;
mod shipped;
#[cfg(test)]
mod tests;
mod vectors;

use std::sync::Arc;

use tidewaiter_drivers::wire::{Decode, Event, Refusal};

use self::frame::{Cut, Framer};
pub use self::{
    load::{load_line_str, load_line_with_doubts},
    model::*,
    read::Statement,
    shipped::builtin_lines,
};

/// The decoder a line profile describes; a frame is a [`Statement`].
///
/// Frames the profile ignores pass without an event.
#[derive(Clone, Debug)]
pub struct Decoder {
    profile: Arc<LineProfile>,
    framer: Framer,
}

impl Decoder {
    /// A decoder for a stream joined at an unknown place.
    pub fn new(profile: Arc<LineProfile>) -> Self {
        Self { framer: Framer::in_mid_frame(Arc::clone(&profile)), profile }
    }

    /// A decoder for bytes that begin with a frame, as an answer and a file do.
    pub fn at_frame_start(profile: Arc<LineProfile>) -> Self {
        let mut decoder = Self::new(profile);
        decoder.begin();
        decoder
    }

    /// Forgets a half-received frame; what follows begins a frame, because it answers a request.
    pub fn begin(&mut self) {
        self.framer.begin();
    }
}

impl Decode for Decoder {
    type Item = Statement;

    fn push(&mut self, byte: u8) -> Option<Event<Statement>> {
        match self.framer.push(byte)? {
            Cut::Garbage(bytes) => Some(Event::Garbage(bytes)),
            Cut::TooLong => Some(Event::Refused(Refusal::TooLong)),
            Cut::Misshapen => Some(Event::Refused(Refusal::Shape)),
            Cut::Frame => match read::read(&self.profile, self.framer.content()) {
                Ok(statement) => statement.map(Event::Frame),
                Err(refusal) => Some(Event::Refused(refusal)),
            },
        }
    }

    fn raw(&self) -> &[u8] {
        self.framer.raw()
    }

    fn reset(&mut self) {
        self.framer.lose_track();
    }
}
