//! What is found, what is refused, and how much work it is.

use jiff::tz::TimeZone;

use super::*;
use crate::lane::history::{
    filter::{Query, QueryError},
    index::{Index, Page, Reach},
};

fn query(text: &str) -> Result<Query, QueryError> {
    let fields: Vec<(String, String)> = text
        .split('&')
        .filter(|it| !it.is_empty())
        .map(|it| it.split_once('=').unwrap_or((it, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Query::read(&fields, &TimeZone::get("Asia/Shanghai").unwrap())
}

/// Four samples: a pass, a fail, a drill, and one that never came to a value; then an event.
async fn four() -> (Desk, Vec<u64>) {
    let desk = Desk::new().await;
    let samples = [
        Sample::new(1, "6.8"),
        Sample { place: "bench-b", name: "粤B·12 345".into(), ..Sample::new(2, "9.1") },
        Sample { drill: true, ..Sample::new(3, "9.4") },
        Sample { ph: None, simulated: true, ..Sample::new(4, "") },
    ];
    let mut numbers = Vec::new();
    for sample in &samples {
        numbers.push(desk.record(sample).await);
    }
    numbers.push(desk.event("door-opened").await);
    desk.local.history.catch_up(&desk.outbox, u64::MAX / 2).await;
    (desk, numbers)
}

#[tokio::test]
async fn a_search_finds_what_was_asked_for() {
    let (desk, numbers) = four().await;
    let check = |text: &str, expected: &[usize]| {
        let query = query(text).unwrap();
        let found = desk.local.history.look(|it| it.search(&query.filter, query.page, query.rows));
        let mut found: Vec<u64> = found.rows.iter().map(|it| it.seq).collect();
        found.reverse();
        let expected: Vec<u64> = expected.iter().map(|it| numbers[*it]).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("", &[0, 1, 2, 3]);
    check("place=bench-b", &[1]);
    check("disposition=clear", &[0]);
    check("disposition=refer", &[1, 2, 3]);
    check("verdict=Fail", &[1, 2]);
    check("verdict=Inconclusive", &[3]);
    check("table=gb18401-2010-t1", &[0, 1, 2, 3]);
    check("table=gb18401-2010-t1&parameter=ph", &[0, 1, 2, 3]);
    check("parameter=formaldehyde", &[]);
    check("table=other", &[]);
    // Part of it, in any spelling of separators and letters; the inspection's own id too.
    check("subject=s-0003", &[2]);
    check("subject=000", &[0, 2, 3]);
    check("subject=粤b12345", &[1]);
    check("subject=bench-a-1-4", &[3]);
    check("mark=drill", &[2]);
    check("mark=simulated", &[3]);
    check("mark=real", &[0, 1]);
    check("kind=event", &[4]);
    // Records are a minute apart, from 08:01 on at the site.
    check("from=2026-11-29T08:02", &[1, 2, 3]);
    check("to=2026-11-29T08:02", &[0, 1]);
    check("from=2026-11-29T08:02&to=2026-11-29T08:03", &[1, 2]);
    check("from=2026-11-29&to=2026-11-29", &[0, 1, 2, 3]);
    check("to=2026-11-28", &[]);
    check("from=2026-11-30", &[]);
    check("verdict=Fail&mark=real&place=bench-b&subject=&lang=en", &[1]);
    check("limit=1", &[3]);
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let check = |text: &str, part: &str| {
        let why = query(text).unwrap_err();
        for language in tidewaiter_words::Language::ALL {
            let said = why.say(language);
            assert!(said.contains(part) && !said.contains(['{', '}']), "{text}: {said}");
            assert!(!said.contains("history-"), "{text}: {said}");
        }
    };
    check("colour=red", "colour");
    check("verdict=Passed", "Passed");
    check("disposition=Clear", "Clear");
    check("kind=inspections", "inspections");
    check("mark=both", "both");
    check("from=yesterday", "yesterday");
    check("from=2026-13-01", "2026-13-01");
    check("from=2026-11-29T25:00", "25:00");
    check("to=9999-12-31", "9999-12-31");
    check("from=-009999-01-01", "-009999");
    check("before=-1", "-1");
    check("before=+1", "+1");
    check("before=18446744073709551616", "18446744073709551616");
    check("limit=0", "0");
    check("limit=201", "201");
    check("limit=1e3", "1e3");
    check("subject=a\u{7}b", "b");
    check(&format!("subject={}", "x".repeat(101)), "xxx");
    assert_eq!(query(&"a=1&".repeat(41)).unwrap_err(), QueryError::TooMany);
    let long = query(&format!("{}=1", "n".repeat(5_000))).unwrap_err().say(tidewaiter_words::Language::En);
    assert!(long.len() < 200, "{}", long.len());
}

#[tokio::test]
async fn the_same_is_said_to_a_browser_in_its_language() {
    let desk = Desk::new().await;
    for (path, code, part) in [
        ("/history?verdict=x&lang=en", 400, "Verdict: “x” cannot be used"),
        ("/history?verdict=x", 400, "判定：“x”无法使用"),
        ("/history?verdict=%FF%FE", 400, "无法使用"),
        ("/history.csv?from=x&lang=en", 400, "From (local time)"),
        ("/stats?by=colour&lang=en", 400, "choose from the list"),
        ("/stats?from=2026-11-02&to=2026-11-01", 400, "不得早于起始日期"),
        ("/stats.csv?x=1", 400, "没有“x”"),
        ("/record/4711?lang=en", 404, "Record #4711 is not stored here"),
        ("/record/18446744073709551615", 404, "18446744073709551615"),
        ("/record/18446744073709551616", 404, "记录号"),
        ("/record/-1", 404, "记录号"),
        ("/record/0.exe", 404, ".json"),
        ("/record/0/slip", 404, "检测单"),
        ("/record/0/spectrum", 404, "能谱"),
        ("/record/0.n42", 404, "N42.42"),
        ("/evidence/xyz", 404, "SHA-256"),
        ("/evidence/..%2F..%2Fetc%2Fpasswd", 404, "SHA-256"),
        (&format!("/evidence/{}", "0".repeat(64)), 404, "没有记录列有此附证"),
        ("/history?before=9223372036854775807", 200, "没有符合条件的记录"),
    ] {
        let answer = desk.get(path).await;
        assert_eq!(answer.code.as_u16(), code, "{path}: {}", answer.text());
        assert!(answer.text().contains(part), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn pages_meet_each_other_without_a_row_lost() {
    let desk = Desk::new().await;
    let mut all = Vec::new();
    for number in 0..23 {
        all.push(desk.record(&Sample::new(number, "6.8")).await);
    }
    all.reverse();
    desk.local.history.catch_up(&desk.outbox, u64::MAX / 2).await;
    let query = query("limit=5").unwrap();
    let at = |page| desk.local.history.look(|it| it.search(&query.filter, page, query.rows));
    let numbers = |found: &crate::lane::history::index::Found| found.rows.iter().map(|it| it.seq).collect::<Vec<_>>();
    let (mut page, mut down, mut pages) = (Page::Newest, Vec::new(), Vec::new());
    loop {
        let found = at(page);
        assert_eq!(found.all, 23);
        assert_eq!(found.newer, !down.is_empty());
        down.extend(numbers(&found));
        pages.push(numbers(&found));
        if !found.older {
            break;
        }
        page = Page::Before(*down.last().unwrap());
    }
    assert_eq!(down, all);
    // And up again, from page to page.
    for pair in pages.windows(2).rev() {
        let found = at(Page::After(pair[1][0]));
        assert_eq!(numbers(&found), pair[0]);
        assert!(found.older);
        assert_eq!(found.newer, pair[0] != pages[0]);
    }
}

/// The stated bound: a page reads at most [`AT_ONCE`](crate::lane::history::follow::AT_ONCE) records and a page of them
/// to be up to date, and none of what it has seen before.
#[tokio::test]
async fn ten_thousand_records_are_read_once() {
    let desk = Desk::new().await;
    let drafts: Vec<Draft> = (0..10_000)
        .map(|number| {
            let at = Moment { mono_ms: 2_000 + number, wall_ms: MIDNIGHT + i64::try_from(number).unwrap() };
            Sample::new(usize::try_from(number).unwrap(), "6.8").draft(at)
        })
        .collect();
    for draft in drafts.chunks(256) {
        let sealing: Vec<_> = draft.iter().map(|it| desk.outbox.seal(it.clone())).collect();
        for sealed in futures_util::future::join_all(sealing).await {
            sealed.unwrap();
        }
    }
    let read = || desk.read.swap(0, Ordering::Relaxed);
    read();
    let page = desk.page("/history?lang=en").await;
    assert!(page.contains("still being looked through"), "the page says how far back it reaches");
    let first = read();
    assert!(first <= 2 * crate::lane::history::follow::AT_ONCE, "{first} records read for the first page");
    let mut rounds = 0;
    while desk.local.history.catch_up(&desk.outbox, crate::lane::history::follow::AT_ONCE).await {
        rounds += 1;
        assert!(rounds < 100);
    }
    let whole = first + read();
    assert!((10_000..10_200).contains(&whole), "{whole} records read for all of them");
    let began = std::time::Instant::now();
    for path in ["/history", "/history?subject=9999", "/history?verdict=Fail", "/history?before=500", "/stats"] {
        assert!(!desk.page(path).await.contains("目前可查到"));
        let read = read();
        assert!(read <= 2, "{path}: {read} records read");
    }
    println!("five searches over 10 000 records: {:?}", began.elapsed());
    assert!(desk.page("/history?subject=S-9999").await.contains("S-9999"));
    desk.record(&Sample::new(10_000, "6.8")).await;
    read();
    assert!(desk.page("/history").await.contains("S-10000"), "the newest record is there at once");
    assert!(read() <= 4);
}

#[test]
fn the_index_is_bounded_and_says_so() {
    use crate::lane::history::index::MOST_ROWS;
    let entry = |seq: u64| Entry {
        seq,
        bytes: vec![0xff],
        hash: Hash([0; 32]),
        alert: false,
        sealed_ms: 0,
        place: "p".into(),
        draft: None,
    };
    let all = query("kind=all").unwrap();
    let mut index = Index::default();
    let most = MOST_ROWS as u64;
    index.begin(most + 1_000);
    index.push_newer(&[entry(most + 1_000), entry(most + 1_001)]);
    // Backward, until it is full.
    let mut pages = 0;
    while let Some(low) = index.low() {
        let from = low.saturating_sub(5_000);
        let entries: Vec<Entry> = (from..low).map(entry).collect();
        index.push_older(from, &entries);
        pages += 1;
    }
    assert_eq!(pages, 12);
    assert_eq!(index.reach(), Reach::Bounded(1_002));
    assert_eq!(index.search(&all.filter, Page::Newest, 1).all, MOST_ROWS);
    // Forward from there: the oldest give way.
    index.push_newer(&(most + 1_002..most + 1_012).map(entry).collect::<Vec<_>>());
    assert_eq!(index.search(&all.filter, Page::Newest, 1).all, MOST_ROWS);
    assert_eq!(index.reach(), Reach::Bounded(1_012));
    // What comes twice is there once.
    index.push_newer(&[entry(most + 1_011)]);
    assert_eq!(index.search(&all.filter, Page::Newest, 1).all, MOST_ROWS);
    // What the store has deleted is gone here too.
    index.forget_below(most + 1_010);
    assert_eq!(index.search(&all.filter, Page::Newest, 1).all, 2);
}

#[test]
fn a_store_that_was_trimmed_is_searched_to_its_end() {
    let entry = |seq: u64| Entry {
        seq,
        bytes: vec![0xff],
        hash: Hash([0; 32]),
        alert: false,
        sealed_ms: 0,
        place: "p".into(),
        draft: None,
    };
    let mut index = Index::default();
    index.begin(600);
    index.push_older(472, &(472..600).map(entry).collect::<Vec<_>>());
    assert_eq!(index.reach(), Reach::Growing(472));
    index.push_older(344, &(400..472).map(entry).collect::<Vec<_>>());
    assert_eq!(index.reach(), Reach::Whole);
    assert_eq!(index.low(), None);
}
