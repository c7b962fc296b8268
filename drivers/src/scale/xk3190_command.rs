//! Yaohua XK3190 command mode, `tF = 1`: the indicator answers when asked.
//!
//! ```text
//! request   02  address  command  XOR XOR  03               XOR of address and command, in hex
//! answer    02  address  command  data…  XOR XOR  03        XOR from the address to the last data byte
//!
//! address   A … Z for 1 … 26
//! command   A handshake, no data     B gross  C tare  D net: sign, six digits, decimals 0…4
//!           E number of the truck: five digits              F number of the cargo: digits
//! ```
//!
//! A request with a wrong address or XOR gets no answer. Answers carry no unit and no statement of
//! rest: the unit is configured, and [`super::settle`] finds the rest. The three masses are read one
//! after the other, so the load may change between them; [`Trio`] holds them to gross − tare = net.
//!
//! The manual misprints the rows of E and F; how long the cargo number is, is unknown.
//!
//! Source: the manual of the XK3190-A9+, table of the command mode.

use core::cmp::Ordering;

use heapless::{String, Vec};

use super::{
    digits,
    display::{Display, Kind, Motion},
    form::{Form, FrameDecoder},
};
use crate::{
    Decimal, Unit,
    reading::{Channels, Outcome},
    wire::Refusal,
};

/// Length of a request in bytes.
pub const REQUEST_BYTES: usize = 6;

/// Longest answer in bytes: one with a mass has 14, one with eight digits as well.
pub const MAX_ANSWER_BYTES: usize = 14;

/// Digits of the truck number.
pub const TRUCK_DIGITS: usize = 5;

/// Most digits of a cargo number, as many as fit where a mass would stand.
pub const MAX_CARGO_DIGITS: usize = 8;

/// Most decimals a mass can have.
pub const MAX_DECIMALS: u8 = 4;

/// How far apart the first and the last of the three masses may arrive at 4800 bit/s and above. Three
/// requests and answers alone take 500 ms at 1200 bit/s, so a slow line needs more.
pub const TRIO_WITHIN_MS: u64 = 300;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const MAX_DIGITS: i64 = 999_999;

/// The address of an indicator, 1 … 26.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(u8);

impl Address {
    /// An address by its number in the menu; `None` outside 1 … 26.
    pub const fn new(number: u8) -> Option<Self> {
        if number >= 1 && number <= 26 { Some(Self(number)) } else { None }
    }

    /// Its number in the menu.
    pub const fn number(self) -> u8 {
        self.0
    }

    const fn letter(self) -> u8 {
        b'A' - 1 + self.0
    }

    const fn from_letter(letter: u8) -> Option<Self> {
        match letter.checked_sub(b'A' - 1) {
            Some(number) => Self::new(number),
            None => None,
        }
    }
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Are you there?
    Handshake,
    /// Gross mass.
    Gross,
    /// Tare.
    Tare,
    /// Net mass.
    Net,
    /// The number of the truck, entered at the indicator.
    TruckNumber,
    /// The number of the cargo, entered at the indicator.
    CargoNumber,
}

impl Command {
    /// All commands, in the order of their letters from A.
    pub const ALL: [Self; 6] =
        [Self::Handshake, Self::Gross, Self::Tare, Self::Net, Self::TruckNumber, Self::CargoNumber];

    const fn letter(self) -> u8 {
        b'A' + self as u8
    }

    fn from_letter(letter: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.letter() == letter)
    }
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The indicator asked.
    pub address: Address,
    /// What is asked.
    pub command: Command,
}

/// A number entered at the indicator, its leading zeros kept.
pub type Number = String<MAX_CARGO_DIGITS>;

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// I am here.
    Handshake,
    /// Gross, tare or net.
    Mass(Display),
    /// The number of the truck.
    TruckNumber(Number),
    /// The number of the cargo.
    CargoNumber(Number),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The indicator that answers.
    pub address: Address,
    /// What it says.
    pub content: Content,
}

impl Channels for Answer {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        if let Content::Mass(display) = &self.content {
            display.each(tell);
        }
    }
}

/// The form of the requests, for a simulated indicator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests;

impl Form for Requests {
    type Item = Request;

    fn read(&self, frame: &[u8]) -> Result<Option<Request>, Refusal> {
        let (address, command, data) = open(frame)?;
        if data.is_empty() { Ok(Some(Request { address, command })) } else { Err(Refusal::Shape) }
    }
}

/// The form of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The unit set at the indicator.
    pub unit: Unit,
}

impl Form for Answers {
    type Item = Answer;

    fn read(&self, frame: &[u8]) -> Result<Option<Answer>, Refusal> {
        let (address, command, data) = open(frame)?;
        let mass =
            |kind| mass(data).map(|shown| Content::Mass(Display::value(kind, shown, self.unit, Motion::Unstated)));
        let content = match command {
            Command::Handshake if data.is_empty() => Content::Handshake,
            Command::Gross => mass(Kind::Gross)?,
            Command::Tare => mass(Kind::Tare)?,
            Command::Net => mass(Kind::Net)?,
            Command::TruckNumber if data.len() == TRUCK_DIGITS => Content::TruckNumber(number(data)?),
            Command::CargoNumber if !data.is_empty() => Content::CargoNumber(number(data)?),
            Command::Handshake | Command::TruckNumber | Command::CargoNumber => return Err(Refusal::Shape),
        };
        Ok(Some(Answer { address, content }))
    }
}

