//! Private keys that stay inside a PKCS#11 token: a smart card, a TPM behind `tpm2-pkcs11`, a network HSM, `SoftHSM`.
//!
//! A [`Token`] is asked to make a key, to find one by its name, to destroy one; a [`TokenKey`] is a
//! [`Signer`](tidewaiter_record::Signer) whose private half nobody can read. Agent and collector share this crate as
//! they share the broker link: neither may import the other.
//!
//! ```text
//! TokenKey::sign ─► queue (64) ─► one thread with the session ─► C_Sign ─► checked with the public key ─► signature
//! ```
//!
//! A session of PKCS#11 belongs to one thread, hence the thread. Objects on the token carry the configured label, and
//! as `CKA_ID` the 8 bytes of the key's name. For ECDSA the hash is taken here and the token signs it raw
//! (`CKM_ECDSA`): that is what all tokens have. Ed25519 is `CKM_EDDSA` without parameters.
//!
//! A token that was taken out is looked for again at every signature; until it is back every signature fails, and
//! nothing is signed elsewhere. A PIN that was refused once is not tried again, because tokens count and lock.

mod error;
mod object;
mod session;
mod token;

pub use error::TokenError;
pub use token::{PATIENCE, QUEUE, Settings, Token, TokenKey};
