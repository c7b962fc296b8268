//! What the packages promise, as far as it can be held without installing them: sandbox, files, access lists, dashboards,
//! and the example consumers against a real broker. `agent/packaging/trial` installs them.

mod clock;
mod metrics;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use tidewaiter_tests::process::{alone, tell};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the project").to_owned()
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

/// Standard output of a program; `None` where it is not installed.
fn output(program: &str, args: &[&str]) -> Result<Option<String>> {
    match Command::new(program).args(args).current_dir(root()).output() {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            tell(&format!("SKIPPED: {program} is not installed"));
            Ok(None)
        }
        Err(why) => Err(why).context(program.to_owned()),
        Ok(done) => {
            let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            ensure!(done.status.success(), "{program} {args:?}: {}\n{out}{err}", done.status);
            Ok(Some(format!("{out}{err}")))
        }
    }
}

/// What `systemd-analyze security` makes of a unit and drop-ins: tenths, 0 is the least exposed.
fn exposure(unit: &str, drop_ins: &[&str]) -> Result<Option<u32>> {
    let folder = "agent/packaging/systemd";
    let mut text = read(&format!("{folder}/{unit}"))?;
    for drop_in in drop_ins {
        text.push_str("\n[Service]\n");
        text.push_str(&read(&format!("{folder}/drop-ins/{drop_in}"))?);
    }
    let dir = tempfile::tempdir()?;
    let path = dir.path().join(unit);
    fs::write(&path, text)?;
    let path = path.to_str().context("path")?;
    let Some(said) = output("systemd-analyze", &["security", "--offline=true", "--no-pager", path])? else {
        return Ok(None);
    };
    let figure = said
        .lines()
        .rev()
        .find_map(|line| line.split_once("Overall exposure level for")?.1.split_whitespace().nth(1))
        .with_context(|| format!("no figure in: {said}"))?;
    let (whole, tenths) = figure.split_once('.').with_context(|| figure.to_owned())?;
    Ok(Some(whole.parse::<u32>()? * 10 + tenths.parse::<u32>()?))
}

#[test]
fn units_are_exposed_no_more_than_they_need() -> Result<()> {
    let rows: [(&str, &[&str], u32); 4] = [
        ("tidewaiter.service", &[], 13),
        ("tidewaiter.service", &["network.conf"], 12),
        ("tidewaiter-clock.service", &[], 5),
        ("tidewaiter-collector.service", &[], 11),
    ];
    for (unit, drop_ins, most) in rows {
        let Some(exposure) = exposure(unit, drop_ins)? else { return Ok(()) };
        tell(&format!("{unit} {drop_ins:?}: exposure {}.{}", exposure / 10, exposure % 10));
        ensure!(exposure <= most, "{unit} with {drop_ins:?}: {exposure} tenths, {most} at most");
    }
    Ok(())
}

#[test]
fn the_agent_s_unit_leaves_it_what_it_needs() -> Result<()> {
    let unit = read("agent/packaging/systemd/tidewaiter.service")?;
    let has = |line: &str| unit.lines().any(|it| it == line);
    for needed in [
        // the kernel's word on the clock: through the service that may ask, and no other way
        "Wants=tidewaiter-clock.service",
        "After=tidewaiter-clock.service",
        "ProtectClock=yes",
        // boot_id
        "ProcSubset=all",
        // serial lines
        "SupplementaryGroups=dialout",
        "DeviceAllow=char-ttyUSB rw",
        "DeviceAllow=char-ttyACM rw",
        "DeviceAllow=char-ttyS rw",
        // a sandbox that does not keep what it wrote from being run is none
        "NoExecPaths=/ /var/lib/tidewaiter /tmp /var/tmp /dev/shm",
        "ConditionPathExists=/etc/tidewaiter/site.toml",
        "WatchdogSec=30",
        "Restart=always",
    ] {
        ensure!(has(needed), "the unit lacks {needed}");
    }
    // What it starts besides itself cannot be started in there.
    for line in unit.lines().filter(|it| it.starts_with("Exec")) {
        ensure!(
            line.starts_with("ExecPaths=") || line.contains("=/usr/bin/tidewaiter "),
            "{line} cannot run in the sandbox"
        );
    }
    Ok(())
}

