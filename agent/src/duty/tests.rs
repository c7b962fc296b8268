//! The duties as a whole, with time and restarts by hand.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, LazyLock},
};

use proptest::prelude::*;
use tidewaiter_config::{
    limits::Hazard,
    plan::{EXAMPLE, Level, NoticeKind},
    site::{Site, site_from_str},
};
use tidewaiter_drivers::reading::Moment;
use tidewaiter_screening::{
    Disposition, Finding, Inspection, Screening, Verdict,
    duty::{
        audit::{Told, audit},
        transition::{State, Step},
    },
    inspection::{Alarm, Completion, Declaration, Identity, Subject, SubjectKind},
};

use super::*;
use crate::inspect::Event;

/// 2026-05-02T00:00:00Z.
const START: i64 = 1_777_680_000_000;
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

fn site() -> Arc<Site> {
    static SITE: LazyLock<Arc<Site>> = LazyLock::new(read_site);
    Arc::clone(&SITE)
}

fn read_site() -> Arc<Site> {
    let text = "version = 1\n[site]\nid = \"x\"\nagent = \"y\"\nname = \"z\"\n[store]\ndir = \"d\"\n";
    Arc::new(site_from_str(text, Path::new("")).unwrap_or_else(|report| panic!("{report}")).0)
}

pub(super) fn inspection(id: &str) -> Inspection {
    let at = Moment { mono_ms: 0, wall_ms: START };
    Inspection {
        id: id.to_owned(),
        procedure: "lorry-gate".to_owned(),
        place: "lane-7".to_owned(),
        subject: Subject {
            kind: SubjectKind::Conveyance,
            identities: vec![Identity {
                kind: "plate".to_owned(),
                text: "粤B12345".to_owned(),
                source: "read".to_owned(),
                confidence: None,
            }],
            declaration: Declaration::None,
        },
        opened: at,
        closed: at,
        completion: Completion::Complete,
        simulated: false,
        drill: false,
        operator: None,
        measured: Vec::new(),
        alarms: Vec::new(),
        faults: Vec::new(),
        readings: Vec::new(),
        whole: Vec::new(),
    }
}

fn screening(disposition: Disposition, verdict: Verdict, findings: Vec<Finding>) -> Screening {
    Screening { findings, verdict, disposition, alarm_mismatch: false }
}

fn finding(parameter: &str, verdict: Verdict) -> Finding {
    Finding {
        table: "gb18401-2010-t1".to_owned(),
        edition: "2010".to_owned(),
        row: format!("{parameter}-b"),
        parameter: parameter.to_owned(),
        verdict,
        alarms: false,
        value: Some("8.9 [pH]".to_owned()),
        limit: "4.0..8.5 [pH]".to_owned(),
        rule: "simple, full".to_owned(),
        stage: None,
        hazards: vec![Hazard::Chemical],
        legal_force: "mandatory".to_owned(),
        probability: None,
        advisory: false,
    }
}

pub(super) fn refer() -> Screening {
    screening(Disposition::Refer, Verdict::Fail, vec![finding("ph", Verdict::Fail)])
}

fn clear() -> Screening {
    screening(Disposition::Clear, Verdict::Pass, vec![finding("ph", Verdict::Pass)])
}

/// An agent with a clock, a boot and kept parts, all moved by hand.
struct Rig {
    duty: Duty,
    parts: BTreeMap<String, Vec<u8>>,
    boot: u32,
    now: Moment,
    seeds: u8,
    told: Vec<Event>,
    warnings: Vec<Warning>,
    follow_ups: Vec<FollowUp>,
    seq: u64,
}

impl Rig {
    fn new() -> Self {
        let now = Moment { mono_ms: 5_000, wall_ms: START };
        let (duty, first) = Duty::load(site(), "boot-0", |_| None, now);
        assert_eq!(first, []);
        Self {
            duty,
            parts: BTreeMap::new(),
            boot: 0,
            now,
            seeds: 0,
            told: Vec::new(),
            warnings: Vec::new(),
            follow_ups: Vec::new(),
            seq: 100,
        }
    }

