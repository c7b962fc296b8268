//! The language and the colours of this run, settled once before anything is said.

use std::{
    env,
    ffi::OsString,
    io::{IsTerminal as _, stdout},
    sync::OnceLock,
};

use clap::{Args, CommandFactory, FromArgMatches, ValueEnum};
use tidewaiter_words::Language;

use crate::help::localized;

static LANGUAGE: OnceLock<Language> = OnceLock::new();
static COLOURS: OnceLock<bool> = OnceLock::new();

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that can, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Options that every command takes.
#[derive(Clone, Copy, Debug, Args)]
pub struct Everywhere {
    /// Language: zh-CN or en; that of the locale if not given.
    #[arg(long, alias = "language", global = true, value_name = "LANG", value_parser = parse_language, help_heading = "Everywhere")]
    lang: Option<Language>,
    /// When to use colours; by itself never in a pipe, nor where the variable `NO_COLOR` is set.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, help_heading = "Everywhere")]
    color: Color,
}

impl Everywhere {
    /// The language asked for on the command line, where one was.
    #[must_use]
    pub const fn asked_language(&self) -> Option<Language> {
        self.lang
    }
}

/// Reads `zh-CN` or `en`, for clap.
///
/// # Errors
///
/// Any other language.
pub fn parse_language(text: &str) -> Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "write zh-CN or en".to_owned())
}

/// Reads the command line of `T`, with help in the reader's language, and settles language and colours.
///
/// As clap does, this ends the program on `--help`, `--version` and a wrong command line (exit code 2).
pub fn arguments<T: CommandFactory + FromArgMatches>(everywhere: impl Fn(&T) -> Everywhere) -> T {
    let arguments: Vec<OsString> = env::args_os().collect();
    let asked = asked_language(&arguments);
    let command = localized(T::command(), asked.unwrap_or_else(Language::from_env));
    let parsed = command.try_get_matches_from(arguments).and_then(|mut matches| T::from_arg_matches_mut(&mut matches));
    let parsed = parsed.unwrap_or_else(|refusal| refusal.exit());
    let Everywhere { lang, color } = everywhere(&parsed);
    // Both are settled here alone, so they cannot have been set before.
    let _ = LANGUAGE.set(lang.or(asked).unwrap_or_else(Language::from_env));
    let _ = COLOURS.set(coloured(color, stdout().is_terminal(), |name| env::var_os(name)));
    parsed
}

/// The language asked for by `--lang`, read before the help text that is to be in it.
fn asked_language(arguments: &[OsString]) -> Option<Language> {
    let texts: Vec<&str> = arguments.iter().filter_map(|it| it.to_str()).take_while(|it| *it != "--").collect();
    let after = texts.windows(2).find_map(|pair| match pair {
        ["--lang" | "--language", tag] => Language::from_tag(tag),
        _ => None,
    });
    after.or_else(|| {
        let value =
            |it: &&str| it.strip_prefix("--lang=").or_else(|| it.strip_prefix("--language=")).map(str::to_owned);
        texts.iter().find_map(value).and_then(|tag| Language::from_tag(&tag))
    })
}

/// Whether to colour: what was asked for, then `NO_COLOR` (<https://no-color.org>), then the terminal.
fn coloured(color: Color, terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let refused = variable("NO_COLOR").is_some_and(|it| !it.is_empty());
            let dumb = variable("TERM").is_some_and(|it| it == "dumb");
            terminal && !refused && !dumb
        }
    }
}

/// The language of this run: as asked for, else by the locale.
pub fn language() -> Language {
    LANGUAGE.get().copied().unwrap_or_else(Language::from_env)
}

/// Whether standard output is coloured in this run.
pub fn colours() -> bool {
    COLOURS.get().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_unless_asked_for_or_refused() {
        let check = |color, terminal, set: &[(&str, &str)], expected| {
            let variable = |name: &str| set.iter().find(|(it, _)| *it == name).map(|(_, value)| OsString::from(value));
            assert_eq!(coloured(color, terminal, variable), expected, "{color:?} {terminal} {set:?}");
        };
        check(Color::Auto, true, &[], true);
        check(Color::Auto, false, &[], false);
        check(Color::Auto, true, &[("NO_COLOR", "1")], false);
        // An empty variable counts as unset.
        check(Color::Auto, true, &[("NO_COLOR", "")], true);
        check(Color::Auto, true, &[("TERM", "dumb")], false);
        check(Color::Always, false, &[("NO_COLOR", "1")], true);
        check(Color::Never, true, &[], false);
    }

    #[test]
    fn the_language_is_found_before_the_command_line_is_read() {
        let check = |line: &str, expected| {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(asked_language(&arguments), expected, "{line}");
        };
        check("tidewaiter --lang zh-CN status", Some(Language::ZhCn));
        check("tidewaiter status --help --lang=en", Some(Language::En));
        check("tidewaiter status", None);
        check("tidewaiter --lang de status", None);
        check("tidewaiter try -- --lang en", None);
    }
}
