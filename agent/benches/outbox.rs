//! How fast records become durable, beside what the disk and the signature allow at all.
//!
//! `cargo bench -p tidewaiter-agent --bench outbox` prints, for one record at a time and for bursts, sealed records per
//! second and their ratio to an append with `fdatasync` of the same bytes in the same groups, in the same run. The
//! ratio is the figure; the rates depend on the disk of the day.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tidewaiter_agent::{
    clock::{Policy, SystemClock},
    outbox::{Draft, Identity, Keeper, Outbox, Settings, SqliteStore},
    seal,
};
use tidewaiter_record::{
    ChainId, Ed25519Signer, Hash, Signer,
    body::{Context, Detail, Event},
};
use tokio_util::sync::CancellationToken;

const CHAIN: ChainId = ChainId([1; 16]);
const SPAN: Duration = Duration::from_secs(3);
/// Bytes of filler that bring an event to the size of an interval record.
const FILLER: usize = 300;

fn draft() -> Draft {
    let facts: BTreeMap<String, String> = [("filler".to_owned(), "x".repeat(FILLER))].into();
    Draft {
        place: "lane-7".into(),
        id: None,
        detail: Detail::Event(Event { name: "bench".into(), subject: None, facts }),
        alert: false,
        closes: None,
        notes: Vec::new(),
    }
}

async fn seal_for(outbox: &Outbox, writers: usize) -> f64 {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let outbox = outbox.clone();
            tokio::spawn(async move {
                let mut sealed = 0_u32;
                while begun.elapsed() < SPAN {
                    outbox.seal(draft()).await.unwrap();
                    sealed += 1;
                }
                sealed
            })
        })
        .collect();
    let mut sealed = 0;
    for task in tasks {
        sealed += task.await.unwrap();
    }
    f64::from(sealed) / begun.elapsed().as_secs_f64()
}

/// Appends of `group` records of `bytes`, each group made durable.
fn append_for(dir: &Path, group: usize, bytes: usize) -> f64 {
    let mut file = File::create(dir.join("raw")).unwrap();
    let block = vec![0x5a; bytes * group];
    let begun = Instant::now();
    let mut groups = 0_u32;
    while begun.elapsed() < SPAN {
        file.write_all(&block).unwrap();
        file.sync_data().unwrap();
        groups += 1;
    }
    f64::from(groups) * group as f64 / begun.elapsed().as_secs_f64()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let signer = Arc::new(Ed25519Signer::from_seed(&[9; 32]));
    let begun = Instant::now();
    let mut signatures = 0_u32;
    while begun.elapsed() < Duration::from_secs(1) {
        signer.sign(&[0; 512]).unwrap();
        signatures += 1;
    }
    println!("Ed25519 signatures of 512 bytes: {signatures}/s on one core");
    runtime.block_on(async {
        let store = SqliteStore::open(dir.path(), CHAIN, 2 << 30).unwrap();
        let identity = Identity {
            agent: "bench".into(),
            chain: CHAIN,
            statement: Hash([0; 32]),
            context: Context { software: "bench".into(), config: [0; 32] },
        };
        let settings = Settings { keep_ms: i64::MAX, clock: Policy::default() };
        let (keeper, outbox) =
            Keeper::open(Box::new(store), signer, Arc::new(SystemClock), identity, settings, seal::interrupted)
                .await
                .unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(keeper.run(stop.clone()));
        let probe = outbox.seal(draft()).await.unwrap();
        let bytes = outbox.entries(probe.seq, 1).await.unwrap().unwrap()[0].bytes.len();
        println!("record of {bytes} bytes; medians of 3 interleaved rounds");
        for (name, writers) in [("one at a time", 1), ("64 at once", 64)] {
            let mut rounds: Vec<(f64, f64)> = Vec::new();
            for _ in 0..3 {
                let raw = append_for(dir.path(), writers, bytes);
                rounds.push((seal_for(&outbox, writers).await, raw));
            }
            rounds.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
            let (sealed, raw) = rounds[1];
            println!(
                "{name}: sealed and durable {sealed:.0}/s, raw append + fdatasync {raw:.0}/s, ratio {:.2}",
                sealed / raw
            );
        }
        stop.cancel();
        task.await.unwrap().unwrap();
    });
}