    fn with_plan(text: &str) -> Self {
        let mut rig = Self::new();
        rig.offer(text);
        assert_eq!(rig.names(), ["plan-activated"], "{:?}", rig.told);
        rig.told.clear();
        rig.tick();
        rig
    }

    fn take(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            match outcome {
                Outcome::Warning(warning) => {
                    self.seq += 1;
                    self.duty.warning_recorded(&warning, self.seq);
                    self.warnings.push(*warning);
                }
                Outcome::FollowUp(step) => self.follow_ups.push(*step),
                Outcome::Event(event) => self.told.push(event),
            }
        }
        self.parts.extend(self.duty.save(self.now));
    }

    fn offer(&mut self, text: &str) {
        let outcomes = self.duty.offer_plan("plan.toml", text, self.now);
        self.take(outcomes);
    }

    fn tick(&mut self) {
        let mut outcomes = self.duty.tick(self.now);
        while self.duty.wants_seed() {
            self.seeds += 1;
            outcomes.extend(self.duty.give_seed([self.seeds; 32], self.now));
        }
        self.take(outcomes);
    }

    /// Both clocks go on.
    fn pass(&mut self, ms: u64) {
        self.now.mono_ms += ms;
        self.now.wall_ms += i64::try_from(ms).unwrap();
        self.tick();
    }

    fn restart(&mut self) {
        let parts = self.parts.clone();
        let (duty, first) =
            Duty::load(site(), &format!("boot-{}", self.boot), |name| parts.get(name).cloned(), self.now);
        self.duty = duty;
        self.take(first);
    }

    /// The machine is off for a while.
    fn reboot(&mut self, off_ms: u64) {
        self.boot += 1;
        self.now = Moment { mono_ms: 1_000, wall_ms: self.now.wall_ms + i64::try_from(off_ms).unwrap() };
        self.restart();
    }

    /// A lorry with these declared facts.
    fn lorry(&mut self, number: u32, facts: &[(&str, &str)], screening: &Screening) -> String {
        let mut inspection = inspection(&format!("lane-7-1-{number}"));
        (inspection.opened, inspection.closed) = (self.now, self.now);
        let facts = facts.iter().map(|&(name, text)| (name.to_owned(), text.to_owned()));
        inspection.subject.declaration = Declaration::Found(facts.collect());
        self.inspected(&inspection, screening);
        inspection.id
    }

    fn inspected(&mut self, inspection: &Inspection, screening: &Screening) {
        self.seq += 1;
        let outcomes = self.duty.on_inspection(inspection, screening, (self.seq, [9; 32]), self.now);
        self.take(outcomes);
    }

    fn enter(&mut self, enter: Enter) -> Result<serde_json::Value, Refused> {
        let (outcomes, answer) = self.duty.enter(enter, self.now)?;
        self.take(outcomes);
        Ok(answer)
    }

    fn names(&self) -> Vec<&str> {
        self.told.iter().map(|it| it.name.as_str()).collect()
    }

    fn names_like(&self, prefix: &str) -> Vec<&str> {
        self.names().into_iter().filter(|it| it.starts_with(prefix)).collect()
    }

    fn last(&self, name: &str) -> BTreeMap<&str, &str> {
        let event =
            self.told.iter().rev().find(|it| it.name == name).unwrap_or_else(|| panic!("{name}: {:?}", self.told));
        event.facts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
    }
}

fn version(number: u32) -> String {
    EXAMPLE.1.replacen("version = 1", &format!("version = {number}"), 1)
}

