//! The life of the board: it starts, goes round, and starts anew.

use embedded_hal::delay::DelayNs;
use tidewaiter_app::{
    board::{
        gate::{self, Gate},
        past::{Past, Stand},
        turnaround::{BOUNDS_US, Turnaround},
    },
    device::{at24::At24, tmp105::Tmp105},
    instant::since,
    node::{Boot, Node, Reset},
    plant::{Order, Plant},
    store::Fault,
};
use tidewaiter_cortex::{
    image, past,
    text::{hex, number},
};
use tidewaiter_node::map::fault;

use crate::{
    clock,
    sbcon::Sbcon,
    uart::{self, Line},
    update::{self, Updates},
    watchdog,
};

/// At most 32 bytes.
const SOFTWARE: &str = concat!("tidewaiter-node ", env!("CARGO_PKG_VERSION"), " mps2");
/// Bytes of the EEPROM.
const EEPROM: u16 = 4096;
/// The loop comes round at least this often; the end of a frame has an alarm of its own.
const IDLE_US: u32 = 10_000;
/// What a frame of the plant link makes the board do takes no longer.
const INPUTS_US: u32 = 300;
/// Between two looks at the temperature: the sensor converts four times a second.
const TEMPERATURE_US: u32 = 500_000;
/// Between two lines of the log.
const REPORT_US: u32 = 5_000_000;

/// Waits by looking at the clock.
struct Wait;

impl DelayNs for Wait {
    fn delay_ns(&mut self, ns: u32) {
        let (began, us) = (clock::now(), ns / 1_000);
        while since(clock::now(), began) <= us {}
    }
}

type Memory = At24<Sbcon, Wait>;

/// What the node is told of this start.
fn boot(left: Option<Past>, hash: [u8; 32]) -> Boot {
    let reset = match left.map(|it| it.stand) {
        None => Reset::PowerOn,
        // It stood as running: somebody outside reset it.
        Some(Stand::Runs) => Reset::Pin,
        Some(Stand::Watchdog) => Reset::Watchdog,
        Some(Stand::Panic | Stand::CoreFault) => Reset::Panic,
        Some(Stand::Restarts) => Reset::Software,
    };
    let kind = match left.map(|it| it.stand) {
        Some(Stand::Panic) => Some(fault::PANIC),
        Some(Stand::CoreFault) => Some(fault::EXCEPTION),
        Some(Stand::Watchdog) => Some(fault::WATCHDOG),
        _ => None,
    };
    let fault = left.zip(kind).map(|(it, kind)| Fault { kind, code: it.place, uptime_s: it.uptime_s, start: 0 });
    // The plant link opens the seal, if anything.
    Boot { reset, fault, software: SOFTWARE, hash, simulated: true, seal_open: false, on_trial: false }
}

/// A board that runs.
struct Life<'a> {
    node: &'a mut Node<Memory, Updates>,
    plant: Plant,
    sensor: Tmp105,
    bus: Sbcon,
    /// When slow work may begin.
    gate: Gate,
    /// A byte came from the bus in this turn.
    heard: bool,
    /// Slow work has been done since the last turn in which one came, and replies that waited behind such work.
    worked: bool,
    behind: u32,
    /// When the temperature was asked for, and when a line of the log was written.
    felt: u64,
    reported: u64,
    /// The part of a line that comes next.
    part: u8,
    /// The end of a frame that the alarm is set to.
    armed: Option<u64>,
    turnaround: Turnaround,
    /// When the core woke from its last sleep.
    woke: u64,
    /// How late the alarm rang, which nothing of the board's holds up: the host's share.
    alarm: Turnaround,
    /// What is left to the board: from the silence's end, or from the waking after it, to the reply.
    own: Turnaround,
    /// The plant wants to see what an unfed watchdog does.
    starves: bool,
}

