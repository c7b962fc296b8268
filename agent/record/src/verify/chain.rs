//! What a verifier remembers of one chain.

use std::collections::BTreeMap;

use super::{
    report::{ChainSummary, Code},
    time,
};
use crate::{
    body::{Detail, TimeBlock},
    id::{ChainId, Hash},
    open::Record,
    receipt::Receipt,
    seal::Anchor,
};

/// How many records of a chain are remembered by number and hash, the newest ones. Beyond it a record that
/// comes late is still reported, and no longer told apart as repetition, fork or disorder.
pub const MAX_REMEMBERED: usize = 1 << 18;

/// How many gaps of a chain, and how many receipts ahead of their records, are remembered.
pub const MAX_OPEN: usize = 1 << 16;

/// The longest time without a record in a start that has heartbeats, in milliseconds: a heartbeat is due after 60 s
/// without another record, and sealing and a busy host take their time.
pub const SILENCE_MS: u64 = 90_000;

/// What follows from one more record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It has a place of its own.
    Accepted,
    /// It repeats one that was accepted.
    Duplicate,
    /// Another record has its place.
    Refused,
}

/// Something to report: what, at which number, in words.
pub(super) type Remark = (Code, u64, String);

/// The same where the chain is not given, and may not be known.
pub(super) type FreeRemark = (Code, Option<(ChainId, u64)>, String);

#[derive(Clone, Copy, Debug)]
struct Remembered {
    hash: Hash,
    prev: Hash,
    // The earliest true time that its claim allows, when it claims to know the time.
    earliest_ms: Option<i128>,
}

#[derive(Clone, Debug)]
struct Last {
    seq: u64,
    hash: Hash,
    time: TimeBlock,
    clean_end: bool,
    stopped: bool,
}

/// One chain as far as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct ChainState {
    agent: String,
    first_seq: u64,
    last: Option<Last>,
    records: u64,
    remembered: BTreeMap<u64, Remembered>,
    // First missing number → last missing number.
    gaps: BTreeMap<u64, u64>,
    receipts: BTreeMap<u64, Receipt>,
    newest_receipt: Option<u64>,
    // The start of the newest heartbeat.
    beating: Option<u64>,
    // The largest head of the log named so far.
    anchor: Option<Anchor>,
}

impl ChainState {
    pub(super) fn agent(&self) -> &str {
        &self.agent
    }

    pub(super) const fn records(&self) -> u64 {
        self.records
    }

    pub(super) const fn first_seq(&self) -> u64 {
        self.first_seq
    }

    pub(super) fn last_seq(&self) -> Option<u64> {
        self.last.as_ref().map(|it| it.seq)
    }

    /// The hash of an accepted record, where it is remembered.
    pub(super) fn hash_at(&self, seq: u64) -> Option<Hash> {
        self.remembered.get(&seq).map(|it| it.hash)
    }

    /// Puts a record in its place. `start` is the number the stream is said to begin with, and the hash before.
    pub(super) fn place(
        &mut self,
        record: &Record,
        (start, before): (u64, Option<Hash>),
        remarks: &mut Vec<Remark>,
    ) -> Placed {
        let (seq, hash) = (record.header.seq, record.hash());
        if let Some(there) = self.remembered.get(&seq) {
            if there.hash == hash {
                return Placed::Duplicate;
            }
            remarks.push((Code::Fork, seq, format!("{hash} and {} both claim this place", there.hash)));
            return Placed::Refused;
        }
        match &self.last {
            None => {
                self.agent.clone_from(&record.header.agent);
                self.first_seq = seq;
                self.open_gap(start, seq);
            }
            Some(last) if seq > last.seq => self.open_gap(last.seq + 1, seq),
            Some(last) => {
                remarks.push((Code::OutOfOrder, seq, format!("stands after record {}", last.seq)));
                self.first_seq = self.first_seq.min(seq);
                self.close_gap(seq);
            }
        }
        self.check_links(record, (start, before), remarks);
        self.remember(record);
        self.records += 1;
        if self.last.as_ref().is_none_or(|last| last.seq < seq) {
            self.advance(record, remarks);
        }
        if let Some(receipt) = self.receipts.remove(&seq) {
            self.compare(&receipt, remarks);
        }
        Placed::Accepted
    }

    fn open_gap(&mut self, from: u64, seq: u64) {
        if from < seq && self.gaps.len() < MAX_OPEN {
            self.gaps.insert(from, seq - 1);
        }
    }

    fn close_gap(&mut self, seq: u64) {
        let Some((&from, &to)) = self.gaps.range(..=seq).next_back().filter(|&(_, &to)| seq <= to) else {
            return;
        };
        self.gaps.remove(&from);
        self.open_gap(from, seq);
        self.open_gap(seq + 1, to + 1);
    }

    fn check_links(&self, record: &Record, (start, before): (u64, Option<Hash>), remarks: &mut Vec<Remark>) {
        let seq = record.header.seq;
        let known = seq.checked_sub(1).and_then(|it| self.remembered.get(&it)).map(|it| it.hash);
        let expected = known.or(before.filter(|_| seq == start));
        let mut differ = |seq, says: Hash, is: Hash| {
            if says != is {
                remarks.push((Code::PrevMismatch, seq, format!("names {says} before it, which is {is}")));
            }
        };
        if let Some(expected) = expected {
            differ(seq, record.header.prev, expected);
        }
        if let Some(next) = self.remembered.get(&(seq + 1)) {
            differ(seq + 1, next.prev, record.hash());
        }
    }

