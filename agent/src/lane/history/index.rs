//! What the store holds, in short: one row a record, newest last, in memory and bounded.
//!
//! Records are CBOR in the order of the chain, so every other question ("which lorries failed on lane 7 last week?")
//! would be a walk over all of them. The index is that walk, done once. It is a copy to look things up: what a page says
//! of a record is read from the record.
//!
//! ```text
//! store    oldest ─────────────────────────────────────────────► newest
//! index              low ├──── rows, at most MOST_ROWS ────┤ next
//! ```
//!
//! It grows at both ends: forward with each new record, backward until it meets the oldest record or a bound. Then the
//! page says from which record on it can be searched. Not here: reading the store, which is `follow.rs`.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use tidewaiter_recompute::examination;
use tidewaiter_record::{Detail, Hash, InspectionDetail, Record, parse};
use tidewaiter_screening::statistics::Examination;

use super::filter::Filter;
use crate::outbox::Entry;

/// Rows kept: a month of a busy lane with its heartbeats, some 15 MB.
pub(super) const MOST_ROWS: usize = 60_000;
/// Inspections among them: some 1.5 kB each with what statistics need.
pub(super) const MOST_INSPECTIONS: usize = 20_000;
/// Words of one kind (tables, parameters) offered for choice; a site has a few dozen.
const MOST_WORDS: usize = 500;

/// One record in short.
#[derive(Debug)]
pub(super) struct Row {
    /// Its number.
    pub(super) seq: u64,
    /// When it was sealed, UTC milliseconds.
    pub(super) sealed_ms: i64,
    /// Word of its kind.
    pub(super) kind: &'static str,
    /// Where it comes from.
    pub(super) place: Arc<str>,
    /// An instrument behind it was simulated.
    pub(super) simulated: bool,
    /// An exercise.
    pub(super) drill: bool,
    /// The inspection that it speaks of and is not.
    pub(super) about: Option<Box<str>>,
    /// Identities of its subject, as read.
    pub(super) subjects: Box<[Box<str>]>,
    /// The same as they are searched.
    sought: Box<str>,
    /// What it says as an inspection.
    pub(super) inspection: Option<Box<Brief>>,
    /// The content it holds or names as evidence.
    pub(super) evidence: Option<Box<Piece>>,
}

/// An inspection in short.
#[derive(Debug)]
pub(super) struct Brief {
    /// Id.
    pub(super) id: Box<str>,
    /// Verdict word.
    pub(super) verdict: Box<str>,
    /// Reason of an inconclusive one.
    pub(super) reason: Option<Box<str>>,
    /// Disposition word.
    pub(super) disposition: Box<str>,
    /// Tables and parameters judged.
    pub(super) judged: Box<[(Box<str>, Box<str>)]>,
    /// What statistics count; none where a word is younger than this build.
    pub(super) examination: Option<Examination>,
}

/// Evidence in short.
#[derive(Debug)]
pub(super) struct Piece {
    /// SHA-256 of the content.
    pub(super) hash: Hash,
    /// Its length.
    pub(super) size: u64,
    /// It stands in the record itself.
    pub(super) inline: bool,
}

impl Row {
    /// A stored record in short; one that cannot be read is a row too, of unknown kind.
    pub(super) fn of(entry: &Entry) -> Self {
        match parse(&entry.bytes) {
            Ok(record) => Self::of_record(entry, &record),
            Err(_) => Self::new(entry, "unknown"),
        }
    }

    fn new(entry: &Entry, kind: &'static str) -> Self {
        Self {
            seq: entry.seq,
            sealed_ms: entry.sealed_ms,
            kind,
            place: entry.place.as_str().into(),
            simulated: false,
            drill: false,
            about: None,
            subjects: Box::default(),
            sought: Box::default(),
            inspection: None,
            evidence: None,
        }
    }

