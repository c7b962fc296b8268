//! What the duties need of the world: the plan's file, random numbers, the name of this boot.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Largest plan read: the text is kept beside the records.
const LARGEST: u64 = 1 << 20;
/// Where Linux names the boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The plan's file, looked at again and again.
#[derive(Debug)]
pub(super) struct PlanFile {
    path: PathBuf,
    stamp: Option<(SystemTime, u64)>,
    missing: bool,
}

impl PlanFile {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), stamp: None, missing: false }
    }

    /// What findings call it.
    pub(super) fn name(&self) -> String {
        self.path.file_name().map_or_else(|| "plan".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Its text, or why there is none, when that has changed.
    pub(super) fn changed(&mut self) -> Option<Result<String, String>> {
        let stamp = fs::metadata(&self.path).and_then(|meta| Ok((meta.modified()?, meta.len())));
        let stamp = match stamp {
            Ok(stamp) => stamp,
            Err(why) => {
                let told = std::mem::replace(&mut self.missing, true);
                self.stamp = None;
                return (!told).then(|| Err(why.to_string()));
            }
        };
        self.missing = false;
        if self.stamp == Some(stamp) {
            return None;
        }
        self.stamp = Some(stamp);
        if stamp.1 > LARGEST {
            return Some(Err(format!("{} bytes, and a plan has {LARGEST} at most", stamp.1)));
        }
        Some(fs::read_to_string(&self.path).map_err(|why| why.to_string()))
    }
}

/// A seed nobody can foresee.
pub(super) fn seed() -> Result<[u8; 32], String> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|why| why.to_string())?;
    Ok(seed)
}

/// The name of this boot; empty where the system gives none, and then the wall clock counts across restarts.
pub(super) fn boot() -> String {
    fs::read_to_string(BOOT_ID).map(|text| text.trim().to_owned()).unwrap_or_default()
}
