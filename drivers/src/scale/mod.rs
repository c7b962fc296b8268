//! Weighing indicators: bytes to displayed digits, and the motion test for those that send none.

pub mod settle;
pub mod xk3190;
