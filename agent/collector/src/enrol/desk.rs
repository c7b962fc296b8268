//! Book, registry and authority together, on disk.
//!
//! The command line and the endpoint work on the same files, each under their locks, so a request may come in while a
//! person decides another.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, pem::PemObject as _};
use tidewaiter_record::{ChainId, Hash, Kid, RegisteredKey, Registry, Renewal, Statement, open_renewal, view::utc};

use super::{
    book::{Book, BookError, Request, State},
    wire::{Ask, Grant, Renew, Standing, VERSION},
};
use crate::{
    ca::{Authority, CaError, Certificate},
    config::Enrol,
    files::{self, FileError},
    keys::{self, KeyError},
    store::{Place, StoreError},
};

/// The book in the folder of enrolment.
const BOOK_FILE: &str = "book.json";

/// Why nothing was enrolled or renewed.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The registry.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The authority.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the book refuses.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The book is not what it should be.
    #[error("{}: {why}", path.display())]
    Content {
        /// The book.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The operating system gives no randomness.
    #[error("no randomness from the operating system")]
    Randomness,
    /// A renewal that proves nothing.
    #[error("renewal: {0}")]
    Renewal(String),
}

impl DeskError {
    /// Whether whoever asked is wrong, rather than this machine.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Book(BookError::Full(_)) => false,
            Self::Book(_) | Self::Renewal(_) => true,
            Self::Ca(error) => matches!(error, CaError::Denied { .. } | CaError::Request(_) | CaError::Name(_)),
            Self::Key(error) => error.is_configuration(),
            _ => false,
        }
    }
}

/// Where people and agents come to.
#[derive(Clone, Debug)]
pub struct Desk {
    settings: Enrol,
    registry: PathBuf,
    store: Place,
}

/// Who was enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The agent.
    pub agent: String,
    /// Its key.
    pub kid: Kid,
    /// Its chain.
    pub chain: ChainId,
}

impl Desk {
    /// A desk with these files.
    pub fn new(settings: &Enrol, registry: &Path, store: &Place) -> Self {
        Self { settings: settings.clone(), registry: registry.to_owned(), store: store.clone() }
    }

    /// Gives a token for an agent of a site, as it is told to the site.
    ///
    /// # Errors
    ///
    /// What the book refuses, and files.
    pub fn give_token(
        &self,
        what: (&str, &str, Option<&str>),
        by: &str,
        hours: u32,
        now_ms: i64,
    ) -> Result<String, DeskError> {
        let random = random()?;
        self.change(|book| Ok(book.give_token(what, by, hours, random, now_ms)?))
    }

    /// Takes an agent's request.
    ///
    /// # Errors
    ///
    /// What the book refuses, and files.
    pub fn ask(&self, ask: &Ask, now_ms: i64) -> Result<Standing, DeskError> {
        // Before anything is written: of a request that is none nothing could ever be issued.
        CertificateSigningRequestDer::from_pem_slice(ask.request.as_bytes())
            .map_err(|it| CaError::Request(it.to_string()))?;
        let id = hex::encode(random::<16>()?);
        self.change(|book| Ok(standing(book.ask(ask, &id, now_ms)?)))
    }

    /// How a request stands.
    ///
    /// # Errors
    ///
    /// When there is none, and files.
    pub fn standing(&self, id: &str) -> Result<Standing, DeskError> {
        Ok(standing(self.book()?.request(id)?))
    }

    /// All requests.
    ///
    /// # Errors
    ///
    /// When the book cannot be read.
    pub fn requests(&self) -> Result<Vec<Request>, DeskError> {
        Ok(self.book()?.requests)
    }

    /// Approves a request: the key comes into the registry, the agent gets its certificate.
    ///
    /// # Errors
    ///
    /// What book, registry and authority refuse, and files. It may be tried again; nothing comes in twice.
    pub fn approve(&self, id: &str, fingerprint: &str, by: &str, now_ms: i64) -> Result<Enrolled, DeskError> {
        self.change(|book| {
            let request = book.to_approve(id, fingerprint, by)?.clone();
            let (statement, hash) = opened(&request)?;
            let short = id.get(..8).unwrap_or(id);
            let note = format!("enrolment {short}: asked by {}, approved by {by}, {}", request.asked_by, utc(now_ms));
            let key = RegisteredKey { note: Some(note.clone()), ..statement.register(hash) };
            let kid = key.kid();
            let known = keys::load_registry(&self.registry)?.key(kid).is_some();
            keys::add_agent(&self.registry, key)?;
            if known {
                // It came in by a reset; who compared the fingerprint is said there too.
                keys::note(&self.registry, kid, &note)?;
            }
            let ca = Authority::open(&self.settings.ca)?;
            let certificate = ca.issue_client(&request.agent, &request.request, self.settings.days, now_ms)?;
            let grant = Box::new(self.grant(&ca, certificate)?);
            book.decide(id, State::Approved { by: by.trim().to_owned(), grant })?;
            Ok(Enrolled { agent: request.agent, kid, chain: statement.chain })
        })
    }

    /// Rejects a request.
    ///
    /// # Errors
    ///
    /// What the book refuses, and files.
    pub fn reject(&self, id: &str, by: &str, reason: &str) -> Result<(), DeskError> {
        self.change(|book| Ok(book.decide(id, State::Rejected { by: by.to_owned(), reason: reason.to_owned() })?))
    }

