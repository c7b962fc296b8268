//! What a run leaves to the next, in memory that no start clears.
//!
//! ```text
//! word 0  "TWP1"
//!      1  how the run stands: 1 it runs, 2 panic, 3 the watchdog was not fed, 4 it restarts on purpose, 5 fault of the core
//!      2  where: line of the panic, or the program counter
//!      3  which file of the panic: FNV-1a of its name
//!      4  uptime then, s
//!      5  CRC-32 (IEEE 802.3) over words 0 to 4, big-endian
//! ```
//!
//! After a power-on the memory holds anything, and the CRC says so with all but 2⁻³² of chance. A run that marked
//! itself as running and then is found at a start has been reset from outside. A chip that keeps the cause of its
//! reset knows better than these words about everything but the panic.

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
    /// Line of the panic, or the program counter of the core's fault.
    pub place: u32,
    /// The file of the panic, see [`name`].
    pub file: u32,
    /// Uptime then, s.
    pub uptime_s: u32,
}

impl Past {
    /// A run that goes on.
    pub const RUNS: Self = Self { stand: Stand::Runs, place: 0, file: 0, uptime_s: 0 };

    /// The words to leave.
    pub fn words(self) -> [u32; WORDS] {
        let mut words = [MAGIC, self.stand as u32, self.place, self.file, self.uptime_s, 0];
        let [.., last] = &mut words;
        *last = 0;
        let crc = crc(&words);
        let [.., last] = &mut words;
        *last = crc;
        words
    }

    /// Reads what was left; `None` after a power-on.
    pub fn read(words: &[u32; WORDS]) -> Option<Self> {
        let [magic, stand, place, file, uptime_s, sum] = *words;
        if magic != MAGIC || sum != crc(words) {
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
        Some(Self { stand, place, file, uptime_s })
    }
}

/// A file by its name, FNV-1a with 32 bits: the record has no room for text, and the sources have few files.
pub fn name(file: &str) -> u32 {
    file.bytes().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// CRC-32 over all words but the last, without a table: it is computed once a start, and a table has 1 KiB.
fn crc(words: &[u32; WORDS]) -> u32 {
    let mut sum = u32::MAX;
    for byte in words.iter().take(WORDS - 1).flat_map(|word| word.to_be_bytes()) {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_read() {
        for stand in [Stand::Runs, Stand::Panic, Stand::Watchdog, Stand::Restarts, Stand::CoreFault] {
            let past = Past { stand, place: 217, file: name("firmware/app/src/node.rs"), uptime_s: 86_400 };
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
        // The published value of FNV-1a for "foobar"
        assert_eq!(name("foobar"), 0xbf9c_f968);
    }
}
