//! The examples in the annexes of the standard.

use tidewaiter_n42::{
    analysis::{approximate, peaks, scale::EnergyScale, width::Width},
    check,
    model::{AlarmCategory, InstrumentClass, Scale},
    read, write,
};

use crate::samples;

const EXAMPLES: [&str; 8] = [
    "Annex_B.n42",
    "Annex_B_alternate_energy_calibration.n42",
    "Annex_C.n42",
    "Annex_D.n42",
    "Annex_E.n42",
    "Annex_G.n42",
    "Annex_H.n42",
    "Annex_L.n42",
];

#[test]
fn every_example_is_read_and_written_back() {
    for name in EXAMPLES {
        let Some(bytes) = samples::file(name) else { return };
        let read_once = read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let left_out: Vec<_> = read_once.notices.kept.iter().map(|it| it.text.as_str()).collect();
        if name == "Annex_L.n42" {
            // The example of an extension: two elements of a maker's own namespace in each measurement.
            assert!(left_out.iter().all(|it| it.starts_with("extension ")) && left_out.len() == 4, "{left_out:?}");
        } else {
            assert!(left_out.is_empty(), "{name}: {left_out:?}");
        }
        let breaches: Vec<_> =
            check(&read_once.document, None).into_iter().filter(|breach| !breach.rule.is_advice()).collect();
        assert_eq!(breaches, [], "{name}");
        let text = write(&read_once.document).unwrap();
        if let Some(said) = samples::invalid(&text) {
            assert_eq!(said, Ok(()), "{name}");
        }
        let read_twice = read(text.as_bytes()).unwrap();
        assert_eq!(read_twice.document, read_once.document, "{name}");
    }
}

#[test]
fn an_identifier_spectrum() {
    let Some(bytes) = samples::file("Annex_B.n42") else { return };
    let document = read(&bytes).unwrap().document;
    assert_eq!(document.instrument.class, InstrumentClass::Identifier);
    let measurement = &document.measurements[0];
    assert_eq!(measurement.started.timestamp().unwrap().to_string(), "2003-11-23T06:45:19Z");
    assert_eq!(measurement.real_time.as_seconds().to_string(), "60");
    let spectrum = &measurement.spectra[0];
    assert_eq!(spectrum.live_time.as_seconds().to_string(), "59.61");
    let counts = spectrum.counts.as_slice();
    assert_eq!((counts.len(), counts[3], counts[4], counts[115]), (256, 22, 421, 70));
    assert_eq!(document.energy_calibrations[0].scale, Scale::Polynomial([-21.8, 12.1, 6.55e-3]));

    // Potassium at 1460.8 keV stands in every background, and the example's own analysis names it.
    let scale = EnergyScale::of(&document.energy_calibrations[0], counts.len()).unwrap();
    let candidates = peaks::candidates(counts, &scale, &Width::SODIUM_IODIDE, 3.0);
    let hints = peaks::hints(&candidates, None);
    assert!(hints.iter().any(|hint| hint.nuclide.name == "K-40"), "{hints:?}");
    let potassium = candidates.iter().find(|it| it.nuclide.name == "K-40").unwrap();
    assert!((potassium.centre.unwrap() - 1460.83).abs() < 20.0);
    let net = potassium.area.net_decimal(1).unwrap();
    assert!((150.0..450.0).contains(&approximate(net)), "{net}");
}

#[test]
fn compressed_and_plain_spectra_of_one_example_agree() {
    let Some(bytes) = samples::file("Annex_C.n42") else { return };
    let document = read(&bytes).unwrap().document;
    let [plain, compressed] = [0, 1].map(|index| document.measurements[index].spectra[0].counts.clone());
    assert_eq!(plain, compressed);
    assert_eq!(document.measurements[1].dose_rates[0].value.unwrap().to_string(), "0.5");
    let analysis = &document.analyses[0];
    let nuclides = &analysis.nuclides.as_ref().unwrap().nuclides;
    let names: Vec<_> = nuclides.iter().map(|it| (it.name.as_str(), it.confidence.unwrap().to_string())).collect();
    assert_eq!(names, [("Cs-137", "0.99".to_owned()), ("K-40", "0.99".to_owned())]);
    assert_eq!(analysis.peaks.as_ref().unwrap().peaks[0].area.unwrap().to_string(), "1234.5");
    assert_eq!(Width::of(&document.width_calibrations[0]).unwrap().at(661.65).to_string(), "11.1");
}

#[test]
fn boundaries_give_the_same_energies_as_coefficients() {
    let (Some(first), Some(second)) =
        (samples::file("Annex_B.n42"), samples::file("Annex_B_alternate_energy_calibration.n42"))
    else {
        return;
    };
    let scale = |bytes: &[u8]| {
        let document = read(bytes).unwrap().document;
        let channels = document.measurements[0].spectra[0].counts.as_slice().len();
        EnergyScale::of(&document.energy_calibrations[0], channels).unwrap()
    };
    let (polynomial, boundaries) = (scale(&first), scale(&second));
    assert_eq!(polynomial.channels(), boundaries.channels());
    for position in [20.0, 55.5, 115.25, 200.0] {
        let (left, right) = (polynomial.energy(position).unwrap(), boundaries.energy(position).unwrap());
        assert!((left - right).abs() < 13.0, "{position}: {left} {right}");
    }
}

#[test]
fn portals() {
    let Some(bytes) = samples::file("Annex_D.n42") else { return };
    let document = read(&bytes).unwrap().document;
    assert_eq!(document.windows[0].starts.len(), 3);
    let occupied: Vec<_> = document.measurements.iter().filter_map(|it| it.occupied).collect();
    assert!(occupied.contains(&true) && occupied.contains(&false));
    let windowed = document.measurements.iter().flat_map(|it| &it.gross_counts).find(|it| it.id == "GC-7-1").unwrap();
    assert_eq!((windowed.counts.as_slice(), windowed.total()), (&[5, 22, 200][..], Some(227)));
    assert_eq!(windowed.live_time.as_seconds().to_string(), "0.1");

    let Some(bytes) = samples::file("Annex_E.n42") else { return };
    let document = read(&bytes).unwrap().document;
    assert_eq!(document.instrument.class, InstrumentClass::SpectroscopicPortal);
    let spectrum = &document.measurements[0].spectra[0];
    assert_eq!(spectrum.live_time.as_seconds().to_string(), "298.212262");
    assert!(spectrum.counts.as_slice()[..57].iter().all(|&count| count == 0));
    assert_eq!(spectrum.counts.as_slice()[57], 15);
    assert!(
        document
            .analyses
            .iter()
            .flat_map(|it| &it.alarms)
            .any(|it| it.category == AlarmCategory::Gamma || it.category == AlarmCategory::Isotope)
    );
}
