//! The protocols that `listen` knows by ear.
//!
//! Only protocols that speak unasked, and whose lines say enough to be recognised. A plate reader's line can be any
//! text, so it is heard only where it looks like a plate.

use tidewaiter_drivers::{
    Decimal, Unit,
    bench::ph,
    identity::{axxon, plate},
    lab::{hanna, hvi, laqua, moisture, orion, seven},
    portal::rpm,
    radiation::{kromek_d5, ludlum_375},
    reading::{Channels, Indication, Outcome, Quality},
    scale::{a_and_d, a12, mt_sics, ohaus, rinstrum, sbi, shuangjie, st_gs, ticket, toledo, xk3190, xk3190_equals},
    spectrometer::dp5,
    wire::{Decode, Event},
};

/// One protocol.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Its id.
    pub id: &'static str,
    /// Its frames carry a check, so that one that holds is strong evidence.
    pub checked: bool,
    /// Its frames say whether the value rests.
    pub tells_motion: bool,
    /// Makes a decoder.
    pub make: fn() -> Box<dyn Ear>,
}

/// A decoder, whatever it decodes.
pub trait Ear: Send {
    /// Takes a byte.
    fn push(&mut self, byte: u8) -> Option<Heard>;
    /// Bytes of the newest frame.
    fn raw(&self) -> &[u8];
}

/// Channels of a frame with their outcomes, in its order.
pub type Said = Vec<(String, Outcome)>;

/// What a decoder made of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A whole, valid frame.
    Frame {
        /// Its bytes, line end included.
        length: u64,
        /// What it says.
        channels: Said,
    },
    /// A frame whose check or content does not hold.
    Refused,
    /// Bytes that belong to nothing.
    Garbage,
}

/// All protocols, in the order in which equals are listed. Ids are those of a site file where it can name them.
///
/// Formats that cannot be told apart by ear stand here each by itself: both ways of reading `=` frames fit most of
/// them, so both are listed and a known mass decides.
pub fn all() -> Vec<Candidate> {
    // XK3190 continuous and "=" frames are a number and nothing else.
    let tells_motion = |id: &str| !id.starts_with("xk3190");
    let line = |id, make| Candidate { id, checked: false, tells_motion: tells_motion(id), make };
    let checked = |id, make| Candidate { id, checked: true, tells_motion: tells_motion(id), make };
    let mut all = vec![
        checked("xk3190_tf0", || ear(xk3190::Decoder::new(), 0, |shown| one("mass", *shown))),
        checked("a12", || ear(a12::Decoder::new(a12::Dialect::Checked), 2, of_channels)),
        line("a12_classic", || ear(a12::Decoder::new(a12::Dialect::Classic), 2, of_channels)),
        line("xk3190_equals_forward", || equals(xk3190_equals::Layout::A26_FORMAT_2)),
        line("xk3190_equals_reversed", || equals(xk3190_equals::Layout::A26_FORMAT_1)),
        checked("toledo", || toledo_ear(true)),
        line("toledo_unchecked", || toledo_ear(false)),
        line("mt_sics", || ear(mt_sics::Decoder::new(), 2, of_channels)),
        line("st_gs", || ear(st_gs::Decoder::new(st_gs::StGs { line_bytes: None }), 2, of_channels)),
        line("a_and_d", || ear(a_and_d::Decoder::new(a_and_d::AAndD), 2, of_channels)),
        line("sbi", || ear(sbi::Decoder::new(sbi::Sbi { moving_unit: None }), 2, of_channels)),
        line("ohaus", || ear(ohaus::Decoder::new(ohaus::Ohaus), 2, of_channels)),
        line("shuangjie", || ear(shuangjie::Decoder::new(shuangjie::Shuangjie), 2, of_channels)),
        line("rinstrum", || ear(rinstrum::Decoder::new(rinstrum::Rinstrum { unit: None }), 0, of_channels)),
        line("rpm_lines", || ear(rpm::Decoder::new(), 2, portal_channels)),
        line("ph_stream", || ear(ph::Decoder::at_line_start(), 2, of_channels)),
        line("orion", || ear(orion::Decoder::at_line_start(), 2, of_channels)),
        line("seven_multi", || ear(seven::Decoder::at_line_start(), 2, of_channels)),
        checked("hanna", || ear(hanna::Decoder::new(), 0, of_channels)),
        line("laqua", || ear(laqua::Decoder::at_line_start(), 2, of_channels)),
        line("moisture_ma", || ear(moisture::Decoder::at_line_start(), 2, of_channels)),
        checked("uster_hvi", || ear(hvi::Decoder::at_line_start(), 1, of_channels)),
        line("axxon", || ear(axxon::Decoder::new(), 0, of_channels)),
        line("ticket", || ear(ticket::Decoder::new(), 0, of_channels)),
        line("plate_lines", || ear(plate::Decoder::new(), 2, plate_channels)),
    ];
    all.extend([
        line("ludlum_375", (|| ear(ludlum_375::Decoder::new(Unit::MicrosievertPerHour), 2, of_channels)) as fn() -> _),
        checked("kromek_d5", || ear(kromek_d5::Decoder::new(kromek_d5::Crc::Checked), 0, of_channels)),
        checked("amptek_dp5", || ear(dp5::Decoder::<{ dp5::MAX_PACKET_BYTES }>::new(), 0, of_channels)),
    ]);
    all
}

