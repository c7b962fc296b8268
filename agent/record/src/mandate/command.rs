//! A command: one thing to do, once.
//!
//! ```text
//! command = { 1: agent, 2: id, 3: number, 4: verb, 5: { * name: text }, 6: not_after_beacon, 7: [chain, seq, sha256] }
//! ```

use std::collections::BTreeMap;

use super::{Kind, MandateError, Signed};
use crate::{
    cbor::{CborError, Reader, Writer},
    id::{ChainId, Hash},
};

/// Arguments of one command at most.
pub const MAX_ARGUMENTS: usize = 16;

/// The closed list of what an agent may be told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Say in the result how the agent stands.
    ReportStatus,
    /// Put a text into the chain.
    Note,
    /// Begin a function check.
    CheckStart,
    /// What opens at a place is an exercise from now on. Dangerous: results of an exercise decide nothing.
    DrillOn,
    /// No longer.
    DrillOff,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::ReportStatus, Self::Note, Self::CheckStart, Self::DrillOn, Self::DrillOff];

    /// As a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ReportStatus => "report-status",
            Self::Note => "note",
            Self::CheckStart => "function-check-start",
            Self::DrillOn => "drill-on",
            Self::DrillOff => "drill-off",
        }
    }

    /// Reads [`Self::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    /// Whether the director's key alone does not do.
    pub const fn is_dangerous(self) -> bool {
        matches!(self, Self::DrillOn)
    }

    /// The arguments it takes, all needed.
    pub const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::ReportStatus => &[],
            Self::Note => &["text"],
            Self::CheckStart => &["check"],
            Self::DrillOn | Self::DrillOff => &["place"],
        }
    }
}

/// A record that the chain must hold: a copy of the disk from before it does not, and carries nothing out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The chain.
    pub chain: ChainId,
    /// A record with a receipt, best the newest.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The agent.
    pub agent: String,
    /// Random.
    pub id: [u8; 16],
    /// Rises strictly from command to command of one agent; from 1.
    pub number: u64,
    /// What to do; see [`Verb`].
    pub verb: String,
    /// With what.
    pub arguments: BTreeMap<String, String>,
    /// The last beacon at which it may be begun.
    pub not_after_beacon: u64,
    /// Where the chain had come to.
    pub after: After,
}

impl Command {
    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(|m| {
            m.int(1, |w| w.text(&self.agent));
            m.int(2, |w| w.bytes(&self.id));
            m.int(3, |w| w.uint(self.number));
            m.int(4, |w| w.text(&self.verb));
            m.int(5, |w| {
                w.map(|m| {
                    for (name, text) in &self.arguments {
                        m.text(name, |w| w.text(text));
                    }
                });
            });
            m.int(6, |w| w.uint(self.not_after_beacon));
            m.int(7, |w| {
                w.array(3);
                w.bytes(&self.after.chain.0);
                w.uint(self.after.seq);
                w.bytes(&self.after.hash.0);
            });
        });
        w.finish()
    }

    /// Reads a command; who signed it is not looked at. A verb that is not known is no error here: it is refused with a
    /// result.
    ///
    /// # Errors
    ///
    /// Refuses another shape, too many arguments, and number 0.
    pub fn read(signed: &Signed<'_>) -> Result<Self, MandateError> {
        let command = fields(signed.payload()).map_err(|why| MandateError::Payload { kind: Kind::Command, why })?;
        let unsound = |why: String| MandateError::Unsound { kind: Kind::Command, why };
        if command.arguments.len() > MAX_ARGUMENTS {
            return Err(unsound(format!("{} arguments, {MAX_ARGUMENTS} at most", command.arguments.len())));
        }
        if command.number == 0 {
            return Err(unsound("numbers begin at 1".to_owned()));
        }
        Ok(command)
    }

    /// An argument.
    pub fn argument(&self, name: &str) -> &str {
        self.arguments.get(name).map_or("", String::as_str)
    }
}

fn fields(payload: &[u8]) -> Result<Command, CborError> {
    let mut r = Reader::new(payload);
    let mut fields = r.fields()?;
    let command = Command {
        agent: fields.need(1, Reader::text)?.to_owned(),
        id: fields.need(2, Reader::fixed)?,
        number: fields.need(3, Reader::uint)?,
        verb: fields.need(4, Reader::text)?.to_owned(),
        arguments: fields.need(5, |r| r.text_map(|r| Ok::<_, CborError>(r.text()?.to_owned())))?,
        not_after_beacon: fields.need(6, Reader::uint)?,
        after: fields.need(7, |r| {
            r.array(3)?;
            Ok::<_, CborError>(After { chain: ChainId(r.fixed()?), seq: r.uint()?, hash: Hash(r.fixed()?) })
        })?,
    };
    fields.end()?;
    Ok(command)
}
