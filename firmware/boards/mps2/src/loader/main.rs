//! The boot loader of the emulated board: finishes or begins swaps, and starts what may be started.
//!
//! It lies at address 0, where the core starts. What it decides is in `firmware/app/src/update/boot.rs`; here is what
//! it decides with: the partitions, the EEPROM with the security counter in force, the watchdog, a line of the log.
//! The watchdog runs on into the image: one that hangs is reset, and the image before it comes back.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
#[path = "../flash.rs"]
mod flash;
#[cfg(target_os = "none")]
mod life;
#[cfg(target_os = "none")]
#[path = "../mmio.rs"]
mod mmio;
#[cfg(target_os = "none")]
#[path = "../sbcon.rs"]
mod sbcon;
#[cfg(target_os = "none")]
#[path = "../watchdog.rs"]
mod watchdog;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("boot loader for a Cortex-M: build it with firmware/toolchain");
}
