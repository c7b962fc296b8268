//! Which edition of a table is in force on a date.

use jiff::civil::Date;
use tidewaiter_config::limits::LimitTable;

use crate::step::TableLack;

/// The edition of table `id` in force on `at`: the one that came into force last, unless it has ended.
///
/// An earlier edition does not come back when a later one ends.
///
/// # Errors
///
/// Says why when no edition is loaded or in force, or when two different ones came into force on the
/// same day and nothing tells which is meant.
pub(crate) fn in_force<'a>(tables: &'a [LimitTable], id: &str, at: Date) -> Result<&'a LimitTable, TableLack> {
    let editions = || tables.iter().filter(|table| table.id == id);
    let newest = editions().map(|table| table.effective_from).filter(|&from| from <= at).max();
    let mut in_force = editions().filter(|table| Some(table.effective_from) == newest && lasts(table, at));
    let Some(chosen) = in_force.next() else {
        return Err(if editions().next().is_none() {
            TableLack::NotLoaded { table: id.to_owned() }
        } else {
            TableLack::NotInForce { table: id.to_owned(), at }
        });
    };
    if in_force.any(|rival| rival.digest != chosen.digest || rival.rows != chosen.rows) {
        return Err(TableLack::TwoEditions { table: id.to_owned(), day: chosen.effective_from });
    }
    Ok(chosen)
}

fn lasts(table: &LimitTable, at: Date) -> bool {
    table.effective_to.is_none_or(|last| at <= last)
}
