//! Words for the enumerations that records carry, and the sentence of one finding.
//!
//! Every function takes the stable word of a record (`no-background`, `crc-error`, `not-valid`). A word
//! newer than this catalogue comes out as its message id, so that nothing is hidden.

use crate::{Language, knows, quantity, say};

fn term(language: Language, kind: &str, word: &str) -> String {
    say(language, &format!("{kind}-{word}"), &[])
}

/// A verdict: `Fail` reads 不合格（初筛） or "Fail (pre-screen)".
pub fn verdict(language: Language, word: &str) -> String {
    term(language, "verdict", word)
}

/// A disposition, the one large word of the page: `clear`, `refer`, `alarm`, `not-valid`, and the page's
/// own `not-recording`, which overrides them all.
pub fn disposition(language: Language, word: &str) -> String {
    term(language, "disposition", word)
}

/// What the staff do next, by disposition.
pub fn what_to_do(language: Language, disposition: &str) -> String {
    term(language, "do", disposition)
}

/// Why a verdict could not be reached.
pub fn reason(language: Language, word: &str) -> String {
    term(language, "reason", word)
}

/// Why there is no value, with the exception or fault code where there is one.
pub fn missing(language: Language, word: &str, code: Option<u16>) -> String {
    let id = format!("missing-{word}");
    match code {
        Some(code) => say(language, &id, &[("code", code.into())]),
        None => say(language, &id, &[]),
    }
}

/// How far a value can be trusted.
pub fn quality(language: Language, word: &str) -> String {
    term(language, "quality", word)
}

/// Why an inspection is incomplete.
pub fn incomplete(language: Language, word: &str) -> String {
    term(language, "incomplete", word)
}

/// What makes a passage void; a kind the catalogue does not know is quoted.
pub fn fault(language: Language, kind: &str) -> String {
    term_or_other(language, "fault", kind)
}

/// What an alarm is about; a bench's own alarm name is quoted.
pub fn alarm(language: Language, kind: &str) -> String {
    term_or_other(language, "alarm", kind)
}

/// An alarm with who asserted it.
pub fn alarm_by(language: Language, kind: &str, by_device: bool, recomputed: bool) -> String {
    let alarm = alarm(language, kind);
    let id = match (by_device, recomputed) {
        (true, true) => "alarm-by-both",
        (true, false) => "alarm-by-device",
        (false, true) => "alarm-by-recomputation",
        (false, false) => return alarm,
    };
    say(language, id, &[("alarm", (&alarm).into())])
}

/// A kind of subject.
pub fn subject(language: Language, word: &str) -> String {
    term(language, "subject", word)
}

/// A kind of identity: `plate`, `container`, `sample`, `declaration`.
pub fn identity(language: Language, word: &str) -> String {
    term(language, "identity", word)
}

/// The name of a parameter; one the catalogue does not know (an element, say) goes by its id.
pub fn parameter(language: Language, id: &str) -> String {
    named(language, "parameter", id)
}

/// The name of a procedure; one the catalogue does not know goes by its id.
pub fn procedure(language: Language, id: &str) -> String {
    named(language, "procedure", id)
}

/// A step of a secondary inspection; one the catalogue does not know goes by its id.
pub fn step(language: Language, word: &str) -> String {
    named(language, "step", word)
}

/// The state of a finding or a warning; one the catalogue does not know goes by its id.
pub fn state(language: Language, word: &str) -> String {
    named(language, "state", word)
}

/// A kind of notice: `tongbao` to regulators, `tonggao` to enterprises, `gonggao` to the public.
pub fn notice(language: Language, word: &str) -> String {
    named(language, "notice", word)
}

/// Why a laboratory's result does not count.
pub fn rejection(language: Language, word: &str) -> String {
    term(language, "rejection", word)
}

/// A proposed level, `I` to `IV`, with its colour.
pub fn warning_level(language: Language, word: &str) -> String {
    term(language, "warning-level", word)
}

/// A kind of hazard.
pub fn hazard(language: Language, word: &str) -> String {
    term(language, "hazard", word)
}

/// What is due.
pub fn deadline_kind(language: Language, word: &str) -> String {
    term(language, "deadline-kind", word)
}

/// Where a deadline stands.
pub fn deadline_state(language: Language, word: &str) -> String {
    term(language, "deadline-state", word)
}

