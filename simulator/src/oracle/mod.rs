//! What a lane and a laboratory that work must find: inspections, verdicts, dispositions, and why.
//!
//! Computed from the world's truth and the shipped limit tables by an evaluator of its own, much
//! smaller than the agent's screening: what both get wrong in the same way would not be noticed, so
//! nothing is shared but the tables. Values close to a limit are the scene writer's to avoid; the
//! margin of each expectation is stated.

mod fraction;
mod judge;
mod kinds;
mod rig;

use std::collections::BTreeMap;

use serde::Serialize;
use tidewaiter_drivers::{Decimal, Unit};

use crate::{
    scene::{ContainerRead, Lorry, PlateRead, Specimen},
    world::{Passage, World, rounding},
};
use judge::{Disposition, Evidence, Facts, Judgement, Value, Verdict};

/// Everything expected of a scene up to a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Oracle {
    /// Title of the scene.
    pub scene: String,
    /// Seed used.
    pub seed: u64,
    /// Inspections that are over by this scene time, milliseconds.
    pub until_ms: i64,
    /// What must be found, in the order of their ends.
    pub inspections: Vec<Expected>,
}

/// One inspection that must be found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// `lorry-gate`, `textile-ph`, `tyre-endurance` or the procedure of a bench.
    pub procedure: String,
    /// Plate as it will be read, sample number or barcode; `None` when nothing identifies the subject.
    pub subject: Option<String>,
    /// The true plate, when it is misread or not read.
    pub truth: Option<String>,
    /// Begin in scene milliseconds; `None` when an operator decides.
    pub begins_ms: Option<i64>,
    /// End in scene milliseconds; `None` when an operator decides.
    pub ends_ms: Option<i64>,
    /// Values that must be found.
    pub values: Vec<ExpectedValue>,
    /// `gamma` and `neutron` alarms the device asserts.
    pub alarms: Vec<String>,
    /// What makes the passage void.
    pub faults: Vec<String>,
    /// The strictest verdict.
    pub verdict: String,
    /// Reason of an inconclusive verdict.
    pub reason: Option<String>,
    /// What the lane does.
    pub disposition: String,
    /// The sentences behind verdict and disposition.
    pub why: Vec<String>,
    /// It is a drill.
    pub drill: bool,
}

/// One value that must be found, give or take a tolerance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExpectedValue {
    /// Parameter, as limit rows name it.
    pub parameter: String,
    /// The value, decimal text.
    pub value: String,
    /// How far the found value may be away, decimal text.
    pub tolerance: String,
    /// UCUM unit.
    pub unit: String,
}

impl Oracle {
    /// What must have been found by `until_ms` of scene time.
    pub fn at(world: &World, until_ms: i64) -> Self {
        let mut inspections: Vec<Expected> = Vec::new();
        if world.scene().weighbridge.is_some() {
            let passages = world.passages(until_ms).into_iter().map(|it| passage(world, &it));
            inspections.extend(passages.filter(|it| it.ends_ms.is_none_or(|it| it <= until_ms)));
        }
        for (specimen, plan) in world.scene().ph_meter.iter().flat_map(|it| &it.specimens).zip(world.specimens()) {
            let ends = plan.immersed_ms.last().map(|it| it + plan.dwell_ms);
            if ends.is_none_or(|it| it <= until_ms) {
                inspections.push(textile(world, specimen, plan.immersed_ms.first().copied(), ends));
            }
        }
        inspections.extend(
            world.drum_runs(until_ms).iter().map(|(run, start, end, failed)| drum(&run.barcode, *start, *end, *failed)),
        );
        inspections.extend(rig::inspections(world, until_ms));
        inspections.sort_by_key(|it| it.ends_ms.unwrap_or(i64::MAX));
        Self { scene: world.scene().title.clone(), seed: world.scene().seed, until_ms, inspections }
    }

    /// How often each verdict word must come.
    pub fn verdicts(&self) -> BTreeMap<&str, usize> {
        self.inspections.iter().fold(BTreeMap::new(), |mut counts, it| {
            *counts.entry(it.verdict.as_str()).or_default() += 1;
            counts
        })
    }

