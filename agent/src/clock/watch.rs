//! How far the wall clock can be believed: a machine fed with both clocks, the kernel's word and the centre's receipts.
//!
//! | quality | claimed when | error bound |
//! |---|---|---|
//! | S | the kernel says synchronised, and nothing contradicts it | the kernel's own, with a margin |
//! | H | it said so earlier in this uptime of the host | that of then, what a crystal drifts in between, and any step since |
//! | I | the clock is set and nothing vouches for it, or two vouchers contradict each other | an estimate |
//! | U | it stands before a time that has certainly passed | none |
//!
//! Times that have certainly passed: the format's birth, the newest time a service vouched for, the newest time the centre
//! has signed for; and, while nobody vouches, whatever the clock itself has shown.
//!
//! **Two vouchers that contradict each other.** While the monotonic clock runs, a synchronised clock cannot move further
//! than it drifts. If it does, one of the two was wrong, and the machine cannot know which. Until a receipt of the centre
//! agrees with the new time (a receipt comes after the record it covers was sealed and before it is read, so it bounds the
//! true time from both sides), the claim is I.
//!
//! What no machine can see from inside is a time service that leads the clock astray more slowly than crystals drift. Then
//! S is claimed in good faith, and the centre finds it by its own clock (`after-receipt`).

use std::collections::VecDeque;

use jiff::Timestamp;
use tidewaiter_config::site::WallClock;
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::body::{Detail, TimeBlock, TimeQuality, TimeRepair, TimeSource, TimeStep};

use super::{
    Host, Kernel,
    memory::{Anchor, Memory, Unvouched},
};

/// 2026-01-01T00:00:00Z: a wall clock below this has certainly never been set.
pub const WALL_FLOOR_MS: i64 = 1_767_225_600_000;
/// Added to the kernel's error bound: reading two clocks takes time, and both are cut to milliseconds.
const MARGIN_MS: u64 = 10;
/// A move of the wall clock against the monotonic one above this is a step …
const STEP_MS: u64 = 500;
/// … beside this part of the time since the last look.
const STEP_SHARE: u64 = 1000;
/// A leap second (ITU-R TF.460).
const LEAP_MS: u64 = 1000;
/// How far both clocks may be off after a suspend: the hardware clock counts whole seconds.
const RESUME_MS: u64 = 2000;
/// Drift of a battery-backed clock, parts per million, and what it is off to begin with.
const RTC: (u64, u64) = (20, 1000);
/// How far a slow correction may have moved the monotonic clock along with the wall clock: services step above this.
const SLEW_MS: u64 = 1000;
/// What the centre's own clock may be off.
const CENTRE_MS: u64 = 2000;
/// A receipt that took longer bounds nothing worth having.
const BRACKET_MS: u64 = 60_000;
/// How long a receipt's word on the clock counts.
const BRACKET_LIFE_MS: u64 = 3_600_000;
/// Newest records whose sealing is remembered, to bound the time of the receipt over them.
const SEALED: usize = 1024;

/// What the site says of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What a free-running clock drifts at worst, parts per million.
    pub drift_ppm: u32,
    /// Above this error bound holdover is no longer claimed, milliseconds.
    pub holdover_limit_ms: u64,
}

impl From<&WallClock> for Policy {
    fn from(site: &WallClock) -> Self {
        let limit = u64::try_from(site.holdover_limit.as_millis()).unwrap_or(u64::MAX);
        Self { drift_ppm: site.drift_ppm, holdover_limit_ms: limit }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { drift_ppm: 100, holdover_limit_ms: 60_000 }
    }
}

/// What is claimed of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Quality.
    pub quality: TimeQuality,
    /// Bound on the error, milliseconds; without meaning at U.
    pub err_ms: u64,
    /// What set the clock.
    pub src: TimeSource,
    /// Seconds since it did.
    pub age_s: u64,
    /// No time before this can be now, UTC milliseconds.
    pub floor_ms: i64,
}

impl Claim {
    /// Nothing is known yet.
    pub const UNKNOWN: Self =
        Self { quality: TimeQuality::U, err_ms: 0, src: TimeSource::None, age_s: 0, floor_ms: WALL_FLOOR_MS };

    /// Somebody vouches for the time: S or H.
    pub const fn is_vouched(&self) -> bool {
        matches!(self.quality, TimeQuality::S | TimeQuality::H)
    }
}

