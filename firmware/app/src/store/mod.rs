//! What the node remembers without power: identity, sealed configuration, numbers that only rise, bus settings, faults.
//!
//! It lies in a byte-writable EEPROM of at least [`BYTES`] bytes with pages of 32 bytes (AT24C32 and larger). Power may
//! fail at any moment, in the middle of a page too, and a torn page may hold anything; so no two copies share a page,
//! nothing is believed without its CRC, and nothing counts as written before it has been read back.
//!
//! ```text
//! 0x000  2 × 0x40   'I'  identity: serial number (8), key (32)                   two copies
//! 0x080  2 × 0x20   'B'  bus: unit id (1), parity (1), speed in hundreds of Bd (2), broadcast writes (1), zero (3)
//! 0x0c0  4 × 0x20   'F'  last fault: kind (2), zero (2), code (4), uptime s (4), start (4)        a ring of four
//! 0x140 16 × 0x20   'L'  life: sequence limit (8), starts (4), event counter (4), security counter (4)  eight pairs
//! 0x340  4 × 0x20   'U'  update: first byte of the erase unit being filled (4), zero (4)          a ring of four
//! 0x400  2 × 0x80   'C'  configuration: event counter (4), 40 words of [`Parameters`] (80)        two copies
//! 0x500                  end
//! ```
//!
//! Every copy is framed alike (`record`): kind (1), version (1), length of the content (2), generation (4), content,
//! CRC-32 (4), most significant byte first. The whole copy with the greatest generation holds.
//!
//! # What a cut leaves
//!
//! * *Configuration*: the older copy is written with the new content and read back, then the other one. Before the
//!   first is whole the old configuration holds, after it the new one: never neither. The event counter lies in the
//!   same copy, so it is exactly as durable as the change it counts. A third witness of the counter, in the life
//!   record, keeps it from falling should both copies be lost, and unmasks an older pair put in their place.
//! * *Sequence*: numbers are reserved 1024 at a time, and the reservation is whole in memory before the first of them is
//!   used. A start begins after the last reservation, so numbers are skipped and never repeated. A broken life page
//!   might have held one more reservation: each is answered by skipping another 1024.
//! * *Starts* and the *security counter* travel in the same record.
//!
//! # Wear
//!
//! At one block a second a reservation lasts 1024 s: 30 797 life records a year, and one per start. Eight pairs of
//! pages take turns, so a page is written 3 850 times a year; a cell that endures 10⁶ writes lasts 260 years. A node
//! that does nothing but restart, once a second, reaches 10⁶ on each pair after 92 days.
//!
//! A page that no longer keeps what it is given costs the life record nothing while another pair does. Once none does,
//! the numbers already reserved are used up ([`Store::has_failed`] says so from the first refusal, up to 256 blocks
//! ahead) and then [`Store::next_sequence`] gives no more.

mod life;
mod record;
mod sealed;

#[cfg(test)]
pub(crate) mod model;
#[cfg(test)]
mod tests;

use embedded_storage::{ReadStorage, Storage};
use thiserror::Error;

pub(crate) use self::record::{crc32, is_all};
pub use self::sealed::{ParameterError, Parameters, Point, WORDS as PARAMETER_WORDS};
use self::{
    life::{Life, Ring},
    record::{BUS, CONFIGURATION, FAULT, IDENTITY, Newest, UPDATE},
};

/// Bytes of EEPROM the store needs.
pub const BYTES: usize = 0x500;

/// Why something was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Legally relevant parameters do not change under a closed seal.
    #[error("the seal is closed")]
    SealClosed,
    /// The memory refused, or did not keep what it was given.
    #[error("the memory does not keep what is written")]
    Refused,
    /// Nobody knows any more which sequence numbers have been used.
    #[error("the record of used sequence numbers is lost")]
    Lost,
    /// Serial number and key are set once.
    #[error("the node has its serial number and key")]
    HasIdentity,
    /// A counter that never falls has reached its end.
    #[error("a counter is at its end")]
    Exhausted,
}

/// Serial number and key, set once in manufacture.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Serial number.
    pub serial: [u8; 8],
    /// Key shared with the centre alone, see [`tidewaiter_node::block::NodeKey`].
    pub key: [u8; 32],
}

/// The sealed configuration: legally relevant parameters and how often they have been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The parameters.
    pub parameters: Parameters,
    /// Accepted changes since manufacture; the first configuration is change 1.
    pub event_counter: u32,
}

