//! One instrument on a byte stream: its decoder, its silence, what it is asked. Opens nothing, sends
//! nothing; time comes in as an argument.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tidewaiter_config::site::{Instrument, Protocol};
use tidewaiter_drivers::{
    reading::{Missing, Moment},
    wire::{Event, Refusal},
};
use tokio::time::Instant;

use super::{
    ask::{Asking, Plan},
    codec::{Beginning, Codec, Said},
    table,
};

/// A portal sends nothing but its background while the lane is empty, once every five seconds; a
/// shorter silence would report every pause between two of them.
const PORTAL_LEAST_SILENCE: Duration = Duration::from_secs(6);

/// Longest frame kept verbatim, which is the longest line there is; a longer one stands by its SHA-256.
const MAX_RAW_BYTES: usize = 512;

/// What one byte completed.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// Something to hand on; [`Ear::raw`] has its bytes.
    Said(Said),
    /// A frame that must not be believed.
    Refused(Refusal),
    /// Bytes without a frame.
    Garbage(u16),
}

/// One instrument on a byte stream.
pub(super) struct Ear {
    instrument: Arc<str>,
    codec: Box<dyn Codec>,
    /// What it is asked, and how that stands; `None` for one that speaks by itself.
    pub(super) asked: Option<(Plan, Asking)>,
    /// What makes it speak by itself from then on, sent when the port was opened and after each silence.
    pub(super) greeting: Option<Vec<u8>>,
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

impl Ear {
    /// `None` for a protocol that is no byte stream.
    pub(super) fn new(instrument: &Instrument) -> Option<Self> {
        let wiring = table::wiring(instrument)?;
        let silence = match instrument.protocol {
            Protocol::RpmLines { .. } => instrument.silence.max(PORTAL_LEAST_SILENCE),
            _ => instrument.silence,
        };
        Some(Self {
            instrument: Arc::from(instrument.id.as_str()),
            codec: wiring.codec,
            asked: wiring.plan.map(|plan| (plan, Asking::new())),
            greeting: wiring.greeting,
            silence,
            watched: wiring.watched,
            quiet_since: Instant::now(),
            noise: Noise::default(),
        })
    }

    pub(super) const fn instrument(&self) -> &Arc<str> {
        &self.instrument
    }

    /// Takes one byte that arrived at `at`.
    pub(super) fn push(&mut self, byte: u8, at: Moment, now: Instant) -> Option<Heard> {
        // The second half of CR LF comes behind the frame it ended, and says nothing.
        self.noise.any |= !matches!(byte, b'\r' | b'\n');
        match self.codec.push(byte, at)? {
            Event::Frame(said) => {
                self.quiet_since = now;
                self.noise = Noise::default();
                Some(Heard::Said(said))
            }
            Event::Refused(refusal) => {
                self.noise.check_failed |= refusal == Refusal::Checksum;
                self.noise.refused = self.evidence();
                Some(Heard::Refused(refusal))
            }
            Event::Garbage(bytes) => Some(Heard::Garbage(bytes)),
        }
    }

    /// The bytes of the frame just heard.
    pub(super) fn raw(&self) -> &[u8] {
        self.codec.raw()
    }

    /// The frame just heard as evidence: its bytes, or what they amount to when they are a spectrum or a
    /// document, which would fill a record by themselves.
    pub(super) fn evidence(&self) -> Bytes {
        let raw = self.raw();
        if raw.len() <= MAX_RAW_BYTES {
            return Bytes::copy_from_slice(raw);
        }
        Bytes::from(format!("sha-256:{}", hex::encode(Sha256::digest(raw))))
    }

    /// Forgets a half-received frame.
    pub(super) fn begin(&mut self, beginning: Beginning) {
        self.codec.begin(beginning);
    }

    /// When silence has to be reported next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (self.watched && self.asked.is_none()).then(|| self.quiet_since + self.silence)
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
        self.codec.begin(Beginning::Unknown);
        self.quiet_since = now;
        self.noise = Noise::default();
    }

    /// Begins counting periods without a port.
    pub(super) const fn port_lost(&mut self, now: Instant) {
        self.quiet_since = now;
    }

    /// When the loss of the port has to be repeated.
    pub(super) fn down_deadline(&self) -> Instant {
        self.quiet_since + self.asked.as_ref().map_or(self.silence, |(plan, _)| plan.poll)
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
