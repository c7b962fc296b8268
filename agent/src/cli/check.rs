//! `tidewaiter check`.

use std::{io::IsTerminal, path::PathBuf};

use clap::Args;
use comfy_table::Table;
use tidewaiter_config::site::{check_environment, hours_held, load_site};

use super::{FINDING, OK, Outcome, USAGE, output::outln};
use crate::acquire::plan;

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
            outln!("{}", report.render(color).trim_end());
            return Ok(USAGE);
        }
    };
    for warning in &warnings {
        outln!("{warning}");
    }
    let mut code = OK;
    if !args.offline {
        for finding in check_environment(&site) {
            outln!("{finding}");
            code = FINDING;
        }
    }
    let polls = plan::describe(&site);
    if !polls.is_empty() {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(["port", "instrument", "unit id", "function", "address", "count", "every ms", "bus ms"]);
        for line in polls {
            table.add_row([
                line.port,
                line.instrument,
                line.unit_id.to_string(),
                line.function.to_string(),
                line.address.to_string(),
                line.count.to_string(),
                line.poll_ms.to_string(),
                line.bus_ms_estimate.to_string(),
            ]);
        }
        outln!("poll plan (addresses from 0):\n{table}");
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
