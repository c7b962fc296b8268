//! Writes the vectors of signed orders into a folder:
//! `cargo run -p tidewaiter-record --example mandate_vectors -- FOLDER`.
//!
//! Fixed keys and fixed content: two runs write the same bytes. The files in the repository are frozen; a test compares
//! them with what is written here.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[path = "../tests/mandate/cases.rs"]
mod cases;
#[path = "../tests/mandate/files.rs"]
mod files;
#[path = "../tests/mandate/people.rs"]
mod people;

use std::{error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: mandate_vectors FOLDER")?);
    fs::create_dir_all(&folder)?;
    let files = files::files();
    for (name, text) in &files {
        fs::write(folder.join(name), text)?;
    }
    println!("{} files", files.len());
    Ok(())
}
