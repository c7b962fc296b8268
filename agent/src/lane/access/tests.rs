//! Against real sockets: every route and everybody who may come, and those who should not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod defects;
mod doors;
mod forged;
mod own_password;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use tempfile::TempDir;
use tidewaiter_config::{
    site::{Site, site_from_str},
    users::{Role, Token, User, to_toml},
};
use tidewaiter_record::{ChainId, Ed25519Signer, Hash, Registry, RegistryClass};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use super::{door, password};
use crate::{
    acquire::SystemOpener,
    app::{self, Parts, Running},
    clock::SystemClock,
    evidence::MemoryEvidence,
    inspect::Subjects,
    lane::{self, Local, Served},
    outbox::SqliteStore,
    uplink::MqttLink,
};

const PASSWORD: &str = "tide at the seventh gate";
/// Hashed once: it takes as long as it should.
static HASH: LazyLock<String> = LazyLock::new(|| password::hash("nobody", PASSWORD).unwrap());

fn token(role: Role) -> [u8; 32] {
    Hash::of(role.word().as_bytes()).0
}

fn user(name: &str, display: &str, role: Role) -> User {
    User {
        name: name.to_owned(),
        display: display.to_owned(),
        role,
        since: jiff::civil::date(2026, 11, 29),
        password: Some(HASH.clone()),
        disabled: false,
        tokens: vec![Token {
            id: "t1".to_owned(),
            sha256: Hash::of(&token(role)).0,
            since: jiff::civil::date(2026, 11, 29),
        }],
    }
}

fn users() -> Vec<User> {
    vec![
        user("lina", "Li Na", Role::Operator),
        user("wang", "Wang Wei", Role::Metrologist),
        user("zhao", "赵敏", Role::Reviewer),
        user("chen", "Chen Jie", Role::Administrator),
        User { disabled: true, tokens: Vec::new(), ..user("left", "Who Left", Role::Administrator) },
    ]
}

fn write_users(path: &Path, users: &[User]) {
    let next = path.with_extension("next");
    fs::write(&next, to_toml(users)).unwrap();
    fs::set_permissions(&next, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&next, path).unwrap();
}

/// An agent with an interface, and a door to it as others on the network have it, but for TLS.
struct Stand {
    dir: TempDir,
    running: Option<Running>,
    local: Local,
    served: Served,
    afar: SocketAddr,
    stop: CancellationToken,
}

impl Stand {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        write_users(&dir.path().join("users.toml"), &users());
        let (site, _) = site_from_str(SITE, dir.path()).unwrap();
        let (running, local) = Self::start(dir.path(), site).await;
        let stop = CancellationToken::new();
        let served = lane::serve(local.clone(), ([127, 0, 0, 1], 0).into(), stop.clone()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let afar = listener.local_addr().unwrap();
        let door = door::Door { listener, loopback: false, tls: None };
        tokio::spawn(door::attend(door, lane::router(local.clone()), stop.clone()));
        Self { dir, running: Some(running), local, served, afar, stop }
    }

