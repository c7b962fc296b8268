//! The rules of a monitoring plan: judge lists, draws and their audit, levels, notices, acceptance.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::{collections::BTreeMap, slice::from_ref};

use tidewaiter_config::{
    limits::{self, Hazard},
    plan::{self, EXAMPLE, Known, Level, NoticeKind, Plan},
    site::Judge,
};
use tidewaiter_screening::{
    Disposition, Verdict,
    duty::{
        Breach, Case,
        acceptance::{Rejection, Report, accepted},
        assignment::judges,
        audit::{Counts, Period, Told, audit},
        draw::Seed,
        level, notice,
    },
};

fn plan_of(text: &str) -> Plan {
    let tables = limits::builtin();
    plan::load_str("plan.toml", text, &Known::anywhere(&tables)).unwrap_or_else(|report| panic!("{report}")).0
}

fn example() -> Plan {
    plan_of(EXAMPLE.1)
}

fn judge(table: &str, parameters: &[&str], advisory: bool) -> Judge {
    Judge { table: table.to_owned(), parameters: parameters.iter().map(|&it| it.to_owned()).collect(), advisory }
}

#[test]
fn an_inspection_is_judged_by_its_place_and_by_the_items_for_it() {
    let plan = example();
    let own = [judge("gross-mass-cn-2016", &["gross-mass"], false)];
    let check = |procedure: &str, hs: Option<&str>, added: &[Judge]| {
        let expected: Vec<Judge> = own.iter().chain(added).cloned().collect();
        assert_eq!(judges(&own, Some(&plan), procedure, "lane-7", hs), expected, "{procedure} {hs:?}");
    };
    let sigma = judge("portal-sigma", &["gamma-counts"], false);
    let scrap = judge("scrap-radiation", &["dose-rate"], false);
    let textile = judge("gb18401-2010-t1", &["ph", "formaldehyde"], false);
    check("lorry-gate", None, from_ref(&sigma));
    check("lorry-gate", Some("5208.11"), from_ref(&sigma));
    check("lorry-gate", Some("74040000"), &[sigma, scrap]);
    check("textile-ph", Some("5208"), &[textile]);
    check("textile-ph", Some("4011"), &[]);
    check("tyre-endurance", Some("4011"), &[]);
    assert_eq!(judges(&own, None, "lorry-gate", "lane-7", None), own);
}

#[test]
fn the_longest_code_counts_and_force_is_never_taken_away() {
    type Row<'r> = (&'r [String], &'r [Judge], Option<&'static str>, Vec<Judge>);
    let item = |id: &str, hs: &str, advisory: bool| {
        format!(
            "[[items]]\nid = \"{id}\"\nprocedures = [\"textile-ph\"]\n{hs}\n[[items.judge]]\ntable = \"gb18401-2010-t1\"\nparameters = [\"ph\"]\nadvisory = {advisory}\n"
        )
    };
    let plan = |items: &[String]| {
        let head = "id = \"p\"\nversion = 1\ntitle = \"t\"\nissuer = \"i\"\neffective_from = 2026-01-01\npoint = \"x\"\nlevel = \"port\"\norigin = \"regulator\"\n";
        plan_of(&format!("{head}{}", items.concat()))
    };
    let (any, chapter, heading) =
        (item("any", "", false), item("c", "hs = [\"52\"]", true), item("h", "hs = [\"5208\"]", false));
    let ph = |advisory| vec![judge("gb18401-2010-t1", &["ph"], advisory)];
    let rows: [Row<'_>; 7] = [
        (&[any.clone(), chapter.clone(), heading.clone()], &[], None, ph(false)),
        (&[any.clone(), chapter.clone(), heading.clone()], &[], Some("5209"), ph(true)),
        (&[heading, chapter.clone(), any.clone()], &[], Some("520811"), ph(false)),
        (from_ref(&chapter), &[], Some("61"), Vec::new()),
        // The site's own entry decides although the plan only asks for advice, and the other way round.
        (from_ref(&chapter), &ph(false), Some("52"), ph(false)),
        (from_ref(&any), &ph(true), Some("52"), ph(false)),
        (from_ref(&chapter), &ph(true), Some("52"), ph(true)),
    ];
    for (number, (items, own, hs, expected)) in rows.into_iter().enumerate() {
        assert_eq!(judges(own, Some(&plan(items)), "textile-ph", "bench-a", hs), expected, "row {number}");
    }
}

