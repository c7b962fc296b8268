//! Whether clocks and claims agree with each other.
//!
//! Nothing here knows the true time. A claim is held against the monotonic clock, against its own quality,
//! against the claim before it and against the centre's receipt; a claim that says it knows nothing is
//! never called right.

use super::{chain::Remark, report::Code};
use crate::body::{TimeBlock, TimeQuality};

/// 2020-01-01T00:00:00Z, before which this format did not exist.
pub const FORMAT_BEGINS_MS: i64 = 1_577_836_800_000;

/// How far two clocks may drift apart beyond the claimed errors, in parts of the time passed: a host slews
/// its clock by at most 500 parts per million, and does not steer the monotonic clock exactly alike.
const DRIFT_DIVISOR: i128 = 1000;

/// How long the host may pause between reading its two clocks, in milliseconds.
const READING_MS: i128 = 1000;

/// Whether the block claims to know the time, within its error bound.
pub(super) fn claims_to_know(time: &TimeBlock) -> bool {
    matches!(time.quality, TimeQuality::H | TimeQuality::S)
}

/// The earliest true time that the claim allows.
pub(super) fn earliest_ms(time: &TimeBlock) -> Option<i128> {
    claims_to_know(time).then(|| i128::from(time.wall_ms) - i128::from(time.err_ms))
}

/// Holds one block against itself.
pub(super) fn check(time: &TimeBlock, seq: u64, remarks: &mut Vec<Remark>) {
    if claims_to_know(time) && !time.src.synchronises() {
        let what = format!("quality {} from source {}", time.quality.word(), time.src.word());
        remarks.push((Code::QualitySource, seq, what));
    }
    if time.quality != TimeQuality::U && time.wall_ms < FORMAT_BEGINS_MS {
        let what = format!("wall time {} ms with quality {}", time.wall_ms, time.quality.word());
        remarks.push((Code::BeforeFormat, seq, what));
    }
}

/// Holds a block against the one before it.
pub(super) fn compare(before: &TimeBlock, time: &TimeBlock, seq: u64, remarks: &mut Vec<Remark>) {
    if time.boot < before.boot {
        let what = format!("start {} after start {}", time.boot, before.boot);
        remarks.push((Code::BootBackwards, seq, what));
    }
    if time.boot != before.boot {
        return;
    }
    if time.mono_ms < before.mono_ms {
        let what = format!("monotonic {} ms after {} ms", time.mono_ms, before.mono_ms);
        remarks.push((Code::MonoBackwards, seq, what));
        return;
    }
    if claims_to_know(before) && claims_to_know(time) {
        let wall = i128::from(time.wall_ms) - i128::from(before.wall_ms);
        let mono = i128::from(time.mono_ms) - i128::from(before.mono_ms);
        let errors = i128::from(time.err_ms) + i128::from(before.err_ms);
        if (wall - mono).abs() > errors + mono / DRIFT_DIVISOR + READING_MS {
            let what = format!("wall time moved {wall} ms while {mono} ms passed, claimed errors {errors} ms");
            remarks.push((Code::WallContradiction, seq, what));
        }
    }
}
