//! The own executable and the host's temperatures, as the operating system shows them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
    sync::OnceLock,
};

use sha2::{Digest, Sha256};
use tidewaiter_record::Hash;

use super::poison::{Abort, KEPT};

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

/// File in the data directory with the aborts of earlier runs, one JSON object a line.
const ABORTS_FILE: &str = "aborts.jsonl";
/// The file is kept below this.
const ABORTS_BYTES: u64 = 64 * 1024;

/// Writes down that this process is about to abort. Called at the end of a process: what fails is left.
pub fn note_abort(dir: &Path, abort: &Abort) {
    let path = dir.join(ABORTS_FILE);
    let Ok(mut line) = serde_json::to_string(abort) else { return };
    line.push('\n');
    let file = File::options().create(true).append(true).open(path);
    let _ = file.and_then(|mut file| file.write_all(line.as_bytes()).and_then(|()| file.sync_all()));
}

/// The aborts of earlier runs, oldest first, and no more than are of use. A line that was torn is left out.
pub fn aborts(dir: &Path) -> Vec<Abort> {
    let path = dir.join(ABORTS_FILE);
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(ABORTS_BYTES).read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    let all: Vec<Abort> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let kept = all.get(all.len().saturating_sub(KEPT)..).unwrap_or_default().to_vec();
    if all.len() > KEPT {
        let text: String = kept.iter().filter_map(|it| Some(serde_json::to_string(it).ok()? + "\n")).collect();
        if let Err(why) = fs::write(&path, text) {
            tracing::warn!(%why, file = %path.display(), "the list of aborts could not be shortened");
        }
    }
    kept
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
    fn aborts_are_kept_in_order_and_few() {
        let dir = tempfile::tempdir().unwrap();
        assert!(aborts(dir.path()).is_empty());
        let abort = |at_ms| Abort { port: "bus-a".into(), at_ms, why: "x.rs:1".into() };
        for at_ms in 0..40 {
            note_abort(dir.path(), &abort(at_ms));
        }
        fs::OpenOptions::new().append(true).open(dir.path().join(ABORTS_FILE)).unwrap().write_all(b"{\"port").unwrap();
        let expected: Vec<Abort> = (8..40).map(abort).collect();
        assert_eq!(aborts(dir.path()), expected);
        assert_eq!(aborts(dir.path()), expected, "shortened");
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
