//! A board with a plant: somebody plays the sensors as long as the rig lives.

use std::{
    io::Write as _,
    net::TcpStream,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tidewaiter_tests::process::until;

use super::{
    board::{Board, Bus},
    client::{Client, Reply, crc},
};

/// Serial number of the rig's node.
pub(crate) const SERIAL: [u8; 8] = *b"TW000001";
/// Its key.
pub(crate) const KEY: [u8; 32] = [
    0x5e, 0x21, 0x9c, 0x07, 0xd4, 0x4b, 0xf0, 0x8a, 0x13, 0x66, 0xb9, 0xe2, 0x3d, 0x70, 0xa5, 0xc8, 0x1f, 0x52, 0x85,
    0xbb, 0xee, 0x31, 0x64, 0x97, 0xca, 0x0d, 0x40, 0x73, 0xa6, 0xd9, 0x2c, 0x5f,
];
/// Bytes of the board's EEPROM.
const EEPROM_BYTES: usize = 4096;
/// A board answers within seconds of its power; a busy machine takes longer.
const UP_WITHIN: Duration = Duration::from_secs(60);
/// Between two conversions of the simulated front end.
const PERIOD: Duration = Duration::from_millis(50);

/// What the sensors feel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feel {
    pub(crate) seal_open: bool,
    /// Code of the load cell's converter; none: it does not convert.
    pub(crate) load: Option<i32>,
    /// Code of the loop's converter; none: it is silent.
    pub(crate) current: Option<i16>,
    /// Pulses a second.
    pub(crate) rate: u32,
    /// An order, sent once: 1 starve the watchdog, 2 panic.
    pub(crate) order: u8,
}

impl Feel {
    /// Five kilograms, twelve milliamperes, a hundred pulses a second, under a closed seal.
    pub(crate) const USUAL: Self =
        Self { seal_open: false, load: Some(50_000), current: Some(9_600), rate: 100, order: 0 };
}

/// A frame of the plant link, by the layout in `firmware/app/src/plant.rs`, without its code.
fn frame(sequence: u8, feel: Feel, pulses: u32) -> Vec<u8> {
    let bit = |holds: bool, place: u8| u8::from(holds) << place;
    let bits = bit(feel.seal_open, 0) | bit(feel.load.is_some(), 1) | bit(feel.current.is_some(), 2) | bit(true, 3);
    let mut body = vec![1, sequence, bits];
    body.extend(feel.load.unwrap_or_default().to_be_bytes());
    body.extend(pulses.to_be_bytes());
    body.extend(feel.current.unwrap_or_default().to_be_bytes());
    body.push(feel.order);
    let sum = crc(&body);
    [&[0xA5, 0x5A][..], &body, &sum].concat()
}

