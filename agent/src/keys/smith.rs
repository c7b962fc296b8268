//! Rotation: the next key is made, the chain is handed over, the old key is erased.
//!
//! ```text
//! 1. make     the next key, durable, and nobody's yet
//! 2. hand over  one transaction: the operator's event and the record `key-rotate`, both signed with the old key,
//!               and the note that names the new one; from the next record on the new key signs
//! 3. wait     for the centre's receipt over that record
//! 4. erase    the old key; then one transaction: the event that says so, and the note
//! ```
//!
//! A power cut after 1 leaves a key that signs nothing, and the next rotation makes another. After 2 the note decides.
//! After 4, before the event: the key is looked for again, found to be gone, and the event follows.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use tidewaiter_record::{
    Algorithm, Hash, Kid, Signer, Statement,
    body::{Detail, Event},
};
use tokio::{sync::Mutex, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Erased, KeyError, KeyNote, Keyring, Known,
    note::{MOST_ROTATIONS, NOTE},
    refresh_registry,
};
use crate::outbox::{Draft, HandOver, Outbox, Refusal};

/// How often an old key that could not be erased, a token away for example, is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// A rotation that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The key that signed until now.
    pub old: Kid,
    /// The key that signs from now on.
    pub new: Kid,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Number of the record that hands over.
    pub seq: u64,
}

/// Why there was no rotation. The old key goes on signing.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The next key could not be made.
    #[error("no new key: {0}")]
    Key(#[from] KeyError),
    /// The chain could not be handed over.
    #[error("the chain was not handed over: {0}")]
    Refused(#[from] Refusal),
    /// The chain has had as many keys as it may have.
    #[error("this chain has had {MOST_ROTATIONS} rotations, the most it may have; enrol the agent anew")]
    TooMany,
    /// Something inside ended early.
    #[error("the agent is stopping")]
    Stopping,
}

/// Changes the keys of a running chain.
#[derive(Debug)]
pub struct Keysmith {
    dir: PathBuf,
    ring: Keyring,
    presented: Statement,
    statement: Hash,
    outbox: Outbox,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    current: Kid,
    algorithm: Algorithm,
    note: KeyNote,
}

impl Keysmith {
    /// The smith of the chain behind `outbox`, whose key is the one `known` was loaded with.
    pub fn new(dir: PathBuf, ring: Keyring, known: Known, outbox: Outbox) -> Self {
        let Known { kid, algorithm, statement, presented, note } = known;
        Self { dir, ring, presented, statement, outbox, state: Mutex::new(State { current: kid, algorithm, note }) }
    }

    /// Hands the chain to a new key, by the algorithm of the old one unless another is asked for.
    ///
    /// # Errors
    ///
    /// Says why not; the old key goes on signing then.
    pub async fn rotate(&self, algorithm: Option<Algorithm>, operator: &str) -> Result<Rotated, RotateError> {
        // Held to the end: rotations come one after the other, and the note has one writer.
        let mut state = self.state.lock().await;
        if state.note.rotations().len() >= MOST_ROTATIONS {
            return Err(RotateError::TooMany);
        }
        let algorithm = algorithm.unwrap_or(state.algorithm);
        let ring = self.ring.clone();
        let key = blocking(move || ring.make(algorithm)).await??;
        let (old, new, public) = (state.current, key.kid(), key.public_key());
        let order = HandOver {
            next: Arc::new(key) as Arc<dyn Signer>,
            public,
            operator: operator.to_owned(),
            note: {
                let note = state.note.clone();
                Box::new(move |seq| (NOTE.to_owned(), note.with(seq, old, &public).to_bytes()))
            },
        };
        let seq = match self.outbox.hand_over(order).await {
            Ok(recorded) => recorded.seq,
            Err(refusal) => {
                // When the store did not answer, the record may be there: then the key is needed, and is left.
                if !matches!(refusal, Refusal::Stopping) {
                    self.forget(new).await;
                }
                return Err(refusal.into());
            }
        };
        *state = State { current: new, algorithm, note: state.note.with(seq, old, &public) };
        info!(%old, %new, seq, "the chain has a new key");
        self.write_registry(&state.note).await;
        Ok(Rotated { old, new, algorithm, seq })
    }

    /// Erases old keys as the centre's receipts come, until `stop`.
    pub async fn watch(&self, stop: CancellationToken) {
        let mut status = self.outbox.status();
        self.write_registry(&self.state.lock().await.note).await;
        loop {
            let upto = status.borrow_and_update().cursor.map(|it| it.upto_seq);
            let left = match upto {
                Some(upto) => self.erase_receipted(upto).await,
                None => false,
            };
            let changed = async {
                if left {
                    let _ = timeout(AGAIN, status.changed()).await;
                    Ok(())
                } else {
                    status.changed().await
                }
            };
            tokio::select! {
                changed = changed => if changed.is_err() { return },
                () = stop.cancelled() => return,
            }
        }
    }

    /// Erases the old keys of rotations that the centre has signed for; whether any is still to be erased.
    pub async fn erase_receipted(&self, upto: u64) -> bool {
        let mut state = self.state.lock().await;
        let due: Vec<Kid> = state.note.to_erase(upto).map(|it| it.old).collect();
        let mut left = false;
        for kid in due {
            let ring = self.ring.clone();
            let erased = match blocking(move || ring.erase(kid)).await {
                Ok(Ok(erased)) => erased,
                Ok(Err(why)) => {
                    warn!(%kid, %why, "an old key could not be erased; it is tried again");
                    left = true;
                    continue;
                }
                Err(_) => return true,
            };
            let note = state.note.erased(kid);
            match self.outbox.seal(event(kid, &erased, &note)).await {
                Ok(_) => state.note = note,
                Err(why) => {
                    warn!(%kid, %why, "an old key is erased, and the record of it must wait");
                    left = true;
                }
            }
        }
        left
    }

    async fn forget(&self, kid: Kid) {
        let ring = self.ring.clone();
        if let Ok(Err(why)) = blocking(move || ring.erase(kid)).await {
            warn!(%kid, %why, "a key that was made for nothing could not be erased; it signs nothing");
        }
    }

    async fn write_registry(&self, note: &KeyNote) {
        let registry = match note.registry(&self.presented, self.statement) {
            Ok(registry) => registry,
            Err(why) => return warn!(%why, "the registry entries of this agent could not be made"),
        };
        let dir = self.dir.clone();
        if let Ok(Err(why)) = blocking(move || refresh_registry(&dir, &registry)).await {
            warn!(%why, "the registry entries of this agent could not be written; they are at the next start");
        }
    }
}

fn event(kid: Kid, erased: &Erased, note: &KeyNote) -> Draft {
    let (name, more) = match erased {
        Erased::Gone => ("key-erased", None),
        Erased::Kept(path) => ("key-kept", Some(("file".to_owned(), path.display().to_string()))),
    };
    if let Some((_, path)) = &more {
        warn!(%kid, path, "an old key is a credential of the service manager; take it out of the unit");
    }
    let facts: BTreeMap<String, String> = [("kid".to_owned(), kid.to_string())].into_iter().chain(more).collect();
    Draft {
        place: "self".to_owned(),
        id: Some(format!("key-erased-{kid}")),
        detail: Detail::Event(Event { name: name.to_owned(), subject: None, facts }),
        alert: false,
        closes: None,
        notes: vec![(NOTE.to_owned(), Some(note.to_bytes()))],
    }
}

/// Disk and token work off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RotateError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| RotateError::Stopping)
}
