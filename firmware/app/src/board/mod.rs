//! What every board needs around the node, as far as a host can try it.
//!
//! A board brings counters, interrupts and memory that survives a reset. What is made of them is here: the count that
//! goes on when the counter wraps ([`clock`]), when slow work may begin ([`gate`]), bytes on their way out of an interrupt
//! ([`mod@line`]), what a run leaves to the next ([`past`]), and how fast replies leave ([`turnaround`]). Registers and addresses of a chip are not here.

pub mod clock;
pub mod gate;
pub mod line;
pub mod past;
pub mod turnaround;
