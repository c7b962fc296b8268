//! The figures of a running agent, read by the parser of Prometheus' own Python client.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context as _, Result, ensure};
use tidewaiter_agent::lane::{self, Local};
use tidewaiter_tests::{
    process::run,
    tool,
    world::{MINUTE, SECOND, Setting, World},
};
use tokio_util::sync::CancellationToken;

use super::verifier::interpreter;

const PARSER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/metrics.py");
const LIGHTS: &str = include_str!("../../simulator/scenes/lane-lights.toml");

pub(super) fn parsed() -> Result<()> {
    let Some(python) = interpreter() else { return Ok(()) };
    if !run(Command::new(&python).args(["-c", "import prometheus_client"])).is_ok_and(|it| it.code == 0) {
        tool::missing(
            "no Python with the package prometheus_client",
            "target/test-venv/bin/pip install -r tests/interop/requirements.txt",
        );
        return Ok(());
    }
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
