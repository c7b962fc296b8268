//! What an authority has issued and whom it denies: a JSON document, and the rules on it. No IO.

use serde::{Deserialize, Serialize};

/// Certificates remembered of one name, newest kept: an agent that comes back after years shows one of the last.
const MOST_PER_NAME: usize = 16;

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Its common name.
    pub name: String,
    /// SHA-256 of the certificate (DER), hexadecimal.
    pub sha256: String,
    /// SHA-256 of the issuer's certificate (PEM), hexadecimal.
    pub issuer: String,
    /// Good from, UTC milliseconds.
    pub not_before_ms: i64,
    /// Good until, UTC milliseconds.
    pub not_after_ms: i64,
    /// On the revocation list.
    pub denied: bool,
}

/// A name that gets no certificate and no topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denied {
    /// The agent.
    pub agent: String,
    /// Why, as a person wrote it.
    pub reason: String,
    /// When, UTC milliseconds.
    pub at_ms: i64,
}

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    version: u32,
    /// Certificates, in the order of their making.
    pub certificates: Vec<Issued>,
    /// Names denied.
    pub denied: Vec<Denied>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { version: 1, certificates: Vec::new(), denied: Vec::new() }
    }
}

impl Ledger {
    pub(super) fn from_json(text: &str) -> Result<Self, String> {
        let ledger: Self = serde_json::from_str(text).map_err(|it| it.to_string())?;
        if ledger.version == 1 { Ok(ledger) } else { Err(format!("version {} is not known", ledger.version)) }
    }

    pub(super) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("texts and numbers are always JSON");
        text.push('\n');
        text
    }

    /// The entry of a denied name.
    pub fn denied(&self, agent: &str) -> Option<&Denied> {
        self.denied.iter().find(|it| it.agent == agent)
    }

    /// The certificate with this SHA-256, hexadecimal.
    pub fn certificate(&self, sha256: &str) -> Option<&Issued> {
        self.certificates.iter().find(|it| it.sha256 == sha256)
    }

    pub(super) fn add(&mut self, issued: Issued) {
        let same = self.certificates.iter().filter(|it| it.name == issued.name).count();
        // A denied one stays on the list while it could still be shown.
        let droppable = |it: &Issued| it.name == issued.name && (!it.denied || it.not_after_ms < issued.not_before_ms);
        if same >= MOST_PER_NAME
            && let Some(oldest) = self.certificates.iter().position(droppable)
        {
            self.certificates.remove(oldest);
        }
        self.certificates.push(issued);
    }

    pub(super) fn deny(&mut self, agent: &str, reason: &str, at_ms: i64) {
        self.certificates.iter_mut().filter(|it| it.name == agent).for_each(|it| it.denied = true);
        if self.denied(agent).is_none() {
            self.denied.push(Denied { agent: agent.to_owned(), reason: reason.to_owned(), at_ms });
        }
    }

    pub(super) fn allow(&mut self, agent: &str) {
        self.denied.retain(|it| it.agent != agent);
    }
}
