//! Connections that take their time, and TLS as somebody else's library speaks it.

use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use tidewaiter_config::site::LocalTls;
use tokio::{sync::watch, time::timeout};

use super::*;

async fn open(loopback: bool) -> (SocketAddr, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let router = Router::new().route("/", get(async || "here"));
    tokio::spawn(door::attend(door::Door { listener, loopback, tls: None }, router, stop.clone()));
    (address, stop)
}

/// Time passes by itself as soon as nobody has anything else to do, so that this takes no time.
#[tokio::test(start_paused = true)]
async fn a_slow_head_does_not_hold_a_place() {
    let (address, _stop) = open(true).await;
    for head in ["", "G", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "{head:?} still stands after a minute");
    }
    // One byte a second, for as long as anybody likes.
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut sent = 0;
    while stream.write_all(b"x").await.is_ok() && sent < 600 {
        sent += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(sent < 60, "{sent} seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_bounded_and_others_still_come_in() {
    let (address, stop) = open(false).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    let begun = Instant::now();
    let mut closed = 0;
    for stream in &mut held {
        let mut byte = [0];
        if matches!(timeout(Duration::from_millis(20), stream.read(&mut byte)).await, Ok(Ok(0) | Err(_))) {
            closed += 1;
        }
    }
    assert_eq!(closed, 100 - 32, "after {:?}", begun.elapsed());
    drop(held);
    let comes_in = async || {
        for _ in 0..50 {
            if said(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.body == "here" {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    };
    assert!(comes_in().await, "places are given back");
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_answered_or_cut_off() {
    let stand = Stand::new().await;
    let long = "x".repeat(100_000);
    let many = (0..200).map(|it| format!("X-{it}: y\r\n")).collect::<Vec<_>>().concat();
    for request in [
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET /\r\n\r\n".to_owned(),
        format!("GET /{long} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{many}\r\n"),
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".to_owned(),
        "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".to_owned(),
        "GET //evil.example HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".to_owned(),
        "POST /api/v1/subjects HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\n".to_owned(),
        "POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz\r\n"
            .to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".to_owned(),
    ] {
        let answer = timeout(Duration::from_secs(30), said(stand.afar, &request)).await.expect("an end");
        let begin: String = request.chars().take(60).collect();
        assert!(answer.code == 0 || (400..500).contains(&answer.code), "{begin:?}: {}", answer.code);
    }
    assert_eq!(ask(stand.afar, "GET", "/healthz", &[], "").await.code, 200);
    stand.end().await;
}

const PYTHON: &str = r#"
import http.client, json, socket, ssl, sys
ca, port, password = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca)
# A certificate that signs itself names no authority.
context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
def asked(method, path, body=None, **headers):
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=20)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    said = [answer.status, answer.headers.get("Set-Cookie"), answer.headers.get("Location")]
    answer.read(); connection.close()
    return said
with socket.create_connection(("localhost", port), 20) as plain, context.wrap_socket(plain, server_hostname="localhost") as stream:
    version = stream.version()
origin = f"https://localhost:{port}"
form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
signed_in = asked("POST", "/sign-in", "name=lina&password=" + password.replace(" ", "+"), **form)
cookie = (signed_in[1] or "").split(";")[0]
plain_origin = asked("POST", "/sign-in", "name=lina&password=x", **{**form, "Origin": origin.replace("https", "http")})
def refused(change):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(ca)
    change(old)
    try:
        with socket.create_connection(("localhost", port), 20) as plain, old.wrap_socket(plain, server_hostname="localhost"):
            return False
    except (ssl.SSLError, OSError):
        return True
def eleven(it):
    it.minimum_version = ssl.TLSVersion.TLSv1
    it.maximum_version = ssl.TLSVersion.TLSv1_1
    it.set_ciphers("DEFAULT@SECLEVEL=0")
def twelve(it):
    it.minimum_version = it.maximum_version = ssl.TLSVersion.TLSv1_2
try:
    with socket.create_connection(("localhost", port), 20) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        in_clear = plain.recv(4096).startswith(b"HTTP/")
except OSError:
    in_clear = False
print(json.dumps({
    "version": version, "healthz": asked("GET", "/healthz")[0], "status": asked("GET", "/api/v1/status")[0],
    "page": asked("GET", "/"), "signed_in": signed_in, "status_in": asked("GET", "/api/v1/status", Cookie=cookie)[0],
    "page_in": asked("GET", "/", Cookie=cookie)[0], "wrong_host": asked("GET", "/", Host="evil.example")[0],
    "plain_origin": plain_origin[0], "eleven_refused": refused(eleven), "twelve_refused": refused(twelve), "in_clear": in_clear,
}))
"#;

async fn python(stand: &Stand, port: u16) -> serde_json::Value {
    let mut command = std::process::Command::new("python3");
    command.args(["-c", PYTHON]).arg(stand.path("page.pem")).args([port.to_string().as_str(), PASSWORD]);
    let told = tokio::task::spawn_blocking(move || command.output()).await.unwrap().expect("python3");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    serde_json::from_slice(&told.stdout).unwrap()
}

fn certificate(dir: &Path) -> LocalTls {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = LocalTls { certificate: dir.join("page.pem"), key: dir.join("page.key") };
    fs::write(&files.certificate, made.cert.pem()).unwrap();
    fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_another_make_comes_in_by_tls_alone() {
    let stand = Stand::new().await;
    let files = certificate(stand.dir.path());
    let (out, tls) = watch::channel(door::tls(&files).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let local = Local::new(stand.running.as_ref().unwrap());
    super::super::look(&local).await;
    let door = door::Door { listener, loopback: false, tls: Some(tls) };
    tokio::spawn(door::attend(door, lane::router(local), stand.stop.clone()));
    let told = python(&stand, port).await;
    assert_eq!(told["version"], "TLSv1.3", "{told}");
    assert_eq!(
        (&told["healthz"], &told["status"], &told["status_in"]),
        (&200.into(), &401.into(), &200.into()),
        "{told}"
    );
    assert_eq!(told["page"][0], 303, "{told}");
    assert_eq!(told["page"][2], "/sign-in?next=/", "{told}");
    assert_eq!(told["page_in"], 200, "{told}");
    assert_eq!(told["wrong_host"], 421, "{told}");
    assert_eq!(told["plain_origin"], 403, "{told}");
    assert_eq!(told["signed_in"][0], 303, "{told}");
    let cookie = told["signed_in"][1].as_str().unwrap();
    assert!(cookie.starts_with("__Host-tidewaiter="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    assert_eq!(told["eleven_refused"], true, "{told}");
    assert_eq!(told["twelve_refused"], false, "{told}");
    assert_eq!(told["in_clear"], false, "{told}");

    // Another certificate is used from the next connection on; one that is no good leaves the old one in use.
    let files = certificate(stand.dir.path());
    out.send_replace(door::tls(&files).unwrap());
    assert_eq!(python(&stand, port).await["healthz"], 200);
    fs::write(&files.key, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n").unwrap();
    let why = door::tls(&files).unwrap_err().to_string();
    assert!(!why.contains("c2VjcmV0"), "{why}");
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_loopback_there_is_no_door_without_certificate_and_users() {
    let stand = Stand::new().await;
    let local = Local::new(stand.running.as_ref().unwrap());
    // The site file refuses this as well; this is the second lock.
    let refused = lane::serve(local, ([0, 0, 0, 0], 0).into(), stand.stop.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("[local.tls] and users"), "{refused}");
    stand.end().await;
}
