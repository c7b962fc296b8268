//! The numbers of a life that only rise, in one record that goes round a ring of page pairs.

use embedded_storage::{ReadStorage, Storage};

use super::{
    RESERVED, StoreError,
    record::{self, Found, LIFE},
};

/// Pairs in the ring; generation g lies in pair g mod this.
const PAIRS: u32 = LIFE.copies / 2;
const BYTES: usize = 20;

/// The numbers.
#[derive(Clone, Copy, Default)]
pub(super) struct Life {
    /// The greatest sequence number that may have been given.
    pub(super) limit: u64,
    /// Starts.
    pub(super) starts: u32,
    /// Witness of the event counter.
    pub(super) event_counter: u32,
    /// Security counter.
    pub(super) security_counter: u32,
}

/// The ring.
#[derive(Default)]
pub(super) struct Ring {
    pub(super) life: Life,
    generation: u32,
    /// The memory did not answer for one of the pages, so a newer record may exist.
    pub(super) unreadable: bool,
}

impl Ring {
    /// Finds the newest record.
    #[inline(never)]
    pub(super) fn open<S: ReadStorage>(memory: &mut S) -> Self {
        let mut ring = Self::default();
        let mut broken = 0;
        for copy in 0..LIFE.copies {
            let mut content = [0; BYTES];
            match record::read(LIFE, memory, copy, &mut content) {
                Found::Whole(generation) if generation > ring.generation => {
                    ring.generation = generation;
                    ring.life = unpack(&content);
                }
                Found::Whole(_) | Found::Blank => {}
                Found::Broken => broken += 1,
                Found::Unreadable => ring.unreadable = true,
            }
        }
        if ring.generation != 0 {
            ring.life.limit = ring.life.limit.saturating_add(RESERVED * broken);
        }
        ring
    }

    /// No record anywhere.
    pub(super) fn is_blank(&self) -> bool {
        self.generation == 0
    }

    /// Writes the record into the next pair that keeps it.
    ///
    /// Whether it was kept or not, [`Ring::life`] is the new one afterwards: after an error a page may hold it all the
    /// same, and none of its numbers may fall again.
    pub(super) fn write<S: Storage>(&mut self, memory: &mut S, life: Life) -> Result<(), StoreError> {
        self.life = life;
        let content = pack(life);
        for _ in 0..PAIRS {
            self.generation = self.generation.checked_add(1).ok_or(StoreError::Exhausted)?;
            let copy = self.generation % PAIRS * 2;
            let first = record::write(LIFE, memory, copy, self.generation, &content);
            let second = record::write(LIFE, memory, copy + 1, self.generation, &content);
            if first.is_ok() && second.is_ok() {
                return Ok(());
            }
        }
        Err(StoreError::Refused)
    }
}

fn pack(life: Life) -> [u8; BYTES] {
    let [l7, l6, l5, l4, l3, l2, l1, l0] = life.limit.to_be_bytes();
    let [s3, s2, s1, s0] = life.starts.to_be_bytes();
    let [e3, e2, e1, e0] = life.event_counter.to_be_bytes();
    let [c3, c2, c1, c0] = life.security_counter.to_be_bytes();
    [l7, l6, l5, l4, l3, l2, l1, l0, s3, s2, s1, s0, e3, e2, e1, e0, c3, c2, c1, c0]
}

fn unpack(content: &[u8; BYTES]) -> Life {
    let [l7, l6, l5, l4, l3, l2, l1, l0, s3, s2, s1, s0, e3, e2, e1, e0, c3, c2, c1, c0] = *content;
    Life {
        limit: u64::from_be_bytes([l7, l6, l5, l4, l3, l2, l1, l0]),
        starts: u32::from_be_bytes([s3, s2, s1, s0]),
        event_counter: u32::from_be_bytes([e3, e2, e1, e0]),
        security_counter: u32::from_be_bytes([c3, c2, c1, c0]),
    }
}
