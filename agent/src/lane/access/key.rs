//! The local key: what the commands on this machine act by.
//!
//! A new one at each start, in a file of the data directory that the agent's own user alone may read. Whoever reads it
//! could as well read the signing key beside it.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// File in the data directory with the local key in hexadecimal, while the agent runs.
pub const KEY_FILE: &str = "local.key";

/// Writes the key of this start in place of the last one's.
pub(crate) fn write(dir: &Path, key: &[u8; 32]) -> io::Result<PathBuf> {
    let (path, next) = (dir.join(KEY_FILE), dir.join("local.key.new"));
    match fs::remove_file(&next) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
    file.write_all(format!("{}\n", hex::encode(key)).as_bytes())?;
    fs::rename(&next, &path)?;
    Ok(path)
}

/// Reads the key of the running agent, in hexadecimal.
///
/// # Errors
///
/// When the file cannot be read.
pub fn read_key(dir: &Path) -> io::Result<String> {
    fs::read_to_string(dir.join(KEY_FILE)).map(|it| it.trim().to_owned())
}

/// 32 random bytes.
pub(crate) fn random() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}

/// A key or token as it stands in a header or a cookie.
pub(crate) fn from_hex(text: &str) -> Option<[u8; 32]> {
    (text.len() == 64).then(|| hex::decode(text).ok()?.try_into().ok()).flatten()
}
