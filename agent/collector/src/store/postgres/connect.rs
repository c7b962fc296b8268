//! The way to the server: the address checked, TLS, and a session in which "committed" means "durable".

use std::{sync::Arc, time::Duration};

use postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode, TargetSessionAttrs},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    super::{Address, AddressError, StoreError},
    password,
};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long sent bytes may stay without an answer of the other machine: a cable that was pulled shows no sooner.
const SILENCE: Duration = Duration::from_secs(15);

/// Longest time a statement may take, in milliseconds: beyond, the server is stuck.
const STATEMENT_MS: u32 = 60_000;

/// Longest wait for the other collectors' turns, in milliseconds.
const LOCK_MS: u32 = 30_000;

/// Longest pause within a transaction of one that writes, in milliseconds: a collector that was halted must not hold up the
/// others. The server then ends its connection, and the transaction with it.
const IDLE_WRITER_MS: u32 = 20_000;

/// The same of one that reads, which holds up nobody.
const IDLE_READER_MS: u32 = 600_000;

pub(in super::super) fn check(address: &Address) -> Result<(), AddressError> {
    let config = parse(address)?;
    let wrong = |why: &str| Err(AddressError(why.to_owned()));
    if config.get_password().is_some() {
        return wrong(
            "a password stands in the url, where everybody who can read the file or a backup finds it; write it into a file of its own and password_file = \"store.password\"",
        );
    }
    if address.url.contains("sslmode") {
        return wrong(
            "sslmode is not for us to weaken: over a network the server's certificate and name are always checked; leave it out and write a table [store.tls] with ca",
        );
    }
    if config.get_user().is_none() || config.get_dbname().is_none() || config.get_hosts().is_empty() {
        return wrong(
            "the url names no user, host or database; write \"postgres://user@host:5432/database\", or \"postgres://user@%2Frun%2Fpostgresql/database\" for a socket",
        );
    }
    if !config.get_hostaddrs().is_empty() {
        return wrong("hostaddr names an address that no certificate is checked against; write the host's name alone");
    }
    let mut over_network = config.get_hosts().iter().filter_map(|it| match it {
        Host::Tcp(name) => Some(name.as_str()),
        #[cfg(unix)]
        Host::Unix(_) => None,
    });
    match &address.ca {
        Some(_) if over_network.next().is_none() => wrong("a socket on this machine has no TLS; leave [store.tls] out"),
        Some(_) => Ok(()),
        None => match over_network.find(|it| !is_loopback(it)) {
            Some(host) => Err(AddressError(format!(
                "everything on the way to {host:?} could be read and changed by anyone between; write a table [store.tls] with ca = \"ca.pem\", plain is for this machine only"
            ))),
            None => Ok(()),
        },
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

fn parse(address: &Address) -> Result<Config, AddressError> {
    // The parser's own text could quote a password.
    let wrong = "the url cannot be read; write \"postgres://user@host:5432/database\"";
    address.url.parse().map_err(|_| AddressError(wrong.to_owned()))
}

/// Connects, and makes the session one that can be relied on.
pub(super) fn connect(address: &Address, write: bool) -> Result<Client, StoreError> {
    let place = || address.to_string();
    let refused = |why| StoreError::Address { place: place(), why };
    check(address).map_err(refused)?;
    let mut config = parse(address).map_err(refused)?;
    config
        .application_name("tidewaiter-collector")
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_user_timeout(SILENCE)
        .keepalives_idle(SILENCE)
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(2);
    if write {
        // Of several hosts the one that takes writes: after a fail-over it is another.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if let Some(password) = password::find(address, &config).map_err(refused)? {
        config.password(password);
    }
    let failed = |source| server_error(place(), "connecting", source);
    let mut client = match &address.ca {
        None => config.ssl_mode(SslMode::Disable).connect(NoTls).map_err(failed)?,
        Some(_) => {
            let tls = MakeRustlsConnect::new(tls(address).map_err(refused)?);
            config.ssl_mode(SslMode::Require).connect(tls).map_err(failed)?
        }
    };
    let idle_ms = if write { IDLE_WRITER_MS } else { IDLE_READER_MS };
    let session = format!(
        "SET search_path = tidewaiter, pg_temp; SET statement_timeout = {STATEMENT_MS}; SET lock_timeout = {LOCK_MS};
         SET idle_in_transaction_session_timeout = {idle_ms}; SET default_transaction_isolation = 'read committed'"
    );
    client.batch_execute(&session).map_err(failed)?;
    if write {
        durable(&mut client, &place)?;
    }
    Ok(client)
}

/// A commit returns after the log of the server is on the disk, or nothing is written at all.
fn durable(client: &mut Client, place: &impl Fn() -> String) -> Result<(), StoreError> {
    let failed = |source| server_error(place(), "looking at the settings of the server", source);
    let show = |client: &mut Client, setting: &str| -> Result<String, StoreError> {
        client.query_one(&format!("SHOW {setting}"), &[]).and_then(|row| row.try_get(0)).map_err(failed)
    };
    for setting in ["fsync", "full_page_writes"] {
        let found = show(client, setting)?;
        if found != "on" {
            return Err(StoreError::NotDurable { place: place(), setting, found });
        }
    }
    // Stronger where the administrator asked for it, never weaker.
    if show(client, "synchronous_commit")? != "remote_apply" {
        client.batch_execute("SET synchronous_commit = on").map_err(failed)?;
    }
    let found = show(client, "synchronous_commit")?;
    if found != "on" && found != "remote_apply" {
        return Err(StoreError::NotDurable { place: place(), setting: "synchronous_commit", found });
    }
    Ok(())
}

/// Our authorities only, and the name of the host: what others call `verify-full`.
fn tls(address: &Address) -> Result<ClientConfig, AddressError> {
    let wrong =
        |what: &str, file: &std::path::Path| AddressError(format!("{what} {}: cannot be read as PEM", file.display()));
    let mut roots = RootCertStore::empty();
    if let Some(file) = &address.ca {
        let found: Vec<_> = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect)
            .map_err(|_| wrong("certificate of the authority", file))?;
        for authority in found {
            roots.add(authority).map_err(|_| wrong("certificate of the authority", file))?;
        }
        if roots.is_empty() {
            return Err(wrong("certificate of the authority", file));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|it| AddressError(it.to_string()))?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &address.certificate else { return Ok(builder.with_no_client_auth()) };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|_| wrong("certificate", certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|_| wrong("key", key))?;
    builder.with_client_auth_cert(chain, key).map_err(|it| AddressError(it.to_string()))
}

/// What the server or the connection said, and whether to wait for it.
pub(super) fn server_error(place: String, doing: &'static str, source: postgres::Error) -> StoreError {
    use std::error::Error as _;
    let lost = source.is_closed() || source.source().is_some_and(|it| it.downcast_ref::<std::io::Error>().is_some());
    // Classes of SQLSTATE: connection, transaction rollback, resources, operator intervention; a session ended because it
    // was idle, a lock that was not to be had, a server that takes no writes.
    let is_away = lost
        || source.code().is_some_and(|it| {
            let code = it.code();
            ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class))
                || matches!(code, "25P03" | "55P03" | "25006")
        })
        // All hosts refuse writes: a fail-over is under way.
        || (source.code().is_none() && source.to_string().contains("does not match"));
    StoreError::Server { place, doing, is_away, source: Box::new(source) }
}