    /// The same as JSON, for a file.
    pub fn to_json(&self) -> String {
        // Strings and integers only: serialising cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// The container's number as the agent will have it; `None` where it is not read or its check digit does not hold.
fn container<'a>(world: &World, lorry: &'a Lorry) -> Option<&'a String> {
    let is_known = matches!(lorry.container_read, ContainerRead::Right | ContainerRead::Confused);
    lorry.container.as_ref().filter(|_| is_known && world.scene().container_reader.is_some())
}

/// Facts declared about plate or container as read; a misread plate has none, unless it is another lorry's.
fn facts(world: &World, lorry: &Lorry) -> Option<Facts> {
    let is_found = lorry.plate_read == PlateRead::Right || container(world, lorry).is_some();
    let declared = lorry.declared.as_ref().filter(|_| is_found)?;
    let mut facts = Facts::from([
        ("axles".to_owned(), declared.axles.unwrap_or(lorry.axles).to_string()),
        ("vehicle".to_owned(), lorry.vehicle.word().to_owned()),
        ("drive-axle".to_owned(), lorry.drive_axle.word().to_owned()),
        ("mass".to_owned(), declared.mass_kg.to_string()),
        ("goods".to_owned(), declared.goods.clone()),
        ("scrap".to_owned(), if declared.scrap { "yes" } else { "no" }.to_owned()),
    ]);
    if let Some(code) = &declared.hs_code {
        facts.insert("hs-code".to_owned(), code.clone());
    }
    Some(facts)
}

fn passage(world: &World, passage: &Passage) -> Expected {
    let lorry = &passage.lorry;
    let facts = facts(world, lorry);
    let mut judgement = Judgement::new();
    let mut values = Vec::new();
    let company = Company::of(world, passage);
    // The scale was never empty for the one that came too early: no indication is its own.
    if let Some(mass) = world.settled_mass(passage).filter(|_| !company.came_early) {
        let evidence = Evidence::of("gross-mass", Value::of(mass, Unit::Kilogram), facts.as_ref());
        judgement.judge(world.tables(), "gross-mass-cn-2016", "gross-mass", &evidence);
        let interval = world.scene().weighbridge.as_ref().map_or(Decimal::ZERO, |it| it.scale_interval);
        // A node tells grams.
        let grams = |it: Decimal| it.checked_mul(Decimal::whole(1000)).and_then(|it| it.at_places(0)).unwrap_or(it);
        let is_node = world.scene().weighbridge.as_ref().is_some_and(|it| it.node.is_some());
        values.push(if is_node {
            expected("gross-mass", grams(mass), grams(interval), Unit::Gram)
        } else {
            expected("gross-mass", mass, interval, Unit::Kilogram)
        });
    }
    let (gamma, neutron) = world.portal_alarms(passage);
    let mut alarms = Vec::new();
    for (asserted, kind) in [(gamma, "gamma"), (neutron, "neutron")] {
        if world.scene().portal.is_some() {
            // The site's own rule has the portal's threshold, so both fail or pass together.
            let verdict = if asserted { Verdict::Fail } else { Verdict::Pass };
            let disposition = if asserted { Disposition::Alarm } else { Disposition::Clear };
            judgement.add(verdict, disposition, format!("the portal asserts a {kind} alarm"));
        }
        if asserted {
            alarms.push(kind.to_owned());
        }
    }
    if let Some((background, source)) = world.dose_of(passage) {
        let shown = |value| rounding::displayed(value, 3);
        let total = shown(background + source);
        let measured = Value { background: Some(shown(background)), ..Value::of(total, Unit::MicrograyPerHour) };
        let evidence = Evidence::of("dose-rate", measured, facts.as_ref());
        judgement.judge(world.tables(), "scrap-radiation", "dose-rate", &evidence);
        let swing = world.scene().gamma.as_ref().map_or(0.0, |it| it.fluctuation + 4.0 * it.noise);
        values.push(expected("dose-rate", total, shown((background + source) * swing), Unit::MicrograyPerHour));
    }
    if company.came_early || company.is_followed {
        let verdict = Verdict::Inconclusive(judge::Reason::Incomplete);
        judgement.add(verdict, Disposition::Refer, "two vehicles were in the lane".to_owned());
    }
    let faults = world.portal_faults(passage);
    for fault in &faults {
        judgement.add(Verdict::NotApplicable, Disposition::NotValid, format!("the passage is void: {fault}"));
    }
    let plate = world.plate_read(passage).map(|(_, text, _)| text);
    let subject = plate.or_else(|| container(world, lorry).cloned());
    let truth = (subject.as_ref() != Some(&lorry.plate)).then(|| lorry.plate.clone());
    Expected {
        truth,
        drill: rig::is_drill(world, &world.scene().lane.id, passage.arrives_ms),
        begins_ms: Some(passage.arrives_ms),
        ends_ms: Some(company.ends_ms),
        values,
        alarms,
        faults: faults.into_iter().map(str::to_owned).collect(),
        ..judgement.into_expected("lorry-gate", subject)
    }
}