impl Life<'_> {
    fn inputs(&mut self) {
        while let Some((at, byte)) = Line::Plant.take() {
            let Some(frame) = self.plant.push(byte) else { continue };
            self.node.seal_switch(frame.seal_open);
            if let Some(code) = frame.load_cell {
                self.node.load_cell(at, code);
            }
            if let Some(total) = frame.pulses {
                self.node.pulses(at, total);
            }
            self.node.loop_current(at, frame.loop_current);
            match frame.order {
                Some(Order::Starve) => self.starves = true,
                Some(Order::Panic) => panic!("the plant asked for it"),
                None => {}
            }
        }
        while let Some((at, byte)) = Line::Scale.take() {
            self.node.scale_byte(at, byte);
        }
    }

    fn temperature(&mut self, now: u64) {
        if since(now, self.felt) >= TEMPERATURE_US {
            self.felt = now;
            let felt = self.sensor.read(&mut self.bus).unwrap_or(None);
            self.node.temperature(now, felt);
        }
    }

    fn bus(&mut self) {
        self.heard = false;
        // A reply on its way is not to be written over; the line is a half-duplex one.
        if uart::is_replying() {
            return;
        }
        if Line::Bus.dropped() > 0 {
            self.node.bus_error();
        }
        while let Some((at, byte)) = Line::Bus.take() {
            self.heard = true;
            self.worked = false;
            self.node.bus_byte(at, byte);
        }
        if let Some(due) = self.node.bus_due().filter(|due| self.armed != Some(*due)) {
            self.armed = Some(due);
            clock::wake_at(due);
        }
        let rang = clock::rang(IDLE_US);
        let now = clock::now();
        if let Some(reply) = self.node.bus_poll(now) {
            // The first byte goes out now. QEMU takes the others as fast as they are written, on this core's time.
            let answered = clock::now();
            uart::reply(reply);
            let took = self.node.bus_answered(answered);
            self.turnaround.count(took);
            // The silence may have ended long before somebody woke the core.
            let slept = since(self.woke, answered.saturating_sub(u64::from(took)));
            self.own.count(took.saturating_sub(slept));
            self.behind = self.behind.saturating_add(u32::from(self.worked));
        }
        if let Some(late) = rang {
            self.alarm.count(late);
        }
    }

    /// Writes a part of a line of the log, if one is due: the whole of it takes longer than a request and its silence.
    fn report(&mut self, now: u64) {
        if self.part == 0 && since(now, self.reported) < REPORT_US {
            return;
        }
        match self.part {
            0 => {
                self.reported = now;
                let (used, all) = image::stack();
                let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
                uart::log(b"stack ");
                number(count(used), &mut uart::log);
                uart::log(b" of ");
                number(count(all), &mut uart::log);
                uart::log(b", replies behind slow work ");
                number(self.behind, &mut uart::log);
            }
            1 => classes(b", turnaround us", &self.turnaround),
            2 => classes(b"; alarm late us", &self.alarm),
            _ => {
                classes(b"; own us", &self.own);
                uart::log(b"\n");
            }
        }
        self.part = (self.part + 1) & 3;
    }
}

fn classes(title: &[u8], counted: &Turnaround) {
    uart::log(title);
    for (at, replies) in counted.classes.iter().enumerate() {
        uart::log(b" <=");
        match BOUNDS_US.get(at) {
            Some(bound) => number(*bound, &mut uart::log),
            None => uart::log(b"more"),
        }
        uart::log(b":");
        number(*replies, &mut uart::log);
    }
    uart::log(b" longest ");
    number(counted.longest_us, &mut uart::log);
}

/// The first line of a log: why it starts, and who runs.
fn introduce(boot: &Boot, left: Option<Past>) {
    uart::log(b"start, reset ");
    number(u32::from(boot.reset as u16), &mut uart::log);
    uart::log(b", place ");
    let (place, caller) = left.map_or((0, 0), |it| (it.place, it.caller));
    hex(&place.to_be_bytes(), &mut uart::log);
    uart::log(b" ");
    hex(&caller.to_be_bytes(), &mut uart::log);
    uart::log(b", image ");
    let (first, _) = boot.hash.split_at(8);
    hex(first, &mut uart::log);
    uart::log(b"\n");
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let left = past::take();
    watchdog::start();
    clock::start();
    let (hash, security_counter) = update::running();
    let boot = boot(left, hash);
    let bus = Sbcon::new();
    let memory = At24::new(bus, Wait, Memory::ADDRESS, EEPROM);
    uart::start();
    introduce(&boot, left);
    // It lies where it is made, and is never moved: two of it would not fit onto the stack.
    let mut node = Node::start_with(memory, boot, clock::now(), |store| update::open(store, security_counter));
    let mut life = Life {
        node: &mut node,
        plant: Plant::new(),
        sensor: Tmp105::new(Tmp105::ADDRESS),
        bus,
        gate: Gate::new(),
        heard: false,
        worked: false,
        behind: 0,
        felt: 0,
        reported: 0,
        part: 0,
        armed: None,
        turnaround: Turnaround::new(),
        woke: 0,
        alarm: Turnaround::new(),
        own: Turnaround::new(),
        starves: false,
    };
    uart::set_speed(u32::from(life.node.bus().speed).saturating_mul(100));
    clock::wake_every(IDLE_US);
    loop {
        let now = clock::now();
        past::keep(now);
        life.bus();
        if gate::has_time(clock::now(), life.node.bus_due(), INPUTS_US) {
            life.inputs();
        }
        if life.gate.opens(now, life.node.bus_is_idle(), life.heard) {
            life.worked = true;
            life.temperature(now);
            let orders = life.node.tick(clock::now());
            if orders.feed_watchdog && !life.starves {
                watchdog::feed();
            }
            if orders.restart.is_some() {
                past::restart();
            }
            life.report(now);
        }
        // An interrupt that came since the lines were looked at still wakes the core: it sleeps with interrupts held back.
        critical_section::with(|section| {
            if uart::all_quiet(section) && clock::is_silent(section) {
                cortex_m::asm::wfi();
                life.woke = clock::now();
            }
        });
    }
}
