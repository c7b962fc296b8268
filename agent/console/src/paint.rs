//! Colours by meaning. What a colour says, a word beside it says too: some see no red, some read a print-out.

use anstyle::{AnsiColor, Style};

use crate::settings::colours;

/// What a piece of text means to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// In order: green.
    Good,
    /// Needs a look: yellow.
    Warn,
    /// Wrong: red and bold.
    Bad,
    /// Not decided, not known: cyan.
    Open,
    /// A heading: bold.
    Head,
    /// Beside the point: dim.
    Faint,
    /// Nothing special.
    Plain,
}

impl Tone {
    /// The tone of a verdict, a disposition, a quality or a standing, by its stable word.
    #[must_use]
    pub fn of(word: &str) -> Self {
        match word {
            "Pass" | "clear" | "good" | "ok" => Self::Good,
            "ConditionalPass" | "ConditionalFail" | "refer" | "warn" | "unstable" | "stale" | "verification-due" => {
                Self::Warn
            }
            "Fail"
            | "alarm"
            | "fail"
            | "not-recording"
            | "out-of-verification"
            | "identity-mismatch"
            | "function-check-overdue"
            | "implausible" => Self::Bad,
            "Inconclusive" | "not-valid" | "NotApplicable" => Self::Open,
            _ => Self::Plain,
        }
    }

    const fn style(self) -> Style {
        let plain = Style::new();
        match self {
            Self::Good => plain.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green))),
            Self::Warn => plain.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow))).bold(),
            Self::Bad => plain.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold(),
            Self::Open => plain.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan))),
            Self::Head => plain.bold(),
            Self::Faint => plain.dimmed(),
            Self::Plain => plain,
        }
    }
}

/// `text` in its colour, where this run has colours.
pub fn paint(tone: Tone, text: &str) -> String {
    paint_for(colours(), tone, text)
}

/// As [`paint`], told whether there are colours.
#[must_use]
pub fn paint_for(coloured: bool, tone: Tone, text: &str) -> String {
    if !coloured || tone == Tone::Plain || text.is_empty() {
        return text.to_owned();
    }
    let style = tone.style();
    format!("{}{text}{}", style.render(), style.render_reset())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_a_text_is_itself() {
        assert_eq!(paint_for(false, Tone::Bad, "ALARM"), "ALARM");
        let red = paint_for(true, Tone::Bad, "ALARM");
        assert!(red.contains("ALARM") && red.starts_with('\u{1b}') && red.ends_with("\u{1b}[0m"), "{red:?}");
    }

    #[test]
    fn words_have_their_tone() {
        for (word, tone) in [
            ("clear", Tone::Good),
            ("refer", Tone::Warn),
            ("alarm", Tone::Bad),
            ("Inconclusive", Tone::Open),
            ("out-of-verification", Tone::Bad),
            ("stale", Tone::Warn),
            ("anything", Tone::Plain),
        ] {
            assert_eq!(Tone::of(word), tone, "{word}");
        }
    }
}
