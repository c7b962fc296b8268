//! The token as others see it: a queue to its thread, and keys that sign through it.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use cryptoki::types::AuthPin;
use tidewaiter_record::{Algorithm, Kid, PublicKey, SignError, Signer, kid_of, sign::low_s};

use crate::{error::TokenError, session::Desk};

/// Requests that may wait for the token; further ones fail.
pub const QUEUE: usize = 64;

/// How long an answer is waited for. A slow card takes a second for a signature and ten for a new key.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long the thread may take to close the library when the last handle goes.
const CLOSING: Duration = Duration::from_secs(5);

/// Where a token is, and how it is opened.
#[derive(Clone)]
pub struct Settings {
    /// The library that speaks with it, for example `/usr/lib/softhsm/libsofthsm2.so`.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    /// The label that new keys get.
    pub label: String,
    pub(crate) pin: AuthPin,
}

impl Settings {
    /// Settings with the user's PIN, which is wiped from memory with them.
    pub fn new(module: PathBuf, token: String, label: String, pin: String) -> Self {
        Self { module, token, label, pin: AuthPin::from(pin) }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("module", &self.module)
            .field("token", &self.token)
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

enum Request {
    Find { kid: Kid, reply: SyncSender<Result<PublicKey, TokenError>> },
    Generate { algorithm: Algorithm, reply: SyncSender<Result<PublicKey, TokenError>> },
    Destroy { kid: Kid, reply: SyncSender<Result<(), TokenError>> },
    Sign { kid: Kid, algorithm: Algorithm, message: Vec<u8>, reply: SyncSender<Result<Vec<u8>, TokenError>> },
}

/// A handle on a token. Clones share its thread, which ends with the last of them.
#[derive(Clone)]
pub struct Token {
    name: String,
    line: Arc<Line>,
}

/// The way to the thread. The last handle closes it and waits until the library is closed too: a process that ends
/// while the library is in use is brought down by it, when the one clears away what the other still needs.
struct Line {
    requests: Option<SyncSender<Request>>,
    closed: Mutex<Receiver<()>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.requests = None;
        if let Ok(closed) = self.closed.lock() {
            // The thread says nothing and hangs up; one that hangs is left behind.
            let _ = closed.recv_timeout(CLOSING);
        }
    }
}

impl Token {
    /// A handle on the token of `settings`. The token itself is first looked for when something is asked of it.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn new(settings: Settings) -> Result<Self, TokenError> {
        let name = settings.token.clone();
        let (requests, queue) = sync_channel(QUEUE);
        let (open, closed) = sync_channel(1);
        thread::Builder::new()
            .name("pkcs11".to_owned())
            .spawn(move || {
                serve(&queue, Desk::new(settings));
                drop(open);
            })
            .map_err(|why| TokenError::Failed { token: name.clone(), why: why.to_string() })?;
        Ok(Self { name, line: Arc::new(Line { requests: Some(requests), closed: Mutex::new(closed) }) })
    }

    /// The key of this name.
    ///
    /// # Errors
    ///
    /// When the token is away, refuses the PIN, or holds no such key.
    pub fn key(&self, kid: Kid) -> Result<TokenKey, TokenError> {
        let public = self.ask(|reply| Request::Find { kid, reply })?;
        Ok(TokenKey { token: self.clone(), kid, public })
    }

    /// A new key, made inside the token.
    ///
    /// # Errors
    ///
    /// When the token is away, refuses the PIN, is full, or lacks the algorithm.
    pub fn generate(&self, algorithm: Algorithm) -> Result<TokenKey, TokenError> {
        let public = self.ask(|reply| Request::Generate { algorithm, reply })?;
        Ok(TokenKey { token: self.clone(), kid: kid_of(&public), public })
    }

    /// Destroys both halves of a key. One that is not there is destroyed already.
    ///
    /// # Errors
    ///
    /// When the token is away or refuses.
    pub fn destroy(&self, kid: Kid) -> Result<(), TokenError> {
        self.ask(|reply| Request::Destroy { kid, reply })
    }

    fn ask<T>(&self, make: impl FnOnce(SyncSender<Result<T, TokenError>>) -> Request) -> Result<T, TokenError> {
        let silent = || TokenError::Silent { token: self.name.clone() };
        let (reply, answer) = sync_channel(1);
        let Some(requests) = &self.line.requests else { return Err(silent()) };
        match requests.try_send(make(reply)) {
            Ok(()) => answer.recv_timeout(PATIENCE).map_err(|_| silent())?,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(silent()),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?})", self.name)
    }
}

fn serve(queue: &Receiver<Request>, mut desk: Desk) {
    // An answer that nobody waits for any more is dropped: a signature that came too late seals nothing.
    while let Ok(request) = queue.recv() {
        match request {
            Request::Find { kid, reply } => drop(reply.try_send(desk.find(kid))),
            Request::Generate { algorithm, reply } => drop(reply.try_send(desk.generate(algorithm))),
            Request::Destroy { kid, reply } => drop(reply.try_send(desk.destroy(kid))),
            Request::Sign { kid, algorithm, message, reply } => {
                drop(reply.try_send(desk.sign(kid, algorithm, &message)));
            }
        }
    }
}

/// A key inside a token.
#[derive(Clone, Debug)]
pub struct TokenKey {
    token: Token,
    kid: Kid,
    public: PublicKey,
}

impl TokenKey {
    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    // A token or a library that answers something else is found out here, before anything is stored under it.
    fn answer(&self, message: &[u8]) -> Result<Vec<u8>, TokenError> {
        let (kid, algorithm, bytes) = (self.kid, self.algorithm(), message.to_vec());
        let signature = self.token.ask(|reply| Request::Sign { kid, algorithm, message: bytes, reply })?;
        let signature = if algorithm == Algorithm::Esp256 { low_s(&signature).map(Vec::from) } else { Some(signature) };
        signature
            .filter(|it| self.public.verifies(message, it))
            .ok_or_else(|| TokenError::Answer { token: self.token.name.clone(), kid })
    }
}

impl Signer for TokenKey {
    fn kid(&self) -> Kid {
        self.kid
    }

    fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.answer(message).map_err(|why| SignError::Unavailable { kid: self.kid, why: why.to_string() })
    }
}
