//! The fuzz targets over their committed corpus, on a stable toolchain.
//!
//! Beside its own folder each target gets the frames of `drivers/frames`, the records of the frozen vectors and the
//! shipped configuration files, the decoders of frames no more than [`NOISE_BYTES`] of each: what one reader takes is
//! noise to the others, and noise of the likely kind.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use tidewaiter_tests::fuzz::{TARGETS, Target};

/// Most bytes of an input that a decoder of frames gets from elsewhere, longer than any frame file.
const NOISE_BYTES: usize = 2 * 1024;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Files with this ending, below a folder, in the order of their names.
fn files(below: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(below).unwrap_or_else(|why| panic!("{}: {why}", below.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|it| it == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn unhex(path: &Path, text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    hex::decode(&digits).unwrap_or_else(|why| panic!("{}: {why} in {text:?}", path.display()))
}

/// One input per line in hexadecimal; behind `#` stands what it is, behind `=>` what it means.
fn rows(path: &Path) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(path).unwrap();
    let bare = |line: &str| line.split('#').next().and_then(|it| it.split("=>").next()).unwrap_or_default().to_owned();
    text.lines().map(bare).filter(|it| !it.trim().is_empty()).map(|line| unhex(path, &line)).collect()
}

/// Inputs that every target gets: the frames of a file as one stream, vectors, configuration.
fn everyones() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for path in files(&root().join("drivers/frames"), "hex") {
        inputs.push(rows(&path).concat());
    }
    for path in files(&root().join("agent/record/vectors/v1"), "hex") {
        inputs.push(unhex(&path, &fs::read_to_string(&path).unwrap()));
    }
    for ending in ["json", "toml"] {
        let folder = if ending == "json" { "agent/record/vectors/v1" } else { "config" };
        inputs.extend(files(&root().join(folder), ending).iter().map(|path| fs::read(path).unwrap()));
    }
    inputs
}

fn replay(name: &str, target: Target, shared: &[Vec<u8>]) -> usize {
    let folder = root().join("tests/fuzz/corpus").join(name);
    let own: Vec<_> = files(&folder, "hex").iter().flat_map(|path| rows(path)).collect();
    assert!(!own.is_empty(), "{} holds no input", folder.display());
    // Long files are read whole by those they are for; to a decoder of frames they are noise, of which a little does.
    let most = if matches!(name, "record" | "config" | "registry") { usize::MAX } else { NOISE_BYTES };
    for input in &own {
        target(input);
    }
    // Every text costs the readers of configuration the shipped tables once more; of the noise one in eight does.
    let every = if name == "config" { 8 } else { 1 };
    let wanted = |&(at, input): &(usize, &Vec<u8>)| at % every == 0 || input.windows(3).any(|it| it == b" = ");
    let others: Vec<_> = shared.iter().enumerate().filter(wanted).map(|(_, input)| input).collect();
    for input in &others {
        target(input.get(..most).unwrap_or(input));
    }
    target(&[]);
    own.len() + others.len() + 1
}

#[test]
fn every_target_survives_its_corpus() {
    let shared = everyones();
    let started = Instant::now();
    for (name, target) in TARGETS {
        let began = Instant::now();
        let inputs = replay(name, target, &shared);
        println!("{name}: {inputs} inputs in {} ms", began.elapsed().as_millis());
    }
    println!("replayed in {} ms", started.elapsed().as_millis());
}

#[test]
fn every_target_has_its_file_and_its_corpus_and_nothing_else_stands_there() {
    let fuzz = root().join("tests/fuzz");
    let mut names: Vec<_> = TARGETS.iter().map(|&(name, _)| name.to_owned()).collect();
    names.sort();
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let sources: Vec<_> = files(&fuzz.join("fuzz_targets"), "rs").iter().map(stem).collect();
    assert_eq!(sources, names);
    let mut folders: Vec<_> = fs::read_dir(fuzz.join("corpus")).unwrap().map(|it| stem(&it.unwrap().path())).collect();
    folders.sort();
    assert_eq!(folders, names);
    let manifest: toml::Table = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap().parse().unwrap();
    let bins: Vec<_> = manifest["bin"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    let targets: Vec<_> = TARGETS.iter().map(|&(name, _)| name).collect();
    assert_eq!(bins, targets);
}