/// Who else was in the lane during a passage.
struct Company {
    /// The one before still stood on the scale when this one came.
    came_early: bool,
    /// The next one came while this one stood there.
    is_followed: bool,
    /// When the passage is over for the agent: the second vehicle ends it, and without a mass its time limit does.
    ends_ms: i64,
}

impl Company {
    fn of(world: &World, passage: &Passage) -> Self {
        let before = passage.number.checked_sub(1).and_then(|it| world.passage(it));
        let next = world.passage(passage.number + 1).filter(|it| it.arrives_ms < passage.leaves_ms());
        let came_early = before.is_some_and(|it| passage.arrives_ms < it.leaves_ms());
        let given_up = || passage.arrives_ms + world.scene().lane.time_limit.ms();
        let left = if came_early { given_up() } else { passage.leaves_ms() };
        Self { came_early, is_followed: next.is_some(), ends_ms: next.map_or(left, |it| it.arrives_ms) }
    }
}

fn textile(world: &World, specimen: &Specimen, begins_ms: Option<i64>, ends_ms: Option<i64>) -> Expected {
    // GB/T 7573: the result is the mean of the second and third parallel.
    let later = specimen.ph.get(1..).filter(|it| !it.is_empty()).unwrap_or(&specimen.ph);
    let count = rounding::real(i64::try_from(later.len()).unwrap_or(1));
    let mean = rounding::displayed(later.iter().sum::<f64>() / count, 2);
    let facts = Facts::from([("category".to_owned(), specimen.category.clone())]);
    let mut judgement = Judgement::new();
    let evidence = Evidence::of("ph", Value::of(mean, Unit::PH), Some(&facts));
    judgement.judge(world.tables(), "gb18401-2010-t1", "ph", &evidence);
    Expected {
        begins_ms,
        ends_ms,
        values: vec![expected("ph", mean, Decimal::new(2, 2).unwrap_or(Decimal::ZERO), Unit::PH)],
        ..judgement.into_expected("textile-ph", Some(specimen.sample.clone()))
    }
}

fn drum(barcode: &str, start: i64, end: i64, failed: bool) -> Expected {
    let mut judgement = Judgement::new();
    if failed {
        judgement.add(Verdict::Fail, Disposition::Refer, "the tyre failed before the programme ended".to_owned());
    } else {
        judgement.add(Verdict::Pass, Disposition::Clear, String::new());
    }
    Expected {
        begins_ms: Some(start),
        ends_ms: Some(end),
        ..judgement.into_expected("tyre-endurance", Some(barcode.to_owned()))
    }
}

fn expected(parameter: &str, value: Decimal, tolerance: Decimal, unit: Unit) -> ExpectedValue {
    ExpectedValue {
        parameter: parameter.to_owned(),
        value: value.to_string(),
        tolerance: tolerance.to_string(),
        unit: unit.to_string(),
    }
}
