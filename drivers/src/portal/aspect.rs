//! Aspect (Yantar) portals over Modbus: two blocks of holding registers, low word first.
//!
//! Registers 0 to 4 identify the portal and say where its monitor block lies; the block has 21
//! registers. The portal is asked again and again (FC 03), five times a second while occupied; it pushes
//! nothing.
//!
//! ```text
//!  0 elapsed time u32       6 gamma background f32      13 neutron background f32    19 speed, mm/s
//!  2 inputs                 8 gamma variance f32        15 neutron variance f32      20 outputs
//!  3 gamma status          10 neutron status            17 object counter
//!  4 gamma count u32       11 neutron count u32         18 axle counter
//! ```
//!
//! A count is compared with the background of the same interval, which the portal does not state; both
//! are told as counts. Written from the public `OpenSensorHub` driver for these portals. Not here:
//! finding the unit id, polling, and what the samples of an occupancy add up to.

mod bits;

pub use bits::{DetectorStatus, Inputs, Outputs};

use crate::{
    Decimal, Unit,
    modbus::{FrameError, pdu, register::Table},
    reading::{Channels, Indication, Missing, Outcome, Quality},
    wire::single::{Single, SingleError},
};

/// First register of the identification block.
pub const IDENTIFICATION_ADDRESS: u16 = 0;

/// Registers asked for; five of them are understood.
pub const IDENTIFICATION_REGISTERS: u16 = 8;

/// Registers of the monitor block.
pub const MONITOR_REGISTERS: u16 = 21;

/// Where the monitor block usually lies.
pub const USUAL_MONITOR_ADDRESS: u16 = 100;

/// A block of registers with too few of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Another number of registers than the block has.
    #[error("{found} registers, the block has {expected}")]
    Count {
        /// As given.
        found: usize,
        /// As the block needs.
        expected: usize,
    },
    /// The identification announces a monitor block of another length.
    #[error("monitor block of {0} registers announced, this map has 21")]
    Length(u16),
}

/// What a portal says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identification {
    /// Kind of device.
    pub signature: u16,
    /// Registers of this block.
    pub registers: u16,
    /// Kind of monitor block.
    pub monitor_kind: u16,
    /// First register of the monitor block.
    pub monitor_address: u16,
    /// Registers of the monitor block.
    pub monitor_registers: u16,
}

impl Identification {
    /// The question for the identification block.
    ///
    /// # Errors
    ///
    /// None: the range is a constant and valid.
    pub fn request() -> Result<[u8; 5], FrameError> {
        pdu::read_request(Table::Holding, IDENTIFICATION_ADDRESS, IDENTIFICATION_REGISTERS)
    }

    /// Reads the first five of at least as many registers.
    ///
    /// # Errors
    ///
    /// Refuses fewer.
    pub fn from_registers(registers: &[u16]) -> Result<Self, BlockError> {
        let &[signature, count, monitor_kind, monitor_address, monitor_registers, ..] = registers else {
            return Err(BlockError::Count { found: registers.len(), expected: 5 });
        };
        Ok(Self { signature, registers: count, monitor_kind, monitor_address, monitor_registers })
    }

    /// Writes the block as a portal serves it, unused registers as zero.
    pub const fn to_registers(self) -> [u16; IDENTIFICATION_REGISTERS as usize] {
        [self.signature, self.registers, self.monitor_kind, self.monitor_address, self.monitor_registers, 0, 0, 0]
    }

    /// The question for the monitor block where this portal has it.
    ///
    /// # Errors
    ///
    /// Refuses a block of another length or beyond the last register.
    pub fn monitor_request(&self) -> Result<[u8; 5], MonitorRequestError> {
        if self.monitor_registers != MONITOR_REGISTERS {
            return Err(BlockError::Length(self.monitor_registers).into());
        }
        Ok(pdu::read_request(Table::Holding, self.monitor_address, MONITOR_REGISTERS)?)
    }
}

/// Why the monitor block a portal announces cannot be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MonitorRequestError {
    /// Not the block of this map.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// Not a range of registers.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Count, background and its variance of one kind of detectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Detectors {
    /// Status.
    pub status: DetectorStatus,
    /// Counts.
    pub count: u32,
    /// Counts expected without a source.
    pub background: Single,
    /// Variance of that.
    pub variance: Single,
}

/// One look at the monitor block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Monitor {
    /// Time since start, in a unit no open source states.
    pub elapsed: u32,
    /// Inputs.
    pub inputs: Inputs,
    /// Gamma detectors.
    pub gamma: Detectors,
    /// Neutron detectors.
    pub neutron: Detectors,
    /// Counts objects.
    pub object: u16,
    /// Counts the pairs of wheels of an object.
    pub axles: u16,
    /// Speed of the object in millimetres per second.
    pub speed_mm_s: u16,
    /// Outputs.
    pub outputs: Outputs,
}

impl Monitor {
    /// Reads the 21 registers.
    ///
    /// # Errors
    ///
    /// Refuses another number of them.
    pub fn from_registers(registers: &[u16]) -> Result<Self, BlockError> {
        let expected = usize::from(MONITOR_REGISTERS);
        let found = registers.len();
        let r: &[u16; MONITOR_REGISTERS as usize] =
            registers.try_into().map_err(|_| BlockError::Count { found, expected })?;
        let detectors = |status, [c0, c1]: [u16; 2], [b0, b1]: [u16; 2], [v0, v1]: [u16; 2]| Detectors {
            status: DetectorStatus(status),
            count: low_first(c0, c1),
            background: Single(low_first(b0, b1)),
            variance: Single(low_first(v0, v1)),
        };
        Ok(Self {
            elapsed: low_first(r[0], r[1]),
            inputs: Inputs(r[2]),
            gamma: detectors(r[3], [r[4], r[5]], [r[6], r[7]], [r[8], r[9]]),
            neutron: detectors(r[10], [r[11], r[12]], [r[13], r[14]], [r[15], r[16]]),
            object: r[17],
            axles: r[18],
            speed_mm_s: r[19],
            outputs: Outputs(r[20]),
        })
    }

