//! A serial line in a pty: units that answer as slowly as the line, and an agent's own ports at the other end.
//!
//! A pty carries bytes at once, so the far end keeps the time of a real line: an answer's last byte goes out at
//! the deadline that characters and silences set, counted from the request's arrival, never from the byte before.

#![allow(dead_code, reason = "each bench uses some of it")]

use std::{
    fmt::Write as _,
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tidewaiter_agent::{
    acquire::{Arrival, Counters, SystemOpener, spawn},
    clock::SystemClock,
};
use tidewaiter_config::load_site;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
    task::JoinSet,
};
use tokio_serial::{SerialPort as _, SerialPortBuilderExt as _, SerialStream};
use tokio_util::sync::CancellationToken;

/// Start, eight data bits, parity, stop.
const CHARACTER_BITS: u32 = 11;
/// Characters that arrive together, as a USB adapter hands them over.
const PIECE: usize = 32;
/// A sleeping thread wakes late by less than this, mostly; the rest is waited for awake.
const SPIN: Duration = Duration::from_millis(1);

/// What a line is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Bits per second.
    pub(crate) baud: u32,
    /// Units on it, ids from 1.
    pub(crate) units: u8,
    /// Registers of each.
    pub(crate) registers: u16,
    /// Poll interval in milliseconds.
    pub(crate) poll_ms: u64,
    /// Declared turnaround in milliseconds.
    pub(crate) turnaround_ms: u64,
    /// The unit that never answers.
    pub(crate) dead: Option<u8>,
}

/// One request as the far end saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// When it came.
    pub(crate) at: Instant,
    /// Who was asked.
    pub(crate) unit: u8,
    /// By how much the last byte of its answer went out behind its deadline: what a far end of threads adds
    /// to a line, and a real one does not.
    pub(crate) late: Duration,
}

type Log = Arc<Mutex<Vec<Request>>>;

impl Line {
    /// How long so many characters take.
    pub(crate) fn characters(&self, count: u32) -> Duration {
        Duration::from_secs(u64::from(count * CHARACTER_BITS)) / self.baud
    }

    /// 3.5 characters, 1.75 ms above 19 200 Bd.
    pub(crate) fn silence(&self) -> Duration {
        if self.baud > 19_200 { Duration::from_micros(1750) } else { self.characters(7) / 2 }
    }

    /// Request, silence, answer, silence and turnaround: what one exchange takes at the least.
    pub(crate) fn cycle(&self) -> Duration {
        self.characters(8 + 5 + 2 * u32::from(self.registers))
            + 2 * self.silence()
            + Duration::from_millis(self.turnaround_ms)
    }

    /// Runs an agent's ports on this line for a while; returns every request made.
    pub(crate) fn run(&self, span: Duration) -> Vec<Request> {
        self.driven(|device| self.agent(device, span))
    }

    /// The same line, driven by a loop that does nothing but ask, wait for the last byte and keep silent: what
    /// ptys and the scheduler of the moment leave of a line.
    pub(crate) fn run_bare(&self, span: Duration) -> Vec<Request> {
        self.driven(|device| self.bare(device, span))
    }

    fn driven(&self, drive: impl FnOnce(&str)) -> Vec<Request> {
        let log = Log::default();
        let stop = CancellationToken::new();
        let (ready, path) = std::sync::mpsc::channel();
        let peer = {
            let (line, log, stop) = (*self, Arc::clone(&log), stop.clone());
            thread::spawn(move || {
                let runtime = runtime();
                runtime.block_on(async {
                    let (far, near) = SerialStream::pair().expect("a pty");
                    ready.send(near.name().expect("a pty has a name")).expect("the run waits for it");
                    drop(near);
                    stop.run_until_cancelled(line.answer(far, log)).await;
                });
            })
        };
        drive(&path.recv().expect("the far end runs"));
        stop.cancel();
        peer.join().expect("the far end ends");
        Arc::try_unwrap(log).expect("the far end has ended").into_inner().expect("nobody panicked")
    }

    fn bare(&self, device: &str, span: Duration) {
        runtime().block_on(async {
            let mut near = tokio_serial::new(device, self.baud).open_native_async().expect("the far end made it");
            let ends = Instant::now() + span;
            let mut answer = vec![0; 5 + 2 * usize::from(self.registers)];
            let [high, low] = self.registers.to_be_bytes();
            let mut request = vec![1, 4, 0, 0, high, low];
            request.extend(crc(&request));
            while Instant::now() < ends {
                near.write_all(&request).await.expect("the far end is there");
                near.read_exact(&mut answer).await.expect("the far end answers");
                wait_until(Instant::now() + self.silence() + Duration::from_millis(self.turnaround_ms));
            }
        });
    }

