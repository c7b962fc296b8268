//! The sealed reading block, version 1.
//!
//! ```text
//! word   0     "TW"
//!        1     version (1) in the high byte, number of channels (5) in the low byte
//!        2..5  serial number of the node, 8 bytes
//!        6..9  sequence, u64; +1 with every block, never twice in the life of a node, from 1
//!        10..13 uptime at sealing, ms, u64
//!        14..15 starts, u32
//!        16..17 event counter, u32
//!        18     status (`map::status`)
//!        19..20 true length of the interval of `counts`, µs, u32
//!       21..38 channels, in the order of `Channel`: state, value (i32), in the unit of the channel; no value: 0
//!       36..38 … the fifth ends at word 35; words 36 to 38 are zero in this version
//!       39..46 MAC, 16 bytes
//! ```
//!
//! Words are Modbus registers, most significant byte first. The MAC is HMAC-SHA-256 (RFC 2104, FIPS 198-1) over the
//! ASCII text `tidewaiter node block 1`, a zero byte, and words 0 to 38 as sent (78 bytes), cut to its first 16 bytes
//! (NIST SP 800-107 rev. 1, 5.1). Its key belongs to one node, and to the centre; the gateway stores the bytes.
//!
//! A reader without the key gets the values and no proof; [`Block::parse`] checks shape alone.

use thiserror::Error;

/// Words of a block.
pub const WORDS: usize = 47;
/// Bytes of a block.
pub const BYTES: usize = 2 * WORDS;
/// Bytes under the MAC.
pub const SEALED_BYTES: usize = BYTES - MAC_BYTES;
/// Bytes of the MAC.
pub const MAC_BYTES: usize = 16;
/// Bytes of a node's key.
pub const KEY_BYTES: usize = 32;
/// Channels of a block.
pub const CHANNELS: usize = 5;

const MAGIC: [u8; 2] = *b"TW";
const VERSION: u8 = 1;
/// [`CHANNELS`], as it is sent.
const CHANNELS_SENT: u8 = 5;
/// Where the channels begin, in bytes.
const CHANNELS_AT: usize = 42;
/// Bytes of a channel: state and value.
const CHANNEL_BYTES: usize = 6;

/// A channel, by its place in the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Channel {
    /// Mass on the load cell, g.
    Mass = 0,
    /// Pulses counted in the last whole interval, corrected for dead time, 1.
    Counts = 1,
    /// Current of the 4–20 mA loop, µA.
    Current = 2,
    /// Temperature, 0.01 °C.
    Temperature = 3,
    /// Mass shown by the serial scale, g.
    SerialMass = 4,
}

impl Channel {
    /// All channels, in the order of the block.
    pub const ALL: [Self; CHANNELS] = [Self::Mass, Self::Counts, Self::Current, Self::Temperature, Self::SerialMass];

    /// Name, as in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mass => "mass",
            Self::Counts => "counts",
            Self::Current => "current",
            Self::Temperature => "temperature",
            Self::SerialMass => "serial-mass",
        }
    }
}

/// How a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum State {
    /// The value holds.
    Good = 0,
    /// The value holds, and moves.
    Unstable = 1,
    /// The sensor has not spoken for longer than it should have.
    Stale = 2,
    /// No such input on this node, or not configured.
    NotPresent = 0x81,
    /// Too early after the start.
    WarmingUp = 0x82,
    /// Above the range.
    Overrange = 0x83,
    /// Below the range; a loop below 3.6 mA is broken (NAMUR NE 43).
    Underrange = 0x84,
    /// The sensor or its wiring is at fault.
    Fault = 0x85,
}

impl State {
    /// The state of a word.
    pub fn from_word(word: u16) -> Option<Self> {
        Some(match word {
            0 => Self::Good,
            1 => Self::Unstable,
            2 => Self::Stale,
            0x81 => Self::NotPresent,
            0x82 => Self::WarmingUp,
            0x83 => Self::Overrange,
            0x84 => Self::Underrange,
            0x85 => Self::Fault,
            _ => return None,
        })
    }

    /// Whether there is a value.
    pub fn has_value(self) -> bool {
        matches!(self, Self::Good | Self::Unstable | Self::Stale)
    }
}

/// A channel's state and value, in the unit of the channel. The value counts only where the state has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How the channel stands.
    pub state: State,
    /// The value; 0 where there is none.
    pub value: i32,
}

impl Sample {
    /// No value, and why.
    pub const fn missing(state: State) -> Self {
        Self { state, value: 0 }
    }
}

/// What a block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Serial number of the node.
    pub serial: [u8; 8],
    /// Number of the block in the life of the node, from 1.
    pub sequence: u64,
    /// Milliseconds since the node started.
    pub uptime_ms: u64,
    /// Starts of the node since it was made.
    pub starts: u32,
    /// Accepted changes of legally relevant parameters.
    pub event_counter: u32,
    /// Status bits, see [`crate::map::status`].
    pub status: u16,
    /// True length of the interval of [`Channel::Counts`], µs.
    pub interval_us: u32,
    /// The channels, in the order of [`Channel::ALL`].
    pub samples: [Sample; CHANNELS],
}