    /// Writes the registers as a portal serves them.
    pub const fn to_registers(&self) -> [u16; MONITOR_REGISTERS as usize] {
        let [t0, t1] = words(self.elapsed);
        let (gamma, neutron) = (&self.gamma, &self.neutron);
        let ([gc0, gc1], [nc0, nc1]) = (words(gamma.count), words(neutron.count));
        let ([gb0, gb1], [nb0, nb1]) = (words(gamma.background.0), words(neutron.background.0));
        let ([gv0, gv1], [nv0, nv1]) = (words(gamma.variance.0), words(neutron.variance.0));
        [
            t0,
            t1,
            self.inputs.0,
            gamma.status.0,
            gc0,
            gc1,
            gb0,
            gb1,
            gv0,
            gv1,
            neutron.status.0,
            nc0,
            nc1,
            nb0,
            nb1,
            nv0,
            nv1,
            self.object,
            self.axles,
            self.speed_mm_s,
            self.outputs.0,
        ]
    }
}

impl Detectors {
    /// `(count − background) / √variance` in thousandths, rounded to the nearest; what an own judgement
    /// beside the portal's starts from.
    ///
    /// `None` when a float is no number, the variance is not positive, or the figures are too large.
    pub fn sigma_milli(&self) -> Option<i64> {
        let background = self.background.decimal().ok()?;
        let variance = self.variance.decimal().ok()?;
        let distance = Decimal::whole(self.count.into()).checked_sub(background)?;
        let magnitude = u128::from(distance.digits().unsigned_abs());
        let variance_digits = u128::try_from(variance.digits()).ok().filter(|&digits| digits > 0)?;
        // (2000·δ/10^p)² / (v/10^q) = 4·10^6·δ²·10^q / (v·10^2p); its root is twice the thousandths.
        let (up, down) = (u32::from(variance.places()), 2 * u32::from(distance.places()));
        let square = magnitude.checked_mul(magnitude)?.checked_mul(4_000_000)?;
        let (square, divisor) = if up >= down {
            (square.checked_mul(10_u128.checked_pow(up - down)?)?, variance_digits)
        } else {
            (square, variance_digits.checked_mul(10_u128.checked_pow(down - up)?)?)
        };
        let twice = (square / divisor).isqrt();
        let magnitude = i64::try_from(twice / 2 + twice % 2).ok()?;
        Some(if distance.digits() < 0 { -magnitude } else { magnitude })
    }

    fn each(&self, names: [&str; 4], tell: &mut dyn FnMut(&str, Outcome)) {
        let [count, background, variance, alarm] = names;
        let shown = |value| Ok(Indication { value, unit: Unit::Count, quality: Quality::Good });
        let missing = self.status.missing();
        let single = |value: Single| match (missing, value.decimal()) {
            (Some(missing), _) => Err(missing),
            (None, Ok(value)) => shown(value),
            (None, Err(SingleError::NotFinite(_))) => Err(Missing::InstrumentFault(0)),
            (None, Err(SingleError::Range)) => Err(Missing::Refused),
        };
        tell(count, missing.map_or_else(|| shown(Decimal::whole(self.count.into())), Err));
        tell(background, single(self.background));
        tell(variance, single(self.variance));
        tell(alarm, Ok(flag(self.status.is_alarm())));
    }
}

impl Channels for Monitor {
    /// For gamma and neutrons: `gamma`, `gamma-background`, `gamma-variance`, `gamma-alarm`; then
    /// `occupied`, `object`, `axles`, `speed`, `tamper` and `fault`, flags as 0 and 1.
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        self.gamma.each(["gamma", "gamma-background", "gamma-variance", "gamma-alarm"], tell);
        self.neutron.each(["neutron", "neutron-background", "neutron-variance", "neutron-alarm"], tell);
        let whole = |value: u16| {
            Ok(Indication { value: Decimal::whole(value.into()), unit: Unit::One, quality: Quality::Good })
        };
        tell("occupied", Ok(flag(self.inputs.is_occupied())));
        tell("object", whole(self.object));
        tell("axles", whole(self.axles));
        let speed = Decimal::new(self.speed_mm_s.into(), 3).ok_or(Missing::Refused);
        tell("speed", speed.map(|value| Indication { value, unit: Unit::MetrePerSecond, quality: Quality::Good }));
        tell("tamper", Ok(flag(self.inputs.contains(Inputs::OPEN))));
        let fault = self.inputs.contains(Inputs::ERROR) || self.inputs.contains(Inputs::POWER_FAIL);
        tell("fault", Ok(flag(fault)));
    }
}

/// 0 and 1 without a unit.
fn flag(on: bool) -> Indication {
    Indication { value: Decimal::whole(on.into()), unit: Unit::One, quality: Quality::Good }
}

const fn low_first(low: u16, high: u16) -> u32 {
    (high as u32) << 16 | low as u32
}

const fn words(value: u32) -> [u16; 2] {
    let [a, b, c, d] = value.to_be_bytes();
    [u16::from_be_bytes([c, d]), u16::from_be_bytes([a, b])]
}
