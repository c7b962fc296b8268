//! Spectrometers that speak for themselves: multichannel analysers for X-rays and gamma rays, and
//! optical spectrometers.
//!
//! Both families answer in long binary frames that carry their own length. A spectrum is never copied
//! out: it stays in the decoder's buffer and is handed out channel by channel until the next byte.
//! Not here: energy and wavelength calibration, peaks, and what a spectrum means.

pub mod dp5;
mod md5;
pub mod obp;
mod stream;
