//! Three collectors share what comes in, on one store; one after the other is killed.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _};
use tidewaiter_collector::{
    audit::audit,
    keys::{self, KEY_FILE, REGISTRY_FILE},
    store::Place,
};
use tidewaiter_mqtt::{Message, Qos};
use tidewaiter_record::{RegistryClass, Sealed};

use crate::{
    command::{collector, text},
    home::{Home, free_port, kill},
    service::{PATIENCE, Uplink},
    writer::Writer,
};

/// Records of each agent.
const RECORDS: usize = 400;

/// Collectors that are killed while they are sent.
const KILLS: usize = 8;

struct Mosquitto {
    child: Child,
    at: SocketAddr,
}

impl Mosquitto {
    /// `None`, said aloud, where there is none.
    fn start(folder: &Path) -> Option<Self> {
        let binary = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"]
            .into_iter()
            .find(|it| Path::new(it).exists());
        let Some(binary) = binary else {
            eprintln!(
                "SKIPPED: mosquitto is not installed (apt-get install mosquitto); sharing was not tested on a broker"
            );
            return None;
        };
        let at = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let conf = folder.join("mosquitto.conf");
        let (port, user) = (at.port(), "user root");
        fs::write(&conf, format!("listener {port} 127.0.0.1\npersistence false\nallow_anonymous true\n{user}\n"))
            .unwrap();
        let child =
            Command::new(binary).arg("-c").arg(&conf).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(at).is_err() {
            assert!(Instant::now() < until, "mosquitto does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { child, at })
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn centre(folder: &Path, number: usize) -> Child {
    let log = fs::File::options().create(true).append(true).open(folder.join(format!("centre-{number}.log"))).unwrap();
    Command::new(env!("CARGO_BIN_EXE_tidewaiter-collector"))
        .args(["run", "--json", "--config"])
        .arg(folder.join(format!("centre-{number}.toml")))
        .env("RUST_LOG", "info")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Offers what has no receipt in order, in a window, until all of it has one.
async fn deliver(uplink: &mut Uplink, topic: &str, sealed: &[Sealed]) {
    let last = sealed.len() as u64 - 1;
    while uplink.receipted < Some(last) {
        if uplink.online {
            let from = uplink.receipted.map_or(0, |it| it + 1);
            for record in sealed.iter().filter(|it| it.seq >= from).take(32) {
                let (topic, payload) = (topic.to_owned(), record.bytes.clone().into());
                let message = Message { topic, payload, qos: Qos::AtLeastOnce, retain: false };
                if uplink.publisher.try_publish(message, record.seq).is_err() {
                    break;
                }
            }
        }
        let before = uplink.receipted;
        let again = Instant::now() + Duration::from_secs(1);
        // A window at a time: more is sent when most of it has its receipt.
        while Instant::now() < again && uplink.receipted < Some(last) {
            uplink.turn(Duration::from_millis(50), sealed).await;
            if uplink.receipted.map_or(0, |it| it + 1) >= before.map_or(0, |it| it + 1) + 24 {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_collectors_share_one_store_and_one_after_the_other_is_killed() {
    // Its client has a runtime of its own.
    let Some(home) = tokio::task::spawn_blocking(Home::server).await.unwrap() else { return };
    let Some(broker) = Mosquitto::start(home.folder()) else { return };
    let Place::Server(address) = &home.place else { panic!() };
    let folder = home.folder();
    keys::init(folder, "centre", RegistryClass::Test).unwrap();
    let registry_path = folder.join(REGISTRY_FILE);
    let mut agents: Vec<Writer> = (1..=3).map(|it| Writer::new(&format!("gate-0{it}"), it)).collect();
    let mut registry = keys::load_registry(&registry_path).unwrap();
    for agent in &agents {
        registry.add(agent.key.clone()).unwrap();
    }
    fs::write(&registry_path, registry.to_json()).unwrap();
    for number in 0..3 {
        let config = format!(
            "version = 1\n[broker]\nurl = \"mqtt://{}\"\nclient_id = \"centre-{number}\"\nshare = \"centre\"\n[store]\nurl = \"{}\"\n[centre]\nkey = \"{KEY_FILE}\"\nregistry = \"{REGISTRY_FILE}\"\nhead_interval = \"10 s\"\n",
            broker.at, address.url
        );
        fs::write(folder.join(format!("centre-{number}.toml")), config).unwrap();
    }
    let mut centres: Vec<Child> = (0..3).map(|it| centre(folder, it)).collect();
    let mut tasks = Vec::new();
    for agent in &mut agents {
        let sealed = agent.events(RECORDS);
        let mut uplink = Uplink::start(agent, broker.at, &registry_path);
        let topic = agent.topic();
        tasks.push(tokio::spawn(async move {
            deliver(&mut uplink, &topic, &sealed).await;
            uplink.heads
        }));
    }
    let seed = 20_261_130;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.random_range(200..1_500))).await;
        let which = random.random_range(0..3);
        kill(centres[which].id().cast_signed(), rustix::process::Signal::KILL);
        centres[which].wait().unwrap();
        tokio::time::sleep(Duration::from_millis(random.random_range(0..500))).await;
        centres[which] = centre(folder, which);
    }
    let mut heads = Vec::new();
    for task in tasks {
        heads.push(tokio::time::timeout(PATIENCE, task).await.expect("every record gets its receipt").unwrap());
    }
    for centre in &mut centres {
        kill(centre.id().cast_signed(), rustix::process::Signal::TERM);
        assert!(centre.wait().unwrap().success());
    }
    let store = home.read();
    for (outline, heads) in store.outline().unwrap().iter().zip(&heads) {
        assert_eq!((outline.next_seq, outline.waiting, outline.evidence), (RECORDS as u64, 0, 0));
        assert!(heads.is_sorted(), "a head fell: {heads:?}");
    }
    let audit = audit(store.as_ref(), Some(&registry)).unwrap();
    assert_eq!((audit.findings, audit.leaves), (vec![], 3 * RECORDS as u64));
    let counters = store.counters().unwrap();
    assert!(counters.keys().all(|it| !it.starts_with("bad")), "{counters:?}");
    println!(
        "seed {seed}: {KILLS} kills among 3 collectors, {} records receipted, {} heads, {} times a record came again: {counters:?}",
        audit.leaves,
        audit.heads,
        counters.get("duplicates").copied().unwrap_or(0)
    );
    // The commands read the same store.
    for (line, word) in [
        ("status --config centre-0.toml", "gate-01"),
        ("log check --config centre-1.toml", "everything agrees"),
        ("export --config centre-2.toml --format csv", "gate-03"),
        ("stats --config centre-0.toml --language en", "0/0"),
        ("archive --config centre-0.toml --out archive", "1200 records"),
        ("archive check archive --registry registry.json", "1200 leaves"),
        ("keys list --config centre-0.toml", "gate-02"),
        ("log raise --config centre-0.toml --above 5000", "head 5001"),
    ] {
        let output = collector(folder, line);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.success() && said.contains(word), "{line}: {said}");
    }
    let output = collector(folder, "backup --config centre-0.toml --out backup");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("pg_dump"), "{}", text(&output.stderr));
    let chain = agents[0].chain();
    let output = collector(folder, &format!("prove --config centre-0.toml --chain {chain} --seq 7 --out proof.cbor"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = collector(folder, "prove --check proof.cbor --registry registry.json");
    assert!(output.status.success(), "{}", text(&output.stderr));
}
