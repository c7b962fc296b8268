//! What happens after an alarm or a referral: each step is a record of its own, linked to the first.

use std::collections::BTreeMap;

use tidewaiter_drivers::reading::Moment;

use super::{
    Context, Flags, Measured, Plan,
    life::write_facts,
    value::{owned, read_moment, write_moment},
};
use crate::{
    cbor::{CborError, Reader, Writer},
    id::Hash,
};

/// One step of the secondary inspection of a subject. It never replaces the result it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// Those of the result it follows.
    pub flags: Flags,
    /// Unique within the agent.
    pub id: String,
    /// The result it follows.
    pub follows: Link,
    /// What was done, as a stable word: `handheld`, `sample`, `lab-result`, `hold`, `release`, `return`, `re-scan`.
    pub step: String,
    /// The person who did it, by name.
    pub by: String,
    /// When it was entered.
    pub at: Moment,
    /// State of the finding after it: `screened`, `sample-sent`, `lab-confirmed`, `lab-cleared`, `released` …
    pub state: String,
    /// Values that belong to it.
    pub measured: Vec<Measured>,
    /// The record in which those values were judged.
    pub judged: Option<Link>,
    /// The rest, by name: `sample`, `body`, `report`, `method`, `date`, `acceptance`, `note` …
    pub facts: BTreeMap<String, String>,
    /// The monitoring plan in force.
    pub plan: Option<Plan>,
    /// Software and configuration.
    pub context: Context,
}

/// Another record of the same chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Id of the inspection or warning in it.
    pub id: String,
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// Sequence numbers end below 2^63, wherever they stand.
fn read_seq(r: &mut Reader<'_>) -> Result<u64, CborError> {
    let at = r.at();
    r.uint().and_then(|seq| {
        if i64::try_from(seq).is_ok() {
            Ok(seq)
        } else {
            Err(CborError::Expected { at, expected: "a sequence number below 2^63" })
        }
    })
}

impl Link {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.id));
            m.int(2, |w| w.uint(self.seq));
            m.int(3, |w| w.bytes(&self.hash.0));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let link = Self {
            id: fields.need(1, owned)?,
            seq: fields.need(2, read_seq)?,
            hash: Hash(fields.need(3, Reader::fixed)?),
        };
        fields.end()?;
        Ok(link)
    }
}

impl FollowUp {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(0, |w| self.flags.write(w));
            m.int(1, |w| w.text(&self.id));
            m.int(2, |w| self.follows.write(w));
            m.int(3, |w| w.text(&self.step));
            m.int(4, |w| w.text(&self.by));
            m.int(5, |w| write_moment(w, self.at));
            m.int(6, |w| w.text(&self.state));
            m.int(7, |w| w.list(&self.measured, |w, it| it.write(w, true)));
            m.optional(8, self.judged.as_ref(), |w, it| it.write(w));
            m.int(9, |w| write_facts(w, &self.facts));
            m.optional(10, self.plan.as_ref(), |w, it| it.write(w));
            m.int(11, |w| self.context.write(w));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let follow_up = Self {
            flags: fields.need(0, Flags::read)?,
            id: fields.need(1, owned)?,
            follows: fields.need(2, Link::read)?,
            step: fields.need(3, owned)?,
            by: fields.need(4, owned)?,
            at: fields.need(5, read_moment)?,
            state: fields.need(6, owned)?,
            measured: fields.need(7, |r| r.list(|r| Measured::read(r, true)))?,
            judged: fields.optional(8, Link::read)?,
            facts: fields.need(9, |r| r.text_map(owned))?,
            plan: fields.optional(10, Plan::read)?,
            context: fields.need(11, Context::read)?,
        };
        fields.end()?;
        Ok(follow_up)
    }
}
