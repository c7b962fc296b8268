//! The pages of a running agent: what they say is held against its own store, over the router a browser asks.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderValue, Request, StatusCode, header},
    middleware::map_request,
};
use futures_util::StreamExt;
use tidewaiter_agent::lane::{self, Local};
use tidewaiter_record::Detail;
use tidewaiter_tests::world::{MINUTE, SECOND, Setting, Trouble, TroubleKind, World};
use tower::ServiceExt;

use super::{play, quiet, world};

/// The largest page: one that does not fit here has lost a bound.
const MOST_BYTES: usize = 256 * 1024;

const LANE: &str = r#"
title = "a lane and its page"
seed = 5
[lane]
time_limit = "90 s"
identity_window = "4 s"
[weighbridge]
[portal]
[plate_reader]
[traffic]
first = "10 s"
headway = "45 s"
[traffic.generator]
"#;

/// A meter that measures when somebody asks it to.
const STILL: &str = "title = \"a rig and its page\"\nseed = 4\n[ph_meter]\n";

struct Answer {
    code: StatusCode,
    headers: BTreeMap<String, String>,
    text: String,
}

/// The pages as the console of the machine is served them: a person would have to sign in first.
fn console(world: &World) -> Router {
    let (router, key) = lane::on_loopback(Local::new(world.agent()));
    let key = HeaderValue::try_from(format!("Bearer {}", key.unwrap())).unwrap();
    router.layer(map_request(move |mut request: Request<Body>| {
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("127.0.0.1"));
        request.headers_mut().insert(header::AUTHORIZATION, key.clone());
        std::future::ready(request)
    }))
}

async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let headers =
        response.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let code = response.status();
    let text = String::from_utf8(to_bytes(response.into_body(), MOST_BYTES).await.unwrap().to_vec()).unwrap();
    Answer { code, headers, text }
}

