//! The life of the board: it starts, goes round, and starts anew.

use embedded_hal::i2c::I2c as _;
use tidewaiter_app::{
    board::past::{Past, Stand},
    node::{Boot, Node, Reset},
    store::Fault,
};
use tidewaiter_cortex::{image, past};
use tidewaiter_node::map::fault;

use crate::{clock, sbcon::Sbcon, uart, watchdog};

struct Eeprom(Sbcon);
impl embedded_storage::ReadStorage for Eeprom {
    type Error = embedded_hal::i2c::ErrorKind;
    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let [.., high, low] = offset.to_be_bytes();
        self.0.write_read(0x50, &[high, low], bytes)
    }
    fn capacity(&self) -> usize {
        4096
    }
}
impl embedded_storage::Storage for Eeprom {
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = 32 - (at as usize % 32);
            let (page, after) = rest.split_at(room.min(rest.len()));
            let [.., high, low] = at.to_be_bytes();
            self.0.transaction(0x50, &mut [embedded_hal::i2c::Operation::Write(&[high, low]), embedded_hal::i2c::Operation::Write(page)])?;
            at += page.len() as u32;
            rest = after;
        }
        Ok(())
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let left = past::take();
    clock::start();
    watchdog::start();
    let hash = image::hash();
    let boot = Boot { reset: Reset::PowerOn, fault: None, software: "tw", hash, simulated: true, seal_open: true, on_trial: false };
    let _ = (left, Stand::Runs, fault::PANIC, None::<Fault>, None::<Past>);
    let mut node = Node::start(Eeprom(Sbcon::new()), boot, clock::now());
    uart::start(u32::from(node.bus().speed) * 100);
    clock::wake_every(10_000);
    let mut last = 0;
    let mut i2c = Sbcon::new();
    loop {
        let now = clock::now();
        past::keep(now);
        while let Some((at, byte)) = uart::Line::Bus.take() { node.bus_byte(at, byte); clock::wake_every(200); }
        while let Some((at, byte)) = uart::Line::Scale.take() { node.scale_byte(at, byte); }
        while let Some((at, byte)) = uart::Line::Plant.take() { node.load_cell(at, i32::from(byte)); node.pulses(at, 3); node.loop_current(at, Some(4)); }
        if let Some(reply) = node.bus_poll(now) { uart::reply(reply); node.bus_answered(clock::now()); clock::wake_every(10_000); }
        if now - last > 1_000_000 {
            last = now;
            let mut b = [0; 2];
            node.temperature(now, i2c.write_read(0x48, &[0], &mut b).ok().map(|()| i16::from_be_bytes(b) >> 4));
        }
        let orders = node.tick(now);
        if orders.feed_watchdog { watchdog::feed(); }
        if orders.restart.is_some() { past::restart(); }
        if uart::Line::Bus.dropped() > 0 { node.bus_error(); }
        critical_section::with(|section| if uart::all_quiet(section) { cortex_m::asm::wfi() });
    }
}
