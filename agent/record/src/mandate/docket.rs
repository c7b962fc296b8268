//! Commands: each carried out once, or never.
//!
//! ```text
//! consider ─► Execute ─► begin, kept ─► (done) ─► end, kept with the result record
//!          ─► Refuse  ─► refuse,        kept with the result record
//!          ─► Answered, Wait: nothing
//! ```
//!
//! The number is used up before anything is done. A command found running at a start was interrupted: nobody can
//! say how far it came, so it is said so and never begun again. A copy of the disk that is started later has the numbers of
//! its day; therefore a command names a record that the chain must hold, and nothing is begun before a receipt of
//! this run has said that the centre knows this chain as it is.

use std::collections::VecDeque;

use super::{Command, MandateError, Verb};
use crate::{
    cbor::{self, CborError, Reader, Writer},
    id::Hash,
};

/// Commands remembered as answered, so that a repetition is told from one that came too late.
pub const ANSWERED: usize = 64;

const VERSION: u64 = 1;

/// A command that was begun and has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its id.
    pub id: [u8; 16],
    /// Its number.
    pub number: u64,
    /// Its verb.
    pub verb: String,
    /// SHA-256 of its bytes.
    pub hash: Hash,
}

/// What the agent knows when a command comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Newest beacon; 0 before the first.
    pub beacon: u64,
    /// Whether a receipt of this run fits the chain; `None` before one has come.
    pub agrees: Option<bool>,
    /// The chain holds the record that the command names.
    pub holds: bool,
    /// A key of role root has signed it as well.
    pub by_root: bool,
}

/// What a command has to wait for; it will be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// A beacon, to know whether it is still good.
    Beacon,
    /// A receipt, to know that this chain is the one the centre has.
    Receipt,
    /// The command that is being carried out.
    Other,
}

/// What to do with a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It has its result already.
    Answered,
    /// Not yet.
    Wait(WaitFor),
    /// Never, and the result says why.
    Refuse(String),
    /// Now.
    Execute(Verb),
}

/// Which commands were begun and answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docket {
    floor: u64,
    running: Option<Running>,
    answered: VecDeque<Hash>,
}

impl Docket {
    /// What to do with a command that [`super::Authority::command`] has opened; `hash` is that of its bytes.
    pub fn consider(&self, command: &Command, hash: Hash, now: Circumstances) -> Decision {
        if self.answered.contains(&hash) {
            return Decision::Answered;
        }
        if let Some(running) = &self.running {
            return if running.hash == hash { Decision::Answered } else { Decision::Wait(WaitFor::Other) };
        }
        if now.beacon == 0 {
            return Decision::Wait(WaitFor::Beacon);
        }
        let Some(agrees) = now.agrees else { return Decision::Wait(WaitFor::Receipt) };
        let refuse = |why: String| Decision::Refuse(why);
        if command.number <= self.floor {
            return refuse(format!("number {} is not above {}, which was used up", command.number, self.floor));
        }
        if !agrees {
            return refuse("the centre's receipts do not fit this chain".to_owned());
        }
        if !now.holds {
            return refuse(format!("the chain does not hold record {} as the command names it", command.after.seq));
        }
        if now.beacon > command.not_after_beacon {
            return refuse(format!("expired at beacon {}; the newest is {}", command.not_after_beacon, now.beacon));
        }
        let Some(verb) = Verb::from_word(&command.verb) else {
            return refuse(format!("verb {:?} is not one of {}", command.verb, Verb::ALL.map(Verb::word).join(", ")));
        };
        if verb.is_dangerous() && !now.by_root {
            return refuse(format!("{} also needs the signature of a key of role root", verb.word()));
        }
        let wanted = verb.arguments();
        let given: Vec<&str> = command.arguments.keys().map(String::as_str).collect();
        if given.len() != wanted.len() || !wanted.iter().all(|name| given.contains(name)) {
            return refuse(format!("{} takes the arguments [{}]", verb.word(), wanted.join(", ")));
        }
        Decision::Execute(verb)
    }

    /// Uses the number up and marks the command as running. Kept before anything is done.
    pub fn begin(&mut self, command: &Command, hash: Hash) {
        self.floor = self.floor.max(command.number);
        self.running = Some(Running { id: command.id, number: command.number, verb: command.verb.clone(), hash });
    }

    /// The running command has its result. Kept together with it.
    pub fn end(&mut self) {
        if let Some(running) = self.running.take() {
            self.answer(running.hash);
        }
    }

    /// The command is refused; its number is used up all the same. Kept together with the result.
    pub fn refuse(&mut self, command: &Command, hash: Hash) {
        self.floor = self.floor.max(command.number);
        self.answer(hash);
    }

    fn answer(&mut self, hash: Hash) {
        if self.answered.len() >= ANSWERED {
            self.answered.pop_front();
        }
        self.answered.push_back(hash);
    }

    /// A new root has set the highest number used up.
    pub const fn set_floor(&mut self, floor: u64) {
        self.floor = floor;
    }

    /// The highest number used up.
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// The command that was begun and has no result: after a start, it was interrupted.
    pub const fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// The state as bytes: `[1, floor, [id, number, verb, hash] / null, [* hash]]`.
    pub fn save(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(4);
        w.uint(VERSION);
        w.uint(self.floor);
        match &self.running {
            None => w.null(),
            Some(it) => {
                w.array(4);
                w.bytes(&it.id);
                w.uint(it.number);
                w.text(&it.verb);
                w.bytes(&it.hash.0);
            }
        }
        let answered: Vec<Hash> = self.answered.iter().copied().collect();
        w.list(&answered, |w, it| w.bytes(&it.0));
        w.finish()
    }

    /// Goes on from a kept state.
    ///
    /// # Errors
    ///
    /// [`MandateError::Kept`].
    pub fn load(kept: &[u8]) -> Result<Self, MandateError> {
        cbor::check(kept).and_then(|()| read(kept)).map_err(|why| MandateError::Kept(why.to_string()))
    }
}

fn read(bytes: &[u8]) -> Result<Docket, CborError> {
    let mut r = Reader::new(bytes);
    r.array(4)?;
    if r.uint()? != VERSION {
        return Err(CborError::Expected { at: 1, expected: "version 1" });
    }
    let floor = r.uint()?;
    let running = r.nullable(|r| {
        r.array(4)?;
        let (id, number) = (r.fixed()?, r.uint()?);
        Ok::<_, CborError>(Running { id, number, verb: r.text()?.to_owned(), hash: Hash(r.fixed()?) })
    })?;
    let answered = r.list(|r| Ok::<_, CborError>(Hash(r.fixed()?)))?;
    r.end()?;
    Ok(Docket { floor, running, answered: answered.into_iter().rev().take(ANSWERED).rev().collect() })
}
