//! The centre's enrolment endpoint, as the agent asks it: JSON over TLS, trusting one authority.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider};

/// Version of the exchange.
const VERSION: u32 = 1;
/// What one question may take: a slow line, and a centre that waits for its disk.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest answer taken.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// Why the centre gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    /// The address is none.
    #[error("--centre {0:?} is no address; write \"https://host:8443\"")]
    Address(String),
    /// The authority is none.
    #[error("the centre's authority: {0}")]
    Authority(String),
    /// It cannot be reached, or is not who it should be.
    #[error("the centre at {url}: {why}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        why: String,
    },
    /// It says no.
    #[error("the centre refuses: {0}")]
    Refused(String),
    /// It cannot answer now.
    #[error("the centre cannot answer now: {0}")]
    Busy(String),
    /// The answer is not what was asked for.
    #[error("the centre at {url}: not the expected answer: {why}")]
    Answer {
        /// What was asked.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Standing {
    /// By which it is asked again.
    pub id: String,
    /// As the centre computed it.
    pub fingerprint: String,
    /// `pending`, `approved` or `rejected`.
    pub state: String,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// What the agent gets.
    pub grant: Option<Grant>,
}

/// What the agent gets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Grant {
    /// Certificate and intermediate, PEM.
    pub certificate: String,
    /// What to trust for broker and centre, PEM.
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

/// What an agent that is not enrolled brings.
#[derive(Clone, Debug, Serialize)]
pub struct Ask {
    /// The one-time token.
    pub token: String,
    /// The site.
    pub site: String,
    /// Serial number of the box.
    pub serial: Option<String>,
    /// The enrolment statement, hexadecimal.
    pub statement: String,
    /// The certificate request, PEM.
    pub request: String,
}

/// What an enrolled agent brings.
#[derive(Clone, Debug, Serialize)]
pub struct Renew {
    /// The certificate request, PEM.
    pub request: String,
    /// The certificate it has, PEM.
    pub certificate: String,
    /// The renewal, signed with the record key, hexadecimal.
    pub proof: String,
}

#[derive(Serialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    rest: T,
}

#[derive(Deserialize)]
struct Nonce {
    nonce: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// The centre.
#[derive(Debug)]
pub struct Centre {
    agent: ureq::Agent,
    url: String,
}

impl Centre {
    /// The centre at `url`, believed only with a certificate of the authority `ca_pem`.
    ///
    /// # Errors
    ///
    /// When the address or the authority is of no use.
    pub fn new(url: &str, ca_pem: &str) -> Result<Self, CentreError> {
        let url = url.trim_end_matches('/');
        if url.strip_prefix("https://").is_none_or(str::is_empty) {
            return Err(CentreError::Address(url.to_owned()));
        }
        let mut roots: Vec<Certificate<'static>> = Vec::new();
        for item in ureq::tls::parse_pem(ca_pem.as_bytes()) {
            match item.map_err(|it| CentreError::Authority(it.to_string()))? {
                PemItem::Certificate(it) => roots.push(it),
                _ => return Err(CentreError::Authority("something else than a certificate is in it".to_owned())),
            }
        }
        if roots.is_empty() {
            return Err(CentreError::Authority("no certificate is in it".to_owned()));
        }
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .https_only(true)
            .max_redirects(0)
            .proxy(None)
            .tls_config(tls)
            .build()
            .into();
        Ok(Self { agent, url: url.to_owned() })
    }

    /// Asks to be enrolled.
    ///
    /// # Errors
    ///
    /// When it cannot be reached, or says no.
    pub fn ask(&self, ask: Ask) -> Result<Standing, CentreError> {
        self.post("/enrol", ask)
    }

    /// Asks how a request stands.
    ///
    /// # Errors
    ///
    /// When it cannot be reached, or knows no such request.
    pub fn standing(&self, id: &str) -> Result<Standing, CentreError> {
        let url = format!("{}/enrol/{id}", self.url);
        answer(&url, self.agent.get(&url).call())
    }

    /// Asks for a nonce.
    ///
    /// # Errors
    ///
    /// When it cannot be reached.
    pub fn nonce(&self) -> Result<[u8; 32], CentreError> {
        let url = format!("{}/nonce", self.url);
        let Nonce { nonce } = answer(&url, self.agent.get(&url).call())?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(nonce, &mut bytes).map_err(|why| CentreError::Answer { url, why: why.to_string() })?;
        Ok(bytes)
    }

    /// Asks for a new certificate.
    ///
    /// # Errors
    ///
    /// When it cannot be reached, or says no.
    pub fn renew(&self, renew: Renew) -> Result<Grant, CentreError> {
        self.post("/renew", renew)
    }

    fn post<A: DeserializeOwned>(&self, path: &str, body: impl Serialize) -> Result<A, CentreError> {
        let url = format!("{}{path}", self.url);
        let sent = self.agent.post(&url).send_json(Versioned { version: VERSION, rest: body });
        answer(&url, sent)
    }
}

fn answer<A: DeserializeOwned>(
    url: &str,
    sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<A, CentreError> {
    let mut response = sent.map_err(|why| CentreError::Unreachable { url: url.to_owned(), why: why.to_string() })?;
    let status = response.status();
    let wrong = |why: String| CentreError::Answer { url: url.to_owned(), why };
    let text = response
        .body_mut()
        .with_config()
        .limit(MAX_ANSWER_BYTES)
        .read_to_string()
        .map_err(|it| wrong(it.to_string()))?;
    if status.is_success() {
        return serde_json::from_str(&text).map_err(|it| wrong(it.to_string()));
    }
    let why = serde_json::from_str::<Refusal>(&text).map_or_else(|_| format!("status {status}"), |it| it.error);
    Err(if status.is_client_error() && status.as_u16() != 429 {
        CentreError::Refused(why)
    } else {
        CentreError::Busy(why)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_an_address_and_an_authority_will_do() {
        let check = |url: &str, ca: &str, expected: &str| {
            let error = Centre::new(url, ca).unwrap_err().to_string();
            assert!(error.contains(expected), "`{error}` does not say `{expected}`");
        };
        check("http://centre.example", "", "https://host:8443");
        check("https://", "", "https://host:8443");
        check("https://centre.example:8443", "no certificate", "no certificate is in it");
    }
}
