//! The profiles that come with the program.

use super::{RegisterProfile, load_str};

const PROFILES: &[(&str, &str)] = &[
    ("profiles/gamma-dose-rate-generic.toml", include_str!("../../profiles/gamma-dose-rate-generic.toml")),
    ("profiles/tyre-drum-proposed.toml", include_str!("../../profiles/tyre-drum-proposed.toml")),
];

/// The profiles that come with the program.
///
/// # Panics
///
/// Never in a tested build: every shipped file is loaded by a test.
pub fn builtin() -> Vec<RegisterProfile> {
    PROFILES
        .iter()
        .map(|(name, text)| load_str(name, text).expect("every shipped profile is loaded by a test"))
        .collect()
}
