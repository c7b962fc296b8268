//! Daily files of spectroscopic portals: one line of comma-separated fields per spectrum or event.
//!
//! ```text
//! S1,NaI,SPM,512,2.1.0,NSigma,8                        set-up: detector, application, channels, algorithm, parameters
//! S2,Aa1,81,-5,122,-6,Aa2,81,-4                        deviation pairs (keV) per detector
//! GB,Aa1,12,14,…            NB,030,2,1,…               backgrounds: counts per channel, counts per detector
//! BX,2011-05-03T10:00:00.000Z                          end of a background
//! GS,Aa1,001,0,1,…          NS,010,001,0,1,…           signals of one time chunk
//! AB,Gamma,300,120,130,…    AB,Neutron,300,23          background the algorithm used
//! ID,Cs-137,…                                          nuclide
//! GX,Red,42,2011-05-03T10:01:00.000Z,file,3.1,3.2      end of an occupancy: light, number, time, file, speeds
//! ```
//!
//! The same tags mean other things in the lines of count portals (see `portal::rpm`); which file one has
//! is known from where it comes. Counts may have decimals, since some files are rebinned by energy. The
//! unit of the speeds is not stated by any open source, so they are kept and told as no channel.
//!
//! Written from the description in the public `SpecUtils` library; the document itself is not public.

use core::fmt::Write;

use crate::{
    Decimal, Unit,
    reading::{Channels, Indication, Name, Outcome, Quality},
    wire::{
        Decode, Event, Refusal,
        field::whole,
        line::{Cut, Lines},
    },
};

/// Longest line the default decoder has room for: 4096 channels of seven characters, and a head.
pub const MAX_LINE_BYTES: usize = 32 * 1024;

/// Most characters of a name or a version that are kept.
pub const MAX_WORD_BYTES: usize = 32;

/// Longest occupancy number, duration or chunk number a field may hold.
const MAX_WHOLE: u32 = 999_999_999;

/// A short text of a line.
pub type Word = heapless::String<MAX_WORD_BYTES>;

/// Lamp at the end of an occupancy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Light {
    /// Alarm.
    Red,
    /// Something to look at.
    Yellow,
    /// Nothing.
    Green,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Particle {
    /// Gamma rays.
    Gamma,
    /// Neutrons.
    Neutron,
}

/// One line. Counts, parameters and pairs stay in the decoder, behind [`Decoder::list`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `S1`: set-up.
    Setup {
        /// `NaI` or `HPGe`.
        detector: Word,
        /// `SPM`, `RDSC` or `MRDIS`.
        application: Word,
        /// Channels of a spectrum.
        channels: u32,
        /// Version of the algorithm.
        algorithm: Word,
    },
    /// `S2`: deviation pairs.
    Deviations,
    /// `GB`: gamma background of one detector, a count per channel.
    GammaBackground {
        /// Its name, such as `Aa1`.
        detector: Word,
        /// Sum over the channels.
        total: Decimal,
    },
    /// `NB`: neutron background, a count per detector.
    NeutronBackground {
        /// Its duration.
        seconds: Decimal,
        /// Sum over the detectors.
        total: Decimal,
    },
    /// `BX`: end of a background, with its time as written.
    BackgroundEnd(Word),
    /// `GS`: gamma counts of one detector in one time chunk, a count per channel.
    Gamma {
        /// Its name.
        detector: Word,
        /// Number of the chunk within the occupancy, from 1.
        chunk: u32,
        /// Sum over the channels.
        total: Decimal,
    },
    /// `NS`: neutron counts in one time chunk, a count per detector.
    Neutron {
        /// Slices of 0.1 s that make a chunk.
        slices: u32,
        /// Number of the chunk.
        chunk: u32,
        /// Sum over the detectors.
        total: Decimal,
    },
    /// `AB`: the background the algorithm compared with.
    AnalysedBackground {
        /// Of what.
        particle: Particle,
        /// Its duration.
        seconds: Decimal,
        /// Sum over channels, or all neutron counts.
        total: Decimal,
    },
    /// `ID`: a nuclide found, `None` for `NONE`.
    Nuclide(Option<Word>),
    /// `GX`: end of an occupancy.
    OccupancyEnd {
        /// The lamp.
        light: Light,
        /// Number of the occupancy.
        number: u32,
        /// Time as written.
        time: Word,
        /// Speed at the entry, unit not stated.
        entry_speed: Option<Decimal>,
        /// Speed at the exit, unit not stated.
        exit_speed: Option<Decimal>,
    },
    /// A line with another tag.
    Unknown,
}

