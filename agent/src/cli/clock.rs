//! `tidewaiter clock`: what the kernel says of its wall clock, and the service that passes it on into the agent's sandbox.

use std::{
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use sd_notify::NotifyState;
use serde_json::json;

use super::{
    FINDING, Failure, OK, Outcome,
    output::{outln, said},
};
use crate::clock::{SOCKET, ServedClock, Source, service};

/// How often the service manager is told that the service is at work; its unit gives it half a minute.
const BEAT: Duration = Duration::from_secs(5);

/// Subcommands of `tidewaiter clock`.
#[derive(Debug, Subcommand)]
pub(super) enum ClockCommand {
    /// Whether a time service keeps the clock of this machine, and how far off it may be.
    ///
    /// The kernel is asked, and the clock service where that is forbidden. Exit code 0: it is kept; 1: nobody vouches for it;
    /// 3: neither of them answers.
    ///
    /// Example: tidewaiter clock show --json
    Show(ShowArgs),
    /// Pass on what the kernel says of its clock to whoever connects to the unix socket that is standard input.
    ///
    /// tidewaiter-clock.service runs it, for the agent: its sandbox forbids setting the clock, and asking with it.
    ///
    /// Example: tidewaiter clock serve
    Serve,
}

/// Where the clock service is.
#[derive(Debug, Args)]
pub(super) struct ServiceArgs {
    /// Socket of the clock service.
    #[arg(long, env = "TIDEWAITER_CLOCK", value_name = "SOCKET", default_value = SOCKET)]
    pub(super) clock: PathBuf,
}

/// Options of `tidewaiter clock show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn clock(command: &ClockCommand) -> Outcome {
    match command {
        ClockCommand::Show(args) => show(args),
        ClockCommand::Serve => serve(),
    }
}

fn show(args: &ShowArgs) -> Outcome {
    let (word, source) = ServedClock::new(&args.service.clock).word().map_err(Failure::environment)?;
    let kernel = word.told();
    if args.json {
        let source = match source {
            Source::Kernel => "kernel",
            Source::Service => "service",
        };
        outln!(
            "{}",
            json!({
                "kept": kernel.synchronised.is_some(),
                "error_ms": kernel.synchronised,
                "leap": kernel.leap,
                "slewing": kernel.slewing,
                "source": source,
            })
        );
    } else {
        match kernel.synchronised {
            Some(error) => outln!("{}", said!("doctor-clock-kept", error = error)),
            None => outln!("{}", said!("doctor-clock-loose")),
        }
    }
    Ok(if kernel.synchronised.is_some() { OK } else { FINDING })
}

fn serve() -> Outcome {
    let listener = service::listener(io::stdin()).map_err(Failure::usage)?;
    let mut told: Option<Instant> = None;
    let beat = || {
        if told.is_some_and(|it| it.elapsed() < BEAT) {
            return;
        }
        // Without a service manager nobody listens, which is as well.
        let word = if told.is_none() { NotifyState::Ready } else { NotifyState::Watchdog };
        let _ = sd_notify::notify(&[word]);
        told = Some(Instant::now());
    };
    match service::serve(&listener, beat) {
        Ok(never) => match never {},
        Err(why) => Err(Failure::environment(why)),
    }
}