/// An error of which no bound is known.
const UNBOUNDED: &str = "?";

/// Clock quality by its letter `S`, `H`, `I` or `U`, with the error bound as text (`1.2 s`).
pub fn clock(language: Language, letter: &str, error: &str) -> String {
    let unbounded = format!("clock-{letter}-unbounded");
    if error == UNBOUNDED && knows(language, &unbounded) {
        return say(language, &unbounded, &[]);
    }
    say(language, &format!("clock-{letter}"), &[("error", error.into())])
}

/// A bound on the error of a clock as the fixed sentences show it: `0.4 s`, rounded up; `?` where nothing is known.
pub fn clock_error(milliseconds: u64) -> String {
    if milliseconds == 0 {
        return UNBOUNDED.to_owned();
    }
    let tenths = milliseconds.div_ceil(100);
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// A span of time as the fixed sentences show it: `00:14`, from an hour on `1:02:03`.
pub fn span(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 { format!("{minutes:02}:{seconds:02}") } else { format!("{hours}:{minutes:02}:{seconds:02}") }
}

/// The parts of a finding, as a record carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding<'a> {
    /// Parameter id.
    pub parameter: &'a str,
    /// Verdict word.
    pub verdict: &'a str,
    /// Reason word of an inconclusive verdict.
    pub reason: Option<&'a str>,
    /// Value as judged, UCUM.
    pub value: Option<&'a str>,
    /// Limit as applied, UCUM.
    pub limit: &'a str,
    /// Table as cited: `GB 18401-2010 T1`.
    pub table: &'a str,
    /// Row id.
    pub row: &'a str,
    /// Stage of a step programme.
    pub stage: Option<u16>,
}

/// The sentence of one finding.
///
/// # Examples
///
/// ```
/// use tidewaiter_words::{Language, terms::{Finding, finding}};
/// let acid = Finding {
///     parameter: "ph", verdict: "Fail", reason: None, value: Some("8.1 [pH]"), limit: "4.0..7.5 [pH]",
///     table: "GB 18401-2010 T1", row: "ph-a", stage: None,
/// };
/// assert_eq!(finding(Language::En, &acid), "pH 8.1 outside 4.0–7.5 (GB 18401-2010 T1, row ph-a)");
/// assert_eq!(finding(Language::ZhCn, &acid), "pH 值 8.1，超出 4.0–7.5（GB 18401-2010 T1，ph-a 行）");
/// ```
pub fn finding(language: Language, finding: &Finding<'_>) -> String {
    let parameter = parameter(language, finding.parameter);
    let value = finding.value.map(|it| quantity::value(language, it));
    let limit = quantity::limit(language, finding.limit);
    let why = finding.reason.map(|it| reason(language, it)).unwrap_or_default();
    // A sentence with a hole where the value should be reads as if something were measured.
    let bare = if value.is_none() && finding.verdict == "Inconclusive" { "-bare" } else { "" };
    let sentence = say(
        language,
        &format!("finding-{}{bare}", finding.verdict),
        &[
            ("parameter", (&parameter).into()),
            ("value", value.as_deref().unwrap_or("—").into()),
            ("limit", (&limit).into()),
            ("why", (&why).into()),
            ("table", finding.table.into()),
            ("row", finding.row.into()),
        ],
    );
    match finding.stage {
        Some(stage) => say(language, "finding-stage", &[("stage", stage.into()), ("finding", (&sentence).into())]),
        None => sentence,
    }
}

fn named(language: Language, kind: &str, id: &str) -> String {
    let message = format!("{kind}-{id}");
    if knows(language, &message) { say(language, &message, &[]) } else { id.to_owned() }
}

fn term_or_other(language: Language, kind: &str, word: &str) -> String {
    let id = format!("{kind}-{word}");
    // `by-…` and `other` are messages of the catalogue and no kinds of anything.
    if knows(language, &id) && !word.starts_with("by-") && word != "other" {
        say(language, &id, &[])
    } else {
        say(language, &format!("{kind}-other"), &[("kind", word.into())])
    }
}

