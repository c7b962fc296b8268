//! Programs to run: our own, built when they are older than their sources, and those of others.
//!
//! | variable | what it does |
//! |---|---|
//! | `TIDEWAITER_BIN_DIR` | our programs are taken from this folder as they are, e.g. from an installed package |
//! | `TIDEWAITER_ALLOW_MISSING_TOOLS=1` | a test whose foreign tool is not installed says so and passes |

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::SystemTime,
};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::process::tell;

/// Packages whose programs the tests run.
const PACKAGES: [&str; 3] = ["tidewaiter-agent", "tidewaiter-collector", "tidewaiter-simulator"];
/// Folders whose sources make up those programs.
const SOURCES: [&str; 4] = ["agent", "config", "drivers", "simulator"];
/// A program of this workspace, built when it is missing or older than its sources.
///
/// # Errors
///
/// When it cannot be built.
pub fn binary(name: &str) -> Result<PathBuf> {
    static BUILT: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let folder = BUILT.get_or_init(|| programs().map_err(|why| format!("{why:#}")));
    let path = folder.as_ref().map_err(|why| anyhow!("{why}"))?.join(name);
    if path.is_file() { Ok(path) } else { bail!("{} is not there", path.display()) }
}

/// The folder of the programs.
fn programs() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("TIDEWAITER_BIN_DIR") {
        return Ok(folder.into());
    }
    let exe = env::current_exe()?;
    // target/<profile>/deps/all-… or target/<profile>/tidewaiter-demo
    let folder = exe
        .ancestors()
        .skip(1)
        .find(|it| it.file_name().is_some_and(|name| name == "debug" || name == "release"))
        .with_context(|| format!("{} is not in a target folder", exe.display()))?;
    let oldest = ["tidewaiter", "tidewaiter-collector", "tidewaiter-sim"]
        .iter()
        .map(|name| fs::metadata(folder.join(name)).and_then(|it| it.modified()).unwrap_or(SystemTime::UNIX_EPOCH))
        .min();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?;
    if oldest < SOURCES.iter().filter_map(|it| newest(&root.join(it))).max() {
        tell("building the programs under test");
        let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.current_dir(root).args(["build", "--bins"]).args(PACKAGES.iter().flat_map(|it| ["-p", it]));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        let status = build.status().context("cargo build")?;
        if !status.success() {
            bail!("cargo build of {} failed: {status}", PACKAGES.join(", "));
        }
    }
    Ok(folder.to_owned())
}

/// When the newest source below `folder` was changed.
fn newest(folder: &Path) -> Option<SystemTime> {
    let mut newest = None;
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        let time = match entry.file_type() {
            // Tests of a package are not in its program.
            Ok(kind) if kind.is_dir() && !path.ends_with("tests") && !path.ends_with("examples") => self::newest(&path),
            Ok(kind)
                if kind.is_file() && path.extension().is_some_and(|it| it == "rs" || it == "toml" || it == "ftl") =>
            {
                entry.metadata().and_then(|it| it.modified()).ok()
            }
            _ => None,
        };
        newest = newest.max(time);
    }
    newest
}

/// A tool of somebody else. Without it the test fails, or is skipped aloud where that is allowed.
///
/// # Panics
///
/// When it is missing and may not be.
pub fn installed(name: &str, package: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian keeps daemons where only root looks.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders.map(|it| it.join(name)).find(|it| it.is_file());
    if found.is_none() {
        missing(&format!("{name} is not installed"), &format!("apt-get install {package}"));
    }
    found
}

/// Says that something foreign is missing: fails, unless that is allowed.
///
/// # Panics
///
/// Unless `TIDEWAITER_ALLOW_MISSING_TOOLS=1`.
pub fn missing(what: &str, remedy: &str) {
    let allowed = env::var("TIDEWAITER_ALLOW_MISSING_TOOLS").is_ok_and(|it| it == "1");
    assert!(allowed, "{what}; {remedy} (or set TIDEWAITER_ALLOW_MISSING_TOOLS=1 to skip what needs it)");
    tell(&format!("skipped: {what}; {remedy}"));
}
