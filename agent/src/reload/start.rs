//! The start: with the configuration on disk, or with the last good one where that is broken.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use tidewaiter_config::{Files, Report};

use super::{Candidate, Faulty, Kept};

/// What an agent begins with.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// The configuration.
    pub candidate: Candidate,
    /// What is wrong with the one on disk, when this is the last good one.
    pub fallen_back: Option<Box<Faulty>>,
}

/// Reads the configuration at `path`. Where that has faults, the last good one of the same site file is taken, unless
/// `strict`. `state_directory` is where a service manager keeps the data directory, if it does.
///
/// # Errors
///
/// The faults, when there is no last good one.
pub fn begin(path: &Path, strict: bool, state_directory: Option<OsString>) -> Result<Beginning, Report> {
    let faulty = match Candidate::read(path, &Files::disk()) {
        Ok(candidate) => return Ok(Beginning { candidate, fallen_back: None }),
        Err(faulty) => faulty,
    };
    if strict {
        return Err(faulty.report);
    }
    let good = data_dirs(path, state_directory).into_iter().find_map(|dir| Kept::new(&dir).newest(path));
    // What was sound then is sound now, unless this is another version of the program, or a file that is not kept is gone.
    let candidate = good.and_then(|good| Candidate::read(&good.path, &Files::kept(good.files)).ok());
    match candidate {
        Some(candidate) => Ok(Beginning { candidate, fallen_back: Some(faulty) }),
        None => Err(faulty.report),
    }
}

/// The data directory that holds the last good configuration of this site file, which itself cannot be read.
pub fn kept_dir(path: &Path, state_directory: Option<OsString>) -> Option<PathBuf> {
    data_dirs(path, state_directory).into_iter().find(|dir| Kept::new(dir).newest(path).is_some())
}

/// Where the data directory of a site file that cannot be read may be. A guess is harmless: what lies there names the
/// site file it belongs to.
fn data_dirs(path: &Path, state_directory: Option<OsString>) -> Vec<PathBuf> {
    let base = path.parent().unwrap_or(Path::new(""));
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut dirs: Vec<PathBuf> = named(&text).into_iter().map(|it| base.join(it)).collect();
    if let Some(listed) = state_directory {
        // systemd separates several by colons.
        dirs.extend(listed.to_string_lossy().split(':').map(PathBuf::from));
    }
    dirs.push(base.join("data"));
    dirs
}

/// What stands behind `dir =` in the table `[store]`, line by line: the rest of the file may be anything.
fn named(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_store = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_store = line.starts_with("[store]");
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        if in_store && key.trim() == "dir" {
            let value = value.trim();
            let quote = if value.starts_with('\'') { '\'' } else { '"' };
            found.extend(value.split(quote).nth(1).map(str::to_owned));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_directory_is_found_in_a_broken_file() {
        // Text, folders named
        let rows: [(&str, &[&str]); 6] = [
            ("[store]\ndir = \"/var/lib/tidewaiter\" # here\n[[[", &["/var/lib/tidewaiter"]),
            ("[store] # x\nbudget = \n  dir='data'\n", &["data"]),
            ("[limits]\ndir = \"limits\"\n", &[]),
            ("[store]\ndir = data\n", &[]),
            ("[store]\ndir = \"cut", &["cut"]),
            ("", &[]),
        ];
        for (text, dirs) in rows {
            assert_eq!(named(text), dirs, "{text:?}");
        }
    }
}
