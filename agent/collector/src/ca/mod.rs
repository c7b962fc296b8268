//! The transport authority: a root that is kept offline, an intermediate that signs certificates for weeks.
//!
//! ```text
//! <folder>/root.pem           what agents, the centre and the broker trust
//! <folder>/root.key           signs intermediates only: keep it on a stick in a safe, not here
//! <folder>/intermediate.pem   signs clients and servers
//! <folder>/intermediate.key
//! <folder>/retired/N.pem|key  earlier intermediates, for their revocation lists
//! <folder>/issued.json        what was issued and what is denied
//! <folder>/crl.pem            for the broker: certificates that are denied (RFC 5280 §5)
//! <folder>/acl                for the broker: who may publish where, and who nothing at all
//! ```
//!
//! A transport certificate opens the broker's door and nothing else: it signs no record, and who steals this
//! folder can delay and flood, never forge. So it lives for weeks, is renewed at half of its life, and is denied by a
//! list that only the broker reads. Keys are P-256 with SHA-256, which every TLS peer takes.

mod acl;
mod ledger;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertificateSigningRequestParams,
    CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PublicKeyData, RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use tidewaiter_record::Hash;

pub use self::ledger::{Denied, Issued, Ledger};
use crate::files::{self, FileError};

/// Days a client certificate is good for, unless said otherwise.
pub const CLIENT_DAYS: u32 = 60;
/// Least and most days of a client certificate.
pub const CLIENT_DAYS_RANGE: std::ops::RangeInclusive<u32> = 1..=90;
/// Days of a server's certificate: the broker's and the centre's own are renewed by hand, once a year.
const SERVER_DAYS: u32 = 397;
/// Days of an intermediate, which is replaced each year with a month to spare.
const INTERMEDIATE_DAYS: u32 = 400;
/// Days of the root: ten years.
const ROOT_DAYS: u32 = 3_653;
/// Days until a revocation list is called old. A broker that met an old one would refuse every agent, so the list
/// never gets old by itself; what it says is replaced whenever a certificate is denied.
const CRL_DAYS: u32 = 3_653;
/// How far a certificate reaches back before its making: clocks of agents lag, and one that has just booted may
/// stand an hour off.
const BACK_MS: i64 = DAY_MS;

const DAY_MS: i64 = 86_400_000;

/// Why the authority did not do it.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is an authority in the folder already.
    #[error("{} exists; an authority is made once: `tidewaiter-collector ca renew` makes a new intermediate", .0.display())]
    Exists(PathBuf),
    /// A file is not what it should be.
    #[error("{}: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The request is none, or its signature does not hold.
    #[error("certificate request: {0}; make another with `tidewaiter enrol`")]
    Request(String),
    /// A certificate could not be made.
    #[error("certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The name cannot be a common name and a topic segment.
    #[error(
        "{0:?} cannot be the name of a client: it is a segment of topic names, 1 to 128 bytes, without + # / and control characters"
    )]
    Name(String),
    /// The agent's certificates are denied.
    #[error("agent {agent:?} is denied: {reason}")]
    Denied {
        /// The agent.
        agent: String,
        /// Why.
        reason: String,
    },
    /// Days out of range.
    #[error("{0} days; write {first} to {last}", first = CLIENT_DAYS_RANGE.start(), last = CLIENT_DAYS_RANGE.end())]
    Days(u32),
    /// No randomness.
    #[error("no randomness from the operating system")]
    Randomness,
}

/// A certificate with the intermediate behind it, and what the ledger keeps of it.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Leaf and intermediate, PEM.
    pub chain: String,
    /// What the ledger keeps.
    pub issued: Issued,
}

/// A folder with an authority.
#[derive(Clone, Debug)]
pub struct Authority {
    dir: PathBuf,
}

