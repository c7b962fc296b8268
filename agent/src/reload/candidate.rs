//! A whole configuration as it was read: the site file and everything it names, checked as `tidewaiter check` does.
//!
//! All bytes come from one reading and are kept with it, so that what was checked, what is put into force and what is
//! laid by for a bad day are the same.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tidewaiter_config::{
    Files, Finding, Report, Severity, Snapshot, declarations,
    plan::{self, Known},
    site::{Site, load_site_from},
};
use tidewaiter_record::{Hash, Registry, RegistryClass};

use crate::downlink;

/// A configuration that can be put into force.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The site.
    pub site: Site,
    /// The keys believed for receipts.
    pub registry: Registry,
    /// What someone should look at.
    pub warnings: Vec<Finding>,
    /// Every file it was read from.
    pub files: Snapshot,
}

/// A configuration that cannot.
#[derive(Clone, Debug)]
pub struct Faulty {
    /// SHA-256 of the site file; absent when it could not be read.
    pub digest: Option<Hash>,
    /// SHA-256 over every file that was read: what tells one faulty state from another.
    pub whole: Hash,
    /// Every fault and every warning.
    pub report: Report,
}

impl Candidate {
    /// Reads the site file at `path` and what an agent cannot start without: tables, profiles, registry, root.
    ///
    /// # Errors
    ///
    /// Every fault of every file.
    pub fn read(path: &Path, files: &Files) -> Result<Self, Box<Faulty>> {
        match Self::read_all(path, files) {
            Ok((site, registry, warnings)) => Ok(Self { site, registry, warnings, files: files.seen() }),
            Err(report) => Err(Box::new(Faulty::of(path, files, report))),
        }
    }

    /// As [`Self::read`], with the plan and the declarations that the site file names. A running agent looks after those
    /// by itself, and a faulty one keeps none from starting; who changes a configuration wants to hear of it.
    ///
    /// # Errors
    ///
    /// Every fault of every file.
    pub fn read_whole(path: &Path, files: &Files) -> Result<Self, Box<Faulty>> {
        let mut candidate = Self::read(path, files)?;
        let mut report = Report::default();
        for read in candidate.beside(files) {
            match read {
                Ok(doubts) => candidate.warnings.extend(doubts),
                Err(faults) => report.absorb(faults),
            }
        }
        if report.has_errors() {
            report.absorb(Report::reread(candidate.warnings));
            return Err(Box::new(Faulty::of(path, files, report)));
        }
        Ok(candidate)
    }

    fn beside(&self, files: &Files) -> Vec<Result<Vec<Finding>, Report>> {
        let plan = self.site.plan.iter().map(|at| read_plan(files, at, &self.site));
        plan.chain(self.site.declarations.iter().map(|at| read_declarations(files, at))).collect()
    }

    fn read_all(path: &Path, files: &Files) -> Result<(Site, Registry, Vec<Finding>), Report> {
        let (site, warnings) = load_site_from(files, path)?;
        let mut report = Report::default();
        let registry = match &site.uplink {
            Some(uplink) => registry(files, &uplink.registry).map_err(|why| report.absorb(why)).ok(),
            None => Some(Registry::new(RegistryClass::Production)),
        };
        if let Err(why) = downlink::anchor(&site) {
            let at = site.authority.clone().unwrap_or_default();
            report.absorb(fault(&at, &why, "the root of signed orders, as the centre gives it out"));
        }
        match registry {
            Some(registry) if !report.has_errors() => Ok((site, registry, warnings)),
            _ => {
                report.absorb(Report::reread(warnings));
                Err(report)
            }
        }
    }
}

impl Faulty {
    /// A configuration that reads well and cannot be used all the same.
    pub(super) fn unusable(path: &Path, candidate: &Candidate, why: &str, way_out: &str) -> Self {
        let digest = Some(Hash(candidate.site.digest));
        Self { digest, whole: whole(&candidate.files), report: fault(path, why, way_out) }
    }

    fn of(path: &Path, files: &Files, report: Report) -> Self {
        let seen = files.seen();
        let digest = seen.files.get(path).map(|bytes| Hash(Sha256::digest(bytes).into()));
        Self { digest, whole: whole(&seen), report }
    }
}

fn registry(files: &Files, at: &Path) -> Result<Registry, Report> {
    let bytes = files.read(at)?;
    let text = String::from_utf8_lossy(&bytes);
    let way_out = "the registry of the centre; ask the centre for it";
    Registry::from_json(&text).map_err(|why| fault(at, &why.to_string(), way_out))
}

fn read_plan(files: &Files, at: &Path, site: &Site) -> Result<Vec<Finding>, Report> {
    let text = text(files, at)?;
    plan::load_str(&at.display().to_string(), &text, &Known::of(site)).map(|(_, warnings)| warnings)
}

fn read_declarations(files: &Files, at: &Path) -> Result<Vec<Finding>, Report> {
    let text = text(files, at)?;
    declarations::load_str(&at.display().to_string(), &text).map(|(_, warnings)| warnings)
}

fn text(files: &Files, at: &Path) -> Result<String, Report> {
    let bytes = files.read(at)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let utf8 = std::str::from_utf8(bytes).map(str::to_owned);
    utf8.map_err(|why| fault(at, &format!("it is not UTF-8: {why}"), "the same file, saved with the encoding UTF-8"))
}

fn fault(at: &Path, what: &str, way_out: &str) -> Report {
    let file = at.display().to_string();
    let finding = Finding {
        severity: Severity::Error,
        file: file.clone(),
        line: 0,
        column: 0,
        span: 0..0,
        what: what.to_owned(),
        way_out: way_out.to_owned(),
    };
    Report::new(file, "", vec![finding])
}

/// One hash over everything read, each part with its name and its length before it.
pub(super) fn whole(files: &Snapshot) -> Hash {
    let mut digest = Sha256::new();
    let part = |digest: &mut Sha256, bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    let name = |path: &PathBuf| path.to_string_lossy().into_owned().into_bytes();
    for (path, content) in &files.files {
        part(&mut digest, &name(path));
        part(&mut digest, content);
    }
    for (path, listed) in &files.folders {
        part(&mut digest, &name(path));
        for file in listed {
            part(&mut digest, &name(file));
        }
    }
    Hash(digest.finalize().into())
}
