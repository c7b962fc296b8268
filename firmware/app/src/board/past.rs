//! What a run leaves to the next, in memory that no start clears.
//!
//! ```text
//! word 0  "TWP1"
//!      1  how the run stands: 1 it runs, 2 panic, 3 the watchdog was not fed, 4 it restarts on purpose, 5 fault of the core
//!      2  where: the instruction after the call that led to the panic, or the one the core could not go on with
//!      3  the instruction after the call that led there; 0 where that is not known
//!      4  uptime then, s
//!      5  CRC-32 (IEEE 802.3) over words 0 to 4, big-endian
//! ```
//!
//! After a power-on the memory holds anything, and the CRC says so with all but 2⁻³² of chance. A run that marked
//! itself as running and then is found at a start has been reset from outside. A chip that keeps the cause of its
//! reset knows better than these words about everything but the panic.
//!
//! Addresses are those of the image whose hash the node serves, so its file tells function and line. The panic's own
//! place in the sources is not kept: the names and numbers of all places take 3 KiB of the image.

/// Words of the memory.
pub const WORDS: usize = 6;

const MAGIC: u32 = u32::from_be_bytes(*b"TWP1");

/// How a run ended, or that it has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stand {
    /// It runs.
    Runs = 1,
    /// The program found itself in a state it holds impossible.
    Panic = 2,
    /// The loop did not feed the watchdog.
    Watchdog = 3,
    /// It restarts on purpose.
    Restarts = 4,
    /// The core found an instruction or an address it cannot go on with.
    CoreFault = 5,
}

/// What a run leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// How it stands.
    pub stand: Stand,
    /// Address after the call of the panic, or of the core's fault.
    pub place: u32,
    /// Address after the call of the function that did it, 0 where that is not known.
    pub caller: u32,
    /// Uptime then, s.
    pub uptime_s: u32,
}

impl Past {
    /// A run that goes on.
    pub const RUNS: Self = Self { stand: Stand::Runs, place: 0, caller: 0, uptime_s: 0 };

    /// The words to leave.
    pub fn words(self) -> [u32; WORDS] {
        let mut words = [MAGIC, self.stand as u32, self.place, self.caller, self.uptime_s, 0];
        let sum = sum_of(&words);
        let [.., last] = &mut words;
        *last = sum;
        words
    }

    /// Reads what was left; `None` after a power-on.
    pub fn read(words: &[u32; WORDS]) -> Option<Self> {
        let [magic, stand, place, caller, uptime_s, sum] = *words;
        if magic != MAGIC || sum != sum_of(words) {
            return None;
        }
        let stand = match stand {
            1 => Stand::Runs,
            2 => Stand::Panic,
            3 => Stand::Watchdog,
            4 => Stand::Restarts,
            5 => Stand::CoreFault,
            _ => return None,
        };
        Some(Self { stand, place, caller, uptime_s })
    }
}

/// CRC over all words but the last.
fn sum_of(words: &[u32; WORDS]) -> u32 {
    crc(words.iter().take(WORDS - 1).flat_map(|word| word.to_be_bytes()))
}

/// CRC-32 without a table: it is computed once a start, and a table has 1 KiB.
fn crc(bytes: impl Iterator<Item = u8>) -> u32 {
    !bytes.fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 })
    })
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_read() {
        for stand in [Stand::Runs, Stand::Panic, Stand::Watchdog, Stand::Restarts, Stand::CoreFault] {
            let past = Past { stand, place: 0x1234, caller: 0x5678, uptime_s: 86_400 };
            assert_eq!(Past::read(&past.words()), Some(past));
        }
    }

    #[test]
    fn memory_of_a_power_on_is_no_past() {
        assert_eq!(Past::read(&[0; WORDS]), None);
        assert_eq!(Past::read(&[u32::MAX; WORDS]), None);
        let words = Past::RUNS.words();
        for bit in 0..32 * WORDS {
            let mut flipped = words;
            flipped[bit / 32] ^= 1 << (bit % 32);
            assert_eq!(Past::read(&flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn sums_are_those_of_others() {
        // zlib.crc32 of Python over the 20 bytes
        assert_eq!(Past::RUNS.words()[5], 0x779E_B2B7);
    }
}
