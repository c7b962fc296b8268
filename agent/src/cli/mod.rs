//! The command line. Each command is one file; this one names them.

mod bundle;
mod check;
mod clock;
mod doctor;
mod draw;
mod enrol;
mod evidence;
mod export;
mod findings;
mod follow_up;
mod fsck;
mod keys;
mod limits;
mod live;
mod logging;
mod manual;
mod new_site;
mod operate;
mod output;
mod place;
mod plan;
mod recompute;
mod register;
mod reload;
mod run;
mod salvage;
mod screen;
mod service;
mod show;
mod site_text;
mod stats;
mod status;
mod typed;
mod users;
mod verify;
mod version;
mod wiring;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tidewaiter_console::{Everywhere, arguments, note};

/// Everything in order.
pub const OK: u8 = 0;
/// Something was found: a bad record, a failed check.
pub const FINDING: u8 = 1;
/// The command line or a configuration is wrong.
pub const USAGE: u8 = 2;
/// Disk, network or permissions are in the way.
pub const ENVIRONMENT: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  tidewaiter new site --from lane --out site.toml
  tidewaiter check site.toml                     is the site file right, and what will be polled
  tidewaiter keys init --config site.toml        make this agent's key, once
  tidewaiter enrol --centre https://centre.example:8443 --ca centre-ca.pem --token 7F3K-… --config site.toml
  tidewaiter run --config site.toml              read, screen, seal, publish
  tidewaiter start bench-a --sample S-0117 --operator 'Li Na' --config site.toml
  tidewaiter status --config site.toml
  tidewaiter export --data-dir data --format cborseq --out records.cborseq
  tidewaiter verify records.cborseq --registry registry.json

Exit codes: 0 ok, 1 finding (bad record, failed check), 2 usage or configuration, 3 environment";

