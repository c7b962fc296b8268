//! Passwords: argon2id, by the parameters OWASP recommends for it (19 MiB, two passes, one lane).

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString},
};

/// Fewest characters of a password. NIST SP 800-63B asks for 8 beside a throttle; the page stands on a counter.
pub(crate) const LEAST_CHARACTERS: usize = 10;
/// Most bytes of a password: more is not hashed.
pub(crate) const MOST_BYTES: usize = 256;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// Too short.
    #[error("a password has at least {LEAST_CHARACTERS} characters; a few words are easier to keep than a few signs")]
    Short,
    /// Too long.
    #[error("a password has at most {MOST_BYTES} bytes")]
    Long,
    /// It says who it belongs to, or next to nothing.
    #[error("a password must not contain the user's name, and must have five different characters at least")]
    Plain,
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// Hashes a new password.
pub(crate) fn hash(name: &str, password: &str) -> Result<String, Unfit> {
    if password.chars().count() < LEAST_CHARACTERS {
        return Err(Unfit::Short);
    }
    if password.len() > MOST_BYTES {
        return Err(Unfit::Long);
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 5 || password.to_lowercase().contains(&name.to_lowercase()) {
        return Err(Unfit::Plain);
    }
    hash_of(password.as_bytes())
}

/// The hash that unknown names are tried against, so that they take as long as known ones. Nobody knows its password.
pub(crate) fn nobodys() -> Result<String, Unfit> {
    let mut password = [0; 32];
    getrandom::fill(&mut password).map_err(|_| Unfit::Randomness)?;
    hash_of(&password)
}

fn hash_of(password: &[u8]) -> Result<String, Unfit> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| Unfit::Randomness)?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| Unfit::Randomness)?;
    argon2().hash_password(password, &salt).map(|it| it.to_string()).map_err(|_| Unfit::Long)
}

/// Whether a password is the one that was hashed. Takes as long either way.
pub(crate) fn is_right(hash: &str, password: &str) -> bool {
    let bytes = password.as_bytes();
    let tried = bytes.get(..MOST_BYTES).unwrap_or(bytes);
    let matches = PasswordHash::new(hash).is_ok_and(|it| argon2().verify_password(tried, &it).is_ok());
    matches && bytes.len() <= MOST_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_hash_the_users_file_takes() {
        let made = hash("lina", "tide at the seventh gate").expect("fit");
        assert!(tidewaiter_config::users::is_accepted_hash(&made), "{made}");
        assert!(tidewaiter_config::users::is_accepted_hash(&nobodys().expect("random")));
        assert!(is_right(&made, "tide at the seventh gate"));
        assert!(!is_right(&made, "tide at the seventh gat"));
        assert!(!is_right(&made, ""));
        assert!(!is_right("$argon2id$v=19$m=19456,t=2,p=1$$", "tide at the seventh gate"));
    }

    #[test]
    fn weak_ones_are_not_taken() {
        let refused = |password: &str| hash("lina", password).err();
        assert_eq!(refused("short"), Some(Unfit::Short));
        assert_eq!(refused("盐田港七号闸口"), Some(Unfit::Short));
        assert_eq!(refused(&"x1y2z".repeat(60)), Some(Unfit::Long));
        assert_eq!(refused("aaaaaaaaaaaa"), Some(Unfit::Plain));
        assert_eq!(refused("I am LiNa of gate 7"), Some(Unfit::Plain));
    }
}
