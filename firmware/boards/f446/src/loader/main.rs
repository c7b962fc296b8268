//! The boot loader of the Nucleo-F446RE: finishes or begins swaps, and starts what may be started.
//!
//! It lies in sector 0. What it decides is in `firmware/app/src/update/boot.rs`; here is what it decides with: the
//! partitions, the EEPROM with the security counter in force, the watchdog, a light. The watchdog runs on into the
//! image: one that hangs is reset, and the image before it comes back. Not run on hardware.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
#[path = "../flash.rs"]
mod flash;
#[cfg(target_os = "none")]
mod life;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("boot loader for a Cortex-M: build it with firmware/toolchain");
}
