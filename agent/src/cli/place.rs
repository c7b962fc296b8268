//! From `--config` or `--data-dir` to a site, a directory, an address.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tidewaiter_config::site::{Site, load_site};

use tidewaiter_console::note;

use super::{Failure, Place, output::said};

/// File in the data directory that names the local interface's address while the agent runs.
pub(super) const ADDRESS_FILE: &str = "local.address";

/// Loads a site file; warnings go to standard error.
pub(super) fn site(path: &Path) -> Result<Site, Failure> {
    match load_site(path) {
        Ok((site, warnings)) => {
            for warning in warnings {
                note(format_args!("{warning}"));
            }
            Ok(site)
        }
        Err(report) => Err(Failure::usage(report.to_string().trim_end())),
    }
}

impl Place {
    pub(super) fn data_dir(&self) -> Result<PathBuf, Failure> {
        match (&self.data_dir, &self.config) {
            (Some(dir), _) => Ok(dir.clone()),
            (None, Some(config)) => Ok(site(config)?.store.dir),
            (None, None) => Err(Failure::usage(said!("say-where"))),
        }
    }

    /// Where the running agent listens, if one runs.
    pub(super) fn address(&self) -> Result<Option<SocketAddr>, Failure> {
        let dir = self.data_dir()?;
        Ok(std::fs::read_to_string(dir.join(ADDRESS_FILE)).ok().and_then(|text| text.trim().parse().ok()))
    }

    /// As [`Place::address`], but an agent must run.
    pub(super) fn running(&self) -> Result<SocketAddr, Failure> {
        self.address()?.ok_or_else(|| Failure::environment(said!("say-agent-none")))
    }
}
