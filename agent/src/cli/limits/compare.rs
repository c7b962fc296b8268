//! What a row says field by field, and how two tables differ.

use serde_json::{Value, json};
use tidewaiter_config::limits::{Limit, LimitTable, Row};
use tidewaiter_words::{Language, quantity, say};

/// What a row says, field by field; fields that say nothing are left out.
pub(super) fn fields(row: &Row) -> Vec<(&'static str, String)> {
    let when = |(fact, values): (&str, String)| format!("{fact} = {values}");
    let conditions = row.when.iter().map(|it| when((&it.fact, it.one_of.join(" | ")))).collect::<Vec<_>>();
    let measured = row
        .when_measured
        .iter()
        .map(|it| format!("{} {} {} {}", it.parameter, it.relation.sign(), it.limit, it.unit))
        .collect::<Vec<_>>();
    let hazards = row.hazards.iter().map(|it| it.word()).collect::<Vec<_>>();
    let optional = |text: Option<String>| text.unwrap_or_default();
    let mut fields = vec![
        ("parameter", row.parameter.clone()),
        ("limit", tidewaiter_screening::stated(row)),
        ("detail", detail(row)),
        ("unit", row.unit.code().to_owned()),
        ("basis", optional(row.basis.map(|it| it.word().to_owned()))),
        ("when", conditions.join(", ")),
        ("when_measured", measured.join(", ")),
        ("compare", row.compare.word().to_owned()),
        ("round_to", optional(row.round_to.map(|it| it.to_string()))),
        ("decision", row.decision.word().to_owned()),
        ("guard_z", optional(row.guard_z.map(|it| it.to_string()))),
        ("action", if row.alarms { "alarm" } else { "refer" }.to_owned()),
        ("hazards", hazards.join(", ")),
        ("method", optional(row.method.clone())),
        ("note", optional(row.note.clone())),
        ("source", optional(row.source.clone())),
        ("confidence", row.confidence.clone()),
    ];
    fields.retain(|(_, text)| !text.is_empty());
    fields
}

/// The numbers of a limit that its short text leaves out.
fn detail(row: &Row) -> String {
    match &row.limit {
        Limit::Sum { of, .. } => of.join(" + "),
        Limit::SumOfRatios { of, unit, .. } => {
            of.iter().map(|(name, limit)| format!("{name} / {limit} {unit}")).collect::<Vec<_>>().join(" + ")
        }
        Limit::Classes { order, .. } => order
            .iter()
            .map(|class| match (class.min, class.max) {
                (Some(min), Some(max)) => format!("{} {min}..{max}", class.name),
                (Some(min), None) => format!("{} >= {min}", class.name),
                (None, Some(max)) => format!("{} <= {max}", class.name),
                (None, None) => class.name.clone(),
            })
            .collect::<Vec<_>>()
            .join(", "),
        Limit::Mpe { steps, times, interval, .. } => {
            let steps = steps.iter().map(|step| format!("{} e to {} e", step.error, step.up_to)).collect::<Vec<_>>();
            format!("{}; x {times}; e = {interval}", steps.join(", "))
        }
        Limit::NotOlder { declared, .. } => declared.clone(),
        _ => String::new(),
    }
}

/// One difference between two tables.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    Added { row: String, limit: String },
    Removed { row: String, limit: String },
    Changed { row: String, field: &'static str, old: String, new: String },
}

