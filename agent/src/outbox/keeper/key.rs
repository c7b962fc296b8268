//! The key behind the chain: handing over to another, and what happens while it does not sign.

use std::{collections::BTreeMap, sync::Arc};

use tidewaiter_record::{
    SealError, Signer,
    body::{Detail, Event, KeyRotate, proof_bytes},
    kid_of,
};
use tracing::{error, warn};

use super::{Draft, Keeper, entry};
use crate::{
    keys::KeyNote,
    outbox::{Batch, HandOver, Recorded, Refusal, StoreError},
};

/// How the draft id of a record that hands over begins; the name of the new key follows.
const DRAFT: &str = "key-rotate-";

/// Refuses a signer that is not the one the store says signs now: two keys would sign one range.
pub(super) fn check(notes: &[(String, Vec<u8>)], signer: &dyn Signer) -> Result<(), StoreError> {
    let current = KeyNote::among(notes)
        .and_then(|it| it.current())
        .map_err(|why| StoreError::Key { found: signer.kid().to_string(), expected: format!("(unknown: {why})") })?;
    match current.map(|it| kid_of(&it)) {
        Some(expected) if expected != signer.kid() => {
            Err(StoreError::Key { found: signer.kid().to_string(), expected: expected.to_string() })
        }
        _ => Ok(()),
    }
}

impl Keeper {
    /// Hands the chain to `order.next`, whole or not at all.
    pub(super) async fn hand_over(&mut self, order: HandOver) -> Result<Result<Recorded, Refusal>, StoreError> {
        if self.finished {
            return Ok(Err(Refusal::Stopping));
        }
        if self.status.stopped_since_ms.is_some() || !self.status.has_room() {
            return Ok(Err(self.status.refusal()));
        }
        let HandOver { next, public, operator, note } = order;
        let (old, new, now) = (self.signer.kid(), kid_of(&public), self.timing.look());
        let facts = [("operator", operator), ("from", old.to_string()), ("to", new.to_string())];
        let facts: BTreeMap<String, String> = facts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        let ordered = Self::own(Detail::Event(Event { name: "key-rotation".to_owned(), subject: None, facts }));
        let first = match self.seal_one(&self.head, None, &ordered, now) {
            Ok(sealed) => sealed,
            Err(why) => return Ok(Err(refusal(&why))),
        };
        let between = self.head.after(&first);
        let seq = between.next_seq;
        let raw = public.to_bytes();
        let message = proof_bytes(between.chain, seq, old, &raw);
        let proof = match next.sign(&message) {
            Ok(proof) if public.verifies(&message, &proof) => proof,
            Ok(_) => return Ok(Err(Refusal::Seal(format!("the new key {new} does not sign as itself")))),
            Err(why) => return Ok(Err(Refusal::Seal(format!("the new key: {why}")))),
        };
        let algorithm = public.algorithm().cose();
        let id = format!("{DRAFT}{new}");
        let draft = Draft {
            id: Some(id.clone()),
            ..Self::own(Detail::KeyRotate(Box::new(KeyRotate { algorithm, public: raw, proof })))
        };
        let sealed = match self.seal_one(&between, None, &draft, now) {
            Ok(sealed) => sealed,
            Err(why) => return Ok(Err(refusal(&why))),
        };
        let (name, bytes) = note(seq);
        let recorded = Recorded { seq, hash: sealed.hash };
        let head = between.after(&sealed);
        let batch = Batch {
            entries: vec![entry(&ordered, first, now), entry(&draft, sealed, now)],
            notes: vec![(name, Some(bytes))],
            ..Batch::default()
        };
        if let Err(failure) = self.commit(batch.clone()).await {
            error!(%failure, "the chain could not be handed over; reopening the store");
            self.recover().await?;
            // A commit that failed may still have happened: then the new key signs already.
            if self.with_store(move |store| store.find_draft(&id)).await?.is_none() {
                return Ok(Err(Refusal::Store(failure.to_string())));
            }
        } else {
            self.accept(&batch, head, now);
        }
        self.signer = Arc::clone(&next);
        self.refresh_usage().await;
        self.publish();
        Ok(Ok(recorded))
    }

    /// Recording stops because the key does not sign. No record can say so until it is back.
    pub(super) fn key_away(&mut self, why: &SealError) -> Refusal {
        if self.status.key_away.is_none() {
            warn!(%why, "not recording: the key does not sign");
        }
        self.status.key_away = Some(why.to_string());
        refusal(why)
    }
}

fn refusal(why: &SealError) -> Refusal {
    match why {
        SealError::Sign(why) => Refusal::Key(why.to_string()),
        other => Refusal::Seal(other.to_string()),
    }
}
