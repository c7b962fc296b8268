//! One record as rows of the tables: values in, cells out, in the order of the columns of [`super::table`].

use std::borrow::Cow;

use parquet::errors::ParquetError;
use serde::Serialize;
use serde_json::json;
use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Moment, Outcome, Quality},
};
use tidewaiter_record::{
    Detail, Finding, InspectionDetail, IntervalDetail, Measured, Plan, Reading, Record, SingleReading,
};

use crate::{
    export::ExportError,
    store::StoredRecord,
    view::{DetailView, RecordView},
};

/// Where each table stands in [`super::TABLES`].
const RECORDS: usize = 0;
const INSPECTIONS: usize = 1;
const FINDINGS: usize = 2;
const READINGS: usize = 3;
const INTERVALS: usize = 4;

/// What stands in one place of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// There is none.
    Nothing,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number, or UTC milliseconds.
    Int(i64),
    /// Yes or no.
    Flag(bool),
    /// An exact decimal.
    Number(Decimal),
}

/// A record, and what the centre knows of it.
pub(super) struct Known<'a> {
    pub(super) stored: &'a StoredRecord,
    pub(super) record: &'a Record,
    pub(super) site: &'a str,
    /// It and all before it are here, each linked to the one before.
    pub(super) linked: bool,
    /// A receipt covers it.
    pub(super) receipted: bool,
    /// How its signature stands by the keys at hand.
    pub(super) signature: Option<&'static str>,
}

/// A row that is being made.
struct Row<'a>(Vec<Cell<'a>>);

impl<'a> Row<'a> {
    /// With the columns that every table begins with.
    fn of(known: &Known<'a>) -> Self {
        let (header, body) = (&known.record.header, &known.record.body);
        let flags = body.detail.flags();
        let mut row = Self(Vec::with_capacity(40));
        row.text(known.site).text(&header.agent).own(header.chain.to_string()).seq(header.seq);
        row.time(body.time.wall_ms).flag(flags.simulated).flag(flags.drill);
        row
    }

    fn put(&mut self, cell: Cell<'a>) -> &mut Self {
        self.0.push(cell);
        self
    }

    fn text(&mut self, text: &'a str) -> &mut Self {
        self.put(Cell::Text(text.into()))
    }

    fn own(&mut self, text: String) -> &mut Self {
        self.put(Cell::Text(text.into()))
    }

    fn maybe(&mut self, text: Option<&'a str>) -> &mut Self {
        self.put(text.map_or(Cell::Nothing, |it| Cell::Text(it.into())))
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        self.put(Cell::Flag(flag))
    }

    fn int(&mut self, number: impl Into<i64>) -> &mut Self {
        self.put(Cell::Int(number.into()))
    }

