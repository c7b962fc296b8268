#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::{path::Path, time::Duration};

use tidewaiter_words::Language;

use super::{CentreKey, Config, ConfigError};

const FULL: &str = r#"version = 1
[broker]
url = "mqtts://broker.example"
client_id = "centre-1"
keep_alive = "1 min"
[broker.tls]
ca = "ca.pem"
certificate = "centre.pem"
key = "/etc/tidewaiter/centre-tls.key"
[store]
path = "data/collector.db"
commit_records = 16
commit_time = "5 ms"
[centre]
key = "centre.key"
registry = "registry.json"
receipt_interval = "100 ms"
head_interval = "2 min"
[limits]
dir = "limits"
[output]
language = "en"
json = true
[enrol]
listen = "0.0.0.0:8443"
certificate = "https.pem"
key = "https.key"
ca = "ca"
dir = "enrol"
days = 30
"#;

const LEAST: &str = r#"version = 1
[broker]
url = "mqtt://127.0.0.1:1884"
[store]
path = "collector.db"
[centre]
key = "keys/centre.key"
registry = "registry.json"
"#;

fn read(text: &str) -> Result<Config, ConfigError> {
    Config::from_toml(text, Path::new("/srv/collector.toml"))
}

#[test]
fn reads_every_key() {
    let config = read(FULL).unwrap();
    assert_eq!((config.broker.host.as_str(), config.broker.port), ("broker.example", 8883));
    assert_eq!(config.broker.client_id, "centre-1");
    assert_eq!(config.broker.keep_alive, Duration::from_secs(60));
    let tls = config.broker.tls.unwrap();
    assert_eq!(tls.ca, Path::new("/srv/ca.pem"));
    assert_eq!(tls.key, Path::new("/etc/tidewaiter/centre-tls.key"));
    assert_eq!(config.store.place, Path::new("/srv/data/collector.db").into());
    assert_eq!((config.store.commit_records, config.store.commit_time), (16, Duration::from_millis(5)));
    assert_eq!(config.centre.receipt_interval, Duration::from_millis(100));
    assert_eq!(config.centre.head_interval, Duration::from_secs(120));
    assert_eq!(config.limits.as_deref(), Some(Path::new("/srv/limits")));
    assert_eq!((config.output.language, config.output.json), (Language::En, true));
    let enrol = config.enrol.unwrap();
    assert_eq!((enrol.listen.port(), enrol.days), (8443, 30));
    assert_eq!((enrol.ca.as_path(), enrol.broker.as_str()), (Path::new("/srv/ca"), "mqtts://broker.example"));
}

#[test]
fn what_is_left_out_has_a_default() {
    let config = read(LEAST).unwrap();
    assert_eq!((config.broker.host.as_str(), config.broker.port), ("127.0.0.1", 1884));
    assert_eq!(config.broker.client_id, "centre");
    assert_eq!(config.broker.tls, None);
    assert_eq!(config.store.commit_records, 64);
    assert_eq!(config.centre.head_interval, Duration::from_secs(60));
    assert_eq!((config.output.language, config.enrol), (Language::ZhCn, None));
}

#[test]
fn each_problem_has_its_place() {
    let check = |from: &str, to: &str, place: &str, word: &str| {
        assert!(FULL.contains(from), "{from}");
        let error = read(&FULL.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("/srv/collector.toml:{place}: ")), "{to}: {error}");
        assert!(error.contains(word), "{to}: {error}");
    };
    check("version = 1", "version = 2", "1:11", "version 2");
    check("registry =", "registri =", "16:1", "registri");
    check("[output]", "[outputs]", "21:2", "outputs");
    check("\"mqtts://broker.example\"", "\"https://x\"", "3:7", "mqtts://host:8883");
    check("\"mqtts://broker.example\"", "\"mqtts://broker:0\"", "3:7", "port");
    check("\"mqtts://broker.example\"", "\"mqtts://user@broker\"", "3:7", "host");
    check("16", "0", "12:18", "commit_records 0");
    check("\"5 ms\"", "\"5 weeks\"", "13:15", "duration");
    check("\"5 ms\"", "\"1 h\"", "13:15", "out of range");
    check("\"2 min\"", "\"11 min\"", "18:17", "out of range");
    check("\"en\"", "\"de\"", "22:12", "zh-CN");
    check("json = true", "json = \"yes\"", "23:8", "boolean");
    check("0.0.0.0:8443", "8443", "25:10", "no address and port");
    check("days = 30", "days = 91", "30:8", "write 1 to 90");
}