    /// Renews a transport certificate. `is_good` says whether the nonce is ours; it is asked once.
    ///
    /// # Errors
    ///
    /// When nothing is proved, the key is closed, the agent is denied, and files.
    pub fn renew(
        &self,
        renew: &Renew,
        is_good: impl FnOnce(&[u8; 32]) -> bool,
        now_ms: i64,
    ) -> Result<Grant, DeskError> {
        let wrong = |why: &str| DeskError::Renewal(why.to_owned());
        let proof = hex::decode(&renew.proof).map_err(|_| wrong("the proof is not hexadecimal"))?;
        let registry = self.keys()?;
        let (asked, key) = open_renewal(&proof, &registry).map_err(|it| DeskError::Renewal(it.to_string()))?;
        if key.to_seq.is_some() {
            return Err(wrong("the record key of this agent is closed; enrol it anew with a token"));
        }
        let request = CertificateSigningRequestDer::from_pem_slice(renew.request.as_bytes())
            .map_err(|it| CaError::Request(it.to_string()))?;
        let had = CertificateDer::from_pem_slice(renew.certificate.as_bytes())
            .map_err(|_| wrong("the certificate it had is not PEM"))?;
        let Renewal { agent, nonce, .. } = &asked;
        if asked.request != Hash::of(&request) || asked.certificate != Hash::of(&had) {
            return Err(wrong("the proof is for another request or certificate"));
        }
        let ca = Authority::open(&self.settings.ca)?;
        let ledger = ca.ledger()?;
        match ledger.certificate(&asked.certificate.to_string()) {
            Some(it) if it.name == *agent && !it.denied => {}
            Some(it) if it.denied => return Err(wrong("the certificate it had is denied")),
            _ => return Err(wrong("the certificate it had is not of this authority; enrol with a token")),
        }
        if !is_good(nonce) {
            return Err(wrong("the nonce is not good any more; ask again"));
        }
        let certificate = ca.issue_client(agent, &renew.request, self.settings.days, now_ms)?;
        self.grant(&ca, certificate)
    }

    /// The registry, and the keys that chains handed themselves to: after a rotation it is such a key that signs.
    fn keys(&self) -> Result<Registry, DeskError> {
        let registry = keys::load_registry(&self.registry)?;
        let Some(store) = self.store.read_if_any()? else { return Ok(registry) };
        let rotations = store.rotations()?;
        let wrong = |source| KeyError::Registry { path: self.registry.clone(), source };
        Ok(keys::in_force(&registry, &rotations).map_err(wrong)?)
    }

    /// The statement of a request, for a reset.
    ///
    /// # Errors
    ///
    /// When there is no such request, and files.
    pub fn statement(&self, id: &str) -> Result<Vec<u8>, DeskError> {
        let book = self.book()?;
        Ok(hex::decode(&book.request(id)?.statement).unwrap_or_default())
    }

    fn grant(&self, ca: &Authority, certificate: Certificate) -> Result<Grant, DeskError> {
        Ok(Grant {
            certificate: certificate.chain,
            ca: ca.root_pem()?,
            registry: keys::excerpt(&self.registry)?.to_json(),
            broker: self.settings.broker.clone(),
            not_before_ms: certificate.issued.not_before_ms,
            not_after_ms: certificate.issued.not_after_ms,
        })
    }

    fn path(&self) -> PathBuf {
        self.settings.dir.join(BOOK_FILE)
    }

    fn book(&self) -> Result<Book, DeskError> {
        let path = self.path();
        if !path.exists() {
            return Ok(Book::default());
        }
        let text = fs::read_to_string(&path).map_err(FileError::of(&path, "read"))?;
        Book::from_json(&text).map_err(|why| DeskError::Content { path, why })
    }

    fn change<T>(&self, how: impl FnOnce(&mut Book) -> Result<T, DeskError>) -> Result<T, DeskError> {
        let path = self.path();
        fs::create_dir_all(&self.settings.dir).map_err(FileError::of(&self.settings.dir, "written"))?;
        let _lock = files::lock(&path)?;
        let mut book = self.book()?;
        let given = how(&mut book)?;
        files::replace(&path, book.to_json().as_bytes(), 0o600)?;
        Ok(given)
    }
}

fn opened(request: &Request) -> Result<(Statement, Hash), DeskError> {
    let bytes = hex::decode(&request.statement).unwrap_or_default();
    let statement = Statement::open(&bytes).map_err(|it| BookError::Statement(it.to_string()))?;
    Ok((statement, Hash::of(&bytes)))
}

fn standing(request: &Request) -> Standing {
    let (state, reason, grant) = match &request.state {
        State::Pending => ("pending", None, None),
        State::Approved { grant, .. } => ("approved", None, Some((**grant).clone())),
        State::Rejected { reason, .. } => ("rejected", Some(reason.clone()), None),
    };
    Standing {
        version: VERSION,
        id: request.id.clone(),
        fingerprint: request.fingerprint.clone(),
        state: state.to_owned(),
        reason,
        grant,
    }
}

fn random<const N: usize>() -> Result<[u8; N], DeskError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| DeskError::Randomness)?;
    Ok(bytes)
}
