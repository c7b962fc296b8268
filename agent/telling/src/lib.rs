//! What a record says, as one sentence for people.
//!
//! In: a record's detail, the place it comes from, a language. Out: the sentence, without number, time and receipt, which
//! whoever prints it puts in front and behind as it likes:
//!
//! ```text
//! 粤B12345 放行 · 合格（初筛） · 总质量 43000 kg，在 ≤ 49000 kg 以内（…）     an inspection
//! background 08:00:00Z–08:10:00Z received 600/600 · 0.11 uSv/h              a period of a watch
//! no connection to scale-1                                                  an event
//! ```
//!
//! The agent's log and history, the centre's lines and the report of a bundle speak of one record in the same words. An
//! event or reason that the catalogue does not know goes by its own word: a record outlives the program that reads it.
//!
//! Not here: the steps of a judgement, which need limit tables, and anything about whether a record holds.

mod happening;
mod result;

use tidewaiter_record::Detail;
use tidewaiter_words::Language;

pub use self::{
    happening::life,
    result::{finding, subject, why},
};

/// The sentence of a record. `place` is the claim `sub` of its header: lane, rig, watch or `self`.
pub fn sentence(language: Language, place: &str, detail: &Detail) -> String {
    match detail {
        Detail::Inspection(detail) => result::inspection(language, detail),
        Detail::Interval(detail) => result::interval(language, detail),
        other => life(language, place, other),
    }
}
