//! The written promise and the code say the same.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use tidewaiter_drivers::{
    Unit,
    reading::{Doubt, Flaw, Missing, Quality},
};
use tidewaiter_record::{
    Algorithm, ContentType, TimeQuality, TimeSource,
    verify::{Code, FORMAT_BEGINS_MS, Question},
};

const CDDL: &str = include_str!("../record.cddl");
const FORMAT: &str = include_str!("../FORMAT.md");
const SCHEMA: &str = include_str!("../schema/registry.schema.json");

// The right-hand side of a rule, to the next empty line, without comments.
fn rule(name: &str) -> String {
    let start = CDDL.find(&format!("\n{name} = ")).unwrap_or_else(|| panic!("no rule {name}"));
    let rule = CDDL[start + 1..].split("\n\n").next().unwrap();
    rule.lines().map(|line| line.split(" ; ").next().unwrap().to_owned() + "\n").collect()
}

fn check_words<'a>(name: &str, words: impl IntoIterator<Item = &'a str>) {
    let rule = rule(name);
    let mut listed: Vec<_> = rule.split('"').skip(1).step_by(2).collect();
    let mut known: Vec<_> = words.into_iter().collect();
    listed.sort_unstable();
    known.sort_unstable();
    assert_eq!(listed, known, "record.cddl, rule {name}");
    assert!(rule.trim_end().ends_with("/ tstr"), "the list {name} is open");
}

#[test]
fn open_lists_hold_the_words_of_the_drivers() {
    check_words("unit", Unit::ALL.iter().map(|it| it.code()));
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
    check_words("quality-word", qualities.map(Quality::word));
    let missing = [
        Missing::TimedOut,
        Missing::CrcError,
        Missing::Exception(1),
        Missing::Refused,
        Missing::NotPresent,
        Missing::WarmingUp,
        Missing::Overrange,
        Missing::Underrange,
        Missing::InstrumentFault(1),
        Missing::LineDown,
    ];
    check_words("missing-word", missing.map(Missing::word));
}

#[test]
fn codes_of_the_time_block_are_listed() {
    let check = |name: &str, all: Vec<(&str, u64)>| {
        let rule = CDDL.lines().find(|it| it.starts_with(name)).unwrap();
        for (word, code) in &all {
            assert!(rule.contains(&format!("{word}: {code}")), "record.cddl, {name}: {word} {code}");
        }
        assert_eq!(rule.matches(": ").count(), all.len(), "record.cddl, {name}");
    };
    check("quality-code", TimeQuality::ALL.iter().map(|it| (it.word(), it.code())).collect());
    check("source-code", TimeSource::ALL.iter().map(|it| (it.word(), it.code())).collect());
}

#[test]
fn algorithms_are_listed() {
    assert!(CDDL.contains("\nalg = -19 / -9 / -70002\n"));
    for algorithm in Algorithm::ALL {
        let row = format!("| {} | {} |", algorithm.cose(), algorithm.name());
        assert!(FORMAT.contains(&row), "FORMAT.md has no row {row}");
        assert!(SCHEMA.contains(&format!("\"{}\"", algorithm.name())));
        assert!(CDDL.contains(&format!("bstr .size {}", algorithm.public_bytes())));
    }
}

#[test]
fn names_and_numbers_stand_in_both_texts() {
    let all =
        [ContentType::Record, ContentType::Receipt, ContentType::Statement, ContentType::Head, ContentType::Resend];
    for kind in all {
        assert!(CDDL.contains(&format!("16 => \"{}\"", kind.typ())));
    }
    assert!(FORMAT.contains("-70003"));
    for number in [Algorithm::Ed25519.cose(), Algorithm::Esp256.cose(), -70001, -70002] {
        assert!(CDDL.contains(&number.to_string()) && FORMAT.contains(&number.to_string()));
    }
    for kind in (0..=22).chain([24]) {
        let (row, rule) = (format!("| {kind} | "), format!("[ {kind},"));
        assert!(FORMAT.contains(&row) && CDDL.contains(&rule), "kind {kind}");
    }
    let begins = FORMAT_BEGINS_MS.to_string();
    let spaced: Vec<_> = [&begins[..1], &begins[1..4], &begins[4..7], &begins[7..10], &begins[10..]].into();
    assert!(FORMAT.contains(&spaced.join(" ")));
    for code in Code::ALL.iter().filter(|it| it.question() != Question::Note) {
        assert!(FORMAT.contains(&format!("`{}`", code.word())), "FORMAT.md does not name {}", code.word());
    }
}
