//! Tokens and requests: what was asked, by whom, and what became of it. No IO; time is an argument.
//!
//! A token is for one agent of one site, for some hours, once. The book keeps its hash, so whoever reads the book
//! cannot enrol. A request is decided by another person than the one who asked for the token.

use serde::{Deserialize, Serialize};
use tidewaiter_record::{Hash, Statement, fingerprint};

use super::wire::{Ask, Grant};
use crate::topic::is_segment;

/// Tokens kept at most; those that ran out make room.
pub const MOST_TOKENS: usize = 1_000;
/// Requests kept at most; those decided make room.
pub const MOST_REQUESTS: usize = 1_000;
/// Hours a token is good for, unless said otherwise.
pub const TOKEN_HOURS: u32 = 24;
/// Least and most hours.
pub const TOKEN_HOURS_RANGE: std::ops::RangeInclusive<u32> = 1..=168;
/// A request that nobody decides is dropped after a week.
const PENDING_MS: i64 = 7 * 24 * 3_600_000;
/// A decision is kept for a month, for an agent that comes late to fetch it.
const DECIDED_MS: i64 = 31 * 24 * 3_600_000;
const HOUR_MS: i64 = 3_600_000;

/// Without I, L, O and U, which are misread (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A token that was given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// SHA-256 of the token.
    pub hash: Hash,
    /// Site it is for.
    pub site: String,
    /// Agent it is for.
    pub agent: String,
    /// Serial number of the box it is for, if it is for one alone.
    pub serial: Option<String>,
    /// Who asked for it.
    pub by: String,
    /// Good until, UTC milliseconds.
    pub until_ms: i64,
    /// The request it was used for.
    pub used: Option<String>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum State {
    /// Nobody has decided.
    Pending,
    /// A second person has compared the fingerprint.
    Approved {
        /// Who.
        by: String,
        /// What the agent gets.
        grant: Box<Grant>,
    },
    /// Refused.
    Rejected {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

/// A request of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// By which it is fetched.
    pub id: String,
    /// What is compared.
    pub fingerprint: String,
    /// Site.
    pub site: String,
    /// Agent.
    pub agent: String,
    /// Serial number of the box.
    pub serial: Option<String>,
    /// Who asked for the token.
    pub asked_by: String,
    /// When it came, UTC milliseconds.
    pub at_ms: i64,
    /// The enrolment statement, hexadecimal.
    pub statement: String,
    /// The certificate request, PEM.
    pub request: String,
    /// What became of it.
    pub state: State,
}

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    version: u32,
    /// Tokens.
    pub tokens: Vec<Token>,
    /// Requests, in the order of their coming.
    pub requests: Vec<Request>,
}

/// Why something is not in the book.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// One answer for every wrong token, so that nobody learns which part was right.
    #[error(
        "the token is not good: it is for another agent or site, was used, or has run out; ask the centre for a new one"
    )]
    Token,
    /// The statement is none.
    #[error("{0}")]
    Statement(String),
    /// Full.
    #[error("{0} requests or tokens are open; decide or let run out some first")]
    Full(usize),
    /// A name that cannot stand in a topic.
    #[error("{0:?} cannot be a site or an agent: 1 to 128 bytes, without + # / and control characters")]
    Name(String),
    /// A token's life out of range.
    #[error("{0} hours; write {first} to {last}", first = TOKEN_HOURS_RANGE.start(), last = TOKEN_HOURS_RANGE.end())]
    Hours(u32),
    /// No such request.
    #[error("no request {0:?}; `tidewaiter-collector enrol list` names them")]
    NoRequest(String),
    /// Decided already.
    #[error("request {0} is decided already")]
    Decided(String),
    /// The fingerprints differ.
    #[error(
        "request {id} has fingerprint {found}, not {given}: it is not the box you looked at; reject it if nobody can explain that"
    )]
    Fingerprint {
        /// The request.
        id: String,
        /// As it came.
        found: String,
        /// As the person read it.
        given: String,
    },
    /// One person cannot do both.
    #[error("{0:?} asked for the token; somebody else has to approve")]
    SamePerson(String),
    /// A person without a name.
    #[error("say who you are: --by NAME")]
    Nameless,
}

