//! Mosquitto with client certificates: who is let in, who is not, and what a person is told.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tidewaiter_mqtt::{Backoff, Event, Message, NotTaken, Qos, Settings, TlsPem};
use tidewaiter_tests::{
    certs::{Authority, Identity},
    mosquitto::{Mosquitto, Tls},
    process::{Agent, Collector, alone, number, run_own, tell},
    stand::{AGENT, SITE, Stand},
};
use tokio_util::sync::CancellationToken;

use crate::chaos::{BUSY, Row, runtime};

/// An agent publishes under its own name and reads its own downlinks; the centre reads what agents
/// publish and writes receipts (mosquitto.conf(5), `acl_file`: `%u` is the certificate's common name).
pub(super) const ACL: &str = include_str!("../../agent/packaging/brokers/mosquitto/acl");

/// How long a refusal may take to be logged.
const WITHIN: Duration = Duration::from_secs(20);

pub(super) fn mutual() -> Result<()> {
    let _alone = alone();
    let begun = Instant::now();
    let dir = tempfile::tempdir()?;
    let authority = Authority::new(dir.path(), "authority")?;
    let server = authority.server("broker")?;
    let acl = dir.path().join("acl");
    fs::write(&acl, ACL)?;
    let tls = Tls { ca: authority.path(), certificate: server.certificate, key: server.key, acl };
    let Some(broker) = Mosquitto::start(dir.path(), Some(&tls))? else { return Ok(()) };
    // By name here and by address at the centre: the certificate carries both.
    let row = Row::new(runtime()?, BUSY, &format!("mqtt://localhost:{}", broker.port))?;
    let site = |file: &str, ca: &Path, identity: &Identity| site(&row.stand, file, ca, identity);

    // The row, with certificates.
    let centre = authority.client("centre", "centre")?;
    let table = format!("[broker.tls]\n{}", files(&authority.path(), &centre));
    let config = Collector::configure(&row.stand, &format!("mqtts://127.0.0.1:{}", broker.port), &table)?;
    let mut collector = Collector::start(&row.stand, &config)?;
    let own = authority.client("agent", AGENT)?;
    let mut agent =
        Agent::start_with(&row.stand, &site("site-own.toml", &authority.path(), &own)?, Duration::from_secs(20))?;
    agent.ready()?;
    let records = agent.receipted(10, Duration::from_secs(60))?;
    let used = format!("u'{AGENT}'");
    ensure!(broker.log().contains(&used), "mosquitto does not name the agent by its certificate");
    ensure!(agent.program.terminate(Duration::from_secs(30))?.success(), "the agent fails at its end");

    // Others are refused, and told why.
    let rogue = Authority::new(dir.path(), "rogue")?;
    let mut told = Vec::new();
    let refusals = [
        (
            "another authority's certificate",
            rogue.client("rogue-agent", AGENT)?,
            authority.path(),
            "unknown CA: our certificate",
        ),
        (
            "an expired certificate",
            authority.expired_client("expired", AGENT)?,
            authority.path(),
            "certificate expired: renew ours",
        ),
        ("a broker of another authority", own.clone(), rogue.path(), "we refused the broker's certificate: unknown CA"),
        (
            "another agent's certificate",
            authority.client("other", "gate-08")?,
            authority.path(),
            "check the broker's access list",
        ),
    ];
    for (place, (what, identity, ca, text)) in refusals.iter().enumerate() {
        let file = site(&format!("site-{place}.toml"), ca, identity)?;
        let mut agent = Agent::start_with(&row.stand, &file, Duration::ZERO)?;
        let line = agent.program.line(text, WITHIN).with_context(|| (*what).to_owned())?;
        let status = agent.status()?;
        let why = status.pointer("/uplink/last_failure").and_then(serde_json::Value::as_str).unwrap_or_default();
        if *what == "another agent's certificate" {
            // Connected, and nothing gets through.
            ensure!(number(&status, "/uplink/refused") > 0, "{what}: {status:#}");
            told.push(format!("{what}: {line}"));
        } else {
            ensure!(why.contains(text), "{what}: the log says {line}, the status {why:?}");
            told.push(format!("{what}: {why}"));
        }
        ensure!(number(&status, "/uplink/sent") == 0, "{what}: something was sent: {status:#}");
        // The lane does not care.
        ensure!(status.pointer("/not_recording").is_none_or(serde_json::Value::is_null), "{what}: {status:#}");
        ensure!(agent.program.terminate(Duration::from_secs(20))?.success(), "the agent fails at its end");
    }
    told.push(format!("no certificate: {}", nameless(&broker, &authority.path())?));
    told.push(format!("no certificate configured: {}", unconfigured(&row.stand)?));
    let before = received(&config)?;
    let code = row.runtime.block_on(foreign_topic(&broker, &authority))?;
    ensure!(received(&config)? == before, "what mosquitto refused came to the centre");
    told.push(format!("publishing as {AGENT} with the certificate of gate-08: PUBACK {code:#04x}"));

    // None of it reached the centre, and the true agent still gets through.
    let mut agent = Agent::start_with(&row.stand, &row.stand.dir.join("site-own.toml"), Duration::from_secs(20))?;
    agent.ready()?;
    let after = agent.receipted(records + 1, Duration::from_secs(60))?;
    ensure!(agent.program.terminate(Duration::from_secs(30))?.success(), "the agent fails at its end");
    ensure!(collector.program.is_alive(), "the collector ended: {}", collector.program.tail());
    ensure!(collector.program.terminate(Duration::from_secs(20))?.success(), "the collector fails at its end");
    let status: serde_json::Value = serde_json::from_str(
        &run_own(
            "tidewaiter-collector",
            ["status".as_ref(), "--json".as_ref(), "--config".as_ref(), config.as_os_str()],
        )?
        .stdout,
    )?;
    ensure!(number(&status, "/summary/gaps") == 0, "{status:#}");
    ensure!(
        status
            .pointer("/summary/bad")
            .and_then(serde_json::Value::as_object)
            .is_none_or(|it| it.values().all(|n| n == 0)),
        "{status:#}"
    );
    for line in &told {
        tell(&format!("mosquitto: refused {line}"));
    }
    tell(&format!("mosquitto: {after} records receipted over mutual TLS; {:.1} s", begun.elapsed().as_secs_f32()));
    Ok(())
}

