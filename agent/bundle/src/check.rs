//! Checking a bundle with one's own registry.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

use tidewaiter_record::{Hash, Registry, Report, Verifier, open_head, parse, proof::Inclusion, split_sequence};

use crate::{
    case::{MAX_BYTES, Named},
    manifest::{FileEntry, Manifest, VERSION},
    nodes::{self, NodeRecord},
};

/// Files in a bundle at most.
const MAX_FILES: usize = 100_000;
/// Longest manifest read: a hundred bytes a file.
const MAX_MANIFEST: u64 = 32 << 20;

/// Why a file is no bundle that can be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It cannot be read, or is no tar file.
    #[error("the bundle cannot be read: {0}")]
    Input(#[from] io::Error),
    /// The manifest is missing or cannot be read.
    #[error("the bundle does not begin with a manifest.json that can be read: {0}")]
    Manifest(String),
    /// Another version.
    #[error("the bundle has version {0}, this program reads {VERSION}; use a newer one")]
    Version(u32),
    /// It is larger than any bundle.
    #[error("the bundle has more than {MAX_FILES} files or {MAX_BYTES} bytes; it was not read further")]
    TooLarge,
}

/// What does not fit in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Damage {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
}

/// What was found.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Checked {
    /// What the bundle says of itself.
    pub manifest: Manifest,
    /// The four answers, by the checker's registry.
    pub report: Report,
    /// What does not fit.
    pub damage: Vec<Damage>,
    /// Inclusion proofs that hold.
    pub proofs: u64,
    /// Heads that are signed by the centre.
    pub heads: u64,
    /// What the maker says of instrument nodes: its word, see `nodes.json`.
    pub nodes: Vec<NodeRecord>,
}

impl Checked {
    /// Whether anything speaks against the bundle.
    pub fn is_bad(&self) -> bool {
        self.report.is_bad() || !self.damage.is_empty() || self.nodes.iter().any(|it| !it.findings.is_empty())
    }
}

/// Whether bytes begin a tar file with a manifest, so that a program told "a file" knows how to read it.
pub fn is_bundle(beginning: &[u8]) -> bool {
    beginning.get(257..262) == Some(b"ustar") && beginning.starts_with(b"manifest.json\0")
}

/// Reads and checks a bundle.
///
/// # Errors
///
/// When it is no bundle. What is wrong inside one is in [`Checked`].
pub fn check(input: impl Read, registry: &Registry) -> Result<Checked, CheckError> {
    let mut archive = tar::Archive::new(input);
    let mut entries = archive.entries()?;
    let manifest = match entries.next() {
        Some(entry) => read_manifest(entry?)?,
        None => return Err(CheckError::Manifest("the archive is empty".to_owned())),
    };
    let listed: BTreeMap<&str, &FileEntry> = manifest.files.iter().map(|file| (file.name.as_str(), file)).collect();
    let mut damage = Vec::new();
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (mut left, mut count) = (MAX_BYTES, 0);
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(why) => {
                damage.push(Damage { file: "(archive)".to_owned(), what: format!("it ends early: {why}") });
                break;
            }
        };
        count += 1;
        let size = entry.size();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        left = left.checked_sub(size).filter(|_| count <= MAX_FILES).ok_or(CheckError::TooLarge)?;
        let mut bytes = Vec::new();
        let mut say = |what: String| damage.push(Damage { file: name.clone(), what });
        if let Err(why) = (&mut entry).take(size).read_to_end(&mut bytes) {
            say(format!("it cannot be read: {why}"));
        }
        if !entry.header().entry_type().is_file() {
            say("it is no plain file".to_owned());
        }
        match listed.get(name.as_str()) {
            None => say("the manifest does not list it".to_owned()),
            Some(file) if **file != FileEntry::of(&name, &bytes) => {
                say("size or SHA-256 differs from the manifest".to_owned());
            }
            Some(_) => {}
        }
        if files.insert(name.clone(), bytes).is_some() {
            damage.push(Damage { file: name, what: "it is there twice".to_owned() });
        }
    }
    for name in listed.keys().filter(|name| !files.contains_key(**name)) {
        damage.push(Damage { file: (*name).to_owned(), what: "the manifest lists it and it is not there".to_owned() });
    }
    Ok(judge(manifest, &files, registry, damage))
}

