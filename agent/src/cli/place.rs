//! From `--config` or `--data-dir` to a site, a directory, an address.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tidewaiter_config::site::{Site, load_site};

use super::{Failure, Place};
use crate::reload;

/// File in the data directory that names the local interface's address while the agent runs.
pub(super) const ADDRESS_FILE: &str = "local.address";

/// Loads a site file; warnings go to standard error.
pub(super) fn site(path: &Path) -> Result<Site, Failure> {
    match load_site(path) {
        Ok((site, warnings)) => {
            for warning in warnings {
                eprintln!("{warning}");
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
            (None, Some(config)) => match site(config) {
                Ok(site) => Ok(site.store.dir),
                // A running agent goes on with the last good one, and can be asked.
                Err(failure) => reload::kept_dir(config, std::env::var_os("STATE_DIRECTORY")).ok_or(failure),
            },
            (None, None) => Err(Failure::usage("say where: --config SITE or --data-dir DIR")),
        }
    }

    /// Where the running agent listens, if one runs.
    pub(super) fn address(&self) -> Result<Option<SocketAddr>, Failure> {
        let dir = self.data_dir()?;
        Ok(std::fs::read_to_string(dir.join(ADDRESS_FILE)).ok().and_then(|text| text.trim().parse().ok()))
    }

    /// As [`Place::address`], but an agent must run.
    pub(super) fn running(&self) -> Result<SocketAddr, Failure> {
        self.address()?.ok_or_else(|| {
            Failure::environment(
                "no agent is running on this data directory; start it with `tidewaiter run --config SITE`",
            )
        })
    }
}
