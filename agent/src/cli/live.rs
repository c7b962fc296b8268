//! `tidewaiter read` and `tidewaiter try`: what an instrument says, with the raw bytes beside the values.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use serde_json::json;
use tidewaiter_config::{
    profile::{self, Profile},
    site::{Link, Polling, Protocol, Site, site_from_str},
};
use tidewaiter_console::note;
use tidewaiter_drivers::reading::Outcome;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    FINDING, Failure, OK, Outcome as Exit, operate,
    output::{outln, said},
    place,
};
use crate::{
    acquire::{self, Arrival, Content, Counters, LinkState, SystemOpener},
    clock::SystemClock,
    wiring::Target,
};

/// Arrivals that may wait to be printed.
const WAITING: usize = 256;

/// Options of `tidewaiter read`.
#[derive(Debug, Args)]
pub(super) struct ReadArgs {
    /// Instrument id of the site file; all of them without it.
    #[arg(value_name = "INSTRUMENT")]
    instrument: Option<String>,
    /// Site file. Without --record the agent must not be running: a port has one owner.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: PathBuf,
    /// Stop after this many seconds; Ctrl-C stops at any time.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// Record the next reading as a record of its own, by the running agent.
    #[arg(long, requires_all = ["instrument", "operator"], conflicts_with = "seconds")]
    record: bool,
    /// With --record: only this channel.
    #[arg(long, requires = "record")]
    channel: Option<String>,
    /// With --record: the sample it is taken of.
    #[arg(long, requires = "record")]
    sample: Option<String>,
    /// With --record: who asks.
    #[arg(long, env = "TIDEWAITER_OPERATOR")]
    operator: Option<String>,
}

/// Options of `tidewaiter try`.
#[derive(Debug, Args)]
pub(super) struct TryArgs {
    /// Profile file.
    #[arg(value_name = "PROFILE")]
    profile: PathBuf,
    /// Port: tcp://HOST:PORT or serial:///dev/…?baud=9600&format=8N1; without it only the test vectors are run.
    #[arg(long, value_name = "TARGET")]
    port: Option<Target>,
    /// Modbus unit id.
    #[arg(long, default_value_t = 1)]
    unit_id: u8,
    /// Stop after this many seconds.
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 10)]
    seconds: u64,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn read(args: &ReadArgs) -> Exit {
    if args.record {
        return record(args);
    }
    let mut site = place::site(&args.config)?;
    if let Some(wanted) = &args.instrument {
        if site.instrument(wanted).is_none() {
            let known: Vec<&str> = site.instruments.iter().map(|it| it.id.as_str()).collect();
            return Err(Failure::usage(said!(
                "read-unknown",
                wanted = format!("{wanted:?}"),
                known = known.join(", ")
            )));
        }
        // Others on the same port keep their place in the plan, as they would with the agent.
        let port = site.instrument(wanted).map(|it| it.port.clone()).unwrap_or_default();
        site.ports.retain(|it| it.id == port);
        site.instruments.retain(|it| it.port == port);
    }
    watch(&site, args.instrument.as_deref(), args.seconds, args.json)
}

/// Has the running agent record the next reading.
fn record(args: &ReadArgs) -> Exit {
    let body = json!({
        "instrument": args.instrument, "channel": args.channel, "sample": args.sample, "operator": args.operator,
    });
    let place = super::Place { config: Some(args.config.clone()), data_dir: None };
    operate::answered(place.running()?, "readings", &body, |answer| {
        for it in answer.get("records").and_then(serde_json::Value::as_array).into_iter().flatten() {
            if args.json {
                outln!("{it}");
                continue;
            }
            let text = |key: &str| it.get(key).map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
            let told = text("missing").unwrap_or_else(|| {
                let parts = ["value", "unit", "quality"].map(|key| text(key).unwrap_or_default());
                parts.join(" ")
            });
            let (number, channel) = (text("seq").unwrap_or_default(), text("channel").unwrap_or_default());
            outln!("{}", said!("read-recorded", number = number, channel = channel, said = told));
        }
        Ok(())
    })
}