fn read_manifest(entry: tar::Entry<'_, impl Read>) -> Result<Manifest, CheckError> {
    if entry.path_bytes().as_ref() != b"manifest.json" {
        return Err(CheckError::Manifest("the first file has another name".to_owned()));
    }
    let mut text = Vec::new();
    entry.take(MAX_MANIFEST).read_to_end(&mut text)?;
    let value: serde_json::Value =
        serde_json::from_slice(&text).map_err(|why| CheckError::Manifest(why.to_string()))?;
    match value.get("version").and_then(serde_json::Value::as_u64).and_then(|it| u32::try_from(it).ok()) {
        Some(VERSION) => {}
        Some(other) => return Err(CheckError::Version(other)),
        None => return Err(CheckError::Manifest("it has no version".to_owned())),
    }
    serde_json::from_value(value).map_err(|why| CheckError::Manifest(why.to_string()))
}

fn judge(
    manifest: Manifest,
    files: &BTreeMap<String, Vec<u8>>,
    registry: &Registry,
    mut damage: Vec<Damage>,
) -> Checked {
    let file = |name: &str| files.get(name).map(Vec::as_slice).unwrap_or_default();
    let mut say = |file: &str, what: String| damage.push(Damage { file: file.to_owned(), what });
    for (name, bytes) in files {
        // A content goes by its hash: the name is what records refer to.
        for (folder, ending) in [("evidence/", ""), ("tables/", ".toml"), ("plans/", ".toml")] {
            if let Some(named) = name.strip_prefix(folder).and_then(|rest| rest.strip_suffix(ending))
                && Hash::of(bytes).to_string() != named
            {
                say(name, "its content has another SHA-256 than its name".to_owned());
            }
        }
    }
    let mut verifier = Verifier::new(registry).from_seq(manifest.first_seq);
    for (name, bytes) in files {
        if name.starts_with("evidence/") {
            verifier.evidence_present(Hash::of(bytes), bytes.len() as u64);
        }
    }
    // An excerpt does not begin with the record that the statement belongs to.
    if manifest.first_seq == 0 && !file("statement.cbor").is_empty() {
        verifier.push(file("statement.cbor"));
    }
    let mut hashes: BTreeMap<u64, Hash> = BTreeMap::new();
    let mut named = Named::default();
    for name in ["records.cborseq", "receipts.cborseq"] {
        for item in split_sequence(file(name)) {
            match item {
                Ok(item) => {
                    if let Some(record) = verifier.push(item) {
                        if record.header.chain.to_string() != manifest.chain {
                            say(
                                name,
                                format!("record {} is of another chain than the manifest says", record.header.seq),
                            );
                        }
                        hashes.insert(record.header.seq, record.hash());
                        named.add(&record);
                    } else if name == "records.cborseq" && parse(item).is_err() {
                        say(name, "it holds something that is no record".to_owned());
                    }
                }
                Err(broken) => verifier.push_broken(&broken),
            }
        }
    }
    let asked: BTreeSet<u64> = manifest.asked.iter().copied().collect();
    for seq in asked.iter().filter(|seq| !hashes.contains_key(seq)) {
        say("records.cborseq", format!("record {seq} was asked for and is not among the valid records"));
    }
    let ends = (hashes.keys().next().copied(), hashes.keys().next_back().copied());
    if ends != (Some(manifest.first_seq), Some(manifest.last_seq)) {
        say(
            "records.cborseq",
            format!("the manifest says records {} to {}, there are {ends:?}", manifest.first_seq, manifest.last_seq),
        );
    }
    let mut proofs = 0;
    for (name, bytes) in files.iter().filter(|(name, _)| name.starts_with("proofs/")) {
        match Inclusion::read(bytes).and_then(|proof| proof.check(registry).map(|_| proof)) {
            Ok(proof) if hashes.get(&proof.seq) == Some(&proof.hash) && proof.chain.to_string() == manifest.chain => {
                proofs += 1;
            }
            Ok(proof) => say(name, format!("it is about another record than record {} in here", proof.seq)),
            Err(why) => say(name, why.to_string()),
        }
    }
    let mut heads = 0;
    for head in split_sequence(file("heads.cborseq")) {
        match head.map_err(|why| why.to_string()).and_then(|it| open_head(it, registry).map_err(|why| why.to_string()))
        {
            Ok(_) => heads += 1,
            Err(why) => say("heads.cborseq", why),
        }
    }
    let mut nodes = Vec::new();
    if let Some(text) = files.get(nodes::FILE) {
        match nodes::read(text) {
            Ok(said) => nodes = said,
            Err(why) => say(nodes::FILE, why),
        }
    }
    for it in nodes.iter().filter(|it| !hashes.contains_key(&it.seq)) {
        say(nodes::FILE, format!("it speaks of record {}, which is not among the valid records", it.seq));
    }
    Checked { manifest, report: verifier.finish(), damage, proofs, heads, nodes }
}