/// What a receipt says of UTC less the monotonic clock.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_field_names, reason = "the unit stands last in every name")]
struct Bracket {
    low_ms: i64,
    high_ms: i64,
    mono_ms: u64,
}

/// The machine.
#[derive(Debug)]
pub struct ClockWatch {
    policy: Policy,
    host: Host,
    boot: u64,
    memory: Memory,
    saved: Memory,
    /// Monotonic clock when this start of the agent began.
    began: Option<u64>,
    /// Newest wall clock shown in a record.
    shown_ms: i64,
    claim: Claim,
    /// Since when two vouchers contradict each other, and at which offset.
    doubt: Option<(u64, i64)>,
    bracket: Option<Bracket>,
    sealed: VecDeque<(u64, u64)>,
    /// Sleep and error bound at the last look.
    slept_ms: u64,
    max_error_ms: Option<u64>,
    /// What a sleep may have added to the error since the service last looked.
    resumed_ms: u64,
}

impl ClockWatch {
    /// Takes the judgement up where it was left. `shown_ms` is the wall clock of the newest record, 0 without one.
    pub fn new(policy: Policy, host: Host, boot: u64, memory: Memory, shown_ms: i64) -> Self {
        let saved = memory.clone();
        let mut memory = memory;
        if host.start.is_none() || memory.host != host.start {
            // Another uptime: its monotonic clock has nothing to do with ours.
            memory = Memory {
                host: host.start.clone(),
                anchor: None,
                seen: None,
                unvouched: None,
                vouched_ms: memory.vouched_ms,
                centre_ms: memory.centre_ms,
            };
        }
        Self {
            policy,
            host,
            boot,
            memory,
            saved,
            began: None,
            shown_ms,
            claim: Claim::UNKNOWN,
            doubt: None,
            bracket: None,
            sealed: VecDeque::new(),
            slept_ms: 0,
            max_error_ms: None,
            resumed_ms: 0,
        }
    }

    /// Looks at the clocks; gives what the chain must be told of them, oldest first.
    pub fn look(&mut self, now: Moment, kernel: &Kernel) -> Vec<Detail> {
        let offset_ms = offset(now);
        if self.began.is_none() {
            self.began = Some(now.mono_ms);
            self.slept_ms = kernel.asleep_ms;
        }
        let mut told = Vec::new();
        told.extend(self.step(now, offset_ms).map(Detail::TimeStep));
        self.memory.seen = Some((now.mono_ms, offset_ms));
        self.sleep(kernel);
        self.claim = self.judge(now, offset_ms, kernel);
        match self.claim.quality {
            TimeQuality::S => {
                self.memory.vouched_ms = now.wall_ms;
                // A clock that ran ahead before somebody vouched for it has no say any more.
                self.shown_ms = now.wall_ms;
                told.extend(self.repair(now, offset_ms).map(Detail::TimeRepair));
            }
            TimeQuality::H => self.shown_ms = now.wall_ms,
            TimeQuality::I | TimeQuality::U => self.shown_ms = self.shown_ms.max(now.wall_ms),
        }
        self.claim.floor_ms = self.floor();
        told
    }

    /// What was claimed at the last look.
    pub fn claim(&self) -> Claim {
        self.claim
    }

    /// The time block of a record made at `now`, soon after the last look.
    pub fn block(&self, now: Moment) -> TimeBlock {
        let Claim { quality, err_ms, src, age_s, .. } = self.claim;
        TimeBlock { wall_ms: now.wall_ms, mono_ms: now.mono_ms, boot: self.boot, quality, err_ms, src, age_s }
    }

    /// A record with the block of the last look is in the chain.
    pub fn sealed(&mut self, seq: u64, mono_ms: u64) {
        if self.sealed.len() == SEALED {
            self.sealed.pop_front();
        }
        self.sealed.push_back((seq, mono_ms));
        if !self.claim.is_vouched() && self.memory.unvouched.is_none() {
            let from_mono_ms = self.began.unwrap_or(mono_ms);
            self.memory.unvouched = Some(Unvouched { from_boot: self.boot, from_mono_ms });
        }
    }

