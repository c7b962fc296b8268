//! The registry: which keys may sign what.
//!
//! A JSON document (schema in `schema/registry.schema.json`) that reaches a verifier by its own way, never
//! inside a record. A key is allowed for one chain and a range of sequence numbers, not for a span of
//! time: the clocks of agents are not trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    id::{ChainId, Hash, Kid},
    open::SignatureError,
    sign::{Algorithm, PublicKey, SignError, kid_of},
};

/// The version of the registry document.
pub const VERSION: u32 = 1;

/// Most keys a registry may hold; a verifier keeps one chain state per key.
pub const MAX_KEYS: usize = 100_000;

/// What a registry vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistryClass {
    /// Real instruments: a simulated record is a finding.
    Production,
    /// Anything.
    Test,
}

/// What a key is for. One purpose per key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Signs records of one chain.
    Agent,
    /// Signs receipts.
    Centre,
    /// A person: signs statements that people answer for, such as a chain reset. `agent` is the person's name.
    Person,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "agent",
            Self::Centre => "centre",
            Self::Person => "person",
        })
    }
}

/// One key and what it may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredKey {
    /// The key.
    pub public: PublicKey,
    /// What it is for.
    pub role: Role,
    /// The agent it belongs to; for a centre's key, the centre.
    pub agent: String,
    /// The chain it signs on. An agent's key has one; a centre's key without one serves all chains.
    pub chain: Option<ChainId>,
    /// The first sequence number it may sign.
    pub from_seq: u64,
    /// The last one, itself included; open when none.
    pub to_seq: Option<u64>,
    /// Everything it signs counts as simulated.
    pub simulated: bool,
    /// SHA-256 of the enrolment statement, which is `prev` of record 0.
    pub statement: Option<Hash>,
    /// On a key of a chain that replaces another one of the same agent: which, and by whose word.
    pub follows: Option<Follows>,
    /// What people noted about it: who asked, who approved, why it was closed.
    pub note: Option<String>,
}

/// The chain that another one replaces, after a lost disk or a new board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follows {
    /// The chain before.
    pub chain: ChainId,
    /// The last of its records that is known; none where nothing of it is.
    pub last_seq: Option<u64>,
    /// The hash of that record.
    pub hash: Option<Hash>,
    /// SHA-256 of the payload of the reset statement (see [`crate::reset`]).
    pub reset: Hash,
}

impl RegisteredKey {
    /// The name of the key.
    pub fn kid(&self) -> Kid {
        kid_of(&self.public)
    }

    /// A centre's key, for all chains.
    pub fn centre(name: &str, public: PublicKey) -> Self {
        Self {
            public,
            role: Role::Centre,
            agent: name.to_owned(),
            chain: None,
            from_seq: 0,
            to_seq: None,
            simulated: false,
            statement: None,
            follows: None,
            note: None,
        }
    }

    /// The key of a person, for statements that people sign.
    pub fn person(name: &str, public: PublicKey) -> Self {
        Self { role: Role::Person, ..Self::centre(name, public) }
    }

    /// Whether a header that names algorithm `found` may use it in this role. `kid` is its name.
    pub(crate) fn usable_for(&self, kid: Kid, found: Algorithm, expected: Role) -> Result<(), SignatureError> {
        let registered = self.public.algorithm();
        if registered != found {
            return Err(SignatureError::WrongAlgorithm { kid, found, registered });
        }
        if self.role != expected {
            return Err(SignatureError::WrongRole { kid, found: self.role, expected });
        }
        Ok(())
    }
}

/// Why a registry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Not the document of the schema.
    #[error("registry: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version of the document.
    #[error("registry: version {0} is not known, this build reads {VERSION}")]
    Version(u32),
    /// A public key that is none.
    #[error("registry: key {kid}: {why}")]
    Key {
        /// As the document names it.
        kid: Kid,
        /// What is wrong.
        #[source]
        why: SignError,
    },
    /// A name that does not follow from the key.
    #[error("registry: key {found}: its name would be {expected}; copy both from one place")]
    Kid {
        /// As the document names it.
        found: Kid,
        /// As computed.
        expected: Kid,
    },
    /// An agent's key without a chain.
    #[error("registry: key {0}: an agent's key needs a chain")]
    NoChain(Kid),
    /// A range that holds nothing.
    #[error("registry: key {kid}: from_seq {from} is beyond to_seq {to}")]
    Range {
        /// The key.
        kid: Kid,
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A chain that replaces itself, or a centre's key with a chain before it.
    #[error(
        "registry: key {0}: only a chain of an agent follows another, and never itself; correct or remove `follows`"
    )]
    Follows(Kid),
    /// Two entries of one name that differ.
    #[error("registry: key {0} is there twice, with different entries; keep the right one")]
    Conflict(Kid),
    /// A registry of another class.
    #[error("registry: class {theirs:?} does not merge into class {ours:?}")]
    Class {
        /// Of the registry merged into.
        ours: RegistryClass,
        /// Of the other.
        theirs: RegistryClass,
    },
    /// More keys than the bound.
    #[error("registry: more than {MAX_KEYS} keys")]
    TooMany,
}

