//! The transport certificate: asked for once with a token, renewed with the record key, written where the site file
//! points.
//!
//! ```text
//! <data dir>/enrol.json   which centre, what was asked, how long the certificate is good for
//! [uplink.tls] ca, certificate, key; [uplink] registry     what the centre gave
//! ```
//!
//! The private key is made here once and stays: a renewal replaces one file, the certificate, in one step, so a power
//! cut leaves a pair that fits. What this certificate opens is the broker's door; records are signed with another key.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde::{Deserialize, Serialize};
use tidewaiter_config::site::{Keys, Site, Tls, Uplink};
use tidewaiter_record::{Hash, Registry, Renewal, fingerprint, issue_renewal};

use super::{
    KeyError, STATEMENT_FILE,
    centre::{Ask, Centre, CentreError, Grant, Renew, Standing},
};

/// What the agent remembers of its enrolment.
pub const STATE_FILE: &str = "enrol.json";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// File.
        path: PathBuf,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {why}")]
    Content {
        /// File.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The site file has no place for it.
    #[error(
        "the site file has no [uplink.tls]; write mqtts:// and ca, certificate and key: that is where the files go"
    )]
    NoPlace,
    /// Nothing was asked yet.
    #[error("{0} is missing: enrol with `tidewaiter enrol --centre URL --ca FILE --token TOKEN --config SITE`")]
    NotEnrolled(PathBuf),
    /// The centre.
    #[error(transparent)]
    Centre(#[from] CentreError),
    /// The request could not be made.
    #[error("certificate request: {0}")]
    Request(#[from] rcgen::Error),
    /// The record key is not there.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The record key does not sign.
    #[error("renewal: {0}")]
    Sign(#[from] tidewaiter_record::SealError),
    /// Somebody stands between.
    #[error(
        "the centre has computed another fingerprint ({0}): something between changes what is sent; do not approve it"
    )]
    Fingerprint(String),
}

/// What the agent remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// Address of the centre.
    pub centre: String,
    /// What is trusted for it, PEM.
    pub ca: String,
    /// The request that is pending.
    pub pending: Option<String>,
    /// The certificate is good from, UTC milliseconds; 0 while there is none.
    pub not_before_ms: i64,
    /// The certificate is good until, UTC milliseconds; 0 while there is none.
    pub not_after_ms: i64,
}

/// The files of one agent's transport identity.
#[derive(Clone, Debug)]
pub struct Transport {
    agent: String,
    site: String,
    dir: PathBuf,
    tls: Tls,
    registry: PathBuf,
    keys: Keys,
}

impl Transport {
    /// The files that a site file names.
    ///
    /// # Errors
    ///
    /// When it names none.
    pub fn of(site: &Site) -> Result<Self, TransportError> {
        let Some(Uplink { tls: Some(tls), registry, .. }) = &site.uplink else { return Err(TransportError::NoPlace) };
        Ok(Self {
            agent: site.agent.clone(),
            site: site.id.clone(),
            dir: site.store.dir.clone(),
            tls: tls.clone(),
            registry: registry.clone(),
            keys: site.keys.clone(),
        })
    }

    /// The agent.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// Where the certificate is.
    pub fn certificate(&self) -> &Path {
        &self.tls.certificate
    }

    /// What is remembered.
    ///
    /// # Errors
    ///
    /// When nothing is, or it cannot be read.
    pub fn state(&self) -> Result<State, TransportError> {
        let path = self.dir.join(STATE_FILE);
        if !path.exists() {
            return Err(TransportError::NotEnrolled(path));
        }
        let text = read(&path)?;
        serde_json::from_str(&text).map_err(|it| TransportError::Content { path, why: it.to_string() })
    }

    /// Asks the centre at `url` with a token. The same token may be used again after an answer that was lost.
    ///
    /// # Errors
    ///
    /// When files or centre refuse.
    pub fn ask(
        &self,
        url: &str,
        ca_pem: &str,
        token: &str,
        serial: Option<String>,
    ) -> Result<Standing, TransportError> {
        let centre = Centre::new(url, ca_pem)?;
        let path = self.dir.join(STATEMENT_FILE);
        let statement = fs::read(&path).map_err(io(&path))?;
        let request = self.request()?;
        let expected = fingerprint(&statement, &request);
        let standing = centre.ask(Ask {
            token: token.to_owned(),
            site: self.site.clone(),
            serial,
            statement: hex::encode(&statement),
            request,
        })?;
        // Computed here, so that what people compare is what was sent and not what arrived.
        if standing.fingerprint != expected {
            return Err(TransportError::Fingerprint(standing.fingerprint));
        }
        let pending = Some(standing.id.clone());
        let (centre, ca) = (url.to_owned(), ca_pem.to_owned());
        self.remember(&State { version: 1, centre, ca, pending, not_before_ms: 0, not_after_ms: 0 })?;
        Ok(standing)
    }

