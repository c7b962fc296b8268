//! A cable that comes and goes all night: the chain tells it, and is not filled by it.

use tidewaiter_record::{Detail, body::Event};
use tidewaiter_tests::world::{MINUTE, SECOND, Setting, Unplugged};

use super::{expect_whole, play, world};

/// A meter that nobody uses.
const STILL: &str = "title = \"a loose plug\"\nseed = 31\n[ph_meter]\n";

#[test]
fn a_loose_plug_is_a_few_records_that_count_everything() {
    play(async || {
        let (from, to) = (10 * MINUTE, 370 * MINUTE);
        // Out for ten seconds of every thirty, for six hours.
        let unplugged = (0..(to - from) / (30 * SECOND)).map(|round| {
            let from = from + round * 30 * SECOND;
            Unplugged { instrument: "ph-1".to_owned(), from, to: from + 10 * SECOND }
        });
        let setting = Setting { unplugged: unplugged.collect(), ..Setting::of(STILL) };
        let mut world = world(setting).await;
        world.until(to + 20 * MINUTE).await;
        let reconnects = world.agent().counters.snapshot()["ph-1"].reconnects;
        let status = world.stop().await.unwrap();
        let links: Vec<Event> = world
            .centre
            .records()
            .unwrap()
            .into_iter()
            .filter_map(|record| match record.body.detail {
                Detail::Event(it) if it.name.starts_with("link-") => Some(it),
                _ => None,
            })
            .collect();
        let names: Vec<&str> = links.iter().map(|it| it.name.as_str()).collect();
        assert!(reconnects > 300, "{reconnects}: the plug was loose indeed");
        assert!(names.len() <= 7 + 7 + 1, "{} records of one plug: {names:?}", names.len());
        let told = names.iter().filter(|it| **it == "link-flapping").count();
        // It is over five minutes after the last change, which is past the sixth hour.
        assert!((6..=7).contains(&told), "once, and once an hour: {names:?}");
        let Some(last) = links.last() else { panic!("nothing is told") };
        assert_eq!((last.name.as_str(), last.facts["state"].as_str()), ("link-steady", "up"), "{names:?}");
        // Every opening but the first is the end of one time down.
        assert_eq!(last.facts["downs"], reconnects.to_string());
        assert_eq!(last.facts["changes"], (2 * reconnects).to_string());
        expect_whole(&world, status.sealed);
    });
}
