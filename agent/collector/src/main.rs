//! `tidewaiter-collector`: see the library.

use std::{env, fs, io::IsTerminal as _, os::unix::fs::MetadataExt as _, process::ExitCode};

use tidewaiter_collector::cli::Cli;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    match leads_to_journal().then(tracing_journald::layer) {
        Some(Ok(journal)) => {
            // AGENT, SEQ, CHAIN … as fields of their own.
            let journal = journal.with_field_prefix(None).with_syslog_identifier("tidewaiter-collector".to_owned());
            tracing_subscriber::registry().with(filter).with(journal).init();
        }
        None | Some(Err(_)) => tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .init(),
    }
    tidewaiter_collector::cli::main(tidewaiter_console::arguments(|cli: &Cli| cli.everywhere))
}

/// Whether standard error is the very stream that the service manager connected to the journal (systemd.exec(5)).
fn leads_to_journal() -> bool {
    let named = env::var("JOURNAL_STREAM").ok();
    let stderr = fs::metadata("/proc/self/fd/2").ok().map(|it| format!("{}:{}", it.dev(), it.ino()));
    named.is_some() && named == stderr
}
