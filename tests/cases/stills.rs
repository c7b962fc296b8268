//! Cameras in the simulated lane: every still belongs to its inspection, and what is missed is an event.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::OnceLock,
    thread,
    time::Duration,
};

use tidewaiter_config::site::{Camera, Site, StillMoment};
use tidewaiter_record::body::Detail;
use tidewaiter_tests::world::{MINUTE, SECOND, Setting};

use super::{expect_whole, play, quiet, world};

const LIGHTS: &str = include_str!("../../simulator/scenes/lane-lights.toml");
/// First and last bytes of a JPEG around more than a record holds inline.
fn picture() -> Vec<u8> {
    [&b"\xFF\xD8\xFF\xE0"[..], &vec![7; 40_000], b"\xFF\xD9"].concat()
}

/// A server that answers `/still` with a picture and everything else with a page.
fn address() -> &'static str {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    ADDRESS.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = [0; 1024];
                let read = stream.read(&mut head).unwrap_or(0);
                let body = if head[..read].starts_with(b"GET /still") { picture() } else { b"<html>".to_vec() };
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(&[head.as_bytes(), &body].concat());
            }
        });
        address
    })
}

fn cameras(site: &mut Site) {
    let camera = |id: &str, path: &str, on: &[StillMoment]| Camera {
        id: id.to_owned(),
        place: "lane-7".to_owned(),
        url: format!("http://{}/{path}?pwd=secret", address()),
        login: None,
        ca: None,
        timeout: Duration::from_secs(5),
        max_bytes: 1 << 20,
        on: on.to_vec(),
    };
    site.cameras = vec![
        camera("front", "still.jpg", &[StillMoment::Start, StillMoment::Alarm]),
        camera("broken", "index.html", &[StillMoment::End]),
    ];
}

#[test]
fn every_lorry_has_its_still_and_every_miss_its_event() {
    play(async || {
        let mut world = world(Setting { site: cameras, ..Setting::of(LIGHTS) }).await;
        world.until(quiet(&world, 3 * MINUTE + 30 * SECOND)).await;
        let status = world.stop().await.unwrap();
        let records = world.centre.records().unwrap();
        let of = |record: &tidewaiter_record::Record| match &record.body.detail {
            Detail::Evidence(it) if it.instrument.as_deref() == Some("front") => {
                assert!(it.flags.simulated);
                assert_eq!((it.media.as_str(), it.size), ("image/jpeg", picture().len() as u64));
                assert_eq!(world.centre.content(it.hash), picture());
                assert!(it.facts["offset-ms"].parse::<u32>().unwrap() < 5_000);
                assert!(it.facts["url"].ends_with("/still.jpg"), "{:?}", it.facts);
                Some(format!("{} {}", it.inspection.as_deref().unwrap_or("-"), it.facts["moment"]))
            }
            Detail::Event(it) if it.name == "camera-missed" => {
                assert_eq!(it.subject.as_deref(), Some("broken"));
                assert!(it.facts.values().all(|it| !it.contains("secret")));
                Some(format!("{} {} missed: {}", it.facts["inspection"], it.facts["moment"], it.facts["reason"]))
            }
            _ => None,
        };
        let mut told: Vec<String> = records.iter().filter_map(of).collect();
        told.sort();
        let ids: Vec<String> = world.centre.inspections().unwrap().into_iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), 3);
        let mut ought: Vec<String> = ids
            .iter()
            .flat_map(|id| [format!("{id} start"), format!("{id} end missed: not-a-still")])
            .chain([format!("{} alarm", ids[2])])
            .collect();
        ought.sort();
        assert_eq!(told, ought, "{}", world.cost("stills"));
        expect_whole(&world, status.sealed);
    });
}
