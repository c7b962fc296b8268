//! What a weighing display showed: a number or the reason for none, its unit, and whether the load rests.

use super::settle::{self, Settle};
use crate::{
    Decimal, Unit,
    reading::{Channels, Doubt, Indication, Missing, Outcome, Quality},
};

/// Which of the scale's masses is shown, in the words of OIML R 76.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Gross or net, whichever is on the display: the protocol does not say.
    Displayed,
    /// Everything on the load receptor.
    Gross,
    /// Gross less tare.
    Net,
    /// What is taken off the gross.
    Tare,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Displayed, Self::Gross, Self::Net, Self::Tare];

    /// The channel a mass of this kind goes to.
    pub const fn channel(self) -> &'static str {
        match self {
            Self::Displayed => "mass",
            Self::Gross => "gross",
            Self::Net => "net",
            Self::Tare => "tare",
        }
    }
}

/// What the indicator says about rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Motion {
    /// At rest, by the indicator's own test.
    Stable,
    /// Moving, by the indicator's own test.
    Moving,
    /// The protocol carries no such statement; [`Display::settle`] finds out.
    Unstated,
}

/// One statement of a display.
///
/// Under overload and in faults there are no digits: a number kept beside such a flag would sooner or
/// later be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Display {
    /// Which mass.
    pub kind: Kind,
    /// The digits shown, or why there are none.
    pub shown: Result<Decimal, Missing>,
    /// The unit shown or configured; `None` where neither is there.
    pub unit: Option<Unit>,
    /// Whether the load rests.
    pub motion: Motion,
}

impl Display {
    /// A number with its unit.
    pub const fn value(kind: Kind, shown: Decimal, unit: Unit, motion: Motion) -> Self {
        Self { kind, shown: Ok(shown), unit: Some(unit), motion }
    }

    /// No number.
    pub const fn missing(kind: Kind, why: Missing) -> Self {
        Self { kind, shown: Err(why), unit: None, motion: Motion::Unstated }
    }

    /// The number as a reading is made of it.
    ///
    /// Without a stated rest the load counts as moving.
    ///
    /// # Errors
    ///
    /// The reason why there is no number. A number without a unit is no statement: [`Missing::Refused`].
    pub fn outcome(&self) -> Outcome {
        let value = self.shown?;
        let unit = self.unit.ok_or(Missing::Refused)?;
        let quality = match self.motion {
            Motion::Stable => Quality::Good,
            Motion::Moving | Motion::Unstated => Quality::Uncertain(Doubt::Unstable),
        };
        Ok(Indication { value, unit, quality })
    }

    /// The channel it goes to. Scales also count pieces, show shares and forces; those must not reach a
    /// channel whose readers expect a mass.
    pub const fn channel(&self) -> &'static str {
        match self.unit {
            Some(Unit::One) => "pieces",
            Some(Unit::Percent) => "share",
            Some(Unit::Newton | Unit::Kilonewton) => "force",
            _ => self.kind.channel(),
        }
    }

    /// The same with the rest found by `settle`, where the indicator states none. `mono_ms` is when it arrived.
    ///
    /// A display without digits starts the test over.
    #[must_use]
    pub fn settle(self, settle: &mut Settle, mono_ms: u64) -> Self {
        match (self.motion, self.shown) {
            (Motion::Unstated, Ok(value)) => {
                let motion = match settle.push(mono_ms, value) {
                    settle::Motion::Stable(_) => Motion::Stable,
                    settle::Motion::Moving => Motion::Moving,
                };
                Self { motion, ..self }
            }
            (Motion::Unstated, Err(_)) => {
                settle.reset();
                self
            }
            (Motion::Stable | Motion::Moving, _) => self,
        }
    }
}

impl Channels for Display {
    fn each(&self, tell: &mut dyn FnMut(&str, Outcome)) {
        tell(self.channel(), self.outcome());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    extern crate std;
    use std::{string::String, vec::Vec};

    use super::*;

    fn told(display: Display) -> Vec<(String, Outcome)> {
        let mut all = Vec::new();
        display.each(&mut |channel, outcome| all.push((channel.into(), outcome)));
        all
    }

    fn twelve(unit: Option<Unit>, motion: Motion) -> Display {
        Display { kind: Kind::Net, shown: Ok(Decimal::whole(12)), unit, motion }
    }

    #[test]
    fn motion_makes_doubt_and_silence_about_it_too() {
        let quality = |motion| twelve(Some(Unit::Kilogram), motion).outcome().unwrap().quality;
        assert_eq!(quality(Motion::Stable), Quality::Good);
        assert_eq!(quality(Motion::Moving), Quality::Uncertain(Doubt::Unstable));
        assert_eq!(quality(Motion::Unstated), Quality::Uncertain(Doubt::Unstable));
    }

    #[test]
    fn what_is_no_mass_reaches_no_mass_channel() {
        let channel = |unit| told(twelve(unit, Motion::Stable))[0].0.clone();
        assert_eq!(channel(Some(Unit::Kilogram)), "net");
        assert_eq!(channel(Some(Unit::One)), "pieces");
        assert_eq!(channel(Some(Unit::Percent)), "share");
        assert_eq!(channel(Some(Unit::Newton)), "force");
    }

    #[test]
    fn no_unit_no_value_and_no_digits_under_overload() {
        assert_eq!(twelve(None, Motion::Stable).outcome(), Err(Missing::Refused));
        let over = Display::missing(Kind::Displayed, Missing::Overrange);
        assert_eq!(told(over), [("mass".into(), Err(Missing::Overrange))]);
    }

    #[test]
    fn settling_fills_in_only_what_is_unstated() {
        let mut settle = Settle::new(Decimal::whole(1), 100, 2);
        let unstated = twelve(Some(Unit::Kilogram), Motion::Unstated);
        assert_eq!(unstated.settle(&mut settle, 0).motion, Motion::Moving);
        assert_eq!(unstated.settle(&mut settle, 100).motion, Motion::Stable);
        let over = Display::missing(Kind::Net, Missing::Overrange);
        assert_eq!(over.settle(&mut settle, 150), over);
        assert_eq!(unstated.settle(&mut settle, 200).motion, Motion::Moving, "an overload starts over");
        let stated = twelve(Some(Unit::Kilogram), Motion::Moving);
        assert_eq!(stated.settle(&mut settle, 300), stated);
    }
}
