//! What may leave the machine in a bundle for support: no secret, no plate.
//!
//! Two sieves, one after the other. [`site`] knows TOML: a value whose key sounds like a secret is starred out, and notes
//! (where people write passwords) are dropped with the rest of the file's looks. [`text`] knows only characters: private keys in PEM,
//! what stands before the `@` of an address, `word=secret`, bearer tokens, plates. Everything that goes into the bundle passes the second.

use toml::Value;

/// What stands in place of something secret.
pub(super) const STARS: &str = "***";

/// Parts of names that hold, or may hold, a secret.
const SECRET: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "pin",
    "credential",
    "psk",
    "api_key",
    "apikey",
    "auth",
    "authorization",
    "user",
    "bearer",
];

/// Whether a key or variable of this name may hold a secret. A public key, an id or a file's place is none.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET.iter().any(|part| match *part {
        // Within other words these say nothing: `spin`, `author`.
        short @ ("pin" | "pwd" | "psk" | "auth") => name.split('_').any(|word| word == short),
        part => name.contains(part),
    })
}

/// A site file without notes and secrets; `None` when it is no TOML, and so nobody can say what is secret in it.
pub(super) fn site(text: &str) -> Option<String> {
    let mut table: toml::Table = text.strip_prefix('\u{feff}').unwrap_or(text).parse().ok()?;
    for (key, value) in &mut table {
        star(key, value);
    }
    Some(self::text(&toml::to_string(&table).ok()?))
}

fn star(key: &str, value: &mut Value) {
    match value {
        Value::Table(table) => table.iter_mut().for_each(|(key, value)| star(key, value)),
        Value::Array(items) => items.iter_mut().for_each(|value| star(key, value)),
        value if is_secret(key) => *value = Value::String(STARS.to_owned()),
        _ => {}
    }
}

/// JSON without secrets; names of persons and plates go too.
pub(super) fn json(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                let person = matches!(key.as_str(), "operator" | "by" | "person");
                if (is_secret(key) || person || key == "subject" || key == "busy") && !value.is_null() {
                    *value = serde_json::Value::from(STARS);
                } else {
                    json(value);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(json),
        serde_json::Value::String(it) => *it = text(it),
        _ => {}
    }
}

/// Any text without secrets and plates.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut within_key = false;
    for line in text.split_inclusive('\n') {
        if line.contains("-----BEGIN") && line.contains("PRIVATE KEY") {
            within_key = true;
            out.push_str(STARS);
            out.push('\n');
        }
        if !within_key {
            out.push_str(&plates(&assignments(&addresses(line))));
        }
        if line.contains("-----END") {
            within_key = false;
        }
    }
    out
}