/// Reads the answers of an indicator.
pub type Decoder = FrameDecoder<Answers, MAX_ANSWER_BYTES>;

/// Reads the requests a simulated indicator gets.
pub type RequestDecoder = FrameDecoder<Requests, REQUEST_BYTES>;

/// Address, command and data of a frame whose XOR holds.
fn open(frame: &[u8]) -> Result<(Address, Command, &[u8]), Refusal> {
    let [STX, body @ .., high, low, ETX] = frame else {
        return Err(Refusal::Shape);
    };
    let [address, command, data @ ..] = body else {
        return Err(Refusal::Shape);
    };
    if digits::hex(digits::xor(body)) != [*high, *low] {
        return Err(Refusal::Checksum);
    }
    let address = Address::from_letter(*address).ok_or(Refusal::Shape)?;
    let command = Command::from_letter(*command).ok_or(Refusal::Shape)?;
    Ok((address, command, data))
}

fn mass(data: &[u8]) -> Result<Decimal, Refusal> {
    let Ok(&[sign, ref number @ .., decimals]) = <&[u8; 8]>::try_from(data) else {
        return Err(Refusal::Shape);
    };
    if !number.iter().all(u8::is_ascii_digit) || !(b'0'..=b'0' + MAX_DECIMALS).contains(&decimals) {
        return Err(Refusal::Number);
    }
    let whole = digits::read_unsigned(number)?;
    let value = Decimal::new(whole.digits(), decimals - b'0').ok_or(Refusal::Number)?;
    match sign {
        b'+' => Ok(value),
        b'-' => digits::negated(value),
        _ => Err(Refusal::Shape),
    }
}

fn number(data: &[u8]) -> Result<Number, Refusal> {
    if !data.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Number);
    }
    let text = str::from_utf8(data).map_err(|_| Refusal::Number)?;
    Number::try_from(text).map_err(|_| Refusal::TooLong)
}

/// Writes a request.
pub fn encode_request(request: Request) -> [u8; REQUEST_BYTES] {
    let body = [request.address.letter(), request.command.letter()];
    let [high, low] = digits::hex(digits::xor(&body));
    let [address, command] = body;
    [STX, address, command, high, low, ETX]
}

/// Writes an answer. `None` for a mass that six digits and four decimals do not hold or that is missing,
/// and for a number that is not digits of its length.
pub fn encode(answer: &Answer) -> Option<Vec<u8, MAX_ANSWER_BYTES>> {
    let mut frame = Vec::new();
    frame.extend_from_slice(&[STX, answer.address.letter()]).ok()?;
    match &answer.content {
        Content::Handshake => frame.push(Command::Handshake.letter()).ok()?,
        Content::Mass(display) => put_mass(&mut frame, display)?,
        Content::TruckNumber(number) if number.len() == TRUCK_DIGITS => {
            put_number(&mut frame, Command::TruckNumber, number)?;
        }
        Content::CargoNumber(number) if !number.is_empty() => put_number(&mut frame, Command::CargoNumber, number)?,
        Content::TruckNumber(_) | Content::CargoNumber(_) => return None,
    }
    let [high, low] = digits::hex(digits::xor(frame.get(1..)?));
    frame.extend_from_slice(&[high, low, ETX]).ok()?;
    Some(frame)
}

fn put_mass(frame: &mut Vec<u8, MAX_ANSWER_BYTES>, display: &Display) -> Option<()> {
    let command = match display.kind {
        Kind::Gross => Command::Gross,
        Kind::Tare => Command::Tare,
        Kind::Net => Command::Net,
        Kind::Displayed => return None,
    };
    let value = display.shown.ok()?;
    if value.places() > MAX_DECIMALS || value.digits().checked_abs()? > MAX_DIGITS {
        return None;
    }
    frame.extend_from_slice(&[command.letter(), digits::sign(value, b'+')]).ok()?;
    digits::put_magnitude(frame, Decimal::whole(value.digits()), 6, b'0')?;
    frame.push(b'0' + value.places()).ok()
}

fn put_number(frame: &mut Vec<u8, MAX_ANSWER_BYTES>, command: Command, number: &Number) -> Option<()> {
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    frame.push(command.letter()).ok()?;
    frame.extend_from_slice(number.as_bytes()).ok()
}

/// Gross, tare and net that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighing {
    /// Gross mass.
    pub gross: Display,
    /// Tare.
    pub tare: Display,
    /// Net mass.
    pub net: Display,
}

impl Channels for Weighing {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        for display in [&self.gross, &self.tare, &self.net] {
            display.each(tell);
        }
    }
}

