//! What stands behind the registers: inputs, store and identity, in the places of [`tidewaiter_node::map`].

use embedded_storage::Storage;
use heapless::Vec;
use tidewaiter_node::{
    block::{BYTES as BLOCK_BYTES, Block, Channel, NodeKey, WORDS as BLOCK_WORDS},
    map::{self, command, status},
};

use crate::{
    input::{Inputs, extremes::Extremes, quotient, serial_scale::Codec},
    line::Lost,
    node::{Boot, Restart},
    server::{Counts, Exception, Identity, Registers, Table},
    store::{Bus, Fault, Identity as Manufacture, PARAMETER_WORDS, Parameters, Sealed, Store, StoreError, is_all},
    update::{Order, Stage, Step, UpdateError, Updates, WINDOW},
};

/// Longest area of registers that is rendered at once, bytes.
const AREA_BYTES: usize = 80;

/// An area's registers as bytes.
type Area = Vec<u8, AREA_BYTES>;

/// Everything the bus can see, and the instant at which it looks.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Served<S: Storage, U> {
    pub(crate) boot: Boot,
    pub(crate) store: Store<S>,
    pub(crate) updates: U,
    pub(crate) identity: Option<(NodeKey, [u8; 8])>,
    pub(crate) sealed: Option<Sealed>,
    pub(crate) mended: bool,
    pub(crate) self_test: u32,
    pub(crate) inputs: Inputs,
    /// Settings kept for the next start.
    pub(crate) bus: Bus,
    pub(crate) fault: Option<Fault>,
    pub(crate) seal_open: bool,
    pub(crate) started: u64,
    pub(crate) now: u64,
    pub(crate) restart: Option<(Restart, u64)>,
    /// Counters as they were before this request.
    pub(crate) counts: Counts,
    pub(crate) lost: Lost,
    pub(crate) turnaround_us: u32,
    pub(crate) clear_counters: bool,
}

impl<S: Storage, U: Updates> Served<S, U> {
    /// Milliseconds since the start.
    fn uptime_ms(&self) -> u64 {
        quotient(self.now.saturating_sub(self.started), 1000)
    }

    /// Seconds since the start, as far as a register pair goes.
    pub(crate) fn uptime_s(&self) -> u32 {
        u32::try_from(quotient(self.uptime_ms(), 1000)).unwrap_or(u32::MAX)
    }

    fn serial(&self) -> [u8; 8] {
        self.identity.as_ref().map_or([0; 8], |(_, serial)| *serial)
    }

    /// Whether the running image has not been confirmed.
    pub(crate) fn on_trial(&self) -> bool {
        self.boot.on_trial || self.updates.progress().stage == Stage::OnTrial
    }

    /// A piece of the update's work.
    pub(crate) fn step_update(&mut self) {
        let who = self.identity.as_ref().map(|(key, serial)| (serial, key));
        if self.updates.step(&mut self.store, who) == Step::Restart && self.restart.is_none() {
            self.restart = Some((Restart::Update, self.now));
        }
    }

    /// Confirms the running image.
    pub(crate) fn confirm(&mut self) {
        if self.updates.confirm(&mut self.store).is_ok() {
            self.boot.on_trial = false;
        }
    }

    /// The status word.
    pub(crate) fn status(&self) -> u16 {
        let bit = |holds: bool, bit: u16| if holds { bit } else { 0 };
        bit(self.self_test != 0, status::SELF_TEST_FAILED)
            | bit(self.sealed.is_none(), status::NO_CONFIGURATION)
            | bit(self.mended, status::CONFIGURATION_MENDED)
            | bit(self.seal_open, status::SEAL_OPEN)
            | bit(self.inputs.warming_up(self.now), status::WARMING_UP)
            | bit(self.inputs.in_motion(self.now), status::MOTION)
            | bit(self.boot.reset.unexpected(), status::UNEXPECTED_RESET)
            | bit(self.store.has_failed(), status::STORE_FAILED)
            | bit(self.boot.simulated, status::SIMULATED)
            | bit(self.on_trial(), status::ON_TRIAL)
    }

