//! What goes wrong, and when: decided by scene time, seed and the number of the frame.

use super::chance::{Chance, Purpose};
use crate::scene::{Fault, FaultKind};

/// What the wire does to one frame or answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wire {
    /// Nothing is sent.
    pub(crate) silent: bool,
    /// Sent so many scene milliseconds late.
    pub(crate) delay_ms: i64,
    /// This bit is turned, counted over the frame and taken modulo its length.
    pub(crate) flip: Option<usize>,
    /// Only the first half is sent.
    pub(crate) half: bool,
    /// The connection is closed.
    pub(crate) hangup: bool,
}

/// The faults of a scene.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    faults: Vec<Fault>,
    chance: Chance,
}

impl Fault {
    /// When the fault that is active now began; `None` when it is not.
    pub fn active_since(&self, at_ms: i64) -> Option<i64> {
        let since = at_ms - self.at.ms();
        if since < 0 {
            return None;
        }
        let local = self.every.map_or(since, |every| since % every.ms().max(1));
        self.lasts.is_none_or(|lasts| local < lasts.ms()).then_some(at_ms - local)
    }
}

impl Faults {
    pub(crate) const fn new(faults: Vec<Fault>, chance: Chance) -> Self {
        Self { faults, chance }
    }

    fn of<'a>(&'a self, instrument: &'a str) -> impl Iterator<Item = (u16, &'a Fault)> {
        (0..).zip(&self.faults).filter(move |(_, it)| it.instrument == instrument)
    }

    /// What the wire does to frame number `frame` of an instrument at this time.
    pub(crate) fn wire(&self, instrument: &str, frame: i64, at_ms: i64) -> Wire {
        let mut wire = Wire::default();
        for (place, fault) in self.of(instrument) {
            let mut draw = self.chance.numbered(Purpose::Wire, place, frame);
            if fault.active_since(at_ms).is_none() || !draw.hits(fault.chance) {
                continue;
            }
            match fault.kind {
                FaultKind::Silence => wire.silent = true,
                FaultKind::Late => wire.delay_ms = wire.delay_ms.max(fault.delay.ms()),
                FaultKind::BitFlip => wire.flip = Some(draw.one_of(1 << 16)),
                FaultKind::HalfFrame => wire.half = true,
                FaultKind::Hangup => wire.hangup = true,
                FaultKind::Exception
                | FaultKind::WarmUp
                | FaultKind::Frozen
                | FaultKind::BackgroundHigh
                | FaultKind::BackgroundLow
                | FaultKind::Tamper => {}
            }
        }
        wire
    }

    /// Since when a device fault of this kind has been active, and the fault.
    pub(crate) fn device(&self, instrument: &str, kind: FaultKind, at_ms: i64) -> Option<(i64, &Fault)> {
        self.faults
            .iter()
            .filter(|it| it.instrument == instrument && it.kind == kind)
            .find_map(|it| it.active_since(at_ms).map(|since| (since, it)))
    }
}

impl Wire {
    /// The bytes that arrive at the other end.
    pub(crate) fn carry(self, mut frame: Vec<u8>) -> Vec<u8> {
        if self.silent {
            return Vec::new();
        }
        if let Some(bit) = self.flip {
            let bits = (frame.len() * 8).max(1);
            if let Some(byte) = frame.get_mut(bit % bits / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
        if self.half {
            frame.truncate(frame.len() / 2);
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::scene::Span;

    fn fault(kind: FaultKind) -> Fault {
        Fault {
            instrument: "x".to_owned(),
            kind,
            at: Span::from_ms(4_000),
            lasts: Some(Span::from_ms(2_000)),
            every: Some(Span::from_ms(20_000)),
            chance: 1.0,
            delay: Span::from_ms(700),
            code: 4,
        }
    }

    #[test]
    fn a_fault_holds_its_times() {
        let it = fault(FaultKind::Silence);
        let since = [
            (-1, None),
            (3_999, None),
            (4_000, Some(4_000)),
            (5_999, Some(4_000)),
            (6_000, None),
            (24_500, Some(24_000)),
        ];
        for (at, expected) in since {
            assert_eq!(it.active_since(at), expected, "{at}");
        }
    }

    #[test]
    fn the_wire_does_what_it_says_and_only_to_its_instrument() {
        let faults = |kind| Faults::new(vec![fault(kind)], Chance::new(1));
        let carry = |kind| faults(kind).wire("x", 0, 4_500).carry(vec![0xAA; 12]);
        assert_eq!(carry(FaultKind::Silence), Vec::<u8>::new());
        assert_eq!(carry(FaultKind::HalfFrame), vec![0xAA; 6]);
        let turned: u32 = carry(FaultKind::BitFlip).iter().map(|it| (it ^ 0xAA).count_ones()).sum();
        assert_eq!(turned, 1);
        assert_eq!(faults(FaultKind::Late).wire("x", 0, 4_500).delay_ms, 700);
        assert!(faults(FaultKind::Hangup).wire("x", 0, 4_500).hangup);
        assert_eq!(faults(FaultKind::Silence).wire("y", 0, 4_500), Wire::default());
        assert_eq!(faults(FaultKind::Silence).wire("x", 0, 6_500), Wire::default());
    }

    #[test]
    fn a_chance_is_kept_and_replayed() {
        let mut rare = fault(FaultKind::Silence);
        (rare.chance, rare.lasts, rare.every) = (0.1, None, None);
        let hits = |seed| {
            let faults = Faults::new(vec![rare.clone()], Chance::new(seed));
            (0..5_000).filter(|it| faults.wire("x", *it, 10_000).silent).collect::<Vec<_>>()
        };
        assert_eq!(hits(3), hits(3));
        assert_ne!(hits(3), hits(4));
        // 500 expected, standard deviation 21.
        assert!((400..600).contains(&hits(3).len()), "{}", hits(3).len());
    }
}
