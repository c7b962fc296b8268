//! Tells the linker where memory is; on a host there is nothing to tell.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return Ok(());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let node = if env::var_os("CARGO_FEATURE_UPDATE").is_some() { "update.x" } else { "memory.x" };
    for (program, script) in [("tidewaiter-f446", node), ("tidewaiter-f446-loader", "loader.x")] {
        // The start-up code's script asks for it by name; each program has a folder of its own.
        let folder = out.join(program);
        fs::create_dir_all(&folder)?;
        fs::copy(script, folder.join("memory.x"))?;
        println!("cargo:rustc-link-arg-bin={program}=-L{}", folder.display());
    }
    for script in ["memory.x", "update.x", "loader.x"] {
        println!("cargo:rerun-if-changed={script}");
    }
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    Ok(())
}
