//! Carries out the orders of outputs between two polls.

use tidewaiter_drivers::{modbus::register::Table, reading::Missing};
use tokio::time::Instant;

use super::{
    After, Bus, Cause,
    line::{Ask, Failure, Line, Pace},
};
use crate::acquire::orders::{Action, Carried, Order, Written, late};

impl Bus {
    /// Carries an order out, if there is still time for it; says whether any answer came.
    pub(super) async fn carry(&mut self, order: Order, line: &mut Line, fruitful: bool) -> (bool, After) {
        let now = Instant::now();
        if now >= order.until {
            order.answer(Err(Missing::TimedOut));
            return (false, After::Keep);
        }
        if let Some((_, reason)) = line.held(order.unit, now) {
            order.answer(Err(reason));
            return (false, After::Keep);
        }
        let (mut answered, mut carried) = (false, Carried { connection: self.connection, words: Vec::new() });
        let failure = exchanges(&order, line, &mut carried, &mut answered).await;
        let Some(failure) = failure else {
            order.answer(Ok(carried));
            return (true, After::Keep);
        };
        answered |= matches!(failure, Failure::Exception(_));
        order.answer(Err(failure.missing()));
        let after = match &failure {
            Failure::Lost { sent: false, .. } if fruitful => After::Reopen(Cause::Idle),
            Failure::Lost { error, .. } => {
                tracing::warn!(port = %self.port.id, %error, "port lost");
                After::Reopen(Cause::Lost)
            }
            failure if line.is_spoilt_by(failure) => After::Reopen(Cause::Dropped(failure.missing())),
            _ => After::Keep,
        };
        (answered, after)
    }
}

/// Makes one exchange after another until one fails.
async fn exchanges(order: &Order, line: &mut Line, carried: &mut Carried, answered: &mut bool) -> Option<Failure> {
    let pace = Pace { timeout: order.timeout, longest: late(order.timeout), turnaround: None };
    let unit = order.unit;
    let ask = |action: &Action| match *action {
        Action::Read { table, address, count } => Ask { unit, table, address, count },
        Action::Write { address, content: Written::Coil(_) | Written::Coils { .. } } => {
            Ask { unit, table: Table::Coil, address, count: 1 }
        }
        Action::Write { address, .. } => Ask { unit, table: Table::Holding, address, count: 1 },
    };
    // An answer that is still owed must not be taken for one to this order; and whether the line echoes has to be known
    // before something is written whose answer looks like its echo.
    if let Some(first) = order.actions.first() {
        let exchange = if line.owes(unit) {
            Some(line.probe(ask(first), pace).await)
        } else if line.may_echo() {
            Some(line.ask(ask(first), pace).await)
        } else {
            None
        };
        match exchange.map(|it| it.outcome) {
            Some(Err(failure)) if line.owes(unit) || !matches!(failure, Failure::Exception(_)) => return Some(failure),
            _ => {}
        }
    }
    for action in &order.actions {
        let outcome = match *action {
            Action::Read { .. } => line.ask(ask(action), pace).await.outcome.map(|words| carried.words = words),
            Action::Write { address, content } => line.write(unit, address, content, pace).await.outcome,
        };
        match outcome {
            Ok(()) => *answered = true,
            Err(failure) => return Some(failure),
        }
    }
    None
}
