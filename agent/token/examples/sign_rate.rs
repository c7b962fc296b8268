//! Signatures a second: keys in files and in a token, each beside the bare call of the crate or library below it.
//!
//! ```text
//! softhsm2-util --init-token --free --label gate --pin 1234 --so-pin 5678
//! echo 1234 > token.pin
//! cargo run --release -p tidewaiter-token --example sign_rate -- /usr/lib/softhsm/libsofthsm2.so gate token.pin
//! ```
//!
//! Bare calls and ours take turns in short rounds, and the best round of each counts, so that other work of the machine
//! disturbs both alike. A token's signature is checked before it is given out: that is the difference there.

use std::{
    error::Error,
    fs,
    hint::black_box,
    path::PathBuf,
    time::{Duration, Instant},
};

use cryptoki::{
    context::Pkcs11,
    mechanism::{
        Mechanism,
        eddsa::{EddsaParams, EddsaSignatureScheme},
    },
    object::{Attribute, ObjectClass},
    session::UserType,
    types::AuthPin,
};
use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::Signer as _;
use sha2::Digest as _;
use tidewaiter_record::{Algorithm, Signer, SoftwareKey};
use tidewaiter_token::{Settings, Token};

/// What a small record signs.
const MESSAGE: [u8; 400] = [0x5a; 400];
const ROUNDS: u32 = 8;
const ROUND: Duration = Duration::from_millis(250);

fn rate(work: &mut dyn FnMut()) -> f64 {
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < ROUND {
        for _ in 0..16 {
            work();
        }
        count += 16;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

fn compare(name: &str, ours: &mut dyn FnMut(), bare: &mut dyn FnMut()) {
    let (mut best, mut best_bare) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        best = best.max(rate(ours));
        best_bare = best_bare.max(rate(bare));
    }
    println!("{name:<16} {best:>9.0}/s   bare {best_bare:>9.0}/s   ratio {:.2}", best / best_bare);
}

fn main() -> Result<(), Box<dyn Error>> {
    let key = SoftwareKey::generate(Algorithm::Ed25519)?;
    let bare = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    compare("file Ed25519", &mut || drop(black_box(key.sign(black_box(&MESSAGE)))), &mut || {
        drop(black_box(bare.sign(black_box(&MESSAGE)).to_vec()))
    });
    let key = SoftwareKey::generate(Algorithm::Esp256)?;
    let bare = p256::ecdsa::SigningKey::from_slice(&[7; 32])?;
    compare("file ESP256", &mut || drop(black_box(key.sign(black_box(&MESSAGE)))), &mut || {
        let signature: p256::ecdsa::Signature = bare.sign(black_box(&MESSAGE));
        drop(black_box(signature.to_vec()));
    });

    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [module, token, pin_file] = arguments.as_slice() else {
        println!("(no token: give MODULE TOKEN PIN_FILE)");
        return Ok(());
    };
    let token = token.to_string_lossy().into_owned();
    let pin = fs::read_to_string(pin_file)?.lines().next().unwrap_or_default().to_owned();
    let settings = Settings::new(PathBuf::from(module), token.clone(), "sign_rate".to_owned(), pin.clone());
    let desk = Token::new(settings)?;
    for algorithm in [Algorithm::Ed25519, Algorithm::Esp256] {
        let key = desk.generate(algorithm)?;
        let library = Pkcs11::new(PathBuf::from(module))?;
        let slot = library
            .get_slots_with_initialized_token()?
            .into_iter()
            .find(|it| library.get_token_info(*it).is_ok_and(|info| info.label() == token))
            .ok_or("no such token")?;
        let session = library.open_rw_session(slot)?;
        let _ = session.login(UserType::User, Some(&AuthPin::from(pin.clone())));
        let private = Attribute::Class(ObjectClass::PRIVATE_KEY);
        let object =
            session.find_objects(&[private, Attribute::Id(key.kid().0.to_vec())])?.pop().ok_or("no such key")?;
        let (mechanism, bytes) = match algorithm {
            Algorithm::Ed25519 => (Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)), MESSAGE.to_vec()),
            _ => (Mechanism::Ecdsa, sha2::Sha256::digest(MESSAGE).to_vec()),
        };
        compare(&format!("token {algorithm}"), &mut || drop(black_box(key.sign(black_box(&MESSAGE)))), &mut || {
            drop(black_box(session.sign(&mechanism, object, black_box(&bytes))))
        });
        desk.destroy(key.kid())?;
    }
    Ok(())
}
