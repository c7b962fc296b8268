//! Gamma lines of the nuclides a port meets.
//!
//! Two public tables were compared line by line; each line says which of them carries it and what each gives:
//!
//! - *ground truth*: the "Isotope Ground Truth Database", evaluated data of ENSDF by way of NNDC, about 100 nuclides;
//! - *irrad*: `gamma_table.yaml` of SiLab-Bonn's `irrad_spectroscopy` (2018), half-lives above one day and
//!   probabilities above 1 % only, so that short-lived nuclides are not in it.
//!
//! Where both have a line, they agree within 1 % of the probability, but for some (81 keV of Ba-133, 208 keV of
//! Lu-177 …), which [`Line::is_disputed`] marks. Energies are the ground truth table's, in two places the finer digits
//! of the other. X-rays are left out (those of mercury at 69 to 80 keV dominate Tl-201 in a scintillator), and so are
//! lines of plutonium, for want of a source.

/// What a nuclide is met as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// Potassium and the chains of radium and thorium: minerals, fertilizer, ceramics.
    Natural,
    /// Given to patients.
    Medical,
    /// Sources of industry and calibration.
    Industrial,
    /// Fission and activation products.
    Reactor,
    /// Uranium and its nearest daughters: nuclear material.
    Nuclear,
}

impl Category {
    /// The stable spelling.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Natural => "natural",
            Self::Medical => "medical",
            Self::Industrial => "industrial",
            Self::Reactor => "reactor",
            Self::Nuclear => "nuclear",
        }
    }
}

/// Which table a line stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The ground truth table alone.
    GroundTruth,
    /// Both tables.
    Both,
}

/// A gamma line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Energy in kiloelectronvolt.
    pub energy: f64,
    /// Photons per decay, from the ground truth table; above 1 for annihilation, which gives two.
    pub probability: f64,
    /// The same from the irrad table, where it has the line.
    pub second: Option<f64>,
}

/// A nuclide with its lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nuclide {
    /// Its name, as documents spell it.
    pub name: &'static str,
    /// What it is met as.
    pub category: Category,
    /// Half-life in seconds.
    pub half_life: f64,
    /// Its lines, ascending.
    pub lines: &'static [Line],
}

impl Line {
    /// Where the line is from.
    pub const fn source(&self) -> Source {
        if self.second.is_some() { Source::Both } else { Source::GroundTruth }
    }

    /// Whether the tables differ by more than 1 % of the probability.
    pub fn is_disputed(&self) -> bool {
        self.second.is_some_and(|second| (second - self.probability).abs() > 0.01 * self.probability)
    }

    /// Whether it is the annihilation line, which every positron makes and which names nothing by itself.
    pub fn is_annihilation(&self) -> bool {
        (self.energy - 511.0).abs() < 1.0
    }
}

impl Nuclide {
    /// The probability of its strongest line.
    pub fn strongest(&self) -> f64 {
        self.lines.iter().fold(0.0, |most, line| line.probability.max(most))
    }
}

/// The nuclide of a name.
pub fn nuclide(name: &str) -> Option<&'static Nuclide> {
    NUCLIDES.iter().find(|it| it.name == name)
}

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;
const YEAR: f64 = 365.25 * DAY;

/// `name: category, half-life => [(energy, probability, the same of the second table)]`.
macro_rules! nuclides {
    ($($name:literal: $category:ident, $half_life:expr => [$(($energy:expr, $probability:expr, $second:expr)),*];)*) => {
        /// All nuclides.
        pub const NUCLIDES: &[Nuclide] = &[$(
            Nuclide {
                name: $name,
                category: Category::$category,
                half_life: $half_life,
                lines: &[$(Line { energy: $energy, probability: $probability, second: $second }),*],
            },
        )*];
    };
}

