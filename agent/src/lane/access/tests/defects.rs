//! Users files that went wrong: none of them is anybody's way in.

use super::*;
use crate::lane::access::book::Book;

/// One defect of a text, chosen by a number.
fn defect(text: &str, number: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let line = number / 10 % lines.len();
    let at = (number * 7_919) % text.len();
    let mut bytes = text.as_bytes().to_vec();
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    match number % 10 {
        0 => joined(&[&lines[..line], &lines[line + 1..]].concat()),
        1 => joined(&[&lines[..=line], &lines[line..]].concat()),
        2 => text[..at].to_owned(),
        3 => {
            bytes[at] ^= 1 << (number / 10 % 7);
            String::from_utf8_lossy(&bytes).into_owned()
        }
        4 => {
            bytes.remove(at);
            String::from_utf8_lossy(&bytes).into_owned()
        }
        5 => joined(
            &lines
                .iter()
                .enumerate()
                .map(|(n, it)| if n == line { it.split('=').next().unwrap() } else { it })
                .collect::<Vec<_>>(),
        ),
        6 => joined(
            &lines
                .iter()
                .enumerate()
                .map(|(n, it)| if n == line { it.trim_end_matches('"') } else { it })
                .collect::<Vec<_>>(),
        ),
        7 => {
            let mut lines = lines.clone();
            let other = (line + 1 + number % 3) % lines.len();
            lines.swap(line, other);
            joined(&lines)
        }
        8 => joined(
            &lines
                .iter()
                .enumerate()
                .map(|(n, it)| {
                    let emptied = it.split_once('=').map(|(key, _)| format!("{key}= \"\""));
                    if n == line { emptied.unwrap_or_else(|| "[]".to_owned()) } else { (*it).to_owned() }
                })
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        ),
        _ => text.replacen(["\"", "[[", "= ", "$"][number / 10 % 4], "", 1 + number / 40 % 9),
    }
}

#[test]
fn five_hundred_defects_open_no_door() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("users.toml");
    let good = to_toml(&users());
    let (mut refused, mut taken) = (0, 0);
    for number in 0..2_000 {
        let text = defect(&good, number);
        if text == good || refused + taken == 500 && refused >= 500 {
            continue;
        }
        fs::write(&path, &text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let mut book = Book::default();
        match book.refresh(Some(&path)).unwrap() {
            Err(_) => {
                refused += 1;
                assert!(book.fault().is_some());
                for user in users() {
                    assert!(book.user(&user.name).is_none(), "defect {number}\n{text}");
                }
                assert!(Role::ALL.iter().all(|it| book.by_token(&token(*it)).is_none()));
            }
            Ok(_) => {
                // Fewer people, or another name or day: whoever is let in was let in before, as the same.
                taken += 1;
                for name in text.lines().filter_map(|it| it.strip_prefix("name = \"")?.strip_suffix('"')) {
                    let Some(user) = book.user(name) else { continue };
                    let same = |it: &User| it.role == user.role && !it.disabled && it.since.year() == 2026;
                    let named = users().iter().any(|it| it.name == user.name && same(it));
                    let misspelt =
                        users().iter().any(|it| it.name != user.name && it.display == user.display && same(it));
                    assert!(named || misspelt, "defect {number} lets in {name:?}\n{text}");
                }
                assert!(book.user("left").is_none(), "defect {number}\n{text}");
            }
        }
    }
    println!("{refused} refused, {taken} taken as what they say");
    assert!(refused >= 500, "{refused}");
}

#[test]
fn a_fault_keeps_the_last_good_file_in_force_and_no_file_keeps_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("users.toml");
    let mut book = Book::default();
    assert!(book.refresh(Some(&path)).unwrap().unwrap_err().is_absent());
    assert!(book.refresh(Some(&path)).is_none(), "told once");
    write_users(&path, &users());
    let change = book.refresh(Some(&path)).unwrap().unwrap();
    assert_eq!((change.count, change.added.len()), (5, 5));
    fs::write(&path, "version = 1\nusers = 3\n").unwrap();
    assert!(book.refresh(Some(&path)).unwrap().is_err());
    assert!(book.user("lina").is_some() && book.user("LINA").is_some() && book.fault().is_some());
    // Others may read the hashes: not taken either.
    write_users(&path, &users()[1..]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let why = book.refresh(Some(&path)).unwrap().unwrap_err().to_string();
    assert!(why.contains("chmod 0600"), "{why}");
    assert!(book.user("lina").is_some());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let change = book.refresh(Some(&path)).unwrap().unwrap();
    assert_eq!(change.removed, ["lina"]);
    // Another file is another list, and none is nobody.
    assert!(book.refresh(Some(&dir.path().join("other.toml"))).unwrap().is_err());
    assert!(book.user("wang").is_none());
    write_users(&path, &users());
    book.refresh(Some(&path)).unwrap().unwrap();
    assert_eq!(book.refresh(None).unwrap().unwrap().removed.len(), 5);
    assert!(book.user("lina").is_none() && book.refresh(None).is_none());
}

#[test]
fn two_changes_at_once_are_both_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("users.toml");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let user = user(&format!("user-{number}"), &format!("User {number}"), Role::Operator);
                let user = User { tokens: Vec::new(), ..user };
                super::super::file::change(path, |users| {
                    users.push(user);
                    Ok::<_, super::super::file::FileError>(())
                })
                .unwrap();
            });
        }
    });
    let (users, _) = super::super::file::read(&path).unwrap();
    assert_eq!(users.len(), 8);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
}
