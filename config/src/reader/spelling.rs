//! Guesses at what was meant: nearest known word, units by their everyday names, TOML slips.

use tidewaiter_drivers::Unit;

/// The known word closest to `word`, if one is close enough to be a slip of the pen.
///
/// At most a third of the letters may differ, and never more than three.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.trim().to_lowercase().replace(['-', ' ', '.'], "_");
    let word = plain(word);
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words: insert, delete, replace, swap of neighbours (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before_previous: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (row, letter_a) in a.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, &letter_b) in b.iter().enumerate() {
            let replaced = previous.get(column).copied().unwrap_or_default() + usize::from(letter_a != letter_b);
            let deleted = previous.get(column + 1).copied().unwrap_or_default() + 1;
            let inserted = current.get(column).copied().unwrap_or_default() + 1;
            let mut best = replaced.min(deleted).min(inserted);
            let swapped = column > 0 && last_a == Some(letter_b) && b.get(column - 1) == Some(&letter_a);
            if swapped {
                best = best.min(before_previous.get(column - 1).copied().unwrap_or(usize::MAX - 1) + 1);
            }
            current.push(best);
        }
        before_previous = std::mem::replace(&mut previous, current);
        last_a = Some(letter_a);
    }
    previous.last().copied().unwrap_or_default()
}

/// The unit that was probably meant.
pub fn unit_meant(text: &str) -> Option<Unit> {
    let plain: String = text.trim().chars().filter(|c| !c.is_whitespace()).collect();
    let lower = plain.replace(['µ', 'μ'], "u").to_lowercase();
    let by_name = match lower.as_str() {
        "公斤" | "千克" | "kgs" | "kilogram" | "kilograms" => Some(Unit::Kilogram),
        "吨" | "ton" | "tons" | "tonne" | "tonnes" => Some(Unit::Tonne),
        "克" | "gram" | "grams" => Some(Unit::Gram),
        "°c" | "℃" | "c" | "degc" | "celsius" | "摄氏度" => Some(Unit::Celsius),
        "ph" => Some(Unit::PH),
        "cps" | "1/s" | "s-1" | "s^-1" | "counts/s" => Some(Unit::PerSecond),
        "count" | "counts" | "计数" => Some(Unit::Count),
        "sigma" | "σ" => Some(Unit::Sigma),
        "grade" | "级" => Some(Unit::FastnessGrade),
        "km/hr" | "kmh" | "kph" | "公里/小时" => Some(Unit::KilometrePerHour),
        "％" | "percent" | "pct" => Some(Unit::Percent),
        "牛" | "牛顿" => Some(Unit::Newton),
        "bq/cm²" | "bq/cm^2" => Some(Unit::BecquerelPerSquareCentimetre),
        "sec" | "秒" => Some(Unit::Second),
        "hr" | "小时" => Some(Unit::Hour),
        "minute" | "minutes" | "分钟" => Some(Unit::Minute),
        "" | "-" | "none" | "one" => Some(Unit::One),
        _ => None,
    };
    by_name.or_else(|| Unit::ALL.iter().copied().find(|unit| unit.code().to_lowercase() == lower))
}

/// `a, b or c`, each in back quotes.
pub(crate) fn list<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}

/// Full-width characters that Chinese input methods produce, and what TOML wants.
const FULL_WIDTH: [(char, &str); 12] = [
    ('“', "\""),
    ('”', "\""),
    ('‘', "'"),
    ('’', "'"),
    ('＂', "\""),
    ('＝', "="),
    ('，', ","),
    ('。', "."),
    ('：', ":"),
    ('［', "["),
    ('］', "]"),
    ('\u{3000}', "a space"),
];

/// Says a parser's complaint in words a person at a bench can act on.
pub(super) fn explain_syntax(message: &str, line: &str) -> (String, String) {
    let outside_comment = line.split('#').next().unwrap_or_default();
    if let Some(&(wide, narrow)) = FULL_WIDTH.iter().find(|(wide, _)| outside_comment.contains(*wide)) {
        return (
            format!("this line holds the full-width character {wide:?}, which TOML does not know"),
            format!("{narrow} (switch the input method to English punctuation)"),
        );
    }
    let way_out = if message.contains("duplicate key") {
        "the key once only; remove one of the two"
    } else if message.contains("string values must be quoted") {
        "the text in quotes: key = \"text\""
    } else if message.contains("unclosed table") || message.contains("unclosed array") {
        "the closing bracket: [table], [[list of tables]] or [value, value]"
    } else if message.contains("invalid") && message.contains("string") {
        "the closing quote, and \\\\ for each backslash inside a string"
    } else {
        "one `key = value` on a line, text in quotes, headings as [table] or [[table]]"
    };
    (format!("this is not TOML: {message}"), way_out.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_word_that_was_meant() {
        let keys = ["baud", "data_bits", "parity", "stop_bits", "path"];
        for (typed, meant) in [
            ("buad", Some("baud")),
            ("bauds", Some("baud")),
            ("Baud", Some("baud")),
            ("data-bits", Some("data_bits")),
            ("databits", Some("data_bits")),
            ("speed", None),
            ("pth", Some("path")),
        ] {
            assert_eq!(nearest(typed, keys), meant, "{typed}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("ab", "ba"), 1);
    }

    #[test]
    fn finds_the_unit_that_was_meant() {
        for (typed, meant) in [
            ("KG", "kg"),
            ("公斤", "kg"),
            ("µGy/h", "uGy/h"),
            ("μgy/h", "uGy/h"),
            ("℃", "Cel"),
            ("pH", "[pH]"),
            ("cps", "/s"),
            ("吨", "t"),
        ] {
            assert_eq!(unit_meant(typed).map(Unit::code), Some(meant), "{typed}");
        }
        assert_eq!(unit_meant("furlong"), None);
    }
}
