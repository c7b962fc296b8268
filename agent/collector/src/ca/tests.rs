#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::{os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime, pem::PemObject as _},
    server::WebPkiClientVerifier,
};

use super::*;

const NOW: i64 = 1_795_300_000_000;
const DAYS_60: i64 = 60 * DAY_MS;

fn request() -> (KeyPair, String) {
    let key = KeyPair::generate().unwrap();
    let pem = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    (key, pem)
}

/// What a TLS server says that trusts the root and reads the revocation lists.
fn judged(dir: &Path, chain: &str, at_ms: i64) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("root.pem")).unwrap()).unwrap();
    let crls: Vec<_> =
        CertificateRevocationListDer::pem_file_iter(dir.join("crl.pem")).unwrap().collect::<Result<_, _>>().unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(crls)
        .only_check_end_entity_revocation()
        .build()
        .unwrap();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(at_ms).unwrap()));
    verifier.verify_client_cert(&chain[0], &chain[1..], at).map(|_| ()).map_err(|it| it.to_string())
}

#[test]
fn certificates_are_good_for_their_days_and_no_longer_than_they_are_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let ca = Authority::init(dir, "test", NOW).unwrap();
    assert!(matches!(Authority::init(dir, "test", NOW), Err(CaError::Exists(_))));
    for secret in ["root.key", "intermediate.key"] {
        assert_eq!(fs::metadata(dir.join(secret)).unwrap().permissions().mode() & 0o777, 0o600, "{secret}");
    }
    let (_, asked) = request();
    let one = ca.issue_client("gate-07", &asked, 60, NOW).unwrap();
    let two = ca.issue_client("gate-08", &asked, 60, NOW).unwrap();
    judged(dir, &one.chain, NOW).unwrap();
    judged(dir, &one.chain, NOW + DAYS_60 - 1000).unwrap();
    assert!(judged(dir, &one.chain, NOW + DAYS_60 + 1000).unwrap_err().contains("expired"));

    // Denied: every certificate of the name, and only of this name.
    let renewed = ca.issue_client("gate-07", &asked, 60, NOW).unwrap();
    ca.deny("gate-07", "stolen", NOW).unwrap();
    for chain in [&one.chain, &renewed.chain] {
        assert!(judged(dir, chain, NOW).unwrap_err().contains("Revoked"), "{:?}", judged(dir, chain, NOW));
    }
    judged(dir, &two.chain, NOW).unwrap();
    assert!(matches!(ca.issue_client("gate-07", &asked, 60, NOW), Err(CaError::Denied { .. })));
    let acl = fs::read_to_string(dir.join("acl")).unwrap();
    assert!(acl.contains("user gate-07\ntopic deny #\n") && !acl.contains("gate-08"), "{acl}");

    // With a new board it may again; what the thief has stays denied.
    ca.allow("gate-07", NOW).unwrap();
    let again = ca.issue_client("gate-07", &asked, 60, NOW).unwrap();
    judged(dir, &again.chain, NOW).unwrap();
    assert!(judged(dir, &one.chain, NOW).is_err());
    assert!(!fs::read_to_string(dir.join("acl")).unwrap().contains("deny"));
}

#[test]
fn a_new_intermediate_goes_beside_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let ca = Authority::init(dir, "test", NOW).unwrap();
    let (_, asked) = request();
    let old = ca.issue_client("gate-07", &asked, 60, NOW).unwrap();
    // Without the root's key nobody makes one.
    let offline = dir.join("stick.key");
    fs::rename(dir.join("root.key"), &offline).unwrap();
    assert!(ca.renew(&dir.join("root.key"), "test", NOW).is_err());
    ca.renew(&offline, "test", NOW).unwrap();
    let new = ca.issue_client("gate-08", &asked, 60, NOW).unwrap();
    assert_ne!(old.issued.issuer, new.issued.issuer);
    for chain in [&old.chain, &new.chain] {
        judged(dir, chain, NOW).unwrap();
    }
    // What the old one signed can still be denied.
    ca.deny("gate-07", "leak", NOW).unwrap();
    assert!(judged(dir, &old.chain, NOW).is_err());
    judged(dir, &new.chain, NOW).unwrap();
}

#[test]
fn of_a_request_only_the_key_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Authority::init(dir.path(), "test", NOW).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["broker.example".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "centre");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let asked = params.serialize_request(&key).unwrap().pem().unwrap();
    let issued = ca.issue_client("gate-07", &asked, 60, NOW).unwrap();
    judged(dir.path(), &issued.chain, NOW).unwrap();
    let leaf = CertificateDer::from_pem_slice(issued.chain.as_bytes()).unwrap();
    for forbidden in [b"broker.example".as_slice(), b"centre"] {
        assert!(!leaf.windows(forbidden.len()).any(|it| it == forbidden));
    }
    assert!(leaf.windows(7).any(|it| it == b"gate-07"));

    let check = |name: &str, request: &str, days: u32, expected: &str| {
        let error = ca.issue_client(name, request, days, NOW).unwrap_err().to_string();
        assert!(error.contains(expected), "`{error}` does not say `{expected}`");
    };
    check("gate-07", "no request", 60, "certificate request");
    check("gate/07", &asked, 60, "cannot be the name");
    check("", &asked, 60, "cannot be the name");
    check("gate-07", &asked, 91, "write 1 to 90");
    // A request whose key did not sign it.
    let mut der = pem_body(&asked);
    let last = der.len() - 1;
    der[last] ^= 1;
    check("gate-07", &pem_of(&der), 60, "certificate request");
}

fn pem_body(pem: &str) -> Vec<u8> {
    rustls::pki_types::CertificateSigningRequestDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

fn pem_of(der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in der.chunks(3) {
        let mut bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        bits <<= 8;
        for at in 0..4 {
            let digit = DIGITS[usize::try_from(bits >> (26 - 6 * at) & 0x3f).unwrap()];
            text.push(if at <= three.len() { char::from(digit) } else { '=' });
        }
    }
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n")
}

#[test]
fn the_ledger_keeps_the_newest_of_each_name() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Authority::init(dir.path(), "test", NOW).unwrap();
    let (_, asked) = request();
    for n in 0..20 {
        ca.issue_client("gate-07", &asked, 30, NOW + n).unwrap();
    }
    let ledger = ca.ledger().unwrap();
    assert_eq!(ledger.certificates.len(), 16);
    let newest = ledger.certificates.last().unwrap();
    assert_eq!(ledger.certificate(&newest.sha256), Some(newest));
    fs::write(dir.path().join("issued.json"), "{}").unwrap();
    assert!(matches!(ca.ledger(), Err(CaError::Content { .. })));
}