#[test]
fn the_key_is_in_a_file_or_in_a_token_and_never_in_both() {
    let file = CentreKey::File("/srv/keys/centre.key".into());
    assert_eq!(read(LEAST).unwrap().centre.key, file);
    assert_eq!(read(&format!("{LEAST}[keys]\nkind = \"file\"\n")).unwrap().centre.key, file);
    let table = "[keys]\nkind = \"pkcs11\"\nmodule = \"/usr/lib/softhsm/libsofthsm2.so\"\ntoken = \"centre\"\n\
                 kid = \"496bd8afadf307e5\"\npin_file = \"token.pin\"\n";
    let without = LEAST.replace("key = \"keys/centre.key\"\n", "");
    let config = read(&format!("{without}{table}")).unwrap();
    let CentreKey::Token { place, kid } = config.centre.key else { panic!("no token") };
    assert_eq!((place.pin_file.as_path(), kid.to_string().as_str()), (Path::new("/srv/token.pin"), "496bd8afadf307e5"));
    assert_eq!(config.broker.client_id, "centre");

    let check = |text: String, expected: &str| {
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    };
    check(without.clone(), "no `key`");
    check(format!("{LEAST}{table}"), "leave `key` out");
    check(format!("{LEAST}{}", table.replace("pkcs11", "file")), "kind is not");
    check(format!("{without}{}", table.replace("pkcs11", "tpm")), "kind \"tpm\"");
    check(format!("{without}{}", table.replace("496b", "zz")), "kid \"zzd8afadf307e5\"");
    check(format!("{without}{}", table.replace("token = \"centre\"\n", "")), "needs module, token, kid and pin_file");
    check(format!("{without}{table}pin = \"1234\"\n"), "pin");
}

#[test]
fn plain_mqtt_is_for_loopback_only() {
    let check = |url: &str, taken: bool| {
        let result = read(&LEAST.replace("mqtt://127.0.0.1:1884", url));
        assert_eq!(result.is_ok(), taken, "{url}: {result:?}");
    };
    check("mqtt://localhost", true);
    check("mqtt://[::1]:1883", true);
    check("mqtt://127.0.0.2:1883", true);
    check("mqtt://10.0.0.7:1883", false);
    check("mqtt://broker.example", false);
    // No [broker.tls] there.
    check("mqtts://broker.example", false);
}

#[test]
fn all_problems_are_told_at_once() {
    let text = FULL.replace("16", "-1").replace("5 ms", "soon").replace("\"en\"", "\"fr\"");
    let ConfigError::Wrong(problems) = read(&text).unwrap_err() else { panic!("not read") };
    assert_eq!(problems.iter().map(|it| it.line).collect::<Vec<_>>(), [12, 13, 22]);
}