pub(super) fn try_profile(args: &TryArgs) -> Exit {
    let text = std::fs::read_to_string(&args.profile)
        .map_err(|why| Failure::environment(format!("{}: {why}", args.profile.display())))?;
    let name = args.profile.display().to_string();
    let (loaded, doubts) =
        profile::load_any(&name, &text).map_err(|report| Failure { code: FINDING, message: report.to_string() })?;
    if !doubts.to_string().is_empty() {
        note(format_args!("{}", doubts.to_string().trim_end()));
    }
    let (id, vectors) = match &loaded {
        Profile::Registers(it) => (&it.id, it.vectors.len()),
        Profile::Line(it) => (&it.id, it.vectors.len()),
    };
    note(format_args!("{}", said!("try-holds", id = id, vectors: vectors)));
    let Some(target) = &args.port else { return Ok(OK) };
    let site = site_of(args, &loaded, target)?;
    watch(&site, None, Some(args.seconds), args.json)
}

/// A site with nothing but this profile on this port.
fn site_of(args: &TryArgs, loaded: &Profile, target: &Target) -> Result<Site, Failure> {
    // A shipped profile holds the place in the text; the one to be tried takes it afterwards. So neither its folder
    // nor a shipped profile of the same id stands in the way.
    let (section, protocol) = match loaded {
        Profile::Registers(_) => (
            true,
            format!(
                "[instruments.registers]\nprofile = \"gamma-dose-rate-generic\"\nunit_id = {}\npoll = \"1 s\"\ntimeout = \"500 ms\"\n",
                args.unit_id
            ),
        ),
        Profile::Line(_) => (false, "[instruments.line]\nprofile = \"coal-gauge-csv\"\n".to_owned()),
    };
    let port = match (target.stream(), section) {
        (Link::Tcp { host, port }, true) => format!("[ports.modbus_tcp]\naddress = \"{host}:{port}\"\n"),
        (Link::Tcp { host, port }, false) => format!("[ports.tcp]\naddress = \"{host}:{port}\"\n"),
        (Link::Serial(line), modbus) => {
            let parity = match line.parity {
                tidewaiter_config::site::Parity::None => "none",
                tidewaiter_config::site::Parity::Even => "even",
                tidewaiter_config::site::Parity::Odd => "odd",
            };
            let kind = if modbus { "modbus_rtu" } else { "serial" };
            format!(
                "[ports.{kind}]\npath = {:?}\nbaud = {}\ndata_bits = {}\nparity = \"{parity}\"\nstop_bits = {}\n",
                line.path.display().to_string(),
                line.baud,
                line.data_bits,
                line.stop_bits
            )
        }
        _ => return Err(Failure::usage(said!("try-no-port"))),
    };
    let text = format!(
        "version = 1\n[site]\nid = \"try\"\nagent = \"try\"\nname = \"try\"\n[store]\ndir = \"data\"\nbudget = \"64 MiB\"\nkeep = \"1 d\"\n\
         [local]\nlisten = \"127.0.0.1:0\"\n[[ports]]\nid = \"port\"\n{port}[[instruments]]\nid = \"it\"\nport = \"port\"\n{protocol}"
    );
    let (mut site, _) = site_from_str(&text, std::path::Path::new(".")).map_err(Failure::usage)?;
    for instrument in &mut site.instruments {
        match (&mut instrument.protocol, loaded) {
            (Protocol::Registers { profile, .. }, Profile::Registers(it)) => *profile = it.clone(),
            (Protocol::Line { profile, polling }, Profile::Line(it)) => {
                *profile = it.clone();
                *polling = it.request.as_ref().map(|request| Polling {
                    poll: request.poll,
                    timeout: request.timeout,
                    echo: request.echo,
                });
            }
            _ => {}
        }
    }
    Ok(site)
}

