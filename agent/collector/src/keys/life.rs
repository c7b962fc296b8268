//! How keys come into the registry and how they end there.
//!
//! A key ends by a number, never by a date: agents' clocks are not trusted, and what was receipted before stays
//! valid. A range is only ever made smaller, and no entry is taken out.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use tidewaiter_record::{
    ChainId, Ed25519Signer, Keyring, Kid, RegisteredKey, Registry, RegistryClass, RegistryError, Role, Rotation,
    Signer as _,
};

use super::{KeyError, change, load_registry};

/// Numbers of records lie below 2^63, so a range that begins here holds no record at all.
const BEYOND_ALL: u64 = 1 << 63;

/// Refuses a key that may not come in: simulated into production, or a second chain of an agent.
pub(crate) fn check_new(registry: &Registry, key: &RegisteredKey) -> Result<(), KeyError> {
    if registry.key(key.kid()).is_some_and(|it| it == key) {
        return Ok(());
    }
    if registry.class() == RegistryClass::Production && key.simulated {
        return Err(KeyError::Simulated { kid: key.kid(), agent: key.agent.clone() });
    }
    let Some(new) = key.chain.filter(|_| key.role == Role::Agent) else { return Ok(()) };
    match other_chain(registry, &key.agent, new) {
        Some(there) if key.follows.is_none() => Err(KeyError::SecondChain { agent: key.agent.clone(), there, new }),
        _ => Ok(()),
    }
}

/// A chain of the agent that is not `chain`.
fn other_chain(registry: &Registry, agent: &str, chain: ChainId) -> Option<ChainId> {
    registry
        .keys()
        .filter(|it| it.role == Role::Agent && it.agent == agent)
        .find_map(|it| it.chain.filter(|it| *it != chain))
}

/// Takes an agent's key in. The same key again, whatever was noted or closed since, is no change.
///
/// # Errors
///
/// When the registry cannot be changed, takes no such key, or knows another chain of the agent that this one
/// does not follow.
pub fn add_agent(path: &Path, key: RegisteredKey) -> Result<(), KeyError> {
    change(path, |registry| {
        let same = |it: &RegisteredKey| it.agent == key.agent && it.chain == key.chain && it.statement == key.statement;
        if registry.key(key.kid()).is_some_and(same) {
            return Ok(());
        }
        check_new(registry, &key)?;
        registry.add(key).map_err(|source| KeyError::Registry { path: path.to_owned(), source })
    })
}

/// The registry with the keys that chains handed themselves to: those are closed by an entry of their own.
pub(crate) fn in_force(registry: &Registry, rotations: &[Rotation]) -> Result<Registry, RegistryError> {
    Ok(Keyring::with(registry.clone(), rotations.iter().cloned())?.in_force().clone())
}

/// Closes a key after a number; `None` leaves it no record at all. `rotations` are those that the centre learned.
///
/// # Errors
///
/// When there is no such key, when it was closed earlier, or when the registry cannot be changed.
pub fn close(path: &Path, rotations: &[Rotation], kid: Kid, after: Option<u64>, note: &str) -> Result<(), KeyError> {
    change(path, |registry| {
        let whole =
            in_force(registry, rotations).map_err(|source| KeyError::Registry { path: path.to_owned(), source })?;
        let key = whole.key(kid).ok_or_else(|| KeyError::NoKey { path: path.to_owned(), kid })?;
        if let Some(closed) = key.to_seq.filter(|&it| after.is_none_or(|after| after > it)) {
            return Err(KeyError::Closed { kid, closed });
        }
        put(registry, closed(key, after, note), path)
    })
}

/// A key that was closed: its name, its chain, and where its range began.
pub type Ended = (Kid, ChainId, u64);

/// Closes every open key of an agent, also one that its chain went over to: on each chain after the number that
/// `last` gives, which is the last one receipted.
///
/// # Errors
///
/// When the agent has no key, or when the registry cannot be changed.
pub fn revoke(
    path: &Path,
    rotations: &[Rotation],
    agent: &str,
    last: impl Fn(ChainId) -> Option<u64>,
    note: &str,
) -> Result<Vec<Ended>, KeyError> {
    change(path, |registry| {
        let wrong = |source| KeyError::Registry { path: path.to_owned(), source };
        let whole = in_force(registry, rotations).map_err(wrong)?;
        let keys: Vec<_> = whole.keys().filter(|it| it.role == Role::Agent && it.agent == agent).cloned().collect();
        if keys.is_empty() {
            return Err(KeyError::NoAgent { path: path.to_owned(), agent: agent.to_owned() });
        }
        let mut done = Vec::new();
        for key in keys {
            let Some(chain) = key.chain else { continue };
            if key.to_seq.is_none() {
                put(registry, closed(&key, last(chain), note), path)?;
                done.push((key.kid(), chain, key.from_seq));
            } else {
                // One that handed over ends there from now on by the registry's own word.
                put(registry, key, path)?;
            }
        }
        Ok(done)
    })
}

