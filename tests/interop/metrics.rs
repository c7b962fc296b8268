//! The figures of a running agent, read by the parser of Prometheus' own Python client.

use std::{collections::BTreeMap, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};
use tidewaiter_agent::lane::{self, Local};
use tidewaiter_collector::{
    config::Listen,
    figures::{
        listen::{self, Readable},
        running::Pulse,
    },
};
use tidewaiter_tests::{
    process::run,
    tool,
    world::{MINUTE, SECOND, Setting, World},
};
use tokio_util::sync::CancellationToken;

use super::verifier::interpreter;

const PARSER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/metrics.py");
const LIGHTS: &str = include_str!("../../simulator/scenes/lane-lights.toml");

/// A Python with the client of Prometheus.
fn python() -> Option<PathBuf> {
    let python = interpreter()?;
    if !run(Command::new(&python).args(["-c", "import prometheus_client"])).is_ok_and(|it| it.code == 0) {
        tool::missing(
            "no Python with the package prometheus_client",
            "target/test-venv/bin/pip install -r tests/interop/requirements.txt",
        );
        return None;
    }
    Some(python)
}

pub(super) fn parsed() -> Result<()> {
    let Some(python) = python() else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(async {
        let mut world = World::start(Setting::of(LIGHTS)).await?;
        world.until(3 * MINUTE + 50 * SECOND).await;
        let stop = CancellationToken::new();
        let local = Local::new(world.agent());
        let address = lane::serve(local, "127.0.0.1:0".parse()?, stop.clone()).await?.commands;
        let url = format!("http://{address}/metrics");
        // Time stands still while a blocking task works, so what is parsed is one moment.
        let parse = move || run(Command::new(python).arg(PARSER).arg(url));
        let ended = tokio::task::spawn_blocking(parse).await??;
        ensure!(ended.code == 0, "{}", ended.stderr);
        let found: BTreeMap<String, f64> = serde_json::from_str(&ended.stdout).context(ended.stdout.clone())?;
        let report = Local::new(world.agent()).report();
        let is = |name: &str, ought: f64| -> Result<()> {
            let value = *found.get(name).with_context(|| format!("{name} is missing in {found:#?}"))?;
            ensure!((value - ought).abs() < 0.001, "{name} is {value}, not {ought}");
            Ok(())
        };
        #[allow(clippy::cast_precision_loss, reason = "some hundreds")]
        let sealed = report.counters.sealed as f64;
        is("tidewaiter_records_sealed_total", sealed)?;
        is("tidewaiter_recording", 1.0)?;
        is("tidewaiter_uplink_up", 1.0)?;
        is("tidewaiter_link_up{instrument=gamma-1}", 1.0)?;
        is("tidewaiter_output_fault{output=io-7,place=lane-7}", 0.0)?;
        for disposition in ["clear", "refer", "alarm"] {
            is(&format!("tidewaiter_verdicts_total{{disposition={disposition},place=lane-7}}"), 1.0)?;
        }
        let readings = found.get("tidewaiter_instrument_readings_total{instrument=scale-1}").copied().unwrap_or(0.0);
        ensure!(readings > 1_000.0, "{readings} readings of the scale");
        ensure!(found.keys().any(|it| it.starts_with("tidewaiter_limit_table_info{") && it.contains("gross-mass")));
        ensure!(
            found.contains_key("tidewaiter_unreceipted_age_seconds") && found.contains_key("tidewaiter_store_bytes")
        );
        // Nothing that passes may become a label: neither plates nor inspections nor record numbers.
        for plate in ["粤B12345", "粤B23456", "粤B34567", "lane-7-1-"] {
            ensure!(found.keys().all(|it| !it.contains(plate)), "{plate} is in the figures");
        }
        println!("{} samples, all of them read", found.len());
        stop.cancel();
        world.stop().await?;
        Ok(())
    })
}

/// The figures of a centre that has taken what a lane sealed.
pub(super) fn centre() -> Result<()> {
    let Some(python) = python() else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(async {
        let mut world = World::start(Setting { on_disk: true, ..Setting::of(LIGHTS) }).await?;
        world.until(3 * MINUTE + 50 * SECOND).await;
        world.stop().await?;
        let (pulse, running) = Pulse::start();
        pulse.connected(true);
        pulse.round(|it| it.receipts_sent = 17);
        let stop = CancellationToken::new();
        let place = world.stand.dir.join("centre").join("collector.db").into();
        let readable = Readable { place, registry: world.stand.registry_path() };
        let address =
            listen::serve(&Listen { address: "127.0.0.1:0".parse()? }, readable, running, stop.clone()).await?;
        let url = format!("http://{address}/metrics");
        let ended = tokio::task::spawn_blocking(move || run(Command::new(python).arg(PARSER).arg(url))).await??;
        ensure!(ended.code == 0, "{}", ended.stderr);
        let found: BTreeMap<String, f64> = serde_json::from_str(&ended.stdout).context(ended.stdout.clone())?;
        let summary = world.centre.summary()?;
        #[allow(clippy::cast_precision_loss, reason = "some hundreds")]
        let expected = [
            ("records_stored_total", summary.records as f64),
            ("records_receipted_total", summary.receipted as f64),
            ("messages_received_total", summary.received as f64),
            ("recomputed_total", summary.recomputed as f64),
            ("receipts_sent_total", 17.0),
            ("broker_up", 1.0),
            ("store_readable", 1.0),
            ("chains", 1.0),
            ("agents", 1.0),
            ("agents_unseen", 0.0),
            ("gaps_open", 0.0),
            ("chains_held{reason=evidence}", 0.0),
            ("refusals_total{cause=signature}", 0.0),
            ("refusals_total{cause=equivocation}", 0.0),
            ("doubts_total{cause=verdict-drift}", 0.0),
            ("incidents{kind=fork}", 0.0),
        ];
        for (name, ought) in expected {
            let name = format!("tidewaiter_collector_{name}");
            let value = *found.get(&name).with_context(|| format!("{name} is missing in {found:#?}"))?;
            ensure!((value - ought).abs() < 0.001, "{name} is {value}, not {ought}");
        }
        ensure!(summary.records > 5 && found.get("tidewaiter_collector_store_bytes") > Some(&10_000.0), "{found:#?}");
        ensure!(found.contains_key("tidewaiter_collector_store_free_bytes"), "{found:#?}");
        let silent = found.keys().filter(|it| it.starts_with("tidewaiter_collector_agent_silent_seconds{")).count();
        ensure!(silent == 1, "{silent} agents are named");
        println!("{} samples of the centre, all of them read", found.len());
        stop.cancel();
        Ok(())
    })
}
