//! Enrolment: how an agent's keys come to be trusted, and how its transport certificate is renewed.
//!
//! ```text
//! person 1: enrol token ─► one-time token ─► site
//! agent:    POST /enrol {token, statement, certificate request} ─► pending, fingerprint
//! person 2: compares the fingerprint, enrol approve ─► registry entry, certificate
//! agent:    GET /enrol/{id} ─► certificate, keys of the centre, address of the broker
//! agent:    GET /nonce, POST /renew {request, certificate, proof} ─► certificate
//! ```
//!
//! The shape is that of Enrolment over Secure Transport (RFC 7030): a request is made, and fetched again until it is
//! decided. The statement proves that the agent holds its record key; a person proves that it is the right box.
//!
//! | module | what it does |
//! |---|---|
//! | [`book`] | tokens and requests; pure |
//! | [`tries`] | how often somebody may be wrong; pure |
//! | [`nonces`] | numbers that serve once; pure |
//! | [`wire`] | the JSON of the endpoint |
//! | [`desk`] | book, registry and authority together, on disk |
//! | [`server`] | the endpoint: TLS, bounds |

pub mod book;
pub mod desk;
pub mod nonces;
pub mod server;
pub mod tries;
pub mod wire;

pub use book::{Book, Request, State, Token};
pub use desk::{Desk, DeskError};

#[cfg(test)]
mod tests;