/// Why bytes are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlockError {
    /// Another length.
    #[error("a sealed block has {BYTES} bytes, these are {0}")]
    Length(usize),
    /// Other first bytes.
    #[error("these bytes do not begin a sealed block")]
    Magic,
    /// A version this reader does not know.
    #[error("version {0} of the sealed block is not known here")]
    Version(u8),
    /// Another number of channels than the version has.
    #[error("version 1 of the sealed block has {CHANNELS} channels, these bytes say {0}")]
    Channels(u8),
    /// A state that is none.
    #[error("channel {channel} has the state {state:#06x}, which is none")]
    State {
        /// Number of the channel, from 0.
        channel: usize,
        /// The word found.
        state: u16,
    },
    /// A channel without a value that brings one, or words that must be zero.
    #[error("bytes {at} and on must be zero")]
    NotZero {
        /// Where, in bytes.
        at: usize,
    },
    /// Sequence 0, which no node seals.
    #[error("a sealed block counts from 1, this one says 0")]
    Sequence,
}

/// Reads the fixed fields of a block one after the other; the length has been checked.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => [0; N],
        }
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.take())
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.take())
    }
}

impl Block {
    /// Reads the bytes of a block, MAC included; the MAC is not looked at.
    ///
    /// # Errors
    ///
    /// Refuses everything that no node would have sealed.
    pub fn parse(bytes: &[u8]) -> Result<Self, BlockError> {
        if bytes.len() != BYTES {
            return Err(BlockError::Length(bytes.len()));
        }
        let mut words = Words(bytes);
        if words.take::<2>() != MAGIC {
            return Err(BlockError::Magic);
        }
        let [version, channels] = words.take::<2>();
        if version != VERSION {
            return Err(BlockError::Version(version));
        }
        if channels != CHANNELS_SENT {
            return Err(BlockError::Channels(channels));
        }
        let mut block = Self {
            serial: words.take(),
            sequence: words.u64(),
            uptime_ms: words.u64(),
            starts: words.u32(),
            event_counter: words.u32(),
            status: words.u16(),
            interval_us: words.u32(),
            samples: [Sample::missing(State::NotPresent); CHANNELS],
        };
        if block.sequence == 0 {
            return Err(BlockError::Sequence);
        }
        for (channel, sample) in block.samples.iter_mut().enumerate() {
            let word = words.u16();
            let state = State::from_word(word).ok_or(BlockError::State { channel, state: word })?;
            let value = i32::from_be_bytes(words.take());
            if !state.has_value() && value != 0 {
                return Err(BlockError::NotZero { at: CHANNELS_AT + channel * CHANNEL_BYTES + 2 });
            }
            *sample = Sample { state, value };
        }
        if words.take::<6>() != [0; 6] {
            return Err(BlockError::NotZero { at: CHANNELS_AT + CHANNELS * CHANNEL_BYTES });
        }
        Ok(block)
    }

    /// The bytes under the MAC.
    pub fn sealed_bytes(&self) -> [u8; SEALED_BYTES] {
        let mut bytes = [0; SEALED_BYTES];
        let mut rest = &mut bytes[..];
        let mut put = |part: &[u8]| {
            if let Some((first, after)) = core::mem::take(&mut rest).split_at_mut_checked(part.len()) {
                first.copy_from_slice(part);
                rest = after;
            }
        };
        put(&MAGIC);
        put(&[VERSION, CHANNELS_SENT]);
        put(&self.serial);
        put(&self.sequence.to_be_bytes());
        put(&self.uptime_ms.to_be_bytes());
        put(&self.starts.to_be_bytes());
        put(&self.event_counter.to_be_bytes());
        put(&self.status.to_be_bytes());
        put(&self.interval_us.to_be_bytes());
        for sample in &self.samples {
            put(&(sample.state as u16).to_be_bytes());
            put(&if sample.state.has_value() { sample.value } else { 0 }.to_be_bytes());
        }
        bytes
    }

    /// The sample of a channel.
    pub fn sample(&self, channel: Channel) -> Sample {
        let [mass, counts, current, temperature, serial_mass] = self.samples;
        match channel {
            Channel::Mass => mass,
            Channel::Counts => counts,
            Channel::Current => current,
            Channel::Temperature => temperature,
            Channel::SerialMass => serial_mass,
        }
    }
}

/// The MAC, for the two who have the key.
#[cfg(feature = "seal")]
mod seal {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha2::Sha256;

    use super::{BYTES, Block, KEY_BYTES, MAC_BYTES, SEALED_BYTES};

    const DOMAIN: &[u8] = b"tidewaiter node block 1\0";

    /// The key of one node.
    ///
    /// It has no `Debug` and no way out but the MAC.
    pub struct NodeKey([u8; KEY_BYTES]);

    impl NodeKey {
        /// Takes the bytes of a key.
        pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
            Self(bytes)
        }

