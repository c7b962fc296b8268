//! From `--config` or `--data-dir` to a site, a directory, an address.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tidewaiter_config::site::{Site, load_site};

use tidewaiter_console::note;

use super::{Failure, Place, output::said};
use crate::{lane, reload};

/// File in the data directory that names the local interface's address while the agent runs.
pub(super) const ADDRESS_FILE: &str = "local.address";

/// Environment variable with a person's token, where a command is to act as that person.
const TOKEN: &str = "TIDEWAITER_TOKEN";

/// A running agent, and where its local key lies.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    /// Where the commands reach it.
    pub(super) address: SocketAddr,
    dir: PathBuf,
}

impl Agent {
    /// What this command acts by: the token of a person, where one is set, or else the local key.
    pub(super) fn bearer(&self) -> Result<String, Failure> {
        if let Ok(token) = std::env::var(TOKEN)
            && !token.trim().is_empty()
        {
            return Ok(format!("Bearer {}", token.trim()));
        }
        lane::read_key(&self.dir).map(|key| format!("Bearer {key}")).map_err(|why| {
            Failure::environment(format!(
                "{}: {why}; commands act by this key of the running agent: run them as the agent's own user, such as \
                 `sudo -u tidewaiter tidewaiter …`, or set {TOKEN} to a token that `tidewaiter users token` gave you",
                self.dir.join(lane::KEY_FILE).display()
            ))
        })
    }
}

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
            (None, Some(config)) => match site(config) {
                Ok(site) => Ok(site.store.dir),
                // A running agent goes on with the last good one, and can be asked.
                Err(failure) => reload::kept_dir(config, std::env::var_os("STATE_DIRECTORY")).ok_or(failure),
            },
            (None, None) => Err(Failure::usage(said!("say-where"))),
        }
    }

    /// Where the running agent listens, if one runs.
    pub(super) fn address(&self) -> Result<Option<Agent>, Failure> {
        let dir = self.data_dir()?;
        let text = std::fs::read_to_string(dir.join(ADDRESS_FILE)).ok();
        Ok(text.and_then(|text| text.trim().parse().ok()).map(|address| Agent { address, dir }))
    }

    /// As [`Place::address`], but an agent must run.
    pub(super) fn running(&self) -> Result<Agent, Failure> {
        self.address()?.ok_or_else(|| Failure::environment(said!("say-agent-none")))
    }
}
