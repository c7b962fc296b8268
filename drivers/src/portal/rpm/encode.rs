//! One [`Line`] to the text a portal sends.

use core::fmt::{self, Write};

use super::{Counts, Line, MAX_ENCODED_BYTES, setup::Setup};
use crate::Decimal;

/// Most a six-digit count field can say; a portal's counter stops there.
pub const MAX_COUNT: u32 = 999_999;

/// Writes a line with its CR LF. Counts above [`MAX_COUNT`] are sent as that.
///
/// [`Line::Unknown`] has no text of its own and gives an empty string.
pub fn encode(line: &Line) -> heapless::String<MAX_ENCODED_BYTES> {
    let mut out = heapless::String::new();
    match write_line(&mut out, line) {
        Ok(()) => out,
        // A line cut off in the middle would be worse than none.
        Err(fmt::Error) => heapless::String::new(),
    }
}

fn write_line(out: &mut heapless::String<MAX_ENCODED_BYTES>, line: &Line) -> fmt::Result {
    match line {
        Line::Gamma { tag, counts } => count_line(out, tag.text(), *counts)?,
        Line::Neutron { tag, counts } => count_line(out, tag.text(), *counts)?,
        Line::Speed { foot_time, mph, kmh } => {
            write!(out, "SP,{},{},{},000000", Padded(*foot_time, 1), Padded(*mph, 2), Padded(*kmh, 3))?;
        }
        Line::End { counter, neutron_background } => {
            let thousandths = neutron_background.at_places(3).map_or(0, Decimal::digits).max(0);
            let thousandths = u32::try_from(thousandths).unwrap_or(MAX_COUNT);
            count_line(out, "GX", [*counter, thousandths, 0, 0])?;
        }
        Line::Tamper(true) => count_line(out, "TT", [0; 4])?,
        Line::Tamper(false) => count_line(out, "TC", [111_111; 4])?,
        Line::Setup(setup) => setup_line(out, setup)?,
        Line::Unknown => return Ok(()),
    }
    out.write_str("\r\n")
}

fn count_line(out: &mut impl Write, tag: &str, counts: Counts) -> fmt::Result {
    out.write_str(tag)?;
    counts.iter().try_for_each(|&count| write!(out, ",{:06}", count.min(MAX_COUNT)))
}

fn setup_line(out: &mut impl Write, setup: &Setup) -> fmt::Result {
    match setup {
        Setup::Gamma1(it) => write!(
            out,
            "SG1,{:06},{:06},{:02},{:02},{},000000",
            it.high_fault, it.low_fault, it.intervals, it.hold_in, it.n_sigma
        ),
        Setup::Gamma2(it) => write!(
            out,
            "SG2,{},{},{},{},{},{}",
            it.detectors,
            it.master_lld,
            it.master_uld,
            it.relay,
            it.algorithm.text(),
            it.software
        ),
        Setup::Gamma3(it) => write!(
            out,
            "SG3,{},{},{},{},{}",
            it.slave_lld, it.slave_uld, it.background_time_s, it.background_sigma, it.firmware
        ),
        Setup::Neutron1(it) => write!(
            out,
            "SN1,{:06},{},{},{},{},{}",
            it.high_fault, it.max_intervals, it.alpha, it.zmax, it.sequential_intervals, it.background_time_s
        ),
        Setup::Neutron2(it) => {
            write!(out, "SN2,{},{},{},{}", it.master_lld, it.master_uld, it.slave_lld, it.slave_uld)
        }
    }
}

/// A decimal with at least this many digits before its point.
struct Padded(Decimal, usize);

impl fmt::Display for Padded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, whole_digits) = *self;
        let places = usize::from(value.places());
        let magnitude = value.digits().unsigned_abs();
        let factor = 10_u64.pow(u32::from(value.places()));
        write!(f, "{:0whole_digits$}.{:0places$}", magnitude / factor, magnitude % factor)
    }
}
