//! `[local]` and `[privacy]`: who may reach the interface of this machine, and what it says of people.
//!
//! Reaching it from elsewhere takes three things together: an address others can reach, a certificate, and a file of
//! users. Any of them missing is a fault: nothing falls back to an open door.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::reader::{Node, Value};

/// Local interface unless the file says so.
const LISTEN: &str = "127.0.0.1:8470";
/// Names the page may be called by, at most.
const MOST_NAMES: usize = 16;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The local interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Address and port; port 0 picks one and prints it. Off loopback only with TLS and users.
    pub listen: SocketAddr,
    /// Names by which browsers may call it, beside addresses and `localhost`; lower case.
    pub names: Vec<String>,
    /// Certificate; `None` is plain HTTP, on loopback only.
    pub tls: Option<LocalTls>,
    /// File of users who may sign in; without it nobody can.
    pub users: Option<PathBuf>,
    /// After so long without a request a person is signed out.
    pub session_idle: Duration,
    /// After so long a person is signed out in any case.
    pub session_longest: Duration,
}

/// The certificate of the local interface, PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTls {
    /// Certificate chain, the interface's own first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for Local {
    /// This machine only, half an hour idle, a shift at most.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8470)),
            names: Vec::new(),
            tls: None,
            users: None,
            session_idle: MINUTE * 30,
            session_longest: HOUR * 12,
        }
    }
}

/// What is said of people outside the signed records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Privacy {
    /// How plates stand in live values sent to the broker.
    pub view_topics: Disclosure,
    /// After so long a posted declaration is forgotten.
    pub subjects: Duration,
}

/// How a personal datum is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// The beginning, then `***`.
    Masked,
    /// As it is.
    Plain,
}

impl Default for Privacy {
    fn default() -> Self {
        Self { view_topics: Disclosure::Masked, subjects: DAY * 30 }
    }
}

/// Reads `[local]`; without it the interface is on loopback.
pub(super) fn read(root: &Node<'_>, base: &Path) -> Option<Local> {
    let usual = Local::default();
    let Some(value) = root.may("local") else { return Some(usual) };
    let node = value.table()?;
    let users = node.may("users").map_or(Some(None), |value| Some(Some(base.join(value.text()?))));
    let tls_value = node.may("tls");
    let tls = tls_value.as_ref().map_or(Some(None), |value| tls(value, base).map(Some));
    let names = node.may("names").map_or_else(|| Some(Vec::new()), |value| names(&value));
    let idle = node.may("session_idle");
    let longest = node.may("session_longest");
    let span = |value: &Option<Value<'_>>, low, high, usual| match value {
        None => Some(usual),
        Some(value) => value.duration(low, high),
    };
    let session_idle = span(&idle, MINUTE, HOUR * 12, usual.session_idle);
    let session_longest = span(&longest, MINUTE * 5, HOUR * 24, usual.session_longest);
    let has_users = node.may("users").is_some();
    let listen = match node.may("listen") {
        None => LISTEN.parse().ok(),
        Some(value) => listen(&value, tls_value.is_some(), has_users),
    };
    node.finish();
    let (session_idle, session_longest) = (session_idle?, session_longest?);
    if let Some(value) = idle.as_ref().filter(|_| session_idle > session_longest) {
        value.fault(
            "a session cannot be idle for longer than it lasts",
            "session_idle shorter than session_longest, which is \"12 h\" unless it stands here",
        );
        return None;
    }
    Some(Local { listen: listen?, names: names?, tls: tls?, users: users?, session_idle, session_longest })
}

fn listen(value: &Value<'_>, has_tls: bool, has_users: bool) -> Option<SocketAddr> {
    let text = value.text()?;
    let port = text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or(8470);
    let loopback = || value.assign(format!("\"127.0.0.1:{port}\""));
    let Ok(address) = text.replace("localhost", "127.0.0.1").parse::<SocketAddr>() else {
        value.fault(format!("`listen` is {text:?}, which is not address:port"), loopback());
        return None;
    };
    let lacks = match (has_tls, has_users) {
        _ if address.ip().is_loopback() => return Some(address),
        (true, true) => return Some(address),
        (false, false) => "[local.tls] with certificate and key, and users",
        (false, true) => "[local.tls] with certificate and key",
        (true, false) => "users",
    };
    value.fault(
        format!("`listen` is {text:?}, which others on the network could reach; that needs {lacks}"),
        format!(
            "{}, and from elsewhere ssh -L {port}:127.0.0.1:{port}; or add what is missing: users = \"users.toml\" \
             (made by `tidewaiter users add`), [local.tls] certificate = \"page.pem\", key = \"page.key\"",
            loopback()
        ),
    );
    None
}

fn tls(value: &Value<'_>, base: &Path) -> Option<LocalTls> {
    let node = value.table()?;
    let path = |key, example| node.need(key, example).and_then(|value| Some(base.join(value.text()?)));
    let certificate = path("certificate", "\"page.pem\"");
    let key = path("key", "\"page.key\"");
    node.finish();
    Some(LocalTls { certificate: certificate?, key: key? })
}

