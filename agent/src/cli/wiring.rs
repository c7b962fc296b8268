//! `tidewaiter probe` and `tidewaiter listen`.

use std::{
    fs::File,
    io::Read,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;
use tokio::io::AsyncReadExt;

use super::{
    FINDING, Failure, OK, Outcome,
    output::{outln, said},
};
use crate::{
    acquire::{Opener, SystemOpener},
    wiring::{
        Fit, Listener, Observation, Target,
        probe::{Effort, Found, probe},
    },
};

/// Bytes taken at once.
const PIECE: usize = 4096;
/// Unit ids asked when none are given: what a Modbus TCP device answers to, and where makers start counting.
const UNITS: [u8; 8] = [1, 255, 0, 2, 3, 4, 5, 10];

/// Options of `tidewaiter listen`.
#[derive(Debug, Args)]
pub(super) struct ListenArgs {
    /// tcp://HOST:PORT or serial:///dev/…?baud=9600&format=8N1
    #[arg(value_name = "TARGET", required_unless_present = "file")]
    target: Option<Target>,
    /// A capture instead of a port.
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    file: Option<PathBuf>,
    /// Stop after this many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// One JSON object a line: protocol, channel, value, unit, stable, raw.
    #[arg(long)]
    json: bool,
}

/// Options of `tidewaiter probe`.
#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// tcp://HOST:PORT or serial:///dev/…; settings that are not given are tried.
    #[arg(value_name = "TARGET")]
    target: Target,
    /// Modbus unit ids to ask, e.g. 1,2,17 or 1-247.
    #[arg(long, value_name = "IDS", value_parser = units)]
    units: Option<Units>,
    /// Only listen, send nothing.
    #[arg(long)]
    quiet: bool,
    /// Milliseconds each setting is listened to.
    #[arg(long, default_value_t = 1500)]
    listen_ms: u64,
    /// Milliseconds an answer may take.
    #[arg(long, default_value_t = 300)]
    answer_ms: u64,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// A set of unit ids.
#[derive(Clone, Debug)]
pub(super) struct Units(Vec<u8>);

fn units(text: &str) -> Result<Units, String> {
    let refused = || format!("{text:?} are no unit ids; write 1,2,17 or 1-247");
    let mut found = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (u8, u8) =
            (from.trim().parse().map_err(|_| refused())?, to.trim().parse().map_err(|_| refused())?);
        found.extend(from..=to);
    }
    if found.is_empty() { Err(refused()) } else { Ok(Units(found)) }
}

pub(super) fn listen(args: &ListenArgs) -> Outcome {
    let mut listener = Listener::default();
    match (&args.file, &args.target) {
        (Some(path), _) => {
            let mut file =
                File::open(path).map_err(|why| Failure::environment(format!("{}: {why}", path.display())))?;
            let mut piece = vec![0; PIECE];
            // A file is heard twice: only once it is known what fits may a value be shown.
            let mut bytes = Vec::new();
            while bytes.len() < MOST_OF_A_FILE {
                let read =
                    file.read(&mut piece).map_err(|why| Failure::environment(format!("{}: {why}", path.display())))?;
                if read == 0 {
                    break;
                }
                bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
            }
            listener.hear(&bytes, |_| {});
            let fits = listener.fits();
            Listener::default().hear(&bytes, |observation| {
                if fits.iter().any(|fit| fit.fits && fit.protocol == observation.protocol) {
                    show(&observation, args.json);
                }
            });
        }
        (None, Some(target)) => {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::environment)?;
            runtime.block_on(live(target, args, &mut listener))?;
        }
        (None, None) => return Err(Failure::usage(said!("listen-what"))),
    }
    Ok(conclude(&listener, args.json))
}

/// The part of a capture that is heard: an hour at 115200 Bd.
const MOST_OF_A_FILE: usize = 64 << 20;

async fn live(target: &Target, args: &ListenArgs, listener: &mut Listener) -> Result<(), Failure> {
    let mut port =
        SystemOpener.open(&target.stream()).await.map_err(|why| Failure::environment(format!("{target}: {why}")))?;
    let end = args.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut piece = vec![0; PIECE];
    loop {
        let left = end.map_or(Duration::from_secs(3600), |end| end.saturating_duration_since(Instant::now()));
        tokio::select! {
            read = port.read(&mut piece) => match read {
                Ok(0) => return Ok(()),
                Ok(read) => {
                    let mut heard = Vec::new();
                    listener.hear(piece.get(..read).unwrap_or_default(), |observation| heard.push(observation));
                    let fits = listener.fits();
                    for observation in heard.iter().filter(|it| fits.iter().any(|fit| fit.fits && fit.protocol == it.protocol)) {
                        show(observation, args.json);
                    }
                }
                Err(why) => return Err(Failure::environment(format!("{target}: {why}"))),
            },
            () = tokio::time::sleep(left) => if end.is_some() { return Ok(()) },
            pressed = tokio::signal::ctrl_c() => return pressed.map_err(Failure::environment),
        }
    }
}

