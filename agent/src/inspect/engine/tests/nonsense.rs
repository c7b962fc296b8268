//! Every machine of a site fed with whatever may come, in any order: nothing panics, nothing vanishes, nothing is
//! made up.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, OnceLock},
};

use proptest::{collection::vec, prelude::*};
use tidewaiter_config::site::site_from_str;
use tidewaiter_drivers::{
    Decimal, Unit,
    portal::rpm::{GammaTag, Line, NeutronTag},
    reading::{Doubt, Flaw, Indication, Missing, Quality, Reading},
};
use tidewaiter_screening::{Inspection, inspection::Completion};

use super::*;
use crate::acquire::{Content, LinkState, Mark};

const SITE: &str = include_str!("nonsense.toml");

const INSTRUMENTS: [&str; 12] = [
    "scale-1",
    "portal-1",
    "gamma-1",
    "lpr-1",
    "ocr-1",
    "ph-1",
    "drum-1",
    "machine-1",
    "scale-2",
    "hvi-1",
    "probe-1",
    "nobody",
];
const CHANNELS: [&str; 11] =
    ["mass", "gross", "dose-rate", "ph", "state", "stage", "elapsed", "speed", "rfv", "micronaire", "test-number"];
const RIGS: [&str; 7] = ["bench-a", "drum-a", "machine-a", "lot-a", "cotton-a", "hand-a", "nowhere"];
const UNITS: [Unit; 4] = [Unit::Kilogram, Unit::One, Unit::PH, Unit::MicrograyPerHour];

/// One thing that happens.
#[derive(Clone, Debug)]
enum Happens {
    Shows(usize, Vec<(usize, Result<i64, ()>, u8, usize)>),
    Portal(u8),
    Named(usize, u8),
    Lost(usize, bool),
    Operate(usize, u8, u8),
    Drill(usize, bool),
    /// Time goes on, or back by a little.
    Passes(i64),
}

fn happens() -> impl Strategy<Value = Happens> {
    let value = prop_oneof![
        8 => prop_oneof![Just(0_i64), Just(3), Just(5), Just(6), Just(30_000), -5..20_000_i64].prop_map(Ok),
        1 => Just(Err(())),
    ];
    let reading = (0..CHANNELS.len(), value, 0_u8..8, 0..UNITS.len());
    prop_oneof![
        12 => (0..INSTRUMENTS.len(), vec(reading, 1..4)).prop_map(|(it, readings)| Happens::Shows(it, readings)),
        6 => (0_u8..7).prop_map(Happens::Portal),
        3 => (0..INSTRUMENTS.len(), 0_u8..4).prop_map(|(it, name)| Happens::Named(it, name)),
        2 => (0..INSTRUMENTS.len(), any::<bool>()).prop_map(|(it, down)| Happens::Lost(it, down)),
        6 => (0..RIGS.len(), 0_u8..5, 0_u8..6).prop_map(|(rig, what, text)| Happens::Operate(rig, what, text)),
        1 => (0..RIGS.len(), any::<bool>()).prop_map(|(place, on)| Happens::Drill(place, on)),
        8 => prop_oneof![0..2_000_i64, Just(60_000), Just(-1_500)].prop_map(Happens::Passes),
    ]
}

fn line(which: u8) -> Line {
    match which {
        0 => Line::Gamma { tag: GammaTag::GB, counts: [250; 4] },
        1 => Line::Gamma { tag: GammaTag::GS, counts: [50; 4] },
        2 => Line::Gamma { tag: GammaTag::GA, counts: [90; 4] },
        3 => Line::Neutron { tag: NeutronTag::NA, counts: [20; 4] },
        4 => Line::End { counter: 1, neutron_background: Decimal::whole(1) },
        5 => Line::Tamper(true),
        _ => Line::Unknown,
    }
}

fn quality(which: u8) -> Quality {
    match which {
        5 => Quality::Uncertain(Doubt::Unstable),
        6 => Quality::Uncertain(Doubt::VerificationDue),
        7 => Quality::Bad(Flaw::Implausible),
        _ => Quality::Good,
    }
}

/// What is held of everything that the machines hand on.
#[derive(Default)]
struct Books {
    /// The open inspection of each place.
    open: BTreeMap<String, String>,
    ended: BTreeSet<String>,
    /// Digits and unit of all that ever came in.
    came: BTreeSet<(String, &'static str)>,
}

impl Books {
    fn take(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Remember(inspection) => {
                    self.look(inspection);
                    assert_eq!(
                        inspection.completion,
                        Completion::Incomplete(tidewaiter_screening::inspection::IncompleteReason::Interrupted),
                        "what is remembered is not through"
                    );
                    let open = self.open.insert(inspection.place.clone(), inspection.id.clone());
                    assert!(
                        open.is_none_or(|open| open == inspection.id),
                        "two open inspections at {}",
                        inspection.place
                    );
                }
                Step::Done(inspection) => {
                    self.look(inspection);
                    let open = self.open.remove(&inspection.place);
                    assert_eq!(open.as_ref(), Some(&inspection.id), "ended without having been remembered");
                    self.ended.insert(inspection.id.clone());
                }
                Step::Interval(_) | Step::Event(_) => {}
            }
        }
    }

    fn look(&self, inspection: &Inspection) {
        assert!(!self.ended.contains(&inspection.id), "{} has ended already", inspection.id);
        for evidence in &inspection.readings {
            if let Ok(it) = evidence.outcome
                && evidence.instrument != "portal-1"
            {
                let key = (it.value.to_string(), it.unit.code());
                assert!(self.came.contains(&key), "{key:?} of {} came from nowhere", evidence.instrument);
            }
        }
        // Taken as they came: all but means, portal sums and counts.
        let taken = |derivation: &str| {
            ["one value", "greatest settled", "greatest of", "least of", "last of"]
                .iter()
                .any(|how| derivation.starts_with(how))
        };
        for measured in inspection.measured.iter().filter(|it| taken(&it.derivation)) {
            if let Ok(it) = measured.outcome {
                let key = (it.value.to_string(), it.unit.code());
                assert!(self.came.contains(&key), "{} {key:?} came from nowhere", measured.parameter);
            }
        }
    }
}