    async fn start(dir: &Path, site: Site) -> (Running, Local) {
        let signer = Ed25519Signer::from_seed(&[5; 32]);
        let chain = ChainId([7; 16]);
        let parts = Parts {
            clock: Arc::new(SystemClock),
            opener: Arc::new(SystemOpener),
            store: Box::new(SqliteStore::open(&dir.join("data"), chain, 64 << 20).unwrap()),
            signer: Arc::new(signer),
            chain,
            statement: Hash::of(b"statement"),
            registry: Registry::new(RegistryClass::Production),
            subjects: Subjects::open(&dir.join("data")),
            authority: None,
            evidence: Arc::new(MemoryEvidence::default()),
            executable: None,
        };
        let running = app::start(site, parts, None::<MqttLink>).await.unwrap();
        let local = Local::new(&running);
        (running, local)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn key(&self) -> String {
        lane::read_key(&self.path("data")).unwrap()
    }

    async fn sign_in(&self, address: SocketAddr, name: &str, password: &str) -> Answer {
        let form = format!("name={name}&password={}", password.replace(' ', "+"));
        let head =
            [("origin", format!("http://{address}")), ("content-type", "application/x-www-form-urlencoded".into())];
        ask(address, "POST", "/sign-in", &head, &form).await
    }

    /// A session's cookie.
    async fn session(&self, address: SocketAddr, name: &str) -> String {
        let answer = self.sign_in(address, name, PASSWORD).await;
        assert_eq!(answer.code, 303, "{answer:?}");
        answer.cookie().unwrap()
    }

    async fn record(&self, event: &str) -> Vec<serde_json::Value> {
        let answer = ask(self.served.page, "GET", "/api/v1/records?limit=500", &[], "").await;
        let records: Vec<serde_json::Value> = serde_json::from_str(&answer.body).unwrap();
        records.into_iter().filter(|it| it["detail"]["name"] == event).map(|it| it["detail"].clone()).collect()
    }

    async fn end(mut self) {
        self.stop.cancel();
        if let Some(running) = self.running.take() {
            running.stop(std::time::Duration::ZERO).await.unwrap();
        }
    }
}

const SITE: &str = "version = 1\n[site]\nid = \"s\"\nagent = \"a\"\nname = \"n\"\n[store]\ndir = \"data\"\nbudget = \"64 MiB\"\n\
                    [local]\nlisten = \"127.0.0.1:0\"\nusers = \"users.toml\"\n\
                    [[ports]]\nid = \"p\"\n[ports.tcp]\naddress = \"127.0.0.1:1\"\n\
                    [[instruments]]\nid = \"ph-1\"\nport = \"p\"\n[instruments.ph_stream]\n\
                    [[rigs]]\nid = \"place\"\ntime_limit = \"30 min\"\n[rigs.textile_ph]\nmeter = \"ph-1\"\nparallels = 3\n\
                    drift = \"0.02\"\nsteady = \"10 s\"\nspread = \"0.2\"\n\
                    [[rigs.judge]]\ntable = \"gb18401-2010-t1\"\nparameters = [\"ph\"]\n";

#[derive(Debug)]
struct Answer {
    code: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|it| it.split_once(": "));
        lines.filter(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, it)| it).next()
    }

    /// `name=value` of the session's cookie.
    fn cookie(&self) -> Option<String> {
        Some(self.header("set-cookie")?.split(';').next()?.to_owned())
    }
}

async fn ask(address: SocketAddr, method: &str, path: &str, head: &[(&str, String)], body: &str) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !head.iter().any(|(name, _)| *name == "host") {
        let _ = write!(request, "Host: {address}\r\n");
    }
    for (name, value) in head {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    said(address, &format!("{request}\r\n{body}")).await
}

async fn said(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A refused body may be answered with a reset behind the answer.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let code = head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
    Answer { code, head: head.to_owned(), body: body.to_owned() }
}

