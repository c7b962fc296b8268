//! The image as it lies in memory, and its hash.

use sha2::{Digest as _, Sha256};

#[allow(unsafe_code, reason = "the linker's symbols are declared, and only their addresses are used")]
mod bounds {
    unsafe extern "C" {
        static __vector_table: u32;
        static __sidata: u32;
        static __sdata: u32;
        static __edata: u32;
        static _stack_end: u32;
        static _stack_start: u32;
    }

    /// Vector table, code, constants, and the first values of variables: all that is loaded.
    pub(super) fn image() -> &'static [u8] {
        let begin = &raw const __vector_table;
        let end = (&raw const __sidata).addr() + (&raw const __edata).addr() - (&raw const __sdata).addr();
        // SAFETY: the linker lays these bytes out one after the other and nothing writes them.
        unsafe { core::slice::from_raw_parts(begin.cast(), end - begin.addr()) }
    }

    /// Bytes of the stack, and those of it that were never written since the start.
    pub(super) fn stack() -> (usize, usize) {
        const PAINT: u32 = 0xCCCC_CCCC;
        let (low, high) = (&raw const _stack_end, &raw const _stack_start);
        let mut untouched = low;
        // SAFETY: all words from the one bound to the other belong to the stack; those read are below its pointer,
        // where nothing of this program lives, or end the search.
        while untouched < high && unsafe { untouched.read_volatile() } == PAINT {
            untouched = untouched.wrapping_add(1);
        }
        (high.addr() - low.addr(), untouched.addr() - low.addr())
    }
}

/// SHA-256 of the image.
pub fn hash() -> [u8; 32] {
    Sha256::digest(bounds::image()).into()
}

/// Bytes of the stack that were in use at once since the start, and bytes it has. The start-up code has painted it.
pub fn stack() -> (usize, usize) {
    let (all, untouched) = bounds::stack();
    (all - untouched, all)
}
