//! Commands sent again, out of order, to others, too late, after a start, and to a copy of the disk.

use std::collections::{BTreeMap, BTreeSet};

use tidewaiter_record::{
    Hash,
    mandate::{Authority, Circumstances, Decision, Docket, Verb, WaitFor},
};

use super::people::*;

/// Numbers that look drawn, the same in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What the disk holds: the docket, and one result per command.
#[derive(Clone, Default)]
struct Disk {
    docket: Vec<u8>,
    results: BTreeMap<[u8; 16], &'static str>,
    /// Records of the chain; a copy of the disk goes on with others.
    records: u64,
}

/// An agent that may lose its power at any write.
struct Agent {
    authority: Authority,
    docket: Docket,
    disk: Disk,
    beacon: u64,
    agrees: Option<bool>,
    executed: Vec<[u8; 16]>,
    refused: u64,
}

impl Agent {
    fn start(disk: Disk, agrees: Option<bool>, beacon: u64) -> Self {
        let docket = if disk.docket.is_empty() { Docket::default() } else { Docket::load(&disk.docket).unwrap() };
        let authority = Authority::anchored(AGENT, &anchor()).unwrap();
        let mut agent = Self { authority, docket, disk, beacon, agrees, executed: Vec::new(), refused: 0 };
        if let Some(running) = agent.docket.running().cloned() {
            agent.docket.end();
            agent.disk.docket = agent.docket.save();
            agent.result(running.id, "interrupted");
        }
        agent
    }

    fn result(&mut self, id: [u8; 16], outcome: &'static str) {
        // The id of the draft makes a second one impossible.
        self.disk.results.entry(id).or_insert(outcome);
        self.disk.records += 1;
    }

    /// `cut` is the write at which the power goes: 0 before the first, 1 before the second. Says whether it went.
    fn receive(&mut self, bytes: &[u8], cut: Option<u32>) -> bool {
        let Ok((command, by_root)) = self.authority.command(bytes) else {
            self.refused += 1;
            return false;
        };
        let hash = Hash::of(bytes);
        let holds = command.after.seq < self.disk.records && command.after.hash == Hash([5; 32]);
        let now = Circumstances { beacon: self.beacon, agrees: self.agrees, holds, by_root };
        if self.disk.results.contains_key(&command.id) {
            return false;
        }
        match self.docket.consider(&command, hash, now) {
            Decision::Answered | Decision::Wait(_) => false,
            Decision::Refuse(_) => {
                if cut == Some(0) {
                    return true;
                }
                self.docket.refuse(&command, hash);
                self.disk.docket = self.docket.save();
                self.result(command.id, "refused");
                false
            }
            Decision::Execute(_) => {
                if cut == Some(0) {
                    return true;
                }
                self.docket.begin(&command, hash);
                self.disk.docket = self.docket.save();
                self.executed.push(command.id);
                if cut == Some(1) {
                    return true;
                }
                self.docket.end();
                self.disk.docket = self.docket.save();
                self.result(command.id, "done");
                false
            }
        }
    }
}

#[test]
fn t19_replayed_commands() {
    let mut draws = Draws(19);
    let commands: Vec<_> = (1..=400_u64)
        .map(|number| {
            let mut command = command(number, "note", &[("text", "x")]);
            command.after.seq = number.saturating_sub(1).min(5);
            command.not_after_beacon = 10 + number / 10;
            command
        })
        .collect();
    let signed: Vec<Vec<u8>> = commands.iter().map(|it| signed_command(it, &[21])).collect();
    let foreign: Vec<Vec<u8>> = commands
        .iter()
        .map(|it| {
            let mut other = it.clone();
            "gate-08".clone_into(&mut other.agent);
            signed_command(&other, &[21])
        })
        .collect();
    let disk = Disk { records: 6, ..Disk::default() };
    let mut agent = Agent::start(disk, Some(true), 10);
    let mut executed: BTreeMap<[u8; 16], u32> = BTreeMap::new();
    let mut addressed: BTreeSet<[u8; 16]> = BTreeSet::new();
    let (mut sends, mut cuts, mut elsewhere) = (0_u32, 0_u32, 0_u64);
    let mut front = 0_u64;
    while sends < 10_000 {
        sends += 1;
        // Mostly something from the last twenty, sometimes from anywhere; the beacon goes on.
        let at = match draws.below(10) {
            0 => draws.below(front + 3),
            1..=3 => front,
            _ => front.saturating_sub(draws.below(20)),
        };
        let at = usize::try_from(at.min(399)).unwrap();
        if draws.below(20) == 0 {
            agent.receive(&foreign[at], None);
            elsewhere += 1;
            continue;
        }
        let cut = (draws.below(30) == 0).then(|| u32::try_from(draws.below(2)).unwrap());
        let cut = agent.receive(&signed[at], cut);
        addressed.insert(commands[at].id);
        front = front.max(at as u64 + u64::from(draws.below(4) == 0)).min(399);
        agent.beacon = 10 + front / 10;
        if cut || draws.below(50) == 0 {
            cuts += 1;
            for id in std::mem::take(&mut agent.executed) {
                *executed.entry(id).or_default() += 1;
            }
            let (disk, beacon) = (agent.disk.clone(), agent.beacon);
            agent = Agent::start(disk, Some(true), beacon);
        }
    }
    // The centre goes on sending until there is a result.
    for (command, bytes) in commands.iter().zip(&signed) {
        if addressed.contains(&command.id) {
            agent.receive(bytes, None);
        }
    }
    for id in std::mem::take(&mut agent.executed) {
        *executed.entry(id).or_default() += 1;
    }
    let replays = executed.values().filter(|it| **it > 1).count();
    let answered = addressed.iter().filter(|it| agent.disk.results.contains_key(*it)).count();
    println!(
        "T19: {sends} sends, {cuts} starts, {elsewhere} to others; {} executed once, {replays} more than once, {answered} of {} with a result",
        executed.len(),
        addressed.len()
    );
    assert_eq!(replays, 0);
    assert_eq!(answered, addressed.len());
    assert!(executed.len() > 50 && cuts > 100);
    // Every one with the outcome done or interrupted was executed, no other was.
    for (id, outcome) in &agent.disk.results {
        assert_eq!(executed.contains_key(id), *outcome != "refused", "{outcome}");
    }
}

