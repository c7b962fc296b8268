//! A running agent moves from one Mosquitto to another at a reload: from plain to TLS with a client certificate, through
//! faulty files, a strange authority and a broker that is not there, and back. Nothing is lost on the way, and whoever
//! posts meanwhile is answered.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tidewaiter_record::{Detail, parse};
use tidewaiter_tests::{
    certs::{Authority, Identity},
    mosquitto::{Mosquitto, Tls},
    process::{Agent, Collector, alone, free_port, run_own, tell, until},
    stand::{AGENT, Stand},
};

use super::tls::{ACL, files};
use crate::chaos::{BUSY, Poster, Promises, Row, audit, runtime};

/// How long a connection, or the word that there is none, may take.
const WITHIN: Duration = Duration::from_secs(60);

/// The site file as it was first written, and what is made of it.
struct Sites<'a> {
    stand: &'a Stand,
    plain: String,
}

impl Sites<'_> {
    fn is_plain(&self) -> Result<()> {
        Ok(fs::write(self.stand.site_path(), &self.plain)?)
    }

    fn is_secure(&self, broker: &str, ca: &Path, identity: &Identity) -> Result<()> {
        let line = self.plain.lines().find(|it| it.contains("\"mqtt://")).context("no broker in the site file")?;
        let table = format!("\n[uplink.tls]\n{}\n[local]", files(ca, identity));
        let text = self.plain.replace(line, &format!("broker = \"{broker}\"")).replace("\n[local]", &table);
        Ok(fs::write(self.stand.site_path(), text)?)
    }

    /// Has the running agent read it again; gives the exit code and what was said.
    fn reload(&self) -> Result<(i32, String)> {
        let path = self.stand.site_path();
        let ended = run_own("tidewaiter", ["reload".as_ref(), "--config".as_ref(), path.as_os_str()])?;
        Ok((ended.code, format!("{}{}", ended.stdout, ended.stderr)))
    }

    fn put_into_force(&self) -> Result<()> {
        let (code, said) = self.reload()?;
        ensure!(code == 0, "reload ends with {code}: {said}");
        Ok(())
    }
}

/// Waits until the uplink is down for this reason.
fn down_for(agent: &Agent, reason: &str) -> Result<()> {
    let mut last = String::new();
    until(reason, WITHIN, || {
        let status = agent.status().ok()?;
        let down = status.pointer("/uplink/online") == Some(&Value::Bool(false));
        status.pointer("/uplink/last_failure").and_then(Value::as_str).unwrap_or_default().clone_into(&mut last);
        (down && last.contains(reason)).then_some(())
    })
    .with_context(|| format!("the last failure is {last:?}"))
}

fn recording(agent: &Agent) -> Result<()> {
    let status = agent.status()?;
    ensure!(status.pointer("/not_recording").is_none_or(Value::is_null), "{status:#}");
    Ok(())
}

