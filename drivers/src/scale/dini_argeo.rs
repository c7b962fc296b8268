//! Weight registers of Dini Argeo DGT indicators over Modbus.
//!
//! Input registers 0 … 6, read in one request: the sign stands in the status, and a value and a status
//! from two requests could belong to two loads.
//!
//! ```text
//! 0–1  gross, without sign and point, high word first        2–3  net, the same
//! 4    status: 0 net negative  1 gross negative  2 stable  3 underload  4 overload  5 tare active
//!              6 tare keyed in  7 gross in the zero zone  8–9 inputs  14–15 channel
//! 5    high byte the last command, low byte its result and a counter        6    outputs
//! ```
//!
//! The registers have no point and no unit; both are configured as set at the indicator.
//!
//! Source: the Modbus map of the DGT4X and DGT1S.

use super::display::{Display, Kind, Motion};
use crate::{
    Decimal, Unit,
    reading::{Channels, Missing, Outcome},
};

/// Registers that are read together, from input register 0.
pub const REGISTERS: usize = 7;

/// Status bits.
const NET_NEGATIVE: u16 = 1;
const GROSS_NEGATIVE: u16 = 1 << 1;
const STABLE: u16 = 1 << 2;
const UNDERLOAD: u16 = 1 << 3;
const OVERLOAD: u16 = 1 << 4;
const TARE_ACTIVE: u16 = 1 << 5;
const TARE_KEYED: u16 = 1 << 6;
const ZERO_ZONE: u16 = 1 << 7;

/// What the seven registers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are the bits of the status register")]
pub struct Weights {
    /// Gross mass.
    pub gross: Display,
    /// Net mass.
    pub net: Display,
    /// A tare is taken off.
    pub tare_active: bool,
    /// It was keyed in.
    pub tare_keyed: bool,
    /// The gross mass is near zero.
    pub zero_zone: bool,
    /// The channel the indicator weighs on, 0 … 3.
    pub channel: u8,
    /// Digital inputs 1 and 2.
    pub inputs: [bool; 2],
    /// The last command and the register half with its result and counter.
    pub command: u16,
    /// Digital outputs.
    pub outputs: u16,
}

impl Channels for Weights {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        self.gross.each(tell);
        self.net.each(tell);
    }
}

/// Reads the registers of an indicator that shows `places` decimals in `unit`; `None` for more places than
/// a decimal has.
pub fn decode(registers: &[u16; REGISTERS], places: u8, unit: Unit) -> Option<Weights> {
    let &[gross_high, gross_low, net_high, net_low, status, command, outputs] = registers;
    let is = |bit: u16| status & bit != 0;
    let motion = if is(STABLE) { Motion::Stable } else { Motion::Moving };
    let display = |kind, high: u16, low: u16, negative| -> Option<Display> {
        let magnitude = i64::from(high) << 16 | i64::from(low);
        let value = Decimal::new(if negative { -magnitude } else { magnitude }, places)?;
        let shown = match (is(UNDERLOAD), is(OVERLOAD)) {
            (false, false) => Ok(value),
            (true, false) => Err(Missing::Underrange),
            (false, true) => Err(Missing::Overrange),
            // Both at once is no state of a load cell but of a broken one.
            (true, true) => Err(Missing::InstrumentFault(status)),
        };
        Some(Display { kind, shown, unit: Some(unit), motion })
    };
    Some(Weights {
        gross: display(Kind::Gross, gross_high, gross_low, is(GROSS_NEGATIVE))?,
        net: display(Kind::Net, net_high, net_low, is(NET_NEGATIVE))?,
        tare_active: is(TARE_ACTIVE),
        tare_keyed: is(TARE_KEYED),
        zero_zone: is(ZERO_ZONE),
        channel: u8::try_from(status >> 14).unwrap_or_default(),
        inputs: [is(1 << 8), is(1 << 9)],
        command,
        outputs,
    })
}

/// Writes the registers; `None` for a mass of another kind, more than 32 bits, two places or units, two
/// statements of rest, or a channel beyond 3.
pub fn encode(weights: &Weights) -> Option<[u16; REGISTERS]> {
    let Weights { gross, net, .. } = weights;
    if gross.kind != Kind::Gross || net.kind != Kind::Net || gross.unit != net.unit || gross.motion != net.motion {
        return None;
    }
    let (gross_value, net_value, range) = match (gross.shown, net.shown) {
        (Ok(gross), Ok(net)) if gross.places() == net.places() => (gross.digits(), net.digits(), 0),
        (Err(Missing::Underrange), Err(Missing::Underrange)) => (0, 0, UNDERLOAD),
        (Err(Missing::Overrange), Err(Missing::Overrange)) => (0, 0, OVERLOAD),
        _ => return None,
    };
    let bit = |on: bool, bit: u16| if on { bit } else { 0 };
    let [input1, input2] = weights.inputs;
    let status = range
        | bit(net_value < 0, NET_NEGATIVE)
        | bit(gross_value < 0, GROSS_NEGATIVE)
        | match gross.motion {
            Motion::Stable => STABLE,
            Motion::Moving => 0,
            Motion::Unstated => return None,
        }
        | bit(weights.tare_active, TARE_ACTIVE)
        | bit(weights.tare_keyed, TARE_KEYED)
        | bit(weights.zero_zone, ZERO_ZONE)
        | bit(input1, 1 << 8)
        | bit(input2, 1 << 9)
        | Some(u16::from(weights.channel)).filter(|it| *it <= 3)? << 14;
    let words = |value: i64| -> Option<[u16; 2]> {
        let [a, b, c, d] = u32::try_from(value.checked_abs()?).ok()?.to_be_bytes();
        Some([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
    };
    let ([gross_high, gross_low], [net_high, net_low]) = (words(gross_value)?, words(net_value)?);
    Some([gross_high, gross_low, net_high, net_low, status, weights.command, weights.outputs])
}
