//! `tidewaiter check`.

use std::path::PathBuf;

use clap::Args;
use comfy_table::Table;
use tidewaiter_config::{
    Severity,
    plan::{self as monitoring, Known},
    site::{check_environment, hours_held, load_site, unregistered},
};

use super::{
    FINDING, OK, Outcome, USAGE,
    output::{outln, said},
    plan::summary,
};
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
    let color = tidewaiter_console::colours();
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
                outln!("{}", summary(tidewaiter_console::language(), &plan));
            }
            Err(report) => {
                let text = if color { report.render(true) } else { report.to_string() };
                outln!("{}", text.trim_end());
                code = USAGE;
            }
        }
    }
    outln!(
        "{}",
        said!(
            "check-sum",
            file = args.site.display(),
            ports = site.ports.len(),
            instruments = site.instruments.len(),
            lanes = site.lanes.len(),
            rigs = site.rigs.len(),
            watches = site.watches.len(),
            tables = site.tables.len(),
            hours = hours_held(&site)
        )
    );
    Ok(code)
}

/// Prints what is asked of the lines; a line that is asked for more than it has is a finding.
fn print_plans(plans: &Description, code: u8) -> u8 {
    if plans.ports.is_empty() {
        return code;
    }
    let mut requests = table(&["port", "instrument", "unit-id", "function", "address", "count", "every-ms", "bus-ms"]);
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
    outln!("{}\n{requests}", said!("check-requests"));
    let mut instruments = table(&["port", "instrument", "requests", "registers", "bus-ms", "every-ms", "oldest-ms"]);
    for line in &plans.instruments {
        instruments.add_row([
            line.port.clone(),
            line.instrument.clone(),
            line.requests.to_string(),
            line.registers.to_string(),
            line.bus_ms.to_string(),
            line.poll_ms.to_string(),
            line.worst_age_ms.map_or_else(|| said!("check-no-limit"), |ms| ms.to_string()),
        ]);
    }
    outln!("{}\n{instruments}", said!("check-instruments"));
    let mut ports = table(&["port", "cycle-ms", "busy"]);
    for line in &plans.ports {
        ports.add_row([line.port.clone(), line.cycle_ms.to_string(), line.utilisation_percent.to_string()]);
    }
    outln!("{}\n{ports}", said!("check-ports"));
    let mut code = code;
    for line in plans.ports.iter().filter(|line| line.utilisation_percent > 100) {
        outln!("{}", said!("check-too-busy", port = line.port, percent = line.utilisation_percent));
        outln!("  {}", said!("check-too-busy-way"));
        code = FINDING;
    }
    code
}

fn table(columns: &[&str]) -> Table {
    let header: Vec<String> = columns.iter().map(|it| said!(&format!("check-column-{it}"))).collect();
    tidewaiter_console::table(&header.iter().map(String::as_str).collect::<Vec<_>>())
}
