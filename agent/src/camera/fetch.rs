//! One still by HTTP: a request, and a second one where the camera asks who is there.

use std::{
    fs,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
    time::{Duration, Instant},
};

use digest_auth::AuthContext;
use tidewaiter_config::site::Camera;
use ureq::{
    http::{Response, header::WWW_AUTHENTICATE},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider},
};

use super::still::{Missed, Still, judge};

/// Longest password.
const MOST_PASSWORD: usize = 1024;
/// Challenges looked at.
const MOST_CHALLENGES: usize = 8;

/// Fetches a still. Blocks no longer than the camera's time-out.
///
/// # Errors
///
/// A [`Missed`] without credentials in it.
pub fn fetch(camera: &Camera) -> Result<Still, Missed> {
    let began = Instant::now();
    let agent = agent(camera)?;
    let mut response = ask(&agent, camera, None, began)?;
    if response.status().as_u16() == 401 {
        let Some((user, file)) = &camera.login else { return Err(Missed::NotAccepted) };
        let password = password(file)?;
        let answer = answer(&response, camera, user, &password)?;
        response = ask(&agent, camera, Some(&answer), began)?;
    }
    match response.status().as_u16() {
        200 => {}
        401 | 403 => return Err(Missed::NotAccepted),
        status @ 300..=399 => return Err(Missed::Redirected(status)),
        status => return Err(Missed::Status(status)),
    }
    let mut content = Vec::new();
    // One byte more than allowed tells too large from just fitting.
    let body = response.body_mut().with_config().limit(camera.max_bytes + 1).reader();
    body.take(camera.max_bytes + 1).read_to_end(&mut content).map_err(|why| {
        if began.elapsed() >= camera.timeout {
            Missed::TimedOut(camera.timeout.as_millis())
        } else if why.to_string().contains("limit") {
            Missed::TooLarge(camera.max_bytes)
        } else {
            Missed::Unreachable(why.kind().to_string())
        }
    })?;
    if content.len() as u64 > camera.max_bytes {
        return Err(Missed::TooLarge(camera.max_bytes));
    }
    judge(content)
}

fn ask(
    agent: &ureq::Agent,
    camera: &Camera,
    authorization: Option<&str>,
    began: Instant,
) -> Result<Response<ureq::Body>, Missed> {
    let left = camera.timeout.saturating_sub(began.elapsed());
    if left.is_zero() {
        return Err(Missed::TimedOut(camera.timeout.as_millis()));
    }
    let mut request = agent.get(&camera.url).config().timeout_global(Some(left)).build();
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    request.call().map_err(|why| match why {
        ureq::Error::Timeout(_) => Missed::TimedOut(camera.timeout.as_millis()),
        // What else an error says may quote the address, and with it what is in its query.
        ureq::Error::Io(why) => Missed::Unreachable(why.kind().to_string()),
        ureq::Error::HostNotFound => Missed::Unreachable("the host name is not known".to_owned()),
        ureq::Error::Rustls(why) => Missed::Unreachable(format!("TLS: {why}")),
        ureq::Error::ConnectionFailed => Missed::Unreachable("connection failed".to_owned()),
        _ => Missed::Unreachable("what came is not HTTP".to_owned()),
    })
}

/// The answer to the strongest challenge that is understood.
fn answer(response: &Response<ureq::Body>, camera: &Camera, user: &str, password: &str) -> Result<String, Missed> {
    let challenges: Vec<&str> = response
        .headers()
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .take(MOST_CHALLENGES)
        .filter_map(|it| it.to_str().ok())
        .map(str::trim)
        .collect();
    let is =
        |challenge: &str, scheme: &str| challenge.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme));
    for challenge in challenges.iter().filter(|it| is(it, "digest ")) {
        let Ok(mut prompt) = digest_auth::parse(challenge) else { continue };
        let context = AuthContext::new(user, password, target(&camera.url));
        if let Ok(header) = prompt.respond(&context) {
            return Ok(header.to_header_string());
        }
    }
    if challenges.iter().any(|it| is(it, "basic")) {
        return Ok(format!("Basic {}", base64(format!("{user}:{password}").as_bytes())));
    }
    Err(Missed::Challenge)
}

/// Path and query, as they stand in the request line.
fn target(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('#').next().unwrap_or_default();
    rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// RFC 4648, §4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().chain([&0, &0]).take(3).fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
        for place in 0..4 {
            let letter = LETTERS.get(word >> (18 - 6 * place) & 63).copied().unwrap_or(b'=');
            text.push(if place <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn password(file: &std::path::Path) -> Result<String, Missed> {
    let wrong = |why: String| Missed::Password(format!("{}: {why}", file.display()));
    let mode = fs::metadata(file).map_err(|why| wrong(why.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(wrong(format!("mode {:o}, and others may read it; chmod 600", mode & 0o777)));
    }
    let text = fs::read_to_string(file).map_err(|why| wrong(why.to_string()))?;
    let first = text.lines().next().unwrap_or_default();
    if first.is_empty() || first.len() > MOST_PASSWORD {
        return Err(wrong("its first line is no password".to_owned()));
    }
    Ok(first.to_owned())
}

fn agent(camera: &Camera) -> Result<ureq::Agent, Missed> {
    let mut config = ureq::Agent::config_builder()
        .timeout_global(Some(camera.timeout))
        .timeout_connect(Some(camera.timeout.min(Duration::from_secs(5))))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .user_agent(concat!("tidewaiter/", env!("CARGO_PKG_VERSION")));
    if let Some(ca) = &camera.ca {
        let wrong = |why: String| Missed::Authority(format!("{}: {why}", ca.display()));
        let pem = fs::read(ca).map_err(|why| wrong(why.to_string()))?;
        let mut roots: Vec<Certificate<'static>> = Vec::new();
        for item in ureq::tls::parse_pem(&pem) {
            if let PemItem::Certificate(it) = item.map_err(|why| wrong(why.to_string()))? {
                roots.push(it);
            }
        }
        if roots.is_empty() {
            return Err(wrong("no certificate is in it".to_owned()));
        }
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        config = config.https_only(true).tls_config(tls);
    }
    Ok(config.build().into())
}

#[cfg(test)]
mod tests {
    use super::{base64, target};

    #[test]
    fn basic_credentials_are_as_published() {
        // RFC 7617, §2, and RFC 4648, §10.
        assert_eq!(base64(b"Aladdin:open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        for (text, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }

    #[test]
    fn the_target_is_path_and_query() {
        for (url, expected) in
            [("http://a", "/"), ("http://a:80/x/y.jpg?ch=1#f", "/x/y.jpg?ch=1"), ("https://[::1]:8443/x", "/x")]
        {
            assert_eq!(target(url), expected, "{url}");
        }
    }
}
