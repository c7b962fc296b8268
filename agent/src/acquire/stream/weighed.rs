//! Displays of scales: the motion test where the indicator states no rest.
//!
//! Gross, tare and net come in turn from an indicator that is asked, so each has a test of its own.

use tidewaiter_config::site::Rest;
use tidewaiter_drivers::{
    Decimal,
    reading::{Channels, Moment, Reading},
    scale::{
        display::{Display, Kind},
        settle::{MIN_FRAMES, Settle},
    },
    wire::{Decode, Event},
};

use super::codec::{Beginning, Codec, Said};
use crate::acquire::{Content, channel};

/// A decoder of displays. A frame without one is of another kind: no fault, and no answer.
pub(super) struct Weighed<D> {
    decoder: D,
    /// One test for each kind, where the indicator states no rest.
    tests: Vec<(Kind, Settle)>,
    /// What each question asks for; empty for an indicator that is asked for nothing in particular.
    asked: Vec<Kind>,
    question: usize,
}

/// The motion test a site asks for.
pub(super) fn test(rest: Rest) -> Settle {
    settle(rest.scale_interval, rest.settle)
}

/// The motion test with this scale interval over this span.
pub(super) fn settle(scale_interval: Decimal, span: std::time::Duration) -> Settle {
    Settle::new(scale_interval, u64::try_from(span.as_millis()).unwrap_or(u64::MAX), MIN_FRAMES)
}

impl<D> Weighed<D> {
    pub(super) fn new(decoder: D, rest: Option<Rest>) -> Self {
        Self::asking(decoder, rest, Vec::new())
    }

    /// A display answers when it shows what was asked for.
    pub(super) fn asking(decoder: D, rest: Option<Rest>, asked: Vec<Kind>) -> Self {
        let tests = rest.map_or_else(Vec::new, |rest| Kind::ALL.map(|kind| (kind, test(rest))).to_vec());
        Self { decoder, tests, asked, question: 0 }
    }

    fn answers(&self, display: &Display) -> bool {
        self.asked.is_empty() || self.asked.get(self.question) == Some(&display.kind)
    }

    fn reset(&mut self) {
        for (_, test) in &mut self.tests {
            test.reset();
        }
    }
}

impl<D> Codec for Weighed<D>
where
    D: Decode + Send,
    D::Item: Into<Option<Display>>,
{
    fn push(&mut self, byte: u8, at: Moment) -> Option<Event<Said>> {
        let event = match self.decoder.push(byte)? {
            Event::Frame(frame) => match frame.into().filter(|display| self.answers(display)) {
                Some(display) => Event::Frame(display),
                None => return Some(Event::Frame(Said { contents: Vec::new(), answers: false })),
            },
            Event::Refused(refusal) => Event::Refused(refusal),
            Event::Garbage(bytes) => Event::Garbage(bytes),
        };
        Some(match event {
            Event::Frame(display) => {
                let test = self.tests.iter_mut().find(|(kind, _)| *kind == display.kind);
                let display = match test {
                    Some((_, test)) => display.settle(test, at.mono_ms),
                    None => display,
                };
                let mut readings = Vec::new();
                display.each(&mut |name, outcome| {
                    readings.push(Reading { channel: channel::name(name), at, outcome });
                });
                Event::Frame(Said::new(vec![Content::Readings(readings)]))
            }
            Event::Refused(refusal) => {
                self.reset();
                Event::Refused(refusal)
            }
            Event::Garbage(bytes) => Event::Garbage(bytes),
        })
    }

    fn raw(&self) -> &[u8] {
        self.decoder.raw()
    }

    fn begin(&mut self, beginning: Beginning) {
        self.decoder.reset();
        match beginning {
            Beginning::Unknown => {
                self.question = 0;
                self.reset();
            }
            Beginning::Answer(question) => self.question = question,
        }
    }
}
