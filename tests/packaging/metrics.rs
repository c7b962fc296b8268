//! Every figure and label that a dashboard or an alert asks for is in what `/metrics` really answers. A misspelt one would show
//! nothing, and never fire.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

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
    process::tell,
    world::{MINUTE, SECOND, Setting, World},
};
use tokio_util::sync::CancellationToken;

use super::{output, read};

const FOLDER: &str = "agent/packaging/dashboards";
const DASHBOARDS: [&str; 2] = ["grafana-agents.json", "grafana-centre.json"];
const ALERTS: [&str; 2] = ["alerts.yml", "alerts-centre.yml"];
const LIGHTS: &str = include_str!("../../simulator/scenes/lane-lights.toml");
/// Labels that Prometheus adds itself.
const ADDED: [&str; 2] = ["instance", "job"];
/// What Prometheus says of a source, not the source of itself.
const PROMETHEUS: [&str; 1] = ["up"];
/// Words of the query language that stand where a name may.
const WORDS: [&str; 4] = ["and", "or", "unless", "bool"];
/// Aggregations, which a list of labels may follow before what they add up.
const AGGREGATES: [&str; 5] = ["sum", "min", "max", "avg", "count"];
/// Words that a list of labels follows.
const LISTS: [&str; 5] = ["by", "without", "on", "ignoring", "group_left"];

/// Samples of an answer: metric, its labels, their values.
type Samples = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// A label that must be there, and the value that it must have.
type Matcher = (String, Option<String>);

/// What a query asks for: metrics with the labels and values they must have, and labels of any of them.
#[derive(Debug, Default, PartialEq)]
struct Query {
    metrics: Vec<(String, Vec<Matcher>)>,
    labels: BTreeSet<String>,
}

/// The text from `open` to its `close`, both left out, and what follows.
fn enclosed(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    text.trim_start().strip_prefix(open)?.split_once(close)
}

/// Reads a query: what matters here of `PromQL`, and of Grafana's `label_values`.
fn query(text: &str) -> Query {
    let mut found = Query::default();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        match first {
            '"' => rest = after.split_once('"').map_or("", |(_, rest)| rest),
            // A range.
            '[' => rest = after.split_once(']').map_or("", |(_, rest)| rest),
            _ if first.is_ascii_digit() => rest = after.trim_start_matches(|it: char| it.is_ascii_alphanumeric()),
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                rest = after;
                if LISTS.contains(&name) {
                    let (list, after) = enclosed(after, '(', ')').unwrap_or(("", after));
                    found.labels.extend(list.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()));
                    rest = after;
                } else if name == "label_values" {
                    let (list, after) = enclosed(after, '(', ')').unwrap_or(("", after));
                    let (metric, label) = list.split_once(',').unwrap_or((list, ""));
                    found.metrics.push((metric.trim().to_owned(), vec![(label.trim().to_owned(), None)]));
                    rest = after;
                } else if !after.starts_with('(') && !WORDS.contains(&name) && !AGGREGATES.contains(&name) {
                    let (list, after) = enclosed(after, '{', '}').unwrap_or(("", after));
                    found.metrics.push((name.to_owned(), list.split(',').filter_map(matcher).collect()));
                    rest = after;
                }
            }
            _ => rest = after,
        }
    }
    found
}

/// `label="value"`; a pattern is no value.
fn matcher(text: &str) -> Option<Matcher> {
    let (label, value) = text.split_once('=')?;
    let exact = value.starts_with('"') && !label.ends_with('!');
    let value = value.trim_start_matches('~').trim_matches('"').to_owned();
    Some((label.trim_end_matches('!').trim().to_owned(), exact.then_some(value)))
}

/// Names in `{{ … }}`, as legends and sentences have them: `{{place}}`, `{{ $labels.place }}`.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|it| it.split_once("}}")).filter_map(|(it, _)| {
        let it = it.trim();
        it.strip_prefix("$labels.").or(Some(it)).filter(|it| !it.starts_with('$') && !it.contains(' '))
    })
}

/// Reads an answer (`OpenMetrics` 1.0 text): samples only.
fn samples(text: &str) -> Result<Samples> {
    let mut found = Samples::new();
    for line in text.lines().filter(|it| !it.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let into = found.entry(name.to_owned()).or_default();
        for (at, part) in labels.trim_end_matches('}').split('"').collect::<Vec<_>>().chunks(2).enumerate() {
            let [label, value] = part else { continue };
            let label = label.trim_start_matches(',').trim_end_matches('=');
            ensure!(!label.is_empty(), "label {at} of {line}");
            into.entry(label.to_owned()).or_default().insert((*value).to_owned());
        }
    }
    Ok(found)
}

