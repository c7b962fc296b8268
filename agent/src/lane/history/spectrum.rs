//! The spectra of an N42.42 document as pictures: counts by channel, energies, regions and lines.
//!
//! Lines are marked for nuclides that the instrument named, and for peaks that it stated. What our own search finds is
//! listed as a hint beside it and marked with a question mark; nothing of it decides anything.

use tidewaiter_n42::{
    Document,
    analysis::{
        approximate,
        lines::nuclide,
        peaks::{candidates, hints},
        scale::EnergyScale,
        width::Width,
    },
    model::{Measurement, Spectrum},
};
use tidewaiter_words::{Language, say};

use super::{
    block::Block,
    plot::{self, Mark, Picture, real},
};

/// Spectra drawn of one document; a portal's many slices are in its file.
const MOST: usize = 4;
/// Lines marked in one spectrum.
const MOST_MARKS: usize = 24;
/// A line weaker than this part of its nuclide's strongest is not marked.
const STRONG: f64 = 0.2;
/// Quantile for a hint: with some hundred lines looked for, 3 finds hardly any by chance.
const K: f64 = 3.0;
/// Marks below an axis.
const TICKS: u32 = 8;

/// The pictures of a document, each with what it says about itself.
pub(super) fn blocks(document: &Document, log: bool, language: Language) -> Vec<Block> {
    let mut blocks = Vec::new();
    let spectra = || document.measurements.iter().flat_map(|it| it.spectra.iter().map(move |spectrum| (it, spectrum)));
    for (measurement, spectrum) in spectra().take(MOST) {
        blocks.extend(picture(document, measurement, spectrum, log, language));
    }
    let left_out = spectra().count().saturating_sub(MOST);
    if left_out > 0 {
        blocks.push(Block::Said(say(language, "spectrum-more", &[("count", left_out.into())]), "quiet"));
    }
    blocks
}

fn picture(
    document: &Document,
    measurement: &Measurement,
    spectrum: &Spectrum,
    log: bool,
    language: Language,
) -> Vec<Block> {
    let counts = spectrum.counts.as_slice();
    let scale =
        document.energy_calibration(&spectrum.energy_calibration).and_then(|it| EnergyScale::of(it, counts.len()).ok());
    let total = spectrum.counts.total().map_or_else(|| "–".to_owned(), |it| it.to_string());
    let (class, id) = (measurement.class.code(), &spectrum.id);
    let (live, real_time) =
        (spectrum.live_time.as_seconds().to_string(), measurement.real_time.as_seconds().to_string());
    let about = say(
        language,
        "spectrum-about",
        &[
            ("id", id.into()),
            ("class", class.into()),
            ("channels", counts.len().into()),
            ("total", (&total).into()),
            ("live", (&live).into()),
            ("real", (&real_time).into()),
        ],
    );
    let mut marks = scale.as_ref().map(|scale| marks(document, measurement, scale)).unwrap_or_default();
    let hinted = scale.as_ref().map(|scale| hinted(document, spectrum, scale)).unwrap_or_default();
    let named = |name: &str| marks.iter().any(|it| it.text.starts_with(name));
    let (names, ours): (Vec<String>, Vec<Mark>) = hinted.into_iter().filter(|(name, _)| !named(name)).unzip();
    marks.extend(ours);
    marks.truncate(MOST_MARKS);
    let axis = say(language, if scale.is_some() { "spectrum-axis-energy" } else { "spectrum-axis-channel" }, &[]);
    let ticks = ticks(scale.as_ref(), counts.len());
    let picture = Picture { title: &about, counts, log, ticks: &ticks, axis: &axis, marks: &marks };
    let mut blocks = vec![Block::Said(about.clone(), "")];
    blocks.extend(plot::spectrum(&picture).map(Block::Svg));
    if !names.is_empty() {
        let mut names = names;
        names.dedup();
        let names = names.join(", ");
        blocks.push(Block::Said(say(language, "spectrum-hints", &[("names", (&names).into())]), "quiet"));
    }
    blocks
}

/// Round energies, or channels where no energy is known.
fn ticks(scale: Option<&EnergyScale>, channels: usize) -> Vec<(f64, String)> {
    let (low, high) = scale.map_or((0.0, real(channels as u64)), EnergyScale::range);
    let rough = (high - low) / f64::from(TICKS);
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|it| it * power).find(|it| *it >= rough).unwrap_or(rough);
    let mut ticks = Vec::new();
    let mut at = (low / step).ceil() * step;
    while at <= high && ticks.len() <= 2 * TICKS as usize {
        let position = scale.map_or(Some(at), |it| it.position(at));
        ticks.extend(position.map(|position| (position, format!("{at:.0}"))));
        at += step;
    }
    ticks
}

/// What the instrument itself stated: regions, nuclides, peaks.
fn marks(document: &Document, measurement: &Measurement, scale: &EnergyScale) -> Vec<Mark> {
    let mut marks = Vec::new();
    for windows in &document.windows {
        for (from, to) in windows.starts.iter().zip(&windows.ends) {
            if let (Some(position), Some(until)) = (scale.position(*from), scale.position(*to)) {
                marks.push(Mark {
                    position,
                    until: Some(until),
                    text: format!("{}: {from:.0}–{to:.0} keV", windows.id),
                });
            }
        }
    }
    let of_it =
        document.analyses.iter().filter(|it| it.measurements.as_ref().is_none_or(|ids| ids.contains(&measurement.id)));
    for analysis in of_it {
        let identified = analysis.nuclides.iter().flat_map(|it| &it.nuclides).filter(|it| it.identified);
        for name in identified.map(|it| it.name.as_str()) {
            marks.extend(lines_of(name, scale, ""));
        }
        for peak in analysis.peaks.iter().flat_map(|it| &it.peaks) {
            let energy = approximate(peak.energy);
            marks.extend(scale.position(energy).map(|position| Mark {
                position,
                until: None,
                text: format!("{energy:.0}"),
            }));
        }
    }
    marks
}

fn lines_of(name: &str, scale: &EnergyScale, doubt: &str) -> Vec<Mark> {
    let Some(nuclide) = nuclide(name) else { return Vec::new() };
    let strong = nuclide.lines.iter().filter(|it| it.probability >= STRONG * nuclide.strongest());
    strong
        .filter_map(|line| {
            let position = scale.position(line.energy)?;
            Some(Mark { position, until: None, text: format!("{name}{doubt} {:.0}", line.energy) })
        })
        .collect()
}

/// Nuclides whose lines our own search found.
fn hinted(document: &Document, spectrum: &Spectrum, scale: &EnergyScale) -> Vec<(String, Mark)> {
    // Without a width the search would be of a detector that nobody named.
    let calibration = spectrum.width_calibration.as_deref().and_then(|id| document.width_calibration(id));
    let Some(width) = calibration.and_then(Width::of) else { return Vec::new() };
    let found = candidates(spectrum.counts.as_slice(), scale, &width, K);
    hints(&found, None)
        .iter()
        .flat_map(|hint| {
            lines_of(hint.nuclide.name, scale, "?").into_iter().map(|mark| (hint.nuclide.name.to_owned(), mark))
        })
        .collect()
}