#[test]
fn the_clock_s_unit_can_ask_and_nothing_else() -> Result<()> {
    let unit = read("agent/packaging/systemd/tidewaiter-clock.service")?;
    let socket = read("agent/packaging/systemd/tidewaiter-clock.socket")?;
    let has = |text: &str, line: &str| text.lines().any(|it| it == line);
    for needed in [
        "ExecStart=/usr/bin/tidewaiter clock serve",
        "StandardInput=socket",
        "SystemCallFilter=adjtimex clock_adjtime",
        // an upgrade must not leave the old program running
        "PartOf=tidewaiter.service",
        "CapabilityBoundingSet=",
        "PrivateNetwork=yes",
        "DynamicUser=yes",
        "NoExecPaths=/ /tmp /var/tmp /dev/shm",
    ] {
        ensure!(has(&unit, needed), "the unit lacks {needed}");
    }
    let listens = format!("ListenStream={}", tidewaiter_agent::clock::SOCKET);
    for needed in [listens.as_str(), "SocketGroup=tidewaiter", "SocketMode=0660"] {
        ensure!(has(&socket, needed), "the socket lacks {needed}");
    }
    Ok(())
}

#[test]
fn udev_rules_are_well_formed() -> Result<()> {
    let rules = read("agent/packaging/udev/70-tidewaiter.rules")?;
    let (mut labels, mut jumps) = (BTreeSet::new(), BTreeSet::new());
    for line in rules.lines().filter(|it| !it.is_empty() && !it.starts_with('#')) {
        for part in line.split(", ") {
            // key, operator, quoted value (udev(7))
            let (key, value) = part.split_once('"').with_context(|| format!("no value in {part}"))?;
            let value = value.strip_suffix('"').with_context(|| format!("open quote in {part}"))?;
            let key =
                ["==", "!=", "+=", "="].iter().find_map(|it| key.strip_suffix(it)).with_context(|| part.to_owned())?;
            match key {
                "LABEL" => drop(labels.insert(value.to_owned())),
                "GOTO" => drop(jumps.insert(value.to_owned())),
                _ => {}
            }
        }
    }
    ensure!(jumps.is_subset(&labels), "{jumps:?} leads nowhere, there is {labels:?}");
    for vendor in ["0403", "10c4", "1a86", "067b"] {
        ensure!(rules.contains(&format!("ENV{{ID_VENDOR_ID}}==\"{vendor}\"")), "no rule for {vendor}");
    }
    Ok(())
}

#[test]
fn what_the_packages_list_is_there() -> Result<()> {
    for folder in ["agent", "agent/collector", "simulator"] {
        let manifest: toml::Table = read(&format!("{folder}/Cargo.toml"))?.parse()?;
        let deb = &manifest["package"]["metadata"]["deb"];
        let mut listed: Vec<&str> = deb["assets"]
            .as_array()
            .context("assets")?
            .iter()
            .filter_map(|it| it.as_array()?.first()?.as_str())
            .collect();
        listed.extend(deb.get("maintainer-scripts").and_then(toml::Value::as_str));
        for path in listed {
            // Programs, and what `build` generates.
            if path.contains("target/") {
                continue;
            }
            let path = path.split('*').next().unwrap_or(path);
            ensure!(root().join(folder).join(path).exists(), "{folder}: {path} is not there");
        }
    }
    Ok(())
}

#[test]
fn installed_examples_are_right() -> Result<()> {
    let dir = tempfile::tempdir()?;
    output("agent/packaging/sites", &[dir.path().to_str().context("path")?])?.context("the script is there")?;
    let mut sites = 0;
    for entry in fs::read_dir(dir.path().join("usr/share/doc/tidewaiter/sites"))? {
        let (path, text) = (entry?.path(), String::new());
        let text = text + &fs::read_to_string(&path)?;
        let (site, _) = tidewaiter_config::site::site_from_str(&text, Path::new("/etc/tidewaiter"))
            .map_err(|why| anyhow::anyhow!("{}: {why:?}", path.display()))?;
        ensure!(site.store.dir == Path::new("/var/lib/tidewaiter"), "{}: data in {:?}", path.display(), site.store.dir);
        if let Some(tls) = site.uplink.as_ref().and_then(|it| it.tls.as_ref()) {
            // The key for the broker and the key that signs records are both called agent.key.
            ensure!(tls.key.parent() != Some(&site.store.dir), "{}: {:?} is the record key", path.display(), tls.key);
        }
        sites += 1;
    }
    ensure!(sites == fs::read_dir(root().join("config/sites"))?.count(), "{sites} sites");
    let text = read("agent/packaging/etc/collector.toml")?;
    let path = Path::new("/etc/tidewaiter-collector/collector.toml");
    tidewaiter_collector::config::Config::from_toml(&text, path)?;
    Ok(())
}

