//! The instrument node on the emulated board, and other people's programs around it.
//!
//! QEMU runs the image that was built for it; a plant link plays the sensors, and the EEPROM is a file. What these
//! tests know of registers, frames and blocks they have from the written layouts, and not from the node's code.

pub(crate) mod board;
mod chain;
pub(crate) mod client;
mod life;
mod noise;
mod others;
pub(crate) mod rig;
mod seal;
mod turnaround;
mod update;
mod vectors;

use tidewaiter_tests::process::pass;

#[test]
fn other_peoples_clients_read_and_write_the_node() {
    pass(others::clients());
}

#[test]
fn ten_thousand_polls_without_an_error() {
    pass(others::polls());
}

#[test]
fn a_reply_begins_within_a_millisecond_of_the_nodes_own_work() {
    pass(turnaround::by_instructions());
}

#[test]
fn what_the_sensors_feel_is_read() {
    pass(life::inputs());
}

#[test]
fn the_firmware_serves_the_vectors_of_its_profile() {
    pass(vectors::served());
}

#[test]
fn the_profile_carries_what_the_firmware_served() {
    pass(vectors::carried());
}

#[test]
fn a_starved_or_panicking_node_comes_back() {
    pass(life::faults());
}

#[test]
fn twenty_power_cuts_lose_nothing() {
    pass(life::cuts(20));
}

#[test]
fn ten_thousand_transactions_on_a_noisy_line() {
    pass(noise::transactions(10_000));
}

#[test]
fn a_value_in_the_plant_is_a_verified_record_through_a_serial_server() {
    pass(chain::from_plant_to_centre(board::Bus::Tcp));
}

#[test]
fn a_value_in_the_plant_is_a_verified_record_through_a_serial_line() {
    pass(chain::from_plant_to_centre(board::Bus::Terminal));
}

#[test]
fn an_image_is_updated_tried_kept_and_left() {
    pass(update::whole());
}

#[test]
fn an_update_completes_through_power_cuts() {
    pass(update::cuts());
}