/// Edge agent for port inspection instruments: reads them, screens against limit tables, publishes signed results.
#[derive(Debug, Parser)]
#[command(name = "tidewaiter", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    everywhere: Everywhere,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent until SIGTERM or Ctrl-C.
    ///
    /// Example: tidewaiter run --config /etc/tidewaiter/site.toml --log json
    Run(run::RunArgs),
    /// Have a running agent read its site file again, and put it into force if it has no fault.
    ///
    /// The last good configuration stays in force otherwise. Exit code 0: in force; 1: not now; 2: refused.
    ///
    /// Example: tidewaiter reload --dry-run --config /etc/tidewaiter/site.toml
    Reload(reload::ReloadArgs),
    /// Check a site file: every finding with its line and column, and what to write instead, then the poll plan.
    ///
    /// Example: tidewaiter check site.toml
    Check(check::CheckArgs),
    /// Look over everything on this machine: configuration, key, store, disk, clock, ports, broker, receipts; and pack it
    /// for support.
    ///
    /// The bundle holds no keys, tokens or passwords, and plates are masked.
    ///
    /// Example: tidewaiter doctor --config site.toml --out support.tar.gz
    Doctor(doctor::DoctorArgs),
    /// What the kernel says of the clock of this machine, and the service that passes it on to the agent.
    #[command(subcommand)]
    Clock(clock::ClockCommand),
    /// Make new files.
    #[command(subcommand)]
    New(new_site::NewCommand),
    /// Find out what is at the other end of a port: listen first, then ask Modbus reads. Never writes.
    ///
    /// Example: tidewaiter probe tcp://192.168.7.21:502 --units 1-10
    Probe(wiring::ProbeArgs),
    /// Name the protocol of a live port or a capture, and show its values.
    ///
    /// Example: tidewaiter listen serial:///dev/ttyUSB0?baud=9600 --for 10
    Listen(wiring::ListenArgs),
    /// Show what an instrument says, live, with the raw bytes beside the values; or record its next reading by the
    /// running agent.
    ///
    /// Example: tidewaiter read scale-1 --config site.toml --for 10
    ///
    /// Example: tidewaiter read ph-1 --record --sample S-0117 --operator 'Li Na' --config site.toml
    Read(live::ReadArgs),
    /// Run the test vectors of a profile, and try it on a port.
    ///
    /// Example: tidewaiter try moisture.toml --port serial:///dev/ttyUSB0?baud=9600
    Try(live::TryArgs),
    /// Judge values typed by hand by a limit table, and explain each step.
    ///
    /// Example: tidewaiter screen gb18401-2010-t1 formaldehyde=76 ph=7.6 category=B --u 3
    Screen(screen::ScreenArgs),
    /// Check, show and compare limit tables.
    #[command(subcommand)]
    Limits(limits::LimitsCommand),
    /// Make and show keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Say who may sign in at the local page, and as what.
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Be enrolled at the centre: make key and request, show the fingerprint, wait, write certificate and registry.
    ///
    /// Example: tidewaiter enrol --centre https://centre.example:8443 --ca centre-ca.pem --token 7F3K-… --config site.toml
    Enrol(enrol::EnrolArgs),
    /// Start a run on a rig with a sample number.
    ///
    /// Example: tidewaiter start bench-a --sample S-0117 --operator 'Li Na' --config site.toml
    Start(operate::StartArgs),
    /// Tell a rig that the next parallel is in the vessel.
    ///
    /// Example: tidewaiter next bench-a --operator 'Li Na' --config site.toml
    Next(operate::RigArgs),
    /// End a run on a rig with what there is.
    ///
    /// Example: tidewaiter stop bench-a --operator 'Li Na' --config site.toml
    Stop(operate::RigArgs),
    /// Enter what a person read or assessed for the run on a rig.
    ///
    /// Example: tidewaiter enter bench-a formaldehyde=18.3mg/kg odour=absent --operator 'Li Na' --config site.toml
    Enter(operate::EnterArgs),
    /// Switch a lane or a rig to exercises, or back: what opens there is recorded as a drill.
    ///
    /// Example: tidewaiter drill on --place lane-7 --operator 'Li Na' --config site.toml
    Drill(operate::DrillArgs),
    /// Tell the agent what is declared about a plate, container or sample.
    ///
    /// Example: tidewaiter subject 粤B12345 axles=6 mass=46000 --operator 'Li Na' --config site.toml
    Subject(operate::SubjectArgs),
    /// Check, show, compare and audit monitoring plans.
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Present a lot for the plan's draw.
    ///
    /// Example: tidewaiter draw LOT-2026-117 --hs 5208 --risk A --operator 'Li Na' --config site.toml
    Draw(draw::DrawArgs),
    /// What needs a second look and where it stands, and what is due.
    ///
    /// Example: tidewaiter findings --open --config site.toml
    Findings(findings::FindingsArgs),
    /// Enter what was done about a finding: a hand-held value, a sample, a laboratory's result, hold, release, return.
    ///
    /// Example: tidewaiter follow-up lane-7-3-41 --step sample --sample S-0117 --by 'Li Na' --config site.toml
    FollowUp(follow_up::FollowUpArgs),
    /// Enter that what was due has been sent.
    ///
    /// Example: tidewaiter report-sent report-2h/lane-7-3-41 --by 'Li Na' --ref 2026-117 --config site.toml
    ReportSent(follow_up::ReportSentArgs),
    /// Verification and function checks of the instruments: what holds, what is due, what has run out.
    ///
    /// Example: tidewaiter register --config site.toml
    Register(register::RegisterArgs),
    /// Begin a function check of an instrument, say that the next buffer is in place, or end it.
    ///
    /// Example: tidewaiter function-check portal-daily --operator 'Li Na' --config site.toml
    FunctionCheck(register::FunctionCheckArgs),
    /// Attach spectra, stills and documents to inspections, list them, get them back.
    #[command(subcommand)]
    Evidence(evidence::EvidenceCommand),
    /// Counters, uplink, instruments and recent results of a running agent, or of its store when none runs.
    ///
    /// Example: tidewaiter status --config site.toml --watch
    ///
    /// Example: tidewaiter status --config site.toml --json
    Status(status::StatusArgs),
    /// The newest records, one line each.
    ///
    /// Example: tidewaiter log --data-dir data --last 20
    Log(show::LogArgs),
    /// Count what the records of a period add up to: lots tested, passed, failed, undecided, with denominators.
    ///
    /// Example: tidewaiter stats --config site.toml --from 2026-11-01 --to 2026-11-30 --by week
    Stats(stats::StatsArgs),
    /// One record whole.
    ///
    /// Example: tidewaiter show 42 --data-dir data
    Show(show::ShowArgs),
    /// Write stored records out.
    ///
    /// Example: tidewaiter export --data-dir data --format jsonl --out records.jsonl
    Export(export::ExportArgs),
    /// Put records into one file with everything needed to check them offline.
    ///
    /// Example: tidewaiter bundle lane-7-3-41 --config site.toml --out case.tar
    Bundle(bundle::BundleArgs),
    /// Save what the store of a dead board still holds, for the centre to take in.
    ///
    /// Example: tidewaiter salvage /mnt/dead/data --out salvaged.cborseq
    Salvage(salvage::SalvageArgs),
    /// Judge stored inspections again, from the records and the table files alone.
    ///
    /// Example: tidewaiter recompute records.cborseq --limits limits
    Recompute(recompute::RecomputeArgs),
    /// Name and version of this software, and the SHA-256 of its executable file, as its records name them.
    ///
    /// Example: tidewaiter version --json
    Version(version::VersionArgs),
    /// Verify records or a bundle: signature, chain, completeness and time, each by itself.
    ///
    /// Example: tidewaiter verify records.cborseq --registry registry.json --evidence data/evidence
    Verify(verify::VerifyArgs),
    /// Look the store of an agent over for damage: torn, rotten, rolled back or forked. Changes nothing.
    ///
    /// Exit code 0: it is what was written to it; 1: it is not; 3: it cannot be read.
    ///
    /// Example: tidewaiter fsck data --registry registry.json --receipt receipt.cbor
    Fsck(fsck::FsckArgs),
    /// Write the completion script for a shell.
    ///
    /// Example: tidewaiter completions bash > /etc/bash_completion.d/tidewaiter
    Completions(manual::CompletionsArgs),
    /// Write the manual pages.
    ///
    /// To standard output goes the page of the program itself; into a folder, one page for each command.
    ///
    /// Example: tidewaiter man --out /usr/local/share/man/man1
    Man(manual::ManArgs),
}