impl Authority {
    /// Makes root and intermediate.
    ///
    /// # Errors
    ///
    /// When there is one already, or a file cannot be written.
    pub fn init(dir: &Path, name: &str, now_ms: i64) -> Result<Self, CaError> {
        let it = Self { dir: dir.to_owned() };
        fs::create_dir_all(dir).map_err(FileError::of(dir, "written"))?;
        let _lock = it.lock()?;
        if it.path("root.pem").exists() {
            return Err(CaError::Exists(it.path("root.pem")));
        }
        let key = KeyPair::generate()?;
        let pem = key.serialize_pem();
        let params = authority(&format!("{name} root"), now_ms, ROOT_DAYS, 1)?;
        let root = CertifiedIssuer::self_signed(params, key)?;
        it.write("root.key", pem.as_bytes(), 0o600)?;
        it.write("root.pem", root.pem().as_bytes(), 0o644)?;
        it.make_intermediate(&root, name, now_ms)?;
        it.publish(&it.ledger()?, now_ms)?;
        Ok(it)
    }

    /// An authority that is there.
    ///
    /// # Errors
    ///
    /// When the folder holds none.
    pub fn open(dir: &Path) -> Result<Self, CaError> {
        let it = Self { dir: dir.to_owned() };
        for file in ["root.pem", "intermediate.pem", "intermediate.key"] {
            it.read(file)?;
        }
        Ok(it)
    }

