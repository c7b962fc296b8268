//! The line profiles that come with the program.

use std::sync::LazyLock;

use super::{LineProfile, load_line_str};

const PROFILES: &[(&str, &str)] = &[
    ("profiles/lines/density-meter-dma.toml", include_str!("../../../profiles/lines/density-meter-dma.toml")),
    ("profiles/lines/coal-gauge-csv.toml", include_str!("../../../profiles/lines/coal-gauge-csv.toml")),
];

/// The line profiles that come with the program.
///
/// # Panics
///
/// Never in a tested build: every shipped file is loaded by a test.
pub fn builtin_lines() -> Vec<LineProfile> {
    // Read once: a site file is read again and again by a process that lives for months.
    static READ: LazyLock<Vec<LineProfile>> = LazyLock::new(|| {
        PROFILES
            .iter()
            .map(|(name, text)| load_line_str(name, text).expect("every shipped profile is loaded by a test"))
            .collect()
    });
    READ.clone()
}
