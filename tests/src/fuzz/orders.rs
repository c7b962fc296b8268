//! Signed orders: documents, kept states, commands.

use std::sync::LazyLock;

use tidewaiter_record::{
    Ed25519Signer, Hash, Signer as _,
    mandate::{
        Assignment, Authority, Circumstances, Command, Decision, Docket, Kind, Limits, MAX_SIGNATURES, Plan, Root,
        Signed, add_signature,
    },
};

/// The root behind the committed vectors, so that good input goes all the way.
static ANCHOR: LazyLock<Vec<u8>> =
    LazyLock::new(|| unhex(include_str!("../../../agent/record/vectors/mandate1/root-1.hex")));
static LIMITS: LazyLock<Vec<u8>> =
    LazyLock::new(|| unhex(include_str!("../../../agent/record/vectors/mandate1/limits-1.hex")));

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok()).unwrap_or(0);
    digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | value(*digit))).collect()
}

fn authority() -> Authority {
    let mut authority = Authority::anchored("gate-07", &ANCHOR).expect("frozen root");
    authority.see_beacon(10);
    authority
}

/// Roots, limits, assignments, plans and kept states.
///
/// # Panics
///
/// When a reader breaks a promise.
pub fn orders(bytes: &[u8]) {
    if let Ok(signed) = Signed::open(bytes) {
        assert!(bytes.len() <= signed.kind().max_bytes() && (1..=MAX_SIGNATURES).contains(&signed.claimed().len()));
        // What is read has one spelling.
        let again = match signed.kind() {
            Kind::Root => Root::read(&signed).map(|it| it.encode()),
            Kind::Limits => Limits::read(&signed).map(|it| it.encode()),
            Kind::Assignment => Assignment::read(&signed).map(|it| it.encode()),
            Kind::Plan => Plan::read(&signed).map(|it| it.encode()),
            Kind::Command => Command::read(&signed).map(|it| it.encode()),
        };
        if let Ok(again) = again {
            assert_eq!(again, signed.payload());
        }
        // One more signature changes nothing of what was there.
        let signer = Ed25519Signer::from_seed(&[0x5e; 32]);
        if let Ok(more) = add_signature(bytes, &signer) {
            let more = Signed::open(&more).expect("own document");
            assert_eq!((more.kind(), more.payload()), (signed.kind(), signed.payload()));
            assert_eq!(more.signers(&[&signer.public_key()]), [signer.kid()]);
        }
    }
    for prepared in [false, true] {
        let mut authority = authority();
        if prepared {
            authority.offer(&LIMITS).expect("frozen limits");
        }
        let before = authority.save();
        if authority.offer(bytes).is_err() {
            assert_eq!(authority.save(), before, "an error changes nothing");
        }
        let _ = (authority.table(bytes).is_ok(), authority.plan(bytes).is_ok(), authority.activate().is_ok());
        let kept = authority.save();
        assert_eq!(Authority::load("gate-07", &ANCHOR, &kept).expect("own state").save(), kept);
    }
    if let Ok(loaded) = Authority::load("gate-07", &ANCHOR, bytes) {
        let _ = loaded.standing();
    }
}

/// Commands, and the kept state of those begun and answered.
///
/// # Panics
///
/// When a reader breaks a promise.
pub fn commands(bytes: &[u8]) {
    let mut docket = Docket::load(bytes).unwrap_or_default();
    assert_eq!(Docket::load(&docket.save()).as_ref().ok(), Some(&docket));
    let Ok((command, by_root)) = authority().command(bytes) else { return };
    let hash = Hash::of(bytes);
    for (agrees, holds) in [(None, true), (Some(false), true), (Some(true), false), (Some(true), true)] {
        let now = Circumstances { beacon: 10, agrees, holds, by_root };
        match docket.consider(&command, hash, now) {
            Decision::Execute(_) => {
                assert!(agrees == Some(true) && holds && command.number > docket.floor());
                docket.begin(&command, hash);
                assert_eq!(docket.consider(&command, hash, now), Decision::Answered);
                docket.end();
                assert_eq!(docket.consider(&command, hash, now), Decision::Answered);
            }
            Decision::Answered | Decision::Wait(_) | Decision::Refuse(_) => {}
        }
    }
}
