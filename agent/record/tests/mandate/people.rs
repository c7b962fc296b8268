//! Who signs in these tests, and the documents they sign.

use std::collections::BTreeMap;

use tidewaiter_record::{
    ChainId, Ed25519Signer, Hash, Kid, Signer,
    mandate::{
        After, Approved, Assigned, AssignedPlan, Assignment, Command, Floors, Kind, Limits, OnExpiry, Plan, Role, Root,
        draft,
    },
};

pub(crate) const AGENT: &str = "gate-07";

/// The key of a person or service, by a number.
pub(crate) fn key(n: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(&[n; 32])
}

pub(crate) fn keys(numbers: &[u8]) -> Vec<Ed25519Signer> {
    numbers.iter().map(|n| key(*n)).collect()
}

pub(crate) fn sign(kind: Kind, payload: &[u8], by: &[u8]) -> Vec<u8> {
    let keys = keys(by);
    let signers: Vec<&dyn Signer> = keys.iter().map(|it| it as &dyn Signer).collect();
    draft(kind, payload, &signers).unwrap()
}

pub(crate) fn role(threshold: usize, numbers: &[u8]) -> Role {
    let mut kids: Vec<Kid> = numbers.iter().map(|n| key(*n).kid()).collect();
    kids.sort_unstable();
    Role { threshold, kids }
}

/// Root: 1, 2, 3 (two of them); limits: 11, 12, 13 (two); director: 21; release: 31, 32, 33 (two).
pub(crate) fn root(version: u64) -> Root {
    root_of(version, &[1, 2, 3], &[11, 12, 13], &[21])
}

pub(crate) fn root_of(version: u64, root: &[u8], limits: &[u8], director: &[u8]) -> Root {
    let release = [31, 32, 33];
    let mut numbers: Vec<u8> = [root, limits, director, &release].concat();
    numbers.sort_unstable();
    numbers.dedup();
    Root {
        version,
        keys: numbers.iter().map(|n| key(*n).public_key()).collect(),
        roles: [role(2, root), role(2, limits), role(1, director), role(2, &release)],
        at_ms: 1_795_300_000_000 + i64::try_from(version).unwrap(),
        floors: None,
    }
}

pub(crate) fn with_floors(root: Root, limits: u64, assignment: u64, command: u64) -> Root {
    Root { floors: Some(Floors { limits, assignment, command }), ..root }
}

pub(crate) fn signed_root(root: &Root, by: &[u8]) -> Vec<u8> {
    sign(Kind::Root, &root.encode(), by)
}

/// The root that agents are delivered with.
pub(crate) fn anchor() -> Vec<u8> {
    signed_root(&root(1), &[1, 2])
}

/// The file of a table: only its bytes matter here.
pub(crate) fn table(n: u8) -> Vec<u8> {
    format!("id = \"table-{n}\"\nedition = \"2026\"\n").into_bytes()
}

pub(crate) fn approved(n: u8, on_expiry: OnExpiry) -> Approved {
    let file = table(n);
    Approved {
        id: format!("table-{n}"),
        edition: "2026".to_owned(),
        hash: Hash::of(&file),
        length: file.len() as u64,
        valid_from: jiff::civil::date(2026, 1, 1),
        on_expiry,
    }
}

pub(crate) fn limits(version: u64, tables: &[u8]) -> Limits {
    let tables = tables.iter().map(|n| approved(*n, OnExpiry::KeepAndFlag)).collect();
    Limits { version, tables, expires_at_beacon: 1000 }
}

pub(crate) fn signed_limits(limits: &Limits, by: &[u8]) -> Vec<u8> {
    sign(Kind::Limits, &limits.encode(), by)
}

pub(crate) fn assignment(version: u64, limits_version: u64, tables: &[u8]) -> Assignment {
    let assigned =
        |n: &u8| Assigned { id: format!("table-{n}"), edition: "2026".to_owned(), hash: Hash::of(&table(*n)) };
    Assignment {
        agent: AGENT.to_owned(),
        version,
        limits_version,
        tables: tables.iter().map(assigned).collect(),
        plan: None,
        config: None,
        beacon: 10,
        expires_at_beacon: 1000,
        deny: Vec::new(),
    }
}

pub(crate) fn signed_assignment(assignment: &Assignment, by: &[u8]) -> Vec<u8> {
    sign(Kind::Assignment, &assignment.encode(), by)
}

pub(crate) fn plan(version: u64) -> Plan {
    Plan { id: "port-2026".to_owned(), version, text: format!("version = {version}\n") }
}

pub(crate) fn assigned_plan(plan: &Plan) -> AssignedPlan {
    AssignedPlan { id: plan.id.clone(), version: plan.version, hash: plan.hash() }
}

pub(crate) fn signed_plan(plan: &Plan, by: &[u8]) -> Vec<u8> {
    sign(Kind::Plan, &plan.encode(), by)
}

pub(crate) const CHAIN: ChainId = ChainId([7; 16]);

pub(crate) fn command(number: u64, verb: &str, arguments: &[(&str, &str)]) -> Command {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Command {
        agent: AGENT.to_owned(),
        id,
        number,
        verb: verb.to_owned(),
        arguments: arguments.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<BTreeMap<_, _>>(),
        not_after_beacon: 100,
        after: After { chain: CHAIN, seq: 5, hash: Hash([5; 32]) },
    }
}

pub(crate) fn signed_command(command: &Command, by: &[u8]) -> Vec<u8> {
    sign(Kind::Command, &command.encode(), by)
}
