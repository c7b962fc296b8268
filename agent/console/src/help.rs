//! Help texts: summaries in the reader's language, and what must hold of every command.

use clap::Command;
use tidewaiter_words::{Language, knows, say};

/// What begins an example in the doc comment of a command.
const EXAMPLE: &str = "Example: ";

/// The summary of every command below and including `command`, from the catalogue: `help-PROGRAM-COMMAND…`.
///
/// Only the first paragraph is in the catalogue. Examples are the same in every language; further paragraphs, options and
/// values stay English. A command without an example of its own shows those that the commands above it give for it.
#[must_use]
pub fn localized(command: Command, language: Language) -> Command {
    let name = command.get_name().to_owned();
    said_of(command, std::slice::from_ref(&name), &[], language)
}

fn said_of(command: Command, path: &[String], above: &[String], language: Language) -> Command {
    let id = format!("help-{}", path.join("-"));
    let program = path.first().cloned().unwrap_or_default();
    let own = examples_of(&command, &program);
    let mut command = command;
    if knows(language, &id) {
        let summary = say(language, &id, &[]);
        if let Some(long) = command.get_long_about().map(ToString::to_string) {
            let rest = long.split_once("\n\n").map(|(_, rest)| format!("\n\n{rest}")).unwrap_or_default();
            command = command.long_about(format!("{summary}{rest}"));
        }
        command = command.about(summary);
    }
    if own.is_empty() && command.get_subcommands().next().is_none() {
        let call = format!("{} ", path.join(" "));
        let mine: Vec<&String> = above.iter().filter(|it| format!("{it} ").starts_with(&call)).collect();
        if !mine.is_empty() {
            let lines: Vec<String> = mine.into_iter().map(|it| format!("{EXAMPLE}{it}")).collect();
            command = command.after_long_help(lines.join("\n"));
        }
    }
    let mut all = above.to_vec();
    all.extend(own);
    command.mut_subcommands(|below| {
        let path: Vec<String> = path.iter().cloned().chain([below.get_name().to_owned()]).collect();
        said_of(below, &path, &all, language)
    })
}

/// The examples in the texts of one command.
fn examples_of(command: &Command, program: &str) -> Vec<String> {
    let texts = [command.get_long_about(), command.get_after_help(), command.get_after_long_help()];
    texts.into_iter().flatten().flat_map(|text| examples_in(&text.to_string(), program)).collect()
}

/// What is wrong with the help of `command` and those below it; for the tests of a program.
///
/// Every command has its summary in both languages, the English one equal to its own; every command that does something
/// shows an example; and every example is accepted by the command line that `fresh` makes.
pub fn faults(fresh: &dyn Fn() -> Command) -> Vec<String> {
    let raw = fresh();
    let name = raw.get_name().to_owned();
    let mut found = Vec::new();
    look(&raw, &localized(fresh(), Language::En), &name, &name, fresh, &mut found);
    found
}

/// `raw` is the command as it is written, `shown` as its reader sees it.
fn look(
    raw: &Command,
    shown: &Command,
    path: &str,
    program: &str,
    fresh: &dyn Fn() -> Command,
    found: &mut Vec<String>,
) {
    let id = format!("help-{path}");
    let own = raw.get_about().map(ToString::to_string).unwrap_or_default();
    for language in Language::ALL {
        if !knows(language, &id) {
            found.push(format!("{id} is not in the {} catalogue: {own}", language.tag()));
        }
    }
    if say(Language::En, &id, &[]) != own {
        found.push(format!("{id} is {:?} in the catalogue and {own:?} in the program", say(Language::En, &id, &[])));
    }
    let examples = examples_of(shown, program);
    if examples.is_empty() && shown.get_subcommands().next().is_none() {
        found.push(format!("{path} shows no example"));
    }
    for example in examples {
        if let Err(why) = accepted(&example, fresh) {
            found.push(format!("{path}: example {example:?}: {why}"));
        }
    }
    for (raw, shown) in raw.get_subcommands().zip(shown.get_subcommands()) {
        look(raw, shown, &format!("{path}-{}", raw.get_name()), program, fresh, found);
    }
}

/// Lines of a help text that call `program`; of those with a note behind it, the call alone.
fn examples_in(text: &str, program: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim().trim_start_matches(EXAMPLE));
    let calls = lines.filter(|line| line.strip_prefix(program).is_some_and(|rest| rest.starts_with(' ')));
    calls.map(|line| line.split("   ").next().unwrap_or(line).trim().to_owned()).collect()
}

fn accepted(example: &str, fresh: &dyn Fn() -> Command) -> Result<(), String> {
    let words = words_of(example).ok_or("a quote is not closed")?;
    match fresh().try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// The words of a command line as a shell takes them, up to the first pipe or redirection; `None` when a quote stays open.
///
/// # Examples
///
/// ```
/// use tidewaiter_console::words_of;
/// let words = words_of("tidewaiter stop bench-a --operator 'Li Na' > out").unwrap();
/// assert_eq!(words, ["tidewaiter", "stop", "bench-a", "--operator", "Li Na"]);
/// ```
#[must_use]
pub fn words_of(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for sign in line.chars() {
        match (quote, sign) {
            (Some(open), _) if sign == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, '|' | '>' | '<' | '#') if word.is_none() => break,
            (None, _) if sign.is_whitespace() => words.extend(word.take()),
            (_, _) => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_found_with_and_without_a_note() {
        let text = "Does it.\n\nExample: prog do it --now\n\nExamples:\n  prog do 'a b'       what it does\n  other do\nprogram x";
        assert_eq!(examples_in(text, "prog"), ["prog do it --now", "prog do 'a b'"]);
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        let check = |line: &str, expected: Option<&[&str]>| {
            let words = words_of(line);
            assert_eq!(
                words.as_deref().map(|it| it.iter().map(String::as_str).collect::<Vec<_>>()).as_deref(),
                expected
            );
        };
        check("a 'b c' \"d e\"f", Some(&["a", "b c", "d ef"]));
        check("a b | c", Some(&["a", "b"]));
        check("a --x='' b", Some(&["a", "--x=", "b"]));
        check("a 'b", None);
    }
}
