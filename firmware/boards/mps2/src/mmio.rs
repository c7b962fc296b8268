//! Registers of the board: the one place where an address becomes something to read and write.

/// A register of 32 bits at a fixed address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Register(usize);

impl Register {
    /// The register at `base + offset`, one of the addresses of Arm DAI 0385 and 0386 in this crate.
    pub(crate) const fn at(base: usize, offset: usize) -> Self {
        Self(base + offset)
    }

    /// Reads it.
    #[allow(unsafe_code, reason = "a device register is an address outside every object")]
    pub(crate) fn read(self) -> u32 {
        // SAFETY: every `Register` of this crate is a constant that names an aligned register of a peripheral.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    /// Writes it.
    #[allow(unsafe_code, reason = "a device register is an address outside every object")]
    pub(crate) fn write(self, value: u32) {
        // SAFETY: as in `read`; no register here makes the board touch memory of its own accord.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }
}
