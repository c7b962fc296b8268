//! Limit tables and step programmes: the numbers a verdict cites.
//!
//! One file is one edition of one document, or one programme. Both kinds carry where their numbers
//! come from, and decimals as text, because the number of decimals of a limit is part of it
//! (GB/T 8170-2008 clause 4.3 rounds to it).

mod classes;
mod edition;
mod facts;
mod kind;
mod limit;
mod load;
mod model;
mod needs;
mod programme;
mod quantity;
mod row;
mod shipped;

pub use edition::{EditionClash, EditionConflict, clash};
pub use facts::FACTS;
pub(crate) use kind::pair;
pub use limit::*;
pub use load::load_str;
pub use model::*;
pub use needs::MOISTURE;
pub use programme::load_programme_str;
pub use quantity::ratio;
pub use shipped::{builtin, builtin_programmes, builtin_texts};

/// Limit tables and step programmes of one folder.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// Limit tables, by file name.
    pub tables: Vec<LimitTable>,
    /// Step programmes, by file name.
    pub programmes: Vec<Programme>,
}

/// Reads every `*.toml` of a folder; a file with `stages` is a programme, any other a limit table.
///
/// # Errors
///
/// All faults of all files.
pub fn load_dir(dir: &std::path::Path) -> Result<Folder, crate::Report> {
    load_dir_from(&crate::Files::disk(), dir)
}

/// As [`load_dir`], from another source than the disk.
///
/// # Errors
///
/// As [`load_dir`].
pub fn load_dir_from(files: &crate::Files, dir: &std::path::Path) -> Result<Folder, crate::Report> {
    let mut folder = Folder::default();
    let mut report = crate::Report::default();
    for path in files.toml_files(dir)? {
        match load_file_from(files, &path) {
            Ok(file) => {
                folder.tables.extend(file.tables);
                folder.programmes.extend(file.programmes);
            }
            Err(faults) => report.absorb(faults),
        }
    }
    if report.has_errors() { Err(report) } else { Ok(folder) }
}

/// Reads one file, a limit table or a programme.
///
/// # Errors
///
/// All faults of the file.
pub fn load_file(path: &std::path::Path) -> Result<Folder, crate::Report> {
    load_file_from(&crate::Files::disk(), path)
}

fn load_file_from(files: &crate::Files, path: &std::path::Path) -> Result<Folder, crate::Report> {
    let mut folder = Folder::default();
    let name = path.display().to_string();
    let text = files.read(path).and_then(|bytes| crate::reader::decode_utf8(&name, &bytes))?;
    if is_programme(&text) {
        folder.programmes.push(load_programme_str(&name, &text)?);
    } else {
        folder.tables.push(load_str(&name, &text)?);
    }
    Ok(folder)
}

fn is_programme(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("[[stages]]") || line.split('=').next().is_some_and(|key| key.trim() == "stages")
    })
}