/// Parity of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Parity {
    /// None; Modbus then wants two stop bits.
    None = 0,
    /// Even.
    Even = 1,
    /// Odd.
    Odd = 2,
}

/// Settings of the bus. Not legally relevant: changing them is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bus {
    /// Unit id, 1 to 247.
    pub unit: u8,
    /// Speed, hundreds of Bd.
    pub speed: u16,
    /// Parity.
    pub parity: Parity,
    /// Whether writes to unit 0 are obeyed.
    pub broadcast: bool,
}

impl Default for Bus {
    /// 19 200 Bd with even parity is what Modbus over serial line demands of every device (V1.02, 2.5.1); unit 1.
    fn default() -> Self {
        Self { unit: 1, speed: 192, parity: Parity::Even, broadcast: false }
    }
}

impl Bus {
    /// Checks settings as they come in holding registers 0x0000 to 0x0003: unit id, speed, parity, broadcast writes.
    pub fn from_words([unit, speed, parity, broadcast]: [u16; 4]) -> Option<Self> {
        Some(Self {
            unit: u8::try_from(unit).ok().filter(|unit| (1..=247).contains(unit))?,
            // 300 Bd and slower are read as a mistake; above 115 200 Bd no transceiver on an old line follows.
            speed: Some(speed).filter(|speed| (12..=1152).contains(speed))?,
            parity: match parity {
                0 => Parity::None,
                1 => Parity::Even,
                2 => Parity::Odd,
                _ => return None,
            },
            broadcast: match broadcast {
                0 => false,
                1 => true,
                _ => return None,
            },
        })
    }

    /// The settings as registers.
    pub fn to_words(self) -> [u16; 4] {
        [u16::from(self.unit), self.speed, self.parity as u16, u16::from(self.broadcast)]
    }
}

/// What went wrong before the last unexpected restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind; the numbers are the register map's.
    pub kind: u16,
    /// What else is known, by kind: a line of code, a program counter.
    pub code: u32,
    /// Uptime when it happened, s; [`u32::MAX`] where nobody could look.
    pub uptime_s: u32,
    /// In which start it happened.
    pub start: u32,
}

/// What [`Store::open`] found.
pub struct Loaded {
    /// Serial number and key; none before manufacture, or when both copies are broken.
    pub identity: Option<Identity>,
    /// The sealed configuration; none before the first, or when no copy can be believed.
    pub config: Option<Sealed>,
    /// Settings of the bus; the default ones where none are whole.
    pub bus: Bus,
    /// The last fault on record.
    pub fault: Option<Fault>,
    /// A copy of identity or configuration was broken, or behind, and has been written anew from the other.
    pub mended: bool,
}

/// The store. One value of it lives as long as the node runs; opening it is a start.
pub struct Store<S> {
    memory: S,
    ring: Ring,
    /// Numbers not yet given: `next..=end`. Everything up to `ring.life.limit` may have been given after a cut.
    next: u64,
    end: u64,
    /// The last reservation was refused: so many asks until the next attempt.
    patience: Option<u16>,
    /// The record of used numbers is lost.
    lost: bool,
    /// Something else was refused.
    failed: bool,
    has_identity: bool,
    config: Newest,
    event_counter: u32,
    bus: Newest,
    fault: Newest,
    update: Newest,
    update_from: Option<u32>,
}

/// Numbers reserved at a time.
pub const RESERVED: u64 = 1024;
/// Numbers left when the next reservation is made, so that a refusal is known before blocks end.
const EARLY: u64 = 256;
/// Asks between two attempts after a refusal: a worn memory is not hammered with every block.
const PATIENCE: u16 = 32;

impl<S: Storage> Store<S> {
    /// Opens the memory and counts a start: reads all records, writes broken copies anew, reserves sequence numbers.
    ///
    /// It always comes up: what cannot be read is absent in [`Loaded`], what cannot be written shows in
    /// [`Store::has_failed`].
    pub fn open(memory: S) -> (Self, Loaded) {
        let mut store = Self {
            memory,
            ring: Ring::default(),
            next: 1,
            end: 0,
            patience: None,
            lost: false,
            failed: false,
            has_identity: false,
            config: Newest::default(),
            event_counter: 0,
            bus: Newest::default(),
            fault: Newest::default(),
            update: Newest::default(),
            update_from: None,
        };
        let (identity, identity_mended) = store.open_identity();
        store.has_identity = identity.is_some();
        store.ring = Ring::open(&mut store.memory);
        let (config, config_mended) = store.open_configuration();
        store.start();
        let bus = store.open_bus();
        let fault = store.open_fault();
        store.open_update();
        let loaded = Loaded { identity, config, bus, fault, mended: identity_mended || config_mended };
        (store, loaded)
    }