impl Channels for Line {
    /// Sums of the counts: `gamma-background-aa1`, `gamma-aa1` (after the detector), `neutron-background`,
    /// `neutron`, `analysed-gamma`, `analysed-neutron`; at the end `alarm` (0 green, 1 otherwise).
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        let count = |value: &Decimal| Ok(Indication { value: *value, unit: Unit::Count, quality: Quality::Good });
        match self {
            Self::GammaBackground { detector, total } => tell(&named("gamma-background", detector), count(total)),
            Self::Gamma { detector, total, .. } => tell(&named("gamma", detector), count(total)),
            Self::NeutronBackground { total, .. } => tell("neutron-background", count(total)),
            Self::Neutron { total, .. } => tell("neutron", count(total)),
            Self::AnalysedBackground { particle: Particle::Gamma, total, .. } => tell("analysed-gamma", count(total)),
            Self::AnalysedBackground { particle: Particle::Neutron, total, .. } => {
                tell("analysed-neutron", count(total));
            }
            Self::OccupancyEnd { light, .. } => {
                let value = Decimal::whole(i64::from(*light != Light::Green));
                tell("alarm", Ok(Indication { value, unit: Unit::One, quality: Quality::Good }));
            }
            Self::Setup { .. } | Self::Deviations | Self::BackgroundEnd(_) | Self::Nuclide(_) | Self::Unknown => {}
        }
    }
}

/// A channel name with the detector in lower case behind it.
fn named(channel: &str, detector: &str) -> Name {
    let mut name = Name::new();
    let _ = name.push_str(channel);
    // A detector's name is at most eight letters and digits, see `detector`.
    let _ = name.push('-');
    for letter in detector.chars() {
        let _ = name.push(letter.to_ascii_lowercase());
    }
    name
}

/// The decoder; a frame is one line of at most `N` bytes.
#[derive(Clone, Debug)]
pub struct Decoder<const N: usize = MAX_LINE_BYTES> {
    lines: Lines<N>,
}

impl<const N: usize> Decoder<N> {
    /// A decoder for a file, or a stream that starts with a line.
    pub const fn new() -> Self {
        Self { lines: Lines::at_line_start() }
    }

    /// The counts, or the parameters and pairs as text, that follow the fixed fields of the line just
    /// reported.
    pub fn list(&self) -> impl Iterator<Item = &[u8]> {
        list(self.lines.line())
    }

    /// The counts of the line just reported; empty when it has none.
    pub fn counts(&self) -> impl Iterator<Item = Decimal> {
        let has_counts = matches!(tag(self.lines.line()), b"GB" | b"NB" | b"GS" | b"NS" | b"AB");
        let line = if has_counts { self.lines.line() } else { &[] };
        list(line).map_while(|field| count(field).ok())
    }
}

impl<const N: usize> Default for Decoder<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Decode for Decoder<N> {
    type Item = Line;

    fn push(&mut self, byte: u8) -> Option<Event<Line>> {
        Some(match self.lines.push(byte)? {
            Cut::Garbage(bytes) => Event::Garbage(bytes),
            Cut::TooLong => Event::Refused(Refusal::TooLong),
            Cut::Line => read(self.lines.line()).map_or_else(Event::Refused, Event::Frame),
        })
    }

    fn raw(&self) -> &[u8] {
        self.lines.line()
    }

    fn reset(&mut self) {
        self.lines = Lines::in_mid_line();
    }
}

fn tag(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == b',').next().unwrap_or_default().trim_ascii()
}

/// How many fields stand before the list, tag included.
fn fixed_fields(tag: &[u8]) -> usize {
    match tag {
        b"GB" | b"NB" | b"ID" => 2,
        b"GS" | b"NS" | b"AB" => 3,
        b"S1" => 5,
        _ => 1,
    }
}

fn list(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    // Some files end their lines with a comma.
    let line = line.trim_ascii_end();
    let line = line.strip_suffix(b",").unwrap_or(line);
    let skip = if line.is_empty() { usize::MAX } else { fixed_fields(tag(line)) };
    line.split(|&byte| byte == b',').skip(skip).map(<[u8]>::trim_ascii)
}

