//! What the readings of a record say against the blocks they were read from. Pure.
//!
//! | a reading | and its block | |
//! |---|---|---|
//! | has a value | the same digits, decimals and unit; a quality no better than the node's | holds |
//! | has a value | another one, or none | `node-value` |
//! | says that the instrument has none | says so for the same reason | holds |
//! | says that no answer came, or that it was refused | whatever it says | no value was claimed |
//! | claims anything of the instrument | is not in the raw bytes of its moment | `node-block-missing` |
//!
//! A quantity of an inspection must lie within what the node sealed of it: one that was measured by a node and stands nowhere
//! in its readings was made up.

use std::collections::{BTreeMap, BTreeSet};

use tidewaiter_config::profile::Field;
use tidewaiter_drivers::reading::{Indication, Missing, Moment, Outcome, Quality};
use tidewaiter_node::{
    block::{BYTES, Block, MAC_BYTES},
    map::status,
};
use tidewaiter_record::body::{InspectionDetail, Measured, Reading};

use super::{Node, Nodes, SERIAL_BYTES, frame, text_of};
use crate::finding::{Bad, Finding};

/// A block with a right seal, and the moment it is claimed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What it says.
    pub block: Block,
    /// Its seal.
    pub mac: [u8; MAC_BYTES],
    /// When it was read, as the record says.
    pub at: Moment,
}

/// What came of a record.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Blocks found.
    pub blocks: u64,
    /// Those with a right seal of the right node, in order.
    pub proofs: Vec<Proof>,
    /// Values that a block bears out, by instrument.
    pub proven: BTreeMap<String, Vec<Indication>>,
    /// Instruments with readings in the record, and the serial number of the node whose key they were held against.
    pub held: BTreeSet<(String, [u8; SERIAL_BYTES])>,
    found: BTreeMap<Bad, (u64, String)>,
}

impl Judged {
    /// Notes something that speaks against the record.
    pub fn say(&mut self, bad: Bad, detail: impl FnOnce() -> String) {
        self.found.entry(bad).or_insert_with(|| (0, detail())).0 += 1;
    }

    /// Whether the record holds anything of a node.
    pub fn holds_anything(&self) -> bool {
        !self.held.is_empty() || !self.found.is_empty() || self.blocks > 0
    }

    /// One finding for each cause, with the first thing found and how many there were.
    pub fn findings(&self) -> Vec<Finding> {
        let one = |(bad, (count, first)): (&Bad, &(u64, String))| match count {
            0 | 1 => Finding::new(*bad, first.clone()),
            more => Finding::new(*bad, format!("{first}; and {} more in this record", more - 1)),
        };
        self.found.iter().map(one).collect()
    }
}

/// Judges readings of one agent; `simulated` is what their record says of itself.
pub fn judge_readings(nodes: &Nodes, agent: &str, simulated: bool, readings: &[Reading]) -> Judged {
    let mut judged = Judged::default();
    let mut moments: BTreeMap<(&str, u64, i64), Vec<&Reading>> = BTreeMap::new();
    for reading in readings.iter().filter(|it| nodes.knows(agent, &it.instrument)) {
        let moment = (reading.instrument.as_str(), reading.at.mono_ms, reading.at.wall_ms);
        moments.entry(moment).or_default().push(reading);
    }
    for ((instrument, mono_ms, wall_ms), readings) in moments {
        let at = Moment { mono_ms, wall_ms };
        let Some(node) = nodes.at(agent, instrument, wall_ms) else {
            if readings.iter().any(|it| claims(it.outcome)) {
                judged.say(Bad::NodeMac, || {
                    format!("{instrument}: no key of a node is in force at the time of this reading")
                });
            }
            continue;
        };
        judged.held.insert((instrument.to_owned(), node.serial));
        let proof = moment(&mut judged, node, at, &readings);
        if let Some(proof) = &proof
            && proof.status & status::SIMULATED != 0
            && !simulated
        {
            judged.say(Bad::NodeValue, || {
                format!("{instrument}: the node says that it is simulated, the record does not")
            });
        }
        if let Some(block) = &proof {
            for reading in readings {
                compare(&mut judged, node, block, reading);
            }
        }
    }
    judged
}

/// The block that the readings of one moment were read from: the last that came, where its seal is right.
fn moment(judged: &mut Judged, node: &Node, at: Moment, readings: &[&Reading]) -> Option<Block> {
    let mut blocks: Vec<&[u8; BYTES]> = Vec::new();
    for block in readings.iter().flat_map(|it| frame::blocks(&it.raw)) {
        if !blocks.contains(&block) {
            blocks.push(block);
        }
    }
    let instrument = &node.instrument;
    if blocks.is_empty() {
        for reading in readings.iter().filter(|it| claims(it.outcome)) {
            judged.say(Bad::NodeBlockMissing, || {
                format!("{instrument}: {} at {} has no sealed block in its raw bytes", reading.channel, at.wall_ms)
            });
        }
        return None;
    }
    let mut last = None;
    let mut before = 0;
    for bytes in blocks {
        judged.blocks += 1;
        last = proof(judged, node, bytes);
        let Some(block) = last else { continue };
        if block.sequence <= before {
            judged.say(Bad::NodeSequence, || {
                format!("{instrument}: block {} stands behind block {before} in the bytes of one poll", block.sequence)
            });
        }
        before = before.max(block.sequence);
        let mac = bytes.last_chunk::<MAC_BYTES>().copied().unwrap_or_default();
        judged.proofs.push(Proof { block, mac, at });
    }
    last
}

