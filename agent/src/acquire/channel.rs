//! Names of the channels that drivers without a register profile report on.

use tidewaiter_drivers::reading::Name;

/// The mass a weighing indicator displays: gross or net, whichever its operator chose to show.
pub const MASS: &str = "mass";
/// The gross mass, from an indicator that says which mass it shows.
pub const GROSS: &str = "gross";
/// Acidity of a pH meter.
pub const PH: &str = "ph";
/// Temperature a pH meter shows beside the acidity.
pub const TEMPERATURE: &str = "temperature";

/// Register channel, one bit: the instrument is still warming up, its values do not count yet.
pub(super) const WARMING_UP: &str = "warming-up";
/// Register channel, one bit: what the instrument tells is simulated, and so is every record made of it.
pub const SIMULATED: &str = "simulated";
/// Register channel, one bit: the instrument reports a fault of its own.
pub(super) const FAULT: &str = "fault";

/// A channel name, cut at the last whole character that fits the 32 bytes of a [`Name`].
pub(super) fn name(text: &str) -> Name {
    let mut name = Name::new();
    for character in text.chars() {
        if name.push(character).is_err() {
            break;
        }
    }
    name
}