    /// Takes the parameters of the sealed configuration into force.
    pub(crate) fn configure(&mut self, sealed: Sealed) {
        self.sealed = Some(sealed);
        self.inputs.configure(&sealed.parameters, self.started);
    }

    /// A fresh block under a number of its own.
    fn block(&mut self) -> Result<[u8; BLOCK_BYTES], Exception> {
        // Without a key there is nobody to seal; the number is not taken either.
        let (Some((_, serial)), now) = (&self.identity, self.now) else { return Err(Exception::Failure) };
        let block = Block {
            serial: *serial,
            sequence: self.store.next_sequence().map_err(|_| Exception::Failure)?,
            uptime_ms: self.uptime_ms(),
            starts: self.store.starts(),
            event_counter: self.store.event_counter(),
            status: self.status(),
            interval_us: self.inputs.counted().interval_us,
            samples: self.inputs.samples(now),
        };
        let (key, _) = self.identity.as_ref().ok_or(Exception::Failure)?;
        Ok(key.seal(&block))
    }

    /// Writes the area of input registers that holds an address; gives its first address.
    fn input_area(&self, address: u16, area: &mut Words) -> Option<u16> {
        Some(match address {
            0x0000..=0x0009 => {
                area.word(map::VERSION);
                area.word(self.status());
                area.double(self.uptime_s());
                area.double(self.store.starts());
                area.word(self.boot.reset as u16);
                area.word(u16::from(self.seal_open));
                area.double(self.store.event_counter());
                0x0000
            }
            map::CHANNELS..=0x001E => {
                for sample in self.inputs.samples(self.now) {
                    area.double(sample.value.cast_unsigned());
                    area.word(sample.state as u16);
                }
                map::CHANNELS
            }
            0x0020..=0x0021 => {
                area.double(self.inputs.counted().interval_us);
                0x0020
            }
            map::EXTREMES..=0x0043 => {
                self.inputs.extremes.all().for_each(|value| area.double(value.cast_unsigned()));
                map::EXTREMES
            }
            map::COUNTERS..=0x005F => {
                let Counts { frames, replies, exceptions, others } = self.counts;
                let Lost { bad_crc, short, overrun } = self.lost;
                for counter in [frames, replies, exceptions, bad_crc, short, overrun, others, self.turnaround_us] {
                    area.double(counter);
                }
                map::COUNTERS
            }
            map::FAULT..=0x0067 => {
                let none = Fault { kind: map::fault::NONE, code: 0, uptime_s: 0, start: 0 };
                let fault = self.fault.unwrap_or(none);
                area.word(fault.kind);
                area.double(fault.code);
                area.double(fault.uptime_s);
                area.double(fault.start);
                area.word(0);
                map::FAULT
            }
            map::UPDATE..=0x0077 => {
                let progress = self.updates.progress();
                area.word(progress.stage as u16);
                area.double(progress.received);
                area.double(self.store.security_counter());
                area.double(progress.offered);
                area.word(0);
                map::UPDATE
            }
            map::SERIAL..=0x00A3 => {
                area.bytes(&self.serial());
                area.bytes(&self.boot.hash);
                let mut text = [0; 32];
                text.iter_mut().zip(self.boot.software.bytes()).for_each(|(to, from)| *to = from);
                area.bytes(&text);
                map::SERIAL
            }
            _ => return None,
        })
    }

    /// Writes the area of holding registers that holds an address; gives its first address.
    fn holding_area(&self, address: u16, area: &mut Words) -> Option<u16> {
        Some(match address {
            map::BUS..=0x0003 => {
                for word in self.bus.to_words() {
                    area.word(word);
                }
                map::BUS
            }
            map::LEGAL..=0x0037 => {
                let words = self.sealed.map_or([0; PARAMETER_WORDS], |sealed| sealed.parameters.to_words());
                for word in words {
                    area.word(word);
                }
                map::LEGAL
            }
            map::COMMAND => {
                area.word(0);
                map::COMMAND
            }
            _ => return None,
        })
    }

