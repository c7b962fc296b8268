//! The instrument node on the emulated board, Arm MPS2 AN386 under QEMU.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod clock;
#[cfg(target_os = "none")]
mod image;
#[cfg(target_os = "none")]
mod mmio;
#[cfg(target_os = "none")]
mod past;
#[cfg(target_os = "none")]
mod sbcon;
#[cfg(target_os = "none")]
mod uart;
#[cfg(target_os = "none")]
mod vectors;
#[cfg(target_os = "none")]
mod watchdog;

#[cfg(target_os = "none")]
mod board {
    use crate::{clock, image, past, sbcon, uart, watchdog};
    use embedded_hal::i2c::I2c;
    #[cortex_m_rt::entry]
    fn main() -> ! {
        let left = past::take();
        clock::start();
        uart::start(19_200);
        watchdog::start();
        uart::log(b"boot ");
        uart::log(match left { None => b"power", Some(it) => match it.stand { tidewaiter_app::board::past::Stand::Watchdog => b"wdog ", tidewaiter_app::board::past::Stand::Panic=> b"panic", _ => b"other" } });
        let hex = |b: u8| -> [u8; 2] { let d = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 }; [d(b >> 4), d(b & 15)] };
        for b in &image::hash()[..4] { uart::log(&hex(*b)); }
        uart::log(b"\n");
        clock::wake_every(10_000);
        let mut i2c = sbcon::Sbcon::new();
        let _ = i2c.write(0x48, &[1, 0x60]);
        let mut last = 0;
        let mut starve = false;
        loop {
            let now = clock::now();
            clock::keep(now);
            if !starve { watchdog::feed(); }
            while let Some((_, byte)) = uart::Line::Bus.take() {
                uart::reply(&[byte]);
                if byte == b'w' { starve = true; }
                assert!(byte != b'p', "asked");
            }
            if now - last > 1_000_000 {
                last = now;
                let mut b = [0; 2];
                let r = i2c.write_read(0x48, &[0], &mut b);
                uart::log(if r.is_ok() { b"T " } else { b"t?" });
                for b in b { uart::log(&hex(b)); }
                let mut e = [0; 4];
                let r = i2c.write_read(0x50, &[0, 0], &mut e);
                uart::log(if r.is_ok() { b" E " } else { b" e?" });
                for b in e { uart::log(&hex(b)); }
                let _ = i2c.write(0x50, &[0, 0, (now / 1_000_000) as u8]);
                uart::log(b"\n");
            }
            critical_section::with(|section| if uart::all_quiet(section) { cortex_m::asm::wfi() });
        }
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    println!("firmware for a Cortex-M: build it with firmware/toolchain");
}
