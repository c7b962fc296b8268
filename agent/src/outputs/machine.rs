//! Which lines are on: from what is durable, what is going on, and the time.

use tidewaiter_config::site::{BARRIER, BUZZER, Lines, Output, PULSE, State};

/// While nothing is recorded the buzzer sounds for [`PATTERN_ON_MS`] in every such period.
const PATTERN_MS: u64 = 5_000;
/// See [`PATTERN_MS`].
const PATTERN_ON_MS: u64 = 1_000;
/// The pulse changes as often.
const PULSE_MS: u64 = 1_000;

/// What is known of the place at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Monotonic milliseconds.
    pub now_ms: u64,
    /// Records are accepted, and the stage that makes them is alive.
    pub recording: bool,
    /// An inspection is open here.
    pub busy: bool,
    /// Recorded results of this place, oldest first; those seen before may be among them.
    pub results: Vec<Shown>,
}

/// A recorded result in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Number of its record.
    pub seq: u64,
    /// What its disposition shows.
    pub state: State,
    /// When the inspection ended, monotonic milliseconds.
    pub ended_ms: u64,
}

/// What the lines should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What they show.
    pub state: State,
    /// Which are on.
    pub lines: Lines,
}

/// The lamps of one place.
///
/// From strictest to least: not recording; an alarm within its hold, which the next lorry does not wipe; an open
/// inspection; the newest result. `clear` lasts for the hold, counted from the end of the inspection, so that a commit
/// that came late opens no barrier for whoever stands there by then. Other results stand until the next inspection.
#[derive(Debug)]
pub struct Machine {
    on: [Lines; 7],
    buzzer: Option<usize>,
    barrier: Option<usize>,
    pulse: Option<usize>,
    sounds_ms: u64,
    hold_ms: u64,
    /// The newest record seen.
    seen: Option<u64>,
    result: Option<Shown>,
    alarm: Option<Shown>,
    state: State,
    since_ms: u64,
}

impl Machine {
    /// Knows nothing yet: until records are known to be accepted it shows that they are not.
    pub fn new(output: &Output, now_ms: u64) -> Self {
        Self {
            on: State::ALL.map(|state| output.lit(state)),
            buzzer: output.line(BUZZER),
            barrier: output.line(BARRIER),
            pulse: output.line(PULSE),
            sounds_ms: crate::inspect::millis(output.buzzer),
            hold_ms: crate::inspect::millis(output.hold),
            seen: None,
            result: None,
            alarm: None,
            state: State::NotRecording,
            since_ms: now_ms,
        }
    }

    /// What the lines should be now.
    pub fn look(&mut self, seen: &Seen) -> Wanted {
        for result in &seen.results {
            if self.seen.is_none_or(|newest| result.seq > newest) {
                self.seen = Some(result.seq);
                self.result = Some(*result);
                if result.state == State::Alarm {
                    self.alarm = Some(*result);
                }
            }
        }
        let held = |it: &Shown| seen.now_ms.saturating_sub(it.ended_ms) < self.hold_ms;
        self.alarm = self.alarm.filter(held);
        if seen.busy {
            self.result = None;
        }
        let state = if !seen.recording {
            // What was shown before is not taken up again: nobody watched in between.
            self.result = None;
            State::NotRecording
        } else if self.alarm.is_some() {
            State::Alarm
        } else if seen.busy {
            State::Inspecting
        } else {
            match self.result {
                Some(it) if it.state == State::Clear && !held(&it) => State::Idle,
                Some(it) => it.state,
                None => State::Idle,
            }
        };
        if state != self.state {
            self.state = state;
            self.since_ms = seen.now_ms;
        }
        Wanted { state, lines: self.lines(seen.now_ms) }
    }

    /// What is left behind when the agent stops, and what there is before anything is known: not recording, without the
    /// noise, the barrier shut.
    pub fn safe(&self) -> Lines {
        self.quiet(State::NotRecording)
    }

    fn lines(&self, now_ms: u64) -> Lines {
        let shown = self.lit(self.state);
        let mut lines = self.quiet(self.state);
        if let Some(buzzer) = self.buzzer.filter(|at| shown.has(*at)) {
            let since = now_ms.saturating_sub(self.since_ms);
            let sounds = if self.state == State::NotRecording {
                since % PATTERN_MS < PATTERN_ON_MS
            } else {
                since < self.sounds_ms
            };
            lines = lines.with(buzzer, sounds);
        }
        if let Some(barrier) = self.barrier {
            lines = lines.with(barrier, self.state == State::Clear);
        }
        if let Some(pulse) = self.pulse {
            lines = lines.with(pulse, now_ms / PULSE_MS % 2 == 1);
        }
        lines
    }

    fn quiet(&self, state: State) -> Lines {
        let mut lines = self.lit(state);
        for never in [self.buzzer, self.barrier, self.pulse].into_iter().flatten() {
            lines = lines.with(never, false);
        }
        lines
    }

    fn lit(&self, state: State) -> Lines {
        State::ALL.iter().zip(self.on).find(|(it, _)| **it == state).map_or(Lines::default(), |(_, lines)| lines)
    }
}

/// What a disposition shows; a word nobody knows is referred.
pub fn state_of(disposition: &str) -> State {
    match disposition {
        "clear" => State::Clear,
        "alarm" => State::Alarm,
        "not-valid" => State::NotValid,
        _ => State::Refer,
    }
}
