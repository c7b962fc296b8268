#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::{path::Path, time::Duration};

use tidewaiter_words::Language;

use super::{Config, ConfigError};

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
    assert_eq!(config.store.path, Path::new("/srv/data/collector.db"));
    assert_eq!((config.store.commit_records, config.store.commit_time), (16, Duration::from_millis(5)));
    assert_eq!(config.centre.receipt_interval, Duration::from_millis(100));
    assert_eq!(config.centre.head_interval, Duration::from_secs(120));
    assert_eq!(config.limits.as_deref(), Some(Path::new("/srv/limits")));
    assert_eq!((config.output.language, config.output.json), (Language::En, true));
}

#[test]
fn what_is_left_out_has_a_default() {
    let config = read(LEAST).unwrap();
    assert_eq!((config.broker.host.as_str(), config.broker.port), ("127.0.0.1", 1884));
    assert_eq!(config.broker.client_id, "centre");
    assert_eq!(config.broker.tls, None);
    assert_eq!(config.store.commit_records, 64);
    assert_eq!(config.centre.head_interval, Duration::from_secs(60));
    assert_eq!(config.output.language, Language::ZhCn);
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
