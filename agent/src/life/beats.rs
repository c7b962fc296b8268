//! Whether every stage is still at work: what the service manager's watchdog is answered by.
//!
//! Two questions, because a stage can stand still in two ways:
//!
//! - *Does it come back from being polled?* Every task is wrapped ([`Beats::task`]) and leaves the time at which its turn
//!   began. One that is still in its turn after [`STUCK`] is in an endless loop, or waits for something without letting go
//!   of the thread.
//! - *Does it do its rounds?* A stage that has rounds strikes a [`Beat`] with each, and says how long one may take at most.
//!
//! The wrapping also knows which port a thread is working for at the moment ([`port_at_work`]), which costs nothing until
//! somebody asks: when the process is about to abort.

use std::{
    cell::RefCell,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use crate::clock::Clock;

/// Longest turn of a task. Turns take microseconds; a slow disk is waited for outside of them.
pub const STUCK: Duration = Duration::from_secs(10);

/// No turn under way.
const RESTING: u64 = u64::MAX;

thread_local! {
    static AT_WORK: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// The port that this thread is working for.
pub fn port_at_work() -> Option<Arc<str>> {
    // Not to panic again in the middle of a panic.
    AT_WORK.try_with(|it| it.try_borrow().ok().and_then(|it| it.clone())).ok().flatten()
}

/// All beats of an agent. A clone is the same.
#[derive(Clone, Debug)]
pub struct Beats {
    clock: Arc<dyn Clock>,
    stages: Arc<Mutex<Vec<Weak<Stage>>>>,
}

#[derive(Debug)]
struct Stage {
    name: String,
    port: Option<Arc<str>>,
    /// Monotonic milliseconds at which the turn under way began, or [`RESTING`].
    turn_ms: AtomicU64,
    /// Monotonic milliseconds of the last round, for stages that have rounds.
    struck_ms: AtomicU64,
    round_ms: Option<u64>,
}

/// A stage that stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// Which.
    pub stage: String,
    /// Whose bytes it was working on.
    pub port: Option<Arc<str>>,
    /// For how long, milliseconds.
    pub ms: u64,
}

/// Struck by a stage with each round.
#[derive(Clone, Debug)]
pub struct Beat {
    clock: Arc<dyn Clock>,
    stage: Arc<Stage>,
}

impl Beat {
    /// A round is done.
    pub fn strike(&self) {
        self.stage.struck_ms.store(self.clock.now().mono_ms, Relaxed);
    }
}

impl Beats {
    /// None yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, stages: Arc::default() }
    }

    /// A stage whose rounds take no longer than `round`. It counts as long as the beat is kept.
    pub fn beat(&self, name: &str, round: Duration) -> Beat {
        let round_ms = u64::try_from(round.as_millis()).ok();
        Beat { clock: Arc::clone(&self.clock), stage: self.stage(name, None, round_ms) }
    }

    /// Wraps the work of a task.
    pub fn task<F: Future>(&self, name: &str, work: F) -> Turns<F> {
        let (clock, stage) = (Arc::clone(&self.clock), self.stage(name, None, None));
        Turns { clock, stage, work: Box::pin(work) }
    }

    /// Wraps the work of the task of a port.
    pub fn port<F: Future>(&self, name: &str, port: &str, work: F) -> Turns<F> {
        let (clock, stage) = (Arc::clone(&self.clock), self.stage(name, Some(Arc::from(port)), None));
        Turns { clock, stage, work: Box::pin(work) }
    }

    /// The stages that stand still.
    pub fn late(&self) -> Vec<Late> {
        let now_ms = self.clock.now().mono_ms;
        let stuck_ms = u64::try_from(STUCK.as_millis()).unwrap_or(u64::MAX);
        let mut late = Vec::new();
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        stages.retain(|it| it.strong_count() > 0);
        for stage in stages.iter().filter_map(Weak::upgrade) {
            let turn_ms = stage.turn_ms.load(Relaxed);
            let in_turn = if turn_ms == RESTING { 0 } else { now_ms.saturating_sub(turn_ms) };
            let silent = now_ms.saturating_sub(stage.struck_ms.load(Relaxed));
            let ms = match stage.round_ms {
                _ if in_turn > stuck_ms => in_turn,
                Some(round_ms) if silent > round_ms => silent,
                _ => continue,
            };
            late.push(Late { stage: stage.name.clone(), port: stage.port.clone(), ms });
        }
        late
    }

    fn stage(&self, name: &str, port: Option<Arc<str>>, round_ms: Option<u64>) -> Arc<Stage> {
        let stage = Arc::new(Stage {
            name: name.to_owned(),
            port,
            turn_ms: AtomicU64::new(RESTING),
            struck_ms: AtomicU64::new(self.clock.now().mono_ms),
            round_ms,
        });
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&stage));
        stage
    }
}

/// A task whose turns are watched.
#[derive(Debug)]
pub struct Turns<F> {
    clock: Arc<dyn Clock>,
    stage: Arc<Stage>,
    work: Pin<Box<F>>,
}

impl<F: Future> Future for Turns<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.stage.turn_ms.store(self.clock.now().mono_ms, Relaxed);
        let before = AT_WORK.with(|it| it.replace(self.stage.port.clone()));
        let polled = self.work.as_mut().poll(context);
        AT_WORK.with(|it| it.replace(before));
        self.stage.turn_ms.store(RESTING, Relaxed);
        polled
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::AtomicI64;

    use futures_util::FutureExt as _;
    use tidewaiter_drivers::reading::Moment;

    use super::*;

    /// A clock that a test moves.
    #[derive(Debug, Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Moment {
            let ms = self.0.load(Relaxed);
            Moment { wall_ms: ms, mono_ms: ms.unsigned_abs() }
        }
    }

    #[test]
    fn a_stage_that_misses_its_round_is_late_and_one_that_is_gone_is_not() {
        let hand = Arc::new(Hand::default());
        let beats = Beats::new(Arc::clone(&hand) as Arc<dyn Clock>);
        let beat = beats.beat("keeper", Duration::from_secs(30));
        hand.0.store(30_000, Relaxed);
        assert!(beats.late().is_empty());
        hand.0.store(30_001, Relaxed);
        assert_eq!(beats.late(), [Late { stage: "keeper".into(), port: None, ms: 30_001 }]);
        beat.strike();
        assert!(beats.late().is_empty());
        hand.0.store(90_000, Relaxed);
        drop(beat);
        assert!(beats.late().is_empty());
    }

    #[test]
    fn a_turn_that_does_not_end_is_seen_from_outside_and_its_port_from_inside() {
        let hand = Arc::new(Hand::default());
        let beats = Beats::new(Arc::clone(&hand) as Arc<dyn Clock>);
        let seen = beats.clone();
        let work = beats.port("port bus-a", "bus-a", async {
            assert_eq!(port_at_work().as_deref(), Some("bus-a"));
            hand.0.store(10_001, Relaxed);
            // In here the turn has lasted that long.
            seen.late()
        });
        let late = work.now_or_never().unwrap();
        assert_eq!(late, [Late { stage: "port bus-a".into(), port: Some(Arc::from("bus-a")), ms: 10_001 }]);
        assert_eq!(port_at_work(), None);
        assert!(beats.late().is_empty());
    }
}
