//! Reads how a line is cut, and the places that are named by it.

use super::{
    bytes::{bytes, unescape},
    model::{MAX_FRAME_BYTES, Part, Pattern, Place},
};
use crate::reader::{self, Node, Value};

/// Longest delimiter of a `split`, in bytes.
const MAX_DELIMITER_BYTES: usize = 4;
/// Most fields of one line.
const MAX_FIELDS: usize = 64;
/// Most parts of a template.
const MAX_PARTS: usize = 64;
/// The word for a delimiter of any number of blanks.
const BLANKS: &str = "blanks";

/// Reads `split`, `columns` or `template`.
pub(super) fn pattern(node: &Node<'_>) -> Option<Pattern> {
    let kind = node
        .one_of(&["split", "columns", "template"], "split = \",\"  # or columns = 17, or template = \"{mass} {unit}\"");
    let fields = node.may("fields");
    if let (Some(value), Some(("columns" | "template", _))) = (&fields, &kind) {
        value.fault("`fields` is for `split` only", "nothing; remove it");
    }
    let (kind, value) = kind?;
    match kind {
        "split" => {
            let fields = fields.map_or(Some(None), |value| value.integer(1, 64).map(|it: u8| Some(usize::from(it))));
            let by = if value.any_text()? == BLANKS { None } else { Some(bytes(&value, MAX_DELIMITER_BYTES, false)?) };
            Some(Pattern::Split { by, fields: fields? })
        }
        "columns" => value.integer(1_u16, 512).map(|width| Pattern::Columns(usize::from(width))),
        _ => template(&value).map(Pattern::Template),
    }
}

/// Compiles `{gross}{unit} {status}`: braces name a place, `{}` skips one, a blank stands for one or more,
/// `{{` and `}}` are braces.
fn template(value: &Value<'_>) -> Option<Vec<Part>> {
    // The bytes are checked as a whole, so that a faulty escape is reported once.
    bytes(value, MAX_FRAME_BYTES, false)?;
    let text = value.text()?.trim();
    let mut parts: Vec<Part> = Vec::new();
    let mut literal = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '{' | '}' if characters.peek() == Some(&character) => {
                characters.next();
                literal.push(character);
            }
            '{' => {
                end_literal(&mut literal, &mut parts);
                let name: String = characters.by_ref().take_while(|&it| it != '}').collect();
                if !name.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_')) {
                    value.fault(
                        format!("{name:?} does not name a place; a name has a-z A-Z 0-9 - _ and stands in one pair of braces"),
                        "\"{mass} {unit}\", and {{ for a brace",
                    );
                    return None;
                }
                parts.push(if name.is_empty() { Part::Skip } else { Part::Slot(name) });
            }
            '}' => {
                value.fault("a closing brace without an opening one", "}} for a brace that stands in the line");
                return None;
            }
            ' ' => {
                end_literal(&mut literal, &mut parts);
                if parts.last() != Some(&Part::Blanks) {
                    parts.push(Part::Blanks);
                }
            }
            other => literal.push(other),
        }
    }
    end_literal(&mut literal, &mut parts);
    if parts.len() > MAX_PARTS {
        value.fault(
            format!("the template has {} parts, and at most {MAX_PARTS} are taken", parts.len()),
            "a shorter one",
        );
        return None;
    }
    for (index, part) in parts.iter().enumerate() {
        if let Part::Slot(name) = part
            && parts.iter().take(index).any(|earlier| earlier == part)
        {
            value.fault(
                format!("the place {name:?} is named twice"),
                format!("{{{name}-2}} for the second, or {{}} to skip it"),
            );
            return None;
        }
    }
    Some(parts)
}

fn end_literal(literal: &mut String, parts: &mut Vec<Part>) {
    if !literal.is_empty()
        && let Ok(bytes) = unescape(&std::mem::take(literal))
    {
        parts.push(Part::Text(bytes));
    }
}

/// The places of a template that another one touches: only a number ends by itself.
pub(super) fn touching_places(pattern: &Pattern) -> Vec<Option<&str>> {
    let Pattern::Template(parts) = pattern else { return Vec::new() };
    parts
        .windows(2)
        .filter_map(|pair| match pair {
            [Part::Slot(name), Part::Slot(_) | Part::Skip] => Some(Some(name.as_str())),
            [Part::Skip, Part::Slot(_) | Part::Skip] => Some(None),
            _ => None,
        })
        .collect()
}

/// Reads a place, which must be one of the pattern.
pub(super) fn place(value: &Value<'_>, pattern: Option<&Pattern>) -> Option<Place> {
    match pattern? {
        Pattern::Split { fields, .. } => {
            let most = fields.unwrap_or(MAX_FIELDS);
            let number = value.integer(1_i64, i64::try_from(most).unwrap_or(i64::MAX))?;
            usize::try_from(number).ok().map(Place::Field)
        }
        Pattern::Columns(width) => {
            let items = value.items("[1, 8]")?;
            let [first, last] = items.as_slice() else {
                value.fault(
                    format!("{} numbers stand here; a place is its first and its last column, from 1", items.len()),
                    value.assign("[1, 8]"),
                );
                return None;
            };
            let most = i64::try_from(*width).unwrap_or(i64::MAX);
            let from = first.integer(1_i64, most)?;
            let to = last.integer(from, most)?;
            Some(Place::Columns(usize::try_from(from).ok()?, usize::try_from(to).ok()?))
        }
        Pattern::Template(parts) => {
            let name = value.text()?;
            let names = || {
                parts.iter().filter_map(|part| match part {
                    Part::Slot(name) => Some(name.as_str()),
                    _ => None,
                })
            };
            if names().any(|known| known == name) {
                return Some(Place::Slot(name.to_owned()));
            }
            let way_out = reader::nearest(name, names()).map_or_else(
                || format!("one of {}", reader::list(names())),
                |meant| value.assign(format!("\"{meant}\"")),
            );
            value.dangling(format!("the template has no place {name:?}"), way_out);
            None
        }
    }
}
