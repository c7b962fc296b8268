//! Which protocols fit a stream of bytes, and what they say.
//!
//! Every candidate hears every byte. A protocol fits when enough of the stream is its whole, valid frames; one with
//! a checksum needs two frames, one without needs three and most of the bytes, because a text line can look like
//! many things. Most, not all: meters print reports between their readings. Where two fit, both are listed.

use tidewaiter_drivers::{
    Decimal, Unit,
    reading::{Doubt, Outcome, Quality},
};

use super::candidates::{Candidate, Ear, Heard, all};

/// Valid frames that a protocol with a checksum needs.
const FRAMES_CHECKED: u64 = 2;
/// Valid frames that a protocol without one needs.
const FRAMES_PLAIN: u64 = 3;
/// Share of the bytes that must be frames, in per cent: with and without a checksum.
const SHARE_CHECKED: u64 = 50;
const SHARE_PLAIN: u64 = 75;

/// One value that a candidate read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Protocol id.
    pub protocol: &'static str,
    /// Channel.
    pub channel: String,
    /// Value or reason.
    pub outcome: Outcome,
    /// Bytes of the frame, verbatim.
    pub raw: Vec<u8>,
    tells_motion: bool,
}

impl Observation {
    /// The digits as shown and their unit.
    pub fn value(&self) -> Option<(Decimal, Unit)> {
        self.outcome.ok().map(|it| (it.value, it.unit))
    }

    /// Whether the instrument says the value rests; `None` where it cannot say, or there is no value.
    pub fn stable(&self) -> Option<bool> {
        self.outcome.ok().filter(|_| self.tells_motion).map(|it| it.quality != Quality::Uncertain(Doubt::Unstable))
    }
}

/// How well a protocol fits what was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Protocol id, as it stands in a site file where it can.
    pub protocol: &'static str,
    /// Its frames carry a check.
    pub checked: bool,
    /// Valid frames.
    pub frames: u64,
    /// Frames whose check or content did not hold.
    pub refused: u64,
    /// Share of all bytes that are valid frames, in per cent.
    pub share: u64,
    /// Whether that is enough to name it.
    pub fits: bool,
}

/// Hears a stream with the ears of every candidate.
#[allow(missing_debug_implementations, reason = "ears are trait objects")]
pub struct Listener {
    ears: Vec<Hearing>,
    bytes: u64,
}

struct Hearing {
    candidate: Candidate,
    ear: Box<dyn Ear>,
    frames: u64,
    refused: u64,
    in_frames: u64,
}

impl Default for Listener {
    fn default() -> Self {
        Self::of(all())
    }
}

impl Listener {
    /// Listens for these candidates only.
    pub fn of(candidates: Vec<Candidate>) -> Self {
        let ears = candidates
            .into_iter()
            .map(|candidate| Hearing { ear: (candidate.make)(), candidate, frames: 0, refused: 0, in_frames: 0 })
            .collect();
        Self { ears, bytes: 0 }
    }

    /// Takes bytes; what each candidate reads in them goes to `tell`, whether it will turn out to fit or not.
    pub fn hear(&mut self, bytes: &[u8], mut tell: impl FnMut(Observation)) {
        for &byte in bytes {
            self.bytes += 1;
            for hearing in &mut self.ears {
                match hearing.ear.push(byte) {
                    Some(Heard::Frame { length, channels }) => {
                        hearing.frames += 1;
                        hearing.in_frames += length;
                        let raw = hearing.ear.raw().to_vec();
                        for (channel, outcome) in channels {
                            let Candidate { id: protocol, tells_motion, .. } = hearing.candidate;
                            tell(Observation { protocol, channel, outcome, raw: raw.clone(), tells_motion });
                        }
                    }
                    Some(Heard::Refused) => hearing.refused += 1,
                    Some(Heard::Garbage) | None => {}
                }
            }
        }
    }

