//! Declarations as they change under a running agent.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

fn read(text: &str) -> Identity {
    Identity { kind: "plate".to_owned(), text: text.to_owned(), source: "read".to_owned(), confidence: None }
}

fn ambiguous(text: &str) -> Identity {
    Identity { source: "ambiguous".to_owned(), ..read(text) }
}

/// The `axles` declared under these identities; `-` when nothing is declared at all.
fn axles(book: &DeclarationBook, identities: &[Identity]) -> String {
    match book.find(identities) {
        Declaration::None => "-".to_owned(),
        Declaration::Found(facts) => facts.get("axles").cloned().unwrap_or_else(|| "?".to_owned()),
    }
}

fn facts(axles: &str) -> BTreeMap<String, String> {
    [("axles".to_owned(), axles.to_owned())].into()
}

#[test]
fn a_changed_file_counts_and_a_bad_one_leaves_the_last_good() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.csv");
    // Each row: what the file holds (or that it is gone), and the axles of A and B afterwards.
    let rows: [(Option<&str>, &str, &str); 6] = [
        (Some("subject,axles\nA,2\n"), "2", "-"),
        (Some("subject,axles\nA,2\nB,6\n"), "2", "6"),
        (Some("no heading of ours\nat all, in no way\n"), "2", "6"),
        (None, "2", "6"),
        (Some("subject,axles\nB,5\n"), "-", "5"),
        // One row that contradicts another costs that subject, not the file.
        (Some("subject,axles\nA,3\nA,4\nB,5\n"), "-", "5"),
    ];
    let mut book = DeclarationBook::new(std::slice::from_ref(&path), Subjects::default());
    for (content, a, b) in rows {
        match content {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        book.refresh();
        assert_eq!(
            (axles(&book, &[read("A")]), axles(&book, &[read("B")])),
            (a.to_owned(), b.to_owned()),
            "{content:?}"
        );
    }
}

#[test]
fn a_file_of_the_same_length_is_read_again_when_its_time_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.csv");
    fs::write(&path, "subject,axles\nA,2\n").unwrap();
    let mut book = DeclarationBook::new(std::slice::from_ref(&path), Subjects::default());
    fs::write(&path, "subject,axles\nA,3\n").unwrap();
    let later = fs::metadata(&path).unwrap().modified().unwrap() + Duration::from_secs(2);
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    book.refresh();
    assert_eq!(axles(&book, &[read("A")]), "3");
}

#[test]
fn a_posted_fact_wins_over_a_file_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.csv");
    fs::write(&path, "subject,axles,goods\n粤B·12345,2,steel\n").unwrap();
    let files = [path];
    let mut book = DeclarationBook::new(&files, Subjects::open(dir.path()));
    book.post("粤B 12345", facts("6"), 0).unwrap();
    book.post("粤B12345", facts("5"), 0).unwrap();
    // A line that a power cut left half written costs itself only.
    let posted = dir.path().join(Subjects::FILE);
    let mut torn = fs::OpenOptions::new().append(true).open(&posted).unwrap();
    torn.write_all(b"{\"subject\":\"X\",\"fac").unwrap();
    drop(torn);
    for book in [book, DeclarationBook::new(&files, Subjects::open(dir.path()))] {
        let Declaration::Found(found) = book.find(&[read("粤b12345")]) else { panic!("declared") };
        assert_eq!((found["axles"].as_str(), found["goods"].as_str()), ("5", "steel"));
    }
    // What is posted after the torn line is not swallowed by it.
    let mut book = DeclarationBook::new(&files, Subjects::open(dir.path()));
    book.post("Y", facts("4"), 0).unwrap();
    let book = DeclarationBook::new(&files, Subjects::open(dir.path()));
    assert_eq!((axles(&book, &[read("Y")]), axles(&book, &[read("X")])), ("4".to_owned(), "-".to_owned()));
}

#[test]
fn what_cannot_be_kept_on_disk_is_refused_and_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    let mut book = DeclarationBook::new(&[], Subjects::open(&gone));
    assert!(book.post("A", facts("2"), 0).is_err());
    assert_eq!(axles(&book, &[read("A")]), "-");
}

#[test]
fn an_ambiguous_identity_brings_no_declaration() {
    let mut book = DeclarationBook::new(&[], Subjects::default());
    book.post("A", facts("2"), 0).unwrap();
    book.post("B", facts("6"), 0).unwrap();
    let rows: [(&[Identity], &str); 5] = [
        (&[read("A")], "2"),
        (&[read("C")], "-"),
        (&[ambiguous("A"), ambiguous("B")], "-"),
        (&[ambiguous("A"), ambiguous("C")], "-"),
        (&[ambiguous("A"), read("B")], "6"),
    ];
    for (identities, expected) in rows {
        assert_eq!(axles(&book, identities), expected, "{identities:?}");
    }
}

#[test]
fn what_was_posted_is_forgotten_in_time_on_the_disk_too() {
    let dir = tempfile::tempdir().unwrap();
    let posted = dir.path().join(Subjects::FILE);
    // As an agent wrote it that knew no dates.
    fs::write(&posted, "{\"subject\":\"粤B00001\",\"facts\":{\"axles\":\"2\"}}\n").unwrap();
    let day = 86_400_000;
    let keep = Duration::from_hours(240);
    let declared = |book: &DeclarationBook, text: &str| matches!(book.find(&[read(text)]), Declaration::Found(_));
    let mut book = DeclarationBook::new(&[], Subjects::open(dir.path()));
    book.forget(keep, 100 * day);
    book.post("粤B12345", facts("6"), 105 * day).unwrap();
    for (at, old, new) in [(109, true, true), (110, false, true), (114, false, true), (115, false, false)] {
        book.forget(keep, at * day);
        assert_eq!((declared(&book, "粤B00001"), declared(&book, "粤B12345")), (old, new), "day {at}");
        let again = DeclarationBook::new(&[], Subjects::open(dir.path()));
        assert_eq!((declared(&again, "粤B00001"), declared(&again, "粤B12345")), (old, new), "read again on day {at}");
    }
    assert_eq!(fs::read_to_string(&posted).unwrap(), "");
    // A clock that jumps back forgets nothing.
    book.post("粤B12345", facts("6"), 120 * day).unwrap();
    book.forget(keep, 0);
    assert!(declared(&book, "粤B12345"));
}