#[test]
fn only_a_newer_sound_plan_comes_into_force() {
    let mut rig = Rig::with_plan(&version(3));
    let good = rig.duty.plan();
    let faulty = version(4).replace("portal-sigma", "portal-sigmo");
    let same_version = version(3).replace("样例", "另一个样例");
    let rows: [(&str, &str, &str); 4] = [
        (&version(3), "", ""),
        (&same_version, "plan-refused", "version 3 is not above version 3"),
        (&version(2), "plan-refused", "version 2 is not above version 3"),
        (
            &faulty,
            "plan-refused",
            "plan.toml:22:9: error: no limit table has the id \"portal-sigmo\"; write: \"portal-sigma\"",
        ),
    ];
    for (text, name, why) in rows {
        rig.told.clear();
        // Twice: each content is answered once.
        rig.offer(text);
        rig.offer(text);
        assert_eq!(rig.names(), if name.is_empty() { vec![] } else { vec![name] }, "{:?}", rig.told);
        if !why.is_empty() {
            assert!(rig.last(name)["why"].contains(why), "{:?}", rig.told);
            assert_eq!(rig.last(name)["stays-in-force"], "example-port 3");
        }
        assert_eq!(rig.duty.plan(), good);
    }

    // The machine restarts with the faulty file still there.
    rig.told.clear();
    rig.reboot(HOUR);
    rig.offer(&faulty);
    assert_eq!((rig.duty.plan(), rig.names()), (good, vec![]));

    rig.offer(&version(4));
    let facts = rig.last("plan-activated");
    assert_eq!((facts["version"], facts["old-version"], facts["old-id"]), ("4", "3", "example-port"));
    assert_eq!(facts["old-sha256"].len(), 64);
    assert_eq!(rig.duty.plan().unwrap().version, 4);
}

#[test]
fn a_missing_file_is_told_once_and_changes_nothing() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    for _ in 0..2 {
        let outcomes = rig.duty.plan_unreadable("plan.toml", "no such file", rig.now);
        rig.take(outcomes);
    }
    assert_eq!(rig.names_like("plan-"), ["plan-refused"]);
    assert!(rig.duty.plan().is_some());
}

#[test]
fn a_plan_rules_on_its_days_only() {
    let mut rig = Rig::with_plan(&version(1).replace("# effective_to = 2026-12-31", "effective_to = 2026-05-03"));
    let next = version(2).replace("effective_from = 2026-01-01", "effective_from = 2026-05-06");
    rig.offer(&next);
    rig.offer(&next);
    assert_eq!(rig.names_like("plan-"), ["plan-waiting"]);
    rig.pass(DAY);
    assert_eq!(rig.duty.plan().map(|it| it.version), Some(1));
    rig.pass(DAY);
    assert_eq!(rig.duty.plan(), None);
    assert_eq!(rig.duty.judges(&[], "lorry-gate", "lane-7", None), []);
    rig.pass(2 * DAY);
    assert_eq!(rig.duty.plan().map(|it| it.version), Some(2));
    assert_eq!(rig.names_like("plan-"), ["plan-waiting", "plan-expired", "plan-activated"]);
    rig.told.clear();
    rig.offer(&version(9).replace("# effective_to = 2026-12-31", "effective_to = 2026-05-05"));
    assert!(rig.last("plan-refused")["why"].contains("it ended on 2026-05-05"));
}

#[test]
fn a_plan_adds_to_what_the_place_asks() {
    let rig = Rig::with_plan(EXAMPLE.1);
    let tables = |hs| -> Vec<String> {
        rig.duty.judges(&[], "lorry-gate", "lane-7", hs).into_iter().map(|it| it.table).collect()
    };
    assert_eq!(tables(None), ["portal-sigma"]);
    assert_eq!(tables(Some("7404")), ["portal-sigma", "scrap-radiation"]);
    assert_eq!(Rig::new().duty.judges(&[], "lorry-gate", "lane-7", None), []);
}

fn audited(told: &[Event]) -> Vec<tidewaiter_screening::duty::audit::Period> {
    let events: Vec<(u64, &Event, BTreeMap<String, String>)> =
        (0..).zip(told).map(|(seq, event)| (seq, event, event.facts.iter().cloned().collect())).collect();
    audit(events.iter().map(|(seq, event, facts)| Told {
        seq: *seq,
        name: &event.name,
        subject: event.subject.as_deref(),
        facts,
    }))
}

