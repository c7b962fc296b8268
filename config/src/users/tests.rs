#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$vJQ1rkxEWFJZQBhyNGyXOjjOLFQUxhSuWLZGG1Uqqpg";

fn file() -> String {
    format!(
        "version = 1\n\n[[users]]\nname = \"lina\"\ndisplay = \"Li Na\"\nrole = \"operator\"\nsince = 2026-11-29\n\
         password = \"{HASH}\"\ndisabled = false\n\n[[users.tokens]]\nid = \"t1\"\nsha256 = \"{}\"\nsince = 2026-11-30\n\n\
         [[users]]\nname = \"wang\"\ndisplay = \"王 \\\"五\\\"\"\nrole = \"administrator\"\nsince = 2026-11-29\n\
         disabled = true\n",
        "9f".repeat(32)
    )
}

#[test]
fn what_is_written_is_read_back() {
    let users = users_from_str("users.toml", &file()).unwrap();
    assert_eq!(users.len(), 2);
    assert_eq!((users[0].role, users[1].role), (Role::Operator, Role::Administrator));
    assert_eq!(users[0].tokens[0].sha256, [0x9F; 32]);
    assert_eq!(users[1].display, "王 \"五\"");
    assert!(users[1].disabled && users[1].password.is_none());
    assert_eq!(users_from_str("users.toml", &to_toml(&users)).unwrap(), users);
    assert_eq!(users_from_str("users.toml", &to_toml(&[])).unwrap(), []);
}

#[test]
fn a_hash_is_one_that_we_would_make() {
    assert!(is_accepted_hash(HASH));
    for (from, to) in [
        ("argon2id", "argon2i"),
        ("v=19", "v=16"),
        ("m=19456", "m=8"),
        ("m=19456", "m=4194304"),
        ("m=19456", "m=019456"),
        ("m=19456", "m=+19456"),
        ("t=2", "t=1"),
        ("t=2", "t=200"),
        ("p=1", "p=0"),
        ("p=1", "p=64"),
        ("t=2,p=1", "p=1,t=2"),
        ("c29tZXNhbHRzb21lc2FsdA", "c29tZXNhbHQ"),
        ("c29tZXNhbHRzb21lc2FsdA", ""),
        ("Uqqpg", "Uqqp"),
        ("Uqqpg", "Uqqpg$"),
        ("Uqqpg", "Uqqpg="),
        ("Uqqpg", "Uqqph"),
        ("$argon2id", "argon2id"),
    ] {
        let changed = HASH.replace(from, to);
        assert!(changed != HASH && !is_accepted_hash(&changed), "{changed}");
    }
}

#[test]
fn a_fault_refuses_the_whole_file() {
    let check = |from: &str, to: &str, says: &str| {
        let text = file().replacen(from, to, 1);
        assert_ne!(text, file(), "{from}");
        let report = users_from_str("users.toml", &text).unwrap_err().to_string();
        assert!(report.contains(says), "`{report}` does not say `{says}`");
    };
    check("version = 1", "version = 2", "version");
    check("role = \"operator\"", "role = \"root\"", "administrator");
    check("role = \"operator\"\n", "", "role");
    check("name = \"wang\"", "name = \"LINA\"", "two users have the name");
    check("王 \\\"五\\\"", "li na", "two users are shown as");
    check("name = \"lina\"", "name = \"\"", "name");
    check("name = \"lina\"", "name = \"li na\"", "id");
    check("display = \"Li Na\"", "display = \" Li Na\"", "invisible");
    check("display = \"Li Na\"", "display = \"Li\u{202E}Na\"", "invisible");
    check("since = 2026-11-29", "since = \"yesterday\"", "since");
    check("disabled = true", "disabled = \"no\"", "disabled");
    check("disabled = true", "enabled = true", "enabled");
    check("disabled = true\n", "", "disabled");
    check("[[users.tokens]]", "[[users.token]]", "tokens");
    check("password =", "pasword =", "pasword");
    check(HASH, "correct horse battery", "no argon2id hash");
}

#[test]
fn a_secret_typed_by_mistake_is_not_shown_in_the_finding() {
    for (from, to) in [(HASH, "hunter2hunter2"), ("9f9f9f9f9f9f", "hunter2hunter2")] {
        let text = file().replacen(from, to, 1);
        let report = users_from_str("users.toml", &text).unwrap_err();
        for finding in report.findings() {
            assert!(!finding.what.contains("hunter2") && !finding.way_out.contains("hunter2"), "{finding}");
        }
    }
}