    /// How many bytes were heard.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All candidates that read at least one frame, the best first.
    pub fn fits(&self) -> Vec<Fit> {
        let mut fits: Vec<Fit> = self
            .ears
            .iter()
            .filter(|hearing| hearing.frames > 0)
            .map(|hearing| {
                let share = (hearing.in_frames * 100).checked_div(self.bytes).unwrap_or(0).min(100);
                let checked = hearing.candidate.checked;
                let (frames, least) =
                    if checked { (FRAMES_CHECKED, SHARE_CHECKED) } else { (FRAMES_PLAIN, SHARE_PLAIN) };
                Fit {
                    protocol: hearing.candidate.id,
                    checked,
                    frames: hearing.frames,
                    refused: hearing.refused,
                    share,
                    fits: hearing.frames >= frames && share >= least && hearing.refused <= hearing.frames,
                }
            })
            .collect();
        fits.sort_by_key(|fit| (std::cmp::Reverse((fit.fits, fit.share, fit.checked, fit.frames)), fit.protocol));
        fits
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::{fs, path::Path};

    use proptest::prelude::*;

    use super::*;

    /// Frames kept with the drivers: hex before `=>`, one a line.
    fn frames(name: &str) -> Vec<Vec<u8>> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../drivers/frames").join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        text.lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|line| hex::decode(line.split("=>").next().unwrap().split_whitespace().collect::<String>()).unwrap())
            .collect()
    }

    fn named(bytes: &[u8]) -> Vec<&'static str> {
        let mut listener = Listener::default();
        listener.hear(bytes, |_| {});
        listener.fits().into_iter().filter(|fit| fit.fits).map(|fit| fit.protocol).collect()
    }

    #[test]
    fn captured_and_published_streams_are_named() {
        for (file, protocol) in [
            ("xk3190-captured.hex", "xk3190_tf0"),
            ("ph-captured.hex", "ph_stream"),
            ("st-gs-captured.hex", "st_gs"),
            ("rpm-session.hex", "rpm_lines"),
            ("hvi-published.hex", "uster_hvi"),
            ("ohaus-captured.hex", "ohaus"),
        ] {
            // The stream, without the report a meter prints at its end.
            let once: Vec<u8> = frames(file).into_iter().take(12).flatten().collect();
            let bytes = once.repeat(3);
            assert!(named(&bytes).contains(&protocol), "{file}: {:?}", named(&bytes));
        }
    }

    #[test]
    fn equals_frames_that_read_both_ways_are_listed_both_ways() {
        // `=000.3000` is 3.000 backwards and 0.3000 forwards: only a known mass can decide.
        let found = named(&b"=000.3000".repeat(5));
        assert!(found.contains(&"xk3190_equals_forward") && found.contains(&"xk3190_equals_reversed"), "{found:?}");
    }

    #[test]
    fn a_frame_without_motion_says_nothing_about_rest() {
        let bytes = frames("xk3190-captured.hex").concat().repeat(3);
        let mut seen = 0;
        Listener::default().hear(&bytes, |it| {
            if it.protocol == "xk3190_tf0" {
                assert_eq!(it.stable(), None);
                seen += 1;
            }
        });
        assert_eq!(seen, 9);
    }

    #[test]
    fn two_frames_in_a_sea_of_noise_are_not_named() {
        let frame = frames("xk3190-captured.hex").concat();
        let noise: Vec<u8> = (0..4000_u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(named(&[noise.clone(), frame, noise].concat()), Vec::<&str>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_bytes_in_any_pieces_come_to_the_same(bytes in prop::collection::vec(any::<u8>(), 0..2000), cut in 1_usize..64) {
            let mut whole = Listener::default();
            whole.hear(&bytes, |_| {});
            let mut pieces = Listener::default();
            for piece in bytes.chunks(cut) {
                pieces.hear(piece, |_| {});
            }
            prop_assert_eq!(whole.fits(), pieces.fits());
        }
    }
}
