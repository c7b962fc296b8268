//! The count lines of TSA and Rapiscan portals (VM-250, TM-850, PM-700 families and their emulators).
//!
//! The portal pushes lines of comma-separated text, unasked, each ended by CR LF:
//!
//! ```text
//! GB,000231,000238,000225,000240     gamma background, counts per second, while vacant
//! GS,000043,000045,000042,000045     gamma counts of 200 ms, while occupied
//! SP,0.2249,03.032,004.88,000000     seconds per foot, mph, km/h
//! GX,000042,001000,000000,000000     end: occupancy counter, neutron background × 1000
//! ```
//!
//! A daily file holds the same lines with the time of day (`HH-MM-SS.mmm`) as one field more. There
//! is no checksum, so a count line is believed only with four fields of exactly six digits. Tags this
//! module does not know are whole lines all the same ([`Line::Unknown`]); their bytes are in
//! [`Decode::raw`].
//!
//! The order of the four detectors differs between sources; it is configured, see
//! [`Positions`](super::occupancy::Positions).
//!
//! Written from two public programs that speak to such portals, the Sandia RPM Lane Simulator and the
//! `OpenSensorHub` Rapiscan driver, since the manuals are not public. Not here: what the lines add up
//! to, see [`super::occupancy`].

mod decode;
mod encode;
pub mod setup;

pub use encode::{MAX_COUNT, encode};
pub use setup::Setup;

use crate::{
    Decimal,
    wire::{
        Decode, Event, Refusal,
        line::{Cut, Lines},
    },
};

/// Longest line accepted, in bytes. The longest documented line, a set-up line with a daily-file
/// time, stays below 100.
pub const MAX_LINE_BYTES: usize = 160;

/// Longest line [`encode`] writes, line end included.
pub const MAX_ENCODED_BYTES: usize = 96;

/// Counts of the four detectors in the order of the line.
pub type Counts = [u32; 4];

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Gamma counts or background.
    Gamma {
        /// Which of the gamma lines.
        tag: GammaTag,
        /// Per detector: counts per second in background lines, counts per 200 ms when occupied.
        counts: Counts,
    },
    /// Neutron counts or background.
    Neutron {
        /// Which of the neutron lines.
        tag: NeutronTag,
        /// Per detector. No source states the unit of the background.
        counts: Counts,
    },
    /// Speed of the conveyance, three times over.
    Speed {
        /// Seconds needed for one foot, the distance of the beams.
        foot_time: Decimal,
        /// Miles per hour.
        mph: Decimal,
        /// Kilometres per hour.
        kmh: Decimal,
    },
    /// End of the occupancy.
    End {
        /// Counts occupancies since midnight or power-up.
        counter: u32,
        /// Neutron background, three decimals.
        neutron_background: Decimal,
    },
    /// Tamper contact: active (`TT`) or cleared (`TC`).
    Tamper(bool),
    /// One of the set-up lines.
    Setup(Setup),
    /// A whole line with another tag.
    Unknown,
}

/// Tags of gamma lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GammaTag {
    /// Background, vacant, every 5 s.
    GB,
    /// In place of `GB`: some detector above the high threshold.
    GH,
    /// In place of `GB`: some detector below the low threshold.
    GL,
    /// Occupied, every 200 ms.
    GS,
    /// In place of `GS`: the portal's gamma alarm condition holds.
    GA,
}

/// Tags of neutron lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NeutronTag {
    /// Background, vacant, every 5 s.
    NB,
    /// In place of `NB`: background above the high threshold.
    NH,
    /// Occupied.
    NS,
    /// In place of `NS`: the portal's neutron alarm condition holds.
    NA,
}

impl GammaTag {
    /// All gamma tags.
    pub const ALL: [Self; 5] = [Self::GB, Self::GH, Self::GL, Self::GS, Self::GA];

    /// The tag as sent.
    pub const fn text(self) -> &'static str {
        match self {
            Self::GB => "GB",
            Self::GH => "GH",
            Self::GL => "GL",
            Self::GS => "GS",
            Self::GA => "GA",
        }
    }
}

impl NeutronTag {
    /// All neutron tags.
    pub const ALL: [Self; 4] = [Self::NB, Self::NH, Self::NS, Self::NA];

    /// The tag as sent.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NB => "NB",
            Self::NH => "NH",
            Self::NS => "NS",
            Self::NA => "NA",
        }
    }
}

/// The time of day a line of a daily file carries. It is the portal's clock and trusted for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    /// Hour, `0..=23`.
    pub hour: u8,
    /// Minute, `0..=59`.
    pub minute: u8,
    /// Second, `0..=59`.
    pub second: u8,
    /// Millisecond, `0..=999`.
    pub milli: u16,
}

/// The decoder; a frame is one line.
///
/// A fresh decoder believes its first line: a line without its head has no known tag, so it cannot be
/// taken for another.
#[derive(Clone, Debug)]
pub struct Decoder {
    lines: Lines<MAX_LINE_BYTES>,
    time: Option<TimeOfDay>,
}

impl Decoder {
    /// A decoder for a live stream or a daily file.
    pub const fn new() -> Self {
        Self { lines: Lines::at_line_start(), time: None }
    }

    /// The time of day in the line just reported, when it is from a daily file.
    pub const fn time_of_day(&self) -> Option<TimeOfDay> {
        self.time
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decode for Decoder {
    type Item = Line;

    fn push(&mut self, byte: u8) -> Option<Event<Line>> {
        Some(match self.lines.push(byte)? {
            Cut::Garbage(bytes) => Event::Garbage(bytes),
            Cut::TooLong => Event::Refused(Refusal::TooLong),
            Cut::Line => {
                self.time = None;
                match decode::line(self.lines.line()) {
                    Ok((line, time)) => {
                        self.time = time;
                        Event::Frame(line)
                    }
                    Err(refusal) => Event::Refused(refusal),
                }
            }
        })
    }

    fn raw(&self) -> &[u8] {
        self.lines.line()
    }

    fn reset(&mut self) {
        self.lines = Lines::in_mid_line();
        self.time = None;
    }
}