#[test]
fn draws_can_be_repeated_by_anyone_across_restarts() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    assert_eq!(rig.names(), ["sampling-committed", "sampling-committed"]);
    for number in 0..150 {
        let risk = ["A", "b", "C", "?"][number as usize % 4];
        rig.lorry(number, &[("hs-code", "74040000"), ("risk", risk)], &clear());
        if number == 60 {
            rig.restart();
        }
        if number == 90 {
            rig.reboot(HOUR);
        }
    }
    // Until it is revealed the seed stands nowhere but in the kept parts.
    let seed = "01".repeat(32);
    let debug = format!("{:?} {:?}", rig.told, rig.duty);
    assert!(!debug.contains(&seed) && !debug.contains("1, 1, 1, 1"));
    let periods = audited(&rig.told);
    let scrap = periods.iter().find(|it| it.item == "scrap-metal").unwrap();
    assert!(!scrap.revealed && scrap.faults.is_empty(), "{scrap:?}");

    rig.pass(7 * DAY);
    let periods = audited(&rig.told);
    let scrap = periods.iter().find(|it| it.item == "scrap-metal").unwrap();
    assert!(scrap.revealed && scrap.faults.is_empty(), "{scrap:?}");
    // A quarter each; what no class was declared for is drawn in the default class B.
    assert_eq!(scrap.counts.map(|it| it.presented), [38, 75, 37]);
    assert_eq!(scrap.counts[0].selected, 38);
    assert_eq!(scrap.plan, "example-port 1");
    // The next period has begun with a seed of its own.
    let commitments: Vec<&str> = periods.iter().map(|it| it.commitment.as_str()).collect();
    assert_eq!(commitments.len(), 3);
    assert!(commitments[2] != commitments[0] && commitments[2] != commitments[1]);
}

#[test]
fn a_new_plan_ends_the_periods_of_the_old_one() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    rig.lorry(1, &[("hs-code", "7404"), ("risk", "A")], &clear());
    rig.offer(&version(2).replace("B = \"20\"", "B = \"30\""));
    rig.tick();
    rig.lorry(2, &[("hs-code", "7404")], &clear());
    let periods = audited(&rig.told);
    assert_eq!(periods.iter().filter(|it| it.revealed).count(), 2);
    assert!(periods.iter().all(|it| it.faults.is_empty()), "{periods:?}");
    assert_eq!(rig.last("sampling-drawn")["rate"], "30");
}

#[test]
fn a_lot_is_presented_by_hand() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    let draw = |hs: &str, risk: Option<&str>| {
        Enter::Draw(LotPresented {
            lot: "LOT-1".to_owned(),
            hs: hs.to_owned(),
            risk: risk.map(str::to_owned),
            item: None,
            by: "Li Na".to_owned(),
        })
    };
    let answer = rig.enter(draw("7404", Some("a"))).unwrap();
    assert_eq!(answer["drawn"][0]["selected"], true);
    assert_eq!(answer["drawn"][0]["ticket"], 1);
    assert_eq!(rig.last("sampling-drawn")["operator"], "Li Na");
    assert_eq!(
        rig.enter(draw("4011", None)).unwrap_err().to_string(),
        "no item of the plan draws lots of HS code \"4011\"; it has scrap-metal (7204, 7404, 7602); textiles (52, 61, 62)"
    );
    assert_eq!(rig.enter(draw("7404", Some("D"))).unwrap_err(), Refused::Risk("D".to_owned()));
    assert_eq!(Rig::new().enter(draw("7404", None)).unwrap_err(), Refused::NoPlan);
}

fn step(inspection: &str, step: Step) -> Enter {
    Enter::FollowUp(StepTaken::new(inspection, step, "Li Na"))
}

fn sample(inspection: &str, number: &str) -> Enter {
    Enter::FollowUp(StepTaken { sample: Some(number.to_owned()), ..StepTaken::new(inspection, Step::Sample, "Li Na") })
}

fn typed(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    given.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
}

fn result(inspection: &str, body: &str, date: &str, given: &[(&str, &str)]) -> StepTaken {
    StepTaken {
        values: typed(given),
        body: Some(body.to_owned()),
        report: Some("R-7".to_owned()),
        method: Some("GB/T 7573".to_owned()),
        date: Some(date.to_owned()),
        ..StepTaken::new(inspection, Step::LabResult, "Wang Wei")
    }
}

