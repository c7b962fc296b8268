//! The two-wire bus, shared by the store's memory and the loop, which are one thread.

use core::cell::RefCell;

use embedded_hal::i2c::{ErrorType, I2c, Operation};

/// A handle of a bus that others have handles of.
pub(crate) struct Shared<'a, B>(pub(crate) &'a RefCell<B>);

// Derived, they would want a bus that can be copied.
impl<B> Clone for Shared<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Shared<'_, B> {}

impl<B: ErrorType> ErrorType for Shared<'_, B> {
    type Error = B::Error;
}

impl<B: I2c> I2c for Shared<'_, B> {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), B::Error> {
        // A transaction ends before the next begins: nobody holds the bus while somebody else asks for it.
        self.0.borrow_mut().transaction(address, operations)
    }
}