/// Prints what comes until time or Ctrl-C; exit code 1 when no value came at all.
fn watch(site: &Site, only: Option<&str>, seconds: Option<u64>, json: bool) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::environment)?;
    runtime.block_on(async {
        let (out, mut arrivals) = mpsc::channel(WAITING);
        let stop = CancellationToken::new();
        let counters = Arc::new(Counters::new(site));
        let mut tasks =
            acquire::spawn(site, Arc::new(SystemClock), Arc::new(SystemOpener), out, Arc::clone(&counters), stop.clone());
        let end = tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(u64::from(u32::MAX))));
        tokio::pin!(end);
        let mut values = 0_u64;
        loop {
            tokio::select! {
                arrival = arrivals.recv() => match arrival {
                    Some(arrival) if only.is_none_or(|only| *arrival.instrument == *only) => values += show(&arrival, json),
                    Some(_) => {}
                    None => break,
                },
                () = &mut end => break,
                pressed = tokio::signal::ctrl_c() => { pressed.map_err(Failure::environment)?; break; }
            }
        }
        stop.cancel();
        drop(arrivals);
        while tasks.join_next().await.is_some() {}
        for (instrument, counts) in counters.snapshot() {
            let told = said!(
                "read-counts",
                instrument = instrument,
                readings = counts.readings,
                refused = counts.frames_refused,
                garbage = counts.garbage_bytes,
                missing = format!("{:?}", counts.missing)
            );
            note(format_args!("{told}"));
        }
        Ok(if values > 0 { OK } else { FINDING })
    })
}

/// Prints an arrival; how many values it held.
fn show(arrival: &Arrival, json: bool) -> u64 {
    let raw = hex::encode(&arrival.raw);
    match &arrival.content {
        Content::Readings(readings) => {
            let mut raw = Some(raw);
            for reading in readings {
                line(&arrival.instrument, &reading.channel, reading.outcome, raw.take().as_deref().unwrap_or(""), json);
            }
            readings.iter().filter(|it| it.outcome.is_ok()).count() as u64
        }
        Content::Missing(missing) => {
            line(&arrival.instrument, "*", Err(*missing), &raw, json);
            0
        }
        Content::Link(state) => {
            let id = if *state == LinkState::Up { "read-connected" } else { "read-disconnected" };
            note(format_args!("{}", said!(id, instrument = arrival.instrument)));
            0
        }
        Content::Identity(mark) => {
            text(&arrival.instrument, mark.kind, &mark.text, &raw, json);
            1
        }
        other => {
            text(&arrival.instrument, "line", &format!("{other:?}"), &raw, json);
            1
        }
    }
}

fn line(instrument: &str, channel: &str, outcome: Outcome, raw: &str, json: bool) {
    match (outcome, json) {
        (Ok(it), false) => outln!(
            "{instrument:<12} {channel:<20} {:>14} {:<10} {:<12} {raw}",
            it.value.to_string(),
            it.unit.code(),
            it.quality.word()
        ),
        (Err(missing), false) => {
            outln!("{instrument:<12} {channel:<20} {:>14} {:<10} {:<12} {raw}", "–", "", missing.to_string());
        }
        (Ok(it), true) => outln!(
            "{}",
            json!({ "instrument": instrument, "channel": channel, "value": it.value.to_string(), "unit": it.unit.code(), "quality": it.quality.word(), "raw": raw })
        ),
        (Err(missing), true) => {
            outln!(
                "{}",
                json!({ "instrument": instrument, "channel": channel, "missing": missing.to_string(), "raw": raw })
            );
        }
    }
}

fn text(instrument: &str, kind: &str, text: &str, raw: &str, json: bool) {
    if json {
        outln!("{}", json!({ "instrument": instrument, "kind": kind, "text": text, "raw": raw }));
    } else {
        outln!("{instrument:<12} {kind:<20} {text} {raw}");
    }
}
