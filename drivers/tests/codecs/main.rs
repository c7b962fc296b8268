//! The codecs against bytes that did not come from them, and against all bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::similar_names, reason = "LLD and ULD are the words of the set-up lines")]

mod frames;
mod lab;
mod lab_properties;
mod modbus;
mod properties;
mod radiation;
mod samples;
mod scales;
mod scales_properties;
mod spectrometer;

use tidewaiter_drivers::wire::{Decode, Event};

/// All events of a stream, each with the raw bytes the decoder had then.
fn events<D: Decode>(decoder: &mut D, stream: &[u8]) -> Vec<(Event<D::Item>, Vec<u8>)> {
    stream.iter().filter_map(|&byte| decoder.push(byte).map(|event| (event, decoder.raw().to_vec()))).collect()
}

/// The frames of a stream; panics at anything refused or dropped.
fn only_frames<D: Decode<Item: std::fmt::Debug>>(decoder: &mut D, stream: &[u8]) -> Vec<D::Item> {
    let frame = |(event, raw): (Event<D::Item>, Vec<u8>)| match event {
        Event::Frame(item) => item,
        other => panic!("{other:?} at {raw:02X?}"),
    };
    events(decoder, stream).into_iter().map(frame).collect()
}

/// The rows of a frame file: bytes and what they say.
fn rows(file: &str) -> Vec<(Vec<u8>, String)> {
    let row = |line: &str| {
        let (bytes, says) = line.split('#').next()?.split_once("=>")?;
        Some((hex::decode(bytes.replace(' ', "")).unwrap(), says.trim().to_owned()))
    };
    let rows: Vec<_> = file.lines().filter_map(row).collect();
    assert_eq!(rows.len(), file.lines().filter(|it| !it.trim().is_empty() && !it.starts_with('#')).count());
    rows
}

/// A frame file by name.
macro_rules! frame_file {
    ($name:literal) => {
        $crate::rows(include_str!(concat!("../../frames/", $name, ".hex")))
    };
}
pub(crate) use frame_file;
