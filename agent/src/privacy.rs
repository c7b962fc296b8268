//! What is said of people outside the signed records: masked unless somebody asks for it plain.
//!
//! Plates, and the names of operators, drivers and whoever else a declaration names, are personal data. Container,
//! sample, lot and declaration numbers name goods and are not. `粤B12345` becomes `粤B1***`, `Li Na` becomes `L***`.
//! A plate is masked wherever it stands in a text, where it can be told by its shape (GA 36-2018: a province, a letter,
//! five or six more); foreign ones are known only by the field they stand in. What somebody typed into a note or a
//! title stays as typed, but for plates. Pure.

use serde_json::Value;

/// The provinces and special signs a Chinese plate begins with.
const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使";
/// Characters of a plate after its province and letter: five, six on electric vehicles.
const AFTER: std::ops::RangeInclusive<usize> = 5..=6;
/// Fields that name a person, in records and in declarations.
const PEOPLE: [&str; 12] = [
    "operator",
    "by",
    "person",
    "driver",
    "driver-name",
    "driver-id",
    "phone",
    "id-number",
    "owner",
    "consignee",
    "consignor",
    "declarant",
];
/// Fields that hold a plate.
const PLATES: [&str; 3] = ["plate", "trailer", "trailer-plate"];
/// Events whose subject is a user, or whose facts list users.
const OF_USERS: [&str; 5] = ["sign-in", "sign-out", "sign-in-failed", "users-in-force", "password-changed"];
/// Facts that list users in those events.
const LISTS: [&str; 4] = ["users", "added", "removed", "changed"];

fn masked(text: &str, shown: usize) -> String {
    let length = text.chars().count();
    let mut masked: String = text.chars().take(shown.min(length / 2)).collect();
    masked.push_str("***");
    masked
}

/// A plate: its first three characters, half of a short one.
pub fn plate(text: &str) -> String {
    masked(text, 3)
}

/// A name: its first character.
pub fn name(text: &str) -> String {
    masked(text, 1)
}

/// A text without the plates in it.
pub fn scrub(text: &str) -> String {
    if !text.contains(|c| PROVINCES.contains(c)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = plate_length(rest);
        match length.and_then(|it| rest.split_at_checked(it)) {
            Some((found, after)) => {
                out.push_str(&plate(&found.chars().filter(|it| it.is_alphanumeric()).collect::<String>()));
                rest = after;
            }
            None => {
                out.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

/// Bytes of the plate that a text begins with. Readers put a point or a blank after the letter.
fn plate_length(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    let (_, province) = characters.next()?;
    let (_, letter) = characters.next()?;
    if !PROVINCES.contains(province) || !letter.is_ascii_alphabetic() {
        return None;
    }
    let (mut after, mut end) = (0, None);
    for (at, c) in characters {
        if c.is_ascii_alphanumeric() {
            after += 1;
            if after > *AFTER.end() {
                return None;
            }
            end = Some(at + c.len_utf8());
        } else if !(after == 0 && matches!(c, ' ' | '·' | '-' | '.')) {
            // The last of a plate may be a sign of its own, as on trailers (挂) and coaches (学).
            break;
        }
    }
    end.filter(|_| after + 1 >= *AFTER.start())
}

/// A record as JSON, with the people in it masked.
pub fn record(value: &mut Value) {
    let of_user = value.pointer("/detail/name").and_then(Value::as_str).is_some_and(|event| OF_USERS.contains(&event));
    if of_user {
        if let Some(Value::String(subject)) = value.pointer_mut("/detail/subject") {
            *subject = name(subject);
        }
        for list in LISTS {
            if let Some(Value::String(users)) = value.pointer_mut(&format!("/detail/facts/{list}"))
                && !users.bytes().all(|it| it.is_ascii_digit())
            {
                *users = name(users);
            }
        }
    }
    inside(value);
}

fn inside(value: &mut Value) {
    match value {
        Value::String(text) => *text = scrub(text),
        Value::Array(items) => items.iter_mut().for_each(inside),
        Value::Object(fields) => {
            let is_plate = fields.get("kind").and_then(Value::as_str) == Some("plate");
            for (key, value) in fields.iter_mut() {
                // What somebody typed under a name of ours is kept apart by this word.
                let key = key.strip_prefix("typed-").unwrap_or(key).to_ascii_lowercase();
                match value {
                    Value::String(text) if PEOPLE.contains(&key.as_str()) => *text = name(text),
                    Value::String(text) if PLATES.contains(&key.as_str()) || (is_plate && key == "text") => {
                        *text = plate(text);
                    }
                    _ => inside(value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_mask_leaves_the_beginning() {
        for (plain, expected) in
            [("粤B12345", "粤B1***"), ("粤BD12345", "粤BD***"), ("AB", "A***"), ("A", "***"), ("", "***")]
        {
            assert_eq!(plate(plain), expected);
        }
        for (plain, expected) in [("Li Na", "L***"), ("赵敏", "赵***"), ("X", "***")] {
            assert_eq!(name(plain), expected);
        }
    }

    #[test]
    fn plates_are_found_where_they_stand() {
        for (plain, expected) in [
            ("粤B12345", "粤B1***"),
            ("粤B·12345", "粤B1***"),
            ("粤B 12345 on the scale", "粤B1*** on the scale"),
            ("second vehicle 粤BD12345, then 沪A98765", "second vehicle 粤BD***, then 沪A9***"),
            ("粤B1234挂", "粤B1***挂"),
            ("云南 Pu'er tea", "云南 Pu'er tea"),
            ("粤B", "粤B"),
            ("粤港", "粤港"),
            ("MSKU1234565", "MSKU1234565"),
            ("S-0117", "S-0117"),
            ("粤B1234567890", "粤B1234567890"),
        ] {
            assert_eq!(scrub(plain), expected);
        }
    }

    #[test]
    fn a_record_names_no_people_and_keeps_the_goods() {
        let mut value = json!({
            "kind": "inspection",
            "detail": {
                "name": "subject-posted", "subject": "粤B12345", "operator": "Li Na",
                "identities": [{ "kind": "plate", "text": "KA-1234-XY" }, { "kind": "container", "text": "MSKU1234565" }],
                "facts": { "axles": "6", "driver": "王五", "typed-operator": "Wang", "goods": "铜精矿" },
                "findings": [{ "value": "46000", "by": "Chen" }]
            }
        });
        record(&mut value);
        assert_eq!(
            value["detail"],
            json!({
                "name": "subject-posted", "subject": "粤B1***", "operator": "L***",
                "identities": [{ "kind": "plate", "text": "KA-***" }, { "kind": "container", "text": "MSKU1234565" }],
                "facts": { "axles": "6", "driver": "王***", "typed-operator": "W***", "goods": "铜精矿" },
                "findings": [{ "value": "46000", "by": "C***" }]
            })
        );
        let mut event = json!({ "detail": { "name": "sign-in", "subject": "lina", "facts": { "operator": "Li Na" } } });
        record(&mut event);
        assert_eq!(event["detail"], json!({ "name": "sign-in", "subject": "l***", "facts": { "operator": "L***" } }));
        let mut event =
            json!({ "detail": { "name": "users-in-force", "facts": { "added": "lina, wang", "users": "2" } } });
        record(&mut event);
        assert_eq!(event["detail"]["facts"], json!({ "added": "l***", "users": "2" }));
    }
}
