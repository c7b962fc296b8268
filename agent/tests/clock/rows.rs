//! The forty clocks.

use crate::simulation::Act::{self, *};

/// One clock.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) acts: &'static [Act],
    /// Quality shown at the end.
    pub(crate) ends: &'static str,
    /// Steps told to the chain.
    pub(crate) steps: usize,
    /// Repairs told to the chain.
    pub(crate) repairs: usize,
    /// A server lies more slowly than a crystal drifts, or from the very beginning: S is claimed in good faith.
    pub(crate) lies: bool,
    /// The centre's own clock finds it.
    pub(crate) found: bool,
}

const fn row(name: &'static str, acts: &'static [Act], ends: &'static str, steps: usize, repairs: usize) -> Row {
    Row { name, acts, ends, steps, repairs, lies: false, found: false }
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
const HOUR_MS: i64 = 3_600_000;
const TEN_YEARS_MS: i64 = 315_619_200_000;
/// 2026-12-31T23:50:00Z.
const NEW_YEAR_S_EVE: i64 = 1_798_761_000_000;

pub(crate) const ROWS: &[Row] = &[
    row("kept by a time service throughout", &[Ntp, Run(HOUR, MINUTE)], "S", 0, 0),
    row("battery dead, 1970, never set", &[Reboot(None), Run(HOUR, MINUTE)], "U", 0, 0),
    row("battery dead, 1970, set after an hour", &[Reboot(None), Run(HOUR, MINUTE), Ntp, Run(HOUR, MINUTE)], "S", 1, 1),
    row("battery clock ten years ahead", &[Reboot(Some(TEN_YEARS_MS)), Run(HOUR, MINUTE)], "I", 0, 0),
    row(
        "battery clock ten years ahead, set after an hour",
        &[Reboot(Some(TEN_YEARS_MS)), Run(HOUR, MINUTE), Ntp, Run(HOUR, MINUTE)],
        "S",
        1,
        1,
    ),
    row(
        "nobody vouches, a person sets it on by an hour",
        &[Run(HOUR, MINUTE), Set(HOUR_MS), Run(HOUR, MINUTE)],
        "I",
        1,
        0,
    ),
    row(
        "nobody vouches, a person sets it back by an hour",
        &[Run(HOUR, MINUTE), Set(-HOUR_MS), Run(600, MINUTE)],
        "U",
        1,
        0,
    ),
    row("kept, then set on by an hour", &[Ntp, Run(HOUR, MINUTE), Set(HOUR_MS), Run(HOUR, MINUTE)], "I", 1, 0),
    row("kept, then set back by an hour", &[Ntp, Run(HOUR, MINUTE), Set(-HOUR_MS), Run(600, MINUTE)], "U", 1, 0),
    row("kept, then set on by ten seconds", &[Ntp, Run(HOUR, MINUTE), Set(10_000), Run(HOUR, MINUTE)], "H", 1, 0),
    row("kept, then set back by ten seconds", &[Ntp, Run(HOUR, MINUTE), Set(-10_000), Run(HOUR, MINUTE)], "H", 1, 0),
    row(
        "two steps between two records",
        &[Ntp, Run(HOUR, MINUTE), Set(HOUR_MS), Set(-HOUR_MS), Run(HOUR, MINUTE)],
        "H",
        0,
        0,
    ),
    row(
        "two steps with a record between them",
        &[Ntp, Run(HOUR, MINUTE), Set(HOUR_MS), Run(MINUTE, 30), Set(-HOUR_MS), Run(HOUR, MINUTE)],
        "H",
        2,
        0,
    ),
    row("servers lost for an hour", &[Ntp, Run(HOUR, MINUTE), Lost, Run(HOUR, MINUTE)], "H", 0, 0),
    row(
        "servers lost for five days, crystal 100 ppm fast",
        &[Crystal(100), Ntp, Run(HOUR, MINUTE), Lost, Run(5 * DAY, HOUR)],
        "H",
        0,
        0,
    ),
    row(
        "servers lost for thirty days, crystal 100 ppm fast",
        &[Crystal(100), Ntp, Run(HOUR, MINUTE), Lost, Run(30 * DAY, 3 * HOUR)],
        "I",
        0,
        0,
    ),
    row(
        "servers lost for thirty days, crystal 100 ppm slow",
        &[Crystal(-100), Ntp, Run(HOUR, MINUTE), Lost, Run(30 * DAY, 3 * HOUR)],
        "I",
        0,
        0,
    ),
    row(
        "servers lost for thirty days and back",
        &[Crystal(100), Ntp, Run(HOUR, MINUTE), Lost, Run(30 * DAY, 3 * HOUR), Ntp, Run(HOUR, MINUTE)],
        "S",
        1,
        1,
    ),
    row("the host starts again, battery dead", &[Ntp, Run(HOUR, MINUTE), Reboot(None), Run(HOUR, MINUTE)], "U", 0, 0),
    row(
        "the host starts again, battery good",
        &[Ntp, Run(HOUR, MINUTE), Reboot(Some(400)), Run(HOUR, MINUTE)],
        "I",
        0,
        0,
    ),
    row(
        "the host starts again, battery good, then servers",
        &[Ntp, Run(HOUR, MINUTE), Reboot(Some(400)), Run(HOUR, MINUTE), Ntp, Run(HOUR, MINUTE)],
        "S",
        0,
        1,
    ),
    row(
        "the host starts again, battery clock behind",
        &[Ntp, Run(HOUR, MINUTE), Reboot(Some(-300_000)), Run(MINUTE, 10)],
        "U",
        0,
        0,
    ),
    row("the agent starts again, kept", &[Ntp, Run(HOUR, MINUTE), Restart, Run(HOUR, MINUTE)], "S", 0, 0),
    row(
        "the agent starts again in holdover",
        &[Ntp, Run(HOUR, MINUTE), Lost, Run(HOUR, MINUTE), Restart, Run(HOUR, MINUTE)],
        "H",
        0,
        0,
    ),
    row(
        "the clock is set while the agent is down",
        &[Ntp, Run(HOUR, MINUTE), Lost, Run(MINUTE, 30), Set(20_000), Restart, Run(HOUR, MINUTE)],
        "H",
        1,
        0,
    ),
    row(
        "three starts of the agent in 1970, then servers",
        &[
            Reboot(None),
            Run(HOUR, MINUTE),
            Restart,
            Run(HOUR, MINUTE),
            Restart,
            Run(HOUR, MINUTE),
            Ntp,
            Run(HOUR, MINUTE),
        ],
        "S",
        1,
        1,
    ),
    row(
        "two uptimes in 1970, then servers: only the second can be mended",
        &[Reboot(None), Run(HOUR, MINUTE), Reboot(None), Run(HOUR, MINUTE), Ntp, Run(HOUR, MINUTE)],
        "S",
        1,
        1,
    ),
    row("asleep for eight hours, kept", &[Ntp, Run(HOUR, MINUTE), Sleep(8 * HOUR, 1500), Run(HOUR, MINUTE)], "S", 0, 0),
    row(
        "asleep for eight hours in holdover",
        &[Ntp, Run(HOUR, MINUTE), Lost, Run(HOUR, MINUTE), Sleep(8 * HOUR, -1500), Run(HOUR, MINUTE)],
        "H",
        0,
        0,
    ),
    row(
        "a leap second, announced",
        &[Epoch(NEW_YEAR_S_EVE), Ntp, Run(600, 20), Leap(true), Run(HOUR, MINUTE)],
        "S",
        1,
        0,
    ),
    row(
        "a leap second in holdover that nobody told",
        &[Epoch(NEW_YEAR_S_EVE), Ntp, Run(300, 20), Lost, Run(300, 20), Leap(false), Run(HOUR, MINUTE)],
        "H",
        0,
        0,
    ),
    row("corrected at high speed for a minute", &[Ntp, Run(HOUR, MINUTE), Slew(MINUTE), Run(HOUR, MINUTE)], "S", 0, 0),
    row("servers jump by an hour, no contact", &[Ntp, Run(HOUR, MINUTE), Lie(HOUR_MS), Run(HOUR, MINUTE)], "I", 1, 0),
    row(
        "servers jump by an hour and back",
        &[Ntp, Run(HOUR, MINUTE), Lie(HOUR_MS), Run(HOUR, MINUTE), Ntp, Run(HOUR, MINUTE)],
        "S",
        2,
        1,
    ),
    row(
        "servers jump by an hour, the centre contradicts",
        &[Receipts(true), Ntp, Run(HOUR, MINUTE), Lie(HOUR_MS), Run(HOUR, MINUTE)],
        "I",
        1,
        0,
    ),
    Row {
        name: "servers wrong by an hour from the beginning, then right, the centre agrees",
        acts: &[Lie(HOUR_MS), Run(HOUR, MINUTE), Receipts(true), Run(MINUTE, MINUTE), Ntp, Run(HOUR, MINUTE)],
        ends: "S",
        steps: 1,
        repairs: 1,
        lies: true,
        found: true,
    },
    Row {
        name: "a server leads on slowly, no contact for ten days, then receipts",
        acts: &[Ntp, Run(HOUR, MINUTE), Drag(50), Run(10 * DAY, HOUR), Receipts(true), Run(10, 10)],
        ends: "S",
        steps: 0,
        repairs: 0,
        lies: true,
        found: true,
    },
    Row {
        name: "a server leads back slowly, then receipts",
        acts: &[Ntp, Run(HOUR, MINUTE), Drag(-50), Run(10 * DAY, HOUR), Receipts(true), Run(MINUTE, 10)],
        ends: "U",
        steps: 0,
        repairs: 0,
        lies: true,
        found: false,
    },
    row(
        "1970 after receipts: the floor is the centre's last word",
        &[Receipts(true), Run(HOUR, MINUTE), Reboot(None), Run(HOUR, MINUTE)],
        "U",
        0,
        0,
    ),
    row("the kernel may not be asked, and the clock is right", &[Run(HOUR, MINUTE)], "I", 0, 0),
];
