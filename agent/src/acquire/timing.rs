//! Times on a serial line: how long characters take, and how long Modbus wants silence.

use std::time::Duration;

use tidewaiter_config::site::{Parity, SerialLine};
use tokio::time::Instant;

use super::FineTimer;

/// Bits of one Modbus RTU character: start, eight data, parity or second stop, stop
/// (MODBUS over Serial Line V1.02, §2.5.1).
const RTU_CHARACTER_BITS: u64 = 11;
/// Up to this rate the silence follows the character time (ibid. §2.5.1.1).
const FIXED_ABOVE_BAUD: u32 = 19_200;
/// Above it the silence is fixed, since an interrupt per character could not keep shorter times.
const FIXED_SILENCE: Duration = Duration::from_micros(1750);

/// Waits until an instant.
pub(super) async fn sleep_until(until: Instant) {
    if until > Instant::now() {
        tokio::time::sleep_until(until).await;
    }
}

/// Waits out the silence between two frames, by the line's own timer where it has one.
pub(super) async fn rest_until(timer: Option<&FineTimer>, until: Instant) {
    match timer {
        Some(timer) => timer.sleep_until(until).await,
        None => sleep_until(until).await,
    }
}

/// The silence between two RTU frames: 3.5 characters, 1.75 ms above 19 200 Bd.
pub(super) fn silence(baud: u32) -> Duration {
    if baud > FIXED_ABOVE_BAUD {
        return FIXED_SILENCE;
    }
    // 3.5 characters are seven halves.
    Duration::from_nanos(RTU_CHARACTER_BITS * 7 * 1_000_000_000 / (2 * u64::from(baud.max(1))))
}

/// How long the line stays silent beyond [`silence`] after an answer: as declared, or one character.
///
/// An RS-485 transmitter switched by software lets go of the line when an interrupt tells it that the
/// last character has left, which can be a character late. Who speaks before that is not heard.
pub(super) fn turnaround(line: &SerialLine, declared: Option<Duration>) -> Duration {
    declared.unwrap_or_else(|| wire_time(line, 1))
}

/// How long `characters` take on the wire with the line's own framing.
pub(super) fn wire_time(line: &SerialLine, characters: usize) -> Duration {
    let parity = u64::from(line.parity != Parity::None);
    let bits = 1 + u64::from(line.data_bits) + parity + u64::from(line.stop_bits);
    let characters = u64::try_from(characters).unwrap_or(u64::MAX);
    Duration::from_nanos(characters.saturating_mul(bits).saturating_mul(1_000_000_000) / u64::from(line.baud.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 38.5 bits at each rate, computed by hand; above 19 200 the constant of the standard.
    #[test]
    fn silence_follows_the_standard() {
        for (baud, micros) in [
            (600, 64_166),
            (1200, 32_083),
            (2400, 16_041),
            (4800, 8020),
            (9600, 4010),
            (19_200, 2005),
            (38_400, 1750),
            (115_200, 1750),
        ] {
            assert_eq!(silence(baud).as_micros(), micros, "{baud} Bd");
        }
    }

    #[test]
    fn wire_time_counts_every_bit() {
        let line = |baud, parity, stop_bits| SerialLine { path: "x".into(), baud, data_bits: 8, parity, stop_bits };
        // A 256-character frame of 11 bits.
        assert_eq!(wire_time(&line(9600, Parity::Even, 1), 256).as_micros(), 293_333);
        assert_eq!(wire_time(&line(19_200, Parity::None, 2), 256).as_micros(), 146_666);
        assert_eq!(wire_time(&line(1200, Parity::None, 1), 12).as_millis(), 100);
    }
}
