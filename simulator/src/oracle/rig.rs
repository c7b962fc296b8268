//! What a bench that works must find: one inspection for each sample that came, with what was measured and typed.

use tidewaiter_config::limits::Basis;
use tidewaiter_drivers::Decimal;

use super::{
    Expected, ExpectedValue,
    fraction::Fraction,
    judge::{Disposition, Evidence, Judgement, Reason, Value, Verdict},
};
use crate::{
    scene::{Act, Ending, FaultKind, OperatorAction, Quantity, Rig, Sample, Speech, Take, Trigger},
    world::{World, rounding},
};

/// Places kept of a mean that does not end, beyond those of its values.
const MORE_PLACES: u8 = 2;

/// One sample on a bench, as far as it got.
struct Run<'a> {
    begin_ms: i64,
    /// When the last value came; the stop or the time limit where one did not.
    end_ms: i64,
    found: Vec<(&'a Quantity, Vec<Decimal>)>,
    complete: bool,
    drill: bool,
}

/// Inspections of all benches that are over by `until_ms`.
pub(super) fn inspections(world: &World, until_ms: i64) -> Vec<Expected> {
    let script = world.operator_script();
    let all = world.scene().rigs.iter().flat_map(|rig| rig.samples.iter().map(move |it| (rig, it)));
    all.filter_map(|(rig, sample)| {
        let run = run(world, rig, sample, &script)?;
        (run.end_ms <= until_ms).then(|| expected(world, rig, sample, &run))
    })
    .collect()
}

/// Whether a place is switched to drill at this time.
pub(super) fn is_drill(world: &World, place: &str, at_ms: i64) -> bool {
    let switches = world.operator_script();
    let mut switched = switches
        .iter()
        .filter(|it| it.place == place && it.at.ms() <= at_ms && matches!(it.action, Act::DrillOn | Act::DrillOff));
    switched.next_back().is_some_and(|it| it.action == Act::DrillOn)
}

fn run<'a>(world: &World, rig: &'a Rig, sample: &'a Sample, script: &[OperatorAction]) -> Option<Run<'a>> {
    let here = || script.iter().filter(|it| it.place == rig.id);
    let laid_on = || sample.at.map(|it| it.ms() + rig.mount.ms());
    let start = here().find(|it| it.action == Act::Start && it.sample.as_ref() == Some(&sample.sample));
    let begin_ms = match rig.trigger {
        Trigger::Operator => start?.at.ms(),
        Trigger::State => laid_on()?,
        Trigger::Record => rig
            .instruments
            .iter()
            .filter_map(|it| world.station(&it.id)?.about(sample).first().map(|it| it.at_ms))
            .min()?,
    };
    let stop = here().find(|it| it.at.ms() > begin_ms && it.action == Act::Stop).map(|it| it.at.ms());
    let limit = begin_ms + rig.time_limit.ms();
    let ended = lasted(rig, sample);
    let broken = (rig.trigger == Trigger::State && sample.ends == Ending::Stopped).then_some(ended).flatten();
    let end = [stop, broken].into_iter().flatten().fold(limit, i64::min);
    // With an operator, the background of the empty bench comes first, and the sample with the `next`.
    let background = rig.trigger == Trigger::Operator && rig.quantities.iter().any(|it| it.background.is_some());
    let next = || here().find(|it| it.at.ms() > begin_ms && it.action == Act::Next).map(|it| it.at.ms());
    let from_ms = if background { next().unwrap_or(end) } else { begin_ms };
    let (mut found, mut complete, mut whole, mut last_ms) = (Vec::new(), true, true, begin_ms);
    for quantity in &rig.quantities {
        let came: Vec<(i64, Decimal)> = match quantity.instrument.as_deref() {
            None => here()
                .filter(|it| it.action == Act::Enter && it.parameter.as_ref() == Some(&quantity.parameter))
                .filter_map(|it| Some((it.at.ms(), typed(it.value.as_deref()?)?)))
                .collect(),
            Some(instrument) => measured(world, rig, sample, quantity, instrument, from_ms),
        };
        let mut came: Vec<(i64, Decimal)> = came.into_iter().filter(|(at, _)| (from_ms..=end).contains(at)).collect();
        let bounded = rig.trigger == Trigger::State && quantity.instrument.is_some();
        let needed = if bounded { 1 } else { usize::from(quantity.replicates) };
        if came.len() < needed {
            complete &= !quantity.required;
            whole = false;
        } else {
            if !bounded {
                came.truncate(needed);
            }
            last_ms = came.iter().map(|(at, _)| *at).fold(last_ms, i64::max);
        }
        // One replicate too few makes no result.
        let values = if came.len() < needed { Vec::new() } else { came.into_iter().map(|(_, it)| it).collect() };
        found.push((quantity, values));
    }
    if rig.trigger == Trigger::State {
        complete &= sample.ends != Ending::Stopped;
        last_ms = last_ms.max(ended?);
    }
    complete &= found.iter().any(|(_, values): &(&Quantity, Vec<Decimal>)| !values.is_empty());
    let drill = start.is_some_and(|it| it.drill) || is_drill(world, &rig.id, begin_ms);
    Some(Run { begin_ms, end_ms: if whole && complete { last_ms } else { end }, found, complete, drill })
}

/// When the measuring of a sample is over.
fn lasted(rig: &Rig, sample: &Sample) -> Option<i64> {
    Some(sample.at?.ms() + rig.mount.ms() + sample.lasts.unwrap_or(rig.lasts).ms())
}