    fn start(&mut self) {
        // A node that has its identity has lived; without any trace of its numbers it must not begin again at 1.
        self.lost = self.ring.unreadable || self.has_identity && self.ring.is_blank();
        if self.lost {
            return;
        }
        self.next = self.ring.life.limit.saturating_add(1);
        let life = Life {
            starts: self.ring.life.starts.saturating_add(1),
            event_counter: self.ring.life.event_counter.max(self.event_counter),
            ..self.ring.life
        };
        self.reserve(life);
    }

    fn reserve(&mut self, mut life: Life) {
        let Some(limit) = life.limit.checked_add(RESERVED) else {
            self.patience = Some(PATIENCE);
            return;
        };
        life.limit = limit;
        if self.ring.write(&mut self.memory, life).is_ok() {
            self.patience = None;
            self.end = limit;
        } else {
            self.patience = Some(PATIENCE);
        }
    }

    /// Reserves numbers ahead of need, so that no reply waits for the memory. Call it when nobody waits.
    pub fn tend(&mut self) {
        if !self.lost {
            self.reserve_below(2 * EARLY);
        }
    }

    fn reserve_below(&mut self, left: u64) {
        // `next` is one past `end` when all are used.
        if self.end.saturating_sub(self.next) < left {
            match &mut self.patience {
                None | Some(0) => self.reserve(self.ring.life),
                Some(asks) => *asks -= 1,
            }
        }
    }

    /// The next sequence number: never given before, over any cut and any reset.
    ///
    /// # Errors
    ///
    /// [`StoreError::Lost`] when nobody knows which numbers were used, [`StoreError::Refused`] when all reserved ones
    /// are used and the memory takes no further reservation.
    pub fn next_sequence(&mut self) -> Result<u64, StoreError> {
        if self.lost {
            return Err(StoreError::Lost);
        }
        self.reserve_below(EARLY);
        if self.next > self.end {
            return Err(StoreError::Refused);
        }
        let given = self.next;
        self.next = given.checked_add(1).ok_or(StoreError::Exhausted)?;
        Ok(given)
    }

    /// Replaces the legally relevant parameters; the event counter rises by one with it. The parameters in force given
    /// again are no change.
    ///
    /// # Errors
    ///
    /// After an error the old configuration is in force; should the memory have kept the new one all the same, it is in
    /// force, and counted, from the next start.
    pub fn replace(&mut self, seal_open: bool, parameters: &Parameters) -> Result<Sealed, StoreError> {
        if !seal_open {
            return Err(StoreError::SealClosed);
        }
        if let Some(sealed) = self.configuration().filter(|sealed| sealed.parameters == *parameters) {
            return Ok(sealed);
        }
        let event_counter = self.event_counter.checked_add(1).ok_or(StoreError::Exhausted)?;
        let sealed = Sealed { parameters: *parameters, event_counter };
        let content = pack_sealed(&sealed);
        let written = self.config.replace(CONFIGURATION, &mut self.memory, &content);
        if let Err(why) = written {
            self.failed = true;
            return Err(why);
        }
        self.event_counter = event_counter;
        // From here on the change holds. Its second copy and the witness are made good at the next start if they fail.
        let second = self.config.repeat(CONFIGURATION, &mut self.memory, &content);
        let life = Life { event_counter, ..self.ring.life };
        let witness = if self.lost { Err(StoreError::Lost) } else { self.ring.write(&mut self.memory, life) };
        self.failed |= second.is_err() || witness.is_err();
        Ok(sealed)
    }

