//! Keys on a real token library: `SoftHSM` 2 (Debian package `softhsm2`).
//!
//! The library reads where its tokens are from the environment when it is loaded, and a process may not change its own
//! environment safely. So each test runs itself again as a child with a folder of tokens of its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tidewaiter_record::{Algorithm, Kid, SignError, Signer, kid_of};
use tidewaiter_token::{Settings, Token, TokenError};

/// Set in the child: its folder.
const FOLDER: &str = "TIDEWAITER_TEST_TOKENS";

fn module() -> PathBuf {
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"]
        .map(PathBuf::from)
        .into_iter()
        .find(|it| it.exists())
        .expect("libsofthsm2.so is missing: apt-get install softhsm2")
}

/// Runs `test` in a child that has a fresh token `gate` with PIN 1234; does nothing more in the parent.
fn with_token(name: &str, test: impl FnOnce(&Path)) {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return test(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let config = folder.path().join("softhsm2.conf");
    fs::write(&config, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let made = Command::new("softhsm2-util")
        .env("SOFTHSM2_CONF", &config)
        .args(["--init-token", "--free", "--label", "gate", "--pin", "1234", "--so-pin", "5678"])
        .output()
        .expect("softhsm2-util is missing: apt-get install softhsm2");
    assert!(made.status.success(), "{made:?}");
    let child = Command::new(std::env::current_exe().unwrap())
        .env("SOFTHSM2_CONF", &config)
        .env(FOLDER, folder.path())
        .args(["--exact", name, "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

fn settings(pin: &str) -> Settings {
    Settings::new(module(), "gate".to_owned(), "tidewaiter".to_owned(), pin.to_owned())
}

#[test]
fn keys_are_made_found_used_and_destroyed() {
    with_token("keys_are_made_found_used_and_destroyed", |_| {
        let token = Token::new(settings("1234")).unwrap();
        for algorithm in [Algorithm::Ed25519, Algorithm::Esp256] {
            let key = token.generate(algorithm).unwrap();
            assert_eq!((key.algorithm(), key.kid()), (algorithm, kid_of(&key.public_key())));
            for length in [0, 1, 127, 4096, 32_768] {
                let message = vec![0x5a; length];
                let signature = key.sign(&message).unwrap();
                assert!(key.public_key().verifies(&message, &signature), "{algorithm} {length}");
            }
            // A token draws the number used once, so half of its signatures would come with the larger s.
            for i in 0..32_u8 {
                assert!(key.public_key().verifies(&[i], &key.sign(&[i]).unwrap()));
            }
            // Another handle, as after a restart.
            let again = Token::new(settings("1234")).unwrap().key(key.kid()).unwrap();
            assert_eq!(again.public_key(), key.public_key());
            assert!(key.public_key().verifies(b"m", &again.sign(b"m").unwrap()));

            token.destroy(key.kid()).unwrap();
            token.destroy(key.kid()).unwrap();
            assert!(matches!(token.key(key.kid()), Err(TokenError::NoKey { .. })));
            let gone = again.sign(b"m").unwrap_err();
            assert!(matches!(gone, SignError::Unavailable { .. }), "{gone}");
        }
    });
}

#[test]
fn the_private_half_cannot_be_read() {
    use cryptoki::{
        object::{Attribute, AttributeInfo, AttributeType, ObjectClass},
        session::UserType,
        types::AuthPin,
    };
    with_token("the_private_half_cannot_be_read", |folder| {
        let token = Token::new(settings("1234")).unwrap();
        let library = cryptoki::context::Pkcs11::new(module()).unwrap();
        for algorithm in [Algorithm::Ed25519, Algorithm::Esp256] {
            let kid = token.generate(algorithm).unwrap().kid();
            let slot = library.get_slots_with_initialized_token().unwrap()[0];
            let session = library.open_rw_session(slot).unwrap();
            // Logged in already, through the session above: the most that anyone with the PIN can be.
            let _ = session.login(UserType::User, Some(&AuthPin::from("1234".to_owned())));
            let object = session
                .find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(kid.0.to_vec())])
                .unwrap()[0];
            let info = session.get_attribute_info(object, &[AttributeType::Value]).unwrap();
            assert!(!matches!(info[0], AttributeInfo::Available(_)), "{info:?}");
            let attributes = session
                .get_attributes(
                    object,
                    &[AttributeType::Sensitive, AttributeType::Extractable, AttributeType::AlwaysSensitive],
                )
                .unwrap();
            assert_eq!(
                attributes,
                [Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::AlwaysSensitive(true)]
            );
        }
        assert!(folder.join("tokens").exists());
    });
}

#[test]
fn a_wrong_pin_is_tried_once() {
    with_token("a_wrong_pin_is_tried_once", |_| {
        let token = Token::new(settings("0000")).unwrap();
        for _ in 0..20 {
            let refused = token.generate(Algorithm::Ed25519).unwrap_err();
            assert_eq!(refused, TokenError::Pin { token: "gate".to_owned() });
            assert!(!refused.to_string().contains("0000"));
        }
        assert!(!format!("{:?}", settings("0000")).contains("0000"));
        // Had it been tried twenty times, a token that counts would be locked now.
        assert!(Token::new(settings("1234")).unwrap().generate(Algorithm::Ed25519).is_ok());
    });
}

#[test]
fn what_is_missing_is_named() {
    with_token("what_is_missing_is_named", |_| {
        let check = |settings: Settings, expected: &str| {
            let failure = Token::new(settings).unwrap().key(Kid([7; 8])).unwrap_err().to_string();
            assert!(failure.contains(expected), "`{failure}` does not say `{expected}`");
        };
        let (label, pin) = ("tidewaiter".to_owned(), "1234".to_owned());
        check(settings("1234"), "holds no key 0707070707070707");
        check(Settings::new(module(), "lane".into(), label.clone(), pin.clone()), "no token \"lane\" is there");
        check(Settings::new(module(), "lane".into(), label.clone(), pin.clone()), "(found: gate");
        check(Settings::new("/nowhere.so".into(), "gate".into(), label, pin), "pkcs11 module /nowhere.so");
    });
}

#[test]
fn a_token_taken_out_signs_nothing_and_signs_again_when_it_is_back() {
    with_token("a_token_taken_out_signs_nothing_and_signs_again_when_it_is_back", |folder| {
        let token = Token::new(settings("1234")).unwrap();
        let key = token.generate(Algorithm::Esp256).unwrap();
        assert!(key.sign(b"m").is_ok());
        let (tokens, away) = (folder.join("tokens"), folder.join("away"));
        fs::rename(&tokens, &away).unwrap();
        fs::create_dir(&tokens).unwrap();
        for _ in 0..3 {
            let failure = key.sign(b"m").unwrap_err();
            println!("{failure}");
            assert!(matches!(failure, SignError::Unavailable { .. }));
        }
        fs::remove_dir(&tokens).unwrap();
        fs::rename(&away, &tokens).unwrap();
        let signature = key.sign(b"m").unwrap();
        assert!(key.public_key().verifies(b"m", &signature));
    });
}
