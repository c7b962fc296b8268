//! What the boot loader decides: which image runs.
//!
//! The swap itself, and its progress over power cuts, is embassy-boot's. Around it stand two questions. Before a swap
//! begins: is there a whole image, not below the security counter in force? Otherwise the swap is called off. Before
//! anything is started: is what now lies in the active partition such an image? Otherwise, after a swap, the old one is
//! swapped back; and if that is none either, nothing is started.

use embassy_boot::{BootError, BootLoader, BootLoaderConfig, State};
use embedded_storage::nor_flash::{NorFlash, NorFlashErrorKind, ReadNorFlash as _};

use super::{ERASED, Twin, WORD, image::Image, twin::KEPT};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// Start the code of this image in the active partition.
    Run(Image),
    /// There is nothing that may be started; wait for somebody with a probe.
    Halt,
}

/// Finishes or begins swaps, and says what to start.
///
/// `security_counter` is the one in force, from [`crate::store::security_counter`]. Without one nothing new is swapped
/// in, and what lies in the active partition is started if it is whole. `buffer` divides an erase unit and is whole
/// words of all partitions.
///
/// # Errors
///
/// The flash refused; a reset tries again.
pub fn prepare<A: NorFlash, D: NorFlash, T: NorFlash>(
    mut active: A,
    mut images: D,
    state: T,
    security_counter: Option<u32>,
    buffer: &mut [u8],
) -> Result<Boot, BootError> {
    let mut state = Twin::new(state);
    // With fewer words embassy-boot takes an invalidated progress for the last step of a swap back still to be done.
    let page = if A::ERASE_SIZE > D::ERASE_SIZE { A::ERASE_SIZE } else { D::ERASE_SIZE };
    if state.capacity() / T::WRITE_SIZE < 4 + 4 * (active.capacity() / page) {
        return Err(BootError::Flash(NorFlashErrorKind::OutOfBounds));
    }
    let most = u32::try_from(active.capacity()).unwrap_or(u32::MAX);
    if is_about_to_swap(&mut state)? && security_counter.is_none_or(|floor| verify(&mut images, most, floor).is_none())
    {
        state.turn(KEPT).map_err(BootError::Flash)?;
    }
    let floor = security_counter.unwrap_or(0);
    for _ in 0..2 {
        let found = BootLoader::new(BootLoaderConfig { active: &mut active, dfu: &mut images, state: &mut state })
            .prepare_boot(buffer)?;
        if let Some(image) = verify(&mut active, most, floor) {
            return Ok(Boot::Run(image));
        }
        if found != State::Swap {
            break;
        }
    }
    Ok(Boot::Halt)
}

fn verify<F: NorFlash>(flash: &mut F, most: u32, floor: u32) -> Option<Image> {
    Image::verify(flash, most).ok().filter(|image| image.security_counter >= floor)
}

/// Whether a swap is ordered of which no step has been done.
fn is_about_to_swap<T: NorFlash>(state: &mut Twin<T>) -> Result<bool, BootError> {
    if !state.is_swap().map_err(BootError::Flash)? {
        return Ok(false);
    }
    let mut words = [0; 3 * WORD];
    let words = words.get_mut(..3 * T::WRITE_SIZE).unwrap_or_default();
    state.read(0, words).map_err(BootError::Flash)?;
    let mut words = words.chunks_exact(T::WRITE_SIZE).skip(1);
    let (Some(valid), Some(first)) = (words.next(), words.next()) else { return Ok(false) };
    // The same reading of its words as embassy-boot's: a step is done when no byte of its word is erased.
    Ok(valid.iter().all(|byte| *byte == ERASED) && first.contains(&ERASED))
}
