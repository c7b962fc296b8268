//! Who is signed in. Kept in memory alone: a restart signs everybody out.
//!
//! A session is known by the SHA-256 of its token, so that neither a look into the memory nor the time a comparison
//! takes gives a token away. Nothing that a browser brings ever becomes a token: each is made here, at sign-in.

use std::{collections::BTreeMap, time::Duration};

use tidewaiter_record::Hash;

/// Sessions at a time. A gate has a dozen people; beyond it the longest idle one is dropped.
pub(crate) const MOST: usize = 256;
/// Sessions of one person at a time.
pub(crate) const MOST_OF_ONE: usize = 8;

/// A session's length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) idle: Duration,
    pub(crate) longest: Duration,
}

#[derive(Clone, Debug)]
struct Session {
    name: String,
    /// The entry of the users file it was opened by.
    entry: Hash,
    begun_ms: u64,
    seen_ms: u64,
}

impl Session {
    fn over(&self, now_ms: u64, span: Span) -> bool {
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        now_ms.saturating_sub(self.seen_ms) >= ms(span.idle) || now_ms.saturating_sub(self.begun_ms) >= ms(span.longest)
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_token: BTreeMap<[u8; 32], Session>,
}

impl Sessions {
    /// Opens one. `now_ms` is monotonic.
    pub(crate) fn open(&mut self, token: &[u8; 32], name: &str, entry: Hash, now_ms: u64, span: Span) {
        self.by_token.retain(|_, it| !it.over(now_ms, span));
        while self.by_token.values().filter(|it| it.name == name).count() >= MOST_OF_ONE {
            self.drop_idlest(|it| it.name == name);
        }
        while self.by_token.len() >= MOST {
            self.drop_idlest(|_| true);
        }
        let session = Session { name: name.to_owned(), entry, begun_ms: now_ms, seen_ms: now_ms };
        self.by_token.insert(Hash::of(token).0, session);
    }

    fn drop_idlest(&mut self, among: impl Fn(&Session) -> bool) {
        let idlest = self.by_token.iter().filter(|(_, it)| among(it)).min_by_key(|(_, it)| it.seen_ms);
        if let Some(key) = idlest.map(|(key, _)| *key) {
            self.by_token.remove(&key);
        }
    }

    /// The name and entry a token stands for; being asked counts as activity.
    pub(crate) fn find(&mut self, token: &[u8; 32], now_ms: u64, span: Span) -> Option<(String, Hash)> {
        let key = Hash::of(token).0;
        let session = self.by_token.get_mut(&key)?;
        if session.over(now_ms, span) {
            self.by_token.remove(&key);
            return None;
        }
        session.seen_ms = now_ms;
        Some((session.name.clone(), session.entry))
    }

    /// The same, without counting as activity.
    pub(crate) fn look(&self, token: &[u8; 32], now_ms: u64, span: Span) -> Option<(&str, Hash)> {
        let session = self.by_token.get(&Hash::of(token).0).filter(|it| !it.over(now_ms, span))?;
        Some((&session.name, session.entry))
    }

    /// Ends one.
    pub(crate) fn close(&mut self, token: &[u8; 32]) {
        self.by_token.remove(&Hash::of(token).0);
    }

    /// Ends those whose entry is no longer what it was.
    pub(crate) fn keep(&mut self, holds: impl Fn(&str, Hash) -> bool) {
        self.by_token.retain(|_, it| holds(&it.name, it.entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { idle: Duration::from_secs(1800), longest: Duration::from_secs(43_200) };
    const ENTRY: Hash = Hash([1; 32]);

    fn token(number: u16) -> [u8; 32] {
        let mut token = [0; 32];
        token[..2].copy_from_slice(&number.to_be_bytes());
        token
    }

    #[test]
    fn a_session_ends_idle_and_at_its_longest() {
        let mut sessions = Sessions::default();
        sessions.open(&token(1), "lina", ENTRY, 0, SPAN);
        assert_eq!(sessions.find(&token(1), 1_799_999, SPAN), Some(("lina".to_owned(), ENTRY)));
        assert_eq!(sessions.find(&token(2), 1_799_999, SPAN), None);
        assert_eq!(sessions.find(&token(1), 3_600_000, SPAN), None, "half an hour after it was last seen");
        sessions.open(&token(3), "lina", ENTRY, 0, SPAN);
        for minute in 1..720 {
            assert!(sessions.find(&token(3), minute * 60_000, SPAN).is_some(), "minute {minute}");
        }
        assert_eq!(sessions.find(&token(3), 43_200_000, SPAN), None);
    }

    #[test]
    fn their_number_is_bounded_and_nobody_drives_out_the_others() {
        let mut sessions = Sessions::default();
        sessions.open(&token(9_999), "wang", ENTRY, 0, SPAN);
        for number in 0..1_000 {
            sessions.open(&token(number), "lina", ENTRY, u64::from(number) + 1, SPAN);
        }
        assert!(sessions.find(&token(9_999), 1_001, SPAN).is_some());
        assert_eq!((0..1_000).filter(|it| sessions.find(&token(*it), 1_001, SPAN).is_some()).count(), MOST_OF_ONE);
        for number in 0..1_000 {
            sessions.open(&token(number), &format!("user-{number}"), ENTRY, 2_000 + u64::from(number), SPAN);
        }
        assert!(sessions.by_token.len() <= MOST);
    }

    #[test]
    fn it_dies_with_its_entry() {
        let mut sessions = Sessions::default();
        sessions.open(&token(1), "lina", ENTRY, 0, SPAN);
        sessions.open(&token(2), "wang", ENTRY, 0, SPAN);
        sessions.keep(|name, entry| name == "wang" && entry == ENTRY);
        assert!(sessions.find(&token(1), 1, SPAN).is_none() && sessions.find(&token(2), 1, SPAN).is_some());
        sessions.close(&token(2));
        assert!(sessions.find(&token(2), 1, SPAN).is_none());
    }
}
