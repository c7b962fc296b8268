//! Survey meters, area monitors, backpacks, and the packets of spectrometers.

use tidewaiter_drivers::{
    Unit,
    radiation::{kromek_d5, ludlum_375, ludlum_2363, rs350, spectral_daily},
    spectrometer::{dp5, obp},
    wire::{Decode, Event},
};

use super::stream::{ENVELOPE, LINE, Reread, readings, written};

/// Room for a backpack's document here; the driver's own bound differs in nothing but size.
const DOCUMENT_BYTES: usize = 4 * 1024;

/// Every decoder of `radiation` and `spectrometer`, over the same bytes.
///
/// # Panics
///
/// When a decoder breaks a promise.
pub fn radiation_and_spectrometers(bytes: &[u8]) {
    let units = ludlum_2363::Units { rate: Unit::MicrosievertPerHour, dose: Unit::Microsievert };
    let decoder = || ludlum_2363::Decoder::new(units);
    readings("ludlum 2363", bytes, ludlum_2363::MAX_LINE_BYTES, LINE, decoder);
    written("ludlum 2363", bytes, decoder, |it| Some(ludlum_2363::encode(it)?.into_bytes().to_vec()));
    let decoder = || ludlum_375::Decoder::new(Unit::MicrosievertPerHour);
    readings("ludlum 375", bytes, ludlum_375::MAX_LINE_BYTES, LINE, decoder);
    written("ludlum 375", bytes, decoder, |it| Some(ludlum_375::encode(&it.line)?.into_bytes().to_vec()));
    let decoder = spectral_daily::Decoder::<{ spectral_daily::MAX_LINE_BYTES }>::new;
    readings("spectral daily", bytes, spectral_daily::MAX_LINE_BYTES, LINE, decoder);
    readings("rs350", bytes, DOCUMENT_BYTES, ENVELOPE, rs350::Decoder::<DOCUMENT_BYTES>::new);
    for crc in [kromek_d5::Crc::Checked, kromek_d5::Crc::Ignored] {
        readings("kromek d5", bytes, kromek_d5::MAX_ESCAPED_BYTES, Reread::Anywhere(b"\xC0", b"\xC0"), || {
            kromek_d5::Decoder::new(crc)
        });
    }
    let fresh = Reread::Fresh(b"", b"");
    readings("dp5", bytes, dp5::MAX_PACKET_BYTES, fresh, dp5::Decoder::<{ dp5::MAX_PACKET_BYTES }>::new);
    readings("obp", bytes, obp::MAX_MESSAGE_BYTES, fresh, obp::Decoder::<{ obp::MAX_MESSAGE_BYTES }>::new);
    spectra(bytes);
}

/// A spectrum is never longer than what carried it.
fn spectra(bytes: &[u8]) {
    let mut dp5 = dp5::Decoder::<{ dp5::MAX_PACKET_BYTES }>::new();
    let mut obp = obp::Decoder::<{ obp::MAX_MESSAGE_BYTES }>::new();
    let mut kromek = kromek_d5::Decoder::new(kromek_d5::Crc::Checked);
    let mut daily = spectral_daily::Decoder::<{ spectral_daily::MAX_LINE_BYTES }>::new();
    for &byte in bytes {
        if let Some(Event::Frame(_)) = dp5.push(byte) {
            assert!(dp5.spectrum().count() <= dp5::MAX_CHANNELS);
            assert!(dp5.data().len() + dp5::OVERHEAD_BYTES == dp5.raw().len());
            assert!(dp5.text().is_none_or(str::is_ascii));
        }
        if let Some(Event::Frame(_)) = obp.push(byte) {
            assert!(obp.pixels().count() * 2 <= obp.raw().len());
            assert!(obp.data().len() + obp.metadata().len() <= obp.raw().len());
            let _ = obp.number();
        }
        if let Some(Event::Frame(_)) = kromek.push(byte) {
            assert!(kromek.payload().count() <= kromek.raw().len());
            assert!(kromek.spectrum().count() * 2 <= kromek.raw().len());
        }
        if let Some(Event::Frame(_)) = daily.push(byte) {
            assert!(daily.list().count() <= daily.raw().len());
            assert!(daily.counts().count() <= daily.raw().len());
        }
    }
}
