//! How soon a reply begins after the silence, and what of it is the node's own: the host's part is measured beside it, or
//! taken out by letting the guest's time pass with its instructions. With it, what the stack held against its bound.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tidewaiter_tests::process::{alone, run, tell};

use super::{
    board::{Bus, Report},
    rig::Rig,
};
use crate::interop::peers::interpreter;

/// The node promises to begin a reply so soon, µs.
const WITHIN_US: u32 = 1_000;
/// Polls of the run by instructions.
const POLLS: u16 = 600;
/// Time jumps where the host stalls a guest that sleeps: its watchdog may bite in between, and the count begins anew.
const ATTEMPTS: usize = 3;
const STACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware/stack");

/// What holds on any host, however late it lets the board come: a frame that it stalls for a tenth of a second does not hold
/// up everything else, and most replies begin in time. How many alarms alone were late is for people to read.
pub(super) fn as_the_host_lets_it(report: &Report) -> Result<()> {
    let (replies, late) = (report.turnaround.all(), report.turnaround.beyond(WITHIN_US));
    tell(&format!(
        "later than {WITHIN_US} µs: {late} of {replies} replies, {} alarms set to the same instants, {} by the board's own part",
        report.alarm.beyond(WITHIN_US),
        report.own.beyond(WITHIN_US)
    ));
    ensure!(late * 2 < replies, "most replies began later than 1 ms: {}", report.line);
    ensure!(report.behind <= replies / 10, "replies waited behind slow work: {}", report.line);
    Ok(())
}

/// With 16 ns an instruction, which is what the real board's 84 MHz do, every reply is within the promise, sealed blocks too.
pub(super) fn by_instructions() -> Result<()> {
    let _alone = alone();
    let dir = tempfile::tempdir()?;
    let Some(mut rig) = Rig::new(dir.path(), Bus::Tcp)? else { return Ok(()) };
    rig.cut()?;
    rig.board.by_instructions = true;
    let mut report = polled(&mut rig);
    for _ in 1..ATTEMPTS {
        let Err(why) = &report else { break };
        tell(&format!("the host kept the board from its polls, once more: {why:#}"));
        rig.cut()?;
        report = polled(&mut rig);
    }
    let report = report?;
    tell(&format!("node with time by instructions says: {}", report.line));
    as_the_host_lets_it(&report)?;
    ensure!(
        report.own.beyond(WITHIN_US) == 0 && report.own.longest_us <= u64::from(WITHIN_US),
        "more than a millisecond of work: {}",
        report.line
    );
    let Some(python) = interpreter() else { return Ok(()) };
    let ended = run(Command::new(python).arg(STACK).arg(&rig.board.image))?;
    ensure!(ended.code == 0, "{}{}", ended.stdout, ended.stderr);
    let bound = ended.stdout.split_once("at most ").and_then(|(_, it)| it.split(' ').next()?.parse::<u64>().ok());
    let bound = bound.with_context(|| ended.stdout.clone())?;
    tell(&format!("stack: {} bytes painted over, {bound} at most by the code", report.stack));
    ensure!(report.stack <= bound, "{} bytes of the stack were used, {bound} are possible", report.stack);
    rig.cut()
}

fn polled(rig: &mut Rig) -> Result<Report> {
    rig.power()?;
    // What a host that stalls heaps up on the plant link comes at once, which no wire does.
    rig.still();
    let mut client = rig.client()?;
    for number in 0..POLLS {
        // A sealed block, and what its making does not slow down.
        let (function, address, count) = [(4, 0x0100, 47), (3, 0x0010, 40), (4, 0x0010, 15)][usize::from(number % 3)];
        client.read(function, address, count)?;
    }
    rig.board.report(u64::from(POLLS))
}
