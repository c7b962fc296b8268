//! Peaks near known lines, and the nuclides they may come from.
//!
//! For each line of the table within the spectrum, the region of one full width on either side is measured against its
//! neighbourhood ([`region`](super::region)), and compared with Currie's critical level. A line is *found* when its net
//! counts are above that level and their centre lies within a third of the width. A nuclide is *named* when all its
//! lines of at least a fifth of its strongest one's probability are found, and, where the efficiency is known, their
//! intensities agree within a factor of two.
//!
//! This is a hint, not an identification: lines that a scintillator cannot part (295, 308 and 316 keV of Ir-192) spoil
//! each other's background, and shielding changes intensities. What the instrument itself identified stands in the
//! document.

use super::{
    limits::{Limits, of_area},
    lines::{Line, NUCLIDES, Nuclide},
    real,
    region::{Area, Region},
    scale::EnergyScale,
    width::Width,
};
use crate::model::Peak;

/// A line of the table, looked for in a spectrum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Whose line it is.
    pub nuclide: &'static Nuclide,
    /// The line.
    pub line: &'static Line,
    /// Where it was looked for.
    pub region: Region,
    /// What was there.
    pub area: Area,
    /// Currie's limits there.
    pub limits: Limits,
    /// Centre of the net counts in kiloelectronvolt; `None` without net counts.
    pub centre: Option<f64>,
    /// Full width at half maximum expected there, in kiloelectronvolt.
    pub width: f64,
}

/// A nuclide whose lines were found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hint {
    /// The nuclide.
    pub nuclide: &'static Nuclide,
    /// Its lines that were found.
    pub lines: Vec<Candidate>,
    /// Other nuclides named here whose found lines include all of these, within the detector's width: it may be they.
    pub or: Vec<&'static str>,
}

/// The part of the strongest line's probability from which a line must be found.
const MUST_BE_FOUND: f64 = 0.2;

/// How far intensities of one nuclide may differ.
const INTENSITY_FACTOR: f64 = 2.0;

impl Candidate {
    /// Whether the line is there.
    pub fn is_found(&self) -> bool {
        let near = |centre: f64| (centre - self.line.energy).abs() <= self.width / 3.0;
        self.area.net() > self.limits.critical && self.centre.is_some_and(near)
    }

    /// The candidate as a document states a peak; `None` without net counts.
    pub fn to_peak(&self) -> Option<Peak> {
        let rounded = |value: f64| format!("{value:.2}").parse().ok();
        let mut peak = Peak::new(rounded(self.centre?)?);
        peak.expected = rounded(self.line.energy);
        peak.width = rounded(self.width);
        peak.area = self.area.net_decimal(1);
        peak.area_uncertainty = self.area.uncertainty_decimal(1);
        Some(peak)
    }
}

/// Looks for every line of the table. Lines whose region does not fit the spectrum are left out.
///
/// `k` is the quantile for the error of the first kind; with some hundred lines looked for, 1.645 finds several that
/// are chance, and 3 hardly any.
pub fn candidates(counts: &[u64], scale: &EnergyScale, width: &Width, k: f64) -> Vec<Candidate> {
    let lines = NUCLIDES.iter().flat_map(|nuclide| nuclide.lines.iter().map(move |line| (nuclide, line)));
    lines.filter_map(|(nuclide, line)| candidate(counts, scale, width, k, nuclide, line)).collect()
}

fn candidate(
    counts: &[u64],
    scale: &EnergyScale,
    width: &Width,
    k: f64,
    nuclide: &'static Nuclide,
    line: &'static Line,
) -> Option<Candidate> {
    let width = width.at(line.energy);
    let first = scale.channel(line.energy - width)?;
    let last = scale.channel(line.energy + width)?;
    let side = (last - first).div_ceil(2).max(2);
    let region = Region { first, last, side };
    let area = Area::measure(counts, region).ok()?;
    let limits = of_area(&area, k)?;
    Some(Candidate { nuclide, line, region, area, limits, centre: centre(counts, scale, region, &area), width })
}

