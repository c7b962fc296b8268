//! Benches: a sample is laid on, the bench runs up, measures, and ends well or not.
//!
//! The truth stands at the sample; which part of it an instrument shows, and when, follows from the
//! phase of the bench. While nothing lies on it, a channel shows what the scene holds there, or nothing.
//!
//! ```text
//! at        at + mount                       … + lasts          … + dismount
//! | mounting | running: replicate 1 | 2 | … n | complete or failed | idle
//! ```

use tidewaiter_drivers::{Decimal, modbus::register::Encoding};

use super::{
    Shown,
    chance::{Chance, Purpose},
    rounding::{as_real, below, displayed, nearest, real},
};
use crate::scene::{BenchInstrument, Ending, Quantity, Rig, Sample, States};
use tidewaiter_config::profile::RegisterChannel;

/// First test number; samples count up from it.
const FIRST_TEST: i64 = 20_260_101;
/// Bit of the alarm register: the specimen failed.
const SPECIMEN_FAILED: i64 = 1 << 4;
/// An indication is renewed this often.
const UPDATE_MS: i64 = 200;
/// Numbers of noise streams kept for one instrument.
const STREAMS: u16 = 64;

/// What a bench is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle,
    Mounting,
    Running,
    Complete,
    Failed,
}

/// A bench at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) phase: Phase,
    /// What lies on it.
    pub(crate) sample: Option<&'a Sample>,
    /// Place of the sample in the scene, from 0.
    number: i64,
    /// How long it has been measured.
    running_ms: i64,
    /// How long it will have been.
    lasts_ms: i64,
    /// How far it is mounted, 0 to 1.
    mounted: f64,
}

/// An instrument's statement about a sample: the values of one replicate.
#[derive(Clone, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) at_ms: i64,
    pub(crate) sample: &'a Sample,
    /// From 1, and how many there are.
    pub(crate) replicate: (u8, u8),
    /// Channel and value in the order of the scene.
    pub(crate) values: Vec<(&'a Quantity, Decimal)>,
}

/// All benches of a world.
#[derive(Clone, Debug)]
pub(crate) struct Benches {
    rigs: Vec<Rig>,
    chance: Chance,
}

/// One instrument and the bench it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Station<'a> {
    pub(crate) rig: &'a Rig,
    pub(crate) instrument: &'a BenchInstrument,
    /// Place among all instruments of all benches.
    place: u16,
    chance: Chance,
}

impl Benches {
    pub(crate) const fn new(rigs: Vec<Rig>, chance: Chance) -> Self {
        Self { rigs, chance }
    }

    /// The instrument of this id.
    pub(crate) fn station(&self, id: &str) -> Option<Station<'_>> {
        let all = self.rigs.iter().flat_map(|rig| rig.instruments.iter().map(move |it| (rig, it)));
        (0..).zip(all).find(|(_, (_, it))| it.id == id).map(|(place, (rig, instrument))| Station {
            rig,
            instrument,
            place,
            chance: self.chance,
        })
    }
}

/// What a bench does at this time.
pub(crate) fn moment(rig: &Rig, at_ms: i64) -> Moment<'_> {
    let idle = Moment { phase: Phase::Idle, sample: None, number: 0, running_ms: 0, lasts_ms: 0, mounted: 0.0 };
    let begun = (0_i64..).zip(&rig.samples).filter(|(_, it)| it.at.is_some_and(|at| at.ms() <= at_ms));
    let Some((number, sample)) = begun.max_by_key(|(_, it)| it.at) else {
        return idle;
    };
    let lasts_ms = lasts(rig, sample);
    let since = at_ms - sample.at.map_or(0, crate::Span::ms);
    let running_ms = since - rig.mount.ms();
    let ended = match sample.ends {
        Ending::Complete => Phase::Complete,
        Ending::Failed => Phase::Failed,
        Ending::Stopped => Phase::Idle,
    };
    let phase = match running_ms {
        ..0 => Phase::Mounting,
        it if it < lasts_ms => Phase::Running,
        it if it < lasts_ms + rig.dismount.ms() => ended,
        _ => Phase::Idle,
    };
    if phase == Phase::Idle {
        return idle;
    }
    let mounted = (real(since) / real(rig.mount.ms().max(1))).clamp(0.0, 1.0);
    Moment { phase, sample: Some(sample), number, running_ms: running_ms.clamp(0, lasts_ms), lasts_ms, mounted }
}

