//! Lines of a GPIO chip of this machine (Linux character device, `gpiocdev`).
//!
//! The kernel gives the lines back when the process ends, in whatever way. What the pin does then is the driver's:
//! most make it an input drawn by its bias, some leave it as it was. Try it with `kill -9` before relying on it.

use std::sync::Arc;

use gpiocdev::{
    Request,
    line::{self, Value, Values},
};
use tidewaiter_config::site::{Bias, Lines, Output, Wire};

use super::faults::Fault;

/// Name under which the lines are held, as `gpioinfo` shows it.
const CONSUMER: &str = "tidewaiter";

/// The lines of a chip.
#[derive(Debug)]
pub(super) struct Gpio {
    chip: String,
    bias: Bias,
    /// Offset, and whether it is on when low.
    lines: Vec<(u32, bool)>,
    held: Option<Arc<Request>>,
}

impl Gpio {
    /// The lines of `output`; `None` for one that is not reached by GPIO.
    pub(super) fn new(output: &Output) -> Option<Self> {
        let Wire::Gpio { chip, bias } = &output.wire else { return None };
        let lines = output.lines.iter().map(|it| (u32::from(it.number), it.inverted)).collect();
        Some(Self { chip: chip.clone(), bias: *bias, lines, held: None })
    }

    /// Sets the lines and reads them back. The chip may hang behind a slow bus, so this is off the async threads.
    pub(super) async fn set(&mut self, lines: Lines) -> Result<(), Fault> {
        let (chip, bias, places, held) = (self.chip.clone(), self.bias, self.lines.clone(), self.held.take());
        let work = move || -> Result<(Arc<Request>, Lines), gpiocdev::Error> {
            let held = match held {
                Some(held) => held,
                None => Arc::new(request(&chip, bias, &places, lines)?),
            };
            held.set_values(&values(&places, lines))?;
            let mut shown: Values = places.iter().map(|(offset, _)| (*offset, Value::Inactive)).collect();
            held.values(&mut shown)?;
            let found = places.iter().enumerate().fold(Lines::default(), |found, (at, (offset, _))| {
                found.with(at, shown.get(*offset) == Some(Value::Active))
            });
            Ok((held, found))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok((held, found))) => {
                self.held = Some(held);
                if found == lines { Ok(()) } else { Err(Fault::Differs { wanted: lines, found }) }
            }
            Ok(Err(why)) => Err(Fault::System(format!("{}: {why}", self.chip))),
            Err(why) => Err(Fault::System(why.to_string())),
        }
    }
}

fn values(places: &[(u32, bool)], lines: Lines) -> Values {
    let value = |at| if lines.has(at) { Value::Active } else { Value::Inactive };
    places.iter().enumerate().map(|(at, (offset, _))| (*offset, value(at))).collect()
}

fn request(chip: &str, bias: Bias, places: &[(u32, bool)], lines: Lines) -> Result<Request, gpiocdev::Error> {
    let mut builder = Request::builder();
    builder.on_chip(chip).with_consumer(CONSUMER);
    for (at, (offset, inverted)) in places.iter().enumerate() {
        // Requested with the value it is to have: no line is driven the wrong way even for a moment.
        builder.with_line(*offset).as_output(if lines.has(at) { Value::Active } else { Value::Inactive });
        if *inverted {
            builder.as_active_low();
        }
        match bias {
            Bias::AsIs => {}
            Bias::PullUp => {
                builder.with_bias(line::Bias::PullUp);
            }
            Bias::PullDown => {
                builder.with_bias(line::Bias::PullDown);
            }
        }
    }
    builder.request()
}
