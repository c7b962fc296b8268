//! The instrument node on the emulated board, Arm MPS2 AN386 under QEMU.
//!
//! Its inputs are simulated and it says so: load cell, loop and pulses come over the plant link, the temperature from an
//! emulated sensor. `firmware/qemu` runs it.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod clock;
#[cfg(all(target_os = "none", feature = "update"))]
mod flash;
#[cfg(target_os = "none")]
mod life;
#[cfg(target_os = "none")]
mod mmio;
#[cfg(target_os = "none")]
mod sbcon;
#[cfg(target_os = "none")]
mod uart;
#[cfg(target_os = "none")]
mod update;
#[cfg(target_os = "none")]
mod vectors;
#[cfg(target_os = "none")]
mod watchdog;

#[cfg(not(target_os = "none"))]
fn main() {
    println!("firmware for a Cortex-M: build it with firmware/toolchain");
}
