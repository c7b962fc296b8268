//! Which edition of a table is in force on a date.

use jiff::civil::Date;
use tidewaiter_config::limits::LimitTable;

/// Why no edition could be chosen, as a rule text.
pub(crate) type Refusal = String;

/// The edition of table `id` in force on `at`: of several, the one that came into force last.
///
/// # Errors
///
/// Says why when no edition is loaded or in force, or when two different ones came into force on the
/// same day and nothing tells which is meant.
pub(crate) fn in_force<'a>(tables: &'a [LimitTable], id: &str, at: Date) -> Result<&'a LimitTable, Refusal> {
    let editions = || tables.iter().filter(|table| table.id == id);
    let newest = editions()
        .filter(|table| table.effective_from <= at && table.effective_to.is_none_or(|last| at <= last))
        .max_by_key(|table| table.effective_from)
        .ok_or_else(|| {
            if editions().next().is_none() {
                format!("limit table {id} is not loaded")
            } else {
                format!("no edition of limit table {id} is in force on {at}")
            }
        })?;
    let rival = editions().any(|table| {
        table.effective_from == newest.effective_from
            && table.effective_to.is_none_or(|last| at <= last)
            && (table.digest != newest.digest || table.rows != newest.rows)
    });
    if rival {
        return Err(format!("two editions of limit table {id} came into force on {}", newest.effective_from));
    }
    Ok(newest)
}