/// Moves the end of a key that was closed a moment ago up to what was receipted in between.
///
/// A running collector takes a changed registry within a second. What it receipted until then is safe at the
/// centre and stays valid.
///
/// # Errors
///
/// When there is no such key, or when the registry cannot be changed.
pub fn nothing_after(path: &Path, (kid, from_seq): (Kid, u64), receipted: u64) -> Result<(), KeyError> {
    change(path, |registry| {
        let key = registry.key(kid).ok_or_else(|| KeyError::NoKey { path: path.to_owned(), kid })?;
        if key.to_seq.is_none_or(|it| it >= receipted && it < BEYOND_ALL) {
            return Ok(());
        }
        if receipted < from_seq {
            return Ok(());
        }
        put(registry, RegisteredKey { from_seq, to_seq: Some(receipted), ..key.clone() }, path)
    })
}

/// Adds a note to a key.
///
/// # Errors
///
/// When there is no such key, or when the registry cannot be changed.
pub fn note(path: &Path, kid: Kid, text: &str) -> Result<(), KeyError> {
    change(path, |registry| {
        let key = registry.key(kid).ok_or_else(|| KeyError::NoKey { path: path.to_owned(), kid })?;
        let key = RegisteredKey { note: Some(noted(key, text)), ..key.clone() };
        put(registry, key, path)
    })
}

/// The registry that an agent needs: the keys of the centre, and no agent's.
///
/// # Errors
///
/// When the registry cannot be read.
pub fn excerpt(path: &Path) -> Result<Registry, KeyError> {
    let whole = load_registry(path)?;
    let mut excerpt = Registry::new(whole.class());
    for key in whole.keys().filter(|it| it.role == Role::Centre) {
        excerpt.add(key.clone()).map_err(|source| KeyError::Registry { path: path.to_owned(), source })?;
    }
    Ok(excerpt)
}

/// Makes the key of a person and registers it; the private half is `out`, for its owner alone.
///
/// # Errors
///
/// When `out` exists, or a file cannot be written.
pub fn make_person(path: &Path, name: &str, out: &Path) -> Result<Kid, KeyError> {
    let wrong = |source| KeyError::Key { path: out.to_owned(), source };
    let signer = Ed25519Signer::generate().map_err(wrong)?;
    let pem = signer.to_pkcs8_pem().map_err(wrong)?;
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    let mut file = file.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path: out.to_owned() },
        _ => KeyError::File { path: out.to_owned(), doing: "written", source },
    })?;
    file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(KeyError::file(out, "written"))?;
    change(path, |registry| put(registry, RegisteredKey::person(name, signer.public_key()), path))?;
    Ok(signer.kid())
}

pub(crate) fn closed(key: &RegisteredKey, after: Option<u64>, note: &str) -> RegisteredKey {
    let note = Some(noted(key, note));
    match after.filter(|&it| it >= key.from_seq) {
        Some(after) => RegisteredKey { to_seq: Some(after), note, ..key.clone() },
        None => RegisteredKey { from_seq: BEYOND_ALL, to_seq: Some(BEYOND_ALL), note, ..key.clone() },
    }
}

fn noted(key: &RegisteredKey, text: &str) -> String {
    match &key.note {
        Some(there) => format!("{there}; {text}"),
        None => text.to_owned(),
    }
}