/// 00 01 02 … 1f. The numbers below were computed by another implementation.
fn seed() -> Seed {
    Seed(std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

#[test]
fn a_draw_is_what_the_written_rule_gives() {
    assert_eq!(hex::encode(seed().commitment()), "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd");
    assert_eq!(seed().number(1, "LOT-1"), 4_745_639_817_167_059_327);
    assert_eq!(seed().number(2, "粤B12345"), 2_197_355_054_734_117_128);
}

#[test]
fn a_fifth_of_ten_thousand_is_about_a_fifth() {
    let rate = "20".parse().unwrap();
    let selected = (1..=10_000_u64).filter(|&it| seed().selects(it, &format!("LOT-{it}"), rate).unwrap()).count();
    // Four standard deviations of the binomial distribution are 160; the very count is that of the other implementation.
    assert!(selected.abs_diff(2_000) < 160);
    assert_eq!(selected, 1_923);
}

type Line = (u64, &'static str, Option<String>, BTreeMap<String, String>);

struct Log(Vec<Line>);

impl Log {
    fn period(tickets: u64) -> Self {
        let commitment = hex::encode(seed().commitment());
        let facts = |more: &[(&str, &str)]| -> BTreeMap<String, String> {
            let more = more.iter().map(|&(name, text)| (name.to_owned(), text.to_owned()));
            more.chain([("commitment".to_owned(), commitment.clone())]).collect()
        };
        let rates =
            [("plan", "p"), ("version", "3"), ("item", "scrap"), ("rate-A", "100"), ("rate-B", "20"), ("rate-C", "5")];
        let mut log = vec![(10, "sampling-committed", Some("scrap".to_owned()), facts(&rates))];
        let mut chosen = 0;
        for ticket in 1..=tickets {
            let subject = format!("LOT-{ticket}");
            let selected = seed().selects(ticket, &subject, "20".parse().unwrap()).unwrap();
            chosen += u64::from(selected);
            let word = if selected { "yes" } else { "no" };
            let more = [("ticket", &*ticket.to_string()), ("class", "B"), ("rate", "20"), ("selected", word)];
            log.push((10 + ticket, "sampling-drawn", Some(subject), facts(&more)));
        }
        let (presented, chosen) = (tickets.to_string(), chosen.to_string());
        let seed = hex::encode(seed().0);
        let more = [
            ("seed", seed.as_str()),
            ("presented-A", "0"),
            ("selected-A", "0"),
            ("presented-B", &presented),
            ("selected-B", &chosen),
            ("presented-C", "0"),
            ("selected-C", "0"),
        ];
        log.push((11 + tickets, "sampling-revealed", Some("scrap".to_owned()), facts(&more)));
        Self(log)
    }

    fn audit(&self) -> Vec<Period> {
        audit(self.0.iter().map(|(seq, name, subject, facts)| Told {
            seq: *seq,
            name,
            subject: subject.as_deref(),
            facts,
        }))
    }
}

#[test]
fn an_honest_period_passes_the_audit() {
    let periods = Log::period(200).audit();
    let [period] = periods.as_slice() else { panic!("{periods:?}") };
    assert_eq!(period.faults, []);
    assert!(period.revealed);
    assert_eq!((period.plan.as_str(), period.item.as_str()), ("p 3", "scrap"));
    assert_eq!(period.counts[1].presented, 200);
    assert!((20..60).contains(&period.counts[1].selected), "{period:?}");
    assert_eq!(period.counts[0], Counts::default());
}

#[test]
fn whatever_is_bent_is_found() {
    type Bend = fn(&mut Log);
    fn put(log: &mut Log, at: usize, name: &str, text: &str) {
        log.0[at].3.insert(name.to_owned(), text.to_owned());
    }
    fn flip(log: &mut Log, at: usize) {
        let was = log.0[at].3["selected"].clone();
        put(log, at, "selected", if was == "yes" { "no" } else { "yes" });
    }
    let rows: [(Bend, u64, &str); 11] = [
        (|log| flip(log, 5), 15, "drawing again gives"),
        (|log| drop(log.0.remove(5)), 16, "ticket 6 comes where ticket 5 is due"),
        (|log| log.0.swap(5, 6), 16, "ticket 6 comes where ticket 5 is due"),
        (|log| put(log, 5, "rate", "5"), 15, "not the rate of class B"),
        (|log| put(log, 5, "class", "A"), 15, "not the rate of class A"),
        (|log| put(log, 5, "class", "D"), 15, "no class"),
        (|log| put(log, 31, "seed", &"00".repeat(32)), 41, "not the one committed to"),
        (|log| put(log, 31, "seed", "00"), 41, "not 32 bytes"),
        (|log| put(log, 31, "presented-B", "29"), 41, "stated as 29, and 30 were drawn"),
        (|log| drop(log.0.remove(0)), 11, "commitment is not among"),
        (|log| log.0.swap(0, 1), 10, "comes after draws"),
    ];
    for (number, (bend, seq, what)) in rows.into_iter().enumerate() {
        let mut log = Log::period(30);
        bend(&mut log);
        let periods = log.audit();
        assert!(
            periods[0].faults.iter().any(|(at, it)| *at == seq && it.contains(what)),
            "row {number}: {:?}",
            periods[0].faults
        );
    }
}

#[test]
fn a_period_that_goes_on_is_counted_and_not_yet_repeated() {
    let mut log = Log::period(30);
    log.0.pop();
    let periods = log.audit();
    assert!(!periods[0].revealed && periods[0].faults.is_empty());
    assert_eq!(periods[0].counts[1].presented, 30);
}

fn breach(parameter: &str, table: &str, legal_force: &str, hazards: &[Hazard]) -> Breach {
    Breach {
        parameter: parameter.to_owned(),
        table: table.to_owned(),
        legal_force: legal_force.to_owned(),
        hazards: hazards.to_vec(),
        told: "8.1 [pH] / 4.0..7.5 [pH]".to_owned(),
    }
}

fn case(disposition: Disposition, verdict: Verdict, breaches: Vec<Breach>) -> Case {
    Case { disposition, verdict, breaches, repeats: 1, systemic: false, level: None }
}

#[test]
fn harm_urgency_and_extent_name_the_level() {
    type Row = (Case, Option<(Level, [u32; 3])>);
    let plan = example();
    let matrix = plan.matrix.as_ref().unwrap();
    let gamma = || vec![breach("gamma", "", "", &[Hazard::Physical])];
    let acid = |force: &str| vec![breach("ph", "gb18401-2010-t1", force, &[Hazard::Chemical])];
    let rows: [Row; 8] = [
        (case(Disposition::Alarm, Verdict::Fail, gamma()), Some((Level::II, [3, 3, 1]))),
        (Case { repeats: 3, ..case(Disposition::Alarm, Verdict::Fail, gamma()) }, Some((Level::I, [3, 3, 2]))),
        (Case { systemic: true, ..case(Disposition::Alarm, Verdict::Fail, gamma()) }, Some((Level::I, [3, 3, 3]))),
        (case(Disposition::Refer, Verdict::Fail, acid("mandatory")), Some((Level::III, [2, 2, 1]))),
        (case(Disposition::Refer, Verdict::ConditionalFail, acid("mandatory")), Some((Level::IV, [1, 2, 1]))),
        (case(Disposition::Refer, Verdict::Fail, acid("guide")), Some((Level::IV, [1, 2, 1]))),
        (case(Disposition::Clear, Verdict::Pass, Vec::new()), None),
        (case(Disposition::Refer, Verdict::ConditionalPass, Vec::new()), None),
    ];
    for (case, expected) in rows {
        let proposal = level::propose(matrix, &case).map(|it| (it.level, it.scores));
        assert_eq!(proposal, expected, "{case:?}");
    }
}

#[test]
fn a_notice_is_filled_in_or_says_what_it_lacks() {
    let plan = example();
    let grave = Case { level: Some(Level::I), ..case(Disposition::Alarm, Verdict::Fail, Vec::new()) };
    let slight = Case { level: Some(Level::IV), ..grave.clone() };
    assert_eq!(notice::suggested(&plan, &grave).unwrap().kind, NoticeKind::Tongbao);
    let tonggao = notice::suggested(&plan, &slight).unwrap();
    assert_eq!(tonggao.kind, NoticeKind::Tonggao);
    let known = |goods: Option<&str>| {
        let goods = goods.map(str::to_owned);
        move |name: &str| match name {
            "goods" => goods.clone(),
            "parameters" => Some("ph".to_owned()),
            "values" => Some("8.1 [pH]".to_owned()),
            "lift-after" => Some("10".to_owned()),
            _ => None,
        }
    };
    let filled = notice::fill(tonggao, known(Some("棉布"))).unwrap();
    assert_eq!(filled.matters, "ph：8.1 [pH]");
    assert_eq!(filled.lift_condition, "同一商品同一来源连续 10 批符合要求");
    assert_eq!(notice::fill(tonggao, known(None)).unwrap_err(), ["scope ({goods})"]);
    assert_eq!(notice::fill(tonggao, known(Some(" "))).unwrap_err(), ["scope ({goods})"]);
    assert_eq!(notice::fill(tonggao, |_| None).unwrap_err().len(), 3);
}

#[test]
fn a_laboratory_counts_for_what_it_is_listed_for() {
    let plan = example();
    let day = |text: &str| text.parse().unwrap();
    let report = Report {
        body: "example-lab",
        method: "GB/T 7573",
        date: day("2026-05-02"),
        hs: Some("5208"),
        parameters: &["ph"],
    };
    let rows: [(Report<'_>, &str, Option<&str>); 10] = [
        (report, "2026-05-02", None),
        (report, "2026-06-01", None),
        (report, "2026-06-02", Some("too-old")),
        (report, "2026-05-01", Some("not-yet")),
        (Report { body: "other", ..report }, "2026-05-02", Some("unknown-body")),
        (Report { date: day("2025-12-31"), ..report }, "2026-01-02", Some("not-valid")),
        (Report { hs: Some("7404"), ..report }, "2026-05-02", Some("goods")),
        (Report { hs: None, ..report }, "2026-05-02", Some("goods")),
        (Report { parameters: &["ph", "azo-amine"], ..report }, "2026-05-02", Some("parameter")),
        (Report { method: "GB/T 1", ..report }, "2026-05-02", Some("method")),
    ];
    for (report, today, expected) in rows {
        let answer = accepted(&plan.acceptance, &report, day(today));
        assert_eq!(answer.as_ref().err().map(Rejection::word), expected, "{report:?} on {today}: {answer:?}");
    }
    assert_eq!(accepted(&[], &report, day("2026-05-02")), Err(Rejection::NoList));
}
