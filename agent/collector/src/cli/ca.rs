//! `ca`: the authority of transport certificates.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use tidewaiter_console::said;
use tidewaiter_record::view::utc;

use super::{Failure, life::reload_broker, now_ms};
use crate::{
    ca::{Authority, CLIENT_DAYS, Certificate},
    files::{self, FileError},
};

/// The authority of transport certificates.
#[derive(Debug, Subcommand)]
pub enum Ca {
    /// Make root and intermediate. Then take root.key away: it is needed again in a year.
    ///
    /// Example: tidewaiter-collector ca init --dir ca --name 'Yantian port'
    Init {
        /// The folder.
        #[arg(long)]
        dir: PathBuf,
        /// Name in the certificates.
        #[arg(long, default_value = "Tidewaiter")]
        name: String,
    },
    /// Issue a certificate: for a server of ours, for a client of ours, or for a request that an agent made.
    ///
    /// Example: tidewaiter-collector ca issue --dir ca --server broker.example --server 10.0.0.5 --out broker
    Issue {
        /// The folder.
        #[arg(long)]
        dir: PathBuf,
        /// For whom.
        #[command(flatten)]
        whom: Whom,
        /// With --client: the request (PEM) whose key is certified; without it a key is made.
        #[arg(long, requires = "client")]
        request: Option<PathBuf>,
        /// With --client: days it is good for, 1 to 90.
        #[arg(long, default_value_t = CLIENT_DAYS)]
        days: u32,
        /// Writes OUT.pem, and OUT.key where a key is made.
        #[arg(long)]
        out: PathBuf,
    },
    /// Put a new intermediate in place, each year or after a leak. Certificates of the old one run out by themselves.
    ///
    /// Example: tidewaiter-collector ca renew --dir ca --root-key /media/stick/root.key
    Renew {
        /// The folder.
        #[arg(long)]
        dir: PathBuf,
        /// The root's key.
        #[arg(long)]
        root_key: PathBuf,
        /// Name in the certificate.
        #[arg(long, default_value = "Tidewaiter")]
        name: String,
    },
    /// Deny an agent: its certificates come onto crl.pem, its name onto the access list, and it gets no other.
    ///
    /// Example: tidewaiter-collector ca deny gate-07 --dir ca --reason 'box stolen' --broker-pid /run/mosquitto.pid
    Deny {
        /// The agent.
        agent: String,
        /// The folder.
        #[arg(long)]
        dir: PathBuf,
        /// Why.
        #[arg(long)]
        reason: String,
        /// File with the process id of a broker on this machine, which is told to read its lists again (SIGHUP).
        #[arg(long, value_name = "FILE")]
        broker_pid: Option<PathBuf>,
    },
    /// Show what was issued and who is denied.
    ///
    /// Example: tidewaiter-collector ca list --dir ca
    List {
        /// The folder.
        #[arg(long)]
        dir: PathBuf,
    },
}

/// For whom a certificate is.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// Names and addresses of a server: the broker, or the centre's own endpoint.
    #[arg(long, value_name = "NAME")]
    server: Vec<String>,
    /// Name of a client: an agent's id, or `centre`.
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
}

pub(super) fn carry_out(command: Ca) -> Result<u8, Failure> {
    let mut out = io::stdout().lock();
    match command {
        Ca::Init { dir, name } => {
            Authority::init(&dir, &name, now_ms())?;
            writeln!(out, "{}", said!("centre-ca-root", path = dir.join("root.pem").display()))?;
            writeln!(out, "{}", said!("centre-ca-root-key", path = dir.join("root.key").display()))?;
            let (crl, acl) = (dir.join("crl.pem"), dir.join("acl"));
            writeln!(out, "{}", said!("centre-ca-lists", crl = crl.display(), acl = acl.display()))?;
        }
        Ca::Issue { dir, whom, request, days, out: to } => {
            let ca = Authority::open(&dir)?;
            let (certificate, key) = match (whom.client, request) {
                (Some(client), Some(request)) => {
                    let text = fs::read_to_string(&request).map_err(FileError::of(&request, "read"))?;
                    (ca.issue_client(&client, &text, days, now_ms())?, None)
                }
                (Some(client), None) => made(ca.issue_client_with_key(&client, days, now_ms())?),
                (None, _) => made(ca.issue_server(&whom.server, now_ms())?),
            };
            let pem = ending(&to, "pem");
            if let Some(key) = key {
                files::replace(&ending(&to, "key"), key.as_bytes(), 0o600)?;
            }
            files::replace(&pem, certificate.chain.as_bytes(), 0o644)?;
            let (name, until) = (certificate.issued.name, utc(certificate.issued.not_after_ms));
            writeln!(out, "{}", said!("centre-ca-issued", path = pem.display(), name = name, until = until))?;
        }
        Ca::Renew { dir, root_key, name } => {
            Authority::open(&dir)?.renew(&root_key, &name, now_ms())?;
            writeln!(out, "{}", said!("centre-ca-renewed", path = dir.join("intermediate.pem").display()))?;
        }
        Ca::Deny { agent, dir, reason, broker_pid } => {
            Authority::open(&dir)?.deny(&agent, &reason, now_ms())?;
            if let Some(file) = broker_pid {
                reload_broker(&file)?;
            }
            let (crl, acl) = (dir.join("crl.pem"), dir.join("acl"));
            writeln!(out, "{}", said!("centre-ca-denied", agent = agent, crl = crl.display(), acl = acl.display()))?;
        }
        Ca::List { dir } => {
            let ledger = Authority::open(&dir)?.ledger()?;
            let mut table = super::headed(&["name", "serial", "until", "denied"]);
            for it in &ledger.certificates {
                let denied = if it.denied { "yes" } else { "-" };
                table.add_row([&it.name, &it.serial, &utc(it.not_after_ms), denied]);
            }
            writeln!(out, "{table}")?;
            for it in &ledger.denied {
                let since = utc(it.at_ms);
                writeln!(
                    out,
                    "{}",
                    said!("centre-ca-denied-since", since = since, agent = it.agent, reason = it.reason)
                )?;
            }
        }
    }
    Ok(0)
}

fn made((certificate, key): (Certificate, String)) -> (Certificate, Option<String>) {
    (certificate, Some(key))
}

fn ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}