/// A request, and what comes of it by who sends it, in this order: somebody on loopback, somebody afar, operator,
/// metrologist, reviewer, administrator, the console on loopback, the console's key afar.
///
/// `y` is let in, `1` is 401, `3` is 403, `s` is sent to the sign-in page.
const TABLE: [(&str, &str, &str, &str); 49] = [
    ("GET", "/healthz", "", "yyyyyyy1"),
    ("GET", "/sign-in", "", "yyyyyyy1"),
    ("POST", "/sign-in", "name=lina&password=wrong", "yyyyyyy1"),
    ("POST", "/sign-out", "", "ssyyyyy1"),
    ("GET", "/assets/{file}", "", "yyyyyyy1"),
    ("GET", "/", "", "ysyyyyy1"),
    ("GET", "/lane/{place}", "", "ysyyyyy1"),
    ("GET", "/rig/{place}", "", "ysyyyyy1"),
    ("POST", "/lane/{place}/drill", "on=yes&operator=X", "ss3yyyy1"),
    ("POST", "/lane/{place}/check/{check}/{step}", "operator=X", "ss3y3yy1"),
    ("POST", "/rig/{place}/start", "sample=S-1&operator=X", "ssyyyyy1"),
    ("POST", "/rig/{place}/start", "sample=S-1&operator=X&drill=on", "ss3yyyy1"),
    ("POST", "/rig/{place}/next", "operator=X", "ssyyyyy1"),
    ("POST", "/rig/{place}/stop", "operator=X", "ssyyyyy1"),
    ("POST", "/rig/{place}/enter", "value.ph=7&operator=X", "ssyyyyy1"),
    ("POST", "/rig/{place}/drill", "on=yes&operator=X", "ss3yyyy1"),
    ("POST", "/rig/{place}/check/{check}/{step}", "operator=X", "ss3y3yy1"),
    ("GET", "/events", "", "y1yyyyy1"),
    ("GET", "/history", "", "ysyyyyy1"),
    ("GET", "/history.csv", "", "ysyyyyy1"),
    ("GET", "/record/{name}", "", "ysyyyyy1"),
    ("GET", "/record/{seq}/raw", "", "ysyyyyy1"),
    ("GET", "/record/{seq}/slip", "", "ysyyyyy1"),
    ("GET", "/record/{seq}/spectrum", "", "ysyyyyy1"),
    ("GET", "/evidence/{sha256}", "", "ysyyyyy1"),
    ("GET", "/stats", "", "ysyyyyy1"),
    ("GET", "/stats.csv", "", "ysyyyyy1"),
    ("GET", "/metrics", "", "y1yyyyy1"),
    ("GET", "/api/v1/openapi.json", "", "y1yyyyy1"),
    ("GET", "/api/v1/status", "", "y1yyyyy1"),
    ("GET", "/api/v1/records", "", "y1yyyyy1"),
    ("GET", "/api/v1/records/{seq}", "", "y1yyyyy1"),
    ("GET", "/api/v1/findings", "", "y1yyyyy1"),
    ("POST", "/api/v1/subjects", r#"{"subject":"S-1","facts":{"a":"b"},"operator":"X"}"#, "11yyyyy1"),
    ("POST", "/api/v1/rigs/{rig}/start", r#"{"sample":"S-1","operator":"X"}"#, "11yyyyy1"),
    ("POST", "/api/v1/rigs/{rig}/start", r#"{"sample":"S-1","operator":"X","drill":true}"#, "113yyyy1"),
    ("POST", "/api/v1/rigs/{rig}/next", r#"{"operator":"X"}"#, "11yyyyy1"),
    ("POST", "/api/v1/rigs/{rig}/stop", r#"{"operator":"X"}"#, "11yyyyy1"),
    ("POST", "/api/v1/rigs/{rig}/enter", r#"{"values":{"ph":"7"},"operator":"X"}"#, "11yyyyy1"),
    ("POST", "/api/v1/checks/{check}/start", r#"{"operator":"X"}"#, "113y3yy1"),
    ("POST", "/api/v1/checks/{check}/next", r#"{"operator":"X"}"#, "113y3yy1"),
    ("POST", "/api/v1/checks/{check}/stop", r#"{"operator":"X"}"#, "113y3yy1"),
    ("POST", "/api/v1/places/{place}/drill", r#"{"on":true,"operator":"X"}"#, "113yyyy1"),
    ("POST", "/api/v1/keys/rotate", r#"{"operator":"X"}"#, "11333yy1"),
    ("POST", "/api/v1/readings", r#"{"instrument":"none","operator":"X"}"#, "11yyyyy1"),
    ("POST", "/api/v1/evidence", "a note", "11yyyyy1"),
    ("POST", "/api/v1/follow-ups", r#"{"inspection":"i","step":"hold","by":"X"}"#, "11yyyyy1"),
    ("POST", "/api/v1/follow-ups", r#"{"inspection":"i","step":"release","by":"X"}"#, "1133yyy1"),
    ("POST", "/api/v1/reports-sent", r#"{"deadline":"d","by":"X"}"#, "1133yyy1"),
];
const MORE: [(&str, &str, &str, &str); 4] = [
    ("GET", "/password", "", "ssyyyyy1"),
    // Refused before anything is tried: two different new ones.
    ("POST", "/password", "old=a&new=b&again=c", "ssyyyyy1"),
    ("POST", "/api/v1/draws", r#"{"lot":"L","hs":"5208","by":"X"}"#, "11yyyyy1"),
    ("POST", "/api/v1/reload", r#"{"operator":"X"}"#, "11333yy1"),
];

/// The routes as they stand in the source: `(method, path)`.
fn routes() -> BTreeSet<(String, String)> {
    fn below(folder: &Path, found: &mut BTreeSet<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|it| it == "rs") && !path.to_string_lossy().contains("tests") {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap();
                for part in text.split(".route(").skip(1) {
                    let route =
                        part.split('"').nth(1).unwrap_or_else(|| panic!("{}: a route without a text", path.display()));
                    let how: String = part.chars().take_while(|it| *it != '\n').collect();
                    let mut any = false;
                    for method in ["get", "post", "put", "delete", "patch", "any"] {
                        if how.contains(&format!("{method}(")) {
                            any = true;
                            found.insert((method.to_uppercase(), route.to_owned()));
                        }
                    }
                    assert!(any, "{}: {route}: by no method this test knows", path.display());
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lane"), &mut found);
    found
}

#[test]
fn no_route_is_without_a_rule_and_a_row() {
    let there = routes();
    assert!(there.len() >= 23, "the source is not read as it is written: {there:?}");
    let ruled: BTreeSet<(String, String)> =
        super::rule::RULES.iter().map(|it| (it.method.to_owned(), it.path.to_owned())).collect();
    let rows: BTreeSet<(String, String)> =
        TABLE.iter().chain(&MORE).map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
    for route in &there {
        assert!(ruled.contains(route), "{route:?} has no rule in rule.rs: it answers nobody");
        assert!(rows.contains(route), "{route:?} has no row in this test");
    }
    assert_eq!(ruled, rows, "a rule without a row, or a row without a rule");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_lets_in_whom_it_should() {
    let stand = Stand::new().await;
    let (page, afar) = (stand.served.page, stand.afar);
    let there = routes();
    let bearer = |key: String| vec![("authorization", format!("Bearer {key}"))];
    let origin = |address: SocketAddr| ("origin", format!("http://{address}"));
    let mut people = Vec::new();
    for (name, role) in
        [("lina", Role::Operator), ("wang", Role::Metrologist), ("zhao", Role::Reviewer), ("chen", Role::Administrator)]
    {
        let cookie = stand.session(afar, name).await;
        people.push((vec![("cookie", cookie), origin(afar)], bearer(hex::encode(token(role)))));
    }
    for (method, path, body, expected) in TABLE.into_iter().chain(MORE) {
        if !there.contains(&(method.to_owned(), path.to_owned())) {
            continue;
        }
        // Signing out ends what the rows after it need.
        let ends = path == "/sign-out";
        let asked = path.replace("{seq}", "0").replace("{file}", "none.css").replace(['{', '}'], "");
        let asked = if path == "/api/v1/evidence" { format!("{asked}?operator=X") } else { asked };
        let content = match path {
            "/api/v1/evidence" => "text/plain",
            _ if path.starts_with("/api/") => "application/json",
            _ => "application/x-www-form-urlencoded",
        };
        let mut senders = vec![(page, vec![origin(page)]), (afar, vec![origin(afar)])];
        let console = stand.key();
        senders
            .extend(people.iter().map(|(session, token)| (afar, if ends { token.clone() } else { session.clone() })));
        senders.push((page, bearer(console.clone())));
        senders.push((afar, bearer(console)));
        for (number, (address, mut head)) in senders.into_iter().enumerate() {
            head.push(("content-type", content.to_owned()));
            let answer = ask(address, method, &asked, &head, body).await;
            let way_in = answer.header("location").is_some_and(|it| it.starts_with("/sign-in"));
            let came = match answer.code {
                401 if path == "/sign-in" && answer.body.contains("<form") => 'y',
                303 if way_in => 's',
                401 => '1',
                403 => '3',
                0 | 405 | 421 => '?',
                _ => 'y',
            };
            let expected = expected.chars().nth(number).unwrap();
            assert_eq!(came, expected, "{method} {asked} from sender {number}: {} {}", answer.code, answer.body);
            strict(&answer);
        }
        // A token is its person, on every route.
        for (number, (_, token)) in people.iter().enumerate() {
            let mut head = token.clone();
            head.push(("content-type", content.to_owned()));
            let answer = ask(afar, method, &asked, &head, body).await;
            let refused = answer.code == 403;
            assert_eq!(refused, expected.chars().nth(2 + number) == Some('3'), "{method} {asked} by token {number}");
        }
    }
    stand.end().await;
}

/// Every answer is strict, refusals too.
fn strict(answer: &Answer) {
    let csp = answer.header("content-security-policy").unwrap_or_else(|| panic!("{}", answer.head));
    let sandboxed = csp.starts_with("default-src 'none'; img-src 'self' data:;") && csp.ends_with("; sandbox");
    let ours = csp.starts_with("default-src 'none'; script-src 'self'; style-src 'self'");
    assert!((ours || sandboxed) && !csp.contains("unsafe"), "{csp}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{}", answer.head);
    }
    assert!(answer.header("permissions-policy").is_some());
    assert!(answer.header("access-control-allow-origin").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_names_the_person_whatever_the_request_says() {
    let stand = Stand::new().await;
    let afar = stand.afar;
    let cookie = stand.session(afar, "lina").await;
    let json = ("content-type", "application/json".to_owned());
    let body = r#"{"subject":"S-0117","facts":{"axles":"6","role":"king"},"operator":"Somebody Else"}"#;
    let head = [("cookie", cookie.clone()), ("origin", format!("http://{afar}")), json.clone()];
    assert_eq!(ask(afar, "POST", "/api/v1/subjects", &head, body).await.code, 200);
    let bearer = |key: String| ("authorization", format!("Bearer {key}"));
    let page = stand.served.page;
    let console = [bearer(stand.key()), json.clone()];
    assert_eq!(ask(page, "POST", "/api/v1/subjects", &console, body).await.code, 200);
    let without = r#"{"subject":"S-0117","facts":{"axles":"6"}}"#;
    assert_eq!(ask(page, "POST", "/api/v1/subjects", &console, without).await.code, 422, "the console says who");
    let by_token = [bearer(hex::encode(token(Role::Reviewer))), json];
    assert_eq!(ask(afar, "POST", "/api/v1/subjects", &by_token, without).await.code, 200);
    let out = [("cookie", cookie.clone()), ("origin", format!("http://{afar}"))];
    assert_eq!(ask(afar, "POST", "/sign-out", &out, "").await.code, 303);
    assert_eq!(ask(afar, "GET", "/api/v1/status", &out, "").await.code, 401, "signed out");

    let posted = stand.record("subject-posted").await;
    let who: Vec<(&str, &str)> = posted
        .iter()
        .map(|it| (it["facts"]["operator"].as_str().unwrap(), it["facts"]["role"].as_str().unwrap()))
        .collect();
    assert_eq!(who, [("Li Na", "operator"), ("Somebody Else", "console"), ("赵敏", "reviewer")]);
    assert_eq!(posted[0]["facts"]["typed-role"], "king");
    let signed_in = &stand.record("sign-in").await[0];
    assert_eq!((&signed_in["subject"], &signed_in["facts"]["role"]), (&"lina".into(), &"operator".into()));
    assert_eq!(stand.record("sign-out").await[0]["facts"]["operator"], "Li Na");
    assert_eq!(stand.record("users-in-force").await[0]["facts"]["users"], "5");
    stand.end().await;
}