/// Plays the sensors in a thread of its own.
struct Plant {
    feel: Arc<Mutex<Feel>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Plant {
    fn start(mut link: TcpStream, feel: Feel) -> Self {
        let (feel, stop) = (Arc::new(Mutex::new(feel)), Arc::new(AtomicBool::new(false)));
        let (felt, stopped) = (Arc::clone(&feel), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let begun = Instant::now();
            let (mut sequence, mut pulses, mut before) = (0_u8, 0.0_f64, begun);
            while !stopped.load(Relaxed) {
                let now = {
                    let mut feel = felt.lock().unwrap_or_else(PoisonError::into_inner);
                    let now = *feel;
                    // An order is given once.
                    feel.order = 0;
                    now
                };
                pulses += f64::from(now.rate) * before.elapsed().as_secs_f64();
                before = Instant::now();
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand at most")]
                let total = pulses as u32;
                if link.write_all(&frame(sequence, now, total)).is_err() {
                    break;
                }
                sequence = sequence.wrapping_add(1);
                thread::sleep(PERIOD);
            }
        });
        Self { feel, stop, thread: Some(thread) }
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A board that has power and a plant.
pub(crate) struct Rig {
    pub(crate) board: Board,
    plant: Option<Plant>,
    feel: Feel,
}

impl Rig {
    /// A board made and configured, up and measuring. `None` where QEMU may be missing and is.
    pub(crate) fn new(dir: &Path, bus: Bus) -> Result<Option<Self>> {
        // Made on a TCP bus, whatever it is used on: the EEPROM moves.
        let Some(board) = Board::new(dir, Bus::Tcp, &[0xFF; EEPROM_BYTES])? else { return Ok(None) };
        let mut rig = Self::make(board)?;
        if bus != Bus::Tcp {
            let eeprom = rig.board.eeprom()?;
            rig.board = Board::new(dir, bus, &eeprom)?.context("QEMU was there before")?;
        }
        rig.power()?;
        Ok(Some(rig))
    }

    /// A board with a boot loader and a flash, made and configured, up and measuring.
    pub(crate) fn with_flash(dir: &Path, loader: &Path, factory: &Path) -> Result<Option<Self>> {
        let Some(board) = Board::with_flash(dir, &[0xFF; EEPROM_BYTES], loader, factory)? else { return Ok(None) };
        let mut rig = Self::make(board)?;
        rig.power()?;
        Ok(Some(rig))
    }

    /// Makes a board fresh from the factory, and takes its power away.
    fn make(board: Board) -> Result<Self> {
        let mut rig = Self { board, plant: None, feel: Feel { seal_open: true, ..Feel::USUAL } };
        rig.power()?;
        let mut client = rig.client()?;
        // The plant link opens the seal with its first frame.
        until("the seal open", UP_WITHIN, || client.read(4, 0x0007, 1).ok().filter(|it| *it == [1]))?;
        let identity: Vec<u8> = SERIAL.into_iter().chain(KEY).collect();
        client.must_write(0x01C0, &to_words(&identity), true)?;
        ensure!(client.read(4, 0x0080, 4)? == to_words(&SERIAL), "the node has another serial number");
        client.must_write(0x0010, &parameters(), false)?;
        // Speed and parity are nothing to an emulated line; the longest silence is, and 115 200 Bd has the shortest.
        client.must_write(0x0000, &[1, 1152, 0, 0], false)?;
        rig.feel(|feel| feel.seal_open = false);
        until("the seal closed", UP_WITHIN, || client.read(4, 0x0007, 1).ok().filter(|it| *it == [0]))?;
        drop(client);
        rig.cut()?;
        Ok(rig)
    }

    /// Gives it power, and waits until it answers.
    pub(crate) fn power(&mut self) -> Result<()> {
        self.board.start()?;
        self.plant = Some(Plant::start(self.board.plant()?, self.feel));
        Ok(())
    }

    /// Pulls the plug.
    pub(crate) fn cut(&mut self) -> Result<()> {
        self.plant = None;
        self.board.cut()
    }

    /// Lets go of the sensors: nothing comes over the plant link any more.
    pub(crate) fn still(&mut self) {
        self.plant = None;
    }

    /// Changes what the sensors feel.
    pub(crate) fn feel(&mut self, change: impl FnOnce(&mut Feel)) {
        change(&mut self.feel);
        if let Some(plant) = &self.plant {
            *plant.feel.lock().unwrap_or_else(PoisonError::into_inner) = self.feel;
        }
        self.feel.order = 0;
    }

    /// A client on the bus, once the board answers.
    pub(crate) fn client(&self) -> Result<Client> {
        let begun = Instant::now();
        loop {
            let mut client = Client::connect(self.board.port)?;
            client.within = Duration::from_millis(500);
            if let Ok(Reply::Bytes(_)) = client.ask(1, 4, &[0, 0, 0, 1]) {
                client.within = Duration::from_secs(2);
                client.silences = 0;
                return Ok(client);
            }
            ensure!(begun.elapsed() < UP_WITHIN, "the board does not answer; {}", self.board.tail());
        }
    }
}

/// Bytes as registers.
pub(crate) fn to_words(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks(2).map(|it| u16::from_be_bytes([it[0], it[1]])).collect()
}

/// A configuration: 10 000 codes are 1 kg, 12 kg capacity, 1 g interval, 4 and 20 mA at 3200 and 16 000, dead time
/// 100 µs, pulses over a second, load cell, pulses, loop and temperature fitted. By the layout in the register map.
pub(crate) fn parameters() -> [u16; 40] {
    let mut bytes = Vec::new();
    for double in [0_u32, 1000, 10_000, 1, 12_000, 2] {
        bytes.extend(double.to_be_bytes());
    }
    // Mean of one conversion, rest after four; no serial scale, no points.
    bytes.extend([0, 4, 0, 0]);
    bytes.extend([0; 36]);
    bytes.extend(100_000_u32.to_be_bytes());
    for word in [3_200_u16, 16_000, 0, 1_000, 0, 0b0_1111] {
        bytes.extend(word.to_be_bytes());
    }
    to_words(&bytes).try_into().expect("forty words")
}

/// A double register.
pub(crate) fn double(words: &[u16], at: usize) -> u32 {
    u32::from(words[at]) << 16 | u32::from(words[at + 1])
}
