//! The message catalogue: every sentence a person reads, in zh-CN and en.
//!
//! In: a [`Language`], a message id and its arguments. Out: the sentence. The texts are Fluent files,
//! one pair per topic, compiled in:
//!
//! ```text
//! verdict.ftl     verdicts, dispositions and what to do, reasons
//! reading.ftl     why there is no value, quality, units in words
//! inspection.ftl  subjects, identities, incomplete, void, alarms, names of parameters
//! parameter.ftl   names of what the other shipped limit tables judge
//! finding.ftl     the sentence of one judged row
//! screen.ftl      the steps of a judgement, declared facts, what `screen` and `limits` print
//! lane.ftl        fixed sentences of the page, counters, clock quality
//! page.ftl       headings and forms of the pages
//! history.ftl     the history, one record, the slip, the statistics page
//! console.ftl     lines of the demo, the agent and the central end
//! record.ftl      what a record says: one line for each kind and event
//! verifier.ftl    answers of the verifier
//! duty.ftl        the monitoring plan: follow-ups, warnings, deadlines, draws
//! reload.ftl      another configuration while the agent runs, what the service manager is told
//! bundle.ftl      the report inside an evidence bundle
//! access.ftl      signing in at the local page
//! outputs.ftl     stack lights, barriers and cameras
//! help.ftl        what each command does, as `--help` says it
//! commands.ftl    what the commands say
//! ```
//!
//! Ids of enumerations are a prefix and the stable word that records carry: `reason-no-background`,
//! `missing-crc-error`, `disposition-not-valid`. [`terms`] puts them together from words, so that this
//! crate needs none of the types behind them.
//!
//! Chinese verdict words carry （初筛）, English ones "(pre-screen)": the agent does not rule.
//!
//! Not here: log text, and what a library or the operating system says of a failure; that is technical English and stays
//! with the code that raises it.

mod catalogue;
mod language;
pub mod quantity;
pub mod terms;

pub use catalogue::{Arg, ids, knows, say};
pub use language::Language;