/// Where the site file or the data directory is.
#[derive(Clone, Debug, Args)]
struct Place {
    /// Site file; names the data directory and the local address.
    #[arg(long, env = "TIDEWAITER_CONFIG", value_name = "SITE")]
    config: Option<PathBuf>,
    /// Data directory, when there is no site file at hand.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data_dir: Option<PathBuf>,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
    /// The journal of systemd, with fields: SITE, AGENT, INSTRUMENT, PORT, SEQ …
    Journal,
}

/// A failure with its exit code.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    fn usage(message: impl std::fmt::Display) -> Self {
        Self { code: USAGE, message: format!("{message}") }
    }

    fn environment(message: impl std::fmt::Display) -> Self {
        Self { code: ENVIRONMENT, message: format!("{message}") }
    }
}

type Outcome = Result<u8, Failure>;

/// Parses the command line, runs the command, says what went wrong.
pub fn main() -> ExitCode {
    let outcome = match arguments(|cli: &Cli| cli.everywhere).command {
        Command::Run(args) => run::run(&args),
        Command::Reload(args) => reload::reload(&args),
        Command::Check(args) => check::check(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Clock(command) => clock::clock(&command),
        Command::New(command) => new_site::new(&command),
        Command::Probe(args) => wiring::probe_target(&args),
        Command::Listen(args) => wiring::listen(&args),
        Command::Read(args) => live::read(&args),
        Command::Try(args) => live::try_profile(&args),
        Command::Screen(args) => screen::screen(&args),
        Command::Limits(command) => limits::limits(&command),
        Command::Keys(command) => keys::keys(command),
        Command::Users(command) => users::users(command),
        Command::Enrol(args) => enrol::enrol(&args),
        Command::Start(args) => operate::start(&args),
        Command::Next(args) => operate::next(&args),
        Command::Stop(args) => operate::stop(&args),
        Command::Enter(args) => operate::enter(&args),
        Command::Drill(args) => operate::drill(&args),
        Command::Subject(args) => operate::subject(&args),
        Command::Plan(command) => plan::plan(command),
        Command::Draw(args) => draw::draw(&args),
        Command::Findings(args) => findings::findings(&args),
        Command::FollowUp(args) => follow_up::follow_up(&args),
        Command::ReportSent(args) => follow_up::report_sent(&args),
        Command::Register(args) => register::register(&args),
        Command::FunctionCheck(args) => register::function_check(&args),
        Command::Evidence(command) => evidence::evidence(&command),
        Command::Version(args) => Ok(version::version(&args)),
        Command::Status(args) => status::status(&args),
        Command::Log(args) => show::log(&args),
        Command::Stats(args) => stats::stats(&args),
        Command::Show(args) => show::show(&args),
        Command::Export(args) => export::export(&args),
        Command::Bundle(args) => bundle::bundle(&args),
        Command::Salvage(args) => salvage::salvage(&args),
        Command::Recompute(args) => recompute::run(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Fsck(args) => fsck::fsck(&args),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::man(&args),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            note(format_args!("tidewaiter: {}", failure.message));
            ExitCode::from(failure.code)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn help_speaks_both_languages_and_its_examples_are_right() {
        let faults = tidewaiter_console::faults(&Cli::command);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
