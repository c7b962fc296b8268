//! `tidewaiter-collector version`: name and version, and the hash of the executable file.

use std::{
    fs::File,
    io::{self, Read, Write as _},
};

use sha2::{Digest as _, Sha256};

/// Name and version.
const SOFTWARE: &str = concat!("tidewaiter-collector ", env!("CARGO_PKG_VERSION"));

pub(super) fn show(json: bool) -> io::Result<u8> {
    let hash = executable().ok();
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::json!({ "software": SOFTWARE, "sha256": hash }))?;
    } else {
        let hash = hash.unwrap_or_else(|| "unknown: the executable cannot be read".to_owned());
        writeln!(out, "{SOFTWARE}\nsha256 {hash}")?;
    }
    Ok(0)
}

/// SHA-256 of the running program, hex.
fn executable() -> io::Result<String> {
    let mut file = File::open("/proc/self/exe")?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex::encode(digest.finalize())),
            read => digest.update(piece.get(..read).unwrap_or_default()),
        }
    }
}
