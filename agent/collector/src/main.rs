//! `tidewaiter-collector`: see the library.

use std::{io::IsTerminal as _, process::ExitCode};

use tidewaiter_collector::cli::Cli;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    tidewaiter_collector::cli::main(tidewaiter_console::arguments(|cli: &Cli| cli.everywhere))
}