fn show(observation: &Observation, json: bool) {
    let raw = hex::encode(&observation.raw);
    let missing = observation.outcome.err().map(|it| it.to_string());
    let (value, unit) =
        observation.value().map_or((None, None), |(value, unit)| (Some(value.to_string()), Some(unit.code())));
    if json {
        let line = json!({
            "protocol": observation.protocol, "channel": observation.channel, "value": value, "unit": unit,
            "stable": observation.stable(), "missing": missing, "raw": raw,
        });
        outln!("{line}");
    } else {
        let shown = match (value, missing) {
            (Some(value), _) => {
                format!("{value} {}{}", unit.unwrap_or(""), if observation.stable() == Some(false) { " ~" } else { "" })
            }
            (None, missing) => missing.unwrap_or_default(),
        };
        outln!("{:<14} {:<16} {:<20} {raw}", observation.protocol, observation.channel, shown);
    }
}

/// Says what it was; exit code 1 when nothing known fits.
fn conclude(listener: &Listener, json: bool) -> u8 {
    let fits = listener.fits();
    let named: Vec<&Fit> = fits.iter().filter(|fit| fit.fits).collect();
    let best = named.first().map_or(0, |fit| fit.share);
    let garbage = 100_u64.saturating_sub(best) * listener.bytes() / 100;
    if json {
        let all: Vec<_> = fits.iter().map(fit_json).collect();
        let line = json!({
            "bytes": listener.bytes(), "garbage_bytes": garbage,
            "protocols": named.iter().map(|fit| fit.protocol).collect::<Vec<_>>(), "candidates": all,
        });
        outln!("{line}");
    } else {
        for fit in &fits {
            outln!("{}", fit_said(fit, listener.bytes()));
        }
        if named.is_empty() {
            outln!("{}", said!("listen-nothing", bytes = listener.bytes()));
        } else if named.len() > 1 {
            outln!("{}", said!("listen-several"));
        }
    }
    if named.is_empty() { FINDING } else { OK }
}

/// One protocol held against what was heard.
fn fit_said(fit: &Fit, bytes: impl std::fmt::Display) -> String {
    let sure = if fit.fits { said!("listen-fits") } else { said!("listen-fits-not") };
    said!(
        "listen-fit",
        protocol = fit.protocol,
        sure = sure,
        frames = fit.frames,
        refused = fit.refused,
        share = fit.share,
        bytes = bytes
    )
}

fn fit_json(fit: &Fit) -> serde_json::Value {
    json!({ "protocol": fit.protocol, "checked": fit.checked, "frames": fit.frames, "refused": fit.refused, "share_percent": fit.share, "fits": fit.fits })
}

pub(super) fn probe_target(args: &ProbeArgs) -> Outcome {
    let effort = Effort {
        listen: Duration::from_millis(args.listen_ms),
        answer: Duration::from_millis(args.answer_ms),
        units: args.units.as_ref().map_or_else(|| UNITS.to_vec(), |units| units.0.clone()),
        quiet: args.quiet,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::environment)?;
    let mut found_any = false;
    let mut opened = false;
    let tell = |found: Found| {
        found_any |= found.is_something();
        opened |= !matches!(found, Found::NotOpen { .. });
        show_found(&found, args.json);
    };
    runtime.block_on(probe(&args.target, &effort, &SystemOpener, tell));
    if found_any {
        return Ok(OK);
    }
    if !opened {
        return Err(Failure::environment(said!("probe-closed", target = args.target)));
    }
    if !args.json {
        outln!("{}", said!("probe-nothing"));
    }
    Ok(FINDING)
}

fn show_found(found: &Found, json: bool) {
    if json {
        let line = match found {
            Found::NotOpen { target, why } => json!({ "target": target.to_string(), "error": why }),
            Found::Speaks { target, bytes, fits } => json!({
                "target": target.to_string(), "speaks": true, "bytes": bytes,
                "candidates": fits.iter().map(fit_json).collect::<Vec<_>>(),
            }),
            Found::Unit { target, protocol, unit_id, identity, answers } => json!({
                "target": target.to_string(), "protocol": protocol, "unit_id": unit_id,
                "identity": identity.iter().map(|(id, text)| (id.to_string(), text.clone())).collect::<std::collections::BTreeMap<_, _>>(),
                "answers": answers,
            }),
            Found::Silent { target } => json!({ "target": target.to_string(), "silent": true }),
        };
        outln!("{line}");
        return;
    }
    match found {
        Found::NotOpen { target, why } => outln!("{target}: {why}"),
        Found::Silent { target } => outln!("{}", said!("probe-silent", target = target)),
        Found::Speaks { target, bytes, fits } => {
            outln!("{}", said!("probe-speaks", target = target, bytes = bytes));
            for fit in fits {
                outln!("  {}", fit_said(fit, *bytes));
            }
            if fits.is_empty() {
                outln!("  {}", said!("probe-unknown"));
            }
        }
        Found::Unit { target, protocol, unit_id, identity, answers } => {
            outln!("{}", said!("probe-unit", target = target, protocol = protocol, unit = unit_id));
            for (id, text) in identity {
                let name = match id {
                    0 => "vendor",
                    1 => "product",
                    2 => "revision",
                    _ => "object",
                };
                outln!("  {} {text}", said!(&format!("probe-{name}")));
            }
            for answer in answers {
                outln!("  {answer}");
            }
        }
    }
}