fn equals(layout: xk3190_equals::Layout) -> Box<dyn Ear> {
    ear(xk3190_equals::Decoder::new(layout, Unit::One), 0, of_channels)
}

fn toledo_ear(check: bool) -> Box<dyn Ear> {
    ear(toledo::Decoder::new(toledo::Settings { check, dummy_zeros: toledo::DummyZeros::Apply }), 0, of_channels)
}

#[expect(clippy::unnecessary_wraps, reason = "it is a view, as those that may refuse")]
fn one(channel: &str, value: Decimal) -> Option<Said> {
    // The frame carries no unit; a dimensionless number is what it is until the site file says more.
    let outcome = Ok(Indication { value, unit: Unit::One, quality: Quality::Good });
    Some(vec![(channel.to_owned(), outcome)])
}

fn portal_channels(line: &rpm::Line) -> Option<Said> {
    let sum = |counts: &rpm::Counts| Decimal::whole(counts.iter().map(|it| i64::from(*it)).sum());
    match line {
        rpm::Line::Gamma { tag, counts } => one(tag.text(), sum(counts)),
        rpm::Line::Neutron { tag, counts } => one(tag.text(), sum(counts)),
        rpm::Line::Speed { kmh, .. } => {
            let outcome = Ok(Indication { value: *kmh, unit: Unit::KilometrePerHour, quality: Quality::Good });
            Some(vec![("SP".to_owned(), outcome)])
        }
        rpm::Line::End { counter, .. } => one("GX", Decimal::whole(i64::from(*counter))),
        rpm::Line::Tamper(_) | rpm::Line::Setup(_) => Some(Vec::new()),
        rpm::Line::Unknown => None,
    }
}

fn plate_channels(plate: &plate::Plate) -> Option<Said> {
    plate::looks_chinese(plate.text()?).then(Vec::new)
}

/// Any decoder whose items say their channels themselves.
#[expect(clippy::unnecessary_wraps, reason = "it is a view, as those that may refuse")]
fn of_channels<T: Channels>(item: &T) -> Option<Said> {
    let mut channels = Vec::new();
    item.each(&mut |name, outcome| channels.push((name.to_owned(), outcome)));
    Some(channels)
}

/// Makes an ear of a decoder. `end` is how many line-end bytes its `raw` leaves out; `view` gives `None` for a whole
/// frame that is nothing of this protocol.
fn ear<D>(decoder: D, end: u64, view: fn(&D::Item) -> Option<Said>) -> Box<dyn Ear>
where
    D: Decode + Send + 'static,
    D::Item: 'static,
{
    Box::new(By { decoder, end, view })
}

struct By<D: Decode> {
    decoder: D,
    end: u64,
    view: fn(&D::Item) -> Option<Said>,
}

impl<D: Decode + Send> Ear for By<D> {
    fn push(&mut self, byte: u8) -> Option<Heard> {
        Some(match self.decoder.push(byte)? {
            Event::Frame(item) => match (self.view)(&item) {
                Some(channels) => Heard::Frame { length: self.decoder.raw().len() as u64 + self.end, channels },
                None => Heard::Garbage,
            },
            Event::Refused(_) => Heard::Refused,
            Event::Garbage(_) => Heard::Garbage,
        })
    }

    fn raw(&self) -> &[u8] {
        self.decoder.raw()
    }
}