    /// Asks how the pending request stands.
    ///
    /// # Errors
    ///
    /// When nothing is pending, or the centre does not answer.
    pub fn standing(&self) -> Result<Standing, TransportError> {
        let state = self.state()?;
        let Some(id) = &state.pending else {
            return Err(TransportError::NotEnrolled(self.dir.join(STATE_FILE)));
        };
        Ok(Centre::new(&state.centre, &state.ca)?.standing(id)?)
    }

    /// Writes what the centre gave: registry and authority first, the certificate, then that it is there.
    ///
    /// # Errors
    ///
    /// When it is not usable, or a file cannot be written.
    pub fn take(&self, grant: &Grant) -> Result<(), TransportError> {
        // What people compared covers the keys of the centre too: they came over a connection that the given
        // authority vouches for. A renewal does not bring new ones.
        Registry::from_json(&grant.registry)
            .map_err(|it| TransportError::Content { path: self.registry.clone(), why: it.to_string() })?;
        write(&self.registry, grant.registry.as_bytes(), 0o644)?;
        self.put(grant)
    }

    /// Renews the certificate, also one that has expired.
    ///
    /// # Errors
    ///
    /// When files or centre refuse; the old certificate stays then.
    pub fn renew(&self) -> Result<Grant, TransportError> {
        // Found anew each time: the chain may have gone over to another key since.
        let own = super::load_with(&self.dir, &self.agent, &self.keys)?;
        let state = self.state()?;
        let centre = Centre::new(&state.centre, &state.ca)?;
        let certificate = read(&self.tls.certificate)?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|it| TransportError::Content { path: self.tls.certificate.clone(), why: it.to_string() })?;
        let key = self.key()?;
        let request = self.params()?.serialize_request(&key)?;
        let renewal = Renewal {
            agent: self.agent.clone(),
            chain: own.chain,
            nonce: centre.nonce()?,
            request: Hash::of(request.der()),
            certificate: Hash::of(&der),
        };
        let proof = hex::encode(issue_renewal(&renewal, &own.signer)?);
        let grant = centre.renew(Renew { request: request.pem()?, certificate, proof })?;
        self.put(&grant)?;
        Ok(grant)
    }

    fn put(&self, grant: &Grant) -> Result<(), TransportError> {
        for (path, pem) in [(&self.tls.ca, &grant.ca), (&self.tls.certificate, &grant.certificate)] {
            CertificateDer::from_pem_slice(pem.as_bytes())
                .map_err(|it| TransportError::Content { path: path.clone(), why: it.to_string() })?;
            write(path, pem.as_bytes(), 0o644)?;
        }
        self.remember(&State {
            ca: grant.ca.clone(),
            pending: None,
            not_before_ms: grant.not_before_ms,
            not_after_ms: grant.not_after_ms,
            ..self.state()?
        })
    }

    fn remember(&self, state: &State) -> Result<(), TransportError> {
        let mut text = serde_json::to_string_pretty(state).unwrap_or_default();
        text.push('\n');
        write(&self.dir.join(STATE_FILE), text.as_bytes(), 0o600)
    }

    /// The request for the key, made once and kept: the fingerprint covers it, and a request signed anew is another.
    fn request(&self) -> Result<String, TransportError> {
        let key = self.key()?;
        let path = self.dir.join("enrol.csr");
        if let Ok(there) = fs::read_to_string(&path)
            && rcgen::CertificateSigningRequestParams::from_pem(&there)
                .is_ok_and(|it| *rcgen::PublicKeyData::der_bytes(&it.public_key) == *key.public_key_raw())
        {
            return Ok(there);
        }
        let pem = self.params()?.serialize_request(&key)?.pem()?;
        write(&path, pem.as_bytes(), 0o644)?;
        Ok(pem)
    }

    fn params(&self) -> Result<CertificateParams, TransportError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.agent.as_str());
        Ok(params)
    }

    /// The private key, made if there is none.
    fn key(&self) -> Result<KeyPair, TransportError> {
        let path = &self.tls.key;
        if path.exists() {
            // The reader's own text might quote the key.
            return KeyPair::from_pem(&read(path)?).map_err(|_| TransportError::Content {
                path: path.clone(),
                why: "no private key in it; move it away and enrol again".to_owned(),
            });
        }
        let key = KeyPair::generate()?;
        write(path, key.serialize_pem().as_bytes(), 0o600)?;
        Ok(key)
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> TransportError {
    let path = path.to_owned();
    move |source| TransportError::Io { path, source }
}

fn read(path: &Path) -> Result<String, TransportError> {
    fs::read_to_string(path).map_err(io(path))
}

/// Puts a file in place in one step, durable with its folder.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), TransportError> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let put = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        // One that a power cut left behind may have another mode.
        let _ = fs::remove_file(&new);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        fs::File::open(folder)?.sync_all()
    };
    put().map_err(io(path))
}
