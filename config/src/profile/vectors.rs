//! Running a profile's vectors through the decoder that will read the instrument.

use tidewaiter_drivers::{
    modbus::register::{self, Encoding, RegisterError, WordOrder},
    reading::Missing,
};

use super::{RegisterChannel, Vector, sealed};

/// What a vector gave instead of what it must.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The value it gave.
    pub(super) got: String,
    /// What to write instead.
    pub(super) way_out: String,
}

/// The text a channel shows for these register words.
fn shown(channel: &RegisterChannel, encoding: Encoding, registers: &[u16]) -> Result<String, RegisterError> {
    if channel.sentinels.iter().any(|sentinel| sentinel == registers) {
        return Ok(Missing::NotPresent.word().to_owned());
    }
    if matches!(encoding, Encoding::Ascii(_)) {
        return register::ascii(registers).map(|text| text.as_str().to_owned());
    }
    match register::decode(&encoding, registers, channel.scale, channel.places) {
        Ok(value) => Ok(value.to_string()),
        Err(RegisterError::NotFinite) => Ok(Missing::InstrumentFault(0).word().to_owned()),
        Err(error) => Err(error),
    }
}

/// The text a field of a sealed block shows.
fn field_shown(field: sealed::Field, registers: &[u16]) -> String {
    match sealed::block_of(registers) {
        Err(error) => format!("no block ({error})"),
        Ok(block) => match field.of(&block) {
            Ok(it) => it.value.to_string(),
            Err(missing) => missing.word().to_owned(),
        },
    }
}

/// Runs one vector; digits and their number must agree, `0.12` is not `0.120`.
pub(super) fn run(channel: &RegisterChannel, vector: &Vector) -> Result<(), Failure> {
    if let Some(field) = channel.field {
        let got = field_shown(field, &vector.registers);
        if got == vector.expect {
            return Ok(());
        }
        let way_out = format!("expect = \"{got}\", if that is what the instrument showed");
        return Err(Failure { got, way_out });
    }
    let attempt = |encoding: Encoding| shown(channel, encoding, &vector.registers);
    let got = match attempt(channel.encoding) {
        Ok(got) if got == vector.expect => return Ok(()),
        Ok(got) => got,
        Err(error) => format!("no value ({error})"),
    };
    let other = other_orders(channel.encoding)
        .into_iter()
        .find(|&(_, encoding)| attempt(encoding).is_ok_and(|text| text == vector.expect));
    let way_out = match other {
        Some((word, _)) => format!("word_order = \"{word}\", with which this vector holds"),
        None => format!(
            "expect = \"{got}\", if that is what the instrument showed; otherwise another type, scale or places"
        ),
    };
    Err(Failure { got, way_out })
}

fn other_orders(encoding: Encoding) -> Vec<(&'static str, Encoding)> {
    const ORDERS: [(&str, WordOrder); 4] =
        [("abcd", WordOrder::Abcd), ("cdab", WordOrder::Cdab), ("badc", WordOrder::Badc), ("dcba", WordOrder::Dcba)];
    let with = |make: fn(WordOrder) -> Encoding| ORDERS.iter().map(|&(word, order)| (word, make(order))).collect();
    match encoding {
        Encoding::U32(_) => with(Encoding::U32),
        Encoding::I32(_) => with(Encoding::I32),
        Encoding::F32(_) => with(Encoding::F32),
        _ => Vec::new(),
    }
}
