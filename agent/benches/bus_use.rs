//! How much of a serial line's time its bus task makes use of.
//!
//! `cargo bench -p tidewaiter-agent --bench bus_use` prints, for reads of 40 registers and more at 9600 and
//! 19 200 Bd, the least time an exchange can take (characters, two silences of 3.5 characters, the declared
//! turnaround) over the time it took, as the median of five runs. Time by which the far end itself missed its
//! deadlines does not count. The goal is 95 %.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]

mod line;

use std::time::Duration;

use line::{Line, Request};

const RUNS: usize = 5;
const SPAN: Duration = Duration::from_secs(8);
const GOAL: f64 = 0.95;

fn main() {
    let mut held = true;
    for baud in [9600, 19_200] {
        for registers in [40, 100] {
            // Four units, asked for far more than the line has: somebody is always due.
            let line = Line { baud, units: 4, registers, poll_ms: 20, turnaround_ms: 2, dead: None };
            let mut shares: Vec<(f64, f64)> = (0..RUNS).map(|_| share(line, &line.run(SPAN))).collect();
            shares.sort_by(|a, b| a.0.total_cmp(&b.0));
            let median = shares[RUNS / 2].0;
            let bare = share(line, &line.run_bare(SPAN));
            held &= median >= GOAL;
            println!(
                "{baud:>6} Bd, {registers:>3} registers: {:5.1} % of the line (least {:.1} %, most {:.1} %); its median exchange {:.1} %; a bare loop {:.1} % and {:.1} %; cycle {:.1} ms",
                median * 100.0,
                shares[0].0 * 100.0,
                shares[RUNS - 1].0 * 100.0,
                shares[RUNS / 2].1 * 100.0,
                bare.0 * 100.0,
                bare.1 * 100.0,
                line.cycle().as_secs_f64() * 1e3
            );
        }
    }
    println!("goal of {:.0} %: {}", GOAL * 100.0, if held { "held" } else { "missed" });
}

/// Of the whole run, and of its median exchange: a machine busy with other things spoils the first.
fn share(line: Line, requests: &[Request]) -> (f64, f64) {
    assert!(requests.len() > 20, "{} requests", requests.len());
    let span = requests.last().unwrap().at - requests[0].at;
    let late: Duration = requests[..requests.len() - 1].iter().map(|it| it.late).sum();
    let exchanges = (requests.len() - 1) as f64;
    let mean = span.saturating_sub(late).as_secs_f64() / exchanges;
    let mut each: Vec<f64> =
        requests.windows(2).map(|pair| (pair[1].at - pair[0].at).saturating_sub(pair[0].late).as_secs_f64()).collect();
    each.sort_by(f64::total_cmp);
    let cycle = line.cycle().as_secs_f64();
    (cycle / mean, cycle / each[each.len() / 2])
}