#[cfg(test)]
mod tests {
    use tidewaiter_config::{
        limits::Hazard,
        plan::{DeadlineKind, Level, NoticeKind},
    };
    use tidewaiter_drivers::{
        bench::tyre::Alarm as BenchAlarm,
        portal::occupancy::Fault,
        reading::{Doubt, Flaw, Missing, Quality},
    };
    use tidewaiter_screening::{
        Disposition, Reason, Verdict,
        duty::{
            acceptance::Rejection,
            transition::{State, Step},
        },
        inspection::{IncompleteReason, SubjectKind},
    };

    use super::*;

    fn both(id: &str) {
        for language in Language::ALL {
            assert!(knows(language, id), "{} lacks {id}", language.tag());
        }
    }

    #[test]
    fn every_word_of_screening_is_known() {
        for reason in Reason::ALL {
            both(&format!("reason-{}", reason.word()));
        }
        for disposition in Disposition::ALL.map(Disposition::word).into_iter().chain(["not-recording"]) {
            both(&format!("disposition-{disposition}"));
            both(&format!("do-{disposition}"));
        }
        both("do-alarm-radiation");
        let verdicts = [
            Verdict::NotApplicable,
            Verdict::Pass,
            Verdict::ConditionalPass,
            Verdict::ConditionalFail,
            Verdict::Fail,
            Verdict::Inconclusive(Reason::NoValue),
        ];
        for verdict in verdicts {
            both(&format!("verdict-{}", verdict.word()));
            both(&format!("finding-{}", verdict.word()));
            assert!(super::verdict(Language::ZhCn, verdict.word()).ends_with("（初筛）"));
            assert!(super::verdict(Language::En, verdict.word()).ends_with("(pre-screen)"));
        }
        for reason in IncompleteReason::ALL {
            both(&format!("incomplete-{}", reason.word()));
        }
        for kind in SubjectKind::ALL {
            both(&format!("subject-{}", kind.word()));
        }
    }

    #[test]
    fn every_word_of_a_plan_s_duties_is_known() {
        for state in State::ALL {
            both(&format!("state-{}", state.word()));
        }
        for step in Step::ALL {
            both(&format!("step-{}", step.word()));
        }
        for level in Level::ALL {
            both(&format!("warning-level-{}", level.word()));
        }
        for kind in NoticeKind::ALL {
            both(&format!("notice-{}", kind.word()));
        }
        for kind in DeadlineKind::ALL {
            both(&format!("deadline-kind-{}", kind.word()));
        }
        for hazard in Hazard::ALL {
            both(&format!("hazard-{}", hazard.word()));
        }
        let rejections = [
            Rejection::NoList,
            Rejection::UnknownBody(String::new()),
            Rejection::Goods(String::new()),
            Rejection::Parameter(String::new()),
            Rejection::Method(String::new()),
            Rejection::TooOld { days: 2, most: 1 },
        ];
        for word in rejections.iter().map(Rejection::word).chain(["not-valid", "not-yet"]) {
            both(&format!("rejection-{word}"));
        }
        // These two sets are the agent's own, which this crate does not know.
        for word in ["due", "at-risk", "met", "missed", "late"] {
            both(&format!("deadline-state-{word}"));
        }
        for word in ["proposed", "lift-proposed"] {
            both(&format!("state-{word}"));
        }
        for word in [
            "genesis",
            "reading",
            "no-reading",
            "heartbeat",
            "time-step",
            "time-repair",
            "instrument-identity",
            "config-activated",
            "limits-activated",
            "command-result",
            "stopped",
            "resumed",
            "key-rotate",
            "recovery",
            "shutdown",
            "follow-up",
            "warning",
            "evidence",
            "trimmed",
            "unknown",
        ] {
            both(&format!("kind-{word}"));
        }
    }

    #[test]
    fn every_word_of_a_reading_is_known() {
        let missing = [
            Missing::TimedOut,
            Missing::CrcError,
            Missing::Exception(2),
            Missing::Refused,
            Missing::NotPresent,
            Missing::WarmingUp,
            Missing::Overrange,
            Missing::Underrange,
            Missing::InstrumentFault(7),
            Missing::LineDown,
        ];
        for missing in missing {
            both(&format!("missing-{}", missing.word()));
            for language in Language::ALL {
                let said = super::missing(language, missing.word(), missing.code());
                assert!(!said.contains('{'), "{said}");
                assert!(missing.code().is_none_or(|code| said.contains(&code.to_string())), "{said}");
            }
        }
        let qualities = [
            Quality::Good,
            Quality::Uncertain(Doubt::Unstable),
            Quality::Uncertain(Doubt::Stale),
            Quality::Uncertain(Doubt::VerificationDue),
            Quality::Bad(Flaw::OutOfVerification),
            Quality::Bad(Flaw::IdentityMismatch),
            Quality::Bad(Flaw::FunctionCheckOverdue),
            Quality::Bad(Flaw::Implausible),
        ];
        for quality in qualities {
            both(&format!("quality-{}", quality.word()));
        }
    }