/// A block whose seal is that of the node.
fn proof(judged: &mut Judged, node: &Node, bytes: &[u8; BYTES]) -> Option<Block> {
    let instrument = &node.instrument;
    let block = match Block::parse(bytes) {
        Ok(block) => block,
        Err(why) => {
            judged.say(Bad::NodeMac, || format!("{instrument}: {why}"));
            return None;
        }
    };
    if block.serial != node.serial {
        judged.say(Bad::NodeSerial, || {
            format!(
                "{instrument}: the block is of node {}, registered is {}",
                text_of(block.serial),
                text_of(node.serial)
            )
        });
        return None;
    }
    if !node.key().has_sealed(bytes) {
        judged.say(Bad::NodeMac, || {
            format!(
                "{instrument}: block {} of node {} is not sealed with its key",
                block.sequence,
                text_of(node.serial)
            )
        });
        return None;
    }
    Some(block)
}

/// Whether an outcome says anything of the instrument, rather than of the way to it.
fn claims(outcome: Outcome) -> bool {
    match outcome {
        Ok(_) => true,
        Err(missing) => matches!(
            missing,
            Missing::NotPresent
                | Missing::WarmingUp
                | Missing::Overrange
                | Missing::Underrange
                | Missing::InstrumentFault(_)
        ),
    }
}

fn compare(judged: &mut Judged, node: &Node, block: &Block, reading: &Reading) {
    if !claims(reading.outcome) {
        return;
    }
    let (instrument, channel) = (&node.instrument, &reading.channel);
    let word = node.channels.get(channel).unwrap_or(channel);
    let Some(field) = Field::from_word(word) else {
        judged.say(Bad::NodeValue, || {
            format!(
                "{instrument}: channel {channel:?} is no field of the block; name it in `channels` of the node's entry"
            )
        });
        return;
    };
    let sealed = field.of(block);
    if agrees(sealed, reading.outcome) {
        judged.proven.entry(instrument.clone()).or_default().extend(reading.outcome.ok());
    } else {
        judged.say(Bad::NodeValue, || {
            format!(
                "{instrument}: the record says {channel} = {}, block {} says {}",
                shown(reading.outcome),
                block.sequence,
                shown(sealed)
            )
        });
    }
}

fn agrees(sealed: Outcome, recorded: Outcome) -> bool {
    match (sealed, recorded) {
        (Ok(sealed), Ok(recorded)) => {
            sealed.value == recorded.value
                && sealed.unit == recorded.unit
                && rank(recorded.quality) >= rank(sealed.quality)
        }
        (Err(sealed), Err(recorded)) => sealed == recorded,
        _ => false,
    }
}

/// How bad a quality is: the agent may know more against a value than the node, and nothing in its favour.
const fn rank(quality: Quality) -> u8 {
    match quality {
        Quality::Good => 0,
        Quality::Uncertain(_) => 1,
        Quality::Bad(_) => 2,
    }
}

fn shown(outcome: Outcome) -> String {
    match outcome {
        Ok(it) => format!("{} {} ({})", it.value, it.unit, it.quality.word()),
        Err(missing) => missing.to_string(),
    }
}

/// Holds the quantities of an inspection against what is proven. `beside` are its readings where the record has no room for
/// them; none where they are not here.
///
/// A check of the instrument itself is made of differences and margins, which no block holds.
pub fn judge_inspection(nodes: &Nodes, agent: &str, detail: &InspectionDetail, beside: Option<&[Reading]>) -> Judged {
    let mut judged = judge_readings(nodes, agent, detail.flags.simulated, &detail.readings);
    if detail.subject.kind == "instrument" {
        return judged;
    }
    let left_out = |it: &Measured| it.parameter == "readings-left-out";
    let is_short = detail.measured.iter().any(left_out);
    let proven = match beside {
        Some(readings) => judge_readings(nodes, agent, detail.flags.simulated, readings).proven,
        None => judged.proven.clone(),
    };
    for measured in detail.measured.iter().filter(|it| !left_out(it) && nodes.knows(agent, &it.instrument)) {
        let Ok(value) = measured.outcome else { continue };
        let sealed: Vec<&Indication> =
            proven.get(&measured.instrument).into_iter().flatten().filter(|it| it.unit == value.unit).collect();
        let lower = sealed.iter().any(|it| it.value.cmp_value(value.value).is_le());
        let higher = sealed.iter().any(|it| it.value.cmp_value(value.value).is_ge());
        if lower && higher || (is_short && beside.is_none()) {
            continue;
        }
        judged.say(Bad::NodeValue, || {
            let what = format!("{}: {} = {}", measured.instrument, measured.parameter, shown(measured.outcome));
            if sealed.is_empty() {
                format!("{what} stands on no reading that the node sealed")
            } else {
                format!("{what} lies outside of all that the node sealed")
            }
        });
    }
    judged
}
