//! Mutual TLS, and what a person is told when either side refuses.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::doc_markdown)]

mod broker;

use std::sync::Arc;

use broker::{Broker, ConnAck, Packet, Peer, Rig, settings, soon};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rumqttc::tokio_rustls::TlsAcceptor;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tidewaiter_mqtt::{Event, SettingsError, TlsPem, start};
use tokio_util::sync::CancellationToken;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A certificate and its key, PEM encoded.
struct Leaf {
    certificate: String,
    key: String,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf(authority: &Authority, name: &str, expired: bool) -> Leaf {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if expired {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    }
    Leaf { certificate: params.signed_by(&key, authority).unwrap().pem(), key: key.serialize_pem() }
}

fn acceptor(clients: &Authority, server: &Leaf) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(clients.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(server.certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap(),
        )
        .unwrap();
    Arc::new(config).into()
}

fn pem(ca: &Authority, client: &Leaf) -> TlsPem {
    TlsPem {
        ca: ca.pem().into_bytes(),
        certificate: client.certificate.clone().into_bytes(),
        key: client.key.clone().into_bytes(),
    }
}

/// Starts a link to `localhost`, lets the broker shake hands once, and gives the reason it failed.
async fn failure(acceptor: TlsAcceptor, tls: TlsPem) -> String {
    let broker = Broker::bind().await;
    let mut asked = settings(broker.port);
    "localhost".clone_into(&mut asked.host);
    asked.tls = Some(tls);
    let mut rig = Rig::start(asked);
    let served = async {
        if let Ok(stream) = acceptor.accept(broker.tcp().await).await {
            // Should a handshake pass that must not, the test sees a CONNECT.
            let mut peer = Peer::new(stream);
            assert_eq!(peer.read().await, None);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        why = rig.disconnected() => why,
        () = served => unreachable!(),
    }
}

#[tokio::test]
async fn mutual_tls_carries_a_record() {
    let ca = authority("test authority");
    let server = leaf(&ca, "localhost", false);
    let client = leaf(&ca, "agent-7", false);
    let broker = Broker::bind().await;
    let mut asked = settings(broker.port);
    "localhost".clone_into(&mut asked.host);
    asked.tls = Some(pem(&ca, &client));
    let mut rig = Rig::start(asked);
    let stream = soon("the handshake", acceptor(&ca, &server).accept(broker.tcp().await)).await.unwrap();
    let presented = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    assert_eq!(presented, CertificateDer::from_pem_slice(client.certificate.as_bytes()).unwrap());
    let mut peer = Peer::new(stream);
    assert!(matches!(peer.packet().await, Packet::Connect(_)));
    peer.connack(ConnAck::default()).await;
    rig.connected().await;
    rig.offer(1);
    let publish = peer.publish().await;
    peer.puback(publish.id, 0).await;
    assert_eq!(rig.event().await, Event::Acked { token: 1 });
    rig.stop.cancel();
    assert_eq!(peer.packet().await, Packet::Disconnect { reason: 0 });
}

#[tokio::test]
async fn refusals_by_either_side_are_told_apart() {
    let ours = authority("our authority");
    let other = authority("another authority");
    let server = leaf(&ours, "localhost", false);
    let client = leaf(&ours, "agent-7", false);
    let rows = [
        (
            "our CA file lacks the broker's authority",
            acceptor(&ours, &server),
            pem(&other, &client),
            ["we refused the broker's certificate", "unknown CA"],
        ),
        (
            "the broker's name differs",
            acceptor(&ours, &leaf(&ours, "elsewhere", false)),
            pem(&ours, &client),
            ["we refused the broker's certificate", "name mismatch"],
        ),
        (
            "the broker's certificate has expired",
            acceptor(&ours, &leaf(&ours, "localhost", true)),
            pem(&ours, &client),
            ["we refused the broker's certificate", "expired"],
        ),
        (
            "the broker does not know our authority",
            acceptor(&other, &server),
            pem(&ours, &client),
            ["the broker refused us by TLS alert", "unknown CA"],
        ),
        (
            "our certificate has expired",
            acceptor(&ours, &server),
            pem(&ours, &leaf(&ours, "agent-7", true)),
            ["the broker refused us by TLS alert", "certificate expired"],
        ),
    ];
    for (case, acceptor, tls, words) in rows {
        let why = failure(acceptor, tls).await;
        for word in words {
            assert!(why.contains(word), "{case}: {why:?} should say {word:?}");
        }
    }
}

#[tokio::test]
async fn a_plain_port_is_told_from_a_tls_port() {
    let ca = authority("test authority");
    let client = leaf(&ca, "agent-7", false);
    let broker = Broker::bind().await;
    let mut asked = settings(broker.port);
    "localhost".clone_into(&mut asked.host);
    asked.tls = Some(pem(&ca, &client));
    let mut rig = Rig::start(asked);
    let mut plain = broker.tcp().await;
    tokio::io::AsyncWriteExt::write_all(&mut plain, b"\x20\x03\x00\x84\x00").await.unwrap();
    let why = rig.disconnected().await;
    assert!(why.contains("does not speak TLS"), "{why}");
    // And the other way round: a plain link to a TLS port gets a TLS alert for a CONNACK.
    let server = leaf(&ca, "localhost", false);
    let broker = Broker::bind().await;
    let mut rig = Rig::start(settings(broker.port));
    let tcp = broker.tcp().await;
    assert!(acceptor(&ca, &server).accept(tcp).await.is_err());
    let why = rig.disconnected().await;
    assert!(why.contains("whether it asks for TLS"), "{why}");
}

#[tokio::test]
async fn certificates_that_do_not_do_are_refused_before_the_start() {
    let ca = authority("test authority");
    let client = leaf(&ca, "agent-7", false);
    let good = pem(&ca, &client);
    let start_with = |tls: TlsPem| {
        let mut asked = settings(1);
        asked.tls = Some(tls);
        start(asked, CancellationToken::new()).map(|_| ()).unwrap_err()
    };
    let empty = start_with(TlsPem { ca: Vec::new(), ..good.clone() });
    assert!(matches!(empty, SettingsError::Pem { what: "CA certificate", .. }), "{empty}");
    let swapped = start_with(TlsPem { certificate: good.key.clone(), ..good.clone() });
    assert!(matches!(swapped, SettingsError::Pem { what: "client certificate", .. }), "{swapped}");
    let no_key = start_with(TlsPem { key: good.ca.clone(), ..good.clone() });
    assert!(matches!(no_key, SettingsError::Pem { what: "private key", .. }), "{no_key}");
    let stranger = start_with(TlsPem { key: KeyPair::generate().unwrap().serialize_pem().into_bytes(), ..good });
    assert!(matches!(&stranger, SettingsError::Tls(_)), "{stranger}");
    assert!(stranger.to_string().contains("key belongs to the certificate"));
}
