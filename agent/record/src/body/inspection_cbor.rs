//! The inspection as CBOR: the keys of each map, in the order of `record.cddl`.

use super::{
    Alarm, Context, Fault, Finding, Flags, Identity, InspectionDetail, Judging, Measured, Plan, Reading, Required,
    Subject, Table,
    life::write_facts,
    value::{owned, read_decimal, read_moment, read_outcome, write_decimal, write_moment, write_outcome},
};
use crate::cbor::{CborError, Reader, Writer};

impl InspectionDetail {
    pub(super) fn write(&self, w: &mut Writer) {
        let full = self.judging.is_some();
        w.map(|m| {
            m.int(0, |w| self.flags.write(w));
            m.int(1, |w| w.text(&self.id));
            m.int(2, |w| w.text(&self.procedure));
            m.int(3, |w| w.text(&self.place));
            m.int(4, |w| self.subject.write(w));
            m.int(5, |w| write_moment(w, self.opened));
            m.int(6, |w| write_moment(w, self.closed));
            m.optional(7, self.incomplete.as_ref(), |w, it| w.text(it));
            m.int(8, |w| w.list(&self.measured, |w, it| it.write(w, full)));
            m.int(9, |w| w.list(&self.alarms, |w, it| it.write(w)));
            m.int(10, |w| w.list(&self.faults, |w, it| it.write(w)));
            m.int(11, |w| w.list(&self.readings, |w, it| it.write(w)));
            m.int(12, |w| w.list(&self.findings, |w, it| it.write(w, full)));
            m.int(13, |w| w.text(&self.verdict));
            m.optional(14, self.reason.as_ref(), |w, it| w.text(it));
            m.int(15, |w| w.text(&self.disposition));
            m.int(16, |w| w.bool(self.alarm_mismatch));
            m.int(17, |w| w.list(&self.tables, |w, it| it.write(w)));
            m.int(18, |w| self.context.write(w));
            if let Some(judging) = &self.judging {
                m.optional(19, judging.plan.as_ref(), |w, it| it.write(w));
                m.optional(20, judging.operator.as_ref(), |w, it| w.text(it));
                m.optional(21, judging.origin.as_ref(), |w, it| w.text(it));
                m.int(22, |w| w.list(&judging.required, |w, it| it.write(w)));
            }
        });
    }

    /// `full` for kind 18, else kind 16.
    pub(super) fn read(r: &mut Reader<'_>, full: bool) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let flags = fields.need(0, Flags::read)?;
        let id = fields.need(1, owned)?;
        let procedure = fields.need(2, owned)?;
        let place = fields.need(3, owned)?;
        let subject = fields.need(4, Subject::read)?;
        let opened = fields.need(5, read_moment)?;
        let closed = fields.need(6, read_moment)?;
        let incomplete = fields.optional(7, owned)?;
        let measured = fields.need(8, |r| r.list(|r| Measured::read(r, full)))?;
        let alarms = fields.need(9, |r| r.list(Alarm::read))?;
        let faults = fields.need(10, |r| r.list(Fault::read))?;
        let readings = fields.need(11, |r| r.list(Reading::read))?;
        let findings = fields.need(12, |r| r.list(|r| Finding::read(r, full)))?;
        let verdict = fields.need(13, owned)?;
        let reason = fields.optional(14, owned)?;
        let disposition = fields.need(15, owned)?;
        let alarm_mismatch = fields.need(16, Reader::bool)?;
        let tables = fields.need(17, |r| r.list(Table::read))?;
        let context = fields.need(18, Context::read)?;
        let judging = if full {
            Some(Judging {
                plan: fields.optional(19, Plan::read)?,
                operator: fields.optional(20, owned)?,
                origin: fields.optional(21, owned)?,
                required: fields.need(22, |r| r.list(Required::read))?,
            })
        } else {
            None
        };
        fields.end()?;
        Ok(Self {
            flags,
            id,
            procedure,
            place,
            subject,
            opened,
            closed,
            incomplete,
            measured,
            alarms,
            faults,
            readings,
            findings,
            verdict,
            reason,
            disposition,
            alarm_mismatch,
            tables,
            context,
            judging,
        })
    }
}

impl Subject {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.kind));
            m.int(2, |w| w.list(&self.identities, |w, it| it.write(w)));
            m.optional(3, self.declared.as_ref(), write_facts);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let subject = Self {
            kind: fields.need(1, owned)?,
            identities: fields.need(2, |r| r.list(Identity::read))?,
            declared: fields.optional(3, |r| r.text_map(owned))?,
        };
        fields.end()?;
        Ok(subject)
    }
}

impl Identity {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.kind));
            m.int(2, |w| w.text(&self.text));
            m.int(3, |w| w.text(&self.source));
            m.optional(4, self.confidence, |w, it| w.uint(u64::from(it)));
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let identity = Self {
            kind: fields.need(1, owned)?,
            text: fields.need(2, owned)?,
            source: fields.need(3, owned)?,
            confidence: fields.optional(4, Reader::small)?,
        };
        fields.end()?;
        Ok(identity)
    }
}