    fn remember(&mut self, record: &Record) {
        if self.remembered.len() >= MAX_REMEMBERED {
            self.remembered.pop_first();
        }
        let kept = Remembered {
            hash: record.hash(),
            prev: record.header.prev,
            earliest_ms: time::earliest_ms(&record.body.time),
        };
        self.remembered.insert(record.header.seq, kept);
    }

    fn advance(&mut self, record: &Record, remarks: &mut Vec<Remark>) {
        let (seq, time) = (record.header.seq, record.body.time);
        if let Some(last) = &self.last {
            time::compare(&last.time, &time, seq, remarks);
            if last.time.boot < time.boot && !last.clean_end && last.seq + 1 == seq {
                let recovered = matches!(record.body.detail, Detail::Recovery(_));
                let says = if recovered { "a recovery record" } else { "no recovery record" };
                remarks.push((Code::UncleanStart, seq, format!("start {} begins with {says}", time.boot)));
            }
            // Where a number is missing between them, a heartbeat may be what is missing.
            let beating = self.beating == Some(time.boot) && last.time.boot == time.boot && !last.stopped;
            let silent_ms = time.mono_ms.saturating_sub(last.time.mono_ms);
            if beating && last.seq + 1 == seq && silent_ms > SILENCE_MS {
                remarks.push((Code::Silence, seq, format!("no record for {silent_ms} ms before this one")));
            }
        }
        if matches!(record.body.detail, Detail::Heartbeat(_)) {
            self.beating = Some(time.boot);
        }
        let clean_end = matches!(record.body.detail, Detail::Shutdown);
        let stopped = matches!(record.body.detail, Detail::Stopped(_));
        self.last = Some(Last { seq, hash: record.hash(), time, clean_end, stopped });
        self.check_anchor(record, remarks);
    }

    // The log only grows, so a chain names ever larger heads of it.
    fn check_anchor(&mut self, record: &Record, remarks: &mut Vec<Remark>) {
        let Some(anchor) = record.header.anchor else { return };
        let seq = record.header.seq;
        match self.anchor {
            Some(before) if anchor.number < before.number => {
                let what = format!("names the log of size {} after that of size {}", anchor.number, before.number);
                remarks.push((Code::AnchorBackwards, seq, what));
            }
            Some(before) if anchor.number == before.number && anchor.hash != before.hash => {
                let what = format!("names root {} at size {} after root {}", anchor.hash, anchor.number, before.hash);
                remarks.push((Code::AnchorBackwards, seq, what));
            }
            _ => self.anchor = Some(anchor),
        }
    }

    /// Takes a valid receipt of this chain.
    pub(super) fn receive(&mut self, receipt: Receipt, remarks: &mut Vec<Remark>) {
        self.newest_receipt = self.newest_receipt.max(Some(receipt.upto_seq));
        if self.remembered.contains_key(&receipt.upto_seq) {
            self.compare(&receipt, remarks);
        } else if let Some(other) = self.receipts.get(&receipt.upto_seq) {
            if other.hash != receipt.hash {
                let what = format!("two receipts name {} and {}", other.hash, receipt.hash);
                remarks.push((Code::ReceiptMismatch, receipt.upto_seq, what));
            }
        } else if self.receipts.len() < MAX_OPEN {
            self.receipts.insert(receipt.upto_seq, receipt);
        }
    }

    fn compare(&self, receipt: &Receipt, remarks: &mut Vec<Remark>) {
        let seq = receipt.upto_seq;
        let Some(record) = self.remembered.get(&seq) else { return };
        if record.hash != receipt.hash {
            let what = format!("the receipt names {}, the record is {}", receipt.hash, record.hash);
            remarks.push((Code::ReceiptMismatch, seq, what));
            return;
        }
        if receipt.agent != self.agent {
            let what = format!("the receipt is for agent `{}`", receipt.agent);
            remarks.push((Code::ReceiptMismatch, seq, what));
        }
        if record.earliest_ms.is_some_and(|it| it > i128::from(receipt.received_at_ms)) {
            let what = format!("claims a time after its receipt at {} ms", receipt.received_at_ms);
            remarks.push((Code::AfterReceipt, seq, what));
        }
    }

    /// What can be said only at the end of the stream.
    pub(super) fn finish(&self, remarks: &mut Vec<Remark>) {
        for (&from, &to) in &self.gaps {
            remarks.push((Code::Gap, from, format!("records {from} to {to} are missing")));
        }
        let last_seq = self.last_seq();
        let beyond = self.newest_receipt.filter(|&upto| last_seq.is_none_or(|last| upto > last));
        if let Some(upto) = beyond {
            let what = match last_seq {
                Some(last) => format!("the centre has records to {upto}, the stream ends at {last}"),
                None => format!("the centre has records to {upto}, the stream has none"),
            };
            remarks.push((Code::ReceiptBeyond, upto, what));
        } else if let Some(last) = &self.last
            && !last.clean_end
            && self.newest_receipt != Some(last.seq)
        {
            remarks.push((Code::OpenEnd, last.seq, "the stream ends with this record".to_owned()));
        }
    }

    pub(super) fn summary(&self, chain: ChainId) -> Option<ChainSummary> {
        let last = self.last.as_ref()?;
        Some(ChainSummary {
            chain,
            agent: self.agent.clone(),
            first_seq: self.first_seq,
            last_seq: last.seq,
            head: last.hash,
            records: self.records,
            clean_end: last.clean_end,
            receipted_upto: self.newest_receipt,
        })
    }
}