fn lasts(rig: &Rig, sample: &Sample) -> i64 {
    sample.lasts.unwrap_or(rig.lasts).ms().max(1)
}

impl Moment<'_> {
    /// Which of so many replicates is being measured, from 0.
    fn replicate(&self, count: usize) -> i64 {
        let count = i64::try_from(count).unwrap_or(1).max(1);
        (self.running_ms * count / self.lasts_ms.max(1)).clamp(0, count - 1)
    }
}

impl<'a> Station<'a> {
    /// What a channel of this name and kind shows on a register of the instrument.
    pub(crate) fn shown(&self, channel: &RegisterChannel, warming: bool, at_ms: i64) -> Shown {
        let now = moment(self.rig, at_ms);
        let speed = || self.instrument.driven.get("speed").map_or(0.0, |it| as_real(it.0));
        let ran = real(now.running_ms) / 1000.0;
        match channel.name.as_str() {
            "state" => Shown::Whole(state(self.instrument.states, now.phase)),
            "alarms" => Shown::Whole(if now.phase == Phase::Failed { SPECIMEN_FAILED } else { 0 }),
            "test-number" => Shown::Whole(now.sample.map_or(0, |_| FIRST_TEST + now.number)),
            "elapsed" | "stage-elapsed" => Shown::Whole(now.running_ms / 1000),
            "stage" | "application" => Shown::Whole(if now.phase == Phase::Running {
                now.replicate(self.most_values(now.sample)) + 1
            } else {
                0
            }),
            "distance" => Shown::Whole(below(ran * speed() / 3.6)),
            "revolutions" => Shown::Whole(below(ran * speed() / 60.0)),
            "heartbeat" => Shown::Whole(at_ms.div_euclid(1000).rem_euclid(65_536)),
            "warming-up" => Shown::Whole(i64::from(warming)),
            "valid" => Shown::Whole(i64::from(!warming)),
            "belt-running" | "shutter-open" => Shown::Whole(1),
            name => match self.indicated(name, at_ms) {
                _ if matches!(channel.encoding, Encoding::Ascii(_)) => {
                    Shown::Text(now.sample.map(|it| it.sample.clone()).unwrap_or_default())
                }
                Some(value) if !warming => Shown::Number(value),
                _ if matches!(channel.encoding, Encoding::F32(_)) || !channel.sentinels.is_empty() => Shown::Absent,
                _ => Shown::Whole(0),
            },
        }
    }

    /// What a channel shows now; `None` while there is nothing to show.
    pub(crate) fn indicated(&self, channel: &str, at_ms: i64) -> Option<Decimal> {
        let now = moment(self.rig, at_ms);
        let rest = self.instrument.held.get(channel).map(|it| it.0);
        if let Some(driven) = self.instrument.driven.get(channel) {
            // Up to speed while mounting, and at rest afterwards.
            let share = match now.phase {
                Phase::Idle | Phase::Complete | Phase::Failed => 0.0,
                Phase::Mounting => now.mounted,
                Phase::Running => 1.0,
            };
            return Some(self.noisy(channel, as_real(driven.0) * share, driven.0.places(), at_ms));
        }
        let quantity = self.quantities().find(|it| it.channel.as_deref() == Some(channel));
        let values = now.sample.zip(quantity).and_then(|(sample, it)| sample.values.get(&it.parameter));
        let Some(values) = values.filter(|_| matches!(now.phase, Phase::Running | Phase::Complete | Phase::Failed))
        else {
            return rest.map(|it| self.noisy(channel, as_real(it), it.places(), at_ms));
        };
        let which = usize::try_from(now.replicate(values.0.len())).unwrap_or(0);
        let value = *values.0.get(which)?;
        let before = which.checked_sub(1).and_then(|it| values.0.get(it).copied()).or(rest).unwrap_or(value);
        let part = now.lasts_ms / i64::try_from(values.0.len()).unwrap_or(1).max(1);
        let since = now.running_ms - part * i64::try_from(which).unwrap_or(0);
        let left = match self.instrument.response.ms() {
            0 => 0.0,
            response => (-real(since) / real(response)).exp(),
        };
        let approached = as_real(value) + (as_real(before) - as_real(value)) * left;
        Some(self.noisy(channel, approached, value.places(), at_ms))
    }