async fn get(router: &Router, path: &str) -> Answer {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn post(router: &Router, path: &str, form: &str) -> Answer {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    ask(router, request.body(Body::from(form.to_owned())).unwrap()).await
}

/// The class of the large word and the fixed sentence of a page.
fn told(page: &str) -> (String, String) {
    let part = |from: &str, to: &str| {
        let rest = page.split_once(from).unwrap_or_else(|| panic!("no {from} in {page}")).1;
        rest.split_once(to).unwrap().0.to_owned()
    };
    (part("<div class=\"stage ", "\""), part("sentence\">", "<"))
}

/// What the store holds under the number that the sentence names.
async fn recorded(world: &World, sentence: &str) -> Option<(String, String)> {
    let number: u64 = sentence.strip_prefix("RECORDED #")?.split(' ').next()?.parse().unwrap();
    let entries = world.agent().outbox.entries(number, 1).await.unwrap().unwrap();
    match tidewaiter_record::parse(&entries[0].bytes).unwrap().body.detail {
        Detail::Inspection(it) => Some((it.place.clone(), it.disposition.clone())),
        other => panic!("record {number} is no inspection: {}", other.word()),
    }
}

#[test]
fn what_a_lane_is_told_stands_in_the_store() {
    play(async || {
        let troubles = vec![Trouble { from: 2 * MINUTE, to: 3 * MINUTE, one_in: 1, kind: TroubleKind::Offline }];
        let mut world = world(Setting { troubles, ..Setting::of(LANE) }).await;
        let router = console(&world);
        let lane = world.site.lanes[0].id.clone();
        let path = format!("/lane/{lane}?lang=en");
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut sentences: BTreeMap<String, usize> = BTreeMap::new();
        for at in 0..4 * 60 {
            world.until(at * SECOND).await;
            let page = get(&router, &path).await;
            assert_eq!(page.code, StatusCode::OK);
            let (word, sentence) = told(&page.text);
            if let Some((_, disposition)) = recorded(&world, &sentence).await {
                assert_eq!(word.trim_end_matches(" old"), disposition, "at {at} s: {sentence}");
            } else {
                assert!(!["clear", "refer", "alarm", "not-valid"].contains(&word.as_str()), "{word}: {sentence}");
            }
            *seen.entry(word).or_default() += 1;
            let kind: String = sentence.chars().filter(|it| !it.is_ascii_digit()).collect();
            *sentences.entry(kind).or_default() += 1;
        }
        assert!(seen.contains_key("open") && seen.len() >= 2, "{seen:?}");
        assert!(sentences.keys().any(|it| it.contains("uplink down")), "{sentences:?}");
        assert!(sentences.keys().any(|it| it.contains("receipted by the centre")), "{sentences:?}");
        assert!(sentences.contains_key("Reading shown is not yet recorded."), "{sentences:?}");

        let until = quiet(&world, 4 * MINUTE);
        world.until(until).await;
        let english = get(&router, &path).await;
        assert!(english.headers["set-cookie"].starts_with("lang=en;"));
        let chinese = get(&router, &format!("/lane/{lane}")).await;
        assert!(
            chinese.text.contains("（初筛）") && chinese.text.contains("<html lang=\"zh-CN\">"),
            "{}",
            chinese.text
        );
        assert!(english.text.contains("SIMULATED") && chinese.text.contains("模拟数据"));
        assert_eq!(told(&english.text).0, told(&chinese.text).0);
        for page in [&english, &chinese] {
            for forbidden in ["<style", " style=", " onclick", "{ $", "{$", "http://", "https://"] {
                assert!(!page.text.contains(forbidden), "{forbidden}: {}", page.text);
            }
            assert_eq!(page.headers["cache-control"], "no-store");
        }
        let all = get(&router, "/?lang=en").await;
        assert!(all.text.contains(&format!("href=\"/lane/{lane}\"")) && all.text.contains("RECORDED #"));
        for (path, code) in [("/lane/nowhere", 404), ("/rig/lane-7", 404), ("/assets/page.css", 404)] {
            assert_eq!(get(&router, path).await.code.as_u16(), code, "{path}");
        }
        let css = english.text.split("stylesheet\" href=\"/assets/").nth(1).unwrap().split('"').next().unwrap();
        let css = get(&router, &format!("/assets/{css}")).await;
        assert_eq!(css.headers["content-type"], "text/css; charset=utf-8");
        assert!(css.headers["cache-control"].contains("immutable"));
        world.stop().await.unwrap();
    });
}

#[test]
fn a_rig_is_run_from_its_page_and_what_is_typed_stays_text() {
    play(async || {
        let mut world = world(Setting::of(STILL)).await;
        world.until(0).await;
        let router = console(&world);
        let rig = world.site.rigs[0].id.clone();
        let path = |rest: &str| format!("/rig/{rig}{rest}");
        let page = get(&router, &path("?lang=en")).await;
        assert_eq!(told(&page.text), ("waiting".to_owned(), "Waiting for the next subject".to_owned()));
        assert!(page.text.contains("no run is going on"));

        // What a refusal says, and nothing happens.
        for (form, code, why) in [
            ("sample=S-1&operator=", 422, "Give the operator"),
            ("sample=&operator=Li+Na", 422, "Scan or type a sample number"),
            ("sample=%0A&operator=Li+Na", 422, "Scan or type a sample number"),
        ] {
            let answer = post(&router, &path("/start?lang=en"), form).await;
            assert_eq!(answer.code.as_u16(), code, "{form}");
            assert!(answer.text.contains(why), "{form}: {}", answer.text);
        }
        let idle = post(&router, &path("/next?lang=en"), "operator=Li+Na").await;
        assert!(idle.code == StatusCode::CONFLICT && idle.text.contains("No run is going on; begin"), "{}", idle.text);

        let started = post(&router, &path("/start"), "sample=%3Cscript%3Ealert(1)%3C%2Fscript%3E&operator=Li+Na").await;
        assert_eq!(started.code, StatusCode::SEE_OTHER);
        assert_eq!(started.headers["location"], path("?done=start"));
        world.until(2 * SECOND).await;
        let page = get(&router, &path("?done=start&lang=en")).await;
        assert_eq!(told(&page.text).0, "open");
        assert!(page.text.contains("Started, and recorded."));
        assert!(
            page.text.contains("&#60;script&#62;alert(1)") && !page.text.contains("<script>alert"),
            "{}",
            page.text
        );
        assert!(page.text.contains("0/3") && page.text.contains("Waiting for the display"), "{}", page.text);
        let again = post(&router, &path("/start?lang=en"), "sample=S-2&operator=Li+Na").await;
        assert!(again.code == StatusCode::CONFLICT && again.text.contains("is running; stop it first"));

        let drill = post(&router, &path("/drill"), "on=yes&operator=%3Cb%3E").await;
        assert_eq!(drill.code, StatusCode::SEE_OTHER);
        let stopped = post(&router, &path("/stop"), "operator=Li+Na").await;
        assert_eq!(stopped.code, StatusCode::SEE_OTHER);
        world.until(3 * SECOND).await;
        let page = get(&router, &path("?done=nonsense&lang=en")).await;
        let (word, sentence) = told(&page.text);
        let (_, disposition) = recorded(&world, &sentence).await.unwrap();
        assert_eq!(word, disposition);
        assert!(page.text.contains("is at drill (&#60;b&#62;"), "{}", page.text);
        assert!(page.text.contains("stopped by the operator"));
        let status = world.stop().await.unwrap();
        let event = |it: tidewaiter_record::Record| match it.body.detail {
            Detail::Event(event) => Some(event.name),
            _ => None,
        };
        let events: Vec<_> = world.centre.records().unwrap().into_iter().filter_map(event).collect();
        let count = |name: &str| events.iter().filter(|it| *it == name).count();
        assert_eq!((count("operator-start"), count("operator-stop"), count("drill-on")), (1, 1, 1), "{events:?}");
        assert!(status.sealed > 0);
    });
}

#[test]
fn what_refuses_a_program_is_json_as_the_description_says() {
    play(async || {
        let mut world = world(Setting::of(STILL)).await;
        world.until(0).await;
        let router = console(&world);
        let facts: Vec<String> = (0..65).map(|it| format!("\"fact-{it}\":\"1\"")).collect();
        let facts = format!("{{\"subject\":\"S-1\",\"operator\":\"Li Na\",\"facts\":{{{}}}}}", facts.join(","));
        for (path, body, code) in [
            ("/api/v1/records?limit=501", None, 400),
            ("/api/v1/records?limit=-1", None, 400),
            ("/api/v1/records?from=9007199254740992", None, 400),
            ("/api/v1/records/-1", None, 400),
            ("/api/v1/findings?open=perhaps", None, 400),
            ("/api/v1/subjects", Some("{"), 400),
            ("/api/v1/subjects", Some("{\"subject\":1}"), 422),
            ("/api/v1/subjects", Some(facts.as_str()), 422),
        ] {
            let request = match body {
                None => Request::get(path).body(Body::empty()),
                Some(body) => Request::post(path)
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(Body::from(body.to_owned())),
            };
            let answer = ask(&router, request.unwrap()).await;
            assert_eq!(answer.code.as_u16(), code, "{path}: {}", answer.text);
            assert_eq!(answer.headers["content-type"], "application/json", "{path}: {}", answer.text);
            let said: BTreeMap<String, String> = serde_json::from_str(&answer.text).unwrap();
            assert!(said.keys().eq(["error"]) && !said["error"].is_empty(), "{path}: {}", answer.text);
        }
        let most = get(&router, "/api/v1/records?limit=500").await;
        assert_eq!(most.code, StatusCode::OK);
        world.stop().await.unwrap();
    });
}

#[test]
fn streams_bring_what_changes_and_are_bounded() {
    play(async || {
        let mut world = world(Setting::of(STILL)).await;
        world.until(0).await;
        let router = console(&world);
        let rig = world.site.rigs[0].id.clone();
        let open = async || {
            let request = Request::get(format!("/events?page=/rig/{rig}&lang=en")).body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap()
        };
        let response = open().await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        let mut stream = response.into_body().into_data_stream();
        let mut heard = String::new();
        while heard.matches("event: beat").count() < 3 {
            heard.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
        }
        for id in ["stage", "run", "figures", "instruments"] {
            assert!(heard.contains(&format!("data: {{\"id\":\"{id}\"")), "{id}: {heard}");
        }
        // What has not changed is not sent again.
        assert_eq!(heard.matches("\"id\":\"stage\"").count(), 1);
        post(&router, &format!("/rig/{rig}/start"), "sample=S-1&operator=Li+Na").await;
        heard.clear();
        while !heard.contains("INSPECTING") {
            heard.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
        }
        let mut seats = vec![stream];
        while seats.len() < 32 {
            seats.push(open().await.into_body().into_data_stream());
        }
        let refused = get(&router, &format!("/events?page=/rig/{rig}&lang=en")).await;
        assert_eq!(refused.code, StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.text.starts_with("Too many pages are open"), "{}", refused.text);
        seats.pop();
        assert_eq!(open().await.status(), StatusCode::OK);
        for page in ["/history", "/rig/nowhere", "", "//", "/rig/", "/lane/../.."] {
            let answer = get(&router, &format!("/events?page={page}")).await;
            assert_eq!(answer.code, StatusCode::NOT_FOUND, "{page}");
        }
        drop(seats);
        world.stop().await.unwrap();
    });
}
