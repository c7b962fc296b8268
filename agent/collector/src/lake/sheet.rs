//! One table on its way into a file: rows gather column by column and leave as a row group when they are enough.

use std::io::Write;

use bytes::Bytes;
use parquet::{
    column::writer::ColumnWriter,
    data_type::{ByteArray, FixedLenByteArray},
    errors::ParquetError,
    file::{properties::WriterPropertiesPtr, writer::SerializedFileWriter},
};
use tidewaiter_drivers::Decimal;

use super::{
    Limits,
    rows::Cell,
    table::{Column, Kind, NUMBER_BYTES, PLACES, Table},
};

/// A table that is being written.
pub(super) struct Sheet<W: Write + Send> {
    table: &'static Table,
    writer: SerializedFileWriter<W>,
    columns: Vec<Gathered>,
    limits: Limits,
    /// Of the row group that gathers.
    rows: usize,
    bytes: usize,
    written: u64,
}

/// One column of the row group that gathers.
struct Gathered {
    column: Column,
    /// 1 where there is a value, 0 where there is none; unused where every row has one.
    levels: Vec<i16>,
    values: Values,
}

/// Values without gaps.
enum Values {
    /// All texts after each other, and where each ends.
    Texts(Vec<u8>, Vec<usize>),
    Ints(Vec<i64>),
    Flags(Vec<bool>),
    Numbers(Vec<u8>),
}

impl<W: Write + Send> Sheet<W> {
    /// Begins a file.
    pub(super) fn begin(
        table: &'static Table,
        out: W,
        properties: WriterPropertiesPtr,
        limits: Limits,
    ) -> Result<Self, ParquetError> {
        let writer = SerializedFileWriter::new(out, table.schema()?, properties)?;
        let columns = table.columns().map(Gathered::new).collect();
        Ok(Self { table, writer, columns, limits, rows: 0, bytes: 0, written: 0 })
    }

    pub(super) const fn name(&self) -> &'static str {
        self.table.name
    }

    /// All rows so far.
    pub(super) const fn rows(&self) -> u64 {
        self.written + self.rows as u64
    }

    /// Takes a row; a cell for each column.
    pub(super) fn put(&mut self, row: &[Cell<'_>]) -> Result<(), ParquetError> {
        if row.len() != self.columns.len() {
            let (found, expected) = (row.len(), self.columns.len());
            return Err(ParquetError::General(format!("{}: a row of {found} cells, not {expected}", self.table.name)));
        }
        for (gathered, cell) in self.columns.iter_mut().zip(row) {
            self.bytes += gathered.put(cell)?;
        }
        self.rows += 1;
        if self.rows >= self.limits.rows || self.bytes >= self.limits.bytes {
            self.leave()?;
        }
        Ok(())
    }

    /// Writes what has gathered as a row group.
    fn leave(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for gathered in &mut self.columns {
            let Some(mut column) = group.next_column()? else { break };
            gathered.leave(column.untyped())?;
            column.close()?;
        }
        group.close()?;
        self.written += self.rows as u64;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Ends the file; gives what it was written to.
    pub(super) fn finish(mut self) -> Result<W, ParquetError> {
        self.leave()?;
        self.writer.into_inner()
    }
}

impl Gathered {
    fn new(column: Column) -> Self {
        let values = match column.kind {
            Kind::Text | Kind::Id | Kind::Json => Values::Texts(Vec::new(), Vec::new()),
            Kind::Int | Kind::Time => Values::Ints(Vec::new()),
            Kind::Flag => Values::Flags(Vec::new()),
            Kind::Number => Values::Numbers(Vec::new()),
        };
        Self { column, levels: Vec::new(), values }
    }

    /// Takes a cell; gives the bytes it takes.
    fn put(&mut self, cell: &Cell<'_>) -> Result<usize, ParquetError> {
        let taken = match (&mut self.values, cell) {
            (_, Cell::Nothing) if !self.column.required => {
                self.levels.push(0);
                return Ok(2);
            }
            (Values::Texts(bytes, ends), Cell::Text(text)) => {
                bytes.extend_from_slice(text.as_bytes());
                ends.push(bytes.len());
                text.len() + size_of::<usize>()
            }
            (Values::Ints(values), Cell::Int(value)) => {
                values.push(*value);
                size_of::<i64>()
            }
            (Values::Flags(values), Cell::Flag(value)) => {
                values.push(*value);
                1
            }
            (Values::Numbers(values), Cell::Number(value)) => {
                values.extend_from_slice(&unscaled(*value).to_be_bytes());
                NUMBER_BYTES
            }
            (_, cell) => {
                return Err(ParquetError::General(format!("column {}: {cell:?} does not fit", self.column.name)));
            }
        };
        if self.column.required {
            return Ok(taken);
        }
        self.levels.push(1);
        Ok(taken + 2)
    }

    fn leave(&mut self, out: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = (!self.column.required).then_some(self.levels.as_slice());
        match (&mut self.values, out) {
            (Values::Texts(bytes, ends), ColumnWriter::ByteArrayColumnWriter(out)) => {
                let all = Bytes::from(std::mem::take(bytes));
                let mut from = 0;
                let texts: Vec<_> = ends
                    .drain(..)
                    .map(|end| ByteArray::from(all.slice(std::mem::replace(&mut from, end)..end)))
                    .collect();
                out.write_batch(&texts, levels, None)?;
            }
            (Values::Ints(values), ColumnWriter::Int64ColumnWriter(out)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (Values::Flags(values), ColumnWriter::BoolColumnWriter(out)) => {
                out.write_batch(values, levels, None)?;
                values.clear();
            }
            (Values::Numbers(values), ColumnWriter::FixedLenByteArrayColumnWriter(out)) => {
                let all = Bytes::from(std::mem::take(values));
                let numbers: Vec<_> = (0..all.len())
                    .step_by(NUMBER_BYTES)
                    .map(|at| FixedLenByteArray::from(ByteArray::from(all.slice(at..at + NUMBER_BYTES))))
                    .collect();
                out.write_batch(&numbers, levels, None)?;
            }
            _ => return Err(ParquetError::General(format!("column {}: not of its own type", self.column.name))),
        }
        self.levels.clear();
        Ok(())
    }
}

/// The value times 10 to the [`PLACES`]: at most 63 bits times 10 to the 18th, which 128 bits hold.
fn unscaled(value: Decimal) -> i128 {
    i128::from(value.digits()) * 10_i128.pow(u32::from(PLACES.saturating_sub(value.places())))
}