/// Why three masses do not belong together. Ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Torn {
    /// They arrived too far apart.
    #[error("the three masses arrived {0} ms apart")]
    Slow(u64),
    /// Gross less tare is not net within one scale interval.
    #[error("gross less tare is not net within one scale interval")]
    Unequal,
}

/// Collects gross, tare and net, in any order, and checks that they belong together.
#[derive(Clone, Debug)]
pub struct Trio {
    scale_interval: Decimal,
    within_ms: u64,
    gross: Option<(u64, Display)>,
    tare: Option<(u64, Display)>,
    net: Option<(u64, Display)>,
}

impl Trio {
    /// A check with the scale interval `d`, in the unit displayed, and the time within which all three
    /// must arrive, usually [`TRIO_WITHIN_MS`].
    pub const fn new(scale_interval: Decimal, within_ms: u64) -> Self {
        Self { scale_interval, within_ms, gross: None, tare: None, net: None }
    }

    /// Takes one mass with its arrival on the monotonic clock. Once all three are there it tells whether
    /// they belong together, and starts over.
    ///
    /// # Errors
    ///
    /// [`Torn`] when they do not.
    pub fn push(&mut self, mono_ms: u64, display: &Display) -> Option<Result<Weighing, Torn>> {
        let place = match display.kind {
            Kind::Gross => &mut self.gross,
            Kind::Tare => &mut self.tare,
            Kind::Net => &mut self.net,
            Kind::Displayed => return None,
        };
        *place = Some((mono_ms, *display));
        let (gross, tare, net) = (self.gross?, self.tare?, self.net?);
        self.reset();
        let times = [gross.0, tare.0, net.0];
        let first = times.iter().copied().min().unwrap_or(mono_ms);
        let last = times.iter().copied().max().unwrap_or(mono_ms);
        if last - first > self.within_ms {
            return Some(Err(Torn::Slow(last - first)));
        }
        let weighing = Weighing { gross: gross.1, tare: tare.1, net: net.1 };
        Some(if self.agree(&weighing) { Ok(weighing) } else { Err(Torn::Unequal) })
    }

    /// Forgets what was collected, as after a request without an answer.
    pub const fn reset(&mut self) {
        (self.gross, self.tare, self.net) = (None, None, None);
    }

    fn agree(&self, weighing: &Weighing) -> bool {
        let Weighing { gross, tare, net } = weighing;
        if gross.unit != tare.unit || gross.unit != net.unit {
            return false;
        }
        let difference = || gross.shown.ok()?.checked_sub(tare.shown.ok()?)?.checked_sub(net.shown.ok()?);
        difference().is_some_and(|it| it.abs().cmp_value(self.scale_interval.abs()) != Ordering::Greater)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn mass_of(kind: Kind, kilograms: i64) -> Display {
        Display::value(kind, Decimal::whole(kilograms), Unit::Kilogram, Motion::Unstated)
    }

    fn trio(masses: [(u64, Kind, i64); 3]) -> Result<Weighing, Torn> {
        let mut trio = Trio::new(Decimal::whole(20), TRIO_WITHIN_MS);
        let mut pushed = masses.map(|(at, kind, value)| trio.push(at, &mass_of(kind, value)));
        assert_eq!(pushed[..2], [None, None]);
        pushed[2].take().unwrap()
    }

    #[test]
    fn three_masses_agree_within_one_interval() {
        let all = [(0, Kind::Gross, 12_340), (60, Kind::Tare, 4_120), (120, Kind::Net, 8_220)];
        assert_eq!(trio(all).unwrap().net, mass_of(Kind::Net, 8_220));
        assert!(trio([all[2], all[0], all[1]]).is_ok());
        assert!(trio([all[0], all[1], (120, Kind::Net, 8_240)]).is_ok());
        assert_eq!(trio([all[0], all[1], (120, Kind::Net, 8_241)]), Err(Torn::Unequal));
        assert_eq!(trio([all[0], all[1], (301, Kind::Net, 8_220)]), Err(Torn::Slow(301)));
    }

    #[test]
    fn another_unit_or_a_display_without_kind_never_agrees() {
        let mut trio = Trio::new(Decimal::whole(20), TRIO_WITHIN_MS);
        assert_eq!(trio.push(0, &mass_of(Kind::Displayed, 0)), None);
        trio.push(0, &mass_of(Kind::Gross, 0));
        trio.push(0, &mass_of(Kind::Tare, 0));
        let tonnes = Display { unit: Some(Unit::Tonne), ..mass_of(Kind::Net, 0) };
        assert_eq!(trio.push(0, &tonnes), Some(Err(Torn::Unequal)));
        assert_eq!(trio.push(0, &mass_of(Kind::Net, 0)), None, "it started over");
    }

    #[test]
    fn addresses_are_one_to_twenty_six() {
        assert_eq!(Address::new(0), None);
        assert_eq!(Address::new(27), None);
        assert_eq!(Address::new(26).unwrap().letter(), b'Z');
        assert_eq!(Address::from_letter(b'['), None);
        assert_eq!(Address::from_letter(b'@'), None);
        assert_eq!(Address::from_letter(0), None);
    }
}