        /// HMAC-SHA-256 under this key over `domain` and `parts`, whole.
        ///
        /// A domain is an ASCII text with a zero byte at its end, one for each use of the key.
        pub fn mac(&self, domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
            // A key shorter than the hash's block is filled up with zeros (FIPS 198-1, step 3).
            let mut filled = [0; 64];
            filled.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
            let mut mac = Hmac::<Sha256>::new(&filled.into());
            mac.update(domain);
            for part in parts {
                mac.update(part);
            }
            mac.finalize().into_bytes().into()
        }

        /// Seals a block: its bytes with the MAC.
        pub fn seal(&self, block: &Block) -> [u8; BYTES] {
            let sealed = block.sealed_bytes();
            let whole = self.mac(DOMAIN, &[&sealed]);
            let mut bytes = [0; BYTES];
            if let Some((front, back)) = bytes.split_first_chunk_mut::<SEALED_BYTES>() {
                *front = sealed;
                back.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
            }
            bytes
        }

        /// Whether the MAC of a block is this key's. Takes the same time for every wrong MAC.
        pub fn has_sealed(&self, bytes: &[u8; BYTES]) -> bool {
            let Some((sealed, mac)) = bytes.split_last_chunk::<MAC_BYTES>() else { return false };
            let whole = self.mac(DOMAIN, &[sealed]);
            let mut differ = 0;
            for (a, b) in whole.iter().zip(mac) {
                differ |= a ^ b;
            }
            core::hint::black_box(differ) == 0
        }
    }
}

#[cfg(feature = "seal")]
pub use seal::NodeKey;

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::cast_possible_truncation)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block() -> Block {
        Block {
            serial: *b"TWN00001",
            sequence: 0x0102_0304_0506_0708,
            uptime_ms: 86_400_123,
            starts: 7,
            event_counter: 3,
            status: crate::map::status::SIMULATED,
            interval_us: 1_000_013,
            samples: [
                Sample { state: State::Good, value: 12_340_000 },
                Sample { state: State::Unstable, value: 4711 },
                Sample::missing(State::Underrange),
                Sample { state: State::Good, value: -525 },
                Sample::missing(State::NotPresent),
            ],
        }
    }

    fn bytes(block: &Block) -> [u8; BYTES] {
        let mut bytes = [0xA5; BYTES];
        bytes[..SEALED_BYTES].copy_from_slice(&block.sealed_bytes());
        bytes
    }

    #[test]
    fn bytes_stand_where_the_layout_says() {
        let bytes = bytes(&block());
        let expected = "5457 0105 54574e3030303031 0102030405060708 000000000526 5c7b 00000007 00000003 0100 000f424d \
                        0000 00bc4b20 0001 00001267 0084 00000000 0000 fffffdf3 0081 00000000 000000000000"
            .replace(' ', "");
        assert_eq!(hex::encode(&bytes[..SEALED_BYTES]), expected);
        assert_eq!(Block::parse(&bytes), Ok(block()));
    }

    #[test]
    fn what_no_node_seals_is_refused() {
        let good = bytes(&block());
        let with = |at: usize, byte: u8| {
            let mut bytes = good;
            bytes[at] = byte;
            Block::parse(&bytes)
        };
        assert_eq!(Block::parse(&good[..BYTES - 1]), Err(BlockError::Length(93)));
        assert_eq!(with(0, b't'), Err(BlockError::Magic));
        assert_eq!(with(2, 2), Err(BlockError::Version(2)));
        assert_eq!(with(3, 6), Err(BlockError::Channels(6)));
        assert_eq!(with(43, 9), Err(BlockError::State { channel: 0, state: 9 }));
        assert_eq!(with(57, 1), Err(BlockError::NotZero { at: 56 }));
        assert_eq!(with(77, 1), Err(BlockError::NotZero { at: 72 }));
        let mut zero = good;
        zero[12..20].fill(0);
        assert_eq!(Block::parse(&zero), Err(BlockError::Sequence));
    }

    #[cfg(feature = "seal")]
    #[test]
    fn mac_is_that_of_the_layout_and_of_nobody_else() {
        let key = NodeKey::new(core::array::from_fn(|at| at as u8));
        let sealed = key.seal(&block());
        // From Python's hmac and hashlib over the same bytes, first 16 bytes
        assert_eq!(hex::encode(&sealed[SEALED_BYTES..]), "53364fd9aae1dc1608403a5e721a2e01");
        assert!(key.has_sealed(&sealed));
        for bit in 0..8 * BYTES {
            let mut flipped = sealed;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.has_sealed(&flipped), "bit {bit}");
        }
        assert!(!NodeKey::new([0; 32]).has_sealed(&sealed));
    }

    proptest! {
        #[test]
        fn anything_parses_or_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..=BYTES + 2)) {
            let _ = Block::parse(&bytes);
        }

        #[test]
        fn what_parses_is_written_again_as_it_was(noise in prop::collection::vec((0..SEALED_BYTES, any::<u8>()), 0..6)) {
            let mut changed = bytes(&block());
            for (at, byte) in noise {
                changed[at] = byte;
            }
            if let Ok(read) = Block::parse(&changed) {
                prop_assert_eq!(&read.sealed_bytes()[..], &changed[..SEALED_BYTES]);
            }
        }
    }
}
