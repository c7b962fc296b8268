//! A port that carries bytes: in as they come, one decoder per instrument.
//!
//! Whatever a chunk holds, its frames leave in order with the time the chunk arrived. Bytes that
//! make no frame are counted and never become a reading. When an instrument has brought no frame
//! for its silence period, that is reported, with the reason that fits what did come, and again
//! after each further period. The same happens, as `line-down`, while the port is closed.
//!
//! An instrument that speaks only when asked is asked by `ask`, one question at a time. Which protocol
//! has which decoder and which questions stands in `table`.

mod ask;
mod codec;
mod ear;
mod table;
#[cfg(test)]
mod tests;
mod weighed;

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use tidewaiter_config::site::{Instrument, Port};
use tidewaiter_drivers::reading::Missing;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep_until, timeout, timeout_at},
};

use self::ear::{Ear, Heard};
use super::{
    LinkState,
    backoff::Backoff,
    counters::Tally,
    outlet::{Closed, Outlet},
    port::{FIRST_RETRY, MOST_RETRY, Opener, PortStream, open},
};

/// Bytes taken from a port at once: at 115 200 Bd what arrives in 90 ms. The rest waits in the
/// kernel, so that this is all the memory a flood can take here.
const CHUNK_BYTES: usize = 1024;

/// Longest wait for the port to take a question; a port that takes no bytes is lost.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// The task of one byte-stream port.
pub(super) struct Stream {
    port: Port,
    opener: Arc<dyn Opener>,
    outlet: Outlet,
    ears: Vec<Ear>,
    /// What was last said about the port.
    said: Option<LinkState>,
    opened_before: bool,
}

impl Stream {
    pub(super) fn new(port: Port, instruments: &[&Instrument], opener: Arc<dyn Opener>, outlet: Outlet) -> Self {
        let ears = instruments.iter().filter_map(|instrument| Ear::new(instrument)).collect();
        Self { port, opener, outlet, ears, said: None, opened_before: false }
    }

    /// Runs until nobody listens any more.
    pub(super) async fn run(mut self) {
        if self.ears.is_empty() {
            return;
        }
        // The only error is that the receiver has gone, and with it the reason to run.
        let Err(Closed) = self.work().await;
    }

    async fn work(&mut self) -> Result<std::convert::Infallible, Closed> {
        let mut retry = Backoff::new(FIRST_RETRY, MOST_RETRY);
        loop {
            match open(&*self.opener, &self.port.link).await {
                Ok(port) => {
                    self.say_up().await?;
                    let asked = self.ears.iter().any(|ear| ear.asked.is_some());
                    if if asked { self.ask(port).await? } else { self.listen(port).await? } {
                        retry.reset();
                    }
                }
                Err(error) => tracing::warn!(port = %self.port.id, %error, "port does not open"),
            }
            self.say_down().await?;
            self.wait_down(Instant::now() + retry.next_delay()).await?;
        }
    }

    /// Listens until the port is lost; says whether anything came.
    async fn listen(&mut self, mut port: Box<dyn PortStream>) -> Result<bool, Closed> {
        let mut chunk = [0; CHUNK_BYTES];
        let mut fruitful = false;
        let mut greet = true;
        loop {
            if std::mem::take(&mut greet)
                && let Err(error) = Self::greet(self.greetings(), &mut port).await
            {
                tracing::warn!(port = %self.port.id, %error, "port lost");
                return Ok(fruitful);
            }
            let read = match self.ears.iter().filter_map(Ear::deadline).min() {
                Some(deadline) => timeout_at(deadline, port.read(&mut chunk)).await,
                None => Ok(port.read(&mut chunk).await),
            };
            match read {
                // Zero bytes without an error: the other end is gone, and asking again would spin.
                Ok(Ok(0)) => {
                    tracing::warn!(port = %self.port.id, "port lost: end of stream");
                    return Ok(fruitful);
                }
                Ok(Ok(count)) => {
                    fruitful = true;
                    self.hear(chunk.get(..count).unwrap_or_default()).await?;
                }
                Ok(Err(error)) => {
                    tracing::warn!(port = %self.port.id, %error, "port lost");
                    return Ok(fruitful);
                }
                Err(_) => {}
            }
            // Also after a chunk: noise that never pauses must not keep silence from being noticed.
            let now = Instant::now();
            for ear in &mut self.ears {
                if let Some((reason, raw)) = ear.silence(now) {
                    // An instrument that was switched off and on has forgotten what it was told.
                    greet = true;
                    self.outlet.missing(ear.instrument(), reason, raw).await?;
                }
            }
        }
    }

    fn greetings(&self) -> Vec<Vec<u8>> {
        self.ears.iter().filter_map(|ear| ear.greeting.clone()).collect()
    }

    /// Asks for a continuous output where the protocol has to be asked for it.
    async fn greet(greetings: Vec<Vec<u8>>, port: &mut Box<dyn PortStream>) -> io::Result<()> {
        for greeting in greetings {
            let sent = timeout(SEND_TIMEOUT, async {
                port.write_all(&greeting).await?;
                port.flush().await
            });
            sent.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        }
        Ok(())
    }

    async fn hear(&mut self, chunk: &[u8]) -> Result<(), Closed> {
        let at = self.outlet.now();
        for ear in &mut self.ears {
            for &byte in chunk {
                match ear.push(byte, at, Instant::now()) {
                    None => {}
                    Some(Heard::Said(said)) => {
                        let raw = ear.evidence();
                        for content in said.contents {
                            self.outlet.send(ear.instrument(), at, raw.clone(), content).await?;
                        }
                    }
                    Some(Heard::Refused(_)) => self.outlet.count(ear.instrument(), Tally::frame_refused),
                    Some(Heard::Garbage(bytes)) => {
                        self.outlet.count(ear.instrument(), |tally| tally.garbage(bytes.into()));
                    }
                }
            }
        }
        Ok(())
    }

    async fn say_up(&mut self) -> Result<(), Closed> {
        for ear in &mut self.ears {
            ear.port_opened(Instant::now());
            if self.opened_before {
                self.outlet.count(ear.instrument(), Tally::reconnected);
            }
            // An instrument that is asked is there once it answers.
            if ear.asked.is_none() {
                self.outlet.link(ear.instrument(), LinkState::Up).await?;
            }
        }
        self.opened_before = true;
        self.said = Some(LinkState::Up);
        Ok(())
    }

    async fn say_down(&mut self) -> Result<(), Closed> {
        if self.said == Some(LinkState::Down) {
            return Ok(());
        }
        for ear in &mut self.ears {
            ear.port_lost(Instant::now());
            let told = ear.asked.as_mut().and_then(|(_, asking)| asking.said.replace(LinkState::Down));
            if told == Some(LinkState::Down) {
                self.outlet.missing(ear.instrument(), Missing::LineDown, Bytes::new()).await?;
            } else {
                self.outlet.link(ear.instrument(), LinkState::Down).await?;
            }
        }
        self.said = Some(LinkState::Down);
        Ok(())
    }

    /// Reports every silence period that ends before `until` as `line-down`.
    async fn wait_down(&mut self, until: Instant) -> Result<(), Closed> {
        while Instant::now() < until {
            let next = self.ears.iter().map(Ear::down_deadline).min().map_or(until, |due| due.min(until));
            sleep_until(next).await;
            let now = Instant::now();
            for ear in &mut self.ears {
                if ear.still_down(now) {
                    self.outlet.missing(ear.instrument(), Missing::LineDown, Bytes::new()).await?;
                }
            }
        }
        Ok(())
    }
}