    fn count(&mut self, count: usize) -> &mut Self {
        self.put(Cell::Int(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    /// A number of a record: below 2^63 by the format.
    fn seq(&mut self, seq: u64) -> &mut Self {
        self.put(Cell::Int(i64::try_from(seq).unwrap_or(i64::MAX)))
    }

    /// A number that may be larger than the column, and is then left out.
    fn large(&mut self, number: Option<u64>) -> &mut Self {
        self.put(number.and_then(|it| i64::try_from(it).ok()).map_or(Cell::Nothing, Cell::Int))
    }

    /// A time that somebody claimed; readers compute with it, so it must lie within the calendar.
    fn time(&mut self, wall_ms: i64) -> &mut Self {
        let within = jiff::Timestamp::from_millisecond(wall_ms).is_ok();
        self.put(if within { Cell::Int(wall_ms) } else { Cell::Nothing })
    }

    fn at(&mut self, at: Moment) -> &mut Self {
        self.time(at.wall_ms)
    }

    /// The digits as displayed, then the value.
    fn decimal(&mut self, value: Option<Decimal>) -> &mut Self {
        match value {
            Some(value) => self.own(value.to_string()).put(Cell::Number(value)),
            None => self.nothing(2),
        }
    }

    fn json(&mut self, value: &impl Serialize) -> Result<&mut Self, serde_json::Error> {
        Ok(self.own(serde_json::to_string(value)?))
    }

    fn nothing(&mut self, columns: usize) -> &mut Self {
        self.0.extend(std::iter::repeat_n(Cell::Nothing, columns));
        self
    }

    fn plan(&mut self, plan: Option<&'a Plan>) -> &mut Self {
        self.maybe(plan.map(|it| it.id.as_str())).large(plan.map(|it| it.version))
    }

    /// Value, its number, unit, quality, or the reason why there is none and the code behind it.
    fn outcome(&mut self, outcome: Outcome) -> &mut Self {
        match outcome {
            Ok(shown) => self.decimal(Some(shown.value)).text(shown.unit.code()).text(shown.quality.word()).nothing(2),
            Err(missing) => {
                self.nothing(4).text(missing.word());
                self.put(missing.code().map_or(Cell::Nothing, |it| Cell::Int(it.into())))
            }
        }
    }
}

/// Hands the rows of a record to `put`, each with the place of its table.
///
/// # Errors
///
/// With the error of `put`.
pub(super) fn of(
    known: &Known<'_>,
    mut put: impl FnMut(usize, &[Cell<'_>]) -> Result<(), ParquetError>,
) -> Result<(), ExportError> {
    put(RECORDS, &record(known)?.0)?;
    match &known.record.body.detail {
        Detail::Inspection(it) => {
            put(INSPECTIONS, &inspection(known, it)?.0)?;
            for (at, finding) in it.findings.iter().enumerate() {
                put(FINDINGS, &judged(known, it, at, finding)?.0)?;
            }
            for (at, one) in it.measured.iter().enumerate() {
                put(READINGS, &measured(known, ("measured", &it.id), at, one).0)?;
            }
            for (at, one) in it.readings.iter().enumerate() {
                put(READINGS, &behind(known, it, at, one).0)?;
            }
        }
        Detail::FollowUp(it) => {
            for (at, one) in it.measured.iter().enumerate() {
                put(READINGS, &measured(known, ("follow-up", &it.follows.id), at, one).0)?;
            }
        }
        Detail::Reading(it) => put(READINGS, &single(known, it).0)?,
        Detail::Interval(it) => put(INTERVALS, &interval(known, it)?.0)?,
        _ => {}
    }
    Ok(())
}

fn record<'a>(known: &Known<'a>) -> Result<Row<'a>, serde_json::Error> {
    let (stored, header, body) = (known.stored, &known.record.header, &known.record.body);
    let mut row = Row::of(known);
    row.seq(stored.arrival).time(stored.received_ms);
    row.own(stored.hash.to_string()).own(header.prev.to_string()).own(header.kid.to_string()).text(&header.subject);
    row.text(body.time.quality.word()).large(Some(body.time.err_ms)).text(body.time.src.word());
    row.large(Some(body.time.boot)).large(Some(body.time.mono_ms));
    row.text(body.detail.word()).large(Some(body.detail.kind())).count(stored.bytes.len());
    row.maybe(known.signature).flag(known.linked).flag(known.receipted);
    row.json(&RecordView::of(known.record).detail)?;
    Ok(row)
}

fn inspection<'a>(known: &Known<'a>, it: &'a InspectionDetail) -> Result<Row<'a>, serde_json::Error> {
    // Lists are spelt as the JSON Lines export spells them.
    let view = RecordView::of(known.record).detail;
    let DetailView::Inspection(view) = view else { return Ok(Row::of(known)) };
    let judging = it.judging.as_ref();
    let tables: Vec<_> = it
        .tables
        .iter()
        .map(|it| json!({ "id": it.id, "edition": it.edition, "sha256": hex::encode(it.sha256) }))
        .collect();
    let mut row = Row::of(known);
    row.text(&it.id).text(&it.place).text(&it.procedure).text(&it.subject.kind).json(&view.identities)?;
    match view.declared {
        Some(declared) => row.json(declared)?,
        None => row.nothing(1),
    };
    row.at(it.opened).at(it.closed).maybe(it.incomplete.as_deref());
    row.text(&it.verdict).maybe(it.reason.as_deref()).text(&it.disposition).flag(it.alarm_mismatch);
    row.json(&view.alarms)?.json(&view.faults)?;
    row.count(it.measured.len()).count(it.findings.len()).count(it.readings.len()).json(&tables)?;
    row.plan(judging.and_then(|it| it.plan.as_ref()));
    row.maybe(judging.and_then(|it| it.operator.as_deref())).maybe(judging.and_then(|it| it.origin.as_deref()));
    row.text(&it.context.software).own(hex::encode(it.context.config));
    Ok(row)
}

fn judged<'a>(
    known: &Known<'a>,
    of: &'a InspectionDetail,
    position: usize,
    it: &'a Finding,
) -> Result<Row<'a>, serde_json::Error> {
    let mut row = Row::of(known);
    row.text(&of.id).text(&of.place).text(&of.procedure).count(position);
    row.text(&it.table).text(&it.edition).text(&it.row).text(&it.parameter);
    row.text(&it.verdict).maybe(it.reason.as_deref()).flag(it.alarms);
    row.maybe(it.value.as_deref()).text(&it.limit).text(&it.rule).large(it.stage.map(u64::from));
    row.json(&it.hazards)?.text(&it.legal_force).decimal(it.probability).flag(it.advisory);
    Ok(row)
}

/// A quantity as it was judged.
fn measured<'a>(
    known: &Known<'a>,
    (role, inspection): (&'static str, &'a str),
    position: usize,
    it: &'a Measured,
) -> Row<'a> {
    let mut row = Row::of(known);
    row.text(role).text(inspection).count(position).text(&it.instrument).nothing(1).text(&it.parameter).nothing(1);
    row.outcome(it.outcome);
    row.decimal(it.background).decimal(it.uncertainty).decimal(it.background_uncertainty);
    row.text(&it.derivation).maybe(it.basis.as_deref()).large(it.stage.map(u64::from)).nothing(3);
    row
}

