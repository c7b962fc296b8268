//! One instrument listened to: its decoder, its motion test, its silence. Opens nothing, sends
//! nothing; time comes in as an argument.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tidewaiter_config::site::{Instrument, Protocol, TextEncoding};
use tidewaiter_drivers::{
    Decimal, Unit,
    bench::ph,
    identity::plate,
    portal::rpm,
    reading::{Doubt, Indication, Missing, Moment, Quality, Reading},
    scale::{
        settle::{MIN_FRAMES, Motion, Settle},
        xk3190,
    },
    wire::{Decode, Event, Refusal},
};
use tokio::time::Instant;

use crate::acquire::{Content, Mark, channel};

/// A portal sends nothing but its background while the lane is empty, once every five seconds; a
/// shorter silence would report every pause between two of them.
const PORTAL_LEAST_SILENCE: Duration = Duration::from_secs(6);

/// What one byte completed.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// Something to hand on; [`Ear::raw`] has its bytes.
    Content(Content),
    /// A frame that must not be believed.
    Refused,
    /// Bytes without a frame.
    Garbage(u16),
}

/// One instrument on a byte stream.
#[derive(Debug)]
pub(super) struct Ear {
    instrument: Arc<str>,
    decoder: Decoder,
    silence: Duration,
    /// Whether silence means anything: a plate reader is silent until a vehicle comes.
    watched: bool,
    /// When the current silence period began.
    quiet_since: Instant,
    /// What came in it that was no frame.
    noise: Noise,
}

#[derive(Debug, Default)]
struct Noise {
    any: bool,
    check_failed: bool,
    refused: Bytes,
}

#[derive(Debug)]
enum Decoder {
    Scale { decoder: xk3190::Decoder, settle: Settle, unit: Unit },
    Portal(rpm::Decoder),
    Ph(ph::Decoder),
    Plate { decoder: plate::Decoder, encoding: TextEncoding },
}

impl Ear {
    /// `None` for a protocol that is asked rather than listened to.
    pub(super) fn new(instrument: &Instrument) -> Option<Self> {
        let mut silence = instrument.silence;
        let mut watched = true;
        let decoder = match &instrument.protocol {
            Protocol::Xk3190Tf0 { unit, scale_interval, settle } => Decoder::Scale {
                decoder: xk3190::Decoder::new(),
                settle: Settle::new(*scale_interval, u64::try_from(settle.as_millis()).unwrap_or(u64::MAX), MIN_FRAMES),
                unit: *unit,
            },
            Protocol::RpmLines { .. } => {
                silence = silence.max(PORTAL_LEAST_SILENCE);
                Decoder::Portal(rpm::Decoder::new())
            }
            Protocol::PhStream => Decoder::Ph(ph::Decoder::new()),
            Protocol::PlateLines { encoding } => {
                watched = false;
                Decoder::Plate { decoder: plate::Decoder::new(), encoding: *encoding }
            }
            Protocol::Registers { .. } => return None,
        };
        Some(Self {
            instrument: Arc::from(instrument.id.as_str()),
            decoder,
            silence,
            watched,
            quiet_since: Instant::now(),
            noise: Noise::default(),
        })
    }

    pub(super) const fn instrument(&self) -> &Arc<str> {
        &self.instrument
    }

    /// Takes one byte that arrived at `at`.
    pub(super) fn push(&mut self, byte: u8, at: Moment, now: Instant) -> Option<Heard> {
        self.noise.any = true;
        match self.decoder.push(byte, at)? {
            Event::Frame(content) => {
                self.quiet_since = now;
                self.noise = Noise::default();
                Some(Heard::Content(content))
            }
            Event::Refused(refusal) => {
                self.noise.check_failed |= refusal == Refusal::Checksum;
                self.noise.refused = Bytes::copy_from_slice(self.raw());
                Some(Heard::Refused)
            }
            Event::Garbage(bytes) => Some(Heard::Garbage(bytes)),
        }
    }

    /// The bytes of the frame just heard.
    pub(super) fn raw(&self) -> &[u8] {
        match &self.decoder {
            Decoder::Scale { decoder, .. } => decoder.raw(),
            Decoder::Portal(decoder) => decoder.raw(),
            Decoder::Ph(decoder) => decoder.raw(),
            Decoder::Plate { decoder, .. } => decoder.raw(),
        }
    }

