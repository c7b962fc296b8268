//! Attacks on what an agent judges by, each as a script: what comes, and what is to become of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidewaiter_record::{
    Hash,
    mandate::{Authority, Kind, MandateError, OnExpiry, Outcome, Standing, add_signature},
};

use super::people::{
    AGENT, anchor, approved, assigned_plan, assignment, command, key, limits, plan, root, root_of, signed_assignment,
    signed_command, signed_limits, signed_plan, signed_root, table, with_floors,
};

/// What comes, and the word for what becomes of it: `ok`, `known`, or the cause of a refusal.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A root, limits or an assignment.
    Offer(Bytes, &'static str),
    /// The file of a table.
    Table(Bytes, &'static str),
    /// A plan.
    Plan(Bytes, &'static str),
    /// A command.
    Command(Bytes, &'static str),
    /// A verified beacon.
    Beacon(u64),
    /// The power goes and comes back.
    Restart,
}

/// Bytes, the last of them zeros that are only counted.
#[derive(Clone, Debug)]
pub(crate) struct Bytes {
    pub(crate) head: Vec<u8>,
    pub(crate) zeros: usize,
}

impl Bytes {
    fn whole(&self) -> Vec<u8> {
        let mut whole = self.head.clone();
        whole.resize(self.head.len() + self.zeros, 0);
        whole
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(head: Vec<u8>) -> Self {
        Self { head, zeros: 0 }
    }
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) steps: Vec<Step>,
    /// Versions in force in the end, whether stale, and how many tables judge.
    pub(crate) ends: Option<((u64, u64, u64), bool, usize)>,
}

/// One agent: the authority, and the tables it has.
pub(crate) struct Agent {
    pub(crate) authority: Authority,
    present: BTreeSet<Hash>,
}

impl Agent {
    pub(crate) fn new() -> Self {
        Self { authority: Authority::anchored(AGENT, &anchor()).unwrap(), present: BTreeSet::new() }
    }

    fn word<T>(result: &Result<T, MandateError>, word: impl Fn(&T) -> &'static str) -> &'static str {
        result.as_ref().map_or_else(MandateError::cause, word)
    }

    /// Takes a step, then makes active what can be.
    pub(crate) fn step(&mut self, step: &Step) -> (&'static str, &'static str) {
        let answer = match step {
            Step::Offer(bytes, want) => {
                let before = self.authority.save();
                let result = self.authority.offer(&bytes.whole());
                if result.is_err() {
                    assert_eq!(self.authority.save(), before, "a refusal changes nothing");
                }
                (Self::word(&result, |it| if *it == Outcome::Known { "known" } else { "ok" }), *want)
            }
            Step::Table(bytes, want) => {
                let whole = bytes.whole();
                let result = self.authority.table(&whole).map(|it| it.hash);
                self.present.extend(result.as_ref().ok());
                (Self::word(&result, |_| "ok"), *want)
            }
            Step::Plan(bytes, want) => (Self::word(&self.authority.plan(&bytes.whole()), |_| "ok"), *want),
            Step::Command(bytes, want) => (Self::word(&self.authority.command(&bytes.whole()), |_| "ok"), *want),
            Step::Beacon(number) => {
                self.authority.see_beacon(*number);
                ("", "")
            }
            Step::Restart => {
                let kept = self.authority.save();
                self.authority = Authority::load(AGENT, &anchor(), &kept).unwrap();
                assert_eq!(self.authority.save(), kept);
                ("", "")
            }
        };
        if let Ok(Some(candidate)) = self.authority.candidate()
            && candidate.tables.iter().all(|it| self.present.contains(&it.hash))
        {
            self.authority.activate().unwrap();
        }
        answer
    }

    pub(crate) fn ends(&self) -> Option<((u64, u64, u64), bool, usize)> {
        self.authority.standing().map(|Standing { versions, stale, tables, .. }| (versions, stale, tables.len()))
    }
}

fn offer(bytes: impl Into<Bytes>, want: &'static str) -> Step {
    Step::Offer(bytes.into(), want)
}

/// Version 1 of everything, in force.
fn good() -> Vec<Step> {
    vec![
        Step::Beacon(10),
        offer(signed_limits(&limits(1, &[1, 2]), &[11, 12]), "ok"),
        offer(signed_assignment(&assignment(1, 1, &[1]), &[21]), "ok"),
        Step::Table(table(1).into(), "ok"),
    ]
}

/// After version 1 is in force, these steps; version 1 stays in force.
fn stays(name: &'static str, about: &'static str, steps: Vec<Step>) -> Case {
    ends(name, about, steps, (1, 1, 1), false, 1)
}

fn ends(
    name: &'static str,
    about: &'static str,
    steps: Vec<Step>,
    versions: (u64, u64, u64),
    stale: bool,
    tables: usize,
) -> Case {
    Case { name, about, steps: [good(), steps].concat(), ends: Some((versions, stale, tables)) }
}

/// Root `version` signed as it should be, by the people of before and of now.
fn next_root(version: u64) -> Vec<u8> {
    signed_root(&root(version), &[1, 2])
}

/// The same signature twice.
fn twice(bytes: &[u8]) -> Vec<u8> {
    // The list of one signature is the last item: an array of three follows the head of an array of one.
    let at = bytes.windows(2).rposition(|it| it == [0x81, 0x83]).unwrap();
    let mut out = bytes[..at].to_vec();
    out.push(0x82);
    out.extend_from_slice(&bytes[at + 1..]);
    out.extend_from_slice(&bytes[at + 1..]);
    out
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|it| it == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// A root whose limits role names a key twice, written by hand since the crate does not.
fn kid_twice() -> Vec<u8> {
    let mut root = root(2);
    let kid = root.roles[1].kids[0];
    root.roles[1].kids = vec![kid, kid];
    signed_root(&root, &[1, 2])
}

#[allow(clippy::too_many_lines, reason = "a table of attacks")]
pub(crate) fn all() -> Vec<Case> {
    let second_limits = || signed_limits(&limits(2, &[1, 2]), &[11, 13]);
    let mut stolen = assignment(u64::MAX, 1, &[1]);
    stolen.expires_at_beacon = u64::MAX;
    let short_limits = |on_expiry| {
        let mut short = limits(2, &[]);
        short.tables = vec![approved(1, OnExpiry::KeepAndFlag), approved(2, on_expiry)];
        short.expires_at_beacon = 20;
        signed_limits(&short, &[11, 12])
    };
    let new_director = |version| root_of(version, &[1, 2, 3], &[11, 12, 13], &[22]);
    let mut wrong_length = limits(2, &[1, 2]);
    wrong_length.tables[1].length += 1;
    let mut elsewhere = assignment(2, 1, &[1]);
    "gate-08".clone_into(&mut elsewhere.agent);
    let mut late = assignment(2, 1, &[1]);
    late.expires_at_beacon = 9;
    let mut late_limits = limits(2, &[1]);
    late_limits.expires_at_beacon = 9;
    let mut crossed = assignment(2, 1, &[1]);
    crossed.tables[0].hash = Hash::of(&table(2));
    let mut planned = assignment(2, 1, &[1]);
    planned.plan = Some(assigned_plan(&plan(3)));
    let planned = signed_assignment(&planned, &[21]);
    let mut nobody = root(2);
    nobody.roles[1].threshold = 0;
    let mut twin = root(2);
    twin.keys.push(key(11).public_key());
    let mut other_command = command(1, "report-status", &[]);
    "gate-08".clone_into(&mut other_command.agent);
    let seventeen = {
        let mut bytes = signed_limits(&limits(2, &[1]), &[11]);
        for n in 101..=115 {
            bytes = add_signature(&bytes, &key(n)).unwrap();
        }
        // The sixteenth is the last that the crate writes; one more is put behind it by hand.
        let one = signed_limits(&limits(2, &[1]), &[116]);
        let at = one.windows(2).rposition(|it| it == [0x81, 0x83]).unwrap();
        let mut more = replaced(&bytes, &[0x90, 0x83], &[0x91, 0x83]);
        more.extend_from_slice(&one[at + 1..]);
        more
    };
    let signed_as_sign1 = {
        let mut bytes = second_limits();
        bytes.splice(..2, [0xd2]);
        bytes
    };
    let filled_header = second_limits();
    let filled_header = {
        // The first empty map after the protected header of the body becomes {1: 0}.
        let at = filled_header.iter().position(|it| *it == 0xa0).unwrap();
        [&filled_header[..at], &[0xa1, 0x01, 0x00], &filled_header[at + 1..]].concat()
    };
    let relabelled = {
        let director = signed_assignment(&assignment(2, 1, &[1]), &[21]);
        replaced(&director, b"tidewaiter.assignment+cbor", b"tidewaiter.limits+cbor")
    };
    let relabelled = {
        // The typ got shorter by four letters: the heads of the text and of the header around it follow.
        let at = relabelled.windows(2).position(|it| it == [0x10, 0x78]).unwrap();
        let mut bytes = relabelled;
        bytes[at + 2] -= 4;
        bytes[at - 2] -= 4;
        bytes
    };
    vec![
        stays("good", "everything as it should be", vec![]),
        stays(
            "again",
            "the same once more",
            vec![
                offer(signed_limits(&limits(1, &[1, 2]), &[11, 12]), "known"),
                offer(signed_assignment(&assignment(1, 1, &[1]), &[21]), "known"),
                offer(anchor(), "known"),
            ],
        ),
        ends(
            "renewed",
            "version 2 of limits and assignment",
            vec![
                offer(second_limits(), "ok"),
                offer(signed_assignment(&assignment(2, 2, &[1, 2]), &[21]), "ok"),
                Step::Table(table(2).into(), "ok"),
            ],
            (1, 2, 2),
            false,
            2,
        ),
        ends(
            "rollback-limits",
            "limits of an earlier version",
            vec![offer(second_limits(), "ok"), offer(signed_limits(&limits(1, &[1, 2]), &[11, 12]), "rollback")],
            (1, 2, 1),
            false,
            1,
        ),
        ends(
            "rollback-assignment",
            "an assignment of an earlier version",
            vec![
                offer(signed_assignment(&assignment(2, 1, &[1]), &[21]), "ok"),
                offer(signed_assignment(&assignment(1, 1, &[1]), &[21]), "rollback"),
            ],
            (1, 1, 2),
            false,
            1,
        ),
        ends(
            "rollback-restart",
            "the same after a new start",
            vec![
                offer(second_limits(), "ok"),
                Step::Restart,
                offer(signed_limits(&limits(1, &[1, 2]), &[11, 12]), "rollback"),
            ],
            (1, 2, 1),
            false,
            1,
        ),
        stays(
            "rollback-root",
            "the first root after the second",
            vec![offer(next_root(2), "ok"), offer(anchor(), "rollback")],
        ),
        stays(
            "rollback-staged",
            "limits that wait for an assignment raise the floor already",
            vec![
                offer(signed_limits(&limits(5, &[2]), &[11, 12]), "ok"),
                Step::Restart,
                offer(signed_limits(&limits(4, &[1, 2]), &[11, 12]), "rollback"),
            ],
        ),
        ends(
            "freeze",
            "beacons go on and nothing new comes: it judges on, marked",
            vec![Step::Beacon(1001)],
            (1, 1, 1),
            true,
            1,
        ),
        ends(
            "freeze-refuse",
            "as before, and one table must not judge on",
            vec![
                offer(short_limits(OnExpiry::Refuse), "ok"),
                offer(signed_assignment(&assignment(2, 2, &[1, 2]), &[21]), "ok"),
                Step::Table(table(2).into(), "ok"),
                Step::Beacon(21),
            ],
            (1, 2, 2),
            true,
            1,
        ),
        ends(
            "freeze-thawed",
            "fresh documents end it",
            vec![
                offer(short_limits(OnExpiry::Refuse), "ok"),
                Step::Beacon(21),
                offer(signed_limits(&limits(3, &[1, 2]), &[11, 12]), "ok"),
            ],
            (1, 3, 1),
            false,
            1,
        ),
        stays(
            "mix-and-match",
            "an assignment with limits older than it was made for",
            vec![offer(signed_assignment(&assignment(2, 2, &[1]), &[21]), "ok")],
        ),
        stays(
            "mix-content",
            "the edition of one table with the content of another",
            vec![offer(signed_assignment(&crossed, &[21]), "ok"), Step::Table(table(2).into(), "ok")],
        ),
        stays(
            "equivocation-limits",
            "one version of limits, two contents",
            vec![offer(signed_limits(&limits(1, &[1]), &[11, 12]), "conflict")],
        ),
        stays(
            "equivocation-assignment",
            "one version of an assignment, two contents",
            vec![offer(signed_assignment(&assignment(1, 1, &[2]), &[21]), "conflict")],
        ),
        stays(
            "equivocation-root",
            "one version of the root, two contents",
            vec![offer(signed_root(&root_of(1, &[1, 2, 3], &[14, 15, 16], &[21]), &[1, 2]), "conflict")],
        ),
        stays(
            "endless-limits",
            "more than limits may have",
            vec![offer(Bytes { head: second_limits(), zeros: 64 * 1024 }, "too-large")],
        ),
        stays(
            "endless-assignment",
            "more than an assignment may have",
            vec![offer(
                Bytes { head: signed_assignment(&assignment(2, 1, &[1]), &[21]), zeros: 16 * 1024 },
                "too-large",
            )],
        ),
        stays(
            "endless-nothing",
            "more than anything may have, of no kind",
            vec![offer(Bytes { head: vec![], zeros: 1 << 20 }, "too-large")],
        ),
        stays(
            "trailing",
            "a good document and one byte",
            vec![offer(Bytes { head: second_limits(), zeros: 1 }, "malformed")],
        ),
        stays(
            "slow",
            "a table that never comes",
            vec![offer(signed_assignment(&assignment(2, 1, &[1, 2]), &[21]), "ok"), Step::Restart],
        ),
        ends(
            "slow-then-there",
            "it comes after a new start",
            vec![
                offer(signed_assignment(&assignment(2, 1, &[1, 2]), &[21]), "ok"),
                Step::Restart,
                Step::Table(table(2).into(), "ok"),
            ],
            (1, 1, 2),
            false,
            2,
        ),
        ends(
            "fast-forward",
            "a stolen director's key drives the version up",
            vec![
                offer(signed_assignment(&stolen, &[21]), "ok"),
                offer(signed_assignment(&assignment(2, 1, &[1]), &[21]), "rollback"),
                offer(signed_root(&new_director(2), &[1, 2]), "ok"),
                offer(signed_assignment(&assignment(2, 1, &[1]), &[22]), "rollback"),
            ],
            (1, 1, u64::MAX),
            true,
            1,
        ),
        ends(
            "fast-forward-recovery",
            "a root with other floors is the way back",
            vec![
                offer(signed_assignment(&stolen, &[21]), "ok"),
                offer(signed_root(&with_floors(new_director(2), 1, 2, 0), &[1, 2]), "ok"),
                offer(signed_assignment(&stolen, &[21]), "threshold"),
                offer(signed_assignment(&assignment(2, 1, &[1]), &[22]), "ok"),
            ],
            (2, 1, 2),
            false,
            1,
        ),
        stays(
            "arbitrary-table",
            "a file that nobody asked for",
            vec![Step::Table(b"anything".to_vec().into(), "not-wanted")],
        ),
        stays(
            "changed-table",
            "a wanted file with one letter changed",
            vec![
                offer(signed_assignment(&assignment(2, 1, &[1, 2]), &[21]), "ok"),
                Step::Table(replaced(&table(2), b"2026", b"2027").into(), "not-wanted"),
            ],
        ),
        ends(
            "wrong-length",
            "the approval names another length",
            vec![
                offer(signed_limits(&wrong_length, &[11, 12]), "ok"),
                offer(signed_assignment(&assignment(2, 2, &[1, 2]), &[21]), "ok"),
                Step::Table(table(2).into(), "length"),
            ],
            (1, 2, 1),
            false,
            1,
        ),
        stays(
            "unassigned-table",
            "an approved file that this agent was not assigned",
            vec![Step::Table(table(2).into(), "not-wanted")],
        ),
        stays(
            "wrong-target",
            "another agent's assignment",
            vec![offer(signed_assignment(&elsewhere, &[21]), "not-ours")],
        ),
        stays(
            "extra-dependency",
            "a table beside those approved",
            vec![
                offer(signed_assignment(&assignment(2, 1, &[1, 9]), &[21]), "ok"),
                Step::Table(table(9).into(), "not-wanted"),
            ],
        ),
        stays(
            "below-threshold",
            "one of two people of role limits",
            vec![offer(signed_limits(&limits(2, &[1, 9]), &[11]), "threshold")],
        ),
        stays(
            "same-key-twice",
            "one person's signature twice",
            vec![offer(twice(&signed_limits(&limits(2, &[1, 9]), &[11])), "threshold")],
        ),
        stays("kid-twice", "a role that names one key twice", vec![offer(kid_twice(), "unsound")]),
        stays("key-twice", "a root that holds one key twice", vec![offer(signed_root(&twin, &[1, 2]), "unsound")]),
        stays("no-threshold", "a role that asks for nobody", vec![offer(signed_root(&nobody, &[1, 2]), "unsound")]),
        stays(
            "root-missing-step",
            "root 1, 2, 3, 5",
            vec![offer(next_root(2), "ok"), offer(next_root(3), "ok"), offer(next_root(5), "missing-root")],
        ),
        stays(
            "root-every-step",
            "root 1 to 5, out of order first",
            vec![
                offer(next_root(3), "missing-root"),
                offer(next_root(2), "ok"),
                offer(next_root(3), "ok"),
                offer(next_root(4), "ok"),
                Step::Restart,
                offer(next_root(5), "ok"),
            ],
        ),
        stays(
            "root-by-new-only",
            "the next root, signed only by those it names",
            vec![offer(signed_root(&root_of(2, &[4, 5, 6], &[11, 12, 13], &[21]), &[4, 5]), "threshold")],
        ),
        stays(
            "root-by-old-only",
            "the next root, signed only by those before",
            vec![offer(signed_root(&root_of(2, &[4, 5, 6], &[11, 12, 13], &[21]), &[1, 2]), "threshold")],
        ),
        stays(
            "root-by-both",
            "the next root, signed by both",
            vec![
                offer(signed_root(&root_of(2, &[4, 5, 6], &[11, 12, 13], &[21]), &[1, 2, 5, 6]), "ok"),
                offer(signed_root(&root_of(3, &[4, 5, 6], &[11, 12, 13], &[21]), &[1, 2]), "threshold"),
                offer(signed_root(&root_of(3, &[4, 5, 6], &[11, 12, 13], &[21]), &[4, 6]), "ok"),
            ],
        ),
        stays(
            "root-one-share",
            "one stolen share of the root",
            vec![offer(signed_root(&root_of(2, &[1, 4, 5], &[14, 15, 16], &[22]), &[1, 4, 5]), "threshold")],
        ),
        stays(
            "expired-limits",
            "limits whose time is over",
            vec![offer(signed_limits(&late_limits, &[11, 12]), "expired")],
        ),
        stays(
            "expired-assignment",
            "an assignment whose time is over",
            vec![offer(signed_assignment(&late, &[21]), "expired")],
        ),
        stays(
            "director-alone",
            "a stolen director's key approves a table",
            vec![
                offer(signed_limits(&limits(2, &[1, 9]), &[21]), "threshold"),
                offer(signed_assignment(&assignment(2, 1, &[9]), &[21]), "ok"),
                Step::Table(table(9).into(), "not-wanted"),
            ],
        ),
        stays(
            "authority-alone",
            "people of role limits assign a table",
            vec![offer(signed_assignment(&assignment(2, 1, &[2]), &[11, 12]), "threshold")],
        ),
        stays(
            "release-keys",
            "keys of another purpose",
            vec![offer(signed_limits(&limits(2, &[1, 9]), &[31, 32]), "threshold")],
        ),
        ends(
            "limits-people-replaced",
            "a root that no longer stands behind what is in force",
            vec![
                offer(signed_root(&root_of(2, &[1, 2, 3], &[14, 15, 16], &[21]), &[1, 2]), "ok"),
                offer(second_limits(), "threshold"),
                Step::Restart,
            ],
            (1, 1, 1),
            true,
            1,
        ),
        ends(
            "limits-signed-anew",
            "the new people sign the same again",
            vec![
                offer(signed_root(&root_of(2, &[1, 2, 3], &[14, 15, 16], &[21]), &[1, 2]), "ok"),
                offer(signed_limits(&limits(1, &[1, 2]), &[14, 15]), "ok"),
            ],
            (2, 1, 1),
            false,
            1,
        ),
        stays(
            "plan-one-person",
            "a plan that one person signed",
            vec![Step::Plan(signed_plan(&plan(3), &[11]).into(), "threshold")],
        ),
        stays(
            "plan-not-assigned",
            "a plan that two signed and the director does not know",
            vec![Step::Plan(signed_plan(&plan(3), &[11, 12]).into(), "plan-not-assigned")],
        ),
        ends(
            "plan",
            "a plan that two signed and the director assigned",
            vec![
                offer(planned.clone(), "ok"),
                Step::Plan(signed_plan(&plan(3), &[11, 12]).into(), "ok"),
                Step::Plan(signed_plan(&plan(3), &[11, 21]).into(), "threshold"),
                Step::Plan(signed_plan(&plan(2), &[11, 12]).into(), "plan-not-assigned"),
            ],
            (1, 1, 2),
            false,
            1,
        ),
        stays(
            "transplanted",
            "signatures of one document on another",
            vec![offer(replaced(&second_limits(), b"table-2", b"table-9"), "threshold")],
        ),
        stays("relabelled", "the director's signature under another typ", vec![offer(relabelled, "threshold")]),
        stays("tag-of-one-signer", "COSE_Sign1 where COSE_Sign is due", vec![offer(signed_as_sign1, "malformed")]),
        stays("unprotected", "something beside what is signed", vec![offer(filled_header, "malformed")]),
        stays("seventeen", "more signatures than are looked at", vec![offer(seventeen, "unsound")]),
        stays(
            "command-elsewhere",
            "a command to another agent",
            vec![Step::Command(signed_command(&other_command, &[21]).into(), "not-ours")],
        ),
        stays(
            "command-by-others",
            "a command that the director did not sign",
            vec![
                Step::Command(signed_command(&command(1, "report-status", &[]), &[1, 2, 11, 12]).into(), "threshold"),
                Step::Command(signed_command(&command(1, "report-status", &[]), &[21]).into(), "ok"),
            ],
        ),
    ]
}

/// A case as the second implementation reads it.
pub(crate) fn file(case: &Case) -> Value {
    let bytes = |kind: &str, it: &Bytes, want: &str| {
        let mut step = json!({ "step": kind, "hex": hex::encode(&it.head), "want": want });
        if it.zeros > 0 {
            step["zeros"] = it.zeros.into();
        }
        step
    };
    let steps: Vec<Value> = case
        .steps
        .iter()
        .map(|it| match it {
            Step::Offer(it, want) => bytes("offer", it, want),
            Step::Table(it, want) => bytes("table", it, want),
            Step::Plan(it, want) => bytes("plan", it, want),
            Step::Command(it, want) => bytes("command", it, want),
            Step::Beacon(number) => json!({ "step": "beacon", "number": number }),
            Step::Restart => json!({ "step": "restart" }),
        })
        .collect();
    let ends = case.ends.map(|((root, limits, assignment), stale, tables)| {
        json!({ "versions": [root, limits, assignment], "stale": stale, "tables": tables })
    });
    json!({ "name": case.name, "about": case.about, "steps": steps, "ends": ends })
}

/// The documents one by one, as files.
pub(crate) fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let mut planned = assignment(2, 1, &[1]);
    planned.plan = Some(assigned_plan(&plan(3)));
    planned.config = Some(Hash([3; 32]));
    planned.deny = vec!["gate-03".to_owned()];
    let floors = with_floors(root(2), 4, 5, 6);
    vec![
        ("root-1.hex", anchor()),
        ("root-2-floors.hex", signed_root(&floors, &[1, 3])),
        ("limits-1.hex", signed_limits(&limits(1, &[1, 2]), &[11, 12])),
        ("assignment-2.hex", signed_assignment(&planned, &[21])),
        ("plan-3.hex", signed_plan(&plan(3), &[11, 12])),
        ("command-1.hex", signed_command(&command(1, "report-status", &[]), &[21])),
        ("command-2-dangerous.hex", signed_command(&command(2, "drill-on", &[("place", "lane-1")]), &[21, 2])),
    ]
}

pub(crate) const KINDS: [Kind; 7] =
    [Kind::Root, Kind::Root, Kind::Limits, Kind::Assignment, Kind::Plan, Kind::Command, Kind::Command];