fn lab(inspection: &str, body: &str, date: &str, given: &[(&str, &str)]) -> Enter {
    Enter::FollowUp(result(inspection, body, date, given))
}

const CLOTH: [(&str, &str); 3] = [("hs-code", "5208"), ("category", "B"), ("goods", "棉布")];

#[test]
fn a_finding_is_followed_to_its_end_and_the_first_result_stays() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    let id = rig.lorry(1, &CLOTH, &refer());
    let seq = rig.seq - 1;
    assert_eq!(
        rig.enter(lab(&id, "example-lab", "2026-05-01", &[("ph", "7.0")])).unwrap_err().to_string(),
        "no sample was sent; enter --step sample --sample NUMBER first"
    );
    rig.enter(sample(&id, "S-1")).unwrap();

    // Results that do not count are recorded and move nothing.
    for (body, date, reason) in [
        ("other-lab", "2026-05-01", "unknown-body"),
        ("example-lab", "2026-03-01", "too-old"),
        ("example-lab", "2026-05-03", "not-yet"),
    ] {
        let answer = rig.enter(lab(&id, body, date, &[("ph", "7.0")])).unwrap();
        assert_eq!((&answer["rejected"]["reason"], &answer["to"]), (&reason.into(), &"sample-sent".into()));
        assert_eq!(rig.follow_ups.last().unwrap().to, State::SampleSent);
    }
    // Neither does one that leaves the row open that was not kept.
    let answer = rig.enter(lab(&id, "example-lab", "2026-05-01", &[("formaldehyde", "20 mg/kg")])).unwrap();
    assert_eq!((&answer["verdict"], &answer["to"]), (&"Inconclusive".into(), &"sample-sent".into()));

    // GB 18401 B: pH 4.0 to 8.5. The unit is that of the rows.
    let answer = rig.enter(lab(&id, "example-lab", "2026-05-01", &[("ph", "8.6")])).unwrap();
    assert_eq!((&answer["verdict"], &answer["to"]), (&"Fail".into(), &"lab-confirmed".into()));
    assert!(rig.enter(step(&id, Step::Release)).unwrap_err().to_string().contains("a laboratory confirmed the breach"));

    rig.enter(sample(&id, "S-2")).unwrap();
    let refused = rig.enter(lab(&id, "example-lab", "2026-05-01", &[("ph", "8.5")])).unwrap_err();
    assert_eq!(refused, Refused::Needs { step: "lab-result", what: "--sample NUMBER, one of several" });
    let second = Enter::FollowUp(StepTaken {
        sample: Some("S-2".to_owned()),
        ..result(&id, "example-lab", "2026-05-01", &[("ph", "8.5")])
    });
    rig.reboot(HOUR);
    assert_eq!(rig.enter(second).unwrap()["to"], "lab-cleared");
    rig.enter(step(&id, Step::Release)).unwrap();
    assert!(rig.enter(step(&id, Step::Hold)).unwrap_err().to_string().contains("closed (released)"));

    // What counted was judged as an inspection of its own, under the id of the step; what did not was not.
    let judged: Vec<Option<&str>> =
        rig.follow_ups.iter().map(|it| it.judged.as_ref().map(|judged| judged.inspection.id.as_str())).collect();
    let id_of = |number: u32| format!("{id}-f{number}");
    let (fifth, sixth, eighth) = (id_of(5), id_of(6), id_of(8));
    assert_eq!(judged, [None, None, None, None, Some(&*fifth), Some(&*sixth), None, Some(&*eighth), None]);
    assert_eq!(rig.follow_ups[7].judged.as_ref().unwrap().inspection.procedure, "lab-result");

    // Every step points at the first record, and nothing else of it moved.
    assert!(rig.follow_ups.iter().all(|it| it.inspection == id && it.seq == seq && it.hash == [9; 32]));
    let view = rig.duty.view(false);
    assert_eq!(view["findings"][0]["verdict"], "Fail");
    assert_eq!(view["findings"][0]["state"], "released");
    assert_eq!(rig.duty.view(true)["findings"], serde_json::json!([]));
}

