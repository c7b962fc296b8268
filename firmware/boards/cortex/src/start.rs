//! From a boot loader into an image.

use cortex_m::peripheral::SCB;

/// Starts the image whose vector table lies at this address: table, stack, first instruction. The loader's
/// interrupts must be off; it has none.
#[allow(unsafe_code, reason = "another program begins")]
pub fn image(table: u32) -> ! {
    // SAFETY: this program ends here; the caller has verified that an image for this address lies there.
    unsafe {
        (*SCB::PTR).vtor.write(table);
        cortex_m::asm::dsb();
        cortex_m::asm::isb();
        cortex_m::asm::bootload(table as *const u32)
    }
}
