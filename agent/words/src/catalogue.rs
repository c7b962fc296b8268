//! The compiled-in texts and the one function that speaks them.

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

use crate::Language;

macro_rules! texts {
    ($folder:literal) => {
        [
            include_str!(concat!("../", $folder, "/verdict.ftl")),
            include_str!(concat!("../", $folder, "/reading.ftl")),
            include_str!(concat!("../", $folder, "/inspection.ftl")),
            include_str!(concat!("../", $folder, "/parameter.ftl")),
            include_str!(concat!("../", $folder, "/finding.ftl")),
            include_str!(concat!("../", $folder, "/screen.ftl")),
            include_str!(concat!("../", $folder, "/lane.ftl")),
            include_str!(concat!("../", $folder, "/page.ftl")),
            include_str!(concat!("../", $folder, "/history.ftl")),
            include_str!(concat!("../", $folder, "/console.ftl")),
            include_str!(concat!("../", $folder, "/record.ftl")),
            include_str!(concat!("../", $folder, "/verifier.ftl")),
            include_str!(concat!("../", $folder, "/duty.ftl")),
            include_str!(concat!("../", $folder, "/reload.ftl")),
            include_str!(concat!("../", $folder, "/bundle.ftl")),
            include_str!(concat!("../", $folder, "/access.ftl")),
            include_str!(concat!("../", $folder, "/outputs.ftl")),
            include_str!(concat!("../", $folder, "/help.ftl")),
            include_str!(concat!("../", $folder, "/commands.ftl")),
        ]
    };
}

const ZH_CN: &[&str] = &texts!("zh-CN");
const EN: &[&str] = &texts!("en");

/// Largest number Fluent's own number type carries exactly; beyond it digits are passed as text.
const EXACT: u64 = 1 << 53;

/// An argument of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg<'a> {
    /// Put in as it is.
    Text(&'a str),
    /// A count: chooses between singular and plural, printed without grouping.
    Count(u64),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

macro_rules! counts {
    ($($integer:ty),*) => {
        $(impl From<$integer> for Arg<'_> {
            fn from(count: $integer) -> Self {
                Self::Count(u64::from(count))
            }
        })*
    };
}
counts!(u8, u16, u32, u64);

impl From<usize> for Arg<'_> {
    fn from(count: usize) -> Self {
        Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

/// Says message `id` in `language`.
///
/// An id the language does not know is said in the other one, and failing that stands for itself: a
/// page with one odd word is better than none. The tests of this crate see to it that neither happens
/// for an id of the catalogue.
///
/// # Examples
///
/// ```
/// use tidewaiter_words::{Language, say};
/// assert_eq!(
///     say(Language::En, "recorded-waiting", &[("number", 18_442_u64.into()), ("down", "00:14".into())]),
///     "RECORDED #18442 — waiting to send (uplink down 00:14)",
/// );
/// ```
pub fn say(language: Language, id: &str, args: &[(&str, Arg<'_>)]) -> String {
    [language, language.other()].into_iter().find_map(|it| format(it, id, args)).unwrap_or_else(|| id.to_owned())
}

/// Whether `language` itself has a message `id`.
pub fn knows(language: Language, id: &str) -> bool {
    bundle(language).has_message(id)
}

/// All message ids of `language`, in the order of its files.
pub fn ids(language: Language) -> impl Iterator<Item = &'static str> {
    texts(language).iter().copied().flat_map(str::lines).filter_map(id_of)
}

/// The id a line of a Fluent file begins: messages start in the first column.
fn id_of(line: &str) -> Option<&str> {
    let (id, _) = line.split_once('=')?;
    let id = id.trim_end();
    (id.starts_with(|it: char| it.is_ascii_alphabetic())
        && id.chars().all(|it| it.is_ascii_alphanumeric() || it == '-' || it == '_'))
    .then_some(id)
}

const fn texts(language: Language) -> &'static [&'static str] {
    match language {
        Language::ZhCn => ZH_CN,
        Language::En => EN,
    }
}

fn bundle(language: Language) -> &'static FluentBundle<FluentResource> {
    static BUNDLES: [LazyLock<FluentBundle<FluentResource>>; 2] =
        [LazyLock::new(|| build(Language::ZhCn)), LazyLock::new(|| build(Language::En))];
    let [zh_cn, en] = &BUNDLES;
    match language {
        Language::ZhCn => zh_cn,
        Language::En => en,
    }
}

