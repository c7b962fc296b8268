//! The profiles that come with the program.

use std::sync::LazyLock;

use super::{RegisterProfile, load_str};

const PROFILES: &[(&str, &str)] = &[
    ("profiles/belt-scale-proposed.toml", include_str!("../../profiles/belt-scale-proposed.toml")),
    ("profiles/brake-lining-proposed.toml", include_str!("../../profiles/brake-lining-proposed.toml")),
    ("profiles/coal-ash-proposed.toml", include_str!("../../profiles/coal-ash-proposed.toml")),
    ("profiles/dini-argeo-dgt.toml", include_str!("../../profiles/dini-argeo-dgt.toml")),
    ("profiles/gamma-dose-rate-generic.toml", include_str!("../../profiles/gamma-dose-rate-generic.toml")),
    ("profiles/moisture-gauge-proposed.toml", include_str!("../../profiles/moisture-gauge-proposed.toml")),
    ("profiles/radiation-portal-generic.toml", include_str!("../../profiles/radiation-portal-generic.toml")),
    ("profiles/siwarex-wp.toml", include_str!("../../profiles/siwarex-wp.toml")),
    ("profiles/tidewaiter-node.toml", include_str!("../../profiles/tidewaiter-node.toml")),
    ("profiles/tyre-drum-proposed.toml", include_str!("../../profiles/tyre-drum-proposed.toml")),
    ("profiles/tyre-high-speed-proposed.toml", include_str!("../../profiles/tyre-high-speed-proposed.toml")),
    (
        "profiles/tyre-rolling-resistance-proposed.toml",
        include_str!("../../profiles/tyre-rolling-resistance-proposed.toml"),
    ),
    ("profiles/tyre-uniformity-proposed.toml", include_str!("../../profiles/tyre-uniformity-proposed.toml")),
];

/// The profiles that come with the program.
///
/// # Panics
///
/// Never in a tested build: every shipped file is loaded by a test.
pub fn builtin() -> Vec<RegisterProfile> {
    // Read once: a site file is read again and again by a process that lives for months.
    static READ: LazyLock<Vec<RegisterProfile>> = LazyLock::new(|| {
        PROFILES
            .iter()
            .map(|(name, text)| load_str(name, text).expect("every shipped profile is loaded by a test"))
            .collect()
    });
    READ.clone()
}