fn engine() -> Engine {
    static READ: OnceLock<Site> = OnceLock::new();
    let site = READ.get_or_init(|| match site_from_str(SITE, Path::new("/")) {
        Ok((site, _)) => site,
        Err(report) => panic!("{}", report.render(false)),
    });
    Engine::new(site, 4, Moment { mono_ms: 10_000, wall_ms: 0 })
}

fn play(tape: &[Happens]) -> Books {
    let mut engine = engine();
    let mut books = Books::default();
    let mut now = Moment { mono_ms: 10_000, wall_ms: 0 };
    let send = |engine: &mut Engine, instrument: usize, at: Moment, content: Content| {
        let instrument = Arc::from(INSTRUMENTS[instrument]);
        engine.arrival(&Arrival { instrument, at, raw: bytes::Bytes::from_static(b"raw"), content })
    };
    for what in tape {
        let steps = match what {
            Happens::Shows(instrument, readings) => {
                let readings = readings.iter().map(|&(channel, value, how, unit)| {
                    let outcome = value.map_err(|()| Missing::CrcError).map(|digits| Indication {
                        value: Decimal::whole(digits),
                        unit: UNITS[unit],
                        quality: quality(how),
                    });
                    if let Ok(it) = outcome {
                        books.came.insert((it.value.to_string(), it.unit.code()));
                    }
                    Reading { channel: CHANNELS[channel].try_into().unwrap(), at: now, outcome }
                });
                let readings = readings.collect();
                send(&mut engine, *instrument, now, Content::Readings(readings))
            }
            Happens::Portal(which) => send(&mut engine, 1, now, Content::Portal(line(*which))),
            Happens::Named(instrument, name) => {
                let kind = if name % 2 == 0 { "plate" } else { "sample" };
                let text = ["A", "B", "CSQU3054383", ""][usize::from(*name)].to_owned();
                send(&mut engine, *instrument, now, Content::Identity(Mark { kind, text, confidence: None }))
            }
            Happens::Lost(instrument, down) => {
                let state = if *down { LinkState::Down } else { LinkState::Up };
                let mut steps = send(&mut engine, *instrument, now, Content::Link(state));
                steps.extend(send(&mut engine, *instrument, now, Content::Missing(Missing::LineDown)));
                steps
            }
            Happens::Operate(rig, what, text) => {
                let typed = ["3-4", "18.3 mg/kg", "absent", "nonsense", "7", ""][usize::from(*text)];
                for value in [("3.5", "{grade}"), ("18.3", "mg/kg"), ("0", "1"), ("7", "mg/kg")] {
                    books.came.insert((value.0.to_owned(), value.1));
                }
                let operation = match what {
                    0 | 1 => Operation::Start { sample: format!("S-{text}") },
                    2 => Operation::Next,
                    3 => Operation::Stop,
                    _ => Operation::Enter { values: vec![("hand".to_owned(), typed.to_owned())] },
                };
                let by = By { operator: "Li Na", drill: *text == 0 };
                engine.operate(RIGS[*rig], &operation, by, now).unwrap_or_default()
            }
            Happens::Drill(place, on) => {
                let _ = engine.set_drill(RIGS[*place], *on, "Li Na", now);
                Vec::new()
            }
            Happens::Passes(ms) => {
                now.mono_ms = now.mono_ms.saturating_add_signed(*ms);
                now.wall_ms += ms;
                engine.tick(now)
            }
        };
        books.take(&steps);
        let busy: BTreeSet<String> = engine.busy().into_keys().collect();
        // The rig that follows a drum may be opened by a poll and no sooner; all others are remembered as they open.
        assert_eq!(busy, books.open.keys().cloned().collect(), "what is busy is what is remembered, after {what:?}");
    }
    let steps = engine.interrupt(now);
    books.take(&steps);
    assert!(books.open.is_empty(), "left open: {:?}", books.open);
    assert!(engine.busy().is_empty());
    books
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn machines_bear_nonsense(tape in vec(happens(), 1..120)) {
        play(&tape);
    }
}

/// The property is about something: on a tape of this kind inspections do begin and end at every place.
#[test]
fn the_nonsense_reaches_every_machine() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut places: BTreeSet<String> = BTreeSet::new();
    for _ in 0..200 {
        let tape = vec(happens(), 100..200).new_tree(&mut runner).unwrap().current();
        let ended = play(&tape).ended;
        places.extend(ended.iter().map(|id| id.rsplitn(3, '-').last().unwrap().to_owned()));
    }
    let expected = ["bench-a", "cotton-a", "drum-a", "hand-a", "lane-7", "lot-a", "machine-a"];
    assert_eq!(places.into_iter().collect::<Vec<_>>(), expected);
}
