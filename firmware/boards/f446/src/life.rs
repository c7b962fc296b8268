//! The life of the board: it starts, goes round, and starts anew.

use core::cell::RefCell;

use embedded_hal::delay::DelayNs;
use stm32f4xx_hal::{
    i2c::I2c1,
    pac::{self, rcc::csr},
    prelude::*,
    rcc::Config,
};
use tidewaiter_app::{
    board::{
        gate::Gate,
        past::{Past, Stand},
    },
    device::{ads1115::Ads1115, at24::At24, nau7802::Nau7802, tmp105::Tmp105},
    instant::since,
    node::{Boot, Node, Reset},
    store::Fault,
};
use tidewaiter_cortex::past;
use tidewaiter_node::map::fault;

use crate::{
    clock,
    pulses::Pulses,
    shared::Shared,
    uart,
    update::{self, Updates},
};

/// At most 32 bytes.
const SOFTWARE: &str = concat!("tidewaiter-node ", env!("CARGO_PKG_VERSION"), " f446");
/// Bytes of the EEPROM.
const EEPROM: u16 = 4096;
/// Counts of the watchdog, of 2 ms each, after which an unfed chip resets: a second. The loop feeds every 250 µs, and the
/// store may keep it for 60 ms.
const UNFED: u16 = 500;
/// Between two looks at the load cell, which converts 20 times a second, and at counter and loop.
const CELL_US: u32 = 10_000;
const SAMPLE_US: u32 = 50_000;
/// Between two looks at the temperature.
const TEMPERATURE_US: u32 = 500_000;

/// Waits by looking at the clock.
#[derive(Clone, Copy)]
struct Wait;

impl DelayNs for Wait {
    fn delay_ns(&mut self, ns: u32) {
        let (began, us) = (clock::now(), ns / 1_000);
        while since(clock::now(), began) <= us {}
    }
}

type Bus<'a> = Shared<'a, I2c1>;
type Memory<'a> = At24<Bus<'a>, Wait>;

/// Why the chip starts: its own flags (RM0390, 6.3.21), the rarer first, for a power-on sets several. What the run
/// before has left tells a panic from a restart on purpose; both are resets by software.
fn cause(flags: &csr::R, left: Option<Past>) -> Reset {
    match left.map(|it| it.stand) {
        _ if flags.wdgrstf().bit() || flags.wwdgrstf().bit() => Reset::Watchdog,
        Some(Stand::Panic | Stand::CoreFault) if flags.sftrstf().bit() => Reset::Panic,
        _ if flags.sftrstf().bit() => Reset::Software,
        _ if flags.porrstf().bit() => Reset::PowerOn,
        _ if flags.borrstf().bit() => Reset::BrownOut,
        _ if flags.padrstf().bit() => Reset::Pin,
        _ => Reset::Unknown,
    }
}

fn fault_of(left: Option<Past>) -> Option<Fault> {
    let left = left?;
    let kind = match left.stand {
        Stand::Panic => fault::PANIC,
        Stand::CoreFault => fault::EXCEPTION,
        Stand::Runs | Stand::Watchdog | Stand::Restarts => return None,
    };
    Some(Fault { kind, code: left.place, uptime_s: left.uptime_s, start: 0 })
}

/// The sensors, and when each was looked at.
struct Sensors<'a> {
    bus: Bus<'a>,
    cell: Nau7802,
    current: Ads1115,
    temperature: Tmp105,
    pulses: Pulses,
    celled: u64,
    sampled: u64,
    felt: u64,
}

