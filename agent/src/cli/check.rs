//! `tidewaiter check`.

use std::{io::IsTerminal, path::PathBuf};

use clap::Args;
use comfy_table::Table;
use tidewaiter_config::{
    Severity,
    plan::{self as monitoring, Known},
    site::{check_environment, hours_held, load_site, unregistered},
};
use tidewaiter_words::Language;

use super::{FINDING, OK, Outcome, USAGE, output::outln, plan::summary};
use crate::acquire::plan::{self, Description};

/// Options of `tidewaiter check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Site file.
    #[arg(value_name = "SITE")]
    site: PathBuf,
    /// Only the file: do not look whether devices and hosts are there.
    #[arg(long)]
    offline: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(super) fn check(args: &CheckArgs) -> Outcome {
    let color = std::io::stdout().is_terminal();
    let (site, warnings) = match load_site(&args.site) {
        Ok(loaded) => loaded,
        Err(report) => {
            let text = if color { report.render(true) } else { report.to_string() };
            outln!("{}", text.trim_end());
            return Ok(USAGE);
        }
    };
    for warning in &warnings {
        outln!("{warning}");
    }
    for warning in unregistered(&site) {
        outln!("{warning}");
    }
    let mut code = OK;
    if !args.offline {
        for finding in check_environment(&site) {
            outln!("{finding}");
            if finding.severity == Severity::Error {
                code = FINDING;
            }
        }
    }
    code = print_plans(&plan::describe(&site), code);
    if let Some(file) = &site.plan {
        match monitoring::load(file, &Known::of(&site)) {
            Ok((plan, warnings)) => {
                for warning in &warnings {
                    outln!("{warning}");
                }
                outln!("{}", summary(Language::from_env(), &plan));
            }
            Err(report) => {
                let text = if color { report.render(true) } else { report.to_string() };
                outln!("{}", text.trim_end());
                code = USAGE;
            }
        }
    }
    outln!(
        "{}: {} ports, {} instruments, {} lanes, {} rigs, {} watches, {} limit tables; the store holds about {} h without uplink",
        args.site.display(),
        site.ports.len(),
        site.instruments.len(),
        site.lanes.len(),
        site.rigs.len(),
        site.watches.len(),
        site.tables.len(),
        hours_held(&site)
    );
    Ok(code)
}

/// Prints what is asked of the lines; a line that is asked for more than it has is a finding.
fn print_plans(plans: &Description, code: u8) -> u8 {
    if plans.ports.is_empty() {
        return code;
    }
    let mut requests = table(&["port", "instrument", "unit id", "function", "address", "count", "every ms", "bus ms"]);
    for line in &plans.requests {
        requests.add_row([
            line.port.clone(),
            line.instrument.clone(),
            line.unit_id.to_string(),
            line.function.to_string(),
            line.address.to_string(),
            line.count.to_string(),
            line.poll_ms.to_string(),
            line.bus_ms_estimate.to_string(),
        ]);
    }
    outln!("poll plan (addresses from 0):\n{requests}");
    let mut instruments =
        table(&["port", "instrument", "requests", "registers", "bus ms", "every ms", "oldest value ms"]);
    for line in &plans.instruments {
        instruments.add_row([
            line.port.clone(),
            line.instrument.clone(),
            line.requests.to_string(),
            line.registers.to_string(),
            line.bus_ms.to_string(),
            line.poll_ms.to_string(),
            line.worst_age_ms.map_or_else(|| "no limit".to_owned(), |ms| ms.to_string()),
        ]);
    }
    outln!("per instrument (without its own time to answer, while every unit answers):\n{instruments}");
    let mut ports = table(&["port", "cycle ms", "busy %"]);
    for line in &plans.ports {
        ports.add_row([line.port.clone(), line.cycle_ms.to_string(), line.utilisation_percent.to_string()]);
    }
    outln!("per port:\n{ports}");
    let mut code = code;
    for line in plans.ports.iter().filter(|line| line.utilisation_percent > 100) {
        outln!(
            "port {:?}: error: asked for {} % of its time, so polls are skipped\n  write: a longer poll at its instruments, or a higher baud",
            line.port,
            line.utilisation_percent
        );
        code = FINDING;
    }
    code
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header.iter().copied());
    table
}