fn build(language: Language) -> FluentBundle<FluentResource> {
    let locale: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // Isolation marks are for mixed writing directions; here they would only end up in copied text.
    bundle.set_use_isolating(false);
    for &text in texts(language) {
        // What does not parse is left out and what does is kept; a test holds that all of it parses.
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(parsed, _)| parsed);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

fn format(language: Language, id: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
    let bundle = bundle(language);
    let pattern = bundle.get_message(id)?.value()?;
    let args: FluentArgs<'_> = args
        .iter()
        .map(|&(name, arg)| {
            let value = match arg {
                Arg::Text(text) => FluentValue::from(text),
                Arg::Count(count) if count <= EXACT => FluentValue::from(count),
                Arg::Count(count) => FluentValue::from(count.to_string()),
            };
            (name, value)
        })
        .collect();
    // An argument left out shows as `{$name}`, which is what a reader should see of such a mistake.
    Some(bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// The variables each message uses, found by reading the file as text and not by Fluent.
    fn variables(language: Language) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for &text in texts(language) {
            let mut current = None;
            for line in text.lines() {
                current = id_of(line).or(current);
                let names = line.split('$').skip(1).map(|rest| {
                    rest.split(|it: char| !(it.is_ascii_alphanumeric() || it == '-' || it == '_')).next().unwrap()
                });
                if line.starts_with('#') {
                    continue;
                }
                if let Some(id) = current {
                    found.entry(id).or_default().extend(names);
                }
            }
        }
        found
    }

    #[test]
    fn every_file_parses_and_no_id_is_given_twice() {
        for language in Language::ALL {
            for &text in texts(language) {
                let parsed = FluentResource::try_new(text.to_owned());
                assert!(parsed.is_ok(), "{}: {:?}", language.tag(), parsed.err().map(|(_, errors)| errors));
            }
            let all = ids(language).collect::<Vec<_>>();
            assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len(), "{all:?}");
            assert!(all.iter().all(|id| knows(language, id)));
        }
    }

    #[test]
    fn both_languages_have_the_same_ids_with_the_same_variables() {
        assert_eq!(variables(Language::ZhCn), variables(Language::En));
        assert!(ids(Language::ZhCn).eq(ids(Language::En)), "the files keep one order");
    }

    #[test]
    fn every_message_speaks_when_given_its_variables() {
        for language in Language::ALL {
            for (id, names) in variables(language) {
                for count in [0_u64, 1, 2, EXACT + 1] {
                    let args = names.iter().map(|&name| (name, Arg::Count(count))).collect::<Vec<_>>();
                    let said = say(language, id, &args);
                    assert!(!said.is_empty() && !said.contains(['{', '}', '$']), "{id}: {said}");
                    assert!(names.is_empty() || said.contains(&count.to_string()) || count == 1, "{id}: {said}");
                }
            }
        }
    }

    #[test]
    fn counts_choose_their_form_and_keep_every_digit() {
        let check = |count: u64, expected: &str| {
            assert_eq!(say(Language::En, "demo-draining", &[("left", count.into())]), expected);
        };
        check(1, "Ending: waiting for the receipt of 1 record");
        check(0, "Ending: waiting for the receipt of 0 records");
        check(12_000, "Ending: waiting for the receipt of 12000 records");
        check(u64::MAX, "Ending: waiting for the receipt of 18446744073709551615 records");
    }

    #[test]
    fn an_unknown_id_stands_for_itself_and_a_missing_argument_shows() {
        assert_eq!(say(Language::ZhCn, "no-such-message", &[]), "no-such-message");
        assert_eq!(say(Language::En, "recorded", &[]), "RECORDED #{$number}");
    }

    #[test]
    fn text_arguments_are_put_in_verbatim() {
        let said = say(Language::ZhCn, "not-recording", &[("since", "10:42".into()), ("cause", "{ $x } 存储".into())]);
        assert_eq!(said, "未在记录（自 10:42 起）— { $x } 存储。请改用纸质流程。");
    }
}
