//! Signed limit tables, from the people who sign them to the records that name them, while lorries pass.
//!
//! Keys and documents are made by the collector's own commands, what is published goes out through its spool, and the
//! agent is the whole one. What is compared is the chain, record by record: which tables it said to be in force last, and
//! which ones the next inspection names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use tidewaiter_collector::orders::{Item, Name, Spool};
use tidewaiter_record::{
    Detail, Hash, Record, SoftwareKey,
    body::Table,
    mandate::{Kind, Signed, draft},
};
use tidewaiter_tests::{
    process::run_own,
    stand::{AGENT, SITE},
    world::{SECOND, Setting, World},
};

use super::{expect, expect_whole, play, world};

/// What the agent comes with, and what the editions of the port are copies of.
const MASS: &str = include_str!("../../config/limits/gross-mass-cn-2016.toml");
const DOSE: &str = include_str!("../../config/limits/scrap-radiation.toml");

/// Lorries of twelve tonnes on two axles: within the limits of the shipped table.
fn scene(lorries: usize) -> String {
    let lane = "title = \"lorries while tables change\"\nseed = 31\n[lane]\ntime_limit = \"60 s\"\n\
                identity_window = \"4 s\"\n[weighbridge]\nnoise_kg = 1.0\nzero_drift_kg = 0.0\n[gamma]\n\
                [plate_reader]\ndelay = \"1200 ms\"\n[traffic]\nfirst = \"10 s\"\nheadway = \"23 s\"\n";
    let lorry = |n| {
        format!(
            "[[traffic.lorry]]\nplate = \"粤B{n:05}\"\naxles = 2\nmass_kg = 12000\n\
             declared = {{ mass_kg = 12000, goods = \"cotton yarn\" }}\n"
        )
    };
    (1..=lorries).fold(lane.to_owned(), |scene, n| scene + &lorry(n))
}

/// The people who sign, with their keys and documents in one folder.
struct People {
    folder: tempfile::TempDir,
}

