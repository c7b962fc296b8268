//! Who drives through, and when.
//!
//! Passage number n is a function of the scene and n alone, so any moment of any scene can be asked
//! for without living through the time before it.

use super::{
    chance::{Chance, Draw, Purpose},
    rounding::{nearest, real},
};
use crate::scene::{ContainerRead, Declared, DriveAxle, Generator, Lorry, PlateRead, Span, Traffic, Vehicle};

/// Upper bound of the time a generated lorry needs from beam to empty scale: 16.5 m at 4.5 km/h,
/// 10 s on the scale, 16.5 m at 10 km/h make 29.2 s.
pub(crate) const LONGEST_GENERATED_MS: i64 = 30_000;

/// One lorry on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// Counted from 0.
    pub number: u64,
    /// When the front breaks the portal's beam, in scene milliseconds.
    pub arrives_ms: i64,
    /// The lorry as it really is.
    pub lorry: Lorry,
}

impl Lorry {
    /// From the front at the beam to the tail clear of it and all axles on the scale.
    pub(crate) fn drive_on_ms(&self) -> i64 {
        nearest(self.length_m / (self.speed_kmh / 3.6) * 1000.0)
    }

    /// From the first axle leaving the scale to the last.
    pub(crate) fn drive_off_ms(&self) -> i64 {
        nearest(self.length_m / (self.exit_kmh / 3.6) * 1000.0)
    }
}

impl Passage {
    /// When the tail clears the beam and the lorry stands.
    pub fn stands_ms(&self) -> i64 {
        self.arrives_ms + self.lorry.drive_on_ms()
    }

    /// When it starts to leave the scale.
    pub fn starts_off_ms(&self) -> i64 {
        self.stands_ms() + self.lorry.stand.ms()
    }

    /// When the scale is empty.
    pub fn leaves_ms(&self) -> i64 {
        self.starts_off_ms() + self.lorry.drive_off_ms()
    }
}

/// The passages of a scene.
#[derive(Clone, Debug)]
pub(crate) struct Road {
    traffic: Traffic,
    chance: Chance,
}

impl Road {
    pub(crate) const fn new(traffic: Traffic, chance: Chance) -> Self {
        Self { traffic, chance }
    }

    /// Passage `number`, if the scene has so many.
    pub(crate) fn passage(&self, number: u64) -> Option<Passage> {
        if self.traffic.count.is_some_and(|count| number >= count) {
            return None;
        }
        let lorry = if self.traffic.lorries.is_empty() {
            let generator = self.traffic.generator.as_ref()?;
            generated(generator, number, &mut self.chance.draw(Purpose::Lorry, number.cast_signed()))
        } else {
            let count = u64::try_from(self.traffic.lorries.len()).ok()?;
            if number >= count && !self.traffic.cycle {
                return None;
            }
            self.traffic.lorries.get(usize::try_from(number % count).ok()?)?.clone()
        };
        let late = self.chance.draw(Purpose::Jitter, number.cast_signed()).between(0.0, real(self.traffic.jitter.ms()));
        let headway = self.traffic.headway.ms().checked_mul(i64::try_from(number).ok()?)?;
        let arrives_ms = self.traffic.first.ms().checked_add(headway)? + nearest(late) - lorry.early.ms();
        Some(Passage { number, arrives_ms, lorry })
    }

    /// The last passage that has arrived at `at_ms`, however long ago.
    pub(crate) fn latest(&self, at_ms: i64) -> Option<Passage> {
        let slot = (at_ms - self.traffic.first.ms()).div_euclid(self.traffic.headway.ms().max(1));
        // A finite list ends long before the slot does.
        let last = self.count().map_or(slot, |count| slot.min(count.cast_signed() - 1));
        // With jitter the lorry of this slot may still be to come, and the next one may be early.
        (-1..=1)
            .filter_map(|back| u64::try_from(last - back).ok())
            .filter_map(|number| self.passage(number))
            .find(|passage| passage.arrives_ms <= at_ms)
    }