/// Everything that is asked: where, the query, and the labels named beside it.
fn asked() -> Result<Vec<(String, String, Vec<String>)>> {
    let mut asked = Vec::new();
    let owned = |text: &str| placeholders(text).map(str::to_owned).collect::<Vec<_>>();
    for file in DASHBOARDS {
        let dashboard: serde_json::Value = serde_json::from_str(&read(&format!("{FOLDER}/{file}"))?)?;
        for panel in dashboard["panels"].as_array().context("panels")? {
            let title = format!("{file}: {}", panel["title"].as_str().context("title")?);
            for target in panel["targets"].as_array().context("targets")? {
                let expr = target["expr"].as_str().context("expr")?;
                asked.push((
                    title.clone(),
                    expr.to_owned(),
                    owned(target["legendFormat"].as_str().unwrap_or_default()),
                ));
            }
        }
        for variable in dashboard["templating"]["list"].as_array().context("templating")? {
            for query in [&variable["query"]["query"], &variable["definition"]].into_iter().filter_map(|it| it.as_str())
            {
                asked.push((format!("{file}: variable {}", variable["name"]), query.to_owned(), Vec::new()));
            }
        }
    }
    for file in ALERTS {
        let rules = read(&format!("{FOLDER}/{file}"))?;
        for rule in rules.split("- alert: ").skip(1) {
            let name = rule.lines().next().unwrap_or_default();
            let expr = expression(rule).with_context(|| name.to_owned())?;
            asked.push((format!("{file}: {name}"), expr, owned(rule)));
        }
    }
    Ok(asked)
}

/// The query of a rule: on its line, or the deeper lines below it.
fn expression(rule: &str) -> Option<String> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines = rule.lines().skip_while(|it| !it.trim().starts_with("expr:"));
    let first = lines.next()?;
    let said = first.trim().strip_prefix("expr:")?.trim();
    if !said.is_empty() && !said.starts_with(['|', '>']) {
        return Some(said.to_owned());
    }
    let below: Vec<&str> = lines.take_while(|it| depth(it) > depth(first)).map(str::trim).collect();
    (!below.is_empty()).then(|| below.join(" "))
}

/// What is wrong with asking `text`, and naming `beside`, of what answered `samples`.
fn faults(samples: &Samples, jobs: &BTreeSet<&str>, text: &str, beside: &[String]) -> Vec<String> {
    let query = query(text);
    let (mut faults, none) = (Vec::new(), BTreeMap::new());
    if query.metrics.is_empty() {
        faults.push("asks for nothing".to_owned());
    }
    let mut known: BTreeSet<&str> = ADDED.into();
    for (metric, labels) in &query.metrics {
        let has = match samples.get(metric) {
            Some(has) => has,
            None if PROMETHEUS.contains(&metric.as_str()) => &none,
            None => {
                faults.push(format!("no {metric}"));
                continue;
            }
        };
        known.extend(has.keys().map(String::as_str));
        for (label, value) in labels {
            match (has.get(label), value) {
                _ if label == "instance" => {}
                (_, Some(value)) if label == "job" && jobs.contains(value.as_str()) => {}
                (_, Some(value)) if label == "job" => faults.push(format!("no job {value} in prometheus.yml")),
                (Some(has), Some(value)) if !has.contains(value) => {
                    faults.push(format!("no {metric}{{{label}={value}}}"));
                }
                (None, _) if label != "job" => faults.push(format!("{metric} has no label {label}")),
                _ => {}
            }
        }
    }
    for label in query.labels.iter().chain(beside) {
        if !known.contains(label.as_str()) {
            faults.push(format!("no label {label} in any of it"));
        }
    }
    faults
}

/// What an agent answers that has seen a lorry of each disposition, over HTTP.
async fn agent() -> Result<String> {
    let mut world = World::start(Setting::of(LIGHTS)).await?;
    world.until(3 * MINUTE + 50 * SECOND).await;
    let stop = CancellationToken::new();
    let address = lane::serve(Local::new(world.agent()), "127.0.0.1:0".parse()?, stop.clone()).await?.commands;
    let text = tokio::task::spawn_blocking(move || got(address)).await??;
    stop.cancel();
    world.stop().await?;
    Ok(text)
}

