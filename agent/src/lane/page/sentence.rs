//! The large word of a place and its one fixed sentence: from durable state alone, by two pure functions.
//!
//! | what is so, the first that holds | word | sentence |
//! |---|---|---|
//! | the keeper has not looked at its store for [`STALE_MS`] | state unknown | since when nothing is known |
//! | nothing is recorded (full, failed, key, fork, stopping) | NOT RECORDING | cause and since when |
//! | nothing has come from any instrument of the place yet | starting | |
//! | an inspection is open | inspecting | the reading shown is not yet recorded |
//! | there is a result; it stands in the store, or it would not be in the list | its disposition | how far its record is |
//! | none of these | waiting | |
//!
//! A result older than [`OLD_MS`] says its age, so that nobody takes it for the next vehicle's.

use tidewaiter_words::{Language, say, terms};

use super::when::Times;
use crate::{
    inspector::LiveResult,
    lane::{STALE_MS, StatusReport, StopReason},
};

/// A result is called old from this age on.
pub(super) const OLD_MS: u64 = 120_000;

/// What the word and the sentence are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Its id.
    pub(super) id: &'a str,
    /// Something has come from one of its instruments, be it the word that its port is down.
    pub(super) is_heard: bool,
    /// The agent publishes at all.
    pub(super) has_uplink: bool,
    /// Now, monotonic milliseconds.
    pub(super) now_mono_ms: u64,
}

/// The large word.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage<'a> {
    /// Nobody knows, for so many milliseconds.
    Unknown(u64),
    /// Nothing is recorded.
    NotRecording(StopReason, Option<i64>),
    /// No instrument has said anything yet.
    Starting,
    /// An inspection is open.
    Open,
    /// The newest result and its age in milliseconds.
    Result(&'a LiveResult, u64),
    /// Nothing has been examined since the start.
    Waiting,
}

impl<'a> Stage<'a> {
    /// The word of a place.
    pub(super) fn of(report: &'a StatusReport, place: Place<'_>) -> Self {
        if report.looked_ago_ms > STALE_MS {
            return Self::Unknown(report.looked_ago_ms);
        }
        if let Some(stopped) = report.stopped {
            return Self::NotRecording(stopped.cause, stopped.since_ms);
        }
        if report.live.busy.contains_key(place.id) {
            return Self::Open;
        }
        match report.live.results.iter().rev().find(|result| result.place == place.id) {
            Some(result) => Self::Result(result, place.now_mono_ms.saturating_sub(result.detail.closed_mono_ms)),
            None if !place.is_heard => Self::Starting,
            None => Self::Waiting,
        }
    }

    /// The stable word: a disposition, or one of the page's own. Shape and colour go by it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown",
            Self::NotRecording(..) => "not-recording",
            Self::Starting => "starting",
            Self::Open => "open",
            Self::Result(result, _) => result.disposition,
            Self::Waiting => "waiting",
        }
    }

    /// The word as it is read.
    pub(super) fn name(&self, language: Language) -> String {
        match self {
            Self::Unknown(_) | Self::Starting | Self::Open | Self::Waiting => {
                say(language, &format!("stage-{}", self.word()), &[])
            }
            Self::NotRecording(..) | Self::Result(..) => terms::disposition(language, self.word()),
        }
    }

    /// The result shown is old, and how old it is in milliseconds.
    pub(super) fn old_ms(&self) -> Option<u64> {
        match self {
            Self::Result(_, age_ms) => Some(*age_ms).filter(|it| *it >= OLD_MS),
            _ => None,
        }
    }
}

/// The fixed sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sentence {
    /// The durable state was last known so many seconds ago.
    Unknown(u64),
    /// Why nothing is recorded, and since when (UTC milliseconds).
    NotRecording(StopReason, Option<i64>),
    /// Instruments have not spoken yet.
    Starting,
    /// What is shown is live.
    NotYetRecorded,
    /// A record, and how far it is.
    Recorded(u64, Way),
    /// Nothing examined here since the start.
    Waiting,
}

/// How far a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Durable here; about to be sent.
    Here,
    /// Durable here; nothing publishes it.
    NoUplink,
    /// Durable here; the uplink has been down for so many seconds.
    Waiting(u64),
    /// A broker has it.
    Sent,
    /// The centre has signed for it.
    Receipted,
}

impl Sentence {
    /// The sentence of a place.
    pub(super) fn of(report: &StatusReport, place: Place<'_>) -> Self {
        match Stage::of(report, place) {
            Stage::Unknown(ago_ms) => Self::Unknown(ago_ms / 1000),
            Stage::NotRecording(cause, since_ms) => Self::NotRecording(cause, since_ms),
            Stage::Starting => Self::Starting,
            Stage::Open => Self::NotYetRecorded,
            Stage::Waiting => Self::Waiting,
            Stage::Result(result, _) => Self::Recorded(result.seq, Way::of(report, result.seq, place.has_uplink)),
        }
    }

    /// The sentence as it is read.
    pub(super) fn say(&self, language: Language, times: &Times) -> String {
        match *self {
            Self::Unknown(seconds) => say(language, "state-unknown", &[("seconds", seconds.into())]),
            Self::NotRecording(cause, since_ms) => {
                let cause = say(language, &format!("cause-{}", cause.word()), &[]);
                match since_ms {
                    Some(since_ms) => {
                        let since = times.clock(since_ms);
                        say(language, "not-recording", &[("since", (&since).into()), ("cause", (&cause).into())])
                    }
                    None => say(language, "not-recording-now", &[("cause", (&cause).into())]),
                }
            }
            Self::Starting => say(language, "page-starting", &[]),
            Self::NotYetRecorded => say(language, "reading-not-recorded", &[]),
            Self::Waiting => say(language, "waiting-for-subject", &[]),
            Self::Recorded(number, way) => {
                let number = ("number", number.into());
                match way {
                    Way::Here => say(language, "recorded", &[number]),
                    Way::NoUplink => {
                        format!("{} — {}", say(language, "recorded", &[number]), say(language, "uplink-none", &[]))
                    }
                    Way::Waiting(seconds) => {
                        let down = terms::span(seconds);
                        say(language, "recorded-waiting", &[number, ("down", (&down).into())])
                    }
                    Way::Sent => say(language, "recorded-sent", &[number]),
                    Way::Receipted => say(language, "recorded-receipted", &[number]),
                }
            }
        }
    }
}

impl Way {
    fn of(report: &StatusReport, seq: u64, has_uplink: bool) -> Self {
        let counters = &report.counters;
        if seq < counters.receipted {
            Self::Receipted
        } else if seq < counters.sent {
            Self::Sent
        } else if !has_uplink {
            Self::NoUplink
        } else if let Some(down_ms) = report.uplink_down_ms {
            Self::Waiting(down_ms / 1000)
        } else {
            Self::Here
        }
    }
}

#[cfg(test)]
mod tests;
