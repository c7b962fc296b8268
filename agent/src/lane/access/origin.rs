//! Whether a request comes from where it seems to: the Host it names, and for what changes something the page it was
//! sent from.
//!
//! - A name in `Host` that is not ours means that somebody's domain points at this address (DNS rebinding); addresses
//!   cannot be pointed elsewhere and are always taken.
//! - Browsers say with every POST which page sent it (`Origin`) and how that page stands to us (`Sec-Fetch-Site`).
//!   A request that carries a session and says neither is not from a browser of ours.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The one value of a header; none when it is missing, repeated or no text.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

/// The host without its port.
fn host_of(authority: &str) -> Option<&str> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(|it| it.parse::<u16>().is_ok());
        return port_fits.then_some(address);
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => port.parse::<u16>().is_ok().then_some(host),
        None => Some(authority),
    }
}

/// Whether the request names this machine.
pub(crate) fn host_is_ours(headers: &HeaderMap, names: &[String]) -> bool {
    let Some(host) = only(headers, &header::HOST).and_then(host_of) else { return false };
    host.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || names.iter().any(|it| it.eq_ignore_ascii_case(host))
}

/// Whether a browser sent this from a page of ours. `tls` says how we are reached.
pub(crate) fn from_our_page(headers: &HeaderMap, tls: bool) -> bool {
    let site = headers.get(&SEC_FETCH_SITE).is_some();
    let origin = headers.get(&header::ORIGIN).is_some();
    let site_fits = !site || only(headers, &SEC_FETCH_SITE) == Some("same-origin");
    let scheme = if tls { "https://" } else { "http://" };
    let origin_fits = !origin
        || only(headers, &header::ORIGIN)
            .and_then(|it| it.strip_prefix(scheme))
            .is_some_and(|it| only(headers, &header::HOST).is_some_and(|host| it.eq_ignore_ascii_case(host)));
    (site || origin) && site_fits && origin_fits
}

/// Whether a body is JSON by its own word. Forms of other pages cannot say so without asking first.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    only(headers, &header::CONTENT_TYPE)
        .and_then(|it| it.split(';').next())
        .is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_foreign_name_is_not_this_machine() {
        let names = ["gate-07.port.example".to_owned()];
        let check =
            |host: &str, expected| assert_eq!(host_is_ours(&headers(&[("host", host)]), &names), expected, "{host}");
        for ours in [
            "127.0.0.1",
            "127.0.0.1:8470",
            "10.1.2.3:443",
            "[::1]",
            "[::1]:8470",
            "localhost:1",
            "Gate-07.port.example:8470",
        ] {
            check(ours, true);
        }
        for foreign in [
            "evil.example",
            "evil.example:8470",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "gate-07.port.example.",
            "",
            ":8470",
            "[::1",
            "[::1]x",
            "127.0.0.1:x",
            "127.0.0.1:8470:1",
            "2130706433",
            "user@127.0.0.1",
        ] {
            check(foreign, false);
        }
        assert!(!host_is_ours(&HeaderMap::new(), &names));
        let mut two = headers(&[("host", "127.0.0.1")]);
        two.append(header::HOST, "evil.example".parse().unwrap());
        assert!(!host_is_ours(&two, &names));
    }

    #[test]
    fn only_a_page_of_ours_sends_forms() {
        let check = |pairs: &[(&'static str, &str)], tls, expected| {
            let mut all = headers(&[("host", "10.0.0.7:8470")]);
            all.extend(headers(pairs));
            assert_eq!(from_our_page(&all, tls), expected, "{pairs:?}");
        };
        check(&[("origin", "http://10.0.0.7:8470")], false, true);
        check(&[("origin", "https://10.0.0.7:8470"), ("sec-fetch-site", "same-origin")], true, true);
        check(&[("sec-fetch-site", "same-origin")], false, true);
        for foreign in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "http://10.0.0.7")],
            &[("origin", "http://10.0.0.7:84700")],
            &[("origin", "https://10.0.0.7:8470")],
            &[("origin", "http://evil.example")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "http://10.0.0.7:8470"), ("sec-fetch-site", "cross-site")],
            &[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
        ] {
            check(foreign, false, false);
        }
    }

    #[test]
    fn json_says_so() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("text/plain; application/json", false),
        ] {
            assert_eq!(is_json(&headers(&[("content-type", value)])), expected, "{value}");
        }
    }
}
