//! Stub.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(not(target_os = "none"))]
fn main() {
    println!("firmware for a Cortex-M: build it with firmware/toolchain");
}
