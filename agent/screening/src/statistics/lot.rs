//! Which examinations are of one lot.

use std::collections::BTreeMap;

use super::{Examination, RETEST_MS};
use crate::{
    finding::Verdict,
    inspection::{Completion, SubjectKind},
};

/// The examinations of one lot, in order.
#[derive(Clone, Debug)]
pub(super) struct Lot<'e> {
    first: &'e Examination,
    again: Vec<&'e Examination>,
}

impl<'e> Lot<'e> {
    pub(super) const fn first(&self) -> &'e Examination {
        self.first
    }

    pub(super) fn retests(&self) -> u64 {
        u64::try_from(self.again.len()).unwrap_or(u64::MAX)
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = &'e Examination> {
        std::iter::once(self.first).chain(self.again.iter().copied())
    }

    /// The one that counts: the last that was carried to its end and not void, or else the last.
    pub(super) fn result(&self) -> &'e Examination {
        self.all().rev().find(|it| it.is_valid()).unwrap_or_else(|| self.last())
    }

    fn last(&self) -> &'e Examination {
        self.again.last().copied().unwrap_or(self.first)
    }

    pub(super) fn is_simulated(&self) -> bool {
        self.all().any(|it| it.simulated)
    }

    /// Whether an examination of the same subject is one of this lot.
    fn is_examined_by(&self, next: &Examination) -> bool {
        match next.kind {
            SubjectKind::Lot | SubjectKind::Sample => true,
            SubjectKind::Conveyance | SubjectKind::Container | SubjectKind::Instrument => {
                let result = self.result();
                let settled = result.is_valid() && matches!(result.verdict, Verdict::Pass | Verdict::NotApplicable);
                !settled && next.opened_ms.saturating_sub(self.last().closed_ms) <= RETEST_MS
            }
        }
    }
}

impl Examination {
    /// Carried to its end, and not void.
    pub(super) fn is_valid(&self) -> bool {
        self.completion == Completion::Complete && !self.void
    }
}

/// Lots in the order of their first examination.
#[derive(Clone, Debug, Default)]
pub(super) struct Lots<'e> {
    all: Vec<Lot<'e>>,
    /// The newest lot of each subject.
    newest: BTreeMap<Key<'e>, usize>,
}

/// Agent, procedure, kind of subject, identity.
type Key<'e> = (&'e str, &'e str, &'static str, &'e (String, String));

impl<'e> Lots<'e> {
    /// Adds an examination to its lot, or begins one. They come in the order of their opening.
    pub(super) fn take(&mut self, examination: &'e Examination) {
        let key = examination
            .identity
            .as_ref()
            .map(|it| (examination.agent.as_str(), examination.procedure.as_str(), examination.kind.word(), it));
        let newest = key.and_then(|key| self.newest.get(&key).copied()).and_then(|at| self.all.get_mut(at));
        if let Some(lot) = newest.filter(|lot| lot.is_examined_by(examination)) {
            lot.again.push(examination);
            return;
        }
        if let Some(key) = key {
            self.newest.insert(key, self.all.len());
        }
        self.all.push(Lot { first: examination, again: Vec::new() });
    }

    pub(super) fn all(&self) -> &[Lot<'e>] {
        &self.all
    }
}
