//! Requests that are not what they seem, and passwords that are guessed.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_site_does_nothing_in_my_name() {
    let stand = Stand::new().await;
    let afar = stand.afar;
    let cookie = ("cookie", stand.session(afar, "lina").await);
    let body = r#"{"subject":"S-1","facts":{"a":"b"}}"#;
    let check = async |pairs: &[(&'static str, &str)], body: &str, expected: u16| {
        let mut head = vec![cookie.clone()];
        head.extend(pairs.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let answer = ask(afar, "POST", "/api/v1/subjects", &head, body).await;
        assert_eq!(answer.code, expected, "{pairs:?}: {}", answer.body);
    };
    let json = ("content-type", "application/json");
    let own = format!("http://{afar}");
    check(&[json, ("origin", &own)], body, 200).await;
    check(&[json, ("sec-fetch-site", "same-origin")], body, 200).await;
    check(&[json], body, 403).await;
    check(&[json, ("origin", "http://evil.example")], body, 403).await;
    check(&[json, ("origin", "null")], body, 403).await;
    check(&[json, ("origin", &own), ("sec-fetch-site", "cross-site")], body, 403).await;
    check(&[json, ("origin", &own), ("host", "evil.example")], body, 421).await;
    check(&[("content-type", "text/plain"), ("origin", &own)], body, 415).await;
    check(&[("content-type", "application/x-www-form-urlencoded"), ("origin", &own)], body, 415).await;
    check(&[("origin", &own)], body, 415).await;
    check(&[json, ("origin", &own)], &format!("{{\"subject\":\"{}\"}}", "x".repeat(20_000)), 413).await;
    // Signing somebody in by force is forged as well.
    let form = format!("name=lina&password={}", PASSWORD.replace(' ', "+"));
    let urlencoded = ("content-type", "application/x-www-form-urlencoded".to_owned());
    for origin in [None, Some("http://evil.example")] {
        let mut head = vec![urlencoded.clone()];
        head.extend(origin.map(|it| ("origin", it.to_owned())));
        assert_eq!(ask(afar, "POST", "/sign-in", &head, &form).await.code, 403, "{origin:?}");
    }
    // Nothing that changes anything is a GET, and no other method is known.
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let answer = ask(afar, method, "/api/v1/subjects", &[cookie.clone(), ("origin", own.clone())], body).await;
        assert_eq!(answer.code, 405, "{method}");
    }
    assert_eq!(stand.record("subject-posted").await.len(), 2);
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_made_here_and_shown_to_nobody() {
    let stand = Stand::new().await;
    let afar = stand.afar;
    // A token that somebody planted does not become a session.
    let planted = format!("tidewaiter={}", "ab".repeat(32));
    let form = format!("name=lina&password={}&next=%2F%2Fevil.example", PASSWORD.replace(' ', "+"));
    let head = [
        ("origin", format!("http://{afar}")),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("cookie", planted.clone()),
    ];
    let answer = ask(afar, "POST", "/sign-in", &head, &form).await;
    assert_eq!((answer.code, answer.header("location")), (303, Some("/")), "nobody is sent elsewhere");
    let set = answer.header("set-cookie").unwrap().to_owned();
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{set}");
    let cookie = answer.cookie().unwrap();
    assert_ne!(cookie, planted);
    assert_eq!(cookie.len(), planted.len());
    let looks =
        async |cookie: &str| ask(afar, "GET", "/api/v1/status", &[("cookie", cookie.to_owned())], "").await.code;
    assert_eq!((looks(&cookie).await, looks(&planted).await), (200, 401));
    assert_eq!(looks(&format!("{cookie}; {planted}")).await, 401, "two of them are none");
    assert_eq!(looks(&cookie.to_uppercase()).await, 401);
    assert_eq!(looks(&cookie[..cookie.len() - 2]).await, 401);
    // Signing in again ends the session that was brought.
    let again = [head[0].clone(), head[1].clone(), ("cookie", cookie.clone())];
    let other = ask(afar, "POST", "/sign-in", &again, &form).await.cookie().unwrap();
    assert_eq!((looks(&cookie).await, looks(&other).await), (401, 200));
    let different: BTreeSet<String> = [cookie, planted, other.clone()].into();
    assert_eq!(different.len(), 3);
    // No key, token or cookie of any kind opens more than it says.
    for authorization in ["Bearer", "Bearer ", "Basic bGluYTp4", "Bearer zz", "bearer 00"] {
        let head = [("cookie", other.clone()), ("authorization", authorization.to_owned())];
        assert_eq!(ask(afar, "GET", "/api/v1/status", &head, "").await.code, 401, "{authorization}");
    }
    assert_eq!(fs::metadata(stand.path("data/local.key")).unwrap().permissions().mode() & 0o7777, 0o600);
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_slowed_alike_for_names_that_exist_and_names_that_do_not() {
    let stand = Stand::new().await;
    let afar = stand.afar;
    let mut seen = Vec::new();
    for name in ["lina", "nobody-of-this-name", "left"] {
        let mut wrong = 0;
        let mut said = String::new();
        // The first waits are short, and this machine may be busy for longer.
        let waits = loop {
            let answer = stand.sign_in(afar, name, "guess").await;
            assert!(answer.header("set-cookie").is_none());
            match answer.code {
                401 => (wrong, said) = (wrong + 1, answer.body),
                429 => break answer.header("retry-after").map(str::to_owned),
                other => panic!("{name}: {other}"),
            }
            assert!(wrong < 20, "{name}");
        };
        assert!(waits.is_some_and(|it| it.parse::<u32>().is_ok()));
        assert!(wrong >= 5, "{name}: {wrong}");
        seen.push(said);
        // On until the longest wait has begun.
        let mut throttle = super::super::locked(&stand.local.access.by_name);
        let mut now = stand.local.clock.now().mono_ms;
        while let Err(wait) = throttle.begin(name, now)
            && wait < 60_000
        {
            now += wait;
            throttle.begin(name, now).expect("the wait is over");
        }
    }
    assert!(seen.windows(2).all(|it| it[0] == it[1]), "the answers tell names apart");
    // Not even the right password is tried meanwhile, and nobody else waits.
    assert_eq!(stand.sign_in(afar, "lina", PASSWORD).await.code, 429);
    assert_eq!(stand.sign_in(afar, "wang", PASSWORD).await.code, 303);
    assert_eq!(stand.sign_in(afar, "left", PASSWORD).await.code, 429);
    assert_eq!(stand.sign_in(afar, "", "").await.code, 401);
    assert_eq!(stand.sign_in(afar, &"x".repeat(4_000), &"y".repeat(4_000)).await.code, 401);
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_name_takes_as_long_as_a_known_one() {
    let stand = Stand::new().await;
    // The first unknown name makes the hash it is tried against.
    stand.sign_in(stand.afar, "first", "guess").await;
    let mut took = Vec::new();
    for name in ["lina", "unknown"] {
        let mut least = u128::MAX;
        for _ in 0..4 {
            let begun = std::time::Instant::now();
            assert_eq!(stand.sign_in(stand.afar, name, "guess").await.code, 401);
            least = least.min(begun.elapsed().as_micros());
        }
        took.push(least);
    }
    println!("known {} µs, unknown {} µs", took[0], took[1]);
    // A name looked up without hashing would be a hundred times as fast.
    assert!(took[1] * 4 > took[0] && took[0] * 4 > took[1], "{took:?}");
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_taken_off_the_list_is_out() {
    let stand = Stand::new().await;
    let afar = stand.afar;
    let (lina, wang) = (stand.session(afar, "lina").await, stand.session(afar, "wang").await);
    let by_token = ("authorization", format!("Bearer {}", hex::encode(token(Role::Operator))));
    let looks = async |head: (&'static str, String)| ask(afar, "GET", "/api/v1/status", &[head], "").await.code;
    assert_eq!((looks(("cookie", lina.clone())).await, looks(by_token.clone()).await), (200, 200));
    let file = stand.path("users.toml");
    let mut left = users();
    left[0].disabled = true;
    write_users(&file, &left);
    let out = async || {
        for _ in 0..100 {
            if looks(("cookie", lina.clone())).await == 401 {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        false
    };
    assert!(out().await, "still in ten seconds after");
    assert_eq!((looks(by_token.clone()).await, looks(("cookie", wang.clone())).await), (401, 200));
    assert_eq!(stand.sign_in(afar, "lina", PASSWORD).await.code, 401);
    let changed = stand.record("users-in-force").await;
    assert_eq!(changed.last().unwrap()["facts"]["changed"], "lina");
    // A file that is no good leaves those of before in force; without any file nobody is known.
    fs::write(&file, "version = 1\n[[users]]\nname = \"lina\"\n").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!((looks(by_token).await, looks(("cookie", wang.clone())).await), (401, 200));
    fs::remove_file(&file).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(looks(("cookie", wang)).await, 401);
    let form = ask(afar, "GET", "/sign-in", &[("accept-language", "en".to_owned())], "").await;
    assert!(form.body.contains("users file cannot be read"), "{}", form.body);
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_out_listens_no_longer() {
    use axum::{Router, body::Body, http::header, middleware::from_fn_with_state, routing::get};
    use futures_util::stream::pending;

    let stand = Stand::new().await;
    let local = Local::new(stand.running.as_ref().unwrap());
    super::super::look(&local).await;
    let endless = async || {
        let never = pending::<Result<bytes::Bytes, std::convert::Infallible>>();
        ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(never))
    };
    let router = Router::new()
        .route("/events", get(endless))
        .merge(super::super::sign_in::routes())
        .layer(from_fn_with_state(local.clone(), super::super::guard))
        .with_state(local);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = door::Door { listener, loopback: false, tls: None };
    tokio::spawn(door::attend(door, router, stand.stop.clone()));
    let cookie = stand.session(address, "lina").await;
    let mut listening = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /events HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n");
    listening.write_all(request.as_bytes()).await.unwrap();
    let mut heard = vec![0; 4_096];
    let length = listening.read(&mut heard).await.unwrap();
    assert!(heard[..length].starts_with(b"HTTP/1.1 200"));
    let still = tokio::time::timeout(std::time::Duration::from_secs(3), listening.read(&mut heard)).await;
    assert!(still.is_err(), "it ends while the session stands");
    let out = [("cookie", cookie), ("origin", format!("http://{address}"))];
    assert_eq!(ask(address, "POST", "/sign-out", &out, "").await.code, 303);
    let end = async {
        while let Ok(length) = listening.read(&mut heard).await {
            if length == 0 || heard[..length].ends_with(b"0\r\n\r\n") {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), end).await.expect("the stream ends");
    stand.end().await;
}