/// Host names: letters, digits, `-` and `.`.
fn names(value: &Value<'_>) -> Option<Vec<String>> {
    let items = value.texts("[\"gate-07.port.example\"]")?;
    if items.len() > MOST_NAMES {
        value.fault(format!("`names` lists {}, and {MOST_NAMES} are the most", items.len()), "fewer names");
        return None;
    }
    let sound = |text: &str| {
        text.len() <= 253
            && text.split('.').all(|label| {
                !label.is_empty() && label.len() <= 63 && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            })
    };
    let names: Vec<String> = items
        .iter()
        .filter_map(|(text, item)| {
            if sound(text) {
                return Some(text.to_ascii_lowercase());
            }
            item.fault(
                format!("{text:?} is not a host name as browsers send it"),
                "a name such as \"gate-07.port.example\", without https:// and without a port",
            );
            None
        })
        .collect();
    (names.len() == items.len()).then_some(names)
}

/// Reads `[privacy]`.
pub(super) fn privacy(root: &Node<'_>) -> Option<Privacy> {
    let usual = Privacy::default();
    let Some(value) = root.may("privacy") else { return Some(usual) };
    let node = value.table()?;
    let view_topics = node.may("view_topics").map_or(Some(usual.view_topics), |value| {
        value.word(&[("masked", Disclosure::Masked), ("plain", Disclosure::Plain)])
    });
    let subjects = node.may("subjects").map_or(Some(usual.subjects), |value| value.duration(HOUR, DAY * 3_650));
    node.finish();
    Some(Privacy { view_topics: view_topics?, subjects: subjects? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::site::{Site, site_from_str};

    const SITE: &str = "version = 1\n[site]\nid = \"s\"\nagent = \"a\"\nname = \"n\"\n[store]\ndir = \"data\"\n\
                        budget = \"1 GiB\"\n";
    const TLS: &str = "[local.tls]\ncertificate = \"page.pem\"\nkey = \"page.key\"\n";

    fn site(table: &str) -> Result<Site, String> {
        site_from_str(&format!("{SITE}{table}"), Path::new("/etc/tw"))
            .map(|(site, _)| site)
            .map_err(|report| report.to_string())
    }

    #[test]
    fn loopback_is_the_default_and_asks_for_nothing() {
        assert_eq!(site("").unwrap().local, Local::default());
        assert_eq!(site("").unwrap().privacy, Privacy::default());
        let local = site("[local]\nlisten = \"[::1]:0\"\nsession_idle = \"5 min\"\n").unwrap().local;
        assert!(local.listen.ip().is_loopback() && local.session_idle == MINUTE * 5);
        let privacy = site("[privacy]\nview_topics = \"plain\"\nsubjects = \"7 d\"\n").unwrap().privacy;
        assert_eq!(privacy, Privacy { view_topics: Disclosure::Plain, subjects: DAY * 7 });
    }

    #[test]
    fn others_reach_it_with_certificate_and_users_or_not_at_all() {
        let open = "[local]\nlisten = \"0.0.0.0:8470\"\n";
        let users = "users = \"users.toml\"\n";
        let names = "names = [\"Gate-07.port.example\"]\n";
        for (table, lacks) in [
            (open.to_owned(), "[local.tls] with certificate and key, and users"),
            (format!("{open}{users}"), "[local.tls] with certificate and key"),
            (format!("{open}{TLS}"), "needs users"),
            ("[local]\nlisten = \"[::]:8470\"\n".to_owned(), "others on the network"),
        ] {
            let report = site(&table).unwrap_err();
            assert!(report.contains(lacks), "`{report}` does not say `{lacks}`");
            assert!(report.contains("listen = \"127.0.0.1:8470\""), "{report}");
        }
        let local = site(&format!("{open}{users}{names}{TLS}")).unwrap().local;
        assert_eq!(local.users.as_deref(), Some(Path::new("/etc/tw/users.toml")));
        assert_eq!(local.tls.unwrap().key, Path::new("/etc/tw/page.key"));
        assert_eq!(local.names, ["gate-07.port.example"]);
    }

    #[test]
    fn a_wrong_table_is_refused_with_the_way_out() {
        let check = |table: &str, expected: &str| {
            let report = site(table).unwrap_err();
            assert!(report.contains(expected), "`{report}` does not say `{expected}`");
        };
        check("[local]\nuser = \"users.toml\"\n", "users = \"users.toml\"");
        check("[local]\nusers = 3\n", "users");
        check("[local]\nnames = [\"https://gate\"]\n", "without https://");
        check("[local]\nnames = []\n", "empty list");
        check("[local]\nsession_idle = \"13 h\"\n", "session_idle");
        check("[local]\nsession_idle = \"2 h\"\nsession_longest = \"1 h\"\n", "shorter than session_longest");
        check("[local]\n[local.tls]\ncertificate = \"page.pem\"\n", "key");
        check("[local]\n[local.tls]\ncertificate = \"page.pem\"\nkey = \"k\"\nca = \"x\"\n", "`ca`");
        check("[privacy]\nview_topics = \"open\"\n", "masked");
        check("[privacy]\nsubjects = \"1 s\"\n", "subjects");
    }
}
