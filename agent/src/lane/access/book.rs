//! The users in force: the last good users file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use subtle::ConstantTimeEq as _;
use tidewaiter_config::users::{Role, User};
use tidewaiter_record::Hash;

use super::file::{self, FileError, Stamp};

/// What a new users file changes, for the record: names only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// SHA-256 of the file in force; `None` when there is none.
    pub(crate) file: Option<Hash>,
    /// Users there are now.
    pub(crate) count: usize,
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) changed: Vec<String>,
}

/// The users in force.
#[derive(Debug, Default)]
pub(crate) struct Book {
    path: Option<PathBuf>,
    seen: Option<Stamp>,
    begun: bool,
    users: BTreeMap<String, User>,
    fault: Option<String>,
}

impl Book {
    /// Looks whether the file has changed. A faulty one is told once and leaves the last good one in force; where there
    /// is none, or another file is named, nobody is known until it can be read.
    pub(crate) fn refresh(&mut self, path: Option<&Path>) -> Option<Result<Change, FileError>> {
        let another = self.path.as_deref() != path;
        if another {
            *self = Self { path: path.map(Path::to_owned), users: std::mem::take(&mut self.users), ..Self::default() };
        }
        let Some(path) = path else {
            return (another && !self.users.is_empty()).then(|| Ok(self.take(Vec::new(), None)));
        };
        let stamp = file::stamp(path);
        if self.begun && stamp == self.seen {
            return None;
        }
        self.seen = stamp;
        self.begun = true;
        match file::read(path) {
            Ok((users, hash)) => {
                self.fault = None;
                Some(Ok(self.take(users, Some(hash))))
            }
            Err(fault) => {
                self.fault = Some(fault.to_string());
                // Without a file, and with one of another name, the users of before are not those of this file.
                if another || fault.is_absent() {
                    self.users.clear();
                }
                Some(Err(fault))
            }
        }
    }

    fn take(&mut self, users: Vec<User>, file: Option<Hash>) -> Change {
        let users: BTreeMap<String, User> =
            users.into_iter().map(|user| (user.name.to_ascii_lowercase(), user)).collect();
        let names = |it: &BTreeMap<String, User>, pick: &dyn Fn(&str, &User) -> bool| -> Vec<String> {
            it.iter().filter(|(key, user)| pick(key, user)).map(|(_, user)| user.name.clone()).collect()
        };
        let change = Change {
            file,
            count: users.len(),
            added: names(&users, &|key, _| !self.users.contains_key(key)),
            removed: names(&self.users, &|key, _| !users.contains_key(key)),
            changed: names(&users, &|key, user| self.users.get(key).is_some_and(|it| it != user)),
        };
        self.users = users;
        change
    }

    /// Why the file that is named is not in force.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The user of this name, if they may come in.
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        self.users.get(&name.to_ascii_lowercase()).filter(|it| !it.disabled)
    }

    /// Whether there is such a user, whatever they may.
    pub(crate) fn knows(&self, name: &str) -> Option<&str> {
        self.users.get(&name.to_ascii_lowercase()).map(|it| it.name.as_str())
    }

    /// The user whose token this is.
    pub(crate) fn by_token(&self, token: &[u8; 32]) -> Option<&User> {
        let hash = Hash::of(token).0;
        let mut found = None;
        // All are compared, whichever it is.
        for user in self.users.values() {
            for token in &user.tokens {
                if bool::from(token.sha256.ct_eq(&hash)) && !user.disabled {
                    found = Some(user);
                }
            }
        }
        found
    }
}

/// What an open session hangs on: whoever's password, role or name changes signs in again. A new token changes nothing.
pub(crate) fn entry(user: &User) -> Hash {
    let role: Role = user.role;
    let parts = [user.name.as_str(), &user.display, role.word(), user.password.as_deref().unwrap_or_default()];
    // No part holds a control character.
    Hash::of(parts.join("\n").as_bytes())
}
