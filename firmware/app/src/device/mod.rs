//! Chips on the board, over the traits of `embedded-hal` and `embedded-io`; each with its data sheet's transactions.
//!
//! A driver says what a chip answered or that it did not; what that means is [`crate::input`]'s business. A chip that has
//! lost its settings, by a dip of its supply, is found out and set again, and gives nothing meanwhile.

pub mod ads1115;
pub mod at24;
pub mod nau7802;
pub mod rs485;
pub mod tmp105;