#[test]
fn every_access_list_says_the_same() -> Result<()> {
    let acl = read("agent/packaging/brokers/mosquitto/acl")?;
    let rules: Vec<&str> = acl.lines().filter(|it| !it.is_empty() && !it.starts_with('#')).collect();
    for place in ["agent/TOPICS.md", "agent/collector/src/ca/acl.rs"] {
        let text = read(place)?;
        for rule in &rules {
            ensure!(text.lines().any(|it| it == *rule), "{place} does not have `{rule}`");
        }
    }
    let emqx = read("agent/packaging/brokers/emqx/acl.conf")?.replace("${username}", "%u");
    for rule in rules.iter().filter(|it| !it.starts_with("user ")) {
        let topic = rule.split_whitespace().last().unwrap_or_default();
        ensure!(emqx.contains(&format!("\"{topic}\"")), "emqx/acl.conf does not have {topic}");
    }
    Ok(())
}

#[test]
fn dashboards_and_alerts_ask_for_metrics_that_exist() -> Result<()> {
    const KNOWN: [&str; 13] = [
        "tidewaiter_records_sealed_total",
        "tidewaiter_unreceipted_age_seconds",
        "tidewaiter_store_bytes",
        "tidewaiter_store_budget_bytes",
        "tidewaiter_link_up",
        "tidewaiter_recording",
        "tidewaiter_uplink_up",
        "tidewaiter_uplink_configured",
        "tidewaiter_fork",
        "tidewaiter_output_fault",
        "tidewaiter_clock_error_seconds",
        "tidewaiter_clock_quality",
        "tidewaiter_verdicts_total",
    ];
    let folder = "agent/packaging/dashboards";
    let dashboard = read(&format!("{folder}/grafana-agents.json"))?;
    let parsed: serde_json::Value = serde_json::from_str(&dashboard)?;
    ensure!(parsed["panels"].as_array().is_some_and(|it| it.len() >= 8), "panels are missing");
    let rules = read(&format!("{folder}/alerts.yml"))?;
    let asked: BTreeSet<&str> = [dashboard.as_str(), rules.as_str()]
        .into_iter()
        .flat_map(|text| text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_'))
        .filter(|it| it.starts_with("tidewaiter_"))
        .collect();
    ensure!(asked == KNOWN.into(), "asked for: {asked:?}");
    if let Ok(source) = read("agent/src/lane/metrics.rs") {
        for name in KNOWN {
            // The library adds prefix, unit and `_total`.
            let stem = name.trim_start_matches("tidewaiter_").trim_end_matches("_total").trim_end_matches("_seconds");
            ensure!(source.contains(&format!("\"{stem}\"")), "/metrics has no {name}");
        }
    }
    let test = format!("{folder}/alerts.test.yml");
    if let Some(said) = output("promtool", &["test", "rules", &test])? {
        tell(&format!("promtool: {}", said.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    Ok(())
}

#[test]
fn dashboard_and_alerts_of_the_centre_ask_for_metrics_that_exist() -> Result<()> {
    let folder = "agent/packaging/dashboards";
    let dashboard = read(&format!("{folder}/grafana-centre.json"))?;
    let parsed: serde_json::Value = serde_json::from_str(&dashboard)?;
    ensure!(parsed["panels"].as_array().is_some_and(|it| it.len() >= 10), "panels are missing");
    let rules = read(&format!("{folder}/alerts-centre.yml"))?;
    let test = format!("{folder}/alerts-centre.test.yml");
    let tried = read(&test)?;
    let asked: BTreeSet<&str> = [dashboard.as_str(), rules.as_str(), tried.as_str()]
        .into_iter()
        .flat_map(|text| text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_'))
        .filter(|it| it.starts_with("tidewaiter_"))
        .map(|it| it.trim_start_matches("tidewaiter_collector_"))
        .collect();
    ensure!(asked.len() >= 18, "asked for: {asked:?}");
    if let Ok(source) = read("agent/collector/src/figures/text.rs") {
        for name in asked {
            // The library adds prefix, unit and `_total`.
            let stem = name.trim_end_matches("_total").trim_end_matches("_seconds");
            ensure!(source.contains(&format!("\"{stem}\"")), "/metrics of the collector has no {name}");
        }
    }
    if let Some(said) = output("promtool", &["test", "rules", &test])? {
        tell(&format!("promtool: {}", said.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    Ok(())
}

#[test]
fn consumers_believe_only_what_proves_itself() -> Result<()> {
    let _alone = alone();
    let venv = root().join("target/test-venv/bin/python");
    let python = std::env::var("TIDEWAITER_PYTHON").unwrap_or_else(|_| venv.display().to_string());
    let said = output(&python, &["tests/packaging/consumer.py"])?.context("no Python: see tests/run")?;
    for line in said.lines().filter(|it| !it.is_empty()) {
        tell(&format!("consumers: {line}"));
    }
    Ok(())
}
