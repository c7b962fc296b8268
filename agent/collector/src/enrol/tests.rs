#![allow(clippy::unwrap_used)]
use std::{fs, path::PathBuf};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, pem::PemObject as _};
use tidewaiter_record::{
    ChainId, Ed25519Signer, Hash, RegisteredKey, Registry, RegistryClass, Renewal, Role, Signer, Statement,
    issue_renewal,
};

use super::{
    desk::{Desk, DeskError},
    nonces::Nonces,
    wire::{Ask, Renew, VERSION},
};
use crate::{ca::Authority, config::Enrol, keys};

const NOW: i64 = 1_795_300_000_000;
const DAY: i64 = 86_400_000;

struct Centre {
    _dir: tempfile::TempDir,
    registry: PathBuf,
    ca: Authority,
    desk: Desk,
}

fn centre(class: RegistryClass) -> Centre {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let registry = at("registry.json");
    let mut document = Registry::new(class);
    document.add(RegisteredKey::centre("centre", signer(99).public_key())).unwrap();
    fs::write(&registry, document.to_json()).unwrap();
    let ca = Authority::init(&at("ca"), "test", NOW).unwrap();
    let settings = Enrol {
        listen: ([127, 0, 0, 1], 0).into(),
        certificate: at("https.pem"),
        key: at("https.key"),
        ca: at("ca"),
        dir: at("enrol"),
        broker: "mqtts://broker.example".into(),
        days: 60,
    };
    let desk = Desk::new(&settings, &registry, &at("collector.db").into());
    Centre { _dir: dir, registry, ca, desk }
}

fn signer(seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(&[seed; 32])
}

fn request() -> String {
    CertificateParams::default().serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap()
}

fn statement(agent: &str, seed: u8, simulated: bool) -> Vec<u8> {
    let public = signer(seed).public_key();
    Statement { agent: agent.into(), chain: ChainId([seed; 16]), public, created_ms: 0, simulated }
        .issue(&signer(seed))
        .unwrap()
}

impl Centre {
    fn ask(&self, agent: &str, seed: u8, simulated: bool) -> super::wire::Standing {
        let token = self.desk.give_token(("yantian", agent, None), "Li Na", 24, NOW).unwrap();
        let ask = Ask {
            version: VERSION,
            token,
            site: "yantian".into(),
            serial: None,
            statement: hex::encode(statement(agent, seed, simulated)),
            request: request(),
        };
        self.desk.ask(&ask, NOW).unwrap()
    }

    fn enrol(&self, agent: &str, seed: u8) -> super::wire::Grant {
        let asked = self.ask(agent, seed, false);
        self.desk.approve(&asked.id, &asked.fingerprint, "Wang Wei", NOW).unwrap();
        self.desk.standing(&asked.id).unwrap().grant.unwrap()
    }
}

#[test]
fn an_approved_agent_is_in_the_registry_and_has_what_it_needs() {
    let centre = centre(RegistryClass::Production);
    let asked = centre.ask("gate-07", 1, false);
    assert_eq!((asked.state.as_str(), &asked.grant), ("pending", &None));
    assert!(keys::load_registry(&centre.registry).unwrap().key(signer(1).kid()).is_none());
    let wrong = centre.desk.approve(&asked.id, "0000 0000", "Wang Wei", NOW).unwrap_err();
    assert!(wrong.is_refusal(), "{wrong}");
    let enrolled = centre.desk.approve(&asked.id, &asked.fingerprint, "Wang Wei", NOW).unwrap();
    assert_eq!((enrolled.agent.as_str(), enrolled.chain), ("gate-07", ChainId([1; 16])));

    let registry = keys::load_registry(&centre.registry).unwrap();
    let key = registry.key(signer(1).kid()).unwrap();
    assert_eq!(key.statement, Some(Hash::of(&statement("gate-07", 1, false))));
    let note = key.note.as_deref().unwrap();
    assert!(note.contains("asked by Li Na") && note.contains("approved by Wang Wei"), "{note}");
    let standing = centre.desk.standing(&asked.id).unwrap();
    let grant = standing.grant.unwrap();
    assert_eq!((standing.state.as_str(), grant.broker.as_str()), ("approved", "mqtts://broker.example"));
    let excerpt = Registry::from_json(&grant.registry).unwrap();
    assert_eq!(excerpt.keys().map(|it| it.role).collect::<Vec<_>>(), [Role::Centre]);
    assert_eq!(CertificateDer::pem_slice_iter(grant.certificate.as_bytes()).count(), 2);
    assert_eq!(grant.not_after_ms, NOW + 60 * DAY);
    assert!(matches!(centre.desk.approve(&asked.id, &asked.fingerprint, "Wang Wei", NOW), Err(DeskError::Book(_))));
}