/// One of the readings that an inspection rests on.
fn behind<'a>(known: &Known<'a>, of: &'a InspectionDetail, position: usize, it: &'a Reading) -> Row<'a> {
    let mut row = Row::of(known);
    row.text("reading").text(&of.id).count(position);
    read(&mut row, it);
    row.nothing(2).own(hex::encode(&it.raw));
    row
}

/// A reading that is a record of its own.
fn single<'a>(known: &Known<'a>, it: &'a SingleReading) -> Row<'a> {
    let mut row = Row::of(known);
    row.text("single").nothing(1).count(0);
    read(&mut row, &it.reading);
    row.maybe(it.operator.as_deref()).maybe(it.sample.as_deref()).own(hex::encode(&it.reading.raw));
    row
}

/// Where, when, what; and none of what only a judged quantity has.
fn read<'a>(row: &mut Row<'a>, it: &'a Reading) {
    row.text(&it.instrument).text(&it.channel).nothing(1).at(it.at).outcome(it.outcome).nothing(9);
}

fn interval<'a>(known: &Known<'a>, it: &'a IntervalDetail) -> Result<Row<'a>, serde_json::Error> {
    let mut row = Row::of(known);
    row.text(&it.watch).text(&it.instrument).text(&it.channel).at(it.from).at(it.to);
    row.int(it.slots_expected).int(it.received).json(&it.missing)?;
    row.decimal(it.sum).decimal(it.min).decimal(it.max).decimal(it.last);
    row.maybe(it.unit.map(Unit::code)).maybe(it.standing.map(Quality::word)).plan(it.plan.as_ref());
    Ok(row)
}
