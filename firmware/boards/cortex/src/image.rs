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
        static __stext: u32;
        static __etext: u32;
    }

    /// Vector table, code, constants, and the first values of variables: all that is loaded.
    pub(super) fn image() -> &'static [u8] {
        let begin = &raw const __vector_table;
        let end = (&raw const __sidata).addr() + (&raw const __edata).addr() - (&raw const __sdata).addr();
        // SAFETY: the linker lays these bytes out one after the other and nothing writes them.
        unsafe { core::slice::from_raw_parts(begin.cast(), end - begin.addr()) }
    }

    /// The two return addresses on the stack that lie beyond the panic's own: the innermost two are those of its handler
    /// and of the runtime that called it. A return address is told by its place: words that follow a call within the code. A word that merely
    /// looks like one may be among them; whoever reads them has the image and sees what is possible.
    // Never inlined, so that its own return address is the first.
    #[inline(never)]
    pub(super) fn callers() -> [u32; 2] {
        let code = (&raw const __stext).addr()..(&raw const __etext).addr();
        let here = 0_u32;
        let (mut at, end) = (&raw const here, &raw const _stack_start);
        let mut found = [0; 4];
        let mut places = found.iter_mut();
        while at < end {
            // SAFETY: from this function's own variable up to its beginning the stack is readable.
            let word = unsafe { at.read_volatile() };
            at = at.wrapping_add(1);
            // A return address is odd, and a call before it has four bytes or two.
            let after = (word as usize).wrapping_sub(1);
            if word & 1 == 0 || !code.contains(&after) || !code.contains(&after.wrapping_sub(4)) {
                continue;
            }
            let half = |back: usize| {
                // SAFETY: the address is even and lies within the code.
                unsafe { (after.wrapping_sub(back) as *const u16).read_volatile() }
            };
            let direct = half(4) & 0xF800 == 0xF000 && half(2) & 0xD000 == 0xD000;
            let indirect = half(2) & 0xFF87 == 0x4780;
            if direct || indirect {
                let Some(place) = places.next() else { break };
                *place = word.wrapping_sub(1);
            }
        }
        let [_, _, place, caller] = found;
        [place, caller]
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

/// Where this was called from, and where that was called from; see [`tidewaiter_app::board::past`].
pub(crate) fn callers() -> [u32; 2] {
    bounds::callers()
}

/// Bytes of the stack that were in use at once since the start, and bytes it has. The start-up code has painted it.
pub fn stack() -> (usize, usize) {
    let (all, untouched) = bounds::stack();
    (all - untouched, all)
}
