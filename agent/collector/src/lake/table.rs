//! The columns of the five tables, version 1. A table that readers rely on is a promise: a change is a new version.
//!
//! | kind of column | in the file | says |
//! |---|---|---|
//! | `Text`, `Id` | `BYTE_ARRAY (STRING)` | text; digits of a number exactly as displayed, trailing zeros included |
//! | `Json` | `BYTE_ARRAY (JSON)` | what has no fixed number of parts, spelt as in the JSON Lines export |
//! | `Int` | `INT64` | a count, a number of a record, milliseconds |
//! | `Flag` | `BOOLEAN` | |
//! | `Time` | `INT64 (TIMESTAMP(MILLIS, UTC))` | a time; none where the claimed one lies beyond the years -9999 to 9999 |
//! | `Number` | `FIXED_LEN_BYTE_ARRAY(16) (DECIMAL(38, 18))` | the value of the digits beside it: every number of a record fits, exactly |

use std::sync::Arc;

use parquet::{
    basic::{LogicalType, Repetition, TimeUnit, Type as Physical},
    errors::ParquetError,
    schema::types::{Type, TypePtr},
};

/// Version of the tables.
pub const SCHEMA_VERSION: u32 = 1;

/// Places of every `Number`: the most that a number of a record has.
pub const PLACES: u8 = 18;
/// Digits of every `Number`: 63 bits times 10 to the 18th have 37.
const PRECISION: i32 = 38;
/// Bytes that hold so many.
pub(super) const NUMBER_BYTES: usize = 16;

/// Word of a signature that holds; the other words are those of [`crate::finding::Bad`].
pub const SIGNATURE_VALID: &str = "valid";

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of which the same often comes again.
    Text,
    /// Text of which every row has its own.
    Id,
    /// JSON.
    Json,
    /// A whole number.
    Int,
    /// Yes or no.
    Flag,
    /// A time.
    Time,
    /// An exact decimal.
    Number,
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name: none that SQL would want quoted.
    pub name: &'static str,
    /// What stands in it.
    pub kind: Kind,
    /// Whether every row has it.
    pub required: bool,
}

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns after those of [`HEAD`].
    pub own: &'static [Column],
}

const fn need(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: false }
}

/// What every table begins with: which record a row comes from, and what must not be overlooked.
pub const HEAD: [Column; 7] = [
    need("site", Kind::Text),
    need("agent", Kind::Text),
    need("chain", Kind::Text),
    need("seq", Kind::Int),
    may("time", Kind::Time),
    need("simulated", Kind::Flag),
    need("drill", Kind::Flag),
];

