//! The root: which keys there are, and which of them may sign what.
//!
//! ```text
//! root = { 1: version, 2: [+ [alg, public]], 3: [root, limits, director, release], 4: at_ms, ? 5: floors }
//! role = [threshold, [* kid]]
//! ```

use super::{Kind, MandateError, Signed, envelope};
use crate::{
    cbor::{CborError, Reader, Writer},
    id::Kid,
    sign::{PublicKey, kid_of},
};

/// Keys in one root at most.
const MAX_KEYS: usize = 64;

/// Who may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoleName {
    /// The next root, and beside the director a dangerous command.
    Root,
    /// Limit tables and plans.
    Limits,
    /// Assignments and commands.
    Director,
    /// Software and firmware.
    Release,
}

impl RoleName {
    /// All of them, in the order of the document.
    pub const ALL: [Self; 4] = [Self::Root, Self::Limits, Self::Director, Self::Release];

    /// As a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Limits => "limits",
            Self::Director => "director",
            Self::Release => "release",
        }
    }
}

/// The keys of a role, and how many of them it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// Distinct keys that must have signed; 0 only in a role without keys, which nobody fills.
    pub threshold: usize,
    /// The keys, ascending, none twice.
    pub kids: Vec<Kid>,
}

/// Floors that a root sets anew: the way back after a version was driven up by a stolen key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floors {
    /// Lowest version of limits that may still come.
    pub limits: u64,
    /// Lowest version of an assignment that may still come.
    pub assignment: u64,
    /// The highest command number used up.
    pub command: u64,
}

/// Keys and roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// From 1, +1.
    pub version: u64,
    /// Every key that a role names.
    pub keys: Vec<PublicKey>,
    /// In the order of [`RoleName::ALL`].
    pub roles: [Role; 4],
    /// When it was made, UTC milliseconds; for people.
    pub at_ms: i64,
    /// Set anew when this root is accepted.
    pub floors: Option<Floors>,
}

impl Root {
    /// The payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(|m| {
            m.int(1, |w| w.uint(self.version));
            m.int(2, |w| {
                w.list(&self.keys, |w, key| {
                    w.array(2);
                    w.int(key.algorithm().cose());
                    w.bytes(&key.to_bytes());
                });
            });
            m.int(3, |w| {
                w.list(&self.roles, |w, role| {
                    w.array(2);
                    w.uint(role.threshold as u64);
                    w.list(&role.kids, |w, kid| w.bytes(&kid.0));
                });
            });
            m.int(4, |w| w.int(self.at_ms));
            m.optional(5, self.floors.as_ref(), |w, it| it.write(w));
        });
        w.finish()
    }

    /// Reads a root; who signed it is not looked at.
    ///
    /// # Errors
    ///
    /// Refuses another shape, and roles that could not be filled.
    pub fn read(signed: &Signed<'_>) -> Result<Self, MandateError> {
        let (version, raw, roles, at_ms, floors) = fields(signed.payload()).map_err(wrong)?;
        let mut keys = Vec::new();
        if raw.len() > MAX_KEYS {
            return Err(unsound(format!("{} keys, {MAX_KEYS} at most", raw.len())));
        }
        for (id, public) in raw {
            let key = PublicKey::from_bytes(envelope::algorithm(id)?, public)
                .map_err(|why| MandateError::Key { kind: Kind::Root, why })?;
            if keys.iter().any(|known| kid_of(known) == kid_of(&key)) {
                return Err(unsound(format!("key {} is there twice", kid_of(&key))));
            }
            keys.push(key);
        }
        let root = Self { version, keys, roles, at_ms, floors };
        root.check()?;
        Ok(root)
    }

    fn check(&self) -> Result<(), MandateError> {
        if self.version == 0 {
            return Err(unsound("versions begin at 1".to_owned()));
        }
        for name in RoleName::ALL {
            let (role, word) = (self.role(name), name.word());
            if !role.kids.is_sorted_by(|a, b| a < b) {
                return Err(unsound(format!("the keys of role {word} do not ascend, or one is there twice")));
            }
            if let Some(kid) = role.kids.iter().find(|kid| self.key(**kid).is_none()) {
                return Err(unsound(format!("role {word} names key {kid}, which is not among the keys")));
            }
            if role.threshold > role.kids.len() || (role.threshold == 0 && !role.kids.is_empty()) {
                let (threshold, keys) = (role.threshold, role.kids.len());
                return Err(unsound(format!("role {word} asks for {threshold} of {keys} keys")));
            }
        }
        if self.role(RoleName::Root).threshold == 0 {
            return Err(unsound("nobody could sign the next root".to_owned()));
        }
        Ok(())
    }

    /// A role.
    pub const fn role(&self, name: RoleName) -> &Role {
        let [root, limits, director, release] = &self.roles;
        match name {
            RoleName::Root => root,
            RoleName::Limits => limits,
            RoleName::Director => director,
            RoleName::Release => release,
        }
    }

    /// A key by its name.
    pub fn key(&self, kid: Kid) -> Option<&PublicKey> {
        self.keys.iter().find(|it| kid_of(it) == kid)
    }

    /// The distinct keys of a role that have signed a document.
    pub fn signers(&self, name: RoleName, signed: &Signed<'_>) -> Vec<Kid> {
        let keys: Vec<&PublicKey> = self.role(name).kids.iter().filter_map(|kid| self.key(*kid)).collect();
        signed.signers(&keys)
    }

    /// Checks that at least `least` keys of a role, and its threshold, have signed a document.
    ///
    /// # Errors
    ///
    /// [`MandateError::Threshold`].
    pub fn need(&self, name: RoleName, least: usize, signed: &Signed<'_>) -> Result<(), MandateError> {
        let needed = self.role(name).threshold.max(least).max(1);
        let found = self.signers(name, signed).len();
        if found >= needed {
            return Ok(());
        }
        Err(MandateError::Threshold { kind: signed.kind(), role: name.word(), found, needed })
    }
}

impl Floors {
    pub(super) fn write(self, w: &mut Writer) {
        w.array(3);
        w.uint(self.limits);
        w.uint(self.assignment);
        w.uint(self.command);
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.array(3)?;
        Ok(Self { limits: r.uint()?, assignment: r.uint()?, command: r.uint()? })
    }
}

type Raw<'a> = (u64, Vec<(i64, &'a [u8])>, [Role; 4], i64, Option<Floors>);

fn fields(payload: &[u8]) -> Result<Raw<'_>, CborError> {
    let mut r = Reader::new(payload);
    let mut fields = r.fields()?;
    let version = fields.need(1, Reader::uint)?;
    let keys = fields.need(2, |r| {
        r.list(|r| {
            r.array(2)?;
            Ok::<_, CborError>((r.int()?, r.bytes()?))
        })
    })?;
    let roles = fields.need(3, |r| {
        r.array(4)?;
        Ok::<_, CborError>([role(r)?, role(r)?, role(r)?, role(r)?])
    })?;
    let at_ms = fields.need(4, Reader::int)?;
    let floors = fields.optional(5, Floors::read)?;
    fields.end()?;
    Ok((version, keys, roles, at_ms, floors))
}

fn role(r: &mut Reader<'_>) -> Result<Role, CborError> {
    r.array(2)?;
    let threshold = r.small::<u32>()? as usize;
    let kids = r.list(|r| Ok::<_, CborError>(Kid(r.fixed()?)))?;
    Ok(Role { threshold, kids })
}

const fn wrong(why: CborError) -> MandateError {
    MandateError::Payload { kind: Kind::Root, why }
}

const fn unsound(why: String) -> MandateError {
    MandateError::Unsound { kind: Kind::Root, why }
}
