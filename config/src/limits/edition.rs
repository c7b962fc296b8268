//! Which edition of a table may stand beside which.
//!
//! The edition that came into force last judges, and it replaces every earlier one for good: an earlier
//! edition does not come back when a later one ends. So an edition without a last day ends by itself
//! the day before the next one begins. One that names a last day *after* the next one's first says
//! something else, and is refused unless the later edition names it in `replaces`: then the later one
//! judges during the transition. What would leave a choice is refused: two different files that come
//! into force on the same day, and two that bear the same edition, which a finding could not tell apart.

use jiff::civil::Date;

use super::LimitTable;

/// Two editions of one table between which nothing decides.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limit table {id:?}: {}", .conflict.text(.first, .second, *.day))]
pub struct EditionClash {
    /// Table id.
    pub id: String,
    /// One edition, the earlier one where they begin on different days.
    pub first: String,
    /// The other.
    pub second: String,
    /// The day on which the second one comes into force.
    pub day: Date,
    /// What is wrong with the pair.
    pub conflict: EditionConflict,
}

/// What is wrong with a pair of editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditionConflict {
    /// Both come into force on one day.
    SameDay,
    /// Both bear the same edition and differ.
    SameName,
    /// The first names a last day on or after the day the second comes into force.
    Overlap {
        /// That last day.
        last: Date,
    },
}

impl EditionConflict {
    fn text(self, first: &str, second: &str, day: Date) -> String {
        match self {
            Self::SameDay => format!("editions {first:?} and {second:?} both come into force on {day}"),
            Self::SameName => format!("two different files bear the edition {first:?}"),
            Self::Overlap { last } => {
                format!("edition {first:?} is in force to {last}, and edition {second:?} comes into force on {day}")
            }
        }
    }
}

impl EditionClash {
    /// What to write instead.
    pub fn way_out(&self) -> String {
        match self.conflict {
            EditionConflict::SameDay => {
                "another id, or the right effective_from, in the file of this folder".to_owned()
            }
            EditionConflict::SameName => "another edition or another id, in the file of this folder".to_owned(),
            EditionConflict::Overlap { .. } => format!(
                "effective_to before {} in edition {:?}, or replaces = {:?} in edition {:?}, if that one judges from its first day on",
                self.day, self.first, self.first, self.second
            ),
        }
    }
}

/// Looks for two editions of a table between which nothing decides; the same file twice is one edition.
pub fn clash(tables: &[LimitTable]) -> Option<EditionClash> {
    tables.iter().enumerate().find_map(|(index, table)| {
        let rivals = tables.iter().skip(index + 1).filter(|it| it.id == table.id && it.digest != table.digest);
        rivals.into_iter().find_map(|rival| {
            let (first, second) =
                if rival.effective_from < table.effective_from { (rival, table) } else { (table, rival) };
            let conflict = conflict(first, second)?;
            Some(EditionClash {
                id: first.id.clone(),
                first: first.edition.clone(),
                second: second.edition.clone(),
                day: second.effective_from,
                conflict,
            })
        })
    })
}

fn conflict(first: &LimitTable, second: &LimitTable) -> Option<EditionConflict> {
    if first.effective_from == second.effective_from {
        return Some(EditionConflict::SameDay);
    }
    if first.edition == second.edition {
        return Some(EditionConflict::SameName);
    }
    let last = first.effective_to.filter(|&last| last >= second.effective_from)?;
    (second.replaces.as_ref() != Some(&first.edition)).then_some(EditionConflict::Overlap { last })
}
