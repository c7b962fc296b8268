//! The tables and programmes that come with the program.

use std::sync::LazyLock;

use super::{LimitTable, Programme, load_programme_str, load_str};

macro_rules! files {
    ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("../../", $path)))),*] };
}

const TABLES: &[(&str, &str)] = files![
    "limits/coal-cn-2014.toml",
    "limits/codex-food-1989.toml",
    "limits/container-max-gross.toml",
    "limits/copper-concentrate-cn-2017.toml",
    "limits/cotton-grades-2012.toml",
    "limits/diesel-cn-v.toml",
    "limits/diesel-cn-vi.toml",
    "limits/eu-tyre-label-2009.toml",
    "limits/function-check.toml",
    "limits/gasoline-cn.toml",
    "limits/gb1103.1-2012.toml",
    "limits/gb14882-1994-milk.toml",
    "limits/gb18401-2010-t1.toml",
    "limits/gb18401-2010-unfinished.toml",
    "limits/gb31701-2015.toml",
    "limits/gb4223.toml",
    "limits/gb5763-2018.toml",
    "limits/gb9744-2007.toml",
    "limits/gb9744-2015.toml",
    "limits/gbt20424-2006.toml",
    "limits/gbt20424-2025.toml",
    "limits/ghs-flammable-liquids.toml",
    "limits/gross-mass-cn-2016-tyres.toml",
    "limits/gross-mass-cn-2016.toml",
    "limits/imsbc-tml.toml",
    "limits/portal-sigma.toml",
    "limits/reach-50-consumer-parts.toml",
    "limits/reach-50-extender-oil.toml",
    "limits/scale-mpe.toml",
    "limits/scrap-radiation.toml",
    "limits/uk-irr17-natural.toml",
    "limits/un-class-3.toml",
    "limits/vgm-cn.toml",
    "limits/vgm-uk.toml",
    "limits/wim-mpe.toml",
];

const PROGRAMMES: &[(&str, &str)] = files![
    "programmes/demo.toml",
    "programmes/fmvss139-endurance-6000n.toml",
    "programmes/fmvss139-high-speed-6000n.toml",
];

/// The limit tables that come with the program.
///
/// # Panics
///
/// Never in a tested build: every shipped file is loaded by a test.
pub fn builtin() -> Vec<LimitTable> {
    // Read once: a site file is read again and again by a process that lives for months.
    static READ: LazyLock<Vec<LimitTable>> = LazyLock::new(|| {
        TABLES
            .iter()
            .map(|(name, text)| load_str(name, text).expect("every shipped limit table is loaded by a test"))
            .collect()
    });
    READ.clone()
}

/// The step programmes that come with the program.
///
/// # Panics
///
/// Never in a tested build: every shipped file is loaded by a test.
pub fn builtin_programmes() -> Vec<Programme> {
    // Read once: a site file is read again and again by a process that lives for months.
    static READ: LazyLock<Vec<Programme>> = LazyLock::new(|| {
        PROGRAMMES
            .iter()
            .map(|(name, text)| load_programme_str(name, text).expect("every shipped programme is loaded by a test"))
            .collect()
    });
    READ.clone()
}

/// The files of the limit tables that come with the program: records name them by the SHA-256 of their text.
pub fn builtin_texts() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|(_, text)| *text)
}
