//! A background watch: what a channel delivered, period by period, so that "no alarm" is told apart
//! from "was not measuring".

use std::collections::BTreeMap;

use tidewaiter_drivers::{
    Decimal, Unit,
    portal::rpm::{GammaTag, Line, NeutronTag},
    reading::{Missing, Moment, Outcome},
};

use super::{Interval, Step, elapsed_ms};
use crate::acquire::{Arrival, Content};

/// The machine of one watch.
#[derive(Debug)]
pub(crate) struct Watch {
    id: String,
    instrument: String,
    simulated: bool,
    period_ms: u64,
    slots: u32,
    from: Moment,
    channels: BTreeMap<String, Tally>,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    received: u32,
    missing: BTreeMap<&'static str, u32>,
    sum: Option<Decimal>,
    min: Option<Decimal>,
    max: Option<Decimal>,
    last: Option<Decimal>,
    unit: Option<Unit>,
    overflowed: bool,
}

impl Watch {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// `channels` are those the instrument is known to have: each gets its interval even when nothing comes.
    pub(crate) fn new(
        id: &str,
        instrument: &str,
        channels: &[String],
        period_ms: u64,
        slots: u32,
        simulated: bool,
        now: Moment,
    ) -> Self {
        Self {
            id: id.to_owned(),
            instrument: instrument.to_owned(),
            simulated,
            period_ms: period_ms.max(1),
            slots,
            from: now,
            channels: channels.iter().map(|channel| (channel.clone(), Tally::default())).collect(),
        }
    }

    pub(crate) fn arrival(&mut self, arrival: &Arrival) -> Vec<Step> {
        if *arrival.instrument != *self.instrument {
            return Vec::new();
        }
        let steps = self.tick(arrival.at);
        match &arrival.content {
            Content::Readings(readings) => {
                for reading in readings {
                    self.count(&reading.channel, reading.outcome);
                }
            }
            Content::Portal(line) => self.count_line(line),
            Content::Missing(missing) => {
                for tally in self.channels.values_mut() {
                    tally.miss(*missing);
                }
            }
            _ => {}
        }
        steps
    }

    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Step> {
        let elapsed = elapsed_ms(self.from, now);
        if elapsed < self.period_ms {
            return Vec::new();
        }
        // The machine may have slept through several periods: what was not measured then was expected all the same.
        let expected = u64::from(self.slots).saturating_mul(elapsed) / self.period_ms;
        self.close(now, u32::try_from(expected).unwrap_or(u32::MAX))
    }

    /// Ends the running period early; slots are expected in proportion.
    pub(crate) fn interrupt(&mut self, now: Moment) -> Vec<Step> {
        let elapsed = elapsed_ms(self.from, now).min(self.period_ms);
        let expected = u64::from(self.slots) * elapsed / self.period_ms;
        self.close(now, u32::try_from(expected).unwrap_or(self.slots))
    }

    fn count(&mut self, channel: &str, outcome: Outcome) {
        // Only known channels: an instrument cannot make the record grow.
        if let Some(tally) = self.channels.get_mut(channel) {
            match outcome {
                Ok(indication) => tally.take(indication.value, indication.unit),
                Err(missing) => tally.miss(missing),
            }
        }
    }