impl Sensors<'_> {
    fn feed(&mut self, node: &mut Node<Memory<'_>, Updates>, now: u64) {
        if since(now, self.celled) >= CELL_US {
            self.celled = now;
            // A cell that is silent or lost says nothing, and is stale after a while.
            if let Ok(Some(code)) = self.cell.read(&mut self.bus, &mut Wait) {
                node.load_cell(now, code);
            }
        }
        if since(now, self.sampled) >= SAMPLE_US {
            self.sampled = now;
            node.pulses(now, self.pulses.total());
            node.loop_current(now, self.current.read(&mut self.bus).unwrap_or(None));
        }
        if since(now, self.felt) >= TEMPERATURE_US {
            self.felt = now;
            node.temperature(now, self.temperature.read(&mut self.bus).unwrap_or(None));
        }
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let left = past::take();
    let (Some(chip), Some(core)) = (pac::Peripherals::take(), cortex_m::Peripherals::take()) else { past::restart() };
    // Before the clocks: a crystal that does not start ends in a reset.
    let watchdog = chip.IWDG;
    watchdog.kr().write(|w| w.key().unlock());
    // Of the 32 kHz of its own oscillator.
    watchdog.pr().write(|w| w.pr().divide_by64());
    watchdog.rlr().write(|w| w.rl().set(UNFED));
    watchdog.kr().write(|w| w.key().feed());
    watchdog.kr().write(|w| w.key().start());
    let reset = cause(&chip.RCC.csr().read(), left);
    chip.RCC.csr().modify(|_, w| w.rmvf().set_bit());
    let clocks = Config::hse(8.MHz())
        .bypass_hse_oscillator()
        .sysclk(clock::CORE_MHZ.MHz())
        .pclk1(42.MHz())
        .pclk2(clock::CORE_MHZ.MHz());
    let mut rcc = chip.RCC.freeze(clocks);
    clock::start(&mut rcc, core.SYST);

    let (a, b, c) = (chip.GPIOA.split(&mut rcc), chip.GPIOB.split(&mut rcc), chip.GPIOC.split(&mut rcc));
    // Low before it is an output: the driver must not speak into the line while the board starts.
    let _drive = a.pa8.into_push_pull_output_in_state(stm32f4xx_hal::gpio::PinState::Low);
    let _bus_pins = (a.pa9.into_alternate::<7>(), a.pa10.into_alternate::<7>().internal_pull_up(true));
    let _scale_pin = c.pc7.into_alternate::<8>().internal_pull_up(true);
    let _pulse_pin = a.pa0.into_alternate::<1>().internal_pull_up(true);
    let seal = b.pb5.into_pull_up_input();

    let wires = RefCell::new(I2c1::new(chip.I2C1, (b.pb8, b.pb9), 400.kHz(), &mut rcc));
    let bus = Shared(&wires);
    let mut sensors = Sensors {
        bus,
        cell: Nau7802::new(),
        current: Ads1115::new(Ads1115::ADDRESS_SUPPLY),
        temperature: Tmp105::new(Tmp105::ADDRESS),
        pulses: Pulses::start(chip.TIM2, &mut rcc),
        celled: 0,
        sampled: 0,
        felt: 0,
    };
    let (hash, security_counter) = update::running();
    let boot = Boot {
        reset,
        fault: fault_of(left),
        software: SOFTWARE,
        hash,
        simulated: false,
        seal_open: seal.is_low(),
        on_trial: false,
    };
    let memory = At24::new(bus, Wait, Memory::ADDRESS, EEPROM);
    uart::start(&mut rcc);
    // It lies where it is made, and is never moved: two of it would not fit onto the stack.
    let mut node = Node::start_with(memory, boot, clock::now(), |store| update::open(store, security_counter));
    let settings = node.bus();
    uart::set_bus(u32::from(settings.speed).saturating_mul(100), settings.parity);
    let mut gate = Gate::new();
    loop {
        let now = clock::now();
        past::keep(now);
        node.seal_switch(seal.is_low());
        let mut heard = false;
        while let Some((at, byte)) = uart::scale_byte() {
            node.scale_byte(at, byte);
        }
        for _ in 0..uart::bus_errors() {
            node.bus_error();
        }
        // The line is a half-duplex one: a reply on its way ends first.
        if !uart::is_replying() {
            while let Some((at, byte)) = uart::bus_byte() {
                heard = true;
                node.bus_byte(at, byte);
            }
            let now = clock::now();
            if let Some(reply) = node.bus_poll(now) {
                let answered = clock::now();
                uart::reply(reply);
                node.bus_answered(answered);
            }
        }
        if gate.opens(now, node.bus_is_idle(), heard) {
            sensors.feed(&mut node, now);
            let orders = node.tick(clock::now());
            if orders.feed_watchdog {
                watchdog.kr().write(|w| w.key().feed());
            }
            if orders.restart.is_some() {
                past::restart();
            }
        }
        // It stays awake while a request is held, and answers within a turn of the loop. An interrupt that came since the
        // lines were looked at still wakes the core: it sleeps with interrupts held back.
        critical_section::with(|section| {
            if node.bus_is_idle() && uart::all_quiet(section) {
                cortex_m::asm::wfi();
            }
        });
    }
}
