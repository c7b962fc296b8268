//! The oracle against the limits as the documents print them, written here once more as plain numbers.

use crate::peer::{demo, world};
use tidewaiter_config::declarations;
use tidewaiter_simulator::{Oracle, declarations_csv};

#[tokio::test]
async fn the_demo_shows_each_kind_within_twenty_seconds() {
    let oracle = Oracle::at(&demo(), 20_000);
    let found: Vec<_> = oracle
        .inspections
        .iter()
        .map(|it| (it.subject.as_deref().unwrap(), it.verdict.as_str(), it.reason.as_deref(), it.disposition.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("粤B12345", "Pass", None, "clear"),
            ("T-2601", "Pass", None, "clear"),
            ("粤BD7702", "Fail", None, "refer"),
            ("T-2602", "Fail", None, "refer"),
            ("TW2051617H9100000042", "Pass", None, "clear"),
            ("湘A88K31", "Fail", None, "alarm"),
            ("闽C3N905", "Inconclusive", Some("no-declaration"), "refer"),
        ]
    );
    assert_eq!(oracle.inspections[5].alarms, ["gamma"]);
    let passages = demo().passages(20_000);
    for passage in &passages {
        let length = passage.leaves_ms() - passage.arrives_ms;
        assert!((3_000..=4_200).contains(&length), "{length} ms");
    }
    for pair in passages.windows(2) {
        let gap = pair[1].arrives_ms - pair[0].leaves_ms();
        assert!((1_200..=1_800).contains(&gap), "{gap} ms");
    }
}

#[tokio::test]
async fn the_oracle_is_replayed_by_its_seed_and_is_json() {
    let (first, again) = (Oracle::at(&demo(), 60_000), Oracle::at(&demo(), 60_000));
    assert_eq!(first, again);
    let json: serde_json::Value = serde_json::from_str(&first.to_json()).unwrap();
    assert_eq!(json["inspections"].as_array().unwrap().len(), first.inspections.len());
    assert_eq!(json["inspections"][0]["values"][0]["value"], "38640");
}

#[tokio::test]
async fn generated_lorries_are_judged_as_the_regulation_prints_it() {
    let scene = "title = 't'\nseed = 21\n[weighbridge]\n[portal]\n[gamma]\n[plate_reader]\n[traffic]\nfirst = '10 s'\nheadway = '40 s'\ncount = 250\n\
                 [traffic.generator]\noverloaded = 0.2\nundeclared = 0.1\nradioactive = 0.1\nplate_wrong = 0.05\nplate_missing = 0.05\nspeeding = 0.1";
    let world = world(scene);
    let until = 250 * 40_000 + 60_000;
    let oracle = Oracle::at(&world, until);
    let passages = world.passages(until);
    assert_eq!((oracle.inspections.len(), passages.len()), (250, 250));
    let (declared, faults) = declarations::load_str("d.csv", &declarations_csv(&world)).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    for (it, passage) in oracle.inspections.iter().zip(&passages) {
        let lorry = &passage.lorry;
        // GB 1589-2016 and the regulation's article 3: 2, 3, 4, 5, 6 axles; trucks up to three axles here.
        let limit = [18_000, 25_000, 36_000, 43_000, 49_000][usize::from(lorry.axles) - 2];
        let known = it.subject.as_ref().is_some_and(|plate| declared.find(plate).is_some());
        let overloaded = known && lorry.mass_kg > limit;
        let source = lorry.source_cps > 0.0;
        let speeding = lorry.speed_kmh > 8.0;
        let verdict = if overloaded || source {
            "Fail"
        } else if known {
            "Pass"
        } else {
            "Inconclusive"
        };
        let disposition = match () {
            () if source => "alarm",
            () if speeding => "not-valid",
            () if overloaded || !known => "refer",
            () => "clear",
        };
        assert_eq!((it.verdict.as_str(), it.disposition.as_str()), (verdict, disposition), "{lorry:?}");
        assert!(!it.why.is_empty());
        *seen.entry(disposition).or_default() += 1;
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), ["alarm", "clear", "not-valid", "refer"]);
}