/// What an instrument tells of a sample, and when.
fn measured(
    world: &World,
    rig: &Rig,
    sample: &Sample,
    quantity: &Quantity,
    instrument: &str,
    begin_ms: i64,
) -> Vec<(i64, Decimal)> {
    let Some((station, values)) = world.station(instrument).zip(sample.values.get(&quantity.parameter)) else {
        return Vec::new();
    };
    let by_the_clock = matches!(station.instrument.speaks, Speech::Registers | Speech::KromekD5)
        || world.line_profile(instrument).is_some_and(|it| !it.on_event);
    let (Some(at), Some(over)) = (sample.at, lasted(rig, sample)) else {
        return Vec::new();
    };
    if rig.trigger == Trigger::State {
        // The last value of a run that was broken off is nobody's result.
        let lost = quantity.take == Take::Last && sample.ends == Ending::Stopped;
        return values.0.iter().filter(|_| !lost).map(|it| (over, *it)).collect();
    }
    if by_the_clock {
        // A reading each poll, of the one value that stands there.
        let first = begin_ms.max(at.ms() + rig.mount.ms());
        let polls = (first..over)
            .step_by(usize::try_from(station.instrument.poll.ms()).unwrap_or(1_000))
            .filter(|at| world.device_fault(instrument, FaultKind::WarmUp, *at).is_none());
        return values.0.first().map_or_else(Vec::new, |it| polls.map(|at| (at, *it)).collect());
    }
    let told = station.about(sample);
    told.iter().zip(&values.0).map(|(said, it)| (said.at_ms, *it)).collect()
}

/// What an operator typed: a decimal, a grade, or `absent`.
fn typed(text: &str) -> Option<Decimal> {
    use tidewaiter_drivers::lab::fastness::Grade;
    match text {
        "absent" => Some(Decimal::ZERO),
        "present" => Some(Decimal::whole(1)),
        _ => text.parse().ok().or_else(|| Grade::parse(text).map(Grade::decimal)),
    }
}

/// The results of a quantity, exactly.
fn results(take: Take, values: &[Decimal]) -> Vec<Fraction> {
    let all = || values.iter().map(|it| Fraction::from(*it));
    let one = match take {
        Take::Each => return all().collect(),
        Take::Greatest => all().max(),
        Take::Least => all().min(),
        Take::Last => all().next_back(),
        Take::Mean => {
            let sum = all().try_fold(Fraction::whole(0), Fraction::add);
            sum.and_then(|it| it.div(Fraction::whole(i128::try_from(values.len()).ok()?)))
        }
    };
    one.into_iter().collect()
}

fn expected(world: &World, rig: &Rig, sample: &Sample, run: &Run<'_>) -> Expected {
    let mut evidence = Evidence { facts: sample.declared.as_ref(), ..Evidence::default() };
    let mut values = Vec::new();
    for (quantity, found) in &run.found {
        let places = found.iter().map(|it| it.places()).max().unwrap_or(0);
        let background = quantity.background.and(quantity.instrument.as_deref()).and_then(|it| {
            let held = &world.station(it)?.instrument.held;
            held.get(quantity.channel.as_deref()?).map(|it| it.0)
        });
        if found.is_empty() {
            evidence.lacking.insert(quantity.parameter.clone());
        }
        let tolerance = tolerance(world, quantity, found);
        for number in results(quantity.take, found) {
            let basis = quantity.basis.as_deref().and_then(Basis::from_word);
            let value = Value { number, unit: quantity.unit, basis, background };
            evidence.values.entry(quantity.parameter.clone()).or_default().push(value);
            let exact = number.decimal(places).filter(|it| Fraction::from(*it) == number);
            let shown = exact.or_else(|| number.decimal(places + MORE_PLACES)).unwrap_or(Decimal::ZERO);
            values.push(ExpectedValue {
                parameter: quantity.parameter.clone(),
                value: shown.to_string(),
                tolerance: tolerance.to_string(),
                unit: quantity.unit.to_string(),
            });
        }
    }
    let mut judgement = Judgement::new();
    for judged in &rig.judge {
        for parameter in &judged.parameters {
            judgement.judge(world.tables(), &judged.table, parameter, &evidence);
        }
    }
    if !run.complete {
        let verdict = Verdict::Inconclusive(Reason::Incomplete);
        judgement.add(verdict, Disposition::Refer, "not everything required was measured".to_owned());
    }
    let failed = rig.trigger == Trigger::State && sample.ends == Ending::Failed;
    if failed {
        judgement.add(Verdict::Fail, Disposition::Alarm, "the bench says that the sample failed".to_owned());
    }
    Expected {
        begins_ms: Some(run.begin_ms),
        ends_ms: Some(run.end_ms),
        values,
        alarms: if failed { vec!["specimen-failed".to_owned()] } else { Vec::new() },
        drill: run.drill,
        ..judgement.into_expected(&rig.procedure, Some(sample.sample.clone()))
    }
}

/// Five standard deviations of what the instrument's noise and counting do to a value; nothing to what is typed.
fn tolerance(world: &World, quantity: &Quantity, found: &[Decimal]) -> Decimal {
    let Some(station) = quantity.instrument.as_deref().and_then(|it| world.station(it)) else {
        return Decimal::ZERO;
    };
    let greatest = found.iter().map(|it| rounding::as_real(*it).abs()).fold(0.0, f64::max);
    let counted = station.instrument.speaks == Speech::KromekD5 && quantity.channel.as_deref() == Some("gamma-count");
    let spread = if counted { greatest.sqrt() } else { station.instrument.noise * greatest };
    let places = found.iter().map(|it| it.places()).max().unwrap_or(0);
    rounding::displayed(5.0 * spread, places)
}
