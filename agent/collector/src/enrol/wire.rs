//! The JSON that agent and centre exchange. Fields may be added; a reader ignores those it does not know.

use serde::{Deserialize, Serialize};

/// Version of all of it.
pub const VERSION: u32 = 1;

/// Largest body either way: a statement, a request and a certificate chain need some kilobytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// `POST /enrol`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// [`VERSION`].
    pub version: u32,
    /// The one-time token, as typed.
    pub token: String,
    /// The site of the agent.
    pub site: String,
    /// Serial number of the box, where the agent knows it.
    pub serial: Option<String>,
    /// The enrolment statement, hexadecimal.
    pub statement: String,
    /// The certificate request, PEM.
    pub request: String,
}

/// Answer to `POST /enrol` and `GET /enrol/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// [`VERSION`].
    pub version: u32,
    /// The request, by which it is fetched again. Nobody can guess it.
    pub id: String,
    /// What both people compare.
    pub fingerprint: String,
    /// `pending`, `approved` or `rejected`.
    pub state: String,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// What the agent gets once it is approved.
    pub grant: Option<Grant>,
}

/// What an agent gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Certificate and intermediate, PEM.
    pub certificate: String,
    /// What the agent trusts for the broker and the centre, PEM.
    pub ca: String,
    /// The keys of the centre: a registry document.
    pub registry: String,
    /// Address of the broker.
    pub broker: String,
    /// The certificate is good from, UTC milliseconds.
    pub not_before_ms: i64,
    /// The certificate is good until, UTC milliseconds.
    pub not_after_ms: i64,
}

/// Answer to `GET /nonce`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nonce {
    /// 32 bytes, hexadecimal.
    pub nonce: String,
}

/// `POST /renew`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// [`VERSION`].
    pub version: u32,
    /// The certificate request, PEM.
    pub request: String,
    /// The certificate it had, also when it has expired, PEM.
    pub certificate: String,
    /// The renewal, signed with the record key, hexadecimal.
    pub proof: String,
}

/// Any refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why, and the way out.
    pub error: String,
}
