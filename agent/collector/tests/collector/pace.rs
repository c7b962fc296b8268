//! How many records a store takes in a second, against what the disk and the server can do at all in the same run.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::FileExt as _,
    time::{Duration, Instant},
};

use tidewaiter_collector::{Incoming, store::Place};
use tidewaiter_record::Sealed;

use crate::{
    home::{Home, client},
    writer::{NOW, Writer, core_on},
};

/// Longest time for one figure.
const SPAN: Duration = Duration::from_secs(2);

/// Things per second.
fn rate(mut step: impl FnMut() -> usize) -> f64 {
    let began = Instant::now();
    let mut done = 0;
    while began.elapsed() < SPAN {
        match step() {
            0 => break,
            more => done += more,
        }
    }
    f64::from(u32::try_from(done).unwrap()) / began.elapsed().as_secs_f64()
}

/// Records per second through the whole core, in commits of `size`.
fn records(home: &Home, sealed: &[Sealed], agent: &Writer, size: usize) -> f64 {
    let place = home.beside(&format!("pace-{size}"));
    let mut core = core_on(place.open().unwrap(), &[agent]);
    let mut batches = sealed.chunks(size);
    rate(|| {
        let Some(batch) = batches.next() else { return 0 };
        let messages: Vec<Incoming<&[u8]>> = batch
            .iter()
            .map(|it| Incoming { topic: agent.topic(), bytes: it.bytes.as_slice(), received_ms: NOW })
            .collect();
        core.accept_batch(&messages).unwrap();
        batch.len()
    })
}

#[test]
fn records_per_second_against_the_disk() {
    let mut agent = Writer::new("gate-07", 1);
    let sealed = agent.events(12_000);
    let folder = tempfile::tempdir().unwrap();
    // Overwritten in place, as databases write their logs: a file that grows costs a second write of its size.
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(folder.path().join("raw")).unwrap();
    file.write_all(&vec![1; 16 << 20]).and_then(|()| file.sync_all()).unwrap();
    let mut place = 0;
    let flushes = rate(|| {
        place = (place + 8_192) % (16 << 20);
        file.write_all_at(&sealed[0].bytes, place).and_then(|()| file.sync_data()).unwrap();
        1
    });
    println!("raw write and fdatasync, one record each:      {flushes:8.0}/s");
    let tell = |name: &str, each: f64, base: (&str, f64)| {
        println!("{name:46} {each:8.0}/s  {:6.2} × {}", each / base.1, base.0);
    };
    let file = Home::file();
    for size in [1, 64] {
        let each = records(&file, &sealed, &agent, size);
        assert!(each > 0.0);
        tell(&format!("file, commits of {size}"), each, ("fdatasync", flushes));
    }
    let Some(server) = Home::server() else { return };
    let Place::Server(it) = &server.place else { panic!() };
    let mut own = client(&it.url);
    // As durable as ours: the server may be set up otherwise.
    own.batch_execute("CREATE TABLE raw (bytes bytea); SET synchronous_commit = on").unwrap();
    let insert = own.prepare("INSERT INTO raw VALUES ($1)").unwrap();
    let commits = rate(|| {
        own.execute(&insert, &[&sealed[0].bytes]).unwrap();
        1
    });
    tell("server, bare inserts of one row, one commit each", commits, ("fdatasync", flushes));
    for size in [1, 64] {
        let each = records(&server, &sealed, &agent, size);
        assert!(each > 0.0);
        tell(&format!("server, commits of {size}"), each, ("bare insert", commits));
    }
}