/// Centre of the counts above the line between both sides' means.
fn centre(counts: &[u64], scale: &EnergyScale, region: Region, area: &Area) -> Option<f64> {
    let Region { first, last, side } = region;
    let mean = |range: std::ops::Range<usize>| {
        let sum: f64 = counts.get(range)?.iter().map(|&it| real(it)).sum();
        Some(sum / real(side as u64))
    };
    let (left, right) = (mean(first - side..first)?, mean(last + 1..last + 1 + side)?);
    // From the middle of one side to the middle of the other.
    let span = real((last + 1 - first + side) as u64);
    let mut moment = 0.0;
    for (index, &count) in counts.get(first..=last)?.iter().enumerate() {
        let part = (real(index as u64) + 0.5 + real(side as u64) / 2.0) / span;
        let net = real(count) - (left + (right - left) * part);
        moment += net * scale.energy(real((first + index) as u64) + 0.5)?;
    }
    (area.net() > 0.0).then(|| moment / area.net())
}

/// Names the nuclides whose lines were found.
///
/// `efficiency` gives the full-energy peak efficiency at an energy, on any scale: only ratios are used.
pub fn hints(candidates: &[Candidate], efficiency: Option<&dyn Fn(f64) -> f64>) -> Vec<Hint> {
    let mut hints: Vec<Hint> = NUCLIDES.iter().filter_map(|nuclide| hint(nuclide, candidates, efficiency)).collect();
    let found: Vec<(&'static str, Vec<Candidate>)> =
        hints.iter().map(|it| (it.nuclide.name, it.lines.clone())).collect();
    for hint in &mut hints {
        let explains = |others: &[Candidate]| {
            hint.lines
                .iter()
                .all(|it| others.iter().any(|other| (other.line.energy - it.line.energy).abs() <= it.width))
        };
        let others = found.iter().filter(|(name, lines)| *name != hint.nuclide.name && explains(lines));
        hint.or = others.map(|(name, _)| *name).collect();
    }
    hints
}

fn hint(nuclide: &'static Nuclide, candidates: &[Candidate], efficiency: Option<&dyn Fn(f64) -> f64>) -> Option<Hint> {
    let of_it = || candidates.iter().filter(|it| it.nuclide.name == nuclide.name);
    let least = MUST_BE_FOUND * nuclide.strongest();
    let needed = || of_it().filter(|it| it.line.probability >= least);
    // The annihilation line names nothing by itself.
    let telling = needed().any(|it| !it.line.is_annihilation());
    if !telling || !needed().all(Candidate::is_found) {
        return None;
    }
    if let Some(efficiency) = efficiency {
        let strength = |it: &Candidate| it.area.net() / (it.line.probability * efficiency(it.line.energy));
        let (low, high) =
            needed().map(strength).fold((f64::MAX, 0.0_f64), |(low, high), it| (low.min(it), high.max(it)));
        // A strength that is no number agrees with nothing.
        if !needed().all(|it| strength(it).is_finite()) || high > INTENSITY_FACTOR * low {
            return None;
        }
    }
    let lines = of_it().filter(|it| it.is_found()).copied().collect();
    Some(Hint { nuclide, lines, or: Vec::new() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    use super::*;
    use crate::analysis::lines::nuclide;

    /// Expected counts of nuclides over a falling background, each decay giving `strength` counts per photon.
    fn spectrum(names: &[&str], scale: &EnergyScale, width: &Width, strength: f64) -> Vec<u64> {
        let lines = || names.iter().flat_map(|name| nuclide(name).unwrap().lines);
        (0..scale.channels())
            .map(|channel| {
                let low = scale.energy(real(channel as u64)).unwrap();
                let high = scale.energy(real(channel as u64 + 1)).unwrap();
                let energy = f64::midpoint(low, high);
                let peaks: f64 = lines()
                    .map(|line| {
                        let sigma = width.at(line.energy) / 2.355;
                        let shape = (-0.5 * ((energy - line.energy) / sigma).powi(2)).exp() / (sigma * 2.5066);
                        strength * line.probability * shape * (high - low)
                    })
                    .sum();
                (peaks + 60.0 * (high - low) * (-energy / 700.0).exp()).round() as u64
            })
            .collect()
    }

    fn germanium() -> (EnergyScale, Width) {
        let scale = EnergyScale::polynomial([0.0, 0.366_2, 0.0], 8192).unwrap();
        (scale, Width::Table(vec![(59.0, 1.6), (661.65, 1.9), (1460.8, 2.3), (2614.5, 3.0)]))
    }

    #[test]
    fn each_nuclide_is_found_in_its_own_spectrum() {
        let (scale, width) = germanium();
        for it in NUCLIDES.iter().filter(|it| it.name != "F-18") {
            let counts = spectrum(&[it.name], &scale, &width, 2e6);
            let hints = hints(&candidates(&counts, &scale, &width, 3.0), None);
            let names: Vec<_> = hints.iter().map(|hint| hint.nuclide.name).collect();
            assert!(names.contains(&it.name), "{} gives {names:?}", it.name);
        }
    }

    #[test]
    fn a_mixture_gives_its_parts_and_nothing_else() {
        let (scale, width) = germanium();
        let counts = spectrum(&["Cs-137", "Co-60", "K-40"], &scale, &width, 1e6);
        let found = hints(&candidates(&counts, &scale, &width, 3.0), Some(&|_| 1.0));
        let names: Vec<_> = found.iter().map(|hint| (hint.nuclide.name, hint.or.len())).collect();
        assert_eq!(names, [("K-40", 0), ("Cs-137", 0), ("Co-60", 0)]);
        let cs = found.iter().find(|hint| hint.nuclide.name == "Cs-137").unwrap();
        let line = cs.lines.first().unwrap();
        assert!((line.area.net() / (0.8499 * 1e6) - 1.0).abs() < 0.03);
        assert!((line.centre.unwrap() - 661.657).abs() < 0.1);
        let peak = line.to_peak().unwrap();
        assert_eq!(peak.expected.unwrap().to_string(), "661.66");
        assert_eq!(peak.area, line.area.net_decimal(1));
        // An efficiency that does not fit the intensities takes Co-60 away.
        let wrong =
            hints(&candidates(&counts, &scale, &width, 3.0), Some(&|energy| if energy < 1200.0 { 1.0 } else { 5.0 }));
        assert!(!wrong.iter().any(|hint| hint.nuclide.name == "Co-60"));
    }

    #[test]
    fn what_cannot_be_told_apart_is_said() {
        let (scale, width) = germanium();
        let found = |names: &[&str]| {
            let counts = spectrum(names, &scale, &width, 1e6);
            hints(&candidates(&counts, &scale, &width, 3.0), None)
        };
        // 511 keV alone names nothing.
        assert!(found(&["F-18"]).is_empty());
        // Radium at 186.21 and uranium at 185.72 keV lie within one width.
        let uranium = found(&["U-235"]);
        let radium = uranium.iter().find(|hint| hint.nuclide.name == "Ra-226");
        assert!(radium.is_none_or(|hint| hint.or.contains(&"U-235")));
        assert!(uranium.iter().any(|hint| hint.nuclide.name == "U-235"));
    }

    #[test]
    fn background_alone_names_nothing() {
        let (scale, width) = germanium();
        let counts = spectrum(&[], &scale, &width, 0.0);
        assert_eq!(hints(&candidates(&counts, &scale, &width, 3.0), None), []);
        assert_eq!(candidates(&[], &scale, &width, 3.0), []);
    }

    #[test]
    fn a_scintillator_sees_caesium() {
        let scale = EnergyScale::polynomial([0.0, 3.0, 0.0], 1024).unwrap();
        let counts = spectrum(&["Cs-137"], &scale, &Width::SODIUM_IODIDE, 2e5);
        let found = hints(&candidates(&counts, &scale, &Width::SODIUM_IODIDE, 3.0), None);
        assert_eq!(found.iter().map(|hint| hint.nuclide.name).collect::<Vec<_>>(), ["Cs-137"]);
    }
}
