//! Tables that fit the terminal and stay the same in a pipe.

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};

use crate::{paint::Tone, settings::colours};

/// A table without lines. On a terminal long cells wrap to its width (Chinese counts two columns a sign); in a pipe a row
/// is a line, as wide as it needs.
#[must_use]
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if table.is_tty() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    if colours() {
        table.enforce_styling();
    }
    if !header.is_empty() {
        table.set_header(header.iter().map(|it| (*it).to_owned()));
    }
    table
}

/// A cell in the colour of what it means; escapes in its text would count as width.
#[must_use]
pub fn cell(tone: Tone, text: &str) -> Cell {
    let cell = Cell::new(text);
    if !colours() {
        return cell;
    }
    match tone {
        Tone::Good => cell.fg(Color::Green),
        Tone::Warn => cell.fg(Color::Yellow).add_attribute(Attribute::Bold),
        Tone::Bad => cell.fg(Color::Red).add_attribute(Attribute::Bold),
        Tone::Open => cell.fg(Color::Cyan),
        Tone::Head => cell.add_attribute(Attribute::Bold),
        Tone::Faint => cell.add_attribute(Attribute::Dim),
        Tone::Plain => cell,
    }
}

/// Columns of the terminal; none where standard output is no terminal.
#[must_use]
pub fn width() -> Option<u16> {
    let table = Table::new();
    table.is_tty().then(|| table.width()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_cell_wraps_to_the_width_and_chinese_counts_double() {
        let mut it = table(&["仪器", "value"]);
        it.set_content_arrangement(ContentArrangement::Dynamic).set_width(24);
        it.add_row(["七号闸口地磅称重显示器一号", "38640"]);
        let text = it.to_string();
        assert!(text.lines().count() > 2, "{text}");
        // Two columns a sign: no line has more than 12 of them.
        assert!(text.lines().all(|line| line.chars().filter(|it| *it > '\u{2e80}').count() <= 12), "{text}");
    }

    #[test]
    fn in_a_pipe_a_row_is_a_line() {
        let mut it = table(&["a", "b"]);
        it.add_row(["x".repeat(300), "y".repeat(300)]);
        assert_eq!(it.to_string().lines().count(), 2);
    }
}
