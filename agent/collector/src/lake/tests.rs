#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_wrap)]

use std::{collections::BTreeSet, sync::Arc};

use parquet::{
    data_type::Decimal as Exact,
    file::{
        metadata::RowGroupMetaData,
        reader::{FileReader, SerializedFileReader},
    },
    record::Field,
    schema::printer::print_schema,
};
use tidewaiter_drivers::Decimal;

use super::{
    Limits, properties,
    rows::Cell,
    sheet::Sheet,
    table::{HEAD, Kind, TABLES, Table},
};

/// The tables of version 1. If this fails the change is wrong, not the file: add a version.
const FROZEN: &str = include_str!("schema-v1.txt");
const PAGE: &str = include_str!("../../PARQUET.md");

#[test]
fn the_tables_are_those_that_were_promised() {
    let mut schema = Vec::new();
    for table in &TABLES {
        print_schema(&mut schema, &table.schema().unwrap());
    }
    assert_eq!(String::from_utf8(schema).unwrap(), FROZEN);
}

#[test]
fn every_column_is_explained_in_its_place() {
    let explained = |part: &str| -> Vec<String> {
        let rows = part.lines().filter_map(|it| it.strip_prefix("| `"));
        rows.flat_map(|it| it.split(" | ").next().unwrap_or_default().trim_end_matches('`').split("`, `"))
            .map(str::to_owned)
            .collect()
    };
    let part = |title: &str| PAGE.split(&format!("\n## {title}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    assert_eq!(explained(part("Every table")), HEAD.map(|it| it.name));
    for table in &TABLES {
        let own: Vec<_> = table.own.iter().map(|it| it.name).collect();
        assert_eq!(explained(part(table.name)), own, "{}", table.name);
        let names: BTreeSet<_> = table.columns().map(|it| it.name).collect();
        assert_eq!(names.len(), HEAD.len() + own.len(), "{} has a name twice", table.name);
    }
}

/// A row with something of its kind in every column, or with nothing where there may be nothing.
fn row(table: &Table, number: i64, full: bool) -> Vec<Cell<'static>> {
    let cell = |kind| match kind {
        Kind::Text | Kind::Id | Kind::Json => Cell::Text(format!("{number}").into()),
        Kind::Int | Kind::Time => Cell::Int(number),
        Kind::Flag => Cell::Flag(number % 2 == 0),
        Kind::Number => Cell::Number(Decimal::new(number, 2).unwrap()),
    };
    table.columns().map(|it| if it.required || full { cell(it.kind) } else { Cell::Nothing }).collect()
}

fn write(table: &'static Table, limits: Limits, rows: impl Iterator<Item = Vec<Cell<'static>>>) -> Vec<u8> {
    let mut sheet = Sheet::begin(table, Vec::new(), Arc::new(properties(table, Vec::new())), limits).unwrap();
    for row in rows {
        sheet.put(&row).unwrap();
    }
    sheet.finish().unwrap()
}

#[test]
fn what_gathers_leaves_when_it_is_enough() {
    let groups = |limits: Limits, rows: i64| -> Vec<i64> {
        let file = write(&TABLES[4], limits, (0..rows).map(|it| row(&TABLES[4], it, it % 3 > 0)));
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect()
    };
    let many = usize::MAX;
    assert_eq!(groups(Limits { rows: 4, bytes: many }, 9), [4, 4, 1]);
    assert_eq!(groups(Limits { rows: 4, bytes: many }, 8), [4, 4]);
    assert_eq!(groups(Limits { rows: 4, bytes: many }, 0), [0_i64; 0]);
    assert_eq!(groups(Limits { rows: many, bytes: 1 }, 3), [1, 1, 1]);
    assert!(groups(Limits { rows: many, bytes: 2_000 }, 100).len() > 5);
}

#[test]
fn every_kind_of_cell_comes_back_over_row_groups() {
    for table in &TABLES {
        let given = |it: i64| row(table, it - 5, it % 3 > 0);
        let file = write(table, Limits { rows: 4, bytes: usize::MAX }, (0..11).map(given));
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        let found: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(found.len(), 11);
        for (number, row) in found.iter().enumerate() {
            for (cell, (name, field)) in given(number as i64).iter().zip(row.get_column_iter()) {
                let same = match (cell, field) {
                    (Cell::Nothing, Field::Null) => true,
                    (Cell::Text(it), Field::Str(found)) => it == found,
                    (Cell::Int(it), Field::Long(found) | Field::TimestampMillis(found)) => it == found,
                    (Cell::Flag(it), Field::Bool(found)) => it == found,
                    (Cell::Number(it), Field::Decimal(found)) => is(*it, found),
                    _ => false,
                };
                assert!(same, "{}.{name} of row {number}: {cell:?} came back as {field:?}", table.name);
            }
        }
    }
}

fn is(given: Decimal, found: &Exact) -> bool {
    let unscaled = i128::from_be_bytes(found.data().try_into().unwrap());
    (found.precision(), found.scale()) == (38, 18)
        && unscaled == i128::from(given.digits()) * 10_i128.pow(18 - u32::from(given.places()))
}

#[test]
fn the_largest_numbers_of_a_record_fit() {
    let table = &TABLES[4];
    let at = table.columns().position(|it| it.kind == Kind::Number).unwrap();
    let numbers = [(i64::MAX, 0), (i64::MIN, 0), (i64::MIN, 18), (-1, 18), (0, 18)];
    let numbers = numbers.map(|(digits, places)| Decimal::new(digits, places).unwrap());
    let rows = numbers.iter().map(|it| {
        let mut row = row(table, 0, true);
        row[at] = Cell::Number(*it);
        row
    });
    let file = write(table, Limits::default(), rows);
    let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
    for (row, given) in reader.get_row_iter(None).unwrap().map(Result::unwrap).zip(numbers) {
        let Some((_, Field::Decimal(found))) = row.get_column_iter().nth(at) else { panic!("{row}") };
        assert!(is(given, found), "{given}: {found:?}");
    }
}

#[test]
fn a_row_that_is_not_of_the_table_is_refused() {
    let table = &TABLES[2];
    let mut sheet =
        Sheet::begin(table, Vec::new(), Arc::new(properties(table, Vec::new())), Limits::default()).unwrap();
    assert!(sheet.put(&row(&TABLES[3], 1, true)).is_err());
    let mut absent = row(table, 1, true);
    absent[1] = Cell::Nothing;
    assert!(sheet.put(&absent).is_err(), "agent is in every row");
}