impl Default for Book {
    fn default() -> Self {
        Self { version: 1, tokens: Vec::new(), requests: Vec::new() }
    }
}

impl Book {
    /// Reads the document.
    ///
    /// # Errors
    ///
    /// When it is none of this version.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let book: Self = serde_json::from_str(text).map_err(|it| it.to_string())?;
        if book.version == 1 { Ok(book) } else { Err(format!("version {} is not known", book.version)) }
    }

    /// Writes the document.
    ///
    /// # Panics
    ///
    /// Never: texts and numbers are always JSON.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("texts and numbers are always JSON");
        text.push('\n');
        text
    }

    /// Enters a token made of `random`, and gives it as it is told to the site.
    ///
    /// # Errors
    ///
    /// Refuses names that cannot be, a life out of range, and more than [`MOST_TOKENS`].
    pub fn give_token(
        &mut self,
        (site, agent, serial): (&str, &str, Option<&str>),
        by: &str,
        hours: u32,
        random: [u8; 16],
        now_ms: i64,
    ) -> Result<String, BookError> {
        self.clear(now_ms);
        for name in [site, agent] {
            if !is_segment(name) {
                return Err(BookError::Name(name.to_owned()));
            }
        }
        if !TOKEN_HOURS_RANGE.contains(&hours) {
            return Err(BookError::Hours(hours));
        }
        let by = named(by)?;
        if self.tokens.len() >= MOST_TOKENS {
            return Err(BookError::Full(MOST_TOKENS));
        }
        let digits = random.iter().filter_map(|it| DIGITS.get(usize::from(it & 0x1f))).map(|it| char::from(*it));
        let text: String = digits.collect();
        self.tokens.push(Token {
            hash: token_hash(&text),
            site: site.to_owned(),
            agent: agent.to_owned(),
            serial: serial.map(str::to_owned),
            by,
            until_ms: now_ms.saturating_add(i64::from(hours) * HOUR_MS),
            used: None,
        });
        let groups: Vec<_> = text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        Ok(groups.join("-"))
    }

    /// Takes an agent's request. The same request with the same token again is the same request: an answer may get
    /// lost.
    ///
    /// # Errors
    ///
    /// Refuses a token that is not good, a statement that is none, and more than [`MOST_REQUESTS`].
    pub fn ask(&mut self, ask: &Ask, id: &str, now_ms: i64) -> Result<&Request, BookError> {
        self.clear(now_ms);
        let hash = token_hash(&ask.token);
        let bytes =
            hex::decode(&ask.statement).map_err(|_| BookError::Statement("statement: not hexadecimal".into()))?;
        let statement = Statement::open(&bytes).map_err(|it| BookError::Statement(it.to_string()))?;
        let is_it = |it: &&mut Token| {
            it.hash == hash
                && it.site == ask.site
                && it.agent == statement.agent
                && it.serial.as_ref().is_none_or(|serial| ask.serial.as_ref() == Some(serial))
        };
        let token = self.tokens.iter_mut().find(is_it).ok_or(BookError::Token)?;
        let fingerprint = fingerprint(&bytes, &ask.request);
        if let Some(used) = &token.used {
            let same = self.requests.iter().find(|it| it.id == *used && it.fingerprint == fingerprint);
            return same.ok_or(BookError::Token);
        }
        if self.requests.len() >= MOST_REQUESTS {
            return Err(BookError::Full(MOST_REQUESTS));
        }
        token.used = Some(id.to_owned());
        let request = Request {
            id: id.to_owned(),
            fingerprint,
            site: ask.site.clone(),
            agent: statement.agent,
            serial: ask.serial.clone(),
            asked_by: token.by.clone(),
            at_ms: now_ms,
            statement: ask.statement.clone(),
            request: ask.request.clone(),
            state: State::Pending,
        };
        self.requests.push(request);
        self.request(id)
    }

    /// The request of this id.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn request(&self, id: &str) -> Result<&Request, BookError> {
        self.requests.iter().find(|it| it.id == id).ok_or_else(|| BookError::NoRequest(id.to_owned()))
    }

    /// The pending request that `by` may approve, having read `given`.
    ///
    /// # Errors
    ///
    /// Refuses a wrong fingerprint, the person who asked, and a request that is decided.
    pub fn to_approve(&self, id: &str, given: &str, by: &str) -> Result<&Request, BookError> {
        let request = self.pending(id)?;
        let by = named(by)?;
        if plain(given) != plain(&request.fingerprint) {
            let found = request.fingerprint.clone();
            return Err(BookError::Fingerprint { id: id.to_owned(), found, given: given.to_owned() });
        }
        if by.to_lowercase() == request.asked_by.to_lowercase() {
            return Err(BookError::SamePerson(by));
        }
        Ok(request)
    }

    /// Decides a request.
    ///
    /// # Errors
    ///
    /// When there is none, or when it is decided.
    pub fn decide(&mut self, id: &str, state: State) -> Result<(), BookError> {
        self.pending(id)?;
        if let Some(request) = self.requests.iter_mut().find(|it| it.id == id) {
            request.state = state;
        }
        Ok(())
    }

    fn pending(&self, id: &str) -> Result<&Request, BookError> {
        let request = self.request(id)?;
        if request.state == State::Pending { Ok(request) } else { Err(BookError::Decided(id.to_owned())) }
    }

    fn clear(&mut self, now_ms: i64) {
        self.tokens.retain(|it| it.until_ms > now_ms);
        self.requests.retain(|it| {
            let most = if it.state == State::Pending { PENDING_MS } else { DECIDED_MS };
            now_ms.saturating_sub(it.at_ms) < most
        });
    }
}