    fn agent(&self, device: &str, span: Duration) {
        let folder = tempfile::tempdir().expect("a folder");
        let site = self.site(folder.path(), device);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (out, mut arrivals) = mpsc::channel::<Arrival>(1024);
            let stop = CancellationToken::new();
            let counters = Arc::new(Counters::new(&site));
            let mut tasks: JoinSet<()> =
                spawn(&site, Arc::new(SystemClock), Arc::new(SystemOpener), out, Arc::clone(&counters), stop.clone());
            let _ = tokio::time::timeout(span, async { while arrivals.recv().await.is_some() {} }).await;
            stop.cancel();
            while tasks.join_next().await.is_some() {}
            for (unit, counts) in counters.snapshot() {
                let dead = self.dead.is_some_and(|dead| unit == format!("u{dead}"));
                assert!(dead || counts.missing.keys().all(|reason| *reason == "line-down"), "{unit}: {counts:?}");
            }
        });
    }

    fn site(&self, folder: &Path, device: &str) -> tidewaiter_config::site::Site {
        let mut profile = String::from(
            "id = \"bench\"\ntitle = \"bench\"\nsource = \"computed only\"\naddress_base = 0\ndevice_identification = false\n",
        );
        for register in 0..self.registers {
            let _ = write!(
                profile,
                "[[channels]]\nname = \"c{register}\"\ntable = \"input\"\naddress = {register}\ntype = \"u16\"\nunit = \"1\"\n\
                 [[vectors]]\nchannel = \"c{register}\"\nregisters = [7]\nexpect = \"7\"\n"
            );
        }
        let profiles = folder.join("profiles");
        std::fs::create_dir(&profiles).expect("a folder");
        std::fs::write(profiles.join("bench.toml"), profile).expect("a file");
        let mut site = format!(
            "version = 1\n[site]\nid = \"s\"\nagent = \"a\"\nname = \"bench\"\n[store]\ndir = \"data\"\nbudget = \"1 GiB\"\n\
             keep = \"1 d\"\n[local]\nlisten = \"127.0.0.1:0\"\n[profiles]\ndir = \"profiles\"\n\
             [[ports]]\nid = \"p\"\n[ports.modbus_rtu]\npath = \"{device}\"\nbaud = {}\nparity = \"even\"\n",
            self.baud
        );
        for unit in 1..=self.units {
            let _ = write!(
                site,
                "[[instruments]]\nid = \"u{unit}\"\nport = \"p\"\n[instruments.registers]\nprofile = \"bench\"\n\
                 unit_id = {unit}\npoll = \"{} ms\"\nturnaround = \"{} ms\"\ntimeout = \"500 ms\"\n",
                self.poll_ms, self.turnaround_ms
            );
        }
        let file = folder.join("site.toml");
        std::fs::write(&file, site).expect("a file");
        load_site(&file).unwrap_or_else(|report| panic!("{report}")).0
    }

    async fn answer(self, mut far: SerialStream, log: Log) {
        let mut request = [0; 8];
        loop {
            if far.read_exact(&mut request).await.is_err() {
                // The agent has not opened its end yet.
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
            let came = Instant::now();
            let unit = request[0];
            if Some(unit) == self.dead {
                log.lock().expect("nobody panicked").push(Request { at: came, unit, late: Duration::ZERO });
                continue;
            }
            let mut answer = vec![unit, request[1], u8::try_from(self.registers * 2).expect("one answer")];
            answer.extend([0, 7].repeat(usize::from(self.registers)));
            answer.extend(crc(&answer));
            let begins = came + self.characters(8) + self.silence();
            let mut sent = 0;
            for piece in answer.chunks(PIECE) {
                sent += u32::try_from(piece.len()).expect("a short piece");
                wait_until(begins + self.characters(sent));
                if far.write_all(piece).await.is_err() {
                    break;
                }
            }
            let late = Instant::now().saturating_duration_since(begins + self.characters(sent));
            log.lock().expect("nobody panicked").push(Request { at: came, unit, late });
        }
    }
}

/// The far end's own runtime, so that its blocking waits disturb nobody.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn wait_until(deadline: Instant) {
    if let Some(long) = deadline.checked_duration_since(Instant::now()).and_then(|left| left.checked_sub(SPIN)) {
        thread::sleep(long);
    }
    while Instant::now() < deadline {
        std::hint::spin_loop();
    }
}

fn crc(body: &[u8]) -> [u8; 2] {
    let mut crc = 0xFFFF_u16;
    for &byte in body {
        crc ^= u16::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
        }
    }
    crc.to_le_bytes()
}