    /// Sets serial number and key, once.
    ///
    /// # Errors
    ///
    /// [`StoreError::HasIdentity`] when they are set; after [`StoreError::Refused`] it may be tried again.
    pub fn manufacture(&mut self, identity: &Identity) -> Result<(), StoreError> {
        if self.has_identity {
            return Err(StoreError::HasIdentity);
        }
        let mut content = [0; IDENTITY_BYTES];
        let (serial, key) = content.split_at_mut(8);
        serial.copy_from_slice(&identity.serial);
        key.copy_from_slice(&identity.key);
        let mut newest = Newest::default();
        newest.replace(IDENTITY, &mut self.memory, &content)?;
        self.has_identity = true;
        self.failed |= newest.repeat(IDENTITY, &mut self.memory, &content).is_err();
        Ok(())
    }

    /// Keeps bus settings.
    ///
    /// # Errors
    ///
    /// After [`StoreError::Refused`] the settings kept before come back at the next start.
    pub fn set_bus(&mut self, bus: Bus) -> Result<(), StoreError> {
        let [s1, s0] = bus.speed.to_be_bytes();
        let content = [bus.unit, bus.parity as u8, s1, s0, u8::from(bus.broadcast), 0, 0, 0];
        self.bus.replace(BUS, &mut self.memory, &content)
    }

    /// Keeps a fault.
    ///
    /// # Errors
    ///
    /// After [`StoreError::Refused`] an earlier one stays on record.
    pub fn record_fault(&mut self, fault: Fault) -> Result<(), StoreError> {
        let [k1, k0] = fault.kind.to_be_bytes();
        let [c3, c2, c1, c0] = fault.code.to_be_bytes();
        let [u3, u2, u1, u0] = fault.uptime_s.to_be_bytes();
        let [s3, s2, s1, s0] = fault.start.to_be_bytes();
        let content = [k1, k0, 0, 0, c3, c2, c1, c0, u3, u2, u1, u0, s3, s2, s1, s0];
        self.fault.replace(FAULT, &mut self.memory, &content)
    }

    /// Raises the security counter; a lower value than the one in force changes nothing.
    ///
    /// # Errors
    ///
    /// After [`StoreError::Refused`] the counter in force may be either value from the next start on.
    pub fn raise_security(&mut self, to: u32) -> Result<(), StoreError> {
        if to <= self.ring.life.security_counter {
            return Ok(());
        }
        if self.lost {
            return Err(StoreError::Lost);
        }
        let life = Life { security_counter: to, ..self.ring.life };
        let written = self.ring.write(&mut self.memory, life);
        self.failed |= written.is_err();
        written
    }

    /// Keeps where the update stands: first byte of the erase unit being filled, none when none is under way.
    ///
    /// # Errors
    ///
    /// After [`StoreError::Refused`] the update begins again after a reset.
    pub fn set_update(&mut self, from: Option<u32>) -> Result<(), StoreError> {
        let [f3, f2, f1, f0] = from.unwrap_or(u32::MAX).to_be_bytes();
        self.update.replace(UPDATE, &mut self.memory, &[f3, f2, f1, f0, 0, 0, 0, 0])?;
        self.update_from = from;
        Ok(())
    }

    /// First byte of the erase unit being filled by an update under way.
    pub fn update_from(&self) -> Option<u32> {
        self.update_from
    }

    /// Reads the sealed configuration in force; none where [`Loaded`] had none.
    pub fn configuration(&mut self) -> Option<Sealed> {
        let mut content = [0; CONFIGURATION_BYTES];
        let whole = self.config.copy(CONFIGURATION, &mut self.memory, &mut content);
        let sealed = if whole { unpack_sealed(&content) } else { None };
        sealed.filter(|sealed| sealed.event_counter == self.event_counter)
    }

    /// Accepted changes of the legally relevant parameters.
    pub fn event_counter(&self) -> u32 {
        self.event_counter
    }

    /// Starts since manufacture, this one included.
    pub fn starts(&self) -> u32 {
        self.ring.life.starts
    }

    /// The security counter in force.
    pub fn security_counter(&self) -> u32 {
        self.ring.life.security_counter
    }

    /// Whether the memory has refused something in this start, or the record of used numbers is lost.
    pub fn has_failed(&self) -> bool {
        self.failed || self.patience.is_some() || self.lost
    }

    /// Gives the memory back.
    pub fn close(self) -> S {
        self.memory
    }

