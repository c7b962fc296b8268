//! How the centre stands: by the store, and by the listener of a running one.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use tidewaiter_collector::{
    Config, RunError,
    figures::{Figures, HeadFigures, MOST_NAMED},
    keys::{self, KEY_FILE, REGISTRY_FILE},
    run,
};
use tidewaiter_record::{RegisteredKey, Registry, RegistryClass};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    home::{Home, both, free_port},
    service::{Broker, PATIENCE},
    writer::{NOW, Writer, core_on, named},
};

const MINUTE: i64 = 60_000;

both!(the_store_says_who_is_silent_and_what_waits);

fn the_store_says_who_is_silent_and_what_waits(home: &Home) {
    let mut quiet = Writer::new("gate-07", 1);
    let mut busy = Writer::new("gate-08", 2);
    let mut revoked = Writer::new("gate-09", 3);
    let never = Writer::new("gate-10", 4);
    let mut core = core_on(home.open(), &[&quiet, &busy, &revoked]);
    quiet.begin(&mut core);
    revoked.begin(&mut core);
    let at = |minutes: i64| NOW + minutes * MINUTE;
    for it in busy.events(3) {
        busy.offer(&mut core, &it, at(20));
    }
    // Receipts of gate-08 stop before record 3; record 4 is lost, and 5 waits.
    let held = busy.seal(named(&vec![7; 20_000], false));
    busy.offer(&mut core, &held, at(21));
    let (_lost, waits) = (busy.event("lost"), busy.event("waits"));
    busy.offer(&mut core, &waits, at(22));
    core.tick(at(22)).unwrap();
    core.issue_head(0, at(23)).unwrap();

    let mut keys = Registry::new(RegistryClass::Test);
    for key in [&quiet.key, &busy.key, &never.key] {
        keys.add(key.clone()).unwrap();
    }
    keys.add(RegisteredKey { to_seq: Some(0), ..revoked.key.clone() }).unwrap();
    let it = Figures::of(home.read().as_ref(), Some(&keys), Some(5), at(25)).unwrap();
    assert_eq!((it.agents, it.agents_unseen, it.agents_retired), (2, 1, 1));
    let silence: Vec<_> = it.silence.iter().map(|it| (it.agent.as_str(), it.ms)).collect();
    assert_eq!(silence, [("gate-07", 25 * 60_000), ("gate-08", 3 * 60_000)]);
    assert_eq!(it.agents_silent, [(180, 1), (900, 1), (3_600, 0), (86_400, 0)].into());
    assert_eq!((it.gaps_open, it.gaps_late, it.gap_oldest_ms), (1, 0, 3 * 60_000));
    assert_eq!((it.records_waiting, it.chains_held, it.unreceipted_oldest_ms), (1, 1, 4 * 60_000));
    assert_eq!((it.log_leaves, it.log_head), (6, Some(HeadFigures { number: 0, size: 6, age_ms: 2 * 60_000 })));
    assert!(it.store_bytes > 10_000 && it.store_free_bytes == Some(5), "{it:?}");
    assert_eq!((it.forks, it.chain_resets), (0, 0));
    // Without keys everybody counts who was ever seen; a clock that was set back makes nobody's silence negative.
    let it = Figures::of(home.read().as_ref(), None, None, NOW - 5).unwrap();
    assert_eq!((it.agents, it.agents_unseen, it.silence[0].ms), (3, 0, 0));
}

#[test]
fn no_more_agents_are_named_than_a_scraper_bears() {
    let home = Home::file();
    let mut writers: Vec<_> =
        (0..=u8::try_from(MOST_NAMED).unwrap()).map(|it| Writer::new(&format!("a-{it}"), it)).collect();
    let mut core = core_on(home.open(), &writers.iter().collect::<Vec<_>>());
    for it in &mut writers {
        it.begin(&mut core);
    }
    let figures = Figures::of(home.read().as_ref(), None, None, NOW + 200_000).unwrap();
    assert_eq!((figures.agents, figures.silence.len(), figures.agents_silent[&180]), (101, MOST_NAMED, 101));
}

