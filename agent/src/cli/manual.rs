//! `tidewaiter completions` and `tidewaiter man`: made from the command line itself, so that they cannot lag behind it.

use std::{
    io::{Write as _, stdout},
    path::PathBuf,
};

use clap::{Args, CommandFactory as _};
use tidewaiter_console::{Shell, language, localized};

use super::{
    Cli, Failure, OK, Outcome,
    output::{give_up, outln},
};

/// Options of `tidewaiter completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Options of `tidewaiter man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Folder for one page per command; without it the page of the program goes to standard output.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn command() -> clap::Command {
    localized(Cli::command(), language())
}

#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(super) fn completions(args: &CompletionsArgs) -> Outcome {
    write(&tidewaiter_console::completions(command(), args.shell));
    Ok(OK)
}

pub(super) fn man(args: &ManArgs) -> Outcome {
    let (page, written) = tidewaiter_console::man(&command(), args.out.as_deref()).map_err(Failure::environment)?;
    write(&page);
    for path in written {
        outln!("{}", path.display());
    }
    Ok(OK)
}

fn write(bytes: &[u8]) {
    if let Err(failure) = stdout().lock().write_all(bytes) {
        give_up(&failure);
    }
}