    fn open_identity(&mut self) -> (Option<Identity>, bool) {
        let mut content = [0; IDENTITY_BYTES];
        let mut newest = Newest::open(IDENTITY, &mut self.memory, &mut content);
        if !newest.is_whole() {
            return (None, false);
        }
        let mended = newest.mend(IDENTITY, &mut self.memory, &content);
        self.failed |= mended.is_err();
        let (serial, key) = content.split_at(8);
        let mut identity = Identity { serial: [0; 8], key: [0; 32] };
        identity.serial.copy_from_slice(serial);
        identity.key.copy_from_slice(key);
        (Some(identity), mended == Ok(true))
    }

    fn open_configuration(&mut self) -> (Option<Sealed>, bool) {
        let mut content = [0; CONFIGURATION_BYTES];
        self.config = Newest::open(CONFIGURATION, &mut self.memory, &mut content);
        self.event_counter = self.ring.life.event_counter;
        let sealed = if self.config.is_whole() { unpack_sealed(&content) } else { None };
        // Two copies older than their witness were put there by somebody.
        let Some(sealed) = sealed.filter(|sealed| sealed.event_counter >= self.event_counter) else {
            return (None, false);
        };
        self.event_counter = sealed.event_counter;
        let mended = self.config.mend(CONFIGURATION, &mut self.memory, &content);
        self.failed |= mended.is_err();
        (Some(sealed), mended == Ok(true))
    }

    fn open_bus(&mut self) -> Bus {
        let mut content = [0; BUS_BYTES];
        self.bus = Newest::open(BUS, &mut self.memory, &mut content);
        let [unit, parity, s1, s0, broadcast, ..] = content;
        let words = [u16::from(unit), u16::from_be_bytes([s1, s0]), u16::from(parity), u16::from(broadcast)];
        if self.bus.is_whole() { Bus::from_words(words).unwrap_or_default() } else { Bus::default() }
    }

    fn open_fault(&mut self) -> Option<Fault> {
        let mut content = [0; FAULT_BYTES];
        self.fault = Newest::open(FAULT, &mut self.memory, &mut content);
        let [k1, k0, _, _, c3, c2, c1, c0, u3, u2, u1, u0, s3, s2, s1, s0] = content;
        self.fault.is_whole().then(|| Fault {
            kind: u16::from_be_bytes([k1, k0]),
            code: u32::from_be_bytes([c3, c2, c1, c0]),
            uptime_s: u32::from_be_bytes([u3, u2, u1, u0]),
            start: u32::from_be_bytes([s3, s2, s1, s0]),
        })
    }

    fn open_update(&mut self) {
        let mut content = [0; UPDATE_BYTES];
        self.update = Newest::open(UPDATE, &mut self.memory, &mut content);
        let [f3, f2, f1, f0, ..] = content;
        let from = u32::from_be_bytes([f3, f2, f1, f0]);
        self.update_from = (self.update.is_whole() && from != u32::MAX).then_some(from);
    }
}

/// The security counter in force, read without opening the store: for the boot loader. None when the memory cannot be
/// read; 0 in a memory that has never been written.
pub fn security_counter<S: ReadStorage>(memory: &mut S) -> Option<u32> {
    let ring = Ring::open(memory);
    (!ring.unreadable).then_some(ring.life.security_counter)
}

const IDENTITY_BYTES: usize = 40;
const BUS_BYTES: usize = 8;
const FAULT_BYTES: usize = 16;
const UPDATE_BYTES: usize = 8;
const CONFIGURATION_BYTES: usize = 4 + 2 * PARAMETER_WORDS;

fn pack_sealed(sealed: &Sealed) -> [u8; CONFIGURATION_BYTES] {
    let mut content = [0; CONFIGURATION_BYTES];
    if let Some((counter, rest)) = content.split_first_chunk_mut::<4>() {
        *counter = sealed.event_counter.to_be_bytes();
        for (to, word) in rest.as_chunks_mut::<2>().0.iter_mut().zip(sealed.parameters.to_words()) {
            *to = word.to_be_bytes();
        }
    }
    content
}

fn unpack_sealed(content: &[u8; CONFIGURATION_BYTES]) -> Option<Sealed> {
    let (counter, rest) = content.split_first_chunk::<4>()?;
    let mut words = [0; PARAMETER_WORDS];
    for (word, bytes) in words.iter_mut().zip(rest.as_chunks::<2>().0) {
        *word = u16::from_be_bytes(*bytes);
    }
    let parameters = Parameters::from_words(&words).ok()?;
    Some(Sealed { parameters, event_counter: u32::from_be_bytes(*counter) })
}