#[test]
fn what_is_entered_wrongly_is_refused_with_the_way_out() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    let id = rig.lorry(1, &CLOTH, &refer());
    let with = |given: &[(&str, &str)], what: Step| {
        Enter::FollowUp(StepTaken { values: typed(given), ..StepTaken::new(&id, what, "Li Na") })
    };
    let rows: [(Enter, &str); 8] = [
        (step("lane-7-1-99", Step::Hold), "`tidewaiter findings` lists them"),
        (with(&[], Step::Handheld), "at least one value"),
        (with(&[("ph", "7.0")], Step::Hold), "takes no values"),
        (with(&[("ph", "7,0")], Step::Handheld), "ph=\"7,0\""),
        (with(&[("ph", "")], Step::Handheld), "no digits"),
        (with(&[("ph", "7.0 pH")], Step::Handheld), "\"pH\" is not a UCUM unit"),
        (with(&[("Pb", "7")], Step::Handheld), "it needs its unit"),
        (step(&id, Step::Sample), "--sample NUMBER"),
    ];
    let before = rig.duty.view(false);
    for (enter, what) in rows {
        let refused = rig.enter(enter.clone()).unwrap_err().to_string();
        assert!(refused.contains(what), "{what:?} not in {refused:?}");
    }
    assert_eq!(rig.duty.view(false), before);
    let answer = rig.enter(with(&[("ph", "7.0")], Step::Handheld)).unwrap();
    // A hand-held value is judged, and decides nothing.
    assert_eq!((&answer["verdict"], &answer["to"]), (&"Pass".into(), &"screened".into()));
}

#[test]
fn an_alarm_is_proposed_for_control_with_all_its_fields() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    let mut lorry = inspection("lane-7-1-1");
    lorry.alarms.push(Alarm {
        instrument: "portal-1".to_owned(),
        kind: "gamma".to_owned(),
        by_device: true,
        recomputed: true,
    });
    let facts = [("hs-code", "7404"), ("goods", "废铜"), ("origin", "XX"), ("consignee", "某公司")];
    lorry.subject.declaration = Declaration::Found(facts.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
    rig.inspected(&lorry, &screening(Disposition::Alarm, Verdict::Fail, Vec::new()));
    let [warning] = rig.warnings.as_slice() else { panic!("{:?}", rig.told) };
    assert_eq!((warning.state, warning.level, warning.kind), (WarningState::Proposed, Level::II, NoticeKind::Tongbao));
    assert_eq!(warning.scores, [3, 3, 1]);
    assert_eq!(
        (warning.scope.as_str(), warning.matters.as_str()),
        ("废铜（HS 7404），查获地点 lane-7", "gamma：portal-1 gamma")
    );
    assert_eq!(warning.issuer, "示例市市场监督管理局");
    assert_eq!(warning.starts.wall_ms, START);
    let due: BTreeMap<&str, i64> = warning.deadlines.iter().map(|(id, due)| (id.as_str(), *due)).collect();
    assert_eq!(due["report-2h"], START + 2 * 3_600_000);
    let control = warning.control_request.as_ref().unwrap();
    assert_eq!((control.origin.as_deref(), control.importer.as_deref()), (Some("XX"), Some("某公司")));
    assert!(control.evidence[0].starts_with("101 0909"));
    assert_eq!(rig.names_like("deadline"), ["deadline-started", "deadline-started"]);
}

#[test]
fn a_warning_without_a_mandatory_field_stays_a_draft() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    rig.lorry(1, &[("hs-code", "5208")], &refer());
    assert!(rig.warnings.is_empty());
    let facts = rig.last("warning-incomplete");
    assert_eq!((facts["state"], facts["level"], facts["missing"]), ("draft", "III", "scope ({goods})"));
}

