//! What every page has around its own content, and how a page is answered.
//!
//! A page is an askama template that extends `base.html` and has a field `shell`. The base knows the blocks `head`
//! (more of the head) and `content`. Texts are said by `shell.t("id")`, so that a template holds no sentence.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tidewaiter_words::{Language, say};

use super::{View, assets};
use crate::lane::{Local, access};

/// The frame of a page.
#[derive(Clone, Debug)]
pub(in crate::lane) struct Shell {
    /// Language of the page.
    pub(in crate::lane) language: Language,
    /// What the page is called.
    pub(in crate::lane) title: String,
    /// Site and agent.
    pub(in crate::lane) agent: String,
    /// Ways to the other pages.
    pub(in crate::lane) ways: Vec<Way>,
    /// The same page in the other language.
    pub(in crate::lane) other: String,
    /// Where the page listens for what changes; a page of the past listens nowhere.
    pub(in crate::lane) events: Option<String>,
    /// Who is signed in.
    pub(in crate::lane) who: Option<String>,
    /// Where somebody signs in, where there are users and nobody is signed in.
    pub(in crate::lane) sign_in: Option<String>,
}

/// A way to another page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lane) struct Way {
    /// Address.
    pub(in crate::lane) href: String,
    /// What it is called.
    pub(in crate::lane) name: String,
    /// It is the page shown.
    pub(in crate::lane) here: bool,
}

#[allow(clippy::unused_self, reason = "a template asks its shell for everything around it")]
impl Shell {
    /// Says a message without arguments.
    pub(in crate::lane) fn t(&self, id: &str) -> String {
        say(self.language, id, &[])
    }

    /// BCP 47 tag of the language.
    pub(in crate::lane) const fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// Some words of the language are too long for the largest letters on a narrow screen.
    pub(in crate::lane) const fn has_long_words(&self) -> bool {
        matches!(self.language, Language::En)
    }

    /// Tag of the other language.
    pub(in crate::lane) const fn other_tag(&self) -> &'static str {
        self.language.other().tag()
    }

    /// Path of the style sheet.
    pub(in crate::lane) fn css(&self) -> &'static str {
        &assets::names().css
    }

    /// Path of the script.
    pub(in crate::lane) fn js(&self) -> &'static str {
        &assets::names().js
    }

    /// What the page was built with.
    pub(in crate::lane) fn hash(&self) -> &'static str {
        &assets::names().hash
    }

    /// The page changes while it is looked at; `page` is its path.
    #[must_use]
    pub(in crate::lane) fn live(mut self, page: &str) -> Self {
        self.events = Some(format!("/events?page={page}&lang={}", self.tag()));
        self
    }
}

impl Local {
    /// The frame of the page at `view`, called `title`.
    pub(in crate::lane) fn shell(&self, view: &View, title: &str) -> Shell {
        let site = self.site.borrow();
        let language = view.language;
        let way = |href: String, name: String| Way { here: href == view.path, href, name };
        let mut ways = vec![way("/".to_owned(), say(language, "page-overview", &[]))];
        ways.extend(site.lanes.iter().map(|it| way(format!("/lane/{}", it.id), it.id.clone())));
        ways.extend(site.rigs.iter().map(|it| way(format!("/rig/{}", it.id), it.id.clone())));
        ways.push(way("/history".to_owned(), say(language, "heading-history", &[])));
        ways.push(way("/stats".to_owned(), say(language, "page-statistics", &[])));
        Shell {
            language,
            title: title.to_owned(),
            agent: format!("{} · {}", site.id, site.agent),
            ways,
            other: view.in_other_language(),
            events: None,
            who: view.actor.person().map(|it| it.display.clone()),
            sign_in: (site.local.users.is_some() && view.actor.person().is_none())
                .then(|| access::way_in(&view.path, &view.query)),
        }
    }
}

impl View {
    /// Answers with a page.
    pub(in crate::lane) fn page(&self, code: StatusCode, page: &impl Template) -> Response {
        let html = match page.render() {
            Ok(html) => html,
            Err(failure) => {
                tracing::error!(%failure, path = self.path, "a page could not be rendered");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            // What a page says holds for the moment; a stored one would say "recorded" of yesterday.
            (header::CACHE_CONTROL, "no-store"),
            (header::VARY, "Cookie, Accept-Language"),
        ];
        let mut response = (code, headers, html).into_response();
        if let Some(cookie) = self.cookie().and_then(|it| HeaderValue::from_str(&it).ok()) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// A page that says one sentence: not found, refused, busy.
#[derive(Template)]
#[template(path = "sentence.html")]
struct SentencePage {
    shell: Shell,
    sentence: String,
}

impl Local {
    /// Answers with a page that says one sentence.
    pub(in crate::lane) fn say_page(&self, view: &View, code: StatusCode, sentence: &str) -> Response {
        let shell = self.shell(view, &code.as_u16().to_string());
        view.page(code, &SentencePage { shell, sentence: sentence.to_owned() })
    }
}
