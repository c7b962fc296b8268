//! Weighing indicators and balances: bytes to displayed digits, and the motion test for those that send none.
//!
//! Every decoder here gives [`display::Display`]s, alone or with what else a protocol says beside them.
//! A value under overload is withheld, a load in motion is marked, and a mass of unknown kind goes to the
//! channel `mass`. What a protocol does not carry (unit, width, order) is configured and never guessed.

pub mod a12;
pub mod a_and_d;
mod digits;
pub mod dini_argeo;
pub mod display;
pub mod form;
pub mod mt_sics;
pub mod ohaus;
pub mod rinstrum;
pub mod sbi;
pub mod settle;
pub mod shuangjie;
pub mod st_gs;
pub mod ticket;
pub mod toledo;
pub mod unit_text;
pub mod xk3190;
pub mod xk3190_command;
pub mod xk3190_equals;