#[test]
fn an_exercise_counts_for_nothing_and_a_function_check_is_no_finding() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    let mut drill = inspection("lane-7-1-1");
    drill.drill = true;
    drill.subject.declaration = Declaration::Found([("hs-code".to_owned(), "7404".to_owned())].into());
    rig.told.clear();
    rig.inspected(&drill, &refer());
    assert_eq!(rig.names(), [""; 0]);
    assert_eq!(rig.duty.view(true)["findings"][0]["drill"], true);
    rig.enter(step("lane-7-1-1", Step::Release)).unwrap();
    assert!(rig.follow_ups[0].drill);

    let mut check = inspection("portal-1-1-1");
    check.subject.kind = SubjectKind::Instrument;
    rig.inspected(&check, &refer());
    assert_eq!(rig.duty.view(true)["findings"], serde_json::json!([]));
    assert_eq!(rig.duty.view(false)["deadlines"], serde_json::json!([]));
}

#[test]
fn results_in_a_row_raise_the_level_and_conforming_ones_propose_lifting() {
    let plan = EXAMPLE.1.replace("lift_after = 10", "lift_after = 4");
    let mut rig = Rig::with_plan(&plan);
    let from = |origin: &'static str, consignee: &'static str| {
        [CLOTH[0], CLOTH[1], CLOTH[2], ("origin", origin), ("consignee", consignee)]
    };
    rig.lorry(1, &from("XX", "a"), &refer());
    rig.lorry(2, &from("XX", "a"), &refer());
    assert_eq!(rig.names_like("trend"), ["trend-rate"; 0], "{:?}", rig.told);
    rig.lorry(3, &from("XX", "a"), &refer());
    // Three in a row are told, once.
    assert_eq!(rig.names_like("trend"), ["trend-run"]);
    assert_eq!(rig.last("trend-run")["in-a-row"], "3");
    rig.lorry(4, &from("XX", "a"), &refer());
    assert_eq!(rig.names_like("trend-run"), ["trend-run"]);
    let levels: Vec<Level> = rig.warnings.iter().map(|it| it.level).collect();
    assert_eq!(levels, [Level::III, Level::III, Level::III, Level::III]);
    assert_eq!(rig.warnings.iter().map(|it| it.scores[2]).collect::<Vec<_>>(), [1, 1, 2, 2]);

    // Another consignee, and one from another origin: systemic, and graver.
    rig.lorry(5, &from("XX", "b"), &refer());
    // Five of five are enough to speak of a rate: the whole interval, 0.5655 to 1, lies above 10 %.
    assert_eq!((rig.last("trend-rate")["lower"], rig.last("trend-rate")["upper"]), ("0.5655", "1.0000"));
    assert_eq!(rig.names_like("trend-systemic"), [""; 0]);
    rig.lorry(6, &from("YY", "c"), &refer());
    assert_eq!(rig.last("trend-systemic")["consignees"], "3");
    assert_eq!(rig.warnings.last().unwrap().level, Level::II);

    rig.warnings.clear();
    rig.reboot(HOUR);
    for number in 7..10 {
        rig.lorry(number, &from("XX", "a"), &clear());
    }
    assert!(rig.warnings.is_empty());
    rig.lorry(10, &from("XX", "a"), &clear());
    // The five of XX, and not the one of YY.
    assert_eq!(rig.warnings.len(), 5);
    assert!(rig.warnings.iter().all(|it| it.state == WarningState::LiftProposed && it.control_request.is_none()));
    let evidence: BTreeMap<_, _> = rig.warnings[0].evidence.iter().cloned().collect();
    assert_eq!((evidence["conforming-in-a-row"].as_str(), evidence["breaches"].as_str()), ("4", "5"));
    rig.warnings.clear();
    rig.lorry(11, &from("XX", "a"), &clear());
    assert!(rig.warnings.is_empty());
}

#[test]
fn results_outside_the_window_are_forgotten() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    for number in 0..2 {
        rig.lorry(number, &CLOTH, &refer());
    }
    rig.pass(91 * DAY);
    rig.lorry(2, &CLOTH, &refer());
    assert_eq!(rig.warnings.last().unwrap().scores[2], 1);
    assert_eq!(rig.names_like("trend"), [""; 0]);
}

fn alarm() -> Screening {
    screening(Disposition::Alarm, Verdict::Fail, vec![finding("dose-rate", Verdict::Fail)])
}