    /// The centre has signed that it held record `seq` at `received_ms`, its own UTC; read at `now`.
    pub fn receipt(&mut self, seq: u64, received_ms: i64, now: Moment) {
        self.centre(received_ms);
        let sealed = self.sealed.iter().find(|(known, _)| *known == seq).map(|(_, mono_ms)| *mono_ms);
        if let Some(sealed) = sealed.filter(|sealed| now.mono_ms.saturating_sub(*sealed) <= BRACKET_MS) {
            self.bracket = Some(Bracket {
                low_ms: received_ms.saturating_sub_unsigned(now.mono_ms),
                high_ms: received_ms.saturating_sub_unsigned(sealed),
                mono_ms: now.mono_ms,
            });
        }
    }

    /// The centre has signed for this time: a receipt, or a head of its log. The newest word counts, so that a centre that
    /// once was ahead does not hold every agent at U for ever.
    pub fn centre(&mut self, at_ms: i64) {
        self.memory.centre_ms = at_ms;
    }

    /// The note to keep with the next commit, when it must be kept.
    pub fn note(&self) -> Option<Vec<u8>> {
        self.memory.differs(&self.saved).then(|| self.memory.write())
    }

    /// The note is durable.
    pub fn kept(&mut self) {
        self.saved = self.memory.clone();
    }

    fn floor(&self) -> i64 {
        WALL_FLOOR_MS.max(self.memory.vouched_ms).max(self.memory.centre_ms.saturating_sub_unsigned(CENTRE_MS))
    }

    fn step(&self, now: Moment, offset_ms: i64) -> Option<TimeStep> {
        let (mono_ms, before) = self.memory.seen?;
        let allowed = STEP_MS + now.mono_ms.saturating_sub(mono_ms) / STEP_SHARE;
        (offset_ms.abs_diff(before) > allowed).then(|| TimeStep {
            before_ms: before.saturating_add_unsigned(now.mono_ms),
            after_ms: now.wall_ms,
            mono_ms: now.mono_ms,
        })
    }

    /// After a sleep the service's old word no longer holds; its next one does, and shows as a smaller error.
    fn sleep(&mut self, kernel: &Kernel) {
        let slept = kernel.asleep_ms.saturating_sub(self.slept_ms);
        if slept > 0 {
            self.resumed_ms = self.resumed_ms.max(RESUME_MS).saturating_add(self.drift(slept));
            self.slept_ms = kernel.asleep_ms;
        } else if matches!((kernel.synchronised, self.max_error_ms), (Some(now), Some(before)) if now < before) {
            self.resumed_ms = 0;
        }
        self.max_error_ms = kernel.synchronised;
    }

    fn judge(&mut self, now: Moment, offset_ms: i64, kernel: &Kernel) -> Claim {
        let leap = if kernel.leap { LEAP_MS } else { 0 };
        if let Some(max_error) = kernel.synchronised.filter(|_| !kernel.slewing) {
            let err_ms = max_error.saturating_add(MARGIN_MS + leap).saturating_add(self.resumed_ms);
            let floor_ms = self.floor();
            let claim = |quality, err_ms| Claim { quality, err_ms, src: TimeSource::Host, age_s: 0, floor_ms };
            let latest = now.wall_ms.saturating_add_unsigned(err_ms);
            if latest < WALL_FLOOR_MS.max(self.memory.centre_ms.saturating_sub_unsigned(CENTRE_MS)) {
                return claim(TimeQuality::U, 0);
            }
            let moved = self.memory.anchor.map(|anchor| {
                let allowed = self.bound(&anchor, now).saturating_add(err_ms).saturating_add(leap);
                (offset_ms.abs_diff(anchor.offset_ms), allowed)
            });
            let word = self.word_of_the_centre(now, offset_ms, err_ms);
            let contradicts = moved.filter(|(moved, allowed)| moved > allowed).map(|(moved, _)| moved);
            match (contradicts, word) {
                (None, None | Some(true)) => self.doubt = None,
                // The centre's word must be newer than the contradiction to settle it.
                (Some(_), Some(true)) if self.doubt.is_some_and(|doubt| self.bracket_is_newer(doubt, offset_ms)) => {
                    self.doubt = None;
                }
                (moved, _) => {
                    let is_new = self.doubt.is_none_or(|(_, at)| at.abs_diff(offset_ms) > STEP_MS);
                    if is_new {
                        self.doubt = Some((now.mono_ms, offset_ms));
                    }
                    return claim(TimeQuality::I, err_ms.saturating_add(moved.unwrap_or(0)));
                }
            }
            self.memory.anchor = Some(Anchor { mono_ms: now.mono_ms, offset_ms, err_ms });
            return claim(TimeQuality::S, err_ms);
        }
        if let Some(anchor) = self.memory.anchor {
            let stepped = offset_ms.abs_diff(anchor.offset_ms);
            let leaps = if half_year(now.wall_ms) == half_year(anchor_wall(&anchor)) { leap } else { LEAP_MS };
            let err_ms = self
                .bound(&anchor, now)
                .saturating_add(stepped)
                .saturating_add(leaps)
                .saturating_add(self.resumed_ms)
                .saturating_add(if kernel.slewing { SLEW_MS } else { 0 });
            let age_s = now.mono_ms.saturating_sub(anchor.mono_ms) / 1000;
            if err_ms <= self.policy.holdover_limit_ms && self.doubt.is_none() {
                return self.made(TimeQuality::H, err_ms, TimeSource::Host, age_s);
            }
            let quality = self.set_or_unknown(now);
            return self.made(quality, err_ms, TimeSource::Host, age_s);
        }
        let quality = self.set_or_unknown(now);
        if self.host.rtc && self.memory.vouched_ms > 0 && quality == TimeQuality::I {
            let age_s = u64::try_from(now.wall_ms.saturating_sub(self.memory.vouched_ms)).unwrap_or(0) / 1000;
            return self.made(quality, age_s.saturating_mul(RTC.0).div_ceil(1000) + RTC.1, TimeSource::Rtc, age_s);
        }
        self.made(quality, 0, TimeSource::None, 0)
    }