impl People {
    /// Two of three sign a root, two of three approve tables, and one assigns them.
    fn gather() -> Self {
        let people = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["li-na", "wang-wei", "chen-jie", "he-min", "zhao-lei", "sun-yu", "director"] {
            people.authority(&format!("key --out {name}.key"));
        }
        people.authority(
            "root --version 1 --root li-na.pub wang-wei.pub chen-jie.pub --limits he-min.pub zhao-lei.pub sun-yu.pub \
             --director director.pub --key li-na.key --out root.cbor",
        );
        people.authority("sign root.cbor --key wang-wei.key");
        people
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// A command below `authority`; its files are those of the folder.
    fn authority(&self, line: &str) {
        let is_file = |word: &str| [".key", ".pub", ".cbor", ".toml"].iter().any(|ending| word.ends_with(ending));
        let words = line.split_whitespace().map(|word| if is_file(word) { self.path(word) } else { word.into() });
        let ended = run_own("tidewaiter-collector", ["authority".into()].into_iter().chain(words)).unwrap();
        assert_eq!(ended.code, 0, "{line}: {}{}", ended.stdout, ended.stderr);
    }

    /// Writes both tables of the lane in an edition of the port's own, for two axles up to `max` kilograms.
    fn write_tables(&self, version: u64, edition: &str, max: &str) {
        let own = |shipped: &str, before: &str, from: &str| {
            let text = shipped.replacen(&format!("edition = \"{before}\""), &format!("edition = \"{edition}\""), 1);
            // So that two files of one edition are two files.
            format!("# version {version}\n{}", text.replacen(from, "2026-01-01", 1))
        };
        let mass = own(MASS, "2016", "2016-09-21").replacen("max = \"18000\"", &format!("max = \"{max}\""), 1);
        fs::write(self.path(&format!("mass-{version}.toml")), mass).unwrap();
        fs::write(self.path(&format!("dose-{version}.toml")), own(DOSE, "2017", "2018-03-01")).unwrap();
    }

    /// Draws up limits over the tables of `version`, for two to sign.
    fn draw_up(&self, version: u64, first: &str, out: &str) {
        self.authority(&format!(
            "limits --version {version} --expires-at 5000 --key {first}.key --out {out} mass-{version}.toml \
             dose-{version}.toml"
        ));
    }

    /// Tables of this version, approved by two and assigned to an agent by the director.
    fn approve(&self, agent: &str, version: u64, edition: &str, max: &str) {
        self.write_tables(version, edition, max);
        let limits = format!("limits-{version}.cbor");
        self.draw_up(version, "he-min", &limits);
        self.authority(&format!("sign {limits} --key zhao-lei.key"));
        self.assign(agent, version);
    }

    fn assign(&self, agent: &str, version: u64) {
        self.authority(&format!(
            "assign {agent} --version {version} --limits limits-{version}.cbor --expires-at 5000 --key director.key \
             --out {agent}-{version}.cbor"
        ));
    }

    /// Hands files to the centre's spool for the agent of the world, and lets the centre look.
    fn publish(&self, world: &World, files: &str) {
        let spool = world.centre.spool().display();
        self.authority(&format!("publish {files} --site {SITE} --agent {AGENT} --spool {spool}"));
        world.centre.look_at_orders().unwrap();
    }

    fn publish_version(&self, world: &World, version: u64) {
        let files = format!("limits-{version}.cbor mass-{version}.toml dose-{version}.toml {AGENT}-{version}.cbor");
        self.publish(world, &files);
    }

    /// Both tables as a record names them, by the files themselves.
    fn tables(&self, version: u64, edition: &str) -> Vec<Table> {
        let table = |id: &str, file: &str| Table {
            id: id.to_owned(),
            edition: edition.to_owned(),
            sha256: Hash::of(&self.read(&format!("{file}-{version}.toml"))).0,
        };
        vec![table("gross-mass-cn-2016", "mass"), table("scrap-radiation", "dose")]
    }
}

/// Goes through the chain: each inspection must name the tables that the chain said last to be in force, all of them and
/// no others. `known` gives each set its name. Gives a row per activation and per inspection.
fn walk(records: &[Record], known: &BTreeMap<&str, Vec<Table>>) -> Vec<String> {
    let name = |tables: &[Table]| {
        let found = known.iter().find(|(_, set)| set.as_slice() == tables).map(|(name, _)| *name);
        found.unwrap_or_else(|| panic!("these tables belong to no version, or to several: {tables:?}"))
    };
    let mut in_force = known["own"].as_slice();
    let mut rows = Vec::new();
    for record in records {
        match &record.body.detail {
            Detail::LimitsActivated(it) if it.cause == "signed" => {
                assert_eq!(it.facts, BTreeMap::new(), "record {}", record.header.seq);
                in_force = &it.tables;
                let (_, limits, assignment) = it.versions.unwrap();
                rows.push(format!("{}: limits {limits}, assignment {assignment}", name(&it.tables)));
            }
            Detail::LimitsActivated(it) => assert_eq!((it.cause.as_str(), rows.len()), ("built-in", 0)),
            Detail::Inspection(it) => {
                assert_eq!(it.tables, in_force, "record {} names other tables", record.header.seq);
                let end = it.incomplete.as_deref().map_or_else(String::new, |why| format!(", {why}"));
                let reason = it.reason.as_deref().map_or_else(String::new, |why| format!("({why})"));
                rows.push(format!("{}{reason} by {}{end}", it.verdict, name(&it.tables)));
            }
            // What is said of the agent each minute says the same.
            Detail::Heartbeat(it) => assert_eq!(it.tables, in_force, "record {}", record.header.seq),
            _ => {}
        }
    }
    rows
}

/// The tables the agent came with, as its lane's inspections name them.
fn own(world: &World) -> Vec<Table> {
    let of = |id: &str| {
        let table = world.site.tables.iter().find(|it| it.id == id).unwrap();
        Table { id: table.id.clone(), edition: table.edition.clone(), sha256: table.digest }
    };
    vec![of("gross-mass-cn-2016"), of("scrap-radiation")]
}

/// What the chain says of orders that were not taken: which kind, and why.
fn refused(records: &[Record]) -> Vec<String> {
    let told = records.iter().filter_map(|record| match &record.body.detail {
        Detail::Event(it) if it.name == "order-refused" => {
            Some(format!("{} {} x{}", it.subject.as_deref().unwrap_or("?"), it.facts["cause"], it.facts["count"]))
        }
        _ => None,
    });
    told.collect()
}

/// Waits for the next lorry, and until it is in the middle of its passage.
async fn mid_passage(world: &World) {
    let is_busy = |world: &World| world.agent().live.snapshot().busy.contains_key("lane-7");
    let until = world.truth.now_ms() + 60 * SECOND;
    assert!(world.until_met(until, |world| !is_busy(world)).await);
    assert!(world.until_met(until, is_busy).await);
    world.until(world.truth.now_ms() + 5 * SECOND).await;
    assert!(is_busy(world));
}

async fn pass(world: &World, seconds: i64) {
    world.until(world.truth.now_ms() + seconds * SECOND).await;
}

#[test]
fn signed_tables_judge_from_their_record_on_and_nothing_else_does() {
    play(async || {
        let people = People::gather();
        let setting = Setting { on_disk: true, root: Some(people.read("root.cbor")), ..Setting::of(&scene(30)) };
        let mut world = world(setting).await;
        people.approve(AGENT, 1, "port-1", "15000");
        // Eleven tonnes at most: now each of these lorries is too heavy.
        people.approve(AGENT, 2, "port-2", "11000");
        world.until(60 * SECOND).await;
        mid_passage(&world).await;
        people.publish_version(&world, 1);
        pass(&world, 60).await;
        mid_passage(&world).await;
        people.publish_version(&world, 2);
        pass(&world, 40).await;

        // Each of these leaves everything as it is. A cause is told once a minute, hence the pauses.
        people.publish(&world, "limits-1.cbor");
        pass(&world, 5).await;
        people.publish(&world, &format!("{AGENT}-1.cbor"));
        pass(&world, 5).await;
        // For another agent, put under the name of this one by whoever may write into the spool.
        people.approve("gate-08", 9, "port-9", "15000");
        let name = |item| Name { site: SITE.to_owned(), agent: AGENT.to_owned(), item };
        let spool = Spool::new(world.centre.spool());
        spool.put(&name(Item::Assignment), &people.read("gate-08-9.cbor")).unwrap();
        people.publish(&world, "mass-9.toml dose-9.toml");
        pass(&world, 5).await;
        // Two signatures of people who may do other things.
        people.draw_up(9, "director", "outsiders.cbor");
        people.authority("sign outsiders.cbor --key li-na.key");
        people.publish(&world, "outsiders.cbor");
        pass(&world, 61).await;
        // Two signatures, one of which is of other bytes.
        let mut broken = people.read("limits-9.cbor");
        *broken.last_mut().unwrap() ^= 1;
        fs::write(people.path("broken.cbor"), broken).unwrap();
        people.publish(&world, "broken.cbor");
        pass(&world, 61).await;
        // Two signatures of one person, and an assignment that would go with it.
        people.draw_up(9, "he-min", "alone.cbor");
        let alone = people.read("alone.cbor");
        let key = String::from_utf8(people.read("he-min.key")).unwrap();
        let key = SoftwareKey::from_pkcs8_pem(&key).unwrap();
        let twice = draft(Kind::Limits, Signed::open(&alone).unwrap().payload(), &[&key, &key]).unwrap();
        fs::write(people.path("twice.cbor"), twice).unwrap();
        people.assign(AGENT, 9);
        people.publish(&world, &format!("twice.cbor {AGENT}-9.cbor"));
        pass(&world, 40).await;
        assert!(!world.agent().live.snapshot().limits_stale);

        // The broker keeps all of that for the agent that comes back; a lorry is in the lane when the power goes.
        mid_passage(&world).await;
        world.cut_power().await;
        world.restart().await.unwrap();
        pass(&world, 60).await;
        let until = world.truth.now_ms() + 60 * SECOND;
        assert!(world.until_met(until, |world| !world.agent().live.snapshot().busy.contains_key("lane-7")).await);
        let status = world.stop().await.unwrap();
        eprintln!("{}", world.cost("signed tables"));

        let records = world.centre.records().unwrap();
        let known = BTreeMap::from([
            ("own", own(&world)),
            ("port-1", people.tables(1, "port-1")),
            ("port-2", people.tables(2, "port-2")),
        ]);
        expect(
            &world,
            walk(&records, &known),
            "Pass by own
             Pass by own
             Pass by own
             port-1: limits 1, assignment 1
             Pass by port-1
             Pass by port-1
             Pass by port-1
             port-2: limits 2, assignment 2
             Fail by port-2
             Fail by port-2
             Fail by port-2
             Fail by port-2
             Fail by port-2
             Fail by port-2
             Fail by port-2
             Fail by port-2
             Fail by port-2
             Fail by port-2
             Inconclusive(incomplete) by port-2, interrupted
             port-2: limits 2, assignment 2
             Inconclusive(no-background) by port-2
             Fail by port-2
             Fail by port-2
             Fail by port-2",
        );
        // The last two are told again, or only now, by the agent that came back to what the broker keeps.
        expect(
            &world,
            refused(&records),
            "limits rollback x1
             assignment rollback x1
             assignment not-ours x1
             limits threshold x1
             limits threshold x1
             limits threshold x1
             limits threshold x1
             assignment limits-too-old x1",
        );
        let review = world.centre.review().unwrap();
        assert_eq!(review[AGENT].in_force.as_ref().unwrap().1.versions, Some((1, 2, 2)));
        expect_whole(&world, status.sealed);
    });
}

/// Fourteen versions in two minutes, so that a switch falls into every part of a passage. Every second one is a correction
/// under the name of the edition before: only the hash tells them apart.
#[test]
fn wherever_a_switch_falls_no_record_names_tables_of_two_versions() {
    const VERSIONS: u64 = 14;
    play(async || {
        let people = People::gather();
        let setting = Setting { root: Some(people.read("root.cbor")), ..Setting::of(&scene(8)) };
        let mut world = world(setting).await;
        let names: Vec<String> = (1..=VERSIONS).map(|version| format!("version-{version}")).collect();
        let mut known = BTreeMap::from([("own", own(&world))]);
        for (version, name) in (1..).zip(&names) {
            let edition = format!("port-{}", version / 2);
            people.approve(AGENT, version, &edition, if version % 2 == 0 { "11000" } else { "15000" });
            known.insert(name, people.tables(version, &edition));
        }
        for version in 1..=VERSIONS {
            world.until(i64::try_from(version).unwrap() * 11_300).await;
            people.publish_version(&world, version);
        }
        pass(&world, 60).await;
        let status = world.stop().await.unwrap();
        eprintln!("{}", world.cost("many versions"));
        let rows = walk(&world.centre.records().unwrap(), &known);
        let (judged, switches): (Vec<String>, Vec<String>) = rows.into_iter().partition(|it| it.contains(" by "));
        let all: Vec<String> = (1..=VERSIONS).map(|n| format!("version-{n}: limits {n}, assignment {n}")).collect();
        assert_eq!(switches, all, "seed {}", world.seed());
        // Even versions have the lower limit.
        let is_even = |row: &str| row.ends_with(['0', '2', '4', '6', '8']);
        assert!(judged.iter().all(|it| it.starts_with(if is_even(it) { "Fail" } else { "Pass" })), "{judged:?}");
        let by: BTreeSet<&str> = judged.iter().filter_map(|it| it.rsplit_once(' ')).map(|(_, by)| by).collect();
        assert!(judged.len() == 8 && by.len() >= 6, "{judged:?}");
        assert_eq!(refused(&world.centre.records().unwrap()), Vec::<String>::new());
        expect_whole(&world, status.sealed);
    });
}

/// A new version comes while a lorry is in the lane, and before anything else the power goes: the passage becomes a record at
/// the next start, behind the one that says the new tables are in force.
#[test]
fn a_passage_that_the_power_cuts_off_after_a_switch_names_the_new_tables() {
    play(async || {
        let people = People::gather();
        people.approve(AGENT, 1, "port-1", "11000");
        let setting = Setting { on_disk: true, root: Some(people.read("root.cbor")), ..Setting::of(&scene(3)) };
        let mut world = world(setting).await;
        world.until(0).await;
        mid_passage(&world).await;
        people.publish_version(&world, 1);
        assert!(world.until_met(world.truth.now_ms() + SECOND, |world| active(world, 1)).await);
        world.cut_power().await;
        world.restart().await.unwrap();
        pass(&world, 60).await;
        let status = world.stop().await.unwrap();
        let known = BTreeMap::from([("own", own(&world)), ("port-1", people.tables(1, "port-1"))]);
        expect(
            &world,
            walk(&world.centre.records().unwrap(), &known),
            "port-1: limits 1, assignment 1
             Inconclusive(incomplete) by port-1, interrupted
             port-1: limits 1, assignment 1
             Inconclusive(no-background) by port-1
             Fail by port-1
             Fail by port-1",
        );
        expect_whole(&world, status.sealed);
    });
}

/// Whether the centre has heard that this version of the limits is in force.
fn active(world: &World, version: u64) -> bool {
    let review = world.centre.review().unwrap();
    let versions = review.get(AGENT).and_then(|it| it.in_force.as_ref()).and_then(|(_, it)| it.versions);
    versions.is_some_and(|(_, limits, _)| limits == version)
}