/// Stars out what stands between `://` and `@`.
fn addresses(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let end =
            after.find(|it: char| it.is_whitespace() || matches!(it, '"' | '\'' | '<' | '>')).unwrap_or(after.len());
        let (address, behind) = after.split_at(end);
        // A password may hold a slash or another @, so the last @ of the word counts.
        match address.rfind('@') {
            Some(at) => {
                out.push_str(STARS);
                out.push_str(address.get(at..).unwrap_or_default());
            }
            None => out.push_str(address),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Stars out the value of `name=value`, `name: value` and `Bearer value` for names that sound secret.
fn assignments(line: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    // How much of the value that follows a secret name has been met.
    let mut state = State::Plain;
    for sign in line.chars() {
        let in_word = sign.is_alphanumeric() || matches!(sign, '_' | '-');
        match state {
            State::Plain if in_word => {
                word.push(sign);
                out.push(sign);
            }
            State::Plain => {
                let name = word.to_ascii_lowercase();
                state = match sign {
                    '=' | ':' if is_secret(&name) => State::Expected,
                    ' ' if name == "bearer" || name == "basic" => State::Expected,
                    // `"name": value` and `name = value`: the name is still the last word.
                    '"' | '\'' | ' ' if is_secret(&name) => State::Plain,
                    _ => {
                        word.clear();
                        State::Plain
                    }
                };
                out.push(sign);
            }
            State::Expected if matches!(sign, ' ' | '=' | ':') => out.push(sign),
            State::Expected if matches!(sign, '"' | '\'') => {
                out.push(sign);
                out.push_str(STARS);
                state = State::Quoted(sign);
            }
            State::Expected if sign == '\n' => {
                out.push(sign);
                state = State::Plain;
            }
            State::Expected => {
                out.push_str(STARS);
                state = State::Bare;
            }
            State::Quoted(quote) if sign == quote => {
                out.push(sign);
                word.clear();
                state = State::Plain;
            }
            State::Bare if sign.is_whitespace() || matches!(sign, '&' | ',' | ';' | '"' | '\'' | ')' | '}') => {
                // `Authorization: Bearer x` names its secret twice; the second word is starred as well.
                out.push(sign);
                word.clear();
                state = if sign == ' ' && line.to_ascii_lowercase().contains("authorization") {
                    State::Expected
                } else {
                    State::Plain
                };
            }
            State::Quoted(_) | State::Bare => {}
        }
    }
    out
}

#[derive(Clone, Copy)]
enum State {
    /// Ordinary text.
    Plain,
    /// A secret comes next.
    Expected,
    /// Within a secret in quotes.
    Quoted(char),
    /// Within a secret without quotes.
    Bare,
}

/// Masks plates of vehicles: a province's sign, a letter, and five or six letters or digits; and container numbers.
fn plates(line: &str) -> String {
    let signs: Vec<char> = line.chars().collect();
    let mut out = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(&sign) = signs.get(at) {
        let run = |from: usize, fits: fn(char) -> bool| signs.iter().skip(from).take_while(|it| fits(**it)).count();
        let upper = |it: char| it.is_ascii_uppercase() || it.is_ascii_digit();
        let behind = run(at + 1, upper);
        let province = ('\u{4e00}'..='\u{9fff}').contains(&sign);
        if province && (6..=7).contains(&behind) && signs.get(at + 1).is_some_and(char::is_ascii_uppercase) {
            out.push(sign);
            out.extend(signs.get(at + 1));
            out.push_str("****");
            at += 1 + behind;
            continue;
        }
        let starts_word = at == 0 || signs.get(at - 1).is_some_and(|it| !it.is_alphanumeric());
        let letters = run(at, |it| it.is_ascii_uppercase());
        if starts_word && letters == 4 && run(at + 4, |it| it.is_ascii_digit()) == 7 {
            out.extend(signs.iter().skip(at).take(4));
            out.push_str("****");
            at += 11;
            continue;
        }
        out.push(sign);
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_are_starred_and_the_rest_stays() {
        let check = |from: &str, expected: &str| assert_eq!(text(from), expected, "{from:?}");
        check("mqtts://li:s3cret@broker.example:8883 up", "mqtts://***@broker.example:8883 up");
        check("rtsp://admin:p@ss/w@10.0.0.1/1", "rtsp://***@10.0.0.1/1");
        check("https://centre/api?token=abc&x=1", "https://centre/api?token=***&x=1");
        check("password = \"open sesame\" # note", "password = \"***\" # note");
        check("PIN: 1234, next", "PIN: ***, next");
        check("{\"api_key\":\"k-1\",\"n\":2}", "{\"api_key\":\"***\",\"n\":2}");
        check("Authorization: Bearer abc.def", "Authorization: *** ***");
        check("a Bearer abc.def b", "a Bearer *** b");
        check("-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\nx", "***\nx");
        check("lorry 粤B12345 and 沪AD12345", "lorry 粤B**** and 沪A****");
        check("box CSQU3054383 at lane-7", "box CSQU**** at lane-7");
        check("serial A9-2231, spin=3, author: x", "serial A9-2231, spin=3, author: x");
        check("sha256 0011aabb, port 8883, 38640 kg", "sha256 0011aabb, port 8883, 38640 kg");
    }

    #[test]
    fn a_site_file_loses_notes_and_secrets() {
        let told = site("# wifi password hunter2\n[a]\npassword = \"x1\"\nurl = \"http://u:x2@h/\"\nlist = [\"b\"]\n[[c]]\ntoken = \"x3\"\n").unwrap();
        assert!(
            !told.contains("hunter2") && !told.contains("x1") && !told.contains("x2") && !told.contains("x3"),
            "{told}"
        );
        assert!(told.contains("list = [\"b\"]") && told.contains("http://***@h/"), "{told}");
        assert!(site("no toml at all").is_none());
    }
}
