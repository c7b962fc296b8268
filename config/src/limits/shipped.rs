//! The tables and programmes that come with the program.

use super::{LimitTable, Programme, load_programme_str, load_str};

macro_rules! files {
    ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("../../", $path)))),*] };
}

const TABLES: &[(&str, &str)] = files![
    "limits/gross-mass-cn-2016.toml",
    "limits/portal-sigma.toml",
    "limits/scrap-radiation.toml",
    "limits/gb18401-2010-t1.toml",
    "limits/vgm-cn.toml",
    "limits/function-check.toml",
];

const PROGRAMMES: &[(&str, &str)] = files!["programmes/demo.toml"];

/// The limit tables that come with the program.
///
/// # Panics
///
/// Never in a tested build: every shipped file is loaded by a test.
pub fn builtin() -> Vec<LimitTable> {
    TABLES
        .iter()
        .map(|(name, text)| load_str(name, text).expect("every shipped limit table is loaded by a test"))
        .collect()
}

/// The step programmes that come with the program.
///
/// # Panics
///
/// Never in a tested build: every shipped file is loaded by a test.
pub fn builtin_programmes() -> Vec<Programme> {
    PROGRAMMES
        .iter()
        .map(|(name, text)| load_programme_str(name, text).expect("every shipped programme is loaded by a test"))
        .collect()
}