/// What a collector answers that runs on the store of the same lane, over HTTP.
async fn collector() -> Result<String> {
    let mut world = World::start(Setting { on_disk: true, ..Setting::of(LIGHTS) }).await?;
    world.until(3 * MINUTE + 50 * SECOND).await;
    world.stop().await?;
    world.centre.sign_head()?;
    let (pulse, running) = Pulse::start();
    pulse.connected(true);
    pulse.round(|it| it.receipts_sent = 1);
    let stop = CancellationToken::new();
    let place = world.stand.dir.join("centre").join("collector.db").into();
    let readable = Readable { place, registry: world.stand.registry_path() };
    let address = listen::serve(&Listen { address: "127.0.0.1:0".parse()? }, readable, running, stop.clone()).await?;
    let text = tokio::task::spawn_blocking(move || got(address)).await??;
    stop.cancel();
    Ok(text)
}

fn got(address: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.contains(" 200 "), "{head}");
    Ok(body.to_owned())
}

#[test]
fn every_figure_and_label_asked_for_is_really_answered() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let answers = [("agent", runtime.block_on(agent())?), ("collector", runtime.block_on(collector())?)];
    let mut all = Samples::new();
    for (source, text) in &answers {
        let found = samples(text)?;
        ensure!(found.len() >= 8, "{source} answers {} figures", found.len());
        tell(&format!("/metrics of the {source}: {} figures", found.len()));
        all.extend(found);
    }
    let prometheus = read(&format!("{FOLDER}/prometheus.yml"))?;
    let jobs = prometheus.lines().filter_map(|it| it.trim().strip_prefix("- job_name: ")).collect();
    let asked = asked()?;
    ensure!(asked.len() >= 20, "{} queries", asked.len());
    for file in DASHBOARDS.iter().chain(&ALERTS) {
        let of_it = asked.iter().filter(|(place, ..)| place.starts_with(file)).count();
        ensure!(of_it >= 8, "{of_it} queries in {file}");
    }
    let faults: Vec<String> = asked
        .iter()
        .flat_map(|(place, text, beside)| {
            faults(&all, &jobs, text, beside).into_iter().map(move |it| format!("{place}: {it}, in {text}"))
        })
        .collect();
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    tell(&format!("{} queries of dashboard and alerts ask for what is there", asked.len()));
    Ok(())
}

#[test]
fn a_misspelt_query_is_found() -> Result<()> {
    let answer = "# TYPE tidewaiter_link_up gauge\ntidewaiter_link_up{instrument=\"scale-1\",x=\"a b\"} 1\n\
        tidewaiter_clock_quality{quality=\"U\"} 0\ntidewaiter_fork 0\n# EOF\n";
    let found = samples(answer)?;
    let rows: [(&str, &[&str], usize); 12] = [
        ("tidewaiter_link_up == 0", &["instrument", "instance"], 0),
        ("sum by (instrument) (rate(tidewaiter_link_up{instance=~\"$agent\"}[5m])) > 0.8", &[], 0),
        ("tidewaiter_fork == 1 and on (job, instance) tidewaiter_clock_quality{quality=\"U\"} == 1", &[], 0),
        ("label_values(tidewaiter_fork, instance)", &[], 0),
        ("up{job=\"tidewaiter\"} == 0", &["instance"], 0),
        ("tidewaiter_link_upp == 0", &[], 1),
        ("tidewaiter_link_up{instrumnet=\"scale-1\"}", &[], 1),
        ("tidewaiter_clock_quality{quality=\"u\"} == 1", &[], 1),
        ("sum by (place) (tidewaiter_link_up)", &[], 1),
        ("tidewaiter_fork == 1", &["instrument"], 1),
        ("up{job=\"tidewaitre\"} == 0", &[], 1),
        ("label_values(tidewaiter_fork, agent)", &[], 1),
    ];
    for (text, beside, count) in rows {
        let beside: Vec<String> = beside.iter().map(|it| (*it).to_owned()).collect();
        let faults = faults(&found, &["tidewaiter"].into(), text, &beside);
        ensure!(faults.len() == count, "{text}: {faults:?}");
    }
    Ok(())
}

#[test]
fn prometheus_takes_rules_and_configuration() -> Result<()> {
    let (rules, config) = (format!("{FOLDER}/alerts.yml"), format!("{FOLDER}/prometheus.yml"));
    let centre = format!("{FOLDER}/alerts-centre.yml");
    for args in [["check", "rules", &rules], ["check", "config", &config], ["check", "rules", &centre]] {
        let Some(said) = output("promtool", &args)? else { return Ok(()) };
        ensure!(said.contains("SUCCESS"), "promtool {args:?}: {said}");
        tell(&format!("promtool {}: {}", args[..2].join(" "), said.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    Ok(())
}
