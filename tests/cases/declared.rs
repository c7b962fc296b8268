//! Declarations that change while the lane runs.

use std::fmt::Write as _;

use tidewaiter_tests::world::{SECOND, Setting, row};

use super::{expect, expect_whole, play, world};

/// Nothing is declared in the scene; whatever is known comes from the test.
fn scene(plates: &[&str]) -> String {
    let mut scene = r#"
title = "lorries and their papers"
seed = 12
[lane]
time_limit = "60 s"
identity_window = "4 s"
[weighbridge]
noise_kg = 1.0
zero_drift_kg = 0.0
[plate_reader]
[traffic]
first = "5 s"
headway = "30 s"
"#
    .to_owned();
    for plate in plates {
        let _ = writeln!(scene, "[[traffic.lorry]]\nplate = \"{plate}\"\naxles = 2\nmass_kg = 12000");
    }
    scene
}

#[test]
fn a_file_is_read_again_when_it_changes_and_the_last_good_one_stays() {
    play(async || {
        let scene = scene(&["A", "A", "A", "B", "A", "A"].map(|it| match it {
            "A" => "粤B00001",
            _ => "粤B00002",
        }));
        let mut world = world(Setting::of(&scene)).await;
        // Each is written between two lorries, two seconds before the next one comes.
        world.until(33 * SECOND).await;
        world.declare("subject,axles,vehicle\n粤B00001,2,truck\n").unwrap();
        world.until(63 * SECOND).await;
        world.declare("this is no list of anything\nat all\n").unwrap();
        world.until(93 * SECOND).await;
        world.post("粤B00002", &[("axles", "2"), ("vehicle", "truck")]).await.unwrap();
        world.until(123 * SECOND).await;
        world.declare("subject,axles,vehicle\n粤B00009,2,truck\n").unwrap();
        world.until(153 * SECOND).await;
        world.declare("subject,axles,vehicle\n粤B00001,2,truck\n粤B00009,2,truck\n").unwrap();
        world.until(185 * SECOND).await;
        let status = world.stop().await.unwrap();
        let found = world.centre.inspections().unwrap();
        expect(
            &world,
            found.iter().map(|detail| row(detail, "gross-mass")),
            "粤B00001 | complete | Inconclusive(no-declaration) | refer | 12000 | - | -
             粤B00001 | complete | Pass | clear | 12000 | - | -
             粤B00001 | complete | Pass | clear | 12000 | - | -
             粤B00002 | complete | Pass | clear | 12000 | - | -
             粤B00001 | complete | Inconclusive(no-declaration) | refer | 12000 | - | -
             粤B00001 | complete | Pass | clear | 12000 | - | -",
        );
        // What was declared at the time stands in the record.
        assert_eq!(found[0].subject.declared, None);
        assert_eq!(found[3].subject.declared.as_ref().unwrap()["axles"], "2");
        expect_whole(&world, status.sealed);
    });
}
