//! `tidewaiter doctor`: everything on this machine looked over, one line each, and a bundle for support.
//!
//! What is looked at is asked for the second time nowhere: the site file by the loader, the world around it by
//! `check_environment`, the store by `fsck`. A check that cannot be made says so; none of them changes anything.
//!
//! | file | what |
//! |---|---|
//! | `local.rs` | this machine: configuration, ports, key, store, disk, clock, time zone, service |
//! | `remote.rs` | the way to the centre: broker, certificates, registry, receipts |
//! | `pack.rs` | the bundle |
//! | `redact.rs` | what may be in it |

mod local;
mod pack;
mod redact;
mod remote;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tidewaiter_config::site::{Site, load_site};
use tidewaiter_console::{Tone, note, paint};

use super::{
    FINDING, OK, Outcome,
    output::{outln, said},
};

/// Options of `tidewaiter doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Site file.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: PathBuf,
    /// Also write a bundle for support, without secrets; what is there is never overwritten.
    #[arg(long, value_name = "TAR.GZ")]
    out: Option<PathBuf>,
    /// Look at this machine only: ask no broker.
    #[arg(long)]
    offline: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// In order.
    Ok,
    /// Not there, and need not be.
    Skipped,
    /// Works, and somebody should look at it.
    Warn,
    /// Does not work.
    Fail,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What was found about one thing.
#[derive(Clone, Debug, Serialize)]
struct Answer {
    /// Stable word of the thing.
    check: &'static str,
    state: State,
    what: String,
    /// What to do about it.
    way: Option<String>,
}

/// The answers so far, in the order they are told.
#[derive(Debug, Default)]
struct Answers(Vec<Answer>);

impl Answers {
    fn ok(&mut self, check: &'static str, what: impl Into<String>) {
        self.add(check, State::Ok, what, None);
    }

    fn skipped(&mut self, check: &'static str, what: impl Into<String>) {
        self.add(check, State::Skipped, what, None);
    }

    fn warn(&mut self, check: &'static str, what: impl Into<String>, way: impl Into<String>) {
        self.add(check, State::Warn, what, Some(way.into()));
    }

    fn fail(&mut self, check: &'static str, what: impl Into<String>, way: impl Into<String>) {
        self.add(check, State::Fail, what, Some(way.into()));
    }

    fn add(&mut self, check: &'static str, state: State, what: impl Into<String>, way: Option<String>) {
        self.0.push(Answer { check, state, what: what.into(), way: way.filter(|it| !it.is_empty()) });
    }

    fn worst(&self) -> State {
        self.0.iter().map(|it| it.state).max().unwrap_or(State::Ok)
    }
}

pub(super) fn doctor(args: &DoctorArgs) -> Outcome {
    let mut answers = Answers::default();
    let site = configuration(args, &mut answers);
    local::machine(&mut answers);
    if let Some(site) = &site {
        local::ports(site, &mut answers);
        local::key(site, &mut answers);
        local::store(site, &mut answers);
        local::disk(site, &mut answers);
        remote::registry(site, &mut answers);
        remote::certificates(site, &mut answers);
        if args.offline {
            answers.skipped("broker", said!("doctor-offline"));
        } else {
            remote::broker(site, &mut answers);
        }
    }
    let status = site.as_ref().and_then(|site| remote::agent(site, &mut answers));
    if args.json {
        outln!("{}", serde_json::json!({ "state": answers.worst(), "checks": answers.0 }));
    } else {
        tell(&answers);
    }
    if let Some(out) = &args.out {
        let gathered = pack::Gathered { config: &args.config, site: site.as_ref(), answers: &answers, status };
        pack::write(&gathered, out)?;
        note(format_args!("{}", said!("doctor-packed", path = out.display())));
    }
    Ok(if answers.worst() == State::Fail { FINDING } else { OK })
}

fn configuration(args: &DoctorArgs, answers: &mut Answers) -> Option<Site> {
    match load_site(&args.config) {
        Ok((site, warnings)) => {
            answers.ok(
                "configuration",
                said!(
                    "doctor-configuration",
                    file = args.config.display(),
                    ports: site.ports.len(),
                    instruments: site.instruments.len(),
                    places: site.lanes.len() + site.rigs.len()
                ),
            );
            for it in warnings {
                answers.warn(
                    "configuration",
                    format!("{}:{}:{}: {}", it.file, it.line, it.column, it.what),
                    it.way_out,
                );
            }
            Some(site)
        }
        Err(report) => {
            for it in report.findings() {
                answers.fail(
                    "configuration",
                    format!("{}:{}:{}: {}", it.file, it.line, it.column, it.what),
                    it.way_out.clone(),
                );
            }
            None
        }
    }
}

fn tell(answers: &Answers) {
    for it in &answers.0 {
        let tone = match it.state {
            State::Ok => Tone::Good,
            State::Skipped => Tone::Faint,
            State::Warn => Tone::Warn,
            State::Fail => Tone::Bad,
        };
        let state = paint(tone, &said!(&format!("doctor-state-{}", it.state.word())));
        outln!("{state} {}: {}", said!(&format!("doctor-check-{}", it.check)), it.what.replace('\n', "\n      "));
        if let Some(way) = &it.way {
            outln!("      → {}", way.replace('\n', "\n        "));
        }
    }
    let count = |state| answers.0.iter().filter(|it| it.state == state).count();
    outln!("{}", said!("doctor-sum", ok = count(State::Ok), warn = count(State::Warn), fail = count(State::Fail)));
}
