//! A warning that the agent proposes. It never issues one and never lifts one.

use std::collections::BTreeMap;

use tidewaiter_drivers::reading::Moment;

use super::{
    Context, Flags, Link, Plan,
    life::write_facts,
    value::{owned, read_moment, write_moment},
};
use crate::cbor::{CborError, Reader, Writer};

/// A proposal to warn, or to lift a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Those of the results behind it.
    pub flags: Flags,
    /// Unique within the agent.
    pub id: String,
    /// `proposed` or `lift-proposed`.
    pub state: String,
    /// Proposed level: `I`, `II`, `III` or `IV`.
    pub level: String,
    /// Suggested kind of notice: `tongbao` (to regulators), `tonggao` (to enterprises), `gonggao` (to the public).
    pub notice: String,
    /// From when.
    pub starts: Moment,
    /// What it covers.
    pub scope: String,
    /// What is warned of.
    pub matters: String,
    /// Under which condition it is to be lifted.
    pub lift_condition: String,
    /// Authority that would issue it.
    pub issuer: String,
    /// What the authority would rest it on.
    pub legal_basis: String,
    /// How the level came about: `harm`, `urgency`, `extent` and their reasons; a control request; trend figures.
    pub facts: BTreeMap<String, String>,
    /// The results behind it.
    pub evidence: Vec<Link>,
    /// Reports that are due, by id, UTC milliseconds.
    pub deadlines: BTreeMap<String, i64>,
    /// The monitoring plan whose matrix was applied.
    pub plan: Option<Plan>,
    /// Software and configuration.
    pub context: Context,
}

impl Warning {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(0, |w| self.flags.write(w));
            m.int(1, |w| w.text(&self.id));
            m.int(2, |w| w.text(&self.state));
            m.int(3, |w| w.text(&self.level));
            m.int(4, |w| w.text(&self.notice));
            m.int(5, |w| write_moment(w, self.starts));
            m.int(6, |w| w.text(&self.scope));
            m.int(7, |w| w.text(&self.matters));
            m.int(8, |w| w.text(&self.lift_condition));
            m.int(9, |w| w.text(&self.issuer));
            m.int(10, |w| w.text(&self.legal_basis));
            m.int(11, |w| write_facts(w, &self.facts));
            m.int(12, |w| w.list(&self.evidence, |w, it| it.write(w)));
            m.int(13, |w| w.map(|m| self.deadlines.iter().for_each(|(id, due)| m.text(id, |w| w.int(*due)))));
            m.optional(14, self.plan.as_ref(), |w, it| it.write(w));
            m.int(15, |w| self.context.write(w));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let warning = Self {
            flags: fields.need(0, Flags::read)?,
            id: fields.need(1, owned)?,
            state: fields.need(2, owned)?,
            level: fields.need(3, owned)?,
            notice: fields.need(4, owned)?,
            starts: fields.need(5, read_moment)?,
            scope: fields.need(6, owned)?,
            matters: fields.need(7, owned)?,
            lift_condition: fields.need(8, owned)?,
            issuer: fields.need(9, owned)?,
            legal_basis: fields.need(10, owned)?,
            facts: fields.need(11, |r| r.text_map(owned))?,
            evidence: fields.need(12, |r| r.list(Link::read))?,
            deadlines: fields.need(13, |r| r.text_map(Reader::int))?,
            plan: fields.optional(14, Plan::read)?,
            context: fields.need(15, Context::read)?,
        };
        fields.end()?;
        Ok(warning)
    }
}