fn named(by: &str) -> Result<String, BookError> {
    let by = by.trim();
    if by.is_empty() { Err(BookError::Nameless) } else { Ok(by.to_owned()) }
}

/// Of a token only its digits count, however it was typed.
fn token_hash(text: &str) -> Hash {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).map(|it| it.to_ascii_uppercase()).collect();
    Hash::of(&digits)
}

fn plain(fingerprint: &str) -> String {
    fingerprint.chars().filter(char::is_ascii_hexdigit).map(|it| it.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tidewaiter_record::{ChainId, Ed25519Signer};

    use super::*;

    fn statement(agent: &str, seed: u8) -> String {
        let signer = Ed25519Signer::from_seed(&[seed; 32]);
        let public = signer.public_key();
        let statement =
            Statement { agent: agent.into(), chain: ChainId([seed; 16]), public, created_ms: 0, simulated: false };
        hex::encode(statement.issue(&signer).unwrap())
    }

    fn ask(token: &str, site: &str, agent: &str, serial: Option<&str>) -> Ask {
        Ask {
            version: 1,
            token: token.into(),
            site: site.into(),
            serial: serial.map(str::to_owned),
            statement: statement(agent, 1),
            request: "request".into(),
        }
    }

    #[test]
    fn a_token_is_for_one_agent_once_and_not_for_long() {
        let mut book = Book::default();
        let what = ("yantian", "gate-07", Some("SN1"));
        let token = book.give_token(what, "Li Na", 24, [7; 16], 0).unwrap();
        assert_eq!(token, "7777-7777-7777-7777");
        assert!(!book.to_json().contains("7777-7777"), "the book holds no token");
        let check = |it: &Ask, at_ms: i64, expected: &BookError| {
            let mut book = book.clone();
            assert_eq!(book.ask(it, "id-1", at_ms).unwrap_err(), *expected, "{it:?}");
        };
        let serial = Some("SN1");
        check(&ask("7777-7777-7777-7778", "yantian", "gate-07", serial), 1, &BookError::Token);
        check(&ask(&token, "shekou", "gate-07", serial), 1, &BookError::Token);
        check(&ask(&token, "yantian", "gate-08", serial), 1, &BookError::Token);
        check(&ask(&token, "yantian", "gate-07", Some("SN2")), 1, &BookError::Token);
        check(&ask(&token, "yantian", "gate-07", None), 1, &BookError::Token);
        check(&ask(&token, "yantian", "gate-07", serial), 24 * HOUR_MS, &BookError::Token);
        let garbage = Ask { statement: "00".into(), ..ask(&token, "yantian", "gate-07", serial) };
        assert!(matches!(book.clone().ask(&garbage, "id", 1), Err(BookError::Statement(_))));

        let good = ask(&token, "yantian", "gate-07", serial);
        let first = book.ask(&good, "id-1", 1).unwrap().clone();
        // The answer was lost, and the token typed with small letters: the same request.
        let again = Ask { token: token.to_lowercase().replace('-', " "), ..good.clone() };
        assert_eq!(book.ask(&again, "id-2", 2).unwrap(), &first);
        // Another box with the same token is not.
        let other = Ask { statement: statement("gate-07", 2), ..good };
        assert_eq!(book.ask(&other, "id-3", 3), Err(BookError::Token));
        assert_eq!(Book::from_json(&book.to_json()).unwrap(), book);
    }

    #[test]
    fn two_people_and_the_right_fingerprint() {
        let mut book = Book::default();
        let token = book.give_token(("s", "a", None), "Li Na", 24, [1; 16], 0).unwrap();
        let fingerprint = book.ask(&ask(&token, "s", "a", None), "id", 0).unwrap().fingerprint.clone();
        assert!(matches!(book.to_approve("x", &fingerprint, "Wang Wei"), Err(BookError::NoRequest(_))));
        assert!(matches!(book.to_approve("id", "0000", "Wang Wei"), Err(BookError::Fingerprint { .. })));
        assert!(matches!(book.to_approve("id", "", "Wang Wei"), Err(BookError::Fingerprint { .. })));
        assert!(matches!(book.to_approve("id", &fingerprint, " li na"), Err(BookError::SamePerson(_))));
        assert!(matches!(book.to_approve("id", &fingerprint, " "), Err(BookError::Nameless)));
        let shouted = fingerprint.to_uppercase().replace(' ', ":");
        assert_eq!(book.to_approve("id", &shouted, "Wang Wei").unwrap().agent, "a");
        let rejected = State::Rejected { by: "Wang Wei".into(), reason: "unknown box".into() };
        book.decide("id", rejected.clone()).unwrap();
        assert_eq!(book.decide("id", rejected), Err(BookError::Decided("id".into())));
        assert!(matches!(book.to_approve("id", &fingerprint, "Wang Wei"), Err(BookError::Decided(_))));
    }

    #[test]
    fn bounds_hold_and_time_makes_room() {
        let mut book = Book::default();
        let mut give = |n: usize, now_ms: i64| {
            let random =
                std::array::from_fn(|at| u8::try_from(if at < 4 { n >> (5 * at) & 0x1f } else { 0 }).unwrap_or(0));
            book.give_token(("s", "a", None), "Li Na", 1, random, now_ms)
        };
        for n in 0..MOST_TOKENS {
            give(n, 0).unwrap();
        }
        assert_eq!(give(MOST_TOKENS, 0), Err(BookError::Full(MOST_TOKENS)));
        give(MOST_TOKENS, HOUR_MS).unwrap();
        let mut book = Book::default();
        assert_eq!(book.give_token(("s", "a", None), "x", 0, [0; 16], 0), Err(BookError::Hours(0)));
        assert_eq!(book.give_token(("s", "a/b", None), "x", 1, [0; 16], 0), Err(BookError::Name("a/b".into())));
        assert_eq!(book.give_token(("s", "a", None), "", 1, [0; 16], 0), Err(BookError::Nameless));
    }
}
