//! Eclipse Mosquitto as a child process, kept in memory only: what it forgets, the agent must remember.

use std::{
    fmt::Write as _,
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::{
    process::{Program, free_port, until},
    tool,
};

/// How long it may take to listen.
const UP_WITHIN: Duration = Duration::from_secs(20);

/// Files of a broker that lets in nobody without a certificate.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Authority of the clients.
    pub ca: PathBuf,
    /// The broker's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Who may publish and subscribe where (mosquitto.conf(5), `acl_file`); `%u` is the common name of
    /// the client's certificate.
    pub acl: PathBuf,
}

/// A broker that can be killed and started again on the same port.
#[derive(Debug)]
pub struct Mosquitto {
    /// Its port on 127.0.0.1.
    pub port: u16,
    binary: PathBuf,
    config: PathBuf,
    log: PathBuf,
    /// The process; `None` while it is away.
    pub program: Option<Program>,
}

impl Mosquitto {
    /// Starts a broker with its files in `dir`; `None` where it may be missing and is.
    ///
    /// # Errors
    ///
    /// When it does not come up.
    pub fn start(dir: &Path, tls: Option<&Tls>) -> Result<Option<Self>> {
        let Some(binary) = tool::installed("mosquitto", "mosquitto") else { return Ok(None) };
        fs::create_dir_all(dir)?;
        let port = free_port()?;
        let config = dir.join("mosquitto.conf");
        let mut text = format!("listener {port} 127.0.0.1\npersistence false\nlog_dest stderr\nlog_type all\n");
        // Started by root it would become a user that may not read a test's folder.
        text.push_str("user root\n");
        match tls {
            None => text.push_str("allow_anonymous true\n"),
            Some(tls) => {
                text.push_str("allow_anonymous false\nrequire_certificate true\nuse_identity_as_username true\n");
                let files = [
                    ("cafile", &tls.ca),
                    ("certfile", &tls.certificate),
                    ("keyfile", &tls.key),
                    ("acl_file", &tls.acl),
                ];
                for (option, path) in files {
                    writeln!(text, "{option} {}", path.display())?;
                }
            }
        }
        fs::write(&config, text)?;
        let mut broker = Self { port, binary, config, log: dir.join("mosquitto.log"), program: None };
        broker.up()?;
        Ok(Some(broker))
    }

    /// Starts it again.
    ///
    /// # Errors
    ///
    /// When it does not come up.
    pub fn up(&mut self) -> Result<()> {
        let mut program = Program::start(Command::new(&self.binary).arg("-c").arg(&self.config), &self.log)?;
        let listening = until("mosquitto listening", UP_WITHIN, || {
            let there = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            (there || !program.is_alive()).then_some(there)
        })?;
        anyhow::ensure!(listening, "mosquitto does not start: {}", program.tail());
        self.program = Some(program);
        Ok(())
    }

    /// SIGKILL; every session and every message under way is gone.
    ///
    /// # Errors
    ///
    /// When it was not running.
    pub fn kill(&mut self) -> Result<()> {
        self.program.take().context("mosquitto is not running")?.kill()
    }

    /// What it has logged since it was started last.
    pub fn log(&self) -> String {
        self.program.as_ref().map(Program::log).unwrap_or_default()
    }
}