#[test]
fn simulated_keys_stay_out_of_production_and_a_second_chain_out_of_both() {
    for (class, simulated, taken) in [
        (RegistryClass::Production, true, false),
        (RegistryClass::Production, false, true),
        (RegistryClass::Test, true, true),
    ] {
        let centre = centre(class);
        let asked = centre.ask("gate-07", 1, simulated);
        let approved = centre.desk.approve(&asked.id, &asked.fingerprint, "Wang Wei", NOW);
        assert_eq!(approved.is_ok(), taken, "{class:?} {simulated}: {approved:?}");
        if taken {
            let second = centre.ask("gate-07", 2, simulated);
            let why = centre.desk.approve(&second.id, &second.fingerprint, "Wang Wei", NOW).unwrap_err().to_string();
            assert!(why.contains("reset make"), "{why}");
        }
    }
}

#[test]
fn renewal_is_proved_by_the_record_key_and_needs_no_date() {
    let centre = centre(RegistryClass::Production);
    let (grant, other) = (centre.enrol("gate-07", 1), centre.enrol("gate-08", 2));
    let nonces = Nonces::new([5; 32]);
    // Four hundred days later.
    let late = NOW + 400 * DAY;
    let ask = |signer: &Ed25519Signer, agent: &str, seed: u8, certificate: &str, at_ms: i64| {
        let request = request();
        let der = CertificateSigningRequestDer::from_pem_slice(request.as_bytes()).unwrap();
        let had = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let renewal = Renewal {
            agent: agent.into(),
            chain: ChainId([seed; 16]),
            nonce: nonces.give([0; 8], at_ms),
            request: Hash::of(&der),
            certificate: Hash::of(&had),
        };
        let proof = hex::encode(issue_renewal(&renewal, signer).unwrap());
        Renew { version: VERSION, request, certificate: certificate.to_owned(), proof }
    };
    let renew = |it: &Renew| centre.desk.renew(it, |nonce| nonces.is_good(nonce, late), late);
    let good = ask(&signer(1), "gate-07", 1, &grant.certificate, late);
    let renewed = renew(&good).unwrap();
    assert_eq!(renewed.not_after_ms, late + 60 * DAY);

    let check = |it: &Renew, expected: &str| {
        let error = renew(it).unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains(expected), "`{error}` does not say `{expected}`");
    };
    check(&ask(&signer(2), "gate-07", 1, &grant.certificate, late), "belongs to agent `gate-08`");
    check(&ask(&signer(3), "gate-07", 1, &grant.certificate, late), "not in the registry");
    check(&ask(&signer(1), "gate-07", 1, &grant.certificate, NOW), "nonce");
    check(&ask(&signer(1), "gate-07", 1, &other.certificate, late), "not of this authority");
    check(&Renew { request: request(), ..good.clone() }, "another request");
    check(&Renew { proof: "zz".into(), ..good.clone() }, "hexadecimal");

    // Denied, and closed: each alone is enough.
    centre.ca.deny("gate-07", "stolen", late).unwrap();
    check(&ask(&signer(1), "gate-07", 1, &renewed.certificate, late), "denied");
    keys::close(&centre.registry, &[], signer(2).kid(), Some(4), "sold").unwrap();
    check(&ask(&signer(2), "gate-08", 2, &other.certificate, late), "closed");
}
