//! The two languages, and how one is chosen.

/// A language of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Simplified Chinese, the language of lane and lab staff.
    ZhCn,
    /// English.
    En,
}

impl Language {
    /// Both, Chinese first.
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::En];

    /// The BCP 47 tag: `zh-CN` or `en`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }

    /// The other one, for the switch on the page.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::ZhCn => Self::En,
            Self::En => Self::ZhCn,
        }
    }

    /// Reads a BCP 47 tag (`zh-Hans-CN`, `en`) or a POSIX locale (`zh_CN.UTF-8`) by its language;
    /// `None` for any other language.
    ///
    /// # Examples
    ///
    /// ```
    /// use tidewaiter_words::Language;
    /// assert_eq!(Language::from_tag("zh_CN.UTF-8"), Some(Language::ZhCn));
    /// assert_eq!(Language::from_tag("en-GB"), Some(Language::En));
    /// assert_eq!(Language::from_tag("C"), None);
    /// ```
    pub fn from_tag(tag: &str) -> Option<Self> {
        let language = tag.split(['-', '_', '.', '@']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::ZhCn),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// Chooses as POSIX does: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set decides.
    ///
    /// English when none is set or the locale is another language or `C`: a terminal that states no
    /// locale may not show Chinese at all.
    pub fn from_env() -> Self {
        Self::from_locales(["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).ok()))
    }

    /// [`Self::from_env`] with the values given, the deciding one first.
    pub fn from_locales(values: impl IntoIterator<Item = Option<String>>) -> Self {
        values
            .into_iter()
            .flatten()
            .find(|value| !value.is_empty())
            .and_then(|value| Self::from_tag(&value))
            .unwrap_or(Self::En)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_set_decides() {
        let check = |values: [&str; 3], expected| {
            let values = values.map(|it| (it != "unset").then(|| it.to_owned()));
            assert_eq!(Language::from_locales(values.clone()), expected, "{values:?}");
        };
        check(["unset", "unset", "zh_CN.UTF-8"], Language::ZhCn);
        check(["en_GB.UTF-8", "unset", "zh_CN.UTF-8"], Language::En);
        check(["", "zh_TW", "en_US"], Language::ZhCn);
        check(["C", "unset", "zh_CN.UTF-8"], Language::En);
        check(["unset", "unset", "unset"], Language::En);
        check(["unset", "unset", "de_DE"], Language::En);
    }

    #[test]
    fn tags_read_back() {
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
            assert_eq!(language.other().other(), language);
        }
        assert_eq!(Language::from_tag("english"), None);
    }
}