pub(super) fn from_plain_to_tls() -> Result<()> {
    let _alone = alone();
    let begun = Instant::now();
    let dir = tempfile::tempdir()?;
    let (authority, rogue) = (Authority::new(dir.path(), "authority")?, Authority::new(dir.path(), "rogue")?);
    let server = authority.server("broker")?;
    let acl = dir.path().join("acl");
    fs::write(&acl, ACL)?;
    let tls = Tls { ca: authority.path(), certificate: server.certificate, key: server.key, acl };
    let Some(mut plain) = Mosquitto::start(&dir.path().join("a"), None)? else { return Ok(()) };
    let Some(secure) = Mosquitto::start(&dir.path().join("b"), Some(&tls))? else { return Ok(()) };
    let plain_url = format!("mqtt://127.0.0.1:{}", plain.port);
    let secure_url = format!("mqtts://localhost:{}", secure.port);
    let row = Row::new(runtime()?, BUSY, &plain_url)?;
    let sites = Sites { stand: &row.stand, plain: fs::read_to_string(row.stand.site_path())? };
    let own = authority.client("agent", AGENT)?;

    let config = Collector::configure(&row.stand, &plain_url, "")?;
    let collector = Collector::start(&row.stand, &config)?;
    let mut agent = Agent::start(&row.stand, Duration::from_secs(30))?;
    agent.ready()?;
    let poster = Poster::start(&row.stand, Duration::from_millis(50));
    let first = agent.receipted(20, WITHIN)?;

    // The centre moves first, as centres do, and then the agent.
    ensure!(collector.program.terminate(Duration::from_secs(20))?.success(), "the collector fails at its end");
    let table = format!("[broker.tls]\n{}", files(&authority.path(), &authority.client("centre", "centre")?));
    let config = Collector::configure(&row.stand, &secure_url.replace("localhost", "127.0.0.1"), &table)?;
    let mut collector = Collector::start(&row.stand, &config)?;
    sites.is_secure(&secure_url, &authority.path(), &own)?;
    sites.put_into_force()?;
    let second = agent.receipted(first + 20, WITHIN)?;
    ensure!(secure.log().contains(&format!("u'{AGENT}'")), "mosquitto does not name the agent by its certificate");
    // The old one may go now: nothing hangs on it any more.
    plain.kill()?;
    let third = agent.receipted(second + 10, WITHIN)?;

    // Files that cannot be used: refused, and the last good configuration stays in force.
    let garbage = dir.path().join("garbage.pem");
    fs::write(&garbage, "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n")?;
    let foreign = Identity { certificate: own.certificate.clone(), key: rogue.client("other-key", AGENT)?.key };
    let mut refused = Vec::new();
    for (what, ca, identity) in [
        ("an authority's file that holds no certificate", &garbage, &own),
        ("an authority's file that is not there", &dir.path().join("nowhere.pem"), &own),
        ("the key of another certificate", &authority.path(), &foreign),
    ] {
        sites.is_secure(&secure_url, ca, identity)?;
        let (code, said) = sites.reload()?;
        ensure!(code == 2, "{what}: reload ends with {code}: {said}");
        let status = agent.status()?;
        ensure!(status.pointer("/uplink/online") == Some(&Value::Bool(true)), "{what}: {status:#}");
        ensure!(status.pointer("/config_refused").is_some_and(|it| !it.is_null()), "{what}: nothing is said of it");
        refused.push(what);
    }
    let fourth = agent.receipted(third + 5, WITHIN)?;

    // What only the network can tell is no reason to refuse: it is in force, and said to be down.
    sites.is_secure(&secure_url, &rogue.path(), &own)?;
    sites.put_into_force()?;
    down_for(&agent, "we refused the broker's certificate: unknown CA")?;
    recording(&agent)?;
    sites.is_secure(&format!("mqtts://localhost:{}", free_port()?), &authority.path(), &own)?;
    sites.put_into_force()?;
    down_for(&agent, "refused")?;
    recording(&agent)?;
    sites.is_secure(&secure_url, &authority.path(), &own)?;
    sites.put_into_force()?;
    agent.receipted(fourth + 5, WITHIN)?;

    // And back to plain, where the centre comes later than the agent.
    plain.up()?;
    sites.is_plain()?;
    sites.put_into_force()?;
    ensure!(collector.program.is_alive(), "the collector ended: {}", collector.program.tail());
    ensure!(collector.program.terminate(Duration::from_secs(20))?.success(), "the collector fails at its end");
    let config = Collector::configure(&row.stand, &plain_url, "")?;
    let collector = Collector::start(&row.stand, &config)?;
    let posted = poster.stop()?;
    agent.receipted(fourth + 10, WITHIN)?;
    ensure!(agent.program.terminate(Duration::from_secs(40))?.success(), "the agent fails at its end");
    ensure!(collector.program.terminate(Duration::from_secs(20))?.success(), "the collector fails at its end");

    let promised = posted.len();
    let figures = audit(&row, &Promises::of_posts(posted), None)?;
    let archive = tidewaiter_agent::outbox::Archive::open(&row.stand.agent_dir())?;
    let (mut reloads, mut faults) = (0, 0);
    for entry in archive.entries(0, usize::MAX)? {
        match parse(&entry.bytes)?.body.detail {
            Detail::ConfigActivated(it) if it.cause == "reload" => reloads += 1,
            Detail::Event(it) if it.name == "config-refused" => faults += 1,
            _ => {}
        }
    }
    ensure!(reloads == 5, "{reloads} changes stand in the chain, 5 were made");
    ensure!(faults == refused.len(), "{faults} refusals stand in the chain, {} were made", refused.len());
    tell(&format!(
        "reload from mosquitto to mosquitto: {} records, {promised} posts answered, none lost, {} duplicates folded; \
         5 changes and 3 refusals recorded; {:.1} s",
        figures.records,
        figures.duplicates,
        begun.elapsed().as_secs_f32()
    ));
    Ok(())
}