#[test]
fn t19_a_copy_of_the_disk_carries_nothing_out_again() {
    let first = signed_command(&command(1, "note", &[("text", "one")]), &[21]);
    let second = signed_command(&command(2, "note", &[("text", "two")]), &[21]);
    let mut agent = Agent::start(Disk { records: 6, ..Disk::default() }, Some(true), 10);
    agent.receive(&first, None);
    let image = agent.disk.clone();
    agent.receive(&second, None);
    assert_eq!(agent.executed.len(), 2);
    // Before a receipt of its run the copy waits; the receipt does not fit, and from then on it refuses.
    let mut copy = Agent::start(image.clone(), None, 10);
    copy.receive(&first, None);
    copy.receive(&second, None);
    assert!(copy.executed.is_empty() && copy.disk.results.len() == 1);
    copy.agrees = Some(false);
    copy.receive(&second, None);
    assert!(copy.executed.is_empty());
    assert_eq!(copy.disk.results.values().copied().collect::<Vec<_>>(), ["done", "refused"]);
    // Even if the receipts were held back: what names a record of later than the image is nothing to it.
    let mut later = command(3, "note", &[("text", "three")]);
    later.after.seq = 7;
    let mut copy = Agent::start(image, Some(true), 10);
    copy.receive(&signed_command(&later, &[21]), None);
    assert!(copy.executed.is_empty());
}

#[test]
fn what_is_refused_waits_or_is_done() {
    let now = Circumstances { beacon: 10, agrees: Some(true), holds: true, by_root: false };
    let docket = Docket::default();
    let check = |verb: &str, arguments: &[(&str, &str)], now: Circumstances, want: &str| {
        let found = match docket.consider(&command(1, verb, arguments), Hash([1; 32]), now) {
            Decision::Execute(verb) => format!("execute {}", verb.word()),
            Decision::Refuse(why) => format!("refuse: {why}"),
            Decision::Wait(WaitFor::Beacon) => "wait beacon".to_owned(),
            Decision::Wait(WaitFor::Receipt) => "wait receipt".to_owned(),
            other => format!("{other:?}"),
        };
        assert!(found.starts_with(want), "{verb}: {found}");
    };
    check("report-status", &[], now, "execute report-status");
    check("note", &[("text", "hello")], now, "execute note");
    check("note", &[], now, "refuse: note takes the arguments [text]");
    check("note", &[("text", "x"), ("more", "y")], now, "refuse: note takes");
    check("format-disk", &[], now, "refuse: verb \"format-disk\" is not one of");
    check("drill-on", &[("place", "lane-1")], now, "refuse: drill-on also needs");
    check("drill-on", &[("place", "lane-1")], Circumstances { by_root: true, ..now }, "execute drill-on");
    check("drill-off", &[("place", "lane-1")], now, "execute drill-off");
    check("note", &[("text", "x")], Circumstances { beacon: 101, ..now }, "refuse: expired at beacon 100");
    check("note", &[("text", "x")], Circumstances { beacon: 0, ..now }, "wait beacon");
    check("note", &[("text", "x")], Circumstances { agrees: None, ..now }, "wait receipt");
    check("note", &[("text", "x")], Circumstances { agrees: Some(false), ..now }, "refuse: the centre's receipts");
    check("note", &[("text", "x")], Circumstances { holds: false, ..now }, "refuse: the chain does not hold");
    assert_eq!(Verb::ALL.iter().filter(|it| it.is_dangerous()).count(), 1);
    // A key that is in both roles is one pair of eyes, not two.
    let shared = root_of(1, &[1, 2, 21], &[11, 12, 13], &[21]);
    let authority = Authority::anchored(AGENT, &signed_root(&shared, &[1, 2])).unwrap();
    let bytes = signed_command(&command(1, "drill-on", &[("place", "lane-1")]), &[21]);
    assert!(!authority.command(&bytes).unwrap().1);
    let bytes = signed_command(&command(1, "drill-on", &[("place", "lane-1")]), &[21, 2]);
    assert!(authority.command(&bytes).unwrap().1);
}