/// Keys by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    class: RegistryClass,
    // Sorted by name, so that looking up does not depend on how many there are.
    keys: Vec<(Kid, RegisteredKey)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    class: RegistryClass,
    keys: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kid: Kid,
    alg: Algorithm,
    public: String,
    role: Role,
    agent: String,
    chain: Option<ChainId>,
    from_seq: u64,
    to_seq: Option<u64>,
    simulated: bool,
    statement: Option<Hash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follows: Option<Follows>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Registry {
    /// A registry without keys.
    pub const fn new(class: RegistryClass) -> Self {
        Self { class, keys: Vec::new() }
    }

    /// What it vouches for.
    pub const fn class(&self) -> RegistryClass {
        self.class
    }

    /// All keys, ordered by name.
    pub fn keys(&self) -> impl Iterator<Item = &RegisteredKey> {
        self.keys.iter().map(|(_, key)| key)
    }

    /// The key of this name.
    pub fn key(&self, kid: Kid) -> Option<&RegisteredKey> {
        let at = self.keys.binary_search_by_key(&kid, |(kid, _)| *kid).ok()?;
        self.keys.get(at).map(|(_, key)| key)
    }

    /// The statement that began a chain, where a key of that chain names it.
    pub fn statement_of(&self, chain: ChainId) -> Option<Hash> {
        self.keys().filter(|it| it.chain == Some(chain)).find_map(|it| it.statement)
    }

    /// Adds a key. The same entry twice is one.
    ///
    /// # Errors
    ///
    /// Refuses an entry that contradicts itself or one that is there.
    pub fn add(&mut self, key: RegisteredKey) -> Result<(), RegistryError> {
        let kid = key.kid();
        if key.role == Role::Agent && key.chain.is_none() {
            return Err(RegistryError::NoChain(kid));
        }
        if let Some(to) = key.to_seq.filter(|&to| key.from_seq > to) {
            return Err(RegistryError::Range { kid, from: key.from_seq, to });
        }
        if key.follows.is_some_and(|it| key.role != Role::Agent || key.chain == Some(it.chain)) {
            return Err(RegistryError::Follows(kid));
        }
        match self.keys.binary_search_by_key(&kid, |(kid, _)| *kid) {
            Ok(at) if self.keys.get(at).is_some_and(|(_, there)| *there == key) => Ok(()),
            Ok(_) => Err(RegistryError::Conflict(kid)),
            Err(_) if self.keys.len() >= MAX_KEYS => Err(RegistryError::TooMany),
            Err(at) => {
                self.keys.insert(at, (kid, key));
                Ok(())
            }
        }
    }

    /// The chain that a chain replaces, where a key of that chain names it.
    pub fn follows_of(&self, chain: ChainId) -> Option<&Follows> {
        self.keys().filter(|it| it.chain == Some(chain)).find_map(|it| it.follows.as_ref())
    }

    /// Puts an entry in place of the one of the same name; gives whether there was one.
    ///
    /// # Errors
    ///
    /// Refuses an entry that contradicts itself; nothing is changed then.
    pub fn replace(&mut self, key: RegisteredKey) -> Result<bool, RegistryError> {
        let kid = key.kid();
        let mut without = self.clone();
        without.keys.retain(|(there, _)| *there != kid);
        let was_there = without.keys.len() < self.keys.len();
        without.add(key)?;
        *self = without;
        Ok(was_there)
    }

    /// Lets a key sign no further than `last`; one that is closed below stays so, and one that is not here is no matter.
    ///
    /// A key whose range begins beyond `last` is left alone: an entry cannot hold a range of nothing.
    pub(crate) fn close(&mut self, kid: Kid, last: u64) {
        let Ok(at) = self.keys.binary_search_by_key(&kid, |(kid, _)| *kid) else { return };
        if let Some((_, key)) = self.keys.get_mut(at)
            && key.from_seq <= last
        {
            key.to_seq = Some(key.to_seq.map_or(last, |to| to.min(last)));
        }
    }

    /// Adds all keys of another registry of the same class.
    ///
    /// # Errors
    ///
    /// Refuses another class, and contradicting entries; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), RegistryError> {
        if other.class != self.class {
            return Err(RegistryError::Class { ours: self.class, theirs: other.class });
        }
        let mut merged = self.clone();
        other.keys().try_for_each(|key| merged.add(key.clone()))?;
        *self = merged;
        Ok(())
    }

    /// Reads the JSON document.
    ///
    /// # Errors
    ///
    /// Refuses unknown fields and versions, names that do not follow from their keys, and contradictions.
    pub fn from_json(text: &str) -> Result<Self, RegistryError> {
        let document: Document = serde_json::from_str(text)?;
        if document.version != VERSION {
            return Err(RegistryError::Version(document.version));
        }
        let mut registry = Self::new(document.class);
        for entry in document.keys {
            let found = entry.kid;
            let raw = hex::decode(&entry.public).unwrap_or_default();
            let public =
                PublicKey::from_bytes(entry.alg, &raw).map_err(|why| RegistryError::Key { kid: found, why })?;
            let expected = kid_of(&public);
            if found != expected {
                return Err(RegistryError::Kid { found, expected });
            }
            if registry.key(found).is_some() {
                return Err(RegistryError::Conflict(found));
            }
            registry.add(RegisteredKey {
                public,
                role: entry.role,
                agent: entry.agent,
                chain: entry.chain,
                from_seq: entry.from_seq,
                to_seq: entry.to_seq,
                simulated: entry.simulated,
                statement: entry.statement,
                follows: entry.follows,
                note: entry.note,
            })?;
        }
        Ok(registry)
    }

    /// Writes the JSON document, keys ordered by name.
    ///
    /// # Panics
    ///
    /// Never: strings, numbers and booleans are always JSON.
    pub fn to_json(&self) -> String {
        let keys = self.keys.iter().map(|(kid, key)| Entry {
            kid: *kid,
            alg: key.public.algorithm(),
            public: hex::encode(key.public.to_bytes()),
            role: key.role,
            agent: key.agent.clone(),
            chain: key.chain,
            from_seq: key.from_seq,
            to_seq: key.to_seq,
            simulated: key.simulated,
            statement: key.statement,
            follows: key.follows,
            note: key.note.clone(),
        });
        let document = Document { version: VERSION, class: self.class, keys: keys.collect() };
        let mut text = serde_json::to_string_pretty(&document).expect("strings, numbers and booleans are always JSON");
        text.push('\n');
        text
    }

    /// The key of this name if it has this algorithm and this role.
    pub(crate) fn usable_key(
        &self,
        kid: Kid,
        found: Algorithm,
        expected: Role,
    ) -> Result<&RegisteredKey, SignatureError> {
        let key = self.key(kid).ok_or(SignatureError::UnknownKey(kid))?;
        key.usable_for(kid, found, expected)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use serde_json::{Value, json};

    use super::*;
    use crate::sign::{Ed25519Signer, Esp256Signer};

    fn agent_key(seed: u8) -> RegisteredKey {
        RegisteredKey {
            public: Ed25519Signer::from_seed(&[seed; 32]).public_key(),
            role: Role::Agent,
            agent: "gate-1".to_owned(),
            chain: Some(ChainId([seed; 16])),
            from_seq: 0,
            to_seq: None,
            simulated: false,
            statement: Some(Hash([seed; 32])),
            follows: None,
            note: None,
        }
    }

    fn registry(seeds: &[u8]) -> Registry {
        let mut registry = Registry::new(RegistryClass::Test);
        for &seed in seeds {
            registry.add(agent_key(seed)).unwrap();
        }
        registry
    }

    #[test]
    fn document_reads_back() {
        let mut registry = registry(&[1, 2, 3]);
        let centre = Ed25519Signer::from_seed(&[9; 32]).public_key();
        registry.add(RegisteredKey::centre("centre", centre)).unwrap();
        let p256 = Esp256Signer::from_secret(&[7; 32]).unwrap().public_key();
        registry.add(RegisteredKey { public: p256, ..agent_key(4) }).unwrap();
        let text = registry.to_json();
        assert_eq!(Registry::from_json(&text).unwrap(), registry);
        assert_eq!(registry.key(agent_key(2).kid()), Some(&agent_key(2)));
        assert_eq!(registry.key(Kid([0; 8])), None);
        assert_eq!(registry.statement_of(ChainId([3; 16])), Some(Hash([3; 32])));
        // What is not said is not written, so that an older reader takes the document too.
        assert!(!text.contains("follows") && !text.contains("note"), "{text}");
    }

    #[test]
    fn an_entry_is_replaced_and_says_what_it_follows() {
        let mut registry = registry(&[1, 2]);
        let follows =
            Follows { chain: ChainId([1; 16]), last_seq: Some(7), hash: Some(Hash([8; 32])), reset: Hash([9; 32]) };
        let changed = RegisteredKey { follows: Some(follows), note: Some("板卡更换".into()), ..agent_key(2) };
        assert!(registry.replace(changed).unwrap());
        assert_eq!(registry.follows_of(ChainId([2; 16])), Some(&follows));
        assert_eq!(registry.follows_of(ChainId([1; 16])), None);
        assert_eq!(Registry::from_json(&registry.to_json()).unwrap(), registry);
        assert!(!registry.replace(RegisteredKey { chain: Some(ChainId([4; 16])), ..agent_key(4) }).unwrap());
        let before = registry.clone();
        assert!(registry.replace(RegisteredKey { from_seq: 9, to_seq: Some(8), ..agent_key(1) }).is_err());
        assert_eq!(registry, before);
        let person = RegisteredKey::person("Li Na", Ed25519Signer::from_seed(&[20; 32]).public_key());
        registry.add(person).unwrap();
        assert_eq!(Registry::from_json(&registry.to_json()).unwrap(), registry);
    }

    #[test]
    fn a_chain_names_the_one_it_replaces() {
        let mut replaced = registry(&[1]);
        let after = |last_seq, hash| Follows { chain: ChainId([1; 16]), last_seq, hash, reset: Hash([7; 32]) };
        for (seed, follows) in [(2, after(Some(41), Some(Hash([6; 32])))), (3, after(None, None))] {
            replaced.add(RegisteredKey { follows: Some(follows), ..agent_key(seed) }).unwrap();
        }
        let text = replaced.to_json();
        assert_eq!(Registry::from_json(&text).unwrap(), replaced);
        // A document without the field is what it always was.
        assert!(!registry(&[1]).to_json().contains("follows"));

        let itself = RegisteredKey { follows: Some(after(None, None)), ..agent_key(1) };
        assert!(matches!(registry(&[]).add(itself), Err(RegistryError::Follows(_))));
        let centre = RegisteredKey::centre("centre", agent_key(9).public);
        let centre = RegisteredKey { follows: Some(after(None, None)), ..centre };
        assert!(matches!(registry(&[]).add(centre), Err(RegistryError::Follows(_))));
    }

    #[test]
    fn document_is_refused_with_a_reason() {
        let good: Value = serde_json::from_str(&registry(&[1, 2]).to_json()).unwrap();
        let check = |change: &dyn Fn(&mut Value), expected: &str| {
            let mut document = good.clone();
            change(&mut document);
            let error = Registry::from_json(&document.to_string()).unwrap_err().to_string();
            assert!(error.contains(expected), "`{error}` does not say `{expected}`");
        };
        check(&|it| it["version"] = json!(2), "version 2 is not known");
        check(&|it| it["owner"] = json!("x"), "unknown field `owner`");
        check(&|it| it["class"] = json!("prod"), "unknown variant `prod`");
        check(&|it| it["keys"][0]["owner"] = json!("x"), "unknown field `owner`");
        check(&|it| it["keys"][0]["alg"] = json!("none"), "unknown variant `none`");
        check(&|it| it["keys"][0]["kid"] = json!("0011223344556677"), "its name would be");
        check(&|it| it["keys"][0]["public"] = json!("00"), "not a usable Ed25519 key");
        check(&|it| it["keys"][0]["alg"] = json!("ESP256"), "not a usable ESP256 key");
        check(&|it| it["keys"][0]["chain"] = json!(null), "needs a chain");
        check(&|it| it["keys"][0]["from_seq"] = json!(-1), "invalid value");
        let chain = "00112233445566778899aabbccddeeff";
        check(&|it| it["keys"][0]["follows"] = json!({ "chain": chain }), "missing field `reset`");
        let reset = "00".repeat(32);
        check(
            &|it| it["keys"][0]["follows"] = json!({ "chain": chain, "reset": reset, "by": "x" }),
            "unknown field `by`",
        );
        check(
            &|it| {
                it["keys"][0]["from_seq"] = json!(5);
                it["keys"][0]["to_seq"] = json!(4);
            },
            "from_seq 5 is beyond to_seq 4",
        );
        check(&|it| it["keys"][1] = it["keys"][0].clone(), "is there twice");
    }

    #[test]
    fn merging_adds_and_never_contradicts() {
        let mut merged = registry(&[1, 2]);
        merged.merge(&registry(&[2, 3])).unwrap();
        assert_eq!(merged, registry(&[1, 2, 3]));

        let mut other = Registry::new(RegistryClass::Test);
        other.add(RegisteredKey { to_seq: Some(7), ..agent_key(2) }).unwrap();
        assert!(matches!(merged.merge(&other), Err(RegistryError::Conflict(_))));
        assert!(matches!(merged.merge(&Registry::new(RegistryClass::Production)), Err(RegistryError::Class { .. })));
        assert_eq!(merged, registry(&[1, 2, 3]));
    }
}
