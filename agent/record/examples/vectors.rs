//! Writes the vectors of version 1 into a folder: `cargo run -p tidewaiter-record --example vectors -- FOLDER`, with
//! `signatures` behind it those of `vectors/signatures`.
//!
//! Fixed keys, fixed clocks and fixed content, and Ed25519 draws no randomness: two runs write the same
//! bytes. The files in the repository are frozen; a test compares them with what is written here.

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use std::{error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: vectors FOLDER [signatures]")?);
    fs::create_dir_all(folder.join("cases"))?;
    let signatures = std::env::args_os().nth(2).is_some_and(|it| it == "signatures");
    let files = if signatures { fixture::files::negative_files() } else { fixture::files::files() };
    for (name, text) in &files {
        fs::write(folder.join(name), text)?;
    }
    println!("{} files", files.len());
    Ok(())
}
