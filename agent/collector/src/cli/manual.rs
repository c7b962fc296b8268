//! `completions` and `man`, made from the command line itself.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::CommandFactory as _;
use tidewaiter_console::{Shell, language, localized};

use super::{Cli, Failure};

fn command() -> clap::Command {
    localized(Cli::command(), language())
}

pub(super) fn completions(shell: Shell) -> Result<u8, Failure> {
    io::stdout().lock().write_all(&tidewaiter_console::completions(command(), shell))?;
    Ok(0)
}

pub(super) fn man(dir: Option<&Path>) -> Result<u8, Failure> {
    let failed = |source| Failure::Output { path: dir.map_or_else(PathBuf::new, Path::to_owned), source };
    let (page, written) = tidewaiter_console::man(&command(), dir).map_err(failed)?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(&page)?;
    for path in written {
        writeln!(stdout, "{}", path.display())?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_speaks_both_languages_and_its_examples_are_right() {
        let faults = tidewaiter_console::faults(&Cli::command);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
