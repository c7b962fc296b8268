//! The open session and what is done in it. Everything here runs on the token's own thread.

use std::collections::HashMap;

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    object::{Attribute, ObjectClass, ObjectHandle},
    session::{Session, UserType},
};
use tidewaiter_record::{Algorithm, Kid, PublicKey, kid_of};

use crate::{
    error::TokenError,
    object::{by_id, generation, public_key, request, templates},
    token::Settings,
};

/// What the thread holds.
pub(crate) struct Desk {
    settings: Settings,
    open: Option<Open>,
    /// The PIN was refused; nobody tries it again.
    refused: bool,
}

struct Open {
    session: Session,
    /// Private halves found so far.
    private: HashMap<Kid, ObjectHandle>,
}

impl Desk {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, open: None, refused: false }
    }

    fn token(&self) -> String {
        self.settings.token.clone()
    }

    fn failed(&self, why: &Error) -> TokenError {
        TokenError::Failed { token: self.token(), why: why.to_string() }
    }

    /// Runs `work` in the session; if that fails, once more in a new one, for a token that was away meanwhile.
    fn with<T>(&mut self, mut work: impl FnMut(&mut Open, &Settings) -> Result<T, Trouble>) -> Result<T, TokenError> {
        let held = self.open.take();
        let first = held.is_some();
        let mut open = match held {
            Some(open) => open,
            None => self.connect()?,
        };
        let mut result = work(&mut open, &self.settings);
        if first && matches!(result, Err(Trouble::Library(_))) {
            // Closed before the next one is opened: some tokens have room for one session only.
            drop(open);
            open = self.connect()?;
            result = work(&mut open, &self.settings);
        }
        match result {
            Err(Trouble::Library(why)) => Err(self.failed(&why)),
            Err(Trouble::Token(why)) => {
                self.open = Some(open);
                Err(why)
            }
            Ok(done) => {
                self.open = Some(open);
                Ok(done)
            }
        }
    }

    fn connect(&mut self) -> Result<Open, TokenError> {
        if self.refused {
            return Err(TokenError::Pin { token: self.token() });
        }
        let module = |why: &Error| TokenError::Module { module: self.settings.module.clone(), why: why.to_string() };
        let library = Pkcs11::new(&self.settings.module).map_err(|why| module(&why))?;
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Once per process, whoever else uses the same library.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(why) => return Err(module(&why)),
        }
        let mut found = Vec::new();
        let mut slot = None;
        for it in library.get_slots_with_initialized_token().map_err(|why| self.failed(&why))? {
            let Ok(info) = library.get_token_info(it) else { continue };
            if info.label() == self.settings.token {
                slot = Some(it);
            }
            found.push(info.label().to_owned());
        }
        let Some(slot) = slot else {
            return Err(TokenError::Missing { token: self.token(), found: found.join(", ") });
        };
        let session = library.open_rw_session(slot).map_err(|why| self.failed(&why))?;
        match session.login(UserType::User, Some(&self.settings.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(Error::Pkcs11(
                RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinExpired
                | RvError::PinLocked,
                _,
            )) => {
                self.refused = true;
                return Err(TokenError::Pin { token: self.token() });
            }
            Err(why) => return Err(self.failed(&why)),
        }
        Ok(Open { session, private: HashMap::new() })
    }

    pub(crate) fn find(&mut self, kid: Kid) -> Result<PublicKey, TokenError> {
        self.with(|open, settings| {
            for object in open.session.find_objects(&by_id(ObjectClass::PUBLIC_KEY, &kid.0))? {
                // The identifier is a text anyone with the PIN may write; the key says its own name.
                if let Some(key) = public_key(&open.session, object)?.filter(|key| kid_of(key) == kid) {
                    open.private(kid, settings)?;
                    return Ok(key);
                }
            }
            Err(TokenError::NoKey { token: settings.token.clone(), kid }.into())
        })
    }

    pub(crate) fn generate(&mut self, algorithm: Algorithm) -> Result<PublicKey, TokenError> {
        self.with(|open, settings| {
            let token = || settings.token.clone();
            let (mechanism, curve) =
                generation(algorithm).ok_or_else(|| TokenError::Algorithm { token: token(), algorithm })?;
            // The name follows from the key, so it can be given only afterwards.
            let (public, private) = templates(&settings.label, b"new", curve);
            let made = open.session.generate_key_pair(&mechanism, &public, &private);
            let (public, private) = match made {
                Err(Error::Pkcs11(RvError::MechanismInvalid, _)) => {
                    return Err(TokenError::Algorithm { token: token(), algorithm }.into());
                }
                made => made?,
            };
            let Some(key) = public_key(&open.session, public)? else {
                open.session.destroy_object(private)?;
                open.session.destroy_object(public)?;
                let why = format!("the {algorithm} key it made has no readable public half");
                return Err(TokenError::Failed { token: token(), why }.into());
            };
            let kid = kid_of(&key);
            for half in [public, private] {
                open.session.update_attributes(half, &[Attribute::Id(kid.0.to_vec())])?;
            }
            open.private.insert(kid, private);
            Ok(key)
        })
    }

    pub(crate) fn destroy(&mut self, kid: Kid) -> Result<(), TokenError> {
        self.with(|open, _| {
            open.private.remove(&kid);
            // The private half first: what is left after a power cut signs nothing.
            for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
                for object in open.session.find_objects(&by_id(class, &kid.0))? {
                    open.session.destroy_object(object)?;
                }
            }
            Ok(())
        })
    }

    /// What the token says is a signature; the caller checks it.
    pub(crate) fn sign(&mut self, kid: Kid, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, TokenError> {
        self.with(|open, settings| {
            let (mechanism, bytes) = request(algorithm, message)
                .ok_or_else(|| TokenError::Algorithm { token: settings.token.clone(), algorithm })?;
            let private = open.private(kid, settings)?;
            Ok(open.session.sign(&mechanism, private, &bytes)?)
        })
    }
}

impl Open {
    fn private(&mut self, kid: Kid, settings: &Settings) -> Result<ObjectHandle, Trouble> {
        if let Some(handle) = self.private.get(&kid) {
            return Ok(*handle);
        }
        let found = self.session.find_objects(&by_id(ObjectClass::PRIVATE_KEY, &kid.0))?;
        let handle = *found.first().ok_or_else(|| TokenError::NoKey { token: settings.token.clone(), kid })?;
        self.private.insert(kid, handle);
        Ok(handle)
    }
}

/// What goes wrong inside a session: the library, which a new session may cure, or the request.
enum Trouble {
    Library(Error),
    Token(TokenError),
}

impl From<Error> for Trouble {
    fn from(why: Error) -> Self {
        Self::Library(why)
    }
}

impl From<TokenError> for Trouble {
    fn from(why: TokenError) -> Self {
        Self::Token(why)
    }
}
