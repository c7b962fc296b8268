//! Cameras against small HTTP servers of the test's own, which check a digest login by RFC 7616 themselves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use tidewaiter_config::site::{Camera, StillMoment};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_record::body::Flags;
use tokio::sync::mpsc;

use super::{Cameras, Cue, Missed, QUEUE, fetch};

mod digest;

/// Smallest thing with the first and last bytes of a JPEG.
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 picture \xFF\xD9";
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n picture IEND\xAEB`\x82";

/// Serves connections one after another; every request head is kept.
fn server(answers: impl Fn(&str) -> Vec<u8> + Send + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            kept.lock().unwrap().push(head.clone());
            let _ = stream.write_all(&answers(&head));
        }
    });
    (format!("http://{address}/still.jpg?channel=1&pwd=in-the-query"), heads)
}

fn answer(status: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn camera(url: &str) -> Camera {
    Camera {
        id: "cam-7".into(),
        place: "lane-7".into(),
        url: url.into(),
        login: None,
        ca: None,
        timeout: Duration::from_secs(2),
        max_bytes: 4096,
        on: vec![StillMoment::Start],
    }
}

fn with_login(url: &str, dir: &tempfile::TempDir, password: &str) -> Camera {
    let file = dir.path().join("password");
    fs::write(&file, format!("{password}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    Camera { login: Some(("viewer".into(), file)), ..camera(url) }
}

#[test]
fn pictures_pass_and_nothing_else_does() {
    let check = |status: &'static str, more: &'static str, body: &[u8], expected: &str| {
        let body = body.to_vec();
        let (url, heads) = server(move |_| answer(status, more, &body));
        let found = match fetch(&camera(&url)) {
            Ok(still) => still.media.to_owned(),
            Err(why) => {
                assert!(!why.to_string().contains("in-the-query"), "{why}");
                why.word().to_owned()
            }
        };
        assert_eq!(found, expected, "{status}");
        assert_eq!(heads.lock().unwrap().len(), 1, "{status}: asked once");
    };
    check("200 OK", "Content-Type: text/html\r\n", JPEG, "image/jpeg");
    check("200 OK", "", PNG, "image/png");
    check("200 OK", "Content-Type: image/jpeg\r\n", b"<html>log in</html>", "not-a-still");
    check("200 OK", "", b"", "not-a-still");
    check("200 OK", "", &JPEG[..8], "cut-short");
    check("200 OK", "", &[JPEG, &[0; 5000]].concat(), "too-large");
    check("302 Found", "Location: http://127.0.0.1:1/elsewhere\r\n", b"", "redirected");
    check("404 Not Found", "", b"", "status");
    check("503 Busy", "", JPEG, "status");
    check("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b"", "not-accepted");
}

#[test]
fn nobody_there_garbage_and_a_broken_body_are_reasons() {
    // A port that no client is given and no test takes.
    assert_eq!(fetch(&camera("http://127.0.0.1:1/")).unwrap_err().word(), "unreachable");
    let (url, _) = server(|_| b"SSH-2.0-dropbear\r\n".to_vec());
    assert_eq!(fetch(&camera(&url)).unwrap_err().word(), "unreachable");
    let (url, _) = server(|_| {
        let mut whole = answer("200 OK", "", JPEG);
        whole.truncate(whole.len() - 4);
        whole
    });
    assert!(matches!(fetch(&camera(&url)).unwrap_err().word(), "unreachable" | "cut-short"));
}

#[test]
fn a_slow_camera_costs_its_time_out_and_no_more() {
    let (url, _) = server(|_| {
        thread::sleep(Duration::from_secs(3));
        Vec::new()
    });
    let slow = Camera { timeout: Duration::from_millis(300), ..camera(&url) };
    let began = Instant::now();
    assert_eq!(fetch(&slow).unwrap_err(), Missed::TimedOut(300));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

fn field<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.lines().find(|it| it.to_ascii_lowercase().starts_with("authorization: digest")).unwrap_or_default();
    let at = line.find(&format!("{name}=")).map_or(line.len(), |at| at + name.len() + 1);
    line[at..].trim_start_matches('"').split(['"', ',']).next().unwrap_or_default()
}

/// RFC 7616, §3.4.1, with SHA-256 and qop=auth.
fn response(head: &str, password: &str) -> String {
    let hash = |text: String| hex::encode(Sha256::digest(text));
    let get = |name| field(head, name);
    let first = hash(format!("viewer:port cameras:{password}"));
    let second = hash(format!("GET:{}", get("uri")));
    hash(format!("{first}:{}:{}:{}:auth:{second}", get("nonce"), get("nc"), get("cnonce")))
}

#[test]
fn a_digest_login_is_answered_as_the_standard_says() {
    let (url, heads) = server(|head| {
        let proven = head.contains("uri=\"/still.jpg?channel=1&pwd=in-the-query\"")
            && field(head, " response") == response(head, "geheim: ß")
            && field(head, "nonce") == "n0nce";
        if proven {
            answer("200 OK", "", JPEG)
        } else {
            let challenge = "WWW-Authenticate: Basic realm=\"port cameras\"\r\nWWW-Authenticate: Digest realm=\"port cameras\", \
                             qop=\"auth\", algorithm=SHA-256, nonce=\"n0nce\", opaque=\"o\"\r\n";
            answer("401 Unauthorized", challenge, b"")
        }
    });
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(fetch(&with_login(&url, &dir, "geheim: ß")).unwrap().media, "image/jpeg");
    assert_eq!(heads.lock().unwrap().len(), 2);
    let wrong = fetch(&with_login(&url, &dir, "guess")).unwrap_err();
    assert_eq!(wrong, Missed::NotAccepted);
    let heads = heads.lock().unwrap();
    assert_eq!(heads.len(), 4, "a wrong password is tried once, or the camera locks the account");
    assert!(heads.iter().all(|it| !it.contains("Basic") && !it.contains("geheim")), "the stronger one was offered");
}

#[test]
fn a_basic_login_is_given_when_asked_and_nothing_is_sent_before() {
    let (url, heads) = server(|head| {
        let given =
            head.to_ascii_lowercase().contains("authorization: basic ") && head.contains("dmlld2VyOnNlY3JldA==");
        if given {
            answer("200 OK", "", PNG)
        } else {
            answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b"")
        }
    });
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(fetch(&with_login(&url, &dir, "secret")).unwrap().media, "image/png");
    assert!(!heads.lock().unwrap()[0].to_ascii_lowercase().contains("authorization"));
    let (url, _) = server(|_| answer("401 Unauthorized", "WWW-Authenticate: Negotiate\r\n", b""));
    assert_eq!(fetch(&with_login(&url, &dir, "secret")).unwrap_err(), Missed::Challenge);
}

#[test]
fn a_password_that_others_may_read_is_not_used() {
    let (url, heads) = server(|_| answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b""));
    let dir = tempfile::tempdir().unwrap();
    let camera = with_login(&url, &dir, "secret");
    fs::set_permissions(dir.path().join("password"), fs::Permissions::from_mode(0o644)).unwrap();
    let why = fetch(&camera).unwrap_err();
    assert!(why.to_string().contains("chmod 600") && !why.to_string().contains("secret"), "{why}");
    assert_eq!(heads.lock().unwrap().len(), 1);
}

#[test]
fn a_cue_never_waits_and_one_too_many_is_told() {
    let camera = Arc::new(camera("http://127.0.0.1:1/"));
    let (queue, mut waiting) = mpsc::channel(QUEUE);
    let (tell, mut told) = mpsc::channel(8);
    let cameras = Cameras { by_place: [("lane-7".to_owned(), vec![(camera, queue)])].into(), tell: Some(tell) };
    let cue = |moment, number: usize| Cue {
        moment,
        inspection: format!("lane-7-1-{number}"),
        flags: Flags::default(),
        at: Moment { mono_ms: 0, wall_ms: 0 },
    };
    for number in 0..=QUEUE {
        cameras.cue("lane-7", &cue(StillMoment::Start, number));
        cameras.cue("lane-7", &cue(StillMoment::End, number));
        cameras.cue("lane-8", &cue(StillMoment::Start, number));
    }
    let mut taken = 0;
    while waiting.try_recv().is_ok() {
        taken += 1;
    }
    assert_eq!(taken, QUEUE);
    let event = told.try_recv().unwrap();
    assert_eq!((event.name.as_str(), event.subject.as_deref()), ("camera-missed", Some("cam-7")));
    assert!(event.facts.contains(&("reason".to_owned(), "busy".to_owned())));
    assert!(event.facts.iter().all(|(_, fact)| !fact.contains("pwd")));
    assert!(told.try_recv().is_err());
}