    fn of_record(entry: &Entry, record: &Record) -> Self {
        let (detail, flags) = (&record.body.detail, record.body.detail.flags());
        let mut row = Self { simulated: flags.simulated, drill: flags.drill, ..Self::new(entry, detail.word()) };
        let mut subjects: Vec<&str> = Vec::new();
        match detail {
            Detail::Inspection(it) => {
                subjects.extend(it.subject.identities.iter().map(|it| it.text.as_str()));
                row.inspection = Some(Box::new(Brief::of(record, it)));
            }
            Detail::FollowUp(it) => {
                row.about = Some(it.follows.id.as_str().into());
                subjects.extend(it.facts.get("sample").map(String::as_str));
            }
            Detail::Reading(it) => subjects.extend(it.sample.as_deref()),
            Detail::Event(it) => subjects.extend(it.subject.as_deref()),
            Detail::Evidence(it) => {
                row.about = it.inspection.as_deref().map(Into::into);
                row.evidence = Some(Box::new(Piece { hash: it.hash, size: it.size, inline: it.content.is_some() }));
            }
            _ => {}
        }
        let id = row.inspection.as_ref().map(|it| &*it.id).or(row.about.as_deref());
        row.sought = subjects.iter().copied().chain(id).map(folded).collect::<Vec<_>>().join("\n").into();
        row.subjects = subjects.into_iter().map(Into::into).collect();
        row
    }

    /// Whether part of a subject, or of the inspection's id, reads so; `part` is [`folded`].
    pub(super) fn reads(&self, part: &str) -> bool {
        self.sought.contains(part)
    }
}

impl Brief {
    fn of(record: &Record, it: &InspectionDetail) -> Self {
        let judged: BTreeSet<(&str, &str)> =
            it.findings.iter().map(|it| (it.table.as_str(), it.parameter.as_str())).collect();
        Self {
            id: it.id.as_str().into(),
            verdict: it.verdict.as_str().into(),
            reason: it.reason.as_deref().map(Into::into),
            disposition: it.disposition.as_str().into(),
            judged: judged.into_iter().map(|(table, parameter)| (table.into(), parameter.into())).collect(),
            examination: examination(record, it).ok(),
        }
    }
}

/// A text as it is searched: letter case, spaces, hyphens and the dot of plates make no difference.
pub(super) fn folded(text: &str) -> String {
    text.chars().filter(|it| !matches!(it, ' ' | '-' | '·' | '•' | '.' | '　')).flat_map(char::to_lowercase).collect()
}

/// What the store holds, in short.
#[derive(Debug, Default)]
pub(super) struct Index {
    rows: VecDeque<Arc<Row>>,
    inspections: usize,
    /// Everything from this number to the newest row has been looked at; none before the first look.
    low: Option<u64>,
    /// It reaches back to the oldest record stored.
    whole: bool,
    /// A bound has been met: it will not reach further back.
    full: bool,
}

/// How far back the index can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the oldest record stored.
    Whole,
    /// To this record, and on its way further back.
    Growing(u64),
    /// To this record and no further.
    Bounded(u64),
}

/// What a search found.
#[derive(Debug)]
pub(super) struct Found {
    /// Rows of the page asked for, newest first.
    pub(super) rows: Vec<Arc<Row>>,
    /// There are newer ones.
    pub(super) newer: bool,
    /// There are older ones.
    pub(super) older: bool,
    /// How many fit altogether.
    pub(super) all: usize,
    /// How far back was looked.
    pub(super) reach: Reach,
}

/// Where a page of a search begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Page {
    /// With the newest.
    #[default]
    Newest,
    /// With the newest below this number.
    Before(u64),
    /// With what comes right after this number.
    After(u64),
}

impl Index {
    /// The number after the newest row.
    pub(super) fn next(&self) -> Option<u64> {
        self.rows.back().map(|row| row.seq + 1).or(self.low)
    }

    /// Where the next look further back ends; none when there is no need of one.
    pub(super) fn low(&self) -> Option<u64> {
        if self.whole || self.full { None } else { self.low }
    }

    /// Begins right behind the newest record.
    pub(super) fn begin(&mut self, next: u64) {
        self.low = Some(next);
    }

    /// Takes records newer than all before, in order.
    pub(super) fn push_newer(&mut self, entries: &[Entry]) {
        for row in
            entries.iter().filter(|it| self.next().is_none_or(|next| it.seq >= next)).map(Row::of).collect::<Vec<_>>()
        {
            self.inspections += usize::from(row.inspection.is_some());
            self.rows.push_back(Arc::new(row));
        }
        while self.rows.len() > MOST_ROWS || self.inspections > MOST_INSPECTIONS {
            self.full = true;
            self.drop_oldest();
        }
        self.low = self.rows.front().map(|it| it.seq).filter(|_| self.full).or(self.low);
    }

