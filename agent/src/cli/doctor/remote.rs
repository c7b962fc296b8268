//! The way to the centre: registry, certificates, broker, receipts; and the running agent's own word.

use std::{
    fs, io,
    net::{TcpStream, ToSocketAddrs as _},
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use rustls::{
    ClientConnection, Stream,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::Value;
use tidewaiter_config::site::{Site, Tls};
use tidewaiter_mqtt::TlsPem;
use tidewaiter_record::{Registry, registry::Role};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Answers;
use crate::{
    cli::{Place, operate, output::said},
    outbox::Archive,
};

/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Days before its end from which a certificate needs a look.
const SOON_DAYS: i64 = 30;
/// Age of the oldest record without a receipt from which somebody should look.
const LATE: Duration = Duration::from_secs(3600);

/// The registry from the centre: there, and with a key that receipts are signed with.
pub(super) fn registry(site: &Site, answers: &mut Answers) {
    let Some(uplink) = &site.uplink else {
        return answers.skipped("registry", said!("doctor-no-uplink"));
    };
    let path = uplink.registry.display();
    let way = || said!("doctor-registry-way");
    let text = match fs::read_to_string(&uplink.registry) {
        Ok(text) => text,
        Err(why) => return answers.fail("registry", format!("{path}: {why}"), way()),
    };
    match Registry::from_json(&text) {
        Ok(registry) => {
            let centres: Vec<&str> =
                registry.keys().filter(|key| key.role == Role::Centre).map(|key| key.agent.as_str()).collect();
            if centres.is_empty() {
                answers.fail("registry", said!("doctor-registry-empty", path = path), way());
            } else {
                let keys = registry.keys().count();
                answers.ok("registry", said!("doctor-registry", path = path, keys: keys, centre = centres.join(", ")));
            }
        }
        Err(why) => answers.fail("registry", format!("{path}: {why}"), way()),
    }
}

/// Until when certificates are good.
pub(super) fn certificates(site: &Site, answers: &mut Answers) {
    let Some(Tls { ca, certificate, .. }) = site.uplink.as_ref().and_then(|it| it.tls.as_ref()) else {
        return answers.skipped("certificates", said!("doctor-no-tls"));
    };
    for path in [certificate, ca] {
        let shown = path.display().to_string();
        match fs::read(path).map(|pem| CertificateDer::from_pem_slice(&pem)) {
            Ok(Ok(der)) => dated("certificates", &shown, &der, answers),
            Ok(Err(why)) => answers.fail("certificates", format!("{shown}: {why}"), said!("doctor-certificate-way")),
            Err(why) => answers.fail("certificates", format!("{shown}: {why}"), said!("doctor-certificate-way")),
        }
    }
}

/// Says until when a certificate is good.
fn dated(check: &'static str, whose: &str, der: &[u8], answers: &mut Answers) {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return answers.fail(check, said!("doctor-certificate-unread", whose = whose), said!("doctor-certificate-way"));
    };
    let (from, until) = (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    let now = Timestamp::now().as_second();
    let date = |second: i64| {
        Timestamp::from_second(second).map_or_else(|_| "?".to_owned(), |it| it.strftime("%F").to_string())
    };
    let what = said!("doctor-certificate", whose = whose, until = date(until), days = (until - now).div_euclid(86_400));
    if now < from {
        answers.fail(
            check,
            said!("doctor-certificate-early", whose = whose, from = date(from)),
            said!("doctor-clock-way"),
        );
    } else if now > until {
        answers.fail(check, what, said!("doctor-certificate-way"));
    } else if until - now < SOON_DAYS * 86_400 {
        answers.warn(check, what, said!("doctor-certificate-way"));
    } else {
        answers.ok(check, what);
    }
}

/// Whether the broker answers, and with which certificate.
pub(super) fn broker(site: &Site, answers: &mut Answers) {
    let Some(uplink) = &site.uplink else {
        return answers.skipped("broker", said!("doctor-no-uplink"));
    };
    let name = format!("{}:{}", uplink.host, uplink.port);
    let reached = connect(&uplink.host, uplink.port);
    let mut stream = match reached {
        Ok(stream) => stream,
        Err(why) => return answers.fail("broker", format!("{name}: {why}"), said!("doctor-broker-way")),
    };
    let Some(tls) = &uplink.tls else {
        return answers.ok("broker", said!("doctor-broker", name = name));
    };
    match handshake(&uplink.host, tls, &mut stream) {
        Ok(Some(der)) => {
            answers.ok("broker", said!("doctor-broker-tls", name = name));
            dated("broker", &name, &der, answers);
        }
        Ok(None) => answers.ok("broker", said!("doctor-broker-tls", name = name)),
        Err(why) => answers.fail("broker", format!("{name}: {why}"), said!("doctor-tls-way")),
    }
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(why) => failure = why,
        }
    }
    Err(failure)
}

/// Shakes hands as the uplink does; the broker's certificate.
fn handshake(host: &str, tls: &Tls, stream: &mut TcpStream) -> Result<Option<Vec<u8>>, String> {
    let read = |path: &Path| fs::read(path).map_err(|why| format!("{}: {why}", path.display()));
    let pem = TlsPem { ca: read(&tls.ca)?, certificate: read(&tls.certificate)?, key: read(&tls.key)? };
    let config = tidewaiter_mqtt::client_config(&pem, None).map_err(|why| why.to_string())?;
    let name = ServerName::try_from(host.to_owned()).map_err(|why| why.to_string())?;
    let mut connection = ClientConnection::new(config, name).map_err(|why| why.to_string())?;
    while connection.is_handshaking() {
        connection.complete_io(stream).map_err(|why| why.to_string())?;
    }
    // In TLS 1.3 a server refuses our certificate only after its own part is done: one more look shows it.
    let mut byte = [0];
    match io::Read::read(&mut Stream::new(&mut connection, stream), &mut byte) {
        Err(why) if !matches!(why.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Err(why.to_string()),
        _ => Ok(connection.peer_certificates().and_then(<[_]>::first).map(|it| it.to_vec())),
    }
}

/// The running agent's own word, and the age of what has no receipt; its status for the bundle.
pub(super) fn agent(site: &Site, answers: &mut Answers) -> Option<Value> {
    let place = Place { config: None, data_dir: Some(site.store.dir.clone()) };
    let address = place.address().ok().flatten();
    let report = address.and_then(|address| operate::get(address, "status").ok());
    let Some(report) = report else {
        answers.warn("agent", said!("doctor-agent-none"), said!("doctor-agent-way"));
        if let Ok(summary) = Archive::open(&site.store.dir).and_then(|archive| archive.summary()) {
            let waiting = summary.head.map_or(0, |head| head - summary.receipted.map_or(0, |it| it.min(head)));
            if site.uplink.is_some() && waiting > 0 {
                answers.warn("receipts", said!("doctor-waiting", records: waiting), said!("doctor-agent-way"));
            }
        }
        return None;
    };
    match report.get("not_recording").and_then(Value::as_str) {
        Some(why) => answers.fail("agent", said!("status-not-recording", why = why), said!("do-not-recording")),
        None => answers.ok("agent", said!("status-recording")),
    }
    if site.uplink.is_some() {
        match report.get("oldest_unreceipted_age_ms").and_then(Value::as_u64).map(Duration::from_millis) {
            Some(age) if age > LATE => {
                let hours = age.as_secs() / 3600;
                answers.warn("receipts", said!("doctor-receipts-late", hours: hours), said!("doctor-receipts-way"));
            }
            _ => answers.ok("receipts", said!("doctor-receipts")),
        }
    }
    Some(report)
}
