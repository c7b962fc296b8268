//! Chain reset: an agent whose disk is lost or whose board was replaced begins a new chain.
//!
//! ```text
//! make ─► payload file ─► person 1 signs a copy ─┐
//!                     └─► person 2 signs a copy ─┴─► apply ─► registry
//! ```
//!
//! Applying closes every key of the old chain at the last receipted record, and enters the new key with `follows`:
//! which chain it replaces, how far the centre has it, and the hash of what two people signed. Nothing takes that out
//! again, so it is an incident for ever.

use std::path::Path;

use tidewaiter_record::{
    ChainId, Hash, RegisteredKey, Reset, ResetError, Role, Rotation, Statement, open_reset, reset::ResetSignError,
    view::utc,
};

use crate::keys::{self, KeyError};

/// Why a reset was not drawn up or applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The registry.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The statement, or its signatures.
    #[error(transparent)]
    Reset(#[from] ResetError),
    /// It was not signed.
    #[error(transparent)]
    Sign(#[from] ResetSignError),
    /// The enrolment statement of the new chain is none.
    #[error("{0}")]
    Statement(String),
    /// It does not fit what the centre knows.
    #[error("reset of {agent}: {why}")]
    Unfit {
        /// The agent.
        agent: String,
        /// What does not fit.
        why: String,
    },
}

impl ApplyError {
    /// Whether what people brought is refused, rather than this machine at fault.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Key(error) => error.is_configuration(),
            Self::Sign(ResetSignError::Seal(_)) => false,
            _ => true,
        }
    }
}

/// How far the centre has a chain: the last receipted number and its hash.
pub type Known = Option<(u64, Hash)>;

/// Draws up the reset of an agent that has presented `statement`; `known` says how far the centre has its old chain.
///
/// # Errors
///
/// When the agent has no chain that could end, or the statement is none.
pub fn make(
    registry_path: &Path,
    agent: &str,
    statement: &[u8],
    reason: &str,
    known: impl Fn(ChainId) -> Known,
    now_ms: i64,
) -> Result<Reset, ApplyError> {
    let unfit = |why: String| ApplyError::Unfit { agent: agent.to_owned(), why };
    let presented = opened(statement)?;
    if presented.agent != agent {
        return Err(unfit(format!("the enrolment statement is of agent {:?}", presented.agent)));
    }
    let registry = keys::load_registry(registry_path)?;
    // The chain that goes on now: the one that no other follows.
    let old_chain = registry
        .keys()
        .filter(|it| it.role == Role::Agent && it.agent == agent)
        .filter_map(|it| it.chain)
        .find(|chain| !registry.keys().any(|it| it.follows.as_ref().is_some_and(|it| it.chain == *chain)))
        .ok_or_else(|| unfit("it has no chain; enrol it with a token".to_owned()))?;
    let known = known(old_chain);
    Ok(Reset {
        agent: agent.to_owned(),
        old_chain,
        last_seq: known.map(|it| it.0),
        hash: known.map(|it| it.1),
        new_chain: presented.chain,
        statement: Hash::of(statement),
        reason: reason.to_owned(),
        at_ms: now_ms,
    })
}

/// Applies what two people have signed. `rotations` are those that the centre learned from chains.
///
/// # Errors
///
/// When it is not signed by two people of the registry, does not fit `statement` or what the centre knows, or the
/// registry cannot be changed.
pub fn apply(
    registry_path: &Path,
    rotations: &[Rotation],
    copies: &[&[u8]],
    statement: &[u8],
    known: impl Fn(ChainId) -> Known,
) -> Result<Reset, ApplyError> {
    let presented = opened(statement)?;
    let signed = open_reset(copies, &keys::load_registry(registry_path)?)?;
    let reset = signed.reset;
    let unfit = |why: String| ApplyError::Unfit { agent: reset.agent.clone(), why };
    if reset.statement != Hash::of(statement) || reset.new_chain != presented.chain || reset.agent != presented.agent {
        return Err(unfit("it is for another enrolment statement".to_owned()));
    }
    let last = known(reset.old_chain);
    if last.map(|it| it.0) != reset.last_seq || last.map(|it| it.1) != reset.hash {
        let has = last.map_or_else(|| "nothing".to_owned(), |(seq, _)| format!("records to {seq}"));
        return Err(unfit(format!("the centre has {has} of the old chain by now; draw it up and sign it again")));
    }
    let [one, two] = &signed.people;
    let note = format!("chain reset {}, signed by {one} and {two}: {}", utc(reset.at_ms), reset.reason);
    let follows = reset.follows()?;
    keys::change(registry_path, |registry| {
        let wrong = |source| KeyError::Registry { path: registry_path.to_owned(), source };
        let old: Vec<_> = keys::in_force(registry, rotations)
            .map_err(wrong)?
            .keys()
            .filter(|it| it.role == Role::Agent && it.agent == reset.agent && it.chain == Some(reset.old_chain))
            .cloned()
            .collect();
        if old.is_empty() {
            return Err(KeyError::NoAgent { path: registry_path.to_owned(), agent: reset.agent.clone() });
        }
        for key in &old {
            let key = if key.to_seq.is_none() { keys::closed(key, reset.last_seq, &note) } else { key.clone() };
            registry.replace(key).map_err(wrong)?;
        }
        let new = RegisteredKey {
            follows: Some(follows),
            note: Some(note.clone()),
            ..presented.register(Hash::of(statement))
        };
        keys::check_new(registry, &new)?;
        registry.add(new).map_err(wrong)
    })?;
    Ok(reset)
}