    #[test]
    fn every_scan_fault_alarm_identity_and_clock_letter_is_known() {
        // The agent adds to the portal's faults that of a scale which never settled.
        for kind in Fault::ALL.map(Fault::word).into_iter().chain(["scale-unstable"]) {
            both(&format!("fault-{kind}"));
        }
        for kind in BenchAlarm::ALL.map(BenchAlarm::word).into_iter().chain(["gamma", "neutron"]) {
            both(&format!("alarm-{kind}"));
        }
        for kind in ["plate", "container", "sample", "declaration"] {
            both(&format!("identity-{kind}"));
        }
        for letter in ["S", "H", "I", "U"] {
            both(&format!("clock-{letter}"));
        }
        for source in ["read", "corrected", "manual", "ambiguous"] {
            both(&format!("source-{source}"));
        }
    }

    /// Symbols of elements, nuclides and compounds begin with a capital and are the same in every language.
    #[test]
    fn every_parameter_of_a_shipped_table_has_its_name() {
        for table in tidewaiter_config::limits::builtin() {
            for row in table.rows.iter().filter(|row| row.parameter.starts_with(|it: char| it.is_ascii_lowercase())) {
                both(&format!("parameter-{}", row.parameter));
            }
        }
    }

    #[test]
    fn what_is_not_known_is_quoted_and_not_hidden() {
        assert_eq!(fault(Language::En, "door-open"), "device state \"door-open\"");
        assert_eq!(alarm(Language::ZhCn, "hood-open"), "仪器报警“hood-open”");
        assert_eq!(alarm(Language::En, "by-both"), "instrument alarm \"by-both\"");
        assert_eq!(parameter(Language::ZhCn, "Pb"), "Pb");
        assert_eq!(reason(Language::En, "bad-moon"), "reason-bad-moon");
    }

    #[test]
    fn an_alarm_says_who_asserted_it() {
        let check = |device, ours, expected: &str| {
            assert_eq!(alarm_by(Language::En, "gamma", device, ours), expected);
        };
        check(true, true, "gamma alarm (instrument and recomputation agree)");
        check(true, false, "gamma alarm (by the instrument)");
        check(false, true, "gamma alarm (by recomputation)");
        check(false, false, "gamma alarm");
    }

    #[test]
    fn an_error_bound_is_never_shown_smaller_than_it_is() {
        for (milliseconds, shown) in [(0, "?"), (1, "0.1 s"), (400, "0.4 s"), (401, "0.5 s"), (61_000, "61.0 s")] {
            assert_eq!(clock_error(milliseconds), shown);
        }
    }

    #[test]
    fn spans_read_as_clocks() {
        assert_eq!(span(14), "00:14");
        assert_eq!(span(3_599), "59:59");
        assert_eq!(span(3_723), "1:02:03");
    }

    #[test]
    fn a_finding_without_a_value_does_not_pretend_to_one() {
        let dark = Finding {
            parameter: "dose-rate",
            verdict: "Inconclusive",
            reason: Some("no-value"),
            value: None,
            limit: "<= background + 0.25 uGy/h",
            table: "GB 16487 scrap",
            row: "dose-rate",
            stage: None,
        };
        assert_eq!(
            finding(Language::En, &dark),
            "gamma dose rate not decided: there is no value (GB 16487 scrap, row dose-rate)"
        );
        let third = Finding {
            stage: Some(3),
            verdict: "Pass",
            reason: None,
            value: Some("120.0 km/h"),
            parameter: "speed",
            limit: "118..122 km/h",
            ..dark
        };
        assert_eq!(
            finding(Language::ZhCn, &third),
            "第 3 阶段：速度 120.0 km/h，符合 118–122 km/h（GB 16487 scrap，dose-rate 行）"
        );
    }
}