    fn made(&self, quality: TimeQuality, err_ms: u64, src: TimeSource, age_s: u64) -> Claim {
        Claim { quality, err_ms, src, age_s, floor_ms: self.floor() }
    }

    /// A clock that nobody vouches for: set, or certainly wrong.
    fn set_or_unknown(&self, now: Moment) -> TimeQuality {
        if now.wall_ms < self.shown_ms || now.wall_ms < self.floor() { TimeQuality::U } else { TimeQuality::I }
    }

    fn drift(&self, span_ms: u64) -> u64 {
        span_ms.saturating_mul(u64::from(self.policy.drift_ppm)).div_ceil(1_000_000)
    }

    /// How far UTC may be from an anchor by now.
    fn bound(&self, anchor: &Anchor, now: Moment) -> u64 {
        anchor.err_ms.saturating_add(self.drift(now.mono_ms.saturating_sub(anchor.mono_ms)))
    }

    /// Whether the newest receipt agrees with this offset; `None` when it is too old to say.
    fn word_of_the_centre(&self, now: Moment, offset_ms: i64, err_ms: u64) -> Option<bool> {
        let bracket = self.bracket?;
        let age = now.mono_ms.saturating_sub(bracket.mono_ms);
        if age > BRACKET_LIFE_MS {
            return None;
        }
        let slack = err_ms.saturating_add(CENTRE_MS).saturating_add(self.drift(age));
        let low = bracket.low_ms.saturating_sub_unsigned(slack);
        let high = bracket.high_ms.saturating_add_unsigned(slack);
        Some((low..=high).contains(&offset_ms))
    }

    fn bracket_is_newer(&self, doubt: (u64, i64), offset_ms: i64) -> bool {
        let (since, at) = doubt;
        at.abs_diff(offset_ms) <= STEP_MS && self.bracket.is_some_and(|bracket| bracket.mono_ms >= since)
    }

    fn repair(&mut self, now: Moment, offset_ms: i64) -> Option<TimeRepair> {
        let unvouched = self.memory.unvouched.take()?;
        let span_ms = now.mono_ms.saturating_sub(unvouched.from_mono_ms);
        Some(TimeRepair {
            from_boot: unvouched.from_boot,
            to_boot: self.boot,
            offset_ms,
            err_ms: self.claim.err_ms.saturating_add(SLEW_MS).saturating_add(self.drift(span_ms)),
            src: self.claim.src,
        })
    }
}

fn offset(at: Moment) -> i64 {
    at.wall_ms.saturating_sub_unsigned(at.mono_ms)
}

fn anchor_wall(anchor: &Anchor) -> i64 {
    anchor.offset_ms.saturating_add_unsigned(anchor.mono_ms)
}

/// Leap seconds come at the end of June or December: the half-year of a time, counted on.
fn half_year(wall_ms: i64) -> i32 {
    let Ok(at) = Timestamp::from_millisecond(wall_ms) else { return 0 };
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    i32::from(date.year()) * 2 + i32::from(date.month() > 6)
}