fn opened(statement: &[u8]) -> Result<Statement, ApplyError> {
    Statement::open(statement).map_err(|it| ApplyError::Statement(it.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, path::PathBuf};

    use tidewaiter_record::{Ed25519Signer, Registry, RegistryClass, Signer as _};

    use super::*;

    fn signer(seed: u8) -> Ed25519Signer {
        Ed25519Signer::from_seed(&[seed; 32])
    }

    fn statement(agent: &str, seed: u8) -> Vec<u8> {
        let public = signer(seed).public_key();
        let it = Statement { agent: agent.into(), chain: ChainId([seed; 16]), public, created_ms: 0, simulated: false };
        it.issue(&signer(seed)).unwrap()
    }

    fn registry(dir: &Path) -> PathBuf {
        let path = dir.join("registry.json");
        let mut registry = Registry::new(RegistryClass::Production);
        for (name, seed) in [("Li Na", 11), ("Wang Wei", 12)] {
            registry.add(RegisteredKey::person(name, signer(seed).public_key())).unwrap();
        }
        let first = statement("gate-07", 1);
        registry.add(Statement::open(&first).unwrap().register(Hash::of(&first))).unwrap();
        fs::write(&path, registry.to_json()).unwrap();
        path
    }

    #[test]
    fn two_people_replace_a_chain_and_it_stays_visible() {
        let dir = tempfile::tempdir().unwrap();
        let path = registry(dir.path());
        let known = |_: ChainId| Some((41, Hash([9; 32])));
        let second = statement("gate-07", 2);
        let reset = make(&path, "gate-07", &second, "disk lost", known, 5).unwrap();
        assert_eq!((reset.old_chain, reset.last_seq), (ChainId([1; 16]), Some(41)));
        assert!(make(&path, "gate-08", &statement("gate-08", 3), "x", known, 5).is_err());
        assert!(make(&path, "gate-07", &statement("gate-08", 3), "x", known, 5).is_err());

        let signed = |seed: u8| reset.sign(&signer(seed)).unwrap();
        let (one, two) = (signed(11), signed(12));
        let before = fs::read(&path).unwrap();
        let refused = |copies: &[&[u8]], statement: &[u8], known: Known, expected: &str| {
            let error = apply(&path, &[], copies, statement, |_| known).unwrap_err();
            assert!(error.is_refusal() && error.to_string().contains(expected), "`{error}` lacks `{expected}`");
            assert_eq!(fs::read(&path).unwrap(), before);
        };
        let now = Some((41, Hash([9; 32])));
        refused(&[&one, &one], &second, now, "two people");
        refused(&[&one, &two], &statement("gate-07", 4), now, "another enrolment statement");
        refused(&[&one, &two], &second, Some((42, Hash([8; 32]))), "records to 42");
        apply(&path, &[], &[&one, &two], &second, known).unwrap();

        let registry = keys::load_registry(&path).unwrap();
        assert_eq!(registry.key(signer(1).kid()).unwrap().to_seq, Some(41));
        let new = registry.key(signer(2).kid()).unwrap();
        assert_eq!(new.follows.as_ref().unwrap().chain, ChainId([1; 16]));
        assert!(new.note.as_deref().unwrap().contains("Li Na and Wang Wei"));
        // And once more: the next reset replaces the second chain, not the first.
        let third = statement("gate-07", 5);
        assert_eq!(make(&path, "gate-07", &third, "again", known, 6).unwrap().old_chain, ChainId([2; 16]));
    }
}