/// What the listener answers: the status, and all of it.
fn ask(at: SocketAddr, path: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_centre_is_asked_how_it_is() {
    let folder = tempfile::tempdir().unwrap();
    keys::init(folder.path(), "centre", RegistryClass::Test).unwrap();
    let free = || SocketAddr::from(([127, 0, 0, 1], free_port()));
    let (listen, broker) = (free(), free());
    let text = format!(
        "version = 1\n[broker]\nurl = \"mqtt://{broker}\"\n[store]\npath = \"collector.db\"\n[centre]\nkey = \"{KEY_FILE}\"\n\
         registry = \"{REGISTRY_FILE}\"\n[listen]\naddress = \"{listen}\"\n"
    );
    let config = Config::from_toml(&text, &folder.path().join("collector.toml")).unwrap();
    let stop = CancellationToken::new();
    let (events, _results) = mpsc::channel(16);
    let task = tokio::spawn(run(config.clone(), events.clone(), stop.clone()));
    let asked = |path: &'static str, host: &'static str| {
        tokio::task::spawn_blocking(move || {
            let until = std::time::Instant::now() + PATIENCE;
            while TcpStream::connect(listen).is_err() && std::time::Instant::now() < until {
                std::thread::sleep(Duration::from_millis(20));
            }
            ask(listen, path, host)
        })
    };
    // No broker yet, and so it is not well; the figures are there all the same.
    let (code, said) = asked("/healthz", "localhost").await.unwrap();
    assert!(code == 503 && said.contains("not collecting: the broker has not been connected"), "{said}");
    // The listener is up before the store is there; figures that could not be read are kept for some seconds too.
    let said = timeout(PATIENCE, async {
        loop {
            let (code, said) = asked("/metrics", "127.0.0.1").await.unwrap();
            assert_eq!(code, 200, "{said}");
            if !said.contains("\ntidewaiter_collector_store_readable 0\n") {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await
    .unwrap();
    for line in [
        "\ntidewaiter_collector_broker_up 0\n",
        "\ntidewaiter_collector_store_readable 1\n",
        "\ntidewaiter_collector_refusals_total{cause=\"equivocation\"} 0\n",
        "\n# EOF\n",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    for (path, host, expected) in [
        ("/healthz", "evil.example", 403),
        ("/metrics", "evil.example", 403),
        ("/status", "localhost", 404),
        ("/", "localhost", 404),
    ] {
        assert_eq!(asked(path, host).await.unwrap().0, expected, "{path} {host}");
    }
    let there = Broker::start(broker).await;
    timeout(PATIENCE, async {
        while asked("/healthz", "localhost").await.unwrap().0 != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();

    // The port is taken: a second one says so instead of running without.
    let second = tempfile::tempdir().unwrap();
    keys::init(second.path(), "centre", RegistryClass::Test).unwrap();
    let other = Config::from_toml(&text, &second.path().join("collector.toml")).unwrap();
    let error = timeout(PATIENCE, run(other, events, CancellationToken::new())).await.unwrap().unwrap_err();
    assert!(matches!(error, RunError::Listen(_)) && error.to_string().contains(&listen.to_string()), "{error}");

    there.stop().await;
    timeout(PATIENCE, async {
        while asked("/healthz", "localhost").await.unwrap().0 != 503 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    stop.cancel();
    timeout(PATIENCE, task).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(listen).is_err(), "nobody listens any more");
}

#[test]
fn status_tells_the_same_facts() {
    let home = Home::file();
    let mut agent = Writer::new("gate-07", 1);
    let mut core = core_on(home.open(), &[&agent]);
    agent.begin(&mut core);
    let output = crate::command::collector(home.folder(), "status --store collector.db --json");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let by_store = Figures::of(home.read().as_ref(), None, None, NOW).unwrap();
    let figures = serde_json::to_value(by_store).unwrap();
    let names = |it: &serde_json::Value| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&told["figures"]), names(&figures));
    assert_eq!(told["figures"]["store_bytes"], figures["store_bytes"]);
    for (language, words) in
        [("en", ["silent: gate-07 (yantian)", "free on its disk"]), ("zh-CN", ["静默：gate-07（yantian）", "磁盘余量"])]
    {
        let output =
            crate::command::collector(home.folder(), &format!("status --store collector.db --lang {language}"));
        let said = crate::command::text(&output.stdout);
        assert!(words.iter().all(|it| said.contains(it)), "{said}");
    }
}
