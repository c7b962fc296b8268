//! Single readings: a person asks for the next reading of an instrument, and it becomes a record of its own.

use serde_json::{Value, json};
use tidewaiter_config::site::Protocol;
use tidewaiter_drivers::reading::{Missing, Moment, Outcome};
use tidewaiter_record::body::{Detail, Flags, Reading, SingleReading};
use tokio::sync::oneshot;

use super::{AskError, Inspector, Shot, sampling_date};
use crate::{
    acquire::{Arrival, Content},
    outbox::Draft,
};

/// Single readings that may be awaited at once.
const MOST: usize = 16;
/// Channels recorded of one reading at most.
const MOST_CHANNELS: usize = 32;
/// How long the next reading is awaited; then the record says `timed-out`.
const PATIENCE_MS: u64 = 8_000;

type Reply = oneshot::Sender<Result<Value, AskError>>;

/// Those that are awaited.
#[derive(Debug, Default)]
pub(super) struct Shots(Vec<Awaited>);

#[derive(Debug)]
struct Awaited {
    shot: Shot,
    until_ms: u64,
    reply: Reply,
}

impl Inspector {
    /// Takes an ask for a single reading; the answer is given once it is recorded.
    pub(super) fn ask_shot(&mut self, shot: Shot, reply: Reply) {
        let refused = match self.site.instrument(&shot.instrument) {
            None => {
                let known: Vec<&str> = self.site.instruments.iter().map(|it| it.id.as_str()).collect();
                Some(format!("there is no instrument {:?}; the site has {}", shot.instrument, known.join(", ")))
            }
            Some(it) if matches!(it.protocol, Protocol::RpmLines { .. } | Protocol::PlateLines { .. }) => {
                Some(format!(
                    "{:?} speaks {} and has no channels; what it says is recorded with the passage",
                    shot.instrument,
                    it.protocol.word()
                ))
            }
            Some(_) if self.shots.0.len() >= MOST => {
                Some(format!("{MOST} single readings are awaited already; try again"))
            }
            Some(_) => None,
        };
        match refused {
            Some(why) => {
                let _ = reply.send(Err(AskError::Shot(why)));
            }
            None => {
                let until_ms = self.clock.now().mono_ms + PATIENCE_MS;
                self.shots.0.push(Awaited { shot, until_ms, reply });
            }
        }
    }

    /// Records what arrived for whoever awaits it.
    pub(super) async fn take_shots(&mut self, arrival: &Arrival) {
        let wanted = |it: &Awaited| *it.shot.instrument == *arrival.instrument && !taken(&it.shot, arrival).is_empty();
        if !self.shots.0.iter().any(wanted) {
            return;
        }
        let (now, later) = std::mem::take(&mut self.shots.0).into_iter().partition(wanted);
        self.shots.0 = later;
        let now: Vec<Awaited> = now;
        for Awaited { shot, reply, .. } in now {
            let readings = taken(&shot, arrival);
            let answer = self.record_shot(&shot, readings, &arrival.raw).await;
            let _ = reply.send(answer);
        }
    }

    /// Gives up those that were awaited for too long: that nothing came is a record too.
    pub(super) async fn end_shots(&mut self, now: Moment) {
        if !self.shots.0.iter().any(|it| now.mono_ms >= it.until_ms) {
            return;
        }
        let (over, later) = std::mem::take(&mut self.shots.0).into_iter().partition(|it| now.mono_ms >= it.until_ms);
        self.shots.0 = later;
        let over: Vec<Awaited> = over;
        for Awaited { shot, reply, .. } in over {
            let channel = shot.channel.clone().unwrap_or_else(|| "*".to_owned());
            let answer = self.record_shot(&shot, vec![(channel, now, Err(Missing::TimedOut))], &[]).await;
            let _ = reply.send(answer);
        }
    }

    async fn record_shot(
        &self,
        shot: &Shot,
        readings: Vec<(String, Moment, Outcome)>,
        raw: &[u8],
    ) -> Result<Value, AskError> {
        let instrument = self.site.instrument(&shot.instrument);
        // The values of a sealed block are proven by its bytes, and each of these records has to stand alone.
        let is_sealed = instrument.is_some_and(|it| match &it.protocol {
            Protocol::Registers { profile, .. } => profile.sealed.is_some(),
            _ => false,
        });
        let simulated = instrument.is_some_and(|it| it.simulated);
        let mut records = Vec::new();
        for (place, (channel, at, outcome)) in readings.into_iter().enumerate() {
            let outcome = self.register.stamped(outcome, &shot.instrument, sampling_date(at), at.wall_ms);
            let simulated = simulated || self.pretended(&shot.instrument, at.mono_ms);
            // The bytes stand once, with the first of the channels that were read from them.
            let raw = if place == 0 || is_sealed { raw.to_vec() } else { Vec::new() };
            let reading = Reading { instrument: shot.instrument.clone(), channel: channel.clone(), at, outcome, raw };
            let detail = SingleReading {
                flags: Flags { simulated, drill: false },
                reading,
                operator: Some(shot.operator.clone()),
                sample: shot.sample.clone(),
                context: self.standing.context.clone(),
            };
            let draft = Draft {
                place: shot.instrument.clone(),
                id: None,
                detail: Detail::Reading(Box::new(detail)),
                alert: false,
                closes: None,
                notes: Vec::new(),
            };
            let recorded = self.outbox.seal(draft).await?;
            records.push(match outcome {
                Ok(it) => json!({
                    "seq": recorded.seq, "channel": channel, "value": it.value.to_string(), "unit": it.unit.code(),
                    "quality": it.quality.word(),
                }),
                Err(missing) => json!({ "seq": recorded.seq, "channel": channel, "missing": missing.to_string() }),
            });
        }
        Ok(json!({ "ok": true, "instrument": shot.instrument, "records": records }))
    }
}

/// What an arrival brings for this ask; nothing when it is of another channel, or no reading.
fn taken(shot: &Shot, arrival: &Arrival) -> Vec<(String, Moment, Outcome)> {
    match &arrival.content {
        Content::Readings(readings) => readings
            .iter()
            .filter(|it| shot.channel.as_ref().is_none_or(|wanted| **wanted == *it.channel))
            .take(MOST_CHANNELS)
            .map(|it| (it.channel.to_string(), it.at, it.outcome))
            .collect(),
        Content::Missing(missing) => {
            vec![(shot.channel.clone().unwrap_or_else(|| "*".to_owned()), arrival.at, Err(*missing))]
        }
        Content::Portal(_) | Content::Identity(_) | Content::Link(_) | Content::Event(_) => Vec::new(),
    }
}