    fn write_bus(&mut self, at: usize, new: &[u16]) -> Result<(), Exception> {
        let mut words = self.bus.to_words();
        overlay(&mut words, at, new)?;
        let bus = Bus::from_words(words).ok_or(Exception::Value)?;
        if bus != self.bus {
            self.store.set_bus(bus).map_err(refusal)?;
            self.bus = bus;
        }
        Ok(())
    }

    fn write_legal(&mut self, at: usize, new: &[u16]) -> Result<(), Exception> {
        let mut words = match self.sealed {
            Some(sealed) => sealed.parameters.to_words(),
            None if new.len() == PARAMETER_WORDS => [0; PARAMETER_WORDS],
            None => return Err(Exception::Address),
        };
        if !self.seal_open {
            return Err(Exception::Address);
        }
        overlay(&mut words, at, new)?;
        let parameters = Parameters::from_words(&words).map_err(|_| Exception::Value)?;
        if Codec::from_word(parameters.codec()).is_none() {
            return Err(Exception::Value);
        }
        if self.sealed.is_some_and(|sealed| sealed.parameters == parameters) {
            return Ok(());
        }
        let sealed = self.store.replace(self.seal_open, &parameters).map_err(refusal)?;
        self.configure(sealed);
        Ok(())
    }

    fn write_manufacture(&mut self, at: usize, words: &[u8]) -> Result<(), Exception> {
        let (Some((serial, key)), 0, true) = (words.split_first_chunk::<8>(), at, self.seal_open) else {
            return Err(Exception::Address);
        };
        let key = <[u8; 32]>::try_from(key).map_err(|_| Exception::Address)?;
        // The erased or the empty memory of the tool at the bench.
        if is_all(serial, 0) || is_all(&key, 0) || is_all(&key, 0xFF) {
            return Err(Exception::Value);
        }
        self.store.manufacture(&Manufacture { serial: *serial, key }).map_err(refusal)?;
        self.identity = Some((NodeKey::new(key), *serial));
        Ok(())
    }

    fn write_window(&mut self, at: usize, bytes: &[u8]) -> Result<(), Exception> {
        let (Some((offset, data)), 0) = (bytes.split_first_chunk::<4>(), at) else { return Err(Exception::Address) };
        let data = <&[u8; WINDOW]>::try_from(data).map_err(|_| Exception::Address)?;
        self.updates.window(u32::from_be_bytes(*offset), data).map_err(not_now)
    }

    fn write_order(&mut self, at: usize, bytes: &[u8]) -> Result<(), Exception> {
        let (Some((order, _)), 0) = (bytes.split_first_chunk::<24>(), at) else { return Err(Exception::Address) };
        let &[l3, l2, l1, l0, c3, c2, c1, c0, ref mac @ ..] = order;
        let order = Order {
            length: u32::from_be_bytes([l3, l2, l1, l0]),
            security_counter: u32::from_be_bytes([c3, c2, c1, c0]),
            mac: *mac,
        };
        self.updates.order(&self.store, order).map_err(not_now)
    }

    fn obey(&mut self, order: u16) -> Result<(), Exception> {
        match order {
            command::RESTART => self.restart = Some((Restart::Command, self.now)),
            command::CLEAR_COUNTERS => self.clear_counters = true,
            command::CLEAR_FAULT => {
                let none = Fault { kind: map::fault::NONE, code: 0, uptime_s: 0, start: 0 };
                if self.fault.is_some() {
                    self.store.record_fault(none).map_err(refusal)?;
                    self.fault = None;
                }
            }
            command::BEGIN_UPDATE => self.updates.begin().map_err(not_now)?,
            _ => return Err(Exception::Value),
        }
        Ok(())
    }
}