fn read(line: &[u8]) -> Result<Line, Refusal> {
    let mut fields = line.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let tag = fields.next().unwrap_or_default();
    let mut next = || fields.next().ok_or(Refusal::Shape);
    Ok(match tag {
        b"S1" => Line::Setup {
            detector: word(next()?)?,
            application: word(next()?)?,
            channels: whole(next()?, MAX_WHOLE)?,
            algorithm: word(next()?)?,
        },
        b"S2" => Line::Deviations,
        b"GB" => Line::GammaBackground { detector: detector(next()?)?, total: total(line)? },
        b"NB" => Line::NeutronBackground { seconds: count(next()?)?, total: total(line)? },
        b"BX" => Line::BackgroundEnd(word(next()?)?),
        b"GS" => Line::Gamma { detector: detector(next()?)?, chunk: whole(next()?, MAX_WHOLE)?, total: total(line)? },
        b"NS" => {
            Line::Neutron { slices: whole(next()?, MAX_WHOLE)?, chunk: whole(next()?, MAX_WHOLE)?, total: total(line)? }
        }
        b"AB" => Line::AnalysedBackground {
            particle: match next()? {
                kind if kind.eq_ignore_ascii_case(b"gamma") => Particle::Gamma,
                kind if kind.eq_ignore_ascii_case(b"neutron") => Particle::Neutron,
                _ => return Err(Refusal::Shape),
            },
            seconds: count(next()?)?,
            total: total(line)?,
        },
        b"ID" => {
            let nuclide = word(next()?)?;
            Line::Nuclide((!nuclide.eq_ignore_ascii_case("none")).then_some(nuclide))
        }
        b"GX" => {
            let light = match next()? {
                light if light.eq_ignore_ascii_case(b"red") => Light::Red,
                light if light.eq_ignore_ascii_case(b"yellow") => Light::Yellow,
                light if light.eq_ignore_ascii_case(b"green") => Light::Green,
                _ => return Err(Refusal::Shape),
            };
            let (number, time) = (whole(next()?, MAX_WHOLE)?, word(next()?)?);
            // The file it came from; its name may be as long as it likes.
            next()?;
            let mut speed = || fields.next().filter(|field| !field.is_empty()).map(count).transpose();
            Line::OccupancyEnd { light, number, time, entry_speed: speed()?, exit_speed: speed()? }
        }
        [first, second] if first.is_ascii_uppercase() && second.is_ascii_alphanumeric() => Line::Unknown,
        _ => return Err(Refusal::Shape),
    })
}

/// A count or a duration: digits without a sign, perhaps with a point among them.
fn count(field: &[u8]) -> Result<Decimal, Refusal> {
    let framed = field.first().is_some_and(u8::is_ascii_digit) && field.last().is_some_and(u8::is_ascii_digit);
    if framed { Decimal::from_ascii(field).map_err(|_| Refusal::Number) } else { Err(Refusal::Number) }
}

/// The sum of the list, which must not be empty.
fn total(line: &[u8]) -> Result<Decimal, Refusal> {
    let mut counts = list(line);
    let first = count(counts.next().ok_or(Refusal::Shape)?)?;
    counts.try_fold(first, |sum, field| sum.checked_add(count(field)?).ok_or(Refusal::Number))
}

fn word(field: &[u8]) -> Result<Word, Refusal> {
    if field.is_empty() || field.iter().any(|byte| !byte.is_ascii() || byte.is_ascii_control()) {
        return Err(Refusal::Shape);
    }
    let text = core::str::from_utf8(field).map_err(|_| Refusal::Shape)?;
    Word::try_from(text).map_err(|_| Refusal::TooLong)
}

/// Names of detectors become part of channel names, so they are held to letters and digits.
fn detector(field: &[u8]) -> Result<Word, Refusal> {
    if field.len() > 8 || !field.iter().all(u8::is_ascii_alphanumeric) { Err(Refusal::Shape) } else { word(field) }
}

/// Writes a line with its CR LF and the list behind its fixed fields; `None` when `N` bytes do not hold
/// it, or it would not be read back as the same.
pub fn encode<const N: usize>(line: &Line, list: &[Decimal]) -> Option<heapless::String<N>> {
    let mut out = heapless::String::new();
    match line {
        Line::Setup { detector, application, channels, algorithm } => {
            write!(out, "S1,{detector},{application},{channels},{algorithm}")
        }
        Line::Deviations => write!(out, "S2"),
        Line::GammaBackground { detector, .. } => write!(out, "GB,{detector}"),
        Line::NeutronBackground { seconds, .. } => write!(out, "NB,{seconds}"),
        Line::BackgroundEnd(time) => write!(out, "BX,{time}"),
        Line::Gamma { detector, chunk, .. } => write!(out, "GS,{detector},{chunk:03}"),
        Line::Neutron { slices, chunk, .. } => write!(out, "NS,{slices:03},{chunk:03}"),
        Line::AnalysedBackground { particle: Particle::Gamma, seconds, .. } => write!(out, "AB,Gamma,{seconds}"),
        Line::AnalysedBackground { particle: Particle::Neutron, seconds, .. } => write!(out, "AB,Neutron,{seconds}"),
        Line::Nuclide(nuclide) => write!(out, "ID,{}", nuclide.as_deref().unwrap_or("NONE")),
        Line::OccupancyEnd { light, number, time, .. } => {
            let light = match light {
                Light::Red => "Red",
                Light::Yellow => "Yellow",
                Light::Green => "Green",
            };
            write!(out, "GX,{light},{number},{time},none")
        }
        Line::Unknown => return None,
    }
    .ok()?;
    if let Line::OccupancyEnd { entry_speed, exit_speed, .. } = line {
        for speed in [entry_speed, exit_speed].into_iter().flatten() {
            write!(out, ",{speed}").ok()?;
        }
    }
    for value in list {
        write!(out, ",{value}").ok()?;
    }
    (read(out.as_bytes()).as_ref() == Ok(line)).then_some(())?;
    out.push_str("\r\n").ok()?;
    Some(out)
}
