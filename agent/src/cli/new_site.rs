//! `tidewaiter new site`: a shipped, commented site file with this site's names in it.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use tidewaiter_config::site::site_from_str;
use tidewaiter_console::note;

use super::{
    Failure, OK, Outcome,
    output::{outln, said},
    site_text,
};
use crate::wiring::{Target, TargetError};

/// The examples, by name: what `config/sites/` holds.
const SITES: [(From, &str, &str); 5] = [
    (From::Lane, include_str!("../../../config/sites/lane.toml"), "lane"),
    (From::TextileLab, include_str!("../../../config/sites/textile-lab.toml"), "textile-bench"),
    (From::TyreLab, include_str!("../../../config/sites/tyre-lab.toml"), "rig"),
    (From::RadiationLab, include_str!("../../../config/sites/radiation-lab.toml"), "gamma-spectrum"),
    (From::MaterialsLab, include_str!("../../../config/sites/materials-lab.toml"), "coal"),
];

/// The declarations file that goes with the textile laboratory.
const DECLARED: (&str, &str) = ("samples.csv", "subject,category,goods\nT-2601,B,woven cotton shirt\n");

/// Subcommands of `tidewaiter new`.
#[derive(Debug, Subcommand)]
pub(super) enum NewCommand {
    /// Make a site file with notes, which passes check at once.
    ///
    /// Example: tidewaiter new site --from textile-lab --site yantian --agent lab-2 --out site.toml
    Site(NewSiteArgs),
}

/// What it is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum From {
    /// A lane: weighbridge, radiation portal, dose rate, plates.
    Lane,
    /// Textiles: pH, formaldehyde, fastness, cotton.
    TextileLab,
    /// Tyres: drum, uniformity, rolling resistance.
    TyreLab,
    /// Gamma spectra and survey meters.
    RadiationLab,
    /// Ores, coal, brake linings.
    MaterialsLab,
}

/// Options of `tidewaiter new site`.
#[derive(Debug, Args)]
pub(super) struct NewSiteArgs {
    /// The kind of place.
    #[arg(long, value_enum)]
    from: From,
    /// File to write; standard output without it. What is there is never overwritten.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Site id, part of every topic: a-z A-Z 0-9 - _ .
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// Agent id: the name of this machine, as in its certificate.
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Only these lanes, rigs, watches or checks, with the instruments and ports they need.
    #[arg(long, value_name = "PLACE")]
    only: Vec<String>,
    /// Where a port is: ph-line=serial:///dev/serial/by-id/…?baud=9600 or gamma-line=tcp://192.168.7.21:502
    #[arg(long, value_name = "PORT=ADDRESS", value_parser = port_at)]
    port: Vec<(String, Target)>,
    /// For a bench against tidewaiter-sim: no uplink, and the commands that give every instrument its simulated port.
    #[arg(long)]
    simulator: bool,
}

pub(super) fn new(command: &NewCommand) -> Outcome {
    let NewCommand::Site(args) = command;
    let Some((_, example, scene)) = SITES.iter().find(|(from, ..)| *from == args.from) else {
        return Err(Failure::usage("no such example"));
    };
    let mut text = (*example).to_owned();
    for (key, id) in [("id", &args.site), ("agent", &args.agent)] {
        if let Some(id) = id {
            text = with_id(&text, key, id);
        }
    }
    if !args.only.is_empty() {
        text = site_text::only(&text, &args.only).map_err(|(stranger, known)| {
            Failure::usage(said!("new-no-place", id = stranger, known = known.join(", ")))
        })?;
    }
    for (id, target) in &args.port {
        text = site_text::with_port(&text, id, target)
            .map_err(|known| Failure::usage(said!("new-no-port", id = id, known = known.join(", "))))?;
    }
    if args.simulator {
        text = format!("{}{}", hint(scene), without_uplink(&text));
    }
    // An id that cannot stand in a topic is refused before there is a file.
    site_from_str(&text, Path::new(".")).map_err(|report| Failure::usage(report.to_string().trim_end()))?;
    let Some(path) = &args.out else {
        outln!("{}", text.trim_end());
        return Ok(OK);
    };
    let written = OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|why| match why.kind() {
        ErrorKind::AlreadyExists => Failure::environment(said!("new-exists", path = path.display())),
        _ => Failure::environment(format!("{}: {why}", path.display())),
    })?;
    note(format_args!("{}", said!("new-written", path = path.display())));
    if args.from == From::TextileLab {
        declare(&path.with_file_name(DECLARED.0))?;
    }
    Ok(OK)
}

/// What is declared about the sample of the first hour; a file that is there stays.
fn declare(path: &Path) -> Result<(), Failure> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut it| it.write_all(DECLARED.1.as_bytes()))
    {
        Ok(()) => note(format_args!("{}", said!("new-declared", path = path.display()))),
        Err(why) if why.kind() == ErrorKind::AlreadyExists => {}
        Err(why) => return Err(Failure::environment(format!("{}: {why}", path.display()))),
    }
    Ok(())
}

fn port_at(text: &str) -> Result<(String, Target), String> {
    let (id, target) = text.split_once('=').ok_or_else(|| format!("{text:?} is not PORT=ADDRESS"))?;
    Ok((id.to_owned(), target.parse().map_err(|why: TargetError| why.to_string())?))
}

/// Puts `id` in the first line that sets `key`, which in every example stands in `[site]`; the note behind it stays.
fn with_id(text: &str, key: &str, id: &str) -> String {
    let mut done = false;
    let lines = text.lines().map(|line| match line.strip_prefix(key).and_then(|rest| rest.strip_prefix(" = \"")) {
        Some(rest) if !done => {
            done = true;
            let (_, after) = rest.split_once('"').unwrap_or(("", ""));
            // Quoted by TOML's own rule, so that no id can become another key.
            format!("{key} = {}{after}", serde_json::Value::from(id))
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Leaves out `[uplink]` and the tables below it.
fn without_uplink(text: &str) -> String {
    let mut within = false;
    let kept = text.lines().filter(|line| {
        if line.starts_with('[') {
            within = line.starts_with("[uplink");
        }
        !within
    });
    kept.collect::<Vec<_>>().join("\n") + "\n"
}

/// How to get the same place with every instrument on a simulated port.
fn hint(scene: &str) -> String {
    format!(
        "# For a bench without instruments, in three shells:\n\
         #     tidewaiter-sim run {scene} --dir sim --lead-in 5s --config-out sim.toml\n\
         #     tidewaiter keys init --config sim.toml --simulated && tidewaiter run --config sim.toml\n\
         #     tidewaiter status --config sim.toml --watch\n\
         # sim.toml names the simulated ports (every instrument simulated = true); this file is the same kind of place with\n\
         # real ones. Take over address and path of a port from it to try this file against the simulator.\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_example_is_right_with_names_of_its_own() {
        for (from, text, _) in SITES {
            let text = with_id(&with_id(text, "id", "yantian"), "agent", "lab-2");
            let (site, _) = site_from_str(&text, Path::new(".")).unwrap_or_else(|report| panic!("{from:?}: {report}"));
            assert_eq!((site.id.as_str(), site.agent.as_str()), ("yantian", "lab-2"));
            let bench = without_uplink(&text);
            assert!(site_from_str(&bench, Path::new(".")).unwrap().0.uplink.is_none(), "{from:?}");
        }
    }

    #[test]
    fn an_id_cannot_smuggle_in_a_key() {
        let text = with_id(SITES[0].1, "id", "x\"\nagent = \"y");
        assert!(site_from_str(&text, Path::new(".")).is_err());
        assert!(!text.contains("\nagent = \"y"), "{text}");
    }
}