impl<S: Storage, U: Updates> Registers for Served<S, U> {
    fn read(&mut self, table: Table, address: u16, out: &mut [u8]) -> Result<(), Exception> {
        if table == Table::Input && address == map::BLOCK && out.len() == BLOCK_BYTES {
            let block = self.block()?;
            out.iter_mut().zip(block).for_each(|(to, from)| *to = from);
            return Ok(());
        }
        let whole = out.len();
        let (mut at, mut rest) = (address, out);
        while !rest.is_empty() {
            let mut area = Words::default();
            let first = match table {
                Table::Input => self.input_area(at, &mut area),
                Table::Holding => self.holding_area(at, &mut area),
            };
            let skip = usize::from(at.wrapping_sub(first.ok_or(Exception::Address)?)).wrapping_mul(2);
            let bytes = area.0.get(skip..).filter(|it| !it.is_empty()).ok_or(Exception::Address)?;
            let (filled, after) = rest.split_at_mut(bytes.len().min(rest.len()));
            filled.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            let registers = u16::try_from(filled.len() / 2).unwrap_or(u16::MAX);
            rest = after;
            match at.checked_add(registers) {
                Some(next) => at = next,
                None if rest.is_empty() => {}
                None => return Err(Exception::Address),
            }
        }
        let extremes = usize::from(map::EXTREMES_COUNT).saturating_mul(2);
        if table == Table::Input && address == map::EXTREMES && whole == extremes {
            self.inputs.extremes = Extremes::default();
        }
        Ok(())
    }

    fn write(&mut self, address: u16, bytes: &[u8]) -> Result<(), Exception> {
        // 123 registers at most come in one request.
        let new: Vec<u16, 123> =
            bytes.chunks_exact(2).map(|pair| pair.iter().fold(0, |word, &byte| word << 8 | u16::from(byte))).collect();
        let within = |first: u16, count: u16| {
            let at = address.checked_sub(first)?;
            (usize::from(at).saturating_add(new.len()) <= usize::from(count)).then_some(usize::from(at))
        };
        if let Some(at) = within(map::BUS, 4) {
            self.write_bus(at, &new)
        } else if let Some(at) = within(map::LEGAL, map::LEGAL_COUNT) {
            self.write_legal(at, &new)
        } else if let Some(at) = within(map::MANUFACTURE, map::MANUFACTURE_COUNT) {
            self.write_manufacture(at, bytes)
        } else if let Some(at) = within(map::UPDATE_WINDOW, map::UPDATE_WINDOW_COUNT) {
            self.write_window(at, bytes)
        } else if let Some(at) = within(map::UPDATE_ORDER, map::UPDATE_ORDER_COUNT) {
            self.write_order(at, bytes)
        } else if let (Some(_), [order]) = (within(map::COMMAND, 1), new.as_slice()) {
            self.obey(*order)
        } else {
            Err(Exception::Address)
        }
    }

    fn identity(&self) -> Identity<'_> {
        Identity { software: self.boot.software, serial: self.serial(), hash: &self.boot.hash }
    }
}

/// Registers one after the other; what does not fit is left out, and then not there.
#[derive(Default)]
struct Words(Area);

impl Words {
    // Out of line, as what is made of it: all areas are made of little else.
    #[inline(never)]
    fn bytes(&mut self, bytes: &[u8]) {
        let _ = self.0.extend_from_slice(bytes);
    }

    #[inline(never)]
    fn word(&mut self, word: u16) {
        self.bytes(&word.to_be_bytes());
    }

    #[inline(never)]
    fn double(&mut self, double: u32) {
        self.bytes(&double.to_be_bytes());
    }
}

/// Puts new words over old ones.
fn overlay(words: &mut [u16], at: usize, new: &[u16]) -> Result<(), Exception> {
    let place = words.get_mut(at..).and_then(|it| it.get_mut(..new.len())).ok_or(Exception::Address)?;
    place.copy_from_slice(new);
    Ok(())
}

fn refusal(why: StoreError) -> Exception {
    match why {
        StoreError::SealClosed | StoreError::HasIdentity => Exception::Address,
        StoreError::Refused | StoreError::Lost | StoreError::Exhausted => Exception::Failure,
    }
}

fn not_now(why: UpdateError) -> Exception {
    match why {
        UpdateError::Busy => Exception::Busy,
        UpdateError::Offset { .. } | UpdateError::Differs | UpdateError::Torn | UpdateError::SecurityCounter { .. } => {
            Exception::Value
        }
        UpdateError::Stage | UpdateError::Flash | UpdateError::Unsupported => Exception::Failure,
    }
}

const _: () = assert!(BLOCK_WORDS <= 125 && Channel::ALL.len() == 5);
