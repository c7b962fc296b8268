//! The own executable and the host's temperatures, as the operating system shows them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::Path,
    sync::OnceLock,
};

use sha2::{Digest, Sha256};
use tidewaiter_record::Hash;

/// The running program, whatever has become of its name since.
const EXECUTABLE: &str = "/proc/self/exe";
/// Where the kernel shows temperatures (Linux `thermal_zone`, thousandths of a degree Celsius).
const THERMAL: &str = "/sys/class/thermal";
/// Zones shown at most.
const ZONES: usize = 8;

/// SHA-256 of the running executable file, read once; none where it cannot be read.
///
/// Software identification as OIML D 31 and WELMEC 7.2 ask for it.
pub fn executable() -> Option<Hash> {
    static HASH: OnceLock<Option<Hash>> = OnceLock::new();
    *HASH.get_or_init(|| match hash_of(Path::new(EXECUTABLE)) {
        Ok(hash) => Some(hash),
        Err(why) => {
            tracing::warn!(%why, "the own executable cannot be read; records name the software without its hash");
            None
        }
    })
}

fn hash_of(path: &Path) -> io::Result<Hash> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Hash(digest.finalize().into())),
            read => digest.update(piece.get(..read).unwrap_or_default()),
        }
    }
}

/// Temperatures by gauge name, thousandths of a degree Celsius; empty where the host shows none.
pub fn temperatures() -> BTreeMap<String, i64> {
    temperatures_in(Path::new(THERMAL))
}

fn temperatures_in(folder: &Path) -> BTreeMap<String, i64> {
    let zone = |number: usize| {
        let text = fs::read_to_string(folder.join(format!("thermal_zone{number}/temp"))).ok()?;
        Some((format!("temperature-zone{number}-millicelsius"), text.trim().parse().ok()?))
    };
    (0..ZONES).filter_map(zone).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_executable_is_hashed_whole() {
        let whole = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(executable(), Some(Hash::of(&whole)));
        assert!(hash_of(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn zones_that_say_no_number_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        for (zone, text) in [(0, "48500\n"), (1, "nonsense"), (2, "-3000")] {
            let zone = dir.path().join(format!("thermal_zone{zone}"));
            fs::create_dir(&zone).unwrap();
            fs::write(zone.join("temp"), text).unwrap();
        }
        let shown: Vec<_> = temperatures_in(dir.path()).into_iter().collect();
        let name = |zone| format!("temperature-zone{zone}-millicelsius");
        assert_eq!(shown, [(name(0), 48_500), (name(2), -3_000)]);
        assert!(temperatures_in(Path::new("/nowhere")).is_empty());
    }
}
