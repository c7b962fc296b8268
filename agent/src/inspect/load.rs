//! Whether something is on the scale.

use tidewaiter_drivers::reading::Moment;

use super::elapsed_ms;

/// Longer than half a swing of a platform of 1 Hz; weighbridges swing with 2 to 5 Hz.
pub(crate) const SWING_MS: u64 = 500;

/// Which side of the threshold the scale is on, swings left out.
#[derive(Debug, Default)]
pub(crate) struct Load {
    pub(crate) on: bool,
    /// The side the indication is on now, and since when.
    since: Option<(bool, Moment)>,
}

impl Load {
    /// Takes an indication above (`loaded`) or below the threshold; gives the moment it came to that side.
    pub(crate) fn take(&mut self, loaded: bool, at: Moment) -> Moment {
        let since = match self.since {
            Some((side, since)) if side == loaded => since,
            _ => at,
        };
        self.since = Some((loaded, since));
        if elapsed_ms(since, at) >= SWING_MS {
            self.on = loaded;
        }
        since
    }
}