fn put(registry: &mut Registry, key: RegisteredKey, path: &Path) -> Result<(), KeyError> {
    registry.replace(key).map(|_| ()).map_err(|source| KeyError::Registry { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tidewaiter_record::{Hash, Statement};

    use super::*;

    fn agent_key(agent: &str, seed: u8, simulated: bool) -> RegisteredKey {
        let public = Ed25519Signer::from_seed(&[seed; 32]).public_key();
        let chain = ChainId([seed; 16]);
        Statement { agent: agent.into(), chain, public, created_ms: 0, simulated }.register(Hash([seed; 32]))
    }

    fn registry(dir: &Path, class: RegistryClass) -> std::path::PathBuf {
        let path = dir.join("registry.json");
        fs::write(&path, Registry::new(class).to_json()).unwrap();
        path
    }

    #[test]
    fn what_may_come_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = registry(dir.path(), RegistryClass::Production);
        add_agent(&path, agent_key("a", 1, false)).unwrap();
        // Again is no change, and no error.
        add_agent(&path, agent_key("a", 1, false)).unwrap();
        assert!(matches!(add_agent(&path, agent_key("b", 2, true)), Err(KeyError::Simulated { .. })));
        assert!(matches!(add_agent(&path, agent_key("a", 3, false)), Err(KeyError::SecondChain { .. })));
        let test = registry(dir.path(), RegistryClass::Test);
        add_agent(&test, agent_key("b", 2, true)).unwrap();
    }

    #[test]
    fn a_key_ends_once_and_by_a_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = registry(dir.path(), RegistryClass::Production);
        for (agent, seed) in [("a", 1), ("b", 2)] {
            add_agent(&path, agent_key(agent, seed, false)).unwrap();
        }
        let kid = agent_key("a", 1, false).kid();
        close(&path, &[], kid, Some(9), "board sold").unwrap();
        assert!(matches!(close(&path, &[], kid, Some(10), "x"), Err(KeyError::Closed { closed: 9, .. })));
        close(&path, &[], kid, Some(7), "after all earlier").unwrap();
        let key = load_registry(&path).unwrap().key(kid).unwrap().clone();
        assert_eq!((key.from_seq, key.to_seq), (0, Some(7)));
        assert_eq!(key.note.as_deref(), Some("board sold; after all earlier"));
        // A closed key is not opened by enrolling it again.
        add_agent(&path, agent_key("a", 1, false)).unwrap();
        assert_eq!(load_registry(&path).unwrap().key(kid).unwrap().to_seq, Some(7));

        // Nothing was receipted: no record of it is valid, and the entry stays for people to read.
        let done = revoke(&path, &[], "b", |_| None, "stolen").unwrap();
        assert_eq!(done.len(), 1);
        let key = load_registry(&path).unwrap().keys().find(|it| it.agent == "b").unwrap().clone();
        assert_eq!((key.from_seq, key.to_seq), (BEYOND_ALL, Some(BEYOND_ALL)));
        // Unless something was receipted while the collector had not read it yet.
        nothing_after(&path, (key.kid(), 0), 4).unwrap();
        let key = load_registry(&path).unwrap().key(key.kid()).unwrap().clone();
        assert_eq!((key.from_seq, key.to_seq), (0, Some(4)));
        nothing_after(&path, (key.kid(), 0), 3).unwrap();
        assert_eq!(load_registry(&path).unwrap().key(key.kid()).unwrap().to_seq, Some(4));

        assert!(matches!(revoke(&path, &[], "c", |_| None, "x"), Err(KeyError::NoAgent { .. })));
        assert!(matches!(close(&path, &[], Kid([0; 8]), None, "x"), Err(KeyError::NoKey { .. })));
    }

    #[test]
    fn a_key_that_the_chain_went_over_to_is_closed_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = registry(dir.path(), RegistryClass::Production);
        let first = agent_key("a", 1, false);
        add_agent(&path, first.clone()).unwrap();
        let new = Ed25519Signer::from_seed(&[7; 32]).public_key();
        let next = tidewaiter_record::kid_of(&new);
        let rotations = [Rotation { chain: ChainId([1; 16]), seq: 9, old: first.kid(), new }];
        let done = revoke(&path, &rotations, "a", |_| Some(20), "stolen").unwrap();
        assert_eq!(done, [(next, ChainId([1; 16]), 10)]);
        // What a reader makes of the file and the chain together.
        let whole = in_force(&load_registry(&path).unwrap(), &rotations).unwrap();
        let ends: Vec<_> = [first.kid(), next].iter().map(|it| whole.key(*it).unwrap().to_seq).collect();
        assert_eq!(ends, [Some(9), Some(20)]);
    }

    #[test]
    fn an_agent_gets_the_keys_of_the_centre_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = registry(dir.path(), RegistryClass::Production);
        add_agent(&path, agent_key("a", 1, false)).unwrap();
        let person = make_person(&path, "Li Na", &dir.path().join("li.key")).unwrap();
        assert!(matches!(make_person(&path, "x", &dir.path().join("li.key")), Err(KeyError::Exists { .. })));
        assert_eq!(load_registry(&path).unwrap().key(person).unwrap().role, Role::Person);
        change(&path, |it| {
            it.add(RegisteredKey::centre("centre", Ed25519Signer::from_seed(&[9; 32]).public_key())).unwrap();
            Ok(())
        })
        .unwrap();
        let excerpt = excerpt(&path).unwrap();
        assert_eq!(excerpt.keys().map(|it| it.role).collect::<Vec<_>>(), [Role::Centre]);
    }
}
