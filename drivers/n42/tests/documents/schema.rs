//! What this crate writes, judged by the standard's schema.

use tidewaiter_n42::{read, write};

use crate::{any, build, samples};

fn valid(document: &str) {
    if let Some(said) = samples::invalid(document) {
        assert_eq!(said, Ok(()), "{document}");
    }
}

#[test]
fn made_documents_are_valid_and_read_back() {
    for document in [build::spectrum(), build::portal()] {
        let text = write(&document).unwrap();
        valid(&text);
        let back = read(text.as_bytes()).unwrap();
        assert!(back.notices.is_empty(), "{:?}", back.notices);
        assert_eq!(back.document, document);
    }
}

#[test]
fn spectra_are_compressed_where_that_is_shorter() {
    let mut document = build::spectrum();
    let text = write(&document).unwrap();
    assert!(text.contains(r#"<ChannelData compressionCode="CountedZeroes">0 3 12 40 25 0 1 7 0 4 1</ChannelData>"#));
    document.measurements[0].spectra[0].counts = vec![1, 2, 0, 3].into();
    assert!(write(&document).unwrap().contains(r#"<ChannelData compressionCode="None">1 2 0 3</ChannelData>"#));
}

#[test]
fn random_documents_are_valid() {
    use proptest::{
        strategy::{Strategy, ValueTree},
        test_runner::TestRunner,
    };
    if samples::folder().is_none() {
        return;
    }
    // Deterministic, so that a document the schema refuses is the same next time. Each costs a process.
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let document = any::document().new_tree(&mut runner).unwrap().current();
        valid(&write(&document).unwrap());
    }
}

#[test]
fn our_minimal_documents_and_the_samples_agree() {
    for (name, document) in [("minimal_spectrum.n42", build::spectrum()), ("minimal_portal_alarm.n42", build::portal())]
    {
        let Some(bytes) = samples::file(name) else { return };
        let sample = read(&bytes).unwrap();
        assert!(sample.notices.is_empty(), "{:?}", sample.notices);
        let sample = sample.document;
        assert_eq!(sample.measurements.len(), document.measurements.len());
        for (theirs, ours) in sample.measurements.iter().zip(&document.measurements) {
            assert_eq!(theirs.class, ours.class);
            assert_eq!(theirs.started.timestamp(), ours.started.timestamp());
            assert_eq!(theirs.real_time, ours.real_time);
            assert_eq!(theirs.gross_counts, ours.gross_counts);
            assert_eq!(theirs.spectra, ours.spectra);
            assert_eq!(theirs.item_states, ours.item_states);
            assert_eq!(theirs.occupied, ours.occupied);
        }
        assert_eq!(
            sample.items.first().map(|it| &it.characteristics),
            document.items.first().map(|it| &it.characteristics)
        );
        let alarms =
            |it: &tidewaiter_n42::Document| it.analyses.iter().flat_map(|it| it.alarms.clone()).collect::<Vec<_>>();
        for (theirs, ours) in alarms(&sample).iter().zip(alarms(&document)) {
            assert_eq!(
                (theirs.category, &theirs.detectors, &theirs.light),
                (ours.category, &ours.detectors, &ours.light)
            );
        }
    }
}
