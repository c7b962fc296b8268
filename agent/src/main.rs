//! `tidewaiter`: the agent and its commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidewaiter_agent::cli::main()
}