#[test]
fn a_deadline_is_told_at_risk_and_missed_and_late() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    let id = rig.lorry(1, &[("hs-code", "7404")], &alarm());
    let report = format!("report-2h/{id}");
    let states = |rig: &Rig| -> Vec<String> {
        rig.told
            .iter()
            .filter(|it| it.name.starts_with("deadline-") && it.subject.as_deref() == Some(&report))
            .map(|it| it.name.clone())
            .collect()
    };
    for (ms, expected) in [
        (90 * 60_000 - 1, vec!["deadline-started"]),
        (1, vec!["deadline-started", "deadline-at-risk"]),
        (30 * 60_000 - 1, vec!["deadline-started", "deadline-at-risk"]),
        (1, vec!["deadline-started", "deadline-at-risk", "deadline-missed"]),
        (HOUR, vec!["deadline-started", "deadline-at-risk", "deadline-missed"]),
    ] {
        rig.pass(ms);
        assert_eq!(states(&rig), expected);
    }
    let sent = |deadline: &str| Enter::ReportSent {
        deadline: deadline.to_owned(),
        by: "Li Na".to_owned(),
        reference: Some("函 7".to_owned()),
    };
    rig.enter(sent(&report)).unwrap();
    assert_eq!((rig.last("deadline-late")["by"], rig.last("deadline-late")["ref"]), ("Li Na", "函 7"));
    assert_eq!(rig.enter(sent(&report)).unwrap_err().to_string(), format!("deadline {report:?} is late already"));
    assert!(rig.enter(sent("x")).unwrap_err().to_string().contains("no deadline has the id \"x\""));
}

#[test]
fn the_receipt_for_a_warning_meets_the_report_and_not_the_answer() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    rig.lorry(1, &[("hs-code", "7404"), ("goods", "废铜")], &alarm());
    let warning = rig.seq;
    for (upto, expected) in [(warning - 1, 0), (warning, 1), (warning, 1)] {
        rig.restart();
        let outcomes = rig.duty.receipted(upto);
        rig.take(outcomes);
        assert_eq!(rig.names_like("deadline-met").len(), expected);
    }
    assert_eq!(rig.last("deadline-met")["kind"], "report");
    rig.pass(25 * HOUR);
    assert_eq!(rig.last("deadline-missed")["kind"], "feedback");
    assert_eq!(rig.names_like("deadline-missed").len(), 1);
}

#[test]
fn a_damaged_part_is_said_and_the_rest_goes_on() {
    let mut rig = Rig::with_plan(EXAMPLE.1);
    rig.lorry(1, &CLOTH, &refer());
    rig.parts.insert("duty-findings-000".to_owned(), b"[{".to_vec());
    rig.told.clear();
    rig.restart();
    assert_eq!(rig.names(), ["duty-state-lost"]);
    assert!(rig.duty.plan().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the wall clock does while the machine is on, and however often the process restarts, a deadline is
    /// missed when its time has passed and not before; across a boot the time off counts by the wall clock.
    #[test]
    fn deadlines_keep_time_across_steps_and_restarts(acts in prop::collection::vec((0..4_u8, 0..40_u64), 1..30)) {
        let mut rig = Rig::with_plan(EXAMPLE.1);
        rig.lorry(1, &[("hs-code", "7404")], &alarm());
        let mut gone = 0;
        for (act, minutes) in acts {
            let ms = minutes * 60_000;
            match act {
                0 => {
                    rig.pass(ms);
                    gone += ms;
                }
                1 => {
                    // A step of the wall clock, forth or back, as NTP or a hand makes it.
                    let step = i64::try_from(ms).unwrap() - 20 * 60_000;
                    rig.now.wall_ms += step;
                    rig.tick();
                }
                2 => rig.restart(),
                _ => {
                    // What has passed is on disk before the power goes.
                    rig.pass(60_000);
                    gone += 60_000 + ms;
                    rig.reboot(ms);
                    rig.tick();
                }
            }
            let missed = rig.told.iter().any(|it| it.name == "deadline-missed" && it.subject.as_deref() == Some("report-2h/lane-7-1-1"));
            prop_assert_eq!(missed, gone >= 2 * HOUR, "{} min", gone / 60_000);
        }
    }
}
