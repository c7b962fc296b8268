//! A period of continuous watching, with every poll slot accounted for.

use std::collections::BTreeMap;

use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Moment, Quality},
};

use super::{
    Context, Flags, Plan,
    value::{owned, read_decimal, read_moment, read_quality, read_unit, write_decimal, write_moment},
};
use crate::cbor::{CborError, Reader, Writer};

/// One channel of one instrument over one period.
///
/// `received` plus all counts of `missing` is at least `slots_expected`; otherwise some slot was
/// neither measured nor explained, and a verifier says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntervalDetail {
    /// Simulated, drill.
    pub flags: Flags,
    /// Id of the watch that asks for the interval.
    pub watch: String,
    /// Instrument id.
    pub instrument: String,
    /// Channel of the instrument.
    pub channel: String,
    /// Begin of the period.
    pub from: Moment,
    /// End of the period.
    pub to: Moment,
    /// How many readings were due.
    pub slots_expected: u32,
    /// How many brought a value.
    pub received: u32,
    /// How many brought none, by reason (`Missing::word` of the drivers).
    pub missing: BTreeMap<String, u32>,
    /// Sum of the values.
    pub sum: Option<Decimal>,
    /// Smallest value.
    pub min: Option<Decimal>,
    /// Largest value.
    pub max: Option<Decimal>,
    /// Last value.
    pub last: Option<Decimal>,
    /// Unit of all four.
    pub unit: Option<Unit>,
    /// Software and configuration.
    pub context: Context,
    /// How the instrument stood (verification, function checks): then the record is of kind 19, else of kind 17, which
    /// has no room for it, nor for the plan.
    pub standing: Option<Quality>,
    /// The monitoring plan in force; kind 19.
    pub plan: Option<Plan>,
}

impl IntervalDetail {
    /// How many slots were due and neither measured nor explained.
    pub fn unaccounted(&self) -> u64 {
        let explained: u64 = self.missing.values().copied().map(u64::from).sum();
        u64::from(self.slots_expected).saturating_sub(explained.saturating_add(u64::from(self.received)))
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(0, |w| self.flags.write(w));
            m.int(1, |w| w.text(&self.watch));
            m.int(2, |w| w.text(&self.instrument));
            m.int(3, |w| w.text(&self.channel));
            m.int(4, |w| write_moment(w, self.from));
            m.int(5, |w| write_moment(w, self.to));
            m.int(6, |w| w.uint(u64::from(self.slots_expected)));
            m.int(7, |w| w.uint(u64::from(self.received)));
            m.int(8, |w| {
                w.map(|m| {
                    for (reason, &count) in &self.missing {
                        m.text(reason, |w| w.uint(u64::from(count)));
                    }
                });
            });
            m.optional(9, self.sum, write_decimal);
            m.optional(10, self.min, write_decimal);
            m.optional(11, self.max, write_decimal);
            m.optional(12, self.last, write_decimal);
            m.optional(13, self.unit, |w, it| w.text(it.code()));
            m.int(14, |w| self.context.write(w));
            if let Some(standing) = self.standing {
                m.optional(15, self.plan.as_ref(), |w, it| it.write(w));
                m.int(16, |w| w.text(standing.word()));
            }
        });
    }

    pub(super) fn read(r: &mut Reader<'_>, qualified: bool) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let flags = fields.need(0, Flags::read)?;
        let watch = fields.need(1, owned)?;
        let instrument = fields.need(2, owned)?;
        let channel = fields.need(3, owned)?;
        let from = fields.need(4, read_moment)?;
        let to = fields.need(5, read_moment)?;
        let slots_expected = fields.need(6, Reader::small)?;
        let received = fields.need(7, Reader::small)?;
        let missing = fields.need(8, |r| r.text_map(Reader::small))?;
        let sum = fields.optional(9, read_decimal)?;
        let min = fields.optional(10, read_decimal)?;
        let max = fields.optional(11, read_decimal)?;
        let last = fields.optional(12, read_decimal)?;
        let unit = fields.optional(13, read_unit)?;
        let context = fields.need(14, Context::read)?;
        let (plan, standing) = if qualified {
            (fields.optional(15, Plan::read)?, Some(fields.need(16, read_quality)?))
        } else {
            (None, None)
        };
        fields.end()?;
        Ok(Self {
            flags,
            watch,
            instrument,
            channel,
            from,
            to,
            slots_expected,
            received,
            missing,
            sum,
            min,
            max,
            last,
            unit,
            context,
            standing,
            plan,
        })
    }
}