/// The tables, in the order in which a record fills them.
pub const TABLES: [Table; 5] = [
    Table {
        name: "records",
        own: &[
            need("arrival", Kind::Int),
            may("received", Kind::Time),
            need("hash", Kind::Id),
            need("prev", Kind::Id),
            need("kid", Kind::Text),
            need("about", Kind::Text),
            need("clock", Kind::Text),
            may("clock_err_ms", Kind::Int),
            need("clock_source", Kind::Text),
            may("boot", Kind::Int),
            may("mono_ms", Kind::Int),
            need("kind", Kind::Text),
            may("kind_number", Kind::Int),
            need("size", Kind::Int),
            may("signature", Kind::Text),
            need("linked", Kind::Flag),
            need("receipted", Kind::Flag),
            need("detail", Kind::Json),
        ],
    },
    Table {
        name: "inspections",
        own: &[
            need("inspection", Kind::Id),
            need("place", Kind::Text),
            need("procedure", Kind::Text),
            need("subject", Kind::Text),
            need("identities", Kind::Json),
            may("declared", Kind::Json),
            may("opened", Kind::Time),
            may("closed", Kind::Time),
            may("incomplete", Kind::Text),
            need("verdict", Kind::Text),
            may("reason", Kind::Text),
            need("disposition", Kind::Text),
            need("alarm_mismatch", Kind::Flag),
            need("alarms", Kind::Json),
            need("faults", Kind::Json),
            need("measured_count", Kind::Int),
            need("finding_count", Kind::Int),
            need("reading_count", Kind::Int),
            need("limit_tables", Kind::Json),
            may("plan_id", Kind::Text),
            may("plan_version", Kind::Int),
            may("operator", Kind::Text),
            may("origin", Kind::Text),
            need("software", Kind::Text),
            need("config", Kind::Text),
        ],
    },
    Table {
        name: "findings",
        own: &[
            need("inspection", Kind::Text),
            need("place", Kind::Text),
            need("procedure", Kind::Text),
            need("position", Kind::Int),
            need("limit_table", Kind::Text),
            need("edition", Kind::Text),
            need("row_id", Kind::Text),
            need("parameter", Kind::Text),
            need("verdict", Kind::Text),
            may("reason", Kind::Text),
            need("raises_alarm", Kind::Flag),
            may("value", Kind::Text),
            need("limit_applied", Kind::Text),
            need("rule", Kind::Text),
            may("stage", Kind::Int),
            need("hazards", Kind::Json),
            need("legal_force", Kind::Text),
            may("probability", Kind::Text),
            may("probability_decimal", Kind::Number),
            need("advisory", Kind::Flag),
        ],
    },
    Table {
        name: "readings",
        own: &[
            need("role", Kind::Text),
            may("inspection", Kind::Text),
            need("position", Kind::Int),
            need("instrument", Kind::Text),
            may("channel", Kind::Text),
            may("parameter", Kind::Text),
            may("read_at", Kind::Time),
            may("value", Kind::Text),
            may("value_decimal", Kind::Number),
            may("unit", Kind::Text),
            may("quality", Kind::Text),
            may("missing", Kind::Text),
            may("missing_code", Kind::Int),
            may("background", Kind::Text),
            may("background_decimal", Kind::Number),
            may("uncertainty", Kind::Text),
            may("uncertainty_decimal", Kind::Number),
            may("background_uncertainty", Kind::Text),
            may("background_uncertainty_decimal", Kind::Number),
            may("derivation", Kind::Text),
            may("basis", Kind::Text),
            may("stage", Kind::Int),
            may("operator", Kind::Text),
            may("sample", Kind::Text),
            may("raw", Kind::Id),
        ],
    },
    Table {
        name: "intervals",
        own: &[
            need("watch", Kind::Text),
            need("instrument", Kind::Text),
            need("channel", Kind::Text),
            may("began", Kind::Time),
            may("ended", Kind::Time),
            need("slots_expected", Kind::Int),
            need("slots_received", Kind::Int),
            need("slots_missing", Kind::Json),
            may("value_sum", Kind::Text),
            may("value_sum_decimal", Kind::Number),
            may("value_min", Kind::Text),
            may("value_min_decimal", Kind::Number),
            may("value_max", Kind::Text),
            may("value_max_decimal", Kind::Number),
            may("value_last", Kind::Text),
            may("value_last_decimal", Kind::Number),
            may("unit", Kind::Text),
            may("standing", Kind::Text),
            may("plan_id", Kind::Text),
            may("plan_version", Kind::Int),
        ],
    },
];

impl Table {
    /// All columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = Column> {
        HEAD.iter().chain(self.own).copied()
    }

    /// The table as Parquet's schema.
    ///
    /// # Errors
    ///
    /// None for the tables above; a test makes all of them.
    pub fn schema(&self) -> Result<TypePtr, ParquetError> {
        let fields = self.columns().map(|it| it.schema().map(Arc::new)).collect::<Result<_, _>>()?;
        Ok(Arc::new(Type::group_type_builder(self.name).with_fields(fields).build()?))
    }
}

impl Column {
    /// Whether a dictionary of its texts saves anything.
    pub const fn repeats(&self) -> bool {
        !matches!(self.kind, Kind::Id)
    }

    fn schema(self) -> Result<Type, ParquetError> {
        let physical = match self.kind {
            Kind::Text | Kind::Id | Kind::Json => Physical::BYTE_ARRAY,
            Kind::Int | Kind::Time => Physical::INT64,
            Kind::Flag => Physical::BOOLEAN,
            Kind::Number => Physical::FIXED_LEN_BYTE_ARRAY,
        };
        let logical = match self.kind {
            Kind::Text | Kind::Id => Some(LogicalType::String),
            Kind::Json => Some(LogicalType::Json),
            Kind::Int | Kind::Flag => None,
            Kind::Time => Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
            Kind::Number => Some(LogicalType::decimal(PLACES.into(), PRECISION)),
        };
        let repetition = if self.required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
        let mut builder =
            Type::primitive_type_builder(self.name, physical).with_repetition(repetition).with_logical_type(logical);
        if self.kind == Kind::Number {
            let length = i32::try_from(NUMBER_BYTES).unwrap_or(i32::MAX);
            builder = builder.with_length(length).with_precision(PRECISION).with_scale(PLACES.into());
        }
        builder.build()
    }
}