impl Measured {
    pub(super) fn write(&self, w: &mut Writer, full: bool) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.parameter));
            m.int(2, |w| w.text(&self.instrument));
            m.int(3, |w| write_outcome(w, self.outcome));
            m.optional(4, self.background, write_decimal);
            m.optional(5, self.uncertainty, write_decimal);
            m.int(6, |w| w.text(&self.derivation));
            m.optional(7, self.stage, |w, it| w.uint(u64::from(it)));
            if full {
                m.optional(8, self.background_uncertainty, write_decimal);
                m.optional(9, self.basis.as_ref(), |w, it| w.text(it));
            }
        });
    }

    pub(super) fn read(r: &mut Reader<'_>, full: bool) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let measured = Self {
            parameter: fields.need(1, owned)?,
            instrument: fields.need(2, owned)?,
            outcome: fields.need(3, read_outcome)?,
            background: fields.optional(4, read_decimal)?,
            uncertainty: fields.optional(5, read_decimal)?,
            derivation: fields.need(6, owned)?,
            stage: fields.optional(7, Reader::small)?,
            background_uncertainty: if full { fields.optional(8, read_decimal)? } else { None },
            basis: if full { fields.optional(9, owned)? } else { None },
        };
        fields.end()?;
        Ok(measured)
    }
}

impl Alarm {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.instrument));
            m.int(2, |w| w.text(&self.kind));
            m.int(3, |w| w.bool(self.by_device));
            m.int(4, |w| w.bool(self.recomputed));
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let alarm = Self {
            instrument: fields.need(1, owned)?,
            kind: fields.need(2, owned)?,
            by_device: fields.need(3, Reader::bool)?,
            recomputed: fields.need(4, Reader::bool)?,
        };
        fields.end()?;
        Ok(alarm)
    }
}

impl Fault {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.instrument));
            m.int(2, |w| w.text(&self.kind));
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let fault = Self { instrument: fields.need(1, owned)?, kind: fields.need(2, owned)? };
        fields.end()?;
        Ok(fault)
    }
}

impl Reading {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.instrument));
            m.int(2, |w| w.text(&self.channel));
            m.int(3, |w| write_moment(w, self.at));
            m.int(4, |w| write_outcome(w, self.outcome));
            m.int(5, |w| w.bytes(&self.raw));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let reading = Self {
            instrument: fields.need(1, owned)?,
            channel: fields.need(2, owned)?,
            at: fields.need(3, read_moment)?,
            outcome: fields.need(4, read_outcome)?,
            raw: fields.need(5, Reader::bytes)?.to_vec(),
        };
        fields.end()?;
        Ok(reading)
    }
}

impl Finding {
    fn write(&self, w: &mut Writer, full: bool) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.table));
            m.int(2, |w| w.text(&self.edition));
            m.int(3, |w| w.text(&self.row));
            m.int(4, |w| w.text(&self.parameter));
            m.int(5, |w| w.text(&self.verdict));
            m.optional(6, self.reason.as_ref(), |w, it| w.text(it));
            m.int(7, |w| w.bool(self.alarms));
            m.optional(8, self.value.as_ref(), |w, it| w.text(it));
            m.int(9, |w| w.text(&self.limit));
            m.int(10, |w| w.text(&self.rule));
            m.optional(11, self.stage, |w, it| w.uint(u64::from(it)));
            if full {
                m.int(12, |w| w.list(&self.hazards, |w, it| w.text(it)));
                m.int(13, |w| w.text(&self.legal_force));
                m.optional(14, self.probability, write_decimal);
                m.int(15, |w| w.bool(self.advisory));
            }
        });
    }

    fn read(r: &mut Reader<'_>, full: bool) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let finding = Self {
            table: fields.need(1, owned)?,
            edition: fields.need(2, owned)?,
            row: fields.need(3, owned)?,
            parameter: fields.need(4, owned)?,
            verdict: fields.need(5, owned)?,
            reason: fields.optional(6, owned)?,
            alarms: fields.need(7, Reader::bool)?,
            value: fields.optional(8, owned)?,
            limit: fields.need(9, owned)?,
            rule: fields.need(10, owned)?,
            stage: fields.optional(11, Reader::small)?,
            hazards: if full { fields.need(12, |r| r.list(owned))? } else { Vec::new() },
            legal_force: if full { fields.need(13, owned)? } else { String::new() },
            probability: if full { fields.optional(14, read_decimal)? } else { None },
            advisory: full && fields.need(15, Reader::bool)?,
        };
        fields.end()?;
        Ok(finding)
    }
}

impl Table {
    pub(super) fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.int(1, |w| w.text(&self.id));
            m.int(2, |w| w.text(&self.edition));
            m.int(3, |w| w.bytes(&self.sha256));
        });
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let mut fields = r.fields()?;
        let table = Self {
            id: fields.need(1, owned)?,
            edition: fields.need(2, owned)?,
            sha256: fields.need(3, Reader::fixed)?,
        };
        fields.end()?;
        Ok(table)
    }
}