    /// Takes the records from `from` up to the oldest row, as the store gave them; older ones of them first.
    pub(super) fn push_older(&mut self, from: u64, entries: &[Entry]) {
        let Some(low) = self.low else { return };
        let older: Vec<Row> = entries.iter().filter(|it| it.seq < low).map(Row::of).collect();
        // Deletion goes from the oldest on, so a gap is the end.
        self.whole = from == 0 || older.first().is_none_or(|it| it.seq > from);
        self.low = Some(from);
        for row in older.into_iter().rev() {
            let more = usize::from(row.inspection.is_some());
            if self.rows.len() >= MOST_ROWS || self.inspections + more > MOST_INSPECTIONS {
                (self.full, self.whole, self.low) = (true, false, Some(row.seq + 1));
                break;
            }
            self.inspections += more;
            self.rows.push_front(Arc::new(row));
        }
    }

    /// Forgets what the store has deleted: everything below `oldest`.
    pub(super) fn forget_below(&mut self, oldest: u64) {
        while self.rows.front().is_some_and(|it| it.seq < oldest) {
            self.drop_oldest();
        }
        if self.low.is_some_and(|low| low <= oldest) {
            (self.low, self.whole) = (Some(oldest), true);
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(row) = self.rows.pop_front() {
            self.inspections -= usize::from(row.inspection.is_some());
            self.whole = false;
        }
    }

    /// How far back it can be searched.
    pub(super) fn reach(&self) -> Reach {
        let low = self.low.unwrap_or_default();
        match (self.whole, self.full) {
            (true, _) => Reach::Whole,
            (false, true) => Reach::Bounded(low),
            (false, false) => Reach::Growing(low),
        }
    }

    /// A page of what fits, at most `most` rows. Looks at every row once, which is bounded by [`MOST_ROWS`].
    pub(super) fn search(&self, filter: &Filter, page: Page, most: usize) -> Found {
        let (mut all, mut newer, mut older) = (0, 0_usize, 0_usize);
        let mut rows: VecDeque<Arc<Row>> = VecDeque::with_capacity(most.min(self.rows.len()) + 1);
        for row in self.rows.iter().rev().filter(|row| filter.takes(row)) {
            all += 1;
            match page {
                Page::Before(seq) if row.seq >= seq => newer += 1,
                Page::After(seq) if row.seq <= seq => older += 1,
                Page::After(_) => {
                    // The last ones met are the nearest to the number.
                    rows.push_back(Arc::clone(row));
                    if rows.len() > most {
                        rows.pop_front();
                        newer += 1;
                    }
                }
                _ if rows.len() < most => rows.push_back(Arc::clone(row)),
                _ => older += 1,
            }
        }
        Found { rows: rows.into(), newer: newer > 0, older: older > 0, all, reach: self.reach() }
    }

    /// Numbers of everything that fits, oldest first.
    pub(super) fn numbers(&self, filter: &Filter) -> Vec<u64> {
        self.rows.iter().filter(|row| filter.takes(row)).map(|row| row.seq).collect()
    }

    /// Rows that speak of an inspection, oldest first.
    pub(super) fn about(&self, inspection: &str) -> Vec<Arc<Row>> {
        self.rows.iter().filter(|row| row.about.as_deref() == Some(inspection)).cloned().collect()
    }

    /// The newest record that holds or names this content.
    pub(super) fn evidence(&self, hash: Hash) -> Option<Arc<Row>> {
        self.rows.iter().rev().find(|row| row.evidence.as_ref().is_some_and(|it| it.hash == hash)).cloned()
    }

    /// What statistics count, and how many inspections this build does not understand.
    pub(super) fn examinations(&self) -> (Vec<Examination>, u64) {
        let briefs = || self.rows.iter().filter_map(|row| row.inspection.as_deref());
        let understood: Vec<Examination> = briefs().filter_map(|it| it.examination.clone()).collect();
        let not_understood = briefs().filter(|it| it.examination.is_none()).count();
        (understood, not_understood as u64)
    }

    /// Places, tables and parameters that are there to choose from.
    pub(super) fn words(&self) -> [BTreeSet<Box<str>>; 3] {
        let mut words: [BTreeSet<Box<str>>; 3] = Default::default();
        let [places, tables, parameters] = &mut words;
        let add = |set: &mut BTreeSet<Box<str>>, word: &str| {
            if set.len() < MOST_WORDS && !set.contains(word) {
                set.insert(word.into());
            }
        };
        for row in &self.rows {
            add(places, &row.place);
            for (table, parameter) in row.inspection.iter().flat_map(|it| it.judged.iter()) {
                add(tables, table);
                add(parameters, parameter);
            }
        }
        words
    }
}