    /// What it says about its samples in `after..=until`, oldest first.
    pub(crate) fn statements(&self, after_ms: i64, until_ms: i64) -> Vec<Said<'a>> {
        let all = self.rig.samples.iter().flat_map(|sample| self.about(sample));
        all.filter(|it| after_ms < it.at_ms && it.at_ms <= until_ms).collect()
    }

    /// Its statements about a sample, one for each replicate, at the end of the replicate's time.
    pub(crate) fn about(&self, sample: &'a Sample) -> Vec<Said<'a>> {
        let count = self.most_values(Some(sample));
        let (Some(at), Ok(most)) = (sample.at, u8::try_from(count)) else {
            return Vec::new();
        };
        let begin = at.ms() + self.rig.mount.ms();
        // A run that somebody stops does not come to its last statement.
        let said = if sample.ends == Ending::Stopped { count.saturating_sub(1) } else { count };
        (1..=most)
            .zip(0..said)
            .map(|(replicate, place)| {
                let at_ms = begin + lasts(self.rig, sample) * i64::from(replicate) / i64::from(most);
                let values = self.quantities().filter_map(|it| {
                    let value = sample.values.get(&it.parameter)?.0.get(place)?;
                    let channel = it.channel.as_deref().unwrap_or_default();
                    Some((it, self.noisy(channel, as_real(*value), value.places(), at_ms)))
                });
                Said { at_ms, sample, replicate: (replicate, most), values: values.collect() }
            })
            .filter(|it| !it.values.is_empty())
            .collect()
    }

    /// Counts in one second of this mean.
    pub(crate) fn counts(&self, channel: &str, at_ms: i64) -> i64 {
        let mean = self.indicated(channel, at_ms).map_or(0.0, as_real);
        self.draw(channel, at_ms.div_euclid(1000)).poisson(mean)
    }

    /// How often this instrument measures a sample.
    fn most_values(&self, sample: Option<&Sample>) -> usize {
        let of = |it: &Quantity| sample.and_then(|sample| sample.values.get(&it.parameter)).map_or(0, |it| it.0.len());
        self.quantities().map(of).max().unwrap_or(0)
    }

    /// The quantities it measures.
    pub(crate) fn quantities(&self) -> impl Iterator<Item = &'a Quantity> {
        let id = self.instrument.id.as_str();
        self.rig.quantities.iter().filter(move |it| it.instrument.as_deref() == Some(id))
    }

    /// A draw of this channel.
    pub(crate) fn draw(&self, channel: &str, index: i64) -> super::chance::Draw {
        let stream = channel.bytes().fold(0_u16, |all, it| all.wrapping_mul(31).wrapping_add(u16::from(it))) % STREAMS;
        self.chance.numbered(Purpose::Bench, self.place * STREAMS + stream, index)
    }

    fn noisy(&self, channel: &str, value: f64, places: u8, at_ms: i64) -> Decimal {
        if self.instrument.noise == 0.0 {
            return displayed(value, places);
        }
        let mut draw = self.draw(channel, at_ms.div_euclid(UPDATE_MS));
        displayed(value * (1.0 + self.instrument.noise * draw.normal()), places)
    }
}

fn state(states: States, phase: Phase) -> i64 {
    i64::from(match phase {
        Phase::Idle => states.idle,
        Phase::Mounting => states.mounting,
        Phase::Running => states.running,
        Phase::Complete => states.complete,
        Phase::Failed => states.failed,
    })
}

/// A spectrum of 4096 channels that holds so many counts: a continuum that falls with energy, and the counts
/// above the natural ones in one peak.
pub(crate) fn spectrum(station: &Station<'_>, counts: i64, natural: f64, at_ms: i64) -> Vec<u16> {
    /// Middle and width of the peak, and the fall of the continuum, in channels of about half a kiloelectronvolt.
    const PEAK: (f64, f64) = (1_324.0, 38.0);
    const FALL: f64 = 420.0;
    let mut channels = vec![0_u16; 4096];
    let mut draw = station.draw("spectrum", at_ms.div_euclid(1000));
    let peak = (counts - nearest(natural)).max(0);
    for count in 0..counts {
        let at = if count < peak { PEAK.0 + PEAK.1 * draw.normal() } else { -FALL * (1.0 - draw.unit()).ln() };
        if let Some(channel) = usize::try_from(below(at)).ok().and_then(|it| channels.get_mut(it)) {
            *channel = channel.saturating_add(1);
        }
    }
    channels
}

/// A whole number a decimal shows, for counters; what is behind the point is dropped.
pub(crate) fn whole(value: Decimal) -> u32 {
    u32::try_from(below(as_real(value)).max(0)).unwrap_or(0)
}
