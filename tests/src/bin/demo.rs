//! `cargo demo`: a lane, a lab and a centre on this machine, with nothing installed but Rust.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use tidewaiter_collector::print;
use tidewaiter_tests::demo::{Told, Wishes, run};
use tidewaiter_words::{Language, say};

const SCENE: &str = include_str!("../../../simulator/scenes/demo.toml");

/// Runs a simulated lane and lab, an MQTT broker, the agent and the collector, and shows each result as the
/// collector verified it.
#[derive(Debug, Parser)]
#[command(
    name = "cargo demo",
    version,
    after_help = "Examples:\n  cargo demo\n  cargo demo -- --for 20s --json\n  cargo demo -- --lang en --for 1m\n\nExit status 1 when anything is bad or missing."
)]
struct Cli {
    /// Stop this long after the first sealed record, e.g. 20s or 2m. Without it Ctrl-C stops.
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    run_for: Option<Duration>,
    /// The last line on standard output is one JSON object with the counts.
    #[arg(long)]
    json: bool,
    /// Language of the lines: zh-CN or en. Default: by LANG, else zh-CN.
    #[arg(long, value_parser = language)]
    lang: Option<Language>,
    /// Folder for keys, store and site file; a new one under the system's temporary folder without it.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Another scene file.
    #[arg(long, value_name = "FILE")]
    scene: Option<PathBuf>,
    /// Another seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Also log what the parts do, e.g. info or `tidewaiter_agent=debug`.
    #[arg(long, env = "TIDEWAITER_LOG", default_value = "error")]
    log_filter: String,
}

fn language(text: &str) -> Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| format!("{text:?} is not a language here; write zh-CN or en"))
}

fn span(text: &str) -> Result<Duration, String> {
    let refused = || format!("{text:?} is not a time; write 20s, 500ms or 2m");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| refused())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(60 * number)),
        _ => Err(refused()),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match demo(cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("demo: {why:#}");
            ExitCode::from(3)
        }
    }
}

fn demo(cli: Cli) -> anyhow::Result<bool> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_new(&cli.log_filter)?)
        .with_writer(std::io::stderr)
        .init();
    let language = cli.lang.unwrap_or_else(Language::from_env);
    let dir = match cli.dir {
        Some(dir) => dir,
        None => tempfile::Builder::new().prefix("tidewaiter-demo-").tempdir()?.keep(),
    };
    let scene = match &cli.scene {
        Some(path) => std::fs::read_to_string(path)?,
        None => SCENE.to_owned(),
    };
    let wishes = Wishes { run_for: cli.run_for, scene, seed: cli.seed, dir: dir.clone(), language };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(run(wishes, |told| match told {
        Told::Address(address, login) => {
            let said = |id: &str, name: &str, text: &str| say(language, id, &[(name, text.into())]);
            eprintln!("{}", said("demo-page", "url", &format!("http://{address}/")));
            let who = [("user", login.name.into()), ("password", (&login.password).into())];
            eprintln!("{}", say(language, "demo-sign-in", &who));
            eprintln!("{}", said("demo-data", "dir", &dir.display().to_string()));
        }
        // A repeat says nothing new to a person; it is counted in the report.
        Told::Record(record) if record.duplicate => {}
        Told::Record(record) => println!("{}", print::line(language, &record)),
    }))?;
    let counts = [
        ("sealed", report.sealed.into()),
        ("published", report.published.into()),
        ("received", report.received.into()),
        ("verified", report.verified.into()),
        ("receipted", report.receipted.into()),
        ("bad", report.bad.into()),
        ("gaps", report.gaps.into()),
    ];
    if cli.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{}", say(language, "demo-summary", &counts));
    }
    Ok(report.is_clean())
}
