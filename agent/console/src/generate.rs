//! Completions for shells, and manual pages.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Command;
use clap_complete::Shell;

/// The completion script of `command` for `shell`.
#[must_use]
pub fn completions(mut command: Command, shell: Shell) -> Vec<u8> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    script
}

/// The manual page of `command` itself or, with a folder, a page for it and one for each of its subcommands.
///
/// Returns the page, or writes `PROGRAM-COMMAND.1` files and returns their paths.
///
/// # Errors
///
/// When the folder cannot be made or written to; names the path.
pub fn man(command: &Command, dir: Option<&Path>) -> io::Result<(Vec<u8>, Vec<PathBuf>)> {
    let mut command = command.clone();
    command.build();
    let Some(dir) = dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return Ok((page, Vec::new()));
    };
    let failed = |path: &Path, why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", path.display()));
    fs::create_dir_all(dir).map_err(|why| failed(dir, why))?;
    let mut written = Vec::new();
    let name = command.get_name().to_owned();
    pages(command, &name, &mut |name, page| {
        let path = dir.join(format!("{name}.1"));
        fs::write(&path, page).map_err(|why| failed(&path, why))?;
        written.push(path);
        Ok(())
    })?;
    Ok((Vec::new(), written))
}

/// Renders a page for `command` and those below it; the generated `help` command needs none.
fn pages(command: Command, name: &str, write: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    for below in command.get_subcommands().filter(|it| it.get_name() != "help" && !it.is_hide_set()) {
        pages(below.clone(), &format!("{name}-{}", below.get_name()), write)?;
    }
    let mut page = Vec::new();
    // Cross references between pages go by the name of the file.
    clap_mangen::Man::new(command.display_name(name.to_owned())).render(&mut page)?;
    write(name, &page)
}
