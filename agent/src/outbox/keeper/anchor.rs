//! Words of the centre about its log, and the anchor they leave in the next record.

use std::collections::BTreeMap;

use tidewaiter_record::{
    Anchor, Head,
    body::{Detail, Event},
};
use tracing::{error, warn};

use super::{
    super::{Batch, BeaconAnswer, LogHead, StoreError, witness::Witness},
    Keeper,
};

/// Name of the note with what was seen of the log.
const NOTE: &str = "beacon";

/// What an earlier run has seen; nothing where the note cannot be read.
pub(super) fn kept(notes: &[(String, Vec<u8>)]) -> Witness {
    let Some((_, bytes)) = notes.iter().find(|(name, _)| name == NOTE) else { return Witness::default() };
    Witness::decode(bytes).unwrap_or_else(|| {
        error!("what was known of the centre's log cannot be read; it begins anew with the next beacon");
        Witness::default()
    })
}

impl Keeper {
    /// The note that a record with this anchor takes along.
    pub(super) fn anchored(&self, anchor: Anchor) -> (String, Option<Vec<u8>>) {
        (NOTE.to_owned(), Some(self.witness.anchored(anchor).encode()))
    }

    pub(super) fn take_witness(&mut self, name: &str, bytes: Option<&[u8]>) {
        if name == NOTE
            && let Some(witness) = bytes.and_then(Witness::decode)
        {
            self.set_witness(witness);
        }
    }

    pub(super) fn set_witness(&mut self, witness: Witness) {
        self.status.beacon = witness.beacon;
        self.status.log = witness.log;
        self.status.log_fork.clone_from(&witness.fork);
        self.witness = witness;
    }

    pub(super) async fn take_beacon(&mut self, head: &Head) -> Result<BeaconAnswer, StoreError> {
        let mut next = self.witness.clone();
        match next.beacon(head) {
            Ok(false) => Ok(BeaconAnswer::Known),
            Ok(true) => {
                let kept = self.keep_witness(next).await?;
                if kept.is_ok() {
                    self.beacon_refused = false;
                    self.timing.beacon(head.at_ms);
                }
                Ok(kept.map_or_else(BeaconAnswer::Failed, |()| BeaconAnswer::Moved))
            }
            Err(why) => {
                warn!(number = head.number, why, "beacon refused");
                self.tell_fork(next).await?;
                // Said once until a beacon is believed again: a retained one comes with every connection.
                if !std::mem::replace(&mut self.beacon_refused, true) {
                    let facts = [
                        ("number", head.number.to_string()),
                        ("size", head.size.to_string()),
                        ("root", head.root.to_string()),
                        ("why", why.clone()),
                    ];
                    self.tell("beacon-refused", &head.centre, facts).await?;
                }
                Ok(BeaconAnswer::Refused(why))
            }
        }
    }

    pub(super) async fn take_log(&mut self, head: LogHead) -> Result<(), StoreError> {
        let mut next = self.witness.clone();
        match next.log(head) {
            Ok(false) => Ok(()),
            Ok(true) => self.keep_witness(next).await.map(drop),
            Err(_) => self.tell_fork(next).await,
        }
    }

    /// Says that the centre keeps two logs, once.
    async fn tell_fork(&mut self, next: Witness) -> Result<(), StoreError> {
        let Some(why) = next.fork.clone().filter(|_| self.witness.fork.is_none()) else { return Ok(()) };
        error!(why, "the centre's log forks");
        if self.keep_witness(next).await?.is_ok() {
            self.tell("log-fork", "centre", [("why", why)]).await?;
        }
        Ok(())
    }

    async fn tell<const N: usize>(
        &mut self,
        name: &str,
        subject: &str,
        facts: [(&str, String); N],
    ) -> Result<(), StoreError> {
        if self.finished || self.status.stopped_since_ms.is_some() {
            return Ok(());
        }
        let facts: BTreeMap<String, String> = facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect();
        let event = Event { name: name.to_owned(), subject: Some(subject.to_owned()), facts };
        self.seal_own(Self::own(Detail::Event(event)), None).await.map(drop)
    }

    async fn keep_witness(&mut self, next: Witness) -> Result<Result<(), String>, StoreError> {
        let notes = vec![(NOTE.to_owned(), Some(next.encode()))];
        if let Err(failure) = self.commit(Batch { notes, ..Batch::default() }).await {
            self.recover().await?;
            return Ok(Err(failure.to_string()));
        }
        self.set_witness(next);
        self.publish();
        Ok(Ok(()))
    }
}
