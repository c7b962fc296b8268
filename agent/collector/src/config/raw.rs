//! The file as written, and the checks that turn it into a [`Config`].

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::Path,
    time::Duration,
};

use serde::Deserialize;
use tidewaiter_record::Kid;
use tidewaiter_words::Language;
use toml::Spanned;

use super::{
    Broker, Centre, CentreKey, Config, ConfigError, Enrol, Listen, Output, Problem, StoreSettings, TlsFiles, TokenPlace,
};
use crate::{
    ca::{CLIENT_DAYS, CLIENT_DAYS_RANGE},
    store::{Address, Place},
};

/// Records per commit, unless set: one flush serves them all, and a crash re-offers no more than these.
const COMMIT_RECORDS: i64 = 64;
/// Allowed range of records per commit.
const COMMIT_RECORDS_RANGE: RangeInclusive<i64> = 1..=4096;
/// Wait for a commit to fill, unless set: below what a person notices on a lane page.
const COMMIT_TIME: Duration = Duration::from_millis(20);
/// Allowed range of that wait: a receipt late by more than ten seconds would look like an outage.
const COMMIT_TIME_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10);
/// Time between receipts of one chain, unless set: they are cumulative, so twenty a second say it all.
const RECEIPT_INTERVAL: Duration = Duration::from_millis(50);
/// Time between heads of the log, unless set.
const HEAD_INTERVAL: Duration = Duration::from_secs(60);
/// Allowed range of it: below, the log would be mostly heads; above, orders would expire too coarsely.
const HEAD_INTERVAL_RANGE: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(600);
/// Where figures can be asked for, unless set: beside the port of an agent's page, which may be on the same machine.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8480);
/// Keep-alive, unless set.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Allowed keep-alive: MQTT counts it in seconds in 16 bits, and the client takes no less than five.
const KEEP_ALIVE_RANGE: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(65_535);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Spanned<i64>,
    broker: RawBroker,
    store: RawStore,
    centre: RawCentre,
    #[serde(default)]
    keys: RawKeys,
    limits: Option<RawLimits>,
    orders: Option<RawOrders>,
    enrol: Option<RawEnrol>,
    listen: Option<RawListen>,
    #[serde(default)]
    output: RawOutput,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBroker {
    url: Spanned<String>,
    client_id: Option<Spanned<String>>,
    keep_alive: Option<Spanned<String>>,
    share: Option<Spanned<String>>,
    tls: Option<RawTls>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTls {
    ca: String,
    certificate: String,
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStore {
    path: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    password_file: Option<String>,
    tls: Option<RawStoreTls>,
    commit_records: Option<Spanned<i64>>,
    commit_time: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStoreTls {
    ca: String,
    certificate: Option<String>,
    key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCentre {
    key: Option<Spanned<String>>,
    registry: String,
    receipt_interval: Option<Spanned<String>>,
    head_interval: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeys {
    kind: Option<Spanned<String>>,
    module: Option<String>,
    token: Option<String>,
    kid: Option<Spanned<String>>,
    pin_file: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    dir: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOrders {
    dir: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnrol {
    listen: Spanned<String>,
    certificate: String,
    key: String,
    ca: String,
    dir: String,
    broker: Option<String>,
    days: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawListen {
    address: Option<Spanned<String>>,
    #[serde(default)]
    beyond_loopback: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOutput {
    language: Option<Spanned<String>>,
    #[serde(default)]
    json: bool,
}

struct Check<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Vec<Problem>,
}

pub(super) fn check(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let file: File = toml::from_str(text)
        .map_err(|it| ConfigError::Wrong(vec![Problem::at(path, text, it.span(), it.message().replace('\n', "; "))]))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut check = Check { path, text, problems: Vec::new() };
    if *file.version.get_ref() != 1 {
        check.say(
            &file.version,
            format!("version {} is not known; this program reads version 1", file.version.get_ref()),
        );
    }
    let (host, port) = check.url(&file.broker.url, file.broker.tls.is_some());
    let key = check.key(folder, file.centre.key.as_ref(), &file.keys);
    let client_id = match &file.broker.client_id {
        None => match &key {
            CentreKey::File(path) => path.file_stem().map(|it| it.to_string_lossy().into_owned()),
            CentreKey::Token { .. } => None,
        }
        .unwrap_or_else(|| "centre".to_owned()),
        Some(id) => {
            // MQTT 5.0, 3.1.3.1: a server must take 1 to 23 bytes; longer ids are common and usually taken.
            if id.get_ref().is_empty() || id.get_ref().len() > 128 {
                check.say(id, format!("client_id of {} bytes; write 1 to 128 bytes", id.get_ref().len()));
            }
            id.get_ref().clone()
        }
    };
    let broker = Broker {
        host,
        port,
        client_id,
        keep_alive: check.duration(file.broker.keep_alive.as_ref(), KEEP_ALIVE, &KEEP_ALIVE_RANGE),
        share: check.share(file.broker.share.as_ref(), &file.store),
        tls: file.broker.tls.map(|it| TlsFiles {
            ca: folder.join(it.ca),
            certificate: folder.join(it.certificate),
            key: folder.join(it.key),
        }),
    };
    let store = StoreSettings {
        place: check.place(folder, &file.store),
        commit_records: check.commit_records(file.store.commit_records.as_ref()),
        commit_time: check.duration(file.store.commit_time.as_ref(), COMMIT_TIME, &COMMIT_TIME_RANGE),
    };
    let centre = Centre {
        key,
        registry: folder.join(&file.centre.registry),
        receipt_interval: check.duration(file.centre.receipt_interval.as_ref(), RECEIPT_INTERVAL, &COMMIT_TIME_RANGE),
        head_interval: check.duration(file.centre.head_interval.as_ref(), HEAD_INTERVAL, &HEAD_INTERVAL_RANGE),
    };
    let url = file.broker.url.get_ref().clone();
    let enrol = file.enrol.map(|it| check.enrol(it, url, folder));
    let listen = file.listen.map(|it| check.listen(&it));
    let output = Output { language: check.language(file.output.language.as_ref()), json: file.output.json };
    if check.problems.is_empty() {
        Ok(Config {
            broker,
            store,
            centre,
            limits: file.limits.map(|it| folder.join(it.dir)),
            orders: file.orders.map(|it| folder.join(it.dir)),
            enrol,
            listen,
            output,
        })
    } else {
        Err(ConfigError::Wrong(check.problems))
    }
}

impl Check<'_> {
    fn say<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) {
        self.problems.push(Problem::at(self.path, self.text, Some(at.span()), message));
    }

    /// A file named in [centre], or the token of [keys]; never both, so that nobody believes the wrong one is in use.
    fn key(&mut self, folder: &Path, file: Option<&Spanned<String>>, keys: &RawKeys) -> CentreKey {
        let nowhere = CentreKey::File(folder.to_owned());
        let kind = keys.kind.as_ref().map_or("file", |it| it.get_ref().as_str());
        match (kind, file) {
            ("file", Some(path)) => {
                if keys.module.is_some() || keys.token.is_some() || keys.kid.is_some() || keys.pin_file.is_some() {
                    self.whole("[keys] names a token, and its kind is not \"pkcs11\"; write kind = \"pkcs11\" and leave `key` of [centre] out");
                }
                CentreKey::File(folder.join(path.get_ref()))
            }
            ("file", None) => {
                self.whole(
                    "[centre] has no `key`; write key = \"centre.key\", or a table [keys] with kind = \"pkcs11\"",
                );
                nowhere
            }
            ("pkcs11", Some(path)) => {
                self.say(path, "the key is in a token ([keys], kind = \"pkcs11\"); leave `key` out");
                nowhere
            }
            ("pkcs11", None) => {
                let kid = keys.kid.as_ref().and_then(|it| match it.get_ref().parse::<Kid>() {
                    Ok(kid) => Some(kid),
                    Err(why) => {
                        self.say(it, format!("kid {:?}: {why}", it.get_ref()));
                        None
                    }
                });
                match (&keys.module, &keys.token, kid, &keys.pin_file) {
                    (Some(module), Some(token), Some(kid), Some(pin_file)) => CentreKey::Token {
                        place: TokenPlace {
                            module: folder.join(module),
                            token: token.clone(),
                            pin_file: folder.join(pin_file),
                        },
                        kid,
                    },
                    _ => {
                        self.whole("[keys] with kind = \"pkcs11\" needs module, token, kid and pin_file; `tidewaiter-collector keys init` prints them");
                        nowhere
                    }
                }
            }
            (other, _) => {
                if let Some(at) = &keys.kind {
                    self.say(at, format!("kind {other:?}; write \"file\" or \"pkcs11\""));
                }
                nowhere
            }
        }
    }

    /// One file, or a database of a server; never both, so that nobody looks for records in the wrong one.
    fn place(&mut self, folder: &Path, raw: &RawStore) -> Place {
        let nowhere = Place::File(folder.to_owned());
        let (path, url) = match (&raw.path, &raw.url) {
            (Some(path), None) => (path, None),
            (None, Some(url)) => (url, Some(url)),
            (Some(path), Some(_)) => {
                self.say(path, "[store] has a path and a url; leave one of them out");
                return nowhere;
            }
            (None, None) => {
                self.whole(
                    "[store] has no `path`; write path = \"collector.db\", or url = \"postgres://user@host/database\"",
                );
                return nowhere;
            }
        };
        let Some(url) = url else {
            if raw.password_file.is_some() || raw.tls.is_some() {
                self.say(path, "the store is a file; password_file and [store.tls] belong to a url, leave them out");
            }
            return Place::File(folder.join(path.get_ref()));
        };
        let tls = raw.tls.as_ref();
        let certificate = match tls.map(|it| (&it.certificate, &it.key)) {
            Some((Some(certificate), Some(key))) => Some((folder.join(certificate), folder.join(key))),
            None | Some((None, None)) => None,
            Some(_) => {
                self.whole("[store.tls] has a certificate or a key without the other; write both or none");
                None
            }
        };
        let address = Address {
            url: url.get_ref().clone(),
            password_file: raw.password_file.as_ref().map(|it| folder.join(it)),
            ca: tls.map(|it| folder.join(&it.ca)),
            certificate,
        };
        if let Err(why) = address.check() {
            self.say(url, why.to_string());
        }
        Place::Server(Box::new(address))
    }

    /// Records of one agent that come in at several places meet in one store, or they never become one chain.
    fn share(&mut self, share: Option<&Spanned<String>>, store: &RawStore) -> Option<String> {
        let name = share?;
        if store.url.is_none() {
            self.say(
                name,
                "share is for several collectors on one PostgreSQL store; write url in [store], or leave share out",
            );
        }
        // MQTT 5.0, 4.8.2: at least one character, none of `/`, `+` and `#`.
        if !crate::topic::is_segment(name.get_ref()) {
            self.say(name, format!("share {:?}; write a name without /, + and #", name.get_ref()));
        }
        Some(name.get_ref().clone())
    }

    fn whole(&mut self, message: &str) {
        self.problems.push(Problem::at(self.path, self.text, None, message));
    }

    /// `mqtts://host[:port]` or `mqtt://loopback[:port]`.
    fn url(&mut self, url: &Spanned<String>, has_tls: bool) -> (String, u16) {
        let text = url.get_ref();
        let (secure, rest) = match (text.strip_prefix("mqtts://"), text.strip_prefix("mqtt://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => {
                self.say(
                    url,
                    format!(
                        "broker url {text:?}; write \"mqtts://host:8883\", or \"mqtt://127.0.0.1:1883\" on this machine"
                    ),
                );
                return (String::new(), 0);
            }
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // `[::1]:1883` carries colons of its own; the port follows the last one outside the brackets.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || host.contains(['/', '@', '?']) {
            self.say(url, format!("broker url {text:?} has no plain host name; write \"mqtts://host:8883\""));
        }
        let port = match port.map(str::parse::<u16>) {
            None => {
                if secure {
                    8883
                } else {
                    1883
                }
            }
            Some(Ok(port)) if port != 0 => port,
            Some(_) => {
                self.say(url, format!("broker url {text:?} has no port from 1 to 65535"));
                0
            }
        };
        if secure && !has_tls {
            self.say(url, "mqtts needs the table [broker.tls] with ca, certificate and key");
        }
        if !secure && has_tls {
            self.say(url, "mqtt:// does not use [broker.tls]; write mqtts://, or leave the table out");
        }
        if !secure && !is_loopback(&host) {
            self.say(url, format!("plain mqtt to {host:?} can be read and held back by anyone between; write mqtts://, plain is for loopback only"));
        }
        (host, port)
    }

    /// Off loopback only where somebody wrote that it shall be: what is there is read by whoever reaches it.
    fn listen(&mut self, raw: &RawListen) -> Listen {
        let Some(at) = &raw.address else { return Listen { address: LISTEN } };
        let text = at.get_ref();
        let Ok(address) = text.parse::<SocketAddr>() else {
            self.say(at, format!("address {text:?} is no address and port; write \"{LISTEN}\""));
            return Listen { address: LISTEN };
        };
        if !address.ip().is_loopback() && !raw.beyond_loopback {
            self.say(
                at,
                format!("whoever reaches {address} could read how the centre stands, and the names of agents; write \"{LISTEN}\", or beyond_loopback = true beside it"),
            );
        }
        Listen { address }
    }

    fn enrol(&mut self, raw: RawEnrol, url: String, folder: &Path) -> Enrol {
        let listen = raw.listen.get_ref().parse().unwrap_or_else(|_| {
            self.say(
                &raw.listen,
                format!("listen {:?} is no address and port; write \"0.0.0.0:8443\"", raw.listen.get_ref()),
            );
            SocketAddr::from(([127, 0, 0, 1], 0))
        });
        let days = raw.days.as_ref().map_or(CLIENT_DAYS, |it| *it.get_ref());
        if let (Some(at), false) = (&raw.days, CLIENT_DAYS_RANGE.contains(&days)) {
            let (low, high) = (CLIENT_DAYS_RANGE.start(), CLIENT_DAYS_RANGE.end());
            self.say(at, format!("days {days}; write {low} to {high}"));
        }
        Enrol {
            listen,
            certificate: folder.join(raw.certificate),
            key: folder.join(raw.key),
            ca: folder.join(raw.ca),
            dir: folder.join(raw.dir),
            broker: raw.broker.unwrap_or(url),
            days,
        }
    }

    fn commit_records(&mut self, written: Option<&Spanned<i64>>) -> usize {
        let records = written.map_or(COMMIT_RECORDS, |it| *it.get_ref());
        if let (Some(at), false) = (written, COMMIT_RECORDS_RANGE.contains(&records)) {
            let (low, high) = (COMMIT_RECORDS_RANGE.start(), COMMIT_RECORDS_RANGE.end());
            self.say(at, format!("commit_records {records}; write {low} to {high}"));
        }
        usize::try_from(records).unwrap_or(1)
    }

    fn duration(
        &mut self,
        written: Option<&Spanned<String>>,
        default: Duration,
        range: &RangeInclusive<Duration>,
    ) -> Duration {
        let Some(at) = written else { return default };
        match read_duration(at.get_ref()) {
            Some(duration) if range.contains(&duration) => duration,
            Some(duration) => {
                self.say(at, format!("{duration:?} is out of range; write {:?} to {:?}", range.start(), range.end()));
                default
            }
            None => {
                self.say(
                    at,
                    format!("{:?} is no duration; write a whole number and ms, s, min or h: \"20 ms\"", at.get_ref()),
                );
                default
            }
        }
    }

    fn language(&mut self, written: Option<&Spanned<String>>) -> Language {
        match written.map(|it| it.get_ref().as_str()) {
            None => Language::ZhCn,
            Some(text) => Language::from_tag(text).unwrap_or_else(|| {
                if let Some(at) = written {
                    self.say(at, format!("language {text:?}; write \"zh-CN\" or \"en\""));
                }
                Language::ZhCn
            }),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

fn read_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let end = text.find(|it: char| !it.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().ok()?;
    let unit_ms = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(unit_ms)?))
}