pub(super) fn files(ca: &Path, identity: &Identity) -> String {
    format!(
        "ca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
        ca.display(),
        identity.certificate.display(),
        identity.key.display()
    )
}

/// The stand's site file with TLS, under another name.
fn site(stand: &Stand, file: &str, ca: &Path, identity: &Identity) -> Result<PathBuf> {
    let plain = fs::read_to_string(stand.site_path())?;
    let secure = plain
        .replace("\"mqtt://", "\"mqtts://")
        .replace("\n[local]", &format!("\n[uplink.tls]\n{}\n[local]", files(ca, identity)));
    ensure!(
        secure.matches("mqtts://").count() == 1 && secure.contains("[uplink.tls]"),
        "the site file has another shape:\n{plain}"
    );
    let path = stand.dir.join(file);
    fs::write(&path, secure)?;
    Ok(path)
}

/// A client that presents no certificate at all, which ours cannot be configured to do.
fn nameless(broker: &Mosquitto, ca: &Path) -> Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?;
    let stream = TcpStream::connect(("127.0.0.1", broker.port))?;
    stream.set_read_timeout(Some(WITHIN))?;
    let mut stream = StreamOwned::new(connection, stream);
    // In TLS 1.3 the refusal comes with the first answer, not out of the handshake.
    let refused = stream.write_all(b"\x10").and_then(|()| stream.read_exact(&mut [0; 1]));
    let Err(refused) = refused else { bail!("mosquitto answered a client without a certificate") };
    let refused = refused.to_string();
    ensure!(refused.contains("CertificateRequired") || refused.contains("HandshakeFailure"), "refused by {refused}");
    let log = tidewaiter_tests::process::until("mosquitto's word on it", WITHIN, || {
        broker.log().lines().find(|it| it.contains("peer did not return a certificate")).map(str::to_owned)
    })?;
    Ok(format!("{refused}; mosquitto logs {log:?}"))
}

/// A site file with mqtts and no certificate is refused before anything connects.
fn unconfigured(stand: &Stand) -> Result<String> {
    let path = stand.dir.join("site-without.toml");
    fs::write(&path, fs::read_to_string(stand.site_path())?.replace("\"mqtt://", "\"mqtts://"))?;
    let ended = run_own("tidewaiter", ["check".as_ref(), path.as_os_str()])?;
    let said = format!("{}{}", ended.stdout, ended.stderr);
    ensure!(ended.code == 2, "check ends with {}: {said}", ended.code);
    let line =
        said.lines().find(|it| it.contains("mqtts needs the table [uplink.tls]")).with_context(|| said.clone())?;
    Ok(line.trim().to_owned())
}

/// What the collector has received so far.
fn received(config: &Path) -> Result<u64> {
    let ended = run_own(
        "tidewaiter-collector",
        ["status".as_ref(), "--json".as_ref(), "--config".as_ref(), config.as_os_str()],
    )?;
    Ok(number(&serde_json::from_str(&ended.stdout)?, "/summary/received"))
}

/// A good certificate, and a topic of somebody else; gives the reason code of the PUBACK.
async fn foreign_topic(broker: &Mosquitto, authority: &Authority) -> Result<u8> {
    let identity = authority.client("stranger", "gate-08")?;
    let settings = Settings {
        host: "localhost".to_owned(),
        port: broker.port,
        client_id: "gate-08".to_owned(),
        tls: Some(TlsPem {
            ca: fs::read(authority.path())?,
            certificate: fs::read(&identity.certificate)?,
            key: fs::read(&identity.key)?,
        }),
        keep_alive: Duration::from_secs(15),
        subscribe: Vec::new(),
        will: None,
        window: 4,
        ack_timeout: WITHIN,
        backoff: Backoff { first: Duration::from_millis(100), ceiling: Duration::from_secs(1) },
        max_incoming_bytes: 64 * 1024,
    };
    let stop = CancellationToken::new();
    let (publisher, mut events, _task) = tidewaiter_mqtt::start(settings, stop.clone())?;
    let publish = |agent: &str| Message {
        topic: format!("tw/1/{SITE}/{agent}/record"),
        payload: b"forged".to_vec().into(),
        qos: Qos::AtLeastOnce,
        retain: false,
    };
    let answer = async {
        let mut refused = None;
        while let Some(event) = events.recv().await {
            match event {
                Event::Connected { .. } => publisher.try_publish(publish(AGENT), 7)?,
                Event::NotTaken { token: 7, reason: NotTaken::Refused(code) } => {
                    refused = Some(code);
                    break;
                }
                Event::Disconnected { why } => bail!("disconnected: {why}"),
                other => bail!("mosquitto took it: {other:?}"),
            }
        }
        refused.context("the link ended")
    };
    let code = tokio::time::timeout(WITHIN, answer).await.context("no answer to the publish")??;
    stop.cancel();
    // MQTT 5.0, 3.4.2.1: not authorised.
    ensure!(code == 0x87, "refused with {code:#04x}");
    Ok(code)
}