/// What differs, the table as a whole (row `*`) first, then rows in the order of the old table, then new ones.
pub(super) fn changes(old: &LimitTable, new: &LimitTable) -> Vec<Change> {
    let about = |table: &LimitTable| {
        let until = table.effective_to.map(|it| it.to_string()).unwrap_or_default();
        [
            ("id", table.id.clone()),
            ("edition", table.edition.clone()),
            ("title", format!("{} / {}", table.title.zh, table.title.en)),
            ("effective_from", table.effective_from.to_string()),
            ("effective_to", until),
            ("legal_force", table.legal_force.clone()),
            ("source", table.source.clone()),
        ]
    };
    let mut changes = Vec::new();
    let mut compare = |row: &str, old: &[(&'static str, String)], new: &[(&'static str, String)]| {
        let text = |fields: &[(&'static str, String)], field| {
            fields.iter().find(|(it, _)| *it == field).map(|(_, text)| text.clone()).unwrap_or_default()
        };
        let mut names: Vec<&'static str> = old.iter().map(|(field, _)| *field).collect();
        names.extend(new.iter().map(|(field, _)| *field).filter(|field| !old.iter().any(|(it, _)| it == field)));
        for field in names {
            let (old, new) = (text(old, field), text(new, field));
            if old != new {
                changes.push(Change::Changed { row: row.to_owned(), field, old, new });
            }
        }
    };
    compare("*", &about(old), &about(new));
    for row in &old.rows {
        if let Some(other) = new.rows.iter().find(|it| it.id == row.id) {
            compare(&row.id, &fields(row), &fields(other));
        }
    }
    let lacks = |table: &LimitTable, row: &Row| !table.rows.iter().any(|it| it.id == row.id);
    changes.extend(
        old.rows
            .iter()
            .filter(|row| lacks(new, row))
            .map(|row| Change::Removed { row: row.id.clone(), limit: tidewaiter_screening::stated(row) }),
    );
    changes.extend(
        new.rows
            .iter()
            .filter(|row| lacks(old, row))
            .map(|row| Change::Added { row: row.id.clone(), limit: tidewaiter_screening::stated(row) }),
    );
    changes
}

pub(super) fn change_text(language: Language, change: &Change) -> String {
    let shown = |text: &str| if text.is_empty() { "—".to_owned() } else { quantity::limit(language, text) };
    match change {
        Change::Added { row, limit } => {
            say(language, "limits-added", &[("row", row.into()), ("limit", (&shown(limit)).into())])
        }
        Change::Removed { row, limit } => {
            say(language, "limits-removed", &[("row", row.into()), ("limit", (&shown(limit)).into())])
        }
        Change::Changed { row, field, old, new } => {
            let (old, new) = (shown(old), shown(new));
            let about =
                [("row", row.into()), ("field", (*field).into()), ("old", (&old).into()), ("new", (&new).into())];
            say(language, "limits-changed", &about)
        }
    }
}

pub(super) fn change_json(change: &Change) -> Value {
    match change {
        Change::Added { row, limit } => json!({ "change": "added", "row": row, "limit": limit }),
        Change::Removed { row, limit } => json!({ "change": "removed", "row": row, "limit": limit }),
        Change::Changed { row, field, old, new } => {
            json!({ "change": "changed", "row": row, "field": field, "old": old, "new": new })
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    pub(in crate::cli::limits) const TABLE: &str = r#"id = "own"
edition = "1"
title = { zh = "甲", en = "a" }
effective_from = 2020-01-01
source = "own"
legal_force = "site"
[[rows]]
id = "as"
parameter = "As"
unit = "%"
max = "0.5"
confidence = "site"
[[rows]]
id = "ph"
parameter = "ph"
unit = "[pH]"
range = ["4.0", "7.5"]
confidence = "site"
"#;

    fn loaded(text: &str) -> LimitTable {
        tidewaiter_config::limits::load_str("t.toml", text).unwrap_or_else(|report| panic!("{report}"))
    }

    #[test]
    fn differences_row_by_row() {
        let new = TABLE
            .replace("edition = \"1\"", "edition = \"2\"")
            .replace("max = \"0.5\"", "max = \"0.4\"\nbasis = \"dry\"")
            .replace("id = \"ph\"", "id = \"ph-a\"");
        let changed = |row: &str, field, old: &str, new: &str| Change::Changed {
            row: row.to_owned(),
            field,
            old: old.to_owned(),
            new: new.to_owned(),
        };
        let limit = || "4.0..7.5 [pH]".to_owned();
        let expected = [
            changed("*", "edition", "1", "2"),
            changed("as", "limit", "<= 0.5 %", "<= 0.4 %"),
            changed("as", "basis", "", "dry"),
            Change::Removed { row: "ph".to_owned(), limit: limit() },
            Change::Added { row: "ph-a".to_owned(), limit: limit() },
        ];
        let found = changes(&loaded(TABLE), &loaded(&new));
        assert_eq!(found, expected);
        assert_eq!(changes(&loaded(TABLE), &loaded(TABLE)), []);
        let texts = found.iter().map(|it| change_text(Language::En, it)).collect::<Vec<_>>();
        assert_eq!(texts.get(1).unwrap(), "row as, limit: ≤ 0.5 % → ≤ 0.4 %");
        assert_eq!(texts.get(2).unwrap(), "row as, basis: — → dry");
    }
}