#[cfg(feature = "postgres")]
#[test]
fn the_store_is_a_file_or_a_database_and_never_in_both_places() {
    use crate::store::Place;
    let with = |store: &str| read(&LEAST.replace("path = \"collector.db\"\n", store));
    let config = with(
        "url = \"postgres://centre@db.example:5433/tide\"\npassword_file = \"store.password\"\n[store.tls]\nca = \"db-ca.pem\"\n",
    )
    .unwrap();
    assert_eq!(config.store.place.to_string(), "postgres://centre@db.example:5433/tide");
    let Place::Server(address) = &config.store.place else { panic!("a file") };
    assert_eq!(address.ca.as_deref(), Some(Path::new("/srv/db-ca.pem")));
    assert_eq!(address.password_file.as_deref(), Some(Path::new("/srv/store.password")));
    with("url = \"postgres://centre@%2Frun%2Fpostgresql/tide\"\n").unwrap();
    with("url = \"postgres://centre@localhost/tide\"\n").unwrap();

    let check = |store: &str, place: &str, word: &str| {
        let error = with(store).unwrap_err().to_string();
        assert!(error.starts_with(&format!("/srv/collector.toml:{place}: ")), "{store}: {error}");
        assert!(error.contains(word), "{store}: {error}");
        assert!(!error.contains("secret"), "{store}: {error}");
    };
    let tls = "[store.tls]\nca = \"ca.pem\"\n";
    check("", "1:1", "no `path`");
    check("path = \"a.db\"\nurl = \"postgres://a@localhost/b\"\n", "5:8", "leave one of them out");
    check("path = \"a.db\"\npassword_file = \"p\"\n", "5:8", "belong to a url");
    check("url = \"postgres://a:secret@localhost/b\"\n", "5:7", "password_file");
    check("url = \"postgres://a:sec ret:secret@localhost:x/b\"\n", "5:7", "cannot be read");
    check("url = \"mysql://a@localhost/b\"\n", "5:7", "postgres://user@host");
    check("url = \"postgres://localhost/b\"\n", "5:7", "no user");
    check("url = \"postgres://a@localhost\"\n", "5:7", "database");
    check("url = \"postgres://a@db.example/b\"\n", "5:7", "[store.tls]");
    check("url = \"postgres://a@10.0.0.7/b?sslmode=require\"\n", "5:7", "sslmode");
    check("url = \"postgres://a@localhost/b?hostaddr=10.0.0.7\"\n", "5:7", "hostaddr");
    check(&format!("url = \"postgres://a@%2Frun/b\"\n{tls}"), "5:7", "leave [store.tls] out");
    check(&format!("url = \"postgres://a@h/b\"\n{tls}key = \"k\"\n"), "1:1", "without the other");
    check(&format!("url = \"postgres://a@h/b\"\n{tls}mode = \"k\"\n"), "8:1", "mode");
}

#[cfg(feature = "postgres")]
#[test]
fn what_comes_in_is_shared_only_on_a_store_that_is() {
    let shared = |name: &str, store: &str| {
        let text = LEAST.replace("[store]\n", &format!("share = {name}\n[store]\n"));
        read(&text.replace("path = \"collector.db\"", store))
    };
    let url = "url = \"postgres://a@localhost/b\"";
    assert_eq!(shared("\"centre\"", url).unwrap().broker.share.as_deref(), Some("centre"));
    let check = |name: &str, store: &str, word: &str| {
        let error = shared(name, store).unwrap_err().to_string();
        assert!(error.starts_with("/srv/collector.toml:4:9: ") && error.contains(word), "{error}");
    };
    check("\"centre\"", "path = \"collector.db\"", "one PostgreSQL store");
    check("\"cent/re\"", url, "without /");
    check("\"\"", url, "without /");
}

#[test]
fn figures_are_on_loopback_unless_somebody_wrote_otherwise() {
    let at = |table: &str| read(&format!("{LEAST}[listen]\n{table}"));
    assert_eq!(read(LEAST).unwrap().listen, None);
    let taken = |table: &str, address: &str| {
        assert_eq!(at(table).unwrap().listen.unwrap().address, address.parse().unwrap(), "{table}");
    };
    taken("", "127.0.0.1:8480");
    taken("address = \"[::1]:9000\"\n", "[::1]:9000");
    taken("address = \"0.0.0.0:8480\"\nbeyond_loopback = true\n", "0.0.0.0:8480");
    taken("beyond_loopback = true\n", "127.0.0.1:8480");
    let refused = |table: &str, place: &str, word: &str| {
        let error = at(table).unwrap_err().to_string();
        assert!(error.starts_with(&format!("/srv/collector.toml:{place}: ")) && error.contains(word), "{error}");
    };
    refused("address = \"0.0.0.0:8480\"\n", "10:11", "beyond_loopback = true");
    refused("address = \"10.0.0.7:8480\"\nbeyond_loopback = false\n", "10:11", "names of agents");
    refused("address = \"[::]:8480\"\n", "10:11", "beyond_loopback");
    refused("address = \"8480\"\n", "10:11", "127.0.0.1:8480");
    refused("address = \"localhost:8480\"\n", "10:11", "no address and port");
    refused("port = 8480\n", "10:1", "port");
}