    /// All that are on the scale or on their way to it at this time, the last first: two where one came early.
    pub(crate) fn present(&self, at_ms: i64) -> impl Iterator<Item = Passage> + '_ {
        let latest = self.latest(at_ms);
        let before = latest.as_ref().and_then(|it| self.passage(it.number.checked_sub(1)?));
        latest.into_iter().chain(before.filter(move |it| at_ms <= it.leaves_ms()))
    }

    /// Passages that have left the scale by `until_ms`, in order.
    pub(crate) fn finished(&self, until_ms: i64) -> impl Iterator<Item = Passage> + '_ {
        (0..).map_while(|number| self.passage(number)).take_while(move |it| it.leaves_ms() <= until_ms)
    }

    /// How many passages there will be; `None` when they never end.
    pub(crate) fn count(&self) -> Option<u64> {
        let listed = (!self.traffic.lorries.is_empty() && !self.traffic.cycle)
            .then(|| u64::try_from(self.traffic.lorries.len()).unwrap_or(u64::MAX));
        match (self.traffic.count, listed) {
            (Some(count), Some(listed)) => Some(count.min(listed)),
            (count, listed) => count.or(listed),
        }
    }

    /// Passages after which lorries repeat: nothing new is declared beyond.
    pub(crate) fn distinct(&self) -> Option<u64> {
        if self.traffic.lorries.is_empty() { self.count() } else { u64::try_from(self.traffic.lorries.len()).ok() }
    }
}

/// Limit of total mass by number of axles, as (axles, strictest, mildest) in kilograms: a truck and a
/// combination of the same number of axles differ. GB 1589-2016 as taken over by article 3 of the
/// provisions on over-limit vehicles. A generated lorry stays clear of the space between.
const MASS_LIMITS: [(u8, f64, f64); 5] = [
    (2, 18_000.0, 18_000.0),
    (3, 25_000.0, 27_000.0),
    (4, 31_000.0, 36_000.0),
    (5, 43_000.0, 43_000.0),
    (6, 46_000.0, 49_000.0),
];

const PROVINCES: [&str; 8] = ["粤", "浙", "沪", "苏", "鲁", "闽", "津", "桂"];
/// Letters of a plate: I and O are not used.
const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const GOODS: [&str; 5] = ["coiled steel", "copper concentrate", "cotton yarn", "tyres", "polymer granulate"];

fn generated(generator: &Generator, number: u64, draw: &mut Draw) -> Lorry {
    let (axles, strictest, mildest) =
        MASS_LIMITS.get(draw.one_of(MASS_LIMITS.len())).copied().unwrap_or((6, 46_000.0, 49_000.0));
    let overloaded = draw.hits(generator.overloaded);
    let mass = if overloaded { mildest * draw.between(1.05, 1.30) } else { strictest * draw.between(0.45, 0.95) };
    let mass_kg = u32::try_from(nearest(mass / 20.0) * 20).unwrap_or(0);
    let scrap = draw.hits(generator.scrap);
    let source_cps = if draw.hits(generator.radioactive) { draw.between(4_000.0, 20_000.0) } else { 0.0 };
    let declared = (!draw.hits(generator.undeclared)).then(|| Declared {
        mass_kg: u32::try_from(nearest(mass * draw.between(0.985, 1.01) / 10.0) * 10).unwrap_or(0),
        axles: None,
        goods: if scrap {
            "steel scrap".to_owned()
        } else {
            GOODS.get(draw.one_of(GOODS.len())).copied().unwrap_or("goods").to_owned()
        },
        scrap,
        hs_code: None,
    });
    let plate_read = match draw.unit() {
        it if it < generator.plate_wrong => PlateRead::Wrong,
        it if it < generator.plate_wrong + generator.plate_missing => PlateRead::Missing,
        _ => PlateRead::Right,
    };
    let speed_kmh = if draw.hits(generator.speeding) { draw.between(10.0, 14.0) } else { draw.between(4.5, 7.5) };
    Lorry {
        plate: generated_plate(number, draw),
        axles,
        mass_kg,
        vehicle: if axles <= 3 { Vehicle::Truck } else { Vehicle::Combination },
        drive_axle: DriveAxle::Double,
        declared,
        container: None,
        length_m: draw.between(8.0, 16.5),
        early: Span::default(),
        speed_kmh,
        exit_kmh: 10.0,
        stand: Span::from_ms(nearest(draw.between(7_000.0, 10_000.0))),
        source_cps,
        neutron_cps: 0.0,
        source_at: draw.between(0.2, 0.8),
        plate_read,
        container_read: ContainerRead::Right,
    }
}

/// Province, letter and five characters; the number stands in the last four, so no two agree within
/// ten thousand passages.
fn generated_plate(number: u64, draw: &mut Draw) -> String {
    let province = PROVINCES.get(draw.one_of(PROVINCES.len())).copied().unwrap_or("粤");
    let mut letter = || char::from(LETTERS.get(draw.one_of(LETTERS.len())).copied().unwrap_or(b'B'));
    let (office, first) = (letter(), letter());
    format!("{province}{office}{first}{:04}", number % 10_000)
}
