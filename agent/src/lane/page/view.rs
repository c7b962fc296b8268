//! How a page is to be shown: in which language, and under which address.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use tidewaiter_words::Language;

use crate::lane::access::Actor;

/// The cookie that keeps the language chosen.
const COOKIE: &str = "lang";

/// What a page must know of the request that asks for it. Every page handler takes one.
///
/// The language is `?lang=` where it is given (and then kept in a cookie), else the cookie's, else Chinese; English
/// without a choice only where the browser speaks English and no Chinese.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lane) struct View {
    /// Language of the page.
    pub(in crate::lane) language: Language,
    /// It came with this request and is to be remembered.
    pub(in crate::lane) chosen: bool,
    /// Path asked for, as in the request line.
    pub(in crate::lane) path: String,
    /// Query without `lang`, as in the request line.
    pub(in crate::lane) query: String,
    /// Who looks.
    pub(in crate::lane) actor: Actor,
}

impl View {
    fn read(path: &str, query: &str, headers: &HeaderMap) -> Self {
        let (lang, rest): (Vec<&str>, Vec<&str>) =
            query.split('&').filter(|it| !it.is_empty()).partition(|it| it.starts_with("lang="));
        let chosen = lang.iter().rev().find_map(|it| Language::from_tag(it.strip_prefix("lang=")?));
        let language = chosen.or_else(|| kept(headers)).unwrap_or_else(|| preferred(headers));
        Self { language, chosen: chosen.is_some(), path: path.to_owned(), query: rest.join("&"), actor: Actor::Nobody }
    }

    /// The same page in the other language.
    pub(super) fn in_other_language(&self) -> String {
        let other = self.language.other().tag();
        if self.query.is_empty() {
            format!("{}?lang={other}", self.path)
        } else {
            format!("{}?{}&lang={other}", self.path, self.query)
        }
    }

    /// The cookie to set, when a language was chosen.
    pub(super) fn cookie(&self) -> Option<String> {
        self.chosen.then(|| format!("{COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax", self.language.tag()))
    }
}

impl View {
    /// Of a request that no route has seen.
    pub(in crate::lane) fn of(request: &Request) -> Self {
        let uri = request.uri();
        Self::read(uri.path(), uri.query().unwrap_or_default(), request.headers())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for View {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let actor = parts.extensions.get().cloned().unwrap_or(Actor::Nobody);
        Ok(Self { actor, ..Self::read(parts.uri.path(), parts.uri.query().unwrap_or_default(), &parts.headers) })
    }
}

/// The value of a cookie; the first of that name counts.
fn kept(headers: &HeaderMap) -> Option<Language> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let (_, value) = cookies
        .flat_map(|it| it.split(';'))
        .filter_map(|it| it.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)?;
    Language::from_tag(value)
}

fn preferred(headers: &HeaderMap) -> Language {
    let accepted = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|it| it.to_str().ok());
    let spoken: Vec<Language> = accepted
        .flat_map(|it| it.split(','))
        // `q=0` says: not this one.
        .filter(|it| {
            !it.split(';').skip(1).any(|q| q.trim().trim_start_matches("q=").trim_matches(['0', '.']).is_empty())
        })
        .filter_map(|it| Language::from_tag(it.split(';').next().unwrap_or_default().trim()))
        .collect();
    if spoken.contains(&Language::En) && !spoken.contains(&Language::ZhCn) { Language::En } else { Language::ZhCn }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn view(query: &str, cookie: &str, accept: &str) -> View {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
        View::read("/history", query, &headers)
    }

    #[test]
    fn chinese_comes_first_and_a_choice_is_kept() {
        let check = |query, cookie, accept, language, chosen| {
            let view = view(query, cookie, accept);
            assert_eq!((view.language, view.chosen), (language, chosen), "{query} {cookie} {accept}");
        };
        check("", "", "", Language::ZhCn, false);
        check("", "", "en-GB,en;q=0.9", Language::En, false);
        check("", "", "en-GB,en;q=0.9,zh;q=0.1", Language::ZhCn, false);
        check("", "", "en,zh;q=0", Language::En, false);
        check("", "", "en,zh;q=0.0", Language::En, false);
        check("", "", "de-DE", Language::ZhCn, false);
        check("", "a=b; lang=en", "zh-CN", Language::En, false);
        check("", "lang=klingon", "en", Language::En, false);
        check("lang=zh-CN", "lang=en", "en", Language::ZhCn, true);
        check("lang=xx", "lang=en", "zh", Language::En, false);
    }

    #[test]
    fn the_other_language_is_the_same_page() {
        let other = |query| view(query, "", "").in_other_language();
        assert_eq!(other(""), "/history?lang=en");
        assert_eq!(other("lang=en&from=3&text=%E7%B2%A4"), "/history?from=3&text=%E7%B2%A4&lang=zh-CN");
    }

    #[test]
    fn a_cookie_is_set_only_when_a_language_was_asked_for() {
        assert_eq!(view("", "", "").cookie(), None);
        assert_eq!(view("lang=en", "", "").cookie().unwrap(), "lang=en; Path=/; Max-Age=31536000; SameSite=Lax");
    }
}