nuclides! {
    "K-40": Natural, 1.248e9 * YEAR => [(1460.83, 0.1066, Some(0.10669))];
    "Ra-226": Natural, 1600.0 * YEAR => [(186.21, 0.0359, Some(0.0359))];
    "Pb-214": Natural, 26.8 * MINUTE => [(241.98, 0.0743, None), (295.22, 0.1842, None), (351.93, 0.356, None)];
    "Bi-214": Natural, 19.9 * MINUTE => [(609.31, 0.4549, None), (768.36, 0.0489, None), (1120.29, 0.1492, None), (1238.11, 0.0579, None), (1377.67, 0.04, None), (1764.49, 0.1531, None), (2204.21, 0.0508, None)];
    "Ac-228": Natural, 6.15 * HOUR => [(338.32, 0.1127, None), (911.2, 0.258, None), (968.97, 0.158, None)];
    "Pb-212": Natural, 10.64 * HOUR => [(238.63, 0.436, None), (300.09, 0.0319, None)];
    "Bi-212": Natural, 60.55 * MINUTE => [(727.33, 0.0658, None)];
    "Tl-208": Natural, 3.053 * MINUTE => [(277.37, 0.0664, None), (510.77, 0.225, None), (583.19, 0.845, None), (860.56, 0.1265, None), (2614.51, 0.9979, None)];
    "U-235": Nuclear, 7.04e8 * YEAR => [(143.76, 0.1096, Some(0.1096)), (163.33, 0.0508, Some(0.0508)), (185.72, 0.572, Some(0.572)), (205.31, 0.0503, Some(0.0501))];
    "Th-234": Nuclear, 24.1 * DAY => [(63.29, 0.0484, Some(0.04838)), (92.38, 0.0274, Some(0.02812)), (92.8, 0.0271, Some(0.02772))];
    "Pa-234m": Nuclear, 1.17 * MINUTE => [(766.36, 0.00294, None), (1001.03, 0.00842, None)];
    "Cs-137": Industrial, 30.08 * YEAR => [(661.657, 0.8499, Some(0.851))];
    "Co-60": Industrial, 5.2714 * YEAR => [(1173.23, 0.9985, Some(0.99974)), (1332.49, 0.9998, Some(0.99986))];
    "Ba-133": Industrial, 10.551 * YEAR => [(53.16, 0.0214, Some(0.02199)), (79.61, 0.0265, Some(0.02626)), (80.997, 0.329, Some(0.3406)), (276.4, 0.0716, Some(0.07164)), (302.85, 0.1834, Some(0.18336)), (356.01, 0.6205, Some(0.62052)), (383.85, 0.0894, Some(0.08943))];
    "Am-241": Industrial, 432.2 * YEAR => [(26.34, 0.024, Some(0.024)), (59.541, 0.3592, Some(0.359))];
    "Co-57": Industrial, 271.74 * DAY => [(122.06, 0.856, Some(0.85578)), (136.47, 0.1068, Some(0.10677))];
    "Ir-192": Industrial, 73.829 * DAY => [(295.96, 0.2872, Some(0.2872)), (308.46, 0.297, Some(0.2968)), (316.51, 0.8286, Some(0.82711)), (468.07, 0.4781, Some(0.4781)), (604.41, 0.0823, Some(0.082)), (612.46, 0.0534, Some(0.0534))];
    "Se-75": Industrial, 119.78 * DAY => [(121.12, 0.172, Some(0.171)), (136.0, 0.585, Some(0.57918)), (264.66, 0.589, Some(0.58562)), (279.54, 0.252, Some(0.24848)), (400.66, 0.1141, Some(0.11402))];
    "Eu-152": Industrial, 13.537 * YEAR => [(121.78, 0.2837, Some(0.28634)), (244.7, 0.0753, Some(0.07598)), (344.28, 0.2658, Some(0.2652)), (778.9, 0.1297, Some(0.12942)), (964.08, 0.1463, Some(0.14632)), (1085.87, 0.1013, Some(0.10226)), (1112.07, 0.1354, Some(0.13669)), (1408.01, 0.2085, Some(0.21044))];
    "Na-22": Industrial, 2.6018 * YEAR => [(511.0, 1.798, None), (1274.53, 0.9994, Some(0.99944))];
    "Mn-54": Industrial, 312.2 * DAY => [(834.85, 0.99976, Some(0.99976))];
    "Cs-134": Reactor, 2.0652 * YEAR => [(604.72, 0.9762, Some(0.9762)), (795.86, 0.8546, Some(0.8553))];
    "Tc-99m": Medical, 6.01 * HOUR => [(140.51, 0.8906, None)];
    "I-131": Medical, 8.0252 * DAY => [(80.19, 0.0262, Some(0.02623)), (284.31, 0.0614, Some(0.06136)), (364.49, 0.817, Some(0.817)), (636.99, 0.0717, Some(0.07173)), (722.91, 0.0177, Some(0.01773))];
    "I-123": Medical, 13.2235 * HOUR => [(158.97, 0.833, None)];
    "F-18": Medical, 109.77 * MINUTE => [(511.0, 1.9346, None)];
    "Ga-67": Medical, 3.2617 * DAY => [(93.31, 0.3881, Some(0.39127)), (184.58, 0.2141, Some(0.2116)), (300.22, 0.1664, Some(0.16769)), (393.53, 0.0456, Some(0.04671))];
    "In-111": Medical, 2.8047 * DAY => [(171.28, 0.9066, Some(0.90249)), (245.35, 0.9409, Some(0.94009))];
    "Tl-201": Medical, 3.0421 * DAY => [(135.34, 0.0256, Some(0.02568)), (167.43, 0.1, Some(0.10013))];
    "Lu-177": Medical, 6.647 * DAY => [(112.95, 0.0617, Some(0.064)), (208.37, 0.1036, Some(0.11))];
    "Xe-133": Medical, 5.2475 * DAY => [(81.0, 0.37, Some(0.38))];
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        for (index, nuclide) in NUCLIDES.iter().enumerate() {
            assert!(!NUCLIDES.iter().skip(index + 1).any(|it| it.name == nuclide.name), "{} twice", nuclide.name);
            assert!(nuclide.half_life > 0.0 && !nuclide.lines.is_empty());
            assert!(nuclide.lines.is_sorted_by(|left, right| left.energy < right.energy), "{}", nuclide.name);
            for line in nuclide.lines {
                assert!((20.0..3000.0).contains(&line.energy));
                assert!(line.probability > 0.0 && line.probability <= if line.is_annihilation() { 2.0 } else { 1.0 });
            }
        }
    }

    #[test]
    fn the_tables_agree_but_for_a_few_lines() {
        let differs = |line: &Line| line.second.map_or(0.0, |second| (second / line.probability - 1.0).abs());
        let lines = || NUCLIDES.iter().flat_map(|it| it.lines.iter().map(move |line| (it.name, line)));
        let disputed: Vec<_> = lines().filter(|(_, line)| line.is_disputed()).map(|(name, _)| name).collect();
        assert!(disputed.contains(&"Ba-133") && disputed.contains(&"Lu-177") && !disputed.contains(&"Cs-137"));
        assert!(lines().all(|(_, line)| differs(line) < 0.07));
        assert_eq!(nuclide("Pb-214").unwrap().lines.first().unwrap().source(), Source::GroundTruth);
        assert_eq!(nuclide("Cs-137").unwrap().lines.first().unwrap().source(), Source::Both);
        assert!(nuclide("cs-137").is_none());
    }
}
