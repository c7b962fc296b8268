//! What the boards with a Cortex-M share.
//!
//! It needs the start-up code and the linker's symbols of `cortex-m-rt`, and no peripheral of a chip. On a host it is
//! empty: what a host can try of it is in `firmware/app/src/board`.
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
pub mod image;
#[cfg(target_os = "none")]
mod memory;
#[cfg(target_os = "none")]
pub mod past;
#[cfg(target_os = "none")]
pub mod start;
#[cfg(target_os = "none")]
pub mod text;
