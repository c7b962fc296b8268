//! `enrol`: tokens, requests, and their approval by a second person.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Subcommand;
use tidewaiter_console::said;
use tidewaiter_record::view::utc;

use super::{Failure, now_ms};
use crate::{
    config::Config,
    enrol::{Desk, State, book::TOKEN_HOURS},
};

/// Enrol agents.
#[derive(Debug, Subcommand)]
pub enum Enrol {
    /// Give a one-time token for one agent of one site. It is shown once and kept nowhere.
    ///
    /// Example: tidewaiter-collector enrol token --site yantian --agent gate-07 --by 'Li Na' --config collector.toml
    Token {
        /// The site.
        #[arg(long)]
        site: String,
        /// The agent.
        #[arg(long)]
        agent: String,
        /// Only for the box with this serial number.
        #[arg(long)]
        serial: Option<String>,
        /// Who asks for it; somebody else approves.
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Hours it is good for.
        #[arg(long, default_value_t = TOKEN_HOURS)]
        hours: u32,
        /// The configuration with [enrol].
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
    },
    /// Show what agents have asked.
    ///
    /// Example: tidewaiter-collector enrol list --config collector.toml
    List {
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
        /// The configuration with [enrol].
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
    },
    /// Approve a request, having compared the fingerprint with the one the box shows, by telephone or photograph.
    ///
    /// Example: tidewaiter-collector enrol approve 5f0c… --fingerprint '1a2b 3c4d …' --by 'Wang Wei' --config collector.toml
    Approve {
        /// The request.
        id: String,
        /// The fingerprint as read from the box.
        #[arg(long)]
        fingerprint: String,
        /// Who approves; not who asked for the token.
        #[arg(long, value_name = "NAME")]
        by: String,
        /// The configuration with [enrol].
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
    },
    /// Reject a request.
    ///
    /// Example: tidewaiter-collector enrol reject 5f0c… --by 'Wang Wei' --reason 'not our box' --config collector.toml
    Reject {
        /// The request.
        id: String,
        /// Who rejects.
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why; the box shows it.
        #[arg(long)]
        reason: String,
        /// The configuration with [enrol].
        #[arg(long, env = "TIDEWAITER_COLLECTOR_CONFIG")]
        config: PathBuf,
    },
}

pub(super) fn carry_out(command: Enrol) -> Result<u8, Failure> {
    let mut out = io::stdout().lock();
    match command {
        Enrol::Token { site, agent, serial, by, hours, config } => {
            let desk = desk(&Config::load(&config)?)?;
            let token = desk.give_token((&site, &agent, serial.as_deref()), &by, hours, now_ms())?;
            writeln!(out, "{token}")?;
        }
        Enrol::List { json, config } => {
            let requests = desk(&Config::load(&config)?)?.requests()?;
            if json {
                let shown: Vec<_> = requests
                    .iter()
                    .map(|it| {
                        serde_json::json!({
                            "id": it.id, "state": word(&it.state), "site": it.site, "agent": it.agent,
                            "serial": it.serial, "asked_by": it.asked_by, "at": utc(it.at_ms),
                            "fingerprint": it.fingerprint,
                        })
                    })
                    .collect();
                writeln!(out, "{}", serde_json::json!({ "requests": shown }))?;
            } else {
                let mut table =
                    super::headed(&["id", "state", "site", "agent", "serial", "asked-by", "at", "fingerprint"]);
                for it in &requests {
                    table.add_row([
                        it.id.clone(),
                        word(&it.state).to_owned(),
                        it.site.clone(),
                        it.agent.clone(),
                        it.serial.clone().unwrap_or_default(),
                        it.asked_by.clone(),
                        utc(it.at_ms),
                        it.fingerprint.clone(),
                    ]);
                }
                writeln!(out, "{table}")?;
            }
        }
        Enrol::Approve { id, fingerprint, by, config } => {
            let enrolled = desk(&Config::load(&config)?)?.approve(&id, &fingerprint, &by, now_ms())?;
            let (agent, kid, chain) = (enrolled.agent, enrolled.kid, enrolled.chain);
            writeln!(out, "{}", said!("centre-enrolled", agent = agent, kid = kid, chain = chain))?;
        }
        Enrol::Reject { id, by, reason, config } => {
            desk(&Config::load(&config)?)?.reject(&id, &by, &reason)?;
            writeln!(out, "{}", said!("centre-rejected", id = id))?;
        }
    }
    Ok(0)
}

/// The desk of a configuration.
pub(super) fn desk(config: &Config) -> Result<Desk, Failure> {
    let enrol = config.enrol.as_ref().ok_or_else(|| {
        Failure::Usage("the configuration has no [enrol]: write listen, certificate, key, ca and dir".to_owned())
    })?;
    Ok(Desk::new(enrol, &config.centre.registry, &config.store.place))
}

const fn word(state: &State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Approved { .. } => "approved",
        State::Rejected { .. } => "rejected",
    }
}
