//! Whole captures, when the folder with them is at hand.
//!
//! Set `TIDEWAITER_SAMPLES` to a folder with `serial_captures/` and `synthetic/`.

use std::{
    env, fs,
    io::{Write as _, stderr},
    path::{Path, PathBuf},
};

use tidewaiter_drivers::bench::ph;

use crate::{
    frames::{check_boundary_session, passages},
    only_frames,
};

/// A file of the samples folder, or nothing, said aloud.
#[expect(clippy::explicit_write, reason = "the test harness swallows what eprintln! prints in a test that passes")]
pub(crate) fn sample(name: &str) -> Option<Vec<u8>> {
    let folder = env::var_os("TIDEWAITER_SAMPLES").map(PathBuf::from).filter(|it| it.is_dir());
    let Some(folder) = folder else {
        writeln!(stderr(), "SKIPPED: {name}, because TIDEWAITER_SAMPLES names no folder").unwrap();
        return None;
    };
    Some(fs::read(folder.join(Path::new(name))).unwrap())
}

#[test]
fn whole_ph_capture() {
    let Some(stream) = sample("serial_captures/ph_meter_stream_and_report.bin") else {
        return;
    };
    let shown = only_frames(&mut ph::Decoder::at_line_start(), &stream);
    let ph: Vec<_> = shown.iter().map(|it| it.ph.to_string()).collect();
    let expected = "4.54 4.57 4.58 4.68 4.71 4.72 4.74 4.76 4.77 4.78 4.78 4.78 4.78 4.77 4.77 4.77 4.77";
    assert_eq!(ph.join(" "), expected);
    assert!(shown.iter().all(|it| it.compensated && it.celsius.is_some_and(|it| it.to_string() == "24.7")));
}

#[test]
fn whole_portal_session() {
    let Some(stream) = sample("synthetic/rpm_tsa_session.txt") else {
        return;
    };
    check_boundary_session(&passages(&stream));
}
