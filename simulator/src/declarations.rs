//! The declarations file of a scene: what somebody said about the lorries and specimens.

use std::collections::BTreeSet;

use tidewaiter_config::declarations::normalise;

use crate::world::World;

/// Lorries of an endless generator that are declared: a day of passages 17 s apart.
const MOST_DECLARED: u64 = 5_000;

/// Columns of every scene; numbers are in kilograms and whole axles. Facts about samples that have none of these
/// columns get their own, in alphabetical order.
const HEADER: [&str; 9] =
    ["subject", "axles", "vehicle", "drive-axle", "mass", "category", "goods", "scrap", "hs-code"];

/// The declarations of a scene as CSV: one row per declared lorry, by plate and by container, and one
/// per specimen, by sample number. An undeclared lorry has no row.
pub fn declarations_csv(world: &World) -> String {
    let mut rows: Vec<[String; 9]> = Vec::new();
    for passage in world.declared_passages(MOST_DECLARED) {
        let lorry = passage.lorry;
        let Some(declared) = &lorry.declared else {
            continue;
        };
        for subject in [Some(&lorry.plate), lorry.container.as_ref()].into_iter().flatten() {
            rows.push([
                subject.clone(),
                declared.axles.unwrap_or(lorry.axles).to_string(),
                lorry.vehicle.word().to_owned(),
                lorry.drive_axle.word().to_owned(),
                declared.mass_kg.to_string(),
                String::new(),
                declared.goods.clone(),
                if declared.scrap { "yes" } else { "no" }.to_owned(),
                declared.hs_code.clone().unwrap_or_default(),
            ]);
        }
    }
    for specimen in world.scene().ph_meter.iter().flat_map(|it| &it.specimens) {
        let mut row: [String; 9] = Default::default();
        let [subject, .., category, goods, _, _] = &mut row;
        (*subject, *category, *goods) = (specimen.sample.clone(), specimen.category.clone(), specimen.goods.clone());
        rows.push(row);
    }
    let samples: Vec<_> = world
        .scene()
        .rigs
        .iter()
        .flat_map(|rig| &rig.samples)
        .filter_map(|it| Some((&it.sample, it.declared.as_ref()?)))
        .collect();
    let own: BTreeSet<&str> = samples.iter().flat_map(|(_, facts)| facts.keys().map(String::as_str)).collect();
    let own: Vec<&str> = own.into_iter().filter(|it| !HEADER.contains(it)).collect();
    let mut rows: Vec<Vec<String>> = rows.into_iter().map(|row| filled(row.to_vec(), own.len())).collect();
    for (sample, facts) in samples {
        let columns = HEADER.iter().skip(1).chain(&own);
        let values = columns.map(|column| facts.get(*column).cloned().unwrap_or_default());
        rows.push([sample.clone()].into_iter().chain(values).collect());
    }
    let mut seen = BTreeSet::new();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(HEADER.iter().chain(&own)).and_then(|()| {
        // A lorry that comes twice is declared once; a second row would be a contradiction to some readers.
        rows.iter()
            .filter(|row| row.first().is_some_and(|it| seen.insert(normalise(it))))
            .try_for_each(|row| writer.write_record(row))
    });
    // Writing into memory, rows of equal length: neither can fail.
    written.ok().and_then(|()| writer.into_inner().ok()).and_then(|it| String::from_utf8(it).ok()).unwrap_or_default()
}

/// A row with empty fields for the columns that it has nothing for.
fn filled(mut row: Vec<String>, more: usize) -> Vec<String> {
    row.resize(row.len() + more, String::new());
    row
}
