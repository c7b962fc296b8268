//! Real handshakes inside the process: the agent's TLS client against a rustls server, with certificates made here.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ClientConnection, ServerConfig, ServerConnection,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tidewaiter_mqtt::{Calendar, Date, TlsPem, client_config};

const DAY_MS: i64 = 86_400_000;
/// 2026-12-01T00:00:00Z.
const DECEMBER_MS: i64 = 1_796_083_200_000;

#[derive(Debug)]
struct Fixed(Date);

impl Calendar for Fixed {
    fn date(&self) -> Date {
        self.0
    }
}

/// An authority, a broker valid from 2026-11-01 to 2028-01-01, and a client.
pub(crate) struct Tls {
    authority: CertifiedIssuer<'static, KeyPair>,
    pem: TlsPem,
    server: Arc<ServerConfig>,
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    from: (i32, u8, u8),
    to: (i32, u8, u8),
) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(to.0, to.1, to.2);
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

fn server(certificate: &str, key: &str) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    Arc::new(config)
}

/// Moves bytes between the two until both are done or one refuses.
fn shake(pem: &TlsPem, server: &Arc<ServerConfig>, name: &str, date: Date) -> Result<(), String> {
    let config = client_config(pem, Some(Arc::new(Fixed(date)))).unwrap();
    let mut client = ClientConnection::new(config, ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    for _ in 0..10 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().map_err(|why| format!("server: {why}"))?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().map_err(|why| why.to_string())?;
        }
        if !client.is_handshaking() && !server.is_handshaking() {
            return Ok(());
        }
    }
    Err("the handshake does not end".to_owned())
}

impl Tls {
    pub(crate) fn new() -> Self {
        Self::of("our authority")
    }

    fn of(name: &str) -> Self {
        let authority = authority(name);
        let (certificate, key) = leaf(&authority, "agent-7", (2026, 11, 1), (2028, 1, 1));
        let pem = TlsPem { ca: authority.pem().into_bytes(), certificate: certificate.into(), key: key.into() };
        let (certificate, key) = leaf(&authority, "broker.example", (2026, 11, 1), (2028, 1, 1));
        let server = server(&certificate, &key);
        Self { authority, pem, server }
    }

    /// One handshake with the broker by this date.
    pub(crate) fn shake(&self, date: Date) -> Result<(), String> {
        shake(&self.pem, &self.server, "broker.example", date)
    }

    pub(crate) fn refusals(&self) {
        let stranger = Self::of("another authority");
        let old = leaf(&self.authority, "broker.example", (2024, 1, 1), (2025, 1, 1));
        let ended = leaf(&self.authority, "broker.example", (2026, 1, 1), (2026, 11, 30));
        let (old, ended) = (server(&old.0, &old.1), server(&ended.0, &ended.1));
        let date = |now_ms, vouched| Date { now_ms, floor_ms: DECEMBER_MS - 60 * DAY_MS, vouched };
        let far = DECEMBER_MS + 3650 * DAY_MS;
        // What is tried, server, name, date; whether it is let in, or the word of the refusal.
        let rows = [
            ("a vouched date inside", &self.server, "broker.example", date(DECEMBER_MS, true), Ok(())),
            ("1970", &self.server, "broker.example", date(0, false), Ok(())),
            ("ten years ahead", &self.server, "broker.example", date(far, false), Ok(())),
            ("1970, said to be vouched", &self.server, "broker.example", date(0, true), Err("not valid yet")),
            ("ten years ahead, vouched", &self.server, "broker.example", date(far, true), Err("expired")),
            ("ended before the floor", &old, "broker.example", date(0, false), Err("expired")),
            ("ended before a vouched date", &ended, "broker.example", date(DECEMBER_MS, true), Err("expired")),
            ("ended after the floor", &ended, "broker.example", date(DECEMBER_MS, false), Ok(())),
            ("another name, 1970", &self.server, "other.example", date(0, false), Err("not valid for name")),
            ("another authority, 1970", &stranger.server, "broker.example", date(0, false), Err("UnknownIssuer")),
            (
                "another authority, vouched",
                &stranger.server,
                "broker.example",
                date(DECEMBER_MS, true),
                Err("UnknownIssuer"),
            ),
        ];
        for (what, server, name, date, expected) in rows {
            match (shake(&self.pem, server, name, date), expected) {
                (Ok(()), Ok(())) => {}
                (Err(said), Err(word)) if said.contains(word) => {}
                (found, expected) => panic!("{what}: {found:?}, expected {expected:?}"),
            }
        }
    }
}