    fn count_line(&mut self, line: &Line) {
        let sum = |counts: &[u32; 4]| Decimal::whole(counts.iter().map(|count| i64::from(*count)).sum());
        match line {
            Line::Gamma { tag: GammaTag::GB | GammaTag::GH | GammaTag::GL, counts } => {
                if let Some(tally) = self.channels.get_mut("gamma-background") {
                    tally.take(sum(counts), Unit::PerSecond);
                }
            }
            Line::Neutron { tag: NeutronTag::NB | NeutronTag::NH, counts } => {
                if let Some(tally) = self.channels.get_mut("neutron-background") {
                    tally.take(sum(counts), Unit::Count);
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, now: Moment, expected: u32) -> Vec<Step> {
        let from = std::mem::replace(&mut self.from, now);
        let mut steps = Vec::with_capacity(self.channels.len());
        for (channel, tally) in &mut self.channels {
            let tally = std::mem::take(tally);
            steps.push(Step::Interval(Interval {
                watch: self.id.clone(),
                instrument: self.instrument.clone(),
                channel: channel.clone(),
                from,
                to: now,
                slots_expected: expected,
                received: tally.received,
                missing: tally.reasons(expected),
                sum: tally.sum,
                min: tally.min,
                max: tally.max,
                last: tally.last,
                unit: tally.unit,
                simulated: self.simulated,
            }));
        }
        steps
    }
}

impl Tally {
    fn take(&mut self, value: Decimal, unit: Unit) {
        self.received += 1;
        self.unit = Some(unit);
        self.last = Some(value);
        self.min = Some(self.min.filter(|min| min.cmp_value(value).is_le()).unwrap_or(value));
        self.max = Some(self.max.filter(|max| max.cmp_value(value).is_ge()).unwrap_or(value));
        if !self.overflowed {
            self.sum = self.sum.map_or(Some(value), |sum| sum.checked_add(value));
            self.overflowed = self.sum.is_none();
        }
    }

    fn miss(&mut self, missing: Missing) {
        *self.missing.entry(missing.word()).or_default() += 1;
    }

    /// A slot for which nothing at all was heard is a time-out: silence is accounted for too.
    fn reasons(&self, expected: u32) -> Vec<(String, u32)> {
        let mut reasons = self.missing.clone();
        let told: u32 = reasons.values().sum();
        let silent = expected.saturating_sub(self.received.saturating_add(told));
        if silent > 0 {
            *reasons.entry(Missing::TimedOut.word()).or_default() += silent;
        }
        reasons.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::unnecessary_wraps)]
    use std::sync::Arc;

    use tidewaiter_drivers::reading::{Indication, Quality, Reading};

    use super::*;

    fn at(second: u64) -> Moment {
        Moment { mono_ms: second * 1000, wall_ms: 0 }
    }

    fn arrival(second: u64, outcome: Outcome) -> Arrival {
        let reading = Reading { channel: "dose-rate".try_into().unwrap(), at: at(second), outcome };
        Arrival {
            instrument: Arc::from("gamma-1"),
            at: at(second),
            raw: bytes::Bytes::new(),
            content: Content::Readings(vec![reading]),
        }
    }

    fn value(text: &str) -> Outcome {
        Ok(Indication { value: text.parse().unwrap(), unit: Unit::MicrograyPerHour, quality: Quality::Good })
    }

    fn intervals(steps: Vec<Step>) -> Vec<Interval> {
        steps
            .into_iter()
            .filter_map(|step| if let Step::Interval(interval) = step { Some(interval) } else { None })
            .collect()
    }

    #[test]
    fn every_slot_is_accounted_for() {
        let mut watch = Watch::new("w", "gamma-1", &["dose-rate".into()], 10_000, 10, false, at(0));
        for second in 1..=5 {
            assert!(watch.arrival(&arrival(second, value("0.10"))).is_empty());
        }
        watch.arrival(&arrival(6, value("0.30")));
        watch.arrival(&arrival(7, Err(Missing::Exception(4))));
        let closed = intervals(watch.tick(at(10)));
        assert_eq!(closed.len(), 1);
        let interval = &closed[0];
        assert_eq!((interval.slots_expected, interval.received), (10, 6));
        assert_eq!(interval.missing, vec![("exception".to_owned(), 1), ("timed-out".to_owned(), 3)]);
        assert_eq!(interval.sum.unwrap().to_string(), "0.80");
        assert_eq!(interval.max.unwrap().to_string(), "0.30");
    }

    #[test]
    fn a_silent_instrument_still_gives_its_interval() {
        let mut watch = Watch::new("w", "gamma-1", &["dose-rate".into()], 10_000, 10, false, at(0));
        let closed = intervals(watch.tick(at(10)));
        assert_eq!(closed[0].received, 0);
        assert_eq!(closed[0].missing, vec![("timed-out".to_owned(), 10)]);
        assert_eq!(closed[0].sum, None);
    }

    #[test]
    fn an_early_end_expects_in_proportion() {
        let mut watch = Watch::new("w", "gamma-1", &["dose-rate".into()], 10_000, 10, false, at(0));
        watch.arrival(&arrival(1, value("0.10")));
        let closed = intervals(watch.interrupt(at(4)));
        assert_eq!((closed[0].slots_expected, closed[0].received), (4, 1));
    }

    #[test]
    fn a_machine_that_slept_expects_what_it_slept_through() {
        let mut watch = Watch::new("w", "gamma-1", &["dose-rate".into()], 10_000, 10, false, at(0));
        watch.arrival(&arrival(1, value("0.10")));
        let closed = intervals(watch.tick(at(3_600)));
        assert_eq!((closed[0].slots_expected, closed[0].received), (3_600, 1));
        assert_eq!(closed[0].missing, vec![("timed-out".to_owned(), 3_599)]);
        // A tick that comes a little late expects no more for it.
        let closed = intervals(watch.tick(Moment { mono_ms: 3_610_099, wall_ms: 0 }));
        assert_eq!(closed[0].slots_expected, 10);
    }

    /// Slots and values of each period while values come at these seconds and time is looked at in between.
    fn periods(from: u64, values: &[u64], until: u64) -> Vec<(u32, u32)> {
        let mut watch = Watch::new("w", "gamma-1", &["dose-rate".into()], 10_000, 10, false, at(from));
        let mut steps = Vec::new();
        for second in from + 1..=until {
            if values.contains(&second) {
                steps.extend(watch.arrival(&arrival(second, value("0.10"))));
            }
            steps.extend(watch.tick(at(second)));
        }
        intervals(steps).iter().map(|it| (it.slots_expected, it.received)).collect()
    }

    #[test]
    fn periods_count_what_should_have_come_whenever_they_begin() {
        let every: Vec<u64> = (0..60).collect();
        // From a start that lies on no round second of anything.
        assert_eq!(periods(7, &every, 38), [(10, 9), (10, 10), (10, 10)]);
        // A gap over the end of a period is missing from both.
        let gap: Vec<u64> = every.iter().copied().filter(|second| !(16..=23).contains(second)).collect();
        assert_eq!(periods(0, &gap, 31), [(10, 9), (10, 6), (10, 6)]);
    }

    #[test]
    fn a_step_of_the_wall_clock_changes_no_count() {
        let mut watch = Watch::new("w", "gamma-1", &["dose-rate".into()], 10_000, 10, false, at(0));
        let day = 86_400_000;
        let mut closed = Vec::new();
        for (second, wall_ms) in (1..=20).zip([0, day, -day, 0].iter().cycle()) {
            let mut shown = arrival(second, value("0.10"));
            shown.at.wall_ms = *wall_ms;
            closed.extend(watch.arrival(&shown));
        }
        let closed = intervals(closed);
        assert_eq!(closed.iter().map(|it| (it.slots_expected, it.received)).collect::<Vec<_>>(), [(10, 9), (10, 10)]);
        // Nor does a monotonic clock that comes a little late from another thread.
        assert!(watch.tick(at(19)).is_empty());
    }
}
