//! What one silent unit of fifty costs the others on its line.
//!
//! `cargo bench -p tidewaiter-agent --bench bus_jitter` prints by how much the periods of 49 units miss their
//! two seconds, with all fifty answering and with one that never does, on a line that is busy for about 60 %.
//! Both are measured from the first minute on, in the same run and at the far end of the line.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]

mod line;

use std::time::Duration;

use line::Line;

const PERIOD: Duration = Duration::from_secs(2);
/// By then the silent unit has been given up by its breaker: that takes three polls.
const SETTLED: Duration = Duration::from_secs(12);
const SPAN: Duration = Duration::from_secs(100);
const SILENT: u8 = 20;

fn main() {
    let line = line_of_fifty(None);
    let busy = line.cycle().as_secs_f64() * f64::from(line.units) / PERIOD.as_secs_f64();
    println!("fifty units at {} Bd, every {PERIOD:?}: the line is busy for {:.0} %", line.baud, busy * 100.0);
    let all = jitter(None);
    let dead = jitter(Some(SILENT));
    println!("p99 with one silent unit over p99 with fifty answering: {:.2}", dead / all);
}

/// The 99th percentile, in milliseconds.
fn jitter(dead: Option<u8>) -> f64 {
    let line = line_of_fifty(dead);
    let requests = line.run(SPAN);
    let start = requests[0].at;
    let mut missed: Vec<f64> = Vec::new();
    for unit in (1..=line.units).filter(|unit| *unit != SILENT) {
        let at: Vec<_> =
            requests.iter().filter(|it| it.unit == unit && it.at - start >= SETTLED).map(|it| it.at).collect();
        missed.extend(at.windows(2).map(|pair| (pair[1] - pair[0]).abs_diff(PERIOD).as_secs_f64() * 1e3));
    }
    missed.sort_by(f64::total_cmp);
    let at = |per_cent: usize| missed[(missed.len() - 1) * per_cent / 100];
    println!(
        "{}: jitter of {} periods: median {:.2} ms, p99 {:.2} ms, most {:.2} ms; tries of the silent unit: {}",
        dead.map_or("fifty answering".to_owned(), |unit| format!("unit {unit} silent")),
        missed.len(),
        at(50),
        at(99),
        at(100),
        requests.iter().filter(|it| Some(it.unit) == dead).count()
    );
    at(99)
}

fn line_of_fifty(dead: Option<u8>) -> Line {
    Line { baud: 19_200, units: 50, registers: 10, poll_ms: 2000, turnaround_ms: 2, dead }
}