    /// What others trust: the root, PEM.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn root_pem(&self) -> Result<String, CaError> {
        self.read("root.pem")
    }

    /// Puts a new intermediate in place; the root's key is needed for this and nothing else.
    ///
    /// What the old one signed goes on until it runs out.
    ///
    /// # Errors
    ///
    /// When the root's key is not there, or a file cannot be written.
    pub fn renew(&self, root_key: &Path, name: &str, now_ms: i64) -> Result<(), CaError> {
        let _lock = self.lock()?;
        let pem = fs::read_to_string(root_key).map_err(FileError::of(root_key, "read"))?;
        let key = KeyPair::from_pem(&pem).map_err(|why| bad(root_key, &why))?;
        let root = Issuer::from_ca_cert_pem(&self.root_pem()?, key).map_err(|why| bad(&self.path("root.pem"), &why))?;
        let retired = self.path("retired");
        fs::create_dir_all(&retired).map_err(FileError::of(&retired, "written"))?;
        let number = self.retired().len() + 1;
        for kind in ["pem", "key"] {
            let text = self.read(&format!("intermediate.{kind}"))?;
            self.write(&format!("retired/{number}.{kind}"), text.as_bytes(), 0o600)?;
        }
        self.make_intermediate(&root, name, now_ms)?;
        self.publish(&self.ledger()?, now_ms)
    }

    /// Signs the certificate of the client that calls itself `agent`. Of the request only the key is taken.
    ///
    /// # Errors
    ///
    /// When the request is none, the agent is denied, or a file cannot be read or written.
    pub fn issue_client(&self, agent: &str, request: &str, days: u32, now_ms: i64) -> Result<Certificate, CaError> {
        if !CLIENT_DAYS_RANGE.contains(&days) {
            return Err(CaError::Days(days));
        }
        let request =
            CertificateSigningRequestParams::from_pem(request).map_err(|it| CaError::Request(it.to_string()))?;
        self.issue(agent, Use::Client, &request.public_key, days, now_ms)
    }

    /// Makes a key and a certificate for a server of ours: its names and addresses. Gives the certificate and the
    /// private key, PEM.
    ///
    /// # Errors
    ///
    /// As [`Authority::issue_client`].
    pub fn issue_server(&self, names: &[String], now_ms: i64) -> Result<(Certificate, String), CaError> {
        let key = KeyPair::generate()?;
        let certificate =
            self.issue(names.first().map_or("", String::as_str), Use::Server(names), &key, SERVER_DAYS, now_ms)?;
        Ok((certificate, key.serialize_pem()))
    }

    /// As [`Authority::issue_client`], with a key made here: for a client of ours, such as the centre itself.
    ///
    /// # Errors
    ///
    /// As [`Authority::issue_client`].
    pub fn issue_client_with_key(&self, name: &str, days: u32, now_ms: i64) -> Result<(Certificate, String), CaError> {
        if !CLIENT_DAYS_RANGE.contains(&days) {
            return Err(CaError::Days(days));
        }
        let key = KeyPair::generate()?;
        Ok((self.issue(name, Use::Client, &key, days, now_ms)?, key.serialize_pem()))
    }

    /// Denies an agent: all its certificates, and each renewal. Writes the files for the broker.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written.
    pub fn deny(&self, agent: &str, reason: &str, now_ms: i64) -> Result<(), CaError> {
        self.change(now_ms, |ledger| ledger.deny(agent, reason, now_ms))
    }

    /// Takes an agent off the deny list: it has a new key. Its old certificates stay denied.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written.
    pub fn allow(&self, agent: &str, now_ms: i64) -> Result<(), CaError> {
        self.change(now_ms, |ledger| ledger.allow(agent))
    }

    /// What was issued and what is denied.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn ledger(&self) -> Result<Ledger, CaError> {
        let path = self.path("issued.json");
        if !path.exists() {
            return Ok(Ledger::default());
        }
        let text = self.read("issued.json")?;
        Ledger::from_json(&text).map_err(|why| CaError::Content { path, why })
    }

    fn change(&self, now_ms: i64, how: impl FnOnce(&mut Ledger)) -> Result<(), CaError> {
        let _lock = self.lock()?;
        let mut ledger = self.ledger()?;
        how(&mut ledger);
        self.write("issued.json", ledger.to_json().as_bytes(), 0o600)?;
        self.publish(&ledger, now_ms)
    }

    fn issue(
        &self,
        name: &str,
        purpose: Use<'_>,
        key: &impl PublicKeyData,
        days: u32,
        now_ms: i64,
    ) -> Result<Certificate, CaError> {
        if !crate::topic::is_segment(name) {
            return Err(CaError::Name(name.to_owned()));
        }
        let _lock = self.lock()?;
        let mut ledger = self.ledger()?;
        if let (Use::Client, Some(denied)) = (purpose, ledger.denied(name)) {
            return Err(CaError::Denied { agent: name.to_owned(), reason: denied.reason.clone() });
        }
        let pem = self.read("intermediate.pem")?;
        let signing_key = self.key("intermediate.key")?;
        let issuer =
            Issuer::from_ca_cert_pem(&pem, signing_key).map_err(|why| bad(&self.path("intermediate.pem"), &why))?;
        let (mut params, usage) = match purpose {
            Use::Client => (CertificateParams::default(), ExtendedKeyUsagePurpose::ClientAuth),
            Use::Server(names) => (CertificateParams::new(names)?, ExtendedKeyUsagePurpose::ServerAuth),
        };
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let serial = span(&mut params, now_ms, days)?;
        let leaf = params.signed_by(key, &issuer)?;
        let issued = Issued {
            serial: hex::encode(serial),
            name: name.to_owned(),
            sha256: Hash::of(leaf.der()).to_string(),
            issuer: Hash::of(pem.as_bytes()).to_string(),
            not_before_ms: now_ms - BACK_MS,
            not_after_ms: now_ms + i64::from(days) * DAY_MS,
            denied: false,
        };
        ledger.add(issued.clone());
        self.write("issued.json", ledger.to_json().as_bytes(), 0o600)?;
        Ok(Certificate { chain: format!("{}{pem}", leaf.pem()), issued })
    }

    fn make_intermediate(
        &self,
        root: &Issuer<'_, impl rcgen::SigningKey>,
        name: &str,
        now_ms: i64,
    ) -> Result<(), CaError> {
        let key = KeyPair::generate()?;
        // Each has a name of its own: a revocation list is found by the name of its issuer.
        let number = self.retired().len() + 1;
        let params = authority(&format!("{name} intermediate {number}"), now_ms, INTERMEDIATE_DAYS, 0)?;
        let certificate = params.signed_by(&key, root)?;
        self.write("intermediate.key", key.serialize_pem().as_bytes(), 0o600)?;
        self.write("intermediate.pem", certificate.pem().as_bytes(), 0o644)
    }

    /// Writes what the broker reads: a revocation list of each intermediate, and the access list.
    fn publish(&self, ledger: &Ledger, now_ms: i64) -> Result<(), CaError> {
        let mut lists = String::new();
        let mut intermediates = self.retired();
        intermediates.push("intermediate".to_owned());
        for name in intermediates {
            let pem = self.read(&format!("{name}.pem"))?;
            let issuer = Issuer::from_ca_cert_pem(&pem, self.key(&format!("{name}.key"))?)
                .map_err(|why| bad(&self.path(&format!("{name}.pem")), &why))?;
            let of = Hash::of(pem.as_bytes()).to_string();
            let revoked = ledger.certificates.iter().filter(|it| it.denied && it.issuer == of);
            let revoked_certs = revoked
                .map(|it| RevokedCertParams {
                    serial_number: SerialNumber::from_slice(&hex::decode(&it.serial).unwrap_or_default()),
                    revocation_time: date_time_ymd(1970, 1, 1) + since_1970(now_ms),
                    reason_code: Some(RevocationReason::PrivilegeWithdrawn),
                    invalidity_date: None,
                })
                .collect();
            let list = CertificateRevocationListParams {
                // A broker whose clock lags must not call the list one of tomorrow.
                this_update: date_time_ymd(1970, 1, 1) + since_1970(now_ms - BACK_MS),
                next_update: date_time_ymd(1970, 1, 1) + since_1970(now_ms + i64::from(CRL_DAYS) * DAY_MS),
                crl_number: SerialNumber::from(u64::try_from(now_ms).unwrap_or(1)),
                issuing_distribution_point: None,
                revoked_certs,
                key_identifier_method: KeyIdMethod::Sha256,
            };
            lists.push_str(&list.signed_by(&issuer)?.pem()?);
        }
        self.write("crl.pem", lists.as_bytes(), 0o644)?;
        self.write("acl", acl::text(ledger.denied.iter().map(|it| it.agent.as_str())).as_bytes(), 0o644)
    }

    /// Earlier intermediates, by their file names without ending, oldest first.
    fn retired(&self) -> Vec<String> {
        let mut names = Vec::new();
        // Numbered without gaps, because nothing is ever taken out.
        while self.path(&format!("retired/{}.pem", names.len() + 1)).exists() {
            names.push(format!("retired/{}", names.len() + 1));
        }
        names
    }

    fn key(&self, file: &str) -> Result<KeyPair, CaError> {
        KeyPair::from_pem(&self.read(file)?).map_err(|why| bad(&self.path(file), &why))
    }

    fn lock(&self) -> Result<files::Lock, FileError> {
        files::lock(&self.path("issued.json"))
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    fn read(&self, file: &str) -> Result<String, CaError> {
        let path = self.path(file);
        Ok(fs::read_to_string(&path).map_err(FileError::of(&path, "read"))?)
    }

    fn write(&self, file: &str, bytes: &[u8], mode: u32) -> Result<(), CaError> {
        Ok(files::replace(&self.path(file), bytes, mode)?)
    }
}

#[derive(Clone, Copy)]
enum Use<'a> {
    Client,
    Server(&'a [String]),
}

fn authority(name: &str, now_ms: i64, days: u32, below: u8) -> Result<CertificateParams, CaError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    span(&mut params, now_ms, days)?;
    Ok(params)
}

/// Sets validity and a random serial number of 16 bytes (RFC 5280 §4.1.2.2: positive, at most 20).
fn span(params: &mut CertificateParams, now_ms: i64, days: u32) -> Result<[u8; 16], CaError> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|_| CaError::Randomness)?;
    // Positive, and without a leading zero byte that an encoder would drop.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(now_ms - BACK_MS);
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(now_ms + i64::from(days) * DAY_MS);
    Ok(serial)
}

/// From the epoch to an instant, cut to seconds as certificates do; the format begins in 1970 here.
fn since_1970(ms: i64) -> Duration {
    Duration::from_secs(u64::try_from(ms / 1000).unwrap_or(0))
}

fn bad(path: &Path, why: &rcgen::Error) -> CaError {
    CaError::Content { path: path.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests;