    /// When silence has to be reported next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.watched.then(|| self.quiet_since + self.silence)
    }

    /// The reason for a silence period that has just ended, and the last bytes refused in it.
    pub(super) fn silence(&mut self, now: Instant) -> Option<(Missing, Bytes)> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        self.quiet_since = now;
        let noise = std::mem::take(&mut self.noise);
        let reason = match noise {
            Noise { check_failed: true, .. } => Missing::CrcError,
            Noise { any: true, .. } => Missing::Refused,
            _ => Missing::TimedOut,
        };
        Some((reason, noise.refused))
    }

    /// Starts afresh on a port just opened.
    pub(super) fn port_opened(&mut self, now: Instant) {
        match &mut self.decoder {
            Decoder::Scale { decoder, settle, .. } => {
                *decoder = xk3190::Decoder::new();
                settle.reset();
            }
            Decoder::Portal(decoder) => *decoder = rpm::Decoder::new(),
            Decoder::Ph(decoder) => *decoder = ph::Decoder::new(),
            Decoder::Plate { decoder, .. } => *decoder = plate::Decoder::new(),
        }
        self.quiet_since = now;
        self.noise = Noise::default();
    }

    /// Begins counting periods without a port.
    pub(super) const fn port_lost(&mut self, now: Instant) {
        self.quiet_since = now;
    }

    /// When the loss of the port has to be repeated.
    pub(super) fn down_deadline(&self) -> Instant {
        self.quiet_since + self.silence
    }

    /// Whether a period without a port has just ended; a new one begins.
    pub(super) fn still_down(&mut self, now: Instant) -> bool {
        let due = now >= self.down_deadline();
        if due {
            self.quiet_since = now;
        }
        due
    }
}

impl Decoder {
    fn push(&mut self, byte: u8, at: Moment) -> Option<Event<Content>> {
        match self {
            Self::Scale { decoder, settle, unit } => {
                let event = decoder.push(byte)?;
                if matches!(event, Event::Refused(_)) {
                    settle.reset();
                }
                Some(map(event, |shown| {
                    let (value, quality) = match settle.push(at.mono_ms, shown) {
                        Motion::Moving => (shown, Quality::Uncertain(Doubt::Unstable)),
                        Motion::Stable(value) => (value, Quality::Good),
                    };
                    Ok(Content::Readings(vec![reading(channel::MASS, at, value, *unit, quality)]))
                }))
            }
            // A whole line of another kind is no fault of the line: it passes, and means nothing further on.
            Self::Portal(decoder) => Some(map(decoder.push(byte)?, |line| Ok(Content::Portal(line)))),
            Self::Ph(decoder) => Some(map(decoder.push(byte)?, |line| {
                let mut readings = vec![reading(channel::PH, at, line.ph, Unit::PH, Quality::Good)];
                readings.extend(
                    line.celsius
                        .map(|celsius| reading(channel::TEMPERATURE, at, celsius, Unit::Celsius, Quality::Good)),
                );
                Ok(Content::Readings(readings))
            })),
            Self::Plate { decoder, encoding } => Some(map(decoder.push(byte)?, |plate| {
                let text = text(&plate.bytes, *encoding).ok_or(Refusal::Shape)?;
                Ok(Content::Identity(Mark { kind: "plate", text, confidence: plate.confidence }))
            })),
        }
    }
}

/// Turns a frame into content; a frame that cannot be is refused.
fn map<T>(event: Event<T>, content: impl FnOnce(T) -> Result<Content, Refusal>) -> Event<Content> {
    match event {
        Event::Frame(frame) => content(frame).map_or_else(Event::Refused, Event::Frame),
        Event::Refused(refusal) => Event::Refused(refusal),
        Event::Garbage(bytes) => Event::Garbage(bytes),
    }
}

fn reading(channel: &str, at: Moment, value: Decimal, unit: Unit, quality: Quality) -> Reading {
    Reading { channel: channel::name(channel), at, outcome: Ok(Indication { value, unit, quality }) }
}

/// The text of a reader, or nothing when its bytes are not text in that encoding: a replacement
/// character in a plate would look like a plate.
fn text(bytes: &[u8], encoding: TextEncoding) -> Option<String> {
    match encoding {
        TextEncoding::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
        TextEncoding::Gbk => encoding_rs::GBK
            .decode_without_bom_handling_and_without_replacement(bytes)
            .map(std::borrow::Cow::into_owned),
    }
}
